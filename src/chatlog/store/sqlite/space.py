"""The file's space: deleted words merged out of the index, free pages given back, the log folded in (checkpointed).

Everything but `vacuum` works in steps of a few milliseconds, with a pause between two in which others write.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatlog.errors import ReadOnlyError, StorageFullError
from chatlog.store.forgetting import Stop
from chatlog.store.sqlite import segments
from chatlog.store.sqlite.connection import Connection, Pool, patiently
from chatlog.store.sqlite.database_file import beside
from chatlog.store.sqlite.pacing import FEW_PAGES, checkpoint, in_steps
from chatlog.store.sqlite.upkeep import sizes

#: Pages of the file that one step may write.
FEWEST_PAGES, MOST_PAGES = 16, 1_000
#: The chore that stands for a merge of the whole index, whoever noted it.
MERGE = "merge"
#: How long the write-ahead log may take to be free of readers.
FOLD_SECONDS = 2.0


def merge_segments(pool: Pool) -> None:
    """Merge segments of the word index while there are many, which others would have to do otherwise."""
    with pool.read() as connection:
        if not segments.are_many(connection):
            return
    in_steps(pool, segments.merge_some, bool, least=FEWEST_PAGES, most=MOST_PAGES)


def merge_index(pool: Pool, stop: Stop) -> bool:
    """Merge the whole word index into one segment: nothing of what was taken out of it is left."""
    level: int | None = None

    def step(connection: Connection, pages: int) -> bool:
        nonlocal level
        level = segments.merge_step(connection, pages, level)
        return level is not None

    return in_steps(pool, step, stop, least=FEWEST_PAGES, most=MOST_PAGES)


def tidy_index(pool: Pool, stop: Stop) -> bool:
    """Take out of the word index what was left in it for a merge, or as the name of a page; whether all was."""
    with pool.read() as connection:
        waits = _merge_waits(connection)
    if waits:
        if not merge_index(pool, stop):
            return False
        with pool.write() as connection:
            segments.defer_merges(connection, on=False)
            connection.execute("DELETE FROM chores WHERE name = ?", (MERGE,))
    with pool.read() as connection:
        stale = segments.stale_names(connection)
    for segment, name in stale:
        with pool.write() as connection:
            if not _merge_waits(connection):  # till then pages hold what was deleted, too
                segments.rename_page(connection, segment, name)
    return True


def _merge_waits(connection: Connection) -> bool:
    return connection.execute("SELECT 1 FROM chores WHERE name = ?", (MERGE,)).fetchone() is not None


def drop_samples(pool: Pool) -> None:
    """Delete the samples of text that ANALYZE keeps in the clear, where somebody ran it."""
    with pool.read() as connection:
        kept = connection.execute("SELECT name FROM sqlite_master WHERE name IN ('sqlite_stat1', 'sqlite_stat4')")
        tables = [name for (name,) in kept.fetchall()]
    for table in tables:
        with pool.write() as connection:
            connection.execute(f"DELETE FROM {table}")


def give_back(pool: Pool, stop: Stop) -> bool:
    """Cut free pages off the file; a file made by an early chatlog keeps them until `vacuum`."""

    def step(connection: Connection, pages: int) -> bool:
        free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
        if not free or int(connection.execute("PRAGMA auto_vacuum").fetchone()[0]) != 2:
            return False
        connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
        return free > pages

    return in_steps(pool, step, stop, least=FEWEST_PAGES, most=MOST_PAGES)


def fold(pool: Pool, seconds: float = FOLD_SECONDS) -> bool:
    """Empty the write-ahead log into the file; whether no reader of an old state kept it from that."""
    deadline = time.monotonic() + seconds
    while True:
        # most of it without the write lock, so that the part that needs it is short
        if checkpoint(pool, 1) <= FEW_PAGES or time.monotonic() > deadline:
            with pool.read() as connection:
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy or time.monotonic() > deadline:
                return not busy
        time.sleep(0.05)


def vacuum(pool: Pool) -> tuple[int, int]:
    """Write the file anew; return its size before and after.

    Raises StorageFullError where the disk or the memory has no room for a second copy.
    """
    with pool.read() as connection:
        before, used = sizes(connection)
        _check_room(pool.path, used)
        patiently(lambda: connection.execute("PRAGMA auto_vacuum = INCREMENTAL").fetchall())
        patiently(lambda: connection.execute("VACUUM").fetchall())
        after, _ = sizes(connection)
    return before, after


def _check_room(path: Path, needed: int) -> None:
    """Raise StorageFullError where a second copy has no room: on the disk as the log, in memory while it is made."""
    free = shutil.disk_usage(path.parent).free
    if free < needed * 1.1:
        raise StorageFullError(f"there are {free:,} bytes free on the disk, {needed:,} are needed", "free some space")
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names and (memory := os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) < needed:
        raise StorageFullError(f"there are {memory:,} bytes of free memory, {needed:,} are needed", "close something")


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold the lock that keeps a second prune out; yields whether nobody else had it.

    It goes with the process that holds it, however that ends.
    """
    name = beside(path.resolve(), "-prune")
    try:
        descriptor = os.open(name, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ReadOnlyError(f"cannot write {name}: {error.strerror}") from None
    mine = _locked(descriptor) and _is_there(name, descriptor)
    try:
        yield mine
    finally:
        if mine:
            name.unlink(missing_ok=True)
        os.close(descriptor)


def _is_there(name: Path, descriptor: int) -> bool:
    """Whether the locked file is still the one of that name, not one that its holder has just taken away."""
    try:
        return name.stat().st_ino == os.fstat(descriptor).st_ino
    except OSError:
        return False


def _locked(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
