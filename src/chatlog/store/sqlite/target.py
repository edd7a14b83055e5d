"""What an import knows of a conversation while it brings a batch of messages into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chatlog.store.sqlite.existing import Said
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
    buried: frozenset[str] = frozenset()  # source ids of messages that were deleted for good
    inherited: dict[Said, int] = field(default_factory=dict)  # → body in the parent's prefix
    repeated: frozenset[str] = frozenset()  # source ids that other conversations hold, too
    is_coming: bool = False  # created by the import that the batch is of
    stored_head: int | None = None
    stored_seq: int = 0  # `last_seq` before the batch
    parents: dict[Identity, int | None] = field(default_factory=dict)  # of `known` before the batch → seq of the parent
    hidden: set[Identity] = field(default_factory=set)  # of `known`, those that are hidden
    metadata: dict[Identity, str | None] = field(default_factory=dict)  # of `known` before the batch
    placed: int = 0  # messages appended
    replaced: int = 0  # messages with another body or seq
    awaited: dict[int, str] = field(default_factory=dict)  # seq of a message → the parent that is not here
    moved: dict[int, int] = field(default_factory=dict)  # seqs that other ones took the place of
    grafted: bool = False
    last_time: str = ""  # when the message placed last was said
    newest: str = ""  # when the newest message that was placed was said
    oldest: str = "~"  # when the oldest message that was placed was said
    latest: str | None = None  # when the newest message of a source here before was said, once it is asked
    newest_in_batch: str = ""  # when the newest of the batch's messages was said, new or not
    is_newer: bool = False  # whether the source says it is newer than what is here
    is_held: bool = False  # under legal hold

    def now_at(self, seq: int) -> int:
        """Return the seq that a message has now."""
        while seq in self.moved:
            seq = self.moved[seq]
        return seq

    def renumber(self, moved: Mapping[int, int]) -> None:
        """Note that a message follows another one, and which messages have other seqs now."""
        self.moved |= moved
        self.known = {name: (moved.get(place[0], place[0]), *place[1:]) for name, place in self.known.items()}
        self.parents = {name: moved.get(seq or 0, seq) for name, seq in self.parents.items()}
        self.head = moved.get(self.head or 0, self.head)
        self.stored_head = moved.get(self.stored_head or 0, self.stored_head)
        self.last_seq = max([self.last_seq, *moved.values()])
        self.replaced += len(moved) or 1
        self.grafted = True
