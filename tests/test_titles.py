"""Titles made of what a human said first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.titles import TITLE_CHARS, title_from


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plan a trip to Lisbon", "Plan a trip to Lisbon"),
        ("\n\n  Plan a trip\nto Lisbon", "Plan a trip"),
        ("# ---\nReal words", "Real words"),
        ("<system-reminder>be nice</system-reminder>\nPlan a trip", "Plan a trip"),
        ("<a>1</a><b class='x'>2\n3</b> Plan", "Plan"),
        ("<unclosed> words", "<unclosed> words"),
        ("", None),
        (" \n\t", None),
        ("<only>a preamble</only>", None),
        ("[Request interrupted by user for tool use]", None),
        ("[Request interrupted by user] shows twice", "[Request interrupted by user] shows twice"),
        ("Look at [this]", "Look at [this]"),
        (
            "Implement the following plan:\n\n# Retry with backoff\n\nFirst …",
            "Implement the following plan: Retry with backoff",
        ),
        ("Fix this:\n```python\nx = 1", "Fix this: x = 1"),
        ("What is this：\n- a list", "What is this： a list"),
        ("Only this:", "Only this:"),
        (
            "a sentence that goes on for long, and says what it is about:\nx",
            "a sentence that goes on for long, and says what it is about:",
        ),
    ],
)
def test_a_title_is_the_first_line_a_human_wrote(text: str, expected: str | None) -> None:
    """Injected preambles, blank lines and rulers are no title."""
    assert expected == title_from(text)


def test_a_long_title_is_cut_with_an_ellipsis() -> None:
    """A title has at most 80 characters, the last of them saying that there was more."""
    title = title_from("word " * 100)
    assert title is not None
    assert (True, "…") == (len(title) <= TITLE_CHARS, title[-1])
    assert ["x" * 80, "x" * 79 + "…"] == [title_from("x" * length) for length in (80, 81)]


@given(st.text())
def test_a_title_is_one_short_line_of_any_text(text: str) -> None:
    """Whatever the text, the title is None or one non-empty line of at most 80 characters."""
    title = title_from(text)
    assert title is None or (0 < len(title) <= TITLE_CHARS and [title] == title.splitlines())
