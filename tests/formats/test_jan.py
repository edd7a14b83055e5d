"""Tests of Jan's threads: versions and what is shown of them, calls of every generation, files, and damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import build, jan
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, links, messages, said, source_of

THREADS = DATA / "jan" / "threads"
FIXTURE = THREADS / "01JANTHREAD" / "messages.jsonl"
OLD = THREADS / "jan_1712345678" / "messages.jsonl"


def fixture(path: Path = FIXTURE) -> list[Record]:
    return checked(jan.read(file_source(path)))


def message(key: str, path: Path = FIXTURE) -> MessageDraft:
    return next(message for message in messages(fixture(path)) if message.source_id == key)


def row(key: str, role: str, words: str, at: int = 0, **metadata: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": {"value": words, "annotations": []}}]
    facts = {"thread_id": "t", "created_at": 1772712000 + at, "metadata": metadata}
    return {"id": key, "object": "thread.message", "role": role, "content": content, **facts}


def read(*rows: Any) -> list[Record]:
    return checked(jan.read(source_of(json_lines(*rows), "messages.jsonl")))


def test_facts_of_a_thread() -> None:
    """A thread keeps its title, times, model, assistant, project and mark; its head is what is shown last."""
    expected = ConversationDraft(
        source_id="01JANTHREAD",
        title="Stars",
        created_at="2026-03-05T12:00:00.123Z",
        updated_at="2026-03-05T12:00:05.000Z",
        model="qwen3-4b",
        project="Sea",
        pinned=True,
        head="m7",
        metadata={
            "is_favorite": True,
            "project": {"id": "p-1", "name": "Sea", "updated_at": 1},
            "order": 1,
            "assistant": {
                "id": "jan",
                "assistant_id": "jan",
                "assistant_name": "Jan",
                "name": "Jan",
                "model": {"id": "qwen3-4b", "engine": "llamacpp"},
            },
        },
    )
    assert [expected] == conversations(fixture())


def test_versions() -> None:
    """Each message follows its parent, the first one the instructions; one without words is passed by."""
    expected = [
        ("instructions", None),
        ("m1", "instructions"),
        ("m2", "m1"),
        ("m3", "m1"),
        ("m4", "m3"),
        ("m6", "m3"),
        ("m7", "m6"),
    ]
    assert expected == links(fixture())
    assert LeftOut("messages without words", 1) == fixture()[-1]


ASKED = (
    build.text("What is this?"),
    build.file("f-1", "chart.pdf", file_type="pdf", size="12", chunks="3"),
    build.blob("image/png", "QUJD", modality="image"),
    build.file(None, "note.txt", content="N"),
)
ANSWERED = (
    build.reasoning("A star?"),
    build.tool_call("call_1", "search", {"q": "star"}),
    build.tool_result("call_1", [{"type": "text", "text": "Pole star"}]),
    build.text("The pole star."),
)
FORMERLY = (
    build.reasoning("A greeting."),
    build.tool_call("call_9", "clock", {}),
    build.tool_result("call_9", "noon"),
    build.text("Hello"),
)


@pytest.mark.parametrize(
    ("path", "key", "field", "value"),
    [
        (FIXTURE, "instructions", "role", "system"),
        (FIXTURE, "m1", "parts", ASKED),
        (FIXTURE, "m1", "created_at", "2026-03-05T12:00:00.000Z"),
        (FIXTURE, "m3", "parts", ANSWERED),
        (
            FIXTURE,
            "m3",
            "metadata",
            {
                "completed_at": 1772712002000,
                "usage": {"inputTokens": 9, "outputTokens": 4},
                "tokenSpeed": {"tokenSpeed": 31.5, "tokenCount": 4},
            },
        ),
        (FIXTURE, "m7", "parts", (build.reasoning("Long."), build.text("Far."))),
        (FIXTURE, "m7", "metadata", {"completed_at": 1772712005000, "status": "stopped"}),
        (OLD, "o1", "parts", None),
        (OLD, "o2", "parent", "o1"),
        (OLD, "o2", "created_at", "2024-04-05T19:34:40.000Z"),
        (OLD, "o2", "parts", FORMERLY),
    ],
)
def test_messages(path: Path, key: str, field: str, value: Any) -> None:
    """A message keeps its words, thoughts, calls with results, pictures, files, time and the rest."""
    assert value == getattr(message(key, path), field)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("<think>Hm", (build.reasoning("Hm"),)),
        (
            "<|channel|>analysis<|message|>Hm<|start|>assistant<|channel|>final<|message|>Yes",
            (build.reasoning("Hm"), build.text("Yes")),
        ),
        ("It is <think>.", None),
    ],
)
def test_thoughts_in_words(words: str, expected: Any) -> None:
    """A thought that was never ended, and one that is marked as a channel, is a thought."""
    (found,) = messages(read(row("a", "assistant", words)))
    assert expected == found.parts


def test_an_answer_that_lost_its_place() -> None:
    """It belongs to the prompt before it, and the next prompt to it: Jan repairs its threads in the same way."""
    rows = [
        row("u1", "user", "One", 0, parentId=None),
        row("a1", "assistant", "Two", 1, parentId=None),
        row("u2", "user", "Three", 2, parentId="u1"),
        row("a2", "assistant", "Four", 3, parentId="u2"),
    ]
    found = read(*rows)
    assert [("u1", None), ("a1", "u1"), ("u2", "a1"), ("a2", "u2")] == links(found)
    assert "a2" == conversations(found)[0].head


def test_a_message_that_was_written_again() -> None:
    """The last state of a message is the one that counts; it stays where it was."""
    assert [("user", "New"), ("assistant", "Two")] == said(
        read(row("a", "user", "Old"), row("b", "assistant", "Two"), row("a", "user", "New"))
    )


def test_a_circle_is_broken() -> None:
    """Messages that are each other's parents are read, each once."""
    found = read(row("a", "user", "One", parentId="b"), row("b", "assistant", "Two", parentId="a"))
    assert 2 == len(messages(found))


def test_a_thread_without_its_folder() -> None:
    """What the messages themselves tell is enough."""
    (draft,) = conversations(read(row("a", "user", "One")))
    assert ("t", None, "2026-03-05T12:00:00.000Z", "a") == (draft.source_id, draft.title, draft.created_at, draft.head)


def test_import_of_the_folder(tmp_path: Path) -> None:
    """The threads come in once."""
    with chatlog.open(tmp_path / "x.db") as store:
        counts = [transfer.import_history(store, [THREADS]).total["new"] for _ in range(2)]
    assert [9, 0] == counts


def test_sniff() -> None:
    """A thread is known by the objects on its lines."""
    assert jan.sniff(head_of(file_source(FIXTURE)))
    assert jan.sniff(head_of(file_source(OLD)))
    for other in (
        '{"object": "thread.message"}',
        '{"object": "thread", "title": "x"}',
        '{"role": "user", "content": "a"}',
    ):
        assert not jan.sniff(head_of(source_of(other)))


def test_a_broken_message_loses_only_itself() -> None:
    """A role that is not known is a problem, the messages around it are read."""
    records = read(row("a", "user", "One"), row("b", "boss", "Two"), row("c", "assistant", "Three"))
    assert [("user", "One"), ("assistant", "Three")] == said(records)
    assert Problem("line 2", "not a message of Jan (UnreadableError)") in records
