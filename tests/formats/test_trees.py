"""Tests of the trees that messages make which name the one they answer."""

from __future__ import annotations

from chatlog.formats import trees
from chatlog.models import MessageDraft


def test_parents_come_before_children() -> None:
    """A branch stands before the next one, and siblings stay in order; a lost parent and a circle begin anew."""
    parents = {"c": "b", "a": None, "b": "a", "d": "a", "lost": "gone", "x": "y", "y": "x"}
    expected = [("a", None), ("b", "a"), ("c", "b"), ("d", "a"), ("lost", None), ("x", None), ("y", "x")]
    assert expected == trees.preorder(parents)


def test_empty_messages_of_a_tree_are_passed_over() -> None:
    """What follows one follows what that followed; the first follow the root."""
    drafts = {key: MessageDraft(role="user", text=text) for key, text in (("a", ""), ("b", "x"), ("c", ""), ("d", "y"))}
    kept, standing = trees.without_empty({"a": None, "b": "a", "c": "b", "d": "c"}, drafts, "root")
    assert [(draft.source_id, draft.parent) for draft in kept] == [("b", "root"), ("d", "b")]
    assert standing == {None: "root", "a": "root", "b": "b", "c": "b", "d": "d"}
