"""Tests of the file's health: every check finds its damage, rebuilding mends what is derived, a backup is whole."""

from __future__ import annotations

import itertools
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

import chatlog
from chatlog.errors import NotFoundError, RefusedError
from chatlog.models import ConversationDraft
from chatlog.store import Store, open_store
from chatlog.store.forgetting import Cause

from .making import assert_sound, exported, failed, of, only, opened, raw, say, shown, talk, unwritten

NAMES = ["integrity", "schema", "engine", "foreign keys", "word index", "vectors", "orphans", "trees", "counters"]
NAMES += ["values", "permissions"]
CALL = {
    "type": "tool_call",
    "id": "1",
    "name": "read",
    "arguments": {"path": "a long enough path to be a reference.txt"},
}


def filled(store: Store) -> str:
    """Fill a store with a conversation of three messages and a branch, and return its id."""
    name = store.new(ConversationDraft(title="T"), [say("a"), say("b", "assistant", parts=(CALL,)), say("c")]).id
    store.add(name, [say("d", parent=2)])
    return name


def damage(store: Store, *statements: str) -> None:
    """Change the file behind the store's back."""
    with raw(store) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement)


def path_of(store: Store) -> Path:
    return Path(store.info()["path"])


# checks


def test_a_healthy_file_passes(store: Store) -> None:
    """Every check is done and passes, the hashes too when asked for."""
    filled(store)
    assert [(name, True) for name in NAMES] == [(check.name, check.ok) for check in store.checks()]
    deep = list(store.checks(deep=True))
    assert ("hashes", True, "4 messages", "") == deep[-1]


def test_an_empty_file_passes(store: Store) -> None:
    """Nothing in it is nothing wrong."""
    assert_sound(store)


def test_checking_writes_nothing(store: Store) -> None:
    """A look at the file leaves it as it is."""
    filled(store)
    with unwritten(store):
        list(store.checks(deep=True))


DAMAGE = [
    (
        "INSERT INTO bodies (user, text, sha256) VALUES ('local', 'lost', x'00')",
        "orphans",
        "1 bodies without a message",
    ),
    ("DELETE FROM bodies WHERE id = 3", "orphans", "1 messages without a body"),
    ("UPDATE bodies SET user = 'bob' WHERE id = 1", "orphans", "1 bodies of another user than their conversation's"),
    ("UPDATE messages SET parent_seq = 99 WHERE seq = 3", "trees", "1 messages whose parent is missing"),
    ("DELETE FROM conversations", "orphans", "4 messages without a conversation"),
    ("DELETE FROM conversations", "foreign keys", "4 broken"),
    ("DELETE FROM bodies WHERE id = 3", "foreign keys", "1 broken"),
    ("UPDATE conversations SET message_count = 7", "counters", "1 message counts"),
    ("UPDATE conversations SET last_seq = 2", "counters", "1 last seqs"),
    ("UPDATE conversations SET head_seq = 3", "counters", "1 active paths"),
    ("UPDATE conversations SET head_seq = NULL", "counters", "1 active paths"),
    ("UPDATE messages SET active = 1 WHERE seq = 3", "counters", "1 active paths"),
    ("UPDATE messages SET active = 0 WHERE seq = 2", "counters", "1 active paths"),
    ("UPDATE bodies SET text = 'changed' WHERE id = 1", "word index", "does not agree with the messages"),
    ("UPDATE bodies SET author = 'eve' WHERE id = 1", "word index", "does not agree with the messages"),
    ("UPDATE bodies SET text = 'changed' WHERE id = 1", "hashes", "1 of 4 messages do not match"),
    ("UPDATE bodies SET parts = '[]' WHERE id = 2", "hashes", "1 of 4 messages do not match"),
    ("UPDATE bodies SET tool = 'other' WHERE id = 2", "hashes", "1 of 4 messages do not match"),
    ("UPDATE bodies SET parts = 'no json' WHERE id = 2", "hashes", "1 of 4 messages do not match"),
    ("UPDATE bodies SET sha256 = x'00' WHERE id = 1", "hashes", "1 of 4 messages do not match"),
    ("UPDATE messages SET role = 'tool' WHERE seq = 1", "hashes", "1 of 4 messages do not match"),
    ("DELETE FROM words_data WHERE id > 10", "word index", "does not agree with the messages"),
]


@pytest.mark.parametrize(("statement", "name", "detail"), DAMAGE)
def test_planted_damage_is_found(store: Store, statement: str, name: str, detail: str) -> None:
    """Each kind of damage fails its check, which counts it and says what it is."""
    filled(store)
    damage(store, statement)
    assert detail in failed(store).get(name, "passes")


def test_a_look_at_damage_ends(store: Store) -> None:
    """Damage of many kinds at once is reported whole; no check stops the next."""
    filled(store)
    damage(
        store,
        "DELETE FROM bodies WHERE id = 3",
        "UPDATE bodies SET text = 'x'",
        "UPDATE conversations SET last_seq = 0",
    )
    path_of(store).chmod(0o644)
    assert {"foreign keys", "word index", "orphans", "counters", "permissions", "hashes"} == set(failed(store))


def test_a_readable_file_is_named(store: Store) -> None:
    """A file that others can read fails, with the command that mends it."""
    path_of(store).chmod(0o640)
    (found,) = [check for check in store.checks() if not check.ok]
    assert ("permissions", "0640: others may read it") == found[:1] + found[2:3]
    assert found.mend.startswith(f"chmod 600 {path_of(store)}")


def test_a_vacuum_waits_for_a_writer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not given up because somebody writes at that moment."""
    filled(store)
    with raw(store) as writer:

        def paused(_: float) -> None:
            if writer.in_transaction:
                writer.execute("ROLLBACK")

        monkeypatch.setattr("chatlog.store.sqlite.connection.time.sleep", paused)
        writer.execute("BEGIN IMMEDIATE")
        before, after = store.forgetting.vacuum()
    assert 0 < after <= before
    assert_sound(store)


def test_damaged_pages_are_found(store: Store, tmp_path: Path) -> None:
    """A page of the file that was overwritten fails the integrity check, and no check raises."""
    name = store.new(messages=[say("word " * 2000 + str(number)) for number in range(30)]).id
    copy = tmp_path / "copy.db"
    store.backup(copy)
    data = bytearray(copy.read_bytes())
    for page in range(20, 30):
        data[page * 4096 : page * 4096 + 2000] = b"\xa5" * 2000
    copy.write_bytes(data)
    with open_store(copy) as damaged:
        checks = {check.name: check.ok for check in damaged.checks()}
    assert not checks["integrity"]
    assert 30 == store.get(name).messages


# rebuilding


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE conversations SET message_count = 7",
        "UPDATE conversations SET last_seq = 2",
        "UPDATE messages SET active = 0 WHERE seq = 2",
        "UPDATE messages SET active = 1 WHERE seq = 3",
        "DELETE FROM words_data WHERE id > 10",
        "INSERT INTO words (words) VALUES ('delete-all')",
        "UPDATE bodies SET extra = 'wrong'",
        "UPDATE bodies SET extra = NULL",
    ],
)
def test_rebuilding_mends_what_is_derived(store: Store, statement: str) -> None:
    """Counters, active paths, search terms and the index are made again from the messages."""
    name = filled(store)
    store.add(name, [say("getUserName 入門")])
    before = exported(store), shown(store, name)
    damage(store, statement)
    store.rebuild()
    assert_sound(store)
    assert before == (exported(store), shown(store, name))
    with raw(store) as connection:
        assert (1,) == connection.execute("SELECT count(*) FROM words WHERE words MATCH 'extra : user'").fetchone()


def test_rebuilding_makes_head_and_path_agree(store: Store) -> None:
    """Where the head is another than the path's end, the two are one again."""
    filled(store)
    damage(store, "UPDATE conversations SET head_seq = 3")
    store.rebuild()
    assert_sound(store)


def test_rebuilding_a_healthy_file_changes_no_answer(store: Store) -> None:
    """What is exported before and after is the same."""
    filled(store)
    before = exported(store)
    store.rebuild()
    assert before == exported(store)


# copies


def test_a_backup_is_the_whole_file(store: Store, tmp_path: Path) -> None:
    """It opens, is sound, and exports the same; its size is what was said; only its owner can read it."""
    filled(store)
    target = tmp_path / "copy.db"
    size = store.backup(target)
    assert (target.stat().st_size, 0o600) == (size, stat.S_IMODE(target.stat().st_mode))
    with open_store(target) as copy:
        assert exported(store) == exported(copy)
        assert_sound(copy)


def test_a_backup_holds_every_user(store: Store, tmp_path: Path) -> None:
    """The file is copied, not one user's part of it."""
    with opened(path_of(store), "bob") as bob:
        bob.new(messages=[say("theirs")])
    store.backup(tmp_path / "copy.db")
    with open_store(tmp_path / "copy.db", "bob") as copy:
        assert ["theirs"] == shown(copy)


def test_a_backup_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    """A file, or a link to one or to nothing, stays as it is."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link", "dangling"):
        with pytest.raises(RefusedError, match="exists already"):
            store.backup(tmp_path / name)
    assert ("mine", False) == ((tmp_path / "file").read_text(), (tmp_path / "nowhere").exists())


@pytest.mark.parametrize("name", ["no/folder/copy.db", "x" * 300])
def test_a_backup_that_cannot_be_written_says_why(store: Store, tmp_path: Path, name: str) -> None:
    """A missing folder and a name that is too long are named, and nothing half-written stays."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NotFoundError, match="cannot write"):
        store.backup(tmp_path / name)
    assert before == sorted(tmp_path.iterdir())


def test_a_backup_during_writing_is_of_one_moment(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed is in it, what is not yet is not; it is made although the file stays busy meanwhile."""
    seconds = itertools.count(step=10.0)
    patience = SimpleNamespace(monotonic=lambda: next(seconds), sleep=lambda _: None)
    monkeypatch.setattr("chatlog.store.sqlite.connection.time", patience)
    store.ingest("chatgpt", of("c", talk("a", "b")))
    with raw(store) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE conversations SET title = 'uncommitted'")
        store.backup(tmp_path / "copy.db")
        connection.execute("ROLLBACK")
    with open_store(tmp_path / "copy.db") as copy:
        assert "a" == copy.get(only(copy)).title
        assert_sound(copy)


# facts


def test_the_facts_are_those_of_the_file(store: Store) -> None:
    """Path, size, mode, schema, journal and counts are told."""
    filled(store)
    facts = store.info()
    assert (str(path_of(store)), "0600", 1, "wal", False) == (
        facts["path"], facts["mode"], facts["schema"], facts["journal_mode"], facts["encrypted"],
    )  # fmt: skip
    assert (1, 4) == (facts["conversations"], facts["messages"])
    assert facts["bytes"] > 0 <= facts["free_bytes"]


def test_the_counts_are_of_the_users_living_conversations(store: Store) -> None:
    """Neither the trash's nor another user's; the free pages and the log are the file's."""
    kept, gone = (store.new(messages=[say("word " * 9_000), say("b")]).id for _ in range(2))
    store.delete([gone])
    store.for_user("ana").new(messages=[say("c")])
    before = store.info()
    assert (1, 2) == (before["conversations"], before["messages"])
    assert path_of(store).with_name("chatlog.db-wal").stat().st_size == before["wal_bytes"] > 0
    store.forgetting.remove([kept], Cause("prune"), stop=bool)
    with raw(store) as connection:
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    after = store.info()
    assert (0, 0, free * 4_096) == (after["conversations"], after["messages"], after["free_bytes"])
    assert after["bytes"] > after["free_bytes"] > 40_000


def test_what_was_done_is_on_record(store: Store) -> None:
    """An audit line has user, time, action and counts, other facts as JSON."""
    store.record("export", conversations=2, messages=5, to="jsonl")
    with raw(store) as connection:
        row = connection.execute(
            "SELECT user, at, action, conversations, messages, bytes, detail FROM audit"
        ).fetchone()
    assert ("local", "2026-11-20T21:44:00.000Z", "export", 2, 5, 0, '{"to": "jsonl"}') == row


def test_a_store_knows_its_files_wherever_the_process_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means what it meant when the store was opened, and another store's file of that name nothing."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        with chatlog.open("chatlog.db") as opened:
            monkeypatch.chdir(tmp_path)
            assert [name] == [other for other in ("one", "two") if opened.owns(tmp_path / other / "chatlog.db")]
