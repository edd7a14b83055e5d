"""Cursor's chats: ``state.vscdb`` of a workspace and of all, exports of its entries, and the command line's.

Found in User/globalStorage and User/workspaceStorage/* below ~/.config/Cursor (Linux), ~/Library/Application
Support/Cursor (macOS) and %APPDATA%/Cursor (Windows), and in ~/.cursor/chats.  A file of several GB is read
entry by entry.  What a bubble says is `cursor_bubbles`' matter, the command line's files are `cursor_cli`'s.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from chatlog.formats import MALFORMED, Head, build, cursor_cli
from chatlog.formats.beside import beside
from chatlog.formats.cursor_bubbles import message, tools_beside
from chatlog.formats.jsonstream import BROKEN_JSON, document
from chatlog.formats.source import Source
from chatlog.formats.sqlite_source import Database, holds, is_database, loaded, quoted, records, schema
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record
from chatlog.timespec import instant

_PLACES = ("~/.config/Cursor", "~/Library/Application Support/Cursor", "$APPDATA/Cursor")
#: The agents' transcripts in ~/.cursor/projects are not among them: they tell less of chats that these have.
LOCATIONS = (
    *(f"{place}/User/globalStorage/state.vscdb" for place in _PLACES),
    *(f"{place}/User/workspaceStorage/*/state.vscdb" for place in _PLACES),
    "~/.cursor/chats/*/*/store.db",
)

_TABS = "workbench.panel.aichat.view.aichat.chatdata"
_COMPOSERS = "composer.composerData"
_HEADERS = "composer.composerHeaders"
_PROMPTS = "aiService.prompts"
_ENTRIES = re.compile(
    r'"(?:workbench\.panel\.aichat\.view\.aichat\.chatdata|composer\.composerData|composerData:|bubbleId:)'
)
#: How the keys of entries begin that hold what files were before and after edits.
_CONTENT = "composer.content."
_NOT_A_CHAT = "not a chat as Cursor keeps it"
#: Objects that say something of a chat; what else is no word or number is the editor's own state.
_CHAT_FACTS = frozenset({"usageData", "latestConversationSummary", "todos"})
_STATE = "chats with states of the editor (what was open, what files were before)"
#: What the draft and the messages tell.
_CHAT_TOLD = frozenset({
    "_v", "bubbles", "capabilities", "chatTitle", "composerId", "conversation", "conversationMap", "createdAt",
    "fullConversationHeadersOnly", "isArchived", "lastSendTime", "lastUpdatedAt", "modelConfig", "name", "richText",
    "subagentInfo", "tabId", "text", "workspaceIdentifier",
})  # fmt: skip


def sniff(head: Head) -> bool:
    """Say whether this is one of Cursor's databases, an export of its entries, or an agent's transcript."""
    if not head.is_json:
        return _is_database(head)
    if "tabs" in head.keys:
        return '"bubbles"' in head.text
    if head.keys >= {"rows", "columns"} or head.keys >= {"rows", "database"}:
        return _ENTRIES.search(head.text) is not None
    if "allComposers" in head.keys or head.keys >= {"composerId", "conversation"}:
        return True
    return _is_transcript(head)


def _is_database(head: Head) -> bool:
    """Whether it is one of Cursor's databases; the editor it comes from has an ``ItemTable`` too."""
    found = schema(head)
    if "cursorDiskKV" in found:
        return True
    if "ItemTable" in found:
        query = "SELECT 1 FROM ItemTable WHERE key IN (?, ?, ?)"
        return holds(head, query, _TABS, _COMPOSERS, _PROMPTS)
    return found.keys() == {"blobs", "meta"} and "data" in found["blobs"]


def _is_transcript(head: Head) -> bool:
    if head.is_array or not head.keys >= {"role", "message"} or head.keys & {"uuid", "sessionId", "type", "content"}:
        return False
    first = next(iter(head.objects), {})
    return isinstance(first.get("message"), dict) and "content" in first["message"]


def read(source: Source) -> Iterator[Record]:
    """Yield every chat that is in the file."""
    if is_database(source):
        yield from records(source, lambda database: _database(database, source), frozenset({"data", "kind"}))
        return
    head = Head.of(source)
    if _is_transcript(head):
        yield from cursor_cli.transcript(source)
        return
    try:
        value = document(source)
        yield from _Chats(_Exported(_entries(value)), None).records()
    except (*BROKEN_JSON, *MALFORMED):
        yield Problem("", "not an export of Cursor's chats")


def _entries(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that an export of some of them, or of one, holds."""
    if "rows" in value:
        names = value.get("columns") or ("rowid", "key", "value")
        rows = [row if isinstance(row, dict) else dict(zip(names, row, strict=False)) for row in value["rows"]]
        return {row["key"]: row["value"] for row in rows}
    if "tabs" in value:
        return {_TABS: value}
    return {_COMPOSERS: value if "allComposers" in value else {"allComposers": [value]}}


def _database(database: Database, source: Source) -> Iterator[Record]:
    if {"blobs", "meta"} <= database.tables:
        try:
            yield from cursor_cli.store(database)
        except MALFORMED:
            yield Problem("", _NOT_A_CHAT)
    else:
        yield from _Chats(_Stored(database), _folder(source)).records()


def _folder(source: Source) -> str | None:
    """Return the folder that a workspace's database is about, as the file beside it says."""
    held = beside(source, "workspace.json")
    try:
        return _path(held.get("folder") or held.get("workspace"))
    except MALFORMED:
        return None


def _path(address: Any) -> str | None:
    if isinstance(address, dict):
        return build.word(address.get("fsPath")) or build.word(address.get("path")) or _path(address.get("external"))
    return build.local_path(address) if build.word(address) else None


class _Entries(Protocol):
    """Entries by their keys."""

    def get(self, key: str) -> Any:
        """Return the value of an entry, None where there is none.  Raises one of MALFORMED where it is broken."""

    def text(self, key: str) -> str | None:
        """Return the value of an entry that is text rather than JSON."""

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with that."""


class _Exported:
    """Entries that a file holds as JSON."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def get(self, key: str) -> Any:
        value = self.values.get(key)
        return loaded(value) if isinstance(value, str) else value

    def text(self, key: str) -> str | None:
        return build.word(self.values.get(key))

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.values if key.startswith(prefix)]


class _Stored:
    """Entries in a database, each read when it is asked for."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.names = [name for name in ("cursorDiskKV", "ItemTable") if name in database.tables]

    def get(self, key: str) -> Any:
        if key == _HEADERS and "composerHeaders" in self.database.tables:
            return {"allComposers": [_head(row) for row in self.database.rows("SELECT * FROM composerHeaders")]}
        value = self._value(key)
        return None if value is None else loaded(value)

    def text(self, key: str) -> str | None:
        value = self._value(key)
        return build.word(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)

    def _value(self, key: str) -> Any:
        for name in self.names:
            for row in self.database.rows(f"SELECT value FROM {quoted(name)} WHERE key = ?", key):
                return row["value"]
        return None

    def keys(self, prefix: str) -> list[str]:
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return [
            row["key"]
            for name in self.names
            for row in self.database.rows(f"SELECT key FROM {quoted(name)} WHERE key >= ? AND key < ?", prefix, end)
        ]


def _head(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row of the table of chats says, which was one entry before 2026."""
    try:
        value = loaded(row.get("value"))
    except BROKEN_JSON:
        value = None
    return {**build.mapping(value), "composerId": row.get("composerId")}


def _is_fact(key: str, value: Any) -> bool:
    return key in _CHAT_FACTS or not isinstance(value, (dict, list))


class _Chats:
    """Every chat of some entries, of all versions of Cursor."""

    def __init__(self, entries: _Entries, folder: str | None) -> None:
        self.entries = entries
        self.folder = folder
        self.folders: dict[str, str | None] = {}
        self.known: set[str] = set()
        self.problems: list[Problem] = []
        self.left_out: Counter[str] = Counter()

    def records(self) -> Iterator[Record]:
        """Yield the chats of 2024, those of a workspace, and those of all."""
        prompts = {str(prompt.get("text")) for prompt in self._list(_PROMPTS) if isinstance(prompt, dict)}
        for made in self._all():
            yield made
            if prompts and isinstance(made, MessageDraft):
                prompts.discard(made.text)
        yield from self.problems
        self.left_out["prompts whose chats are not in this file"] = len(prompts)
        self.left_out["bubbles whose chats are not in this file"] = self._stray()
        yield from build.left_out(self.left_out)

    def _all(self) -> Iterator[Record]:
        for number, tab in enumerate(self._list(_TABS, "tabs"), 1):
            yield from self._chat(f"tab {number}", tab)
        for header in self._list(_HEADERS, "allComposers"):
            if isinstance(header, dict) and isinstance(header.get("workspaceIdentifier"), dict):
                self.folders[str(header.get("composerId"))] = _path(header["workspaceIdentifier"].get("uri"))
        keys = self.entries.keys("composerData:")
        self.known.update(key.partition(":")[2] for key in keys)
        own = frozenset(keys)
        for number, chat in enumerate(self._list(_COMPOSERS, "allComposers"), 1):
            if not isinstance(chat, dict) or f"composerData:{chat.get('composerId')}" not in own:
                yield from self._chat(f"chat {number}", chat)
        for key in keys:
            chat = self._get(key)
            if chat is not None:
                yield from self._chat(key, chat)

    def _get(self, key: str) -> Any:
        try:
            return self.entries.get(key)
        except MALFORMED:
            self.problems.append(Problem(key, "not an entry as Cursor keeps it"))
            return None

    def _list(self, key: str, name: str = "") -> list[Any]:
        value = self._get(key)
        return build.listed(value.get(name) if name and isinstance(value, dict) else value)

    def _chat(self, place: str, chat: Any) -> Iterator[Record]:
        """Yield one chat: what it is, its messages, and those that were taken out of it again."""
        try:
            draft = self._draft(chat)
            self.known.add(str(draft.source_id))
            bubbles = list(self._bubbles(chat, str(draft.source_id)))
            self.left_out["drafts (typed and not sent)"] += bool(str(chat.get("text") or "").strip())
            others = build.compact(chat, _CHAT_TOLD).items()
            self.left_out[_STATE] += not all(_is_fact(key, held) for key, held in others)
        except MALFORMED:
            self.problems.append(Problem(place, _NOT_A_CHAT))
            return
        told = list(self._messages(str(draft.source_id), bubbles, tools_beside(chat)))
        if told:
            yield draft
            yield from told
            yield draft._replace(head=told[-1].source_id, model=draft.model or build.last_model(told))
            yield from self._taken_out(str(draft.source_id), frozenset(name for name, _ in bubbles))
        elif "conversation" in chat or "fullConversationHeadersOnly" in chat or "tabId" in chat:
            self.left_out["chats without messages"] += 1
        else:
            self.left_out["chats whose messages are in Cursor's global storage"] += 1

    def _draft(self, chat: Mapping[str, Any]) -> ConversationDraft:
        name = chat["tabId"] if "tabId" in chat else chat["composerId"]
        if name in build.EMPTY:
            raise ValueError("a chat without an id")
        own = _path(build.within(chat, "workspaceIdentifier", "uri"))
        title = chat.get("chatTitle") or chat.get("name")
        return ConversationDraft(
            source_id=str(name),
            title=build.word(title),
            created_at=instant(chat.get("createdAt")),
            updated_at=instant(chat.get("lastUpdatedAt") or chat.get("lastSendTime")),
            model=build.word(build.within(chat, "modelConfig", "modelName")),
            project=own or self.folders.get(str(name)) or self.folder,
            parent=build.word(build.within(chat, "subagentInfo", "parentComposerId")),
            archived=chat.get("isArchived") is True,
            metadata={key: fact for key, fact in build.compact(chat, _CHAT_TOLD).items() if _is_fact(key, fact)},
        )

    def _bubbles(self, chat: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
        """Yield the bubbles of a chat with their names; one that is an entry of its own only when it is read."""
        held = chat.get("bubbles") or chat.get("conversation")
        by_name = chat.get("conversationMap") or {}
        for number, bubble in enumerate(held or ()):
            yield str(bubble.get("id") or bubble.get("bubbleId") or f"{name}-{number}"), bubble
        for header in () if held else chat.get("fullConversationHeadersOnly") or ():
            yield header["bubbleId"], by_name.get(header["bubbleId"])
        if not held and not chat.get("fullConversationHeadersOnly"):
            yield from by_name.items()

    def _messages(
        self, chat: str, bubbles: Iterable[tuple[str, Any]], tools: Mapping[str, Any]
    ) -> Iterator[MessageDraft]:
        """Yield the messages that bubbles are, each after the one before; `tools` are calls that stand beside them."""
        last: str | None = None
        for name, held in bubbles:
            key = f"bubbleId:{chat}:{name}"
            try:
                bubble = self.entries.get(key) if held is None else held
                if bubble is None:
                    self.left_out["bubbles that are in the file no more"] += 1
                    continue
                if name in tools and not bubble.get("toolFormerData"):
                    bubble = {**bubble, "toolFormerData": tools[name]}
                made = message(self._with_content(bubble), name, last)
            except MALFORMED:
                self.problems.append(Problem(key, "not a message as Cursor keeps it"))
                continue
            if made is None:
                self.left_out["bubbles that say nothing"] += 1
            else:
                last = made.source_id
                yield made

    def _with_content(self, bubble: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a bubble with what its edit made of a file: newer versions keep it in an entry of its own."""
        tool = bubble.get("toolFormerData")
        result = build.parsed(tool.get("result")) if isinstance(tool, dict) else None
        if not isinstance(tool, dict) or not isinstance(result, dict):
            return bubble
        key = result.get("afterContentId")
        made = self.entries.text(key) if isinstance(key, str) and key.startswith(_CONTENT) else None
        if made is None:
            return bubble
        self.left_out["contents of files before an edit"] += bool(result.get("beforeContentId"))
        return {**bubble, "toolFormerData": {**tool, "result": {**result, "afterContent": made}}}

    def _taken_out(self, chat: str, known: frozenset[str]) -> Iterator[MessageDraft]:
        """Yield the messages that are kept, but are in the chat no more since an earlier one was changed."""
        prefix = f"bubbleId:{chat}:"
        names = [key.removeprefix(prefix) for key in self.entries.keys(prefix)]
        lost = [(name, None) for name in names if name not in known]
        last: str | None = None
        for made in sorted(self._messages(chat, lost, {}), key=lambda made: made.created_at or ""):
            facts = {**made.metadata, "hidden_reason": "not in the chat any more"}
            yield made._replace(parent=last, hidden=True, metadata=facts)
            last = made.source_id

    def _stray(self) -> int:
        """Return how many bubbles are entries of no chat that is here."""
        return sum(key.split(":")[1] not in self.known for key in self.entries.keys("bubbleId:"))
