"""Tests of Claude.ai's export: what is recognised, a conversation's facts, its order and branches, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.formats import claude_ai
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, Problem, Record

from .damage import checked, twisted
from .making import DATA, conversations, head, head_of, links, messages, sample, source_of, walk

FIXTURE = DATA / "claude_ai" / "every_feature.json"
ROOT = "00000000-0000-4000-8000-000000000000"


def source(value: Any) -> Source:
    return source_of(json.dumps(value), "conversations.json")


def read(*entries: Any) -> list[Record]:
    return list(claude_ai.read(source(list(entries))))


def row(key: str | None, second: int | None = None, parent: str | None = None, **facts: Any) -> dict[str, Any]:
    """Return a message made at that second, saying its own id."""
    made = {} if second is None else {"created_at": f"2025-01-01T00:00:{second:02d}.000000Z"}
    linked = {} if parent is None else {"parent_message_uuid": parent}
    return {"uuid": key, "sender": "human", "text": str(key), "content": [], **made, **linked, **facts}


def chat(*rows: Any, **facts: Any) -> dict[str, Any]:
    return {"uuid": "c", "name": "N", "created_at": "2025-01-01T00:00:00Z", "chat_messages": list(rows), **facts}


def sniffs(value: Any) -> bool:
    return claude_ai.sniff(head_of(source(value)))


# Conversations


def test_facts_of_a_conversation() -> None:
    """The conversation keeps its title, times, model, project by name, star and the rest as metadata."""
    expected = ConversationDraft(
        source_id="conversation-1",
        title="Every feature",
        created_at="2025-06-15T15:00:00.123Z",
        updated_at="2025-06-15T15:30:00.000Z",
        model="claude-opus-4",
        project="Kitchen",
        head="late-id",
        pinned=True,
        metadata={
            "summary": "All there is",
            "is_starred": True,
            "settings": {"enabled_web_search": True},
            "project_uuid": "project-1",
            "account": {"uuid": "account-1"},
        },
    )
    assert expected == conversations(claude_ai.read(file_source(FIXTURE)))[-1]


def test_a_shared_snapshot() -> None:
    """What a shared link gives is the conversation as it then was, by its own id and title."""
    facts = {"uuid": "s", "conversation_uuid": "c", "snapshot_name": "Mill", "chat_messages": [row("m", 1, index=0)]}
    (found, *_) = conversations(list(claude_ai.read(source(facts))))
    assert ("c", "Mill", {"uuid": "s"}) == (found.source_id, found.title, found.metadata)
    assert sniffs(facts)


def test_a_conversation_without_messages() -> None:
    """A conversation without a message is imported empty, one without a name has no title."""
    draft, *rest = read(chat(name=""))
    assert draft == ConversationDraft(source_id="c", created_at="2025-01-01T00:00:00.000Z")
    assert rest == []


def test_a_project_is_known_by_its_own_name_or_its_id() -> None:
    """A project is called by the name the conversation gives it, else by its id."""
    named = chat(project={"uuid": "p", "name": "Kitchen"})
    assert [draft.project for draft in conversations(read(named, chat(project_uuid="p")))] == ["Kitchen", "p"]


# Order and branches


def test_messages_follow_by_time() -> None:
    """A flat list is put in order of time, whatever its order in the file."""
    records = read(chat(row("c", 3), row("a", 1), row("b", 2)))
    assert links(records) == [("a", None), ("b", "a"), ("c", "b")]
    assert head(records) == "c"


def test_times_in_several_forms() -> None:
    """Times with other zones and precision are compared as times."""
    late, early = "2025-01-01T01:00:00.5+00:00", "2025-01-01T01:30:00+01:00"
    assert links(read(chat(row("b", created_at=late), row("a", created_at=early)))) == [("a", None), ("b", "a")]


def test_a_time_before_all_calendars() -> None:
    """The first moment there is, which stands for no time in some programs, is none in another zone."""
    never = "0001-01-01T00:00:00+05:00"
    records = read(chat(row("a", created_at=never), row("b", created_at=never)))
    assert links(records) == [("a", None), ("b", "a")]
    assert [message.created_at for message in messages(records)] == [None, None]


def test_messages_of_one_time() -> None:
    """Messages of the same time keep their index, else their place in the file."""
    records = read(chat(row("b", 1, index=2), row("a", 1, index=1), row("x", 2), row("y", 2)))
    assert [message.source_id for message in messages(records)] == ["a", "b", "x", "y"]


def test_a_question_comes_before_its_answer() -> None:
    """Exports of 2024 give both one time and mix their order; several questions of one time keep theirs."""
    bot = {"sender": "assistant"}
    records = read(chat(row("q1", 1), row("q3", 3), row("a1", 1, **bot), row("a2", 2, **bot), row("q2", 2)))
    assert [message.source_id for message in messages(records)] == ["q1", "a1", "q2", "a2", "q3"]
    records = read(chat(row("q", 1), row("a", 1, **bot), row("q'", 1), row("a'", 1, **bot)))
    assert [message.source_id for message in messages(records)] == ["q", "a", "q'", "a'"]


def test_messages_without_times() -> None:
    """A message without a time stays behind the one before it."""
    records = read(chat(row("a", 1), row("b"), row("c", 2)))
    assert [message.source_id for message in messages(records)] == ["a", "b", "c"]


def test_branches() -> None:
    """Links make a tree: an unknown parent is a root, siblings follow by time, the newest chain is active."""
    records = read(
        chat(row("a", 1, ROOT), row("b2", 4, "a"), row("b1", 2, "a"), row("c1", 3, "b1"), row("z", 5, "nowhere"))
    )
    assert links(records) == [("a", None), ("b1", "a"), ("c1", "b1"), ("b2", "a"), ("z", None)]
    assert head(records) == "z"


def test_a_message_without_a_link_among_linked_ones() -> None:
    """Where only some messages are linked, the others follow the one before."""
    assert links(read(chat(row("a", 1), row("b", 2, "a"), row("c", 3)))) == [("a", None), ("b", "a"), ("c", "b")]


def test_the_active_leaf_the_source_names() -> None:
    """The leaf the source names is active, unless something follows it."""
    rows = [row("a", 1, ROOT), row("b1", 2, "a"), row("b2", 3, "a")]
    assert head(read(chat(*rows, current_leaf_message_uuid="b1"))) == "b1"
    assert head(read(chat(*rows, current_leaf_message_uuid="a"))) == "b2"


def test_circles() -> None:
    """A circle of links is cut open and read once."""
    assert links(read(chat(row("a", 1, "b"), row("b", 2, "a")))) == [("a", None), ("b", "a")]


def test_ids_are_derived_where_they_are_missing() -> None:
    """Messages and conversations without ids have the same ones in every export, also once it is longer."""
    rows = [row(None, 1, text="Hi"), row(None, 2, text="Hello"), row(None, 3, text="Hello")]
    short, longer = read(chat(*rows[:2], uuid=None)), read(chat(*rows, uuid=None))
    keys = [message.source_id for message in messages(longer)]
    assert [message.source_id for message in messages(short)] == keys[:2]
    assert len(set(keys)) == 3
    assert all(str(key).startswith("h-") for key in keys)
    assert conversations(short)[0].source_id == conversations(longer)[0].source_id


def test_one_id_twice() -> None:
    """The same message twice comes once; another message under the same id is not lost."""
    records = read(chat(row("a", 1), row("a", 1), row("a", 2, text="other")))
    assert [message.text for message in messages(records)] == ["a", "other"]


@pytest.mark.parametrize(
    ("sender", "expected"),
    [("human", "user"), ("Human", "user"), ("user", "user"), ("assistant", "assistant"), ("system", "system")],
)
def test_senders(sender: str, expected: str) -> None:
    """Senders of the export and of other programs are roles."""
    assert messages(read(chat(row("a", 1, sender=sender))))[0].role == expected


# Shapes, damage and other files


@pytest.mark.parametrize("shape", ["array", "object", "conversations"])
def test_shapes_of_a_file(shape: str) -> None:
    """An array, one conversation, and an envelope are recognised and read alike."""
    one = chat(row("a", 1))
    value = {"array": [one], "object": one, "conversations": {"conversations": [one]}}[shape]
    assert sniffs(value)
    assert links(list(claude_ai.read(source(value)))) == [("a", None)]


DESIGN = {
    "uuid": "d",
    "title": "A poster",
    "project": {"uuid": "p", "name": "Posters"},
    "messages": [
        {
            "uuid": "m1",
            "role": "user",
            "created_at": "2026-01-01T00:00:00Z",
            "content": {"role": "user", "content": "Draw a pan", "contentBlocks": []},
            "attachments": [{"type": "text", "name": "wish.txt", "content": "make it round"}],
        },
        {
            "uuid": "m2",
            "role": "assistant",
            "created_at": "2026-01-01T00:00:01Z",
            "content": {
                "role": "assistant",
                "content": "",
                "contentBlocks": [
                    {"type": "thinking", "text": "Round."},
                    {"type": "text", "text": "Here."},
                    {
                        "type": "tool_call",
                        "toolCall": {"id": "t", "name": "draw", "input": {"shape": "o"}, "output": "ok"},
                    },
                ],
            },
        },
    ],
}


def test_design_chats() -> None:
    """Chats of the design tool, in their own shape, keep text, thinking, calls, results and attachments."""
    assert sniffs([DESIGN])
    records = read(DESIGN)
    assert (conversations(records)[-1].title, conversations(records)[-1].project) == ("A poster", "Posters")
    asked, answered = messages(records)
    assert (asked.role, asked.text) == ("user", "Draw a pan")
    assert (asked.parts or ())[1] == {
        "type": "file",
        "name": "wish.txt",
        "file_type": "text",
        "content": "make it round",
    }
    assert answered.text == "Here."
    assert answered.parts == (
        {"type": "reasoning", "content": "Round."},
        {"type": "text", "content": "Here."},
        {"type": "tool_call", "id": "t", "name": "draw", "arguments": {"shape": "o"}},
        {"type": "tool_call_response", "id": "t", "response": "ok"},
    )


def test_broken_messages() -> None:
    """A message that is none and one without a sender are reported, and nothing else is lost."""
    records = read(chat(row("a", 1), 5, row("b", 2, sender=None, text="secret words"), row("c", 3)))
    problems = [record for record in records if isinstance(record, Problem)]
    assert links(records) == [("a", None), ("c", "a")]
    assert [problem.place for problem in problems] == ["item 1, message 2", "item 1, message 2"]
    assert "secret" not in repr(problems)


def test_a_conversation_that_is_none() -> None:
    """A value that is no conversation is a problem, and the next one is read."""
    records = read("nothing", {}, chat(row("a", 1)))
    assert records[:2] == [
        Problem("item 1", "not a Claude.ai conversation"),
        Problem("item 2", "not a Claude.ai conversation"),
    ]
    assert links(records) == [("a", None)]


OTHERS: list[tuple[str, Any]] = [
    ("users.json", [{"uuid": "u", "full_name": "X", "email_address": "x@example.com"}]),
    ("projects.json", [{"uuid": "p", "name": "N", "description": "", "docs": [{"uuid": "d", "content": "x"}]}]),
    ("memories.json", [{"conversations_memory": "x", "project_memories": {}, "account_uuid": "u"}]),
    ("empty list", []),
    ("ChatGPT", [{"title": "T", "create_time": 1.0, "mapping": {}, "conversation_id": "c"}]),
    ("messages of an API", {"messages": [{"role": "user", "content": "Hi"}]}),
    ("an export quoted in a string", {"uuid": "x", "type": "user", "message": json.dumps([{"chat_messages": []}])}),
]


@pytest.mark.parametrize(("name", "value"), OTHERS, ids=[row[0] for row in OTHERS])
def test_other_files_are_not_taken(name: str, value: Any) -> None:
    """The account's other files and other formats are not taken for conversations."""
    assert not sniffs(value)


EVERYTHING = json.loads(FIXTURE.read_text(encoding="utf-8"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_breaks_the_reader(data: st.DataObject) -> None:
    """Whatever value of an export is replaced by another, reading ends well and parents come first."""
    damaged = twisted(data, EVERYTHING)
    checked(claude_ai.read(source(damaged)))


def test_reading_twice_gives_the_same() -> None:
    """A second reading yields equal records, so that an import again writes nothing."""
    assert list(claude_ai.read(file_source(FIXTURE))) == list(claude_ai.read(file_source(FIXTURE)))


# Real files


def test_only_the_conversations_of_an_export_are_taken() -> None:
    """Of an export's files only the conversations are read, not users, projects and memories."""
    members = walk(sample("claude_ai/derived__data-export.zip"))
    taken = [member.name.rpartition("!")[2] for member in members if claude_ai.sniff(head_of(member))]
    assert taken == ["conversations.json"]


def test_a_real_artifact() -> None:
    """A real answer keeps its words, its artifact, and an id for the call that it has none for."""
    name = "claude_ai/osteele__claude-chat-viewer__src_data_sampleConversations_cooking.json"
    answer = messages(claude_ai.read(file_source(sample(name))))[1]
    call = next(part for part in answer.parts or () if part["type"] == "tool_call")
    assert (call["id"].startswith("msg-2-"), call["name"]) == (True, "artifacts")
    assert call["arguments"]["title"] == "Vegetarian Peanut-Free Pad Thai Recipe"
    assert answer.text.startswith("I'd be happy to help you create a delicious vegetarian")


def test_a_design_chat_without_blocks() -> None:
    """One design chat is known by its messages, whatever they hold, and not taken for a record of plain messages."""
    said = {"uuid": "m1", "role": "user", "created_at": "2025-01-01T00:00:01Z"}
    chat = {
        "uuid": "d1",
        "title": "Design",
        "project": {"uuid": "p", "name": "PJ"},
        "created_at": "2025-01-01T00:00:00Z",
        "messages": [{**said, "content": {"role": "user", "content": "make it"}}],
    }
    assert sniffs(chat)
    found = list(claude_ai.read(source(chat)))
    assert ("d1", "Design", "PJ") == (
        conversations(found)[0].source_id,
        conversations(found)[0].title,
        conversations(found)[0].project,
    )
    assert [("user", "make it")] == [(message.role, message.text) for message in messages(found)]
    assert not sniffs({"uuid": "d1", "messages": [{"role": "user", "content": "hi"}]})


def test_a_design_message_whose_time_is_in_its_content() -> None:
    """It is when the message was made."""
    content = {"role": "user", "content": "make it", "timestamp": "2026-08-01T10:00:01.000Z"}
    chat = {"uuid": "d1", "messages": [{"uuid": "m1", "role": "user", "content": content}]}
    assert ["2026-08-01T10:00:01.000Z"] == [message.created_at for message in messages(claude_ai.read(source(chat)))]


def test_a_picture_with_its_bytes() -> None:
    """A picture among the blocks is bytes where it has them, else what it came as."""
    held = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    elsewhere = {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}
    said = {"sender": "human", "content": [{"type": "text", "text": "look"}, held, elsewhere]}
    expected = (
        {"type": "text", "content": "look"},
        {"type": "blob", "mime_type": "image/png", "content": "AAAA", "modality": "image"},
        elsewhere,
    )
    assert expected == messages(read(chat(row("m1", 1, **said))))[0].parts
