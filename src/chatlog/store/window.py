"""What assembling a context reads of a store: a conversation's opening, its end, what is counted and remembered.

Every read is bounded by what it returns, not by the length of the conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from chatlog.models import Message

#: Counts the tokens of a message's words.
Count = Callable[[Message], int]


class Counted(NamedTuple):
    """A message with its tokens; a hidden one counts nothing."""

    message: Message
    tokens: int


class Opening(NamedTuple):
    """What stands above a conversation's turns, and how long all of it is.

    `tokens` is the total of the active path's visible messages, `messages` their number, `last` the last seq.
    `asked` is the seq of the first user's message, told where there is more than one system prompt.
    """

    system: tuple[Message, ...]
    kept: tuple[Message, ...]
    tokens: int
    messages: int
    first: int | None
    last: int | None
    asked: int | None = None


class Remembered(NamedTuple):
    """A memory of the user's."""

    namespace: str
    key: str
    value: Any
    tags: tuple[str, ...]
    updated_at: str


class Windows(Protocol):
    """The part of a store that contexts are assembled from."""

    def opening(self, conversation: str, encoding: str, count: Count) -> Opening:
        """Return a conversation's opening; messages not counted yet are counted, once, and the counts kept."""

    def tail(
        self, conversation: str, encoding: str, count: Count, *, before: int | None = None, limit: int = 64
    ) -> list[Counted]:
        """Return the last messages of the active path, or the last before a seq, in order."""

    def asked(self, conversation: str, before: int) -> Message | None:
        """Return the user's last visible message on the active path before a seq."""

    def active(self, conversation: str, seqs: Sequence[int]) -> set[int]:
        """Return those of some seqs that are on the active path and not hidden."""

    def memories(self, limit: int = 500) -> list[Remembered]:
        """Return the user's memories that have not expired, the latest first."""

    def mark(self, conversation: str, seqs: Sequence[int], importance: str | None) -> int:
        """Say what messages are worth, None for what the rules say; return how many changed."""
