"""The pace of long jobs: long pauses while others write, short ones else."""

from __future__ import annotations

from pathlib import Path

import chatlog
from chatlog.store.sqlite.engine import SqliteStore
from chatlog.store.sqlite.pacing import GAP, QUIET_GAP, Pace


def opened(path: Path) -> SqliteStore:
    store = chatlog.open(path)
    assert isinstance(store, SqliteStore)
    return store


def test_a_pause_is_long_while_others_write(tmp_path: Path) -> None:
    """Nobody has to be let in where nobody wrote since the turn before."""
    with opened(tmp_path / "chats.db") as store, opened(tmp_path / "chats.db") as other:
        pace = Pace(store._pool, 1, 1)
        pauses = []
        for writes in (False, False, True, False):
            if writes:
                other.new()
            with pace.turn():
                pass
            pauses.append(pace._pause)
    assert [GAP, QUIET_GAP, GAP, QUIET_GAP] == [pauses[0], pauses[1], min(pauses[2], GAP), pauses[3]]
