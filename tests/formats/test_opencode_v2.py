"""opencode 2: its own two tables, sessions of opencode 1 that they took over, and every type of row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import opencode
from chatlog.formats.source import file_source

from .making import head_of
from .reading import Read, read
from .sqlite_making import table

ANSWER = {
    "time": {"created": 1791500541858, "streamed": 1791500541870, "completed": 1791500541908},
    "agent": "build",
    "model": {"id": "m1", "providerID": "p", "variant": "max"},
    "content": [
        {"type": "reasoning", "text": "Look.", "state": {"reasoningField": "reasoning"}, "time": {"created": 1}},
        {
            "type": "tool",
            "id": "call_1",
            "name": "shell",
            "executed": False,
            "state": {
                "status": "completed",
                "input": {"command": "ls"},
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "file", "uri": "data:image/png;base64,aGk=", "mime": "image/png", "name": "a.png"},
                ],
                "metadata": {"exit": 0},
            },
            "time": {"created": 1},
        },
        {
            "type": "tool",
            "id": "call_2",
            "name": "read",
            "state": {"status": "error", "input": {"path": "b"}, "error": {"type": "unknown", "message": "no file"}},
        },
        {"type": "text", "text": "Done."},
    ],
    "finish": "stop",
    "tokens": {"input": 10, "output": 3},
}
FILE = {"uri": "file:///a.png", "mime": "image/png", "name": "a.png"}
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("agent-switched", {"agent": "build"}),
    ("user", {"text": "List it", "files": [FILE], "agents": [{"name": "sub"}]}),
    ("assistant", ANSWER),
    ("system", {"text": "The tools have changed.", "description": "Tools"}),
    ("synthetic", {"text": "The server restarted."}),
    ("skill", {"skill": "s", "name": "S", "text": "How to"}),
    ("shell", {"shellID": "sh_1", "command": "pwd", "status": "exited", "exit": 0, "output": {"output": "/mill"}}),
    ("compaction", {"status": "completed", "reason": "auto", "summary": "A list.", "recent": "Done."}),
    ("idle", {"outcome": "succeeded"}),
]


def message(number: int, kind: str, data: dict[str, Any], session: str = "ses_2") -> dict[str, Any]:
    made = 1791500541000 + number
    data = {"time": {"created": made}, **data}
    name = f"msg_{session}_{number}"
    return {"id": name, "session_id": session, "type": kind, "seq": number, "time_created": made, "data": data}


def session(name: str, **facts: Any) -> dict[str, Any]:
    told = {
        "id": name,
        "project_id": "p",
        "parent_id": None,
        "title": None,
        "directory": "/mill",
        "model": {"id": "m1"},
    }
    return {**told, "time_created": 1791500541000, "time_updated": 1791500542000, **facts}


def made(path: Path, *rows: dict[str, Any]) -> Path:
    table(path, "session_v2", [session("ses_2", fork_session_id="ses_1"), session("ses_1", fork_session_id=None)])
    return table(path, "session_message", [*reversed(rows)])


@pytest.fixture
def everything(tmp_path: Path) -> Read:
    """A session with every type of row."""
    path = made(tmp_path / "opencode.db", *(message(number, *row) for number, row in enumerate(ROWS)))
    assert opencode.sniff(head_of(file_source(path)))
    return read(opencode, file_source(path))


def test_rows_come_in_their_order_and_what_nobody_said_is_hidden(everything: Read) -> None:
    """Words are a person's or the model's; instructions, notes and summaries are hidden with their reason."""
    assert everything.said == [("user", "List it"), ("assistant", "Done."), ("assistant", "")]
    assert everything.hidden == [
        ("system", "system", "The tools have changed."),
        ("user", "synthetic", "The server restarted."),
        ("user", "skill", "How to"),
        ("user", "compact_summary", "A list."),
    ]
    assert everything.left_out == {"agent-switched": 1, "idle": 1}
    assert everything.problems == []


def test_what_an_answer_holds(everything: Read) -> None:
    """Thoughts, calls with their results and files, the model, the usage and the times."""
    answer = list(everything.messages["ses_2"].values())[1]
    assert answer.parts == (
        {"type": "reasoning", "content": "Look.", "state": {"reasoningField": "reasoning"}},
        {"type": "tool_call", "id": "call_1", "name": "shell", "arguments": {"command": "ls"}, "executed": False},
        {"type": "tool_call_response", "id": "call_1", "response": "a", "metadata": {"exit": 0}},
        {"type": "blob", "mime_type": "image/png", "content": "aGk=", "name": "a.png"},
        {"type": "tool_call", "id": "call_2", "name": "read", "arguments": {"path": "b"}},
        {"type": "tool_call_response", "id": "call_2", "response": "no file", "is_error": True},
        {"type": "text", "content": "Done."},
    )
    assert (answer.model, answer.created_at) == ("m1", "2026-10-08T23:02:21.858Z")
    assert answer.metadata["usage"] == {"input": 10, "output": 3}


def test_files_beside_what_a_tool_put_out_are_parts(tmp_path: Path) -> None:
    """A tool's files may stand in a list of their own, where they say no type."""
    state = {"status": "completed", "input": {}, "content": [{"type": "text", "text": "a"}], "attachments": [FILE]}
    used = {"type": "tool", "id": "c", "name": "read", "state": state}
    rows = [message(1, "user", {"text": "Go"}), message(2, "assistant", {**ANSWER, "content": [used]})]
    path = tmp_path / "opencode.db"
    table(path, "session_v2", [session("ses_2")])
    table(path, "session_message", rows)
    found = read(opencode, path)
    assert [part["type"] for part in found.only[1].parts or ()] == ["tool_call", "tool_call_response", "uri"]
    assert not found.problems


def test_what_a_person_attached_and_ran(everything: Read) -> None:
    """Files and agents are parts of a prompt, a command a person ran is a call with its result."""
    asked, *_, ran, _ = everything.messages["ses_2"].values()
    assert asked.parts == (
        {"type": "text", "content": "List it"},
        {"type": "uri", "uri": "file:///a.png", "mime_type": "image/png", "name": "a.png"},
        {"type": "agent", "name": "sub"},
    )
    assert [(part["type"], part["id"]) for part in ran.parts or ()] == [
        ("tool_call", "sh_1"),
        ("tool_call_response", "sh_1"),
    ]


def test_a_session_knows_where_it_was_forked(everything: Read) -> None:
    """The session it was forked from is its parent."""
    assert everything.conversations["ses_2"].parent == "ses_1"


def test_messages_from_before_stay_as_opencode_1_told_them(tmp_path: Path) -> None:
    """What both tables have comes once and as it was, so that nothing changes; a session that only one has is read."""
    path = tmp_path / "opencode.db"
    told = [message(1, "user", {"text": "Old"}, "ses_1"), message(2, "user", {"text": "New"}, "ses_1")]
    made(path, *told)
    table(path, "session", [session("ses_1"), session("ses_0")])
    own = {"role": "user", "time": {"created": 5}, "agent": "plan"}
    old = [{"id": "msg_ses_1_1", "session_id": "ses_1", "data": own}, {"id": "m", "session_id": "ses_0", "data": own}]
    table(path, "message", old)
    part = {"type": "text", "text": "Old"}
    table(
        path,
        "part",
        [{"id": "p1", "message_id": "msg_ses_1_1", "data": part}, {"id": "p2", "message_id": "m", "data": part}],
    )
    found = read(opencode, file_source(path))
    assert [(m.text, m.metadata.get("agent")) for m in found.messages["ses_1"].values()] == [
        ("Old", "plan"),
        ("New", None),
    ]
    assert [m.text for m in found.messages["ses_0"].values()] == ["Old"]


def test_a_row_of_an_unknown_type_is_told(tmp_path: Path) -> None:
    """The rest is read."""
    rows = (message(1, "user", {"text": "Hello"}), message(2, "dream", {"text": "x"}))
    found = read(opencode, file_source(made(tmp_path / "opencode.db", *rows)))
    assert [m.text for m in found.all()] == ["Hello"]
    assert [problem.place for problem in found.problems] == ["message msg_ses_2_2"]
