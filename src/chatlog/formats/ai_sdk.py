"""The content blocks of Vercel's AI SDK, of its versions 4 to 6, in the words of Anthropic's.

Pure functions from one block to one.  Roo Code, Cursor's agent and many applications keep such messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatlog.formats import build

Block = dict[str, Any]

_FACTS = (
    "type", "toolCallId", "toolName", "args", "input", "result", "output", "isError", "text", "data",
    "image", "mediaType", "mimeType",
)  # fmt: skip


def block(value: Any) -> Any:
    """Return a block in Anthropic's words; anything else as it is."""
    convert, needed = _KINDS.get(str(build.mapping(value).get("type")), (None, ""))
    if convert is None or not isinstance(value.get(needed), str):
        return value
    return {**build.without(value, _FACTS), **convert(value)}


def _call(value: Block) -> Block:
    told = {"id": value.get("toolCallId"), "name": value["toolName"]}
    return {"type": "tool_use", **told, "input": value.get("input", value.get("args"))}


def _result(value: Block) -> Block:
    return {"type": "tool_result", "tool_use_id": value["toolCallId"], "name": value.get("toolName"), **_outcome(value)}


def _thought(value: Block) -> Block:
    return {"type": "thinking", "thinking": value["text"]}


def _redacted(value: Block) -> Block:
    return {"type": "redacted_thinking", "data": value["data"]}


def _outcome(value: Block) -> Block:
    """Return what came of a call: since version 5 an object says of what kind it is."""
    output = value.get("output")
    if not isinstance(output, dict) or not isinstance(output.get("type"), str):
        return {"content": value.get("result", output), "is_error": value.get("isError")}
    content = output.get("value", output.get("reason"))
    if output["type"] == "content":
        content = [_brought(item) for item in build.listed(content)]
    return {"content": content, "is_error": output["type"].startswith(("error", "execution-denied"))}


def _brought(item: Any) -> Any:
    held = build.mapping(item)
    is_media = held.get("type") in ("media", "image-data", "file-data") and isinstance(held.get("data"), str)
    return {**build.without(held, _FACTS), **_media("image", held, held["data"])} if is_media else item


def _image(value: Block) -> Block:
    return _media("image", value, value["image"])


def _file(value: Block) -> Block:
    return _media("document", value, value["data"])


def _media(kind: str, value: Block, held: str) -> Block:
    """Return bytes or an address as the source of a picture or document."""
    mime = value.get("mediaType") or value.get("mimeType")
    head, comma, content = held.partition(";base64,")
    if comma and head.startswith("data:"):
        source = {"type": "base64", "media_type": mime or head.removeprefix("data:"), "data": content}
    elif "://" in held[:12]:
        source = {"type": "url", "url": held}
    else:
        source = {"type": "base64", "media_type": mime, "data": held}
    return {"type": kind, "source": source}


#: How each kind of block is told, and the text that one of that kind has.
_KINDS: dict[str, tuple[Callable[[Block], Block], str]] = {
    "tool-call": (_call, "toolName"),
    "tool-result": (_result, "toolCallId"),
    "reasoning": (_thought, "text"),
    "redacted-reasoning": (_redacted, "data"),
    "image": (_image, "image"),
    "file": (_file, "data"),
}
