"""Encrypted files: nothing of the words in any byte, four ways to fail told apart, everything else as without a key."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as driver

import chatlog
from chatlog import ConversationDraft, MessageDraft
from chatlog.errors import (
    BusyError,
    ChatlogError,
    CheckFailedError,
    DamagedFileError,
    RefusedError,
    SchemaMismatchError,
    UsageError,
    WrongKeyError,
)
from chatlog.keys import new_key, parse, written
from chatlog.store import files, open_store
from chatlog.store.sqlite import cipher, replacing, upkeep
from chatlog.store.sqlite.connection import connect
from chatlog.store.sqlite.database_file import Registry

from ..store.making import matching
from .helpers import SOURCES, chatlog_process, execute, faults, plain_connection, rounds

PHRASE = "marmalade sky"
WORD = "marmalade"
RAW = written(new_key())


def filled(path: Path, key: str | None, count: int = 100) -> Path:
    """Make a file with planted phrases in text, title, tag and metadata."""
    with chatlog.open(path, key=key) as store:
        for number in range(count // 20):
            draft = ConversationDraft(title=f"{PHRASE} {number}", tags=("marmalade",), metadata={"of": PHRASE})
            store.new(draft, [MessageDraft(role="user", text=f"{PHRASE} {number}-{n} " * 30) for n in range(20)])
    return path


def test_no_byte_of_any_file_tells_what_was_said(tmp_path: Path) -> None:
    """The file, its log and shared memory while open, its backup: no planted phrase, no token, no SQLite header."""
    path = tmp_path / "chats.db"
    with chatlog.open(filled(path, RAW), key=RAW) as store:
        store.new(ConversationDraft(title=PHRASE), [MessageDraft(role="user", text=PHRASE)])
        store.backup(tmp_path / "copy.db")
        names = sorted(found.name for found in tmp_path.iterdir())
        script = "import sys; print(sum(open(n, 'rb').read().count(b'marmalade') for n in sys.argv[1:]))"
        command = [sys.executable, "-c", script, *(str(tmp_path / name) for name in names)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ({"chats.db", "chats.db-wal", "copy.db"} <= {*names}, "0\n") == (True, said)
    assert cipher.MAGIC not in {(tmp_path / name).read_bytes()[:16] for name in ("chats.db", "copy.db")}


@pytest.mark.parametrize(
    "key", [RAW, RAW[:64], "correct horse 'battery' \"staple\""], ids=["raw", "no salt", "passphrase"]
)
def test_everything_works_with_a_key(tmp_path: Path, key: str) -> None:
    """Write, search, back up, check, and open it again."""
    path = filled(tmp_path / "chats.db", key)
    with chatlog.open(path, key=key) as store:
        found = len(matching(store, WORD))
        checks = [check for check in store.checks(deep=True) if not check.ok]
        store.backup(tmp_path / "copy.db")
        assert (100, [], True) == (found, checks, store.info()["encrypted"])
    with chatlog.open(tmp_path / "copy.db", key=key, create=False) as copy:
        assert 5 == len(copy.conversations().items)


def wrong(path: Path) -> tuple[Path, str | None]:
    return filled(path, RAW), written(new_key())


def missing(path: Path) -> tuple[Path, str | None]:
    return filled(path, RAW), None


def plain(path: Path) -> tuple[Path, str | None]:
    return filled(path, None), RAW


def damaged(path: Path, start: int = 0, end: int = 100, key: str | None = RAW) -> tuple[Path, str | None]:
    filled(path, key)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(random.Random(7).randbytes(end - start))
    return path, key


def damaged_plain(path: Path) -> tuple[Path, str | None]:
    return damaged(path, key=None)


def damaged_plain_behind_its_name(path: Path) -> tuple[Path, str | None]:
    return damaged(path, 16, 100, None)


def damaged_behind_its_salt(path: Path) -> tuple[Path, str | None]:
    return damaged(path, 16, 600, "a passphrase of words")


FAILURES: list[tuple[Callable[[Path], tuple[Path, str | None]], type[ChatlogError], str]] = [
    (wrong, WrongKeyError, "the key does not open"),
    (missing, WrongKeyError, "is encrypted, or not a database"),
    (plain, SchemaMismatchError, "is not encrypted, but a key was given"),
    (damaged, DamagedFileError, "has a damaged header"),
    (damaged_behind_its_salt, DamagedFileError, "has a damaged header"),
    (damaged_plain, DamagedFileError, "has a damaged header"),
    (damaged_plain_behind_its_name, DamagedFileError, "has a damaged header"),
]


@pytest.mark.parametrize(("make", "kind", "sentence"), FAILURES, ids=[make.__name__ for make, *_ in FAILURES])
def test_each_failure_has_its_own_sentence(
    tmp_path: Path, make: Callable[[Path], tuple[Path, str | None]], kind: type[ChatlogError], sentence: str,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Wrong key, no key, plain file, damaged header; not a line of the driver's, and not a byte changed."""
    path, key = make(tmp_path / "chats.db")
    before = path.read_bytes()
    with pytest.raises(kind, match=sentence) as raised:
        chatlog.open(path, key=key)
    assert (kind, before) == (type(raised.value), path.read_bytes())
    assert ("", "") == capfd.readouterr()
    assert RAW not in f"{raised.value.message} {raised.value.hint}"


def test_a_driver_that_cannot_encrypt_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a byte is written: a plain SQLite takes a key without a word."""

    class Plain:
        def execute(self, sql: str) -> Plain:
            return self

        def fetchall(self) -> list[object]:
            return []

        def close(self) -> None: ...

    monkeypatch.setattr("chatlog.store.sqlite.connection.driver.connect", lambda *args, **options: Plain())
    with pytest.raises(UsageError, match="cannot encrypt"):
        chatlog.open(tmp_path / "chats.db", key=RAW)
    assert [] == [*tmp_path.iterdir()]


@rounds(12, 50)
def test_doctor_names_a_changed_page(tmp_path: Path, rounds: int) -> None:
    """One flipped byte in any page but the first, which nobody can open then, is reported."""
    path = filled(tmp_path / "chats.db", RAW)
    sound = path.read_bytes()
    chance = random.Random(3)
    pages = len(sound) // cipher.PAGE
    assert pages > rounds
    reported = 0
    for page in chance.sample(range(1, pages), rounds):
        place = page * cipher.PAGE + chance.randrange(cipher.PAGE)
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        try:
            with open_store(path, key=parse(RAW)) as store:
                reported += any(check.name == "seals" and not check.ok for check in store.checks())
        except DamagedFileError:
            reported += 1
    assert rounds == reported


# another key


def test_a_swap_that_was_interrupted_is_healed(tmp_path: Path) -> None:
    """Killed at that moment, the file has no write-ahead log yet; the next who opens it gives it one."""
    path = filled(tmp_path / "chats.db", RAW)
    connection = plain_connection(path)
    cipher.unlock(connection, parse(RAW))
    assert ("delete",) == connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    connection.close()
    with chatlog.open(path, key=RAW, create=False) as store:
        assert ("wal", path.stat().st_size) == (store.info()["journal_mode"], store.info()["bytes"])
        assert [] == [check for check in store.checks(deep=True) if not check.ok]


def test_encrypt_rekey_and_decrypt_keep_everything(tmp_path: Path) -> None:
    """Counts, searches, hashes; each time under the new key only; the old file's plain bytes are overwritten."""
    path = filled(tmp_path / "chats.db", None)
    keys = [None, RAW, "a passphrase of words", written(new_key()), None]
    for old, new in pairwise(keys):
        files.convert(str(path), parse(old) if old else None, parse(new) if new else None)
        with chatlog.open(path, key=new, create=False) as store:
            assert (5, 100) == (len(store.conversations().items), len(matching(store, WORD)))
            assert "wal" == store.info()["journal_mode"]
        if new:
            with pytest.raises(ChatlogError):
                chatlog.open(path, key=old, create=False)
    assert ["chats.db"] == [found.name for found in tmp_path.iterdir()]
    assert ([], 0o600) == (faults(path), path.stat().st_mode & 0o777)


def test_no_connection_is_opened_while_bytes_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the other way round: closing the file would let go of the locks that another thread's connection holds."""
    path, free = filled(tmp_path / "chats.db", "a passphrase of words"), list[bool]()

    def is_free() -> bool:
        if is_mine := Registry._turn.acquire(blocking=False):
            Registry._turn.release()
        return is_mine

    def another_thread_may_open() -> bool:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(is_free).result()

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **named: Any) -> Any:
            free.append(another_thread_may_open())
            return function(*arguments, **named)

        return noted

    monkeypatch.setattr(Path, "open", noting(Path.open))
    monkeypatch.setattr("chatlog.store.sqlite.connection.connect", noting(connect))
    with chatlog.open(path, key="a passphrase of words") as store:
        assert [False] == [*dict.fromkeys(free)]
        assert (b"", True) == (Registry.head(path, 16), another_thread_may_open())
        assert 5 == len(store.conversations().items)


def test_a_file_that_is_open_elsewhere_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another process, or here: busy, and nothing changed."""
    monkeypatch.setattr("chatlog.store.sqlite.connection.ALONE_SECONDS", 0.05)
    path = filled(tmp_path / "chats.db", None)
    other = plain_connection(path)
    other.execute("SELECT count(*) FROM bodies").fetchall()
    with pytest.raises(BusyError, match="is open in another process"):
        files.convert(str(path), None, parse(RAW))
    other.close()
    with chatlog.open(path), pytest.raises(BusyError, match="this process"):
        files.convert(str(path), None, parse(RAW))
    assert ([], ["chats.db"]) == (faults(path), [found.name for found in tmp_path.iterdir()])


@pytest.mark.parametrize("change", ["convert", "restore"])
def test_nothing_is_written_into_a_file_that_is_being_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """From the first byte that is copied on: what came in between would be acknowledged, and lost."""
    path, copy, aside = filled(tmp_path / "chats.db", None), tmp_path / "copy.db", tmp_path / "aside.db"
    with chatlog.open(path) as store:
        store.backup(copy)
    refusals: list[str] = []

    def writing(*arguments: Any, function: Callable[..., Any], **named: Any) -> Any:
        with pytest.raises(driver.OperationalError, match="locked"), closing(plain_connection(path)) as other:
            other.execute("DELETE FROM messages")
        refusals.append(function.__name__)
        return function(*arguments, **named)

    for name in ("_copy", "_swap"):
        monkeypatch.setattr(replacing, name, partial(writing, function=getattr(replacing, name)))
    monkeypatch.setattr(upkeep, "backup", partial(writing, function=upkeep.backup))
    if change == "convert":
        files.convert(str(path), None, parse(RAW))
    else:
        files.restore(str(path), copy, None, aside=aside, now="2026-11-21T00:00:00.000Z")
    assert {"convert": ["_copy", "_swap"], "restore": ["backup", "_swap"]}[change] == refusals


def test_a_restore_that_is_refused_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another process has the database open no copy of it is made."""
    monkeypatch.setattr("chatlog.store.sqlite.connection.ALONE_SECONDS", 0.05)
    path, copy = filled(tmp_path / "chats.db", None), tmp_path / "copy.db"
    with chatlog.open(path) as store:
        store.backup(copy)
    with closing(plain_connection(path)) as other:
        other.execute("SELECT count(*) FROM bodies").fetchall()
        with pytest.raises(BusyError, match="is open in another process"):
            files.restore(str(path), copy, None, aside=tmp_path / "aside.db", now="2026-11-21T00:00:00.000Z")
    assert ["chats.db", "copy.db"] == sorted(found.name for found in tmp_path.iterdir())


def test_who_waits_for_the_old_file_is_turned_away(tmp_path: Path) -> None:
    """A writer that had the old file's descriptor finds it marked, and does not write into a file without a name."""
    path = filled(tmp_path / "chats.db", RAW)
    os.link(path, tmp_path / "held.db")
    files.convert(str(path), parse(RAW), parse("a passphrase of words"))
    with pytest.raises(BusyError, match="replaced"):
        chatlog.open(tmp_path / "held.db", key=RAW)


def test_the_plain_file_is_overwritten_where_files_have_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory stick has no hard links: encrypting needs none."""

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    path = filled(tmp_path / "chats.db", None)
    with path.open("rb") as old:
        files.convert(str(path), None, parse(RAW))
        assert {0} == {*old.read()}
    with chatlog.open(path, key=RAW) as store:
        assert True is store.info()["encrypted"]
    assert ["chats.db"] == [found.name for found in tmp_path.iterdir()]


def test_a_file_that_is_not_sound_is_not_converted(tmp_path: Path) -> None:
    """It stays as it is, and is named."""
    path = filled(tmp_path / "chats.db", None)
    execute(path, "DELETE FROM bodies WHERE id = 3")
    with pytest.raises(CheckFailedError, match="not sound"):
        files.convert(str(path), None, parse(RAW))
    with chatlog.open(path) as store:
        assert False is store.info()["encrypted"]


def test_no_representation_shows_a_key() -> None:
    """Not repr, not str, not a pickle, not a failed message."""
    import pickle

    for key in (parse(RAW), parse("a passphrase of words")):
        assert "Key(…)" == repr(key) == str(key)
        with pytest.raises(TypeError):
            pickle.dumps(key)
    with pytest.raises(UsageError) as short:
        parse("geheim")
    assert "geheim" not in short.value.message


def test_a_passphrase_is_derived_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often files of one salt are opened with a key, the expensive derivation is done once."""
    import hashlib

    derive, salts = hashlib.pbkdf2_hmac, []

    def counted(name: str, secret: bytes, salt: bytes, rounds: int, length: int) -> bytes:
        if rounds > 2:
            salts.append((salt, rounds))
        return derive(name, secret, salt, rounds, length)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counted)
    phrase = "a passphrase of words"
    path = filled(tmp_path / "chats.db", phrase)
    salts.clear()
    key = parse(phrase)
    for user in ("local", "ana", "ben"):
        with open_store(path, user, key=key) as store:
            assert [] == [check for check in store.checks() if not check.ok]
    assert [(path.read_bytes()[:16], 256_000)] == salts


# the command line


def test_the_key_comes_from_a_private_file_or_a_command(tmp_path: Path) -> None:
    """A key file that is made 0600; one that others may read is refused; a command; never an argument."""
    assert 0 == chatlog_process(tmp_path, "--db", "c.db", "new", "--title", PHRASE).returncode
    done = chatlog_process(tmp_path, "--db", "c.db", "--key-file", "key", "db", "encrypt")
    assert (0, 0o600) == (done.returncode, (tmp_path / "key").stat().st_mode & 0o777)
    key = (tmp_path / "key").read_text().strip()
    assert key not in done.stdout + done.stderr
    by_command = chatlog_process(tmp_path, "--db", "c.db", "list", env={"CHATLOG_KEY_COMMAND": "cat key"})
    by_file = chatlog_process(tmp_path, "--db", "c.db", "list", env={"CHATLOG_KEY_FILE": "key"})
    assert (True, by_file.stdout) == (PHRASE in by_command.stdout, by_command.stdout)
    assert 6 == chatlog_process(tmp_path, "--db", "c.db", "list").returncode
    (tmp_path / "key").chmod(0o640)
    refused = chatlog_process(tmp_path, "--db", "c.db", "--key-file", "key", "list")
    assert (2, True) == (refused.returncode, "chmod 600" in refused.stderr)
    assert RefusedError.exit_code == refused.returncode


@pytest.mark.parametrize("command", ["false", "true", "no-such-command-at-all", "echo short", "'"])
def test_a_key_command_that_fails_is_named_by_its_setting(tmp_path: Path, command: str) -> None:
    """One sentence, no traceback, and nothing is made."""
    done = chatlog_process(tmp_path, "--db", "c.db", "new", env={"CHATLOG_KEY_COMMAND": command})
    assert (2, 1) == (done.returncode, done.stderr.count("error: "))
    assert not (tmp_path / "c.db").exists()


def test_two_encrypted_writers_lose_nothing(tmp_path: Path) -> None:
    """Concurrent processes append to one encrypted conversation: all of it is there, in sound order."""
    path = tmp_path / "chats.db"
    with chatlog.open(path, key=RAW) as store:
        name = store.new().id
    script = (
        "import sys, chatlog\n"
        "with chatlog.open(sys.argv[1], key=sys.argv[2], create=False) as store:\n"
        "    for n in range(40):\n"
        "        store.add(sys.argv[3], [chatlog.MessageDraft(role='user', text=f'{sys.argv[4]} {n}')])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = [sys.executable, "-c", script, str(path), RAW, name]
    workers = [subprocess.Popen([*command, who], env=environment) for who in ("a", "b", "c")]
    assert [0, 0, 0] == [worker.wait(timeout=120) for worker in workers]
    with chatlog.open(path, key=RAW, create=False) as store:
        texts = [message.text for message in store.messages(name)]
        assert [] == [check for check in store.checks(deep=True) if not check.ok]
    assert {f"{who} {n}" for who in "abc" for n in range(40)} == {*texts}
    assert [f"a {n}" for n in range(40)] == [text for text in texts if text.startswith("a")]
