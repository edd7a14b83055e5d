"""Tests of DeepSeek's export: its tree, its fragments, its older form, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, chatgpt, deepseek
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record

from .damage import checked, read_twisted
from .making import DATA, conversations, head_of, links, messages, said, sample, source_of

FIXTURE = DATA / "deepseek" / "every_feature.json"
REAL = "other_deepseek/MaMuk__Threadindex__samples_deepseek_conversations.json"


def fixture() -> list[Record]:
    return checked(deepseek.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def test_facts_of_a_conversation() -> None:
    """The conversation keeps its id, title, times, last model and the rest; its newest end is active."""
    expected = ConversationDraft(
        source_id="d-1",
        title="Every feature",
        created_at="2026-01-15T02:00:00.123Z",
        updated_at="2026-01-15T02:05:00.000Z",
        model="deepseek-chat",
        head="3",
        metadata={"seq_id": 9},
    )
    assert expected == conversations(fixture())[1]


def test_the_tree() -> None:
    """Messages are linked past empty nodes, siblings as their parent lists them; lists alone are enough."""
    assert [("1", None), ("2", "1"), ("3", "1"), ("a", None), ("b", "a")] == links(fixture())


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("1", "role", "user"),
        ("1", "text", "Read this"),
        ("1", "model", None),
        ("1", "created_at", "2026-01-15T02:00:01.000Z"),
        ("1", "parts", (build.text("Read this"), {"file_size": 3, **build.file("f1", "a.pdf")})),
        ("2", "role", "assistant"),
        ("2", "model", "deepseek-reasoner"),
        ("2", "text", "It says\n\nnothing."),
        ("2", "metadata", {"accumulated_token_usage": 7}),
        (
            "2",
            "parts",
            (
                {"elapsed_secs": 2, **build.reasoning("Hm.")},
                {"type": "search", "results": [{"url": "https://x.test", "title": "X"}]},
                build.text("It says"),
                build.text("nothing."),
            ),
        ),
        ("3", "parts", None),
        ("a", "text", "Old form"),
        ("b", "parts", (build.reasoning("Old."), build.text("Yes"))),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """A message keeps its model, time, files and fragments: requests, thoughts, searches and responses."""
    assert value == getattr(message(key), field)


def test_an_answer_that_was_withdrawn() -> None:
    """A ready-made refusal in the place of an answer is what was said."""
    said_so = {"fragments": [{"id": 2, "type": "TEMPLATE_RESPONSE", "content": "Let's talk of something else."}]}
    entry = {"id": "c", "inserted_at": "2026-01-15T10:00:00Z", "mapping": {"1": {"parent": None, "message": said_so}}}
    (found,) = messages(checked(deepseek.read(source_of(json.dumps([entry])))))
    assert ("assistant", "Let's talk of something else.", None) == (found.role, found.text, found.parts)


def test_fragments_that_are_no_words() -> None:
    """A file is a reference to it; a fragment of no words is none of ours, whatever its kind is called."""
    held = [{"type": "FILE", "file_id": "f", "file_name": "a.pdf"}, {"type": "TEXT", "content": None}]
    entry = {"id": "c", "inserted_at": "2026-01-15T10:00:00Z", "mapping": {"1": {"message": {"fragments": held}}}}
    (found,) = messages(checked(deepseek.read(source_of(json.dumps([entry])))))
    assert (build.file("f", "a.pdf"), {"type": "source_text", "content": None}) == found.parts


def test_sniff() -> None:
    """DeepSeek's envelope is ChatGPT's, but neither takes the other's for its own."""
    ours = head_of(file_source(FIXTURE))
    theirs = head_of(file_source(DATA / "chatgpt" / "every_feature.json"))
    assert (True, False) == (deepseek.sniff(ours), chatgpt.sniff(ours))
    assert (False, True) == (deepseek.sniff(theirs), chatgpt.sniff(theirs))
    assert not deepseek.sniff(head_of(source_of('{"mapping": {"a": 1}}')))
    assert not deepseek.sniff(head_of(source_of('[{"inserted_at": "2026-01-01"}]')))


def test_a_broken_message_loses_only_itself() -> None:
    """What answers a message that cannot be read follows the one before that."""
    nodes = {
        "1": {"children": ["2"], "message": {"fragments": [{"type": "REQUEST", "content": "a"}]}},
        "2": {"children": ["3"], "message": {"fragments": [7]}},
        "3": {"children": [], "message": {"fragments": [{"type": "REQUEST", "content": "c"}]}},
    }
    records = checked(deepseek.read(source_of(json.dumps([{"id": "c", "mapping": nodes}]))))
    assert [("1", None), ("3", "1")] == links(records)
    assert Problem("item 1, node 2", "not a message of DeepSeek (AttributeError)") in records


def test_a_real_export() -> None:
    """The sample has two conversations and seven messages, which the manifest does not count."""
    records = checked(deepseek.read(file_source(sample(REAL))))
    assert (2, 7) == (len({draft.source_id for draft in conversations(records)}), len(messages(records)))
    assert ("user", "Hello! What is threadindex in one sentence?") == said(records)[0]


# What the website's server answers with

SESSION = {"id": "s-1", "title": "Lamb", "current_message_id": 2, "pinned": True, "agent": "chat"}
ROWS = [
    {
        "message_id": 1,
        "parent_id": None,
        "role": "USER",
        "inserted_at": 1763826114.569,
        "fragments": [{"id": 1, "type": "REQUEST", "content": "Write"}],
    },
    {
        "message_id": 2,
        "parent_id": 1,
        "role": "ASSISTANT",
        "inserted_at": 1763826114.582,
        "accumulated_token_usage": 9,
        "fragments": [{"id": 1, "type": "RESPONSE", "content": "The lamb", "references": [], "stage_id": 1}],
    },
    {"message_id": 3, "parent_id": 1, "role": "ASSISTANT", "content": "Lamb", "thinking_content": "Hm"},
]


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 0, "msg": "", "data": {"biz_data": {"chat_session": SESSION, "chat_messages": ROWS}}},
        {"chat_session": SESSION, "chat_messages": ROWS},
    ],
)
def test_what_the_website_answers(answer: dict[str, Any]) -> None:
    """A conversation as the website gets it has its tree, its times and the message that is shown as its head."""
    source = source_of(json.dumps(answer), "chat.json")
    assert deepseek.sniff(head_of(source))
    records = checked(deepseek.read(source))
    _, draft = conversations(records)
    assert ("s-1", "Lamb", "2", True) == (draft.source_id, draft.title, draft.head, draft.pinned)
    assert {"agent": "chat"} == draft.metadata
    assert [("user", "Write"), ("assistant", "The lamb"), ("assistant", "Lamb")] == said(records)
    assert [("1", None), ("2", "1"), ("3", "1")] == links(records)
    _, shown, other = messages(records)
    assert (None, "2025-11-22T15:41:54.582Z") == (shown.parts, shown.created_at)
    assert (build.reasoning("Hm"), build.text("Lamb")) == other.parts


def test_wrong_types_of_an_answer() -> None:
    """Whatever stands in the place of a value, the rest is read and what is not is a problem."""
    answer = {"data": {"biz_data": {"chat_session": SESSION, "chat_messages": ROWS}}}
    assert read_twisted(deepseek.read, answer) > 100
