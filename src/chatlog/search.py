"""What a search means: which way it goes, by words and meaning, by titles, by a pattern or by filters alone.

`query` reads what was typed, `scope` says what may be found at all and `hunt` what may answer, which `lexical` and
`hybrid` rank; `results` holds what is returned.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from chatlog import lexical, questions, spelling, titled
from chatlog import query as language
from chatlog.errors import UsageError, choices_hint
from chatlog.hunt import Hunt
from chatlog.models import Filters, Hit, Message, Term, other_strings, several
from chatlog.narrowing import contradiction
from chatlog.results import SNIPPET_SCAN, Result, Results, SearchOptions, Tier, best_of_each, cut, result_of
from chatlog.scope import Scope
from chatlog.store import Store
from chatlog.telemetry import traced

MODES = ("hybrid", "lexical", "semantic", "regex")
#: No search returns more results than this; who asks for more than there can be means all of them.
MOST_RESULTS = 1_000_000
#: So much of a word is looked for in titles.
TITLE_CHARS = 1_000
#: So many of the latest messages with all words of a query are looked through for what may be flags of a command.
READ = 20
#: So many hidden messages between a result and its neighbours are passed over.
PASSED_OVER = 8
#: To find conversations, so many messages are looked for per conversation wanted, at least `FEWEST_MESSAGES`; while
#: these are too few conversations, so many times more, up to `MOST_MESSAGES`.
MESSAGES_EACH, FEWEST_MESSAGES, MOST_MESSAGES = 5, 50, 5_000


@traced("search")
def search_messages(
    store: Store,
    text: str,
    filters: Filters = Filters(),  # noqa: B008  frozen
    options: SearchOptions = SearchOptions(),  # noqa: B008
    now: datetime | None = None,
) -> Results:
    """Find messages.

    Dates in the query count from `now`, the store's clock by default.  Raises UsageError for an unknown mode, a number
    of results below one, or a pattern that is none; a query never fails.
    """
    if options.limit < 1:
        raise UsageError(f"{options.limit} results are none", "limit is a number from 1 on")
    if unknown := set(several(options.within, "places")) - set(language.PLACES):
        raise UsageError(f"'{min(unknown)}' is not a place to search in", choices_hint(min(unknown), language.PLACES))
    if "title" in options.within and (options.mode == "regex" or set(options.within) != {"title"}):
        raise UsageError("titles are searched by words, and apart from messages", "--title TEXT chooses by title")
    if options.mode not in MODES:
        raise UsageError(f"'{options.mode}' is not a way to search", choices_hint(options.mode, MODES))
    if options.mode == "regex":
        found = _by_pattern(store, text, filters, options)
    else:
        query = language.parse(text, now or store.clock(), filters)
        options = options._replace(within=options.within or query.within, limit=min(options.limit, MOST_RESULTS))
        hunt = _as_meant(Hunt(Scope(store, query.filters, options), query), text)
        found = _by_query(hunt)._replace(unwanted=tuple(term.text for term in hunt.query.without))
    if options.context:
        found = found._replace(items=tuple(_with_neighbours(store, item, options) for item in found.items))
    return found


def search_conversations(
    store: Store,
    text: str,
    filters: Filters = Filters(),  # noqa: B008  frozen
    options: SearchOptions = SearchOptions(),  # noqa: B008
    now: datetime | None = None,
) -> Results:
    """Find conversations: of each the message that answers best.  Raises UsageError like `search_messages`."""
    count = max(options.limit * MESSAGES_EACH, FEWEST_MESSAGES)
    while True:
        found = search_messages(store, text, filters, options._replace(limit=count, context=0), now)
        best = best_of_each(found)
        if len(best.items) >= options.limit or len(found.items) < count or count >= MOST_MESSAGES:
            break
        count *= MESSAGES_EACH
    items = best.items[: options.limit]
    if options.context:
        items = tuple(_with_neighbours(store, item, options) for item in items)
    total = best.total if best.total is not None and len(best.items) <= options.limit else None
    return best._replace(items=items, total=total)


def _as_meant(hunt: Hunt, text: str) -> Hunt:
    """Return a hunt, where its text is a command's one that takes the flags for words.

    A word after a minus is unwanted, but in several lines, which were pasted, and where messages have all as typed.
    """
    flags = [re.compile(rf"(?<=\S )-{re.escape(term.text)}(?![\w-])") for term in hunt.query.flags]
    if not flags:
        return hunt
    typed = hunt.of(hunt.query.as_typed())
    if "\n" in text.strip():
        return typed
    words = tuple(filter(hunt.scope.is_there, typed.query.content))
    latest = sorted(typed.holding(words), reverse=True)[:READ]
    texts = hunt.store.words.texts(latest, SNIPPET_SCAN).values()
    return typed if any(all(flag.search(said) for flag in flags) for said in texts) else hunt


def _by_query(hunt: Hunt) -> Results:
    if hunt.options.within == ("title",):
        return _by_title(hunt)
    if not hunt.query.terms:
        return _recent(hunt)._replace(mode=hunt.options.mode)
    if hunt.options.mode == "lexical":
        return _answered(hunt)
    query, misspelt = spelling.corrected(hunt)
    found = _answered(hunt.of(query) if misspelt else hunt)
    if each := [_answered(hunt.of(query.of(one))) for one in questions.among(query.terms)]:
        found = questions.in_turn(each, found, hunt.options.limit)
    if misspelt:
        told = [f"no message has {word}: looked for {meant}" for word, meant in misspelt.items()]
        found = _without(misspelt, found)._replace(warnings=(*told, *found.warnings), misspelt=(*misspelt,))
    return titled.among(hunt, found) if hunt.options.mode == "hybrid" else found


def _without(words: Iterable[str], found: Results) -> Results:
    """Return results which say that some words were not there, but others in their place."""
    return found._replace(tier="relaxed" if found.tier == "exact" else found.tier, dropped=(*words, *found.dropped))


def _answered(hunt: Hunt) -> Results:
    if hunt.options.mode == "lexical":
        by_mode = lexical.search
    else:
        from chatlog.hybrid import search as by_mode
    if hunt.scope.prefiltered and not hunt.scope.allowed:
        why = contradiction(hunt.query.filters) or "no message passes the filters"
        return Results(mode=hunt.options.mode, total=0, warnings=(why,))
    terms, given_up = hunt.looser(hunt.query.content)
    found = by_mode(hunt, terms)
    if hunt.needs_narrowing and not hunt.scope.prefiltered:
        found = by_mode(hunt.narrowed(), terms)
    if given_up:
        found = _without((term.text for term in given_up), found)
    return found._replace(asked=hunt.asked(terms))


# filters alone, titles


def _recent(hunt: Hunt) -> Results:
    """Answer a query of filters only with the latest messages they let through; one of nothing with nothing."""
    query, limit = hunt.query, hunt.options.limit
    if query.filters == Filters():
        return Results(total=0)
    latest = hunt.store.scan(query.filters, hidden=hunt.options.hidden, latest=True)
    hits = [*islice((hit for hit in latest if not _says_any(hit.message.text, query.without)), limit)]
    return Results(
        items=tuple(map(result_of, hits)),
        tier="exact" if hits else "none",
        total=len(hits) if len(hits) < limit else None,
    )


def _says_any(text: str, terms: Sequence[Term]) -> bool:
    """Whether a text has any of the terms, as whole words where its script has such."""
    return any(re.search(language.whole(term), text, re.IGNORECASE) for term in terms)


def _by_title(hunt: Hunt) -> Results:
    """Find conversations by title and show their first message."""
    store, query = hunt.store, hunt.query
    asked, beyond = language.most_telling(query.content)
    words = tuple(term.text[:TITLE_CHARS] for term in asked)
    filters = query.filters._replace(
        title=query.filters.title + words,
        excluded=query.filters.excluded + tuple(Filters(title=(term.text,)) for term in query.without),
        min_messages=max(query.filters.min_messages or 1, 1),
    )
    page = store.conversations(filters, limit=hunt.options.limit)
    items = [
        result_of(Hit(first, conversation.title, 0.0), asked)
        for conversation in page.items
        for first in islice(store.messages(conversation.id), 1)
    ]
    tier: Tier = "none" if not items else "relaxed" if beyond else "exact"
    return Results(items=tuple(items), tier=tier, dropped=tuple(term.text for term in beyond), total=page.total)


# patterns


def _by_pattern(store: Store, text: str, filters: Filters, options: SearchOptions) -> Results:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's plans for nested sets are not the user's matter
            pattern = re.compile(text, 0 if any(char.isupper() for char in text) else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"the pattern is not a regular expression: {error}", "search words with --mode lexical"
        ) from None
    items: list[Result] = []
    for hit in store.scan(filters, hidden=options.hidden):
        for place in _places(hit.message, options.within):
            match = pattern.search(place)
            if match is not None:
                items.append(result_of(hit, found=cut(place, [match.span()])))
                break
        if len(items) == options.limit:
            break
    complete = len(items) < options.limit
    return Results(
        items=tuple(items), mode="regex", tier="exact" if items else "none", total=len(items) if complete else None
    )


def _places(message: Message, within: Sequence[str]) -> Iterable[str]:
    if not within or "text" in within:
        yield message.text
    if message.parts and (not within or "tool" in within):
        yield from other_strings(message.parts)


# results


def _with_neighbours(store: Store, item: Result, options: SearchOptions) -> Result:
    """Return the result with up to `options.context` messages on each side, looking past hidden ones."""
    message, count = item.message, options.context
    path = store.around(message.conversation, message.seq, before=count + PASSED_OVER, after=count + PASSED_OVER)
    shown = [neighbour for neighbour in path if options.hidden or not neighbour.hidden]
    before = tuple(neighbour for neighbour in shown if neighbour.seq < message.seq)
    after = tuple(neighbour for neighbour in shown if neighbour.seq > message.seq)
    return item._replace(before=before[-count:], after=after[:count])
