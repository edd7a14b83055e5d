"""Summaries: what ranges of a conversation's turns came down to.

A summary says what it covers and how it was made; a later one supersedes it, nothing overwrites it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chatlog.models import Message

#: `rolling` tells what happened, `facts` what must be kept, `resume` what a pause was about.
KINDS = ("rolling", "facts", "resume")
#: The text of one of turns that say nothing.
NOTHING = "(nothing worth keeping was said)"


class Summary(NamedTuple):
    """A stored summary of the turns `from_seq` to `to_seq`."""

    id: int
    kind: str
    from_seq: int
    to_seq: int
    text: str
    tokens: int | None
    method: str
    created_at: str
    superseded: bool


class SummaryDraft(NamedTuple):
    """A summary on its way in.

    `after` is the id of the summary it extends, None for a first one; `turns` are the messages it was made of beside
    that: the write is refused where they are no longer so.
    """

    kind: str
    from_seq: int
    to_seq: int
    text: str
    tokens: int
    method: str
    after: int | None
    turns: Sequence[Message]


class Summaries(Protocol):
    """The summaries of one user's conversations."""

    def latest(self, conversation: str) -> dict[str, Summary]:
        """Return the summary in force of each kind: the one that reaches furthest on the active path."""

    def all(self, conversation: str) -> list[Summary]:
        """Return every summary, the superseded ones too, oldest first."""

    def add(self, conversation: str, drafts: Sequence[SummaryDraft]) -> list[Summary]:
        """Store summaries at once, each superseding the one it extends.

        Raises ConflictError where another one was first, or where the turns changed meanwhile.
        """
