"""Words of a question that nobody wrote, as they were meant: one slip of the finger away from one that somebody did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_lowercase

from chatlog import query as language
from chatlog.hunt import Hunt
from chatlog.models import Term
from chatlog.query import Query
from chatlog.scope import Scope

#: Of shorter words too many are a slip away from another one, of names even more; what is longer is no word.
LEAST, LEAST_NAME, LONGEST = 5, 6, 30
#: So many of a query's words are put right, the longest; where more are unknown and none is known, it is about what is
#: not here.
MOST = 2
#: A word that is found by its stem must be written out in one of so many of its latest messages, and so far into each.
READ, READ_CHARS = 5, 20_000
_ALPHABETS = (ascii_lowercase, "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґ", "αβγδεζηθικλμνξοπρστυφχψως")


def corrected(hunt: Hunt) -> tuple[Query, dict[str, str]]:
    """Return the query of a hunt with misspelt words as messages spell them, and how these are spelt by how they were.

    What somebody wrote is never taken for misspelt, nor what is quoted or no word of one alphabet.
    """
    doubtful = {term: plain for term in hunt.query.terms if (plain := _doubtful(term, hunt.query))}
    words = {term: language.bare(plain.text) for term, plain in doubtful.items()}
    unknown = dict.fromkeys(words[term] for term, plain in doubtful.items() if not _is_known(hunt, plain, words[term]))
    meant: dict[str, str] = {}
    if len(unknown) > MOST and len(unknown) == len({*words.values()}):
        return hunt.query, meant
    for word in sorted(unknown, key=len, reverse=True)[:MOST]:
        if (other := _meant(hunt.scope, word)) is None:
            break  # a word that nobody here knows: the others may be such, and each of them takes its time
        meant[word] = other
    terms = (
        _spelt(term, words[term], meant[words[term]]) if words.get(term) in meant else term for term in hunt.query.terms
    )
    return hunt.query.of(tuple(terms)), meant


def _is_known(hunt: Hunt, term: Term, word: str) -> bool:
    return hunt.scope.is_there(term) or hunt.is_called(word)


def _doubtful(term: Term, query: Query) -> Term | None:
    """Return a term that may be misspelt, without its ending; None where that cannot be told."""
    if term.phrase or term.prefix:
        return None
    (plain,) = language.without_endings((term,))
    word = language.bare(plain.text)
    least = LEAST_NAME if query.has_capital(term) else LEAST
    return plain if word.isalpha() and least <= len(word) <= LONGEST and _letters(word) else None


def _spelt(term: Term, word: str, other: str) -> Term:
    """Return a term with one word in place of another, small and large letters and marks as they were."""
    other = other.capitalize() if term.text.istitle() else other
    return Term(re.sub(re.escape(word), other, term.text, flags=re.IGNORECASE))


def _meant(scope: Scope, word: str) -> str | None:
    """Return the word that most messages have of those a slip away."""
    others = [*dict.fromkeys(slips(word))]
    there = [others[number] for number in scope.store.words.known(others, scope.within, scope.span)]
    count = {other: scope.held(Term(other)).total for other in there}
    likeliest = sorted(there, key=lambda other: (-count[other], other))
    return next((other for other in likeliest if _is_written(scope, other)), None)


def _is_written(scope: Scope, word: str) -> bool:
    """Whether a word stands in messages as such: by its stem nonsense is found as well."""
    latest = sorted(scope.held(Term(word)).bodies)[-READ:]
    whole = re.compile(rf"\b{re.escape(language.folded(word))}\b")
    return any(whole.search(language.folded(text)) for text in scope.store.words.texts(latest, READ_CHARS).values())


def slips(word: str) -> Iterator[str]:
    """Yield what a word may have been before two letters changed places, or one came in, fell out or became another.

    The first letter is taken to be right, unless it changed places.
    """
    letters = _letters(word)
    for at in range(len(word)):
        head, tail = word[:at], word[at:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        if head:
            yield head + tail[1:]
            for letter in letters:
                yield head + letter + tail
                yield head + letter + tail[1:]
    for letter in letters:
        yield word + letter


def _letters(word: str) -> str:
    """Return the alphabet a word is written in; nothing where it is none of ours, or words have no blanks between."""
    if language.has_unspaced(word):
        return ""
    return next((letters for letters in _ALPHABETS if language.folded(word)[:1] in letters), "")
