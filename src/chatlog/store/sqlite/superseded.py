"""What messages were before a newer version or a redaction replaced it, by hash: no import brings it back."""

from __future__ import annotations

from chatlog.store.sqlite.connection import Connection


def note(connection: Connection, key: int, seq: int, digest: bytes, *, redacted: bool = False) -> None:
    """Remember what a message of a conversation was, or came as."""
    connection.execute(
        "INSERT OR IGNORE INTO superseded (conversation, seq, sha256, redacted) VALUES (?, ?, ?, ?)",
        (key, seq, digest, redacted),
    )


def note_redaction(connection: Connection, body: int) -> None:
    """Remember, wherever a body stands, that it is redacted now; before it is replaced."""
    connection.execute(
        """INSERT INTO superseded (conversation, seq, sha256, redacted)
           SELECT m.conversation, m.seq, b.sha256, 1 FROM messages AS m JOIN bodies AS b ON b.id = m.body
           WHERE m.body = ? ON CONFLICT DO UPDATE SET redacted = 1""",
        (body,),
    )


def keeps(connection: Connection, key: int, seq: int, digest: bytes, *, named: bool) -> bool:
    """Whether a message stays as it is: it was like this before, or it is one of a source (`named`) and redacted."""
    found = connection.execute(
        "SELECT 1 FROM superseded WHERE conversation = ? AND seq = ? AND (sha256 = ? OR redacted AND ?)",
        (key, seq, digest, named),
    )
    return found.fetchone() is not None


def is_redacted(connection: Connection, key: int, seq: int) -> bool:
    """Whether a message of a conversation was redacted."""
    found = connection.execute("SELECT 1 FROM superseded WHERE conversation = ? AND seq = ? AND redacted", (key, seq))
    return found.fetchone() is not None


def any_redacted(connection: Connection) -> bool:
    """Whether anything was ever redacted in this file."""
    return connection.execute("SELECT 1 FROM superseded WHERE redacted LIMIT 1").fetchone() is not None


def redacted_body(connection: Connection, user: str, digest: bytes) -> int | None:
    """Return the body that stands where a message like this was redacted, in whatever conversation of the user's."""
    row = connection.execute(
        """SELECT m.body FROM superseded AS s JOIN messages AS m USING (conversation, seq)
           JOIN conversations AS c ON c.key = m.conversation
           WHERE s.sha256 = ? AND s.redacted AND c.user = ? LIMIT 1""",
        (digest, user),
    ).fetchone()
    return row[0] if row else None
