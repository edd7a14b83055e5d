"""Tests of messages as scripts pipe them in: every form recognised, every mistake named."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.errors import UsageError
from chatlog.formats import build, wire
from chatlog.models import MessageDraft
from chatlog.records import message_record

from .making import stored

SECRET = "correct horse battery staple"


def one(value: Any) -> MessageDraft:
    (made,) = wire.drafts(value)
    return made


def test_chatlogs_own_form_is_taken_with_all_its_keys() -> None:
    """Each key of the form has its place in the draft; keys that are not known are metadata."""
    assert MessageDraft(
        role="developer",
        text="Hi",
        author="Ann",
        created_at="2026-05-01T08:00:00.000Z",
        source_id="m1",
        parent=3,
        model="m-1",
        metadata={"a": 1, "mood": "good"},
        hidden=True,
        importance="keep",
        key="k1",
    ) == one(
        {
            "role": "developer",
            "text": "Hi",
            "author": "Ann",
            "created_at": "2026-05-01T10:00:00+02:00",
            "source_id": "m1",
            "parent": 3,
            "model": "m-1",
            "metadata": {"a": 1},
            "hidden": True,
            "importance": "keep",
            "key": "k1",
            "mood": "good",
        }
    )


def test_parts_give_the_text_where_there_is_none() -> None:
    """The words of the parts are the text; a single text part need not be kept."""
    call = build.tool_call("a", "ls", {})

    assert MessageDraft(role="user", text="Hi") == one({"role": "user", "parts": [build.text("Hi")]})
    assert MessageDraft(role="assistant", text="Hi", parts=(build.text("Hi"), call)) == one(
        {"role": "assistant", "parts": [build.text("Hi"), call]}
    )
    assert MessageDraft(role="assistant", text="Clean", parts=(call,)) == one(
        {"role": "assistant", "text": "Clean", "parts": [call]}
    )


def test_a_stored_message_can_be_added_elsewhere() -> None:
    """A record that `show --json` printed is taken without its place in the old conversation."""
    (message,) = stored(MessageDraft(role="user", text="Hi", author="Ann", metadata={"a": 1}))
    record = {**message_record(message), "parent": 7}

    made = one(record)

    assert ("Hi", "Ann", {"a": 1}, None, None) == (made.text, made.author, made.metadata, made.parent, made.seq)
    assert made == one({"schema_version": 1, "conversation": {}, "messages": [record]})


def test_openai_and_anthropic_forms_are_recognised_message_by_message() -> None:
    """An array may hold all three forms; calls and results are paired within it."""
    made = wire.drafts(
        [
            {"role": "user", "text": "Weather?"},
            {"role": "assistant", "content": None, "function_call": {"name": "sky", "arguments": '{"at": "noon"}'}},
            {"role": "function", "name": "sky", "content": "blue"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "sea", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "calm"}]},
            {"role": "assistant", "content": "Blue and calm.", "author": "Ada", "key": "k", "importance": "discard"},
        ]
    )

    assert ["user", "assistant", "tool", "assistant", "tool", "assistant"] == [draft.role for draft in made]
    assert (build.tool_call("call-1", "sky", {"at": "noon"}),) == made[1].parts
    assert (build.tool_result("call-1", "blue"),) == made[2].parts
    assert (build.tool_call("t1", "sea", {}),) == made[3].parts
    assert (build.tool_result("t1", "calm"),) == made[4].parts
    assert ("Blue and calm.", "Ada", "k", "discard") == (made[5].text, made[5].author, made[5].key, made[5].importance)


def test_a_chat_completion_is_its_first_answer() -> None:
    """An API's answer can be piped in as it is: message, model, time, usage and reason."""
    made = one(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1793000000,
            "model": "gpt-x",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"},
                {"index": 1, "message": {"role": "assistant", "content": "Ho"}, "finish_reason": "stop"},
            ],
            "usage": {"total_tokens": 5},
        }
    )

    assert ("assistant", "Hi", "gpt-x", "2026-10-26T07:33:20.000Z", None) == (
        made.role,
        made.text,
        made.model,
        made.created_at,
        made.source_id,
    )
    assert {"id": "chatcmpl-1", "finish_reason": "stop", "usage": {"total_tokens": 5}} == made.metadata


def test_an_anthropic_answer_is_a_message() -> None:
    """A Messages API answer is taken with its model, usage and stop reason."""
    made = one(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-x",
            "content": [{"type": "text", "text": "Hi"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"output_tokens": 2},
        }
    )

    assert (
        MessageDraft(
            role="assistant",
            text="Hi",
            model="claude-x",
            metadata={"id": "msg_1", "stop_reason": "end_turn", "usage": {"output_tokens": 2}},
        )
        == made
    )


def test_a_request_gives_its_messages() -> None:
    """A request body is its messages, the system prompt first."""
    made = wire.drafts({"model": "m", "system": "Be kind.", "messages": [{"role": "user", "content": "Hi"}]})

    assert [("system", "Be kind."), ("user", "Hi")] == [(draft.role, draft.text) for draft in made]


def test_no_messages_are_no_drafts() -> None:
    """An empty array holds nothing to add, and that is no mistake."""
    assert [] == wire.drafts([])


GOOD = {"role": "user", "text": "Hi"}
WRONG: list[tuple[Any, str]] = [
    (7, "the input is neither a message nor an array of messages"),
    (SECRET, "the input is neither a message nor an array of messages"),
    ([GOOD, SECRET], "message 2 is not a JSON object"),
    ([GOOD, GOOD, {"role": "wizard", "text": SECRET}], "message 3 has no role that chatlog knows"),
    ({"role": "human", "content": SECRET}, "the message has no role that chatlog knows"),
    ({"role": ["user"], "content": SECRET}, "the message has no role that chatlog knows"),
    ({"text": SECRET}, "the message has no role that chatlog knows"),
    ({"role": "user"}, "the message has neither text nor content"),
    ({"role": "user", "content": None}, "the message has neither text nor content"),
    ({"role": "user", "text": None, "parts": None}, "the message has neither text nor content"),
    ({"role": "user", "text": [SECRET]}, "the message has a text that is not a string"),
    ({"role": "user", "content": {"x": SECRET}}, "the message has a content that is neither text nor a list of parts"),
    ({"role": "user", "content": [7]}, "the message is in no form that chatlog knows"),
    ({"role": "assistant", "tool_calls": [SECRET]}, "the message is in no form that chatlog knows"),
    ({"role": "user", "parts": [SECRET]}, "the message has parts that are not a list of objects with a type"),
    ({"role": "user", "parts": [{"type": "text"}]}, "the message has parts that are not a list of objects with a type"),
    ({**GOOD, "author": 7}, "the 'author' of the message is not a string"),
    ({**GOOD, "created_at": SECRET}, "the 'created_at' of the message is not a time"),
    ({**GOOD, "parent": True}, "the 'parent' of the message is not a message's number or source id"),
    ({**GOOD, "metadata": [SECRET]}, "the 'metadata' of the message is not an object"),
    ({**GOOD, "hidden": "yes"}, "the 'hidden' of the message is not true or false"),
    ({**GOOD, "importance": SECRET}, "the 'importance' of the message is not one of keep, summarize, discard"),
    ({"choices": []}, "the chat completion holds no message"),
    ({"choices": [SECRET]}, "the chat completion holds no message"),
    ({"type": "error", "error": {"message": SECRET}}, "the input is an API's error, not a message"),
    ({"messages": [GOOD, 7]}, "message 2 is not a JSON object"),
]


@pytest.mark.parametrize(("value", "sentence"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_named_without_the_words(value: Any, sentence: str) -> None:
    """Each mistake is one sentence with a hint, says which message it is and repeats nothing of it."""
    with pytest.raises(UsageError) as caught:
        wire.drafts(value)

    assert sentence == caught.value.message
    assert caught.value.hint
    assert SECRET not in caught.value.message + caught.value.hint
