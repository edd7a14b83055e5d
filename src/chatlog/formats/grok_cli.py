"""Sessions of Grok's command line: ``chat_history.jsonl`` below ``~/.grok/sessions/``, one record a line.

The records have no ids; reasoning and the calls that the server made belong to the answer behind them.
``updates.jsonl``, the same as the screen was told it, tells the times, and all where it is alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import Head, build, ids
from chatlog.formats.beside import text_beside
from chatlog.formats.build import Row
from chatlog.formats.grok_cli_beside import Place
from chatlog.formats.grok_cli_content import Thread, content_parts, server_call, shown, typed, workspace_of
from chatlog.formats.grok_updates import BEFORE, Told, Updates, is_update, told_beside
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Record, joined_text
from chatlog.timespec import instant

#: Where the files are found, on every platform.
LOCATIONS = (
    "~/.grok/sessions/*/*/chat_history.jsonl",
    "~/.grok/sessions/*/*/updates.jsonl",
    "$GROK_HOME/sessions/*/*/chat_history.jsonl",
    "$GROK_HOME/sessions/*/*/updates.jsonl",
)

_HISTORY, _UPDATES = "chat_history.jsonl", "updates"
#: How many lines are looked at for one that is Grok's.
_LOOKED_AT = 50
#: Keys of records that are another program's.
_OTHERS = frozenset({"role", "message", "payload", "uuid", "sessionId", "session_id", "data"})
_USER_SIGNS = frozenset({"synthetic_reason", "prompt_index", "prior_turn_interrupt"})
_ANSWER_SIGNS = frozenset({"model_id", "model_fingerprint", "tool_calls"})
#: How a session begins whose system prompt is all that the head shows whole.
_BEGINNING = re.compile(r'\{"type":"system","content":"(?:[^"\\]|\\.)*+"\}\s*\{"type":"user","content":\[?["{]')
#: What stands where the middle of a long prompt was: all of it is in a file of its own.
_OFFLOADED = "[Full request offloaded to file]"
_LONGEST_PROMPT = 32 * 1024 * 1024
_TIMES = ("timestamp", "time", "created_at")
_TOLD = frozenset(
    {"type", "content", "tool_calls", "model_id", "reasoning", "tool_call_id", "is_error", "images", *_TIMES}
)


def sniff(head: Head) -> bool:
    """Say whether this is a session of Grok's command line."""
    if not head.is_object or head.keys.isdisjoint({"type", "params"}):
        return False
    looked = head.objects[:_LOOKED_AT]
    if any(map(is_update, looked)):
        return True
    ours = (value for value in looked if _OTHERS.isdisjoint(value))
    return any(map(_is_record, ours)) or _BEGINNING.match(head.text) is not None


def _is_record(value: Row) -> bool:
    """Whether a line can be nothing but a record of Grok."""
    match value.get("type"):
        case "user":
            return "content" in value and (not _USER_SIGNS.isdisjoint(value) or _is_wrapped(value["content"]))
        case "assistant":
            return "content" in value and not _ANSWER_SIGNS.isdisjoint(value)
        case "tool_result":
            return {"tool_call_id", "content"} <= value.keys()
        case "backend_tool_call":
            return isinstance(value.get("kind"), dict)
    return False


def _is_wrapped(content: Any) -> bool:
    first = content[0] if isinstance(content, list) and content else content
    text = first.get("text") if isinstance(first, dict) else first
    return isinstance(text, str) and text.lstrip().startswith(("<user_info>", "<user_query>"))


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation, its messages, and the conversation again with its last message."""
    is_told = any(map(is_update, Head.of(source).objects[:_LOOKED_AT]))
    history = source.sibling(_HISTORY) if is_told and source.stem == _UPDATES else None
    if history is not None and history.size:
        yield LeftOut(f"sessions as the screen was told them (the same is in {_HISTORY})", 1)
        return
    thread, counts, place = Thread(), Counter[str](), Place.of(source)
    reading = Updates(thread, counts) if is_told else _History(source, thread, counts, told_beside(source))
    drafts: list[ConversationDraft] = []

    def conversation(opening: str) -> ConversationDraft:
        drafts.append(place.conversation(reading.session or opening, reading.project))
        return drafts[0]

    yield from ids.announced(_records(source, reading), conversation)
    for draft in drafts:
        yield draft._replace(head=thread.last, model=draft.model or reading.model)
    yield from build.left_out(counts)


def _records(source: Source, reading: Updates | _History) -> Iterator[Record]:
    yield from read_each(lines(source), lambda line: reading.take(line.value), "not a record of Grok")
    yield from reading.close()


@dataclass(slots=True)
class _History:
    """A session as its records stream by; `pending` is what the answer to come begins with."""

    source: Source
    thread: Thread
    counts: Counter[str]
    told: Told
    anchor: tuple[str, object] = BEFORE
    session: str | None = None
    project: str | None = None
    model: str | None = None
    pending: list[Part] = field(default_factory=list)
    moment: str | None = None

    def take(self, record: Row) -> Iterator[MessageDraft]:
        """Yield the message a record is, what was pending before it."""
        kind = record["type"]
        convert = _MESSAGES.get(kind) if isinstance(kind, str) else None
        if kind == "reasoning":
            self._wait(build.reasoning_parts(record), record)
            self.counts["encrypted reasoning (not readable)"] += bool(record.get("encrypted_content"))
        elif kind == "backend_tool_call":
            self._wait(server_call(record["kind"]), record)
        elif kind == "assistant":
            yield from self._answer(record)
        elif convert is None:
            self.counts[f"{build.kind_name(kind)} records"] += 1
        else:
            made = convert(record)
            yield from self.close()
            yield self.thread.link(self._whole(self._dated(made, record), record))

    def close(self) -> Iterator[MessageDraft]:
        """Yield what no answer came behind."""
        if self.pending:
            yield self._linked(MessageDraft(role="assistant"), [])

    def _wait(self, parts: list[Part], record: Row) -> None:
        if not self.pending:
            self.moment = _moment(record)
        self.pending += parts

    def _answer(self, record: Row) -> Iterator[MessageDraft]:
        parts = [part for part in _answer_parts(record) if part != build.text("")]
        if not parts and not self.pending:
            self.counts["assistant records that say nothing"] += 1
            return
        if not self.pending:
            self.moment = _moment(record)
        self.model = model = build.word(record.get("model_id")) or self.model
        called = next((part["id"] for part in parts if part["type"] == "tool_call" and part["id"]), None)
        usage = {} if called else self.told.get(("usage", self.anchor), {})
        self.moment = self.moment or self.told.get(("call", called) if called else ("answer", self.anchor))
        yield self._linked(
            MessageDraft(role="assistant", model=model, metadata={**usage, **build.rest(record, _TOLD)}), parts
        )

    def _linked(self, draft: MessageDraft, parts: list[Part]) -> MessageDraft:
        """Return an answer with what was pending before it, called by the first of that."""
        first = self.pending[0] if self.pending else None
        whole = (*self.pending, *parts)
        text, kept = build.said(whole)
        made = draft._replace(text=text, parts=kept, created_at=self.moment)
        self.pending = []
        return self.thread.link(made, first)

    def _dated(self, made: MessageDraft, record: Row) -> MessageDraft:
        """Return a prompt or a result with its time, which the updates tell."""
        key = build.word(record.get("tool_call_id")) if made.role == "tool" else record.get("prompt_index")
        if made.role == "system" or not isinstance(key, (str, int)):
            return made
        self.anchor = ("result" if made.role == "tool" else "prompt", key)
        return made._replace(created_at=made.created_at or self.told.get(self.anchor))

    def _whole(self, made: MessageDraft, record: Row) -> MessageDraft:
        """Return a message with all of a long prompt; note the folder that is told before the first."""
        if made.role == "user" and made.hidden and self.project is None:
            self.project = workspace_of(made.text)
        index, said = record.get("prompt_index"), joined_text(made.parts or ())
        if made.role != "user" or type(index) is not int or _OFFLOADED not in said:
            return made
        text = text_beside(self.source, f"prompts/prompt_{index}.txt", _LONGEST_PROMPT)
        return made._replace(text=typed(text)[0]) if text else made


def _moment(record: Row) -> str | None:
    return next((moment for key in _TIMES if (moment := instant(record.get(key)))), None)


def _message(role: str, record: Row, parts: list[Part], text: str, reason: str | None = None) -> MessageDraft:
    told = build.rest(record, _TOLD)
    return build.message(
        role,
        parts,
        text,
        reason=reason,
        metadata=told,
        created_at=_moment(record),
    )


def _system(record: Row) -> MessageDraft:
    parts = list(content_parts(record["content"]))
    return _message("system", record, parts, joined_text(parts))


def _user(record: Row) -> MessageDraft:
    parts = list(content_parts(record["content"]))
    return _message("user", record, parts, *shown(parts, record.get("synthetic_reason")))


def _tool_result(record: Row) -> MessageDraft:
    content, pictures = record.get("content"), list(content_parts(record.get("images")))
    if isinstance(content, list):
        parts = list(content_parts(content))
        pictures = [*(part for part in parts if part["type"] in ("blob", "uri")), *pictures]
        if all(part["type"] in ("text", "blob", "uri") for part in parts):
            content = joined_text(parts)
    key = build.word(record.get("tool_call_id"))
    result = build.tool_result(key, content, is_error=record.get("is_error") is True)
    return _message("tool", record, [result, *pictures], "")


def _answer_parts(record: Row) -> Iterator[Part]:
    """Yield what an answer says; old ones have their reasoning within."""
    if thought := build.word(build.within(record, "reasoning", "text")):
        yield build.reasoning(thought)
    yield from content_parts(record.get("content"))
    for call in record.get("tool_calls") or ():
        called = call.get("function") or call
        key, arguments = build.word(call.get("id")), build.parsed(called.get("arguments"))
        yield {**build.rest(call, ("function",)), **build.tool_call(key, build.word(called.get("name")), arguments)}


_MESSAGES: dict[str, Callable[[Row], MessageDraft]] = {"system": _system, "user": _user, "tool_result": _tool_result}
