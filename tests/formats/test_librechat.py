"""Tests of LibreChat's exports: nested and flat trees, what a message holds, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, librechat
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, links, messages, said, sample, source_of

FIXTURE = DATA / "librechat" / "every_feature.json"
NESTED = "librechat/minhyeong112__h20__api_server_utils_import___data___librechat-export.json"
LINEAR = "librechat/minhyeong112__h20__api_server_utils_import___data___librechat-linear.json"
ROOT = "00000000-0000-0000-0000-000000000000"


def fixture() -> list[Record]:
    return checked(librechat.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def row(key: str, parent: str | None = None, **facts: Any) -> dict[str, Any]:
    return {"messageId": key, "parentMessageId": parent, "isCreatedByUser": True, "text": key, **facts}


def read(*rows: Any, **facts: Any) -> list[Record]:
    talk = {"conversationId": "c", "endpoint": "openAI", "messages": list(rows), **facts}
    return checked(librechat.read(source_of(json.dumps(talk))))


def test_facts_of_a_conversation() -> None:
    """The conversation keeps its id, title, model, options and how it was exported."""
    expected = ConversationDraft(
        source_id="c-1",
        title="Every feature",
        model="gpt-4o",
        head="a3",
        metadata={
            "endpoint": "openAI",
            "exportAt": "16:33:32 GMT+0200 (Central European Summer Time)",
            "branches": True,
            "recursive": True,
            "options": {"model": "gpt-4o", "temperature": 1},
        },
    )
    assert expected == conversations(fixture())[-1]


def test_the_tree() -> None:
    """Nested messages follow those they are nested in; the newest end is active."""
    assert [("u1", None), ("a1", "u1"), ("a2", "u1"), ("u2", "a2"), ("a3", "u2")] == links(fixture())
    assert conversations(fixture())[-1].head == "a3"


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("u1", "role", "user"),
        ("u1", "text", "What is this?"),
        ("u1", "author", None),
        ("u1", "created_at", "2024-04-09T14:32:05.230Z"),
        ("u1", "metadata", {"tokenCount": 5}),
        (
            "u1",
            "parts",
            (
                build.text("What is this?"),
                {"bytes": 10, "width": 2, **build.file("file-1", "cat.png", "image/png")},
            ),
        ),
        ("a1", "role", "assistant"),
        ("a1", "author", "GPT-4"),
        ("a1", "model", "gpt-4o-mini"),
        ("a1", "text", "It may be\n\na cat."),
        ("a1", "metadata", {"endpoint": "azure", "updatedAt": "2024-04-09T14:33:00.000Z"}),
        ("a2", "metadata", {"unfinished": True, "finish_reason": "length"}),
        ("u2", "role", "user"),
        ("a3", "text", "Out of credit"),
        ("a3", "parts", ({**build.text("Out of credit"), "type": "text", "is_error": True},)),
        ("a3", "metadata", {"error": True}),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """A message keeps who wrote it and with which model, its words, files, time and state."""
    assert value == getattr(message(key), field)


def test_blocks() -> None:
    """Thoughts, words, calls with their results, pictures, attachments and unknown blocks become parts."""
    assert (
        build.reasoning("Look closer."),
        build.text("It may be"),
        {"progress": 1, **build.tool_call("t1", "search", {"q": "cat"})},
        build.tool_result("t1", "A cat."),
        build.text("a cat."),
        {**build.file("file-2", "out.png", "image/png"), "modality": "image"},
        {"type": "agent_update", "agent_update": {"agentId": "x"}},
        build.file("file-3", "sources.json"),
    ) == message("a1").parts


def test_flat_messages() -> None:
    """Flat messages are linked by their parents, in whatever order they stand."""
    assert [("a", None), ("c", "a"), ("b", "a"), ("d", "b")] == links(
        read(row("c", "a"), row("d", "b"), row("a", ROOT), row("b", "a"))
    )


def test_linear_messages() -> None:
    """Where no message names a parent, each follows the one before; edited beginnings stay beside each other."""
    assert [("a", None), ("b", "a"), ("c", "b")] == links(read(row("a"), row("b"), row("c")))
    assert [("a", None), ("b", "a")] == links(read(row("a", ROOT), row("b", ROOT), branches=False))
    assert [("a", None), ("b", None)] == links(read(row("a", ROOT), row("b", ROOT), branches=True))


def test_circles() -> None:
    """Messages that are each other's parent are read once each."""
    assert {"a", "b"} == {message.source_id for message in messages(read(row("a", "b"), row("b", "a")))}


def test_deep_nesting() -> None:
    """A chain of several hundred nested replies is read to its end."""
    tree: dict[str, Any] = row("400")
    for number in range(399, 0, -1):
        tree = row(str(number), children=[tree])
    assert conversations(read(tree))[-1].head == "400"


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"text": "t", "content": []}, "t"),
        ({"text": "t", "content": "c"}, "t"),
        ({"text": "", "content": "c"}, "c"),
        ({"text": "t", "content": [{"type": "think", "think": "x"}]}, "t"),
        ({"text": "t", "content": [{"type": "text", "text": "c"}]}, "c"),
    ],
)
def test_text_and_content(facts: dict[str, Any], text: str) -> None:
    """A message's words are those of its blocks, its text where they have none."""
    assert [("user", text)] == said(read(row("a", **facts)))


def test_the_sender_is_only_a_label() -> None:
    """A message is its user's or the model's; a label that says system makes none."""
    records = read(row("a", sender="system", isCreatedByUser=False), row("b", "a", sender="System", role="system"))
    assert [("assistant", "system"), ("user", None)] == [
        (message.role, message.author) for message in messages(records)
    ]


def test_sniff() -> None:
    """An export is LibreChat's by its conversation's keys; a request log with messages is not."""
    assert librechat.sniff(head_of(file_source(FIXTURE)))
    assert librechat.sniff(
        head_of(source_of(json.dumps([{"conversationId": "c", "messages": [], "recursive": False}])))
    )
    for other in (
        {"conversationId": "c", "messages": []},
        {"messages": [{"role": "user", "content": "a"}]},
        {"endpoint": "x"},
    ):
        assert not librechat.sniff(head_of(source_of(json.dumps(other))))


def test_a_broken_message_loses_only_itself() -> None:
    """What answers a message that cannot be read follows the one before that."""
    records = read(row("a", children=[row("b", text=7, content=None, children=[row("c")])]), recursive=True)
    assert [("a", None), ("c", "a")] == links(records)
    assert Problem("item 1, message 1, reply 1", "not a LibreChat message (TypeError)") in records


@pytest.mark.parametrize(("name", "count", "head"), [(NESTED, 6, "645b925b"), (LINEAR, 2, "113b8336")])
def test_real_files(name: str, count: int, head: str) -> None:
    """Real exports have the messages that the manifest counts, the last as the active leaf."""
    records = checked(librechat.read(file_source(sample(name))))
    assert count == len(messages(records))
    assert str(conversations(records)[-1].head).startswith(head)


def test_an_error_says_why() -> None:
    """An error's words are under its own name or under that of a text."""
    blocks = [{"type": "error", "error": "Too long"}, {"type": "error", "text": "Too many"}]
    blocks.append({"type": "error", "text": {"value": "Too late"}})
    found = messages(read(row("a", text="", content=blocks)))
    assert ["Too long\n\nToo many\n\nToo late"] == [message.text for message in found]


def test_ids_that_are_numbers() -> None:
    """A message whose parent is named by a number follows it; a parent that is no id at all costs no other."""
    numbered = [{**row("x"), "messageId": 1}, {**row("y", text="y"), "messageId": 2, "parentMessageId": 1}]
    found = read(*numbered, {**row("z"), "parentMessageId": {"id": 1}}, branches=True)
    assert [("1", None), ("2", "1"), ("z", None)] == links(found)


def test_replies_that_are_no_list() -> None:
    """What stands for a message's replies and is no list costs no message."""
    assert [("a", None), ("b", "a")] == links(read({**row("a"), "children": [{**row("b"), "children": 7}]}))


def test_what_was_typed_into_an_answer_is_the_users() -> None:
    """An answer that its user steered is told in pieces around what was typed; what follows it follows the last."""
    call = {"type": "tool_call", "tool_call": {"id": "t", "name": "oil", "args": "{}", "output": "done"}}
    steer = {"type": "steer", "steer": "Less oil", "steerId": "s", "createdAt": 1772359200000}
    content = [{"type": "text", "text": "Oiling."}, call, steer, {"type": "text", "text": "Oiled."}]
    answer = row("a", "u", isCreatedByUser=False, sender="Ada", text="Oiling. Oiled.", content=content, tokenCount=7)
    found = read(row("u"), answer, row("v", "a"))
    assert links(found) == [("u", None), ("a", "u"), ("a/1", "a"), ("a/2", "a/1"), ("v", "a/2")]
    assert [(m.role, m.text) for m in messages(found)] == [
        ("user", "u"),
        ("assistant", "Oiling."),
        ("user", "Less oil"),
        ("assistant", "Oiled."),
        ("user", "v"),
    ]
    typed = messages(found)[2]
    assert (typed.created_at, typed.metadata) == ("2026-03-01T10:00:00.000Z", {"steerId": "s"})


def test_a_built_in_tool_has_its_name_and_what_it_put_out() -> None:
    """Code that the Assistants API ran is a call named by its kind, with its outputs as the result."""
    used = {"input": "1+1", "outputs": [{"type": "logs", "logs": "2"}]}
    call = {"id": "t", "type": "code_interpreter", "code_interpreter": used}
    (made,) = messages(read(row("a", content=[{"type": "tool_call", "tool_call": call}], text="")))
    assert made.parts == (
        build.tool_call("t", "code_interpreter", {"input": "1+1"}),
        build.tool_result("t", used["outputs"]),
    )


def test_films_and_sounds() -> None:
    """A film is kept by its address, a sound with its bytes."""
    content = [
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    ]
    (made,) = messages(read(row("a", content=content, text="")))
    assert made.parts == (
        build.uri("https://example.com/a.mp4", modality="video"),
        build.blob("audio/wav", "UklGRg==", modality="audio"),
    )
