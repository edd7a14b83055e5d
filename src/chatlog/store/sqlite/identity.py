"""What an incoming message is known by, which of a batch belong together, and whose facts count.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chatlog.models import FULL_OUTPUT, ConversationDraft, MessageDraft, Part
from chatlog.store.sqlite import bodies

#: Ids that a reader derived from content begin so: equal ones in two conversations are no copies of each other.
DERIVED = "h-"
#: A source id, or the seq that an export of ours gave.
Identity = str | int


def grouped(
    records: Iterable[ConversationDraft | MessageDraft],
) -> Iterable[tuple[ConversationDraft, list[MessageDraft]]]:
    """Return each conversation's header and messages, in order; of several headers the newest, or the last of them."""
    headers: dict[str | None, ConversationDraft] = {}
    drafts: dict[str | None, list[MessageDraft]] = {}
    name: str | None = None
    for record in records:
        if isinstance(record, ConversationDraft):
            name = record.id or record.source_id
            if not _is_before(record, headers.get(name)):
                headers[name] = record
            drafts.setdefault(name, [])
        else:
            name = record.conversation if record.conversation is not None else name
            drafts.setdefault(name, []).append(record)
    return [(headers.get(name) or ConversationDraft(source_id=name), found) for name, found in drafts.items()]


def _is_before(draft: ConversationDraft, other: ConversationDraft | None) -> bool:
    """Whether a header says of itself that it is older than another."""
    return draft.updated_at is not None and other is not None and draft.updated_at < (other.updated_at or "")


def last_versions(drafts: Sequence[MessageDraft]) -> Iterable[MessageDraft]:
    """Return each message once: at the place where it came first, as it came last, unless that was cut short.

    What it follows counts as soon as it is told.
    """
    found: dict[Identity, MessageDraft] = {}
    for number, draft in enumerate(drafts, 1):
        name = identity(draft) or -number
        before = found.get(name)
        if before is None or before.role != draft.role or not is_beginning(draft.all_parts(), before.all_parts()):
            found[name] = draft
        elif before.parent is None:
            found[name] = before._replace(parent=draft.parent)
    return found.values()


def parents_first(drafts: Iterable[MessageDraft]) -> Iterable[MessageDraft]:
    """Return messages in their order, except that none comes before its parent."""
    drafts = list(drafts)
    named = {name: draft for draft in drafts if (name := identity(draft)) is not None}
    seen: set[int] = set()
    ordered: list[MessageDraft] = []
    for draft in drafts:
        line: list[MessageDraft] = []
        step: MessageDraft | None = draft
        while step is not None and id(step) not in seen:
            seen.add(id(step))
            line.append(step)
            step = None if step.parent is None else named.get(step.parent)
        ordered += reversed(line)
    return ordered


def is_beginning(parts: Sequence[Part], stored: Sequence[Part]) -> bool:
    """Whether parts say nothing that the stored ones do not begin with, as a snapshot taken while they grew does."""
    if not parts or len(parts) > len(stored):
        return not parts
    *whole, last = parts
    other = stored[len(whole)]
    return is_same(whole, stored[: len(whole)]) and (_is_same(last, other) or _is_cut(last, other))


def is_same(parts: Sequence[Part], stored: Sequence[Part]) -> bool:
    """Whether parts are the stored ones, perhaps without outputs of tools whose files their program has removed."""
    return len(parts) == len(stored) and all(map(_is_same, parts, stored))


def _is_same(part: Part, stored: Part) -> bool:
    return part == stored or part == {name: value for name, value in stored.items() if name != FULL_OUTPUT}


def _is_cut(part: Part, stored: Part) -> bool:
    """Whether a part of text or reasoning is the beginning of another."""
    said, all_said = part.get("content"), stored.get("content")
    if part.get("type") not in ("text", "reasoning") or not (isinstance(said, str) and isinstance(all_said, str)):
        return False
    return all_said.startswith(said) and all(stored.get(name) == part[name] for name in part if name != "content")


def identity(draft: MessageDraft) -> Identity | None:
    """Return what the message is known by: its source id, or the seq an export of ours gave it; perhaps nothing."""
    return draft.source_id if draft.source_id is not None else draft.seq


def is_unique(name: str) -> bool:
    """Whether a source id is one in all conversations; a number says where in its own a message is."""
    return not name.startswith(DERIVED) and not name.isdigit()


def nameless(seq: int) -> str:
    """Return the name by which a tombstone knows a message that has no source id."""
    return f"#{seq}"


def origin(conversation: str, name: Identity | None) -> tuple[int, str] | None:
    """Return the seq and the beginning of the hash in a name that `diverged` gave; None for any other name."""
    if not isinstance(name, str) or not name.startswith(conversation):
        return None
    parts = name.split(":")
    return (int(parts[1]), parts[2]) if len(parts) == 3 and parts[0] == conversation and parts[1].isdecimal() else None


def diverged(conversation: str, draft: MessageDraft) -> str | None:
    """Return the source id of a message that stands where ours has another."""
    if draft.source_id is not None or draft.seq is None:
        return None
    return f"{conversation}:{draft.seq}:{bodies.hash_of(draft).hex()[:16]}"


def completed(stored: Mapping[str, Any], found: Mapping[str, Any], *, is_newer: bool) -> dict[str, Any]:
    """Return a conversation's metadata with what a source says of it now.

    A newer account wins, of two of one time the larger number; an older one only adds what is missing.  So the
    same sources in the same order end where they ended before.
    """
    merged = dict(stored)
    for name, value in found.items():
        kept = merged.get(name)
        if isinstance(kept, dict) and isinstance(value, Mapping):
            merged[name] = completed(kept, value, is_newer=is_newer)
        elif name not in merged or is_newer:
            merged[name] = value
        elif _is_number(kept) and _is_number(value):
            merged[name] = max(kept, value)
    return merged


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
