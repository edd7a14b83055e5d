"""What the acceptance tests share: processes that are started and killed, and proofs that a file is sound."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as driver

import chatlog
from chatlog.models import ConversationDraft

SOURCES = Path(chatlog.__file__).parents[1]
DATA = Path(__file__).parents[1] / "data"
WORKERS = Path(__file__).with_name("workers.py")
#: A process that hangs fails its test instead of hanging the run.
PATIENCE = 240


def rounds(few: int, many: int) -> pytest.MarkDecorator:
    """Run a test `few` times over, and with ``-m slow`` as often as RELIABILITY.md asks."""
    return pytest.mark.parametrize("rounds", [few, pytest.param(many, marks=pytest.mark.slow)])


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without anybody's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    homes = {name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    return {**kept, **homes, "PYTHONPATH": str(SOURCES), "PYTHONUTF8": "1", **more}


def chatlog_process(
    home: Path, *arguments: str | bytes, prefix: Sequence[str] = (), env: Mapping[str, str] | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run `chatlog` as a process of its own in a folder, below another command where one is given."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "chatlog", *arguments],
        cwd=home, env=environment(home, **(env or {})), capture_output=True, encoding="utf-8",
        stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False, **more,
    )  # fmt: skip


def start(worker: str, *arguments: object, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start one of the workers."""
    command = [*prefix, sys.executable, str(WORKERS), worker, *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment(Path("/nonexistent")), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )


def ready(worker: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Return the worker once it waits for the word."""
    assert worker.stdout is not None
    assert "ready\n" == worker.stdout.readline()
    return worker


def give_the_word(*workers: subprocess.Popen[str]) -> None:
    """Let workers go."""
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()


def finished(worker: subprocess.Popen[str]) -> list[str]:
    """Return what a worker said until its good end; those that go on until told to stop are told."""
    said = worker.communicate(timeout=PATIENCE)[0].splitlines()
    assert 0 == worker.returncode
    return said


def conversation_in(path: Path, user: str = "local") -> str:
    """Return the id of a new conversation in a file, which is made where there is none."""
    with chatlog.open(path, user=user) as store:
        return store.new(ConversationDraft(title="Weather")).id


def faults(path: Path) -> list[str]:
    """Return what is wrong with a file: pages, foreign keys, word index, orphans, counters, modes, hashes."""
    with chatlog.open(path, create=False) as store:
        checks = list(store.checks(deep=True))
    assert "integrity" == checks[0].name
    return [f"{check.name}: {check.detail}" for check in checks if not check.ok]


def stored(path: Path, conversation: str, author: str | None = None) -> list[tuple[int, str]]:
    """Return (seq, text) of a conversation's messages in order, all or one author's."""
    with chatlog.open(path, create=False) as store:
        found = list(store.messages(conversation, all_branches=True))
    return [(message.seq, message.text) for message in found if author in (None, message.author)]


def question_numbers(path: Path, conversation: str, author: str) -> list[int]:
    """Return the numbers of an author's pairs in their order; a half one fails."""
    texts = [text for _, text in stored(path, conversation, author)]
    questions = [int(text.split()[1]) for text in texts if text.startswith("question")]
    answers = [int(text.split()[1]) for text in texts if text.startswith("answer")]
    assert questions == answers
    return questions


def plain_connection(path: Path) -> Any:
    """Return a connection without any of chatlog's settings, to look at a file and to damage it."""
    return driver.connect(str(path), isolation_level=None, timeout=0, check_same_thread=False)


def execute(path: Path, *statements: str) -> None:
    """Do to a file what chatlog would not."""
    with closing(plain_connection(path)) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def locked(path: Path, *, wholly: bool = False) -> Iterator[None]:
    """Write to a file meanwhile as another process would, or keep it for that one alone."""
    with closing(plain_connection(path)) as other:
        if wholly:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE conversations SET pinned = 1")
        yield
        other.execute("ROLLBACK")


def capable_prefix() -> list[str]:
    """Return what to run a process below so that permission bits bind it, or skip the test."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("permission bits do not bind root, and there is no setpriv to give up that right")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner"]
