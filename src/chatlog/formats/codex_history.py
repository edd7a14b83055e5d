"""The lines of a Codex rollout that goes on where another one stopped.

Since the summer of 2026 a thread that went back to an earlier turn, and one that was forked, has a file of its
own that names the file before it and how much of that counts.  Finds that file; what lines say is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chatlog.formats import build
from chatlog.formats.archive import unpacked
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.source import UNREADABLE, Source
from chatlog.models import LeftOut, Problem

#: Of so many files, each going on from the one before, the lines are read.
_DEEPEST = 100
_DAY = timedelta(days=1)


def lines_with_history(source: Source, deep: int = 0) -> Iterator[Line | Problem | LeftOut]:
    """Yield a rollout's lines; behind its first, those of the rollout before that it goes on from."""
    for line in lines(source):
        yield line
        if base := _base(line) if line_number(line) == 1 else None:
            try:
                yield from _before(source, base, deep)
            except UNREADABLE:  # a packed file is damaged, or an archive: what was read of it stays
                yield LeftOut("history before this file (in a rollout that cannot be read)", 1)


def _before(source: Source, base: Mapping[str, Any], deep: int) -> Iterator[Line | LeftOut]:
    """Yield the lines that a rollout goes on from."""
    before = _named(source, str(base["thread_id"])) if deep < _DEEPEST else None
    if before is None:
        yield LeftOut("history before this file (in a rollout that is not beside it)", 1)
    else:
        yield from _until(lines_with_history(before, deep + 1), base.get("end_ordinal_exclusive"))


def line_number(line: Line | Problem) -> int:
    """Return where a line stands, 0 for one that could not be read."""
    return line.number if isinstance(line, Line) else 0


def _base(line: Line | Problem) -> Mapping[str, Any] | None:
    """Return what a first line says of the rollout before."""
    value = line.value if isinstance(line, Line) else None
    base = build.within(value, "payload", "history_base")
    return base if isinstance(base, dict) and "thread_id" in base else None


def _until(held: Iterator[Line | Problem | LeftOut], end: Any) -> Iterator[Line | LeftOut]:
    """Yield the lines before the one of that number; their problems are told where their own file is read."""
    for line in held:
        if isinstance(line, Problem):
            continue
        ordinal = build.within(line.value, "ordinal") if isinstance(line, Line) else None
        if isinstance(ordinal, int) and isinstance(end, int) and ordinal >= end:
            return
        yield line


def _named(source: Source, name: str) -> Source | None:
    """Return the rollout of that name: of a thread, or of what one has gone on with."""
    folder = source.folder
    if folder is None:
        return None
    ends = tuple(f"{mark}{name}.jsonl" for mark in "-_")
    for place in (".", *_days(name), "../../../../archived_sessions"):
        for beside in folder.names(place):
            if beside.removesuffix(".zst").endswith(ends) and not source.name.endswith(beside.rpartition("/")[2]):
                found = folder.member(beside)
                return unpacked(found) if found else None
    return None


def _days(name: str) -> Iterator[str]:
    """Yield the folders a rollout may be in: those around the day that its name, a UUID of version 7, was made."""
    try:
        made = datetime.fromtimestamp(int(name.replace("-", "")[:12], 16) / 1000, UTC)
        days = (made, made - _DAY, made + _DAY)
    except (ValueError, OverflowError, OSError):
        return
    for day in days:
        yield f"../../../{day:%Y/%m/%d}"
