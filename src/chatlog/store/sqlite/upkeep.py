"""The file as a file: facts about it, copies of it."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import RefusedError, StorageFullError, not_written
from chatlog.store.sqlite import vectors
from chatlog.store.sqlite.connection import Connection, connect, transaction
from chatlog.store.sqlite.database_file import WAL, beside, part_of, put_in_place
from chatlog.store.sqlite.failures import FULL, IOERR, translate


def backup(connection: Connection, target: Path) -> int:
    """Write a consistent copy of the open file to a new private file; return its size in bytes.

    Raises RefusedError where the target exists (a symlink included) and NotFoundError where its
    folder does not.
    """
    if os.path.lexists(target):
        raise RefusedError(f"{target} exists already", "choose another name")
    with part_of(target) as part:
        try:
            connection.execute("VACUUM INTO ?", (str(part),))
            put_in_place(part, target)
        except OSError as error:
            raise not_written(error, target) from None
        except driver.Error as error:
            if error.sqlite_errorcode & 0xFF not in (FULL, IOERR):
                raise
            raise StorageFullError(
                f"{target} could not be written: the disk is full or refuses", "free some space"
            ) from error
    return target.stat().st_size


def make_portable(copy: Path) -> None:
    """Take out of a copy what only sqlite-vec can read.

    Raises NoVectorsError where the platform has no sqlite-vec; where it fails the copy is a whole one.
    """
    with closing(connect(copy)) as connection:
        try:
            vectors.load_extension(connection)
            with transaction(connection):
                vectors.drop(connection)
            connection.execute("VACUUM")
        except driver.Error as error:
            raise translate(error, copy) or error from error


def info(connection: Connection, user: str, path: Path) -> dict[str, Any]:
    """Return facts about the file, and how much of it is the user's."""
    size, used = sizes(connection)
    conversations, messages = connection.execute(
        "SELECT count(*), coalesce(sum(message_count), 0) FROM conversations WHERE user = ? AND deleted_at IS NULL",
        (user,),
    ).fetchone()
    wal = beside(path, WAL)
    return {
        "path": str(path),
        "bytes": size,
        "free_bytes": size - used,
        "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        "mode": f"{path.stat().st_mode & 0o777:04o}",
        "schema": connection.execute("PRAGMA user_version").fetchone()[0],
        "sqlite": driver.sqlite_version,
        "encrypted": is_encrypted(connection),
        "journal_mode": connection.execute("PRAGMA journal_mode").fetchone()[0],
        "conversations": conversations,
        "messages": messages,
    }


def is_encrypted(connection: Connection) -> bool:
    """Whether what the connection reads and writes is encrypted."""
    return bool(connection.execute("PRAGMA cipher_status").fetchone() == ("1",))


def sizes(connection: Connection) -> tuple[int, int]:
    """Return the bytes of the file, and of what in it is in use."""
    pages, size, free = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "page_size", "freelist_count")
    )
    return pages * size, (pages - free) * size
