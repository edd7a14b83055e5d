"""``updates.jsonl`` of Grok's command line: a session as it was told to its screen, in the Agent Client Protocol.

Chunks in a row are one message, a call and its last update a call and its result; of what else is told,
the kinds are counted.  A history, which has no times and no usage, gets them from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import build
from chatlog.formats.beside import lines_beside
from chatlog.formats.build import Row
from chatlog.formats.grok_cli_content import Thread, content_parts, shown
from chatlog.formats.source import Source
from chatlog.models import MessageDraft, Part, joined_text
from chatlog.timespec import instant

_OVER = ("completed", "failed")
_PLAIN = {"type", "content"}
_CALL_TOLD = frozenset({"sessionUpdate", "toolCallId", "title", "rawInput", "status", "rawOutput", "content", "_meta"})


def is_update(value: Row) -> bool:
    """Whether a line tells of a session what the Agent Client Protocol has words for."""
    return isinstance(build.within(value.get("params"), "update", "sessionUpdate"), str)


#: Prompts by their index, calls, results and the answers behind any of them, to when they were told or what they took.
Told = dict[tuple[str, object], Any]
#: What is answered before the first prompt.
BEFORE: tuple[str, object] = ("", None)


def told_beside(source: Source) -> Told:
    """Return the times and the usage that the updates beside a history tell."""
    found, anchor = Told(), BEFORE
    for line in lines_beside(source, "updates.jsonl"):
        if isinstance(line.value, dict) and is_update(line.value):
            anchor = _note(found, line.value, anchor)
    return found


def _note(found: Told, value: Row, anchor: tuple[str, object]) -> tuple[str, object]:
    """Note what an update tells; return what the updates to come answer."""
    update = value["params"]["update"]
    kind, key = update["sessionUpdate"], build.word(update.get("toolCallId"))
    if kind == "user_message_chunk" and type(index := _meta(value).get("promptIndex")) is int:
        anchor = ("prompt", index)
        found[anchor] = _moment(value)
        found.pop(("answer", anchor), None)  # a prompt that was taken back has its index again
        found.pop(("usage", anchor), None)
    elif kind == "tool_call":
        found.setdefault(("call", key), _moment(value))
    elif kind == "tool_call_update" and update.get("status") in _OVER:
        anchor = ("result", key)
        found[anchor] = _moment(value)
    elif kind == "agent_message_chunk":
        found.setdefault(("answer", anchor), _moment(value))
    elif kind == "turn_completed":
        found["usage", anchor] = _turn(update)
    return anchor


def _meta(value: Row) -> Row:
    params = value["params"]
    return {**build.mapping(params.get("_meta")), **build.mapping(params["update"].get("_meta"))}


def _moment(value: Row) -> str | None:
    return instant(_meta(value).get("agentTimestampMs")) or instant(value.get("timestamp"))


def _turn(update: Row) -> dict[str, Any]:
    """Return what a turn took and how it ended."""
    return build.picked(update, ("usage", "stop_reason"))


@dataclass(slots=True)
class _Call:
    """A call as far as its updates have told it; `sent` once it stands in a message."""

    key: str
    told: dict[str, Any] = field(default_factory=dict)
    sent: bool = False

    def merge(self, update: Row) -> None:
        """Take what an update tells anew."""
        if self.sent and "rawInput" in self.told:
            update = build.without(update, ("rawInput",))
        self.told |= build.given(update)

    @property
    def is_over(self) -> bool:
        """Whether its result is there."""
        return self.told.get("status") in _OVER

    def part(self) -> Part:
        """Return the call."""
        self.sent = True
        title = build.word(self.told.get("title"))
        name = build.word(build.within(self.told, "_meta", "x.ai/tool", "name")) or title
        told = {} if title == name else {"title": title}
        call = build.tool_call(self.key, name, build.parsed(self.told.get("rawInput")))
        return {**build.rest(self.told, _CALL_TOLD), **told, **call}

    def result(self) -> tuple[Part, ...]:
        """Return the result: the words that were shown, with what the tool gave beside them, or that alone."""
        content, output = self.told.get("content"), self.told.get("rawOutput")
        blocks = build.listed(content)
        parts = [part for block in blocks for part in content_parts(build.within(block, "content"))]
        pictures = [part for part in parts if part["type"] == "blob"]
        kinds = [build.within(block, "content", "type") for block in blocks]
        others = [block for block, kind in zip(blocks, kinds, strict=True) if kind not in ("image", "audio")]
        is_text = bool(others) and all(kind in ("text", "image", "audio") for kind in kinds)
        answer: Any = joined_text(part for part in parts if part["type"] == "text") if is_text else others or output
        details = {} if answer is output or output is None else {"details": output}
        failed = self.told["status"] == "failed"
        return (build.tool_result(self.key, answer, is_error=failed, **details), *pictures)


@dataclass(slots=True)
class _Held:
    """A message that grows chunk by chunk; `first` is what it is called by."""

    role: str
    first: Part
    moment: str | None
    model: str | None
    prompt: object = None
    parts: list[Part | _Call] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        """Take a part; text goes on in the text before it."""
        before = self.parts[-1] if self.parts else None
        if isinstance(before, dict) and before["type"] == part["type"] and _PLAIN == before.keys() == part.keys():
            self.words.append(part["content"])
        else:
            self.end_words()
            self.parts.append(part)

    def end_words(self) -> None:
        """Put the text together that came in pieces."""
        before = self.parts[-1] if self.words else None
        if isinstance(before, dict):
            self.parts[-1] = {**before, "content": before["content"] + "".join(self.words)}
            self.words = []

    def draft(self) -> MessageDraft:
        """Return the message."""
        self.end_words()
        parts = tuple(part.part() if isinstance(part, _Call) else part for part in self.parts)
        text, reason = shown(parts) if self.role == "user" else (joined_text(parts), None)
        return build.message(
            self.role,
            parts,
            text,
            reason=reason,
            metadata=self.facts,
            model=self.model,
            created_at=self.moment,
        )


@dataclass(slots=True)
class Updates:
    """A session as its updates stream by."""

    thread: Thread
    counts: Counter[str]
    session: str | None = None
    project: str | None = None
    model: str | None = None
    held: _Held | None = None
    open: dict[str, _Call] = field(default_factory=dict)
    nameless: int = 0

    def take(self, value: Row) -> Iterator[MessageDraft]:
        """Yield the messages that are whole now that an update is known."""
        if not is_update(value):
            self.counts["other notifications"] += 1
            return
        params = value["params"]
        update = params["update"]
        kind, meta, moment = update["sessionUpdate"], _meta(value), _moment(value)
        self.session = self.session or build.word(params.get("sessionId"))
        self.model = build.word(meta.get("modelId")) or self.model
        if kind in ("user_message_chunk", "agent_message_chunk", "agent_thought_chunk"):
            yield from self._chunk(kind, update, meta, moment)
        elif kind == "tool_call":
            yield from self._called(update, moment)
        elif kind == "tool_call_update":
            yield from self._answered(update, moment)
        elif kind == "turn_completed" and self.held is not None and self.held.role == "assistant":
            self.held.facts |= _turn(update)
            yield from self.release()
        else:
            self.counts[f"{build.kind_name(kind)} updates"] += 1

    def close(self) -> Iterator[MessageDraft]:
        """Yield the last message, and count the results that were still coming."""
        yield from self.release()
        cut = sum(1 for call in self.open.values() if call.told.keys() & {"content", "rawOutput"})
        self.counts["results of calls that had not ended"] += cut

    def release(self) -> Iterator[MessageDraft]:
        """Yield the message that is held."""
        held, self.held = self.held, None
        if held is not None:
            yield self.thread.link(held.draft(), held.first)

    def _chunk(self, kind: str, update: Row, meta: Row, moment: str | None) -> Iterator[MessageDraft]:
        role = "user" if kind == "user_message_chunk" else "assistant"
        parts, prompt = list(content_parts(update.get("content"))), meta.get("promptIndex")
        if kind == "agent_thought_chunk":
            parts = [build.reasoning(part["content"]) if part["type"] == "text" else part for part in parts]
        for part in parts:
            yield from self._begin(role, part, moment, prompt)
            if self.held is not None:
                self.held.add(part)

    def _begin(self, role: str, first: Part, moment: str | None, prompt: object = None) -> Iterator[MessageDraft]:
        """Yield the message before, unless it goes on."""
        held = self.held
        if held is not None and held.role == role and (role != "user" or held.prompt == prompt):
            return
        yield from self.release()
        self.held = _Held(role, first, moment, self.model if role == "assistant" else None, prompt)

    def _called(self, update: Row, moment: str | None) -> Iterator[MessageDraft]:
        key = build.word(update.get("toolCallId"))
        if key is None:
            self.nameless += 1
            key = f"call-{self.nameless}"
        if key not in self.open:
            yield from self._begin("assistant", {"type": "tool_call", "id": key}, moment)
            call = self.open[key] = _Call(key)
            if self.held is not None:
                self.held.end_words()
                self.held.parts.append(call)
        yield from self._told(self.open[key], update, moment)

    def _answered(self, update: Row, moment: str | None) -> Iterator[MessageDraft]:
        key = build.word(update.get("toolCallId")) or next(reversed(self.open), None)
        if key is None:
            raise ValueError("an update of no call")
        yield from self._told(self.open.setdefault(key, _Call(key, sent=True)), update, moment)

    def _told(self, call: _Call, update: Row, moment: str | None) -> Iterator[MessageDraft]:
        """Take what is new of a call; yield its result once it is there."""
        call.merge(update)
        if not call.is_over:
            return
        del self.open[call.key]
        parts = call.result()
        if not call.sent:
            yield from self.release()
        draft = MessageDraft(role="tool", parts=parts, created_at=moment)
        yield self.thread.link(draft, {"type": "tool_call_response", "id": call.key})
