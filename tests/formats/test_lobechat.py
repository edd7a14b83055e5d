"""Tests of LobeChat's exports: of a browser and of a database, topics and threads, plugins, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import build, lobechat
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, links, messages, said, source_of

BROWSER = DATA / "lobechat" / "LobeChat-config-v7.json"
DATABASE = DATA / "lobechat" / "database.json"


def fixture(path: Path) -> list[Record]:
    return checked(lobechat.read(file_source(path)))


def message(path: Path, key: str) -> MessageDraft:
    return next(message for message in messages(fixture(path)) if message.source_id == key)


def read(*rows: Any, **tables: Any) -> list[Record]:
    export = {"exportType": "all", "state": {"messages": list(rows), **tables}, "version": 7}
    return checked(lobechat.read(source_of(json.dumps(export))))


def row(key: str, role: str, words: str, at: int = 0, **facts: Any) -> dict[str, Any]:
    return {"id": key, "role": role, "content": words, "topicId": "t", "createdAt": 1772712000000 + at, **facts}


def test_facts_of_a_topic() -> None:
    """A topic keeps its title, times, mark and assistant; what stands in no topic is a conversation of the inbox."""
    stars, inbox = conversations(fixture(BROWSER))
    expected = ConversationDraft(
        source_id="tp-1",
        title="Stars",
        created_at="2026-03-05T12:00:00.000Z",
        updated_at="2026-03-05T12:00:09.000Z",
        model="gpt-4o-mini",
        project="Sailor",
        pinned=True,
        head="m-7",
        metadata={"session": "ses-1", "session_group": "Water"},
    )
    assert expected == stars
    assert ("inbox/inbox", "i-2", "gpt-3.5-turbo-16k") == (inbox.source_id, inbox.head, inbox.model)


def test_facts_of_a_topic_in_a_database() -> None:
    """It has the id that it had in the browser, and its assistant stands in a table of its own."""
    (draft,) = conversations(fixture(DATABASE))
    assert ("tp-9", None, "Sailor", "msg_7") == (draft.source_id, draft.title, draft.project, draft.head)
    facts = {"historySummary": "A star was drawn.", "metadata": {"model": "gpt-4o-mini"}, "session": "ssn_1"}
    assert facts == draft.metadata


def test_the_tree() -> None:
    """An answer follows its parent; a prompt, which has none, what was said before it, in its own thread."""
    assert [
        ("instructions", None),
        ("m-1", "instructions"),
        ("m-2", "m-1"),
        ("m-3", "m-2"),
        ("m-4", "m-3"),
        ("m-5", "m-4"),
        ("m-6", "m-5"),
        ("m-7", "m-5"),
    ] == links(fixture(BROWSER))[:8]
    assert [
        ("instructions", None),
        ("msg_1", "instructions"),
        ("msg_2", "msg_1"),
        ("msg_3", "msg_2"),
        ("m-4", "msg_3"),
        ("msg_7", "m-4"),
        ("msg_5", "msg_2"),
        ("msg_6", "msg_5"),
    ] == links(fixture(DATABASE))


CALLED = build.tool_call("call_1", "search", {"q": "star"}, identifier="web")
GAVE = build.tool_result("call_1", ["Polaris"], name="search", state={"page": 1})
CRAWLED = (
    build.tool_call("call-i-2", "crawl", {"url": "https://a.example"}, identifier="crawler"),
    build.tool_result("call-i-2", "a page", name="crawl"),
)
DRAWN = (
    {"duration": 900, **build.reasoning("It is drawn.")},
    build.text("Done."),
    {
        "type": "search",
        "value": {"citations": [{"url": "https://a.example", "title": "A"}], "searchQueries": ["star"]},
    },
)

TRANSLATED = {"type": "translation", "content": "Ja.", "from": "en-US", "to": "de-DE"}
CHART = build.file("file_1", "chart.pdf", "application/pdf", size=12, url="internal://a")


@pytest.mark.parametrize(
    ("path", "key", "field", "value"),
    [
        (BROWSER, "m-1", "parts", (build.text("Which star is this?"), build.file("file-1"))),
        (BROWSER, "m-2", "parts", (CALLED,)),
        (BROWSER, "m-2", "model", "gpt-4o-mini"),
        (BROWSER, "m-3", "parts", (GAVE,)),
        (BROWSER, "m-4", "metadata", {"fromProvider": "openai", "traceId": "tr-1"}),
        (BROWSER, "m-6", "parts", (build.text("Aye."), TRANSLATED)),
        (BROWSER, "m-7", "model", "gpt-4o"),
        (BROWSER, "i-2", "role", "assistant"),
        (BROWSER, "i-2", "parts", CRAWLED),
        (DATABASE, "msg_1", "parts", (build.text("Draw it"), CHART)),
        (DATABASE, "msg_2", "metadata", {"provider": "openai", "usage": {"totalTokens": 21, "inputTextTokens": 20}}),
        (DATABASE, "msg_3", "parts", (build.tool_result("call_1", "a star", name="draw", state={"tasks": [1]}),)),
        (DATABASE, "m-4", "parts", DRAWN),
        (DATABASE, "m-4", "model", "deepseek-reasoner"),
    ],
)
def test_what_a_message_holds(path: Path, key: str, field: str, value: Any) -> None:
    """A message keeps its words, thoughts, calls, results, files, searches, translations, usage and model."""
    assert value == getattr(message(path, key), field)


def test_keys_are_nobody_s_words() -> None:
    """Neither the settings of the program nor those of a plugin are read."""
    assert "not-a-key" not in str([fixture(BROWSER), fixture(DATABASE)])


def test_an_answer_that_failed() -> None:
    """An answer that never came is no message, but counted."""
    assert LeftOut("messages without words", 1) == fixture(DATABASE)[-1]


def test_a_tool_that_failed() -> None:
    """What a plugin reports of its failure is kept with the result."""
    failed = row("b", "tool", "", 1, tool_call_id="c", pluginError={"type": "PluginServerError"})
    _, found = messages(read(row("a", "user", "One"), failed))
    assert (build.tool_result("c", "", is_error=True, error={"type": "PluginServerError"}),) == found.parts


def test_a_circle_is_broken() -> None:
    """Messages that are each other's parents, and one that is its own, are read, each once."""
    rows = (
        row("a", "user", "1", parentId="b"),
        row("b", "assistant", "2", 1, parentId="a"),
        row("c", "user", "3", 2, parentId="c"),
    )
    assert {"a", "b", "c"} == {key for key, _ in links(read(*rows))}  # fmt: skip


def test_messages_without_ids() -> None:
    """Each gets an id of what it says and of what was said before."""
    found = read(row("", "user", "a"), row("", "assistant", "b", 1), row("", "user", "a", 2))
    keys = [key for key, _ in links(found)]
    assert (3, keys[:2]) == (len({*keys}), [parent for _, parent in links(found)][1:])


def test_a_broken_message_loses_only_itself() -> None:
    """A role that is not known is a problem, the messages around it are read."""
    records = read(row("a", "user", "One"), row("b", "boss", "Two", 1), row("c", "assistant", "Three", 2))
    assert [("user", "One"), ("assistant", "Three")] == said(records)
    assert Problem("message 2", "not a message of LobeChat (UnreadableError)") in records


def test_sniff() -> None:
    """Both exports are known by their frame, the database's also by its tables."""
    assert lobechat.sniff(head_of(file_source(BROWSER)))
    assert lobechat.sniff(head_of(file_source(DATABASE)))
    assert lobechat.sniff(head_of(source_of('{"data": {"sessions": [], "topics": [], "messages": [{"id"')))
    for other in ('{"data": {"users": [], "messages": []}}', '{"exportType": "JSON"}', '{"messages": []}', "[]", "{}"):
        assert not lobechat.sniff(head_of(source_of(other)))
    assert [Problem("", "not an export of LobeChat")] == list(lobechat.read(source_of('{"data": 1}')))
