"""What one search may find: which messages may be seen and pass its filters, and which of them hold a word.

Everything that is asked here is asked of the store once, however many questions a text has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from chatlog.embedders import NONE
from chatlog.models import Filters, Term
from chatlog.ranking import REACH
from chatlog.results import SearchOptions
from chatlog.store import Store
from chatlog.store.words import EVERY, Posting, Spot, Surroundings

if TYPE_CHECKING:
    from chatlog.meaning import Index

#: A word that more messages hold than this gives candidates only from the latest of them, or beside a rarer word.
COMMON = 2_500
#: Where too few of those may be found, so many times more are looked at in the next step.
FURTHER = 8
#: Where filters leave little between the first and the last message they let through, at most so many are looked at.
MOST_LOOKED_AT = 50_000
#: Where the filters let through no more than this, all of it is ranked.
WHOLE = 1_500
#: So many of the messages with the most words are looked at with those around them.
WORD_SEEDS = 25


class Scope:
    """The messages among which a search looks, whatever its words."""

    def __init__(self, store: Store, filters: Filters, options: SearchOptions, *, prefiltered: bool = False) -> None:
        self.store = store
        self.filters = filters
        self.options = options
        self.within = tuple(place for place in options.within if place in ("text", "tool")) or ("text", "tool")
        #: Which messages may be seen is looked up before the search, in a pass over all of them; without filters it is
        #: asked of the candidates alone.
        self.prefiltered = prefiltered or filters != Filters()
        #: Which messages, of a span, hold all of some terms: a word that is nowhere is asked for on several ways.
        self.posting = cache(self._posting)
        #: Where messages stand: asked to tell which may be seen, and again to rank them.
        self._places = cache(partial(store.words.spots, filters=filters, hidden=options.hidden))

    @cached_property
    def narrowed(self) -> Scope:
        """The same messages, those that may not be seen left out beforehand."""
        other = Scope(self.store, self.filters, self.options, prefiltered=True)
        other.posting, other._places = self.posting, self._places
        return other

    # which messages

    @cached_property
    def allowed(self) -> frozenset[int] | None:
        """The bodies that may be seen and that the filters let through; None where candidates are asked one by one."""
        if not self.prefiltered:
            return None
        return self.store.words.allowed(self.filters, hidden=self.options.hidden)

    @cached_property
    def whole(self) -> bool:
        """Whether so little may be found that all of it is ranked."""
        return self.allowed is not None and len(self.allowed) <= WHOLE

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """The first and the last body that may be found."""
        return (min(self.allowed), max(self.allowed)) if self.allowed else EVERY

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last body that are looked at for words: nothing else of a large history.

        Where all is ranked, how rare a word is in everything that the user has says more than in the little there is.
        """
        return EVERY if self.whole else self.bounds

    @cached_property
    def size(self) -> int:
        """About how many messages of the user are in the span: an estimate, but no fewer than may be found."""
        return max(min(self.store.words.size(), self.span[1] - self.span[0] + 1), len(self.allowed or ()), 1)

    @cached_property
    def common(self) -> int:
        """How many messages with a word are looked at at first, more where the filters let few of the span through."""
        if self.span == EVERY or not self.allowed:
            return COMMON
        return min(COMMON * self.size // len(self.allowed), MOST_LOOKED_AT)

    def around(self, bodies: Collection[int], reach: int) -> list[Spot]:
        """Return where bodies stand, with their neighbours."""
        return self._places(frozenset(bodies), reach)

    def seen(self, bodies: Collection[int], reach: int = 0) -> frozenset[int]:
        """Return those of the bodies that stand where they may be seen; with `reach` what is `around` is known then."""
        if self.allowed is not None:
            return self.allowed.intersection(bodies)
        found = self.around(bodies, reach) if bodies else ()
        return frozenset(spot.body for spot in found if spot.allowed).intersection(bodies)

    def has(self, bodies: Collection[int]) -> bool:
        """Whether any of the bodies may be seen."""
        if self.allowed is not None:
            return not self.allowed.isdisjoint(bodies)
        return bool(self.seen(self.latest(bodies)))

    def surroundings(self, spots: Sequence[Spot]) -> Surroundings:
        """Return all that counts for how spots rank."""
        return self.store.words.surroundings(spots, REACH)

    # which of them hold a word

    def _posting(self, terms: tuple[Term, ...], most: int, span: tuple[int, int]) -> Posting:
        return self.store.words.posting(terms, self.within, most, span=span)

    def held(self, term: Term) -> Posting:
        """Return which messages of the span hold a term, as far as that can be told at once."""
        return self.posting((term,), self.common, self.span)

    def is_there(self, term: Term) -> bool:
        """Whether a message of the span holds a term, as far as that can be told at once."""
        return bool(self.held(term).total)

    def everywhere(self, term: Term) -> Posting:
        """Return which messages of all that the user has hold a term, as far as that can be told at once."""
        return self.posting((term,), COMMON, EVERY)

    def backwards(self, terms: tuple[Term, ...], span: tuple[int, int]) -> Iterator[Posting]:
        """Yield which messages hold all terms from a span's end to its beginning, `FURTHER` times as many each time."""
        (first, last), most = span, self.common
        while True:
            posting = self.posting(terms, most, (first, last))
            yield posting
            if posting.complete:
                return
            most, last = most * FURTHER, posting.since - 1

    # how many are enough

    @property
    def wanted(self) -> int:
        """How many messages that hold words there should be to choose from."""
        return max(WORD_SEEDS, self.options.limit)

    @property
    def enough(self) -> int:
        """How many messages with all of the words are ranked at most."""
        return max(300, 2 * self.options.limit)

    def latest(self, bodies: Collection[int]) -> list[int]:
        """Return no more of the bodies than are enough, the latest first."""
        return sorted(bodies, reverse=True)[: self.enough]

    def are_few(self, found: Collection[int]) -> bool:
        """Whether so few of a common word's messages may be found that it is worth looking further."""
        return len(found) < min(self.wanted, COMMON // 2)

    def are_many(self, bodies: Collection[int]) -> bool:
        """Whether so many messages hold a word that there may be more than were looked at."""
        return len(bodies) >= COMMON

    # what they mean

    @cached_property
    def meanings(self) -> Index | None:
        """The index of meanings, brought up to date; None where there is no searching by meaning."""
        if self.options.embedder == NONE:
            return None
        from chatlog import meaning

        return meaning.index_for(self.store, self.options.embedder)
