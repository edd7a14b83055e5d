"""Conversations as CSV (RFC 4180): a row for each message of the whole tree, safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe in front; nothing else is changed.
It only writes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any

from chatlog.models import Conversation, Message

if TYPE_CHECKING:
    from chatlog.formats import Transcript

#: What begins a formula, in ASCII and in the full-width forms that some locales take for it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")

_COLUMNS: dict[str, Callable[[Conversation, Message], Any]] = {
    "ref": lambda _, message: message.ref,
    "conversation": lambda talk, _: talk.id,
    "title": lambda talk, _: talk.title,
    "source": lambda talk, _: talk.source,
    "source_id": lambda talk, _: talk.source_id,
    "project": lambda talk, _: talk.project,
    "tags": lambda talk, _: " ".join(talk.tags),
    "seq": lambda _, message: message.seq,
    "parent": lambda _, message: message.parent,
    "role": lambda _, message: message.role,
    "author": lambda _, message: message.author,
    "model": lambda _, message: message.model,
    "created_at": lambda _, message: message.created_at,
    "tokens": lambda _, message: message.tokens,
    "hidden": lambda _, message: "true" if message.hidden else "false",
    "text": lambda _, message: message.text,
    "parts": lambda _, message: _json(message.parts),
    "metadata": lambda _, message: _json(dict(message.metadata) or None),
}


def write(transcripts: Iterable[Transcript], out: IO[str]) -> None:
    """Write the names of the columns, then each message as it comes."""
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(_COLUMNS)
    for talk, messages in transcripts:
        for message in messages:
            rows.writerow([harmless(_cell(column(talk, message))) for column in _COLUMNS.values()])


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; one that looks like such a cell gets one more."""
    return "'" + cell if cell.lstrip("'").startswith(_FORMULA) else cell


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)
