"""Chatbox's exported data, and the ``config.json`` of its desktop program: ``session:ID`` beside settings.

Reads the sessions alone.  A session holds threads, each a conversation of its own, and the versions that were forked
from a message.  A conversation is known by its first message, as a thread that is put aside keeps its messages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.build import Row
from chatlog.formats.envelope import role_of
from chatlog.formats.jsonstream import BROKEN_JSON, document, leading, sound, text_of
from chatlog.formats.records import misshapen
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

#: Where versions before the browser's database keep their sessions, and what stays there of them.
LOCATIONS = (
    "~/.config/xyz.chatboxapp.app/config.json",
    "~/Library/Application Support/xyz.chatboxapp.app/config.json",
    "$APPDATA/xyz.chatboxapp.app/config.json",
)

_SESSION = "session:"
_OLD, _LIST = "chat-sessions", "chat-sessions-list"
_MARKS = frozenset({_OLD, _LIST, "__exported_items"})
_SESSION_KEY = re.compile(r'"(session:[^"\\]+)"\s*:\s*(?=\{)')
_UNTITLED = "Untitled"
_SESSION_TOLD = frozenset({"id", "name", "messages", "threads", "threadName", "messageForksHash", "starred", "picUrl"})
_MESSAGE_TOLD = frozenset(
    {"id", "role", "name", "model", "timestamp", "contentParts", "content", "reasoningContent", "pictures", "files"}
    | {"links", "cancel", "generating", "isStreamingMode", "isSummary"}
)
_CALL_TOLD = frozenset({"type", "toolCallId", "toolName", "args", "result", "state"})


def sniff(head: Head) -> bool:
    """Say whether this is Chatbox's data with sessions in it."""
    if head.is_array:
        return False
    has_sessions = any(key.startswith(_SESSION) for key in head.keys) and '"messages"' in head.text
    return has_sessions or not head.keys.isdisjoint(_MARKS)


def read(source: Source) -> Iterator[Record]:
    """Yield each thread of each session with its messages, and what was left out."""
    data, problems = _data(source)
    if not isinstance(data, dict):
        yield Problem("", "not the data of Chatbox")
        return
    left_out = Counter[str]()
    for place, session in _sessions(data):
        try:
            threads = _threads(session, place)
        except MALFORMED as error:
            yield misshapen(place, error, "not a session of Chatbox")
            continue
        for thread in threads:
            yield from thread.records(left_out)
    yield from problems
    yield from build.left_out(left_out)


def _data(source: Source) -> tuple[Any, list[Problem]]:
    """Return the data, of a file that is cut off or broken its sessions that are whole; and the problems."""
    try:
        return document(source), []
    except BROKEN_JSON:
        text = sound(text_of(source))
    found: dict[str, Any] = {}
    for match in _SESSION_KEY.finditer(text):
        with suppress(*BROKEN_JSON):
            found[match[1]] = leading(text, match.end())[0]
    return found, [Problem("", "the file is cut off or broken; its whole sessions were read")]


def _sessions(data: Row) -> Iterator[tuple[str, Row]]:
    """Yield the sessions with where they stand; a list beside them says what else is known of each."""
    held = [(key, data[key]) for key in (_OLD, _LIST) if isinstance(data.get(key), list)]
    rows = {row["id"]: row for _, listed in held for row in listed if _has_id(row)}
    for number, (key, session) in enumerate(((k, v) for k, v in data.items() if k.startswith(_SESSION)), 1):
        name = key.removeprefix(_SESSION)
        told = {"id": name, **rows.pop(name, {})}
        yield f"session {number}", {**told, **session} if isinstance(session, dict) else session
    for number, row in enumerate(rows.values(), 1):
        if "messages" in row:
            yield f"listed session {number}", row


def _has_id(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("id"), str)


def _threads(session: Row, place: str) -> list[_Thread]:
    """Return the threads that were put aside and the one that is open, which those forked from none of them join."""
    forks = dict(session.get("messageForksHash") or {})
    rows = [*(session.get("threads") or ()), {"name": session.get("threadName"), "messages": session["messages"]}]
    found = []
    for number, row in enumerate(rows, 1):
        thread = _Thread(session, build.word(row.get("name")), f"{place}, thread {number}" if len(rows) > 1 else place)
        thread.follow(row["messages"], None)
        found.append(thread)
    for thread in found:
        thread.head = thread.last
        thread.fork(forks)
    for entry in forks.values():  # what they were forked from is gone
        found[-1].branch(entry, None)
    return found


@dataclass(slots=True)
class _Thread:
    """A thread of a session: its messages, each after the one before, and what was forked from them."""

    session: Row
    name: str | None
    place: str
    messages: dict[str, MessageDraft] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    empty: int = 0
    last: str | None = None
    shared: dict[str, str] = field(default_factory=dict)
    head: str | None = None

    def follow(self, rows: list[Any], parent: str | None) -> None:
        """Keep messages, the first of them after `parent`."""
        self.last = pivot = parent
        for number, row in enumerate(rows, 1):
            try:
                made = _message(row)
            except MALFORMED as error:
                self.problems.append(misshapen(f"{self.place}, message {number}", error))
                continue
            if not made.text and not made.parts:
                self.empty += 1
                continue
            key = made.source_id or ids.derived_id(self.last, made)
            self.messages.setdefault(key, made._replace(source_id=key, parent=self.last))
            self.last = key
            if made.hidden and pivot:  # a summary belongs to what all versions have before them
                self.shared[pivot] = key
            else:
                pivot = key

    def fork(self, forks: dict[str, Any]) -> None:
        """Take the versions that follow messages of this thread, and those that follow theirs."""
        while found := [key for key in forks if key in self.messages]:
            for key in found:
                self.branch(forks.pop(key), self.shared.get(key, key))

    def branch(self, entry: Any, parent: str | None) -> None:
        """Keep the versions of what follows a message; the one that is shown stands among the thread's messages."""
        for held in build.listed(build.mapping(entry).get("lists")):
            if isinstance(held, dict) and isinstance(held.get("messages"), list):
                self.follow(held["messages"], parent)

    def records(self, left_out: Counter[str]) -> Iterator[Record]:
        """Yield the conversation with its messages, and what could not be read."""
        if self.messages:
            yield self._draft()
        elif not self.problems:
            left_out["threads without messages"] += 1
        if self.empty:
            left_out["messages without words"] += self.empty
        yield from self.messages.values()
        yield from self.problems

    def _draft(self) -> ConversationDraft:
        first = next(iter(self.messages))
        title = self.name or build.word(self.session.get("name"))
        model = build.word(build.within(self.session, "settings", "modelId"))
        return ConversationDraft(
            source_id=f"{self.session.get('id') or 'session'}/{first}",
            title=None if title == _UNTITLED else title,
            created_at=build.first_moment(self.messages.values()),
            model=model or next((one.model for one in self.messages.values() if one.model), None),
            head=self.head or self.last,
            pinned=self.session.get("starred") is True,
            metadata=build.compact(self.session, _SESSION_TOLD),
        )


def _message(row: Row) -> MessageDraft:
    role = role_of(row)
    parts = tuple(_parts(row))
    facts = build.compact(row, _MESSAGE_TOLD)
    if row.get("isSummary") is True:
        facts["hidden_reason"] = "compaction"
    return build.message(
        role,
        parts,
        author=build.word(row.get("name")),
        model=build.word(row.get("model")) if role == "assistant" else None,
        created_at=instant(row.get("timestamp")),
        source_id=build.word(row.get("id")),
        metadata=facts,
    )


def _parts(row: Row) -> Iterator[Part]:
    held = row.get("contentParts") or ()
    thought, words = build.word(row.get("reasoningContent")), build.word(row.get("content"))
    if thought and not any(part.get("type") == "reasoning" for part in held):
        yield build.reasoning(thought)
    for part in held:
        yield from _part(part)
    if words and not any(part.get("type") == "text" for part in held):
        yield build.text(words)
    for picture in row.get("pictures") or ():
        yield from _picture(picture)
    for file in row.get("files") or ():
        rest = build.compact(file, ("id", "name", "fileType", "type"))
        yield {**rest, **build.file(build.word(file.get("id")), build.word(file.get("name")), file.get("fileType"))}
    for link in row.get("links") or ():
        yield {**build.compact(link, ("id", "url", "type")), **build.uri(str(link["url"]))}


def _part(part: Row) -> Iterator[Part]:
    kind = part.get("type")
    if kind in ("text", "reasoning") and isinstance(part.get("text"), str):
        make = build.text if kind == "text" else build.reasoning
        if part["text"]:
            yield {**build.compact(part, ("type", "text")), **make(part["text"])}
    elif kind == "image":
        yield from _picture(part)
    elif kind == "tool-call":
        key, name = build.word(part.get("toolCallId")), build.word(part.get("toolName"))
        more = build.compact(part, _CALL_TOLD)
        yield {**more, **build.tool_call(key, name, build.parsed(part.get("args")))}
        if part.get("state") in ("result", "error") or part.get("result") is not None:
            yield build.tool_result(key, part.get("result"), is_error=part.get("state") == "error")
    else:
        yield build.raw(kind, part)


def _picture(held: Row) -> Iterator[Part]:
    """Yield a picture, whose bytes may be in its address or elsewhere in the program's storage."""
    rest = build.compact({"ocr": held.get("ocrResult"), "modality": "image"})
    if address := build.word(held.get("url")):
        yield build.addressed(address, **rest)
    elif key := build.word(held.get("storageKey")):
        yield build.file(key, **rest)
