"""Tests of Cline's tasks: what was sent, what was shown, the newer sessions, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import build, cline, openai_messages
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, messages, said, sample, source_of

TASK = DATA / "cline" / "tasks" / "1777073160794"
HISTORY, SHOWN = TASK / "api_conversation_history.json", TASK / "ui_messages.json"
SESSION = DATA / "cline" / "session.messages.json"
REAL = "cline/cline__cline__sdk_packages_core_fixtures_session_session.messages.json"
USAGES = [{"tokensIn": 100, "tokensOut": 20, "cost": 0.5}, {"tokensIn": 200, "tokensOut": 10, "cost": 0.25}]


def read(path: Path) -> list[Record]:
    return checked(cline.read(file_source(path)))


def alone(path: Path) -> list[Record]:
    """Read a file without what lies beside it."""
    return checked(cline.read(source_of(path.read_bytes(), path.name)))


def message(path: Path, number: int) -> MessageDraft:
    return messages(alone(path) if path == SHOWN else read(path))[number - 1]


# What was sent to the model


def test_facts_of_a_task() -> None:
    """The task is called after its folder, began then, and keeps its prompt as title, its folder and last model."""
    expected = ConversationDraft(
        source_id="1777073160794",
        title="Fix the bug",
        created_at="2026-04-24T23:26:00.794Z",
        project="/home/me/app (old)",
        model="claude-opus-4",
    )
    assert [expected] == conversations(read(HISTORY))


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (1, "role", "user"),
        (1, "text", "Fix the bug"),
        (2, "role", "assistant"),
        (2, "model", "claude-sonnet-4"),
        (2, "text", "I read."),
        (
            2,
            "parts",
            (
                build.reasoning("Hm.", summary=[]),
                build.text("I read."),
                build.tool_call("call-1", "read_file", {"path": "a.py"}),
            ),
        ),
        (2, "created_at", "2026-04-24T23:26:00.800Z"),
        (2, "metadata", {"usage": USAGES[0]}),
        (3, "role", "tool"),
        (3, "text", ""),
        (4, "parts", (build.tool_call("t1", "ask_followup_question", {"question": "Which?"}),)),
        (4, "model", "claude-opus-4"),
        (4, "created_at", "2026-04-24T23:26:13.494Z"),
        (5, "role", "user"),
        (5, "text", "The first"),
        (6, "text", "Done."),
        (6, "parts", None),
        (7, "hidden", True),
        (7, "metadata", {"hidden_reason": "environment_details"}),
        (8, "hidden", True),
    ],
)
def test_messages_of_a_history(number: int, field: str, value: Any) -> None:
    """What a person typed is taken out of its tags, a tool's result is the tool's, the editor's details are no text."""
    assert value == getattr(message(HISTORY, number), field)


def test_a_prompt_keeps_everything() -> None:
    """Behind a prompt's clean text all that was sent with it is kept."""
    parts = message(HISTORY, 1).parts or ()
    assert ["text", "text", "blob", "text"] == [part["type"] for part in parts]
    assert build.text("<task>\nFix the bug\n</task>") == parts[0]
    assert build.blob("image/png", "QUJD", modality="image") == parts[2]


def test_results_that_are_words() -> None:
    """A result that was sent as words, over several blocks, is one result with its tool's name."""
    result, details = message(HISTORY, 3).parts or ()
    assert {"name": "read_file", **build.tool_result("call-1", "[read_file for 'a.py'] Result:\nprint(1)")} == result
    assert details["content"].startswith("<environment_details>")


def test_usage_that_the_answer_tells() -> None:
    """An answer's own metrics are its usage before what was shown of the request."""
    assert {"tokens": {"prompt": 5, "completion": 6}} == message(HISTORY, 4).metadata["usage"]


def test_requests_that_match_no_answer() -> None:
    """Where requests and answers differ in number, no usage is guessed."""
    records = alone(HISTORY)
    assert {} == messages(records)[1].metadata
    assert messages(records)[1].created_at is None


def task_with(folder: Path, **files: Any) -> list[Record]:
    """Read a task of two answers, a second apart, with files beside its history."""
    rows = [{"role": "user", "content": "<task>a</task>"}, {"role": "assistant", "content": "b"}] * 2
    request = {"type": "say", "say": "api_req_started", "text": '{"tokensOut": 1}'}
    files = {"ui_messages": [{**request, "ts": 1777073160001}, {**request, "ts": 1777073162001}], **files}
    for name, held in {"api_conversation_history": rows, **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(held))
    return read(folder / "api_conversation_history.json")


def test_requests_beside_more_than_were_answered(tmp_path: Path) -> None:
    """Where one was repeated, that counts which tells the place of its answer, and the last of one place."""
    asked = [(-1, 1), (-1, 2), (1, 3), ("x", 4)]
    shown = [
        {"ts": 1777073160000 + spent, "say": "api_req_started", "text": json.dumps({"tokensOut": spent})}
        | {"conversationHistoryIndex": place}
        for place, spent in asked
    ]
    answers = [made for made in messages(task_with(tmp_path, ui_messages=shown)) if made.role == "assistant"]
    assert [2, 3] == [made.metadata["usage"]["tokensOut"] for made in answers]
    assert ["2026-04-24T23:26:00.002Z", "2026-04-24T23:26:00.003Z"] == [made.created_at for made in answers]


def test_the_models_that_cline_used(tmp_path: Path) -> None:
    """An answer is of the model that was in use at its time; without times, of the only one."""
    first, second = ({"ts": 1777073160000 + at, "model_id": name} for at, name in ((0, "one"), (2000, "two")))
    both = task_with(tmp_path, task_metadata={"model_usage": [first, second]})
    assert ["one", "two"] == [made.model for made in messages(both) if made.role == "assistant"]
    only = task_with(tmp_path, task_metadata={"model_usage": [first]}, ui_messages=[])
    assert ["one", "one"] == [made.model for made in messages(only) if made.role == "assistant"]
    unknown = task_with(tmp_path, task_metadata={"model_usage": [first, second]}, ui_messages=[])
    assert {None} == {made.model for made in messages(unknown)}


def test_what_roo_code_keeps_beside_a_task(tmp_path: Path) -> None:
    """The folder and the task above are those of the entry in the list of tasks."""
    (draft,) = conversations(task_with(tmp_path, history_item={"workspace": "/mill", "parentTaskId": "0190"}))
    assert ("/mill", "0190") == (draft.project, draft.parent)


def test_a_history_without_its_folder() -> None:
    """A history on its own is named after how it began, the same each time."""
    first, again = alone(HISTORY), alone(HISTORY)
    assert str(conversations(first)[0].source_id).startswith("h-")
    assert first == again


def test_a_rewritten_history_branches() -> None:
    """A history whose middle was condensed keeps the ids of its beginning only."""
    rows = json.loads(HISTORY.read_text())
    before = messages(alone(HISTORY))
    after = messages(checked(cline.read(source_of(json.dumps(rows[:1] + rows[5:]), HISTORY.name))))
    assert before[0].source_id == after[0].source_id
    assert after[1].source_id not in {message.source_id for message in before}


# Calls that are words


def answered(*texts: str) -> list[MessageDraft]:
    """Read a task whose answers are these words, each with its result."""
    rows: list[dict[str, Any]] = [{"role": "user", "content": "<task>a</task>"}]
    for text in texts:
        rows.append({"role": "assistant", "content": [{"type": "text", "text": text}]})
        rows.append({"role": "user", "content": [{"type": "text", "text": "[x] Result:\nok"}]})
    return messages(checked(cline.read(source_of(json.dumps(rows), HISTORY.name))))


def test_calls_that_are_words() -> None:
    """A call written as XML is a call with its arguments, what stands before it is said, a thought is thought."""
    words = (
        "<thinking>\nHm.\n</thinking>\n\nI write.\n\n<write_to_file>\n<path>a.html</path>\n"
        "<content>\n<content>1</content>\n</content>\n</write_to_file>"
    )
    _, answer, result = answered(words)
    assert "I write." == answer.text
    assert answer.parts == (
        build.reasoning("Hm."),
        build.text("I write."),
        build.tool_call("call-1", "write_to_file", {"path": "a.html", "content": "<content>1</content>"}),
    )
    assert "call-1" == (result.parts or ())[0]["id"]


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (
            '<use_mcp_tool>\n<server_name>s</server_name>\n<arguments>\n{"a": 1}\n</arguments>\n</use_mcp_tool>',
            {"server_name": "s", "arguments": {"a": 1}},
        ),
        (
            "<read_file>\n<args>\n<file>\n<path>a</path>\n</file>\n</args>\n</read_file>",
            {"args": "<file>\n<path>a</path>\n</file>"},
        ),
        ("<load_mcp_documentation>\n</load_mcp_documentation>", {}),
        ("<list_files><path>a</list_files>", {"path": "a"}),
    ],
)
def test_arguments_that_are_words(words: str, arguments: dict[str, Any]) -> None:
    """Arguments are what stands in their tags: JSON is parsed, deeper tags are kept, a missing end is the call's."""
    _, answer, _ = answered(words)
    ((call,), text) = answer.parts or (), answer.text
    assert (arguments, "") == (call["arguments"], text)


def test_the_answer_that_a_call_hands_over() -> None:
    """What a task ended with, or asked, is read as said, whether the call is XML or not."""
    _, answer, *_ = answered("So:\n<attempt_completion>\n<result>\nDone.\n</result>\n</attempt_completion>")
    assert "So:\n\nDone." == answer.text
    assert "Which?" == message(HISTORY, 4).text


@pytest.mark.parametrize(
    "words", ["Use `<read_file>` with </read_file>", "<b>x</b>", "<read_file>a</read_file>", "<read_file>"]
)
def test_words_that_are_no_call(words: str) -> None:
    """Words that name a tool, or tags of another kind, stay words."""
    _, answer, _ = answered(words)
    assert (words, None) == (answer.text, answer.parts)


ROO = [
    {"role": "user", "content": [{"type": "text", "text": "<user_message>Oil it</user_message>"}], "ts": 1739000000100},
    {"type": "reasoning", "encrypted_content": "gAAA", "summary": [{"type": "summary_text", "text": "Which oil?"}]},
    {
        "role": "assistant",
        "content": [
            {"type": "reasoning", "text": "Look."},
            {"type": "tool-call", "toolCallId": "c", "toolName": "read_file", "input": {"path": "a"}},
        ],
    },
    {
        "role": "tool",
        "content": [{"type": "tool-result", "toolCallId": "c", "output": {"type": "text", "value": "dry"}}],
    },
    {"role": "assistant", "content": "Oiled."},
]


def test_what_roo_code_wrote_as_the_ai_sdk_has_it() -> None:
    """Under a version stand messages whose calls, results and thoughts have other names; they say the same."""
    text = json.dumps({"version": 2, "messages": ROO})
    source = source_of(text, "1739000000000/api_conversation_history.json")
    assert cline.sniff(head_of(source))
    records = checked(cline.read(source))
    assert [(m.role, m.text) for m in messages(records)] == [
        ("user", "Oil it"),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "Oiled."),
    ]
    assert [part["type"] for part in messages(records)[1].parts or ()] == ["reasoning", "reasoning", "tool_call"]
    assert (messages(records)[2].parts or ())[0]["response"] == "dry"
    assert [r for r in records if isinstance(r, LeftOut)] == [LeftOut("encrypted reasoning (not readable)", 1)]


def test_thoughts_in_rows_of_their_own() -> None:
    """What a model thought stands before its answer, which it belongs to; without one it is the last message."""
    rows = [{"role": "user", "content": "Oil it"}, ROO[1], {"role": "assistant", "content": "Oiled."}, ROO[1]]
    records = checked(cline.read(source_of(json.dumps(rows), "api_conversation_history.json")))
    thought = build.reasoning("Which oil?")
    assert [m.parts for m in messages(records)] == [None, (thought, build.text("Oiled.")), (thought,)]


def test_results_find_their_calls() -> None:
    """A result answers the last answer's call, and none that was left open before."""
    first, second = "<read_file><path>a</path></read_file>", "<list_files><path>b</path></list_files>"
    rows = [
        {"role": "user", "content": "<task>a</task>"},
        {"role": "assistant", "content": first},
        {"role": "assistant", "content": second},
        {"role": "user", "content": "[list_files for 'b'] Result:\nok"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t9", "name": "use_subagents", "input": {}}]},
        {"role": "user", "content": [{"type": "text", "text": "[subagents] Result:\nok"}]},
    ]
    found = messages(checked(cline.read(source_of(json.dumps(rows), HISTORY.name))))
    assert ["call-2", "t9"] == [(made.parts or ())[0]["id"] for made in found if made.role == "tool"]


@pytest.mark.parametrize(
    "words",
    [
        "\n\n# Todo List (Optional - Plan Mode)\n\n\n\nWhile in PLAN MODE, you may include a todo list.",
        "\n\n\t\t\t# TODO LIST RECOMMENDED\n\t\t\tWhen starting a new task, create one.",
        "\n# task_progress RECOMMENDED\n\nInclude a todo list.",
        "(The user did not provide a new message. Consider asking them how they'd like you to proceed.)",
        "[TASK RESUMPTION] This task was interrupted 3 days ago.",
    ],
)
def test_what_the_extension_wrote(words: str) -> None:
    """A block that the extension put beside what was typed is not read as typed; alone it is hidden."""
    typed = {"role": "user", "content": [{"type": "text", "text": "<task>a</task>"}, {"type": "text", "text": words}]}
    alone = {"role": "user", "content": [{"type": "text", "text": words}]}
    found = messages(checked(cline.read(source_of(json.dumps([typed, alone]), HISTORY.name))))
    assert [("a", False), (words, True)] == [(made.text, made.hidden) for made in found]


def test_a_list_that_a_person_typed() -> None:
    """A prompt that begins as a list of things to do is no reminder of the extension's."""
    session = {"sessionId": "s", "agent": "x", "messages": [{"role": "user", "content": "# TODO list\n- ship it"}]}
    (found,) = messages(checked(cline.read(source_of(json.dumps(session), SESSION.name))))
    assert ("# TODO list\n- ship it", False) == (found.text, found.hidden)


# What was shown


def test_what_was_shown_beside_its_history() -> None:
    """A task that is there as it was sent is not read a second time as it was shown."""
    assert [LeftOut("tasks as they were shown (the same is in api_conversation_history.json)", 1)] == read(SHOWN)


@pytest.mark.parametrize(
    ("number", "role", "text"),
    [
        (1, "user", "Fix the bug"),
        (2, "assistant", ""),
        (3, "assistant", "I read."),
        (4, "assistant", ""),
        (5, "assistant", "Which?"),
        (6, "user", "The first"),
        (7, "assistant", ""),
        (8, "tool", ""),
        (9, "tool", "It failed"),
        (10, "assistant", "Done."),
    ],
)
def test_who_says_what_of_what_was_shown(number: int, role: str, text: str) -> None:
    """The first words are the task, later ones the model's; questions and results are unwrapped."""
    found = message(SHOWN, number)
    assert (role, text) == (found.role, found.text)


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (1, "parts", (build.text("Fix the bug"), build.blob("image/png", "QUJD", modality="image"))),
        (1, "created_at", "2026-04-24T23:26:00.794Z"),
        (2, "parts", (build.reasoning("Hm."),)),
        (2, "metadata", {"usage": USAGES[0]}),
        (4, "parts", (build.tool_call("1777073163000", "readFile", {"path": "a.py", "content": "/app/a.py"}),)),
        (5, "metadata", {"kind": "followup", "usage": USAGES[1]}),
        (7, "parts", (build.tool_call("1777073167000", "execute_command", {"command": "ls"}),)),
        (8, "parts", (build.tool_result("1777073167000", "a.py"),)),
        (9, "hidden", True),
        (10, "model", "claude-opus-4"),
    ],
)
def test_what_an_entry_holds(number: int, field: str, value: Any) -> None:
    """Pictures, thoughts, calls with their results, errors and the tokens of requests are kept."""
    assert value == getattr(message(SHOWN, number), field)


def test_entries_that_are_no_message() -> None:
    """Requests, checkpoints and empty entries are counted by kind."""
    left = {record.what: record.entries for record in alone(SHOWN) if isinstance(record, LeftOut)}
    assert {"api_req_started entries": 5, "checkpoint_created entries": 1, "completion_result entries": 1} == left


# The newer sessions


def test_a_session() -> None:
    """A session keeps its id, agent and version, and begins with its system prompt."""
    records = read(SESSION)
    (draft,) = conversations(records)
    assert ("1784094124598_rruoq", "Show it", "claude-opus") == (draft.source_id, draft.title, draft.model)
    assert ("2026-07-15T05:42:04.818Z", {"version": 1, "agent": "lead"}) == (draft.updated_at, draft.metadata)
    assert [("system", "You are Cline."), ("user", "Show it"), ("assistant", "I read."), ("tool", "")] == said(records)


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (2, "source_id", "msg_1"),
        (
            2,
            "parts",
            (
                build.text('<user_input mode="act">Show it</user_input>'),
                build.file(None, "/app/a.py", content="print(1)"),
            ),
        ),
        (3, "created_at", "2026-07-06T22:27:53.493Z"),
        (3, "model", "claude-opus"),
        (
            3,
            "metadata",
            {
                "usage": {"inputTokens": 5, "outputTokens": 6, "cost": 0.5},
                "modelInfo": {"id": "claude-opus", "provider": "cline", "family": "opus"},
            },
        ),
        (4, "source_id", "msg_3"),
        (
            4,
            "parts",
            (build.tool_result("t1", [{"query": "a.py", "result": "1", "success": True}], name="read_files"),),
        ),
    ],
)
def test_messages_of_a_session(number: int, field: str, value: Any) -> None:
    """Messages keep their ids without what each saving adds, their files, models, costs and results."""
    assert value == getattr(message(SESSION, number), field)


ID = "1784094124598_rruoq"
OWN, COMPACTED, HELPER = f"{ID}.messages.json", f"{ID}.compaction.json", "agent_x1.messages.json"


def folder(below: Path, files: dict[str, dict[str, Any]]) -> Path:
    """Make a session's folder of the documents that it holds."""
    for name, value in files.items():
        held = {"version": 1, "updated_at": "2026-07-17T02:04:41.983Z", "sessionId": ID, **value}
        (below / name).write_text(json.dumps(held), "utf-8")
    return below


def turn(role: str, *blocks: Any, **facts: Any) -> dict[str, Any]:
    texts = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    return {"role": role, "content": texts, **facts}


LEAD = {"agent": "lead", "messages": [turn("user", "Move the icon", id="m1"), turn("assistant", "Moved.", id="m2")]}
MANIFEST = {
    "session_id": ID,
    "started_at": "2026-07-15T05:42:04.609Z",
    "model": "opus",
    "cwd": "/home/me/app",
    "metadata": {"title": "Moving it", "fork": {"forkedFromSessionId": "1784094053271_p8pzo"}},
}


def test_what_the_manifest_tells_of_a_session(tmp_path: Path) -> None:
    """A session is called as in its manifest, which tells its folder, beginning, model and what it was forked from."""
    place = folder(tmp_path, {OWN: LEAD, f"{ID}.json": MANIFEST})
    (draft,) = conversations(read(place / OWN))
    assert ("Moving it", "/home/me/app", "opus") == (draft.title, draft.project, draft.model)
    assert ("2026-07-15T05:42:04.609Z", "1784094053271_p8pzo") == (draft.created_at, draft.parent)


@pytest.mark.parametrize("own", [{}, {"sessionId": f"{ID}__teamtask__agent_x1__7"}])
def test_a_session_of_a_sub_agent(tmp_path: Path, own: dict[str, Any]) -> None:
    """A sub-agent has its leader's id in its file and is a conversation of its own, made for that one."""
    helper = {"agent": "subagent", "system_prompt": "Help.", "messages": [turn("user", "Find icons", id="s1")], **own}
    records = read(folder(tmp_path, {OWN: LEAD, f"{ID}.json": MANIFEST, HELPER: helper}) / HELPER)
    (draft,) = conversations(records)
    assert (f"{ID}__agent_x1", ID) == (draft.source_id, draft.parent)
    assert ("Find icons", "/home/me/app") == (draft.title, draft.project)
    assert [("system", "Help."), ("user", "Find icons")] == said(records)


@pytest.mark.parametrize("told", [{"agent": "lead"}, {"sessionId": None, "conversation_id": "c1"}])
def test_a_session_as_it_was_compacted(tmp_path: Path, told: dict[str, Any]) -> None:
    """What a session's context was compacted to is left out where the session is there, and else a session apart."""
    compacted = {**told, "messages": [turn("user", "Move the icon", "<SYSTEM_NOTICE>Compacted.", id="m1")]}
    path = folder(tmp_path, {OWN: LEAD, COMPACTED: compacted}) / COMPACTED
    assert cline.sniff(head_of(file_source(path)))
    assert [LeftOut(f"sessions as they were compacted (the whole is in {OWN})", 1)] == read(path)
    (tmp_path / OWN).unlink()
    assert [f"{ID}-compacted"] == [draft.source_id for draft in conversations(read(path))]


def in_session(*rows: dict[str, Any]) -> list[MessageDraft]:
    session = {"agent": "lead", "sessionId": ID, "messages": rows}
    return messages(checked(cline.read(source_of(json.dumps(session), SESSION.name))))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"metadata": {"kind": "compaction_summary", "displayRole": "system"}}, "summary"),
        ({"compactionSummary": True}, "summary"),
        ({"metadata": {"kind": "loop_detection_notice"}}, "loop_detection_notice"),
        ({"metadata": {"displayRole": "system"}}, "system"),
        ({"metadata": {"kind": "compaction", "displayRole": "system"}}, None),
        ({"metadata": {"kind": "prompt"}}, None),
    ],
)
def test_what_nobody_said_in_a_session(facts: dict[str, Any], reason: str | None) -> None:
    """A summary of what went before and what Cline tells the model are in the user's name, but nobody's."""
    (made,) = in_session(turn("user", "Mind the icons.", id="m1", **facts))
    assert (reason is not None, reason) == (made.hidden, made.metadata.get("hidden_reason"))


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ("<mode_notice>The user switched to act mode.</mode_notice>\nMove it", "Move it"),
        ("Move it\n\n<editor_state>\nActive file: a.py\n</editor_state>", "Move it"),
        (
            '<user_command slash="team">spawn a team of agents for the following task: move it</user_command>',
            "/team move it",
        ),
        ('<user_command slash="review">With care</user_command> this', "/review With care this"),
        ("<b>Move</b> it", "<b>Move</b> it"),
        ("[TASK RESUMPTION] It was interrupted.", ""),
        ('<cline_internal_prompt kind="task_resumption">Please continue.</cline_internal_prompt>', ""),
        ("The user approved switching to act mode. Continue with the approved plan now.", ""),
    ],
)
def test_what_was_typed_in_a_session(words: str, typed: str) -> None:
    """What Cline puts around a prompt is none of it; a prompt that Cline made is hidden."""
    for put in (words, f'<user_input mode="act">{words}</user_input>'):
        (made,) = in_session(turn("user", put, id="m1"))
        assert (typed or put, not typed) == (made.text, made.hidden)


def test_pictures_of_a_session(tmp_path: Path) -> None:
    """Small pictures are in the session and larger ones beside it; those that a tool gave back follow its result."""
    name, missing = "ab" * 32, "cd" * 32
    shot, gone = ({"type": "image_ref", "blobId": blob, "mediaType": "image/png"} for blob in (name, missing))
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"query": "a.png", "result": [shot]}]}
    rows = [
        turn("user", "See", {"type": "image", "data": "AAAA", "mediaType": "image/png"}, shot, gone, id="m1"),
        turn("assistant", {"type": "tool_use", "id": "t1", "name": "read_files", "input": {}}, id="m2"),
        turn("user", result, id="m3"),
    ]
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / f"{name}.png").write_bytes(b"PNG")
    asked, _, given = messages(read(folder(tmp_path, {OWN: {"agent": "lead", "messages": rows}}) / OWN))
    picture = build.blob("image/png", "UE5H", modality="image", blobId=name)
    assert (build.text("See"), build.blob("image/png", "AAAA", modality="image"), picture, gone) == asked.parts
    told = build.tool_result("t1", result["content"])
    assert ("tool", (told, {**picture, "tool_use_id": "t1"})) == (given.role, given.parts)


# Recognising and damage


def test_sniff() -> None:
    """Tasks are known by their tags, entries or session keys, before plain messages are."""
    for path in (HISTORY, SHOWN, SESSION):
        assert cline.sniff(head_of(file_source(path)))
    assert openai_messages.sniff(head_of(file_source(HISTORY)))
    for other in (
        '[{"role": "user", "content": "a task"}]',
        '[{"ts": 1, "type": "x"}]',
        '{"messages": [], "sessionId": "a"}',
        "[]",
    ):
        assert not cline.sniff(head_of(source_of(other)))


def test_a_role_that_cline_has_not() -> None:
    """A message that says it is the system's is a problem, none of the system's."""
    rows = [{"role": "system", "content": "obey"}, {"role": "user", "content": "<task>a</task>"}]
    records = checked(cline.read(source_of(json.dumps(rows))))
    assert [("user", "a")] == said(records)
    assert Problem("message 1", "not of the shape of a message (ValueError)") in records


def test_a_real_session() -> None:
    """A real session has the 32 messages that the manifest counts behind its system prompt, all calls answered."""
    records = checked(cline.read(file_source(sample(REAL))))
    assert ["system", "user"] == [role for role, _ in said(records)[:2]]
    assert 32 == len(messages(records)) - 1
    parts = [part for message in messages(records) for part in message.parts or ()]
    assert [part["id"] for part in parts if part["type"] == "tool_call"] == [
        part["id"] for part in parts if part["type"] == "tool_call_response"
    ]
