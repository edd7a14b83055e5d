"""Memories: JSON values under keys, apart from any conversation; one that has expired is not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from chatlog.errors import UsageError
from chatlog.models import checked_tag, several

MAX_KEY_CHARS = 500
NEVER = "never"


class Memory(NamedTuple):
    """Something to remember.  Times are ISO-8601 UTC with milliseconds."""

    user: str
    namespace: str
    key: str
    value: Any
    tags: tuple[str, ...]
    created_at: str
    updated_at: str
    expires_at: str | None

    def record(self) -> dict[str, Any]:
        """Return the machine form."""
        return {**self._asdict(), "tags": list(self.tags)}


class MemoryDraft(NamedTuple):
    """What is to be remembered; tags and a time that are None stay as they are, the time `NEVER` lifts it."""

    key: str
    value: Any
    namespace: str = ""
    tags: tuple[str, ...] | None = None
    expires_at: str | None = None


class Memories(Protocol):
    """One user's memories."""

    def set(self, draft: MemoryDraft) -> Memory:
        """Remember a value, in place of what the key stood for, and return it; an equal one writes nothing.

        Raises UsageError for a key or value that cannot be kept.
        """

    def get(self, key: str, namespace: str = "") -> Memory:
        """Return a memory.  Raises NotFoundError."""

    def all(self, namespace: str | None = None, tags: Sequence[str] = ()) -> Iterator[Memory]:
        """Yield the memories of a namespace, or of all, that carry all of the tags, by namespace and key."""

    def delete(self, places: Sequence[tuple[str, str]]) -> int:
        """Forget the memories of some (namespace, key); return how many were there."""


def checked(draft: MemoryDraft) -> MemoryDraft:
    """Return the draft.  Raises UsageError for a key, namespace or tag that is none."""
    for what, name in (("key", draft.key), ("namespace", draft.namespace)):
        if not name.isprintable() or len(name) > MAX_KEY_CHARS or (what == "key" and not name.strip()):
            raise UsageError(f"'{name[:40]}' is not a {what}", f"up to {MAX_KEY_CHARS} printable characters")
    for tag in several(draft.tags or (), "tags"):
        checked_tag(tag)
    return draft
