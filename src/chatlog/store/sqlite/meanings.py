"""The index of meanings of one user: what is embedded of what was said, and what is nearest to a question.

Its rows are those of `vectors`; a user's many are looked at by `chunks`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from chatlog.store.sqlite import chunks
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.nouns import Noun
from chatlog.store.sqlite.vectors import CHUNK, MAX_PIECES, load_extension, piece_id, sweep, table_of
from chatlog.store.vectors import EMBEDDED_CHARS, Meanings, Pending, Vector, Vectors

#: Each search walks past up to so many bodies that others have added; of more it is noted that they are not the user's.
BEHIND = 1_000
#: Texts to embed are read until they have so many characters, and so much of each of a sample.
PENDING_CHARS, SAMPLED_CHARS = 2_000_000, 2_000
#: Of a user of more vectors than this the nearest are found without sqlite-vec.
SCANNED = 10_000
#: The same for the first search of a process without numpy: to import it takes as long as sqlite-vec takes for them.
SCANNED_FIRST = 500_000
#: The bits of no more vectors than this stay in memory between searches: 40 MB.
KEPT = 1_000_000
#: sqlite-vec answers no more neighbours at once.
MAX_NEAREST = 4_096


class SqliteVectors(Noun, Vectors):
    """`Vectors` in an SQLite file."""

    has_searched: ClassVar[bool] = False

    def __init__(self, store: Noun) -> None:
        super().__init__(store)
        self._kept: tuple[Meanings | None, Sequence[chunks.Block]] = (None, ())

    def require(self) -> None:
        with self._pool.read() as connection:
            load_extension(connection)

    def state(self) -> Meanings | None:
        with self._pool.read() as connection:
            return self._state(connection)

    def _state(self, connection: Connection) -> Meanings | None:
        row = connection.execute(
            "SELECT fingerprint, dimensions, weights, fitted, done, vectors FROM meanings WHERE user = ?", (self.user,)
        ).fetchone()
        return Meanings(*row) if row else None

    def start(self, begun: Meanings, before: Meanings | None) -> Meanings:
        with self._pool.write() as connection:
            load_extension(connection)
            state = self._state(connection)
            if state is not None and (before is None or state[:4] != before[:4]):
                return state
            self._clear(connection)
            connection.execute(
                f"""CREATE VIRTUAL TABLE IF NOT EXISTS {table_of(begun.dimensions)} USING vec0 (
                    user TEXT PARTITION KEY, embedding bit[{-(-int(begun.dimensions) // 8) * 8}], chunk_size={CHUNK})"""
            )
            connection.execute(
                "INSERT INTO meanings (user, fingerprint, dimensions, weights, fitted) VALUES (?, ?, ?, ?, ?)",
                (self.user, *begun[:4]),
            )
        return begun

    def _clear(self, connection: Connection) -> None:
        state = self._state(connection)
        if state is None:
            return
        table = table_of(state.dimensions)
        pieces = [row[0] for row in connection.execute(f"SELECT rowid FROM {table} WHERE user = ?", (self.user,))]
        connection.executemany(f"DELETE FROM {table} WHERE rowid = ?", [(piece,) for piece in pieces])
        connection.executemany("DELETE FROM vectors WHERE id = ?", [(piece,) for piece in pieces])
        connection.execute("DELETE FROM meanings WHERE user = ?", (self.user,))

    def reweigh(self, weights: bytes | None, fitted: int) -> None:
        with self._pool.write() as connection:
            connection.execute(
                "UPDATE meanings SET weights = ?, fitted = ? WHERE user = ?", (weights, fitted, self.user)
            )

    def embedded(self) -> int:
        with self._pool.read() as connection:
            row = connection.execute(
                """SELECT count(*) FROM bodies AS b JOIN meanings AS m ON m.user = b.user
                   WHERE b.user = ? AND b.text <> '' AND b.id <= m.done""",
                (self.user,),
            ).fetchone()
        return int(row[0])

    def waiting(self, most: int) -> int:
        with self._pool.read() as connection:
            return int(
                connection.execute(
                    f"SELECT count(*) FROM (SELECT 1 FROM bodies WHERE {_WAITING} LIMIT ?)",
                    (self.user, self.user, most),
                ).fetchone()[0]
            )

    def pending(self, limit: int, after: int) -> list[Pending]:
        found, chars = list[Pending](), 0
        with self._pool.read() as connection:
            for row in connection.execute(
                f"""SELECT id, substr(text, 1, {EMBEDDED_CHARS + 1}) FROM bodies
                    WHERE user = ? AND id > ? AND text <> '' ORDER BY id LIMIT ?""",
                (self.user, after, limit),
            ):
                found.append(Pending(*row))
                chars += len(found[-1].text)
                if chars > PENDING_CHARS:
                    break
        return found

    def catch_up(self) -> None:
        with self._pool.read() as connection:
            (behind,) = connection.execute(
                "SELECT max(id) - (SELECT done FROM meanings WHERE user = ?) FROM bodies", (self.user,)
            ).fetchone()
        if behind is None or behind < BEHIND:
            return
        with self._pool.write() as connection:
            connection.execute(
                f"""UPDATE meanings SET done = (SELECT max(id) FROM bodies)
                    WHERE user = ? AND NOT EXISTS (SELECT 1 FROM bodies WHERE {_WAITING})""",
                (self.user, self.user, self.user),
            )

    def sample(self, limit: int) -> list[str]:
        with self._pool.read() as connection:
            rows = connection.execute(
                "SELECT substr(text, 1, ?) FROM bodies WHERE user = ? AND text <> '' ORDER BY id DESC LIMIT ?",
                (SAMPLED_CHARS, self.user, limit),
            ).fetchall()
        return [row[0] for row in rows]

    def put(self, state: Meanings, done: int, vectors: Iterable[Vector]) -> Meanings | None:
        rows = list(vectors)
        sweep(self._pool, bool)  # a stray may have the id of one of them
        with self._pool.write() as connection:
            found = self._state(connection)
            if found is None or found[:5] != state[:5]:
                return None
            load_extension(connection)
            alive = _alive(connection, {row.body for row in rows})
            rows = [row for row in rows if row.body in alive]
            connection.executemany(
                "INSERT OR REPLACE INTO vectors (id, code) VALUES (?, ?)",
                [(piece_id(row.body, row.piece), row.code) for row in rows],
            )
            connection.executemany(
                f"INSERT INTO {table_of(state.dimensions)} (rowid, user, embedding) VALUES (?, ?, vec_bit(?))",
                [(piece_id(row.body, row.piece), self.user, row.bits) for row in rows],
            )
            connection.execute(
                "UPDATE meanings SET done = ?, vectors = vectors + ? WHERE user = ?", (done, len(rows), self.user)
            )
        return found._replace(done=done, vectors=found.vectors + len(rows))

    def nearest(self, bits: bytes, count: int, within: Collection[int] | None = None) -> list[int]:
        with self._pool.read() as connection:
            state = self._state(connection)
            if state is None:
                return []
            again, SqliteVectors.has_searched = SqliteVectors.has_searched, True
            if state.vectors > (SCANNED if again or "numpy" in sys.modules else SCANNED_FIRST):
                spans = None if within is None else chunks.spans(within, MAX_PIECES)
                few = spans if within is not None and len(within) <= chunks.FEW else None
                found = chunks.nearest(self._blocks(connection, state, few), bits, count, spans)
                return list(dict.fromkeys(piece // MAX_PIECES for piece in found))
            load_extension(connection)
            condition = "user = ? AND embedding MATCH vec_bit(?) AND k = ?"
            values: list[Any] = [self.user, bits, min(count, MAX_NEAREST)]
            if within is not None:
                condition += f" AND rowid IN ({_PIECES_WITHIN})"
                values.append(json.dumps([*within]))
            rows = connection.execute(
                f"SELECT rowid FROM {table_of(state.dimensions)} WHERE {condition} ORDER BY distance", values
            ).fetchall()
        return list(dict.fromkeys(row[0] // MAX_PIECES for row in rows))

    def _blocks(self, connection: Connection, state: Meanings, spans: chunks.Spans | None) -> Iterable[chunks.Block]:
        """Return the bits to look at; those of all the user has are kept while the index is in that state."""
        read = chunks.blocks(connection, table_of(state.dimensions), self.user, spans)
        if spans is not None or state.vectors > KEPT:
            return read
        if self._kept[0] != state:
            self._kept = state, list(read)
        return self._kept[1]

    def cosines(self, bodies: Collection[int], code: bytes) -> Mapping[int, float]:
        with self._pool.read() as connection:
            load_extension(connection)
            rows = connection.execute(
                """SELECT v.id, vec_distance_cosine(vec_int8(v.code), vec_int8(?)) FROM json_each(?) AS span
                   CROSS JOIN vectors AS v ON v.id BETWEEN span.value ->> 0 AND span.value ->> 1""",
                (code, json.dumps(_spans(bodies))),
            ).fetchall()
        found: dict[int, float] = {}
        for piece, distance in rows:
            body = piece // MAX_PIECES
            found[body] = max(found.get(body, -1.0), 1 - distance)
        return found

    def codes(self, bodies: Sequence[int]) -> Mapping[int, list[bytes]]:
        found: dict[int, list[bytes]] = {}
        with self._pool.read() as connection:
            rows = connection.execute(
                f"SELECT id, code FROM vectors WHERE id IN ({_PIECES_WITHIN})", (json.dumps([*bodies]),)
            )
            for piece, code in rows:
                found.setdefault(piece // MAX_PIECES, []).append(code)
        return found


def _spans(bodies: Collection[int]) -> list[tuple[int, int]]:
    """Return the spans of ids that the pieces of bodies have, those of bodies in a row as one."""
    spans: list[tuple[int, int]] = []
    first = last = -1
    for body in sorted(bodies):
        if body != last + 1 or first < 0:
            if first >= 0:
                spans.append((piece_id(first), piece_id(last, MAX_PIECES - 1)))
            first = body
        last = body
    return [*spans, (piece_id(first), piece_id(last, MAX_PIECES - 1))] if first >= 0 else spans


_WAITING = "user = ? AND id > coalesce((SELECT done FROM meanings WHERE user = ?), 0) AND text <> ''"
_PIECES_WITHIN = f"""SELECT v.id FROM json_each(?) AS wanted CROSS JOIN vectors AS v
    ON v.id BETWEEN wanted.value * {MAX_PIECES} AND wanted.value * {MAX_PIECES} + {MAX_PIECES - 1}"""


def _alive(connection: Connection, bodies: Collection[int]) -> set[int]:
    """Return those of the bodies that are still there: another process may have deleted some meanwhile."""
    rows = connection.execute(
        "SELECT id FROM bodies WHERE id IN (SELECT value FROM json_each(?))", (json.dumps([*bodies]),)
    )
    return {row[0] for row in rows}
