"""Conversations: rows to objects, ids to rows, changes and the trash."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from chatlog.canonical import canonical_json
from chatlog.errors import AmbiguousIdError, ConflictError, NotFoundError, UsageError, choices_hint
from chatlog.models import Conversation, ConversationDraft, Filters, check_text, new_id
from chatlog.store.sqlite.connection import Connection, Row
from chatlog.store.sqlite.where import conversation_where, listing_where
from chatlog.timespec import checked_instant

#: What `from_row` reads, of a conversation `c`.
COLUMNS = (
    *("c.id", "c.user", "c.title", "c.source", "c.source_id", "c.parent", "c.forked_at", "c.model", "c.project"),
    *("c.created_at", "c.updated_at", "c.pinned", "c.archived", "c.hold", "c.deleted_at", "c.expires_at"),
    "(SELECT json_group_array(tag) FROM (SELECT tag FROM tags WHERE conversation = c.key ORDER BY tag))",
    *("c.message_count", "c.token_count", "c.head_seq", "c.revision", "c.state", "c.metadata"),
)
_COLUMNS = ", ".join(COLUMNS)

#: What `change` may set; everything else follows from messages or has its own method.
_TEXTS = ("title", "model", "project", "hold")
_MARKS = ("pinned", "archived")
_OBJECTS = ("state", "metadata")
CHANGEABLE = frozenset({*_TEXTS, *_MARKS, *_OBJECTS, "expires_at"})
#: What only a draft has.
_ORIGINS, _NUMBERS = ("id", "source", "source_id", "parent"), ("forked_at", "revision")
MIN_PREFIX = 4
#: What an id is made of, and its beginning.
_ID = r"[a-z0-9_-]+"
#: No revision or seq that comes from elsewhere is larger, so that there is room to count on.
MOST = 1 << 62
#: A lifetime that marks what is being removed: nobody sees it, and the next prune goes on with it.
DOOMED = "1970-01-01T00:00:00.000Z"
#: Bits of `redacted`: its title, project or metadata were, and no import completes them; it was on its way in.
REDACTED_IN_PLACE, REDACTED_ON_ITS_WAY_IN = 1, 2
_ALL_ALIVE = Filters()


def from_row(row: Row) -> Conversation:
    """Return the conversation of a row that begins with `COLUMNS`, which are in the order of its fields."""
    (
        *first, pinned, archived, hold, deleted_at, expires_at,
        tags, messages, tokens, head, revision, state, metadata,
    ) = row[: len(COLUMNS)]  # fmt: skip
    return Conversation._make((
        *first, bool(pinned), bool(archived), hold, deleted_at, expires_at,
        tuple(json.loads(tags)), messages, tokens, head, revision, json.loads(state), json.loads(metadata),
    ))  # fmt: skip


def by_key(connection: Connection, key: int) -> Conversation:
    """Return the conversation of an internal key, which must exist."""
    return from_row(connection.execute(f"SELECT {_COLUMNS} FROM conversations AS c WHERE c.key = ?", (key,)).fetchone())


#: Neither in the trash nor expired, as `conversation_where` says it: put together once, for every append asks it.
_STANDING = """SELECT key, last_seq, head_seq, title, revision FROM conversations
    WHERE id = ? AND user = ? AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"""


class Standing(NamedTuple):
    """Where a conversation stands when a change begins."""

    key: int
    last_seq: int
    head: int | None
    title: str | None
    revision: int

    def check(self, if_revision: int | None) -> None:
        """Raise ConflictError where the conversation is no longer at `if_revision`, UsageError for no number."""
        if if_revision is None:
            return
        if not isinstance(if_revision, int):  # text would differ for ever, and be worth another try
            raise UsageError("a revision is a whole number", "give the one that was read")
        if self.revision != if_revision:
            raise ConflictError(
                f"the conversation is at revision {self.revision}, not {if_revision}",
                "read it again, then repeat the change",
            )


def standing(connection: Connection, user: str, conversation: str, now: str) -> Standing:
    """Return where a conversation of a full id stands that is the user's and alive.  Raises NotFoundError."""
    row = connection.execute(_STANDING, (checked_id(conversation), user, now)).fetchone()
    if row is None:
        raise _not_found(conversation)
    return Standing(*row)


def readable_key_of(connection: Connection, user: str, conversation: str, now: str) -> int:
    """Return the internal key of a full id that is the user's, in the trash or not.  Raises NotFoundError."""
    return _key(connection, conversation, "c.user = ? AND (c.expires_at IS NULL OR c.expires_at > ?)", [user, now])


def any_key_of(connection: Connection, user: str, conversation: str) -> int:
    """Return the internal key of a full id that is the user's and not being removed.  Raises NotFoundError."""
    return _key(connection, conversation, "c.user = ? AND c.expires_at IS NOT ?", [user, DOOMED])


def _key(connection: Connection, conversation: str, condition: str, values: list[str]) -> int:
    row = connection.execute(
        f"SELECT c.key FROM conversations AS c WHERE c.id = ? AND {condition}",
        [checked_id(conversation), *values],
    ).fetchone()
    if row is None:
        raise _not_found(conversation)
    return int(row[0])


def checked_id(ref: object) -> str:
    """Return an id.  Raises UsageError for what is none, as a conversation itself is."""
    if not isinstance(ref, str):
        raise UsageError("a conversation is named by its id, which is a text", "such as conversation.id")
    return ref


def _not_found(ref: str) -> NotFoundError:
    return NotFoundError(f"there is no conversation '{ref}'", "chatlog list shows what there is")


def resolve(connection: Connection, user: str, ref: str, now: str, among: Filters = _ALL_ALIVE) -> int:
    """Return the internal key of an id, a unique prefix, ``@last`` or ``@N``, among those the filters let through.

    Raises NotFoundError, also for a prefix that is too short, AmbiguousIdError, UsageError for an ``@`` that is none.
    """
    if checked_id(ref).startswith("@"):
        return _recent(connection, user, ref, now, among)
    prefix = ref.strip().lower()
    if len(prefix) < MIN_PREFIX or not re.fullmatch(_ID, prefix):
        raise NotFoundError(f"'{ref}' is not a conversation's id", f"an id's first {MIN_PREFIX} characters are enough")
    condition, values = conversation_where(user, among, now)
    found = connection.execute(
        f"""SELECT c.key, c.id FROM conversations AS c
            WHERE c.id >= ? AND c.id < ? AND {condition} ORDER BY c.id LIMIT 6""",
        [prefix, prefix + "\x7f", *values],
    ).fetchall()
    exact = [row for row in found if row[1] == prefix]
    if not found:
        raise _not_found(ref)
    if len(found) > 1 and not exact:
        raise AmbiguousIdError(ref, [row[1] for row in found])
    return int((exact or found)[0][0])


def _recent(connection: Connection, user: str, ref: str, now: str, among: Filters) -> int:
    number = "1" if ref == "@last" else ref[1:]
    if not re.fullmatch("0*[1-9][0-9]{0,8}", number):
        raise UsageError(f"'{ref}' is not a conversation", "write @last, @1, @2 …")
    condition, values = conversation_where(user, among._replace(archived=False), now)
    row = connection.execute(
        f"""SELECT c.key FROM conversations AS c WHERE {condition}
            ORDER BY c.updated_at DESC, c.key DESC LIMIT 1 OFFSET ?""",
        [*values, int(number) - 1],
    ).fetchone()
    if row is None:
        raise NotFoundError(
            f"there are fewer than {number} conversations" if number != "1" else "there is no conversation yet"
        )
    return int(row[0])


def insert(connection: Connection, user: str, draft: ConversationDraft, now: str) -> int:
    """Store a new conversation and return its key."""
    _check({name: getattr(draft, name) for name in (*CHANGEABLE, *_ORIGINS, *_NUMBERS)})
    if draft.id and not (len(draft.id) >= MIN_PREFIX and re.fullmatch(_ID, draft.id)):
        hint = "four or more of a-z, 0-9, - and _; without one, each new one is given its own"
        raise UsageError(f"'{draft.id[:40]}' is not a conversation's id", hint)
    created = checked_instant(draft.created_at or draft.updated_at) or now
    title_by = "text" if draft.title is None else "owner" if draft.source is None else "source"
    cursor = connection.execute(
        """INSERT INTO conversations (id, user, title, title_by, source, source_id, parent, forked_at, model, project,
             created_at, updated_at, pinned, archived, hold, deleted_at, expires_at, state, metadata, revision)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            draft.id or new_id(),
            user,
            draft.title,
            title_by,
            draft.source,
            draft.source_id,
            draft.parent,
            draft.forked_at,
            draft.model,
            draft.project,
            created,
            checked_instant(draft.updated_at) or created,
            draft.pinned,
            draft.archived,
            draft.hold,
            checked_instant(draft.deleted_at),
            _end(draft.expires_at),
            canonical_json(dict(draft.state)),
            metadata_text(draft.metadata),
            draft.revision or 1,
        ),
    )
    return int(cursor.lastrowid)


def metadata_text(metadata: Mapping[str, Any], *, allow_nan: bool = False) -> str:
    """Return metadata as it is kept.  Raises UsageError for what JSON cannot hold."""
    try:
        return json.dumps(dict(metadata), ensure_ascii=False, separators=(",", ":"), allow_nan=allow_nan)
    except (TypeError, ValueError):
        raise UsageError("the metadata is not what JSON can hold") from None


def change(connection: Connection, key: int, changes: Mapping[str, Any], now: str) -> None:
    """Set columns of a conversation; equal values write nothing."""
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise UsageError(f"'{min(unknown)}' cannot be set", choices_hint(min(unknown), sorted(CHANGEABLE)))
    _check(changes)
    values = {name: _stored(value) for name, value in changes.items()}
    if "expires_at" in values:
        values["expires_at"] = _end(values["expires_at"])
    if "title" in values:
        values["title_by"] = "owner"
    current = connection.execute(
        f"SELECT {', '.join(values) or '1'} FROM conversations WHERE key = ?", (key,)
    ).fetchone()
    if tuple(values.values()) == current or not values:
        return
    connection.execute(
        f"""UPDATE conversations SET {", ".join(f"{name} = ?" for name in values)}, revision = revision + 1,
              updated_at = max(updated_at, ?) WHERE key = ?""",
        [*values.values(), now, key],
    )


def _check(values: Mapping[str, Any]) -> None:
    """Raise UsageError for a value of another kind than its column's: it would be kept, and not be read back."""
    for name, value in values.items():
        if name in _TEXTS or name in _ORIGINS:
            check_text(name, value)
        elif (name in _MARKS and not isinstance(value, int)) or (name in _OBJECTS and not isinstance(value, Mapping)):
            raise UsageError(f"the {name} is {'not an object' if name in _OBJECTS else 'neither true nor false'}")
        elif name in _NUMBERS and not (value is None or (isinstance(value, int) and 0 <= value < MOST)):
            raise UsageError(f"the {name} is not a whole number, or one too large")


def _end(expires_at: str | None) -> str | None:
    """Return when a conversation ends; whatever time is given, it is not being removed."""
    moment = checked_instant(expires_at)
    return f"{DOOMED[:-2]}1Z" if moment == DOOMED else moment


def _stored(value: Any) -> Any:
    return canonical_json(dict(value)) if isinstance(value, Mapping) else value


def trash(connection: Connection, user: str, ids: Iterable[str], now: str) -> int:
    """Move conversations to the trash; those on hold and those in it already stay as they are."""
    cursor = connection.executemany(
        """UPDATE conversations SET deleted_at = ?, revision = revision + 1
           WHERE user = ? AND id = ? AND deleted_at IS NULL AND hold IS NULL""",
        [(now, user, checked_id(conversation)) for conversation in ids],
    )
    return int(cursor.rowcount)


def untrash(connection: Connection, user: str, ids: Iterable[str]) -> int:
    """Take conversations out of the trash."""
    cursor = connection.executemany(
        """UPDATE conversations SET deleted_at = NULL, revision = revision + 1
           WHERE user = ? AND id = ? AND deleted_at IS NOT NULL AND expires_at IS NOT ?""",
        [(user, checked_id(conversation), DOOMED) for conversation in ids],
    )
    return int(cursor.rowcount)


def revive(connection: Connection, key: int) -> None:
    """Take a conversation out of the trash; of one that is being removed, what is left of it."""
    connection.execute(
        """UPDATE conversations SET deleted_at = NULL, expires_at = nullif(expires_at, ?), revision = revision + 1
           WHERE key = ?""",
        (DOOMED, key),
    )


def touch(connection: Connection, keys: Iterable[int]) -> None:
    """Bump the revision of conversations whose tags changed."""
    connection.executemany("UPDATE conversations SET revision = revision + 1 WHERE key = ?", [(key,) for key in keys])


def batch(connection: Connection, user: str, filters: Filters, now: str, after: int) -> tuple[list[Conversation], int]:
    """Return the next conversations that the filters let through, in the order they came, and where to go on."""
    alive, values = conversation_where(user, filters, now)
    listed, more_values = listing_where(filters)
    rows = connection.execute(
        f"""SELECT {_COLUMNS}, c.key FROM conversations AS c
            WHERE c.key > ? AND {alive} AND {listed} ORDER BY c.key LIMIT 500""",
        [after, *values, *more_values],
    ).fetchall()
    return [from_row(row) for row in rows], rows[-1][-1] if rows else after


def keys(connection: Connection, user: str, filters: Filters, now: str) -> list[int]:
    """Return the internal keys of the conversations the filters let through, the most recent first."""
    condition, values = conversation_where(user, filters, now)
    rows = connection.execute(
        f"SELECT c.key FROM conversations AS c WHERE {condition} ORDER BY c.updated_at DESC, c.key DESC",
        values,
    )
    return [row[0] for row in rows]


def title_by_message(connection: Connection, user: str, source: str, message_id: str, title: str) -> bool:
    """Title the conversation of a source's message, unless the source or its owner did; whether one changed."""
    cursor = connection.execute(
        """UPDATE conversations SET title = ?1, title_by = 'source', revision = revision + 1 WHERE key = (
             SELECT c.key FROM messages AS m JOIN conversations AS c ON c.key = m.conversation
             WHERE m.source_id = ?2 AND c.user = ?3 AND c.source = ?4 ORDER BY c.key LIMIT 1)
           AND title_by = 'text' AND title IS NOT ?1""",
        (title, message_id, user, source),
    )
    return bool(cursor.rowcount)
