"""Memories: set, read, listed, forgotten, and gone when their time is over."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chatlog.errors import NotFoundError, UsageError
from chatlog.models import Extra
from chatlog.store import Store, open_store
from chatlog.store.memories import NEVER, MemoryDraft
from tests.conftest import Clock


def test_a_value_is_what_was_set(store: Store) -> None:
    """Any JSON value comes back as it went in, with its tags and times."""
    for number, value in enumerate(["text", 42, 1.5, None, True, [1, {"a": None}], {"k": "ü\u0000"}]):
        set_ = store.memories.set(MemoryDraft(f"key{number}", value, tags=("a", "b", "a")))
        assert (value, ("a", "b"), None) == (set_.value, set_.tags, set_.expires_at)
        assert set_ == store.memories.get(f"key{number}")


def test_the_same_key_is_updated(store: Store, clock: Clock) -> None:
    """A new value takes the place of the old one; created stays, tags stay unless they are given."""
    first = store.memories.set(MemoryDraft("editor", "vi", tags=("tool",)))
    clock.tick()
    second = store.memories.set(MemoryDraft("editor", "helix"))
    assert ("helix", ("tool",), first.created_at) == (second.value, second.tags, second.created_at)
    assert first.updated_at < second.updated_at
    assert () == store.memories.set(MemoryDraft("editor", "helix", tags=())).tags
    assert 1 == len(list(store.memories.all()))


def test_an_equal_memory_writes_nothing(store: Store, clock: Clock) -> None:
    """Setting the same again is no change: the time of the update stays."""
    first = store.memories.set(MemoryDraft("editor", {"b": 1, "a": 2}, tags=("tool",)))
    clock.tick()
    assert first == store.memories.set(MemoryDraft("editor", {"b": 1, "a": 2}))


def test_an_expired_memory_is_not_exported(store: Store, clock: Clock) -> None:
    """An export holds the memories that are there."""
    store.memories.set(MemoryDraft("short", 1, expires_at="2026-11-20T22:00:00Z"))
    store.memories.set(MemoryDraft("long", 1))
    assert ["long", "short"] == [extra.values["key"] for extra in store.extras()]
    clock.now += timedelta(hours=1)
    assert ["long"] == [extra.values["key"] for extra in store.extras()]


def test_an_import_takes_the_place_of_an_expired_memory(store: Store, clock: Clock) -> None:
    """One that is there stays, whatever comes; where one has expired, there is none."""
    store.memories.set(MemoryDraft("code", 1, expires_at="2026-11-20T22:00:00Z"))
    came, ended = (Extra("memory", {"key": "code", "value": 2, **end}) for end in ({}, {"expires_at": "2026-01-01"}))
    assert (False, 1) == (store.ingest_extra(came), store.memories.get("code").value)
    clock.now += timedelta(hours=1)
    assert (False, True, False) == tuple(map(store.ingest_extra, (ended, came, came)))
    assert 2 == store.memories.get("code").value


def test_an_expired_memory_is_not_there(store: Store, clock: Clock) -> None:
    """It is invisible at once, and its key is free for another, which is new."""
    store.memories.set(MemoryDraft("code", 1234, expires_at="2026-11-20T22:00:00Z", tags=("old",)))
    assert 1 == len(list(store.memories.all()))
    clock.now += timedelta(hours=1)
    with pytest.raises(NotFoundError, match="there is no memory 'code'"):
        store.memories.get("code")
    assert [] == list(store.memories.all())
    assert 0 == store.memories.delete([("", "code")])
    again = store.memories.set(MemoryDraft("code", 5))
    assert ((), None, again.updated_at) == (again.tags, again.expires_at, again.created_at)


def test_a_time_stays_until_it_is_lifted(store: Store) -> None:
    """An update without a time keeps the one there is."""
    when = "2027-01-01T00:00:00.000Z"
    store.memories.set(MemoryDraft("code", 1, expires_at=when))
    assert when == store.memories.set(MemoryDraft("code", 2)).expires_at
    assert None is store.memories.set(MemoryDraft("code", 2, expires_at=NEVER)).expires_at


def test_namespaces_and_tags_choose(store: Store) -> None:
    """The same key may stand in two namespaces; lists are by namespace and key."""
    for namespace, key, tags in (("b", "x", ("t",)), ("a", "y", ("t", "u")), ("a", "x", ()), ("", "x", ())):
        store.memories.set(MemoryDraft(key, namespace, namespace, tags))
    places = [(memory.namespace, memory.key) for memory in store.memories.all()]
    assert [("", "x"), ("a", "x"), ("a", "y"), ("b", "x")] == places
    assert ["x", "y"] == [memory.key for memory in store.memories.all("a")]
    assert ["y", "x"] == [memory.key for memory in store.memories.all(tags=["t"])]
    assert ["y"] == [memory.key for memory in store.memories.all(tags=["t", "u"])]
    assert 2 == store.memories.delete([("a", "x"), ("b", "x"), ("b", "nothing")])
    assert 2 == len(list(store.memories.all()))


def test_many_are_listed_in_pages(store: Store) -> None:
    """No memory is missed or repeated where a page ends."""
    for number in range(1_001):
        store.memories.set(MemoryDraft(f"k{number:04}", number))
    assert list(range(1_001)) == [memory.value for memory in store.memories.all()]


def test_two_users_share_nothing(tmp_path: Path, clock: Clock) -> None:
    """The same key is another's memory for another user."""
    path = tmp_path / "a.db"
    with open_store(path, "ann", clock=clock, create=True) as ann, open_store(path, "bob", clock=clock) as bob:
        ann.memories.set(MemoryDraft("pet", "cat"))
        with pytest.raises(NotFoundError):
            bob.memories.get("pet")
        bob.memories.set(MemoryDraft("pet", "dog"))
        assert 1 == bob.memories.delete([("", "pet")])
        assert "cat" == ann.memories.get("pet").value


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "\x1b[31m", "k" * 501])
def test_what_is_no_key_is_refused(store: Store, key: str) -> None:
    """A key is up to 500 printable characters."""
    with pytest.raises(UsageError, match="is not a key"):
        store.memories.set(MemoryDraft(key, 1))


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object(), "\ud800"])
def test_what_is_no_json_is_refused(store: Store, value: object) -> None:
    """The error is a sentence, and nothing is written."""
    with pytest.raises(UsageError):
        store.memories.set(MemoryDraft("k", value))
    assert [] == list(store.memories.all())
