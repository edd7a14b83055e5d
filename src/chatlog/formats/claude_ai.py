"""Claude.ai's data export, and what its web interface and shared links give: conversations, flat or branched.

Recognises them and puts each conversation's messages in order.  What a message says is
`claude_ai_content`'s matter; the export's files about the account and its memories are not read.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from chatlog.canonical import canonical_json
from chatlog.formats import MALFORMED, Head, build, ids, trees
from chatlog.formats.beside import beside
from chatlog.formats.claude_ai_content import Said, said
from chatlog.formats.jsonstream import Line, items
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record
from chatlog.timespec import instant, parse_iso

_ENVELOPE = "conversations"
_MESSAGES = re.compile(r'"chat_messages"\s*:\s*\[')
_DESIGN = re.compile(r'"contentBlocks"\s*:\s*\[')
#: The form of the official export's times, which sorts as it stands.
_SORTS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|\+00:00)")
_ROLES = {
    "human": "user",
    "user": "user",
    "assistant": "assistant",
    "claude": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
}
_CONVERSATION_FACTS = frozenset((
    "uuid", "conversation_uuid", "name", "title", "snapshot_name", "created_at", "updated_at", "model",
    "chat_messages", "messages",
))  # fmt: skip
#: A conversation has one of them, what stands in it none.
_OWN_KEYS = ("chat_messages", "messages", "name", "title")
_MESSAGE_FACTS = frozenset({
    "uuid", "text", "content", "sender", "role", "created_at", "model", "attachments", "files", "files_v2", "index",
    "parent_message_uuid", "timestamp",
})  # fmt: skip


def sniff(head: Head) -> bool:
    """Say whether this is a Claude.ai conversation or a list of them."""
    if not head.is_json:
        return False
    if "chat_messages" in head.keys:
        return True
    if head.is_array or _ENVELOPE in head.keys:
        return _MESSAGES.search(head.text) is not None or _is_design(head)
    return _is_design(head)


def _is_design(head: Head) -> bool:
    if not {"uuid", "messages"} <= head.keys:
        return False
    return {"uuid", "role", "content"} <= (head.first_in("messages") or set()) or _DESIGN.search(head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation with every message of it."""
    projects, counts = _Projects(source), Counter[str]()

    def take(item: Line) -> Iterator[Record]:
        if item.value.keys().isdisjoint(_OWN_KEYS):
            raise ValueError("no key of a conversation")
        thread = _Thread(item.value, item.place)
        thread.read()
        yield from thread.records(projects)
        counts["token_budget blocks (they hold nothing)"] += thread.budgets

    yield from read_each(items(source, _ENVELOPE), take, "not a Claude.ai conversation", names_error=False)
    yield from build.left_out(counts)


class _Projects:
    """The names of the projects in the ``projects.json`` beside the conversations."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names: dict[str, str] | None = None

    def name(self, uuid: Any) -> str | None:
        """Return the project's name, its id where that is not known."""
        if not isinstance(uuid, str) or not uuid:
            return None
        if self.names is None:
            self.names = self._read()
        return self.names.get(uuid, uuid)

    def _read(self) -> dict[str, str]:
        try:
            return {project["uuid"]: project["name"] for project in beside(self.source, "projects.json") or ()}
        except MALFORMED:
            return {}


class _Thread:
    """The messages of one conversation."""

    def __init__(self, entry: Mapping[str, Any], place: str) -> None:
        self.entry = entry
        self.place = place
        self.messages: list[MessageDraft] = []
        self.problems: list[Problem] = []
        self.rows: dict[str, Mapping[str, Any]] = {}
        self.budgets = 0

    def read(self) -> None:
        """Read every message, oldest first and parents before children."""
        for row in self._sorted():
            key = row.get("uuid")
            if not isinstance(key, str) or not key or (key in self.rows and self.rows[key] != row):
                key = _derived_id(next(reversed(self.rows), None), row)
            self.rows.setdefault(key, row)
        above: dict[str | None, str | None] = {None: None}
        for number, (key, parent) in enumerate(trees.preorder(self._parents()), 1):
            try:
                self.messages.append(self._message(key, above[parent]))
                above[key] = key
            except MALFORMED:
                above[key] = above[parent]
                self.problems.append(Problem(f"{self.place}, message {number}", "not a Claude.ai message"))

    def _sorted(self) -> list[Mapping[str, Any]]:
        """Return the messages by time, those of one time by their index, else as they stand."""
        rows: list[Mapping[str, Any]] = []
        for number, row in enumerate(self.entry.get("chat_messages") or self.entry.get("messages") or (), 1):
            if isinstance(row, dict):
                rows.append(row)
            else:
                self.problems.append(Problem(f"{self.place}, message {number}", "not a Claude.ai message"))
        made = _moments(rows)
        if all(map(operator.lt, made, made[1:])):
            return rows
        index, asked = [_index(row, number) for number, row in enumerate(rows)], _questions(rows)
        order = sorted(range(len(rows)), key=lambda at: (made[at], at not in asked, index[at]))
        return [rows[number] for number in order]

    def _parents(self) -> dict[str, str | None]:
        """Return each message's parent: as the source links them, else each follows the one before."""
        linked = any(row.get("parent_message_uuid") for row in self.rows.values())
        parents: dict[str, str | None] = {}
        before: str | None = None
        for key, row in self.rows.items():
            parents[key] = (build.word(row.get("parent_message_uuid")) if linked else None) or before
            before = key
        return parents

    def _message(self, key: str, parent: str | None) -> MessageDraft:
        row = self.rows[key]
        sender = row.get("sender") or row["role"]
        content = said(row, key)
        self.budgets += content.budgets
        return MessageDraft(
            role=_ROLES.get(sender.lower(), "assistant"),
            text=content.text,
            parts=content.parts,
            model=build.word(row.get("model")),
            created_at=instant(_made(row)),
            source_id=key,
            parent=parent,
            metadata=_message_facts(row, content, sender),
        )

    def records(self, projects: _Projects) -> Iterator[Record]:
        """Yield the conversation, its messages, and the conversation again with its active leaf."""
        draft = _draft(self.entry, self.messages, projects)
        yield draft
        yield from self.messages
        yield from self.problems
        if self.messages:
            yield draft._replace(head=self._head())

    def _head(self) -> str | None:
        """Return the active leaf: the one the source names, else the end of the newest message's chain."""
        parents = {message.parent for message in self.messages}
        leaves = [message.source_id for message in self.messages if message.source_id not in parents]
        named = self.entry.get("current_leaf_message_uuid")
        oldest_first = {key: number for number, key in enumerate(self.rows)}
        return named if named in leaves else max(leaves, key=lambda key: oldest_first[key or ""])


def _made(row: Mapping[str, Any]) -> Any:
    """Return when a message was made; some of the design tool's say so in their content alone."""
    return row.get("created_at") or row.get("timestamp") or build.within(row, "content", "timestamp")


def _moments(rows: list[Mapping[str, Any]]) -> list[str]:
    """Return when each message was made, as text that sorts; one without a time was made with the one before."""
    given = [_made(row) for row in rows]
    sortable = [made for made in given if isinstance(made, str) and _SORTS.fullmatch(made)]
    if len(sortable) == len(given):
        return sortable
    moments, moment = [], ""
    for made in given:
        moment = _moment(made) or moment
        moments.append(moment)
    return moments


def _moment(made: Any) -> str:
    """Return a time to the microsecond as text that sorts."""
    try:
        return parse_iso(made).astimezone(UTC).isoformat(timespec="microseconds") if made else ""
    except MALFORMED:
        return instant(made) or ""


def _questions(rows: list[Mapping[str, Any]]) -> set[int]:
    """Return where the only question of a moment stands: exports of 2024 give its answer the same, and mix them."""
    found: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        if row.get("sender") == "human" and isinstance(row.get("created_at"), str) and "index" not in row:
            found.setdefault(row["created_at"], []).append(at)
    return {places[0] for places in found.values() if len(places) == 1}


def _index(row: Mapping[str, Any], number: int) -> float:
    index = row.get("index")
    return index if isinstance(index, (int, float)) else number


def _derived_id(parent: str | None, row: Mapping[str, Any]) -> str:
    said_by = [parent, row.get("sender") or row.get("role"), row.get("text"), row.get("content")]
    return ids.hashed(canonical_json(said_by))


def _draft(entry: Mapping[str, Any], messages: list[MessageDraft], projects: _Projects) -> ConversationDraft:
    # A shared snapshot has an id of its own beside that of the conversation.
    own_id = entry.get("conversation_uuid") or entry.get("uuid") or entry.get("conversation_id")
    if not own_id and not messages:
        raise ValueError("neither an id nor a message")
    title = entry.get("name") or entry.get("title") or entry.get("snapshot_name")
    return ConversationDraft(
        source_id=str(own_id) if own_id else ids.derived_conversation_id(messages[:2]),
        title=title.strip() or None if isinstance(title, str) else None,
        created_at=instant(entry.get("created_at")),
        updated_at=instant(entry.get("updated_at")),
        model=build.word(entry.get("model")) or build.last_model(messages),
        project=_project(entry, projects),
        pinned=bool(entry.get("is_starred")),
        archived=bool(entry.get("is_archived")),
        metadata={
            key: value
            for key, value in entry.items()
            if value and (key not in _CONVERSATION_FACTS or (key == "uuid" and value != own_id))
        },
    )


def _project(entry: Mapping[str, Any], projects: _Projects) -> str | None:
    named = build.mapping(entry.get("project"))
    return build.word(named.get("name")) or projects.name(entry.get("project_uuid") or named.get("uuid"))


def _message_facts(row: Mapping[str, Any], content: Said, sender: str) -> dict[str, Any]:
    facts = build.compact(row, _MESSAGE_FACTS)
    if facts.get("updated_at") == row.get("created_at"):
        facts.pop("updated_at", None)
    if sender.lower() not in _ROLES:
        facts["sender"] = sender
    return {**facts, **content.times}
