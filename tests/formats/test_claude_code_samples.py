"""Claude Code sessions: the real files, against the manifest and against what they hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import claude_code
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.source import file_source

from .claude_code_making import path_to_head, read
from .making import head_of, manifest, sample, source_of

MANIFEST = manifest("claude_code")
EMPTY = "nickmvincent__agentwatch-parsing__test_fixtures_empty.jsonl"
NAMES = [name for name in MANIFEST if name.endswith(".jsonl") and name != EMPTY] or ["any.jsonl"]
#: The manifest counted what decodes line by line: an object glued onto another's line is one more.
GLUED = {"entireio__cli__ckpt_37_995ebed6e4_2_full.jsonl": 1}


def _raw(path: Path) -> list[dict[str, Any]]:
    return [line.value for line in lines(file_source(path)) if isinstance(line, Line) and isinstance(line.value, dict)]


def _spoken(entries: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return the user and assistant entries of a file with the lane they are of, progress's among them."""
    found = []
    for value in entries:
        if value.get("type") in ("user", "assistant"):
            found.append((str(value.get("sessionId")), value))
        elif value.get("type") == "progress" and value["data"].get("type") == "agent_progress":
            found.append((str(value["data"]["agentId"]), value["data"]["message"]))
    return [pair for pair in found if isinstance(pair[1]["message"], dict) and "content" in pair[1]["message"]]


def _messages(spoken: list[tuple[str, dict[str, Any]]]) -> set[tuple[str, str]]:
    """Return one key for each message there should be: responses by their id, all else by uuid."""
    return {(lane, value["message"].get("id") or value["uuid"]) for lane, value in spoken}


def _queued(entries: list[dict[str, Any]]) -> int:
    """Return how many words were queued that no user entry repeats."""
    prompts = {
        str(value["message"].get("content"))
        for value in entries
        if value.get("type") == "user" and isinstance(value["message"], dict)
    }
    return sum(
        value.get("operation") == "enqueue" and value["content"] not in prompts
        for value in entries
        if value.get("type") == "queue-operation"
    )


@pytest.mark.parametrize("name", NAMES)
def test_real_entries_are_all_accounted_for(name: str) -> None:
    """The manifest counts user and assistant lines; each is one message, or one of the lines of a response."""
    path = sample(f"claude_code/{name}")
    entries, found = _raw(path), read(path)
    counted = sum(value.get("type") in ("user", "assistant") for value in entries)

    assert int(MANIFEST[name]["messages"]) + GLUED.get(name, 0) == counted
    assert len(_messages(_spoken(entries))) + _queued(entries) == sum(1 for _ in found.all())
    sessions = [draft for draft in found.conversations.values() if "agentId" not in draft.metadata or not draft.parent]
    assert int(MANIFEST[name]["conversations"]) == len(sessions)


@pytest.mark.parametrize("name", NAMES)
def test_real_content_is_all_there(name: str) -> None:
    """Every text, thought, call and result of a real file is in the parts of a message, usage once a response."""
    path = sample(f"claude_code/{name}")
    expected: Counter[tuple[str, str]] = Counter()
    usage: dict[tuple[str, str], int] = {}
    seen = set()
    for lane, value in _spoken(_raw(path)):
        message, content = value["message"], value["message"]["content"]
        if (lane, value["uuid"]) in seen:
            continue
        seen.add((lane, value["uuid"]))
        key = (lane, message.get("id") or value["uuid"])
        usage[key] = max(usage.get(key, 0), (message.get("usage") or {}).get("output_tokens", 0))
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            expected[_essence(block)] += 1

    found: Counter[tuple[str, str]] = Counter()
    spent = 0
    for draft in read(path).all():
        if "operation" not in draft.metadata:
            found.update(_kept(part) for part in draft.parts or ({"type": "text", "content": draft.text},))
            spent += draft.metadata.get("usage", {}).get("output_tokens", 0)

    assert expected == found
    assert sum(usage.values()) == spent


def _essence(block: Any) -> tuple[str, str]:
    if isinstance(block, str):
        return "text", block
    kind = block["type"]
    key = {"text": "text", "thinking": "thinking", "tool_use": "id", "tool_result": "tool_use_id"}.get(kind)
    names = {"thinking": "reasoning", "tool_use": "tool_call", "tool_result": "tool_call_response", "document": "blob"}
    return names.get(kind, kind), str(block.get(key)) if key else ""


def _kept(part: dict[str, Any]) -> tuple[str, str]:
    key = {"text": "content", "reasoning": "content", "tool_call": "id", "tool_call_response": "id"}.get(part["type"])
    return part["type"], str(part.get(key)) if key else ""


@pytest.mark.parametrize("name", NAMES)
def test_real_sessions_have_no_artefact_branches(name: str) -> None:
    """None of the real sessions holds a rewind: each is one line from its root to its head, calls before results."""
    found = read(sample(f"claude_code/{name}"))

    for conversation, messages in found.messages.items():
        assert set(messages) == set(path_to_head(found, conversation))
        called: set[str] = set()
        for message in messages.values():
            parts = message.parts or ()
            called |= {part["id"] for part in parts if part["type"] == "tool_call"}
            if message.role == "tool" and message.parent in messages:
                assert {part["id"] for part in parts if part["type"] == "tool_call_response"} <= called


@pytest.mark.parametrize("name", ["84_324d6610f2_0", "c8_b6cdd373a2_0"])
def test_a_session_that_grew_keeps_its_ids(name: str) -> None:
    """Reading a session while it is being written gives messages that the finished one has, at the same place."""
    path = sample(f"claude_code/entireio__cli__ckpt_{name}_full.jsonl")
    raw = path.read_bytes().split(b"\n")
    whole = {(m.conversation, m.source_id): (m.role, m.parent, m.created_at) for m in read(path).all()}

    for cut in range(1, len(raw), len(raw) // 9):
        for message in read(source_of(b"\n".join(raw[:cut]), path.name)).all():
            if message.metadata.get("hidden_reason") != "queued":
                assert whole[message.conversation, message.source_id] == (
                    message.role,
                    message.parent,
                    message.created_at,
                )


def test_an_empty_file_is_not_recognised() -> None:
    """Nothing can be said of 0 bytes; reading them yields nothing."""
    source = file_source(sample(f"claude_code/{EMPTY}"))
    assert (False, []) == (claude_code.sniff(head_of(source)), list(claude_code.read(source)))
