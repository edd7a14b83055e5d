"""A fuzz run: real histories and fixtures, damaged at random from a fixed seed, imported into a store.

Whatever a file holds, an import ends with a report; what it brought in is sound and comes through an export as it is,
and no reader gives up a whole file for a record of another shape.  A short round runs always, the long one with
``-m slow``.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatlog.intake import FileReport
from chatlog.store import Store
from chatlog.transfer import ImportOptions, import_history

from .store.making import assert_sound, exported, imported, opened

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT.parent / "shared" / "samples"
FIXTURES = ROOT / "tests" / "data"
#: Larger files say no more, but take longer.
LARGEST = 150_000
#: Values that stand where a reader expects others.
ODD: tuple[Any, ...] = (
    None, True, 0, -1.5, 10**30, "", "x", "{", "\ud800", "a\x00b", "9999999999999", [], {}, [None], [[]], {"a": 1},
    {"type": "text"}, "2026-13-45T99:99:99Z", 1e300,
)  # fmt: skip
#: Bytes that mean something to a parser.
TOKENS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b"\n",
    b"\x00",
    b"\xff",
    b"\\ud800",
    b"null",
    b",",
    b":",
    b"-",
    b"9" * 400,
)


def histories(largest: int) -> list[Path]:
    """Return the files to damage: the project's fixtures, and the shared samples where they are there."""
    found = [path for folder in (FIXTURES, SAMPLES) if folder.is_dir() for path in sorted(folder.rglob("*"))]
    return [path for path in found if path.is_file() and path.stat().st_size <= largest and path.suffix != ".tsv"]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def garbled(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 20) if data else 0):
        changed[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(changed)


def moved(data: bytes, chance: random.Random) -> bytes:
    """Repeat, drop or move a piece: lines glued together, objects within objects."""
    start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    end = min(end, start + 5_000)
    at = chance.randrange(len(data) + 1)
    piece = data[start:end] if chance.random() < 0.7 else b""
    rest = data if chance.random() < 0.5 else data[:start] + data[end:]
    return rest[:at] + piece + rest[at:]


def sprinkled(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice(TOKENS) + data[at:]
    return data


def twisted(data: bytes, chance: random.Random) -> bytes:
    """Put odd values where others were, in a JSON document or a few of its lines; other files are garbled."""
    try:
        return json.dumps(_twist(json.loads(data), chance, chance.randint(1, 6))).encode()
    except (ValueError, RecursionError):
        lines = data.split(b"\n")
    changed = 0
    for _ in range(4):
        at = chance.randrange(len(lines))
        try:
            lines[at] = json.dumps(_twist(json.loads(lines[at]), chance, chance.randint(1, 3))).encode()
            changed += 1
        except (ValueError, RecursionError):
            continue
    return b"\n".join(lines) if changed else garbled(data, chance)


def _twist(value: Any, chance: random.Random, times: int) -> Any:
    for _ in range(times):
        held = value
        while isinstance(held, (dict, list)) and held:
            name = chance.choice([*held] if isinstance(held, dict) else range(len(held)))
            if not isinstance(held[name], (dict, list)) or chance.random() < 0.15:
                if isinstance(held, dict) and chance.random() < 0.2:
                    del held[name]
                else:
                    held[name] = json.loads(json.dumps(chance.choice(ODD)))
                break
            held = held[name]
    return value


DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    cut,
    garbled,
    moved,
    sprinkled,
    twisted,
    twisted,
    twisted,
)


def damaged(path: Path, seed: int) -> bytes:
    """Return a file's bytes after a damage or two, the same for the same seed."""
    chance = random.Random(f"{path.name} {seed}")
    data = path.read_bytes()
    for _ in range(chance.choice((1, 1, 2))):
        data = chance.choice(DAMAGE)(data, chance)
    return data


def gave_up(file: FileReport) -> list[str]:
    """Return the problems that say that a reader stopped over a record it did not expect."""
    return [problem.reason for problem in file.errors if problem.reason.startswith("not of the form that")]


def imports(folder: Path, store: Store, paths: list[Path], seeds: range) -> Iterator[tuple[Path, int, FileReport]]:
    for path in paths:
        target = folder / path.name
        for seed in seeds:
            target.write_bytes(damaged(path, seed))
            for file in import_history(store, [target], ImportOptions()).files:
                yield path, seed, file
        target.unlink()


def check(folder: Path, paths: list[Path], seeds: range) -> None:
    given_up = []
    with opened(folder / "chats.db") as store:
        for path, seed, file in imports(folder, store, paths, seeds):
            given_up += [(path.name, seed, reason) for reason in gave_up(file)]
        assert_sound(store)
        told = exported(store)
    assert [] == given_up
    with opened(folder / "copy.db") as copy:
        assert 0 == imported(copy, told).total["errors"]
        assert told == exported(copy)


def test_damaged_histories_are_imported_as_far_as_they_go(tmp_path: Path) -> None:
    """A round over the small ones: no exception, nothing unsound in the database, no file given up."""
    paths = histories(20_000)
    assert len(paths) > 20
    check(tmp_path, paths, range(2))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_many_damaged_histories_are_imported_as_far_as_they_go(tmp_path: Path, part: int) -> None:
    """The long run: every file up to a size, many times over."""
    check(tmp_path, histories(LARGEST)[part::8], range(100, 130))
