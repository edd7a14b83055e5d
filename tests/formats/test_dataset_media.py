"""Tests of the pictures, films and sounds that a data set's record names beside its messages."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import build, openai_messages, sharegpt
from chatlog.models import MessageDraft

from .making import conversations, json_lines, messages, source_of


def read(record: dict[str, Any]) -> list[MessageDraft]:
    reader = sharegpt if "conversations" in record else openai_messages
    return messages(reader.read(source_of(json_lines(record))))


def picture(path: str, name: str, kind: str = "image") -> dict[str, Any]:
    return build.file(path, name, modality=kind)


def test_marks_stand_for_files() -> None:
    """Each mark in the words stands for the next of its kind; the text is what was said without the marks."""
    asked = ["<image>\nWho is it?", "And <image> there?"]
    turns = [
        {"from": "human", "value": asked[0]},
        {"from": "gpt", "value": "Kane"},
        {"from": "human", "value": asked[1]},
    ]
    first, answer, second = read({"conversations": turns, "images": ["a/1.jpg", "https://x/2.jpg"]})
    assert ("Who is it?", "Kane", "And there?") == (first.text, answer.text, second.text)
    assert first.parts == (picture("a/1.jpg", "1.jpg"), build.text(asked[0]))
    assert second.parts == (build.uri("https://x/2.jpg", modality="image"), build.text(asked[1]))


@pytest.mark.parametrize("record", [{"image": "1.jpg"}, {"images": ["1.jpg"]}])
def test_files_without_marks(record: dict[str, Any]) -> None:
    """What no mark stands for is the first prompt's; a mark that stands for nothing stays."""
    turns = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "a <video> b"},
    ]
    system, asked, answer = read({"messages": turns, **record})
    assert (None, "a <video> b") == (system.parts, answer.text)
    assert (picture("1.jpg", "1.jpg"), build.text("Who?")) == asked.parts


def test_what_names_no_files() -> None:
    """Bytes and other values under those keys stay with the record's facts."""
    record = {"messages": [{"role": "user", "content": "<image>"}], "images": [{"bytes": "x"}], "audio": {"a": 1}}
    records = list(openai_messages.read(source_of(json_lines(record))))
    assert {"images": [{"bytes": "x"}], "audio": {"a": 1}} == conversations(records)[0].metadata
    assert [("<image>", None)] == [(message.text, message.parts) for message in messages(records)]


def test_films_and_sounds() -> None:
    """Films and sounds are told from pictures."""
    record = {
        "messages": [{"role": "user", "content": "<video><audio>What?"}],
        "videos": ["a.mp4"],
        "audios": ["a.mp3"],
    }
    (asked,) = read(record)
    assert "What?" == asked.text
    assert (picture("a.mp4", "a.mp4", "video"), picture("a.mp3", "a.mp3", "audio")) == (asked.parts or ())[:2]
