"""A small history, and what the tests of the command line compare with."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import chatlog
from chatlog.models import new_id
from tests.conftest import Ran, Run

SOURCES = Path(chatlog.__file__).parents[1]


def words(text: str) -> set[str]:
    return {*text.split()}


# CLI.md section 3: keys that must be there
CONVERSATION = words(
    """id user title source source_id parent forked_at model project created_at updated_at pinned archived deleted_at
    expires_at tags messages tokens head revision state metadata"""
)
MESSAGE = words(
    """ref conversation seq source_id parent role author text parts model created_at tokens sha256 importance hidden
    metadata"""
)
RESULT = words("ref conversation seq source_id role title created_at snippet score matched before after")
ENVELOPE = {"schema_version", "items", "total", "next_cursor", "warnings"}
ERROR = {"kind", "message", "hint", "retryable"}

LISBON, DATABASE = f"lisb{'n' * 22}", f"data{'b' * 22}"


def fixed_ids(monkeypatch: pytest.MonkeyPatch, *first: str) -> None:
    """Give the next conversations these ids, those after them some that count up."""
    assert len(new_id()) == 26
    later = (f"conv{'abcdefghijklmnopqrstuvwxyz'[number]:a>22}" for number in range(26))
    ids = itertools.chain(first, later)
    monkeypatch.setattr("chatlog.store.sqlite.conversations.new_id", lambda: next(ids))


def everything(run: Run) -> str:
    """Return all that is stored."""
    return run("export", "--to", "jsonl").out


def process(
    *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `chatlog` as a process of its own, in the current folder."""
    return subprocess.run(
        [sys.executable, "-m", "chatlog", *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **(env or {})},
        timeout=60,
        check=False,
    )


def refused(ran: Ran, code: int, kind: str) -> None:
    """Check that a call with --json failed as a script expects: its code, JSON on stderr, nothing on stdout."""
    assert (code, "", kind) == (ran.code, ran.out, ran.error["kind"])
    assert ERROR == set(ran.error)


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 100) -> None:
    """Make stdout and stderr look like a terminal of a certain width."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("COLORTERM", raising=False)
