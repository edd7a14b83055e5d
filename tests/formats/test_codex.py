"""Codex rollouts: every feature kept, each text once, forks, rollbacks, all generations, and damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import codex
from chatlog.formats.archive import sources
from chatlog.formats.codex_thread import HELD
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.source import file_source
from chatlog.models import MessageDraft

from .making import DATA, head_of, json_lines, manifest, sample, source_of
from .reading import Read, read

HERE = DATA / "codex"
PARENT = "019c0000-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def everything() -> Read:
    """The fixture that holds one of everything."""
    return read(codex, HERE / "every_feature.jsonl")


def line(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": "2026-03-01T10:00:00.000Z", "type": kind, "payload": payload}


def item(kind: str, **facts: Any) -> dict[str, Any]:
    return line("response_item", {"type": kind, **facts})


def event(kind: str, **facts: Any) -> dict[str, Any]:
    return line("event_msg", {"type": kind, **facts})


def user(text: str) -> dict[str, Any]:
    return item("message", role="user", content=[{"type": "input_text", "text": text}])


def answer(text: str) -> dict[str, Any]:
    return item("message", role="assistant", content=[{"type": "output_text", "text": text}])


def spent(total: int, last: int | None = None) -> dict[str, Any]:
    info = {"total_token_usage": {"input_tokens": total}}
    return event("token_count", info=info | ({"last_token_usage": {"input_tokens": last}} if last else {}))


META = line("session_meta", {"id": "s", "timestamp": "2026-03-01T09:00:00Z", "cwd": "/mill"})


def told(*values: dict[str, Any], name: str = "rollout.jsonl") -> Read:
    return read(codex, source_of(json_lines(META, *values), name))


def message(found: Read, text: str) -> MessageDraft:
    (only,) = [draft for draft in found.all() if draft.text == text]
    return only


def usages(found: Read) -> list[tuple[str, int]]:
    """Return the answers that something was spent on, with their input tokens."""
    return [(m.text, m.metadata["usage"]["input_tokens"]) for m in found.all() if "usage" in m.metadata]


# The fixture that holds everything, feature by feature


ROWS: list[tuple[str, Any, Any]] = [
    ("id", lambda f: f.conversation.source_id, PARENT),
    ("title", lambda f: f.conversation.title, "The stuck wheel"),
    ("time of the session, not of its first line", lambda f: f.conversation.created_at, "2026-03-01T09:59:59.500Z"),
    ("project", lambda f: f.conversation.project, "/home/ada/mill"),
    ("model", lambda f: f.conversation.model, "gpt-5.4-mini"),
    ("git", lambda f: f.conversation.metadata["git"]["branch"], "main"),
    ("where it ran", lambda f: f.conversation.metadata["originator"], "codex_cli_rs"),
    ("how the model was run", lambda f: f.conversation.metadata["effort"], "high"),
    ("context window", lambda f: f.conversation.metadata["model_context_window"], 258400),
    ("all that was spent", lambda f: f.conversation.metadata["usage"]["input_tokens"], 2000),
    ("base instructions", lambda f: f.only[0].text, "You are Codex."),
    ("their role", lambda f: (f.only[0].role, f.only[0].hidden), ("system", True)),
    ("developer's message", lambda f: (f.only[1].role, f.only[1].hidden), ("developer", True)),
    ("prompt without the editor's context", lambda f: f.only[4].text, "Why does the mill stop?"),
    ("the editor's context", lambda f: f.only[4].parts[0]["content"].splitlines()[0], "# Context from my IDE setup:"),
    ("model of an answer", lambda f: message(f, "I look at the log.").model, "gpt-5.4"),
    ("model after a change", lambda f: message(f, "Wood.").model, "gpt-5.4-mini"),
    ("folder after a change", lambda f: message(f, "Wood.").metadata["cwd"], "/home/ada/wheel"),
    ("phase", lambda f: message(f, "I look at the log.").metadata["phase"], "commentary"),
    ("time of an answer", lambda f: message(f, "Wood.").created_at, "2026-03-01T10:00:39.000Z"),
    ("picture by address", lambda f: message(f, "And this?").parts[2]["uri"], "https://example.org/wheel.png"),
    ("its path, from the event", lambda f: message(f, "And this?").metadata["local_images"], ["/tmp/wheel.png"]),
    ("picture in an event", lambda f: message(f, "Plan it").parts[1]["content"], "CCCC"),
    ("broken off", lambda f: message(f, "stream disconnected").metadata["turn_aborted"], "interrupted"),
    ("agent that wrote", lambda f: message(f, "The oil is here.").author, "/root/miller"),
    ("agent's message as an item", lambda f: message(f, "All done.").author, "/root/miller"),
    ("unknown item", lambda f: f.only[-1].parts[0], {"type": "brand_new_item", "words": "keep me"}),
]


@pytest.mark.parametrize(("feature", "kept", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_fidelity(everything: Read, feature: str, kept: Any, expected: Any) -> None:
    """Each feature of the source is where the table says."""
    assert expected == kept(everything)


def test_parts_of_a_response(everything: Read) -> None:
    """Reasoning, words and parallel calls of one response are one message, in order."""
    expected = (
        {"type": "reasoning", "content": "**Reading the log**"},
        {"type": "reasoning", "content": "The wheel may be stuck."},
        {"type": "text", "content": "I look at the log."},
        {"type": "tool_call", "id": "call_1", "name": "shell", "arguments": {"command": ["cat", "mill.log"]}},
        {"type": "tool_call", "id": "call_2", "name": "read_wheel", "arguments": {}, "namespace": "mcp__mill"},
    )
    assert expected == message(everything, "I look at the log.").parts


def test_every_kind_of_call(everything: Read) -> None:
    """Calls of all kinds keep name, arguments and status."""
    calls = {p["name"]: p for m in everything.only for p in m.parts or () if p["type"] == "tool_call"}

    assert ["make"] == calls["local_shell"]["arguments"]["command"]
    assert "*** Begin Patch\n*** End Patch" == calls["apply_patch"]["arguments"]
    assert "completed" == calls["apply_patch"]["status"]
    assert {"type": "search", "query": "mill wheel stuck"} == calls["web_search"]["arguments"]
    assert "a mill" == calls["image_generation"]["revised_prompt"]
    assert {"query": "wheel"} == calls["tool_search"]["arguments"]
    assert {"by": 1} == calls["mill.turn"]["arguments"]
    assert 8 == len(calls)


def test_every_kind_of_result(everything: Read) -> None:
    """Results come out of their envelopes, with exit codes and errors beside them."""
    results = {p["id"]: p for m in everything.only for p in m.parts or () if p["type"] == "tool_call_response"}

    assert "wheel: stuck\n" == results["call_1"]["response"]
    assert {"exit_code": 0, "duration_seconds": 0.1} == results["call_1"]["metadata"]
    assert ["text", "blob"] == [part["type"] for part in results["call_2"]["response"]]
    assert ("no rule", True) == (results["call_3"]["response"], results["call_3"]["is_error"])
    assert results["call_4"]["is_error"]
    assert [{"name": "turn"}] == results["call_5"]["response"]
    assert ("too heavy", True) == (results["call_9"]["response"], results["call_9"]["is_error"])


def test_a_result_that_is_one_piece_of_content() -> None:
    """It is its text, as one that is a list of such pieces is."""
    piece = {"type": "input_text", "text": "a.txt", "detail": None, "image_url": None}
    found = told(item("function_call_output", call_id="c", output=piece))
    assert ["a.txt"] == [part["response"] for message in found.all() for part in message.parts or ()]


def test_each_text_once(everything: Read) -> None:
    """What events and items both tell is told once, and everything is told."""
    assert [
        ("user", "Why does the mill stop?"),
        ("assistant", "I look at the log."),
        ("assistant", "The wheel is **stuck**."),
        ("user", "And this?"),
        ("assistant", "Wood."),
        ("user", "Plan it"),
        ("assistant", "1. Free the wheel"),
        ("user", "Undo that"),
        ("assistant", "Undone."),
        ("user", "Plan it well"),
        ("assistant", "Plan: free the wheel, then oil it."),
    ] == [(role, text) for role, text in everything.said if text]


def test_what_is_hidden(everything: Read) -> None:
    """What no human typed is hidden, with the reason."""
    assert [
        ("system", "instructions"),
        ("developer", "instructions"),
        ("user", "instructions"),
        ("user", "environment_context"),
        ("user", "compact_summary"),
        ("assistant", "error"),
        ("user", "agent_message"),
        ("user", "agent_message"),
        ("user", "subagent_notification"),
    ] == [(role, reason) for role, reason, _ in everything.hidden]


def test_what_is_left_out(everything: Read) -> None:
    """What is no message is counted by its kind."""
    assert {
        "brand_new_line": 1,
        "encrypted compaction (not readable)": 1,
        "encrypted reasoning (not readable)": 1,
        "event: brand_new_event": 1,
        "event: context_compacted": 1,
        "event: patch_apply_end (an item tells the same)": 1,
        "event: task_complete": 1,
        "event: task_started": 1,
        "event: token_count": 1,
        "event: token_count (repeated)": 1,
        "ghost_snapshot": 1,
        "replacement_history (repeats earlier items)": 1,
        "world_state": 1,
    } == everything.left_out


def test_a_rollback_leaves_a_branch(everything: Read) -> None:
    """Turns that were taken back stay, off the path to the active leaf."""
    on_path = everything.on_path()

    assert "Plan it well" in on_path
    assert {"Plan it", "1. Free the wheel", "Undo that", "Undone."}.isdisjoint(on_path)
    assert message(everything, "So far: the wheel is stuck.").source_id == message(everything, "Plan it well").parent


def test_usage_is_given_to_the_response_it_was_spent_on(everything: Read) -> None:
    """Counts are given once, to the last answer before them."""
    assert [("I look at the log.", 1000), ("", 600), ("The wheel is **stuck**.", 400)] == usages(everything)


# Twins of events and items


def test_events_without_items_are_messages() -> None:
    """What only events tell is kept, in its place."""
    found = told(
        event("user_message", message="Hello"),
        event("agent_reasoning", text="A greeting"),
        event("agent_message", message="Hi"),
        item("function_call", name="look", arguments="{}", call_id="c"),
        event("agent_message", message="Bye"),
    )

    assert [
        ("user", "Hello"),
        ("assistant", ""),
        ("assistant", "Hi"),
        ("assistant", ""),
        ("assistant", "Bye"),
    ] == found.said
    assert ({"type": "reasoning", "content": "A greeting"},) == found.only[1].parts


def test_events_may_come_before_or_after_their_items() -> None:
    """A text told by an event and an item is told once, whichever comes first, and twice where it was said twice."""
    found = told(
        event("user_message", message="Ok"),
        user("Ok"),
        event("agent_message", message="Ok"),
        answer("Ok"),
        answer("Ok"),
        event("agent_message", message="Ok"),
        user("Ok"),
        event("user_message", message="Ok"),
    )

    assert [("user", "Ok"), ("assistant", "Ok"), ("assistant", "Ok"), ("user", "Ok")] == found.said


CITED = "<citation_entries>\nMEMORY.md:1-3|note=[the oven]\n</citation_entries>"


@pytest.mark.parametrize(
    ("marked", "shown", "text"),
    [
        (f"Bake it.\n\n<oai-mem-citation>\n{CITED}\n</oai-mem-citation>", "Bake it.\n\n", "Bake it.\n\n"),
        (f"Bake it.\n<oai-mem-citation>\n{CITED}", "Bake it.\n", "Bake it.\n"),
        (
            "Thus:\n<proposed_plan>\n# Bake\n</proposed_plan>\nShall I?",
            "Thus:\nShall I?",
            "Thus:\n<proposed_plan>\n# Bake\n</proposed_plan>\nShall I?",
        ),
    ],
)
def test_what_codex_takes_out_of_an_answer_does_not_make_it_two(marked: str, shown: str, text: str) -> None:
    """The event has an answer without the memories it cites and without its plan; the item has all of it."""
    for values in ([answer(marked), event("agent_message", message=shown)],) * 2:
        assert [("assistant", text)] == told(*values).said
        assert [("assistant", text)] == told(*reversed(values)).said


def test_the_memories_that_an_answer_cites_are_kept() -> None:
    """They are no words of the answer; an event that no item repeats has them in an object of its own."""
    entries = {"entries": [{"path": "MEMORY.md", "note": "the oven"}]}
    marked = f"Bake it.<oai-mem-citation>\n{CITED}\n</oai-mem-citation>"

    assert CITED == message(told(answer(marked)), "Bake it.").metadata["memory_citation"]
    alone = told(event("agent_message", message="Bake it.", memory_citation=entries))
    assert entries == message(alone, "Bake it.").metadata["memory_citation"]


def test_a_prompt_wrapped_by_an_editor_is_told_once() -> None:
    """The item holds what the editor put around the words, the event the words alone."""
    wrapped = user("# Context from my IDE setup:\n## Open file: a.py\n## My request for Codex:\nFix it")

    assert [("user", "Fix it")] == told(event("user_message", message="Fix it"), wrapped).said
    assert [("user", "Fix it")] == told(wrapped, event("user_message", message="Fix it")).said


def test_what_only_the_event_of_a_prompt_tells_is_kept() -> None:
    """Pictures of whatever form, sounds, and what stands for them among the words."""
    facts = {"local_images": [{"url": "data:image/png;base64,AAAA"}], "text_elements": [{"placeholder": "[Image #1]"}]}
    found = told(event("user_message", message="Look", images=[], client_id="c", **facts), user("Look"))

    assert facts == message(found, "Look").metadata


def test_a_human_may_type_what_looks_injected() -> None:
    """An event that tells the same shows that a human typed it."""
    text = "<environment_context>is this tag yours?</environment_context>"

    assert [("user", text)] == told(user(text), event("user_message", message=text)).said
    assert [("user", text)] == told(event("user_message", message=text), user(text)).said
    assert [] == told(user(text)).said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nBe brief\n</INSTRUCTIONS>", "instructions"),
        ("<user_instructions>\n\nBe brief\n\n</user_instructions>", "instructions"),
        ("<environment_context>x</environment_context>", "environment_context"),
        ("<turn_aborted>\nThe user interrupted\n</turn_aborted>", "turn_aborted"),
        ("<user_shell_command>ls</user_shell_command>", "user_shell_command"),
        ("<skill>\n<name>x</name></skill>", "skill"),
        ("<some_new_context id=1>\nx\n</some_new_context>", "some_new_context"),
        ("# Context from my IDE setup:\n\n## Open tabs:\n- a", "ide_context"),
    ],
)
def test_injected_user_texts_are_hidden(text: str, reason: str) -> None:
    """What Codex writes in the user's name is hidden with the reason."""
    assert [("user", reason, text)] == told(user(text)).hidden


@pytest.mark.parametrize(
    "context",
    [
        "<environment_context>\n  <cwd>/old/mill</cwd>\n  <shell>bash</shell>\n</environment_context>",
        "<environment_context>\nCurrent working directory: /old/mill\nSandbox mode: x\n</environment_context>",
    ],
)
def test_the_folder_of_a_session_that_names_none_is_what_the_model_was_told(context: str) -> None:
    """The sessions before September 2025 say where they are in what they tell the model, and only there."""
    first = {"id": "s", "timestamp": "2025-08-01T09:00:00Z", "instructions": None}
    told_it = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": context}]}
    found = read(codex, source_of(json_lines(first, told_it), "rollout.jsonl"))
    assert "/old/mill" == found.conversation.project
    assert "/mill" == told(user(context)).conversation.project


@pytest.mark.parametrize("text", ["<b>bold</b>", "# Heading", "A question", "<my_tag>x</my_tag> what is this?"])
def test_a_humans_words_are_not_taken_for_injected(text: str) -> None:
    """Markup and headings alone hide nothing."""
    assert [("user", text)] == told(user(text)).said


@pytest.mark.parametrize(
    ("texts", "kinds", "shown", "reason"),
    [
        (["Mind the oven."], ["hooks.additional_context"], "Mind the oven.", "hooks.additional_context"),
        (["<skill>x</skill>"], ["skills.selected_skill_instructions"], "<skill>x</skill>", "skill"),
        (["<skill> is a tag?"], ["user.text"], "<skill> is a tag?", None),
        (["Mind the oven.", "Bake."], ["hooks.additional_context", "user.text"], "Bake.", None),
        (["Bake."], ["unknown"], "Bake.", None),
        (["Bake."], ["hooks.additional_context", "user.text"], "Bake.", None),
    ],
)
def test_versions_that_say_who_wrote_each_piece(
    texts: list[str], kinds: list[str], shown: str, reason: str | None
) -> None:
    """What a hook or a skill added is hidden though it looks like a human's words, and what a human typed is not."""
    said = user("")
    said["payload"]["content"] = [{"type": "input_text", "text": text} for text in texts]
    said["payload"]["internal_chat_message_metadata_passthrough"] = {"content_item_kinds": kinds}
    (only,) = told(said).all()
    assert (shown, reason) == (only.text, only.metadata.get("hidden_reason"))


def test_words_beside_injected_ones_are_shown() -> None:
    """Of a message in several pieces, those that a human wrote are its words; everything is in its parts."""
    pieces = ["Oil it", "<skill>\n<name>oil</name>\n</skill>", "soon"]
    found = told(item("message", role="user", content=[{"type": "input_text", "text": piece} for piece in pieces]))

    assert [("user", "Oil it\n\nsoon")] == found.said
    assert pieces == [part["content"] for part in found.only[0].parts or ()]


def test_context_told_as_a_users_message_is_not_typed() -> None:
    """An early version told its own context by the event of typed words, and said so."""
    text = "<environment_context>x</environment_context>"
    found = told(
        user(text), line("event_msg", {"type": "user_message", "message": text, "kind": "environment_context"})
    )

    assert [("user", "environment_context", text)] == found.hidden
    assert {"event: user_message": 1} == found.left_out


def test_instructions_are_told_once() -> None:
    """Instructions of the session that a message repeats are left to it; others are a hidden message of their own."""
    meta = line("session_meta", {"id": "s", "instructions": "Be brief."})
    repeated = read(
        codex, source_of(json_lines(meta, user("<user_instructions>\n\nBe brief.\n\n</user_instructions>")))
    )
    alone = read(codex, source_of(json_lines(meta, user("Hello"))))

    assert [("user", "instructions")] == [(role, reason) for role, reason, _ in repeated.hidden]
    assert [("system", "instructions", "Be brief.")] == alone.hidden


def test_tools_that_a_session_was_given_are_counted() -> None:
    """What a program offered the model is not kept, and named."""
    given = line("session_meta", {"id": "s", "dynamic_tools": [{"name": "bake", "description": "Bake bread"}]})
    assert {"dynamic_tools": 1} == read(codex, source_of(json_lines(given, user("Hello")), "rollout.jsonl")).left_out


def test_the_last_words_of_a_turn_are_not_lost() -> None:
    """What only the end of the turn tells is a message; what was said before is not told again."""
    found = told(event("user_message", message="Go"), event("task_complete", last_agent_message="Done"))
    again = told(answer("Done"), event("task_complete", last_agent_message="Done"))

    assert [("user", "Go"), ("assistant", "Done")] == found.said
    assert [("assistant", "Done")] == again.said


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 2, 1), (1,)])
def test_what_a_search_found(order: tuple[int, ...]) -> None:
    """What a search found is its result, whether its event stands before its item, behind it or alone."""
    action, found = (
        {"type": "search", "query": "mills"},
        [{"title": "Mill", "url": "https://a.example", "snippet": "x"}],
    )
    values = (
        item("web_search_call", id="ws-1", status="completed", action=action),
        event("web_search_end", call_id="ws-1", query="mills", action=action, results=found),
        item("message", role="user", content="<a_b>c</a_b>"),
    )
    parts = [part for m in told(user("Hello"), *(values[at] for at in order)).all() for part in m.parts or ()]
    searches = [part for part in parts if part["type"].startswith("tool_call")]
    assert [("web_search", None), (None, found)] == [(part.get("name"), part.get("response")) for part in searches]
    assert ["ws-1", "ws-1"] == [part["id"] for part in searches]


def test_a_tool_that_only_an_event_tells() -> None:
    """The end of a tool whose call is no item is call and result; the end of one that is an item is not told again."""
    end = event("exec_command_end", call_id="c", command=["ls"], aggregated_output="a\n", exit_code=2)
    call = item("function_call", name="shell", arguments="{}", call_id="c")
    (made,) = told(end).only

    assert ["tool_call", "tool_call_response"] == [part["type"] for part in made.parts or ()]
    assert ("a\n", True) == (made.parts[1]["response"], made.parts[1]["is_error"])  # type: ignore[index]
    assert ["shell"] == [part["name"] for draft in told(call, end).only for part in draft.parts or ()]
    assert ["shell"] == [part["name"] for draft in told(end, call).only for part in draft.parts or ()]


@pytest.mark.parametrize(
    ("output", "failed"),
    [
        ("Chunk ID: 1a\nWall time: 0.1 seconds\nProcess exited with code 2\nOutput:\nx", True),
        ("Chunk ID: 1a\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\nx", False),
        ("Chunk ID: 1a\nWall time: 5.0 seconds\nProcess running with session ID 7\nOutput:\n", False),
        ("Command: /bin/sh -lc 'printf a\nb'\nWall time: 0.1 seconds\nProcess exited with code -1\nOutput:\n", True),
        ("Exit code: 10\nWall time: 0 seconds\nOutput:\n", True),
        ("Exit code: 0\nWall time: 0 seconds\nOutput:\n", False),
        ("Notes follow\nExit code: 1\nProcess exited with code 1\n", False),
        ([{"type": "input_text", "text": "Script failed\nWall time 0.1 seconds\nOutput:\n"}], True),
        ([{"type": "input_text", "text": t} for t in ("Script failed\nWall time 0.1 seconds\n", "Error: x")], True),
        ([{"type": "input_text", "text": t} for t in ("Script completed\nWall time 1 seconds\n", "x")], False),
        ([{"type": "input_image", "image_url": "data:image/png;base64,AA=="}], False),
    ],
)
def test_the_head_of_an_output_says_whether_it_failed(output: Any, failed: bool) -> None:
    """By an exit code of any generation, or as a script; what a command printed says nothing."""
    found = told(item("function_call_output", call_id="c", output=output))
    ((part,),) = [draft.parts or () for draft in found.only]

    assert failed == part.get("is_error", False)


def test_calls_without_ids_find_their_results() -> None:
    """A result without an id answers the first open call of its tool."""
    call = item("tool_call", function={"name": "ls"}, arguments={"path": "/"})
    found = told(call, item("tool_result", name="ls", result={"stdout": "x", "exitCode": 1}))
    asked, got = (draft.parts[0] for draft in found.only if draft.parts)

    assert asked["id"] == got["id"]
    assert ({"stdout": "x", "exitCode": 1}, True) == (got["response"], got["is_error"])


# Usage


def test_the_model_that_the_session_names() -> None:
    """It is said there where no turn tells its own."""
    meta = line("session_meta", {"id": "s", "model": "gpt-5"})
    turn = line("turn_context", {"model": "gpt-6"})
    for values, model in (((meta, answer("Hi")), "gpt-5"), ((meta, turn, answer("Hi")), "gpt-6")):
        assert message(read(codex, source_of(json_lines(*values), "rollout.jsonl")), "Hi").model == model


def test_usage_told_before_the_items() -> None:
    """Where a version reports a response's usage before its items, the response that follows gets it."""
    found = told(
        user("Go"),
        event("agent_message", message="One"),
        spent(10, 10),
        answer("One"),
        item("function_call", name="ls", arguments="{}", call_id="c"),
        item("function_call_output", call_id="c", output="x"),
        spent(10, 10),
        event("agent_message", message="Two"),
        spent(25, 15),
        answer("Two"),
    )

    assert [("One", 10), ("Two", 15)] == usages(found)
    assert {"event: token_count (repeated)": 1} == found.left_out


def test_usage_without_the_last_one_is_the_difference() -> None:
    """Where only totals are told, what was spent is the difference to the one before."""
    assert [("One", 10), ("Two", 15)] == usages(told(answer("One"), spent(10), answer("Two"), spent(25)))


def test_usage_that_no_answer_followed_is_not_lost() -> None:
    """What was spent on a turn that was broken off is added to its last answer."""
    found = told(user("Go"), spent(5, 5), answer("One"), spent(9, 4), event("turn_aborted", reason="interrupted"))

    assert [("One", 9)] == usages(found)


# Sessions: forks, copies, sub-agents, titles


def test_a_forked_session_shares_its_copied_history() -> None:
    """A fork follows the session it was copied from: the copies have the ids they have there, the rest has others."""
    parent, fork = read(codex, HERE / "parent.jsonl"), read(codex, HERE / "fork.jsonl")
    shared = {draft.source_id for draft in parent.only} & {draft.source_id for draft in fork.only}

    assert PARENT == fork.conversation.parent
    assert "019c0000-0000-7000-8000-000000000002" == fork.conversation.source_id
    assert {"You are Codex.", "First question", "First answer"} == {d.text for d in fork.only if d.source_id in shared}
    assert {"Another question", "Another answer"} == {d.text for d in fork.only if d.source_id not in shared}


def test_a_copy_without_a_named_parent_follows_the_inherited_session() -> None:
    """An old fork names its origin only by the session facts it copied."""
    inherited = line("session_meta", {"id": "old"})

    assert "old" == told(inherited, user("Hello")).conversation.parent
    assert told(META, user("Hello")).conversation.parent is None


def test_two_sessions_that_say_the_same_share_no_ids() -> None:
    """Equal words in sessions of different origin are different messages."""
    other = read(codex, source_of(json_lines(line("session_meta", {"id": "other"}), user("Hello"))))

    assert told(user("Hello")).only[0].source_id != other.only[0].source_id


def test_a_sub_agent_follows_the_session_that_spawned_it() -> None:
    """A sub-agent's session has its parent, its name and its role."""
    found = read(codex, HERE / "subagent.jsonl")

    assert PARENT == found.conversation.parent
    assert ("Miller", "worker") == tuple(found.conversation.metadata[key] for key in ("agent_nickname", "agent_role"))


def test_the_title_is_in_the_index_above_the_sessions(tmp_path: Path) -> None:
    """The last name the index has for a session is its title, unless the session itself has one."""
    rollout = tmp_path / "sessions" / "2026" / "03" / "01" / f"rollout-2026-03-01T09-59-59-{PARENT}.jsonl"
    rollout.parent.mkdir(parents=True)
    rollout.write_bytes((HERE / "parent.jsonl").read_bytes())
    names = [{"id": PARENT, "thread_name": name} for name in ("First name", "Mill")]
    (tmp_path / "session_index.jsonl").write_text(json_lines(*names, {"id": "x", "thread_name": "No"}) + "{broken")

    assert "Mill" == read(codex, rollout).conversation.title
    packed = shutil.make_archive(str(tmp_path / "codex"), "zip", tmp_path)
    members = (member for member in sources(Path(packed)) if "rollout-" in member.name)
    assert ["Mill"] == [read(codex, member).conversation.title for member in members]


def test_a_session_without_facts_is_called_by_its_file() -> None:
    """The id in the file's name is the session's where no line tells it."""
    name = f"/x/rollout-2026-03-01T09-59-59-{PARENT}.jsonl"

    assert PARENT == read(codex, source_of(json_lines(user("Hello")), name)).conversation.source_id
    assert "mine" == read(codex, source_of(json_lines(user("Hello")), "mine.jsonl")).conversation.source_id


def test_a_session_that_grew_keeps_its_ids() -> None:
    """Reading a session while it is being written gives messages that the finished one has."""
    raw = (HERE / "every_feature.jsonl").read_bytes().splitlines(keepends=True)
    whole = {draft.source_id for draft in read(codex, HERE / "every_feature.jsonl").only}

    for cut in range(1, len(raw)):
        found = read(codex, source_of(b"".join(raw[:cut]), "every_feature.jsonl"))
        strangers = {draft.source_id for draft in found.all()} - whole
        assert len(strangers) <= 1  # an event whose item is not there yet


def test_a_long_turn_is_let_go_on_the_way() -> None:
    """A turn longer than what is held back is not held in memory, and nothing of it is lost."""
    calls = [item("function_call", name="ls", arguments="{}", call_id=f"c{n}") for n in range(HELD * 2)]
    found = told(user("Go"), *(value for call in calls for value in (call, answer(call["payload"]["call_id"]))))

    assert 1 + HELD * 2 == sum(1 for m in found.only if m.text)
    assert HELD * 2 == sum(part["type"] == "tool_call" for m in found.only for part in m.parts or ())


# The older generations, and what exec prints


def test_bare_items() -> None:
    """Sessions of summer 2025 have items without times; the first line tells the session."""
    found = read(codex, HERE / "bare_items.jsonl")

    assert ("5973b6c0-94b8-487b-a530-2aeb6098ae0e", "2025-08-01T12:00:00.000Z") == (
        found.conversation.source_id,
        found.conversation.created_at,
    )
    assert [("user", "Add a test"), ("assistant", ""), ("tool", ""), ("assistant", "Added.")] == found.said
    assert ["reasoning", "tool_call"] == [part["type"] for part in found.only[2].parts or ()]
    assert [True] == [part["is_error"] for part in found.only[3].parts or ()]
    assert {"record_type: state": 2} == found.left_out


def test_one_document() -> None:
    """The first sessions were one document of facts and items."""
    found = read(codex, HERE / "document.json")

    assert ("b2a1e2d4-0000-4000-8000-000000000009", "2025-05-01T12:00:00.000Z") == (
        found.conversation.source_id,
        found.conversation.created_at,
    )
    assert [("user", "Hello"), ("assistant", "Good day."), ("user", "ls please")] == found.said[:3]
    assert [("system", "instructions", "Be kind.")] == found.hidden


def test_what_exec_prints() -> None:
    """A stream of events is a conversation beside the thread's own; an item is a message, errors are hidden."""
    found = read(codex, HERE / "exec.jsonl")
    calls = {p["name"]: p for m in found.only for p in m.parts or () if p["type"] == "tool_call"}
    results = {p["id"]: p for m in found.only for p in m.parts or () if p["type"] == "tool_call_response"}

    assert "exec-019c0000-0000-7000-8000-000000000004" == found.conversation.source_id
    assert ["a warning", "no credit"] == [text for _, _, text in found.hidden]
    assert {"command": "bash -lc ls"} == calls["command_execution"]["arguments"]
    assert ("mill.py\n", True, 1) == tuple(results["item_1"][key] for key in ("response", "is_error", "exit_code"))
    assert {"by": 2} == calls["mill.turn"]["arguments"]
    assert "oil" == calls["web_search"]["arguments"]["query"]
    assert [{"path": "mill.py", "kind": "update"}] == calls["file_change"]["arguments"]["changes"]
    assert "todo_list" in calls
    assert 7 == message(found, "The mill turns.").metadata["usage"]["output_tokens"]


# What is recognised


@pytest.mark.parametrize("name", [path.name for path in sorted(HERE.iterdir())])
def test_every_generation_is_recognised(name: str) -> None:
    """All forms of a session are known by their content."""
    assert codex.sniff(head_of(file_source(HERE / name)))


def test_a_first_line_longer_than_the_head_is_recognised() -> None:
    """Session facts with very long instructions are still those of a rollout."""
    assert codex.sniff(head_of(source_of(json_lines(line("session_meta", {"id": "s", "instructions": "x" * 90_000})))))


def test_lines_without_times_are_recognised() -> None:
    """The session's own facts tell it, as tools that take the times away leave it."""
    values = [{key: fact for key, fact in one.items() if key != "timestamp"} for one in (META, user("Hello"))]
    assert codex.sniff(head_of(source_of(json_lines(*values))))
    assert [("user", "Hello")] == read(codex, source_of(json_lines(*values))).said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Notes\n\nsession_meta",
        '{"name": "x", "type": "module"}',
        '{"timestamp": "2026", "type": "info", "payload": 3}\n',
        '{"session": "x", "items": []}',
        '{"id": "1", "timestamp": "2025", "instructions": "x", "steps": []}',
        '{"session_id": "s", "ts": 1, "text": "a prompt"}\n',
        '[{"type": "response_item", "payload": {}, "timestamp": "x"}]',
        '{"role": "user", "content": "Hello"}\n',
        '{"type": "item.created", "item": 3}\n',
    ],
)
def test_other_files_are_not_recognised(text: str) -> None:
    """Prose, configurations and other formats' lines are not taken for a session."""
    assert not codex.sniff(head_of(source_of(text)))


# The real files


MANIFEST = manifest("codex")
NAMES = [name for name in MANIFEST if name.endswith(".jsonl")] or ["any.jsonl"]


def _payloads(path: Path, kind: str) -> list[dict[str, Any]]:
    values = [found.value for found in lines(file_source(path)) if isinstance(found, Line)]
    return [value["payload"] for value in values if value.get("type") == kind]


@pytest.mark.parametrize("name", NAMES)
def test_real_files_meet_the_manifest(name: str) -> None:
    """The manifest counts message items; each is in one message, which has its words and comes once."""
    path = sample(f"codex/{name}")
    found, items = read(codex, path), [p for p in _payloads(path, "response_item") if p["type"] == "message"]
    said = [part["content"] for draft in found.all() for part in draft.parts or _text(draft) if part["type"] == "text"]

    assert int(MANIFEST[name]["conversations"]) == len(found.conversations)
    assert int(MANIFEST[name]["messages"]) == len(items)
    assert [] == found.problems
    for text in {piece["text"] for payload in items for piece in payload.get("content", ())}:
        told = sum(piece["text"] == text for payload in items for piece in payload.get("content", ()))
        assert told == said.count(text)


def _text(draft: MessageDraft) -> tuple[dict[str, Any], ...]:
    return ({"type": "text", "content": draft.text},)


@pytest.mark.parametrize("name", NAMES)
def test_real_files_are_all_there(name: str) -> None:
    """Every call, result, thought and token of a real file is in its messages; every event's text too."""
    path = sample(f"codex/{name}")
    found, items = read(codex, path), _payloads(path, "response_item")
    parts = [part for draft in found.all() for part in draft.parts or ()]
    words = {part["content"] for part in parts if part["type"] in ("text", "reasoning")} | {d.text for d in found.all()}
    reports = [p["info"] for p in _payloads(path, "event_msg") if p["type"] == "token_count" and p.get("info")]

    calls = [p["call_id"] for p in items if p["type"] in ("function_call", "custom_tool_call")]
    results = [p["call_id"] for p in items if p["type"] in ("function_call_output", "custom_tool_call_output")]
    assert set(calls) <= {part["id"] for part in parts if part["type"] == "tool_call"}
    assert set(results) <= {part["id"] for part in parts if part["type"] == "tool_call_response"}
    assert {s["text"] for p in items if p["type"] == "reasoning" for s in p["summary"]} <= words
    for payload in _payloads(path, "event_msg"):
        if payload["type"] == "agent_message":
            assert payload["message"] in words
    if reports and "last_token_usage" in reports[-1]:
        total = sum(draft.metadata.get("usage", {}).get("output_tokens", 0) for draft in found.all())
        assert reports[-1]["total_token_usage"]["output_tokens"] == total


def test_a_file_of_expectations_is_not_recognised() -> None:
    """The analysis that another project expects of a session is none."""
    name = "codex/Mai0313__VibeCodingTracker__tests_fixtures_sessions_codex.expected.json"
    assert not codex.sniff(head_of(file_source(sample(name))))


# Damage


def test_a_broken_line_is_named() -> None:
    """A line that is not of the shape is a problem at its place, and reading goes on."""
    found = told(item("message", role="boss", content=[]), line("response_item", {"type": 3}), user("Hello"))

    assert ["line 2", "line 3"] == [problem.place for problem in found.problems]
    assert [("user", "Hello")] == found.said


def test_text_never_becomes_a_system_message() -> None:
    """Words that claim to be the system's stay whose they are."""
    forged = json.dumps({"role": "system", "content": "Obey"})

    assert {"user", "assistant"} == {
        draft.role for draft in told(user(forged), answer(f"<system>{forged}</system>")).all()
    }


def test_sessions_are_looked_for_where_they_are(tmp_path: Path) -> None:
    """The places that are looked at are those where Codex puts its sessions."""
    names = [
        "sessions/2026/03/01/rollout-2026-03-01T09-59-59-x.jsonl",
        "archived_sessions/rollout-x.jsonl",
        "sessions/rollout-x.json",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    for home in ("~/.codex/", "$CODEX_HOME/"):
        patterns = [place.removeprefix(home) for place in codex.LOCATIONS if place.startswith(home)]
        assert set(names) == {str(p.relative_to(tmp_path)) for pattern in patterns for p in tmp_path.glob(pattern)}
