"""Tests of what a store remembers of files: as it was told, each user's own, until it is to forget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from chatlog.store import Store
from chatlog.store.sources import FileState, SeenFile

from .making import opened

FILE = SeenFile(
    path="/home/ana/.codex/ü.jsonl", state=FileState(3_000_000_000, 1_795_000_000_123_456_789), read_ns=5, reader="1",
    format="codex", sha256=b"\x00\xff", beside={"/x": FileState(1, 2), "/gone": None},
    marks=frozenset({"tag:a", "b"}), stamp=7,
)  # fmt: skip
PLAIN = SeenFile(path="/p", state=FileState(0, 0), read_ns=0, reader="")


def test_files_are_remembered_as_told(store: Store) -> None:
    """Every fact comes back; what is told of a file again takes the place of what was known."""
    store.sources.remember([FILE, PLAIN])
    assert {FILE.path: FILE, "/p": PLAIN} == store.sources.all()
    later = SeenFile(path="/p", state=FileState(1, 1), read_ns=9, reader="2")
    store.sources.remember([later])
    store.sources.remember([])
    assert later == store.sources.all()["/p"]


def test_the_stamp_is_another_after_each_loss(store: Store) -> None:
    """Whatever is deleted or comes back, but not with an export or what another user does."""
    one, other = (store.new().id for _ in range(2))
    stamps = [store.sources.stamp()]
    for change in (lambda: store.delete([one]), lambda: store.delete([other]), lambda: store.restore([one])):
        change()
        stamps.append(store.sources.stamp())
    assert (4, 0) == (len({*stamps}), stamps[0])
    store.record("export", conversations=1)
    store.for_user("ana").record("erase", conversations=1)
    assert stamps[-1] == store.sources.stamp()


def test_what_tells_something_is_forgotten(store: Store) -> None:
    """Whether the file's own name does, that of one beside it, or the report."""
    told = replace(PLAIN, path="/told", report='{"files":[{"path":"/Lisbon.md"}]}')
    tagged, beside = (replace(PLAIN, path=f"/{name}", **facts) for name, facts in (
        ("tagged", {"marks": frozenset({"tag:lisbon"})}), ("beside", {"beside": {"/a/lisbon.zip": None}}),
    ))  # fmt: skip
    store.sources.remember([replace(PLAIN, path="/notes on Lisbon/1"), told, tagged, beside, PLAIN])
    assert 4 == store.sources.forget(lambda known: "lisbon" in known.lower())
    assert ["/p"] == [*store.sources.all()]


def test_each_user_has_files_of_their_own(tmp_path: Path) -> None:
    """What one user's imports read is nothing to another's, and forgetting it neither."""
    with opened(tmp_path / "a.db", "ana") as ana, opened(tmp_path / "a.db", "bob") as bob:
        ana.sources.remember([PLAIN])
        assert {} == bob.sources.all()
        assert (0, 1) == (bob.sources.forget(bool), ana.sources.forget(bool))
        assert {} == ana.sources.all()
