"""Tests of SillyTavern's chats: swipes, who speaks, what is hidden, times in all their forms, names, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import build, detect, sillytavern
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked, read_twisted
from .making import DATA, conversations, head_of, json_lines, messages, said, source_of

FOLDER = DATA / "sillytavern"
CHAT = FOLDER / "chats" / "Seraphina" / "Seraphina - 2025-09-26@07h04m10s114ms.jsonl"
NAMED = CHAT.with_name("The long night.jsonl")
GROUP = FOLDER / "group chats" / "2024-02-03@21h15m00s.jsonl"
HEADER = {"chat_metadata": {}, "user_name": "unused", "character_name": "unused"}
HELLO = {"name": "Mara", "is_user": False, "mes": "Hello.", "send_date": "2026-01-01T00:00:00Z"}


def fixture(path: Path = CHAT) -> list[Record]:
    return checked(sillytavern.read(file_source(path)))


def message(text: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.text == text)


def of_rows(*rows: Any, name: str = "chat.jsonl") -> list[Record]:
    return checked(sillytavern.read(source_of(json_lines(*rows), name)))


def chat(records: list[Record]) -> ConversationDraft:
    return conversations(records)[-1]


def test_facts_of_a_chat() -> None:
    """A chat of the newest form is called by its character, and its file's name makes it one of a kind."""
    found = chat(fixture())
    assert "Seraphina/Seraphina - 2025-09-26@07h04m10s114ms" == found.source_id
    assert ("Seraphina", "2025-09-26T07:04:12.006Z", "gpt-4o") == (found.title, found.created_at, found.model)
    assert "Stay gentle." == found.metadata["note_prompt"]


def test_who_says_what_in_which_order() -> None:
    """Everything is told in its order, each swipe where it was made."""
    assert [
        ("assistant", "Seraphina", "Welcome, traveler."),
        ("assistant", "Seraphina", "You are far from the road."),
        ("user", "Ann", "Who are you?"),
        ("assistant", "Seraphina", "Nobody."),
        ("assistant", "Seraphina", "A guardian of this glade."),
        ("assistant", "Seraphina", "A guardian of this glade!"),
        ("user", "Note", "I like this one."),
        ("assistant", "System", "Night falls."),
        ("user", "Ann", "What is the weather like?"),
        ("assistant", None, ""),
        ("tool", None, ""),
        ("assistant", "Seraphina", "Clear, under many stars."),
    ] == [(message.role, message.author, message.text) for message in messages(fixture())]


def test_swipes_are_siblings_and_the_shown_one_goes_on() -> None:
    """What follows hangs below the swipe that is shown; the leaf is the last message that is shown."""
    shown = message("A guardian of this glade.")
    assert shown.parent == message("Nobody.").parent == message("A guardian of this glade!").parent
    assert message("Who are you?").parent == message("Welcome, traveler.").source_id
    assert message("I like this one.").parent == shown.source_id
    assert chat(fixture()).head == message("Clear, under many stars.").source_id
    assert [LeftOut("swipes without words", 1)] == [one for one in fixture() if isinstance(one, LeftOut)]


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("A guardian of this glade.", "model", "gpt-4o"),
        (
            "A guardian of this glade.",
            "parts",
            (
                build.reasoning("She asks who I am.", signature="c2ln", duration_ms=2100, origin="model"),
                build.text("A guardian of this glade."),
            ),
        ),
        (
            "A guardian of this glade.",
            "metadata",
            {
                "gen_started": "2025-09-26T07:06:10.114Z",
                "gen_finished": "2025-09-26T07:06:12.006Z",
                "api": "openai",
                "usage": {"tokens": 24},
            },
        ),
        ("A guardian of this glade!", "model", "claude-opus-4"),
        ("A guardian of this glade!", "created_at", "2025-09-26T07:07:12.006Z"),
        ("Nobody.", "parts", (build.reasoning("Be coy."), build.text("Nobody."))),
        (
            "Who are you?",
            "parts",
            (
                build.text("Who are you?"),
                build.uri("/user/images/Seraphina/me.png", modality="image", title="a sketch", source="upload"),
            ),
        ),
        ("Who are you?", "metadata", {"inline_image": True, "force_avatar": "User Avatars/ann.png"}),
        (
            "What is the weather like?",
            "parts",
            (
                build.text("What is the weather like?"),
                {**build.file("/user/files/list.txt", "list.txt"), "size": 12, "created": 1758870540000},
            ),
        ),
        ("Night falls.", "model", None),
        ("Night falls.", "hidden", False),
        ("I like this one.", "hidden", True),
        ("What is the weather like?", "hidden", False),
        ("What is the weather like?", "metadata", {"is_system": True}),
    ],
)
def test_messages(text: str, field: str, value: Any) -> None:
    """Thoughts, models, pictures and files are kept; notes are hidden, what a person kept from the model is not."""
    assert value == getattr(message(text), field)


def test_tools() -> None:
    """The line that SillyTavern keeps of a tool is a call and its result."""
    call, result = messages(fixture())[9:11]
    assert ({**build.tool_call("call_1", "weather", {"place": "glade"}), "displayName": "Weather"},) == call.parts
    assert (build.tool_result("call_1", {"sky": "clear"}),) == result.parts
    assert message("Clear, under many stars.").parent == result.source_id


def test_a_chat_with_a_name_of_its_own() -> None:
    """The name that a person gave is in the title, and a branch knows the chat that it came from."""
    found = fixture(NAMED)
    branch = chat(found)
    assert ("Seraphina: The long night", "2023-05-15T14:30:05.123Z") == (branch.title, branch.created_at)
    assert chat(fixture()).source_id == branch.parent
    assert ["2023-05-15T14:30:05.000Z", "2023-05-15T14:31:00.000Z", "2023-05-15T14:32:01.000Z"] == [
        message.created_at for message in messages(found)
    ]
    assert ["user/images/a.png", "user/images/b.png"] == [
        part["uri"] for part in messages(found)[1].parts or () if part["type"] == "uri"
    ]


def test_a_group() -> None:
    """A group's chat, which began without a line about itself, has all its speakers for a title."""
    found = fixture(GROUP)
    assert ("Mara, Bob", "2024-02-03T21:15:00.000Z") == (chat(found).title, chat(found).created_at)
    assert ["Mara", "Bob", "Ann"] == [message.author for message in messages(found)]
    assert "2024-02-03T00:05:00.000Z" == messages(found)[1].created_at


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2023-05-15@14h30m05s", "2023-05-15T14:30:05.000Z"),
        ("2023-5-15 @14h 3m 5s 82ms", "2023-05-15T14:03:05.082Z"),
        ("2024-07-12@01h31m37s123ms", "2024-07-12T01:31:37.123Z"),
        ("2026-08-14@10h02m", "2026-08-14T10:02:00.000Z"),
        ("June 19, 2023 2:20pm", "2023-06-19T14:20:00.000Z"),
        ("May 15, 2023 12:30am", "2023-05-15T00:30:00.000Z"),
        ("Sep 1, 2023 12:05 PM", "2023-09-01T12:05:00.000Z"),
        ("2025-09-26T07:04:12.006Z", "2025-09-26T07:04:12.006Z"),
        (1684161121000, "2023-05-15T14:32:01.000Z"),
        ("1684161121000", "2023-05-15T14:32:01.000Z"),
        ("Smarch 13, 2023 2:20pm", None),
        ("February 30, 2023 2:20pm", None),
        ("soon", None),
        (None, None),
    ],
)
def test_times(written: Any, moment: str | None) -> None:
    """Every form of a time that was ever written is read; what is none costs nothing."""
    assert [moment] == [one.created_at for one in messages(of_rows(HEADER, {**HELLO, "send_date": written}))]


@pytest.mark.parametrize(
    ("stem", "title"),
    [
        ("Mara - 2025-09-26@07h04m10s114ms", "Mara"),
        ("Mara - 2025-9-26 @07h 04m 10s 114ms imported", "Mara"),
        ("1684161121000", "Mara"),
        ("Mara at the dock", "Mara at the dock"),
        ("Branch #5 - 2025-09-26@07h04m10s", "Mara: Branch #5"),
        ("chat_mara_20250926-070412", "Mara"),
    ],
)
def test_titles(stem: str, title: str) -> None:
    """A title is the character's name and what a person named the chat, never a time."""
    assert title == chat(of_rows(HEADER, HELLO, name=f"{stem}.jsonl")).title


def test_backups_of_a_chat_are_one() -> None:
    """The backups that SillyTavern makes of a chat at each save are the same conversation."""
    header = {**HEADER, "chat_metadata": {"integrity": "1e69"}}
    names = [f"chat_mara_20250926-07041{second}.jsonl" for second in range(2)]
    assert ["Mara/1e69", "Mara/1e69"] == [chat(of_rows(header, HELLO, name=name)).source_id for name in names]


@pytest.mark.parametrize(
    ("swiped", "texts", "head"),
    [
        ({"swipes": ["a", "b"], "swipe_id": 1, "mes": "b"}, ["a", "b"], 1),
        ({"swipes": ["a", "b"], "swipe_id": 7, "mes": "a"}, ["a", "b"], 0),
        ({"swipes": ["a", "b"], "swipe_id": 0, "mes": "edited"}, ["a", "b", "edited"], 2),
        ({"swipes": ["a", "a"], "swipe_id": 1, "mes": "a"}, ["a", "a"], 1),
        ({"swipes": [{"message": "a"}, "b"], "swipe_id": 0, "mes": {"message": "a"}}, ["a", "b"], 0),
        ({"swipes": None, "mes": "a"}, ["a"], 0),
    ],
)
def test_versions(swiped: dict[str, Any], texts: list[str], head: int) -> None:
    """What is shown is the message's own text, wherever its swipes stand; Chub's swipes lie one deeper."""
    found = of_rows(HEADER, {**HELLO, **swiped})
    assert texts == [message.text for message in messages(found)]
    assert messages(found)[head].source_id == chat(found).head


def test_what_is_hidden() -> None:
    """SillyTavern's own messages are hidden with their kind, a character's words are not."""
    system = {"is_system": True, "is_user": False}
    found = of_rows(
        HEADER,
        {**HELLO, **system},
        {**HELLO, **system, "name": "SillyTavern System", "extra": {}},
        {**HELLO, **system, "extra": {"type": "help"}},
    )
    assert [None, "system", "help"] == [message.metadata.get("hidden_reason") for message in messages(found)]


def test_again_and_grown(tmp_path: Path) -> None:
    """A second import writes nothing; another swipe and more messages are all that is new."""
    rows = [json.loads(line) for line in CHAT.read_text().splitlines()]
    early = [*rows[:3], {**rows[3], "swipes": ["Nobody."], "mes": "Nobody.", "swipe_id": 0}]
    with chatlog.open(tmp_path / "chats.db") as store:
        counts = []
        for some in (early, rows, rows):
            (tmp_path / CHAT.name).write_text("\n".join(map(json.dumps, some)))
            total = transfer.import_history(store, [tmp_path / CHAT.name]).total
            counts.append((total["new"], total["updated"]))
    assert [4, 8, 0] == [new for new, _ in counts]
    assert (0, 0) == counts[-1]


def test_sniff() -> None:
    """A chat is known by its first line, by any message where that is lost, and as an array."""
    assert ["sillytavern"] * 3 == [detect(file_source(path)) for path in (CHAT, NAMED, GROUP)]
    assert "sillytavern" == detect(source_of("{broken\n" + json_lines(HELLO, HELLO)))
    assert "sillytavern" == detect(source_of(json.dumps([HEADER, HELLO]), "chat.json"))
    assert not sillytavern.sniff(head_of(source_of(json_lines({"user_name": "x", "message": "y"}))))


def test_an_array() -> None:
    """The same lines as one array are the same messages."""
    rows = [json.loads(line) for line in CHAT.read_text().splitlines()]
    found = checked(sillytavern.read(source_of(json.dumps(rows), CHAT.name)))
    assert said(fixture()) == said(found)


def test_wrong_types() -> None:
    """Whatever stands in the place of a value, the rest is read."""
    assert read_twisted(sillytavern.read, [HEADER, HELLO]) > 50


def test_a_broken_line_loses_only_itself() -> None:
    """A line that is no message is told with its place, one that is something else is counted."""
    found = of_rows(HEADER, HELLO, {**HELLO, "mes": 7}, [1], {"odd": 1}, HELLO)
    assert ["line 3", "line 4"] == [record.place for record in found if isinstance(record, Problem)]
    assert [LeftOut("lines that are no message", 1)] == [record for record in found if isinstance(record, LeftOut)]
    assert 2 == len(messages(found))
    assert [LeftOut("chats without messages", 1)] == of_rows(HEADER)
