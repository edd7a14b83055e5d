"""Tests of messages: a tree with an active path, branches, idempotency keys, compare-and-swap, neighbours, scans."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.canonical import content_hash
from chatlog.errors import ConflictError, NotFoundError, UsageError
from chatlog.models import ConversationDraft, Filters, Message, MessageDraft, text_parts
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.sqlite import messages as message_rows

from ..conftest import Clock
from .making import assert_sound, fresh, of, only, opened, raw, say, shown, stray_messages, talk, tree, unwritten

CALL = {"type": "tool_call", "id": "1", "name": "read", "arguments": {"path": "a.txt"}}


def started(store: Store, *texts: str) -> str:
    return store.new(messages=[say(text) for text in texts]).id


def seqs(found: list[Message]) -> list[int]:
    return [message.seq for message in found]


# added


def test_messages_are_numbered_in_order(store: Store) -> None:
    """Each follows the one before, is returned as stored, and the conversation counts it."""
    name = started(store)
    added = store.add(name, [say("a"), say("b", "assistant")]) + store.add(name, [say("c")])
    assert [(1, None, "a"), (2, 1, "b"), (3, 2, "c")] == tree(store)
    assert added == list(store.messages(name))
    assert (3, 3, 3) == (store.get(name).messages, store.get(name).head, store.get(name).revision)


def test_a_message_keeps_what_is_said_of_it(store: Store) -> None:
    """Every fact of a draft is on the stored message; what is not said has its default."""
    draft = say(
        "see", "tool", parts=(*text_parts("see"), CALL), author="ana", model="gpt-5", source_id="s1", key="k1",
        created_at="2026-01-31T10:00:00.000Z", hidden=True, importance="keep", metadata={"a": [1]},
    )  # fmt: skip
    name = store.new(messages=[draft]).id
    expected = Message(
        conversation=name, seq=1, parent=None, role="tool", author="ana", text="see", parts=draft.parts, model="gpt-5",
        created_at="2026-01-31T10:00:00.000Z", tokens=None, sha256=content_hash("tool", draft.parts or ()).hex(),
        source_id="s1", key="k1", hidden=True, importance="keep", metadata={"a": [1]},
    )  # fmt: skip
    assert expected == store.message(name, 1)
    store.add(name, [say("plain")])
    plain = store.message(name, 2)
    assert ("2026-11-20T21:44:00.000Z", None, None, {}) == (
        plain.created_at, plain.parts, plain.author, plain.metadata,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (MessageDraft(role="wizard", text="x"), "'wizard' is not a role"),
        (MessageDraft(role="", text="x"), "'' is not a role"),
        (MessageDraft(role="user"), "needs text or parts"),
        (MessageDraft(role="user", text="x", importance="high"), "'high' is not an importance"),
    ],
)
def test_what_is_no_message_is_refused(store: Store, draft: MessageDraft, reason: str) -> None:
    """An unknown role or importance, or nothing said, is a usage error, and none of its batch is written."""
    name = started(store, "before")
    for use in (lambda: store.add(name, [say("good"), draft]), lambda: store.new(messages=[say("good"), draft])):
        with pytest.raises(UsageError, match=reason):
            use()
    assert (["before"], 1) == (shown(store, name), store.conversations().total)


@pytest.mark.parametrize("given", [say("one"), [{"role": "user", "content": "x"}], "hello"])
def test_messages_are_several_drafts(store: Store, given: Any) -> None:
    """One alone would be taken for its fields; a dictionary or a text is no draft."""
    name = started(store, "before")
    for use in (lambda: store.add(name, given), lambda: store.new(messages=given)):
        with pytest.raises(UsageError, match="messages are given as several drafts"):
            use()
    assert (["before"], 1) == (shown(store, name), store.conversations().total)


def test_adding_nothing_writes_nothing(store: Store) -> None:
    """An empty batch is no change."""
    name = started(store, "a")
    with unwritten(store):
        assert [] == store.add(name, [])


def test_a_batch_is_all_or_nothing(store: Store) -> None:
    """A message that cannot be placed takes the others of its call back with it."""
    name = started(store, "a")
    with pytest.raises(NotFoundError, match="there is no message 9 to follow"):
        store.add(name, [say("b", parent=9), say("c")])
    assert [(1, None, "a")] == tree(store)
    assert_sound(store)


def test_another_users_conversation_cannot_be_added_to(store: Store) -> None:
    """Its id is not found, as if it were not there."""
    name = started(store, "a")
    with opened(store.info()["path"], "bob") as other:
        for use in (
            lambda: other.add(name, [say("b")]),
            lambda: other.message(name, 1),
            lambda: list(other.messages(name)),
            lambda: other.around(name, 1, before=1, after=1),
            lambda: other.fork(name),
        ):
            with pytest.raises(NotFoundError, match=f"there is no conversation '{name}'"):
                use()


# branches


def test_a_message_may_follow_any_other(store: Store) -> None:
    """A parent starts a branch, which is the active one from then on; the other stays."""
    name = started(store, "a", "b", "c")
    store.add(name, [say("B", parent=1), say("C")])
    assert [(1, None, "a"), (2, 1, "b"), (3, 2, "c"), (4, 1, "B"), (5, 4, "C")] == tree(store)
    assert (["a", "B", "C"], ["a", "b", "c"]) == (shown(store), shown(store, branch=3))
    assert 5 == store.get(name).head


def test_going_on_from_an_older_branch_makes_it_active(store: Store) -> None:
    """Adding behind a leaf that is not active switches back to it."""
    name = started(store, "a", "b")
    store.add(name, [say("B", parent=1)])
    store.add(name, [say("c", parent=2)])
    assert ["a", "b", "c"] == shown(store, name)
    assert ["a", "b", "c", "d"] == [*shown(store, name)[:3], *(store.add(name, [say("d")])[0].text,)]
    assert_sound(store)


def test_the_branch_to_any_message_can_be_read(store: Store) -> None:
    """`branch` names a leaf or any message on the way; one that is not there is not found."""
    name = started(store, "a", "b", "c")
    store.add(name, [say("B", parent=1)])
    assert [["a"], ["a", "b"], ["a", "b", "c"], ["a", "B"]] == [shown(store, name, branch=n) for n in (1, 2, 3, 4)]
    assert ["b", "c"] == shown(store, name, branch=3, last=2)
    with pytest.raises(NotFoundError, match="has no message 9"):
        shown(store, name, branch=9)


def test_a_branch_that_goes_round_in_a_circle_has_an_end(store: Store) -> None:
    """In a damaged file each of its messages is read once."""
    name = started(store, "a", "b", "c")
    with store._pool.write() as connection:  # type: ignore[attr-defined]
        connection.execute("UPDATE messages SET parent_seq = 3 WHERE seq = 1")
    assert ["a", "b", "c"] == shown(store, name, branch=3)


def test_the_last_messages_are_those_of_the_active_path(store: Store) -> None:
    """`last` counts from the head back, in reading order; more than there are is all of them."""
    name = started(store, "a", "b", "c")
    store.add(name, [say("B", parent=1)])
    assert (["a", "B"], ["B"], []) == tuple(shown(store, name, last=n) for n in (9, 1, 0))


def test_the_last_of_a_branch_and_of_all_are_counted_alike(store: Store) -> None:
    """`last` means the same with a branch and with all branches: that many, and none for zero."""
    name = started(store, "a", "b", "c")
    assert ([], ["c"]) == (shown(store, name, branch=3, last=0), shown(store, name, branch=3, last=1))
    assert ([], ["c"]) == (
        shown(store, name, all_branches=True, last=0), shown(store, name, all_branches=True, last=1),
    )  # fmt: skip
    for ways in ({}, {"branch": 3}, {"all_branches": True}):
        with pytest.raises(UsageError):
            shown(store, name, last=-1, **ways)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.none() | st.integers(1, 12), min_size=1, max_size=12))
def test_the_active_path_is_that_of_the_head(parents: list[int | None]) -> None:
    """Whatever branches are made, the path read in one scan is the one the parents say, to the last message."""
    with fresh() as store:
        name = store.new().id
        links: dict[int, int | None] = {}
        for seq, parent in enumerate(parents, 1):
            follows = None if parent is None or seq == 1 else (parent - 1) % (seq - 1) + 1
            links[seq] = follows if follows is not None else (seq - 1 or None)
            store.add(name, [say(str(seq), parent=follows)])
        path, seq_on_path = [], len(parents)
        while seq_on_path:
            path.insert(0, seq_on_path)
            seq_on_path = links[seq_on_path] or 0
        assert path == seqs(list(store.messages(name)))
        assert {**links} == {seq: parent for seq, parent, _ in tree(store)}
        assert [] == stray_messages(store)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=8), st.integers(0, 7), st.integers(0, 4), st.integers(0, 4))
def test_neighbours_are_on_the_messages_own_path(parents: list[int], at: int, before: int, after: int) -> None:
    """Around a message stand its own ancestors and what follows it, whichever branch it is on."""
    with fresh() as store:
        name = store.new().id
        for seq, parent in enumerate(parents, 1):
            store.add(name, [say(str(seq), parent=None if seq == 1 else (parent - 1) % (seq - 1) + 1)])
        seq = at % len(parents) + 1
        found = store.around(name, seq, before=before, after=after)
        links = {each.seq: each.parent for each in found}
        place = seqs(found).index(seq)
        assert all(links[one] == other for other, one in zip(seqs(found), seqs(found)[1:], strict=False))
        ancestors = seqs(list(store.messages(name, branch=seq)))
        assert ancestors[max(0, len(ancestors) - 1 - before) :] == seqs(found)[: place + 1]
        assert len(found) - place - 1 <= after


def test_what_follows_on_the_active_path_is_the_active_path(store: Store) -> None:
    """Behind a message on the active path comes the active branch, not the newest one."""
    name = started(store, "a", "b")
    store.add(name, [say("B", parent=1)])
    store.add(name, [say("c", parent=2)])
    assert ["a", "b", "c"] == [each.text for each in store.around(name, 1, before=5, after=5)]
    assert ["a", "B"] == [each.text for each in store.around(name, 3, before=5, after=5)]


def test_neighbours_are_of_the_messages_own_conversation(store: Store) -> None:
    """Others have the same numbers, and other branches; of several that follow, off the active path, the latest do."""
    other = started(store, "u", "v")
    store.add(other, [say("w", parent=1), say("x", parent=3), say("y"), say("z", parent=2)])
    name = started(store, "a", "b", "c")
    store.add(name, [say("d", parent=2)])
    store.add(name, [say("B", parent=1), say("C")])
    paths = {seq: "".join(one.text for one in store.around(name, seq, before=5, after=5)) for seq in range(1, 7)}
    assert {1: "aBC", 2: "abd", 3: "abc", 4: "abd", 5: "aBC", 6: "aBC"} == paths
    assert ["d", "B", "C"] == shown(store, name, last=3, all_branches=True)


def test_a_long_conversation_is_read_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page nothing is lost or doubled, on the path, on a branch and in the whole tree."""
    monkeypatch.setattr(message_rows, "PAGE", 3)
    texts = [str(number) for number in range(1, 11)]
    name = started(store, *texts)
    store.add(name, [say("branch", parent=5)])
    assert [*texts[:5], "branch"] == shown(store, name)
    assert texts == shown(store, name, branch=10)
    assert [*texts, "branch"] == shown(store, name, all_branches=True)
    assert [*texts, "branch"] == [hit.message.text for hit in store.scan()]


def test_reading_holds_no_lock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody stands in the middle of a conversation, others write, and the reader sees the rest."""
    monkeypatch.setattr(message_rows, "PAGE", 2)
    name = started(store, "a", "b", "c")
    reading = store.messages(name)
    assert "a" == next(reading).text
    with opened(store.info()["path"]) as other:
        other.add(name, [say("d")])
    assert ["b", "c", "d"] == [message.text for message in reading]


# keys and revisions


def test_a_key_makes_adding_safe_to_retry(store: Store) -> None:
    """The same call again returns what was stored then, and writes nothing."""
    name = started(store, "a")
    first = store.add(name, [say("b", key="k"), say("c", "assistant")])
    store.add(name, [say("d")])
    with unwritten(store):
        assert first == store.add(name, [say("b", key="k"), say("c", "assistant")])
    assert ["a", "b", "c", "d"] == shown(store, name)


def test_a_retry_needs_no_fresh_revision(store: Store) -> None:
    """A retried call whose first try came through is answered, though the revision has moved on since."""
    name = started(store, "a")
    revision = store.get(name).revision
    first = store.add(name, [say("b", key="k")], if_revision=revision)
    assert first == store.add(name, [say("b", key="k")], if_revision=revision)


@pytest.mark.parametrize(
    "again", [[say("other", key="k")], [say("b", "assistant", key="k")], [say("b", key="k"), say("x")]]
)
def test_a_key_for_something_else_is_a_conflict(store: Store, again: list[MessageDraft]) -> None:
    """A key stands for what was stored with it, and nothing is written for anything else."""
    name = started(store, "a")
    store.add(name, [say("b", key="k"), say("c")])
    with unwritten(store), pytest.raises(ConflictError, match="was used for another message"):
        store.add(name, again)


@pytest.mark.parametrize("name", ["author", "model", "source_id", "key"])
def test_what_is_no_text_is_refused(store: Store, name: str) -> None:
    """A field that is no text is refused: a search that met it would fail, and an erasure could prove nothing."""
    conversation = store.new().id
    with unwritten(store), pytest.raises(UsageError):
        store.add(conversation, [say("a", **{name: b"bytes"})])


def test_a_part_of_text_without_text_is_refused(store: Store) -> None:
    """A text part whose content is none would be exported, and refused by the next import."""
    conversation = store.new().id
    parts = ({"type": "text", "content": 5}, {"type": "text", "content": "five"})
    with unwritten(store), pytest.raises(UsageError):
        store.add(conversation, [MessageDraft(role="user", parts=parts)])


@pytest.mark.parametrize("batch", [[say("x"), say("b", key="k")], [say("x", key="n"), say("y", key="n")]])
def test_a_key_behind_the_first_is_no_crash(store: Store, batch: list[MessageDraft]) -> None:
    """A key that is taken already, or given twice, is a conflict wherever in the call it stands."""
    name = started(store, "a")
    store.add(name, [say("b", key="k")])
    with pytest.raises(ConflictError):
        store.add(name, batch)
    assert ["a", "b"] == shown(store, name)


def test_a_source_id_that_is_here_already_is_a_conflict(store: Store) -> None:
    """A message of a source stands once in a conversation; adding it again is no crash and writes nothing."""
    name = store.new(messages=[say("a", source_id="s")]).id
    with pytest.raises(ConflictError):
        store.add(name, [say("b", source_id="s")])
    assert ["a"] == shown(store, name)


@pytest.mark.parametrize("time", ["2026-01-31", "2026-01-31T10:00:00+01:00", "yesterday", ""])
def test_a_time_is_kept_in_the_one_form_or_refused(store: Store, time: str) -> None:
    """A caller's time of another form becomes ours, or is a usage error: times are compared as text."""
    name = started(store, "a")
    try:
        (added,) = store.add(name, [say("b", created_at=time)])
    except UsageError:
        return
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", added.created_at)


def test_keys_are_each_conversations_and_users_own(store: Store) -> None:
    """The same key may be used in another conversation and by another user."""
    one, other = started(store, "a"), started(store, "a")
    store.add(one, [say("b", key="k")])
    store.add(other, [say("different", key="k")])
    with opened(store.info()["path"], "bob") as bob:
        assert 1 == bob.new(messages=[say("mine", key="k")]).messages
    assert ["a", "different"] == shown(store, other)


def test_a_stale_revision_adds_nothing(store: Store) -> None:
    """Of two who read the same revision, the second to add has to read again."""
    name = started(store, "a")
    revision = store.get(name).revision
    store.add(name, [say("one")], if_revision=revision)
    with unwritten(store), pytest.raises(ConflictError, match=f"is at revision {revision + 1}, not {revision}"):
        store.add(name, [say("two")], if_revision=revision)
    assert ["a", "one"] == shown(store, name)


# read


@pytest.mark.parametrize("seq", [0, 2, -1, 2**63, 10**30])
def test_a_message_that_is_not_there_is_not_found(store: Store, seq: int) -> None:
    """Any number that no message has is not found, a huge one too."""
    name = started(store, "a")
    for use in (lambda: store.message(name, seq), lambda: store.around(name, seq, before=1, after=1)):
        with pytest.raises(NotFoundError):
            use()


def test_a_trashed_conversation_is_read_by_its_id_only(store: Store) -> None:
    """What lies in the trash can be looked at and exported, not found by chance, and not added to."""
    name = started(store, "a")
    store.delete([name])
    assert ["a"] == [message.text for message in store.messages(name)]
    for attempt in (lambda: store.get(name), lambda: store.add(name, [say("b")])):
        with pytest.raises(NotFoundError):
            attempt()


def test_the_hash_can_be_verified(store: Store) -> None:
    """A stored message's sha256 is that of its role and parts."""
    name = store.new(messages=[say("a"), say("b", "tool", parts=(CALL,))]).id
    expected = [content_hash(message.role, message.all_parts()).hex() for message in store.messages(name)]
    assert expected == [message.sha256 for message in store.messages(name)]


@pytest.mark.parametrize(
    ("filters", "hidden", "expected"),
    [
        ({}, False, ["a", "b", "c", "d"]),
        ({}, True, ["a", "b", "c", "d", "secret"]),
        ({"role": "assistant"}, False, ["b", "d"]),
        ({"author": "ANA"}, False, ["c"]),
        ({"model": "gpt"}, False, ["b"]),
        ({"model": "sonnet"}, False, ["c", "d"]),
        ({"since": "2026-06-01T00:00:00.000Z"}, False, ["a", "b", "c"]),
        ({"until": "2026-06-01T00:00:00.000Z"}, False, ["d"]),
        ({"source": "chatgpt"}, False, ["c", "d"]),
        ({"tags": ("work",)}, False, ["a", "b"]),
    ],
)
def test_a_scan_yields_what_the_filters_let_through(
    store: Store, filters: dict[str, Any], hidden: bool, expected: list[str]
) -> None:
    """Messages are judged by role, author, model and time, conversations by the rest; hidden ones only when asked."""
    store.new(ConversationDraft(tags=("work",)), [say("a"), say("b", "assistant", model="gpt-5")])
    imported = [say("c", author="Ana", source_id="1"),
                say("d", "assistant", source_id="2", created_at="2026-01-31T10:00:00.000Z"),
                say("secret", hidden=True, source_id="3")]  # fmt: skip
    store.ingest("chatgpt", of("c", imported, model="claude-sonnet", created_at="2026-07-01T00:00:00.000Z"))
    found = store.scan(Filters(**filters), hidden=hidden)
    assert expected == sorted(hit.message.text for hit in found)


def test_a_scan_begins_with_the_newest_conversation(store: Store, clock: Clock) -> None:
    """Conversations come the latest first, each hit with its title, its messages in order."""
    store.new(ConversationDraft(title="old"), [say("a"), say("b")])
    clock.tick()
    store.new(ConversationDraft(title="new"), [say("c")])
    assert [("new", "c"), ("old", "a"), ("old", "b")] == [(hit.title, hit.message.text) for hit in store.scan()]


def test_seqs_are_never_given_twice(store: Store) -> None:
    """A number whose message was removed stays unused."""
    name = started(store, "a", "b")
    with raw(store) as connection:
        connection.execute("DELETE FROM messages WHERE seq = 2")
        connection.execute("UPDATE conversations SET head_seq = 1")
    assert [3] == seqs(store.add(name, [say("c")]))
    assert [(1, None, "a"), (3, 1, "c")] == tree(store, only(store))


def test_imported_messages_can_be_gone_on_from(store: Store) -> None:
    """A local message follows the imported head, and has no source id."""
    store.ingest("chatgpt", of("c", talk("a", "b")))
    (added,) = store.add(only(store), [say("c")])
    assert (3, 2, None) == (added.seq, added.parent, added.source_id)


def test_parts_alone_have_their_words(store: Store) -> None:
    """An answer that is given as parts is found, shown and sent like one that is given as text."""
    name = store.new().id
    parts = (
        {"type": "text", "content": "final zebra"},
        {"type": "uri", "uri": "https://x"},
        {"type": "text", "content": "b"},
    )
    added = store.add(name, [MessageDraft(role="assistant", parts=parts)])[0]
    assert ("final zebra\n\nb", parts) == (added.text, added.parts)
    assert 1 == len(search_messages(store, "zebra").items)


@pytest.mark.parametrize(
    "facts", [{"text": 5}, {"parts": ("words",)}, {"parts": ({1: "one"},)}, {"parts": ({"type": "x", "a": {2: 1}},)}]
)
def test_what_json_cannot_hold_is_refused(store: Store, facts: dict[str, Any]) -> None:
    """What JSON cannot hold, or is no text, is a UsageError like any other wrong input."""
    name = store.new().id
    with pytest.raises(UsageError):
        store.add(name, [MessageDraft(role="user", **facts)])
    assert [] == list(store.messages(name))


def test_each_message_of_a_call_may_begin_a_branch(store: Store) -> None:
    """Every parent counts, of the same call's messages too; the last message's path is the active one."""
    name = store.new(messages=[say("one"), say("two")]).id
    drafts = [say("again", parent=1), say("after it"), say("once more", parent=1), say("under it", parent=4)]
    assert [1, 3, 1, 4] == [message.parent for message in store.add(name, drafts)]
    assert [1, 3, 4, 6] == [message.seq for message in store.messages(name)]
    with pytest.raises(NotFoundError):
        store.add(name, [say("in line"), say("nowhere", parent=99)])
    assert 6 == len(list(store.messages(name, all_branches=True)))
    assert_sound(store)
