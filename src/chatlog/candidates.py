"""What may answer a question: messages that hold its words or mean the like, those around them, and how well each does.

Words count by BM25F with their neighbours, meaning by how alike the vectors are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatlog import exactness, ranking, weighing
from chatlog.hunt import Hunt
from chatlog.ranking import Weighed
from chatlog.shortlist import Ranked
from chatlog.store.vectors import UNKNOWN
from chatlog.store.words import Spot

#: So many of the nearest in meaning are looked at with those around them.
MEANING_SEEDS = 40
#: Messages within this distance of a candidate are candidates themselves.
SPREAD = 2
#: What it adds to be by somebody whom the question names, with all the rest of it right there.
NAMED = 0.2
#: What it adds to stand in the conversation most about the question: a single message may match by chance.
CONVERSATION = 0.2


@dataclass(slots=True)
class Candidates:
    """The places that may be shown or tell of others, and at the same index the scores of each."""

    spots: list[Spot]
    terms: Sequence[Weighed]
    scores: ranking.Scores
    alike: list[float]
    total: list[float]

    @property
    def have_meaning(self) -> bool:
        """Whether any of them has a vector to compare."""
        return any(value > UNKNOWN for value in self.alike)

    def ranked(self, index: int) -> Ranked:
        """Return a place with its scores."""
        alike = self.alike[index] if self.alike[index] > UNKNOWN else None
        return Ranked(self.spots[index], self.total[index], self.scores.words[index], alike)

    def best_first(self, found: Sequence[int]) -> list[int]:
        """Return places in the order of their scores, of equal ones the latest first."""
        return sorted(found, key=lambda index: (-self.total[index], -self.spots[index].body))


def gather(hunt: Hunt, weighed: Sequence[Weighed], *, by_words: bool) -> Candidates:
    """Gather what may answer, and score it."""
    scope = hunt.scope
    seeds = scope.allowed if scope.whole else hunt.seeds(weighed, SPREAD) if by_words else None
    seeds = seeds or frozenset()
    found = {spot[:2]: spot for spot in scope.around(seeds, SPREAD)}
    question = hunt.question({spot.author for spot in found.values()})
    if question is not None and not scope.whole:
        nearest = question.nearest(hunt.store, max(MEANING_SEEDS, hunt.options.limit), scope.allowed)
        more = hunt.may_be_found(nearest) - seeds
        found |= {spot[:2]: spot for spot in scope.around(more, SPREAD)}
        hunt.note_unseen(nearest, found.values())
    spots = [found[place] for place in sorted(found)]
    around = scope.surroundings(spots)
    terms = weighing.placed(hunt, weighed, spots)
    scores = weighing.scores(hunt, spots, around, terms if by_words else ())
    alike = [UNKNOWN] * len(spots) if question is None else question.cosines(hunt.store, around)
    exactly = exactness.bonus(hunt, terms, spots) if by_words else {}
    total = [
        score + NAMED * named + exactly.get(spot.body, 0.0)
        for spot, score, named in zip(spots, ranking.fused(scores.words, alike), scores.named, strict=True)
    ]
    if scope.allowed is None:
        shares = ranking.by_conversation(spots, total)
        total = [score + CONVERSATION * share for score, share in zip(total, shares, strict=True)]
    return Candidates(spots, terms, scores, alike, total)
