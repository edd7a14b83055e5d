"""Tests of Chatbot UI's export: conversations, their prompts and folders, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, chatbotui
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, messages, said, sample, source_of

FIXTURE = DATA / "chatbotui" / "every_feature.json"
REAL = "chatbotui/minhyeong112__h20__api_server_utils_import___data___chatbotui-export.json"


def fixture() -> list[Record]:
    return checked(chatbotui.read(file_source(FIXTURE)))


def read(*entries: Any) -> list[Record]:
    return checked(chatbotui.read(source_of(json.dumps({"version": 4, "history": list(entries), "folders": []}))))


def talk(*rows: tuple[str, Any], **facts: Any) -> dict[str, Any]:
    return {"id": "h", "name": "N", "messages": [{"role": role, "content": text} for role, text in rows], **facts}


def test_facts_of_a_conversation() -> None:
    """The conversation keeps its id, name, model, temperature, and its folder as the project."""
    expected = ConversationDraft(
        source_id="h1", title="First", model="gpt-4", project="Work", metadata={"temperature": 0.5}
    )
    assert [expected, ConversationDraft(source_id="h2")] == conversations(fixture())


def test_messages() -> None:
    """The conversation's prompt is the system message before what was said."""
    assert [
        ("system", "Be kind."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "See"),
        ("assistant", "Seen"),
    ] == said(fixture())


@pytest.mark.parametrize(
    ("number", "field", "value"),
    [
        (0, "source_id", "prompt"),
        (1, "parent", "prompt"),
        (1, "parts", None),
        (2, "model", "gpt-4-turbo"),
        (3, "parts", (build.text("See"), build.blob("image/png", "QUJD", modality="image"))),
        (4, "model", "gpt-4"),
    ],
)
def test_what_a_message_holds(number: int, field: str, value: Any) -> None:
    """A message keeps its pictures and its model, the conversation's where it names none."""
    found: MessageDraft = messages(fixture())[number]
    assert value == getattr(found, field)


def test_saved_prompts_are_counted() -> None:
    """Prompts that were saved for later are no messages, but counted."""
    assert LeftOut("saved prompts", 1) == fixture()[-1]


def test_another_prompt_changes_no_id() -> None:
    """A conversation whose prompt was changed keeps the ids of its messages."""
    one, other = (messages(read(talk(("user", "a"), prompt=prompt))) for prompt in ("x", "y"))
    assert one[1].source_id == other[1].source_id


def test_a_message_of_an_unknown_role() -> None:
    """A role that is not known is a problem, the messages around it are read."""
    records = read(talk(("user", "a"), ("boss", "b"), ("assistant", "c")))
    assert [("user", "a"), ("assistant", "c")] == said(records)
    assert Problem("item 1, message 2", "not of the shape of a message (UnreadableError)") in records


def test_sniff() -> None:
    """An export is known by its history of named conversations; other files with a history are not."""
    assert chatbotui.sniff(head_of(file_source(FIXTURE)))
    assert chatbotui.sniff(head_of(source_of('{"version": 4, "history": [], "folders": [], "prompts": []}')))
    for other in (
        '{"history": [{"role": "user", "content": "a"}], "version": 1}',
        '{"history": [], "version": 1}',
        "{}",
        "[]",
    ):
        assert not chatbotui.sniff(head_of(source_of(other)))


def test_the_first_version() -> None:
    """Its export was the list of conversations; messages in a list with more to say are another's."""
    talk = {"id": 1, "name": "Birds", "messages": [{"role": "user", "content": "Hi"}]}
    source = source_of(json.dumps([talk, {**talk, "id": 2, "name": "Mills"}]))
    assert chatbotui.sniff(head_of(source))
    records = checked(chatbotui.read(source))
    assert ["Birds", "Mills"] == [draft.title for draft in conversations(records)]
    assert [("user", "Hi")] * 2 == said(records)
    assert not chatbotui.sniff(head_of(source_of(json.dumps([{**talk, "source": "x"}]))))


def test_a_real_export() -> None:
    """A real export has the two conversations and six messages that the manifest counts, and each one's prompt."""
    records = checked(chatbotui.read(file_source(sample(REAL))))
    assert [2, 3, 3] == [sum(role == kind for role, _ in said(records)) for kind in ("system", "user", "assistant")]
    assert ["gpt-4-1106-preview", "gpt-3.5-turbo"] == [draft.model for draft in conversations(records)]
