"""The usual ways to search, measured beside chatlog's: FTS5 as its manual shows it, vectors alone, both by RRF.

Each is what a careful day's work gives: porter stems, quoted terms, one vector a message, k = 60.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chatlog.embedders import DEFAULT, embedder
from chatlog.query import bare, content_terms, parse
from chatlog.store import utc_now

#: What reciprocal rank fusion adds to a rank, and how far down the two lists it looks.
RRF, DEPTH = 60, 100


class Baselines:
    """The messages of a labelled set, in a table of FTS5 and a matrix."""

    def __init__(self, corpus: Sequence[Mapping[str, Any]]) -> None:
        self.names = [message["msg_id"] for message in corpus]
        self.conversations = np.array([message["conv_id"] for message in corpus])
        self.words = sqlite3.connect(":memory:")
        self.words.execute(
            "CREATE VIRTUAL TABLE f USING fts5 (text, conversation UNINDEXED, tokenize = 'porter unicode61')"
        )
        rows = ((number, message["text"], message["conv_id"]) for number, message in enumerate(corpus))
        self.words.executemany("INSERT INTO f (rowid, text, conversation) VALUES (?, ?, ?)", rows)
        self.provider = embedder(DEFAULT)
        texts = [message["text"] for message in corpus]
        step = self.provider.batch
        self.matrix = np.vstack(
            [self.provider.embed(texts[start : start + step], None) for start in range(0, len(texts), step)]
        )

    def ways(self) -> dict[str, Callable[[str | None, str, int], list[str]]]:
        """Return each way by name: a function of a conversation or None, a question, and how many results."""

        def named(find: Callable[[str | None, str, int], list[int]]) -> Callable[[str | None, str, int], list[str]]:
            return lambda conversation, text, limit: [self.names[row] for row in find(conversation, text, limit)]

        return {
            "FTS5, all words": named(lambda *asked: self.matching(" AND ", *asked)),
            "FTS5, any word": named(lambda *asked: self.matching(" OR ", *asked)),
            "vectors alone": named(self.nearest),
            "RRF k=60 of both": named(self.fused),
        }

    def matching(self, joint: str, conversation: str | None, text: str, limit: int) -> list[int]:
        terms = [bare(term.text).replace('"', "") for term in content_terms(parse(text, utc_now()).terms)]
        if not terms:
            return []
        rows = self.words.execute(
            "SELECT rowid FROM f WHERE f MATCH ? AND (? IS NULL OR conversation = ?) ORDER BY bm25(f) LIMIT ?",
            (joint.join(f'"{term}"' for term in terms), conversation, conversation, limit),
        )
        return [row[0] for row in rows]

    def nearest(self, conversation: str | None, text: str, limit: int) -> list[int]:
        alike = self.matrix @ self.provider.embed([text], None)[0]
        if conversation is not None:
            alike = np.where(self.conversations == conversation, alike, -2.0)
        return [int(row) for row in np.argsort(-alike, kind="stable")[:limit] if alike[row] > -2.0]

    def fused(self, conversation: str | None, text: str, limit: int) -> list[int]:
        scores: dict[int, float] = {}
        for found in (self.matching(" OR ", conversation, text, DEPTH), self.nearest(conversation, text, DEPTH)):
            for rank, row in enumerate(found, 1):
                scores[row] = scores.get(row, 0.0) + 1 / (RRF + rank)
        return sorted(scores, key=lambda row: -scores[row])[:limit]
