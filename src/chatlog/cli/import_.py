"""`chatlog import`."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn

import typer

from chatlog.cli.options import complete_tag, one_of, verb
from chatlog.cli.session import STDIN, Session
from chatlog.discovery import Found, discover
from chatlog.errors import BusyError, NoDatabaseError, NotFoundError, PartlyDoneError, UsageError, choices_hint
from chatlog.formats import READERS
from chatlog.formats.source import Progress, Source
from chatlog.freshness import Files
from chatlog.intake import FileReport
from chatlog.models import checked_tag
from chatlog.output import THING, Listing, Output, counted, one_line
from chatlog.paths import exists, expanded
from chatlog.redaction import Redactor, in_words
from chatlog.store import Store, open_store
from chatlog.transfer import UNKNOWN, ImportOptions, ImportReport, import_history

#: So many problems of one file are named on a terminal; JSON holds all.
SHOWN_PROBLEMS = 5
#: A person is shown a line for each of so many files; JSON and a pipe have them all.
SHOWN_FILES = 20
#: Watching looks so often, in seconds, and rests so many times as long as looking took: it is never a busy process.
WATCH_SECONDS = 1.0
WATCH_REST = 20

#: Finds the files to bring up to date, by tool and folder.
Look = Callable[[], list[Found]]


@verb(
    "chatlog import ~/Downloads/chatgpt-export.zip",
    "chatlog import ~/.claude/projects --tag work",
    "chatlog import --auto",
    "chatlog import --auto --watch",
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
        typer.Option(
            "--from", metavar="FORMAT", help=f"Insist on: {', '.join(READERS)}.", autocompletion=one_of(*READERS)
        ),
    ] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Bring in whatever local agents and tools keep.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running and follow what is added, until Ctrl-C.")
    ] = False,
    tag: Annotated[list[str] | None, typer.Option(help="Tag what comes in.", autocompletion=complete_tag)] = None,
    undelete: Annotated[bool, typer.Option("--undelete", help="Bring back what was deleted here.")] = False,
    redact: Annotated[bool, typer.Option("--redact", help="Without secrets and personal data.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come in.")] = False,
) -> None:
    """Bring in history; what is already here is left alone, so you can run the same import again.

    The format is recognised from the content.  What cannot be read is named and does not stop the rest
    (exit code 4).  With --auto the folders of Claude Code, Codex, Gemini CLI and others are found and brought up to
    date (with --from only that tool's); files that have not changed since are not read again.
    """
    session = Session.of(ctx)
    _check(paths or [], source_format, auto=auto, watch=watch, dry_run=dry_run)
    options = ImportOptions(
        format=None if auto else source_format,
        tags=tuple(map(checked_tag, tag or ())),
        undelete=undelete,
        dry_run=dry_run,
        only_changed=auto or watch,
        redactor=session.redactor() if redact else None,
        again=session.redactor,
    )
    if auto or watch:
        look = _tools(source_format) if auto else _named(session, paths or [])
        report = _bring_up_to_date(session, options, look, watch=watch)
    else:
        report = _import(session, options, paths or [])
    _name_redacted(session.output, options.redactor)
    if report.redacted_again:
        session.output.hint(f"redacted as when it first came in: {in_words(report.redacted_again)}; there may be more")
    if report.total["errors"]:
        session.exit_code = PartlyDoneError.exit_code


def _check(paths: Sequence[str], source_format: str | None, *, auto: bool, watch: bool, dry_run: bool) -> None:
    """Raise UsageError for what does not go together."""
    if source_format is not None and source_format not in READERS:
        raise UsageError(f"'{source_format}' is not a format chatlog reads", choices_hint(source_format, READERS))
    if not paths and not auto:
        raise UsageError("say what to import", "a file, a folder, a zip, or - for stdin; --auto finds it itself")
    if paths and auto:
        raise UsageError("--auto finds the folders itself", "leave out the paths, or --auto")
    if watch and STDIN in paths:
        raise UsageError("stdin cannot be watched", "a pipe is read as it comes: leave out --watch")
    if watch and dry_run:
        raise UsageError("--watch and --dry-run do not go together", "leave one of them out")


def _import(session: Session, options: ImportOptions, paths: Sequence[str]) -> ImportReport:
    """Import what was named."""
    inputs: list[str | Path | BinaryIO] = [
        session.read_bytes("the history") if path == STDIN else expanded(path) for path in paths
    ]
    if not any(path == STDIN or exists(expanded(path)) for path in paths):
        raise NotFoundError(f"there is no file or folder {' or '.join(paths)}", "check the spelling")
    with _store(session, options) as (store, how), _progress(session.output) as progress:
        report = import_history(store, inputs, how, progress)
    _print(session.output, report, dry_run=options.dry_run)
    if how.dry_run and len(report.files) > 1:
        session.output.hint("what several of the files hold is new in each")
    _embed(session, store, report, options)
    return report


def _embed(session: Session, store: Store, report: ImportReport, options: ImportOptions) -> None:
    """Index the meaning of what came in, once the report of it is out."""
    if options.dry_run or not (report.total["new"] or report.total["updated"]):
        return
    from chatlog.cli.indexing import embed_imported

    session.output.flush()
    embed_imported(session, store)


# what others write to


def _tools(source_format: str | None) -> Look:
    """Return how the folders of local tools are found, of all or of one."""
    names = (source_format,) if source_format else READERS
    return lambda: discover(Path.home(), os.environ, names)


def _named(session: Session, paths: Sequence[str]) -> Look:
    """Return how what was named is found: it must be there.  Raises NotFoundError."""
    places = [str(session.file(path)) for path in paths]
    return lambda: [Found("", place, (place,)) for place in places]


def _bring_up_to_date(session: Session, options: ImportOptions, look: Look, *, watch: bool) -> ImportReport:
    """Import what has changed of all that is found; with `watch`, again and again."""
    output, found = session.output, look()
    if not found and not watch:
        _print(output, ImportReport(), dry_run=options.dry_run, found=found)
        return ImportReport()
    with _store(session, options) as (store, how):
        memory = Files(store, options.marks)
        with _progress(output) as progress:
            report = import_history(store, _files(found), how, progress, memory)
        _print(output, report, dry_run=options.dry_run, found=found if all(one.format for one in found) else None)
        _embed(session, store, report, options)
        if watch:
            output.flush()
            _follow(session, store, replace(how, undelete=False), look, memory, report)
    return report


def _follow(
    session: Session, store: Store, options: ImportOptions, look: Look, memory: Files, report: ImportReport
) -> NoReturn:
    """Import what has changed again and again; what is in the way of that is said once."""
    output, busy = session.output, ""
    while True:
        started, before = time.monotonic(), report
        try:
            report, busy = import_history(store, _files(look()), options, None, memory), ""
            _print_news(output, report, before)
            _embed(session, store, report, options)
        except BusyError as error:  # a vacuum takes minutes, a full disk is cleared
            if not error.retryable:
                raise
            if error.message != busy:
                output.warning(error.message)
            busy, started = error.message, time.monotonic()  # to have waited was no look
        _wait(max(WATCH_SECONDS, WATCH_REST * (time.monotonic() - started)))


def _wait(seconds: float) -> None:
    time.sleep(seconds)


def _files(found: Sequence[Found]) -> list[str]:
    return [file for one in found for file in one.files]


def _print_news(output: Output, report: ImportReport, before: ImportReport) -> None:
    """Print what changed, or went wrong as it did not the time before; nothing where there is no such thing."""
    news = [
        file
        for file in report.files
        if file.counts["new"] or file.counts["updated"] or (file.errors and file not in before.files)
    ]
    if news:
        _print(output, ImportReport(news), dry_run=False)
        output.flush()


@contextmanager
def _store(session: Session, options: ImportOptions) -> Iterator[tuple[Store, ImportOptions]]:
    """Return the store; for a dry run without a database, one that goes away again, and so may be written to."""
    if not options.dry_run:
        yield session.store(create=True), options
        return
    try:
        yield session.store(), options
    except NoDatabaseError:
        with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "dry-run.db", create=True) as store:
            yield store, replace(options, dry_run=False)


@contextmanager
def _progress(output: Output) -> Iterator[Progress | None]:
    """Show a bar with rate and remaining time while a person is watching."""
    if not output.shows_progress:
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
        name, task = None, bar.add_task("", visible=False)

        def advance(source: Source, count: int) -> None:
            nonlocal name, task
            if source.name != name:
                bar.remove_task(task)  # the bar looks at all it has, ten times a second
                name, task = source.name, bar.add_task(one_line(Path(source.name).name)[-40:], total=source.size)
            bar.advance(task, count)

        yield advance


def _print(output: Output, report: ImportReport, *, dry_run: bool, found: Sequence[Found] | None = None) -> None:
    files = [file.record() for file in report.files]
    if output.format == "json":
        extra = {} if found is None else {"found": _found(found, report)}
        output.json({"dry_run": dry_run, **extra, "files": files, "total": report.total, "ignored": report.ignored})
    elif output.format == "jsonl":
        output.listing(Listing(items=files, columns=()))
    else:
        if found is not None:
            _print_found(output, _found(found, report))
        _print_files(output, report.files)
        if len(report.files) > 1:
            output.prose([f"total: {_counts(report.total)}"])
        _hint(output, report, dry_run=dry_run)


def _print_files(output: Output, files: Sequence[FileReport]) -> None:
    """Print a line for each file, for many on a terminal one for each format, and what is wrong with any."""
    is_summed = output.is_terminal and len(files) > SHOWN_FILES
    for name in dict.fromkeys(file.format for file in files if is_summed and file.format):
        those = ImportReport([file for file in files if file.format == name])
        output.prose([f"{name}: {counted(len(those.files), 'file')}, {_counts(those.total)}"])
    for file in files:
        if not is_summed:
            output.prose([_line(file, short=output.is_terminal)])
        _name_problems(output, file)


def _hint(output: Output, report: ImportReport, *, dry_run: bool) -> None:
    """Say what all of the files have in common."""
    left_out = sum((file.left_out for file in report.files), Counter[str]())
    if left_out:
        output.remarks([f"left out: {', '.join(f'{count:,} {what}' for what, count in sorted(left_out.items()))}"])
    if any(problem.reason == UNKNOWN for file in report.files for problem in file.errors):
        output.hint("chatlog import --help names the formats; --from insists on one")
    if report.ignored:
        output.hint(f"{counted(report.ignored, 'other file')} {'holds' if report.ignored == 1 else 'hold'} no history")
    if skipped := report.total["skipped"]:
        output.hint(f"{counted(skipped, 'message')} skipped: deleted here (--undelete brings it back) or on hold")
    if dry_run:
        output.hint("a dry run: nothing was written")


def _found(found: Sequence[Found], report: ImportReport) -> list[dict[str, Any]]:
    """Return for each tool's folder how many files it has and how many of them did not change."""
    unchanged = set(report.unchanged)
    return [
        {
            "format": one.format,
            "folder": one.folder.encode("utf-8", "backslashreplace").decode("utf-8"),
            "files": len(one.files),
            "unchanged": sum(file in unchanged for file in one.files),
        }
        for one in found
    ]


def _print_found(output: Output, places: Sequence[dict[str, Any]]) -> None:
    for place in places:
        changed = place["files"] - place["unchanged"]
        if output.settings.quiet and not changed:  # cron mails every line
            continue
        news = f"{changed} new or changed" if changed else "nothing new"
        output.lines([one_line(f"{place['format']}: {place['folder']}: {counted(place['files'], 'file')}, {news}")])
    if not places:
        output.hint("no histories of local agents or tools were found; name a file or folder to import")


def _name_redacted(output: Output, redactor: Redactor | None) -> None:
    if redactor is not None:
        output.hint(f"redacted: {in_words(redactor.counts) or 'nothing was found'}; there may be more")


def _line(file: FileReport, *, short: bool) -> str:
    kind = f" ({file.format})" if file.format else ""
    return one_line(f"{Path(file.path).name if short else file.path}{kind}: {_counts(file.counts)}")


def _counts(counts: dict[str, int]) -> str:
    parts = [counted(counts["conversations"], "conversation"), counted(counts["messages"], "message")]
    parts += [f"{counts[name]:,} {name}" for name in ("new", "updated", "unchanged", "skipped") if counts[name]]
    return ", ".join(parts)


def _name_problems(output: Output, file: FileReport) -> None:
    for problem in file.errors[:SHOWN_PROBLEMS]:
        output.warning(f"{file.path}{': ' + problem.place if problem.place else ''}: {problem.reason}")
    if len(file.errors) > SHOWN_PROBLEMS:
        output.warning(f"{file.path}: and {len(file.errors) - SHOWN_PROBLEMS} more problems; --json names them all")
