"""`chatlog import --auto` and `--watch`: what is found, what is read again, what is said, and how following ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rich.progress
from sqlcipher3 import dbapi2 as driver

from chatlog import transfer
from chatlog.cli import import_
from chatlog.store.sqlite import connection
from tests.conftest import NOW, Run

from ..test_transfer import encrypted, zipped
from .helpers import everything, process, refused, words

OLD = int(NOW.timestamp()) - 1000
PROMPT = {
    "type": "user", "uuid": "u1", "parentUuid": None, "sessionId": "s1", "timestamp": "2026-11-01T10:00:00.000Z",
    "isSidechain": False, "cwd": "/src/x", "message": {"role": "user", "content": "Why is the sky blue?"},
}  # fmt: skip
ANSWER = {
    **PROMPT, "type": "assistant", "uuid": "u2", "parentUuid": "u1",
    "message": {"id": "m1", "role": "assistant", "model": "opus", "content": [{"type": "text", "text": "Rayleigh."}]},
}  # fmt: skip
CODEX = {
    "timestamp": "2026-11-01T10:00:00.000Z", "type": "session_meta",
    "payload": {"id": "0198c0de-0000-7000-8000-000000000001", "timestamp": "2026-11-01T10:00:00.000Z", "cwd": "/src"},
}  # fmt: skip


def write(path: Path, *lines: object, at: int = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    os.utime(path, (at, at))
    return path


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session of Claude Code with one prompt, in the home of whoever runs chatlog."""
    return write(tmp_path / ".claude" / "projects" / "-src-x" / "s1.jsonl", PROMPT)


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Do something each time the watcher rests; after the last, press Ctrl-C."""

    def rest(*actions: Callable[[], object]) -> None:
        left = [*actions]

        def wait(seconds: float) -> None:
            assert seconds >= import_.WATCH_SECONDS
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr(import_, "_wait", wait)

    return rest


def test_auto_finds_what_is_there_and_brings_it_up_to_date(run: Run, session: Path, tmp_path: Path) -> None:
    """A line for each tool's folder, then one for each file that was read; the second time nothing is."""
    first = run("import", "--auto")
    folder = tmp_path / ".claude" / "projects"
    assert (0, [f"claude_code: {folder}: 1 file, 1 new or changed"]) == (first.code, first.lines[:1])
    assert [f"{session} (claude_code): 1 conversation, 1 message, 1 new"] == first.lines[1:]
    again = run("import", "--auto")
    assert (0, [f"claude_code: {folder}: 1 file, nothing new"]) == (again.code, again.lines)
    quiet = run("import", "--auto", "-q")
    assert (0, "", "") == (quiet.code, quiet.out, quiet.err)  # cron mails every line
    write(session, PROMPT, ANSWER, at=OLD + 1)
    assert "1 conversation, 2 messages, 1 new, 1 unchanged" in run("import", "--auto").out


def test_auto_tells_scripts_the_same(run: Run, session: Path, tmp_path: Path) -> None:
    """JSON holds what was found, beside what every import tells."""
    first, again = run("import", "--auto", "--json").json, run("import", "--auto", "--json").json
    assert words("schema_version dry_run found files total ignored") == set(first)
    place = {"format": "claude_code", "folder": str(tmp_path / ".claude" / "projects"), "files": 1, "unchanged": 0}
    assert [place] == first["found"]
    assert [(str(session), 1)] == [(file["path"], file["new"]) for file in first["files"]]
    assert ([{**place, "unchanged": 1}], []) == (again["found"], again["files"])


def test_auto_is_a_plain_import_of_the_same_files(run: Run, session: Path) -> None:
    """What is in the database afterwards is the same, and a plain import before is remembered."""
    run("import", str(session))
    whole = everything(run)
    again = run("import", "--auto")
    assert "nothing new" in again.out
    assert whole == everything(run)


def test_auto_of_one_tool(run: Run, session: Path, tmp_path: Path) -> None:
    """With --from only that tool's folders are looked for."""
    write(tmp_path / ".codex" / "sessions" / "2026" / "11" / "01" / "rollout-1.jsonl", CODEX)
    found = run("import", "--auto", "--from", "codex", "--json").json["found"]
    assert ["codex"] == [place["format"] for place in found]


def test_auto_can_be_tried_first(run: Run, session: Path, tmp_path: Path) -> None:
    """A dry run says what would come in, makes no database, and does not count as having read it."""
    tried = run("import", "--auto", "--dry-run")
    assert (0, True) == (tried.code, "1 new" in tried.out)
    assert not (tmp_path / "chatlog.db").exists()
    assert "1 new" in run("import", "--auto").out


def test_auto_with_nothing_there(run: Run, tmp_path: Path) -> None:
    """Nothing found is no error; no database is made for it."""
    ran = run("import", "--auto")
    assert (0, "") == (ran.code, ran.out)
    assert "no histories of local agents or tools were found" in ran.err
    assert [] == run("import", "--auto", "--json").json["found"]
    assert not (tmp_path / "chatlog.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--auto", "x.json"), ("--watch",), ("--watch", "-"), ("--auto", "--watch", "--dry-run"), ()],
    ids=" ".join,
)
def test_what_does_not_go_together_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    """A usage error, before anything is read."""
    refused(run("import", *arguments, "--json"), 2, "usage")


def test_what_is_watched_must_be_there(run: Run) -> None:
    """A mistyped path is no folder to wait for."""
    refused(run("import", "--watch", "nowhere", "--json"), 3, "not_found")


def test_watching_follows_what_is_added(run: Run, session: Path, rounds: Callable[..., None]) -> None:
    """A line for each change, none while nothing changes, also for a new file; Ctrl-C ends it like any program."""
    other = session.with_name("s2.jsonl")
    rounds(
        lambda: None,
        lambda: write(session, PROMPT, ANSWER, at=OLD + 1),
        lambda: None,
        lambda: write(other, {**PROMPT, "sessionId": "s2", "uuid": "v1"}),
    )
    ran = run("import", "--auto", "--watch")
    assert (130, "") == (ran.code, ran.err)
    assert [
        f"{session} (claude_code): 1 conversation, 1 message, 1 new",
        f"{session} (claude_code): 1 conversation, 2 messages, 1 new, 1 unchanged",
        f"{other} (claude_code): 1 conversation, 1 message, 1 new",
    ] == ran.lines[1:]
    assert "nothing new" in run("import", "--auto").out


def test_watching_a_folder(run: Run, tmp_path: Path, rounds: Callable[..., None]) -> None:
    """A path may be watched as well, an empty one too; what is broken is said once, not every second."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    broken = folder / "broken.zip"
    rounds(
        lambda: write(folder / "s1.jsonl", PROMPT),
        lambda: (broken.write_bytes(encrypted(zipped({"a.jsonl": b"{}"}))), os.utime(broken, (OLD, OLD))),
        lambda: None,
    )
    ran = run("import", "--watch", "inbox", "--tag", "work")
    assert (130, 1) == (ran.code, ran.out.count("1 new"))
    assert 1 == ran.err.count("broken.zip")
    assert ["work\t1"] == run("tags").lines


def test_watching_outlasts_whoever_keeps_the_database(
    run: Run, session: Path, rounds: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another process writes for longer than anybody waits, that is said once, and what waits comes in later."""
    monkeypatch.setattr(connection.patiently, "__defaults__", (0.0,))
    others = driver.connect("chatlog.db", isolation_level=None)
    rounds(
        lambda: (write(session, PROMPT, ANSWER, at=OLD + 1), others.execute("BEGIN IMMEDIATE")),
        lambda: None,
        lambda: others.execute("ROLLBACK"),
    )
    ran = run("import", "--auto", "--watch")
    assert (130, 1, 1) == (ran.code, ran.err.count("is busy"), ran.out.count("2 messages, 1 new, 1 unchanged"))


def test_watching_ends_where_the_database_is_removed(
    run: Run, session: Path, tmp_path: Path, rounds: Callable[..., None]
) -> None:
    """What comes in later would go into a file that nobody can open any more."""
    rounds(lambda: (write(session, PROMPT, ANSWER, at=OLD + 1), (tmp_path / "chatlog.db").unlink()), lambda: None)
    ran = run("import", "--auto", "--watch")
    assert (3, 0) == (ran.code, ran.out.count("2 messages"))
    assert "error: chatlog.db was removed or replaced while it was in use" in ran.err


@pytest.mark.parametrize("how", [("--from", "claude_code"), ("--undelete",)])
def test_watching_reads_only_what_changes(
    run: Run, session: Path, rounds: Callable[..., None], monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    """Also of a named format, and where what was deleted before may come back; what is broken in it is said once."""
    session.write_text(session.read_text() + "{broken\n" + json.dumps(ANSWER) + "\n")
    os.utime(session, (OLD, OLD))
    read: list[str] = []
    source = transfer.sources
    monkeypatch.setattr(transfer, "sources", lambda file, looked: read.append(file.name) or source(file, looked))
    run("import", str(session), "-q")
    run("delete", "@last")
    rounds(lambda: None, lambda: process("delete", "--source", "claude_code", "--yes"), lambda: None)
    ran = run("import", "--watch", str(session.parent), *how)
    assert (130, 1, ["s1.jsonl", "s1.jsonl"]) == (ran.code, ran.err.count("not valid JSON"), read)
    assert [] == run("list").lines


def test_a_watched_folder_that_is_gone_is_missed_once(run: Run, session: Path, rounds: Callable[..., None]) -> None:
    """Once it is back it is followed again."""
    folder, away = session.parent, session.parent.with_name("away")
    rounds(
        lambda: folder.rename(away),
        lambda: None,
        lambda: None,
        lambda: (away.rename(folder), write(session, PROMPT, ANSWER, at=OLD + 1)),
    )
    ran = run("import", "--watch", str(folder))
    assert (130, 1, 2) == (ran.code, ran.err.count("there is no file or folder"), ran.out.count("1 new"))


def test_watching_for_scripts(run: Run, session: Path, rounds: Callable[..., None]) -> None:
    """JSON Lines hold a file each time it changed."""
    rounds(lambda: write(session, PROMPT, ANSWER, at=OLD + 1))
    ran = run("import", "--auto", "--watch", "--format", "jsonl")
    assert [1, 1] == [json.loads(line)["new"] for line in ran.lines]


def test_a_bar_holds_the_file_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar goes through all that it holds with each file and ten times a second: of many files it is one."""
    bars: list[rich.progress.Progress] = []

    class Watched(rich.progress.Progress):
        def __init__(self, *columns: Any, **options: Any) -> None:
            super().__init__(*columns, **options)
            bars.append(self)

    monkeypatch.setattr(rich.progress, "Progress", Watched)
    with import_._progress(SimpleNamespace(shows_progress=True)) as advance:  # type: ignore[arg-type]
        assert advance is not None
        for number in range(20):
            advance(SimpleNamespace(name=f"/log/{number}.jsonl", size=2), 1)  # type: ignore[arg-type]
        assert [("19.jsonl", 1)] == [(task.description, task.completed) for task in bars[0].tasks]
