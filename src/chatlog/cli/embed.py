"""`chatlog embed`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.indexing import COUNTED, bring_up_to_date
from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError
from chatlog.output import THING, to_json
from chatlog.store import Store


@verb("chatlog embed", "chatlog embed --status", "chatlog embed --rebuild", forms=THING)
def command(
    ctx: typer.Context,
    embedder: Annotated[str | None, typer.Option(metavar="NAME", help="wordllama, URL#MODEL, command:PROGRAM.")] = None,
    status: Annotated[bool, typer.Option("--status", help="Only say how far the index is.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Start over.")] = False,
) -> None:
    """Bring the index of meanings up to date; an interrupted run resumes where it stopped.

    A search does this by itself for up to 20,000 messages.  Another embedder: chatlog config set embedder NAME.
    """
    session = Session.of(ctx)
    if status and rebuild:
        raise UsageError("--status changes nothing, --rebuild begins anew", "give one of them")
    store = session.store()
    name = embedder or session.settings.get("embedder")
    embedded = store.vectors.embedded() if status else bring_up_to_date(session, store, name, rebuild=rebuild)
    _print(session, store, embedded)


def _print(session: Session, store: Store, embedded: int) -> None:
    state = store.vectors.state()
    waiting = store.vectors.waiting(COUNTED)
    name = state.fingerprint if state else None
    record = {"embedder": name, "embedded": embedded, "waiting": waiting}
    match session.output.format:
        case "json":
            session.output.json(record)
        case "jsonl":
            session.output.lines([to_json(record)])
        case _:
            session.output.lines([f"{name or 'no index'}: {embedded} messages embedded, {waiting} waiting"])
