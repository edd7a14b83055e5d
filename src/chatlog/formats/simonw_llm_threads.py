"""Threads of llm 0.32 and later: chains of messages that are stored once and shared between threads.

Owns the tables ``threads``, ``turns``, ``messages`` and ``parts``.  A thread that carries on a conversation
of the older tables begins with its messages again; those keep the names they have there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from chatlog.formats import MALFORMED, build, trees
from chatlog.formats.simonw_llm_rows import attachment, definition, facts, tool_result
from chatlog.formats.sqlite_source import Database, UnreadableError, loaded
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record, joined_text
from chatlog.timespec import instant

_TOOLS = "SELECT tools.* FROM turn_tools JOIN tools ON tools.id = turn_tools.tool_id WHERE turn_id = ?"
_FRAGMENTS = """SELECT kind, hash, source FROM turn_fragments
    JOIN fragments ON fragments.id = fragment_id WHERE turn_id = ? ORDER BY kind, "order" """
_INSTANCES = """SELECT tool_call_id, name, plugin, arguments FROM tool_instantiations
    JOIN tool_instances ON tool_instances.id = instance_id WHERE turn_id = ?"""


class Threads:
    """All threads of a log; each is read once."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.exist = {"threads", "turns", "messages", "parts"} <= database.tables
        self.reached: set[str] = set()
        self.done: set[str] = set()

    @cached_property
    def turns(self) -> dict[str, list[str]]:
        """The turns of each thread, oldest first; a turn of no thread is one by itself."""
        found: dict[str, list[str]] = {}
        for row in self.database.rows("SELECT id, thread_id FROM turns ORDER BY id") if self.exist else ():
            found.setdefault(str(row["thread_id"] or row["id"]), []).append(row["id"])
        return found

    @cached_property
    def _turn_ids(self) -> frozenset[str]:
        return frozenset(turn for turns in self.turns.values() for turn in turns)

    def has_turn(self, name: str) -> bool:
        """Whether a response was logged as a turn too, which is the richer record."""
        return name in self._turn_ids

    def facts(self, name: str) -> dict[str, Any]:
        """Return the row of a thread, empty where there is none."""
        found = self.database.rows("SELECT * FROM threads WHERE id = ?", name) if self.exist else iter(())
        return next(found, {})

    def continuation(self, draft: ConversationDraft, before: Sequence[MessageDraft]) -> Iterator[Record]:
        """Yield what a thread adds to the messages that are known already, and the completed conversation."""
        name = str(draft.source_id)
        self.done.add(name)
        thread = _Thread(self, draft, before)
        yield from thread.read(self.facts(name).get("tip_message_hash"), self.turns.get(name, []))

    def rest(self) -> Iterator[Record]:
        """Yield every thread that has not been read, and how many messages belong to none."""
        if not self.exist:
            return
        names = [str(row["id"]) for row in self.database.rows("SELECT id FROM threads ORDER BY id")]
        for name in filter(None, dict.fromkeys((*names, *self.turns))):
            if name not in self.done:
                thread = self.facts(name)
                draft = ConversationDraft(
                    source_id=name,
                    title=build.word(thread.get("name")),
                    parent=build.word(thread.get("forked_from")),
                    created_at=instant(thread.get("datetime_utc")),
                )
                yield draft
                yield from self.continuation(draft, ())
        total = next(self.database.rows("SELECT count(*) AS count FROM messages"))["count"]
        if total > len(self.reached):
            yield LeftOut("messages that no thread or turn leads to", total - len(self.reached))


class _Thread:
    """The tree of one thread's messages, as its turns and its tip lead to it."""

    def __init__(self, threads: Threads, draft: ConversationDraft, before: Sequence[MessageDraft]) -> None:
        self.threads = threads
        self.database = threads.database
        self.draft = draft
        self.before = before
        self.rows: dict[str, Mapping[str, Any]] = {}
        self.parents: dict[str, str | None] = {}
        self.names: dict[str, str] = {}
        self.told: dict[str, dict[str, Any]] = {}
        self.tools = {str(tool["name"]): tool for tool in draft.metadata.get("tools", ())}

    def read(self, tip: str | None, turns: Sequence[str]) -> Iterator[Record]:
        """Yield the messages that were not known before, parents first, and the conversation with its tip."""
        last: dict[str, Any] = {}
        for name in turns:
            for last in self.database.rows("SELECT * FROM turns WHERE id = ?", name):
                self._claim(last)
        tip = tip or last.get("tip_message_hash")
        self._extend(self._unknown(tip))
        known = self._recognised(tip)
        above: dict[str | None, str | None] = {None: None}
        for key, parent in trees.preorder(self.parents):
            above[key] = self.names[key]
            if key not in known:
                try:
                    yield self._message(key, above[parent])
                except MALFORMED:
                    above[key] = above[parent]
                    yield Problem(f"message {key}", "not a message as llm logs it")
        self.threads.reached.update(self.rows)
        yield self.draft._replace(
            head=self.names.get(tip or ""),
            model=build.word(last.get("model")) or self.draft.model,
            updated_at=instant(last.get("datetime_utc")) or self.draft.updated_at,
            metadata=build.compact({**self.draft.metadata, "tools": list(self.tools.values())}),
        )

    def _unknown(self, tip: str | None) -> list[str]:
        """Return the chain that ends in a message, root first, as far as it is not known."""
        chain: list[str] = []
        key = tip
        while key and key not in self.rows:
            row = next(self.database.rows("SELECT * FROM messages WHERE hash = ?", key), None)
            if row is None:
                break
            self.rows[key] = row
            chain.append(key)
            key = row["parent_hash"]
        return chain[::-1]

    def _extend(self, chain: Sequence[str]) -> None:
        for key in chain:
            self.parents[key] = self.rows[key]["parent_hash"]
            self.names.setdefault(key, key)

    def _claim(self, turn: Mapping[str, Any]) -> None:
        """Take a turn's messages into the tree: those it was given, and those it answered with."""
        told = self._facts(turn)
        given = self._unknown(turn["parent_message_hash"])
        added = self._unknown(turn["tip_message_hash"])
        self._extend((*given, *added))
        moment = {"created_at": instant(turn.get("datetime_utc"))}
        self.told.update(dict.fromkeys((*given, *added), moment))
        if given and self.rows[given[0]]["role"] == "system":
            self.names[given[0]] = f"{turn['id']}:system"
        slots = {"user": "prompt", "tool": "tools"}
        for key in reversed(given):
            if (slot := slots.pop(self.rows[key]["role"], None)) is None:
                break
            self.names[key] = f"{turn['id']}:{slot}"
        if added:
            self.names[added[-1]] = f"{turn['id']}:response"
            for key in added:
                self.told[key] = {**moment, "model": build.word(turn.get("model"))}
            self.told[added[-1]]["metadata"] = told

    def _facts(self, turn: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is known of a turn beside its messages."""
        tools = self._side("turn_tools", _TOOLS, turn["id"])
        self.tools |= {str(tool["name"]): definition(tool) for tool in tools}
        schemas = self._side("schemas", "SELECT content AS words FROM schemas WHERE id = ?", turn.get("schema_id"))
        row = {**turn, "tools": tools, "schema_json": schemas[0]["words"] if schemas else None}
        fragments = [build.compact(row) for row in self._side("turn_fragments", _FRAGMENTS, turn["id"])]
        instances = [build.compact(row) for row in self._side("tool_instantiations", _INSTANCES, turn["id"])]
        return facts(row) | build.compact({"fragments": fragments, "tool_instances": instances})

    def _side(self, table: str, query: str, value: Any) -> list[dict[str, Any]]:
        if value is None or table not in self.database.tables:
            return []
        try:
            return list(self.database.rows(query, value))
        except UnreadableError:
            return []

    def _recognised(self, tip: str | None) -> set[str]:
        """Name the messages that repeat those known before as these are, and return them."""
        chain: dict[str, None] = {}
        key = tip if self.before else None
        while key and key in self.parents and key not in chain:
            chain[key] = None
            key = self.parents[key]
        known: set[str] = set()
        for key, draft in zip(reversed(chain), self.before, strict=False):
            if (self.rows[key]["role"], self._words(key)) != (draft.role, draft.text):
                break
            self.names[key] = str(draft.source_id)
            known.add(key)
        return known

    def _words(self, key: str) -> str | None:
        try:
            return joined_text(tuple(self._parts(key)))
        except MALFORMED:
            return None

    def _message(self, key: str, parent: str | None) -> MessageDraft:
        row, told = self.rows[key], self.told.get(key, {})
        parts = tuple(self._parts(key))
        shown, kept = build.said(parts)
        metadata = build.compact({"provider_metadata": loaded(row["provider_metadata"])})
        return MessageDraft(
            role=_role(row["role"]),
            text=shown,
            parts=kept,
            source_id=self.names[key],
            parent=parent,
            conversation=self.draft.source_id,
            **{**told, "metadata": {**metadata, **told.get("metadata", {})}},
        )

    def _parts(self, key: str) -> Iterator[Part]:
        for row in self.database.rows("SELECT * FROM parts WHERE message_hash = ? ORDER BY position", key):
            yield from self._part(row, loaded(row["payload"]) or {})

    def _part(self, row: Mapping[str, Any], payload: dict[str, Any]) -> Iterator[Part]:
        text = row["text"] if row["text"] is not None else self._text(payload)
        extra = build.picked(payload, ("redacted", "provider_metadata", "server_executed"))
        match row["type"]:
            case "text":
                yield build.text(text, **extra)
            case "reasoning":
                yield build.reasoning(text, **extra)
            case "tool_call":
                yield build.tool_call(
                    payload.get("tool_call_id"), payload.get("name"), payload.get("arguments"), **extra
                )
            case "tool_result":
                held = [self._attachment(ref) for ref in payload.get("attachments") or ()]
                yield from tool_result({**payload, "attachments": held}, payload.get("tool_call_id"))
            case "attachment":
                yield attachment(self._attachment(payload.get("attachment") or {}))
            case kind:
                yield build.raw(kind, {**payload, **({"text": text} if text else {})})

    def _text(self, payload: Mapping[str, Any]) -> str:
        """Return a text that is put together of fragments and what stands between them."""
        pieces = payload.get("text_ref") or [{"literal": payload.get("text") or ""}]
        return "".join(str(piece.get("literal") or self._fragment(piece.get("fragment"))) for piece in pieces)

    def _fragment(self, name: Any) -> str:
        rows = self._side("fragments", "SELECT content AS words FROM fragments WHERE id = ?", name)
        return str(rows[0]["words"]) if rows else ""

    def _attachment(self, reference: Mapping[str, Any]) -> Mapping[str, Any]:
        rows = self._side("attachments", "SELECT * FROM attachments WHERE id = ?", reference.get("id"))
        return rows[0] if rows else reference


def _role(role: Any) -> str:
    return role if role in ("system", "user", "assistant", "tool") else "user"
