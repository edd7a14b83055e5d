"""Looks for phrases in the bytes of files, from a process of its own.

A process that has a database open must not open its files a second time (that drops SQLite's locks), so
`left_in` starts another one.  Any number of phrases costs one pass: a phrase of 31 bytes holds, wherever
it lies, a whole block of 16 that begins at a multiple of 16.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

BLOCK = 16
WINDOW = 2 * BLOCK - 1
#: Words shorter than this are too common to prove anything.
SHORTEST = 8
#: Windows, and shorter phrases, that are looked for at most; of more, every second one, every fourth, …
MOST_WINDOWS = 20_000
#: Each shorter phrase is a pass of its own: so many bytes are looked at for all of them.
SHORT_BUDGET = 20 * 2**30
MOST_SHORT = 500
#: A window begins every so many bytes of a long text.
STRIDE = 512
CHUNK = 1 << 24


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

    def __init__(self, wanted: Sequence[bytes], short_limit: int = MOST_SHORT) -> None:
        self._blocks: dict[tuple[bytes], list[bytes]] = {}
        for phrase in wanted:
            for start in range(BLOCK if len(phrase) >= WINDOW else 0):
                self._blocks.setdefault((phrase[start : start + BLOCK],), []).append(phrase)
        self._keys = frozenset(self._blocks)
        self._short = [phrase for phrase in wanted if len(phrase) < WINDOW][:short_limit]

    def within(self, data: bytes, *, fold: bool = False) -> set[bytes]:
        """Return which phrases are in the data; with `fold` the short ones in any case, as an index has words."""
        padded = data + bytes(-len(data) % BLOCK)
        near = self._keys.intersection(struct.iter_unpack(f"{BLOCK}s", padded))
        found = {phrase for key in near for phrase in self._blocks[key] if phrase in data}
        if not fold:
            return found | {phrase for phrase in self._short if phrase in data}
        folded = data.lower() if self._short else b""
        return found | {phrase for phrase in self._short if phrase.lower() in folded}


def left_in(paths: Sequence[Path], wanted: Sequence[bytes]) -> list[bytes]:
    """Return which phrases are in the bytes of some files, as another process sees them."""
    there = [str(path) for path in paths if path.exists()]
    request = json.dumps({"paths": there, "phrases": [phrase.hex() for phrase in wanted]})
    program = f"import sys; sys.path[:] = {sys.path!r}; from chatlog.bytescan import answer; answer()"
    done = subprocess.run(  # noqa: S603  ourselves
        [sys.executable, "-c", program], input=request.encode(), stdout=subprocess.PIPE, check=True
    )
    return [bytes.fromhex(phrase) for phrase in json.loads(done.stdout)]


def answer() -> None:
    """Read a request from standard input and write which phrases were found: the other process."""
    with os.fdopen(0, "rb") as asked, os.fdopen(1, "wb") as answered:
        request = json.load(asked)
        found = scan(request["paths"], [bytes.fromhex(phrase) for phrase in request["phrases"]])
        answered.write(json.dumps(sorted(phrase.hex() for phrase in found)).encode())


def scan(paths: Iterable[str], wanted: Sequence[bytes]) -> set[bytes]:
    """Return which phrases the files hold."""
    found: set[bytes] = set()
    for path in paths:
        finder = Finder(wanted, max(SHORT_BUDGET // max(Path(path).stat().st_size, 1), 20))
        before = b""
        with Path(path).open("rb") as file:
            while piece := file.read(CHUNK):
                found |= finder.within(before + piece)
                before = piece[-2 * BLOCK :]  # a whole number of blocks: what lies across is seen with the next piece
    return found
