"""Summary rows: the one in force of each kind, and adding one as a compare-and-swap."""

from __future__ import annotations

from collections.abc import Sequence

from chatlog.errors import ConflictError
from chatlog.models import Message
from chatlog.store.sqlite import conversations as conversation_rows
from chatlog.store.sqlite import messages as message_rows
from chatlog.store.sqlite.connection import Connection, Row
from chatlog.store.sqlite.nouns import Noun
from chatlog.store.summaries import KINDS, Summaries, Summary, SummaryDraft

_COLUMNS = "id, kind, from_seq, to_seq, text, tokens, method, created_at, superseded_by IS NOT NULL"
#: What says that a summary is of the active path: an edit further up leaves what it covers behind.
STANDS = """EXISTS (SELECT 1 FROM messages AS m
                WHERE m.conversation = summaries.conversation AND m.seq = summaries.to_seq AND m.active)"""


class SqliteSummaries(Noun, Summaries):
    """The summaries of one user's conversations in an SQLite file."""

    def latest(self, conversation: str) -> dict[str, Summary]:
        with self._pool.snapshot() as connection:
            key = self._readable(connection, conversation)
            rows = [row for kind in KINDS if (row := _in_force(connection, key, kind))]
        return {found.kind: found for found in map(_from_row, rows)}

    def all(self, conversation: str) -> list[Summary]:
        with self._pool.snapshot() as connection:
            key = self._readable(connection, conversation)
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM summaries WHERE conversation = ? ORDER BY id", (key,)
            ).fetchall()
        return [_from_row(row) for row in rows]

    def add(self, conversation: str, drafts: Sequence[SummaryDraft]) -> list[Summary]:
        now = self._now()
        with self._pool.write() as connection:
            key = conversation_rows.standing(connection, self.user, conversation, now).key
            return [self._insert(connection, key, draft, now) for draft in drafts]

    def _insert(self, connection: Connection, key: int, draft: SummaryDraft, now: str) -> Summary:
        _check(connection, key, draft)
        made = connection.execute(
            """INSERT INTO summaries (conversation, user, kind, from_seq, to_seq, text, tokens, method, created_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (key, self.user, draft.kind, draft.from_seq, draft.to_seq, draft.text, draft.tokens, draft.method, now),
        ).lastrowid
        if draft.after is not None:
            connection.execute("UPDATE summaries SET superseded_by = ? WHERE id = ?", (made, draft.after))
        return _from_row(connection.execute(f"SELECT {_COLUMNS} FROM summaries WHERE id = ?", (made,)).fetchone())


def _in_force(connection: Connection, key: int, kind: str) -> Row | None:
    """Return the row of the summary of a kind that reaches furthest on the active path."""
    row: Row | None = connection.execute(
        f"""SELECT {_COLUMNS} FROM summaries WHERE conversation = ? AND kind = ? AND {STANDS}
            ORDER BY to_seq DESC, id DESC LIMIT 1""",
        (key, kind),
    ).fetchone()
    return row


def copy(connection: Connection, source: int, seqs: Sequence[int], target: int) -> None:
    """Give a conversation the summaries of another whose messages `seqs` it starts with, numbered from 1."""
    numbers = {seq: number for number, seq in enumerate(seqs, 1)}
    for kind in KINDS:
        rows = connection.execute(
            "SELECT id, from_seq, to_seq FROM summaries WHERE conversation = ? AND kind = ? ORDER BY to_seq, id",
            (source, kind),
        ).fetchall()
        told = [(number, first, last) for number, first, last in rows if last in numbers]
        for number, first, last in told[-1:]:
            connection.execute(
                """INSERT INTO summaries (conversation, user, kind, from_seq, to_seq, text, tokens, method, created_at)
                   SELECT ?, user, kind, ?, ?, text, tokens, method, created_at FROM summaries WHERE id = ?""",
                (target, numbers.get(first, 1), numbers[last], number),
            )


def _from_row(row: Row) -> Summary:
    number, kind, first, last, text, tokens, method, created, superseded = row
    return Summary(number, kind, first, last, text, tokens, method, created, bool(superseded))


def _check(connection: Connection, key: int, draft: SummaryDraft) -> None:
    """Raise ConflictError where the draft is not made of what is there now."""
    before = _in_force(connection, key, draft.kind)
    if (before and before[0]) != draft.after:
        raise ConflictError("another process has summarised this conversation meanwhile", "run it again")
    seqs = [turn.seq for turn in draft.turns]
    now = message_rows.at(connection, key, "", seqs, active=True)
    if [*map(_said, now)] != [*map(_said, draft.turns)]:
        raise ConflictError("the summarised turns have changed meanwhile", "run it again")


def _said(turn: Message) -> tuple[object, ...]:
    """Return of a message what a summary is made of."""
    return turn.seq, turn.role, turn.author, turn.text, turn.parts
