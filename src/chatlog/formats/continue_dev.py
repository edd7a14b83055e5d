"""Continue's sessions: one JSON document each in ``~/.continue/sessions/``, of its extensions and its command line.

What a message says is `continue_items`' matter.  Nothing in a session has a time but when a thought began; when the
session itself began stands in the ``sessions.json`` beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.beside import beside
from chatlog.formats.build import Row
from chatlog.formats.continue_items import Known, Made, known, messages, summarised, thought
from chatlog.formats.records import misshapen, recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

#: Where the files are found, on every platform.
LOCATIONS = ("~/.continue/sessions/*.json", "$CONTINUE_GLOBAL_DIR/sessions/*.json")

_INDEX = "sessions.json"
_UNTITLED = frozenset({"New Session", "Untitled Session"})
_SESSION_TOLD = frozenset({"sessionId", "title", "workspaceDirectory", "history", "dateCreated", "chatModelTitle"})


def sniff(head: Head) -> bool:
    """Say whether this is a session of Continue."""
    is_session = head.is_object and head.keys >= {"sessionId", "history"}
    return is_session and not head.keys.isdisjoint(("workspaceDirectory", "chatModelTitle"))


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation, its messages, and what was left out of it."""
    session, problems = recovered(source, "history")
    if not isinstance(session, dict) or not isinstance(session.get("history"), list):
        yield Problem("", "not a session of Continue")
        return
    found = _History()
    found.read(session["history"])
    if found.messages:
        yield _conversation(session, source, found)
        yield from found.messages
    elif not problems and not found.problems:
        yield LeftOut("sessions without messages", 1)
    yield from problems
    yield from found.problems
    yield from build.left_out(found.counts)


@dataclass(slots=True)
class _History:
    """The messages of a session, each linked to the one before."""

    messages: list[MessageDraft] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    thoughts: list[Part] = field(default_factory=list)
    key: str | None = None
    last: str | None = None

    def read(self, history: list[Any]) -> None:
        """Read every item; thoughts, which stand before the answer that they led to, become part of it."""
        calls = known(history)
        for number, item in enumerate(history, 1):
            try:
                self._take(item, calls)
            except MALFORMED as error:
                self.problems.append(misshapen(f"message {number}", error))
        self._settle()

    def _take(self, item: Row, calls: Known) -> None:
        role = item["message"]["role"]
        if role == "thinking":
            self.thoughts += thought(item, self.counts)
            return
        if role != "assistant":
            self._settle()
        made = list(messages(item, tuple(self.thoughts), calls, self.counts))
        self.thoughts.clear()
        for one in made:
            self._link(one)
        summary = summarised(item)
        if summary is not None:  # has an id of its own, so that what follows keeps its own when a summary is made later
            name = ids.numbered(ids.derived_id(self.key, summary), self.used)
            self._keep(summary, name)

    def _settle(self) -> None:
        """Keep thoughts that no answer followed as a message of their own."""
        thoughts, self.thoughts = tuple(self.thoughts), []
        if thoughts:
            self._link(Made(MessageDraft(role="assistant", parts=thoughts), None))

    def _link(self, made: Made) -> None:
        """Keep a message; its id comes of those before and of what it is known by, else of what it says."""
        draft, mark = made
        key = ids.content_id(self.key, draft.role, None, mark) if mark else ids.derived_id(self.key, draft)
        self.key = ids.numbered(key, self.used)
        self._keep(draft, self.key)

    def _keep(self, draft: MessageDraft, name: str) -> None:
        self.messages.append(draft._replace(source_id=name, parent=self.last))
        self.last = name


def _conversation(session: Row, source: Source, found: _History) -> ConversationDraft:
    name = build.word(session.get("sessionId")) or source.stem
    listed = _listed(source, name)
    title = build.word(session.get("title")) or build.word(listed.get("title"))
    folder = build.word(session.get("workspaceDirectory")) or build.word(listed.get("workspaceDirectory"))
    model = build.word(session.get("chatModelTitle"))
    return ConversationDraft(
        source_id=name,
        title=None if title in _UNTITLED else title,
        created_at=instant(session.get("dateCreated")) or instant(listed.get("dateCreated")),
        model=model or build.last_model(found.messages),
        project=build.local_path(folder) or folder if folder else None,
        head=found.last,
        metadata=build.compact(session, _SESSION_TOLD),
    )


def _listed(source: Source, name: str) -> Row:
    """Return what the list of sessions beside this one says of it."""
    held = build.listed(beside(source, _INDEX))
    return next((row for row in held if isinstance(row, dict) and row.get("sessionId") == name), {})
