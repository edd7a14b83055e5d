"""`chatlog stats`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated

import typer

from chatlog import stats
from chatlog.cli.options import budget_of, one_of, verb
from chatlog.cli.session import Session
from chatlog.dashboard import page, plain, prometheus
from chatlog.errors import UsageError, not_written
from chatlog.export import check_target
from chatlog.output import THING, to_json
from chatlog.paths import expanded, replace_text
from chatlog.store import Store
from chatlog.store.measures import DIMENSIONS


@verb(
    "chatlog stats",
    "chatlog stats --since 30d --by model",
    "chatlog stats --json",
    "chatlog stats --format prometheus -o /var/lib/node_exporter/chatlog.prom",
    filters=True,
    forms=(*THING, "prometheus"),
)
def command(
    ctx: typer.Context,
    by: Annotated[
        str, typer.Option(metavar="WHAT", help=f"Sums by {', '.join(DIMENSIONS)}.", autocompletion=one_of(*DIMENSIONS))
    ] = "day",
    all_users: Annotated[bool, typer.Option("--all-users", help="Everybody's conversations in the file.")] = False,
    target: Annotated[str, typer.Option("-o", metavar="FILE|-", help="Where to: replaced in one step.")] = "-",
) -> None:
    """Show how large the history is and how it grows: sizes, percentiles, turns, compaction, latency.

    Tokens are counted once (cl100k) and remembered.  prometheus is the form of a node exporter's text file.
    """
    session = Session.of(ctx)
    output = session.output
    if target != "-" and output.format != "prometheus":
        raise UsageError("-o goes with --format prometheus", "send the other forms into a file with >")
    store = session.store()
    stores = session.everybody(store, all_users=all_users)
    with output.progress("counting tokens") as progress:
        budget = budget_of(session)
        found = stats.measure(stores, session.filters(), by, progress=progress, budget=budget)
    users = ",".join(each.user for each in stores)
    match output.format:
        case "prometheus" if target != "-":
            _write(store, expanded(target), prometheus(found, users))
        case "prometheus":
            output.lines(prometheus(found, users))
        case "json":
            output.json(found.record())
        case "jsonl":
            output.lines([to_json(found.record())])
        case "table" if not output.settings.plain:
            output.lines(page(found, by, output, session.now(), get_terminal_size().columns))
        case _:
            output.lines(plain(found))


def _write(store: Store, path: Path, lines: Iterable[str]) -> None:
    """Put a file in another's place in one step: whoever reads it sees the old one or the new one, whole."""
    check_target(store, path)
    try:
        replace_text(path, "".join(line + "\n" for line in lines))
    except OSError as error:
        raise not_written(error, path, "give another file with -o") from None
