"""`python -m benchmarks.tail`: the last 50 messages of a conversation through the API, in a file of a million.

A tenth of the messages is one long conversation, the rest conversations of 500.  Beside it LangChain's
SQLChatMessageHistory and openai-agents' SQLiteSession on the same texts in the same sessions.  The files are in the
system's cache; each short conversation is new to the library's own.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.common import (
    SEED,
    Texts,
    Usage,
    build,
    cpus,
    header,
    in_memory,
    interleaved,
    ms,
    options,
    p50,
    percentile,
    table,
    verdict,
    walls,
    workplace,
)
from benchmarks.subjects import Agents, Chatlog, LangChain, Readable, peers

CHATLOG = "chatlog store.messages(last=50)"
LAST = 50
EACH = 500
LONG = "long"
BAR = 0.001
#: A subject that has taken this many seconds sits the rest of the rounds out.
PATIENCE = 20.0
#: So many reads one after another before it is the next one's turn: of ten the first, which finds the processor's
#: caches full of what a peer has read, made the slowest hundredth of all.
BATCH = 200


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="100,000 messages, 300 reads")
    parser.add_argument("--messages", type=int, help="how many messages are in the file (1,000,000)")
    parser.add_argument("--reads", type=int, help="how many reads are timed (2,000)")
    asked = parser.parse_args(arguments)
    count = asked.messages or (100_000 if asked.quick else 1_000_000)
    reads = asked.reads or (300 if asked.quick else 2_000)
    header(f"The last {LAST} messages of a conversation in a file of {count:,}")
    conversations = {LONG: count // 10, **{f"c{number}": EACH for number in range((count - count // 10) // EACH)}}
    others = peers()
    with workplace(asked.folder) as folder:
        subjects: dict[str, tuple[Readable, Mapping[str, str]]] = {CHATLOG: _chatlog(folder, conversations, count)}
        subjects |= {name: _filled(kind, folder, conversations, count) for name, kind in others.items()}
        short = interleaved(
            {name: _any(*subject) for name, subject in subjects.items()}, reads // BATCH, batch=BATCH, seconds=PATIENCE
        )
        long = interleaved(
            {name: _long(*subject) for name, subject in subjects.items()}, reads // BATCH, batch=BATCH, seconds=PATIENCE
        )
        for subject, _ in subjects.values():
            subject.close()
    _print(short, long, conversations[LONG])


def _chatlog(folder: Path, conversations: Mapping[str, int], count: int) -> tuple[Chatlog, Mapping[str, str]]:
    """Return chatlog on the file, and its ids by the names of the conversations."""
    path = build(folder / f"tail-{count}.db", conversations)
    in_memory(path)
    subject = Chatlog(path)
    cursor, ids = None, {}
    while True:
        page = subject.store.conversations(limit=1_000, cursor=cursor)
        ids |= {found.source_id or "": found.id for found in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return subject, ids


def _filled(
    kind: type[LangChain] | type[Agents], folder: Path, conversations: Mapping[str, int], count: int
) -> tuple[Readable, Mapping[str, str]]:
    """Return a peer on a file of its own with the same sessions, made where it is not there yet."""
    path = folder / f"tail-{count}-{kind.__name__.lower()}.db"
    names = {name: name for name in conversations}
    if not path.exists():
        print(f"making {path.name} …", file=sys.stderr)
        partial = path.with_name(f"{path.name}.part")
        partial.unlink(missing_ok=True)
        subject, texts = kind(partial), Texts()
        subject.session()
        subject.fill({name: (texts() for _ in range(number)) for name, number in conversations.items()})
        subject.close()
        partial.rename(path)
    in_memory(path)
    return kind(path), names


def _any(subject: Readable, names: Mapping[str, str]) -> Callable[[], Usage]:
    """Return a read of one conversation of 500 after another, the same for each subject."""
    short = [names[name] for name in sorted(names) if name != LONG]
    order = itertools.cycle(random.Random(SEED).sample(short, len(short)))
    return lambda: subject.last(next(order), LAST)


def _long(subject: Readable, names: Mapping[str, str]) -> Callable[[], Usage]:
    return lambda: subject.last(names[LONG], LAST)


def _print(short: Mapping[str, Sequence[Usage]], long: Mapping[str, Sequence[Usage]], length: int) -> None:
    def cells(usages: Sequence[Usage]) -> tuple[str, ...]:
        times = walls(usages)
        return (str(len(times)), ms(p50(times)), ms(percentile(times, 0.99)), ms(percentile(cpus(usages), 0.99)))

    table(
        (
            "reader", f"reads of {EACH}", "p50 ms", "p99 ms", "cpu p99", f"reads of {length:,}", "p50 ms", "p99 ms",
            "cpu p99",
        ),
        [(name, *cells(short[name]), *cells(long[name])) for name in short],
    )  # fmt: skip
    worst = max(percentile(walls(usages[CHATLOG]), 0.99) for usages in (short, long))
    work = max(percentile(cpus(usages[CHATLOG]), 0.99) for usages in (short, long))
    verdict(f"p99 ≤ {BAR * 1000:.0f} ms: {ms(worst)}, of processor time {ms(work)}", met=worst <= BAR)
    for name in sorted(set(short) - {CHATLOG}):
        ratio = max(p50(walls(usages[CHATLOG])) / p50(walls(usages[name])) for usages in (short, long))
        verdict(f"ahead of {name}: {ratio:.3f} ×", met=ratio < 1)


if __name__ == "__main__":
    main()
