"""MessagePack, a binary form of JSON in which some programs keep their states, to plain values.

Takes all of its specification; what an extension means is the caller's matter.  It writes nothing.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any

#: What the bytes of an extension of some type stand for.
Extension = Callable[[int, bytes], Any]
_CONSTANTS: dict[int, Any] = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = dict(zip(range(0xCA, 0xD4), "fdBHIQbhiq", strict=True))
_FIXED_EXTENSIONS = {0xD4 + power: 1 << power for power in range(5)}
#: Where values of a kind begin whose length is told, and the numbers that tell it.
_SIZED = (
    (0xC4, "BHI", "blob"),
    (0xC7, "BHI", "extension"),
    (0xD9, "BHI", "text"),
    (0xDC, "HI", "array"),
    (0xDE, "HI", "map"),
)
_LENGTHS = {start + at: (form, kind) for start, forms, kind in _SIZED for at, form in enumerate(forms)}


def unpacked(data: bytes, extension: Extension) -> Any:
    """Return the first value that bytes hold, bytes in it in base64.  Raises ValueError where they are none."""
    return _Reader(data, extension).value()


class _Reader:
    """Bytes, and how far they are read; a method for each kind of value of a known length."""

    def __init__(self, data: bytes, meaning: Extension) -> None:
        self.data = data
        self.meaning = meaning
        self.at = 0

    def value(self) -> Any:
        head = self.take(1)[0]
        if head < 0x80 or head >= 0xE0:
            return head - 0x100 * (head >= 0xE0)
        if head < 0xC0:
            return (
                self.text(head & 31) if head >= 0xA0 else self.array(head & 15) if head >= 0x90 else self.map(head & 15)
            )
        if head in _CONSTANTS:
            return _CONSTANTS[head]
        if head in _NUMBERS:
            return self.number(_NUMBERS[head])
        if head in _FIXED_EXTENSIONS:
            return self.extension(_FIXED_EXTENSIONS[head])
        if head not in _LENGTHS:
            raise ValueError("no MessagePack")
        form, kind = _LENGTHS[head]
        return getattr(self, kind)(self.number(form))

    def take(self, count: int) -> bytes:
        found = self.data[self.at : self.at + count]
        if len(found) < count:
            raise ValueError("the bytes end too early")
        self.at += count
        return found

    def number(self, form: str) -> Any:
        return struct.unpack(f">{form}", self.take(struct.calcsize(form)))[0]

    def blob(self, count: int) -> str:
        return base64.b64encode(self.take(count)).decode("ascii")

    def text(self, count: int) -> str:
        return self.take(count).decode("utf-8", "replace")

    def array(self, count: int) -> list[Any]:
        return [self.value() for _ in range(count)]

    def map(self, count: int) -> dict[str, Any]:
        return {str(self.value()): self.value() for _ in range(count)}

    def extension(self, count: int) -> Any:
        kind = self.number("b")
        return self.meaning(kind, self.take(count))
