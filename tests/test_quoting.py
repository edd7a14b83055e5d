"""Quoting: long texts lose words, but what is left of code and tables is still code and tables."""

from __future__ import annotations

import pytest

from chatlog.models import joined_text
from chatlog.quoting import beginning, open_fence, passage, shortened, stem, unsent, word_set
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


def test_a_passage_of_prose_is_the_words_and_marks_of_what_is_left_out() -> None:
    """Nothing else, not even a line's end."""
    text = f"{'one two three ' * 200}The mill turns at noon. {'four five six ' * 200}"
    piece = passage(text, word_set("mill noon"), 40, COUNT)
    assert piece.startswith("…")
    assert piece.endswith("…")
    assert piece[1:-1] in text
    assert "The mill turns at noon." in piece
    assert COUNT(piece) <= 40


def test_a_passage_of_code_whose_fence_is_too_long_ends_all_the_same() -> None:
    """There is no piece that is short enough."""
    fence = f"```{'word ' * 900}".strip()
    assert passage(f"{fence}\n{CODE}", word_set("compute_30"), 120, COUNT).startswith(f"…\n{fence}\n")


def test_words_without_blanks_are_pairs() -> None:
    """And each run whole; a single character says too little."""
    assert {"你好吗", "你好", "好吗", "hotel"} == word_set("你好吗 hotels")


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        ("stories", "stor"), ("story", "stor"), ("booking", "book"), ("booked", "book"), ("boxes", "box"),
        ("cats", "cat"), ("going", "going"), ("used", "used"), ("is", "is"), ("buy", "buy"), ("ties", "tie"),
    ],
)  # fmt: skip
def test_a_word_loses_its_ending_where_three_letters_are_left(word: str, stemmed: str) -> None:
    """A shorter one is none without it."""
    assert stemmed == stem(word)


def test_long_values_in_arguments_are_shortened_whatever_they_are() -> None:
    """Lists and objects as their words; numbers, and what is short, stay."""
    long = "word " * 300
    given = {"edits": [{"new": long}], "all": {"old": long}, "text": long, "many": [1, 2], "line": 5, "whole": True}
    call = {"type": "tool_call", "id": "c", "name": "edit", "arguments": given}
    made = shortened(message(1, "assistant", "", [call]), 60, 60, COUNT)
    assert made.parts is not None
    told = made.parts[0]["arguments"]
    assert {"edits", "all", "text"} == {
        name for name, value in told.items() if "tokens cut; chatlog show" in str(value)
    }
    assert all(COUNT(told[name]) <= 60 + 40 for name in ("edits", "all", "text"))
    assert {"many": [1, 2], "line": 5, "whole": True} == {name: told[name] for name in ("many", "line", "whole")}


def test_the_text_of_a_shortened_message_is_that_of_its_parts_where_it_was() -> None:
    """Else it is shortened by itself: it is what a person reads of it."""
    parts = [{"type": "text", "content": "first " * 200}, {"type": "text", "content": "second " * 200}]
    made = shortened(message(1, "assistant", joined_text(tuple(parts)), parts), 60, 60, COUNT)
    assert made.parts is not None
    assert made.text == joined_text(made.parts)
    assert 2 == made.text.count("tokens cut")
    clean = shortened(message(1, "assistant", "clean " * 200, parts), 60, 60, COUNT)
    assert (1, "clean clean") == (clean.text.count("tokens cut"), clean.text[:11])


def test_which_thoughts_a_form_leaves_out() -> None:
    """Anthropic takes those that it signed or sealed, the others none."""
    signed = {"type": "reasoning", "content": "hm", "signature": "c2ln"}
    sealed = {"type": "redacted_thinking", "data": "c2ln"}
    bare = [{"type": "reasoning", "content": "hm", "signature": ""}, {"type": "redacted_thinking", "data": ""}]
    said = message(1, "assistant", "So.", [signed, sealed, *bare, {"type": "text", "content": "So."}])
    assert bare == unsent(said, "anthropic")
    assert [signed, sealed, *bare] == unsent(said, "openai")


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
