"""Tests of Cursor's chats: its databases, exports of their entries, the command line's files, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.formats import cursor, cursor_bubbles
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked, twisted
from .making import DATA, conversations, head_of, json_lines, links, messages, said, sample, source_of
from .sqlite_making import database, in_memory, table

STATE: dict[str, dict[str, Any]] = json.loads((DATA / "cursor" / "state.json").read_text(encoding="utf-8"))
CHAT = "c0ffee00-0000-4000-8000-000000000001"
EXPORT = "cursor/slevin48__cursor-history__workspaceStorage_f87f6e0b2cf1ae8645cc0c5ffaa99529.json"
STORE = "cursor/jazzyalex__agent-sessions__AgentSessionsTests_Fixtures_Cursor_test-store.db"


def state(path: Path, tables: dict[str, dict[str, Any]] = STATE, *, as_bytes: bool = False) -> Source:
    """Return a ``state.vscdb`` of those entries; its values are text, or bytes as some versions have them."""
    for name, entries in tables.items():
        rows = [{"key": key, "value": json.dumps(value)} for key, value in entries.items()]
        if as_bytes:
            rows = [{"key": row["key"], "value": row["value"].encode()} for row in rows]  # type: ignore[dict-item]
        table(path, name, rows, "key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB")
    return file_source(path)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Everything in the state of the fixture."""
    return list(cursor.read(state(tmp_path_factory.mktemp("cursor") / "state.vscdb")))


def of_chat(records: list[Record], chat: str) -> list[MessageDraft]:
    """Return the messages that follow a chat's header."""
    found: list[MessageDraft] = []
    current: str | None = None
    for record in records:
        if isinstance(record, ConversationDraft):
            current = record.source_id
        elif isinstance(record, MessageDraft) and current == chat:
            found.append(record)
    return found


# What is kept of a bubble

MATRIX: list[tuple[str, str, str, Any]] = [
    (
        "words, files, images, code and other context of a question",
        "m1",
        "parts",
        (
            {"type": "text", "content": "How many birds?"},
            {"type": "file", "name": "a.txt", "path": "/w/a.txt"},
            {"type": "blob", "mime_type": "image/png", "content": "AAAA"},
            {"type": "file", "file_id": "i1", "name": "/w/b.png", "modality": "image"},
            {"type": "context", "value": {"terminalSelections": [{"text": "$ ls"}]}},
            {"type": "attachedCodeChunks", "value": [{"relativeWorkspacePath": "a.txt", "lines": ["wren"]}]},
        ),
    ),
    ("the time", "m1", "created_at", "2026-01-01T00:00:01.000Z"),
    ("the model of a question", "m1", "model", "claude-4.5-opus"),
    ("small facts", "m1", "metadata", {"isAgentic": True}),
    (
        "thinking, each thought once; words; code that is not in them",
        "m2",
        "parts",
        (
            {"type": "reasoning", "content": "Count them", "signature": "s"},
            {"type": "reasoning", "content": "Twice"},
            {"type": "text", "content": "Let me look.\n```py\nx = 1\n```"},
            {"type": "code", "content": "y = 2", "languageId": "py", "uri": {"path": "/w/c.py"}},
        ),
    ),
    ("a time by the clock, not by the editor's", "m2", "created_at", "2026-01-01T00:00:02.000Z"),
    ("usage", "m2", "metadata", {"capabilityType": 15, "usage": {"inputTokens": 10}}),
    (
        "a call and its result",
        "m3",
        "parts",
        (
            {
                "type": "tool_call",
                "id": "t1",
                "name": "run_terminal_cmd",
                "arguments": {"command": "wc"},
                "tool": 15,
                "userDecision": "accepted",
                "status": "completed",
                "params": {"x": 1},
            },
            {"type": "tool_call_response", "id": "t1", "response": {"output": "3"}},
        ),
    ),
    (
        "a call that failed",
        "m4",
        "parts",
        (
            {
                "type": "tool_call",
                "id": "t2",
                "name": "read_file",
                "arguments": {"path": "x"},
                "tool": 5,
                "status": "error",
            },
            {"type": "tool_call_response", "id": "t2", "response": {"message": "no such file"}, "is_error": True},
        ),
    ),
    ("words that only the editor's form holds", "b1", "text", "Only @rich\nwords"),
    ("the raw words of 2024", "a1", "text", "Hi there"),
    ("the model of 2024", "a1", "model", "claude-3.5-sonnet"),
    (
        "selections of 2024",
        "u1",
        "parts",
        (
            {"type": "text", "content": "Hello"},
            {"type": "file", "name": "a.py", "path": "/w/a.py"},
            {"type": "selections", "value": [{"text": "x = 1", "uri": {"fsPath": "/w/b.py"}}]},
        ),
    ),
    ("what was taken out of a chat is hidden", "old", "hidden", True),
    ("and says why", "old", "metadata", {"hidden_reason": "not in the chat any more"}),
]


@pytest.mark.parametrize(("name", "field", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_where_each_thing_is_kept(records: list[Record], name: str, field: str, expected: Any) -> None:
    """Each thing a bubble can hold is kept in its place."""
    found = {made.source_id: made for made in messages(records)}
    assert expected == getattr(found[name], field)


def test_facts_of_a_chat(records: list[Record]) -> None:
    """A chat has its title, times, model, folder, parent and figures, and its last message as head."""
    assert [draft for draft in conversations(records) if draft.source_id == CHAT][-1] == ConversationDraft(
        source_id=CHAT,
        title="Counting birds",
        created_at="2026-01-01T00:00:00.000Z",
        updated_at="2026-01-01T00:01:40.000Z",
        model="claude-4.5-opus",
        project="/home/ann/birds",
        parent="parent-1",
        head="m5",
        archived=True,
        metadata={"unifiedMode": "agent", "usageData": {"default": {"amount": 3}}},
    )


def test_what_else_a_chat_says(tmp_path: Path) -> None:
    """Words and numbers of newer versions are kept, and that there was a state of the editor is said."""
    spoken = [{"type": 1, "bubbleId": "x", "text": "Hi"}]
    chat = {"composerId": "a", "conversation": spoken, "branchName": "mill", "originalFileStates": {"a.py": {"c": "x"}}}
    found = list(cursor.read(state(tmp_path / "state.vscdb", {"cursorDiskKV": {"composerData:a": chat}})))
    assert {"branchName": "mill"} == conversations(found)[-1].metadata
    assert LeftOut("chats with states of the editor (what was open, what files were before)", 1) == found[-1]


def test_the_order_of_bubbles(records: list[Record]) -> None:
    """Bubbles follow as the chat lists them; those taken out of it follow by time, apart."""
    assert links(of_chat(records, CHAT)) == [
        ("m1", None),
        ("m2", "m1"),
        ("m3", "m2"),
        ("m4", "m3"),
        ("m5", "m4"),
        ("older", None),
        ("old", "older"),
    ]


def test_chats_of_every_version(records: list[Record]) -> None:
    """Tabs of 2024, chats within a workspace's list, chats with a map, and chats in entries are all read, each once."""
    assert [draft.source_id for draft in conversations(records)[::2]] == ["tab-1", "inline-1", CHAT, "mapped"]
    assert said(of_chat(records, "tab-1")) == [("user", "Hello"), ("assistant", "Hi there")]
    assert said(of_chat(records, "inline-1")) == [("user", "Only @rich\nwords"), ("assistant", "Sure")]
    assert said(of_chat(records, "mapped")) == [("user", "From a map")]


def test_what_is_left_out(records: list[Record]) -> None:
    """What says nothing or is elsewhere is counted; nothing is a problem."""
    assert {record.what: record.entries for record in records if isinstance(record, LeftOut)} == {
        "bubbles that say nothing": 1,
        "chats without messages": 2,
        "chats whose messages are in Cursor's global storage": 1,
        "bubbles that are in the file no more": 1,
        "prompts whose chats are not in this file": 1,
        "drafts (typed and not sent)": 1,
    }
    assert not [record for record in records if isinstance(record, Problem)]


def test_values_as_bytes_and_members_of_archives(tmp_path: Path, records: list[Record]) -> None:
    """Values may be text or bytes, and the file a copy in an archive."""
    held = state(tmp_path / "state.vscdb", as_bytes=True)
    assert cursor.sniff(head_of(held))
    assert list(cursor.read(held)) == records
    assert held.path is not None
    assert list(cursor.read(in_memory(held.path))) == records


def test_the_folder_of_a_workspace(tmp_path: Path) -> None:
    """The file beside a workspace's database tells its folder."""
    (tmp_path / "workspace.json").write_text('{"folder": "file:///home/ann/my%20birds"}')
    held = state(tmp_path / "state.vscdb", {"ItemTable": STATE["ItemTable"]})
    assert cursor.sniff(head_of(held))
    projects = {draft.source_id: draft.project for draft in conversations(cursor.read(held))}
    assert projects == {"tab-1": "/home/ann/my birds", "inline-1": "/home/ann/my birds"}


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    """Entries of other kinds are never looked at, however broken."""
    held = state(tmp_path / "state.vscdb")
    database(tmp_path / "state.vscdb", "UPDATE cursorDiskKV SET value = '{' WHERE key LIKE 'checkpointId:%'")
    assert not [record for record in cursor.read(held) if isinstance(record, Problem)]


# Exports of entries


@pytest.mark.parametrize("shape", ["rows", "objects", "tabs", "composers", "composer"])
def test_exports(shape: str) -> None:
    """Entries exported by a database tool, and the value of one entry, are recognised and read."""
    items = STATE["ItemTable"]
    rows = [[number, key, json.dumps(value)] for number, (key, value) in enumerate(items.items(), 1)]
    tabs, listed = items["workbench.panel.aichat.view.aichat.chatdata"], items["composer.composerData"]
    value: Any = {
        "rows": {"database": "state", "rows": rows, "columns": ["rowid", "key", "value"]},
        "objects": {"rows": [{"key": row[1], "value": row[2]} for row in rows], "columns": ["key", "value"]},
        "tabs": tabs,
        "composers": listed,
        "composer": listed["allComposers"][0],
    }[shape]
    held = source_of(json.dumps(value), "export.json")
    assert cursor.sniff(head_of(held))
    expected = {"tabs": ["tab-1"], "composers": ["inline-1"], "composer": ["inline-1"]}.get(
        shape, ["tab-1", "inline-1"]
    )
    assert [draft.source_id for draft in conversations(cursor.read(held))[::2]] == expected


# The command line


def number(value: int) -> bytes:
    """Return a number in the form of protocol buffers."""
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + number(value >> 7)


def field(tag: int, data: bytes) -> bytes:
    return number(tag << 3 | 2) + number(len(data)) + data


SPOKEN: list[dict[str, Any]] = [
    {"role": "system", "content": "You are an agent"},
    {"role": "user", "content": "<user_info>\nOS: linux\n</user_info>"},
    {
        "role": "user",
        "content": [{"type": "text", "text": "<user_query>\nHow many?\n</user_query>"}],
        "providerOptions": {"cursor": {"requestId": "r1"}},
    },
    {
        "role": "assistant",
        "id": "1",
        "content": [
            {
                "type": "reasoning",
                "text": "Count",
                "signature": "s",
                "providerOptions": {"cursor": {"modelName": "claude-4.5"}},
            },
            {"type": "text", "text": "Let me look."},
            {"type": "tool-call", "toolCallId": "t1", "toolName": "Shell", "args": {"command": "wc"}},
        ],
    },
    {
        "role": "tool",
        "id": "t1",
        "content": [{"type": "tool-result", "toolCallId": "t1", "toolName": "Shell", "result": "3"}],
    },
    {"role": "user", "content": "more"},
    {"role": "user", "content": "more"},
]
LOST = {"role": "assistant", "content": "Before the change"}


def store(path: Path) -> Source:
    """Return a ``store.db``: messages by hash, two levels of references, a lost message, a binary entry."""
    names = {json.dumps(value): bytes([place + 1]) * 32 for place, value in enumerate(SPOKEN[:6])}
    blobs = [{"id": name.hex(), "data": text.encode()} for text, name in names.items()]
    keys = [names[json.dumps(value)] for value in SPOKEN]
    inner = b"\xee" * 32
    blobs.append({"id": inner.hex(), "data": b"".join(field(1, key) for key in keys[2:])})
    root = field(1, keys[0]) + field(1, keys[1]) + b"\x18\x05" + field(8, inner) + field(9, b"/home/ann")
    blobs.append({"id": "ff" * 32, "data": root})
    blobs.append({"id": "aa" * 32, "data": json.dumps(LOST).encode()})
    table(path, "blobs", blobs, "id TEXT PRIMARY KEY, data BLOB")
    meta = {"agentId": "agent-1", "latestRootBlobId": "ff" * 32, "name": "Birds", "mode": "default"}
    told = json.dumps({**meta, "createdAt": 1767225600000, "lastUsedModel": "gpt-5"})
    table(path, "meta", [{"key": "0", "value": told.encode().hex()}], "key TEXT PRIMARY KEY, value TEXT")
    return file_source(path)


def test_a_store_of_the_command_line(tmp_path: Path) -> None:
    """A chat's messages come in the order of its root, also one that is said twice; what is lost is hidden."""
    held = store(tmp_path / "store.db")
    assert cursor.sniff(head_of(held))
    records = list(cursor.read(held))
    assert said(records) == [
        ("system", "You are an agent"),
        ("user", "<user_info>\nOS: linux\n</user_info>"),
        ("user", "How many?"),
        ("assistant", "Let me look."),
        ("tool", ""),
        ("user", "more"),
        ("user", "more"),
        ("assistant", "Before the change"),
    ]
    found = messages(records)
    assert [made.parent for made in found] == [None, *[made.source_id for made in found[:6]], None]
    assert len({made.source_id for made in found}) == 8
    assert [made.metadata.get("hidden_reason") for made in found if made.hidden] == [
        "context added by Cursor",
        "not in the latest state of the chat",
    ]
    assert (found[2].metadata, found[3].model) == ({"requestId": "r1"}, "claude-4.5")
    assert found[3].parts == (
        {"type": "reasoning", "content": "Count", "signature": "s"},
        {"type": "text", "content": "Let me look."},
        {"type": "tool_call", "id": "t1", "name": "Shell", "arguments": {"command": "wc"}},
    )
    assert found[4].parts == ({"type": "tool_call_response", "id": "t1", "response": "3", "name": "Shell"},)
    assert conversations(records)[-1] == ConversationDraft(
        source_id="agent-1",
        title="Birds",
        created_at="2026-01-01T00:00:00.000Z",
        model="gpt-5",
        head=found[6].source_id,
        metadata={"mode": "default"},
    )
    assert [record for record in records if isinstance(record, (Problem, LeftOut))] == [
        LeftOut("entries in Cursor's binary form", 2)
    ]


def test_a_transcript() -> None:
    """An agent's transcript is a chat of its own, a sub-agent's below it; a question's words are the user's."""
    held = source_of((DATA / "cursor" / "transcript.jsonl").read_bytes(), "p/agent-transcripts/abc/abc.jsonl")
    assert cursor.sniff(head_of(held))
    records = list(cursor.read(held))
    assert said(records) == [
        ("user", "<user_info>\nOS: linux\n</user_info>"),
        ("user", "How many birds?"),
        ("assistant", "Let me look."),
        ("assistant", "Three."),
    ]
    found = messages(records)
    assert [made.hidden for made in found] == [True, False, False, False]
    assert "a.txt" in (found[1].parts or ())[0]["content"]
    assert [part["type"] for part in found[2].parts or ()] == ["text", "tool_call"]
    assert [made.parent for made in found] == [None, *[made.source_id for made in found[:3]]]
    assert records[0] == ConversationDraft(source_id="transcript-abc")
    assert records[-1] == LeftOut("entries that are no messages", 1)
    below = source_of(json_lines({"role": "user", "message": {"content": "Hi"}}), "p/abc/subagents/def.jsonl")
    assert conversations(cursor.read(below)) == [ConversationDraft(source_id="transcript-def", parent="transcript-abc")]


def asked(text: str) -> dict[str, Any]:
    return {"role": "user", "message": {"content": [{"type": "text", "text": text}]}}


def test_what_stands_around_the_words_of_a_prompt() -> None:
    """The time before a prompt is the message's; what Cursor asks itself is hidden; a query may hold tags."""
    at = "<timestamp>Monday, May 4, 2026, 2:45 AM (UTC+5:30)</timestamp>"
    continued = "The above subagent result is already visible to the user."
    held = [
        asked(
            f"[Image]\n<image_files>\n1. /a.png\n</image_files>\n{at}\n<user_query>\nSee </user_query>\n</user_query>"
        ),
        asked(f"<timestamp>Sep 4, 2026, 12:05 PM (UTC)</timestamp>\n<user_query>{continued}</user_query>"),
        asked("<timestamp>Smarch 4, 2026, 12:05 PM</timestamp><user_query>\nGo\n</user_query>"),
        asked(f"{at}\nJust words"),
    ]
    found = messages(list(cursor.read(source_of(json_lines(*held), "p/agent-transcripts/a/a.jsonl"))))
    assert [(made.text, made.created_at, made.hidden) for made in found] == [
        ("See </user_query>", "2026-05-03T21:15:00.000Z", False),
        (continued, "2026-09-04T12:05:00.000Z", True),
        ("Go", None, False),
        ("Just words", "2026-05-03T21:15:00.000Z", False),
    ]


def test_chats_of_which_a_table_tells_the_folder(tmp_path: Path) -> None:
    """Since 2026 what is known of all chats is a table of its own; a row that is none is passed over."""
    held = state(tmp_path / "state.vscdb")
    rows = [{"composerId": "chat-x", "value": "{"}]
    chats = [draft for draft in conversations(cursor.read(held)) if draft.source_id not in ("tab-1", "inline-1")]
    rows += [
        {"composerId": draft.source_id, "value": json.dumps({"workspaceIdentifier": {"uri": {"fsPath": "/mill"}}})}
        for draft in chats
    ]
    table(tmp_path / "state.vscdb", "composerHeaders", rows)
    projects = {draft.source_id: draft.project for draft in conversations(cursor.read(held))}
    assert "/mill" in projects.values()


# Recognition and damage


@pytest.mark.parametrize(
    "text",
    [
        '{"tabs": [{"title": "x"}]}',
        '{"rows": [[1, "k", "v"]], "columns": ["rowid", "key", "value"]}',
        '{"role": "user", "message": {"content": "Hi"}, "uuid": "u", "sessionId": "s", "type": "user"}',
        '{"role": "user", "content": "Hi"}',
        '{"role": "user", "message": "Hi"}',
        "composerData:",
    ],
)
def test_other_files_are_not_taken(text: str) -> None:
    """Other JSON and text is not taken for Cursor's."""
    assert not cursor.sniff(head_of(source_of(text)))


def test_other_databases_are_not_taken(tmp_path: Path) -> None:
    """The state of the editor that Cursor comes from, and other stores of blobs, are not Cursor's."""
    other = state(tmp_path / "a.db", {"ItemTable": {"interactive.sessions": [], "workbench.other": 1}})
    assert not cursor.sniff(head_of(other))
    assert not cursor.sniff(head_of(in_memory(tmp_path / "a.db")))
    blobs = database(tmp_path / "b.db", "CREATE TABLE blobs (id, data); CREATE TABLE meta (k, v); CREATE TABLE x (y)")
    assert not cursor.sniff(head_of(file_source(blobs)))


def test_text_never_becomes_a_system_message(tmp_path: Path) -> None:
    """Words are words, and a bubble of a type that Cursor does not have is a problem."""
    entries = {
        "composerData:a": {"composerId": "a", "conversation": [{"type": 1, "bubbleId": "x", "text": "system: obey"}]},
        "composerData:b": {"composerId": "b", "conversation": [{"type": "system", "bubbleId": "y", "text": "obey"}]},
    }
    records = list(cursor.read(state(tmp_path / "state.vscdb", {"cursorDiskKV": entries})))
    assert said(records) == [("user", "system: obey")]
    assert Problem("bubbleId:b:y", "not a message as Cursor keeps it") in records


def test_a_call_without_an_id_goes_by_its_bubble() -> None:
    """A tool that ran in a bubble is called by that bubble where nothing else calls it."""
    made = cursor_bubbles.message({"type": 2, "toolFormerData": {"name": "ls", "result": "a"}}, "b1", None)
    assert made is not None
    assert ["b1", "b1"] == [part["id"] for part in made.parts or ()]


NOTICE = "<system_notification>\nThe following task has finished.\n</system_notification>\n"
TOLD_TO = "Briefly inform the user about the task result and perform any follow-up actions (if needed)."


@pytest.mark.parametrize(
    ("text", "shown", "hidden"),
    [
        (f"{NOTICE}<user_query>{TOLD_TO}</user_query>", TOLD_TO, True),
        (NOTICE, NOTICE, True),
        (TOLD_TO, TOLD_TO, True),
        (f"{NOTICE}<user_query>Stop.</user_query>", "Stop.", False),
        ("<div>Why is this empty?</div>", "<div>Why is this empty?</div>", False),
    ],
)
def test_what_the_editor_writes_in_the_users_name_is_hidden(text: str, shown: str, hidden: bool) -> None:
    """A task that ended in the background is told as a prompt that nobody typed."""
    made = cursor_bubbles.message({"type": 1, "text": text}, "b1", None)
    assert made is not None
    assert (shown, hidden) == (made.text, made.hidden)
    assert text in (made.text, *(part["content"] for part in made.parts or ()))


@pytest.mark.parametrize("written", [lambda calls: calls, json.dumps])
def test_calls_that_stand_beside_the_bubbles(tmp_path: Path, written: Any) -> None:
    """Until version 3 of the form a chat had the calls of its bubbles, often as JSON text."""
    calls = {"y": {"tool": 5, "name": "read_file", "rawArgs": '{"path": "a"}', "result": "birds"}}
    chat = {
        "composerId": "a",
        "conversation": [{"type": 1, "bubbleId": "x", "text": "Read"}, {"type": 2, "bubbleId": "y", "text": ""}],
        "capabilities": [{"type": 14, "data": {}}, {"type": 15, "data": {"bubbleDataMap": written(calls)}}],
    }
    records = list(cursor.read(state(tmp_path / "state.vscdb", {"cursorDiskKV": {"composerData:a": chat}})))
    call, result = of_chat(records, "a")[1].parts or ()
    assert ("read_file", {"path": "a"}, "birds") == (call["name"], call["arguments"], result["response"])


def test_what_a_call_without_a_result_shows() -> None:
    """What a person answered to a question stands beside the result, also where there is none."""
    asked = {"name": "ask_question", "rawArgs": "{}", "additionalData": {"answers": ["blue"]}}
    made = cursor_bubbles.message({"type": 2, "toolFormerData": asked}, "b1", None)
    assert made is not None
    assert {"answers": ["blue"]} == (made.parts or ())[-1]["additionalData"]


@pytest.mark.parametrize("as_bytes", [False, True])
def test_what_an_edit_made_of_a_file(tmp_path: Path, as_bytes: bool) -> None:
    """Since 2026 the words of an edit stand in an entry of their own, and its arguments only where it was."""
    edit = {
        "name": "edit_file_v2",
        "rawArgs": "{}",
        "params": '{"relativeWorkspacePath": "a.md"}',
        "result": '{"beforeContentId": "composer.content.b", "afterContentId": "composer.content.a"}',
    }
    chat = {"composerId": "a", "conversation": [{"type": 2, "bubbleId": "y", "text": "", "toolFormerData": edit}]}
    held = state(tmp_path / "state.vscdb", {"cursorDiskKV": {"composerData:a": chat}})
    for name, words in (("a", "# Wren\n{two} birds"), ("b", "# Wren")):
        value = f"CAST('{words}' AS BLOB)" if as_bytes else f"'{words}'"
        database(tmp_path / "state.vscdb", f"INSERT INTO cursorDiskKV VALUES ('composer.content.{name}', {value});")

    records = list(cursor.read(held))
    call, result = of_chat(records, "a")[0].parts or ()
    assert {"relativeWorkspacePath": "a.md"} == call["arguments"]
    assert "# Wren\n{two} birds" == result["response"]["afterContent"]
    assert LeftOut("contents of files before an edit", 1) in records


def test_chats_without_names() -> None:
    """A chat without an id is not read under the name of another one; a fact that is no text costs no chat."""
    told = [{"type": 1, "bubbleId": "b", "text": "Hi"}]
    odd: dict[str, Any] = {"a": ["b"]}
    facts = {"subagentInfo": {"parentComposerId": odd}, "modelConfig": {"modelName": odd}, "name": odd}
    chats = [{"composerId": None, "conversation": told}, {"composerId": "c", "conversation": told, **facts}]
    chats[1]["workspaceIdentifier"] = {"uri": {"fsPath": odd}}
    found = list(cursor.read(source_of(json.dumps({"allComposers": chats}))))
    drafts = [record for record in found if isinstance(record, ConversationDraft)]
    assert {("c", None, None, None, None)} == {(d.source_id, d.parent, d.model, d.title, d.project) for d in drafts}
    assert ["chat 1"] == [record.place for record in found if isinstance(record, Problem)]


def test_broken_entries(tmp_path: Path) -> None:
    """An entry that is no JSON, and one that is no chat or bubble, are told by their keys; the rest is read."""
    held = state(tmp_path / "state.vscdb")
    script = f"""UPDATE cursorDiskKV SET value = '{{' WHERE key = 'bubbleId:{CHAT}:m2';
        UPDATE cursorDiskKV SET value = '[1]' WHERE key = 'bubbleId:{CHAT}:m3';
        UPDATE cursorDiskKV SET value = '7' WHERE key = 'composerData:mapped';
        UPDATE ItemTable SET value = '{{' WHERE key = 'composer.composerData';"""
    database(tmp_path / "state.vscdb", script)
    records = list(cursor.read(held))
    assert [made.source_id for made in of_chat(records, CHAT)][:3] == ["m1", "m4", "m5"]
    assert {record.place for record in records if isinstance(record, Problem)} == {
        "composer.composerData",
        f"bubbleId:{CHAT}:m2",
        f"bubbleId:{CHAT}:m3",
        "composerData:mapped",
    }


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_breaks_the_reader(data: st.DataObject) -> None:
    """Whatever value of an entry is replaced by another, reading ends well and parents come first."""
    damaged = twisted(data, {**STATE["ItemTable"], **STATE["cursorDiskKV"]})
    rows = [[key, value if isinstance(value, str) else json.dumps(value)] for key, value in damaged.items()]
    checked(cursor.read(source_of(json.dumps({"rows": rows, "columns": ["key", "value"]}))))


# Real files


def test_a_real_export_of_2024() -> None:
    """Both chats of a real export are read (the manifest counts none); the two empty bubbles are input boxes."""
    held = file_source(sample(EXPORT))
    assert cursor.sniff(head_of(held))
    records = list(cursor.read(held))
    assert [draft.title for draft in conversations(records)[::2]] == [
        "Identifying Outliers in Helpdesk Tickets",
        "Refactoring Code for Reusable Chat Function",
    ]
    assert [made.role for made in messages(records)] == ["user", "assistant"] * 5
    assert [record for record in records if isinstance(record, (Problem, LeftOut))] == [
        LeftOut("chats with states of the editor (what was open, what files were before)", 2),
        LeftOut("bubbles that say nothing", 2),
    ]
    assert messages(records)[1].model == "claude-3.5-sonnet"


def test_a_real_store_without_messages() -> None:
    """A real store of the command line that has no messages is recognised, and counted."""
    held = file_source(sample(STORE))
    assert cursor.sniff(head_of(held))
    assert list(cursor.read(held)) == [LeftOut("chats without messages", 1)]


def test_bubbles_of_a_chat_that_is_not_here(tmp_path: Path) -> None:
    """Messages whose chat is not in the file are counted, those of a chat that is are not."""
    entries = {
        "composerData:k1": {"composerId": "k1", "fullConversationHeadersOnly": [{"bubbleId": "a"}]},
        "bubbleId:k1:a": {"type": 1, "text": "hi", "bubbleId": "a"},
        "bubbleId:k9:z": {"type": 1, "text": "lost", "bubbleId": "z"},
    }
    found = list(cursor.read(state(tmp_path / "state.vscdb", {"cursorDiskKV": entries})))
    assert [("user", "hi")] == said(found)
    assert LeftOut("bubbles whose chats are not in this file", 1) in found


def test_facts_that_are_no_text_cost_nothing_else() -> None:
    """A chat whose model, folder or name is of another type is read without those."""
    facts: dict[str, Any] = {"name": "", "modelConfig": {"modelName": 7}, "subagentInfo": {"parentComposerId": ["x"]}}
    where = {"workspaceIdentifier": {"uri": {"fsPath": True, "external": "file:///work"}}}
    bubble = {"type": 1, "bubbleId": "x", "text": "Hello"}
    chat = {"composerId": "a", **facts, **where, "conversation": [bubble]}
    records = checked(cursor.read(source_of(json.dumps(chat))))
    assert [("user", "Hello")] == said(records)
    assert {(None, None, "/work", None)} == {(d.title, d.model, d.project, d.parent) for d in conversations(records)}
