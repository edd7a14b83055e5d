"""The trees of messages: the path of every conversation, messages that no path can reach, and joining those again.

Also the joining of a branch to its beginning, where that came later.
"""

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


#: Whether anything says of a conversation which seqs it is about: a summary, or a fork.
_IS_CITED = """SELECT EXISTS (SELECT 1 FROM summaries WHERE conversation = ?1) OR EXISTS (
    SELECT 1 FROM conversations AS c JOIN conversations AS f ON f.user = c.user AND f.parent = c.id
    WHERE c.key = ?1 AND f.forked_at IS NOT NULL)"""


#: A message and those it follows, up to the first that is no newer than a seq.
_ABOVE = """WITH RECURSIVE above (seq) AS (
    SELECT ?2 UNION SELECT m.parent_seq FROM above JOIN messages AS m ON m.conversation = ?1 AND m.seq = above.seq
      WHERE above.seq > ?3 AND m.parent_seq IS NOT NULL) SELECT 1 FROM above WHERE seq = ?4"""


def leads_back(connection: Connection, key: int, seq: int, ancestor: int, last_seq: int) -> bool:
    """Whether nothing but what came after `last_seq` stands between a message and one that it follows."""
    return connection.execute(_ABOVE, (key, seq, last_seq, ancestor)).fetchone() is not None


def branch(connection: Connection, key: int, root: int) -> dict[int, tuple[int | None, bool]]:
    """Return a message and all that follow it, in order: by seq the one that each follows, and whether a source has it.

    A parent comes before its child, so one look at each message is enough.
    """
    rows = connection.execute(
        """SELECT seq, parent_seq, source_id IS NOT NULL FROM messages WHERE conversation = ? AND seq >= ?
           ORDER BY seq""",
        (key, root),
    )
    found: dict[int, tuple[int | None, bool]] = {}
    for seq, parent, is_named in rows:
        if seq == root or parent in found:
            found[seq] = parent, bool(is_named)
    return found


def graft(connection: Connection, key: int, root: int, parent: int, last_seq: int) -> dict[int, int] | None:
    """Make a message follow another one; return the new seqs of all that follows it, by the old ones.

    A parent must come before its child: all go behind `last_seq` where this one does not.  Nothing is done, and None
    returned, where that closes a circle, or where the seqs are cited elsewhere: by summaries and forks, and by
    whoever wrote here.  Runs in the caller's transaction; the caller then marks the active path anew.
    """
    moving = branch(connection, key, root)
    if parent in moving:
        return None
    if parent < root:
        connection.execute("UPDATE messages SET parent_seq = ? WHERE conversation = ? AND seq = ?", (parent, key, root))
        return {}
    is_ours = not all(is_named for _, is_named in moving.values())
    if is_ours or connection.execute(_IS_CITED, (key,)).fetchone()[0]:
        return None
    moved = {seq: last_seq + number for number, seq in enumerate(moving, 1)}
    connection.execute("PRAGMA defer_foreign_keys = ON")
    connection.executemany(
        "UPDATE messages SET seq = ?, parent_seq = ? WHERE conversation = ? AND seq = ?",
        [(moved[seq], moved.get(before or 0, parent), key, seq) for seq, (before, _) in moving.items()],
    )
    for table in ("superseded", "awaited"):
        connection.executemany(
            f"UPDATE {table} SET seq = ? WHERE conversation = ? AND seq = ?",
            [(new, key, seq) for seq, new in moved.items()],
        )
    return moved
