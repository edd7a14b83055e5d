"""Long texts and long questions, RELIABILITY.md 31: the work they make is bounded."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import results as search
from chatlog.models import ConversationDraft, MessageDraft
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.sqlite import connection
from chatlog.store.sqlite.words import SqliteWords

from .helpers import PATIENCE, environment
from .test_terminal import command, on_a_terminal, outputs

MEGABYTE = 1_000_000


class Looked:
    """Counts how much text is looked through for what to show, and how often something is found in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chars = 0
        self.found = 0
        bounded = search._bounded

        def counted(pattern: str, text: str, *more: Any) -> Iterator[tuple[int, int]]:
            self.chars += len(text)
            for span in bounded(pattern, text, *more):
                self.found += 1
                yield span

        monkeypatch.setattr(search, "_bounded", counted)


@pytest.mark.parametrize("text", ["rain " * (MEGABYTE // 5), "rain" * (MEGABYTE // 4)], ids=["words", "one word"])
def test_a_search_that_hits_a_megabyte(store: Store, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A hit in a megabyte of one word is shown by a short piece, found by looking at a bounded part of it."""
    store.new(ConversationDraft(title="long"), [MessageDraft(role="user", text=text)])
    looked = Looked(monkeypatch)
    found = search_messages(store, "rain*").items
    assert 1 == len(found)
    assert len(found[0].snippet.text) <= search.SNIPPET_CHARS + 2
    assert looked.chars <= 2 * search.SNIPPET_SCAN
    assert looked.found <= 400


def test_a_long_question(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of text as a question asks the store a bounded number of times, whatever is known of its words."""
    words = [f"word{number}" for number in range(300)]
    for start in range(0, 300, 20):
        store.new(ConversationDraft(), [MessageDraft(role="user", text=" ".join(words[start : start + 25]))])
    asked: list[int] = []
    bodies = SqliteWords._bodies
    monkeypatch.setattr(SqliteWords, "_bodies", lambda *a: asked.append(1) or bodies(*a))
    for mode, most in (("lexical", 250), ("hybrid", 250)):
        asked.clear()
        assert "relaxed" == search_messages(store, " ".join(words), options=SearchOptions(mode=mode)).tier
        assert len(asked) <= most


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of statements, their values filled in, that connections opened from now on run."""
    found: list[str] = []
    connect = connection._driver_connect

    def traced(path: Path, *key: Any) -> Any:
        opened: Any = connect(path, *key)
        opened.set_trace_callback(found.append)
        return opened

    monkeypatch.setattr(connection, "_driver_connect", traced)
    return found


def test_sqlite_is_not_asked_for_snippets(tmp_path: Path, statements: list[str]) -> None:
    """The functions of FTS5 that take quadratic time, or that tell of other users, are not used."""
    with chatlog.open(tmp_path / "chats.db") as store:
        store.new(ConversationDraft(), [MessageDraft(role="user", text="rain and wind")])
        assert 1 == len(search_messages(store, "rain").items)
    assert [] == [sql for sql in statements if any(name in sql for name in ("snippet(", "highlight(", "bm25("))]
    assert [] != [sql for sql in statements if "MATCH" in sql]


@pytest.mark.parametrize("question", ["東" * 10_000, "<a>" * 3_000, "a-" * 5_000, '"' + "a " * 5_000 + '"'])
def test_a_long_run_asks_for_a_short_phrase(tmp_path: Path, statements: list[str], question: str) -> None:
    """A question without blanks does not become a phrase of thousands of words, each of them at every place."""
    with chatlog.open(tmp_path / "chats.db") as store:
        store.new(ConversationDraft(), [MessageDraft(role="user", text="a 東東東")])
        search_messages(store, question)
    asked = [sql for sql in statements if "MATCH" in sql]
    assert 0 < len(asked)
    assert max(map(len, asked)) < 5_000


LONG = {
    "one word": "a" * MEGABYTE,
    "one word with an accent": "é " + "a" * MEGABYTE,
    "half a tag": "<" + "a" * MEGABYTE,
    "a long tag": "<" + "a" * 20_000 + ">" + "b" * MEGABYTE,
    "many tags": "<a>" * (MEGABYTE // 3),
    "open brackets": "[" * MEGABYTE,
    "camels": "aB" * (MEGABYTE // 2),
    "capitals": "A" * MEGABYTE,
    "a run of Han": "東" * (MEGABYTE // 3),
    "blanks": " " * MEGABYTE + "x",
    "quotes": '"' * MEGABYTE,
    "one long fence": "```python\n" + "x" * MEGABYTE + "\n```",
    "backticks": "`" * MEGABYTE,
    "escapes": "\x1b[31m" * (MEGABYTE // 5),
    "lines": "\n" * MEGABYTE,
}
#: A program that is killed by the system after so many seconds of work of its own, whatever else the machine does.
SECONDS_OF_WORK = 10
ADD = ["add", "--new", "--role", "user", "-"]


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_OF_WORK, SECONDS_OF_WORK))


def limited_process(folder: Path, command: Sequence[str], stdin: Any = subprocess.DEVNULL) -> bytes:
    """Return what a command prints that must not work for long."""
    done = subprocess.run(
        command,
        env=environment(folder),
        cwd=folder,
        preexec_fn=limited,
        stdin=stdin,
        stdout=subprocess.PIPE,
        check=False,
    )
    assert 0 == done.returncode
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux counts it")
@pytest.mark.parametrize("verb", ["add", "import"])
def test_a_hundred_megabytes(tmp_path: Path, verb: str) -> None:
    """32: one message of 100 MB is stored, also with its meaning, in little more memory than a few times itself."""
    text = "lorem ipsum dolor " * 5_600_000
    line = json.dumps({"type": "message", "conversation": "c", "role": "user", "text": text})
    (tmp_path / "one.jsonl").write_text(line + "\n")
    (tmp_path / "one.txt").write_text(text)
    command = {"add": ["add", "--new", "--role", "user", "-"], "import": ["import", "-"]}[verb]
    with (tmp_path / ("one.txt" if verb == "add" else "one.jsonl")).open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "--db", "c.db", *command],
            cwd=tmp_path, env=environment(tmp_path), stdin=stdin, capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    assert int(done.stderr.split()[-1]) < 5 * len(text) // 1024


#: Runs the command line and says on stderr how much memory it took, in kB.
MEASURED = """
import sys
from chatlog.cli import run
from chatlog.cli.session import Session
code = run(sys.argv[1:], Session())
memory = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(memory.split()[1], file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("name", LONG)
def test_a_megabyte_without_blanks(tmp_path: Path, name: str) -> None:
    """A megabyte of anything is added, listed, shown and searched without hanging, and comes out whole."""
    source = tmp_path / "text"
    source.write_text(LONG[name])
    lines = [["list"], ["show", "@last"], ["search", "a*"], ["search", LONG[name][:100]]]
    with source.open(newline="") as text:
        limited_process(tmp_path, [sys.executable, "-m", "chatlog", "--db", "chats.db", *ADD], text)
    shown = outputs(limited_process(tmp_path, command(tmp_path, lines)), lines)[1]
    character = "m" if name == "escapes" else LONG[name][500]
    assert shown.count(character) >= LONG[name].count(character)


def test_a_megabyte_on_a_terminal(tmp_path: Path) -> None:
    """On a terminal a megabyte without blanks is printed once, as it is, and a long title is cut."""
    with chatlog.open(tmp_path / "chats.db") as store:
        store.new(ConversationDraft(title="b" * MEGABYTE), [MessageDraft(role="user", text="a" * MEGABYTE)])
    printed = on_a_terminal(tmp_path, [["list"], ["show", "@last", "-n", "1"], ["search", "a*"]])
    assert 0 < printed[0].count("b") < 250
    assert MEGABYTE <= printed[1].count("a") < MEGABYTE + 500
    assert printed[2].count("a") < 500
