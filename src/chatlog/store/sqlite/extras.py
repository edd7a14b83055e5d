"""What an export carries beside conversations and messages: summaries, memories and tombstones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import UsageError
from chatlog.models import Extra
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.conversations import MOST
from chatlog.store.sqlite.failures import UNREADABLE, is_damage
from chatlog.store.sqlite.memories import json_text
from chatlog.timespec import checked_instant

_SUMMARY = ("kind", "from_seq", "to_seq", "text", "tokens", "method", "created_at")
_MEMORY = ("namespace", "key", "value", "tags", "created_at", "updated_at", "expires_at")
_TOMBSTONE = ("source", "source_id", "message_id", "deleted_at")


def summaries_of(connection: Connection, user: str, conversation: str) -> list[Extra]:
    """Return the summaries of a conversation, oldest first."""
    rows = connection.execute(
        f"""SELECT {", ".join("s." + name for name in _SUMMARY)} FROM summaries AS s
            JOIN conversations AS c ON c.key = s.conversation WHERE c.user = ? AND c.id = ? ORDER BY s.id""",
        (user, conversation),
    )
    return [
        Extra(kind="summary", values={"conversation": conversation, **dict(zip(_SUMMARY, row, strict=True))})
        for row in rows
    ]


def memories(connection: Connection, user: str, now: str) -> tuple[list[Extra], bool]:
    """Return the user's memories that have not expired, and whether all of them could be read."""
    keys = connection.execute(
        """SELECT id FROM memories WHERE user = ? AND (expires_at IS NULL OR expires_at > ?)
           ORDER BY namespace, key""",
        (user, now),
    ).fetchall()
    found = [_memory(connection, *key) for key in keys]
    return [memory for memory in found if memory is not None], None not in found


def _memory(connection: Connection, key: int) -> Extra | None:
    """Return a memory, None where the file is damaged there."""
    try:
        row = connection.execute(f"SELECT {', '.join(_MEMORY)} FROM memories WHERE id = ?", (key,)).fetchone()
        values = dict(zip(_MEMORY, row, strict=True))
        values |= {name: json.loads(values[name]) for name in ("value", "tags")}
    except (driver.Error, *UNREADABLE) as error:
        if not is_damage(error):
            raise
        return None
    return Extra(kind="memory", values=values)


def tombstones(connection: Connection, user: str) -> list[Extra]:
    """Return the user's tombstones."""
    rows = connection.execute(
        f"SELECT {', '.join(_TOMBSTONE)} FROM tombstones WHERE user = ? ORDER BY source, source_id, message_id", (user,)
    )
    return [Extra(kind="tombstone", values=dict(zip(_TOMBSTONE, row, strict=True))) for row in rows]


def bring_in(connection: Connection, user: str, extra: Extra, now: str) -> bool:
    """Store an extra of an export; whether it was new.

    Raises UsageError for one that lacks a key, or holds what could not be read back.
    """
    try:
        return _WRITERS[extra.kind](connection, user, extra.values, now)
    except KeyError as error:
        raise UsageError(f"a {extra.kind} line lacks {error}") from None
    except (OverflowError, TypeError, ValueError, driver.IntegrityError, driver.InterfaceError):
        raise UsageError(f"a {extra.kind} line holds a value that cannot be kept") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < MOST:
        raise TypeError
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError
    return [_text(item) for item in value]


def _time(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return None if value is None else checked_instant(_text(value))


def _add_memory(connection: Connection, user: str, values: Mapping[str, Any], now: str) -> bool:
    place = (user, _text(values.get("namespace") or ""), _text(values["key"]))
    expires_at = _time(values, "expires_at")
    # one that has expired is not there, unless what comes has expired, too
    bound = now if expires_at is None or expires_at > now else ""
    there = "user = ? AND namespace = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)"
    if connection.execute(f"SELECT 1 FROM memories WHERE {there}", (*place, bound)).fetchone():
        return False
    connection.execute(
        """INSERT OR REPLACE INTO memories (user, namespace, key, value, tags, created_at, updated_at, expires_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *place,
            json_text(values["value"]),
            json_text(_texts(values.get("tags") or [])),
            _time(values, "created_at") or now,
            _time(values, "updated_at") or now,
            expires_at,
        ),
    )
    return True


def _add_tombstone(connection: Connection, user: str, values: Mapping[str, Any], now: str) -> bool:
    cursor = connection.execute(
        "INSERT OR IGNORE INTO tombstones (user, source, source_id, message_id, deleted_at) VALUES (?, ?, ?, ?, ?)",
        (
            user,
            _text(values["source"]),
            _text(values["source_id"]),
            _text(values.get("message_id") or ""),
            _time(values, "deleted_at") or now,
        ),
    )
    return bool(cursor.rowcount)


def _add_summary(connection: Connection, user: str, values: Mapping[str, Any], now: str) -> bool:
    row = connection.execute(
        "SELECT key FROM conversations WHERE user = ? AND id = ?", (user, values["conversation"])
    ).fetchone()
    if row is None:
        raise UsageError("a summary line names a conversation that is not in the export")
    first, last, tokens = _whole(values["from_seq"]), _whole(values["to_seq"]), values.get("tokens")
    same = (row[0], values["kind"], first, last, _text(values["text"]))
    if connection.execute(
        "SELECT 1 FROM summaries WHERE conversation = ? AND kind = ? AND from_seq = ? AND to_seq = ? AND text = ?", same
    ).fetchone():
        return False
    cursor = connection.execute(
        """INSERT INTO summaries (conversation, kind, from_seq, to_seq, text, user, tokens, method, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *same,
            user,
            None if tokens is None else _whole(tokens),
            _text(values.get("method") or "import"),
            _time(values, "created_at") or now,
        ),
    )
    _supersede(connection, row[0], int(cursor.lastrowid))
    return True


def _supersede(connection: Connection, conversation: int, summary: int) -> None:
    """Mark the summary of the same kind before this one as superseded by it."""
    connection.execute(
        """UPDATE summaries SET superseded_by = ?1 WHERE id = (
             SELECT max(id) FROM summaries WHERE conversation = ?2 AND id < ?1 AND superseded_by IS NULL
               AND kind = (SELECT kind FROM summaries WHERE id = ?1))""",
        (summary, conversation),
    )


_WRITERS = {"summary": _add_summary, "memory": _add_memory, "tombstone": _add_tombstone}
