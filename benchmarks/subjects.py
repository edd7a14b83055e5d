"""What appends and reads are measured on: chatlog, hand-written tables, LangChain's and openai-agents' stores.

Each keeps sessions in one file at a path, and returns what the work itself took.  Every one of
them commits durably: WAL or a rollback journal, with `synchronous` FULL.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import chatlog
from benchmarks.common import Stopwatch, Usage, missing


class Subject(Protocol):
    """A file that sessions are kept in."""

    def __init__(self, path: Path) -> None: ...

    def session(self) -> str:
        """Start a session and return its name."""

    def append(self, session: str, text: str) -> Usage:
        """Append a message durably; return what it took."""

    def close(self) -> None:
        """Let go of the file."""


class Readable(Subject, Protocol):
    """A subject whose last messages can be read."""

    def last(self, session: str, count: int) -> Usage:
        """Read the last messages of a session; return what it took."""


class Chatlog:
    """chatlog's API."""

    def __init__(self, path: Path) -> None:
        self.store = chatlog.open(path)

    def session(self) -> str:
        """Start a conversation."""
        return self.store.new().id

    def append(self, session: str, text: str) -> Usage:
        """Add one message."""
        draft = chatlog.MessageDraft(role="user", text=text)
        watch = Stopwatch()
        self.store.add(session, [draft])
        return watch.stop()

    def last(self, session: str, count: int) -> Usage:
        """Read the end of the active path."""
        watch = Stopwatch()
        found = list(self.store.messages(session, last=count))
        return _checked(watch.stop(), found, count)

    def close(self) -> None:
        """Close the store."""
        self.store.close()


class BareTable:
    """One plain table with chatlog's own pragmas: an INSERT and a commit."""

    schema: tuple[str, ...] = (
        "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session TEXT, role TEXT, text TEXT, at TEXT)",
    )
    inserts: tuple[str, ...] = ("INSERT INTO messages VALUES (NULL, ?1, 'user', ?2, datetime('now'))",)

    def __init__(self, path: Path) -> None:
        from chatlog.store.sqlite.connection import connect

        path.touch()
        self.connection = connect(path, "FULL")
        for statement in ("PRAGMA journal_mode = WAL", *self.schema):
            self.connection.execute(statement).fetchall()

    def session(self) -> str:
        """Make up a name."""
        return uuid4().hex

    def append(self, session: str, text: str) -> Usage:
        """Insert one row into each table."""
        watch = Stopwatch()
        self.connection.execute("BEGIN IMMEDIATE")
        for insert in self.inserts:
            self.connection.execute(insert, (session, text))
        self.connection.execute("COMMIT")
        return watch.stop()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class BareTableWithSearch(BareTable):
    """The same with a full-text table beside it in the same transaction: a hand-written script with search."""

    schema = (
        *BareTable.schema,
        """CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
             text, content = 'messages', content_rowid = 'id', tokenize = 'porter unicode61')""",
    )
    inserts = (*BareTable.inserts, "INSERT INTO words (rowid, text) SELECT last_insert_rowid(), ?2 WHERE ?1 = ?1")


class LangChain:
    """LangChain's SQLChatMessageHistory."""

    def __init__(self, path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from langchain_community.chat_message_histories import SQLChatMessageHistory
            from langchain_core.messages import HumanMessage
            from sqlalchemy import create_engine
        self.make, self.message = SQLChatMessageHistory, HumanMessage
        self.engine = create_engine(f"sqlite:///{path}")
        self.histories: dict[str, Any] = {}

    def _history(self, session: str) -> Any:
        if session not in self.histories:
            self.histories[session] = self.make(session, connection=self.engine)
        return self.histories[session]

    def session(self) -> str:
        """Make up a name."""
        self._history(name := uuid4().hex)
        return name

    def append(self, session: str, text: str) -> Usage:
        """Add one message."""
        history, message = self._history(session), self.message(text)
        watch = Stopwatch()
        history.add_message(message)
        return watch.stop()

    def last(self, session: str, count: int) -> Usage:
        """Read all and keep the end: there is no other way."""
        history = self._history(session)
        watch = Stopwatch()
        found = history.messages[-count:]
        return _checked(watch.stop(), found, count)

    def fill(self, sessions: Mapping[str, Iterable[str]]) -> None:
        """Write whole sessions quickly, as it would have written them."""
        import json

        from langchain_core.messages import message_to_dict

        form = message_to_dict(self.message("?"))
        form["data"].pop("content")
        rest = json.dumps(form["data"])[1:]
        row = '{{"type": "human", "data": {{"content": {}, {}}}'
        with self.engine.begin() as connection:
            for name, texts in sessions.items():
                rows = [(name, row.format(json.dumps(text), rest)) for text in texts]
                connection.exec_driver_sql("INSERT INTO message_store (session_id, message) VALUES (?, ?)", rows)

    def close(self) -> None:
        """Close the engine."""
        self.engine.dispose()


class Agents:
    """openai-agents' SQLiteSession, awaited inside one event loop."""

    def __init__(self, path: Path) -> None:
        from agents import SQLiteSession

        self.make = SQLiteSession
        self.path = path
        self.loop = asyncio.new_event_loop()
        self.sessions: dict[str, Any] = {}

    def _session(self, name: str) -> Any:
        if name not in self.sessions:
            self.sessions[name] = self.make(name, self.path)
        return self.sessions[name]

    def session(self) -> str:
        """Make up a name."""
        self._session(name := uuid4().hex)
        return name

    def append(self, session: str, text: str) -> Usage:
        """Add one item."""
        return self.loop.run_until_complete(self._append(self._session(session), {"role": "user", "content": text}))

    @staticmethod
    async def _append(session: Any, item: dict[str, str]) -> Usage:
        watch = Stopwatch()
        await session.add_items([item])
        return watch.stop()

    def last(self, session: str, count: int) -> Usage:
        """Read the last items."""
        return self.loop.run_until_complete(self._last(self._session(session), count))

    @staticmethod
    async def _last(session: Any, count: int) -> Usage:
        watch = Stopwatch()
        found = await session.get_items(limit=count)
        return _checked(watch.stop(), found, count)

    def fill(self, sessions: Mapping[str, Iterable[str]]) -> None:
        """Write whole sessions quickly, as it would have written them."""
        import json
        import sqlite3

        connection = sqlite3.connect(self.path)
        connection.executemany("INSERT INTO agent_sessions (session_id) VALUES (?)", [(name,) for name in sessions])
        for name, texts in sessions.items():
            connection.executemany(
                "INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)",
                [(name, json.dumps({"role": "user", "content": text})) for text in texts],
            )
        connection.commit()
        connection.close()

    def close(self) -> None:
        """Close every session."""
        for session in self.sessions.values():
            session.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class LangGraph:
    """LangGraph's SqliteSaver below a graph of messages: every step keeps the whole state."""

    def __init__(self, path: Path) -> None:
        import sqlite3

        from langchain_core.messages import HumanMessage
        from langgraph.checkpoint.sqlite import SqliteSaver
        from langgraph.graph import START, MessagesState, StateGraph

        self.connection = sqlite3.connect(path, check_same_thread=False)
        graph = StateGraph(MessagesState).add_node("note", lambda _: {}).add_edge(START, "note")
        self.graph: Any = graph.compile(checkpointer=SqliteSaver(self.connection))
        self.message = HumanMessage

    def session(self) -> str:
        """Make up a name."""
        return uuid4().hex

    def append(self, session: str, text: str) -> Usage:
        """Put one message into the state."""
        config, message = {"configurable": {"thread_id": session}}, self.message(text)
        watch = Stopwatch()
        self.graph.update_state(config, {"messages": [message]}, as_node="note")
        return watch.stop()

    def last(self, session: str, count: int) -> Usage:
        """Read the state and keep the end: there is no other way."""
        watch = Stopwatch()
        state = self.graph.get_state({"configurable": {"thread_id": session}})
        found = state.values["messages"][-count:]
        return _checked(watch.stop(), found, count)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def _checked(usage: Usage, found: list[Any], count: int) -> Usage:
    if len(found) != count:
        raise AssertionError(f"{len(found)} messages were read, not {count}")
    return usage


LANGCHAIN = "LangChain SQLChatMessageHistory"
AGENTS = "openai-agents SQLiteSession"
LANGGRAPH = "LangGraph SqliteSaver"


def peers() -> dict[str, type[LangChain] | type[Agents]]:
    """Return the peers that are installed; the others are named as missing."""
    found: dict[str, type[LangChain] | type[Agents]] = {}
    if not missing("langchain-community"):
        found[LANGCHAIN] = LangChain
    if not missing("openai-agents"):
        found[AGENTS] = Agents
    return found
