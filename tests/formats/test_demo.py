"""Tests of the small built-in history: its files are of the formats they claim and tell what the demo shows."""

from __future__ import annotations

import io
from importlib.resources import files

import pytest

from chatlog.formats import detect, reader
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Record

NAMES = {
    "chatgpt-conversations.json": "chatgpt",
    "claude-conversations.json": "claude_ai",
    "claude-code-session.jsonl": "claude_code",
}


def source_of(name: str) -> Source:
    data = (files("chatlog.demo") / name).read_bytes()
    return Source(name=name, opener=lambda: io.BytesIO(data), size=len(data))


def read(name: str) -> list[Record]:
    return list(reader(NAMES[name]).read(source_of(name)))


def everything() -> list[tuple[str, MessageDraft]]:
    return [(name, record) for name in NAMES for record in read(name) if isinstance(record, MessageDraft)]


@pytest.mark.parametrize(("name", "form"), NAMES.items())
def test_each_file_is_recognised_and_read_without_a_problem(name: str, form: str) -> None:
    """Every file is of its format, and the reader has nothing to complain about."""
    assert form == detect(source_of(name))
    assert {ConversationDraft, MessageDraft} == {type(record) for record in read(name)} - {LeftOut}


def test_the_history_is_small_and_of_one_autumn() -> None:
    """There are 35 to 50 messages in six conversations, all of September to November 2026."""
    times = [message.created_at for _, message in everything() if message.created_at]
    titles = {record.title for name in NAMES for record in read(name) if isinstance(record, ConversationDraft)} - {None}

    assert 35 <= len(everything()) <= 50
    assert {
        "Four days in Lisbon",
        "Flat sourdough",
        "SQLite or PostgreSQL?",
        "Sourdough starter in a cold kitchen",
        "A notice on a Japanese train",
        "Fix retry backoff in the forecast client",
    } == titles
    assert "2026-09" <= min(times)[:7] <= max(times)[:7] <= "2026-11"


@pytest.mark.parametrize("words", [("retry", "backoff"), ("sourdough",)])
def test_a_search_finds_something_in_two_sources(words: tuple[str, ...]) -> None:
    """The words that the demo searches for are said in two of the sources."""
    found = {name for name, message in everything() if all(word in message.text.lower() for word in words)}

    assert 2 == len(found)


def test_the_history_shows_what_the_formats_can_hold() -> None:
    """An edited prompt, a tool call with its result in each source, a citation, an attachment, thinking."""
    kinds = {(name, part["type"]) for name, message in everything() for part in message.parts or ()}
    lisbon = [message for _, message in everything()][:7]

    assert {(name, kind) for name in NAMES for kind in ("tool_call", "tool_call_response")} <= kinds
    assert {("claude-conversations.json", "file"), ("claude-code-session.jsonl", "reasoning")} <= kinds
    assert lisbon[1].parent == lisbon[3].parent
    assert "([Oceanário de Lisboa](https://www.oceanario.pt/en/))" in lisbon[4].text
