"""GitHub Copilot's histories: the command line's in ``~/.copilot``, VS Code's in its ``User`` folder.

That is below ``~/.config/Code``, ``~/Library/Application Support/Code`` or ``%APPDATA%/Code``.  Tells the four
forms apart and reads the oldest, ``{"chatMessages", "timeline"}``, itself; events are `copilot_events`'
matter, chats and their logs `copilot_vscode`'s.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.formats import MALFORMED, Head, build, copilot_events, copilot_vscode, ids
from chatlog.formats.beside import text_beside
from chatlog.formats.calls import Calls
from chatlog.formats.jsonstream import BROKEN_JSON, document
from chatlog.formats.openai_content import message as openai_message
from chatlog.formats.records import misshapen
from chatlog.formats.source import HEAD_BYTES, Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_VSCODE = ("~/.config", "~/Library/Application Support", "$APPDATA")
#: Where the files are found: the command line's, then VS Code's on Linux, macOS and Windows.
LOCATIONS = (
    *(
        f"{home}/{files}"
        for home in ("~/.copilot", "$COPILOT_HOME")
        for files in ("session-state/*/events.jsonl", "session-state/*.jsonl", "history-session-state/*.json")
    ),
    *(
        f"{place}/{name}/User/{folder}/*.json{form}"
        for place in _VSCODE
        for name in ("Code", "Code - Insiders", "VSCodium")
        for folder in ("workspaceStorage/*/chatSessions", "globalStorage/emptyWindowChatSessions")
        for form in ("", "l")
    ),
)
_TOLD = frozenset(("id", "timestamp", "type", "text", "callId", "name", "arguments", "result"))
_SESSION_TOLD = ("sessionId", "startTime", "timeline", "chatMessages")
#: What ``workspace.yaml`` says on one line.
_SCALAR = re.compile(r"^(name|summary|user_named):[ \t]*(\S.*?)[ \t]*\r?$", re.MULTILINE)
_CALLS = ("tool_call_requested", "tool_call_completed")


def sniff(head: Head) -> bool:
    """Say whether this is one of Copilot's histories."""
    return head.is_object and _form(head) is not None


def _form(head: Head) -> str | None:
    keys = head.keys
    if {"sessionId", "startTime"} <= keys and not keys.isdisjoint(("timeline", "chatMessages")):
        return "session"
    if "requests" in keys and not keys.isdisjoint(copilot_vscode.SIGNS):
        return "chat"
    if keys == {"kind", "v"} and re.match(r'\{\s*"kind"\s*:\s*0\b', head.text) and _holds_chat(head.text):
        return "log"
    if any(copilot_events.is_event(value) for value in head.rows) or _begins_like_event(head):
        return "events"
    return None


def _holds_chat(text: str) -> bool:
    return '"requests"' in text or re.search(r'"v"\s*:\s*\{[^{}]*"(?:sessionId|creationDate)"', text) is not None


def _begins_like_event(head: Head) -> bool:
    """Whether a first event too long for the head has the keys and the type of one."""
    return not head.objects and head.keys >= {"type", "data"} and '"session.start"' in head.text[:200]


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation, and those of its sub-agents."""
    head = Head.of(source)
    form = _form(head)
    if form == "events":
        yield from _titled(source, copilot_events.read(source))
    elif form == "log":
        yield from copilot_vscode.read_log(source)
    else:
        yield from _read_document(source, copilot_vscode.read_chat if form == "chat" else _read_session)


def _titled(source: Source, records: Iterator[Record]) -> Iterator[Record]:
    """Yield a session's records, the session called as its user or Copilot named it in the file beside the events."""
    title = _workspace_title(source)
    for record in records:
        if title and isinstance(record, ConversationDraft) and not record.title and not record.parent:
            yield record._replace(title=title)
        else:
            yield record


def _workspace_title(source: Source) -> str | None:
    """Return the name that a user gave, else the summary, which may be the first prompt over many lines: no title."""
    told = dict(_SCALAR.findall(text_beside(source, "workspace.yaml", HEAD_BYTES)))
    name = told.get("name") if told.get("user_named") == "true" else told.get("summary")
    return name.strip().strip("'\"").strip() or None if name and name[0] not in "|>" else None


def _read_document(source: Source, reader: Any) -> Iterator[Record]:
    try:
        value = document(source)
    except BROKEN_JSON as error:
        yield misshapen("document", error, "not valid JSON")
        return
    if isinstance(value, dict):
        yield from reader(source, value)
    else:
        yield Problem("document", "not a session of Copilot's")


def _read_session(source: Source, session: Mapping[str, Any]) -> Iterator[Record]:
    """Yield a session of 2025: its timeline, which has ids and times; what the model was sent where that tells more."""
    timeline, sent = (build.listed(session.get(key)) for key in ("timeline", "chatMessages"))
    yield ConversationDraft(
        source_id=str(session.get("sessionId") or source.stem),
        created_at=instant(session.get("startTime")),
        metadata=build.rest(session, _SESSION_TOLD),
    )
    told = _turns(timeline, "type", "text", "copilot")
    if timeline and all(map(operator.ge, told, _turns(sent, "role", "content", "assistant"))):
        yield from _timeline(timeline)
        if sent:
            yield LeftOut("chatMessages (the timeline tells the same)", len(sent))
    else:
        yield from _sent(sent)
        if timeline:
            yield LeftOut("timeline (chatMessages tell more)", len(timeline))


def _turns(entries: list[Any], speaker: str, words: str, answers: str) -> tuple[int, int]:
    """Return how many entries are words of the user, and how many of the model."""
    spoken = [entry.get(speaker) for entry in entries if isinstance(entry, dict) and entry.get(words)]
    return spoken.count("user"), spoken.count(answers)


def _timeline(entries: list[Any]) -> Iterator[Record]:
    completed = {_call_id(entry) for entry in entries if _kind(entry) == "tool_call_completed"}
    last, repeated, used = None, 0, Counter[str]()
    for number, entry in enumerate(entries, 1):
        if _kind(entry) == "tool_call_requested" and _call_id(entry) in completed:
            repeated += 1
            continue
        try:
            made = _entry(entry, last, ids.numbered(str(entry.get("id") or f"timeline-{number}"), used))
        except MALFORMED:
            yield Problem(f"timeline {number}", "not an entry of the shape that Copilot writes")
            continue
        yield made
        last = made.source_id
    if repeated:
        yield LeftOut("tool_call_requested (completed later)", repeated)


def _kind(entry: Any) -> Any:
    return build.mapping(entry).get("type")


def _call_id(entry: Mapping[str, Any]) -> str:
    return str(entry.get("callId"))


def _entry(entry: Mapping[str, Any], parent: str | None, name: str) -> MessageDraft:
    kind, text = entry["type"], build.string(entry.get("text") or "")
    facts = build.rest(entry, _TOLD, (None, ""))
    is_note = kind not in ("user", "copilot", *_CALLS)
    if is_note:
        facts["hidden_reason"] = str(kind) or "unknown"
    return MessageDraft(
        role="user" if kind == "user" else "assistant",
        text=text,
        parts=tuple(_call(entry)) if kind in _CALLS else None,
        created_at=instant(entry.get("timestamp")),
        source_id=name,
        parent=parent,
        hidden=is_note,
        metadata=facts,
    )


def _call(entry: Mapping[str, Any]) -> Iterator[Part]:
    """Yield a tool call and, once it is completed, its result."""
    if entry.get("text"):
        yield build.text(entry["text"])
    yield build.tool_call(entry.get("callId"), entry.get("name"), build.parsed(entry.get("arguments")))
    result = entry.get("result")
    if isinstance(result, dict):
        failed = result.get("type") in ("failure", "error", "rejected", "denied")
        response = result["log"] if result.keys() <= {"type", "log"} and "log" in result else result
        yield build.tool_result(entry.get("callId"), response, is_error=failed, status=result.get("type"))
    elif result is not None:
        yield build.tool_result(entry.get("callId"), result)


def _sent(values: list[Any]) -> Iterator[Record]:
    chain, calls = ids.Chain(), Calls()
    for number, value in enumerate(values, 1):
        try:
            yield chain.link(openai_message(value, calls))
        except MALFORMED:
            yield Problem(f"chatMessages {number}", "not a message of OpenAI's shape")
