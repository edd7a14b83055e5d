"""Redaction in the file: new bodies for old ones, which are deleted with their index entries; the file written anew."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from chatlog.canonical import canonical_json
from chatlog.errors import BusyError
from chatlog.models import Conversation, MessageDraft
from chatlog.redaction import Names
from chatlog.store.redactions import Change, Handle, Noted, Redactions, Said
from chatlog.store.sqlite import bodies, conversations, fulltext, superseded, tags, vectors
from chatlog.store.sqlite import space as room
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.conversations import REDACTED_IN_PLACE, REDACTED_ON_ITS_WAY_IN
from chatlog.store.sqlite.memories import json_text
from chatlog.store.sqlite.nouns import Noun

PAGE = 200
#: How long to wait for readers of an old state before it is said that one is left.
FINISH_SECONDS = 5.0
_CHOSEN = "c.user = ? AND c.id IN (SELECT value FROM json_each(?))"


class SqliteRedactions(Noun, Redactions):
    """`Redactions` on an SQLite file; see the protocol for what the methods promise."""

    def conversations(self) -> list[Conversation]:
        with self._pool.snapshot() as connection:
            keys = connection.execute("SELECT key FROM conversations WHERE user = ? ORDER BY key", (self.user,))
            return [conversations.by_key(connection, key) for (key,) in keys.fetchall()]

    def said(self, conversations: Sequence[str]) -> Iterator[Said]:
        with self._pool.read() as connection:
            rows = connection.execute(
                f"""SELECT DISTINCT m.body FROM conversations AS c JOIN messages AS m ON m.conversation = c.key
                    WHERE {_CHOSEN} ORDER BY m.body""",
                (self.user, json.dumps(list(conversations))),
            ).fetchall()
        for start in range(0, len(rows), PAGE):
            with self._pool.read() as connection:
                found = [said for (body,) in rows[start : start + PAGE] if (said := _said(connection, body))]
            yield from found

    def noted(self, conversations: Sequence[str], *, memories: bool) -> Iterator[Noted]:
        with self._pool.read() as connection:
            found = connection.execute(
                f"""SELECT 'summaries', s.id, c.id FROM conversations AS c JOIN summaries AS s ON s.conversation = c.key
                    WHERE {_CHOSEN}""",
                (self.user, json.dumps(list(conversations))),
            ).fetchall()
            if memories:
                of_user = "SELECT 'memories', id, NULL FROM memories WHERE user = ?"
                found += connection.execute(of_user, (self.user,)).fetchall()
            noted = [
                Noted((table, handle), name, values)
                for table, handle, name in found
                if (values := self._values(connection, table, handle)) is not None
            ]
        yield from noted

    def _values(self, connection: Connection, table: str, handle: int) -> dict[str, Any] | None:
        """Return the words of a summary or memory; None where it is gone, or on hold with its conversation."""
        row = connection.execute(_NOTED[table], (handle, self.user)).fetchone()
        if row is None:
            return None
        names = _NOTES[table]
        return {name: json.loads(value) if name in _JSON else value for name, value in zip(names, row, strict=True)}

    def replace(self, changes: Sequence[tuple[int, MessageDraft]]) -> Collection[str]:
        held: dict[str, None] = {}
        with self._pool.write() as connection:
            for body, draft in changes:
                places = connection.execute(_PLACES, (body, self.user)).fetchall()
                if on_hold := [name for name, hold in places if hold is not None]:
                    held |= dict.fromkeys(on_hold)
                elif places:
                    self._replace_one(connection, body, draft)
        return held.keys()

    def _replace_one(self, connection: Connection, old: int, draft: MessageDraft) -> None:
        """Put a new body in the place of another."""
        new = bodies.insert(connection, self.user, draft, bodies.hash_of(draft))
        fulltext.index(connection, new, new)
        superseded.note_redaction(connection, old)
        connection.execute(
            """UPDATE conversations SET revision = revision + 1, token_count = NULL
               WHERE key IN (SELECT conversation FROM messages WHERE body = ?)""",
            (old,),
        )
        connection.execute("UPDATE messages SET body = ? WHERE body = ?", (new, old))
        bodies.release(connection, [old])
        vectors.forget_weights(connection, self.user)

    def rewrite(self, conversation: str, change: Change) -> None:
        with self._pool.write() as connection:
            row = connection.execute(
                "SELECT key FROM conversations WHERE user = ? AND id = ? AND hold IS NULL", (self.user, conversation)
            ).fetchone()
            if row is None:
                return
            found = conversations.by_key(connection, row[0])
            if not (changes := dict(change(found))):
                return
            if "tags" in changes:
                now = {*changes.pop("tags")}
                tags.remove(connection, self.user, row, {*found.tags} - now)
                tags.add(connection, self.user, row, filter(None, map(tags.made_of, now - {*found.tags})))
            values = {name: canonical_json(value) if name in _JSON else value for name, value in changes.items()}
            values |= {"title_by": "owner"} if "title" in values else {}
            changed = "".join(f"{name} = ?, " for name in values)
            connection.execute(
                f"UPDATE conversations SET {changed}redacted = redacted | ?, revision = revision + 1 WHERE key = ?",
                [*values.values(), REDACTED_IN_PLACE, *row],
            )

    def renote(self, handles: Sequence[Handle], change: Change) -> None:
        places: dict[str, Names] = {}
        with self._pool.write() as connection:
            for table, handle in handles:
                before = self._values(connection, table, handle)
                if before is None or not (changes := dict(change(before))):
                    continue
                if "key" in changes or "namespace" in changes:
                    place = {**before, **changes}
                    if (namespace := place["namespace"]) not in places:
                        places[namespace] = Names(self._keys(connection, namespace))
                    changes["key"] = places[namespace].claim(place["key"])
                values = {name: json_text(value) if name in _JSON else value for name, value in changes.items()}
                values |= {"tokens": None} if table == "summaries" else {}
                connection.execute(f"UPDATE {table} SET {_set(values)} WHERE id = ?", [*values.values(), handle])

    def _keys(self, connection: Connection, namespace: str) -> Iterator[str]:
        rows = connection.execute("SELECT key FROM memories WHERE user = ? AND namespace = ?", (self.user, namespace))
        return (key for (key,) in rows)

    def note_came_redacted(self, conversations: Sequence[str]) -> None:
        with self._pool.write() as connection:
            connection.execute(
                """UPDATE conversations SET redacted = redacted | ?1 WHERE user = ?2 AND NOT redacted & ?1
                   AND id IN (SELECT value FROM json_each(?3))""",
                (REDACTED_ON_ITS_WAY_IN, self.user, json.dumps(list(conversations))),
            )

    def any_came_redacted(self) -> bool:
        with self._pool.read() as connection:
            found = connection.execute(
                "SELECT 1 FROM conversations WHERE user = ? AND redacted & ? LIMIT 1",
                (self.user, REDACTED_ON_ITS_WAY_IN),
            )
            return found.fetchone() is not None

    def came_redacted(self, source: str, name: str, *, is_message: bool = False) -> bool:
        known = "id = ?4 OR key IN (SELECT key FROM conversations WHERE user = ?1 AND source = ?3 AND source_id = ?4)"
        if is_message:
            known = "source = ?3 AND key IN (SELECT conversation FROM messages WHERE source_id = ?4)"
        with self._pool.read() as connection:
            found = connection.execute(
                f"SELECT 1 FROM conversations WHERE user = ?1 AND redacted & ?2 AND ({known})",
                (self.user, REDACTED_ON_ITS_WAY_IN, source, name),
            )
            return found.fetchone() is not None

    def finish(self) -> bool:
        try:
            room.tidy_index(self._pool, bool)
            room.vacuum(self._pool)
        except BusyError:  # no room for a second copy, or somebody writes all the time
            return False
        return room.fold(self._pool, FINISH_SECONDS)


_PLACES = """SELECT c.id, c.hold FROM messages AS m
    JOIN conversations AS c ON c.key = m.conversation WHERE m.body = ? AND c.user = ?"""
#: The fields of what is noted that hold words, and those of them and of conversations that are JSON.
_NOTES = {"summaries": ("text", "method"), "memories": ("namespace", "key", "value", "tags")}
_JSON = {"value", "tags", "state", "metadata"}
_NOTED = {
    "summaries": """SELECT text, method FROM summaries WHERE id = ? AND user = ?
        AND conversation IN (SELECT key FROM conversations WHERE hold IS NULL)""",
    "memories": "SELECT namespace, key, value, tags FROM memories WHERE id = ? AND user = ?",
}


def _set(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = ?" for name in values)


def _said(connection: Connection, body: int) -> Said | None:
    row = connection.execute("SELECT author, text, tool, parts, metadata FROM bodies WHERE id = ?", (body,)).fetchone()
    places = connection.execute(
        """SELECT c.id, m.role FROM messages AS m JOIN conversations AS c ON c.key = m.conversation
           WHERE m.body = ?""",
        (body,),
    ).fetchall()
    if row is None or not places:
        return None
    author, text, tool, parts, metadata = row
    draft = MessageDraft(
        role=places[0][1],
        text=text,
        parts=None if parts is None else bodies.unpack(parts, text, tool),
        author=author,
        metadata=json.loads(metadata) if metadata else {},
    )
    return Said(body, tuple(dict.fromkeys(name for name, _ in places)), draft)
