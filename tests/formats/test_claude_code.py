"""Claude Code sessions: every rule on hand-written files."""

from __future__ import annotations

from collections import Counter

import pytest

from chatlog.formats import claude_code, detect
from chatlog.formats.source import file_source, stream_source
from chatlog.models import ConversationDraft, TitleHint

from .claude_code_making import DELEGATING, HERE, SESSION, Read, path_to_head, read
from .making import head_of, walk


@pytest.fixture(scope="module")
def session() -> Read:
    """The hand-written session that holds one of everything."""
    return read(HERE / "session.jsonl")


def test_one_response_is_one_message(session: Read) -> None:
    """The entries of one message id are one message, its parts in order, under its first entry's uuid."""
    response = session.only["a1"]

    assert [
        {"type": "reasoning", "content": "Look at the wheels.", "signature": "sig=="},
        {"type": "text", "content": "I will look."},
        {"type": "tool_call", "id": "toolu_1", "name": "Bash", "arguments": {"command": "ls"}},
        {
            "type": "tool_call",
            "id": "toolu_2",
            "name": "Read",
            "arguments": {"file_path": "wheel.png"},
            "caller": {"type": "direct"},
        },
    ] == list(response.parts or ())
    assert ("assistant", "I will look.", "claude-opus-4-6") == (response.role, response.text, response.model)
    assert "2026-03-01T10:00:06.000Z" == response.created_at
    assert not {"a2", "a3", "a4"} & session.only.keys()


def test_usage_is_the_largest_never_the_sum(session: Read) -> None:
    """Usage is repeated on every entry of a response: the one with the most output counts, with all its keys."""
    expected = {"input_tokens": 3, "cache_read_input_tokens": 100, "output_tokens": 50, "service_tier": "standard"}

    assert expected == session.only["a1"].metadata["usage"]
    assert {"message_id": "msg_1", "requestId": "req_msg_1", "stop_reason": "tool_use"}.items() <= session.only[
        "a1"
    ].metadata.items()


def test_parallel_results_are_a_chain(session: Read) -> None:
    """Results of parallel tools follow each other, though the uuids fork, and the answer follows the last."""
    assert ("a1", "r1", "r2") == tuple(session.only[name].parent for name in ("r1", "r2", "b1"))
    assert ("tool", "tool") == (session.only["r1"].role, session.only["r2"].role)


def test_results_keep_their_blocks(session: Read) -> None:
    """A result of one text is that text, any other its parts; the error flag and bytes stay."""
    assert ({"type": "tool_call_response", "id": "toolu_1", "response": "wheels.txt"},) == session.only["r1"].parts
    assert (
        {
            "type": "tool_call_response",
            "id": "toolu_2",
            "response": [
                {"type": "text", "content": "a wheel"},
                {"type": "blob", "mime_type": "image/png", "content": "iVBORw0KGgo="},
            ],
            "is_error": True,
        },
    ) == session.only["r2"].parts
    assert [{"type": "text", "content": "No faults."}, {"type": "text", "content": "agentId: af00d01"}] == (
        session.only["r4"].parts or ()
    )[0]["response"]
    assert "wheels" not in session.only["r1"].text


def test_a_rewind_is_a_branch(session: Read) -> None:
    """Two prompts under one parent, here behind a system entry, stay two branches; the later one is active."""
    assert ("b1", "b1", "u2", "u3") == tuple(session.only[name].parent for name in ("u2", "u3", "b2", "b3"))
    path = path_to_head(session, SESSION)
    assert ("u3" in path, "u2" in path, "u16") == (True, False, path[-1])


def test_everything_else_is_one_line(session: Read) -> None:
    """Beside the rewind and words never sent no message is off the active path."""
    away = set(session.only) - set(path_to_head(session, SESSION))
    assert {"u2", "b2", "queue-2026-03-01T12:00:00.000Z"} == away


def test_parts_of_other_kinds(session: Read) -> None:
    """Images and documents are bytes; redacted thinking, server tools and unknown blocks keep all they had."""
    assert (
        {"type": "text", "content": "Make it longer by two inches."},
        {"type": "blob", "mime_type": "image/jpeg", "content": "/9j/4AAQ"},
        {"type": "blob", "mime_type": "application/pdf", "content": "JVBERi0=", "title": "plan.pdf"},
    ) == session.only["u3"].parts
    assert (
        {"type": "reasoning", "content": "", "redacted": True, "data": "ENCRYPTED"},
        {
            "type": "tool_call",
            "id": "srvtoolu_1",
            "name": "web_search",
            "arguments": {"query": "lever"},
            "block": "server_tool_use",
        },
        {
            "type": "tool_call_response",
            "id": "srvtoolu_1",
            "response": [
                {
                    "type": "web_search_result",
                    "url": "https://example.org/lever",
                    "title": "Levers",
                    "encrypted_content": "E",
                }
            ],
            "block": "web_search_tool_result",
        },
        {"type": "container_upload", "file_id": "file_1"},
        {"type": "text", "content": "Two inches it is."},
        {"type": "tool_call", "id": "toolu_3", "name": "Bash", "arguments": {"command": "measure"}},
    ) == session.only["b3"].parts


def test_reminders_are_stripped_from_text_only(session: Read) -> None:
    """What Claude Code mixes into a prompt is not in its text, and still in its parts."""
    prompt, with_ide = session.only["u1"], session.only["u13"]

    assert ("Why does the carry fail?", False) == (prompt.text, prompt.hidden)
    assert "As you answer" in (prompt.parts or ())[0]["content"]
    assert ("What does the spring do?", False) == (with_ide.text, with_ide.hidden)
    assert "<ide_opened_file>" in (with_ide.parts or ())[0]["content"]


@pytest.mark.parametrize(
    ("uuid", "text", "reason"),
    [
        ("c1", None, "local_command"),
        ("c2", "/clear", "slash_command"),
        ("c3", "Cleared", "local_command"),
        ("u5", None, "compact_summary"),
        ("u7", "Base directory for this skill: /skills/review", "meta"),
        ("at4", "<task-id>b1</task-id>\n<status>completed</status>", "task_notification"),
        ("u10", "! git status", "shell"),
        ("u11", "clean", "shell"),
        ("u12", "", "system_reminder"),
        ("b8", "API Error: 529 overloaded", "synthetic"),
        ("s3", "Context: 12k of 200k", "local_command"),
        ("s4", "While you were away the spring was wound.", "away_summary"),
        ("queue-2026-03-01T12:00:00.000Z", "never sent", "queued"),
    ],
)
def test_injected_messages_are_hidden(session: Read, uuid: str, text: str | None, reason: str) -> None:
    """What no human wrote is kept, hidden, with the reason and readable words."""
    message = session.only[uuid]
    assert (True, reason) == (message.hidden, message.metadata["hidden_reason"])
    assert text in (None, message.text)


def test_nothing_else_is_hidden(session: Read) -> None:
    """Prompts, answers, results, interruptions and slash commands with words of their own are shown."""
    hidden = {name for name, message in session.only.items() if message.hidden}
    shown_ones = {
        "u1",
        "a1",
        "r1",
        "u4",
        "u6",
        "u8",
        "r5",
        "at1",
        "at3",
        "u13",
        "u14",
        "queue-2026-03-01T10:00:30.500Z",
    }
    assert (13, set()) == (len(hidden), hidden & shown_ones)
    assert all("hidden_reason" not in message.metadata for name, message in session.only.items() if name not in hidden)


def test_no_text_of_a_history_is_a_system_message(session: Read) -> None:
    """Words of system entries come in as hidden user messages, never with the system role."""
    assert {"user", "assistant", "tool"} == {message.role for message in session.only.values()}


def test_slash_commands_read_as_typed(session: Read) -> None:
    """A slash command with words is the human's prompt; its tags stay in the parts."""
    command = session.only["u6"]
    assert ("/review the lever drawing", False) == (command.text, command.hidden)
    assert "<command-args>the lever drawing</command-args>" in (command.parts or ())[0]["content"]


def test_interruptions_stay(session: Read) -> None:
    """An interruption is shown where it happened, and marked."""
    assert ("r5", "[Request interrupted by user for tool use]", True) == (
        session.only["u8"].parent,
        session.only["u8"].text,
        session.only["u8"].metadata["interrupted"],
    )


def test_results_with_a_humans_words_are_theirs(session: Read) -> None:
    """A tool's result sent together with words is a user message that holds both."""
    mixed = session.only["r5"]
    assert ("user", "Use steel instead.", "b6") == (mixed.role, mixed.text, mixed.parent)
    assert ["tool_call_response", "text"] == [part["type"] for part in mixed.parts or ()]


def test_compaction_goes_on_behind_what_it_summed_up(session: Read) -> None:
    """The summary follows the message before the boundary, by its logical parent."""
    assert ("u4", "u5") == (session.only["u5"].parent, session.only["u6"].parent)


def test_queued_words(session: Read) -> None:
    """Words taken in mid-turn stand before the answer to them; words that come up again are not doubled."""
    taken = session.only["queue-2026-03-01T10:00:30.500Z"]
    assert ("user", "and oil the wheels", "r3", "2026-03-01T10:00:30.500Z") == (
        taken.role,
        taken.text,
        taken.parent,
        taken.created_at,
    )
    assert taken.source_id == session.only["b4"].parent
    said = Counter(message.text for message in session.only.values())
    assert (1, 1, 1) == (said["thank you"], said["also the spring"], said["never sent"])
    assert "u16" == session.only["queue-2026-03-01T12:00:00.000Z"].parent


def test_attachments(session: Read) -> None:
    """Files and queued words attached to a prompt are messages in the chain; injected context is counted."""
    mentioned = session.only["at1"]
    assert ("@lever.txt", "u9") == (mentioned.text, mentioned.parent)
    assert (
        {
            "type": "file",
            "file_id": "/home/ada/engine/lever.txt",
            "name": "lever.txt",
            "content": {"type": "text", "file": {"filePath": "/home/ada/engine/lever.txt", "content": "length: 2 in"}},
        },
    ) == mentioned.parts
    assert ("also the spring", "b7", "at1") == (
        session.only["at3"].text,
        session.only["at3"].parent,
        session.only["b7"].parent,
    )


def test_what_no_model_wrote_has_no_model(session: Read) -> None:
    """The text of an API error is hidden, and its stand-in for a model is only a fact about it."""
    failed = session.only["b8"]
    assert (None, "<synthetic>", True) == (
        failed.model,
        failed.metadata["model"],
        failed.metadata["isApiErrorMessage"],
    )


def test_the_conversation_has_the_sessions_facts(session: Read) -> None:
    """A title given by hand wins; folder, model, times, tags, name, version and branch are kept."""
    assert (
        ConversationDraft(
            source_id=SESSION,
            title="Carry lever",
            created_at="2026-03-01T10:00:02.000Z",
            updated_at="2026-03-01T12:00:00.000Z",
            model="claude-opus-4-6",
            project="/home/ada/engine",
            head="u16",
            tags=("engine",),
            metadata={
                "version": "2.1.90",
                "gitBranch": "main",
                "agentName": "lovelace",
                "prUrls": ["https://example.org/pull/7"],
            },
        )
        == session.conversations[SESSION]
    )


def test_messages_keep_small_facts(session: Read) -> None:
    """Facts of an entry, known or new, are kept under their names; the place only where it changes."""
    assert {"thinkingMetadata": {"level": "high"}, "permissionMode": "default"} == session.only["u1"].metadata
    assert {"permissionMode": "plan", "someNewKey": {"kept": True}} == session.only["u14"].metadata
    assert {"cwd": "/home/ada/engine/levers", "gitBranch": "levers", "imagePasteIds": [1]} == session.only[
        "u3"
    ].metadata


def test_a_sub_agents_numbers_are_kept(session: Read) -> None:
    """The twin of a tool's result is left out but for what it knows of a sub-agent."""
    assert {
        "agentId": "af00d01",
        "toolUseResult": {
            "status": "completed",
            "totalTokens": 4321,
            "totalToolUseCount": 2,
            "totalDurationMs": 900,
            "usage": {"output_tokens": 77},
        },
    } == session.only["r4"].metadata


def test_titles_of_other_sessions_are_hinted(session: Read) -> None:
    """A summary names the session of its leaf, not this one; where this one has a title it is counted."""
    assert [TitleHint("elsewhere-9", "Difference engine, first sketch")] == session.hints


def test_everything_left_out_is_counted(session: Read) -> None:
    """Entries that are no messages are counted by kind, down to the twin of each result."""
    assert {
        "attachment: skill_listing": 1,
        "entries of no known type": 1,
        "entries repeated under the same uuid": 1,
        "file-history-snapshot": 1,
        "last-prompt": 1,
        "mode": 1,
        "progress: bash_progress": 1,
        "progress: hook_progress": 1,
        "queue-operation": 5,
        "summary (of a session in another file)": 1,
        "summary (the session has a title)": 1,
        "system: api_error": 1,
        "system: compact_boundary": 1,
        "system: turn_duration": 1,
        "toolUseResult (twin of the tool result)": 4,
        "zzz-future": 1,
    } == session.left_out


def test_broken_lines_are_named_and_do_not_stop_the_rest(session: Read) -> None:
    """Two objects on a line are both read; garbage, a non-object, a misshapen entry and a cut-off line are problems."""
    assert ("One", "Two", "u15") == (session.only["u15"].text, session.only["u16"].text, session.only["u16"].parent)
    assert ["not valid JSON", "not an object", "not an entry of", "not valid JSON"] == [
        problem.reason[:14] if "JSON" in problem.reason else problem.reason[:15].strip() for problem in session.problems
    ]
    assert not any("text where" in problem.reason for problem in session.problems)


def test_sidechains_in_the_same_file() -> None:
    """Sub-agents written into the session's file, interleaved, are conversations of their own."""
    found = read(HERE / "sidechains.jsonl")
    main = "aaaaaaaa-0000-4000-8000-000000000002"
    gears, axles = f"{main}/sidechain-x1", f"{main}/sidechain-y1"

    assert {
        main: ["u1", "a1", "r1", "r2", "a3"],
        gears: ["x1", "x2", "x4", "x5"],
        axles: ["y1", "y2"],
    } == {name: list(messages) for name, messages in found.messages.items()}
    assert (None, main, main) == tuple(found.conversations[name].parent for name in (main, gears, axles))
    assert ("toolu_a", "toolu_b") == tuple(
        found.conversations[name].metadata["parentToolUseID"] for name in (gears, axles)
    )
    assert ("x2", "x4") == (found.messages[gears]["x4"].parent, found.messages[gears]["x5"].parent)
    assert list(found.messages[main]) == path_to_head(found, main)


def test_sub_agents_that_only_their_progress_tells_of() -> None:
    """Progress reports that hold a sub-agent's messages are its conversation, linked to the call, if no file is."""
    found = read(HERE / "project" / f"{DELEGATING}.jsonl")
    agent = f"{DELEGATING}/agent-def5678"

    assert {DELEGATING: ["u1", "a1", "r1", "a2"], agent: ["m1", "m2", "m3"]} == {
        name: list(messages) for name, messages in found.messages.items()
    }
    assert (DELEGATING, "toolu_t", "claude-haiku-4-5", "/home/ada/engine") == (
        found.conversations[agent].parent,
        found.conversations[agent].metadata["parentToolUseID"],
        found.conversations[agent].model,
        found.conversations[agent].project,
    )
    assert ("m2", "tool") == (found.messages[agent]["m3"].parent, found.messages[agent]["m3"].role)
    assert 3 == found.left_out["progress: agent_progress (in the sub-agent's own file)"]


def test_progress_is_read_where_there_are_no_siblings() -> None:
    """The same session from standard input brings both of its sub-agents."""
    with (HERE / "project" / f"{DELEGATING}.jsonl").open("rb") as stream:
        found = read(stream_source(stream))

    assert {DELEGATING, f"{DELEGATING}/agent-abc1234", f"{DELEGATING}/agent-def5678"} == set(found.conversations)


def test_sub_agents_in_their_own_files() -> None:
    """A sub-agent's file is the session's sub-conversation, with what the file beside it says, marked entry or not."""
    found = read(HERE / "project" / DELEGATING / "subagents" / "agent-abc1234.jsonl")
    agent = f"{DELEGATING}/agent-abc1234"

    assert {agent: ["k1", "k0", "k3", "k5", "k4"]} == {
        name: list(messages) for name, messages in found.messages.items()
    }
    conversation = found.conversations[agent]
    assert (DELEGATING, "Find the cam", "k4") == (conversation.parent, conversation.title, conversation.head)
    assert {
        "agentId": "abc1234",
        "version": "2.1.90",
        "gitBranch": "main",
        "agentType": "Explore",
        "description": "Find the cam",
    } == conversation.metadata


def test_a_whole_project_folder_holds_each_conversation_once() -> None:
    """Reading a folder meets the session and its sub-agents, and no message under two names."""
    seen: Counter[tuple[str | None, str | None]] = Counter()
    for source in walk(HERE / "project"):
        if detect(source) == "claude_code":
            seen.update((message.conversation, message.source_id) for message in read(source).all())

    assert (12, 1) == (len(seen), max(seen.values()))


def test_two_sessions_in_one_file() -> None:
    """A session that goes on behind another's message is a conversation of its own, forked from that one."""
    found = read(HERE / "two_sessions.jsonl")
    first, second = (f"aaaaaaaa-0000-4000-8000-00000000000{number}" for number in (4, 5))

    assert {first: ["u1", "a1", "r1"], second: ["r1", "a2"]} == {
        name: list(messages) for name, messages in found.messages.items()
    }
    assert (None, first) == (found.conversations[first].parent, found.conversations[second].parent)
    assert ("a1", "a1") == (found.messages[second]["r1"].parent, found.messages[second]["r1"].metadata["parentUuid"])


def test_the_web_download() -> None:
    """Claude Code on the web gives one document with the entries under loglines."""
    source = file_source(HERE / "loglines.json")
    found = read(source)

    assert "claude_code" == detect(source)
    assert [("user", "From the web."), ("assistant", "Hello, web.")] == [
        (message.role, message.text) for message in found.only.values()
    ]


@pytest.mark.parametrize("name", ["session.jsonl", "sidechains.jsonl", "two_sessions.jsonl", "loglines.json"])
def test_sessions_are_recognised(name: str) -> None:
    """A session is known by its content."""
    assert claude_code.sniff(head_of(file_source(HERE / name)))


@pytest.mark.parametrize("name", ["history.jsonl", "sessions-index.json", "todos.json"])
def test_files_beside_the_sessions_are_not_sessions(name: str) -> None:
    """The prompt history, the index and the to-do lists in the same folder are not taken for sessions."""
    assert not claude_code.sniff(head_of(file_source(HERE / name)))
