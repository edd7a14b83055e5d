"""Conversations as OpenAI's training examples: ``{"messages", "tools"}`` a line, as its fine-tuning takes them.

An example ends with the assistant, and developers are the system, which each model that is trained knows.
Answers marked as not worth keeping carry ``weight`` 0 and are not learned from.
It only writes; what comes out is read by `openai_messages`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any

from chatlog.formats.openai_messages import spell
from chatlog.formats.turns import Step, arguments_object, steps
from chatlog.models import Message, Part
from chatlog.shown import shown_parts

if TYPE_CHECKING:
    from chatlog.formats import Transcript

#: Marks the parts of an answer that is to be seen but not learned from.
_UNLEARNED = "weight"
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def write(transcripts: Iterable[Transcript], out: IO[str]) -> None:
    """Write each conversation as a line; none from which nothing is to be learned."""
    for _, messages in transcripts:
        example = _example(messages)
        if example is not None:
            out.write(json.dumps(example, ensure_ascii=False) + "\n")


def _example(messages: Iterable[Message]) -> dict[str, Any] | None:
    tools: dict[str, dict[str, Any]] = {}
    said = [spelled for step in steps(map(_weighed, messages)) if (spelled := _spelled(step, tools)) is not None]
    while said and said[-1]["role"] != "assistant":
        said.pop()
    if all(message.get("weight") == 0 for message in said if message["role"] == "assistant"):
        return None
    found = [{"type": "function", "function": tool} for tool in tools.values()]
    return {"messages": said, "tools": found} if found else {"messages": said}


def _weighed(message: Message) -> Message:
    """Return the message; the parts of an answer that is not to be learned from are marked."""
    if message.role != "assistant" or (message.importance != "discard" and message.metadata.get("weight") != 0):
        return message
    return message._replace(parts=tuple({**part, _UNLEARNED: 0} for part in shown_parts(message)))


def _spelled(step: Step, tools: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    said = spell(step)
    if said is None or step.role != "assistant":
        return said and {**said, "role": "system" if step.role == "developer" else step.role}
    refusal = said.pop("refusal", None)
    if refusal and said["content"] is None:
        said["content"] = refusal
    for part, call in zip(_calls(step), said.get("tool_calls", ()), strict=True):
        name = call["function"]["name"]
        _describe(tools.setdefault(name, {"name": name, "parameters": {"type": "object", "properties": {}}}), part)
    return {**said, "weight": 0} if any(part.get(_UNLEARNED) == 0 for part in step.parts) else said


def _calls(step: Step) -> Iterator[Part]:
    return (part for part in step.parts if part.get("type") == "tool_call")


def _describe(tool: dict[str, Any], part: Part) -> None:
    """Add what a call's arguments tell of the tool's: histories hold calls, not the definitions."""
    properties = tool["parameters"]["properties"]
    for name, value in arguments_object(part).items():
        kind = _TYPES.get(type(value))
        known = properties.setdefault(name, {"type": kind} if kind else {})
        if known.get("type") != kind and kind is not None and known:
            properties[name] = {}
