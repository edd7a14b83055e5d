"""Memories as rows: one for each user, namespace and key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from chatlog.errors import NotFoundError, UsageError
from chatlog.models import several
from chatlog.store.memories import NEVER, Memories, Memory, MemoryDraft, checked
from chatlog.store.sqlite import audit
from chatlog.store.sqlite.connection import Connection, Row
from chatlog.store.sqlite.nouns import Noun
from chatlog.timespec import checked_instant

_COLUMNS = "user, namespace, key, value, tags, created_at, updated_at, expires_at"
_ALIVE = "user = ? AND (expires_at IS NULL OR expires_at > ?)"
_PAGE = 500
#: Not NaN, which is no JSON; made once, for `json.dumps` makes one a call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class SqliteMemories(Noun, Memories):
    """The memories of one user in an SQLite file."""

    def set(self, draft: MemoryDraft) -> Memory:
        checked(draft)
        now = self._now()
        value = json_text(draft.value)
        with self._pool.write() as connection:
            before = self._find(connection, draft.namespace, draft.key, now)
            tags = before.tags if draft.tags is None and before else tuple(dict.fromkeys(draft.tags or ()))
            expires_at = before.expires_at if draft.expires_at is None and before else _end(draft.expires_at)
            if before and (json_text(before.value), before.tags, before.expires_at) == (value, tags, expires_at):
                return before
            connection.execute(
                """INSERT INTO memories (user, namespace, key, value, tags, created_at, updated_at, expires_at)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user, namespace, key) DO UPDATE SET
                   value = excluded.value, tags = excluded.tags, created_at = excluded.created_at,
                   updated_at = excluded.updated_at, expires_at = excluded.expires_at""",
                (
                    self.user, draft.namespace, draft.key, value, json_text(tags),
                    before.created_at if before else now, now, expires_at,
                ),
            )  # fmt: skip
            return self._find(connection, draft.namespace, draft.key, now) or _gone(draft.key, draft.namespace)

    def get(self, key: str, namespace: str = "") -> Memory:
        with self._pool.read() as connection:
            return self._find(connection, namespace, key, self._now()) or _gone(key, namespace)

    def all(self, namespace: str | None = None, tags: Sequence[str] = ()) -> Iterator[Memory]:
        clauses, values = [_ALIVE], [self.user, self._now()]
        if namespace is not None:
            clauses.append("namespace = ?")
            values.append(namespace)
        for tag in several(tags, "tags"):
            clauses.append("EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = ?)")
            values.append(tag)
        place = ("", "")
        while True:
            with self._pool.read() as connection:
                rows = connection.execute(
                    f"""SELECT {_COLUMNS} FROM memories WHERE {" AND ".join(clauses)} AND (namespace, key) > (?, ?)
                        ORDER BY namespace, key LIMIT {_PAGE}""",
                    [*values, *place],
                ).fetchall()
            yield from map(_from_row, rows)
            if len(rows) < _PAGE:
                return
            place = (rows[-1][1], rows[-1][2])

    def delete(self, places: Sequence[tuple[str, str]]) -> int:
        with self._pool.write() as connection:
            now = self._now()
            count = connection.executemany(
                f"DELETE FROM memories WHERE {_ALIVE} AND namespace = ? AND key = ?",
                [(self.user, now, namespace, key) for namespace, key in places],
            ).rowcount
            if count > 0:
                audit.record(connection, self.user, now, "memory delete", {"memories": count})
            return max(int(count), 0)

    def _find(self, connection: Connection, namespace: str, key: str, now: str) -> Memory | None:
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM memories WHERE {_ALIVE} AND namespace = ? AND key = ?",
            (self.user, now, namespace, key),
        ).fetchone()
        return _from_row(row) if row else None


def _end(expires_at: str | None) -> str | None:
    return None if expires_at == NEVER else checked_instant(expires_at)


def _gone(key: str, namespace: str) -> Memory:
    where = f" in '{namespace}'" if namespace else ""
    raise NotFoundError(f"there is no memory '{key}'{where}", "chatlog memory list shows what there is")


def _from_row(row: Row) -> Memory:
    user, namespace, key, value, tags, *times = row
    return Memory(user, namespace, key, json.loads(value), tuple(json.loads(tags)), *times)


def json_text(value: object) -> str:
    """Return a value as it is kept.  Raises UsageError for what JSON cannot hold."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError):
        raise UsageError("the value is not one that JSON can hold") from None
