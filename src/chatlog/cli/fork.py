"""`chatlog fork`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import MessageRef, verb
from chatlog.cli.session import Session
from chatlog.output import IDENTIFIED
from chatlog.records import conversation_record


@verb("chatlog fork 7pvd3bgm:12", 'chatlog fork @last --title "Another way"', forms=IDENTIFIED)
def command(
    ctx: typer.Context,
    conversation: MessageRef,
    title: Annotated[str | None, typer.Option(help="The child's title; its parent's by default.")] = None,
) -> None:
    """Start a conversation with everything up to a message of another, and print its id."""
    session = Session.of(ctx)
    store = session.store()
    found, seq = session.message_ref(store, conversation)
    child = store.fork(found.id, seq, title=title)
    session.output.thing("conversation", conversation_record(child), [child.id], child.id)
