"""Tests of Kimi Code's journals: steps put together, what is injected, undone and summed up, agents, and damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import build, kimi_code
from chatlog.formats.source import file_source
from chatlog.models import LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, messages, said, sample, source_of

SESSION = DATA / "kimi_code" / "session_7"
MAIN = SESSION / "agents" / "main" / "wire.jsonl"
REAL = "other_agents/jazzyalex__agent-sessions__kimi_small.jsonl"


def fixture() -> list[Record]:
    return checked(kimi_code.read(file_source(MAIN)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if key in (message.source_id, message.text))


def test_facts_of_a_session() -> None:
    """What lies beside the journal names it; its model and its leaf are the journal's."""
    found = conversations(fixture())[-1]
    assert ("session_7", "Which files", "/home/me/app") == (found.source_id, found.title, found.project)
    assert ("2026-08-01T19:33:23.281Z", "kimi-k2.7-code", "s3") == (found.created_at, found.model, found.head)


def test_the_order_of_what_was_said() -> None:
    """Each step is one message before the results of its calls, and instructions are told once."""
    assert [
        ("system", "You are Kimi."),
        ("user", "Which files are here?"),
        ("user", "<system-reminder>Be brief.</system-reminder>"),
        ("assistant", "Let me look."),
        ("tool", ""),
        ("tool", ""),
        ("assistant", "Only a.txt."),
        ("user", "Delete it"),
        ("user", "Keep it"),
        ("user", "There is one file."),
        ("assistant", "Kept."),
    ] == [(message.role, message.text) for message in messages(fixture())]


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("You are Kimi.", "metadata", {"hidden_reason": "instructions"}),
        ("<system-reminder>Be brief.</system-reminder>", "metadata", {"hidden_reason": "injection"}),
        ("There is one file.", "metadata", {"hidden_reason": "compaction", "compactedCount": 5}),
        ("There is one file.", "hidden", True),
        ("Which files are here?", "hidden", False),
        ("Which files are here?", "created_at", "2026-08-01T19:33:32.820Z"),
        (
            "Which files are here?",
            "parts",
            (build.text("Which files are here?"), build.blob("image/png", "aGk=", modality="image")),
        ),
        ("s1", "model", "kimi-k2.7-code"),
        ("s1", "metadata", {"usage": {"inputOther": 267, "output": 42}, "finishReason": "tool_use"}),
        (
            "s1",
            "parts",
            (
                build.reasoning("I will look."),
                build.text("Let me look."),
                {**build.tool_call("Bash_0", "Bash", {"command": "ls"}), "description": "Running: ls"},
                build.tool_call("Bash_1", "Bash", {"command": "cat x"}),
            ),
        ),
        ("s1:Bash_0", "parts", (build.tool_result("Bash_0", "a.txt\n"),)),
        ("s1:Bash_1", "parts", (build.tool_result("Bash_1", "no such file", is_error=True),)),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """Messages keep their words, thoughts, pictures, calls and results; what a person did not type is hidden."""
    assert value == getattr(message(key), field)


def test_what_was_undone_is_a_branch() -> None:
    """The prompt after an undo follows what the undone one followed."""
    assert message("Delete it").parent == message("Keep it").parent == "s2"


def asked(words: str, **origin: str) -> dict[str, Any]:
    """Return a record of a user's message."""
    spoken = {"role": "user", "content": [{"type": "text", "text": words}], "origin": origin}
    return {"type": "context.append_message", "time": 1_785_612_820_000, "message": spoken}


def undone(*rows: dict[str, Any]) -> dict[str, str | int | None]:
    """Return what each message of a journal follows, by its words."""
    found = messages(checked(kimi_code.read(source_of(json_lines(*rows), "wire.jsonl"))))
    names = {made.source_id: made.text for made in found}
    return {made.text: names.get(str(made.parent)) for made in found}


def test_a_slash_command_is_undone_like_a_prompt() -> None:
    """What stands for a command that was typed counts among the prompts of an undo, what a model called does not."""
    command = {"kind": "skill_activation", "skillName": "review", "skillArgs": "main.py"}
    rows = [
        asked("a", kind="user"),
        asked("b", **command, trigger="user-slash"),
        asked("c", **command, trigger="nested"),
    ]
    found = undone(*rows, {"type": "context.undo", "count": 1}, asked("d", kind="user"))
    assert {"a": None, "b": "a", "c": "b", "d": "a"} == found
    made = messages(kimi_code.read(source_of(json_lines(*rows), "wire.jsonl")))[1]
    assert "main.py" == made.metadata["origin"]["skillArgs"]


def test_no_undo_goes_beyond_what_was_cleared() -> None:
    """A context that was cleared holds no prompt to go back to."""
    rows = [asked("a", kind="user"), {"type": "context.clear"}, {"type": "context.undo", "count": 1}]
    assert {"a": None, "b": "a"} == undone(*rows, asked("b", kind="user"))


def test_results_behind_the_end_of_their_step() -> None:
    """A result that comes late follows the answer, and is no step that says nothing."""
    events = [{"type": "step.begin", "uuid": "s"}, {"type": "tool.call", "toolCallId": "t", "name": "f", "args": {}}]
    events += [
        {"type": "step.end", "uuid": "s"},
        {"type": "tool.result", "stepUuid": "s", "toolCallId": "t", "result": {}},
    ]
    rows = [{"type": "context.append_loop_event", "time": 1_785_612_820_000, "event": event} for event in events]
    found = checked(kimi_code.read(source_of(json_lines(asked("a", kind="user"), *rows), "wire.jsonl")))
    assert [("user", "a"), ("assistant", ""), ("tool", "")] == said(found)
    assert [] == [record for record in found if isinstance(record, LeftOut)]


def test_other_records_are_counted() -> None:
    """What is no message is counted by its family, what is told twice by where it is told."""
    assert [
        LeftOut("turn.prompt records (told again by messages)", 1),
        LeftOut("llm records", 1),
        LeftOut("usage.record records (told again by steps)", 1),
    ] == [record for record in fixture() if isinstance(record, LeftOut)]


def test_an_agent_of_a_session() -> None:
    """A sub-agent's journal is a conversation below its session's, its messages told whole."""
    found = checked(kimi_code.read(file_source(SESSION / "agents" / "agent-0" / "wire.jsonl")))
    draft = conversations(found)[0]
    assert ("session_7:agent-0", "session_7", None) == (draft.source_id, draft.parent, draft.title)
    assert {"type": "sub", "parentAgentId": "main", "profileName": "coder"} == draft.metadata
    assert [("user", "Search the code"), ("assistant", "Searching."), ("tool", "")] == said(found)
    asked, answered = messages(found)[1:]
    assert (build.text("Searching."), build.tool_call("c1", "Grep", {"pattern": "x"})) == asked.parts
    assert (build.tool_result("c1", "3 hits"),) == answered.parts


def test_a_journal_by_itself() -> None:
    """Without its folders it is named by how it begins, the same when it has grown."""
    rows = MAIN.read_text().splitlines(keepends=True)
    short, whole = (checked(kimi_code.read(source_of("".join(some), "wire.jsonl"))) for some in (rows[:12], rows))
    assert conversations(short)[0].source_id == conversations(whole)[0].source_id
    assert "/elsewhere" == conversations(whole)[-1].project


def test_again_and_grown(tmp_path: Path) -> None:
    """A second import of a folder writes nothing, one of a longer journal only what is new."""
    folder = tmp_path / "session_8" / "agents" / "main"
    folder.mkdir(parents=True)
    rows = MAIN.read_text().splitlines(keepends=True)
    with chatlog.open(tmp_path / "chats.db") as store:
        counts = []
        for some in (rows[:16], rows, rows):
            (folder / "wire.jsonl").write_text("".join(some))
            report = transfer.import_history(store, [tmp_path / "session_8"])
            counts.append((report.total["new"], report.total["updated"]))
        assert [(6, 0), (5, 0), (0, 0)] == counts


def test_sniff() -> None:
    """A journal is known by its first record, or by any of its own where that is lost."""
    assert kimi_code.sniff(head_of(file_source(MAIN)))
    assert kimi_code.sniff(head_of(source_of(json_lines({"type": "turn.ended", "time": 1}))))
    assert not kimi_code.sniff(head_of(source_of(json_lines({"type": "metadata"}))))
    assert not kimi_code.sniff(head_of(source_of(json_lines({"type": "turn.completed", "usage": {}}))))


def test_a_broken_record_loses_only_itself() -> None:
    """A record that cannot be read is told with its place."""
    whole = {"type": "context.append_message", "message": {"role": "user", "content": "Hi"}, "time": 1}
    broken = {"type": "context.append_message", "message": {"role": "judge"}, "time": 1}
    records = checked(kimi_code.read(source_of(json_lines(whole, broken, [1], whole))))
    assert ["line 2", "line 3"] == [record.place for record in records if isinstance(record, Problem)]
    assert [("user", "Hi"), ("user", "Hi")] == said(records)


def test_a_real_journal() -> None:
    """The sample's prompts are read; the steps that came to nothing are counted."""
    records = checked(kimi_code.read(file_source(sample(REAL))))
    assert [("user", "hi"), ("user", "hi"), ("user", "stop")] == said(records)[1:]
    assert LeftOut("steps that say nothing", 2) in records
