"""Microsoft Copilot's activity history: the CSVs that the privacy dashboard gives, a row for each message.

That of Copilot in Microsoft 365 has other columns.  A conversation is known by its title alone.  The newest row stands
first, and an answer may have the time of its question: the rows are turned round, not sorted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from chatlog.formats import Head, ids
from chatlog.formats.jsonstream import encoding_of
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record
from chatlog.timespec import instant

#: The columns of each, and in which of them conversation, time, author and message stand.
_COLUMNS: dict[tuple[str, ...], tuple[int, ...]] = {
    ("conversation", "time", "author", "message"): (0, 1, 2, 3),
    ("createdat", "messagecontent", "author", "chatname"): (3, 0, 2, 1),
}
_USERS = ("human", "user")
_TIME = "%m/%d/%Y %H:%M:%S %z"
#: The most that the csv module takes in one cell; left alone it refuses long answers.
_LONGEST = 2**31 - 1


class _Row(NamedTuple):
    talk: str
    moment: str | None
    author: str
    words: str

    @property
    def role(self) -> str:
        """Whose words they are: Copilot has a name in one file, and is AI in another."""
        return "user" if self.author.lower() in _USERS else "assistant"


def sniff(head: Head) -> bool:
    """Say whether this is an activity history: its first line names the columns."""
    return not head.is_binary and _order(head.text[:100].partition("\n")[0].replace('"', "").split(",")) is not None


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
    moments = [row.moment for row in rows if row.moment]
    if moments and moments[0] != moments[-1]:
        return moments[0] > moments[-1]
    return bool(rows) and rows[0].role == "assistant"


def _order(cells: list[str]) -> tuple[int, ...] | None:
    """Return where conversation, time, author and message stand below these names of columns."""
    return _COLUMNS.get(tuple(cell.strip().lower() for cell in cells))


def _rows(source: Source) -> Iterator[_Row | Problem]:
    """Yield the rows below the header, and a problem for each that is none."""
    csv.field_size_limit(_LONGEST)
    with (
        source.open() as stream,
        io.TextIOWrapper(stream, encoding_of(source.head(4)), errors="replace", newline="") as text,
    ):
        lines = csv.reader(text, strict=True)
        order: tuple[int, ...] = ()
        while True:
            try:
                cells = next(lines, None)
            except csv.Error as error:
                yield Problem(f"line {lines.line_num}", str(error))
                continue
            if cells is None:
                return
            if not order and (known := _order(cells)) is not None:
                order = known
            elif cells and len(cells) == len(order):
                talk, time, author, words = (cells[at] for at in order)
                yield _Row(talk.strip(), _moment(time.strip()), author.strip(), words)
            elif cells:
                yield Problem(f"line {lines.line_num}", "not a row of conversation, time, author and message")


def _moment(time: str) -> str | None:
    with suppress(ValueError):
        return instant(datetime.strptime(time, _TIME).isoformat())  # noqa: DTZ007
    return instant(time)


def _conversation(talk: str, said: list[_Row]) -> Iterator[Record]:
    yield ConversationDraft(
        source_id=talk or "untitled",
        title=talk or None,
        created_at=said[0].moment,
        updated_at=said[-1].moment,
    )
    yield from ids.dated(map(_message, said))


def _message(row: _Row) -> MessageDraft:
    return MessageDraft(
        role=row.role,
        text=row.words,
        author=None if row.author.lower() in (*_USERS, "ai") else row.author or None,
        created_at=row.moment,
    )
