"""What readers yield, gathered into batches: the pieces of one source or of several in one transaction.

Decides what of a record can be kept, and what waits until its messages are written.  Knows no format and no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatlog.errors import ChatlogError, UsageError
from chatlog.formats import MALFORMED
from chatlog.formats.source import UNREADABLE
from chatlog.models import (
    IMPORTANCES,
    ROLES,
    ConversationDraft,
    Extra,
    Ingested,
    LeftOut,
    MessageDraft,
    Problem,
    Record,
    TitleHint,
    Unfinished,
)
from chatlog.store import Batch, Store

#: A batch is written once it holds this many records or characters.
BATCH_RECORDS = 500
BATCH_CHARS = 4_000_000

OUTCOMES = ("new", "updated", "unchanged", "skipped")


@dataclass(slots=True)
class FileReport:
    """What became of one input.

    One that `leans_on_others` names conversations that another file may bring: it is read again with that.
    """

    path: str
    format: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    errors: list[Problem] = field(default_factory=list)
    leans_on_others: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it was read to its end, whatever was wrong inside: what has no place stopped the reading."""
        return all(problem.place for problem in self.errors)

    def record(self) -> dict[str, Any]:
        """Return the machine form."""
        return {
            "path": self.path,
            "format": self.format,
            **{name: self.counts[name] for name in ("conversations", "messages", *OUTCOMES)},
            "left_out": dict(self.left_out),
            "errors": [{"place": problem.place, "reason": problem.reason} for problem in self.errors],
        }

    @classmethod
    def again(cls, record: dict[str, Any]) -> FileReport:
        """Return what another import of the same would report, from the machine form of the first one."""
        counts = Counter({name: record[name] for name in ("conversations", "messages", "skipped")})
        counts["unchanged"] = record["new"] + record["updated"] + record["unchanged"]
        errors = [Problem(**problem) for problem in record["errors"]]
        return cls(record["path"], record["format"], counts, Counter(record["left_out"]), errors)


class Batches:
    """Pieces of sources that are written together, and what is to be done once they are."""

    def __init__(
        self, store: Store, *, undelete: bool = False, dry_run: bool = False, tags: Sequence[str] = (),
        redacts: bool = False,
    ) -> None:  # fmt: skip
        self.store = store
        self.undelete = undelete
        self.dry_run = dry_run
        self.tags = tags
        self.redacts = redacts
        self._pieces: list[tuple[Intake, Batch]] = []
        self._waiting: list[Callable[[], None]] = []
        self._records = 0
        self._chars = 0

    def room(self) -> tuple[int, int]:
        """Return how many records and characters more fit in."""
        return BATCH_RECORDS - self._records, BATCH_CHARS - self._chars

    def take(self, intake: Intake, batch: Batch, chars: int) -> None:
        """Add a piece; all are written where there is no more room."""
        self._pieces.append((intake, batch))
        self._records += len(batch.records)
        self._chars += chars
        if min(self.room()) <= 0:
            self.write()

    def when_written(self, action: Callable[[], None]) -> None:
        """Do something once all that was taken is written."""
        self._waiting.append(action)
        if not self._pieces or len(self._waiting) > BATCH_RECORDS:
            self.write()

    def write(self) -> None:
        """Write every piece in one transaction; where something cannot be kept, each by itself."""
        pieces, self._pieces, self._records, self._chars = self._pieces, [], 0, 0
        if pieces:
            try:
                results = self._ingest([batch for _, batch in pieces])
            except UsageError:
                for intake, batch in pieces:
                    intake.write_by_itself(batch)
            else:
                for (intake, batch), result in zip(pieces, results, strict=True):
                    intake.note(batch.records, result)
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()

    def write_now(self, batch: Batch) -> Ingested:
        """Write one piece.  Raises UsageError for what cannot be kept."""
        return self._ingest([batch])[0]

    def _ingest(self, batches: Sequence[Batch]) -> list[Ingested]:
        results = self.store.ingest_all(batches, undelete=self.undelete, dry_run=self.dry_run)
        ids = list(dict.fromkeys(name for result in results for name in result.ids))
        if self.tags and ids and not self.dry_run:
            self.store.tag(ids, add=self.tags)
        if self.redacts and ids and not self.dry_run:
            self.store.redactions.note_came_redacted(ids)
        return results


class Intake:
    """Takes in the records of one source, each piece led by the header of its conversation."""

    def __init__(self, batches: Batches, source_format: str, report: FileReport) -> None:
        self.batches = batches
        self.store = batches.store
        self.format = source_format
        self.report = report
        self.header: ConversationDraft | None = None
        self.current: str | None = None
        self.piece: list[ConversationDraft | MessageDraft] = []
        self.carried: list[ConversationDraft] = []
        self.chars = 0
        self.titles: list[TitleHint] = []
        self.orphans: dict[str | None, ConversationDraft] = {}
        self.names: set[str | None] = set()
        self.unfinished: Unfinished | None = None
        self.moved: dict[Any, str] = {}
        self.came: set[str] = set()

    def run(self, records: Iterable[Record]) -> None:
        """Take every record; what could not be linked on the way is linked once all is written."""
        try:
            for record in records:
                self._take(record)
        except UNREADABLE as error:
            self.report.errors.append(Problem("", reason(error)))
        except MALFORMED as error:
            self.report.errors.append(Problem("", f"not of the form that {self.format} has ({type(error).__name__})"))
        if self.unfinished is not None and not self.names:
            self.report.errors.append(Problem(self.unfinished.place, "the file ends in the middle of it"))
        self._hand_over()
        self.report.counts["conversations"] = len(self.names)
        self.batches.when_written(self._finish)

    def _finish(self) -> None:
        if self.orphans:
            self.write_by_itself(Batch(self.format, list(self.orphans.values()), self.moved, self.came))
        self.report.leans_on_others |= bool(self.orphans)
        for hint in self.titles if not self.batches.dry_run else ():
            found = self.store.title_by_message(self.format, hint.message_id, hint.title)
            self.report.leans_on_others |= not found

    def _take(self, record: Record) -> None:
        match record:
            case MessageDraft():
                self._take_message(record)
            case ConversationDraft():
                self._take_header(record)
            case Unfinished():
                self.unfinished = record
                self.report.left_out["unfinished last line"] += 1
            case Problem():
                self.report.errors.append(record)
            case LeftOut():
                self.report.left_out[record.what] += record.entries
            case TitleHint():
                self.titles.append(record)
            case Extra():
                self._take_extra(record)

    def _take_header(self, draft: ConversationDraft) -> None:
        if why := _unsound(draft):
            self.report.errors.append(Problem(f"conversation {len(self.names) + 1}", why))
            draft = ConversationDraft(id=draft.id, source_id=draft.source_id or draft.id)
        self.header, self.current = draft, draft.id or draft.source_id
        self.names.add(self.current)
        self.piece.append(draft)

    def _take_message(self, draft: MessageDraft) -> None:
        if why := _unsound(draft) or _unsound_message(draft):
            self.report.errors.append(Problem(f"message {self.report.counts['messages'] + 1}", why))
            return
        if draft.conversation is not None and draft.conversation != self.current:
            self.header, self.current = None, draft.conversation
            self.names.add(self.current)
        self.piece.append(draft)
        self.chars += len(draft.text) + (_chars(draft.parts) if draft.parts else 0)
        self.report.counts["messages"] += 1
        records, chars = self.batches.room()
        if len(self.piece) >= records or self.chars >= chars:
            self._hand_over()

    def _take_extra(self, extra: Extra) -> None:
        self._hand_over()
        self.batches.write()
        if self.batches.dry_run:
            return
        try:
            self.store.ingest_extra(extra)
        except UsageError as error:
            self.report.errors.append(Problem("", error.message))

    def _hand_over(self) -> None:
        """Give away what was gathered; the next piece begins with the header of the conversation that goes on."""
        piece, chars, self.chars = self.piece, self.chars, 0
        if piece != self.carried:
            self.carried = [self.header] if self.header is not None else []
            self.piece = [*self.carried]
            self.batches.take(self, Batch(self.format, piece, self.moved, self.came), chars)

    def note(self, records: Sequence[ConversationDraft | MessageDraft], result: Ingested) -> None:
        """Count what became of a piece."""
        for record in records if result.orphans else ():
            if isinstance(record, ConversationDraft) and record.source_id in result.orphans:
                self.orphans[record.source_id] = record
        for name in OUTCOMES:
            self.report.counts[name] += getattr(result, name)

    def write_by_itself(self, batch: Batch) -> None:
        """Write a piece; where something in it cannot be kept, write it message by message and name that one."""
        try:
            self.note(batch.records, self.batches.write_now(batch))
            return
        except UsageError:
            header: list[ConversationDraft | MessageDraft] = []
        for record in batch.records:
            is_header = isinstance(record, ConversationDraft)
            one = [record] if is_header else [*header, record]
            header = [record] if is_header else header
            try:
                self.note(one, self.batches.write_now(batch._replace(records=one)))
            except UsageError as error:
                self.report.errors.append(Problem(_place(record), error.message))


def _place(record: ConversationDraft | MessageDraft) -> str:
    kind = "message" if isinstance(record, MessageDraft) else "conversation"
    return f"{kind} {record.source_id}" if record.source_id else f"a {kind}"


def _chars(value: object) -> int:
    """Return about how many characters the strings in parts have."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return 0
    return sum(map(_chars, value))


def reason(error: Exception) -> str:
    """Return why a file could not be read, without anything of its content."""
    if isinstance(error, ChatlogError):
        return error.message
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "the archive is encrypted"
    return "the archive is damaged"


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
        if value and not _is_unicode(value):
            return f"{name} is not valid Unicode"
    if not isinstance(draft.metadata, Mapping):
        return "metadata is not an object"
    return None


def _is_unicode(text: str) -> bool:
    """Whether a text can be encoded: half of a surrogate pair cannot."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _unsound_message(draft: MessageDraft) -> str | None:
    if draft.role not in ROLES:
        return "the role is not one chatlog knows"
    if draft.importance is not None and draft.importance not in IMPORTANCES:
        return "the importance is not one chatlog knows"
    return None if all(isinstance(part, dict) for part in draft.parts or ()) else "a part is not an object"
