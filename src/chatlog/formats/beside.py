"""What lies beside a source: files of the same folder or archive, which tell more of it and may be missing or damaged.

Nothing here raises for one that cannot be read: it costs the source nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from chatlog.formats.jsonstream import BROKEN_JSON, Line, document, lines
from chatlog.formats.source import UNREADABLE, Source


def beside(source: Source, name: str) -> Any:
    """Return the JSON document called `name` beside a source; None where there is none that can be read."""
    found = source.sibling(name)
    try:
        return document(found) if found else None
    except (*BROKEN_JSON, *UNREADABLE):
        return None


def text_beside(source: Source, name: str, size: int) -> str:
    """Return the first bytes of what is called `name` beside a source as text, none where it cannot be read."""
    found = source.sibling(name)
    try:
        return found.head(size).decode("utf-8", "replace") if found else ""
    except UNREADABLE:
        return ""


def bytes_beside(source: Source, name: str) -> bytes | None:
    """Return what is called `name` beside a source, None where there is nothing that can be read."""
    found = source.sibling(name)
    with suppress(*UNREADABLE):
        if found:
            with found.open() as stream:
                return stream.read()
    return None


def lines_beside(source: Source, name: str) -> Iterator[Line]:
    """Yield the lines that can be read of the JSONL called `name` beside a source."""
    found = source.sibling(name)
    with suppress(*UNREADABLE):
        yield from (line for line in (lines(found) if found else ()) if isinstance(line, Line))
