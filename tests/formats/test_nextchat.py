"""Tests of NextChat's backup: chats and their masks, clocks of many countries, tools, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, ids, nextchat
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, messages, said, source_of

FIXTURE = DATA / "nextchat" / "backup.json"


def fixture() -> list[Record]:
    return checked(nextchat.read(file_source(FIXTURE)))


def read(*sessions: Any) -> list[Record]:
    return checked(nextchat.read(source_of(json.dumps({"chat-next-web-store": {"sessions": list(sessions)}}))))


def chat(*rows: tuple[str, Any], **facts: Any) -> dict[str, Any]:
    return {"id": "s", "messages": [{"role": role, "content": content} for role, content in rows], **facts}


def dated(date: str, last_update: int = 0) -> str | None:
    row = {"id": "m", "role": "user", "content": "a", "date": date}
    (found,) = messages(read({"id": "s", "messages": [row], "lastUpdate": last_update}))
    return found.created_at


def test_facts_of_a_chat() -> None:
    """A chat keeps its topic, times, model, memory and mask; its last message is its head."""
    mask = json.loads(FIXTURE.read_text())["chat-next-web-store"]["sessions"][0]["mask"]
    expected = ConversationDraft(
        source_id="s-1",
        title="Sea and stars",
        created_at="2026-03-05T11:59:50.000Z",
        updated_at="2026-03-05T12:02:10.400Z",
        model="gpt-4o-mini",
        head="m-7",
        metadata={
            "memoryPrompt": "They spoke of the sea.",
            "stat": {"tokenCount": 0, "wordCount": 0, "charCount": 31},
            "lastSummarizeIndex": 4,
            "clearContextIndex": 2,
            "mask": {key: fact for key, fact in mask.items() if key != "context" and fact is not False},
        },
    )
    assert [expected] == conversations(fixture())


def test_messages() -> None:
    """The mask's messages stand before what was said; what a tool gave back is the tool's."""
    assert [
        ("system", "You are a sailor."),
        ("user", "Ahoy"),
        ("user", "What is this?"),
        ("assistant", "A star."),
        ("user", "How far?"),
        ("assistant", "Far."),
        ("tool", ""),
        ("assistant", "One file."),
    ] == said(fixture())


CALLS = (
    build.tool_call("call_1", "distance", {"to": "star"}),
    build.tool_result("call_1", {"ly": 4}),
    {"errorMsg": "refused", **build.tool_call("call_2", "speed", {})},
    build.tool_result("call_2", "no", is_error=True),
    build.text("Far."),
    build.uri("https://a.example/far.wav", modality="audio"),
)


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (0, "source_id", "c-1"),
        (2, "parent", "c-2"),
        (2, "parts", (build.text("What is this?"), build.blob("image/png", "QUJD", modality="image"))),
        (3, "parts", (build.reasoning("A star?"), build.text("A star."))),
        (3, "model", "deepseek-reasoner"),
        (3, "created_at", "2026-03-05T12:00:05.000Z"),
        (5, "parts", CALLS),
        (6, "parts", (build.tool_result(None, {"files": ["a"]}, name="fs"),)),
        (7, "parts", None),
        (7, "metadata", {}),
    ],
)
def test_what_a_message_holds(number: int, field: str, value: Any) -> None:
    """A message keeps its pictures, thoughts, calls with their results, sound, model and time."""
    found: MessageDraft = messages(fixture())[number]
    assert value == getattr(found, field)


def test_what_is_left_out_is_counted() -> None:
    """An answer that never came and a chat in which nothing was said are no messages; keys are nobody's words."""
    assert [LeftOut("messages without words", 1), LeftOut("chats without messages", 1)] == fixture()[-2:]
    assert "not-a-key" not in str(fixture())


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2024/3/5 20:01:02", "2024-03-05T20:01:02.000Z"),
        ("2024/3/5 下午8:01:02", "2024-03-05T20:01:02.000Z"),
        ("2024. 3. 5. 오전 12:01:02", "2024-03-05T00:01:02.000Z"),
        ("3/5/2024, 8:01:02 PM", "2024-03-05T20:01:02.000Z"),
        ("3/5/2024, 12:01:02\u202fAM", "2024-03-05T00:01:02.000Z"),
        ("05/03/2024, 8:01:02 pm", "2024-03-05T20:01:02.000Z"),
        ("05/03/2024, 20:01:02", "2024-03-05T20:01:02.000Z"),
        ("3/25/2024, 20:01:02", "2024-03-25T20:01:02.000Z"),
        ("5.3.2024, 20:01:02", "2024-03-05T20:01:02.000Z"),
        ("2024-03-05T20:01:02.123Z", "2024-03-05T20:01:02.123Z"),
        ("31/31/2024, 20:01:02", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_clocks(date: str, expected: str | None) -> None:
    """A date is read as the browsers of many countries write it."""
    assert expected == dated(date)


@pytest.mark.parametrize(
    ("last_update", "expected"),
    [
        (1709640062500, "2024-03-05T12:01:02.000Z"),  # 12:01:02.5 UTC: eight hours ahead
        (1709640662500, "2024-03-05T20:01:02.000Z"),  # ten minutes on: the chat was changed later
        (1800000000000, "2024-03-05T20:01:02.000Z"),
    ],
)
def test_the_zone_is_told_by_the_last_change(last_update: int, expected: str) -> None:
    """Where the last answer and the last change are the same moment, the clock's zone is known."""
    assert expected == dated("2024/3/5 20:01:02", last_update)


def test_a_mask_s_messages_may_be_hidden() -> None:
    """What a mask keeps out of sight is hidden."""
    mask = {"hideContext": True, "context": [{"role": "system", "content": "Be kind."}]}
    first, second = messages(read(chat(("user", "a"), mask=mask)))
    assert (True, {"hidden_reason": "mask"}, False) == (first.hidden, first.metadata, second.hidden)


def test_messages_without_ids() -> None:
    """Converters write no ids: each message gets one of what it says, and a chat one of how it began."""
    records = read(chat(("user", "a"), ("assistant", "b"), ("user", "a"), id=None))
    names = [message.source_id for message in messages(records)]
    assert (3, names[:2]) == (len({*names}), [message.parent for message in messages(records)][1:])
    assert ids.opening_id(messages(records)) == conversations(records)[0].source_id


def test_an_untitled_chat() -> None:
    """The name that every new chat has is no title."""
    chats = (chat(("user", "a"), id=topic, topic=topic) for topic in ("New Conversation", "新的聊天", "Sea"))
    assert [None, None, "Sea"] == [draft.title for draft in conversations(read(*chats))]


def test_a_broken_message_loses_only_itself() -> None:
    """A role that is not known is a problem, the messages around it are read."""
    records = read(chat(("user", "a"), ("boss", "b"), ("assistant", "c")))
    assert [("user", "a"), ("assistant", "c")] == said(records)
    assert Problem("chat 1, message 2", "not of the shape of a message (UnreadableError)") in records


def test_sniff() -> None:
    """A backup is known by the name of its store."""
    assert nextchat.sniff(head_of(file_source(FIXTURE)))
    for other in ('{"sessions": []}', '[{"chat-next-web-store": {}}]', "{}", "[]"):
        assert not nextchat.sniff(head_of(source_of(other)))
    assert [Problem("", "not a backup of NextChat")] == list(nextchat.read(source_of('{"chat-next-web-store": 1}')))


def test_a_clock_before_all_calendars() -> None:
    """A message whose clock cannot be told in UTC is a problem, and the rest of the chat is read."""
    rows = [{"id": "a", "role": "user", "content": "a", "date": "1/1/0001, 00:00:00"}]
    rows.append({"id": "b", "role": "user", "content": "b", "date": "11/15/2023, 12:13:20 AM"})
    found = read({"id": "s", "messages": rows, "lastUpdate": 1_700_000_000_000})
    assert [("user", "b")] == said(found)
    assert [1] == [sum(isinstance(record, Problem) for record in found)]
