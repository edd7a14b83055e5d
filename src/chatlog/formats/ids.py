"""Names for messages and conversations that have none in their source: the same for the same history, told again.

A message is called by what it says and what stands before it, a conversation by its opening.  No format's knowledge
lives here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from chatlog.canonical import content_hash
from chatlog.models import ConversationDraft, MessageDraft, Part, Record

#: A pattern of the ids that many programs give.
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: So many messages are looked at for the first that was typed.
_OPENING_MESSAGES = 100


class Chain:
    """Links the messages of a source that has no ids.

    Each message's id is a hash of its content and of the message before, so that the same
    history gives the same ids again, a longer one adds to them, and a changed one branches.
    """

    def __init__(self) -> None:
        self._last: dict[str | None, str] = {}

    def link(self, draft: MessageDraft) -> MessageDraft:
        """Return the draft with its parent and, where it has none, its id."""
        parent = self._last.get(draft.conversation)
        linked = draft._replace(parent=parent, source_id=draft.source_id or derived_id(parent, draft))
        self._last[draft.conversation] = linked.source_id or ""
        return linked

    def note(self, draft: MessageDraft) -> MessageDraft:
        """Remember a draft that has its own id and parent as the last one; return it."""
        if draft.source_id:
            self._last[draft.conversation] = draft.source_id
        return draft


def derived_id(parent: str | int | None, draft: MessageDraft) -> str:
    """Return an id from a message's content and its parent's id."""
    return content_id(parent, draft.role, draft.parts, draft.text)


def content_id(parent: str | int | None, role: str, parts: tuple[Part, ...] | None, text: str) -> str:
    """Return the id that a message of that content derives from its parent's, before there is a draft of it."""
    content = content_hash(role, parts or None, text)
    return "h-" + hashlib.sha256(str(parent).encode("utf-8", "surrogatepass") + b"\0" + content).hexdigest()[:32]


def digest(text: str) -> str:
    """Return a text's SHA-256 in hexadecimal; a name takes as much of it as it needs."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hashed(*said: str) -> str:
    """Return the id of what has none: a hash of some texts that tell it from others."""
    return "h-" + digest("\0".join(said))[:32]


def numbered(name: str, used: Counter[str], mark: str = "#") -> str:
    """Return a name, with a number behind it where it was `used` before; note the use."""
    used[name] += 1
    return name if used[name] == 1 else f"{name}{mark}{used[name]}"


def dated(drafts: Iterable[MessageDraft]) -> Iterator[MessageDraft]:
    """Yield messages one behind the other, where those before one may be gone from a later export.

    Each has an id from its time, role and words.
    """
    last: str | None = None
    used: Counter[str] = Counter()
    for draft in drafts:
        name = f"{draft.created_at}-{draft.role}-{digest(draft.text)[:8]}"
        last, before = numbered(name, used), last
        yield draft._replace(source_id=last, parent=before)


def derived_conversation_id(drafts: Iterable[MessageDraft]) -> str:
    """Return an id for a conversation without one: a hash of all of its messages."""
    told = hashlib.sha256()
    for draft in drafts:
        told.update(content_hash(draft.role, draft.parts or None, draft.text))
    return "h-" + told.hexdigest()[:32]


def opening(drafts: Iterable[MessageDraft]) -> list[MessageDraft]:
    """Return the messages through the first that a person typed; the first alone where none was.

    They stay what they are while a conversation goes on, and tell it from others that the same
    application began with the same instructions.
    """
    begun: list[MessageDraft] = []
    for draft in islice(drafts, _OPENING_MESSAGES):
        begun.append(draft)
        if is_prompt(draft):
            return begun
    return begun[:1]


def is_prompt(draft: MessageDraft) -> bool:
    """Whether a person typed this, rather than an application in a person's name."""
    return draft.role == "user" and not draft.hidden


def opening_id(drafts: Iterable[MessageDraft]) -> str:
    """Return the id that a conversation without one derives from its `opening`."""
    name: str | None = None
    for draft in opening(drafts):
        name = derived_id(name, draft)
    return name or "h-"


class Opening:
    """Holds the first messages of a conversation that is read message by message, until they name it."""

    def __init__(self) -> None:
        self.held: list[MessageDraft] = []
        self.is_over = False

    def hold(self, draft: MessageDraft) -> None:
        """Keep a message; the opening is over with the first that was typed."""
        self.held.append(draft)
        self.is_over = is_prompt(draft) or len(self.held) == _OPENING_MESSAGES


def announced(records: Iterator[Record], conversation: Callable[[str], ConversationDraft]) -> Iterator[Record]:
    """Yield the `conversation` called by the opening of its messages, before the records that they are among."""
    before, begun = list[Record](), Opening()
    for record in records:
        before.append(record)
        if isinstance(record, MessageDraft):
            begun.hold(record)
            if begun.is_over:
                break
    if begun.held:
        yield conversation(opening_id(begun.held))
    yield from before
    yield from records
