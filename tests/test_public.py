"""The public API: each name is there, loaded from its home, and a type checker sees the same ones."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from inspect import getdoc, isfunction, signature
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog.errors import UsageError
from chatlog.store import Store

#: The parts of a store, and the modules of their protocols.
HOMES = {
    **{name: name.lower() for name in ("Forgetting", "Measures", "Memories", "Redactions", "Sources", "Summaries")},
    "Vectors": "vectors",
    "Windows": "window",
    "Words": "words",
}


@pytest.mark.parametrize("name", chatlog.__all__)
def test_each_name_is_there(name: str) -> None:
    """What is promised is loaded when it is asked for, and says what it is."""
    assert getattr(chatlog, name).__doc__


def test_a_name_that_is_not_there() -> None:
    """A name that is none is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        chatlog.nothing  # noqa: B018


def test_completion_and_help_offer_each_name() -> None:
    """What is not loaded yet is listed as what is, in a new process."""
    code = "import chatlog, pydoc; print(*dir(chatlog)); print(pydoc.plain(pydoc.render_doc(chatlog)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    listed, _, helped = done.stdout.partition("\n")
    assert [] == [name for name in chatlog.__all__ if name not in listed.split() or name not in helped]


def test_a_store_is_one(store: Store) -> None:
    """It can be asked for by its type at run time, as pydantic's models do."""
    assert isinstance(store, chatlog.Store)
    assert not isinstance("store", chatlog.Store)


def test_type_checkers_know_what_is_no_name() -> None:
    """A misspelt name is no Any to them: what loads lazily is hidden from their eyes."""
    tree = ast.parse(Path(chatlog.__file__).read_text("utf-8"))
    assert "__getattr__" not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_type_checkers_see_the_same_names() -> None:
    """What is loaded lazily is imported for them, and nothing is promised twice."""
    tree = ast.parse(Path(chatlog.__file__).read_text("utf-8"))
    seen = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {*chatlog.__all__} - {"open"} <= seen
    assert sorted({*chatlog.__all__}) == chatlog.__all__


NOUNS = {name: getattr(import_module(f"chatlog.store.{home}"), name) for name, home in HOMES.items()}


@pytest.mark.parametrize("name", ["Store", *HOMES])
def test_the_engine_takes_what_the_protocol_promises(name: str, store: Store) -> None:
    """A call that a type checker lets through works, and the help of a method says what the protocol says."""
    promised = NOUNS.get(name, Store)
    kept = type(store if name == "Store" else getattr(store, name.lower()))
    methods = {name: method for name, method in vars(promised).items() if isfunction(method) and name[0] != "_"}
    assert methods
    for method, promise in methods.items():
        keeping = getattr(kept, method)
        assert [(one.name, one.kind) for one in signature(promise).parameters.values()] == [
            (one.name, one.kind) for one in signature(keeping).parameters.values()
        ]
        assert getdoc(promise) == getdoc(keeping)


@pytest.mark.parametrize(
    "call",
    [
        lambda store, trip: chatlog.import_history(store, "history.jsonl"),
        lambda store, trip: store.messages(trip).__next__(),
        lambda store, trip: store.add(trip, [chatlog.MessageDraft(role="user", text="hello")]),
        lambda store, trip: store.delete([trip]),
        lambda store, trip: store.restore([trip]),
        lambda store, trip: store.get(trip),
        lambda store, trip: store.change(trip.id, {"title": "x"}, if_revision=str(trip.revision)),
        lambda store, trip: store.conversations(chatlog.Filters(since="7d")),
        lambda store, trip: [*store.scan(chatlog.Filters(until=store.clock()))],
        lambda store, trip: chatlog.search_messages(store, "x", options=chatlog.SearchOptions(within="text")),
    ],
    ids=[
        "a path",
        "messages of",
        "added to",
        "deleted",
        "restored",
        "got",
        "a revision",
        "an age",
        "a datetime",
        "a place",
    ],
)
def test_what_is_likely_mistaken(store: Store, call: Callable[[Store, chatlog.Conversation], Any]) -> None:
    """One where several are meant, a thing for its id, text for a number or a time: each is refused, none obeyed."""
    with pytest.raises(UsageError) as caught:
        call(store, store.new())
    assert caught.value.hint


def test_filters_take_a_time_of_any_zone(store: Store) -> None:
    """Times are compared as instants, however they are written."""
    store.new(chatlog.ConversationDraft(updated_at="2026-10-01T10:00:00Z"))
    found = [chatlog.Filters(until=f"2026-10-01T{hour}:00:00+02:00") for hour in ("12", "11")]
    assert [1, 0] == [store.conversations(filters).total for filters in found]
