"""The copies of the file that chatlog made, remembered in the file: what is erased here may still be in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chatlog.paths import may_exist
from chatlog.store.files import Backup
from chatlog.store.sqlite.connection import Connection


def remember(connection: Connection, path: Path, now: str, instead_of: Iterable[Path] = ()) -> None:
    """Remember a copy, and forget those it was made instead of."""
    connection.execute(
        "INSERT OR REPLACE INTO backups (path, made_at, bytes) VALUES (?, ?, ?)",
        (str(path.absolute()), now, path.stat().st_size),
    )
    gone = [(str(old.absolute()),) for old in instead_of]
    connection.executemany("DELETE FROM backups WHERE path = ?", gone)


def take_over(connection: Connection, copies: Iterable[Backup]) -> None:
    """Remember copies that were made of what stood in the file's place, or that it was made of."""
    connection.executemany(
        "INSERT OR IGNORE INTO backups (path, made_at, bytes) VALUES (?, ?, ?)",
        [(str(copy.path), copy.made_at, copy.bytes) for copy in copies],
    )


def known(connection: Connection) -> list[Backup]:
    """Return the copies, the latest first."""
    rows = connection.execute("SELECT path, made_at, bytes FROM backups ORDER BY made_at DESC, path DESC")
    return [Backup(Path(path), made_at, size, may_exist(Path(path))) for path, made_at, size in rows.fetchall()]
