"""pi's sessions: JSONL below ``~/.pi/agent/sessions/``, linear in its first version, a tree since.

Keeps every branch; entries that are no message (a model change, a label) are passed through to the
message before them.  Summaries stand in the chain, hidden, as pi gives them to the model.  oh-my-pi
writes the same with more kinds of entries; what ``pi --mode json`` prints is a conversation of its own.
What an entry says is `pi_messages`' matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import Head, build, ids, pi_messages
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Record
from chatlog.timespec import instant

#: Where the files are found, on every platform; OpenClaw writes the same below its own folder.
LOCATIONS = (
    "~/.pi/agent/sessions/**/*.jsonl",
    "$PI_CODING_AGENT_DIR/sessions/**/*.jsonl",
    "~/.omp/agent/sessions/**/*.jsonl",
    "~/.openclaw/agents/*/sessions/*.jsonl",
    "$OPENCLAW_STATE_DIR/agents/*/sessions/*.jsonl",
)

_HEADER_SIGNS = frozenset({"cwd", "version", "provider", "modelId", "parentSession", "branchedFrom"})
_UUID = re.compile(ids.UUID)
_HEADER_TOLD = frozenset({"type", "id", "timestamp", "cwd", "modelId", "title"})
#: What ``pi --mode json`` prints besides, and what of it a message tells again when it is whole.
_STREAMED = ("agent_start", "turn_start", "message_start")
_TOLD_AGAIN = ("message_start", "message_update", "turn_end", "agent_end")


def sniff(head: Head) -> bool:
    """Say whether this is a session of pi."""
    if not head.is_object:
        return False
    if any(value.get("type") == "session" and not _HEADER_SIGNS.isdisjoint(value) for value in _first(head)):
        return True
    return any(map(_is_entry, head.rows))  # the header may be broken


def _first(head: Head) -> tuple[Row, ...]:
    """Return the first object, and the second where the first is the title that oh-my-pi keeps there."""
    first = head.objects[:1]
    if first and first[0].get("type") == "title":
        return head.objects[:2]
    return first if {"type", "id"} <= head.keys else ()


def _is_entry(value: Row) -> bool:
    """Whether a line can be nothing but an entry of pi."""
    held = value.get("message")
    if value.get("type") != "message" or not isinstance(held, dict):
        return value.get("type") in ("model_change", "thinking_level_change") and "parentId" in value
    return held.get("role") in ("toolResult", "bashExecution") or {"role", "api", "stopReason"} <= held.keys()


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation, its messages, and the conversation again with its leaf and title."""
    objects = Head.of(source).rows
    session = _Session(source.stem, is_stream=any(value.get("type") in _STREAMED for value in objects))
    yield from read_each(lines(source), lambda line: session.take(line.value), "not an entry of pi")
    yield from session.close()


@dataclass(slots=True)
class _Session:
    """What is remembered of a file as it streams by: ids, the model, and what completes the conversation."""

    stem: str
    is_stream: bool
    draft: ConversationDraft | None = None
    above: dict[str, str | None] = field(default_factory=dict)
    last: str | None = None
    chain: ids.Chain = field(default_factory=ids.Chain)
    title: str | None = None
    model: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, entry: Row) -> Iterator[Record]:
        """Yield the message an entry is, the conversation before the first."""
        kind = entry["type"]
        if kind == "session":
            yield from self._begin(entry)
            return
        if kind == "title":
            self.title = build.word(entry.get("title"))
            return
        if self.draft is None:
            yield from self._begin({})
        made = pi_messages.message(entry)
        if made is None:
            self._note(kind, entry)
            return
        linked = self._linked(made, entry)
        self.model = linked.model or self.model
        yield linked

    def _begin(self, header: Row) -> Iterator[Record]:
        if self.draft is not None:
            self.counts["repeated session headers"] += 1
            return
        found = _UUID.findall(self.stem)
        origin = header.get("parentSession") or header.get("branchedFrom")
        parent = _UUID.findall(origin) if isinstance(origin, str) else []
        self.model = build.word(header.get("modelId"))
        self.title = self.title or build.word(header.get("title"))
        name = build.word(header.get("id")) or (found[-1] if found else self.stem)
        self.draft = ConversationDraft(
            source_id=f"{name}-stream" if self.is_stream else name,
            created_at=instant(header.get("timestamp")),
            project=build.word(header.get("cwd")),
            parent=parent[-1] if parent else None,
            metadata=build.without(header, _HEADER_TOLD),
        )
        yield self.draft

    def _linked(self, made: MessageDraft, entry: Row) -> MessageDraft:
        """Return a message in its place: by its own id and parent, in the first version behind the one before."""
        key = entry.get("id")
        if not isinstance(key, str) or not key:
            linked = self.chain.link(made)
            self.last = linked.source_id
            return linked
        linked = self.chain.note(made._replace(source_id=key, parent=self._parent(entry)))
        self.above[key] = self.last = key
        return linked

    def _parent(self, entry: Row) -> str | None:
        """Return the message an entry follows: the one before it where what it names is not here.

        OpenClaw names the call a result answers, and the session itself for the first entry.
        """
        parent = entry.get("parentId", "")
        if parent is None or (self.draft is not None and parent == self.draft.source_id):
            return None
        return self.above.get(parent, self.last)

    def _note(self, kind: Any, entry: Row) -> None:
        """Remember what an entry that is no message says, and pass its place on to what follows it."""
        key = entry.get("id")
        if isinstance(key, str):
            self.above[key] = self._parent(entry)
            self.last = self.above[key] or self.last
        if kind == "session_info":
            self.title = build.word(entry.get("name")) or self.title
        elif kind == "title_change":
            self.title = build.word(entry.get("title")) or self.title
        elif kind == "label" and isinstance(entry.get("targetId"), str):
            self.labels[entry["targetId"]] = entry.get("label") or ""
        elif kind == "leaf":
            self.last = self.above.get(entry.get("targetId") or entry.get("leafId") or "", self.last)
        elif kind == "model_change":
            self.model = _changed_to(entry) or self.model
            self.counts["model_change entries"] += 1
        elif kind in _TOLD_AGAIN:
            self.counts["events that a whole message tells again"] += 1
        else:
            self.counts[f"{build.kind_name(kind)} entries"] += 1

    def close(self) -> Iterator[Record]:
        """Yield the conversation with its leaf, title, model and labels, and how much was left out."""
        if self.draft is not None:
            labels = {"labels": {key: label for key, label in self.labels.items() if label}} if self.labels else {}
            facts = {**self.draft.metadata, **labels}
            yield self.draft._replace(title=self.title, model=self.model, head=self.last, metadata=facts)
        yield from build.left_out(self.counts)


def _changed_to(entry: Row) -> str | None:
    """Return the model that the session goes on with; oh-my-pi has others beside it, and names the provider first."""
    if entry.get("role") not in (None, "default"):
        return None
    _, _, name = str(entry.get("model") or "").partition("/")
    return build.word(entry.get("modelId")) or build.word(name)
