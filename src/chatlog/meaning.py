"""What messages mean: keeps the index of meanings up to date, and compares a question with messages.

A long text is several pieces; a message's vector is blended with its neighbours', for a reply means what it answers.
Everything that needs numpy is here and in embedders/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from chatlog.errors import NoVectorsError
from chatlog.store.vectors import Meanings, Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chatlog.embedders import Embedder
    from chatlog.store import Store
    from chatlog.store.words import Neighbour, Spot

    Matrix = NDArray[np.float32]

#: A piece of a text has about so many characters, and a text at most so many pieces.
PIECE_CHARS, PIECES = 1_500, 32
#: Weights are fitted on so many of the latest messages, and anew once there are this many times more.
SAMPLE, OUTGROWN = 20_000, 4
#: How much of a neighbour's vector a message takes on, at distance 1 and 2.
BLEND = (0.3, 0.15)
REACH = len(BLEND)


def bring_up_to_date(
    store: Store, embedder: Embedder, most: int | None = None, progress: Callable[[int], object] | None = None
) -> int:
    """Embed what is not in the index yet, at most `most` bodies; return how many were.

    Every batch is one transaction, so that an interrupted run goes on where it stopped.
    Raises NoVectorsError where there is no embedder or no place for vectors.
    """
    state = store.vectors.state()
    if state is None or _is_outgrown(store, state, embedder) or state.fingerprint != embedder.fingerprint:
        if store.vectors.waiting(1) == 0 and state is None:
            return 0
        state = begin(store, embedder)
    elif not state.fitted:
        texts = store.vectors.sample(SAMPLE)
        state = state._replace(weights=embedder.fit(texts), fitted=len(texts))
        store.vectors.reweigh(state.weights, state.fitted)
    total = 0
    while most is None or total < most:
        batch = store.vectors.pending(embedder.batch if most is None else min(embedder.batch, most - total))
        if not batch:
            store.vectors.catch_up()
            break
        pieces = [(body, number, piece) for body, text in batch for number, piece in enumerate(pieces_of(text))]
        store.vectors.put(batch[-1].body, _vectors(pieces, embedder, state))
        total += len(batch)
        if progress is not None:
            progress(len(batch))
    return total


def begin(store: Store, embedder: Embedder) -> Meanings:
    """Begin the index anew and return its state."""
    texts = store.vectors.sample(SAMPLE)
    weights = embedder.fit(texts)
    dimensions = embedder.embed(["dimensions"], weights).shape[1]
    state = Meanings(embedder.fingerprint, dimensions, weights, len(texts), 0, 0)
    store.vectors.start(*state[:4])
    return state


def _is_outgrown(store: Store, state: Meanings, embedder: Embedder) -> bool:
    """Whether the weights were fitted on too little of what there is now."""
    if state.weights is None or state.fitted >= SAMPLE or state.fingerprint != embedder.fingerprint:
        return False
    bound = max(state.fitted, 16) * OUTGROWN
    waiting = store.vectors.waiting(bound)
    return waiting > 0 and state.vectors + waiting >= bound


def pieces_of(text: str) -> Iterator[str]:
    """Yield a text in pieces of about `PIECE_CHARS`, cut at blanks."""
    start = 0
    for _ in range(PIECES):
        if start >= len(text):
            return
        end = start + PIECE_CHARS
        if end < len(text):
            blank = text.rfind(" ", start + PIECE_CHARS // 2, end)
            end = blank if blank > 0 else end
        if not text[start:end].isspace():
            yield text[start:end]
        start = end


def _vectors(pieces: Sequence[tuple[int, int, str]], embedder: Embedder, state: Meanings) -> Iterator[Vector]:
    import numpy as np

    for start in range(0, len(pieces), embedder.batch):
        some = pieces[start : start + embedder.batch]
        rows = _embedded([text for _, _, text in some], embedder, state)
        codes = _codes(rows)
        bits = np.packbits(rows > 0, axis=1)
        for (body, number, _), row, bit, code in zip(some, rows, bits, codes, strict=True):
            if row.any():
                yield Vector(body, number, bit.tobytes(), code.tobytes())


def _embedded(texts: Sequence[str], embedder: Embedder, state: Meanings) -> Matrix:
    """Return vectors that fit the index.  Raises NoVectorsError where the embedder is not what it was."""
    rows = embedder.embed(texts, state.weights)
    if rows.shape[1] != state.dimensions:
        raise NoVectorsError(
            f"the embedder gives {rows.shape[1]} dimensions, the index has {state.dimensions}",
            "chatlog embed --rebuild",
        )
    return rows


def _codes(rows: Matrix) -> NDArray[np.int8]:
    """Return rows as bytes, each scaled to its largest number: only directions are compared."""
    import numpy as np

    scale = 127 / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-9)
    codes: NDArray[np.int8] = np.rint(rows * scale).astype(np.int8)
    return codes


class Question:
    """A question's vector."""

    def __init__(self, text: str, embedder: Embedder, state: Meanings) -> None:
        self.row = _embedded([text], embedder, state)[0]

    def nearest(self, store: Store, count: int, within: Collection[int] | None = None) -> list[int]:
        """Return the bodies whose own words mean the most alike, the nearest first."""
        import numpy as np

        if not self.row.any():
            return []
        bits: bytes = np.packbits(self.row > 0).tobytes()
        return store.vectors.nearest(bits, count, within)

    def cosines(self, store: Store, spots: Sequence[Spot], neighbours: Sequence[Neighbour]) -> list[float]:
        """Return how alike each message is, blended with its neighbours; -1 where it has no vector."""
        beside = {(spot.conversation, spot.seq + step) for spot in spots for step in range(-REACH, REACH + 1)}
        around = [here for here in neighbours if here[:2] in beside]
        codes = store.vectors.codes(list({here.body for here in around}))
        if not codes:
            return [-1.0] * len(spots)
        alike = _compare(self.row, around, codes)
        return [alike[spot.conversation, spot.seq] for spot in spots]


def _compare(
    asked: Matrix, places: Sequence[Neighbour], codes: Mapping[int, list[bytes]]
) -> dict[tuple[int, int], float]:
    """Return how alike the messages at places are: the most alike of their pieces, blended with what is beside."""
    import numpy as np

    pieces = [codes.get(place.body, ()) for place in places]
    owners = np.repeat(np.arange(len(places)), [len(some) for some in pieces])
    raw = np.frombuffer(b"".join(code for some in pieces for code in some), np.int8).reshape(len(owners), -1)
    rows = _unit(raw.astype(np.float32))
    whole = np.zeros((len(places), rows.shape[1]), dtype=np.float32)
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    whole[owners[first]] = rows[first] if len(first) == len(rows) else _unit(np.add.reduceat(rows, first))
    around = np.zeros_like(whole)
    keys = np.array([(place.conversation, place.seq) for place in places])
    for distance, weight in enumerate(BLEND, 1):
        beside = np.flatnonzero((keys[distance:] - keys[:-distance] == (0, distance)).all(axis=1))
        around[beside] += weight * whole[beside + distance]
        around[beside + distance] += weight * whole[beside]
    blended = rows + around[owners]
    cosines = _unit(blended) @ asked
    best = np.full(len(places), -1.0, dtype=np.float32)
    best[owners[first]] = np.maximum.reduceat(cosines, first)
    return dict(zip(((place.conversation, place.seq) for place in places), best.tolist(), strict=True))


def _unit(rows: Matrix) -> Matrix:
    """Scale vectors to length 1, in place: thousands of them for each question."""
    import numpy as np

    rows /= np.maximum(np.sqrt(np.einsum("ij,ij->i", rows, rows)), 1e-9)[:, None]
    return rows


def centre(store: Store, bodies: Sequence[int]) -> Matrix | None:
    """Return the direction that messages have in common, None where none of them has a vector."""
    import numpy as np

    from chatlog.embedders import unit

    codes = store.vectors.codes(bodies)
    raw = [code for pieces in codes.values() for code in pieces]
    if not raw:
        return None
    rows = unit(np.frombuffer(b"".join(raw), dtype=np.int8).reshape(len(raw), -1))
    mean: Matrix = unit(rows.sum(axis=0, keepdims=True))[0]
    return mean


def alike(one: Matrix, other: Matrix | None) -> float:
    """Return the cosine of two directions, -1 where there is no second one."""
    return -1.0 if other is None else float(one @ other)


def without_names(text: str, authors: Collection[str | None]) -> str:
    """Return a question without the names of who takes part, which say little of what it means."""
    names = {word for author in authors if author for word in re.findall(r"\w+", author.lower())}
    kept = [word for word in text.split() if not {*re.findall(r"\w+", word.lower().removesuffix("'s"))} & names]
    return " ".join(kept) or text
