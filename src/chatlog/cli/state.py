"""`chatlog state`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any

import typer

from chatlog.canonical import parsed
from chatlog.cli.options import Conversation, Revision, one_of, verb
from chatlog.cli.session import Session
from chatlog.errors import BusyError, ConflictError, NotFoundError, UsageError, choices_hint
from chatlog.models import Conversation as Talk
from chatlog.output import THING, to_json
from chatlog.store import Store

ACTIONS = ("get", "set", "merge", "unset")
#: What an action does to a state.
Edit = Callable[[Mapping[str, Any]], dict[str, Any]]
#: So often a key is set anew in what others have just written.
_TRIES = 100


@verb(
    "chatlog state @last get",
    """chatlog state @last set '{"step": 3}'""",
    """chatlog state @last merge '{"done": true}' --if-revision 7""",
    "chatlog state @last unset step",
    forms=THING,
)
def command(
    ctx: typer.Context,
    conversation: Conversation,
    action: Annotated[
        str, typer.Argument(metavar="get|set|merge|unset", help="What to do.", autocompletion=one_of(*ACTIONS))
    ] = "get",
    value: Annotated[
        str | None, typer.Argument(metavar="[JSON|KEY|-]", help="A JSON object; for get and unset a key.")
    ] = None,
    if_revision: Revision = None,
) -> None:
    """Read and write the JSON object that is kept with a conversation.

    set replaces it, merge adds keys (null removes one), unset removes a key or all.  With --if-revision a
    write is a compare-and-swap (exit code 1 where the conversation has moved on).
    """
    session = Session.of(ctx)
    if action not in ACTIONS:
        raise UsageError(f"'{action}' is not something to do with state", choices_hint(action, ACTIONS))
    store = session.store()
    found = session.conversation(store, conversation)
    if action == "get":
        _print(session, found.state, found.revision, value)
        return
    edit = _edit(session, action, value)
    if action == "set" or if_revision is not None:
        changed = store.change(found.id, {"state": edit(found.state)}, if_revision=if_revision)
    else:
        changed = _applied(store, found, edit)
    _print(session, changed.state, changed.revision, None)


def _applied(store: Store, found: Talk, edit: Edit) -> Talk:
    """Apply a change to the state as it is by then: where others were first, to what they made of it."""
    for _ in range(_TRIES):
        with suppress(ConflictError):
            return store.change(found.id, {"state": edit(found.state)}, if_revision=found.revision)
        found = store.get(found.id)
    raise BusyError(f"others changed the state of {found.id} {_TRIES} times meanwhile", "try again")


def _edit(session: Session, action: str, value: str | None) -> Edit:
    """Return what an action does to a state."""
    if action == "unset":
        return lambda state: {} if value is None else {key: item for key, item in state.items() if key != value}
    given = _object(session.text(value, "the state"))
    if action == "set":
        return lambda _: given
    return lambda state: {key: item for key, item in {**state, **given}.items() if item is not None}


def _object(text: str) -> dict[str, Any]:
    try:
        value = parsed(text)
    except (ValueError, RecursionError):
        raise UsageError("the state is not valid JSON", 'write an object: {"step": 3}') from None
    if not isinstance(value, dict):
        raise UsageError("the state must be a JSON object", 'write one: {"step": 3}')
    return value


def _print(session: Session, state: Any, revision: int, key: str | None) -> None:
    if key is not None:
        if key not in state:
            raise NotFoundError(f"the state has no key '{key}'", f"it has: {', '.join(state) or 'none'}")
        state = state[key]
    if session.output.format == "json":
        session.output.json({"state": state, "revision": revision})
    else:
        session.output.lines([to_json(state)])
