"""`python -m benchmarks.search_scale`: how long a search takes in a large file, and what its index costs.

One user with all of the messages, and one among a hundred; in this process and as a whole one.  Beside it what plain
FTS5 and the plain nearest-neighbour search take on the same file in the same run.  The bars are of short messages, as
those of the labelled sets are; what longer ones take is told below them.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import chatlog
from benchmarks.common import (
    BATCH,
    LONG,
    SEED,
    SHORT,
    Texts,
    build,
    header,
    history,
    in_memory,
    interleaved,
    ms,
    options,
    percentile,
    process,
    table,
    verdict,
    workplace,
)
from chatlog import meaning
from chatlog.embedders import DEFAULT, embedder
from chatlog.models import ConversationDraft, Filters, MessageDraft
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.sqlite.connection import Connection, connect

USERS = 100
#: A word that all users but the first say in each message, and one that nobody says: to look for the one may cost the
#: first user no more than this many times what the other costs, or it would tell that others say it (acceptance 42).
OTHERS, NOBODYS, TELLING_BAR = "xylophone", "quicksilver", 2.0
EACH = 50
LENGTHS = {"short": SHORT, "long": LONG}
#: Messages → (p50, p95) in ms of a hybrid search by one user of all of them; by one of 10,000 among them.
HYBRID_BARS = {100_000: (15, 20), 1_000_000: (40, 70)}
AMONG_BARS = (15, 25)
RARE_BAR, COMMON_BAR, PROCESS_BAR, LEXICAL_PROCESS_BAR, BYTES_BAR = 5, 60, 160, 100, 450


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="100,000 messages, which is the default; --messages 1000000 is the full size")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=100, help="how many different questions")
    parser.add_argument("--texts", choices=LENGTHS, help="only messages of this length")
    asked = parser.parse_args(arguments)
    header(f"Search among {asked.messages:,} messages")
    with workplace(asked.folder) as folder:
        for name in [asked.texts] if asked.texts else LENGTHS:
            lengths = LENGTHS[name]
            print(f"\n{name} messages, of {lengths[0]} to {lengths[1]} words")
            path = _alone(folder, asked.messages, name)
            many = _among(folder, asked.messages, name)
            in_memory(path)
            in_memory(many)
            times = _in_process(path, many, name, asked.rounds)
            if name == "short":
                _judge(times, asked.messages)
                _whole(path)


def _alone(folder: Path, count: int, name: str) -> Path:
    """Make the file of one user, embed it, and say what that took."""
    path = folder / f"search-{count}-{name}.db"
    if path.exists():
        return path
    start = time.perf_counter()
    build(path, {f"c{number}": EACH for number in range(count // EACH)}, LENGTHS[name])
    indexed = time.perf_counter() - start
    before = _used(path)
    with chatlog.open(path, synchronous="NORMAL") as store:
        start = time.perf_counter()
        meaning.bring_up_to_date(store, embedder(DEFAULT))
        embedded = time.perf_counter() - start
    vectors, words = _used(path) - before, int(_number(path, "SELECT total(length(block)) FROM words_data"))
    print(f"{count / indexed:,.0f} messages/s imported and indexed, {count / embedded:,.0f} messages/s embedded")
    told = f"words {words / count:.0f} + meaning {vectors / count:.0f} bytes a message"
    if name == "short":
        verdict(f"index ≤ {BYTES_BAR} bytes a short message: {told}", met=words + vectors <= BYTES_BAR * count)
    else:
        print(f"the index takes {told}")
    return path


def _used(path: Path) -> int:
    """Return how many bytes of a file hold anything."""
    pages = "(SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count)"
    return int(_number(path, f"SELECT ({pages}) * (SELECT page_size FROM pragma_page_size)"))


def _number(path: Path, asked: str) -> float:
    connection = connect(path)
    try:
        return float(connection.execute(asked).fetchone()[0])
    finally:
        connection.close()


def _among(folder: Path, count: int, name: str) -> Path:
    """Make the file of many users, and embed what one of them has."""
    path = folder / f"search-{count}-{name}-users.db"
    if path.exists():
        return path
    texts = Texts(SEED + 1, LENGTHS[name])
    for number in range(USERS):
        with chatlog.open(path, f"user{number}", synchronous="NORMAL") as store:
            names = {f"c{number}": EACH for number in range(count // USERS // EACH)}
            records = [_among_others(record) if number else record for record in history(names, texts)]
            for start in range(0, len(records), BATCH):
                store.ingest("benchmark", records[start : start + BATCH])
            if number == 0:
                meaning.bring_up_to_date(store, embedder(DEFAULT))
    return path


def _among_others(record: ConversationDraft | MessageDraft) -> ConversationDraft | MessageDraft:
    return record._replace(text=f"{record.text} {OTHERS}") if isinstance(record, MessageDraft) else record


# in this process


def _in_process(path: Path, many: Path, name: str, rounds: int) -> dict[str, list[float]]:
    texts = Texts(lengths=LENGTHS[name])
    common, rare = _extremes(texts)
    draw = random.Random(SEED)
    with chatlog.open(path) as store, chatlog.open(many, "user0") as one:
        plain = connect(path)
        ways: dict[str, Callable[[], float]] = {
            "hybrid": _timed(lambda: _search(store, _question(texts, draw), "hybrid")),
            "hybrid, one user of 100": _timed(lambda: _search(one, _question(texts, draw), "hybrid")),
            "lexical": _timed(lambda: _search(store, _question(texts, draw), "lexical")),
            "lexical, a rare word": _timed(lambda: _search(store, draw.choice(rare), "lexical")),
            "lexical, a common word": _timed(lambda: _search(store, common, "lexical")),
            "lexical, common, one user of 100": _timed(lambda: _search(one, common, "lexical")),
            "lexical, a word of others only": _timed(lambda: _search(one, OTHERS, "lexical")),
            "lexical, a word of nobody": _timed(lambda: _search(one, NOBODYS, "lexical")),
            "plain FTS5, all words": _timed(lambda: _plain(plain, _question(texts, draw), " ")),
            "plain FTS5, any word": _timed(lambda: _plain(plain, _question(texts, draw), " OR ")),
            "plain FTS5, a common word": _timed(lambda: _plain(plain, common, " ")),
            "plain nearest 50": _timed(lambda: _nearest(store, _question(texts, draw))),
        }
        found = interleaved(ways, rounds, warm_up=3, seconds=60)
        (matching,) = plain.execute("SELECT count(*) FROM words WHERE words MATCH ?", (f'"{common}"',)).fetchone()
        plain.close()
    shares = (0.5, 0.95, 0.99)
    times = {name: [percentile(values, share) * 1000 for share in shares] for name, values in found.items()}
    table(("search", "p50 ms", "p95 ms", "p99 ms"), [(name, *(f"{t:.1f}" for t in row)) for name, row in times.items()])
    each = times["plain FTS5, a common word"][0] * 1000 / matching
    print(f"\n{each:.1f} µs a row that plain FTS5 finds and ranks, which tells how fast the machine is")
    return times


def _judge(times: dict[str, list[float]], count: int) -> None:
    bars = HYBRID_BARS.get(count, HYBRID_BARS[1_000_000])
    for name, (half, most) in (("hybrid", bars), ("hybrid, one user of 100", AMONG_BARS)):
        p50, p95, _ = times[name]
        verdict(f"{name}: p50 / p95 ≤ {half} / {most} ms: {p50:.1f} / {p95:.1f}", met=p50 <= half and p95 <= most)
    for name, bar in (
        ("lexical, a rare word", RARE_BAR),
        ("lexical, a common word", COMMON_BAR),
        ("lexical, common, one user of 100", RARE_BAR),
    ):
        verdict(f"{name}: p50 ≤ {bar} ms: {times[name][0]:.1f}", met=times[name][0] <= bar)
    ratio = times["lexical, a word of others only"][0] / times["lexical, a word of nobody"][0]
    verdict(f"a word of others only costs < {TELLING_BAR:.0f} × one of nobody: {ratio:.2f}", met=ratio < TELLING_BAR)


def _timed(action: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return run


def _search(store: Store, text: str, mode: str) -> object:
    return search_messages(store, text, Filters(), SearchOptions(mode=mode))


def _question(texts: Texts, draw: random.Random) -> str:
    """Return some words of one of the texts, as a person remembers them."""
    said = texts().split()
    return " ".join(draw.sample(said, draw.randint(3, 6)))


def _extremes(texts: Texts) -> tuple[str, list[str]]:
    """Return the most common word, and some that are said once in a while."""
    words = Counter(texts.stream).most_common()
    return words[0][0], [word for word, _ in words[-2_000:-1_000:25]]


def _plain(connection: Connection, text: str, joint: str) -> object:
    asked = joint.join(f'"{word}"' for word in text.split())
    return connection.execute(
        "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words) LIMIT 10", (f"{{text}} : ({asked})",)
    ).fetchall()


def _nearest(store: Store, text: str) -> object:
    question = meaning.Index(embedder(DEFAULT), store.vectors.state()).question(text, ())
    return question.nearest(store, 50) if question else []


# as a whole process


def _whole(path: Path) -> None:
    environment = {**os.environ, "CHATLOG_DB": str(path), "XDG_CONFIG_HOME": str(path.parent)}
    words = " ".join(Texts(lengths=SHORT)().split()[:4])

    def run(mode: str) -> Callable[[], float]:
        command = [sys.executable, "-m", "chatlog", "search", *words.split(), "--mode", mode]
        return lambda: process(command, environment).wall

    bare = [sys.executable, "-c", "import typer"]
    ways = {"hybrid": run("hybrid"), "lexical": run("lexical"), "typer": lambda: process(bare, environment).wall}
    found = {name: percentile(values, 0.5) for name, values in interleaved(ways, 12, warm_up=2).items()}
    for name, bar in (("hybrid", PROCESS_BAR), ("lexical", LEXICAL_PROCESS_BAR)):
        told = f"{ms(found[name])}, {found[name] / found['typer']:.1f} × import typer"
        verdict(f"chatlog search --mode {name} as a process ≤ {bar} ms: {told}", met=found[name] * 1000 <= bar)


if __name__ == "__main__":
    main()
