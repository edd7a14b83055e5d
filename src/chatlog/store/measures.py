"""What statistics read of a store: how large each conversation is, and the sums by day, model, source and the like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from chatlog.models import Filters, Message

#: What sums can be told apart by.
DIMENSIONS = ("day", "model", "source", "role", "tag", "user")


class Size(NamedTuple):
    """How large a conversation is: messages of all branches, bytes of what they say, tokens of its active path."""

    id: str
    title: str | None
    model: str | None
    messages: int
    bytes: int
    tokens: int
    updated_at: str


class Group(NamedTuple):
    """The sums of what has one thing in common."""

    name: str
    conversations: int
    messages: int
    tokens: int
    bytes: int


class Exchange(NamedTuple):
    """Messages of an active path that no summary covers: from a user's on to the next, or what stands before the first.

    `opened` says that a user's message begins it.
    """

    since: str
    messages: int
    tokens: int
    opened: bool


class Measures(Protocol):
    """The part of a store that is measured; tokens are those of one encoding that are counted already."""

    def uncounted(self, filters: Filters, encoding: str) -> list[str]:
        """Return the conversations with messages that are not counted yet: one on the active path, or all in all."""

    def unsized(self, filters: Filters) -> int:
        """Return how many conversations have messages but no number of tokens to be sorted by."""

    def count(self, conversation: str, encoding: str, count: Callable[[Message], int]) -> None:
        """Count a conversation's messages, and keep the counts where the file can be written."""

    def sizes(self, filters: Filters, encoding: str) -> list[Size]:
        """Return the size of each conversation that the filters let through, the latest first."""

    def turns(self, filters: Filters, encoding: str) -> dict[str, list[int]]:
        """Return for each conversation the tokens of its turns, each a user's message and what follows, in order."""

    def unsummarised(self, conversations: Sequence[str], encoding: str) -> dict[str, list[Exchange]]:
        """Return for each of some conversations the exchanges since its last summary, in order."""

    def groups(self, filters: Filters, encoding: str, dimension: str) -> list[Group]:
        """Return the sums by one of `DIMENSIONS`: by day in its order, by others the most messages first."""

    def file_bytes(self) -> int:
        """Return the size of the whole file, whoever's."""
