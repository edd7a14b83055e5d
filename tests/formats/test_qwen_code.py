"""Tests of Qwen Code's sessions: the tree, records over several lines, sub-agents, and damage."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import build, qwen_code
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, links, messages, said, sample, source_of

FIXTURE = DATA / "qwen_code" / "session.jsonl"
REAL = "other_agents/jazzyalex__agent-sessions__qwen_019f0000-0000-7000-8000-000000000004.jsonl"


def fixture() -> list[Record]:
    return checked(qwen_code.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def record(key: str, parent: str | None = None, **facts: Any) -> dict[str, Any]:
    said = {"role": "user", "parts": [{"text": key}]}
    return {"uuid": key, "parentUuid": parent, "sessionId": "s", "type": "user", "message": said, **facts}


def read(*records: Any) -> list[Record]:
    return checked(qwen_code.read(source_of(json_lines(*records))))


def test_facts_of_a_session() -> None:
    """The session keeps its id, folder, version, branch, its active end, and the title given on the way to it."""
    expected = ConversationDraft(
        source_id="s-1",
        title="Live title",
        created_at="2026-08-17T13:00:00.000Z",
        project="/app",
        head="q9",
        metadata={"version": "0.21", "gitBranch": "main"},
    )
    assert expected in conversations(fixture())


@pytest.mark.parametrize(
    ("response", "told"),
    [
        ({"output": "A wheel"}, [build.text("A wheel")]),
        ({"output": ""}, []),
        ({"output": "A wheel", "size": 3}, [{"type": "response", "value": {"output": "A wheel", "size": 3}}]),
    ],
)
def test_pictures_that_a_tool_gave_back(response: dict[str, Any], told: list[Any]) -> None:
    """Media stand beside what a function responds; all of it is the result, and what else the answer says is kept."""
    picture = {"inlineData": {"mimeType": "image/png", "data": "QUJD", "displayName": "wheel.png"}}
    answer = {"id": "c1", "name": "read_file", "response": response, "parts": [picture], "scheduling": "SILENT"}
    (made,) = messages(read(record("t", type="tool_result", message={"role": "user", "parts": [{
        "functionResponse": answer
    }]})))  # fmt: skip
    media = [*told, build.blob("image/png", "QUJD", displayName="wheel.png")]
    expected = build.tool_result("c1", media, name="read_file", scheduling="SILENT")
    assert ("tool", (expected,)) == (made.role, made.parts)


def test_the_tree() -> None:
    """What was rewound stays as a branch; a record that is no message passes its place on."""
    chain = [("q6", "q5"), ("q7", "q6"), ("q8", "q7")]
    assert [("q1", None), ("q2", "q1"), ("q5", "q1"), *chain] == links(fixture())[:6]
    assert {("q9", "q8"), ("p1", None)} == set(links(fixture())[6:])


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("q1", "role", "user"),
        ("q1", "text", "Read it"),
        ("q1", "parts", (build.text("Read it"), build.text("(file text)"))),
        ("q1", "metadata", {"provenance": "real_user"}),
        ("q2", "model", "dead-model"),
        ("q5", "role", "assistant"),
        ("q5", "model", "qwen3"),
        ("q5", "created_at", "2026-08-17T13:00:05.000Z"),
        (
            "q5",
            "parts",
            (build.reasoning("Think."), build.tool_call("c1", "read_file", {"path": "a"}), build.text("I read.")),
        ),
        ("q5", "metadata", {"cwd": "/lib", "usage": {"promptTokenCount": 12, "candidatesTokenCount": 4}}),
        ("q6", "role", "tool"),
        ("q6", "parts", ({**build.tool_result("c1", "gone"), "name": "read_file", "is_error": True},)),
        ("q6", "metadata", {"toolCallResult": {"callId": "c1", "status": "error", "resultDisplay": "No such file"}}),
        ("q7", "text", "/compress"),
        ("q7", "metadata", {"subtype": "slash_command", "hidden_reason": "slash_command"}),
        ("q8", "text", "They read a file."),
        ("q8", "hidden", True),
        ("q9", "text", "Task done"),
        ("q9", "metadata", {"subtype": "notification", "provenance": "system", "hidden_reason": "notification"}),
        ("p1", "author", "Explore"),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """Prompts as typed, answers over several records, results, commands and summaries keep what they say."""
    assert value == getattr(message(key), field)


def test_a_parent_that_is_not_here() -> None:
    """A record whose parent is on a lost line follows the one before it; only one without a parent is a root."""
    rows = [record("a", "gone"), record("b", "lost"), record("c", "b"), record("d", "s"), record("e")]
    assert [("a", None), ("b", "a"), ("c", "b"), ("d", None), ("e", None)] == links(read(*rows))


def test_a_sub_agent() -> None:
    """What a sub-agent did is a conversation of its own, below the session."""
    draft = next(draft for draft in conversations(fixture()) if draft.source_id == "s-1-explore-7f3c")
    assert ("s-1", "explore-7f3c") == (draft.parent, draft.metadata["agentId"])
    assert ("s-1-explore-7f3c", None) == (message("p1").conversation, message("p1").parent)


def test_a_fork() -> None:
    """A session that was branched off names the one it came from."""
    records = read(record("a", forkedFrom={"sessionId": "origin", "messageUuid": "a"}))
    assert conversations(records)[0].parent == "origin"


def test_a_rewind_at_the_end() -> None:
    """After a rewind that nothing follows, what it went back to is active."""
    records = read(
        record("a"), record("b", "a"), {**record("r", "a", type="system", subtype="rewind"), "message": None}
    )
    assert conversations(records)[-1].head == "a"


def test_other_records_are_counted() -> None:
    """A record that is no message is counted by its kind."""
    assert LeftOut("ui_telemetry records", 1) in fixture()


def test_sniff() -> None:
    """A session is known by messages made of parts; Claude Code's records are not its own."""
    assert qwen_code.sniff(head_of(file_source(FIXTURE)))
    claude = {"uuid": "a", "sessionId": "s", "type": "user", "message": {"role": "user", "content": "a"}}
    assert not qwen_code.sniff(head_of(source_of(json_lines(claude))))
    assert not qwen_code.sniff(head_of(source_of('{"role": "user", "parts": []}')))


def test_a_broken_record_loses_only_itself() -> None:
    """A record that cannot be read is told with its place; what follows it begins anew."""
    records = read(record("a"), record("b", "a", message={"parts": 7}), record("c", "a"), 5)
    assert [("a", None), ("c", "a")] == links(records)
    assert ["line 2", "line 4"] == [record.place for record in records if isinstance(record, Problem)]


def test_a_real_session() -> None:
    """The sample's active branch, title and discarded branch are found; the manifest does not count it."""
    records = checked(qwen_code.read(file_source(sample(REAL))))
    assert [
        ("user", "Begin the active-chain fixture."),
        ("assistant", "Discarded branch answer."),
        ("user", "Continue from the rewound branch."),
        ("assistant", "Active branch answer."),
    ] == said(records)
    assert "Active branch title" == conversations(records)[-1].title
