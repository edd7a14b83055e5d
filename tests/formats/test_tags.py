"""Tests of what models write in tags among their words: thoughts, calls, responses."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import build, openai_messages, sharegpt, tags
from chatlog.formats.calls import Calls
from chatlog.models import MessageDraft

from .making import json_lines, messages, source_of

CALLED = (
    "I look.\n<tool_call>\n{'arguments': {'id': 1}, 'name': 'see'}\n</tool_call>\n"
    '<tool_call>\n{"name": "hear", "arguments": {}}\n</tool_call>\n'
)
GIVEN_BACK = (
    '<tool_response>\n{"name": "hear", "content": {"ok": true}}\n</tool_response>\n'
    "<tool_response>\nplain\n</tool_response>\n"
)
PARTS = (build.text("I look."), build.tool_call("call-1", "see", {"id": 1}), build.tool_call("call-2", "hear", {}))
RESULTS = ({"name": "hear", **build.tool_result("call-2", {"ok": True})}, build.tool_result("call-1", "plain"))


def sharegpt_turns(*turns: tuple[str, str]) -> list[MessageDraft]:
    record = {"conversations": [{"from": who, "value": words} for who, words in turns]}
    return messages(sharegpt.read(source_of(json_lines(record))))


def plain_turns(*turns: tuple[str, str]) -> list[MessageDraft]:
    record = {"messages": [{"role": who, "content": words} for who, words in turns]}
    return messages(openai_messages.read(source_of(json_lines(record))))


@pytest.mark.parametrize("who", ["tool", "human"])
def test_calls_and_responses_of_sharegpt(who: str) -> None:
    """Calls among an answer's words are calls, what stands in tags of responses their results, whoever sent them."""
    _, answer, result = sharegpt_turns(("human", "Look"), ("gpt", CALLED), (who, GIVEN_BACK))
    assert ("assistant", "I look.", PARTS) == (answer.role, answer.text, answer.parts)
    assert ("tool", RESULTS) == (result.role, result.parts)


@pytest.mark.parametrize("who", ["tool", "user"])
def test_calls_and_responses_of_role_and_content(who: str) -> None:
    """The same of messages with a role and a content."""
    _, answer, result = plain_turns(("user", "Look"), ("assistant", CALLED), (who, GIVEN_BACK))
    assert ("assistant", "I look.", PARTS) == (answer.role, answer.text, answer.parts)
    assert ("tool", RESULTS) == (result.role, result.parts)


def test_a_thought_before_an_answer() -> None:
    """A thought before the words is reasoning, an empty one nothing; elsewhere the tag is only a word."""
    expected = (build.reasoning("Hm."), build.text("Yes."))
    words = "<think>\nHm.\n</think>\n\nYes."
    for turns in (sharegpt_turns(("human", "a"), ("gpt", words)), plain_turns(("user", "a"), ("assistant", words))):
        assert ("Yes.", expected) == (turns[1].text, turns[1].parts)
    assert [build.text("Yes.")] == list(tags.said("<think>\n\n</think>\n\nYes.", Calls()))
    for plain in ("Write <think> and </think>.", "<think> without an end", "Say <tool_response>"):
        _, answer = plain_turns(("user", "a"), ("assistant", plain))
        assert (plain, None) == (answer.text, answer.parts)
    (asked,) = plain_turns(("user", words))
    assert words == asked.text


@pytest.mark.parametrize(
    "words", ["<tool_call>", "Write `<tool_call>` and `</tool_call>` around it.", "<tool_call>\nno json\n</tool_call>"]
)
def test_who_speaks_of_calls_calls_nothing(words: str) -> None:
    """What stands there is read as it was written."""
    for turns in (sharegpt_turns(("human", "a"), ("gpt", words)), plain_turns(("user", "a"), ("assistant", words))):
        assert (words, None) == (turns[1].text, turns[1].parts)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ('<tool_call>{"name": a</tool_call>', [build.tool_call("call-1", None, '{"name": a')]),
        ("<tool_call>\n<function=a>\n</tool_call>", [build.tool_call("call-1", None, "<function=a>")]),
        ('<tool_call>{"name": "a"}', [build.tool_call("call-1", "a", None)]),
        (
            '<tool_call>{"function": {"name": "a", "arguments": "{}"}, "id": "x"}</tool_call> So.',
            [build.tool_call("x", "a", {}), build.text("So.")],
        ),
    ],
)
def test_calls_of_other_shapes(words: str, parts: list[dict[str, Any]]) -> None:
    """A call that is no JSON is kept as it came, one without its end is read, one as in an API is understood."""
    assert parts == list(tags.said(words, Calls()))


def test_a_backslash_that_means_nothing_to_python_warns_nobody() -> None:
    """What a model wrote like Python is read, whatever Python would warn of if it were a program."""
    assert {"pattern": r"\d+"} == tags.literal(r"{'pattern': '\d+'}")
