"""LobeChat's export: tables of sessions, topics and messages, as its browser kept them or as its database does.

A topic is a conversation, and so is what was said to an assistant outside of any.  What a browser held keeps its id as
`clientId` in the database, so that both exports are of the same messages.  Settings and keys are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids, trees
from chatlog.formats.build import Row
from chatlog.formats.envelope import role_of
from chatlog.formats.jsonstream import first_keys
from chatlog.formats.records import misshapen, recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_CONFIG = frozenset({"exportType", "state"})
_DATABASE = frozenset({"data", "mode", "schemaHash"})
_DATA = re.compile(r'\{\s*"data"\s*:\s*(?=\{)')
_OWN_TABLES = frozenset({"userInstalledPlugins", "agentsToSessions", "messagePlugins"})
_CHAT_TABLES = frozenset({"sessions", "topics", "messages"})
_UNTITLED = frozenset({"默认话题", "Default Topic"})
_INBOX = "inbox"
_ROW_TOLD = frozenset(
    {"id", "clientId", "role", "content", "reasoning", "search", "metadata", "model", "fromModel", "tools", "files"}
    | {"sessionId", "topicId", "parentId", "accessedAt", "createdAt", "updatedAt", "plugin", "pluginState", "meta"}
    | {"tool_call_id", "extra", "pluginError"}
)
_EXTRA_TOLD = frozenset({"fromModel", "translate"})
_TOPIC_TOLD = frozenset({"id", "clientId", "title", "favorite", "sessionId", "createdAt", "updatedAt", "accessedAt"})


def sniff(head: Head) -> bool:
    """Say whether this is an export of LobeChat."""
    if head.is_array:
        return False
    if head.keys >= _CONFIG or head.keys >= _DATABASE:
        return True
    found = _DATA.match(head.text)
    tables = {*first_keys(head.text[found.end() :])} if found else set[str]()
    return not tables.isdisjoint(_OWN_TABLES) or tables >= _CHAT_TABLES


def read(source: Source) -> Iterator[Record]:
    """Yield each topic with its messages, and what was said outside of topics."""
    key = "state" if "exportType" in Head.of(source).keys else "data"
    export, problems = recovered(source, "messages", key)
    held = export.get(key) if isinstance(export, dict) else None
    if not isinstance(held, dict):
        yield Problem("", "not an export of LobeChat")
        return
    tables = _Tables(held)
    for group in tables.groups(problems).values():
        yield from tables.conversation(group)
    yield from problems
    if tables.empty:
        yield LeftOut("messages without words", tables.empty)


@dataclass(frozen=True, slots=True)
class _Said:
    """A message as it was read, and its row."""

    row: Row
    draft: MessageDraft

    @property
    def order(self) -> str:
        return self.draft.created_at or ""


class _Tables:
    """The rows of an export by their ids."""

    def __init__(self, held: Row) -> None:
        self.rows = _rows(held, "messages")
        self.sessions = _by(_rows(held, "sessions"), "id")
        self.topics = _by(_rows(held, "topics"), "id")
        self.threads = _by(_rows(held, "threads"), "id")
        self.groups_of_sessions = _by(_rows(held, "sessionGroups"), "id")
        self.agents = _by(_rows(held, "agents"), "id")
        self.agent_of = {_id(row, "sessionId"): _id(row, "agentId") for row in _rows(held, "agentsToSessions")}
        self.plugins = _by(_rows(held, "messagePlugins"), "id")
        self.translations = _by(_rows(held, "messageTranslates"), "id")
        self.files = _by(_rows(held, "files"), "id")
        self.attached: dict[str, list[str]] = {}
        for row in _rows(held, "messagesFiles"):
            self.attached.setdefault(_id(row, "messageId"), []).append(_id(row, "fileId"))
        self.empty = 0

    def groups(self, problems: list[Problem]) -> dict[tuple[str, str], list[_Said]]:
        """Return the messages of each topic of each session in their order; add the problems."""
        found: dict[tuple[str, str], list[_Said]] = {}
        for number, row in enumerate(self.rows, 1):
            try:
                said = _Said(row, self._message(row))
            except MALFORMED as error:
                problems.append(misshapen(f"message {number}", error, "not a message of LobeChat"))
                continue
            topic = _id(row, "topicId")
            found.setdefault((topic, "" if topic else _id(row, "sessionId") or _INBOX), []).append(said)
        for group in found.values():
            group.sort(key=lambda said: said.order)
        return found

    def conversation(self, group: list[_Said]) -> Iterator[Record]:
        """Yield a conversation with its messages, each after its parent."""
        _, config = self._assistant(group[0].row)
        instructions = build.instructions(build.word(config.get("systemRole")))
        names = _named(group)
        parents = self._parents(group, names)
        drafts = {names[id(said)]: said.draft for said in group}
        kept, standing = trees.without_empty(parents, drafts, instructions[0].source_id if instructions else None)
        self.empty += len(drafts) - len(kept)
        if not kept:
            return
        shown = [said for said in group if not said.row.get("threadId")] or group
        yield self._draft(group[0].row, kept, standing[names[id(shown[-1])]])
        yield from instructions
        yield from kept

    def _parents(self, group: list[_Said], names: Mapping[int, str]) -> dict[str, str | None]:
        """Return the parent of each message; one that tells none follows the one before it, in its own thread."""
        by_id = {_id(said.row, "id"): names[id(said)] for said in group if _id(said.row, "id")}
        last: dict[str, str] = {}
        found: dict[str, str | None] = {}
        for said in group:
            thread, key = _id(said.row, "threadId"), names[id(said)]
            origin = _id(self.threads.get(thread, {}), "sourceMessageId")
            before = last.get(thread) or by_id.get(origin) or last.get("")
            own = by_id.get(_id(said.row, "parentId"))
            found[key] = own if own != key and own else before
            last[thread] = key
        return found

    def _assistant(self, row: Row) -> tuple[Row, Row]:
        """Return the session of a message and how its assistant is configured."""
        name = _id(row, "sessionId") or _id(self.topics.get(_id(row, "topicId"), {}), "sessionId")
        session = self.sessions.get(name, {})
        config = session.get("config")
        return session, config if isinstance(config, dict) else self.agents.get(self.agent_of.get(name, ""), {})

    def _draft(self, row: Row, kept: list[MessageDraft], head: str | None) -> ConversationDraft:
        topic = self.topics.get(_id(row, "topicId"), {})
        session, config = self._assistant(row)
        meta = session.get("meta")
        own = build.word((meta if isinstance(meta, dict) else session).get("title")) or build.word(config.get("title"))
        title = build.word(topic.get("title"))
        name = _name(topic) or _id(row, "topicId")
        rest = build.without(topic, _TOPIC_TOLD)
        folder = self.groups_of_sessions.get(_id(session, "group") or _id(session, "groupId"), {})
        return ConversationDraft(
            source_id=name or f"{_INBOX}/{_name(session) or _id(row, 'sessionId') or _INBOX}",
            title=(None if title in _UNTITLED else title) or (None if name else own),
            created_at=instant(topic.get("createdAt")) or build.first_moment(kept),
            updated_at=instant(topic.get("updatedAt")),
            model=build.word(config.get("model")) or next((one.model for one in kept if one.model), None),
            project=own,
            pinned=topic.get("favorite") in (True, 1),
            head=head,
            metadata=build.compact({**rest, "session": _name(session), "session_group": folder.get("name")}),
        )

    # A message

    def _message(self, row: Row) -> MessageDraft:
        role, extra = role_of(row), row.get("extra") or {}
        parts = tuple(self._parts(row, role, extra))
        if row.get("role") == "function" and parts:  # once the call and what came of it were one message
            role = "assistant"
        text, kept = build.said(parts)
        facts = build.without(row, _ROW_TOLD)
        facts |= build.without(extra, _EXTRA_TOLD)
        return MessageDraft(
            role=role,
            text=text,
            parts=kept,
            model=_model(row, extra) if role == "assistant" else None,
            created_at=instant(row.get("createdAt")),
            metadata=build.compact({**facts, "usage": row.get("metadata")}),
        )

    def _parts(self, row: Row, role: str, extra: Row) -> Iterator[Part]:
        name = _id(row, "id")
        thought = row.get("reasoning")
        if isinstance(thought, dict) and build.word(thought.get("content")):
            yield {**build.compact(thought, ("content", "type")), **build.reasoning(thought["content"])}
        elif isinstance(thought, str) and thought:
            yield build.reasoning(thought)
        words = row.get("content")
        if role == "tool":
            yield from self._result(row, self.plugins.get(name, {}))
        elif words:
            yield build.text(words if isinstance(words, str) else str(words))
        for tool in row.get("tools") or ():
            yield _call(tool)
        if row.get("search"):
            yield build.raw("search", {"value": row["search"]})
        for held in (*self.attached.get(name, ()), *(row.get("files") or ())):
            yield _file(held, self.files)
        translated = extra.get("translate") or self.translations.get(name)
        if isinstance(translated, dict) and translated.get("content"):
            yield {**build.picked(translated, ("content", "from", "to")), "type": "translation"}

    def _result(self, row: Row, plugin: Row) -> Iterator[Part]:
        """Yield what a tool gave back, with the call before it where no other message holds that."""
        called = row.get("plugin") or plugin
        key = build.word(row.get("tool_call_id")) or build.word(plugin.get("toolCallId"))
        if row.get("role") == "function":
            key = key or f"call-{row.get('id')}"
            yield _call({**called, "id": key})
        state, error = row.get("pluginState") or plugin.get("state"), row.get("pluginError") or plugin.get("error")
        if isinstance(state, dict):  # a plugin's settings may hold its keys
            state = build.without(state, ("settings",))
        facts = build.compact({"name": called.get("apiName"), "state": state, "error": error})
        yield build.tool_result(key, build.parsed(row.get("content")), is_error=bool(error), **facts)


def _model(row: Row, extra: Row) -> str | None:
    names = (row.get("model"), row.get("fromModel"), extra.get("fromModel"))
    return next(filter(None, map(build.word, names)), None)


def _call(tool: Row) -> Part:
    facts = build.compact({"identifier": tool.get("identifier")})
    arguments = build.parsed(tool.get("arguments"))
    return build.tool_call(build.word(tool.get("id")), build.word(tool.get("apiName")), arguments, **facts)


def _file(held: Any, files: Mapping[str, Row]) -> Part:
    told = files.get(held, {}) if isinstance(held, str) else held
    key = held if isinstance(held, str) else _id(told, "id")
    facts = build.compact({"size": told.get("size"), "url": told.get("url")})
    return build.file(key or None, build.word(told.get("name")), build.word(told.get("fileType")), **facts)


def _rows(held: Row, table: str) -> Sequence[Row]:
    return build.mappings(held.get(table))


def _by(rows: Iterable[Row], key: str) -> dict[str, Row]:
    return {_id(row, key): row for row in rows}


def _id(row: Row, key: str) -> str:
    return build.word(row.get(key)) or ""


def _name(row: Row) -> str:
    """Return what a row was known by first: its id in the browser that it came from, else its own."""
    return _id(row, "clientId") or _id(row, "id")


def _named(group: list[_Said]) -> dict[int, str]:
    """Return the name of each message: its own, else one made of what it says."""
    used = Counter[str]()
    found: dict[int, str] = {}
    last: str | None = None
    for said in group:
        last = ids.numbered(_name(said.row) or ids.derived_id(last, said.draft), used)
        found[id(said)] = last
    return found
