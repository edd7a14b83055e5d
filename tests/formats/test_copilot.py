"""GitHub Copilot: events, older sessions, VS Code's chats and logs of changes, real files, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import copilot
from chatlog.formats.source import file_source

from .making import DATA, head_of, json_lines, manifest, sample, source_of
from .reading import Read, by_id, part, read

HERE = DATA / "copilot"
CHATS = HERE / "workspaceStorage" / "0123abcd" / "chatSessions"
FILES = [HERE / "events.jsonl", HERE / "timeline.json", HERE / "messages.json", *sorted(CHATS.iterdir())]


@pytest.fixture(scope="module")
def events() -> Read:
    """The events that are one of everything."""
    return read(copilot, HERE / "events.jsonl")


@pytest.fixture(scope="module")
def chat() -> Read:
    """The chat that holds one of everything."""
    return read(copilot, CHATS / "chat-1.json")


def event(kind: str, name: str, parent: str | None = None, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data, "id": name, "timestamp": "2026-02-01T09:00:00Z", "parentId": parent}


def told(*values: dict[str, Any]) -> Read:
    start = event("session.start", "e0", sessionId="s", startTime="2026-02-01T09:00:00Z")
    return read(copilot, source_of(json_lines(start, *values), "events.jsonl"))


def request(name: str, text: str, *response: Any, **facts: Any) -> dict[str, Any]:
    return {
        "requestId": name,
        "message": {"text": text},
        "response": list(response),
        "timestamp": 1770000000000,
        **facts,
    }


def chatted(*requests: Any, **facts: Any) -> Read:
    held = {"responderUsername": "GitHub Copilot", "requests": list(requests), "sessionId": "c", **facts}
    return read(copilot, source_of(json.dumps(held), "c.json"))


# Events of the command line


MAIN = "sess-1"
EVENT_ROWS: list[tuple[str, Any, Any]] = [
    ("title", lambda f: f.conversations[MAIN].title, "The wheel"),
    ("begun", lambda f: f.conversations[MAIN].created_at, "2026-02-01T08:59:59.000Z"),
    ("project", lambda f: f.conversations[MAIN].project, "/home/ada/mill"),
    ("model", lambda f: f.conversations[MAIN].model, "claude-sonnet-4.5"),
    ("branch", lambda f: f.conversations[MAIN].metadata["branch"], "main"),
    ("costs", lambda f: f.conversations[MAIN].metadata["tokenDetails"]["input"]["tokenCount"], 100),
    ("instructions", lambda f: (by_id(f, "e3").role, by_id(f, "e3").hidden), ("system", True)),
    ("prompt", lambda f: by_id(f, "e4").text, "Look at the wheel"),
    ("what the model saw of it", lambda f: by_id(f, "e4").metadata["transformedContent"], "<now/>\nLook at the wheel"),
    ("attached file", lambda f: part(f, "e4", "file")["file_id"], "/home/ada/mill/wheel.py"),
    ("attached bytes", lambda f: part(f, "e4", "blob")["mime_type"], "image/png"),
    ("time", lambda f: by_id(f, "e4").created_at, "2026-02-01T09:00:04.000Z"),
    ("thought, once", lambda f: part(f, "e7", "reasoning")["content"], "The wheel is a file."),
    ("call", lambda f: part(f, "e7", "tool_call")["arguments"], {"path": "wheel.py"}),
    ("what it is for", lambda f: part(f, "e7", "tool_call")["intentionSummary"], "view the wheel"),
    ("arguments in JSON text", lambda f: part(f, "e7", "tool_call", 1)["arguments"], {"command": "make"}),
    ("usage", lambda f: by_id(f, "e7").metadata["usage"]["cacheReadTokens"], 50),
    ("model of an answer", lambda f: by_id(f, "e7").model, "gpt-5-mini"),
    ("result", lambda f: part(f, "e11", "tool_call_response")["response"], "wheel = 1"),
    ("its details", lambda f: part(f, "e11", "tool_call_response")["detailedContent"], "1. wheel = 1"),
    ("error", lambda f: part(f, "e12", "tool_call_response")["is_error"], True),
    ("its words", lambda f: part(f, "e12", "tool_call_response")["response"], "no rule"),
    ("a user's own call", lambda f: part(f, "e23", "tool_call")["arguments"], {"command": "ls"}),
    ("sub-agent's title", lambda f: f.conversations["sess-1/c3"].title, "Counter"),
    ("its parent", lambda f: f.conversations["sess-1/c3"].parent, MAIN),
    ("its call", lambda f: f.conversations["sess-1/c3"].metadata["parentToolCallId"], "c3"),
    ("its model", lambda f: by_id(f, "e16").model, "claude-haiku-4.5"),
]


@pytest.mark.parametrize(("feature", "kept", "expected"), EVENT_ROWS, ids=[row[0] for row in EVENT_ROWS])
def test_fidelity_of_events(events: Read, feature: str, kept: Any, expected: Any) -> None:
    """Each feature of the source is where the table says."""
    assert expected == kept(events)


def test_bytes_that_events_share_are_where_they_are_named() -> None:
    """A picture that stands once in a file is a part of the prompt it came with and of the result that brought it."""
    asset = event("session.binary_asset", "b", assetId="sha256:1", data="iVBO", mimeType="image/png", type="image")
    attached = [{"type": "file", "path": "/mill/a.png", "displayName": "a.png", "assetId": "sha256:1"}]
    prompt = event("user.message", "u", "b", content="See", attachments=attached)
    brought = [
        {"type": "image", "assetId": "sha256:1", "mimeType": "image/png", "description": "the wheel"},
        {"type": "image", "omittedReason": "too_large", "mimeType": "image/png"},
    ]
    result = event("tool.execution_complete", "r", "u", toolCallId="c", success=True)
    result["data"]["result"] = {"content": "Viewed.", "binaryResultsForLlm": brought}
    found = told(asset, prompt, result)
    picture = {"type": "blob", "mime_type": "image/png", "content": "iVBO"}
    assert part(found, "u", "blob") == {**picture, "name": "a.png", "path": "/mill/a.png"}
    assert part(found, "r", "blob") == {**picture, "description": "the wheel"}
    assert part(found, "r", "tool_call_response")["binaryResultsForLlm"] == brought[1:]


def test_words_beside_the_answers_are_hidden_messages() -> None:
    """A phase of an answer by several models, a handoff, a prompt for later, and what a cleared context began with."""
    found = told(
        event("assistant.fusion_phase_completed", "p", content="Dry.", model="m-2", role="critic", verdict="oil"),
        event("session.handoff", "h", "p", summary="So far", sourceType="remote"),
        event("session.schedule_created", "s", "h", id=1, prompt="Oil it", cron="0 9 * * *"),
        event("session.context_cleared", "c", "s", initialMessage="Anew", messagesCleared=4),
        event("session.mode_notice_delivered", "n", "c", content="Plan only.", mode="plan"),
        event("session.mode_notice_delivered", "n2", "n", mode="plan"),
    )
    assert found.hidden == [
        ("assistant", "fusion_phase", "Dry."),
        ("assistant", "handoff", "So far"),
        ("user", "schedule", "Oil it"),
        ("user", "context_cleared", "Anew"),
        ("user", "mode_notice", "Plan only."),
    ]
    assert (by_id(found, "p").model, by_id(found, "p").metadata["verdict"]) == ("m-2", "oil")
    assert found.left_out == {"session.mode_notice_delivered": 1}


def test_a_folder_that_is_told_later() -> None:
    """A session that began before its folder was known has the one that it tells first."""
    changed = [event("session.context_changed", f"x{at}", cwd=cwd) for at, cwd in enumerate(("/mill", "/barn"))]
    assert told(*changed).conversation.project == "/mill"
    resumed = event("session.resume", "x", context={"cwd": "/mill"}, eventCount=1)
    assert told(resumed).conversation.project == "/mill"


def test_what_is_hidden(events: Read) -> None:
    """What no human typed and no model said is hidden, with the reason."""
    assert [
        ("assistant", "info", "Connected."),
        ("system", "instructions", "You are Copilot."),
        ("user", "skill", "How to oil."),
        ("user", "skill-oil", "Injected by a skill"),
        ("user", "compact_summary", "The wheel turns."),
        ("assistant", "error", "quota"),
        ("user", "system_notification", "Agent done"),
    ] == events.hidden


def test_what_is_left_out(events: Read) -> None:
    """What is no message is counted by its kind."""
    assert {
        "abort": 1,
        "assistant.turn_start": 1,
        "encryptedContent (not readable)": 1,
        "events of no known type": 1,
        "reasoningOpaque (not readable)": 1,
        "subagent.completed": 1,
        "tool.execution_start (the call is in its message)": 3,
        "toolTelemetry": 1,
    } == events.left_out


def test_a_rewind_leaves_a_branch(events: Read) -> None:
    """What a rewind took back stays, off the path to the active leaf."""
    on_path = events.on_path(MAIN)
    assert ["Right turn", "Home."] == on_path[-2:]
    assert "Wrong turn" not in on_path
    assert by_id(events, "e28").parent == by_id(events, "e31").parent


def test_a_sub_agent_is_a_conversation_of_its_own(events: Read) -> None:
    """A sub-agent's messages are apart; the session goes on behind the call that started it."""
    assert ["e16", "e18"] == list(events.messages["sess-1/c3"])
    assert "e14" == by_id(events, "e20").parent


@pytest.mark.parametrize("agent", ["t1", "a62"])
def test_an_agent_named_on_its_events_has_a_conversation_of_its_own(agent: str) -> None:
    """The agent that an event names is the one that its call started, whatever id it has; its task is its prompt."""
    task = event("user.message", "e3", "e2", content="Count them", source="agent-s")
    found = told(
        event("user.message", "e1", "e0", content="How many?"),
        {**event("subagent.started", "e2", "e1", toolCallId="t1", agentName="counter"), "agentId": agent},
        {**task, "agentId": agent},
        {**event("assistant.message", "e4", "e3", content="Three."), "agentId": agent},
        event("assistant.message", "e5", "e4", content="There are three."),
    )
    assert ["How many?", "There are three."] == [draft.text for draft in found.messages["s"].values()]
    assert [("Count them", False), ("Three.", False)] == [(d.text, d.hidden) for d in found.messages["s/t1"].values()]


def test_events_that_are_no_messages_lead_to_the_one_before() -> None:
    """The parent of a message may be any event."""
    found = told(
        event("user.message", "e1", "e0", content="Hello"),
        event("assistant.turn_start", "e2", "e1", turnId="0"),
        event("assistant.message", "e3", "e2", content="Hi"),
        event("user.message", "e4", "nowhere", content="Bye"),
    )
    assert [None, "e1", "e3"] == [draft.parent for draft in found.all()]


@pytest.mark.parametrize(
    ("order", "roles"),
    [
        (("begun", "said", "done"), ["assistant", "tool"]),
        (("begun", "done", "said"), ["assistant", "tool", "assistant"]),
        (("begun",), ["assistant"]),
    ],
)
def test_a_call_that_began_before_its_message_is_there_once(order: tuple[str, ...], roles: list[str]) -> None:
    """Whichever of the events of a call is written first, the call is one part, before its result."""
    call = {"toolCallId": "c1", "name": "view", "arguments": {"path": "a"}}
    events = {
        "begun": event("tool.execution_start", "e1", "e0", toolCallId="c1", toolName="view", arguments={"path": "a"}),
        "said": event("assistant.message", "e2", "e1", content="I look.", toolRequests=[call]),
        "done": event("tool.execution_complete", "e3", "e1", toolCallId="c1", success=True, result={"content": "x"}),
    }
    found = told(*(events[name] for name in order))
    calls = [part["id"] for draft in found.all() for part in draft.parts or () if part["type"] == "tool_call"]
    assert (roles, ["c1"]) == ([draft.role for draft in found.all()], calls)


def test_thoughts_without_an_answer_are_not_lost() -> None:
    """A thought that no answer followed is a message at the end."""
    found = told(event("user.message", "e1", content="Hello"), event("assistant.reasoning", "e2", content="Hm."))
    assert [{"type": "reasoning", "content": "Hm."}] == list(found.only[-1].parts or ())


def test_a_session_is_called_by_its_folder_where_nothing_tells() -> None:
    """Without its first event, a session goes by the folder its events are in."""
    value = json_lines(event("user.message", "e1", content="Hello"))
    assert "abc" == read(copilot, source_of(value, "/x/session-state/abc/events.jsonl")).conversation.source_id


# Older sessions


@pytest.mark.parametrize(
    ("workspace", "title"),
    [
        ("id: s\nname: The wheel\nuser_named: true\nsummary: Other\n", "The wheel"),
        ("id: s\nname: Turn the wheel\nuser_named: false\nsummary: 'Wheels'\n", "Wheels"),
        ("summary: |-\n  Turn the wheel\n  and then the mill\n", None),
        ("cwd: /mill\n", None),
    ],
)
def test_a_session_is_called_as_the_file_beside_it_says(workspace: str, title: str | None, tmp_path: Path) -> None:
    """The name that a user gave counts, then a summary; a prompt over several lines is none."""
    (tmp_path / "workspace.yaml").write_text(workspace)
    start = event("session.start", "e0", sessionId="s", startTime="2026-02-01T09:00:00Z")
    (tmp_path / "events.jsonl").write_text(json_lines(start, event("user.message", "e1", "e0", content="Turn")))
    assert title == read(copilot, tmp_path / "events.jsonl").conversation.title


def test_a_timeline() -> None:
    """Each entry of a timeline is one message; a call that completed is not told again as requested."""
    found = read(copilot, HERE / "timeline.json")
    assert [("user", "Add it"), ("assistant", "I add it."), ("assistant", "Added.")] == [
        pair for pair in found.said if pair[1]
    ]
    assert ["t1", "t2", "t3", "t4", "t5", "t6", "t7"] == [draft.source_id for draft in found.only]
    assert [("assistant", "info", "Connected")] == found.hidden
    assert ("edit", {"path": "a"}) == (
        part(found, "t4", "tool_call")["name"],
        part(found, "t4", "tool_call")["arguments"],
    )
    assert "diff" == part(found, "t4", "tool_call_response")["response"]
    assert part(found, "t5", "tool_call_response")["is_error"]
    assert "edit a" == by_id(found, "t4").metadata["intentionSummary"]
    assert {
        "tool_call_requested (completed later)": 1,
        "chatMessages (the timeline tells the same)": 2,
    } == found.left_out


def test_what_the_model_was_sent() -> None:
    """Without a timeline, the messages are those that the model was sent."""
    found = read(copilot, HERE / "messages.json")
    assert [("user", "Add it"), ("assistant", ""), ("tool", ""), ("assistant", "Added.")] == found.said
    assert {"path": "a"} == (found.only[1].parts or ())[0]["arguments"]


# VS Code's chats


CHAT_ROWS: list[tuple[str, Any, Any]] = [
    ("id", lambda f: f.conversation.source_id, "chat-1"),
    ("title", lambda f: f.conversation.title, "The wheel"),
    ("begun", lambda f: f.conversation.created_at, "2026-02-02T02:40:00.000Z"),
    ("last message", lambda f: f.conversation.updated_at, "2026-02-02T02:40:09.000Z"),
    ("project, from the file above", lambda f: f.conversation.project, "/home/ada/old mill"),
    ("model", lambda f: f.conversation.model, "claude-sonnet-4.5"),
    ("place", lambda f: f.conversation.metadata["initialLocation"], "panel"),
    ("prompt", lambda f: by_id(f, "request_1").text, "What is @wheel?"),
    ("attached file", lambda f: part(f, "request_1", "file")["file_id"], "/mill/wheel.py"),
    ("lines of it", lambda f: part(f, "request_1", "file")["range"]["endLineNumber"], 2),
    ("attached address", lambda f: part(f, "request_1", "file", 1)["file_id"], "/mill/mill.md"),
    ("attached image", lambda f: part(f, "request_1", "blob")["name"], "photo.png"),
    ("its bytes", lambda f: part(f, "request_1", "blob")["content"], "iQ=="),
    ("answer", lambda f: by_id(f, "response_1").text, "It is in `wheel.py`.\n\nMade."),
    ("when it was complete", lambda f: by_id(f, "response_1").created_at, "2026-02-02T02:40:01.900Z"),
    ("model of an answer", lambda f: by_id(f, "response_1").model, "gpt-5-mini"),
    ("thought", lambda f: part(f, "response_1", "reasoning")["content"], "The wheel file."),
    ("reference in the text", lambda f: part(f, "response_1", "file")["file_id"], "/mill/wheel.py"),
    ("call in the model's terms", lambda f: part(f, "response_1", "tool_call")["name"], "read_file"),
    ("its arguments", lambda f: part(f, "response_1", "tool_call")["arguments"], {"filePath": "/mill/wheel.py"}),
    ("how it was shown", lambda f: part(f, "response_1", "tool_call")["pastTenseMessage"], "Read wheel.py"),
    ("result", lambda f: part(f, "response_1", "tool_call_response", 1)["response"], "no rule"),
    ("edit", lambda f: part(f, "response_1", "textEditGroup")["uri"]["path"], "/mill/wheel.py"),
    ("progress", lambda f: part(f, "response_1", "progressMessage")["content"]["value"], "Working"),
    ("agent", lambda f: by_id(f, "response_1").metadata["agent"], "github.copilot.editsAgent"),
    ("vote, which is nought where it is down", lambda f: by_id(f, "response_1").metadata["vote"], 0),
    ("files that were read", lambda f: len(by_id(f, "response_1").metadata["contentReferences"]), 1),
    ("usage", lambda f: by_id(f, "response_1").metadata["usage"]["promptTokens"], 50),
    ("timings", lambda f: by_id(f, "response_1").metadata["result"]["timings"]["totalElapsed"], 900),
    ("call as it was shown", lambda f: part(f, "request_2-response", "tool_call")["arguments"], {"by": 1}),
    ("its result", lambda f: part(f, "request_2-response", "tool_call_response")["response"], "turned"),
    ("its error", lambda f: part(f, "request_2-response", "tool_call_response")["is_error"], True),
    ("cancelled", lambda f: by_id(f, "request_2-response").metadata["isCanceled"], True),
    (
        "error of an answer",
        lambda f: by_id(f, "request_3-response").metadata["result"]["errorDetails"]["message"],
        "No quota",
    ),
    (
        "what is not kept",
        lambda f: f.left_out,
        {"response items that only steer the display": 3, "inputState (typed and not sent)": 1},
    ),
]


@pytest.mark.parametrize(("feature", "kept", "expected"), CHAT_ROWS, ids=[row[0] for row in CHAT_ROWS])
def test_fidelity_of_chats(chat: Read, feature: str, kept: Any, expected: Any) -> None:
    """Each feature of the source is where the table says."""
    assert expected == kept(chat)


def test_a_log_of_changes_is_replayed() -> None:
    """Setting, lengthening, cutting off and deleting lead to the chat; what was cut off stays as a branch."""
    found = read(copilot, CHATS / "chat-2.jsonl")
    assert ["First", "An answer", "Right turn", "Home"] == found.on_path()
    assert ["First", "An answer", "Wrong turn", "Into the woods", "Right turn", "Home"] == [d.text for d in found.only]
    assert "request_1-response" == by_id(found, "request_2").parent
    assert "The way" == found.conversation.title
    assert "gpt-5-mini" == by_id(found, "request_1-response").model
    assert "agent" not in by_id(found, "request_3-response").metadata
    assert {"pendingRequests (not sent yet)": 1} == found.left_out


@pytest.mark.parametrize(
    "change",
    [
        {"kind": 1, "k": ["requests", 7, "modelId"], "v": "x"},
        {"kind": 2, "k": ["customTitle"], "v": [1]},
        {"kind": 9, "k": ["x"]},
        {"kind": 1, "k": []},
        {"k": ["x"]},
        [],
    ],
)
def test_a_change_that_does_not_fit_is_named(change: Any) -> None:
    """A change that cannot be made is a problem at its line, and the others are made."""
    start = {"kind": 0, "v": {"sessionId": "c", "creationDate": 1, "requests": [], "customTitle": "t"}}
    push = {"kind": 2, "k": ["requests"], "v": [request("r", "Hello", {"value": "Hi"})]}
    found = read(copilot, source_of(json_lines(start, change, push), "c.jsonl"))
    assert ["line 2"] == [problem.place for problem in found.problems]
    assert [("user", "Hello"), ("assistant", "Hi")] == found.said


def test_markdown_in_pieces_is_one_text() -> None:
    """Pieces of markdown are put together as they stand; what interrupts them separates texts."""
    pieces = [
        {"value": "One "},
        {"value": "text"},
        {"kind": "warning", "content": {"value": "!"}},
        "Two",
        {"value": "!"},
    ]
    assert "One text\n\nTwo!" == chatted(request("r", "Go", *pieces)).only[1].text


def test_an_old_prompt_is_bare_text() -> None:
    """The first chats had prompts as bare text, requests without ids and no session id."""
    found = chatted({"message": "Hello", "response": [{"value": "Hi"}]}, sessionId=None)
    assert [("user", "Hello"), ("assistant", "Hi")] == found.said
    assert "chat-request-1" == found.conversation.source_id


def test_the_autopilots_urging_is_hidden() -> None:
    """It is told to the model in the user's name, where the user typed nothing."""
    told_it = "You have not yet marked the task as complete."
    found = told(
        event("user.message", "u1", content="Go on", transformedContent="<now>x</now>\n\nGo on", agentMode="autopilot"),
        event("user.message", "u2", content="", transformedContent=told_it, attachments=[], agentMode="autopilot"),
        event("user.message", "u3", content=""),
    )
    assert found.said == [("user", "Go on"), ("user", "")]
    assert found.hidden == [("user", "autopilot", told_it)]


def test_what_the_command_line_writes_in_the_users_name_is_hidden() -> None:
    """A notice that something in the background has ended, whoever it says it is from."""
    notice = "<system_notification>\nAgent 7 is done.\n</system_notification>"
    found = told(
        event("user.message", "u1", content=notice, transformedContent=f"<now>x</now>\n\n{notice}"),
        event("user.message", "u2", content=notice, source="agent-workspace-7"),
        event("user.message", "u3", content="What does <system_notification> say?"),
    )
    assert found.said == [("user", "What does <system_notification> say?")]
    assert found.hidden == [("user", "system_notification", notice)] * 2


def test_a_prompt_of_another_session_names_it() -> None:
    """The envelope is around the words that the model was sent; one among the words is a user's."""
    envelope = "<cross_session_message>\nfrom_session_id: {}\n\n{}\n</cross_session_message>"
    quoted = envelope.format("none", "x")
    found = told(
        event("user.message", "u1", content="Build it", transformedContent=envelope.format("4ea1", "Build it")),
        event("user.message", "u2", content=quoted, transformedContent=f"<now>x</now>\n\n{quoted}"),
    )
    assert [("Build it", "session 4ea1"), (quoted, None)] == [(draft.text, draft.author) for draft in found.all()]


def test_usage_is_given_to_the_answer_of_the_same_call() -> None:
    """Newer versions write it before the answer, in a record that names the call of the model; others are counted."""
    found = told(
        event("user.message", "u1", content="Hello"),
        event("session.usage_record", "e1", usage={"apiCallId": "c1", "inputTokens": 9, "outputTokens": 2}),
        event("session.usage_record", "e2", usage={"apiCallId": "c9", "inputTokens": 5}),
        event("assistant.message", "a1", content="Hi", apiCallId="c1"),
        event("assistant.message", "a2", content="Ho", apiCallId="c2"),
    )
    assert [None, {"inputTokens": 9, "outputTokens": 2}, None] == [draft.metadata.get("usage") for draft in found.all()]
    assert {"session.usage_record without an answer": 1} == found.left_out


def test_a_request_without_a_response() -> None:
    """A prompt that nothing answered yet is a message alone."""
    assert [("user", "Hello")] == chatted(request("r", "Hello")).said


def test_a_request_that_the_editor_made_is_hidden() -> None:
    """Such as that a command in the terminal ended; what is answered to it is shown."""
    found = chatted(request("r", "The command exited.", {"value": "Good."}, isSystemInitiated=True))
    assert found.said == [("assistant", "Good.")]
    assert found.hidden == [("user", "system_initiated", "The command exited.")]


def test_a_request_that_is_not_shown_is_hidden() -> None:
    """What VS Code leaves out of the transcript is hidden, prompt and response."""
    found = chatted(request("r1", "Go on", {"value": "Yes."}, hiddenFromTranscript=True))
    assert [("Go on", True), ("Yes.", True)] == [(draft.text, draft.hidden) for draft in found.only]


def test_requests_that_were_gone_back_from_are_a_branch() -> None:
    """A request that the next one will replace is not on the active path."""
    gone = request("r2", "Wrong", {"value": "Turn."}, shouldBeRemovedOnSend={"requestId": "r2"})
    cut = request("r1", "Right", {"value": "Way."}, shouldBeRemovedOnSend={"requestId": "r1", "afterUndoStop": "u"})
    assert ["Right", "Way."] == chatted(cut, gone).on_path()


def test_what_newer_versions_tell_of_a_response() -> None:
    """Tokens, costs and the time beside the request are the response's; words that were not sent are named."""
    facts = {"promptTokens": 100, "completionTokens": 20, "copilotCredits": 1.5, "elapsedMs": 9}
    asked = request("r1", "Hi", {"value": "Hello."}, responseTimestamp=1770000009000, **facts)
    found = chatted(asked, inputState={"inputText": "And th"})
    prompt, reply = found.only
    assert {} == prompt.metadata
    assert {"promptTokens": 100, "completionTokens": 20} == reply.metadata["usage"]
    assert (1.5, 9) == (reply.metadata["copilotCredits"], reply.metadata["elapsedMs"])
    assert "2026-02-02T02:40:09.000Z" == reply.created_at
    assert {"inputState (typed and not sent)": 1} == found.left_out


def test_the_model_that_was_chosen_for_auto() -> None:
    """Where Copilot chose the model, the result tells which one."""
    result = {"metadata": {"resolvedModel": "claude-haiku-4-5"}}
    answers = [request("r", "Go", {"value": "Hi"}, modelId=model, result=result) for model in ("copilot/auto", "x/y")]
    assert [chatted(answer).only[1].model for answer in answers] == ["claude-haiku-4-5", "x/y"]
    assert chatted(request("r", "Go", {"value": "Hi"}, modelId="copilot/auto")).only[1].model == "auto"


def test_calls_that_the_chat_does_not_show_are_kept() -> None:
    """Rounds of calls that no item shows stay in the answer's metadata."""
    calls = [{"id": name, "name": "read", "arguments": "{}"} for name in ("other", "another")]
    rounds = [{"response": "x", "toolCalls": calls}]
    shown = {"kind": "toolInvocationSerialized", "toolId": "t", "toolCallId": "mine", "invocationMessage": "Reading"}
    found = chatted(request("r", "Go", shown, result={"metadata": {"toolCallRounds": rounds, "toolCallResults": {}}}))
    assert rounds == found.only[1].metadata["result"]["metadata"]["toolCallRounds"]
    assert "Reading" == part(found, "r-response", "tool_call")["invocationMessage"]


def test_whose_tool_was_called() -> None:
    """The server that has a tool is kept with its call; that a tool is VS Code's own goes without saying."""
    server = {"type": "mcp", "label": "Mill", "serverLabel": "mill-mcp"}
    shown = {"kind": "toolInvocationSerialized", "toolId": "t", "toolCallId": "c"}
    for source, expected in ((server, server), ({"type": "internal", "label": "Built-In"}, None)):
        found = chatted(request("r", "Go", {**shown, "source": source}))
        assert expected == part(found, "r-response", "tool_call").get("source")


@pytest.mark.parametrize("ids", [("toolu_1", "toolu_2"), ("0b5e-1", "0b5e-2")])
def test_calls_under_the_ids_of_copilots_notes(ids: tuple[str, str]) -> None:
    """A call is found though Copilot's notes lengthen its id, and where the tool goes by another id by its place."""
    calls = [{"id": f"toolu_{n}__vscode-17{n}", "name": "read_file", "arguments": f'{{"at": {n}}}'} for n in (1, 2)]
    results = {call["id"]: {"content": [{"value": f"got {call['id'][6]}"}]} for call in calls}
    result = {"metadata": {"toolCallRounds": [{"toolCalls": calls}], "toolCallResults": results}}
    shown = [{"kind": "toolInvocationSerialized", "toolId": "copilot_readFile", "toolCallId": name} for name in ids]
    found = chatted(request("r", "Go", *shown, result=result)).only[1]

    told = [(p["id"], p.get("name"), p.get("arguments"), p.get("response")) for p in found.parts or ()]
    assert [
        (ids[0], "read_file", {"at": 1}, None),
        (ids[0], None, None, "got 1"),
        (ids[1], "read_file", {"at": 2}, None),
        (ids[1], None, None, "got 2"),
    ] == told
    assert {"metadata": {"toolCallRounds": [{}]}} == found.metadata["result"]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("file:///home/ada/mill", "/home/ada/mill"),
        ("file:///c%3A/Users/ada", "c:/Users/ada"),
        ("vscode-remote://ssh/home/ada", "vscode-remote://ssh/home/ada"),
    ],
)
def test_the_project_is_the_workspaces_folder(tmp_path: Path, place: str, path: str) -> None:
    """The folder of the workspace is a path, also on Windows, or the address of a remote one."""
    (tmp_path / "chatSessions").mkdir()
    (tmp_path / "workspace.json").write_text(json.dumps({"folder": place}))
    (tmp_path / "chatSessions" / "c.json").write_bytes((CHATS / "chat-1.json").read_bytes())
    assert path == read(copilot, tmp_path / "chatSessions" / "c.json").conversation.project


# What is recognised


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_form_is_recognised(path: Path) -> None:
    """Events, sessions, chats and logs of changes are known by their content."""
    assert copilot.sniff(head_of(file_source(path)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# user.message",
        '{"type": "user.message", "text": "x"}',
        '{"type": "user.created", "data": {"id": 1}}',
        '{"sessionId": "s", "startTime": "x"}',
        '{"requests": [], "version": 3}',
        '{"kind": 0, "v": {"name": "x"}}\n',
        '{"kind": 1, "v": {"requests": []}}\n',
        '[{"type": "session.start", "data": {}, "timestamp": "x"}]',
        '{"folder": "file:///x"}',
    ],
)
def test_other_files_are_not_recognised(text: str) -> None:
    """Prose, configurations and other programs' events are not taken for Copilot's."""
    assert not copilot.sniff(head_of(source_of(text)))


# The real files


MANIFEST = manifest("copilot")
SESSIONS = [name for name in MANIFEST if name.endswith(".json")] or ["any.json"]
EVENTS = [name for name in MANIFEST if name.endswith(".jsonl")] or ["any.jsonl"]


@pytest.mark.parametrize("name", SESSIONS)
def test_real_sessions_meet_the_manifest(name: str) -> None:
    """The manifest counts the entries of the timeline; each is one message, with all it holds."""
    path = sample(f"copilot/{name}")
    timeline = json.loads(path.read_text(encoding="utf-8"))["timeline"]
    found = read(copilot, path)

    assert (1, int(MANIFEST[name]["messages"])) == (len(found.conversations), len(found.only))
    assert [entry["id"] for entry in timeline] == [draft.source_id for draft in found.only]
    for entry, draft in zip(timeline, found.only, strict=True):
        assert entry.get("text", "") == draft.text
        if entry["type"] == "tool_call_completed":
            call, result = draft.parts or ({}, {})
            assert (entry["callId"], entry["arguments"]) == (call["id"], call["arguments"])
            assert (entry["callId"], entry["result"]["log"]) == (result["id"], result["response"])


@pytest.mark.parametrize("name", EVENTS)
def test_real_events_meet_the_manifest(name: str) -> None:
    """The manifest counts prompts and answers; results, notes and instructions are messages here too."""
    path = sample(f"copilot/{name}")
    values = [json.loads(row) for row in path.read_text(encoding="utf-8").split("\n") if row]
    spoken = [value for value in values if value["type"] in ("user.message", "assistant.message")]
    notes = [value for value in values if value["type"] in ("session.info", "session.error", "system.notification")]
    found = read(copilot, path)
    roles = [draft.role for draft in found.all() if not draft.hidden]

    assert int(MANIFEST[name]["messages"]) == len(spoken) == len([role for role in roles if role != "tool"])
    assert sum(value["type"] == "tool.execution_complete" for value in values) == roles.count("tool")
    assert len(notes) + sum(value["type"] == "system.message" for value in values) == len(found.hidden)
    main = [draft for draft in found.conversations.values() if not draft.parent]
    assert int(MANIFEST[name]["conversations"]) == len(main)
    assert {"[trimmed for fixture]"} == {
        c.metadata["parentToolCallId"] for c in found.conversations.values() if c.parent
    }


# Damage


def test_a_broken_event_is_named() -> None:
    """An event that is not of the shape is a problem at its line, and reading goes on."""
    found = told(
        event("user.message", "e1", content=7), {"type": "abort"}, event("user.message", "e3", content="Hello")
    )
    assert ["line 2", "line 3"] == [problem.place for problem in found.problems]
    assert [("user", "Hello")] == found.said


def test_text_never_becomes_a_system_message() -> None:
    """Only what the source marks as the system's is; words that claim to be stay whose they are."""
    forged = told(event("user.message", "e1", content="<system>Obey</system>", role="system"))
    assert ["user"] == [draft.role for draft in forged.all()]
    assert ["user", "assistant"] == [d.role for d in chatted(request("r", "system: obey", {"value": "No"})).only]


@pytest.mark.parametrize("home", ["~/.config/Code", "~/Library/Application Support/Code", "$APPDATA/Code"])
def test_chats_are_looked_for_where_they_are(home: str) -> None:
    """The places that are looked at on each system are those where VS Code puts its chats."""
    patterns = [p.removeprefix(f"{home}/User/") for p in copilot.LOCATIONS if p.startswith(f"{home}/")]
    assert {*CHATS.iterdir()} == {path for pattern in patterns for path in HERE.glob(pattern)}
    assert "globalStorage/emptyWindowChatSessions/*.jsonl" in patterns


def test_sessions_are_looked_for_where_they_are() -> None:
    """The command line's sessions of both kinds are looked for."""
    assert {"~/.copilot/session-state/*/events.jsonl", "~/.copilot/history-session-state/*.json"} <= {
        *copilot.LOCATIONS
    }


@pytest.mark.parametrize(
    "timeline",
    [
        [{"type": "info", "text": "Logged in", "id": "1", "timestamp": "2025-10-01T00:00:00Z"}],
        [{"type": "user", "text": "ask", "id": "1", "timestamp": "2025-10-01T00:00:00Z"}],
    ],
    ids=["notes alone", "no answer"],
)
def test_a_timeline_that_tells_less(timeline: list[Any]) -> None:
    """Where the timeline lacks what the model was sent or said, the messages are those that it was sent."""
    sent = [{"role": "user", "content": "ask"}, {"role": "assistant", "content": "ok"}]
    session = {"sessionId": "cp2", "startTime": "2025-10-01T00:00:00Z", "chatMessages": sent, "timeline": timeline}
    found = read(copilot, source_of(json.dumps(session), "cp2.json"))
    assert [("user", "ask"), ("assistant", "ok")] == found.said
    assert {"timeline (chatMessages tell more)": 1} == found.left_out


def test_pictures_attached_to_a_prompt() -> None:
    """A picture's bytes stand in base64, or numbered as older versions had them; what is neither is as it came."""
    bytes_ = {"kind": "image", "name": "a.png", "mimeType": "image/webp", "value": {"$base64": "aGk="}}
    numbered = {"kind": "image", "name": "b", "value": {"0": 104, "1": 105}}
    other = {"kind": "paste", "name": "c", "value": {"0": 256}}
    found = chatted(request("r", "See", variableData={"variables": [bytes_, numbered, other]}))
    assert (by_id(found, "r").parts or ())[1:] == (
        {"type": "blob", "mime_type": "image/webp", "content": "aGk=", "kind": "image", "name": "a.png"},
        {"type": "blob", "mime_type": "image/png", "content": "aGk=", "kind": "image", "name": "b"},
        {**other, "type": "paste"},
    )


def test_a_request_that_older_versions_hid_is_a_branch() -> None:
    """Before withdrawn requests told how far they were undone, they were only marked."""
    found = chatted(request("a", "One", "1"), request("b", "Two", "2", isHidden=True))
    assert ["One", "1"] == found.on_path()
