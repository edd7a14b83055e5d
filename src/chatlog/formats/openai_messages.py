"""Files of OpenAI's chat messages and of plain ``{"role", "content"}`` ones, read and written.

Makes conversations of records and single messages, and fine-tuning lines of conversations.
Which messages a record holds is `datasets`' matter, what one says `openai_content`'s.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from chatlog.formats import MALFORMED, Head, build, dataset_media, datasets, ids
from chatlog.formats.calls import Calls
from chatlog.formats.envelope import UnreadableError, own_id, take_text, time_of
from chatlog.formats.openai_content import message
from chatlog.formats.records import misshapen, records
from chatlog.formats.turns import Step, arguments_text, held_bytes, picture_url, steps, tool_name
from chatlog.models import ConversationDraft, LeftOut, Message, MessageDraft, Part, Problem, Record
from chatlog.shown import mention, response_text

if TYPE_CHECKING:
    from chatlog.formats import Transcript
    from chatlog.formats.source import Source

_TALK_KEYS = (
    "conversation_id", "conversation_hash", "session_id", "thread_id", "chat_id", "conversationId", "sessionId",
)  # fmt: skip
#: An ``id`` shorter than this numbers a file's records; it is no name a second file could not have too.
_OWN_ID_CHARS = 8
_NUMBER_CHARS = 19
_NOT_IN_AUTHORS = re.compile(r"[\s<|\\/>]+")
_SOUNDS = {"audio/wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}


def sniff(head: Head) -> bool:
    """Say whether a source that begins like this holds role-and-content messages."""
    return head.is_json and (datasets.looks_like(head) or _are_mostly_records(head.rows))


def _are_mostly_records(values: Sequence[Mapping[str, Any]]) -> bool:
    return bool(values) and 2 * sum(map(datasets.is_record, values)) >= len(values)


def read(source: Source) -> Iterator[Record]:
    """Yield each record's conversation, or one conversation of the records that are messages."""
    reading = _Reading(source.stem)
    for entry in records(source):
        if isinstance(entry, Problem):
            yield entry
        else:
            yield from reading.take(entry.value, entry.place)
    yield from reading.close()


@dataclass(slots=True)
class _Talk:
    """A conversation that comes message by message."""

    source_id: str | None
    calls: Calls
    begun: ids.Opening = field(default_factory=ids.Opening)
    parent: str | None = None
    used: set[str] = field(default_factory=set)
    greatest: int = -1

    def follow(self, made: MessageDraft) -> MessageDraft:
        """Return the message at the end of its conversation."""
        parent, self.parent = self.parent, self._own(made.source_id) or ids.derived_id(self.parent, made)
        facts = build.without(made.metadata, _TALK_KEYS)
        return made._replace(source_id=self.parent, parent=parent, conversation=self.source_id, metadata=facts)

    def _own(self, name: str | None) -> str | None:
        """Return a message's own id, unless another has it, as where it names the speaker, or it counts anew."""
        if name is None or name in self.used:
            return None
        if name.isdecimal() and len(name) < _NUMBER_CHARS:
            if int(name) <= self.greatest:
                return None
            self.greatest = int(name)
        else:
            self.used.add(name)
        return name


class _Reading:
    """What one pass over a source remembers: the ids it gave, and the conversations still open."""

    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.empty = 0
        self.seen: Counter[str] = Counter()
        self.openings: dict[str, dict[str, int]] = {}
        self.talks: dict[str | None, _Talk] = {}

    def take(self, value: Any, place: str) -> Iterator[Record]:
        """Yield the records of one value of the source, or the problem with it."""
        try:
            yield from self._taken(value, place)
        except MALFORMED as error:
            yield misshapen(place, error, "not of a shape that holds messages")

    def _taken(self, value: Any, place: str) -> Iterator[Record]:
        if datasets.is_message(value) and not isinstance(value.get("messages"), list):
            yield from self._one_message(value, place)
        elif (found := datasets.dialogue(value)) is not None:
            yield from self._dialogue(found, place)
        elif dialogues := datasets.named(value):
            for one in dialogues:
                yield from self._dialogue(one, place)
        elif isinstance(value, list):
            for number, item in enumerate(value, 1):
                yield from self.take(item, f"{place}, item {number}")
        else:
            yield Problem(place, "holds no messages of a known shape")

    def _one_message(self, value: dict[str, Any], place: str) -> Iterator[Record]:
        key = _talk_key(value)
        talk = self.talks.get(key)
        made = _converted(value, place, talk.calls if talk else (calls := Calls()))
        if isinstance(made, Problem):
            yield made
            return
        if talk is None:
            talk = self.talks[key] = _Talk(key, calls)
            if key is not None:
                yield ConversationDraft(source_id=key)
        made = talk.follow(made)
        if talk.source_id is not None:
            yield made
        else:
            talk.begun.hold(made)
            if talk.begun.is_over:
                yield from self._opened(talk)

    def _opened(self, talk: _Talk) -> Iterator[Record]:
        """Yield the conversation that its file and its opening name, and what was held of it until then."""
        name = talk.source_id = f"{self.stem}-{ids.opening_id(talk.begun.held)[2:18]}"
        yield ConversationDraft(source_id=name)
        for made in talk.begun.held:
            yield made._replace(conversation=name)

    def close(self) -> Iterator[Record]:
        """Yield what the end of the source decides."""
        for talk in self.talks.values():
            if talk.source_id is None:
                yield from self._opened(talk)
        if self.empty:
            yield LeftOut("conversations without messages", self.empty)

    def _dialogue(self, found: datasets.Dialogue, place: str) -> Iterator[Record]:
        sequences: list[list[MessageDraft]] = []
        for sequence in found.sequences:
            calls, drafts = Calls(), list[MessageDraft]()
            for number, value in enumerate(sequence, 1):
                made = _converted(value, f"{place}, message {number}", calls)
                if isinstance(made, Problem):
                    yield made
                else:
                    drafts.append(made)
            sequences.append(drafts)
        if any(sequences) and (media := dataset_media.take(found.facts)):
            sequences = [dataset_media.attached(drafts, media) for drafts in sequences]
        if any(sequences):
            yield from self._conversation(sequences, found.facts)
        elif not any(found.sequences):
            self.empty += 1

    def _conversation(self, sequences: list[list[MessageDraft]], facts: dict[str, Any]) -> Iterator[Record]:
        linked = [_linked_up(drafts) for drafts in sequences]
        is_talk = _talk_key(facts) is not None
        conversation = _conversation_draft(facts)
        own = conversation.source_id
        if own is None:
            conversation = conversation._replace(source_id=self._derived([name for _, name in linked]))
        elif not is_talk:
            conversation = conversation._replace(source_id=self._apart(own, ids.opening_id(sequences[0])))
        if len(linked) > 1 and sequences[0]:
            conversation = conversation._replace(head=linked[0][0][-1].source_id)
        yield conversation
        told = set[str | None]()
        for made in (draft for drafts, _ in linked for draft in drafts):
            if made.source_id not in told:
                told.add(made.source_id)
                yield made

    def _apart(self, name: str, opening: str) -> str:
        """Return a record's id, numbered where the source gives it to records that begin otherwise, too."""
        known = self.openings.setdefault(name, {})
        place = known.setdefault(opening, len(known) + 1)
        return name if place == 1 else f"{name}-{place}"

    def _derived(self, names: list[str]) -> str:
        """Return an id from the content of all messages, numbered where the source repeats a conversation."""
        return ids.numbered(names[0] if len(names) == 1 else ids.hashed(*names), self.seen, "-")


def _talk_key(facts: dict[str, Any]) -> str | None:
    """Return the id of the conversation that a record or message says it belongs to."""
    return next((str(facts[key]) for key in _TALK_KEYS if facts.get(key) and isinstance(facts[key], (str, int))), None)


def _converted(value: Any, place: str, calls: Calls) -> MessageDraft | Problem:
    try:
        return message(value, calls)
    except UnreadableError as error:
        return Problem(place, str(error))
    except MALFORMED as error:
        return misshapen(place, error)


def _linked_up(drafts: list[MessageDraft]) -> tuple[list[MessageDraft], str]:
    """Return a record's messages in a chain, and a name made of all their content.

    As `ids.Chain` links and names them, at the price of one hash for both; an own id that
    comes twice is not used again.
    """
    linked, used = list[MessageDraft](), set[str | None]((None,))
    name, parent = "", None
    for made in drafts:
        name = ids.derived_id(name or None, made)
        own = name if made.source_id in used else made.source_id
        linked.append(made._replace(source_id=own, parent=parent))
        used.add(own)
        parent = own
    return linked, name


def _conversation_draft(facts: dict[str, Any]) -> ConversationDraft:
    """Return what a record says of its conversation; what has no place of its own becomes metadata."""
    return ConversationDraft(
        source_id=_conversation_id(facts),
        title=take_text(facts, "title") or None,
        model=take_text(facts, "model"),
        project=take_text(facts, "cwd") or None,
        created_at=time_of(facts),
        metadata=build.given(facts),
    )


def _conversation_id(facts: dict[str, Any]) -> str | None:
    """Take out and return the conversation's own id; None where it has none that a second file could not have."""
    if (key := _talk_key(facts)) is not None:
        for told in [told for told in _TALK_KEYS if str(facts.get(told)) == key]:
            del facts[told]
        return key
    name = facts.get("id")
    if isinstance(name, str) and len(name) >= _OWN_ID_CHARS and not name.isdigit():
        return own_id(facts)
    return None


def write(transcripts: Iterable[Transcript], out: IO[str]) -> None:
    """Write each conversation as a line of JSON, ``{"messages": [...]}``; none without messages."""
    for _, messages in transcripts:
        opened = False
        for said in to_wire(messages):
            out.write(", " if opened else '{"messages": [')
            out.write(json.dumps(said, ensure_ascii=False))
            opened = True
        if opened:
            out.write("]}\n")


def to_wire(messages: Iterable[Message]) -> Iterator[dict[str, Any]]:
    """Yield the messages ready for a request: no reasoning, nothing hidden, results after their calls."""
    yield from from_steps(steps(messages))


def from_steps(said_steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    """Yield steps as messages of a request."""
    for step in said_steps:
        said = spell(step)
        if said is not None:
            yield said


def spell(step: Step) -> dict[str, Any] | None:
    """Return the message of a step; None where it says nothing that a request can hold."""
    return _SPELLED.get(step.role, _spell_prompt)(step)


def _named(step: Step, **said: Any) -> dict[str, Any]:
    name = _NOT_IN_AUTHORS.sub("_", step.author or "")[:64]
    return {"role": step.role, **said, **({"name": name} if name else {})}


def _spell_result(step: Step) -> dict[str, Any]:
    result = step.parts[0]
    return {"role": "tool", "tool_call_id": result["id"], "content": response_text(result.get("response"))}


def _spell_answer(step: Step) -> dict[str, Any] | None:
    words = [words for part in step.parts if not part.get("refusal") and (words := _words(part))]
    refusals = [part["content"] for part in step.parts if part.get("refusal")]
    calls = [_spell_call(part) for part in step.parts if part.get("type") == "tool_call"]
    if not words and not refusals and not calls:
        return None
    said: dict[str, Any] = {"content": "\n\n".join(words) if words else None}
    if refusals:
        said["refusal"] = "\n\n".join(refusals)
    if calls:
        said["tool_calls"] = calls
    return _named(step, **said)


def _spell_call(part: Part) -> dict[str, Any]:
    function = {"name": tool_name(part.get("name")), "arguments": arguments_text(part)}
    return {"id": part["id"], "type": "function", "function": function}


def _spell_prompt(step: Step) -> dict[str, Any] | None:
    """Return a user's or system's message: a text, or a list where there are images or sounds."""
    contents = [content for part in step.parts if (content := _content(part, step.role)) is not None]
    if not contents:
        return None
    if all(content["type"] == "text" for content in contents):
        return _named(step, content="\n\n".join(content["text"] for content in contents))
    return _named(step, content=contents)


def _words(part: Part) -> str | None:
    if part.get("type") == "text":
        return build.word(part.get("content"))
    return mention(part)


def _content(part: Part, role: str) -> dict[str, Any] | None:
    if role == "user" and (address := picture_url(part)):
        return {"type": "image_url", "image_url": {"url": address}}
    if role == "user" and (held := held_bytes(part)) and held[0] in _SOUNDS:
        return {"type": "input_audio", "input_audio": {"data": held[1], "format": _SOUNDS[held[0]]}}
    words = _words(part)
    return {"type": "text", "text": words} if words else None


_SPELLED = {"tool": _spell_result, "assistant": _spell_answer}
