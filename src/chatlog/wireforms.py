"""The forms a context is sent in: how steps are spelled in each, and what the spelled form costs in tokens.

Counts follow what the providers publish of their overheads, rounded up where they say nothing; nothing
here chooses what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chatlog.formats import anthropic_messages, gemini_request, openai_messages, responses_request
from chatlog.formats.turns import Step
from chatlog.models import Message, as_text
from chatlog.shown import mention, response_text
from chatlog.tokens import Counter, media_tokens

#: Around each message, around each tool call, and once for the answer's beginning.
PER_MESSAGE, PER_CALL, PRIMING = 4, 8, 3


class Form(NamedTuple):
    """A wire form: `build` spells steps, `price` counts what was spelled, `turns` is the array in it."""

    name: str
    build: Callable[[Sequence[Step]], Any]
    price: Callable[[Any, Counter], int]
    turns: Callable[[Any], Any]


def _media(value: Mapping[str, Any], form: str) -> int:
    """Return the price of what is no text in a block, nothing for a block of text."""
    match value:
        case {"type": "image_url", "image_url": {"url": str(url)}} | {"type": "input_image", "image_url": str(url)}:
            return media_tokens("image", len(url), form)
        case {"type": "input_audio", "input_audio": {"data": str(data)}}:
            return media_tokens("audio", len(data), form)
        case {"type": "image" | "document" as kind, "source": {**source}}:
            return media_tokens(str(kind), len(str(source.get("data") or "")), form)
        case {"inlineData": {"mimeType": str(mime), "data": str(data)}}:
            return media_tokens(mime.partition("/")[0], len(data), form)
    return 0


def _content(content: Any, count: Counter, form: str) -> int:
    if isinstance(content, str) or content is None:
        return count(content or "")
    return sum(count(block.get("text") or "") + _media(block, form) for block in content)


def count_openai(messages: Iterable[Mapping[str, Any]], count: Counter) -> int:
    """Return the tokens of a chat request's messages."""
    total = PRIMING
    for message in messages:
        total += PER_MESSAGE + _content(message.get("content"), count, "openai") + count(message.get("refusal") or "")
        total += count(message["name"]) + 1 if message.get("name") else 0
        total += count(message.get("tool_call_id") or "")
        for call in message.get("tool_calls") or ():
            said = call["function"]
            total += PER_CALL + count(call["id"]) + count(said["name"]) + count(said["arguments"])
    return total


def count_responses(items: Iterable[Mapping[str, Any]], count: Counter) -> int:
    """Return the tokens of the Responses API's input items."""
    total = PRIMING
    for item in items:
        total += PER_MESSAGE + _content(item.get("content"), count, "responses") + count(item.get("call_id") or "")
        if item.get("type") == "function_call":
            total += PER_CALL + count(item["name"]) + count(item["arguments"])
        total += count(item.get("output") or "")
    return total


def count_anthropic(request: Mapping[str, Any], count: Counter) -> int:
    """Return the tokens of a Messages request."""
    total = PRIMING + (PER_MESSAGE + count(request["system"]) if request.get("system") else 0)
    for turn in request["messages"]:
        blocks = turn["content"] if isinstance(turn["content"], list) else [{"type": "text", "text": turn["content"]}]
        total += PER_MESSAGE + sum(_anthropic_block(block, count) for block in blocks)
    return total


def _anthropic_block(block: Mapping[str, Any], count: Counter) -> int:
    match block:
        case {"type": "tool_use"}:
            return PER_CALL + count(block["id"]) + count(block["name"]) + count(as_text(block["input"]))
        case {"type": "tool_result"}:
            return PER_MESSAGE + count(block["tool_use_id"]) + count(block["content"])
        case {"type": "thinking"}:
            return count(block["thinking"])
    return count(block.get("text") or "") + _media(block, "anthropic") + count(str(block.get("data") or ""))


def count_gemini(request: Mapping[str, Any], count: Counter) -> int:
    """Return the tokens of a generateContent request."""
    system = request.get("systemInstruction", {}).get("parts", ())
    total = PRIMING + sum(PER_MESSAGE + count(part["text"]) for part in system)
    for content in request["contents"]:
        total += PER_MESSAGE + sum(_gemini_part(part, count) for part in content["parts"])
    return total


def _gemini_part(part: Mapping[str, Any], count: Counter) -> int:
    match part:
        case {"functionCall": dict(call)}:
            return PER_CALL + count(call["id"]) + count(call["name"]) + count(as_text(call["args"]))
        case {"functionResponse": dict(answer)}:
            return PER_CALL + count(answer["id"]) + count(answer["name"]) + sum(map(count, answer["response"].values()))
    return count(part.get("text") or "") + _media(part, "gemini")


# for people, and for commands that read text


def _transcript(steps: Iterable[Step], heading: Callable[[str], str]) -> str:
    """Return steps as text, each speaker's under a heading."""
    return "\n\n".join(f"{heading(_speaker(step))}{said}" for step in steps if (said := _said(step)))


def _speaker(step: Step) -> str:
    return step.author or step.role.capitalize()


def _said(step: Step) -> str:
    return "\n\n".join(filter(None, (_part_text(part) for part in step.parts)))


def _part_text(part: Mapping[str, Any]) -> str:
    match part:
        case {"type": "text", "content": str(content)}:
            return content if content.strip() else ""
        case {"type": "tool_call"}:
            return f"[tool call: {part.get('name') or 'tool'} {as_text(part.get('arguments') or {})}]"
        case {"type": "tool_call_response"}:
            return f"[tool result]\n{response_text(part.get('response'))}"
    return mention(dict(part)) or ""


def count_text(text: str, count: Counter) -> int:
    """Return the tokens of a transcript."""
    return PRIMING + count(text)


def _same(wire: Any) -> Any:
    return wire


FORMS = {
    form.name: form
    for form in (
        Form("openai", lambda steps: list(openai_messages.from_steps(steps)), count_openai, _same),
        Form("responses", lambda steps: list(responses_request.from_steps(steps)), count_responses, _same),
        Form("anthropic", anthropic_messages.from_steps, count_anthropic, lambda wire: wire["messages"]),
        Form("gemini", gemini_request.from_steps, count_gemini, lambda wire: wire["contents"]),
        Form("text", lambda steps: _transcript(steps, lambda who: f"{who}: "), count_text, _same),
        Form("markdown", lambda steps: _transcript(steps, lambda who: f"## {who}\n\n"), count_text, _same),
    )
}


#: Forms with no place for a speaker's name.
NAMELESS = frozenset(("responses", "anthropic", "gemini"))


def message_counter(count: Counter) -> Callable[[Message], int]:
    """Return what counts the tokens of a message's words, as stores ask for it."""
    return lambda message: message_tokens(message.all_parts(), count)


def message_tokens(parts: Iterable[Mapping[str, Any]], count: Counter) -> int:
    """Return the tokens of a message's words in whichever form; without what surrounds them."""
    total = 0
    for part in parts:
        match part:
            case {"type": "text" | "reasoning", "content": str(content)}:
                total += count(content)
            case {"type": "tool_call"}:
                total += PER_CALL + count(str(part.get("name") or "")) + count(as_text(part.get("arguments") or {}))
            case {"type": "tool_call_response"}:
                total += PER_MESSAGE + count(response_text(part.get("response")))
            case {"type": "blob" | "uri" | "file"}:
                total += _attachment(part, count)
    return total


def _attachment(part: Mapping[str, Any], count: Counter) -> int:
    kind = str(part.get("mime_type") or part.get("modality") or "").partition("/")[0]
    content = part.get("content")
    if part.get("type") == "blob" and kind in ("image", "audio", "application"):
        return media_tokens(kind, len(str(content or "")), "anthropic")
    if kind == "image":
        return media_tokens("image", 0, "anthropic")
    return count(mention(dict(part)) or "")
