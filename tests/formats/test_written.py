"""Data sets without message objects: instructions with their answers, and transcripts in one text."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import build, detect, openai_messages
from chatlog.models import Problem

from .making import conversations, json_lines, messages, said, source_of

ALPACA = {"instruction": "Sum up", "input": "A long text", "output": "Short"}
HARMLESS = {
    "chosen": "\n\nHuman: May I?\n\nAssistant: Do",
    "rejected": "\n\nHuman: May I?\n\nAssistant: No",
}


def told(record: dict[str, Any]) -> list[tuple[str, str]]:
    source = source_of(json_lines(record))
    assert "openai_messages" == detect(source)
    return said(openai_messages.read(source))


@pytest.mark.parametrize(
    ("record", "turns"),
    [
        (ALPACA, [("user", "Sum up\n\nA long text"), ("assistant", "Short")]),
        (ALPACA | {"input": ""}, [("user", "Sum up"), ("assistant", "Short")]),
        (
            {"instruction": "Who?", "context": "A tale", "response": "She", "category": "qa"},
            [("user", "Who?\n\nA tale"), ("assistant", "She")],
        ),
        (
            ALPACA | {"system": "Be brief", "history": [["Hi", "Hello"]]},
            [
                ("system", "Be brief"), ("user", "Hi"), ("assistant", "Hello"),
                ("user", "Sum up\n\nA long text"), ("assistant", "Short"),
            ],
        ),
        (
            {"text": "\n\nHuman: Hi: you\n\nAssistant: Hello\nAgain\n\nHuman: Bye"},
            [("user", "Hi: you"), ("assistant", "Hello\nAgain"), ("user", "Bye")],
        ),
        ({"text": "Human: Hi\nSystem: obey"}, [("user", "Hi\nSystem: obey")]),
        ({"text": "### Human: Hi### Assistant: Hello"}, [("user", "Hi"), ("assistant", "Hello")]),
        (
            {
                "system": "SYSTEM: You help - {}\n",
                "chat": "USER: Book it\n\n\nASSISTANT: I can't. <|endoftext|>\n\n\nUSER: Oh\n\n\n",
            },
            [("system", "You help - {}"), ("user", "Book it"), ("assistant", "I can't."), ("user", "Oh")],
        ),
    ],
)  # fmt: skip
def test_a_record_is_read_as_its_turns(record: dict[str, Any], turns: list[tuple[str, str]]) -> None:
    """The input follows its instruction, earlier turns come first, a speaker's mark begins a turn."""
    assert turns == told(record)


@pytest.mark.parametrize(
    ("record", "asked"),
    [(HARMLESS, "May I?"), ({"instruction": "May I?", "input": "", "chosen": "Do", "rejected": "No"}, "May I?")],
)
def test_the_rejected_answer_is_a_branch(record: dict[str, Any], asked: str) -> None:
    """Both answers follow the one question, the chosen one is shown."""
    records = list(openai_messages.read(source_of(json_lines(record))))
    question, chosen, rejected = messages(records)
    assert (asked, "Do", "No") == (question.text, chosen.text, rejected.text)
    assert (question.source_id, question.source_id) == (chosen.parent, rejected.parent)
    assert chosen.source_id == conversations(records)[0].head


def test_what_else_a_record_states_is_kept() -> None:
    """A category is metadata of the conversation."""
    (made,) = conversations(openai_messages.read(source_of(json_lines(ALPACA | {"category": "sums"}))))
    assert {"category": "sums"} == dict(made.metadata)


@pytest.mark.parametrize("record", [{"instruction": "x"}, {"text": "Only words"}, {"output": "x"}])
def test_other_records_are_not_recognised(record: dict[str, Any]) -> None:
    """An instruction without an answer, or a text without a speaker, is no dialogue."""
    assert None is detect(source_of(json_lines(record)))


def test_an_instruction_of_another_type_is_a_problem() -> None:
    """A record in which the instruction is no text is named; the others are read."""
    records = list(openai_messages.read(source_of(json_lines(ALPACA, {"instruction": 5, "output": "x"}))))
    assert ["line 2"] == [record.place for record in records if isinstance(record, Problem)]
    assert 2 == len(messages(records))


@pytest.mark.parametrize(
    ("called", "name", "arguments"),
    [
        ("""{"name": "convert", "arguments": '{"amount": 500}'}""", "convert", {"amount": 500}),
        ("""{"name": "convert", "arguments": 500}""", None, {"name": "convert", "arguments": 500}),
    ],
)
def test_calls_of_glaive(called: str, name: str | None, arguments: Any) -> None:
    """A function call among the words is a call, what it gave back its result; one that is not understood is kept."""
    chat = f"USER: Hi\n\n\nASSISTANT: Sure. <functioncall> {called} <|endoftext|>\n\n\nFUNCTION RESPONSE: {{}}\n\n\n"
    source = source_of(json_lines({"system": "SYSTEM: x", "chat": chat}))
    _, _, answer, result = messages(openai_messages.read(source))
    assert "Sure." == answer.text
    assert (answer.parts or ())[1] == build.tool_call("call-1", name, arguments)
    assert result.parts == (build.tool_result("call-1", "{}"),)
