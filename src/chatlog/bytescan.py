"""Looks for phrases in the bytes of files, from a process of its own.

A process that has a database open must not open its files a second time (that drops SQLite's locks), so
`left_in` starts another one.  Any number of phrases costs one pass: a phrase of 31 bytes holds, wherever
it lies, a whole block of 16 that begins at a multiple of 16.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from chatlog.errors import CheckFailedError
from chatlog.paths import exists

BLOCK = 16
WINDOW = 2 * BLOCK - 1
#: Words shorter than this are too common to prove anything.
SHORTEST = 8
#: Windows, and shorter phrases, that are looked for at most; of more, every second one, every fourth, …
MOST_WINDOWS = 20_000
MOST_SHORT = 5_000
#: Of the shorter ones so few are looked for one by one.
FEW_SHORT = 8
#: A window begins every so many bytes of a long text.
STRIDE = 512
#: So much is looked through at a time: it stays near the processor.
CHUNK = 1 << 18
#: A hash of eight bytes: the top bits of their product with an odd number.
HEAD, ODD = 8, 0x9E3779B97F4A7C15
#: A table of hashes has so many places for each mark; the smaller, the nearer to the processor it is kept.
SPARSE, LEAST_BITS, MOST_BITS = 400, 16, 23


def phrases(texts: Iterable[str]) -> list[bytes]:
    """Return what to look for so that none of some texts can be left: pieces of each, spread over all of it."""
    windows: dict[bytes, None] = {}
    short: dict[bytes, None] = {}
    step = number = 0
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        if len(data) < WINDOW:
            if len(data) >= SHORTEST and len(short) < MOST_SHORT:
                short[data] = None
            continue
        for start in [*range(0, len(data) - WINDOW, STRIDE), len(data) - WINDOW]:
            window = data[start : start + WINDOW]
            number += 1
            if len(set(window)) >= SHORTEST and not number % (1 << step):
                windows[window] = None
        if len(windows) > MOST_WINDOWS:
            windows = dict.fromkeys(list(windows)[::2])
            step += 1
    return [*windows, *short]


class Finder:
    """Phrases to be found in any bytes."""

    def __init__(self, wanted: Iterable[bytes]) -> None:
        self._blocks: dict[bytes, list[bytes]] = {}
        self._heads: dict[bytes, list[bytes]] = {}
        self._short: list[bytes] = []
        for phrase in wanted:
            if len(phrase) < WINDOW:
                self._heads.setdefault(phrase[:HEAD], []).append(phrase)
                self._short.append(phrase)
            for start in range(BLOCK if len(phrase) >= WINDOW else 0):
                self._blocks.setdefault(phrase[start : start + BLOCK], []).append(phrase)

    def within(self, data: bytes, *, fold: bool = False) -> set[bytes]:
        """Return which phrases are in the data; with `fold` the short ones in any case, as an index has words."""
        padded = data + bytes(-len(data) % BLOCK)
        # each block once: one of blanks stands in many places
        blocks = {padded[at : at + BLOCK] for at in self._block_marks.places(padded, 0)}
        likely = {phrase for block in blocks for phrase in self._blocks.get(block, ())}
        found = {phrase for phrase in likely if phrase in data}
        if fold:
            folded = data.lower() if self._short else b""
            return found | {phrase for phrase in self._short if phrase.lower() in folded}
        if len(self._short) <= FEW_SHORT:
            return found | {phrase for phrase in self._short if phrase in data}
        return found | {
            phrase
            for offset in range(HEAD)
            for at in self._head_marks.places(padded, offset)
            for phrase in self._heads.get(padded[at : at + HEAD], ())
            if data.startswith(phrase, at)
        }

    @cached_property
    def _block_marks(self) -> _Marks:
        return _Marks(self._blocks, BLOCK)

    @cached_property
    def _head_marks(self) -> _Marks:
        return _Marks(self._heads, HEAD)


class _Marks:
    """A table of marks, looked up by a hash of eight bytes, that shows where a block may stand; most are there."""

    def __init__(self, blocks: Iterable[bytes], every: int) -> None:
        """Mark the beginnings of blocks, to be looked for at every multiple of so many bytes."""
        import numpy as np

        self._every = every
        heads = b"".join(block[:HEAD] for block in blocks)
        bits = max(LEAST_BITS, min(MOST_BITS, (len(heads) // HEAD * SPARSE).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, dtype=bool)
        self._table[self._hashes(heads, HEAD)] = True

    def places(self, data: bytes, offset: int) -> list[int]:
        """Return where in the data, whole numbers of `every` behind an offset, a block may begin."""
        found = self._table.take(self._hashes(data, self._every, offset), mode="clip").nonzero()[0]
        return [offset + at * self._every for at in found.tolist()]

    def _hashes(self, data: bytes, every: int, offset: int = 0) -> Any:
        import numpy as np

        count = max(len(data) - offset, 0) // HEAD
        hashes = np.frombuffer(data, "<u8", count, offset if count else 0)[:: every // HEAD] * np.uint64(ODD)
        hashes >>= self._shift
        return hashes.view("<i8")


def left_in(paths: Sequence[Path], wanted: Sequence[bytes]) -> list[bytes]:
    """Return which phrases are in the bytes of some files, as another process sees them.

    Raises CheckFailedError where that process does not answer.
    """
    there = [str(path) for path in paths if exists(path)]
    request = json.dumps({"paths": there, "phrases": [phrase.hex() for phrase in wanted]})
    program = f"import sys; sys.path[:] = {sys.path!r}; from chatlog.bytescan import answer; answer()"
    try:
        done = subprocess.run(  # noqa: S603  ourselves
            [sys.executable, "-c", program], input=request.encode(), stdout=subprocess.PIPE, check=True
        )
        return [bytes.fromhex(phrase) for phrase in json.loads(done.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = f"the process that looks through the file's bytes failed ({type(error).__name__})"
        raise CheckFailedError(f"{said}: nothing is proven", "what was removed is: run it again") from error


def answer() -> None:
    """Read a request from standard input and write which phrases were found: the other process."""
    with os.fdopen(0, "rb") as asked, os.fdopen(1, "wb") as answered:
        request = json.load(asked)
        found = scan(request["paths"], [bytes.fromhex(phrase) for phrase in request["phrases"]])
        answered.write(json.dumps(sorted(phrase.hex() for phrase in found)).encode())


def scan(paths: Iterable[str], wanted: Sequence[bytes]) -> set[bytes]:
    """Return which phrases the files hold."""
    found: set[bytes] = set()
    finder = Finder(wanted)
    for path in paths:
        before = b""
        with Path(path).open("rb") as file:
            while piece := file.read(CHUNK):
                found |= finder.within(before + piece)
                before = piece[-2 * BLOCK :]  # a whole number of blocks: what lies across is seen with the next piece
    return found
