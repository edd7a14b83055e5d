"""Redaction as a verb: in place (a plan, then its application), and on the way in; `outgoing` is the way out.

The plan holds other words for what it found, never what it found; the dry run prints that very plan.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar

from chatlog.models import (
    Conversation,
    ConversationDraft,
    Extra,
    MessageDraft,
    Part,
    Record,
    TitleHint,
    joined_text,
)
from chatlog.redaction import Names, Redactor, in_words
from chatlog.store import Store
from chatlog.store.forgetting import REDACTION
from chatlog.store.redactions import Handle
from chatlog.titles import title_from

Clean = TypeVar("Clean")

#: So many messages are replaced in one transaction.
BATCH = 20
HELD = "on legal hold"
#: The fields of a conversation that hold words.
FIELDS = ("title", "project", "tags", "state", "metadata")
#: The fields of a memory or summary that do, among them the command that wrote it; a memory's place comes first.
SAID = ("namespace", "key", "tags", "value", "text", "method")


@dataclass(slots=True)
class Item:
    """A conversation in which something was found."""

    conversation: Conversation
    kinds: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    changes: dict[str, Any] = field(default_factory=dict)
    titles: dict[str, str | None] = field(default_factory=dict)

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

    redactor: Redactor
    items: dict[str, Item] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    said: list[tuple[int, MessageDraft]] = field(default_factory=list)
    noted: list[Handle] = field(default_factory=list)
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
    found = Plan(redactor, skipped={c.id: HELD for c in conversations if c.hold is not None})
    chosen = {c.id: c for c in conversations if c.hold is None}
    known = _Known(store, conversations)
    for said in store.redactions.said([*chosen]):
        draft, kinds = _counted(redactor, partial(message_draft, draft=said.draft))
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
            item.titles |= retitled(known[name].title, said.draft.text, draft.text)
            found.messages += 1
    touched = {**chosen, **{name: item.conversation for name, item in found.items.items()}}
    for conversation in touched.values():
        _plan_fields(found, conversation, redactor)
    for note in store.redactions.noted([*touched], memories=memories):
        changes, kinds = _counted(redactor, partial(noted, values=note.values))
        if changes:
            found.noted.append(note.handle)
            found.kinds += kinds
            if note.conversation is not None:
                found.items.setdefault(note.conversation, Item(touched[note.conversation])).kinds += kinds
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
    titles = found.items[conversation.id].titles if conversation.id in found.items else {}
    changes, kinds = _counted(redactor, partial(fields, found=conversation, titles=titles))
    if changes:
        item = found.items.setdefault(conversation.id, Item(conversation))
        item.changes = changes
        item.kinds += kinds
        found.kinds += kinds


def fields(
    redactor: Redactor, found: Conversation | ConversationDraft, titles: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """Return the fields of a conversation in which something was found, redacted; `titles` are other ones for some."""
    changes = _changed(redactor, {name: getattr(found, name) for name in FIELDS})
    return {**changes, "title": titles[found.title]} if titles and found.title and found.title in titles else changes


def retitled(title: str | None, text: str, clean: str) -> dict[str, str | None]:
    """Return a title that a text was cut to, with that of the redacted text: a secret that was cut is none to see."""
    return {title: title_from(clean)} if title and text != clean and title == title_from(text) else {}


def noted(redactor: Redactor, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a summary or memory in which something was found, redacted."""
    return _changed(redactor, {name: values[name] for name in SAID if name in values})


def _changed(redactor: Redactor, values: Mapping[str, Any]) -> dict[str, Any]:
    clean = {name: redactor.value(value) for name, value in values.items()}
    return {name: value for name, value in clean.items() if value is not values[name]}


def _counted(redactor: Redactor, action: Callable[[Redactor], Clean]) -> tuple[Clean, Counter[str]]:
    """Return what an action of a redactor gives, and what it found, by kind."""
    before = Counter(redactor.counts)
    done = action(redactor)
    return done, redactor.counts - before


def apply(store: Store, found: Plan) -> bool:
    """Carry a plan out; whether nothing of what was replaced is left in the file."""
    redactions = store.redactions
    store.forgetting.begin_chore([REDACTION])
    store.record(  # first: it stands there too where the rest is for another run
        "redact", conversations=len(found.items), messages=found.messages, bytes=found.bytes, kinds=dict(found.kinds)
    )
    for start in range(0, len(found.said), BATCH):
        held = redactions.replace(found.said[start : start + BATCH])
        found.skipped |= dict.fromkeys(held, HELD)
    for name, item in found.items.items():
        if item.changes:
            redactions.rewrite(name, partial(fields, found.redactor, titles=item.titles))
    made = [note.handle for note in redactions.noted([*found.items], memories=False)]  # some of them since the plan
    redactions.renote([*dict.fromkeys([*found.noted, *made])], partial(noted, found.redactor))
    store.sources.forget(partial(_names, found.redactor))  # a file may be called as what was in it
    return finish(store)


def _names(redactor: Redactor, known: str) -> bool:
    """Whether anything is found in the names of files, with their endings or without."""
    return any(redactor.spans(names) for names in (known, re.sub(r"\.\w{1,9}(?=[\0\"]|$)", "", known)))


def unfinished(store: Store) -> bool:
    """Whether what a redaction replaced may still be in the file: it was interrupted, or kept from its end."""
    return REDACTION in store.forgetting.chores()


def finish(store: Store) -> bool:
    """Take what was replaced out of the file; whether nothing of it is left."""
    done = store.redactions.finish()
    if done:
        store.forgetting.end_chores([REDACTION])
    return done


# on the way in


class _Places:
    """Where redacted memories go: no two of them to one place, and each to the same whenever it comes."""

    def __init__(self) -> None:
        self.given: dict[tuple[Any, str], str] = {}
        self.names: defaultdict[Any, Names] = defaultdict(Names)

    def key(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Any:
        """Return the key of a memory in the namespace where it is now."""
        if not isinstance(before.get("key"), str):
            return before.get("key")
        place = str(before.get("namespace")), before["key"]
        if place not in self.given:
            self.given[place] = self.names[str(after.get("namespace"))].claim(after["key"])
        return self.given[place]


def records(redactor: Redactor, found: Iterable[Record]) -> Iterator[Record]:
    """Yield a reader's records redacted."""
    places = _Places()
    for record in found:
        yield _record(redactor, record, places)


def still(store: Store, source: str, redactor: Redactor, found: Iterable[Record]) -> Iterator[Record]:
    """Yield a reader's records, redacted where their conversation came in redacted before."""
    came = cache(partial(store.redactions.came_redacted, source))
    current: object = None
    any_did, places = False, _Places()
    for record in found:
        match record:
            case ConversationDraft():
                current = record.id or record.source_id
            case MessageDraft(conversation=str(name)):  # it may have no header, or one behind it
                current = name
        about = record.values.get("conversation") if isinstance(record, Extra) else current
        did = isinstance(about, str) and came(about)
        any_did |= did
        if isinstance(record, TitleHint):  # of a session that may be in another file
            did = any_did or came(record.message_id, is_message=True)
        elif isinstance(record, Extra):
            did |= any_did and about is None
        yield _record(redactor, record, places) if did else record


def _record(redactor: Redactor, record: Record, places: _Places) -> Record:
    match record:
        case MessageDraft():
            return message_draft(redactor, record)
        case ConversationDraft():
            return record._replace(**fields(redactor, record))
        case Extra(kind="memory"):
            values = {**record.values, **noted(redactor, record.values)}
            return record._replace(values={**values, "key": places.key(record.values, values)})
        case Extra(kind="summary"):
            return record._replace(values={**record.values, **noted(redactor, record.values)})
        case TitleHint():
            return record._replace(title=redactor.value(record.title))
        case _:
            return record


def message_draft(redactor: Redactor, draft: MessageDraft) -> MessageDraft:
    """Return a draft with text, parts, author and metadata redacted; the very same where nothing was found."""
    if not isinstance(draft.text, str):
        return draft
    parts, text = _said(redactor, draft.parts, draft.text)
    author, metadata = redactor.value(draft.author), redactor.value(draft.metadata)
    if parts is draft.parts and text is draft.text and author is draft.author and metadata is draft.metadata:
        return draft
    return draft._replace(text=text, parts=parts, author=author, metadata=metadata)


def _said(redactor: Redactor, parts: tuple[Part, ...] | None, text: str) -> tuple[tuple[Part, ...] | None, str]:
    """Return parts and text redacted; a text that is said in both is counted once."""
    if parts is None:
        return None, redactor.text(text)
    clean = tuple(_part(redactor, part) for part in parts)
    same = all(new is old for new, old in zip(clean, parts, strict=True))
    if same:
        clean = parts
    if text == joined_text(parts):
        return clean, text if same else joined_text(clean)
    return clean, redactor.text(text)


def _part(redactor: Redactor, part: Part) -> Part:
    """Return a part redacted; of a blob all but what it holds, which is no text."""
    if not isinstance(part, dict):
        return part
    if part.get("type") != "blob" or "content" not in part:
        clean: Part = redactor.part(part)
        return clean
    beside = {name: value for name, value in part.items() if name != "content"}
    clean = redactor.part(beside)
    return part if clean is beside else {**clean, "content": part["content"]}
