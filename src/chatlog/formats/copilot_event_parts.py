"""What an event of Copilot CLI holds beside words: who wrote them, attachments, tool calls and their results, facts.

Pure functions from the source's values to parts, but for the bytes that events share.  Sessions are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import build
from chatlog.models import MessageDraft, Part

Data = Mapping[str, Any]

#: Names that the part of a result uses itself.
_OWN = ("type", "id", "response", "is_error")

#: What the part of some bytes says of itself, and what it is not needed for.
_BLOB_TOLD = ("data", "mimeType", "type", "assetId", "byteLength")

OPAQUE = ("reasoningOpaque", "encryptedContent")
_TOLD: dict[str, frozenset[str]] = {
    "user.message": frozenset(("content", "attachments", "supportedNativeDocumentMimeTypes")),
    "assistant.message": frozenset(
        ("content", "toolRequests", "reasoningText", "outputTokens", "model", "parentToolCallId", *OPAQUE)
    ),
    "tool.execution_complete": frozenset(
        ("toolCallId", "result", "error", "success", "model", "parentToolCallId", "toolTelemetry")
    ),
}
#: How a prompt begins that the command line itself wrote, as when an agent in the background has ended.
_NOTICE = "<system_notification>"
#: The envelope around a prompt that another session sent.
_SENDER = re.compile(r"<cross_session_message>.{0,2000}?from_session_id:[ \t]*(\S+)", re.DOTALL)


def facts_of(kind: str, data: Data) -> dict[str, Any]:
    """Return what an event says that no part or column of its message tells."""
    return build.compact(data, _TOLD[kind])


def writer(text: str, origin: Any, sent: Any) -> tuple[Any, str | None]:
    """Return where a prompt comes from, and its author if that is another session; `sent` is what the model was sent.

    What the user wrote stands in there word for word, so that an envelope in it is none.
    """
    if text.lstrip().startswith(_NOTICE):
        return "system_notification", None
    envelope = _SENDER.search(sent.replace(text, "", 1)) if isinstance(sent, str) and text else None
    return origin, f"session {envelope[1]}" if envelope else None


@dataclass(slots=True)
class Made:
    """What an event says, before it has its place."""

    role: str
    text: str = ""
    parts: tuple[Part, ...] | None = None
    model: str | None = None
    author: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def draft(self, source_id: str, parent: str | None, conversation: str | None, moment: str | None) -> MessageDraft:
        """Return the message."""
        return build.message(
            self.role,
            self.text if self.parts is None else self.parts,
            self.text,
            author=self.author,
            model=self.model,
            created_at=moment,
            source_id=source_id,
            parent=parent,
            conversation=conversation,
            metadata=self.facts,
        )


class Assets:
    """The bytes that stand once in a file and are named by the events behind them."""

    def __init__(self) -> None:
        self.held: dict[str, Data] = {}

    def keep(self, data: Data) -> None:
        """Keep the bytes of an asset."""
        self.held[str(data["assetId"])] = data

    def filled(self, item: Data) -> Data:
        """Return what names an asset with its bytes and their type, anything else as it is."""
        asset = self.held.get(str(item.get("assetId")))
        if asset is None:
            return item
        return {**item, "data": asset.get("data"), "mimeType": item.get("mimeType") or asset.get("mimeType")}

    def attachment(self, item: Any) -> Part:
        """Return what was attached to a prompt: a file, bytes, or as it came what is neither."""
        if not isinstance(item, dict):
            return build.raw("attachment", {"value": item})
        item = self.filled(item)
        if isinstance(item.get("data"), str):
            rest = build.given(item, (*_BLOB_TOLD, "displayName"))
            return build.blob(item.get("mimeType"), item["data"], name=item.get("displayName"), **rest)
        if not isinstance(item.get("path"), str):
            return build.raw("attachment", item)
        rest = build.without(item, ("path", "displayName", "type", "name"))
        return build.file(item["path"], item.get("displayName"), kind=item.get("type"), **rest)

    def brought(self, item: Any) -> Part | None:
        """Return the bytes that a result brought; None where they are not here."""
        item = self.filled(item) if isinstance(item, dict) else {}
        if not isinstance(item.get("data"), str):
            return None
        return build.blob(item.get("mimeType"), item["data"], **build.given(item, _BLOB_TOLD))


def request_part(request: Data) -> Part:
    """Return the tool call of an answer's request."""
    told = ("toolCallId", "name", "arguments", "type", "id", "content")
    rest = build.compact(request, told)
    arguments = build.parsed(request.get("arguments"))
    return build.tool_call(request.get("toolCallId"), request.get("name"), arguments, **rest)


def result_parts(data: Data, assets: Assets) -> tuple[Part, ...]:
    """Return a tool's result, and the pictures and other bytes that it brought the model."""
    result = data.get("result")
    listed = build.listed(result.get("binaryResultsForLlm")) if isinstance(result, dict) else []
    brought = [assets.brought(item) for item in listed]
    found = tuple(part for part in brought if part is not None)
    if isinstance(result, dict) and found:
        rest = [item for item, part in zip(listed, brought, strict=True) if part is None]
        data = {**data, "result": {**result, "binaryResultsForLlm": rest}}
    return result_part(data), *found


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
    return build.tool_result(data.get("toolCallId"), result["content"], is_error=failed, **build.renamed(rest, _OWN))
