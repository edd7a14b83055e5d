"""Tests of Cherry Studio's backup: topics and assistants, blocks, answers of several models, old forms, damage."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from chatlog.formats import build, cherry_studio, detect
from chatlog.formats.archive import walk_stream
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, links, messages, said, source_of

FIXTURE = DATA / "cherry_studio" / "data.json"


def fixture() -> list[Record]:
    return checked(cherry_studio.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def read(*rows: Any, version: int = 5, tables: Any = None) -> list[Record]:
    held = tables or {"topics": [{"id": "t", "messages": list(rows)}], "message_blocks": []}
    return checked(cherry_studio.read(source_of(json.dumps({"time": 1, "version": version, "indexedDB": held}))))


def row(key: str, role: str, words: str, **facts: Any) -> dict[str, Any]:
    return {"id": key, "role": role, "content": words, "createdAt": "2026-03-05T12:00:00Z", **facts}


def test_facts_of_a_topic() -> None:
    """A topic has its name, times, pin and assistant from the settings; the name that each new one has is none."""
    stars, old = conversations(fixture())
    expected = ConversationDraft(
        source_id="tp-1",
        title="Stars",
        created_at="2026-03-05T11:59:59.000Z",
        updated_at="2026-03-05T12:00:06.000Z",
        model="gpt-4o-mini",
        project="Sailor",
        pinned=True,
        head="a-5",
        metadata={"isNameManuallyEdited": True, "assistant": {"id": "as-1", "emoji": "s", "type": "assistant"}},
    )
    assert expected == stars
    assert ("tp-2", None, "Default Assistant", "o-2") == (old.source_id, old.title, old.project, old.head)


def test_answers_of_several_models() -> None:
    """They are siblings, and what was said next follows the one that was chosen."""
    assert [
        ("instructions", None),
        ("u-1", "instructions"),
        ("a-1", "u-1"),
        ("a-2", "u-1"),
        ("a-3", "u-1"),
        ("u-2", "a-2"),
        ("a-4", "u-2"),
        ("a-5", "a-4"),
        ("o-1", None),
        ("o-2", "o-1"),
    ] == links(fixture())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (({}, {}), "c"),
        (({"useful": True}, {}), "b"),
        (({"useful": True}, {"foldSelected": True}), "c"),
        (({"foldSelected": True}, {}), "b"),
    ],
)
def test_which_answer_goes_on(facts: tuple[dict[str, Any], dict[str, Any]], expected: str) -> None:
    """The chosen one, else the one that is marked as useful, else the last."""
    answers = [row(key, "assistant", key, askId="a", **told) for key, told in zip("bc", facts, strict=True)]
    assert ("d", expected) == links(read(row("a", "user", "?"), *answers, row("d", "user", "!")))[-1]


CHART: dict[str, Any] = {"size": 12, "ext": ".pdf", "created_at": "2026-03-05T12:00:00.000Z", "count": 1}
FILE = {**CHART, "kind": "document", **build.file("f-1", "chart.pdf")}
POLARIS = [{"type": "text", "text": "Polaris"}]


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("instructions", "text", "You are a sailor.\nBe short."),
        (
            "u-1",
            "parts",
            (build.text("Which star is this?"), build.blob("image/png", "QUJD", modality="image"), FILE),
        ),
        ("a-1", "model", "gpt-4o-mini"),
        (
            "a-1",
            "metadata",
            {
                "assistantId": "as-1",
                "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
                "metrics": {"time_first_token_millsec": 300},
                "provider": "openai",
            },
        ),
        (
            "a-2",
            "parts",
            (
                {"thinking_millsec": 900, **build.reasoning("North?")},
                build.tool_call("call_1", "search", {"q": "star"}),
                build.tool_result("call_1", POLARIS),
                build.text("The pole star."),
                {
                    "type": "citation",
                    "createdAt": "2026-03-05T12:00:00.000Z",
                    "response": {"results": [{"url": "https://a.example", "title": "A"}], "source": "websearch"},
                },
            ),
        ),
        (
            "a-4",
            "parts",
            (
                build.blob("image/png", "REVG", modality="image"),
                {
                    "type": "translation",
                    "createdAt": "2026-03-05T12:00:00.000Z",
                    "content": "Gemalt.",
                    "targetLanguage": "de",
                },
            ),
        ),
        ("a-5", "metadata", {"assistantId": "as-1", "status": "error", "provider": "openai"}),
        ("o-1", "parts", (build.text("Hi"), FILE)),
        (
            "o-2",
            "parts",
            (
                build.reasoning("Which time?"),
                build.tool_call("call_7", "clock", {}),
                build.tool_result("call_7", [{"type": "text", "text": "12:00"}], is_error=True),
                build.text("Noon."),
                build.uri("https://a.example/noon.png", modality="image"),
            ),
        ),
        ("o-2", "metadata", {"assistantId": "default", "citations": ["https://a.example"], "provider": "openai"}),
    ],
)
def test_what_a_message_holds(key: str, field: str, value: Any) -> None:
    """A message keeps its blocks, and what messages held before there were blocks."""
    assert value == getattr(message(key), field)


def test_what_is_left_out() -> None:
    """A mark that clears the context is no message; an answer that never came and an empty topic are counted."""
    assert [LeftOut("messages without words", 1), LeftOut("topics without messages", 1)] == fixture()[-2:]
    assert "not-a-key" not in str(fixture())


def test_version_1() -> None:
    """The first backups kept keys and values rather than tables."""
    pairs = [
        {"key": "topic:t", "value": {"id": "t", "messages": [row("a", "user", "One")]}},
        {"key": "image://avatar", "value": ""},
    ]
    assert [("user", "One")] == said(read(version=1, tables=pairs))


def test_in_its_zip() -> None:
    """A backup is a zip with the data beside files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(FIXTURE, "data.json")
        archive.writestr("Data/Files/f-1.pdf", "%PDF")
    packed.seek(0)
    assert [("-!Data/Files/f-1.pdf", None), ("-!data.json", "cherry_studio")] == [
        (source.name, detect(source)) for source in walk_stream(packed)
    ]


def test_a_broken_message_loses_only_itself() -> None:
    """A role that is not known is a problem, the messages around it are read."""
    records = read(row("a", "user", "One"), row("b", "boss", "Two"), row("c", "assistant", "Three"))
    assert [("user", "One"), ("assistant", "Three")] == said(records)
    assert Problem("topic 1, message 2", "not of the shape of a message (UnreadableError)") in records


def test_sniff() -> None:
    """A backup is known by its beginning and by its tables or settings."""
    assert cherry_studio.sniff(head_of(file_source(FIXTURE)))
    for other in (
        '{"time": 1, "version": 5, "localStorage": {"a": 1}}',
        '{"version": 1, "topics": []}',
        '{"indexedDB": {"topics": []}}',
        "{}",
        "[]",
    ):
        assert not cherry_studio.sniff(head_of(source_of(other)))


def test_wrong_types_of_the_settings() -> None:
    """The settings may hold anything: the messages are read."""
    whole = json.loads(FIXTURE.read_text())
    for held in (
        None,
        7,
        "x",
        [],
        "{}",
        '{"assistants": 7}',
        '{"assistants": "[]"}',
        '{"assistants": {"assistants": [7]}}',
    ):
        whole["localStorage"] = {"persist:cherry-studio": held}
        assert 9 == len(messages(checked(cherry_studio.read(source_of(json.dumps(whole))))))
