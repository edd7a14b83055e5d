"""Makers of Claude Code entries for tests, and a reading that checks what must hold for every source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatlog.formats import claude_code
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, TitleHint

from .making import DATA, json_lines, source_of

HERE = DATA / "claude_code"
SESSION = "aaaaaaaa-0000-4000-8000-000000000001"
DELEGATING = "aaaaaaaa-0000-4000-8000-000000000003"


@dataclass
class Read:
    """What a source was read as."""

    conversations: dict[str, ConversationDraft] = field(default_factory=dict)
    messages: dict[str, dict[str, MessageDraft]] = field(default_factory=dict)
    hints: list[TitleHint] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def only(self) -> dict[str, MessageDraft]:
        """The messages of the only conversation."""
        (messages,) = self.messages.values()
        return messages

    def all(self) -> Iterator[MessageDraft]:
        """Yield the messages of all conversations."""
        for messages in self.messages.values():
            yield from messages.values()


def read(source: Source | Path) -> Read:
    """Read a source, and check what holds for every source: announced, unique, parents first, heads known."""
    found = Read()
    for record in claude_code.read(file_source(source) if isinstance(source, Path) else source):
        match record:
            case ConversationDraft():
                found.conversations[str(record.source_id)] = record
                found.messages.setdefault(str(record.source_id), {})
            case MessageDraft():
                before = found.messages[str(record.conversation)]
                assert record.source_id not in {None, "", *before}
                assert not before or record.parent is None or record.parent in before
                before[str(record.source_id)] = record
            case TitleHint():
                found.hints.append(record)
            case Problem():
                found.problems.append(record)
            case LeftOut():
                found.left_out[record.what] = record.entries
    for source_id, conversation in found.conversations.items():
        assert conversation.head in found.messages[source_id]
    return found


def entry(kind: str, uuid: str | None, content: Any, **facts: Any) -> dict[str, Any]:
    """Return an entry with as little as Claude Code would write; `id` is its message's."""
    message = {"role": kind, "content": content}
    if "id" in facts:
        message |= {"id": facts.pop("id")}
    named = {"uuid": uuid} if uuid else {}
    return {"type": kind, "sessionId": "s", **named, "message": message, **facts}


def told(*entries: dict[str, Any], name: str = "s.jsonl") -> Read:
    """Read entries given one by one."""
    return read(source_of(json_lines(*entries), name))


def path_to_head(found: Read, conversation: str) -> list[str]:
    """Return the ids from the root to the active leaf."""
    path, at = [], found.conversations[conversation].head
    while at in found.messages[conversation]:
        path.append(str(at))
        at = found.messages[conversation][str(at)].parent
    return path[::-1]
