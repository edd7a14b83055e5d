"""Where local agents and tools keep their sessions: the formats' LOCATIONS, found on this computer.

Looks at names alone and opens nothing; home and environment are told.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from pathlib import Path

from chatlog import formats

_VARIABLE = re.compile(r"\$(\w+)")
_MAGIC = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"


@dataclass(frozen=True, slots=True)
class Found:
    """The sessions of one tool in one folder."""

    format: str
    folder: str
    files: tuple[str, ...]


def locations(name: str) -> tuple[str, ...]:
    """Return where a format's files are kept, as patterns with ``~`` and ``$VARIABLE``; none for a mere export."""
    return getattr(formats.reader(name), "LOCATIONS", ())


def discover(home: Path, environment: Mapping[str, str], names: Sequence[str] = formats.READERS) -> list[Found]:
    """Return what is found of some formats, each file once."""
    seen: set[str] = set()
    found: dict[tuple[str, str], list[str]] = {}
    for name in names:
        for pattern in locations(name):
            folder, parts = _anchored(pattern, home, environment)
            if folder is None:
                continue
            for path in sorted(_matches(folder, parts)):
                if path not in seen:
                    seen.add(path)
                    found.setdefault((name, folder), []).append(path)
    return [Found(name, folder, tuple(paths)) for (name, folder), paths in found.items()]


def _anchored(pattern: str, home: Path, environment: Mapping[str, str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the folder a pattern begins in, by its real name, and its parts below; no folder for an unset variable."""
    names = _VARIABLE.findall(pattern)
    if any(not environment.get(name) for name in names):
        return None, ()
    fixed, rest = _split(pattern)
    fixed = _VARIABLE.sub(lambda match: environment[match[1]], fixed)
    if fixed == "~" or fixed.startswith("~/"):
        fixed = f"{home}{fixed[1:]}"
    path = Path(fixed)
    if not rest:
        path, rest = path.parent, path.name
    return os.path.realpath(path), tuple(rest.split("/"))


def _split(pattern: str) -> tuple[str, str]:
    """Return the part of a pattern before its first wildcard, and the rest."""
    parts = pattern.split("/")
    at = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    return "/".join(parts[:at]), "/".join(parts[at:])


def _matches(folder: str, parts: tuple[str, ...]) -> Iterator[str]:
    """Yield the files below a folder whose path fits; links to folders are followed but for ``**``."""
    part, rest = parts[0], parts[1:]
    if part == _ANY_DEPTH:
        for below, _, names in os.walk(folder):
            yield from _named(below, names, rest[0]) if len(rest) == 1 else _matches(below, rest)
    elif _MAGIC.search(part):
        for entry in _entries(folder, part):
            if rest and entry.is_dir():
                yield from _matches(entry.path, rest)
            elif not rest and entry.is_file():
                yield entry.path
    elif rest:
        yield from _matches(os.path.join(folder, part), rest)  # noqa: PTH118  strings, for ten thousand of them
    elif os.path.isfile(path := os.path.join(folder, part)):  # noqa: PTH113, PTH118
        yield path


def _named(folder: str, names: Sequence[str], pattern: str) -> Iterator[str]:
    fits = _fitting(pattern)
    return (os.path.join(folder, name) for name in names if fits(name))  # noqa: PTH118


@cache
def _fitting(pattern: str) -> Callable[[str], object]:
    return re.compile(translate(pattern)).match


def _entries(folder: str, pattern: str) -> list[os.DirEntry[str]]:
    """Return what a folder holds of names that fit, but for hidden ones."""
    fits = _fitting(pattern)
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".") and fits(entry.name)]
    except OSError:
        return []
