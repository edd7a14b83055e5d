"""`chatlog doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.errors import CheckFailedError
from chatlog.output import THING, one_line, to_json


@verb("chatlog doctor", "chatlog doctor --deep", "chatlog doctor --rebuild", forms=THING)
def command(
    ctx: typer.Context,
    deep: Annotated[bool, typer.Option("--deep", help="Hash every message again.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Recreate what is derived: the index, the counters.")
    ] = False,
) -> None:
    """Prove that the database is sound: pages, index, orphans, counters, permissions.

    Exit code 1 where something is wrong, with its mend.
    """
    session = Session.of(ctx)
    store = session.store()
    if rebuild:
        store.rebuild()
    checks = list(store.checks(deep=deep))
    sound = all(check.ok for check in checks)
    items = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
    if session.output.format == "json":
        session.output.json({"ok": sound, "checks": items})
    elif session.output.format == "jsonl":
        session.output.lines(to_json(item) for item in items)
    else:
        marks = {True: session.output.paint("ok  ", "green"), False: session.output.paint("FAIL", "red")}
        session.output.lines(f"{marks[check.ok]} {check.name}: {one_line(check.detail)}" for check in checks)
    if not sound:
        session.exit_code = CheckFailedError.exit_code
