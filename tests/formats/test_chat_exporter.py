"""Tests of what browsers' exporters write: who spoke and when, in Markdown and JSON, thoughts apart, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, chat_exporter, detect
from chatlog.formats.source import file_source
from chatlog.models import Problem, Record

from .damage import checked, read_twisted
from .making import DATA, conversations, head_of, messages, said, source_of

FOLDER = DATA / "chat_exporter"
ABOUT = {
    "title": "Greeting",
    "user": {"name": "A", "email": "a@b.example"},
    "dates": {"created": "6/22/2026 7:36", "updated": "6/22/2026 20:40", "exported": "6/23/2026 12:11"},
    "link": "https://chatgpt.com/c/6a979a1d-6108-83e8-89a7-d58416e4bb9e",
    "powered_by": "ChatGPT Exporter (https://www.chatgptexporter.com)",
}


def page(*turns: str, top: str = "# Chat\n\n") -> list[Record]:
    return checked(chat_exporter.read(source_of(top + "\n\n".join(turns), "chat.md")))


def document(**values: Any) -> str:
    says = [{"role": "Prompt", "say": "Hello"}, {"role": "Response", "say": "Hi."}]
    return json.dumps({"metadata": ABOUT, "messages": says, **values})


def test_a_page_of_the_extension() -> None:
    """Its facts stand above it; a heading without a time, where others have one, is the answer's."""
    records = checked(chat_exporter.read(file_source(FOLDER / "extension.md")))
    found, answer = conversations(records)[0], messages(records)[-1]
    assert ("6a979a1d-6108-83e8-89a7-d58416e4bb9e", "Greeting") == (found.source_id, found.title)
    assert ("2026-09-02T09:08:16.000Z", "2026-09-02T10:35:46.000Z") == (found.created_at, found.updated_at)
    assert "ChatGPT Exporter" == found.metadata["powered_by"]
    words = "Hi there! Exports look so:\n\n## Prompt:\nwords\n\nBye."
    assert [("user", "Hello"), ("assistant", words)] == said(records)
    assert (build.reasoning("A greeting.\n\nNothing more."), build.text(words)) == answer.parts
    assert "2026-09-02T09:08:17.000Z" == answer.created_at


def test_a_page_of_the_script() -> None:
    """It has other headings, and its times are exact."""
    records = checked(chat_exporter.read(file_source(FOLDER / "script.md")))
    assert ("6a979a1d-0000-83e8-89a7-d58416e4bb9e", "Loading") == (
        conversations(records)[0].source_id,
        conversations(records)[0].title,
    )
    assert [("user", "How are files loaded?"), ("tool", 'search("files")'), ("assistant", "One by one.")] == said(
        records
    )
    assert ["2026-02-03T10:00:00.000Z", None, None] == [message.created_at for message in messages(records)]
    assert "Plugin (browser)" == messages(records)[1].author


def test_a_document_of_the_extension() -> None:
    """JSON tells the same, but for the thoughts; whose account it was is not kept."""
    records = checked(chat_exporter.read(source_of(document())))
    found = conversations(records)[0]
    assert ("Greeting", "2026-06-22T07:36:00.000Z") == (found.title, found.created_at)
    assert {"link", "powered_by"} == found.metadata.keys()
    assert [("user", "Hello"), ("assistant", "Hi.")] == said(records)


def test_quoted_thoughts() -> None:
    """Gemini's thoughts are quoted before its answer."""
    answer = "## Response:\n> Thinking:\n> \n> > **Defining**\n> > \n> > Now.\n\nYes."
    assert (build.reasoning("**Defining**\n\nNow."), build.text("Yes.")) == messages(page("## Prompt:\nA", answer))[
        1
    ].parts


@pytest.mark.parametrize(
    ("written", "top", "told"),
    [
        ("15.02.2026, 15:54:14", "", "2026-02-15T15:54:14.000Z"),
        ("03.02.2026, 15:54", "", "2026-02-03T15:54:00.000Z"),
        ("2026/2/3 15:54:14", "", "2026-02-03T15:54:14.000Z"),
        ("2026-02-03 15:54:14", "", "2026-02-03T15:54:14.000Z"),
        ("2/3/2026, 3:54:14\u202fPM", "", "2026-02-03T15:54:14.000Z"),
        ("2/3/2026, 12:54:14 AM", "", "2026-02-03T00:54:14.000Z"),
        ("03/02/2026, 15:54:14", "**Created:** 2/3/2026 15:54:00  \n\n", "2026-02-03T15:54:14.000Z"),
        ("03/02/2026, 15:54:14", "**Created:** 3/2/2026 15:54:00  \n\n", "2026-03-02T15:54:14.000Z"),
        ("99/99/2026, 15:54:14", "", None),
    ],
)
def test_times(written: str, top: str, told: str | None) -> None:
    """Days and months are told apart by all there is to tell them."""
    records = page(f"## Prompt:\n{written}\n\nHello", top=f"# Chat\n\n{top}")
    assert [("Hello", told)] == [(message.text, message.created_at) for message in messages(records)]


def test_sniff() -> None:
    """Nothing but a title and facts stands before the first heading of a chat."""
    assert {"chat_exporter"} == {detect(file_source(path)) for path in FOLDER.iterdir()}
    assert chat_exporter.sniff(head_of(source_of(document())))
    assert chat_exporter.sniff(head_of(source_of("# T\r\n\r\n## Prompt:\r\nA\r\n", "t.md")))
    assert not chat_exporter.sniff(head_of(source_of("# T\n\nSome notes.\n\n## Prompt:\nA\n", "t.md")))
    assert not chat_exporter.sniff(head_of(source_of('{"messages": [{"role": "user", "say": "x"}]}')))


def test_the_same_chat_has_one_name_without_a_link() -> None:
    """What it began with names it, so that a longer export goes on with it."""
    short, long = page("## Prompt:\nA"), page("## Prompt:\nA", "## Response:\nB")
    assert conversations(short)[0].source_id == conversations(long)[0].source_id


def test_damage() -> None:
    """Whatever stands in the place of a value, the rest is read and what is not is a problem."""
    assert read_twisted(chat_exporter.read, json.loads(document())) > 50
    records = checked(
        chat_exporter.read(source_of(document(messages=[{"role": "Prompt"}, {"role": "Prompt", "say": "A"}])))
    )
    assert ["message 1"] == [record.place for record in records if isinstance(record, Problem)]
    assert [("user", "A")] == said(records)
    assert [("user", "Hello")] == said(chat_exporter.read(source_of(document()[:-30])))
