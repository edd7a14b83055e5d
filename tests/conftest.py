"""What many tests share: a clock that is told the time, a store, and the command line in this process."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import pytest

import chatlog
from chatlog.cli import run as run_command_line
from chatlog.cli.session import Session
from chatlog.store import Store, open_store

NOW = datetime(2026, 11, 20, 21, 44, tzinfo=UTC)

#: No property fails for its time: the machine may be busy.
hypothesis.settings.register_profile("chatlog", deadline=None)
hypothesis.settings.load_profile("chatlog")


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def tick(self) -> None:
        self.now += timedelta(seconds=1)


class Stdin(io.TextIOWrapper):
    """Standard input with something in it, or a terminal where nobody types."""

    def __init__(self, content: str | bytes | None) -> None:
        super().__init__(io.BytesIO(content.encode() if isinstance(content, str) else content or b""), "utf-8")
        self.is_terminal = content is None

    def isatty(self) -> bool:
        return self.is_terminal


class Call(NamedTuple):
    """What a method was asked."""

    arguments: tuple[Any, ...]
    named: dict[str, Any]


Watch = Callable[..., list[Call]]


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


Run = Callable[..., Ran]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with chatlog.open(tmp_path / "chatlog.db", clock=clock) as opened:
        yield opened


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """What writes down how a method of a class is called from now on."""

    def begin(of: type, name: str) -> list[Call]:
        calls: list[Call] = []
        method = getattr(of, name)

        def watched(self: Any, *arguments: Any, **named: Any) -> Any:
            calls.append(Call(arguments, named))
            return method(self, *arguments, **named)

        monkeypatch.setattr(of, name, watched)
        return calls

    return begin


@pytest.fixture
def run(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `chatlog` in the test's own folder, a second later each time; `stdin=None` is a terminal."""
    clean_environment(tmp_path, monkeypatch)
    monkeypatch.setattr(Session, "now", lambda session: clock())
    monkeypatch.setattr("chatlog.cli.session.open_store", partial(open_store, clock=clock))

    def command_line(*arguments: str, stdin: str | bytes | None = "") -> Ran:
        clock.tick()
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Stdin(stdin))
            code = run_command_line(arguments, Session())
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return command_line


def clean_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the settings of whoever runs the tests; everything happens in `home`."""
    for name in [*os.environ]:
        if name.startswith(("CHATLOG_", "_CHATLOG")) or name in ("NO_COLOR", "FORCE_COLOR", "PAGER", "COLUMNS"):
            monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("CHATLOG_DB", "chatlog.db")
    monkeypatch.chdir(home)
