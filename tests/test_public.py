"""The public API: each name is there, loaded from its home, and a type checker sees the same ones."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import chatlog


@pytest.mark.parametrize("name", chatlog.__all__)
def test_each_name_is_there(name: str) -> None:
    """What is promised is loaded when it is asked for, and says what it is."""
    assert getattr(chatlog, name).__doc__


def test_a_name_that_is_not_there() -> None:
    """A name that is none is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        chatlog.nothing  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    """What is loaded lazily is imported for them, and nothing is promised twice."""
    tree = ast.parse(Path(chatlog.__file__).read_text("utf-8"))
    seen = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {*chatlog.__all__} - {"open"} <= seen
    assert sorted({*chatlog.__all__}) == chatlog.__all__
