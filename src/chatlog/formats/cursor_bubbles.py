"""What one bubble of a Cursor chat says: words, thinking, the tool it called, what was attached.

Knows the bubbles of every version, also those with the words only in the editor's own form.
Nothing here knows where a bubble was kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.formats import build
from chatlog.formats.cursor_prompts import shown_in_editor
from chatlog.formats.jsonstream import BROKEN_JSON, decoded
from chatlog.models import MessageDraft, Part, joined_text
from chatlog.timespec import instant

_ROLES = {1: "user", 2: "assistant", "user": "user", "ai": "assistant", "assistant": "assistant"}
#: What the parts and the draft tell already, and what only the editor needs.
_TOLD = frozenset({
    "_v", "allThinkingBlocks", "bubbleId", "capabilities", "capabilityStatuses", "codeBlocks", "conversationState",
    "createdAt", "delegate", "fileSelections", "id", "images", "initText", "isFocused", "mentions", "messageType",
    "modelInfo", "modelType", "rawText", "richText", "selectedImages", "supportedTools", "text", "thinking",
    "timingInfo", "tokenCount", "toolFormerData", "type",
})  # fmt: skip
#: What is told as files, and what only marks them among the words.
_FILES = frozenset({"fileSelections", "mentions", "selectedImages"})
#: A time of a clock, rather than one counted from when the editor was started.
_CLOCK = 1e11


def message(bubble: Mapping[str, Any], source_id: str, parent: str | None) -> MessageDraft | None:
    """Return the message that a bubble is; None for one that says nothing, as the next one to be typed into."""
    role = _ROLES[bubble["type"]]
    parts = tuple(_parts(bubble, source_id))
    if not any(role == "assistant" or part["type"] in ("text", "blob") or "modality" in part for part in parts):
        return None  # files alone are those the editor would send with words
    facts = {key: value for key, value in bubble.items() if key not in _TOLD and not isinstance(value, (dict, list))}
    shown, why = joined_text(parts), None
    if role == "user":
        shown, why = shown_in_editor(shown)
    return build.message(
        role,
        parts,
        shown,
        model=_model(bubble),
        created_at=_moment(bubble),
        source_id=source_id,
        parent=parent,
        metadata=build.compact({**facts, "usage": _usage(bubble), "hidden_reason": why}),
    )


def _model(bubble: Mapping[str, Any]) -> str | None:
    info = bubble.get("modelInfo")
    return build.word(info.get("modelName") if isinstance(info, dict) else bubble.get("modelType"))


def _moment(bubble: Mapping[str, Any]) -> str | None:
    told = build.mapping(bubble.get("timingInfo"))
    times = (told.get(key) for key in ("clientRpcSendTime", "clientStartTime", "clientEndTime"))
    return instant(bubble.get("createdAt")) or next(
        (instant(time) for time in times if isinstance(time, (int, float)) and time > _CLOCK), None
    )


def _usage(bubble: Mapping[str, Any]) -> dict[str, Any]:
    count = bubble.get("tokenCount")
    return build.compact({key: value or None for key, value in count.items()}) if isinstance(count, dict) else {}


def _parts(bubble: Mapping[str, Any], name: str) -> Iterator[Part]:
    yield from _thoughts(bubble)
    words = _words(bubble)
    if words:
        yield build.text(words)
    yield from _code(bubble.get("codeBlocks"), words)
    if isinstance(bubble.get("toolFormerData"), dict):
        yield from _tool(bubble["toolFormerData"], name)
    yield from _files(bubble)
    for key, value in bubble.items():
        if key not in _TOLD and isinstance(value, (dict, list)) and (kept := _kept(value)):
            yield build.raw(key, {"value": kept})


def _kept(value: Any) -> Any:
    """Return what says something in a list or object: most of those in a bubble are there, and empty."""
    if isinstance(value, dict):
        return build.compact({key: _kept(held) for key, held in value.items() if key not in _FILES})
    return value


def _words(bubble: Mapping[str, Any]) -> str:
    for key in ("text", "rawText"):
        if isinstance(bubble.get(key), str) and bubble[key].strip():
            return str(bubble[key])
    return next(filter(None, (_rich_words(bubble.get(key)) for key in ("richText", "initText"))), "")


def _rich_words(held: Any) -> str:
    """Return the words of a text in the form of the editor, a tree of nodes as JSON."""
    try:
        tree = decoded(held) if isinstance(held, str) and held.startswith("{") else held
    except BROKEN_JSON:
        return ""
    found: list[str] = []
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict):
            continue
        if node.get("type") in ("paragraph", "linebreak") and found:
            found.append("\n")
        if isinstance(node.get("text"), str):
            found.append(node["text"])
        stack += [*reversed(node.get("children") or ()), *([node["root"]] if "root" in node else [])]
    return "".join(found).strip()


def _thoughts(bubble: Mapping[str, Any]) -> Iterator[Part]:
    told: set[str] = set()
    for thought in (bubble.get("thinking"), *(bubble.get("allThinkingBlocks") or ())):
        held = {"text": thought} if isinstance(thought, str) else thought
        if isinstance(held, dict) and isinstance(held.get("text"), str) and held["text"] not in ("", *told):
            told.add(held["text"])
            yield build.reasoning(held["text"], **build.compact({"signature": held.get("signature")}))


def _code(blocks: Any, words: str) -> Iterator[Part]:
    """Yield the code that is not in the words."""
    for block in build.listed(blocks):
        content = build.mapping(block).get("content")
        if isinstance(content, str) and content.strip() and content.strip() not in words:
            yield build.raw("code", build.picked(block, ("content", "languageId", "uri", "version")))


def _tool(told: Mapping[str, Any], name: str) -> Iterator[Part]:
    """Yield the call that a bubble made, and what came of it."""
    if not told.get("name") and not told.get("tool"):
        if told:
            yield build.raw("toolFormerData", build.compact(told))
        return
    call_id = told.get("toolCallId") or name
    params, status = build.parsed(told.get("params")), told.get("status")
    arguments = build.parsed(told.get("rawArgs")) or params
    extra = build.picked(told, ("tool", "userDecision", "modelCallId", "status"))
    extra |= build.compact({"params": _beyond(params, arguments)})
    yield build.tool_call(call_id, told.get("name") or str(told.get("tool")), arguments, **extra)
    result, error = build.parsed(told.get("result")), build.parsed(told.get("error"))
    more = build.compact({"additionalData": told.get("additionalData")})
    if result is not None and error is not None:
        more["error"] = error
    if result is not None or error is not None or more:
        failed = status == "error" or (error is not None and result is None)
        yield build.tool_result(call_id, error if result is None else result, is_error=failed, **more)


def _beyond(params: Any, arguments: Any) -> dict[str, Any]:
    """Return what Cursor made of a call's arguments beyond what the model wrote."""
    known = build.mapping(arguments)
    return {key: value for key, value in build.mapping(params).items() if known.get(key) != value}


def tools_beside(chat: Mapping[str, Any]) -> dict[str, Any]:
    """Return the calls by their bubbles, which until version 3 of the form stood in the chat, often as JSON text."""
    found: dict[str, Any] = {}
    for held in build.mappings(chat.get("capabilities")):
        found |= build.mapping(build.parsed(build.within(held, "data", "bubbleDataMap")))
    return found


def _files(bubble: Mapping[str, Any]) -> Iterator[Part]:
    context = build.mapping(bubble.get("context"))
    for file in (*build.mappings(bubble.get("fileSelections")), *build.mappings(context.get("fileSelections"))):
        path = _path(file.get("uri"))
        yield build.file(None, path.replace("\\", "/").rpartition("/")[2] or None, path=path)
    for image in (
        *build.mappings(bubble.get("images")),
        *build.mappings(bubble.get("selectedImages")),
        *build.mappings(context.get("selectedImages")),
    ):
        head, comma, data = str(image.get("dataUrl") or image.get("data") or "").partition(";base64,")
        if comma:
            yield build.blob(head.removeprefix("data:") or None, data)
        else:
            yield build.file(
                image.get("uuid"), image.get("path"), modality="image", **build.compact({"url": image.get("url")})
            )


def _path(uri: Any) -> str:
    held = uri if isinstance(uri, dict) else {"path": uri}
    return str(held.get("fsPath") or held.get("path") or held.get("external") or "")
