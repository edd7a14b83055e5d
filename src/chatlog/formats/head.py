"""The beginning of a source as a sniffer looks at it: its text, its first keys and its first objects.

No format's knowledge lives here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chatlog.formats.jsonstream import BROKEN_JSON, decoded, encoding_of, first_keys, is_json
from chatlog.formats.source import Source

#: How many objects are looked at for one of a format.
_LOOKED_AT = 20


@dataclass(frozen=True)
class Head:
    """The beginning of a source, looked at the ways a sniffer needs."""

    name: str
    data: bytes
    source: Source | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, source: Source) -> Head:
        """Return the head of a source."""
        return cls(source.name, source.head(), source)

    @cached_property
    def text(self) -> str:
        """The head as text, without a byte order mark and leading blanks, nor what is left of a first line."""
        text = self.data.decode(encoding_of(self.data[:4]), "replace").lstrip("\ufeff \t\r\n\x00")
        return text if self.is_binary else _from_first_whole_line(text)

    @cached_property
    def is_binary(self) -> bool:
        """Whether it is a database, archive or other data rather than text."""
        return self.data.startswith((b"SQLite format 3\x00", b"PK\x03\x04", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))

    @cached_property
    def is_json(self) -> bool:
        """Whether it begins like a JSON document or JSONL."""
        return not self.is_binary and self.text[:1] in ("{", "[") and self.text != ""

    @cached_property
    def is_array(self) -> bool:
        """Whether it begins like a JSON array."""
        return self.is_json and self.text.startswith("[")

    @cached_property
    def is_object(self) -> bool:
        """Whether it begins like a JSON object: one document, or JSONL."""
        return self.is_json and not self.is_array

    @cached_property
    def keys(self) -> frozenset[str]:
        """The top-level keys of the first object, as far as the head shows them."""
        return frozenset(first_keys(self.text)) if self.is_json else frozenset()

    def first_in(self, key: str) -> frozenset[str] | None:
        """Return the keys of the first object in the list under `key`, as far as they are seen; None for no list."""
        found = re.search(rf'"{key}"\s*:\s*\[\s*(?=\{{)', self.text)
        return frozenset(first_keys(self.text[found.end() :])) if found else None

    @cached_property
    def objects(self) -> tuple[dict[str, Any], ...]:
        """The objects on the lines that are whole in the head (JSONL), or the whole document."""
        found: list[dict[str, Any]] = []
        for line in self.text.split("\n"):
            if not line.lstrip().startswith("{"):
                continue
            try:
                value = decoded(line)
            except BROKEN_JSON:
                continue
            if isinstance(value, dict):
                found.append(value)
        return tuple(found) or self._document

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """The first objects, of which one tells what a file is: a log may begin with odd ones."""
        return self.objects[:_LOOKED_AT]

    @property
    def _document(self) -> tuple[dict[str, Any], ...]:
        try:
            value = decoded(self.text)
        except BROKEN_JSON:
            return ()
        if isinstance(value, list):
            return tuple(item for item in value if isinstance(item, dict))
        return (value,) if isinstance(value, dict) else ()


def _from_first_whole_line(text: str) -> str:
    """Return JSONL without a damaged first line, as a log that was cut at its beginning has; other text as it is.

    That it is JSONL is told by its other lines: each of them is an object.
    """
    first, _, rest = text.partition("\n")
    if not rest.lstrip().startswith("{") or first.strip() == "[" or is_json(first):
        return text
    lines = [line for line in rest.split("\n") if line.strip()]
    whole = lines if is_json(lines[-1]) else lines[:-1]  # the head may end amid one
    is_jsonl = whole and all(line.lstrip()[0] == "{" for line in lines) and all(map(is_json, whole))
    return rest.lstrip() if is_jsonl else text
