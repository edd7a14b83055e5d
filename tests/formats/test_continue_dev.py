"""Tests of Continue's sessions: thoughts, calls and their outputs, context, summaries, ids that hold, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import build, continue_dev, detect
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, messages, said, source_of

SESSIONS = DATA / "continue_dev"
FIRST = SESSIONS / "5b1c0c4e-0000-4000-8000-000000000001.json"
SECOND = SESSIONS / "5b1c0c4e-0000-4000-8000-000000000002.json"


def fixture(path: Path = FIRST) -> list[Record]:
    return checked(continue_dev.read(file_source(path)))


def item(role: str, content: Any, **facts: Any) -> dict[str, Any]:
    name = {"id": facts.pop("id")} if "id" in facts else {}
    return {"message": {"role": role, "content": content, **name}, "contextItems": [], **facts}


def session(*items: Any, **facts: Any) -> dict[str, Any]:
    return {"sessionId": "s", "title": "T", "workspaceDirectory": "/app", "history": list(items), **facts}


def read(*items: Any, **facts: Any) -> list[Record]:
    return checked(continue_dev.read(source_of(json.dumps(session(*items, **facts)), "s.json")))


def test_facts_of_a_session() -> None:
    """A session keeps its title, folder, model and usage; when it began stands in the list beside it."""
    expected = ConversationDraft(
        source_id="5b1c0c4e-0000-4000-8000-000000000001",
        title="Remove the log",
        created_at="2026-08-01T16:00:00.000Z",
        model="Opus",
        project="/home/me/my app",
        head=messages(fixture())[-1].source_id,
        metadata={"mode": "agent", "usage": {"promptTokens": 210, "completionTokens": 48, "totalCost": 0.25}},
    )
    assert [expected] == conversations(fixture())


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/home/me", "/home/me"),
        ("file:///home/me/a%20b", "/home/me/a b"),
        ("file:///c%3A/Users/me", "c:/Users/me"),
        ("vscode-remote://wsl/home", "vscode-remote://wsl/home"),
        ("", None),
    ],
)
def test_the_folder(folder: str, expected: str | None) -> None:
    """A folder that is told by its address is a path, one on another machine stays as it is told."""
    assert expected == conversations(read(item("user", "a"), workspaceDirectory=folder))[0].project


def test_a_default_title_is_none() -> None:
    """A session that was not named gets its title of what was said."""
    assert (None, "2026-08-02T19:46:40.000Z") == (
        conversations(fixture(SECOND))[0].title,
        conversations(fixture(SECOND))[0].created_at,
    )


def test_the_order_of_what_was_said() -> None:
    """Outputs of calls follow the answer that asked for them, a summary what it sums up."""
    assert [
        ("user", "Remove the log"),
        ("assistant", "Let me look."),
        ("tool", ""),
        ("tool", ""),
        ("assistant", "Gone."),
        ("user", "The log was removed."),
        ("user", "Thanks"),
        ("assistant", ""),
    ] == said(fixture())


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (
            0,
            "parts",
            (
                build.text("Remove the log"),
                build.blob("image/png", "aGk=", modality="image"),
                build.file(
                    "file:///home/me/my%20app/src/index.js",
                    "index.js",
                    description="src/index.js",
                    provider="file",
                    content="console.log(1)",
                ),
            ),
        ),
        (
            0,
            "metadata",
            {
                "modifiers": {"useCodebase": False, "noContext": True},
                "appliedRules": [{"name": "Be brief", "source": ".continuerules"}],
            },
        ),
        (1, "model", "Sonnet"),
        (1, "created_at", "2026-08-01T16:00:01.000Z"),
        (1, "metadata", {"usage": {"promptTokens": 210, "completionTokens": 48}}),
        (
            1,
            "parts",
            (
                build.reasoning("I read it first.", signature="c2ln", startAt=1785600001000, endAt=1785600001800),
                build.text("Let me look."),
                build.tool_call("c1", "read_file", {"filepath": "src/index.js"}),
                build.tool_call("c2", "run_terminal_command", {"command": "ls"}, status="errored"),
                build.tool_call("c3", "edit_existing_file", '{"filepath": ', status="canceled"),
            ),
        ),
        (
            2,
            "parts",
            (
                build.tool_result(
                    "c1",
                    "console.log(1)\n\nOne line",
                    items=[{"name": "index.js", "description": "src/index.js"}, {"name": "Hint"}],
                ),
            ),
        ),
        (
            3,
            "parts",
            (
                build.tool_result(
                    "c2",
                    "not allowed",
                    is_error=True,
                    items=[{"name": "Tool Call Error", "description": "Failed"}],
                ),
            ),
        ),
        (4, "created_at", "2026-08-01T16:00:09.000Z"),
        (5, "hidden", True),
        (5, "metadata", {"hidden_reason": "compaction"}),
        (7, "parts", ({"type": "redacted_thinking", "data": "ZW5j"},)),
    ],
)
def test_what_a_message_holds(number: int, field: str, value: Any) -> None:
    """Messages keep pictures, context, thoughts, calls with what became of them, outputs, usage and models."""
    found: MessageDraft = messages(fixture())[number]
    assert value == getattr(found, field)


def test_results_that_are_messages_are_told_once() -> None:
    """Earlier versions told a result as a message, too, and that one call failed beside it."""
    assert [
        ("system", "You are an agent."),
        ("assistant", "They greeted."),
        ("user", "List"),
        ("assistant", ""),
        ("tool", ""),
    ] == said(fixture(SECOND))
    asked, told = messages(fixture(SECOND))[3:]
    assert (build.tool_call("d1", "ls", {}, status="errored"),) == asked.parts
    assert (build.tool_result("d1", "no such folder", is_error=True),) == told.parts


@pytest.mark.parametrize("facts", [{"conversationSummary": "a"}, {}])
def test_a_message_that_is_a_summary(facts: dict[str, Any]) -> None:
    """What the command line put in the place of a conversation is hidden."""
    found = messages(read(item("assistant", "a" if facts else "[COMPACTED HISTORY]\na", **facts)))
    assert [(True, {"hidden_reason": "compaction"})] == [(one.hidden, one.metadata) for one in found]


def test_what_is_no_message_is_counted() -> None:
    """What tells the same again, placeholders and copies of files are counted by name."""
    assert [
        LeftOut("editor states (told again by messages)", 1),
        LeftOut("messages that say nothing", 1),
        LeftOut("prompt logs", 1),
        LeftOut("descriptions of tools", 1),
        LeftOut("checkpoints of files", 1),
    ] == [record for record in fixture() if isinstance(record, LeftOut)]


def test_a_session_without_messages() -> None:
    """A session in which nothing was said is counted."""
    assert [LeftOut("sessions without messages", 1)] == read()


def test_what_became_of_a_call_changes_no_id() -> None:
    """A call that waits, and later is done, stays the same message; so does one with an id whose words grow."""
    call = {"toolCallId": "c", "toolCall": {"id": "c", "function": {"name": "f", "arguments": "{}"}}}
    waiting, done = (
        messages(read(item("assistant", "", toolCallStates=[{**call, "status": status}])))
        for status in ("calling", "done")
    )
    assert waiting[0].source_id == done[0].source_id
    short, long = (messages(read(item("assistant", text, id="m"))) for text in ("a", "ab"))
    assert short[0].source_id == long[0].source_id


def test_an_edited_prompt_is_a_branch() -> None:
    """Continue edits what was typed in place: the earlier words are not lost, nor is what followed them."""
    first, other = (messages(read(item("user", text, id="u"), item("assistant", text, id="a"))) for text in "xy")
    assert {one.source_id for one in first}.isdisjoint(one.source_id for one in other)


def test_a_summary_made_later_changes_no_id() -> None:
    """What follows a summary has the id that it had before there was one."""
    one, other = (
        messages(read(item("user", "a", **facts), item("user", "b"))) for facts in ({}, {"conversationSummary": "s"})
    )
    assert one[-1].source_id == other[-1].source_id


def test_sniff() -> None:
    """A session is known by its keys; the list of sessions is none, nor are other histories."""
    assert "continue_dev" == detect(file_source(FIRST))
    assert None is detect(file_source(SESSIONS / "sessions.json"))
    assert continue_dev.sniff(head_of(source_of(json.dumps(session()))))
    assert not continue_dev.sniff(head_of(source_of(json.dumps({"sessionId": "s", "history": []}))))


def test_again_and_grown(tmp_path: Path) -> None:
    """A second import writes nothing, one of a session that went on only what is new."""
    whole = json.loads(FIRST.read_text())
    path = tmp_path / FIRST.name
    with chatlog.open(tmp_path / "chats.db") as store:
        counts = []
        for rows in (whole["history"][:4], whole["history"], whole["history"]):
            path.write_text(json.dumps({**whole, "history": rows}))
            report = transfer.import_history(store, [path])
            counts.append((report.total["new"], report.total["updated"]))
        assert [(4, 0), (4, 0), (0, 0)] == counts


def test_a_broken_item_loses_only_itself() -> None:
    """An item that cannot be read is told with its place."""
    records = read(item("user", "a"), item("judge", "b"), 7, item("user", "c"))
    assert ["message 2", "message 3"] == [one.place for one in records if isinstance(one, Problem)]
    assert [("user", "a"), ("user", "c")] == said(records)
