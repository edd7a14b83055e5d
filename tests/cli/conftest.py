"""The small history that most tests of the command line start with."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

import chatlog
from chatlog import ConversationDraft, MessageDraft
from tests.conftest import NOW, Run

from .helpers import DATABASE, LISBON, fixed_ids


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two conversations, `DATABASE` and the later `LISBON`."""
    path = tmp_path_factory.mktemp("written") / "chatlog.db"
    hour = iter(range(-9, 0))
    with (
        pytest.MonkeyPatch.context() as patch,
        chatlog.open(path, clock=lambda: NOW + timedelta(hours=next(hour))) as store,
    ):
        fixed_ids(patch, DATABASE, LISBON)
        store.new(
            ConversationDraft(title="Which database?", tags=("work",)),
            [MessageDraft(role="user", text="Is SQLite enough for the backlog?")],
        )
        store.new(
            ConversationDraft(title="Trip to Lisbon", tags=("travel",), model="gpt-5"),
            [MessageDraft(role="user", text="Where shall we eat in Lisbon?")],
        )
        answer = MessageDraft(role="assistant", model="gpt-5", text="Try the sardines at the market.")
        store.add(LISBON, [answer])
    return path


@pytest.fixture
def trip(run: Run, written: Path, tmp_path: Path) -> Run:
    """The command line, with the two conversations in its database."""
    shutil.copy(written, tmp_path / "chatlog.db")
    return run
