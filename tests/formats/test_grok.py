"""Tests of Grok's export: its tree, what a response holds, MongoDB's ids and times, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, grok
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked, read_cut_off
from .making import DATA, conversations, head_of, links, messages, said, sample, source_of

FIXTURE = DATA / "grok" / "every_feature.json"
IMAGE = {"file_name": "me.png", **build.file("i-1", "me.png", "image/png", modality="image")}
REAL = "other_grok/yetanotherchris__openwebui-importer__examples_grok_example.json"


def fixture() -> list[Record]:
    return checked(grok.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def row(key: str, parent: str | None = None, **facts: Any) -> dict[str, Any]:
    return {"response": {"response_id": key, "parent_response_id": parent, "message": key, "sender": "human", **facts}}


def read(*rows: Any, **facts: Any) -> list[Record]:
    entry = {"conversation": {"conversation_id": "c", **facts}, "responses": list(rows)}
    return checked(grok.read(source_of(json.dumps({"conversations": [entry]}))))


def test_facts_of_a_conversation() -> None:
    """The conversation keeps its id, title, times, star, active leaf and the rest; no user's id."""
    expected = ConversationDraft(
        source_id="g-1",
        title="Every feature",
        created_at="2025-06-21T19:28:21.177Z",
        updated_at="2025-06-21T19:30:01.846Z",
        model="grok-4",
        pinned=True,
        head="r4",
        metadata={"media_types": ["image"]},
    )
    assert expected == conversations(fixture())[-1]


def test_what_agents_thought() -> None:
    """Each agent's thoughts are reasoning; those that are told of the response already are told once."""
    traces = [{"agent_id": "Grok", "thinking_trace": "Wind?"}, {"thinking_trace": "Water?"}]
    (found,) = messages(read(row("a", sender="assistant", thinking_trace="Water?", agent_thinking_traces=traces)))
    assert (build.reasoning("Water?"), build.reasoning("Wind?", agent="Grok"), build.text("a")) == found.parts


def test_the_tree() -> None:
    """Responses are linked by their parents, a second answer is a branch."""
    assert [("r1", None), ("r2", "r1"), ("r4", "r2"), ("r3", "r1")] == links(fixture())


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("r1", "role", "user"),
        ("r1", "model", None),
        ("r1", "created_at", "2025-06-21T19:28:21.194Z"),
        ("r1", "parts", (build.text("Draw a cat"), build.file("a1b2"))),
        ("r1", "metadata", {}),
        ("r2", "role", "assistant"),
        ("r2", "text", "Here"),
        ("r2", "model", "grok-3"),
        ("r2", "metadata", {"partial": True, "share_link": {"id": "s"}}),
        ("r3", "model", "grok-4"),
        ("r3", "metadata", {"error": "stopped"}),
        ("r4", "parts", (build.text("Thanks"), IMAGE)),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """A response keeps who wrote it, its time, files, state and model, the one its prompt asked where it names none."""
    assert value == getattr(message(key), field)


def test_what_an_answer_holds() -> None:
    """Thoughts, steps, calls, search results, the words with their marks and pictures become parts."""
    assert (
        build.reasoning("A cat is needed."),
        {"type": "steps", "steps": [{"text": ["Searching"], "tags": ["header"]}]},
        build.tool_call("t", "WebSearch", {"query": "cats"}),
        build.tool_result("t", []),
        {"type": "web_search_results", "web_search_results": [{"url": "https://x.test", "title": "Cats"}]},
        build.text('Here<grok:render card_id="c"><argument name="x">1</argument></grok:render>'),
        build.uri("users/1/cat.jpg", modality="image"),
    ) == message("r2").parts


def test_responses_that_name_no_parent() -> None:
    """Exports of 2025 name no parents: each response follows the one before it, and the last is active."""
    rows = [{"response": {"_id": key, "message": key, "sender": "human"}} for key in "abc"]
    found = read(*rows)
    assert [("a", None), ("b", "a"), ("c", "b")] == links(found)
    assert "c" == conversations(found)[-1].head


def test_what_was_called_in_steps() -> None:
    """The calls of an answer's steps stand before their results; what else the steps tell is kept."""
    searched = {"tool_usage_card_id": "1", "tool": {"WebSearch": {"args": {"query": "wren"}}}}
    read_file = {"tool_usage_card_id": "2", "tool": {"ReadFile": {"path": "a.md"}}}
    hits = {"tool_usage_card_id": "1", "result": {"WebSearchResults": [{"url": "https://x.test"}]}}
    steps = [
        {"tagged_text": {"header": "Searching"}, "tool_usage_cards": [searched], "tool_usage_results": [hits]},
        {"tool_usage_cards": [read_file], "tool_usage_results": [{"tool_usage_card_id": "9", "result": "lost"}]},
    ]
    (found,) = messages(read(row("a", sender="assistant", steps=steps)))
    assert (
        {"type": "steps", "steps": [{"tagged_text": {"header": "Searching"}}]},
        build.tool_call("1", "WebSearch", {"query": "wren"}),
        build.tool_result("1", [{"url": "https://x.test"}]),
        build.tool_call("2", "ReadFile", {"path": "a.md"}),
        build.tool_result("9", "lost"),
        build.text("a"),
    ) == found.parts


def test_calls_as_the_website_tells_them() -> None:
    """In camel case, a call and its result have no object around their names."""
    cards = [{"toolUsageCardId": "1", "webSearch": {"args": {"query": "wren"}}}]
    steps = [{"toolUsageCards": cards, "toolUsageResults": [{"toolUsageCardId": "1", "webSearchResults": [7]}]}]
    (found,) = messages(read(row("a", sender="assistant", steps=steps)))
    assert (
        build.tool_call("1", "web_search", {"query": "wren"}),
        build.tool_result("1", [7]),
        build.text("a"),
    ) == found.parts


def test_the_active_leaf() -> None:
    """Without a leaf that the export names, the newest is active."""
    rows = (
        row("a"),
        row("b", "a", create_time="2025-01-02T00:00:00Z"),
        row("c", "a", create_time="2025-01-01T00:00:00Z"),
    )
    assert conversations(read(*rows))[-1].head == "b"
    assert conversations(read(*rows, leaf_response_id="c"))[-1].head == "c"
    assert conversations(read(*rows, leaf_response_id="gone"))[-1].head == "b"


def test_ids_as_mongodb_writes_them() -> None:
    """An id in MongoDB's form is its text."""
    assert [("a", None), ("b", "a")] == links(read(row("a"), row("b", "a", response_id=None, _id={"$oid": "b"})))


@pytest.mark.parametrize(("key", "parent"), [({"$oid": "7"}, {"$oid": "7"}), (7, 7), (7, "7")])
def test_a_parent_in_the_form_of_an_id(key: Any, parent: Any) -> None:
    """A response follows another by its id, in whichever form both are written."""
    rows = row("x", response_id=key), row("b", parent_response_id=parent)
    assert [("7", None), ("b", "7")] == links(read(*rows))


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_conversation_as_the_website_gets_it(is_wrapped: bool) -> None:
    """Keys in camel case say what the export's say; the responses may be in the envelope that they came in."""
    facts = {"conversationId": "c", "title": "Mill", "starred": True, "createTime": "2026-09-09T02:28:45.123407Z"}
    asked = {"responseId": "a", "message": "Draw", "sender": "human", "createTime": "2026-09-09T02:28:45.156Z"}
    asked |= {"fileAttachments": ["f", "g"], "metadata": {"requestModelDetails": {"modelId": "grok-5"}}}
    asked |= {"fileAttachmentsMetadata": [{"fileMetadataId": "f", "fileName": "me.png", "fileMimeType": "image/png"}]}
    drawn = {"responseId": "b", "parentResponseId": "a", "message": "Here.", "sender": "ASSISTANT", "partial": False}
    rows = [asked, drawn | {"generatedImageUrls": ["users/1/mill.jpg"], "leafOf": "x"}]
    entry = {"conversation": facts, "responses": {"responses": rows} if is_wrapped else rows}
    source = source_of(json.dumps(entry))
    assert grok.sniff(head_of(source))
    found = checked(grok.read(source))
    last = conversations(found)[-1]
    assert ("c", "Mill", True, "b") == (last.source_id, last.title, last.pinned, last.head)
    assert "2026-09-09T02:28:45.123Z" == last.created_at
    first, reply = messages(found)
    assert [("a", None), ("b", "a")] == links(found)
    assert "2026-09-09T02:28:45.156Z" == first.created_at
    files = [(part["file_id"], part.get("name")) for part in first.parts or () if part["type"] == "file"]
    assert [("f", "me.png"), ("g", None)] == files
    assert ("grok-5", {"leaf_of": "x"}) == (reply.model, reply.metadata)
    assert "users/1/mill.jpg" == (reply.parts or ())[-1]["uri"]


def test_a_sender_is_no_system() -> None:
    """Whoever is not the user is the model, whatever the name."""
    assert [("assistant", "a")] == said(read(row("a", sender="SYSTEM")))


def test_sniff() -> None:
    """Grok's export is known by its pairs of conversation and responses."""
    assert grok.sniff(head_of(file_source(FIXTURE)))
    assert grok.sniff(head_of(source_of('[{"conversation": {}, "responses": []}]')))
    for other in ('{"conversations": []}', '{"conversations": [{"from": "human"}]}', '{"conversation": {}}', "[]"):
        assert not grok.sniff(head_of(source_of(other)))


def test_what_lies_beside_the_conversations() -> None:
    """What the export holds besides is counted."""
    entry = {"conversation": {"id": "c"}, "responses": [row("a")]}
    export = {"conversations": [entry], "projects": [{"a": [1]}], "tasks": [], "media_posts": [{}, {}]}
    records = checked(grok.read(source_of(json.dumps(export))))
    assert [LeftOut("projects", 1), LeftOut("pictures and films that were posted", 2)] == records[-2:]
    assert 1 == len(messages(records))


def test_a_broken_response_loses_only_itself() -> None:
    """What answers a response that cannot be read follows the one before that."""
    records = read(row("a"), row("b", "a", message=7), row("c", "b"), 5)
    assert [("a", None), ("c", "a")] == links(records)
    assert {"item 1, message 2", "item 1, message 4"} == {
        record.place for record in records if isinstance(record, Problem)
    }


def test_cut_off() -> None:
    """A file that ends too early is a problem; the conversations before are read."""
    whole = json.loads(FIXTURE.read_text())
    data = json.dumps({"conversations": whole["conversations"] * 2}).encode()
    found = list(read_cut_off(grok.read, data, 97))
    assert [len(messages(records)) for records in found[-2:]] == [4, 4]
    assert all(any(isinstance(record, Problem) for record in records) for records in found[1:])


def test_a_real_export() -> None:
    """A real export has the conversation and ten messages that the manifest counts."""
    records = checked(grok.read(file_source(sample(REAL))))
    assert 10 == len(messages(records))
    assert ["user", "assistant"] * 5 == [role for role, _ in said(records)]
    assert {"grok-3"} == {message.model for message in messages(records) if message.role == "assistant"}
