"""Rows of the files that history came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from chatlog.canonical import kept_json
from chatlog.store.sources import FileState, SeenFile, Sources
from chatlog.store.sqlite.connection import Row
from chatlog.store.sqlite.nouns import Noun


class SqliteSources(Noun, Sources):
    """A user's `Sources` in an SQLite file."""

    def all(self) -> dict[str, SeenFile]:
        with self._pool.read() as connection:
            rows = connection.execute(
                """SELECT path, size, mtime_ns, read_ns, reader, format, sha256, beside, marks, stamp
                   FROM sources WHERE user = ?""",
                (self.user,),
            )
            return {row[0]: _from_row(row) for row in rows}

    def report(self, path: str) -> str | None:
        with self._pool.read() as connection:
            row = connection.execute(
                "SELECT told FROM sources WHERE user = ? AND path = ?", (self.user, path)
            ).fetchone()
        return row[0] if row else None

    def stamp(self) -> int:
        with self._pool.read() as connection:  # what deletes, restores and redacts is audited
            row = connection.execute(
                "SELECT id FROM audit WHERE user = ? AND action <> 'export' ORDER BY id DESC LIMIT 1", (self.user,)
            ).fetchone()
        return row[0] if row else 0

    def remember(self, files: Sequence[SeenFile]) -> None:
        if not files:
            return
        with self._pool.write(durable=False) as connection:  # it cannot outlast the messages, which were written before
            connection.executemany(
                "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(self.user, *_to_row(file)) for file in files],
            )

    def forget(self, tells: Callable[[str], object]) -> int:
        with self._pool.read() as connection:
            rows = connection.execute(
                "SELECT path, concat_ws(char(0), path, beside, marks, told) FROM sources WHERE user = ?", (self.user,)
            ).fetchall()
        if telling := [(self.user, path) for path, known in rows if tells(known)]:
            with self._pool.write() as connection:
                connection.executemany("DELETE FROM sources WHERE user = ? AND path = ?", telling)
        return len(telling)


def _from_row(row: Row) -> SeenFile:
    path, size, mtime_ns, read_ns, reader, name, sha256, beside, marks, stamp = row
    return SeenFile(
        path=path,
        state=FileState(size, mtime_ns),
        read_ns=read_ns,
        reader=reader,
        format=name,
        sha256=sha256,
        beside={other: FileState(*state) if state else None for other, state in json.loads(beside).items()}
        if beside
        else {},
        marks=frozenset(marks.split("\n")) if marks else frozenset(),
        stamp=stamp,
    )


def _to_row(file: SeenFile) -> Row:
    beside = kept_json(file.beside) if file.beside else None
    marks = "\n".join(sorted(file.marks)) or None
    return (
        file.path,
        *file.state,
        file.read_ns,
        file.reader,
        file.format,
        file.sha256,
        beside,
        marks,
        file.stamp,
        file.report,
    )
