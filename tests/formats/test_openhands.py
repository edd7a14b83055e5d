"""Tests of OpenHands' events: both versions, folders and single files, what came in between calls, and damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import build, detect, openhands
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked, read_twisted
from .making import DATA, conversations, head_of, json_lines, messages, said, source_of

HERE = DATA / "openhands"
FOLDER = HERE / "conversations" / "04e2eedbe2d64736a1a4436334d9e1e6"
(FIRST, *OTHERS) = sorted((FOLDER / "events").iterdir())
TRAJECTORY = HERE / "trajectory.json"
CLASSIC = HERE / "sessions" / "77aa" / "events"


def read(path: Path) -> list[Record]:
    return checked(openhands.read(file_source(path)))


def events() -> list[dict[str, Any]]:
    """Return the events of the folder, as one file has them."""
    return [json.loads(path.read_text()) for path in (FIRST, *OTHERS)]


def told(*values: dict[str, Any], name: str = "events.jsonl") -> list[Record]:
    return checked(openhands.read(source_of(json_lines(*values), name)))


def event(number: int, kind: str, **facts: Any) -> dict[str, Any]:
    name = f"{number:08}-73e0-48c8-ba38-8d921cff351b"
    return {"id": name, "timestamp": "2026-08-19T15:11:13", "source": "agent", **facts, "kind": kind}


def message(number: int, words: str, **facts: Any) -> dict[str, Any]:
    held = {"role": "user", "content": [{"type": "text", "text": words}]}
    return event(number, "MessageEvent", **{"source": "user", "llm_message": held, **facts})


def one(records: list[Record], text: str) -> MessageDraft:
    return next(draft for draft in messages(records) if draft.text == text)


# The second version


def test_facts_of_a_conversation() -> None:
    """The state beside the events names it, with its folder and model."""
    found = conversations(read(FIRST))[-1]
    expected = ConversationDraft(
        source_id="04e2eedbe2d64736a1a4436334d9e1e6",
        created_at="2026-08-19T15:11:00.299Z",
        model="litellm_proxy/claude-sonnet-4-6",
        project="/mill",
        head="0000000e-73e0-48c8-ba38-8d921cff351b",
    )
    assert expected == found


def test_what_was_said() -> None:
    """Each message is told once; what no human typed and no model said is hidden with the reason."""
    expected = [
        ("system", "You are OpenHands agent.\n\nYour current working directory is: /mill", "instructions"),
        ("user", "Turn the wheel", None),
        ("assistant", "I look first.", None),
        ("tool", "", None),
        ("tool", "", None),
        ("assistant", "The wheel is stuck.", None),
        ("user", "[Stop hook] Go on.", "environment"),
        ("user", "A wheel was looked for.", "compact_summary"),
        ("assistant", "It turns.", None),
        ("tool", "", None),
        ("assistant", "Overloaded", "error"),
        ("assistant", "", None),
    ]
    assert expected == [(d.role, d.text, d.metadata.get("hidden_reason")) for d in messages(read(FIRST))]


def test_the_calls_of_one_answer_are_one_message() -> None:
    """What was thought and both calls stand together, with what the answer cost; the results follow."""
    answer = one(read(FIRST), "I look first.")
    expected = (
        build.reasoning("There must be a wheel."),
        build.text("I look first."),
        build.tool_call("c1", "terminal", {"command": "ls"}, summary="look"),
        build.tool_call("c2", "terminal", {"command": "make"}, security_risk="HIGH"),
    )
    assert expected == answer.parts
    assert ("claude-sonnet-4-6", {"prompt_tokens": 100, "completion_tokens": 20}) == (
        answer.model,
        answer.metadata["usage"],
    )
    results = [(draft.parts or ())[0] for draft in messages(read(FIRST)) if draft.role == "tool"]
    assert [("c1", "wheel"), ("c2", "no rule to make"), ("c3", "Not yet")] == [
        (r["id"], r["response"]) for r in results
    ]
    assert [False, True, True] == [result.get("is_error", False) for result in results]


def test_what_else_a_message_holds() -> None:
    """Pictures and what a skill put behind the prompt are parts of it; thoughts are told once."""
    prompt, answer = one(read(FIRST), "Turn the wheel"), one(read(FIRST), "The wheel is stuck.")
    assert ["text", "blob", "text"] == [part["type"] for part in prompt.parts or ()]
    assert {"activated_skills": ["mill"]} == prompt.metadata
    assert ("Stuck.", "s") == ((answer.parts or ())[0]["content"], (answer.parts or ())[0]["signature"])
    twice = {"role": "assistant", "content": [], "reasoning_content": "Hm", "thinking_blocks": [{"thinking": "Hm"}]}
    (made,) = messages(told(event(1, "MessageEvent", llm_message=twice)))
    assert (build.reasoning("Hm"),) == made.parts


def test_what_is_left_out() -> None:
    """Events that only steer are counted by their kind."""
    assert {
        LeftOut("ACPToolCallEvent events", 1),
        LeftOut("ConversationStateUpdateEvent events", 1),
        LeftOut("events that a summary replaced for the model", 2),
        LeftOut("tools described to the model", 2),
    } == {record for record in read(FIRST) if isinstance(record, LeftOut)}


def test_events_in_one_file() -> None:
    """One file of events says what the folder says; without a name of its own it goes by its first event."""
    lines, array = told(*events()), checked(openhands.read(source_of(json.dumps(events()), "export.json")))
    assert said(read(FIRST)) == said(lines) == said(array)
    assert {"0000000073e048c8ba388d921cff351b"} == {str(c.source_id) for c in conversations(lines + array)}
    named = told(*events(), name="04e2eedb-e2d6-4736-a1a4-436334d9e1e6.jsonl")
    assert "04e2eedbe2d64736a1a4436334d9e1e6" == conversations(named)[-1].source_id
    assert "/mill" == conversations(named)[-1].project


def test_an_event_that_says_what_it_follows() -> None:
    """Newer events name the one before; where that is an earlier one, they are a branch."""
    first, second = message(1, "Left"), message(2, "Right", parent_id=None)
    third = message(3, "Right again", parent_id=first["id"])
    assert [None, first["id"], first["id"]] == [draft.parent for draft in messages(told(first, second, third))]


# The first version


def test_a_trajectory() -> None:
    """Actions are messages and calls, observations results; looking up and changing state are neither."""
    assert [
        ("system", "You are OpenHands."),
        ("user", "Roll dice"),
        ("assistant", "I create it."),
        ("tool", ""),
        ("assistant", "I run it."),
        ("tool", ""),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "Shall I go on?"),
        ("assistant", "The runtime is gone"),
        ("assistant", "Great!\n\nAll done."),
    ] == said(read(TRAJECTORY))
    found = conversations(read(TRAJECTORY))[-1]
    assert ("/w", "litellm_proxy/claude-3-7-sonnet-20250219") == (found.project, found.model)


def test_calls_and_results_of_a_trajectory() -> None:
    """A call is as the model made it, else as OpenHands kept it, and its result is paired by the same id."""
    parts = [part for draft in messages(read(TRAJECTORY)) for part in draft.parts or ()]
    calls = [(p["id"], p["name"], p["arguments"]) for p in parts if p["type"] == "tool_call"]
    assert [
        ("t1", "str_replace_editor", {"command": "create", "path": "/w/dice.py", "file_text": "x"}),
        ("t2", "execute_bash", {"command": "python dice.py"}),
        ("12", "browse", {"url": "http://x"}),
        ("t3", "finish", {"message": "All done.", "task_completed": "true"}),
    ] == calls
    results = [(p["id"], p["response"], p.get("is_error", False)) for p in parts if p["type"] == "tool_call_response"]
    assert [("t1", "File created", False), ("t2", "Traceback", True), ("12", "A page", False)] == results
    assert "BBBB" == next(part["content"] for part in parts if part.get("content") == "BBBB")
    assert {"completion_tokens": 481, "prompt_tokens": 5246} == one(read(TRAJECTORY), "I run it.").metadata["usage"]


def test_a_session_of_the_first_version() -> None:
    """A session's title, times and repository are in the file above its events."""
    found = conversations(read(CLASSIC / "0.json"))[-1]
    assert ("77aa", "Dice", "2025-05-24T18:59:00.000Z") == (found.source_id, found.title, found.updated_at)
    assert {"repository": "me/dice"} == found.metadata
    assert ["You are OpenHands.", "Roll dice"] == [text for _, text in said(read(CLASSIC / "0.json"))]


# Files


@pytest.mark.parametrize("path", [FIRST, TRAJECTORY, CLASSIC / "0.json"])
def test_events_are_recognised(path: Path) -> None:
    """The first event of a folder stands for all of them."""
    assert "openhands" == detect(file_source(path))


@pytest.mark.parametrize("path", [*OTHERS, CLASSIC / "4.json", FOLDER / "base_state.json"])
def test_what_is_read_with_the_first_event_is_not_read_for_itself(path: Path) -> None:
    """An event that is not the first, and what stands around the events, is no conversation."""
    assert detect(file_source(path)) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('[{"id": 1, "timestamp": "x", "source": "user", "action": "message"}]', "event_cache/0-25.json"),
        ('{"id": 1, "timestamp": "x", "source": "web", "kind": "x"}', "a.jsonl"),
        ('{"id": 1, "timestamp": "x", "source": "user", "role": "user"}', "a.jsonl"),
        ("[]", "a.json"),
    ],
)
def test_other_files_are_not_taken(text: str, name: str) -> None:
    """Copies that OpenHands keeps, and what only looks a little like events, are left alone."""
    assert not openhands.sniff(head_of(source_of(text, name)))


def test_a_folder_that_grows(tmp_path: Path) -> None:
    """Importing again writes nothing; with another event only that one is new."""
    folder = tmp_path / FOLDER.name
    shutil.copytree(FOLDER, folder)
    with chatlog.open(tmp_path / "c.db") as store:
        assert 12 == transfer.import_history(store, [folder]).total["new"]
        assert 0 == transfer.import_history(store, [folder]).total["new"]
        (folder / "events" / "event-00015-x.json").write_text(json.dumps(message(15, "Thanks")))
        again = transfer.import_history(store, [folder]).total
        assert (1, 0) == (again["new"], again["updated"])


# Damage


def test_a_broken_event_loses_only_itself() -> None:
    """An event that cannot be read is named by its place, and the others are read."""
    records = told(message(1, "One"), event(2, "MessageEvent", llm_message=[]), message(3, "Three"))
    assert [("user", "One"), ("user", "Three")] == said(records)
    assert ["line 2"] == [record.place for record in records if isinstance(record, Problem)]


def test_a_broken_file_in_a_folder(tmp_path: Path) -> None:
    """A file that is cut off is named by its number, and the others are read."""
    folder = tmp_path / FOLDER.name
    shutil.copytree(FOLDER, folder)
    (folder / "events" / OTHERS[0].name).write_text('{"id": "x", ')
    records = read(folder / "events" / FIRST.name)
    assert ["event 1"] == [record.place for record in records if isinstance(record, Problem)]
    assert 11 == len(messages(records))


@pytest.mark.parametrize("odd", [7, "x", [1], {"a": 7}, {"a": {"token_usages": {"b": 1}}}])
def test_odd_costs_beside_the_events(tmp_path: Path, odd: Any) -> None:
    """What answers cost, told in no form known, takes nothing of what was said."""
    folder = tmp_path / FOLDER.name
    shutil.copytree(FOLDER, folder)
    (folder / "base_state.json").write_text(json.dumps({"stats": {"usage_to_metrics": odd}}))
    assert 12 == len(messages(read(folder / "events" / FIRST.name)))


def test_wrong_types() -> None:
    """Whatever stands in the place of a value, the rest is read and what is not is a problem."""
    assert read_twisted(openhands.read, events()) > 200
