"""Tests of droid's sessions: links, reminders, tools, and damage."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import build, droid
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, links, messages, said, sample, source_of

FIXTURE = DATA / "droid" / "session.jsonl"
REAL = "other_agents/jazzyalex__agent-sessions__droid_session_store_large.jsonl"


def fixture() -> list[Record]:
    return checked(droid.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def test_facts_of_a_session() -> None:
    """The session keeps its id, the better of its titles, its folder and the rest; its last message is active."""
    expected = ConversationDraft(
        source_id="d-1",
        title="A better title",
        project="/home/me/app",
        head="m5",
        metadata={"owner": "me", "version": 2},
    )
    assert expected == conversations(fixture())[-1]


def test_links() -> None:
    """The session itself is no parent, an entry between is passed over, a second answer is a branch."""
    assert [("m1", None), ("m2", "m1"), ("m3", "m2"), ("m4", "m3"), ("m5", "m3")] == links(fixture())


def test_a_parent_that_is_not_here() -> None:
    """An entry whose parent is on a line that is lost follows the one before it; the session is a root."""
    start = {"type": "session_start", "id": "d"}
    rows = [
        {"type": "message", "id": key, "parentId": parent, "message": {"role": "user", "content": key}}
        for key, parent in (("a", "gone"), ("b", "lost"), ("c", "b"), ("e", "d"))
    ]
    found = checked(droid.read(source_of(json_lines(start, *rows))))
    assert [("a", None), ("b", "a"), ("c", "b"), ("e", None)] == links(found)


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("m1", "hidden", True),
        ("m1", "metadata", {"hidden_reason": "system_reminder"}),
        ("m2", "role", "user"),
        ("m2", "text", "Run it"),
        ("m2", "parts", (build.text("<system-reminder>x</system-reminder>"), build.text("Run it"))),
        ("m2", "created_at", "2025-12-26T00:10:01.000Z"),
        ("m3", "role", "assistant"),
        ("m3", "parts", (build.reasoning("Hm.", signature="s"), build.tool_call("t1", "Execute", {"command": "ls"}))),
        ("m4", "role", "tool"),
        ("m4", "parts", (build.tool_result("t1", "no", is_error=True),)),
        ("m5", "text", "Another way."),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """Messages keep their words, thoughts, calls and results; what droid put before a prompt is not its text."""
    assert value == getattr(message(key), field)


def test_other_entries_are_counted() -> None:
    """An entry that is no message is counted by its kind."""
    assert LeftOut("todo_state entries", 1) == fixture()[-1]


def test_sniff() -> None:
    """A session is known by the entry that starts it."""
    assert droid.sniff(head_of(file_source(FIXTURE)))
    assert not droid.sniff(head_of(source_of(json_lines({"type": "session", "id": "a"}))))
    assert not droid.sniff(head_of(source_of('{"type": "session_start"}')))


def test_a_broken_entry_loses_only_itself() -> None:
    """An entry that cannot be read is told with its place."""
    start = {"type": "session_start", "id": "d"}
    records = checked(droid.read(source_of(json_lines(start, {"type": "message", "id": "a"}, [1]))))
    assert ["line 2", "line 3"] == [record.place for record in records if isinstance(record, Problem)]


def test_a_real_session() -> None:
    """The sample's seven messages are read, which the manifest does not count."""
    records = checked(droid.read(file_source(sample(REAL))))
    assert ["user", "assistant", "assistant", "tool", "assistant", "user", "assistant"] == [
        role for role, _ in said(records)
    ]
