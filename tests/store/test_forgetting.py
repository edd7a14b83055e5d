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
from chatlog.store.summaries import SummaryDraft

from ..conftest import Clock
from .making import of, say, talk


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


def test_a_removal_is_of_one_users_conversation(store: Store) -> None:
    """Another's of the same id is as it was, comes in again, and is not gone on with where it is going itself."""
    bob = store.for_user("bob")
    draft, said = ConversationDraft(source_id="c"), say("hello", source_id="m")
    for each in (bob, store):
        each.ingest("chatgpt", [draft, said])
    (kept,), (gone,) = bob.conversations().items, store.conversations().items
    other = bob.new(ConversationDraft(id=gone.id), [say("hello")])
    before = bob.get(kept.id), bob.get(other.id)
    store.ingest("chatgpt", [ConversationDraft(source_id="d")])
    assert (1, 1) == store.forgetting.remove([gone.id], Cause("erase"), stop=bool)[:2]
    assert before == (bob.get(kept.id), bob.get(other.id))
    tombs = [
        [extra.values["source_id"] for extra in each.extras() if extra.kind == "tombstone"] for each in (bob, store)
    ]
    assert [[], ["c"]] == tombs
    assert not bob.forgetting.remove([kept.id], Cause("erase"), stop=lambda: True).finished
    assert 0 == store.forgetting.remove([], Cause("erase"), stop=bool).conversations


def test_what_is_brought_back_meanwhile_stays(store: Store) -> None:
    """An import that takes it out of the removal is not undone by what is still to be removed."""
    records = {name: [ConversationDraft(source_id=name), say(name, source_id=f"m-{name}")] for name in ("a", "b")}
    for record in records.values():
        store.ingest("chatgpt", record)
    ids = [one.id for one in store.conversations(sort="created:asc").items]
    rescue = iter([lambda: store.ingest("chatgpt", records["a"], undelete=True)])

    def stop() -> bool:
        for back in rescue:
            back()
        return False

    assert 1 == store.forgetting.remove(ids, Cause("erase"), stop=stop).conversations
    (found,) = store.conversations().items
    assert (ids[0], ["a"]) == (found.id, [message.text for message in store.messages(found.id)])


def test_what_is_taken_out_is_of_one_conversation(store: Store) -> None:
    """Others of the same source, with messages of the same numbers and summaries, are as they were."""
    for name in ("a", "b"):
        store.ingest("chatgpt", [ConversationDraft(source_id=name), *talk("x", "y", "z")])
    ids = [one.id for one in store.conversations(sort="created:asc").items]
    for name in ids:
        first = SummaryDraft("rolling", 1, 1, "x", 1, "test", None, [store.message(name, 1)])
        (before,) = store.summaries.add(name, [first])
        turns = [store.message(name, 2)]
        store.summaries.add(name, [SummaryDraft("rolling", 1, 2, "xy", 1, "test", before.id, turns)])
    before, others = store.get(ids[1]), store.summaries.all(ids[1])
    assert (0, 1) == store.forgetting.take_out([(ids[0], 2)], Cause("erase"))[:2]
    assert (before, others) == (store.get(ids[1]), store.summaries.all(ids[1]))
    assert [("x", False)] == [(one.text, one.superseded) for one in store.summaries.all(ids[0])]
    tombs = [extra.values for extra in store.extras() if extra.kind == "tombstone"]
    assert [("a", "m2")] == [(values["source_id"], values["message_id"]) for values in tombs]


def test_a_removal_goes_on_where_it_was_stopped(store: Store) -> None:
    """The last message goes first, each with its bytes, which are those that were told before."""
    name = store.new(messages=[say("one"), say("two words"), say("three")]).id
    size = store.forgetting.sizes([name])[name]
    stops = iter([False, True])
    first = store.forgetting.remove([name], Cause("erase"), stop=lambda: next(stops))
    rest = store.forgetting.remove([], Cause("erase"), stop=bool)
    assert [(0, 1, len("three"), False), (1, 2, size - len("three"), True)] == [first[:4], rest[:4]]


def test_who_shares_is_another_that_stays(store: Store) -> None:
    """Neither another user's fork of a conversation of the same id, nor one that is being removed itself."""
    bob = store.for_user("bob")
    name = bob.new(messages=[say("hello")]).id
    bob.fork(name)
    store.new(ConversationDraft(id=name), [say("hello"), say("there")])
    forks = [store.fork(name).id for _ in range(2)]
    assert {(fork, seq) for fork in forks for seq in (1, 2)} == {*store.forgetting.sharing([name], [])}
    store.forgetting.remove(forks[:1], Cause("erase"), stop=lambda: True)
    assert {(forks[1], 1), (forks[1], 2)} == {*store.forgetting.sharing([name], [])}
    assert [(forks[1], 2)] == store.forgetting.sharing([], [(name, 2)])


def test_what_is_said_in_a_conversation_and_nowhere_else(store: Store) -> None:
    """Its title, state, summaries, the tags that only it has, and its messages; but for what a fork has."""
    name = store.new(ConversationDraft(title="of it", tags=("own", "shared")), [say(str(n)) for n in range(250)]).id
    other = store.new(ConversationDraft(tags=("shared", "other")), [say("else")]).id
    store.for_user("bob").new(ConversationDraft(tags=("own",)))
    store.change(name, {"state": {"step": 1}})
    for each, text in ((name, "summed"), (other, "otherwise")):
        store.summaries.add(each, [SummaryDraft("rolling", 1, 1, text, 1, "test", None, [store.message(each, 1)])])
    around = ["of it", '{"step":1}', "summed"]
    assert [*around[:2], "own", "summed", *map(str, range(250))] == [*store.forgetting.words([name], [])]
    store.fork(name, 240)
    assert [*around, *map(str, range(240, 250))] == [*store.forgetting.words([name], [], shared=False)]
    assert [*around, *map(str, range(250))] == [*store.forgetting.words([name], [])]


@pytest.mark.parametrize(("given", "title"), [(None, "second"), ("mine", "mine")])
def test_what_a_message_leaves_behind(store: Store, given: str | None, title: str) -> None:
    """A title that was made of it is made of the next one, and where it was the head another is."""
    name = store.new(ConversationDraft(title=given), [say("first"), say("second")]).id
    store.ingest("chatgpt", [ConversationDraft(source_id="c"), *(say(text, source_id=text) for text in "xyz")])
    other = store.conversations(Filters(source="chatgpt")).items[0]
    assert ["z"] == [message.text for message in store.messages(other.id)]
    store.forgetting.take_out([(name, 1), (other.id, 3)], Cause("erase"))
    assert (title, 1, 2) == ((found := store.get(name)).title, found.messages, found.head)
    assert ([("y", 2)], 2) == ([(each.text, each.seq) for each in store.messages(other.id)], store.get(other.id).head)


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
