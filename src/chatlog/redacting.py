"""Redaction as a verb: in place (a plan, then its application), on the way in, and on the way out.

The plan holds other words for what it found, never what it found; the dry run prints that very plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from chatlog.canonical import content_hash
from chatlog.models import (
    Conversation,
    ConversationDraft,
    Extra,
    Hit,
    Message,
    MessageDraft,
    Part,
    Record,
    TitleHint,
    joined_text,
)
from chatlog.redaction import Redactor, in_words
from chatlog.store import Store

#: So much is replaced in one transaction.
BATCH = 20
HELD = "on legal hold"
#: The fields of a conversation that hold words.
FIELDS = ("title", "project", "state", "metadata")


@dataclass(slots=True)
class Item:
    """A conversation in which something was found."""

    conversation: Conversation
    kinds: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """What was found, by kind."""
        return in_words(self.kinds)

    def record(self) -> dict[str, Any]:
        """Return the machine form; the title as it will be."""
        return {
            "id": self.conversation.id,
            "title": self.changes.get("title", self.conversation.title),
            "updated_at": self.conversation.updated_at,
            "reason": self.reason,
            "messages": self.messages,
            "kinds": dict(sorted(self.kinds.items())),
        }


@dataclass(slots=True)
class Plan:
    """What a redaction would change, by conversation; `kinds` counts what forks share once."""

    items: dict[str, Item] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    said: list[tuple[int, MessageDraft]] = field(default_factory=list)
    noted: list[tuple[tuple[str, int], Any]] = field(default_factory=list)
    messages: int = 0
    bytes: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.said or self.noted or any(item.changes for item in self.items.values()))

    def record(self, *, dry_run: bool, complete: bool | None = None) -> dict[str, Any]:
        """Return the machine form."""
        return {
            "dry_run": dry_run,
            "conversations": len(self.items),
            "messages": self.messages,
            "bytes": self.bytes,
            "kinds": dict(sorted(self.kinds.items())),
            "items": [item.record() for item in self.items.values()],
            "skipped": [{"id": name, "reason": reason} for name, reason in self.skipped.items()],
            "complete": complete,
        }


# in place


def plan(store: Store, conversations: Sequence[Conversation], redactor: Redactor, *, memories: bool = False) -> Plan:
    """Look for what a redactor finds in conversations; what is on hold is left out, and named."""
    found = Plan(skipped={c.id: HELD for c in conversations if c.hold is not None})
    chosen = {c.id: c for c in conversations if c.hold is None}
    known = _Known(store, conversations)
    for said in store.redactions.said([*chosen]):
        draft, kinds = _counted(redactor, lambda r, draft=said.draft: message_draft(r, draft))
        if draft is said.draft:
            continue
        if held := [name for name in said.conversations if known[name].hold is not None]:
            found.skipped |= dict.fromkeys(held, HELD)
            continue
        found.said.append((said.handle, draft))
        found.kinds += kinds
        found.bytes += len(said.draft.text.encode("utf-8", "surrogatepass"))
        for name in said.conversations:
            item = found.items.setdefault(name, Item(known[name]))
            item.kinds += kinds
            item.messages += 1
            found.messages += 1
    for conversation in {**chosen, **{name: item.conversation for name, item in found.items.items()}}.values():
        _plan_fields(found, conversation, redactor)
    for note in store.redactions.noted([*chosen], memories=memories):
        value, kinds = _counted(redactor, lambda r, value=note.value: r.value(value))
        if value is not note.value:
            found.noted.append((note.handle, value))
            found.kinds += kinds
            if note.conversation is not None:
                found.items.setdefault(note.conversation, Item(chosen[note.conversation])).kinds += kinds
    return found


class _Known(dict[str, Conversation]):
    """Conversations by id: the chosen ones, and once another is asked for, all of them."""

    def __init__(self, store: Store, chosen: Iterable[Conversation]) -> None:
        super().__init__((conversation.id, conversation) for conversation in chosen)
        self.store = store

    def __missing__(self, name: str) -> Conversation:
        self.update((conversation.id, conversation) for conversation in self.store.redactions.conversations())
        return dict.__getitem__(self, name) if name in self else self.store.get(name)


def _plan_fields(found: Plan, conversation: Conversation, redactor: Redactor) -> None:
    for name in FIELDS:
        value = getattr(conversation, name)
        clean, kinds = _counted(redactor, lambda r, value=value: r.value(value))
        if clean is not value:
            item = found.items.setdefault(conversation.id, Item(conversation))
            item.changes[name] = clean
            item.kinds += kinds
            found.kinds += kinds


def _counted(redactor: Redactor, action: Any) -> tuple[Any, Counter[str]]:
    before = Counter(redactor.counts)
    done = action(redactor)
    return done, redactor.counts - before


def apply(store: Store, found: Plan) -> bool:
    """Carry a plan out; whether nothing of what was replaced is left in the file."""
    redactions = store.redactions
    for start in range(0, len(found.said), BATCH):
        done = redactions.replace(found.said[start : start + BATCH])
        found.skipped |= dict.fromkeys(done.held, HELD)
    for name, item in found.items.items():
        if item.changes:
            redactions.rewrite(name, item.changes)
    if found.noted:
        redactions.renote(found.noted)
    store.record(
        "redact", conversations=len(found.items), messages=found.messages, bytes=found.bytes, kinds=dict(found.kinds)
    )
    return redactions.finish()


# on the way in


def records(redactor: Redactor, found: Iterable[Record]) -> Iterator[Record]:
    """Yield a reader's records redacted."""
    for record in found:
        yield _record(redactor, record)


def still(store: Store, source: str, redactor: Redactor, found: Iterable[Record]) -> Iterator[Record]:
    """Yield a reader's records, redacted where their conversation came in redacted before."""
    names: set[str | None] = set()
    current = None
    for record in found:
        if isinstance(record, ConversationDraft):
            current = record.id or record.source_id
            if current is not None and store.redactions.came_redacted(source, current):
                names.add(current)
        name = record.conversation if isinstance(record, MessageDraft) else None
        beside = isinstance(record, (TitleHint, Extra)) and bool(names)
        yield _record(redactor, record) if beside or (name or current) in names else record


def _record(redactor: Redactor, record: Record) -> Record:
    match record:
        case MessageDraft():
            return message_draft(redactor, record)
        case ConversationDraft():
            changes = {name: redactor.value(getattr(record, name)) for name in FIELDS}
            return replace(record, **changes)
        case Extra():
            return (
                record if record.kind == "tombstone" else record._replace(values=extra_values(redactor, record.values))
            )
        case TitleHint():
            return record._replace(title=redactor.value(record.title))
        case _:
            return record


def extra_values(redactor: Redactor, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values of a summary or memory with their words redacted, and the command that wrote it."""
    said = ("text", "value", "method")
    return {name: redactor.value(value) if name in said else value for name, value in values.items()}


def message_draft(redactor: Redactor, draft: MessageDraft) -> MessageDraft:
    """Return a draft with text, parts, author and metadata redacted; the very same where nothing was found."""
    if not isinstance(draft.text, str):
        return draft
    parts, text = _said(redactor, draft.parts, draft.text)
    author, metadata = redactor.value(draft.author), redactor.value(draft.metadata)
    if parts is draft.parts and text is draft.text and author is draft.author and metadata is draft.metadata:
        return draft
    return replace(draft, text=text, parts=parts, author=author, metadata=metadata)


def _said(redactor: Redactor, parts: tuple[Part, ...] | None, text: str) -> tuple[tuple[Part, ...] | None, str]:
    """Return parts and text redacted; a text that is said in both is counted once."""
    if parts is None:
        return None, redactor.text(text)
    clean = tuple(
        part if not isinstance(part, dict) else redactor.value(part) if part.get("type") != "blob" else part
        for part in parts
    )
    same = all(new is old for new, old in zip(clean, parts, strict=True))
    if same:
        clean = parts
    if text == joined_text(parts):
        return clean, text if same else joined_text(clean)
    return clean, redactor.text(text)


# on the way out


def message(redactor: Redactor, found: Message) -> Message:
    """Return a message redacted, its hash that of what it says now."""
    draft = MessageDraft(
        role=found.role, text=found.text, parts=found.parts, author=found.author, metadata=found.metadata
    )
    clean = message_draft(redactor, draft)
    if clean is draft:
        return found
    return found._replace(
        text=clean.text,
        parts=clean.parts,
        author=clean.author,
        metadata=clean.metadata,
        tokens=None,
        sha256=content_hash(found.role, clean.parts, clean.text).hex(),
    )


def conversation(redactor: Redactor, found: Conversation) -> Conversation:
    """Return a conversation with title, project, state and metadata redacted."""
    return found._replace(**{name: redactor.value(getattr(found, name)) for name in FIELDS})


class _Windows:
    """What contexts are assembled from, redacted; what changed is counted anew."""

    def __init__(self, store: Store, redactor: Redactor) -> None:
        self._windows = store.windows
        self._redactor = redactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._windows, name)

    def opening(self, *arguments: Any) -> Any:
        found = self._windows.opening(*arguments)
        system, kept = ([message(self._redactor, one) for one in some] for some in (found.system, found.kept))
        return found._replace(system=tuple(system), kept=tuple(kept))

    def tail(self, name: str, encoding: str, count: Any, **options: Any) -> list[Any]:
        counted = []
        for found in self._windows.tail(name, encoding, count, **options):
            clean = message(self._redactor, found.message)
            tokens = found.tokens if clean is found.message or clean.hidden else count(clean)
            counted.append(found._replace(message=clean, tokens=tokens))
        return counted

    def memories(self, *arguments: Any, **options: Any) -> list[Any]:
        found = self._windows.memories(*arguments, **options)
        return [memory._replace(value=self._redactor.value(memory.value)) for memory in found]


class _Summaries:
    """Summaries, redacted."""

    def __init__(self, store: Store, redactor: Redactor) -> None:
        self._summaries = store.summaries
        self._redactor = redactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._summaries, name)

    def latest(self, name: str) -> dict[str, Any]:
        found = self._summaries.latest(name)
        return {kind: one._replace(text=self._redactor.text(one.text)) for kind, one in found.items()}


class _View:
    """A store that reads redacted; everything else is the store's own."""

    def __init__(self, store: Store, redactor: Redactor) -> None:
        self._store = store
        self._redactor = redactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @property
    def windows(self) -> _Windows:
        return _Windows(self._store, self._redactor)

    @property
    def summaries(self) -> _Summaries:
        return _Summaries(self._store, self._redactor)

    def get(self, ref: str, **options: Any) -> Conversation:
        return conversation(self._redactor, self._store.get(ref, **options))

    def conversations(self, *arguments: Any, **options: Any) -> Any:
        page = self._store.conversations(*arguments, **options)
        return page._replace(items=tuple(conversation(self._redactor, item) for item in page.items))

    def message(self, name: str, seq: int) -> Message:
        return message(self._redactor, self._store.message(name, seq))

    def messages(self, *arguments: Any, **options: Any) -> Iterator[Message]:
        return (message(self._redactor, found) for found in self._store.messages(*arguments, **options))

    def around(self, *arguments: Any, **options: Any) -> list[Message]:
        return [message(self._redactor, found) for found in self._store.around(*arguments, **options)]

    def match(self, *arguments: Any, **options: Any) -> list[Hit]:
        return [self._hit(hit) for hit in self._store.match(*arguments, **options)]

    def scan(self, *arguments: Any, **options: Any) -> Iterator[Hit]:
        return (self._hit(hit) for hit in self._store.scan(*arguments, **options))

    def extras(self, name: str | None = None) -> Iterator[Extra]:
        return cast("Iterator[Extra]", records(self._redactor, self._store.extras(name)))

    def _hit(self, hit: Hit) -> Hit:
        return hit._replace(message=message(self._redactor, hit.message), title=self._redactor.value(hit.title))


def view(store: Store, redactor: Redactor) -> Store:
    """Return a store whose every message and conversation is read redacted: for what leaves the machine."""
    return cast("Store", _View(store, redactor))
