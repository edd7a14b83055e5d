"""doctor: every kind of damage is found by name with its mend, what is derived is made again, the rest is named."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chatlog
from chatlog import ConversationDraft, MessageDraft
from chatlog.errors import NoVectorsError
from chatlog.meaning import bring_up_to_date
from chatlog.store.memories import MemoryDraft
from chatlog.store.sqlite import migrations, vectors
from chatlog.store.sqlite.connection import Connection, connect
from tests.conftest import NOW, Clock, Ran, Run

from .helpers import refused


class Embedder:
    """A vector for each text, drawn from its hash."""

    fingerprint = "drawn/1"
    batch = 8

    def fit(self, texts: Any) -> None:
        return None

    def embed(self, texts: Any, weights: Any) -> Any:
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8).astype(np.float32) for text in texts]
        return np.asarray(rows) / 127.5 - 1


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with everything in it that can be damaged: branches, tags, counts, vectors, summaries."""
    path = tmp_path_factory.mktemp("healthy") / "chatlog.db"
    call = {"type": "tool_call", "id": "1", "name": "getUserName", "arguments": {"path": "notes.txt"}}
    with chatlog.open(path, clock=lambda: NOW - timedelta(days=1)) as store:
        drafts = [MessageDraft(role="user", text="Is SQLite enough?"), MessageDraft(role="assistant", parts=(call,))]
        name = store.new(ConversationDraft(title="Backlog", tags=("work",)), drafts).id
        store.add(name, [MessageDraft(role="user", text="And with a write-ahead log?"), *drafts[:1]])
        store.add(name, [MessageDraft(role="assistant", text="It is: 東京都", parent=1)])
        store.add(name, [MessageDraft(role="user", text="Where do we eat?")])
        store.measures.count(name, "cl100k_base", lambda message: 5)
        store.windows.opening(name, "cl100k_base", lambda message: 5)
        bring_up_to_date(store, Embedder())
    return path


@pytest.fixture
def sick(run: Run, healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, with that database and its embedder."""
    shutil.copy(healthy, tmp_path / "chatlog.db")
    monkeypatch.setattr("chatlog.embedders.embedder", lambda name, environment=None: Embedder())
    return run


Plant = Callable[[Path, pytest.MonkeyPatch, Clock], object]


@contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """Lend a connection that may break everything."""
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        vectors.load_extension(connection)
        yield connection


def sql(*statements: str) -> Plant:
    """Return what executes statements behind chatlog's back."""

    def plant(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
        with opened(path) as connection:
            for statement in statements:
                connection.execute(statement)

    return plant


def damaged_page(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Overwrite the root page of a table's index."""
    with opened(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'token_counts'").fetchone()[0]
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(data)


def cut_off(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def low_disk(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    usage = namedtuple("usage", "total used free")
    patch.setattr("shutil.disk_usage", lambda place: usage(10**9, 10**9 - 1000, 1000))


def huge_log(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    patch.setattr("chatlog.doctor.MAX_LOG_BYTES", -1)


def leftover(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Leave what a backup leaves that is killed, and beside it one that is at work."""
    for name, age in ((".chatlog-abcdefgh.part", 2), (".chatlog-hgfedcba.part", 0)):
        path.with_name(name).touch()
        os.utime(path.with_name(name), times=(clock().timestamp() - age * 3_600,) * 2)


def missing_embedder(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    def missing(name: str, environment: object = None) -> Embedder:
        raise NoVectorsError("the drawn package is not installed", "pip install drawn")

    patch.setattr("chatlog.embedders.embedder", missing)


def missing_extension(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    def missing(connection: Connection) -> None:
        raise NoVectorsError("sqlite-vec is not installed for this platform", "")

    patch.setattr("chatlog.store.sqlite.vectors.load_extension", missing)


def stale_backup(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Make a backup, and let time go by while the history grows."""
    with chatlog.open(path, clock=clock) as store:
        store.backup(path.with_name("old.db"))
        clock.now += timedelta(days=40)
        store.new(messages=[MessageDraft(role="user", text="new since then")])


def lost_backup(path: Path, patch: pytest.MonkeyPatch, clock: Clock) -> None:
    with chatlog.open(path, clock=clock) as store:
        store.backup(path.with_name("old.db"))
    path.with_name("old.db").unlink()


def mode(bits: int, *, folder: bool = False) -> Plant:
    return lambda path, patch, clock: (path.parent if folder else path).chmod(bits)


BACK, AGAIN = "chatlog db restore", "chatlog doctor --rebuild"
WORD_ROW = "INSERT INTO words (rowid, owner, text) VALUES ({}, 'u6c6f63616c0', 'elsewhere')"
GONE = "INSERT INTO words (words, rowid, owner, text) VALUES ('delete', 1, 'u6C6F63616C0', 'Is SQLite enough?')"
#: The damage, the check that finds it, what its mend says; those mended by AGAIN must be sound after it.
DAMAGES: dict[str, tuple[Plant, str, str]] = {
    "wrong row in the word index": (sql("UPDATE bodies SET text = 'other' WHERE id = 3"), "word index", AGAIN),
    "row missing from the word index": (sql(GONE), "word index", AGAIN),
    "row too many in the word index": (sql(WORD_ROW.format(999)), "word index", AGAIN),
    "segment of the word index": (sql("UPDATE words_data SET block = x'00' WHERE id > 10"), "word index", AGAIN),
    "word index gone": (sql("DROP TABLE words"), "schema", AGAIN),
    "word index that keeps what is deleted": (
        sql("INSERT INTO words (words, rank) VALUES ('secure-delete', 0)"), "word index", AGAIN,
    ),
    "wrong search terms": (sql("UPDATE bodies SET extra = NULL"), "search terms", AGAIN),
    "missing vector": (
        sql("DELETE FROM nearest_32 WHERE rowid = 64", "DELETE FROM vectors WHERE id = 64"), "vectors", AGAIN,
    ),
    "orphan vector": (sql("INSERT INTO vectors VALUES (64000, zeroblob(32))"), "vectors", AGAIN),
    "vector that is not looked among": (sql("DELETE FROM nearest_32 WHERE rowid = 64"), "vectors", AGAIN),
    "candidate that a redaction left": (sql("DELETE FROM vectors WHERE id = 64"), "vectors", AGAIN),
    "vector of other dimensions": (sql("UPDATE vectors SET code = x'00' WHERE id = 64"), "vectors", AGAIN),
    "chunk of vectors gone": (sql("DELETE FROM nearest_32_chunks"), "vectors", AGAIN),
    "bits of a chunk gone": (sql("DELETE FROM nearest_32_vector_chunks00"), "vectors", AGAIN),
    "chunk of another size": (sql("UPDATE nearest_32_chunks SET validity = x'00'"), "vectors", AGAIN),
    "place beyond its chunk": (sql("UPDATE nearest_32_rowids SET chunk_offset = 9999"), "vectors", AGAIN),
    "wrong message count": (sql("UPDATE conversations SET message_count = 7"), "counters", AGAIN),
    "wrong token total": (sql("UPDATE token_totals SET tokens = 7"), "counters", AGAIN),
    "wrong last seq": (sql("UPDATE conversations SET last_seq = 0"), "counters", AGAIN),
    "wrong head": (sql("UPDATE conversations SET head_seq = 3"), "counters", AGAIN),
    "wrong path": (sql("UPDATE messages SET active = 1 - active WHERE seq = 2"), "counters", AGAIN),
    "orphan body": (sql("INSERT INTO bodies (user, text, sha256) VALUES ('local', 'x', x'')"), "orphans", BACK),
    "message without a body": (sql("DELETE FROM bodies WHERE id = 3"), "orphans", BACK),
    "message without a conversation": (sql("DELETE FROM conversations"), "orphans", BACK),
    "parts of another user": (sql("UPDATE bodies SET user = 'eve' WHERE id = 2"), "orphans", BACK),
    "orphan tag": (sql("INSERT INTO tags VALUES ('local', 'lost', 99)"), "foreign keys", AGAIN),
    "orphan count": (sql("INSERT INTO token_counts VALUES (99, 'cl100k_base', 5)"), "foreign keys", AGAIN),
    "broken parent": (sql("UPDATE messages SET parent_seq = 99 WHERE seq = 3"), "trees", AGAIN),
    "circle": (sql("UPDATE messages SET parent_seq = 4 WHERE seq = 3"), "trees", AGAIN),
    "own parent": (sql("UPDATE messages SET parent_seq = 2 WHERE seq = 2"), "trees", AGAIN),
    "text that is not UTF-8": (sql("UPDATE bodies SET text = CAST(x'ff' AS TEXT) WHERE id = 3"), "hashes", BACK),
    "parts that are no JSON": (sql("UPDATE bodies SET parts = '[{' WHERE id = 2"), "hashes", BACK),
    "wrong hash": (sql("UPDATE bodies SET sha256 = x'00' WHERE id = 1"), "hashes", BACK),
    "state that is no JSON": (sql("UPDATE conversations SET state = '{'"), "values", BACK),
    "title that is not UTF-8": (sql("UPDATE conversations SET title = CAST(x'ff' AS TEXT)"), "values", BACK),
    "missing index": (sql("DROP INDEX messages_body"), "schema", AGAIN),
    "index of another kind": (
        sql("DROP INDEX messages_body", "CREATE INDEX messages_body ON messages (role)"), "schema", AGAIN,
    ),
    "missing trigger": (sql("DROP TRIGGER token_totals_changed"), "schema", AGAIN),
    "missing derived table": (sql("DROP TABLE token_counts"), "schema", AGAIN),
    "missing table of what is waited for": (sql("DROP TABLE awaited"), "schema", AGAIN),
    "missing table": (sql("DROP TABLE memories"), "schema", BACK),
    "missing column": (sql("ALTER TABLE policies DROP COLUMN created_at"), "schema", BACK),
    "damaged page": (damaged_page, "integrity", BACK),
    "file that others may read": (mode(0o644), "permissions", "chmod 600 "),
    "folder that others may write to": (mode(0o777, folder=True), "permissions", "chmod go-w "),
    "stale backup": (stale_backup, "backups", "chatlog db backup"),
    "backup that is gone": (lost_backup, "backups", "chatlog db backup"),
    "leftover": (leftover, "leftovers", ".chatlog-abcdefgh.part"),
    "huge log": (huge_log, "write-ahead log", "end that process"),
    "low disk": (low_disk, "disk", "free 100.0 MB more"),
    "missing embedder": (missing_embedder, "embedder", "pip install drawn"),
    "vectors of another embedder": (sql("UPDATE meanings SET fingerprint = 'x'"), "embedder", "chatlog embed"),
    "missing extension": (missing_extension, "engine", "pip install"),
    "unfinished erasure": (
        sql("INSERT INTO chores VALUES ('local', 'erase lisbon', '2026-11-20')"), "erasures", "chatlog erase",
    ),
}  # fmt: skip


def found_by(ran: Ran) -> dict[str, tuple[str, str]]:
    """Return the checks that failed, with what they say and their mends."""
    return {check["name"]: (check["detail"], check["mend"]) for check in ran.json["checks"] if not check["ok"]}


def test_a_healthy_file_is_healthy(sick: Run) -> None:
    """Nothing that is planted below is there before."""
    ran = sick("doctor", "--deep", "--json")
    assert (0, True, {}) == (ran.code, ran.json["ok"], found_by(ran))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_with_its_mend(
    damage: str, sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """Exit code 1, the right check, its mend in one line; what is derived is whole again after --rebuild."""
    plant, name, mend = DAMAGES[damage]
    plant(tmp_path / "chatlog.db", monkeypatch, clock)
    ran = sick("doctor", "--deep", "--json")
    assert (1, False) == (ran.code, ran.json["ok"])
    detail, said = found_by(ran)[name]
    assert mend in said
    assert "\n" not in detail + said
    assert all(mends for _, mends in found_by(ran).values())
    if mend == AGAIN:
        again = sick("doctor", "--rebuild", "--deep", "--json")
        assert {"hashes"} & {*found_by(ran)} == {*found_by(again)}, again.err
    tmp_path.chmod(0o700)


def test_rebuilding_changes_nothing_that_was_said(sick: Run) -> None:
    """The export is the same bytes before and after, of a healthy file and of one with wrong derived rows."""
    before = sick("export", "--to", "jsonl").out
    sick("doctor", "--rebuild")
    assert before == sick("export", "--to", "jsonl").out


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM nearest_32_chunks", "DELETE FROM nearest_32_vector_chunks00",
        "UPDATE nearest_32_chunks SET validity = x'00'", "UPDATE nearest_32_chunks SET rowids = x'00'",
        "UPDATE nearest_32_rowids SET chunk_id = 77",
    ],
)  # fmt: skip
def test_who_meets_damaged_vectors_is_told_of_doctor(damage: str, sick: Run, tmp_path: Path) -> None:
    """sqlite-vec has one code for all that is wrong: that is damage, no bug; rebuilt, what failed can be done."""
    sql(damage)(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    arguments = ("erase", sick("list", "--format", "ids").out.split()[0], "--no-forks", "--yes", "--json")
    ran = sick(*arguments)
    assert (5, "run: chatlog doctor") == (ran.code, ran.error["hint"])
    sick("doctor", "--rebuild")
    assert (0, True) == (sick(*arguments).code, sick("doctor").code == 0)


def test_a_number_where_a_text_was_is_damage(sick: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that another one's took the place of may hold anything."""
    monkeypatch.setattr("chatlog.store.sqlite.health.extra_columns", lambda *_: len(7))  # type: ignore[arg-type]
    ran = sick("doctor", "--deep", "--json")
    assert (1, ["search terms"]) == (ran.code, [*found_by(ran)])


UNREADABLE = {
    "text": "UPDATE bodies SET text = CAST(x'ff' AS TEXT) WHERE id = 3",
    "parts": "UPDATE bodies SET parts = '[{' WHERE id = 3",
    "metadata": "UPDATE bodies SET metadata = '{' WHERE id = 3",
}


@pytest.mark.parametrize("damage", UNREADABLE)
def test_a_value_that_cannot_be_read_is_damage_and_no_bug(damage: str, sick: Run, tmp_path: Path) -> None:
    """Who meets it is told that the file is damaged, never what the value is; verbs that do not go on as usual."""
    sql(UNREADABLE[damage])(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    ran = sick("show", "@last", "--all-branches", "--json")
    assert (5, "", "damaged") == (ran.code, ran.out, ran.error["kind"])
    assert 0 == sick("list").code


@pytest.mark.parametrize("damage", UNREADABLE)
@pytest.mark.parametrize("form", ["jsonl", "json", "html", "csv"])
def test_of_a_damaged_file_all_that_can_be_read_is_exported(form: str, damage: str, sick: Run, tmp_path: Path) -> None:
    """The message that cannot be read is missed by name, exit code 4; what was saved makes a sound history."""
    before = sick("export", "--to", "jsonl").out.splitlines()
    sql(UNREADABLE[damage])(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    ran = sick("export", "--to", form, "-o", "saved")
    assert (4, True) == (ran.code, "cannot be read: the file is damaged" in ran.err)
    if form in ("jsonl", "json"):
        assert 0 == sick("--db", "saved.db", "import", "saved").code
        assert 0 == sick("--db", "saved.db", "doctor", "--deep").code
        assert len(before) - 1 == len(sick("--db", "saved.db", "export").lines)


@pytest.mark.parametrize("column", ["title", "model", "project", "source_id", "state", "metadata"])
def test_of_a_conversation_all_that_can_be_read_is_listed_and_exported(column: str, sick: Run, tmp_path: Path) -> None:
    """One value that cannot be read hides neither the rest of its conversation nor any other."""
    ids = [*sick("list", "--format", "ids").lines, sick("new", "--title", "whole", "--id-only").lines[0]]
    damage = f"UPDATE conversations SET {column} = CAST(x'ff' AS TEXT) WHERE id = '{ids[0]}'"
    sql(damage)(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    ran = sick("list", "--sort", "created:asc", "--json")
    assert (4, ids) == (ran.code, [item["id"] for item in ran.json["items"]])
    assert [f"some of what is kept of {ids[0]} cannot be read: the file is damaged"] == ran.json["warnings"]
    ran = sick("export", "-o", "saved")
    assert (4, True) == (ran.code, f"what is kept of {ids[0]} cannot be read" in ran.err)
    assert 0 == sick("--db", "saved.db", "import", "saved").code
    assert 6 == int(sick("--db", "saved.db", "list", "--sort", "created:asc").lines[0].split("\t")[3])


def test_the_trash_is_listed_as_far_as_it_can_be_read(sick: Run, tmp_path: Path) -> None:
    """What is to be brought back before it is gone is not hidden by what cannot be."""
    ids = [sick("new", "--title", title, "--id-only").lines[0] for title in "ab"]
    sick("delete", *ids, "--yes")
    damage = f"UPDATE conversations SET title = CAST(x'ff' AS TEXT) WHERE id = '{ids[0]}'"
    sql(damage)(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    ran = sick("trash", "--json")
    assert (4, 1, {*ids}) == (ran.code, len(ran.json["warnings"]), {item["id"] for item in ran.json["items"]})


def test_a_conversation_that_cannot_be_read_at_all_hides_no_other(sick: Run, tmp_path: Path) -> None:
    """It is named by its number, wherever it stands in the list, and whatever the page."""
    ids = [sick("new", "--title", title, "--id-only").lines[0] for title in "abcd"]
    damage = f"UPDATE conversations SET created_at = CAST(x'ff' AS TEXT) WHERE id IN ('{ids[0]}', '{ids[2]}')"
    sql(damage)(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    first = sick("list", "-n", "2", "--sort", "title:desc", "--json")
    assert (4, ["d", "Backlog"]) == (first.code, [item["title"] for item in first.json["items"]])
    rest = sick("list", "--sort", "title:desc", "--cursor", first.json["next_cursor"], "--json")
    assert (4, ["b"]) == (rest.code, [item["title"] for item in rest.json["items"]])
    assert 2 == len(sick("list", "--json").json["warnings"])
    assert 3 == sick("export").out.count('"type":"conversation"')


def test_what_is_kept_beside_conversations_may_be_lost_alone(sick: Run, tmp_path: Path) -> None:
    """A memory that cannot be read leaves the messages to be exported, and other memories."""
    with chatlog.open(tmp_path / "chatlog.db") as store:
        for key in ("city", "country", "street"):
            store.memories.set(MemoryDraft(key, "Lisbon"))
    before = sick("export").lines
    for number, value in enumerate(("CAST(x'ff' AS TEXT)", "'{'"), 1):
        damage = f"UPDATE memories SET value = {value} WHERE id = {number}"
        sql(damage)(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
        ran = sick("export")
        assert (4, [*before[:-3], *before[number - 3 :]]) == (ran.code, ran.lines)


def test_a_rebuilt_index_of_meanings_is_whole(sick: Run, tmp_path: Path) -> None:
    """Vectors that were dropped are made again by the embedder there is."""
    sql("DELETE FROM vectors WHERE id = 64")(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    before = vectors_of(tmp_path / "chatlog.db")
    sick("doctor", "--rebuild")
    assert len(before) + 1 == len(vectors_of(tmp_path / "chatlog.db"))


def vectors_of(path: Path) -> list[Any]:
    with opened(path) as connection:
        return connection.execute("SELECT * FROM vectors").fetchall()


def test_what_cannot_be_opened_is_named_with_its_own_code(sick: Run, tmp_path: Path) -> None:
    """Another application's file, a newer schema, half a file: 6, 6 and 5 or 1, and the file stays as it is."""
    path = tmp_path / "chatlog.db"
    for statement in ("PRAGMA application_id = 7", "PRAGMA application_id = 1667787879", "PRAGMA user_version = 99"):
        sql(statement)(path, pytest.MonkeyPatch(), Clock())
        before = path.read_bytes()
        if "1667787879" not in statement:
            refused(sick("doctor", "--json"), 6, "schema")
            refused(sick("doctor", "--rebuild", "--json"), 6, "schema")
            assert before == path.read_bytes()


def test_half_a_file_is_damaged(sick: Run, tmp_path: Path) -> None:
    """A file that was cut off is said to be damaged, and a backup is what mends it."""
    cut_off(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    ran = sick("doctor")
    assert ran.code in (1, 5)
    assert BACK in ran.out + ran.err
    assert "bug" not in ran.out + ran.err


def test_a_file_of_noise_names_the_backup(sick: Run, tmp_path: Path) -> None:
    """The mend of what only a copy has names the latest copy there is."""
    sick("db", "backup", "copy.db")
    sql("DELETE FROM conversations")(tmp_path / "chatlog.db", pytest.MonkeyPatch(), Clock())
    mends = [mend for _, mend in found_by(sick("doctor", "--json")).values()]
    assert any(mend.startswith(f"chatlog db restore {tmp_path / 'copy.db'}") for mend in mends)


def test_a_pending_migration_is_found_and_left(sick: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look migrates nothing: it says which schema waits; --rebuild brings the file there."""
    step = migrations.Migration(2, "a second schema", "CREATE TABLE second (a);\n")
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))
    ran = sick("doctor", "--json")
    assert (1, {"schema"}) == (ran.code, {*found_by(ran)})
    assert "chatlog db migrate" in found_by(ran)["schema"][1]
    assert found_by(ran) == found_by(sick("doctor", "--json"))
    assert 0 == sick("doctor", "--rebuild").code
    assert [*tmp_path.glob("*.backup")]


def test_there_is_nothing_to_examine_without_a_database(run: Run) -> None:
    """Exit code 3, and none is made."""
    refused(run("doctor", "--json"), 3, "no_database")
