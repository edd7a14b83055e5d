"""How a file gets its schema: numbered steps, each one transaction, a backup before the first.

A file of a newer chatlog, or of another application, is refused and left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import BusyError, ChatlogError, DamagedFileError, SchemaMismatchError
from chatlog.keys import Key
from chatlog.store.sqlite import schema
from chatlog.store.sqlite.connection import Connection, looked_at, patiently, transaction
from chatlog.store.sqlite.failures import UNREADABLE


class Migration(NamedTuple):
    """The statements that bring a file to `version`, and why."""

    version: int
    why: str
    sql: str


MIGRATIONS = (Migration(1, "the first schema", schema.TABLES + schema.INDEX + schema.TRIGGERS),)


def statements(sql: str) -> Iterator[str]:
    """Yield the single statements of a script."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if driver.complete_statement(pending):
            yield pending
            pending = ""


def version_of(connection: Connection, path: Path) -> int:
    """Return the file's schema version, 0 for an empty file.

    Raises SchemaMismatchError for a file of a newer chatlog or of another application.
    """
    # one statement, one snapshot: another process may be giving the file its schema right now
    application, version, tables = patiently(
        lambda: connection.execute(
            """SELECT (SELECT application_id FROM pragma_application_id),
                 (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)"""
        ).fetchone()
    )
    if application == schema.MOVED:
        raise BusyError(f"{path} was replaced by another file a moment ago", "try again")
    if application != schema.APPLICATION_ID:
        if application or version or tables:
            raise SchemaMismatchError(f"{path} belongs to another application", "check --db")
        return 0
    newest = MIGRATIONS[-1].version
    if version > newest:
        raise SchemaMismatchError(
            f"{path} has schema {version}; this chatlog knows up to {newest}", "upgrade chatlog: pip install -U chatlog"
        )
    return int(version)


def waiting(path: Path, key: Key | None) -> tuple[int, int] | None:
    """Return the schema a file has and the newest, None where it has that, or cannot be looked at."""
    with suppress(driver.Error, ChatlogError, *UNREADABLE), looked_at(path, key) as connection:
        found, newest = version_of(connection, path), MIGRATIONS[-1].version
        return (found, newest) if 0 < found < newest else None
    return None


def migrate(connection: Connection, path: Path) -> Path | None:
    """Bring the file to the newest schema; return the backup taken first, None where none was needed."""
    version = version_of(connection, path)
    if version == MIGRATIONS[-1].version:
        _heal(connection)
        return None
    saved = None
    if version:
        from chatlog.store.sqlite.upkeep import backup

        names = (f"{path.name}.v{version}{number}.backup" for number in ["", *(f"-{n}" for n in range(2, 1000))])
        saved = next(found for name in names if not (found := path.with_name(name)).exists())
        backup(connection, saved)
    else:
        _be_born(connection)
    bring_up(connection, path)
    return saved


def bring_up(connection: Connection, path: Path) -> None:
    """Bring a file to the newest schema without a backup: it is a copy, or there is one."""
    for step in MIGRATIONS:
        _apply(connection, step, path)


def _be_born(connection: Connection) -> None:
    """Set what is set once, at birth; another process being born beside us makes it busy for a moment."""
    # only before the first table
    patiently(lambda: connection.execute("PRAGMA auto_vacuum = INCREMENTAL").fetchall())
    patiently(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())


def _heal(connection: Connection) -> None:
    """Bring the write-ahead log back where a process was killed while it put another file in this one's place."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        with suppress(driver.OperationalError):  # a file that others read, or that cannot be written, stays as it is
            connection.execute("PRAGMA journal_mode = WAL").fetchone()


def _apply(connection: Connection, step: Migration, path: Path) -> None:
    with transaction(connection):
        if version_of(connection, path) < step.version:  # another process may have been first
            _run(connection, step, path)


def _run(connection: Connection, step: Migration, path: Path) -> None:
    for statement in statements(step.sql):
        connection.execute(statement)
    if connection.execute("PRAGMA foreign_key_check").fetchall():
        raise DamagedFileError(f"{path} breaks a foreign key in migration {step.version}", "restore the backup")
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {step.version}")
