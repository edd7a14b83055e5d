"""OpenAssistant's data: message trees, nested or flat, as the project publishes and exports them.

Every reply of a tree is a message, every ranking of answers a branch; the best path is active.
There is no standard place on disk: data sets lie where people download them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import MALFORMED, Head, build
from chatlog.formats.jsonstream import Line
from chatlog.formats.records import misshapen, read_each, records
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record
from chatlog.timespec import instant

_ROLES = {"prompter": "user", "assistant": "assistant", "user": "user"}
_ROLE = re.compile(r'"role"\s*:\s*"(?:prompter|assistant)"')
_ID_KEYS = ("message_id", "user_message_id")
_PARENT_KEYS = ("parent_id", "parent_message_id")
_TOLD = frozenset(
    (*_ID_KEYS, *_PARENT_KEYS, "text", "role", "replies", "model_name", "created_date", "message_tree_id")
)


def sniff(head: Head) -> bool:
    """Say whether a source that begins like this holds message trees or their messages."""
    keys = head.keys
    if {"message_tree_id", "prompt"} <= keys:
        return True
    is_message = {"text", "role"} <= keys and not keys.isdisjoint(("message_id", "user_message_id"))
    linked = not keys.isdisjoint((*_PARENT_KEYS, "replies", "message_tree_id"))
    return is_message and linked and _ROLE.search(head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield each tree's conversation, its messages, and the conversation again with its best answer."""
    flat = _Reading()

    def read_one(entry: Line) -> Iterator[Record]:
        return _nested(entry) if _is_nested(entry.value) else flat.take(entry.value, entry.place)

    yield from read_each(records(source), read_one, "not an OpenAssistant tree or message")
    yield from flat.close()


def _is_nested(value: Mapping[str, Any]) -> bool:
    return "prompt" in value or bool(value.get("replies")) or ("replies" in value and not _first(value, _PARENT_KEYS))


def _nested(entry: Line) -> Iterator[Record]:
    """Yield a tree that is all in one record."""
    value, one = entry.value, _Reading()
    facts = build.given(value, ("prompt", "message_tree_id"))
    top, facts = (value["prompt"], facts) if "prompt" in value else (value, {})
    yield from one.place(top, entry.place, value.get("message_tree_id"), facts)
    yield from one.close()


def _first(node: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((node[key] for key in keys if isinstance(node.get(key), str) and node[key]), None)


def _key(node: Mapping[str, Any]) -> str:
    key = _first(node, _ID_KEYS)
    if key is None:
        raise ValueError("a message without an id")
    return key


@dataclass(slots=True)
class _Tree:
    """What is remembered of a tree: its conversation, and how each node ranks among its siblings."""

    draft: ConversationDraft
    root: str | None = None
    ranks: dict[str | None, list[tuple[bool, float, int, str]]] = field(default_factory=dict)

    def note(self, key: str, parent: str, node: Mapping[str, Any]) -> None:
        """Remember a node below its parent: kept before deleted ones, then by rank, unranked last."""
        siblings = self.ranks.setdefault(parent, [])
        rank = node.get("rank")
        order = float(rank) if isinstance(rank, (int, float)) else math.inf
        siblings.append((node.get("deleted") is True, order, len(siblings), key))

    def best(self) -> str | None:
        """Return the end of the path that takes the best answer each time."""
        leaf = self.root
        while leaf in self.ranks:
            leaf = min(self.ranks.pop(leaf))[-1]
        return leaf


class _Reading:
    """The trees of one source; messages that come before their parents wait for them."""

    def __init__(self) -> None:
        self.trees: dict[str, _Tree] = {}
        self.homes: dict[str, _Tree] = {}
        self.waiting: dict[str, list[tuple[Mapping[str, Any], str]]] = {}

    def take(self, value: Mapping[str, Any], place: str) -> Iterator[Record]:
        """Yield one message with what waited for it, nothing while it waits itself."""
        _key(value)
        parent = _first(value, _PARENT_KEYS)
        if parent is None or parent in self.homes:
            yield from self.place(value, place, value.get("message_tree_id"), {})
        else:
            self.waiting.setdefault(parent, []).append((value, place))

    def close(self) -> Iterator[Record]:
        """Yield what still waits for messages that are not here, as roots, and the end of each tree."""
        here = {_key(value) for rows in self.waiting.values() for value, _ in rows}
        for parent in sorted(self.waiting, key=lambda parent: parent in here):
            for value, place in self.waiting.pop(parent, ()):
                yield Problem(place, "the message it answers is not in the file")
                yield from self.place(value, place, value.get("message_tree_id"), {})
        for tree in (tree for tree in self.trees.values() if tree.root):
            yield tree.draft._replace(head=tree.best())

    def place(self, top: Mapping[str, Any], place: str, name: Any, facts: dict[str, Any]) -> Iterator[Record]:
        """Yield a message with all its replies and all that waited for one of them, parents first.

        What answers a message that cannot be read follows the one before that.
        """
        stack = [(top, _first(top, _PARENT_KEYS), place)]
        while stack:
            node, parent, where = stack.pop()
            try:
                yield from self._message(node, parent if parent in self.homes else None, name, facts)
            except MALFORMED as error:
                yield misshapen(where, error, "not an OpenAssistant message")
            key = _first(node, _ID_KEYS) if isinstance(node, dict) else None
            above = key if key in self.homes else parent
            replies = build.mapping(node).get("replies")
            below = [
                (reply, above, f"{where}, reply {number}") for number, reply in enumerate(build.listed(replies), 1)
            ]
            below += [(value, above, at) for value, at in self.waiting.pop(key or "", ())]
            stack.extend(reversed(below))

    def _message(
        self, node: Mapping[str, Any], parent: str | None, name: Any, facts: dict[str, Any]
    ) -> Iterator[Record]:
        key = _key(node)
        if key in self.homes:
            return
        tree = self.homes[parent] if parent else self._tree(name, key, facts)
        draft = _draft(node, key, parent, tree.draft.source_id)
        if tree.root is None:
            tree.root = key
            yield tree.draft
        if parent:
            tree.note(key, parent, node)
        self.homes[key] = tree
        yield draft

    def _tree(self, name: Any, root: str, facts: dict[str, Any]) -> _Tree:
        name = build.word(name) or root
        if name not in self.trees:
            self.trees[name] = _Tree(ConversationDraft(source_id=name, metadata=facts))
        return self.trees[name]


def _draft(node: Mapping[str, Any], key: str, parent: str | None, conversation: str | None) -> MessageDraft:
    text = build.string(node["text"])
    return build.message(
        _ROLES[node["role"]],
        text,
        reason="deleted" if node.get("deleted") is True else None,
        model=build.word(node.get("model_name")),
        created_at=instant(node.get("created_date")),
        source_id=key,
        parent=parent,
        conversation=conversation,
        metadata=build.rest(node, _TOLD),
    )
