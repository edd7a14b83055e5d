"""Open WebUI's chats: its JSON exports, single chat objects, and the database ``webui.db``.

The database is in the server's data folder (DATA_DIR), which has no standard place outside a container.
A chat is a tree: edits, regenerations, and the answers of several models side by side are its branches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids, openwebui_content, trees
from chatlog.formats.jsonstream import items
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.formats.sqlite_source import Database, Groups, is_database, loaded, records, schema
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record, joined_text
from chatlog.timespec import instant

LOCATIONS = ("$DATA_DIR/webui.db", "~/.open-webui/webui.db")

_HISTORY = re.compile(r'"history"\s*:\s*\{\s*(?:"messages"\s*:\s*\{|"currentId"\s*:)')
_CHAT_COLUMN = re.compile(r'[\s"`(,]chat["`]?\s+(?:JSON|TEXT)', re.IGNORECASE)
_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "tool": "tool", "developer": "developer"}
#: What the parts and the draft tell already, or another key repeats.
_TOLD = frozenset({
    "childrenIds", "citations", "code_executions", "content", "embeds", "files", "id", "info", "lastSentence",
    "merged", "model", "output", "parentId", "role", "sources", "timestamp", "usage",
})  # fmt: skip
_CHAT_TOLD = frozenset({
    "archived", "chat", "created_at", "files", "history", "id", "messages", "pinned", "tags", "timestamp", "title",
    "updated_at",
})  # fmt: skip
#: What a chat says of a file that one of its messages tells all of.
_FILE_FACTS = ("id", "name", "description", "type", "url", "size")
_NOT_A_CHAT = "not a chat as Open WebUI keeps it"
_NOT_A_MESSAGE = "not a message as Open WebUI keeps it"


def sniff(head: Head) -> bool:
    """Say whether this is an export of chats, one chat, or the database."""
    if not head.is_json:
        found = schema(head).get("chat", "")
        return _CHAT_COLUMN.search(found) is not None and "user_id" in found.lower()
    if "chat" in head.keys:
        return re.search(r'"chat"\s*:\s*\{', head.text) is not None and not head.keys.isdisjoint({"title", "user_id"})
    return (
        "history" in head.keys
        and not head.keys.isdisjoint({"models", "messages", "title"})
        and (_HISTORY.search(head.text) is not None)
    )


def read(source: Source) -> Iterator[Record]:
    """Yield each chat with every branch of it."""
    if is_database(source):
        yield from records(source, _database)
        return
    yield from read_each(
        items(source), lambda item: _Chat(item.value, item.place).records(), _NOT_A_CHAT, names_error=False
    )


def _database(database: Database) -> Iterator[Record]:
    messages = Groups(database, "chat_message", "chat_id")
    for row in database.rows("SELECT * FROM chat ORDER BY rowid"):
        name, place = row["id"], f"chat {row['id']}"
        try:
            chat = loaded(row["chat"]) or {}
            if not _messages(chat) and messages.places.get(name):
                rows = [_message_of_row(held) for held in messages.get(name, "created_at")]
                chat = {
                    **chat,
                    "history": {**(chat.get("history") or {}), "messages": {held["id"]: held for held in rows}},
                }
            yield from _Chat({**row, "chat": chat, "meta": _json(row.get("meta"))}, place).records()
        except MALFORMED:
            yield Problem(place, _NOT_A_CHAT)


_JSON = ("content", "output", "files", "sources", "embeds", "meta", "status_history", "error", "usage")
_COLUMNS = {"parent_id": "parentId", "model_id": "model", "created_at": "timestamp", "status_history": "statusHistory"}


def _message_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the table that newer versions keep messages in, in the words of a chat's own."""
    held = {key: _json(value) if key in _JSON else value for key, value in row.items()}
    told = {_COLUMNS.get(key, key): value for key, value in held.items() if value is not None}
    told["id"] = str(told["id"]).removeprefix(f"{told.pop('chat_id', '')}-")
    if told.get("parentId"):
        told["parentId"] = str(told["parentId"]).removeprefix(f"{row.get('chat_id')}-")
    for key in ("user_id", "updated_at"):
        told.pop(key, None)
    return told


def _json(value: Any) -> Any:
    """Return the value of a column of JSON, where words stand in quotes and nothing as null."""
    try:
        return loaded(value)
    except MALFORMED:
        return value


def _messages(chat: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the messages of a chat by their ids, those of the tree first."""
    held = (chat.get("history") or {}).get("messages") or {}
    found: dict[str, Mapping[str, Any]] = dict(held) if isinstance(held, dict) else {}
    last: str | None = None
    for number, message in enumerate(build.listed(chat.get("messages")), 1):
        name = build.mapping(message).get("id")
        key = str(name or f"message-{number}")
        if key not in found:
            linked = not isinstance(message, dict) or "parentId" in message or name in found
            found[key] = message if linked else {**message, "parentId": last}
        last = key if isinstance(message, dict) else last
    return found


class _Chat:
    """One chat on its way out."""

    def __init__(self, entry: Mapping[str, Any], place: str) -> None:
        self.entry = entry
        self.place = place
        self.chat: Mapping[str, Any] = entry["chat"] if isinstance(entry.get("chat"), dict) else entry
        self.rows = _messages(self.chat)
        if not self.rows and "history" not in self.chat and "messages" not in self.chat:
            raise ValueError("neither a tree nor a list of messages")

    def records(self) -> Iterator[Record]:
        """Yield the chat, its messages, parents first, and the chat again with its active leaf."""
        parents = {key: str(build.mapping(row).get("parentId") or "") or None for key, row in self.rows.items()}
        tree = trees.grown(parents, self._message, lambda key: f"{self.place}, message {key}", _NOT_A_MESSAGE)
        yield from tree.records(self._draft(tree.messages), (self.chat.get("history") or {}).get("currentId"))

    def _message(self, key: str, _: str | None, above: str | None) -> MessageDraft:
        return _message(self.rows[key], key, above)

    def _draft(self, told: list[MessageDraft]) -> ConversationDraft:
        chat, entry = self.chat, self.entry
        name = entry.get("id") or chat.get("id")
        facts = {**build.compact(chat, _CHAT_TOLD), **build.compact(entry, _CHAT_TOLD)}
        models = chat.get("models")
        model = next(iter(models), None) if isinstance(models, list) else None
        return ConversationDraft(
            source_id=str(name) if name else ids.derived_conversation_id(told[:2]),
            title=build.word(entry.get("title")) or build.word(chat.get("title")),
            created_at=instant(entry.get("created_at")) or instant(chat.get("timestamp")),
            updated_at=instant(entry.get("updated_at")),
            model=build.word(model) or build.last_model(told),
            pinned=bool(entry.get("pinned")),
            archived=bool(entry.get("archived")),
            tags=self._tags(),
            metadata=build.compact({**facts, "files": self._files()}),
        )

    def _tags(self) -> tuple[str, ...]:
        held = [*(build.within(self.entry, "meta", "tags") or ()), *(self.chat.get("tags") or ())]
        names = (tag.get("name") if isinstance(tag, dict) else tag for tag in held)
        return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))

    def _files(self) -> list[Any]:
        """Return the files of the chat as a whole, without what is in them where a message tells that."""
        rows = map(build.mapping, self.rows.values())
        told = {file.get("id") for row in rows for file in build.mappings(row.get("files"))}
        held = build.mappings(self.chat.get("files"))
        return [build.picked(file, _FILE_FACTS) if file.get("id") in told else file for file in held]


def _message(row: Mapping[str, Any], key: str, parent: str | None) -> MessageDraft:
    parts = openwebui_content.parts(row, key)
    shown = joined_text(parts).strip() if len(parts) > 1 else joined_text(parts)
    facts = build.without(row, _TOLD)
    facts["usage"] = row.get("usage") or row.get("info")
    if facts.get("done") in (True, 1):
        del facts["done"]
    return build.message(
        _ROLES[row["role"]],
        parts,
        shown,
        model=build.word(row.get("model")),
        created_at=instant(row.get("timestamp")),
        source_id=key,
        parent=parent,
        metadata=build.rest(facts),
    )
