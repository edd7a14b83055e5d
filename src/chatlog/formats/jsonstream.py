"""JSON from streams of any size: arrays element by element, JSONL object by object.

A broken element or line becomes a `Problem` and reading goes on.  Nothing here knows a format.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from chatlog.formats.source import Source
from chatlog.models import Problem, Unfinished

_CHUNK = 1 << 20
_BLANK, _OPENING = re.compile(r"[ \t\r\n,]*"), re.compile(r"\s*\[")
#: An escaped backslash, a surrogate pair, or (group 1) half of a pair.
_SURROGATE = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
#: What may be left unread of a number whose beginning was decoded: ``1`` of ``1e+16``.
_LONGEST_TAIL = 8
#: So near to the window's end what is wrong may only be cut off.
_NEAR_END = 16
#: Where an object of an array begins that follows another, and where a document does.
_NEXT_OBJECT, _NEXT_DOCUMENT = re.compile(r"\}\s*,\s*(?=\{)"), re.compile(r"(?:\}\s*|\n)(?=\{)")
#: NaN and Infinity are no JSON: they are kept as their names, and a number beyond all floats as it is written.
_DECODER = json.JSONDecoder(parse_constant=str, parse_float=lambda text: n if (n := float(text)) - n == 0 else text)
#: What orjson, four times as quick, does not read as the standard decoder does: integers beyond 64 bits become floats.
_LONG_NUMBER = b"0" * 19
_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else code for code in range(256))
_LONG_DIGITS = re.compile(rb"[0-9]{19}")
_UNREAD = object()
#: What malformed JSON raises: nesting beyond the parser's depth and absurd integers included.
BROKEN_JSON = (json.JSONDecodeError, RecursionError, ValueError)


@dataclass(frozen=True, slots=True)
class Line:
    """A decoded value and where it stood, such as ``line 12`` or ``item 3``."""

    place: str
    value: Any
    number: int


def sound(text: str) -> str:
    """Return JSON text in which lone surrogates, which no encoding can hold, are spelt out as the escapes they were."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _SURROGATE.sub(lambda match: ("\\" if match[1] else "") + match[0], text)


def decoded(text: str) -> Any:
    """Return the value of JSON text, as it can be stored.  Raises one of BROKEN_JSON.

    Half of a surrogate pair, which is left where other programs cut a text, is spelt out; NaN and Infinity are named.
    """
    return _DECODER.decode(sound(text))


def leading(text: str, start: int = 0) -> tuple[Any, int]:
    """Return the value that begins at a place of `sound` JSON text, and where it ends.  Raises one of BROKEN_JSON."""
    return _DECODER.raw_decode(text, start)


def is_json(text: str) -> bool:
    """Whether a text is one JSON value."""
    try:
        _DECODER.decode(text)
    except BROKEN_JSON:
        return False
    return True


def encoding_of(head: bytes) -> str:
    """Return the encoding a byte order mark announces, UTF-8 without one."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"


def lines(source: Source) -> Iterator[Line | Problem]:
    """Yield each object of a JSONL source.

    Lines end at LF only.  Several objects glued onto one line come out one by one; a line that
    cannot be decoded is a Problem; one at the end without its LF, as a live session has it, is Unfinished.
    """
    from orjson import loads

    number = 0
    with source.open() as stream:
        for raw in _raw_lines(stream):
            number += 1
            try:
                value = loads(raw)
            except ValueError:
                value = _UNREAD
            if value is not _UNREAD and not _has_long_number(raw):
                del raw  # a line may be as large as the file: it is not kept while its value is worked on
                yield Line(f"line {number}", value, number)
                continue
            text = sound(raw.decode("utf-8", "replace").lstrip("\ufeff").strip(" \t\r\n\x00"))
            if text:
                yield from _objects(text, number, is_whole=raw.endswith(b"\n"))


def _raw_lines(stream: IO[bytes]) -> Iterator[bytes]:
    head = stream.read(2)
    if encoding_of(head) == "utf-16":
        text = (head + stream.read()).decode("utf-16", "replace")
        yield from text.encode("utf-8", "surrogatepass").split(b"\n")
        return
    yield head + stream.readline()
    yield from stream


def _has_long_number(raw: bytes) -> bool:
    """Whether there are digits for an integer beyond 64 bits; a long line is looked through without a copy of it."""
    if len(raw) < _CHUNK:
        return _LONG_NUMBER in raw.translate(_DIGITS)
    return _LONG_DIGITS.search(raw) is not None


def _objects(text: str, number: int, *, is_whole: bool) -> Iterator[Line | Problem]:
    try:
        yield Line(f"line {number}", _DECODER.decode(text), number)
        return
    except BROKEN_JSON as error:
        failure = error
    start = 0
    while start < len(text):
        try:
            value, end = _DECODER.raw_decode(text, start)
        except BROKEN_JSON:
            kind = Problem if is_whole or isinstance(failure, RecursionError) else Unfinished
            yield kind(f"line {number}", _why(failure))
            return
        yield Line(f"line {number}", value, number)
        start = _BLANK.match(text, end).end()  # type: ignore[union-attr]


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON at column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number too long to read"


def text_of(source: Source) -> str:
    """Return the whole text of a source, in the encoding that its byte order mark announces."""
    with source.open() as stream:
        data = stream.read()
    return data.decode(encoding_of(data[:4]), "replace")


def document(source: Source) -> Any:
    """Return a whole JSON document.  Raises ValueError or RecursionError where it is not one."""
    return decoded(text_of(source))


def items(source: Source, key: str | None = None, after: dict[str, Any] | None = None) -> Iterator[Line | Problem]:
    """Yield the elements of a JSON array one by one, or the documents where it holds no array.

    With `key`, an object that holds its array under that key is read as the array; what it holds behind goes into
    `after`.  Memory is bounded by the largest element; a broken one is a Problem, and the next that is found follows.
    """
    with source.open() as stream:
        reader = _Reader(stream)
        if reader.passes("["):
            yield from _array(reader)
        elif key is not None and reader.enter(key):
            yield from _elements(reader, "]")
            if after is not None and reader.passes("]"):
                after.update(_entries(reader))
        else:
            yield from _elements(reader, "")


def from_next_element(text: str) -> str:
    """Return an array without its first element where that is broken, the array's beginning as far as it is here."""
    reader = _Reader(BytesIO(text.encode("utf-8", "surrogatepass")))
    if reader.passes("["):
        try:
            reader.value()
        except json.JSONDecodeError as error:
            if not _is_cut_off(error, reader.text) and reader.resync(error):
                return "[" + reader.text[reader.at :]
        except BROKEN_JSON:
            pass
    return text


def _array(reader: _Reader) -> Iterator[Line | Problem]:
    """Yield the elements of an array that is all there is, and those behind a bracket that ends it too early."""
    yield from _elements(reader, "]")
    while reader.passes("]") and reader.peek():
        yield Problem("after the array", "more follows the end of its JSON")
        if not reader.resync(None):
            return
        yield from _elements(reader, "]")


def _elements(reader: _Reader, closing: str) -> Iterator[Line | Problem]:
    """Yield values until the closing bracket, or with none until the end."""
    number = 0
    while reader.peek() not in (closing, ""):
        number += 1
        try:
            yield Line(f"item {number}", reader.value(), number)
        except BROKEN_JSON as error:
            yield Problem(f"item {number}", _why(error))
            if not (reader.resync(error) if closing else reader.next_document()):
                return
    if reader.peek() != closing:
        yield Problem(f"after item {number}", "the file ends before its JSON does")


def _entries(reader: _Reader) -> Iterator[tuple[str, Any]]:
    """Yield what else the object here holds, as far as it can be read."""
    with suppress(*BROKEN_JSON):
        while reader.peek() == '"':
            key = reader.value()
            if reader.passes(":") and reader.peek():
                yield key, reader.value()


def _is_cut_off(error: json.JSONDecodeError, text: str) -> bool:
    """Whether JSON text may only be cut off at its end rather than wrong."""
    return error.msg.startswith("Unterminated string") or len(text) - error.pos <= _NEAR_END


class _Reader:
    """A window over a stream of JSON text that decodes one value at a time."""

    def __init__(self, stream: IO[bytes]) -> None:
        head = stream.read(_CHUNK)
        self.stream = stream
        self.decode = codecs.getincrementaldecoder(encoding_of(head[:4]))("replace").decode
        self.decoder = _DECODER
        self.text = self.decode(head)
        self.at = 0
        self.ended = False
        self.keys: Set[str] = frozenset()  # that the objects here have, or nearly all of them

    def more(self, size: int = _CHUNK) -> bool:
        """Read on; False at the end."""
        if self.ended:
            return False
        data = self.stream.read(size)
        self.ended = not data
        self.text = self.text[self.at :] + self.decode(data, final=self.ended)
        self.at = 0
        return not self.ended

    def peek(self) -> str:
        """Return the next character that is not blank or a comma, "" at the end."""
        while True:
            self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def passes(self, mark: str) -> bool:
        """Pass over a character; False where another stands here."""
        is_here = self.peek() == mark
        self.at += is_here
        return is_here

    def value(self) -> Any:
        """Decode the value that begins here, reading on while it is incomplete."""
        size = _CHUNK
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if not _is_cut_off(error, self.text) or not self.more(size):
                    raise
                size *= 2  # a value longer than the window is decoded again: keep that linear
                continue
            if self._may_go_on(value, end):
                self.more()
                continue
            raw, self.at = self.text[self.at : end], end
            mended = sound(raw)
            value = value if mended == raw else _DECODER.decode(mended)
            if isinstance(value, dict):
                self.keys = self.keys & value.keys() or self.keys or value.keys()
            return value

    def _may_go_on(self, value: Any, end: int) -> bool:
        """Whether a number or a word stands at the window's end, perhaps only its beginning."""
        return not self.ended and not isinstance(value, (dict, list, str)) and len(self.text) - end < _LONGEST_TAIL

    def resync(self, failure: Exception | None) -> bool:
        """Move to the next element like those before; False where none is found.

        What is broken may hold objects that follow one another, too: they have other keys.
        """
        keys = self.keys or (self._keys_of_next(failure) if failure else frozenset())
        return bool(keys) and self._move(_NEXT_OBJECT, lambda: self._is_sibling(keys))

    def next_document(self) -> bool:
        """Move to the next document, which no comma stands before; False where none is found."""
        return self._move(_NEXT_DOCUMENT, lambda: True)

    def _move(self, following: re.Pattern[str], is_wanted: Callable[[], bool]) -> bool:
        """Move to where the pattern ends and something is so; False where that is nowhere."""
        while True:
            for match in following.finditer(self.text, self.at):
                self.at = match.end()
                if is_wanted():
                    return True
            self.at = max(self.at, len(self.text) - 64)
            if not self.more():
                return False

    def _keys_of_next(self, failure: Exception) -> Set[str]:
        """Return the keys of what follows the first object, which is broken, by the count of brackets.

        Where that finds nothing, its own as far as they were read; none where one alone was: that says too little.
        """
        failed = failure.pos if isinstance(failure, json.JSONDecodeError) else self.at
        before = _depth_of(match.group() for match in _TOKEN.finditer(self.text, self.at, failed))
        for opening in ("", '"'):  # what is wrong is between strings, or within one
            text, depth = opening + self.text[failed:], before
            for match in _TOKEN.finditer(text):
                depth += _depth_of((match.group(),))
                if depth == 0 and match.group() == "}":
                    found = _NEXT_OBJECT.match(text, match.start())
                    if found and self._is_whole(text, found.end()):
                        return {*first_keys(text[found.end() :])}
                    break
        own = {*first_keys(self.text[self.at : failed])}
        return own if len(own) > 1 else frozenset()

    def _is_whole(self, text: str, start: int) -> bool:
        """Whether what begins there can be decoded, as far as the window shows it."""
        try:
            self.decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            return _is_cut_off(error, text)
        except BROKEN_JSON:
            return False
        return True

    def _is_sibling(self, keys: Set[str]) -> bool:
        found = {*first_keys(self.text[self.at : self.at + _CHUNK])}
        return len(found & keys) * 3 >= len(keys) * 2

    def enter(self, key: str) -> bool:
        """Move into the array under the top-level `key` of the object here; False where there is none."""
        found = (_OPENING.match(self.text, end) for name, end in _keys(self.text, self.at) if name == key)
        opening = next(filter(None, found), None)
        self.at = opening.end() if opening else self.at
        return opening is not None


#: A string, which may be cut off, or a mark.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}:]', re.DOTALL)


def _depth_of(tokens: Iterable[str]) -> int:
    """Return how many brackets remain open."""
    return sum((token in ("{", "[")) - (token in ("}", "]")) for token in tokens)


def first_keys(text: str) -> list[str]:
    """Return the top-level keys of the first object in JSON text that may be cut off."""
    return [key for key, _ in _keys(text, 0)]


def _keys(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Yield each top-level key of the first object from there on, and where its colon ends."""
    depth, last = 0, ""
    for match in _TOKEN.finditer(text, max(text.find("{", start), start)):
        token = match.group()
        if token in "{[":
            depth += 1
        elif token in "}]":
            if (depth := depth - 1) == 0:
                return
        elif token == ":" and depth == 1:
            yield last, match.end()
        elif token[0] == '"':
            last = token[1:-1]
