"""A reading of a source by any reader, which checks what must hold for every source; and damage to sources."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatlog.formats import Reader
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem

from .damage import checked
from .making import head_of, source_of


@dataclass
class Read:
    """What a source was read as."""

    conversations: dict[str, ConversationDraft] = field(default_factory=dict)
    messages: dict[str, dict[str, MessageDraft]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def conversation(self) -> ConversationDraft:
        """The only conversation."""
        (conversation,) = self.conversations.values()
        return conversation

    @property
    def only(self) -> list[MessageDraft]:
        """The messages of the only conversation."""
        (messages,) = self.messages.values()
        return list(messages.values())

    def all(self) -> Iterator[MessageDraft]:
        """Yield the messages of all conversations."""
        for messages in self.messages.values():
            yield from messages.values()

    @property
    def said(self) -> list[tuple[str, str]]:
        """Who says what, but for what is hidden."""
        return [(message.role, message.text) for message in self.all() if not message.hidden]

    @property
    def hidden(self) -> list[tuple[str, str, str]]:
        """What is hidden: whose, why, and the words."""
        return [(m.role, m.metadata["hidden_reason"], m.text) for m in self.all() if m.hidden]

    def path(self, conversation: str | None = None) -> list[str]:
        """Return the ids from the root to the active leaf."""
        name = conversation or next(iter(self.conversations))
        path, at = [], self.conversations[name].head
        while at in self.messages[name]:
            path.append(str(at))
            at = self.messages[name][str(at)].parent
        return path[::-1]

    def on_path(self, conversation: str | None = None) -> list[str]:
        """Return the words from the root to the active leaf, but for what is hidden."""
        name = conversation or next(iter(self.conversations))
        found = [self.messages[name][source_id] for source_id in self.path(name)]
        return [message.text for message in found if not message.hidden]


def read(reader: Reader, source: Source | Path) -> Read:
    """Read a source, and check what holds for every one."""
    found = Read()
    current = ""
    for record in checked(reader.read(file_source(source) if isinstance(source, Path) else source)):
        match record:
            case ConversationDraft():
                current = str(record.source_id)
                found.conversations[current] = record
                found.messages.setdefault(current, {})
            case MessageDraft():
                found.messages[record.conversation or current][str(record.source_id)] = record
            case LeftOut():
                found.left_out[record.what] = record.entries
            case Problem():
                found.problems.append(record)
    return found


def by_id(found: Read, name: str) -> MessageDraft:
    """Return the message of this id."""
    return next(draft for draft in found.all() if draft.source_id == name)


def part(found: Read, name: str, kind: str, number: int = 0) -> dict[str, Any]:
    """Return a message's part of a kind: the first, or that number of it."""
    return [made for made in by_id(found, name).parts or () if made["type"] == kind][number]


_WRONG: tuple[Any, ...] = (None, 7, -1.5, True, "x", "", [], {}, [[]], [None], {"a": 1}, [{"type": "text"}])


def damaged(value: Any, chance: random.Random) -> Any:
    """Return a copy of a JSON value in which one thing is of another type, or gone."""
    wrong = copy.deepcopy(value)
    places = [(holder, key) for holder, key in _places(wrong)]
    if not places:
        return chance.choice(_WRONG)
    holder, key = chance.choice(places)
    if chance.random() < 0.25:
        del holder[key]
    else:
        holder[key] = copy.deepcopy(chance.choice(_WRONG))
    return wrong


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield value, key
            yield from _places(item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield value, number
            yield from _places(item)


def survives_damage(reader: Reader, path: Path, rounds: int) -> list[Read]:
    """Read a file cut off at many places and with many a value of a wrong type; return what came of it.

    Nothing may escape but problems that name a place and hold no text of the source.
    """
    data, chance = path.read_bytes(), random.Random(path.name)
    cuts = sorted(chance.randrange(len(data)) for _ in range(rounds))
    texts: list[str | bytes] = [data[:cut] for cut in cuts]
    texts += [_damaged_text(data.decode(), chance) for _ in range(rounds)]
    sources = [source_of(text, path.name) for text in texts]
    assert True in [reader.sniff(head_of(source)) for source in sources]
    found = [read(reader, source) for source in sources]
    for problem in (problem for reading in found for problem in reading.problems):
        assert problem.place
        assert len(problem.reason) < 120
    return found


def _damaged_text(text: str, chance: random.Random) -> str:
    try:
        return json.dumps(damaged(json.loads(text), chance))
    except ValueError:
        values = [json.loads(line) for line in text.split("\n") if line]
    number = chance.randrange(len(values))
    values[number] = damaged(values[number], chance)
    return "".join(json.dumps(value) + "\n" for value in values)
