"""Tests of Antigravity's transcripts: steps in order and once, results paired to calls, what was added to a prompt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import antigravity, build
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, links, messages, said, sample, source_of

NAME = "5a1d0c3e-7b52-4c7e-9a51-0d2f6b8e4c10"
HOME = DATA / "antigravity" / "antigravity-cli"
LOGS = f"brain/{NAME}/.system_generated/logs"
FIXTURE = HOME / LOGS / "transcript_full.jsonl"
REAL = "other_agents/jazzyalex__agent-sessions__antigravity_cli_small.jsonl"
FLASH, SONNET = "Gemini 3.5 Flash (Medium)", "Claude Sonnet 4.6 (Thinking)"
OTHER = "0f3b7a42-1111-4222-8333-444455556666"


def fixture() -> list[Record]:
    return checked(antigravity.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def step(number: int, kind: str, source: str = "MODEL", **facts: Any) -> dict[str, Any]:
    moment = f"2026-06-26T21:16:{number:02d}Z"
    return {"step_index": number, "source": source, "type": kind, "status": "DONE", "created_at": moment, **facts}


def read_steps(*rows: Any) -> list[Record]:
    return checked(antigravity.read(source_of(json_lines(*rows))))


def results(records: list[Record]) -> list[tuple[str, str | None, str]]:
    found = [part for made in messages(records) if made.role == "tool" for part in made.parts or ()]
    return [(part["response"], part["id"], part["name"]) for part in found]


def test_facts_of_a_conversation() -> None:
    """It is called by its folder; its model is the last chosen, its folder the one commands ran in."""
    expected = ConversationDraft(
        source_id=NAME, created_at="2026-06-26T21:16:00.000Z", model=SONNET, project="/home/me/notes", head="step-15"
    )
    assert expected == conversations(fixture())[-1]


def test_order() -> None:
    """Steps stand by their numbers in a chain, one that came again once, one that only the shorter account has too."""
    expected = [f"step-{number}" for number in (0, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15)]
    assert list(zip(expected, [None, *expected], strict=False)) == links(fixture())


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("step-0", "role", "user"),
        ("step-0", "text", "Tidy the notes."),
        ("step-0", "hidden", False),
        ("step-0", "created_at", "2026-06-26T21:16:00.000Z"),
        ("step-2", "role", "assistant"),
        ("step-2", "text", "Let me look."),
        ("step-2", "model", FLASH),
        ("step-4", "role", "tool"),
        (
            "step-4",
            "parts",
            ({**build.tool_result("step-2-call-1", "3 a.md"), "name": "run_command"},),
        ),
        ("step-4", "metadata", {"step": "RUN_COMMAND"}),
        ("step-5", "role", "user"),
        ("step-5", "metadata", {"hidden_reason": "ephemeral_message"}),
        ("step-11", "hidden", True),
        ("step-12", "text", "And the rest?"),
        ("step-14", "metadata", {"status": "CANCELED", "truncated_fields": ["content"]}),
        ("step-14", "model", SONNET),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """Messages keep their words and facts; what Antigravity added to a prompt is not its text."""
    assert value == getattr(message(key), field)


def test_what_was_added_to_a_prompt_stays_in_its_parts() -> None:
    """The time and the settings are not lost."""
    (part,) = message("step-0").parts or ()
    assert part["content"].startswith("<USER_REQUEST>")
    assert "<ADDITIONAL_METADATA>" in part["content"]


def test_an_answer_keeps_its_thoughts_and_calls() -> None:
    """Calls get ids from the number of their step and their place in it."""
    arguments = {"CommandLine": "wc -l *", "Cwd": "/home/me/notes", "WaitMsBeforeAsync": 5000}
    assert (
        build.reasoning("Which files?"),
        build.text("Let me look."),
        build.tool_call("step-2-call-0", "list_dir", {"DirectoryPath": "/home/me/notes", "toolSummary": "List"}),
        build.tool_call("step-2-call-1", "run_command", arguments),
    ) == message("step-2").parts


def test_failures_answer_their_calls() -> None:
    """An invalid call and a denied one have their errors as results."""
    (invalid,), (denied,) = message("step-7").parts or (), message("step-10").parts or ()
    assert ("step-6-call-0", True, "Error invalid tool call: see above", "invalid tool call error: no such file") == (
        invalid["id"], invalid["is_error"], invalid["response"], invalid["error"],
    )  # fmt: skip
    assert ("step-8-call-0", True, "permission denied", "tidy_notes") == (
        denied["id"], denied["is_error"], denied["response"], denied["name"],
    )  # fmt: skip


def test_what_says_nothing_is_counted() -> None:
    """Empty steps are counted by type, and versions that a later one replaced."""
    assert {
        LeftOut("earlier versions of steps", 1),
        LeftOut("CONVERSATION_HISTORY steps without content", 1),
        LeftOut("PLANNER_RESPONSE steps without content", 1),
    } == {record for record in fixture() if isinstance(record, LeftOut)}


def test_the_shorter_account_is_left_out_beside_the_full_one() -> None:
    """It is read with the full one, so its own reading only says so."""
    beside = file_source(FIXTURE.with_name("transcript.jsonl"))
    assert [LeftOut("transcripts that transcript_full.jsonl tells in full", 1)] == list(antigravity.read(beside))


def test_the_shorter_account_alone(tmp_path: Path) -> None:
    """Arguments that are JSON within JSON say the same as those of the full one, under the same ids."""
    logs = tmp_path / LOGS
    logs.mkdir(parents=True)
    short = shutil.copy(FIXTURE.with_name("transcript.jsonl"), logs)
    records = checked(antigravity.read(file_source(Path(short))))
    assert [NAME] * 2 == [made.source_id for made in conversations(records)]
    assert message("step-2") == messages(records)[1]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": '"x"', "b": "[1]", "c": "true"}, {"a": "x", "b": [1], "c": True}),
        ({"a": '"one\\ntw\n<truncated 9 bytes>', "b": '"x"'}, {"a": "one\ntw\n<truncated 9 bytes>", "b": "x"}),
        ({"a": '"one\\\n<truncated 9 bytes>', "b": '"x"'}, {"a": '"one\\\n<truncated 9 bytes>', "b": "x"}),
        ({"a": '"quoted"', "b": "as typed"}, {"a": '"quoted"', "b": "as typed"}),
        ({"a": "12", "n": 5}, {"a": "12", "n": 5}),
        ('{"a": 1}', {"a": 1}),
        (None, None),
    ],
)
def test_arguments(value: Any, expected: Any) -> None:
    """Only where all are JSON within JSON they are taken out of it, as far as one that was cut goes."""
    (made,) = messages(read_steps(step(1, "PLANNER_RESPONSE", tool_calls=[{"name": "f", "args": value}])))
    assert (build.tool_call("step-1-call-0", "f", expected),) == made.parts


def test_results_are_paired_by_number_then_by_name_and_never_to_an_older_answer() -> None:
    """A result without a call is kept under its type."""
    calls = [{"name": name, "args": {}} for name in ("view_file", "list_dir", "mcp_thing")]
    records = read_steps(
        step(0, "PLANNER_RESPONSE", tool_calls=calls),
        step(2, "GENERIC", content="the second"),
        step(4, "SYSTEM_MESSAGE", "SYSTEM", content="hm"),
        step(5, "VIEW_FILE", content="the first"),
        step(6, "GENERIC", content="the third"),
        step(7, "GENERIC", content="one too many"),
        step(8, "PLANNER_RESPONSE", tool_calls=calls[:1]),
        step(9, "PLANNER_RESPONSE", tool_calls=calls[1:2]),
        step(12, "VIEW_FILE", content="a stranger"),
        step(13, "LIST_DIRECTORY", content="late"),
    )
    assert [
        ("the second", "step-0-call-1", "list_dir"),
        ("the first", "step-0-call-0", "view_file"),
        ("the third", "step-0-call-2", "mcp_thing"),
        ("one too many", None, "GENERIC"),
        ("a stranger", None, "VIEW_FILE"),
        ("late", "step-9-call-0", "list_dir"),
    ] == results(records)


@pytest.mark.parametrize(
    ("content", "text", "reason"),
    [
        ("as typed", "as typed", None),
        ("<USER_REQUEST>\na </USER_REQUEST> b\n</USER_REQUEST>", "a </USER_REQUEST> b", None),
        ("<USER_REQUEST>\n\n</USER_REQUEST>\n<FILES>\nx\n</FILES>", "", "no words of the user"),
        ("go on\n<ADDITIONAL_METADATA>\nx\n</ADDITIONAL_METADATA>", "go on", None),
    ],
)  # fmt: skip
def test_prompts(content: str, text: str, reason: str | None) -> None:
    """The text is what was typed; where nothing was, the message is hidden."""
    (made,) = messages(read_steps(step(0, "USER_INPUT", "USER_EXPLICIT", content=content)))
    assert (text, reason) == (made.text, made.metadata.get("hidden_reason"))
    assert content == (made.parts or [build.text(made.text)])[0]["content"]


def test_what_the_user_only_did_is_hidden() -> None:
    """Steps that are implied are nobody's words."""
    (made,) = messages(read_steps(step(0, "VIEW_FILE", "USER_IMPLICIT", content="a.md")))
    assert ("user", {"hidden_reason": "view_file", "source": "USER_IMPLICIT"}) == (made.role, made.metadata)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("from None to Gemini 3.5 Flash (Medium).\n</USER_SETTINGS_CHANGE>", FLASH),
        ("from None to Gemini 3.5 Flash (Medium). No need to comment.\n</USER_SETTINGS_CHANGE>", FLASH),
        ("from None to Gemini 3.5 Flash</USER_SETTINGS_CHANGE>", "Gemini 3.5 Flash"),
        ("from None to", None),
    ],
)
def test_the_model_is_the_one_chosen(named: str, expected: str | None) -> None:
    """Its name is read from Antigravity's note, never from what the user typed."""
    typed = "<USER_REQUEST>\n`Model Selection` from A to B.\n</USER_REQUEST>\n<USER_SETTINGS_CHANGE>\n"
    content = f"{typed}The user changed setting `Model Selection` {named}"
    records = read_steps(step(0, "USER_INPUT", content=content), step(1, "PLANNER_RESPONSE", content="Hi."))
    assert [None, expected] == [made.model for made in messages(records)]


def test_a_number_that_comes_again_is_another_step() -> None:
    """What is no later version is kept in the order of the file, under a name of its own."""
    records = read_steps(
        step(0, "USER_INPUT", content="one"),
        step(1, "PLANNER_RESPONSE", content="two"),
        {**step(0, "USER_INPUT", content="three"), "created_at": "[trimmed]"},
        {**step(0, "USER_INPUT", content="four"), "created_at": "[trimmed]"},
    )
    assert [("step-0", "one"), ("step-1", "two"), ("step-0#2", "three"), ("step-0#3", "four")] == [
        (made.source_id, made.text) for made in messages(records)
    ]


def test_a_conversation_that_another_began() -> None:
    """The message it opens with names its parent, a task's does not."""
    content = f"<SYSTEM_MESSAGE>\n[Message] timestamp=x sender={OTHER} priority=HIGH content=Look."
    records = read_steps(step(0, "SYSTEM_MESSAGE", "SYSTEM", content=content))
    assert [OTHER, OTHER] == [made.parent for made in conversations(records)]
    task = content.replace(OTHER, f"{OTHER}/task-3")
    assert [None, None] == [
        made.parent for made in conversations(read_steps(step(0, "SYSTEM_MESSAGE", "SYSTEM", content=task)))
    ]


@pytest.mark.parametrize(
    ("file", "notes"),
    [
        ("last_conversations.json", {"/home/me/talks": OTHER}),
        ("conversation_metadata.json", {"conversations": {OTHER: {"summary": {"WorkspaceURIs": ["file:///home/me/talks"]}}}}),
        ("conversation_metadata.json", {"conversations": []}),
        ("last_conversations.json", "{"),
    ],
)  # fmt: skip
def test_the_folder_of_a_conversation_without_commands(tmp_path: Path, file: str, notes: Any) -> None:
    """Antigravity's own notes tell it, where they can be read."""
    logs = tmp_path / "brain" / OTHER / ".system_generated" / "logs"
    logs.mkdir(parents=True)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / file).write_text(json.dumps(notes))
    transcript = logs / "transcript.jsonl"
    transcript.write_text(json_lines(step(0, "USER_INPUT", content="Hi.")))
    records = checked(antigravity.read(file_source(transcript)))
    expected = "/home/me/talks" if OTHER in json.dumps(notes) else None
    assert expected == conversations(records)[-1].project


def test_sniffing() -> None:
    """A step is known by its number, its type and where it comes from, behind a damaged first line too."""
    assert antigravity.sniff(head_of(file_source(FIXTURE)))
    assert antigravity.sniff(
        head_of(source_of('{"step_index": 0, "sou\n' + json_lines(step(1, "GENERIC", content="x"))))
    )
    for other in ({"step_index": 1, "type": "step"}, {"type": "USER_INPUT", "source": "MODEL"}, {"step_id": 1}):
        assert not antigravity.sniff(head_of(source_of(json_lines(other))))


def test_a_broken_step_loses_only_itself() -> None:
    """A step that cannot be read is told with its place."""
    records = read_steps(
        step(0, "USER_INPUT", content="Hi."), {"step_index": 1}, [1], step(2, "GENERIC", content=["x"])
    )
    assert {"line 2", "line 3", "line 4"} == {record.place for record in records if isinstance(record, Problem)}


def test_a_longer_transcript_adds_to_a_shorter_one() -> None:
    """What was read stays as it was, under the same ids and the same conversation."""
    rows = FIXTURE.read_text().splitlines(keepends=True)
    begun, gone_on = (checked(antigravity.read(source_of("".join(part)))) for part in (rows[:3], rows[:8]))
    assert messages(begun) == messages(gone_on)[:2]
    assert conversations(begun)[0].source_id == conversations(gone_on)[0].source_id


def test_a_real_transcript() -> None:
    """The sample's steps are all kept, its first request visible, the calls it shows answered."""
    records = checked(antigravity.read(file_source(sample(REAL))))
    assert 18 == len(messages(records))
    assert ("user", "List the files.") == said(records)[0]
    assert [FLASH] == [made.model for made in conversations(records) if made.head]
    assert ["step-2-call-0", None, None, "step-8-call-0"] == [found[1] for found in results(records)][:4]
    assert [LeftOut("CONVERSATION_HISTORY steps without content", 1)] == [
        record for record in records if isinstance(record, LeftOut)
    ]
