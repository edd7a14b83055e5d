"""Tests of what ``droid exec`` prints: events as messages, what a run used, and damage."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import build, droid
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, links, messages, said, source_of

FIXTURE = DATA / "droid" / "stream.jsonl"
COMPLETION = {"type": "completion", "sessionId": "e", "finalText": "Done", "usage": {"input_tokens": 1}, "id": "end"}


def fixture() -> list[Record]:
    return checked(droid.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def test_facts_of_a_stream() -> None:
    """The conversation is one of its own beside the session, with the model and the folder."""
    expected = ConversationDraft(
        source_id="exec-e-1",
        created_at="2026-01-07T19:04:00.310Z",
        model="claude-opus-4-7",
        project="/home/me/app",
        head="m4",
        metadata={"tools": ["Execute"], "reasoning_effort": "high"},
    )
    assert expected == conversations(fixture())[-1]


def test_messages_in_a_chain() -> None:
    """Each event is a message behind the one before; one that is printed twice is there once."""
    expected = ["m1", "r1", "c1-call", "c1-result", "m4"]
    assert list(zip(expected, [None, *expected], strict=False)) == links(fixture())
    assert {LeftOut("repeated events", 1), LeftOut("progress events", 1)} == {
        record for record in fixture() if isinstance(record, LeftOut)
    }


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("m1", "text", "List the files"),
        ("m1", "parts", (build.text("<system-reminder>\nBe safe.\n</system-reminder>\n\nList the files"),)),
        ("m1", "model", None),
        ("r1", "parts", (build.reasoning("Thinking hard."),)),
        ("c1-call", "parts", (build.tool_call("c1", "Execute", {"command": "ls"}),)),
        ("c1-call", "metadata", {"messageId": "m2"}),
        ("c1-result", "role", "tool"),
        ("c1-result", "parts", ({**build.tool_result("c1", "no", is_error=True), "name": "Execute"},)),
        ("m4", "model", "claude-opus-4-7"),
        ("m4", "created_at", "2026-01-07T19:04:04.000Z"),
        ("m4", "metadata", {"numTurns": 1, "durationMs": 4000, "usage": {"input_tokens": 10, "output_tokens": 5}}),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """Messages keep their words and facts; what a run used is told of its last answer."""
    assert value == getattr(message(key), field)


def test_an_answer_that_only_the_completion_tells() -> None:
    """It is a message; that it came before, or that there is none, makes no other."""
    asked = {"type": "message", "sessionId": "e", "role": "user", "text": "Hi.", "id": "m1"}
    records = checked(droid.read(source_of(json_lines(asked, COMPLETION))))
    assert [("user", "Hi."), ("assistant", "Done")] == said(records)
    assert {"usage": {"input_tokens": 1}} == messages(records)[-1].metadata
    silent = checked(droid.read(source_of(json_lines(asked, {**COMPLETION, "finalText": ""}))))
    assert [{"usage": {"input_tokens": 1}}] == [made.metadata for made in messages(silent)]


def test_two_sessions_in_one_stream() -> None:
    """Each is a conversation."""
    other = {**COMPLETION, "sessionId": "f"}
    records = checked(droid.read(source_of(json_lines(COMPLETION, other))))
    assert ["exec-e", "exec-e", "exec-f", "exec-f"] == [made.source_id for made in conversations(records)]


def test_sniff() -> None:
    """A stream is known by an event that only droid prints; Claude Code's begins the same."""
    assert droid.sniff(head_of(file_source(FIXTURE)))
    begun = {"type": "system", "subtype": "init", "session_id": "e", "cwd": "/"}
    for other in (
        begun,
        {"type": "message", "role": "user", "content": "Hi."},
        {"type": "completion", "finalText": "x"},
    ):
        assert not droid.sniff(head_of(source_of(json_lines(other))))
