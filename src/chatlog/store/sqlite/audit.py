"""The audit trail: who did what to how many and when, never the words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chatlog.store.forgetting import AuditLine
from chatlog.store.sqlite.connection import Connection

COUNTS = ("conversations", "messages", "bytes")


def record(connection: Connection, user: str, at: str, action: str, counts: Mapping[str, Any]) -> int:
    """Write one line and return its number; counts other than conversations, messages and bytes go to its detail."""
    detail = {name: value for name, value in counts.items() if name not in COUNTS}
    cursor = connection.execute(
        "INSERT INTO audit (user, at, action, conversations, messages, bytes, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (user, at, action, *(counts.get(name, 0) for name in COUNTS), json.dumps(detail, ensure_ascii=False)),
    )
    return cursor.lastrowid


def record_hold(connection: Connection, user: str, at: str, conversation: str, reason: str | None) -> None:
    """Write that a conversation was put on hold, or without a reason that the hold ended."""
    record(connection, user, at, "release" if reason is None else "hold", {"conversations": 1, "id": conversation})


def add_to(connection: Connection, line: int, counts: Mapping[str, int]) -> None:
    """Count more into a line, as work goes on in further transactions."""
    connection.execute(
        """UPDATE audit SET conversations = conversations + ?, messages = messages + ?, bytes = bytes + ?
           WHERE id = ?""",
        (*(counts.get(name, 0) for name in COUNTS), line),
    )


def latest(connection: Connection, user: str, limit: int) -> list[AuditLine]:
    """Return the user's last lines, the latest first."""
    rows = connection.execute(
        """SELECT id, user, at, action, conversations, messages, bytes, detail FROM audit
           WHERE user = ? ORDER BY id DESC LIMIT ?""",
        (user, limit),
    )
    return [AuditLine._make((*row[:-1], json.loads(row[-1]))) for row in rows]
