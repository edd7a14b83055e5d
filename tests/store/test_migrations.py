"""Tests of migrations: born with the newest schema, brought there step by step or not at all, foreign files refused."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from chatlog.errors import ChatlogError, DamagedFileError, SchemaMismatchError
from chatlog.store import Store, open_store
from chatlog.store.sqlite import migrations, schema
from chatlog.store.sqlite.connection import connect
from chatlog.store.sqlite.migrations import MIGRATIONS, Migration, statements

from .making import assert_sound, exported, opened, say

SECOND = Migration(2, "a second schema", "CREATE TABLE second (a);\nALTER TABLE policies ADD COLUMN note TEXT;\n")
THIRD = Migration(3, "a third schema", "CREATE TABLE third (a);\nINSERT INTO third VALUES (1);\n")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a file of the schema there is, which newer ones below make old."""
    with opened(tmp_path / "old.db") as store:
        store.new(messages=[say("kept")])
    return tmp_path / "old.db"


def knowing(patch: pytest.MonkeyPatch, *steps: Migration) -> None:
    patch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, *steps))


def facts(path: Path) -> tuple[int, int, list[str]]:
    """Return application id, schema version and the tables made since, without chatlog."""
    connection = connect(path)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name IN ('second', 'third') ORDER BY 1")
        return (
            connection.execute("PRAGMA application_id").fetchone()[0],
            connection.execute("PRAGMA user_version").fetchone()[0],
            [row[0] for row in tables.fetchall()],
        )
    finally:
        connection.close()


def execute(path: Path, *sql: str) -> None:
    connection = connect(path)
    for statement in sql:
        connection.execute(statement)
    connection.close()


# birth


def test_a_new_file_has_the_newest_schema(tmp_path: Path) -> None:
    """It is stamped as chatlog's, with the version this code writes, in WAL mode."""
    with opened(tmp_path / "new.db") as store:
        assert "wal" == store.info()["journal_mode"]
        assert_sound(store)
    assert (schema.APPLICATION_ID, schema.VERSION, []) == facts(tmp_path / "new.db")
    assert b"chlg" == (tmp_path / "new.db").read_bytes()[68:72]
    assert schema.VERSION == MIGRATIONS[-1].version


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    """A file of no bytes becomes a database, and private, when one may be made."""
    path = tmp_path / "empty.db"
    path.touch(0o644)
    with opened(path) as store:
        assert 0 == store.conversations().total
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_opening_again_migrates_nothing(old: Path) -> None:
    """A file of the newest schema is left as it is."""
    before = old.read_bytes()
    with open_store(old) as store:
        assert None is store.migrated_from  # type: ignore[attr-defined]
    assert (before, ["old.db"]) == (old.read_bytes(), [path.name for path in old.parent.iterdir()])


def test_versions_are_consecutive() -> None:
    """Each step says why, and brings a file to the next number."""
    assert list(range(1, schema.VERSION + 1)) == [step.version for step in MIGRATIONS]
    assert all(step.why for step in MIGRATIONS)


# steps


def test_an_old_file_is_brought_to_the_newest_schema(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step since is done in order, and nothing of the history changes."""
    with open_store(old) as store:
        before = exported(store)
    knowing(monkeypatch, SECOND, THIRD)
    with open_store(old) as store:
        assert before == exported(store)
        assert_sound(store)
    assert (schema.APPLICATION_ID, 3, ["second", "third"]) == facts(old)


def test_a_backup_is_taken_first(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file as it was lies beside it, private, under its version, and the store says so."""
    knowing(monkeypatch, SECOND)
    with open_store(old) as store:
        saved = store.migrated_from  # type: ignore[attr-defined]
    assert old.with_name("old.db.v1.backup") == saved
    assert ((schema.APPLICATION_ID, 1, []), 0o600) == (facts(saved), stat.S_IMODE(saved.stat().st_mode))


def test_a_backup_holds_what_was_there_last(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup of an earlier try, with less in it, is not taken for the one that is needed now."""
    with open_store(old) as store:
        store.backup(old.with_name("old.db.v1.backup"))
        store.add(store.get("@last").id, [say("since")])
    knowing(monkeypatch, SECOND)
    with open_store(old) as store:
        saved = store.migrated_from  # type: ignore[attr-defined]
    monkeypatch.undo()
    with open_store(saved) as copy:
        assert ["kept", "since"] == [hit.message.text for hit in copy.scan()]


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_step_that_fails_leaves_the_old_schema(old: Path, monkeypatch: pytest.MonkeyPatch, bad: int) -> None:
    """Whichever statement fails, all of its step is taken back, those before it stay, and trying again mends it."""
    lines = list(statements(THIRD.sql))
    lines.insert(bad, "INSERT INTO nowhere VALUES (1);\n")
    knowing(monkeypatch, SECOND, THIRD._replace(sql="".join(lines)))
    with pytest.raises(Exception, match="nowhere"):
        open_store(old)
    assert (schema.APPLICATION_ID, 2, ["second"]) == facts(old)
    knowing(monkeypatch, SECOND, THIRD)
    with open_store(old) as store:
        assert_sound(store)
    assert (schema.APPLICATION_ID, 3, ["second", "third"]) == facts(old)


def test_a_step_killed_at_any_statement_is_old_or_new(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted at each statement in turn, the file has the old schema or the new one, never something between."""
    for attempt in range(20):
        with monkeypatch.context() as patch:
            knowing(patch, SECOND)
            patch.setattr(migrations, "statements", _interrupted_after(attempt))
            try:
                open_store(old).close()
            except KeyboardInterrupt:
                assert (schema.APPLICATION_ID, 1, []) == facts(old)
            else:
                break
    assert (2, (schema.APPLICATION_ID, 2, ["second"])) == (attempt, facts(old))


def _interrupted_after(count: int) -> Callable[[str], object]:
    def some(sql: str) -> object:
        for number, statement in enumerate(statements(sql)):
            if number == count:
                raise KeyboardInterrupt
            yield statement

    return some


def test_a_birth_killed_at_any_statement_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose first schema was not finished is an empty one, and is born the next time."""
    path = tmp_path / "new.db"
    for attempt in (0, 1, 5, 20):
        with monkeypatch.context() as patch:
            patch.setattr(migrations, "statements", _interrupted_after(attempt))
            with pytest.raises(KeyboardInterrupt):
                opened(path)
    with opened(path) as store:
        assert_sound(store)


def test_a_step_that_breaks_a_foreign_key_is_taken_back(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """References are checked at the end of each step."""
    table = "CREATE TABLE second (body INTEGER REFERENCES bodies (id) DEFERRABLE INITIALLY DEFERRED);\n"
    knowing(monkeypatch, SECOND._replace(sql=table + "INSERT INTO second VALUES (99);\n"))
    with pytest.raises(DamagedFileError, match="breaks a foreign key in migration 2"):
        open_store(old)
    assert (schema.APPLICATION_ID, 1, []) == facts(old)


# files that are not ours


def refused(path: Path) -> ChatlogError:
    """Assert that a file is refused and stays as it is, and return the error."""
    before = path.read_bytes()
    with pytest.raises(SchemaMismatchError) as caught:
        open_store(path, create=True)
    assert before == path.read_bytes()
    assert [path.name] == [each.name for each in path.parent.iterdir()]
    return caught.value


def test_a_newer_file_is_refused_with_both_numbers(old: Path) -> None:
    """The sentence names what the file has and what this code knows."""
    execute(old, "PRAGMA user_version = 99")
    assert f"{old} has schema 99; this chatlog knows up to {schema.VERSION}" == refused(old).message


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE theirs (a)", "PRAGMA application_id = 252006675", "PRAGMA user_version = 3"]
)
def test_a_file_of_another_application_is_refused(tmp_path: Path, sql: str) -> None:
    """A database with tables, an id or a version that are not ours is somebody else's."""
    path = tmp_path / "theirs.db"
    path.write_bytes(b"")
    execute(path, sql)
    assert f"{path} belongs to another application" == refused(path).message


@pytest.mark.parametrize("content", [b"hello\n", b"x" * 5000, b"{}"])
def test_a_text_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """What is no database at all is told so."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert "is a text file, not a database" in refused(path).message


# the script


def test_a_script_comes_apart_into_its_statements() -> None:
    """A semicolon in a string or in a trigger ends nothing."""
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n"
    assert ["-- why\nSELECT ';';\n", trigger] == list(statements("-- why\nSELECT ';';\n" + trigger))


def test_the_schema_is_one_statement_after_another(store: Store) -> None:
    """Every table and index of the text is in the file."""
    names = {
        line.split()[2 if "UNIQUE" not in line else 3]
        for line in schema.TABLES.splitlines()
        if line.startswith("CREATE")
    }
    connection = connect(Path(store.info()["path"]))
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master").fetchall()}
    connection.close()
    assert set() == names - there
