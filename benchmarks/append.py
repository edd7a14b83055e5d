"""`python -m benchmarks.append`: what a durable append costs through the API, and what many writers at once do.

Beside it a bare INSERT and commit with the same pragmas, without and with a full-text table in the same
transaction, LangChain's SQLChatMessageHistory and openai-agents' SQLiteSession.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

import chatlog
from benchmarks.common import (
    Stopwatch,
    Texts,
    Usage,
    cpus,
    header,
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
from benchmarks.subjects import BareTable, BareTableWithSearch, Chatlog, Subject, peers

CHATLOG = "chatlog store.add"
BARE = "bare INSERT + commit"
BARE_SEARCH = "bare INSERT + FTS5 + commit"
BARE_BAR = 1.5
WRITERS = 8
#: So many appends one after another before it is the next one's turn: a script's loop, not a cold start.
BATCH = 20


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="500 appends, 100 by each writer")
    parser.add_argument("--appends", type=int, help="how many appends are timed (3,000)")
    parser.add_argument("--each", type=int, help="how many appends each of the 8 writers does (500)")
    asked = parser.parse_args(arguments)
    count = asked.appends or (500 if asked.quick else 3_000)
    each = asked.each or (100 if asked.quick else 500)
    header(f"{count:,} durable appends of one message of 20 to 120 words")
    others = peers()
    with workplace(None if asked.folder is None else asked.folder / f"append-{time.time_ns()}") as folder:
        _alone({CHATLOG: Chatlog, BARE: BareTable, BARE_SEARCH: BareTableWithSearch, **others}, folder, count)
        print(f"\n{WRITERS} processes × {each} appends to one file, half of them to one shared conversation")
        _together({CHATLOG: Chatlog, **others}, folder, each)


# one writer


def _alone(kinds: Mapping[str, type[Subject]], folder: Path, count: int) -> None:
    subjects = {name: kind(folder / f"alone-{at}.db") for at, (name, kind) in enumerate(kinds.items())}
    actions = {name: appending(subject) for name, subject in subjects.items()}
    found = interleaved(actions, count // BATCH, batch=BATCH, warm_up=5)
    for subject in subjects.values():
        subject.close()
    middle = {name: p50(walls(usages)) for name, usages in found.items()}
    table(
        ("append", "p50 ms", "p99 ms", "min ms", "cpu p50 ms", "p50 / bare", "p50 / bare with FTS5"),
        [
            (
                name, ms(middle[name]), ms(percentile(walls(usages), 0.99)), ms(min(walls(usages))),
                ms(p50(cpus(usages))), *(f"{middle[name] / middle[bare]:.2f}" for bare in (BARE, BARE_SEARCH)),
            )
            for name, usages in found.items()
        ],
    )  # fmt: skip
    ratio = middle[CHATLOG] / middle[BARE]
    verdict(f"within {BARE_BAR} × of a bare INSERT + commit: {ratio:.2f}", met=ratio <= BARE_BAR)
    for name in sorted(set(kinds) - {CHATLOG, BARE, BARE_SEARCH}):
        verdict(f"ahead of {name}: {middle[CHATLOG] / middle[name]:.2f} ×", met=middle[CHATLOG] < middle[name])


def appending(subject: Subject) -> Callable[[], Usage]:
    """Return what appends made-up texts to a session of its own, one a call."""
    session, texts = subject.session(), Texts()
    return lambda: subject.append(session, texts())


# many writers


@dataclass(frozen=True, slots=True)
class Written:
    """What one writer saw: seconds per acknowledged append, and the errors by their kind."""

    times: list[float]
    errors: list[str]


def _together(kinds: Mapping[str, type[Subject]], folder: Path, each: int) -> None:
    rows = []
    for at, (name, kind) in enumerate(kinds.items()):
        path = folder / f"together-{at}.db"
        sessions, written, seconds = _race(kind, path, each)
        times = [took for writer in written for took in writer.times]
        errors = [error for writer in written for error in writer.errors]
        rows.append((
            name, f"{len(times):,}", str(len(errors)), f"{len(times) / seconds:.0f}", ms(p50(times)),
            ms(percentile(times, 0.99)), ms(max(times)),
        ))  # fmt: skip
        if errors:
            print(f"{name}: {max(set(errors), key=errors.count)}")
        if kind is Chatlog:
            _check(path, sessions, written, each)
    table(("writers", "acked", "errors", "per second", "p50 ms", "p99 ms", "max ms"), rows)


def _race(kind: type[Subject], path: Path, each: int) -> tuple[list[str], list[Written], float]:
    """Let the writers run; return their sessions (the shared one first), what they saw, and the seconds."""
    subject = kind(path)
    sessions = [subject.session() for _ in range(WRITERS + 1)]
    subject.append(sessions[0], "0 0 the first message")
    subject.close()
    processes = multiprocessing.get_context("spawn")
    barrier, results = processes.Barrier(WRITERS + 1), processes.SimpleQueue()
    writers = [
        processes.Process(target=_write, args=(kind, path, (sessions[0], sessions[number]), each, barrier, results))
        for number in range(1, WRITERS + 1)
    ]
    for writer in writers:
        writer.start()
    barrier.wait()
    watch = Stopwatch()
    written = [results.get() for _ in writers]
    seconds = watch.stop().wall
    for writer in writers:
        writer.join()
    return sessions, written, seconds


def _write(
    kind: type[Subject],
    path: Path,
    sessions: tuple[str, str],
    each: int,
    barrier: Barrier,
    results: multiprocessing.SimpleQueue[Written],
) -> None:
    subject, texts = kind(path), Texts()
    times: list[float] = []
    errors: list[str] = []
    barrier.wait()
    for number in range(each):
        try:
            times.append(subject.append(sessions[number % 2], f"{sessions[1]} {number} {texts()}").wall)
        except Exception as error:  # noqa: BLE001  whatever a peer raises is what it is measured by
            errors.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")
    results.put(Written(times, errors))
    subject.close()


def _check(path: Path, sessions: Sequence[str], written: Sequence[Written], each: int) -> None:
    """Say what the file holds: every acknowledged message, no gap, each writer's in its order."""
    acked, errors = sum(len(writer.times) for writer in written), sum(len(writer.errors) for writer in written)
    gaps = disorder = rows = 0
    with chatlog.open(path) as store:
        for session in sessions:
            found = list(store.messages(session, all_branches=True))
            rows += len(found)
            gaps += sum(message.seq != number for number, message in enumerate(found, 1))
            last: dict[str, int] = {}
            for message in found:
                writer, number = message.text.split(maxsplit=2)[:2]
                disorder += int(number) <= last.get(writer, -1)
                last[writer] = int(number)
    rows -= 1  # the first message of the shared conversation
    expected = WRITERS * each
    verdict(
        f"{expected:,} of {expected:,}: {acked:,} acknowledged, {rows:,} stored, {errors} errors, {gaps} gaps, "
        f"{disorder} out of order",
        met=acked == rows == expected and not errors and not gaps and not disorder,
    )


if __name__ == "__main__":
    main()
