"""Cline's tasks, and those of Roo Code and Kilo Code: what was sent to the model, or what was shown.

Reads ``api_conversation_history.json``, ``ui_messages.json`` where it stands alone, and the newer
``session.messages.json``.  What a message says is `cline_content`'s matter, what the interface
showed `cline_shown`'s, what the files beside a history tell `cline_beside`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from chatlog.formats import MALFORMED, Head, build, cline_beside, cline_rows, ids
from chatlog.formats.build import Row
from chatlog.formats.calls import Calls
from chatlog.formats.cline_content import environment, message, model_of
from chatlog.formats.cline_shown import Shown, request_usage
from chatlog.formats.jsonstream import Line, items
from chatlog.formats.records import misshapen, read_each, recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record
from chatlog.timespec import instant
from chatlog.titles import title_from

_EXTENSIONS = ("saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline", "kilocode.kilo-code")
_STORAGE = (
    "~/.config/Code/User/globalStorage",
    "~/.config/Cursor/User/globalStorage",
    "~/.config/VSCodium/User/globalStorage",
    "~/.config/Code - Insiders/User/globalStorage",
    "~/.vscode-server/data/User/globalStorage",
    "~/Library/Application Support/Code/User/globalStorage",
    "~/Library/Application Support/Cursor/User/globalStorage",
    "~/Library/Application Support/VSCodium/User/globalStorage",
    "$APPDATA/Code/User/globalStorage",
    "$APPDATA/Cursor/User/globalStorage",
    "$APPDATA/VSCodium/User/globalStorage",
)
_DATA = ("~/.cline/data", "$CLINE_DIR/data", "$CLINE_DATA_DIR")
_FILES = ("api_conversation_history.json", "ui_messages.json", "claude_messages.json")
#: Where the files are found: in the storage of each editor, and below the home of the newer Cline.
LOCATIONS: tuple[str, ...] = (
    *(f"{storage}/{extension}/tasks/*/{_FILES[0]}" for storage in _STORAGE for extension in _EXTENSIONS),
    *(f"{storage}/{extension}/tasks/*/{_FILES[1]}" for storage in _STORAGE for extension in _EXTENSIONS),
    *(f"{data}/tasks/*/{_FILES[0]}" for data in _DATA),
    *(f"{data}/sessions/*/*.messages.json" for data in _DATA),
    "$CLINE_SESSION_DATA_DIR/*/*.messages.json",
)

_SESSION = frozenset({"sessionId", "messages", "agent"})
_VERSIONED = frozenset({"version", "messages"})
_HISTORY = _FILES[0]
_WRAPPED = re.compile(r'"(?:text|content)"\s*:\s*"(?:<task>|<user_message>|<environment_details>)')
_TASK_ID = re.compile(rf"\d{{10,}}|{ids.UUID}")
_ADDED = "_tool_"
_SESSION_TOLD = frozenset({"messages", "sessionId", "updated_at", "system_prompt"})
_COMPACTED = ".compaction"
_OF_SESSION = (".messages.json", f"{_COMPACTED}.json")
_HELPERS = ("subagent", "teammate")
_SAFE = re.compile(r"[\w-]+")


def sniff(head: Head) -> bool:
    """Say whether this is a task's history, what was shown of it, or a session of the newer Cline."""
    keys = head.keys
    if not head.is_array:
        return _is_session(head) or (keys >= _VERSIONED and _is_history(head))
    if {"ts", "type"} <= keys:
        return not keys.isdisjoint(("say", "ask"))
    if not {"role", "content"} <= keys:
        return False
    return _is_history(head)


def _is_session(head: Head) -> bool:
    """Whether this is a session; the first ones, and what is kept of a compacted one, are known by their names."""
    return head.keys >= _SESSION or (head.keys >= _VERSIONED and head.name.endswith(_OF_SESSION))


def _is_history(head: Head) -> bool:
    return head.name.endswith(_HISTORY) or _WRAPPED.search(head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield the task's conversation, its messages, and the conversation again with what they told."""
    head = Head.of(source)
    if not head.is_array and _is_session(head):
        yield from _read_session(source)
    elif head.is_array and "ts" in head.keys and "role" not in head.keys:
        yield from _read_shown(source)
    else:
        yield from _read_history(source, "" if head.is_array else "messages")


def _task_id(source: Source) -> str | None:
    """Return the task's id, the name of the folder its files are in."""
    path = source.path.absolute() if source.path is not None else source.name
    names = re.split(r"[/\\!]", str(path))
    return names[-2] if len(names) > 1 and _TASK_ID.fullmatch(names[-2]) else None


def _read_history(source: Source, key: str) -> Iterator[Record]:
    """Yield a task as it was sent to the model; Roo Code had its messages under a key for a while."""
    rows: list[Any] = []
    for item in items(source, key) if key else items(source):
        if isinstance(item, Problem):
            yield item
        else:
            rows.append(item.value)
    answers = [at for at, row in enumerate(rows) if isinstance(row, dict) and row.get("role") == "assistant"]
    task = _Task(iter(cline_beside.requests(source, answers)), cline_beside.models(source))
    task.read(rows)
    draft, listed = task.conversation(_task_id(source)), cline_beside.entry(source)
    yield draft._replace(project=draft.project or listed.folder, parent=listed.parent)
    yield from task.messages
    yield from task.problems
    yield from build.left_out({"encrypted reasoning (not readable)": task.unreadable})


class _Task:
    """The messages of a task's history, each linked to the one before by what was said so far."""

    def __init__(self, requests: Iterator[Row], models: list[tuple[str, str]]) -> None:
        self.requests = requests
        self.models = models
        self.chain = ids.Chain()
        self.calls = Calls()
        self.messages: list[MessageDraft] = []
        self.problems: list[Problem] = []
        self.used: set[str] = set()
        self.folder: str | None = None
        self.model: str | None = None
        self.unreadable = 0

    def read(self, rows: Sequence[Any]) -> None:
        """Read every message; one that cannot be read is a problem."""
        self.unreadable = sum(cline_rows.is_thought(row) and bool(row.get("encrypted_content")) for row in rows)
        for number, row in cline_rows.numbered(rows):
            try:
                made = self._message(row)
                named = made._replace(source_id=self._own_id(made.source_id))
                self.messages.append(self.chain.link(named))
            except MALFORMED as error:
                self.problems.append(misshapen(f"message {number}", error))

    def _own_id(self, name: str | None) -> str | None:
        """Return a message's id without the tool calls that each saving adds to it once more."""
        if name is None or not (base := name.partition(_ADDED)[0]) or base in self.used:
            return name
        self.used.add(base)
        return base

    def _message(self, row: Row) -> MessageDraft:
        made = message(row, self.calls)
        if made.role != "assistant":
            told = environment(row)
            self.folder, self.model = self.folder or told.folder, told.model or self.model
            return made
        request = next(self.requests, {})
        facts = {"usage": request_usage(request) or {}, **made.metadata}
        moment = made.created_at or instant(request.get("ts"))
        self.model = made.model or model_of(request) or cline_beside.model_at(self.models, moment) or self.model
        return made._replace(model=self.model, created_at=moment, metadata=build.compact(facts))

    def conversation(self, task_id: str | None) -> ConversationDraft:
        """Return the task's conversation; without an id of its own it is named after how it began."""
        typed = next(
            (made.text for made in self.messages if made.role == "user" and not made.hidden and made.text), None
        )
        return ConversationDraft(
            source_id=task_id or ids.opening_id(self.messages),
            title=title_from(typed) if typed else None,
            created_at=instant(task_id) if task_id and task_id.isdigit() else None,
            project=self.folder,
            model=self.model,
        )


def _read_shown(source: Source) -> Iterator[Record]:
    """Yield a task as it was shown, unless its history is beside it."""
    if source.sibling(_HISTORY) is not None:
        yield LeftOut(f"tasks as they were shown (the same is in {_HISTORY})", 1)
        return
    task_id, shown = _task_id(source), Shown()
    last: str | None = None

    def take(item: Line) -> Iterator[Record]:
        nonlocal last
        made = shown.message(item.value)
        if made is not None:
            if last is None:
                yield _shown_conversation(task_id, made)
            yield made._replace(parent=last)
            last = made.source_id

    yield from read_each(items(source), take, "not an entry of a task")
    yield from build.left_out(shown.left_out)


def _shown_conversation(task_id: str | None, first: MessageDraft) -> ConversationDraft:
    name = task_id or ids.derived_conversation_id([first])
    return ConversationDraft(source_id=f"{name}-shown", title=title_from(first.text), created_at=first.created_at)


def _read_session(source: Source) -> Iterator[Record]:
    """Yield a session of the newer Cline, or one of its sub-agents: that has the session's id for its own."""
    name = source.stem.removesuffix(".messages").removesuffix(_COMPACTED)
    if source.stem.endswith(_COMPACTED) and source.sibling(whole := f"{name}.messages.json"):
        yield LeftOut(f"sessions as they were compacted (the whole is in {whole})", 1)
        return
    session, problems = recovered(source, "messages")
    if problems:
        session["sessionId"] = name
        yield from problems
    if not isinstance(session, dict) or not isinstance(session.get("messages"), list):
        yield Problem("", "not a session of Cline")
        return
    task = _Task(iter(()), [])
    if prompt := build.word(session.get("system_prompt")):
        task.messages.append(task.chain.link(MessageDraft(role="system", text=prompt, source_id="system_prompt")))
    task.read([cline_beside.pictured(source, row) for row in session["messages"]])
    yield _session(source, session, name, task)
    yield from task.messages
    yield from task.problems


def _session(source: Source, session: Row, name: str, task: _Task) -> ConversationDraft:
    """Return a session's conversation, that of a sub-agent called by its file beside the session it worked for."""
    session_id, told = build.word(session.get("sessionId")), cline_beside.manifest(source, name)
    if session_id is None and _SAFE.fullmatch(name) and name[:10].isdigit():
        session_id = name
    if session_id and session.get("agent") in _HELPERS:
        of = session_id.partition("__")[0]
        leader = cline_beside.manifest(source, of) if _SAFE.fullmatch(of) else told
        told = told._replace(folder=told.folder or leader.folder, parent=of)
        session_id = f"{of}__{name}"
    elif session_id and source.stem.endswith(_COMPACTED):
        session_id += "-compacted"
    draft = task.conversation(session_id)
    return draft._replace(
        title=told.title or draft.title,
        created_at=told.began,
        updated_at=instant(session.get("updated_at")),
        project=told.folder or draft.project,
        parent=told.parent,
        model=draft.model or told.model,
        metadata=build.given(session, _SESSION_TOLD),
    )
