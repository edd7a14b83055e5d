"""Tests of Microsoft Copilot's activity history: which row is whose, their order, identity, and damage."""

from __future__ import annotations

from pathlib import Path

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import detect, ms_copilot
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, Problem, Record

from .damage import checked, read_cut_off
from .making import DATA, conversations, head_of, messages, said, source_of

FIXTURE = DATA / "ms_copilot" / "copilot-activity-history.csv"
HEADER = "Conversation,Time,Author,Message\r\n"


def fixture() -> list[Record]:
    return checked(ms_copilot.read(file_source(FIXTURE)))


def told(*rows: str) -> list[Record]:
    text = HEADER + "".join(f"{row}\r\n" for row in rows)
    return checked(ms_copilot.read(source_of(text, "history.csv")))


def test_facts_of_a_conversation() -> None:
    """Its title is all that tells it apart; its times are those of its messages."""
    (found, _) = conversations(fixture())
    expected = ConversationDraft(
        source_id="The mill, turning",
        title="The mill, turning",
        created_at="2026-07-26T23:20:56.000Z",
        updated_at="2026-07-26T23:21:56.000Z",
    )
    assert expected == found


def test_what_was_said() -> None:
    """The newest row stands first, and each answer before its question of the same time."""
    expected = [
        ("user", "What does it do?"),
        ("assistant", "It turns."),
        ("user", "And why?"),
        ("assistant", 'Because of\n\n- wind\n- "water"'),
        ("user", "What are they made of?"),
        ("assistant", "Linen."),
    ]
    assert expected == said(fixture())
    assert LeftOut("rows without words", 1) == fixture()[-1]


def test_messages_follow_each_other() -> None:
    found = messages(fixture())
    assert [None, *(draft.source_id for draft in found[:3]), None] == [draft.parent for draft in found[:5]]
    assert "2026-07-26T23:20:56.000Z" == found[0].created_at


@pytest.mark.parametrize(
    "rows",
    [
        ("A,2026-01-01T10:00:00,AI,Ho", "A,2026-01-01T10:00:00,Human,Hi"),
        ("A,2026-01-01T10:00:00,Human,Hi", "A,2026-01-01T10:00:00,AI,Ho"),
        ("A,2026-01-01T10:00:00,Human,Hi", "A,2026-01-01T10:00:01,AI,Ho"),
    ],
)
def test_the_order_of_the_file(rows: tuple[str, ...]) -> None:
    """A file with the oldest row first is read as it stands."""
    assert [("user", "Hi"), ("assistant", "Ho")] == said(told(*rows))


def test_copilot_in_microsoft_365() -> None:
    """Its file has other columns and times, and Copilot's name as the author."""
    rows = ("1/2/2026 10:00:01 +00:00,Answer,Copilot,Mill", "1/2/2026 10:00:00 +00:00,Query,user,Mill")
    text = "CreatedAt,MessageContent,Author,ChatName\r\n" + "\r\n".join(rows)
    assert ms_copilot.sniff(head_of(source_of(text, "copilot-chat-activity.csv")))
    found = checked(ms_copilot.read(source_of(text, "copilot-chat-activity.csv")))
    assert [("user", "Query"), ("assistant", "Answer")] == said(found)
    assert ["2026-01-02T10:00:00.000Z", "2026-01-02T10:00:01.000Z"] == [it.created_at for it in messages(found)]
    assert [None, "Copilot"] == [it.author for it in messages(found)]
    assert "Mill" == conversations(found)[0].source_id


def test_the_same_words_twice() -> None:
    row = "A,2026-01-01T10:00:00,Human,Hi"
    assert [("user", "Hi"), ("user", "Hi")] == said(told(row, row))


def test_a_conversation_without_a_title() -> None:
    (found,) = conversations(told(",2026-01-01T10:00:00,Human,Hi"))
    assert ("untitled", None) == (found.source_id, found.title)


def test_growth(tmp_path: Path) -> None:
    """A later export adds what is new, and no export twice anything."""
    path = tmp_path / "history.csv"
    whole = FIXTURE.read_bytes()
    path.write_bytes(whole)
    with chatlog.open(tmp_path / "c.db") as store:
        counts = [transfer.import_history(store, [path]).total["new"] for _ in range(2)]
        head, _, rest = whole.partition(b"\r\n")
        newer = b"Sails,2026-07-28T08:00:00,AI,White.\r\nSails,2026-07-28T08:00:00,Human,Their colour?\r\n"
        path.write_bytes(head + b"\r\n" + newer + rest)
        counts.append(transfer.import_history(store, [path]).total["new"])
    assert [6, 0, 2] == counts


def test_detection() -> None:
    """The names of the columns tell it, whatever the file is called."""
    assert "ms_copilot" == detect(file_source(FIXTURE))
    for text in ("", "Conversation,Time\n", "conversation", "{}", '"', "a,b,c,d\n"):
        assert not ms_copilot.sniff(head_of(source_of(text, "x.csv")))


@pytest.mark.parametrize("row", ["A,2026-01-01T10:00:00,Human", "A,B,C,D,E"])
def test_a_row_that_is_none(row: str) -> None:
    """It is named by its line, and the others are read."""
    found = told(row, "A,2026-01-01T10:00:00,Human,Hi")
    assert Problem("line 2", "not a row of conversation, time, author and message") in found
    assert [("user", "Hi")] == said(found)


@pytest.mark.parametrize("text", ["", "x", '"', '"a"b,c\nd', "\n\n"])
def test_no_history(text: str) -> None:
    assert [] == messages(checked(ms_copilot.read(source_of(text, "x.csv"))))


def test_a_long_answer() -> None:
    """An answer may be longer than what Python's csv module takes by itself."""
    words = "y" * 300_000
    assert [("assistant", words)] == said(told(f"A,2026-01-01T10:00:00,AI,{words}"))


def test_cut_off() -> None:
    """A file that ends within a cell is a problem; the rows before are read."""
    found = list(read_cut_off(ms_copilot.read, FIXTURE.read_bytes(), 7, "history.csv"))
    assert 6 == max(len(messages(records)) for records in found)
    assert any(isinstance(record, Problem) for records in found for record in records)
