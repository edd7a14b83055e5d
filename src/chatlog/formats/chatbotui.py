"""Chatbot UI's export: one JSON file with conversations under ``history``, folders and saved prompts.

Reads its conversations; each one's own prompt is the system message that was sent with it.  The
web interface keeps its history in the browser: exports lie where people saved them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.calls import Calls
from chatlog.formats.jsonstream import BROKEN_JSON, Line, document
from chatlog.formats.openai_content import message
from chatlog.formats.records import misshapen, read_each, rescued
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

_HISTORY = "history"
_EMPTY_HISTORY = re.compile(r'"history"\s*:\s*\[\s*\]')
_OF_CONVERSATION = frozenset({"id", "name", "messages"})
_TOLD = frozenset({"id", "name", "messages", "model", "prompt", "folderId"})
_SPOKEN = re.compile(r'"messages"\s*:\s*\[\s*\{[^{}]*"role"')


def sniff(head: Head) -> bool:
    """Say whether this is an export of Chatbot UI."""
    keys = head.keys
    if head.is_array:  # the first version: nothing but conversations, which say nothing else
        return _OF_CONVERSATION <= keys <= _TOLD and _SPOKEN.search(head.text) is not None
    if _HISTORY not in keys or keys.isdisjoint(("version", "folders", "prompts")):
        return False
    first = head.first_in(_HISTORY)
    if first is None:
        return "folders" in keys and _EMPTY_HISTORY.search(head.text) is not None
    return len(_OF_CONVERSATION & first) >= len(_OF_CONVERSATION) - 1  # one that is odd makes the others no less


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation with its messages; saved prompts are counted."""
    try:
        export = document(source)
    except BROKEN_JSON:
        yield from _conversations(rescued(source, _HISTORY), {})
        return
    export = {_HISTORY: export} if isinstance(export, list) else export
    if not isinstance(export, dict) or not isinstance(export.get(_HISTORY), list):
        yield Problem("", "not an export of Chatbot UI")
        return
    entries = (Line(f"item {number}", entry, number) for number, entry in enumerate(export[_HISTORY], 1))
    yield from _conversations(entries, _folders(export.get("folders")))
    prompts = export.get("prompts")
    if isinstance(prompts, list) and prompts:
        yield LeftOut("saved prompts", len(prompts))


def _folders(found: Any) -> dict[str, str]:
    held = build.mappings(found)
    return {str(folder.get("id")): folder["name"] for folder in held if build.word(folder.get("name"))}


def _conversations(entries: Iterable[Line | Problem], folders: Mapping[str, str]) -> Iterator[Record]:
    return read_each(
        entries, lambda entry: _conversation(entry.value, entry.place, folders), "not a conversation of Chatbot UI"
    )


def _conversation(entry: Mapping[str, Any], place: str, folders: Mapping[str, str]) -> Iterator[Record]:
    messages: list[MessageDraft] = []
    problems: list[Problem] = []
    chain, calls = ids.Chain(), Calls()
    model = entry.get("model")
    model_id = build.word(model.get("id") if isinstance(model, dict) else model)
    if prompt := build.word(entry.get("prompt")):
        messages.append(chain.link(MessageDraft(role="system", text=prompt, source_id="prompt")))
    for number, value in enumerate(entry["messages"], 1):
        try:
            made = message(value, calls)
            named = made._replace(model=model_id) if made.role == "assistant" and made.model is None else made
            messages.append(chain.link(named))
        except MALFORMED as error:
            problems.append(misshapen(f"{place}, message {number}", error))
    yield ConversationDraft(
        source_id=_name(entry.get("id"), messages),
        title=build.word(entry.get("name")),
        model=model_id,
        project=folders.get(str(entry.get("folderId"))),
        metadata=build.given(entry, _TOLD),
    )
    yield from messages
    yield from problems


def _name(own: Any, messages: Sequence[MessageDraft]) -> str:
    """Return a conversation's id; early versions counted them, so that everybody has a first and a second one."""
    if not own:
        return ids.derived_conversation_id(messages)
    return f"{own}-{ids.opening_id(messages)[2:18]}" if str(own).isdigit() else str(own)
