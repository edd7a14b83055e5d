"""`chatlog new`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import complete_tag, verb
from chatlog.cli.session import Session
from chatlog.models import ConversationDraft, MessageDraft, checked_tag
from chatlog.output import IDENTIFIED
from chatlog.records import conversation_record


@verb(
    'chatlog new --title "Trip to Lisbon" --tag travel',
    'id=$(chatlog new --system "Answer briefly." --id-only)',
    "chatlog new --ttl 30d --model gpt-5",
    forms=IDENTIFIED,
)
def command(
    ctx: typer.Context,
    title: Annotated[str | None, typer.Option(help="Its title; without one, the first words said.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; repeatable.", autocompletion=complete_tag)] = None,
    system: Annotated[str | None, typer.Option(help="A system prompt; - reads it from stdin.")] = None,
    model: Annotated[str | None, typer.Option(help="The model it is held with.")] = None,
    ttl: Annotated[
        str | None, typer.Option(metavar="30d|never", help="Gone after this long (default: the setting ttl).")
    ] = None,
    id_only: Annotated[bool, typer.Option("--id-only", help="Print the id and nothing else.")] = False,
) -> None:
    """Start a conversation and print its id."""
    session = Session.of(ctx)
    draft = ConversationDraft(
        title=title or None, tags=tuple(map(checked_tag, tag or ())), model=model, expires_at=session.lifetime(ttl)
    )
    first = [] if system is None else [MessageDraft(role="system", text=session.text(system, "the system prompt"))]
    created = session.store(create=True).new(draft, first)
    if id_only:
        session.output.lines([created.id])
        return
    session.output.thing("conversation", conversation_record(created), [created.id], created.id)
    if session.output.is_terminal:
        session.output.hint(f"add to it: chatlog add {created.id[:8]} --role user 'hello'")
