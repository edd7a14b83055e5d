"""Tests of bodies: packing is lossless, no long string is stored twice, and a body goes with its last message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.errors import UsageError
from chatlog.models import Part, text_parts
from chatlog.store import Store
from chatlog.store.sqlite import bodies
from chatlog.store.sqlite.bodies import pack, unpack

from .making import assert_sound, of, only, raw, say, talk

LONG = "a string that is longer than a reference to it would be"
KEYS = st.sampled_from(["$", "$$", "$text", "$tool", "$$text", "a", "id", "type", "data", "content"]) | st.text(
    max_size=3
)
LONG_TEXT = st.sampled_from([LONG, LONG[:40], LONG[7:], "日" * 33, '"$text"', "🤷" * 32])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | LONG_TEXT,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(KEYS, values, max_size=3),
    max_leaves=10,
)
TYPES = st.sampled_from(["text", "reasoning", "tool_call", "tool_call_response", "blob", "x_unknown"])
PARTS = st.lists(
    st.tuples(TYPES, st.dictionaries(KEYS, JSON, max_size=4)).map(lambda pair: {**pair[1], "type": pair[0]}), max_size=4
).map(tuple)


def packed(*parts: Part, text: str = "") -> tuple[Any, str | None]:
    found, tool = pack(parts, text)
    return json.loads(found or "null"), tool


def round_trip(*parts: Part, text: str = "") -> tuple[Part, ...]:
    found, tool = pack(parts, text)
    return unpack(found, text, tool)


# packing


@given(PARTS, st.text(max_size=4) | LONG_TEXT | st.just(f"{LONG}\n\n{LONG}"))
def test_packing_loses_nothing(parts: tuple[Part, ...], text: str) -> None:
    """Any JSON parts come out as they went in, keys that begin with a dollar included."""
    assert parts == round_trip(*parts, text=text)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_call", "arguments": {"$text": [0, 1]}},
        {"type": "tool_call", "arguments": {"$tool": LONG}},
        {"type": "tool_call", "arguments": {"$$": {"$": LONG}}},
        {"type": "tool_call", "arguments": {"data": {"$text": {"$search": "coffee"}}}},
        {"type": "tool_call", "arguments": {"id": {"$$oid": "1"}}},
        {"type": "blob", "content": "aWNvbg==", "meta": {"$text": [0, 1]}},
        {"type": {"$text": [0, 3]}},
    ],
)
def test_what_looks_like_a_reference_is_none(part: Part) -> None:
    """Data in the form of our own references, wherever it stands, is kept as data."""
    assert (part,) == round_trip(part, text="some text")


def test_text_alone_is_not_packed() -> None:
    """A message that is only text keeps no parts beside it."""
    assert (None, None) == pack(None, "hello") == pack(text_parts("hello"), "hello")
    assert text_parts("hello") == unpack(None, "hello", None)


def test_a_long_string_is_stored_once() -> None:
    """What stands in the text, or in tool text, is a reference in the JSON."""
    parts = ({"type": "text", "content": LONG}, {"type": "tool_call", "id": "1", "arguments": {"path": LONG}})
    assert (
        [
            {"type": "text", "content": {"$text": [0, 55]}},
            {"type": "tool_call", "id": "1", "arguments": {"path": {"$tool": [0, 55]}}},
        ],
        LONG,
    ) == packed(*parts, text=LONG)


def test_tool_text_holds_the_words_of_the_other_parts() -> None:
    """Every string that is no id stands on its line of the tool text, short ones in the JSON too."""
    call = {"type": "tool_call", "id": "call_1", "name": "read", "arguments": ["a.txt", LONG, 7]}
    assert ("read\na.txt\n" + LONG) == packed(call)[1]


def test_bytes_and_ids_are_no_words() -> None:
    """Inline bytes, ids and signatures are kept in the JSON and out of the index."""
    parts = (
        {"type": "blob", "mime_type": "image/png", "content": LONG},
        {"type": "reasoning", "content": "", "signature": LONG},
    )
    assert (list(parts), None) == packed(*parts)


# storing


@given(text=st.text(max_size=6), extra=st.none() | st.just("{}"))
def test_metadata_is_kept_only_where_there_is_some(text: str, extra: str | None) -> None:
    """An empty mapping takes no space."""
    assert None is bodies.dump({})
    assert {text: extra} == json.loads(bodies.dump({text: extra}) or "")


def test_parts_come_back_from_the_file(store: Store) -> None:
    """What was added is what is read, and its hash stands for it."""
    parts = (
        *text_parts("see"),
        {"type": "tool_call", "id": "1", "name": "read", "arguments": {"$a": [LONG, None, 1.5]}},
    )
    conversation = store.new(messages=[say("see", parts=parts)])
    assert parts == store.message(conversation.id, 1).parts
    assert_sound(store)


def test_no_parts_and_empty_parts_are_told_apart(store: Store) -> None:
    """`parts` is None where text is all of it, and empty where a caller said so."""
    conversation = store.new(messages=[say("a"), say("b", parts=())])
    assert [None, ()] == [message.parts for message in store.messages(conversation.id)]


def test_a_message_beyond_the_cap_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the driver can bind is a usage error, and nothing is written."""
    monkeypatch.setattr(bodies, "MAX_TEXT_CHARS", 10)
    conversation = store.new()
    with pytest.raises(UsageError, match="cannot be stored"):
        store.add(conversation.id, [say("short"), say("much too long")])
    assert [] == list(store.messages(conversation.id))


def test_a_body_that_was_replaced_is_gone(store: Store) -> None:
    """Nothing of what a message was stays in the file's tables."""
    store.ingest("chatgpt", of("c", talk("before")))
    store.ingest("chatgpt", of("c", talk("after")))
    with raw(store) as connection:
        assert [("after",)] == connection.execute("SELECT text FROM bodies").fetchall()
    assert_sound(store)


def test_a_body_that_a_fork_shares_stays(store: Store) -> None:
    """What the parent's message was is still the child's."""
    store.ingest("chatgpt", of("c", talk("before")))
    parent = only(store)
    child = store.fork(parent).id
    store.ingest("chatgpt", of("c", talk("after")))
    assert ("after", "before") == (store.message(parent, 1).text, store.message(child, 1).text)
    assert_sound(store)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ufeff", "\u202e", "🤷🏽‍♀️", "\U0010ffff"])
def test_any_character_can_be_stored(store: Store, text: str) -> None:
    """NUL, marks that are not seen, and the last of all characters come back as they were."""
    conversation = store.new(messages=[say(text, parts=({"type": "reasoning", "content": text},))])
    found = store.message(conversation.id, 1)
    assert (text, ({"type": "reasoning", "content": text},)) == (found.text, found.parts)


def test_half_a_surrogate_pair_is_no_crash(store: Store) -> None:
    """Text that no encoding can hold is spelt out as its escape, or refused as the caller's error."""
    conversation = store.new()
    try:
        (added,) = store.add(conversation.id, [say("half \ud800", metadata={"a": "\udc00"})])
    except UsageError:
        assert [] == list(store.messages(conversation.id))
    else:
        assert "half \\ud800" == added.text
