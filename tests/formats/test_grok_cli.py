"""Tests of Grok's command line: its chat history, what lies beside it, and the updates of its screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import build, detect, grok_cli
from chatlog.formats.grok_cli_content import server_call, typed
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, messages, said, sample, source_of

SESSIONS = DATA / "grok_cli" / "sessions" / "%2Fhome%2Fme%2Fapp"
ONE, TWO = "0199aaaa-0000-7000-8000-000000000001", "0199aaaa-0000-7000-8000-000000000002"
HISTORY, UPDATES = SESSIONS / ONE / "chat_history.jsonl", SESSIONS / TWO / "updates.jsonl"
REAL_HISTORY = "other_agents/jazzyalex__agent-sessions__grok_chat_history.jsonl"
REAL_UPDATES = "other_agents/Mai0313__VibeCodingTracker__grok_updates.jsonl"
QUERY = "<user_query>\n{}\n</user_query>"
MENTIONED = "look at <user_info>, not <user_query>x</user_query>"
CONTEXT = "<user_info>a</user_info>\n<git_status>b</git_status>\n"


def read(path: Path) -> list[Record]:
    return checked(grok_cli.read(file_source(path)))


def of(*records: Any, name: str = "chat.jsonl") -> list[Record]:
    return checked(grok_cli.read(source_of(json_lines(*records), name)))


def asked(text: str) -> dict[str, Any]:
    return {"type": "user", "content": [{"type": "text", "text": text}], "prompt_index": 0}


def update(kind: str, **facts: Any) -> dict[str, Any]:
    return {"method": "session/update", "params": {"update": {"sessionUpdate": kind, **facts}}, "timestamp": 1782900000}


def chunk(kind: str, text: str, **facts: Any) -> dict[str, Any]:
    return update(f"{kind}_chunk", content={"type": "text", "text": text}, **facts)


def left_out(records: list[Record]) -> dict[str, int]:
    return {record.what: record.entries for record in records if isinstance(record, LeftOut)}


def test_facts_of_a_session() -> None:
    """The summary beside the history names, dates and places the session; what only counts is not kept."""
    records = read(HISTORY)
    expected = ConversationDraft(
        source_id=ONE,
        title="A failing test",
        created_at="2026-07-01T10:00:00.123Z",
        updated_at="2026-07-01T10:04:00.000Z",
        model="grok-4.5",
        project="/home/me/app",
        parent="0199aaaa-0000-7000-8000-000000000000",
        head=messages(records)[-1].source_id,
        metadata={
            "session_kind": "subagent_fork",
            "session_summary": "Why does the test fail?",
            "head_branch": "main",
            "title_is_manual": False,
        },
    )
    assert expected == conversations(records)[-1]


def test_what_is_said() -> None:
    """Records become messages in one chain, the thoughts and calls before an answer within it."""
    records = read(HISTORY)
    texts = [(role, text) for role, text in said(records) if not text.startswith("<")]
    assert texts == [
        ("system", "You are Grok, an agent in a terminal."),
        ("user", "Why does the <user_info> test fail?"),
        ("assistant", "I'll run it."),
        ("tool", ""),
        ("tool", ""),
        ("user", "Use pytest -x"),
        ("assistant", "A tag is not closed."),
        ("user", "Read all of this long paste."),
        ("assistant", ""),
    ]
    chain = messages(records)
    assert [None, *(message.source_id for message in chain[:-1])] == [message.parent for message in chain]


def test_parts_of_an_answer() -> None:
    """Reasoning, the server's own search with what it found, words and calls stand in their order."""
    answer = messages(read(HISTORY))[4]
    assert "grok-4.5" == answer.model
    assert {"model_fingerprint": "fp_1", "reasoning_effort": "high"} == answer.metadata
    search = {"type": "search", "query": "pytest tags"}
    assert answer.parts == (
        build.reasoning("Look at the test."),
        build.tool_call("ws_1", "web_search", search, source_type="backend_tool_call", status="completed"),
        build.tool_result("ws_1", [{"type": "url", "url": "https://docs.example/pytest"}]),
        build.text("I'll run it."),
        build.tool_call("call-1", "run_terminal_command", {"command": "pytest -q"}),
        build.tool_call("call-2", "read_file", {"target_file": "logo.png"}),
    )


def test_results() -> None:
    """A result keeps its error and its pictures."""
    failed, picture = messages(read(HISTORY))[5:7]
    assert (build.tool_result("call-1", "1 failed", is_error=True),) == failed.parts
    blob = build.blob("image/png", "aW1hZ2U=", modality="image")
    assert (build.tool_result("call-2", "[image]"), blob) == picture.parts


def test_injected_context_is_hidden() -> None:
    """What Grok put in the user's place is hidden with its reason; what was said while it worked is not."""
    hidden = [message.metadata["hidden_reason"] for message in messages(read(HISTORY)) if message.hidden]
    assert ["user_info", "system_reminder"] == hidden


def test_the_updates_beside_a_history_tell_its_times() -> None:
    """Prompts are dated by their index, calls and results by their ids, answers and usage by what they come behind."""
    found = [message for message in messages(read(HISTORY)) if message.created_at]
    assert [10, 13, 16, 17, 19, 30] == [int((message.created_at or "")[17:19]) for message in found]
    assert {"usage": {"inputTokens": 70, "outputTokens": 7}, "stop_reason": "end_turn"} == found[4].metadata


def test_a_time_of_its_own() -> None:
    """A record that has a time keeps it."""
    records = of({**asked("hi"), "timestamp": 1782900000}, {"type": "assistant", "content": "x", "time": 1782900001})
    assert ["10:00:00", "10:00:01"] == [(message.created_at or "")[11:19] for message in messages(records)]


def test_what_is_left_out() -> None:
    """Unknown records and unreadable reasoning are counted; nothing is a problem."""
    assert not [record for record in read(HISTORY) + read(UPDATES) if isinstance(record, Problem)]
    assert {"encrypted reasoning (not readable)": 1, "telemetry records": 1} == left_out(read(HISTORY))


def test_an_answer_that_is_still_coming_is_the_same_message_later() -> None:
    """The file may end with reasoning; with the answer behind it, it is one message of the same id."""
    begun = [asked("hi"), {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}]
    now, later = (messages(of(*rows))[-1] for rows in (begun, [*begun, {"type": "assistant", "content": "Yes."}]))
    assert (now.source_id, now.parts) == (later.source_id, (build.reasoning("Hm."),))
    assert "Yes." == later.text


def test_a_longer_history_only_adds() -> None:
    """The ids of what was there stay, and so does the name of a session without a folder."""
    rows = [json.loads(line) for line in HISTORY.read_text().splitlines()]
    short, long = of(*rows[:-4]), of(*rows)
    ids = [message.source_id for message in messages(long)]
    assert [message.source_id for message in messages(short)] == ids[: len(messages(short))]
    assert conversations(short)[-1].source_id == conversations(long)[-1].source_id


def test_a_file_that_lies_alone() -> None:
    """Without its folder a session is named by its opening, and its folder by the context at its beginning."""
    found = conversations(of(*(json.loads(line) for line in HISTORY.read_text().splitlines())))[-1]
    assert (found.source_id or "").startswith("h-")
    assert ("/home/me/app", "grok-4.5", None) == (found.project, found.model, found.title)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"a.zip!sessions/%2Fhome%2Fme/{ONE}/chat_history.jsonl", (ONE, "/home/me")),
        (f"C:\\grok\\D%3A%5CWork\\{ONE}\\chat_history.jsonl", (ONE, "D:\\Work")),
        (f"{ONE}/chat_history.jsonl", (ONE, None)),
    ],
)
def test_the_folders_name_the_session(name: str, expected: tuple[str, str | None]) -> None:
    """Without a summary the folder is the session and the one above it where it worked."""
    found = conversations(of(asked("hi"), name=name))[-1]
    assert expected == (found.source_id, found.project)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hi", ("hi", None)),
        (MENTIONED, (MENTIONED, None)),
        (QUERY.format("a </user_query> b"), ("a </user_query> b", None)),
        ("<image_files>\n1. a.png\n</image_files>\n\n" + QUERY.format("see"), ("see", None)),
        ("<agents x='1'>a</agents>" + QUERY.format("see") + "\n<skill>b</skill>", ("see", None)),
        ("<user_info>a</user_info>\nFix it", ("Fix it", None)),
        ("<b>bold</b> words", ("<b>bold</b> words", None)),
        (CONTEXT, (CONTEXT, "user_info")),
        ("<system-reminder>", ("<system-reminder>", None)),
    ],
)  # fmt: skip
def test_what_was_typed(text: str, expected: tuple[str, str | None]) -> None:
    """Envelope and context are taken from around what was typed, never words of the user's own."""
    assert expected == typed(text)


def test_envelopes_without_end() -> None:
    """A hostile text costs time in proportion to its length."""
    assert None is typed("<a></a>" * 50_000 + "<user_query>")[1]
    assert None is typed("<user_info></user_info>" * 50_000 + "x")[1]


@pytest.mark.parametrize(
    ("kind", "asks", "answers"),
    [
        ({"tool_type": "x_search", "name": "x_user", "input": '{"q":1}', "call_id": "c"}, ("x_user", {"q": 1}), []),
        ({"tool_type": "python", "code": "1", "outputs": [["2"]]}, ("python", {"code": "1"}), [[["2"]]]),
        (
            {"tool_type": "web_search", "action": {"url": "u"}, "status": "failed"},
            ("web_search", {"url": "u"}), [{"status": "failed"}],
        ),
        ({"tool_type": "web_search", "action": {}, "status": "in_progress"}, ("web_search", {}), []),
    ],
)  # fmt: skip
def test_calls_of_the_server(kind: dict[str, Any], asks: tuple[str, Any], answers: list[Any]) -> None:
    """Each tool of the server's tells in its own words what it was asked and what it found."""
    call, *results = server_call(kind)
    assert asks == (call["name"], call["arguments"])
    assert answers == [result["response"] for result in results]
    assert [kind.get("status") == "failed"] * len(results) == ["is_error" in result for result in results]


def test_updates_beside_a_history_are_the_same_again() -> None:
    """They are counted once and nothing of them is read; beside an empty history they are read."""
    what = "sessions as the screen was told them (the same is in chat_history.jsonl)"
    assert [LeftOut(what, 1)] == read(SESSIONS / ONE / "updates.jsonl")


def test_updates_beside_an_empty_history_are_read(tmp_path: Path) -> None:
    """A history that holds nothing says nothing again."""
    (tmp_path / "chat_history.jsonl").write_text("")
    (tmp_path / "updates.jsonl").write_text(UPDATES.read_text())
    assert len(messages(read(UPDATES))) == len(messages(read(tmp_path / "updates.jsonl")))


def test_updates() -> None:
    """Chunks in a row are one message, a call goes with what was said before it, two prompts stay two."""
    records = read(UPDATES)
    assert said(records) == [
        ("user", "What is in the picture?"),
        ("assistant", "I'll look."),
        ("tool", ""),
        ("tool", ""),
        ("assistant", "A logo."),
        ("user", "Thanks."),
        ("user", "And bye."),
        ("assistant", ""),
    ]
    found = conversations(records)[-1]
    assert (TWO, "/home/me/app", "grok-4.5") == (found.source_id, found.project, found.model)
    assert {"hook_execution updates": 1, "plan updates": 1, "results of calls that had not ended": 1} == left_out(
        records
    )


def test_parts_of_updates() -> None:
    """Thoughts, calls with their own names, results with their details, pictures and usage are kept."""
    prompt, answer, read_file, grep, end, *_ = messages(read(UPDATES))
    assert build.blob("image/png", "aW1hZ2U=", modality="image") == (prompt.parts or ())[1]
    assert answer.parts == (
        build.reasoning("Look at it."),
        build.text("I'll look."),
        build.tool_call("call-1", "read_file", {"path": "logo.png"}, kind="read", title="Read logo.png"),
        build.tool_call("call-2", "grep", {"pattern": "["}),
    )
    assert (build.tool_result("call-1", "a logo", details={"type": "ReadFile"}),) == read_file.parts
    assert (build.tool_result("call-2", {"type": "Text", "text": "bad pattern"}, is_error=True),) == grep.parts
    assert {"usage": {"inputTokens": 100, "outputTokens": 5}, "stop_reason": "end_turn"} == end.metadata
    assert ("2026-07-01T10:01:40.500Z", "grok-4.5") == (end.created_at, end.model)


def test_an_update_that_is_still_coming_is_the_same_message_later() -> None:
    """An answer is called by its first chunk, however many follow."""
    rows = [chunk("user_message", "hi"), chunk("agent_message", "He"), chunk("agent_message", "llo")]
    now, later = (messages(of(*rows[:end]))[-1] for end in (2, 3))
    assert (now.source_id, "He", "Hello") == (later.source_id, now.text, later.text)


@pytest.mark.parametrize(
    ("rows", "roles"),
    [
        ([update("tool_call_update", toolCallId="a", status="completed", rawOutput="x")], ["tool"]),
        ([update("tool_call", title="a"), update("tool_call_update", status="completed")], ["assistant", "tool"]),
        ([update("tool_call", toolCallId="a", status="completed", rawOutput="x")], ["assistant", "tool"]),
        (
            [update("tool_call", toolCallId="a"), update("tool_call", toolCallId="b"),
             update("tool_call_update", toolCallId="b", status="completed"), chunk("agent_message", "x"),
             update("tool_call_update", toolCallId="a", status="completed"), chunk("agent_message", "y")],
            ["assistant", "tool", "tool", "assistant"],
        ),
    ],
)  # fmt: skip
def test_calls_of_updates(rows: list[Any], roles: list[str]) -> None:
    """A result finds its call without an id, stands alone without one, and does not cut what is said meanwhile."""
    assert roles == [role for role, _ in said(of(*rows))]


def test_sniff() -> None:
    """Both files are known by their records, also where the first line is broken or nothing but the prompt is whole."""
    for path in (HISTORY, UPDATES):
        assert "grok_cli" == detect(file_source(path))
        assert "grok_cli" == detect(source_of(b'"cut"}\n' + path.read_bytes()))
    long = [
        {"type": "system", "content": "x" * 60_000},
        {"type": "user", "content": [{"type": "text", "text": "y" * 9_000}]},
    ]
    assert "grok_cli" == detect(source_of("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in long)))
    assert not grok_cli.sniff(head_of(source_of(json_lines({"type": "user", "content": "hi"}))))
    assert not grok_cli.sniff(head_of(source_of(json_lines({"type": "assistant", "message": {"content": "hi"}}))))


def test_a_broken_summary(tmp_path: Path) -> None:
    """What is beside a session may be anything; the session is read."""
    (tmp_path / "chat_history.jsonl").write_text(json_lines(asked("hi")))
    for text in (
        '{"info":',
        "[]",
        '{"info": 1, "generated_title": 5, "created_at": {}}',
        '{"session_summary": "<user_info>a</user_info>"}',
    ):
        (tmp_path / "summary.json").write_text(text)
        found = conversations(read(tmp_path / "chat_history.jsonl"))[-1]
        assert None is found.title


def test_broken_updates_beside_a_history(tmp_path: Path) -> None:
    """What cannot be read of them dates nothing, and is no problem of the history's."""
    (tmp_path / "chat_history.jsonl").write_text(json_lines(asked("hi"), {"type": "assistant", "content": "yes"}))
    rows = [1, {"params": 1}, update("user_message_chunk", _meta=3), update("tool_call_update", status=[])]
    (tmp_path / "updates.jsonl").write_text("broken\n" + json_lines(*rows, chunk("agent_message", "yes", _meta=[])))
    records = read(tmp_path / "chat_history.jsonl")
    assert [("user", "hi"), ("assistant", "yes")] == said(records)
    assert not [record for record in records if isinstance(record, Problem)]


def test_a_broken_record_loses_only_itself() -> None:
    """A record that cannot be read is told with its place."""
    records = of(asked("hi"), {"type": "user", "content": 7}, [1], {"type": "assistant", "content": "yes"})
    assert ["line 2", "line 3"] == [record.place for record in records if isinstance(record, Problem)]
    assert [("user", "hi"), ("assistant", "yes")] == said(records)


def test_a_real_history() -> None:
    """The sample's eleven records are nine messages: reasoning and the server's call are within their answers."""
    records = read(sample(REAL_HISTORY))
    roles = ["system", "user", "user", "assistant", "tool", "assistant", "tool", "assistant", "user"]
    assert roles == [role for role, _ in said(records)]
    assert "/tmp/as-agent-lab/grok/project" == conversations(records)[-1].project


def test_real_updates() -> None:
    """The sample's nine calls have their results, one of them an error."""
    found = messages(read(sample(REAL_UPDATES)))
    assert ["assistant", "tool"] * 9 == [message.role for message in found]
    assert 1 == sum(_is_error(message) for message in found)


def _is_error(message: MessageDraft) -> bool:
    return any(part.get("is_error") for part in message.parts or ())
