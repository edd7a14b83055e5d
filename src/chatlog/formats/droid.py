"""Factory's droid sessions: JSONL below ``~/.factory/sessions/``, messages in Anthropic's form linked to a chain.

Keeps every message and branch; entries that are none (a list of tasks, a compaction's state) are
counted, and what follows them is linked to the message before.  What ``droid exec`` prints is `droid_stream`'s matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from chatlog.formats import Head, anthropic_messages, build, droid_stream, ids
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Record
from chatlog.timespec import instant

#: Where the files are found, on every platform.
LOCATIONS = ("~/.factory/sessions/**/*.jsonl",)

_START = "session_start"
_START_TOLD = frozenset({"type", "id", "title", "sessionTitle", "cwd", "timestamp", "parentSessionId"})
_ENTRY_TOLD = frozenset({"type", "id", "parentId", "timestamp", "message"})


def sniff(head: Head) -> bool:
    """Say whether this is a session of droid, or what ``droid exec`` printed of one."""
    first = head.objects[0] if head.is_object and "type" in head.keys and head.objects else {}
    return (first.get("type") == _START and isinstance(first.get("id"), str)) or _is_stream(head)


def _is_stream(head: Head) -> bool:
    return head.is_object and any(map(droid_stream.is_event, head.rows))


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation, its messages, and the conversation again with its last message."""
    if _is_stream(Head.of(source)):
        yield from droid_stream.read(source)
        return
    session = _Session(source.stem)
    yield from read_each(lines(source), lambda line: session.take(line.value), "not an entry of droid")
    yield from session.close()


@dataclass(slots=True)
class _Session:
    """What is remembered of a file as it streams by: the links, and what is no message."""

    stem: str
    draft: ConversationDraft | None = None
    above: dict[str, str | None] = field(default_factory=dict)
    last: str | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, entry: Row) -> Iterator[Record]:
        """Yield the message an entry is, the conversation before the first."""
        kind = entry["type"]
        if self.draft is None:
            self.draft = _conversation(entry if kind == _START else {}, self.stem)
            yield self.draft
        if kind == "message":
            yield self._linked(_message(entry), entry)
        elif kind != _START:
            self.counts[f"{build.kind_name(kind)} entries"] += 1
            if isinstance(entry.get("id"), str):
                self.above[entry["id"]] = self.above.get(entry.get("parentId") or "", self.last)

    def _linked(self, made: MessageDraft, entry: Row) -> MessageDraft:
        key = build.word(entry.get("id")) or ids.derived_id(self.last, made)
        parent = entry.get("parentId")
        is_root = self.draft is not None and parent == self.draft.source_id
        above = None if is_root else self.above.get(parent or "", self.last)  # what it names may not be here
        self.above[key] = self.last = key
        return made._replace(source_id=key, parent=above)

    def close(self) -> Iterator[Record]:
        """Yield the conversation with its leaf, and how much was left out."""
        if self.draft is not None:
            yield self.draft._replace(head=self.last)
        yield from build.left_out(self.counts)


def _conversation(start: Row, stem: str) -> ConversationDraft:
    title = build.word(start.get("sessionTitle")) or build.word(start.get("title"))
    return ConversationDraft(
        source_id=build.word(start.get("id")) or stem,
        title=title,
        created_at=instant(start.get("timestamp")),
        project=build.word(start.get("cwd")),
        parent=build.word(start.get("parentSessionId")),
        metadata=build.given(start, _START_TOLD),
    )


def _message(entry: Row) -> MessageDraft:
    made = anthropic_messages.message(entry["message"])
    parts, text, facts = made.parts, made.text, dict(made.metadata)
    if made.role == "user" and "<system-reminder>" in text:
        parts, text = made.all_parts(), build.without_reminders(text)
        if not text:
            facts["hidden_reason"] = "system_reminder"
    facts |= build.rest(entry, _ENTRY_TOLD)
    return made._replace(
        text=text,
        parts=parts,
        created_at=instant(entry.get("timestamp")) or made.created_at,
        hidden="hidden_reason" in facts,
        metadata=facts,
    )
