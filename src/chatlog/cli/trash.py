"""`chatlog trash`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import MOST, verb
from chatlog.cli.session import Session
from chatlog.output import FORMATS, Column
from chatlog.records import conversation_record
from chatlog.timespec import after, age, duration, parse_iso


@verb("chatlog trash", "chatlog trash --format ids | chatlog restore -", filters=True, forms=FORMATS)
def command(
    ctx: typer.Context,
    number: Annotated[int, typer.Option("-n", metavar="N", min=0, help="How many; 0 for all.")] = 0,
    cursor: Annotated[str | None, typer.Option(help="Continue where a page's next_cursor (--json) left off.")] = None,
) -> None:
    """List what is in the trash; the next prune after `leaves` removes it for good."""
    from chatlog.cli.list import columns, show

    session = Session.of(ctx)
    filters = session.filters(deleted=True)
    page = session.store().conversations(filters, limit=min(number, MOST) or None, cursor=cursor, readable=True)
    grace, now = duration(session.settings.get("trash")), session.now()
    items = [
        {**conversation_record(one), "leaves_at": after(grace, parse_iso(one.deleted_at or one.updated_at))}
        for one in page.items
    ]
    shown = (
        Column("deleted", lambda item: str(item["deleted_at"]), lambda item: age(item["deleted_at"], now)),
        Column("leaves", lambda item: str(item["leaves_at"]), lambda item: str(item["leaves_at"])[:10]),
    )
    plain = [column for column in columns(session) if column.name != "updated"]
    none = "nothing of that is in the trash" if session.filter_flags else "the trash is empty"
    show(session, page, items, (*plain[:1], *shown, *plain[1:]), none=none)
