"""Backups as a verb: under which name, and how many of them are kept.

Only files of exactly the names that chatlog gives are ever removed.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatlog.errors import not_written
from chatlog.paths import expanded
from chatlog.store import Store

_STAMP = "%Y%m%dT%H%M%SZ"


def target(original: Path, named: str | None, now: datetime) -> Path:
    """Return where a backup goes: the file named, a dated one in the folder named, or one beside the original."""
    place = original.parent if named is None else expanded(named)
    return dated(place, original.stem, now) if is_folder(named) else place


def is_folder(named: str | None) -> bool:
    """Whether a dated backup is meant."""
    return named is None or named.endswith("/") or expanded(named).is_dir()


def dated(folder: Path, begin: str, now: datetime) -> Path:
    """Return a copy's name in a folder, which says when it was made; those of the same second count on.

    Such names sort by age.
    """
    while os.path.lexists(path := folder / f"{begin}-{now.astimezone(UTC).strftime(_STAMP)}.db"):
        now += timedelta(seconds=1)
    return path


def outdated(folder: Path, stem: str, keep: int) -> list[Path]:
    """Return the backups of a name in a folder that go so that the latest `keep` stay."""
    ours = re.compile(re.escape(stem) + r"-\d{8}T\d{6}Z\.db")
    names = folder.iterdir() if folder.is_dir() else ()
    found = sorted(path for path in names if ours.fullmatch(path.name) and _is_plain_file(path))
    return found[: max(len(found) - keep, 0)]


def make_folder(named: str | None) -> None:
    """Make a private folder where one is named that is not there.  Raises NotFoundError where it cannot be."""
    if named is None or not named.endswith("/"):
        return
    try:
        expanded(named).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise not_written(error, f"into {named}") from None


def make(store: Store, copy: Path, stem: str, keep: int | None) -> tuple[int, list[Path]]:
    """Write a backup; with `keep`, remove those beside it that are older than the latest `keep`, it among them.

    Return its size and what was removed.
    """
    old = outdated(copy.parent, stem, keep - 1) if keep is not None else []
    size = store.backup(copy, instead_of=old)
    for path in old:
        path.unlink(missing_ok=True)
    return size, old


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
