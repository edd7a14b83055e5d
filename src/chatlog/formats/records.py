"""The records of a JSON source: which way it holds them, as an array, a line each or one document, and reading each.

Looks at the beginning only and reads by `jsonstream`.  No format's knowledge lives here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any

from chatlog.formats.head import Head
from chatlog.formats.jsonstream import BROKEN_JSON, Line, document, is_json, items, leading, lines, text_of
from chatlog.formats.source import Source
from chatlog.models import LeftOut, Problem, Record

#: What a converter raises on a record that is not of the shape its specification gives.
MALFORMED = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
#: The first line of a document written over many lines is no longer than this where an array or object begins.
_OPENING_CHARS = 120


def records(source: Source) -> Iterator[Line | Problem]:
    """Yield each line's value where every line is one, else the array's elements or the document."""
    by_line = _is_line_by_line(Head.of(source).text)
    return lines(source) if by_line else items(source)


def _is_line_by_line(text: str) -> bool:
    first, _, rest = text.partition("\n")
    if first.startswith("[") and not rest.strip():
        return False
    return is_json(first) or (first.startswith("{") and not _goes_on(first.rstrip(), rest.lstrip()))


def _goes_on(first: str, rest: str) -> bool:
    """Whether a first line that is no JSON is the beginning of a document rather than a broken record of its own."""
    if first[-1] == ",":
        return rest.startswith('"')
    return first[-1] in "{[:" and len(first) <= _OPENING_CHARS


def is_spread(text: str) -> bool:
    """Whether JSON text is objects behind each other, the first of them written over many lines."""
    first, _, rest = text.partition("\n")
    if not first.startswith("{") or not _goes_on(first.rstrip(), rest.lstrip()):
        return False
    try:
        _, end = leading(text)
    except BROKEN_JSON:
        return False
    return text[end:].lstrip().startswith("{")


def line_by_line(source: Source) -> Source:
    """Return a source of the same records, each on a line of its own; one that is broken stays so."""
    return replace(source, opener=lambda: BufferedReader(_Joined(_written(source))), size=None, path=None)


def _written(source: Source) -> Generator[bytes]:
    for entry in items(source):
        if isinstance(entry, Line):
            yield json.dumps(entry.value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        else:
            yield b"{\n"


class _Joined(RawIOBase):
    """Pieces of bytes as one stream."""

    def __init__(self, pieces: Generator[bytes]) -> None:
        self.pieces = pieces
        self.piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self.piece = self.piece or memoryview(next(self.pieces, b""))
        chunk, self.piece = self.piece[: len(buffer)], self.piece[len(buffer) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self.pieces.close()
        super().close()


def recovered(source: Source, key: str, within: str | None = None) -> tuple[Any, list[Problem]]:
    """Return a JSON document, of one that is cut off or broken what can be read of its list `key`; and the problems.

    The list may lie one deeper, in the object `within`.
    """
    with suppress(*BROKEN_JSON):
        return document(source), []
    entries = list(rescued(_from(source, within) if within else source, key))
    values = {key: [entry.value for entry in entries if isinstance(entry, Line)]}
    return {within: values} if within else values, [entry for entry in entries if isinstance(entry, Problem)]


def rescued(source: Source, key: str) -> Iterator[Line | Problem]:
    """Yield what can be read of the list `key` of a document that is cut off or broken, and a problem at least."""
    is_told = False
    for entry in items(source, key):
        is_told = is_told or isinstance(entry, Problem)
        yield entry
    if not is_told:
        yield Problem(f"after the {key}", "the file ends before its JSON does")


def _from(source: Source, key: str) -> Source:
    """Return what a source holds from the object under `key` on; nothing where there is none."""
    text = text_of(source)
    found = re.search(rf'"{re.escape(key)}"\s*:\s*(?=\{{)', text)
    rest = text[found.end() :].encode("utf-8", "surrogatepass") if found else b""
    return replace(source, opener=lambda: BytesIO(rest), size=len(rest), path=None)


def read_each(
    entries: Iterable[Line | Problem | LeftOut],
    read: Callable[[Line], Iterable[Record]],
    fault: str,
    *,
    names_error: bool = True,
) -> Iterator[Record]:
    """Yield what `read` makes of each line; where one is malformed, a problem that says `fault`, and go on."""
    for entry in entries:
        if not isinstance(entry, Line):
            yield entry
            continue
        try:
            yield from read(entry)
        except MALFORMED as error:
            yield misshapen(entry.place, error, fault) if names_error else Problem(entry.place, fault)


def misshapen(place: str, error: Exception, fault: str = "not of the shape of a message") -> Problem:
    """Return the problem of what is not of the shape that it should have, which one of MALFORMED told."""
    return Problem(place, f"{fault} ({type(error).__name__})")
