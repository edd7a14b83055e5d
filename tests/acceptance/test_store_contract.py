"""The store's contract by list: every method on a locked, read-only, full and closed file, and from many threads."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as driver

import chatlog
from chatlog.errors import (
    BusyError,
    ChatlogError,
    ClosedError,
    ConflictError,
    NoDatabaseError,
    NotFoundError,
    ReadOnlyError,
    StorageFullError,
    UsageError,
)
from chatlog.models import ConversationDraft, Extra, Filters, MessageDraft, Term
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Batch, Store
from chatlog.store.forgetting import Cause
from chatlog.store.memories import MemoryDraft
from chatlog.store.sources import FileState, SeenFile
from chatlog.store.sqlite import connection, database_file, failures
from chatlog.store.sqlite.connection import Pool

from .helpers import conversation_in, faults, locked, plain_connection, question_numbers
from .workers import pair

BIG = "sailing " * 20_000
READ = SeenFile(path=BIG, state=FileState(1, 1), read_ns=1, reader="1")
RAIN = "weather"

Call = Callable[[Store, str], Any]

READS: dict[str, Call] = {
    "get": lambda store, name: store.get(name),
    "for_user": lambda store, name: store.for_user("ben").conversations(),
    "conversations": lambda store, name: store.conversations(),
    "message": lambda store, name: store.message(name, 1),
    "messages": lambda store, name: list(store.messages(name)),
    "messages, the last": lambda store, name: list(store.messages(name, last=1)),
    "messages of a branch": lambda store, name: list(store.messages(name, branch=2)),
    "messages of all branches": lambda store, name: list(store.messages(name, all_branches=True)),
    "around": lambda store, name: store.around(name, 1, before=1, after=1),
    "tags": lambda store, name: store.tags(),
    "scan": lambda store, name: list(store.scan()),
    "extras": lambda store, name: list(store.extras()),
    "extras of a conversation": lambda store, name: list(store.extras(name)),
    "sources": lambda store, name: store.sources.all(),
    "windows": lambda store, name: store.windows.tail(name, "cl100k_base", lambda message: 1),
    "summaries": lambda store, name: store.summaries.all(name),
    "measures": lambda store, name: store.measures.sizes(chatlog.Filters(), "cl100k_base"),
    "memories": lambda store, name: list(store.memories.all()),
    "words": lambda store, name: store.words.posting([Term(RAIN)], ("text",), 10),
    "vectors": lambda store, name: store.vectors.state(),
    "redactions of what is said": lambda store, name: list(store.redactions.said([name])),
    "info": lambda store, name: store.info(),
    "backup": lambda store, name: store.backup(Path(f"{store.path}.copy")),  # type: ignore[attr-defined]
    "backups": lambda store, name: store.backups(),
}
CHECKS: dict[str, Call] = {
    "checks": lambda store, name: list(store.checks()),
    "checks, deep": lambda store, name: list(store.checks(deep=True)),
}
WRITES: dict[str, Call] = {
    "new": lambda store, name: store.new(ConversationDraft(title=BIG)),
    "add": lambda store, name: store.add(name, [MessageDraft(role="user", text=BIG)]),
    "change": lambda store, name: store.change(name, {"title": BIG}),
    "fork": lambda store, name: store.fork(name, title=BIG),
    "delete": lambda store, name: store.delete([name]),
    "restore": lambda store, name: store.restore([trashed(store)]),
    "tag": lambda store, name: store.tag([name], add=["work"]),
    "ingest": lambda store, name: store.ingest("x", [ConversationDraft(source_id="s"), *long_messages()]),
    "ingest_all": lambda store, name: store.ingest_all(
        [Batch("x", [ConversationDraft(source_id="s"), *long_messages()])]
    ),
    "ingest_extra": lambda store, name: store.ingest_extra(Extra(kind="memory", values={"key": "k", "value": BIG})),
    "title_by_message": lambda store, name: store.title_by_message("chatgpt", "m1", BIG),
    "sources, remembered": lambda store, name: store.sources.remember([READ]),
    "sources, forgotten": lambda store, name: store.sources.forget(bool),
    "redactions of a message": lambda store, name: store.redactions.replace([(1, MessageDraft(role="user", text=BIG))]),
    "memories, set": lambda store, name: store.memories.set(MemoryDraft("k", BIG)),
    "record": lambda store, name: store.record("export", note=BIG),
    "rebuild": lambda store, name: store.rebuild(),
}
#: Writes that need no page more than the file has.
IN_PLACE = {"sources, forgotten", "delete", "restore", "tag", "rebuild"}
NOT_CALLS = {"owns", "close", "user", "clock", "forgetting", "settle"}


def long_messages() -> list[MessageDraft]:
    return [MessageDraft(role="user", text=BIG, source_id=f"m{number}") for number in range(3)]


def trashed(store: Store) -> str:
    return store.conversations(chatlog.Filters(deleted=True)).items[0].id


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, str]:
    """Return a file and the id of a conversation in it; another is in the trash, a third was imported."""
    path = tmp_path / "chats.db"
    with chatlog.open(path) as store:
        name = store.new(ConversationDraft(title="Weather"), pair("w", 0)).id
        store.delete([store.new(ConversationDraft(title="gone")).id])
        store.sources.remember([replace(READ, path="nowhere")])
        imported = [ConversationDraft(source_id="s1"), MessageDraft(role="tool", text="x", source_id="m1")]
        store.ingest("chatgpt", imported)
    return path, name


def test_the_lists_hold_every_method() -> None:
    """What a store can do is all in the lists that these tests go through."""
    promised = {name for name in vars(Store) if not name.startswith("_")} | set(Store.__annotations__)
    listed = {name.split(",")[0].split(" of ")[0] for name in (*READS, *CHECKS, *WRITES)}
    assert promised == listed | NOT_CALLS


# each method on a file that is in no state for it


@pytest.mark.parametrize("method", [*READS, *CHECKS, *WRITES])
def test_sound(place: tuple[Path, str], method: str) -> None:
    """On a sound file every call of the lists succeeds, so that what follows is the file's doing."""
    path, name = place
    with chatlog.open(path) as store:
        {**READS, **CHECKS, **WRITES}[method](store, name)
    assert [] == faults(path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a lock at once."""
    for waiting in (connection.begin_immediate, connection.patiently):
        monkeypatch.setattr(waiting, "__defaults__", (0.0,))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("method", WRITES)
def test_locked_writes(place: tuple[Path, str], method: str) -> None:
    """While another holds the write lock, a write raises BusyError, which may be tried again, and changes nothing."""
    path, name = place
    with chatlog.open(path) as store:
        with locked(path), pytest.raises(BusyError) as caught:
            WRITES[method](store, name)
        assert caught.value.retryable
        assert 2 == store.get(name).messages
        WRITES[method](store, name)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("method", READS)
def test_locked_reads(place: tuple[Path, str], method: str) -> None:
    """While another holds the write lock, a read goes on."""
    path, name = place
    with chatlog.open(path) as store, locked(path):
        READS[method](store, name)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("method", [*READS, *CHECKS, *WRITES])
def test_exclusively_locked(place: tuple[Path, str], method: str) -> None:
    """While another has the file for itself, everything raises BusyError."""
    path, name = place
    with locked(path, wholly=True), pytest.raises(BusyError):
        {**READS, **CHECKS, **WRITES}[method](chatlog.open(path), name)


def connect_read_only(path: Path, key: Any = None) -> Any:
    """Connect as to a file that may only be read."""
    return connection._open(path, "ro", key)


@pytest.mark.parametrize("method", WRITES)
def test_read_only_writes(place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """On a file that may only be read a write raises ReadOnlyError, which is not worth trying again."""
    path, name = place
    monkeypatch.setattr(connection, "_driver_connect", connect_read_only)
    with chatlog.open(path) as store, pytest.raises(ReadOnlyError) as caught:
        WRITES[method](store, name)
    assert not caught.value.retryable


@pytest.mark.parametrize("method", [*READS, *CHECKS])
def test_read_only_reads(place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """A file that may only be read is read, copied and checked."""
    path, name = place
    monkeypatch.setattr(connection, "_driver_connect", connect_read_only)
    with chatlog.open(path) as store:
        {**READS, **CHECKS}[method](store, name)


@pytest.mark.parametrize("method", [name for name in WRITES if name not in IN_PLACE])
def test_full(place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Where there is no room a write raises StorageFullError and changes nothing, and the next one is not hindered."""
    path, name = place
    pages = path.stat().st_size // 4096
    with chatlog.open(path) as store:
        before = list(store.messages(name)), store.conversations().total
    with monkeypatch.context() as patch:
        patch.setattr(connection, "SETTINGS", (*connection.SETTINGS, f"max_page_count = {pages}"))
        with chatlog.open(path) as store, pytest.raises(StorageFullError):
            WRITES[method](store, name)
    with chatlog.open(path) as store:
        assert before == (list(store.messages(name)), store.conversations().total)
        WRITES[method](store, name)
    assert [] == faults(path)


@pytest.mark.parametrize("method", [*READS, *CHECKS, *WRITES])
def test_closed(place: tuple[Path, str], method: str) -> None:
    """After `close` everything raises ClosedError; closing again is nothing."""
    path, name = place
    store = chatlog.open(path)
    store.close()
    store.close()
    with pytest.raises(ClosedError):
        {**READS, **CHECKS, **WRITES}[method](store, name)


@pytest.mark.parametrize(("code", "kind"), [(15, BusyError), (18, UsageError), (5 | 2 << 8, BusyError)])
def test_what_sqlite_says_of_itself(code: int, kind: type[Exception]) -> None:
    """A lock that is being put in order, a value too large for a row, a snapshot that is gone: each has its error."""
    error = driver.OperationalError("…")
    error.sqlite_errorcode = code
    assert isinstance(failures.translate(error, Path("chats.db")), kind)


@pytest.mark.parametrize(
    ("allowed", "kind"), [(os.R_OK, ReadOnlyError), (0, NoDatabaseError), (os.R_OK | os.W_OK, NoDatabaseError)]
)
def test_a_file_on_a_disk_that_is_read_only(
    monkeypatch: pytest.MonkeyPatch, allowed: int, kind: type[ChatlogError]
) -> None:
    """SQLite says of it what it says of a file that may not be opened; what can be read is not said to be forbidden."""
    monkeypatch.setattr(os, "access", lambda path, asked: asked & allowed == asked)
    error = driver.OperationalError("unable to open database file")
    error.sqlite_errorcode = failures.CANTOPEN
    assert type(failures.translate(error, Path("chats.db"))) is kind


def test_closing_ends_iterators(place: tuple[Path, str]) -> None:
    """A reader that is half way when the store is closed is told so, at the latest with its next page."""
    path, name = place
    with chatlog.open(path) as store:
        store.add(name, [MessageDraft(role="user", text=f"{number}") for number in range(600)])
        reading = store.messages(name)
        next(reading)
    with pytest.raises(ClosedError):
        list(reading)


# iterators


ITERATORS: dict[str, Call] = {
    "messages": lambda store, name: store.messages(name),
    "messages of all branches": lambda store, name: store.messages(name, all_branches=True),
    "messages of a branch": lambda store, name: store.messages(name, branch=600),
    "scan": lambda store, name: store.scan(),
    "extras": lambda store, name: store.extras(),
    "checks": lambda store, name: store.checks(deep=True),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("iterator", ITERATORS)
def test_iterators_hold_no_lock(place: tuple[Path, str], iterator: str) -> None:
    """A reader that stands still half way keeps nobody from writing and from emptying the log."""
    path, name = place
    with chatlog.open(path) as store, chatlog.open(path) as other:
        store.add(name, [MessageDraft(role="user", text=f"{number}") for number in range(600)])
        store.ingest_extra(Extra(kind="memory", values={"key": "k", "value": 1}))
        store.ingest_extra(Extra(kind="memory", values={"key": "l", "value": 1}))
        reading = ITERATORS[iterator](store, name)
        next(reading)
        other.add(name, [MessageDraft(role="user", text="meanwhile")])
        plain = plain_connection(path)
        busy = plain.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        plain.close()
        assert 0 == busy
        assert 0 < len(list(reading))


# what others remove meanwhile


BETWEEN_STEPS: dict[str, Call] = {
    "get": lambda store, name: store.get(name),
    "a page": lambda store, name: store.conversations(),
    "around": lambda store, name: store.around(name, 2, before=1, after=1),
    "message": lambda store, name: store.message(name, 2),
    "find": lambda store, name: store.forgetting.find(name),
    "due": lambda store, name: store.forgetting.due("9999"),
    "words": lambda store, name: list(store.forgetting.words([], [(name, 1)])),
    "redactions": lambda store, name: store.redactions.conversations(),
    "opening": lambda store, name: store.windows.opening(name, "cl100k_base", lambda message: 1),
    "asked": lambda store, name: store.windows.asked(name, 9),
    "summaries": lambda store, name: store.summaries.all(name),
    "scan": lambda store, name: list(store.scan()),
}


@pytest.mark.parametrize("method", BETWEEN_STEPS)
def test_what_is_read_in_steps_belongs_together(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Another process removes everything between two statements: the answer is that of before, or that it is gone."""
    path, name = place
    with chatlog.open(path) as other, chatlog.open(path) as store:
        if method == "due":
            store.change(name, {"expires_at": "2020-01-01T00:00:00Z"})
        lent = Pool.read

        class Removing:
            """A connection that sees everything removed by another process after its first question."""

            def __init__(self, plain: Any) -> None:
                self.plain = plain
                self.asked = 0

            def __getattr__(self, name: str) -> Any:
                return getattr(self.plain, name)

            def execute(self, sql: str, *values: Any) -> Any:
                self.asked += not sql.startswith("BEGIN")
                if self.asked == 2:
                    with monkeypatch.context() as patch:
                        patch.setattr(Pool, "read", lent)
                        ids = [one.id for one in other.redactions.conversations()]
                        assert other.forgetting.remove(ids, Cause("prune"), stop=bool).finished
                return self.plain.execute(sql, *values)

        @contextmanager
        def read(pool: Pool) -> Iterator[Any]:
            with lent(pool) as connection:
                yield Removing(connection)

        monkeypatch.setattr(Pool, "read", read)
        with suppress(NotFoundError):
            BETWEEN_STEPS[method](store, name)


# refusals that every writer meets


REFUSED: dict[str, tuple[Call, type[Exception]]] = {
    "an unknown role": (lambda store, name: store.add(name, [MessageDraft(role="nobody", text="x")]), UsageError),
    "no content": (lambda store, name: store.add(name, [MessageDraft(role="user")]), UsageError),
    "an unknown parent": (lambda s, name: s.add(name, [MessageDraft(role="user", text="x", parent=99)]), NotFoundError),
    "a stale revision": (
        lambda store, name: store.add(name, [MessageDraft(role="user", text="x")], if_revision=99),
        ConflictError,
    ),
    "a second message that is wrong": (
        lambda store, name: store.add(name, [MessageDraft(role="user", text="x"), MessageDraft(role="x", text="y")]),
        UsageError,
    ),
    "a column that is none": (lambda store, name: store.change(name, {"id": "x"}), UsageError),
    "a tag that is none": (lambda store, name: store.tag([name], add=["fine", "not fine"]), UsageError),
    "a tag of nobody's": (lambda store, name: store.tag([name, "z" * 26], add=["fine"]), NotFoundError),
    "a fork from nowhere": (lambda store, name: store.fork(name, 99), NotFoundError),
    "a new one with a wrong tag": (lambda store, name: store.new(ConversationDraft(tags=("not fine",))), UsageError),
    "a number that no column holds": (lambda store, name: store.message(name, 10**30), NotFoundError),
    "half a character": (lambda s, name: s.add(name, [MessageDraft(role="user", text="\ud800")]), UsageError),
    "half a character in a title": (lambda store, name: store.change(name, {"title": "\udcff"}), UsageError),
    "a condition that is too long": (lambda s, _: s.conversations(Filters(title=("x" * 60_000,))), UsageError),
    "too many conditions": (lambda s, _: s.conversations(Filters(tags=tuple(map(str, range(2_000))))), UsageError),
    "an id that nobody could name": (lambda store, name: store.new(ConversationDraft(id="My Talk")), UsageError),
    "an id that is too short": (lambda store, name: store.new(ConversationDraft(id="abc")), UsageError),
    "a time that is none": (lambda store, name: store.new(ConversationDraft(deleted_at="long ago")), UsageError),
    "a revision that cannot be counted on": (lambda s, _: s.new(ConversationDraft(revision=2**63 - 1)), UsageError),
    "a place that is no number": (lambda s, _: s.new(ConversationDraft(forked_at="x")), UsageError),  # type: ignore[arg-type]
    "a title that is no text": (lambda store, name: store.change(name, {"title": ["x"]}), UsageError),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_a_refused_write_changes_nothing(place: tuple[Path, str], refusal: str) -> None:
    """A write that is refused raises an error of ours and leaves every row as it was, its first half included."""
    path, name = place
    call, kind = REFUSED[refusal]

    def rows(store: Store) -> Any:
        return store.conversations().items, list(store.messages(name)), store.tags()

    with chatlog.open(path) as store:
        before = rows(store)
        with pytest.raises(kind):
            call(store, name)
        assert before == rows(store)
    assert [] == faults(path)


# threads


@pytest.fixture
def nimble() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("nimble")
@pytest.mark.parametrize("adds", [25, pytest.param(400, marks=pytest.mark.slow)])
def test_threads_share_a_store(tmp_path: Path, adds: int) -> None:
    """Threads that add to and read from one store lose nothing, meet no error, and see no half pair."""
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    with chatlog.open(path) as store:
        strange: list[Any] = []

        def write(author: str) -> None:
            for number in range(adds):
                store.add(conversation, pair(author, number))

        def read(_: int) -> None:
            for _ in range(adds):
                seqs = [message.seq for message in store.messages(conversation, last=8)]
                strange.extend([seqs] if len(seqs) % 2 or seqs != sorted(seqs) else [])
                search_messages(store, RAIN, options=SearchOptions(mode="lexical", limit=3))
                store.get("@last")

        with ThreadPoolExecutor(8) as pool:
            done = [pool.submit(write, f"w{number}") for number in range(5)]
            done += [pool.submit(read, number) for number in range(3)]
        assert [None] * 8 == [work.result() for work in done]
        assert [] == strange
        assert [list(range(adds))] * 5 == [question_numbers(path, conversation, f"w{n}") for n in range(5)]
    assert [] == faults(path)


@pytest.mark.usefixtures("nimble")
def test_threads_retry_one_key(tmp_path: Path) -> None:
    """Threads that send the same message with the same key at once store it once, and all learn its place."""
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    barrier = threading.Barrier(8)
    with chatlog.open(path) as store:

        def send(_: int) -> str:
            barrier.wait()
            return store.add(conversation, [MessageDraft(role="user", text="pay once", key="job-1")])[0].ref

        with ThreadPoolExecutor(8) as pool:
            refs = set(pool.map(send, range(8)))
        assert {f"{conversation}:1"} == refs
        assert 1 == store.get(conversation).messages


@pytest.mark.usefixtures("nimble")
def test_threads_compare_and_swap(tmp_path: Path) -> None:
    """Of threads that change the state they read at once, each change that is accepted builds on the one before."""
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    with chatlog.open(path) as store:

        def count_one(_: int) -> int:
            for attempt in range(10_000):
                found = store.get(conversation)
                try:
                    store.change(
                        conversation, {"state": {"n": found.state.get("n", 0) + 1}}, if_revision=found.revision
                    )
                except ConflictError:
                    continue
                return attempt
            pytest.fail("never got its turn")

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(count_one, range(60)))
        assert {"n": 60} == store.get(conversation).state


@pytest.mark.usefixtures("nimble")
def test_closing_under_threads(tmp_path: Path) -> None:
    """A store that is closed while threads use it ends each of them with ClosedError, and keeps what was stored."""
    path = tmp_path / "chats.db"
    conversation = conversation_in(path)
    store = chatlog.open(path)
    begun = threading.Barrier(5)

    def write(author: str) -> int:
        for number in range(100_000):
            try:
                store.add(conversation, pair(author, number))
            except ClosedError:
                return number
            if number == 2:
                begun.wait()
        return -1

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(write, f"w{number}") for number in range(4)]
        begun.wait()
        store.close()
        counts = [work.result() for work in done]
    assert min(counts) > 2
    assert not database_file.Registry.is_open(path)
    assert [list(range(count)) for count in counts] == [
        question_numbers(path, conversation, f"w{number}") for number in range(4)
    ]
    assert [] == faults(path)


def test_a_crowd_leaves_few_connections(tmp_path: Path) -> None:
    """Forty threads read at once; afterwards no more connections are kept than a few, and they are enough."""
    path = tmp_path / "chats.db"
    together = threading.Barrier(40)
    with chatlog.open(path) as store:
        pool: Pool = store._pool  # type: ignore[attr-defined]

        def look(_: int) -> None:
            with pool.read() as lent:
                together.wait()
                lent.execute("SELECT count(*) FROM conversations").fetchone()

        with ThreadPoolExecutor(40) as crowd:
            list(crowd.map(look, range(40)))
        assert connection.MOST_IDLE == database_file.Registry.count(path)
        assert 0 == store.conversations().total


class Snatched(deque[Any]):
    """What says that it holds something, which another thread takes before it can be taken."""

    def __len__(self) -> int:
        return 1


def test_closing_while_another_takes_a_connection(tmp_path: Path) -> None:
    """A connection that another thread takes while the store is closed is that thread's, and no error."""
    store = chatlog.open(tmp_path / "chats.db")
    pool: Pool = store._pool  # type: ignore[attr-defined]
    pool._idle = Snatched(pool._idle)
    store.close()
    assert not database_file.Registry.is_open(tmp_path / "chats.db")


def test_a_store_that_nobody_closed(tmp_path: Path) -> None:
    """What was never closed, and is out of everybody's reach, is open no more: a fork need not mind it."""
    chatlog.open(tmp_path / "chats.db").conversations()
    gc.collect()
    assert not database_file.Registry.is_open(tmp_path / "chats.db")


class Interrupt(BaseException):
    """Ctrl-C, or a worker's time limit."""


def test_an_interrupted_borrower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was left in the middle of something is not lent again: the next write is as durable as any."""
    set_for_much = connection._set

    def interrupted(*settings: Any) -> None:
        set_for_much(*settings)
        raise Interrupt

    with chatlog.open(tmp_path / "chats.db") as store:
        pool: Pool = store._pool  # type: ignore[attr-defined]
        with monkeypatch.context() as patch:
            patch.setattr(connection, "_set", interrupted)
            with pytest.raises(Interrupt):
                store.ingest("x", long_messages())
        with pool.read() as lent:
            assert (2,) == lent.execute("PRAGMA synchronous").fetchone()
        with suppress(Interrupt), pool.read() as lent:
            lent.execute("BEGIN IMMEDIATE")
            raise Interrupt
        assert 1 == len(store.add(store.new().id, [MessageDraft(role="user", text="hello")]))
