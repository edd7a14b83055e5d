"""Tags: short labels of conversations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from chatlog.errors import UsageError
from chatlog.models import checked_tag, several
from chatlog.store.sqlite.connection import Connection


def made_of(name: str) -> str:
    """Return a label that is a tag, or a tag made of it: blanks and commas become dashes; "" where nothing is left."""
    with suppress(UsageError):
        return checked_tag(name)
    return re.sub(r"[\s,]+|[^\x20-\x7e\w]", "-", name).strip("+-")[:100]


def add(connection: Connection, user: str, keys: Sequence[int], names: Iterable[str]) -> set[int]:
    """Tag conversations; return the keys of those that changed."""
    return _each(connection, "INSERT OR IGNORE INTO tags (user, tag, conversation) VALUES (?, ?, ?)", user, keys, names)


def remove(connection: Connection, user: str, keys: Sequence[int], names: Iterable[str]) -> set[int]:
    """Untag conversations; return the keys of those that changed."""
    return _each(connection, "DELETE FROM tags WHERE user = ? AND tag = ? AND conversation = ?", user, keys, names)


def _each(connection: Connection, sql: str, user: str, keys: Sequence[int], names: Iterable[str]) -> set[int]:
    changed = set()
    for name in several(names, "tags"):
        checked_tag(name)
        changed |= {key for key in keys if connection.execute(sql, (user, name, key)).rowcount > 0}
    return changed


def counts(connection: Connection, user: str, now: str) -> list[tuple[str, int]]:
    """Return the user's tags with the number of living conversations that carry them."""
    rows = connection.execute(
        """SELECT t.tag, count(*) FROM tags AS t JOIN conversations AS c ON c.key = t.conversation
           WHERE t.user = ? AND c.deleted_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > ?)
           GROUP BY t.tag ORDER BY t.tag""",
        (user, now),
    )
    return [(tag, count) for tag, count in rows]
