"""Vectors in SQLite: bits in a `vec0` table of sqlite-vec to find candidates, bytes in a plain one to compare them.

The extension is loaded by its path and only where vectors are used: importing its package would bring numpy.
There are no triggers, so that everything else works in a file whose extension is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import NoVectorsError
from chatlog.store.forgetting import Stop
from chatlog.store.sqlite import chunks
from chatlog.store.sqlite.connection import Connection, Pool
from chatlog.store.sqlite.pacing import in_steps

#: A body has at most so many pieces: the id of a piece's vector is the body's times this, and the piece.
MAX_PIECES = 64
#: Vectors that are kept together: 8 kB of bits, the least that a user takes.  Their ids fill half a page.
CHUNK = 248
#: A chore: bits of vectors that are gone are still in the file.
STRAYS = "vectors"


def piece_id(body: int, piece: int = 0) -> int:
    """Return the id of a piece's vector."""
    return body * MAX_PIECES + piece


def load_extension(connection: Connection) -> None:
    """Make sqlite-vec's functions known to a connection.  Raises NoVectorsError where the platform has none."""
    if connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'vec0'").fetchone():
        return
    found = find_spec("sqlite_vec")
    places = found.submodule_search_locations if found else None
    if not places:
        raise NoVectorsError("sqlite-vec is not installed for this platform", "search works by words")
    raw: driver.Connection = connection
    try:
        raw.enable_load_extension(True)
        raw.load_extension(str(Path(places[0]) / "vec0"))
        raw.enable_load_extension(False)
    except (driver.Error, AttributeError):
        raise NoVectorsError("sqlite-vec cannot be loaded on this platform", "search works by words") from None


def forget(connection: Connection, bodies: Sequence[int]) -> None:
    """Delete the vectors of bodies that are about to go, in the caller's transaction.

    Where the extension is missing, the bits that candidates are found by stay behind, find nothing, and are noted
    as a chore: `sweep`.
    """
    for body in bodies:
        span = (piece_id(body), piece_id(body, MAX_PIECES - 1))
        pieces = connection.execute("SELECT id FROM vectors WHERE id BETWEEN ? AND ?", span).fetchall()
        if not pieces:
            continue
        connection.executemany("DELETE FROM vectors WHERE id = ?", pieces)
        dimensions = connection.execute(
            """UPDATE meanings SET vectors = vectors - ? WHERE user = (SELECT user FROM bodies WHERE id = ?)
               RETURNING dimensions""",
            (len(pieces), body),
        ).fetchone()
        try:
            load_extension(connection)
            connection.executemany(f"DELETE FROM {table_of(*dimensions)} WHERE rowid = ?", pieces)
        except NoVectorsError:
            _note_strays(connection)


def _note_strays(connection: Connection) -> None:
    connection.execute("INSERT OR IGNORE INTO chores (user, name, since) VALUES ('', ?, '')", (STRAYS,))


def sweep(pool: Pool, stop: Stop) -> bool:
    """Delete bits that were left behind where the extension was missing; False where it is, or it was stopped."""
    with pool.read() as connection:
        if not connection.execute("SELECT 1 FROM chores WHERE name = ?", (STRAYS,)).fetchone():
            return True
        try:
            load_extension(connection)
        except NoVectorsError:
            return False
        names = tables(connection)

    def step(connection: Connection, most: int) -> bool:
        load_extension(connection)
        found = 0
        for name in names:
            strays = connection.execute(
                f"SELECT rowid FROM {name}_rowids WHERE rowid NOT IN (SELECT id FROM vectors) LIMIT ?", (most,)
            ).fetchall()
            connection.executemany(f"DELETE FROM {name} WHERE rowid = ?", strays)
            found += len(strays)
        if not found:
            connection.execute("DELETE FROM chores WHERE name = ?", (STRAYS,))
        return found > 0

    return in_steps(pool, step, stop, least=16, most=2_000)


def tables(connection: Connection) -> list[str]:
    """Return the names of the tables by which candidates are found, one for each number of dimensions."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE name GLOB 'nearest_*' AND name NOT GLOB '*_*_*'")
    return sorted(row[0] for row in rows.fetchall())


def disagreements(connection: Connection) -> list[tuple[str, int]]:
    """Return what does not hold between messages, vectors and candidates, and how often; needs no extension.

    One statement, one snapshot: another process may be adding to them.
    """
    names = tables(connection)
    ids = " UNION ALL ".join(f"SELECT rowid AS id FROM {table}_rowids" for table in names)
    damaged = " + ".join(f"({chunks.damaged(table)})" for table in names)
    counts = connection.execute(
        f"""WITH candidates AS MATERIALIZED ({ids or "SELECT NULL AS id WHERE false"}),
                 held AS (SELECT b.user, count(*) AS vectors FROM vectors AS v
                          JOIN bodies AS b ON b.id = v.id / {MAX_PIECES} GROUP BY b.user)
            SELECT (SELECT count(*) FROM vectors WHERE id / {MAX_PIECES} NOT IN (SELECT id FROM bodies)),
                   (SELECT count(*) FROM vectors WHERE id NOT IN (SELECT id FROM candidates)),
                   (SELECT count(*) FROM candidates WHERE id NOT IN (SELECT id FROM vectors)),
                   (SELECT count(*) FROM vectors AS v JOIN bodies AS b ON b.id = v.id / {MAX_PIECES}
                    LEFT JOIN meanings AS m USING (user) WHERE length(v.code) IS NOT m.dimensions),
                   (SELECT total(max(m.vectors - coalesce(held.vectors, 0), 0)) FROM meanings AS m
                    LEFT JOIN held USING (user)), {damaged or 0}"""
    ).fetchone()
    return [*zip(_DISAGREEMENTS, (int(count) for count in counts), strict=True)]


_DISAGREEMENTS = (
    "vectors without a message", "vectors that no search finds", "candidates without a vector",
    "vectors of another embedder", "vectors missing", "candidates in a damaged chunk",
)  # fmt: skip


def drop(connection: Connection) -> None:
    """Take all vectors of all users away, in the caller's transaction.

    Where the extension is missing the candidates stay, find nothing, and are noted as a chore: `sweep`.
    """
    connection.execute("DELETE FROM vectors")
    connection.execute("DELETE FROM meanings")
    try:
        load_extension(connection)
    except NoVectorsError:
        _note_strays(connection)
        return
    for table in tables(connection):
        connection.execute(f"DROP TABLE {table}")


def forget_weights(connection: Connection, user: str) -> None:
    """Drop the counts of a user's words, for words are being removed for good; the next search counts again."""
    connection.execute("UPDATE meanings SET weights = NULL, fitted = 0 WHERE user = ? AND weights IS NOT NULL", (user,))


def table_of(dimensions: int) -> str:
    """Return the name of the table by which candidates of so many dimensions are found."""
    return f"nearest_{int(dimensions)}"
