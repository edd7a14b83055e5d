"""Chats of Cursor's command line: a ``store.db`` for each, and the transcripts of its agents.

In a store, messages are JSON under the hash of their content, and the newest root names them in order.
What is there in Cursor's binary form only is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from chatlog.formats import MALFORMED, ai_sdk, build, ids, openai_content
from chatlog.formats.calls import Calls
from chatlog.formats.cursor_prompts import sent_at, shown
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.formats.sqlite_source import Database, loaded
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record
from chatlog.timespec import instant

_HASH_BYTES = 32
_BYTES = 2
_NOT_A_MESSAGE = "not a message as Cursor keeps it"


def store(database: Database) -> Iterator[Record]:
    """Yield the chat of a ``store.db``."""
    blobs = {row["id"]: row["kind"] for row in database.rows("SELECT id, substr(data, 1, 1) AS kind FROM blobs")}
    meta = _meta(database)
    draft = ConversationDraft(
        source_id=str(meta["agentId"]),
        title=meta.get("name") or None,
        created_at=instant(meta.get("createdAt")),
        model=meta.get("lastUsedModel") or None,
        metadata=build.compact({"mode": meta.get("mode")}),
    )
    if not blobs:
        yield LeftOut("chats without messages", 1)
        return
    yield draft
    walk = _Walk(database, blobs)
    walk.follow(str(meta.get("latestRootBlobId")))
    messages = _Messages()
    for key in walk.order:
        yield from messages.of_blob(database, key)
    last, messages.last = messages.last, None
    told = frozenset(walk.order)
    for key, kind in blobs.items():
        if key not in told and kind in (b"{", "{"):
            yield from messages.of_blob(database, key, "not in the latest state of the chat")
    binary = sum(key not in told and kind not in (b"{", "{") for key, kind in blobs.items())
    if binary:
        yield LeftOut("entries in Cursor's binary form", binary)
    if last:
        yield draft._replace(head=last)


def _meta(database: Database) -> dict[str, Any]:
    """Return what a store says of its chat: JSON, in hexadecimal, or one row for each fact."""
    rows = {row["key"]: row["value"] for row in database.rows("SELECT key, value FROM meta")}
    held = rows.get("0", next(iter(rows.values()), ""))
    try:
        meta = loaded(bytes.fromhex(held)) if isinstance(held, str) else loaded(held)
    except ValueError:
        meta = rows
    return meta if isinstance(meta, dict) and "agentId" in meta else {"agentId": rows["agentId"], **rows}


class _Walk:
    """The way from a root to its messages: 32 bytes that are the hash of another entry lead to it."""

    def __init__(self, database: Database, blobs: Mapping[str, Any]) -> None:
        self.database = database
        self.blobs = blobs
        self.seen: set[str] = set()
        self.order: list[str] = []

    def follow(self, root: str) -> None:
        """Take the messages that an entry leads to into the order."""
        stack = [root]
        while stack:
            key = stack.pop()
            if key in self.seen or key not in self.blobs:
                continue
            data = _blob(self.database, key)
            if data[:1] == b"{":
                self.order.append(key)  # once more where it was said once more
            else:
                self.seen.add(key)
                stack += reversed([held.hex() for held in _fields(data) if len(held) == _HASH_BYTES])


def _blob(database: Database, key: str) -> bytes:
    row = next(database.rows("SELECT data FROM blobs WHERE id = ?", key), None)
    data = row["data"] if row else b""
    return data.encode() if isinstance(data, str) else bytes(data or b"")


def _fields(data: bytes) -> Iterator[bytes]:
    """Yield the byte strings at the top of a message in protocol buffers; none after what is not one."""
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        size, at = (0, at) if tag & 7 in (1, 5) else _number(data, at)
        if tag & 7 == _BYTES:
            yield data[at : at + size]
            at += size
        else:
            at += {0: 0, 1: 8, 5: 4}.get(tag & 7, len(data))


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            break
    return value, at


class _Messages:
    """The messages of one chat, each after the one before."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.last: str | None = None
        self.used: Counter[str] = Counter()

    def of_blob(self, database: Database, key: str, hidden: str | None = None) -> Iterator[Record]:
        """Yield the message of an entry; one that is not shown any more is hidden for that reason."""
        name = ids.numbered(key, self.used, ":")
        try:
            yield self.message(loaded(_blob(database, key)), name, hidden)
        except MALFORMED:
            yield Problem(f"entry {key}", _NOT_A_MESSAGE)

    def message(self, value: Mapping[str, Any], source_id: str | None, hidden: str | None = None) -> MessageDraft:
        """Return a message as the last one; without an id it is named after its content."""
        options = _options(value)
        made = openai_content.message({"role": value["role"], "content": _content(value.get("content"))}, self.calls)
        parts = made.parts or (build.text(made.text),)
        text, injected = shown(made.text) if made.role == "user" else (made.text, None)
        hidden = hidden or injected
        facts = build.without(options, ("modelName",))
        parent = self.last
        self.last = source_id or ids.derived_id(parent, made)
        return made._replace(
            text=text,
            parts=build.kept(parts, text),
            source_id=self.last,
            parent=parent,
            model=options.get("modelName"),
            created_at=instant(value.get("timestamp")) or sent_at(made.text),
            hidden=hidden is not None,
            metadata={**facts, **({"hidden_reason": hidden} if hidden else {})},
        )


def _options(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Cursor notes of a message, or of its first block that has a note."""
    blocks = build.listed(value.get("content"))
    for held in (value, *blocks):
        options = build.mapping(held).get("providerOptions")
        if isinstance(options, dict) and isinstance(options.get("cursor"), dict):
            return dict(options["cursor"])
    return {}


def _content(content: Any) -> Any:
    return [_block(block) for block in content] if isinstance(content, list) else content


def _block(block: Any) -> Any:
    """Return a block in Anthropic's words, without what its provider wants back."""
    made = ai_sdk.block(block)
    return made if made is block else build.without(made, ("providerOptions",))


def transcript(source: Source) -> Iterator[Record]:
    """Yield the chat of an agent's transcript.

    It has fewer facts than the chat itself, which may be imported too: so it is one of its own.
    """
    path = PurePosixPath(source.name.replace("\\", "/"))
    parent = f"transcript-{path.parts[-3]}" if path.parent.name == "subagents" and len(path.parts) > 2 else None
    yield ConversationDraft(source_id=f"transcript-{source.stem}", parent=parent)
    messages, others = _Messages(), Counter[str]()

    def take(entry: Line) -> Iterator[Record]:
        row = entry.value
        if "role" in row:
            yield messages.message({**row["message"], "role": row["role"], "timestamp": row.get("timestamp")}, None)
        else:
            others["entries that are no messages"] += 1

    yield from read_each(lines(source), take, _NOT_A_MESSAGE, names_error=False)
    yield from build.left_out(others)
