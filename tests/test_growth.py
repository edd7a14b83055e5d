"""A session that is imported while it grows ends as the one that is imported once it is over."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from chatlog.store import Store
from chatlog.transfer import import_history

from .store.making import assert_sound, opened
from .test_fuzz import histories

LARGEST = 60_000
#: What is left out, and why it ends differently.
OTHER_ENDS = {
    # no id in the file, nor a folder that has it: the conversation is called after its first words
    "wire.jsonl": "Kimi Code", "jazzyalex__agent-sessions__kimi_small.jsonl": "Kimi Code",
    "jazzyalex__agent-sessions__grok_chat_history.jsonl": "Grok Build",
    "jazzyalex__agent-sessions__Resources_Fixtures_stage0_agents_copilot_small.jsonl": "all ids are '[trimmed …]'",
    "prateek__codex-transcripts__tests_sample_rollout.jsonl": "a thought comes again behind the call it was before",
    "bare_items.jsonl": "instructions come again as the first message",
}  # fmt: skip


def sessions() -> list[Path]:
    """Return the histories that are written line by line."""
    return [
        path
        for path in histories(LARGEST)
        if path.suffix == ".jsonl" and path.read_bytes().count(b"\n") > 1 and path.name not in OTHER_ENDS
    ]


def look(store: Store) -> list[tuple[Any, ...]]:
    """Return all that came from the source, but for our own numbers."""
    return sorted((_conversation(store, found.id) for found in store.conversations(limit=100_000).items), key=str)


def _conversation(store: Store, name: str) -> tuple[Any, ...]:
    found, every = store.get(name), list(store.messages(name, all_branches=True))
    names = {message.seq: message.source_id for message in every}
    said = [
        (one.source_id, one.role, one.text, json.dumps(one.parts), names.get(one.parent or 0), one.hidden, one.model)
        for one in every
    ]
    path = [message.source_id for message in store.messages(name)]
    return found.source_id, found.title, found.model, found.project, sorted(said, key=str), path


@pytest.mark.parametrize("path", sessions(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_session_that_grows_ends_as_it_would_at_once(path: Path, tmp_path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    steps = random.Random(path.name).sample(range(1, len(lines)), min(3, len(lines) - 1))
    file = tmp_path / path.name
    with opened(tmp_path / "grown.db") as grown, opened(tmp_path / "whole.db") as whole:
        for step in [*sorted(steps), len(lines)]:
            file.write_bytes(b"".join(lines[:step]))
            import_history(grown, [file])
        import_history(whole, [file])
        assert look(whole) == look(grown)
        assert_sound(grown)


def test_a_thought_that_is_told_twice_is_one_at_every_line(tmp_path: Path) -> None:
    """Codex tells the sections of a thought as they come, and all of them once it is thought."""
    thought = [{"type": "summary_text", "text": text} for text in ("First the wheel.", "Then the lever.")]
    entries: list[tuple[str, dict[str, Any]]] = [
        ("session_meta", {"id": "019c0000-0000-7000-8000-00000000000a", "cwd": "/mill"}),
        ("response_item", {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Why?"}]}),
        ("event_msg", {"type": "user_message", "message": "Why?"}),
        *(("event_msg", {"type": "agent_reasoning", "text": section["text"]}) for section in thought),
        ("response_item", {"type": "reasoning", "summary": thought}),
        ("response_item", {"type": "function_call", "name": "shell", "call_id": "c", "arguments": "{}"}),
        ("response_item", {"type": "function_call_output", "call_id": "c", "output": "dry"}),
    ]
    lines = [
        json.dumps({"timestamp": f"2026-11-01T10:00:0{second}.000Z", "type": kind, "payload": payload}) + "\n"
        for second, (kind, payload) in enumerate(entries)
    ]
    file = tmp_path / "rollout-2026-11-01T10-00-00-019c0000-0000-7000-8000-00000000000a.jsonl"
    with opened(tmp_path / "grown.db") as grown, opened(tmp_path / "whole.db") as whole:
        for step in range(2, len(lines) + 1):
            file.write_text("".join(lines[:step]))
            import_history(grown, [file])
        import_history(whole, [file])
        assert look(whole) == look(grown)
    (found,) = look_parts(tmp_path / "grown.db")
    assert ["reasoning", "reasoning", "tool_call"] == found


def look_parts(path: Path) -> list[list[str]]:
    """Return the kinds of the parts of each answer."""
    with opened(path) as store:
        (found,) = store.conversations().items
        said = [message for message in store.messages(found.id) if message.role == "assistant"]
        return [[part["type"] for part in message.parts or ()] for message in said]
