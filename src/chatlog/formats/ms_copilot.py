"""Microsoft Copilot's activity history: the CSV that the privacy dashboard gives, a row for each message.

A conversation is known by its title alone, the newest row stands first, and an answer has the time of its question:
the rows are turned round, not sorted.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from chatlog.formats import Head, build
from chatlog.formats.jsonstream import encoding_of
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record
from chatlog.timespec import instant

LOCATIONS: tuple[str, ...] = ()

_COLUMNS = ["conversation", "time", "author", "message"]
_ROLES = {"human": "user", "user": "user", "ai": "assistant"}
#: The most that the csv module takes in one cell; left alone it refuses long answers.
_LONGEST = 2**31 - 1


class _Row(NamedTuple):
    talk: str
    time: str
    author: str
    words: str


def sniff(head: Head) -> bool:
    """Say whether this is an activity history: its first line names the columns."""
    cells = head.text[:100].partition("\n")[0].split(",")
    return not head.is_binary and _is_header([cell.strip().strip('"') for cell in cells])


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation with its messages, the oldest first."""
    rows: list[_Row] = []
    empty = 0
    for row in _rows(source):
        if isinstance(row, Problem):
            yield row
        elif row.words.strip():
            rows.append(row)
        else:
            empty += 1
    if _is_newest_first(rows):
        rows.reverse()
    talks: dict[str, list[_Row]] = {}
    for row in rows:
        talks.setdefault(row.talk, []).append(row)
    for talk, said in talks.items():
        yield from _conversation(talk, said)
    if empty:
        yield LeftOut("rows without words", empty)


def _is_newest_first(rows: list[_Row]) -> bool:
    first, last = (rows[0], rows[-1]) if rows else (None, None)
    if first is None or last is None or first.time == last.time:
        return first is not None and _ROLES[first.author.lower()] == "assistant"
    return first.time > last.time


def _is_header(cells: list[str]) -> bool:
    return [cell.strip().lower() for cell in cells] == _COLUMNS


def _rows(source: Source) -> Iterator[_Row | Problem]:
    """Yield the rows below the header, and a problem for each that is none."""
    csv.field_size_limit(_LONGEST)
    with (
        source.open() as stream,
        io.TextIOWrapper(stream, encoding_of(source.head(4)), errors="replace", newline="") as text,
    ):
        lines = csv.reader(text, strict=True)
        while True:
            try:
                cells = next(lines, None)
            except csv.Error as error:
                yield Problem(f"line {lines.line_num}", str(error))
                continue
            if cells is None:
                return
            if len(cells) == len(_COLUMNS) and cells[2].strip().lower() in _ROLES:
                talk, time, author, words = cells
                yield _Row(talk.strip(), time.strip(), author.strip(), words)
            elif cells and not _is_header(cells):
                yield Problem(f"line {lines.line_num}", "not a row of conversation, time, author and message")


def _conversation(talk: str, said: list[_Row]) -> Iterator[Record]:
    yield ConversationDraft(
        source_id=talk or "untitled",
        title=talk or None,
        created_at=instant(said[0].time),
        updated_at=instant(said[-1].time),
    )
    last: str | None = None
    used: Counter[str] = Counter()
    for row in said:
        words = hashlib.sha256(row.words.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        role = _ROLES[row.author.lower()]
        last, before = build.numbered(f"{row.time}-{role}-{words}", used), last
        yield MessageDraft(role=role, text=row.words, created_at=instant(row.time), source_id=last, parent=before)
