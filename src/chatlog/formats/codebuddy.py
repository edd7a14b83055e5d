"""CodeBuddy's and WorkBuddy's sessions: JSONL below ``~/.codebuddy/projects`` and ``~/.workbuddy/projects``.

Lies where Claude Code's would and holds what Codex's does: a thought, words, a call or a result a line.  What one
answer consists of becomes one message; a prompt that follows an earlier answer than the last begins a branch.
A fork begins with the entries of the session that it is from, under that one's id; the file beside it says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from chatlog.formats import Head, build, ids
from chatlog.formats.beside import beside
from chatlog.formats.build import Row
from chatlog.formats.claude_code_content import shown
from chatlog.formats.codex_items import content_parts
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Record, joined_text
from chatlog.timespec import instant

#: Where the files are found, on every platform.
LOCATIONS = (
    "~/.codebuddy/projects/**/*.jsonl",
    "$CODEBUDDY_CONFIG_DIR/projects/**/*.jsonl",
    "~/.workbuddy/projects/**/*.jsonl",
)

_RESULT = "function_call_result"
_TITLES = {"topic": "topic", "ai-title": "aiTitle", "custom-title": "customTitle"}
_FAILED = ("failed", "error", "incomplete")


def sniff(head: Head) -> bool:
    """Say whether this is a session of CodeBuddy: its messages are bare, and name their session."""
    return head.is_object and any(map(_is_entry, head.rows))


def _is_entry(row: Row) -> bool:
    if row.get("type") == _RESULT:
        return "output" in row
    return row.get("type") == "message" and {"role", "content", "sessionId"} <= row.keys()


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation, its messages, and the conversation again with title, model and leaf."""
    session = _Session(source)
    yield from read_each(lines(source), lambda line: session.take(line.value), "not an entry of CodeBuddy")
    yield from session.close()


@dataclass(slots=True)
class _Answer:
    """An answer on its way: its parts so far, and what is known of it."""

    source_id: str | None
    moment: str | None
    parts: list[Part] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    entries: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Session:
    """What is remembered of a session as it streams by."""

    source: Source
    draft: ConversationDraft | None = None
    answer: _Answer | None = None
    #: The message that each entry is part of, or stands behind.
    places: dict[str, str | None] = field(default_factory=dict)
    used: set[str | None] = field(default_factory=set)
    last: str | None = None
    title: str | None = None
    model: str | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, row: Row) -> Iterator[Record]:
        """Yield the messages that an entry completes, the conversation before the first."""
        kind = row["type"]
        if self.draft is None:
            yield from self._begin(row)
        facts = build.mapping(row.get("providerData"))
        if kind in ("reasoning", "function_call") or (kind == "message" and row["role"] == "assistant"):
            self._answered(row, _said(row), facts)
            return
        if kind in ("message", _RESULT):
            made = _result(row) if kind == _RESULT else _message(row)
            yield from self._finished()
            yield self._linked(made, row.get("parentId") if made.role == "user" else None)
        elif kind in _TITLES:
            self.title = build.word(row.get(_TITLES[kind])) or build.word(row.get("title")) or self.title
        elif kind != "session_start":
            self.counts[f"{build.kind_name(kind)} entries"] += 1
        self._place(row, self.last)

    def _begin(self, row: Row) -> Iterator[Record]:
        self.model = build.word(row.get("model"))
        own, parent = _identity(self.source, build.word(row.get("sessionId")) or self.source.stem)
        self.draft = ConversationDraft(
            source_id=own,
            parent=parent,
            created_at=instant(row.get("timestamp")),
            project=build.word(row.get("cwd")),
        )
        yield self.draft

    def _answered(self, row: Row, parts: list[Part], facts: Row) -> None:
        """Add what an entry says to the answer that is on its way."""
        if self.answer is None:
            own = build.word(row.get("id"))
            self.answer = _Answer(None if own in self.used else own, instant(row.get("timestamp")))
        self.answer.parts += parts
        self.answer.facts |= build.compact({"usage": facts.get("usage")})
        self.model = build.word(facts.get("model")) or self.model
        if isinstance(own_id := row.get("id"), str):
            self.answer.entries.append(own_id)

    def _finished(self) -> Iterator[Record]:
        """Yield the answer that is on its way, as far as it came."""
        answer, self.answer = self.answer, None
        if answer is None or not answer.parts:
            return
        made = build.message(
            "assistant",
            answer.parts,
            model=self.model,
            created_at=answer.moment,
            source_id=answer.source_id,
            metadata=answer.facts,
        )
        yield self._linked(made, None)
        self.places |= dict.fromkeys(answer.entries, self.last)

    def _linked(self, made: MessageDraft, above: object) -> MessageDraft:
        """Return a message behind the last one, or behind the one that its entry names."""
        parent = self.places.get(above, self.last) if isinstance(above, str) else self.last
        own = None if made.source_id in self.used else made.source_id
        self.last = own or ids.derived_id(parent, made)
        self.used.add(self.last)
        return made._replace(parent=parent, source_id=self.last)

    def _place(self, row: Row, message: str | None) -> None:
        if isinstance(own := row.get("id"), str) and self.answer is None:
            self.places[own] = message

    def close(self) -> Iterator[Record]:
        """Yield the last answer, the conversation with its title, model and leaf, and how much was left out."""
        yield from self._finished()
        if self.draft is not None:
            yield self.draft._replace(title=self.title, model=self.model, head=self.last)
        yield from build.left_out(self.counts)


def _identity(source: Source, named: str) -> tuple[str, str | None]:
    """Return the id of a session whose entries have that one, and the session that it was made by or forked from."""
    place = PurePosixPath(source.name.replace("\\", "/"))
    if place.parent.name == "subagents" and (leader := place.parent.parent.name):
        return source.stem if named == leader else named, leader
    origin = build.within(beside(source, f"{source.stem}.meta.json"), "forkedFrom")
    return (source.stem, named) if origin == named != source.stem else (named, None)


def _said(row: Row) -> list[Part]:
    """Return what an entry of an answer says: words, a thought or a call."""
    if row["type"] == "function_call":
        return [build.tool_call(build.word(row.get("callId")), row.get("name"), build.parsed(row.get("arguments")))]
    if row["type"] == "message":
        return content_parts(row["content"])
    held = row.get("rawContent") or row.get("content")
    return [build.reasoning(part["content"]) for part in content_parts(held) if part["type"] == "text"]


def _message(row: Row) -> MessageDraft:
    role = row["role"]
    if role not in ("user", "system"):
        raise ValueError("a message whose role is not known")
    parts = content_parts(row["content"])
    text, reason = shown(joined_text(parts))
    if role == "system":
        reason = "instructions"
    elif row.get("isMeta") is True:
        reason = reason or "meta"
    return build.message(
        role,
        parts,
        text,
        reason=reason,
        created_at=instant(row.get("timestamp")),
        source_id=build.word(row.get("id")),
    )


def _result(row: Row) -> MessageDraft:
    response = build.answer(content_parts(row["output"]))
    part = build.tool_result(build.word(row.get("callId")), response, is_error=row.get("status") in _FAILED)
    moment, own = instant(row.get("timestamp")), build.word(row.get("id"))
    return MessageDraft(role="tool", parts=(part,), created_at=moment, source_id=own)
