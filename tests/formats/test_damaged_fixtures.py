"""What every format's fixture must bear: values of other types, and an end that comes too early."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatlog.formats import reader
from chatlog.models import Problem

from .damage import read_cut_off, read_twisted, read_twisted_lines
from .making import DATA, messages
from .reading import survives_damage

_GROK = "grok_cli/sessions/%2Fhome%2Fme%2Fapp/0199aaaa-0000-7000-8000-00000000000"
_ANTIGRAVITY = "antigravity/antigravity-cli/brain/5a1d0c3e-7b52-4c7e-9a51-0d2f6b8e4c10/.system_generated/logs"
#: How many messages are read of each file just before its end.
FIXTURES = {
    f"{_ANTIGRAVITY}/transcript_full.jsonl": 11,
    "chatbotui/every_feature.json": 5,
    "chatbox/chatbox-exported-data-2026-3-6.json": 14,
    "cherry_studio/data.json": 8,
    "cline/session.messages.json": 3,
    "cline/tasks/1777073160794/api_conversation_history.json": 7,
    "cline/tasks/1777073160794/ui_messages.json": 10,
    "codebuddy/session.jsonl": 7,
    "continue_dev/5b1c0c4e-0000-4000-8000-000000000001.json": 8,
    "continue_dev/5b1c0c4e-0000-4000-8000-000000000002.json": 5,
    "deepseek/every_feature.json": 3,
    "droid/session.jsonl": 4,
    "droid/stream.jsonl": 5,
    "dsh/session.jsonl": 9,
    "grok/every_feature.json": 4,
    f"{_GROK}1/chat_history.jsonl": 11,
    f"{_GROK}2/updates.jsonl": 8,
    "jan/threads/01JANTHREAD/messages.jsonl": 5,
    "kimi_code/session_7/agents/main/wire.jsonl": 10,
    "librechat/every_feature.json": 0,
    "lm_studio/conversations/Work/Deep/1785600000000.conversation.json": 9,
    "lobechat/LobeChat-config-v7.json": 8,
    "lobechat/database.json": 7,
    "nextchat/backup.json": 8,
    "oasst/trees.jsonl": 5,
    "openhands/trajectory.json": 10,
    "pi_agent/tree_v3.jsonl": 11,
    "qwen_code/session.jsonl": 7,
    "sharegpt/every_feature.json": 19,
    "sillytavern/chats/Seraphina/Seraphina - 2025-09-26@07h04m10s114ms.jsonl": 11,
    "swe_agent/run.traj": 4,
    "text_generation_webui/chat/Ada/20250420-12-33-00.json": 5,
}
#: Cut within their first conversation or before their messages, these say nothing of it.
SILENT = ("cline/session.messages.json", "grok/every_feature.json")
#: So many places at least a file is cut off at.
CUTS = 150


@pytest.mark.parametrize("name", FIXTURES)
def test_wrong_types(name: str) -> None:
    """Whatever stands in the place of a value, the rest is read and what is not is a problem."""
    path, read = DATA / name, reader(name.partition("/")[0]).read
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert read_twisted_lines(read, rows, path.name) > 170
    else:
        assert read_twisted(read, json.loads(path.read_text()), path.name) > 170


@pytest.mark.parametrize(("name", "most"), FIXTURES.items())
def test_cut_off(name: str, most: int) -> None:
    """A file that ends too early gives what is whole, a longer one never less; a document's end is missed, too."""
    path, data = DATA / name, (DATA / name).read_bytes().rstrip()
    found = list(read_cut_off(reader(name.partition("/")[0]).read, data, max(41, len(data) // CUTS), path.name))
    counts = [len(messages(records)) for records in found]
    assert (sorted(counts), most) == (counts, counts[-1])
    if path.suffix != ".jsonl" and name not in SILENT:
        assert all(any(isinstance(record, Problem) for record in records) for records in found[1:])


@pytest.mark.parametrize(
    "path",
    [
        path
        for form in ("codex", "copilot", "gemini_cli")
        for path in sorted((DATA / form).rglob("*.json*"))
        if path.name != "workspace.json"
    ],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_chance_damage(path: Path) -> None:
    """Files that are cut off or hold wrong types give what is whole, and problems for the rest."""
    form = path.relative_to(DATA).parts[0]
    assert any(reading.problems for reading in survives_damage(reader(form), path, 120))
