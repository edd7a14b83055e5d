"""`chatlog export`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from chatlog.cli.endings import told_to_end
from chatlog.cli.options import Conversations, one_of, verb
from chatlog.cli.session import STDIN, Session
from chatlog.errors import BusyError, DamagedFileError, PartlyDoneError, UsageError, choices_hint
from chatlog.export import Exporter, ExportReport, Progress
from chatlog.formats import WRITERS
from chatlog.models import Filters
from chatlog.output import Output, counted
from chatlog.paths import exists, expanded

#: So many of a site's earlier pages are named.
SHOWN = 3


def _form(session: Session, typed: str | None, target: str) -> str:
    """Return the form that --to names, or else --json or --format, or the end of the file's name.

    Beside --to the options say how errors are told.
    """
    asked = "json" if session.flags.get("json") else session.flags.get("format")
    if typed or asked is None:
        end = Path(target).suffix.lower() if not target.endswith("/") else ""
        return typed or next((name for name, form in WRITERS.items() if form.extension == end), "jsonl")
    if asked not in WRITERS:
        raise UsageError(f"an export cannot be written as {asked}", choices_hint(asked, WRITERS))
    return str(asked)


@verb(
    "chatlog export --to jsonl -o backup.jsonl",
    "chatlog export @last --to markdown",
    "chatlog export --tag work --to markdown -o notes/",
    "chatlog export --since 1y --to html -o site/",
    "chatlog export --source chatgpt --to openai-finetune | gzip > finetune.jsonl.gz",
    filters=True,
)
def command(
    ctx: typer.Context,
    conversations: Conversations = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT", help=f"{', '.join(WRITERS)} (by -o, or jsonl).", autocompletion=one_of(*WRITERS)
        ),
    ] = None,
    target: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE|DIR/|-", help="A file, a folder (one file each), or stdout.")
    ] = STDIN,
    redact: Annotated[bool, typer.Option("--redact", help="Without secrets and personal data.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> None:
    """Write conversations: those named, or all that the filters let through, the oldest first.

    jsonl is chatlog's own form and loses nothing, json the same in one document; importing either gives the same
    history again.  html in a folder is a site with an index that can be searched.  docs/formats.md says what each
    form holds.
    """
    session = Session.of(ctx)
    to = _form(session, to, target)
    store = session.outward(redact=redact)
    filters = session.filters()
    found = session.named(store, conversations) if conversations else None
    everything = found is None and filters == Filters()
    folder = expanded(target)
    is_free = target != STDIN or not session.output.is_terminal
    with told_to_end(), _progress(session.output, is_free=is_free) as progress:  # no half of a file is left
        exporter = Exporter(store, to, progress)
        chosen = iter(found) if found is not None else exporter.every(filters)
        if target == STDIN:
            exporter.write(chosen, session.output.stream(), everything=everything)
        elif _is_folder(target, folder, to):
            exporter.write_folder(chosen, folder, force=force)
        else:
            exporter.write_file(chosen, folder, force=force, everything=everything)
    report = exporter.report
    if target != STDIN:
        _name_written(session, report, target)
    _name_lost(session, report)
    with suppress(BusyError, DamagedFileError):  # a file that cannot be written now can still be read out
        store.record("export", conversations=report.conversations, messages=report.messages, to=to)


def _name_written(session: Session, report: ExportReport, target: str) -> None:
    """Say how much was written, and which pages of an earlier export are there still."""
    said = f"{counted(report.conversations, 'conversation')}, {counted(report.messages, 'message')} → {target}"
    session.output.hint(said)
    if report.earlier:
        some = ", ".join(report.earlier[:SHOWN]) + (", …" if len(report.earlier) > SHOWN else "")
        pages = counted(len(report.earlier), "page")
        session.output.warning(f"{pages} of an earlier export in {target}, not in the new index: {some}")


def _name_lost(session: Session, report: ExportReport) -> None:
    """Say what of a damaged file could not be read: the rest is written."""
    for name, messages in report.lost.items():
        what = f"{counted(messages, 'message')} of {name}" if messages else f"some of what is kept of {name}"
        session.output.warning(f"{what} cannot be read: the file is damaged")
    if report.lost:
        session.exit_code = PartlyDoneError.exit_code


def _is_folder(target: str, path: Path, to: str) -> bool:
    """Whether files are to go into a folder of that name; a form of one file each takes a bare name for one."""
    return target.endswith("/") or path.is_dir() or (WRITERS[to].paged and not path.suffix and not exists(path))


@contextmanager
def _progress(output: Output, *, is_free: bool) -> Iterator[Progress | None]:
    """Show how far an export is while a person is watching a terminal that is free of the export itself."""
    if not is_free or not output.shows_progress:
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with console.status("exporting …") as status:

        def tell(report: ExportReport) -> None:
            status.update(f"exporting … {report.conversations:,} conversations, {report.messages:,} messages")

        yield tell
