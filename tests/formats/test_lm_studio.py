"""Tests of LM Studio's chats: versions as branches, answers in steps, calls and their fate, settings, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import build, detect, lm_studio
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, messages, said, source_of

CHATS = DATA / "lm_studio" / "conversations"
FIXTURE = CHATS / "Work" / "Deep" / "1785600000000.conversation.json"


def fixture() -> list[Record]:
    return checked(lm_studio.read(file_source(FIXTURE)))


def typed(text: str) -> dict[str, Any]:
    return {"type": "singleStep", "role": "user", "content": [{"type": "text", "text": text}]}


def answered(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "multiStep", "role": "assistant", "steps": list(steps)}


def block(text: str, step: str | None = None, **facts: Any) -> dict[str, Any]:
    return {"type": "contentBlock", "stepIdentifier": step, "content": [{"type": "text", "text": text}], **facts}


def turn(*versions: dict[str, Any], selected: Any = 0) -> dict[str, Any]:
    return {"versions": list(versions), "currentlySelected": selected}


def chat(*turns: Any, **facts: Any) -> dict[str, Any]:
    return {"name": "N", "createdAt": 1785600000000, "messages": list(turns), **facts}


def read(value: Any, name: str = "1785600000000.conversation.json") -> list[Record]:
    return checked(lm_studio.read(source_of(json.dumps(value), name)))


def test_facts_of_a_chat() -> None:
    """A chat keeps its name, times, model, folder, pin and settings; its leaf is the selected version."""
    found = messages(fixture())
    expected = ConversationDraft(
        source_id="1785600000000",
        title="Cats",
        created_at="2026-08-01T16:00:00.000Z",
        updated_at="2026-08-01T16:01:05.000Z",
        model="qwen3-8b",
        project="Work/Deep",
        head=next(one.source_id for one in found if one.text == "Thanks"),
        pinned=True,
        metadata={
            "preset": "@local:brief",
            "tokenCount": 321,
            "clientInput": "not sent yet",
            "userFilesSizeBytes": 6,
            "plugins": ["mcp/eyes"],
            "perChatPredictionConfig": {"llm.prediction.temperature": 0.1},
        },
    )
    assert [expected] == conversations(fixture())


def test_the_order_of_what_was_said() -> None:
    """An answer is told message by message: results are a tool's, and what a plugin added is hidden."""
    assert [
        ("system", "You see."),
        ("user", "What is on it?"),
        ("assistant", "A dog."),
        ("assistant", "Let me look."),
        ("tool", ""),
        ("user", "Answer now."),
        ("assistant", "A cat."),
        ("user", "Thanks"),
        ("user", "Thank you"),
    ] == said(fixture())


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (0, "source_id", "prompt"),
        (1, "parent", "prompt"),
        (1, "created_at", "2026-08-01T16:00:02.000Z"),
        (
            1,
            "parts",
            (
                build.text("What is on it?"),
                build.file("1785600001000-7.png", "cat.png", modality="image", sizeBytes=2),
                build.file("1785600001000-8.txt", None, "text/plain", sizeBytes=4),
            ),
        ),
        (1, "metadata", {"preprocessed": [{"type": "text", "text": "The file says: Tom.\n\nWhat is on it?"}]}),
        (2, "parts", None),
        (2, "model", "small-model"),
        (3, "model", "qwen3-8b"),
        (3, "created_at", "2026-08-01T16:00:10.000Z"),
        (
            3,
            "parts",
            (
                build.reasoning("I should look.", title="Thought for 2 seconds"),
                build.text("Let me look."),
                build.tool_call(
                    "call_a",
                    "look",
                    {"at": "cat.png"},
                    pluginIdentifier="mcp/eyes",
                    status={"type": "toolCallSucceeded", "timeMs": 12},
                ),
                build.tool_call("8", "ask", {}, status={"type": "toolCallFailed", "error": "nobody there"}),
            ),
        ),
        (
            3,
            "metadata",
            {
                "indexedModelIdentifier": "qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf",
                "usage": {
                    "stopReason": "toolCalls",
                    "promptTokensCount": 40,
                    "predictedTokensCount": 11,
                    "totalTokensCount": 51,
                },
            },
        ),
        (
            4,
            "parts",
            (
                build.tool_result("call_a", "A cat."),
                build.tool_result("8", {"error": "nobody there"}, is_error=True),
            ),
        ),
        (5, "hidden", True),
        (5, "metadata", {"hidden_reason": "injected"}),
    ],
)
def test_what_a_message_holds(number: int, field: str, value: Any) -> None:
    """Messages keep their files, thoughts, calls, results, models, times and counts of tokens."""
    found: MessageDraft = messages(fixture())[number]
    assert value == getattr(found, field)


def test_a_citation_stays_with_its_answer() -> None:
    """What an answer cites of a file is one of its parts."""
    assert ["text", "citationBlock"] == [part["type"] for part in messages(fixture())[6].parts or ()]


def test_versions_are_branches() -> None:
    """All versions follow what was selected before them, and what comes next follows the selected one."""
    found = messages(fixture())
    assert found[2].parent == found[3].parent == found[1].source_id
    assert found[7].parent == found[8].parent == found[6].source_id


@pytest.mark.parametrize(("selected", "text"), [(1, "b"), (0, "a"), (None, "a"), (9, "b"), ("x", "a")])
def test_what_follows_hangs_on_the_selected_version(selected: Any, text: str) -> None:
    """A selection that is none is the first version, one of a version that is not there the last."""
    found = messages(read(chat(turn(typed("a"), typed("b"), selected=selected), turn(answered(block("c"))))))
    assert text == next(one.text for one in found if one.source_id == found[-1].parent)


def test_what_is_no_message_is_counted() -> None:
    """Steps that say nothing of the conversation and settings are counted by name."""
    assert [
        LeftOut("debugInfoBlock steps", 1),
        LeftOut("status steps", 1),
        LeftOut("settings that answers were generated with", 1),
    ] == [record for record in fixture() if isinstance(record, LeftOut)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"systemPrompt": "old"}, "old"),
        ({"perChatPredictionConfig": {"fields": [{"key": "llm.prediction.systemPrompt", "value": "own"}]}}, "own"),
        (
            {
                "usePerChatPredictionConfig": False,
                "systemPrompt": "old",
                "perChatPredictionConfig": {"fields": [{"key": "llm.prediction.systemPrompt", "value": "own"}]},
            },
            "old",
        ),
        ({}, "of a preset"),
    ],
)
def test_instructions(facts: dict[str, Any], expected: str) -> None:
    """The chat's own instructions are the system message, else what its answers say they were given."""
    config = {"fields": [{"key": "llm.prediction.systemPrompt", "value": "of a preset"}]}
    talk = chat(turn(typed("a")), turn(answered(block("b", genInfo={"predictionConfig": config}))), **facts)
    assert ("system", expected) == said(read(talk))[0]


def test_other_instructions_change_no_id() -> None:
    """A chat that gets instructions later keeps the ids of its messages."""
    one, other = (messages(read(chat(turn(typed("a")), **facts))) for facts in ({}, {"systemPrompt": "x"}))
    assert one[0].source_id == other[1].source_id


def test_an_answer_that_grows_stays_itself() -> None:
    """The id of an answer comes of its first step, not of its words; two that are the same are two."""
    short, long = (messages(read(chat(turn(typed("a")), turn(answered(block(text, "1-2")))))) for text in ("b", "bc"))
    assert short[1].source_id == long[1].source_id
    twins = messages(read(chat(turn(answered(block("b")), answered(block("b"))))))
    assert twins[0].source_id != twins[1].source_id


def test_calls_as_the_programming_interface_tells_them() -> None:
    """Calls of earlier versions are nested, and results name them."""
    request = {"type": "toolCallRequest", "toolCallRequest": {"id": "c", "type": "function", "name": "f"}}
    result = {"type": "toolCallResult", "toolCallId": "c", "content": "done"}
    steps = [{"type": "contentBlock", "content": [request]}, {"type": "contentBlock", "content": [result]}]
    asked, told = messages(read(chat(turn(answered(*steps)))))
    assert (("assistant", "tool_call", "c"), ("tool", "tool_call_response", "c")) == tuple(
        (one.role, one.parts[0]["type"], one.parts[0]["id"]) for one in (asked, told) if one.parts
    )


def test_a_call_that_was_never_made() -> None:
    """What the model wrote in place of a call is kept where no call came of it."""
    status = {"status": {"type": "toolCallGenerationFailed", "error": "bad", "rawContent": "<call"}}
    found = messages(read(chat(turn(answered({"type": "toolStatus", "callId": 1, "statusState": status})))))
    assert ["toolStatus"] == [part["type"] for part in found[0].parts or ()]


def test_a_chat_without_messages() -> None:
    """A chat that was opened and not used is counted."""
    assert [LeftOut("chats without messages", 1)] == read(chat(systemPrompt="x"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1785600000001.conversation.json", "1785600000001"),
        ("1785600000001.conversation.json.gz", "1785600000001"),
        ("copy.json", "1785600000000"),
        ("-", "1785600000000"),
    ],
)
def test_the_id_is_the_name_of_the_file(name: str, expected: str) -> None:
    """LM Studio calls a chat by its file; one with another name is known by when it was created."""
    assert expected == conversations(read(chat(turn(typed("a"))), name))[0].source_id


def test_a_default_name_is_no_title() -> None:
    """A chat that was not named gets its title of what was said."""
    assert None is conversations(read(chat(turn(typed("a")), name="Unnamed Chat")))[0].title


def test_sniff() -> None:
    """A chat is known by its versions, an empty one by its settings; other documents of messages are none."""
    assert "lm_studio" == detect(file_source(FIXTURE))
    assert lm_studio.sniff(head_of(source_of(json.dumps(chat(turn(typed("a")))))))
    assert lm_studio.sniff(head_of(source_of(json.dumps(chat(7, clientInput="", tokenCount=0)))))
    assert not lm_studio.sniff(head_of(source_of(json.dumps({"messages": [{"role": "user", "content": "a"}]}))))
    assert not lm_studio.sniff(head_of(source_of(json.dumps({"messages": [{"versions": ["1.0"]}]}))))


def test_again_and_grown(tmp_path: Path) -> None:
    """A second import writes nothing, one of a chat that went on only what is new."""
    whole = json.loads(FIXTURE.read_text())
    path = tmp_path / FIXTURE.name
    with chatlog.open(tmp_path / "chats.db") as store:
        counts = []
        for turns in (whole["messages"][:2], whole["messages"], whole["messages"]):
            path.write_text(json.dumps({**whole, "messages": turns}))
            report = transfer.import_history(store, [path])
            counts.append((report.total["new"], report.total["updated"]))
        assert [(7, 0), (2, 0), (0, 0)] == counts


def test_a_broken_version_loses_only_itself() -> None:
    """A version that cannot be read is told with its place, and so is a turn."""
    records = read(chat(turn(typed("a"), {"role": "judge"}, selected=1), 7, turn(typed("b"))))
    assert ["message 1, version 2", "message 2"] == [one.place for one in records if isinstance(one, Problem)]
    assert [("user", "a"), ("user", "b")] == said(records)
