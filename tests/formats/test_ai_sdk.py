"""The AI SDK's blocks in Anthropic's words: calls and results of all its versions, thoughts, pictures, files."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import ai_sdk, build
from chatlog.formats.openai_content import message

CALL = {"type": "tool-call", "toolCallId": "c", "toolName": "oil"}
RESULT = {"type": "tool-result", "toolCallId": "c", "toolName": "oil"}
USED = {"type": "tool_use", "id": "c", "name": "oil", "input": {"n": 1}}
CAME = {"type": "tool_result", "tool_use_id": "c", "name": "oil"}
PICTURE = {"type": "base64", "media_type": "image/png", "data": "aGk="}


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({**CALL, "args": {"n": 1}}, USED),
        ({**CALL, "input": {"n": 1}, "providerOptions": {"x": 1}}, {**USED, "providerOptions": {"x": 1}}),
        ({**RESULT, "result": "done", "isError": True}, {**CAME, "content": "done", "is_error": True}),
        ({**RESULT, "output": {"type": "text", "value": "done"}}, {**CAME, "content": "done", "is_error": False}),
        ({**RESULT, "output": {"type": "error-text", "value": "dry"}}, {**CAME, "content": "dry", "is_error": True}),
        (
            {**RESULT, "output": {"type": "execution-denied", "reason": "no"}},
            {**CAME, "content": "no", "is_error": True},
        ),
        (
            {**RESULT, "output": {"type": "content", "value": [{"type": "media", "data": "aGk=", "mediaType": "x/y"}]}},
            {
                **CAME,
                "content": [{"type": "image", "source": {**PICTURE, "media_type": "x/y"}}],
                "is_error": False,
            },
        ),
        ({"type": "reasoning", "text": "Hm"}, {"type": "thinking", "thinking": "Hm"}),
        ({"type": "redacted-reasoning", "data": "x"}, {"type": "redacted_thinking", "data": "x"}),
        ({"type": "image", "image": "data:image/png;base64,aGk="}, {"type": "image", "source": PICTURE}),
        ({"type": "image", "image": "aGk=", "mimeType": "image/png"}, {"type": "image", "source": PICTURE}),
        (
            {"type": "image", "image": "https://e.x/a"},
            {"type": "image", "source": {"type": "url", "url": "https://e.x/a"}},
        ),
        (
            {"type": "file", "data": "aGk=", "mediaType": "image/png", "filename": "a.png"},
            {"type": "document", "source": PICTURE, "filename": "a.png"},
        ),
    ],
)
def test_blocks(block: dict[str, Any], told: dict[str, Any]) -> None:
    """Each kind of block is told as Anthropic tells it."""
    assert told == ai_sdk.block(block)


@pytest.mark.parametrize(
    "block",
    [
        "words",
        7,
        {"type": "text", "text": "words"},
        {"type": "reasoning", "value": "a data set's"},
        {"type": "image", "source": PICTURE},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": ["tool-call"], "toolName": "x"},
    ],
)
def test_what_is_none_of_them_stays(block: Any) -> None:
    """A block of another form, or of none, is as it was."""
    assert block == ai_sdk.block(block)


def test_a_message_of_the_sdk_is_read() -> None:
    """Plain messages may have such blocks: a call and its result are told as such."""
    asked = message({"role": "assistant", "content": [{"type": "text", "text": "Oiling"}, {**CALL, "input": {"n": 1}}]})
    came = message({"role": "tool", "content": [{**RESULT, "output": {"type": "json", "value": {"ok": 1}}}]})
    assert asked.parts == (build.text("Oiling"), build.tool_call("c", "oil", {"n": 1}))
    assert came.parts == ({**build.tool_result("c", {"ok": 1}), "name": "oil"},)
