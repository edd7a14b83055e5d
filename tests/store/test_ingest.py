"""Tests of import into the store: what is new is appended, what changed replaced, what is here left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatlog import intake, redacting
from chatlog.errors import UsageError
from chatlog.models import ConversationDraft, Extra, Ingested, MessageDraft, joined_text, text_parts
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.store.sqlite import slices
from chatlog.store.sqlite.identity import completed, is_beginning

from ..conftest import Clock
from .making import (
    ID,
    assert_sound,
    exported,
    fresh,
    imported,
    jsonl,
    of,
    only,
    opened,
    raw,
    say,
    shown,
    talk,
    tree,
    unwritten,
)

Records = Sequence[ConversationDraft | MessageDraft]


def take(store: Store, records: Records, source: str = "chatgpt", **how: Any) -> Ingested:
    return store.ingest(source, records, **how)


def counts(result: Ingested) -> tuple[int, int, int, int]:
    return result.new, result.updated, result.unchanged, result.skipped


def branched(*parents: int | None, conversation: str = "c", **header: Any) -> list[ConversationDraft | MessageDraft]:
    """Return a source's tree: message n is called m1 … and follows the one of that number."""
    messages = [
        say(str(number), source_id=f"m{number}", parent=None if parent is None else f"m{parent}")
        for number, parent in enumerate(parents, 1)
    ]
    return of(conversation, messages, **header)


# what is new, changed, or here already


def test_a_source_comes_in(store: Store) -> None:
    """Conversation and messages keep what the source says of them, and are counted as new."""
    header: dict[str, Any] = {
        "title": "Trip", "model": "gpt-5", "project": "/work", "tags": ("work",), "metadata": {"a": 1},
        "created_at": "2026-01-31T10:00:00.000Z", "updated_at": "2026-02-01T10:00:00.000Z", "archived": True,
    }  # fmt: skip
    result = take(store, of("c", talk("hello", "hi"), **header))
    found = store.get(only(store))
    assert (2, 0, 0, 0) == counts(result)
    assert (found.id,) == result.ids
    assert ("chatgpt", "c", "Trip", "gpt-5", "/work", ("work",), {"a": 1}, True) == (
        found.source, found.source_id, found.title, found.model, found.project, found.tags, found.metadata,
        found.archived,
    )  # fmt: skip
    assert ("2026-01-31T10:00:00.000Z", "2026-02-01T10:00:00.000Z") == (found.created_at, found.updated_at)
    assert [(1, None, "hello"), (2, 1, "hi")] == tree(store)
    assert_sound(store)


def test_metadata_is_completed_by_what_comes_later(store: Store) -> None:
    """A newer header wins, one of the same time adds and counts up, an older one only adds; then all rest."""
    early, late = "2026-02-01T10:00:00.000Z", "2026-02-02T10:00:00.000Z"
    told = [
        of("c", talk("a"), updated_at=early, metadata={"cli": "1", "usage": {"in": 3}}),
        of("c", talk("a", "b"), updated_at=late, metadata={"cli": "2", "usage": {"in": 9}}),
        of("c", [], updated_at=late, metadata={"cli": "3", "usage": {"in": 12, "out": 1}, "cost": True}),
        of("c", [], updated_at=early, metadata={"cli": "0", "cost": False, "git": "main", "rate": float("nan")}),
    ]
    for records in told:
        take(store, records)
    found = dict(store.get(only(store)).metadata)
    assert (True, "main") == (str(found.pop("rate")) == "nan", found["git"])
    assert {"cli": "2", "usage": {"in": 12, "out": 1}, "cost": True, "git": "main"} == found
    with unwritten(store):
        for records in told:
            take(store, records)


def test_two_accounts_of_a_conversation_do_not_quarrel_over_its_head(store: Store) -> None:
    """Each names the last of its own messages: the later one stays, however often both are imported again."""
    earlier = of("c", talk("a", "b"), updated_at="2026-02-01T10:00:00.000Z", head="m1")
    later = of("c", talk("c", "d", prefix="n"), updated_at="2026-02-02T10:00:00.000Z", head="n2")
    take(store, earlier)
    take(store, later)
    with unwritten(store):
        take(store, earlier)
        take(store, later)
    assert "d" == store.message(only(store), store.get(only(store)).head or 0).text


def test_the_same_again_writes_nothing(store: Store) -> None:
    """A second import of the same history is told apart by nothing and changes no byte."""
    records = of("c", talk("hello", "hi", "bye"), title="Trip", updated_at="2026-02-01T10:00:00.000Z", head="m2")
    take(store, records)
    with unwritten(store):
        assert (0, 0, 3, 0) == counts(take(store, records))
        assert (0, 0, 3, 0) == counts(take(store, records))


def test_a_longer_history_appends_only_what_is_new(store: Store) -> None:
    """Stored messages stay untouched, the new ones follow them, and the conversation's row is brought up to date."""
    take(store, of("c", talk("hello", "hi")))
    before = list(store.messages(only(store)))
    result = take(store, of("c", talk("hello", "hi", "more"), updated_at="2027-01-01T00:00:00.000Z"))
    found = store.get(only(store))
    assert (1, 0, 2, 0) == counts(result)
    assert before == list(store.messages(found.id))[:2]
    assert (3, 3, "2027-01-01T00:00:00.000Z") == (found.messages, found.head, found.updated_at)


def test_only_the_new_messages_are_needed(store: Store) -> None:
    """A source that gives only what came since is linked to what is here."""
    take(store, of("c", talk("hello", "hi")))
    take(store, of("c", talk("hello", "hi", "more")[2:]))
    assert [(1, None, "hello"), (2, 1, "hi"), (3, 2, "more")] == tree(store)


def test_a_changed_message_is_updated_in_its_place(store: Store) -> None:
    """It keeps its number and place, its words are the new ones, and the conversation has a new revision."""
    take(store, of("c", talk("hello", "hi", "bye")))
    revision = store.get(only(store)).revision
    assert (0, 1, 2, 0) == counts(take(store, of("c", talk("hello", "HI", "bye"))))
    assert [(1, None, "hello"), (2, 1, "HI"), (3, 2, "bye")] == tree(store)
    assert revision + 1 == store.get(only(store)).revision
    assert_sound(store)


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "HI"},
        {"parts": ({"type": "reasoning", "content": "hm"},)},
        {"role": "tool"},
        {"text": "HI", "hidden": True},
    ],
)
def test_any_change_of_what_was_said_is_taken(store: Store, changed: dict[str, Any]) -> None:
    """Another text, parts or role replace what was there, whole."""
    take(store, of("c", [say("hi", source_id="m1")]))
    wanted = say("hi", source_id="m1")._replace(**changed)
    assert (0, 1, 0, 0) == counts(take(store, of("c", [wanted])))
    found = store.message(only(store), 1)
    assert (wanted.role, wanted.text, wanted.parts, wanted.hidden) == (
        found.role,
        found.text,
        found.parts,
        found.hidden,
    )
    assert_sound(store)


def test_an_older_version_does_not_come_back(store: Store) -> None:
    """An export from before a change, imported after it, changes nothing."""
    old, new = of("c", talk("before")), of("c", talk("after"))
    take(store, old)
    take(store, new)
    with unwritten(store):
        assert (0, 0, 1, 0) == counts(take(store, old))
    assert ["after"] == shown(store)


def test_what_was_superseded_elsewhere_comes_in(store: Store) -> None:
    """Only its own former versions are kept away from a message, and no others: every new one is taken."""
    for name, text in (("c", "former"), ("c", "better"), ("c", "best"), ("d", "other"), ("d", "former")):
        take(store, of(name, talk(text)))
    texts = {found.source_id: shown(store, found.id) for found in store.conversations().items}
    assert {"c": ["best"], "d": ["former"]} == texts


def test_a_message_without_an_id_is_kept(store: Store) -> None:
    """Messages that a caller gives no id are each a message, not one another."""
    take(store, of("c", [say("one"), say("two")]))
    assert ["one", "two"] == [hit.message.text for hit in store.scan()]


def test_the_last_of_two_versions_in_one_batch_wins(store: Store) -> None:
    """A line that a source wrote again, as agents do, is the message."""
    first, second = talk("be"), talk("before long")
    take(store, of("c", [*first, *second]))
    assert [(1, None, "before long")] == tree(store)
    assert_sound(store)


def test_what_was_hidden_until_it_was_sent_is_shown(store: Store) -> None:
    """A message that waited in a queue; an account from before does not hide it again."""
    waiting, sent = (talk("hello")[0]._replace(hidden=hidden) for hidden in (True, False))
    for message in (waiting, sent, waiting):
        take(store, of("c", [message]))
    assert [False] == [message.hidden for message in store.messages(only(store))]
    take(store, of("c", [sent._replace(text="another")]))
    assert ["another"] == shown(store)


def test_a_version_that_names_its_parent_counts(store: Store) -> None:
    """Of a message that came twice, first without what it follows, the words stand where they belong."""
    first, then = talk("a", "b")
    for _ in range(2):
        take(store, of("c", [then._replace(parent=None), first, then]))
        assert [(1, None, "a"), (2, 1, "b")] == tree(store)


def test_ids_of_two_users_do_not_meet(store: Store) -> None:
    """The same history imported by two users is two histories."""
    records = of("c", talk("hello"))
    take(store, records)
    with opened(store.info()["path"], "bob") as bob:
        assert (1, 0, 0, 0) == counts(take(bob, records))
        take(bob, of("c", talk("changed")))
    assert ["hello"] == shown(store)
    assert_sound(store)


def test_ids_of_two_sources_do_not_meet(store: Store) -> None:
    """The same ids in another format are another conversation."""
    take(store, of("c", talk("hello")))
    take(store, of("c", talk("other")), source="claude_ai")
    assert 2 == store.conversations().total


# a dry run


def test_a_dry_run_counts_and_writes_nothing(store: Store) -> None:
    """It says what would come in, of a new conversation and of a known one."""
    take(store, of("c", talk("hello", "hi")))
    with unwritten(store):
        result = take(store, [*of("c", talk("hello", "HI", "more")), *of("d", talk("x"))], dry_run=True)
    assert (2, 1, 1, 0) == counts(result)
    assert [(1, None, "hello"), (2, 1, "hi")] == tree(store)


# the trash, tombstones and coming back


def test_what_is_in_the_trash_stays_there(store: Store) -> None:
    """Importing a trashed conversation again skips it and writes nothing."""
    take(store, of("c", talk("hello")))
    store.delete([only(store)])
    with unwritten(store):
        assert (0, 0, 0, 2) == counts(take(store, of("c", talk("hello", "more"))))
    assert 0 == store.conversations().total


def test_undelete_brings_it_back(store: Store) -> None:
    """When asked, the trashed conversation comes out, with what is new."""
    take(store, of("c", talk("hello")))
    store.delete([only(store)])
    assert (1, 0, 1, 0) == counts(take(store, of("c", talk("hello", "more")), undelete=True))
    assert ["hello", "more"] == shown(store)


def test_undelete_brings_back_nothing_else(store: Store) -> None:
    """What is in the trash and not in the file stays there."""
    for name in "cd":
        take(store, of(name, talk(f"hello {name}")))
    store.delete([found.id for found in store.conversations().items])
    take(store, of("c", talk("hello c")), undelete=True)
    assert ["hello c"] == shown(store)


def test_undelete_brings_back_what_is_being_removed(store: Store) -> None:
    """What a removal that was interrupted left is completed and seen again, and no later one goes on with it."""
    said = [f"hello {number}" for number in range(200)]
    take(store, of("c", talk(*said)))
    chances = iter([False, True])
    assert not store.forgetting.remove([only(store)], Cause("prune"), stop=lambda: next(chances)).finished
    assert (0, 0, 0, 200) == counts(take(store, of("c", talk(*said), deleted_at="2026-01-01T00:00:00.000Z")))
    missing = counts(take(store, of("c", talk(*said)), undelete=True))[0]
    assert 0 < missing < 200
    assert (0, True) == (store.forgetting.remove([], Cause("prune"), stop=bool).messages, shown(store) == said)
    assert [] == list(store.extras())
    assert_sound(store)


def test_a_removal_stops_at_what_was_brought_back(store: Store) -> None:
    """Another process brings a conversation back while it is eaten away: no more of it goes."""
    said = [f"hello {number}" for number in range(200)]
    take(store, of("c", talk(*said)))

    def stop() -> bool:
        if store.info()["messages"] < 200:
            take(store, of("c", talk(*said)), undelete=True)
        return False

    store.forgetting.remove([only(store)], Cause("prune"), stop=stop)
    assert said == shown(store)
    assert_sound(store)


def tombstone(**values: str) -> Extra:
    return Extra(kind="tombstone", values={"source": "chatgpt", "source_id": "c", **values})


@pytest.mark.parametrize(
    "extra",
    [
        *(Extra("memory", {"key": "k", "value": 1, **wrong}) for wrong in (
            {"key": 7}, {"namespace": 7}, {"tags": 5}, {"tags": "abc"}, {"tags": [1]}, {"value": float("nan")},
            {"created_at": "x"}, {"updated_at": 5}, {"expires_at": "tomorrow"},
        )),
        *(Extra("summary", {"kind": "rolling", "from_seq": 1, "to_seq": 1, "text": "s", **wrong}) for wrong in (
            {"kind": "none"}, {"from_seq": "a"}, {"to_seq": 1.5}, {"to_seq": -1}, {"to_seq": 1 << 62}, {"text": 5},
            {"tokens": "many"}, {"method": 5}, {"created_at": "x"},
        )),
        *(Extra("tombstone", {"source": "chatgpt", "source_id": "c", **wrong}) for wrong in (
            {"source": 5}, {"source_id": 5}, {"message_id": 5}, {"deleted_at": "x"},
        )),
    ],
    ids=lambda extra: f"{extra.kind}-{[*extra.values.items()][-1]}",
)  # fmt: skip
def test_an_extra_that_could_not_be_read_back_is_refused(store: Store, extra: Extra) -> None:
    """Anyone's line may hold anything: what memories, contexts and exports could not read is not kept."""
    take(store, of("c", talk("hello")))
    values = {**extra.values, **({"conversation": only(store)} if extra.kind == "summary" else {})}
    with pytest.raises(UsageError):
        store.ingest_extra(extra._replace(values=values))
    assert ([], []) == (list(store.extras()), store.summaries.all(only(store)))


def test_a_tombstone_keeps_a_conversation_away(store: Store) -> None:
    """What was deleted for good does not come with the next import, and comes when asked for."""
    store.ingest_extra(tombstone())
    with unwritten(store):
        assert (0, 0, 0, 1) == counts(take(store, of("c", talk("hello"))))
    assert (1, 0, 0, 0) == counts(take(store, of("c", talk("hello")), undelete=True))
    assert [] == list(store.extras())
    assert (0, 0, 1, 0) == counts(take(store, of("c", talk("hello"))))


def test_a_tombstone_is_of_one_user_and_source(store: Store) -> None:
    """Neither another user's nor another source's conversation of that id is kept away."""
    store.ingest_extra(tombstone())
    assert 1 == take(store, of("c", talk("hello")), source="claude_ai").new
    with opened(store.info()["path"], "bob") as bob:
        assert 1 == take(bob, of("c", talk("hello"))).new


@pytest.mark.parametrize("known", [0, 1])
def test_a_tombstone_keeps_a_message_away(store: Store, known: int) -> None:
    """A single message that was erased stays away, whether its conversation is here or comes anew."""
    take(store, of("c", talk("one", "two", "three")[:known])) if known else None
    store.ingest_extra(tombstone(message_id="m2"))
    result = take(store, of("c", talk("one", "two", "three")))
    assert ((2 - known, 0, known, 1), ["one", "three"]) == (counts(result), shown(store))
    assert_sound(store)


@pytest.mark.parametrize("known", [0, 1])
def test_undelete_brings_a_message_back(store: Store, known: int) -> None:
    """When asked, an erased message comes in again, whether its conversation is here or not."""
    take(store, of("c", talk("one", "two")[:known])) if known else None
    store.ingest_extra(tombstone(message_id="m2"))
    take(store, of("c", talk("one", "two")), undelete=True)
    assert ["one", "two"] == shown(store)


def test_what_follows_an_erased_message_follows_on(store: Store) -> None:
    """A message whose parent is kept away goes on from what stands before it."""
    store.ingest_extra(tombstone(message_id="m2"))
    take(store, of("c", talk("one")))
    take(store, of("c", talk("one", "two", "three")))
    assert [(1, None, "one"), (2, 1, "three")] == tree(store)


# branches and the head


def test_the_head_is_the_sources(store: Store) -> None:
    """The branch the source shows is the active one, though another is newer."""
    take(store, branched(None, 1, 2, 1, head="m3"))
    assert (["1", "2", "3"], ["1", "4"]) == (shown(store), shown(store, branch=4))
    assert_sound(store)


def test_without_a_head_the_last_message_is_it(store: Store) -> None:
    """A source that names none shows where it ended."""
    take(store, branched(None, 1, 2, 1))
    assert ["1", "4"] == shown(store)


@pytest.mark.parametrize("head", ["gone", ""])
def test_a_head_that_is_not_there_is_no_head(store: Store, head: str) -> None:
    """A dangling head leaves a whole path."""
    take(store, branched(None, 1, 2, head=head))
    assert ["1", "2", "3"] == shown(store)
    assert_sound(store)


def test_a_new_branch_of_the_source_becomes_active(store: Store) -> None:
    """A regeneration at the source is shown after the next import."""
    take(store, branched(None, 1, head="m2"))
    take(store, branched(None, 1, 1, head="m3"))
    assert (["1", "3"], 3) == (shown(store), store.get(only(store)).messages)


def test_several_roots_are_branches(store: Store) -> None:
    """An edited first message has no parent either; both stay."""
    take(store, branched(None, 1, None, 3, head="m2"))
    assert (["1", "2"], ["3", "4"]) == (shown(store), shown(store, branch=4))
    assert_sound(store)


def test_a_parent_that_is_nowhere_is_no_loss(store: Store) -> None:
    """A slice of a session goes on from where it is."""
    take(store, of("c", talk("one", "two", "three")[1:]))
    assert ["two", "three"] == shown(store)
    assert_sound(store)


# what the owner did here


def test_the_owners_title_survives(store: Store) -> None:
    """A title set here is not replaced by the source's next one; the source's own may change."""
    take(store, of("c", talk("hello"), title="Old"))
    take(store, of("c", talk("hello"), title="New"))
    assert "New" == store.get(only(store)).title
    store.change(only(store), {"title": "Mine"})
    take(store, of("c", talk("hello", "hi"), title="Newest"))
    assert "Mine" == store.get(only(store)).title


def test_a_title_taken_from_the_text_gives_way(store: Store) -> None:
    """Once the source has a title it is used."""
    take(store, of("c", talk("hello")))
    assert "hello" == store.get(only(store)).title
    take(store, of("c", talk("hello"), title="Named"))
    assert "Named" == store.get(only(store)).title


def test_a_title_that_a_source_gives_is_the_sources(store: Store) -> None:
    """Also where it is what the text would give, and comes once the text is here."""
    take(store, of("c", talk("Plan a trip")))
    take(store, of("c", talk("Plan a trip"), title="Plan a trip"))
    with raw(store) as connection:
        assert ("source",) == connection.execute("SELECT title_by FROM conversations").fetchone()
    with unwritten(store):
        take(store, of("c", talk("Plan a trip"), title="Plan a trip"))


def test_a_title_taken_from_the_text_goes_with_it(store: Store) -> None:
    """A message that was still being written named the conversation."""
    take(store, of("c", talk("What is")))
    take(store, of("c", talk("What is a lever?", "A bar.")))
    assert "What is a lever?" == store.get(only(store)).title


@pytest.mark.parametrize(("owners", "later"), [(None, "large"), ("mine", "mine")])
def test_a_source_goes_on_with_another_model(store: Store, owners: str | None, later: str) -> None:
    """The model is the one that it went on with, unless the owner set one; only what brings more tells."""
    said = [one._replace(model=model) for one, model in zip(talk("q", "a", "r"), (None, "small", "large"), strict=True)]
    take(store, of("c", said[:2], model="small"))
    if owners:
        store.change(only(store), {"model": owners})
    with unwritten(store):
        take(store, of("c", said[:2], model="large"))
    take(store, of("c", said, model="large"))
    assert later == store.get(only(store)).model


def test_marks_and_tags_of_the_owner_stay(store: Store) -> None:
    """Pins, tags, state and hold survive an import that knows nothing of them."""
    take(store, of("c", talk("hello")))
    name = only(store)
    store.change(name, {"pinned": True, "archived": True, "state": {"a": 1}, "hold": "a trial"})
    store.tag([name], add=["mine"])
    take(store, of("c", talk("hello", "hi"), title="New"))
    found = store.get(name)
    assert (True, True, {"a": 1}, "a trial", ("mine",)) == (
        found.pinned, found.archived, found.state, found.hold, found.tags,
    )  # fmt: skip


def test_what_is_on_hold_keeps_its_words(store: Store) -> None:
    """A newer account replaces no message and no title on legal hold, but adds to it; once it ends, all of it comes."""
    take(store, of("c", talk("what was said", "and answ"), title="Then"))
    store.forgetting.hold(only(store), "a trial")
    later = of("c", talk("nothing to see", "and answered", "more"), title="Now")
    assert (1, 1, 0, 1) == counts(take(store, later))
    assert ("Then", ["what was said", "and answered", "more"]) == (store.get(only(store)).title, shown(store))
    store.forgetting.hold(only(store), None)
    assert (0, 1, 2, 0) == counts(take(store, later))
    assert ("Now", ["nothing to see", "and answered", "more"]) == (store.get(only(store)).title, shown(store))
    assert_sound(store)


def test_a_conversation_continued_here_keeps_its_head(store: Store) -> None:
    """What the source adds is a branch beside what the owner went on with, and nothing is lost."""
    take(store, of("c", talk("one", "two"), head="m2"))
    store.add(only(store), [say("mine")])
    take(store, of("c", talk("one", "two", "theirs"), head="m3"))
    assert (["one", "two", "mine"], ["one", "two", "theirs"]) == (shown(store), shown(store, branch=4))
    with unwritten(store):
        take(store, of("c", talk("one", "two", "theirs"), head="m3"))
    assert_sound(store)


# older and shorter accounts

CALL = {"type": "tool_call", "id": "t", "name": "B", "arguments": {"a": 1}}


def written(*parts: dict[str, Any]) -> MessageDraft:
    """Return an answer of several parts, with the words of its text ones as its text."""
    return say(joined_text(parts), "assistant", source_id="m2", parent="m1", parts=parts)


def text(content: str, kind: str = "text", **facts: Any) -> dict[str, Any]:
    return {"type": kind, "content": content, **facts}


@pytest.mark.parametrize(
    ("whole", "cut"),
    [
        ([text("part"), CALL], [text("part")]),
        ([text("part"), CALL], [text("pa")]),
        ([text("hm", "reasoning", signature="s"), text("part")], [text("h", "reasoning")]),
        ([text("complete long answer")], [text("compl")]),
        ([CALL, {"type": "tool_call_response", "id": "t", "response": "r"}], [CALL]),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_a_snapshot_taken_while_a_message_grew_shortens_nothing(
    store: Store, whole: list[dict[str, Any]], cut: list[dict[str, Any]], together: bool
) -> None:
    """A mere beginning of what is here leaves it alone, in a batch of its own or in the same one."""
    first, full, part = say("q", source_id="m1"), written(*whole), written(*cut)
    take(store, of("c", [first, full, *([part] if together else [])]))
    with unwritten(store):
        assert (0, 0, 2, 0) == counts(take(store, of("c", [first, part])))
    assert tuple(whole) == store.message(only(store), 2).all_parts()
    assert_sound(store)


@pytest.mark.parametrize(
    "other", [[text("parts")], [CALL], [text("pa", "reasoning")], [text("part", lang="de"), CALL], [text("pa"), CALL]]
)
def test_what_is_no_mere_beginning_is_a_change(store: Store, other: list[dict[str, Any]]) -> None:
    """Other words, another kind of part or another fact of one is taken."""
    first = say("q", source_id="m1")
    take(store, of("c", [first, written(text("part"), CALL)]))
    assert (0, 1, 1, 0) == counts(take(store, of("c", [first, written(*other)])))
    assert tuple(other) == store.message(only(store), 2).all_parts()


BLOB = {"type": "blob", "mime_type": "image/png", "content": "aWNvbg=="}


@pytest.mark.parametrize(
    ("parts", "stored", "expected"),
    [
        ([], text_parts("a"), True),
        ([], [], True),
        ([*text_parts("a"), BLOB], text_parts("a"), False),
        (text_parts("a"), [*text_parts("a"), BLOB], True),
        (text_parts("ab"), text_parts("abc"), True),
        ([{**BLOB, "content": "aWNv"}], [BLOB], False),
        ([{"type": "reasoning", "content": ["a"]}], [{"type": "reasoning", "content": ["a", "b"]}], False),
    ],
)
def test_a_beginning_is_all_that_was_said_up_to_somewhere(parts: Any, stored: Any, expected: bool) -> None:
    """Only words can be cut short; of anything else there is all or another."""
    assert expected == is_beginning(parts, stored)


@pytest.mark.parametrize(
    ("stored", "found", "older", "newer"),
    [
        ({"a": {"x": 1}}, {"a": "text"}, {"x": 1}, "text"),
        ({"a": "text"}, {"a": {"x": 1}}, "text", {"x": 1}),
        ({"a": {"x": 2, "y": "s"}}, {"a": {"x": 1, "y": "t"}}, {"x": 2, "y": "s"}, {"x": 1, "y": "t"}),
        ({"a": 1}, {"a": True}, 1, True),
        ({"a": 1}, {"a": "9"}, 1, "9"),
    ],
)
def test_what_is_told_twice_is_told_by_the_newer_account(stored: Any, found: Any, older: Any, newer: Any) -> None:
    """An older one adds what is missing, and changes no value but a number that is smaller."""
    told = [completed(stored, found, is_newer=is_newer)["a"] for is_newer in (False, True)]
    assert [older, newer] == told


def test_a_newer_account_may_shorten_a_message(store: Store) -> None:
    """Someone who cut a text at its source, as some let one, did so after all."""
    take(store, of("c", talk("hello, and more"), updated_at="2026-02-01T10:00:00.000Z"))
    take(store, of("c", talk("hello"), updated_at="2026-02-02T10:00:00.000Z"))
    assert ["hello"] == shown(store)


@pytest.mark.parametrize("removed", [[0], [1], [0, 1]])
@pytest.mark.parametrize("day", [1, 2])
def test_an_output_stays_when_its_program_removed_it(store: Store, removed: list[int], day: int) -> None:
    """A newer account without what was in a file beside it, as agents remove them after some days, takes none of it."""
    results = [{"type": "tool_call_response", "id": name, "response": "be"} for name in "tu"]
    whole = [{**result, "full_output": f"begun {result['id']}"} for result in results]
    left = [results[place] if place in removed else result for place, result in enumerate(whole)]
    first = say("q", source_id="m1")
    take(store, of("c", [first, written(*whole)], updated_at="2026-02-01T10:00:00.000Z"))
    later = of("c", [first, written(*left)], updated_at=f"2026-02-0{day}T10:00:00.000Z")
    assert (0, 0, 2, 0) == counts(take(store, later))
    assert tuple(whole) == store.message(only(store), 2).all_parts()
    changed = [{**results[0], "response": "other"}, results[1]]
    assert (0, 1, 1, 0) == counts(take(store, of("c", [first, written(*changed)])))


def test_an_output_is_added_on_hold(store: Store) -> None:
    """What was found beside a message later takes nothing from it."""
    result = {"type": "tool_call_response", "id": "t", "response": "be"}
    first = say("q", source_id="m1")
    take(store, of("c", [first, written(result)]))
    store.forgetting.hold(only(store), "a trial")
    assert (0, 1, 1, 0) == counts(take(store, of("c", [first, written({**result, "full_output": "begun"})])))


def timed(*texts: str) -> list[MessageDraft]:
    """Return a talk in which something was said every day."""
    return [one._replace(created_at=f"2026-01-0{day}T00:00:00.000Z") for day, one in enumerate(talk(*texts), 1)]


def test_what_is_told_of_a_message_later_is_kept(store: Store) -> None:
    """As its usage, which a session tells behind it; an account that tells less takes nothing back."""
    (said,) = talk("hello")
    usage = {"usage": {"out": 5}}
    for told in ({"id": "a"}, usage, {}, {"usage": {"out": 3}, "id": "b"}):
        take(store, of("c", [said._replace(metadata=told)]))
    assert [{"id": "a", **usage}] == [message.metadata for message in store.messages(only(store))]
    with unwritten(store):
        take(store, of("c", [said._replace(metadata=usage)]))
    take(store, of("c", [say("other", source_id="m1")]))
    take(store, of("c", [said._replace(metadata=usage)]))
    assert ["other"] == shown(store)


@pytest.mark.parametrize("kept", ["on hold", "redacted"])
def test_nothing_more_is_told_of_what_stays_as_it_is(store: Store, kept: str) -> None:
    """A message on legal hold, and one of which words were redacted."""
    (said,) = talk("hello")
    take(store, of("c", [said._replace(metadata={"by": "joe@example.org"})]))
    if kept == "on hold":
        store.change(only(store), {"hold": "a trial"})
    else:
        redacting.apply(store, redacting.plan(store, [store.get(only(store))], Redactor(["email"])))
    before = [message.metadata for message in store.messages(only(store))]
    with unwritten(store):
        take(store, of("c", [said._replace(metadata={"by": "joe@example.org", "cc": "joe@example.org"})]))
    assert before == [message.metadata for message in store.messages(only(store))]


@pytest.mark.parametrize("updated", [None, "2026-01-02T00:00:00.000Z", "2026-01-01T12:00:00.000Z"])
def test_an_older_account_moves_no_head_back(store: Store, updated: str | None) -> None:
    """What was recorded before the newest message here says nothing about where the conversation stands."""
    take(store, of("c", timed("a", "b", "c", "d"), head="m4"))
    with unwritten(store):
        take(store, of("c", timed("a", "b"), head="m2", updated_at=updated))
    assert ["a", "b", "c", "d"] == shown(store)


@pytest.mark.parametrize("updated", [None, "2026-01-04T00:00:00.000Z", "2026-01-09T00:00:00.000Z"])
def test_an_account_as_new_may_move_the_head_back(store: Store, updated: str | None) -> None:
    """A source that shows an earlier message now, and knows of the later ones, is followed."""
    records = timed("a", "b", "c", "d")
    take(store, of("c", records, head="m4"))
    take(store, of("c", records, head="m2", updated_at=updated))
    assert ["a", "b"] == shown(store)
    assert_sound(store)


def test_what_only_an_older_account_has_is_a_branch(store: Store) -> None:
    """An answer that is gone at the source comes in, and is not what is shown."""
    take(store, of("c", timed("a", "b", "c"), head="m3", updated_at="2026-01-03T00:00:00.000Z"))
    gone = timed("a", "gone")[1]._replace(source_id="x")
    take(store, of("c", [timed("a")[0], gone], head="x", updated_at="2026-01-02T00:00:00.000Z"))
    assert (["a", "b", "c"], ["a", "gone"]) == (shown(store), shown(store, branch=4))
    assert_sound(store)


def test_an_older_account_takes_no_title_back(store: Store) -> None:
    """A title from before the newest message was said is the former one; tagging here keeps no new one away."""
    take(store, of("c", timed("a", "b"), title="New", updated_at="2026-01-02T00:00:00.000Z"))
    with unwritten(store):
        take(store, of("c", timed("a"), title="Old", updated_at="2026-01-01T00:00:00.000Z"))
    store.tag([only(store)], add=["mine"])
    take(store, of("c", timed("a", "b"), title="Newest", updated_at="2026-01-03T00:00:00.000Z"))
    assert "Newest" == store.get(only(store)).title


@pytest.mark.parametrize("newest", [0, 1])
def test_of_two_accounts_in_one_batch_the_newer_one_names(store: Store, newest: int) -> None:
    """Whichever of the files of an export comes first, the title and the head are those of the newest."""
    accounts = [
        of("c", timed("a", "b", "c"), title="New", head="m3", updated_at="2026-01-03T00:00:00.000Z"),
        of("c", timed("a", "b"), title="Old", head="m2", updated_at="2026-01-02T00:00:00.000Z"),
    ]
    take(store, [*accounts[newest], *accounts[1 - newest]])
    assert ("New", ["a", "b", "c"]) == (store.get(only(store)).title, shown(store))
    assert_sound(store)


# copies


def test_a_message_in_two_conversations_of_a_source_is_stored_once(store: Store) -> None:
    """A resumed session repeats the messages before it; their bodies are shared, now and in a later batch."""
    take(store, [*of("one", talk("a", "b")), *of("two", talk("a", "b", "c"))], source="claude_code")
    take(store, of("three", talk("a", "b", "d")), source="claude_code")
    with raw(store) as connection:
        assert (4, 8) == connection.execute(
            "SELECT (SELECT count(*) FROM bodies), (SELECT count(*) FROM messages)"
        ).fetchone()
    assert_sound(store)


def test_a_shared_message_that_changes_changes_once(store: Store) -> None:
    """A new version in one conversation leaves the other's as it was."""
    take(store, [*of("one", talk("a")), *of("two", talk("a"))])
    take(store, of("two", talk("A")))
    texts = {each.source_id: shown(store, each.id) for each in store.conversations().items}
    assert {"one": ["a"], "two": ["A"]} == texts
    assert_sound(store)


@pytest.mark.parametrize("fact", [{"author": "Bob"}, {"metadata": {"cwd": "/b"}}])
def test_a_copy_keeps_its_own_facts(store: Store, fact: dict[str, Any]) -> None:
    """A message of the same id and words but another author or metadata loses neither."""
    first = say("a", source_id="m1", author="Ana", metadata={"cwd": "/a"})
    take(store, [*of("one", [first]), *of("two", [first._replace(**fact)])])
    found = {each.source_id: store.message(each.id, 1) for each in store.conversations().items}
    assert fact == {name: getattr(found["two"], name) for name in fact}


def test_equal_derived_ids_are_no_copies(store: Store) -> None:
    """Ids that a reader made from content say nothing about another conversation."""
    take(store, [*of("one", talk("a", prefix="h-")), *of("two", talk("a", prefix="h-"))])
    with raw(store) as connection:
        assert (2,) == connection.execute("SELECT count(*) FROM bodies").fetchone()


# conversations that belong together


def test_a_parent_is_found_by_its_source_id(store: Store) -> None:
    """A sub-agent's conversation names its parent as the source does, and gets our id of it."""
    take(store, [*of("main", talk("a")), *of("agent", talk("b", prefix="x"), parent="main")], source="claude_code")
    found = {each.source_id: each for each in store.conversations().items}
    assert (None, found["main"].id) == (found["main"].parent, found["agent"].parent)


def test_a_parent_may_arrive_later(store: Store) -> None:
    """An orphan is named, and linked once its header comes again with the parent here."""
    header = ConversationDraft(source_id="agent", parent="main")
    assert ("agent",) == take(store, [header, *of("agent", talk("b"), parent="main")[1:]]).orphans
    take(store, of("main", talk("a", prefix="x")))
    assert () == take(store, [header]).orphans
    found = {each.source_id: each for each in store.conversations().items}
    assert found["main"].id == found["agent"].parent


def test_an_import_links_what_came_in_the_wrong_order(store: Store) -> None:
    """A child before its parent in one file is linked at the file's end; again, nothing is written."""
    lines = jsonl(
        {"type": "conversation", "id": "agent", "parent": "main"},
        {"type": "message", "conversation": "agent", "role": "user", "text": "b"},
        {"type": "conversation", "id": "main"},
        {"type": "message", "conversation": "main", "role": "user", "text": "a"},
    )
    imported(store, lines)
    found = {each.source_id: each for each in store.conversations().items}
    assert found["main"].id == found["agent"].parent
    with unwritten(store):
        imported(store, lines)


def test_a_parent_that_never_comes_is_no_parent(store: Store) -> None:
    """The orphan stays by itself, is named each time, and nothing is written for it."""
    records = of("agent", talk("b"), parent="main")
    take(store, records)
    with unwritten(store):
        assert ("agent",) == take(store, records).orphans
    assert None is store.get(only(store)).parent


# times and titles


def test_a_conversation_without_times_has_its_messages(store: Store) -> None:
    """Created and updated are those of the first and the last message."""
    messages = [
        message._replace(created_at=f"2026-01-0{day}T00:00:00.000Z") for day, message in enumerate(talk("a", "b"), 1)
    ]
    take(store, of("c", messages))
    found = store.get(only(store))
    assert ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z") == (found.created_at, found.updated_at)


def test_a_message_without_a_time_has_its_neighbours(store: Store) -> None:
    """It is put at the time of the one before it, the first one at the beginning of its conversation."""
    first, second = talk("a", "b")
    take(store, of("c", [first, second], created_at="2026-01-01T00:00:00.000Z", updated_at="2026-01-05T00:00:00.000Z"))
    assert ["2026-01-01T00:00:00.000Z"] * 2 == [message.created_at for message in store.messages(only(store))]
    take(store, of("d", [first._replace(created_at="2026-01-03T00:00:00.000Z"), second]))
    assert "2026-01-03T00:00:00.000Z" == list(store.messages(store.get("@2").id))[-1].created_at


def test_a_message_without_a_time_that_begins_a_batch_has_its_neighbours(store: Store) -> None:
    """Where the batch before ended makes no difference; nor does it when the conversation began."""
    first, second, third = timed("a", "b", "c")
    take(store, of("c", [first, second]))
    take(store, of("c", [third._replace(created_at=None)]))
    assert second.created_at == list(store.messages(only(store)))[-1].created_at


def test_the_first_human_words_title_it(store: Store) -> None:
    """Not a system message, not a hidden one, not what an assistant said."""
    messages = [say("rules", "system"), say("hidden", hidden=True), say("hi", "assistant"), say("Plan a trip")]
    take(store, of("c", [message._replace(source_id=str(number)) for number, message in enumerate(messages)]))
    assert "Plan a trip" == store.get(only(store)).title


def test_a_human_may_speak_first_in_a_later_batch(store: Store) -> None:
    """The title comes with the first human words, whichever batch they are in."""
    messages = [
        message._replace(role=role) for message, role in zip(talk("hi", "Plan"), ("assistant", "user"), strict=True)
    ]
    take(store, of("c", messages[:1]))
    assert None is store.get(only(store)).title
    take(store, of("c", messages))
    assert "Plan" == store.get(only(store)).title


def test_an_imports_time_never_goes_back(store: Store) -> None:
    """An older export does not make a conversation older."""
    take(store, of("c", talk("a"), updated_at="2026-02-01T00:00:00.000Z"))
    take(store, of("c", talk("a", "b"), updated_at="2026-01-01T00:00:00.000Z"))
    assert "2026-02-01T00:00:00.000Z" == store.get(only(store)).updated_at


# batches

TREES = st.lists(st.none() | st.integers(1, 8), min_size=1, max_size=8).map(
    lambda numbers: [None if not at or number is None else (number - 1) % at + 1 for at, number in enumerate(numbers)]
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, st.integers(0, 8), st.integers(1, 4), st.integers(0, 8))
def test_small_batches_are_one_batch(parents: list[int | None], head: int, size: int, known: int) -> None:
    """However a history is cut, and whatever of it was here before, the result is that of one batch."""
    records = branched(*parents, title="T", head=f"m{head % len(parents) + 1}")
    with fresh() as whole, fresh() as cut:
        take(whole, records)
        take(cut, [records[0], *records[1 : known + 1]]) if known else None
        for start in range(1, len(records), size):
            take(cut, [records[0], *records[start : start + size]])
        assert tree(whole) == tree(cut)
        assert shown(whole) == shown(cut)
        assert whole.get(only(whole)).title == cut.get(only(cut)).title
        assert_sound(cut)
        with unwritten(cut):
            take(cut, records)


# the beginning comes later


@pytest.mark.parametrize("tail", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 9])
@pytest.mark.parametrize("above", [None, "gone"])
def test_a_tail_follows_its_beginning_once_that_is_here(store: Store, tail: int, size: int, above: str | None) -> None:
    """A slice of a session, then all of it: one path from first to last, and the title is the first's."""
    records = [timed("q1")[0]._replace(parent=above), *timed("q1", "a1", "q2", "a2")[1:]]
    take(store, of("c", records[-tail:], head="m4"))
    for start in range(0, 4, size):
        take(store, of("c", records[start : start + size], head="m4"))
    assert (["q1", "a1", "q2", "a2"], "q1") == (shown(store), store.get(only(store)).title)
    assert [None, *(seq for seq, _, _ in tree(store)[:-1])] == [parent for _, parent, _ in tree(store)]
    assert_sound(store)
    with unwritten(store):
        take(store, of("c", records, head="m4"))


def test_a_parent_that_is_told_later_counts(store: Store) -> None:
    """Where it is here already, the message follows it under the number that it has."""
    first, second = talk("a", "b")
    take(store, of("c", [first, second._replace(parent=None)]))
    before = store.get(only(store)).revision
    take(store, of("c", [first, second]))
    assert [(1, None, "a"), (2, 1, "b")] == tree(store)
    assert (["a", "b"], before + 1) == (shown(store), store.get(only(store)).revision)


def test_what_was_written_in_between_comes_in_between(store: Store) -> None:
    """A message that was told before the one that it follows, as one typed while a tool runs is, follows it then."""
    asked, call, result, typed, answer = timed("q", "call", "result", "typed", "answer")
    take(store, of("c", [asked, call, typed._replace(parent=call.source_id)]))
    for _ in range(2):
        take(store, of("c", [asked, call, result, typed, answer]))
        assert ["q", "call", "result", "typed", "answer"] == shown(store)
    assert_sound(store)
    with unwritten(store):
        take(store, of("c", [asked, call, result, typed, answer]))


def test_another_beginning_takes_nothing_off_its_path(store: Store) -> None:
    """What a slice has in place of the beginning here is a branch of its own."""
    take(store, of("c", talk("q", "a")))
    preface = say("preface", source_id="p")
    with_preface = [preface, *(one._replace(parent="p") for one in talk("q", "a")[1:])]
    take(store, of("c", with_preface, head="m2"))
    assert (["q", "a"], ["preface"]) == (shown(store), shown(store, branch=3))


def test_an_export_keeps_the_numbers_that_a_tail_got(store: Store) -> None:
    """Out and in again, and out: the same bytes, though numbers are missing where the tail stood before."""
    records = timed("q1", "a1", "q2", "a2")
    take(store, of("c", records[2:]))
    take(store, of("c", records))
    assert [3, 4, 5, 6] == [seq for seq, _, _ in tree(store)]
    with fresh() as other:
        imported(other, exported(store))
        assert exported(store) == exported(other)


def test_what_was_superseded_in_a_tail_still_is(store: Store) -> None:
    """A message that moved behind its beginning keeps away what it was before."""
    take(store, of("c", timed("q1", "a1", "other", "a2")[2:]))
    take(store, of("c", timed("q1", "a1", "q2", "a2")))
    with unwritten(store):
        take(store, of("c", timed("q1", "a1", "other", "a2")))
    assert ["q1", "a1", "q2", "a2"] == shown(store)


def test_a_tail_that_is_cited_stays_where_it_is(store: Store) -> None:
    """Messages that a fork or their owner counts on keep their numbers; nothing is lost, and it ends there."""
    records = timed("q1", "a1", "q2", "a2")
    take(store, of("c", records[2:]))
    store.add(only(store), [say("mine")])
    take(store, of("c", records))
    assert (["q2", "a2", "mine"], ["q1", "a1"]) == (shown(store), shown(store, branch=5))
    with unwritten(store):
        take(store, of("c", records))
    assert_sound(store)


def test_the_owners_title_stays_when_the_beginning_comes(store: Store) -> None:
    """Only a title that was made from the words is made from the first ones then."""
    records = timed("q1", "a1", "q2", "a2")
    take(store, of("c", records[2:]))
    store.change(only(store), {"title": "Mine"})
    take(store, of("c", records))
    assert ("Mine", 4) == (store.get(only(store)).title, len(shown(store)))


def test_in_one_batch_a_parent_may_come_after_its_child(store: Store) -> None:
    """Messages go where they belong, in whatever order a source tells them; a circle is no end."""
    take(store, of("c", talk("a", "b", "c")[::-1]))
    assert [(1, None, "a"), (2, 1, "b"), (3, 2, "c")] == tree(store)
    take(store, of("d", [one._replace(parent=f"m{3 - n}") for n, one in enumerate(talk("x", "y"), 1)]))
    assert_sound(store)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, st.integers(0, 8), st.integers(0, 8))
def test_slices_in_any_order_end_in_the_whole(parents: list[int | None], cut: int, head: int) -> None:
    """Whatever part of a history was here before, its whole is complete, once, and sound."""
    records = branched(*parents, head=f"m{head % len(parents) + 1}")
    with fresh() as whole, fresh() as sliced:
        take(whole, records)
        take(sliced, [records[0], *records[1 + cut % len(parents) :]])
        take(sliced, records)
        assert sorted(text for _, _, text in tree(whole)) == sorted(text for _, _, text in tree(sliced))
        assert_sound(sliced)
        with unwritten(sliced):
            take(sliced, records)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(range(4)), st.sampled_from(["named", "unnamed"]), st.booleans(), st.booleans())
def test_slices_of_a_session_are_one_line(order: list[int], parents: str, repeated: bool, at_once: bool) -> None:
    """Each from another file or all from one, in any order, whether what one goes on from has its name here or not."""
    said = timed(*"abcdefgh")
    cut = [said[start : start + 2] for start in range(0, 8, 2)]
    for one in cut if parents == "unnamed" else ():
        one[0] = one[0]._replace(parent=f"before {one[0].source_id}")
    files = [of("c", cut[number], head=cut[number][-1].source_id) for number in order + order[:1] * repeated]
    with fresh() as store:
        others = [one._replace(created_at="2027-01-01T00:00:00.000Z") for one in timed(*"12345678")]
        take(store, of("other", [others[0]._replace(parent="gone"), *others[1:]]))
        for records in [of("c", [one for number in order for one in cut[number]], head="m8")] if at_once else files:
            take(store, records)
        (found,) = [one for one in store.conversations().items if one.source_id == "c"]
        assert [*"abcdefgh"] == shown(store, found.id)
        assert (said[0].created_at, said[-1].created_at) == (found.created_at, found.updated_at)
        assert_sound(store)
        with unwritten(store):
            for records in files if not at_once else ():
                take(store, records)
        with raw(store) as connection:
            waiting = connection.execute("SELECT count(*) FROM awaited").fetchone()
        assert (1 + (len(cut) if parents == "unnamed" else 0),) == waiting


def test_a_source_that_names_no_parent_there_is_has_no_slices(store: Store) -> None:
    """However many they are, they stay in the order in which they came."""
    said = [one._replace(parent=f"gone {one.source_id}") for one in talk(*map(str, range(slices.MOST + 1)))]
    for size in (slices.MOST, 1):
        take(store, of("c", said[-size:] if size == 1 else said[:size]))
    assert [*map(str, range(slices.MOST + 1))] == shown(store)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_slice_with_a_branch_takes_none_of_its_own_for_what_came_before(store: Store, is_first: bool) -> None:
    """Times go back now and then: what a slice begins with never follows what follows it."""
    first, second, third = timed("a", "b", "c")
    files = [of("c", [first], head="m1"), of("c", [third._replace(parent="gone"), second._replace(parent="m3")])]
    for records in files if is_first else files[::-1]:
        take(store, records)
    assert ["a", "c", "b"] == shown(store)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, TREES, st.integers(0, 20), st.integers(1, 3))
def test_an_import_that_was_killed_goes_on(
    one: list[int | None], other: list[int | None], stop: int, size: int
) -> None:
    """After any number of batches, running the import again gives what an uninterrupted one gives, once."""
    records = [*branched(*one), *branched(*other, conversation="d")]
    batches = [records[start : start + size] for start in range(0, len(records), size)]
    with fresh() as whole, fresh() as cut:
        for batch in batches:
            take(whole, batch)
        for batch in [*batches[: stop % (len(batches) + 1)], *batches]:
            take(cut, batch)
        for name in ("c", "d"):
            assert _named(whole, name) == _named(cut, name)
        assert_sound(cut)


def _named(store: Store, name: str) -> tuple[list[tuple[int, int | None, str]], list[str]] | None:
    found = [each.id for each in store.conversations().items if each.source_id == name]
    return (tree(store, found[0]), shown(store, found[0])) if found else None


# our own exports


def twins(store: Store, copy: Store, *texts: str) -> str:
    """Put the same conversation of our own into two stores, and return its id."""
    name = store.new(messages=[say(text) for text in texts]).id
    imported(copy, exported(store))
    return name


def test_an_export_is_recognised(store: Store) -> None:
    """Importing our own export into where it came from writes nothing."""
    store.new(ConversationDraft(title="T", tags=("work",)), [say("a"), say("b")])
    with unwritten(store):
        imported(store, exported(store))


def test_an_older_export_changes_nothing(store: Store, clock: Clock) -> None:
    """What was said since stays, and so does its head."""
    name = store.new(messages=[say("a")]).id
    old = exported(store)
    clock.tick()
    store.add(name, [say("b")])
    with unwritten(store):
        imported(store, old)
    assert ["a", "b"] == shown(store)


def test_a_newer_export_is_taken(store: Store) -> None:
    """What a copy went on with comes back, once."""
    with fresh() as copy:
        name = twins(store, copy, "a", "b")
        copy.add(name, [say("c"), say("branch", parent=1)][:1])
        copy.add(name, [say("branch", parent=1)])
        imported(store, exported(copy))
        assert tree(copy) == tree(store)
        assert ["a", "branch"] == shown(store)
        with unwritten(store):
            imported(store, exported(copy))


@pytest.mark.parametrize("size", [1, 2, 500])
@pytest.mark.parametrize(("mine", "theirs"), [(1, 1), (1, 3), (3, 1), (3, 3)])
def test_two_copies_that_went_apart_are_both_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch, mine: int, theirs: int, size: int
) -> None:
    """What a copy said after the point where both were alike is a branch there, complete, in order and only once."""
    monkeypatch.setattr(intake, "BATCH_RECORDS", size)
    with fresh() as copy:
        name = twins(store, copy, "a", "b")
        store.add(name, [say(f"mine {number}") for number in range(mine)])
        copy.add(name, [say(f"theirs {number}") for number in range(theirs)])
        export = exported(copy)
        imported(store, export)
        paths = {tuple(shown(store, name, branch=seq)) for seq, _, _ in tree(store)}
        assert ("a", "b", *(f"mine {number}" for number in range(mine))) in paths
        assert ("a", "b", *(f"theirs {number}" for number in range(theirs))) in paths
        assert 2 + mine + theirs == store.get(name).messages
        assert_sound(store)
        with unwritten(store):
            imported(store, export)


def paths(store: Store) -> set[tuple[str, ...]]:
    """Return what was said on the way to each message."""
    name = only(store)
    return {tuple(shown(store, name, branch=seq)) for seq, _, _ in tree(store, name)}


#: What happens to two copies: one of them goes on from some message, or takes in the other's export.
EXCHANGES = st.lists(
    st.tuples(st.sampled_from(["say", "take"]), st.booleans(), st.none() | st.integers(0, 9)), min_size=2, max_size=9
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(EXCHANGES, st.sampled_from([1, 2, 500]))
def test_copies_that_exchange_exports_lose_and_double_nothing(
    steps: list[tuple[str, bool, int | None]], size: int
) -> None:
    """Whatever two copies of a conversation say and take from each other, each has all it had and all it took, once."""
    with fresh() as one, fresh() as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "BATCH_RECORDS", size)
        name = twins(one, other, "start")
        for number, (step, is_one, which) in enumerate(steps):
            store, copy = (one, other) if is_one else (other, one)
            if step == "say":
                parent = None if which is None else which % store.get(name).messages + 1
                store.add(name, [say(f"message {number}", parent=parent)])
                continue
            before = paths(store) | paths(copy)
            imported(store, exported(copy))
            assert before == paths(store)
            assert len(before) == store.get(name).messages
            assert_sound(store)
            with unwritten(store):
                imported(store, exported(copy))


def test_a_conversation_that_went_on_here_too_keeps_its_head(store: Store) -> None:
    """After two copies went apart, what the owner of this one sees is still their own branch."""
    with fresh() as copy:
        name = twins(store, copy, "a")
        copy.add(name, [say("theirs")])
        store.add(name, [say("mine one")])
        store.add(name, [say("mine two")])
        imported(store, exported(copy))
        assert ["a", "mine one", "mine two"] == shown(store)


@pytest.mark.parametrize("size", [1, 2, 500])
def test_an_imported_conversation_that_was_continued_is_restored(
    store: Store, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Its head is where the owner was, also where the export comes in small batches."""
    take(store, of("c", talk("one")))
    store.add(only(store), [say("mine")])
    store.add(only(store), [say("another", parent=1)])
    monkeypatch.setattr(intake, "BATCH_RECORDS", size)
    with fresh() as copy:
        imported(copy, exported(store))
        assert ["one", "another"] == shown(copy)
        assert exported(store) == exported(copy)


def test_an_imported_conversation_is_known_in_its_export(store: Store) -> None:
    """A conversation of a source, exported and imported elsewhere, is still the source's there."""
    take(store, of("c", talk("one"), title="T"))
    with fresh() as copy:
        imported(copy, exported(store))
        assert (1, 0, 1, 0) == counts(take(copy, of("c", talk("one", "two"), title="T")))
        assert only(store) == only(copy)


def test_exports_of_two_files_of_one_source_meet(store: Store) -> None:
    """The same conversation of a source under two of our ids is one, with what either has."""
    take(store, of("c", talk("one", "two")))
    with fresh() as copy:
        take(copy, of("c", talk("one", "two", "three")))
        imported(store, exported(copy))
    assert ["one", "two", "three"] == shown(store)
    assert_sound(store)


def test_extras_come_once(store: Store) -> None:
    """Memories, summaries and tombstones of an export are stored, and a second import writes none."""
    extras = [
        {"type": "summary", "conversation": ID, "kind": "rolling", "from_seq": 1, "to_seq": 1, "text": "S"},
        {"type": "memory", "namespace": "", "key": "k", "value": {"a": 1}, "tags": ["t"]},
        {"type": "tombstone", "source": "chatgpt", "source_id": "x"},
    ]  # fmt: skip
    lines = jsonl({"type": "conversation", "id": ID}, *extras)
    imported(store, lines)
    with unwritten(store):
        imported(store, lines)
    assert ["S"] == [extra.values["text"] for extra in store.extras(ID)]
    assert [("memory", {"a": 1}), ("tombstone", None)] == [
        (each.kind, each.values.get("value")) for each in store.extras()
    ]


def test_a_later_summary_supersedes_the_one_before(store: Store) -> None:
    """Both stay; the older one points to the newer."""
    base = {"type": "summary", "conversation": ID, "kind": "rolling", "from_seq": 1}
    imported(store, jsonl({"type": "conversation", "id": ID}, *({**base, "to_seq": n, "text": str(n)} for n in (1, 2))))
    with raw(store) as connection:
        assert [("1", 2), ("2", None)] == connection.execute("SELECT text, superseded_by FROM summaries").fetchall()
