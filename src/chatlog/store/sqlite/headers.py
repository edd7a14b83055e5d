"""What a source says of a conversation itself, beside its messages: its head, title, model; and whether that counts."""

from __future__ import annotations

import json

from chatlog.canonical import canonical_json
from chatlog.models import ConversationDraft
from chatlog.store.sqlite import conversations, existing
from chatlog.store.sqlite.connection import Connection
from chatlog.store.sqlite.identity import completed
from chatlog.store.sqlite.target import Target


def wanted_head(connection: Connection, target: Target, draft: ConversationDraft, *, is_moved: bool) -> int | None:
    """Return the seq of the leaf that the source shows, None where the head stays as it is.

    A source may name its head after all of its messages, in a batch of its own; an older state of the conversation,
    which another file may hold, does not take the head back.
    """
    is_older = draft.updated_at is not None and draft.updated_at < target.updated_at
    says_so = draft.head is not None and draft.id is None and not is_older
    if not (target.placed or says_so) or _is_continued(connection, target, draft, is_moved=is_moved):
        return None
    wanted = target.last_seq if draft.head is None else target.known.get(draft.head, (None,))[0]
    return None if wanted in (None, target.head) or _is_behind(connection, target, draft) else wanted


def _is_behind(connection: Connection, target: Target, draft: ConversationDraft) -> bool:
    """Whether a source's state of a conversation is older than the newest message here that another one brought."""
    newest = max(draft.updated_at or "", target.newest_in_batch)
    if target.is_coming or draft.id is not None or not newest:
        return False
    return newest < existing.newest_time(connection, target.key)


def _is_continued(connection: Connection, target: Target, draft: ConversationDraft, *, is_moved: bool) -> bool:
    """Whether the owner has gone on from here, so that the head is theirs to move."""
    if target.is_new or target.stored_head is None:
        return False
    if draft.id is not None:
        return is_moved
    return existing.is_added(connection, target.key, target.stored_head)


def changes(connection: Connection, target: Target, draft: ConversationDraft) -> dict[str, str | bool | None]:
    """Return the columns of an existing conversation, or of a new one once it has messages, that change."""
    title, model, project, parent, created, metadata, redacted = connection.execute(
        "SELECT title, model, project, parent, created_at, metadata, redacted FROM conversations WHERE key = ?",
        (target.key,),
    ).fetchone()
    found: dict[str, str | bool | None] = {**_title(connection, target, draft, title, is_redacted=bool(redacted))}
    if draft.model not in (None, model) and (model is None or _goes_on(connection, target, draft, model)):
        found["model"] = draft.model
    once = (("project", project, draft.project), ("parent", parent, draft.parent))
    found |= {name: told for name, stored, told in once if stored is None and told is not None}
    begun = draft.created_at or target.oldest
    if begun < created:
        found["created_at"] = begun
    updated = draft.updated_at or target.newest
    if updated > target.updated_at:
        found["updated_at"] = updated
    if draft.metadata and not target.is_new and not redacted & conversations.REDACTED_IN_PLACE:
        merged = completed(json.loads(metadata), draft.metadata, is_newer=updated > target.updated_at)
        if (text := conversations.metadata_text(merged, allow_nan=True)) != metadata:
            found["metadata"] = text
    return found


def _title(
    connection: Connection, target: Target, draft: ConversationDraft, stored: str | None, *, is_redacted: bool
) -> dict[str, str | None]:
    """Return the title that a source gives, or that the text does, where it is another one."""
    is_others = target.title_by == "text" and draft.id is None  # the same words, and no longer made from the text
    is_new = draft.title and target.title_by != "owner" and (draft.title != stored or is_others)
    if is_new and (draft.updated_at is None or not _is_behind(connection, target, draft)):
        return {"title": draft.title, "title_by": "source"}
    if stored is None and target.title is not None:
        return {"title": target.title}
    if target.replaced and target.title_by == "text" and not is_redacted:
        return {"title": existing.title_of(connection, target.key) or stored}
    return {}


def marks(connection: Connection, target: Target, draft: ConversationDraft) -> dict[str, str | bool | None]:
    """Return the columns of what is told of a new conversation once and is its owner's from then on."""
    row = connection.execute(
        "SELECT pinned, archived, state FROM conversations WHERE key = ?", (target.key,)
    ).fetchone()
    told: tuple[str | bool, ...] = (
        draft.pinned,
        draft.archived,
        canonical_json(dict(draft.state)) if draft.state else "",
    )
    named = zip(("pinned", "archived", "state"), told, row, strict=True)
    return {name: value for name, value, stored in named if value and value != stored}


def _goes_on(connection: Connection, target: Target, draft: ConversationDraft, model: str) -> bool:
    """Whether a source goes on with another model than has answered so far; one that the owner set has not."""
    is_later = target.placed > 0 and not target.is_new and not _is_behind(connection, target, draft)
    return is_later and existing.has_answered(connection, target.key, model)
