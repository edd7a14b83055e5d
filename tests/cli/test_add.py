"""`chatlog add`: what it takes, in which forms, and what a repeated or late call does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Run

from .helpers import DATABASE, LISBON, everything, refused

OPENAI = [
    {"role": "user", "content": "What is 6 times 7?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "times", "arguments": '{"a": 6, "b": 7}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "42"},
    {"role": "assistant", "content": "42."},
]
ANTHROPIC = [
    {"role": "user", "content": "What is 6 times 7?"},
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "c1", "name": "times", "input": {"a": 6, "b": 7}},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "42"}]},
]
CALL = {"type": "tool_call", "id": "c1", "name": "times", "arguments": {"a": 6, "b": 7}}


def shown(run: Run, *options: str) -> list[Any]:
    return list(run("show", LISBON, "--json", *options).json["messages"])


def test_a_new_conversation_is_that_of_its_messages(run: Run) -> None:
    """It has the model that spoke in it; a parent in the input is one where it comes from."""
    said = [{"role": "user", "text": "Hi"}, {"role": "assistant", "text": "Hello", "model": "m-1", "parent": 7}]
    run("add", "--new", "--json", "-", stdin=json.dumps(said))
    found = run("show", "@last", "--json").json
    assert ("m-1", [None, 1]) == (found["conversation"]["model"], [one["parent"] for one in found["messages"]])


def test_a_retry_that_starts_a_conversation_starts_none(run: Run) -> None:
    """The same key, by the option or in the input, gives the message that it gave the first time."""
    calls = (("--role", "user", "Hi", "--key", "k"), ("--json", "-"))
    for call in calls:
        added = [run("add", "--new", *call, stdin='{"role": "user", "text": "Ho", "key": "j"}').out for _ in range(2)]
        assert added[0] == added[1] != ""
    assert 2 == run("list", "--json").json["total"]


def test_text_from_stdin_is_without_what_frames_it(trip: Run) -> None:
    """An editor's mark at the beginning and the end of the last line are not of the text; blanks and lines are."""
    trip("add", LISBON, "-", "--role", "user", stdin="\ufeff  one\r\n\r\ntwo \r\n")
    assert "  one\r\n\r\ntwo " == shown(trip)[-1]["text"]


def test_text_is_added_and_its_reference_printed(trip: Run) -> None:
    """The reference is CONV:SEQ, and the words, role, author and model are kept."""
    ran = trip("add", "@last", "--role", "assistant", "--author", "Ana", "--model", "m1", "By the river.")
    assert (0, f"{LISBON}:3\n", "") == (ran.code, ran.out, ran.err)
    last = shown(trip)[-1]
    assert ("assistant", "Ana", "m1", "By the river.", 2) == tuple(
        last[key] for key in ("role", "author", "model", "text", "parent")
    )


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_text_comes_from_stdin(arguments: tuple[str, ...], trip: Run) -> None:
    """With `-`, or with no text in a pipe, stdin is the text, without its last line end."""
    trip("add", LISBON, *arguments, "--role", "user", stdin="two\nlines\n")
    assert "two\nlines" == shown(trip)[-1]["text"]


def test_an_empty_message_is_refused(trip: Run) -> None:
    """A model that answered nothing leaves nothing behind, and the script is told."""
    refused(trip("add", LISBON, "--role", "assistant", "--format", "json", stdin="\n"), 2, "usage")
    assert 2 == len(shown(trip))


def test_a_new_conversation_is_started_with_it(run: Run) -> None:
    """--new makes the database and the conversation, which is titled after the first words."""
    ran = run("add", "--new", "--role", "user", "Plan a trip to Lisbon")
    listed = run("list", "--json").json["items"]
    assert [("Plan a trip to Lisbon", 1)] == [(item["title"], item["messages"]) for item in listed]
    assert f"{listed[0]['id']}:1\n" == ran.out


def test_messages_in_openai_form_keep_their_tool_calls(trip: Run) -> None:
    """An array goes in as one: calls and results become parts, paired by id; the envelope holds what was stored."""
    found = trip("add", LISBON, "--json", "-", stdin=json.dumps(OPENAI)).json
    assert [f"{LISBON}:{seq}" for seq in (3, 4, 5, 6)] == [item["ref"] for item in found["items"]]
    user, call, result, answer = shown(trip)[2:]
    assert ("What is 6 times 7?", None) == (user["text"], user["parts"])
    assert [CALL] == call["parts"]
    assert ("tool", "c1", "42") == (result["role"], result["parts"][0]["id"], result["parts"][0]["response"])
    assert "42." == answer["text"]


def test_messages_in_anthropic_form_keep_their_tool_calls(trip: Run) -> None:
    """Blocks become parts; a user message that only carries results is a tool message."""
    trip("add", LISBON, "--json", "-", stdin=json.dumps(ANTHROPIC))
    user, call, result = shown(trip)[2:]
    assert "What is 6 times 7?" == user["text"]
    assert ("Let me see.", [{"type": "text", "content": "Let me see."}, CALL]) == (call["text"], call["parts"])
    assert ("tool", "c1", "42") == (result["role"], result["parts"][0]["id"], result["parts"][0]["response"])


def test_a_message_in_chatlog_form_comes_back_as_it_went_in(trip: Run) -> None:
    """What `show` prints can be added elsewhere; content and hash are the same."""
    trip("add", LISBON, "--json", "-", stdin=json.dumps(OPENAI[1]))
    first = shown(trip)[-1]
    second = trip("add", DATABASE, "--json", "-", stdin=json.dumps(first)).json["message"]
    same = ("role", "text", "parts", "model", "sha256", "created_at")
    assert [first[key] for key in same] == [second[key] for key in same]
    assert f"{DATABASE}:2" == second["ref"]


def test_an_api_s_answer_is_a_message(trip: Run) -> None:
    """The body of a chat completion can be piped in as it comes."""
    answer = {"model": "gpt-5", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}}]}
    found = trip("add", LISBON, "--json", "-", stdin=json.dumps(answer)).json["message"]
    assert ("assistant", "Hello.") == (found["role"], found["text"])


def test_references_of_json_messages_can_be_printed_one_a_line(trip: Run) -> None:
    """--format ids beside --json: messages in JSON go in, references come out."""
    ran = trip("add", LISBON, "--json", "-", "--format", "ids", stdin=json.dumps(OPENAI[:2]))
    assert f"{LISBON}:3\n{LISBON}:4\n" == ran.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"role": "user", "content": "SECRETWORD"', "not valid JSON (line 1"),
        ('["SECRETWORD"]', "message 1 is not a JSON object"),
        ('[{"role": "user", "content": "ok"}, {"role": "SECRETWORD", "content": "x"}]', "message 2 has no role"),
        ('{"role": "user"}', "neither text nor content"),
        ("[]", "no message"),
        ('{"error": {"message": "SECRETWORD"}}', "API's error"),
        ("[" * 2000, "not valid JSON"),
    ],
)
def test_json_that_is_no_message_is_refused_by_place(content: str, said: str, trip: Run) -> None:
    """Nothing of a bad input is stored, not even the good part of it; the error names the place, not the words."""
    before = everything(trip)
    ran = trip("add", LISBON, "--json", "-", stdin=content)
    refused(ran, 2, "usage")
    assert said in ran.error["message"]
    assert "SECRETWORD" not in ran.err
    assert before == everything(trip)


def test_a_repeated_key_adds_nothing(trip: Run) -> None:
    """The same call with the same --key prints the reference of the first time and writes nothing."""
    call = ("add", LISBON, "--role", "user", "--key", "job-42", "once")
    first = trip(*call)
    before = everything(trip)
    again = trip(*call)
    assert (0, f"{LISBON}:3\n") == (again.code, again.out)
    assert first.out == again.out
    assert before == everything(trip)


def test_a_repeated_key_wins_over_a_stale_revision(trip: Run) -> None:
    """A retry after a lost answer is answered, though its --if-revision is now old."""
    revision = str(trip("show", LISBON, "--json").json["conversation"]["revision"])
    call = ("add", LISBON, "--role", "user", "--key", "job-42", "--if-revision", revision, "once")
    assert [f"{LISBON}:3\n"] * 2 == [trip(*call).out, trip(*call).out]


def test_a_key_of_other_words_is_refused_for_good(trip: Run) -> None:
    """Another try with the same key fails as well: a script that tries again what is retryable must not."""
    trip("add", LISBON, "--role", "user", "--key", "job-42", "once")
    before = everything(trip)
    ran = trip("add", LISBON, "--role", "user", "--key", "job-42", "twice", "--json")
    refused(ran, 1, "conflict")
    assert (False, before) == (ran.error["retryable"], everything(trip))


def test_a_key_with_new_starts_one_conversation(run: Run) -> None:
    """--new with a --key is safe to repeat, too."""
    call = ("add", "--new", "--role", "user", "--key", "job-1", "hello")
    assert run(*call).out == run(*call).out
    assert 1 == run("list", "--json").json["total"]


def test_a_stale_revision_is_refused(trip: Run) -> None:
    """--if-revision writes only where nobody wrote since: exit code 1, nothing stored, a retry is worth it."""
    current = trip("show", LISBON, "--json").json["conversation"]["revision"]
    before = everything(trip)
    stale = trip("add", LISBON, "--role", "user", "x", "--if-revision", str(current - 1), "--json")
    refused(stale, 1, "conflict")
    assert stale.error["retryable"] is True
    assert before == everything(trip)
    assert 0 == trip("add", LISBON, "--role", "user", "x", "--if-revision", str(current)).code


def test_a_parent_starts_a_branch(trip: Run) -> None:
    """--parent answers an earlier message; the new branch is the active one and the old one is kept."""
    trip("add", LISBON, "--role", "assistant", "--parent", "1", "Another answer.")
    assert [1, 3] == [message["seq"] for message in shown(trip)]
    assert [1, 2, 3] == [message["seq"] for message in shown(trip, "--all-branches")]
    assert [1, 2] == [message["seq"] for message in shown(trip, "--branch", "2")]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", f"{LISBON}:1", "--role", "user", "And?"),
        ("ask", f"{LISBON}:1", "And?", "--with", "cat"),
        ("context", f"{LISBON}:1"),
    ],
)
def test_nobody_goes_on_from_an_earlier_message_unawares(arguments: tuple[str, ...], trip: Run) -> None:
    """CONV:SEQ is the conversation where SEQ is its last message; of any other it is said what goes on from there."""
    before = everything(trip)
    ran = trip(*arguments)
    assert (2, "", before) == (ran.code, ran.out, everything(trip))
    assert f"chatlog fork {LISBON}:1" in ran.err
    assert 3 == trip(arguments[0], f"{LISBON}:9", *arguments[2:]).code
    assert 0 == trip(arguments[0], f"{LISBON}:2", *arguments[2:]).code


def test_a_retry_behind_a_message_that_was_the_last_is_answered(trip: Run) -> None:
    """A repeated --key wins over a reference that is no longer the last one, and so does --parent."""
    call = ("add", f"{LISBON}:2", "--role", "user", "once")
    assert [f"{LISBON}:3\n"] * 2 == [trip(*call, "--key", "job-42").out for _ in range(2)]
    assert f"{LISBON}:4\n" == trip(*call, "--parent", "2").out


def test_nothing_is_guessed_about_who_speaks(trip: Run) -> None:
    """Text without --role is refused with what to say."""
    ran = trip("add", LISBON, "hello")
    assert (2, "") == (ran.code, ran.out)
    assert "--role user" in ran.err
