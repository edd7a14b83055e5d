"""Tests of CodeBuddy's sessions: answers put together, results, branches, what is injected, and damage."""

from __future__ import annotations

from pathlib import Path

from chatlog.formats import build, codebuddy, detect
from chatlog.formats.source import file_source
from chatlog.models import LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, messages, said, source_of

SESSION = DATA / "codebuddy" / "session.jsonl"


def fixture() -> list[Record]:
    return checked(codebuddy.read(file_source(SESSION)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def test_facts_of_a_session() -> None:
    """Its topic is its title, and its leaf the last message."""
    found = conversations(fixture())[-1]
    assert ("session-1", "A probe", "/home/me/app", "hy3", "m4") == (
        found.source_id,
        found.title,
        found.project,
        found.model,
        found.head,
    )
    assert LeftOut("file-history-snapshot entries", 1) in fixture()


def test_an_answer_is_one_message() -> None:
    """Thought, words and calls stand on lines of their own."""
    assert [
        ("user", "Read probe.txt"),
        ("assistant", "Reading it"),
        ("tool", ""),
        ("tool", ""),
        ("assistant", "It says MARKER."),
        ("user", "Thanks"),
        ("user", "Now delete it"),
        ("user", ""),
    ] == said(fixture())
    answer = message("r1")
    assert (
        build.reasoning("It is short."),
        build.text("Reading it"),
        build.tool_call("call-1", "Read", {"file_path": "probe.txt"}),
        build.tool_call("call-2", "Bash", {"command": "false"}),
    ) == answer.parts
    assert ("2026-05-01T16:00:02.000Z", "hy3", {"usage": {"inputTokens": 10, "outputTokens": 2}}) == (
        answer.created_at,
        answer.model,
        answer.metadata,
    )


def test_results() -> None:
    """A result answers its call, and is an error where the call failed."""
    assert (build.tool_result("call-1", "MARKER"),) == message("o1").parts
    assert (build.tool_result("call-2", "exit 1", is_error=True),) == message("o2").parts


def test_another_prompt_behind_an_earlier_answer_is_a_branch() -> None:
    """Results of calls made together are none."""
    assert ["z1", "z1", "m3"] == [message(key).parent for key in ("m2", "m3", "m4")]
    assert ["r1", "o1", "o2"] == [message(key).parent for key in ("o1", "o2", "z1")]


def test_what_was_injected() -> None:
    """Reminders are taken out of prompts; one that stands alone is hidden."""
    assert (False, "system_reminder") == (message("m3").hidden, message("m4").metadata["hidden_reason"])


def test_entries_without_ids() -> None:
    """Words may be bare, and calls and results name each other by their order alone."""
    rows = [
        {"type": "session_start", "sessionId": "s", "timestamp": "2026-05-01T16:00:00Z", "model": "deepseek-v3"},
        {"type": "message", "sessionId": "s", "timestamp": 1777651201, "role": "user", "content": "Read a"},
        {"type": "function_call", "sessionId": "s", "name": "read", "arguments": {"path": "a"}},
        {"type": "function_call_result", "sessionId": "s", "name": "read", "output": "1"},
        {"type": "message", "sessionId": "s", "role": "assistant", "content": "One."},
    ]
    source = source_of(json_lines(*rows))
    records = checked(codebuddy.read(source))
    assert "codebuddy" == detect(source)
    assert [("user", "Read a"), ("assistant", ""), ("tool", ""), ("assistant", "One.")] == said(records)
    assert "deepseek-v3" == conversations(records)[-1].model


def identity(path: Path, *sessions: str) -> tuple[str | None, str | None]:
    """Return the id and the origin of a file whose entries are of those sessions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [
        {"type": "message", "role": "user", "id": f"m{number}", "sessionId": session, "content": "Hello"}
        for number, session in enumerate(sessions)
    ]
    path.write_text(json_lines(*entries), "utf-8")
    draft = conversations(checked(codebuddy.read(file_source(path))))[-1]
    return draft.source_id, draft.parent


def test_a_sub_agents_session(tmp_path: Path) -> None:
    """A sub-agent's session is its own, made for the one whose folder it is in, whatever its entries are called by."""
    file = tmp_path / "s1" / "subagents" / "agent-1.jsonl"
    assert ("agent-1", "s1") == identity(file, "s1")
    assert ("own", "s1") == identity(file, "own")


def test_a_fork(tmp_path: Path) -> None:
    """A fork begins with copies of another session's entries, and is no part of that."""
    (tmp_path / "s2.meta.json").write_text('{"forkedFrom": "s1"}', "utf-8")
    assert ("s2", "s1") == identity(tmp_path / "s2.jsonl", "s1", "s2")
    assert ("s1", None) == identity(tmp_path / "s3.jsonl", "s1")


def test_sniff() -> None:
    """It is neither taken for Codex's nor takes what is Codex's or pi's."""
    assert "codebuddy" == detect(file_source(SESSION))
    bare = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
    assert not codebuddy.sniff(head_of(source_of(json_lines(bare))))
    assert not codebuddy.sniff(head_of(source_of(json_lines({"type": "message", "message": {"role": "user"}}))))


def test_a_broken_entry_loses_only_itself() -> None:
    """An entry that cannot be read is told with its place."""
    whole = {"type": "message", "role": "user", "content": "Hi", "sessionId": "s"}
    records = checked(codebuddy.read(source_of(json_lines(whole, {**whole, "role": "judge"}, [1], whole))))
    assert ["line 2", "line 3"] == [record.place for record in records if isinstance(record, Problem)]
    assert [("user", "Hi"), ("user", "Hi")] == said(records)
