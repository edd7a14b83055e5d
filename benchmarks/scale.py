"""How each cost grows: with the messages of one session, beside the peers, and with those of the whole file.

A session of 10, 100 and 1,000 messages: what the next append and the read of the last 10 take, and bytes on the disk.
A file of 10,000, 100,000 and 1,000,000 messages: what everyday verbs take, without an embedder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import chatlog
from benchmarks.common import (
    Texts,
    build,
    header,
    in_memory,
    is_installed,
    missing,
    ms,
    options,
    p50,
    table,
    verdict,
    walls,
    workplace,
)
from benchmarks.subjects import LANGGRAPH, Chatlog, LangGraph, Readable, peers
from chatlog.context import Request, assemble
from chatlog.models import Filters
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store

OURS = "chatlog"
SESSION = (10, 100, 1_000)
LAST, APPENDS = 10, 15
FILE = (10_000, 100_000, 1_000_000)
EACH = 100
#: What is read or written at one place of the file may not follow its size: so much more from the least to the most.
FLAT = 3.0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="sessions of 300, files of 100,000")
    asked = parser.parse_args(arguments)
    with workplace(asked.folder) as folder:
        header("How a session's cost grows")
        _sessions(folder, (10, 100, 300) if asked.quick else SESSION)
        header("How a file's cost grows")
        _files(folder, FILE[:2] if asked.quick else FILE)


# a session


def _sessions(folder: Path, sizes: Sequence[int]) -> None:
    kinds: dict[str, Callable[[Path], Readable]] = {OURS: Chatlog, **peers()}
    if not missing("langgraph-checkpoint-sqlite") and is_installed("langgraph"):
        kinds[LANGGRAPH] = LangGraph
    rows, growths = [], {}
    for at, (name, kind) in enumerate(kinds.items()):
        found = [_session(kind, folder / f"session-{at}-{size}-{time.time_ns()}.db", size) for size in sizes]
        growths[name] = [later / first for first, later in zip(found[0], found[-1], strict=True)]
        cells = [f"{ms(append)} · {ms(read)} · {octets:,.0f}" for append, read, octets in found]
        rows.append((name, *cells, " · ".join(f"{growth:.1f} ×" for growth in growths[name])))
    heads = [f"{size:,} messages" for size in sizes]
    table(("append ms · read ms · bytes a message", *heads, "growth"), rows)
    append, read, _ = growths[OURS]
    verdict(f"append and read are flat: {append:.1f} ×, {read:.1f} ×", met=max(append, read) <= FLAT)


def _session(kind: Callable[[Path], Readable], path: Path, size: int) -> tuple[float, float, float]:
    """Return what the next append and the last messages of a session take in seconds, and its bytes a message."""
    subject, texts = kind(path), Texts()
    session = subject.session()
    for _ in range(size):
        subject.append(session, texts())
    reads = [subject.last(session, LAST) for _ in range(APPENDS)]
    appends = [subject.append(session, texts()) for _ in range(APPENDS)]
    subject.close()
    octets = sum(found.stat().st_size for found in path.parent.glob(f"{path.name}*"))
    return p50(walls(appends)), p50(walls(reads)), octets / (size + APPENDS)


# the file


def _files(folder: Path, sizes: Sequence[int]) -> None:
    found = {size: _file(folder, size) for size in sizes}
    first, last = found[sizes[0]], found[sizes[-1]]
    rows = [
        (name, *(form(found[size][name]) for size in sizes), f"{last[name] / max(first[name], 1e-9):.1f} ×")
        for name, form in FORMS.items()
    ]
    table(("one file", *(f"{size:,} messages" for size in sizes), "growth"), rows)
    flat = {name: last[name] / first[name] for name in ("append", "last 50", "list")}
    told = ", ".join(f"{name} {growth:.1f} ×" for name, growth in flat.items())
    verdict(f"what happens at one place is flat from {sizes[0]:,} to {sizes[-1]:,}: {told}",
            met=max(flat.values()) <= FLAT)  # fmt: skip


FORMS: Mapping[str, Callable[[float], str]] = {
    "messages a second brought in": lambda value: f"{value:,.0f}",
    "bytes a message": lambda value: f"{value:,.0f}",
    **dict.fromkeys(
        ("append", "last 50", "list", "search, a rare word", "search, a common word", "search, two words", "context"),
        lambda value: f"{ms(value)} ms",
    ),
}


def _file(folder: Path, size: int) -> dict[str, float]:
    """Return what things take in a file of so many messages, in seconds where it is a time."""
    path, start = folder / f"scale-{size}.db", time.perf_counter()
    was_there = path.exists()
    build(path, {f"c{number}": EACH for number in range(size // EACH)})
    took = 0.0 if was_there else time.perf_counter() - start
    in_memory(path)
    with chatlog.open(path) as store:
        names = [found.id for found in store.conversations(limit=50).items]
        rare = "zebrafish"
        for name in (names[0], names[-1]):
            store.add(name, [chatlog.MessageDraft(role="user", text=f"a {rare} among {size}")])
        common = Texts()().split()
        measured = {name: _median(action) for name, action in _actions(store, names, rare, common).items()}
    return {
        "messages a second brought in": size / took if took else float("nan"),
        "bytes a message": path.stat().st_size / size,
        **measured,
    }


def _actions(store: Store, names: Sequence[str], rare: str, common: Sequence[str]) -> dict[str, Callable[[], object]]:
    texts, lexical = Texts(), SearchOptions(mode="lexical", embedder="none")
    most = max(set(common), key=len)
    turn = iter(range(1_000_000))

    def of() -> str:
        return names[next(turn) % len(names)]

    def search(text: str) -> Callable[[], object]:
        return lambda: search_messages(store, text, Filters(), lexical)

    request = Request(query=f"{most} {common[0]}", budget=4_000, embedder="none")
    return {
        "append": lambda: store.add(of(), [chatlog.MessageDraft(role="user", text=texts())]),
        "last 50": lambda: list(store.messages(of(), last=50)),
        "list": lambda: store.conversations(limit=20),
        "search, a rare word": search(rare),
        "search, a common word": search(common[0]),
        "search, two words": search(f"{common[0]} {most}"),
        "context": lambda: assemble(store, store.get(of()), request),
    }


def _median(action: Callable[[], object], rounds: int = 40) -> float:
    """Return the middle of some calls, two to warm up."""
    times = []
    for number in range(rounds + 2):
        start = time.perf_counter()
        action()
        if number >= 2:
            times.append(time.perf_counter() - start)
    return p50(times)


if __name__ == "__main__":
    main()
