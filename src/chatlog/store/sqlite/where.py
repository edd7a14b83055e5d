"""Filters as SQL conditions: the one place where they combine, for every verb alike."""

from __future__ import annotations

import json
from typing import Any

from chatlog.models import Filters, several

Where = tuple[list[str], list[Any]]


def conversation_where(user: str, filters: Filters, now: str) -> Where:
    """Return conditions and values for conversations `c`: the user's, alive, and as the filters say."""
    clauses, values = ["c.user = ?"], [user]
    if not filters.any_state:
        clauses.append("c.deleted_at IS NOT NULL" if filters.deleted else "c.deleted_at IS NULL")
        clauses.append("(c.expires_at IS NULL OR c.expires_at > ?)")
        values.append(now)
    for condition, found in _conditions(filters):
        clauses.append(condition)
        values.extend(found)
    return clauses, values


def _conditions(filters: Filters) -> list[tuple[str, list[Any]]]:
    has_tag = "EXISTS (SELECT 1 FROM tags AS t WHERE t.conversation = c.key AND t.tag = ?)"
    found: list[tuple[str, list[Any]]] = [(has_tag, [tag]) for tag in several(filters.tags, "tags")]
    found += [(f"NOT {has_tag}", [tag]) for tag in several(filters.no_tags, "tags")]
    found += [("c.title LIKE ? ESCAPE '\\'", [_contains(words)]) for words in several(filters.title, "titles")]
    optional: tuple[tuple[object, str, list[Any]], ...] = (
        (filters.source, "coalesce(c.source, 'chatlog') = ?", [filters.source]),
        (filters.project, "c.project LIKE ? ESCAPE '\\'", [_contains(filters.project)]),
        (filters.pinned, "c.pinned = ?", [filters.pinned]),
        (filters.archived, "c.archived = ?", [filters.archived]),
        (filters.min_messages, "c.message_count >= ?", [filters.min_messages]),
        (filters.max_messages, "c.message_count <= ?", [filters.max_messages]),
        (filters.ids, "c.id IN (SELECT value FROM json_each(?))", [json.dumps(filters.ids)]),
        (filters.begins, "c.id >= ? AND c.id < ?", [filters.begins, f"{filters.begins}\x7f"]),
    )
    return found + [(condition, values) for wanted, condition, values in optional if wanted is not None]


def listing_where(filters: Filters) -> Where:
    """Return the conditions that hold for a conversation as a whole: dates, and any message of a role or model."""
    clauses: list[str] = []
    values: list[Any] = []
    for wanted, condition in ((filters.since, "c.updated_at >= ?"), (filters.until, "c.updated_at <= ?")):
        if wanted is not None:
            clauses.append(condition)
            values.append(wanted)
    if filters.model is not None:
        clauses.append("(c.model LIKE ? ESCAPE '\\' OR " + _some_message("m.model LIKE ? ESCAPE '\\'") + ")")
        values += [_contains(filters.model)] * 2
    if filters.role is not None:
        clauses.append(_some_message("m.role = ?"))
        values.append(filters.role)
    if filters.author is not None:
        clauses.append(_some_message("m.body IN (SELECT id FROM bodies WHERE author = ? COLLATE NOCASE)"))
        values.append(filters.author)
    return clauses, values


def _some_message(condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM messages AS m WHERE m.conversation = c.key AND {condition})"


def message_where(filters: Filters, *, hidden: bool) -> Where:
    """Return conditions and values for single messages `m` with their bodies `b`."""
    clauses: list[str] = [] if hidden else ["NOT m.hidden"]
    values: list[Any] = []
    optional: tuple[tuple[str | None, str, str | None], ...] = (
        (filters.role, "m.role = ?", filters.role),
        (filters.model, "coalesce(m.model, c.model) LIKE ? ESCAPE '\\'", _contains(filters.model)),
        (filters.author, "b.author = ? COLLATE NOCASE", filters.author),
        (filters.since, "m.created_at >= ?", filters.since),
        (filters.until, "m.created_at <= ?", filters.until),
    )
    for wanted, condition, value in optional:
        if wanted is not None:
            clauses.append(condition)
            values.append(value)
    return clauses or ["1"], values


def _contains(text: str | None) -> str | None:
    """Return a LIKE pattern that finds `text` anywhere, its own wildcards taken literally."""
    if text is None:
        return None
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
