"""Slices of a session, in whatever order they come: each message follows, in the end, the one that it follows.

A message whose parent is not here waits for it.  Until that comes, it follows what was said last before it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from chatlog.models import MessageDraft
from chatlog.store.sqlite import messages, trees
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.target import Target

#: A slice has one message whose parent is not in it: where more wait than this, the source names none that there are.
MOST = 100

#: What waits: source id, time, seq; seq of what it waits for; seq and time of what it follows.
_WAITING = """SELECT m.source_id, m.created_at, m.seq, p.seq, f.seq, coalesce(f.created_at, '') FROM awaited AS a
    JOIN messages AS m ON m.conversation = a.conversation AND m.seq = a.seq
    LEFT JOIN messages AS p ON p.source_id = a.parent AND p.conversation = a.conversation
    LEFT JOIN messages AS f ON f.conversation = a.conversation AND f.seq = m.parent_seq
    WHERE a.conversation = ? LIMIT ?"""

#: When each message of a source was said, and its seq.
_SPOKEN = """SELECT created_at, seq FROM messages WHERE conversation = ? AND source_id IS NOT NULL
    ORDER BY created_at, seq"""
#: A seq that no message has: what follows all messages of one time.
AFTER = 1 << 63


def join(connection: Connection, target: Target, drafts: Sequence[MessageDraft]) -> None:
    """Let what came before its parent follow that now, at the end of a batch."""
    for draft in drafts:
        name = draft.source_id or ""
        if name in target.parents and isinstance(draft.parent, str) and draft.parent in target.known:
            seq, parent = target.known[name][0], target.known[draft.parent][0]
            if _came_before(connection, target, target.parents[name], parent):
                _move(connection, target, name, seq, parent)
    if target.awaited:
        connection.executemany(
            "INSERT INTO awaited (conversation, seq, parent) VALUES (?, ?, ?)",
            [(target.key, target.now_at(seq), parent) for seq, parent in target.awaited.items()],
        )
    if target.placed and (target.awaited or not target.is_new):
        _look_after(connection, target)
    if target.grafted and target.head is not None:
        connection.execute("UPDATE messages SET active = 0 WHERE conversation = ? AND active", (target.key,))
        messages.switch_head(connection, target.key, target.head)


def _came_before(connection: Connection, target: Target, stored: int | None, parent: int) -> bool:
    """Whether a parent that the source names belongs between a message and the one that it follows here."""
    if stored is None:
        return True
    is_new = parent != stored and parent > target.stored_seq
    return is_new and trees.leads_back(connection, target.key, parent, stored, target.stored_seq)


def _move(connection: Connection, target: Target, name: str, seq: int, parent: int) -> None:
    moved = trees.graft(connection, target.key, seq, parent, target.last_seq)
    if moved is not None:
        target.renumber(moved)
        if name in target.parents:
            target.parents[name] = parent


def _look_after(connection: Connection, target: Target) -> None:
    """Let messages follow the parent that they waited for, or what was said before them and came in this batch."""
    waiting = connection.execute(_WAITING, (target.key, MOST + 1)).fetchall()
    spoken: list[tuple[str, int]] = []
    for name, said, seq, came, follows, before in waiting if len(waiting) <= MOST else ():
        here = target.now_at(seq)
        parent = None
        if came is not None:
            connection.execute("DELETE FROM awaited WHERE conversation = ? AND seq = ?", (target.key, here))
            parent = target.now_at(came)
        elif said > target.oldest or seq > target.stored_seq:
            spoken = spoken or connection.execute(_SPOKEN, (target.key,)).fetchall()
            earlier = spoken[bisect_left(spoken, (before, AFTER)) : bisect_left(spoken, (said,))]
            own = trees.branch(connection, target.key, here) if earlier else ()
            parent = next((found for _, one in reversed(earlier) if (found := target.now_at(one)) not in own), None)
        if parent is not None and (follows is None or parent != target.now_at(follows)):
            _move(connection, target, name, here, parent)
