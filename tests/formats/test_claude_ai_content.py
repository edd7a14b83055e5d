"""Tests of what one Claude.ai message says: every kind of block and file, against where it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatlog.formats import build, claude_ai
from chatlog.formats.source import file_source
from chatlog.models import LeftOut, MessageDraft

from .making import DATA, fact, messages, part, source_of, text

FIXTURE = DATA / "claude_ai" / "every_feature.json"


@pytest.fixture(scope="module")
def kept() -> dict[str | None, MessageDraft]:
    return {message.source_id: message for message in messages(claude_ai.read(file_source(FIXTURE)))}


def said(*blocks: Any, **facts: Any) -> MessageDraft:
    """Return the only message of a conversation, made of blocks."""
    row = {"uuid": "m", "sender": "assistant", "text": "", "content": list(blocks), **facts}
    data = json.dumps([{"uuid": "c", "chat_messages": [row]}])
    return messages(claude_ai.read(source_of(data, "conversations.json")))[0]


THINKING = {
    "type": "reasoning",
    "content": "Iron or steel?",
    "summaries": [{"summary": "Weighing metals"}],
    "signature": "sig==",
    "start_timestamp": "2025-06-15T15:00:20Z",
    "stop_timestamp": "2025-06-15T15:00:22Z",
}
SEARCH = {
    "type": "tool_call",
    "id": "answer-2",
    "name": "web_search",
    "arguments": {"query": "pans"},
    "message": "Searching the web",
    "integration_name": "Web",
}
PAGE = {
    "type": "knowledge",
    "title": "Pans",
    "url": "https://example.com/pans",
    "text": "Pans are round.",
    "is_missing": False,
}
FOUND = {
    "type": "tool_call_response",
    "id": "answer-2",
    "response": [PAGE],
    "name": "web_search",
    "display_content": {"type": "rich_content"},
}
FAILED = {
    "type": "tool_call_response",
    "id": "answer-3",
    "response": [{"type": "text", "text": "ZeroDivisionError", "uuid": "t-1"}],
    "name": "repl",
    "is_error": True,
}
ARTIFACT = {
    "id": "recipe",
    "command": "create",
    "type": "text/markdown",
    "title": "Recipe",
    "content": "# Fry gently",
}
CITED = {
    "uuid": "c-1",
    "start_index": 0,
    "end_index": 5,
    "details": {"type": "web_search_citation", "url": "https://example.com/pans"},
}
PASTED = {
    "type": "file",
    "name": "paste.txt",
    "file_size": 24,
    "file_type": "txt",
    "content": "pasted words about pans",
}
UNNAMED = {"type": "file", "file_id": "a-2", "mime_type": "text/markdown", "file_size": 5, "content": "# Hob"}
HOB = {"type": "file", "file_id": "f-2", "name": "hob.png", "file_kind": "image"}
OLD_TEXT = 'Cast iron.\n\n<antArtifact identifier="x">pan</antArtifact>'
MATRIX: list[tuple[str, str, Callable[[MessageDraft], Any], Any]] = [
    ("sender human", "question", lambda message: message.role, "user"),
    ("sender assistant", "answer", lambda message: message.role, "assistant"),
    ("sender of another kind", "late-id", fact("sender"), "tool_runner"),
    ("created_at", "question", lambda message: message.created_at, "2025-06-15T15:00:10.000Z"),
    ("updated_at where it differs", "answer", fact("updated_at"), "2025-06-15T15:00:21.000000Z"),
    ("updated_at where it does not", "question", fact("updated_at"), None),
    ("start_timestamp of the first block", "question", fact("start_timestamp"), "2025-06-15T15:00:10Z"),
    ("stop_timestamp of the last block", "answer", fact("stop_timestamp"), "2025-06-15T15:00:30Z"),
    ("model of a message", "late-id", lambda message: message.model, "claude-sonnet-4"),
    ("stop_reason", "answer", fact("stop_reason"), "stop_sequence"),
    ("input_mode", "question", fact("input_mode"), "voice"),
    ("sync_sources", "question", fact("sync_sources"), [{"uuid": "s-1"}]),
    ("text blocks, not the flat text", "answer", text, "Let me look.\n\nSteel, then.\n\nNote\n\nspoken words"),
    ("citations of a text", "answer", part(9), {"type": "text", "content": "Steel, then.", "citations": [CITED]}),
    ("thinking", "answer", part(0), THINKING),
    ("tool_use without an id", "answer", part(2), SEARCH),
    ("tool_result without an id", "answer", part(4), FOUND),
    ("tool_result that failed", "answer", part(5), FAILED),
    (
        "artifact",
        "answer",
        part(6),
        {"type": "tool_call", "id": "toolu_1", "name": "artifacts", "arguments": ARTIFACT},
    ),
    ("tool_result with an id", "answer", lambda message: (message.parts or ())[7]["id"], "toolu_1"),
    (
        "block of another kind",
        "answer",
        part(8),
        {"type": "voice_note", "title": "Note", "text": "spoken words"},
    ),
    ("attachment with its text", "question", part(1), PASTED),
    ("attachment without a name", "question", part(2), UNNAMED),
    ("file", "question", part(3), {"type": "file", "file_id": "f-1", "name": "pan.jpg"}),
    ("file without a name", "question", part(4), {"type": "file"}),
    ("file of files_v2 alone", "question", part(5), HOB),
    ("file of both lists comes once", "question", lambda message: len(message.parts or ()), 6),
    ("flat text where the blocks are empty", "flat", text, "Only here"),
    ("flat text alone needs no parts", "flat", lambda message: message.parts, None),
    ("placeholder of a kept block", "only-a-tool", text, ""),
    ("JSON text as input", "only-a-tool", lambda message: (message.parts or ())[0]["arguments"], {"path": "/a"}),
    ("placeholder of a lost block: read", "lost", text, "Done."),
    ("placeholder of a lost block: kept", "lost", lambda m: "not supported" in (m.parts or ())[0]["content"], True),
    ("antThinking is not read", "old", text, OLD_TEXT),
    (
        "antThinking is reasoning",
        "old",
        part(0),
        {"type": "reasoning", "content": "Short is best.", "tag": "antThinking"},
    ),
    ("a stopped answer", "stopped", lambda message: (message.text, message.parts, message.hidden), ("", None, False)),
    (
        "an id that only the result has",
        "late-id",
        lambda message: [p["id"] for p in (message.parts or ())[:2]],
        ["toolu_9"] * 2,
    ),
    (
        "a result without a call",
        "late-id",
        part(2),
        {"type": "tool_call_response", "id": "late-id-2", "response": "orphan"},
    ),
]


@pytest.mark.parametrize(("feature", "message", "where", "expected"), MATRIX, ids=[row[0] for row in MATRIX])
def test_fidelity(
    feature: str,
    message: str,
    where: Callable[[MessageDraft], Any],
    expected: Any,
    kept: dict[str | None, MessageDraft],
) -> None:
    """Every feature of the export arrives in a place of its own."""
    assert expected == where(kept[message])


def test_token_budgets_are_counted() -> None:
    """Blocks that say nothing are left out, and counted."""
    assert list(claude_ai.read(file_source(FIXTURE)))[-1] == LeftOut("token_budget blocks (they hold nothing)", 1)


def use(name: str, **facts: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": {}, **facts}


def result(answer: str, **facts: Any) -> dict[str, Any]:
    return {"type": "tool_result", "content": answer, **facts}


PAIRS = [
    ("one by one", [use("a"), result("1"), use("a"), result("2")], {"m-0": "1", "m-2": "2"}),
    ("all after all, by order", [use("a"), use("a"), result("1"), result("2")], {"m-0": "1", "m-1": "2"}),
    ("by name", [use("a"), use("b"), result("1", name="b"), result("2", name="a")], {"m-1": "1", "m-0": "2"}),
    ("by id", [use("a", id="x"), use("a", id="y"), result("1", tool_use_id="y")], {"y": "1"}),
    (
        "an id does not take another's call",
        [use("a", id="x"), result("1", tool_use_id="z"), result("2", tool_use_id="x")],
        {"z": "1", "x": "2"},
    ),
]


@pytest.mark.parametrize(("case", "blocks", "expected"), PAIRS, ids=[row[0] for row in PAIRS])
def test_results_find_their_calls(case: str, blocks: list[Any], expected: dict[str, str]) -> None:
    """A result is paired with its call by id, by name, or by order."""
    responses = [part for part in said(*blocks).parts or () if part["type"] == "tool_call_response"]
    assert expected == {part["id"]: part["response"] for part in responses}


def test_content_that_is_plain_text() -> None:
    """Content that is a text, or holds one between its blocks, is read as text."""
    assert said(content="Hello").text == "Hello"
    assert said("Hello", {"type": "text", "text": "again"}).text == "Hello\n\nagain"


def test_a_thought_that_is_withheld() -> None:
    """Where a thought is not told its summaries are, which are what its user saw."""
    told = [{"summary": "Weighing metals."}, {"summary": "Choosing iron."}, {}]
    draft = said({"type": "thinking", "thinking": "", "summaries": told})
    assert (build.reasoning("Weighing metals.\n\nChoosing iron.", summaries=told),) == draft.parts


def test_blocks_of_no_shape() -> None:
    """A block that is no object or whose text is no text is kept as it came, and the rest is read."""
    draft = said(5, {"type": "text", "text": ["x"]}, {"type": "text", "text": "Hello"}, {"text": "odd"})
    assert draft.text == "Hello\n\nodd"
    assert draft.parts == (
        {"type": "unknown", "value": 5},
        {"type": "source_text", "text": ["x"]},
        {"type": "text", "content": "Hello"},
        {"type": "unknown", "text": "odd"},
    )


def test_placeholder_inside_a_text_block() -> None:
    """A placeholder inside a text block is kept as it came and not read."""
    block = "Before.\n```\nThis block is not supported on your current device yet.\n```\n\nAfter."
    draft = said({"type": "text", "text": block})
    assert draft.text == "Before.\n\nAfter."
    assert draft.parts == ({"type": "text", "content": block},)


def test_only_unknown_blocks() -> None:
    """Where no block is text, the flat text is read, else what the other blocks say."""
    note = {"type": "voice_note", "text": "spoken"}
    assert said(note, text="flat").text == "flat\n\nspoken"
    assert said(note).text == "spoken"
