"""What a store can tell of its words: which messages hold a term, what stands around them, what filters let through.

Ranking is not the store's: it answers with numbers that hold for the user alone, whatever others have written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from chatlog.models import Filters, Hit, Term

#: From the first body to the last there may be.
EVERY = (0, (1 << 63) - 1)


class Posting(NamedTuple):
    """The bodies that hold a term: the latest, where there are too many, and how many there are, about."""

    bodies: frozenset[int]
    total: int
    #: No body before this one was looked at.
    since: int = 0

    @property
    def complete(self) -> bool:
        """Whether there are no others."""
        return self.since == 0


class Spot(NamedTuple):
    """A message's place, and what ranking needs to know of it; `allowed` is what the filters say."""

    conversation: int
    seq: int
    body: int
    author: str | None
    created_at: str
    size: int  # bytes
    allowed: bool | int
    has_tool: bool | int = False  # whether there is tool text beside what is shown
    role: str = "user"


class Surroundings(NamedTuple):
    """What stands around spots, laid out in a row: a stretch of a conversation after the other, a place for each seq.

    So what is within reach of a spot is a piece of the row, and nothing else is.
    """

    row: list[int]  # the body at each place, 0 where no message is
    spots: list[int]  # where each spot stands


class Words(Protocol):
    """The word index of one user."""

    def size(self) -> int:
        """Return about how many messages the user has; exactly, where nobody else has any."""

    def posting(
        self,
        terms: Sequence[Term],
        within: Sequence[str],
        most: int,
        *,
        beside: Sequence[Term] = (),
        span: tuple[int, int] = EVERY,
    ) -> Posting:
        """Return the latest `most` bodies, of those from one to another, that hold every one of the terms.

        With `beside` only those that hold one of these too.
        """

    def known(self, words: Sequence[str], within: Sequence[str], span: tuple[int, int] = EVERY) -> frozenset[int]:
        """Return the numbers of those of many words that some message has, in one of their forms."""

    def placed(self, term: Term, within: Sequence[str], among: Collection[int]) -> frozenset[int]:
        """Return which of `among` hold a term in these places."""

    def allowed(self, filters: Filters, *, hidden: bool = False) -> frozenset[int]:
        """Return the bodies of the messages that the filters let through."""

    def spots(self, bodies: Collection[int], reach: int, filters: Filters = ..., *, hidden: bool = False) -> list[Spot]:
        """Return where bodies stand with `reach` messages on each side, by conversation and seq, each once."""

    def surroundings(self, spots: Sequence[Spot], reach: int) -> Surroundings:
        """Return what stands within `reach` messages of spots, and they themselves."""

    def texts(self, bodies: Collection[int], most: int) -> dict[int, str]:
        """Return what some bodies say and what tools say in them, no more than `most` characters of each."""

    def titled(self, words: Sequence[str], filters: Filters, most: int) -> list[tuple[str, str]]:
        """Return the latest `most` conversations whose title, which somebody gave them, contains all words, and it."""

    def titles(self, conversations: Collection[int], *, given: bool) -> dict[int, str]:
        """Return the titles of conversations (a spot's); with `given` without those made of the first words."""

    def hits(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Hit]:
        """Return the messages at some places (a spot's conversation and seq), without those that are gone by now."""
