"""The tokens of many texts, word by word: each is taken to the tokenizer once, for most are said again and again.

No token of the vocabulary goes on behind a blank or over a line's end, so the tokens of a text are those of its words.
Blanks and line ends themselves mean nothing and are left out.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from chatlog.embedders.pieces import spelt, words

#: Texts of so many characters are taken apart at once.
GROUP_CHARS = 1 << 19
#: So many words are taken to the tokenizer together: to call it costs as much as several words.
TOGETHER = 256
#: Words of so many characters are remembered, about 30 MB of them.
REMEMBERED_CHARS = 1 << 20


class Spelling:
    """The tokenizer of a `tokenizer.json`, with a memory."""

    def __init__(self, path: Path) -> None:
        """Load the tokenizer.  Raises ImportError, OSError, ValueError."""
        from tokenizers import Tokenizer, normalizers

        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._tokenizer.normalizer = normalizers.Sequence([])  # it marks blanks, as `spelt` does
        (self._line_end,) = self._tokenizer.encode("\n", add_special_tokens=False).ids
        self._known: dict[str, bytes] = {}
        self._chars = 0

    def tokens(self, texts: Sequence[str]) -> Iterator[bytes]:
        """Yield the tokens of each text, two bytes a token, without those for beginning and end."""
        for some in _groups(texts):
            known = self._known  # another thread may begin a new one at any time
            apart = [words(text) for text in some]
            self._learn(known, [word for word in set[str]().union(*apart) if word not in known])
            yield from (b"".join(map(known.__getitem__, said)) for said in apart)
            if self._chars > REMEMBERED_CHARS:
                self._known, self._chars = {}, 0

    def _learn(self, known: dict[str, bytes], new: Sequence[str]) -> None:
        for start in range(0, len(new), TOGETHER):
            some = new[start : start + TOGETHER]
            known |= zip(some, self._spelt(some), strict=True)
            self._chars += sum(map(len, some))

    def _spelt(self, some: Sequence[str]) -> Iterator[bytes]:
        """Yield the tokens of each word, of all of them written below one another."""
        ids = self._tokenizer.encode("\n".join([*map(spelt, some), ""]), add_special_tokens=False).ids
        start = 0
        for _ in some:
            end = ids.index(self._line_end, start)
            yield array("H", ids[start:end]).tobytes()
            start = end + 1


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield texts in groups, so that a few at a time are taken apart."""
    group, chars = list[str](), 0
    for text in texts:
        if group and chars + len(text) > GROUP_CHARS:
            yield group
            group, chars = [], 0
        group.append(text)
        chars += len(text)
    if group:
        yield group
