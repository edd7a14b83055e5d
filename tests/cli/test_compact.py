"""Tests of `chatlog compact`, `chatlog ask` and a message's importance on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from ..conftest import Run
from .helpers import SOURCES, refused
from .test_context import started


def test_compact_summarises_and_says_what(run: Run) -> None:
    """One item a conversation: what was covered, by which summaries."""
    name = started(run, 30)
    dry = run("compact", name, "--dry-run", "--json").json["items"]
    assert '"type":"summary"' not in run("export", "--to", "jsonl").out
    (item,) = run("compact", name, "--json").json["items"]
    assert (dry[0]["from_seq"], dry[0]["to_seq"]) == (item["from_seq"], item["to_seq"])
    assert ["rolling"] == [made["kind"] for made in item["summaries"]]
    assert run("context", name, "--json", "--query", "So?").json["sections"]["summary"]["tokens"] > 0
    assert "nothing beyond the recent turns" in run("compact", name).out


def test_due_takes_those_that_fill_their_window(run: Run) -> None:
    """The others are not even named; without ids, filters or --due nothing is done."""
    long, short = started(run, 40), started(run, 2)
    found = run("compact", "--due", "--budget", "800", "--json").json["items"]
    assert [long] == [item["id"] for item in found]
    assert short not in str(found)
    assert 2 == run("compact").code


def test_a_conversation_where_no_user_speaks_is_left_as_it_is(run: Run) -> None:
    """There is no exchange to end a summary at; the others are compacted all the same."""
    alone = run("new", "--id-only").lines[0]
    for number in range(6):
        run("add", alone, "--role", "assistant", f"Step {number} of the long run, and what came of it.")
    ran = run("compact", alone, "--due", "--budget", "20", "--json")
    assert (0, []) == (ran.code, [item["summaries"] for item in ran.json["items"] if item["summaries"]])


def test_a_failing_summariser_is_code_four_and_leaves_all(run: Run) -> None:
    """The item says why, and nothing is stored."""
    name = started(run, 30)
    ran = run("compact", name, "--summarizer", "exit 9")
    assert (4, True) == (ran.code, "failed with code 9" in ran.out)
    assert '"type":"summary"' not in run("export", "--to", "jsonl").out


def test_each_that_failed_is_named(run: Run) -> None:
    """With its reason; the error counts them, and the dry run says what would be done."""
    names = [started(run, 3) for _ in range(2)]
    ran = run("compact", *names, "--keep", "0", "--dry-run")
    assert [f"{name}\tnormal\t2–7\t6\t0\twould be summarised" for name in names] == ran.lines
    for some, said in (
        (names, "2 conversations were not summarised"),
        (names[:1], "1 conversation was not summarised"),
    ):
        ran = run("compact", *some, "--keep", "0", "--summarizer", "exit 3")
        assert (4, True) == (ran.code, f"error: {said}: " in ran.err)
        assert [True] * len(some) == [f"warning: {name}: " in ran.err for name in some]


def test_a_summary_says_who_made_it_without_the_key_that_it_took(run: Run) -> None:
    """A command line that is kept goes out with every export."""
    name, secret = started(run, 30), "sk-ant-" + "api03-abcDEF123456_abcDEF-123456abcAA"
    run("compact", name, "--summarizer", f"echo They met. # {secret}")
    kept = run("export", "--to", "jsonl").out
    assert (True, False) == ("echo They met. # [REDACTED:anthropic_key]" in kept, secret in kept)


def test_ask_keeps_question_and_answer(run: Run) -> None:
    """The command reads the context and its answer is printed as it is."""
    name = started(run, 1)
    command = "python3 -c \"import json,sys; print('heard', json.load(sys.stdin)[-1]['content'])\""
    assert "heard Why?\n" == run("ask", name, "Why?", "--with", command).out
    assert ["Why?", "heard Why?"] == [made["text"] for made in run("show", name, "--json").json["messages"][-2:]]
    assert "User: And?" in run("ask", name, "-", "--with", "cat", "--as", "text", stdin="And?").out


@pytest.mark.parametrize(("command", "kept"), [("printf half; exit 3", ["half"]), ("true", []), ("exit 1", [])])
def test_an_answer_that_breaks_off_is_kept_as_far_as_it_came(command: str, kept: list[str], run: Run) -> None:
    """It is marked, and the call fails."""
    name = started(run, 1)
    ran = run("ask", name, "Why?", "--with", command, "--json")
    refused(ran, 4, "command")
    answers = [made for made in run("show", name, "--json").json["messages"] if made["seq"] > 4]
    assert kept == [made["text"] for made in answers]
    assert all(made["metadata"]["interrupted"] for made in answers)


def test_a_person_sees_where_an_answer_breaks_off(run: Run) -> None:
    """Its line is ended, and what went wrong is kept with it; that the context fills up is said before."""
    name = started(run, 30)
    ran = run("ask", name, "Why?", "--with", "cat > /dev/null; printf part; exit 3", "--budget", "300")
    assert ("part\n", 4) == (ran.out, ran.code)
    assert "warning: the conversation is" in ran.err
    (answer,) = run("show", name, "-n", "1", "--json").json["messages"]
    assert {"interrupted": True, "reason": "the command ended with code 3"} == answer["metadata"]


def test_a_question_that_cannot_fit_is_not_added(run: Run) -> None:
    """The budget is looked at first."""
    name = started(run, 1)
    assert 8 == run("ask", name, "Why? " * 50, "--with", "cat", "--budget", "20").code
    assert 3 == run("show", name, "--json").json["conversation"]["messages"]


def test_a_question_for_no_command_is_not_added(run: Run) -> None:
    """--with "$LLM" of a variable that is not set is refused before anything is kept."""
    name = started(run, 1)
    refused(run("ask", name, "Why?", "--with", " ", "--json"), 2, "usage")
    assert 3 == run("show", name, "--json").json["conversation"]["messages"]


def test_a_question_that_waits_is_asked_again_and_not_added_again(run: Run) -> None:
    """The command failed, the question was kept, and the same call does what it says: it asks again."""
    name = started(run, 1)
    assert 4 == run("ask", name, "Why?", "--with", "exit 1").code
    assert "So." in run("ask", name, "Why?", "--with", "echo So.").out
    assert "So." in run("ask", name, "Why?", "--with", "echo So.").out  # that one had its answer: a new question
    said = [made["text"] for made in run("show", name, "--json").json["messages"][3:]]
    assert ["Why?", "So.", "Why?", "So."] == said


def test_an_answer_stands_behind_what_was_said_meanwhile(run: Run) -> None:
    """Neither hides the other, as two branches would."""
    name = started(run, 1)
    add = f"{sys.executable} -m chatlog add {name} --role user 'And one thing more' >/dev/null; echo So."
    assert "So.\n" == run("ask", name, "Why?", "--with", f"PYTHONPATH={SOURCES} {add}").out
    said = [made["text"] for made in run("show", name, "--json").json["messages"][3:]]
    assert ["Why?", "And one thing more", "So."] == said


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="a signal of POSIX")
def test_an_answer_is_kept_where_the_terminal_is_closed(run: Run) -> None:
    """Being told to end is an interruption like any other."""
    name = started(run, 1)
    asking = subprocess.Popen(
        [sys.executable, "-m", "chatlog", "ask", name, "Why?", "--with", "echo half; exec sleep 60"],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(SOURCES)},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509  nohup ignores it
    )  # fmt: skip
    assert asking.stdout is not None
    assert b"half\n" == asking.stdout.readline()
    asking.send_signal(signal.SIGHUP)
    asking.communicate(timeout=60)
    last = run("show", name, "--json").json["messages"][-1]
    assert (129, "half", {"interrupted": True}) == (asking.returncode, last["text"], last["metadata"])


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="groups of POSIX")
def test_what_answers_ends_with_whoever_asked(run: Run) -> None:
    """All of a pipeline, where no terminal would tell it: who waits for its output waits no longer."""
    name = started(run, 1)
    asking = subprocess.Popen(
        [sys.executable, "-m", "chatlog", "ask", name, "Why?", "--with", "(echo half; sleep 300) | cat; sleep 300"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(SOURCES)},
        start_new_session=True,
    )  # fmt: skip
    assert asking.stdout is not None
    assert b"half\n" == asking.stdout.readline()
    asking.send_signal(signal.SIGTERM)
    assert (b"", b"") == asking.communicate(timeout=60)
    assert 143 == asking.returncode


def test_a_blank_question_is_none(run: Run) -> None:
    """Nothing is added, nobody is asked; and half an answer ends its line before the error."""
    name = started(run, 1)
    assert 2 == run("ask", name, " \n", "--with", "echo So.").code
    assert 3 == run("show", name, "--json").json["conversation"]["messages"]
    assert "half\n" == run("ask", name, "Why?", "--with", "printf half; exit 3").out


def test_importance_is_shown_and_set(run: Run) -> None:
    """By the rules, then by hand, then by the rules again."""
    name = started(run, 1)
    run("add", name, "--role", "user", "I prefer the blue one.")

    def worth() -> tuple[str, str]:
        (found,) = run("show", f"{name}:4", "--importance", "--json").json["messages"]
        return found["importance"], found["importance_reason"]

    assert ("keep", "preference") == worth()
    assert "[keep: preference]" in run("show", name, "--importance").out
    assert (
        "discard"
        == json.loads(run("set", f"{name}:4", "--importance", "discard", "--json").out)["message"]["importance"]
    )
    assert ("discard", "set by hand") == worth()
    run("set", f"{name}:4", "--importance", "auto")
    assert ("keep", "preference") == worth()
    assert [2, 2, 2, 3] == [
        run(*call).code
        for call in (
            ("set", name, "--importance", "keep"),
            ("set", f"{name}:4", "--importance", "high"),
            ("set", f"{name}:4", "--importance", "keep", "--pin"),
            ("set", f"{name}:99", "--importance", "keep"),
        )
    ]


def test_a_pinned_turn_is_sent_when_it_is_old(run: Run) -> None:
    """It stands at the head, under its label."""
    name = started(run, 60)
    run("set", f"{name}:2", "--importance", "keep")
    found = run("context", name, "--budget", "500", "--query", "zebra", "--json").json
    assert [f"{name}:2"] == found["sections"]["kept"]["refs"]
    assert "User: Is hotel 0 by the river?" in found["messages"][1]["content"]


def exchanged(run: Run, count: int, said: str, answered: str) -> str:
    """Return a conversation of so many exchanges."""
    name = run("new", "--id-only").lines[0]
    for number in range(count):
        run("add", name, "--role", "user", f"{number}: {said}")
        run("add", name, "--role", "assistant", f"{number}: {answered}")
    return name


HOTEL = "I would rather stay at the hotel with the garden, which is near the river and the old market. " * 3
COSTS = "It costs 140 euros a night in May, breakfast included, and is closed on Mondays in winter. " * 3


def test_a_conversation_summarised_to_its_end_goes_out_as_its_summary(run: Run) -> None:
    """Nothing stays verbatim, and there is something to send all the same, whatever the form."""
    name = exchanged(run, 6, HOTEL, COSTS)
    run("compact", name, "--keep", "0", "--budget", "100")
    found = run("context", name, "--budget", "4000", "--json").json
    assert ({f"{name}:1-12"}, []) == ({*found["sections"]["summary"]["refs"]}, found["sections"]["recent"]["refs"])
    assert "hotel with the garden" in str(found["messages"])
    for form in ("anthropic", "gemini", "responses", "text"):
        for budget in ("60", "400"):
            assert 0 == run("context", name, "--budget", budget, "--format", form).code


@pytest.mark.parametrize("is_due", [True, False])
def test_a_question_that_waits_is_never_summarised(is_due: bool, run: Run) -> None:
    """However few exchanges are to stay: it goes out as it was asked."""
    name = exchanged(run, 6, HOTEL, COSTS)
    run("add", name, "--role", "user", "Is there a ferry?")
    (item,) = run("compact", name, "--keep", "0", "--budget", "100", *["--due"][:is_due], "--json").json["items"]
    assert 12 == item["to_seq"]
    assert "Is there a ferry?" == run("context", name, "--budget", "4000").json[-1]["content"][-17:]


def test_what_is_shorter_than_its_summary_goes_out_whole(run: Run) -> None:
    """A summary of a few words would only add to them; of many it stands for them."""
    short, long = exchanged(run, 6, "And then?", "Then this."), exchanged(run, 6, HOTEL, COSTS)
    for name, expected in (
        (short, [f"{short}:{seq}" for seq in range(1, 13)]),
        (long, [f"{long}:{seq}" for seq in range(9, 13)]),
    ):
        run("compact", name, "--keep", "2", "--budget", "100")
        sections = run("context", name, "--budget", "4000", "--json").json["sections"]
        assert expected == sections["recent"]["refs"]
        assert (name == long) == bool(sections["summary"]["tokens"])
