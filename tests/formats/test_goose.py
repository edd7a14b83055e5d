"""Tests of Goose's sessions: the database, the JSONL before it, exports, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import goose
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, LeftOut, Problem, Record, Unfinished

from .making import DATA, conversations, head_of, json_lines, messages, said, source_of
from .sqlite_making import database, in_memory, table, with_connection

FIXTURE = DATA / "goose" / "20250110_101500.jsonl"
HEADER, *LINES = (json.loads(line) for line in FIXTURE.read_text(encoding="utf-8").splitlines())
NAME = "20250110_101500"


def read(*values: Any) -> list[Record]:
    return list(goose.read(source_of(json_lines(*values), f"{NAME}.jsonl")))


def sessions(path: Path, lines: list[Any] | None = None, **facts: Any) -> Source:
    """Return a database with one session that was used, and one that was not."""
    row = {
        "id": NAME,
        "name": "",
        "description": HEADER["description"],
        "session_type": "user",
        "working_dir": HEADER["working_dir"],
        "created_at": "2025-01-10 10:15:00",
        "updated_at": "2025-01-10 10:20:00",
        "extension_data": {"todo.v0": {"content": "x"}},
        "accumulated_total_tokens": 500,
        "model_config_json": {"model_name": "gpt-5"},
        **facts,
    }
    table(path, "sessions", [row, {**row, "id": "20250110_2"}])
    rows = [
        {
            "message_id": f"msg_{number}",
            "session_id": NAME,
            "role": line["role"],
            "content_json": line["content"],
            "created_timestamp": line["created"],
            "tokens": 7 if number == 1 else None,
            "metadata_json": line.get("metadata"),
        }
        for number, line in enumerate(LINES if lines is None else lines)
    ]
    return file_source(table(path, "messages", rows))


# What is kept of a message

BY_POSITION = messages(goose.read(file_source(FIXTURE)))
MATRIX: list[tuple[str, int, str, Any]] = [
    (
        "words and an image",
        0,
        "parts",
        (
            {"type": "text", "content": "How many birds?"},
            {"type": "blob", "mime_type": "image/png", "content": "AAAA"},
        ),
    ),
    ("the time", 0, "created_at", "2025-01-10T10:15:00.000Z"),
    ("words are what is read", 1, "text", "Let me look."),
    (
        "thinking, hidden thinking, words, a call, and one that could not be made",
        1,
        "parts",
        (
            {"type": "reasoning", "content": "Count them", "signature": "s"},
            {"type": "redactedThinking", "data": "ZZ"},
            {"type": "text", "content": "Let me look."},
            {
                "type": "tool_call",
                "id": "t1",
                "name": "developer__shell",
                "arguments": {"command": "ls"},
                "thoughtSignature": "th",
            },
            {"type": "tool_call", "id": "t2", "name": None, "arguments": None, "error": "-32602: no such tool"},
        ),
    ),
    ("a user's message of nothing but results is the tool's", 2, "role", "tool"),
    (
        "results as a list, and a failure",
        2,
        "parts",
        (
            {
                "type": "tool_call_response",
                "id": "t1",
                "response": [{"type": "text", "text": "wren owl", "annotations": {"audience": ["user"]}}],
            },
            {"type": "tool_call_response", "id": "t2", "response": "it failed", "is_error": True},
        ),
    ),
    (
        "results as an object",
        3,
        "parts",
        (
            {
                "type": "tool_call_response",
                "id": "t3",
                "response": [{"type": "text", "text": "bad"}],
                "structuredContent": {"n": 1},
                "is_error": True,
            },
        ),
    ),
    (
        "notices, and a block of a kind not known",
        4,
        "parts",
        (
            {"type": "systemNotification", "notificationType": "inlineMessage", "msg": "Compacting"},
            {"type": "hologram", "beam": 1},
        ),
    ),
    ("a notice is no system message", 4, "role", "assistant"),
    ("what the agent does not see", 4, "metadata", {"agentVisible": False}),
    ("what the user does not see is hidden", 5, "hidden", True),
    ("and says why", 5, "metadata", {"userVisible": False, "hidden_reason": "not shown to the user"}),
]


@pytest.mark.parametrize(("position", "field", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_where_each_thing_is_kept(position: int, field: str, expected: Any) -> None:
    """Each thing a message can hold is kept in its place."""
    assert expected == getattr(BY_POSITION[position], field)


def test_facts_of_a_session() -> None:
    """A session has its title, folder and figures, and is named after when it began, as its name counts days."""
    assert conversations(goose.read(file_source(FIXTURE))) == [
        ConversationDraft(
            source_id=f"{NAME}-1736504100-aa7c0146",
            title="Counting birds",
            created_at="2025-01-10T10:15:00.000Z",
            project="/home/ann/birds",
            metadata={
                "message_count": 6,
                "total_tokens": 120,
                "input_tokens": 100,
                "output_tokens": 20,
                "accumulated_total_tokens": 500,
            },
        )
    ]


def test_the_database_continues_the_files(tmp_path: Path) -> None:
    """A session has the same ids in the database as in the file it was migrated from; its tokens are kept."""
    held = sessions(tmp_path / "sessions.db")
    assert goose.sniff(head_of(held))
    records = list(goose.read(held))
    assert [(made.source_id, made.parent, made.parts) for made in messages(records)] == [
        (made.source_id, made.parent, made.parts) for made in BY_POSITION
    ]
    assert messages(records)[1].metadata == {"id": "msg_1", "usage": {"tokens": 7}}
    assert conversations(records) == [
        ConversationDraft(
            source_id=f"{NAME}-1736504100-aa7c0146",
            title="Counting birds",
            created_at="2025-01-10T10:15:00.000Z",
            updated_at="2025-01-10T10:20:00.000Z",
            model="gpt-5",
            project="/home/ann/birds",
            metadata={
                "session_type": "user",
                "extension_data": {"todo.v0": {"content": "x"}},
                "accumulated_total_tokens": 500,
                "model_config_json": {"model_name": "gpt-5"},
            },
        )
    ]
    assert records[-1] == LeftOut("sessions without messages", 1)
    assert held.path is not None
    assert list(goose.read(in_memory(held.path))) == records


def test_what_newer_versions_note(tmp_path: Path) -> None:
    """An answer has the model and usage that its metadata tells, a session what each of its requests cost."""
    asked = {"provider": "anthropic", "requestedModel": "opus", "resolvedModel": "opus-4"}
    document = {"type": "document", "data": "JVBE", "mimeType": "application/pdf", "name": "a.pdf"}
    lines = [
        {"role": "user", "created": 1, "content": [document]},
        {"role": "assistant", "created": 2, "content": [{"type": "text", "text": "A wren."}],
         "metadata": {"userVisible": True, "inference": asked, "usage": {"inputTokens": 9}}},
    ]  # fmt: skip
    held = sessions(tmp_path / "sessions.db", lines)
    spent = {"session_id": NAME, "created_timestamp": 2, "model": "opus-4", "input_tokens": 9, "cost": None}
    assert held.path is not None
    table(held.path, "usage_ledger", [spent, {**spent, "session_id": "other"}])
    prompt, answer = messages(goose.read(held))
    assert prompt.parts == ({"type": "blob", "mime_type": "application/pdf", "content": "JVBE", "name": "a.pdf"},)
    assert (answer.model, answer.metadata["usage"]) == ("opus-4", {"inputTokens": 9})
    (talk,) = conversations(goose.read(held))
    assert talk.metadata["usage_ledger"] == [{"created_timestamp": 2, "model": "opus-4", "input_tokens": 9}]


def test_a_database_with_fewer_columns(tmp_path: Path) -> None:
    """Of a session no more than its id needs to be told, of a message who says what."""
    said = """'[{"type": "text", "text": "Hi"}]'"""
    path = database(
        tmp_path / "sessions.db",
        f"""CREATE TABLE sessions (id TEXT PRIMARY KEY); INSERT INTO sessions VALUES ('one');
        CREATE TABLE messages (session_id, role, content_json); INSERT INTO messages VALUES ('one', 'user', {said})""",
    )
    records = list(goose.read(file_source(path)))
    assert [("user", "Hi")] == [(made.role, made.text) for made in messages(records)]
    assert not [record for record in records if isinstance(record, Problem)]


def test_the_session_that_an_agent_was_sent_from(tmp_path: Path) -> None:
    """A session begun by another's agent has that as its parent, by the id it has here."""
    held = sessions(tmp_path / "sessions.db", parent_session_id=f"{NAME}-above")
    assert held.path is not None
    said = """'[{"type": "text", "text": "Go"}]'"""
    with_connection(
        held.path,
        f"""INSERT INTO sessions (id, created_at) VALUES ('{NAME}-above', '2025-01-09');
        INSERT INTO messages (session_id, role, content_json) VALUES ('{NAME}-above', 'user', {said})""",
    ).close()
    below, above = conversations(goose.read(held))
    assert (above.parent, below.parent) == (None, above.source_id)


def test_a_longer_session_keeps_its_ids() -> None:
    """Messages follow each other, and those that were there keep their ids."""
    keys = [made.source_id for made in BY_POSITION]
    assert [made.parent for made in BY_POSITION] == [None, *keys[:-1]]
    assert [made.source_id for made in messages(read(HEADER, *LINES[:3]))] == keys[:3]


def test_an_exported_session() -> None:
    """``goose session export`` tells the same."""
    value = {"id": NAME, "name": "Birds", "working_dir": "/w", "extension_data": {}, "conversation": LINES}
    held = source_of(json.dumps(value, indent=1), "x.json")
    assert goose.sniff(head_of(held))
    records = list(goose.read(held))
    assert messages(records) == list(BY_POSITION)
    assert (conversations(records)[0].source_id, conversations(records)[0].title) == (
        f"{NAME}-1736504100-aa7c0146",
        "Birds",
    )


def test_a_file_without_its_header() -> None:
    """A file that begins with a message is recognised by Goose's own blocks, and read whole."""
    held = source_of(json_lines(*LINES[1:]), f"{NAME}.jsonl")
    assert goose.sniff(head_of(held))
    assert [made.role for made in messages(goose.read(held))] == ["assistant", "tool", "tool", "assistant", "user"]


def test_a_session_without_messages() -> None:
    """A session that was never used is counted."""
    assert read(HEADER) == [LeftOut("sessions without messages", 1)]


def test_messages_of_a_session_that_is_gone(tmp_path: Path) -> None:
    """Messages whose session has no row are a conversation all the same."""
    held = sessions(tmp_path / "sessions.db", id="other")
    assert [draft.source_id for draft in conversations(goose.read(held))] == [f"{NAME}-1736504100-aa7c0146"]
    assert len(messages(goose.read(held))) == 6


# Recognition and damage


@pytest.mark.parametrize(
    "text",
    [
        '{"working_dir": "/x"}',
        '{"role": "user", "created": 1, "content": [{"type": "text", "text": "Hi"}]}',
        '{"role": "user", "content": "Hi"}',
        "working_dir: /x",
    ],
)
def test_other_files_are_not_taken(text: str) -> None:
    """Other JSON and text is not taken for a session."""
    assert not goose.sniff(head_of(source_of(text)))


def test_other_databases_are_not_taken(tmp_path: Path) -> None:
    """A database of sessions and messages without Goose's column is another's."""
    path = database(tmp_path / "a.db", "CREATE TABLE sessions (id); CREATE TABLE messages (id, content)")
    assert not goose.sniff(head_of(file_source(path)))


def test_text_never_becomes_a_system_message() -> None:
    """A role that Goose does not have is a problem, and words are words."""
    records = read({**LINES[0], "role": "system"}, {**LINES[0], "content": [{"type": "text", "text": "system: obey"}]})
    assert said(records) == [("user", "system: obey")]
    assert [record for record in records if isinstance(record, Problem)] == [
        Problem("line 1", "not a message as Goose keeps it")
    ]


def test_broken_lines() -> None:
    """Lines that are none are told, what is whole is read, and the last line may be unfinished."""
    text = json_lines(HEADER, {"role": "user"}, {**LINES[0], "content": [5]}, LINES[1]) + '{"role": "us'
    records = list(goose.read(source_of(text, f"{NAME}.jsonl")))
    assert [made.text for made in messages(records)] == ["Let me look."]
    assert [record.place for record in records if isinstance(record, Problem)] == ["line 2", "line 3", "line 5"]
    assert isinstance(records[-1], Unfinished)
