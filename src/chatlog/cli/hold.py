"""`chatlog hold`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import Conversation, verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError
from chatlog.models import parse_ref
from chatlog.output import IDENTIFIED
from chatlog.records import conversation_record


@verb('chatlog hold 7pvd3bgm --reason "case 2026-17"', "chatlog hold 7pvd3bgm --release", forms=IDENTIFIED)
def command(
    ctx: typer.Context,
    conversation: Conversation,
    reason: Annotated[str | None, typer.Option(metavar="R", help="Why it must be kept.")] = None,
    release: Annotated[bool, typer.Option("--release", help="End the hold.")] = False,
) -> None:
    """Put a conversation under legal hold, or end the hold: meanwhile nothing deletes, prunes or erases it."""
    session = Session.of(ctx)
    if release and reason is not None:
        raise UsageError("a hold is put with --reason or ended with --release, not both", "leave out one or the other")
    if not release and not (reason and reason.strip()):
        raise UsageError("say why it must be kept, or --release", 'chatlog hold 7pvd3bgm --reason "case 2026-17"')
    forgetting = session.store().forgetting
    found = forgetting.find(parse_ref(conversation)[0])
    held = forgetting.hold(found.id, None if release else reason)
    line = f"{held.id} {'released' if release else 'on hold'}"
    session.output.thing("conversation", conversation_record(held), [line], held.id)
