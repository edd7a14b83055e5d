"""Makers of sources, conversations and messages for the tests of formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import Head
from chatlog.formats.archive import sources
from chatlog.formats.source import Source, files
from chatlog.models import Conversation, ConversationDraft, Message, MessageDraft, Record

DATA = Path(__file__).parents[1] / "data"
SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"
MADE_AT = "2026-01-31T10:00:00.000Z"


def sample(name: str) -> Path:
    """Return a real file, or skip the test where the samples are not there."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip("the real files are not beside this repository")
    return path


def manifest(form: str) -> dict[str, dict[str, str]]:
    """Return what the manifest says of the real files of a format, by their names; nothing where it is not there."""
    path = SAMPLES / "MANIFEST.tsv"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {Path(row["path"]).name: row for row in csv.DictReader(lines, delimiter="\t") if row["format"] == form}


def source_of(text: str | bytes, name: str = "chat.jsonl") -> Source:
    """Return a source that holds the text."""
    data = text.encode() if isinstance(text, str) else text
    return Source(name=name, opener=lambda: io.BytesIO(data), size=len(data))


def walk(path: Path) -> Iterator[Source]:
    """Yield the sources below `path`: the file itself, a folder's files, a zip's members."""
    for file in files(path):
        yield from sources(file)


def head_of(source: Source) -> Head:
    """Return what a sniffer sees of a source."""
    return Head(source.name, source.head())


def json_lines(*values: Any) -> str:
    """Return the values as JSONL."""
    return "".join(json.dumps(value) + "\n" for value in values)


def conversations(records: Iterable[Record]) -> list[ConversationDraft]:
    """Return the conversations among records."""
    return [record for record in records if isinstance(record, ConversationDraft)]


def messages(records: Iterable[Record]) -> list[MessageDraft]:
    """Return the messages among records."""
    return [record for record in records if isinstance(record, MessageDraft)]


def links(records: Iterable[Record]) -> list[tuple[str | None, str | int | None]]:
    """Return which message follows which: their ids and their parents."""
    return [(message.source_id, message.parent) for message in messages(records)]


def head(records: Iterable[Record]) -> str | int | None:
    """Return the active leaf of the last conversation."""
    return conversations(records)[-1].head


def said(records: Iterable[Record]) -> list[tuple[str, str]]:
    """Return who says what."""
    return [(message.role, message.text) for message in messages(records)]


def part(number: int) -> Callable[[MessageDraft], Any]:
    """Return what looks at one part of a message."""
    return lambda message: (message.parts or ())[number]


def fact(key: str) -> Callable[[MessageDraft], Any]:
    """Return what looks at one of a message's further facts."""
    return lambda message: message.metadata.get(key)


def text(message: MessageDraft) -> str:
    """Return a message's words: what looks at them where `part` and `fact` look at others."""
    return message.text


def stored(*drafts: MessageDraft, conversation: str = "c") -> Iterator[Message]:
    """Yield drafts as messages the way a store gives them back."""
    for seq, draft in enumerate(drafts, 1):
        yield Message(
            conversation=conversation,
            seq=seq,
            parent=seq - 1 or None,
            role=draft.role,
            author=draft.author,
            text=draft.text,
            parts=draft.parts,
            model=draft.model,
            created_at=draft.created_at or MADE_AT,
            tokens=None,
            sha256="",
            source_id=draft.source_id,
            key=None,
            hidden=draft.hidden,
            importance=None,
            metadata=draft.metadata,
        )


def talk(**facts: Any) -> Conversation:
    """Return a conversation with the facts given and harmless ones otherwise."""
    values: dict[str, Any] = {
        "id": "c7q2",
        "user": "local",
        "title": "A talk",
        "source": None,
        "source_id": None,
        "parent": None,
        "forked_at": None,
        "model": None,
        "project": None,
        "created_at": MADE_AT,
        "updated_at": MADE_AT,
        "pinned": False,
        "archived": False,
        "hold": None,
        "deleted_at": None,
        "expires_at": None,
        "tags": (),
        "messages": 2,
        "tokens": None,
        "head": None,
        "revision": 1,
        "state": {},
        "metadata": {},
    }
    return Conversation(**{**values, **facts})
