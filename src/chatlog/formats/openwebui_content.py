"""What one message of Open WebUI says: its words, and what is folded into them or listed beside them.

Unfolds the ``<details>`` in which thinking, tool calls and code are written, and reads the items of 2026.
Nothing here knows the chat around the message.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chatlog import tagged
from chatlog.formats import build, openai_content
from chatlog.formats.jsonstream import BROKEN_JSON, decoded
from chatlog.models import Part

_DETAILS = re.compile(r'<(details)\s+type="(\w+)"')
_ATTRIBUTE = re.compile(r'(?<![\w-])([\w-]+)="([^"]*)"')
_SUMMARY = re.compile(r"<(summary)(?=>)")
_THINK = re.compile(r"\s*<(think|thinking|reason|reasoning|thought)>(.*?)</\1>\s*", re.DOTALL)
_FENCE = re.compile(r"```(\w*)\n(.*?)\n?```", re.DOTALL)
_QUOTED = re.compile(r"^> ?", re.MULTILINE)
#: What an attachment says that its part has under another name, on any of the three levels on which it is said.
_FILE_TOLD = frozenset({"content", "content_type", "data", "file", "filename", "id", "meta", "name", "type"})


def parts(message: Mapping[str, Any], name: str) -> list[Part]:
    """Return the parts of a message; ids that are missing are made from `name`."""
    output = message.get("output")
    found = list(_items(output, name)) if isinstance(output, list) else []
    if not any(part["type"] == "text" for part in found):
        said = list(_content(message.get("content"), message.get("role") == "assistant", name))
        is_folded = any(part["type"] != "text" for part in said)
        found = said if is_folded else [*found, *said]
    found.extend(map(_file, message.get("files") or ()))
    for key in ("sources", "citations", "code_executions", "embeds", "merged"):
        if message.get(key):
            found.append(build.raw(key, {"value": message[key]}))
    return found


def _content(content: Any, is_answer: bool, name: str) -> Iterator[Part]:
    if isinstance(content, list):
        made = openai_content.message({"role": "user", "content": content})
        yield from made.parts or (build.text(made.text),)
    elif isinstance(content, str) and is_answer and "<" in content:
        yield from _unfolded(content, name)
    elif content:
        yield build.text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))


def _unfolded(content: str, name: str) -> Iterator[Part]:
    """Yield the words of an answer and what is folded between them, in order."""
    if thought := _THINK.match(content):
        yield build.reasoning(thought[2].strip(), tag=thought[1])
        content = content[thought.end() :]
    number = 0
    for piece in tagged.split(content, _DETAILS):
        if isinstance(piece, str):
            said = piece if piece == content else piece.strip()
            yield from [build.text(said)] * bool(said.strip())
            continue
        told = {key: html.unescape(value) for key, value in _ATTRIBUTE.findall(piece.attributes)}
        kind = piece.tag[2]
        yield from _FOLDED.get(kind, _other)({**told, "kind": kind}, piece.inner, f"{name}-{number}")
        number += 1


def _unsummarised(body: str) -> str:
    """Return what is folded, without the line that stands for it while it is."""
    summary = tagged.first(body, _SUMMARY)
    return body.strip() if summary is None else f"{body[: summary.start].strip()}{body[summary.end :].strip()}"


def _reasoning(told: dict[str, str], body: str, name: str) -> Iterator[Part]:  # noqa: ARG001  as the others
    thought = _unsummarised(body)
    if "&gt;" in thought and not thought.startswith(">"):
        thought = html.unescape(thought)
    yield build.reasoning(_QUOTED.sub("", thought), **build.compact({"duration": told.get("duration")}))


def _tool(told: dict[str, str], body: str, name: str) -> Iterator[Part]:
    """Yield a call and its result, which is an attribute or, from some pipes, the body."""
    call_id = told.get("id") or name
    yield build.tool_call(call_id, told.get("name"), _json(_json(told.get("arguments"))))
    result = told.get("result") or html.unescape(_unsummarised(body))
    if result or told.get("done") == "true":
        extra = {key: _json(told.get(key)) for key in ("files", "embeds")}
        yield build.tool_result(call_id, _json(result), is_error=told.get("error") == "true", **build.compact(extra))


def _code(told: dict[str, str], body: str, name: str) -> Iterator[Part]:
    code = _FENCE.search(html.unescape(body))
    arguments = {"language": code[1], "code": code[2]} if code else {"code": _unsummarised(body)}
    yield build.tool_call(name, "code_interpreter", build.compact(arguments))
    if told.get("output"):
        yield build.tool_result(name, _json(told["output"]))


def _other(told: dict[str, str], body: str, name: str) -> Iterator[Part]:  # noqa: ARG001  as the others
    yield build.raw("details", {**told, "body": body.strip()})


_FOLDED: dict[str, Callable[[dict[str, str], str, str], Iterator[Part]]] = {
    "reasoning": _reasoning,
    "tool_calls": _tool,
    "code_interpreter": _code,
}


def _json(value: Any) -> Any:
    """Return the value of JSON text, anything else as it is."""
    if not isinstance(value, str) or value[:1] not in '"[{':
        return value
    try:
        return decoded(value)
    except BROKEN_JSON:
        return value


# The items of an answer, as the Responses API has them.


def _items(items: list[Any], name: str) -> Iterator[Part]:
    for number, item in enumerate(items):
        told = item if isinstance(item, dict) else {"type": "unknown", "value": item}
        call_id = told.get("call_id") or told.get("id") or f"{name}-{number}"
        match told.get("type"):
            case "message":
                words = _joined(told.get("content"))
                yield from (build.text(words, **_annotations(told["content"])),) if words else ()
                yield from _beside_texts(told.get("content"))
            case "reasoning":
                own, summary = _joined(told.get("content")), _joined(told.get("summary"))
                more = {"duration": told.get("duration"), "summary": summary if own and summary != own else None}
                yield build.reasoning(own or summary, **build.compact(more))
            case "function_call":
                yield build.tool_call(call_id, told.get("name"), build.parsed(told.get("arguments")))
            case "function_call_output":
                held, rest = told.get("output"), build.compact(told, ("type", "id", "call_id", "output", "status"))
                response = held if any(_beside_texts(held)) else _joined(held) or held
                yield build.tool_result(call_id, response, is_error=told.get("status") == "failed", **rest)
            case kind:
                yield build.raw(kind, told)


def _beside_texts(content: Any) -> Iterator[Part]:
    """Yield the blocks of a content that are no text: pictures, refusals."""
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and not isinstance(block.get("text"), str):
            yield build.raw(block.get("type"), block)


def _annotations(content: Any) -> dict[str, Any]:
    """Return what the words of a message cite."""
    blocks = [block.get("annotations") for block in content if isinstance(block, dict)]
    return build.compact({"annotations": [held for cited in blocks if isinstance(cited, list) for held in cited]})


def _joined(content: Any) -> str:
    if isinstance(content, str):
        return content
    blocks = build.listed(content)
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _file(held: Mapping[str, Any]) -> Part:
    """Return an attachment: an image, a file with the text found in it, or a collection of them."""
    inner = build.mapping(held.get("file"))
    kind, address = held.get("type"), held.get("url")
    meta = build.mapping(inner.get("meta"))
    data = build.mapping(inner.get("data")) or build.mapping(held.get("data"))
    name = held.get("name") or inner.get("filename") or meta.get("name")
    mime = held.get("content_type") or meta.get("content_type")
    if ";base64," in str(address):
        made = build.addressed(str(address), **build.compact({"name": name, "modality": kind}))
        return {**made, **({"mime_type": mime} if mime else {})}
    text = held.get("content") or data.get("content")
    rest = {**build.without(meta, _FILE_TOLD), **build.without(inner, _FILE_TOLD), **build.without(held, _FILE_TOLD)}
    facts = build.compact({**rest, "kind": kind, "content": text})
    return build.file(held.get("id") or inner.get("id"), name, mime, **facts)
