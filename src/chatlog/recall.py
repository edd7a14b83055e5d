"""Finding memories by their key, their words and their meaning.

Takes a store and a question; a user has few memories beside messages, so all of them are weighed, and no index is
kept that forgetting one would have to reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chatlog import query as language
from chatlog.embedders import NONE, Embedder, embedder
from chatlog.errors import NoVectorsError
from chatlog.models import Term
from chatlog.quoting import stem
from chatlog.ranking import rarity
from chatlog.results import Tier, cut
from chatlog.store import Store
from chatlog.store.memories import Memory

#: What a word in the key adds to one in the value, and meaning to all words.
KEY, MEANING = 0.5, 0.5
#: What is less alike is no answer; what is more so matches by meaning.
ALIKE = 0.35


class Recalled(NamedTuple):
    """A memory that was found."""

    memory: Memory
    score: float
    matched: str

    def record(self) -> dict[str, Any]:
        """Return the machine form: the keys of a message that is found, null where a memory has none, and its own."""
        none = dict.fromkeys(("ref", "conversation", "seq", "source_id", "role", "author"))
        memory = self.memory
        snippet = cut(" ".join(_strings(memory.value)), ()).text
        return {
            **none, "title": memory.key, **memory.record(), "snippet": snippet, "score": round(self.score, 6),
            "matched": self.matched, "before": [], "after": [],
        }  # fmt: skip


class Recall(NamedTuple):
    """What was found, best first, and what the user should know of how; `dropped` are the words of no memory."""

    items: tuple[Recalled, ...]
    mode: str
    tier: Tier
    dropped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def recall(
    store: Store,
    text: str,
    *,
    namespace: str | None = None,
    tags: Sequence[str] = (),
    limit: int = 10,
    provider: str | Embedder = NONE,
) -> Recall:
    """Find memories; `provider` is the embedder that compares meanings, or its name.  A question never fails."""
    query = language.parse(text, store.clock())
    terms = query.content
    tagged, unwanted = (*tags, *query.filters.tags), {*query.filters.no_tags}
    memories = [one for one in store.memories.all(namespace, tagged) if unwanted.isdisjoint(one.tags)]
    memories = [one for one in memories if not _held(query.without, words_of(one))]
    held = [(_held(terms, words_of(memory)), _held(terms, memory.key)) for memory in memories]
    words = _by_words(len(terms), held)
    warnings: tuple[str, ...] = ()
    mode = "lexical" if provider == NONE else "hybrid"
    try:
        alike = _by_meaning(query.text, memories, provider)
    except NoVectorsError as error:
        alike, warnings = [0.0] * len(memories), (f"searched by words only: {error.message}",)
        mode = "lexical"
    items = [
        Recalled(memory, word + MEANING * max(near, 0.0), _matched(word, near))
        for memory, word, near in zip(memories, words, alike, strict=True)
        if word > 0 or near >= ALIKE
    ]
    items.sort(key=lambda item: (-item.score, item.memory.namespace, item.memory.key))
    known = frozenset[int]().union(*(said for said, _ in held))
    dropped = tuple(term.text for index, term in enumerate(terms) if index not in known)
    whole = any(len(said) == len(terms) for said, _ in held)
    return Recall(tuple(items[:limit]), mode, _tier(items, whole=whole), dropped, warnings)


def _tier(items: Sequence[Recalled], *, whole: bool) -> Tier:
    """Return how well the question was met; `whole`: some memory has all of its words."""
    if not items:
        return "none"
    if all(item.matched == "meaning" for item in items):
        return "semantic"
    return "exact" if whole else "relaxed"


def _matched(words: float, alike: float) -> str:
    if alike < ALIKE:
        return "words"
    return "both" if words > 0 else "meaning"


def _by_words(terms: int, held: Sequence[tuple[frozenset[int], frozenset[int]]]) -> list[float]:
    """Return the share of the question's terms that each memory holds, rare words the most; more for its key."""
    weights = [rarity(sum(index in said for said, _ in held), len(held)) for index in range(terms)]
    total = sum(weights) * (1 + KEY) or 1.0
    return [sum(weights[index] * (1 + KEY * (index in keyed)) for index in said) / total for said, keyed in held]


def _held(terms: Sequence[Term], text: str) -> frozenset[int]:
    """Return which of the terms a text has, in another form of the word or as a part of a longer name too."""
    words = re.findall(r"\w+", text.lower())
    stems = {stem(word) for word in words}
    asked = (term.text.lower() if term.phrase else language.bare(term.text) for term in terms)
    return frozenset(index for index, word in enumerate(asked) if _is_in(word, text.lower(), words, stems))


def _is_in(term: str, text: str, words: Sequence[str], stems: set[str]) -> bool:
    if not re.fullmatch(r"\w+", term) or not term.isascii():
        return term in text
    return stem(term) in stems or (len(term) > 3 and any(term in word for word in words))


def _by_meaning(text: str, memories: Sequence[Memory], provider: str | Embedder) -> list[float]:
    if provider == NONE or not memories:
        return [0.0] * len(memories)
    model = embedder(provider) if isinstance(provider, str) else provider
    said = [words_of(memory) for memory in memories]
    rows = model.embed([text, *said], model.fit(said))
    return [float(near) for near in rows[1:] @ rows[0]]


def words_of(memory: Memory) -> str:
    """Return what a memory says: its key, the strings and keys of its value, its tags."""
    return " ".join([memory.key, *_strings(memory.value), *memory.tags])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
