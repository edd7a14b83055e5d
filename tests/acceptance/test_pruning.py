"""Pruning, RELIABILITY.md 5 and 20: killed it leaves nothing by half, twice it does nothing, and others get in."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from random import Random
from signal import SIGKILL

import pytest

import chatlog
from chatlog import ConversationDraft, Filters, MessageDraft, erasure
from chatlog.errors import BusyError
from chatlog.store.forgetting import Cause
from chatlog.timespec import iso
from tests.conftest import Clock

from .helpers import chatlog_process, faults, finished, give_the_word, plain_connection, ready, rounds, start

PATH = "chats.db"
LINES = 90
#: Of an encrypted file.
KEY = "5e" * 32


def many(path: Path, count: int, key: str | None = None) -> list[str]:
    """Make conversations of a hundred lines; return their ids."""
    with chatlog.open(path, key=key) as store:
        return [
            store.new(
                ConversationDraft(title=f"number {number}", created_at="2020-01-01T00:00:00Z"),
                [MessageDraft(role="user", text=f"line {line} of {number} " * 20) for line in range(LINES)],
            ).id
            for number in range(count)
        ]


def killed_after(steps: int, job: str, *arguments: object) -> None:
    """Start a job in a process of its own, and kill it once it has said that so many steps are done."""
    worker = ready(start(job, *arguments))
    give_the_word(worker)
    assert worker.stdout is not None
    for _ in range(steps):
        worker.stdout.readline()
    worker.kill()
    worker.communicate()
    assert worker.returncode in (0, -SIGKILL)


@rounds(6, 50)
def test_killed_removals(tmp_path: Path, rounds: int) -> None:
    """Killed anywhere, a removal leaves a sound file without half a conversation, and the next one ends it."""
    chance = Random(5)
    template = tmp_path / "template.db"
    names = many(template, 24)
    gone, kept = names[::2], names[1::2]
    for number in range(rounds):
        path = tmp_path / f"{number}.db"
        shutil.copy(template, path)
        killed_after(chance.randrange(1, 25), "remove", path, json.dumps(gone))
        assert [] == faults(path)
        with chatlog.open(path) as store:
            assert {*kept} == {one.id for one in store.conversations().items}
            assert (0, 0) == (store.restore(gone), store.conversations(Filters(deleted=True)).total)
            assert store.forgetting.remove([], Cause("prune"), stop=bool).finished
            assert store.forgetting.tidy(bool)
            assert (len(kept), len(kept) * LINES) == tuple(store.info()[key] for key in ("conversations", "messages"))
        assert [] == faults(path)


@pytest.mark.parametrize("key", [None, KEY])
@rounds(3, 50)
def test_killed_erasures(tmp_path: Path, rounds: int, key: str | None) -> None:
    """Killed anywhere, an erasure of a plain or an encrypted file is gone on with, and then proven complete."""
    chance = Random(9)
    template = tmp_path / "template.db"
    names = many(template, 8, key)
    gone, kept = names[::2], names[1::2]
    for number in range(rounds):
        path = tmp_path / f"{number}.db"
        shutil.copy(template, path)
        killed_after(chance.randrange(1, 40), "erase", path, json.dumps(gone), key or "")
        with chatlog.open(path, key=key) as store:
            assert [] == [check for check in store.checks(deep=True) if not check.ok]
            left = [one for one in store.forgetting.every(Filters(any_state=True)) if one.id in gone]
            if left:
                assert erasure.run(store, erasure.plan(store, left, [])).complete
            with erasure.alone(store):
                assert erasure.finish(store, None).complete
            assert ([], []) == (erasure.unfinished(store), store.forgetting.chores())
            assert {*kept} == {one.id for one in store.forgetting.every(Filters(any_state=True))}
            assert [] == [check for check in store.checks(deep=True) if not check.ok]
        if key is None:
            assert b"line 0 of 0 " not in path.read_bytes()


def test_two_at_once(tmp_path: Path) -> None:
    """The second of two prunes says that there is another, does nothing, and exits with 0."""
    path = tmp_path / PATH
    many(path, 2)
    prune = ("prune", "--older-than", "30d", "--everything", "--yes", "--by", "created", "--json", "--db", str(path))
    with chatlog.open(path) as store, store.forgetting.alone() as alone:
        assert alone
        second = chatlog_process(tmp_path, *prune)
        assert 2 == store.conversations().total
    answer = json.loads(second.stdout)
    assert (0, 0, []) == (second.returncode, answer["conversations"], answer["items"])
    assert ["another prune is at work: nothing to do"] == answer["warnings"]
    assert 2 == json.loads(chatlog_process(tmp_path, *prune).stdout)["conversations"]
    third = chatlog_process(tmp_path, *prune)
    assert (0, 0) == (third.returncode, json.loads(third.stdout)["conversations"])
    assert not path.with_name(f"{PATH}-prune").exists()
    with chatlog.open(path) as store, pytest.raises(BusyError), store.forgetting.alone():
        raise BusyError("the disk is full")
    assert not path.with_name(f"{PATH}-prune").exists()


def test_writers_get_in(tmp_path: Path) -> None:
    """While a removal is at work writers go on without an error, and all that they wrote is there."""
    path = tmp_path / PATH
    *gone, kept = many(path, 12)
    workers = [ready(start("append", path, f"w{number}", kept, 40)) for number in range(2)]
    remover = ready(start("remove", path, json.dumps(gone)))
    give_the_word(remover, *workers)
    assert all(len(finished(worker)) >= 40 for worker in workers)
    assert "done" == finished(remover)[-1]
    with chatlog.open(path) as store:
        assert (1, LINES + 160) == (store.conversations().total, store.get(kept).messages)
    assert [] == faults(path)


def test_the_file_stays_small(tmp_path: Path, clock: Clock) -> None:
    """Ten rounds of adding and pruning leave a file that is not much larger than what lives in it."""
    path = tmp_path / PATH
    chance = Random(1)
    with chatlog.open(path, clock=clock, synchronous="NORMAL") as store:
        for number in range(10):
            for _ in range(40):
                words = [" ".join(f"w{chance.randrange(5_000)}" for _ in range(60)) for _ in range(12)]
                store.new(
                    ConversationDraft(created_at=iso(clock.now)),
                    [MessageDraft(role="user", text=text) for text in words],
                )
            clock.now += timedelta(days=1)
            if number:
                old = list(store.forgetting.every(Filters(until=iso(clock.now - timedelta(days=1, hours=1)))))
                assert store.forgetting.remove([one.id for one in old], Cause("prune"), stop=bool).finished
                assert store.forgetting.tidy(bool)
                assert store.forgetting.fold()
        size, used = store.forgetting.size()
        assert 40 == store.conversations().total
        live = path.with_name("copy.db")
        assert size <= store.backup(live) * 1.3
        assert size == path.stat().st_size
        assert used <= size


def test_the_index_is_merged_as_usual_afterwards(tmp_path: Path) -> None:
    """While a large removal is not done, commits merge little of the index; what ends it sets that back."""
    path = tmp_path / PATH
    *gone, _ = many(path, 12)
    with chatlog.open(path) as store:
        store.forgetting.remove(gone, Cause("prune"), stop=bool)
    assert {"automerge": 0, "crisismerge": 300} == merging(path)
    with chatlog.open(path) as store:
        assert store.forgetting.tidy(bool)
    assert {"automerge": 4, "crisismerge": 16} == merging(path)
    assert [] == faults(path)


def merging(path: Path) -> dict[str, int]:
    """Return what the index is told about merging."""
    connection = plain_connection(path)
    try:
        return dict(connection.execute("SELECT k, v FROM words_config WHERE k GLOB '*merge'").fetchall())
    finally:
        connection.close()
