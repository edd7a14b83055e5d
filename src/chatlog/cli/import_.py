"""`chatlog import`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from chatlog.cli.options import complete_tag, verb
from chatlog.cli.session import STDIN, Session
from chatlog.errors import NoDatabaseError, PartlyDoneError, UsageError
from chatlog.formats import READERS
from chatlog.formats.source import Progress, Source
from chatlog.models import checked_tag
from chatlog.output import THING, Listing, Output, one_line
from chatlog.store import Store, open_store
from chatlog.transfer import FileReport, ImportOptions, ImportReport, import_history

#: So many problems of one file are named on a terminal; JSON holds all.
SHOWN_PROBLEMS = 5


def _formats() -> list[str]:
    return list(READERS)


@verb(
    "chatlog import ~/Downloads/chatgpt-export.zip",
    "chatlog import ~/.claude/projects --tag work",
    "chatlog import conversations.json --dry-run",
    "cat messages.jsonl | chatlog import - --from openai_messages",
    forms=THING,
)
def command(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH|-…", help="Files, folders, zips; - is stdin.")
    ] = None,
    source_format: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help=f"Insist on: {', '.join(READERS)}.", autocompletion=_formats),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag what comes in.", autocompletion=complete_tag)] = None,
    undelete: Annotated[bool, typer.Option("--undelete", help="Bring back what was deleted here.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come in.")] = False,
) -> None:
    """Bring in history; what is here already is left alone, so the same import can be run again.

    The format is recognised from the content.  What cannot be read is named and does not stop the rest
    (exit code 4).
    """
    session = Session.of(ctx)
    if source_format is not None and source_format not in READERS:
        raise UsageError(f"'{source_format}' is not a format chatlog reads", f"one of: {', '.join(READERS)}")
    if not paths:
        raise UsageError("say what to import", "a file, a folder, a zip, or - for stdin")
    inputs: list[str | Path | BinaryIO] = [
        session.read_bytes("the history") if path == STDIN else Path(path).expanduser() for path in paths
    ]
    options = ImportOptions(
        format=source_format, tags=tuple(map(checked_tag, tag or ())), undelete=undelete, dry_run=dry_run
    )
    nothing = not any(path == STDIN or Path(path).expanduser().exists() for path in paths)
    with _store(session, dry_run=dry_run or nothing) as store, _progress(session.output) as progress:
        report = import_history(store, inputs, options, progress)
    _print(session.output, report, dry_run=dry_run)
    if report.total["errors"]:
        session.exit_code = PartlyDoneError.exit_code


@contextmanager
def _store(session: Session, *, dry_run: bool) -> Iterator[Store]:
    """Return the store; for a dry run without a database, one that goes away again."""
    if not dry_run:
        yield session.store(create=True)
        return
    try:
        yield session.store()
    except NoDatabaseError:
        with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "dry-run.db", create=True) as store:
            yield store


@contextmanager
def _progress(output: Output) -> Iterator[Progress | None]:
    """Show a bar with rate and remaining time while a person is watching."""
    if output.settings.quiet or output.settings.dumb or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with Bar(*columns, console=console, transient=True) as bar:
        tasks: dict[str, object] = {}

        def advance(source: Source, count: int) -> None:
            if source.name not in tasks:
                for done in tasks.values():
                    bar.update(done, visible=False)  # type: ignore[arg-type]
                tasks[source.name] = bar.add_task(one_line(Path(source.name).name)[-40:], total=source.size)
            bar.advance(tasks[source.name], count)  # type: ignore[arg-type]

        yield advance


def _print(output: Output, report: ImportReport, *, dry_run: bool) -> None:
    files = [file.record() for file in report.files]
    if output.format == "json":
        output.json({"dry_run": dry_run, "files": files, "total": report.total, "ignored": report.ignored})
    elif output.format == "jsonl":
        output.listing(Listing(items=files, columns=()))
    else:
        for file in report.files:
            output.lines([_line(file, short=output.is_terminal)])
            if file.left_out:
                left_out = ", ".join(f"{count} {what}" for what, count in sorted(file.left_out.items()))
                output.hint(f"  left out: {left_out}")
            _name_problems(output, file)
        if len(report.files) > 1:
            output.lines([f"total: {_counts(report.total)}"])
        if report.ignored:
            output.hint(f"{report.ignored} other files hold no history")
        if dry_run:
            output.hint("a dry run: nothing was written")


def _line(file: FileReport, *, short: bool) -> str:
    kind = f" ({file.format})" if file.format else ""
    return one_line(f"{Path(file.path).name if short else file.path}{kind}: {_counts(file.counts)}")


def _counts(counts: dict[str, int]) -> str:
    parts = [f"{counts['conversations']} conversations, {counts['messages']} messages"]
    parts += [f"{counts[name]} {name}" for name in ("new", "updated", "unchanged", "skipped") if counts[name]]
    return ", ".join(parts)


def _name_problems(output: Output, file: FileReport) -> None:
    for problem in file.errors[:SHOWN_PROBLEMS]:
        output.warning(f"{file.path}{': ' + problem.place if problem.place else ''}: {problem.reason}")
    if len(file.errors) > SHOWN_PROBLEMS:
        output.warning(f"{file.path}: and {len(file.errors) - SHOWN_PROBLEMS} more problems; --json names them all")
