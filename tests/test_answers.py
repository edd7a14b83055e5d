"""Answers: what kind of answer a question wants, and what looks like one."""

from __future__ import annotations

import pytest

from chatlog.answers import asks, speaker, wanted


@pytest.mark.parametrize(
    ("question", "said", "fits"),
    [
        ("When did we go to Lisbon?", "We went there last weekend.", True),
        ("What year was the harbour built?", "It is from 1931.", True),
        ("when did we go", "We went there by train.", False),
        ("How many sardines did she eat?", "She had a dozen.", True),
        ("how much was it", "It was rather dear.", False),
        ("Where did we eat?", "It was a place near Campo de Ourique.", True),
        ("Where did we eat?", "Somewhere by the water.", False),
    ],
)
def test_a_question_wants_an_answer_of_its_kind(question: str, said: str, *, fits: bool) -> None:
    """When is answered by a time, how many by a number, where by a name."""
    kind = wanted(question)
    assert kind is not None
    assert fits == bool(kind.search(said))


@pytest.mark.parametrize("question", ["retry backoff", "What did they think of it?", "whenever", "什么时候", ""])
def test_of_other_questions_nothing_is_wanted(question: str) -> None:
    """What may be answered by anything is not guessed at."""
    assert wanted(question) is None


@pytest.mark.parametrize(
    ("text", "asking"),
    [
        ("Shall we?", True),
        ("Shall we? \n", True),
        ("“Shall we?”", True),
        ("去吗？", True),
        ("Why? No.", False),
        ("", False),
    ],
)
def test_a_text_that_ends_with_a_question_asks(text: str, *, asking: bool) -> None:
    """Who asks and goes on has said something."""
    assert asking == asks(text)


@pytest.mark.parametrize(
    ("question", "role"),
    [
        ("which evening do I sing?", "user"),
        ("What's my plant called?", "user"),
        ("tell me what you recommended for my knee", "assistant"),
        ("was hast du mir empfohlen", "assistant"),
        ("我爸爸有什么病", "user"),
        ("你推荐的餐厅叫什么", "assistant"),
        ("when did Ann paint it?", None),
        ("", None),
    ],
)
def test_a_question_says_whose_words_it_asks_for(question: str, role: str | None) -> None:
    """By the first `I` or `you`."""
    assert speaker(question) == role
