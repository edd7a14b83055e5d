"""`chatlog audit`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.output import FORMATS, Column, Listing, to_json
from chatlog.timespec import age


@verb("chatlog audit", "chatlog audit -n 5 --json", forms=FORMATS)
def command(
    ctx: typer.Context, number: Annotated[int, typer.Option("-n", metavar="N", min=0, help="How many; 0: all.")] = 20
) -> None:
    """Show who deleted, restored, pruned, erased, held and exported how much, when, and by which rule.

    The words themselves are never written there.
    """
    session = Session.of(ctx)
    now = session.now()
    lines = session.store().forgetting.audit(-1)
    items = [{**line._asdict(), "detail": dict(line.detail)} for line in lines[: number or None]]
    columns = (
        Column("at", short=lambda item: age(item["at"], now)),
        Column("user"),
        Column("action", style="yellow"),
        Column("conversations", right=True),
        Column("messages", right=True),
        Column("bytes", right=True),
        Column("detail", lambda item: to_json(item["detail"]) if item["detail"] else "", wide=True),
    )
    session.output.listing(Listing(items, columns, "id", total=len(lines), none="nothing yet"))
