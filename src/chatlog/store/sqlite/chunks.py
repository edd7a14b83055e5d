"""The nearest among many vectors: a look at the chunks that vec0 keeps its bits in, all at once with numpy.

vec0 compares one vector after the other and sorts as it goes: 100,000 cost it 30 ms, this a fifth of that (see
`benchmarks/search_scale.py`).  It stays what writes them, overwrites what is deleted, and answers where they are few.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from chatlog.store.sqlite.connection import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Chunk = tuple[Ids, NDArray[np.uint8], NDArray[np.uint8]]

#: So many chunks are looked at at once.
TOGETHER = 4_096
#: The distance of what is not to be found.
NOWHERE = 0xFFFF


def nearest(
    connection: Connection,
    table: str,
    user: str,
    bits: bytes,
    count: int,
    allowed: Callable[[Ids], NDArray[np.bool_]] | None = None,
) -> list[int]:
    """Return the ids of a user's `count` nearest vectors of those that are allowed, the nearest first."""
    import numpy as np

    best: list[tuple[int, int]] = []
    for ids, taken, vectors in _chunks(connection, table, user):
        distances = _distances(vectors, bits)
        distances[taken == 0] = NOWHERE
        if allowed is not None:
            distances[~allowed(ids)] = NOWHERE
        some = np.argpartition(distances, count)[:count] if len(ids) > count else slice(None)
        found = zip(distances[some].tolist(), ids[some].tolist(), strict=True)
        best = heapq.nsmallest(count, [*best, *(one for one in found if one[0] < NOWHERE)])
    return [number for _, number in best]


def _chunks(connection: Connection, table: str, user: str) -> Iterator[Chunk]:
    """Yield ids, whether they are taken, and vectors of a user; a chunk has room for more than it holds."""
    import numpy as np

    rows = connection.execute(
        f"""SELECT c.rowids, c.validity, v.vectors FROM {table}_chunks AS c
            CROSS JOIN {table}_vector_chunks00 AS v ON v._rowid_ = c.chunk_id WHERE c.partition00 = ?""",
        (user,),
    )
    while some := list(islice(rows, TOGETHER)):
        ids, taken, vectors = (b"".join(column) for column in zip(*some, strict=True))
        numbers = np.frombuffer(ids, np.int64)
        yield (
            numbers,
            np.unpackbits(np.frombuffer(taken, np.uint8), bitorder="little"),
            np.frombuffer(vectors, np.uint8).reshape(len(numbers), -1),
        )


def _distances(vectors: NDArray[np.uint8], bits: bytes) -> NDArray[np.uint16]:
    """Return in how many bits each vector differs."""
    import numpy as np

    words = np.uint64 if len(bits) % 8 == 0 else np.uint8
    different = np.bitwise_count(vectors.view(words) ^ np.frombuffer(bits, words))
    found = np.zeros(len(vectors), np.uint16)
    for column in different.T:  # a sum along so short an axis is five times slower
        found += column
    return found
