"""Tests of training examples: what is learned from, what is only seen, and the tools that were used."""

from __future__ import annotations

import io
import json
from typing import Any

from chatlog.formats import build, openai_finetune
from chatlog.models import MessageDraft

from .making import stored, talk


def example(*drafts: MessageDraft, **changes: Any) -> dict[str, Any] | None:
    """Return the example of a conversation; `changes` are of its last message."""
    said = list(stored(*drafts))
    said[-1] = said[-1]._replace(**changes)
    out = io.StringIO()
    openai_finetune.write([(talk(), said)], out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return lines[0] if lines else None


USER, ANSWER = MessageDraft(role="user", text="Hi."), MessageDraft(role="assistant", text="Hello.")


def test_an_example_ends_with_the_assistant() -> None:
    """What follows the last answer teaches nothing and is refused; a conversation without an answer is no example."""
    assert {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]} == example(
        USER, ANSWER, USER
    )
    assert None is example(USER)


def test_a_discarded_answer_is_not_learned_from() -> None:
    """It stays for what follows it, with weight 0; where no other answer is, there is nothing to learn."""
    first = list(stored(USER, ANSWER, USER, ANSWER))
    first[1] = first[1]._replace(importance="discard")
    out = io.StringIO()
    openai_finetune.write([(talk(), first)], out)
    said = json.loads(out.getvalue())["messages"]
    assert [None, 0, None, None] == [message.get("weight") for message in said]
    assert None is example(USER, ANSWER, importance="discard")


def test_the_tools_are_described_by_their_calls() -> None:
    """A call needs its tool's definition; types are those that were seen, none where they differ."""
    calls = [build.tool_call(str(n), "find", arguments) for n, arguments in enumerate([{"q": "a", "n": 1}, {"q": 2}])]
    results = [MessageDraft(role="tool", parts=(build.tool_result(str(n), "x"),)) for n in range(2)]
    made = example(USER, MessageDraft(role="assistant", parts=tuple(calls)), *results, ANSWER)
    assert made is not None
    properties = {"q": {}, "n": {"type": "integer"}}
    tool = {"name": "find", "parameters": {"type": "object", "properties": properties}}
    assert [{"type": "function", "function": tool}] == made["tools"]
    assert ["user", "assistant", "tool", "tool", "assistant"] == [said["role"] for said in made["messages"]]


def test_a_developer_is_the_system() -> None:
    """The published format of examples has the roles system, user, assistant and tool."""
    made = example(MessageDraft(role="developer", text="Be brief."), USER, ANSWER)
    assert made is not None
    assert {"role": "system", "content": "Be brief."} == made["messages"][0]


def test_a_refusal_is_what_was_said() -> None:
    """The training form has no key for refusals."""
    made = example(USER, MessageDraft(role="assistant", text="No.", parts=(build.text("No.", refusal=True),)))
    assert made is not None
    assert {"role": "assistant", "content": "No."} == made["messages"][-1]
