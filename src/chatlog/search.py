"""What a search means: words first, then fewer of them, never silently.

Takes a store and a parsed query, returns results with the part of the text that matched.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from chatlog import query as language
from chatlog.errors import UsageError
from chatlog.models import Filters, Hit, Message, Term, WordQuery, other_strings
from chatlog.records import message_record
from chatlog.store import Store

Tier = Literal["exact", "relaxed", "semantic", "none"]
MODES = ("lexical", "regex", "hybrid", "semantic")
#: What a search by meaning is answered with until there is an index of meanings.
BY_WORDS = "there is no index of meanings: searched by words"

SNIPPET_CHARS = 200
#: How much of a long message is looked through for the place to show.
SNIPPET_SCAN = 400_000
#: Of a longer query the longest words are searched.
MAX_TERMS = 40
#: So many hidden messages between a result and its neighbours are passed over.
PASSED_OVER = 8


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a message on one line; `marks` are the (start, end) of what matched in it."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A found message, where in it, and its neighbours."""

    message: Message
    title: str | None
    score: float
    matched: str
    snippet: Snippet
    before: tuple[Message, ...] = ()
    after: tuple[Message, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return the machine form."""
        message = self.message
        return {
            "ref": message.ref,
            "conversation": message.conversation,
            "seq": message.seq,
            "source_id": message.source_id,
            "role": message.role,
            "author": message.author,
            "title": self.title,
            "created_at": message.created_at,
            "snippet": self.snippet.text,
            "score": round(self.score, 6),
            "matched": self.matched,
            "before": [message_record(neighbour) for neighbour in self.before],
            "after": [message_record(neighbour) for neighbour in self.after],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a search found and how: `dropped` are the words it had to do without."""

    items: tuple[Result, ...] = ()
    mode: str = "lexical"
    tier: Tier = "none"
    dropped: tuple[str, ...] = ()
    total: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How to search: what to look into, how many results, how many neighbours with each."""

    mode: str = "lexical"
    within: tuple[str, ...] = ()
    limit: int = 10
    context: int = 0
    hidden: bool = False


def search_messages(
    store: Store,
    text: str,
    filters: Filters = Filters(),  # noqa: B008  frozen
    options: SearchOptions = SearchOptions(),
    now: datetime | None = None,
) -> Results:
    """Find messages.

    Dates in the query count from `now`, the store's clock by default.  Raises UsageError for an unknown mode or a
    pattern that is none; a query never fails.
    """
    if unknown := set(options.within) - set(language.PLACES):
        raise UsageError(f"'{min(unknown)}' is not a place to search in", f"one of: {', '.join(language.PLACES)}")
    if options.mode not in MODES:
        raise UsageError(f"'{options.mode}' is not a way to search", f"one of: {', '.join(MODES)}")
    if options.mode == "regex":
        found = _by_pattern(store, text, filters, options)
    else:
        query = language.parse(text, now or store.clock(), filters)
        options = replace(options, within=options.within or query.within)
        found = _by_title(store, query, options) if options.within == ("title",) else _by_words(store, query, options)
    if options.mode in ("hybrid", "semantic"):
        found = replace(found, warnings=(BY_WORDS,))
    if options.context:
        found = replace(found, items=tuple(_with_neighbours(store, item, options) for item in found.items))
    return found


# words


def _by_words(store: Store, query: language.Query, options: SearchOptions) -> Results:
    terms = language.content_terms(query.terms)
    if not terms:
        return _recent(store, query, options)
    terms, beyond = _most_telling(terms)
    asked = WordQuery(
        every=terms,
        none=query.without,
        within=tuple(place for place in options.within if place != "title") or ("text", "tool"),
        hidden=options.hidden,
    )
    hits = store.match(asked, query.filters, limit=options.limit)
    dropped: list[Term] = []
    if not hits:
        hits, asked, dropped = _relaxed(store, asked, query.filters, options.limit)
    dropped += beyond
    if not hits:
        return Results(dropped=tuple(term.text for term in dropped), total=0)
    return Results(
        items=tuple(_result(hit, asked.every) for hit in hits),
        tier="relaxed" if dropped else "exact",
        dropped=tuple(term.text for term in dropped),
        total=len(hits) if len(hits) < options.limit else None,
    )


def _most_telling(terms: tuple[Term, ...]) -> tuple[tuple[Term, ...], list[Term]]:
    """Return the longest `MAX_TERMS` of the terms, and the rest: a page of text is no query, but it is answered."""
    kept = set(sorted(terms, key=lambda term: -len(term.text))[:MAX_TERMS])
    return tuple(term for term in terms if term in kept), [term for term in terms if term not in kept]


def _relaxed(store: Store, asked: WordQuery, filters: Filters, limit: int) -> tuple[list[Hit], WordQuery, list[Term]]:
    """Do without one term after the other: those found nowhere first, then the most common."""
    counts = {term: store.frequency(asked._replace(every=(term,), none=())) for term in asked.every}
    dropped = [term for term in asked.every if counts[term] == 0]
    left = [term for term in asked.every if counts[term] > 0]
    while left:
        query = asked._replace(every=tuple(left))
        hits = store.match(query, filters, limit=limit) if dropped else []
        if hits:
            return hits, query, dropped
        commonest = max(left, key=lambda term: counts[term])
        left.remove(commonest)
        dropped.append(commonest)
    return [], asked, dropped


def _recent(store: Store, query: language.Query, options: SearchOptions) -> Results:
    """Answer a query of filters only with the latest messages they let through; one of nothing with nothing."""
    if query.filters == Filters():
        return Results(total=0)
    hits: list[Hit] = []
    for hit in store.scan(query.filters, hidden=options.hidden, latest=True):
        if not _says_any(hit.message.text, query.without):
            hits.append(hit)
        if len(hits) == options.limit:
            break
    return Results(
        items=tuple(_result(hit, ()) for hit in hits),
        tier="exact" if hits else "none",
        total=len(hits) if len(hits) < options.limit else None,
    )


def _says_any(text: str, terms: Sequence[Term]) -> bool:
    """Whether a text has any of the terms, as whole words."""
    return any(re.search(rf"\b{re.escape(term.text)}\b", text, re.IGNORECASE) for term in terms)


def _by_title(store: Store, query: language.Query, options: SearchOptions) -> Results:
    """Find conversations by title and show their first message."""
    words = tuple(term.text for term in language.content_terms(query.terms))
    page = store.conversations(replace(query.filters, title=query.filters.title + words), limit=options.limit)
    items = []
    for conversation in page.items:
        first = next(iter(store.messages(conversation.id)), None)
        if first is not None and not _says_any(conversation.title or "", query.without):
            hit = Hit(first, conversation.title, 0.0)
            items.append(_result(hit, query.terms))
    return Results(items=tuple(items), tier="exact" if items else "none", total=page.total)


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
                items.append(_item(hit, _cut(place, [match.span()])))
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
    return replace(item, before=before[-count:], after=after[:count])


def _item(hit: Hit, snippet: Snippet) -> Result:
    return Result(message=hit.message, title=hit.title, score=hit.score, matched="words", snippet=snippet)


def _result(hit: Hit, terms: Sequence[Term]) -> Result:
    return _item(hit, snippet_of(hit.message, terms))


def snippet_of(message: Message, terms: Sequence[Term]) -> Snippet:
    """Return the piece of a message where most of the terms are, cut in Python (FTS5's is quadratic)."""
    texts = [message.text, *(other_strings(message.parts) if message.parts else ())]
    best: tuple[int, str, list[tuple[int, int]]] = (-1, "", [])
    for text in texts:
        spans = _spans(text[:SNIPPET_SCAN], terms)
        distinct = len({text[start:end].lower() for start, end in spans})
        if distinct > best[0] and (text or best[0] < 0):
            best = (distinct, text, spans)
    return _cut(best[1], best[2])


def _spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Return where the terms stand in the text, also in another form of the word; in order."""
    words = [word for term in terms for word in ([term.text] if term.phrase else re.findall(r"\w+", term.text))]
    found: list[tuple[int, int]] = []
    for word in words:
        exact = list(_bounded(rf"\b{re.escape(word)}\b", text)) or list(_bounded(re.escape(word), text))
        stem = re.escape(word[: max(4, len(word) - 3)])
        found += exact or (_bounded(rf"\b{stem}\w*", text) if len(word) > 3 else [])
    return sorted(set(found))


def _bounded(pattern: str, text: str, most: int = 200) -> Iterable[tuple[int, int]]:
    for count, match in enumerate(re.finditer(pattern, text, re.IGNORECASE)):
        if count == most:
            return
        yield match.span()


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> Snippet:
    """Return about `SNIPPET_CHARS` around the densest group of spans, on one line, the marks moved along."""
    start = max(_densest(spans) - SNIPPET_CHARS // 4, 0)
    if start > 0:
        blank = text.find(" ", start, start + 20)
        start = blank + 1 if blank >= 0 else start
    end = min(start + SNIPPET_CHARS, len(text))
    piece = re.sub(r"\s", " ", text[start:end])
    lead, tail = ("…" if start > 0 else ""), ("…" if end < len(text) else "")
    shift = len(lead) - start
    marks = tuple((a + shift, min(b, end) + shift) for a, b in spans if start <= a < end)
    return Snippet(lead + piece + tail, marks)


def _densest(spans: Sequence[tuple[int, int]]) -> int:
    """Return the start of the span that has the most others close behind it."""
    if not spans:
        return 0
    starts = [start for start, _ in spans]
    best, best_count, end = starts[0], 0, 0
    for index, start in enumerate(starts):
        while end < len(starts) and starts[end] < start + SNIPPET_CHARS * 3 // 4:
            end += 1
        if end - index > best_count:
            best, best_count = start, end - index
    return best
