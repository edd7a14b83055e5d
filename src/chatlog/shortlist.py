"""From a ranking to results: the best messages, each body once, and of long texts that say the same the first.

Reads no more messages than it takes to fill the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from chatlog.models import Hit, Term, other_strings
from chatlog.results import Result, result_of
from chatlog.store import Store
from chatlog.store.words import Spot

#: From this likeness on a result is said to match by meaning.
MATCHED_BY_MEANING = 0.3
#: Texts of this length that are alike but for marks and case are shown once.
ALIKE_CHARS = 40
#: So much of a long text is compared, and of what a tool put out: a file that was read twice has changed in the middle.
COMPARED_CHARS, COMPARED_OUTPUT = 2_000, 100_000


class Ranked(NamedTuple):
    """A message's place in the order: its score, and what words and meaning say of it apart."""

    spot: Spot
    score: float
    words: float
    alike: float | None = None


def shortlist(store: Store, ranked: Iterable[Ranked], terms: Sequence[Term], limit: int) -> list[Result]:
    """Return the first `limit` results of a ranking, each body and each long text once."""
    items: list[Result] = []
    texts: set[str] = set()
    for found, hit in _hits(store, ranked, limit):
        words = _compared(hit)
        if words in texts:
            continue
        texts |= {words} - {""}
        item = result_of(hit._replace(score=found.score), terms)
        items.append(item._replace(matched=_matched(found), by_words=found.words, by_meaning=found.alike))
        if len(items) == limit:
            break
    return items


def _hits(store: Store, ranked: Iterable[Ranked], limit: int) -> Iterator[tuple[Ranked, Hit]]:
    """Yield messages with their places, each body once, as many read at once as are wanted."""
    first: dict[int, Ranked] = {}
    some = (found for found in ranked if first.setdefault(found.spot.body, found) is found)
    while batch := list(islice(some, limit)):
        hits = store.words.hits(found.spot[:2] for found in batch)
        yield from ((found, hits[found.spot[:2]]) for found in batch if found.spot[:2] in hits)


def _matched(found: Ranked) -> str:
    if found.alike is None or found.alike < MATCHED_BY_MEANING:
        return "words"
    return "both" if found.words > 0 else "meaning"


def _compared(hit: Hit) -> str:
    """Return what near-duplicates have in common, nothing for a short text, which may well be said twice."""
    text = hit.message.text[:COMPARED_CHARS]
    if not text.strip() and hit.message.parts:
        text = "\n".join(other_strings(hit.message.parts))[:COMPARED_OUTPUT]
    words = "".join(re.findall(r"\w+", text.lower()))
    return words if len(words) >= ALIKE_CHARS else ""
