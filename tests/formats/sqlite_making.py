"""Makers of the small databases that other programs would have left behind."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as driver

from chatlog.formats.source import Source, file_source


def database(path: Path, script: str = "", mode: str = "delete") -> Path:
    """Run statements in a database file and leave it as a program that ended well would."""
    with_connection(path, script, mode).close()
    return path


def with_connection(path: Path, script: str = "", mode: str = "delete") -> Any:
    """Run statements in a database file, and return the connection that still has it open."""
    connection = driver.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
    connection.executescript(script)
    return connection


def table(path: Path, name: str, rows: Iterable[Mapping[str, Any]], declared: str = "") -> Path:
    """Make a table of rows; what is neither text, number nor bytes goes in as JSON."""
    found = list(rows)
    columns = list(found[0])
    connection = driver.connect(str(path), isolation_level=None)
    connection.execute(f'CREATE TABLE "{name}" ({declared or ", ".join(columns)})')
    marks = ", ".join("?" * len(columns))
    names = ", ".join(f'"{column}"' for column in columns)
    for row in found:
        connection.execute(f'INSERT INTO "{name}" ({names}) VALUES ({marks})', [_bound(row[key]) for key in columns])
    connection.close()
    return path


def cut_off(held: Source, keep: float) -> Source:
    """Return a database's source with so much of its file left."""
    assert held.path is not None
    whole = held.path.read_bytes()
    held.path.write_bytes(whole[: int(len(whole) * keep)])
    return file_source(held.path)


def _bound(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


_NONSENSE = ("NULL", "5", "-1.5", "'x'", "x'ff'", "'{'", "'[1]'", "'{\"a\": []}'", "'null'", "''")


def damage(path: Path, seed: int, changes: int = 6) -> Path:
    """Put nonsense in place of some values of a database, the same for the same `seed`."""
    chance = random.Random(seed)
    connection = driver.connect(str(path), isolation_level=None)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    done = 0
    while done < changes:
        name = chance.choice(names)
        column = chance.choice([row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')])
        value, rest = chance.choice(_NONSENSE), chance.randrange(3)
        try:
            connection.execute(f'UPDATE OR IGNORE "{name}" SET "{column}" = {value} WHERE rowid % 3 >= {rest}')
            done += 1
        except driver.Error:  # a column that takes numbers alone
            continue
    connection.close()
    return path


def in_memory(path: Path, name: str = "a.db") -> Source:
    """Return a source of the file's bytes that knows no path, as of an archive's member."""
    import io

    data = path.read_bytes()
    return Source(name=name, opener=lambda: io.BytesIO(data), size=len(data))
