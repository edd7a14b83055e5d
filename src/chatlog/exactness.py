"""What it adds to hold all that is asked: each word of it, or a phrase, an identifier, a line just as it was typed.

What a tool puts out is long, and has every word somewhere: there it counts for less, but for a line that was copied.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from chatlog import ranking
from chatlog.hunt import Hunt
from chatlog.models import Term
from chatlog.ranking import Weighed
from chatlog.store.words import Spot

#: What it adds to hold a phrase, identifier or path of the query exactly as it was typed.
LITERAL = 0.5
#: What it adds to hold every word of the query in one message.
COMPLETE = 0.3
#: So many words in a row are a line that somebody copied.
LINE = 4
#: So many characters of a message are looked through for the phrase.
PHRASE_SCAN = 100_000


def bonus(hunt: Hunt, terms: Sequence[Weighed], spots: Sequence[Spot]) -> dict[int, float]:
    """Return what is added to the score of bodies at some spots."""
    here = frozenset(spot.body for spot in spots)  # few beside all that hold a word: what else does is not looked at
    held = [here & term.bodies for term in terms]
    phrase = _phrase(hunt, here.intersection(*held)) if held else frozenset()
    said = held if hunt.scope.within == ("tool",) else [here & term.shown | here & term.authored for term in terms]
    found: dict[int, float] = {}
    for share, bodies in ((ranking.TOOL, held), (1.0, said)):
        literal, complete = _literal(terms, bodies), _complete(terms, bodies)
        literal |= phrase & complete
        found |= {body: share * (LITERAL * (body in literal) + COMPLETE * (body in complete))
                  for body in literal | complete}  # fmt: skip
    if len(hunt.query.terms) >= LINE:
        found |= dict.fromkeys(phrase & _complete(terms, held), LITERAL + COMPLETE)
    return found


def _literal(terms: Sequence[Weighed], held: Sequence[frozenset[int]]) -> frozenset[int]:
    """Return the messages that hold the query's phrases, identifiers and paths."""
    exact = [bodies for term, bodies in zip(terms, held, strict=True) if _is_literal(term.term)]
    return frozenset.intersection(*exact) if exact else frozenset()


def _is_literal(term: Term) -> bool:
    return term.phrase or bool(re.search(r"\w[^\w\s'’]+\w|\w_\w", term.text))


def _complete(terms: Sequence[Weighed], held: Sequence[frozenset[int]]) -> frozenset[int]:
    """Return the messages that hold every term that is anywhere, two at least."""
    places = [bodies for term, bodies in zip(terms, held, strict=True) if term.bodies]
    return frozenset.intersection(*places) if len(places) > 1 else frozenset()


def _phrase(hunt: Hunt, every: frozenset[int]) -> frozenset[int]:
    """Return those of the messages, which have every word of the query, that have them in a row."""
    words = hunt.query.terms
    if not every or len(words) < 2 or any(term.prefix for term in words):
        return frozenset()
    phrase = _in_a_row(hunt.query.text)
    phrase = phrase if phrase.isascii() else phrase.strip()  # where words are not spaced, it is within a run
    texts = hunt.store.words.texts(every, PHRASE_SCAN)  # by FTS5 a phrase costs as much as all the rest
    return frozenset(body for body, text in texts.items() if phrase in _in_a_row(text))


def _in_a_row(text: str) -> str:
    return " ".join(["", *re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()), ""])
