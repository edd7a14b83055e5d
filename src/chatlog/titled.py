"""Conversations that are called what is asked: a title that somebody gave often has words that no message has.

They stand among the results of a search with the message that answers best, or else the first one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, zip_longest

from chatlog import query as language
from chatlog.hunt import Hunt
from chatlog.models import Term
from chatlog.results import Result, Results, result_of

#: So many of ten results, one at least, may be there for their title.
MOST_OF_TEN = 3
#: Of the latest of so many whose title has the words the shortest titles are taken.
LOOKED_AT = 200
#: Where one message has all of so many words, they are what is remembered of it, and no title is looked for.
RECALLED = 4
#: No title has so many characters of words.
MOST_CHARS = 300


def among(hunt: Hunt, found: Results) -> Results:
    """Return results with those of conversations that are called what is asked, in turn with the others.

    Their titles have every word of the query, or where there are none those that no message has.  Not where the
    conversations or the places to search in were chosen: there a title says nothing.
    """
    if not hunt.asks_for_titles or hunt.query.without:
        return found
    terms = _asked(hunt.query.content)
    if found.tier == "exact" and len(terms) >= RECALLED:
        return found
    dropped = {language.bare(text) for text in found.dropped}
    lacked = [term for term in terms if term.text in dropped]
    names = _called(hunt, terms) or (_called(hunt, lacked) if len(lacked) < len(terms) else [])
    best = {item.message.conversation: item for item in reversed(found.items)}
    chosen = names[: max(hunt.options.limit * MOST_OF_TEN // 10, 1)]
    titled = [item for name in chosen if (item := best.get(name) or _first(hunt, name, terms))]
    return _in_turn(titled, found, hunt.options.limit) if titled else found


def _in_turn(titled: Sequence[Result], found: Results, limit: int) -> Results:
    refs = {item.message.ref for item in titled}
    others = [item for item in found.items if item.message.ref not in refs]
    merged = [item for turn in zip_longest(titled, others) for item in turn if item][:limit]
    scores = [*accumulate((item.score for item in reversed(merged)), max)]  # a title is worth as much as what follows
    items = tuple(item._replace(score=score) for item, score in zip(merged, reversed(scores), strict=True))
    total = None if found.total is None else max(found.total, len(items))
    if found.items:
        return found._replace(items=items, total=total)
    return found._replace(items=items, tier="exact", dropped=(), total=total)


def _asked(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return what a title should have: the words that are asked for, without those that only ask."""
    words = language.without_endings(terms)
    return tuple(
        term._replace(text=text) for term in words if not language.is_weak(term) and (text := language.bare(term.text))
    )


def _called(hunt: Hunt, terms: Sequence[Term]) -> list[str]:
    """Return the conversations whose title has all the terms as words, those first of which it says the least else."""
    if not 0 < sum(len(term.text) for term in terms) <= MOST_CHARS:
        return []
    found = hunt.store.words.titled([language.singular(term).text for term in terms], hunt.query.filters, LOOKED_AT)
    held = dict(found)
    for term in terms:
        kept = language.having(held, term)
        held = {name: title for name, title in held.items() if name in kept}
    return sorted(held, key=lambda name: len(re.findall(r"\w+", held[name])))


def _first(hunt: Hunt, name: str, terms: Sequence[Term]) -> Result | None:
    """Return the first message of a conversation that the filters let through."""
    hits = hunt.store.scan(hunt.query.filters._replace(ids=(name,)), hidden=hunt.options.hidden)
    hit = next(hits, None)
    return result_of(hit, terms) if hit else None
