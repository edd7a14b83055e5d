"""Tests of LangChain's histories: tables, files, constructors, LangGraph's states, and damage."""

from __future__ import annotations

import json
import struct
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.formats import build, langchain
from chatlog.formats.source import Source, file_source
from chatlog.models import LeftOut, Problem, Record

from .damage import checked, twisted
from .making import DATA, conversations, head_of, messages, said, sample, source_of
from .sqlite_making import database, in_memory, table

FIXTURE = DATA / "langchain" / "every_feature.json"
EVERYTHING: list[Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
DB = "langchain/generated__langchain-community-0.4.2__message_store.db"


def source(*values: Any, name: str = "history.json") -> Source:
    return source_of(json.dumps(list(values)), name)


def read(*values: Any) -> list[Record]:
    return list(langchain.read(source(*values)))


def human(text: str, **facts: Any) -> dict[str, Any]:
    return {"type": "human", "data": {"content": text, **facts}}


def store(path: Path, *sessions: tuple[Any, Any], name: str = "message_store", **more: Any) -> Source:
    """Return a database with a table of messages, each in its session."""
    rows = [
        {"id": number, "session_id": key, "message": value, **more} for number, (key, value) in enumerate(sessions, 1)
    ]
    return file_source(table(path, name, rows))


# What is kept of a message

BY_POSITION = messages(langchain.read(file_source(FIXTURE)))
MATRIX: list[tuple[str, int, str, Any]] = [
    ("a system message", 0, "role", "system"),
    ("a developer's message", 1, "role", "developer"),
    ("words in several blocks", 2, "text", "Look\n\nat these"),
    ("who says it", 2, "author", "ann"),
    (
        "images and sounds, as bytes and by address, in OpenAI's form and in LangChain's own",
        2,
        "parts",
        (
            {"type": "text", "content": "Look"},
            {"type": "text", "content": "at these"},
            {"type": "blob", "mime_type": "image/png", "content": "AAAA", "modality": "image"},
            {"type": "blob", "mime_type": "image/jpeg", "content": "BBBB", "modality": "image"},
            {"type": "blob", "mime_type": "audio/wav", "content": "CCCC"},
            {"type": "uri", "uri": "https://example.com/d.png", "modality": "image"},
        ),
    ),
    (
        "reasoning, a call that is told three times, a call that is no JSON, a block of a kind not known",
        3,
        "parts",
        (
            {"type": "reasoning", "content": "One\n\nTwo", "id": "rs_1"},
            {"type": "reasoning", "content": "Three", "signature": "s"},
            {"type": "text", "content": "Adding"},
            {"type": "hologram", "beam": 1},
            {"type": "tool_call", "id": "call-1", "name": "add", "arguments": {"a": 1}},
            {"type": "tool_call", "id": "call-2", "name": "sub", "arguments": "{bad", "error": "not JSON"},
        ),
    ),
    ("the model", 3, "model", "gpt-4o"),
    ("an id of its own", 3, "source_id", "run-1"),
    (
        "usage, and how it ended",
        3,
        "metadata",
        {
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            "response_metadata": {"finish_reason": "tool_calls", "token_usage": {"total_tokens": 9}},
        },
    ),
    ("a tool's answer has its role", 4, "role", "tool"),
    (
        "a tool's failure",
        4,
        "parts",
        ({"type": "tool_call_response", "id": "call-1", "response": "boom", "is_error": True},),
    ),
    ("what a tool gave beside", 4, "metadata", {"artifact": {"trace": 1}}),
    ("a chunk is a message", 5, "text", "Half"),
    ("the model of Anthropic's answers", 5, "model", "claude-4"),
    ("a role of the application's own is a user", 6, "role", "user"),
    ("and tells who", 6, "author", "Bob"),
    ("a function's answer finds the call of its name, or the first", 7, "role", "tool"),
    (
        "a call in the form of 2023, and reasoning of DeepSeek's form",
        8,
        "parts",
        (
            {"type": "reasoning", "content": "Deep"},
            {"type": "tool_call", "id": "call-1", "name": "calc", "arguments": {"q": 1}},
        ),
    ),
    ("what only the provider knows", 8, "metadata", {"additional_kwargs": {"audio_id": "x"}}),
]


@pytest.mark.parametrize(("position", "field", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_where_each_thing_is_kept(position: int, field: str, expected: Any) -> None:
    """Each thing a message can hold is kept in its place."""
    assert expected == getattr(BY_POSITION[position], field)


def test_a_thought_as_bedrock_has_it() -> None:
    """A model of Amazon Bedrock thinks in a block of its own form."""
    block = {"type": "reasoning_content", "reasoning_content": {"text": "Hm", "signature": "s"}}
    (made,) = messages(read({"type": "ai", "data": {"content": [block, {"type": "text", "text": "Oiled."}]}}))
    assert made.parts == (build.reasoning("Hm", signature="s"), build.text("Oiled."))


def test_what_is_left_out() -> None:
    """An order to remove a message is counted; the message is there."""
    records = read(*EVERYTHING)
    assert [record for record in records if isinstance(record, (LeftOut, Problem))] == [
        LeftOut("orders to remove a message", 1)
    ]
    assert len(messages(records)) == 9


def test_an_id_that_comes_twice() -> None:
    """A second message under the same id gets another one."""
    keys = [made.source_id for made in BY_POSITION]
    assert (keys.count("run-1"), len(set(keys))) == (1, 9)


def test_messages_follow_each_other() -> None:
    """Each message's parent is the one before, and a longer history keeps the ids of a shorter one."""
    records = read(*EVERYTHING)
    keys = [made.source_id for made in messages(records)]
    assert [made.parent for made in messages(records)] == [None, *keys[:-1]]
    shorter = read(*EVERYTHING[:4])
    assert [made.source_id for made in messages(shorter)] == keys[:4]
    assert conversations(shorter)[0].source_id == conversations(records)[0].source_id


# Shapes


def constructed(value: dict[str, Any]) -> dict[str, Any]:
    """Return a message the way ``dumpd`` spells it."""
    names = {"ai": "AI", "human": "Human", "system": "System", "tool": "Tool", "function": "Function", "chat": "Chat"}
    kind = names.get(value["type"], value["type"].removesuffix("MessageChunk").title())
    last = "AIMessageChunk" if value["type"] == "AIMessageChunk" else f"{kind}Message"
    path = ["langchain", "schema", "messages", last]
    return {"lc": 1, "type": "constructor", "id": path, "kwargs": value["data"]}


def test_constructors_tell_the_same() -> None:
    """Messages as ``dumpd`` writes them, also under "messages", are the same messages."""
    values = [constructed(value) for value in EVERYTHING]
    assert langchain.sniff(head_of(source(*values)))
    assert messages(read(*values)) == list(BY_POSITION)
    whole = source_of(json.dumps({"messages": values}))
    assert langchain.sniff(head_of(whole))
    assert messages(langchain.read(whole)) == list(BY_POSITION)


def test_messages_of_a_pydantic_dump() -> None:
    """Messages that tell their content beside their type are read too."""
    value = {"messages": [{"content": "Hi", "additional_kwargs": {}, "type": "human"}, {"content": "Yo", "type": "ai"}]}
    whole = source_of(json.dumps(value))
    assert langchain.sniff(head_of(whole))
    assert said(langchain.read(whole)) == [("user", "Hi"), ("assistant", "Yo")]


def test_a_file_is_a_session_of_its_name() -> None:
    """A file's conversation is named after it and its first message, so that two of one name stay apart."""
    one, other = (conversations(langchain.read(source(human(text), name="chats/foo.json")))[0] for text in ("a", "b"))
    assert str(one.source_id).startswith("foo-")
    assert one.source_id != other.source_id


def test_a_message_a_line() -> None:
    """A history that was written line by line is read as one that is an array."""
    lines = source_of("".join(json.dumps(human(text)) + "\n" for text in ("a", "b")), "history.jsonl")
    assert langchain.sniff(head_of(lines))
    assert [("user", "a"), ("user", "b")] == said(langchain.read(lines))


def test_an_empty_history() -> None:
    """An empty file holds nothing."""
    assert read() == []


# Databases


def test_a_table_of_sessions(tmp_path: Path) -> None:
    """Each session is a conversation, its messages in the order of their rows."""
    long = "session-one"
    held = store(tmp_path / "a.db", (long, human("a")), ("1", human("x")), (long, human("b")), (None, human("z")))
    assert langchain.sniff(head_of(held))
    records = list(langchain.read(held))
    names = [str(draft.source_id) for draft in conversations(records)]
    assert names[0] == long
    assert names[1].startswith("1-h") is False
    assert names[1].startswith("1-")
    assert names[2].startswith("message_store-")
    assert [made.text for made in messages(records)] == ["a", "b", "x", "z"]
    assert [made.parent is None for made in messages(records)] == [True, False, True, True]


def test_a_table_of_another_name_with_times(tmp_path: Path) -> None:
    """A table that only looks alike is read, and its times are kept."""
    held = store(tmp_path / "a.db", ("abcdefgh", human("a")), name="my chats", created_at="2026-01-31 10:00:00")
    assert langchain.sniff(head_of(held))
    records = list(langchain.read(held))
    assert conversations(records)[0].created_at == messages(records)[0].created_at == "2026-01-31T10:00:00.000Z"


def test_what_a_row_says_beside_its_message(tmp_path: Path) -> None:
    """Columns that an application added are kept with the message."""
    held = store(tmp_path / "a.db", ("abcdefgh", human("a")), user_id="ann", rating=None, created_at="2026-01-31")
    assert [{"user_id": "ann"}] == [made.metadata for made in messages(langchain.read(held))]


def test_a_file_and_a_table_tell_the_same(tmp_path: Path) -> None:
    """A history has the same messages, under the same ids, in a table and in a file, also within an archive."""
    held = store(tmp_path / "a.db", *(("session-one", value) for value in EVERYTHING))
    assert held.path is not None
    assert messages(langchain.read(held)) == list(BY_POSITION)
    assert list(langchain.read(held)) == list(langchain.read(in_memory(held.path)))


STATE = {"v": 1, "id": "2", "channel_values": {"messages": [constructed(human("Hi")), constructed(EVERYTHING[3])]}}


def packed(value: Any) -> bytes:
    """Return a state as LangGraph keeps it: MessagePack, a message as an extension of its class and its values."""
    match value:
        case {"lc": 1, "id": [*module, name], "kwargs": values}:
            made = packed([".".join(module), name, values, "model_validate_json"])
            return b"\xc9" + struct.pack(">Ib", len(made), 5) + made
        case dict():
            return b"\xdf" + struct.pack(">I", len(value)) + b"".join(map(packed, chain(*value.items())))
        case list():
            return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(packed, value))
        case str():
            return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
        case None:
            return b"\xc0"
    return b"\xd2" + struct.pack(">i", value)


def test_states_in_messagepack(tmp_path: Path) -> None:
    """A state as LangGraph keeps it by default tells the same as one in JSON."""
    rows = [
        {"thread_id": "thread-one", "checkpoint_ns": "", "checkpoint_id": "1", "type": kind, "checkpoint": data}
        for kind, data in (("json", json.dumps(STATE)), ("msgpack", packed(STATE)))
    ]
    told = [
        messages(langchain.read(file_source(table(tmp_path / f"{number}.db", "checkpoints", [row]))))
        for number, row in enumerate(rows)
    ]
    assert told[0] == told[1]
    assert len(told[0]) == 2


def test_states_of_langgraph(tmp_path: Path) -> None:
    """Of each thread the last state is read; those kept in other ways are counted, and nothing is unpickled."""
    row = {"checkpoint_ns": "", "parent_checkpoint_id": None, "metadata": "{}"}
    rows = [
        {**row, "thread_id": "thread-one", "checkpoint_id": "1", "type": "json", "checkpoint": {"channel_values": {}}},
        {
            **row,
            "thread_id": "thread-one",
            "checkpoint_id": "2",
            "type": "json",
            "checkpoint": json.dumps(STATE).encode(),
        },
        {**row, "thread_id": "thread-two", "checkpoint_id": "1", "type": "msgpack", "checkpoint": b"\x84\xa1v"},
        {**row, "thread_id": "thread-three", "checkpoint_id": "1", "type": None, "checkpoint": b"\x80\x04."},
        {**row, "thread_id": "thread-four", "checkpoint_id": "1", "type": "json", "checkpoint": "{"},
    ]
    held = file_source(table(tmp_path / "a.db", "checkpoints", rows))
    assert langchain.sniff(head_of(held))
    records = list(langchain.read(held))
    assert [draft.source_id for draft in conversations(records)] == ["thread-one"]
    assert said(records) == [("user", "Hi"), ("assistant", "Adding")]
    assert [record for record in records if isinstance(record, (LeftOut, Problem))] == [
        Problem("thread thread-four", "not a state as LangGraph keeps it"),
        Problem("thread thread-two", "not a state as LangGraph keeps it"),
        LeftOut("LangGraph threads whose state is kept neither as JSON nor as MessagePack", 1),
    ]


# Recognition and damage


@pytest.mark.parametrize(
    "text",
    [
        '[{"type": "message", "data": {"x": 1}}]',
        '{"type": "human", "data": {"content": "Hi"}, "more": 1}',
        '{"messages": [{"role": "user", "content": "Hi"}]}',
        '[{"lc": 1, "type": "constructor"}]',
        '{"lc": 1, "kwargs": {"model": "m"}, "id": ["langchain", "llms", "OpenAI"]}',
        "[]",
        "human: Hi",
    ],
)
def test_other_files_are_not_taken(text: str) -> None:
    """Other JSON and text is not taken for a history."""
    assert not langchain.sniff(head_of(source_of(text)))


@pytest.mark.parametrize(
    "declared", ["id, session_id, role, content", "id, message", "session_id, message, role, content_json"]
)
def test_other_databases_are_not_taken(tmp_path: Path, declared: str) -> None:
    """A table that keeps role and content apart, or has no session, is not LangChain's."""
    held = file_source(database(tmp_path / "a.db", f"CREATE TABLE messages ({declared})"))
    assert not langchain.sniff(head_of(held))


@pytest.mark.parametrize("text", ['{"type": "system"}', "system: obey", '{"role": "system", "content": "obey"}'])
def test_text_never_becomes_a_system_message(text: str) -> None:
    """Words that look like another role stay what they are."""
    assert said(read(human(text))) == [("user", text)]


def test_broken_messages(tmp_path: Path) -> None:
    """A message that is none is told with its place, and the rest is read."""
    values = [
        5,
        {"type": "human"},
        {"type": "martian", "data": {"content": "x"}},
        human("ok"),
        {"type": "ai", "data": 7},
    ]
    records = read(*values)
    assert said(records) == [("user", "ok")]
    assert [record.place for record in records if isinstance(record, Problem)] == [
        "item 1",
        "item 2",
        "item 3",
        "item 5",
    ]
    held = store(tmp_path / "a.db", ("abcdefgh", human("a")), ("abcdefgh", "{"), ("abcdefgh", human("b")))
    records = list(langchain.read(held))
    assert said(records) == [("user", "a"), ("user", "b")]
    assert Problem("message_store row 2", "not a message as LangChain keeps it") in records


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_breaks_the_reader(data: st.DataObject) -> None:
    """Whatever value of a file is replaced by another, reading ends well and parents come first."""
    damaged = twisted(data, EVERYTHING)
    checked(read(*damaged))


@pytest.mark.parametrize("keep", [0.3, 0.7])
def test_a_file_that_is_cut_off(keep: float) -> None:
    """A truncated file gives what is whole, and tells the rest."""
    data = json.dumps(EVERYTHING).encode()
    records = list(langchain.read(source_of(data[: int(len(data) * keep)])))
    assert messages(records)[0].text == "Be exact"
    assert [record for record in records if isinstance(record, Problem)]


# Real files


def test_a_real_tool_call() -> None:
    """A real answer's call is told once, and its result finds it."""
    records = [made for made in messages(langchain.read(file_source(sample(DB)))) if made.parts]
    call, result = records[0], records[1]
    assert call.parts == (
        {
            "type": "tool_call",
            "id": "call_oIHazX6yQrB8hUwl4cRilFKj",
            "name": "get_user_details",
            "arguments": {"user_id": "mia_li_3668"},
        },
    )
    assert (result.role, (result.parts or ())[0]["id"]) == ("tool", "call_oIHazX6yQrB8hUwl4cRilFKj")
    assert (call.model, call.metadata["usage"]["total_tokens"]) == ("gpt-4o", 15)


@pytest.mark.parametrize(
    ("session", "column"),
    [
        ("thread_id", "message"),
        ("user_session", "message"),
        ("chat_id", "message"),
        ("conversation_id", "history"),
        ("session_id", "body"),
        ("Session_ID", "Message"),
    ],
)
def test_columns_of_any_name(tmp_path: Path, session: str, column: str) -> None:
    """An application names the columns itself: the rows tell that they are messages, also within an archive."""
    rows = [{"id": 1, session: "a", column: human("hi")}, {"id": 2, session: "a", column: human("ho")}]
    path = table(tmp_path / "a.db", "message_store", rows)
    for made in (file_source(path), in_memory(path)):
        assert langchain.sniff(head_of(made))
        assert [("user", "hi"), ("user", "ho")] == said(langchain.read(made))


def test_a_session_in_one_row(tmp_path: Path) -> None:
    """A row may hold the list of all messages of its session."""
    rows = [{"conversation_id": "a", "history": [human("hi"), human("ho")]}]
    made = file_source(table(tmp_path / "a.db", "chats", rows))
    assert langchain.sniff(head_of(made))
    assert [("user", "hi"), ("user", "ho")] == said(langchain.read(made))


def test_a_session_beside_other_json(tmp_path: Path) -> None:
    """A table with a session and JSON that is no message is not LangChain's."""
    rows = [{"session_id": "a", "event": {"type": "click", "data": {"content": "hi"}}}]
    assert not langchain.sniff(head_of(file_source(table(tmp_path / "a.db", "events", rows))))


# Messages without an envelope, and what LangGraph's server answers


def test_flat_messages() -> None:
    """A list of messages as they dump themselves is a session; one with roles is another format's."""
    told = [{"type": "system", "content": "s"}, {"type": "human", "content": "Hi"}, {"content": "Yo", "type": "ai"}]
    assert langchain.sniff(head_of(source(*told)))
    assert [("system", "s"), ("user", "Hi"), ("assistant", "Yo")] == said(read(*told))
    for other in ([{"type": "message", "content": "Hi"}], [{"type": "human", "content": "Hi", "role": "user"}]):
        assert not langchain.sniff(head_of(source(*other)))


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ({"checkpoint": {"thread_id": "thread-1", "checkpoint_ns": ""}}, "thread-1"),
        ({"config": {"configurable": {"thread_id": "thread-1"}}, "next": []}, "thread-1"),
        ({"metadata": {"thread_id": "thread-1"}}, "thread-1"),
    ],
)
def test_a_state_of_a_thread(state: dict[str, Any], name: str) -> None:
    """A thread's state as a server answers with it has its messages under its values, and the thread's id."""
    told = [
        {"content": "Hi", "additional_kwargs": {}, "type": "human", "id": "m1"},
        {"content": "Yo", "additional_kwargs": {}, "type": "ai", "id": "m2"},
    ]
    file = source_of(json.dumps({"values": {"messages": told}, **state}), "state.json")
    assert langchain.sniff(head_of(file))
    records = list(langchain.read(file))
    assert [("user", "Hi"), ("assistant", "Yo")] == said(records)
    assert name == conversations(records)[0].source_id


def test_a_state_without_messages() -> None:
    """A state whose messages are none is a problem; without a thread it is called after its file."""
    (problem,) = langchain.read(source_of('{"values": {"messages": 3}}', "state.json"))
    assert Problem("", "not a state as LangGraph keeps it") == problem
    told = {"values": {"messages": [{"type": "human", "content": "Hi"}]}}
    (draft,) = conversations(list(langchain.read(source_of(json.dumps(told), "state.json"))))
    assert str(draft.source_id).startswith("state-")
    assert not langchain.sniff(head_of(source_of('{"values": {"a": 1}}')))
