"""How the file is opened, locked and let go.

The one place that connects.  sqlcipher3 is the only SQLite library in the process; the database
file is never opened by other means while a connection to it is open (that drops SQLite's locks).
No business logic.
"""

from __future__ import annotations

import os
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote
from weakref import ReferenceType, ref

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import ChatlogError, ClosedError, NoDatabaseError, StorageFullError, UsageError, choices_hint
from chatlog.keys import Key
from chatlog.store.sqlite import cipher
from chatlog.store.sqlite.database_file import WAL, Registry, beside
from chatlog.store.sqlite.failures import BUSY, UNREADABLE, is_unreadable, translate, unreadable

Row = tuple[Any, ...]
Answer = TypeVar("Answer")

# Without an adapter of its own, each such value that is bound costs the driver an exception it raises and catches.
for _kind, _adapter in ((type(None), lambda value: value), (bool, int), (bytes, bytes)):
    driver.register_adapter(_kind, _adapter)


class Cursor(Protocol):
    """What is used of the driver's cursors; the driver itself is untyped."""

    lastrowid: int
    rowcount: int

    def fetchone(self) -> Any: ...  # noqa: D102  the DB-API's
    def fetchall(self) -> list[Row]: ...  # noqa: D102
    def __iter__(self) -> Iterator[Row]: ...


class Connection(Protocol):
    """What is used of the driver's connections."""

    in_transaction: bool
    is_alone: bool

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Cursor: ...  # noqa: D102  the DB-API's
    def executemany(self, sql: str, values: Sequence[Sequence[Any]], /) -> Cursor: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102
    def create_function(self, name: str, arity: int, function: Any, /, *, deterministic: bool) -> None: ...  # noqa: D102


#: Older ones have the WAL-reset bug, which loses committed data.
MINIMUM_SQLITE: Final = (3, 51, 3)
#: How long a writer waits for the write lock before it gives up.
BUSY_SECONDS: Final = 30.0
#: How long one that needs the file for itself waits for others to close it.
ALONE_SECONDS: Final = 3.0
#: A message larger than this is refused before the driver sees it, which binds up to 1 GB.
MAX_TEXT_CHARS: Final = 250_000_000

#: How long SQLite itself waits for a lock before our own retry, in seconds.
BUSY_SLICE: Final = 0.02
#: The longest pause between two tries: short enough at first to get in between two steps of a long job (pacing.py).
SHORT_PAUSE, EAGER_SECONDS, LONG_PAUSE = 0.005, 1.0, 0.05
SYNCHRONOUS: Final = ("FULL", "NORMAL")
#: What is set on every connection; `secure_delete` overwrites deleted bytes and holds per connection.
SETTINGS: Final = (
    "foreign_keys = ON",
    "secure_delete = ON",
    "trusted_schema = OFF",
    "temp_store = MEMORY",
    "cache_size = -16000",
)

#: So many connections are kept for the next ones who need one: each holds files open, and pages in memory.
MOST_IDLE: Final = 8
#: While much is written the log is folded into the file once it has so many pages, not the usual 1,000: a page that
#: changes again and again is then written to the file once.
MUCH_PAGES: Final = 16_000


def check_driver(synchronous: str, key: Key | None) -> None:
    """Raise UsageError for an SQLite that loses data, or a setting it does not have; before any file is made."""
    if driver.sqlite_version_info < MINIMUM_SQLITE:
        raise UsageError(
            f"SQLite {driver.sqlite_version} loses data under load", "upgrade sqlcipher3 to 0.6.4 or later"
        )
    if synchronous not in SYNCHRONOUS:
        raise UsageError(f"'{synchronous}' is not a synchronous setting", choices_hint(synchronous, SYNCHRONOUS))
    if key is not None:
        with closing(driver.connect(":memory:")) as connection:
            cipher.unlock(connection, key)


def connect(path: Path, synchronous: str = "FULL", key: Key | None = None, *, alone: bool = False) -> Connection:
    """Return a connection with every safety setting on; with `alone`, nobody else has the file open meanwhile.

    Raises NoDatabaseError, WrongKeyError, DamagedFileError or SchemaMismatchError.
    """
    connection: Connection | None = None
    try:
        connection = opened = _driver_connect(path, key)
        opened.is_alone = alone
        # before anything that reads the file: once its log is open in the shared way, the mode changes nothing
        locking = ("locking_mode = EXCLUSIVE",) if alone else ()
        settings = (*locking, *SETTINGS, f"synchronous = {synchronous}")
        look = [*(f"PRAGMA {setting}" for setting in settings), "SELECT count(*) FROM sqlite_master"]
        # some settings read the schema, for which a process that is giving the file its first page has to be done
        patience = (ALONE_SECONDS,) if alone else ()
        patiently(lambda: [opened.execute(sql).fetchall() for sql in look], *patience)
    except (driver.Error, *UNREADABLE) as error:
        if connection is not None:
            connection.close()
        raise _meaning(error, path, key) from _cause(error)
    return connection


def connect_anyway(path: Path, synchronous: str, key: Key | None) -> Connection:
    """Return a connection like `connect`; on a full disk one that has the file for itself.

    That one does without the file by which processes share the log: what is there can be read, and copied elsewhere.
    """
    try:
        return connect(path, synchronous, key)
    except StorageFullError:
        with suppress(ChatlogError):
            return connect(path, synchronous, key, alone=True)
        raise


def _driver_connect(path: Path, key: Key | None) -> Connection:
    return _open(path, "rw", key)


class _Connection(driver.Connection):  # type: ignore[misc]  # the driver is untyped
    """One that can be referred to weakly, as `Registry` does, and that knows whether it has the file for itself."""

    __slots__ = ("__weakref__", "is_alone")


def _open(path: Path, mode: str, key: Key | None) -> Connection:
    name = quote(os.fsencode(path))  # behind an authority: what begins with two slashes would be taken for one
    uri = f"file:{'//' * name.startswith('/')}{name}?mode={mode}"
    connection: Connection = driver.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SLICE, factory=_Connection
    )
    cipher.unlock(connection, key)
    connection.create_function("folded", 1, folded, deterministic=True)
    return connection


def folded(text: str | None) -> str | None:
    """Return a text as it is compared whatever its case: SQLite by itself knows that of ASCII alone."""
    return text and unicodedata.normalize("NFC", text).casefold()


@contextmanager
def looked_at(path: Path, key: Key | None) -> Iterator[Connection]:
    """Lend a connection that can write nothing to a file that nobody else of this process has open.

    A file without a log is taken as it stands: reading it otherwise would leave a log beside it that is never removed.
    """
    key = cipher.settled(path, key)
    mode = "ro" if beside(path, WAL).exists() else "ro&immutable=1"
    with closing(_open(path, mode, key)) as connection:
        yield connection


@contextmanager
def peeked(path: Path, key: Key | None) -> Iterator[Connection | None]:
    """Lend a read-only connection to a file with a write-ahead log, None where a look costs nothing.

    The last connection that may write folds the log into the file as it closes: not into somebody else's.
    """
    connection = None
    if beside(path, WAL).exists():
        try:
            connection = _open(path, "ro", key)
        except driver.Error:  # what is wrong will be said when it is opened for good
            connection = None
    try:
        yield connection
    except (driver.Error, *UNREADABLE):
        pass
    finally:
        if connection is not None:
            connection.close()


def _meaning(error: Exception, path: Path, key: Key | None = None) -> Exception:
    return unreadable(path) if is_unreadable(error) else translate(error, path, key) or error


def _cause(error: Exception) -> Exception | None:
    """Return what a traceback may show: never a value that could not be read."""
    return None if is_unreadable(error) else error


def patiently(action: Callable[[], Answer], seconds: float = BUSY_SECONDS) -> Answer:
    """Do something that needs a lock, trying again at random intervals for up to `seconds`.

    Random waits let a single writer through where SQLite's own back-off starves it.
    """
    began = time.monotonic()
    while True:
        try:
            return action()
        except driver.OperationalError as error:
            waited = time.monotonic() - began
            if is_unreadable(error) or (error.sqlite_errorcode & 0xFF) != BUSY or waited > seconds:
                raise
        pause = SHORT_PAUSE if waited < EAGER_SECONDS else LONG_PAUSE
        time.sleep(pause * int.from_bytes(os.urandom(2)) / 65_536)


def begin_immediate(connection: Connection) -> None:
    """Take the write lock, waiting for it as long as `patiently` does."""
    patiently(lambda: connection.execute("BEGIN IMMEDIATE"))


@contextmanager
def transaction(connection: Connection, *, commit: bool = True) -> Iterator[None]:
    """Run a block inside one `BEGIN IMMEDIATE` transaction; whatever ends it early rolls it back."""
    try:
        begin_immediate(connection)
        yield
        connection.execute("COMMIT" if commit else "ROLLBACK")
    except BaseException:
        with suppress(driver.ProgrammingError):  # an interrupted one is closed already
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _set(connection: Connection, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()


class Pool:
    """Connections to one file, lent one at a time, so that a store is safe to use from threads.

    None of them goes into a child of the process (`_rest`, `_begin_anew`): each opens its own.
    """

    def __init__(self, path: Path, open_connection: Callable[[], Connection]) -> None:
        self.path = path
        self.file = path.resolve()  # wherever the process goes meanwhile
        self._open_connection = open_connection
        self._idle: deque[Connection] = deque()
        self._closed = False
        self._inode: int | None = None
        _pools.add(ref(self, _pools.discard))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a connection; what the driver raises comes out as a ChatlogError.

        One that was interrupted, who knows where and in what transaction, is closed, and one that keeps others out.
        """
        connection = self._take()
        in_order = True
        try:
            yield connection
        except ChatlogError:
            raise
        except (driver.Error, *UNREADABLE) as error:
            raise _meaning(error, self.path) from _cause(error)
        except UnicodeEncodeError:
            raise UsageError("a text is not UTF-8, or holds half of a surrogate pair") from None
        except OverflowError:
            raise UsageError("a number is larger than any that can be kept") from None
        except RecursionError:
            raise UsageError("a value is nested too deeply to be kept") from None
        except BaseException:
            in_order = False
            raise
        finally:
            is_kept = in_order and not connection.in_transaction and not connection.is_alone
            (self._give_back if is_kept else self._drop)(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Lend a connection to read with in several steps: what others write meanwhile is not seen."""
        with self.read() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def write(self, *, commit: bool = True, durable: bool = True, checkpoint: bool = True) -> Iterator[Connection]:
        """Lend a connection inside one `BEGIN IMMEDIATE` transaction; any exception rolls it back.

        What is not `durable` may be lost in a power cut, never in part, until a durable transaction or `settle`.
        Without `checkpoint` folding the log into the file is left to the caller.
        """
        changed = {} if durable else {"synchronous": "NORMAL", "wal_autocheckpoint": str(MUCH_PAGES)}
        changed |= {} if checkpoint else {"wal_autocheckpoint": "0"}
        with self.read() as connection:
            usual = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in changed}
            _set(connection, changed)
            try:
                with transaction(connection, commit=commit):
                    yield connection
            finally:
                if not connection.in_transaction:  # an interrupted one is closed as it is
                    _set(connection, usual)

    def settle(self) -> None:
        """Have on the disk what was written by transactions that were not durable."""
        with self.read() as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close every idle connection; those on loan close when they are given back."""
        self._closed = True
        self.rest()

    def rest(self) -> None:
        """Close every idle connection; the next one who needs one opens it."""
        with suppress(IndexError):  # others take from it meanwhile, so its length says nothing
            while True:
                self._drop(self._idle.pop())

    def disown(self) -> None:
        """Let go, in a child, of connections that are its parent's: not even closing them is safe there."""
        _never_closed.extend(self._idle)
        self._idle.clear()

    def _take(self) -> Connection:
        if self._closed:
            raise ClosedError("the store is closed", "open it again")
        Registry.check_whole(self.file)
        self._check_there()
        try:
            return self._idle.pop()
        except IndexError:
            return Registry.opened(self.file, self._open_connection)

    def _check_there(self) -> None:
        """Raise NoDatabaseError where the file is not the one that was opened: SQLite would write on, into nothing."""
        try:
            inode = self.file.stat().st_ino
        except FileNotFoundError:
            inode = None
        self._inode = self._inode or inode
        if inode != self._inode:
            raise NoDatabaseError(f"{self.path} was removed or replaced while it was in use", "start again")

    def _give_back(self, connection: Connection) -> None:
        self._idle.append(connection)
        if self._closed:
            self.close()
        elif len(self._idle) > MOST_IDLE:
            with suppress(IndexError):
                self._drop(self._idle.popleft())

    def _drop(self, connection: Connection) -> None:
        connection.close()
        Registry.forget(self.file, connection)


#: Every pool of the process, and what was on its way back to one when the process was forked.
_pools: set[ReferenceType[Pool]] = set()
_never_closed: list[Connection] = []


def _every_pool() -> Iterator[Pool]:
    return (pool for known in tuple(_pools) if (pool := known()) is not None)


def _rest() -> None:
    """Close what is idle before a fork: SQLite takes the locks of its open files along, the system does not.

    A child that went on with them would write, and be told that it is written, into a log that its parent removes.
    """
    for pool in _every_pool():
        pool.rest()


def _begin_anew() -> None:
    """Begin in a child without a connection."""
    Registry.begin_anew()
    for pool in _every_pool():
        pool.disown()


if hasattr(os, "register_at_fork"):  # elsewhere nothing forks
    os.register_at_fork(before=_rest, after_in_child=_begin_anew)
