"""The exact bytes of every form, on a small fixed history.

UPDATE_GOLDEN=1 writes the files in golden/ anew; read their diff before it is kept.
"""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

import chatlog
from chatlog import ConversationDraft, MessageDraft
from chatlog.formats import WRITERS
from chatlog.models import Part
from tests.conftest import NOW, Clock, Run

from .helpers import fixed_ids, on_terminal

GOLDEN = Path(__file__).with_name("golden")
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))

LISTS = ("table", "text", "json", "jsonl", "ids", "csv")
CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "list": (("list",), LISTS),
    "show": (("show", "deploy"), ("table", "text", "json", "jsonl", "ids", "markdown")),
    "show-branches": (("show", "deploy", "--all-branches", "--hidden", "--full"), ("table", "text")),
    "search": (("search", "backoff", "retry", "-C", "1"), LISTS),
    "search-relaxed": (("search", "backoff", "frobnicate"), ("table", "json")),
    "tags": (("tags",), LISTS),
    "config-list": (("config", "list"), LISTS),
    "export": (("export",), tuple(f"to-{name}" for name in WRITERS)),
    "export-note": (("export", "deploy"), ("to-markdown", "to-html")),
}
EXTENSIONS = {"text": "txt", "markdown": "md", "to-jsonl": "jsonl", "to-markdown": "md"}

CALL: Part = {"type": "tool_call", "id": "call_1", "name": "read_file", "arguments": {"path": "src/client.py"}}
RESULT: Part = {"type": "tool_call_response", "id": "call_1", "response": "def fetch():\n    return get(URL)\n"}
THOUGHT: Part = {"type": "reasoning", "content": "The client never waits between attempts."}
ANSWER = "It retries at once. Add exponential backoff:\n\n```\ntime.sleep(2**attempt)\n```"


def an_id(name: str) -> str:
    return name.ljust(26, "a")


def write_history(path: Path) -> None:
    """Write a plain conversation, one with tools, a branch and a hidden message, and one with awkward text."""
    clock = Clock()
    clock.now = NOW - timedelta(days=40)
    with pytest.MonkeyPatch.context() as patch, chatlog.open(path, clock=clock) as store:
        fixed_ids(patch, an_id("trip"), an_id("deploy"), an_id("formula"))
        trip = ConversationDraft(title="Four days in Lisbon", tags=("travel", "family"), model="gpt-5")
        store.new(trip, [MessageDraft(role="user", text="Où manger à Lisbonne ? 東京より近い。", author="Ana")])
        clock.now += timedelta(days=30)
        write_deploy(store, clock)
        clock.now += timedelta(days=9)
        awkward = ConversationDraft(
            title='=SUM(A1) "quoted", [bold]\x1b[31m\ttabbed', tags=("work",), metadata={"a": 1}
        )
        store.new(awkward, [MessageDraft(role="user", text="-1+2, a \x1b]0;title\x07 and a\nsecond line")])
        store.change(an_id("trip"), {"pinned": True, "state": {"step": 3}})


def write_deploy(store: chatlog.Store, clock: Clock) -> None:
    conversation = store.new(ConversationDraft(title="Retry backoff in the client", model="claude-4", project="/src/x"))
    drafts = [
        MessageDraft(role="system", text="You are terse.", hidden=True),
        MessageDraft(role="user", text="Why does the retry hammer the server?"),
        MessageDraft(
            role="assistant", text="Let me look.", parts=(THOUGHT, {"type": "text", "content": "Let me look."}, CALL)
        ),
        MessageDraft(role="tool", parts=(RESULT,)),
        MessageDraft(role="assistant", text=ANSWER, model="claude-4"),
    ]
    for draft in drafts:
        store.add(conversation.id, [draft])
        clock.now += timedelta(seconds=75)
    store.add(conversation.id, [MessageDraft(role="user", text="And with jitter?")])
    store.add(conversation.id, [MessageDraft(role="assistant", text="Do not retry at all.", parent=2)])
    store.add(conversation.id, [MessageDraft(role="user", text="I prefer backoff with jitter.", parent=6)])


@pytest.fixture(scope="session")
def golden_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("golden") / "chatlog.db"
    write_history(path)
    return path


def golden(case: str, form: str) -> Path:
    """Return the file of a case in a form."""
    return GOLDEN / f"{case}.{EXTENSIONS.get(form, form.removeprefix('to-'))}"


FORMS = [(case, form) for case, (_, forms) in CASES.items() for form in forms]


@pytest.mark.parametrize(("case", "form"), FORMS)
def test_every_form_is_as_it_was(
    case: str, form: str, run: Run, golden_history: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Scripts and eyes rely on these bytes; a change of them is a change of the contract and is made on purpose."""
    shutil.copy(golden_history, tmp_path / "chatlog.db")
    if form == "table":
        on_terminal(monkeypatch)
    option = ("--to", form.removeprefix("to-")) if form.startswith("to-") else ("--format", form)
    ran = run(*CASES[case][0], *option, "--no-pager")
    if UPDATE:
        golden(case, form).write_bytes(ran.out.encode())
    assert 0 == ran.code, ran.err
    assert golden(case, form).read_bytes().decode() == ran.out


def test_there_is_no_golden_file_too_many() -> None:
    """Every file in the folder is one that a test compares with."""
    assert {golden(case, form) for case, form in FORMS} == {*GOLDEN.iterdir()}


def test_machine_forms_hold_no_control_characters() -> None:
    """Whatever is stored, text, JSON and ids in a pipe can be read on any screen."""
    for case, form in FORMS:
        if form in ("text", "json", "jsonl", "ids"):
            assert "\x1b" not in golden(case, form).read_text(), (case, form)
