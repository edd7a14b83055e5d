"""Whether a file has the tables, columns, indexes, triggers and views that its schema says, and putting them back.

What the schema says is asked of a new, empty file in memory, made by the same migrations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple

from sqlcipher3 import dbapi2 as driver

from chatlog.store.sqlite import migrations
from chatlog.store.sqlite.connection import Connection

#: Tables whose rows can be made again; what messages wait for (awaited) is told again by the next import.
DERIVED = ("words", "token_counts", "token_totals", "vectors", "meanings", "awaited")


class Difference(NamedTuple):
    """Something of the schema that is not as it should be."""

    kind: str
    name: str
    what: str

    @property
    def is_derived(self) -> bool:
        """Whether what is in it can be made again."""
        return self.name.partition("_")[0] == "words" or self.name in DERIVED


def _objects(connection: Connection) -> dict[tuple[str, str], str]:
    """Return the SQL of everything in a schema but what belongs to other things, by kind and name."""
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    return {(kind, name): sql for kind, name, sql in rows}


def expected() -> Mapping[tuple[str, str], str]:
    """Return what the newest schema makes, in the order in which it does."""
    with closing(driver.connect(":memory:", isolation_level=None)) as connection:
        for step in migrations.MIGRATIONS:
            for statement in migrations.statements(step.sql):
                connection.execute(statement)
        return _objects(connection)


def differences(connection: Connection) -> list[Difference]:
    """Return what is missing or other than the schema says; what somebody added is theirs."""
    found, wrong = _objects(connection), []
    for (kind, name), sql in expected().items():
        there = found.get((kind, name))
        if there is None:
            wrong.append(Difference(kind, name, "is missing"))
        elif kind != "table" and _bare(there) != _bare(sql):
            wrong.append(Difference(kind, name, "is another one"))
        elif kind == "table" and (lost := _columns(sql) - _columns(there)):
            wrong.append(Difference(kind, name, f"lacks {', '.join(sorted(lost))}"))
    return wrong


def mend(connection: Connection) -> None:
    """Put back what is missing and can be: indexes, triggers, views, and tables of derived rows, still empty."""
    wrong = differences(connection)
    if any(one.name.partition("_")[0] == "words" for one in wrong):
        connection.execute("DROP TABLE IF EXISTS words")
        wrong = differences(connection)
    every = expected()
    for one in wrong:
        if one.what == "is another one":
            connection.execute(f"DROP {one.kind} {one.name}")
        if (one.kind, one.name) not in _objects(connection) and (one.kind != "table" or one.is_derived):
            connection.execute(every[one.kind, one.name])


def _bare(sql: str) -> str:
    """Return SQL without its comments and its layout."""
    return " ".join(re.sub(r"--[^\n]*", "", sql).split())


def _columns(sql: str) -> set[str]:
    """Return the first words of the lines between a table's brackets: its columns, and its constraints."""
    inside = _bare(sql).partition("(")[2].rpartition(")")[0]
    depth, part, parts = 0, "", list[str]()
    for char in inside:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts, part = [*parts, part], ""
        else:
            part += char
    return {words[0].strip('"') for words in (piece.split() for piece in [*parts, part]) if words}
