"""One query on its way to results: which messages may answer it, and what it has to do without.

`scope` says what may be found at all, `weighing` what the words weigh; `lexical` and `hybrid` choose and rank.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from chatlog import names, ranking
from chatlog.errors import NoVectorsError
from chatlog.models import Term
from chatlog.query import Query, is_unspaced
from chatlog.ranking import Weighed
from chatlog.results import Result
from chatlog.scope import FURTHER, Scope
from chatlog.shortlist import Ranked, shortlist
from chatlog.store.words import EVERY, Spot

if TYPE_CHECKING:
    from chatlog.meaning import Index, Question

#: So many names of a query are looked for by their closest form where no message has them.
MOST_NAMES = 12
#: So many of the latest messages with a word are looked at for hidden ones.
NOTED = 50


class Hunt:
    """One query among the messages of a scope."""

    def __init__(self, scope: Scope, query: Query) -> None:
        self.scope = scope
        self.store = scope.store
        self.options = scope.options
        self.query = query
        self.warned: list[str] = []
        #: Nearly all of the candidates may not be seen, and there is more: it is worth another search, narrowed.
        self.needs_narrowing = False

    def of(self, query: Query) -> Hunt:
        """Return the hunt for another query among the same messages."""
        return Hunt(self.scope, query)

    def narrowed(self) -> Hunt:
        """Return the hunt anew, what may not be seen left out beforehand."""
        return Hunt(self.scope.narrowed, self.query)

    @property
    def asks_for_titles(self) -> bool:
        """Whether it counts what conversations are called: not where they, or the places to search in, were chosen."""
        return not self.options.within and self.query.filters.ids is None

    def is_called(self, word: str) -> bool:
        """Whether a conversation is called so, among other words."""
        return self.asks_for_titles and bool(self.store.words.titled([word], self.query.filters, 1))

    # which messages may answer

    @cached_property
    def excluded(self) -> frozenset[int]:
        """The bodies that hold an unwanted term."""
        found = (self.scope.posting((term,), 1 << 40, EVERY) for term in self.query.without)
        return frozenset().union(*(posting.bodies for posting in found))

    def may_be_found(self, bodies: Iterable[int]) -> frozenset[int]:
        """Return those of the bodies that the filters and the unwanted terms leave."""
        allowed = self.scope.allowed
        left = frozenset(bodies) if allowed is None else allowed.intersection(bodies)
        return left - self.excluded if self.excluded else left

    def holding(self, terms: tuple[Term, ...]) -> frozenset[int]:
        """Return the messages that hold all of the terms: the latest, where there are very many."""
        scope, bodies, is_complete = self.scope, frozenset[int](), False
        for posting in scope.backwards(terms, scope.bounds):
            bodies |= self.may_be_found(posting.bodies)
            is_complete = posting.complete
            if len(bodies) > scope.enough or (scope.allowed is None and not self.query.without):
                break
        found = scope.seen(scope.latest(bodies))
        if len(found) < self.options.limit and len(bodies) > scope.enough:
            found = scope.seen(bodies)
        self.needs_narrowing |= not is_complete and scope.are_few(found)
        return found

    def seeds(self, weighed: Sequence[Weighed], reach: int = 0) -> frozenset[int]:
        """Return the messages that hold the most of the words, enough of them visible ones.

        What stands within `reach` of them is going to be looked at: mostly all are visible, and that is known then.
        """
        scope = self.scope
        asked = scope.wanted
        while True:
            ranked = ranking.best_seeds(weighed, asked, self.may_be_found)
            visible = scope.seen(ranked, reach)
            if len(visible) >= scope.wanted or len(ranked) < asked:
                common = any(scope.are_many(term.bodies) for term in weighed)
                self.needs_narrowing |= common and scope.are_few(visible)
                return frozenset(islice((body for body in ranked if body in visible), scope.wanted))
            asked *= FURTHER

    def note_unseen(self, nearest: Sequence[int], spots: Iterable[Spot]) -> None:
        """Note where most of what is nearest in meaning, of which these are the places, may not be seen."""
        seen = self.may_be_found(nearest).intersection(spot.body for spot in spots if spot.allowed)
        self.needs_narrowing |= len(seen) < min(self.options.limit, len(nearest) // 2)

    # what it has to do without

    def looser(self, terms: Sequence[Term]) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
        """Return the terms, in place of names that no message has what these may be found by, and those names."""
        plain = [term for term in terms if not term.phrase and not term.prefix and names.is_compound(term.text)]
        looked_for = set(plain[:MOST_NAMES])
        kept: dict[Term, None] = {}
        given_up: list[Term] = []
        for term in terms:
            found: tuple[Term, ...] = (term,)
            if term in looked_for and self._is_missing(term):
                found = next((other for other in names.looser(term.text) if self.holding(other)), found)
                given_up += [term] if found != (term,) else []
            kept |= dict.fromkeys(found)
        self.note_hidden(given_up)
        return tuple(kept), tuple(given_up)

    def _is_missing(self, term: Term) -> bool:
        return not (self.scope.everywhere(term).total if self.scope.allowed is None else self.holding((term,)))

    def lacking(self, terms: Iterable[Term]) -> list[Term]:
        """Return those of the terms that no message has that may be seen."""
        latest = {term: self._newest(self.scope.everywhere(term).bodies) for term in terms}
        seen = self.scope.seen(frozenset().union(*latest.values()))
        return [term for term, held in latest.items() if seen.isdisjoint(held) and not self.holding((term,))]

    def note_hidden(self, terms: Iterable[Term]) -> None:
        """Note which of the terms only hidden messages have: they are there all the same."""
        if self.options.hidden:
            return
        somewhere = [term for term in terms if not is_unspaced(term) and self.scope.is_there(term)]
        latest = {term.text: self._newest(self.scope.held(term).bodies) for term in self.lacking(somewhere)}
        bodies = frozenset[int]().union(*latest.values())
        spots = self.store.words.spots(bodies, 0, self.scope.filters, hidden=True) if bodies else []
        hidden = {spot.body for spot in spots if spot.allowed}
        if found := [text for text, held in latest.items() if not hidden.isdisjoint(held)]:
            self.warned.append(f"only hidden messages have: {' '.join(found)}; --hidden shows them")

    def _newest(self, bodies: Collection[int]) -> list[int]:
        return self.scope.latest(bodies)[:NOTED]

    # what is told of it

    @cached_property
    def index(self) -> Index | None:
        """The index of meanings, None where there is none; what should be known of it is told with the results."""
        index = self.scope.meanings
        self.warned += index.warnings if index else ()
        return index if index and index.state else None

    def question(self, authors: Collection[str | None]) -> Question | None:
        """Return what the query means; None, and a warning, where there is no searching by meaning."""
        try:
            return self.index.question(self.query.text, authors) if self.index else None
        except NoVectorsError as error:
            self.warned.append(f"searched by words only: {error.message}")
        return None

    def asked(self, terms: Sequence[Term]) -> str:
        """Return the query that ran: its terms, and those it had to do without."""
        wanted = [f'"{term.text}"' if term.phrase else term.text + "*" * term.prefix for term in terms]
        return " ".join([*wanted, *(f"-{term.text}" for term in self.query.without)])

    def warnings(self) -> tuple[str, ...]:
        """Return what the user should know of how it was searched."""
        return tuple(self.warned)

    def items(self, ranked: Iterable[Ranked], terms: Sequence[Term]) -> list[Result]:
        """Return the first results of a ranking."""
        return shortlist(self.store, ranked, terms, self.options.limit)
