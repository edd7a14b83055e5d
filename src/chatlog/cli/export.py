"""`chatlog export`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from chatlog.cli.options import Conversations, verb
from chatlog.cli.session import STDIN, Session
from chatlog.errors import BusyError
from chatlog.export import Exporter, select
from chatlog.formats import WRITERS
from chatlog.models import Filters


def _writers() -> list[str]:
    return list(WRITERS)


@verb(
    "chatlog export --to jsonl -o backup.jsonl",
    "chatlog export @last --to markdown",
    "chatlog export --tag work --to markdown -o notes/",
    "chatlog export --source chatgpt --to openai | gzip > finetune.jsonl.gz",
    filters=True,
)
def command(
    ctx: typer.Context,
    conversations: Conversations = None,
    to: Annotated[
        str, typer.Option(metavar="FORMAT", help=f"One of: {', '.join(WRITERS)}.", autocompletion=_writers)
    ] = "jsonl",
    target: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE|DIR/|-", help="A file, a folder (one file each), or stdout.")
    ] = STDIN,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> None:
    """Write conversations: those named, or all that the filters let through, the oldest first.

    jsonl is chatlog's own form and loses nothing; importing it gives the same history again.
    """
    session = Session.of(ctx)
    store = session.store()
    filters = session.filters()
    found = session.conversations(store, conversations) if conversations else None
    chosen = iter(found) if found is not None else select(store, None, filters)
    exporter = Exporter(store, to)
    everything = found is None and filters == Filters()
    folder = Path(target).expanduser()
    if target == STDIN:
        exporter.write(chosen, session.output.stream(), everything=everything)
    elif target.endswith("/") or folder.is_dir():
        exporter.write_folder(chosen, folder, force=force)
    else:
        exporter.write_file(chosen, folder, force=force, everything=everything)
    report = exporter.report
    if target != STDIN:
        session.output.hint(f"{report.conversations} conversations, {report.messages} messages → {target}")
    with suppress(BusyError):  # a file that cannot be written now can still be read out
        store.record("export", conversations=report.conversations, messages=report.messages, to=to)
