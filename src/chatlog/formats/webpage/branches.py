"""Where the versions of a conversation part: its active path, and beside it the threads that were left.

Knows only numbers and their parents, not a word of what was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tree:
    """The messages of a conversation by number: the path that is active, and what follows each one elsewhere."""

    parents: Mapping[int, int | None]
    path: frozenset[int]
    others: dict[int | None, list[int]] = field(default_factory=dict)

    def thread(self, start: int) -> Iterator[tuple[int, int | None]]:
        """Yield each message below `start`, itself first, and the one it answers where that is not the one before.

        A thread goes on with the last of several answers; the earlier ones follow at its end.
        """
        before: int | None = None
        stack = [start]
        while stack:
            at = stack.pop()
            parent = self.parents[at]
            yield at, None if before is None or parent == before else parent
            before = at
            stack.extend(self.others.get(at, ()))


def tree(parents: Mapping[int, int | None], head: int | None) -> Tree:
    """Return the tree of messages whose parents come before them; without a head, the last message is it."""
    path, at = set[int](), head if head in parents else max(parents, default=None)
    while at is not None and at not in path:
        path.add(at)
        at = parents.get(at)
    found = Tree(parents, frozenset(path))
    for seq, parent in parents.items():
        if seq not in path:
            found.others.setdefault(parent if parent in parents else None, []).append(seq)
    return found
