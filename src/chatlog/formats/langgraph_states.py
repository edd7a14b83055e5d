"""The states of LangGraph's threads: the tables in which its savers keep them, and what its server answers.

Says which messages a thread's last state holds; what a message says is `langchain`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any, NamedTuple

from chatlog.formats import MALFORMED, build, msgpack
from chatlog.formats.jsonstream import document
from chatlog.formats.source import Source
from chatlog.formats.sqlite_source import Database, loaded, quoted
from chatlog.models import LeftOut, Problem

#: The column whose bytes are no text.
BINARY = frozenset({"checkpoint"})
_COLUMNS = frozenset({"thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint", "type"})
_LAST = "SELECT thread_id, checkpoint_ns, max(checkpoint_id) AS checkpoint_id FROM {} GROUP BY 1, 2 ORDER BY 3"
_HELD = "SELECT * FROM {} WHERE thread_id IS ? AND checkpoint_ns IS ? AND checkpoint_id IS ?"
#: Where a state that the server answers with says which thread it is of.
_THREADS = (
    ("thread_id",),
    ("checkpoint", "thread_id"),
    ("metadata", "thread_id"),
    ("config", "configurable", "thread_id"),
)
_NOT_A_STATE = "not a state as LangGraph keeps it"


class Thread(NamedTuple):
    """The messages of a thread's last state, and where they stand."""

    name: str | None
    place: str
    messages: list[Any]


def is_table(columns: Set[str]) -> bool:
    """Whether a table with these columns is one of states."""
    return columns >= _COLUMNS


def answered(source: Source) -> Thread | Problem:
    """Return the thread whose state LangGraph's server answered with."""
    try:
        state = document(source)
        name = next(filter(None, (build.word(build.within(state, *keys)) for keys in _THREADS)), None)
        return Thread(name, "", list(state["values"]["messages"]))
    except MALFORMED:
        return Problem("", _NOT_A_STATE)


def threads(database: Database, table: str) -> Iterator[Thread | Problem | LeftOut]:
    """Yield each thread of a table by its last state; states that are kept in other ways are counted."""
    others = 0
    for last in database.rows(_LAST.format(quoted(table))):
        place = f"thread {last['thread_id']}"
        row = next(database.rows(_HELD.format(quoted(table)), *last.values()), {})
        if row.get("type") not in ("json", "msgpack"):
            others += 1
            continue
        try:
            name = ":".join(filter(None, (str(last["thread_id"]), last["checkpoint_ns"])))
            yield Thread(name, f"{place}, ", list(_state(row)["channel_values"].get("messages") or ()))
        except MALFORMED:
            yield Problem(place, _NOT_A_STATE)
    if others:
        yield LeftOut("LangGraph threads whose state is kept neither as JSON nor as MessagePack", others)


def _state(row: Mapping[str, Any]) -> Any:
    held = row["checkpoint"]
    return loaded(held) if row["type"] == "json" else msgpack.unpacked(held, _object)


def _object(kind: int, data: bytes) -> Any:  # noqa: ARG001  every type tells a class, and what an object is made of
    """Return an object as LangChain's constructors tell it; one that is made of no named values as those."""
    module, name, values = msgpack.unpacked(data, _object)[:3]
    if not isinstance(values, dict):
        return values
    return {"lc": 1, "type": "constructor", "id": [*module.split("."), name], "kwargs": values}
