"""How well search finds what was meant: recall on labelled sets, beside the usual ways on the same data.

Takes a folder of sets, each `corpus.jsonl` (conv_id, msg_id, role, speaker, ts, text) and `queries.jsonl` (query_id,
conv_id, text, relevant); imports each into a chatlog file, asks every question within its conversation and over all
of the set, two at once, and with a word misspelt, and questions of the other sets, which nothing answers.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import chatlog
from benchmarks.common import header, options, percentile, table, verdict, workplace
from chatlog.models import ConversationDraft, Filters, MessageDraft
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "retrieval"
CUTS = (5, 10, 20)
#: Sets where an answer is a span of many turns count hits / min(k, relevant); the others recall.
SPANS = 10
#: Of fewer questions a share says nothing.
FEWEST = 50
#: Bars: set → (scoped, global) recall at 5, 10, 20.
BARS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "locomo": ((68, 77, 84), (66, 75)),
    "friendsqa": ((75,), (43,)),
    "qmsum": ((44,), (22,)),
    "memdaily": ((85,), ()),
}
NONE_BARS = {"locomo": 80, "friendsqa": 90, "qmsum": 60}


class Query(NamedTuple):
    """A labelled question."""

    conversation: str
    text: str
    relevant: frozenset[str]


@dataclass(frozen=True)
class Set:
    """A labelled set."""

    name: str
    corpus: list[dict[str, Any]]
    queries: list[Query]

    @property
    def is_spans(self) -> bool:
        """Whether answers are spans of turns."""
        return sum(len(query.relevant) for query in self.queries) > SPANS * len(self.queries)


def read(folder: Path) -> Set:
    corpus = [json.loads(line) for line in (folder / "corpus.jsonl").open(encoding="utf-8")]
    known = {message["msg_id"] for message in corpus}
    rows = [json.loads(line) for line in (folder / "queries.jsonl").open(encoding="utf-8")]
    queries = [
        Query(row["conv_id"], row["text"], frozenset(row["relevant"]) & known)
        for row in rows
        if row.get("category") != "adversarial" and frozenset(row["relevant"]) & known
    ]
    return Set(folder.name, corpus, queries)


def records(corpus: Iterable[Mapping[str, Any]]) -> Iterator[ConversationDraft | MessageDraft]:
    current = None
    for message in corpus:
        if message["conv_id"] != current:
            current = message["conv_id"]
            yield ConversationDraft(source_id=current)
        yield MessageDraft(
            role=message["role"] if message["role"] in ("user", "assistant") else "user",
            text=message["text"],
            author=message["speaker"],
            created_at=instant(message["ts"]),
            source_id=message["msg_id"],
            conversation=current,
        )


def instant(text: str | None) -> str | None:
    """Return a time as chatlog keeps it, from ISO or from `2024年04月01日 周一 08:30`."""
    numbers = re.findall(r"\d+", text or "")
    if len(numbers) < 5:
        return None
    year, month, day, hour, minute, *rest = map(int, numbers)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{rest[0] if rest else 0:02}.000Z"


def load(store: Store, corpus: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Import a corpus and return the ids its conversations have here."""
    stream = records(corpus)
    while batch := list(islice(stream, 5_000)):
        store.ingest("benchmark", batch)
    page = store.conversations(limit=None)
    return {conversation.source_id or "": conversation.id for conversation in page.items}


# ways to search


Ask = Callable[[str, Filters, int], list[str]]


class Ways:
    """chatlog's search, and the usual ones over the same store."""

    def __init__(self, store: Store, mode: str = "hybrid") -> None:
        self.store = store
        self.mode = mode
        self.seconds: list[float] = []
        self.sources: dict[int, str] = {}

    def chatlog(self, text: str, filters: Filters, limit: int) -> list[str]:
        start = time.perf_counter()
        found = search_messages(self.store, text, filters, SearchOptions(mode=self.mode, limit=limit))
        self.seconds.append(time.perf_counter() - start)
        return [item.message.source_id or "" for item in found.items]

    def is_none(self, text: str) -> bool:
        return search_messages(self.store, text, Filters(), SearchOptions(mode=self.mode)).tier == "none"


# measures


def measured(data: Set, ask: Ask, ids: Mapping[str, str], *, scoped: bool) -> list[float]:
    """Return recall at each of CUTS and the mean reciprocal rank, in per cent."""
    sums = [0.0] * (len(CUTS) + 1)
    for query in data.queries:
        filters = Filters(ids=(ids[query.conversation],)) if scoped else Filters()
        found = ask(query.text, filters, max(CUTS))
        for index, cut in enumerate(CUTS):
            hits = len(query.relevant & set(found[:cut]))
            sums[index] += hits / (min(cut, len(query.relevant)) if data.is_spans else len(query.relevant))
        sums[-1] += next((1 / rank for rank, name in enumerate(found, 1) if name in query.relevant), 0.0)
    return [100 * value / len(data.queries) for value in sums]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="a quarter of the questions")
    parser.add_argument(
        "sets", nargs="?", type=Path, default=DEFAULT, help="the folder of the sets (../shared/retrieval)"
    )
    parser.add_argument("--only", action="append", help="only this set")
    parser.add_argument("--mode", default="hybrid")
    parser.add_argument("--alone", action="store_true", help="without the usual ways beside it")
    chosen = parser.parse_args(arguments)
    if not chosen.sets.is_dir():
        print(f"{chosen.sets} is not there, so this is left out")
        return
    header("Retrieval")
    folders = [folder for folder in sorted(chosen.sets.iterdir()) if (folder / "queries.jsonl").exists()]
    sets = [read(folder) for folder in folders]
    with workplace(chosen.folder) as place:
        for data in sets:
            if not chosen.only or data.name in chosen.only:
                report(data, [other for other in sets if other is not data], place, chosen)


def report(data: Set, others: Sequence[Set], place: Path, chosen: Any) -> None:
    path = place / f"{data.name}.db"
    path.unlink(missing_ok=True)
    if chosen.quick:
        data = Set(data.name, data.corpus, data.queries[::4])
    rows: list[list[str]] = []
    with chatlog.open(path, synchronous="NORMAL") as store:
        start = time.perf_counter()
        ids = load(store, data.corpus)
        imported = time.perf_counter() - start
        ways = Ways(store, chosen.mode)
        search_messages(store, "warm up", Filters(), SearchOptions(mode=chosen.mode))
        scores: dict[bool, list[float]] = {}
        for scoped in (True, False):
            ways.seconds.clear()
            scores[scoped] = measured(data, ways.chatlog, ids, scoped=scoped)
            figures = [f"{value:.1f}" for value in scores[scoped]]
            times = " / ".join(f"{percentile(ways.seconds, share) * 1000:.0f}" for share in (0.5, 0.95))
            rows.append([f"{data.name}, {'scoped' if scoped else 'global'}", f"chatlog {chosen.mode}", *figures, times])
            rows += [] if chosen.alone else beside(data, ids, scoped=scoped)
        for name, other in (("two at once", two_at_once(data)), ("misspelt", misspelt(data))):
            if len(other.queries) > FEWEST:
                figures = [f"{value:.1f}" for value in measured(other, ways.chatlog, ids, scoped=True)]
                rows.append([f"{data.name}, {name}", f"chatlog {chosen.mode}", *figures, ""])
                rows += [] if chosen.alone else beside(other, ids, scoped=True)
        columns = ["set", "way", *(f"R@{cut}" for cut in CUTS), "MRR", "p50 / p95 ms"]
        table(columns, rows)
        print(f"\n{len(data.corpus):,} messages imported in {imported:.1f} s; {len(data.queries):,} questions")
        for scoped, bars in zip((True, False), BARS.get(data.name, ((), ())), strict=True):
            for cut, value, bar in zip(CUTS, scores[scoped], bars, strict=False):
                verdict(f"{'scoped' if scoped else 'global'} R@{cut} ≥ {bar}: {value:.1f}", met=value >= bar)
        if data.name in NONE_BARS:
            unrelated(data, others, ways)


def beside(data: Set, ids: Mapping[str, str], *, scoped: bool) -> list[list[str]]:
    """Return the rows of the usual ways on the same questions."""
    from benchmarks.baselines import Baselines

    back = {here: there for there, here in ids.items()}
    rows: list[list[str]] = []
    for name, find in Baselines(data.corpus).ways().items():
        seconds: list[float] = []

        def ask(text: str, filters: Filters, limit: int, find: Any = find, seconds: Any = seconds) -> list[str]:
            start = time.perf_counter()
            found: list[str] = find(back[filters.ids[0]] if filters.ids else None, text, limit)
            seconds.append(time.perf_counter() - start)
            return found

        figures = [f"{value:.1f}" for value in measured(data, ask, ids, scoped=scoped)]
        times = " / ".join(f"{percentile(seconds, share) * 1000:.0f}" for share in (0.5, 0.95))
        rows.append(["", name, *figures, times])
    return rows


def two_at_once(data: Set) -> Set:
    """Return a set's questions two by two, those of the same conversation as one text."""
    waiting: dict[str, Query] = {}
    found: list[Query] = []
    for query in data.queries:
        if first := waiting.pop(query.conversation, None):
            text = f"{first.text} And another thing. {query.text}"
            found.append(Query(query.conversation, text, first.relevant | query.relevant))
        else:
            waiting[query.conversation] = query
    return Set(data.name, data.corpus, found)


def misspelt(data: Set) -> Set:
    """Return the questions with two letters of the longest word of each in each other's place."""
    found = []
    for query in data.queries:
        if words := re.findall(r"[a-z]{5,}", query.text):
            word = max(words, key=len)
            at = len(word) // 2
            wrong = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
            found.append(query._replace(text=query.text.replace(word, wrong)))
    return Set(data.name, data.corpus, found)


def unrelated(data: Set, others: Sequence[Set], ways: Ways) -> None:
    """Say how many questions of other English sets are answered with nothing, and how many of its own are."""
    foreign = [query for other in others if other.name in NONE_BARS for query in other.queries]
    step = max(1, math.ceil(len(foreign) / 300))
    refused = [ways.is_none(query.text) for query in foreign[::step]]
    lost = [ways.is_none(query.text) for query in data.queries[:: max(1, len(data.queries) // 300)]]
    share, loss = 100 * sum(refused) / len(refused), 100 * sum(lost) / len(lost)
    bar = NONE_BARS[data.name]
    verdict(f"unrelated questions answered with none ≥ {bar} %, at ≤ 5 % of its own lost: {share:.0f} %, {loss:.1f} %",
            met=share >= bar and loss <= 5)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
