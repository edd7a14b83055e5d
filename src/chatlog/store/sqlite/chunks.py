"""The nearest among many vectors: a look at the chunks that vec0 keeps its bits in, all at once with numpy.

vec0 compares one vector after the other and sorts as it goes: 100,000 cost it 30 ms, this a fifth of that (see
`benchmarks/search_scale.py`).  It stays what writes them, overwrites what is deleted, and answers where they are few.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from chatlog.store.sqlite.connection import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Spans = NDArray[np.int64]

#: So many chunks are looked at at once: what fits a processor's cache.
TOGETHER = 64
#: Within more bodies than these everything is looked at, which may be in memory already.
FEW = 20_000
#: The distance of what is not to be found.
NOWHERE = 0xFFFF


class Block(NamedTuple):
    """Some chunks: the ids of vectors, which places hold none, and the vectors' bits.

    The first word of all, then the second of all …: a word of the question meets all of them at once.
    """

    ids: Ids
    free: NDArray[np.bool_]
    words: NDArray[np.uint64] | NDArray[np.uint8]


def nearest(blocks: Iterable[Block], bits: bytes, count: int, within: Spans | None = None) -> list[int]:
    """Return the ids of the `count` nearest vectors, those within some spans of ids only, the nearest first."""
    import numpy as np

    best: list[tuple[int, int]] = []
    for ids, free, words in blocks:
        distances = _distances(words, bits)
        distances[free] = NOWHERE
        if within is not None:
            distances[~_are_in(ids, within)] = NOWHERE
        some = np.flatnonzero(distances < (best[-1][0] if len(best) == count else NOWHERE))
        if len(some) > count:
            some = some[np.argpartition(distances[some], count)[:count]]
        best = sorted([*best, *zip(distances[some].tolist(), ids[some].tolist(), strict=True)])[:count]
    return [number for _, number in best]


def damaged(table: str) -> str:
    """Return the query that counts the vectors of a table whose chunk is not there, or not of its size."""
    octets = -(-int(table.rpartition("_")[2]) // 8)
    return f"""SELECT count(*) FROM {table}_rowids AS r LEFT JOIN {table}_chunks AS c USING (chunk_id)
        LEFT JOIN {table}_vector_chunks00 AS v ON v._rowid_ = r.chunk_id
        WHERE (r.chunk_offset BETWEEN 0 AND c.size - 1 AND length(c.validity) * 8 = c.size
               AND length(c.rowids) = c.size * 8 AND length(v.vectors) = c.size * {octets}) IS NOT 1"""


def spans(bodies: Collection[int], pieces: int) -> Spans:
    """Return the spans of ids, first and last, that bodies of so many pieces have, those of bodies in a row as one."""
    import numpy as np

    numbers = np.sort(np.fromiter(bodies, np.int64, len(bodies)))
    starts = np.flatnonzero(np.diff(numbers, prepend=-1) != 1)
    ends = np.append(starts[1:], len(numbers)) - 1
    return np.column_stack((numbers[starts] * pieces, numbers[ends] * pieces + pieces - 1))


def _are_in(ids: Ids, within: Spans) -> NDArray[np.bool_]:
    """Return which ids are in one of the spans, which are in order and apart."""
    import numpy as np

    at = np.searchsorted(within[:, 0], ids, side="right") - 1
    inside: NDArray[np.bool_] = (at >= 0) & (ids <= within[at, 1])
    return inside


def blocks(connection: Connection, table: str, user: str, within: Spans | None = None) -> Iterator[Block]:
    """Yield a user's vectors; a chunk has room for more than it holds.

    Of a conversation in a large history only the chunks that hold something of it are read.
    """
    import numpy as np

    chosen, values = f"SELECT chunk_id FROM {table}_chunks", [user]
    if within is not None:
        chosen = f"""SELECT DISTINCT r.chunk_id FROM json_each(?) AS span
            CROSS JOIN {table}_rowids AS r ON r.rowid BETWEEN span.value ->> 0 AND span.value ->> 1"""
        values = [json.dumps(within.tolist()), user]
    rows = connection.execute(
        f"""SELECT c.rowids, c.validity, v.vectors FROM ({chosen}) AS chosen
            CROSS JOIN {table}_chunks AS c ON c.chunk_id = chosen.chunk_id
            CROSS JOIN {table}_vector_chunks00 AS v ON v._rowid_ = c.chunk_id WHERE c.partition00 = ?""",
        values,
    )
    while some := list(islice(rows, TOGETHER)):
        ids, taken, vectors = (b"".join(column) for column in zip(*some, strict=True))
        numbers = np.frombuffer(ids, np.int64)
        word = np.uint64 if len(vectors) // len(numbers) % 8 == 0 else np.uint8
        yield Block(
            numbers,
            np.unpackbits(np.frombuffer(taken, np.uint8), bitorder="little") == 0,
            np.ascontiguousarray(np.frombuffer(vectors, word).reshape(len(numbers), -1).T),
        )


def _distances(words: NDArray[np.uint64] | NDArray[np.uint8], bits: bytes) -> NDArray[np.uint16]:
    """Return in how many bits each vector differs."""
    import numpy as np

    found = np.zeros(words.shape[1], np.uint16)
    for row, asked in zip(words, np.frombuffer(bits, words.dtype), strict=True):
        found += np.bitwise_count(row ^ asked)
    return found
