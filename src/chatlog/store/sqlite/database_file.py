"""The database's files as the system sees them: what they are called, making one, and which are open here.

Opens no connection; who reads the bytes of a database asks `Registry` first.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from chatlog.errors import NoDatabaseError, UsageError, not_written
from chatlog.models import new_id
from chatlog.paths import is_file

Opened = TypeVar("Opened")

#: What SQLite appends to a database's name for the files that it keeps beside it.
WAL = "-wal"
COMPANIONS = (WAL, "-shm", "-journal")
#: What a file is called until it is whole, and what SQLite keeps beside it; a killed process leaves them.
PARTS = ".chatlog-????????.part*"


def beside(path: Path, suffix: str) -> Path:
    """Return the file beside a database whose name is the database's with a suffix."""
    return path.with_name(path.name + suffix)


def all_of(path: Path) -> list[Path]:
    """Return a database's file and those that SQLite may keep beside it, there or not."""
    return [path, *(beside(path, suffix) for suffix in COMPANIONS)]


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read, from its first byte on.  Raises OSError, also where one is."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o600))


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """Lend an empty private file beside another; it and what belongs to it are gone afterwards.

    Its name is one of `PARTS`.  Raises NotFoundError or StorageFullError.
    """
    part = path.with_name(f".chatlog-{new_id()[:8]}.part")
    try:
        make_private(part)
    except OSError as error:
        raise not_written(error, f"into {path.parent}") from None
    try:
        yield part
    finally:
        for file in all_of(part):
            with suppress(OSError):  # a disk that fails has failed before, which is what matters
                file.unlink()


def put_in_place(part: Path, path: Path) -> None:
    """Give a whole file its name: it says so, also after a kill or a power cut."""
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    part.replace(path)
    with suppress(OSError):  # Windows cannot
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Registry:
    """Which files this process has open, so that nothing reads their bytes meanwhile."""

    _lock = threading.Lock()
    #: Held while a connection is opened and counted, and while a file's bytes are read: to close a file that a
    #: connection has open would let go of SQLite's locks.
    _turn = threading.RLock()
    #: By file, for as long as each lives: one that nobody closed, or that an interrupt took, counts no longer.
    _open: dict[Path, WeakSet[Any]] = {}  # noqa: RUF012  guarded by the lock
    _torn: frozenset[Path] = frozenset()

    @classmethod
    def opened(cls, path: Path, connect: Callable[[], Opened]) -> Opened:
        """Open a connection and remember it."""
        with cls._turn:
            connection = connect()
            with cls._lock:
                cls._open.setdefault(path, WeakSet()).add(connection)
            return connection

    @classmethod
    def forget(cls, path: Path, connection: object) -> None:
        """Forget a connection that is closed."""
        with cls._lock:
            cls._open.setdefault(path, WeakSet()).discard(connection)  # in a child it is its parent's

    @classmethod
    def count(cls, path: Path) -> int:
        """Return how many connections to the file are open in this process."""
        with cls._lock:
            return len(cls._open.get(path.resolve(), ()))

    @classmethod
    def head(cls, path: Path, size: int) -> bytes:
        """Return the first bytes of a file; none of one that is not there, or that this process has open."""
        with cls._turn:
            if cls.is_open(path) or not is_file(path):
                return b""
            with path.open("rb") as file:
                return file.read(size)

    @classmethod
    def is_open(cls, path: Path) -> bool:
        """Whether a connection to the file is open in this process."""
        return cls.count(path) > 0

    @classmethod
    def begin_anew(cls) -> None:
        """Count from nothing in a child; what its parent had in use just then stays out of its reach.

        SQLite believes that the child holds the locks its parent holds, and writes where others remove what it wrote.
        """
        cls._lock, cls._turn = threading.Lock(), threading.RLock()
        cls._torn |= {path for path, connections in cls._open.items() if len(connections)}
        cls._open = {}

    @classmethod
    def check_whole(cls, path: Path) -> None:
        """Raise UsageError for a file that was in use when this process was forked."""
        if path in cls._torn:
            raise UsageError(
                f"{path} was in use when this process was forked",
                "start processes before they use it, or by multiprocessing's 'spawn' or 'forkserver'",
            )


def prepare_file(path: Path, *, create: bool) -> None:
    """Make sure there is a private file to open.

    A new file is 0600 from its first byte, and SQLite gives its -wal and -shm the same.
    Raises NoDatabaseError where there is none and `create` is false.
    """
    try:
        info = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        info = None
    except OSError as error:
        raise NoDatabaseError(f"cannot open {path}: {(error.strerror or 'the system refuses').lower()}") from None
    if info is not None and not stat.S_ISREG(info.st_mode) and not stat.S_ISDIR(info.st_mode):
        raise NoDatabaseError(f"cannot open {path}: it is not a file", "check --db")
    if info is not None and (stat.S_ISDIR(info.st_mode) or info.st_size > 0):
        return
    if not create:
        reason = "is empty" if info else "does not exist"
        hint = "chatlog import --auto brings in what is on this computer; chatlog demo shows what there is to it"
        raise NoDatabaseError(f"there is no history yet: {path} {reason}", hint)
    try:
        make_private(path)
    except FileExistsError:
        if not path.exists():
            raise NoDatabaseError(f"cannot create {path}: it is a link to nowhere", "check --db") from None
        path.chmod(0o600)
    except OSError:
        raise NoDatabaseError(f"cannot create {path}: {why_not_opened(path)}") from None


def is_read_only(path: Path) -> bool:
    """Whether a file can be read, but nothing be written beside it, as on a disk that is mounted so."""
    return os.access(path, os.R_OK) and not os.access(path.parent, os.W_OK)


def why_not_opened(path: Path) -> str:
    """Return why the system does not let a database be opened or made."""
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if not path.exists():
        return "there is no such file" if os.access(path.parent, os.W_OK | os.X_OK) else "permission denied"
    return "permission denied" if not os.access(path, os.R_OK | os.W_OK) else "the system refuses"
