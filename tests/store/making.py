"""Makers for tests of the store: stores, messages, exports and imports, and what must hold after anything."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chatlog.export import Exporter, select
from chatlog.models import ConversationDraft, Filters, Message, MessageDraft, Term
from chatlog.store import Store, open_store
from chatlog.store.sqlite.connection import Connection, connect
from chatlog.transfer import ImportOptions, ImportReport, import_history

NOW = datetime(2026, 11, 20, 21, 44, tzinfo=UTC)
#: An id of the form chatlog gives, for exports made by hand.
ID = "a" * 26


class Ticking:
    """A clock that goes on by a second each time it is asked."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def opened(path: Path, user: str = "local", clock: Callable[[], datetime] | None = None) -> Store:
    """Return a store with a clock of its own; `NORMAL`, for no test pulls the plug."""
    return open_store(path, user, clock=clock or Ticking(), create=True, synchronous="NORMAL")


@contextmanager
def fresh(user: str = "local") -> Iterator[Store]:
    """Lend an empty store that goes away again, for one example of a property."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "chats.db", user) as store:
        yield store


def matching(
    store: Store,
    *terms: Term | str,
    within: Sequence[str] = ("text", "tool"),
    filters: Filters = Filters(),  # noqa: B008  frozen
    hidden: bool = False,
) -> list[Message]:
    """Return the messages that hold all the terms, as the word index says."""
    asked = [Term(term) if isinstance(term, str) else term for term in terms]
    bodies = store.words.posting(asked, within, 1 << 40).bodies
    places = [spot[:2] for spot in store.words.spots(bodies, 0, filters, hidden=hidden) if spot.allowed]
    return [hit.message for hit in store.words.hits(places).values()]


@contextmanager
def raw(store: Store) -> Iterator[Connection]:
    """Lend a connection of one's own to the file of a store."""
    connection = connect(Path(store.info()["path"]))
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def unwritten(store: Store) -> Iterator[None]:
    """Assert that nothing is written to the file meanwhile, by SQLite's own count of changes to it."""
    with raw(store) as connection:
        before = connection.execute("PRAGMA data_version").fetchone()
        yield
        assert before == connection.execute("PRAGMA data_version").fetchone()


def say(text: str, role: str = "user", **facts: Any) -> MessageDraft:
    """Return a message to add."""
    return MessageDraft(role=role, text=text, **facts)


def talk(*texts: str, prefix: str = "m", conversation: str | None = None) -> list[MessageDraft]:
    """Return messages of a source, each following the one before, with ids m1, m2 …, user and assistant in turn."""
    return [
        MessageDraft(
            role="user" if number % 2 else "assistant",
            text=text,
            source_id=f"{prefix}{number}",
            parent=f"{prefix}{number - 1}" if number > 1 else None,
            conversation=conversation,
        )
        for number, text in enumerate(texts, 1)
    ]


def of(conversation: str, messages: list[MessageDraft], **facts: Any) -> list[ConversationDraft | MessageDraft]:
    """Return the records of a source's conversation."""
    header = ConversationDraft(source_id=conversation, **facts)
    return [header, *(message._replace(conversation=conversation) for message in messages)]


def only(store: Store) -> str:
    """Return the id of the only conversation there is."""
    (conversation,) = store.conversations().items
    return conversation.id


def shown(store: Store, conversation: str | None = None, **how: Any) -> list[str]:
    """Return the texts of the active path, or of what `how` asks for."""
    return [message.text for message in store.messages(conversation or only(store), **how)]


def tree(store: Store, conversation: str | None = None) -> list[tuple[int, int | None, str]]:
    """Return seq, parent and text of every message of a conversation."""
    found: Iterator[Message] = store.messages(conversation or only(store), all_branches=True)
    return [(message.seq, message.parent, message.text) for message in found]


def exported(store: Store, filters: Filters = Filters(), *, everything: bool = True) -> str:  # noqa: B008  frozen
    """Return the store as chatlog JSONL."""
    out = io.StringIO()
    Exporter(store, "jsonl").write(select(store, filters), out, everything=everything)
    return out.getvalue()


def imported(store: Store, text: str | bytes, **options: Any) -> ImportReport:
    """Import a stream."""
    data = text.encode() if isinstance(text, str) else text
    return import_history(store, [io.BytesIO(data)], ImportOptions(**options))


def jsonl(*values: Any) -> str:
    """Return the values as JSONL."""
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def failed(store: Store) -> dict[str, str]:
    """Return the health checks that do not pass, with what they say."""
    return {check.name: check.detail for check in store.checks(deep=True) if not check.ok}


def stray_messages(store: Store) -> list[tuple[str, int]]:
    """Return the messages whose mark of the active path is not what their parents and the head say."""
    found = []
    with raw(store) as connection:
        for key, name, head in connection.execute("SELECT key, id, head_seq FROM conversations").fetchall():
            rows = connection.execute(
                "SELECT seq, parent_seq, active FROM messages WHERE conversation = ?", (key,)
            ).fetchall()
            parents = {seq: parent for seq, parent, _ in rows}
            path, seq = set(), head
            while seq is not None:
                path.add(seq)
                seq = parents[seq]
            found += [(name, seq) for seq, _, active in rows if bool(active) != (seq in path)]
    return found


def assert_sound(store: Store) -> None:
    """Assert what must hold after anything: every health check passes and every active path is whole."""
    assert {} == failed(store)
    assert [] == stray_messages(store)
