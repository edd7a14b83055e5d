"""What was chosen of a conversation for a context, and what was left out, each with the reason."""

from __future__ import annotations

from typing import Any, NamedTuple

#: The sections of a context in their order, and why each is there.
WHY = {
    "system": "the conversation's own instructions",
    "kept": "turns marked to be kept",
    "summary": "what older turns came down to",
    "memory": "memories that share words with the question",
    "retrieved": "earlier turns found by the question",
    "recent": "the latest turns, verbatim",
    "query": "the new message",
}


class Left(NamedTuple):
    """Something left out or shortened; `last` is the last ref where it is a range of messages."""

    ref: str
    reason: str
    tokens: int = 0
    last: str | None = None


class Section(NamedTuple):
    """A section of the context: its tokens, and the messages in it."""

    tokens: int
    refs: tuple[str, ...]


class Chosen(NamedTuple):
    """The chosen context in its wire form, with its cost in tokens, its sections and what was left out."""

    wire: Any
    tokens: int
    sections: dict[str, Section]
    omitted: tuple[Left, ...]
