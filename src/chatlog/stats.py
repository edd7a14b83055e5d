"""How large a history is and how it grows: totals, percentiles, turns that suddenly cost more, latency of reads.

Takes a store, returns numbers; knows no terminal.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from chatlog.errors import NotFoundError, UsageError, choices_hint
from chatlog.levels import LEAST_TURNS, kept_exchanges, level_of, window_for
from chatlog.models import Filters
from chatlog.store import Store
from chatlog.store.measures import DIMENSIONS, Exchange, Group, Size
from chatlog.telemetry import traced
from chatlog.tokens import CL100K, counter, tokenizer_for
from chatlog.wireforms import message_counter

PERCENTILES = (("p50", 0.50), ("p90", 0.90), ("p99", 0.99))
#: Turns have grown suddenly where the last few cost so many times what they used to, and at least so many tokens.
RECENT_TURNS, GROWN_TIMES, GROWN_TOKENS = 3, 4.0, 1_000
#: So many conversations' ends are read to measure how long a read takes, each so many messages long.
SAMPLE, SAMPLE_MESSAGES = 200, 50
#: The window of a conversation whose model is not known.
UNKNOWN_WINDOW = 128_000

Percentiles = Mapping[str, float | None]
#: Is told how many of how many conversations are counted.
Progress = Callable[[int, int], None]


class Grown(NamedTuple):
    """A conversation whose turns suddenly cost more: tokens of a turn before, and of late."""

    conversation: str
    title: str | None
    before: int
    after: int


class Compaction(NamedTuple):
    """How many conversations wait for a summary: since when the oldest of their turns waits, and how many tokens."""

    due: int
    lag_seconds: int
    lag_tokens: int


@dataclass(frozen=True, kw_only=True)
class Stats:
    """The measures of some conversations; tokens are cl100k's, of what a context would take from."""

    conversations: int
    messages: int
    tokens: int
    bytes: int
    file_bytes: int
    session_tokens: Percentiles
    session_messages: Percentiles
    tokens_per_turn: Percentiles
    window_share: Percentiles
    latency_ms: Percentiles
    grown: tuple[Grown, ...] = ()
    days: tuple[Group, ...] = ()
    by: tuple[Group, ...] = ()
    compaction: Compaction

    def record(self) -> dict[str, Any]:
        """Return the machine form (CLI.md section 3)."""
        found = asdict(self)
        groups = {"by": [one._asdict() for one in self.by], "days": [one._asdict() for one in self.days]}
        grown = [one._asdict() for one in self.grown]
        return {**found, **groups, "grown": grown, "compaction": self.compaction._asdict()}


@traced("stats")
def measure(
    stores: Sequence[Store],
    filters: Filters,
    by: str,
    stopwatch: Callable[[], float] = perf_counter,
    progress: Progress | None = None,
    *,
    budget: int | None = None,
) -> Stats:
    """Return the measures of the conversations that the filters let through, summed by one of `DIMENSIONS`.

    Several stores are several users' of one file.  Messages that are not counted yet are counted first.
    `stopwatch` returns seconds; `budget` is the window that compaction is due by, where it is set.
    Raises UsageError for an unknown dimension.
    """
    if by not in DIMENSIONS:
        raise UsageError(f"'{by}' is not what sums can be told apart by", choices_hint(by, DIMENSIONS))
    for store in stores:
        _count(store, filters, progress)
    held = [(store, store.measures.sizes(filters, CL100K)) for store in stores]  # a pass over all: made once
    sizes = [size for _, found in held for size in found]
    turns = {name: costs for store in stores for name, costs in store.measures.turns(filters, CL100K).items()}
    days = _summed(stores, filters, "day")
    return Stats(
        conversations=len(sizes),
        messages=sum(size.messages for size in sizes),
        tokens=sum(size.tokens for size in sizes),
        bytes=sum(size.bytes for size in sizes),
        file_bytes=stores[0].measures.file_bytes() if stores else 0,
        session_tokens=percentiles([size.tokens for size in sizes]),
        session_messages=percentiles([size.messages for size in sizes]),
        tokens_per_turn=percentiles([tokens for found in turns.values() for tokens in found]),
        window_share=percentiles([_share(size) for size in sizes]),
        latency_ms=percentiles([took for store, found in held for took in _latencies(store, found, stopwatch)]),
        grown=tuple(_grown(sizes, turns)),
        compaction=_compaction([_waiting(store, found, budget) for store, found in held]),
        days=tuple(days),
        by=tuple(days if by == "day" else _summed(stores, filters, by)),
    )


def _summed(stores: Sequence[Store], filters: Filters, by: str) -> list[Group]:
    """Return the groups of all stores, those of the same name summed: by day in order, else the largest first."""
    sums: dict[str, list[int]] = {}
    for store in stores:
        for name, *numbers in store.measures.groups(filters, CL100K, by):
            sums[name] = [old + new for old, new in zip(sums.get(name, [0] * len(numbers)), numbers, strict=True)]
    groups = [Group(name, *numbers) for name, numbers in sums.items()]
    return sorted(groups, key=lambda group: (group.name,) if by == "day" else (-group.messages, group.name))


def _count(store: Store, filters: Filters, progress: Progress | None) -> None:
    waiting = store.measures.uncounted(filters, CL100K)
    tokens_of = message_counter(counter(CL100K))
    for number, conversation in enumerate(waiting, 1):
        with suppress(NotFoundError):  # gone by now: counting a long history takes minutes
            store.measures.count(conversation, CL100K, tokens_of)
        if progress is not None:
            progress(number, len(waiting))


def percentiles(values: Sequence[float]) -> Percentiles:
    """Return the median, the 90th and 99th percentile and the largest of some values, by nearest rank; None of none."""
    if not values:
        return {name: None for name, _ in (*PERCENTILES, ("max", 1.0))}
    ordered = sorted(values)
    ranks = {name: ordered[min(int(share * len(ordered)), len(ordered) - 1)] for name, share in PERCENTILES}
    return {**ranks, "max": ordered[-1]}


def _share(size: Size) -> float:
    """Return how much of its model's window a conversation would fill."""
    return round(size.tokens / (tokenizer_for(size.model).window or UNKNOWN_WINDOW), 4)


def _grown(sizes: Sequence[Size], turns: Mapping[str, Sequence[int]]) -> list[Grown]:
    """Return the conversations whose last turns cost several times what they used to, the largest growth first."""
    found = []
    for size in sizes:
        costs = turns.get(size.id, ())
        if len(costs) <= 2 * RECENT_TURNS:
            continue
        before, after = median(costs[:-RECENT_TURNS]), median(costs[-RECENT_TURNS:])
        if after >= max(before * GROWN_TIMES, GROWN_TOKENS):
            found.append(Grown(size.id, size.title, int(before), int(after)))
    return sorted(found, key=lambda one: one.before - one.after)


def _compaction(waiting: Sequence[Compaction]) -> Compaction:
    return Compaction(
        due=sum(one.due for one in waiting),
        lag_seconds=max((one.lag_seconds for one in waiting), default=0),
        lag_tokens=sum(one.lag_tokens for one in waiting),
    )


def _waiting(store: Store, held: Sequence[Size], budget: int | None) -> Compaction:
    """Return what of a user's conversations `chatlog compact --due` would summarise."""
    sizes = {size.id: size for size in held if _fills(size.tokens, size, budget)}
    found = store.measures.unsummarised([*sizes], CL100K)
    due = [_due(exchanges, sizes[name], budget) for name, exchanges in found.items()]
    since = min((old[0].since for old in due if old), default=None)
    billed = (
        tokenizer_for(sizes[name].model).billed(sum(one.tokens for one in old))
        for name, old in zip(found, due, strict=True)
    )
    lag = (store.clock() - datetime.fromisoformat(since)).total_seconds() if since else 0
    return Compaction(due=sum(map(bool, due)), lag_seconds=max(int(lag), 0), lag_tokens=sum(billed))


def _due(exchanges: Sequence[Exchange], size: Size, budget: int | None) -> Sequence[Exchange]:
    """Return the exchanges of a conversation that wait for a summary, none where it is not due."""
    opened = [one for one in exchanges if one.opened]
    kept = kept_exchanges([one.tokens for one in opened], size.model, window_for(size.model, budget))
    old = exchanges[:-kept] if kept else ()
    is_due = sum(one.messages for one in old) >= LEAST_TURNS
    return old if is_due and _fills(sum(one.tokens for one in exchanges), size, budget) else ()


def _fills(tokens: int, size: Size, budget: int | None) -> bool:
    """Whether so many tokens are enough of a conversation's window to be summarised."""
    return level_of(tokenizer_for(size.model).billed(tokens), window_for(size.model, budget)) != "normal"


def _latencies(store: Store, held: Sequence[Size], stopwatch: Callable[[], float]) -> list[float]:
    """Return what reading the ends of some conversations took, in milliseconds; the same ones each time."""
    names = [size.id for size in held]
    found = []
    for name in random.Random(len(names)).sample(names, min(SAMPLE, len(names))):  # noqa: S311  no secret
        started = stopwatch()
        with suppress(NotFoundError):
            deque(store.messages(name, last=SAMPLE_MESSAGES), maxlen=0)
            found.append(round((stopwatch() - started) * 1000, 3))
    return found
