"""`chatlog embed`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.output import THING
from chatlog.store import Store

#: Bodies that wait for the index are counted up to so many.
COUNTED = 10_000_000


@verb("chatlog embed", "chatlog embed --status", "chatlog embed --rebuild", forms=THING)
def command(
    ctx: typer.Context,
    embedder: Annotated[str | None, typer.Option(metavar="NAME", help="wordllama, URL#MODEL, command:PROGRAM.")] = None,
    status: Annotated[bool, typer.Option("--status", help="Only say how far the index is.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Begin anew.")] = False,
) -> None:
    """Bring the index of meanings up to date; an interrupted run goes on where it stopped.

    Searches do this for a few messages by themselves.  Another embedder is set with: chatlog config set embedder NAME.
    """
    session = Session.of(ctx)
    store = session.store()
    embedded = 0
    if not status:
        from chatlog import meaning
        from chatlog.embedders import embedder as named

        provider = named(embedder or session.settings.get("embedder"), os.environ)
        if rebuild:
            meaning.begin(store, provider)
        embedded = meaning.bring_up_to_date(store, provider)
    _print(session, store, embedded)


def _print(session: Session, store: Store, embedded: int) -> None:
    state = store.vectors.state()
    waiting = store.vectors.waiting(COUNTED)
    name = state.fingerprint if state else None
    if session.output.format in ("json", "jsonl"):
        session.output.json({"embedder": name, "embedded": embedded, "waiting": waiting})
    else:
        session.output.lines([f"{name or 'no index'}: {embedded} messages embedded, {waiting} waiting"])
