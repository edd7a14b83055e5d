"""What models write in tags among their words, as data sets keep it: thoughts, tool calls and their responses.

The tags are those of the Hermes and Qwen models: ``<think>``, ``<tool_call>``, ``<tool_response>``.
The models of OpenAI that run on one's own computer mark the channel of what they think and say instead.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

from chatlog import tagged
from chatlog.formats import build
from chatlog.formats.calls import Calls
from chatlog.formats.jsonstream import BROKEN_JSON, decoded
from chatlog.models import Part

_THOUGHT = re.compile(r"<(think)(?=>)")
_OPEN_THOUGHT = re.compile(r"\s*<think>\s*(.*)", re.DOTALL)
_CHANNELS = re.compile(
    r"\s*(?:<\|start\|>assistant)?<\|channel\|>analysis<\|message\|>(.*?)(?:<\|end\|>)?"
    r"<\|start\|>assistant<\|channel\|>final<\|message\|>(.*)",
    re.DOTALL,
)
#: A call: an object, a list, or in XML.  Who only speaks of the tag goes on with words.
_CALL = re.compile(r"<(tool_call)(?=>\s*(?:[{\[]|<(?!/)|[\w.-]+\s*<arg_key>))")
_RESPONSES = re.compile(r"\s*<tool_response>")
_RESPONSE = re.compile(r"<(tool_response)(?=>)")
_CALL_KEYS = frozenset({"id", "name", "arguments", "parameters", "function", "type"})
#: Python's parser is asked about no text longer than this.
_LITERAL_CHARS = 10_000
_NAMED = re.compile(r"""["']name["']\s*:\s*["']([^"']+)["']""")


def is_tagged(words: str) -> bool:
    """Whether an answer has a thought before it, or calls in it, as tags."""
    return _CALL.search(words) is not None or (words.lstrip().startswith("<think>") and "</think>" in words)


def are_responses(words: str) -> bool:
    """Whether words are nothing but what tools gave back."""
    return _RESPONSES.match(words) is not None


def said(words: str, calls: Calls) -> Iterator[Part]:
    """Yield the thought, the words and the calls of an answer in their order."""
    thought = tagged.first(words, _THOUGHT)
    if thought is not None and not words[: thought.start].strip():
        words = words[thought.end :].lstrip()
        if inner := thought.inner.strip():
            yield build.reasoning(inner)
    for piece in tagged.split(words, _CALL, cut_off=True):
        if isinstance(piece, str):
            told = piece if piece == words else piece.strip()
            yield from [build.text(told)] * bool(told)
        else:
            yield from calls_in(piece.inner.strip(), calls)


def answer(words: str, calls: Calls) -> Iterator[Part]:
    """Yield what an answer thinks, says and calls, as tags or channels mark it; one cut off may only have thought."""
    if found := _CHANNELS.match(words):
        yield build.reasoning(found[1].strip())
        words = found[2].strip()
    if is_tagged(words):
        yield from said(words, calls)
    elif found := _OPEN_THOUGHT.match(words):
        yield build.reasoning(found[1])
    elif words:
        yield build.text(words)


def responses(words: str, calls: Calls) -> Iterator[Part]:
    """Yield what each tool gave back, paired to its call by the tool's name."""
    for piece in tagged.pieces(words, _RESPONSE, cut_off=True):
        response = piece.inner.strip()
        told = literal(build.parsed(response))
        if isinstance(told, dict) and "content" in told:
            name = build.word(told.get("name"))
            own = build.word(told.get("tool_call_id"))
            extra = {"name": name} if name else {}
            yield {**extra, **build.tool_result(calls.answered(own, name), told["content"])}
        else:
            yield build.tool_result(calls.answered(None, None), response)


def literal(value: Any) -> Any:
    """Return the object or list that a text spells as Python does, which is no JSON; anything else as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "[") or len(value) > _LITERAL_CHARS:
        return value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of a backslash in it is not the user's matter
            return decoded(json.dumps(ast.literal_eval(value)))
    except (*BROKEN_JSON, SyntaxError, TypeError, MemoryError):
        return value


def calls_in(value: Any, calls: Calls) -> Iterator[Part]:
    """Yield the calls that a value is: of a JSON object or list, else of the text as it came."""
    found = literal(build.parsed(value.strip())) if isinstance(value, str) else value
    for call in found if isinstance(found, list) else [found]:
        if not isinstance(call, dict):
            named = _NAMED.search(call) if isinstance(call, str) else None
            name = named[1] if named else None
            yield build.tool_call(calls.called(None, name), name, call)
            continue
        inner = call["function"] if isinstance(call.get("function"), dict) else call
        name = inner.get("name")
        arguments = inner.get("arguments", inner.get("parameters"))
        rest = build.without(call, _CALL_KEYS)
        yield {**rest, **build.tool_call(calls.called(call.get("id"), name), name, build.parsed(arguments))}
