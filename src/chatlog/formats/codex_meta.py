"""What a Codex rollout says of itself: which session it is, where it came from, what it is called.

Reads the session's facts, its file's name and the index of titles above it; knows no message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from chatlog.formats import build
from chatlog.formats.codex_thread import Thread
from chatlog.formats.ids import UUID
from chatlog.formats.jsonstream import BROKEN_JSON, decoded
from chatlog.formats.source import UNREADABLE, Source
from chatlog.models import ConversationDraft
from chatlog.timespec import instant

_FILE = re.compile(rf"rollout-.*?({UUID})$")
#: How the model is told its folder: by an element, in the first versions in a sentence.
_FOLDER = re.compile(r"<cwd>\s*([^<>\n]+?)\s*</cwd>|^Current working directory: (.+)$", re.MULTILINE)
#: Keys whose values have a place of their own, or are as long as a message.
_TOLD = frozenset(
    ("id", "timestamp", "cwd", "instructions", "base_instructions", "dynamic_tools", "source", "payload", "tools")
)
_TURN_FACTS = ("effort", "approval_policy")
#: Where the index of titles is, seen from the folder of a rollout.
_INDEXES = {"archived_sessions": "../session_index.jsonl", "sessions": "../../../../session_index.jsonl"}


class Meta:
    """The facts of one session as its file tells them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.facts: Mapping[str, Any] = {}
        self.inherited: list[str] = []
        self.turn_facts: dict[str, Any] = {}
        self.title: str | None = None
        self.folder: str | None = None
        self.window: Any = None

    @property
    def is_known(self) -> bool:
        """Whether the file says which session it is."""
        return bool(self.facts)

    def first(self, facts: Mapping[str, Any]) -> bool:
        """Take a session's facts; False where they are another's, or the same again."""
        if not isinstance(facts, Mapping):
            raise TypeError("facts that are no object")
        if not self.facts:
            self.facts = facts
            self.title = self._indexed()
            return True
        name = facts.get("id")
        if isinstance(name, str) and name != self.own:
            self.inherited.append(name)
        return False

    def turn(self, context: Mapping[str, Any]) -> None:
        """Take how the model is run from a turn's context."""
        self.turn_facts |= build.rest({key: context.get(key) for key in _TURN_FACTS})

    def is_at(self, cwd: str) -> bool:
        """Whether a folder is the session's own; the first one is, where it names none."""
        self.folder = self.folder or cwd
        return cwd == self.project

    def found_at(self, context: str) -> None:
        """Take the folder from what the model was told of its environment: older sessions name it nowhere else."""
        if found := _FOLDER.search(context):
            self.folder = self.folder or found[1] or found[2]

    @property
    def project(self) -> str | None:
        """The folder the session is in."""
        return build.word(self.facts.get("cwd")) or self.folder

    @property
    def own(self) -> str:
        """The session's id: as it says, else as its file is called."""
        if name := build.word(self.facts.get("id") or self.facts.get("session_id")):
            return name
        found = _FILE.search(self.source.stem)
        return found[1] if found else self.source.stem

    def names(self) -> tuple[str, str]:
        """Return the conversation's id, and that of the session its history began in."""
        return self.own, self.inherited[-1] if self.inherited else self.own

    def conversation(self, thread: Thread) -> ConversationDraft:
        """Return the conversation as far as it is known."""
        facts = self.facts
        source = facts.get("source")
        known = build.rest(facts, _TOLD)
        known |= self.turn_facts
        if source not in build.EMPTY:
            known["source"] = source
        if thread.usage.total:
            known["usage"] = thread.usage.total
        if self.window:
            known["model_context_window"] = self.window
        return ConversationDraft(
            source_id=self.own,
            title=self.title,
            created_at=instant(facts.get("timestamp")),
            model=thread.model,
            project=self.project,
            parent=self._parent(),
            head=thread.last,
            metadata=known,
        )

    def _parent(self) -> str | None:
        """Return the session this one was spawned by, forked from, or copied its history of."""
        named = [
            build.within(self.facts, "source", "subagent", "thread_spawn", "parent_thread_id"),
            self.facts.get("parent_thread_id"),
            self.facts.get("forked_from_id"),
            *self.inherited[:1],
        ]
        return next((name for name in map(build.word, named) if name and name != self.own), None)

    def _indexed(self) -> str | None:
        """Return the thread's name in the index that Codex keeps above its sessions; the last one counts."""
        parts = self.source.parts
        place = next((_INDEXES[name] for name in (*parts[-2:-1], *parts[-5:-4]) if name in _INDEXES), None)
        beside = self.source.sibling(place) if place else None
        if beside is None:
            return None
        mark, title = self.own.encode(), None
        with suppress(*UNREADABLE), beside.open() as stream:
            for line in stream:
                if mark in line:
                    title = _thread_name(line, self.own) or title
        return title


def _thread_name(line: bytes, own: str) -> str | None:
    try:
        entry = decoded(line.decode("utf-8", "replace"))
    except BROKEN_JSON:
        return None
    return build.word(entry.get("thread_name") if isinstance(entry, dict) and entry.get("id") == own else None)
