"""A whole file put in the place of another: encrypted, decrypted, with a new key, or from a backup.

The new file is made beside the old one, verified, and takes its name in one step while nobody else has the
old one open; whoever waited for it meanwhile is told to come again instead of writing into a file without a name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import (
    NO_ROOM,
    BusyError,
    CheckFailedError,
    DamagedFileError,
    NoDatabaseError,
    SchemaMismatchError,
    UsageError,
    WrongKeyError,
    not_written,
)
from chatlog.keys import Key
from chatlog.paths import exists, is_file
from chatlog.store.files import Backup, Replaced
from chatlog.store.sqlite import backups, cipher, health, migrations, schema, upkeep
from chatlog.store.sqlite.connection import Connection, connect, looked_at, transaction
from chatlog.store.sqlite.database_file import (
    COMPANIONS,
    WAL,
    Registry,
    all_of,
    beside,
    make_private,
    part_of,
    put_in_place,
)
from chatlog.store.sqlite.failures import UNREADABLE, translate
from chatlog.timespec import iso


def convert(path: Path, old: Key | None, new: Key | None) -> Replaced:
    """Give a file another key, its first one, or none.

    Raises BusyError where another process has it open, CheckFailedError where it is not sound.
    """
    path = path.resolve()
    _check_there(path)
    old = cipher.settled(path, old)
    with _told(path), part_of(path) as part, _alone(path, old) as connection:
        migrations.version_of(connection, path)
        _copy(connection, part, new)
        counts = _verified(part, new)
        _swap(connection, part, path, wipe=old is None)
    return Replaced(path, path.stat().st_size, *counts)


def restore(path: Path, source: Path, key: Key | None, *, aside: Path, now: str) -> Replaced:
    """Put a backup in the place of a file, which is kept as `aside`; a plain backup gets the key of the file.

    Raises CheckFailedError and leaves everything as it was where the backup is not sound.
    """
    path = path.resolve()
    _check_there(source)
    if exists(path) and source.resolve().samefile(path):
        raise UsageError("that is the database itself, not a backup of it", "chatlog db backup makes one")
    with _told(path), part_of(path) as part:
        shutil.copyfile(source, part)
        if (log := beside(source, WAL)).exists():
            shutil.copyfile(log, beside(part, WAL))
        _rekey(part, source, key)
        counts = _verified(part, key)
        kept = _put_aside(part, path, key, aside)
    # it is done by now, and the copy's name says what it is
    with suppress(BusyError), _told(path), closing(connect(path, key=key)) as connection, transaction(connection):
        backups.take_over(connection, [*_copies_known_to(kept, key), _copy_at(source)])
        if kept is not None:
            backups.remember(connection, kept, now)
    return Replaced(path, path.stat().st_size, *counts, kept)


def _copies_known_to(kept: Path | None, key: Key | None) -> list[Backup]:
    """Return the copies that a file knew of, none where it cannot be read."""
    if kept is not None:
        with suppress(driver.Error, *UNREADABLE), looked_at(kept, key) as connection:
            return backups.known(connection)
    return []


def _copy_at(source: Path) -> Backup:
    """Return what there is to know of a backup that is put in a file's place."""
    facts = source.stat()
    return Backup(source.absolute(), iso(datetime.fromtimestamp(facts.st_mtime, UTC)), facts.st_size, exists=True)


def check_plain(path: Path) -> None:
    """Raise UsageError for a file that is encrypted already, NoDatabaseError where there is none."""
    _check_there(path)
    if not Registry.is_open(path) and not is_plain(path):
        raise UsageError(f"{path} is encrypted already, or not a database", "chatlog db rekey gives it another key")


def is_plain(path: Path) -> bool:
    """Whether anybody who can read a file can read the database in it."""
    return Registry.head(path, len(cipher.MAGIC)) == cipher.MAGIC


def _check_there(path: Path) -> None:
    if not is_file(path) or not path.stat().st_size:
        raise NoDatabaseError(f"there is no database {path}", "check the spelling")


@contextmanager
def _alone(path: Path, key: Key | None) -> Iterator[Connection]:
    """Lend the one connection to a file.  Raises BusyError where another process has it open."""
    if Registry.is_open(path):
        raise BusyError(f"{path} is open in this process", "close the store first")
    try:
        connection = connect(path, key=key, alone=True)
    except BusyError:
        raise BusyError(f"{path} is open in another process", "end the other chatlogs, then try again") from None
    with _told(path), closing(connection):
        yield connection


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Let what the driver raises, and a disk without room, come out as what it means for a file."""
    try:
        yield
    except driver.Error as error:
        raise translate(error, path) or error from error
    except OSError as error:
        raise not_written(error, path) if error.errno in NO_ROOM else error from None


def _copy(connection: Connection, part: Path, key: Key | None) -> None:
    """Write all of an open database into an empty file, under another key."""
    connection.execute("ATTACH DATABASE ? AS copy KEY ?", (str(part), key.literal if key else ""))
    vacuum = connection.execute("PRAGMA main.auto_vacuum").fetchone()[0]
    connection.execute(f"PRAGMA copy.auto_vacuum = {vacuum}")
    connection.execute("SELECT sqlcipher_export('copy')").fetchall()
    for name in ("application_id", "user_version"):
        value = connection.execute(f"PRAGMA main.{name}").fetchone()[0]
        connection.execute(f"PRAGMA copy.{name} = {value}")
    connection.execute("DETACH DATABASE copy")


def _rekey(part: Path, source: Path, key: Key | None) -> None:
    """See to it that a copied backup has the key of the database: a plain one gets it, another key is refused."""
    try:
        connect(part, key=key).close()
        return
    except (WrongKeyError, DamagedFileError) as error:
        raise type(error)(error.message.replace(str(part), str(source)), error.hint) from None
    except SchemaMismatchError as error:
        if not is_plain(part):
            raise SchemaMismatchError(f"{source} is not a database", "check the spelling") from error
    with part_of(part) as plain:
        part.replace(plain)
        if (log := beside(part, WAL)).exists():
            log.replace(beside(plain, WAL))
        make_private(part)
        with closing(connect(plain)) as connection:
            _copy(connection, part, key)


def _verified(part: Path, key: Key | None) -> tuple[int, int]:
    """Return how many conversations and messages a new file has.  Raises CheckFailedError where it is not sound."""
    with _told(part), closing(connect(part, key=key)) as connection:
        if not migrations.version_of(connection, part):
            raise SchemaMismatchError("that is not a database of chatlog's", "check the spelling")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        migrations.bring_up(connection, part)  # the schema that it is compared with is the newest
        wrong = [check for check in health.checks(connection, part, deep=False) if not check.ok]
        if wrong:
            raise CheckFailedError(
                f"it is not sound ({wrong[0].name}: {wrong[0].detail}); nothing was changed", "chatlog doctor"
            )
        counts = connection.execute("SELECT count(*), coalesce(sum(message_count), 0) FROM conversations").fetchone()
    return int(counts[0]), int(counts[1])


def _put_aside(part: Path, path: Path, key: Key | None, aside: Path) -> Path | None:
    """Put a verified file in the place of another; return what the other is kept as."""
    if not exists(path):
        put_in_place(part, path)
        return None
    try:
        with _alone(path, cipher.settled(path, key)) as connection:
            migrations.version_of(connection, path)
            upkeep.backup(connection, aside)
            _swap(connection, part, path)
            return aside
    except (DamagedFileError, WrongKeyError):  # it cannot be read: kept as it is, with what belongs to it
        for old, kept in zip(all_of(path), all_of(aside), strict=True):
            if old.exists():
                old.rename(kept)
        put_in_place(part, path)
        return aside


def _swap(connection: Connection, part: Path, path: Path, *, wipe: bool = False) -> None:
    """Give a new file the name of one that only `connection` has open; whoever waits for the old one is turned away."""
    connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    connection.execute("PRAGMA journal_mode = MEMORY").fetchone()
    with path.open("r+b") as old:  # to be closed after the connection: it would let go of that one's locks
        for suffix in COMPANIONS:
            beside(path, suffix).unlink(missing_ok=True)
        put_in_place(part, path)
        connection.execute(f"PRAGMA application_id = {schema.MOVED}")
        connection.close()
        if wipe:
            _overwrite(old)


def _overwrite(file: BinaryIO) -> None:
    """Overwrite what was plain before its blocks are given back; what the disk keeps elsewhere is out of reach."""
    left = os.fstat(file.fileno()).st_size
    while left > 0:
        left -= file.write(bytes(min(left, 1 << 20)))
    file.flush()
    os.fsync(file.fileno())
