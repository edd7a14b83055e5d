"""Statistics as SQL: each question is one pass over what it sums, and reads no text to know how long it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from chatlog.errors import BusyError
from chatlog.models import Filters, Message
from chatlog.store.measures import Exchange, Group, Measures, Size
from chatlog.store.sqlite.bodies import SAID_OCTETS
from chatlog.store.sqlite.connection import Row
from chatlog.store.sqlite.nouns import Noun
from chatlog.store.sqlite.summaries import STANDS
from chatlog.store.sqlite.upkeep import sizes
from chatlog.store.sqlite.where import conversation_where, listing_where
from chatlog.store.sqlite.window import SqliteWindows

_JOINED = """messages AS m ON m.conversation = c.key {0}JOIN bodies AS b ON b.id = m.body
    LEFT JOIN token_counts AS t ON t.body = m.body AND t.encoding = ?1"""
_FROM = "FROM chosen AS c JOIN " + _JOINED.format("")
_FROM_ALL = "FROM chosen AS c LEFT JOIN " + _JOINED.format("LEFT ")
#: What counts as context: the active path without what is hidden.
_TOKENS = "iif(m.active AND NOT m.hidden, t.tokens, 0)"
_UNSIZED = "c.token_count IS NULL AND c.message_count > 0"
#: By these a conversation counts that has no messages; the others are facts of messages.
_OF_CONVERSATIONS = ("source", "tag", "user")
_NAMES = {
    "day": "substr(m.created_at, 1, 10)",
    "model": "coalesce(m.model, c.model, '')",
    "source": "coalesce(c.source, 'chatlog')",
    "role": "m.role",
    "tag": "g.tag",
    "user": "c.user",
}


class SqliteMeasures(Noun, Measures):
    """The measures of one user's conversations in an SQLite file."""

    def uncounted(self, filters: Filters, encoding: str) -> list[str]:
        rows = self._ask(
            filters,
            encoding,
            f"""SELECT c.id FROM chosen AS c WHERE {_UNSIZED} OR EXISTS (
                 SELECT 1 FROM messages AS m WHERE m.conversation = c.key AND m.active AND NOT m.hidden
                 AND NOT EXISTS (SELECT 1 FROM token_counts AS t WHERE t.body = m.body AND t.encoding = ?1))""",
        )
        return [row[0] for row in rows]

    def unsized(self, filters: Filters) -> int:
        return int(self._ask(filters, "", f"SELECT count(*) FROM chosen AS c WHERE {_UNSIZED}")[0][0])

    def count(self, conversation: str, encoding: str, count: Callable[[Message], int]) -> None:
        found = SqliteWindows(self).opening(conversation, encoding, count)
        with suppress(BusyError), self._pool.write() as connection:  # of words that were counted elsewhere already
            connection.execute(
                "UPDATE conversations SET token_count = ? WHERE user = ? AND id = ? AND token_count IS NULL",
                (found.tokens, self.user, conversation),
            )

    def sizes(self, filters: Filters, encoding: str) -> list[Size]:
        rows = self._ask(
            filters,
            encoding,
            f"""SELECT c.id, c.title, c.model, c.message_count, coalesce(sum({SAID_OCTETS}), 0),
                  coalesce(sum({_TOKENS}), 0), c.updated_at
                {_FROM_ALL} GROUP BY c.key ORDER BY c.updated_at DESC, c.key DESC""",
        )
        return [Size(*row) for row in rows]

    def turns(self, filters: Filters, encoding: str) -> dict[str, list[int]]:
        rows = self._ask(
            filters,
            encoding,
            f"""SELECT id, sum(tokens) FROM (
                  SELECT c.id AS id, coalesce(t.tokens, 0) AS tokens,
                    sum(m.role = 'user') OVER (PARTITION BY m.conversation ORDER BY m.seq) AS turn
                  {_FROM} WHERE m.active AND NOT m.hidden)
                GROUP BY id, turn ORDER BY id, turn""",
        )
        found: dict[str, list[int]] = {}
        for conversation, tokens in rows:
            found.setdefault(conversation, []).append(tokens)
        return found

    def unsummarised(self, conversations: Sequence[str], encoding: str) -> dict[str, list[Exchange]]:
        with self._pool.read() as connection:
            rows = connection.execute(
                f"""WITH fresh AS (
                     SELECT c.id, m.seq, m.created_at, coalesce(t.tokens, 0) AS tokens,
                       m.role = 'user'
                         AND lag(m.role, 1, '') OVER (PARTITION BY c.key ORDER BY m.seq) <> 'user' AS opens
                     FROM conversations AS c JOIN messages AS m ON m.conversation = c.key
                       LEFT JOIN token_counts AS t ON t.body = m.body AND t.encoding = ?1
                     WHERE c.user = ?2 AND c.id IN (SELECT value FROM json_each(?3))
                       AND m.active AND NOT m.hidden AND m.role NOT IN ('system', 'developer')
                       AND m.seq > coalesce((SELECT max(to_seq) FROM summaries
                                             WHERE conversation = c.key AND {STANDS}), 0)),
                   numbered AS (SELECT *, sum(opens) OVER (PARTITION BY id ORDER BY seq) AS exchange FROM fresh)
                   SELECT id, min(created_at), count(*), sum(tokens), exchange > 0 FROM numbered
                   GROUP BY id, exchange ORDER BY id, exchange""",
                (encoding, self.user, json.dumps(list(conversations))),
            ).fetchall()
        found: dict[str, list[Exchange]] = {}
        for name, since, messages, tokens, opened in rows:
            found.setdefault(name, []).append(Exchange(since, messages, tokens, bool(opened)))
        return found

    def groups(self, filters: Filters, encoding: str, dimension: str) -> list[Group]:
        tags = "JOIN tags AS g ON g.conversation = c.key" if dimension == "tag" else ""
        joined = _FROM_ALL if dimension in _OF_CONVERSATIONS else _FROM
        rows = self._ask(
            filters,
            encoding,
            f"""SELECT {_NAMES[dimension]} AS name, count(DISTINCT c.key), count(m.seq), coalesce(sum({_TOKENS}), 0),
                  coalesce(sum({SAID_OCTETS}), 0)
                {joined} {tags} GROUP BY name ORDER BY {"name" if dimension == "day" else "3 DESC, name"}""",
        )
        return [Group(*row) for row in rows]

    def file_bytes(self) -> int:
        with self._pool.read() as connection:
            return sizes(connection)[0]

    def _ask(self, filters: Filters, encoding: str, query: str) -> list[Row]:
        """Return the rows of a query over the `chosen` conversations; ``?1`` is the encoding."""
        alive, values = conversation_where(self.user, filters, self._now())
        listed, more_values = listing_where(filters)
        chosen = f"SELECT c.* FROM conversations AS c WHERE {alive} AND {listed}"
        asked: list[Any] = [encoding, *values, *more_values]
        with self._pool.read() as connection:
            return connection.execute(
                f"WITH asked (encoding) AS (SELECT ?1), chosen AS ({chosen}) {query}",
                asked,  # ?1 first: the rest count on
            ).fetchall()
