"""`chatlog list`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from chatlog.cli.options import MOST, one_of, verb
from chatlog.cli.session import Session
from chatlog.errors import PartlyDoneError
from chatlog.models import Page
from chatlog.output import FORMATS, ID, Column, Listing, text_of
from chatlog.records import conversation_record
from chatlog.store import SORTS
from chatlog.timespec import age


@verb(
    "chatlog list",
    "chatlog list --tag work --since 2w",
    "chatlog list --sort messages:desc -n 5",
    "chatlog list --source chatgpt --format ids | chatlog tag - +old",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    sort: Annotated[
        str, typer.Option(metavar="BY[:asc|desc]", help=f"By {', '.join(SORTS)}.", autocompletion=one_of(*SORTS))
    ] = "updated:desc",
    number: Annotated[int, typer.Option("-n", metavar="N", min=0, help="How many; 0 for all.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Continue where a page's next_cursor (--json) left off.")] = None,
) -> None:
    """List conversations: id, age, source, messages, tokens, tags and title.

    Archived and deleted ones are left out unless --archived or --deleted asks for them.
    """
    session = Session.of(ctx)
    filters = session.filters(archived=session.filter_flags.get("archived", False))
    store = session.store()
    page = store.conversations(filters, sort=sort, limit=min(number, MOST) or None, cursor=cursor, readable=True)
    none = "no conversation matches" if session.filter_flags else "no conversations"
    show(session, page, [*map(conversation_record, page.items)], columns(session), none=none)
    if sort.partition(":")[0] == "tokens" and (unsized := store.measures.unsized(filters)):
        session.output.hint(
            f"{unsized} of {page.total} are not counted yet, and sorted as 0; chatlog stats counts them"
        )
    if session.output.is_terminal and page.total > len(page.items):
        session.output.hint(f"{len(page.items)} of {page.total}; -n 0 shows all")


def show(
    session: Session, page: Page, items: Sequence[Mapping[str, Any]], shown: Sequence[Column], *, none: str
) -> None:
    """Print a page of conversations; what of a damaged file cannot be read is named, and is exit code 4."""
    warnings = [f"some of what is kept of {name} cannot be read: the file is damaged" for name in page.lost]
    session.output.listing(
        Listing(
            items,
            shown,
            identify="id",
            total=page.total,
            next_cursor=page.next_cursor,
            warnings=warnings,
            none=none,
        )
    )
    for warning in warnings:
        session.output.warning(warning)
        session.exit_code = PartlyDoneError.exit_code


def _dash(name: str) -> Callable[[Mapping[str, Any]], str]:
    """Return the cell of a table, where nothing is a dash."""
    return lambda record: text_of(record[name]) or "-"


def columns(session: Session) -> tuple[Column, ...]:
    """Return the columns of a list of conversations."""
    now = session.now()

    def marks(record: Mapping[str, Any]) -> str:
        return ("* " if record["pinned"] else "") + text_of(record["title"] or "untitled")

    return (
        ID,
        Column("updated", lambda record: str(record["updated_at"]), lambda record: age(record["updated_at"], now)),
        Column("source", short=_dash("source"), style="dim"),
        Column("msgs", lambda record: text_of(record["messages"]), right=True),
        Column("tokens", short=_dash("tokens"), right=True, style="dim"),
        Column("tags", short=_dash("tags"), style="cyan"),
        Column("title", lambda record: text_of(record["title"]) or "untitled", marks, wide=True),
    )
