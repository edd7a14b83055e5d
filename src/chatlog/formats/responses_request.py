"""Steps of a conversation as the input items of OpenAI's Responses API.

Writes only; histories of that form are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from chatlog.formats.turns import Step, arguments_text, picture_url, tool_name
from chatlog.models import Part
from chatlog.shown import mention, response_text


def from_steps(steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    """Yield steps as input items: messages, calls and their outputs."""
    for step in steps:
        if step.role == "tool":
            result = step.parts[0]
            output = response_text(result.get("response"))
            yield {"type": "function_call_output", "call_id": result["id"], "output": output}
            continue
        contents = [made for part in step.parts if (made := _content(part, step.role)) is not None]
        if contents:
            is_plain = all(made["type"] == "input_text" for made in contents) or step.role == "assistant"
            text = "\n\n".join(made["text"] for made in contents) if is_plain else contents
            yield {"type": "message", "role": step.role, "content": text}
        yield from (_call(part) for part in step.parts if part.get("type") == "tool_call")


def _call(part: Part) -> dict[str, Any]:
    called = {"name": tool_name(part.get("name")), "arguments": arguments_text(part)}
    return {"type": "function_call", "call_id": part["id"], **called}


def _content(part: Part, role: str) -> dict[str, Any] | None:
    if part.get("type") == "text":
        text = part.get("content")
        return {"type": "input_text", "text": text} if isinstance(text, str) and text.strip() else None
    if role == "user" and (address := picture_url(part)):
        return {"type": "input_image", "image_url": address, "detail": "auto"}
    words = mention(part)
    return {"type": "input_text", "text": words} if words else None
