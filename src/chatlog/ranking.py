"""How well messages answer a question: BM25F over a message's words, its neighbours', its author and its date.

Pure: it is given postings and places, and returns numbers.  The neighbours are what matters most: a reply is found
by its question's words.  The constants were chosen on the sets of `benchmarks/retrieval.py`.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chatlog.models import Term
from chatlog.store.words import Spot

#: How soon more of the same word adds nothing, and how much a long text is held against a message.
SATURATION, LENGTH = 0.8, 0.2
#: What a word counts in tool text, as the author's name, and in a neighbour at distance 1, 2 …
TOOL, AUTHOR, NEIGHBOURS = 0.5, 2.5, (0.4, 0.3, 0.25, 0.2, 0.15, 0.15, 0.1, 0.1)
REACH = len(NEIGHBOURS)
#: A word that stands farther off says where in a conversation one is, not that the question is answered.
SHARED = 4
#: What verbs of asking count, and a character of a script whose words are runs of them.
WEAK, SIGN = 0.3, 0.5
#: What a pair of such characters counts nearby: it is no word, and stands everywhere.
NEARBY_PAIR = 0.1
#: In a smaller history than this one word more says nothing of how rare it is.
SMALL = 200
#: How meaning adds to words, whose best is 1.
MEANING = 0.35

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name.lower(): number for names in (calendar.day_name, calendar.day_abbr) for number, name in enumerate(names)}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A term with its weight and where it is: in shown text, in tool text, as an author's name."""

    term: Term
    weight: float
    shown: frozenset[int]
    tool: frozenset[int] = frozenset()
    authored: frozenset[int] = frozenset()
    nearby: float = 1.0  # what it counts where it only stands nearby

    @property
    def bodies(self) -> frozenset[int]:
        """The bodies that have the term anywhere."""
        return self.shown | self.tool | self.authored


def rarity(found: int, total: int) -> float:
    """Return the weight of a term that `found` of `total` messages have (BM25's)."""
    total = max(total, found, SMALL)
    return math.log1p((total - found + 0.5) / (found + 0.5))


@dataclass(slots=True)
class Scores:
    """Of each spot: its score by words, and the share of the question that it and those around it hold."""

    words: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)


def word_scores(spots: Sequence[Spot], terms: Sequence[Weighed], dates: Sequence[float] = ()) -> Scores:
    """Score spots, which are in order of conversation and seq."""
    mean = sum(spot.size for spot in spots) / len(spots) if spots else 1.0
    norms = [1 - LENGTH + LENGTH * spot.size / max(mean, 1.0) for spot in spots]
    total = sum(term.weight for term in terms) or 1.0
    scores = Scores([0.0] * len(spots), [0.0] * len(spots))
    for term in terms:
        found, close = _frequencies(spots, term, norms)
        for index, frequency in found.items():
            scores.words[index] += term.weight * frequency / (SATURATION + frequency)
        for index in close:
            scores.shares[index] += term.weight / total
    for index, weight in enumerate(dates):
        scores.words[index] += weight / 2
    return scores


def _frequencies(spots: Sequence[Spot], term: Weighed, norms: Sequence[float]) -> tuple[dict[int, float], set[int]]:
    """Return the weighted frequency of a term where it is or stands near, and the spots within `SHARED` of it."""
    found: dict[int, float] = {}
    close: set[int] = set()
    last = len(spots) - 1
    for index, spot in enumerate(spots):
        own = (1.0 if spot.body in term.shown else 0.0) + (TOOL if spot.body in term.tool else 0.0)
        if spot.body in term.authored:
            found[index] = found.get(index, 0.0) + AUTHOR
            close.add(index)
        if not own:
            continue
        found[index] = found.get(index, 0.0) + own / norms[index]
        close.add(index)
        for distance, weight in enumerate(NEIGHBOURS, 1):
            for other in (index - distance, index + distance):
                if 0 <= other <= last and _beside(spots[other], spot, distance):
                    found[other] = found.get(other, 0.0) + own * weight * term.nearby
                    if distance <= SHARED:
                        close.add(other)
    return found, close


def _beside(one: Spot, other: Spot, distance: int) -> bool:
    return one.conversation == other.conversation and abs(one.seq - other.seq) == distance


def near(spots: Sequence[Spot], seeds: frozenset[int], reach: int) -> list[bool]:
    """Return which spots hold a seed or stand within `reach` of one."""
    close = [False] * len(spots)
    for index, spot in enumerate(spots):
        if spot.body not in seeds:
            continue
        for other in range(max(index - reach, 0), min(index + reach + 1, len(spots))):
            if spots[other].conversation == spot.conversation and abs(spots[other].seq - spot.seq) <= reach:
                close[other] = True
    return close


# dates


@dataclass(frozen=True, slots=True)
class DateWords:
    """The parts of a date that a question names."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None

    @classmethod
    def of(cls, text: str) -> DateWords:
        """Return what a question says of dates: `May 2023`, `on the 7th of May`, `last Sunday`."""
        words = re.findall(r"[a-z]+|\d+", text.lower())
        named = [word for word in words if len(word) > 2 or word.isdigit()]
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
    known = [value for value in alike if value >= -0.999]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    spread = (high - low) or 1.0
    return [word / best + MEANING * (max(value - low, 0.0) / spread) for word, value in zip(words, alike, strict=True)]


def best_seeds(terms: Sequence[Weighed], excluded: Mapping[int, object] | frozenset[int]) -> list[int]:
    """Return the bodies that hold the most of the question by themselves, the best and latest first."""
    sums: dict[int, float] = {}
    for term in terms:
        for body in term.bodies:
            sums[body] = sums.get(body, 0.0) + term.weight
    found = sums.items() if not excluded else [item for item in sums.items() if item[0] not in excluded]
    return [body for body, _ in sorted(found, key=lambda item: (-item[1], -item[0]))]
