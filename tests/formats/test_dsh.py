"""Tests of DeepSeek Harness' logs: answers whole, what was injected and summed up, older forms, packing, and damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import build, detect, dsh
from chatlog.formats.source import file_source
from chatlog.models import LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, messages, said, source_of

LOG = DATA / "dsh" / "session.jsonl"
HEADER = {"type": "session", "version": 0, "id": "s-old", "createdAt": 1784974100747, "cwd": "/w"}


def fixture() -> list[Record]:
    return checked(dsh.read(file_source(LOG)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if key in (message.source_id, message.text))


def event(kind: str, seq: int, **data: Any) -> dict[str, Any]:
    return {"type": kind, "seq": seq, "time": 1784974100800, "data": data, "surfaceOp": "append"}


def test_facts_of_a_session() -> None:
    """The header names it, the last title and the last model are its own."""
    found = conversations(fixture())[-1]
    assert ("session-7", "The letter in a.txt", "/home/me/app") == (found.source_id, found.title, found.project)
    assert ("2026-07-25T10:08:20.747Z", "deepseek-v4", "session-6") == (found.created_at, found.model, found.parent)
    assert {"version": 3, "agentPreset": "ptc"} == found.metadata


def test_the_order_of_what_was_said() -> None:
    """Pieces of an answer and copies for the model are not told again."""
    assert [
        ("user", "Follow AGENTS.md."),
        ("user", "What is in a.txt?"),
        ("system", "You are dsh."),
        ("assistant", "I'll read it."),
        ("tool", ""),
        ("user", "a.txt was read."),
        ("assistant", "Alpha."),
        ("user", "Run the tests"),
        ("assistant", ""),
        ("assistant", "Overloaded"),
    ] == said(fixture())
    assert {
        LeftOut("pieces of answers (told again whole)", 2),
        LeftOut("tool/call events (told by the answer)", 1),
        LeftOut("shortened copies for the model", 1),
        LeftOut("compaction/summary events", 1),
    } == {record for record in fixture() if isinstance(record, LeftOut)}


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("u0", "agent_instructions"),
        ("u1", None),
        ("You are dsh.", "instructions"),
        ("cp", "compaction"),
        ("Overloaded", "turn_end"),
    ],
)
def test_what_is_hidden(key: str, reason: str | None) -> None:
    """What nobody typed is hidden, and why is told."""
    assert reason == message(key).metadata.get("hidden_reason")


def test_parts() -> None:
    """Thoughts, calls and pictures are parts, and a result answers its call."""
    call = build.tool_call("call_0", "read", {"file_path": "a.txt"})
    assert (build.reasoning("It says to read."), build.text("I'll read it."), call) == message("a1").parts
    assert (build.tool_result("call_0", "1: alpha", details={"totalLines": 1}),) == message("t1").parts
    picture = build.file("img-1", "a.png", "image/png", modality="image", alt="a list")
    assert (build.text("What is in a.txt?"), picture) == message("u1").parts
    assert ("deepseek-v4-flash", {"inputTokens": 124, "outputTokens": 103}) == (
        message("a1").model,
        message("a1").metadata["usage"],
    )


def test_a_call_that_no_answer_told_of() -> None:
    """A turn that was cut off has its call by the event that began it."""
    found = messages(fixture())[-2]
    assert (build.tool_call("call_1", "bash", {"command": "make test"}),) == found.parts


def test_the_form_before_its_first_version() -> None:
    """Messages stood bare in their events, and had no ids."""
    call = {"type": "tool-call", "id": "c", "name": "read", "arguments": "{}"}
    made_by = {"provider": "deepseek-official", "model": "deepseek-v4"}
    text = json_lines(
        HEADER,
        event("steering/message", 1, turn=1, content=[{"type": "text", "text": "Read"}], source={"kind": "user"}),
        event("assistant/message", 2, turn=1, content=[call], provenance=made_by, usage={"inputTokens": 1}),
        event("tool/result", 3, turn=1, callId="c", content=[{"type": "text", "text": "No"}], isError=True),
    )
    records = checked(dsh.read(source_of(text)))
    assert [("user", "Read"), ("assistant", ""), ("tool", "")] == said(records)
    assert (build.tool_result("c", "No", is_error=True),) == messages(records)[-1].parts
    assert "deepseek-v4" == conversations(records)[-1].model


def test_an_older_generation_beside_a_newer_one(tmp_path: Path) -> None:
    """A later version keeps the file that it took over; the session is read once."""
    for name in ("session.jsonl", "session.v3.jsonl", "session.v4.jsonl"):
        (tmp_path / name).write_bytes(LOG.read_bytes())
    left = [
        record for name in ("session.jsonl", "session.v3.jsonl") for record in dsh.read(file_source(tmp_path / name))
    ]
    assert [LeftOut("older copy of the session in session.v4.jsonl", 1)] * 2 == left
    assert 10 == len(messages(dsh.read(file_source(tmp_path / "session.v4.jsonl"))))


def test_a_packed_log_is_the_log(tmp_path: Path) -> None:
    """It is packed anew with each flush, one frame behind another."""
    pack = pytest.importorskip("zstandard").ZstdCompressor().compress
    path = tmp_path / "session.jsonl.zstd"
    path.write_bytes(b"".join(pack(line) for line in LOG.read_bytes().splitlines(keepends=True)))
    with chatlog.open(tmp_path / "h.db") as store:
        reports = [
            transfer.import_history(store, [path]).total["new"],
            transfer.import_history(store, [LOG]).total["new"],
        ]
    assert [10, 0] == reports


def test_sniff() -> None:
    """A log is known by its header or by any of its events, and is none of pi's."""
    assert "dsh" == detect(file_source(LOG))
    assert dsh.sniff(head_of(source_of(json_lines(event("user/message", 1)))))
    assert not dsh.sniff(head_of(source_of(json_lines({"type": "session", "id": "x", "cwd": "/", "timestamp": "t"}))))


def test_a_broken_event_loses_only_itself() -> None:
    """An event that cannot be read is told with its place."""
    whole = event("user/message", 1, content=[{"type": "text", "text": "Hi"}])
    records = checked(dsh.read(source_of(json_lines(HEADER, whole, event("tool/call", 2), [1], whole))))
    assert ["line 3", "line 4"] == [record.place for record in records if isinstance(record, Problem)]
    assert [("user", "Hi"), ("user", "Hi")] == said(records)
