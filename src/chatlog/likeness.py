"""What is like a conversation, or like one message of it.

By meaning, as the vectors that are kept say; where there are none, by the words that tell it from the rest.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from chatlog import lexical, weighing
from chatlog.hunt import Hunt
from chatlog.models import Conversation, Filters, Term
from chatlog.query import Query
from chatlog.results import Results, SearchOptions, Tier, best_of_each
from chatlog.scope import Scope
from chatlog.shortlist import Ranked
from chatlog.stopwords import STOP_WORDS
from chatlog.store import Store
from chatlog.store.words import Spot

#: What is less alike than this is no answer.
ALIKE = 0.25
#: So many messages nearest in meaning say which conversations to compare, so many times the results asked for.
NEAREST, COMPARED = 500, 3
#: A conversation is compared by so many of its messages at most, the latest.
MESSAGES = 1_000
#: Of a message so much is read for its words.
MESSAGE_CHARS = 100_000
#: So many words stand for a text: the rarest of its most frequent ones.
FREQUENT, TELLING = 40, 12


@dataclass(frozen=True, slots=True)
class _Subject:
    """What others are compared with: its messages, and the words that stand for it."""

    bodies: frozenset[int]
    counts: Counter[str]
    is_message: bool


def similar(
    store: Store,
    conversation: Conversation,
    seq: int | None = None,
    filters: Filters = Filters(),  # noqa: B008  frozen
    options: SearchOptions = SearchOptions(),  # noqa: B008
) -> Results:
    """Return conversations like one, each by the message that shows it best; with `seq` the messages like that one.

    Raises NotFoundError for a message that is not there.
    """
    subject = _subject(store, conversation, seq)
    terms = tuple(Term(word) for word, _ in subject.counts.most_common(FREQUENT))
    # half of what is found may be the subject's own: more is looked for than is shown
    wide = options._replace(mode="lexical", limit=max(NEAREST, options.limit * COMPARED))
    hunt = Hunt(Scope(store, filters, wide), Query(terms))
    found = _by_meaning(hunt, subject, options.limit) if subject.bodies else None
    if found is None:
        found = _by_words(hunt, subject, terms)
    found = found if subject.is_message else best_of_each(found)
    items = found.items[: options.limit]
    total = len(found.items) if len(found.items) <= options.limit and found.mode == "lexical" else None
    tier: Tier = "none" if not items else "semantic" if found.mode == "semantic" else "relaxed"
    return found._replace(items=items, tier=tier, total=total if items else 0, warnings=hunt.warnings())


def _subject(store: Store, conversation: Conversation, seq: int | None) -> _Subject:
    if seq is not None:
        message = store.message(conversation.id, seq)
        own = Filters(ids=(conversation.id,))
        every = store.words.spots(store.words.allowed(own, hidden=True), 0, own, hidden=True)  # forks share bodies
        bodies = frozenset(spot.body for spot in every if spot.allowed and spot.seq == seq)
        return _Subject(bodies, _words([message.text]), is_message=True)
    allowed = store.words.allowed(Filters(ids=(conversation.id,)))
    texts = [message.text for message in store.messages(conversation.id, last=MESSAGES)]
    return _Subject(allowed, _words(texts), is_message=False)


def _words(texts: Sequence[str]) -> Counter[str]:
    found = Counter(word for text in texts for word in re.findall(r"\w+", text[:MESSAGE_CHARS].lower()))
    return Counter({word: count for word, count in found.items() if len(word) > 1 and word not in STOP_WORDS})


# by meaning


def _by_meaning(hunt: Hunt, subject: _Subject, limit: int) -> Results | None:
    """Return what is alike, None where there are no vectors to say so."""
    if hunt.index is None:
        return None
    from chatlog import meaning

    centre = meaning.centre(hunt.store, _latest(subject.bodies))
    question = hunt.question(()) if centre is None else meaning.Question(centre.tolist())
    if question is None:
        return None
    nearest = hunt.may_be_found(question.nearest(hunt.store, NEAREST, hunt.scope.allowed))
    spots = hunt.scope.around(nearest, 0)
    alike = question.cosines(hunt.store, hunt.scope.surroundings(spots), most=0.0)  # beside it stands what it is
    found = [
        Ranked(spot, score, 0.0, score)
        for spot, score in zip(spots, alike, strict=True)
        if spot.allowed and spot.body in nearest and spot.body not in subject.bodies
    ]
    found.sort(key=lambda one: -one.score)
    if not subject.is_message:
        found = _conversations(hunt, found, question.row, limit)
    items = hunt.items((one for one in found if one.score >= ALIKE), hunt.query.terms[:TELLING])
    return Results(items=tuple(items), mode="semantic")


def _conversations(hunt: Hunt, found: Sequence[Ranked], row: Sequence[float], limit: int) -> list[Ranked]:
    """Return for each conversation its nearest message, with how alike the two conversations are as wholes."""
    from chatlog import meaning

    best: dict[int, Spot] = {}
    for one in found:
        best.setdefault(one.spot.conversation, one.spot)
    places = {spot[:2]: spot for spot in islice(best.values(), limit * COMPARED)}
    whole: list[Ranked] = []
    for place, hit in hunt.store.words.hits(places).items():
        spot, bodies = places[place], hunt.store.words.allowed(Filters(ids=(hit.message.conversation,)))
        score = meaning.alike(row, meaning.centre(hunt.store, _latest(bodies)))
        whole.append(Ranked(spot, score, 0.0, score))
    return sorted(whole, key=lambda one: -one.score)


def _latest(bodies: Collection[int]) -> list[int]:
    return sorted(bodies)[-MESSAGES:]


# by words


def _by_words(hunt: Hunt, subject: _Subject, terms: Sequence[Term]) -> Results:
    """Return what holds the words that tell the subject from the rest."""
    weighed = [one for one in weighing.weigh(hunt, terms) if one.bodies - subject.bodies]
    weighed.sort(key=lambda one: -one.weight * math.log1p(subject.counts[one.term.text]))
    telling = weighed[:TELLING]
    seeds = hunt.seeds(telling) - subject.bodies
    if not seeds:
        return Results()
    return lexical.ranked(hunt, seeds, [one.term for one in telling])
