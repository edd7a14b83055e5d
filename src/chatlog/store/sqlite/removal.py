"""Rows on their way out: conversations removed a bite at a time, single messages taken out of their tree.

A conversation to be removed is doomed first, in one transaction: from then on nobody sees it, and whoever
removes next goes on where a killed process stopped.  What is on hold is never touched.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from chatlog.store.forgetting import Ref
from chatlog.store.sqlite import bodies, existing, vectors
from chatlog.store.sqlite.connection import Connection, Row
from chatlog.store.sqlite.conversations import DOOMED
from chatlog.store.sqlite.identity import nameless
from chatlog.store.sqlite.messages import storable_seq, switch_head
from chatlog.titles import title_from

#: So many messages are looked at once.
BITE = 64
#: What a message weighs beside its words, in octets: its rows in every table.
EACH = 512
#: So many characters are given out at a time to be looked through, with so much between two texts that no phrase
#: reaches from one into the other.
PIECE_CHARS, BETWEEN = 1 << 20, "\x00" * 32


#: Leaves a tombstone of a conversation, or of one message in it, so that no import brings it back.
_BURY = """INSERT OR IGNORE INTO tombstones (user, source, source_id, message_id, deleted_at)
    SELECT user, coalesce(source, 'chatlog'), coalesce(source_id, id), ?, ? FROM conversations"""


def doom(
    connection: Connection, user: str, ids: Iterable[str], now: str, revisions: Mapping[str, int]
) -> Iterator[str]:
    """Begin to remove conversations: nobody sees them from now on, and no import brings them back.

    Yields those that are not at their revision any more.
    """
    for name in ids:
        found = connection.execute(
            """UPDATE conversations SET deleted_at = coalesce(deleted_at, ?), expires_at = ?, pinned = 0,
                 revision = revision + 1
               WHERE user = ? AND id = ? AND hold IS NULL AND revision = coalesce(?, revision)""",
            (now, DOOMED, user, name, revisions.get(name)),
        )
        if found.rowcount:
            connection.execute(f"{_BURY} WHERE user = ? AND id = ?", ("", now, user, name))
        elif name in revisions:
            yield name


def doomed(connection: Connection, user: str) -> list[tuple[int, int]]:
    """Return the keys of the conversations that are to be removed, and how many messages each still has."""
    rows = connection.execute(
        "SELECT key, message_count FROM conversations WHERE expires_at = ? AND user = ? AND hold IS NULL",
        (DOOMED, user),
    )
    return [(key, count) for key, count in rows]


def weight(counts: Mapping[str, int]) -> int:
    """Return how much work it was to remove so much."""
    return counts["bytes"] + EACH * (counts["messages"] + counts["conversations"])


def bite(connection: Connection, key: int, counts: Counter[str], most: int) -> bool:
    """Delete the last messages of a doomed conversation, of that weight or one, and in the end itself.

    Return whether that was the end.  What is deleted is added to `counts`; a conversation that was brought back
    meanwhile is left as it is.
    """
    doomed = "SELECT user FROM conversations WHERE key = ? AND expires_at = ?"
    row = connection.execute(doomed, (key, DOOMED)).fetchone()
    if row is None:
        return True
    found = connection.execute(
        f"""SELECT m.seq, m.body, {bodies.OCTETS} FROM messages AS m JOIN bodies AS b ON b.id = m.body
            WHERE m.conversation = ? ORDER BY m.seq DESC LIMIT ?""",
        (key, BITE),
    ).fetchall()
    rows = list(_lighter(found, most))
    if rows:
        connection.execute("DELETE FROM messages WHERE conversation = ? AND seq >= ?", (key, rows[-1][0]))
        bodies.release(connection, {body for _, body, _ in rows})
        vectors.forget_weights(connection, *row)
        counts.update(messages=len(rows), bytes=sum(octets for *_, octets in rows))
    if len(rows) < len(found) or len(found) == BITE:
        connection.execute(
            """UPDATE conversations SET message_count = message_count - ?1, head_seq =
                 (SELECT max(seq) FROM messages AS m WHERE m.conversation = ?2 AND m.active) WHERE key = ?2""",
            (len(rows), key),
        )
        return False
    connection.execute("UPDATE summaries SET superseded_by = NULL WHERE conversation = ?", (key,))
    connection.execute("DELETE FROM conversations WHERE key = ?", (key,))
    counts.update(conversations=1)
    return True


def _lighter(rows: Iterable[Row], most: int) -> Iterator[Row]:
    """Yield the first row, and those after it while they weigh no more together."""
    left = most
    for row in rows:
        if left <= 0:
            return
        yield row
        left -= row[-1] + EACH


def places(connection: Connection, user: str, refs: Sequence[Ref]) -> dict[Ref, tuple[int, int, int]]:
    """Return (conversation key, body, bytes) of those messages that are there, not on hold, and the user's."""
    found: dict[Ref, tuple[int, int, int]] = {}
    for name, seq in refs:
        row = connection.execute(
            f"""SELECT m.conversation, m.body, {bodies.OCTETS} FROM conversations AS c
                JOIN messages AS m ON m.conversation = c.key JOIN bodies AS b ON b.id = m.body
                WHERE c.user = ? AND c.id = ? AND m.seq = ? AND c.hold IS NULL""",
            (user, name, storable_seq(seq)),
        ).fetchone()
        if row:
            found[name, seq] = row
    return found


def standing(connection: Connection, body: int) -> list[Ref]:
    """Return where a body stands, but for what is being removed."""
    rows = connection.execute(
        """SELECT c.id, m.seq FROM messages AS m JOIN conversations AS c ON c.key = m.conversation
           WHERE m.body = ? AND c.expires_at IS NOT ?""",
        (body, DOOMED),
    )
    return [(name, seq) for name, seq in rows]


def shared_with(connection: Connection, user: str, ids: Sequence[str]) -> list[Ref]:
    """Return the messages elsewhere that share a body with some conversations, but for what is being removed."""
    rows = connection.execute(
        """SELECT o.id, p.seq FROM conversations AS c JOIN messages AS m ON m.conversation = c.key
           JOIN messages AS p ON p.body = m.body AND p.conversation <> m.conversation
           JOIN conversations AS o ON o.key = p.conversation
           WHERE c.user = ? AND c.id IN (SELECT value FROM json_each(?)) AND o.expires_at IS NOT ?""",
        (user, json.dumps(list(ids)), DOOMED),
    )
    return [(name, seq) for name, seq in rows]


def take_out(connection: Connection, user: str, key: int, seq: int, now: str) -> None:
    """Remove a message from its conversation: what followed it follows what it followed."""
    body, parent, source_id, text = connection.execute(
        """SELECT m.body, m.parent_seq, m.source_id, b.text FROM messages AS m JOIN bodies AS b ON b.id = m.body
           WHERE m.conversation = ? AND m.seq = ?""",
        (key, seq),
    ).fetchone()
    connection.execute(f"{_BURY} WHERE key = ?", (source_id or nameless(seq), now, key))
    place = (key, seq)
    # what follows it comes after it
    children = "conversation = ?2 AND seq > ?3 AND parent_seq = ?3"
    connection.execute(f"UPDATE messages SET parent_seq = ?1 WHERE {children}", (parent, *place))
    connection.execute("DELETE FROM messages WHERE conversation = ? AND seq = ?", place)
    _forget_derived(connection, user, key, seq)
    bodies.release(connection, [body])
    vectors.forget_weights(connection, user)
    _settle(connection, key, seq, parent, text)


def _forget_derived(connection: Connection, user: str, key: int, seq: int) -> None:
    """Delete the summaries that a message went into, and those made of them."""
    later = "conversation = ? AND user = ? AND to_seq >= ?"
    connection.execute(
        f"""UPDATE summaries SET superseded_by = NULL WHERE superseded_by IN
            (SELECT id FROM summaries WHERE {later})""",
        (key, user, seq),
    )
    connection.execute(f"DELETE FROM summaries WHERE {later}", (key, user, seq))


def _settle(connection: Connection, key: int, seq: int, parent: int | None, text: str) -> None:
    """Bring the conversation's row up to date: count, head, and a title that was made of the message."""
    head, title = connection.execute("SELECT head_seq, title FROM conversations WHERE key = ?", (key,)).fetchone()
    if head == seq:
        last = connection.execute("SELECT max(seq) FROM messages WHERE conversation = ?", (key,)).fetchone()[0]
        head = parent if parent is not None else last
        if head is not None:
            switch_head(connection, key, head)
    if title is not None and title == title_from(text):
        title = existing.title_of(connection, key)
    connection.execute(
        """UPDATE conversations SET message_count = message_count - 1, head_seq = ?, title = ?, token_count = NULL,
             revision = revision + 1 WHERE key = ?""",
        (head, title, key),
    )


# what is said


def said_in(connection: Connection, key: int, seq: int, *, shared: bool) -> list[Row]:
    """Return the words of the next messages of a conversation, with their seq first.

    A row begins with them: where a gap of the file keeps a copy of it, they are in there.
    """
    alone = """AND NOT EXISTS (SELECT 1 FROM messages AS o WHERE o.body = m.body
               AND o.conversation <> m.conversation)"""
    return connection.execute(
        f"""SELECT m.seq, b.text, b.tool, iif(b.text = '' AND b.tool IS NULL, b.parts, NULL) FROM messages AS m
            JOIN bodies AS b ON b.id = m.body WHERE m.conversation = ? AND m.seq > ? {"" if shared else alone}
            ORDER BY m.seq LIMIT 200""",
        (key, seq),
    ).fetchall()


def said_around(connection: Connection, key: int) -> list[str]:
    """Return what is said about a conversation: its title and state, tags that only it has, its summaries."""
    return [
        words
        for sql in (
            "SELECT title, nullif(state, '{}') FROM conversations WHERE key = ?",
            """SELECT tag FROM tags AS t WHERE conversation = ?1 AND NOT EXISTS
               (SELECT 1 FROM tags AS o WHERE o.user = t.user AND o.tag = t.tag AND o.conversation <> ?1)""",
            "SELECT text FROM summaries WHERE conversation = ?",
        )
        for row in connection.execute(sql, (key,)).fetchall()
        for words in row
        if words
    ]


#: Where a phrase may stand: each table that holds text, and which of its rows are a user's.
SAID = {
    **dict.fromkeys(
        ("bodies", "conversations", "tags", "summaries", "memories", "policies", "tombstones", "audit", "sources",
         "meanings", "chores"),
        "user = ?",
    ),
    "messages": "conversation IN (SELECT key FROM conversations WHERE user = ?)",
    "backups": "? IS NULL",
    "sqlite_master": "? IS NULL",
}  # fmt: skip


def all_said(connection: Connection, user: str | None = None) -> Iterator[bytes]:
    """Yield all words in the tables, or those of one user, in large pieces."""
    piece: list[str] = []
    length = 0
    for table, owned in SAID.items():
        rows = f"SELECT * FROM {table} WHERE {owned if user is not None else '? IS NULL'}"
        for row in connection.execute(rows, (user,)):
            words = [value for value in row if isinstance(value, str)]
            piece += words
            length += sum(map(len, words))
            if length > PIECE_CHARS:
                yield BETWEEN.join(piece).encode("utf-8", "surrogatepass")
                piece, length = [], 0
    yield BETWEEN.join(piece).encode("utf-8", "surrogatepass")
