"""The list of conversations: a page of it in some order, its cursor, and of a damaged file all that can be read.

What a conversation is, and which the filters let through, is said elsewhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import UsageError, choices_hint
from chatlog.models import Conversation, Filters, Page
from chatlog.store.sqlite.connection import Connection, Row
from chatlog.store.sqlite.conversations import COLUMNS, from_row
from chatlog.store.sqlite.failures import UNREADABLE, is_damage
from chatlog.store.sqlite.where import conversation_where, listing_where

_ORDERS = {
    "updated": ("c.updated_at", "desc"),
    "created": ("c.created_at", "desc"),
    "messages": ("c.message_count", "desc"),
    "tokens": ("coalesce(c.token_count, -1)", "desc"),
    "title": ("coalesce(c.title, '') COLLATE NOCASE", "asc"),
}
#: What stands for a value that cannot be read, where a conversation may be without it.
_WITHOUT = {
    **dict.fromkeys(("c.title", "c.source_id", "c.model", "c.project"), "NULL"),
    **dict.fromkeys(("c.state", "c.metadata"), "'{}'"),
}


class Asked(NamedTuple):
    """Which page is wanted; with `readable` what cannot be read is left out, and named."""

    sort: str = "updated:desc"
    limit: int | None = None
    cursor: str | None = None
    readable: bool = False


def page(connection: Connection, user: str, filters: Filters, now: str, asked: Asked) -> Page:
    """Return a page of the list; the cursor is the last row's place in the order, so it holds while others write."""
    name, _, direction = asked.sort.partition(":")
    if name not in _ORDERS or direction not in ("", "asc", "desc"):
        raise UsageError(f"'{asked.sort}' is not an order", f"{choices_hint(asked.sort, _ORDERS)}, with :asc or :desc")
    if asked.limit is not None and asked.limit < 0:
        raise UsageError(f"a page cannot have {asked.limit} conversations", "limit is a number from 0 on")
    column, usual = _ORDERS[name]
    order = "DESC" if (direction or usual) == "desc" else "ASC"
    alive, values = conversation_where(user, filters, now)
    listed, more_values = listing_where(filters)
    condition, values = f"{alive} AND {listed}", [*values, *more_values]
    total = connection.execute(f"SELECT count(*) FROM conversations AS c WHERE {condition}", values).fetchone()[0]
    if asked.cursor is not None:
        condition += f" AND ({column}, c.key) {'<' if order == 'DESC' else '>'} (?, ?)"
        values += _parse_cursor(asked.cursor, f"{name} {order}")
    chosen = f"FROM conversations AS c WHERE {condition} ORDER BY {column} {order}, c.key {order} LIMIT ?"
    place, lost = f"{column}, c.key", list[str]()
    most = -1 if asked.limit is None else asked.limit + 1
    try:
        rows = connection.execute(f"SELECT {', '.join(COLUMNS)}, {place} {chosen}", [*values, most]).fetchall()
        found = [(from_row(row), row[-2:]) for row in rows]
    except (driver.Error, *UNREADABLE) as error:
        if not asked.readable or not is_damage(error):
            raise
        keys = [key for (key,) in connection.execute(f"SELECT c.key {chosen}", [*values, -1]).fetchall()]
        found = [*_readable(connection, keys, place, most, lost)]
    shown = found[: asked.limit]
    next_cursor = _cursor(f"{name} {order}", shown[-1][1]) if shown and len(found) > len(shown) else None
    return Page(tuple(conversation for conversation, _ in shown), total, next_cursor, tuple(lost))


def _readable(
    connection: Connection, keys: Sequence[int], place: str, most: int, lost: list[str]
) -> Iterator[tuple[Conversation, Row]]:
    """Yield up to `most` conversations as far as each can be read, with their places; name those that are not whole."""
    for key in keys:
        if most == 0:
            return
        columns = [one if _can_be_read(connection, one, key) else _WITHOUT.get(one, one) for one in COLUMNS]
        sql = f"SELECT {', '.join(columns)}, {place} FROM conversations AS c WHERE c.key = ?"
        try:
            (row,) = connection.execute(sql, (key,)).fetchall()
            found = from_row(row)
        except (driver.Error, *UNREADABLE):
            lost.append(f"conversation {key}")
            continue
        lost += [found.id] if (*columns,) != COLUMNS else []
        yield found, row[-2:]
        most -= 1


def _can_be_read(connection: Connection, column: str, key: int) -> bool:
    try:
        (value,) = connection.execute(f"SELECT {column} FROM conversations AS c WHERE c.key = ?", (key,)).fetchone()
        if _WITHOUT.get(column) == "'{}'":
            json.loads(value)
    except (driver.Error, *UNREADABLE):
        return False
    return True


def _cursor(order: str, place: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([order, *place]).encode()).decode().rstrip("=")


def _parse_cursor(cursor: str, order: str) -> list[Any]:
    """Return a row's place in an order.  Raises UsageError for a cursor of another: its values mean nothing here."""
    of, place = "", list[Any]()
    with suppress(ValueError, TypeError):
        of, *place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    if of != order or len(place) != 2 or not _is_place(*place):
        raise UsageError("that is not a cursor of this list", "use the next_cursor that list --json printed")
    return place


def _is_place(value: object, key: object) -> bool:
    """Whether these may be a row's value in the order and its key."""
    whole = all(abs(number) < 1 << 63 for number in (value, key) if isinstance(number, int))
    return isinstance(value, (str, int)) and isinstance(key, int) and whole
