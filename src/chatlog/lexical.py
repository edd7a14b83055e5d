"""Search by words: all of them, then fewer, never silently.

The messages that hold the words are ranked by their words and those around them, as in every mode.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chatlog import weighing
from chatlog.hunt import Hunt
from chatlog.models import Term
from chatlog.query import most_telling, split_runs
from chatlog.results import Results
from chatlog.shortlist import Ranked


def search(hunt: Hunt, terms: tuple[Term, ...]) -> Results:
    """Return the messages that hold every term; where there are none, those that hold all but the commonest."""
    asked, beyond = most_telling(terms)
    found = hunt.holding(asked)
    dropped: list[Term] = []
    if not found:
        pairs, left_out = most_telling(_in_pairs(terms))
        found, told, dropped = _relaxed(hunt, pairs, was=asked)
        if found:
            asked, beyond = told, left_out
        else:  # named as they were asked for
            dropped = [*asked]
    hunt.note_hidden(dropped)
    dropped += beyond
    names = tuple(term.text for term in dropped)
    if not found:
        return Results(dropped=names, total=0, warnings=hunt.warnings())
    results = ranked(hunt, found, asked)
    return results._replace(
        mode="lexical",
        tier="relaxed" if dropped else "exact",
        dropped=names,
        total=len(results.items) if len(results.items) < hunt.options.limit else None,
    )


def _in_pairs(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return the terms with runs of unspaced script as their pairs of characters: a run may be a whole sentence."""
    own = {*terms}
    return tuple(term for term in split_runs(terms) if term in own or len(term.text) > 1)


def _relaxed(
    hunt: Hunt, asked: tuple[Term, ...], was: tuple[Term, ...]
) -> tuple[frozenset[int], tuple[Term, ...], list[Term]]:
    """Do without one term after the other: those that nothing to be shown has first, then the most common."""
    dropped = hunt.lacking(asked)
    left = [term for term in asked if term not in dropped]
    counts = {term: hunt.scope.everywhere(term).total for term in left}
    while left:
        found = hunt.holding(tuple(left)) if dropped or asked != was else frozenset()
        if found:
            return found, tuple(left), dropped
        commonest = max(left, key=lambda term: counts[term])
        left.remove(commonest)
        dropped.append(commonest)
    return frozenset(), asked, dropped


def ranked(hunt: Hunt, found: Collection[int], terms: Sequence[Term]) -> Results:
    """Rank messages by their words and those around them."""
    scope = hunt.scope
    spots = [spot for spot in scope.around(scope.latest(found), 0) if spot.allowed]
    weighed = weighing.placed(hunt, weighing.weigh(hunt, terms), spots)
    words = weighing.scores(hunt, spots, scope.surroundings(spots), weighed).words
    order = sorted(range(len(spots)), key=lambda index: (-words[index], -spots[index].body))
    items = hunt.items((Ranked(spots[index], words[index], words[index]) for index in order), terms)
    return Results(items=tuple(items), warnings=hunt.warnings())
