"""Tests of Hermes' sessions: what is summed up, copied and taken back, its older files, and damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import transfer
from chatlog.discovery import discover
from chatlog.formats import build, detect, hermes
from chatlog.formats.source import file_source
from chatlog.models import LeftOut, MessageDraft, Problem, Record

from .damage import checked, read_cut_off, read_twisted, read_twisted_lines
from .making import DATA, conversations, json_lines, messages, said, source_of
from .sqlite_making import database, in_memory

FOLDER = DATA / "hermes"
SCRIPT = (FOLDER / "state.sql").read_text()
FILE = FOLDER / "sessions" / "session_20260429_200000_1a2b3c.json"
TRANSCRIPT = FOLDER / "sessions" / "20260403_153620_5a3e2ff1.jsonl"
MAIN, BRANCH = "20260718_060537_d8b058", "20260718_061000_aa11bb"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return database(tmp_path / "state.db", SCRIPT, mode="wal")


def read(path: Path) -> list[Record]:
    return checked(hermes.read(file_source(path)))


def message(state: Path, text: str) -> MessageDraft:
    return next(message for message in messages(read(state)) if message.text == text)


def test_facts_of_a_session(state: Path) -> None:
    """A session keeps its name, times, model, folder, usage and where it came from."""
    found = {draft.source_id: draft for draft in conversations(read(state))}
    main, branch = found[MAIN], found[BRANCH]
    assert ("List the files", "hermes-4-405b", "/home/me/app", True) == (
        main.title,
        main.model,
        main.project,
        main.pinned,
    )
    assert ("2026-07-18T06:05:37.500Z", "2026-07-18T06:09:59.000Z") == (main.created_at, main.updated_at)
    assert (1200, "compression", "main") == tuple(
        main.metadata[key] for key in ("input_tokens", "end_reason", "git_branch")
    )
    assert [{"session_id": MAIN, "model": "hermes-4-405b", "input_tokens": 1200, "output_tokens": 340}] == (
        main.metadata["model_usage"]
    )
    assert (MAIN, "/tmp", {"_branched_from": MAIN, "cwd": "/tmp"}) == (
        branch.parent,
        branch.project,
        branch.metadata["model_config"],
    )
    assert "lost" in found


def test_the_order_of_what_was_said(state: Path) -> None:
    """What was summed up stays where it was said, and what a compaction copied is told once."""
    assert [
        ("system", "You are Hermes."),
        ("user", "Which files are here?"),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "Only a.txt."),
        ("user", "Delete it"),
        ("assistant", "Deleted."),
        ("user", "Keep it"),
        ("user", "[CONTEXT COMPACTION — REFERENCE ONLY] There is one file."),
        ("assistant", "Kept."),
        ("user", "What is this?"),
        ("user", "[ASYNC DELEGATION COMPLETE — deleg_1] Found."),
        ("assistant", "A picture."),
        ("user", "Hello?"),
    ] == said(read(state))


def test_what_was_taken_back_is_a_branch(state: Path) -> None:
    """A prompt that was taken back and its answer hang below what they followed, beside what came instead."""
    assert message(state, "Delete it").parent == message(state, "Keep it").parent
    assert message(state, "Only a.txt.").source_id == message(state, "Keep it").parent
    assert message(state, "Delete it").source_id == message(state, "Deleted.").parent
    assert message(state, "Kept.").source_id == conversations(read(state))[1].head


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("You are Hermes.", "metadata", {"hidden_reason": "instructions"}),
        ("Which files are here?", "created_at", "2026-07-18T06:05:40.250Z"),
        ("Which files are here?", "metadata", {"usage": {"tokens": 5}}),
        ("Only a.txt.", "metadata", {"finish_reason": "stop", "usage": {"tokens": 7}}),
        (
            "[CONTEXT COMPACTION — REFERENCE ONLY] There is one file.",
            "metadata",
            {"hidden_reason": "compaction"},
        ),
        ("[ASYNC DELEGATION COMPLETE — deleg_1] Found.", "hidden", True),
        ("What is this?", "metadata", {"platform_message_id": "77"}),
        (
            "What is this?",
            "parts",
            (build.text("What is this?"), build.blob("image/png", "aGk=", modality="image")),
        ),
    ],
)
def test_messages(state: Path, text: str, field: str, value: Any) -> None:
    """Messages keep their words, times, usage and pictures; what Hermes said itself is hidden."""
    assert value == getattr(message(state, text), field)


def test_tools(state: Path) -> None:
    """A call stands behind the thought before it, and its result below it."""
    call, result = messages(read(state))[2:4]
    arguments = {"command": "ls"}
    made = {**build.tool_call("call_1", "terminal", arguments), "call_id": "call_1"}
    assert (build.reasoning("I will look."), made) == call.parts
    assert [{"type": "reasoning.text", "signature": "c2ln"}] == call.metadata["reasoning_details"]
    assert (build.tool_result("call_1", '{"output": "a.txt", "exit_code": 0}'),) == result.parts


def test_what_is_counted(state: Path) -> None:
    """Empty sessions, records of tools and copies are counted."""
    assert {
        LeftOut("sessions without messages", 1),
        LeftOut("copies of messages behind a compaction", 1),
        LeftOut("session_meta records (the tools that there were)", 1),
    } == {record for record in read(state) if isinstance(record, LeftOut)}


@pytest.mark.parametrize(
    ("role", "content", "reason"),
    [
        ("user", "[CONTEXT SUMMARY]: x", "compaction"),
        ("user", "[CONTEXT COMPACTION — x\n--- END OF CONTEXT SUMMARY — respond\n\nGo on", None),
        ("user", "[CONTEXT COMPACTION — x\n--- END OF CONTEXT SUMMARY — respond", "compaction"),
        ("user", "Review the conversation above and update the skill library.", "injected"),
        ("assistant", "[System note: x", None),
        ("system", "Be brief.", "instructions"),
    ],
)
def test_whose_words(role: str, content: str, reason: str | None) -> None:
    """Summaries and what Hermes said in the user's name are hidden; words of the user behind a summary are not."""
    found = checked(hermes.read(source_of(json_lines({"role": "session_meta"}, {"role": role, "content": content}))))
    assert [reason] == [message.metadata.get("hidden_reason") for message in messages(found)]


def test_the_files_of_older_versions() -> None:
    """The files are read with what they say of their session; equal messages are two."""
    found, transcript = read(FILE), read(TRANSCRIPT)
    session, chat = conversations(found)[-1], conversations(transcript)[-1]
    assert ("20260429_200000_1a2b3c", "2026-04-29T20:00:00.123Z") == (session.source_id, session.created_at)
    assert ["system", "user", "assistant", "tool", "assistant"] == [message.role for message in messages(found)]
    assert LeftOut("definitions of tools", 1) in found
    assert ("20260403_153620_5a3e2ff1", "hermes-4-70b") == (chat.source_id, chat.model)
    assert [("user", "Good morning"), ("assistant", "Good morning!")] == said(transcript)


def test_a_file_whose_session_the_database_holds(tmp_path: Path) -> None:
    """Of a session that is in both, the database's is read; another file beside it is read too."""
    state, sessions = database(tmp_path / "state.db", SCRIPT), tmp_path / "sessions"
    shutil.copytree(FOLDER / "sessions", sessions)
    both = sessions / f"session_{MAIN}.json"
    both.write_text(json.dumps({**json.loads(FILE.read_text()), "session_id": MAIN}))
    assert [LeftOut("sessions that state.db holds", 1)] == read(both)
    assert 5 == len(messages(read(sessions / FILE.name)))
    found = discover(tmp_path, {"HERMES_HOME": str(tmp_path)}, ["hermes"])
    assert {str(path) for path in (state, *sessions.iterdir())} == {path for one in found for path in one.files}


def test_again_and_grown(state: Path, tmp_path: Path) -> None:
    """A second import writes nothing; after a compaction only what is new is written."""
    early = database(
        tmp_path / "early.db", SCRIPT + "DELETE FROM messages WHERE id > 7; UPDATE messages SET active = 1;"
    )
    with chatlog.open(tmp_path / "chats.db") as store:
        counts = []
        for path in (early, state, state):
            total = transfer.import_history(store, [path]).total
            counts.append((total["new"], total["updated"]))
    assert [8, 6, 0] == [new for new, _ in counts]
    assert (0, 0) == counts[-1]


def test_sniff(state: Path) -> None:
    """A database is known by its tables, a file by what it begins with; nobody else's are taken."""
    assert ["hermes"] * 4 == [detect(found) for found in map(file_source, (state, FILE, TRANSCRIPT))] + [
        detect(in_memory(state))
    ]
    spoken = {"session_id": "x", "messages": [{"role": "user", "content": "Hi"}]}
    assert "openai_messages" == detect(source_of(json.dumps(spoken), "chat.json"))


def test_damage() -> None:
    """Whatever stands in the place of a value, the rest is read and nothing is raised."""
    assert read_twisted(hermes.read, json.loads(FILE.read_text())) > 100
    assert read_twisted_lines(hermes.read, [json.loads(line) for line in TRANSCRIPT.read_text().splitlines()]) > 50


def test_cut_off() -> None:
    """A transcript that is still being written gives what is whole, and so does a session's file."""
    for path in (TRANSCRIPT, FILE):
        found = list(read_cut_off(hermes.read, path.read_bytes(), name=path.name))
        counts = [sum(not message.hidden for message in messages(records)) for records in found]
        assert counts == sorted(counts)
    assert any(isinstance(record, Problem) for record in found[-1])
    assert {"20260429_200000_1a2b3c"} == {draft.source_id for draft in conversations(found[-1])}


def test_a_file_named_from_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    """The database is looked for above the folder of sessions, also where that is where one stands."""
    (tmp_path / "home" / "sessions").mkdir(parents=True)
    shutil.copy(state, tmp_path / "home" / "state.db")
    monkeypatch.chdir(tmp_path / "home" / "sessions")
    name = next(draft.source_id for draft in conversations(hermes.read(file_source(state))))
    told = {"session_id": name, "session_start": "", "last_updated": "", "messages": [{"role": "user", "content": "x"}]}
    Path("session_x.json").write_text(json.dumps(told))
    found = list(hermes.read(file_source(Path("session_x.json"))))
    assert [LeftOut("sessions that state.db holds", 1)] == found
