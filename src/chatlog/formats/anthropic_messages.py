"""Anthropic's message form: content blocks to parts, and conversations to ``{"system", "messages"}``.

Knows the blocks of the Messages API and its rules (who may speak when, results right after
their calls).  It reads no files: `openai_messages` does, and hands messages of this form here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from chatlog.formats import build
from chatlog.formats.envelope import UnreadableError, draft, role_of
from chatlog.formats.turns import PDF, PICTURES, Step, arguments_object, held_bytes, steps, tool_name
from chatlog.models import Message, MessageDraft, Part
from chatlog.shown import mention, response_text

if TYPE_CHECKING:
    from chatlog.formats import Transcript

_CONTENT_KEYS = frozenset({"role", "content", "type"})
#: What stands in where the conversation opens with the assistant: the API wants the user first.
OPENING = "(The conversation begins with the assistant.)"


def message(value: Mapping[str, Any]) -> MessageDraft:
    """Return the draft of one message of this form.

    A user message of nothing but tool results has the role tool.  Raises UnreadableError or one
    of MALFORMED for anything else.
    """
    return draft(value, role_of(value), _parts(value["content"]), _CONTENT_KEYS)


def _parts(content: object) -> Iterator[Part]:
    if isinstance(content, str):
        yield build.text(content)
        return
    if not isinstance(content, list):
        raise UnreadableError("a message whose content is neither text nor a list")
    for block in content:
        if isinstance(block, str):
            yield build.text(block)
        else:
            yield part(block)


def part(block: dict[str, Any]) -> Part:
    """Return the part of a content block, the block itself where its type is not known."""
    kind = block.get("type")
    convert = _BLOCKS.get(kind) if isinstance(kind, str) else None
    return convert(block) if convert else {**block, "type": kind if isinstance(kind, str) else "unknown"}


def _text(block: dict[str, Any]) -> Part:
    return build.text(string(block["text"]), **build.others(block, "text"))


def _thinking(block: dict[str, Any]) -> Part:
    thought = block["thinking"]
    if isinstance(thought, list):  # Mistral's models think in blocks of text
        thought = "".join(string(piece["text"]) for piece in thought)
    return build.reasoning(string(thought), **build.others(block, "thinking"))


def string(value: object) -> str:
    """Return a text that must be one.  Raises UnreadableError for anything else."""
    if not isinstance(value, str):
        raise UnreadableError("a block whose text is not text")
    return value


def _tool_use(block: dict[str, Any]) -> Part:
    rest = build.others(block, "id", "name", "input")
    return build.tool_call(block.get("id"), block.get("name"), block.get("input"), **rest)


def _tool_result(block: dict[str, Any]) -> Part:
    rest = build.others(block, "tool_use_id", "content", "is_error")
    error = block.get("is_error") is True
    return build.tool_result(block.get("tool_use_id"), block.get("content"), is_error=error, **rest)


def _media(block: dict[str, Any]) -> Part:
    source: Any = block.get("source")
    rest = {"modality": block["type"], **build.others(block, "source")}
    match source:
        case {"type": "base64", "data": str(data)}:
            return build.blob(source.get("media_type"), data, **rest)
        case {"type": "url", "url": str(url)}:
            return build.uri(url, **rest)
        case {"type": "file", "file_id": str(file_id)}:
            return build.file(file_id, **rest)
    return block


_BLOCKS: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": dict,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "image": _media,
    "document": _media,
}


def to_wire(messages: Iterable[Message]) -> dict[str, Any]:
    """Return ``{"system", "messages"}`` ready for a request; "system" only where there is one."""
    return from_steps(steps(messages))


def from_steps(said: Iterable[Step]) -> dict[str, Any]:
    """Return steps as ``{"system", "messages"}``."""
    system: list[str] = []
    turns: list[dict[str, Any]] = []
    for step in said:
        if step.role in ("system", "developer"):
            system += [block["text"] for part in step.parts if (block := _block(part, "system")) and "text" in block]
            continue
        role = "assistant" if step.role == "assistant" else "user"
        blocks = [block for part in step.parts if (block := _block(part, role)) is not None]
        if blocks:
            _append(turns, role, blocks)
    wire = {"messages": [_plain(turn) for turn in turns]}
    return {"system": "\n\n".join(system), **wire} if system else wire


def _append(turns: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    """Add blocks to the last turn where it is the same speaker's, as a new turn otherwise."""
    if not turns and role == "assistant":
        turns.append({"role": "user", "content": [{"type": "text", "text": OPENING}]})
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _plain(turn: dict[str, Any]) -> dict[str, Any]:
    """Return the turn with a single plain text as a string."""
    if [block.keys() for block in turn["content"]] == [{"type", "text"}]:
        return {"role": turn["role"], "content": turn["content"][0]["text"]}
    return turn


def _block(part: Part, role: str) -> dict[str, Any] | None:
    """Return the block of a part; None for what a request cannot hold."""
    match part:
        case {"type": "text", "content": str(content)}:
            return {"type": "text", "text": content} if content.strip() else None
        case {"type": "reasoning"}:
            return _thinking_block(part)
        case {"type": "redacted_thinking", "data": data}:
            return {"type": "redacted_thinking", "data": data}
        case {"type": "tool_call"}:
            return _call_block(part)
        case {"type": "tool_call_response"}:
            return _result_block(part)
    said = mention(part)
    return (_media_block(part) if role == "user" else None) or ({"type": "text", "text": said} if said else None)


def _thinking_block(part: Part) -> dict[str, Any] | None:
    signature = part.get("signature")
    return {"type": "thinking", "thinking": part.get("content", ""), "signature": signature} if signature else None


def _call_block(part: Part) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": part["id"],
        "name": tool_name(part.get("name")),
        "input": arguments_object(part),
    }


def _result_block(part: Part) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": part["id"], "content": response_text(part.get("response"))}
    return {**block, "is_error": True} if part.get("is_error") else block


def _media_block(part: Part) -> dict[str, Any] | None:
    if held := held_bytes(part):
        mime, data = held
        kind = "image" if mime in PICTURES else "document" if mime == PDF else None
        return {"type": kind, "source": {"type": "base64", "media_type": mime, "data": data}} if kind else None
    mime = str(part.get("mime_type") or "")
    kind = "image" if mime in PICTURES else "document" if mime == PDF else part.get("modality")
    match part:
        case {"type": "uri", "uri": str(url)} if kind in ("image", "document") and url.startswith("https://"):
            return {"type": kind, "source": {"type": "url", "url": url}}
    return None


def write(transcripts: Iterable[Transcript], out: IO[str]) -> None:
    """Write each conversation as a line of JSON, ``{"system", "messages"}``; none without messages."""
    for _, messages in transcripts:
        wire = to_wire(messages)
        if wire["messages"]:
            out.write(json.dumps(wire, ensure_ascii=False) + "\n")
