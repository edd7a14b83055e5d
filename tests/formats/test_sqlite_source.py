"""Tests of reading other programs' databases: nothing changes, nothing is trusted, damage is told."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as driver

from chatlog.formats import Head
from chatlog.formats.source import Source, file_source
from chatlog.formats.sqlite_source import Database, Groups, UnreadableError, loaded, records, tables
from chatlog.models import LeftOut, Problem, Record

from .making import head_of, source_of, walk
from .sqlite_making import database, in_memory, table, with_connection

SCRIPT = "CREATE TABLE words (id INTEGER PRIMARY KEY, said TEXT); INSERT INTO words (said) VALUES ('one'), ('two');"


def count(database: Database) -> Iterator[Record]:
    """Yield a record for each word."""
    for row in database.rows("SELECT * FROM words"):
        yield LeftOut(row["said"], row["id"])


def read(source: Source) -> list[Record]:
    return list(records(source, count))


def state(folder: Path) -> dict[str, str]:
    """Return every file of a folder with a hash of its content."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


EXPECTED = [LeftOut("one", 1), LeftOut("two", 2)]


@pytest.mark.parametrize("mode", ["delete", "wal", "truncate", "persist"])
def test_a_file_at_rest_stays_as_it_is(tmp_path: Path, mode: str) -> None:
    """Whatever its journal, reading a file changes no byte of it and leaves nothing beside it."""
    path = database(tmp_path / "a.db", SCRIPT, mode)
    before = state(tmp_path)
    assert tables(head_of(file_source(path))) == {"words"}
    assert read(file_source(path)) == EXPECTED
    assert state(tmp_path) == before


def test_a_file_in_use_is_read_with_what_is_not_in_it_yet(tmp_path: Path) -> None:
    """Words that another program has only in its -wal are read, and neither file changes."""
    connection = with_connection(tmp_path / "a.db", SCRIPT, "wal")
    assert (tmp_path / "a.db-wal").stat().st_size > 0
    before = {name: digest for name, digest in state(tmp_path).items() if not name.endswith("-shm")}
    assert tables(head_of(file_source(tmp_path / "a.db"))) == {"words"}
    assert read(file_source(tmp_path / "a.db")) == EXPECTED
    assert {name: digest for name, digest in state(tmp_path).items() if not name.endswith("-shm")} == before
    connection.execute("INSERT INTO words (said) VALUES ('three')")
    assert read(file_source(tmp_path / "a.db"))[-1] == LeftOut("three", 3)
    connection.close()


def test_what_a_program_that_died_left_half_done_is_undone_in_the_copy_alone(tmp_path: Path) -> None:
    """A hot journal is rolled back for reading; the file and its journal stay as they were."""
    script = (
        "import sys, os; from sqlcipher3 import dbapi2 as d; c = d.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN');"
        "c.execute('UPDATE words SET said = \"half\"');"
        "c.execute('CREATE TABLE filler (x)');"
        "[c.execute('INSERT INTO filler VALUES (zeroblob(9000))') for _ in range(50)]; os._exit(1)"
    )
    path = database(tmp_path / "a.db", SCRIPT)
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert (tmp_path / "a.db-journal").stat().st_size > 0
    before = state(tmp_path)
    assert read(file_source(path)) == EXPECTED
    assert state(tmp_path) == before


def test_copies_are_private_and_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy lies in a folder that only its owner may enter, and none is left, also of a reading that is broken off."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    path = database(tmp_path / "a.db", SCRIPT)
    seen: list[int] = []

    def look(held: Database) -> Iterator[Record]:
        seen.extend(folder.stat().st_mode & 0o777 for folder in (tmp_path / "t").iterdir())
        yield from count(held)

    reading = records(in_memory(path), look)
    assert next(reading) == EXPECTED[0]
    reading.close()  # type: ignore[attr-defined]
    assert seen == [0o700]
    assert list((tmp_path / "t").iterdir()) == []


def test_a_member_of_an_archive_is_recognised_and_read(tmp_path: Path) -> None:
    """A database inside a zip is known by its tables and read."""
    path = database(tmp_path / "a.db", SCRIPT)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "data/a.db")
    found = [(tables(head_of(member)), read(member)) for member in walk(tmp_path / "a.zip")]
    assert found == [({"words"}, EXPECTED)]


def far_schema(path: Path) -> Path:
    """Make a database whose schema outgrew its first page late, so that the rest of it lies far behind."""
    columns = ", ".join(f"column_number_{number} TEXT" for number in range(20))
    filler = "INSERT INTO first VALUES (zeroblob(300000));"
    return database(
        path,
        f"CREATE TABLE first (x); {filler}"
        + "".join(f"CREATE TABLE late{number} ({columns});" for number in range(40)),
    )


def test_a_schema_that_lies_behind_the_beginning(tmp_path: Path) -> None:
    """Pages of the schema are read from the file, and from the archive where the head knows its source."""
    expected = {"first", *(f"late{number}" for number in range(40))}
    path = far_schema(tmp_path / "a.db")
    assert tables(head_of(file_source(path))) == expected
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "a.db")
    for member in walk(tmp_path / "a.zip"):
        head = Head(member.name, member.head(), member)
        assert tables(head) == expected
    assert tables(head_of(in_memory(path, "nowhere"))) < expected


def test_tables_that_are_in_the_wal_alone(tmp_path: Path) -> None:
    """A file that has no table yet is opened with what is beside it."""
    connection = with_connection(tmp_path / "a.db", "", "wal")
    connection.execute("CREATE TABLE words (said)")
    assert tables(head_of(file_source(tmp_path / "a.db"))) == {"words"}
    connection.close()


def test_a_schema_of_many_pages_is_seen_in_the_beginning_of_the_file(tmp_path: Path) -> None:
    """A schema spread over a tree of pages is read, as far as it lies in the beginning; views are no tables."""
    columns = ", ".join(f"column_number_{number} TEXT" for number in range(12))
    script = "".join(f"CREATE TABLE t{number} ({columns});" for number in range(40))
    virtual = "CREATE VIEW v AS SELECT 1; CREATE VIRTUAL TABLE f USING fts5(words);"
    path = database(tmp_path / "a.db", "PRAGMA page_size = 512; VACUUM;" + script + virtual)
    found = tables(head_of(in_memory(path, "nowhere.db")))
    assert found >= {f"t{number}" for number in range(40)}
    assert found.isdisjoint({"v", "f"})


def test_views_and_virtual_tables_are_not_offered(tmp_path: Path) -> None:
    """What may run code of its own when it is read is not among the tables."""
    path = database(tmp_path / "a.db", SCRIPT + "CREATE VIEW v AS SELECT 1; CREATE VIRTUAL TABLE f USING fts5(x);")
    seen: list[frozenset[str]] = []
    list(records(file_source(path), lambda held: iter(seen.append(held.tables) or ())))  # type: ignore[func-returns-value]
    assert "words" in seen[0]
    assert seen[0].isdisjoint({"v", "f"})


def test_nothing_can_be_written_and_nothing_is_trusted(tmp_path: Path) -> None:
    """The connection refuses to write and to trust the schema."""
    path = database(tmp_path / "a.db", SCRIPT)
    problems: list[str] = []

    def misuse(held: Database) -> Iterator[Record]:
        assert next(held.rows("PRAGMA trusted_schema")) == {"trusted_schema": 0}
        assert next(held.rows("PRAGMA query_only")) == {"query_only": 1}
        for statement in ("DELETE FROM words RETURNING id", "SELECT load_extension('x')"):
            try:
                list(held.rows(statement))
            except UnreadableError as error:
                problems.append(str(error))
        yield from count(held)

    for source in (file_source(path), in_memory(path)):
        assert list(records(source, misuse)) == EXPECTED
    assert problems == ["the database cannot be read"] * 4


@pytest.mark.parametrize("keep", [0, 10, 100, 600, 4096, 5000])
def test_a_file_that_is_cut_off(tmp_path: Path, keep: int) -> None:
    """A truncated file is a problem, never an exception, and tells nothing of its words."""
    path = table(tmp_path / "a.db", "words", [{"id": number, "said": "secret" * 50} for number in range(200)])
    path.write_bytes(path.read_bytes()[:keep])
    for source in (file_source(path), in_memory(path)):
        found = read(source)
        assert [type(record) for record in found if not isinstance(record, LeftOut)] == [Problem]
        assert "secret" not in repr([record for record in found if isinstance(record, Problem)])


def test_a_damaged_page_is_told_after_what_is_sound(tmp_path: Path) -> None:
    """What comes before the damage is read."""
    rows = [{"id": number, "said": f"{number}" * 100} for number in range(1, 400)]
    path = table(tmp_path / "a.db", "words", rows)
    data = bytearray(path.read_bytes())
    data[-8192:] = b"\xff" * 8192
    path.write_bytes(data)
    found = read(file_source(path))
    assert found[0] == LeftOut("1" * 100, 1)
    assert found[-1] == Problem("", "the database is damaged or encrypted")


def test_a_column_whose_name_is_damaged(tmp_path: Path) -> None:
    """What the driver cannot decode is a problem of the file, not of ours."""
    path = table(tmp_path / "a.db", "words", [{"said": "hello", "column": 1}])
    path.write_bytes(path.read_bytes().replace(b"column", b"col\xffmn"))
    assert read(file_source(path)) == [Problem("", "the database is damaged or encrypted")]


def test_an_encrypted_file(tmp_path: Path) -> None:
    """A file that only its key opens is a problem that says so, and is no database of a known format."""
    path = tmp_path / "a.db"
    connection = driver.connect(str(path), isolation_level=None)
    connection.executescript("PRAGMA key = 'k';" + SCRIPT)
    connection.close()
    assert tables(head_of(file_source(path))) == frozenset()
    assert read(file_source(path)) == [Problem("", "the database is damaged or encrypted")]


def test_no_table_of_that_name(tmp_path: Path) -> None:
    """A database without the table that was asked for is a problem."""
    assert read(file_source(database(tmp_path / "a.db", "CREATE TABLE other (x)"))) == [
        Problem("", "the database cannot be read")
    ]


def test_rows_are_grouped_by_a_column_without_an_index(tmp_path: Path) -> None:
    """Rows come by the value of a column, in the order they were added or in that of a column."""
    rows = [{"talk": talk, "place": place} for talk, place in (("a", 3), ("b", 1), ("a", 2), (None, 9))]
    found: list[object] = []

    def look(held: Database) -> Iterator[Record]:
        groups = Groups(held, "words", "talk")
        found.extend([list(groups.places), [row["place"] for row in groups.rows("a")], groups.get("a", "place")])
        found.append(Groups(held, "nothing", "talk").get("a"))
        yield from ()

    list(records(file_source(table(tmp_path / "a.db", "words", rows)), look))
    assert found == [
        ["a", "b", None],
        [3, 2],
        [{"talk": "a", "place": 2}, {"talk": "a", "place": 3}],
        [],
    ]


def test_json_of_a_column() -> None:
    """JSON comes from text and from bytes; a lone half of a pair is spelt out; nothing is None."""
    assert loaded('{"a": "\\ud83d"}') == {"a": "\\ud83d"}
    assert loaded(b'["\xc3\xa9"]') == ["é"]
    assert [loaded(None), loaded(""), loaded(b"")] == [None, None, None]
    with pytest.raises(ValueError, match="Expecting"):
        loaded("{")


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\x00", b"SQLite format 3\x00" + b"\xff" * 5000, b"{}"])
def test_a_beginning_that_shows_nothing(data: bytes) -> None:
    """A head that is cut off, full of nonsense, or of another format shows no tables."""
    assert tables(head_of(source_of(data, "nowhere"))) == frozenset()


def test_pages_that_point_in_circles() -> None:
    """A schema whose pages lead to themselves is looked at once."""
    page = bytearray(4096)
    page[:18] = b"SQLite format 3\x00" + (4096).to_bytes(2, "big")
    page[100] = 5
    page[103:105] = (400).to_bytes(2, "big")
    for cell in range(400):
        page[112 + 2 * cell : 114 + 2 * cell] = (1000).to_bytes(2, "big")
    page[1000:1004] = (1).to_bytes(4, "big")
    page[108:112] = (1).to_bytes(4, "big")
    assert tables(head_of(source_of(bytes(page), "nowhere"))) == frozenset()
