"""Tests of files of role-and-content messages: reading every envelope, writing fine-tuning lines."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.formats import build, detect, openai_content, openai_messages
from chatlog.formats.source import Source, file_source, stream_source
from chatlog.models import LeftOut, MessageDraft, Problem, Record

from .making import (
    DATA,
    SAMPLES,
    conversations,
    head_of,
    json_lines,
    links,
    messages,
    said,
    sample,
    source_of,
    stored,
    talk,
)

FIXTURES = DATA / "openai_messages"
DRONE = "openai_messages/eunseo-com__openai-cookbook__examples_data_drone_training.jsonl"
MATHS = "openai_messages/jxnl__instructor__examples_distilations_math_finetunes.jsonl"
AIRLINE = "openai_messages/sierra-research__tau-bench__historical_trajectories_gpt-4o-airline.json"
HELLO = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}]


def read(text: str | bytes, name: str = "chat.jsonl") -> list[Record]:
    return list(openai_messages.read(source_of(text, name)))


def read_file(path: Path) -> list[Record]:
    return list(openai_messages.read(file_source(path)))


def written(*drafts: MessageDraft) -> list[dict[str, Any]]:
    return list(openai_messages.to_wire(stored(*drafts)))


def call(call_id: str | None, name: str = "look", **arguments: Any) -> dict[str, Any]:
    return build.tool_call(call_id, name, arguments)


def asked(*calls: dict[str, Any], text: str = "") -> MessageDraft:
    parts = (*([build.text(text)] if text else []), *calls)
    return MessageDraft(role="assistant", text=text, parts=parts)


def answered(call_id: str | None, response: Any = "42") -> MessageDraft:
    return MessageDraft(role="tool", parts=(build.tool_result(call_id, response),))


def user(text: str) -> MessageDraft:
    return MessageDraft(role="user", text=text)


# Real files


@pytest.mark.parametrize(
    ("name", "talks", "count"),
    [(DRONE, 103, 309), (MATHS, 10, 30), (AIRLINE, 200, 5308)],
    ids=["drone", "maths", "air"],
)
def test_real_files_are_read_whole(name: str, talks: int, count: int) -> None:
    """Every conversation and message of the real files is read, each under an id of its own."""
    path = sample(name)

    records = read_file(path)

    assert "openai_messages" == detect(file_source(path))
    assert (talks, count) == (len(conversations(records)), len(messages(records)))
    assert talks + count == len(records)
    assert talks == len({draft.source_id for draft in conversations(records)})


def test_a_real_call_has_arguments_and_tools() -> None:
    """A fine-tuning line's call has its arguments as an object, and its tools are kept."""
    records = read_file(sample(DRONE))

    assert (build.tool_call("call_id", "takeoff_drone", {"altitude": 100}),) == messages(records)[2].parts
    assert {"parallel_tool_calls", "tools"} == set(conversations(records)[0].metadata)


def test_a_real_legacy_call_is_a_tool_call() -> None:
    """The older function_call becomes a tool call under an invented id."""
    assert (build.tool_call("call-1", "Multiply", {"a": 540, "b": 677, "result": 1217}),) == messages(
        read_file(sample(MATHS))
    )[2].parts


def test_a_real_trajectory_keeps_its_score_and_its_results() -> None:
    """A tau-bench run keeps task, reward and trial, and each result names its call and tool."""
    records = read_file(sample(AIRLINE))
    first = conversations(records)[0]
    result = next(message for message in messages(records) if message.role == "tool")

    assert {"task_id": 0, "reward": 0.0, "trial": 0} == {
        key: first.metadata[key] for key in ("task_id", "reward", "trial")
    }
    assert "call_oIHazX6yQrB8hUwl4cRilFKj" == (result.parts or ())[0]["id"]
    assert "get_user_details" == result.author


def test_other_formats_are_left_alone() -> None:
    """No real file of another format is taken for this one (Cline's messages are of this form)."""
    if not SAMPLES.exists():
        pytest.skip("the real files are not beside this repository")
    files = [path for path in SAMPLES.rglob("*") if path.is_file()]

    taken = {path.parent.name for path in files if openai_messages.sniff(head_of(file_source(path)))}

    assert {"openai_messages", "cline"} == taken


# Recognising


@pytest.mark.parametrize(
    "value",
    [
        {"messages": HELLO},
        {"tools": [{"a": {"role": 1}}], "messages": HELLO},
        {"conversations": HELLO, "id": "x"},
        {"task_id": 1, "traj": HELLO},
        {"custom_id": "a", "body": {"model": "m", "messages": HELLO}},
        {"custom_id": "a", "response": {"body": {"choices": []}}},
        {"prompt": "p", "chosen": "c", "rejected": "r"},
        {"prompt": [{"role": "user", "content": "p"}], "completion": HELLO[1:]},
        {"input": {"messages": HELLO}, "preferred_output": HELLO[1:]},
        {"id": "chatcmpl-1", "model": "m", "choices": [{"message": HELLO[1]}]},
        HELLO,
        [HELLO],
        [{"messages": HELLO}],
        HELLO[0],
        {"system": "s", "messages": HELLO},
        {"messages": [{"role": "assistant", "tool_calls": []}]},
    ],
)
def test_every_envelope_is_recognised(value: Any) -> None:
    """A source is recognised by its keys, compact or laid out over lines."""
    for text in (json.dumps(value), json.dumps(value, indent=2), "\ufeff\n" + json.dumps(value)):
        assert openai_messages.sniff(head_of(source_of(text)))


@pytest.mark.parametrize(
    "value",
    [
        {"conversations": [{"from": "human", "value": "Hello"}]},
        {"conversationId": "c", "messages": [{"messageId": "m", "text": "Hello", "sender": "User"}]},
        {"history": {}, "messages": HELLO},
        {"mapping": {"a": {"message": {"role": "user", "content": {}}}}},
        {"uuid": "u", "chat_messages": [{"sender": "human", "content": []}]},
        {"sessionId": "s", "messages": [{"id": "1", "type": "user", "content": "Hello"}]},
        {"role": "user", "parts": [{"text": "Hello"}]},
        {"type": "user", "message": {"role": "user", "content": "Hello"}},
        {"instruction": "i", "input": "x"},
        {"prompt": "p", "response": 200},
        {"prompt": {"a": 1}, "response": "r"},
        {"rows": [1, 2]},
        [],
        [1, 2],
    ],
)
def test_what_is_not_of_the_form_is_refused(value: Any) -> None:
    """Sources of other formats are not claimed, however alike their keys are."""
    assert not openai_messages.sniff(head_of(source_of(json.dumps(value))))


def test_what_is_no_json_is_refused() -> None:
    """Text, nothing and binary data are not claimed."""
    for data in (b"", b"role: user", b"SQLite format 3\x00{", b"\x1f\x8b{"):
        assert not openai_messages.sniff(head_of(source_of(data)))


def test_a_first_line_longer_than_the_head_is_recognised() -> None:
    """Long definitions or a long first message before the rest do not hide the form."""
    long = "x" * 70_000
    for value in ({"messages": [{"content": long, "role": "system"}]}, {"tools": [long], "messages": HELLO}):
        assert openai_messages.sniff(head_of(source_of(json.dumps(value))))


# Records


@pytest.mark.parametrize("key", ["messages", "conversations", "conversation", "items", "traj"])
def test_a_record_is_a_conversation(key: str) -> None:
    """The messages under each known key become a conversation, in order and linked."""
    records = read(json_lines({key: HELLO, "score": 0, "note": None, "title": "Greeting", "model": "m-1"}))
    first, second = messages(records)
    draft = conversations(records)[0]

    assert [("user", "Hello"), ("assistant", "Hi!")] == said(records)
    assert (None, first.source_id) == (first.parent, second.parent)
    assert ("Greeting", "m-1", {"score": 0}) == (draft.title, draft.model, draft.metadata)


def test_times_as_programs_of_the_web_name_them() -> None:
    """A message says when it was said, as databases or as programs of the web call that."""
    for key in ("created_at", "createdAt", "timestamp"):
        (made,) = messages(read(json_lines({"messages": [{**HELLO[0], key: "2026-01-31T10:00:00Z"}]})))
        assert ("2026-01-31T10:00:00.000Z", {}) == (made.created_at, made.metadata)


def test_a_history_and_nothing_else() -> None:
    """Messages under `history` are a conversation where nothing else is there, as other programs have it."""
    source = source_of(json.dumps({"history": HELLO}))
    assert openai_messages.sniff(head_of(source))
    records = list(openai_messages.read(source))
    assert [("user", "Hello"), ("assistant", "Hi!")] == said(records)
    assert [None] == [draft.title for draft in conversations(records)]


def test_conversations_under_their_names() -> None:
    """An object of lists of messages, as small programs keep their chats, has a conversation under each name."""
    for told in (
        {"First": HELLO, "Second": HELLO[:1], "Empty": []},
        {"Empty": [], "First": HELLO, "Second": HELLO[:1]},
    ):
        source = source_of(json.dumps(told, indent=2))
        assert openai_messages.sniff(head_of(source))
        assert openai_messages.sniff(head_of(source_of(json.dumps(told))))
        records = list(openai_messages.read(source))
        assert ["First", "Second"] == [draft.title for draft in conversations(records)]
        assert [*[("user", "Hello"), ("assistant", "Hi!")], ("user", "Hello")] == said(records)
    other = {"First": HELLO, "settings": {"a": 1}}
    assert [] == conversations(list(openai_messages.read(source_of(json.dumps(other)))))


def test_two_answers_that_were_compared() -> None:
    """Two conversations that begin alike, as arenas compare them, are one with two ends, the first the shown one."""
    other = [HELLO[0], {"role": "assistant", "content": "Hey"}]
    source = source_of(json_lines({"conversation_a": HELLO, "conversation_b": other, "winner": "model_a"}))
    assert openai_messages.sniff(head_of(source))
    records = list(openai_messages.read(source))
    assert [("user", "Hello"), ("assistant", "Hi!"), ("assistant", "Hey")] == said(records)
    assert messages(records)[1].source_id == conversations(records)[0].head


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"messages": HELLO}, {"messages": HELLO[:1]}]),
        json.dumps([{"messages": HELLO}, {"messages": HELLO[:1]}], indent=2),
        json.dumps([HELLO, HELLO[:1]]),
        json_lines(HELLO, HELLO[:1]),
        json_lines({"messages": HELLO}, {"messages": HELLO[:1]}).replace("\n", "\r\n"),
        json.dumps({"messages": HELLO}) + json.dumps({"messages": HELLO[:1]}),
    ],
)
def test_lines_and_arrays_read_the_same(text: str) -> None:
    """Two conversations are read the same from lines, arrays and arrays of arrays."""
    records = read(text)

    assert 2 == len(conversations(records))
    assert [("user", "Hello"), ("assistant", "Hi!"), ("user", "Hello")] == said(records)


def test_a_laid_out_document_named_jsonl_is_one_document() -> None:
    """A single pretty-printed object is read as one, whatever its name says."""
    for text in (
        json.dumps({"messages": HELLO}, indent=2),
        '{"messages": [\n  {"role": "user", "content": "Hello"}\n]}',
    ):
        assert ("user", "Hello") == said(read(text))[0]


def test_reading_again_gives_the_same_ids() -> None:
    """Ids come from the content alone, so that a second reading finds every message again."""
    text = json_lines({"messages": HELLO}, {"messages": [{"role": "user", "content": "Other"}]})

    assert read(text, "one.jsonl") == read(text, "two.jsonl")


def test_a_repeated_conversation_is_numbered() -> None:
    """The same conversation three times in a file is three conversations, numbered in order."""
    ids = [draft.source_id or "" for draft in conversations(read(json_lines(*[{"messages": HELLO}] * 3)))]

    assert [ids[0], ids[0] + "-2", ids[0] + "-3"] == ids


def test_an_own_id_is_used_only_where_it_could_be_unique() -> None:
    """A long id names the conversation; a row number is kept as a fact and names nothing."""
    records = read(json_lines({"id": "identity_0", "messages": HELLO}, {"id": "17", "messages": HELLO}))
    named, numbered = conversations(records)

    assert ("identity_0", {}) == (named.source_id, named.metadata)
    assert (True, {"id": "17"}) == ((numbered.source_id or "").startswith("h-"), numbered.metadata)


def test_an_id_that_several_records_have() -> None:
    """Records of one id that begin alike are one conversation, as one that was logged while it grew; others are not."""
    system, bye = {"role": "system", "content": "Be kind."}, {"role": "user", "content": "Bye"}
    records = read(json_lines(*(
        {"id": "identity", "messages": [system, *told]} for told in (HELLO[:1], HELLO, [bye])
    )))  # fmt: skip
    assert ["identity", "identity", "identity-2"] == [draft.source_id for draft in conversations(records)]
    talks = read(json_lines(*({"session_id": "talk", "messages": [told]} for told in (HELLO[0], bye))))
    assert {"talk"} == {draft.source_id for draft in conversations(talks)}


def test_a_system_prompt_beside_the_messages_comes_first() -> None:
    """Anthropic's system, as our own export writes it, becomes the first message."""
    records = read(json_lines({"system": "Be kind.", "messages": HELLO}))

    assert [("system", "Be kind."), ("user", "Hello"), ("assistant", "Hi!")] == said(records)


def test_preferences_become_branches() -> None:
    """The chosen answer is the active leaf, and the rejected one stands beside it."""
    records = read_file(FIXTURES / "preference.jsonl")
    drafts, river = conversations(records), messages(records)[4:7]

    assert 3 == len(drafts)
    assert [("user", "Name a river."), ("assistant", "The Tagus."), ("assistant", "Rivers are wet.")] == said(river)
    assert river[1].source_id == drafts[1].head
    assert river[0].source_id == river[1].parent == river[2].parent
    assert [("user", "Name a sea."), ("assistant", "The Aral Sea."), ("assistant", "Lake Garda.")] == said(records)[7:]
    assert {"tools": [], "parallel_tool_calls": True} == drafts[0].metadata


def test_batch_files_are_read() -> None:
    """A batch's requests and answers are conversations; a failed request is reported without its words."""
    records = read_file(FIXTURES / "batch.jsonl")
    request, answer = conversations(records)
    first, second = messages(records)[2:]

    assert [("system", "You tell the capital."), ("user", "Portugal?")] == said(records)[:2]
    assert ("gpt-4o-mini", "ask-1", 0) == (
        request.model,
        request.metadata["custom_id"],
        request.metadata["temperature"],
    )
    assert ("Lisbon.", "chatcmpl-Lisboa01", "gpt-4o-mini-2026") == (first.text, first.source_id, first.model)
    assert ("2026-10-26T07:33:20.000Z", 20, "stop") == (
        first.created_at,
        first.metadata["usage"]["total_tokens"],
        first.metadata["finish_reason"],
    )
    assert ("Lisboa.", None, None) == (second.text, second.parent, second.metadata.get("usage"))
    assert first.source_id == answer.head
    assert [Problem("line 3", "holds no messages of a known shape")] == [r for r in records if isinstance(r, Problem)]


QUESTION, ANSWER = HELLO


@pytest.mark.parametrize(
    "record",
    [
        {"input": [QUESTION], "output": ANSWER, "model": "m"},
        {"input": [QUESTION], "output": "Hi!", "model": "m"},
        {"prompt": [QUESTION], "response": ANSWER},
        {"prompt": [QUESTION], "response": "Hi!"},
        {"prompt": "Hello", "response": "Hi!"},
        {"messages": [QUESTION], "response": "Hi!"},
    ],
)
def test_a_log_of_a_request_and_its_answer(record: dict[str, Any]) -> None:
    """What was asked is a message under whichever key it stands, and so is an answer that is words alone."""
    text = json_lines(record)

    assert openai_messages.sniff(head_of(source_of(text)))
    assert [("user", "Hello"), ("assistant", "Hi!")] == said(read(text))


def test_words_beside_an_answer_are_no_second_one() -> None:
    """Where the messages end in an answer, other words of a record stay what the record says of them."""
    records = read(json_lines({"messages": HELLO, "response": "passed"}))

    assert [("user", "Hello"), ("assistant", "Hi!")] == said(records)
    assert {"response": "passed"} == conversations(records)[0].metadata


def test_a_request_of_the_responses_api() -> None:
    """A request that was saved is read with its instructions, its calls and their results."""
    items = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
    ]
    text = json.dumps({"model": "gpt-5", "instructions": "Be kind.", "input": items})
    records = read(text)

    assert openai_messages.sniff(head_of(source_of(text)))
    assert [("system", "Be kind."), ("user", "Hello"), ("assistant", ""), ("tool", "")] == said(records)
    assert (build.tool_call("c1", "look", {}),) == messages(records)[2].parts
    assert (build.tool_result("c1", "42"),) == messages(records)[3].parts
    assert "gpt-5" == conversations(records)[0].model


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"index": 0, "message": ANSWER}], "system_fingerprint": "fp_44709d6fcb"},
        {"output": [ANSWER], "system_fingerprint": "fp_44709d6fcb"},
    ],
)
def test_what_else_an_answer_in_a_batch_says_is_kept(body: dict[str, Any]) -> None:
    """Facts of an answer's body are kept as those of its envelope are."""
    records = read(json_lines({"custom_id": "a", "response": {"request_id": "r", "body": body}}))

    assert [("assistant", "Hi!")] == said(records)
    assert {"custom_id": "a", "request_id": "r", "system_fingerprint": "fp_44709d6fcb"} == conversations(records)[
        0
    ].metadata


# One message a line


def test_messages_with_conversation_ids_are_sorted_into_them() -> None:
    """Lines of interleaved conversations are put each into its own, with time, author and model."""
    records = read_file(FIXTURES / "log.jsonl")
    first, second, third, fourth = messages(records)

    assert ["ticket-17", "ticket-18"] == [draft.source_id for draft in conversations(records)]
    assert ["ticket-17", "ticket-17", "ticket-18", "ticket-17"] == [
        m.conversation for m in (first, second, third, fourth)
    ]
    assert second.source_id == fourth.parent
    assert third.parent is None
    assert ("mo", "2026-10-01T08:00:00.000Z") == (first.author, first.created_at)
    assert ("gpt-5-mini", {"usage": {"total_tokens": 12}}) == (second.model, second.metadata)
    assert "2026-10-01T08:01:40.000Z" == third.created_at


@pytest.mark.parametrize("form", [json_lines, lambda *values: json.dumps(values)])
def test_a_file_of_messages_is_one_conversation_that_grows(form: Any) -> None:
    """A file that has grown gives the old conversation and messages again, and the new ones after them."""
    more = {"role": "user", "content": "Still there?"}

    before, after = read(form(*HELLO), "log.jsonl"), read(form(*HELLO, more), "log.jsonl")

    assert before == after[: len(before)]
    assert [("user", "Still there?")] == said(after[len(before) :])
    assert (conversations(before)[0].source_id or "").startswith("log-")
    assert messages(before)[-1].source_id == messages(after)[-1].parent


def test_two_files_that_begin_alike_are_two_conversations() -> None:
    """The file's name is part of the conversation's id."""
    ids = {conversations(read(json_lines(*HELLO), name))[0].source_id for name in ("a.jsonl", "dir/b.jsonl")}

    assert 2 == len(ids)


def test_own_ids_of_messages_are_kept() -> None:
    """A message's own id is used, and the next one's parent is that id."""
    assert [("m1", None), ("m2", "m1")] == links(read(json_lines({"id": "m1", **HELLO[0]}, {"id": "m2", **HELLO[1]})))


def test_an_id_that_all_lines_share_is_not_a_messages_own() -> None:
    """Lines that repeat one id stay apart."""
    records = messages(read(json_lines(*({"id": "same", **value} for value in [*HELLO, *HELLO]))))

    assert 4 == len({message.source_id for message in records})


def test_numbers_that_start_again_do_not_overwrite() -> None:
    """Where message numbers begin anew in the middle of a file, every message is still kept."""
    numbered = [{"id": number, "role": "user", "content": str(at)} for at, number in enumerate([1, 2, 1, 2, 3])]

    ids = [message.source_id or "" for message in messages(read(json_lines(*numbered)))]

    assert ["1", "2", "3"] == [ids[0], ids[1], ids[4]]
    assert 5 == len(set(ids))


def test_reading_lines_never_waits_for_the_end() -> None:
    """Messages come out while an endless file is still being read."""

    class Endless(io.RawIOBase):
        line = json.dumps(HELLO[0]).encode() + b"\n"
        rest = b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.rest = self.rest or self.line
            chunk, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
            buffer[: len(chunk)] = chunk
            return len(chunk)

    source = Source(name="endless.jsonl", opener=lambda: io.BufferedReader(Endless()))

    records = list(itertools.islice(openai_messages.read(source), 5000))

    assert 4999 == len({message.source_id for message in messages(records)})


def test_standard_input_is_read_whole() -> None:
    """A stream that can be read only once loses nothing to being recognised first."""
    source = stream_source(io.BytesIO(json_lines(*HELLO * 3000).encode()))

    assert "openai_messages" == detect(source)
    assert 6000 == len(messages(openai_messages.read(source)))


# What cannot be read


def test_a_broken_line_does_not_stop_the_rest() -> None:
    """Each unreadable line is a problem of its own and the others are read."""
    records = read(json_lines({"messages": HELLO}) + '{"messages": [\n' + "7\n" + json_lines({"messages": HELLO[:1]}))

    assert ["line 2", "line 3"] == [record.place for record in records if isinstance(record, Problem)]
    assert 2 == len(conversations(records))


@pytest.mark.parametrize(
    "value",
    [
        {"role": "wizard", "content": "hush"},
        {"role": ["user"], "content": "hush"},
        {"role": "user"},
        {"role": "user", "content": 7},
        {"role": "user", "content": [7]},
        {"role": "user", "content": [{"type": "text", "text": ["hush"]}]},
        {"role": "assistant", "tool_calls": ["hush"]},
        "hush",
    ],
)
def test_a_broken_message_does_not_stop_its_conversation(value: Any) -> None:
    """An unreadable message is reported by its place, without its words, and the rest is linked."""
    records = read(json_lines({"messages": [HELLO[0], value, HELLO[1]]}))
    problems = [record for record in records if isinstance(record, Problem)]

    assert ["line 1, message 2"] == [problem.place for problem in problems]
    assert "hush" not in problems[0].reason
    assert messages(records)[0].source_id == messages(records)[1].parent


def test_empty_conversations_are_counted() -> None:
    """Records with no messages are left out and the report says how many."""
    records = read(json_lines({"messages": HELLO}, {"messages": []}, {"messages": []}))

    assert LeftOut("conversations without messages", 2) == records[-1]
    assert 1 == len(conversations(records))


KEYS = st.sampled_from(
    [
        "role",
        "content",
        "messages",
        "prompt",
        "chosen",
        "choices",
        "message",
        "response",
        "body",
        "tool_calls",
        "id",
        "function",
        "arguments",
        "image_url",
        "type",
        "text",
        "conversation_id",
        "system",
        "created",
        "title",
        "model",
    ]
)
WORDS = st.sampled_from(["user", "assistant", "tool", "text", "image_url", "tool_use", "input_audio", "file", "", "x"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)


@given(st.lists(ANYTHING, max_size=4))
def test_nothing_that_a_file_holds_stops_the_reader(values: list[Any]) -> None:
    """Whatever the lines hold, each is read, counted or a problem, and what can be read is linked."""
    records = read(json_lines(*values))

    known = {None, *(message.source_id for message in messages(records))}
    assert all(message.parent in known for message in messages(records))
    assert all(isinstance(record.source_id, str) for record in [*conversations(records), *messages(records)])


def test_a_preference_beside_the_whole_dialogue_is_a_branch() -> None:
    """Where a record repeats the prompt in every list, the prompt is read once."""
    question, good, bad = ({"role": role, "content": role} for role in ("user", "assistant", "assistant"))
    bad = {**bad, "content": "no idea"}
    record = {"messages": [question, good], "chosen": [question, good], "rejected": [question, bad]}

    records = read(json_lines(record))

    assert [("user", "user"), ("assistant", "assistant"), ("assistant", "no idea")] == said(records)


# What a message says


def parts_of(**value: Any) -> tuple[dict[str, Any], ...]:
    return openai_content.message({"role": "user", **value}).parts or ()


def test_plain_text_needs_no_parts() -> None:
    """A message that is only text has no parts, in whichever way the text is given."""
    for content in ("Hello", [{"type": "text", "text": "Hello"}], [{"type": "text", "value": "Hello"}], ["Hello"]):
        assert MessageDraft(role="user", text="Hello") == openai_content.message({"role": "user", "content": content})


def test_images_and_sounds_become_references_and_blobs() -> None:
    """An image is a uri or, as a data URL, its bytes; a sound and a file are theirs."""
    content = [
        {"type": "text", "text": "See", "loss_weight": 0},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "mp3"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "hologram", "depth": 3},
    ]

    assert (
        {"type": "text", "content": "See", "loss_weight": 0},
        {"type": "uri", "uri": "https://example.org/a.png", "modality": "image", "detail": "low"},
        {"type": "blob", "mime_type": "image/png", "content": "QUJD", "modality": "image"},
        {"type": "blob", "mime_type": "audio/mp3", "content": "UklG", "modality": "audio"},
        {"type": "blob", "mime_type": "application/pdf", "content": "JVBE", "name": "a.pdf"},
        {"type": "hologram", "depth": 3},
    ) == parts_of(content=content)


def test_reasoning_stands_before_the_answer() -> None:
    """Reasoning under any of its names is a part, once, and not in the text."""
    made = openai_content.message(
        {"role": "assistant", "content": "4", "reasoning": "2+2", "reasoning_content": "2+2", "thinking": "sum"}
    )

    assert (build.reasoning("2+2"), build.reasoning("sum"), build.text("4")) == made.parts
    assert "4" == made.text


def test_a_refusal_is_read_as_what_was_said() -> None:
    """A refusal, in the content or beside it or both, is text marked as one."""
    blocks = [{"type": "refusal", "refusal": "No."}]
    beside = openai_content.message({"role": "assistant", "content": None, "refusal": "No."})
    inside = openai_content.message({"role": "assistant", "content": blocks})
    both = openai_content.message({"role": "assistant", "content": blocks, "refusal": "No."})

    assert ("No.", ({"type": "text", "content": "No.", "refusal": True},)) == (beside.text, beside.parts)
    assert beside == inside == both


def test_a_call_with_two_ids() -> None:
    """A call that has the id of the Responses API beside its own keeps both."""
    asked = {"id": "a", "call_id": "b", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    made = openai_content.message({"role": "assistant", "content": None, "tool_calls": [asked]})
    assert ({**build.tool_call("a", "look", {}), "call_id": "b"},) == made.parts


def test_what_else_a_called_function_says() -> None:
    """What a gateway adds to the function of a call, as the signature of a thought, is kept with the call."""
    signed = {"name": "look", "arguments": "{}", "provider_specific_fields": {"thought_signature": "c2ln"}}
    asked = {"id": "a", "type": "function", "function": signed}
    made = openai_content.message({"role": "assistant", "content": None, "tool_calls": [asked]})
    rest = {"provider_specific_fields": {"thought_signature": "c2ln"}}
    assert (build.tool_call("a", "look", {}, **rest),) == made.parts


def test_tool_calls_and_results_are_parts() -> None:
    """Arguments are parsed from JSON text or taken as an object; a result is not the message's text."""
    made = openai_content.message(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"x": 1}'}},
                {"id": "b", "type": "function", "function": {"name": "add", "arguments": {"x": 2}}},
                {"id": "c", "type": "custom", "custom": {"name": "run", "input": "ls"}},
                {"id": "d", "type": "function", "function": {"name": "add", "arguments": "{broken"}},
            ],
        }
    )
    result = openai_content.message({"role": "tool", "tool_call_id": "a", "content": "1"})

    assert [("a", {"x": 1}), ("b", {"x": 2}), ("c", "ls"), ("d", "{broken")] == [
        (part["id"], part["arguments"]) for part in made.parts or ()
    ]
    assert ("", (build.tool_result("a", "1"),)) == (result.text, result.parts)


def test_legacy_functions_are_paired_by_name() -> None:
    """A function's answer carries the id invented for the call of that name."""
    record = {
        "messages": [
            {"role": "assistant", "content": None, "function_call": {"name": "sun", "arguments": "{}"}},
            {"role": "assistant", "content": None, "function_call": {"name": "rain", "arguments": "{}"}},
            {"role": "function", "name": "rain", "content": "wet"},
            {"role": "function", "name": "sun", "content": "dry"},
        ]
    }

    drafts = messages(read(json_lines(record)))

    assert ["call-1", "call-2", "call-2", "call-1"] == [(draft.parts or ())[0]["id"] for draft in drafts]
    assert [("tool", "rain"), ("tool", "sun")] == [(draft.role, draft.author) for draft in drafts[2:]]


def test_facts_beside_the_content_are_kept() -> None:
    """Name, model, time and id have their places; everything else is metadata, a weight of 0 too."""
    made = openai_content.message(
        {
            "role": "assistant",
            "content": "Hi",
            "name": "Ada",
            "model": "m-1",
            "id": "m9",
            "created_at": "2026-05-01T10:00:00+02:00",
            "weight": 0,
            "annotations": [],
            "usage": {"total_tokens": 3},
        }
    )

    assert ("Ada", "m-1", "m9", "2026-05-01T08:00:00.000Z") == (
        made.author,
        made.model,
        made.source_id,
        made.created_at,
    )
    assert {"weight": 0, "usage": {"total_tokens": 3}} == made.metadata


def test_anthropic_blocks_in_a_file_are_read() -> None:
    """A log of Anthropic messages reads as calls and results too."""
    record = {
        "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "ls", "input": {"p": "."}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "a.txt"}]},
        ]
    }

    call_, result = messages(read(json_lines(record)))

    assert (build.tool_call("t1", "ls", {"p": "."}),) == call_.parts
    assert ("tool", (build.tool_result("t1", "a.txt"),)) == (result.role, result.parts)


# Writing


def test_a_conversation_is_one_line() -> None:
    """Each conversation with messages is one line of JSON; one without is none."""
    out = io.StringIO()

    openai_messages.write([(talk(), stored(user("Olá"))), (talk(), stored()), (talk(), stored(user("Bye")))], out)

    assert (
        '{"messages": [{"role": "user", "content": "Olá"}]}\n{"messages": [{"role": "user", "content": "Bye"}]}\n'
        == (out.getvalue())
    )


def test_a_call_and_its_result_are_written_as_the_api_wants_them() -> None:
    """A call has its arguments as JSON text and a name the API takes; the result follows under its id."""
    assert [
        {"role": "user", "content": "Weather?", "name": "Ann_Lee"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "web_run", "arguments": '{"q": "Ö"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "sun"},
        {"role": "assistant", "content": "Sunny."},
    ] == written(
        MessageDraft(role="user", text="Weather?", author="Ann Lee"),
        asked(call("c1", "web.run", q="Ö")),
        answered("c1", [{"type": "text", "text": "sun"}]),
        MessageDraft(role="assistant", text="Sunny."),
    )


def test_a_call_and_result_within_one_message_are_split() -> None:
    """What Claude.ai keeps in one message becomes assistant, tool, assistant."""
    mixed = (build.text("Let me look."), call("a"), build.tool_result("a", "seen"), build.text("There it is."))

    steps = written(user("Where?"), MessageDraft(role="assistant", text="Let me look.\n\nThere it is.", parts=mixed))

    assert [("user", "Where?"), ("assistant", "Let me look."), ("tool", "seen"), ("assistant", "There it is.")] == [
        (step["role"], step["content"]) for step in steps
    ]


def test_reasoning_and_hidden_messages_are_left_out() -> None:
    """Neither thoughts nor hidden messages are written, nor the results of hidden calls."""
    thinking = MessageDraft(role="assistant", text="Yes.", parts=(build.reasoning("hm"), build.text("Yes.")))
    hidden = MessageDraft(role="assistant", parts=(call("h"),), hidden=True)

    assert [{"role": "user", "content": "Really?"}, {"role": "assistant", "content": "Yes."}] == written(
        MessageDraft(role="system", text="secret", hidden=True),
        user("Really?"),
        MessageDraft(role="assistant", parts=(build.reasoning("only thoughts"),)),
        hidden,
        answered("h"),
        thinking,
    )


def order(*drafts: MessageDraft) -> list[str]:
    """Return the shape of what is written: roles, with the ids of calls and results."""
    return [
        " ".join(
            [
                step["role"],
                *(call["id"] for call in step.get("tool_calls", ())),
                *filter(None, [step.get("tool_call_id")]),
            ]
        )
        for step in written(*drafts)
    ]


def test_parallel_calls_in_messages_of_their_own_are_one_turn() -> None:
    """Two calls that follow each other unanswered are asked together, and both results follow."""
    assert ["assistant a b", "tool a", "tool b"] == order(
        asked(call("a")), asked(call("b")), answered("a"), answered("b")
    )


def test_what_is_said_between_a_call_and_its_result_waits() -> None:
    """A message that came in between moves behind the result."""
    assert ["assistant a", "tool a", "user", "assistant"] == order(
        asked(call("a")), user("quick!"), answered("a"), MessageDraft(role="assistant", text="ok")
    )


def test_an_unanswered_call_gets_a_stand_in_unless_it_is_the_last_thing() -> None:
    """A call that never got its result is answered by a note; at the end it stays open."""
    middle = written(asked(call("a")), user("next"), MessageDraft(role="assistant", text="ok"))

    assert ["assistant", "tool", "user", "assistant"] == [step["role"] for step in middle]
    assert {"role": "tool", "tool_call_id": "a", "content": "(no result was recorded)"} == middle[1]
    assert ["user", "assistant a"] == order(user("go"), asked(call("a")))


def test_calls_without_ids_or_with_repeated_ones_get_their_own() -> None:
    """Every call has an id of its own and each result the id of its call, in order."""
    assert ["assistant call_id", "tool call_id", "assistant call_id_2", "tool call_id_2"] == order(
        asked(call("call_id")), answered("call_id"), asked(call("call_id")), answered("call_id")
    )
    assert ["assistant call", "tool call"] == order(asked(call(None)), answered(None))


def test_an_id_the_api_would_refuse_is_replaced_on_both_sides() -> None:
    """A long or strange id becomes a short one, the same for call and result."""
    asked_, told = written(asked(call("ä" * 60)), answered("ä" * 60))

    assert asked_["tool_calls"][0]["id"] == told["tool_call_id"]
    assert told["tool_call_id"].isascii()
    assert 40 >= len(told["tool_call_id"])


def test_a_result_without_its_call_is_told_in_words() -> None:
    """A tool's answer whose call is not there is written as text, for no API takes it as a result."""
    assert [{"role": "user", "content": "Tool result:\n42"}] == written(answered("gone"))


def test_images_are_written_where_the_api_takes_them() -> None:
    """A user's image is an image part; an assistant's, or a file that is not there, is named in words."""
    parts = (build.text("See"), build.blob("image/png", "iVBORw0KGgo="), build.file("f1", "notes.txt"))

    assert [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "text", "text": "[file: notes.txt]"},
            ],
        },
        {"role": "assistant", "content": "See\n\n[image: image/png]\n\n[file: notes.txt]"},
    ] == written(
        MessageDraft(role="user", text="See", parts=parts), MessageDraft(role="assistant", text="See", parts=parts)
    )


def test_the_clean_text_is_written_where_the_parts_hold_another() -> None:
    """Where a source's own text differs from the readable one, the readable one is written."""
    raw = MessageDraft(role="assistant", text="It rains.", parts=(build.text("It rains.\ue200cite\ue201"),))

    assert [{"role": "assistant", "content": "It rains."}] == written(raw)


# Both ways

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
TURN = st.one_of(
    st.builds(lambda text: [MessageDraft(role="user", text=text)], TEXT),
    st.builds(lambda text: [MessageDraft(role="assistant", text=text)], TEXT),
    st.builds(
        lambda values, n: [
            asked(*(build.tool_call(f"n{n}-{i}", "tool", {"v": value}) for i, value in enumerate(values))),
            *(answered(f"n{n}-{i}", value) for i, value in enumerate(values)),
        ],
        st.lists(TEXT, min_size=1, max_size=3),
        st.integers(0, 10**9),
    ),
)


@given(st.lists(TURN, min_size=1, max_size=6, unique_by=repr))
def test_reading_what_was_written_gives_the_same_messages(turns: list[list[MessageDraft]]) -> None:
    """Role, text, calls and results survive being written and read again."""
    drafts = list(itertools.chain.from_iterable(turns))
    ids = [part["id"] for draft in drafts for part in draft.parts or () if part["type"] == "tool_call"]
    out = io.StringIO()
    openai_messages.write([(talk(), stored(*drafts))], out)

    again = messages(read(out.getvalue()))

    if len(ids) == len(set(ids)):
        assert [(d.role, d.text, d.parts) for d in drafts] == [(d.role, d.text, d.parts) for d in again]


def test_blocks_that_have_values() -> None:
    """LLaMA-Factory's thoughts, calls and results under ``value`` are what they are elsewhere."""
    call = {"name": "f", "arguments": '{"a": 1}'}
    answer = [
        {"type": "reasoning", "value": "rv"},
        {"type": "text", "value": "v2"},
        {"type": "tool_call", "value": json.dumps(call)},
        {"type": "tool_call", "value": "f(1)"},
    ]
    result = [{"type": "text", "value": "res"}]
    record = {"messages": [{"role": "assistant", "content": answer}, {"role": "tool", "content": result}]}
    expected = [
        {"type": "reasoning", "content": "rv"},
        {"type": "text", "content": "v2"},
        {"type": "tool_call", "id": "call-1", "name": "f", "arguments": {"a": 1}},
        {"type": "tool_call", "id": "call-2", "name": None, "arguments": "f(1)"},
        {"type": "tool_call_response", "id": "call-1", "response": "res"},
    ]
    found = messages(openai_messages.read(source_of(json.dumps(record))))
    assert expected == [part for message in found for part in message.parts or ()]


def test_what_an_agent_says_of_its_session() -> None:
    """Hermes' session files hold messages of this form beside when and where the session was."""
    spoken = [{"role": "user", "content": "Summarise."}, {"role": "assistant", "content": "Done."}]
    facts = {"session_id": "20260429_a", "session_start": "2026-04-29T20:00:00Z", "cwd": "/tmp/here", "model": "m"}
    found = conversations(openai_messages.read(source_of(json.dumps({**facts, "messages": spoken}))))[0]
    assert ("20260429_a", "2026-04-29T20:00:00.000Z", "/tmp/here", "m") == (
        found.source_id,
        found.created_at,
        found.project,
        found.model,
    )


def test_ids_that_name_the_speaker() -> None:
    """Lines whose id is the speaker's rather than the message's are messages of their own, one behind the other."""
    rows = [{"id": f"who-{n % 2}", "role": ("user", "assistant")[n % 2], "content": str(n)} for n in range(4)]
    found = messages(openai_messages.read(source_of(json_lines(*rows))))
    assert ["0", "1", "2", "3"] == [message.text for message in found]
    assert [None, *(message.source_id for message in found[:3])] == [message.parent for message in found]
    assert 4 == len({message.source_id for message in found})


def test_calls_that_are_numbered() -> None:
    """A call whose id is a number is answered by the result that names it, whichever comes first."""
    calls = [{"id": number, "function": {"name": "f", "arguments": "{}"}} for number in (1, 2)]
    results = [{"role": "tool", "tool_call_id": number, "content": str(number)} for number in (2, 1)]
    record = {"messages": [{"role": "assistant", "content": None, "tool_calls": calls}, *results]}
    found = messages(openai_messages.read(source_of(json.dumps(record))))
    assert ["1", "2", "2", "1"] == [part["id"] for message in found for part in message.parts or ()]
