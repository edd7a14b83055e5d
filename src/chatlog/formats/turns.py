"""Messages as an API accepts them: every tool call directly followed by its result.

Histories hold calls and results in one message, unanswered, late, under repeated ids or none.
`steps` puts that right for any wire form; how a step is spelled there is the form's own matter.
"""

from __future__ import annotations

import json
import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from chatlog.formats import build, ids
from chatlog.models import Message, Part
from chatlog.shown import response_text, shown_parts

#: Stands in for the result of a call that never got one: an API refuses a call left open.
NO_RESULT = "(no result was recorded)"
_WIRE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
PDF = "application/pdf"
#: The pictures that every API takes, and the file that two do; how the bytes of each begin.
_BEGINNINGS = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n"),
    "image/gif": re.compile(rb"GIF8"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    PDF: re.compile(rb"\s*%PDF-"),
}
PICTURES = frozenset(_BEGINNINGS) - {PDF}
_ADDRESSES = ("https://", "http://")
#: Models whose signed thoughts none but their own provider reads; Anthropic refuses a request with one.
_NOT_CLAUDE = re.compile(r"gemini|gpt|codex|\bo[134]\b|deepseek|qwen|kimi|glm|grok|mistral|llama", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """What one speaker says at once; a tool's step is one result."""

    role: str
    author: str | None
    parts: tuple[Part, ...]


def steps(messages: Iterable[Message]) -> Iterator[Step]:
    """Yield the visible messages as steps, each group of tool calls with its results right after.

    Ids are unique and of the letters and length that the APIs take; calls at the very end may
    be open.  Holds back no more than one turn.
    """
    sequencer = _Sequencer()
    for message in messages:
        if message.hidden:
            sequencer.hide(message)
            continue
        for step in _split(message):
            yield from sequencer.take(step)
    yield from sequencer.end()


def _split(message: Message) -> Iterator[Step]:
    """Yield a message's steps: a result ends what was said before it and stands alone."""
    parts, rest = [_readable(part, message.model) for part in shown_parts(message)], list[Part]()
    if message.role == "tool":
        yield from _tool_steps(message, parts)
        return
    role = "assistant" if any(part.get("type") == "tool_call" for part in parts) else message.role
    for part in parts:
        if part.get("type") != "tool_call_response":
            rest.append(part)
            continue
        if rest and role == "assistant":
            yield Step(role, message.author, tuple(rest))
            rest = []
        yield Step("tool", None, (part,))
    if rest:
        yield Step(role, message.author, tuple(rest))


def _readable(part: Part, model: str | None) -> Part:
    """Return a part, a thought without the signature that only its own provider could read."""
    if part.get("type") == "reasoning" and part.get("signature") and _NOT_CLAUDE.search(model or ""):
        return build.without(part, ("signature",))
    return part


def _tool_steps(message: Message, parts: list[Part]) -> Iterator[Step]:
    results = [part for part in parts if part.get("type") == "tool_call_response"]
    for part in results or [build.tool_result(None, message.text)]:
        yield Step("tool", message.author, (part,))


@dataclass(slots=True)
class _Sequencer:
    """Pairs calls with results; `held` waits until the open calls are answered."""

    open: list[tuple[str | None, str]] = field(default_factory=list)
    asking: Step | None = None
    held: list[Step] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    used: dict[str, int] = field(default_factory=dict)

    def hide(self, message: Message) -> None:
        """Remember the calls of a hidden message, so that their results are left out with them."""
        for part in message.parts or ():
            if part.get("type") == "tool_call" and part.get("id"):
                self.hidden.add(str(part["id"]))

    def take(self, step: Step) -> Iterator[Step]:
        """Yield what can be said now that `step` is known."""
        if step.role == "tool":
            yield from self._answer(step)
        elif any(part.get("type") == "tool_call" for part in step.parts):
            yield from self._ask(step)
        elif not self.open:
            yield step
        elif step.role == "assistant" and self._others_wait():
            yield from self._close()
            yield step
        else:
            self.held.append(step)

    def end(self) -> Iterator[Step]:
        """Yield what is left; calls that nothing follows stay open."""
        if self.asking and not self.held:
            yield self.asking
        else:
            yield from self._close()

    def _others_wait(self) -> bool:
        return any(step.role != "assistant" for step in self.held)

    def _ask(self, step: Step) -> Iterator[Step]:
        if self.open and (self.asking is None or self._others_wait()):
            yield from self._close()
        named = replace(step, parts=tuple(self._named(part) for part in step.parts))
        self.asking = replace(self.asking, parts=self.asking.parts + named.parts) if self.asking else named

    def _named(self, part: Part) -> Part:
        if part.get("type") != "tool_call":
            return part
        wire_id = self._wire_id(part.get("id"))
        self.open.append((part.get("id"), wire_id))
        return {**part, "id": wire_id}

    def _wire_id(self, source_id: object) -> str:
        """Return an id that APIs take and that no call of this conversation has yet."""
        name = str(source_id or "call")
        if _WIRE_ID.fullmatch(name) is None:
            name = "call_" + ids.digest(name)[:24]
        wire_id, count = name, self.used.get(name, 1)
        while wire_id in self.used:
            count += 1
            wire_id = f"{name[:32]}_{count}"
        self.used[wire_id] = 1
        self.used[name] = count
        return wire_id

    def _answer(self, step: Step) -> Iterator[Step]:
        part = step.parts[0]
        call = self._call_of(part.get("id"))
        if call is None:
            if str(part.get("id")) not in self.hidden:
                yield from self.take(_orphan(part))
            return
        self.open.remove(call)
        if self.asking:
            yield self.asking
            self.asking = None
        yield replace(step, parts=({**part, "id": call[1]},))
        if not self.open:
            yield from self._release()

    def _call_of(self, source_id: object) -> tuple[str | None, str] | None:
        """Return the open call a result belongs to: by id, else the first where one of both has none."""
        by_id = next((call for call in self.open if call[0] == source_id), None)
        return by_id or next((call for call in self.open if source_id is None or call[0] is None), None)

    def _close(self) -> Iterator[Step]:
        """Yield the open calls with stand-ins for their results, then what waited for them."""
        if self.asking:
            yield self.asking
            self.asking = None
        for _, wire_id in self.open:
            yield Step("tool", None, (build.tool_result(wire_id, NO_RESULT, is_error=True),))
        self.open.clear()
        yield from self._release()

    def _release(self) -> Iterator[Step]:
        yield from self.held
        self.held.clear()


def _orphan(part: Part) -> Step:
    """Return a result whose call is not here as words: no API takes it as a result."""
    return Step("user", None, (build.text(f"Tool result:\n{response_text(part.get('response'))}"),))


def held_bytes(part: Part) -> tuple[str, str] | None:
    """Return the type of the bytes that a part holds and they themselves in base64, None where nobody could read them.

    A picture's type is the one that it begins as: an API refuses the whole request for one that is said to be another,
    or is none, as where an export masked the bytes or cut them off.
    """
    if part.get("type") == "uri":
        part = {**part, **build.addressed(str(part.get("uri")))}
    mime, data = str(part.get("mime_type") or ""), part.get("content")
    if part.get("type") != "blob" or not isinstance(data, str) or not data:
        return None
    try:
        content = a2b_base64(data, strict_mode=True)[:1024]
    except (NotBase64, ValueError):  # the latter of what is no ASCII
        return None
    begun = next((kind for kind, beginning in _BEGINNINGS.items() if beginning.match(content)), None)
    return (begun or mime, data) if begun or mime not in _BEGINNINGS else None


def picture_url(part: Part) -> str | None:
    """Return where a picture is that OpenAI's forms can hold, a data URL for its bytes; None for anything else."""
    if held := held_bytes(part):
        return data_url(*held) if held[0] in PICTURES else None
    is_picture = part.get("modality") == "image" or str(part.get("mime_type")).startswith("image/")
    match part:
        case {"type": "uri", "uri": str(address)} if is_picture and address.startswith(_ADDRESSES):
            return address
    return None


def tool_name(name: object) -> str:
    """Return a tool's name in the letters and length that the APIs take."""
    return _NOT_IN_NAMES.sub("_", str(name or "tool"))[:64] or "tool"


def arguments_object(call: Part) -> dict[str, Any]:
    """Return a call's arguments as an object, which is what APIs take; what is none, as a script, stands in it."""
    arguments = build.parsed(call.get("arguments"))
    return arguments if isinstance(arguments, dict) else {} if arguments in (None, "") else {"input": arguments}


def arguments_text(call: Part) -> str:
    """Return a call's arguments as the JSON text of an object."""
    return json.dumps(arguments_object(call), ensure_ascii=False)


def data_url(mime_type: object, content: str) -> str:
    """Return base64 bytes as a data URL."""
    return f"data:{mime_type or 'application/octet-stream'};base64,{content}"
