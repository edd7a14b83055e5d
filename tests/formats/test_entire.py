"""Entire's transcripts: any agent's session in one form, without ids of prompts, thoughts and models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import entire
from chatlog.formats.source import file_source
from chatlog.models import LeftOut

from .making import head_of, json_lines, source_of
from .reading import Read, read


def line(kind: str, *content: Any, **facts: Any) -> dict[str, Any]:
    moment = "2026-05-13T20:06:19.226Z"
    return {
        "v": 1,
        "agent": "claude-code",
        "cli_version": "0.5",
        "type": kind,
        "ts": moment,
        "content": content,
        **facts,
    }


def call(**facts: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}, **facts}


ASKED = line("user", {"id": "p", "text": "Review it"})
TEXT = {"type": "text", "text": "I'll look."}


def told(*values: dict[str, Any]) -> Read:
    return read(entire, source_of(json_lines(*values), "transcript.jsonl"))


def test_a_session() -> None:
    """Prompts and answers in a chain, a tool's answer behind its call."""
    result = {"output": "a.txt", "status": "error", "matchCount": 2}
    found = told(ASKED, line("assistant", TEXT, call(result=result), id="m", input_tokens=6, output_tokens=9))
    asked, answer = found.only
    assert found.said == [("user", "Review it"), ("assistant", "I'll look.")]
    assert (asked.parts, asked.metadata) == (None, {"promptId": "p"})
    assert (answer.source_id, answer.parent) == ("m", asked.source_id)
    assert answer.metadata == {"usage": {"input_tokens": 6, "output_tokens": 9}}
    assert answer.parts is not None
    assert answer.parts[1:] == (
        {"type": "tool_call", "id": "t", "name": "Bash", "arguments": {"command": "ls"}},
        {"type": "tool_call_response", "id": "t", "response": "a.txt", "matchCount": 2, "is_error": True},
    )
    conversation = found.conversation
    assert (conversation.created_at, conversation.metadata) == (
        ASKED["ts"],
        {"agent": "claude-code", "cli_version": "0.5"},
    )


def test_a_later_checkpoint_adds_to_an_earlier_one() -> None:
    """The session is the same one, and so are the messages that both hold."""
    answer = line("assistant", TEXT, id="m")
    first, second = told(ASKED, answer), told(ASKED, answer, line("user", {"text": "Go on"}))
    assert first.conversation.source_id == second.conversation.source_id
    assert [message.source_id for message in second.only[:2]] == [message.source_id for message in first.only]
    other = told({**ASKED, "ts": "2026-05-14T20:06:19.226Z"})
    assert other.conversation.source_id != first.conversation.source_id


def test_lines_that_tell_less() -> None:
    """No time, no ids, content that is a string or nothing; an id that is used again; other lines are counted."""
    found = told(
        line("user", ts="", agent="codex") | {"content": "Hello"},
        line("assistant", TEXT, id="m"),
        line("user", {"text": "And then?"}, agent="codex"),
        line("assistant", call(id=None), id="m"),
        line("assistant") | {"content": None},
        line("note", "x"),
    )
    words = ["Hello", "I'll look.", "And then?", "", ""]
    assert [text for _, text in found.said] == words
    assert len({message.source_id for message in found.only}) == 5
    assert found.left_out == {"lines that are no message": 1}


def test_what_claude_code_said_in_a_humans_name_is_hidden() -> None:
    """It is known by its wrapper, as in Claude Code's own files."""
    found = told(ASKED, line("user", {"text": "<task-notification> done </task-notification>"}))
    assert found.hidden == [("user", "task_notification", "done")]


def test_the_lines_of_one_answer_are_one_message() -> None:
    """Each call's line counts what the answer had cost by then: the last counts, and once."""
    first = line("assistant", TEXT, call(result={"output": "a"}), id="m", input_tokens=6, output_tokens=9)
    second = line("assistant", call(id="u", result={"output": "b"}), id="m", input_tokens=6, output_tokens=20)
    found = told(ASKED, first, second, line("assistant", TEXT, id="n"))
    _, answer, _ = found.only
    assert [part["type"] for part in answer.parts or ()] == ["text", *["tool_call", "tool_call_response"] * 2]
    assert answer.metadata == {"usage": {"input_tokens": 6, "output_tokens": 20}}
    assert [message.source_id for message in found.only[1:]] == ["m", "n"]


def test_what_has_no_words_and_what_a_skill_says_is_not_shown() -> None:
    """Entire keeps a line for a prompt whose words it took away, and the text of a skill as a prompt."""
    skill = line("user", {"id": "p", "text": "Base directory for this skill: /s\n\n# Rules"})
    found = told(line("user", {"id": "o", "text": ""}), ASKED, skill)
    assert found.said == [("user", "Review it")]
    assert [reason for _, reason, _ in found.hidden] == ["meta"]
    assert found.left_out == {"prompts of which Entire kept no words": 1}


def test_a_broken_line_is_named() -> None:
    """What stands around it is read."""
    found = told(ASKED, line("assistant", id="m") | {"ts": {}, "content": [{"type": "tool_use", "id": []}]}, {"v": 1})
    assert ("user", "Review it") in found.said
    assert "line 3" in [problem.place for problem in found.problems]


def test_a_copy_beside_the_agents_own_file_is_not_read(tmp_path: Path) -> None:
    """That one tells the session whole."""
    (tmp_path / "full.jsonl").write_text("{}\n")
    (tmp_path / "transcript.jsonl").write_text(json_lines(ASKED))
    beside = file_source(tmp_path / "transcript.jsonl")
    assert list(entire.read(beside)) == [LeftOut("copy of the session in full.jsonl", 1)]


@pytest.mark.parametrize(
    ("values", "known"),
    [
        ((ASKED,), True),
        (({"v": 1, "type": "user", "content": "x"},), True),
        ((line("user", {"text": "x" * 300_000}),), True),
        (({"v": 2, "type": "user", "content": "x"},), False),
        (({"type": "user", "content": "x"},), False),
        (({"v": 1, "type": "user", "content": "x", "message": {}},), False),
    ],
)
def test_what_is_recognised(values: tuple[dict[str, Any], ...], known: bool) -> None:
    """By the keys of its lines, of which no others are known."""
    assert entire.sniff(head_of(source_of(json_lines(*values)))) is known
