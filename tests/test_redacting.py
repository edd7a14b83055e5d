"""Redaction in place: what is carried out is done to what is there by then, and loses nothing but secrets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import chatlog
from chatlog import ConversationDraft, MessageDraft, outgoing, redacting
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.store.memories import MemoryDraft
from chatlog.store.sources import FileState, SeenFile
from chatlog.store.sqlite.redactions import SqliteRedactions
from chatlog.store.summaries import SummaryDraft

MAIL = "joe@example.org"
MARK = "[REDACTED:email]"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Return a store in which nothing was said yet."""
    with chatlog.open(tmp_path / "chats.db", create=True) as opened:
        yield opened


def test_what_is_written_after_the_plan_is_kept(store: Store) -> None:
    """State, title and memories of another process stay what they are by then, without the secrets."""
    name = store.new(ConversationDraft(title=f"of {MAIL}"), [MessageDraft(role="user", text="hello")]).id
    store.change(name, {"state": {"contact": MAIL, "step": 1}})
    store.memories.set(MemoryDraft("contact", MAIL))
    planned = redacting.plan(store, [store.get(name)], Redactor(["email"]), memories=True)
    store.change(name, {"state": {"contact": MAIL, "step": 2}, "title": "better"})
    store.memories.set(MemoryDraft("contact", f"not {MAIL} any more"))
    redacting.apply(store, planned)
    found = store.get(name)
    assert ({"contact": MARK, "step": 2}, "better") == (found.state, found.title)
    assert f"not {MARK} any more" == store.memories.get("contact").value


def test_what_was_not_redacted_can_still_change(store: Store) -> None:
    """An import that has a newer version of a message beside a redacted one brings it."""
    header = ConversationDraft(source_id="c")
    said = [
        MessageDraft(role="user", text=f"ask {MAIL}", source_id="m1"),
        MessageDraft(role="user", text="hello", source_id="m2", parent="m1"),
    ]
    store.ingest("chatgpt", [header, *said])
    (found,) = store.conversations().items
    redacting.apply(store, redacting.plan(store, [found], Redactor(["email"])))
    store.ingest("chatgpt", [header, said[0], said[1]._replace(text="hello again")])
    assert [f"ask {MARK}", "hello again"] == [message.text for message in store.messages(found.id)]


def test_a_file_that_is_called_as_what_was_found_is_forgotten(store: Store) -> None:
    """Else its name keeps what the title lost; others are not read again for it."""
    name = store.new(ConversationDraft(title=MAIL)).id
    named = [
        SeenFile(path=f"/{name}", state=FileState(1, 1), read_ns=1, reader="")
        for name in (f"{MAIL}.md", f"a {MAIL}.json", "b.md")
    ]
    store.sources.remember(named)
    assert redacting.apply(store, redacting.plan(store, [store.get(name)], Redactor(["email"])))
    assert ["/b.md"] == [*store.sources.all()]


def test_a_summary_made_after_the_plan_is_redacted(store: Store) -> None:
    """It was made of the words that go, and is to be counted anew."""
    name = store.new(messages=[MessageDraft(role="user", text=f"Write to {MAIL}")]).id
    planned = redacting.plan(store, [store.get(name)], Redactor(["email"]))
    summary = SummaryDraft("rolling", 1, 1, f"wrote to {MAIL}", 5, "test", None, [*store.messages(name)])
    store.summaries.add(name, [summary])
    redacting.apply(store, planned)
    assert [(f"wrote to {MARK}", None)] == [(made.text, made.tokens) for made in store.summaries.all(name)]


def test_what_a_plan_takes_is_named(store: Store) -> None:
    """Also a conversation of which only a summary, or the state, holds something; text and parts say it once."""
    message = MessageDraft(role="user", text="Write to her")
    summarised, stated, clean = (store.new(messages=[message]).id for _ in range(3))
    made = SummaryDraft("rolling", 1, 1, f"wrote to {MAIL}", 5, "test", None, [*store.messages(summarised)])
    store.summaries.add(summarised, [made])
    store.change(stated, {"state": {"contact": MAIL}})
    parts = ({"type": "text", "content": f"to {MAIL}"}, {"type": "tool_call", "id": "1", "name": "send"})
    parted = store.new(messages=[MessageDraft(role="assistant", text=f"to {MAIL}", parts=parts)]).id
    chosen = [store.get(name) for name in (summarised, stated, parted, clean)]
    found = redacting.plan(store, chosen, Redactor(["email"]))
    once = {"email": 1}
    assert {summarised: once, stated: once, parted: once} == {name: item.kinds for name, item in found.items.items()}


def test_one_that_is_killed_half_way_is_audited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it replaced is gone; that somebody redacted stands in the audit trail, once."""
    name = store.new(messages=[MessageDraft(role="user", text=f"{number} {MAIL}") for number in range(3)]).id
    planned = redacting.plan(store, [store.get(name)], Redactor(["email"]))
    monkeypatch.setattr(redacting, "BATCH", 1)
    batches = iter([True])

    def replace(self: SqliteRedactions, changes: Any) -> Any:
        if not next(batches, False):
            raise KeyboardInterrupt
        return whole(self, changes)

    whole = SqliteRedactions.replace
    monkeypatch.setattr(SqliteRedactions, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        redacting.apply(store, planned)
    assert redacting.finish(store)
    assert [("redact", 1, 3)] == [line[3:6] for line in store.forgetting.audit(9)]


def test_what_was_put_on_hold_after_the_plan_stays(store: Store) -> None:
    """Neither its title, its tags nor what it shares with another conversation is touched, and that is said."""
    said = [MessageDraft(role="user", text=f"from {MAIL}")]
    other = store.new(ConversationDraft(title="theirs"), said).id
    name = store.fork(other, title=f"of {MAIL}").id
    store.tag([name], add=[MAIL])
    planned = redacting.plan(store, [store.get(name)], Redactor(["email"]))
    store.forgetting.hold(name, "case 7")
    redacting.apply(store, planned)
    assert (f"of {MAIL}", (MAIL,)) == (store.get(name).title, store.get(name).tags)
    assert [f"from {MAIL}"] * 2 == [message.text for each in (name, other) for message in store.messages(each)]
    assert {name: redacting.HELD} == planned.skipped


def test_the_summaries_of_a_fork_are_redacted_with_what_it_shares(store: Store) -> None:
    """They were made of it, and are counted; those of another conversation stay."""
    said = [MessageDraft(role="user", text=f"from {MAIL}")]
    name, other = (store.new(messages=said[:count]).id for count in (1, 0))
    store.add(other, [MessageDraft(role="user", text=f"to {MAIL}")])
    child = store.fork(name).id
    for each in (name, child, other):
        store.summaries.add(
            each, [SummaryDraft("rolling", 1, 1, f"It is {MAIL}", 5, "test", None, [*store.messages(each)])]
        )
    planned = redacting.plan(store, [store.get(name)], Redactor(["email"]))
    redacting.apply(store, planned)
    assert {name: {"email": 3}, child: {"email": 3}} == {each: item.kinds for each, item in planned.items.items()}
    told = [store.summaries.latest(each)["rolling"].text for each in (name, child, other)]
    assert [f"It is {MARK}", f"It is {MARK}", f"It is {MAIL}"] == told


def test_only_what_changes_is_another_revision(store: Store) -> None:
    """It is to be counted anew; another conversation and another user's of the same id are as they were."""
    theirs = store.for_user("ana")
    one = theirs.new(ConversationDraft(title=MAIL), [MessageDraft(role="user", text=MAIL)]).id
    theirs.memories.set(MemoryDraft("contact", MAIL))
    store.new(ConversationDraft(id=one), [MessageDraft(role="user", text=MAIL)])
    other = store.new(messages=[MessageDraft(role="user", text="hello")]).id
    store.change(one, {"title": f"of {MAIL}"})
    for name in (one, other):
        store.measures.count(name, "o200k_base", lambda message: len(message.text))
    others = [store.get(other), *theirs.redactions.conversations(), *theirs.memories.all()]
    before = store.get(one)
    planned = redacting.plan(store, store.redactions.conversations(), Redactor(["email"]), memories=True)
    redacting.apply(store, planned)
    assert before._replace(revision=before.revision + 2, tokens=None, title=f"of {MARK}") == store.get(one)
    assert others == [store.get(other), *theirs.redactions.conversations(), *theirs.memories.all()]


def test_a_memory_keeps_its_key_beside_those_of_others(store: Store) -> None:
    """Only keys of its user and namespace are taken."""
    theirs = store.for_user("ana")
    for kept, namespace in ((theirs, ""), (store, "home")):
        kept.memories.set(MemoryDraft(MARK, "taken", namespace))
    store.memories.set(MemoryDraft(MAIL, "mine"))
    redacting.apply(store, redacting.plan(store, [], Redactor(["email"]), memories=True))
    assert {("", MARK), ("home", MARK)} == {(memory.namespace, memory.key) for memory in store.memories.all()}


@pytest.mark.parametrize("places", [[("", MAIL), ("", "ann@example.org")], [(MAIL, "x"), ("ann@example.org", "x")]])
def test_two_memories_whose_place_becomes_the_same(store: Store, places: list[tuple[str, str]]) -> None:
    """By their keys or by their namespaces: the second one's key gets a number."""
    for namespace, key in places:
        store.memories.set(MemoryDraft(key, "kept", namespace))
    redacting.apply(store, redacting.plan(store, [], Redactor(["email"]), memories=True))
    one, other = store.memories.all()
    assert (one.namespace, f"{one.key} 2") == (other.namespace, other.key)


def test_one_conversation_is_redacted_without_memories(store: Store) -> None:
    """They are nobody's but the user's."""
    name = store.new(ConversationDraft(title=MAIL)).id
    store.memories.set(MemoryDraft("contact", MAIL))
    redacting.apply(store, redacting.plan(store, [store.get(name)], Redactor(["email"])))
    assert (MARK, MAIL) == (store.get(name).title, store.memories.get("contact").value)


def test_only_what_came_redacted_comes_so_again(store: Store) -> None:
    """Neither other conversations, nor another user's or source's of the same name."""
    theirs = store.for_user("ana")
    said = [ConversationDraft(source_id="c"), MessageDraft(role="user", text="hello", source_id="m")]
    for each, source in ((store, "chatgpt"), (store, "codex"), (theirs, "chatgpt")):
        each.ingest(source, said)
    one, other = (page.id for page in store.conversations(sort="created:asc").items)
    store.redactions.note_came_redacted([one])
    asked = [(store, one), (store, other), (theirs, one)]
    assert [True, False, False] == [each.redactions.came_redacted("chatlog", name) for each, name in asked]
    for name, is_message in (("c", False), ("m", True)):
        came = [
            each.redactions.came_redacted(source, name, is_message=is_message)
            for each, source in ((store, "chatgpt"), (store, "codex"), (theirs, "chatgpt"))
        ]
        assert [True, False, False] == came
    assert (True, False) == (store.redactions.any_came_redacted(), theirs.redactions.any_came_redacted())


def test_what_is_no_secret_of_a_message_stays(store: Store) -> None:
    """Its author, parts and metadata."""
    parts = ({"type": "text", "content": f"for {MAIL}"}, {"type": "reasoning", "content": "well"})
    said = MessageDraft(role="assistant", text=f"for {MAIL}", parts=parts, author="Ann", metadata={"usage": {"in": 7}})
    name = store.new(messages=[said]).id
    redacting.apply(store, redacting.plan(store, [store.get(name)], Redactor(["email"])))
    (found,) = store.messages(name)
    assert ("Ann", {"usage": {"in": 7}}, f"for {MARK}") == (found.author, found.metadata, found.text)
    assert ({**parts[0], "content": f"for {MARK}"}, parts[1]) == found.parts


def test_one_without_room_for_the_file_anew_is_not_finished(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old bytes may still be in its gaps; the next one with room finishes it."""
    name = store.new(ConversationDraft(title=MAIL)).id
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=0))
        assert not redacting.apply(store, redacting.plan(store, [store.get(name)], Redactor(["email"])))
        assert redacting.unfinished(store)
    assert redacting.finish(store)
    assert not redacting.unfinished(store)


def test_names_are_redacted(store: Store) -> None:
    """Tags, the namespace, key and tags of a memory, the name of an attachment; what it holds is no text."""
    blob = {"type": "blob", "mime_type": "text/plain", "content": MAIL, "name": f"{MAIL} 1"}
    name = store.new(ConversationDraft(tags=(MAIL, "work")), [MessageDraft(role="user", parts=(blob,))]).id
    for key in (MAIL, "jane@example.org", MARK):
        store.memories.set(MemoryDraft(key, 1, namespace=f"of {MAIL}" if key != MARK else f"of {MARK}", tags=(MAIL,)))
    assert redacting.apply(store, redacting.plan(store, [store.get(name)], Redactor(["email"]), memories=True))
    assert (MARK, "work") == store.get(name).tags
    assert ({**blob, "name": f"{MARK} 1"},) == next(store.messages(name)).parts
    assert {f"{MARK} 3", f"{MARK} 2", MARK} == {memory.key for memory in store.memories.all(f"of {MARK}", [MARK])} | {
        MARK
    }
    assert 3 == len(list(store.memories.all(f"of {MARK}")))


def test_a_title_that_was_cut_within_a_secret_keeps_no_piece_of_it(store: Store) -> None:
    """In place it is made anew of what the message says now; on the way out the piece of a word is left out."""
    said = f"{'Some words that nearly fill the room of a title, and then the address '} zelda.quux@example.com"
    name = store.new(messages=[MessageDraft(role="user", text=said)]).id
    assert "zelda" in (store.get(name).title or "")
    seen = outgoing.view(store, Redactor())
    assert "zelda" not in (seen.get(name).title or "")
    assert redacting.apply(store, redacting.plan(store, [store.get(name)], Redactor()))
    assert "zelda" not in (store.get(name).title or "")
    assert (store.get(name).title or "").startswith("Some words that nearly")
