"""Tests of ShareGPT as it is written: turn about, as those who train with it want it, and read back as it was."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from chatlog.formats import build, sharegpt, sharegpt_writer
from chatlog.models import MessageDraft

from .making import messages, source_of, stored, talk

USER, ANSWER = MessageDraft(role="user", text="Hi."), MessageDraft(role="assistant", text="Hello.")
ASKED = MessageDraft(
    role="assistant",
    text="Let me look.",
    parts=(build.text("Let me look."), build.tool_call("1", "f", {"a": 1}), build.tool_call("2", "g", {})),
)
ANSWERED = [MessageDraft(role="tool", parts=(build.tool_result(str(n), f"r{n}"),)) for n in (1, 2)]


def written(*drafts: MessageDraft) -> str:
    out = io.StringIO()
    sharegpt_writer.write([(talk(), list(stored(*drafts)))], out)
    return out.getvalue()


def turns(*drafts: MessageDraft) -> list[tuple[str, Any]]:
    """Return who says what in the conversation that is written, none where it is not."""
    return [(turn["from"], turn["value"]) for talk in json.loads(written(*drafts)) for turn in talk["conversations"]]


@pytest.mark.parametrize(
    ("drafts", "expected"),
    [
        ([USER, USER, ANSWER, ANSWER], [("human", "Hi.\n\nHi."), ("gpt", "Hello.\n\nHello.")]),
        ([USER, ANSWER, USER], [("human", "Hi."), ("gpt", "Hello.")]),
        ([USER], []),
        (
            [MessageDraft(role="system", text="A"), MessageDraft(role="developer", text="B"), USER, ANSWER],
            [("system", "A\n\nB"), ("human", "Hi."), ("gpt", "Hello.")],
        ),
        (
            [USER, ANSWER, MessageDraft(role="system", text="A"), USER, ANSWER],
            [("human", "Hi."), ("gpt", "Hello."), ("human", "A\n\nHi."), ("gpt", "Hello.")],
        ),
    ],
)
def test_who_asks_and_who_answers_take_turns(drafts: list[MessageDraft], expected: list[tuple[str, str]]) -> None:
    """LLaMA-Factory skips a conversation where they do not, or that ends with a question; FastChat stops at it."""
    assert expected == turns(*drafts)


def test_words_and_calls_and_results_are_a_turn_each() -> None:
    """Words stand with the first of the calls after them, results in a list; all are read back as they were."""
    made = turns(USER, ASKED, *ANSWERED, ANSWER)
    assert ["human", "function_call", "observation", "gpt"] == [speaker for speaker, _ in made]
    calls = [{"name": "f", "arguments": {"a": 1}, "content": "Let me look."}, {"name": "g", "arguments": {}}]
    assert calls == json.loads(made[1][1])
    assert ["r1", "r2"] == json.loads(made[2][1])
    found = messages([*sharegpt.read(source_of(written(USER, ASKED, *ANSWERED, ANSWER)))])
    assert ["Hi.", "Let me look.", "", "Hello."] == [message.text for message in found]
    assert ["text", "tool_call", "tool_call"] == [part["type"] for part in found[1].parts or ()]
    assert ["r1", "r2"] == [part["response"] for part in found[2].parts or ()]
    assert "content" not in (found[1].parts or ())[1]
