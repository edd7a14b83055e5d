"""Google's content parts, as Gemini CLI, AI Studio and the Gemini API have them, to chatlog's.

Pure functions on one message's parts.  Files, conversations and what surrounds a message are not
known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chatlog.formats import build
from chatlog.models import Part

Facts = dict[str, Any]

#: Names that parts use themselves, and chatlog's name for an opaque value that no search reads.
_RENAMED = {
    **{key: f"source_{key}" for key in ("type", "id", "name", "content", "arguments", "response", "mime_type", "uri")},
    "thoughtSignature": "signature",
}
#: An object with nothing in it may say something here, as that a tool took no arguments.
_EMPTY: tuple[object, ...] = (None, "", [])
_BAD_OUTCOMES = ("OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED")


def parts_of(content: Any) -> list[Part]:
    """Return the parts of a content, in which every call and result has an id."""
    return paired(unpaired(content))


def unpaired(content: Any) -> list[Part]:
    """Return the parts of a content: text, one part, or a list of either.  Raises TypeError for anything else."""
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [build.text(content)]
    if isinstance(content, Mapping):
        return part(content)
    if not isinstance(content, list):
        raise TypeError("a content that is neither text nor parts")
    return [made for item in content for made in _item(item)]


def _item(item: Any) -> list[Part]:
    if isinstance(item, Mapping):
        return part(item)
    return [build.text(item)] if isinstance(item, str) else [{"type": "unknown", "value": item}]


def part(value: Mapping[str, Any]) -> list[Part]:
    """Return what one of Google's parts holds, most often one part; as it came where it is of no known kind."""
    text, facts = value.get("text"), rest(value, "text", "thought", *_KINDS)
    found: list[Part] = []
    if isinstance(text, str) and (text or "signature" in facts):
        found.append(build.reasoning(text, **facts) if value.get("thought") else build.text(text, **facts))
    for kind, convert in _KINDS.items():
        if isinstance(value.get(kind), dict):
            found.append(convert(value[kind], facts))
    return found or ([] if text == "" else [build.raw(next(iter(value), "unknown"), value)])


def rest(values: Mapping[str, Any], *told: str) -> Facts:
    """Return what else an object says, under names that a part of ours does not use itself."""
    return {_RENAMED.get(key, key): fact for key, fact in build.rest(values, told, _EMPTY).items()}


def _call(call: Mapping[str, Any], facts: Facts) -> Part:
    more = rest(call, "id", "name", "args")
    return build.tool_call(call.get("id"), call.get("name"), call.get("args"), **facts, **more)


def _response(answer: Mapping[str, Any], facts: Facts) -> Part:
    response = answer.get("response")
    named = {"name": answer["name"]} if answer.get("name") else {}
    more = {**facts, **rest(answer, "id", "name", "response", "parts"), **named}
    return build.tool_result(answer.get("id"), _with_media(said(response), answer), is_error=is_error(response), **more)


def _with_media(words: Any, answer: Mapping[str, Any]) -> Any:
    """Return what a function says and, where it answers with pictures and other media too, all of it as parts."""
    media = unpaired(answer.get("parts"))
    if not media or words in build.EMPTY:
        return media or words
    return [build.text(words) if isinstance(words, str) else build.raw("response", {"value": words}), *media]


def said(response: Any) -> Any:
    """Return what a function's response says, without the envelope where there is nothing else in it."""
    if isinstance(response, dict) and len(response) == 1:
        return next((response[key] for key in ("output", "error") if key in response), response)
    return response


def is_error(response: Any) -> bool:
    """Whether a function's response tells an error."""
    return isinstance(response, dict) and bool(response.get("error"))


def inline_data(data: Mapping[str, Any], facts: Facts) -> Part:
    """Return bytes that stand in the source."""
    return build.blob(data.get("mimeType"), data.get("data") or "", **facts, **rest(data, "mimeType", "data"))


def _file_data(data: Mapping[str, Any], facts: Facts) -> Part:
    named = {"name": data["displayName"]} if data.get("displayName") else {}
    return build.uri(data.get("fileUri") or "", data.get("mimeType"), **named, **facts)


def code(program: Mapping[str, Any], facts: Facts) -> Part:
    """Return a program that the model wrote to be run, as a tool call."""
    return build.tool_call(None, "code_execution", dict(program), **facts)


def code_result(result: Mapping[str, Any], facts: Facts) -> Part:
    """Return what came of running a program, as the call's result."""
    outcome = result.get("outcome")
    told = {"outcome": outcome} if outcome else {}
    return build.tool_result(None, result.get("output"), is_error=outcome in _BAD_OUTCOMES, **told, **facts)


_KINDS: dict[str, Callable[[Mapping[str, Any], Facts], Part]] = {
    "functionCall": _call,
    "functionResponse": _response,
    "inlineData": inline_data,
    "fileData": _file_data,
    "executableCode": code,
    "codeExecutionResult": code_result,
}


def paired(parts: Iterable[Part]) -> list[Part]:
    """Return parts in which calls without ids, and the results that follow them, have some."""
    found = list(parts)
    waiting: list[str] = []
    for number, made in enumerate(found, 1):
        name = f"call-{number}"
        if made["type"] == "tool_call" and made["id"] is None:
            made["id"] = name
            waiting.append(name)
        elif made["type"] == "tool_call_response" and made["id"] is None:
            made["id"] = waiting.pop(0) if waiting else name
    return found
