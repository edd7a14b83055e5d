"""Failures, RELIABILITY.md 45: each row of its section 2e has its own sentence and exit code, and makes no file."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as driver

import chatlog
from chatlog.errors import NoDatabaseError, SchemaMismatchError
from chatlog.models import ConversationDraft, MessageDraft
from chatlog.store.sqlite import bodies, connection
from chatlog.store.sqlite.failures import translate
from tests.conftest import Ran, Run

from .helpers import capable_prefix, chatlog_process, environment, execute, faults, locked, plain_connection
from .workers import pair

READS = (
    ("list",),
    ("show", "@last"),
    ("search", "weather"),
    ("export",),
    ("tags",),
    ("state", "@last", "get"),
    ("db", "info"),
    ("db", "backup", "copy.db"),
    ("db", "migrate"),
    ("doctor",),
)
#: Verbs that change what is there, and make no database.
CHANGES = (
    ("add", "@last", "--role", "user", "hello"),
    ("set", "@last", "--title", "x"),
    ("tag", "@last", "+work"),
    ("state", "@last", "set", '{"step": 1}'),
    ("fork", "@last"),
)


def assert_fails(ran: Ran, code: int, sentence: str) -> None:
    """Check that a command failed with one sentence and at most a hint, and printed nothing else."""
    lines = ran.err.splitlines()
    assert (code, "") == (ran.code, ran.out)
    assert f"error: {sentence}" == lines[0]
    assert len(lines) <= 2
    assert not [word for word in ("Traceback", "Error", "bug") if word in ran.err]


def assert_no_bug(ran: Ran) -> None:
    """Check that a command succeeded, or failed with a sentence that is meant for its user."""
    assert not [word for word in ("Traceback", "Error", "bug") if word in ran.err]


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def as_ran(process: Any) -> Ran:
    return Ran(process.returncode, process.stdout, process.stderr)


# nothing there


@pytest.mark.parametrize("line", [*READS, *CHANGES], ids=" ".join)
def test_no_database(run: Run, tmp_path: Path, line: tuple[str, ...]) -> None:
    """Without a database a verb that needs one ends with 3, names the path, and makes nothing."""
    assert_fails(run("--db", "misspelt.db", *line), 3, "there is no history yet: misspelt.db does not exist")
    assert [] == files(tmp_path)


@pytest.mark.parametrize("line", [*READS, *CHANGES], ids=" ".join)
def test_an_empty_file(run: Run, tmp_path: Path, line: tuple[str, ...]) -> None:
    """An empty file is no database yet, and stays empty."""
    (tmp_path / "empty.db").touch()
    assert_fails(run("--db", "empty.db", *line), 3, "there is no history yet: empty.db is empty")
    assert ["empty.db"] == files(tmp_path)
    assert b"" == (tmp_path / "empty.db").read_bytes()


@pytest.mark.parametrize(
    "line", [("new",), ("add", "--new", "--role", "user", "x"), ("import", "{history}")], ids=" ".join
)
def test_a_folder_that_does_not_exist(run: Run, tmp_path: Path, line: tuple[str, ...]) -> None:
    """A database in a folder that does not exist is refused; the folder is not made."""
    history = tmp_path / "history.jsonl"
    history.write_text('{"type":"message","conversation":"x","role":"user","text":"hello"}\n')
    ran = run("--db", "no/such/chats.db", *(word.replace("{history}", "history.jsonl") for word in line))
    assert_fails(ran, 3, "cannot create no/such/chats.db: there is no folder no/such")
    assert ["history.jsonl"] == files(tmp_path)


@pytest.mark.parametrize("line", [*READS[:2], ("new",)], ids=" ".join)
def test_a_folder_as_database(run: Run, tmp_path: Path, line: tuple[str, ...]) -> None:
    """A folder named as the database is refused by its name."""
    (tmp_path / "chats").mkdir()
    assert_fails(run("--db", "chats", *line), 3, "cannot open chats: it is a folder")


@pytest.mark.parametrize("line", [("list",), ("new",)], ids=" ".join)
def test_a_device_as_database(run: Run, line: tuple[str, ...]) -> None:
    """What is neither a file nor a folder is refused as that, not as a full disk."""
    ran = run("--db", os.devnull, *line)
    assert (3, "") == (ran.code, ran.out)
    assert "full" not in ran.err


@pytest.mark.parametrize("line", [("list",), ("new",)], ids=" ".join)
def test_a_link_to_nowhere_as_database(run: Run, tmp_path: Path, line: tuple[str, ...]) -> None:
    """A link to a file that does not exist is refused, and that file is not made."""
    (tmp_path / "link.db").symlink_to("nowhere.db")
    ran = run("--db", "link.db", *line)
    assert_no_bug(ran)
    assert 3 == ran.code
    assert ["link.db"] == files(tmp_path)


@pytest.mark.parametrize("form", ["sqlite:///{}", "sqlite:////{}", "/{}", "//{}"])
def test_an_absolute_path_with_slashes_too_many(run: Run, tmp_path: Path, form: str) -> None:
    """What begins with two slashes is a path all the same: SQLAlchemy writes absolute ones with four."""
    url = (
        form.format(str(tmp_path / "here.db").lstrip("/"))
        if form.startswith("/")
        else form.format(tmp_path / "here.db")
    )
    assert 0 == run("--db", url, "new", "--title", "x").code
    assert 1 == len(run("--db", str(tmp_path / "here.db"), "list").lines)


def test_an_unknown_kind_of_url(run: Run, tmp_path: Path) -> None:
    """A URL of an engine that there is none for is refused by its name."""
    assert_fails(run("--db", "postgres://host/db", "list"), 2, "chatlog has no engine for postgres:// yet")
    assert [] == files(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        ("add", "--new", "--role", "nobody", "x"),
        ("new", "--tag", "two words"),
        ("import", "no-such-file.json"),
        ("import", "chatlog.db"),
    ],
    ids=" ".join,
)
def test_a_mistake_makes_no_database(run: Run, tmp_path: Path, line: tuple[str, ...]) -> None:
    """A call that is refused, or that names an input that is not there, leaves no empty database behind."""
    ran = run(*line)
    assert ran.code in (2, 3, 4)
    assert [] == files(tmp_path)


# not a database of ours


def history(folder: Path, name: str = "chats.db") -> Path:
    """Return a sound file with a few conversations."""
    path = folder / name
    with chatlog.open(path) as store:
        for number in range(40):
            store.new(ConversationDraft(title=f"Weather {number}"), pair("w", number))
    return path


def text_file(folder: Path) -> Path:
    path = folder / "notes.txt"
    path.write_text("Dear diary,\nthis is no database.\n" * 100)
    return path


def json_file(folder: Path) -> Path:
    path = folder / "conversations.json"
    path.write_text('[{"title": "Größe 東京"}]\n' * 100)
    return path


def noise(folder: Path) -> Path:
    path = folder / "noise.db"
    path.write_bytes(Random(1).randbytes(8192))
    return path


def encrypted(folder: Path) -> Path:
    path = folder / "secret.db"
    opened = driver.connect(str(path))
    opened.execute("PRAGMA key = 'correct horse'")
    opened.execute("CREATE TABLE t (x)")
    opened.commit()
    opened.close()
    return path


def edited(offset: int, value: bytes, folder: Path) -> Path:
    """Return a sound file with some bytes of its header replaced."""
    path = history(folder)
    data = bytearray(path.read_bytes())
    data[offset : offset + len(value)] = value
    path.write_bytes(data)
    return path


def truncated(folder: Path) -> Path:
    path = history(folder)
    os.truncate(path, path.stat().st_size // 2)
    return path


def pages_of_noise(folder: Path) -> Path:
    path = history(folder)
    data = bytearray(path.read_bytes())
    data[4096:] = Random(2).randbytes(len(data) - 4096)
    path.write_bytes(data)
    return path


def foreign(folder: Path) -> Path:
    path = folder / "recipes.db"
    execute(path, "CREATE TABLE recipes (name TEXT)")
    return path


def stamped(folder: Path) -> Path:
    path = folder / "stamped.db"
    execute(path, "PRAGMA application_id = 252006675", "PRAGMA journal_mode = WAL", "CREATE TABLE t (x)")
    return path


def newer(folder: Path) -> Path:
    path = history(folder)
    execute(path, "PRAGMA user_version = 99")
    return path


#: How a file is spoilt, the exit code, and the sentence about it.
SPOILT: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "text": (text_file, 6, "{path} is a text file, not a database"),
    "json": (json_file, 6, "{path} is a text file, not a database"),
    "noise": (noise, 6, "{path} is encrypted, or not a database"),
    "encrypted": (encrypted, 6, "{path} is encrypted, or not a database"),
    "magic": (partial(edited, 0, b"SQLite format 4"), 5, "{path} has a damaged header"),
    "page size": (partial(edited, 16, b"\x00\x03"), 5, "{path} has a damaged header"),
    "truncated": (truncated, 5, "{path} is damaged"),
    "random pages": (pages_of_noise, 5, "{path} is damaged"),
    "foreign": (foreign, 6, "{path} belongs to another application"),
    "stamped": (stamped, 6, "{path} belongs to another application"),
    "newer": (newer, 6, "{path} has schema 99; this chatlog knows up to 1"),
}
ANY = (("list",), ("search", "weather"), ("new", "--title", "x"))
#: Verbs that would have more to say of a damaged file of ours.
EXAMINING = (("doctor",), ("db", "info"), ("db", "migrate"), ("add", "@last", "--role", "user", "x"))


@pytest.mark.parametrize("line", [*ANY, *EXAMINING], ids=" ".join)
@pytest.mark.parametrize("spoilt", [name for name in SPOILT if SPOILT[name][1] == 6])
def test_files_of_others(run: Run, tmp_path: Path, spoilt: str, line: tuple[str, ...]) -> None:
    """What is no database of ours is refused with its sentence by every verb, and keeps its bytes."""
    assert_spoilt(run, tmp_path, spoilt, line)


@pytest.mark.parametrize("line", ANY, ids=" ".join)
@pytest.mark.parametrize("spoilt", [name for name in SPOILT if SPOILT[name][1] == 5])
def test_damaged_files(run: Run, tmp_path: Path, spoilt: str, line: tuple[str, ...]) -> None:
    """Each way for a file of ours to be damaged has its sentence, and the file keeps its bytes."""
    assert_spoilt(run, tmp_path, spoilt, line)


def assert_spoilt(run: Run, folder: Path, spoilt: str, line: tuple[str, ...]) -> None:
    make, code, sentence = SPOILT[spoilt]
    path = make(folder)
    before = path.read_bytes()
    assert_fails(run("--db", path.name, *line), code, sentence.format(path=path.name))
    assert before == path.read_bytes()
    assert [path.name] == files(folder)


def test_a_foreign_file_in_use_keeps_its_log(tmp_path: Path) -> None:
    """A foreign file whose last changes are still in its log is refused without bringing them into the file."""
    made = stamped(tmp_path / "..")
    path = tmp_path / "busy.db"
    opened = plain_connection(made)
    opened.execute("INSERT INTO t VALUES (1)")
    for ending in ("", "-wal"):
        shutil.copy(f"{made}{ending}", f"{path}{ending}")
    opened.close()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(SchemaMismatchError):
        chatlog.open(path)
    assert before == {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}


def test_a_future_read_format(run: Run, tmp_path: Path) -> None:
    """A file in a format that only a later SQLite reads is refused with its path, and keeps its bytes."""
    path = edited(19, b"\x09", tmp_path)
    before = path.read_bytes()
    ran = run("--db", path.name, "list")
    assert_no_bug(ran)
    assert ran.code in (5, 6)
    assert path.name in ran.err
    assert before == path.read_bytes()


def test_a_future_write_format(run: Run, tmp_path: Path) -> None:
    """A file that only a later SQLite may write is read, and refused for writing with a sentence."""
    path = edited(18, b"\x09", tmp_path)
    assert 0 == run("--db", path.name, "list").code
    ran = run("--db", path.name, "new")
    assert_no_bug(ran)
    assert 7 == ran.code


@pytest.mark.parametrize("behind", [0, 20, 40])
def test_one_byte_of_the_schema_is_damage_and_no_bug(behind: int, run: Run, tmp_path: Path) -> None:
    """Whatever SQLite makes of it, a malformed schema or a column that there is not, the verbs know what it means."""
    path = history(tmp_path)
    sound = path.read_bytes()
    for found in re.finditer(b"TABLE", sound):
        data = bytearray(sound)
        data[found.start() + behind] = 0xFF
        path.write_bytes(data)
        for verb in ("list", "doctor"):
            ran = run("--db", path.name, verb)
            assert_no_bug(ran)
            assert ran.code in (0, 1, 5)


def test_noise_of_the_driver_stays_inside(tmp_path: Path) -> None:
    """SQLite's own words about a file that it cannot read do not reach the terminal."""
    encrypted(tmp_path)
    ran = as_ran(chatlog_process(tmp_path, "--db", "secret.db", "list"))
    assert_fails(ran, 6, "secret.db is encrypted, or not a database")


def test_errors_as_json(run: Run, tmp_path: Path) -> None:
    """With --json each error is an object on stderr, its code the same, and stdout is empty."""
    kinds = {}
    for name, (make, code, _) in SPOILT.items():
        folder = tmp_path / name
        folder.mkdir()
        path = make(folder)
        ran = run("--db", str(path), "list", "--json")
        assert (code, "") == (ran.code, ran.out)
        assert {"kind", "message", "hint", "retryable"} == set(ran.error)
        kinds[name] = ran.error["kind"]
    expected = {name: "schema" if code == 6 else "damaged" for name, (_, code, _) in SPOILT.items()}
    assert {**expected, "noise": "wrong_key", "encrypted": "wrong_key"} == kinds


# the index


def damaged_index(path: Path) -> None:
    execute(path, "UPDATE words_data SET block = x'00ff00ff00ff' WHERE id > 10")


def drifted_index(path: Path) -> None:
    execute(path, "UPDATE bodies SET text = 'something else' WHERE id = 3")


@pytest.mark.parametrize("spoil", [damaged_index, drifted_index])
def test_a_spoilt_index_is_found_and_mended(run: Run, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """`doctor` finds a word index that is damaged or does not agree with the messages, and --rebuild mends it."""
    path = history(tmp_path, "chatlog.db")
    assert [] == faults(path)
    spoil(path)
    ran = run("doctor")
    assert 1 == ran.code
    assert "chatlog doctor --rebuild" in next(line for line in ran.lines if line.startswith("FAIL word index"))
    assert 0 == run("doctor", "--rebuild").code
    assert 0 == run("search", "weather").code
    assert 0 == run("doctor").code


def test_a_search_in_a_damaged_index(run: Run, tmp_path: Path) -> None:
    """A search that meets a damaged index ends with 5 and names the command that looks into it."""
    damaged_index(history(tmp_path, "chatlog.db"))
    ran = run("search", "weather")
    assert_fails(ran, 5, "chatlog.db is damaged")
    assert "chatlog doctor" in ran.err


def test_a_show_beside_a_damaged_index(run: Run, tmp_path: Path) -> None:
    """What does not need the index works without it."""
    damaged_index(history(tmp_path, "chatlog.db"))
    assert 0 == run("list").code
    assert "question 39" in run("show", "@1").out


def test_a_doctor_for_a_damaged_file(run: Run, tmp_path: Path) -> None:
    """`doctor` on a file with pages of noise says that it is damaged instead of breaking off."""
    path = history(tmp_path, "chatlog.db")
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    data[at : at + 8192] = Random(3).randbytes(8192)
    path.write_bytes(data)
    ran = run("doctor")
    assert ran.code in (1, 5)
    assert_no_bug(ran)
    assert "FAIL integrity" in ran.out or "error: chatlog.db is damaged" in ran.err


# locked, read-only, too large


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a lock at once instead of after half a minute."""
    monkeypatch.setattr(connection.patiently, "__defaults__", (0.0,))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("line", [*CHANGES, ("new",), ("import", "old.jsonl")], ids=" ".join)
def test_locked_for_writers(run: Run, tmp_path: Path, line: tuple[str, ...]) -> None:
    """While another process keeps the write lock, writing ends with 7 and is worth trying again."""
    path = history(tmp_path, "chatlog.db")
    (tmp_path / "old.jsonl").write_text('{"type":"message","conversation":"x","role":"user","text":"hello"}\n')
    with locked(path):
        assert_fails(run(*line), 7, "chatlog.db is busy: another process is writing")
        assert run(*line, "--json").error["retryable"]
    assert 0 == run(*line).code


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("line", [line for line in READS if line[0] != "doctor"], ids=" ".join)
def test_locked_for_readers(run: Run, tmp_path: Path, line: tuple[str, ...]) -> None:
    """While another process keeps the write lock, everything that only reads goes on."""
    with locked(history(tmp_path, "chatlog.db")):
        ran = run(*line)
    assert 0 == ran.code
    assert "error" not in ran.err


@pytest.mark.parametrize("other", [False, True])
def test_a_file_that_is_taken_away_while_it_is_open(tmp_path: Path, other: bool) -> None:
    """SQLite goes on with the file that has no name any more: what it said is written nobody would find."""
    with chatlog.open(tmp_path / "chats.db") as store:
        talk = store.new()
        (tmp_path / "chats.db").rename(tmp_path / "away.db")
        if other:
            history(tmp_path)
        for use in (lambda: store.add(talk.id, [MessageDraft(role="user", text="hello")]), store.conversations):
            with pytest.raises(NoDatabaseError, match="was removed or replaced"):
                use()


def bound(folder: Path, *line: str) -> Ran:
    """Run a command line on the folder's database as somebody whom permission bits bind."""
    return as_ran(chatlog_process(folder, "--db", "chats.db", *line, prefix=capable_prefix()))


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """A file that may not be read is refused as that."""
    history(tmp_path).chmod(0o000)
    assert_fails(bound(tmp_path, "list"), 3, "cannot open chats.db: permission denied")


@pytest.mark.parametrize("line", [line for line in READS if line[0] != "db" or line[1] != "migrate"], ids=" ".join)
def test_a_read_only_file_is_read(tmp_path: Path, line: tuple[str, ...]) -> None:
    """A file that may only be read is listed, shown, searched, exported, copied and checked."""
    history(tmp_path).chmod(0o400)
    ran = bound(tmp_path, *line)
    by_words = "warning: new messages are searched by words only: chats.db or its folder is read-only\n"
    assert (0, by_words if line[0] == "search" else "") == (ran.code, ran.err)


@pytest.mark.parametrize("line", [*CHANGES, ("new",)], ids=" ".join)
def test_a_read_only_file_is_not_written(tmp_path: Path, line: tuple[str, ...]) -> None:
    """A file that may only be read is refused for writing with 7."""
    path = history(tmp_path)
    path.chmod(0o400)
    before = path.read_bytes()
    assert_fails(bound(tmp_path, *line), 7, "chats.db or its folder is read-only")
    assert before == path.read_bytes()


@pytest.mark.parametrize("line", [("list",), ("search", "weather"), ("new",)], ids=" ".join)
def test_a_read_only_folder(tmp_path: Path, line: tuple[str, ...]) -> None:
    """In a folder that may not be written even reading needs a log, and is refused with what to do."""
    path = history(tmp_path)
    prefix = capable_prefix()
    tmp_path.chmod(0o500)
    try:
        ran = as_ran(chatlog_process(tmp_path, "--db", str(path), *line, prefix=prefix))
    finally:
        tmp_path.chmod(0o700)
    assert_fails(ran, 7, f"{path} or its folder is read-only")
    assert "copy it to a place that can be written" in ran.err


def test_a_message_that_is_too_long(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message beyond the documented size is refused before the driver sees it, and nothing is stored."""
    monkeypatch.setattr(bodies, "MAX_TEXT_CHARS", 1_000)
    run("new", "--title", "x")
    ran = run("add", "@last", "--role", "user", "sailing " * 200)
    assert (2, "") == (ran.code, ran.out)
    assert "split it" in ran.err
    assert 0 == run("show", "@last", "--json").json["conversation"]["messages"]
    assert connection.MAX_TEXT_CHARS < 1_000_000_000


def test_a_message_that_is_too_long_among_others(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An import names it and brings in the rest, the messages before and behind it."""
    monkeypatch.setattr(bodies, "MAX_TEXT_CHARS", 1_000)
    texts = ["before", "sailing " * 200, "behind"]
    lines = [{"type": "message", "conversation": "c", "role": "user", "text": text} for text in texts]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = run("import", "in.jsonl", "--json")
    assert (4, 2, 1) == (ran.code, ran.json["total"]["new"], ran.json["total"]["errors"])
    assert ["before", "behind"] == [message["text"] for message in run("show", "@last", "--json").json["messages"]]


def test_a_bug_shows_nobodys_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is one line with its place, and none of the data that met it."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("my secret diary")

    run("add", "--new", "--role", "user", "hello")
    monkeypatch.setattr("chatlog.store.sqlite.engine.SqliteStore.conversations", broken)
    ran = run("list")
    assert (1, "") == (ran.code, ran.out)
    assert ran.err.startswith("error: chatlog has a bug: RuntimeError at test_failures.py:")
    assert "diary" not in ran.err


def test_ctrl_c_is_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command ends with 130, and the next one finds the database sound."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    run("add", "--new", "--role", "user", "hello")
    with monkeypatch.context() as patch:
        patch.setattr("chatlog.store.sqlite.fulltext.index", interrupted)
        ran = run("add", "@last", "--role", "user", "there")
    assert (130, "", "") == (ran.code, ran.out, ran.err)
    assert 0 == run("doctor").code
    assert 1 == run("show", "@last", "--json").json["conversation"]["messages"]


def test_a_reader_that_went_away(tmp_path: Path) -> None:
    """Output that nobody reads to its end is no error worth a word."""
    history(tmp_path)
    command = ["sh", "-c", f'"{sys.executable}" -m chatlog --db chats.db export | head -c 1']
    ran = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=False)
    assert (b"{", b"") == (ran.stdout, ran.stderr)


@pytest.mark.parametrize(
    "words", ["could not drop chunks shadow table", "Could not create '_info' shadow table: disk I/O error"]
)
def test_what_sqlite_vec_cannot_write_is_no_bug(tmp_path: Path, words: str) -> None:
    """It has one code for all, also where a disk fails under it."""
    error = driver.OperationalError(words)
    error.sqlite_errorcode = 1
    meaning = translate(error, tmp_path / "chats.db")
    assert (5, "run: chatlog doctor") == (meaning and meaning.exit_code, meaning and meaning.hint)
