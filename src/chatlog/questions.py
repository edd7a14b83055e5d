"""Several questions in one text, or one among other sentences: which they are, and their answers in turn.

Looked for as one, the sentence with the rarest words would have all the results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from chatlog import query as language
from chatlog.models import UNSPACED, Term
from chatlog.results import Result, Results
from chatlog.stopwords import stop_words_of

#: No more of them are looked for one by one: the last, where people come to what they want to know.
MOST = 4
#: A question of fewer words than this, not counting those that only ask, is about what was said before it.
LEAST_WORDS = 2
#: And one of few words with one of these.
_LEANING = frozenset(
    ("he", "her", "him", "his", "it", "its", "she", "that", "their", "them", "these", "they", "this", "those")
)
#: Where sentences end, and where they do within what has no blanks.
_END = re.compile(rf"{language.SENTENCE_END.pattern}\W*$")
_END_WITHIN = rf"(?<=[。？！；])(?=\w)|(?<=[?!;])(?=[{UNSPACED}])"
_ASKS = re.compile(r"[?？؟]\W*$")


def among(terms: Sequence[Term]) -> list[tuple[Term, ...]]:
    """Return the questions that can be looked for by themselves, none where a text says no more than one asks."""
    if sum(len(term.text) for term in terms) > language.QUESTION_CHARS:
        return []
    found: list[tuple[Term, ...]] = []
    more = False
    for sentence in _sentences(terms):
        stands = _stands_alone(sentence)
        if not _ASKS.search(sentence[-1].text):
            more |= stands
        elif stands:
            found.append(sentence)
        elif found:
            found[-1] += sentence
    return found[-MOST:] if len(found) + more > 1 else []


def _sentences(terms: Sequence[Term]) -> Iterator[tuple[Term, ...]]:
    sentence: list[Term] = []
    for term in terms:
        for piece in [term.text] if term.phrase or term.text.isascii() else re.split(_END_WITHIN, term.text):
            sentence.append(term._replace(text=piece))
            if not term.phrase and _END.search(piece):
                yield tuple(sentence)
                sentence = []
    if sentence:
        yield tuple(sentence)


def _stands_alone(sentence: tuple[Term, ...]) -> bool:
    words = {language.bare(term.text) for term in sentence}
    left_out = stop_words_of(words)
    said = [term for term in language.split_runs(sentence) if language.bare(term.text) not in left_out]
    least = LEAST_WORDS + (not _LEANING.isdisjoint(words))
    return sum(not language.is_weak(term) for term in said) >= least


def in_turn(each: Sequence[Results], whole: Results, limit: int) -> Results:
    """Return the best of each question and of the whole text in turn, as the answer to the whole."""
    found: dict[str, Result] = {}
    for rank in zip_longest(*(one.items for one in (whole, *each))):
        for item in filter(None, rank):
            found.setdefault(item.message.ref, item)
    tier = next((one.tier for one in (whole, *each) if one.items), whole.tier)
    warnings = tuple(dict.fromkeys(warning for one in (whole, *each) for warning in one.warnings))
    total = len(found) if len(found) < limit else None
    return whole._replace(items=tuple(found.values())[:limit], tier=tier, total=total, warnings=warnings)
