"""Tests of `chatlog context`: its forms, its numbers, its errors, and the warm co-process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..conftest import Run
from .helpers import ENVELOPE, refused

SECTIONS = {"system", "summary", "memory", "retrieved", "recent", "query"}
KEYS = {"messages", "tokens", "budget", "level", "sections", "omitted", "warnings"}


def started(run: Run, count: int = 3) -> str:
    name = run("new", "--title", "Trip", "--system", "Be terse.", "--id-only").out.strip()
    turns = [{"role": "user", "content": f"Is hotel {number} by the river?"} for number in range(count)]
    answers = [{"role": "assistant", "content": f"Hotel {number} is on a hill."} for number in range(count)]
    both = [turn for pair in zip(turns, answers, strict=True) for turn in pair]
    run("add", name, "--json", "-", stdin=json.dumps(both))
    return name


def test_the_default_is_an_array_ready_for_a_request(run: Run) -> None:
    """System prompt, turns, and the query as the new message."""
    started(run, 1)
    expected = [
        {"role": "system", "content": "Be terse."},
        {"role": "user", "content": "Is hotel 0 by the river?"},
        {"role": "assistant", "content": "Hotel 0 is on a hill."},
        {"role": "user", "content": "And now?"},
    ]
    assert expected == run("context", "@last", "--query", "And now?").json
    assert expected == run("context", "@last", "--query", "-", stdin="And now?\n").json


@pytest.mark.parametrize(
    ("form", "keys"), [("anthropic", {"system", "messages"}), ("gemini", {"systemInstruction", "contents"})]
)
def test_forms_with_a_place_for_the_system_prompt_are_objects(form: str, keys: set[str], run: Run) -> None:
    """Anthropic and Gemini take it beside the turns."""
    started(run)
    assert keys == {*run("context", "@last", "--query", "And?", "--format", form).json}


def test_json_says_what_it_costs_and_where_it_comes_from(run: Run) -> None:
    """Every key of the contract, the tokens within the budget, refs that can be shown."""
    name = started(run, 40)
    found = run("context", name, "--query", "Is hotel 7 by the river?", "--budget", "300", "--json").json
    assert set() == KEYS - {*found}
    assert set() == SECTIONS - {*found["sections"]}
    assert (True, 300) == (found["tokens"] <= 300, found["budget"])
    assert {f"{name}:16"} <= {*found["sections"]["retrieved"]["refs"]}
    assert "User: Is hotel 7 by the river?\n" in found["messages"][-1]["content"]
    assert ("notify", 1) == (found["level"], len(found["warnings"]))
    assert [] == [entry for entry in found["omitted"] if not {"ref", "reason"} <= {*entry}]


def test_levels_follow_how_full_the_budget_would_be(run: Run) -> None:
    """Normal, and from 60, 80 and 90 % on the next one, said on stderr."""
    started(run, 10)
    total = run("context", "@last", "--json").json["conversation_tokens"]
    levels = {}
    for share in (0.5, 0.65, 0.85, 0.95):
        ran = run("context", "@last", "--budget", str(int(total / share)), "--json")
        levels[share] = (ran.json["level"], bool(ran.err))
    assert {
        0.5: ("normal", False), 0.65: ("summarize", True), 0.85: ("facts", True), 0.95: ("notify", True)
    } == levels  # fmt: skip


def test_a_budget_that_cannot_hold_is_code_eight_and_names_the_least(run: Run) -> None:
    """The least is named, and it is enough."""
    started(run)
    ran = run("context", "@last", "--query", "A question", "--budget", "5", "--json")
    refused(ran, 8, "budget")
    least = ran.error["hint"].split()[2]
    assert 0 == run("context", "@last", "--query", "A question", "--budget", least).code
    assert 8 == run("context", "@last", "--query", "A question", "--budget", str(int(least) - 1)).code
    assert 8 == run("context", "@last", "--query", "A question", "--budget", least, "--reserve", "1").code


def test_a_reserve_that_takes_all_of_the_budget_names_the_least_too(run: Run) -> None:
    """What is named holds the answer as well."""
    started(run)
    ran = run("context", "@last", "--budget", "20", "--reserve", "50")
    assert (8, "50 of them for the answer") == (ran.code, ran.err.strip().rpartition(", ")[2])
    least = int(ran.err.split("they need ")[1].split(",")[0])
    assert [0, 8] == [run("context", "@last", "--budget", str(n), "--reserve", "50").code for n in (least, least - 1)]


def test_the_least_does_not_depend_on_how_much_was_read(run: Run) -> None:
    """Prompts among the turns are never needed, nor half of a group of calls: what is named is enough, one less not."""
    talk: list[Any] = [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "begin"}]
    talk += [{"role": "system", "content": f"Note {number}: {'mind the gap ' * 20}"} for number in range(20)]
    calls = [{"id": f"c{number}", "type": "function", "function": {"name": "read", "arguments": "{}"}}
             for number in range(40)]  # fmt: skip
    talk += [{"role": "assistant", "content": f"said {number}"} for number in range(40)]
    talk.append({"role": "assistant", "content": None, "tool_calls": calls})
    talk += [{"role": "tool", "tool_call_id": call["id"], "content": "found " * 30} for call in calls]
    run("add", "--new", "--json", "-", stdin=json.dumps(talk))
    ran = run("context", "@last", "--budget", "10", "--json")
    refused(ran, 8, "budget")
    least = int(ran.error["hint"].split()[2].replace(",", ""))
    assert [0, 8] == [run("context", "@last", "--budget", str(budget)).code for budget in (least, least - 1)]


def test_the_prompt_at_the_head_is_always_sent(run: Run) -> None:
    """However many prompts came later, the one that opened the conversation is there."""
    talk = [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "begin"}]
    talk += [{"role": "system", "content": f"Note {number}"} for number in range(250)]
    run("add", "--new", "--json", "-", stdin=json.dumps(talk))
    assert run("context", "@last").json[0]["content"].startswith("Be terse.")


def test_explain_is_a_table_on_stderr(run: Run) -> None:
    """Stdout stays the array."""
    started(run, 30)
    ran = run("context", "@last", "--query", "hotel 3", "--budget", "300", "--explain")
    assert ran.json
    assert {"system", "retrieved", "recent", "query", "total"} <= {line.split()[0] for line in ran.err.splitlines()}


def test_the_table_says_what_is_in_and_what_is_out(run: Run) -> None:
    """Tokens, their share of the budget, how many messages and why; JSON has the same rows where it is asked for."""
    name = started(run, 3)
    options = ("context", name, "--query", "And?", "--budget", "70", "--reserve", "10")
    ran = run(*options, "--explain")
    header, *rows = [line for line in ran.err.splitlines() if not line.startswith("warning")]
    assert "section      tokens  share  items  why" == header
    found = run(*options, "--explain", "--json").json
    assert [f"{row['section']:<10} {row['tokens']:>8}" for row in found["explain"]] == [
        row[:19] for row in rows[: len(found["explain"])]
    ]
    tokens, total = found["tokens"], found["explain"][0]["tokens"]
    assert f"system     {total:>8} {total / 70:>6.1%}      1  the conversation's own instructions" == rows[0]
    assert any(row.startswith("query") and row.endswith("         the new message") for row in rows)
    assert f"total      {tokens:>8} {tokens / 70:>6.1%}         of 70, 10 of it for the answer" in rows
    assert rows[len(found["explain"]) + 1].endswith(f"the whole conversation, {name[:8]}")
    assert rows[-1].startswith("left out")
    assert rows[-1].endswith(": 2–6")
    assert {"explain"} == {*found} - {*run(*options, "--json").json}
    assert "" == run(*options[:-4], "--budget", "900").err


def test_who_asks_to_be_quiet_is_not_told_that_a_context_fills_up(run: Run) -> None:
    """JSON holds the warnings all the same."""
    started(run, 40)
    options = ("context", "@last", "--query", "And?", "--budget", "300")
    assert run(*options).err.startswith("warning: the conversation is ")
    assert "" == run(*options, "-q").err
    assert 1 == len(run(*options, "-q", "--json").json["warnings"])


def test_an_estimate_is_called_one(run: Run) -> None:
    """Where a model's tokenizer is not public, unless one asked to be quiet."""
    started(run)
    assert "a careful estimate" in run("context", "@last", "--model", "claude-x").err
    assert "" == run("context", "@last", "--model", "claude-x", "-q").err == run("context", "@last").err


def test_text_for_commands_that_read_text(run: Run) -> None:
    """A transcript, each speaker under a name."""
    started(run, 1)
    assert (
        "User: Is hotel 0 by the river?\n\nAssistant: Hotel 0 is on a hill."
        in run("context", "@last", "--format", "text").out
    )
    assert "## User\n\nIs hotel 0" in run("context", "@last", "--format", "markdown").out


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("What is the capital of Peru?", []),
        ("When is my flight?", ["flight"]),
        ("Which food for the dogs?", ["work/food", "dog"]),
        ("is the?", ["flight", "dog"]),
    ],
)
def test_memories_are_those_that_share_what_the_question_is_about(query: str, found: list[str], run: Run) -> None:
    """The words of its key, its namespace and its value; stop words only where there is nothing else."""
    run("memory", "set", "dog", "the dog is called Rex")
    run("memory", "set", "flight", "the flight to Oslo is at nine")
    run("memory", "set", "food", "Rice for dogs", "--namespace", "work")
    started(run, 1)
    assert found == run("context", "@last", "--query", query, "--json").json["sections"]["memory"]["refs"]


def test_a_batch_answers_each_line_in_order(run: Run) -> None:
    """The JSON object with the request's id; errors stay in their line; the messages are in the form asked for."""
    name = started(run)
    requests = [
        {"id": 1, "conversation": name, "query": "Where?", "budget": 500},
        {"id": "two", "conversation": name, "query": "Where?", "budget": 3},
        {"id": 3, "conversation": "nowhere"},
        {"id": 4, "conversation": name, "format": "gemini", "reserve": 10, "model": "gemini-2.5-pro"},
        {"id": 5},
        {"id": 6, "conversation": name, "budget": "many"},
        {"id": 7, "conversation": name, "colour": 1},
    ]
    stdin = "\n".join([*map(json.dumps, requests), "not json"])
    answers = [json.loads(line) for line in run("context", "--batch", "-", stdin=stdin).lines]
    assert [1, "two", 3, 4, 5, 6, 7, None] == [answer["id"] for answer in answers]
    kinds = [answer.get("error", {}).get("kind") for answer in answers]
    assert [None, "budget", "not_found", None, "usage", "usage", "usage", "usage"] == kinds
    assert "Where?" == answers[0]["messages"][-1]["content"]
    assert {"role", "parts"} == {*answers[3]["messages"][0]}
    assert "'colour' is not a key of a request" == answers[6]["error"]["message"]


def test_a_request_of_a_batch_may_ask_for_redaction(run: Run) -> None:
    """Of that request alone; where all are redacted, one cannot ask for the plain words."""
    name = started(run)
    run("add", name, "my mail is ann@example.com, what next?", "--role", "user")
    asked = [{"conversation": name}, {"conversation": name, "redact": True}, {"conversation": name, "redact": False}]
    stdin = "\n".join([*map(json.dumps, asked), json.dumps({"conversation": name, "redact": "yes"})])
    said = run("context", "--batch", "-", stdin=stdin).lines
    assert [True, False, True, False] == ["ann@example.com" in line for line in said]
    assert "usage" == json.loads(said[3])["error"]["kind"]
    assert not any("ann@example.com" in line for line in run("context", "--batch", "-", "--redact", stdin=stdin).lines)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("context",), 2), (("context", "nowhere"), 3), (("context", "@last", "--format", "csv"), 2),
     (("context", "@last", "--budget", "0"), 2), (("context", "--batch", "x"), 2)],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(arguments: tuple[str, ...], code: int, run: Run) -> None:
    """One sentence and the right code."""
    started(run)
    assert (code, "") == (run(*arguments).code, run(*arguments).out)


def test_an_empty_conversation_has_nothing_to_send(run: Run) -> None:
    """Unless there is a query."""
    run("new", "--title", "Empty")
    assert 2 == run("context", "@last").code
    assert [{"role": "user", "content": "Hello"}] == run("context", "@last", "--query", "Hello").json


def test_settings_and_flags_say_budget_and_form(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag wins over the environment; a table of the settings is no form of a context."""
    started(run)
    monkeypatch.setenv("CHATLOG_BUDGET", "123")
    assert 123 == run("context", "@last", "--json").json["budget"]
    assert 400 == run("context", "@last", "--json", "--budget", "400").json["budget"]
    monkeypatch.setenv("CHATLOG_FORMAT", "csv")
    assert isinstance(run("context", "@last").json, list)
    assert ENVELOPE - {*run("context", "@last", "--json").json}
