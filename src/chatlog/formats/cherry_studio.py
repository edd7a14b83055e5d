"""Cherry Studio's backup: ``data.json``, alone or in its zip, with the tables of topics and of blocks of messages.

What a topic is called and whose it is stands in the settings beside them, as JSON in JSON; nothing else of those is
read.  Answers of several models to one question are siblings, the one that was chosen is on the active path.  Backups
of version 6 and later hold the program's own database files instead.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.build import Row
from chatlog.formats.envelope import role_of
from chatlog.formats.records import misshapen, recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_TABLES, _SETTINGS, _STATE = "indexedDB", "localStorage", "persist:cherry-studio"
_BEGINNING = re.compile(r'\{\s*("time"\s*:\s*\d+\s*,\s*)?"version"\s*:\s*\d+\s*,\s*"(localStorage|indexedDB)"\s*:')
_OF_TABLES = ('"message_blocks"', '"topics"', f'"{_STATE}"')
_UNTITLED = frozenset({"Default Topic", "默认话题", "預設話題", "New Topic", "新话题"})
_ROW_TOLD = frozenset(
    {"id", "role", "content", "reasoning_content", "createdAt", "blocks", "model", "modelId", "files", "topicId"}
    | {"askId", "foldSelected", "images", "metadata", "status", "type", "multiModelMessageStyle"}
)
#: What was once kept beside a message's words, and is read as parts of it.
_META_TOLD = frozenset({"mcpTools", "generateImage"})
_BLOCK_TOLD = frozenset({"id", "messageId", "type", "content", "createdAt", "updatedAt", "status", "model", "file"})
_CALL_TOLD = _BLOCK_TOLD | {"toolId", "toolName", "arguments", "metadata"}
_FILE_TOLD = frozenset({"id", "name", "origin_name", "path"})


def sniff(head: Head) -> bool:
    """Say whether this is the data of a backup of Cherry Studio."""
    return _BEGINNING.match(head.text) is not None and any(mark in head.text for mark in _OF_TABLES)


def read(source: Source) -> Iterator[Record]:
    """Yield each topic with its messages, and what was left out."""
    backup, problems = recovered(source, "topics", _TABLES)
    tables = build.within(backup, _TABLES)
    if isinstance(tables, list):  # version 1 kept keys and values
        pairs = [row for row in tables if isinstance(row, dict)]
        tables = {"topics": [row.get("value") for row in pairs if str(row.get("key")).startswith("topic:")]}
    if not isinstance(tables, dict):
        yield Problem("", "not a backup of Cherry Studio")
        return
    if problems:  # the blocks stand behind the topics
        tables = {**tables, **recovered(source, "message_blocks", _TABLES)[0][_TABLES]}
    topics = tables.get("topics")
    known = {topic["id"]: (topic, assistant) for topic, assistant in _topics(backup.get(_SETTINGS))}
    blocks = {row["id"]: row for row in build.mappings(tables.get("message_blocks")) if isinstance(row.get("id"), str)}
    left_out = Counter[str]()
    for number, topic in enumerate(build.listed(topics), 1):
        try:
            found = _Topic(topic, blocks, f"topic {number}")
        except MALFORMED as error:
            yield misshapen(f"topic {number}", error, "not a topic of Cherry Studio")
            continue
        yield from found.records(*known.get(str(topic.get("id")), ({}, {})), left_out)
    yield from problems
    yield from build.left_out(left_out)


def _topics(settings: Any) -> Iterator[tuple[Row, Row]]:
    """Yield what is known of each topic besides its messages, and the assistant that it belongs to."""
    state = build.parsed(build.within(settings, _STATE))
    held = build.parsed(build.within(state, "assistants"))
    if not isinstance(held, dict):
        return
    for assistant in (*build.mappings(held.get("assistants")), *build.mappings([held.get("defaultAssistant")])):
        for topic in build.mappings(assistant.get("topics")):
            if isinstance(topic.get("id"), str):
                yield topic, assistant


@dataclass(slots=True)
class _Topic:
    """The messages of a topic, each linked to the one that it follows."""

    topic: Row
    blocks: Mapping[str, Row]
    place: str
    messages: list[MessageDraft] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    last: str | None = None

    def __post_init__(self) -> None:
        rows = self.topic["messages"]
        asked = Counter(row.get("askId") for row in rows if isinstance(row, dict) and isinstance(row.get("askId"), str))
        groups: dict[str, tuple[str | None, str | None]] = {}
        for number, row in enumerate(rows, 1):
            try:
                made = self._message(row)
            except MALFORMED as error:
                self.problems.append(misshapen(f"{self.place}, message {number}", error))
                continue
            if not made.text and not made.parts:
                self.empty += row.get("type") != "clear"
                continue
            self._link(row, made, groups, asked[row.get("askId")] > 1)

    def _link(self, row: Row, made: MessageDraft, groups: dict[str, tuple[str | None, str | None]], many: bool) -> None:
        """Keep a message; of the answers to one question the chosen one goes on, else the last."""
        if not many:
            self.last = self._keep(made, self.last)
            return
        parent, chosen = groups.get(row["askId"], (self.last, None))
        key = self._keep(made, parent)
        if row.get("foldSelected") is True or (row.get("useful") is True and chosen is None):
            chosen = key
        groups[row["askId"]] = parent, chosen
        self.last = chosen or key

    def _keep(self, made: MessageDraft, parent: str | None) -> str:
        key = ids.numbered(made.source_id or ids.derived_id(parent, made), self.used)
        self.messages.append(made._replace(source_id=key, parent=parent))
        return key

    def _message(self, row: Row) -> MessageDraft:
        role, model, held = role_of(row), row.get("model"), row.get("metadata")
        facts: Row = build.mapping(held)
        own = [self.blocks[key] for key in row.get("blocks") or () if key in self.blocks]
        parts = tuple(part for block in own for part in _block(block)) if own else tuple(_unblocked(row, facts))
        rest = build.without(row, _ROW_TOLD)
        told = build.without(facts, _META_TOLD)
        names = build.mapping(model)
        status = None if row.get("status") == "success" else row.get("status")
        return build.message(
            role,
            parts,
            model=(build.word(names.get("id")) or build.word(row.get("modelId"))) if role == "assistant" else None,
            created_at=instant(row.get("createdAt")),
            source_id=build.word(row.get("id")),
            metadata=build.compact({**rest, **told, "status": status, "provider": names.get("provider")}),
        )

    def records(self, told: Row, assistant: Row, left_out: Counter[str]) -> Iterator[Record]:
        """Yield the conversation with the instructions and its messages, and what could not be read."""
        if self.messages:
            prompts = (build.word(assistant.get("prompt")), build.word(told.get("prompt")))
            instructions = build.instructions("\n".join(filter(None, prompts)))
            yield self._draft(told, assistant)
            yield from instructions
            root = instructions[0].source_id if instructions else None
            yield from (one if one.parent else one._replace(parent=root) for one in self.messages)
        elif not self.problems:
            left_out["topics without messages"] += 1
        if self.empty:
            left_out["messages without words"] += self.empty
        yield from self.problems

    def _draft(self, told: Row, assistant: Row) -> ConversationDraft:
        facts = {**self.topic, **told}
        title = build.word(facts.get("name"))
        first = build.first_moment(self.messages)
        rest = build.picked(facts, ("type", "isNameManuallyEdited"))
        who = build.picked(assistant, ("id", "emoji", "type"))
        return ConversationDraft(
            source_id=build.word(facts.get("id")) or ids.opening_id(self.messages),
            title=None if title in _UNTITLED else title,
            created_at=instant(facts.get("createdAt")) or first,
            updated_at=instant(facts.get("updatedAt")),
            model=build.word(build.within(assistant, "model", "id")),
            project=build.word(assistant.get("name")),
            pinned=facts.get("pinned") is True,
            head=self.last,
            metadata=build.compact({**rest, "assistant": who}),
        )


def _unblocked(row: Row, facts: Row) -> Iterator[Part]:
    """Yield what a message said before messages were of blocks."""
    if thought := build.word(row.get("reasoning_content")):
        yield build.reasoning(thought)
    for number, tool in enumerate(build.mappings(facts.get("mcpTools"))):
        yield from _called(tool, f"{row.get('id')}-{number}")
    if words := build.word(row.get("content")):
        yield build.text(words)
    for held in (*(row.get("images") or ()), *(build.within(facts, "generateImage", "images") or ())):
        yield build.addressed(held, modality="image")
    for held in row.get("files") or ():
        yield _file(held)


def _called(tool: Row, name: str) -> Iterator[Part]:
    """Yield a tool's call as the program keeps it, and what came of it."""
    key = build.word(tool.get("toolCallId")) or build.word(tool.get("id")) or name
    yield build.tool_call(key, build.word(build.within(tool, "tool", "name")), build.parsed(tool.get("arguments")))
    if tool.get("response") is not None:
        yield _result(key, tool["response"])


def _result(key: str | None, held: Any) -> Part:
    told = held.get("content", held) if isinstance(held, dict) else build.parsed(held)
    return build.tool_result(key, told, is_error=isinstance(held, dict) and held.get("isError") is True)


def _block(block: Row) -> Iterator[Part]:
    kind, words = block.get("type"), block.get("content")
    rest = build.compact(block, _BLOCK_TOLD)
    if kind in ("main_text", "compact") and isinstance(words, str):
        yield {**rest, **build.text(words)}
    elif kind == "thinking" and isinstance(words, str):
        yield {**rest, **build.reasoning(words)}
    elif kind == "code" and isinstance(words, str):
        yield build.text(f"```{block.get('language') or ''}\n{words}\n```")
    elif kind in ("image", "video"):
        yield from _pictures(block, str(kind))
    elif kind == "file":
        yield _file(block["file"])
    elif kind == "tool":
        yield from _tool(block)
    elif kind != "unknown":  # what stands there until the first word comes
        yield build.raw(kind, build.without(block, ("id", "messageId", "status")))


def _pictures(block: Row, kind: str) -> Iterator[Part]:
    """Yield pictures or a film, which may lie in the program's storage, at an address or in an answer's facts."""
    if isinstance(block.get("file"), dict):
        yield {**_file(block["file"]), "modality": kind}
    elif address := build.word(block.get("url")) or build.word(block.get("filePath")):
        yield build.addressed(address, modality=kind)
    else:
        for held in build.within(block, "metadata", "generateImageResponse", "images") or ():
            yield build.addressed(held, modality=kind)


def _tool(block: Row) -> Iterator[Part]:
    raw = build.mapping(build.within(block, "metadata", "rawMcpToolResponse"))
    name = build.word(block.get("toolName")) or build.word(build.within(raw, "tool", "name"))
    key = build.word(raw.get("toolCallId")) or build.word(block.get("toolId")) or build.word(block.get("id"))
    arguments = block.get("arguments") if block.get("arguments") is not None else raw.get("arguments")
    yield {**build.compact(block, _CALL_TOLD), **build.tool_call(key, name, build.parsed(arguments))}
    held = block.get("content") if block.get("content") is not None else raw.get("response")
    if held is not None:
        yield _result(key, held)


def _file(held: Row) -> Part:
    rest = build.without(held, _FILE_TOLD)
    name = build.word(held.get("origin_name")) or build.word(held.get("name"))
    kind = {"kind": rest.pop("type", None)}
    return {**build.compact({**rest, **kind}), **build.file(build.word(held.get("id")), name)}
