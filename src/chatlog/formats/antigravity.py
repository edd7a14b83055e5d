"""Google Antigravity's transcripts: JSONL below ``~/.gemini/antigravity*/brain/<conversation>/``, a line for each step.

A step is what the user asked, the model's answer with its calls, the result of one of them, or what Antigravity told
the model.  Steps have numbers and no ids: results are paired to calls by number, then by the name of the tool.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog import tagged
from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.antigravity_steps import FULL, SHORT, steps
from chatlog.formats.beside import beside
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import BROKEN_JSON, Line, decoded
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Record
from chatlog.timespec import instant

#: Where the files are found: of the desktop, the IDE and the command line, on every platform.
LOCATIONS = tuple(
    f"~/.gemini/{home}/brain/*/.system_generated/logs/{name}"
    for home in ("antigravity", "antigravity-ide", "antigravity-cli")
    for name in (FULL, SHORT)
)

_FOLDER = re.compile(r"(?:^|[/\\!])([^/\\!]+)[/\\]\.system_generated[/\\]logs[/\\][^/\\!]+$")
_NAME = re.compile(r"\w{1,40}")
_REQUEST = "USER_REQUEST"
#: What Antigravity puts behind what was typed: the time, the open files, changed settings.
_ADDED = re.compile(r"<([A-Z][A-Z_]+)(?=>)")
_MODEL = re.compile(r"`Model Selection` from .{0,200}? to (.{1,200}?)\.?(?=\s{0,9}(?:$|</)|\.\s)", re.MULTILINE)
#: Another conversation that speaks to this one; a task of one's own has ``/task-3`` behind it.
_SENDER = re.compile(rf"\bsender=({ids.UUID})(?=\s)")
_CUT = re.compile(r"\n<truncated \d+ bytes>$")
_INJECTED = frozenset({"CHECKPOINT", "CONVERSATION_HISTORY", "EPHEMERAL_MESSAGE", "ERROR_MESSAGE", "SYSTEM_MESSAGE"})
_FAILED = frozenset({"ERROR", "FAILED"})
#: The type of the step that a tool's result is, where it is not the tool's name; later versions call all ``GENERIC``.
_ANY_TOOL = "GENERIC"
_STEP_OF = {
    "list_dir": "LIST_DIRECTORY",
    "find_by_name": "FIND",
    "write_file": "CODE_ACTION",
    "write_to_file": "CODE_ACTION",
    "edit_file": "CODE_ACTION",
    "replace_file_content": "CODE_ACTION",
    "multi_replace_file_content": "CODE_ACTION",
}
_USUAL = frozenset({"DONE", "USER_EXPLICIT", "MODEL", "SYSTEM"})
_STEP_TOLD = frozenset({"step_index", "type", "created_at", "content", "thinking", "tool_calls", "error"})


def sniff(head: Head) -> bool:
    """Say whether this is a transcript of Antigravity."""
    if not head.is_object:
        return False
    return head.keys >= {"step_index", "source", "type"} or any(map(_is_step, head.rows))


def _is_step(value: Row) -> bool:
    kind = value.get("type")
    is_named = isinstance(kind, str) and kind.isupper() and not value.keys().isdisjoint(("source", "status"))
    return is_named and isinstance(value.get("step_index"), int)


def read(source: Source) -> Iterator[Record]:
    """Yield the conversation, its messages, and the conversation again with what was learned of it."""
    if source.stem + ".jsonl" == SHORT and source.sibling(FULL) is not None:
        yield LeftOut(f"transcripts that {FULL} tells in full", 1)
        return
    conversation = _Conversation(source)
    yield from ids.announced(conversation.records(), conversation.begin)
    yield from conversation.close()


@dataclass(slots=True)
class _Call:
    """A call that waits for its result."""

    id: str
    name: str | None


@dataclass(slots=True)
class _Conversation:
    """What is remembered of a transcript as it streams by: the model, and the calls of its last answer."""

    source: Source
    draft: ConversationDraft | None = None
    created_at: str | None = None
    model: str | None = None
    project: str | None = None
    parent: str | None = None
    last: str | None = None
    answered_at: int | None = None
    waiting: dict[int, _Call] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def begin(self, name: str) -> ConversationDraft:
        """Return the conversation, called by the folder it is in, by its opening where it is in none of its own."""
        self.draft = ConversationDraft(
            source_id=_folder(self.source) or name, created_at=self.created_at, model=self.model, parent=self.parent
        )
        return self.draft

    def close(self) -> Iterator[Record]:
        """Yield the conversation with its leaf, model and folder, and how much was left out."""
        if self.draft is not None:
            project = self.project or _project_beside(self.source, str(self.draft.source_id))
            yield self.draft._replace(head=self.last, model=self.model, project=project)
        yield from build.left_out(self.counts)

    def records(self) -> Iterator[Record]:
        """Yield the messages that the steps are."""
        return read_each(steps(self.source), self._message, "not a step of Antigravity")

    def _message(self, line: Line) -> Iterator[MessageDraft]:
        """Yield the message a step is; one that says nothing is counted."""
        row = line.value
        kind, number = row["type"], row.get("step_index")
        made = self._converted(kind, row, f"step-{number}" if type(number) is int else f"line-{line.number}")
        if made is None:
            self.counts[f"{kind if _NAME.fullmatch(kind) else 'unknown'} steps without content"] += 1
            return
        moment = instant(row.get("created_at"))
        self.created_at = self.created_at or moment
        named = ids.numbered(f"step-{number}", self.used) if type(number) is int else None
        parent, self.last = self.last, named or ids.derived_id(self.last, made)
        facts = {**_facts(row), **made.metadata}
        yield made._replace(source_id=self.last, parent=parent, created_at=moment, metadata=facts)

    def _converted(self, kind: str, row: Row, key: str) -> MessageDraft | None:
        if kind == "USER_INPUT":
            return self._asked(row)
        if kind == "PLANNER_RESPONSE":
            return self._answered(row, key)
        if kind == "ERROR_MESSAGE" and "tool call" in f"{row.get('error')} {row.get('content')}" and self.waiting:
            return self._result(_ANY_TOOL, {**row, "status": "ERROR"})
        if kind in _INJECTED or row.get("source") in ("SYSTEM", "USER_IMPLICIT"):
            return self._injected(kind, row)
        return self._result(kind, row)

    def _asked(self, row: Row) -> MessageDraft | None:
        """Return what the user typed; what Antigravity added stays in its parts."""
        content = _content(row)
        request = tagged.outermost(content, _REQUEST)
        added = content[: request[0]] + content[request[1] :] if request else content
        self.model = next(reversed([found[1] for found in _MODEL.finditer(added)]), self.model)
        text = (request[2] if request else tagged.without(content, _ADDED)).strip()
        if not content:
            return None
        reason = None if text else "no words of the user"
        if request is None and row.get("source") == "USER_IMPLICIT":
            reason = "user_implicit"
        return build.message("user", content, text, reason=reason)

    def _answered(self, row: Row, key: str) -> MessageDraft | None:
        content, thinking = _content(row), build.word(row.get("thinking"))
        parts = [build.reasoning(thinking)] if thinking else []
        parts += [build.text(content)] if content else []
        self.answered_at, self.waiting = row.get("step_index"), {}
        for at, call in enumerate(row.get("tool_calls") or ()):
            name = f"{key}-call-{at}"
            parts.append(_call(name, call))
            self.waiting[at] = _Call(name, build.word(call.get("name")))
            folder = parts[-1]["arguments"].get("Cwd") if isinstance(parts[-1]["arguments"], dict) else None
            self.project = self.project or build.word(folder)
        if not parts:
            return None
        return build.message("assistant", parts, content, model=self.model)

    def _result(self, kind: str, row: Row) -> MessageDraft | None:
        """Return what a tool gave back, for the call it answers where there is one."""
        content, error = _content(row), row.get("error")
        call = self._answering(kind, row.get("step_index"))
        if not content and not error and call is None:
            return None
        told: dict[str, Any] = {"name": call.name if call else kind}
        if error and content and error not in content:
            told["error"] = error
        is_error = bool(error) or row.get("status") in _FAILED
        part = {**build.tool_result(call.id if call else None, content or error or "", is_error=is_error), **told}
        return MessageDraft(role="tool", parts=(part,), metadata={"step": kind} if kind != told["name"] else {})

    def _answering(self, kind: str, number: Any) -> _Call | None:
        """Return the call that a result answers: the one of its number, of its name, or for any tool the first."""
        at = None
        if isinstance(number, int) and isinstance(self.answered_at, int):
            at = number - self.answered_at - 1
        if at not in self.waiting:
            named = (at for at, call in self.waiting.items() if _step_of(call.name) == kind)
            at = next(named, next(iter(self.waiting), None) if kind == _ANY_TOOL else None)
        return None if at is None else self.waiting.pop(at)

    def _injected(self, kind: str, row: Row) -> MessageDraft | None:
        """Return what Antigravity told the model in the user's place."""
        content, error = _content(row), build.word(row.get("error"))
        if self.last is None and (sender := _SENDER.search(content)):
            self.parent = sender[1]
        if not content and not error:
            return None
        facts: dict[str, Any] = {"hidden_reason": kind.lower() or "unknown"}
        if content and error and error not in content:
            facts["error"] = error
        return build.message("user", content or error or "", metadata=facts)


def _folder(source: Source) -> str | None:
    """Return the name of the folder that is the conversation's: three levels above its file."""
    found = _FOLDER.search(str(source.path.absolute()) if source.path is not None else source.name)
    return found[1] if found else None


def _project_beside(source: Source, name: str) -> str | None:
    """Return the folder that Antigravity's own notes of its conversations give, for one that ran no command."""
    if _folder(source) is None:
        return None
    for file, find in (("last_conversations", _last_in), ("conversation_metadata", _workspace_in)):
        try:
            found = find(beside(source, f"../../../../cache/{file}.json") or {}, name)
        except MALFORMED:
            continue
        if found:
            return found
    return None


def _last_in(notes: Row, name: str) -> str | None:
    return next((folder for folder, last in notes.items() if last == name), None)


def _workspace_in(notes: Row, name: str) -> str | None:
    return build.local_path(notes["conversations"][name]["summary"]["WorkspaceURIs"][0])


def _content(row: Row) -> str:
    content = row.get("content")
    return "" if content is None else build.string(content)


def _facts(row: Row) -> dict[str, Any]:
    told = build.rest(row, _STEP_TOLD)
    return {key: fact for key, fact in told.items() if not (isinstance(fact, str) and fact in _USUAL)}


def _step_of(tool: str | None) -> str:
    name = (tool or "").rpartition(":")[2]
    return _STEP_OF.get(name, name.upper())


def _call(name: str, call: Row) -> Part:
    rest = build.without(call, ("name", "args", "type", "id"))
    return build.tool_call(name, build.word(call.get("name")), _arguments(call.get("args")), **rest)


def _arguments(values: Any) -> Any:
    """Return the arguments of a call; where each is JSON within JSON, as the shorter account has them, what it says."""
    if not isinstance(values, dict):
        return build.parsed(values)
    texts = [value for value in values.values() if isinstance(value, str)]
    if len(texts) < len(values):
        return values
    try:
        return {key: _decoded(value) for key, value in values.items()}
    except BROKEN_JSON:
        return values


def _decoded(value: str) -> Any:
    """Return what JSON text says, as far as it goes where it was cut.  Raises one of BROKEN_JSON for other text."""
    cut = _CUT.search(value)
    if cut is None:
        return decoded(value)
    for end in ('"', ""):
        try:
            return f"{decoded(value[: cut.start()] + end)}{cut[0]}"
        except BROKEN_JSON:
            continue
    return value
