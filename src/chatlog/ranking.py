"""How well messages answer a question: BM25F over a message's words, its neighbours', its author and its date.

Pure: it is given postings and places, and returns numbers.  The neighbours are what matters most: a reply is found
by its question's words.  The constants were chosen on the sets of `benchmarks/retrieval.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from heapq import nlargest
from operator import mul
from typing import NamedTuple

from chatlog.models import Term
from chatlog.store.vectors import UNKNOWN
from chatlog.store.words import Spot, Surroundings
from chatlog.timespec import MONTHS, WEEKDAYS

#: BM25's k1 and b: how soon more of the same word adds nothing, and how much its length counts against a message.
SATURATION, LENGTH = 0.8, 0.2
#: What a word counts in tool text, as the author's name, in a title that somebody gave the conversation, and in the
#: message before, the one before that …
TOOL, AUTHOR, TITLE, BEFORE = 0.5, 2.5, 1.0, (0.45, 0.35, 0.3, 0.2, 0.15, 0.15, 0.1, 0.1)
#: And in those after: an answer follows what it is about.
AFTER = (0.3, 0.25, 0.2, 0.15, 0.1, 0.1, 0.1, 0.1)
REACH = len(BEFORE)
NOTHING = bytes(2 * REACH + 1)
#: What a mark of `_windows` counts: no such word there, in shown text, in tool text, in both.
HEARD = (0.0, 1.0, TOOL, 1.0 + TOOL)
#: A word within so many messages counts as held (`Scores.shares`); one farther off says what the conversation is about,
#: not that this message answers.
SHARED = 4
#: A word within so many messages of an author's own counts as what that author speaks of (`Scores.named`).
ABOUT = 2
#: What verbs of asking count, and a character of a script whose words are runs of them.
WEAK, SIGN = 0.3, 0.5
#: What a pair of such characters counts nearby: it is no word, and stands everywhere.
NEARBY_PAIR = 0.1
#: In a smaller history than this one word more says nothing of how rare it is.
SMALL = 200
#: So many of the best of a conversation tell whether it is about the question.
TELLING = 5
#: What is within so many messages of another one is of the same stretch of talk.
STRETCH = 40
#: How meaning adds to words, whose best is 1.
MEANING = 0.4

_MONTHS = {word: number for number, name in enumerate(MONTHS, 1) for word in (name, name[:3])}
_DAYS = {word: number for number, name in enumerate(WEEKDAYS) for word in (name, name[:3])}


#: Months and days that are other words, too, and what stands before them where they are not.
_DOUBTFUL = frozenset(("may", "march", "mar", "sat", "sun", "wed"))
_BEFORE_DATES = (
    r"after|before|by|during|early|every|from|in|last|late|mid|next|of|on|since|this|till|until|st|nd|rd|th|\d+"
)


@dataclass(frozen=True)
class Weighed:
    """A term with its weight and where it is: in shown text, in tool text, as an author's name, in a given title."""

    term: Term
    weight: float
    shown: frozenset[int]
    tool: frozenset[int] = frozenset()
    authored: frozenset[int] = frozenset()
    titled: frozenset[int] = frozenset()  # conversations, not bodies
    nearby: float = 1.0  # what it counts where it only stands nearby

    @cached_property
    def bodies(self) -> frozenset[int]:
        """The bodies that have the term anywhere."""
        if self.tool or self.authored:
            return self.shown | self.tool | self.authored
        return self.shown


def rarity(found: int, total: int) -> float:
    """Return the weight of a term that `found` of `total` messages have (BM25's)."""
    total = max(total, found, SMALL)
    return math.log1p((total - found + 0.5) / (found + 0.5))


def weight_of(terms: Iterable[Weighed]) -> float:
    """Return what terms weigh together, 1 where that is nothing: shares are of it."""
    return sum(term.weight for term in terms) or 1.0


@dataclass(slots=True)
class Scores:
    """Of each spot: its score by words, and the share of the question that it and its neighbours hold.

    `named` is, for a spot of somebody whose words are asked for, the share of the rest of it that stands right there.
    """

    words: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    named: list[float] = field(default_factory=list)


def _windows(around: Surroundings, term: Weighed) -> Iterator[bytes]:
    """Yield for each spot where around it a term stands: a byte a place, in shown text 1, in tool text 2."""
    marks = bytes(map(term.shown.__contains__, around.row))
    if term.tool:
        beside = map(term.tool.__contains__, around.row)
        marks = bytes(shown + 2 * tool for shown, tool in zip(marks, beside, strict=True))
    return (marks[place - REACH : place + REACH + 1] for place in around.spots)


def word_scores(
    spots: Sequence[Spot],
    around: Surroundings,
    terms: Sequence[Weighed],
    dates: Sequence[float] = (),
    theirs: frozenset[int] = frozenset(),
) -> Scores:
    """Score spots by the words in them and within `REACH` of them; the question asks for the words in `theirs`."""
    mean = sum(spot.size for spot in spots) / len(spots) if spots else 1.0
    norms = [1 - LENGTH + LENGTH * spot.size / max(mean, 1.0) for spot in spots]
    total = weight_of(terms)
    asked = weight_of(term for term in terms if not term.authored)
    scores = Scores([weight / 2 for weight in dates] or [0.0] * len(spots), [0.0] * len(spots), [0.0] * len(spots))
    names = theirs.union(*(term.authored for term in terms))
    for term in terms:
        for index, window in enumerate(_windows(around, term)):
            authored = bool(term.authored) and spots[index].body in term.authored
            titled = bool(term.titled) and spots[index].conversation in term.titled
            if window == NOTHING and not authored and not titled:
                continue
            own, near, close, about = _heard(window)
            frequency = own / norms[index] + near * term.nearby + AUTHOR * authored + TITLE * titled
            scores.words[index] += term.weight * frequency / (SATURATION + frequency)
            if close or authored:
                scores.shares[index] += term.weight / total
            if about and not term.authored and spots[index].body in names:
                scores.named[index] += term.weight / asked
    return scores


@lru_cache(1 << 16)
def _heard(window: bytes) -> tuple[float, float, bool, bool]:
    """Return what a term counts in the middle of a window, what around it, whether within `SHARED`, and `ABOUT`."""
    marks = [HEARD[mark] for mark in window]
    near = sum(map(mul, reversed(BEFORE), marks)) + sum(map(mul, AFTER, marks[REACH + 1 :]))
    close = any(marks[REACH - SHARED : REACH + SHARED + 1])
    return marks[REACH], near, close, any(marks[REACH - ABOUT : REACH + ABOUT + 1])


# dates


def _is_of_a_date(before: str, word: str, after: str) -> bool:
    """Whether a word that may be a month or a day is one: by its capital within a sentence, or by its neighbours."""
    if before and word.istitle():
        return True
    return after.isdigit() or bool(re.fullmatch(_BEFORE_DATES, before.lower()))


class DateWords(NamedTuple):
    """The parts of a date that a question names."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None

    @classmethod
    def of(cls, text: str) -> DateWords:
        """Return what a question says of dates: `May 2023`, `on the 7th of May`, `last Sunday`."""
        words = re.findall(r"[A-Za-z]+|\d+", text)
        named = [
            word.lower()
            for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False)
            if word.lower() not in _DOUBTFUL or _is_of_a_date(before, word, after)
        ]
        named = [word for word in named if len(word) > 2 or word.isdigit()]
        month = next((_MONTHS[word] for word in named if word in _MONTHS), None)
        numbers = [int(word) for word in words if word.isdigit() and len(word) <= 4]
        return cls(
            year=next((number for number in numbers if 1970 <= number <= 2100), None),
            month=month,
            day=next((number for number in numbers if 1 <= number <= 31), None) if month else None,
            weekday=next((_DAYS[word] for word in named if word in _DAYS), None),
        )

    def weights(self, spots: Sequence[Spot]) -> list[float]:
        """Return how much of it each spot's date is; a rarer part weighs more."""
        if self == DateWords():
            return []
        return [self._weight(spot.created_at) for spot in spots]

    def _weight(self, created_at: str) -> float:
        at = datetime.fromisoformat(created_at)
        weight = math.log1p(2) if at.year == self.year else 0.0
        if at.month == self.month:
            weight += math.log1p(11) + (math.log1p(29) if at.day == self.day else 0.0)
        return weight + (math.log1p(6) if at.weekday() == self.weekday else 0.0)


# words and meaning


def fused(words: Sequence[float], alike: Sequence[float]) -> list[float]:
    """Return one score for each: words relative to their best, and meaning between its least and most alike."""
    best = max(words, default=0.0) or 1.0
    known = [value for value in alike if value > UNKNOWN]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    spread = (high - low) or 1.0
    return [word / best + MEANING * (max(value - low, 0.0) / spread) for word, value in zip(words, alike, strict=True)]


def by_conversation(spots: Sequence[Spot], scores: Sequence[float]) -> list[float]:
    """Return for each spot how much the best of its conversation have, of what those of the best one have."""
    found: dict[int, list[float]] = {}
    for spot, score in zip(spots, scores, strict=True):
        found.setdefault(spot.conversation, []).append(score)
    sums = {conversation: sum(sorted(of_it, reverse=True)[:TELLING]) for conversation, of_it in found.items()}
    best = max(sums.values(), default=0.0) or 1.0
    return [sums[spot.conversation] / best for spot in spots]


def by_stretch(spots: Sequence[Spot], scores: Sequence[float]) -> list[float]:
    """Return for each spot how much those within `STRETCH` of it have, of what those around the best one have.

    The spots are in the order of their places.
    """
    sums: list[float] = []
    first = last = 0
    held = 0.0
    for spot in spots:
        while last < len(spots) and _distance(spot, spots[last]) <= STRETCH:
            held += scores[last]
            last += 1
        while _distance(spots[first], spot) > STRETCH:
            held -= scores[first]
            first += 1
        sums.append(held)
    best = max(sums, default=0.0) or 1.0
    return [one / best for one in sums]


def _distance(one: Spot, later: Spot) -> float:
    """Return how many messages after another one a spot stands, without end where that is another conversation."""
    return later.seq - one.seq if one.conversation == later.conversation else math.inf


def best_seeds(terms: Sequence[Weighed], wanted: int, allowed: Callable[[Iterable[int]], Collection[int]]) -> list[int]:
    """Return the `wanted` bodies, of those allowed, that hold the most of the question, the best and latest first.

    Terms are taken rarest first.  Once so many bodies weigh more than all the terms that are left could give a new one,
    these only add to bodies that are there already.
    """
    sums: dict[int, float] = {}
    left = sum(term.weight for term in terms)
    for term in sorted(terms, key=lambda term: -term.weight):
        if len(sums) >= wanted and nlargest(wanted, sums.values())[-1] > left:
            found: Iterable[int] = sums.keys() & term.bodies
        else:
            found = allowed(term.bodies)
        added = dict.fromkeys(found, term.weight)
        for body in sums.keys() & added.keys():
            added[body] += sums[body]
        sums |= added
        left -= term.weight
    return [body for _, body in nlargest(wanted, zip(sums.values(), sums, strict=True))]
