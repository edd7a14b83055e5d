"""What the words of a query weigh, and which messages hold them: in shown text, in tool text, as the author's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from chatlog import answers, ranking
from chatlog.hunt import Hunt
from chatlog.models import Term
from chatlog.query import folded, having, is_unspaced, is_weak
from chatlog.ranking import Weighed
from chatlog.store.words import EVERY, Posting, Spot, Surroundings

#: A word in more than this share of the messages is left out of a query that has a rarer one.
EVERYWHERE = 0.33
#: A word may be an author's name where that contains its first so many characters: the index holds stems.
NAME_CHARS = 4


def weigh(hunt: Hunt, terms: Sequence[Term]) -> list[Weighed]:
    """Return the terms with their weights and where they are, but for words that nearly all messages have."""
    found = _postings(hunt, terms)
    rare = [term for term, posting in found.items() if posting.complete and posting.bodies]
    if rare:
        terms = [term for term in terms if found[term].complete or found[term].total < hunt.scope.size * EVERYWHERE]
    return [_weighed(hunt, term, found[term], rare) for term in terms]


def _postings(hunt: Hunt, terms: Sequence[Term]) -> dict[Term, Posting]:
    """Return which messages hold each term: the latest, and older ones while too few of those may be found."""
    scope = hunt.scope
    postings = {term: scope.backwards((term,), scope.span) for term in terms}
    found = {term: next(posting) for term, posting in postings.items()}
    while scope.allowed and not scope.whole:
        going_on = [term for term, posting in found.items() if not posting.complete]
        if not going_on:
            break
        held = frozenset[int]().union(*(posting.bodies for posting in found.values()))
        if not scope.are_few(hunt.may_be_found(held)):
            break
        for term in going_on:
            older = next(postings[term])
            found[term] = Posting(found[term].bodies | older.bodies, found[term].total, older.since)
    return found


def _weighed(hunt: Hunt, term: Term, found: Posting, rare: Sequence[Term]) -> Weighed:
    held = found.bodies if found.complete else found.bodies | _also_shown(hunt, term, rare)
    weight = ranking.rarity(found.total, hunt.scope.size)
    if is_weak(term):
        weight *= ranking.WEAK
    nearby = ranking.NEARBY_PAIR if is_unspaced(term) else 1.0
    if len(term.text) == 1 and is_unspaced(term):
        weight, nearby = weight * ranking.SIGN, 0.0
    if hunt.scope.within == ("tool",):
        return Weighed(term, weight, shown=frozenset(), tool=held, nearby=nearby)
    return Weighed(term, weight, shown=held, nearby=nearby)


def _also_shown(hunt: Hunt, term: Term, rare: Sequence[Term]) -> frozenset[int]:
    """Return which messages hold a common term beside a rarer one, or at all where filters let little through."""
    found, scope = frozenset[int](), hunt.scope
    if "text" not in scope.within:
        return found
    posting = partial(hunt.store.words.posting, (term,), ("shown",))
    if rare:
        found = posting(scope.common, beside=rare, span=scope.span).bodies
    if scope.allowed and scope.whole:
        found |= posting(EVERY[1], span=scope.bounds).bodies
    return found


def placed(hunt: Hunt, weighed: Sequence[Weighed], spots: Sequence[Spot]) -> list[Weighed]:
    """Return terms that say which messages hold them in tool text, which as their author's name, and which titles do.

    Asked only where some spot has tool text or such an author: FTS5 would look through all that follows.
    """
    within = hunt.scope.within
    if within == ("tool",):
        return [*weighed]
    with_tools = frozenset(spot.body for spot in spots if spot.has_tool and "tool" in within)
    names = {folded(author) for author in {spot.author for spot in spots} if author}
    found = []
    for term in weighed:
        start = folded(term.term.text)[:NAME_CHARS]
        places = ["author"] if any(start in name for name in names) else []
        places += ["tool"] if not with_tools.isdisjoint(term.shown) else []
        found.append(_placed(hunt, term, places) if term.shown and places else term)
    return _titled(hunt, found, spots) if hunt.asks_for_titles else found


def _placed(hunt: Hunt, term: Weighed, places: Sequence[str]) -> Weighed:
    ask = partial(hunt.store.words.placed, term.term, among=term.shown)
    found = {place: ask((place,)) for place in places}
    if not any(found.values()):
        return term
    shown = term.shown.difference(*found.values()) | ask(("shown",))
    tool, authored = found.get("tool", frozenset[int]()), found.get("author", frozenset[int]())
    weight, scope = term.weight, hunt.scope
    if authored and len(term.shown) < scope.common:  # a name is as rare as the talk of its bearer, or by its bearer
        count = max(len(shown | tool), len(authored))
        weight *= ranking.rarity(count, scope.size) / ranking.rarity(len(term.shown), scope.size)
    return replace(term, weight=weight, shown=shown, tool=tool, authored=authored)


def _titled(hunt: Hunt, weighed: list[Weighed], spots: Sequence[Spot]) -> list[Weighed]:
    # a question is asked of what was said: first words as titles make answers of what is none
    titles = hunt.store.words.titles({spot.conversation for spot in spots}, given=hunt.query.is_question)
    if not titles:
        return weighed
    return [replace(term, titled=having(titles, term.term)) if term.nearby else term for term in weighed]


def scores(hunt: Hunt, spots: Sequence[Spot], around: Surroundings, weighed: Sequence[Weighed]) -> ranking.Scores:
    """Score spots by their words and those around them."""
    dates = ranking.DateWords.of(hunt.query.text).weights(spots)
    role = answers.speaker(hunt.query.text)  # `I` and `you` are the names of those who have no other
    theirs = frozenset(spot.body for spot in spots if spot.role == role and spot.author is None)
    return ranking.word_scores(spots, around, weighed, dates, theirs)
