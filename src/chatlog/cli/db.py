"""`chatlog db`."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.output import THING, size_text


@verb("chatlog db path", 'datasette "$(chatlog db path)"', forms=THING)
def path(ctx: typer.Context) -> None:
    """Print where the database is, or would be."""
    session = Session.of(ctx)
    where = session.settings.database()[0]
    session.output.thing("path", {"path": where, "exists": Path(where).exists()}, [where])


@verb("chatlog db info", forms=THING)
def info(ctx: typer.Context) -> None:
    """Print facts about the file: size, schema, engine, how much is in it."""
    session = Session.of(ctx)
    facts = session.store().info()
    session.output.thing("db", facts, [f"{name.replace('_', ' ')}: {value}" for name, value in facts.items()])


@verb("chatlog db backup", "chatlog db backup ~/backups/chatlog.db", forms=THING)
def backup(
    ctx: typer.Context,
    target: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="A new file; dated, beside the original.")
    ] = None,
) -> None:
    """Write a consistent copy to a new private file, while others go on writing."""
    session = Session.of(ctx)
    original = Path(session.settings.database()[0])
    stamp = session.now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = Path(target).expanduser() if target else original.with_name(f"{original.stem}-{stamp}.db")
    size = session.store().backup(copy)
    session.output.thing("backup", {"path": str(copy), "bytes": size}, [str(copy)])


@verb("chatlog db migrate", forms=THING)
def migrate(ctx: typer.Context) -> None:
    """Bring the file to this version's schema; a copy of it as it was is kept beside it."""
    session = Session.of(ctx)
    store = session.store()
    saved = getattr(store, "migrated_from", None)
    facts = {"schema": store.info()["schema"], "backup": str(saved) if saved else None}
    line = (
        f"schema {facts['schema']}: upgraded, the old file is {saved}"
        if saved
        else f"schema {facts['schema']}: up to date"
    )
    session.output.thing("migration", facts, [line])


@verb("chatlog db vacuum", forms=THING)
def vacuum(ctx: typer.Context) -> None:
    """Write the file anew, without its gaps; others can read meanwhile, and write afterwards.

    It needs as much free disk and memory as the file has in use, and looks first.
    """
    session = Session.of(ctx)
    forgetting = session.store().forgetting
    before, after = forgetting.vacuum()
    folded = forgetting.fold()
    facts = {"before": before, "after": after, "freed": before - after, "log_emptied": folded}
    session.output.thing("vacuum", facts, [f"{size_text(before)} before, {size_text(after)} now"])


COMMANDS = {"path": path, "info": info, "backup": backup, "migrate": migrate, "vacuum": vacuum}
