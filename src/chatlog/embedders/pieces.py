"""Words and their tokens, without the tokenizer: loading that for one question takes longer than all of a search.

The vocabulary is a SentencePiece one with byte fallback: of all neighbours that are a token together, those whose
token comes first in it are joined first.  A test holds this against the tokenizer itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from pathlib import Path

import orjson

#: What stands for a blank, and begins a word.
BLANK = "▁"
#: Characters that are tokens by themselves, and stand in no other.
_SIGN = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff]")


def words(text: str) -> Sequence[str]:
    """Return the words of a text, Chinese, Japanese and Korean characters one by one."""
    return (text if text.isascii() else _SIGN.sub(r" \g<0> ", text)).split()


def spelt(word: str) -> str:
    """Return a word as the vocabulary has it: no token goes on behind it, nor over the blank that it begins with."""
    return word if len(word) == 1 and _SIGN.match(word) else BLANK + word


class Pieces:
    """The vocabulary of a `tokenizer.json`."""

    def __init__(self, path: Path) -> None:
        """Read the vocabulary, and only that: the rest of the file is as long again.  Raises OSError, ValueError."""
        raw = path.read_bytes()
        start = raw.index(b"{", raw.index(b'"vocab"'))
        end = raw.index(b'"merges"', start)
        self._ids: Mapping[str, int] = orjson.loads(raw[start : raw.rindex(b",", start, end)])

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text's tokens, those of its words one after the other."""
        return [
            number for word in words(text) for piece in self._joined(spelt(word)) for number in self._numbers(piece)
        ]

    def _joined(self, word: str) -> list[str]:
        """Return a word's tokens, from its characters up; of pasted base64 in time that grows with its length alone."""
        pieces, end = [*word], len(word)
        after, before = [*range(1, end + 1)], [*range(-1, end)]  # neighbours of the pieces that are left
        waiting = [found for at, pair in enumerate(pairwise(word)) if (found := self._joint(at, "".join(pair)))]
        heapify(waiting)
        while waiting:
            _, at, pair = heappop(waiting)
            other = after[at]
            if other == end or not pieces[at] or pieces[at] + pieces[other] != pair:
                continue  # one of them was joined to another meanwhile
            pieces[at], pieces[other] = pair, ""
            after[at] = after[other]
            before[after[other]] = at
            for left, right in ((before[at], at), (at, after[at])):
                if left >= 0 and right < end and (found := self._joint(left, pieces[left] + pieces[right])):
                    heappush(waiting, found)
        return [piece for piece in pieces if piece]

    def _joint(self, at: int, pair: str) -> tuple[int, int, str] | None:
        """Return where two neighbours would be joined, ranked by the vocabulary; None if they are not."""
        number = self._ids.get(pair)
        return None if number is None else (number, at, pair)

    def _numbers(self, piece: str) -> list[int]:
        """Return the id of a piece, or those of its bytes."""
        number = self._ids.get(piece)
        if number is not None:
            return [number]
        return [self._ids[f"<0x{byte:02X}>"] for byte in piece.encode("utf-8", "replace")]
