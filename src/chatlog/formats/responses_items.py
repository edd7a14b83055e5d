"""The items of OpenAI's Responses API as messages of its chat form: what a model thinks, says and calls is one.

It only reads; `responses_request` writes.
"""

from __future__ import annotations

from typing import Any

from chatlog.formats import build

_CALLS = ("function_call", "custom_tool_call")
_RESULTS = tuple(f"{call}_output" for call in _CALLS)
_CALLED = ("name", "namespace", "arguments", "input")
_THOUGHT = {"role", "reasoning_content"}


def messages(items: str | list[Any]) -> list[Any]:
    """Return a prompt, the items of a request or those of an answer as messages."""
    told: list[Any] = []
    for made in map(_message, items) if isinstance(items, list) else [{"role": "user", "content": items}]:
        if told and _goes_on(told[-1], made):
            calls = [call for said in (told[-1], made) for call in said.get("tool_calls", ())]
            told[-1] = {**told[-1], **made, **({"tool_calls": calls} if calls else {})}
        else:
            told.append(made)
    return told


def _goes_on(last: Any, made: Any) -> bool:
    """Whether a model said two things at once: what follows a thought, or a call behind what it said."""
    if not all(isinstance(said, dict) and said.get("role") == "assistant" for said in (last, made)):
        return False
    return "reasoning_content" not in made and ("tool_calls" in made or last.keys() == _THOUGHT)


def _message(item: Any) -> Any:
    """Return an item as a message; one that holds it, where its kind is not known."""
    kind = item.get("type", "message") if isinstance(item, dict) else "message"
    if kind == "message":
        return item
    if kind == "reasoning":
        thought = "\n\n".join(part["content"] for part in build.reasoning_parts(item))
        return {"role": "assistant", "reasoning_content": thought or item}
    if kind in _CALLS:
        called = {key: item[key] for key in _CALLED if key in item}
        return {"role": "assistant", "tool_calls": [{"id": item.get("call_id"), **called}]}
    if kind in _RESULTS:
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
    return {"role": "assistant", "content": [item]}
