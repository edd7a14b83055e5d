"""What a store does to redact, whatever engine keeps it: what is said, once each, and other words in its place.

Words are written once and never changed, so redacted ones are new and the old ones are deleted.  What is on
legal hold is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from chatlog.models import Conversation, MessageDraft


class Said(NamedTuple):
    """What messages say, with the conversations it stands in: forks share it.

    `handle` is good for `replace` as long as nobody else replaces it.
    """

    handle: int
    conversations: tuple[str, ...]
    draft: MessageDraft


#: Which table, and what in it.
Handle = tuple[str, int]
#: Other values for some of the fields of a conversation, or of what is noted; none where there is nothing to change.
Change = Callable[[Any], Mapping[str, Any]]


class Noted(NamedTuple):
    """What is said in the fields of a summary of a conversation, or of a memory, in no conversation."""

    handle: Handle
    conversation: str | None
    values: Mapping[str, Any]


class Redactions(Protocol):
    """The redaction of one user's words."""

    def conversations(self) -> list[Conversation]:
        """Return all conversations, those in the trash and expired ones too."""

    def said(self, conversations: Sequence[str]) -> Iterator[Said]:
        """Yield what is said in conversations, on all branches, hidden or not, each once."""

    def noted(self, conversations: Sequence[str], *, memories: bool) -> Iterator[Noted]:
        """Yield the summaries of conversations, and with `memories` the user's."""

    def replace(self, changes: Sequence[tuple[int, MessageDraft]]) -> Collection[str]:
        """Put other words in the place of some, wherever they stand; what was there does not come back by import.

        Return the conversations on hold: what stands in one is left alone.
        """

    def rewrite(self, conversation: str, change: Change) -> None:
        """Change what title, project, tags, state and metadata of a conversation are by now, unless it is on hold.

        An import keeps them so.
        """

    def renote(self, handles: Sequence[Handle], change: Change) -> None:
        """Change what summaries and memories say by now; a key that is taken gets a number."""

    def note_came_redacted(self, conversations: Sequence[str]) -> None:
        """Remember that conversations were redacted on their way in."""

    def any_came_redacted(self) -> bool:
        """Whether any conversation was."""

    def came_redacted(self, source: str, name: str, *, is_message: bool = False) -> bool:
        """Whether a conversation of a source was, by its id there or here, or by that of a message of it there."""

    def finish(self) -> bool:
        """Take what was replaced out of the file and its log; whether nothing kept that from being done."""
