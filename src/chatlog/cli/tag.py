"""`chatlog tag`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import complete_tag_or_conversation, verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError
from chatlog.export import select
from chatlog.models import Filters
from chatlog.output import THING


@verb(
    "chatlog tag @last +work -draft",
    "chatlog list --source chatgpt --format ids | chatlog tag - +old",
    "chatlog tag +lisbon --title lisbon",
    filters=True,
    minus=True,
    forms=THING,
)
def command(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONV…|-] +a -b",
            help="The conversations, and the tags.",
            autocompletion=complete_tag_or_conversation,
        ),
    ] = None,
) -> None:
    """Add (+tag) and remove (-tag) tags of the conversations named, or of all that the filters let through."""
    session = Session.of(ctx)
    given = [*session.flags.get("minus", []), *(words or [])]
    add = [word[1:] for word in given if word.startswith("+")]
    remove = [word[1:] for word in given if word.startswith("-") and len(word) > 1]
    refs = [word for word in given if word == "-" or not word.startswith(("+", "-"))]
    if not add and not remove:
        raise UsageError("say which tags", "chatlog tag @last +work -draft")
    filters = session.filters()
    if not refs and filters == Filters():
        raise UsageError("say which conversations", "ids, - for ids on stdin, or filters")
    store = session.store()
    found = session.named(store, refs) if refs else list(select(store, filters))
    changed = store.tag([conversation.id for conversation in found], add=add, remove=remove)
    record = {"conversations": len(found), "changed": changed, "added": add, "removed": remove}
    session.output.thing("tag", record, [f"{changed} of {len(found)} conversations changed"])
