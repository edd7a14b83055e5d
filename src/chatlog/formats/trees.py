"""Conversations whose messages name the one that each answers: the tree that they make, and its active end.

No format's knowledge lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from chatlog.formats import MALFORMED, build
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
            yield draft._replace(head=leaf if is_here else build.newest_leaf(self.messages))


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
    for key, parent in build.preorder(parents):
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
