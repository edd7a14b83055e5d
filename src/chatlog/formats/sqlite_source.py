"""Other programs' SQLite files: recognised by their tables, read without changing a byte of them.

Owns the one place outside the store that connects; knows no format.  A file with unwritten changes
beside it, and one in an archive or a stream, is read from a private copy that is gone afterwards.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import IO, Any

from chatlog.formats import Head
from chatlog.formats.jsonstream import decoded
from chatlog.formats.source import Source, file_source
from chatlog.models import Problem, Record

_MAGIC = b"SQLite format 3\x00"
#: How many rows are fetched at a time.
PAGE = 200
#: What SQLite writes beside a database before the changes are in it.
_UNWRITTEN = ("-wal", "-journal")
#: How often a copy is made again because the program that owns the file wrote to it meanwhile.
_TRIES = 3
_BUSY_SECONDS = 5.0
_CORRUPT, _NOT_A_DATABASE, _BUSY, _LOCKED = 11, 26, 5, 6
_DAMAGED = "the database is damaged or encrypted"
_VIRTUAL = re.compile(r"CREATE\s+VIRTUAL", re.IGNORECASE)


class UnreadableError(ValueError):
    """A database, or a part of it, that cannot be read; the sentence never holds its words."""


class Database:
    """A database opened for reading.

    Every row is a dict; bytes are text there, but for columns of the names in `binary`.  What the
    driver raises is UnreadableError.
    """

    def __init__(self, connection: Any, binary: frozenset[str] = frozenset()) -> None:
        self._connection = connection
        self._binary = binary

    @cached_property
    def tables(self) -> frozenset[str]:
        """The names of its tables; views and virtual tables, which may do anything, are not among them."""
        found = self.rows("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        return frozenset(row["name"] for row in found if not _VIRTUAL.match(str(row["sql"])))

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns; none where there is no such table."""
        if table not in self.tables:
            return frozenset()
        return frozenset(row["name"] for row in self.rows(f"PRAGMA table_info({quoted(table)})"))

    def rows(self, query: str, *values: Any) -> Iterator[dict[str, Any]]:
        """Yield the rows of a query, read page by page."""
        from sqlcipher3 import dbapi2 as driver

        try:
            cursor = self._connection.execute(query, values)
            names = [column[0] for column in cursor.description]
            while page := cursor.fetchmany(PAGE):
                for row in page:
                    yield {name: self._readable(name, value) for name, value in zip(names, row, strict=True)}
        except driver.Error as error:
            raise UnreadableError(_reason(error)) from error
        except UnicodeDecodeError as error:  # the driver's own, over the name of a column
            raise UnreadableError(_DAMAGED) from error

    def _readable(self, name: str, value: Any) -> Any:
        return value.decode("utf-8", "replace") if type(value) is bytes and name not in self._binary else value


def _reason(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (_CORRUPT, _NOT_A_DATABASE):
        return _DAMAGED
    if code in (_BUSY, _LOCKED):
        return "another program is writing to the database"
    return "the database cannot be read"


def quoted(name: str) -> str:
    """Return a table's or column's name as it is written in a query."""
    return '"' + name.replace('"', '""') + '"'


class Groups:
    """The rows of a table by a column that may have no index: their places are learnt in one pass.

    `query` says what is selected, from the table under the name ``held``.
    """

    def __init__(self, database: Database, table: str, column: str, query: str = "") -> None:
        self._database = database
        self._table = table
        self._column = column
        self._query = query or f"SELECT held.* FROM {quoted(table)} AS held"

    @cached_property
    def places(self) -> dict[Any, list[int]]:
        """The row ids for each value of the column, in the order in which the rows were added."""
        found: dict[Any, list[int]] = {}
        if self._column in self._database.columns(self._table):
            column = quoted(self._column)
            query = f"SELECT rowid AS place, {column} AS value FROM {quoted(self._table)} ORDER BY rowid"
            for row in self._database.rows(query):
                found.setdefault(row["value"], []).append(row["place"])
        return found

    def rows(self, value: Any) -> Iterator[dict[str, Any]]:
        """Yield the rows with that value, in the order in which they were added."""
        places = self.places.get(value, [])
        for start in range(0, len(places), PAGE):
            some = places[start : start + PAGE]
            marks = ", ".join("?" * len(some))
            yield from self._database.rows(f"{self._query} WHERE held.rowid IN ({marks}) ORDER BY held.rowid", *some)

    def get(self, value: Any, order: str = "") -> list[dict[str, Any]]:
        """Return the rows with that value, in the order of a column where they have it."""
        rows = list(self.rows(value))
        return sorted(rows, key=lambda row: row[order] or 0) if rows and order in rows[0] else rows


def is_database(source: Source) -> bool:
    """Whether a source is a database."""
    return source.head(len(_MAGIC)) == _MAGIC


def loaded(value: Any) -> Any:
    """Return the value of a column that holds JSON; None where it holds nothing.

    Raises ValueError or RecursionError where it is no JSON.
    """
    if value is None or value in ("", b""):
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return decoded(text)


def records(
    source: Source, read: Callable[[Database], Iterator[Record]], binary: frozenset[str] = frozenset()
) -> Iterator[Record]:
    """Yield what `read` makes of a database, and a problem where it cannot be read on.

    Columns of the names in `binary` may hold bytes; any other's are text.
    """
    try:
        with _opened(source, binary) as database:
            yield from read(database)
    except UnreadableError as error:
        yield Problem("", str(error))


@contextmanager
def _opened(source: Source, binary: frozenset[str] = frozenset()) -> Iterator[Database]:
    from sqlcipher3 import dbapi2 as driver

    with _readable(source) as address:
        try:
            connection = driver.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
        except driver.Error as error:
            raise UnreadableError(_reason(error)) from error
        try:
            for setting in ("cipher_log_level = NONE", "trusted_schema = OFF", "query_only = ON"):
                connection.execute(f"PRAGMA {setting}").fetchall()
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            yield Database(connection, binary)
        finally:
            connection.close()


@contextmanager
def _readable(source: Source) -> Iterator[str]:
    """Yield the address at which a source can be opened: its own file, or a copy in a private folder."""
    path = source.path
    if path is not None:
        for ending in _UNWRITTEN:  # changes come here first: whoever follows the file looks here too
            source.sibling(path.name + ending)
    if path is not None and not any(size > 0 for size, _ in _states(path)[1:]):
        # Without this, a file in write-ahead mode would get a -wal and a -shm beside it.
        settled = "&immutable=1" if _is_write_ahead(source) else ""
        yield f"{path.resolve().as_uri()}?mode=ro{settled}"
        return
    with tempfile.TemporaryDirectory(prefix="chatlog-") as folder:
        copy = Path(folder) / "copy.db"
        if path is None:
            with source.open() as stream, copy.open("wb") as out:
                shutil.copyfileobj(stream, out, 1 << 20)
        else:
            _copy_all(path, copy)
        yield f"{copy.as_uri()}?mode=rw"


def _is_write_ahead(source: Source) -> bool:
    return source.head(20)[18:20] != b"\x01\x01"


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _copy_all(path: Path, copy: Path) -> None:
    """Copy a database and what is beside it, again where either changed meanwhile."""
    for _ in range(_TRIES):
        before = _states(path)
        for ending in ("", *_UNWRITTEN):
            copied = _beside(copy, ending)
            copied.unlink(missing_ok=True)
            if _beside(path, ending).exists():
                shutil.copyfile(_beside(path, ending), copied)
        if _states(path) == before:
            return


def _states(path: Path) -> list[tuple[int, int]]:
    found = [_beside(path, ending) for ending in ("", *_UNWRITTEN)]
    return [(file.stat().st_size, file.stat().st_mtime_ns) if file.exists() else (-1, -1) for file in found]


# Recognition: the schema, read page by page without opening the database.


@lru_cache(maxsize=2)
def schema(head: Head) -> Mapping[str, str]:
    """Return each table of the database that begins like this, with its CREATE statement; none where it is none.

    Pages that do not lie in the beginning are read from the file, or from the source the head is of.
    Where the file shows no table, as one whose tables are still in its -wal, it is opened.
    """
    if not head.data.startswith(_MAGIC):
        return {}
    with _rest(head) as rest:
        found = dict(_Pages(head.data, rest).tables(1))
    path = Path(head.name)
    if not found and path.is_file():
        found = _schema_of(path)
    return {name: sql for name, sql in found.items() if not _VIRTUAL.match(sql)}


@contextmanager
def _rest(head: Head) -> Iterator[IO[bytes] | None]:
    """Open what the head is the beginning of, where it can be opened once more."""
    path = Path(head.name)
    source = head.source or (file_source(path) if path.is_file() else None)
    if source is None or source.folder is None:
        yield None
        return
    with source.open() as stream:
        yield stream


def tables(head: Head) -> frozenset[str]:
    """Return the names of the tables that the beginning of a database shows; none where it is no database."""
    return frozenset(schema(head))


def holds(head: Head, query: str, *texts: str) -> bool:
    """Say whether a query finds anything in a file, or the beginning of an archive's member one of its values."""
    path = Path(head.name)
    if path.is_file():
        return bool(_asked(path, query, *texts))
    return any(text.encode() in head.data for text in texts)


def _schema_of(path: Path) -> dict[str, str]:
    found = _asked(path, "SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    return {row["name"]: str(row["sql"]) for row in found}


def _asked(path: Path, query: str, *values: str) -> list[dict[str, Any]]:
    try:
        with _opened(file_source(path)) as database:
            return list(database.rows(query, *values))
    except (UnreadableError, OSError):
        return []


_INTERIOR, _LEAF = 5, 13
#: How far into a member of an archive its schema is looked for.
_FAR = 16_000_000


class _Pages:
    """The pages of a database file, as far as it can be read; others are as if they were empty."""

    def __init__(self, data: bytes, rest: IO[bytes] | None) -> None:
        self.data = data
        self.rest = rest
        size = int.from_bytes(data[16:18], "big")
        self.size = 65_536 if size == 1 else max(size, 512)
        self.seen: set[int] = set()

    def page(self, number: int) -> bytes:
        """Return a page, from beyond the beginning where that can be read."""
        start = (number - 1) * self.size
        if start + self.size > len(self.data) and self.rest is not None:
            if self.rest.seekable():
                self.rest.seek(start)
                return self.rest.read(self.size)
            self.data, self.rest = self.rest.read(_FAR), None
        return self.data[start : start + self.size]

    def tables(self, number: int) -> Iterator[tuple[str, str]]:
        """Yield name and statement of every table in a page of the schema and the pages below it."""
        page = self.page(number)
        at = 100 if number == 1 else 0
        if number in self.seen or len(page) < at + 12:
            return
        self.seen.add(number)
        kind, count = page[at], int.from_bytes(page[at + 3 : at + 5], "big")
        if kind == _LEAF:
            for cell in _cells(page, at + 8, count):
                yield from _entry(page[cell:])
        elif kind == _INTERIOR:
            below = [page[cell : cell + 4] for cell in _cells(page, at + 12, count)]
            for child in (*below, page[at + 8 : at + 12]):
                yield from self.tables(int.from_bytes(child, "big"))


def _cells(page: bytes, at: int, count: int) -> Iterator[int]:
    for index in range(at, at + 2 * min(count, len(page) // 4), 2):
        yield int.from_bytes(page[index : index + 2], "big")


def _entry(cell: bytes) -> Iterator[tuple[str, str]]:
    """Yield the table that a row of the schema describes: its type, name, table, root page and statement."""
    try:
        at = _varint(cell, _varint(cell, 0)[1])[1]
        length, position = _varint(cell, at)
        values, place = [], at + length
        for _ in range(5):
            kind, position = _varint(cell, position)
            size = _size(kind)
            values.append(cell[place : place + size].decode("utf-8", "replace"))
            place += size
    except IndexError:
        return
    if values[0] == "table":
        yield values[1], values[4]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return SQLite's number of variable length, and where it ends."""
    value = 0
    for index in range(at, at + 8):
        value = value << 7 | data[index] & 0x7F
        if data[index] < 0x80:
            return value, index + 1
    return value << 8 | data[at + 8], at + 9


def _size(kind: int) -> int:
    """Return how many bytes a value of that type takes."""
    if kind >= 12:
        return (kind - 12 - kind % 2) // 2
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind]
