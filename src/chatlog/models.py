"""The nouns: conversations, messages, and what readers and filters say about them.

Named tuples, and pure functions on them: a frozen dataclass takes a millisecond to make at each start, and four times
as long to fill and to copy.  Nothing here touches a file, a clock or a terminal.
"""

from __future__ import annotations

import base64
import json
import os
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from chatlog.errors import UsageError, choices_hint

Role = Literal["system", "developer", "user", "assistant", "tool"]
ROLES: tuple[str, ...] = get_args(Role)
Importance = Literal["keep", "summarize", "discard"]
IMPORTANCES: tuple[str, ...] = get_args(Importance)

Several = TypeVar("Several")

#: A part of a message, after the OpenTelemetry GenAI message schema: ``text`` and
#: ``reasoning`` {content}, ``tool_call`` {id, name, arguments}, ``tool_call_response``
#: {id, response, is_error}, ``blob`` {mime_type, content}, ``file`` {file_id, name},
#: ``uri`` {uri}.  Any other type is kept as it came.
Part = dict[str, Any]

#: Scripts without blanks between words: Han, Kana, Hangul, Thai, Lao, Myanmar and Khmer.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
#: Letters that are written one for another, each as it is searched.
FOLDED = {
    **dict.fromkeys("أإآٱ", "ا"), "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه",
    "ß": "ss", "ẞ": "ss", "ı": "i", "ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "æ": "ae", "Æ": "ae",
    "œ": "oe", "Œ": "oe",
}  # fmt: skip


class Conversation(NamedTuple):
    """A stored conversation.  Times are ISO-8601 UTC with milliseconds."""

    id: str
    user: str
    title: str | None
    source: str | None
    source_id: str | None
    parent: str | None
    forked_at: int | None
    model: str | None
    project: str | None
    created_at: str
    updated_at: str
    pinned: bool
    archived: bool
    hold: str | None
    deleted_at: str | None
    expires_at: str | None
    tags: tuple[str, ...]
    messages: int
    tokens: int | None
    head: int | None
    revision: int
    state: Mapping[str, Any]
    metadata: Mapping[str, Any]


class Message(NamedTuple):
    """A stored message; `parts` is None where `text` is all of it."""

    conversation: str
    seq: int
    parent: int | None
    role: str
    author: str | None
    text: str
    parts: tuple[Part, ...] | None
    model: str | None
    created_at: str
    tokens: int | None
    sha256: str
    source_id: str | None
    key: str | None
    hidden: bool
    importance: str | None
    metadata: Mapping[str, Any]

    @property
    def ref(self) -> str:
        """The message's reference, ``CONV:SEQ``."""
        return f"{self.conversation}:{self.seq}"

    def all_parts(self) -> tuple[Part, ...]:
        """Return the parts, `text` as the only one where none are kept."""
        return self.parts if self.parts is not None else text_parts(self.text)


#: What is known of something by default; read only.
_NOTHING: Mapping[str, Any] = {}


class ConversationDraft(NamedTuple):
    """What a reader or a caller knows of a conversation; a later draft of the same id completes it.

    `source_id` is the id in the source, `parent` the source id of the conversation this one
    was forked or spawned from, `head` the source id of the active leaf.  `id` is the caller's own,
    where it has one; `revision` and `forked_at` come only from chatlog's own exports.
    """

    source_id: str | None = None
    title: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    model: str | None = None
    project: str | None = None
    parent: str | None = None
    forked_at: int | None = None
    head: str | int | None = None
    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()
    expires_at: str | None = None
    state: Mapping[str, Any] = _NOTHING
    metadata: Mapping[str, Any] = _NOTHING
    id: str | None = None
    source: str | None = None
    revision: int | None = None
    deleted_at: str | None = None
    hold: str | None = None


class MessageDraft(NamedTuple):
    """A message on its way in.

    `parent` is the source id (str) or seq (int) of the message it follows, None for a root;
    `conversation` the source id of its conversation, None for the last one announced.  That one, `seq`
    and `tokens` are an import's: `Store.add` and `Store.new` number and count anew.
    """

    role: str
    text: str = ""
    parts: tuple[Part, ...] | None = None
    author: str | None = None
    model: str | None = None
    created_at: str | None = None
    source_id: str | None = None
    seq: int | None = None
    parent: str | int | None = None
    conversation: str | None = None
    key: str | None = None
    hidden: bool = False
    importance: str | None = None
    tokens: int | None = None
    metadata: Mapping[str, Any] = _NOTHING

    def all_parts(self) -> tuple[Part, ...]:
        """Return the parts, `text` as the only one where there are none."""
        return self.parts if self.parts is not None else text_parts(self.text)


class TitleHint(NamedTuple):
    """A title for whichever conversation holds the message `message_id` (Claude Code summaries)."""

    message_id: str
    title: str


class Problem(NamedTuple):
    """Something in a source that could not be read: where and why, never the text."""

    place: str
    reason: str


class Unfinished(Problem):
    """The last line of a file that is still being written: no fault, and complete the next time."""

    __slots__ = ()


class LeftOut(NamedTuple):
    """Entries of a source that are knowingly not imported, by kind, for the report."""

    what: str
    entries: int


class Extra(NamedTuple):
    """A line of chatlog JSONL beside conversations and messages: a summary, memory or tombstone."""

    kind: Literal["summary", "memory", "tombstone"]
    values: Mapping[str, Any]


#: What a format's reader yields.
Record = ConversationDraft | MessageDraft | TitleHint | Problem | LeftOut | Extra


class Filters(NamedTuple):
    """Which conversations (and messages) a verb is about; `since` and `until` are UTC instants.

    What any field of one of `excluded` lets through is left out: roles, models, authors, sources, projects and titles.
    """

    tags: tuple[str, ...] = ()
    no_tags: tuple[str, ...] = ()
    source: str | None = None
    model: str | None = None
    role: str | None = None
    author: str | None = None
    title: tuple[str, ...] = ()
    project: str | None = None
    since: str | None = None
    until: str | None = None
    pinned: bool | None = None
    archived: bool | None = None
    deleted: bool = False
    any_state: bool = False  # also what is in the trash or has expired
    min_messages: int | None = None
    max_messages: int | None = None
    ids: tuple[str, ...] | None = None
    begins: str | None = None  # the first characters of the id
    before: int | None = None  # only the messages with lower numbers
    excluded: tuple[Filters, ...] = ()


class Page(NamedTuple):
    """Some conversations of a longer list, and the cursor that continues it.

    `lost` names those of which something cannot be read, where it was asked for all that can be.
    """

    items: tuple[Conversation, ...]
    total: int
    next_cursor: str | None
    lost: tuple[str, ...] = ()


class Term(NamedTuple):
    """Something to find: a word, or with `phrase` a run of words; `prefix` matches longer words too."""

    text: str
    phrase: bool = False
    prefix: bool = False


class Hit(NamedTuple):
    """A message that matched; a higher `score` is better."""

    message: Message
    title: str | None
    score: float


class Ingested(NamedTuple):
    """What a batch of records did: messages by outcome, the ids of the conversations they are in.

    `orphans` are source ids of conversations whose parent is not here yet.
    """

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    orphans: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


class Check(NamedTuple):
    """One verification of the file's health: what was found, and what mends it where it is not sound."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def is_symbol(char: str) -> bool:
    """Whether a character is an emoji or a symbol like one: those can be searched for, what any font has (©, °) not."""
    return char >= "\u2000" and unicodedata.category(char) == "So"


def new_id() -> str:
    """Return a random 128-bit id in lower-case base32 (26 characters)."""
    return base64.b32encode(os.urandom(16)).decode("ascii").rstrip("=").lower()


def text_parts(text: str) -> tuple[Part, ...]:
    """Return the parts of a message that is only text."""
    return ({"type": "text", "content": text},)


def joined_text(parts: Iterable[Part]) -> str:
    """Return what a person reads of some parts: the text parts, a blank line between them."""
    said = (part.get("content") for part in parts if part.get("type") == "text")
    return "\n\n".join(words for words in said if words and isinstance(words, str))


def as_text(value: Any) -> str:
    """Return a text as it is, and any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def is_well_formed(part: Part) -> bool:
    """Whether the content of a text part is a string; a part of another type may hold anything."""
    return part.get("type") != "text" or isinstance(part.get("content"), str)


#: The key of the whole output of a tool, in an answer that says how it begins; a model never was given it.
FULL_OUTPUT = "full_output"
#: Keys of parts whose strings are no words.
NO_WORDS = frozenset({"type", "id", "signature", "mime_type", "media_type", "data", "file_id"})


def other_strings(parts: Iterable[Part]) -> list[str]:
    """Return the words in parts that are not text: tool calls and results, reasoning, attachments."""
    found: list[str] = []
    stack: list[Any] = [part for part in parts if part.get("type") not in ("text", "blob")]
    stack.reverse()
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, Mapping):
            stack.extend(reversed([item for key, item in value.items() if key not in NO_WORDS]))
        elif isinstance(value, (list, tuple)):
            stack.extend(reversed(value))
    return found


#: The fields of a message, beside its own words, that are kept as text.
_TEXTS = ("author", "model", "source_id", "key")


def check_text(name: str, value: object) -> None:
    """Raise UsageError for what is neither text nor None: a database would keep it, and nobody could read it back."""
    if value is not None and not isinstance(value, str):
        raise UsageError(f"the {name} is not a text", "give a str, or None")


def several(values: Iterable[Several], what: str) -> Iterable[Several]:
    """Return several values.  Raises UsageError for a single text, which would be taken for its letters."""
    if isinstance(values, (str, bytes)):
        raise UsageError(f"{what} are given as several, even one of them", "give a list or a tuple")
    return values


def checked_message(draft: MessageDraft) -> MessageDraft:
    """Return the draft, with the words of its parts as its text where it has none.

    Raises UsageError for what is no draft, an unknown role or importance, what is no text or part, or a message without
    content.
    """
    if not isinstance(draft, MessageDraft):
        raise UsageError("messages are given as several drafts, even one of them", "such as [MessageDraft(role, text)]")
    if draft.role not in ROLES:
        raise UsageError(f"'{draft.role}' is not a role", choices_hint(str(draft.role), ROLES))
    if draft.importance is not None and draft.importance not in IMPORTANCES:
        raise UsageError(f"'{draft.importance}' is not an importance", choices_hint(str(draft.importance), IMPORTANCES))
    if not isinstance(draft.text, str):
        raise UsageError("the text of a message is a string", "anything else goes into its parts")
    for name in _TEXTS:
        check_text(name, getattr(draft, name))
    if not all(isinstance(part, Mapping) for part in draft.parts or ()):
        raise UsageError("the parts of a message are JSON objects", 'such as {"type": "text", "content": "hello"}')
    if not all(map(is_well_formed, draft.parts or ())):
        raise UsageError("the content of a text part is a string", "anything else goes into a part of another type")
    if not draft.text and not draft.parts:
        raise UsageError("a message needs text or parts", "write the text, or - to read it from stdin")
    return draft if draft.text else draft._replace(text=joined_text(draft.parts or ()))


def checked_tag(tag: str) -> str:
    """Return a tag.  Raises UsageError for one with blanks, commas, a leading sign, or none at all."""
    if not tag or not tag.isprintable() or " " in tag or "," in tag or tag[0] in "+-" or len(tag) > 100:
        raise UsageError(f"'{tag[:40]}' is not a tag", "a tag is one word without blanks and commas")
    return tag


def parse_ref(text: str) -> tuple[str, int | None]:
    """Split ``CONV`` or ``CONV:SEQ`` into its two parts.

    Raises UsageError for anything else.
    """
    if ":" not in text and text:
        return text, None
    conversation, _, seq = text.partition(":")
    if not conversation or not seq.isdecimal() or len(seq) > 18:
        raise UsageError(f"'{text}' is not a conversation or message", "write an id, @last, @2, or CONV:SEQ")
    return conversation, int(seq)


def short_ref(ref: str) -> str:
    """Return as much of ``CONV`` or ``CONV:SEQ`` as people type."""
    conversation, colon, seq = ref.partition(":")
    return f"{conversation[:8]}{colon}{seq}"
