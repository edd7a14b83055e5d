"""Tests of the items of OpenAI's Responses API: which messages they are, and the files that hold them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, openai_messages
from chatlog.formats.responses_items import messages as told
from chatlog.models import Problem

from .making import conversations, head_of, json_lines, messages, said, source_of

ASKED = {"role": "user", "content": [{"type": "input_text", "text": "Count the birds"}]}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "With ls."}]}
SPOKEN = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me look."}]}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "shell", "arguments": '{"command": "ls"}'}
CUSTOM = {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "*** Begin"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "wren"}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed"}


def test_what_a_model_says_at_once() -> None:
    """A thought, the words and the calls behind them are one message; what comes after a result is another."""
    items = [ASKED, THOUGHT, SPOKEN, CALL, CUSTOM, RESULT, THOUGHT, SPOKEN]
    source = source_of(json_lines({"custom_id": "1", "url": "/v1/responses", "body": {"input": items}}))
    asked, first, result, last = messages(openai_messages.read(source))
    thought, words = build.reasoning("With ls."), build.text("Let me look.")
    calls = (build.tool_call("c1", "shell", {"command": "ls"}), build.tool_call("c2", "patch", "*** Begin"))
    assert ("user", "Count the birds") == (asked.role, asked.text)
    assert (thought, words, *calls) == first.parts
    assert ("tool", (build.tool_result("c1", "wren"),)) == (result.role, result.parts)
    assert (thought, words) == last.parts


def test_what_stays_apart() -> None:
    """Two things said, a thought after words, and an item of a kind not known here are messages of their own."""
    assert [SPOKEN, SPOKEN] == told([SPOKEN, SPOKEN])
    assert 2 == len(told([SPOKEN, THOUGHT]))
    assert [{"role": "assistant", "content": [SEARCH]}, SPOKEN, 7] == told([SEARCH, SPOKEN, 7])
    assert [{"role": "assistant", "reasoning_content": {"type": "reasoning"}}] == told([{"type": "reasoning"}])


def answer(**more: Any) -> dict[str, Any]:
    facts = {"object": "response", "model": "gpt-5", "created_at": 1769853600, "usage": {"total_tokens": 3}}
    return {**facts, "output": [THOUGHT, SPOKEN], **more}


@pytest.mark.parametrize(
    "value", [answer(), {"custom_id": "1", "response": {"status_code": 200, "body": answer()}, "error": None}]
)
def test_an_answer(value: dict[str, Any]) -> None:
    """A response, alone or in a batch, is one message with its model, time and usage."""
    source = source_of(json_lines(value))
    assert openai_messages.sniff(head_of(source))
    (found,) = messages(openai_messages.read(source))
    assert ("Let me look.", "gpt-5", "2026-01-31T10:00:00.000Z") == (found.text, found.model, found.created_at)
    assert {"total_tokens": 3} == found.metadata["usage"]


def test_a_request() -> None:
    """A request of a batch has its instructions before its prompt, which may be a text."""
    body = {"model": "gpt-5", "instructions": "Be brief.", "input": "How many?"}
    source = source_of(json_lines({"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": body}))
    assert openai_messages.sniff(head_of(source))
    records = list(openai_messages.read(source))
    assert [("system", "Be brief."), ("user", "How many?")] == said(records)
    assert "gpt-5" == conversations(records)[0].model


def test_wrong_types() -> None:
    """What is no item is a problem, and the others are read."""
    source = source_of(json.dumps({"url": "/v1/responses", "custom_id": "1", "body": {"input": [7, SPOKEN]}}))
    records = list(openai_messages.read(source))
    assert [("assistant", "Let me look.")] == said(records)
    assert 1 == sum(isinstance(record, Problem) for record in records)
