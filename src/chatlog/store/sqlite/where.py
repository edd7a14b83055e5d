"""Filters as SQL conditions: the one place where they combine, for every verb alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chatlog.models import Filters, several
from chatlog.store.sqlite.connection import folded
from chatlog.timespec import checked_instant

#: What is wanted, None for whatever there is; the condition that this makes, and its values.
Condition = tuple[object, str, list[Any]]
#: A condition, and its values.
Where = tuple[str, list[Any]]


def conversation_where(user: str, filters: Filters, now: str) -> Where:
    """Return the condition for conversations `c`: the user's, alive, and as the filters say."""
    clauses, values = ["c.user = ?"], [user]
    if not filters.any_state:
        clauses.append("c.deleted_at IS NOT NULL" if filters.deleted else "c.deleted_at IS NULL")
        clauses.append("(c.expires_at IS NULL OR c.expires_at > ?)")
        values.append(now)
    return _joined(clauses, values, _of_conversation, filters)


def _joined(
    clauses: list[str], values: list[Any], conditions: Callable[[Filters], list[Condition]], filters: Filters
) -> Where:
    """Return the clauses with the conditions of filters, and those of what they exclude turned around, as one."""
    excluded = (each for one in filters.excluded for each in conditions(one))
    for form, found in (("{}", conditions(filters)), ("({}) IS NOT TRUE", excluded)):  # no title is no unwanted one
        for wanted, condition, more in found:
            if wanted is not None:
                clauses.append(form.format(condition))
                values.extend(more)
    return " AND ".join(clauses) or "true", values


def _of_conversation(filters: Filters) -> list[Condition]:
    has_tag = "EXISTS (SELECT 1 FROM tags AS t WHERE t.conversation = c.key AND t.tag = ?)"
    return [
        *((tag, has_tag, [tag]) for tag in several(filters.tags, "tags")),
        *((tag, f"NOT {has_tag}", [tag]) for tag in several(filters.no_tags, "tags")),
        *(_has("c.title", words) for words in several(filters.title, "titles")),
        (filters.source, "coalesce(c.source, 'chatlog') = ?", [filters.source]),
        _has("c.project", filters.project),
        (filters.pinned, "c.pinned = ?", [filters.pinned]),
        (filters.archived, "c.archived = ?", [filters.archived]),
        (filters.min_messages, "c.message_count >= ?", [filters.min_messages]),
        (filters.max_messages, "c.message_count <= ?", [filters.max_messages]),
        (filters.ids, "c.id IN (SELECT value FROM json_each(?))", [json.dumps(filters.ids)]),
        (filters.begins, "c.id >= ? AND c.id < ?", [filters.begins, f"{filters.begins}\x7f"]),
    ]


def listing_where(filters: Filters) -> Where:
    """Return the condition for a conversation as a whole: dates, and any message of a role or model."""
    return _joined([], [], _of_any_message, filters)


def _of_any_message(filters: Filters) -> list[Condition]:
    model = "(c.model LIKE ? ESCAPE '\\' OR " + _some_message("m.model LIKE ? ESCAPE '\\'") + ")"
    _, is_author, author = _is("author", filters.author)
    return [
        (filters.since, "c.updated_at >= ?", [checked_instant(filters.since)]),
        (filters.until, "c.updated_at <= ?", [checked_instant(filters.until)]),
        (filters.model, model, [_contains(filters.model)] * 2),
        (filters.role, _some_message("m.role = ?"), [filters.role]),
        (filters.author, _some_message(f"m.body IN (SELECT id FROM bodies WHERE {is_author})"), author),
    ]


def _some_message(condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM messages AS m WHERE m.conversation = c.key AND {condition})"


def message_where(filters: Filters, *, hidden: bool) -> Where:
    """Return the condition for single messages `m` with their bodies `b`."""
    return _joined([] if hidden else ["NOT m.hidden"], [], _of_message, filters)


def _of_message(filters: Filters) -> list[Condition]:
    return [
        (filters.role, "m.role = ?", [filters.role]),
        (filters.model, "coalesce(m.model, c.model) LIKE ? ESCAPE '\\'", [_contains(filters.model)]),
        _is("b.author", filters.author),
        (filters.since, "m.created_at >= ?", [checked_instant(filters.since)]),
        (filters.until, "m.created_at <= ?", [checked_instant(filters.until)]),
        (filters.before, "m.seq < ?", [filters.before]),
    ]


def _has(column: str, text: str | None) -> Condition:
    """Return the condition that a column contains a text, whatever its case."""
    if text is None or text.isascii():
        return text, f"{column} LIKE ? ESCAPE '\\'", [_contains(text)]
    return text, f"instr(folded({column}), ?)", [folded(text)]


def _is(column: str, text: str | None) -> Condition:
    """Return the condition that a column is a text, whatever its case."""
    if text is None or text.isascii():
        return text, f"{column} = ? COLLATE NOCASE", [text]
    return text, f"folded({column}) = ?", [folded(text)]


def _contains(text: str | None) -> str | None:
    """Return a LIKE pattern that finds `text` anywhere, its own wildcards taken literally."""
    if text is None:
        return None
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
