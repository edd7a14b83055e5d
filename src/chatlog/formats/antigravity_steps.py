"""The steps of an Antigravity transcript in their order, each in its last version.

Its writers append lines a little out of order, and a step again once it is done.  Of the two accounts of a conversation
``transcript_full.jsonl`` leads; now and then it lacks steps that ``transcript.jsonl`` has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from heapq import heappop, heappush
from itertools import islice
from typing import Any, NamedTuple

from chatlog.formats import build
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.source import Source
from chatlog.models import LeftOut, Problem
from chatlog.timespec import instant

SHORT, FULL = "transcript.jsonl", "transcript_full.jsonl"
#: So many steps are held back for one that belongs before them.
_AHEAD = 32
_UNFINISHED = frozenset({"GENERATING", "IN_PROGRESS", "PENDING", "QUEUED", "RUNNING", "WAITING"})

#: The number and the type of a step; tests of others repeat the number with other types.
Key = tuple[int, str]


def steps(source: Source) -> Iterator[Line | Problem | LeftOut]:
    """Yield the steps of a transcript, and those that only the shorter account beside it has, each in its place."""
    log = _Log(source)
    beside = source.sibling(SHORT) if source.stem + ".jsonl" == FULL else None
    more = _only_in(_Log(beside), log) if beside else iter(())
    upcoming = next(more, None)
    for entry in log.steps():
        number = _number(entry.value) if isinstance(entry, Line) else None
        while number is not None and upcoming is not None and upcoming[0] < number:
            yield upcoming[1]
            upcoming = next(more, None)
        yield entry
    if upcoming is not None:
        yield upcoming[1]
    yield from (line for _, line in more)
    if log.replaced:
        yield LeftOut("earlier versions of steps", len(log.replaced))


class _Seen(NamedTuple):
    """Where the version of a step stands that a later one may take the place of."""

    at: int
    source: Any
    status: Any
    created_at: Any


class _Log:
    """The lines of one file, read twice: first for which of them a later one takes the place of."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.held = None if source.folder else [*lines(source)]  # a stream can be read once
        self.newer: dict[int, Line] = {}
        self.replaced: set[int] = set()
        self.count = 0
        seen: dict[Key, _Seen] = {}
        for at, entry in enumerate(self._lines()):
            self.count = at + 1
            if isinstance(entry, Line) and (key := _key(entry.value)):
                self._note(seen, key, at, entry)
        self.keys = seen.keys()

    def _lines(self) -> Iterator[Line | Problem]:
        return lines(self.source) if self.held is None else iter(self.held)

    def _note(self, seen: dict[Key, _Seen], key: Key, at: int, entry: Line) -> None:
        row = entry.value
        before = seen.get(key)
        if before is not None and _is_version(row, before):
            self.newer[before.at] = entry
            self.replaced.add(at)
            at = before.at
        seen[key] = _Seen(at, row.get("source"), row.get("status"), row.get("created_at"))

    def steps(self) -> Iterator[Line | Problem]:
        """Yield what the file holds, a step that was written before its turn at its turn.

        A number that came before begins anew: from there on, the order is that of the file.
        """
        ahead: list[tuple[int, int, Line]] = []
        numbers: set[int] = set()
        for at, entry in enumerate(islice(self._lines(), self.count)):
            if isinstance(entry, Problem):
                yield entry
                continue
            if at in self.replaced:
                continue
            line = self.newer.get(at, entry)
            number = _number(line.value)
            if number is None or number in numbers:
                while ahead:
                    yield heappop(ahead)[2]
                yield line
                continue
            numbers.add(number)
            heappush(ahead, (number, at, line))
            if len(ahead) > _AHEAD:
                yield heappop(ahead)[2]
        while ahead:
            yield heappop(ahead)[2]


def _only_in(log: _Log, other: _Log) -> Iterator[tuple[int, Line]]:
    """Yield the steps, with their numbers, that one log has and the other has not."""
    for entry in log.steps():
        key = _key(entry.value) if isinstance(entry, Line) else None
        if isinstance(entry, Line) and key is not None and key not in other.keys:
            yield key[0], replace(entry, place=f"{SHORT} {entry.place}")


def _is_version(row: Mapping[str, Any], before: _Seen) -> bool:
    """Whether a step is the one before, further on: that was not done, or began at the same moment."""
    if row.get("source") != before.source:
        return False
    if isinstance(before.status, str) and before.status in _UNFINISHED:
        return True
    return row.get("created_at") == before.created_at and instant(before.created_at) is not None


def _number(row: Any) -> int | None:
    number = build.mapping(row).get("step_index")
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _key(row: Any) -> Key | None:
    number = _number(row)
    kind = row.get("type") if number is not None else None
    return (number, kind) if number is not None and isinstance(kind, str) else None
