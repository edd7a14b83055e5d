"""What is done with a database as a file: another key, a backup put in its place; no store may have it open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from chatlog.keys import Key


class Backup(NamedTuple):
    """A copy of the database that chatlog made: where, when, how large, and whether it is still there."""

    path: Path
    made_at: str
    bytes: int
    exists: bool


class Replaced(NamedTuple):
    """A file that took another's place, and what the other is kept as."""

    path: Path
    bytes: int
    conversations: int
    messages: int
    kept: Path | None = None


def pending(url: str, key: Key | None) -> tuple[int, int] | None:
    """Return the schema that a database has and the one that opening it would give it, None where they are one.

    What is wrong with it otherwise will be said when it is opened.
    """
    from chatlog.store import path_of
    from chatlog.store.sqlite import migrations

    return migrations.waiting(path_of(url), key)


def make_portable(path: Path) -> None:
    """Take out of a copy what only sqlite-vec can read: candidates and vectors, which can be made again.

    Raises NoVectorsError where the platform has no sqlite-vec.
    """
    from chatlog.store.sqlite import upkeep

    upkeep.make_portable(path)


def check_plain(url: str) -> None:
    """Raise UsageError for a database that is encrypted already, NoDatabaseError where there is none."""
    from chatlog.store import path_of
    from chatlog.store.sqlite import replacing

    replacing.check_plain(path_of(url))


def is_plain(path: Path) -> bool:
    """Whether a database, or a copy of one, is not encrypted."""
    from chatlog.store.sqlite import replacing

    return replacing.is_plain(path)


def convert(url: str, old: Key | None, new: Key | None) -> Replaced:
    """Give a database another key, its first one (`old` is None), or none (`new` is None).

    Raises BusyError where another process has it open, CheckFailedError where it is not sound, and leaves it then
    as it was.
    """
    from chatlog.store import path_of
    from chatlog.store.sqlite import replacing

    return replacing.convert(path_of(url), old, new)


def restore(url: str, source: Path, key: Key | None, *, aside: Path, now: str) -> Replaced:
    """Put a backup, once it is verified, in the place of a database, which is kept as `aside`."""
    from chatlog.store import path_of
    from chatlog.store.sqlite import replacing

    return replacing.restore(path_of(url), source, key, aside=aside, now=now)
