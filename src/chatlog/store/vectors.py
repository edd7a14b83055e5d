"""What a store can keep of meanings: vectors of one embedder for each user, and the nearest of them.

A vector goes in as two byte strings: one bit a dimension, by which candidates are found, and one byte a
dimension, by which they are compared.  Texts become vectors elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

#: Only so many first characters of a text are embedded.
EMBEDDED_CHARS = 48_000
#: How alike to anything a message without a vector is.
UNKNOWN = -1.0
#: A vector has no more numbers.
MOST_DIMENSIONS = 8_192


class Meanings(NamedTuple):
    """The state of a user's index: whose vectors, with which weights, and how far it has come."""

    fingerprint: str
    dimensions: int
    weights: bytes | None
    fitted: int  # messages that the weights were fitted on; 0: they are gone with words that were removed
    done: int  # the last body that was looked at
    vectors: int


class Pending(NamedTuple):
    """A body whose meaning is not in the index yet."""

    body: int
    text: str


class Vector(NamedTuple):
    """The vector of a piece of a body."""

    body: int
    piece: int
    bits: bytes
    code: bytes


class Vectors(Protocol):
    """The index of meanings of one user.  Raises NoVectorsError where the platform has no nearest-neighbour search."""

    def require(self) -> None:
        """Raise NoVectorsError where vectors cannot be compared."""

    def state(self) -> Meanings | None:
        """Return how far the index is; None where there is none."""

    def start(self, begun: Meanings, before: Meanings | None) -> Meanings:
        """Begin an index in place of `before`; return its state, or of one that another process has begun since."""

    def reweigh(self, weights: bytes | None, fitted: int) -> None:
        """Give the index other weights: those it had were of words that have been removed."""

    def embedded(self) -> int:
        """Return how many bodies are in the index."""

    def waiting(self, most: int) -> int:
        """Return how many bodies are not in the index yet, counted up to `most`."""

    def pending(self, limit: int, after: int) -> list[Pending]:
        """Return up to `limit` bodies to embed that come after one, fewer where they are long.

        Of a text there are up to `EMBEDDED_CHARS` characters and one more, by which a longer one is known.
        """

    def catch_up(self) -> None:
        """Note it where nothing of the user's is waiting, so that no search walks past what others have added again."""

    def sample(self, limit: int) -> list[str]:
        """Return how up to `limit` texts of the user's begin, the latest first."""

    def put(self, state: Meanings, done: int, vectors: Iterable[Vector]) -> Meanings | None:
        """Add the vectors of the bodies behind `state.done` up to `done` in one transaction, and return the new state.

        None where the index is not in that state any more: another process has gone on with it, or begun anew.
        """

    def nearest(self, bits: bytes, count: int, within: Collection[int] | None = None) -> list[int]:
        """Return the bodies nearest to a vector, the nearest first; with `within` the nearest of these."""

    def cosines(self, bodies: Collection[int], code: bytes) -> Mapping[int, float]:
        """Return how alike bodies and a vector are, a byte a dimension: the most alike of a body's pieces."""

    def codes(self, bodies: Sequence[int]) -> Mapping[int, list[bytes]]:
        """Return the vectors of bodies, a byte a dimension, one for each piece of the text."""
