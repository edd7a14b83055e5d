"""`chatlog set`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chatlog.cli.options import MessageRef, Revision, one_of, verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError, choices_hint
from chatlog.models import IMPORTANCES
from chatlog.output import IDENTIFIED
from chatlog.records import conversation_record, message_record
from chatlog.store import Store

_WORTHS = (*IMPORTANCES, "auto")


@verb(
    'chatlog set @last --title "Trip to Lisbon" --pin',
    "chatlog set 7pvd3bgm --archive",
    "chatlog set 7pvd3bgm --ttl 30d",
    "chatlog set 7pvd3bgm --ttl never",
    "chatlog set 7pvd3bgm:12 --importance keep",
    forms=IDENTIFIED,
)
def command(
    ctx: typer.Context,
    conversation: MessageRef,
    title: Annotated[str | None, typer.Option(help="A new title.")] = None,
    pin: Annotated[bool | None, typer.Option("--pin/--unpin", help="Keep it from being pruned.")] = None,
    archive: Annotated[bool | None, typer.Option("--archive/--unarchive", help="Out of the list, still found.")] = None,
    model: Annotated[str | None, typer.Option(help="The model it is held with.")] = None,
    ttl: Annotated[str | None, typer.Option(metavar="30d|never", help="Gone after this long.")] = None,
    importance: Annotated[
        str | None,
        typer.Option(
            metavar="WORTH", help=f"A message's: {', '.join(_WORTHS)} (by the rules).", autocompletion=one_of(*_WORTHS)
        ),
    ] = None,
    if_revision: Revision = None,
) -> None:
    """Change a conversation's title, model, lifetime and marks."""
    session = Session.of(ctx)
    given = {"title": title, "pinned": pin, "archived": archive, "model": model}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if ttl is not None:
        changes["expires_at"] = session.lifetime(ttl)
    if not changes and importance is None:
        raise UsageError("say what to change", "chatlog set --help")
    store = session.store()
    if importance is not None:
        if changes or if_revision is not None:
            raise UsageError(
                "a message's importance is set alone", "set the conversation's facts in a call of their own"
            )
        _mark(session, store, conversation, importance)
        return
    found = session.conversation(store, conversation)
    changed = store.change(found.id, changes, if_revision=if_revision)
    session.output.thing("conversation", conversation_record(changed), [changed.id], changed.id)


def _mark(session: Session, store: Store, ref: str, importance: str) -> None:
    """Say what a message is worth in contexts and summaries."""
    if importance not in _WORTHS:
        raise UsageError(f"'{importance}' is not an importance", choices_hint(importance, _WORTHS))
    found, seq = session.message_ref(store, ref)
    if seq is None:
        raise UsageError("a message has an importance, not a conversation", "write CONV:SEQ")
    store.windows.mark(found.id, [seq], None if importance == "auto" else importance)
    message = store.message(found.id, seq)
    session.output.thing("message", message_record(message), [message.ref], message.ref)
