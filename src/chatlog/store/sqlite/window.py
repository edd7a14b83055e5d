"""Reading for contexts: running totals of tokens, the ends of conversations, their system and kept messages.

Counts are derived: they are kept where they can be, and counted again where the file cannot be written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from chatlog.errors import BusyError
from chatlog.models import Message
from chatlog.store.sqlite import conversations as conversation_rows
from chatlog.store.sqlite import messages as message_rows
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.nouns import Noun
from chatlog.store.window import Count, Counted, Opening, Remembered, Windows

#: So many messages are read at once to be counted.
_BATCH = 500
#: No more system prompts than this, the first ones, and no more pinned messages, the latest, are offered.
_MOST_CHOSEN = 200


class SqliteWindows(Noun, Windows):
    """The windows of one user's conversations in an SQLite file."""

    def opening(self, conversation: str, encoding: str, count: Count) -> Opening:
        with self._pool.snapshot() as connection:
            key = self._readable(connection, conversation)
            total = _Total(connection, key, encoding)
            system = _chosen(connection, key, conversation, "system", "m.role IN ('system', 'developer')", "ASC")
            kept = _chosen(connection, key, conversation, "importance", "m.importance = 'keep'", "DESC")
            asked = _first_asked(connection, key) if len(system) > 1 else None
        if total.missing:
            self._count(conversation, encoding, total, count)
        return Opening(system, kept, total.tokens, total.messages, total.first, total.last, asked)

    def _count(self, conversation: str, encoding: str, total: _Total, count: Count) -> None:
        """Count what is not counted yet, and keep the counts where the file can be written."""
        counts: list[tuple[int, str, int]] = []
        for start in range(0, len(total.missing), _BATCH):
            seqs = total.missing[start : start + _BATCH]
            with self._pool.snapshot() as connection:
                found = message_rows.at(connection, total.key, conversation, seqs)
                bodies = _bodies(connection, total.key, seqs)  # others perhaps than when it was seen what is missing
            counts += [(bodies[message.seq], encoding, count(message)) for message in found]
        total.tokens += sum(tokens for _, _, tokens in counts)
        try:
            with self._pool.write() as connection:
                connection.executemany(
                    """INSERT OR IGNORE INTO token_counts (body, encoding, tokens)
                       SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM bodies WHERE id = ?1)""",
                    counts,
                )
                total.keep(connection)
        except BusyError:  # read-only, locked or full: nothing is lost but time
            pass

    def tail(
        self, conversation: str, encoding: str, count: Count, *, before: int | None = None, limit: int = 64
    ) -> list[Counted]:
        with self._pool.snapshot() as connection:
            key = self._readable(connection, conversation)
            rows = connection.execute(
                """SELECT m.seq, t.tokens FROM messages AS m
                   LEFT JOIN token_counts AS t ON t.body = m.body AND t.encoding = ?
                   WHERE m.conversation = ? AND m.active AND m.seq < ? ORDER BY m.seq DESC LIMIT ?""",
                (encoding, key, 1 << 62 if before is None else before, limit),
            ).fetchall()
            counts: dict[int, int | None] = dict(rows)
            found = message_rows.at(connection, key, conversation, [*counts])
        return [Counted(message, _tokens(message, counts[message.seq], count)) for message in found]

    def asked(self, conversation: str, before: int) -> Message | None:
        with self._pool.snapshot() as connection:
            key = self._readable(connection, conversation)
            row = connection.execute(
                """SELECT seq FROM messages WHERE conversation = ? AND active AND NOT hidden AND role = 'user'
                   AND seq < ? ORDER BY seq DESC LIMIT 1""",
                (key, before),
            ).fetchone()
            return message_rows.one(connection, key, conversation, row[0]) if row else None

    def active(self, conversation: str, seqs: Sequence[int]) -> set[int]:
        with self._pool.snapshot() as connection:
            rows = connection.execute(
                """SELECT seq FROM messages WHERE conversation = ? AND active AND NOT hidden
                   AND seq IN (SELECT value FROM json_each(?))""",
                (self._readable(connection, conversation), json.dumps(list(seqs))),
            ).fetchall()
        return {row[0] for row in rows}

    def memories(self, limit: int = 500) -> list[Remembered]:
        with self._pool.read() as connection:
            rows = connection.execute(
                """SELECT namespace, key, value, tags, updated_at FROM memories
                   WHERE user = ? AND (expires_at IS NULL OR expires_at > ?)
                   ORDER BY updated_at DESC, id DESC LIMIT ?""",
                (self.user, self._now(), limit),
            ).fetchall()
        return [Remembered(row[0], row[1], json.loads(row[2]), tuple(json.loads(row[3])), row[4]) for row in rows]

    def mark(self, conversation: str, seqs: Sequence[int], importance: str | None) -> int:
        with self._pool.write() as connection:
            key = conversation_rows.standing(connection, self.user, conversation, self._now()).key
            for seq in seqs:
                message_rows.one(connection, key, conversation, seq)
            changed = connection.executemany(
                "UPDATE messages SET importance = ?1 WHERE conversation = ?2 AND seq = ?3 AND importance IS NOT ?1",
                [(importance, key, seq) for seq in seqs],
            ).rowcount
            if changed:
                conversation_rows.touch(connection, [key])
            return int(changed)


def _tokens(message: Message, known: int | None, count: Count) -> int:
    if message.hidden:
        return 0
    return count(message) if known is None else known


def _bodies(connection: Connection, key: int, seqs: Sequence[int]) -> dict[int, int]:
    """Return the body at each of some seqs."""
    rows = connection.execute(
        "SELECT seq, body FROM messages WHERE conversation = ? AND seq IN (SELECT value FROM json_each(?))",
        (key, json.dumps(seqs)),
    ).fetchall()
    return dict(rows)


def _first_asked(connection: Connection, key: int) -> int | None:
    row = connection.execute(
        """SELECT seq FROM messages WHERE conversation = ? AND active AND NOT hidden AND role = 'user'
           ORDER BY seq LIMIT 1""",
        (key,),
    ).fetchone()
    return row[0] if row else None


def _chosen(
    connection: Connection, key: int, conversation: str, index: str, condition: str, order: str
) -> tuple[Message, ...]:
    """Return the active, visible messages of a kind that a partial index finds, in order."""
    rows = connection.execute(
        f"""SELECT m.seq FROM messages AS m INDEXED BY messages_{index}
            WHERE m.conversation = ? AND {condition} AND m.active AND NOT m.hidden
            ORDER BY m.seq {order} LIMIT {_MOST_CHOSEN}""",
        (key,),
    ).fetchall()
    return tuple(message_rows.at(connection, key, conversation, [row[0] for row in rows])) if rows else ()


class _Total:
    """The running total of a conversation: what was kept, and what came since."""

    def __init__(self, connection: Connection, key: int, encoding: str) -> None:
        self.key = key
        self.encoding = encoding
        kept = connection.execute(
            "SELECT seq, messages, first_seq, tokens FROM token_totals WHERE conversation = ? AND encoding = ?",
            (key, encoding),
        ).fetchone()
        last, messages, first, tokens = kept or (None, 0, None, 0)
        self.last: int | None = last
        self.messages: int = messages
        self.first: int | None = first
        self.tokens: int = tokens
        since = connection.execute(
            """SELECT m.seq, t.tokens FROM messages AS m
               LEFT JOIN token_counts AS t ON t.body = m.body AND t.encoding = ?
               WHERE m.conversation = ? AND m.seq > ? AND m.active AND NOT m.hidden ORDER BY m.seq""",
            (encoding, key, self.last or 0),
        ).fetchall()
        self.missing = [seq for seq, tokens in since if tokens is None]
        self.messages += len(since)
        self.tokens += sum(tokens for _, tokens in since if tokens is not None)
        if since:
            self.first = self.first if self.first is not None else since[0][0]
            self.last = since[-1][0]

    def keep(self, connection: Connection) -> None:
        """Keep the total, unless the conversation has changed below it meanwhile."""
        now = _Total(connection, self.key, self.encoding)
        if (now.tokens, now.last, now.missing) != (self.tokens, self.last, []):
            return
        connection.execute(
            """INSERT OR REPLACE INTO token_totals (conversation, encoding, seq, messages, first_seq, tokens)
               VALUES (?, ?, ?, ?, ?, ?)""",
            (self.key, self.encoding, self.last, self.messages, self.first, self.tokens),
        )
        connection.execute("UPDATE conversations SET token_count = ? WHERE key = ?", (self.tokens, self.key))
