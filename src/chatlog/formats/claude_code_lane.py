"""One conversation of a Claude Code file while it streams by: the session's, or one sub-agent's.

Merges the entries of one model response and puts messages in order behind each other.  It holds
one response and what came in between, and otherwise only ids; which entry belongs to which lane
is not decided here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chatlog import timespec
from chatlog.formats import build, ids
from chatlog.formats.claude_code_content import View, fingerprint, parts_of, result_facts, shown
from chatlog.formats.claude_code_links import Entry, Links
from chatlog.models import ConversationDraft, MessageDraft, Part, joined_text
from chatlog.titles import INTERRUPTED

Drafts = Sequence[ConversationDraft | MessageDraft]

#: Messages held back behind an unfinished response before it is let go all the same.
HELD = 1000

_SYNTHETIC = "<synthetic>"
_CHATLOG_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_STRUCTURE = frozenset(
    {"type", "subtype", "level", "message", "content", "attachment", "rendered", "toolUseResult", "timestamp"}
    | {"uuid", "parentUuid", "logicalParentUuid", "sourceToolAssistantUUID", "parent_tool_use_id"}
    | {"sessionId", "session_id", "isSidechain", "agentId", "userType", "entrypoint", "slug", "version"}
    | {"cwd", "gitBranch", "teamName", "forkedFrom"}
)
_RESPONSE_STRUCTURE = frozenset(("role", "type", "content", "model", "usage", "id"))


@dataclass(slots=True)
class Response:
    """A model response in the making: the entries of one message id so far."""

    message_id: str | None
    request_id: str | None
    source_id: str
    parent: str | None
    created_at: str | None
    model: str | None
    parts: list[Part]
    metadata: dict[str, Any]

    def continues(self, entry: Entry) -> bool:
        """Whether an entry belongs to this response."""
        request = entry.get("requestId")
        same_request = request == self.request_id or request is None or self.request_id is None
        return self.message_id is not None and self.message_id == entry["message"].get("id") and same_request

    def absorb(self, entry: Entry, parts: list[Part]) -> None:
        """Add a further entry; the usage that counts is the one with the most output."""
        found = response_facts(entry)
        if _output(found.get("usage")) < _output(self.metadata.get("usage")):
            found.pop("usage", None)
        self.parts += parts
        self.metadata.update(found)

    def finished(self, conversation: str) -> MessageDraft:
        """Return the message; what no model wrote, such as the text of an API error, is hidden."""
        text, kept = build.said(self.parts)
        no_answer = self.model == _SYNTHETIC or bool(self.metadata.get("isApiErrorMessage"))
        if no_answer:
            self.metadata |= {"hidden_reason": "synthetic", "model": self.model}
        return MessageDraft(
            role="assistant",
            text=text,
            parts=kept,
            model=None if no_answer else self.model,
            created_at=self.created_at,
            source_id=self.source_id,
            parent=self.parent,
            conversation=conversation,
            hidden=no_answer,
            metadata=self.metadata,
        )


def _output(usage: object) -> int:
    count = build.mapping(usage).get("output_tokens")
    return count if isinstance(count, int) else -1


def facts(entry: Entry) -> dict[str, Any]:
    """Return what an entry says beside its message and its place in the tree."""
    return build.compact(entry, _STRUCTURE)


def response_facts(entry: Entry) -> dict[str, Any]:
    """Return the facts of a model response, its usage and its message id among them."""
    message = entry["message"]
    found = facts(entry) | build.compact(message, _RESPONSE_STRUCTURE)
    if message.get("id"):
        found["message_id"] = message["id"]
    if message.get("usage"):
        found["usage"] = message["usage"]
    return found


@dataclass(slots=True)
class Queued:
    """Words typed while the model was busy; `sent` once they were handed to it mid-turn."""

    entry: Entry
    parts: list[Part]
    words: str
    sent: bool = False

    def is_in(self, view: View) -> bool:
        """Whether a message says these words: all of it, or some lines of it."""
        if view.role != "user":
            return False
        said = joined_text(view.parts) if view.parts else view.text
        return self.words == view.text.strip() or f"\n{self.words}\n" in f"\n{said}\n"


def _instant(value: object) -> str | None:
    """Return a time in chatlog's form, which these files nearly always have."""
    if not isinstance(value, str) or not _CHATLOG_TIME.fullmatch(value):
        return timespec.instant(value)
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None
    return value


@dataclass(slots=True)
class Lane:
    """A conversation's state; `above` is the lane it was spawned from."""

    source_id: str
    parent: str | None = None
    above: Lane | None = None
    project: str | None = None
    branch: str | None = None
    model: str | None = None
    begun: str | None = None
    latest: str | None = None
    head: str | None = None
    opened: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    repeated_words: int = 0
    links: Links = field(default_factory=Links)
    prints: dict[str, int] = field(default_factory=dict)
    queue: list[Queued] = field(default_factory=list)
    attached: Counter[str] = field(default_factory=Counter)
    held: list[MessageDraft] = field(default_factory=list)
    response: Response | None = None

    def _note(self, entry: Entry) -> None:
        self.project = self.project or build.word(entry.get("cwd"))
        self.branch = self.branch or build.word(entry.get("gitBranch"))
        forked = entry.get("forkedFrom")
        if self.parent is None and isinstance(forked, dict) and forked.get("sessionId") != self.source_id:
            self.parent = build.word(forked.get("sessionId"))
        for key in ("version", "slug", "entrypoint", "agentId", "teamName"):
            if value := entry.get(key):
                self.metadata[key] = value

    def pass_over(self, entry: Entry) -> None:
        """Remember an entry that is no message; a printed stream names its folder in none but the first."""
        self.links.pass_over(entry)
        if entry.get("subtype") == "init":
            self._note(entry)

    def is_repeat(self, entry: Entry, content: object) -> bool:
        """Whether a message was read before: the same uuid with the same words."""
        uuid = entry.get("uuid")
        if not isinstance(uuid, str):
            return False
        mark = fingerprint(content)
        if self.prints.setdefault(uuid, mark) != mark or uuid not in self.links.ids:
            return False
        self.head = self.links.ids[uuid] or self.head
        return True

    def add(self, entry: Entry, view: View) -> None:
        """Accept a message that is no model response."""
        self._note(entry)
        metadata = self._message_facts(entry, view)
        results = [part["id"] for part in view.parts or () if part["type"] == "tool_call_response"]
        prompt = not results and view.hidden_reason != "compact_summary"
        answered = [call for call in results if isinstance(call, str)]
        base = self.links.base(entry, prompt=prompt, answered=answered)
        source_id = self._name(entry, view, base)
        parent = self.links.add_result(base, source_id) if results else self.links.end(base)
        self._unqueue(entry, view)
        self._accept(entry, self._draft(view, source_id, parent, self._time(entry), metadata))

    def _unqueue(self, entry: Entry, view: View) -> None:
        """Forget queued words that have come up as a message of their own."""
        told = [words for words in self.queue if words.is_in(view)]
        self.repeated_words += len(told)
        self.queue = [words for words in self.queue if words not in told]
        if entry.get("type") == "attachment" and not any(words.sent for words in told):
            self.attached.update([str(words.entry["content"]) for words in told] or [view.text])

    def add_response(self, entry: Entry) -> Drafts:
        """Accept an entry of a model response; return what the one before was holding back."""
        parts = parts_of(entry["message"].get("content"))
        ready: Drafts = ()
        if self.response is None or not self.response.continues(entry):
            response = self._begin(entry, parts)
            ready = self.flush()
            self.response = response
            self.links.last = response.source_id
        else:
            self.response.absorb(entry, parts)
            self._time(entry)
        self._register(entry, self.response.source_id, parts)
        return ready

    def _begin(self, entry: Entry, parts: list[Part]) -> Response:
        self._note(entry)
        message = entry["message"]
        model = build.word(message.get("model"))
        if model != _SYNTHETIC:
            self.model = model or self.model
        view = View("assistant", joined_text(parts), tuple(parts))
        metadata = {**self._change_of_place(entry), **response_facts(entry)}
        parent = self._sent_words(self.links.after_results(self.links.base(entry)))
        return Response(
            message_id=message.get("id"),
            request_id=entry.get("requestId"),
            source_id=self._name(entry, view, parent),
            parent=self._first_follows(parent),
            created_at=self._time(entry),
            model=model,
            parts=parts,
            metadata=metadata,
        )

    def _register(self, entry: Entry, source_id: str, parts: list[Part]) -> None:
        self._know(entry, source_id)
        for part in parts:
            if part["type"] == "tool_call" and isinstance(part["id"], str):
                self.links.calls[part["id"]] = source_id
        self.head = source_id

    def _message_facts(self, entry: Entry, view: View) -> dict[str, Any]:
        metadata = {**self._change_of_place(entry), **facts(entry), **result_facts(entry)}
        if view.hidden_reason:
            metadata["hidden_reason"] = view.hidden_reason
        elif view.text.startswith(INTERRUPTED):
            metadata["interrupted"] = True
        if isinstance(plan := metadata.get("planContent"), str) and plan in view.text:
            del metadata["planContent"]
        return metadata

    def _draft(
        self, view: View, source_id: str, parent: str | None, moment: str | None, metadata: dict[str, Any]
    ) -> MessageDraft:
        return MessageDraft(
            role=view.role,
            text=view.text,
            parts=view.parts,
            created_at=moment,
            source_id=source_id,
            parent=self._first_follows(parent),
            conversation=self.source_id,
            hidden=view.hidden_reason is not None,
            metadata=metadata,
        )

    def _first_follows(self, parent: str | None) -> str | None:
        return self.links.outside if parent is None and self.links.last is None else parent

    def _change_of_place(self, entry: Entry) -> dict[str, Any]:
        """Return the folder and branch where they differ from the conversation's, and a parent not in this file."""
        found: dict[str, Any] = {}
        if (cwd := entry.get("cwd")) and cwd != self.project:
            found["cwd"] = cwd
        if (branch := entry.get("gitBranch")) and branch != self.branch:
            found["gitBranch"] = branch
        uuid = entry.get("parentUuid")
        if uuid and uuid not in self.links.ids:
            found["parentUuid"] = uuid
        return found

    def _time(self, entry: Entry) -> str | None:
        moment = _instant(entry.get("timestamp"))
        if moment is not None:
            self.begun = min(self.begun or moment, moment)
            self.latest = max(self.latest or moment, moment)
        return moment

    def _name(self, entry: Entry, view: View, parent: str | None) -> str:
        """Return a message's id: the entry's uuid, or one derived where that is missing or taken."""
        name = build.word(entry.get("uuid"))
        if name is None:
            name = ids.derived_id(parent, MessageDraft(role=view.role, text=view.text, parts=view.parts))
        source_id, number = name, 2
        while source_id in self.links.ids:
            source_id, number = f"{name}#{number}", number + 1
        return source_id

    def _know(self, entry: Entry, source_id: str) -> None:
        self.links.ids[source_id] = source_id
        if uuid := build.word(entry.get("uuid")):
            self.links.ids[uuid] = source_id

    def _accept(self, entry: Entry, draft: MessageDraft) -> None:
        self._know(entry, draft.source_id or "")
        self.links.last = draft.source_id
        if entry.get("type") != "system":
            self.head = draft.source_id
        self.held.append(draft)

    def queue_up(self, entry: Entry) -> None:
        """Remember words typed while the model was busy."""
        parts = parts_of(entry.get("content"))
        self.queue.append(Queued(entry, parts, joined_text(parts).strip()))

    def hand_over(self, entry: Entry) -> None:
        """Mark queued words as given to the model in the middle of its turn."""
        words = entry.get("content")
        waiting = [queued for queued in self.queue if not queued.sent]
        meant = [queued for queued in waiting if queued.entry.get("content") == words]
        if not meant and self.attached[str(words)]:  # since 2.1.241 the attachment that says them stands before
            self.attached[str(words)] -= 1
            return
        if words and not waiting:  # they were typed before this file begins
            self.queue_up(entry)
            waiting = self.queue[-1:]
        for queued in (meant or waiting)[:1]:
            queued.sent = True

    def _sent_words(self, base: str | None) -> str | None:
        """Accept the words handed over since, that no entry repeats, behind `base`; return the last one's id."""
        sent = [queued for queued in self.queue if queued.sent]
        for queued in sent:
            base = self._accept_words(queued, base, None)
        self.queue = [queued for queued in self.queue if not queued.sent]
        return base

    def _accept_words(self, queued: Queued, base: str | None, unsent: str | None) -> str | None:
        text, reason = shown(joined_text(queued.parts))
        view = View("user", text, build.kept(queued.parts, text), reason or unsent)
        name = {"uuid": f"queue-{queued.entry.get('timestamp')}"}
        source_id, head = self._name(name, view, base), self.head
        metadata = self._message_facts(queued.entry, view)
        self._accept(name, self._draft(view, source_id, base, self._time(queued.entry), metadata))
        if unsent:
            self.head = head
        return source_id

    def flush(self) -> Drafts:
        """Return the finished response and what was held back behind it."""
        if self.response is None and not self.held:
            return ()
        ready: list[ConversationDraft | MessageDraft] = [*self.open()]
        if self.response is not None:
            ready.append(self.response.finished(self.source_id))
            self.response = None
        ready += self.held
        self.held = []
        return ready

    def let_go(self) -> Drafts:
        """Return what need not wait: with no response in the making, or behind one that never ends."""
        return self.flush() if self.response is None or len(self.held) > HELD else ()

    def open(self) -> list[ConversationDraft]:
        """Announce the conversation, the one above first where it has messages, unless it has been."""
        if self.opened:
            return []
        self.opened = True
        above = self.above.open() if self.above is not None and self.above.links.last is not None else []
        return [*above, self.conversation()._replace(head=None)]

    def close(self) -> Drafts:
        """Return what is left: queued words that never came up again, and the held messages."""
        base = self._sent_words(self.links.last)
        for queued in self.queue:
            base = self._accept_words(queued, base, "queued")
        self.queue = []
        return self.flush()

    def conversation(self) -> ConversationDraft:
        """Return the conversation as far as it is known."""
        return ConversationDraft(
            source_id=self.source_id,
            created_at=self.begun,
            updated_at=self.latest,
            model=self.model,
            project=self.project,
            parent=self.parent,
            head=self.links.after_results(self.head or self.links.last),
            metadata={**self.metadata, **({"gitBranch": self.branch} if self.branch else {})},
        )
