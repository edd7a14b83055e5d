"""Tests of how full a window is, and how many exchanges stay verbatim in it."""

from __future__ import annotations

import pytest

from chatlog.levels import kept_exchanges, level_of, window_for


@pytest.mark.parametrize(
    ("tokens", "level"),
    [
        (0, "normal"),
        (59, "normal"),
        (60, "summarize"),
        (79, "summarize"),
        (80, "facts"),
        (90, "notify"),
        (999, "notify"),
    ],
)
def test_a_level_begins_at_its_share(tokens: int, level: str) -> None:
    """Of a window of a hundred tokens; without a window anything is too much."""
    assert level == level_of(tokens, 100)
    assert "notify" == level_of(1, 0)


@pytest.mark.parametrize(
    ("model", "budget", "window"),
    [
        (None, None, 8_000), ("gpt-4", None, 8_192), ("gpt-5", None, 32_000), ("gpt-5", 100, 100),
        ("nobody-knows-it", None, 8_000), (None, 200_000, 200_000),
    ],
)  # fmt: skip
def test_the_window_is_the_budget_or_the_model_s_up_to_a_bound(
    model: str | None, budget: int | None, window: int
) -> None:
    """A model whose window nobody knows has the default one."""
    assert window == window_for(model, budget)


@pytest.mark.parametrize(
    ("costs", "window", "kept"),
    [
        ([], 100, 0), ([999] * 3, 100, 3), ([999] * 20, 100, 8), ([1] * 20, 100, 15), ([1] * 12, 100, 12),
        ([4] * 20, 100, 10), ([99, *[4] * 9], 100, 9), ([4] * 20, 98, 9),
    ],
)  # fmt: skip
def test_eight_to_fifteen_exchanges_stay_in_two_fifths_of_the_window(costs: list[int], window: int, kept: int) -> None:
    """As many as fit there, the least however long they are, all of them where there are few."""
    assert kept == kept_exchanges(costs, None, window)
    assert kept == kept_exchanges(costs, "claude-opus-4", int(window * 1.4 + 1))
