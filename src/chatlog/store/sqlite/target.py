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
    stored_head: int | None = None
    stored_seq: int = 0  # `last_seq` before the batch
    parents: dict[Identity, int | None] = field(default_factory=dict)  # of `known` before the batch → seq of the parent
    hidden: set[Identity] = field(default_factory=set)  # of `known`, those that are hidden
    placed: int = 0  # messages appended
    replaced: int = 0  # messages with another body or seq
    grafted: bool = False
    last_time: str = ""  # when the message placed last was said
    newest: str = ""  # when the newest message that was placed was said
    begun: str | None = None  # when the oldest message of a source here was said, once it is asked
    newest_in_batch: str = ""  # when the newest of the batch's messages was said, new or not
    is_newer: bool = False  # whether the source says it is newer than what is here
    is_held: bool = False  # under legal hold

    def renumber(self, moved: Mapping[int, int]) -> None:
        """Note that messages have other seqs now."""
        self.known = {name: (moved.get(place[0], place[0]), *place[1:]) for name, place in self.known.items()}
        self.parents = {name: moved.get(seq or 0, seq) for name, seq in self.parents.items()}
        self.head = moved.get(self.head or 0, self.head)
        self.stored_head = moved.get(self.stored_head or 0, self.stored_head)
        self.last_seq = max(moved.values())
        self.replaced += len(moved)
        self.grafted = True
