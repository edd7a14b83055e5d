"""Goose's sessions: ``sessions.db``, the JSONL files of versions before 1.10, and ``goose session export``.

Found in ~/.local/share/goose/sessions on Linux and macOS, in %APPDATA%/Block/goose/data/sessions on Windows.
A session that was never used, of which every start leaves one, is counted and not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.jsonstream import BROKEN_JSON, Line, document, lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.formats.sqlite_source import Database, Groups, is_database, loaded, records, schema
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

LOCATIONS = (
    "~/.local/share/goose/sessions/sessions.db",
    "~/.local/share/goose/sessions/*.jsonl",
    "$XDG_DATA_HOME/goose/sessions/sessions.db",
    "$XDG_DATA_HOME/goose/sessions/*.jsonl",
    "$GOOSE_PATH_ROOT/data/sessions/sessions.db",
    "$GOOSE_PATH_ROOT/data/sessions/*.jsonl",
    "~/Library/Application Support/Block.goose/sessions/sessions.db",
    "$APPDATA/Block/goose/data/sessions/sessions.db",
    "$APPDATA/Block/goose/data/sessions/*.jsonl",
)

_NOT_A_MESSAGE = "not a message as Goose keeps it"
_SESSION_FACTS = frozenset(
    {"id", "name", "description", "working_dir", "created_at", "updated_at", "conversation", "parent"}
)
_ROLES = {"user": "user", "assistant": "assistant"}
_JSON_COLUMNS = ("extension_data", "recipe_json", "user_recipe_values_json", "model_config_json")


def sniff(head: Head) -> bool:
    """Say whether this is a database of Goose, or a session of it as JSONL or JSON."""
    if not head.is_json:
        found = schema(head)
        return found.keys() >= {"sessions", "messages"} and "content_json" in found["messages"]
    if "working_dir" in head.keys:
        return not head.keys.isdisjoint({"conversation", "description", "message_count", "extension_data"})
    # A session may begin without its header.
    first = next(iter(head.objects), {}) if head.keys >= {"role", "created", "content"} else {}
    content = first.get("content")
    return isinstance(content, list) and any(map(_is_gooses, content))


def _is_gooses(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in ("toolRequest", "toolResponse", "systemNotification")


def read(source: Source) -> Iterator[Record]:
    """Yield each session with its messages in order."""
    if is_database(source):
        yield from records(source, _database)
        return
    exported = _exported(source)
    if exported is None:
        yield from _jsonl(source)
    else:
        place, messages = "session", exported.get("conversation") or ()
        entries = (Line(f"message {number}", value, number) for number, value in enumerate(messages, 1))
        yield from _Session(str(exported.get("id") or source.stem), exported, place).records(entries)


def _exported(source: Source) -> dict[str, Any] | None:
    """Return the session that a file is as a whole; None where it is one line after the other."""
    if "conversation" not in Head.of(source).keys:
        return None
    try:
        value = document(source)
    except BROKEN_JSON:
        return None
    return value if isinstance(value, dict) else None


def _jsonl(source: Source) -> Iterator[Record]:
    entries = lines(source)
    first = next(entries, None)
    header: dict[str, Any] = {}
    if isinstance(first, Line) and isinstance(first.value, dict) and "role" not in first.value:
        header, first = first.value, None
    rest = entries if first is None else _after(first, entries)
    yield from _Session(source.stem, header, "file").records(rest)


def _after(first: Line | Problem, rest: Iterator[Line | Problem]) -> Iterator[Line | Problem]:
    yield first
    yield from rest


def _database(database: Database) -> Iterator[Record]:
    groups, ledger = (Groups(database, table, "session_id") for table in ("messages", "usage_ledger"))
    empty = 0
    for row in database.rows("SELECT * FROM sessions ORDER BY rowid"):
        if row["id"] in groups.places:
            spent = [build.compact(build.others(used, "id", "session_id")) for used in ledger.rows(row["id"])]
            facts = {**row, "usage_ledger": spent, "parent": _above(groups, row.get("parent_session_id"))}
            yield from _Session(str(row["id"]), facts, f"session {row['id']}").records(_rows(groups, row["id"]))
        else:
            empty += 1
    known = {row["id"] for row in database.rows("SELECT id FROM sessions")}
    for name in sorted(groups.places.keys() - known, key=str):
        yield from _Session(str(name), {}, f"session {name}").records(_rows(groups, name))
    if empty:
        yield LeftOut("sessions without messages", empty)


def _above(groups: Groups, name: Any) -> str | None:
    """Return what the session is called here that another was begun from."""
    records = _Session(str(name), {}, "").records(_rows(groups, name)) if name in groups.places else iter(())
    first = next(records, None)
    return first.source_id if isinstance(first, ConversationDraft) else None


def _rows(groups: Groups, name: Any) -> Iterator[Line | Problem]:
    for number, row in enumerate(groups.rows(name), 1):
        place = f"session {name}, message {number}"
        try:
            told = {"id": row.get("message_id"), "role": row["role"], "content": loaded(row["content_json"])}
            told |= {"created": row.get("created_timestamp") or row.get("timestamp"), "tokens": row.get("tokens")}
            yield Line(place, {**told, "metadata": loaded(row.get("metadata_json"))}, number)
        except MALFORMED:
            yield Problem(place, _NOT_A_MESSAGE)


class _Session:
    """One session on its way out: its facts, and its messages each after the other."""

    def __init__(self, name: str, facts: Mapping[str, Any], place: str) -> None:
        self.name = name
        self.facts = facts
        self.place = place
        self.last: str | None = None
        self.created: Any = None
        self.begun: str | None = None

    def records(self, entries: Iterable[Line | Problem]) -> Iterator[Record]:
        """Yield the conversation once its first prompt is known, and every message."""
        yield from ids.announced(self._messages(entries), self._conversation)
        if self.last is None:
            yield LeftOut("sessions without messages", 1)

    def _messages(self, entries: Iterable[Line | Problem]) -> Iterator[Record]:
        return read_each(entries, self._message, _NOT_A_MESSAGE, names_error=False)

    def _message(self, entry: Line) -> Iterator[Record]:
        made = _message(entry.value, self.last)
        if self.last is None:
            self.created, self.begun = entry.value.get("created"), made.created_at
        self.last = made.source_id
        yield made

    def _conversation(self, opening: str) -> ConversationDraft:
        """Return the conversation; its name only counts the sessions of a day, so how it began goes with it."""
        told = build.compact(self.facts, _SESSION_FACTS)
        for key in _JSON_COLUMNS:
            if isinstance(told.get(key), str):
                told[key] = build.parsed(told[key])
        title = self.facts.get("name") or self.facts.get("description")
        return ConversationDraft(
            source_id="-".join(str(name) for name in (self.name, self.created, opening[2:10]) if name),
            title=build.word(title),
            created_at=instant(self.facts.get("created_at")) or self.begun,
            updated_at=instant(self.facts.get("updated_at")),
            project=build.word(self.facts.get("working_dir")),
            parent=self.facts.get("parent"),
            model=_model(told),
            archived=bool(self.facts.get("archived_at")),
            metadata=build.compact(told),
        )


def _model(told: Mapping[str, Any]) -> str | None:
    config = told.get("model_config_json") or told.get("model_config")
    model = build.mapping(config).get("model_name")
    return model if isinstance(model, str) else None


def _message(value: Mapping[str, Any], parent: str | None) -> MessageDraft:
    held = tuple(_part(block) for block in value["content"])
    role = _ROLES[value["role"]]
    if role == "user" and build.are_results(held):
        role = "tool"
    shown, parts = build.said(held)
    told = dict(value.get("metadata") or {})
    hidden = told.get("userVisible") is False
    facts = {key: fact for key, fact in told.items() if not (key in ("userVisible", "agentVisible") and fact)}
    if hidden:
        facts["hidden_reason"] = "not shown to the user"
    if value.get("id"):
        facts["id"] = value["id"]  # no identity: a version of Goose gives ids to messages that had none
    if value.get("tokens"):
        facts.setdefault("usage", {"tokens": value["tokens"]})
    answered = build.mapping(told.get("inference"))
    return MessageDraft(
        role=role,
        text=shown,
        parts=parts,
        model=build.word(answered.get("resolvedModel")) or build.word(answered.get("requestedModel")),
        created_at=instant(value.get("created")),
        source_id=ids.content_id(parent, role, parts, shown),
        parent=parent,
        hidden=hidden,
        metadata=facts,
    )


def _part(block: Mapping[str, Any]) -> Part:
    convert = _PARTS.get(str(block["type"]))
    return convert(block) if convert else build.raw(block["type"], block)


def _bytes(block: Mapping[str, Any]) -> Part:
    return build.blob(block.get("mimeType"), block["data"], **build.others(block, "data", "mimeType"))


def _tool_request(block: Mapping[str, Any]) -> Part:
    call = block["toolCall"]
    made = call.get("value") or {}
    rest = (
        build.others(block, "id", "toolCall")
        | build.others(call, "value", "status")
        | build.others(made, "name", "arguments")
    )
    return build.tool_call(block.get("id"), made.get("name"), made.get("arguments"), **rest)


def _tool_response(block: Mapping[str, Any]) -> Part:
    """Return a tool's answer: what it gave, in versions before 1.9 a list and since then an object, or its error."""
    result = block["toolResult"]
    value = result.get("value")
    content = value["content"] if isinstance(value, dict) and "content" in value else value
    failed = result.get("status") == "error" or (isinstance(value, dict) and value.get("isError") is True)
    rest = build.others(block, "id", "toolResult")
    if isinstance(value, dict):
        rest |= build.others(value, "content", "isError")
    return build.tool_result(
        block.get("id"), content if content is not None else result.get("error"), is_error=failed, **rest
    )


_PARTS: dict[str, Callable[[Mapping[str, Any]], Part]] = {
    "text": lambda block: build.text(block["text"], **build.others(block, "text")),
    "thinking": lambda block: build.reasoning(block["thinking"], **build.others(block, "thinking")),
    "reasoning": lambda block: build.reasoning(block["text"], **build.others(block, "text")),
    "image": _bytes,
    "document": _bytes,
    "toolRequest": _tool_request,
    "frontendToolRequest": _tool_request,
    "toolResponse": _tool_response,
}
