"""OpenHands' conversations: a folder of events, one file each, or the same events in one file.

Reads the events of the first version (``action`` or ``observation``) and of the second (``kind``).
What an event says is `openhands_classic`'s and `openhands_events`' matter; here they become messages:
the calls of one answer are one message, whatever came between them, and each result is its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids, openhands_classic, openhands_events
from chatlog.formats.beside import beside
from chatlog.formats.jsonstream import BROKEN_JSON, Line, document
from chatlog.formats.openhands_events import Event, Told
from chatlog.formats.records import records
from chatlog.formats.source import UNREADABLE, Source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record, joined_text
from chatlog.timespec import instant

#: The first event of each conversation; the others are read with it.
LOCATIONS = (
    "~/.openhands/conversations/*/events/event-00000-*.json",
    "$OPENHANDS_CONVERSATIONS_DIR/*/events/event-00000-*.json",
    "$OPENHANDS_PERSISTENCE_DIR/conversations/*/events/event-00000-*.json",
    "~/.openhands/sessions/*/events/0.json",
    "~/.openhands-state/sessions/*/events/0.json",
)
_COMMON = {"id", "timestamp", "source"}
_TELLING = ("kind", "system_prompt", "llm_message", "action", "observation")
_SOURCE = re.compile(r'"source"\s*:\s*"(?:user|agent|environment|hook)"')
#: A file that holds one event: its number, and the conversation's folder where that is known.
_EVENT_FILE = re.compile(
    r"(?:(?P<folder>[^/\\!]+)[/\\]events[/\\])?(?:event[-_](?P<new>\d+)[-_][^/\\!]+|(?P<old>\d+))\.json$"
)
#: Copies of the events that OpenHands keeps to be quicker.
_CACHE = re.compile(r"event_cache[/\\][^/\\!]+$")
_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


def sniff(head: Head) -> bool:
    """Say whether these are OpenHands' events, the first where each has a file of its own."""
    if not head.is_json or not head.keys >= _COMMON or head.keys.isdisjoint(_TELLING) or _CACHE.search(head.name):
        return False
    number = _number(head.name) if not head.is_array else None
    return not number and _SOURCE.search(head.text) is not None


def _number(name: str) -> int | None:
    found = _EVENT_FILE.search(name)
    return int(found["new"] or found["old"]) if found else None


def read(source: Source) -> Iterator[Record]:
    """Yield the conversation, its messages, what could not be read, and counts of what is no message."""
    state = _state(source)
    found = _Conversation(openhands_events.usages(state))
    for entry in _events(source):
        if isinstance(entry, Problem):
            found.problems.append(entry)
        else:
            found.take(entry)
    if found.drafts:
        yield found.conversation(source, state)
        yield from map(_Answer.message, found.drafts)
    yield from found.problems
    yield from build.left_out(dict(sorted(found.counts.items())))


def _state(source: Source) -> Event:
    """Return what the files around the events say of the conversation."""
    told: dict[str, Any] = {}
    for name in ("../metadata.json", "meta.json", "../base_state.json") if _number(source.name) == 0 else ():
        told |= build.mapping(beside(source, name))
    return told


def _events(source: Source) -> Iterator[Line | Problem]:
    """Yield the events of a file, or of all files in the folder of a first one."""
    if _number(source.name) != 0 or source.folder is None:
        yield from records(source)
        return
    named = ((number, name) for name in source.folder.names(".") if (number := _number(name)) is not None)
    for number, name in sorted(named):
        held = source.sibling(name.removeprefix("./"))
        try:
            value = document(held) if held else None
        except BROKEN_JSON:
            yield Problem(f"event {number}", "not valid JSON")
            continue
        except UNREADABLE:
            yield Problem(f"event {number}", "its file cannot be read")
            continue
        yield Line(f"event {number}", value, number)


def _id(value: Any) -> str:
    """Return an event's id, which was a number in the first version."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise TypeError("an id that is none")
    return str(value)


@dataclass(slots=True)
class _Answer:
    """A message in the making: an answer may still get calls."""

    told: Told
    source_id: str
    parent: str | None
    created_at: str | None

    def message(self) -> MessageDraft:
        """Return the message."""
        told, text = self.told, self.told.text
        shown = joined_text(told.parts) if text is None else text
        return build.message(
            told.role,
            told.parts,
            shown,
            reason=told.reason,
            author=told.author,
            model=told.model,
            created_at=self.created_at,
            source_id=self.source_id,
            parent=self.parent,
            metadata=told.facts,
        )


@dataclass(slots=True)
class _Conversation:
    """The messages of a conversation, and where each of its events leads."""

    usages: Mapping[str, Event]
    drafts: list[_Answer] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    answers: dict[str, _Answer] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    folder: str | None = None

    def take(self, line: Line) -> None:
        """Take an event in."""
        try:
            event = line.value
            name = _id(event["id"])
            read_event = openhands_events.told if "kind" in event else openhands_classic.told
            told = read_event(event, self.counts)
            self.folder = self.folder or openhands_events.folder(event)
            self._place(name, event, told)
        except MALFORMED:
            self.problems.append(Problem(line.place, "not an event of the shape that OpenHands writes"))

    def _place(self, name: str, event: Event, told: Told | None) -> None:
        before = self.places.get(str(event.get("parent_id"))) or (self.drafts[-1].source_id if self.drafts else None)
        if told is None:
            if before is not None:
                self.places[name] = before
            return
        known = self.answers.get(told.answer or "")
        if known is not None:
            known.told.add(told)
            self.places[name] = self.drafts[-1].source_id
            return
        told.use(self.usages.get(told.answer or "", {}))
        own = name if name not in self.places else f"{name}#{len(self.drafts) + 1}"
        made = _Answer(told, own, before, instant(event.get("timestamp")))
        self.drafts.append(made)
        self.places[name] = own
        if told.answer:
            self.answers[told.answer] = made

    def conversation(self, source: Source, state: Event) -> ConversationDraft:
        """Return the conversation as its events and the files around them tell."""
        model = openhands_events.model_of(state)
        for made in self.drafts:
            if made.told.role == "assistant" and not made.told.reason:
                made.told.model = made.told.model or model
        models = (made.told.model for made in reversed(self.drafts) if made.told.model)
        return ConversationDraft(
            source_id=self._name(source, state),
            title=build.word(state.get("title")),
            created_at=instant(state.get("created_at")) or next((m.created_at for m in self.drafts), None),
            updated_at=instant(state.get("last_updated_at") or state.get("updated_at")),
            model=next(models, model),
            project=build.word(build.within(state, "workspace", "working_dir")) or self.folder,
            head=self.drafts[-1].source_id,
            metadata=build.compact({"repository": state.get("selected_repository"), "tags": state.get("tags")}),
        )

    def _name(self, source: Source, state: Event) -> str:
        """Return the conversation's id: as it says, as its folder or file is called, else by how it begins."""
        found = _EVENT_FILE.search(source.name)
        folder, first = found["folder"] if found else None, self.drafts[0]
        named = build.word(state.get("id")) or build.word(state.get("conversation_id")) or folder
        name = named or next((name for name in (source.stem, first.source_id) if _ID.fullmatch(name)), None)
        if name is None:  # events of the first version are numbered in each conversation anew
            return f"{first.created_at}-{ids.opening_id(map(_Answer.message, self.drafts))[2:14]}"
        return name.replace("-", "") if _ID.fullmatch(name) else name
