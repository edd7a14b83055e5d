"""The embedder that needs nothing: the token vectors that the `wordllama` wheel carries, pooled by rarity.

Its package is never imported (it configures logging, and looks for its files in a wrong folder offline); its two
data files are read with numpy and tokenizers.  A token counts by its rarity in the user's own messages.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chatlog.embedders import unit_row
from chatlog.errors import NoVectorsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chatlog.embedders import Matrix
    from chatlog.embedders.pieces import Pieces
    from chatlog.embedders.spelling import Spelling

_WEIGHTS = ("weights", "l2_supercat_256.safetensors")
_TOKENIZER = ("tokenizers", "l2_supercat_tokenizer_config.json")


@lru_cache(1)
def shared() -> WordLlama:
    """Return the one of this process: its tables are read once."""
    return WordLlama()


class WordLlama:
    """Static token vectors, summed with the weight log(1 + (n - df + ½) / (df + ½))."""

    fingerprint = "wordllama-l2-supercat-256/1"
    batch = 1_024

    def __init__(self) -> None:
        found = find_spec("wordllama")
        places = found.submodule_search_locations if found else None
        if not places:
            raise NoVectorsError("the wordllama package is not installed", "pip install wordllama") from None
        self._folder = Path(places[0])
        with self._reading():
            self._tensor = Tensor.of(self._folder.joinpath(*_WEIGHTS))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except ImportError:
            raise NoVectorsError("numpy and tokenizers are not installed", "pip install chatlog brings them") from None
        except (OSError, ValueError, KeyError) as error:
            raise NoVectorsError(f"wordllama's files cannot be read: {error}", "reinstall it") from None

    @cached_property
    def _table(self) -> NDArray[np.float16]:
        with self._reading():
            return self._tensor.mapped()

    @cached_property
    def _spelling(self) -> Spelling:
        with self._reading():
            from chatlog.embedders.spelling import Spelling

            return Spelling(self._folder.joinpath(*_TOKENIZER))

    @cached_property
    def _pieces(self) -> Pieces:
        from chatlog.embedders.pieces import Pieces

        with self._reading():
            return Pieces(self._folder.joinpath(*_TOKENIZER))

    def question(self, text: str, weights: bytes | None) -> list[float]:
        """Return what `embed` returns for one line of text, with neither numpy nor the tokenizer."""
        rarity = None if weights is None else _counts(weights)
        sums = [0.0] * self._tensor.width
        with self._reading():
            rows = self._tensor.rows(self._pieces.encode(text))
        for number, row in rows:
            weight = 1.0 if rarity is None else _weight(rarity[number], rarity[-1])
            sums = [one + weight * other for one, other in zip(sums, row, strict=True)]
        return unit_row(sums)

    def fit(self, texts: Sequence[str]) -> bytes:
        """Return in how many of the texts each token is, and how many texts there are, packed."""
        import numpy as np

        held = (set(memoryview(tokens).cast("H")) for tokens in self._spelling.tokens(texts))
        ids = np.fromiter(chain.from_iterable(held), dtype=np.int64)
        counts = np.bincount(ids, minlength=len(self._table) + 1).astype(np.uint32)
        counts[-1] = len(texts)
        return zlib.compress(counts.tobytes(), 6)

    def embed(self, texts: Sequence[str], weights: bytes | None) -> Matrix:
        """Return the weighted sum of each text's token vectors, of length 1."""
        import numpy as np

        from chatlog.embedders import unit

        tokens = list(self._spelling.tokens(texts))
        ends = np.cumsum([len(ids) // 2 for ids in tokens], dtype=np.int64)
        ids = np.frombuffer(b"".join(tokens), dtype=np.uint16)
        known, places = np.unique(ids, return_inverse=True)
        table = self._table[known].astype(np.float32)  # of few tokens: to widen a number costs more than to add it
        if weights is not None:
            table *= _rarity(weights)[known, None]
        rows = np.zeros((len(texts), self._table.shape[1]), dtype=np.float32)
        for row, start, end in zip(rows, chain([0], ends), ends, strict=False):
            np.add.reduce(table[places[start:end]], axis=0, out=row)
        return unit(rows)


@lru_cache(8)
def _rarity(weights: bytes) -> Matrix:
    import numpy as np

    counts = np.frombuffer(_unpacked(weights), dtype=np.uint32).astype(np.float32)
    frequency, total = counts[:-1], counts[-1]
    rarity: Matrix = np.log1p((total - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
    return rarity


@lru_cache(8)
def _counts(weights: bytes) -> array[int]:
    return array("I", _unpacked(weights))


def _unpacked(weights: bytes) -> bytes:
    """Return what `fit` packed.  Raises NoVectorsError where it is no longer what it was."""
    try:
        return zlib.decompress(weights)
    except zlib.error:
        raise NoVectorsError("the index of meanings is damaged", "chatlog embed --rebuild") from None


def _weight(frequency: int, total: int) -> float:
    return math.log1p((total - frequency + 0.5) / (frequency + 0.5))


class Tensor(NamedTuple):
    """The only tensor of a safetensors file: where its numbers begin, and its shape."""

    path: Path
    offset: int
    height: int
    width: int

    @classmethod
    def of(cls, path: Path) -> Tensor:
        """Read the file's header.  Raises OSError, ValueError or KeyError where it is none."""
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
        (facts,) = (value for name, value in header.items() if name != "__metadata__")
        if facts["dtype"] != "F16":
            raise ValueError("the numbers are not half precision")
        height, width = facts["shape"]
        return cls(path, 8 + size + facts["data_offsets"][0], height, width)

    def mapped(self) -> NDArray[np.float16]:
        """Return the tensor, mapped into memory."""
        import numpy as np

        return np.memmap(self.path, dtype=np.float16, mode="r", offset=self.offset, shape=(self.height, self.width))

    def rows(self, numbers: Sequence[int]) -> list[tuple[int, tuple[float, ...]]]:
        """Return rows, each with its number."""
        form = struct.Struct(f"<{self.width}e")
        found = []
        with self.path.open("rb") as file:
            for number in numbers:
                file.seek(self.offset + number * form.size)
                found.append((number, form.unpack(file.read(form.size))))
        return found
