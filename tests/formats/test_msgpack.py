"""Tests of MessagePack: every kind of value, extensions, and bytes that are none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from chatlog.formats.msgpack import unpacked


def extended(kind: int, data: bytes) -> tuple[int, bytes]:
    return kind, data


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("00", 0),
        ("7f", 127),
        ("ff", -1),
        ("e0", -32),
        ("c0", None),
        ("c2", False),
        ("c3", True),
        ("cc ff", 255),
        ("cd 0100", 256),
        ("ce 00010000", 65536),
        ("cf 0000000100000000", 1 << 32),
        ("d0 80", -128),
        ("d1 8000", -32768),
        ("d2 80000000", -(1 << 31)),
        ("d3 8000000000000000", -(1 << 63)),
        ("ca 3fc00000", 1.5),
        ("cb 3ff8000000000000", 1.5),
        ("a2 c3bc", "ü"),
        ("d9 01 61", "a"),
        ("da 0001 61", "a"),
        ("db 00000001 61", "a"),
        ("c4 01 ff", "/w=="),
        ("c5 0001 ff", "/w=="),
        ("c6 00000001 ff", "/w=="),
        ("92 01 02", [1, 2]),
        ("dc 0001 01", [1]),
        ("dd 00000001 01", [1]),
        ("81 a1 61 90", {"a": []}),
        ("81 05 80", {"5": {}}),
        ("de 0001 a1 61 01", {"a": 1}),
        ("df 00000001 a1 61 01", {"a": 1}),
        ("d4 05 61", (5, b"a")),
        ("d5 05 6162", (5, b"ab")),
        ("d6 ff 61626364", (-1, b"abcd")),
        ("d7 00 6162636465666768", (0, b"abcdefgh")),
        ("d8 00" + "61" * 16, (0, b"a" * 16)),
        ("c7 03 05 616263", (5, b"abc")),
        ("c8 0001 05 61", (5, b"a")),
        ("c9 00000001 05 61", (5, b"a")),
    ],
)
def test_values(data: str, value: Any) -> None:
    """Each kind of value is read as its specification gives it."""
    found = unpacked(bytes.fromhex(data), extended)
    assert (value, type(value)) == (found, type(found))


def test_no_number() -> None:
    """What is no number stays that."""
    assert math.isnan(unpacked(bytes.fromhex("ca 7fc00000"), extended))


@pytest.mark.parametrize("data", ["", "c1", "a2 61", "92 01", "dd ffffffff", "df ffffffff", "cb 00", "d4"])
def test_what_is_none(data: str) -> None:
    """Bytes of no known kind, and those that end too early, are refused."""
    with pytest.raises(ValueError, match=r"MessagePack|too early"):
        unpacked(bytes.fromhex(data), extended)
