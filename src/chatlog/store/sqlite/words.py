"""What ranking asks of the word index: postings, places, neighbours, all within one user's rows.

No score of FTS5's is used: its statistics are those of all users.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from chatlog.models import Filters, Hit, Term, WordQuery
from chatlog.store.sqlite import fulltext, messages
from chatlog.store.sqlite.connection import Connection, Pool
from chatlog.store.sqlite.where import conversation_where, message_where
from chatlog.store.words import Posting, Spot
from chatlog.timespec import iso

if TYPE_CHECKING:
    from chatlog.store import Clock

#: Of a user of more conversations than this the number of messages is an estimate from the latest ones.
COUNTED = 1_000
_ANY = Filters()


class SqliteWords:
    """`Words` in an SQLite file."""

    def __init__(self, pool: Pool, user: str, clock: Clock) -> None:
        self._pool = pool
        self.user = user
        self._clock = clock

    def size(self) -> int:
        with self._pool.read() as connection:
            total = connection.execute("SELECT count(*) FROM conversations WHERE user = ?", (self.user,)).fetchone()[0]
            held, counted = connection.execute(
                """SELECT total(message_count), count(*) FROM (
                     SELECT message_count FROM conversations WHERE user = ? ORDER BY updated_at DESC LIMIT ?)""",
                (self.user, COUNTED),
            ).fetchone()
        return int(held * total / counted) if counted else 0

    def posting(self, term: Term, within: Sequence[str], most: int, *, beside: Sequence[Term] = ()) -> Posting:
        query = WordQuery(every=(term,), within=tuple(within))
        with self._pool.read() as connection:
            return self._bodies(connection, fulltext.expression(self.user, query, any_of=beside), most)

    def together(self, terms: Sequence[Term], within: Sequence[str], most: int) -> Posting:
        query = WordQuery(every=tuple(terms), within=tuple(within))
        with self._pool.read() as connection:
            return self._bodies(connection, fulltext.expression(self.user, query), most)

    def _bodies(self, connection: Connection, asked: str | None, most: int) -> Posting:
        if asked is None:
            return Posting(frozenset(), complete=True)
        rows = connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?", (asked, most + 1)
        ).fetchall()
        return Posting(frozenset(row[0] for row in rows[:most]), complete=len(rows) <= most)

    def allowed(self, filters: Filters, *, hidden: bool = False) -> frozenset[int]:
        condition, values = self._condition(filters, hidden=hidden)
        bodies = "JOIN bodies AS b ON b.id = m.body" if filters.author is not None else ""
        with self._pool.read() as connection:
            rows = connection.execute(
                f"""SELECT m.body FROM conversations AS c JOIN messages AS m ON m.conversation = c.key {bodies}
                    WHERE {condition}""",
                values,
            ).fetchall()
        return frozenset(row[0] for row in rows)

    def spots(
        self,
        bodies: Collection[int],
        reach: int,
        filters: Filters = _ANY,
        *,
        hidden: bool = False,
    ) -> list[Spot]:
        condition, values = self._condition(filters, hidden=hidden)
        with self._pool.read() as connection:
            rows = connection.execute(
                f"""WITH seeds AS (
                      SELECT DISTINCT m.conversation, m.seq FROM json_each(?) AS wanted
                      JOIN messages AS m ON m.body = wanted.value),
                    places AS (
                      SELECT DISTINCT n.conversation, n.seq FROM seeds AS s JOIN messages AS n
                      ON n.conversation = s.conversation AND n.seq BETWEEN s.seq - ? AND s.seq + ?)
                    SELECT m.conversation, m.seq, m.body, b.author, m.created_at,
                      octet_length(b.text) + coalesce(octet_length(b.tool), 0), ({condition})
                    FROM places AS p JOIN messages AS m ON m.conversation = p.conversation AND m.seq = p.seq
                    JOIN conversations AS c ON c.key = m.conversation JOIN bodies AS b ON b.id = m.body
                    WHERE c.user = ? ORDER BY m.conversation, m.seq""",
                [json.dumps([*bodies]), reach, reach, *values, self.user],
            ).fetchall()
        return [Spot(*row) for row in rows]

    def hits(self, places: Sequence[tuple[int, int]]) -> list[Hit]:
        found: list[Hit] = []
        with self._pool.read() as connection:
            for key, seq in places:
                name, title = connection.execute(
                    "SELECT id, title FROM conversations WHERE key = ? AND user = ?", (key, self.user)
                ).fetchone()
                found.append(Hit(messages.one(connection, key, name, seq), title, 0.0))
        return found

    def _condition(self, filters: Filters, *, hidden: bool) -> tuple[str, list[Any]]:
        clauses, values = conversation_where(self.user, filters, iso(self._clock()))
        more, more_values = message_where(filters, hidden=hidden)
        return " AND ".join([*clauses, *more]), [*values, *more_values]
