"""What ranking asks of the word index: postings, places, neighbours, all within one user's rows.

No score of FTS5's is used: its statistics are those of all users.  Postings come out as one JSON array: a row for
each would cost twice what FTS5 does to find it.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from chatlog.models import Filters, Hit, Term
from chatlog.store.sqlite import fulltext, messages, segments
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.nouns import Noun
from chatlog.store.sqlite.where import conversation_where, message_where
from chatlog.store.words import EVERY, Posting, Spot, Surroundings, Words

#: Of a user of more conversations than this the number of messages is an estimate from the latest ones.
COUNTED = 1_000
#: Of many words most are nowhere: so many are asked for together, and one by one where one of them is there.
TOGETHER = 48
#: To read a posting costs so many times what it takes to walk past it.
LEAP = 16
_ANY = Filters()


class SqliteWords(Noun, Words):
    """`Words` in an SQLite file."""

    def size(self) -> int:
        with self._pool.read() as connection:
            if self._owner(connection) is None:
                return segments.size(connection)
            total = connection.execute("SELECT count(*) FROM conversations WHERE user = ?", (self.user,)).fetchone()[0]
            held, counted = connection.execute(
                """SELECT total(message_count), count(*) FROM (
                     SELECT message_count FROM conversations WHERE user = ? ORDER BY updated_at DESC LIMIT ?)""",
                (self.user, COUNTED),
            ).fetchone()
        return int(held * total / counted) if counted else 0

    def posting(
        self,
        terms: Sequence[Term],
        within: Sequence[str],
        most: int,
        *,
        beside: Sequence[Term] = (),
        span: tuple[int, int] = EVERY,
    ) -> Posting:
        with self._pool.read() as connection:
            asked = fulltext.expression(self._owner(connection), terms, within, any_of=beside)
            return self._bodies(connection, asked, most, span)

    def known(self, words: Sequence[str], within: Sequence[str], span: tuple[int, int] = EVERY) -> frozenset[int]:
        every = range(len(words))
        with self._pool.read() as connection:
            owner = self._owner(connection)

            def is_any(numbers: range) -> bool:
                asked = fulltext.expression(owner, (), within, any_of=[Term(words[number]) for number in numbers])
                return self._bodies(connection, asked, 1, span).total > 0

            groups = filter(is_any, (every[first : first + TOGETHER] for first in every[::TOGETHER]))
            return frozenset(number for group in groups for number in group if is_any(range(number, number + 1)))

    def placed(self, term: Term, within: Sequence[str], among: Collection[int]) -> frozenset[int]:
        first, last = min(among), max(among)
        with self._pool.read() as connection:
            # where there is no row left FTS5 goes on to the end to find one: so to the nearer end
            (end,) = connection.execute("SELECT max(id) FROM bodies").fetchone()
            rows = connection.execute(
                f"""SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?
                    ORDER BY rowid {"ASC" if end - last < first else "DESC"}""",
                (fulltext.expression(self._owner(connection), (term,), within), first, last),
            ).fetchall()
        return frozenset(row[0] for row in rows).intersection(among)

    def _owner(self, connection: Connection) -> str | None:
        """Return the user to search for, None where the file has no other: to ask for an owner doubles FTS5's work.

        Another user's messages that come in between are not shown: `spots` finds places among the user's own alone.
        """
        first, last = connection.execute(
            "SELECT (SELECT min(user) FROM conversations), (SELECT max(user) FROM conversations)"
        ).fetchone()
        return None if first == last == self.user else self.user

    def _bodies(self, connection: Connection, asked: str | None, most: int, span: tuple[int, int] = EVERY) -> Posting:
        if asked is None:
            return Posting(frozenset(), 0)
        (end,) = connection.execute("SELECT coalesce(max(id), 0) FROM bodies").fetchone()
        first, last = max(span[0], 1), min(span[1], end)
        # backwards FTS5 walks to the last of a span from the end of all, forwards it leaps to the first
        if last - first < max(most, (end - last) // LEAP):
            order, limit = "ASC", -1
        else:
            order, limit = "DESC", most
        (found,) = connection.execute(
            f"""SELECT json_group_array(rowid) FROM (SELECT rowid FROM words
                WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid {order} LIMIT ?)""",
            (asked, first, last, limit),
        ).fetchone()
        bodies = sorted(_numbers(found))
        if len(bodies) < most or not bodies:
            return Posting(frozenset(bodies), len(bodies))
        latest = bodies[-most:]
        share = (last - latest[0] + 1) / (last - first + 1)  # of the span that had to be looked through for so many
        return Posting(frozenset(latest), round(most / share) if limit == most else len(bodies), latest[0])

    def allowed(self, filters: Filters, *, hidden: bool = False) -> frozenset[int]:
        condition, values = self._condition(filters, hidden=hidden)
        by_author = any(one.author is not None for one in (filters, *filters.excluded))
        bodies = "JOIN bodies AS b ON b.id = m.body" if by_author else ""
        with self._pool.read() as connection:
            (found,) = connection.execute(
                f"""SELECT json_group_array(m.body) FROM conversations AS c
                    JOIN messages AS m ON m.conversation = c.key {bodies} WHERE {condition}""",
                values,
            ).fetchone()
        return frozenset(_numbers(found))

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
            places = connection.execute(
                """SELECT m.conversation, m.seq FROM json_each(?) AS wanted CROSS JOIN messages AS m
                   ON m.body = wanted.value""",
                (json.dumps([*bodies]),),
            ).fetchall()
            rows = connection.execute(
                f"""{_STRETCHES} SELECT m.conversation, m.seq, m.body, b.author, m.created_at,
                      octet_length(b.text) + coalesce(octet_length(b.tool), 0), ({condition}), b.tool IS NOT NULL,
                      m.role
                    FROM stretches AS s CROSS JOIN conversations AS c ON c.key = s.conversation
                    CROSS JOIN messages AS m ON m.conversation = c.key AND m.seq BETWEEN s.first AND s.last
                    CROSS JOIN bodies AS b ON b.id = m.body WHERE c.user = ?""",
                [json.dumps(_stretches(places, reach)), *values, self.user],
            ).fetchall()
        return [*map(Spot._make, rows)]

    def surroundings(self, spots: Sequence[Spot], reach: int) -> Surroundings:
        stretches = _stretches((spot[:2] for spot in spots), reach)
        length = 0
        for stretch in stretches:
            _, first, last = stretch
            stretch.append(length - first)
            length += last - first + 1
        with self._pool.read() as connection:
            places, bodies = connection.execute(
                f"""{_STRETCHES} SELECT json_group_array(m.seq + s.shift), json_group_array(m.body)
                    FROM stretches AS s CROSS JOIN messages AS m
                    ON m.conversation = s.conversation AND m.seq BETWEEN s.first AND s.last""",
                (json.dumps(stretches),),
            ).fetchone()
        row = [0] * length
        for place, body in zip(_numbers(places), _numbers(bodies), strict=True):
            row[place] = body
        return Surroundings(row, [_place(spot, stretches) for spot in spots])

    def texts(self, bodies: Collection[int], most: int) -> dict[int, str]:
        with self._pool.read() as connection:
            rows = connection.execute(
                """SELECT id, substr(text, 1, ?1) || char(10) || coalesce(substr(tool, 1, ?1), '') FROM bodies
                   WHERE user = ?2 AND id IN (SELECT value FROM json_each(?3))""",
                (most, self.user, json.dumps([*bodies])),
            ).fetchall()
        return dict(rows)

    def titled(self, words: Sequence[str], filters: Filters, most: int) -> list[tuple[str, str]]:
        rarest = sorted(words, key=len, reverse=True)  # likely, and most titles are done with by the first
        among = filters._replace(title=(*rarest, *filters.title))
        condition, values = conversation_where(self.user, among, self._now())
        with self._pool.read() as connection:
            return connection.execute(
                f"""SELECT c.id, c.title FROM conversations AS c WHERE {condition} AND c.title_by <> 'text'
                    ORDER BY +c.updated_at DESC LIMIT ?""",
                [*values, most],
            ).fetchall()

    def titles(self, conversations: Collection[int], *, given: bool) -> dict[int, str]:
        with self._pool.read() as connection:
            rows = connection.execute(
                """SELECT c.key, c.title FROM json_each(?) AS wanted CROSS JOIN conversations AS c
                   ON c.key = wanted.value
                   WHERE c.user = ? AND (c.title_by <> 'text' OR NOT ?) AND c.title IS NOT NULL""",
                (json.dumps([*conversations]), self.user, given),
            ).fetchall()
        return dict(rows)

    def hits(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Hit]:
        with self._pool.read() as connection:
            return messages.placed(connection, self.user, places)

    def _condition(self, filters: Filters, *, hidden: bool) -> tuple[str, list[Any]]:
        alive, values = conversation_where(self.user, filters, self._now())
        said, more_values = message_where(filters, hidden=hidden)
        return f"{alive} AND {said}", [*values, *more_values]


def _numbers(array: str) -> list[int]:
    """Return the numbers in a JSON array: by orjson, ten times as quick, where what embeds has imported it."""
    loads: Callable[[str], list[int]] = (sys.modules.get("orjson") or json).loads
    return loads(array)


#: Stretches of conversations, in order, and what is added to a seq there to tell where it stands in a row of them all.
#: Taken out of their JSON once: to do that for each message takes longer than to find it.
_STRETCHES = """WITH stretches (conversation, first, last, shift) AS MATERIALIZED (
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?))"""


def _stretches(places: Iterable[tuple[int, int]], reach: int) -> list[list[int]]:
    """Return the stretches (conversation, first seq, last seq) within `reach` of places, in order, none overlapping."""
    found: list[list[int]] = []
    for conversation, seq in sorted(places):
        if found and found[-1][0] == conversation and seq - reach <= found[-1][2] + 1:
            found[-1][2] = seq + reach
        else:
            found.append([conversation, seq - reach, seq + reach])
    return found


def _place(spot: Spot, stretches: Sequence[list[int]]) -> int:
    """Return where in the row of all stretches a spot stands."""
    of_it = stretches[bisect_left(stretches, [spot.conversation, spot.seq + 1]) - 1]
    return spot.seq + of_it[3]
