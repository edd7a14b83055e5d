"""Import into and export from a store: which inputs, which format, in which batches, and the report.

Nothing here knows a format or a terminal.  A batch is one transaction, so that a killed import goes
on where it stopped when it is run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from chatlog import formats
from chatlog.errors import ChatlogError, NotFoundError, UsageError
from chatlog.formats import MALFORMED
from chatlog.formats.source import UNREADABLE, Progress, Source, files, sources, walk_stream, watched
from chatlog.freshness import Files
from chatlog.models import (
    IMPORTANCES,
    ROLES,
    ConversationDraft,
    Extra,
    LeftOut,
    MessageDraft,
    Problem,
    Record,
    TitleHint,
    Unfinished,
    checked_tag,
)
from chatlog.redacting import records as redacted
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.telemetry import traced

#: A batch is written once it holds this many messages or characters.
BATCH_MESSAGES = 500
BATCH_CHARS = 4_000_000

_OUTCOMES = ("conversations", "messages", "new", "updated", "unchanged", "skipped")


@dataclass(slots=True)
class FileReport:
    """What became of one input."""

    path: str
    format: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    errors: list[Problem] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether it was read to its end, whatever was wrong inside: what has no place stopped the reading."""
        return all(problem.place for problem in self.errors)

    def record(self) -> dict[str, Any]:
        """Return the machine form."""
        return {
            "path": self.path,
            "format": self.format,
            **{name: self.counts[name] for name in _OUTCOMES},
            "left_out": dict(self.left_out),
            "errors": [{"place": problem.place, "reason": problem.reason} for problem in self.errors],
        }


@dataclass(slots=True)
class ImportReport:
    """What became of all inputs.

    `ignored` counts files in folders and archives that are no history, `unchanged` are files left unread.
    """

    files: list[FileReport] = field(default_factory=list)
    ignored: int = 0
    unchanged: list[str] = field(default_factory=list)

    @property
    def total(self) -> dict[str, int]:
        """The sums over all files."""
        sums = {name: sum(file.counts[name] for file in self.files) for name in _OUTCOMES}
        return {**sums, "files": len(self.files), "errors": sum(len(file.errors) for file in self.files)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How to import: a format to insist on, tags to add, whether what was deleted may come back, what is redacted.

    With `only_changed` files that have not changed since they were read the same way are left unread, and such as
    hold no history are no errors: this brings folders up to date that others write to.
    """

    format: str | None = None
    tags: tuple[str, ...] = ()
    undelete: bool = False
    dry_run: bool = False
    only_changed: bool = False
    redactor: Redactor | None = None

    @property
    def marks(self) -> frozenset[str]:
        """What is done with all that is read, by which a file is known to have been read that way."""
        return frozenset(f"tag:{tag}" for tag in self.tags) | ({"redact"} if self.redactor else frozenset())


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
    """
    for tag in options.tags:
        checked_tag(tag)
    run = _Run(store, options, progress, memory or Files(store, options.marks))
    try:
        for item in inputs:
            run.take(item)
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

    def take(self, item: str | Path | BinaryIO) -> None:
        """Import one input; where it cannot be found or read, that is in the report."""
        if not isinstance(item, (str, Path)):
            for source in walk_stream(item):
                self._read(source)
            return
        if self._is_unchanged(str(item)):
            return
        path, report = Path(item), self.report
        before, ignored = len(report.files), report.ignored
        try:
            for file in files(path, self.store.owns):
                if file == path or not self._is_unchanged(str(file)):
                    self._take_file(file, is_named=file == path and not self.options.only_changed)
        except (NotFoundError, UsageError, *UNREADABLE) as error:
            report.files.append(FileReport(str(path), errors=[Problem("", _reason(error))]))
        if len(report.files) == before and not self.options.only_changed:
            what = "no history of a format chatlog knows is in it" if report.ignored > ignored else "it is empty"
            report.files.append(FileReport(str(path), errors=[Problem("", what)]))

    def _is_unchanged(self, path: str) -> bool:
        """Whether a file may be left unread; then that is in the report."""
        options = self.options
        if not options.only_changed or options.undelete or not self.memory.is_unchanged(path):
            return False
        self.report.unchanged.append(path)
        return True

    def _take_file(self, file: Path, *, is_named: bool) -> None:
        """Import a file or the members of an archive, and remember it once all of it is in the store."""
        options = self.options
        reading, before = self.memory.begin(file), len(self.report.files)
        for source in sources(file, reading.looked):
            self._read(source, is_named=(is_named and source.path == file) or options.format is not None)
        read = self.report.files[before:]
        if options.dry_run or options.format is not None:
            return
        if all(one.is_whole for one in read):
            self.memory.done(reading, read[0].format if read else None)
        else:
            self.memory.failed(reading)

    def _read(self, source: Source, *, is_named: bool = True) -> None:
        """Import a source; one of no known format is a problem where it was named, and else ignored."""
        file = FileReport(source.name)
        try:
            file.format = self.options.format or formats.detect(source)
            if file.format is None and not is_named:
                self.report.ignored += 1
                return
            self.report.files.append(file)
            if file.format is None:
                file.errors.append(Problem("", _unknown(source.head(4))))
                return
            stream = watched(source, self.progress) if self.progress else source
            _Import(self.store, file.format, self.options, file).run(formats.reader(file.format).read(stream))
        except UNREADABLE as error:
            file.errors.append(Problem("", _reason(error)))
            if self.report.files[-1:] != [file]:
                self.report.files.append(file)


def _unknown(head: bytes) -> str:
    if not head:
        return "the file is empty"
    return "the archive is damaged" if head == b"PK\x03\x04" else "not a history format chatlog knows"


def _reason(error: Exception) -> str:
    """Return why a file could not be read, without anything of its content."""
    if isinstance(error, ChatlogError):
        return error.message
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "the archive is encrypted"
    return "the archive is damaged"


class _Import:
    """Gathers the records of one source into batches, each led by the header of its conversation."""

    def __init__(self, store: Store, source_format: str, options: ImportOptions, report: FileReport) -> None:
        self.store = store
        self.format = source_format
        self.options = options
        self.report = report
        self.header: ConversationDraft | None = None
        self.current: str | None = None
        self.batch: list[ConversationDraft | MessageDraft] = []
        self.size = 0
        self.titles: list[TitleHint] = []
        self.orphans: dict[str | None, ConversationDraft] = {}
        self.names: set[str | None] = set()
        self.moved: dict[Any, str] = {}

    def run(self, records: Iterable[Record]) -> None:
        """Take every record, then link what could not be linked on the way."""
        try:
            for record in records if self.options.redactor is None else redacted(self.options.redactor, records):
                self._take(record)
        except UNREADABLE as error:
            self.report.errors.append(Problem("", _reason(error)))
        except MALFORMED as error:
            self.report.errors.append(Problem("", f"not of the form that {self.format} has ({type(error).__name__})"))
        self._flush()
        self._ingest(list(self.orphans.values()))
        self.report.counts["conversations"] = len(self.names)
        if not self.options.dry_run:
            for hint in self.titles:
                self.store.title_by_message(self.format, hint.message_id, hint.title)

    def _take(self, record: Record) -> None:
        match record:
            case MessageDraft():
                self._take_message(record)
            case ConversationDraft():
                self._take_header(record)
            case Unfinished():
                self.report.left_out["unfinished last line"] += 1
            case Problem():
                self.report.errors.append(record)
            case LeftOut():
                self.report.left_out[record.what] += record.count
            case TitleHint():
                self.titles.append(record)
            case Extra():
                self._take_extra(record)

    def _take_header(self, draft: ConversationDraft) -> None:
        if reason := _unsound(draft):
            self.report.errors.append(Problem(f"conversation {len(self.names) + 1}", reason))
            draft = ConversationDraft(id=draft.id, source_id=draft.source_id or draft.id)
        self.header, self.current = draft, draft.id or draft.source_id
        self.names.add(self.current)
        self.batch.append(draft)

    def _take_message(self, draft: MessageDraft) -> None:
        if reason := _unsound(draft):
            self.report.errors.append(Problem(f"message {self.report.counts['messages'] + 1}", reason))
            return
        if draft.conversation is not None and draft.conversation != self.current:
            self.header, self.current = None, draft.conversation
            self.names.add(self.current)
        self.batch.append(draft)
        self.size += len(draft.text)
        self.report.counts["messages"] += 1
        if len(self.batch) >= BATCH_MESSAGES or self.size >= BATCH_CHARS:
            self._flush()

    def _take_extra(self, extra: Extra) -> None:
        self._flush()
        if self.options.dry_run:
            return
        try:
            self.store.ingest_extra(extra)
        except UsageError as error:
            self.report.errors.append(Problem("", error.message))

    def _flush(self) -> None:
        """Write the batch; the next begins with the header of the conversation that goes on."""
        self._ingest(self.batch)
        self.batch, self.size = ([self.header] if self.header is not None else []), 0

    def _ingest(self, batch: Sequence[ConversationDraft | MessageDraft]) -> None:
        """Write a batch; where something in it cannot be kept, write it message by message and name that one."""
        try:
            self._write(batch)
        except UsageError:
            header: list[ConversationDraft | MessageDraft] = []
            for record in batch:
                one: list[ConversationDraft | MessageDraft] = (
                    [record] if isinstance(record, ConversationDraft) else [*header, record]
                )
                header = one[:1] if isinstance(one[0], ConversationDraft) else []
                try:
                    self._write(one)
                except UsageError as error:
                    self.report.errors.append(Problem(self._place(record), error.message))

    def _place(self, record: ConversationDraft | MessageDraft) -> str:
        kind = "message" if isinstance(record, MessageDraft) else "conversation"
        return f"{kind} {record.source_id}" if record.source_id else f"a {kind}"

    def _write(self, batch: Sequence[ConversationDraft | MessageDraft]) -> None:
        if not batch:
            return
        options = self.options
        result = self.store.ingest(
            self.format, batch, undelete=options.undelete, dry_run=options.dry_run, moved=self.moved
        )
        if self.options.tags and result.ids and not self.options.dry_run:
            self.store.tag(result.ids, add=self.options.tags)
        for record in batch:
            if isinstance(record, ConversationDraft) and record.source_id in result.orphans:
                self.orphans[record.source_id] = record
        for name in ("new", "updated", "unchanged", "skipped"):
            self.report.counts[name] += getattr(result, name)


#: The fields of drafts that a store keeps as text.
_TEXTS = {
    MessageDraft: ("text", "author", "model", "created_at", "source_id", "key"),
    ConversationDraft: ("title", "model", "project", "created_at", "updated_at", "expires_at", "deleted_at", "hold"),
}


def _unsound(draft: ConversationDraft | MessageDraft) -> str | None:
    """Return why a draft cannot be kept, None where it can: anyone's file may hold anything."""
    for name in _TEXTS[type(draft)]:
        value = getattr(draft, name)
        if value is not None and not isinstance(value, str):
            return f"{name} is not a string"
        if value and not value.isascii() and value != value.encode("utf-8", "replace").decode("utf-8"):
            return f"{name} is not valid Unicode"
    if not isinstance(draft.metadata, Mapping):
        return "metadata is not an object"
    return _unsound_message(draft) if isinstance(draft, MessageDraft) else None


def _unsound_message(draft: MessageDraft) -> str | None:
    if draft.role not in ROLES:
        return "the role is not one chatlog knows"
    if draft.importance is not None and draft.importance not in IMPORTANCES:
        return "the importance is not one chatlog knows"
    return None if all(isinstance(part, dict) for part in draft.parts or ()) else "a part is not an object"
