"""Qwen Code's sessions: JSONL below ``~/.qwen/projects/<project>/chats/``, records linked to a tree.

Keeps every branch, sub-agents as conversations of their own; records that are no message pass their
place in the chain on.  What a message says are Google's parts, `gemini_parts`' matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import Head, build
from chatlog.formats.build import Row
from chatlog.formats.gemini_parts import parts_of
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Record, joined_text
from chatlog.timespec import instant

#: Where the files are found, on every platform.
LOCATIONS = tuple(
    f"{home}/{files}"
    for home in ("~/.qwen", "$QWEN_HOME", "$QWEN_RUNTIME_DIR")
    for files in ("projects/*/chats/*.jsonl", "projects/*/subagents/**/*.jsonl", "tmp/*/chats/*.jsonl")
)

_ROLES = {"user": "user", "assistant": "assistant", "tool_result": "tool"}
_MESSAGE = re.compile(r'"message"\s*:\s*\{\s*"role"\s*:\s*"(?:user|model)"\s*,\s*"parts"\s*:\s*\[')
#: User records of these kinds were typed; those of any other kind were injected.
_TYPED = (None, "mid_turn_user_message", "realtime_message")
_INJECTED = ("system", "goal_runtime", "goal_control")
_TOLD = frozenset({
    "cwd", "forkedFrom", "isSidechain", "agentId", "message", "model", "parentUuid", "sessionId", "systemPayload",
    "timestamp", "type", "usageMetadata", "uuid", "version", "gitBranch",
})  # fmt: skip


def sniff(head: Head) -> bool:
    """Say whether this is a session of Qwen Code."""
    if not head.is_object or not {"uuid", "sessionId", "type"} <= head.keys:
        return False
    return _MESSAGE.search(head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation of the file, its messages, and the conversation again with its leaf and title."""
    lanes: dict[tuple[str, str | None], _Lane] = {}

    def take(line: Line) -> Iterator[Record]:
        value = line.value
        key = (build.word(value.get("sessionId")) or source.stem, build.word(value.get("agentId")))
        if key not in lanes:
            lanes[key] = _Lane(_opening(value, *key))
            yield lanes[key].draft
        yield from lanes[key].take(value)

    yield from read_each(lines(source), take, "not a record of Qwen Code")
    for lane in lanes.values():
        yield from lane.close()


def _opening(value: Row, session: str, agent: str | None) -> ConversationDraft:
    origin = build.word(build.within(value, "forkedFrom", "sessionId"))
    return ConversationDraft(
        source_id=f"{session}-{agent}" if agent else session,
        created_at=instant(value.get("timestamp")),
        project=build.word(value.get("cwd")),
        parent=session if agent else origin,
        metadata=build.picked(value, ("version", "gitBranch", "agentId", "agentName")),
    )


@dataclass(slots=True)
class _Lane:
    """A conversation as it streams by; a message is held until the next, for its parts come line by line."""

    draft: ConversationDraft
    held: MessageDraft | None = None
    parts: list[Part] = field(default_factory=list)
    above: dict[str, str | None] = field(default_factory=dict)
    links: dict[str, str | None] = field(default_factory=dict)
    last: str | None = None
    titles: list[tuple[str | None, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, value: Row) -> Iterator[Record]:
        """Yield the message before, once the record is not a part of it."""
        kind = value["type"]
        if kind in _ROLES and "message" in value:
            yield from self._message(value)
            return
        facts = build.mapping(value.get("systemPayload"))
        said = _event(str(value.get("subtype")), facts)
        if said:
            yield from self._hold(value, "user", [build.text(said)], str(value.get("subtype")))
        else:
            self._note(value, facts)

    def _message(self, value: Row) -> Iterator[Record]:
        parts = _parts(value)
        if self.held is not None and value.get("uuid") == self.held.source_id:
            self.parts += parts
            facts = {**self.held.metadata, **self._facts(value)}
            self.held = self.held._replace(model=build.word(value.get("model")) or self.held.model, metadata=facts)
            return
        is_typed = value.get("subtype") in _TYPED and value.get("provenance") not in _INJECTED
        reason = None if is_typed or value["type"] != "user" else str(value.get("subtype") or value.get("provenance"))
        yield from self._hold(value, _ROLES[value["type"]], parts, reason)

    def _hold(self, value: Row, role: str, parts: list[Part], reason: str | None) -> Iterator[Record]:
        """Yield the message held before this one, and hold this."""
        yield from self.release()
        key, parent = self._key(value), self._parent(value)
        payload = value.get("systemPayload")
        shown = payload.get("displayText") if isinstance(payload, dict) and role == "user" else None
        facts = self._facts(value)
        self.parts = parts
        self.held = MessageDraft(
            role=role,
            text=shown if isinstance(shown, str) else "",
            author=build.word(value.get("agentName")) if role == "assistant" else None,
            model=build.word(value.get("model")),
            created_at=instant(value.get("timestamp")),
            source_id=key,
            parent=parent,
            conversation=self.draft.source_id,
            hidden=reason is not None,
            metadata={**facts, "hidden_reason": reason} if reason else facts,
        )
        self.links[key] = parent
        self.above[key] = self.last = key

    def _key(self, value: Row) -> str:
        """Return the record's id; another where one that is not next to it has that already."""
        key = value["uuid"]
        if not isinstance(key, str) or not key:
            raise ValueError("a record without an id")
        return key if key not in self.above else f"{key}-{len(self.above)}"

    def _parent(self, value: Row) -> str | None:
        """Return the message a record follows: the one before it where what it names is not here."""
        parent = value.get("parentUuid", "")
        return None if parent in (None, value.get("sessionId")) else self.above.get(parent, self.last)

    def _facts(self, value: Row) -> dict[str, Any]:
        facts = build.compact(value, _TOLD)
        if isinstance(told := facts.get("toolCallResult"), dict):
            facts["toolCallResult"] = build.without(told, ("responseParts",))
        if value.get("usageMetadata"):
            facts["usage"] = value["usageMetadata"]
        if value.get("cwd") and value["cwd"] != self.draft.project:
            facts["cwd"] = value["cwd"]
        return facts

    def release(self) -> Iterator[Record]:
        """Yield the message that is held."""
        if self.held is None:
            return
        text = self.held.text or joined_text(self.parts)
        kept = build.kept(self.parts, text)
        yield self.held._replace(text=text, parts=kept)
        self.held, self.parts = None, []

    def _note(self, value: Row, payload: Row) -> None:
        """Remember what a record that is no message says, and pass its place on to what follows it."""
        key, subtype = value.get("uuid"), value.get("subtype") or value["type"]
        if isinstance(key, str):
            self.above.setdefault(key, self._parent(value))
        if subtype == "custom_title" and build.word(payload.get("customTitle")):
            self.titles.append((self._parent(value), payload["customTitle"]))
        elif subtype == "parent_session" and build.word(payload.get("parentSessionId")):
            self.draft = self.draft._replace(parent=payload["parentSessionId"])
        elif subtype == "rewind":
            self.last = self._parent(value)
        else:
            self.counts[f"{build.kind_name(subtype)} records"] += 1

    def close(self) -> Iterator[Record]:
        """Yield the last message, the conversation with its leaf and title, and how much was left out."""
        yield from self.release()
        yield self.draft._replace(head=self.last, title=self._title())
        yield from build.left_out(self.counts)

    def _title(self) -> str | None:
        """Return the last title that was given on the active path, else the last of all."""
        path, at = set[str | None]([None]), self.last
        while at is not None and at not in path:
            path.add(at)
            at = self.links.get(at)
        given = [title for node, title in self.titles if node in path] or [title for _, title in self.titles]
        return given[-1] if given else None


def _event(subtype: str, payload: Row) -> str | None:
    """Return the words of a system record that a person would miss: a typed command, a summary of what was dropped."""
    if subtype == "slash_command" and payload.get("phase") == "invocation":
        return build.word(payload.get("rawCommand"))
    if subtype == "chat_compression":
        history = payload.get("compressedHistory") or ()
        return next((joined_text(parts_of(content["parts"])) for content in history if content.get("parts")), None)
    return None


def _parts(value: Row) -> list[Part]:
    """Return a message's parts; a tool's result is an error where the record says so."""
    parts = parts_of(value["message"].get("parts"))
    told = value.get("toolCallResult")
    if isinstance(told, dict) and told.get("status") == "error":
        return [{**part, "is_error": True} if part["type"] == "tool_call_response" else part for part in parts]
    return parts
