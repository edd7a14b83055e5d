"""`chatlog doctor`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from chatlog.cli.indexing import bring_up_to_date
from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.errors import BusyError, CheckFailedError, DamagedFileError, NoVectorsError, UsageError
from chatlog.models import Check
from chatlog.output import THING, Output, one_line, to_json
from chatlog.store import Store, files, path_of


@verb(
    "chatlog doctor",
    "chatlog doctor --deep",
    "chatlog doctor --rebuild",
    "chatlog doctor --json | jq '.checks[] | select(.ok | not)'",
    forms=THING,
)
def command(
    ctx: typer.Context,
    deep: Annotated[bool, typer.Option("--deep", help="Hash every message again.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Rebuild what is derived: indexes, counters, vectors.")
    ] = False,
) -> None:
    """Prove that all is well: pages, schema, indexes, orphans, counters, permissions, disk, backups, embedder.

    Exit code 1 if something is wrong; each finding says how to mend it. Doctor runs real queries and changes nothing
    without --rebuild, which rebuilds all that can be derived from the messages.
    """
    session = Session.of(ctx)
    try:
        found = _report(session, _checks(session, deep=deep, rebuild=rebuild))
    except DamagedFileError as error:
        raise DamagedFileError(error.message, "chatlog db restore FILE puts a backup in its place") from error
    if not all(check.ok for check in found):
        session.exit_code = CheckFailedError.exit_code


def _checks(session: Session, *, deep: bool, rebuild: bool) -> Iterator[Check]:
    """Yield every check, of a file that waits for its migration that one alone: opening it would migrate it."""
    url = session.settings.database()[0]
    with suppress(UsageError):  # a key that cannot be had is named when it is needed
        if not rebuild and (behind := files.pending(url, session.key(url))):
            said = f"version {behind[0]}, this chatlog writes {behind[1]}"
            yield Check("schema", ok=False, detail=said, mend="chatlog db migrate, which keeps a copy of the file")
            return
    store = session.store()
    if rebuild:
        _rebuild(session, store)
    yield from _examined(session, store, path_of(url), deep=deep)


def _examined(session: Session, store: Store, path: Path, *, deep: bool) -> Iterator[Check]:
    from chatlog import doctor
    from chatlog.embedders import NONE, embedder

    name = session.settings.get("embedder")
    make = None if name == NONE else lambda: embedder(name, os.environ)
    free = shutil.disk_usage(path.absolute().parent).free
    yield from doctor.examine(store, doctor.Surroundings(session.now(), free, make), deep=deep)


def _rebuild(session: Session, store: Store) -> None:
    """Rebuild what is derived; vectors too, where there were any and there is an embedder."""
    had_vectors = store.vectors.state() is not None
    with session.output.progress("making again what is derived"):
        store.rebuild()
        store.forgetting.fold()
    if had_vectors:
        with suppress(NoVectorsError, UsageError, BusyError):  # the checks say what is wrong with it
            bring_up_to_date(session, store, session.settings.get("embedder"))


def _watched(output: Output, checks: Iterable[Check]) -> Iterator[Check]:
    """Yield the checks, each that takes long with a bar that is gone before its line is printed."""
    waiting = iter(checks)
    while True:
        with output.progress("checking"):
            check = next(waiting, None)
        if check is None:
            return
        yield check


def _report(session: Session, checks: Iterable[Check]) -> list[Check]:
    """Print the checks, for people each as soon as it is done."""
    output, found = session.output, list[Check]()
    as_json = output.format in ("json", "jsonl")
    marks = {True: output.paint("ok  ", "green"), False: output.paint("FAIL", "red")}
    for check in _watched(output, checks):
        found.append(check)
        if not as_json:
            mend = f": {check.mend}" if check.mend else ""
            output.prose([f"{marks[check.ok]} {check.name}: {one_line(check.detail + mend)}"])
            output.flush()
    items = [check._asdict() for check in found]
    if output.format == "json":
        output.json({"ok": all(check.ok for check in found), "checks": items})
    elif output.format == "jsonl":
        output.lines(to_json(item) for item in items)
    return found
