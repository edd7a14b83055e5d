"""Quoting: long texts lose words, but what is left of code and tables is still code and tables."""

from __future__ import annotations

import pytest

from chatlog.quoting import beginning, open_fence, passage, shortened, word_set
from chatlog.tokens import CL100K, counter

from .context_rules import message

COUNT = counter(CL100K)
CODE = "\n".join(f"    value_{number} = compute_{number}(alpha)" for number in range(60))
TABLE = "\n".join(f"| item {number} | {number} euros |" for number in range(60))
TEXT = f"It works so.\n\n```python\ndef run():\n{CODE}\n```\n\nAll is well.\n\n"
TEXT += f"| what | price |\n|---|---:|\n{TABLE}\n\nBye."


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("it works", "It works so.", "```\n…"),
        ("compute_30", "…\n```python\n    value_", "(alpha)\n```\n…"),
        ("item 30", "…\n| what | price |\n|---|---:|\n| item ", " euros |…"),
        ("all is well", "…\n```python\n    value_", " euros |…"),
    ],
)
def test_a_passage_of_code_is_fenced_and_one_of_a_table_has_its_head(asked: str, first: str, last: str) -> None:
    """It is cut between lines, and what is quoted after it is not taken for code."""
    piece = passage(TEXT, word_set(asked), 100, COUNT)
    assert (piece[: len(first)], piece[-len(last) :]) == (first, last)
    assert COUNT(piece) <= 100
    assert not open_fence(piece)


@pytest.mark.parametrize("most", [80, 200, 400, 800])
def test_what_is_cut_out_of_code_is_no_code(most: int) -> None:
    """The note stands between two blocks, or after one."""
    text = shortened(message(1, "assistant", TEXT), most, most, COUNT).text
    head, _, tail = text.partition("[… ")
    assert not open_fence(head)
    assert not open_fence(tail)


@pytest.mark.parametrize(
    ("text", "fence"),
    [
        ("prose", ""),
        ("```py\nx = 1", "```py"),
        ("```py\nx = 1\n```\nprose", ""),
        ("```\n```sh\n", "```"),
        ("````md\n```\nx\n```\n", "````md"),
        ("~~~\n```\n", "~~~"),
        ("in a line ```x``` and so on", ""),
    ],
)
def test_a_fence_is_open_until_one_as_long_closes_it(text: str, fence: str) -> None:
    """As CommonMark has it."""
    assert fence == open_fence(text)


@pytest.mark.parametrize(
    "text", ["We chose the blue hotel. " * 50, "GPT 说：" + "我们去里斯本坐夜车" * 50, "A\n" + "x" * 900]
)
def test_a_beginning_ends_between_words_where_there_are_words(text: str) -> None:
    """What is written without blanks is cut where the room ends, and not at the last blank far above."""
    cut = beginning(text, 60, COUNT)
    assert 40 <= COUNT(cut) <= 60
    assert text.startswith(cut.removesuffix(" …"))
    assert cut.startswith("We chose") == cut.endswith(("We …", "chose …", "the …", "blue …", "hotel. …"))
