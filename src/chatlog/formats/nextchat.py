"""NextChat's backup (ChatGPT-Next-Web): one JSON file with the chats of a browser under ``chat-next-web-store``.

Reads those alone: settings and keys lie beside them.  A mask's own messages were sent before what was said, and stand
before it.  Messages have no time but what a clock showed in the person's country; the zone is that in which the last
one falls together with the chat's last change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.build import Row
from chatlog.formats.calls import Calls
from chatlog.formats.openai_content import message
from chatlog.formats.records import misshapen, recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant, iso, parse_iso

_STORE = "chat-next-web-store"
_UNTITLED = frozenset({"New Conversation", "新的聊天"})
_SESSION_TOLD = frozenset({"id", "topic", "messages", "lastUpdate", "mask"})
#: What is read here rather than as any OpenAI message.
_OWN = frozenset({"date", "tools", "audio_url", "isMcpResponse"})
_TOOL_TOLD = frozenset({"id", "index", "type", "function", "content", "isError"})
_MCP = re.compile(r"```json:mcp-response:([^\n]*)\n(.*?)\n?```", re.DOTALL)
_NUMBERS = re.compile(r"(\d{1,4})\D+(\d{1,2})\D+(\d{1,4})\D+(\d{1,2}):(\d{2})(?::(\d{2}))?")
_AFTERNOON = re.compile(r"p\.?\s?m|下午|晚上|오후", re.IGNORECASE)
_MORNING = re.compile(r"a\.?\s?m|上午|凌晨|早上|오전", re.IGNORECASE)
_QUARTER, _WIDEST, _SLACK = timedelta(minutes=15), timedelta(hours=14), timedelta(minutes=2)


def sniff(head: Head) -> bool:
    """Say whether this is a backup of NextChat."""
    return not head.is_array and _STORE in head.keys


def read(source: Source) -> Iterator[Record]:
    """Yield each chat with its messages, and what was left out."""
    backup, problems = recovered(source, "sessions", _STORE)
    sessions = build.within(backup, _STORE, "sessions")
    if not isinstance(sessions, list):
        yield Problem("", "not a backup of NextChat")
        return
    left_out = Counter[str]()
    for number, session in enumerate(sessions, 1):
        try:
            found = _Chat(session, f"chat {number}", left_out)
        except MALFORMED as error:
            yield misshapen(f"chat {number}", error, "not a chat of NextChat")
            continue
        yield from found.records()
    yield from problems
    yield from build.left_out(left_out)


@dataclass(slots=True)
class _Chat:
    """A chat: the messages of its mask, then what was said, each after the one before."""

    session: Row
    place: str
    left_out: Counter[str]
    messages: list[MessageDraft] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        said, mask, calls = self.session["messages"], _mask(self.session), Calls()
        ahead = _ahead(said, self.session.get("lastUpdate"))
        for number, value in enumerate(mask.get("context") or (), 1):
            reason = {"hidden_reason": "mask"} if mask.get("hideContext") is True else {}
            self._take(value, calls, ahead, f"mask, message {number}", reason)
        for number, value in enumerate(said, 1):
            self._take(value, calls, ahead, f"message {number}", {})

    def _take(self, value: Row, calls: Calls, ahead: timedelta, place: str, facts: dict[str, str]) -> None:
        try:
            made = _message(value, calls, ahead)
        except MALFORMED as error:
            self.problems.append(misshapen(f"{self.place}, {place}", error))
            return
        if not made.text and not made.parts:
            self.left_out["messages without words"] += 1
            return
        parent = self.messages[-1].source_id if self.messages else None
        key = ids.numbered(made.source_id or ids.derived_id(parent, made), self.used)
        told = {**made.metadata, **facts}
        self.messages.append(made._replace(source_id=key, parent=parent, metadata=told, hidden="hidden_reason" in told))

    def records(self) -> Iterator[Record]:
        """Yield the chat with its messages where it has some, and what could not be read."""
        if self.messages:
            yield self._draft()
        elif not self.problems:
            self.left_out["chats without messages"] += 1
        yield from self.messages
        yield from self.problems

    def _draft(self) -> ConversationDraft:
        mask, topic = _mask(self.session), build.word(self.session.get("topic"))
        rest = build.without(self.session, _SESSION_TOLD)
        name = self.session.get("id")
        return ConversationDraft(
            source_id=str(name) if name else ids.opening_id(self.messages),
            title=None if topic in _UNTITLED else topic,
            created_at=build.first_moment(self.messages),
            updated_at=instant(self.session.get("lastUpdate")),
            model=build.word(build.within(mask, "modelConfig", "model")),
            head=self.messages[-1].source_id,
            metadata=build.compact({**rest, "mask": build.compact(mask, ("context",))}),
        )


def _mask(session: Row) -> Row:
    return build.mapping(session.get("mask"))


def _message(value: Row, calls: Calls, ahead: timedelta) -> MessageDraft:
    made = message(build.without(value, _OWN), calls)
    clock = _clock(value.get("date"))
    said = made.parts or (build.text(made.text),) * bool(made.text)
    parts = (*_tools(value.get("tools") or ()), *said, *_audio(value.get("audio_url")))
    role = made.role
    if value.get("isMcpResponse") is True:
        role, parts = "tool", (_mcp_result(made.text),)
    text, kept = build.said(parts)
    return made._replace(
        role=role,
        text=text,
        parts=kept,
        model=made.model if role == "assistant" else None,
        created_at=made.created_at or (iso(clock - ahead) if clock else instant(value.get("date"))),
        metadata=build.compact(made.metadata),
    )


def _tools(tools: Iterable[Row]) -> Iterator[Part]:
    for number, tool in enumerate(tools, 1):
        called = tool.get("function") or {}
        key = build.word(tool.get("id")) or f"call-{number}"
        rest = build.compact(tool, _TOOL_TOLD)
        call = build.tool_call(key, build.word(called.get("name")), build.parsed(called.get("arguments")))
        yield {**rest, **call}
        if tool.get("content") is not None:
            yield build.tool_result(key, build.parsed(tool["content"]), is_error=tool.get("isError") is True)


def _audio(address: Any) -> Iterator[Part]:
    if build.word(address):
        yield build.addressed(address, modality="audio")


def _mcp_result(words: str) -> Part:
    """Return what a tool gave back, which NextChat sends in the person's name."""
    found = _MCP.search(words)
    return build.tool_result(None, build.parsed(found[2]), name=found[1]) if found else build.tool_result(None, words)


def _ahead(said: list[Row], changed: Any) -> timedelta:
    """Return how far the person's clock is ahead of UTC; none where the last message does not tell."""
    last, moment = said[-1] if said else None, instant(changed)
    clock = _clock(build.within(last, "date"))
    if clock is None or moment is None:
        return timedelta(0)
    off = clock - parse_iso(moment)
    ahead = round(off / _QUARTER) * _QUARTER
    return ahead if abs(off - ahead) <= _SLACK and abs(ahead) <= _WIDEST else timedelta(0)


def _clock(date: Any) -> datetime | None:
    """Return what a clock showed, as browsers write it in many countries, as if it were UTC's."""
    found = _NUMBERS.search(date.replace("\u202f", " ")) if isinstance(date, str) else None
    if found is None or "T" in date:
        return None
    first, second, third, hour, minute, seconds = (int(number or 0) for number in found.groups())
    if len(found[1]) == 4:
        year, month, day = first, second, third
    else:
        is_american = " AM" in date.replace("\u202f", " ") or " PM" in date.replace("\u202f", " ")
        month, day = (first, second) if is_american or second > 12 else (second, first)
        year = third
    if _AFTERNOON.search(date) or _MORNING.search(date):
        hour = hour % 12 + 12 * bool(_AFTERNOON.search(date))
    try:
        return datetime(year, month, day, hour, minute, seconds, tzinfo=UTC)
    except ValueError:
        return None
