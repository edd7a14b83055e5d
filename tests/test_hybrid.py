"""Search by both: what a question is refused for."""

from __future__ import annotations

import pytest

from chatlog import hybrid, query
from chatlog.hunt import Hunt
from chatlog.ranking import Scores
from chatlog.results import SearchOptions
from chatlog.store import Store
from chatlog.store.words import Spot


@pytest.mark.parametrize(("alike", "noise"), [(hybrid.ALIKE_ENOUGH + 0.01, False), (hybrid.ALIKE_ENOUGH - 0.01, True)])
def test_what_means_the_same_answers_a_question_without_its_words(store: Store, alike: float, noise: bool) -> None:
    """A question that shares no word with its answer is refused, unless their meanings are near enough."""
    hunt = Hunt(store, query.parse("which fish is it?", store.clock()), SearchOptions())
    spot = Spot(1, 1, 1, None, "2026-11-20T00:00:00.000Z", 20, allowed=True)
    field = hybrid._Field([spot], Scores([0.0], [0.0]), [alike], [0.35])

    assert noise == hybrid._is_noise(hunt, field, [0])
