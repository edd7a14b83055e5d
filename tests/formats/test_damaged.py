"""A damaged record among others, in a list or a log: it is named, and all the others are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatlog.formats import detect, reader
from chatlog.formats.jsonstream import Line, items
from chatlog.models import Problem

from .making import messages, source_of


def claude(number: int) -> dict[str, Any]:
    said = [
        {
            "uuid": f"m{number}{turn}",
            "sender": sender,
            "text": f"said {turn}",
            "created_at": "2026-01-01T10:00:00.000000Z",
        }
        for turn, sender in enumerate(("human", "assistant", "human"))
    ]
    return {"uuid": f"c{number}", "name": "a talk", "created_at": "2026-01-01T09:00:00Z", "chat_messages": said}


def sharegpt(number: int) -> dict[str, Any]:
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}]
    return {"id": f"conversation-{number}", "conversations": turns}


HISTORIES: list[tuple[str, Callable[[int], dict[str, Any]]]] = [("claude_ai", claude), ("sharegpt", sharegpt)]
#: What happens to the text of a record.
DAMAGES: dict[str, Callable[[str], str]] = {
    "a quote too many in a string": lambda text: text[:9] + '"' + text[9:],
    "a quote too few": lambda text: text.replace('"', "", 1),
    "a string that does not end": lambda text: text.replace('",', ",", 1),
    "a colon too few": lambda text: text.replace(":", "", 2),
    "a control character": lambda text: text[:12] + "\x00" + text[12:],
    "a half in the middle": lambda text: text[: len(text) // 2] + "\n" + text[len(text) // 2 + 1 :],
}


@pytest.mark.parametrize(("name", "made"), HISTORIES)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("at", [0, 2, 4])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_conversation_costs_no_other(
    name: str, made: Callable[[int], dict[str, Any]], indent: int | None, at: int, damage: str
) -> None:
    """Wherever it stands in a list and however that is written, what is within it is not taken for the next."""
    whole = [json.dumps(made(number), indent=indent) for number in range(5)]
    whole[at] = DAMAGES[damage](whole[at])
    source = source_of("[" + ", ".join(whole) + "]", "a.json")
    assert name == detect(source)
    found = list(reader(name).read(source))
    assert 4 * 3 == len(messages(found))
    assert 1 == len([record for record in found if isinstance(record, Problem)])


@pytest.mark.parametrize(("name", "made"), HISTORIES)
@pytest.mark.parametrize("first", ['{"broken": tr', '"value": "x"}', "hello", "\x00\x00", "# a log"])
def test_a_log_whose_first_line_is_damaged(name: str, made: Callable[[int], dict[str, Any]], first: str) -> None:
    """As one cut at its beginning: its other lines tell what it is."""
    lines = [first, *(json.dumps(made(number)) for number in range(3))]
    source = source_of("\n".join(lines), "a.jsonl")
    assert name == detect(source)
    assert 3 * 3 == len(messages(reader(name).read(source)))


def test_prose_with_json_in_it_is_no_log() -> None:
    """Nor is a list of one element, written over three lines."""
    turn = json.dumps({"role": "user", "content": "hi"})
    assert detect(source_of(f"An example:\n{turn}\nand so on\n{turn}", "a.md")) is None
    assert [True] == [isinstance(item, Line) for item in items(source_of(f"[\n{turn}\n]", "a.json"))]
    assert "openai_messages" == detect(source_of(f"[\n{turn}\n]", "a.json"))


def test_a_list_that_ends_too_early_goes_on() -> None:
    """Behind a stray bracket the next elements follow, and it is named."""
    one = json.dumps({"id": "1", "turns": [1]})
    stray = json.dumps({"id": "2"})
    found = list(items(source_of(f'[{one}, {stray}, {{"from": "x"}} ] }}, {one}, {one}]')))
    assert ["1", "2", None, "1", "1"] == [item.value.get("id") for item in found if isinstance(item, Line)]
    assert [Problem("after the array", "more follows the end of its JSON")] == [
        item for item in found if isinstance(item, Problem)
    ]


def test_brackets_within_the_strings_of_a_damaged_first_element() -> None:
    """Text that holds JSON itself, as calls written out do, does not mislead the count of brackets."""
    call = 'Calling: {"name": "f", "arguments": {"x": [1]}}, {"name": "g"}'
    one = json.dumps({"turns": [{"from": "human", "value": call}, {"from": "gpt", "value": call}], "tools": call})
    for at in (50, 60, 90, one.index('"gpt"') + 20):
        found = list(items(source_of(f'[{one[:at]}"{one[at:]}, {one}, {one}]')))
        assert 2 == len([item for item in found if isinstance(item, Line)]), at


SAID = [{"role": "user", "content": "hello", "id": "m", "type": "user", "timestamp": "2026-01-01T10:00:00Z"}]
#: Documents of messages, and what stands before those.
DOCUMENTS: dict[str, dict[str, Any]] = {
    "cline": {"sessionId": "s", "agent": "a"},
    "gemini_cli": {"sessionId": "s", "projectHash": "p"},
    "hermes": {"session_id": "s", "session_start": "2026-01-01T10:00:00", "last_updated": "2026-01-01T10:00:00"},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_cut_off_behind_its_messages(name: str) -> None:
    """What stood there is lost, and that is said; the messages are read."""
    text = json.dumps({**DOCUMENTS[name], "messages": SAID, "summary": "A talk"})
    found = list(reader(name).read(source_of(text[:-3], "session.json")))
    assert ["hello"] == [message.text for message in messages(found)]
    lost = Problem("after the messages", "the file ends before its JSON does")
    assert [lost] == [record for record in found if isinstance(record, Problem)]
