"""The trees of messages: the path of every conversation, messages that no path can reach, and joining those again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chatlog.store.sqlite.connection import Connection

#: The path of every conversation, from its head to the root.
PATHS = """WITH RECURSIVE path (conversation, seq) AS (
    SELECT key, head_seq FROM conversations WHERE head_seq IS NOT NULL
    UNION SELECT m.conversation, m.parent_seq FROM path JOIN messages AS m
      ON m.conversation = path.conversation AND m.seq = path.seq WHERE m.parent_seq IS NOT NULL)"""
#: Conversations that may hold a circle, where a parent is not before its child, or a parent that is not there.
_SUSPECTS = """SELECT DISTINCT m.conversation FROM messages AS m
    LEFT JOIN messages AS p ON p.conversation = m.conversation AND p.seq = m.parent_seq
    WHERE m.parent_seq IS NOT NULL AND (m.parent_seq >= m.seq OR p.seq IS NULL)"""


def stray(connection: Connection) -> list[tuple[int, int]]:
    """Return (conversation, seq) of messages whose parents lead to no root: one for each circle or missing parent."""
    suspects = [row[0] for row in connection.execute(_SUSPECTS).fetchall()]
    return [(key, seq) for key in suspects for seq in _unrooted(_parents(connection, key))]


def _parents(connection: Connection, key: int) -> dict[int, int | None]:
    rows = connection.execute("SELECT seq, parent_seq FROM messages WHERE conversation = ? ORDER BY seq", (key,))
    return dict(rows.fetchall())


def _unrooted(parents: Mapping[int, int | None]) -> Iterator[int]:
    """Yield where a walk from each message to its root breaks off: at a missing parent, or where a circle closes."""
    rooted: set[int] = set()
    for start in parents:
        walk: dict[int, None] = {}
        seq: int | None = start
        while seq is not None and seq not in rooted and seq not in walk and seq in parents:
            walk[seq] = None
            seq = parents[seq]
        if seq is not None and seq not in rooted:
            # of a circle its first message is the one that should have had another parent
            yield min([*walk][[*walk].index(seq) :]) if seq in walk else [*walk][-1]
        rooted |= walk.keys()


def join(connection: Connection) -> None:
    """Make each stray message follow the one that came before it, in the caller's transaction."""
    connection.executemany(
        """UPDATE messages SET parent_seq = (SELECT max(b.seq) FROM messages AS b
             WHERE b.conversation = messages.conversation AND b.seq < messages.seq)
           WHERE conversation = ? AND seq = ?""",
        stray(connection),
    )
