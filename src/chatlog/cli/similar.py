"""`chatlog similar`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli import found
from chatlog.cli.options import MOST, MessageRef, verb
from chatlog.cli.session import Session
from chatlog.likeness import similar
from chatlog.output import FORMATS
from chatlog.results import SearchOptions


@verb(
    "chatlog similar @last",
    "chatlog similar 7pvd3bgm:12 -n 5",
    "chatlog similar @last --format ids | chatlog search sardines --conv -",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    ref: MessageRef,
    number: Annotated[int, typer.Option("-n", metavar="N", min=1, help="How many results.")] = 10,
    hidden: Annotated[bool, typer.Option("--hidden", help="Hidden messages too.")] = False,
) -> None:
    """Find conversations like this one; from a message, the messages like it.

    Exit code 1: there is nothing like it.
    """
    session = Session.of(ctx)
    store = session.store()
    conversation, seq = session.message_ref(store, ref)
    options = SearchOptions(limit=min(number, MOST), hidden=hidden, embedder=session.embedder())
    found.show(session, similar(store, conversation, seq, session.filters(), options))
