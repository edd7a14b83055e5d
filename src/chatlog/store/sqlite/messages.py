"""Messages: a tree per conversation, its active path as one range scan, and appending to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chatlog.errors import NotFoundError, TakenError
from chatlog.models import Filters, Hit, Message, MessageDraft
from chatlog.store.sqlite import bodies, fulltext
from chatlog.store.sqlite.bodies import unpack
from chatlog.store.sqlite.connection import Connection, Row
from chatlog.store.sqlite.conversations import Standing
from chatlog.store.sqlite.where import message_where
from chatlog.timespec import checked_instant
from chatlog.titles import title_from

_COLUMNS = """m.seq, m.parent_seq, m.role, b.author, b.text, b.tool, b.parts, m.model, m.created_at,
    (SELECT tokens FROM token_counts AS t WHERE t.body = m.body ORDER BY encoding DESC LIMIT 1),
    b.sha256, m.source_id, m.key, m.hidden, m.importance, b.metadata"""
_FROM = "FROM messages AS m JOIN bodies AS b ON b.id = m.body"
#: So many messages are read at a time, so that no iterator keeps a connection.
PAGE = 200


def from_row(conversation: str, row: Row) -> Message:
    """Return the message of a row of `_COLUMNS`."""
    (
        seq, parent, role, author, text, tool, parts, model, created_at,
        tokens, sha256, source_id, key, hidden, importance, metadata,
    ) = row  # fmt: skip
    return Message(  # by place: by name takes twice as long
        conversation,
        seq,
        parent,
        role,
        author,
        text,
        None if parts is None else unpack(parts, text, tool),
        model,
        created_at,
        tokens,
        sha256.hex(),
        source_id,
        key,
        bool(hidden),
        importance,
        json.loads(metadata) if metadata else {},
    )


def one(connection: Connection, key: int, conversation: str, seq: int) -> Message:
    """Return a message.  Raises NotFoundError."""
    found = connection.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE m.conversation = ? AND m.seq = ?", (key, storable_seq(seq))
    )
    row = found.fetchone()
    if row is None:
        raise missing(conversation, seq)
    return from_row(conversation, row)


def missing(conversation: str, seq: int) -> NotFoundError:
    """Return what is wrong where a conversation has no such message."""
    return NotFoundError(
        f"conversation {conversation} has no message {seq}",
        f"chatlog show {conversation} --all-branches lists its messages",
    )


def storable_seq(seq: int) -> int:
    """Return a seq that a database can be asked for: 0, which no message has, for one that it cannot hold."""
    return seq if 0 < seq < 1 << 63 else 0


def last(connection: Connection, key: int, conversation: str, count: int, *, active: bool) -> list[Message]:
    """Return the last `count` messages of the active path or of the whole tree, in order."""
    rows = connection.execute(
        f"""SELECT {_COLUMNS} {_FROM} WHERE m.conversation = ? {"AND m.active" if active else ""}
            ORDER BY m.seq DESC LIMIT ?""",
        (key, count),
    ).fetchall()
    return [from_row(conversation, row) for row in reversed(rows)]


def after(connection: Connection, key: int, conversation: str, seq: int, *, active: bool) -> list[Message]:
    """Return the next `PAGE` messages after `seq` of the active path or of the whole tree."""
    rows = connection.execute(
        f"""SELECT {_COLUMNS} {_FROM} WHERE m.conversation = ? AND m.seq > ? {"AND m.active" if active else ""}
            ORDER BY m.seq LIMIT ?""",
        (key, seq, PAGE),
    ).fetchall()
    return [from_row(conversation, row) for row in rows]


def path_to(connection: Connection, key: int, seq: int) -> list[int]:
    """Return the seqs from the root to `seq`."""
    return [row[0] for row in _line(connection, key, seq, "true")]


def path_through(connection: Connection, key: int, conversation: str, seq: int, before: int, after: int) -> list[int]:
    """Return up to `before` ancestors of a message, itself, and up to `after` of what follows.

    What follows is the active path where the message is on it, else its latest descendants.
    Raises NotFoundError.
    """
    found = connection.execute(
        "SELECT active FROM messages WHERE conversation = ? AND seq = ?", (key, storable_seq(seq))
    ).fetchone()
    if found is None:
        raise missing(conversation, seq)
    path = [seq]
    parent = "SELECT parent_seq FROM messages WHERE conversation = ? AND seq = ?"
    child = "SELECT max(seq) FROM messages WHERE conversation = ? AND parent_seq = ?"
    if found[0]:
        child = "SELECT min(seq) FROM messages WHERE conversation = ? AND seq > ? AND active"
    for sql, steps, end in ((parent, before, 0), (child, after, -1)):
        for _ in range(steps):
            following = connection.execute(sql, (key, path[end])).fetchone()[0]
            if following is None:
                break
            path.insert(0, following) if end == 0 else path.append(following)
    return path


def at(
    connection: Connection, key: int, conversation: str, seqs: Sequence[int], *, active: bool = False
) -> list[Message]:
    """Return the messages of some seqs, or with `active` those of them on the active path, in order."""
    rows = connection.execute(
        f"""SELECT {_COLUMNS} {_FROM} WHERE m.conversation = ? AND m.seq IN (SELECT value FROM json_each(?))
            {"AND m.active" if active else ""} ORDER BY m.seq""",
        (key, json.dumps(list(seqs))),
    ).fetchall()
    return [from_row(conversation, row) for row in rows]


def placed(connection: Connection, user: str, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Hit]:
    """Return those of a user's messages at some places (conversation, seq) that are there, with their titles."""
    rows = connection.execute(
        f"""SELECT c.key, c.id, c.title, {_COLUMNS} FROM json_each(?) AS wanted
            CROSS JOIN conversations AS c ON c.key = wanted.value ->> 0 AND c.user = ?
            CROSS JOIN messages AS m ON m.conversation = c.key AND m.seq = wanted.value ->> 1
            JOIN bodies AS b ON b.id = m.body""",
        (json.dumps([*places]), user),
    )
    return {(key, row[0]): Hit(from_row(name, tuple(row)), title, 0.0) for key, name, title, *row in rows}


def by_key(connection: Connection, key: int, idempotency_key: str) -> int | None:
    """Return the seq of the message that a caller's key stands for in a conversation."""
    row = connection.execute(
        "SELECT seq FROM messages WHERE key = ? AND conversation = ?", (idempotency_key, key)
    ).fetchone()
    return row[0] if row else None


def keyed_conversation(connection: Connection, user: str, drafts: Sequence[MessageDraft], now: str) -> int | None:
    """Return the key of the user's conversation, in which these messages are, that holds the first one's key.

    Raises ConflictError where the key was used for something else.
    """
    if not drafts or drafts[0].key is None:
        return None
    row = connection.execute(
        """SELECT c.key FROM messages AS m JOIN conversations AS c ON c.key = m.conversation
           WHERE m.key = ? AND c.user = ? AND c.deleted_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > ?)
           ORDER BY c.key LIMIT 1""",
        (drafts[0].key, user, now),
    ).fetchone()
    if row is not None:
        stored_before(connection, row[0], drafts)
    return row[0] if row else None


def stored_before(connection: Connection, key: int, drafts: Sequence[MessageDraft]) -> list[int] | None:
    """Return the seqs that an earlier call with the same key stored; None where there was none.

    Raises ConflictError where the key was used for something else.
    """
    if not drafts or drafts[0].key is None:
        return None
    first = by_key(connection, key, drafts[0].key)
    if first is None:
        return None
    seqs = list(range(first, first + len(drafts)))
    rows = connection.execute(
        f"SELECT b.sha256 {_FROM} WHERE m.conversation = ? AND m.seq BETWEEN ? AND ? ORDER BY m.seq",
        (key, seqs[0], seqs[-1]),
    ).fetchall()
    if [row[0] for row in rows] != [bodies.hash_of(draft) for draft in drafts]:
        raise TakenError("that idempotency key was used for another message", "use a new key for a new message")
    return seqs


class Placed(NamedTuple):
    """Where a message was put."""

    seq: int
    parent: int | None
    created_at: str
    sha256: bytes


def append(
    connection: Connection, user: str, before: Standing, drafts: Sequence[MessageDraft], now: str
) -> list[Placed]:
    """Append messages, each after its parent, or the one before where it names none, and index them."""
    key, last_seq, head, title, _ = before
    _check_keys(connection, key, drafts)
    parent, in_line = head, True
    placed: list[Placed] = []
    written: list[int] = []
    for draft in drafts:
        if draft.parent is not None and draft.parent != parent:
            parent, in_line = _known(connection, key, draft.parent), False
        digest = bodies.hash_of(draft)
        written.append(bodies.insert(connection, user, draft, digest))
        last_seq += 1
        created_at = checked_instant(draft.created_at) or now
        place(connection, (key, last_seq, written[-1], parent, in_line), draft, created_at)
        placed.append(Placed(last_seq, parent, created_at, digest))
        parent = last_seq
        if title is None and draft.role == "user" and not draft.hidden:
            title = title_from(draft.text)
    fulltext.index(connection, written[0], written[-1])
    if not in_line:
        switch_head(connection, key, last_seq)
    connection.execute(
        """UPDATE conversations SET last_seq = ?, head_seq = ?, message_count = message_count + ?,
             title = coalesce(title, ?), revision = revision + 1, updated_at = max(updated_at, ?), token_count = NULL
           WHERE key = ?""",
        (last_seq, last_seq, len(placed), title, now, key),
    )
    return placed


def as_stored(conversation: str, draft: MessageDraft, placed: Placed) -> Message:
    """Return what reading a message of text alone would, just appended: that costs as much as writing it."""
    return Message(
        conversation=conversation,
        seq=placed.seq,
        parent=placed.parent,
        role=draft.role,
        author=draft.author,
        text=draft.text,
        parts=None,
        model=draft.model,
        created_at=placed.created_at,
        tokens=None,
        sha256=placed.sha256.hex(),
        source_id=draft.source_id,
        key=draft.key,
        hidden=bool(draft.hidden),
        importance=draft.importance,
        metadata={},
    )


def _check_keys(connection: Connection, key: int, drafts: Sequence[MessageDraft]) -> None:
    """Raise ConflictError where a message's idempotency key stands for another message already."""
    given = [draft.key for draft in drafts if draft.key is not None]
    if len(set(given)) < len(given) or any(by_key(connection, key, name) is not None for name in given):
        raise TakenError("that idempotency key was used for another message", "use a new key for a new message")


def _known(connection: Connection, key: int, parent: str | int) -> int:
    """Return a parent.  Raises NotFoundError where the conversation has no such message."""
    row = connection.execute("SELECT seq FROM messages WHERE conversation = ? AND seq = ?", (key, parent)).fetchone()
    if row is None:
        raise NotFoundError(f"there is no message {parent} to follow", "chatlog show CONV --all-branches lists them")
    return int(row[0])


_PLACE = """INSERT INTO messages (conversation, seq, body, parent_seq, active, role, model, created_at, source_id, key,
    hidden, importance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def place(
    connection: Connection, where: tuple[int, int, int, int | None, bool], draft: MessageDraft, created_at: str
) -> None:
    """Put a body at its place: conversation, seq, body, parent seq, on the active path or not."""
    connection.execute(_PLACE, place_of(where, draft, created_at))


def place_many(connection: Connection, rows: Sequence[Row]) -> None:
    """Put many bodies at their places."""
    connection.executemany(_PLACE, rows)


def place_of(where: tuple[int, int, int, int | None, bool], draft: MessageDraft, created_at: str) -> Row:
    """Return the row of a place."""
    facts = (draft.role, draft.model, created_at, draft.source_id, draft.key, draft.hidden, draft.importance)
    return (*where, *facts)


def switch_head(connection: Connection, key: int, seq: int) -> None:
    """Make the path from the root to `seq` the active one; only what differs is written."""
    off_path = _line(connection, key, seq, "NOT active")
    branch_point = off_path[0][1] if off_path else seq
    connection.execute(
        "UPDATE messages SET active = 0 WHERE conversation = ? AND seq > ? AND active", (key, branch_point or 0)
    )
    connection.executemany(
        "UPDATE messages SET active = 1 WHERE conversation = ? AND seq = ?", [(key, row[0]) for row in off_path]
    )
    connection.execute("UPDATE conversations SET head_seq = ? WHERE key = ?", (seq, key))


def _line(connection: Connection, key: int, seq: int, condition: str) -> list[Row]:
    """Return (seq, parent) of the messages from the root, or the first below one that fails a condition, to `seq`.

    UNION, without ALL, comes to an end in a damaged file too, where a line goes round in a circle.
    """
    rows = connection.execute(
        f"""WITH RECURSIVE path (seq, parent) AS (
              SELECT seq, parent_seq FROM messages WHERE conversation = ?1 AND seq = ?2 AND {condition}
              UNION
              SELECT m.seq, m.parent_seq FROM path JOIN messages AS m ON m.conversation = ?1 AND m.seq = path.parent
              WHERE {condition})
            SELECT seq, parent FROM path""",
        (key, seq),
    ).fetchall()
    return rows[::-1]


def copy_path(connection: Connection, source: int, seqs: Sequence[int], target: int) -> None:
    """Start a conversation with another's messages: the same bodies, numbered from 1."""
    connection.executemany(
        """INSERT INTO messages (conversation, seq, body, parent_seq, active, role, model, created_at, source_id, key,
             hidden, importance)
           SELECT ?, ?, body, ?, 1, role, model, created_at, source_id, NULL, hidden, importance
           FROM messages WHERE conversation = ? AND seq = ?""",
        [(target, number, number - 1 or None, source, seq) for number, seq in enumerate(seqs, 1)],
    )
    connection.execute(
        "UPDATE conversations SET last_seq = ?1, head_seq = nullif(?1, 0), message_count = ?1 WHERE key = ?2",
        (len(seqs), target),
    )


def scan(
    connection: Connection, key: int, seq: int | None, filters: Filters, *, hidden: bool, latest: bool
) -> tuple[str | None, list[Message]]:
    """Return a conversation's title and the next `PAGE` of its messages behind `seq` that the filters let through.

    In order, or with `latest` the last first.
    """
    found = connection.execute("SELECT id, title FROM conversations WHERE key = ?", (key,)).fetchone()
    if found is None:  # removed since the page before
        return None, []
    name, title = found
    condition, values = message_where(filters, hidden=hidden)
    bound = (1 << 62 if latest else 0) if seq is None else seq
    rows = connection.execute(
        f"""SELECT {_COLUMNS} {_FROM} JOIN conversations AS c ON c.key = m.conversation
            WHERE m.conversation = ? AND m.seq {"<" if latest else ">"} ? AND {condition}
            ORDER BY m.seq {"DESC" if latest else "ASC"} LIMIT {PAGE}""",
        [key, bound, *values],
    ).fetchall()
    return title, [from_row(name, row) for row in rows]
