"""Durability and concurrency, RELIABILITY.md 1, 2, 9, 10, 11 and 13: many writers, one library, safe copies."""

from __future__ import annotations

import ast
import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as driver

import chatlog
from chatlog.cli import COMMANDS
from chatlog.errors import BusyError, RefusedError, SchemaMismatchError, UsageError
from chatlog.models import ConversationDraft, MessageDraft
from chatlog.store.sqlite import connection, database_file, failures, migrations
from tests.conftest import Run

from .helpers import (
    DATA,
    SOURCES,
    chatlog_process,
    conversation_in,
    faults,
    finished,
    give_the_word,
    locked,
    plain_connection,
    question_numbers,
    ready,
    rounds,
    start,
    stored,
)
from .workers import pair

#: Every verb, each on what those before it left; `{data}` is the folder of fixtures, `{folder}` the test's own.
EVERY_VERB = (
    ("import", "{data}/chatgpt", "{data}/claude_ai", "{data}/claude_code", "--tag", "old"),
    ("import", "{data}/openai_messages", "--dry-run"),
    ("new", "--title", "Trip", "--tag", "travel", "--system", "Be brief."),
    ("add", "@last", "--role", "user", "Where is the sea?", "--key", "k1"),
    ("add", "--new", "--role", "user", "What about camelCase names and 東京?"),
    ("list",),
    ("show", "@last"),
    ("search", "sea"),
    ("search", "sea", "nowhere-to-be-found"),
    ("search", "--mode", "regex", "s.a"),
    ("similar", "@last"),
    ("compact", "@last"),
    ("ask", "@last", "And the river?", "--with", "cat"),
    ("embed", "--rebuild"),
    ("set", "@last", "--title", "Trips", "--pin", "--ttl", "30d"),
    ("tag", "@last", "+work", "-travel"),
    ("tags",),
    ("state", "@last", "set", '{"step": 1}'),
    ("state", "@last", "get"),
    ("fork", "@last"),
    ("export", "--to", "jsonl", "-o", "{folder}/all.jsonl"),
    ("export", "@last", "--to", "markdown", "-o", "{folder}/notes/"),
    ("db", "info"),
    ("db", "path"),
    ("db", "migrate"),
    ("db", "backup", "{folder}/copy.db"),
    ("config", "list"),
    ("completion", "bash"),
    ("help", "query"),
    ("doctor", "--deep", "--rebuild"),
    ("demo",),
    ("policy", "add", "old", "--older-than", "1d", "--source", "chatgpt", "--keep-last", "1"),
    ("hold", "@last", "--reason", "case 1"),
    ("hold", "@last", "--release"),
    ("delete", "@2", "--yes"),
    ("trash",),
    ("restore", "@last"),
    ("prune", "--policies", "--yes"),
    ("erase", "@last:1", "--yes", "--no-forks"),
    ("audit",),
    ("redact", "@last", "--yes"),
    ("memory", "set", "name", "Ana"),
    ("stats",),
    ("context", "@last", "--query", "sea"),
)
#: Verbs of EVERY_VERB that say something other than "ok": the fixtures hold lines that are broken on purpose.
PARTLY_DONE = {"import"}


def every_verb(folder: Path) -> list[list[str]]:
    """Return the command lines with their folders."""
    return [
        [word.replace("{data}", str(DATA)).replace("{folder}", str(folder)) for word in line] for line in EVERY_VERB
    ]


# 1, 2: many processes


@pytest.mark.parametrize("appends", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_eight_writers(tmp_path: Path, appends: int) -> None:
    """What eight processes add at once is all there: no error, no gap, each writer's in its order."""
    path = tmp_path / "chats.db"
    shared = conversation_in(path)
    places = [shared if number % 2 else conversation_in(path) for number in range(8)]
    writers = [ready(start("append", path, f"w{n}", place, appends)) for n, place in enumerate(places)]
    give_the_word(*writers)

    for number, writer in enumerate(writers):
        acked = [int(line) for line in finished(writer)]
        assert list(range(appends)) == acked
        assert acked == question_numbers(path, places[number], f"w{number}")
    assert list(range(1, 4 * 2 * appends + 1)) == [seq for seq, _ in stored(path, shared)]
    assert [] == faults(path)


@pytest.mark.parametrize("appends", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_readers_see_whole_transactions(tmp_path: Path, appends: int) -> None:
    """Beside eight writers those who search, read, prune and discard meet no error and no half pair."""
    path = tmp_path / "chats.db"
    conversation, other = conversation_in(path), conversation_in(path)
    others = [
        ready(start("search", path)),
        ready(start("read", path, conversation)),
        ready(start("discard", path, other)),
        ready(start("prune", path)),
    ]
    writers = [ready(start("append", path, f"w{number}", conversation, appends)) for number in range(8)]
    give_the_word(*others, *writers)
    for writer in writers:
        assert appends == len(finished(writer))

    for name, reader in zip(("searches", "reads", "rounds", "pruned"), others, strict=True):
        said = finished(reader)
        assert [name] == [line.split()[0] for line in said]
        assert 0 < int(said[0].split()[1])
    assert [] == faults(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_child_goes_on_with_a_store(tmp_path: Path) -> None:
    """What a forked child adds after its parent closed the store is there: it has a connection of its own."""
    path = tmp_path / "chats.db"
    with chatlog.open(path) as store:
        conversation = store.new(messages=[MessageDraft(role="user", text="from the parent")]).id
    said = finished(start("fork", path, conversation, "no"))
    assert ["child 0"] == said
    assert [(1, "from the parent"), (2, "from the child")] == stored(path, conversation)
    assert [] == faults(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_child_refuses_what_was_in_use(tmp_path: Path) -> None:
    """A child that was forked while its parent used the file says so, and writes nothing that would be lost."""
    path = tmp_path / "chats.db"
    with chatlog.open(path) as store:
        conversation = store.new(messages=[MessageDraft(role="user", text="from the parent")]).id
    said = finished(start("fork", path, conversation, "yes"))
    assert [f"child {UsageError.exit_code}"] == said
    assert [(1, "from the parent")] == stored(path, conversation)


def test_opening_waits_for_its_turn(tmp_path: Path) -> None:
    """Who opens a file while another has it for itself, as the last one to close has, waits and gets in."""
    path = tmp_path / "chats.db"
    conversation_in(path)
    with ThreadPoolExecutor(1) as pool:
        with locked(path, wholly=True):
            waiting = pool.submit(lambda: chatlog.open(path, create=False).close())
            gave_up = wait([waiting], timeout=0.5).done
        assert set() == gave_up
        assert waiting.result() is None


@rounds(4, 50)
def test_birth_among_others(tmp_path: Path, rounds: int) -> None:
    """Processes that all find no file and make one at once share it, without an error."""
    for number in range(rounds):
        home = tmp_path / str(number)
        home.mkdir()
        with ThreadPoolExecutor(4) as pool:
            born = [pool.submit(chatlog_process, home, "new", "--db", "chats.db") for _ in range(4)]
        done = [process.result() for process in born]
        assert [(0, "")] * 4 == [(process.returncode, process.stderr) for process in done]
        with chatlog.open(home / "chats.db", create=False) as store:
            assert 4 == store.conversations().total


class Interrupted:
    """A connection during whose look at the file's stamp another process makes the schema."""

    def __init__(self, inner: Any, path: Path) -> None:
        self.inner = inner
        self.path = path

    def execute(self, sql: str, *values: Any) -> Any:
        if "user_version" in sql:
            with suppress(BusyError):  # where the look is one, the other has to wait
                chatlog.open(self.path).close()
        return self.inner.execute(sql, *values)


def test_birth_between_two_looks(tmp_path: Path) -> None:
    """A file that gets its schema while another process looks whose it is, is not taken for a foreign one."""
    path = tmp_path / "chats.db"
    database_file.prepare_file(path, create=True)
    looking = connection.connect(path)
    try:
        assert migrations.version_of(Interrupted(looking, path), path) in (0, 1)  # type: ignore[arg-type]
    except SchemaMismatchError:
        pytest.fail("the file was taken for another application's")
    finally:
        looking.close()


# 9: BEGIN IMMEDIATE


WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER", "REINDEX", "WITH")


class Watch:
    """Remembers the statements that write outside a transaction that began as a writer's."""

    def __init__(self) -> None:
        self.statements = 0
        self.immediate = 0
        self.wrong: list[str] = []

    def callback(self) -> Any:
        """Return what a connection tells its statements; it knows whether that one is in a transaction."""
        inside = False

        def tell(statement: str) -> None:
            nonlocal inside
            words = statement.split()
            self.statements += 1
            if words[:1] == ["BEGIN"]:
                inside = words[:2] == ["BEGIN", "IMMEDIATE"]
                self.immediate += inside  # any other one is a reader's, in which nothing may be written
            elif words[0] in ("COMMIT", "ROLLBACK"):
                inside = False
            elif words[0] == "WITH" and not {*WRITES} & {*words[1:]}:
                pass  # a question
            elif words[0] == "CREATE" and any(word.startswith("temp.") for word in words):
                pass  # of the connection's own, not of the file
            elif words[0] in WRITES and not inside:
                self.wrong.append(statement)

        return tell


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Watch every statement of every connection; what SQLite itself runs within one begins with a comment."""
    found = Watch()
    connect = connection._driver_connect

    def watched(path: Path, key: Any) -> Any:
        opened: Any = connect(path, key)
        opened.set_trace_callback(found.callback())
        return opened

    monkeypatch.setattr(connection, "_driver_connect", watched)
    return found


def test_every_write_begins_immediate(run: Run, watch: Watch, tmp_path: Path) -> None:
    """No verb writes outside a transaction that took the write lock at its beginning."""
    for line in every_verb(tmp_path):
        ran = run(*line)
        assert ran.code in ((0, 4) if line[0] in PARTLY_DONE else (0,)), (line, ran.err)
    assert 500 < watch.statements
    assert 20 < watch.immediate
    assert [] == watch.wrong


def test_the_verbs_are_all_of_them() -> None:
    """The list of verbs that these tests run leaves out none."""
    assert set(COMMANDS) == {line[0] for line in EVERY_VERB}


class Locked:
    """A connection to a file whose write lock another process never lets go."""

    def __init__(self) -> None:
        self.attempts = 0

    def execute(self, sql: str) -> None:
        assert "BEGIN IMMEDIATE" == sql
        self.attempts += 1
        error = driver.OperationalError("database is locked")
        error.sqlite_errorcode = failures.BUSY
        raise error


def test_a_writer_waits_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer tries for the lock for thirty seconds, at irregular and never long intervals, then gives up."""
    now = 0.0
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        pauses.append(seconds)
        now += seconds + connection.BUSY_SLICE

    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    locked = Locked()
    with pytest.raises(driver.OperationalError):
        connection.begin_immediate(locked)  # type: ignore[arg-type]
    assert 30 <= connection.BUSY_SECONDS
    assert connection.BUSY_SECONDS <= now < connection.BUSY_SECONDS + 1
    assert locked.attempts == len(pauses) + 1
    assert max(pauses) <= connection.LONG_PAUSE <= 0.05
    assert max(pauses[:30]) <= connection.SHORT_PAUSE <= 0.005
    assert len(set(pauses)) > len(pauses) // 2


def test_a_check_waits_like_a_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`doctor`, which writes for its check of the index, waits where another process happens to write."""
    path = tmp_path / "chats.db"
    conversation_in(path)
    other = plain_connection(path)
    with chatlog.open(path, create=False) as store:
        other.execute("BEGIN IMMEDIATE")
        let_go = SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: other.execute("COMMIT"))
        monkeypatch.setattr(connection, "time", let_go)
        try:
            found = [(check.name, check.ok) for check in store.checks()]
        except BusyError:
            found = []
    other.close()
    assert ("word index", True) in found


# 10: one library, and nothing else opens the file


def modules_imported() -> Iterator[tuple[str, str]]:
    """Yield each source file of ours with each module that it imports, wherever in the file."""
    for file in sorted((SOURCES / "chatlog").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            yield from ((file.relative_to(SOURCES).as_posix(), name) for name in names)


def test_one_sqlite_library_in_the_source() -> None:
    """Only the store, and the opener of other people's files, import an SQLite driver, and only the one."""
    drivers = {"sqlite3", "_sqlite3", "pysqlite3", "pysqlite2", "apsw", "sqlean", "libsql", "sqlcipher3", "aiosqlite"}
    found = {(file, name) for file, name in modules_imported() if name.split(".")[0] in drivers}
    assert {"sqlcipher3"} == {name.split(".")[0] for _, name in found}
    elsewhere = {file for file, _ in found if not file.startswith("chatlog/store/sqlite/")}
    assert elsewhere <= {"chatlog/formats/sqlite_source.py"}


def test_one_sqlite_library_in_the_process(tmp_path: Path) -> None:
    """After every verb one SQLite library is loaded, nothing opened the database's files beside it, nor any socket."""
    lines = [line for line in every_verb(tmp_path) if line[0] != "demo"]
    worker = start("watched", tmp_path / "chats.db", json.dumps([["--db", f"{tmp_path}/chats.db", *x] for x in lines]))
    found = json.loads(finished(worker)[-1])
    assert [4 if line[0] in PARTLY_DONE else 0 for line in lines] == found["codes"]
    assert [] == found["opened"]
    assert [] == found["network"]
    assert [] == found["modules"]
    if found["libraries"] is not None:
        assert 1 == len(found["libraries"])


def test_import_leaves_the_open_database_alone(tmp_path: Path) -> None:
    """Importing a folder, or the file itself, does not open a database that is in use: that would drop its locks."""
    conversation_in(tmp_path / "chats.db")
    (tmp_path / "old.jsonl").write_text('{"type":"message","conversation":"x","role":"user","text":"hello"}\n')
    database = str(tmp_path / "chats.db")
    lines = [["--db", database, "import", str(tmp_path)], ["--db", database, "import", database]]
    found = json.loads(finished(start("watched", database, json.dumps(lines)))[-1])
    assert [] == found["opened"]
    assert [] == found["network"]


def test_importing_its_own_folder_loses_nobodys_message(tmp_path: Path) -> None:
    """What was acknowledged after an import of the folder that the database is in, is there in the end."""
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    (tmp_path / "old.jsonl").write_text('{"type":"message","conversation":"x","role":"user","text":"hello"}\n')

    def other(text: str) -> None:
        done = chatlog_process(tmp_path, "--db", str(path), "add", conversation, "--role", "user", text)
        assert 0 == done.returncode

    with chatlog.open(path) as store:
        chatlog.import_history(store, [tmp_path])
        other("first, of another process")
        store.add(conversation, [MessageDraft(role="user", text="second, ours")])
        other("third, of another process")
    said = [text for _, text in stored(path, conversation)]
    assert ["first, of another process", "second, ours", "third, of another process"] == said


# 11: an old library


def test_an_old_sqlite_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An SQLite with the WAL-reset bug is refused with its version and exit code 2, before it makes a file."""
    monkeypatch.setattr(driver, "sqlite_version_info", (3, 51, 2))
    monkeypatch.setattr(driver, "sqlite_version", "3.51.2")
    ran = run("new", "--title", "x")
    assert (2, "") == (ran.code, ran.out)
    assert "3.51.2" in ran.err
    assert [] == list(tmp_path.iterdir())


def test_connections_are_set_up_safely(tmp_path: Path) -> None:
    """Every connection checks foreign keys, overwrites what is deleted, waits for the disk, maps no memory."""
    path = tmp_path / "chats.db"
    conversation_in(path)
    opened = connection.connect(path)
    names = ("foreign_keys", "secure_delete", "synchronous", "mmap_size", "trusted_schema", "journal_mode")
    found = {name: opened.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
    opened.close()
    wanted = {"foreign_keys": 1, "secure_delete": 1, "synchronous": 2, "mmap_size": 0, "trusted_schema": 0}
    assert {**wanted, "journal_mode": "wal"} == found
    assert connection.MINIMUM_SQLITE >= (3, 51, 3)


def test_a_wrong_setting_makes_no_file(tmp_path: Path) -> None:
    """A synchronous setting that does not exist is refused before a file is made."""
    with pytest.raises(UsageError):
        chatlog.open(tmp_path / "chats.db", synchronous="OFF")
    assert [] == list(tmp_path.iterdir())


# 13: copies


@rounds(5, 20)
def test_backup_while_others_write(tmp_path: Path, rounds: int) -> None:
    """A copy taken during writes is whole, sound and private, and holds everything up to one moment."""
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    writer = ready(start("append", path, "w", conversation, 1_000_000))
    give_the_word(writer)
    assert writer.stdout is not None
    for number in range(rounds):
        acked = int([writer.stdout.readline() for _ in range(5)][-1])
        copy = tmp_path / f"copy-{number}.db"
        with chatlog.open(path, create=False) as store:
            size = store.backup(copy)
        assert size == copy.stat().st_size
        assert 0o600 == stat.S_IMODE(copy.stat().st_mode)
        assert [] == faults(copy)
        copied = question_numbers(copy, conversation, "w")
        assert list(range(len(copied))) == copied
        assert acked < len(copied)
    writer.kill()
    writer.communicate()


def test_backup_can_be_gone_on_from(tmp_path: Path) -> None:
    """A copy in the original's place is read, searched and added to as the original was."""
    path, copy = tmp_path / "chats.db", tmp_path / "copy.db"
    with chatlog.open(path) as store:
        conversation = store.new(ConversationDraft(title="Weather"), pair("w", 0)).id
        store.backup(copy)
        store.add(conversation, pair("w", 1))
    with chatlog.open(copy, create=False) as store:
        store.add(conversation, pair("w", 2))
        found = chatlog.search_messages(store, "weather")
    assert [0, 2] == question_numbers(copy, conversation, "w")
    assert 2 == len(found.items)
    assert [] == faults(copy)


def target_that_is_a_file(folder: Path) -> Path:
    target = folder / "target.db"
    target.write_bytes(b"mine")
    return target


def target_that_is_a_link(folder: Path) -> Path:
    target = folder / "target.db"
    (folder / "elsewhere.db").write_bytes(b"mine")
    target.symlink_to(folder / "elsewhere.db")
    return target


def target_that_dangles(folder: Path) -> Path:
    target = folder / "target.db"
    target.symlink_to(folder / "nowhere.db")
    return target


@pytest.mark.parametrize("make", [target_that_is_a_file, target_that_is_a_link, target_that_dangles])
def test_backup_overwrites_nothing(run: Run, tmp_path: Path, make: Any) -> None:
    """A target that exists, be it a link to nowhere, is refused and left as it is."""
    run("new", "--title", "x")
    target = make(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.glob("[et]*.db") if file.exists()}
    ran = run("db", "backup", str(target))
    assert (2, "") == (ran.code, ran.out)
    assert f"error: {target} exists already" == ran.err.splitlines()[0]
    assert before == {file.name: file.read_bytes() for file in tmp_path.glob("[et]*.db") if file.exists()}
    assert not (tmp_path / "nowhere.db").exists()


def test_backup_of_the_store_refuses_too(tmp_path: Path) -> None:
    """The Python call refuses an existing target as the command does."""
    with chatlog.open(tmp_path / "chats.db") as store, pytest.raises(RefusedError):
        store.backup(tmp_path / "chats.db")
    assert [] == faults(tmp_path / "chats.db")
