"""What stands between a tag and its end in a text, found in one pass.

A lazy pattern (``<a>.*?</a>``) looks for a missing end anew behind each beginning: a megabyte of tags without an end
takes it hours.  What tags mean is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: A text with so many different tags that have no end was made to be slow; the rest of it is text.
_MOST_ENDLESS = 1_000


class Piece(NamedTuple):
    """A tag, what stands behind its name, what it holds, and where it begins and ends."""

    tag: re.Match[str]
    attributes: str
    inner: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """What the tag is called."""
        return str(self.tag[1])


def pieces(text: str, tag: re.Pattern[str], *, cut_off: bool = False) -> Iterator[Piece]:
    """Yield each piece from a tag to the first end of its name, and with `cut_off` one whose end is missing.

    `tag` matches a tag's beginning; its first group is the name.
    """
    endless: set[str] = set()
    at = 0
    while (found := tag.search(text, at)) and len(endless) < _MOST_ENDLESS:
        name, at = found[1], found.end()
        opened = -1 if name in endless else text.find(">", at)
        end = text.find(f"</{name}>", opened + 1) if opened >= 0 else -1
        if end >= 0:
            attributes, inner, at = text[at:opened], text[opened + 1 : end], end + len(name) + len("</>")
            yield Piece(found, attributes, inner, found.start(), at)
        elif cut_off and opened >= 0:
            yield Piece(found, text[at:opened], text[opened + 1 :], found.start(), len(text))
            return
        else:
            endless.add(name)


def first(text: str, tag: re.Pattern[str]) -> Piece | None:
    """Return the first piece."""
    return next(pieces(text, tag), None)


def outermost(text: str, name: str) -> tuple[int, int, str] | None:
    """Return where the first tag of that name begins and the last one ends, and what is between."""
    opening, closing = f"<{name}>", f"</{name}>"
    start, end = text.find(opening), text.rfind(closing)
    begins = start + len(opening)
    return (start, end + len(closing), text[begins:end]) if start >= 0 and begins <= end else None


def split(text: str, tag: re.Pattern[str], *, cut_off: bool = False) -> Iterator[str | Piece]:
    """Yield the pieces, and the text before, between and behind them that is not empty, in order."""
    at = 0
    for piece in pieces(text, tag, cut_off=cut_off):
        if at < piece.start:
            yield text[at : piece.start]
        yield piece
        at = piece.end
    if at < len(text):
        yield text[at:]


def without(text: str, tag: re.Pattern[str]) -> str:
    """Return a text without the pieces."""
    return "".join(kept for kept in split(text, tag) if isinstance(kept, str))
