"""Tests of opencode's sessions: the tree of files, the database, exports, and damage."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import opencode
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, Problem, Record

from .making import DATA, conversations, head_of, links, messages, said, sample, source_of, walk
from .sqlite_making import database, in_memory, table

STORAGE = DATA / "opencode" / "storage"
OWN = "session/proj/ses_01.json"
SAMPLES = "opencode/jazzyalex__agent-sessions__opencode/storage_v2"


def value(name: str) -> dict[str, Any]:
    """Return what a file of the tree holds."""
    found: dict[str, Any] = json.loads((STORAGE / name).read_text(encoding="utf-8"))
    return found


def read_tree(folder: Path) -> list[Record]:
    return list(opencode.read(file_source(folder / OWN)))


def copied(tmp_path: Path) -> Path:
    """Return a copy of the tree that may be changed."""
    return Path(shutil.copytree(STORAGE, tmp_path / "storage"))


# What is kept

BY_ID = {made.source_id: made for made in messages(read_tree(STORAGE))}
MATRIX: list[tuple[str, str, str, Any]] = [
    ("a user's words, without those that were put to them", "msg_01", "text", "How many birds are in this file?"),
    (
        "words, injected words, files by address and as bytes, agents, changes",
        "msg_01",
        "parts",
        (
            {"type": "text", "content": "How many birds are in this file?"},
            {"type": "text", "content": "Called the Read tool", "synthetic": True},
            {
                "type": "uri",
                "uri": "file:///home/ann/birds/a.txt",
                "mime_type": "text/plain",
                "source": {"type": "file", "path": "a.txt", "text": {"value": "@a.txt", "start": 1, "end": 7}},
                "name": "a.txt",
            },
            {"type": "blob", "mime_type": "image/png", "content": "AAAA", "name": "b.png"},
            {"type": "agent", "name": "explore", "source": {"value": "@explore", "start": 0, "end": 8}},
            {"type": "diffs", "diffs": [{"file": "a.txt", "before": "", "after": "wren"}]},
        ),
    ),
    (
        "which model and agent a question was for",
        "msg_01",
        "metadata",
        {
            "agent": "build",
            "system": "Count only wrens",
            "summary": {"title": "Birds"},
            "providerID": "anthropic",
            "model": "claude-4",
        },
    ),
    ("the time", "msg_01", "created_at", "2026-01-01T00:00:00.100Z"),
    (
        "steps, reasoning, calls with results, failures and files, changes, a part of a kind not known",
        "msg_02",
        "parts",
        (
            {"type": "step-start", "snapshot": "abc"},
            {
                "type": "reasoning",
                "content": "Count them",
                "time": {"start": 1, "end": 2},
                "metadata": {"anthropic": {"signature": "s"}},
            },
            {"type": "tool_call", "id": "call_1", "name": "bash", "arguments": {"command": "wc"}},
            {
                "type": "tool_call_response",
                "id": "call_1",
                "response": "3",
                "title": "Count",
                "metadata": {"exit": 0},
                "time": {"start": 1, "end": 2},
            },
            {"type": "blob", "mime_type": "image/png", "content": "BBBB"},
            {"type": "tool_call", "id": "call_2", "name": "read", "arguments": {"filePath": "x"}},
            {
                "type": "tool_call_response",
                "id": "call_2",
                "response": "no such file",
                "time": {"start": 1, "end": 2},
                "is_error": True,
            },
            {"type": "tool_call", "id": "call_3", "name": "task", "arguments": {"prompt": "go"}},
            {"type": "tool_state", "status": "running", "time": {"start": 1}},
            {"type": "text", "content": "Three."},
            {"type": "patch", "hash": "def", "files": ["a.txt"]},
            {"type": "step-finish", "reason": "stop", "cost": 0.01, "tokens": {"input": 10, "output": 20}},
            {"type": "hologram", "beam": 1},
        ),
    ),
    ("an answer's words", "msg_02", "text", "Three."),
    ("an answer's model", "msg_02", "model", "claude-4"),
    (
        "usage, cost, mode, end",
        "msg_02",
        "metadata",
        {
            "parentID": "msg_01",
            "providerID": "anthropic",
            "mode": "build",
            "path": {"cwd": "/home/ann/birds", "root": "/"},
            "cost": 0.01,
            "finish": "stop",
            "usage": {"input": 10, "output": 20, "reasoning": 3, "cache": {"read": 1, "write": 2}},
            "completed": "2026-01-01T00:00:00.900Z",
        },
    ),
    ("a message of injected words alone is hidden", "msg_03", "hidden", True),
    ("its words can be found", "msg_03", "text", "Continue if you have next steps"),
    (
        "errors",
        "msg_04",
        "metadata",
        {
            "parentID": "msg_03",
            "providerID": "openai",
            "error": {"name": "MessageAbortedError", "data": {"message": "aborted"}},
        },
    ),
    (
        "tasks and retries",
        "msg_04",
        "parts",
        (
            {"type": "subtask", "prompt": "look", "description": "Look", "agent": "explore"},
            {"type": "retry", "attempt": 1, "error": {"name": "APIError"}, "time": {"created": 1}},
        ),
    ),
]


@pytest.mark.parametrize(("name", "field", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_where_each_thing_is_kept(name: str, field: str, expected: Any) -> None:
    """Each thing a message can hold is kept in its place."""
    assert expected == getattr(BY_ID[name], field)


def test_facts_of_a_session() -> None:
    """A session has its title, folder, parent, times and list of things to do; what was undone is behind its head."""
    records = read_tree(STORAGE)
    expected = ConversationDraft(
        source_id="ses_01",
        title="Counting birds",
        created_at="2026-01-01T00:00:00.000Z",
        updated_at="2026-01-01T00:01:40.000Z",
        model="gpt-5",
        project="/home/ann/birds",
        parent="ses_00",
        head="msg_02",
        metadata={
            "version": "1.1.0",
            "projectID": "proj",
            "slug": "brave-owl",
            "summary": {"additions": 1, "deletions": 0, "files": 1},
            "share": {"url": "https://opencode.ai/s/x"},
            "revert": {"messageID": "msg_03"},
            "todo": [{"content": "count", "status": "pending", "priority": "high"}],
        },
    )
    assert conversations(records)[-1] == expected
    assert links(records) == [
        ("msg_01", None),
        ("msg_02", "msg_01"),
        ("msg_03", "msg_02"),
        ("msg_04", "msg_03"),
    ]


def test_a_session_that_nothing_was_undone_in(tmp_path: Path) -> None:
    """The last message is the head where nothing, or only a part of a message, was undone."""
    folder = copied(tmp_path)
    info = {**value(OWN), "revert": {"messageID": "msg_03", "partID": "prt_16"}}
    (folder / OWN).write_text(json.dumps(info))
    assert conversations(read_tree(folder))[-1].head == "msg_04"


# Shapes


def export() -> dict[str, Any]:
    """Return the session as ``opencode export`` writes it."""
    told = []
    for path in sorted((STORAGE / "message" / "ses_01").iterdir()):
        parts = [json.loads(part.read_text()) for part in sorted((STORAGE / "part" / path.stem).iterdir())]
        told.append({"info": json.loads(path.read_text()), "parts": parts})
    return {"info": value(OWN), "messages": told}


def tables(path: Path) -> Source:
    """Return the session as the database of 2026 keeps it."""
    told, info = export(), value(OWN)
    session = {
        "id": info["id"],
        "project_id": "proj",
        "parent_id": "ses_00",
        "slug": info["slug"],
        "directory": info["directory"],
        "title": info["title"],
        "version": info["version"],
        "share_url": "https://opencode.ai/s/x",
        "revert": info["revert"],
        "time_created": info["time"]["created"],
        "time_updated": info["time"]["updated"],
        "time_archived": 1767225800000,
    }
    table(path, "project", [{"id": "proj", "worktree": "/home/ann/birds"}])
    table(path, "session", [session, {**session, "id": "ses_02", "revert": None, "parent_id": None, "directory": None}])
    rows, parts = [], []
    for entry in told["messages"]:
        own = {key: fact for key, fact in entry["info"].items() if key not in ("id", "sessionID")}
        name = entry["info"]["id"]
        rows.append({"id": name, "session_id": "ses_01", "time_created": own["time"]["created"], "data": own})
        for part in entry["parts"]:
            data = {key: fact for key, fact in part.items() if key not in ("id", "sessionID", "messageID")}
            parts.append({"id": part["id"], "message_id": name, "session_id": "ses_01", "data": data})
    table(path, "message", reversed(rows))
    table(path, "part", reversed(parts))
    todo = {"session_id": "ses_01", "content": "count", "status": "pending", "priority": "high", "position": 0}
    return file_source(table(path, "todo", [todo]))


def test_the_database_tells_the_same(tmp_path: Path) -> None:
    """Messages are the same in the database as in the tree, whatever the order of its rows, also in an archive."""
    held = tables(tmp_path / "opencode.db")
    assert opencode.sniff(head_of(held))
    records = list(opencode.read(held))
    assert messages(records) == messages(read_tree(STORAGE))
    first = [draft for draft in conversations(records) if draft.source_id == "ses_01"][-1]
    assert (first.title, first.project, first.parent, first.head) == (
        "Counting birds",
        "/home/ann/birds",
        "ses_00",
        "msg_02",
    )
    assert (first.archived, first.updated_at) == (True, "2026-01-01T00:01:40.000Z")
    assert first.metadata["todo"] == [{"content": "count", "status": "pending", "priority": "high"}]
    places = {draft.source_id: draft.project for draft in conversations(records)}
    assert {"ses_01": "/home/ann/birds", "ses_02": "/home/ann/birds"} == places  # the second from its project
    assert held.path is not None
    assert list(opencode.read(in_memory(held.path))) == records


@pytest.mark.parametrize("indent", [None, 2])
def test_an_export_tells_the_same(indent: int | None) -> None:
    """``opencode export`` tells the same messages."""
    held = source_of(json.dumps(export(), indent=indent), "export.json")
    assert opencode.sniff(head_of(held))
    assert messages(opencode.read(held)) == messages(read_tree(STORAGE))


def test_an_export_whose_session_is_long() -> None:
    """An export that does not show its session in its beginning is read all the same."""
    told = export()
    told["info"]["summary"] = {"diffs": ["x" * 100_000]}
    held = source_of(json.dumps(told), "export.json")
    assert messages(opencode.read(held)) == messages(read_tree(STORAGE))


def test_a_folder_yields_each_session_once(tmp_path: Path) -> None:
    """Of a tree only the sessions' own files are recognised, on disk and in a zip, and read with their messages."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted(STORAGE.rglob("*.json")):
            archive.write(path, f"opencode/storage/{path.relative_to(STORAGE)}")
    for place in (STORAGE, tmp_path / "a.zip"):
        found = [
            (member.stem, list(opencode.read(member))) for member in walk(place) if opencode.sniff(head_of(member))
        ]
        assert [name for name, _ in found] == ["ses_01"]
        assert messages(found[0][1]) == list(BY_ID.values())


@pytest.mark.parametrize("layout", ["nested", "flat", "old", "within"])
def test_older_trees(tmp_path: Path, layout: str) -> None:
    """Parts in folders by session, side by side, below the sessions, or within their messages, are found."""
    folder = copied(tmp_path)
    if layout == "nested":
        shutil.move(folder / "part", folder / "parts")
        shutil.move(folder / "parts", folder / "part" / "ses_01")
    if layout == "flat":
        for path in sorted((folder / "part").glob("*/*.json")):
            shutil.move(path, folder / "part" / path.name)
        for path in (folder / "part").iterdir():
            if path.is_dir():
                path.rmdir()
    if layout == "old":
        (folder / "session" / "message").mkdir()
        shutil.move(folder / "message" / "ses_01", folder / "session" / "message" / "ses_01")
        shutil.move(folder / "part", folder / "session" / "parts")
        shutil.move(folder / "session" / "parts", folder / "session" / "part" / "ses_01")
    if layout == "within":
        for entry in export()["messages"]:
            path = folder / "message" / "ses_01" / f"{entry['info']['id']}.json"
            path.write_text(json.dumps({**entry["info"], "parts": entry["parts"]}))
        shutil.rmtree(folder / "part")
    assert messages(read_tree(folder)) == list(BY_ID.values())


# Outputs that are too long


def cut_off(metadata: dict[str, Any], hint: str = "") -> list[dict[str, Any]]:
    """Return an answer's parts: a command whose output opencode cut off."""
    state = {"status": "completed", "input": {}, "output": f"birds\n\n...9 lines truncated...\n\n{hint}"}
    return [{"type": "tool", "tool": "bash", "callID": "c", "state": {**state, "metadata": metadata}}]


SAVED = "/home/ann/.local/share/opencode/tool-output/tool_01"


@pytest.mark.parametrize("place", ["tool-output", "opencode/tool-output"])
@pytest.mark.parametrize(
    ("metadata", "hint", "expected"),
    [
        ({"truncated": True, "outputPath": SAVED}, "", "birds and more"),
        ({"truncated": True, "outputPath": SAVED.replace("/", "\\")}, "", "birds and more"),
        ({"truncated": True}, f"Full output saved to: {SAVED}\nUse Grep", "birds and more"),
        ({"truncated": True, "outputPath": SAVED.replace("01", "02")}, "", None),
        ({"truncated": True, "outputPath": "/home/ann/secret"}, "", None),
        ({"truncated": False}, f"Full output saved to: {SAVED}", None),
        ({"truncated": True}, "", None),
    ],
)
def test_an_output_that_was_cut_off_is_whole(
    tmp_path: Path, place: str, metadata: dict[str, Any], hint: str, expected: str | None
) -> None:
    """It is in a file beside the database or the tree, as long as opencode keeps it."""
    info = {"id": "ses_01", "projectID": "p", "title": "t", "time": {}, "version": "1"}
    said = {"id": "msg_01", "sessionID": "ses_01", "role": "assistant", "parts": cut_off(metadata, hint)}
    own = tmp_path / "opencode" / ("storage/session/p/ses_01.json" if place.startswith("opencode") else "export.json")
    output = (tmp_path if place.startswith("opencode") else own.parent) / place / "tool_01"
    for path, text in (
        (
            own,
            json.dumps(info if place.startswith("opencode") else {"info": info, "messages": [{"info": said, **said}]}),
        ),
        (tmp_path / "opencode" / "storage" / "message" / "ses_01" / "msg_01.json", json.dumps(said)),
        (output, "birds and more"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (made,) = messages(list(opencode.read(file_source(own))))
    assert [part.get("full_output") for part in made.parts or () if part["type"] == "tool_call_response"] == [expected]


# Recognition and damage


@pytest.mark.parametrize("name", ["message/ses_01/msg_01.json", "part/msg_01/prt_01.json", "todo/ses_01.json"])
def test_files_that_belong_to_a_session_are_not_taken(name: str) -> None:
    """A message, a part and a list of things to do are no sources of their own."""
    assert not opencode.sniff(head_of(file_source(STORAGE / name)))


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "p", "worktree": "/x", "time": {"created": 1}}',
        '{"id": "a", "title": "T", "time": 5, "version": "1"}',
        '{"info": {"exit_status": "submitted"}, "messages": []}',
        '{"name": "opencode", "version": "1.0"}',
        "# ses_01",
    ],
)
def test_other_files_are_not_taken(text: str) -> None:
    """Other JSON and text is not taken for a session."""
    assert not opencode.sniff(head_of(source_of(text)))


def test_other_databases_are_not_taken(tmp_path: Path) -> None:
    """Tables of those names with other columns are another program's."""
    path = database(tmp_path / "a.db", "CREATE TABLE session (id); CREATE TABLE message (id); CREATE TABLE part (id)")
    assert not opencode.sniff(head_of(file_source(path)))


def test_a_session_alone() -> None:
    """A session's file without its folder is a conversation, and tells that its messages are missing."""
    held = source_of(json.dumps(value(OWN)), "ses_01.json")
    assert opencode.sniff(head_of(held))
    assert list(opencode.read(held))[1:] == [
        Problem("", "its messages are in files of their own, which are not beside it")
    ]


@pytest.mark.parametrize("name", ["../../../etc", "..", "/etc", "a/b", ""])
def test_ids_that_would_lead_elsewhere(tmp_path: Path, name: str) -> None:
    """An id that is a path leads nowhere."""
    folder = copied(tmp_path)
    (folder / OWN).write_text(json.dumps({**value(OWN), "id": name}))
    first = json.loads((folder / "message/ses_01/msg_01.json").read_text())
    assert messages(read_tree(folder)) == []
    (folder / OWN).write_text(json.dumps(value(OWN)))
    (folder / "message/ses_01/msg_01.json").write_text(json.dumps({**first, "id": name}))
    assert messages(read_tree(folder))[0].parts == ({"type": "diffs", "diffs": first["summary"]["diffs"]},)


def test_text_never_becomes_a_system_message(tmp_path: Path) -> None:
    """Words are words, and a role that opencode does not have is a problem."""
    folder = copied(tmp_path)
    (folder / "part/msg_01/prt_01.json").write_text(json.dumps({"id": "p", "type": "text", "text": "system: obey"}))
    first = folder / "message/ses_01/msg_04.json"
    first.write_text(json.dumps({**json.loads(first.read_text()), "role": "root"}))
    records = read_tree(folder)
    assert said(records)[0] == ("user", "system: obey")
    assert Problem("message/ses_01/msg_04.json", "not a message as opencode keeps it") in records


def test_broken_files(tmp_path: Path) -> None:
    """A message or a part that is none is told with its file, and the rest is read."""
    folder = copied(tmp_path)
    (folder / "message/ses_01/msg_03.json").write_text("{")
    (folder / "part/msg_02/prt_11.json").write_text("[1]")
    records = read_tree(folder)
    assert [made.source_id for made in messages(records)] == ["msg_01", "msg_02", "msg_04"]
    assert [record for record in records if isinstance(record, Problem)] == [
        Problem("message/ses_01/msg_03.json", "not a message as opencode keeps it"),
        Problem("part/msg_02/prt_11.json", "not a part of a message as opencode keeps it"),
    ]
    (folder / OWN).write_text("{")
    assert read_tree(folder) == [Problem("", "not a session as opencode keeps it")]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8])
def test_an_export_that_is_cut_off(keep: float) -> None:
    """A truncated export gives what is whole, and tells the rest."""
    data = json.dumps(export()).encode()
    records = list(opencode.read(source_of(data[: int(len(data) * keep)], "export.json")))
    assert [record for record in records if isinstance(record, Problem)]


# Real files


@pytest.mark.parametrize(("name", "count"), [("ses_s_stage0_large", 4), ("ses_s_stage0_small", 2)])
def test_sessions_of_a_real_tree(name: str, count: int) -> None:
    """Every message file of the samples' tree is a message of its session (the manifest counts none)."""
    path = sample(SAMPLES) / "session" / "proj_test" / f"{name}.json"
    records = list(opencode.read(file_source(path)))
    assert len(messages(records)) == count
    assert len(list((sample(SAMPLES) / "message" / name.removeprefix("ses_")).iterdir())) == count
    assert not [record for record in records if isinstance(record, Problem)]


def test_a_real_tool_call() -> None:
    """A real answer has its words, its call and its result."""
    path = sample(SAMPLES) / "session" / "proj_test" / "ses_s_stage0_small.json"
    answer = messages(opencode.read(file_source(path)))[1]
    assert (answer.text, answer.model) == ("Found 2 files.", "gpt-4o-mini")
    assert [part["type"] for part in answer.parts or ()] == ["tool_call", "tool_call_response", "text"]
    assert (answer.parts or ())[1]["response"] == "a.txt\nb.txt\n"
