"""Tests of the nouns: hashes, references, titles, texts and records."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.errors import UsageError
from chatlog.models import (
    Conversation,
    Filters,
    Message,
    joined_text,
    new_id,
    other_strings,
    parse_ref,
    text_parts,
)
from chatlog.records import conversation_record, message_record

from .formats.making import stored
from .formats.making import talk as conversation
from .store.making import say

CALL = {"type": "tool_call", "id": "call_1", "name": "read", "arguments": {"path": "notes.txt", "lines": [1, 2]}}
RESULT = {"type": "tool_call_response", "id": "call_1", "response": "42 lines", "is_error": False}


def message(**facts: object) -> Message:
    return next(stored(say("hello", **facts)))


# ids and references


def test_an_id_is_128_random_bits_in_lower_case_base32() -> None:
    """Ids have 26 characters of a–z and 2–7, and do not repeat."""
    ids = {new_id() for _ in range(100)}
    assert 100 == len(ids)
    assert all(re.fullmatch("[a-z2-7]{26}", each) for each in ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abcd", ("abcd", None)),
        ("abcd:7", ("abcd", 7)),
        ("@last", ("@last", None)),
        ("@2:14", ("@2", 14)),
    ],
)
def test_a_reference_is_a_conversation_or_a_message(text: str, expected: tuple[str, int | None]) -> None:
    """`CONV` and `CONV:SEQ` come apart into their two parts."""
    assert expected == parse_ref(text)


@pytest.mark.parametrize("text", ["", ":", "abcd:", ":3", "abcd:x", "abcd:-1", "abcd:1.5", "a:b:3", "abcd:3 "])
def test_anything_else_is_no_reference(text: str) -> None:
    """What is neither is a usage error that quotes it."""
    with pytest.raises(UsageError, match=re.escape(f"'{text}' is not a conversation or message")):
        parse_ref(text)


@given(st.text())
def test_parsing_a_reference_returns_or_refuses(text: str) -> None:
    """Any text is either a reference, and can be put together again, or a usage error."""
    try:
        name, seq = parse_ref(text)
    except UsageError:
        return
    assert text in {name, f"{name}:{seq}"} or int(text.partition(":")[2]) == seq


def test_a_message_says_its_reference() -> None:
    """A message's `ref` is what `parse_ref` takes."""
    assert ("c", 1) == parse_ref(message().ref)


# texts


def test_the_text_of_parts_is_their_text_parts() -> None:
    """A person reads the text parts, a blank line between them; calls, results and empty ones are left out."""
    parts = [*text_parts("one"), CALL, *text_parts(""), *text_parts("two")]
    assert "one\n\ntwo" == joined_text(parts)


def test_the_other_strings_of_parts_are_searchable_words() -> None:
    """Names, arguments, results and reasoning are words; ids, types, signatures and bytes are not."""
    parts = [
        *text_parts("shown"),
        {"type": "reasoning", "content": "hm", "signature": "c2ln"},
        CALL,
        RESULT,
        {"type": "blob", "mime_type": "image/png", "content": "aWNvbg=="},
        {"type": "file", "file_id": "file-1", "name": "plan.pdf"},
    ]
    assert ["hm", "read", "notes.txt", "42 lines", "plan.pdf"] == other_strings(parts)


def test_parts_nested_very_deep_are_walked() -> None:
    """Depth is no limit: the walk keeps its own stack."""
    deep: object = "bottom"
    for _ in range(5000):
        deep = [deep]
    assert ["bottom"] == other_strings([{"type": "tool_call", "arguments": deep}])


def test_a_message_of_text_alone_has_one_part() -> None:
    """`all_parts` gives the text as its only part where none are kept, and the kept ones otherwise."""
    assert text_parts("hello") == message().all_parts()
    assert (CALL,) == message(parts=(CALL,)).all_parts()


# records


def test_the_record_of_a_conversation_has_the_promised_keys() -> None:
    """The keys of CLI.md section 3 are there, and the tags are a list."""
    promised = {
        "id", "user", "title", "source", "source_id", "parent", "forked_at", "model", "project", "created_at",
        "updated_at", "pinned", "archived", "deleted_at", "expires_at", "tags", "messages", "tokens", "head",
        "revision", "state", "metadata",
    }  # fmt: skip
    record = conversation_record(conversation(tags=("b", "a")))
    assert set() == promised - set(record)
    assert ["b", "a"] == record["tags"]


def test_the_record_of_a_message_has_the_promised_keys() -> None:
    """The keys of CLI.md section 3 are there; parts are a list, or null where text is all."""
    promised = {
        "ref", "conversation", "seq", "source_id", "parent", "role", "author", "text", "parts", "model", "created_at",
        "tokens", "sha256", "importance", "hidden", "metadata",
    }  # fmt: skip
    record = message_record(message(parts=(CALL,)))
    assert set() == promised - set(record)
    assert [CALL] == record["parts"]
    assert None is message_record(message())["parts"]


def test_records_can_be_written_as_json() -> None:
    """Both records hold nothing that JSON does not."""
    records = [conversation_record(conversation(state={"a": [1]})), message_record(message(metadata={"b": None}))]
    assert records == json.loads(json.dumps(records))


def test_the_nouns_are_frozen() -> None:
    """A stored conversation, message or filter cannot be changed by whoever got it."""
    with pytest.raises(AttributeError):
        message().text = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Filters().role = "user"  # type: ignore[misc]
    assert {"__slots__"} <= set(Conversation.__dict__)
