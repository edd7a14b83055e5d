"""`chatlog set`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chatlog.cli.options import Conversation, Revision, verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError
from chatlog.output import IDENTIFIED
from chatlog.records import conversation_record


@verb(
    'chatlog set @last --title "Trip to Lisbon" --pin',
    "chatlog set 7pvd3bgm --archive",
    "chatlog set 7pvd3bgm --ttl 30d",
    "chatlog set 7pvd3bgm --ttl never",
    forms=IDENTIFIED,
)
def command(
    ctx: typer.Context,
    conversation: Conversation,
    title: Annotated[str | None, typer.Option(help="A new title.")] = None,
    pin: Annotated[bool | None, typer.Option("--pin/--unpin", help="Keep it from being pruned.")] = None,
    archive: Annotated[bool | None, typer.Option("--archive/--unarchive", help="Out of the list, still found.")] = None,
    model: Annotated[str | None, typer.Option(help="The model it is held with.")] = None,
    ttl: Annotated[str | None, typer.Option(metavar="30d|never", help="Gone after this long.")] = None,
    if_revision: Revision = None,
) -> None:
    """Change a conversation's title, model, lifetime and marks."""
    session = Session.of(ctx)
    given = {"title": title, "pinned": pin, "archived": archive, "model": model}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if ttl is not None:
        changes["expires_at"] = session.lifetime(ttl)
    if not changes:
        raise UsageError("say what to change", "chatlog set --help")
    store = session.store()
    found = session.conversation(store, conversation)
    changed = store.change(found.id, changes, if_revision=if_revision)
    session.output.thing("conversation", conversation_record(changed), [changed.id], changed.id)
