"""chatlog's own JSONL: lossless both ways, and the simplest way in for anyone's data.

A header line, then each conversation followed by its messages in order of seq and its summaries,
and at the end memories and tombstones (CLI.md section 4).  The same records in one JSON document, as
`json_document` writes them, are read here too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

from chatlog.formats import MALFORMED, Head, Transcript
from chatlog.formats.build import without
from chatlog.formats.ids import Chain, derived_id
from chatlog.formats.jsonstream import items, lines
from chatlog.formats.source import Source
from chatlog.models import (
    ROLES,
    ConversationDraft,
    Extra,
    LeftOut,
    MessageDraft,
    Problem,
    Record,
    is_well_formed,
    joined_text,
)
from chatlog.records import conversation_record, message_record
from chatlog.timespec import instant

VERSION = 1
HEADER = {"type": "chatlog", "version": VERSION}

_OUR_ID = re.compile(r"[a-z2-7]{26}")
#: The first key of a document, and how far into it to look for that.
_DOCUMENT = re.compile(r'"type"\s*:\s*"chatlog"')
_DOCUMENT_VERSION = re.compile(r'"version"\s*:\s*(\d{1,9})')
_OPENING_CHARS = 400
_EXTRAS = ("summary", "memory", "tombstone")
_TIMES = ("created_at", "updated_at", "deleted_at", "expires_at")
#: So much is shown of a time that is none.
_SHOWN_CHARS = 40


def sniff(head: Head) -> bool:
    """Recognise the header line, or lines of the types that follow it."""
    if not head.is_object:
        return False
    if is_document(head):
        return True
    if not head.objects:  # a first line longer than the head
        return head.keys >= {"type", "conversation", "role"}
    first = head.objects[0]
    if first.get("type") == "chatlog":
        return "version" in first
    return (first.get("type") == "message" and "conversation" in first and "role" in first) or (
        first.get("type") == "conversation" and "id" in first and "mapping" not in first
    )


def is_document(head: Head) -> bool:
    """Say whether a source that begins like this is one document with the records under ``items``."""
    return head.keys >= {"type", "version", "items"} and _DOCUMENT.search(head.text[:_OPENING_CHARS]) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield what each line holds; a line that holds nothing we know is a Problem."""
    head = Head.of(source)
    in_document = not head.is_array and is_document(head)
    if in_document and (version := _document_version(head)) > VERSION:
        yield Problem("the document", _newer(version))
    reader = _Reader()
    for line in items(source, "items") if in_document else lines(source):
        if isinstance(line, Problem):
            yield line
            continue
        try:
            yield from reader.record(line.value, line.place)
        except MALFORMED:
            yield Problem(line.place, "not a chatlog line")
        else:
            yield from _unread_times(line.value, line.place)
    if reader.sought:
        yield LeftOut(
            "parents that are not in the source (a message follows the one before where we have no such)",
            len(reader.sought),
        )


class _Reader:
    """Turns lines into records, remembering which seq of an export had which source id."""

    def __init__(self) -> None:
        self.chain = Chain()
        self.names: dict[str, dict[Any, str]] = {}
        self.given: set[int] = set()
        self.sought: set[int] = set()

    def record(self, value: Mapping[str, Any], place: str) -> Iterator[Record]:
        kind = value["type"]
        if kind == "message":
            yield (
                self.message(value)
                if value.get("role") in ROLES
                else Problem(place, "the role is not one chatlog knows")
            )
        elif kind == "conversation":
            yield conversation(value)
        elif kind in _EXTRAS:
            yield Extra(kind=kind, values=without(value, ("type",)))
        elif kind != "chatlog":
            yield Problem(place, "not a type of line chatlog knows")
        elif value["version"] > VERSION:
            yield Problem(place, _newer(value["version"]))

    def message(self, value: Mapping[str, Any]) -> MessageDraft:
        conversation_id = _name(value["conversation"])
        parts, text = value.get("parts"), value.get("text")
        draft = MessageDraft(
            role=value["role"],
            text=text if isinstance(text, str) else joined_text(parts or ()),
            parts=None if parts is None else tuple(dict(part) for part in parts),
            author=_text(value.get("author")),
            model=_text(value.get("model")),
            created_at=instant(value.get("created_at")),
            source_id=_optional_text(value.get("source_id")),
            conversation=conversation_id,
            key=_text(value.get("key")),
            hidden=_flag(value.get("hidden")),
            importance=value.get("importance"),
            metadata=dict(value.get("metadata") or {}),
        )
        if parts is None and not isinstance(text, str):
            raise ValueError("a message needs text or parts")
        if not all(map(is_well_formed, parts or ())):
            raise ValueError("the content of a text part is text")
        return self._ours(draft, value) if _is_ours(value) else self._theirs(draft, value)

    def _ours(self, draft: MessageDraft, value: Mapping[str, Any]) -> MessageDraft:
        """Link by seq, and by source id where the parent has one: its seq may be another here."""
        names: dict[Any, str] = self.names.setdefault(draft.conversation or "", {})
        if draft.source_id is not None:
            names[value["seq"]] = draft.source_id
        parent = value.get("parent")
        return draft._replace(seq=_number(value["seq"]), parent=names.get(parent, parent))

    def _theirs(self, draft: MessageDraft, value: Mapping[str, Any]) -> MessageDraft:
        if draft.source_id is not None:
            name = hash((draft.conversation, draft.source_id))
            self.given.add(name)
            self.sought.discard(name)
        if value.get("parent") is None:
            return self.chain.link(draft)
        parent = str(value["parent"])
        if (above := hash((draft.conversation, parent))) not in self.given:
            self.sought.add(above)
        own = draft.source_id or derived_id(parent, draft)
        return self.chain.note(draft._replace(parent=parent, source_id=own))


def _unread_times(value: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """Yield a problem for each time that is none of a conversation or message, which comes in without it."""
    for key in _TIMES if value["type"] in ("conversation", "message") else ():
        told = value.get(key)
        if told not in (None, "") and instant(told) is None:
            yield Problem(place, f"{key} is not a time chatlog knows: {str(told)[:_SHOWN_CHARS]!r}")


def _document_version(head: Head) -> int:
    found = _DOCUMENT_VERSION.search(head.text[:_OPENING_CHARS])
    return int(found[1]) if found else VERSION


def _newer(version: int) -> str:
    return f"version {int(version)} is newer than this chatlog knows"


def _is_ours(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("seq"), int) and _OUR_ID.fullmatch(str(value["conversation"])) is not None


def _text(value: Any) -> str | None:
    """Return text or None.  Raises TypeError for anything else."""
    if value is not None and not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _flag(value: Any) -> bool:
    """Return whether something is so; a table that was converted says "false" of what is not."""
    return bool(value) and str(value).lower() != "false"


def _tags(value: Any) -> tuple[str, ...]:
    """Return several tags, or the one that stands alone."""
    return (value,) if isinstance(value, str) else tuple(str(tag) for tag in value)


def _number(value: Any) -> int | None:
    """Return a whole number that a database can hold, or None.  Raises TypeError for anything else."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 62):
        raise TypeError("not a whole number")
    return value


def _name(value: Any) -> str:
    """Return what a conversation is called.  Raises ValueError for what calls it nothing."""
    if value in (None, ""):
        raise ValueError("a conversation without a name")
    return str(value)


def _optional_text(value: Any) -> str | None:
    return None if value is None else str(value)


def conversation(value: Mapping[str, Any]) -> ConversationDraft:
    """Return the draft of a conversation line; an id that is not one of ours becomes its source id."""
    name = _name(value["id"])
    ours = _OUR_ID.fullmatch(name) is not None
    return ConversationDraft(
        id=name if ours else None,
        source=_text(value.get("source")) if ours else None,
        source_id=_optional_text(value.get("source_id")) if ours else name,
        title=_text(value.get("title")),
        created_at=instant(value.get("created_at")),
        updated_at=instant(value.get("updated_at")),
        model=_text(value.get("model")),
        project=_text(value.get("project")),
        parent=_text(value.get("parent")),
        forked_at=_number(value.get("forked_at")),
        head=_number(value.get("head")) if ours else None,
        pinned=_flag(value.get("pinned")),
        archived=_flag(value.get("archived")),
        hold=_text(value.get("hold")),
        deleted_at=instant(value.get("deleted_at")),
        expires_at=instant(value.get("expires_at")),
        tags=_tags(value.get("tags") or ()),
        state=dict(value.get("state") or {}),
        metadata=dict(value.get("metadata") or {}),
        revision=_number(value.get("revision")) if ours else None,
    )


Extras = Callable[[str | None], Iterable[Extra]]


def no_extras(conversation_id: str | None) -> Iterable[Extra]:  # noqa: ARG001  one of many Extras
    """Return nothing: for an export of messages alone."""
    return ()


def write(transcripts: Iterable[Transcript], out: IO[str], extras: Extras = no_extras) -> None:
    """Write a record a line; `extras` gives the summaries of a conversation, and with None the rest."""
    _line(out, HEADER)
    for record in written(transcripts, extras):
        _line(out, record)


def written(transcripts: Iterable[Transcript], extras: Extras) -> Iterator[dict[str, Any]]:
    """Yield the records of conversations as JSON has them, their type first.

    Tokens are left out: counted when somebody asks, they would make two exports of the same history differ.
    """
    for found, messages in transcripts:
        yield {"type": "conversation", **conversation_record(found), "tokens": None}
        for message in messages:
            yield {"type": "message", **message_record(message), "tokens": None}
        for extra in extras(found.id):
            yield {"type": extra.kind, **extra.values}
    for extra in extras(None):
        yield {"type": extra.kind, **extra.values}


def _line(out: IO[str], value: Mapping[str, Any]) -> None:
    out.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
