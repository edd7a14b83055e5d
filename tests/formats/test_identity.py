"""Tests of which files without ids are one conversation: as they begin, through the first prompt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import detect, ids, reader
from chatlog.formats.source import Source, file_source
from chatlog.models import MessageDraft

from .making import conversations, json_lines, messages, source_of
from .sqlite_making import table

Turns = list[tuple[str, str]]
Maker = Callable[[Turns], tuple[str, Any]]

SYSTEM = ("system", "You are helpful.")
CONTEXT = "This is the Gemini CLI. We are setting up the context for our chat."


def openai(turns: Turns) -> list[dict[str, Any]]:
    return [{"role": role, "content": text} for role, text in turns]


def langchain(turns: Turns) -> list[dict[str, Any]]:
    kinds = {"user": "human", "assistant": "ai", "system": "system"}
    return [{"type": kinds[role], "data": {"content": text}} for role, text in turns]


def aistudio(turns: Turns) -> dict[str, Any]:
    chunks = [{"text": text, "role": {"assistant": "model"}.get(role, role)} for role, text in turns[1:]]
    return {"runSettings": {"model": "m"}, "systemInstruction": {"text": "S"}, "chunkedPrompt": {"chunks": chunks}}


def gemini(turns: Turns) -> list[dict[str, Any]]:
    said = [("user", CONTEXT), ("assistant", "Got it."), *turns[1:]]
    return [{"role": {"assistant": "model"}.get(role, role), "parts": [{"text": text}]} for role, text in said]


def chatbotui(turns: Turns) -> dict[str, Any]:
    talk = {"id": 1, "name": "N", "messages": openai(turns[1:]), "prompt": "S", "model": {"id": "m"}, "folderId": None}
    return {"version": 4, "history": [talk], "folders": [], "prompts": []}


def goose(turns: Turns) -> str:
    said = [{"role": r, "created": 1700000000, "content": [{"type": "text", "text": t}]} for r, t in turns[1:]]
    return json_lines({"working_dir": "/w", "description": "d", "message_count": 1}, *said)


def aider(turns: Turns) -> str:
    said = [f"\n#### {text}  \n" if role == "user" else f"\n{text}\n\n" for role, text in turns[1:]]
    return "".join(["\n# aider chat started at 2024-05-01 10:00:00\n\n> Aider v0.50  \n", *said])


def swe(turns: Turns) -> dict[str, Any]:
    demos: list[dict[str, Any]] = [{"role": "user", "content": f"DEMO {n}", "is_demo": True} for n in (1, 2)]
    return {"trajectory": [], "history": [openai(turns)[0], *demos, *openai(turns)[1:]], "info": {}}


MAKERS: dict[str, Maker] = {
    "a document of messages": lambda turns: ("messages.json", openai(turns)),
    "a message a line": lambda turns: ("log.jsonl", json_lines(*openai(turns))),
    "LangChain": lambda turns: ("history.json", langchain(turns)),
    "AI Studio": lambda turns: ("Untitled prompt", aistudio(turns)),
    "Gemini CLI's checkpoint": lambda turns: ("checkpoint-t.json", gemini(turns)),
    "Chatbot UI": lambda turns: ("history.json", chatbotui(turns)),
    "Cline": lambda turns: ("api_conversation_history.json", openai(turns)),
    "Goose": lambda turns: ("g.jsonl", goose(turns)),
    "aider": lambda turns: (".aider.chat.history.md", aider(turns)),
    "SWE-agent": lambda turns: ("a.traj", swe(turns)),
}


def names(source: Source) -> tuple[str | None, list[str | None]]:
    """Return the id of the only conversation of a source, and those of its messages."""
    records = list(reader(str(detect(source))).read(source))
    (name,) = {str(draft.source_id) for draft in conversations(records)}
    return name, [draft.source_id for draft in messages(records)]


def named(maker: Maker, turns: Turns) -> tuple[str | None, list[str | None]]:
    name, value = maker(turns)
    return names(source_of(value if isinstance(value, str) else json.dumps(value), name))


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS.keys())
def test_another_first_prompt_is_another_conversation(maker: Maker) -> None:
    """Files of one name that begin with the same instructions are one conversation only if the first prompt is."""
    assert 2 == len({named(maker, [SYSTEM, ("user", prompt), ("assistant", "ok")])[0] for prompt in ("one", "two")})


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS.keys())
def test_a_longer_file_is_the_same_conversation(maker: Maker) -> None:
    """A file that went on has the same name and messages, and further ones."""
    begun: Turns = [SYSTEM, ("user", "one"), ("assistant", "ok")]
    name, said = named(maker, begun)
    later, more = named(maker, [*begun, ("user", "two"), ("assistant", "yes")])
    assert (name, said) == (later, more[: len(said)])
    assert len(more) > len(said)


def test_a_session_that_is_only_counted(tmp_path: Path) -> None:
    """Two databases have a session 1; it is one only where it begins alike."""
    found = []
    for text in ("one", "two", "one"):
        path = tmp_path / f"{len(found)}.db"
        rows = [{"id": n, "session_id": "1", "message": json.dumps(m)} for n, m in enumerate(_asked(text))]
        found.append(names(file_source(table(path, "message_store", rows)))[0])
    assert (True, True) == (found[0] != found[1], found[0] == found[2])


def _asked(text: str) -> list[dict[str, Any]]:
    return langchain([SYSTEM, ("user", text)])


def test_where_nothing_was_typed() -> None:
    """Without a prompt the first message alone names a conversation, however many follow."""
    said = [MessageDraft(role="assistant", text=str(number)) for number in range(300)]
    assert {ids.opening_id(said[:1])} == {ids.opening_id(said[:count]) for count in (1, 2, 300)}
    assert [said[0]] == ids.opening(iter(said))
