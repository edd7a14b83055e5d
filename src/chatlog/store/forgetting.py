"""What a store does to forget, whatever engine keeps it: the trash, removal, policies, holds, the audit trail.

Everything is done in short transactions, so that no writer waits for long; what is interrupted is gone on
with by the next call.  What is on legal hold is left alone by all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from chatlog.models import Conversation, Filters

#: Whether to stop early, asked between two transactions.
Stop = Callable[[], bool]
#: A chore that notes a redaction whose old words may still be in the file.
REDACTION = "redact"
#: A message: its conversation's id and its seq.
Ref = tuple[str, int]


class AuditLine(NamedTuple):
    """Who did what to how many and when."""

    id: int
    user: str
    at: str
    action: str
    conversations: int
    messages: int
    bytes: int
    detail: Mapping[str, Any]


class StoredPolicy(NamedTuple):
    """A retention rule as it was added."""

    name: str
    rule: Mapping[str, Any]
    created_at: str


class Cause(NamedTuple):
    """Why something is done, for the audit trail: the verb, and facts about it that are nobody's words."""

    action: str
    detail: Mapping[str, Any] = {}


class Removed(NamedTuple):
    """What is gone; `finished` is false where the work was stopped before its end, `left` what had changed."""

    conversations: int = 0
    messages: int = 0
    bytes: int = 0
    finished: bool = True
    left: tuple[str, ...] = ()


class Forgetting(Protocol):
    """The forgetting of one user's conversations."""

    def find(self, ref: str) -> Conversation:
        """Return the conversation of an id, prefix or ``@N``, in whatever state it is."""

    def every(self, filters: Filters) -> Iterator[Conversation]:
        """Yield the conversations that the filters let through, in the order they came."""

    def due(self, trashed_before: str) -> list[Conversation]:
        """Return the conversations that have expired, and those in the trash since before a time."""

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the bytes of words in conversations that no other conversation shares."""

    def message_sizes(self, refs: Sequence[Ref]) -> dict[Ref, int]:
        """Return the bytes of words in messages.  Raises NotFoundError for one that is not there."""

    def size(self) -> tuple[int, int]:
        """Return the bytes of the file, and of what in it is in use."""

    def weight(self) -> int:
        """Return the bytes of all words in the file, everybody's."""

    def sharing(self, ids: Sequence[str], refs: Sequence[Ref]) -> list[Ref]:
        """Return the messages of other conversations that are the same as messages in these."""

    def words(self, ids: Sequence[str], refs: Sequence[Ref], *, shared: bool = True) -> Iterator[str]:
        """Yield what is said in conversations, around them and in messages; `shared`: also by other conversations."""

    def still_said(self, phrases: Sequence[bytes], *, by_anyone: bool) -> set[bytes]:
        """Return which of some phrases stand somewhere in the user's history, or in anyone's."""

    # forgetting

    def alone(self) -> AbstractContextManager[bool]:
        """Be the only one in the file that prunes or erases; the context's value says whether it worked."""

    def trash(self, items: Sequence[tuple[str, int]], cause: Cause) -> list[str]:
        """Move conversations, where they are still at these revisions, to the trash; return the ids of those moved."""

    def archive(self, items: Sequence[tuple[str, int]], cause: Cause) -> list[str]:
        """Archive conversations, where they are still at these revisions; return the ids of those that were."""

    def remove(
        self, ids: Sequence[str], cause: Cause, *, stop: Stop, revisions: Mapping[str, int] | None = None
    ) -> Removed:
        """Remove conversations for good, with what is left of earlier removals that did not come to their end.

        They stay away on re-import.  One with a revision goes only where it is still at that.
        """

    def take_out(self, refs: Sequence[Ref], cause: Cause) -> Removed:
        """Remove messages for good; what followed one follows what it followed."""

    def forget_user(self, cause: Cause) -> None:
        """Remove what a user has beside conversations: memories, policies and what is known of imported files."""

    def hold(self, conversation: str, reason: str | None) -> Conversation:
        """Put a conversation under legal hold, or with None end the hold."""

    # the file

    def tidy(self, stop: Stop) -> bool:
        """Take what was removed out of the index and give free pages back; whether all of it was done."""

    def fold(self) -> bool:
        """Empty the write-ahead log into the file; whether it was possible, or a reader holds an old state."""

    def vacuum(self) -> tuple[int, int]:
        """Write the file anew without its gaps; return its size before and after.  Raises StorageFullError."""

    def files(self) -> list[Path]:
        """Return the files that hold the store's bytes."""

    def copies(self) -> list[Path]:
        """Return the copies of the file that chatlog made, as far as it knows."""

    # work to be gone on with, policies, audit

    def begin_chore(self, names: Sequence[str]) -> None:
        """Note work that is to be gone on with if it is interrupted."""

    def chores(self) -> list[str]:
        """Return the noted work."""

    def end_chores(self, names: Sequence[str]) -> None:
        """Forget work that was noted: it is done."""

    def policies(self) -> list[StoredPolicy]:
        """Return the user's retention rules by name."""

    def add_policy(self, name: str, rule: Mapping[str, Any]) -> None:
        """Keep a retention rule.  Raises ConflictError where there is one of that name."""

    def remove_policy(self, name: str) -> None:
        """Drop a retention rule.  Raises NotFoundError."""

    def audit(self, limit: int) -> list[AuditLine]:
        """Return the last lines of the audit trail, the latest first."""

    def users(self) -> list[str]:
        """Return everybody who has conversations in the file."""
