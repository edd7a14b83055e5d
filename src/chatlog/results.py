"""What a search answers with: results, each with the piece of its message that matched.

Pieces are cut in Python: FTS5's own `snippet()` is quadratic.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple

from chatlog.embedders import DEFAULT, Embedder
from chatlog.models import Hit, Message, Term, other_strings
from chatlog.records import message_record

Tier = Literal["exact", "relaxed", "semantic", "none"]

SNIPPET_CHARS = 200
#: How much of a long message is looked through for the place to show.
SNIPPET_SCAN = 400_000


class Snippet(NamedTuple):
    """A piece of a message on one line; `marks` are the (start, end) of what matched in it."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


class Result(NamedTuple):
    """A found message, where in it, and its neighbours, and its scores apart.

    The piece that is shown is cut when it is asked for, around `terms`, unless it was `found` already.
    """

    message: Message
    title: str | None
    score: float
    matched: str
    terms: tuple[Term, ...] = ()
    found: Snippet | None = None
    before: tuple[Message, ...] = ()
    after: tuple[Message, ...] = ()
    by_words: float | None = None
    by_meaning: float | None = None
    matches: int | None = None  # where it stands for its conversation: of how many it is the best

    @property
    def snippet(self) -> Snippet:
        """The piece of the message that matched."""
        return self.found or snippet_of(self.message, self.terms)

    def record(self) -> dict[str, Any]:
        """Return the machine form."""
        message = self.message
        record = {
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
        return record if self.matches is None else {**record, "matches": self.matches}


class Results(NamedTuple):
    """What a search found and how.

    `dropped` are the words it had to do without, `misspelt` those of them that a warning says others stand for,
    `unwanted` those that no result may have, `asked` the query that ran.
    """

    items: tuple[Result, ...] = ()
    mode: str = "lexical"
    tier: Tier = "none"
    dropped: tuple[str, ...] = ()
    total: int | None = None
    warnings: tuple[str, ...] = ()
    asked: str = ""
    unwanted: tuple[str, ...] = ()
    misspelt: tuple[str, ...] = ()


class SearchOptions(NamedTuple):
    """How to search: by what, where, how many results and neighbours of each, and who tells what words mean."""

    mode: str = "hybrid"
    within: tuple[str, ...] = ()
    limit: int = 10
    context: int = 0
    hidden: bool = False
    embedder: str | Embedder = DEFAULT


def best_of_each(found: Results) -> Results:
    """Return of each conversation the best result, which says of how many it is."""
    counts = Counter(item.message.conversation for item in found.items)
    best: dict[str, Result] = {}
    for item in found.items:
        best.setdefault(item.message.conversation, item)
    items = tuple(item._replace(matches=counts[name]) for name, item in best.items())
    return found._replace(items=items, total=len(items) if found.total is not None else None)


def result_of(hit: Hit, terms: Sequence[Term] = (), found: Snippet | None = None) -> Result:
    """Return the result of a hit: the piece that was found, else the one where the terms are."""
    return Result(hit.message, hit.title, hit.score, matched="words", terms=tuple(terms), found=found)


def snippet_of(message: Message, terms: Sequence[Term]) -> Snippet:
    """Return the piece of a message where most of the terms are, cut in Python (FTS5's is quadratic)."""
    texts = [message.text, *(" ".join(other_strings([part])) for part in message.parts or ())]  # a call beside its name
    best: tuple[int, str, list[tuple[int, int]]] = (-1, "", [])
    for text in texts:
        spans = _spans(text[:SNIPPET_SCAN], terms)
        distinct = len({text[start:end].lower() for start, end in spans})
        if distinct > best[0] or not best[1].strip():
            best = (distinct, text, spans)
    return cut(best[1], best[2])


def _spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Return where the terms stand in the text, also in another form of the word; in order."""
    found: list[tuple[int, int]] = []
    for term in terms:
        words = re.findall(r"[^\W_]+", term.text)
        whole = r"[\W_]+".join(map(re.escape, words))  # what is between them counts as little as it does in the index
        if words and (spans := [*_bounded(rf"\b{whole}\b", text)] or [*_bounded(whole, text)]):
            found += spans
        else:
            found += (span for word in words for span in _places(text, word))
    return sorted(set(found))


def _places(text: str, word: str) -> Iterable[tuple[int, int]]:
    exact = list(_bounded(rf"\b{re.escape(word)}\b", text)) or list(_bounded(re.escape(word), text))
    stem = re.escape(word[: max(4, len(word) - 3)])
    return exact or (_bounded(rf"\b{stem}\w*", text) if len(word) > 3 else [])


def _bounded(pattern: str, text: str) -> Iterable[tuple[int, int]]:
    return (match.span() for match in islice(re.finditer(pattern, text, re.IGNORECASE), 200))


def cut(text: str, spans: Sequence[tuple[int, int]]) -> Snippet:
    """Return about `SNIPPET_CHARS` around the densest group of spans, on one line, the marks moved along."""
    start = max(_densest(text, spans) - SNIPPET_CHARS // 4, 0)
    if start > 0:
        blank = text.find(" ", start, start + 20)
        start = blank + 1 if blank >= 0 else start
    end = min(start + SNIPPET_CHARS, len(text))
    piece = re.sub(r"\s", " ", text[start:end])
    lead, tail = ("…" if start > 0 else ""), ("…" if end < len(text) else "")
    shift = len(lead) - start
    marks = tuple((a + shift, min(b, end) + shift) for a, b in spans if start <= a < end)
    return Snippet(lead + piece + tail, marks)


def _densest(text: str, spans: Sequence[tuple[int, int]]) -> int:
    """Return the start of the span that has the most different words close behind it, and the most of them."""
    words = [text[start:end].lower() for start, end in spans]
    near: Counter[str] = Counter()
    best, most, end = 0, (0, 0), 0
    for index, (start, _) in enumerate(spans):
        while end < len(spans) and spans[end][0] < start + SNIPPET_CHARS * 3 // 4:
            near[words[end]] += 1
            end += 1
        if (len(near), end - index) > most:
            best, most = start, (len(near), end - index)
        near[words[index]] -= 1
        if not near[words[index]]:
            del near[words[index]]
    return best
