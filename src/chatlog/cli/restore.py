"""`chatlog restore`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import complete_deleted, verb
from chatlog.cli.session import Session
from chatlog.errors import NotFoundError, UsageError
from chatlog.export import select
from chatlog.models import Conversation, Filters, parse_ref
from chatlog.output import IDENTIFIED, counted
from chatlog.records import conversation_record
from chatlog.store import Store


@verb(
    "chatlog restore 7pvd3bgm",
    "chatlog restore --tag work",
    "chatlog trash --format ids | chatlog restore -",
    filters=True,
    forms=IDENTIFIED,
)
def command(
    ctx: typer.Context,
    conversations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONV]...", help="Conversations; - reads ids from stdin.", autocompletion=complete_deleted
        ),
    ] = None,
) -> None:
    """Take conversations out of the trash, with all that was in them."""
    session = Session.of(ctx)
    filters = session.filters(deleted=True)
    if not conversations and filters == Filters(deleted=True) and "deleted" not in session.filter_flags:
        raise UsageError("say which conversations", "ids, - for ids on stdin, or filters; --deleted: all of the trash")
    store = session.store()
    named = _named(session, store, conversations or [])
    found = named if conversations else list(select(store, filters))
    store.restore([one.id for one in found])
    items = [conversation_record(store.get(one.id)) for one in found]
    if session.output.format == "json":
        session.output.json({"conversations": len(items), "items": items})
        return
    ids = "\n".join(one.id for one in found)
    if session.output.format != "ids" or found:
        session.output.thing("items", {"items": items}, [f"{counted(len(items), 'conversation')} restored"], ids)


def _named(session: Session, store: Store, refs: list[str]) -> list[Conversation]:
    """Return the conversations in the trash that some refs name."""
    names = session.names(refs)
    try:
        found = [store.get(parse_ref(name)[0], among=Filters(deleted=True)) for name in names]
    except NotFoundError as error:
        raise NotFoundError(f"{error.message} in the trash", "chatlog trash shows what is in it") from None
    return list({one.id: one for one in found}.values())
