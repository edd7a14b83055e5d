"""Tests of Grok on X: chats and their order, what a message holds, identity, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chatlog
from chatlog import transfer
from chatlog.formats import build, detect, grok_x
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, Problem, Record

from .damage import checked, read_cut_off, read_twisted
from .making import DATA, conversations, head_of, messages, said, source_of

FIXTURE = DATA / "grok_x" / "grok-chat-item.js"
BEGINNING = "window.YTD.grok_chat_item.part0 = "


def fixture() -> list[Record]:
    return checked(grok_x.read(file_source(FIXTURE)))


def told(value: Any) -> list[Record]:
    return checked(grok_x.read(source_of(BEGINNING + json.dumps(value), FIXTURE.name)))


def test_facts_of_a_chat() -> None:
    """A chat is known by its id, and has the times of its messages."""
    expected = ConversationDraft(
        source_id="1981",
        created_at="2025-10-23T13:11:59.692Z",
        updated_at="2025-10-23T13:11:59.692Z",
        metadata={"on": "x"},
    )
    assert expected == conversations(fixture())[0]


def test_what_was_said() -> None:
    """An answer of the same time stands behind its question, without the places of its citations."""
    assert [("user", "How does it turn?"), ("assistant", "By wind."), ("user", "Hello")] == said(fixture())


def test_what_a_message_holds() -> None:
    """Files, the posts that were read and the mode are kept, and what was said as it came."""
    asked, answered, _ = messages(fixture())
    assert build.file("m1", "mill.png", "image/png", url="https://example.org/m1") == (asked.parts or ())[1]
    assert {"postIds": ["19631", "19632"], "grokMode": "Normal"} == answered.metadata
    assert "<grok:render" in (answered.parts or ())[0]["content"]
    assert asked.source_id == answered.parent


def test_sender_as_a_word() -> None:
    """Older archives name the sender alone."""
    items = [{"grokChatItem": {"chatId": "c", "message": name, "sender": name}} for name in ("user", "grok")]
    assert [("user", "user"), ("assistant", "grok")] == said(told(items))


def test_growth(tmp_path: Path) -> None:
    """A later archive adds what is new."""
    path = tmp_path / FIXTURE.name
    whole = FIXTURE.read_text()
    path.write_text(whole)
    with chatlog.open(tmp_path / "c.db") as store:
        counts = [transfer.import_history(store, [path]).total["new"] for _ in range(2)]
        item = {"chatId": "1980", "createdAt": "2025-10-22T09:00:00.000Z", "sender": {"name": "Agent"}, "message": "Hi"}
        path.write_text(whole.replace(" = [", f" = [{json.dumps({'grokChatItem': item})},", 1))
        counts.append(transfer.import_history(store, [path]).total["new"])
    assert [3, 0, 1] == counts


def test_detection() -> None:
    """The variable that the list is given to tells it."""
    assert "grok_x" == detect(file_source(FIXTURE))
    for text in ("", "[]", "window.YTD.tweets.part0 = []", "x = window.YTD.grok_chat_item.part0 = []"):
        assert not grok_x.sniff(head_of(source_of(text, FIXTURE.name)))


def test_an_item_that_is_none() -> None:
    """It is named, and the others are read."""
    found = told([{"grokChatItem": 7}, {"grokChatItem": {"chatId": "c", "message": "Hi", "sender": "user"}}])
    assert Problem("item 1", "not a message of Grok's") in found
    assert [("user", "Hi")] == said(found)


def test_damage() -> None:
    """Files that are cut off or hold wrong types give what is whole."""
    found = list(read_cut_off(grok_x.read, FIXTURE.read_bytes(), 37, FIXTURE.name))
    assert 2 == max(len(messages(records)) for records in found)
    value = json.loads(FIXTURE.read_text().removeprefix(BEGINNING))

    def begun(source: Source) -> list[Record]:
        return list(grok_x.read(source_of(BEGINNING + source.head().decode(), FIXTURE.name)))

    assert read_twisted(begun, value) > 100
