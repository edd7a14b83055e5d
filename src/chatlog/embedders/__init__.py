"""Texts to vectors: one file per provider, chosen by name, none imported before it is used.

`wordllama` works offline out of the box; `http(s)://…#MODEL` is any OpenAI-compatible endpoint, and
`command:…` a program that reads texts as JSONL and writes vectors as JSONL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from chatlog.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

#: The one that needs nothing.
DEFAULT = "wordllama"
#: What switches searching by meaning off.
NONE = "none"


class Embedder(Protocol):
    """A provider of vectors; `fingerprint` names it and its model: vectors of two cannot be compared.

    What it says of `fit` and `question` holds for one that has learned already and knows no quicker way.
    """

    fingerprint: str
    #: How many texts are sent at once.
    batch: int

    def fit(self, texts: Sequence[str]) -> bytes | None:  # noqa: ARG002  who learns takes them
        """Return weights learned from a user's texts, None where there is nothing to learn."""
        return None

    def embed(self, texts: Sequence[str], weights: bytes | None) -> Matrix:
        """Return one row of length 1 for each text, zeros for one that means nothing.

        Raises NoVectorsError where the provider is not there or does not answer.
        """

    def question(self, text: str, weights: bytes | None) -> list[float]:
        """Return the row of one text, as fast as can be.  Raises NoVectorsError like `embed`."""
        row: list[float] = self.embed([text], weights)[0].tolist()
        return row


def embedder(name: str, environment: Mapping[str, str] | None = None) -> Embedder:
    """Return the embedder of a name.  `environment` may hold an endpoint's key, OPENAI_API_KEY.

    Raises UsageError for a name that is none.
    """
    provider: Any
    if name == DEFAULT:
        from chatlog.embedders.wordllama import shared

        return shared()
    if name.startswith(("http://", "https://")):
        from chatlog.embedders.endpoint import Endpoint as provider  # noqa: N813

        return provider(name, (environment or {}).get("OPENAI_API_KEY"))  # type: ignore[no-any-return]
    if name.startswith("command:"):
        from chatlog.embedders.command import Command as provider  # noqa: N813

        return provider(name.removeprefix("command:").strip())  # type: ignore[no-any-return]
    raise UsageError(f"'{name}' is not an embedder", f"one of: {DEFAULT}, none, http://HOST/v1#MODEL, command:PROGRAM")


def checked(rows: Sequence[Any], count: int) -> Sequence[Any]:
    """Return rows from elsewhere that are `count` vectors of one length.  Raises ValueError for anything else."""
    if len(rows) != count:
        raise ValueError(f"{len(rows)} vectors for {count} texts")
    if not all(isinstance(row, list) and row and all(map(_is_number, row)) for row in rows):
        raise ValueError("what should be a vector is none")
    if len({len(row) for row in rows}) != 1:
        raise ValueError("the vectors are of several lengths")
    return rows


def _is_number(value: object) -> bool:
    """Whether a value of JSON is a number that a vector can have."""
    return type(value) is float or (type(value) is int and value.bit_length() < 64)


def unit_row(row: Sequence[float]) -> list[float]:
    """Return a vector scaled to length 1; zeros stay zeros."""
    length = math.sqrt(sum(value * value for value in row))
    return [value / length for value in row] if length > 1e-9 else [0.0] * len(row)


def unit(rows: Any) -> Matrix:
    """Return vectors scaled to length 1; zeros stay zeros."""
    import numpy as np

    matrix = np.nan_to_num(np.asarray(rows, dtype=np.float32))
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: Matrix = matrix / np.maximum(lengths, 1e-9)
    return scaled
