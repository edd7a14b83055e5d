"""Jan's threads: a folder each, ``messages.jsonl`` with the messages and ``thread.json`` with what is known of them.

Messages follow one another as they stand until one is edited or answered anew; from then on each tells its parent, and
which version after it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from chatlog.formats import MALFORMED, Head, build, ids, tags, trees
from chatlog.formats.beside import beside
from chatlog.formats.build import Row
from chatlog.formats.calls import Calls
from chatlog.formats.envelope import role_of
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.records import misshapen
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_HOMES = (
    "~/.local/share/Jan/data",
    "$XDG_DATA_HOME/Jan/data",
    "~/.config/Jan/data",
    "~/Library/Application Support/Jan/data",
    "$APPDATA/Jan/data",
    "~/jan",
)
LOCATIONS = tuple(f"{home}/threads/*/messages.jsonl" for home in _HOMES)

_THREAD = "thread.json"
_OBJECT = "thread.message"
_UNTITLED = frozenset({"New Thread", "New Chat"})
_FILES = re.compile(r"\s*\[ATTACHED_FILES\]\n(.*?)\n?\[/ATTACHED_FILES\]", re.DOTALL)
_FACTS = {"file_id": "file_id", "name": "name", "type": "file_type", "size": "size", "chunks": "chunks"}
_ROW_TOLD = frozenset({"id", "object", "thread_id", "role", "content", "created_at", "model", "metadata", "status"})
_META_TOLD = frozenset({"parentId", "activeChildId", "tool_calls", "inline_file_contents"})
_THREAD_TOLD = frozenset({"id", "object", "title", "created", "updated", "assistants", "metadata"})


def sniff(head: Head) -> bool:
    """Say whether these are the messages of a thread of Jan."""
    return any(row.get("object") == _OBJECT and row.keys() >= {"thread_id", "role", "content"} for row in head.objects)


def read(source: Source) -> Iterator[Record]:
    """Yield the thread, its instructions, its messages with all of their versions, and what could not be read."""
    found = _Thread()
    for line in lines(source):
        if isinstance(line, Line):
            found.take(line)
        else:
            found.problems.append(line)
    yield from found.records(build.mapping(beside(source, _THREAD)))


@dataclass(slots=True)
class _Thread:
    """The messages of a thread and what each says of its place."""

    messages: dict[str, MessageDraft] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    calls: Calls = field(default_factory=Calls)

    def take(self, line: Line) -> None:
        """Read a message; a later one of the same id is its newer state."""
        try:
            row = line.value
            made = _message(row, self.calls)
        except MALFORMED as error:
            self.problems.append(misshapen(line.place, error, "not a message of Jan"))
            return
        key = build.word(row.get("id")) or ids.derived_id(next(reversed(self.messages), None), made)
        self.messages[key], self.rows[key] = made, row

    def records(self, thread: Row) -> Iterator[Record]:
        """Yield the thread and its messages, each after its parent."""
        parents = _parents(self.rows)
        instructions = build.instructions(build.word(_assistant(thread).get("instructions")))
        root = instructions[0].source_id if instructions else None
        kept, standing = trees.without_empty(parents, self.messages, root)
        if kept:
            told = [*instructions, *kept]
            yield _draft(thread, self.rows, told, standing[_head(self.rows, parents)])
            yield from told
        elif not self.problems:
            yield LeftOut("threads without messages", 1)
        yield from self.problems
        if len(kept) < len(self.messages):
            yield LeftOut("messages without words", len(self.messages) - len(kept))


def _draft(thread: Row, rows: Mapping[str, Row], kept: list[MessageDraft], head: str | None) -> ConversationDraft:
    facts = _meta(thread)
    assistant = _assistant(thread)
    title = build.word(thread.get("title"))
    named = (build.word(row.get("thread_id")) for row in rows.values())
    rest = build.without(thread, _THREAD_TOLD)
    return ConversationDraft(
        source_id=build.word(thread.get("id")) or next(filter(None, named), None) or ids.opening_id(kept),
        title=None if title in _UNTITLED else title,
        created_at=instant(thread.get("created")) or build.first_moment(kept),
        updated_at=instant(thread.get("updated")),
        model=build.word(build.within(assistant, "model", "id")),
        project=build.word(build.within(facts, "project", "name")),
        pinned=facts.get("is_favorite") is True,
        head=head,
        metadata=build.compact({**rest, **facts, "assistant": build.compact(assistant, ("instructions",))}),
    )


def _meta(row: Row) -> Row:
    return build.mapping(row.get("metadata"))


def _assistant(thread: Row) -> Row:
    """Return the assistant of a thread."""
    return build.mapping(next(iter(build.listed(thread.get("assistants"))), None))


# The tree


def _parents(rows: Mapping[str, Row]) -> dict[str, str | None]:
    """Return the parent of each message, siblings by their time; one that tells none follows the one before it.

    An answer that lost its place in the tree belongs to the prompt before it, and what followed that prompt to it.
    """
    found: dict[str, str | None] = {}
    last: str | None = None
    for key, row in rows.items():
        own = _meta(row).get("parentId", last)
        found[key] = own if isinstance(own, str) and own in rows and own != key else None
        last = key
    if any("parentId" in _meta(row) for row in rows.values()):
        _repair(found, rows)
    return found


def _repair(found: dict[str, str | None], rows: Mapping[str, Row]) -> None:
    keys = sorted(found, key=lambda key: _time(rows[key]))
    for at, key in enumerate(keys):
        if rows[key]["role"] != "assistant" or isinstance(_meta(rows[key]).get("parentId"), str):
            continue
        prompt = next((before for before in reversed(keys[:at]) if rows[before]["role"] == "user"), None)
        if prompt is None:
            continue
        found[key] = prompt
        after = (one for one in keys[at + 1 :] if rows[one]["role"] == "user" and found[one] == prompt)
        if (moved := next(after, None)) is not None:
            found[moved] = key


def _head(rows: Mapping[str, Row], parents: Mapping[str, str | None]) -> str | None:
    """Return the end of what is shown: the child that each message names, else its newest."""
    children: dict[str | None, list[str]] = {}
    for key, parent in sorted(parents.items(), key=lambda link: _time(rows[link[0]])):
        children.setdefault(parent, []).append(key)
    at: str | None = None
    seen = set[str]()
    while (below := children.get(at)) and (at is None or at not in seen):
        seen.add(at or "")
        chosen = _meta(rows[at]).get("activeChildId") if at else None
        at = chosen if chosen in below else below[-1]
    return at


def _time(row: Row) -> float:
    moment = row.get("created_at")
    return moment if isinstance(moment, (int, float)) else 0


# A message


def _message(row: Row, calls: Calls) -> MessageDraft:
    role, facts = role_of(row), _meta(row)
    parts = tuple(_parts(row, role, facts, calls))
    rest = build.without(row, _ROW_TOLD)
    rest |= build.without(facts, _META_TOLD)
    status = row.get("status")
    return build.message(
        role,
        parts,
        model=build.word(row.get("model")) if role == "assistant" else None,
        created_at=instant(row.get("created_at")),
        metadata=build.compact({**rest, "status": None if status == "ready" else status}),
    )


def _parts(row: Row, role: str, facts: Row, calls: Calls) -> Iterator[Part]:
    said = [part for held in row["content"] for part in _part(held, role, calls)]
    thoughts = next((at for at, part in enumerate(said) if part["type"] != "reasoning"), len(said))
    yield from said[:thoughts]
    for number, call in enumerate(facts.get("tool_calls") or ()):
        yield from _old_call(call, f"{row.get('id')}-{number}")
    yield from said[thoughts:]
    for held in facts.get("inline_file_contents") or ():
        yield build.file(None, build.word(held.get("name")), content=held.get("content"))
    for held in row.get("attachments") or ():
        yield build.file(build.word(held.get("file_id")), **build.compact({"tools": held.get("tools")}))


def _part(held: Row, role: str, calls: Calls) -> Iterator[Part]:
    kind, told = held.get("type"), held.get("text")
    words = told.get("value") if isinstance(told, dict) else told
    if kind == "text" and isinstance(words, str):
        yield from _words(words, role, calls)
    elif kind == "reasoning" and isinstance(words, str):
        yield build.reasoning(words)
    elif kind == "image_url":
        yield build.addressed(held["image_url"]["url"], modality="image")
    elif kind == "input_audio":
        audio = held["input_audio"]
        yield build.blob(f"audio/{audio.get('format') or 'wav'}", audio["data"], modality="audio")
    elif kind == "tool_call":
        key = build.word(held.get("tool_call_id"))
        yield build.tool_call(key, build.word(held.get("tool_name")), build.parsed(held.get("input")))
        if held.get("output") is not None:
            yield build.tool_result(key, held["output"])
    else:
        yield build.raw(kind, held)


def _words(words: str, role: str, calls: Calls) -> Iterator[Part]:
    """Yield what a text says: of an answer its thought first, of a prompt the files that are named behind it."""
    if role == "assistant":
        yield from tags.answer(words, calls)
        return
    files = _FILES.search(words) if role == "user" else None
    if files is not None:
        words = words[: files.start()]
    if words:
        yield build.text(words)
    for line in files[1].splitlines() if files else ():
        yield _named_file(line)


def _named_file(line: str) -> Part:
    pairs = (piece.partition(": ") for piece in line.removeprefix("- ").split(", "))
    told = {_FACTS[key]: value for key, mark, value in pairs if mark and key in _FACTS}
    return build.file(told.pop("file_id", None), told.pop("name", None), None, **told)


def _old_call(call: Row, name: str) -> Iterator[Part]:
    """Yield a call as it stood beside the words, and what came of it."""
    tool, response = call.get("tool") or {}, call.get("response")
    called = tool.get("function") or {}
    key = build.word(tool.get("id")) or build.word(call.get("id")) or name
    yield build.tool_call(key, build.word(called.get("name")), build.parsed(called.get("arguments")))
    if response is None:
        return
    told = response.get("content", response) if isinstance(response, dict) else response
    if isinstance(told, list) and len(told) == 1 and isinstance(told[0], dict) and told[0].get("type") == "text":
        told = told[0].get("text")
    error = build.mapping(response).get("error")
    yield build.tool_result(key, told or error, is_error=bool(error))
