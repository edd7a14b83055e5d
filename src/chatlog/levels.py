"""How full a conversation's window is, when its old turns are due for a summary, and which turns stay verbatim.

The rules that contexts, compaction and statistics share; pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from chatlog.tokens import tokenizer_for

Level = Literal["normal", "summarize", "facts", "notify"]
#: From these shares of the window on: a rolling summary, key facts too, a notice that summaries carry the conversation.
BOUNDS: tuple[tuple[float, Level], ...] = ((0.9, "notify"), (0.8, "facts"), (0.6, "summarize"))
#: The window where neither a budget nor the model's window is known, and the most that a model's window alone gives.
DEFAULT_BUDGET, MOST_BY_WINDOW = 8_000, 32_000
#: The exchanges that stay verbatim: so many at the most, in this share of the window, and so many at the least.
MOST_KEPT, KEPT_SHARE, LEAST_KEPT = 15, 0.4, 8
#: Fewer new messages are not worth a summary.
LEAST_TURNS = 4


def level_of(tokens: int, window: int) -> Level:
    """Return how full a window is."""
    share = tokens / max(window, 1)
    return next((level for bound, level in BOUNDS if share >= bound), "normal")


def window_for(model: str | None, budget: int | None) -> int:
    """Return the window that a conversation is measured by, in tokens of its model."""
    window = tokenizer_for(model).window
    return budget or (min(window, MOST_BY_WINDOW) if window else DEFAULT_BUDGET)


def kept_exchanges(costs: Sequence[int], model: str | None, window: int) -> int:
    """Return how many of the last exchanges stay verbatim, by the tokens of each; all of them where they are few."""
    room = tokenizer_for(model).affordable(int(window * KEPT_SHARE))
    kept = min(LEAST_KEPT, len(costs))
    while kept < min(MOST_KEPT, len(costs)) and sum(costs[-kept - 1 :]) <= room:
        kept += 1
    return kept
