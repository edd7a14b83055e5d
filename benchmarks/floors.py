"""`python -m benchmarks.floors`: what of an append, an import and a context is SQLite's alone.

The statements that each of them runs are recorded and run again, without the Python around them: nothing that writes
and reads the same rows can be quicker.  No bars: it says how far those of `append`, `import_rate` and `context` are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from sqlcipher3 import dbapi2

import chatlog
from benchmarks.append import BARE, BATCH, CHATLOG, appending
from benchmarks.common import (
    Stopwatch,
    Usage,
    cpus,
    header,
    interleaved,
    ms,
    options,
    p50,
    table,
    walls,
    workplace,
)  # fmt: skip
from benchmarks.context import WARM_UP, large, questions
from benchmarks.import_rate import FORMATS, SAMPLES
from benchmarks.subjects import BareTable, Chatlog, Subject
from chatlog.formats.source import files
from chatlog.store.sqlite.connection import Connection, connect
from chatlog.store.sqlite.vectors import load_extension

ALONE = "its statements alone"


class Statement(NamedTuple):
    """What a connection was given: one statement, once or with many rows."""

    many: bool
    sql: str
    values: tuple[Any, ...]


class Recorder:
    """A connection that notes what it is given."""

    def __init__(self, connection: Any, log: list[Statement]) -> None:
        self._connection = connection
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *values: Any) -> Any:
        """Run a statement."""
        self._log.append(Statement(False, sql, values))
        return self._connection.execute(sql, *values)

    def executemany(self, sql: str, rows: Sequence[Any]) -> Any:
        """Run a statement with many rows."""
        self._log.append(Statement(True, sql, (rows := [*rows],)))
        return self._connection.executemany(sql, rows)


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """Lend the list to which connections that are opened meanwhile add what they are given."""
    log: list[Statement] = []
    made = dbapi2.connect
    with patch.object(dbapi2, "connect", lambda *given, **named: Recorder(made(*given, **named), log)):
        yield log


def again(connection: Any, log: Sequence[Statement]) -> Usage:
    """Run statements once more, their rows fetched, and return what it took."""
    watch = Stopwatch()
    for many, sql, values in log:
        if many:
            connection.executemany(sql, *values)
        else:
            connection.execute(sql, *values).fetchall()
    return watch.stop()


def opened(path: Path) -> Connection:
    """Return a connection to a file, which may be new, that can compare vectors."""
    path.touch()
    connection = connect(path)
    load_extension(connection)
    return connection


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="200 appends, 10 contexts")
    asked = parser.parse_args(arguments)
    header("What SQLite takes of it")
    with workplace(asked.folder) as folder:
        _appends(folder, 200 if asked.quick else 1_500)
        _imports(folder)
        _contexts(folder, 10 if asked.quick else 60)


class Statements(Chatlog):
    """The statements of chatlog's appends, recorded on one file and timed on another that is the same."""

    def __init__(self, path: Path) -> None:
        with recorded() as self.log:
            super().__init__(path.with_suffix(".recorded.db"))
            self.session_id = self.store.new().id
        self.connection = opened(path)
        again(self.connection, self.log)

    def session(self) -> str:
        """Return the one conversation that both files have."""
        return self.session_id

    def append(self, session: str, text: str) -> Usage:
        """Add a message to the one file, and time what it took to write on the other."""
        self.log.clear()
        super().append(session, text)
        return again(self.connection, self.log)


def _appends(folder: Path, count: int) -> None:
    kinds: dict[str, type[Subject]] = {CHATLOG: Chatlog, ALONE: Statements, BARE: BareTable}
    subjects: dict[str, Subject] = {
        name: kind(folder / f"floor-{at}.db") for at, (name, kind) in enumerate(kinds.items())
    }
    found = interleaved({name: appending(subject) for name, subject in subjects.items()}, count // BATCH, batch=BATCH)
    bare = p50(walls(found[BARE]))
    rows = [(name, ms(p50(walls(u))), ms(p50(cpus(u))), f"{p50(walls(u)) / bare:.2f}") for name, u in found.items()]
    table(("append", "p50 ms", "cpu p50 ms", "p50 / bare"), rows)


def _imports(folder: Path) -> None:
    rows = []
    for name in FORMATS:
        if not (SAMPLES / name).is_dir():
            continue
        found = [*files(SAMPLES / name)]
        size = sum(path.stat().st_size for path in found)
        with recorded() as log, chatlog.open(folder / f"{name}.db") as store:
            watch = Stopwatch()
            chatlog.import_history(store, found)
            whole = watch.stop().cpu
        with closing(opened(folder / f"{name}-again.db")) as connection:
            alone = again(connection, log).cpu
        rows.append((name, f"{size / whole / 1e6:.1f}", f"{size / alone / 1e6:.1f}"))
    if rows:
        table(("import, MB per cpu s", "chatlog", ALONE), rows)


def _contexts(folder: Path, rounds: int) -> None:
    path = large(folder, 100_000)
    with closing(opened(path)) as connection, recorded() as log, chatlog.open(path) as store:
        whole, alone = [], []
        for ask in questions(store, rounds + WARM_UP):
            log.clear()
            watch = Stopwatch()
            ask()
            whole.append(watch.stop())
            alone.append(again(connection, log))
    timed = {"chatlog": whole[WARM_UP:], ALONE: alone[WARM_UP:]}
    table(
        ("context of 10,000 messages among 100,000", "p50 ms", "cpu p50 ms"),
        [(name, ms(p50(walls(found))), ms(p50(cpus(found)))) for name, found in timed.items()],
    )


if __name__ == "__main__":
    main()
