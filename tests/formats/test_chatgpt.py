"""Tests of ChatGPT's export: what is recognised, a conversation's facts, its tree, and damage."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.formats import chatgpt
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, Problem, Record

from .chatgpt_making import FIXTURE, conversation, node, read, sniffs, source
from .damage import checked, twisted
from .making import conversations, head, head_of, links, messages, sample, walk

EXPORT = "chatgpt/minhyeong112__h20__api_server_utils_import___data___chatgpt-export.json"
DEEPSEEK = "other_deepseek/MaMuk__Threadindex__samples_deepseek_conversations.json"


def test_facts_of_a_conversation() -> None:
    """The conversation keeps its title, times, model, project, flags and the rest as metadata."""
    draft = conversations(chatgpt.read(file_source(FIXTURE)))[-1]
    expected = ConversationDraft(
        source_id="conversation-1",
        title="Every feature",
        created_at="2025-06-15T15:06:40.123Z",
        updated_at="2025-06-15T15:21:40.500Z",
        model="gpt-4o",
        project="g-p-kitchen",
        head="answer-2",
        pinned=True,
        archived=True,
        metadata={
            "conversation_template_id": "g-p-kitchen",
            "gizmo_id": "g-p-kitchen",
            "gizmo_type": "snorlax",
            "pinned_time": 1750000950.0,
            "safe_urls": ["https://example.com/a"],
            "voice": "cove",
            "memory_scope": "global_enabled",
        },
    )
    assert expected == draft


@pytest.mark.parametrize("title", [None, "", "  ", 5])
def test_no_title(title: Any) -> None:
    """A title that is null, blank or no text is none, for the store to find a better one."""
    assert conversations(read(conversation(title=title)))[0].title is None


def test_model_of_the_last_answer() -> None:
    """A conversation without a default model has that of its last answer."""
    answers = [
        node("b", "a", "1", role="assistant", metadata={"model_slug": "gpt-4"}),
        node("c", "b", "2", role="assistant", metadata={"model_slug": "o3"}),
    ]
    assert conversations(read(conversation(node("a", None, "Hi"), *answers)))[0].model == "o3"


def test_a_gpt_is_no_project() -> None:
    """A custom GPT is kept as metadata; only a project is the conversation's project."""
    draft = conversations(read(conversation(gizmo_id="g-abc")))[0]
    assert (draft.project, draft.metadata["gizmo_id"]) == (None, "g-abc")


def test_the_path_that_captures_repeat() -> None:
    """The copy of the active path in captured conversations is not kept a second time."""
    draft = conversations(read(conversation(node("a", None, "Hi"), linear_conversation=[{"id": "a"}])))[0]
    assert draft.metadata == {}


# The tree


def test_branches_in_order() -> None:
    """Branches follow in the order of their parent's children, whatever the order of the mapping."""
    records = read(
        conversation(
            node("b2", "a", "edited"),
            node("b1", "a", "first", ("c1",)),
            node("c1", "b1", "reply"),
            node("a", None, "Hi", ("b1", "b2")),
            current_node="b2",
        )
    )
    assert links(records) == [("a", None), ("b1", "a"), ("c1", "b1"), ("b2", "a")]
    assert head(records) == "b2"


def test_nodes_without_children_lists() -> None:
    """Where nodes name only their parents, branches follow by time."""
    nodes = [
        node("late", "a", "2", create_time=3.0e9),
        node("early", "a", "1", create_time=2.0e9),
        node("a", None, "Hi"),
    ]
    records = read(conversation(*nodes))
    assert links(records) == [("a", None), ("early", "a"), ("late", "a")]


def test_nodes_without_parents() -> None:
    """Where nodes name only their children, those lists are the tree."""
    records = read(conversation(node("b", None, "2"), node("a", "gone", "1", ("b",))))
    assert links(records) == [("a", None), ("b", "a")]


def test_nodes_without_messages_are_passed_over() -> None:
    """What hangs on a node without a message follows the nearest message above it."""
    records = read(
        conversation(
            node("root", None, None, ("a",)),
            node("a", "root", "1", ("gap",)),
            node("gap", "a", None, ("b",)),
            node("b", "gap", "2"),
            current_node="b",
        )
    )
    assert links(records) == [("a", None), ("b", "a")]


def test_several_roots_and_a_dangling_parent() -> None:
    """Roots beside each other and a parent that is not there lose no message."""
    records = read(conversation(node("a", None, "1"), node("b", None, "2"), node("c", "nowhere", "3")))
    assert links(records) == [("a", None), ("b", None), ("c", None)]


def test_circles() -> None:
    """A circle is cut open and read once."""
    records = read(conversation(node("a", "c", "1", ("b",)), node("b", "a", "2", ("c",)), node("c", "b", "3", ("a",))))
    assert len(links(records)) == 3
    assert [parent for _, parent in links(records) if parent is None] == [None]


def test_a_node_that_is_its_own_parent() -> None:
    """A node that names itself is a root."""
    assert links(read(conversation(node("a", "a", "1", ("a",))))) == [("a", None)]


def test_depth() -> None:
    """A hundred thousand nested replies are read without recursion."""
    depth = 100_000
    chain = [node(f"n{i}", f"n{i - 1}" if i else None, "x", (f"n{i + 1}",)) for i in range(depth)]
    records = read(conversation(*chain, current_node=f"n{depth - 1}"))
    assert depth == len(messages(records))
    assert f"n{depth - 1}" == head(records)


HEADS = [
    ("the current node", "b", "b"),
    ("the message above a current node without one", "gap", "b"),
    ("the newest leaf without one", None, "c"),
    ("the newest leaf where it dangles", "gone", "c"),
    ("the newest leaf where it is the empty root", "root", "c"),
]


@pytest.mark.parametrize(("rule", "current", "expected"), HEADS, ids=[row[0] for row in HEADS])
def test_head(rule: str, current: str | None, expected: str) -> None:
    """The active leaf is the current node, else the newest leaf."""
    nodes = [
        node("root", None, None, ("a",)),
        node("a", "root", "1", ("c", "b")),
        node("c", "a", "2", create_time=1.8e9),
        node("b", "a", "3", ("gap",), create_time=1.7e9),
        node("gap", "b", None),
    ]
    assert expected == head(read(conversation(*nodes, current_node=current)))


def test_head_without_times() -> None:
    """Without times the active leaf is where the last children lead."""
    nodes = [node("a", None, "1", ("b", "c")), node("b", "a", "2"), node("c", "a", "3", ("d",)), node("d", "c", "4")]
    assert head(read(conversation(*nodes))) == "d"


def test_a_result_belongs_to_a_call_of_its_turn() -> None:
    """A tool that speaks after a human's next words answers no call."""
    records = read(
        conversation(
            node("call", None, "look()", role="assistant", recipient="browser"),
            node("user", "call", "Never mind"),
            node("tool", "user", "a file", role="tool"),
        )
    )
    assert list(messages(records)[-1].parts or ()) == [{"type": "tool_call_response", "id": None, "response": "a file"}]


# Broken and unusual exports


def test_broken_nodes() -> None:
    """A node that is no node and a message without an author are reported, and nothing else is lost."""
    records = read(
        conversation(
            node("a", None, "1", ("odd", "b")),
            ("odd", 5),
            ("b", {"parent": "a", "children": 7, "message": {"content": "secret words"}}),
            node("c", "b", "3"),
        )
    )
    problems = [record for record in records if isinstance(record, Problem)]
    assert links(records) == [("a", None), ("c", "a")]
    assert [problem.place for problem in problems] == ["item 1, message 2", "item 1, message 3"]
    assert "secret" not in repr(problems)


def test_conversations_without_a_mapping() -> None:
    """A conversation without messages is imported empty and counted, an object without anything only counted."""
    records = read({"id": "c1", "title": "Gone", "create_time": 1.7e9}, {"id": "c2", "mapping": None}, {})
    assert [(draft.source_id, draft.title) for draft in conversations(records)] == [("c1", "Gone"), ("c2", None)]
    assert LeftOut("conversations without messages (no mapping)", 3) == records[-1]
    assert not [record for record in records if isinstance(record, Problem)]


def test_a_conversation_that_is_none() -> None:
    """A value that is no conversation is a problem, and the next one is read."""
    records = read("nothing", conversation(node("a", None, "1")))
    assert Problem("item 1", "not a ChatGPT conversation") == records[0]
    assert links(records) == [("a", None)]


def test_ids_are_derived_where_they_are_missing() -> None:
    """A conversation without an id has the same one in every export, also once it is longer or renamed."""
    begun = [node("a", None, "Hi", ("b",)), node("b", "a", "Hello", role="assistant")]
    short = conversations(read(conversation(*begun, id=None)))[0].source_id
    longer = conversations(read(conversation(*begun, node("c", "b", "More"), id=None, title="New")))[0].source_id
    other = conversations(read(conversation(*begun, id=None, create_time=1.6e9)))[0].source_id
    assert str(short).startswith("h-")
    assert short == longer
    assert short != other


@pytest.mark.parametrize("shape", ["array", "object", "conversations", "capture"])
def test_shapes_of_a_file(shape: str) -> None:
    """An array, one conversation, and envelopes around them are recognised and read alike."""
    one = conversation(node("a", None, "Hi"))
    value = {"array": [one], "object": one, "conversations": {"v": 1, "conversations": [one]}, "capture": {"data": one}}
    assert sniffs(value[shape])
    assert links(list(chatgpt.read(source(value[shape])))) == [("a", None)]


ONE = {"id": "c", "title": "T", "create_time": 1.0}
OTHERS: list[tuple[str, Any]] = [
    ("user.json", {"id": "user-x", "email": "a@example.com", "chatgpt_plus_user": True}),
    ("message_feedback.json", [{"message_id": "m", "conversation_id": "c", "rating": "thumbsUp", "content": "{}"}]),
    ("shared_conversations.json", [{"id": "s", "conversation_id": "c", "title": "T", "is_anonymous": True}]),
    ("export_manifest.json", {"export_files": [{"path": "conversations-000.json", "size_bytes": 1}]}),
    ("library_files.json", [{"file_id": "f", "origination_thread_id": "c"}]),
    ("empty list", []),
    ("DeepSeek", [{**ONE, "inserted_at": "2026-01-01", "mapping": {"root": {"id": "root", "message": None}}}]),
    ("DeepSeek, sparse", [{"id": "c", "title": "T", "mapping": {"1": {"message": {"fragments": []}}}}]),
    ("DeepSeek in an envelope", {"conversations": [{"inserted_at": "2026-01-01", "title": "T", "mapping": {}}]}),
    ("Claude.ai", [{"uuid": "u", "name": "N", "chat_messages": []}]),
    ("a mapping of something else", {"mapping": {"a": "b"}}),
    ("an export quoted in a string", {"role": "user", "content": json.dumps([conversation(node("a", None, "Hi"))])}),
]


@pytest.mark.parametrize(("name", "value"), OTHERS, ids=[row[0] for row in OTHERS])
def test_other_files_are_not_taken(name: str, value: Any) -> None:
    """The account's other files and other formats are not taken for conversations."""
    assert not sniffs(value)


def test_a_corrupt_first_conversation_does_not_hide_the_rest() -> None:
    """A list whose first conversation lost its messages is recognised by the others."""
    assert sniffs([{"title": None}, conversation(node("a", None, "Hi"))])


# Laws


def parents_come_first(records: list[Record]) -> bool:
    seen: set[str | int | None] = {None}
    for message in messages(records):
        if message.parent not in seen:
            return False
        seen.add(message.source_id)
    return True


EVERYTHING = json.loads(FIXTURE.read_text(encoding="utf-8"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_breaks_the_reader(data: st.DataObject) -> None:
    """Whatever value of an export is replaced by another, reading ends well and parents come first."""
    damaged = twisted(data, EVERYTHING)
    checked(chatgpt.read(source(damaged)))


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.tuples(st.sampled_from("abcdefx"), st.lists(st.sampled_from("abcdefx")))
    )
)
def test_any_graph_is_read_once(graph: dict[str, tuple[str, list[str]]]) -> None:
    """Whatever parents and children nodes claim, each message comes once and after its parent."""
    nodes = [node(key, parent, "x", tuple(children)) for key, (parent, children) in graph.items()]
    records = read(conversation(*nodes))
    assert sorted(graph) == sorted(str(message.source_id) for message in messages(records))
    assert parents_come_first(records)


def test_reading_twice_gives_the_same() -> None:
    """A second reading yields equal records, so that an import again writes nothing."""
    assert list(chatgpt.read(file_source(FIXTURE))) == list(chatgpt.read(file_source(FIXTURE)))


# Real files


def test_only_conversations_of_a_split_export_are_taken() -> None:
    """Of a split export's files only the numbered conversations are read."""
    names = [
        member.name.rpartition("!")[2]
        for member in walk(sample("chatgpt/derived__split-export.zip"))
        if chatgpt.sniff(head_of(member))
    ]
    assert names == ["conversations-000.json", "conversations-001.json"]


def test_a_real_browsing_turn() -> None:
    """A real answer's call, its two quotes and its citations are in place."""
    by_id = {message.source_id: message for message in messages(chatgpt.read(file_source(sample(EXPORT))))}
    call, quote, second, answer = list(by_id.values())[4:8]
    assert ((call.parts or ())[0]["arguments"], call.hidden) == ("mclick([0, 3, 7])", False)
    assert [call.source_id, call.source_id] == [(m.parts or ())[0]["id"] for m in (quote, second)]
    assert answer.parent == second.source_id
    assert answer.text.endswith(
        "([Volkswagen Transporter Review - Drive](https://www.drive.com.au/reviews/volkswagen-transporter-review/))."
    )
    assert "†" not in answer.text


def test_deepseek_is_another_format() -> None:
    """DeepSeek's export, which looks alike, is not taken."""
    assert not chatgpt.sniff(head_of(file_source(sample(DEEPSEEK))))


def test_what_newer_versions_say_of_a_message_is_kept() -> None:
    """A key beside the known ones is the message's metadata."""
    records = read(conversation(node("a", None, "Hi", sender_name="Ann", status="finished_successfully", weight=1.0)))
    assert [{"sender_name": "Ann"}] == [made.metadata for made in messages(records)]


def test_what_has_no_key_of_a_conversation_is_a_problem() -> None:
    """Where the format is insisted on, a record of another says so; an empty one is only counted."""
    records = read({"role": "user", "content": "x"}, {})
    assert [Problem("item 1", "not a ChatGPT conversation")] == [one for one in records if isinstance(one, Problem)]
    assert LeftOut("conversations without messages (no mapping)", 2) == records[-1]


@pytest.mark.parametrize(
    ("member", "pointer", "name"),
    [
        ("file-AbC123-photo.png", "file-service://file-AbC123", "photo.png"),
        ("dalle-generations/file-AbC123-9f3e.webp", "file-service://file-AbC123", "9f3e.webp"),
        ("file_00ab-sanitized.jpg", "sediment://file_00ab#p", "file_00ab-sanitized.jpg"),
        ("file-AbC123.dat", "file-service://file-AbC123", None),
    ],
)
@pytest.mark.parametrize("folder", ["", "export/"])
def test_files_beside_in_the_archive(tmp_path: Path, folder: str, member: str, pointer: str, name: str | None) -> None:
    """A pointer gets its name, and its kind by that, from the export's member whose name begins with its id."""
    shown = {"content_type": "image_asset_pointer", "asset_pointer": pointer}
    entry = conversation(node("a", None, "look"))
    entry["mapping"]["a"]["message"]["content"] = {"content_type": "multimodal_text", "parts": [shown, "look"]}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(f"{folder}conversations.json", json.dumps([entry]))
        archive.writestr(f"{folder}{member}", b"x")
    (part,) = (
        part
        for member in walk(tmp_path / "a.zip")
        if member.name.endswith("conversations.json")
        for message in messages(chatgpt.read(member))
        for part in message.parts or ()
        if part["type"] == "file"
    )
    kinds = {None: None, "9f3e.webp": "image/webp", "photo.png": "image/png"}
    assert (name, kinds.get(name, "image/jpeg")) == (part.get("name"), part.get("mime_type"))
