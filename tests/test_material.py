"""Tests of what a context may be chosen from: what waits for an answer, and what is asked."""

from __future__ import annotations

import pytest

from chatlog.material import Material
from chatlog.tokens import CL100K, counter

from .context_rules import counted, message


def material(*said: tuple[str, str], query: str | None = None, hidden: int = 0) -> Material:
    messages = [message(seq, role, words, hidden=seq == hidden) for seq, (role, words) in enumerate(said, 1)]
    return Material(
        conversation="c" * 26, tail=counted(messages, counter(CL100K)), is_whole=True, total=9, query=query,
        asked=message(99, "user", "Build the mill."),
    )  # fmt: skip


ANSWERED = (("user", "Which wheel?"), ("assistant", "The oak one."))
WAITING = (*ANSWERED, ("user", "Go on."), ("user", "And now?"))


@pytest.mark.parametrize(
    ("said", "query", "pending", "new"),
    [
        (ANSWERED, None, [], None), (ANSWERED, " ", [], None), (ANSWERED, "Why?", [], "Why?"),
        (WAITING, None, ["And now?"], None), (WAITING, " ", ["And now?"], None), (WAITING, "Why?", [], "Why?"),
        (WAITING, "And now? ", ["And now?"], None), (WAITING, "Go on.", ["Go on.", "And now?"], None),
    ],
)  # fmt: skip
def test_what_waits_for_an_answer_is_the_last_word_unless_there_is_another_question(
    said: tuple[tuple[str, str], ...], query: str | None, pending: list[str], new: str | None
) -> None:
    """A question that stands at the end already is not asked twice; a blank one is none; the rest is earlier."""
    found = material(*said, query=query)
    assert (pending, new) == ([one.text for one in found.pending], found.new_query)
    assert [words for _, words in said] == [*(turn.message.text for turn in found.earlier), *pending]


@pytest.mark.parametrize(
    ("said", "query", "hidden", "question"),
    [
        (WAITING, "Why?", 0, "Why?"), (WAITING, " ", 0, "And now?"), (WAITING, None, 4, "Go on."),
        (ANSWERED, None, 0, "Which wheel?"), (ANSWERED, None, 1, "Build the mill."),
    ],
)  # fmt: skip
def test_what_is_looked_for_is_the_query_or_the_user_s_last_words(
    said: tuple[tuple[str, str], ...], query: str | None, hidden: int, question: str
) -> None:
    """Those before the tail where it has none, and never what is hidden."""
    assert question == material(*said, query=query, hidden=hidden).question


def test_a_hidden_last_word_waits_for_nothing() -> None:
    """What stands before it does."""
    assert ["Go on."] == [one.text for one in material(*WAITING, hidden=4).pending]
