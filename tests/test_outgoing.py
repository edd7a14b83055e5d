"""A store as it may be handed out: none of a user's secrets leave by it, and what nobody thought of is refused."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import ConversationDraft, MessageDraft
from chatlog.context import Request, assemble
from chatlog.export import Exporter, select
from chatlog.formats import WRITERS
from chatlog.models import Filters
from chatlog.outgoing import RedactedStore, RedactedSummaries, RedactedWindows, RedactedWords, view
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.store.memories import MemoryDraft
from chatlog.store.summaries import Summaries
from chatlog.store.window import Windows
from chatlog.store.words import Words

MAIL = "joe@corp-example.com"
KEY = "sk-proj-abcDEF1234567890abcDEF1234567890abcd"
CALL = {"type": "tool_call", "id": "c", "name": "run", "arguments": {"line": "make test"}}
RESULT = {"type": "tool_call_response", "id": "c", "result": "all of the tests are passing by now " * 4}
#: What a method may return that is handed on as it is.
WORDLESS = {"int", "bool", "None", "set[int]", "frozenset[int]", "Posting", "list[Spot]", "Surroundings", "Vectors"}
PAIRS = [
    (RedactedStore, Store), (RedactedWindows, Windows), (RedactedWords, Words), (RedactedSummaries, Summaries),
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Return a store in which nothing was said yet."""
    with chatlog.open(tmp_path / "chats.db", create=True) as opened:
        yield opened


def handed_out(store: Store, name: str, **request: Any) -> str:
    """Return the context of a conversation as it leaves, with what is told of it."""
    safe = view(store, Redactor())
    return str(assemble(safe, safe.get(name), Request(**request)))


def test_turns_that_are_found_again_are_redacted(store: Store) -> None:
    """What was said long ago comes back by search, without the key in it."""
    said = f"the zebra key is {KEY} mail {MAIL}"
    filler = [MessageDraft(role="user", text=f"{number} " + "nothing of any note " * 20) for number in range(12)]
    name = store.new(ConversationDraft(), [MessageDraft(role="user", text=said), *filler]).id
    sent = handed_out(store, name, query="what was the zebra key?", budget=400)
    assert (True, False, False) == ("the zebra key is [REDACTED:" in sent, KEY in sent, MAIL in sent)


def test_the_request_before_a_run_of_tools_is_redacted(store: Store) -> None:
    """The user's last message opens the context where only calls fit after it, without the key in it."""
    turns = [
        MessageDraft(role="assistant", parts=(CALL,)) if number % 2 else MessageDraft(role="tool", parts=(RESULT,))
        for number in range(1, 81)
    ]
    name = store.new(ConversationDraft(), [MessageDraft(role="user", text=f"deploy with {KEY}"), *turns]).id
    sent = handed_out(store, name, budget=800)
    assert (True, False) == ("deploy with [REDACTED:" in sent, KEY in sent)


def test_every_way_to_a_message_is_redacted(store: Store) -> None:
    """By its place, with its neighbours, one after another, and as what was asked last; the title beside it, too."""
    said = [MessageDraft(role="user", text=f"mail {MAIL}"), MessageDraft(role="assistant", text=f"to {MAIL}")]
    name = store.new(ConversationDraft(title=f"of {MAIL}"), said).id
    safe, mark = view(store, Redactor()), "[REDACTED:email]"
    both = [f"mail {mark}", f"to {mark}"]
    ways = safe.messages(name), safe.around(name, 2, before=1, after=0), [safe.message(name, seq) for seq in (1, 2)]
    assert [both] * 3 == [[message.text for message in way] for way in ways]
    assert {(text, f"of {mark}") for text in both} == {(hit.message.text, hit.title) for hit in safe.scan()}
    asked = safe.windows.asked(name, 2)
    assert asked
    assert f"mail {mark}" == asked.text


def test_a_memory_is_redacted_as_a_whole(store: Store) -> None:
    """Its namespace, its key, its value, and the tags that it is chosen by."""
    name = store.new(ConversationDraft(), [MessageDraft(role="user", text="hello")]).id
    store.memories.set(MemoryDraft(f"zebra herd {MAIL}", f"ask {MAIL}", f"of {MAIL}", (MAIL,)))
    sent = handed_out(store, name, query="whom to ask of the zebra herd?", budget=4000)
    assert (True, False) == ("herd [REDACTED:email]" in sent, MAIL in sent)


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_an_export_holds_none_of_it(store: Store, form: str, tmp_path: Path) -> None:
    """In any format: titles and the names of files, tags, state, metadata, authors, attachments, memories."""
    blob = {"type": "blob", "mime_type": "image/png", "content": "aGVsbG8=", "name": f"{MAIL} 1.png"}
    turns = [
        MessageDraft(role="user", text=MAIL, author=MAIL, metadata={MAIL: MAIL}),
        MessageDraft(role="assistant", text=f"Written to {MAIL}"),
        MessageDraft(role="user", parts=(blob, {**CALL, "arguments": {MAIL: [MAIL]}})),
    ]
    name = store.new(
        ConversationDraft(title=MAIL, project=MAIL, tags=(MAIL, "a@b.com"), metadata={"of": MAIL}), turns
    ).id
    store.change(name, {"state": {"contact": MAIL}})
    for key in (MAIL, "jane@corp-example.com"):
        store.memories.set(MemoryDraft(key, MAIL, tags=(MAIL,)))
    safe = view(store, Redactor())
    exporter = Exporter(safe, form)
    exporter.write_folder(select(safe, Filters()), tmp_path / "files", force=False)
    exporter.write_file(select(safe, Filters()), tmp_path / "files" / "all", force=False, everything=True)
    written = "".join(f"{path.name}\n{path.read_text()}" for path in (tmp_path / "files").iterdir())
    assert (True, False) == ("[REDACTED:email]" in written, "corp-example" in written)


def test_memories_keep_apart_whose_keys_become_the_same(store: Store) -> None:
    """The keys are numbered, so that an import of the export has all of them."""
    for number in range(3):
        store.memories.set(MemoryDraft(f"{number}@corp-example.com", number))
    found = [extra.values for extra in view(store, Redactor()).extras()]
    keys = ["[REDACTED:email]", "[REDACTED:email] 2", "[REDACTED:email] 3"]
    assert [*zip(keys, range(3), strict=True)] == [(values["key"], values["value"]) for values in found]


@pytest.mark.parametrize(("redacted", "protocol"), PAIRS)
def test_what_is_handed_on_tells_no_words(redacted: Any, protocol: Any) -> None:
    """Methods that pass return numbers and places; one that is neither redacted nor listed is refused."""
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_") or name in vars(redacted):
            continue
        if name in redacted.passes:
            assert inspect.signature(method).return_annotation in WORDLESS
        else:
            with pytest.raises(AttributeError):
                getattr(redacted(None, Redactor()), name)
