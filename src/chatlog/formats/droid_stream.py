"""What ``droid exec --output-format stream-json`` prints: prompts, thoughts, calls and results as they come.

It tells less than the session of the same id, so it is a conversation of its own beside it.  An event is one message;
the completion at the end of a run is its last answer's usage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import build, ids
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Record, text_parts
from chatlog.timespec import instant

_ROLES = ("user", "assistant", "system")
_SESSION = ("sessionId", "session_id")
_TOLD = frozenset({"type", "id", "timestamp", "role", "text", "finalText", *_SESSION})
_START_TOLD = frozenset({"type", "subtype", "id", "timestamp", "model", "cwd", *_SESSION})
_CALL_TOLD = frozenset({"toolName", "toolId", "parameters", "isError", "value"})


def is_event(value: Row) -> bool:
    """Say whether an object can be nothing but an event of such a stream."""
    if _session_of(value) is None:
        return False
    kind = value.get("type")
    if kind == "message":
        return value.get("role") in _ROLES and isinstance(value.get("text"), str)
    return (kind == "tool_call" and {"toolName", "parameters"} <= value.keys()) or (
        kind == "completion" and "finalText" in value
    )


def read(source: Source) -> Iterator[Record]:
    """Yield the conversation of each session with its messages."""
    stream = _Stream(source.stem)
    yield from read_each(lines(source), lambda line: stream.take(line.value), "not an event of droid")
    yield from stream.close()


@dataclass(slots=True)
class _Stream:
    """What is remembered of a stream as it goes by: the session, and the message whose usage may be to come."""

    stem: str
    draft: ConversationDraft | None = None
    held: MessageDraft | None = None
    last: str | None = None
    seen: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, event: Row) -> Iterator[Record]:
        """Take one event in; yield what is complete by it."""
        kind = event["type"]
        session = _session_of(event)
        if self.draft is None or (session is not None and self.draft.source_id != f"exec-{session}"):
            yield from self._end()
            self.draft = _conversation(event if kind == "system" else {}, session or self.stem)
            self.last, self.seen = None, set()
            yield self.draft
        if kind == "completion":
            yield from self._complete(event)
        elif (convert := _MESSAGES.get(kind)) is not None:
            yield from self._hold(convert(event), f"{event.get('id')}{_ENDINGS.get(kind, '')}", event)
        elif kind != "system":
            self.counts[f"{build.kind_name(kind)} events"] += 1

    def _hold(self, made: MessageDraft, name: str, event: Row) -> Iterator[MessageDraft]:
        """Yield the message before, and keep this one until the next."""
        key = name if build.word(event.get("id")) else ids.derived_id(self.last, made)
        if key in self.seen:
            self.counts["repeated events"] += 1
            return
        yield from self._let_go()
        facts = build.rest(event, _TOLD | _CALL_TOLD)
        model = self.draft.model if self.draft is not None and made.role == "assistant" else None
        self.held = made._replace(
            source_id=key,
            parent=self.last,
            model=model,
            created_at=instant(event.get("timestamp")),
            hidden="hidden_reason" in made.metadata,
            metadata={**facts, **made.metadata},
        )
        self.seen.add(key)
        self.last = key

    def _complete(self, event: Row) -> Iterator[MessageDraft]:
        """Note what a run used at its last answer, which is a message of its own where it was not told before."""
        text = event.get("finalText")
        held = self.held
        if isinstance(text, str) and text and (held is None or held.role != "assistant" or held.text != text):
            yield from self._hold(MessageDraft(role="assistant", text=text), f"{event.get('id')}-final", event)
        elif held is not None:
            facts = build.without(event, _TOLD)
            self.held = held._replace(metadata={**held.metadata, **facts})

    def _let_go(self) -> Iterator[MessageDraft]:
        if self.held is not None:
            yield self.held
            self.held = None

    def _end(self) -> Iterator[Record]:
        yield from self._let_go()
        if self.draft is not None:
            yield self.draft._replace(head=self.last)

    def close(self) -> Iterator[Record]:
        """Yield the conversation with its leaf, and how much was left out."""
        yield from self._end()
        yield from build.left_out(self.counts)


def _session_of(event: Row) -> str | None:
    return next((event[key] for key in _SESSION if build.word(event.get(key))), None)


def _conversation(start: Row, session: str) -> ConversationDraft:
    return ConversationDraft(
        source_id=f"exec-{session}",
        created_at=instant(start.get("timestamp")),
        model=build.word(start.get("model")),
        project=build.word(start.get("cwd")),
        metadata=build.rest(start, _START_TOLD),
    )


def _said(event: Row) -> MessageDraft:
    text, role = build.string(event["text"]), event["role"]
    if role not in _ROLES:
        raise TypeError("a message without a known role")
    shown = build.without_reminders(text) if role == "user" else text
    return MessageDraft(
        role=role,
        text=shown,
        parts=None if shown == text else text_parts(text),
        metadata={} if shown or not text else {"hidden_reason": "system_reminder"},
    )


def _thought(event: Row) -> MessageDraft:
    return MessageDraft(role="assistant", parts=(build.reasoning(build.string(event["text"])),))


def _called(event: Row) -> MessageDraft:
    name = build.word(event.get("toolName")) or build.word(event.get("toolId"))
    return MessageDraft(
        role="assistant", parts=(build.tool_call(build.word(event.get("id")), name, event.get("parameters")),)
    )


def _answered(event: Row) -> MessageDraft:
    name = build.word(event.get("toolName")) or build.word(event.get("toolId"))
    value = event.get("value", event.get("error"))
    part = build.tool_result(build.word(event.get("id")), value, is_error=event.get("isError") is True)
    return MessageDraft(role="tool", parts=({**part, "name": name} if name else part,))


_MESSAGES: dict[Any, Callable[[Row], MessageDraft]] = {
    "message": _said,
    "reasoning": _thought,
    "tool_call": _called,
    "tool_result": _answered,
}
#: A call and its result share an id.
_ENDINGS = {"tool_call": "-call", "tool_result": "-result"}
