"""Ranking: what words count nearby, and what of a question is held to be answered."""

from __future__ import annotations

from chatlog.models import Term
from chatlog.ranking import REACH, SHARED, Weighed, word_scores
from chatlog.store.words import Spot


def test_a_word_farther_off_ranks_but_is_no_share_of_the_question() -> None:
    """A word counts for all within reach, the nearer the more; only those close by are said to hold it."""
    spots = [Spot(1, seq, seq, None, "2026-11-20T00:00:00.000Z", 20, allowed=True) for seq in range(1, 12)]

    scores = word_scores(spots, [Weighed(Term("zebra"), 2.0, frozenset({1}))])

    assert sorted(scores.words, reverse=True) == scores.words
    assert REACH + 1 == sum(score > 0 for score in scores.words)
    assert SHARED + 1 == sum(share > 0 for share in scores.shares)
