"""What a ``{"role", "content", …}`` message says beside its content: who, when, which model, the rest.

Shared by the formats whose messages look like that.  It reads no content and no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chatlog.formats.build import are_results, rest, said
from chatlog.models import ROLES, MessageDraft, Part
from chatlog.timespec import instant

#: Names that data sets and older interfaces give to the roles.
ALIASES = {"function": "tool", "human": "user", "ai": "assistant", "bot": "assistant", "model": "assistant"}
_TIMES = ("created_at", "createdAt", "timestamp", "created", "ts", "time", "session_start", "started_at")


class UnreadableError(ValueError):
    """A message not of the shape its form has; the sentence never holds the source's words."""


def role_of(value: Mapping[str, Any]) -> str:
    """Return the message's role in chatlog's words.  Raises UnreadableError for one not known."""
    role = value.get("role")
    known = ALIASES.get(role, role) if isinstance(role, str) else None
    if known not in ROLES:
        raise UnreadableError("a message whose role is not known")
    return str(known)


def draft(value: Mapping[str, Any], role: str, parts: Iterable[Part], content_keys: frozenset[str]) -> MessageDraft:
    """Return the draft of a message: its parts as given, its facts from the other keys.

    `content_keys` are those the parts already tell; what is left over becomes metadata.  A user's
    message of nothing but tool results is the tool's.
    """
    held = tuple(parts)
    if role == "user" and are_results(held):
        role = "tool"
    shown, kept = said(held)
    return text_draft(value, role, shown, content_keys, kept)


def text_draft(
    value: Mapping[str, Any],
    role: str,
    text: str,
    content_keys: frozenset[str],
    parts: tuple[Part, ...] | None = None,
) -> MessageDraft:
    """Return the draft of a message whose text is known, and its parts where that is not all."""
    facts = rest(value, content_keys)
    facts.pop("role", None)
    if not facts:
        return MessageDraft(role=role, text=text, parts=parts)
    return MessageDraft(
        role=role,
        text=text,
        parts=parts,
        author=take_text(facts, "name") or take_text(facts, "author"),
        model=take_text(facts, "model"),
        created_at=time_of(facts),
        source_id=own_id(facts),
        metadata=facts,
    )


def take_text(facts: dict[str, Any], key: str) -> str | None:
    """Return the text under a key, and take it out; None where there is none."""
    return facts.pop(key) if isinstance(facts.get(key), str) else None


def time_of(facts: dict[str, Any]) -> str | None:
    """Return the instant under the first key that holds one, and take it out."""
    for key in _TIMES:
        if key in facts and (moment := instant(facts[key])) is not None:
            del facts[key]
            return moment
    return None


def own_id(facts: dict[str, Any]) -> str | None:
    """Return the source's own id as text, and take it out."""
    if isinstance(facts.get("id"), (str, int)) and not isinstance(facts["id"], bool):
        return str(facts.pop("id"))
    return None
