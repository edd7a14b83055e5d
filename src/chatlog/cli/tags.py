"""`chatlog tags`."""

from __future__ import annotations

import typer

from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.output import FORMATS, Column, Listing


@verb("chatlog tags", "chatlog tags --format ids", forms=FORMATS)
def command(ctx: typer.Context) -> None:
    """List the tags, each with its number of conversations."""
    session = Session.of(ctx)
    found = session.store().tags()
    session.output.listing(
        Listing(
            items=[{"tag": tag, "conversations": count} for tag, count in found],
            columns=(
                Column("tag", style="cyan"),
                Column("conversations", right=True),
            ),
            identify="tag",
            total=len(found),
            none="no tags; chatlog tag @last +work adds one",
        )
    )
