"""Import into a store: which inputs, which format, and the report.

Nothing here knows a format or a terminal.  What is read is written in batches (`intake`), each one transaction, so
that a killed import goes on where it stopped when it is run again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from chatlog import formats, redacting
from chatlog.canonical import kept_json
from chatlog.errors import NoDatabaseError, NotFoundError, UsageError
from chatlog.formats.archive import sources, walk_stream
from chatlog.formats.source import UNREADABLE, Progress, Source, files, watched
from chatlog.freshness import Files, Reading
from chatlog.intake import OUTCOMES, Batches, FileReport, Intake, reason
from chatlog.models import Problem, Record, checked_tag, several
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.telemetry import traced

#: Why a file that is no history could not be read.
UNKNOWN = "not a history format chatlog knows"
#: A file as short as this may hold nothing but blanks and brackets.
_SAYS_NOTHING = 64
_SUMS = ("conversations", "messages", *OUTCOMES)


@dataclass(slots=True)
class ImportReport:
    """What became of all inputs.

    `ignored` counts files in folders and archives that are no history, `unchanged` are files left unread;
    `redacted_again` is what was found, by kind, in conversations that came in redacted before.
    """

    files: list[FileReport] = field(default_factory=list)
    ignored: int = 0
    unchanged: list[str] = field(default_factory=list)
    redacted_again: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> dict[str, int]:
        """The sums over all files."""
        sums = {name: sum(file.counts[name] for file in self.files) for name in _SUMS}
        return {**sums, "files": len(self.files), "errors": sum(len(file.errors) for file in self.files)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to import: a format to insist on, tags to add, whether what was deleted may come back, what is redacted.

    What came in redacted before is redacted by `again`.  With `only_changed` files that have not changed since they
    were read the same way are left unread, and such as hold no history are no errors: this brings folders up to date
    that others write to.
    """

    format: str | None = None
    tags: tuple[str, ...] = ()
    undelete: bool = False
    dry_run: bool = False
    only_changed: bool = False
    redactor: Redactor | None = None
    again: Callable[[], Redactor] = Redactor

    @property
    def is_plain(self) -> bool:
        """Whether all that is asked for is that the history is in the store."""
        return not (self.tags or self.undelete or self.only_changed or self.format or self.redactor)

    @property
    def marks(self) -> frozenset[str]:
        """What is done with all that is read, by which a file is known to have been read that way."""
        named = {f"tag:{tag}" for tag in self.tags} | ({f"from:{self.format}"} if self.format else set())
        return frozenset(named | ({"redact"} if self.redactor else set()))


#: What a stream is called in reports.
STREAM = "-"


@traced("import")
def import_history(
    store: Store,
    inputs: Iterable[str | Path | BinaryIO],
    options: ImportOptions = ImportOptions(),
    progress: Progress | None = None,
    memory: Files | None = None,
) -> ImportReport:
    """Import files, folders, zip archives and streams; return what became of each.

    What cannot be read is in the report and never stops the rest.  `memory` is for whoever imports again and again.
    Raises UsageError for a single path: several are given, even one of them.
    """
    for tag in options.tags:
        checked_tag(tag)
    run = _Run(store, options, progress, memory or Files(store, options.marks))
    try:
        for item in several(inputs, "inputs"):  # of a path the first letter may well be the root of all files
            run.take(item)
        run.batches.write()
    finally:
        run.memory.flush()
        if any(file.counts["new"] or file.counts["updated"] for file in run.report.files) and not options.dry_run:
            store.settle()
    return run.report


class _Run:
    """One import: its inputs one after the other, its report, and what is known of the files."""

    def __init__(self, store: Store, options: ImportOptions, progress: Progress | None, memory: Files) -> None:
        self.store = store
        self.options = options
        self.progress = progress
        self.memory = memory
        self.report = ImportReport()
        self.batches = Batches(
            store, undelete=options.undelete, dry_run=options.dry_run, tags=options.tags,
            redacts=options.redactor is not None,
        )  # fmt: skip

    @cached_property
    def again(self) -> Redactor | None:
        """What redacts that came in redacted before, None where nothing did: to look for it reads what there is."""
        if not self.store.redactions.any_came_redacted():
            return None
        redactor = self.options.again()
        self.report.redacted_again = redactor.counts
        return redactor

    def take(self, item: str | Path | BinaryIO) -> None:
        """Import one input; where it cannot be found or read, that is in the report."""
        if not isinstance(item, (str, Path)):
            self._take_stream(item)
            return
        if self._is_unchanged(str(item)):
            return
        path, report = Path(item), self.report
        before, ignored = len(report.files), report.ignored
        try:
            for file in files(path, self.store.owns, self._miss_folder):
                if self._is_reported_again(file, is_named=file == path):
                    continue
                if file == path or not self._is_unchanged(str(file)):
                    self._take_file(file, is_named=file == path and not self.options.only_changed)
        except NoDatabaseError:  # not what was to be read is missing
            raise
        except (NotFoundError, UsageError, *UNREADABLE) as error:
            report.files.append(FileReport(str(path), errors=[Problem("", reason(error))]))
        if not self.options.only_changed:
            self._miss_history(str(path), before, ignored)

    def _miss_folder(self, error: OSError) -> None:
        """Name a folder that may not be looked into."""
        self.report.files.append(FileReport(str(error.filename), errors=[Problem("", reason(error))]))

    def _take_stream(self, stream: BinaryIO) -> None:
        before, ignored = len(self.report.files), self.report.ignored
        for source in walk_stream(stream, STREAM):
            self._read(source, is_named=source.name == STREAM or self.options.format is not None)
        self._miss_history(STREAM, before, ignored)

    def _miss_history(self, name: str, before: int, ignored: int) -> None:
        """Name an input of which nothing came into the report."""
        report = self.report
        if len(report.files) == before:
            what = "no history of a format chatlog knows is in it" if report.ignored > ignored else "it is empty"
            report.files.append(FileReport(name, errors=[Problem("", what)]))

    def _is_unchanged(self, path: str) -> bool:
        """Whether a file may be left unread; then that is in the report."""
        options = self.options
        if not options.only_changed or options.undelete or not self.memory.is_unchanged(path):
            return False
        self.report.unchanged.append(path)
        return True

    def _is_reported_again(self, file: Path, *, is_named: bool) -> bool:
        """Whether a file was imported just so before, and nothing was taken away since: then the report says so."""
        if not self.options.is_plain:
            return False
        known = json.loads(self.memory.report_of(str(file)) or "{}")
        if not known or (is_named and not known["files"]):
            return False
        self.report.ignored += known["ignored"]
        for record in known["files"]:
            self.report.files.append(FileReport.again({**record, "path": f"{file}{record['path']}"}))
        return True

    def _take_file(self, file: Path, *, is_named: bool) -> None:
        """Import a file or the members of an archive, and remember it once all of it is in the store."""
        options = self.options
        reading, before, ignored = self.memory.begin(file), len(self.report.files), self.report.ignored
        for source in sources(file, reading.looked):
            self._read(source, is_named=(is_named and source.path == file) or options.format is not None)
        read, ignored = self.report.files[before:], self.report.ignored - ignored
        if not options.dry_run:
            self.batches.when_written(lambda: self._remember(reading, read, ignored))

    def _remember(self, reading: Reading, read: list[FileReport], ignored: int) -> None:
        if self.options.format is None and all(one.is_whole for one in read):
            self.memory.done(reading, read[0].format if read else None, _kept_report(reading.path, read, ignored))
        else:
            self.memory.passed(reading)

    def _read(self, source: Source, *, is_named: bool = True) -> None:
        """Import a source; one of no known format is a problem where it was named, and else ignored."""
        file = FileReport(source.name)
        try:
            file.format, source = formats.recognised(source, self.options.format)
            if file.format is None and not is_named:
                self.report.ignored += 1
                return
            self.report.files.append(file)
            if file.format is None:
                file.errors.append(Problem("", _unknown(source.head(_SAYS_NOTHING))))
                return
            stream = watched(source, self.progress) if self.progress else source
            records = formats.reader(file.format).read(stream)
            records = self._redacted(file.format, records)
            Intake(self.batches, file.format, file).run(records)
        except UNREADABLE as error:
            file.errors.append(Problem("", reason(error)))
            if self.report.files[-1:] != [file]:
                self.report.files.append(file)

    def _redacted(self, source: str, records: Iterator[Record]) -> Iterator[Record]:
        """Return records redacted, where that is asked for or where it was when they came in before."""
        if self.options.redactor is not None:
            return redacting.records(self.options.redactor, records)
        if self.again is None:
            return records
        return redacting.still(self.store, source, self.again, records)


def _kept_report(path: Path, read: list[FileReport], ignored: int) -> str | None:
    """Return what an import of a file reported, for the next one; None where that may find more in it."""
    if any(one.leans_on_others or not one.path.startswith(str(path)) for one in read):
        return None
    records = [{**one.record(), "path": one.path.removeprefix(str(path))} for one in read]
    return kept_json({"files": records, "ignored": ignored})


def _unknown(head: bytes) -> str:
    if head.startswith(b"PK\x03\x04"):
        return "the archive is damaged"
    held = head.strip(b"\xef\xbb\xbf \t\r\n")
    if held in (b"", b"[]", b"{}"):
        return "the file is empty" if not held else "it holds an empty list" if held == b"[]" else "it holds nothing"
    return UNKNOWN
