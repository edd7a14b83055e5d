"""What an import asks of the file: which of a batch's messages are in it already, or were deleted for good.

Reads only; what follows from the answers is `ingest`'s to decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from chatlog.models import ConversationDraft, MessageDraft, Part
from chatlog.store.sqlite import bodies
from chatlog.store.sqlite.connection import Connection, Row
from chatlog.store.sqlite.identity import Identity, is_unique
from chatlog.titles import title_from

#: So many copies of a message are looked at for one that is the same.
COPIES = 8
#: What makes two bodies the same: sha256, text, author, metadata.
Said = tuple[bytes, str, str | None, str | None]


def repeated(connection: Connection, drafts: Sequence[MessageDraft], placed: set[str]) -> frozenset[str]:
    """Return the source ids of messages that some conversation holds, or that are in `placed`: the batch's own so far.

    Only these few are worth a look at the body (`copy_of`).
    """
    names = [name for draft in drafts if (name := draft.source_id) and is_unique(name)]
    if not names:
        return frozenset()
    # an id may be in each conversation
    seen = "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM messages WHERE source_id = value)"
    rows = connection.execute(seen, (json.dumps(names),))
    return frozenset(row[0] for row in rows) | placed.intersection(names)


def placed(connection: Connection, conversation: int, names: Iterable[Identity | None]) -> Iterator[Row]:
    """Yield the messages of a conversation that have one of some source ids or seqs.

    A row is that name, the seq of the parent, whether it is hidden, its metadata, and its own seq, sha256 and body.
    """
    names = list(names)
    for column, kind in (("source_id", str), ("seq", int)):
        yield from connection.execute(
            f"""SELECT m.{column}, m.parent_seq, m.hidden, b.metadata, m.seq, b.sha256, m.body
                FROM messages AS m JOIN bodies AS b ON b.id = m.body
                WHERE m.conversation = ? AND m.{column} IN (SELECT value FROM json_each(?))""",
            (conversation, json.dumps([name for name in names if isinstance(name, kind)])),
        )


def buried_in(connection: Connection, user: str, source: str, draft: ConversationDraft) -> frozenset[str]:
    """Return the ids of the conversation's messages that were deleted for good."""
    rows = connection.execute(
        "SELECT message_id FROM tombstones WHERE user = ? AND source = ? AND source_id = ? AND message_id <> ''",
        (user, source, draft.source_id or draft.id),
    )
    return frozenset(row[0] for row in rows)


def prefix_of(connection: Connection, user: str, parent: str, forked_at: int) -> dict[Said, int]:
    """Return the bodies of a parent's messages up to where a conversation was forked, by what they say."""
    rows = connection.execute(
        """SELECT b.sha256, b.text, b.author, b.metadata, m.body FROM conversations AS c
           JOIN messages AS m ON m.conversation = c.key JOIN bodies AS b ON b.id = m.body
           WHERE c.user = ? AND c.id = ? AND m.seq <= ?""",
        (user, parent, forked_at),
    )
    return {(sha256, text, author, metadata): body for sha256, text, author, metadata, body in rows}


def copy_of(connection: Connection, user: str, source: str, name: str | None, said: Said) -> int | None:
    """Return the body of a message with this source id that says the same in another conversation of its source."""
    row = connection.execute(
        """SELECT m.body FROM (
             SELECT conversation, body FROM messages WHERE source_id = ? ORDER BY conversation DESC LIMIT ?) AS m
           JOIN conversations AS c ON c.key = m.conversation JOIN bodies AS b ON b.id = m.body
           WHERE c.user = ? AND c.source = ?
             AND b.sha256 = ? AND b.text = ? AND b.author IS ? AND b.metadata IS ? LIMIT 1""",
        (name, COPIES, user, source, *said),
    ).fetchone()
    return row[0] if row else None


def said_at(connection: Connection, conversation: int, seq: int) -> tuple[str, tuple[Part, ...]]:
    """Return role and parts of a message."""
    role, *said = connection.execute(
        """SELECT m.role, b.parts, b.text, b.tool FROM messages AS m JOIN bodies AS b ON b.id = m.body
           WHERE m.conversation = ? AND m.seq = ?""",
        (conversation, seq),
    ).fetchone()
    return role, bodies.unpack(*said)


def is_added(connection: Connection, conversation: int, seq: int) -> bool:
    """Whether a message of an imported conversation came from no source: its owner went on from here."""
    row = connection.execute(
        """SELECT m.source_id IS NULL AND c.source IS NOT NULL FROM messages AS m
           JOIN conversations AS c ON c.key = m.conversation WHERE m.conversation = ? AND m.seq = ?""",
        (conversation, seq),
    ).fetchone()
    return bool(row and row[0])


def has_answered(connection: Connection, conversation: int, model: str) -> bool:
    """Return whether a message of a conversation is a model's."""
    row = connection.execute("SELECT 1 FROM messages WHERE conversation = ? AND model = ?", (conversation, model))
    return row.fetchone() is not None


def title_of(connection: Connection, conversation: int) -> str | None:
    """Return a title from the first human words of a conversation."""
    rows = connection.execute(
        """SELECT b.text FROM messages AS m JOIN bodies AS b ON b.id = m.body
           WHERE m.conversation = ? AND m.active AND m.role = 'user' AND NOT m.hidden ORDER BY m.seq""",
        (conversation,),
    )
    return next((title for (text,) in rows if (title := title_from(text))), None)


def newest_time(connection: Connection, conversation: int) -> str:
    """Return when the newest of the messages that came from a source was said, "" where none did."""
    row = connection.execute(
        "SELECT max(created_at) FROM messages WHERE conversation = ? AND source_id IS NOT NULL", (conversation,)
    ).fetchone()
    return row[0] or ""


def time_of(connection: Connection, conversation: int, seq: int) -> str:
    """Return when a message was said; when the conversation was begun, where it is gone."""
    row = connection.execute(
        """SELECT coalesce(m.created_at, c.created_at) FROM conversations AS c
           LEFT JOIN messages AS m ON m.conversation = c.key AND m.seq = ? WHERE c.key = ?""",
        (seq, conversation),
    ).fetchone()
    return str(row[0])
