"""Tests of text-generation-webui's logs: versions, tools, files, the older form, identity, and damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.formats import build, detect
from chatlog.formats import text_generation_webui as webui
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record

from .damage import checked, read_twisted
from .making import DATA, conversations, head_of, messages, said, source_of

HERE = DATA / "text_generation_webui"
FIXTURE = HERE / "chat" / "Ada" / "20250420-12-33-00.json"
OLD = HERE / "instruct" / "Greetings.json"


def fixture() -> list[Record]:
    return checked(webui.read(file_source(FIXTURE)))


def log() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(FIXTURE.read_text())
    return value


def read(*pairs: Any, name: str = "chat.json", **metadata: Any) -> list[Record]:
    held = {"internal": pairs, "visible": pairs, "metadata": metadata}
    return checked(webui.read(source_of(json.dumps(held), name)))


def one(text: str) -> MessageDraft:
    return next(draft for draft in messages(fixture()) if draft.text == text)


def test_facts_of_a_chat() -> None:
    """A chat is known by its file, began with its first message and is shown as its last answer is."""
    (found,) = conversations(fixture())
    expected = ConversationDraft(
        source_id="20250420-12-33-00",
        created_at="2025-04-20T12:33:00.000Z",
        model="qwen3-4b.gguf",
        head=one("It is noon.").source_id,
        metadata={"character": "Ada"},
    )
    assert expected == found


def test_what_was_said() -> None:
    """The character may begin; another version of an answer stands before the one that was kept."""
    expected = [
        ("assistant", "I am Ada."),
        ("user", "What is <this>?"),
        ("assistant", "A wheel."),
        ("assistant", "A mill."),
        ("user", "And the time?"),
        ("assistant", "Let me look."),
        ("tool", ""),
        ("assistant", "It is noon."),
    ]
    assert expected == said(fixture())


def test_versions_are_branches() -> None:
    """Each version follows the same message, with the time of its own; what came next follows the kept one."""
    asked, former, kept = one("What is <this>?"), one("A wheel."), one("A mill.")
    assert (asked.source_id, asked.source_id) == (former.parent, kept.parent)
    assert ("2025-04-20T12:35:00.000Z", "2025-04-20T12:36:00.000Z") == (former.created_at, kept.created_at)
    assert kept.source_id == one("And the time?").parent


def test_a_version_calls_no_tools_of_another() -> None:
    """Tools that the kept version called belong to it alone."""
    called = {"tool_calls": [{"id": "c", "function": {"name": "look", "arguments": "{}"}}]}
    versions = [{"content": "One"}, {"content": "Two"}]
    facts = {"tool_sequence": [called], "versions": versions, "current_version_index": 1}
    found = read(["Go", "Two"], assistant_0=facts)
    assert [("user", "Go"), ("assistant", "One"), ("assistant", ""), ("assistant", "Two")] == said(found)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "What is <this>?",
            (
                build.text("What is <this>?"),
                build.blob("image/png", "QUJD", modality="image", name="mill.png"),
                build.file(None, "note.txt", "text/plain", content="Flour"),
            ),
        ),
        ("Let me look.", (build.text("Let me look."), build.tool_call("call_1", "get_datetime", {}))),
        ("", (build.tool_result("call_1", "12:00"),)),
        ("It is noon.", (build.reasoning("I ask the clock."), build.text("It is noon."))),
    ],
)
def test_parts(text: str, parts: tuple[Any, ...]) -> None:
    """Files, thoughts, calls and what tools gave back are parts."""
    assert parts == one(text).parts


def test_what_was_shown_is_kept_where_it_differs() -> None:
    """An extension may have translated what was typed: the model's words count, and the others are kept."""
    held = {"internal": [["Hello", "Bonjour"]], "visible": [["Bongiorno", "Bonjour"]]}
    found = messages(checked(webui.read(source_of(json.dumps(held), "chat.json"))))
    assert [("Hello", {"visible": "Bongiorno"}), ("Bonjour", {})] == [(it.text, it.metadata) for it in found]


def test_words_shown_alone() -> None:
    """A picture that an extension made was only shown."""
    held = {"internal": [["Draw", ""]], "visible": [["Draw", "<img src=mill.png>"]]}
    found = checked(webui.read(source_of(json.dumps(held), "chat.json")))
    assert [("user", "Draw"), ("assistant", "<img src=mill.png>")] == said(found)


def test_older_logs() -> None:
    """Logs had other names for their pairs and no times; one that its user named has that title."""
    found = checked(webui.read(file_source(OLD)))
    assert [("user", "Hello"), ("assistant", "Hi"), ("user", "Bye"), ("assistant", "Farewell")] == said(found)
    (talk,) = conversations(found)
    assert ("Greetings", "Greetings", None) == (talk.source_id, talk.title, talk.created_at)


def test_two_characters_may_have_chats_of_the_same_name() -> None:
    """A name that a user gave is only the chat's among those of its character."""
    found = [
        conversations(read(["Hi", "Ho"], name=f"logs/chat/{name}/Mill.json"))[0].source_id for name in ("Ada", "Bo")
    ]
    assert ["Ada/Mill", "Bo/Mill"] == found


def test_time_of_a_chat_without_times() -> None:
    """The name of its file tells when it began."""
    (talk,) = conversations(read(["Hi", "Ho"], name="20240102-03-04-05.json"))
    assert ("2024-01-02T03:04:05.000Z", None) == (talk.created_at, talk.title)


def test_growth(tmp_path: Path) -> None:
    """Read again it adds nothing; an answer made anew and a turn more add only what is new."""
    path = tmp_path / "user_data" / "logs" / "chat" / "Ada" / FIXTURE.name
    path.parent.mkdir(parents=True)
    shutil.copy(FIXTURE, path)
    with chatlog.open(tmp_path / "log.db") as store:
        counts = [transfer.import_history(store, [path]).total["new"] for _ in range(2)]
        grown = log()
        facts = grown["metadata"]["assistant_2"]
        facts["versions"] = [{"content": grown["internal"][2][1], "timestamp": facts["timestamp"], **facts}]
        facts["versions"].append({"content": "Twelve.", "timestamp": "Apr 20, 2025 12:39"})
        facts.update(current_version_index=1, timestamp="Apr 20, 2025 12:39", tool_sequence=[])
        for pairs in (grown["internal"], grown["visible"]):
            pairs[2][1] = "Twelve."
            pairs.append(["Thanks", "Any time"])
        path.write_text(json.dumps(grown))
        counts.append(transfer.import_history(store, [path]).total["new"])
        (talk,) = store.conversations().items
        shown = [message.text for message in store.messages(talk.id)]
    assert [8, 0, 3] == counts
    assert ["Twelve.", "Thanks", "Any time"] == shown[-3:]


@pytest.mark.parametrize(("name", "expected"), [(FIXTURE, True), (OLD, True), (DATA / "jan", False)])
def test_detection(name: Path, expected: bool) -> None:
    path = name if name.is_file() else next(name.rglob("*.json*"))
    assert expected == webui.sniff(head_of(file_source(path)))


def test_recognised() -> None:
    assert "text_generation_webui" == detect(file_source(FIXTURE))


@pytest.mark.parametrize("pair", ["x", ["one"], [7, "x"], None])
def test_a_turn_that_is_no_pair(pair: Any) -> None:
    """It is named; the other turns are read."""
    found = read(["Hi", "Ho"], pair, ["Ha", "He"])
    assert Problem("turn 2", "not a pair of words and answer") in found
    assert {("user", "Hi"), ("assistant", "Ho"), ("user", "Ha"), ("assistant", "He")} <= {*said(found)}


def test_no_log() -> None:
    found = checked(webui.read(source_of("[]", "chat.json")))
    assert [Problem("document", "not a chat of text-generation-webui")] == found


def test_wrong_types() -> None:
    assert read_twisted(webui.read, log()) > 200
