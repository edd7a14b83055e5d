"""Tests of Chatbox's data: threads, forked versions, old and new messages, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, chatbox
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, links, messages, said, source_of

FIXTURE = DATA / "chatbox" / "chatbox-exported-data-2026-3-6.json"
SEA = "11111111-0000-4000-8000-000000000001"


def fixture() -> list[Record]:
    return checked(chatbox.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def read(**data: Any) -> list[Record]:
    return checked(chatbox.read(source_of(json.dumps({"__exported_items": ["conversations"], **data}))))


def word(key: str, role: str, text: str) -> dict[str, Any]:
    return {"id": key, "role": role, "contentParts": [{"type": "text", "text": text}]}


def test_conversations() -> None:
    """A thread is a conversation, known by its first message, with its own name, else the session's."""
    settings = {"provider": "openai", "modelId": "gpt-4o-mini", "temperature": 0.7}
    facts = {"type": "chat", "sortOrder": 3, "copilotId": "cop-1", "settings": settings}
    waves, stars, old = conversations(fixture())
    assert (f"{SEA}/s-1", "Waves", "2026-03-05T11:58:20.000Z", "a-0") == (
        waves.source_id,
        waves.title,
        waves.created_at,
        waves.head,
    )
    assert stars == ConversationDraft(
        source_id=f"{SEA}/s-2",
        title="Stars",
        created_at="2026-03-05T12:00:00.000Z",
        model="gpt-4o-mini",
        head="sum",
        pinned=True,
        metadata=facts,
    )
    assert ("old/o-1", None, "o-2") == (old.source_id, old.title, old.head)


def test_versions_are_branches() -> None:
    """What was forked follows the message that it was forked from, also a forked one."""
    found = links(fixture())
    assert [("s-1", None), ("u-1", "s-1"), ("a-0", "u-1")] == found[:3]
    assert [("s-2", None), ("u-2", "s-2"), ("a-2", "u-2"), ("u-3", "a-2"), ("a-3", "u-3"), ("sum", "a-3")] == found[3:9]
    assert [("a-1", "u-2"), ("u-9", "a-1"), ("u-8", "a-1"), ("o-1", None), ("o-2", "o-1")] == found[9:]


def test_a_summary_is_common_to_all_versions() -> None:
    """What was forked from a message that was summed up follows the summary."""
    summary = {**word("b", "assistant", "Sum"), "isSummary": True}
    forks = {"a": {"position": 0, "lists": [{"messages": []}, {"messages": [word("d", "assistant", "Four")]}]}}
    rows = [word("a", "user", "One"), summary, word("c", "assistant", "Three")]
    found = read(**{"session:s": {"id": "s", "messages": rows, "messageForksHash": forks}})
    assert [("a", None), ("b", "a"), ("c", "b"), ("d", "b")] == links(found)


def test_a_thread_that_is_put_aside_stays_what_it_is() -> None:
    """When a new thread is begun, the one before is known by the same id."""
    rows = [word("a", "user", "One")]
    before = {"id": "s", "name": "N", "messages": rows}
    after = {"id": "s", "name": "N", "messages": [word("b", "user", "Two")], "threads": [{"id": "t", "messages": rows}]}
    assert ["s/a"] == [one.source_id for one in conversations(read(**{"session:s": before}))]
    assert ["s/a", "s/b"] == [one.source_id for one in conversations(read(**{"session:s": after}))]


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        (
            "u-2",
            "parts",
            (
                build.text("Which star is this?"),
                build.file("picture:input-1", ocr="N", modality="image"),
                {"storageKey": "file:f-1", **build.file("f-1", "chart.pdf", "application/pdf")},
                {"title": "Stars", "storageKey": "link:l-1", **build.uri("https://a.example/stars")},
            ),
        ),
        ("u-2", "metadata", {"wordCount": 4, "tokenCount": 6}),
        (
            "a-2",
            "parts",
            (
                {"startTime": 1772712002000, "duration": 900, **build.reasoning("North?")},
                build.tool_call("call_1", "web_search", {"query": "star"}),
                build.tool_result("call_1", {"items": [{"title": "Pole star"}]}),
                build.tool_call("call_2", "parse_link", {"url": "x"}),
                build.tool_result("call_2", {"message": "no"}, is_error=True),
                build.text("The pole star."),
            ),
        ),
        ("a-2", "text", "The pole star."),
        ("a-2", "model", "OpenAI API (gpt-4o-mini)"),
        ("a-2", "created_at", "2026-03-05T12:00:03.000Z"),
        ("sum", "hidden", True),
        ("sum", "metadata", {"hidden_reason": "compaction"}),
        ("a-0", "parts", (build.text("High."), {"type": "info", "text": "cut"})),
        (
            "o-1",
            "parts",
            (
                build.text("Hi"),
                build.blob("image/png", "QUJD", modality="image"),
                build.file("picture:2", modality="image"),
            ),
        ),
        ("o-2", "parts", (build.reasoning("A greeting."), build.text("Hello"))),
        ("o-2", "author", "Boxy"),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """A message keeps its words, thoughts, calls with results, pictures, files, links, usage and time."""
    assert value == getattr(message(key), field)


def test_what_is_left_out_is_counted() -> None:
    """An answer that failed and a session in which nothing was said hold no words."""
    assert [LeftOut("messages without words", 1), LeftOut("threads without messages", 1)] == fixture()[-2:]


def test_the_oldest_data() -> None:
    """Sessions once stood in a list, as converters still write them."""
    row = {"id": "s", "name": "N", "messages": [{"id": "m", "role": "user", "content": "Hi"}]}
    for key in ("chat-sessions", "chat-sessions-list"):
        assert [("user", "Hi")] == said(read(**{key: [row]}))
        assert chatbox.sniff(head_of(source_of(json.dumps({key: [row]}))))


def test_what_a_version_was_forked_from_is_gone() -> None:
    """Its messages are kept, at the beginning of the open thread."""
    forks = {"gone": {"position": 0, "lists": [{"messages": []}, {"messages": [word("b", "user", "Two")]}]}}
    session = {"id": "s", "messages": [word("a", "user", "One")], "messageForksHash": forks}
    found = read(**{"session:s": session})
    assert [("a", None), ("b", None)] == links(found)
    assert "a" == conversations(found)[0].head


def test_a_broken_message_loses_only_itself() -> None:
    """A role that is not known is a problem, the messages around it are read."""
    rows = [word("a", "user", "One"), word("b", "boss", "Two"), word("c", "assistant", "Three")]
    records = read(**{"session:s": {"id": "s", "messages": rows}})
    assert [("user", "One"), ("assistant", "Three")] == said(records)
    assert Problem("session 1, message 2", "not of the shape of a message (UnreadableError)") in records


def test_sniff() -> None:
    """The data is known by its sessions or by what an export says of itself."""
    assert chatbox.sniff(head_of(file_source(FIXTURE)))
    assert chatbox.sniff(head_of(source_of('{"settings": {}, "session:1": {"messages": []}}')))
    for other in ('{"session:1": {"user": 1}}', '[{"__exported_items": []}]', '{"sessions": []}', "{}", "[]"):
        assert not chatbox.sniff(head_of(source_of(other)))
