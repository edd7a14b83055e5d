"""Tests of the embedder that needs nothing: a question's vector is what the tokenizer and numpy make of it."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from chatlog.embedders import embedder, wordllama
from chatlog.embedders.wordllama import WordLlama

TEXTS = (
    "Where did we eat sardines?", "src/app.py: what does `foo_bar(x)` return?", "¿Dónde está el café, señor?",
    "我们在哪里吃的沙丁鱼？", "ไทย ภาษา", "a  b \t c\n", "🙂 𝔘 \u200b \ud800", "x" * 300, "", " ",
    "ÉCOLE naïve 1,234.50 €",
)  # fmt: skip
SHARED = Path(__file__).resolve().parents[3] / "shared" / "retrieval"


@pytest.fixture(scope="module")
def llama() -> WordLlama:
    found = embedder("wordllama")
    assert isinstance(found, WordLlama)
    return found


def tokens(llama: WordLlama, text: str) -> list[int]:
    """Return what the tokenizer itself says of a text with single blanks."""
    encoded: list[int] = llama._tokenizer.encode(re.sub(" +", " ", text).strip(" "), add_special_tokens=False).ids
    return encoded


def test_a_question_has_the_tokenizers_tokens(llama: WordLlama) -> None:
    """Random texts of letters, marks, scripts and blanks come apart as the tokenizer says."""
    chance = random.Random(5)
    alphabet = "abcdetho in-_.'\"A1\t\néß東京ไท𝔘\u200b🙂 "
    for _ in range(2_000):
        text = "".join(chance.choices(alphabet, k=chance.randint(0, 24)))
        assert tokens(llama, text) == llama._pieces.encode(text), text


@pytest.mark.skipif(not SHARED.is_dir(), reason="the labelled sets are not here")
def test_real_questions_have_the_tokenizers_tokens(llama: WordLlama) -> None:
    """Real questions, English and Chinese, come apart as the tokenizer says."""
    for path in sorted(SHARED.glob("*/queries.jsonl")):
        for line in path.read_text("utf-8").splitlines()[::10]:
            assert tokens(llama, line) == llama._pieces.encode(line)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_question_is_embedded_as_any_text(llama: WordLlama, weighted: bool) -> None:
    """The short way to a vector and the one for many texts end at the same place."""
    texts = [re.sub(" +", " ", text).strip(" ").encode("utf-8", "replace").decode() for text in TEXTS]
    weights = llama.fit(texts) if weighted else None
    for text, expected in zip(texts, llama.embed(texts, weights), strict=True):
        assert llama.question(text, weights) == pytest.approx(expected.tolist(), abs=1e-4)


def test_texts_are_encoded_some_at_a_time(llama: WordLlama, monkeypatch: pytest.MonkeyPatch) -> None:
    """What many texts mean, and how rare their words are, does not depend on how many are encoded at once."""
    texts = [text.encode("utf-8", "replace").decode() for text in TEXTS]
    at_once = llama.embed(texts, None).tolist(), llama.fit(texts)
    monkeypatch.setattr(wordllama, "ENCODED_CHARS", 8)
    assert at_once == (llama.embed(texts, None).tolist(), llama.fit(texts))
