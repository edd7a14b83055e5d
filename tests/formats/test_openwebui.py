"""Tests of Open WebUI's chats: exports, single chats, the database, what is folded into answers, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.formats import openwebui
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record

from .damage import checked, twisted
from .making import DATA, conversations, head_of, links, messages, said, sample, source_of
from .sqlite_making import database, in_memory, table

FIXTURE = DATA / "openwebui" / "every_feature.json"
EVERYTHING: list[Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
CHAT: dict[str, Any] = EVERYTHING[0]["chat"]


def read(value: Any) -> list[Record]:
    return list(openwebui.read(source_of(json.dumps(value), "chats.json")))


def answer(content: Any, **facts: Any) -> MessageDraft:
    """Return the message that an answer of that content is."""
    row = {"id": "m", "parentId": None, "role": "assistant", "content": content, **facts}
    return messages(read({"title": "T", "history": {"messages": {"m": row}, "currentId": "m"}}))[0]


def webui(path: Path, chats: list[Any] = EVERYTHING) -> Source:
    """Return the server's database with those chats."""
    keys = ("id", "user_id", "title", "chat", "created_at", "updated_at", "share_id", "archived", "pinned", "meta")
    rows = [{**{key: chat.get(key) for key in keys}, "folder_id": chat.get("folder_id")} for chat in chats]
    declared = "id VARCHAR(255), user_id VARCHAR(255), title TEXT, chat JSON, created_at BIGINT, updated_at BIGINT, "
    declared += "share_id TEXT, archived BOOLEAN, pinned BOOLEAN, meta JSON, folder_id TEXT"
    return file_source(table(path, "chat", rows, declared))


# What is kept of a message

BY_ID = {made.source_id: made for made in messages(openwebui.read(file_source(FIXTURE)))}
MATRIX: list[tuple[str, str, str, Any]] = [
    ("words of a user are never unfolded", "u1", "text", 'How many birds? <details type="reasoning">mine</details>'),
    (
        "images as bytes and by address, files with their text, collections",
        "u1",
        "parts",
        (
            {"type": "text", "content": 'How many birds? <details type="reasoning">mine</details>'},
            {"type": "blob", "mime_type": "image/png", "content": "AAAA", "modality": "image"},
            {"type": "file", "kind": "image", "url": "https://example.com/b.png"},
            {
                "type": "file",
                "file_id": "f1",
                "name": "a.txt",
                "mime_type": "text/plain",
                "kind": "file",
                "size": 4,
                "content": "wren",
            },
            {
                "type": "file",
                "file_id": "k1",
                "name": "Knowledge",
                "kind": "collection",
                "description": "What is known of birds",
            },
        ),
    ),
    ("which models were asked", "u1", "metadata", {"models": ["gpt-5", "claude-4"]}),
    ("an answer's words, without what is folded", "a1", "text", "Let me count.\n\nThree."),
    (
        "reasoning, calls with results, code, a fold of a kind not known, sources",
        "a1",
        "parts",
        (
            {"type": "reasoning", "content": "First <one>\nthen two", "duration": "6"},
            {"type": "text", "content": "Let me count."},
            {"type": "tool_call", "id": "call_1", "name": "count", "arguments": {"of": "birds"}},
            {"type": "tool_call_response", "id": "call_1", "response": '3 "birds"'},
            {"type": "tool_call", "id": "a1-2", "name": "look", "arguments": {"at": 1}},
            {"type": "tool_call_response", "id": "a1-2", "response": {"seen": True}},
            {
                "type": "tool_call",
                "id": "a1-3",
                "name": "code_interpreter",
                "arguments": {"language": "python", "code": "print(3)"},
            },
            {"type": "tool_call_response", "id": "a1-3", "response": {"stdout": "3"}},
            {"type": "details", "beam": "1", "kind": "hologram", "body": "light"},
            {"type": "text", "content": "Three."},
            {"type": "sources", "value": [{"source": {"name": "a.txt"}, "document": ["wren"]}]},
        ),
    ),
    ("an answer's model", "a1", "model", "gpt-5"),
    ("the time", "a1", "created_at", "2026-01-01T00:00:02.000Z"),
    (
        "usage and what else is noted",
        "a1",
        "metadata",
        {
            "modelName": "GPT 5",
            "modelIdx": 0,
            "statusHistory": [{"action": "web_search", "done": True}],
            "followUps": ["And owls?"],
            "annotation": {"rating": 1},
            "usage": {"prompt_tokens": 10, "completion_tokens": 20},
        },
    ),
    (
        "thinking between tags",
        "b1",
        "parts",
        ({"type": "reasoning", "content": "Quickly", "tag": "think"}, {"type": "text", "content": "Four."}),
    ),
    (
        "usage of a local model, and errors",
        "b1",
        "metadata",
        {"modelIdx": 1, "error": {"content": "rate limit"}, "usage": {"eval_count": 5}},
    ),
    (
        "reasoning of older versions, and a merged answer",
        "a2",
        "parts",
        (
            {"type": "reasoning", "content": "Old\nway", "duration": "2"},
            {"type": "text", "content": "None"},
            {"type": "merged", "value": {"status": True, "content": "Merged answer"}},
        ),
    ),
    (
        "the items of 2026",
        "a3",
        "parts",
        (
            {"type": "reasoning", "content": "Think", "duration": 3},
            {"type": "tool_call", "id": "call_2", "name": "count", "arguments": {"of": "owls"}},
            {"type": "tool_call_response", "id": "call_2", "response": "2"},
            {"type": "text", "content": "Two owls."},
            {"type": "hologram", "beam": 1},
        ),
    ),
    ("a message that the tree marks as the system's", "s1", "role", "system"),
]


@pytest.mark.parametrize(("name", "field", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_where_each_thing_is_kept(name: str, field: str, expected: Any) -> None:
    """Each thing a message can hold is kept in its place."""
    assert expected == getattr(BY_ID[name], field)


def test_facts_of_a_chat() -> None:
    """A chat has its title, times, first model, tags, marks, active leaf, and the rest as metadata."""
    assert conversations(openwebui.read(file_source(FIXTURE)))[1] == ConversationDraft(
        source_id="chat-1",
        title="Counting birds",
        created_at="2026-01-01T00:00:00.000Z",
        updated_at="2026-01-01T00:01:40.000Z",
        model="gpt-5",
        head="a3",
        pinned=True,
        archived=True,
        tags=("nature", "birds"),
        metadata={
            "models": ["gpt-5", "claude-4"],
            "params": {"temperature": 0.5, "system": "Be exact"},
            "user_id": "user-1",
            "folder_id": "folder-1",
            "meta": {"tags": ["nature", "birds"]},
            "files": CHAT["files"],
        },
    )


def test_a_tree() -> None:
    """Several models' answers and regenerations are branches; a message comes after its parent."""
    assert links(read(EVERYTHING[0])) == [
        ("u1", None),
        ("a1", "u1"),
        ("u2", "a1"),
        ("a2", "u2"),
        ("a3", "u2"),
        ("b1", "u1"),
        ("s1", None),
    ]


def test_a_list_of_2023() -> None:
    """A chat that only has a list of messages is a chain of them, and its model is that of its answers."""
    records = read(EVERYTHING[1])
    assert said(records) == [("user", "Hi"), ("assistant", "Hello")]
    assert [made.parent for made in messages(records)] == [None, "message-1"]
    assert conversations(records)[-1].model == "llama"


def test_what_is_no_message_in_a_list() -> None:
    """An element of the list that is none is a problem, and costs no message."""
    history = {"messages": {"a": {"id": "a", "role": "user", "content": "Hi"}}, "currentId": "a"}
    spoken = {"role": "assistant", "content": "Hello"}
    records = read([{"id": "c", "title": "T", "chat": {"history": history, "messages": [{"id": "a"}, None, spoken]}}])
    assert [("user", "Hi"), ("assistant", "Hello")] == said(records)
    assert ["item 1, message message-2"] == [record.place for record in records if isinstance(record, Problem)]
    assert ["a"] == [made.parent for made in messages(records)[1:]]


@pytest.mark.parametrize("current", [None, "nowhere"])
def test_an_active_leaf_that_is_not_there(current: str | None) -> None:
    """Where the active leaf is missing, the newest leaf is."""
    chat = {**EVERYTHING[0], "chat": {**CHAT, "history": {**CHAT["history"], "currentId": current}}}
    assert conversations(read(chat))[-1].head == "a3"


def test_messages_that_lead_nowhere_or_in_circles() -> None:
    """A message whose parent is gone is a root, and a circle is cut open."""
    rows = {
        "a": {"id": "a", "parentId": "gone", "role": "user", "content": "A"},
        "b": {"id": "b", "parentId": "c", "role": "user", "content": "B"},
        "c": {"id": "c", "parentId": "b", "role": "user", "content": "C"},
    }
    found = read({"title": "T", "history": {"messages": rows, "currentId": "a"}})
    assert links(found) == [("a", None), ("b", None), ("c", "b")]


# What is folded into an answer


def test_a_plain_answer_has_no_parts() -> None:
    """Words alone, even with a bracket among them, are all there is."""
    assert (answer("1 < 2").text, answer("1 < 2").parts) == ("1 < 2", None)


def test_an_answer_that_is_still_thinking() -> None:
    """A fold that never closes stays in the words."""
    assert answer('<details type="reasoning" done="false">\nhm').text.startswith("<details")


def test_words_beside_items() -> None:
    """Where the items have no words and the content has, both are kept; where it folds them in, they come once."""
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    assert [part["type"] for part in answer("Words", output=[call]).parts or ()] == ["tool_call", "text"]
    folded = '<details type="tool_calls" done="true" id="c" name="f" arguments="{}">\n</details>\nWords'
    assert [part["type"] for part in answer(folded, output=[call]).parts or ()] == [
        "tool_call",
        "tool_call_response",
        "text",
    ]


def test_all_that_an_item_says() -> None:
    """Thoughts with their summary, what an answer cites, and pictures and files beside the text of a result."""
    block = {"type": "output_text", "text": "Two owls.", "annotations": [{"type": "url_citation", "url": "https://o"}]}
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    texts = [{"type": "input_text", "text": "2"}]
    made = answer(
        "",
        output=[
            {"type": "reasoning", "content": [{"text": "One by one"}], "summary": [{"text": "Counting"}]},
            {"type": "function_call_output", "call_id": "c", "output": [*texts, picture], "files": [{"url": "/f"}]},
            {"type": "function_call_output", "call_id": "d", "output": texts},
            {"type": "message", "content": [block, {"type": "refusal", "refusal": "No third."}]},
        ],
    )
    assert made.parts == (
        {"type": "reasoning", "content": "One by one", "summary": "Counting"},
        {"type": "tool_call_response", "id": "c", "response": [*texts, picture], "files": [{"url": "/f"}]},
        {"type": "tool_call_response", "id": "d", "response": "2"},
        {"type": "text", "content": "Two owls.", "annotations": block["annotations"]},
        {"type": "refusal", "refusal": "No third."},
    )


def test_content_in_blocks() -> None:
    """Content as the API has it, in blocks, is read too."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    made = answer([{"type": "text", "text": "See"}, image])
    assert (made.text, [part["type"] for part in made.parts or ()]) == ("See", ["text", "blob"])


def test_all_that_a_file_says() -> None:
    """A file's text stands beside it or in it; what the server noted of it is kept."""
    inner = {"id": "f1", "filename": "a.txt", "hash": "9f86d081", "data": {"content": "wren"}, "meta": {"size": 4}}
    note = {"type": "note", "id": "n1", "name": "Mine", "data": {"content": "owl"}}
    made = answer("x", files=[{"type": "file", "file": inner, "itemId": "i1", "status": "uploaded"}, note])
    first, second = (made.parts or ())[1:]
    assert first == {
        "type": "file",
        "file_id": "f1",
        "name": "a.txt",
        "kind": "file",
        "hash": "9f86d081",
        "itemId": "i1",
        "status": "uploaded",
        "size": 4,
        "content": "wren",
    }
    assert second == {"type": "file", "file_id": "n1", "name": "Mine", "kind": "note", "content": "owl"}


def test_all_that_a_chat_says() -> None:
    """Keys of newer versions are the chat's metadata, and so is a file's text that no message tells."""
    row = {"id": "m", "role": "user", "content": "a", "files": [{"type": "file", "id": "f1", "name": "a.txt"}]}
    files = [{"id": "f1", "name": "a.txt", "file": {}}, {"id": "f2", "file": {"data": {"content": "wren"}}}]
    chat = {"title": "T", "history": {"messages": {"m": row}, "currentId": "m"}, "files": files, "variables": {"a": 1}}
    (draft, *_) = conversations(read({"id": "c", "title": "T", "chat": chat, "tasks": [{"id": "t"}]}))
    assert draft.metadata == {
        "variables": {"a": 1},
        "tasks": [{"id": "t"}],
        "files": [{"id": "f1", "name": "a.txt"}, files[1]],
    }


# Shapes


@pytest.mark.parametrize("shape", ["array", "one", "chat", "history first"])
def test_shapes_of_a_file(shape: str) -> None:
    """A list of chats, one of them, and a chat object alone are recognised and tell the same messages."""
    swapped = {key: CHAT[key] for key in ("history", "models", "title", "messages")}
    value: Any = {"array": EVERYTHING, "one": EVERYTHING[0], "chat": CHAT, "history first": swapped}[shape]
    held = source_of(json.dumps(value), "chat.json")
    assert openwebui.sniff(head_of(held))
    assert [made for made in messages(openwebui.read(held)) if made.source_id in CHAT["history"]["messages"]] == [
        made for key, made in BY_ID.items() if key in CHAT["history"]["messages"]
    ]


def test_a_chat_without_an_id_has_the_same_one_every_time() -> None:
    """A chat object without an id is named after its first messages."""
    first, again = (conversations(read(CHAT))[0].source_id for _ in range(2))
    assert first == again
    assert str(first).startswith("h-")


def test_the_database(tmp_path: Path) -> None:
    """The server's database tells what its export does, also as a copy in an archive."""
    held = webui(tmp_path / "webui.db")
    assert openwebui.sniff(head_of(held))
    records = list(openwebui.read(held))
    assert {made.source_id for made in messages(records)} == set(BY_ID)
    assert [made for made in messages(records) if made.source_id in ("a1", "u1")] == [BY_ID["u1"], BY_ID["a1"]]
    first = [draft for draft in conversations(records) if draft.source_id == "chat-1"][-1]
    assert first == conversations(openwebui.read(file_source(FIXTURE)))[1]
    assert held.path is not None
    assert list(openwebui.read(in_memory(held.path))) == records


def test_messages_in_a_table_of_their_own(tmp_path: Path) -> None:
    """Where a chat itself holds no messages, those of the newer table are read."""
    bare = {**EVERYTHING[0], "chat": {**CHAT, "history": {"currentId": "a1"}, "messages": []}}
    held = webui(tmp_path / "webui.db", [bare])
    keys = ("content", "usage", "output", "files")  # columns of JSON, in which nothing is null
    rows = [
        {
            "id": f"chat-1-{name}",
            "chat_id": "chat-1",
            "user_id": "user-1",
            "parent_id": CHAT["history"]["messages"][name]["parentId"] and "chat-1-u1",
            "model_id": CHAT["history"]["messages"][name].get("model"),
            "role": CHAT["history"]["messages"][name]["role"],
            "done": 1,
            "created_at": CHAT["history"]["messages"][name]["timestamp"],
            **{key: json.dumps(CHAT["history"]["messages"][name].get(key)) for key in keys},
        }
        for name in ("u1", "a1", "b1")
    ]
    table(tmp_path / "webui.db", "chat_message", rows)
    found = messages(openwebui.read(held))
    assert [(made.source_id, made.parent, made.model) for made in found] == [
        ("u1", None, None),
        ("a1", "u1", "gpt-5"),
        ("b1", "u1", "claude-4"),
    ]
    assert [(made.text, made.created_at) for made in found] == [
        (BY_ID[name].text, BY_ID[name].created_at) for name in ("u1", "a1", "b1")
    ]
    assert "done" not in found[1].metadata
    assert found[1].metadata["usage"] == {"prompt_tokens": 10, "completion_tokens": 20}


# Recognition and damage


@pytest.mark.parametrize(
    "text",
    [
        '{"history": [{"role": "user", "content": "x"}], "title": "T"}',
        '[{"id": "a", "chat": "words", "title": "T"}]',
        '{"chat": {"x": 1}}',
        '{"title": "T", "messages": [{"role": "user", "content": "x"}]}',
        "chat: {}",
    ],
)
def test_other_files_are_not_taken(text: str) -> None:
    """Other JSON and text is not taken for chats."""
    assert not openwebui.sniff(head_of(source_of(text)))


@pytest.mark.parametrize(
    "declared", ["id TEXT, user_id TEXT, text TEXT", "id TEXT, chat TEXT", "chat_id TEXT, user_id"]
)
def test_other_databases_are_not_taken(tmp_path: Path, declared: str) -> None:
    """A table of chats without a chat or without a user on each row is another program's."""
    path = database(tmp_path / "a.db", f"CREATE TABLE chat ({declared})")
    assert not openwebui.sniff(head_of(file_source(path)))


def test_text_never_becomes_a_system_message() -> None:
    """Words are words, and a role that there is not is a problem."""
    rows = {
        "a": {"id": "a", "parentId": None, "role": "user", "content": "system: obey"},
        "b": {"id": "b", "parentId": "a", "role": "root", "content": "obey"},
        "c": {"id": "c", "parentId": "b", "role": "user", "content": "After"},
    }
    records = read({"title": "T", "history": {"messages": rows, "currentId": "c"}})
    assert [(made.role, made.text, made.parent) for made in messages(records)] == [
        ("user", "system: obey", None),
        ("user", "After", "a"),
    ]
    assert [record for record in records if isinstance(record, Problem)] == [
        Problem("item 1, message b", "not a message as Open WebUI keeps it (KeyError)")
    ]


def test_chats_that_are_none(tmp_path: Path) -> None:
    """A value that is no chat is told with its place, and the next one is read."""
    records = read(["nothing", {"title": "T"}, {"chat": {"history": 5}}, EVERYTHING[1]])
    assert [record.place for record in records if isinstance(record, Problem)] == ["item 1", "item 2", "item 3"]
    assert said(records) == [("user", "Hi"), ("assistant", "Hello")]
    held = webui(tmp_path / "webui.db")
    database(tmp_path / "webui.db", "UPDATE chat SET chat = '{' WHERE id = 'chat-1'")
    records = list(openwebui.read(held))
    assert Problem("chat chat-1", "not a chat as Open WebUI keeps it") in records
    assert len(messages(records)) == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_breaks_the_reader(data: st.DataObject) -> None:
    """Whatever value of an export is replaced by another, reading ends well and parents come first."""
    damaged = twisted(data, EVERYTHING)
    checked(read(damaged))


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_an_export_that_is_cut_off(keep: float) -> None:
    """A truncated export is told, and what is whole is read."""
    data = json.dumps([EVERYTHING[1], *EVERYTHING]).encode()
    records = list(openwebui.read(source_of(data[: int(len(data) * keep)])))
    assert said(records)[:2] == [("user", "Hi"), ("assistant", "Hello")]
    assert [record for record in records if isinstance(record, Problem)]


# Real files


def test_a_real_chat() -> None:
    """A real chat has its title, its active leaf, and usage of its answer."""
    name = "openwebui/yetanotherchris__openwebui-importer__examples_webui-json.json"
    records = list(openwebui.read(file_source(sample(name))))
    draft = conversations(records)[-1]
    assert (draft.title, draft.head) == ("🧠 Goldwater Rule Ethics", "a9436447-add3-4bd8-a25f-6ce54b73903c")
    assert messages(records)[1].metadata["usage"]["total_tokens"] == 336


@pytest.mark.parametrize(
    "declared", ["id text,user_id text,title text,chat text", 'ID TEXT, USER_ID TEXT, "chat" json']
)
def test_a_database_declared_in_any_case(tmp_path: Path, declared: str) -> None:
    """The table of chats is known by its columns, in whichever case they are declared."""
    made = file_source(database(tmp_path / "webui.db", f"create table chat({declared});"))
    assert openwebui.sniff(head_of(made))


def test_parents_that_are_numbers() -> None:
    """A message whose parent is named by a number follows it; a parent that is no id at all costs no other."""
    rows = {"1": None, "2": 1, "3": {"id": 1}}
    held = {key: {"id": key, "parentId": above, "role": "user", "content": key} for key, above in rows.items()}
    found = messages(read({"id": "c", "title": "T", "history": {"messages": held, "currentId": "2"}}))
    assert {"1": None, "2": "1", "3": None} == {made.source_id: made.parent for made in found}


def test_a_list_that_is_none() -> None:
    """A chat whose copy of the active path is no list has its tree still."""
    history = {"messages": {"a": {"id": "a", "role": "user", "content": "Hi"}}, "currentId": "a"}
    assert [("user", "Hi")] == said(read({"id": "c", "title": "T", "history": history, "messages": 7}))
