"""Codex's sessions: the rollouts of all generations, below ``~/.codex`` on every system or in ``$CODEX_HOME``.

A rollout is JSONL of lines with a payload (since September 2025), of bare items (since summer 2025) or
one document before; ``codex exec --json`` is `codex_exec`'s.  Which line is what `codex_rollout` knows,
how a thread comes together `codex_thread`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.formats import MALFORMED, Head, codex_exec
from chatlog.formats.codex_history import lines_with_history
from chatlog.formats.codex_rollout import FIRST_KEYS, Rollout
from chatlog.formats.jsonstream import BROKEN_JSON, Line, items, leading, sound
from chatlog.formats.source import Source
from chatlog.models import LeftOut, Problem, Record

_FOLDERS = ("~/.codex", "$CODEX_HOME")
#: Where the files are found, below the user's profile on Windows too.
LOCATIONS = tuple(
    f"{folder}/{place}"
    for folder in _FOLDERS
    for place in (
        "sessions/**/rollout-*.jsonl",
        "sessions/**/rollout-*.jsonl.zst",
        "archived_sessions/rollout-*.jsonl",
        "archived_sessions/rollout-*.jsonl.zst",
        "sessions/rollout-*.json",
    )
)
_LINES = frozenset(("session_meta", "turn_context", "response_item", "event_msg", "compacted", "world_state"))
_LINE = re.compile(r'"type"\s*:\s*"(?:session_meta|turn_context|response_item|event_msg|compacted|world_state)"')
_DOCUMENT = {"session", "items"}
_SESSION = re.compile(r'\{\s*"session"\s*:\s*')


def sniff(head: Head) -> bool:
    """Say whether this is a rollout of any generation, or what ``codex exec --json`` prints."""
    if not head.is_object:
        return False
    if head.keys == _DOCUMENT:
        return re.match(_SESSION.pattern + r'\{[^{}]*"(?:id|timestamp)"', head.text) is not None
    if any(_is_line(value) or codex_exec.is_event(value) for value in head.objects[:50]):
        return True
    if {"id", "timestamp", "instructions"} <= head.keys <= FIRST_KEYS:
        return True
    return not head.objects and {"timestamp", "type"} <= head.keys and _LINE.search(head.text[:500]) is not None


def _is_line(value: Mapping[str, Any]) -> bool:
    kind, payload = str(value.get("type")), value.get("payload")
    if kind not in _LINES or not isinstance(payload, dict):
        return False
    return "timestamp" in value or (kind == "session_meta" and {"id", "timestamp"} <= payload.keys())


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation with its messages, then what was left out."""
    head = Head.of(source)
    if any(map(codex_exec.is_event, head.objects[:50])):
        yield from codex_exec.read(source)
        return
    rollout = Rollout(source)
    for line in _entries(source, head, rollout):
        if isinstance(line, (Problem, LeftOut)):
            yield line
            continue
        try:
            rollout.feed(line.value)
        except MALFORMED:
            yield Problem(line.place, "not a line of the shape that Codex writes")
        if rollout.thread.ready:
            yield from rollout.taken()
    yield from rollout.close()


def _entries(source: Source, head: Head, rollout: Rollout) -> Iterator[Line | Problem | LeftOut]:
    """Yield the lines of a rollout, or the items of the document it once was."""
    if head.keys != _DOCUMENT:
        yield from lines_with_history(source)
        return
    start = _SESSION.match(head.text)
    try:
        session, _ = leading(sound(head.text), start.end() if start else 0)
        rollout.first(session, None)
    except (*BROKEN_JSON, *MALFORMED):
        yield Problem("session", "not a session of the shape that Codex writes")
    yield from items(source, "items")
