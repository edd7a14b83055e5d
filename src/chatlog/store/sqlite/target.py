"""What an import knows of a conversation while it brings a batch of messages into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chatlog.store.sqlite.here import Said
from chatlog.store.sqlite.identity import Identity


@dataclass(slots=True)
class Target:
    """A conversation as the batch finds and leaves it."""

    key: int
    id: str
    is_new: bool
    title: str | None
    title_by: str
    last_seq: int
    head: int | None
    updated_at: str
    revision: int
    known: dict[Identity, tuple[int, bytes, int]] = field(default_factory=dict)  # → seq, sha256, body
    buried: frozenset[str] = frozenset()
    inherited: dict[Said, int] = field(default_factory=dict)  # → body in the parent's prefix
    told_before: frozenset[str] = frozenset()
    stored_head: int | None = None
    roots: set[Identity] = field(default_factory=set)  # of `known`, those that follow nothing here
    placed: int = 0
    replaced: int = 0
    grafted: bool = False
    last_time: str = ""
    newest: str = ""
    begun: str | None = None  # when the oldest message of a source here was said, once it is asked
    told: str = ""  # when the newest of the batch's messages was said, new or not
    is_newer: bool = False  # by its own account
    is_held: bool = False

    def renumber(self, moved: Mapping[int, int]) -> None:
        """Note that messages have other seqs now."""
        self.known = {name: (moved.get(place[0], place[0]), *place[1:]) for name, place in self.known.items()}
        self.head = moved.get(self.head or 0, self.head)
        self.stored_head = moved.get(self.stored_head or 0, self.stored_head)
        self.last_seq = max(moved.values())
        self.replaced += len(moved)
        self.grafted = True
