"""Conversations whose messages name the one that each answers: the tree that they make, and its active end.

No format's knowledge lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from chatlog.formats import MALFORMED
from chatlog.formats.records import misshapen
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record


class Tree(NamedTuple):
    """The messages of a conversation, parents before children, and what is none."""

    messages: list[MessageDraft]
    problems: list[Problem]

    def records(self, draft: ConversationDraft, leaf: Any = None) -> Iterator[Record]:
        """Yield a conversation, its messages, and it again with its active end: `leaf` if here, else the newest."""
        yield draft
        yield from self.messages
        yield from self.problems
        if self.messages:
            is_here = any(message.source_id == leaf for message in self.messages)
            yield draft._replace(head=leaf if is_here else newest_leaf(self.messages))


def grown(
    parents: Mapping[str, str | None],
    make: Callable[[str, str | None, str | None], MessageDraft | None],
    place: Callable[[str], str],
    fault: str,
) -> Tree:
    """Return the tree of nodes, of which `make` makes the message of one, given the node and the message above it.

    What follows a node of no message, or one that is malformed, follows the message above that.
    """
    tree = Tree([], [])
    above: dict[str | None, str | None] = {None: None}
    for key, parent in preorder(parents):
        above[key] = above[parent]
        try:
            made = make(key, parent, above[parent])
        except MALFORMED as error:
            tree.problems.append(misshapen(place(key), error, fault))
            continue
        if made is not None:
            tree.messages.append(made)
            above[key] = key
    return tree


def preorder(parents: Mapping[str, str | None]) -> list[tuple[str, str | None]]:
    """Return each id with its parent, parents before children and a branch before the next one.

    Siblings keep the order of `parents`.  A parent that is not there counts as none, and so does
    one link of every circle.
    """
    children: dict[str | None, list[str]] = {}
    for key, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(key)
    ordered: list[tuple[str, str | None]] = []
    seen: set[str] = set()
    for start in (*children.get(None, ()), *parents):
        stack: list[tuple[str, str | None]] = [(start, None)]
        while stack:
            key, parent = stack.pop()
            if key not in seen:
                seen.add(key)
                ordered.append((key, parent))
                stack.extend((child, key) for child in reversed(children.get(key, ())))
    return ordered


def without_empty(
    parents: Mapping[str, str | None], drafts: Mapping[str, MessageDraft], root: str | None
) -> tuple[list[MessageDraft], dict[str | None, str | None]]:
    """Return a tree's messages that say something, parents first, and for each id the one that stands in its place.

    What follows an empty message follows what that one followed, the first ones `root`.
    """
    kept: list[MessageDraft] = []
    standing: dict[str | None, str | None] = {None: root}
    for key, parent in preorder(parents):
        draft = drafts[key]
        standing[key] = key if draft.text or draft.parts else standing[parent]
        if standing[key] == key:
            kept.append(draft._replace(source_id=key, parent=standing[parent]))
    return kept, standing


def newest_leaf(drafts: Iterable[MessageDraft]) -> str | None:
    """Return the id of the latest message that none follows; of several at one time, the last."""
    messages = list(drafts)
    parents = {message.parent for message in messages}
    leaves = [(message.created_at or "", at) for at, message in enumerate(messages) if message.source_id not in parents]
    return messages[max(leaves)[1]].source_id if leaves else None
