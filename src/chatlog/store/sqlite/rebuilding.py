"""Makes again everything that is derived from what was said, in one transaction."""

from __future__ import annotations

from chatlog.store.sqlite import shape, trees, vectors
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.fulltext import extra_columns
from chatlog.store.sqlite.health import WRONG_TOTAL

#: Rows that only say something about what is gone, as a cascade would have taken them with it.
_LEFT_BEHIND = (
    "DELETE FROM tags WHERE conversation NOT IN (SELECT key FROM conversations)",
    "DELETE FROM summaries WHERE conversation NOT IN (SELECT key FROM conversations)",
    "UPDATE summaries SET superseded_by = NULL WHERE superseded_by NOT IN (SELECT id FROM summaries)",
    """DELETE FROM superseded WHERE NOT EXISTS (SELECT 1 FROM messages AS m
         WHERE m.conversation = superseded.conversation AND m.seq = superseded.seq)""",
    "DELETE FROM token_counts WHERE body NOT IN (SELECT id FROM bodies)",
    f"DELETE FROM token_totals AS t WHERE {WRONG_TOTAL}",
    "DELETE FROM chores WHERE name = 'merge'",  # the new index holds no words of what was removed
)
_OF_CONVERSATION = "FROM messages AS m WHERE m.conversation = conversations.key"
#: What follows from the messages: counters, the head where there is no such message, the path to the head.
_COUNTERS = (
    f"""UPDATE conversations SET message_count = (SELECT count(*) {_OF_CONVERSATION}),
          last_seq = max(last_seq, (SELECT coalesce(max(seq), 0) {_OF_CONVERSATION}))""",
    f"""UPDATE conversations SET head_seq = (SELECT max(seq) {_OF_CONVERSATION})
        WHERE NOT EXISTS (SELECT 1 {_OF_CONVERSATION} AND m.seq = head_seq)""",
    f"""{trees.PATHS} UPDATE messages SET active = 1 - active
        WHERE active <> ((conversation, seq) IN (SELECT conversation, seq FROM path))""",
)


def rebuild(connection: Connection) -> None:
    """Recreate indexes, search terms, the word index, counters and active paths, in the caller's transaction.

    Vectors that do not agree with the messages are dropped: whoever has an embedder makes them again.
    """
    shape.mend(connection)
    for sql in _LEFT_BEHIND:
        connection.execute(sql)
    trees.join(connection)
    _search_terms(connection)
    connection.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
    connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
    for sql in _COUNTERS:
        connection.execute(sql)
    if any(count for _, count in vectors.disagreements(connection)):
        vectors.drop(connection)
    connection.execute("REINDEX")


def _search_terms(connection: Connection) -> None:
    for body in [row[0] for row in connection.execute("SELECT id FROM bodies")]:
        *stored, text, tool = connection.execute(
            "SELECT extra, tool_extra, text, tool FROM bodies WHERE id = ?", (body,)
        ).fetchone()
        terms = extra_columns(text, tool)
        if tuple(stored) != terms:
            connection.execute("UPDATE bodies SET extra = ?, tool_extra = ? WHERE id = ?", (*terms, body))
