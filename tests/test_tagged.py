"""Pieces between a tag and its end: found in order, and in one pass where ends are missing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chatlog import tagged

A_OR_B = re.compile(r"<(a|b)(?=[ >])")


class Watched(str):
    """A text that counts how often an end is looked for."""

    looked = 0

    def find(self, *args: Any) -> int:
        """Count, and find."""
        type(self).looked += 1
        return super().find(*args)


def test_pieces_in_order() -> None:
    """A piece goes from a tag to the first end of its name, whatever stands between."""
    found = list(tagged.pieces('x <a>1<b></a> <b id="2">3</b></b>', A_OR_B))
    assert [(piece.name, piece.attributes, piece.inner) for piece in found] == [
        ("a", "", "1<b>"),
        ("b", ' id="2"', "3"),
    ]


def test_the_text_around_pieces() -> None:
    """What is before, between and behind is told too, and is all that is left without them."""
    text = "x<a>1</a> y <b>2</b>"
    assert [part if isinstance(part, str) else part.inner for part in tagged.split(text, A_OR_B)] == [
        "x",
        "1",
        " y ",
        "2",
    ]
    assert tagged.without(text, A_OR_B) == "x y "


@pytest.mark.parametrize("text", ["", "plain", "<a", "<a>", "<a></b>", "</a><a>", "<c>1</c>"])
def test_what_is_no_piece(text: str) -> None:
    """A tag without an end is text."""
    assert (list(tagged.split(text, A_OR_B)), tagged.without(text, A_OR_B)) == ([text] * bool(text), text)


def test_a_piece_that_is_cut_off() -> None:
    """Asked for, the text's end is an end."""
    assert [piece.inner for piece in tagged.pieces("<a>1</a><b>2", A_OR_B, cut_off=True)] == ["1", "2"]
    assert [piece.inner for piece in tagged.pieces("<a>1</a><b>2", A_OR_B)] == ["1"]


def test_a_tag_without_an_end_hides_no_other() -> None:
    """Behind one that is never closed, and within its attributes, others are found."""
    assert [piece.inner for piece in tagged.pieces("<a <b>1</b> <a> <b>2</b>", A_OR_B)] == ["1", "2"]


def test_a_missing_end_is_looked_for_once() -> None:
    """However many tags have none: a text made of them would take hours otherwise."""
    Watched.looked = 0
    assert list(tagged.pieces(Watched("<a>" * 10_000), A_OR_B)) == []
    assert Watched.looked == 2


def test_names_without_end_are_given_up() -> None:
    """A text of ever new tags is text behind the first thousand."""
    text = Watched("".join(f"<t{number}>" for number in range(5_000)))
    Watched.looked = 0
    assert list(tagged.pieces(text, re.compile(r"<(t\d+)"))) == []
    assert Watched.looked == 2_000


def test_the_outermost_piece() -> None:
    """From the first tag to the last end; nothing where either is missing or they stand the wrong way round."""
    assert tagged.outermost("x<q>1</q>2</q>y", "q") == (1, 14, "1</q>2")
    assert [tagged.outermost(text, "q") for text in ("<q>", "</q>", "</q><q>", "")] == [None] * 4
