"""Tests of what Gemini CLI prints of a run: words in pieces, calls, results, errors, and damage."""

from __future__ import annotations

from typing import Any

from chatlog.formats import build, detect, gemini_cli
from chatlog.models import Problem, Record

from .damage import checked, read_cut_off, read_twisted_lines
from .making import conversations, json_lines, messages, said, source_of


def line(kind: str, second: int, **facts: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": f"2026-09-01T10:00:{second:02}.000Z", **facts}


RUN = [
    line("init", 0, session_id="g-1", model="gemini-3.5-flash"),
    line("message", 1, role="user", content="List the files"),
    line("message", 2, role="assistant", content="Reading ", delta=True),
    line("message", 3, role="assistant", content="them.", delta=True),
    line("tool_use", 4, tool_name="list_directory", tool_id="ls-1", parameters={"dir_path": "."}),
    line("tool_use", 4, tool_name="read_file", tool_id="rd-1", parameters={"file_path": "b"}),
    line("tool_result", 5, tool_id="ls-1", status="success", output="a"),
    line("tool_result", 5, tool_id="rd-1", status="error", error={"type": "FILE_NOT_FOUND", "message": "No b"}),
    line("error", 6, severity="warning", message="Loop detected"),
    line("message", 7, role="assistant", content="Only a.", delta=True),
    line("result", 8, status="success", stats={"total_tokens": 120}),
]


def read(*rows: Any) -> list[Record]:
    return checked(gemini_cli.read(source_of(json_lines(*rows))))


def test_a_run() -> None:
    """Pieces are joined, calls belong to what was said before them, and each result to its call."""
    records = read(*RUN)
    found, answer = conversations(records)[-1], messages(records)[1]
    assert "gemini_cli" == detect(source_of(json_lines(*RUN)))
    assert ("g-1-stream", "gemini-3.5-flash", {"usage": {"total_tokens": 120}}) == (
        found.source_id,
        found.model,
        found.metadata,
    )
    assert [
        ("user", "List the files"),
        ("assistant", "Reading them."),
        ("tool", ""),
        ("tool", ""),
        ("assistant", "Loop detected"),
        ("assistant", "Only a."),
    ] == said(records)
    calls = (
        build.tool_call("ls-1", "list_directory", {"dir_path": "."}),
        build.tool_call("rd-1", "read_file", {"file_path": "b"}),
    )
    assert (build.text("Reading them."), *calls) == answer.parts
    assert "2026-09-01T10:00:02.000Z" == answer.created_at
    assert (build.tool_result("rd-1", "No b", is_error=True),) == messages(records)[3].parts
    assert [False, True] == [message.hidden for message in messages(records)[3:5]]


def test_several_runs_in_one_file() -> None:
    """Each run is a conversation, with its own model and usage; one that is resumed goes on where it was."""
    other = line("init", 10, session_id="g-2", model="gemini-4"), line("message", 11, role="user", content="And now?")
    again = RUN[0], line("message", 13, role="user", content="Once more")
    records = read(*RUN, *other, line("message", 12, role="assistant", content="Now."), *again)
    found = {draft.source_id: draft for draft in conversations(records)}
    assert {"g-1-stream": "gemini-3.5-flash", "g-2-stream": "gemini-4"} == {key: found[key].model for key in found}
    last = messages(records)
    assert ["g-2-stream", "g-2-stream", "g-1-stream"] == [message.conversation for message in last[-3:]]
    assert [None, last[-3].source_id, last[-4].source_id] == [message.parent for message in last[-3:]]
    assert "gemini-4" == last[-2].model


def test_damage() -> None:
    """A line that cannot be read is told with its place; a run that was cut off gives what is whole."""
    records = read(RUN[0], [1], {"type": "judge"}, RUN[1])
    assert ["line 2", "line 3"] == [record.place for record in records if isinstance(record, Problem)]
    assert read_twisted_lines(gemini_cli.read, RUN) > 200
    counts = [len(messages(found)) for found in read_cut_off(gemini_cli.read, json_lines(*RUN).encode())]
    assert counts == sorted(counts)
