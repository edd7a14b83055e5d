"""Programs that the acceptance tests run as processes of their own, to be killed, starved and watched.

Called as ``python workers.py NAME ARGUMENT...``; each says on stdout what it has done.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import chatlog
from chatlog import intake, retention
from chatlog.errors import ChatlogError
from chatlog.models import ConversationDraft, MessageDraft
from chatlog.rules import Rule
from chatlog.store.forgetting import Cause
from chatlog.store.sqlite import connection, database_file, migrations, schema
from chatlog.store.sqlite.migrations import Migration

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)

#: A second schema, with every kind of statement that a migration may have.
SECOND = Migration(
    2,
    "a test's",
    """
    ALTER TABLE conversations ADD COLUMN mood TEXT;
    CREATE TABLE moods (conversation INTEGER PRIMARY KEY REFERENCES conversations (key), mood TEXT NOT NULL);
    INSERT INTO moods SELECT key, 'calm' FROM conversations;
    UPDATE conversations SET mood = (SELECT mood FROM moods WHERE conversation = key);
    CREATE INDEX moods_mood ON moods (mood);
    DROP INDEX conversations_trash;
    """,
)


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201  that is what they are for


def wait_for_the_word() -> None:
    say("ready")
    sys.stdin.readline()


def is_told_to_stop() -> bool:
    """Whether whoever started this process has closed its standard input."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def pair(author: str, number: int) -> list[MessageDraft]:
    """Return a question and its answer, tool call and result included."""
    call = {"type": "tool_call", "id": f"{author}-{number}", "name": "look_up", "arguments": {"key": f"k{number}"}}
    result = {"type": "tool_call_response", "id": f"{author}-{number}", "response": "rain " * 40}
    answer = {"type": "text", "content": f"answer {number}"}
    return [
        MessageDraft(role="user", author=author, text=f"question {number} what about the weather in Lisbon?"),
        MessageDraft(role="assistant", author=author, text=f"answer {number}", parts=(call, result, answer)),
    ]


def trace(callback: Callable[[str], None]) -> None:
    """Tell `callback` each SQL statement of this process that is about to run."""
    connect = connection._driver_connect

    def traced(*arguments: Any) -> Any:
        opened: Any = connect(*arguments)
        opened.set_trace_callback(callback)
        return opened

    connection._driver_connect = traced


def die_at(statement: int) -> Callable[[], int]:
    """Kill this process where it is about to run its `statement`-th one; return what counts them."""
    numbers = itertools.count(1)

    def count(_: str) -> None:
        if next(numbers) == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    trace(count)
    return lambda: next(numbers) - 1


def append(path: str, author: str, conversation: str, count: str) -> None:
    """Add pairs of messages, one transaction each, and acknowledge each pair by its number."""
    with chatlog.open(path, create=False) as store:
        wait_for_the_word()
        for number in range(int(count)):
            store.add(conversation, pair(author, number))
            say(number)


def append_and_die(path: str, conversation: str, statement: str) -> None:
    """Add pairs of messages until the process is about to run its `statement`-th statement."""
    die_at(int(statement))
    with chatlog.open(path, create=False) as store:
        for number in itertools.count():
            store.add(conversation, pair("w", number))
            say(number)


def import_and_die(path: str, batch: str, statement: str, *inputs: str) -> None:
    """Import in small batches; say how many statements it took, unless that is more than it may run."""
    intake.BATCH_RECORDS = int(batch)
    statements = die_at(int(statement))
    with chatlog.open(path, clock=lambda: NOW) as store:
        report = chatlog.import_history(store, inputs)
    say(json.dumps({**report.total, "statements": statements()}))


def migrate_and_die(path: str, statement: str) -> None:
    """Open a file with a chatlog that knows a second schema."""
    migrations.MIGRATIONS = (*migrations.MIGRATIONS, SECOND)
    schema.VERSION = SECOND.version
    statements = die_at(int(statement))
    chatlog.open(path, create=False).close()
    say(statements())


def search(path: str) -> None:
    """Search until told to stop; every message found must be one that a pair is made of."""
    searches = 0
    with chatlog.open(path, create=False) as store:
        wait_for_the_word()
        while not is_told_to_stop():
            found = chatlog.search_messages(store, "weather Lisbon").items
            strange = [item.message.ref for item in found if not item.message.text.startswith(("question ", "answer "))]
            say(*strange) if strange else None
            searches += 1
    say("searches", searches)


def read(path: str, conversation: str) -> None:
    """Read the end of a conversation until told to stop; half a pair, or a gap, is a strange thing to see."""
    reads = 0
    with chatlog.open(path, create=False) as store:
        wait_for_the_word()
        while not is_told_to_stop():
            seqs = [message.seq for message in store.messages(conversation, last=10)]
            if seqs and (seqs[-1] % 2 or seqs != list(range(seqs[0], seqs[-1] + 1))):
                say("strange", seqs)
            reads += 1
    say("reads", reads)


def discard(path: str, conversation: str) -> None:
    """Put a conversation in the trash and take it out again until told to stop."""
    rounds = 0
    with chatlog.open(path, create=False) as store:
        wait_for_the_word()
        while not is_told_to_stop():
            done = store.delete([conversation]), store.restore([conversation])
            if done != (1, 1):
                say("strange", done)
            rounds += 1
    say("rounds", rounds)


def prune(path: str) -> None:
    """Put an old conversation in the file, prune it, and remove it for good, until told to stop."""
    rounds = 0
    old = ConversationDraft(created_at="2020-01-01T00:00:00Z")
    with chatlog.open(path, create=False) as store:
        wait_for_the_word()
        while not is_told_to_stop():
            name = store.new(old, pair("old", rounds)).id
            plan = retention.plan(store, [Rule(older_than="1y", by="created")], store.clock(), "30d")
            done = retention.apply(store, plan, "prune", bool)
            gone = store.forgetting.remove([name], Cause("prune"), stop=bool)
            if (done.finished, done.skipped, gone.conversations) != (True, (), 1):
                say("strange", done, gone)
            rounds += 1
    say("pruned", rounds)


def remove(path: str, conversations: str) -> None:
    """Remove conversations for good and give the space back, saying so after each short transaction."""

    def step() -> bool:
        say("step")
        return False

    with chatlog.open(path, create=False) as store:
        wait_for_the_word()
        store.forgetting.remove(json.loads(conversations), Cause("prune"), stop=step)
        store.forgetting.tidy(step)
        store.forgetting.vacuum()
        say("step")
        store.forgetting.fold()
    say("done")


def erase(path: str, conversations: str, key: str) -> None:
    """Erase conversations provably, saying so at each transaction."""
    from chatlog import erasure

    with chatlog.open(path, create=False, key=key or None) as store:
        pool: Any = store._pool  # type: ignore[attr-defined]  to be killed between any two of them
        write = pool.write

        @contextlib.contextmanager
        def told(**options: Any) -> Iterator[Any]:
            say("step")
            with write(**options) as lent:
                yield lent

        pool.write = told
        wait_for_the_word()
        erasure.run(store, erasure.plan(store, [store.get(name) for name in json.loads(conversations)], []))
    say("done")


def starve(path: str, conversation: str, rounds: str) -> None:
    """Let no file grow beyond a little more than it is, add until that fails, lift the limit, and again."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    numbers = itertools.count()
    with chatlog.open(path, create=False) as store:
        for _ in range(int(rounds)):
            sizes = [Path(path + ending).stat().st_size for ending in ("", "-wal")]
            resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes) + 300_000, hard))
            _add_until_it_fails(store, conversation, numbers)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def fill(path: str, conversation: str, rounds: str) -> None:
    """Fill the disk but for a little, add until that fails, make room, and again."""
    ballast = Path(path).with_name("ballast")
    numbers = itertools.count()
    with chatlog.open(path, create=False) as store:
        for _ in range(int(rounds)):
            with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(bytes(4096)) == 4096:
                    pass
            os.truncate(ballast, max(ballast.stat().st_size - 200_000, 0))
            _add_until_it_fails(store, conversation, numbers)
            ballast.unlink()


def _add_until_it_fails(store: chatlog.Store, conversation: str, numbers: Iterator[int]) -> None:
    try:
        for number in itertools.islice(numbers, 10_000):
            store.add(conversation, pair("w", number))
            say("acked", number)
    except ChatlogError as error:
        say("failed", type(error).__name__, error.exit_code, error.message)


def watched(path: str, command_lines: str) -> None:
    """Run command lines in this process, and say which database files were opened by other means than SQLite.

    And of what they asked the network.
    """
    from chatlog.cli import run
    from chatlog.cli.session import Session

    own = {os.path.realpath(path + ending) for ending in ("", "-wal", "-shm", "-journal")}
    opened: list[str] = []
    network: list[str] = []

    def audit(event: str, values: Sequence[Any]) -> None:
        if event.startswith("socket."):
            network.append(event)
        if event not in ("open", "os.truncate", "sqlite3.connect") or not isinstance(values[0], (str, os.PathLike)):
            return
        name = os.path.realpath(values[0])
        if name in own and database_file.Registry.is_open(Path(path)):
            opened.append(f"{event} {os.path.basename(name)}")

    sys.addaudithook(audit)
    codes = []
    for line in json.loads(command_lines):
        with contextlib.redirect_stdout(io.StringIO()):
            codes.append(run(line, Session()))
    say(
        json.dumps(
            {"codes": codes, "opened": opened, "network": network, "libraries": _libraries(), "modules": _modules()}
        )
    )


def verbs(command_lines: str) -> None:
    """Run command lines in this process as `main` does, a line with the number and the exit code of each after it."""
    from chatlog.cli import run
    from chatlog.cli.session import Session

    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")  # type: ignore[union-attr]
    for number, line in enumerate(json.loads(Path(command_lines).read_text("utf-8"))):
        code = run(line, Session())
        sys.stderr.flush()
        say(f"\n=====8< {number} {code}")


def fork(path: str, conversation: str, busy: str) -> None:
    """Fork while a store is open, `busy`: while it is in use; close it here, then add in the child."""
    store = chatlog.open(path, create=False)
    in_use = store.checks()
    if busy == "yes":
        next(in_use)
    store.message(conversation, 1)
    closed, close = os.pipe()
    if child := os.fork():
        in_use.close()
        store.close()
        os.write(close, b".")
        say("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return
    os.read(closed, 1)
    try:
        store.add(conversation, [MessageDraft(role="user", text="from the child")])
    except ChatlogError as error:
        os._exit(error.exit_code)
    os._exit(0)


def _libraries() -> list[str] | None:
    """Return the SQLite libraries in this process, None where the system does not tell."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return None
    files = {line.split()[-1] for line in maps.read_text().splitlines() if "/" in line}
    return sorted(name for name in files if "sql" in os.path.basename(name).lower())


def _modules() -> list[str]:
    other = ("sqlite3", "_sqlite3", "pysqlite3", "apsw", "sqlean", "libsql")
    return sorted(name for name in other if name in sys.modules)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
