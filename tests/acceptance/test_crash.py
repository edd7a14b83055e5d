"""Crashes, RELIABILITY.md 3, 4, 6, 7, 8 and 12: killed, torn and starved, a file holds what it acknowledged."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import Any

import pytest

import chatlog
from chatlog.errors import StorageFullError
from chatlog.keys import new_key, written
from chatlog.models import ConversationDraft, MessageDraft
from chatlog.store import files
from chatlog.store.sqlite import connection

from .helpers import (
    DATA,
    chatlog_process,
    conversation_in,
    faults,
    finished,
    give_the_word,
    plain_connection,
    question_numbers,
    ready,
    rounds,
    start,
    stored,
)
from .workers import pair

NEVER = 10**9


def died(worker: subprocess.Popen[str]) -> list[str] | None:
    """Return None where a worker was killed, what it said where it lived to its end."""
    said = worker.communicate()[0].splitlines()
    assert worker.returncode in (0, -SIGKILL)
    return said if worker.returncode == 0 else None


# 3: killed while it appends


@rounds(8, 100)
def test_killed_appenders(tmp_path: Path, rounds: int) -> None:
    """Writers killed at random lose nothing that they acknowledged, and leave no half pair and no broken file."""
    chance = Random(3)
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    for number in range(rounds):
        writer = ready(start("append", path, f"w{number}", conversation, NEVER))
        give_the_word(writer)
        assert writer.stdout is not None
        acked = [writer.stdout.readline() for _ in range(chance.randrange(1, 60))]
        writer.kill()
        acked += writer.stdout.readlines()
        writer.communicate()
        assert question_numbers(path, conversation, f"w{number}") in ([*range(len(acked))], [*range(len(acked) + 1)])
    seqs = [seq for seq, _ in stored(path, conversation)]
    assert list(range(1, len(seqs) + 1)) == seqs
    assert [] == faults(path)


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_each_statement_of_an_append(tmp_path: Path, step: int) -> None:
    """Killed before any statement of an append, a writer has stored what it acknowledged and nothing by half."""
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    fresh = path.read_bytes()
    counts = set()
    for statement in range(8, 60, step):
        path.write_bytes(fresh)
        writer = start("append_and_die", path, conversation, statement)
        acked = writer.communicate()[0].splitlines()
        assert -SIGKILL == writer.returncode
        numbers = question_numbers(path, conversation, "w")
        assert numbers in ([*range(len(acked))], [*range(len(acked) + 1)])
        assert [] == faults(path)
        counts.add(len(numbers))
    assert {0, 1} <= counts


# 4: killed while it imports


def many_conversations(folder: Path) -> Path:
    """Return a file of chatlog lines from somebody else's tool, conversations interleaved as a log has them."""
    lines = []
    for number in range(360):
        text = f"message {number} about sailing" + " and mooring" * (number % 7)
        line = {"type": "message", "conversation": f"log-{number % 9}", "role": ("user", "assistant")[number // 9 % 2]}
        lines.append({**line, "text": text, "source_id": f"m{number}", "created_at": 1_700_000_000 + number})
    file = folder / "log.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def history(path: Path) -> dict[str, Any]:
    """Return all that a file holds by the sources' names, without ids and revisions of our own."""
    with chatlog.open(path, create=False) as store:
        found = store.conversations(sort="created:asc").items
        names = {conversation.id: str(conversation.source_id) for conversation in found}
        return {
            names[conversation.id]: {
                "facts": [conversation.title, conversation.created_at, conversation.updated_at, conversation.head],
                "from": [conversation.source, names.get(conversation.parent or ""), conversation.messages],
                "messages": [
                    [message.source_id, message.seq, message.parent, message.sha256, message.created_at, message.author]
                    for message in store.messages(conversation.id, all_branches=True)
                ],
                "active": [message.seq for message in store.messages(conversation.id)],
            }
            for conversation in found
        }


@rounds(5, 50)
def test_killed_import_is_finished_by_the_next(tmp_path: Path, rounds: int) -> None:
    """An import killed at random and run again gives what an uninterrupted one gives, and nothing twice."""
    inputs = [many_conversations(tmp_path), DATA / "chatgpt", DATA / "claude_ai", DATA / "claude_code"]
    whole = json.loads(finished(start("import_and_die", tmp_path / "whole.db", 7, NEVER, *inputs))[-1])
    expected = history(tmp_path / "whole.db")
    chance = Random(4)
    partial_counts = []
    for number in range(rounds):
        path = tmp_path / f"{number}.db"
        at = chance.randrange(whole["statements"] // 8, whole["statements"])
        assert died(start("import_and_die", path, 7, at, *inputs)) is None
        assert [] == faults(path)
        partial_counts.append(sum(len(found["messages"]) for found in history(path).values()))
        again = json.loads(finished(start("import_and_die", path, 7, NEVER, *inputs))[-1])
        assert whole["messages"] == again["messages"]
        assert expected == history(path)
        assert [] == faults(path)
    stored_by_the_whole = sum(len(found["messages"]) for found in expected.values())
    assert {True} == {0 < found < stored_by_the_whole for found in partial_counts}
    once_more = json.loads(finished(start("import_and_die", path, 7, NEVER, *inputs))[-1])
    assert (0, 0) == (once_more["new"], once_more["updated"])


def test_the_size_of_batches_changes_nothing(tmp_path: Path) -> None:
    """What an import gives does not depend on where its batches end."""
    inputs = [many_conversations(tmp_path), DATA / "chatgpt", DATA / "claude_ai", DATA / "claude_code"]
    for size in (1, 7, 500):
        finished(start("import_and_die", tmp_path / f"{size}.db", size, NEVER, *inputs))
    assert history(tmp_path / "500.db") == history(tmp_path / "7.db")
    assert history(tmp_path / "500.db") == history(tmp_path / "1.db")


@pytest.mark.parametrize("statement", [1, 8, 12, 20, 30, 40, 50])
def test_killed_at_birth(tmp_path: Path, statement: int) -> None:
    """A file whose maker was killed on the way is made whole by the next one."""
    path = tmp_path / "chats.db"
    source = many_conversations(tmp_path)
    assert died(start("import_and_die", path, 500, statement, source)) is None
    finished(start("import_and_die", path, 500, NEVER, source))
    assert 9 == len(history(path))
    assert [] == faults(path)


# 6: torn and garbled write-ahead logs


@pytest.fixture(scope="module")
def hot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file whose writer was killed: much of it is only in its write-ahead log."""
    folder = tmp_path_factory.mktemp("hot")
    path = folder / "chats.db"
    conversation_in(path)
    with chatlog.open(path) as store:
        conversation = store.get("@last").id
    writer = ready(start("append", path, "w", conversation, NEVER))
    give_the_word(writer)
    assert writer.stdout is not None
    for _ in range(40):
        writer.stdout.readline()
    writer.kill()
    writer.communicate()
    assert (folder / "chats.db-wal").stat().st_size > 100_000
    return folder


def torn(log: Path, chance: Random) -> None:
    os.truncate(log, chance.randrange(log.stat().st_size))


def garbled(log: Path, chance: Random) -> None:
    data = bytearray(log.read_bytes())
    for _ in range(chance.randrange(1, 40)):
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    log.write_bytes(data)


def zeroed(log: Path, chance: Random) -> None:
    data = log.read_bytes()
    at = chance.randrange(len(data))
    log.write_bytes(data[:at] + bytes(len(data) - at))


@pytest.mark.parametrize("damage", [torn, garbled, zeroed])
@rounds(12, 70)
def test_damaged_logs(hot: Path, tmp_path: Path, damage: Any, rounds: int) -> None:
    """A log cut, garbled or emptied at a random place opens soundly, with the pairs up to some moment and no gap."""
    chance = Random(damage.__name__)
    kept = []
    for number in range(rounds):
        folder = tmp_path / str(number)
        shutil.copytree(hot, folder, ignore=shutil.ignore_patterns("*-shm"))
        damage(folder / "chats.db-wal", chance)
        with chatlog.open(folder / "chats.db", create=False) as store:
            conversation = store.get("@last")
        numbers = question_numbers(folder / "chats.db", conversation.id, "w")
        assert list(range(len(numbers))) == numbers
        assert 2 * len(numbers) == conversation.messages
        assert [] == faults(folder / "chats.db")
        kept.append(len(numbers))
    assert 1 < len(set(kept))


# 7: on the disk before it is acknowledged


def test_an_acknowledged_write_is_on_the_disk(tmp_path: Path) -> None:
    """Before each acknowledgement the system was asked to bring the write to the disk."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    conversation = conversation_in(tmp_path / "chats.db")
    log = tmp_path / "calls"
    prefix = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=fsync,fdatasync,write"]
    writer = start("append", tmp_path / "chats.db", "w", conversation, 20, prefix=prefix)
    writer.communicate("\n")
    if writer.returncode != 0 and "write(1" not in log.read_text():
        pytest.skip("strace may not trace here")
    calls = re.findall(r"(fsync|fdatasync|write\(1, \"\d+\\n)", log.read_text())
    between = "".join("W" if call.startswith("write") else "s" for call in calls).split("W")
    assert 20 == len(between) - 1
    assert [True] * 20 == ["s" in syncs for syncs in between[:20]]


# 8: no room left


def outcomes(said: list[str]) -> tuple[list[int], list[str]]:
    """Return the numbers a worker acknowledged and what it failed with."""
    acked = [int(line.split()[1]) for line in said if line.startswith("acked")]
    return acked, [line.removeprefix("failed ") for line in said if line.startswith("failed")]


def assert_full_and_sound(path: Path, conversation: str, said: list[str], rounds: int) -> None:
    acked, failures = outcomes(said)
    assert [f"StorageFullError 7 {path} could not be written: the disk is full or refuses"] * rounds == failures
    assert acked == question_numbers(path, conversation, "w")
    assert rounds < len(acked)
    assert [] == faults(path)


@rounds(4, 30)
def test_no_file_may_grow(tmp_path: Path, rounds: int) -> None:
    """Where files may not grow, adding fails with a sentence, and what was acknowledged is what is there."""
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    said = finished(start("starve", path, conversation, rounds))
    assert_full_and_sound(path, conversation, said, rounds)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own of three megabytes, or skip the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@rounds(4, 30)
def test_the_disk_is_full(small_disk: Path, rounds: int) -> None:
    """On a full disk adding fails with a sentence; with room again it goes on; nothing acknowledged is missing."""
    path = small_disk / "chats.db"
    conversation = conversation_in(path)
    said = finished(start("fill", path, conversation, rounds))
    assert_full_and_sound(path, conversation, said, rounds)


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_an_import_that_does_not_fit(tmp_path: Path) -> None:
    """An import that runs out of room says so in a sentence, ends with 7, and is finished by the next one."""
    path = tmp_path / "chats.db"
    conversation_in(path)
    source = tmp_path / "big.jsonl"
    line = {"type": "message", "conversation": "x", "role": "user", "text": "sailing " * 200}
    source.write_text("".join(json.dumps({**line, "source_id": f"m{number}"}) + "\n" for number in range(1500)))
    starved = partial(chatlog_process, tmp_path, "--db", str(path), "import", str(source))
    ran = starved(preexec_fn=partial(limit, 1_000_000))
    assert 7 == ran.returncode
    assert f"error: {path} could not be written: the disk is full or refuses" == ran.stderr.splitlines()[0]
    assert "Traceback" not in ran.stderr
    assert [] == faults(path)
    assert 0 == starved().returncode
    with chatlog.open(path) as store:
        assert 1500 == sum(conversation.messages for conversation in store.conversations().items)


def test_a_full_disk_can_be_read(tmp_path: Path) -> None:
    """Not even the small file fits by which processes share a log: all that only reads works, and nothing is held up.

    What stands in the log is there, too; to write is refused until there is room.
    """
    path, full = tmp_path / "chats.db", tmp_path / "full" / "chats.db"
    full.parent.mkdir(mode=0o700)
    with chatlog.open(path) as store:
        name = conversation_in(path)
        store.add(name, [MessageDraft(role="user", text="what only the log has")])
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{full}{suffix}")
    starved = partial(
        chatlog_process, tmp_path, "--db", str(full), preexec_fn=partial(limit, 20_000),
        env={"PYTHONDONTWRITEBYTECODE": "1"},  # it would be cut off as well, and then read by others
    )  # fmt: skip
    for verb in ("list", "show @last", "search log --mode lexical", "stats", "export", "doctor", "tags"):
        ran = starved(*verb.split())
        assert (0, "") == (ran.returncode, ran.stderr), verb
    assert "what only the log has" in starved("show", "@last").stdout
    assert 7 == starved("add", "@last", "--role", "user", "x" * 50_000).returncode
    assert 0 == chatlog_process(tmp_path, "--db", str(full), "add", "@last", "--role", "user", "x").returncode
    assert [] == faults(full)


def test_a_full_disk_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that goes on when there is room again has not kept the file to itself meanwhile."""
    path = tmp_path / "chats.db"
    conversation_in(path)
    connect = connection.connect

    def full(*given: Any, alone: bool = False) -> Any:
        if not alone:
            raise StorageFullError("the disk is full")
        return connect(*given, alone=alone)

    with monkeypatch.context() as patch:
        patch.setattr(connection, "connect", full)
        store = chatlog.open(path)
        assert 1 == store.conversations().total
    with store:
        assert 0 == chatlog_process(tmp_path, "--db", str(path), "add", "@last", "--role", "user", "x").returncode
        assert 1 == store.conversations().total


def test_a_backup_that_does_not_fit(tmp_path: Path) -> None:
    """A copy for which there is no room is taken away again, and the sentence names the copy."""
    path, copy = tmp_path / "chats.db", tmp_path / "copy.db"
    with chatlog.open(path) as store:
        store.new(ConversationDraft(title="x"), [pair(f"w{number}", number)[0] for number in range(800)])
    ran = chatlog_process(
        tmp_path, "--db", str(path), "db", "backup", str(copy), preexec_fn=partial(limit, 100_000)
    )  # fmt: skip
    assert 7 == ran.returncode
    assert not copy.exists()
    assert str(copy) in ran.stderr


@pytest.mark.parametrize("verb", ["encrypt", "decrypt", "rekey", "restore"])
def test_a_file_put_in_the_place_of_another_does_not_fit(tmp_path: Path, verb: str) -> None:
    """It says so in a sentence, leaves the database as it was, and none of its own files."""
    path, copy, key = tmp_path / "chats.db", tmp_path / "copy.db", written(new_key())
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(key)
    with chatlog.open(copy) as store:
        store.new(ConversationDraft(title="x"), [pair(f"w{number}", number)[0] for number in range(400)])
    with chatlog.open(path, key=None if verb == "encrypt" else key) as store:
        store.new(ConversationDraft(title="y"), [pair(f"v{number}", number)[0] for number in range(400)])
    before = path.read_bytes()
    arguments = {"restore": ["copy.db", "--yes"], "decrypt": ["--yes"], "rekey": ["--new-key-file", "other"]}
    ran = chatlog_process(
        tmp_path, "--db", str(path), "--key-file", "key", "db", verb, *arguments.get(verb, []),
        preexec_fn=partial(limit, copy.stat().st_size // 2),
    )  # fmt: skip
    assert (7, "free some space") == (ran.returncode, ran.stderr.splitlines()[-1].strip())
    assert (before, []) == (path.read_bytes(), [*tmp_path.glob(".chatlog-*")])


def test_a_restore_that_cannot_be_noted_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full once the backup is in its place takes nothing back."""
    path, copy = tmp_path / "chats.db", tmp_path / "copy.db"
    with chatlog.open(path) as store:
        store.new(ConversationDraft(title="x"))
        store.backup(copy)
        store.new(ConversationDraft(title="y"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("chatlog.store.sqlite.backups.remember", full)
    done = files.restore(str(path), copy, None, aside=tmp_path / "aside.db", now="2026-01-01T00:00:00.000Z")
    assert (1, tmp_path / "aside.db") == (done.conversations, done.kept)


def test_a_portable_copy_that_does_not_fit(tmp_path: Path) -> None:
    """Where there is room for the copy, but not to take its vectors out, that is said, and the copy is a whole one."""
    path, copy = tmp_path / "chats.db", tmp_path / "copy.db"
    with chatlog.open(path) as store:
        store.new(ConversationDraft(title="x"), [pair(f"w{number}", number)[0] for number in range(400)])
        size = store.backup(tmp_path / "whole.db")
    ran = chatlog_process(
        tmp_path, "--db", str(path), "db", "backup", str(copy), "--portable", preexec_fn=partial(limit, size)
    )  # fmt: skip
    assert (7, f"error: {copy} could not be written: the disk is full or refuses") == (
        ran.returncode, ran.stderr.splitlines()[0],
    )  # fmt: skip
    assert [] == faults(copy)


# 12: killed while it migrates; files of others


def shape(path: Path) -> tuple[int, list[Any], int, int]:
    """Return a file's schema version and schema, and how many conversations and messages it holds."""
    opened = plain_connection(path)
    version = opened.execute("PRAGMA user_version").fetchone()[0]
    tables = opened.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    conversations, messages = (
        opened.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("conversations", "messages")
    )
    opened.close()
    return version, tables, conversations, messages


def old_file(folder: Path) -> Path:
    """Return a file of the first schema with something in it."""
    path = folder / "old.db"
    with chatlog.open(path) as store:
        for number in range(3):
            store.new(ConversationDraft(title=f"t{number}"), pair("w", number))
    return path


def deaths(old: Path, step: int) -> Iterator[Path]:
    """Yield a copy of an old file after each death of its migration, at every `step`-th statement, until it lives."""
    for statement in count(1, step):
        place = old.with_name(str(statement))
        place.mkdir()
        path = Path(shutil.copy(old, place / "chats.db"))
        if died(start("migrate_and_die", path, statement)) is not None:
            return
        yield path


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_migration(tmp_path: Path, step: int) -> None:
    """A migration killed at any statement leaves the old schema or the new, and the next start finishes it."""
    original = old_file(tmp_path)
    whole = Path(shutil.copy(original, tmp_path / "whole.db"))
    finished(start("migrate_and_die", whole, NEVER))
    old, new = shape(original), shape(whole)
    assert (1, 2) == (old[0], new[0])
    seen = []
    for path in deaths(original, step):
        found = shape(path)
        assert found in (old, new)
        seen.append(found[0])
        finished(start("migrate_and_die", path, NEVER))
        assert new == shape(path)
    assert 5 < len(seen)
    assert 1 in seen


def test_killed_migration_leaves_a_backup_that_is_one(tmp_path: Path) -> None:
    """The copy that is taken before a migration is whole, also where an earlier attempt died while it was taken."""
    original = old_file(tmp_path)
    for path in deaths(original, 2):
        finished(start("migrate_and_die", path, NEVER))
        copy = path.with_name("chats.db.v1.backup")
        assert shape(original) == shape(copy)
        assert [] == faults(copy)
        assert 0o600 == copy.stat().st_mode & 0o777


def test_a_migration_keeps_everything(tmp_path: Path) -> None:
    """After a migration all messages are there, and the command line says where the copy is."""
    path = old_file(tmp_path)
    before = chatlog_process(tmp_path, "--db", str(path), "export").stdout
    finished(start("migrate_and_die", path, NEVER))
    opened = plain_connection(path)
    moods = opened.execute("SELECT c.mood, m.mood FROM conversations AS c JOIN moods AS m ON m.conversation = key")
    assert [("calm", "calm")] * 3 == moods.fetchall()
    opened.close()
    copy = path.with_name("old.db.v1.backup")
    assert before == chatlog_process(tmp_path, "--db", str(copy), "export").stdout
