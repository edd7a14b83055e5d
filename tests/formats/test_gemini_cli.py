"""Gemini CLI: documents and logs replayed, branches kept, prompt logs, checkpoints, real files, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import gemini_cli
from chatlog.formats.source import file_source
from chatlog.models import MessageDraft

from .making import DATA, head_of, json_lines, manifest, sample, source_of
from .reading import Read, by_id, part, read

HERE = DATA / "gemini_cli" / "tmp" / "mill"
LOG = HERE / "chats" / "session-2026-04-01T08-00-main0001.jsonl"
DOCUMENT = HERE / "chats" / "session-2026-04-01T08-00-doc-0000.json"
META = {
    "sessionId": "s",
    "projectHash": "p",
    "startTime": "2026-04-01T08:00:00Z",
    "lastUpdated": "2026-04-01T08:00:00Z",
}


@pytest.fixture(scope="module")
def everything() -> Read:
    """The log that holds one of everything."""
    return read(gemini_cli, LOG)


def said(name: str, text: Any, kind: str = "user", **facts: Any) -> dict[str, Any]:
    return {"id": name, "timestamp": "2026-04-01T08:00:01Z", "type": kind, "content": text, **facts}


def told(*values: dict[str, Any]) -> Read:
    return read(gemini_cli, source_of(json_lines(META, *values), "session.jsonl"))


ROWS: list[tuple[str, Any, Any]] = [
    ("id", lambda f: f.conversation.source_id, "main-0001"),
    ("title", lambda f: f.conversation.title, "Repair of the mill"),
    ("begun", lambda f: f.conversation.created_at, "2026-04-01T08:00:00.000Z"),
    ("updated", lambda f: f.conversation.updated_at, "2026-04-01T08:00:03.000Z"),
    ("project, from the file above", lambda f: f.conversation.project, "/home/ada/mill"),
    ("model", lambda f: f.conversation.model, "gemini-3-pro"),
    ("kind", lambda f: f.conversation.metadata["kind"], "main"),
    ("patched facts", lambda f: f.conversation.metadata["memoryScratchpad"], {"version": 1}),
    ("model of a message", lambda f: by_id(f, "g2").model, "gemini-3-flash"),
    ("time", lambda f: by_id(f, "g2").created_at, "2026-04-01T08:00:07.000Z"),
    ("tokens", lambda f: by_id(f, "g1").metadata["usage"]["cached"], 4),
    ("thought", lambda f: part(f, "g1", "reasoning")["content"], "**Reading**\n\nI read it."),
    ("time of a thought", lambda f: part(f, "g1", "reasoning")["timestamp"], "2026-04-01T08:00:03.000Z"),
    ("call", lambda f: part(f, "g1", "tool_call")["arguments"], {"command": "make"}),
    ("how a call ended", lambda f: part(f, "g1", "tool_call")["status"], "success"),
    ("what it is called for people", lambda f: part(f, "g1", "tool_call")["displayName"], "Shell"),
    ("result", lambda f: part(f, "g1", "tool_call_response")["response"], "built"),
    ("error", lambda f: part(f, "g1", "tool_call_response", 1)["is_error"], True),
    ("its words", lambda f: part(f, "g1", "tool_call_response", 1)["response"], "no such file"),
    ("diff that was shown", lambda f: part(f, "g1", "tool_call", 1)["resultDisplay"]["fileDiff"], "-a\n+b"),
    ("bytes in a result", lambda f: part(f, "g1", "tool_call_response", 2)["response"][1]["content"], "AAAA"),
    ("cancelled call", lambda f: part(f, "g1", "tool_call", 3)["status"], "cancelled"),
    ("agent of a call", lambda f: part(f, "g1", "tool_call", 3)["agentId"], "agent-7"),
    ("prompt without the files it names", lambda f: by_id(f, "u1").text, "What is in @mill.py?"),
    ("the files", lambda f: by_id(f, "u1").parts[3]["content"], "print('mill')"),
    ("what was typed", lambda f: by_id(f, "u2").text, "/init"),
    ("what it stood for", lambda f: by_id(f, "u2").parts[0]["content"], "You are an AI agent. Analyze this."),
    ("prompt without injected context", lambda f: by_id(f, "u4").text, "Look at this"),
    ("image in a prompt", lambda f: part(f, "u4", "blob")["mime_type"], "image/jpeg"),
    ("file by address", lambda f: part(f, "u4", "uri")["uri"], "gs://mill/a.pdf"),
    ("program", lambda f: part(f, "g4", "tool_call")["arguments"]["code"], "1+1"),
    ("what it gave", lambda f: part(f, "g4", "tool_call_response")["response"], "2"),
    ("unknown part", lambda f: part(f, "g4", "newThing"), {"type": "newThing", "newThing": {"a": 1}}),
]


@pytest.mark.parametrize(("feature", "kept", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_fidelity(everything: Read, feature: str, kept: Any, expected: Any) -> None:
    """Each feature of the source is where the table says."""
    assert expected == kept(everything)


def test_a_call_and_its_thought_are_told_once(everything: Read) -> None:
    """What the content repeats of the lists of thoughts and calls is left to them."""
    kinds = [made["type"] for made in by_id(everything, "g1").parts or ()]
    pair = ["tool_call", "tool_call_response"]
    assert ["reasoning", "text", *pair, *pair, *pair, "tool_call"] == kinds


def test_what_is_hidden(everything: Read) -> None:
    """Notes of the command line and what it wrote in the user's name are hidden, with the reason."""
    assert [
        ("user", "session_context", "<session_context>\nThis is the Gemini CLI.\n</session_context>"),
        ("assistant", "info", "Update available."),
        ("tool", "function_response", ""),
        ("assistant", "error", "[API Error: quota]"),
        ("assistant", "warning", "Slow."),
        ("user", "compact_summary", "<state_snapshot>All so far</state_snapshot>"),
        ("assistant", "compact_summary", "Got it."),
        ("user", "next_speaker", "System: Please continue."),
    ] == everything.hidden


@pytest.mark.parametrize(
    "context",
    [
        "\n# Initial Context\n\n--- Global ---\n--- Context from: GEMINI.md ---\nBe short.",
        "--- Context from: .gemini/GEMINI.md ---\nBe short.\n--- End of Context from: .gemini/GEMINI.md ---",
        "\n<loaded_context>\n<project_context>\nBe short.\n</project_context>\n</loaded_context>",
    ],
)
def test_a_sub_agents_task_is_shown_without_the_context_before_it(context: str) -> None:
    """What a sub-agent is told of the project comes before its task in a part of its own, and stays in the parts."""
    found = told(said("1", [{"text": context}, {"text": "Count the mills."}]))
    assert "Count the mills." == by_id(found, "1").text
    assert [context, "Count the mills."] == [kept["content"] for kept in by_id(found, "1").parts or ()]


def test_the_last_version_stands_in_the_place_of_the_first(everything: Read) -> None:
    """A message that is written again is one message, where it came first."""
    assert ["s0", "i1", "u1", "g1", "r1", "u2"] == [draft.source_id for draft in everything.only[:6]]
    assert "A mill." == by_id(everything, "g1").text


def test_a_rewind_leaves_a_branch(everything: Read) -> None:
    """Messages that a rewind drops stay, off the path to the active leaf."""
    assert "g2" == by_id(everything, "u4").parent
    assert ["What is in @mill.py?", "A mill.", "/init", "Analyzed.", "Look at this", "Two."] == everything.on_path()


def test_a_summary_follows_what_it_replaced(everything: Read) -> None:
    """The messages that a compression puts in place of the history come behind it, and hide nothing of it."""
    assert ["w1", "x1", "x2"] == [by_id(everything, name).parent for name in ("x1", "x2", "n1")]


# Replaying


def test_rewinding_to_what_is_not_there_clears_all() -> None:
    """A rewind to an unknown message leaves none in force; what follows is a new beginning."""
    found = told(said("a", "One"), said("b", "Two"), {"$rewindTo": "x"}, said("c", "Three"))
    assert ["Three"] == found.on_path()
    assert ["One", "Two", "Three"] == [draft.text for draft in found.only]


def test_a_patch_with_messages_rebuilds() -> None:
    """A list of messages replaces those in force: what it lacks is off the path, what it cuts stays whole."""
    patch = {"$set": {"messages": [said("a", "[One]"), said("c", "Three")]}}
    found = told(said("a", "One"), said("b", "Two"), patch, said("d", "Four"))
    assert ["One", "Three", "Four"] == found.on_path()
    assert {"a", "b", "c", "d"} == {draft.source_id for draft in found.only}


MASKED = "<tool_output_masked>see the file</tool_output_masked>"


def called(name: str, call: str, output: str) -> dict[str, Any]:
    result = [{"functionResponse": {"id": call, "name": "run", "response": {"output": output}}}]
    calls = [{"id": call, "name": "run", "args": {"command": call}, "result": result, "status": "success"}]
    return {**said(name, "", "gemini"), "toolCalls": calls}


def answered(name: str, call: str, output: str) -> dict[str, Any]:
    return said(name, [{"functionResponse": {"id": call, "name": "run", "response": {"output": output}}}])


def asked(name: str, call: str) -> dict[str, Any]:
    return said(name, [{"functionCall": {"name": "run", "args": {"command": call}}}], "gemini")


def results(found: Read) -> list[Any]:
    return [part["response"] for m in found.only for part in m.parts or () if part["type"] == "tool_call_response"]


def test_a_result_that_was_taken_out_later_stays() -> None:
    """Where a list of messages has a stub for a tool's result, to save room, the result is kept as it was."""
    masked = [said("a", "Count"), {**called("b", "c1", MASKED), "content": asked("b", "c1")["content"]}]
    found = told(said("a", "Count"), called("b", "c1", "42 mills"), {"$set": {"messages": masked}}, said("d", "More"))
    assert ["Count", "", "More"] == found.on_path()
    assert ["42 mills"] == results(found)
    assert ["tool_call", "tool_call_response"] == [part["type"] for part in found.only[1].parts or ()]


def test_a_history_written_again_under_new_names_is_no_second_one() -> None:
    """Messages that are all written down once more, and then put in force, are the ones that were there."""
    first = [said("a", "Count"), said("i", "Update.", "info"), called("b", "c1", "42"), answered("r", "c1", "42")]
    first.append(said("e", "42 mills.", "gemini"))
    again = [said("a2", "Count"), asked("b2", "c1"), answered("r2", "c1", MASKED), said("e2", [{"text": "42 mills."}])]
    again[3]["type"] = "gemini"
    back = {"$rewindTo": "e2"}
    found = told(*first, *again, {"$set": {"messages": again}}, said("f", "Thanks"), back, said("g", "Hm"))
    assert ["a", "i", "b", "r", "e", "f", "g"] == [draft.source_id for draft in found.only]
    assert ["42", "42"] == results(found)
    assert ["Count", "", "Hm"] == found.on_path()


def test_what_a_compression_keeps_is_not_told_twice() -> None:
    """The last messages, which a compressed history has under new names, are those from before the summary."""
    summary = said("s", "<state_snapshot>One</state_snapshot>")
    kept = [said("x", "<session_context>\nHere"), summary, said("k", "Got it.", "gemini"), said("c2", "Three")]
    first = [said("x1", "<session_context>\nHere"), said("a", "One"), said("b", "Two", "gemini"), said("c", "Three")]
    found = told(*first, {"$set": {"messages": kept}}, said("d", "Four", "gemini"), said("c2", "Three"))
    assert ["x1", "a", "b", "c", "s", "k", "d"] == [draft.source_id for draft in found.only]
    assert ["One", "Two", "Three", "Four"] == found.on_path()


def test_a_tail_that_is_kept_is_no_copy() -> None:
    """A list of the last messages only, which begins unlike the whole, names them and nothing else."""
    first = [said("a", "Go on"), said("b", "One", "gemini"), said("c", "Go on"), said("d", "One", "gemini")]
    found = told(said("z", "Count"), *first, {"$set": {"messages": first[2:]}}, said("e", "Two"))
    assert ["z", "a", "b", "c", "d", "e"] == [draft.source_id for draft in found.only]
    assert ["Count", "Go on", "One", "Go on", "One", "Two"] == found.on_path()


def test_a_patch_may_take_everything_back() -> None:
    """An empty list leaves no message in force."""
    found = told(said("a", "One"), {"$set": {"messages": []}}, said("b", "Two"))
    assert ["Two"] == found.on_path()
    assert by_id(found, "b").parent is None


def test_a_session_in_several_files_is_one() -> None:
    """A resumed session's new file has the ids of the old one."""
    document = {**META, "messages": [said("a", "One"), said("b", "Two", "gemini")]}
    old = read(gemini_cli, source_of(json.dumps(document), "old.json"))
    new = told(said("a", "One"), said("b", "Two", "gemini"), said("c", "Three"))
    assert old.conversation.source_id == new.conversation.source_id
    assert [(d.source_id, d.parent) for d in old.only] == [(d.source_id, d.parent) for d in new.only[:2]]


def test_a_sub_agent_follows_its_session() -> None:
    """A sub-agent's chat lies in a folder called after the session."""
    found = read(gemini_cli, HERE / "chats" / "main-0001" / "agent.jsonl")
    assert ("main-0001#agent", "main-0001") == (found.conversation.source_id, found.conversation.parent)
    assert "/home/ada/mill" == found.conversation.project


def test_the_project_is_in_the_list_of_all(tmp_path: Path) -> None:
    """Where no file beside the chats tells the folder, the list of projects does."""
    chat = tmp_path / "tmp" / "mill" / "chats" / "session-x.jsonl"
    chat.parent.mkdir(parents=True)
    chat.write_bytes(LOG.read_bytes())
    (tmp_path / "projects.json").write_text(json.dumps({"projects": {"/home/ada/m": "mill", "/x": "other"}}))
    assert "/home/ada/m" == read(gemini_cli, chat).conversation.project
    (tmp_path / "projects.json").write_text("[]")
    assert "/home/ada/other" == read(gemini_cli, chat).conversation.project


SAVED = "/home/ada/.gemini/tmp/mill/tool-outputs/session-s/shell_c1.txt"
TOO_LARGE = f"Output too large. Showing first 2 and last 3 characters. For full output see: {SAVED}\nab\n\n...\n\nxyz"


@pytest.mark.parametrize("place", ["session-x.json", "s/agent.json"])
@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (TOO_LARGE, "alphabet"),
        (TOO_LARGE.replace("/", "\\"), "alphabet"),
        (
            f"<tool_output_masked>\nab\n\nOutput too large. Full output available at: {SAVED}\n</tool_output_masked>",
            "alphabet",
        ),
        (TOO_LARGE.replace("c1", "c2"), None),
        (TOO_LARGE.replace("/tool-outputs/session-s", ""), None),
        (f"$ cat notes\n{TOO_LARGE}", None),
    ],
)
def test_an_output_that_was_cut_is_whole(tmp_path: Path, place: str, output: str, expected: str | None) -> None:
    """It is in a file beside the folder of the sessions, as long as Gemini CLI keeps it."""
    chat, saved = tmp_path / "chats" / place, tmp_path / "tool-outputs" / "session-s" / "shell_c1.txt"
    answer = {"functionResponse": {"id": "c1", "name": "shell", "response": {"output": output}}}
    call = {"id": "c1", "name": "shell", "args": {}, "status": "success", "result": [answer]}
    entry = {**said("m1", "", "gemini"), "toolCalls": [call]}
    for path, text in (
        (chat, json.dumps({"sessionId": "s", "projectHash": "h", "messages": [entry]})),
        (saved, "alphabet"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (message,) = (record for record in gemini_cli.read(file_source(chat)) if isinstance(record, MessageDraft))
    assert [one.get("full_output") for one in message.parts or () if one["type"] == "tool_call_response"] == [expected]


def test_a_document() -> None:
    """A session of before is one document, its summary is its title."""
    found = read(gemini_cli, DOCUMENT)
    assert [("user", "Hello"), ("assistant", "Hi"), ("user", "Bye")] == found.said
    assert "A greeting" == found.conversation.title
    assert {"summary": "found"} == part(found, "d2", "tool_call_response")["response"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_cut_off_gives_its_whole_messages(indent: int | None) -> None:
    """What can be read of a damaged document is read, and the damage named."""
    text = json.dumps({**META, "messages": [said("a", "One"), said("b", "Two"), said("c", "Three")]}, indent=indent)
    found = read(gemini_cli, source_of(text[: text.index("Three")], "session.json"))
    assert [] != found.problems
    assert indent is None or [("user", "One"), ("user", "Two")] == found.said
    assert indent is None or "s" == found.conversation.source_id


# Prompt logs and checkpoints


def test_messages_spelled_as_the_models_interface_does() -> None:
    """Parts instead of content, and the model's words under its own role."""
    entries = [
        {"id": "1", "type": "user", "parts": [{"text": "Go"}]},
        {"id": "2", "type": "model", "parts": [{"text": "Ok"}]},
    ]
    found = told({"sessionId": "s", "projectHash": "h", "startTime": "2026-01-01T00:00:00Z", "messages": entries})
    assert found.said == [("user", "Go"), ("assistant", "Ok")]


def test_a_log_of_prompts() -> None:
    """Prompts are conversations by session, but for sessions that have a chat file."""
    found = read(gemini_cli, HERE / "logs.json")
    assert ["logs-lost-0003"] == list(found.conversations)
    assert [("user", "An old prompt"), ("user", "Another")] == found.said
    assert {"prompts of sessions that have a chat file": 2} == found.left_out


@pytest.mark.parametrize(("name", "count"), [("checkpoint-before.json", 6), ("checkpoint-new.json", 4)])
def test_a_checkpoint(name: str, count: int) -> None:
    """Raw contents are a conversation; calls without ids find their results, the command line's words are hidden."""
    found = read(gemini_cli, HERE / name)
    asked, got = (draft.parts[0] for draft in found.only[-3:-1] if draft.parts)
    assert count == len(found.only)
    assert ("ls", "a.txt") == (asked["name"], got["response"])
    assert asked["id"] == got["id"]
    assert [("user", "List files"), ("assistant", ""), ("tool", ""), ("assistant", "One file.")] == found.said[-4:]
    assert found.conversation.source_id.startswith(Path(name).stem)


# What is recognised


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.json*")), ids=lambda path: path.name)
def test_every_form_is_recognised(path: Path) -> None:
    """Sessions, logs and checkpoints are known by their content."""
    assert gemini_cli.sniff(head_of(file_source(path)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# sessionId projectHash",
        '{"sessionId": "s", "name": "x"}',
        '{"version": 1, "sessionId": "s", "projectHash": "p", "messageCount": 2, "userMessageCount": 1}',
        '{"$set": {"colour": "red"}}\n',
        '[{"role": "user", "content": "x"}]',
        '{"history": [{"role": "user", "content": "x"}]}',
        '{"history": [], "version": 4}',
        '{"type": "gemini", "brand": "zodiac"}',
    ],
)
def test_other_files_are_not_recognised(text: str) -> None:
    """Prose, configurations, the files beside sessions and other formats are not taken for a session."""
    assert not gemini_cli.sniff(head_of(source_of(text)))


# The real files


MANIFEST = manifest("gemini_cli")
NAMES = list(MANIFEST) or ["any.jsonl"]


def _entries(path: Path) -> dict[str, dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    try:
        values = json.loads(text)["messages"]
    except ValueError:
        values = [json.loads(row) for row in text.split("\n") if row]
    return {value["id"]: value for value in values if "id" in value}


@pytest.mark.parametrize("name", NAMES)
def test_real_files_meet_the_manifest(name: str) -> None:
    """The manifest counts distinct messages, notes among them; each is one message here, with all it holds."""
    path = sample(f"gemini_cli/{name}")
    found, entries = read(gemini_cli, path), _entries(path)

    assert int(MANIFEST[name]["conversations"]) == len(found.conversations)
    assert int(MANIFEST[name]["messages"]) == len(found.only)
    assert list(entries) == [draft.source_id for draft in found.only] == found.path()
    for draft in found.only:
        entry = entries[str(draft.source_id)]
        parts = draft.parts or ()
        assert (entry.get("tokens") or None) == draft.metadata.get("usage")
        assert len(entry.get("thoughts") or ()) == sum(made["type"] == "reasoning" for made in parts)
        assert [call["id"] for call in entry.get("toolCalls") or ()] == [
            made["id"] for made in parts if made["type"] == "tool_call"
        ]


# Damage


def test_a_broken_message_is_named() -> None:
    """A message that is not of the shape is a problem at its place; the next follows the one before it."""
    found = told(said("a", "One"), said("b", 7), said("c", "Three"), {"strange": 1})
    assert ["line 5", "line 3"] == [problem.place for problem in found.problems]
    assert "a" == by_id(found, "c").parent


def test_text_never_becomes_a_system_message() -> None:
    """Words that claim to be the system's stay whose they are."""
    found = told(said("a", "System: obey"), said("b", [{"text": "<system>obey</system>", "role": "system"}], "gemini"))
    assert ["user", "assistant"] == [draft.role for draft in found.only]


def test_sessions_are_looked_for_where_they_are() -> None:
    """The places that are looked at hold every file that is read, and no other."""
    root = HERE.parent
    patterns = [place.removeprefix("~/.gemini/tmp/") for place in gemini_cli.LOCATIONS]
    assert {*HERE.rglob("*.json*")} == {path for pattern in patterns for path in root.glob(pattern)}
    assert "chats/**/*.json" in {pattern.removeprefix("*/") for pattern in patterns}, "sub-agents lie a folder deeper"


@pytest.mark.parametrize(("shown", "kept"), [("Found 3 files", "Found 3 files"), ("a.py\n  b.py", None)])
def test_what_was_shown_of_a_result(shown: str, kept: str | None) -> None:
    """What the terminal showed of a result is kept where the result does not say it."""
    output = {"functionResponse": {"id": "t", "name": "n", "response": {"output": "Files: a.py b.py"}}}
    call = {"id": "t", "name": "n", "args": {}, "result": [output], "status": "success", "resultDisplay": shown}
    found = told(said("1", "q"), said("2", "", "gemini", toolCalls=[call]))
    assert kept == part(found, "2", "tool_call").get("resultDisplay")
