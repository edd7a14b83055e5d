"""One message of OpenAI's chat form, or of the plain form, to a draft.

Knows the keys and content parts of a message.  Anthropic's blocks are `anthropic_messages`' matter; files and
envelopes are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chatlog.formats import ai_sdk, anthropic_messages, build, tags
from chatlog.formats.calls import Calls
from chatlog.formats.datasets import SAYS
from chatlog.formats.envelope import UnreadableError, draft, role_of, text_draft
from chatlog.models import MessageDraft, Part

_CONTENT_KEYS = frozenset({
    "audio", "content", "function_call", "reasoning", "reasoning_content", "refusal", "role", "thinking",
    "tool_call_id", "tool_calls", "type",
})  # fmt: skip
_BESIDES = _CONTENT_KEYS - {"content", "role", "tool_call_id", "type"}


def message(value: Mapping[str, Any], calls: Calls | None = None) -> MessageDraft:
    """Return the draft of one message; `calls` are those of the messages before.

    Takes Anthropic's blocks too.  Raises UnreadableError or one of MALFORMED for anything else.
    """
    role, content = role_of(value), value.get("content")
    if isinstance(content, str) and role != "tool":
        if role == "user" and tags.are_responses(content):
            role = "tool"
        elif _BESIDES.isdisjoint(value) and not (role == "assistant" and tags.is_tagged(content)):
            return text_draft(value, role, content, _CONTENT_KEYS)
    if value.keys().isdisjoint(SAYS):
        raise UnreadableError("a message without content")
    known = Calls() if calls is None else calls
    parts = [*_reasoning(value), *_content(value, role, known), *_spoken(value), *_tool_calls(value, known)]
    return draft(value, role, parts, _CONTENT_KEYS)


def _reasoning(value: Mapping[str, Any]) -> Iterator[Part]:
    told = set[str]()
    for key in ("reasoning_content", "reasoning", "thinking"):
        thought = value.get(key)
        if isinstance(thought, str) and thought and thought not in told:
            told.add(thought)
            yield build.reasoning(thought)
        elif thought and not isinstance(thought, str):
            yield {"type": key, key: thought}


def _content(value: Mapping[str, Any], role: str, calls: Calls) -> Iterator[Part]:
    content = value.get("content")
    if role == "tool" and isinstance(content, str) and tags.are_responses(content):
        yield from tags.responses(content, calls)
    elif role == "tool" and not _has_results(content):
        call_id = calls.answered(value.get("tool_call_id"), value.get("name"))
        yield build.tool_result(call_id, _told_by_values(content), is_error=value.get("is_error") is True)
    elif isinstance(content, str) and role == "assistant" and tags.is_tagged(content):
        yield from tags.said(content, calls)
    elif isinstance(content, str):
        yield build.text(content)
    elif isinstance(content, list):
        for block in content:
            yield from _valued(block, calls) if _is_valued(block) else (_part(block),)
    elif isinstance(content, dict):
        yield _part(content)
    elif content is not None:
        raise UnreadableError("a message whose content is neither text nor a list")


def _is_valued(block: object) -> bool:
    """Whether a block has its thought or calls under ``value``, as LLaMA-Factory's data sets do."""
    return isinstance(block, dict) and block.get("type") in ("reasoning", "tool_call") and "value" in block


def _valued(block: Mapping[str, Any], calls: Calls) -> Iterator[Part]:
    value, rest = block["value"], build.others(block, "value")
    if block["type"] == "reasoning":
        yield build.reasoning(anthropic_messages.string(value), **rest)
        return
    told = build.parsed(value.strip()) if isinstance(value, str) else value
    for call in told if isinstance(told, list) else [told]:
        if isinstance(call, dict):
            yield {**rest, **_tool_call(call, calls)}
        else:
            yield build.tool_call(calls.called(None, None), None, call, **rest)


def _told_by_values(content: Any) -> Any:
    """Return the words of a result whose blocks have them under ``value``; any other content as it is."""
    blocks = build.listed(content)
    if not blocks or not all(isinstance(block, dict) and block.keys() >= {"type", "value"} for block in blocks):
        return content
    return "\n\n".join(anthropic_messages.string(block["value"]) for block in blocks)


def _has_results(content: object) -> bool:
    blocks = build.listed(content)
    return any(isinstance(block, dict) and block.get("type") in ("tool_result", "tool-result") for block in blocks)


def _part(block: Any) -> Part:
    if isinstance(block, str):
        return build.text(block)
    block = ai_sdk.block(block)
    convert = _PARTS.get(block.get("type", "text"))
    return convert(block) if convert else anthropic_messages.part(block)


def _text(block: dict[str, Any]) -> Part:
    key = next((key for key in ("text", "value", "content") if key in block), None)
    if key is None:
        return {**block, "type": "unknown"}
    if isinstance(block[key], dict):
        return build.text(str(block[key]["value"]), **build.others(block, key), **build.others(block[key], "value"))
    return build.text(anthropic_messages.string(block[key]), **build.others(block, key))


def _refusal(block: dict[str, Any]) -> Part:
    return build.text(anthropic_messages.string(block["refusal"]), refusal=True)


def _image(block: dict[str, Any]) -> Part:
    image = block.get("image_url")
    detail = image if isinstance(image, dict) else {"url": image, **build.others(block, "image_url")}
    if not isinstance(detail.get("url"), str):
        return block
    return build.addressed(detail["url"], modality="image", **build.others(detail, "url"))


def _audio(block: dict[str, Any]) -> Part:
    audio = block["input_audio"]
    return build.blob(f"audio/{audio.get('format') or 'wav'}", audio["data"], modality="audio")


def _file(block: dict[str, Any]) -> Part:
    held = block.get("file")
    if not isinstance(held, dict):
        return block
    name = held.get("filename")
    if isinstance(held.get("file_data"), str):
        return build.addressed(held["file_data"], **build.compact({"name": name}))
    return build.file(held.get("file_id"), name, **build.others(held, "file_id", "filename"))


_PARTS: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_image": _image,
    "input_audio": _audio,
    "file": _file,
}


def _spoken(value: Mapping[str, Any]) -> Iterator[Part]:
    refusal, held = build.word(value.get("refusal")), value.get("content")
    blocks = build.listed(held)
    if refusal and not any(isinstance(block, dict) and block.get("refusal") == refusal for block in blocks):
        yield build.text(refusal, refusal=True)
    if isinstance(audio := value.get("audio"), dict):
        if isinstance(audio.get("transcript"), str) and not value.get("content"):
            yield build.text(audio["transcript"], modality="audio")
        yield {"type": "audio", **build.others(audio)}


def _tool_calls(value: Mapping[str, Any], calls: Calls) -> Iterator[Part]:
    for call in value.get("tool_calls") or ():
        yield _tool_call(call, calls)
    if isinstance(legacy := value.get("function_call"), dict):
        yield _tool_call({"function": legacy}, calls)


def _tool_call(call: Mapping[str, Any], calls: Calls) -> Part:
    called = call.get("function") or call.get("custom") or call
    name = called.get("name")
    arguments = next((called[key] for key in ("arguments", "input", "args") if key in called), None)
    told = ("id", "function", "custom", "index", "name", "arguments", "input", "args")
    rest = {**build.others(called, *told), **build.others(call, *told)}
    return build.tool_call(calls.called(call.get("id"), name), name, build.parsed(arguments), **rest)
