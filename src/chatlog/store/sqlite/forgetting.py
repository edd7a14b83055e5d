"""The forgetting of one user's conversations in an SQLite file; see the protocol for what the methods promise.

Long work is cut into transactions of a few hundredths of a second, with pauses in which others write.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from chatlog import bytescan
from chatlog.errors import NotFoundError, TakenError
from chatlog.models import Conversation, Filters, check_text
from chatlog.paths import may_exist
from chatlog.store.forgetting import AuditLine, Cause, Forgetting, Ref, Removed, Stop, StoredPolicy
from chatlog.store.sqlite import audit, backups, bodies, conversations, messages, removal, segments, vectors
from chatlog.store.sqlite import space as room
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.database_file import PARTS, all_of
from chatlog.store.sqlite.nouns import Noun
from chatlog.store.sqlite.pacing import Pace
from chatlog.store.sqlite.upkeep import sizes

#: So many messages are taken out of the index at once; more leave their words there for a merge afterwards,
#: which costs a hundredth per message.
FEW_MESSAGES = 50
#: How many conversations change their marks in one transaction, at the least and at the most.
MARKED = 16, 500
#: What one transaction removes by weight; where the index is overwritten in place, by the commit, it is one message.
OCTETS, ONE = (1 << 14, 1 << 22), (1, 1)
_ANYWHERE = Filters(any_state=True)


class SqliteForgetting(Noun, Forgetting):
    """A `Forgetting` on an SQLite file."""

    # what there is

    def find(self, ref: str) -> Conversation:
        with self._pool.snapshot() as connection:
            key = conversations.resolve(connection, self.user, ref, self._now(), _ANYWHERE)
            found = conversations.by_key(connection, key)
        if found.expires_at == conversations.DOOMED:
            raise NotFoundError(f"conversation '{ref}' is being removed", "chatlog prune --expired goes on with it")
        return found

    def every(self, filters: Filters) -> Iterator[Conversation]:
        after = 0
        while True:
            with self._pool.read() as connection:
                found, after = conversations.batch(connection, self.user, filters, self._now(), after)
            yield from (one for one in found if one.expires_at != conversations.DOOMED)
            if not found:
                return

    def due(self, trashed_before: str) -> list[Conversation]:
        with self._pool.snapshot() as connection:
            rows = connection.execute(
                """SELECT key FROM conversations WHERE user = ?1 AND expires_at <> ?4 AND expires_at <= ?2
                   UNION SELECT key FROM conversations WHERE user = ?1 AND deleted_at <= ?3
                     AND expires_at IS NOT ?4 ORDER BY key""",
                (self.user, self._now(), trashed_before, conversations.DOOMED),
            ).fetchall()
            return [conversations.by_key(connection, key) for (key,) in rows]

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        with self._pool.read() as connection:
            rows = connection.execute(
                f"""SELECT c.id, (SELECT sum({bodies.OCTETS}) FROM messages AS m JOIN bodies AS b ON b.id = m.body
                      WHERE m.conversation = c.key AND NOT EXISTS
                        (SELECT 1 FROM messages AS o WHERE o.body = m.body AND o.conversation <> m.conversation))
                    FROM conversations AS c WHERE c.user = ? AND c.id IN (SELECT value FROM json_each(?))""",
                (self.user, json.dumps(list(ids))),
            )
            return {name: octets or 0 for name, octets in rows}

    def message_sizes(self, refs: Sequence[Ref]) -> dict[Ref, int]:
        with self._pool.read() as connection:
            found = removal.places(connection, self.user, refs)
        for name, seq in refs:
            if (name, seq) not in found:
                raise messages.missing(name, seq)
        return {ref: octets for ref, (_, _, octets) in found.items()}

    def size(self) -> tuple[int, int]:
        with self._pool.read() as connection:
            return sizes(connection)

    def weight(self) -> int:
        with self._pool.read() as connection:
            found = connection.execute(f"SELECT coalesce(sum({bodies.OCTETS}), 0) FROM bodies AS b").fetchone()[0]
        return int(found)

    def sharing(self, ids: Sequence[str], refs: Sequence[Ref]) -> list[Ref]:
        with self._pool.snapshot() as connection:
            asked = [removal.places(connection, self.user, [ref]).get(ref, (0, 0, 0))[1] for ref in refs]
            found = [ref for body in dict.fromkeys(asked) for ref in removal.standing(connection, body)]
            found += removal.shared_with(connection, self.user, ids)
        own, single = {*ids}, {*refs}
        return [ref for ref in dict.fromkeys(found) if ref[0] not in own and ref not in single]

    def words(self, ids: Sequence[str], refs: Sequence[Ref], *, shared: bool = True) -> Iterator[str]:
        for name in ids:
            with self._pool.snapshot() as connection:
                key = conversations.any_key_of(connection, self.user, name)
                around = removal.said_around(connection, key)
            yield from around
            seq = 0
            while True:
                with self._pool.read() as connection:
                    rows = removal.said_in(connection, key, seq, shared=shared)
                yield from (words for _, *said in rows for words in said if words)
                if not rows:
                    break
                seq = rows[-1][0]
        for name, seq in refs:
            with self._pool.read() as connection:
                key = conversations.any_key_of(connection, self.user, name)
                rows = removal.said_in(connection, key, seq - 1, shared=True)
            yield from (words for found, *said in rows[:1] if found == seq for words in said if words)

    def still_said(self, phrases: Sequence[bytes], *, by_anyone: bool) -> set[bytes]:
        finder, user = bytescan.Finder(phrases), None if by_anyone else self.user
        with self._pool.read() as connection:
            return {piece for said in removal.all_said(connection, user) for piece in finder.within(said, fold=True)}

    # forgetting

    def alone(self) -> AbstractContextManager[bool]:
        return room.alone(self._pool.path)

    def trash(self, items: Sequence[tuple[str, int]], cause: Cause) -> list[str]:
        return self._mark("deleted_at = ?", self._now(), items, cause)

    def archive(self, items: Sequence[tuple[str, int]], cause: Cause) -> list[str]:
        return self._mark("archived = ?", 1, items, cause)

    def _mark(self, change: str, value: str | int, items: Sequence[tuple[str, int]], cause: Cause) -> list[str]:
        entry, done, left = _Entry(self.user, self._now(), cause), list[str](), items
        pace = Pace(self._pool, *MARKED)
        while left:
            with pace.turn() as connection:
                chosen, left = left[: int(pace.amount)], left[int(pace.amount) :]
                marked = [
                    name
                    for name, revision in chosen
                    if connection.execute(
                        f"""UPDATE conversations SET {change}, revision = revision + 1
                            WHERE user = ? AND id = ? AND revision = ? AND deleted_at IS NULL AND hold IS NULL""",
                        (value, self.user, name, revision),
                    ).rowcount
                ]
                if marked:
                    messages = self._count_messages(connection, marked)
                    entry.count(connection, {"conversations": len(marked), "messages": messages})
            done += marked
        return done

    def _count_messages(self, connection: Connection, ids: Sequence[str]) -> int:
        row = connection.execute(
            """SELECT sum(message_count) FROM conversations
               WHERE user = ? AND id IN (SELECT value FROM json_each(?))""",
            (self.user, json.dumps(list(ids))),
        ).fetchone()
        return row[0] or 0

    def remove(
        self, ids: Sequence[str], cause: Cause, *, stop: Stop, revisions: Mapping[str, int] | None = None
    ) -> Removed:
        pace, left, changed = Pace(self._pool, *MARKED), ids, list[str]()
        while left:
            with pace.turn() as connection:
                chosen, left = left[: int(pace.amount)], left[int(pace.amount) :]
                changed += removal.doom(connection, self.user, chosen, self._now(), revisions or {})
        with self._pool.read() as connection:
            doomed = removal.doomed(connection, self.user)
        entry, total = _Entry(self.user, self._now(), cause), Counter[str]()
        keys = deque(key for key, _ in doomed)
        many = sum(count for _, count in doomed) > FEW_MESSAGES
        pace = Pace(self._pool, *(OCTETS if many else ONE), durable=False)  # what is doomed stays so
        while keys and not stop():
            counts = Counter[str]()
            with self._indexing(pace, many=many) as connection:
                while keys and (most := int(pace.amount) - removal.weight(counts)) > 0:
                    if removal.bite(connection, keys[0], counts, most):
                        keys.popleft()
                entry.count(connection, counts)
            total.update(counts)
        return Removed(total["conversations"], total["messages"], total["bytes"], not keys, tuple(changed))

    @contextmanager
    def _indexing(self, pace: Pace, *, many: bool) -> Iterator[Connection]:
        """Lend a connection in a write transaction; with `many` what leaves the index is left for a merge."""
        with pace.turn() as connection:
            if many:
                if _note(connection, self.user, [room.MERGE], self._now()):
                    segments.defer_merges(connection, on=True)
                segments.overwrite_deleted(connection, on=False)
            yield connection
            if many:
                segments.overwrite_deleted(connection, on=True)
        if many:
            room.merge_segments(self._pool)

    def take_out(self, refs: Sequence[Ref], cause: Cause) -> Removed:
        entry, total = _Entry(self.user, self._now(), cause), Counter[str]()
        # the last first: each looks through what comes after it
        left, many = deque(sorted(refs, key=lambda ref: -ref[1])), len(refs) > FEW_MESSAGES
        pace = Pace(self._pool, *(OCTETS if many else ONE))
        while left:
            counts = Counter[str]()
            with self._indexing(pace, many=many) as connection:
                while left and removal.weight(counts) < pace.amount:
                    for (_, seq), (key, _, octets) in removal.places(connection, self.user, [left.popleft()]).items():
                        removal.take_out(connection, self.user, key, seq, self._now())
                        counts.update(messages=1, bytes=octets)
                entry.count(connection, counts)
            total.update(counts)
        return Removed(0, total["messages"], total["bytes"])

    def forget_user(self, cause: Cause) -> None:
        with self._pool.write() as connection:
            for table in ("memories", "policies", "sources"):
                connection.execute(f"DELETE FROM {table} WHERE user = ?", (self.user,))
            audit.record(connection, self.user, self._now(), cause.action, cause.detail)

    def hold(self, conversation: str, reason: str | None) -> Conversation:
        check_text("hold", reason)
        with self._pool.write() as connection:
            key = conversations.any_key_of(connection, self.user, conversation)
            connection.execute(
                "UPDATE conversations SET hold = ?1, revision = revision + 1 WHERE key = ?2 AND hold IS NOT ?1",
                (reason, key),
            )
            audit.record_hold(connection, self.user, self._now(), conversation, reason)
            return conversations.by_key(connection, key)

    # the file

    def tidy(self, stop: Stop) -> bool:
        room.drop_samples(self._pool)
        with self._pool.write() as connection:
            connection.execute("DELETE FROM memories WHERE user = ? AND expires_at <= ?", (self.user, self._now()))
        return (
            room.tidy_index(self._pool, stop) and vectors.sweep(self._pool, stop) and room.give_back(self._pool, stop)
        )

    def fold(self) -> bool:
        return room.fold(self._pool)

    def vacuum(self) -> tuple[int, int]:
        return room.vacuum(self._pool)

    def files(self) -> list[Path]:
        return all_of(self._pool.path.resolve())

    def copies(self) -> list[Path]:
        path = self._pool.path.resolve()
        ours = re.compile(
            re.escape(path.stem) + r"-(?:before-restore-)?\d{8}T\d{6}Z\.db|" + re.escape(path.name) + r".*\.backup"
        )
        with self._pool.read() as connection:
            found = {backup.path for backup in backups.known(connection)}
        folders = {path.parent, *(copy.parent for copy in found)}
        found |= {entry for entry in path.parent.iterdir() if ours.fullmatch(entry.name)}
        found |= {entry for folder in folders for entry in folder.glob(PARTS)}
        return sorted(copy for copy in found if may_exist(copy))

    # chores, policies, audit

    def begin_chore(self, names: Sequence[str]) -> None:
        with self._pool.write() as connection:
            _note(connection, self.user, names, self._now())

    def chores(self) -> list[str]:
        with self._pool.read() as connection:
            rows = connection.execute(
                "SELECT name FROM chores WHERE user = ? OR name IN (?, ?) ORDER BY since",
                (self.user, room.MERGE, vectors.STRAYS),
            )
            return [name for (name,) in rows]

    def end_chores(self, names: Sequence[str]) -> None:
        with self._pool.write() as connection:
            rows = [(self.user, name) for name in names]
            connection.executemany("DELETE FROM chores WHERE user = ? AND name = ?", rows)

    def policies(self) -> list[StoredPolicy]:
        with self._pool.read() as connection:
            rows = connection.execute(
                "SELECT name, rule, created_at FROM policies WHERE user = ? ORDER BY name", (self.user,)
            )
            return [StoredPolicy(name, json.loads(rule), created_at) for name, rule, created_at in rows]

    def add_policy(self, name: str, rule: Mapping[str, Any]) -> None:
        with self._pool.write() as connection:
            values = (self.user, name, json.dumps(dict(rule), ensure_ascii=False), self._now())
            if not connection.execute("INSERT OR IGNORE INTO policies VALUES (?, ?, ?, ?)", values).rowcount:
                raise TakenError(f"there is a policy '{name}' already", f"chatlog policy remove {name}")
            audit.record(connection, self.user, self._now(), "policy add", {"policy": name})

    def remove_policy(self, name: str) -> None:
        with self._pool.write() as connection:
            if not connection.execute("DELETE FROM policies WHERE user = ? AND name = ?", (self.user, name)).rowcount:
                raise NotFoundError(f"there is no policy '{name}'", "chatlog policy list shows what there is")
            audit.record(connection, self.user, self._now(), "policy remove", {"policy": name})

    def audit(self, limit: int) -> list[AuditLine]:
        with self._pool.read() as connection:
            return audit.latest(connection, self.user, limit)

    def users(self) -> list[str]:
        with self._pool.read() as connection:
            return [name for (name,) in connection.execute("SELECT DISTINCT user FROM conversations ORDER BY user")]


class _Entry:
    """A line of the audit trail that grows with each transaction of the work it is about."""

    def __init__(self, user: str, now: str, cause: Cause) -> None:
        self.user, self.now, self.cause = user, now, cause
        self.line: int | None = None

    def count(self, connection: Connection, counts: Mapping[str, int]) -> None:
        """Write what a transaction did, in that transaction."""
        if not any(counts.values()):
            return
        if self.line is None:
            facts = {**self.cause.detail, **counts}
            self.line = audit.record(connection, self.user, self.now, self.cause.action, facts)
        else:
            audit.add_to(connection, self.line, counts)


def _note(connection: Connection, user: str, names: Sequence[str], now: str) -> bool:
    """Note chores; whether any of them is new."""
    rows = [(user, name, now) for name in names]
    return (
        connection.executemany("INSERT OR IGNORE INTO chores (user, name, since) VALUES (?, ?, ?)", rows).rowcount > 0
    )
