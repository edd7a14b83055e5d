"""What messages mean: keeps the index of meanings up to date, and compares a question with messages.

A long text is several pieces; a message's vector is blended with its neighbours', for a reply means what it answers.
Everything that needs numpy is here and in embedders/.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

from chatlog.embedders import embedder as provider
from chatlog.errors import BusyError, NoVectorsError
from chatlog.store.vectors import EMBEDDED_CHARS, MOST_DIMENSIONS, UNKNOWN, Meanings, Vector

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chatlog.embedders import Embedder
    from chatlog.store import Store
    from chatlog.store.words import Surroundings

    Matrix = NDArray[np.float32]

#: A piece of a text has about so many characters, and a text at most so many pieces.
PIECE_CHARS = 1_500
PIECES = EMBEDDED_CHARS // PIECE_CHARS
#: Weights are fitted on so many of the latest messages, and fitted again once there are this many times more.
SAMPLE, OUTGROWN = 20_000, 4
#: So many messages are embedded by a search that finds them missing from the index.
EMBEDDED_IN_SEARCH = 20_000
#: How much of a neighbour's vector a message takes on, at distance 1 and 2.
BLEND = (0.3, 0.15)
REACH = len(BLEND)
WEIGHTS = (*reversed(BLEND), 1.0, *BLEND)
#: What the most alike of them and itself counts beside the blend.
MOST_ALIKE = 0.7
#: More words than these in capitals are no abbreviations but shouted: other tokens, which hardly any message has.
ABBREVIATIONS = 2
#: About the cosine of one message's vector and the next one's.
KINSHIP = 0.1


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
    total = 0
    while most is None or total < most:
        state = _fitted(store, state, embedder)
        batch = store.vectors.pending(embedder.batch if most is None else min(embedder.batch, most - total), state.done)
        if not batch:
            store.vectors.catch_up()
            break
        pieces = [(body, number, piece) for body, text in batch for number, piece in enumerate(pieces_of(text))]
        after = store.vectors.put(state, batch[-1].body, _vectors(pieces, embedder, state))
        if after is None:  # another process was first
            state = store.vectors.state()
            continue
        state = after
        total += len(batch)
        if progress is not None:
            progress(len(batch))
    return total


def begin(store: Store, embedder: Embedder) -> Meanings:
    """Begin the index anew and return its state.  Raises NoVectorsError for an embedder whose vectors are too long."""
    before = store.vectors.state()
    texts = store.vectors.sample(SAMPLE)
    weights = embedder.fit(texts)
    dimensions = embedder.embed(["dimensions"], weights).shape[1]
    if dimensions > MOST_DIMENSIONS:
        raise NoVectorsError(f"vectors of {dimensions:,} numbers cannot be kept", f"{MOST_DIMENSIONS:,} at most")
    return store.vectors.start(Meanings(embedder.fingerprint, dimensions, weights, len(texts), 0, 0), before)


def _fitted(store: Store, state: Meanings | None, embedder: Embedder) -> Meanings:
    """Return the state of an index with weights to go on with.  Raises NoVectorsError where it is another's by now."""
    if state is None or state.fingerprint != embedder.fingerprint:
        raise NoVectorsError("another embedder has begun the index of meanings anew", "chatlog embed --rebuild")
    if not state.fitted:
        texts = store.vectors.sample(SAMPLE)
        state = state._replace(weights=embedder.fit(texts), fitted=len(texts))
        store.vectors.reweigh(state.weights, state.fitted)
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
    _check(rows.shape[1], state)
    return rows


def _check(dimensions: int, state: Meanings) -> None:
    if dimensions != state.dimensions:
        raise NoVectorsError(
            f"the embedder gives {dimensions} dimensions, the index has {state.dimensions}", "chatlog embed --rebuild"
        )


def _codes(rows: Matrix) -> NDArray[np.int8]:
    """Return rows as bytes, each scaled to its largest number: only directions are compared."""
    import numpy as np

    scale = 127 / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-9)
    codes: NDArray[np.int8] = np.rint(rows * scale).astype(np.int8)
    return codes


class Index(NamedTuple):
    """The index of meanings as a search finds it, if there is one, and what the user should know of that."""

    embedder: Embedder | None = None
    state: Meanings | None = None
    warnings: tuple[str, ...] = ()

    def question(self, text: str, authors: Collection[str | None]) -> Question | None:
        """Return what a question means, None without an index.  Raises NoVectorsError where the embedder is silent."""
        if self.embedder is None or self.state is None:
            return None
        asked = without_names(text, authors)
        shouted = asked.isupper() and len(asked.split()) > ABBREVIATIONS
        row = self.embedder.question(asked.lower() if shouted else asked, self.state.weights)
        _check(len(row), self.state)
        return Question(row)


def index_for(store: Store, embedder: str | Embedder) -> Index:
    """Return the index for a search, brought up to date as far as nobody waits for it too long."""
    try:
        return _index(store, provider(embedder) if isinstance(embedder, str) else embedder)
    except NoVectorsError as error:
        return Index(warnings=(f"searched by words only: {error.message}",))


def _index(store: Store, embedder: Embedder) -> Index:
    state, warnings, complete = store.vectors.state(), tuple[str, ...](), False
    if state is None or state.fingerprint == embedder.fingerprint:
        try:
            complete = bring_up_to_date(store, embedder, EMBEDDED_IN_SEARCH) < EMBEDDED_IN_SEARCH
        except BusyError as error:
            warnings += (f"new messages are searched by words only: {error.message}",)
        state = store.vectors.state()
    if state is not None:
        if state.fingerprint != embedder.fingerprint:
            raise NoVectorsError("the index of meanings is another embedder's: chatlog embed --rebuild")
        store.vectors.require()
        if not complete and (waiting := store.vectors.waiting(1_000_000)):
            warnings += (f"{waiting} messages are searched by words only: chatlog embed indexes their meaning",)
    return Index(embedder, state, warnings)


class Question:
    """What messages are compared with: a vector of length 1.

    Nothing here needs numpy: importing it takes as long as a search.
    """

    def __init__(self, row: Sequence[float]) -> None:
        self.row = row

    def nearest(self, store: Store, count: int, within: Collection[int] | None = None) -> list[int]:
        """Return the bodies whose own words mean the most alike, the nearest first."""
        if not any(self.row):
            return []
        bits = "".join("1" if value > 0 else "0" for value in self.row).ljust(-(-len(self.row) // 8) * 8, "0")
        return store.vectors.nearest(int(bits, 2).to_bytes(len(bits) // 8), count, within)

    def cosines(self, store: Store, around: Surroundings, most: float = MOST_ALIKE) -> list[float]:
        """Return how alike the message at each spot is, blended with its neighbours; -1 where it has no vector.

        The most alike of them counts `most` beside the blend.
        """
        row = around.row
        near = {*chain.from_iterable(row[at - REACH : at + REACH + 1] for at in around.spots)} - {0}
        own = store.vectors.cosines(near, _code(self.row))
        known = bytes(map(own.__contains__, row))
        alike = [*map(own.get, row, repeat(0.0))]
        windows = ((at - REACH, at + REACH + 1) for at in around.spots)
        return [_blended(alike[first:end], known[first:end], most) for first, end in windows]


def _code(row: Sequence[float]) -> bytes:
    """Return a vector as bytes, scaled to its largest number."""
    scale = 127 / max(1e-9, *map(abs, row))
    return array("b", (round(value * scale) for value in row)).tobytes()


def _blended(alike: Sequence[float], known: bytes, share: float = MOST_ALIKE) -> float:
    """Return how alike the message in the middle is with its neighbours' vectors blended into its own.

    A blend of what has nothing in common loses what one of them says: so the most alike counts too.
    """
    if not known[REACH]:
        return UNKNOWN
    blend = sum(map(mul, WEIGHTS, alike)) / _length(known)
    return float(blend + share * max(alike)) / (1 + share)


@lru_cache
def _length(known: bytes) -> float:
    """Return how long the blend of those that are known is: of vectors of length 1 with `KINSHIP` in common."""
    weights = [weight for weight, there in zip(WEIGHTS, known, strict=True) if there]
    squares = sum(weight * weight for weight in weights)
    return math.sqrt(squares + KINSHIP * (sum(weights) ** 2 - squares))


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


def alike(one: Sequence[float], other: Matrix | None) -> float:
    """Return the cosine of two directions, -1 where there is no second one."""
    return UNKNOWN if other is None else float(other.dot(one))


def without_names(text: str, authors: Collection[str | None]) -> str:
    """Return a question without the names of who takes part, which say little of what it means."""
    names = {word for author in authors if author for word in re.findall(r"\w+", author.lower())}
    kept = [word for word in text.split() if not {*re.findall(r"\w+", word.lower().removesuffix("'s"))} & names]
    return " ".join(kept) or text
