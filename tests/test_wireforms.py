"""What each wire form costs: every string of it, what is around messages and calls, and media by rule."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats.turns import Step
from chatlog.tokens import CL100K, IMAGE_TOKENS, counter
from chatlog.wireforms import FORMS, PER_CALL, PER_MESSAGE, PRIMING, message_tokens

COUNT = counter(CL100K)
IMAGE = "data:image/png;base64,iVBORw0KGgo="


def price(form: str, wire: Any) -> int:
    return FORMS[form].price(wire, COUNT)


def size(*strings: str) -> int:
    return sum(map(COUNT, strings))


def test_an_openai_array_costs_its_strings() -> None:
    """Those of calls and results, names and refusals too; a picture and a sound by rule."""
    function = {"name": "read_file", "arguments": '{"path": "a.txt"}'}
    blocks = [{"type": "text", "text": "See this picture."}, {"type": "image_url", "image_url": {"url": IMAGE}}]
    sound = {"type": "input_audio", "input_audio": {"data": "A" * 80_000, "format": "wav"}}
    wire = [
        {"role": "user", "content": blocks, "name": "Ana_Karenina"},
        {"role": "assistant", "content": None, "refusal": "I cannot do that.",
         "tool_calls": [{"id": "call_17", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "call_17", "content": "It says hello."}, {"role": "user", "content": [sound]},
    ]  # fmt: skip
    assert PRIMING + PER_MESSAGE == price("openai", [{"role": "user", "content": ""}])
    assert price("openai", wire) == (
        PRIMING + 4 * PER_MESSAGE + size("See this picture.", "Ana_Karenina", "I cannot do that.") + 1
        + IMAGE_TOKENS["openai"] + PER_CALL + size("call_17", *function.values(), "call_17", "It says hello.") + 32 * 15
    )  # fmt: skip


def test_responses_items_cost_their_strings() -> None:
    """An item each: what is said, a call, and its output."""
    blocks = [
        {"type": "input_text", "text": "See this."},
        {"type": "input_image", "image_url": IMAGE, "detail": "auto"},
    ]
    wire = [
        {"type": "message", "role": "user", "content": blocks},
        {"type": "function_call", "call_id": "call_17", "name": "read_file", "arguments": '{"path": "a.txt"}'},
        {"type": "function_call_output", "call_id": "call_17", "output": "It says hello."},
    ]
    assert price("responses", wire) == (
        PRIMING + 3 * PER_MESSAGE + size("See this.") + IMAGE_TOKENS["responses"] + PER_CALL
        + size("call_17", "read_file", '{"path": "a.txt"}', "call_17", "It says hello.")
    )  # fmt: skip


def test_an_anthropic_request_costs_its_strings() -> None:
    """Thoughts and what is sealed of them too; a page of a document by its size."""
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    document = {"type": "base64", "media_type": "application/pdf", "data": "A" * 100_000}
    call = {"type": "tool_use", "id": "call_17", "name": "read_file", "input": {"path": "a.txt"}}
    wire = {
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Hello there."},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "A greeting.", "signature": "c2ln" * 90},
                {"type": "redacted_thinking", "data": "c2VhbGVk"}, {"type": "text", "text": "I look."}, call]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_17", "content": "It says hello."},
                {"type": "image", "source": source}, {"type": "document", "source": document}]},
        ],
    }  # fmt: skip
    assert price("anthropic", wire) == (
        PRIMING + 4 * PER_MESSAGE + size("Be brief.", "Hello there.", "A greeting.", "c2VhbGVk", "I look.")
        + PER_CALL + size("call_17", "read_file", '{"path": "a.txt"}')
        + PER_MESSAGE + size("call_17", "It says hello.") + IMAGE_TOKENS["anthropic"] + 2 * 3_000
    )  # fmt: skip
    assert PRIMING + PER_MESSAGE + 1 == price("anthropic", {"messages": [{"role": "user", "content": "hi"}]})


def test_a_gemini_request_costs_its_strings() -> None:
    """Its instruction, its calls and what they return."""
    call = {"id": "call_17", "name": "read_file", "args": {"path": "a.txt"}}
    returned = {"id": "call_17", "name": "read_file", "response": {"output": "It says hello."}}
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    wire = {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hello there."}, image]},
            {"role": "model", "parts": [{"functionCall": call}]},
            {"role": "user", "parts": [{"functionResponse": returned}]},
        ],
    }
    assert price("gemini", wire) == (
        PRIMING + 4 * PER_MESSAGE + size("Be brief.", "Hello there.") + IMAGE_TOKENS["gemini"]
        + 2 * (PER_CALL + size("call_17", "read_file")) + size('{"path": "a.txt"}', "It says hello.")
    )  # fmt: skip


BARE = "[tool call: tool {}]"
CALLED, RETURNED = '[tool call: read {"path": "a"}]', "[tool result]\nhello"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("text", f"User: See.\n\n[image: plan.png]\n\nAna: {CALLED}\n\nTool: {RETURNED}\n\nBo: {BARE}"),
        (
            "markdown",
            f"## User\n\nSee.\n\n[image: plan.png]\n\n## Ana\n\n{CALLED}\n\n## Tool\n\n{RETURNED}\n\n## Bo\n\n{BARE}",
        ),
    ],
)
def test_a_transcript_says_who_speaks(form: str, told: str) -> None:
    """By name where there is one; what is blank is not said, and a thought neither."""
    picture = {"type": "blob", "mime_type": "image/png", "content": "iVBORw0KGgo=", "name": "plan.png"}
    steps = [
        Step("user", None, ({"type": "text", "content": "See."}, {"type": "text", "content": " \n"}, picture)),
        Step("assistant", None, ({"type": "reasoning", "content": "hm"},)),
        Step("assistant", "Ana", ({"type": "tool_call", "id": "c", "name": "read", "arguments": {"path": "a"}},)),
        Step("tool", None, ({"type": "tool_call_response", "id": "c", "response": "hello"},)),
        Step("assistant", "Bo", ({"type": "tool_call", "id": "d", "name": None, "arguments": None},)),
    ]
    assert told == FORMS[form].build(steps)
    assert PRIMING + COUNT(told) == price(form, told)


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        ({"type": "text", "content": "Hello there."}, size("Hello there.")),
        ({"type": "reasoning", "content": "A greeting."}, size("A greeting.")),
        ({"type": "tool_call", "name": "read", "arguments": {"a": 1}}, PER_CALL + size("read", '{"a": 1}')),
        ({"type": "tool_call", "name": None, "arguments": None}, PER_CALL + size("{}")),
        ({"type": "tool_call_response", "response": "hello"}, PER_MESSAGE + size("hello")),
        ({"type": "blob", "mime_type": "image/png", "content": "AAAA"}, 1_600),
        ({"type": "blob", "mime_type": "audio/wav", "content": "AAAA"}, 320),
        ({"type": "blob", "mime_type": "application/pdf", "content": "A" * 100_000}, 6_000),
        ({"type": "blob", "mime_type": "text/csv", "name": "a.csv", "content": "A" * 900}, size("[file: a.csv]")),
        ({"type": "uri", "uri": "https://example.org/a", "modality": "image"}, 1_600),
        ({"type": "uri", "uri": "https://example.org/a"}, size("[link: https://example.org/a]")),
        ({"type": "uri", "uri": "https://example.org/a", "mime_type": "audio/ogg"}, size("[link: https://example.org/a]")),
        ({"type": "file", "name": "plan.txt"}, size("[file: plan.txt]")),
        ({"type": "uri"}, 0), ({"type": "odd", "content": "x"}, 0),
    ],
)  # fmt: skip
def test_the_tokens_of_a_part_in_whichever_form(part: dict[str, Any], tokens: int) -> None:
    """As the dearest of them has it."""
    assert tokens == message_tokens([part], COUNT)
