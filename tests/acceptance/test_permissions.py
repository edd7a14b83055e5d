"""Permissions, RELIABILITY.md 44: whatever the umask, what chatlog writes is its owner's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

import chatlog
from chatlog.models import ConversationDraft, MessageDraft

from .helpers import capable_prefix, chatlog_process, conversation_in, finished, start
from .test_crash import NEVER, old_file

WIDE_OPEN = 0o000


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def done(home: Path, *arguments: str) -> str:
    """Run a command line with a umask that takes nothing away, and return what it printed."""
    ran = chatlog_process(home, *arguments, umask=WIDE_OPEN)
    assert (0, "") == (ran.returncode, ran.stderr if "error" in ran.stderr else "")
    return ran.stdout


def test_a_new_database_is_private(tmp_path: Path) -> None:
    """The default database and its folder are made for their owner only."""
    where = Path(done(tmp_path, "db", "path").strip())
    done(tmp_path, "new", "--title", "x")
    assert tmp_path in where.parents
    assert ("0700", "0600") == (mode(where.parent), mode(where))


@pytest.fixture
def open_umask() -> object:
    """Take nothing away from the modes of files that this process makes."""
    before = os.umask(WIDE_OPEN)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_log_and_index_are_private(tmp_path: Path) -> None:
    """While the database is open its log and the log's index are as private as itself."""
    with chatlog.open(tmp_path / "chats.db") as store:
        store.new(ConversationDraft(title="x"), [MessageDraft(role="user", text="hello")])
        modes = {file.name: mode(file) for file in tmp_path.iterdir()}
    assert {"chats.db": "0600", "chats.db-shm": "0600", "chats.db-wal": "0600"} == modes


@pytest.mark.usefixtures("open_umask")
def test_an_empty_file_that_was_there_becomes_private(tmp_path: Path) -> None:
    """An empty file that somebody made for the database is closed to others before anything is in it."""
    path = tmp_path / "chats.db"
    path.touch(0o666)
    conversation_in(path)
    assert "0600" == mode(path)


def test_copies_and_exports_are_private(tmp_path: Path) -> None:
    """Backups, exported files and the folder of exported files are their owner's alone."""
    done(tmp_path, "--db", "chats.db", "add", "--new", "--role", "user", "hello")
    done(tmp_path, "--db", "chats.db", "db", "backup", "copy.db")
    done(tmp_path, "--db", "chats.db", "db", "backup")
    done(tmp_path, "--db", "chats.db", "export", "-o", "all.jsonl")
    done(tmp_path, "--db", "chats.db", "export", "--to", "markdown", "-o", "notes/")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {".db": 3, ".jsonl": 1, ".md": 1} == {
        suffix: sum(file.suffix == suffix for file in files) for suffix in (".db", ".jsonl", ".md")
    }
    assert {"0600"} == {mode(file) for file in files}
    assert "0700" == mode(tmp_path / "notes")


def test_an_overwritten_export_is_private(tmp_path: Path) -> None:
    """An export that replaces a readable file does not take over its mode."""
    target = tmp_path / "all.jsonl"
    target.write_text("old")
    target.chmod(0o644)
    done(tmp_path, "--db", "chats.db", "add", "--new", "--role", "user", "hello")
    done(tmp_path, "--db", "chats.db", "export", "-o", str(target), "--force")
    assert "hello" in target.read_text()
    assert "0600" == mode(target)


def test_the_kept_demo_is_private(tmp_path: Path) -> None:
    """The demo's database, where it is kept, is as private as a real one."""
    done(tmp_path, "demo", "--keep", "demo.db")
    assert "0600" == mode(tmp_path / "demo.db")


@pytest.mark.usefixtures("open_umask")
def test_the_copy_before_a_migration_is_private(tmp_path: Path) -> None:
    """The copy that is taken before a migration is as private as the file."""
    path = old_file(tmp_path)
    finished(start("migrate_and_die", path, NEVER))
    assert {"0600"} == {mode(file) for file in tmp_path.iterdir()}
    assert path.with_name("old.db.v1.backup").exists()


def test_a_looser_mode_is_named(tmp_path: Path) -> None:
    """`doctor` fails on a database that others can read, with the command that mends it."""
    path = tmp_path / "chats.db"
    conversation_in(path)
    path.chmod(0o644)
    ran = chatlog_process(tmp_path, "--db", str(path), "doctor")
    assert 1 == ran.returncode
    assert f"\nFAIL permissions: 0644: others may read it: chmod 600 {path}" in ran.stdout


@pytest.mark.parametrize("line", [("list",), ("new", "--title", "y")], ids=" ".join)
def test_a_looser_mode_is_warned_about(tmp_path: Path, line: tuple[str, ...]) -> None:
    """Every use of a database that others can read says so, and goes on."""
    path = tmp_path / "chats.db"
    conversation_in(path)
    path.chmod(0o640)
    ran = chatlog_process(tmp_path, "--db", str(path), *line)
    assert 0 == ran.returncode
    assert "0640" in ran.stderr


@pytest.mark.parametrize("named", ["sqlite://{home}/chats.db", "~/chats.db"])
def test_a_looser_mode_is_warned_about_however_it_is_named(tmp_path: Path, named: str) -> None:
    """A URL and a path in the home folder are looked at, too."""
    path = tmp_path / "chats.db"
    conversation_in(path)
    path.chmod(0o640)
    assert "0640" in chatlog_process(tmp_path, "--db", named.format(home=tmp_path), "list").stderr


@pytest.mark.parametrize(
    "line",
    [
        ("--db", "closed/chats.db", "list"), ("--db", "closed/chats.db", "new"), ("--db", "closed/chats.db", "doctor"),
        ("--db", "closed/chats.db", "db", "path"), ("--db", "closed/chats.db", "import", "chats.db"),
        ("import", "closed/history.json"), ("export", "-o", "closed/out.jsonl"), ("db", "backup", "closed/copy.db"),
        ("db", "restore", "closed/copy.db"), ("stats", "--format", "prometheus", "-o", "closed/out"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_folder_that_may_not_be_entered(tmp_path: Path, line: tuple[str, ...]) -> None:
    """What is in it is neither said to be missing nor taken for a bug."""
    prefix = capable_prefix()
    conversation_in(tmp_path / "chats.db")
    (tmp_path / "closed").mkdir(mode=0o000)
    ran = chatlog_process(tmp_path, *line, prefix=prefix, env={"CHATLOG_DB": "chats.db"})
    assert (3, True) == (ran.returncode, "permission denied" in ran.stderr.lower())


def test_a_backup_in_a_folder_that_may_not_be_entered_still_holds_what_is_erased(tmp_path: Path) -> None:
    """It keeps nobody from erasing, and is not taken for gone."""
    prefix, backup = capable_prefix(), tmp_path / "closed" / "copy.db"
    env = {"CHATLOG_DB": "chats.db"}
    conversation_in(tmp_path / "chats.db")
    backup.parent.mkdir()
    chatlog_process(tmp_path, "add", "@last", "--role", "user", "a heron at dusk", env=env)
    chatlog_process(tmp_path, "db", "backup", str(backup), env=env)
    backup.parent.chmod(0o000)
    ran = chatlog_process(tmp_path, "erase", "@last:1", "--yes", prefix=prefix, env=env)
    assert (0, f"warning: copies of the file still hold it: {backup}\n") == (ran.returncode, ran.stderr)


def test_nothing_is_made_where_nothing_may_be(tmp_path: Path) -> None:
    """In a folder that may not be written, making a database fails with a sentence and leaves nothing."""
    prefix = capable_prefix()
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    ran = chatlog_process(tmp_path, "--db", str(folder / "chats.db"), "new", prefix=prefix)
    assert 3 == ran.returncode
    assert f"error: cannot create {folder / 'chats.db'}: permission denied" == ran.stderr.splitlines()[0]
    assert [] == list(folder.iterdir())
