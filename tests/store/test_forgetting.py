"""Tests of what forgets conversations in a file: which it finds, and where it was stopped on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatlog.errors import NotFoundError
from chatlog.models import ConversationDraft, Filters
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.store.memories import MemoryDraft
from chatlog.store.sources import FileState, SeenFile

from ..conftest import Clock
from .making import of, say


def test_every_conversation_is_found(store: Store) -> None:
    """However many there are: a prune or an erasure of everything leaves none behind."""
    names = [f"c{number}" for number in range(1_001)]
    store.ingest("chatgpt", [draft for name in names for draft in of(name, [])])
    assert names == [one.source_id for one in store.forgetting.every(Filters())]


def test_what_is_due_is_due_once(store: Store, clock: Clock) -> None:
    """Also where its time is over and it is long in the trash."""
    name = store.new(ConversationDraft(expires_at="2026-12-01T00:00:00.000Z")).id
    store.delete([name])
    assert [] == store.forgetting.due("2026-11-01")
    clock.now += timedelta(days=30)
    assert [name] == [one.id for one in store.forgetting.due("2026-12-02")]


def test_the_words_of_a_message_are_its_own(store: Store) -> None:
    """What an erasure looks for afterwards is all that went, and nothing that its neighbours say."""
    name = store.new(messages=[say("one"), say("two"), say("three")]).id
    assert ["two"] == [*store.forgetting.words([], [(name, 2)])]
    assert {"one", "two", "three"} <= {*store.forgetting.words([name], [])}
    store.forgetting.take_out([(name, 2)], Cause("erase"))
    assert [] == [*store.forgetting.words([], [(name, 2)])]


@pytest.fixture
def doomed(store: Store) -> str:
    """Return the id of a conversation whose removal was stopped before it was gone."""
    name = store.new(messages=[say("hello")]).id
    assert not store.forgetting.remove([name], Cause("erase"), stop=lambda: True).finished
    return name


def test_what_is_being_removed_is_not_chosen_again(store: Store, doomed: str) -> None:
    """No plan lists it, whatever state it asks for; by its id it is said to go, and what goes on with it."""
    kept = store.new(messages=[say("hello")]).id
    assert [kept] == [one.id for one in store.forgetting.every(Filters(any_state=True))]
    with pytest.raises(NotFoundError, match="is being removed") as caught:
        store.forgetting.find(doomed)
    assert "chatlog prune --expired" in str(caught.value.hint)


def test_what_is_being_removed_goes_with_the_next_removal(store: Store, doomed: str) -> None:
    """Whatever that one was asked for; it is no news that its time has come."""
    assert [] == store.forgetting.due("9999")
    assert 1 == store.forgetting.remove([], Cause("prune"), stop=bool).conversations
    with pytest.raises(NotFoundError, match="no conversation"):
        store.forgetting.find(doomed)


def test_one_users_forgetting_is_nobody_elses(store: Store) -> None:
    """Policies, memories and what is known of files go from one user alone; the trail says what went."""
    both = store, store.for_user("bob")
    for each in both:
        each.memories.set(MemoryDraft("editor", "vim"))
        each.sources.remember([SeenFile(path="/a", state=FileState(1, 1), read_ns=1, reader="1")])
        for name in ("old", "new"):
            each.forgetting.add_policy(name, {"older_than": "1y"})

    def kept() -> list[tuple[list[str], list[str], list[str]]]:
        return [
            (
                [policy.name for policy in each.forgetting.policies()],
                [memory.key for memory in each.memories.all()],
                [*each.sources.all()],
            )
            for each in both
        ]

    store.forgetting.remove_policy("old")
    assert [(["new"], ["editor"], ["/a"]), (["new", "old"], ["editor"], ["/a"])] == kept()
    store.forgetting.forget_user(Cause("erase"))
    assert [([], [], []), (["new", "old"], ["editor"], ["/a"])] == kept()
    expected = ["erase", "policy remove", "policy add", "policy add"]
    assert expected == [line.action for line in store.forgetting.audit(9)]


def test_each_user_is_one_of_all(store: Store) -> None:
    """Whatever is done for everybody is done once for each, in the order of their names."""
    for user in ("bob", "local", "ana", "bob"):
        store.for_user(user).new()
    assert ["ana", "bob", "local"] == store.forgetting.users()
