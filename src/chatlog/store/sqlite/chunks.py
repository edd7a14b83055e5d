"""The nearest among many vectors: a look at the chunks that vec0 keeps its bits in, all at once with numpy.

vec0 compares one vector after the other and sorts as it goes: 100,000 cost it 30 ms, this a fifth of that (see
`benchmarks/search_scale.py`).  It stays what writes them, overwrites what is deleted, and answers where they are few.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from chatlog.store.sqlite.connection import Connection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]

#: So many chunks are looked at at once: what fits a processor's cache.
TOGETHER = 64
#: In more spans than this one looks at everything.
MOST_SPANS = 20_000
#: The distance of what is not to be found.
NOWHERE = 0xFFFF


class Block(NamedTuple):
    """Some chunks: the ids of vectors, which places hold none, and the vectors' bits."""

    ids: Ids
    free: NDArray[np.bool_]
    vectors: NDArray[np.uint8]


def nearest(
    blocks: Iterable[Block], bits: bytes, count: int, within: Sequence[tuple[int, int]] | None = None
) -> list[int]:
    """Return the ids of the `count` nearest vectors, those within some spans of ids only, the nearest first."""
    import numpy as np

    best: list[tuple[int, int]] = []
    for ids, free, vectors in blocks:
        distances = _distances(vectors, bits)
        distances[free] = NOWHERE
        if within is not None:
            distances[~_are_in(ids, within)] = NOWHERE
        some = np.argpartition(distances, count)[:count] if len(ids) > count else slice(None)
        found = zip(distances[some].tolist(), ids[some].tolist(), strict=True)
        best = heapq.nsmallest(count, [*best, *(one for one in found if one[0] < NOWHERE)])
    return [number for _, number in best]


def _are_in(ids: Ids, spans: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return which ids are in one of the spans, which are in order and apart."""
    import numpy as np

    edges = np.array(spans, np.int64).reshape(-1, 2)
    at = np.searchsorted(edges[:, 0], ids, side="right") - 1
    inside: NDArray[np.bool_] = (at >= 0) & (ids <= edges[at, 1])
    return inside


def blocks(
    connection: Connection, table: str, user: str, within: Sequence[tuple[int, int]] | None = None
) -> Iterator[Block]:
    """Yield a user's vectors; a chunk has room for more than it holds.

    Of a conversation in a large history only the chunks that hold something of it are read.
    """
    import numpy as np

    chosen, values = f"SELECT chunk_id FROM {table}_chunks", [user]
    if within is not None and len(within) <= MOST_SPANS:
        chosen = f"""SELECT DISTINCT r.chunk_id FROM json_each(?) AS span
            CROSS JOIN {table}_rowids AS r ON r.rowid BETWEEN span.value ->> 0 AND span.value ->> 1"""
        values = [json.dumps(within), user]
    rows = connection.execute(
        f"""SELECT c.rowids, c.validity, v.vectors FROM ({chosen}) AS chosen
            CROSS JOIN {table}_chunks AS c ON c.chunk_id = chosen.chunk_id
            CROSS JOIN {table}_vector_chunks00 AS v ON v._rowid_ = c.chunk_id WHERE c.partition00 = ?""",
        values,
    )
    while some := list(islice(rows, TOGETHER)):
        ids, taken, vectors = (b"".join(column) for column in zip(*some, strict=True))
        numbers = np.frombuffer(ids, np.int64)
        yield Block(
            numbers,
            np.unpackbits(np.frombuffer(taken, np.uint8), bitorder="little") == 0,
            np.frombuffer(vectors, np.uint8).reshape(len(numbers), -1),
        )


def _distances(vectors: NDArray[np.uint8], bits: bytes) -> NDArray[np.uint16]:
    """Return in how many bits each vector differs."""
    import numpy as np

    numbers = vectors.reshape(-1).view(np.uint64 if len(bits) % 8 == 0 else np.uint8)
    asked = np.frombuffer(bits, numbers.dtype)
    differing = np.tile(asked, len(vectors))  # flat: numpy is twice as quick without a short axis
    np.bitwise_xor(numbers, differing, out=differing)
    counts = np.bitwise_count(differing).reshape(len(vectors), -1)
    found: NDArray[np.uint16] = counts[:, 0].astype(np.uint16)
    for column in counts.T[1:]:
        found += column
    return found
