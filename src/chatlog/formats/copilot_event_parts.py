"""What an event of Copilot CLI holds beside words: attachments, tool calls and their results.

Pure functions from the source's values to parts.  Events and sessions are not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatlog.formats import build
from chatlog.models import Part

Data = Mapping[str, Any]


def attachment(item: Any) -> Part:
    """Return what was attached to a prompt: a file, bytes, or as it came what is neither."""
    if isinstance(item, dict) and isinstance(item.get("data"), str):
        return build.blob(item.get("mimeType"), item["data"], name=item.get("displayName"))
    if not isinstance(item, dict) or not isinstance(item.get("path"), str):
        return build.raw("attachment", item if isinstance(item, dict) else {"value": item})
    rest = {key: fact for key, fact in item.items() if key not in ("path", "displayName", "type", "name")}
    return build.file(item["path"], item.get("displayName"), kind=item.get("type"), **rest)


def request_part(request: Data) -> Part:
    """Return the tool call of an answer's request."""
    told = ("toolCallId", "name", "arguments", "type", "id", "content")
    rest = build.compact(request, told)
    arguments = build.parsed(request.get("arguments"))
    return build.tool_call(request.get("toolCallId"), request.get("name"), arguments, **rest)


def result_part(data: Data) -> Part:
    """Return a tool's result: the text the model saw, with what else there is."""
    result, error = data.get("result"), data.get("error")
    failed = data.get("success") is False
    if error:
        response = error.get("message") if isinstance(error, dict) and error.keys() <= {"message", "code"} else error
        extra = {"code": error["code"]} if isinstance(error, dict) and error.get("code") else {}
        extra |= {"result": result} if result else {}
        return build.tool_result(data.get("toolCallId"), response, is_error=True, **extra)
    if not isinstance(result, dict) or "content" not in result:
        return build.tool_result(data.get("toolCallId"), result, is_error=failed)
    rest = build.compact(result, ("content",))
    if rest.get("detailedContent") == result["content"]:
        del rest["detailedContent"]
    return build.tool_result(data.get("toolCallId"), result["content"], is_error=failed, **_safe(rest))


def _safe(facts: dict[str, Any]) -> dict[str, Any]:
    return {f"source_{key}" if key in ("type", "id", "response", "is_error") else key: v for key, v in facts.items()}
