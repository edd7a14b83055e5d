"""The audit trail: who did what to how many and when, never the words."""

from __future__ import annotations

import json
from typing import Any

from chatlog.store.sqlite.connection import Connection


def record(connection: Connection, user: str, at: str, action: str, counts: dict[str, Any]) -> None:
    """Write one line; counts other than conversations, messages and bytes go to its detail."""
    detail = {name: value for name, value in counts.items() if name not in ("conversations", "messages", "bytes")}
    connection.execute(
        "INSERT INTO audit (user, at, action, conversations, messages, bytes, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            user,
            at,
            action,
            counts.get("conversations", 0),
            counts.get("messages", 0),
            counts.get("bytes", 0),
            json.dumps(detail, ensure_ascii=False),
        ),
    )
