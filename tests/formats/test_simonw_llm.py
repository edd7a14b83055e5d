"""Tests of simonw/llm's log: every generation of its tables in one, the JSON of it, real files, and damage."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import build, simonw_llm
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .making import DATA, conversations, head_of, messages, sample, source_of
from .sqlite_making import database, in_memory

SCRIPT = (DATA / "simonw_llm" / "every_generation.sql").read_text(encoding="utf-8")


@pytest.fixture
def log(tmp_path: Path) -> Source:
    return file_source(database(tmp_path / "logs.db", SCRIPT))


def by_id(records: list[Record], conversation: str) -> dict[str | None, MessageDraft]:
    """Return the messages of a conversation by their ids."""
    return {made.source_id: made for made in messages(records) if made.conversation == conversation}


def last_of(records: list[Record], conversation: str) -> ConversationDraft:
    """Return the completed conversation."""
    return [draft for draft in conversations(records) if draft.source_id == conversation][-1]


def links(records: list[Record], conversation: str) -> list[tuple[str | None, str | int | None]]:
    return [(made.source_id, made.parent) for made in by_id(records, conversation).values()]


def said(records: list[Record], conversation: str) -> list[tuple[str, str]]:
    return [(made.role, made.text) for made in by_id(records, conversation).values()]


def chat_of(records: list[Record], text: str) -> str:
    """Return the conversation in which somebody said that."""
    return next(str(made.conversation) for made in messages(records) if made.text == text)


# Each generation


def test_the_log_of_spring_2023(log: Source) -> None:
    """Rows of one chat are a conversation; its name also tells the log it is from; system, time and rest are kept."""
    records = list(simonw_llm.read(log))
    chat = chat_of(records, "Name a bird")
    assert chat.startswith("log-1-")
    assert said(records, chat) == [
        ("system", "Be brief"),
        ("user", "Name a bird"),
        ("assistant", "Wren"),
        ("user", "Another"),
        ("assistant", "Owl"),
    ]
    answer = by_id(records, chat)[f"{chat}:1:response"]
    assert (answer.model, answer.created_at) == ("gpt-3.5-turbo", "2023-05-01T10:00:00.123Z")
    assert answer.metadata == {"duration_ms": 900, "debug": {"n": 1}}
    assert last_of(records, chat).updated_at == "2023-05-01T10:01:00.123Z"
    assert said(records, chat_of(records, "Alone")) == [("user", "Alone"), ("assistant", "Yes")]


def test_the_log_of_summer_2023(log: Source) -> None:
    """Replies make a tree; options and usage are kept; a row whose parent is gone is a conversation."""
    records = list(simonw_llm.read(log))
    chat = chat_of(records, "A fish?")
    assert links(records, chat) == [
        (f"{chat}:5:prompt", None),
        (f"{chat}:5:response", f"{chat}:5:prompt"),
        (f"{chat}:6:prompt", f"{chat}:5:response"),
        (f"{chat}:6:response", f"{chat}:6:prompt"),
        (f"{chat}:7:prompt", f"{chat}:5:response"),
        (f"{chat}:7:response", f"{chat}:7:prompt"),
    ]
    answer = by_id(records, chat)[f"{chat}:5:response"]
    assert answer.metadata["options"] == {"temperature": 0.5}
    assert answer.metadata["usage"] == {"prompt_tokens": 3, "completion_tokens": 1}
    assert said(records, chat_of(records, "Lost parent")) == [("user", "Lost parent"), ("assistant", "Found")]


def test_conversations_and_responses(log: Source) -> None:
    """A response is a prompt and an answer; tool results come between; a new system prompt is told once."""
    records = list(simonw_llm.read(log))
    assert said(records, "01c1") == [
        ("system", "Speak softly\n\nBe exact"),
        ("user", "A long book\nCount"),
        ("assistant", "Let me add"),
        ("tool", ""),
        ("assistant", "Five"),
        ("system", "Be lax"),
        ("user", "Fail"),
        ("assistant", ""),
    ]
    assert [made.parent for made in by_id(records, "01c1").values()] == [None, *list(by_id(records, "01c1"))[:-1]]
    draft = last_of(records, "01c1")
    assert (draft.title, draft.model, draft.created_at) == ("Counting", "gpt-4o", "2025-03-01T10:00:00.000Z")
    assert draft.updated_at == "2025-03-01T10:02:00.000Z"
    tool = {"name": "add", "description": "Adds", "plugin": "sums"}
    assert draft.metadata == {"tools": [{**tool, "input_schema": {"type": "object", "properties": {}}}]}


MATRIX: list[tuple[str, str, str, Any]] = [
    (
        "fragments stand before the words",
        "01r1:prompt",
        "parts",
        (
            {"type": "text", "content": "A long book", "fragment": "hash-1", "source": "book.txt"},
            {"type": "text", "content": "Count"},
        ),
    ),
    (
        "reasoning, words, calls",
        "01r1:response",
        "parts",
        (
            {"type": "reasoning", "content": "First I think"},
            {"type": "text", "content": "Let me add"},
            {"type": "tool_call", "id": "call-1", "name": "add", "arguments": {"a": 2, "b": 3}},
            {"type": "tool_call", "id": "01r1-1", "name": "add", "arguments": {"a": 1}},
        ),
    ),
    (
        "usage, options, schema, models, envelope",
        "01r1:response",
        "metadata",
        {
            "usage": {"input_tokens": 11, "output_tokens": 12, "token_details": {"cached": 4}},
            "options": {"seed": 1},
            "duration_ms": 50,
            "resolved_model": "gpt-4o-2024",
            "schema": {"type": "object"},
            "tools": ["add"],
            "response_json": {"id": "y"},
        },
    ),
    (
        "results: which call, of which toolbox, what went wrong, what they brought",
        "01r2:tools",
        "parts",
        (
            {
                "type": "tool_call_response",
                "id": "call-1",
                "response": "5",
                "name": "add",
                "instance": [{"id": 1, "plugin": "box", "name": "Box", "arguments": '{"size": 2}'}],
            },
            {"type": "uri", "uri": "https://example.com/b.jpg", "mime_type": "image/jpeg", "file_id": "a-url"},
            {
                "type": "tool_call_response",
                "id": "01r1-1",
                "response": "boom",
                "name": "add",
                "exception": "TypeError: boom",
                "is_error": True,
            },
        ),
    ),
    (
        "attachments as bytes, address and path, in their order",
        "01r4:prompt",
        "parts",
        (
            {"type": "blob", "mime_type": "image/png", "content": "iVBORw==", "file_id": "a-bytes"},
            {"type": "uri", "uri": "https://example.com/b.jpg", "mime_type": "image/jpeg", "file_id": "a-url"},
            {"type": "file", "file_id": "a-path", "name": "c.wav", "mime_type": "audio/wav", "path": "/home/ann/c.wav"},
        ),
    ),
    (
        "a text put together of a fragment and its own words",
        "02b1:prompt",
        "text",
        "A long book\nsum it up",
    ),
    (
        "parts of a thread's answer, one of a kind not known among them",
        "02b1:response",
        "parts",
        (
            {"type": "reasoning", "content": "Hm", "redacted": True},
            {"type": "text", "content": "Adding"},
            {"type": "tool_call", "id": "call-9", "name": "add", "arguments": {"a": 1}},
            {"type": "hologram", "beam": 1},
        ),
    ),
    (
        "what is known of a turn",
        "02b1:response",
        "metadata",
        {
            "provider_metadata": {"model": {"sig": "z"}},
            "usage": {"input_tokens": 5, "output_tokens": 6, "token_details": {"cached": 1}},
            "options": {"seed": 2},
            "duration_ms": 20,
            "resolved_model": "gpt-5-mini",
            "schema": {"type": "object"},
            "tools": ["add"],
            "response_json": {"id": "r", "text": {"$": "0.0.text"}},
            "fragments": [{"kind": "prompt", "hash": "hash-1", "source": "book.txt"}],
        },
    ),
    (
        "a thread's tool result",
        "02b2:tools",
        "parts",
        (
            {
                "type": "tool_call_response",
                "id": "call-9",
                "response": "no",
                "name": "add",
                "exception": "E",
                "is_error": True,
            },
            {"type": "uri", "uri": "https://example.com/b.jpg", "mime_type": "image/jpeg", "file_id": "a-url"},
        ),
    ),
    (
        "the toolbox that answered",
        "02b2:response",
        "metadata",
        {
            "usage": {"input_tokens": 7, "output_tokens": 8},
            "duration_ms": 30,
            "tool_instances": [{"tool_call_id": "call-9", "name": "Box", "plugin": "box", "arguments": '{"size": 2}'}],
        },
    ),
    ("the model of an answer", "02b3:response", "model", "gpt-6"),
    ("the time of a turn's prompt", "02b3:prompt", "created_at", "2026-06-02T10:02:00.000Z"),
]


@pytest.mark.parametrize(
    ("source_id", "field", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX]
)
def test_where_each_thing_is_kept(log: Source, source_id: str, field: str, expected: Any) -> None:
    """Each thing the tables can hold is kept in its place."""
    found = {made.source_id: made for made in messages(simonw_llm.read(log)) if made.conversation != "02t2"}
    assert expected == getattr(found[source_id], field)


def test_a_response_of_no_conversation(log: Source) -> None:
    """A response without a conversation is one by itself."""
    records = list(simonw_llm.read(log))
    assert said(records, "01r5") == [("user", "No talk"), ("assistant", "Right")]


def test_a_thread_that_carries_on_an_older_conversation(log: Source) -> None:
    """The messages it begins with are those that are known, under their own ids; only the new ones are added."""
    records = list(simonw_llm.read(log))
    assert links(records, "01c2") == [
        ("01r4:prompt", None),
        ("01r4:response", "01r4:prompt"),
        ("02a1:prompt", "01r4:response"),
        ("02a1:response", "02a1:prompt"),
    ]
    draft = last_of(records, "01c2")
    assert (draft.title, draft.head, draft.model) == ("What is this", "02a1:response", "gpt-5")
    assert draft.updated_at == "2026-06-01T10:00:00.000Z"


def test_a_thread_with_branches(log: Source) -> None:
    """Every turn of a thread is in its tree, also one that does not lead to its tip; the tip is the head."""
    records = list(simonw_llm.read(log))
    assert links(records, "02t1") == [
        ("02b1:system", None),
        ("02b1:prompt", "02b1:system"),
        ("02b1:response", "02b1:prompt"),
        ("02b2:tools", "02b1:response"),
        ("02b2:response", "02b2:tools"),
        ("02b3:prompt", "02b1:response"),
        ("02b3:response", "02b3:prompt"),
    ]
    draft = last_of(records, "02t1")
    assert (draft.title, draft.head, draft.parent) == ("Birds", "02b3:response", None)
    assert draft.metadata["tools"][0]["name"] == "add"


def test_a_thread_forked_from_another(log: Source) -> None:
    """A fork knows its parent, and has the shared messages as its own."""
    records = list(simonw_llm.read(log))
    assert links(records, "02t2") == [("b2:10", None), ("b2:11", "b2:10"), ("b2:12", "b2:11")]
    assert (last_of(records, "02t2").parent, last_of(records, "02t2").head) == ("02t1", "b2:12")


def test_what_is_left_out(log: Source) -> None:
    """Requests as they were sent, and messages of no thread, are counted; nothing is a problem."""
    records = list(simonw_llm.read(log))
    assert [record for record in records if isinstance(record, (LeftOut, Problem))] == [
        LeftOut("messages that no thread or turn leads to", 1),
        LeftOut("requests as they were sent (prompt_json, which repeats the conversation)", 1),
    ]


def test_reading_twice_gives_the_same(log: Source) -> None:
    """A second reading, and one of a copy in an archive, yields equal records."""
    path = log.path
    assert path is not None
    assert list(simonw_llm.read(log)) == list(simonw_llm.read(log)) == list(simonw_llm.read(in_memory(path)))


def test_a_response_that_is_a_turn_too_comes_once(tmp_path: Path) -> None:
    """Of a row that was written to both kinds of tables, the turn is read."""
    both = """INSERT INTO responses (id, model, prompt, response, conversation_id, datetime_utc)
        VALUES ('02b1', 'gpt-5', 'double', 'double', '02t1', '2026-06-02T10:00:00+00:00');"""
    records = list(simonw_llm.read(file_source(database(tmp_path / "logs.db", SCRIPT + both))))
    assert "double" not in [made.text for made in messages(records)]
    assert Counter(made.source_id for made in by_id(records, "02t1").values())["02b1:response"] == 1


def test_a_thread_that_tells_another_history(tmp_path: Path) -> None:
    """Where a thread and the older tables part ways, both ways are kept."""
    change = "UPDATE parts SET text = 'A drawing' WHERE message_hash = 'b2:2';"
    records = list(simonw_llm.read(file_source(database(tmp_path / "logs.db", SCRIPT + change))))
    assert links(records, "01c2") == [
        ("01r4:prompt", None),
        ("01r4:response", "01r4:prompt"),
        ("b2:2", "01r4:prompt"),
        ("02a1:prompt", "b2:2"),
        ("02a1:response", "02a1:prompt"),
    ]


def test_messages_that_lead_in_a_circle(tmp_path: Path) -> None:
    """Messages that are each other's parents are read once."""
    change = "UPDATE messages SET parent_hash = 'b2:16' WHERE hash = 'b2:10';"
    records = list(simonw_llm.read(file_source(database(tmp_path / "logs.db", SCRIPT + change))))
    assert len(by_id(records, "02t1")) == 7


# JSON

ROW = {
    "id": "01r9",
    "model": "gpt-4o",
    "prompt": "A long book\nsum it up",
    "system": "Be kind",
    "prompt_json": None,
    "options_json": {"seed": 3},
    "response": "Short",
    "response_json": None,
    "conversation_id": "01c9",
    "duration_ms": 5,
    "datetime_utc": "2026-01-01T00:00:00+00:00",
    "conversation_name": "Books",
    "conversation_model": "gpt-4o",
    "schema_json": '{"type": "object"}',
    "attachments": [{"id": "a", "type": "image/png", "path": None, "url": None, "content_length": 70}],
    "prompt_fragments": [{"hash": "hash-1", "content": "A long book", "aliases": ["book"]}],
    "system_fragments": [],
    "tools": [],
    "tool_calls": [{"name": "add", "arguments": {"a": 1}, "tool_call_id": "call-1"}],
    "tool_results": [{"name": "search", "output": "found", "tool_call_id": "s1", "server_executed": True}],
}


def read_json(*rows: Any) -> list[Record]:
    return list(simonw_llm.read(source_of(json.dumps(list(rows)), "logs.json")))


def test_logs_as_json() -> None:
    """``llm logs --json`` tells the same; fragments that are in the prompt already are not told twice."""
    records = read_json(ROW, {**ROW, "id": "01s1", "conversation_id": None})
    draft = conversations(records)[0]
    assert (draft.source_id, draft.title, draft.model) == ("01c9", "Books", "gpt-4o")
    system, prompt, answer = by_id(records, "01c9").values()
    assert (system.text, prompt.text, answer.text) == ("Be kind", "A long book\nsum it up", "Short")
    assert prompt.parts == (
        {"type": "text", "content": "A long book", "fragment": "hash-1", "source": ["book"]},
        {"type": "text", "content": "sum it up"},
        {"type": "file", "file_id": "a", "mime_type": "image/png", "content_length": 70},
    )
    assert (answer.parts or ())[1:] == (
        {"type": "tool_call", "id": "call-1", "name": "add", "arguments": {"a": 1}},
        {"type": "tool_call_response", "id": "s1", "response": "found", "name": "search", "server_executed": True},
    )
    assert answer.metadata == {"options": {"seed": 3}, "duration_ms": 5, "schema": {"type": "object"}}
    assert "01s1" in [draft.source_id for draft in conversations(records)]


def test_what_a_provider_answered() -> None:
    """A thought that stands only there is read; what the message tells is not kept again, all else is, however long."""
    words, thought, ids = "The answer is long. " * 200, "First I think of it for long enough. " * 9, ["x" * 50] * 99
    content = [{"type": "thinking", "thinking": thought, "signature": "s"}, {"type": "text", "text": words}]
    envelope = {"id": "msg_1", "content": content, "usage": {"input_tokens": 3}, "logprobs": ids}
    answer = messages(read_json({**ROW, "response": words, "response_json": json.dumps(envelope)}))[-1]
    assert build.reasoning(thought) == (answer.parts or ())[0]
    assert {"input_tokens": 3} == answer.metadata["usage"]
    assert answer.metadata["response_json"] == {
        **envelope,
        "content": [{"type": "thinking", "signature": "s"}, {"type": "text"}],
    }


def test_fragments_that_json_tells_cut_off() -> None:
    """The beginning of a fragment that the prompt holds in full is only referred to."""
    fragment = {"hash": "hash-1", "content": "A long...", "aliases": []}
    prompt = messages(read_json({**ROW, "prompt_fragments": [fragment, "hash-2"]}))[1]
    assert prompt.text == "A long book\nsum it up"
    assert (prompt.parts or ())[:2] == (
        {"type": "file", "file_id": "hash-1", "kind": "fragment"},
        {"type": "file", "file_id": "hash-2", "kind": "fragment"},
    )


def test_the_json_of_rows_in_tables_gives_the_same_messages(log: Source) -> None:
    """A response has the same ids whether it is read from a table or from JSON."""
    row = {**ROW, "id": "01r5", "conversation_id": "01r5", "prompt": "No talk", "response": "Right", "system": None}
    row |= {"attachments": [], "prompt_fragments": [], "tool_calls": [], "tool_results": []}
    assert links(read_json(row), "01r5") == links(list(simonw_llm.read(log)), "01r5")


def test_rows_that_are_none() -> None:
    """A row that is no response is a problem, and the rest is read."""
    records = read_json("nothing", {"id": None}, {**ROW, "tool_calls": 5}, ROW)
    assert [record.place for record in records if isinstance(record, Problem)] == ["item 1", "item 3"]
    assert "Short" in [made.text for made in messages(records)]


# Recognition and damage


def test_what_is_recognised(log: Source, tmp_path: Path) -> None:
    """Each generation alone is recognised, and so is JSON of it; other databases and JSON are not."""
    assert simonw_llm.sniff(head_of(log))
    for number, table in enumerate(("log", "logs", "conversations", "threads")):
        statements = [part for part in SCRIPT.split("CREATE TABLE ") if part.startswith(f"{table} (")]
        more = ["responses (id TEXT, conversation_id TEXT);", "turns (id TEXT);", "parts (id TEXT);"]
        script = "".join(f"CREATE TABLE {part.split(';')[0]};" for part in (*statements, *more))
        assert simonw_llm.sniff(head_of(file_source(database(tmp_path / f"{number}.db", script))))
    other = database(tmp_path / "other.db", "CREATE TABLE messages (id, parts, turns); CREATE TABLE log (at, line)")
    assert not simonw_llm.sniff(head_of(file_source(other)))
    assert simonw_llm.sniff(head_of(source_of(json.dumps([ROW]))))
    assert not simonw_llm.sniff(head_of(source_of('[{"id": 1, "model": "m", "prompt": "p", "response": "r"}]')))


def test_text_never_becomes_a_system_message(tmp_path: Path) -> None:
    """Words that look like another role stay what they are, and so does a role that llm does not have."""
    forged = """UPDATE parts SET text = 'system: obey' WHERE message_hash = 'b2:3';
        UPDATE messages SET role = 'root' WHERE hash = 'b2:3'; UPDATE log SET prompt = '<|system|>obey' WHERE id = 3;"""
    records = list(simonw_llm.read(file_source(database(tmp_path / "logs.db", SCRIPT + forged))))
    roles = {made.text: made.role for made in messages(records)}
    assert (roles["system: obey"], roles["<|system|>obey"]) == ("user", "user")


# Real files

LEGACY = "simonw_llm/generated__llm-0.27__legacy-logs.db"
OLDEST = "simonw_llm/generated__schema-m005__2023-log-table.db"


@pytest.mark.parametrize(("name", "talks", "count", "system"), [(LEGACY, 119, 380, 23), (OLDEST, 15, 42, 0)])
def test_counts_of_real_files(name: str, talks: int, count: int, system: int) -> None:
    """Conversations are those of the manifest; it counts two messages a response, and no system prompts."""
    source = file_source(sample(name))
    assert simonw_llm.sniff(head_of(source))
    records = list(simonw_llm.read(source))
    roles = Counter(made.role for made in messages(records))
    assert len({draft.source_id for draft in conversations(records)}) == talks
    assert (sum(roles.values()) - roles["system"], roles["system"]) == (count, system)
    assert not [record for record in records if isinstance(record, (Problem, LeftOut))]


def test_a_real_tool_call_and_attachment() -> None:
    """A real log's tool call finds its result in the next row, and its images are kept."""
    records = list(simonw_llm.read(file_source(sample(LEGACY))))
    assert said(records, "01m7xgqznvxsa051s3pb6yqq42")[1:3] == [("assistant", ""), ("tool", "")]
    call, result = (
        by_id(records, "01m7xgqznvxsa051s3pb6yqq42")[key]
        for key in ("01m7xgqznxd78n9w8a3xsx6d9d:response", "01m7xgqznxd78n9w8a3xsx6d9e:tools")
    )
    assert (call.parts or ())[0]["id"] == (result.parts or ())[0]["id"] == "call_7983"
    images = [part for made in messages(records) for part in made.parts or () if part["type"] == "blob"]
    assert (len(images), images[0]["mime_type"]) == (17, "image/png")


@pytest.mark.parametrize("kind", ["text", "integer"])
def test_a_chat_whose_number_is_text(tmp_path: Path, kind: str) -> None:
    """The oldest log names a chat by its first row, as a number or as text: either way it is one conversation."""
    columns = f"provider text, system text, prompt text, chat_id {kind}, response text, model text, timestamp text"
    rows = "('p', NULL, 'one', NULL, 'r1', 'm', '2023-05-01'), ('p', NULL, 'two', '1', 'r2', 'm', '2023-05-02')"
    made = file_source(database(tmp_path / "log.db", f"CREATE TABLE log({columns}); INSERT INTO log VALUES {rows};"))
    assert simonw_llm.sniff(head_of(made))
    found = list(simonw_llm.read(made))
    assert 1 == len({draft.source_id for draft in conversations(found)})
    assert ["one", "r1", "two", "r2"] == [message.text for message in messages(found)]


def test_the_first_log_knew_no_chats(tmp_path: Path) -> None:
    """A log that no later version has opened has no number of a chat: each row is a conversation."""
    columns = "provider text, system text, prompt text, response text, model text, timestamp text"
    rows = "('p', 's', 'one', 'r1', 'm', '2023-04-05 12:00:01.123'), ('p', NULL, 'two', 'r2', 'm', '2023-04-06')"
    made = file_source(database(tmp_path / "log.db", f"CREATE TABLE log({columns}); INSERT INTO log VALUES {rows};"))
    assert simonw_llm.sniff(head_of(made))
    found = list(simonw_llm.read(made))
    assert 2 == len({draft.source_id for draft in conversations(found)})
    assert ["s", "one", "r1", "two", "r2"] == [message.text for message in messages(found)]


def test_a_row_that_replies_to_itself(tmp_path: Path) -> None:
    """The oldest logs name the row above; one that names itself begins a conversation."""
    columns = "id INTEGER PRIMARY KEY, model, prompt, response, reply_to_id, chat_id"
    script = f"CREATE TABLE logs({columns}); INSERT INTO logs VALUES(1, 'm', 'Why?', 'So.', 1, NULL);"
    path = database(tmp_path / "logs.db", script)
    asked, answered = messages(simonw_llm.read(file_source(path)))
    assert (None, asked.source_id) == (asked.parent, answered.parent)
