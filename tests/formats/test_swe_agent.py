"""Tests of SWE-agent's trajectories: the history, its steps beside it or alone, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, swe_agent
from chatlog.formats.source import file_source
from chatlog.models import LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, messages, said, sample, source_of

FIXTURE = DATA / "swe_agent" / "run.traj"
CTF = "swe_agent/SWE-agent__SWE-agent__trajectories_demonstrations_ctf_web_i_got_id_demo.traj"
CALLING = (
    "swe_agent/SWE-agent__SWE-agent__trajectories_demonstrations_replay__marshmallow-code__marshmallow-1867"
    "__function_calling_replace_from_source_marshmallow-code__marshmallow-1867.traj"
)


def fixture() -> list[Record]:
    return checked(swe_agent.read(file_source(FIXTURE)))


def read(run: Any) -> list[Record]:
    return checked(swe_agent.read(source_of(json.dumps(run), "run.traj")))


def test_facts_of_a_run() -> None:
    """The run is called after its file and keeps its environment, outcome, configuration and model."""
    (draft,) = conversations(fixture())
    assert ("run", "gpt-4o") == (draft.title, draft.model)
    assert str(draft.source_id).startswith("run-")
    info = {"exit_status": "submitted", "submission": "diff", "model_stats": {"instance_cost": 0.5, "tokens_sent": 9}}
    config = {"agent": {"model": {"name": "gpt-4o"}}}
    assert {"environment": "swe_main", "info": info, "replay_config": config} == draft.metadata


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (1, "role", "system"),
        (2, "hidden", True),
        (2, "metadata", {"hidden_reason": "demonstration"}),
        (3, "role", "user"),
        (3, "text", "Fix it"),
        (4, "author", None),
        (
            4,
            "parts",
            (
                build.reasoning("Hm.", signature="s"),
                build.text("I list."),
                build.tool_call("t1", "bash", {"command": "ls"}),
            ),
        ),
        (4, "metadata", {"action": "ls\n", "execution_time": 0.5, "state": {"open_file": "n/a"}}),
        (5, "role", "tool"),
        (5, "parts", (build.tool_result("t1", "a.py"),)),
        (6, "author", "retry"),
        (6, "text", "I read.\n```\ncat a.py\n```"),
        (
            6,
            "metadata",
            {
                "thought": "Other words",
                "action": "cat a.py",
                "execution_time": 0.25,
                "state": {"open_file": "a.py"},
            },
        ),
        (7, "role", "tool"),
    ],
)
def test_messages(number: int, field: str, value: Any) -> None:
    """Prompts, answers with their calls, states and results keep what they say; a demonstration is hidden."""
    found: MessageDraft = messages(fixture())[number - 1]
    assert value == getattr(found, field)


def test_steps_without_a_history() -> None:
    """Where there is no history, each step's answer and observation are messages."""
    run = json.loads(FIXTURE.read_text())
    records = read({"trajectory": run["trajectory"]})
    assert [("assistant", "I list."), ("tool", ""), ("assistant", "I read."), ("tool", "")] == said(records)
    assert (build.tool_result(None, "a.py"),) == messages(records)[1].parts


def test_copies_of_the_history() -> None:
    """What each step was asked with is counted as left out, and begins the run where there is no history."""
    run = json.loads(FIXTURE.read_text())
    first = [{"role": "system", "content": "SETTING"}, {"role": "user", "content": "Fix it"}]
    steps = [{**run["trajectory"][0], "query": first}, {**run["trajectory"][1], "messages": first}]
    told = LeftOut("copies of the history, as steps were asked with it", 2)
    assert told in read({**run, "trajectory": steps})
    assert said(fixture()) == said(read({**run, "trajectory": steps}))
    records = read({"trajectory": steps})
    assert [("system", "SETTING"), ("user", "Fix it"), ("assistant", "I list.")] == said(records)[:3]


def test_steps_that_no_answer_belongs_to() -> None:
    """Where steps and answers differ in number, the steps' times and states are counted as left out."""
    run = json.loads(FIXTURE.read_text())
    records = read({**run, "trajectory": run["trajectory"][:1]})
    assert LeftOut("times and states of steps that no answer is known to belong to", 1) in records


def test_the_same_run_again() -> None:
    """A run that went on keeps its id and those of its messages."""
    run = json.loads(FIXTURE.read_text())
    early = read({**run, "history": run["history"][:4], "trajectory": run["trajectory"][:1]})
    late = read(run)
    assert conversations(early)[0].source_id == conversations(late)[0].source_id
    ids = [message.source_id for message in messages(late)]
    assert ids[:4] == [message.source_id for message in messages(early)]


def test_several_attempts() -> None:
    """The chosen attempt is the active path, and the others are branches of it; each one's outcome is told."""

    def attempt(*said_so: str) -> dict[str, Any]:
        rows = [{"role": "user", "content": "Fix it", "agent": "main"}]
        steps = [{"action": words, "observation": "", "response": words, "execution_time": 1} for words in said_so]
        rows += [{"role": "assistant", "content": words, "agent": "main", "action": words} for words in said_so]
        return {"trajectory": steps, "history": rows, "info": {"exit_status": said_so[-1]}}

    tries = [attempt("look", "give up"), attempt("look", "submit"), attempt("look", "look again")]
    records = read({"attempts": tries, **tries[1]})
    assert swe_agent.sniff(head_of(source_of('{"attempts": ' + json.dumps(tries)[:-20])))
    user, look, submit, give_up, again = messages(records)
    assert ["Fix it", "look", "submit", "give up", "look again"] == [text for _, text in said(records)]
    assert {look.source_id} == {submit.parent, give_up.parent, again.parent}
    (draft,) = conversations(records)
    assert submit.source_id == draft.head
    assert user.parent is None
    assert [{"exit_status": end} for end in ("give up", "submit", "look again")] == draft.metadata["attempts"]


def test_sniff() -> None:
    """A trajectory is known by its steps or its history's agents; other files with a history are not."""
    assert swe_agent.sniff(head_of(file_source(FIXTURE)))
    rows = [{"role": "user", "content": "a", "agent": "main"}]
    assert swe_agent.sniff(head_of(source_of(json.dumps({"history": rows, "info": {}}))))
    for other in (
        {"history": [{"role": "user", "content": "a"}]},
        {"trajectory": [1, 2]},
        {"trajectory": [{"x": 1}]},
        [],
    ):
        assert not swe_agent.sniff(head_of(source_of(json.dumps(other))))


@pytest.mark.parametrize(("name", "count", "answers", "copies"), [(CTF, 43, 21, 0), (CALLING, 28, 13, 13)])
def test_real_files(name: str, count: int, answers: int, copies: int) -> None:
    """Real runs have the messages that the manifest counts, an answer for each step, with its state."""
    records = checked(swe_agent.read(file_source(sample(name))))
    spoken = [message for message in messages(records) if message.role == "assistant"]
    assert (count, answers) == (len(messages(records)), len(spoken))
    assert all(message.metadata["state"] for message in spoken)
    told = [record.entries for record in records if isinstance(record, LeftOut)]
    assert ([copies] * bool(copies), False) == (told, any(isinstance(record, Problem) for record in records))


# mini-swe-agent

CALLED = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
MINI = {
    "info": {
        "model_stats": {"instance_cost": 0.04, "api_calls": 1},
        "config": {"model": {"model_name": "deepseek/deepseek-chat"}},
        "mini_version": "2.3.0",
        "exit_status": "Submitted",
        "submission": "diff",
    },
    "messages": [
        {"role": "system", "content": "You are"},
        {"role": "user", "content": "Fix it"},
        {
            "content": "I look",
            "role": "assistant",
            "tool_calls": [CALLED],
            "function_call": None,
            "extra": {
                "actions": [{"command": "ls", "tool_call_id": "c1"}],
                "response": {"model": "deepseek-v4", "choices": [], "usage": {"prompt_tokens": 7}},
                "cost": 0.5,
                "timestamp": 1780680349.441,
            },
        },
        {
            "content": "<returncode>1</returncode>\n<output>\nx\n</output>",
            "extra": {"raw_output": "x\n", "returncode": 1, "timestamp": 1780680349.629, "exception_info": ""},
            "tool_call_id": "c1",
            "role": "tool",
        },
        {"role": "exit", "content": "diff", "extra": {"exit_status": "Submitted", "submission": "diff"}},
    ],
    "trajectory_format": "mini-swe-agent-1.1",
    "instance_id": "astropy__astropy-12907",
}


def mini(run: Any) -> list[Record]:
    return checked(swe_agent.read(source_of(json.dumps(run), "astropy__astropy-12907.traj.json")))


def test_a_run_of_the_mini_agent() -> None:
    """A run of mini-swe-agent is called after its file; its last row, which says how it ended, is hidden."""
    records = mini(MINI)
    (draft,) = conversations(records)
    assert ("astropy__astropy-12907", "deepseek/deepseek-chat") == (draft.title, draft.model)
    assert ["system", "user", "assistant", "tool", "system"] == [message.role for message in messages(records)]
    assert [False] * 4 + [True] == [message.hidden for message in messages(records)]


def test_what_the_mini_agent_notes_of_an_answer() -> None:
    """The model, time, usage and cost of an answer are taken from what was noted of it, the answer itself is not."""
    answer, result = messages(mini(MINI))[2:4]
    assert ("deepseek-v4", "2026-06-05T17:25:49.441Z") == (answer.model, answer.created_at)
    assert {"cost": 0.5, "usage": {"prompt_tokens": 7}} == answer.metadata
    assert (build.text("I look"), build.tool_call("c1", "bash", {"command": "ls"})) == answer.parts
    assert {"returncode": 1} == result.metadata


def test_outputs_that_the_mini_agent_sent_as_the_user() -> None:
    """What its first version sent as words of the user is a tool's where it is the output of a command."""
    rows = [
        {"role": "user", "content": "Fix it"},
        {"role": "assistant", "content": "THOUGHT: look\n\n```bash\nls\n```"},
        {"role": "user", "content": "<returncode>0</returncode>\n<output>\nx\n</output>"},
    ]
    run = {"info": {"exit_status": "Submitted"}, "messages": rows, "trajectory_format": "mini-swe-agent-1"}
    assert ["user", "assistant", "tool"] == [message.role for message in messages(mini(run))]


def test_the_mini_agent_is_recognised() -> None:
    """A run is known by its facts beside chat messages; another program's export of like keys is not one."""
    assert swe_agent.sniff(head_of(source_of(json.dumps(MINI), "a.traj.json")))
    assert swe_agent.sniff(head_of(source_of(json.dumps(MINI)[:250], "a.traj.json")))
    other = {"info": {"id": "ses_1"}, "messages": [{"info": {"exit_status": 1}, "parts": []}]}
    assert not swe_agent.sniff(head_of(source_of(json.dumps(other), "a.json")))


def test_a_damaged_row_of_the_mini_agent() -> None:
    """A row that is no message is a problem; the others are read."""
    records = mini({**MINI, "messages": [{"role": "user", "content": "Fix it"}, {"role": "alien"}, 3]})
    assert ["message 2", "message 3"] == [record.place for record in records if isinstance(record, Problem)]
