"""One search: where its words are, which messages may answer it, and how they rank by words and by meaning.

The store says what holds a word and what stands around it; `ranking` scores; `meaning` compares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING

from chatlog import answers, names, ranking
from chatlog.errors import BusyError, NoVectorsError
from chatlog.models import Filters, Term
from chatlog.query import Query, folded, is_unspaced, is_weak
from chatlog.ranking import Weighed
from chatlog.results import Result, Results, SearchOptions
from chatlog.shortlist import Ranked, shortlist
from chatlog.store import Store
from chatlog.store.words import EVERY, Posting, Spot, Surroundings

if TYPE_CHECKING:
    from chatlog.meaning import Question

#: So much of a question is read as sentences; what is longer is a text, of which the words are looked for.
QUESTION_CHARS = 8_000
#: A word that more messages hold than this gives candidates only from the latest of them, or beside a rarer word.
COMMON = 2_500
#: Where too few of those may be found, so many times more are looked at in the next step.
FURTHER = 8
#: Where filters leave little between the first and the last message they let through, at most so many are looked at.
MOST_LOOKED_AT = 50_000
#: A word in more than this share of the messages is left out of a query that has a rarer one.
EVERYWHERE = 0.33
#: So many of the messages with the most words, and of the nearest in meaning, are looked at with those around them.
WORD_SEEDS, MEANING_SEEDS = 25, 40
#: Messages within this distance of a candidate are candidates themselves.
SPREAD = 2
#: Where the filters let through no more than this, all of it is ranked.
WHOLE = 1_500
#: So many messages are embedded by a search that finds them missing from the index.
EMBEDDED_IN_SEARCH = 20_000
#: So many names of a query are looked for by their closest form where no message has them.
MOST_NAMES = 12
#: So many of the latest messages with a word are looked at for hidden ones.
NOTED = 50
#: A word may be an author's name where that contains its first so many characters: the index holds stems.
NAME_CHARS = 4


class Hunt:
    """One query on its way to results: candidates by words and by meaning, their scores, the results to show."""

    def __init__(self, store: Store, query: Query, options: SearchOptions, *, prefiltered: bool = False) -> None:
        self.store = store
        self.query = query
        self.options = options
        self.within = tuple(place for place in options.within if place in ("text", "tool")) or ("text", "tool")
        self.warned: list[str] = []
        #: Which messages hold terms; a word that is nowhere is asked for on several ways.
        self.posting = cache(self._posting)
        #: Where messages stand: asked to tell which may be seen, and again to rank them.
        self._places = cache(partial(store.words.spots, filters=query.filters, hidden=options.hidden))
        #: Which messages may be seen is looked up before the search, in a pass over all of them; without filters it is
        #: asked of the candidates alone.
        self.prefiltered = prefiltered or query.filters != Filters()
        #: Nearly all of the candidates may not be seen, and there is more: it is worth another search, prefiltered.
        self.needs_prefilter = False

    def of(self, query: Query) -> Hunt:
        """Return the search of other words among the same messages: what is known of those is not looked up again."""
        other = Hunt(self.store, query, self.options, prefiltered=self.prefiltered)
        other.posting, other.allowed = self.posting, self.allowed
        return other

    # what may be found

    @cached_property
    def allowed(self) -> frozenset[int] | None:
        """The bodies that may be seen and that the filters let through; None where candidates are asked one by one."""
        if not self.prefiltered:
            return None
        return self.store.words.allowed(self.query.filters, hidden=self.options.hidden)

    @cached_property
    def excluded(self) -> frozenset[int]:
        """The bodies that hold an unwanted term."""
        found = (self.posting((term,), 1 << 40, EVERY) for term in self.query.without)
        return frozenset().union(*(posting.bodies for posting in found))

    @cached_property
    def whole(self) -> bool:
        """Whether so little may be found that all of it is ranked."""
        return self.allowed is not None and len(self.allowed) <= WHOLE

    @cached_property
    def span(self) -> tuple[int, int]:
        """The first and the last body that may be found: nothing else of a large history is looked at.

        Where all is ranked, how rare a word is in everything that the user has says more than in the little there is.
        """
        return EVERY if self.whole or not self.allowed else _bounds(self.allowed)

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

    def may_be_found(self, bodies: Iterable[int]) -> frozenset[int]:
        """Return those of the bodies that the filters and the unwanted terms leave."""
        left = frozenset(bodies) if self.allowed is None else self.allowed.intersection(bodies)
        return left - self.excluded if self.excluded else left

    def has(self, bodies: Collection[int]) -> bool:
        """Whether any of the bodies may be seen."""
        if self.allowed is not None:
            return not self.allowed.isdisjoint(bodies)
        return bool(bodies) and bool(self.seen(self._latest(bodies)))

    def holding(self, terms: tuple[Term, ...]) -> frozenset[int]:
        """Return the messages that hold all of the terms: the latest, where there are very many."""
        span = _bounds(self.allowed) if self.allowed else EVERY
        bodies, is_complete = frozenset[int](), False
        for posting in self._backwards(partial(self.posting, terms), span):
            bodies |= self.may_be_found(posting.bodies)
            is_complete = posting.complete
            if len(bodies) > self._enough or (self.allowed is None and not self.query.without):
                break
        found = self.seen(self._latest(bodies))
        if len(found) < self.options.limit and len(bodies) > self._enough:
            found = self.seen(bodies)
        self.needs_prefilter |= not is_complete and self._too_few(found)
        return found

    def _backwards(self, ask: Callable[[int, tuple[int, int]], Posting], span: tuple[int, int]) -> Iterator[Posting]:
        """Yield postings of a span from its end to its beginning, each of `FURTHER` times as many messages."""
        (first, last), most = span, self.common
        while True:
            posting = ask(most, (first, last))
            yield posting
            if posting.complete:
                return
            most, last = most * FURTHER, posting.since - 1

    def is_there(self, term: Term) -> bool:
        """Whether a message that may be found has a term, as far as that can be told at once."""
        return bool(self.posting((term,), self.common, self.span).total)

    def seen(self, bodies: Collection[int]) -> frozenset[int]:
        """Return those of the bodies that stand where they may be seen."""
        if self.allowed is not None:
            return self.allowed.intersection(bodies)
        return frozenset(spot.body for spot in self.around(bodies, 0) if spot.allowed)

    @property
    def wanted(self) -> int:
        """How many messages that hold words there should be to choose from."""
        return max(WORD_SEEDS, self.options.limit)

    def _too_few(self, found: Collection[int]) -> bool:
        """Whether so few of a common word's messages may be found that it is worth looking further."""
        return len(found) < min(self.wanted, COMMON // 2)

    @property
    def _enough(self) -> int:
        return max(300, 2 * self.options.limit)

    def _latest(self, bodies: Collection[int]) -> list[int]:
        return sorted(bodies, reverse=True)[: self._enough]

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
        return not (self.count(term) if self.allowed is None else self.holding((term,)))

    def lacking(self, terms: Iterable[Term]) -> frozenset[Term]:
        """Return those of the terms that nothing that may be found has."""
        latest = {term: self._latest(self.posting((term,), COMMON, EVERY).bodies)[:NOTED] for term in terms}
        seen = self.seen(frozenset().union(*latest.values()))
        return frozenset(term for term, held in latest.items() if seen.isdisjoint(held) and not self.holding((term,)))

    def note_hidden(self, terms: Iterable[Term]) -> None:
        """Note which of the terms, that no shown message has, are in hidden ones: they are there all the same."""
        if self.options.hidden:
            return
        told = (term for term in terms if not is_unspaced(term))
        latest = {term.text: self._latest(self.posting((term,), COMMON, self.span).bodies)[:NOTED] for term in told}
        bodies = frozenset[int]().union(*latest.values())
        spots = self.store.words.spots(bodies, 0, self.query.filters, hidden=True) if bodies else []
        hidden = {spot.body for spot in spots if spot.allowed}
        if names_of := [text for text, held in latest.items() if not hidden.isdisjoint(held)]:
            self.warned.append(f"only hidden messages have: {' '.join(names_of)}; --hidden shows them")

    def count(self, term: Term) -> int:
        """Return how many of the user's messages hold a term, about where they are many."""
        return self.posting((term,), COMMON, EVERY).total

    # by words

    def weigh(self, terms: Sequence[Term]) -> list[Weighed]:
        """Return the terms with their weights and where they are, but for words that nearly all messages have."""
        found = self._postings(terms)
        rare = [term for term, posting in found.items() if posting.complete and posting.bodies]
        if rare:
            terms = [term for term in terms if found[term].complete or found[term].total < self.size * EVERYWHERE]
        return [self._weighed(term, found[term], rare) for term in terms]

    def _postings(self, terms: Sequence[Term]) -> dict[Term, Posting]:
        """Return which messages hold each term: the latest, and older ones while too few of those may be found."""
        postings = {term: self._backwards(partial(self.posting, (term,)), self.span) for term in terms}
        found = {term: next(posting) for term, posting in postings.items()}
        while self.allowed and not self.whole:
            going_on = [term for term, posting in found.items() if not posting.complete]
            if not going_on:
                break
            held = frozenset[int]().union(*(posting.bodies for posting in found.values()))
            if not self._too_few(self.may_be_found(held)):
                break
            for term in going_on:
                older = next(postings[term])
                found[term] = Posting(found[term].bodies | older.bodies, found[term].total, older.since)
        return found

    def _posting(self, terms: tuple[Term, ...], most: int, span: tuple[int, int]) -> Posting:
        return self.store.words.posting(terms, self.within, most, span=span)

    def _weighed(self, term: Term, found: Posting, rare: Sequence[Term]) -> Weighed:
        held = found.bodies if found.complete else found.bodies | self._also_shown(term, rare)
        weight = ranking.rarity(found.total, self.size)
        if is_weak(term):
            weight *= ranking.WEAK
        nearby = ranking.NEARBY_PAIR if is_unspaced(term) else 1.0
        if len(term.text) == 1 and is_unspaced(term):
            weight, nearby = weight * ranking.SIGN, 0.0
        if self.within == ("tool",):
            return Weighed(term, weight, shown=frozenset(), tool=held, nearby=nearby)
        return Weighed(term, weight, shown=held, nearby=nearby)

    def placed(self, weighed: Sequence[Weighed], spots: Sequence[Spot]) -> list[Weighed]:
        """Return terms that say which messages hold them in tool text, and which as their author's name.

        Asked only where some spot has tool text or such an author: FTS5 would look through all that follows.
        """
        if self.within == ("tool",):
            return [*weighed]
        with_tools = frozenset(spot.body for spot in spots if spot.has_tool and "tool" in self.within)
        names = {folded(author) for author in {spot.author for spot in spots} if author}
        found = []
        for term in weighed:
            start = folded(term.term.text)[:NAME_CHARS]
            places = ["author"] if any(start in name for name in names) else []
            places += ["tool"] if not with_tools.isdisjoint(term.shown) else []
            found.append(self._placed(term, places) if term.shown and places else term)
        return found

    def _placed(self, term: Weighed, places: Sequence[str]) -> Weighed:
        ask = partial(self.store.words.placed, term.term, among=term.shown)
        placed = {place: ask((place,)) for place in places}
        if not any(placed.values()):
            return term
        shown = term.shown.difference(*placed.values()) | ask(("shown",))
        tool, authored = placed.get("tool", frozenset[int]()), placed.get("author", frozenset[int]())
        weight = term.weight
        if authored and len(term.shown) < self.common:  # a name is as rare as the talk of its bearer, or by its bearer
            count = max(len(shown | tool), len(authored))
            weight *= ranking.rarity(count, self.size) / ranking.rarity(len(term.shown), self.size)
        return replace(term, weight=weight, shown=shown, tool=tool, authored=authored)

    def _also_shown(self, term: Term, rare: Sequence[Term]) -> frozenset[int]:
        """Return which messages hold a common term beside a rarer one, or at all where filters let little through."""
        found = frozenset[int]()
        if "text" not in self.within:
            return found
        if rare:
            found = self.store.words.posting((term,), ("shown",), self.common, beside=rare, span=self.span).bodies
        if self.allowed and self.whole:
            found |= self.store.words.posting((term,), ("shown",), EVERY[1], span=_bounds(self.allowed)).bodies
        return found

    def around(self, bodies: Collection[int], reach: int) -> list[Spot]:
        """Return where bodies stand, with their neighbours."""
        return self._places(frozenset(bodies), reach)

    def seeds(self, weighed: Sequence[Weighed]) -> frozenset[int]:
        """Return the messages that hold the most of the words, enough of them visible ones."""
        asked = self.wanted
        while True:
            ranked = ranking.best_seeds(weighed, asked, self.may_be_found)
            visible = self.seen(ranked)
            if len(visible) >= self.wanted or len(ranked) < asked:
                common = any(len(term.bodies) >= COMMON for term in weighed)
                self.needs_prefilter |= common and self._too_few(visible)
                return frozenset(islice((body for body in ranked if body in visible), self.wanted))
            asked *= FURTHER

    def note_unseen(self, nearest: Sequence[int], spots: Iterable[Spot]) -> None:
        """Note where most of what is nearest in meaning, of which these are the places, may not be seen."""
        seen = self.may_be_found(nearest).intersection(spot.body for spot in spots if spot.allowed)
        self.needs_prefilter |= len(seen) < min(self.options.limit, len(nearest) // 2)

    def word_scores(self, spots: Sequence[Spot], around: Surroundings, weighed: Sequence[Weighed]) -> ranking.Scores:
        """Score spots by their words and those around them."""
        dates = ranking.DateWords.of(self.text).weights(spots)
        role = answers.speaker(self.text)  # `I` and `you` are the names of those who have no other
        theirs = frozenset(spot.body for spot in spots if spot.role == role and spot.author is None)
        return ranking.word_scores(spots, around, weighed, dates, theirs)

    def surroundings(self, spots: Sequence[Spot]) -> Surroundings:
        """Return all that counts for how spots rank."""
        return self.store.words.surroundings(spots, ranking.REACH)

    def ranked(self, found: Collection[int], terms: Sequence[Term]) -> Results:
        """Rank messages by their words and those around them."""
        spots = [spot for spot in self.around(self._latest(found), 0) if spot.allowed]
        around = self.surroundings(spots)
        scores = self.word_scores(spots, around, self.placed(self.weigh(terms), spots))
        order = sorted(range(len(spots)), key=lambda index: (-scores.words[index], -spots[index].body))
        items = self.items((Ranked(spots[i], scores.words[i], scores.words[i]) for i in order), terms)
        return Results(items=tuple(items), warnings=self.warnings())

    @cached_property
    def text(self) -> str:
        """The question as it was put, without fields; of a long text its beginning."""
        return " ".join(term.text for term in self.query.terms)[:QUESTION_CHARS]

    def asked(self, terms: Sequence[Term]) -> str:
        """Return the query that ran: its terms, and those it had to do without."""
        wanted = [f'"{term.text}"' if term.phrase else term.text + "*" * term.prefix for term in terms]
        return " ".join([*wanted, *(f"-{term.text}" for term in self.query.without)])

    # by meaning

    def question(self, authors: Collection[str | None]) -> Question | None:
        """Return the question's vector; None, and a warning, where there is no searching by meaning."""
        if self.options.embedder == "none":
            return None
        try:
            return self._question(authors)
        except NoVectorsError as error:
            self.warned.append(f"searched by words only: {error.message}")
        return None

    def _question(self, authors: Collection[str | None]) -> Question | None:
        from chatlog import meaning
        from chatlog.embedders import embedder

        chosen = self.options.embedder
        provider = embedder(chosen) if isinstance(chosen, str) else chosen
        state = self.store.vectors.state()
        complete = False
        if state is None or state.fingerprint == provider.fingerprint:
            try:
                complete = meaning.bring_up_to_date(self.store, provider, EMBEDDED_IN_SEARCH) < EMBEDDED_IN_SEARCH
            except BusyError as error:
                self.warned.append(f"new messages are searched by words only: {error.message}")
            state = self.store.vectors.state()
        if state is None:
            return None
        if state.fingerprint != provider.fingerprint:
            raise NoVectorsError("the index of meanings is another embedder's: chatlog embed --rebuild")
        self.store.vectors.require()
        if not complete and (waiting := self.store.vectors.waiting(1_000_000)):
            self.warned.append(f"{waiting} messages are searched by words only: chatlog embed indexes their meaning")
        return meaning.Question(meaning.without_names(self.text, authors), provider, state)

    def warnings(self) -> tuple[str, ...]:
        """Return what the user should know of how it was searched."""
        return tuple(self.warned)

    # results

    def items(self, ranked: Iterable[Ranked], terms: Sequence[Term]) -> list[Result]:
        """Return the first results of a ranking."""
        return shortlist(self.store, ranked, terms, self.options.limit)


def _bounds(bodies: Collection[int]) -> tuple[int, int]:
    return min(bodies), max(bodies)
