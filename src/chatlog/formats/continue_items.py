"""One item of a session of Continue to messages: what was said, what was put before the model, calls and outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from chatlog.formats import build
from chatlog.formats.build import Row
from chatlog.models import MessageDraft, Part, joined_text
from chatlog.timespec import instant

_ROLES = ("user", "assistant", "system", "tool")
#: How earlier versions of the command line began what took the place of a conversation.
_COMPACTED = "[COMPACTED HISTORY]\n"
#: What is no message, and what it is counted as.
_COUNTED = {
    "checkpoint": "checkpoints of files",
    "editorState": "editor states (told again by messages)",
    "promptLogs": "prompt logs",
}
_ITEM_TOLD = frozenset({
    "message", "contextItems", "conversationSummary", "isGatheringContext", "reasoning", "toolCallState",
    "toolCallStates", *_COUNTED,
})  # fmt: skip
_MESSAGE_TOLD = frozenset({"id", "role", "content", "toolCalls", "toolCallId"})
_STATE_TOLD = frozenset({"toolCallId", "toolCall", "status", "parsedArgs", "output", "tool"})
_CONTEXT_TOLD = frozenset(
    {"type", "content", "name", "uri", "id", "icon", "editing", "editable", "file_id", "mime_type"}
)


class Made(NamedTuple):
    """A message without its links, and what it is known by besides those before it."""

    draft: MessageDraft
    mark: str | None


class Known(NamedTuple):
    """The calls of a session that failed, and those whose results are messages of their own, as earlier versions do."""

    told: frozenset[str]
    failed: frozenset[str]


def known(history: Iterable[Any]) -> Known:
    """Return what must be known of all items before the first is read."""
    rows = [item for item in history if isinstance(item, dict)]
    said = [row["message"] for row in rows if isinstance(row.get("message"), dict)]
    told = (message.get("toolCallId") for message in said if message.get("role") == "tool")
    failed = (state.get("toolCallId") for row in rows for state in _states(row) if state.get("status") == "errored")
    return Known(_names(told), _names(failed))


def _names(found: Iterable[Any]) -> frozenset[str]:
    return frozenset(name for name in found if isinstance(name, str) and name)


def messages(item: Row, thoughts: tuple[Part, ...], calls: Known, counts: Counter[str]) -> Iterator[Made]:
    """Yield the message that an item is, then the outputs of its calls.  Raises one of MALFORMED for another item.

    `thoughts` stood before it.
    """
    message = item["message"]
    role = message["role"]
    if role not in _ROLES:
        raise ValueError("a message whose role is not known")
    count(item, counts)
    content = _content(message.get("content"))
    states = _states(item)
    parts = [*thoughts, *_reasoned(item, thoughts), *content] if role == "assistant" else content
    text = joined_text(parts)
    if role == "tool":
        parts, text = [_result(message, parts, calls)], ""
    parts += _calls(message, states, counts)
    parts += _context(item, joined_text(content) if role == "tool" else "")
    if parts:
        yield Made(_draft(item, role, text, parts), _mark(message, text, parts))
    else:
        counts["messages that say nothing"] += 1
    for state in states:
        if state.get("toolCallId") not in calls.told and state.get("output"):
            yield _output(state)


def thought(item: Row, counts: Counter[str]) -> list[Part]:
    """Return the parts of a thought that stands by itself, calls that came with it included."""
    message = item["message"]
    count(item, counts)
    words, redacted = joined_text(_content(message.get("content"))), build.word(message.get("redactedThinking"))
    signature = build.compact({"signature": message.get("signature")})
    parts = [build.reasoning(words, **signature, **_times(item))] if words else []
    parts += [build.raw("redacted_thinking", {"data": redacted})] if redacted else []
    return [*parts, *_reasoned(item, parts), *_calls(message, _states(item), counts)]


def summarised(item: Row) -> MessageDraft | None:
    """Return the summary that takes the place of all up to an item, None where the item itself is that or has none."""
    summary = build.word(item.get("conversationSummary"))
    if summary is None or _is_summary(item):
        return None
    return build.message("user", summary, reason="compaction")


def count(item: Row, counts: Counter[str]) -> None:
    """Count what an item holds that is no message."""
    for key, what in _COUNTED.items():
        held = item.get(key)
        if held:
            counts[what] += len(held) if isinstance(held, list) and key == "promptLogs" else 1


def _is_summary(item: Row) -> bool:
    text = item["message"].get("content")
    return bool(build.word(text)) and (text.startswith(_COMPACTED) or text == item.get("conversationSummary"))


def _draft(item: Row, role: str, text: str, parts: list[Part]) -> MessageDraft:
    message = item["message"]
    facts = build.without(item, _ITEM_TOLD)
    facts |= build.without(message, _MESSAGE_TOLD)
    is_summary = role == "assistant" and _is_summary(item)
    begun = next((part["startAt"] for part in (*parts, _times(item)) if part.get("startAt")), None)
    return build.message(
        role,
        parts,
        text,
        model=_model(item) if role == "assistant" else None,
        created_at=instant(begun),
        metadata=build.compact({**facts, "hidden_reason": "compaction" if is_summary else None}),
    )


def _model(item: Row) -> str | None:
    logs = item.get("promptLogs")
    titles = [log.get("modelTitle") for log in logs if isinstance(log, dict)] if isinstance(logs, list) else []
    return next(filter(None, map(build.word, reversed(titles))), None)


def _mark(message: Row, text: str, parts: Iterable[Part]) -> str | None:
    """Return what a message is known by: its id, what was typed, as that is edited in place, and whom it calls.

    What becomes of a call changes nothing of that.
    """
    called = [str(part["id"]) for part in parts if part["type"] in ("tool_call", "tool_call_response")]
    own = build.word(message.get("id"))
    is_known = own is not None and message["role"] != "user"
    return "\0".join(filter(None, (own, None if is_known else text, *(() if is_known else called)))) or None


def _content(content: Any) -> list[Part]:
    if content is None or isinstance(content, str):
        return [build.text(content)] if content else []
    return [part for part in map(_part, content) if part != build.text("")]


def _part(block: Row) -> Part:
    match block:
        case {"type": "text", "text": str(words)}:
            return build.text(words)
        case {"type": "imageUrl", "imageUrl": {"url": str(address)}}:
            return build.addressed(address, modality="image")
    return build.raw(block.get("type"), block)


def _reasoned(item: Row, thoughts: Iterable[Part]) -> list[Part]:
    """Return the thought that is kept beside an answer, unless it stood before it as well."""
    words = build.word(build.within(item, "reasoning", "text"))
    if words is None or any(words.strip() == str(part.get("content")).strip() for part in thoughts):
        return []
    return [build.reasoning(words, **_times(item))]


def _times(item: Row) -> dict[str, Any]:
    """Return when the thought of an item began and ended."""
    return build.picked(build.mapping(item.get("reasoning")), ("startAt", "endAt"))


def _states(item: Row) -> list[Row]:
    """Return what became of the calls of an item, of which earlier versions had one at most."""
    several, single = item.get("toolCallStates"), item.get("toolCallState")
    held = several if isinstance(several, list) else [single]
    return [state for state in held if isinstance(state, dict)]


def _calls(message: Row, states: Iterable[Row], counts: Counter[str]) -> list[Part]:
    calls = [call for call in message.get("toolCalls") or () if isinstance(call, dict)]
    names = [call.get("id") for call in calls]
    calls += [state["toolCall"] for state in states if "toolCall" in state and state.get("toolCallId") not in names]
    return [_call(call, _state_of(call, states), counts) for call in calls]


def _state_of(call: Row, states: Iterable[Row]) -> Row:
    return next((state for state in states if state.get("toolCallId") == call.get("id")), {})


def _call(call: Row, state: Row, counts: Counter[str]) -> Part:
    told = build.mapping(call.get("function"))
    extra = build.compact(state, _STATE_TOLD)
    status = state.get("status")
    if status not in (None, "done"):
        extra["status"] = status
    if state.get("tool"):
        counts["descriptions of tools"] += 1
    made = build.tool_call(
        build.word(call.get("id")), build.word(told.get("name")), build.parsed(told.get("arguments"))
    )
    return {**extra, **made}


def _result(message: Row, parts: list[Part], calls: Known) -> Part:
    name = build.word(message.get("toolCallId"))
    return build.tool_result(name, build.answer(parts), is_error=name in calls.failed)


def _output(state: Row) -> Made:
    """Return the message that the output of a call is; `items` say what its pieces are called."""
    name, output = build.word(state.get("toolCallId")), state["output"]
    words = [piece.get("content") for piece in output]
    named = [build.compact(piece, ("content", "icon")) for piece in output]
    response = "\n\n".join(words) if all(isinstance(word, str) for word in words) else words
    part = build.tool_result(name, response, is_error=state.get("status") == "errored")
    return Made(MessageDraft(role="tool", parts=({**part, "items": named} if any(named) else part,)), name)


def _context(item: Row, text: str) -> list[Part]:
    """Return what was put before the model besides what was typed, as files with what they held."""
    pieces = build.mappings(item.get("contextItems"))
    return [_file(piece) for piece in pieces if not (build.word(piece.get("content")) and piece["content"] in text)]


def _file(piece: Row) -> Part:
    address, provider = build.within(piece, "uri", "value"), build.within(piece, "id", "providerTitle")
    extra = {**build.without(piece, _CONTEXT_TOLD), "provider": provider, "content": piece.get("content")}
    return build.file(build.word(address), build.word(piece.get("name")), **build.compact(extra))
