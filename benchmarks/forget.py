"""`python -m benchmarks.forget`: erasing to the byte, what it costs in a large file, and who waits meanwhile.

A process of its own counts what is left; four others append all the time, and note how long each append waited.
"""

from __future__ import annotations

import multiprocessing
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import chatlog
from benchmarks.common import build, header, ms, options, p50, percentile, table, verdict, workplace
from chatlog import ConversationDraft, Filters, MessageDraft, Store, erasure
from chatlog.keys import parse
from chatlog.models import Extra
from chatlog.store import files
from chatlog.store.forgetting import Cause

WRITERS = 4
LOCK_BAR, DELETE_BAR = 0.25, 0.03
#: Of the encrypted file.
KEY = "5e" * 32
KINDS = ("text", "title", "tag", "tool", "state", "summary")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="300 secrets, 50,000 messages")
    parser.add_argument("--messages", type=int, help="messages in the large file (500,000)")
    asked = parser.parse_args(arguments)
    count = asked.messages or (50_000 if asked.quick else 500_000)
    header(f"forgetting; {count:,} messages in the large file")
    with workplace(asked.folder) as folder:
        for key in (None, KEY):
            _secrets(folder, 50 if asked.quick else 500, key)
        per = 50
        names = {f"c{number:06d}": per for number in range(count // per)}
        large = build(folder / f"forget-{count}.db", names)
        alone = _deletions(_copy(large, folder))
        rows = [
            _measured(_copy(large, folder), "nothing, for 3 s", lambda store: time.sleep(3)),  # noqa: ARG005
            _measured(_copy(large, folder), "erase one message", _one_message),
            _measured(_copy(large, folder), "erase 2,500 messages", _conversation),
            _measured(_copy(large, folder), f"prune {count // 10:,}", lambda store: _prune(store, count // 10 // per)),
            _measured(_copy(large, folder), "db vacuum", _vacuum, is_timed=False),
        ]
        columns = (
            "what",
            "seconds",
            "worst lock / processor, ms",
            "appends",
            "p50, ms",
            "p99, ms",
            "longest, ms",
            "errors",
        )
        table(columns, [
            (row["what"], f"{row['seconds']:.2f}", row["lock"], f"{len(row['waits']):,}", ms(p50(row["waits"])),
             ms(percentile(row["waits"], 0.99)), ms(max(row["waits"])), str(row["errors"])) for row in rows
        ])  # fmt: skip
        print()
        sentence = (
            f"delete one message of {count:,}: p50 {ms(p50(alone))}, p99 {ms(percentile(alone, 0.99))} ms ≤ 30 ms"
        )
        verdict(sentence, met=p50(alone) <= DELETE_BAR)
        for row in rows[1:4]:
            longest = max(row["waits"])
            verdict(f"{row['what']}: no writer waits over 250 ms (longest {ms(longest)} ms)", met=longest <= LOCK_BAR)
        verdict(f"erase 2,500 messages in {rows[2]['seconds']:.1f} s ≤ 10 s", met=rows[2]["seconds"] <= 10)
        verdict("no error in any writer", met=not any(row["errors"] for row in rows[:4]))
        _churn(folder, 2_000 if asked.quick else 20_000)


# secrets


def _secrets(folder: Path, conversations: int, key: str | None) -> None:
    path = folder / "secrets.db"
    path.unlink(missing_ok=True)
    with chatlog.open(path, synchronous="NORMAL", key=key) as store:
        names = [_plant(store, number) for number in range(conversations)]
        for number in range(0, conversations, 2):
            grown = MessageDraft(role="user", text=f"{_secret('text', number)} {'more ' * 40}", source_id="m")
            store.ingest("x", [ConversationDraft(source_id=f"s{number}"), grown])
            store.change(names[number], {"title": f"{_secret('title', number)} {'more ' * 9}"})
        started = time.perf_counter()
        done = erasure.run(store, erasure.plan(store, [store.get(name) for name in names], []))
        took = time.perf_counter() - started
    raw = _left(path)
    if key is not None:
        files.convert(str(path), parse(key), None)
    left = raw + _left(path)
    planted, kind = conversations * len(KINDS), "encrypted" if key else "plain"
    how = "the file was written anew" if done.vacuumed else "nothing was in a gap of the file"
    print(f"\n{planted:,} secrets in an {kind} file, half of them edited before, erased in {took:.1f} s; {how}")
    verdict(f"{left} of {planted:,} secrets left, and said to be {'in' * (not done.complete)}complete", met=not left)


def _left(path: Path) -> int:
    """Return how many secrets another process finds in a file."""
    program = "import sys,re;print(len(set(re.findall(rb'zq[a-z]+[0-9]{5}', open(sys.argv[1],'rb').read()))))"
    return int(subprocess.check_output([sys.executable, "-c", program, str(path)]))


def _secret(kind: str, number: int) -> str:
    return f"zq{kind}{number:05d} is the secret of number {number}"


def _plant(store: Store, number: int) -> str:
    part = {"type": "tool_call", "id": "1", "name": "f", "arguments": {"q": _secret("tool", number)}}
    draft = ConversationDraft(source_id=f"s{number}", title=_secret("title", number), tags=(f"zqtag{number:05d}",))
    messages = [
        MessageDraft(role="user", text=_secret("text", number), source_id="m"),
        MessageDraft(role="assistant", parts=(part,), source_id="t"),
    ]
    (name,) = store.ingest("x", [draft, *messages]).ids
    store.change(name, {"state": {"s": _secret("state", number)}})
    summary = {"conversation": name, "kind": "rolling", "from_seq": 1, "to_seq": 2, "method": "m"}
    store.ingest_extra(Extra(kind="summary", values={**summary, "text": _secret("summary", number)}))
    return name


# a large file with writers


def _copy(large: Path, folder: Path) -> Path:
    path = folder / "forget.db"
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.copy(large, path)
    with chatlog.open(path) as store:
        for _ in range(WRITERS):
            store.new(ConversationDraft(title="of a writer"))
        chance = random.Random(3)
        drafts = [
            MessageDraft(role="user", text=" ".join(f"own{chance.randrange(10**6)}" for _ in range(60)))
            for _ in range(2_500)
        ]
        store.new(ConversationDraft(title="to be erased"), drafts)
    return path


def _measured(path: Path, what: str, action: Callable[[Store], None], *, is_timed: bool = True) -> dict[str, Any]:
    """Do something while four processes append; return how long it took, and how long they waited."""
    locks: list[tuple[float, float]] = []
    with _writing(path) as waits, chatlog.open(path) as store:
        if is_timed:
            _watch(store, locks)
        started = time.perf_counter()
        action(store)
        seconds = time.perf_counter() - started
    found = [wait for wait in waits if wait >= 0]
    lock = " / ".join(ms(max(each)) for each in zip(*locks, strict=True)) if locks else "-"
    return {"what": what, "seconds": seconds, "lock": lock, "waits": found, "errors": len(waits) - len(found)}


def _watch(store: Any, locks: list[tuple[float, float]]) -> None:
    """Note how long each write transaction of a store takes, by the clock and in processor time."""
    pool, original = store._pool, store._pool.write  # noqa: SLF001  from outside it cannot be seen

    @contextmanager
    def write(**options: Any) -> Iterator[Any]:
        with original(**options) as connection:
            began, spent = time.perf_counter(), time.thread_time()
            yield connection
        locks.append((time.perf_counter() - began, time.thread_time() - spent))

    pool.write = write


@contextmanager
def _writing(path: Path) -> Iterator[list[float]]:
    """Let processes append meanwhile; the list holds what each append took once they have stopped, -1 for an error."""
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    started = context.Barrier(WRITERS + 1)
    writers = [
        context.Process(target=_append, args=(str(path), number, started, stop, results)) for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    started.wait()
    waits: list[float] = []
    try:
        yield waits
    finally:  # they would go on for good
        stop.set()
    for _ in writers:
        waits += results.get()
    for writer in writers:
        writer.join()


def _append(path: str, number: int, started: Any, stop: Event, results: Any) -> None:
    waits = []
    with chatlog.open(path, create=False) as store:
        name = store.conversations(Filters(title=("of a writer",))).items[number].id
        started.wait()
        while not stop.is_set():
            began = time.perf_counter()
            try:
                store.add(name, [MessageDraft(role="user", text="still here")])
                waits.append(time.perf_counter() - began)
            except chatlog.errors.ChatlogError:
                waits.append(-1.0)
            time.sleep(0.01)
    results.put(waits)


def _deletions(path: Path) -> list[float]:
    """Return what it takes to remove messages for good, one by one, from all over a file."""
    taken = []
    with chatlog.open(path) as store:
        names = [one.id for one in store.forgetting.every(Filters(min_messages=5)) if one.source]
        for name in random.Random(5).sample(names, min(60, len(names))):
            began = time.perf_counter()
            store.forgetting.take_out([(name, 3)], Cause("erase"))
            taken.append(time.perf_counter() - began)
    return taken


def _one_message(store: Store) -> None:
    name = next(store.forgetting.every(Filters())).id
    store.forgetting.take_out([(name, 3)], Cause("erase"))


def _conversation(store: Store) -> None:
    (found,) = store.forgetting.every(Filters(title=("to be erased",)))
    done = erasure.run(store, erasure.plan(store, [found], []))
    print(f"2,500 messages: {'complete' if done.complete else done.why}", file=sys.stderr)


def _prune(store: Store, conversations: int) -> None:
    names = [one.id for one in store.forgetting.every(Filters(max_messages=60)) if one.source][:conversations]
    store.forgetting.remove(names, Cause("prune"), stop=bool)
    store.forgetting.tidy(bool)
    store.forgetting.fold()


def _vacuum(store: Store) -> None:
    store.forgetting.vacuum()
    store.forgetting.fold()


def _churn(folder: Path, messages: int) -> None:
    """Add and prune ten times over, and compare the file with a fresh copy of what lives in it."""
    path = folder / "churn.db"
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    words = [f"word{number}" for number in range(9_000)]
    chance = random.Random(7)
    with chatlog.open(path, synchronous="NORMAL") as store:
        for _ in range(10):
            before = [one.id for one in store.forgetting.every(Filters())]
            for _ in range(messages // 50):
                drafts = [MessageDraft(role="user", text=" ".join(chance.choices(words, k=60))) for _ in range(50)]
                store.new(messages=drafts)
            store.forgetting.remove(before, Cause("prune"), stop=bool)
            store.forgetting.tidy(bool)
            store.forgetting.fold()
        size = path.stat().st_size
        live = store.backup(folder / f"live-{time.time_ns()}.db")
    verdict(f"10 rounds of {messages:,} messages: {size / live:.2f} × a fresh copy ≤ 1.3", met=size <= live * 1.3)


if __name__ == "__main__":
    main()
