"""Tests of the embedder that needs nothing: a question's vector is what the tokenizer and numpy make of it."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from chatlog.embedders import embedder, spelling, wordllama
from chatlog.embedders.spelling import Spelling
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


@pytest.fixture(scope="module")
def tokenizer(llama: WordLlama) -> Tokenizer:
    return Tokenizer.from_file(str(llama._folder.joinpath(*wordllama._TOKENIZER)))


def tokens(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return what the tokenizer itself says of a text."""
    encoded: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return encoded


def told(spelling: Spelling, texts: list[str]) -> list[list[int]]:
    """Return the tokens that the memory of words gives."""
    return [memoryview(found).cast("H").tolist() for found in spelling.tokens(texts)]


def single_blanks(text: str) -> str:
    return re.sub(" +", " ", text).strip(" ")


def test_a_question_has_the_tokenizers_tokens(llama: WordLlama, tokenizer: Tokenizer) -> None:
    """Random texts of letters, marks, scripts and blanks come apart as the tokenizer says."""
    chance = random.Random(5)
    alphabet = "abcdetho in-_.'\"A1\t\néß東京ไท𝔘\u200b🙂 "
    for _ in range(2_000):
        text = "".join(chance.choices(alphabet, k=chance.randint(0, 24)))
        assert tokens(tokenizer, single_blanks(text)) == llama._pieces.encode(text), text


@pytest.mark.skipif(not SHARED.is_dir(), reason="the labelled sets are not here")
def test_real_questions_have_the_tokenizers_tokens(llama: WordLlama, tokenizer: Tokenizer) -> None:
    """Real questions, English and Chinese, come apart as the tokenizer says."""
    for path in sorted(SHARED.glob("*/queries.jsonl")):
        for line in path.read_text("utf-8").splitlines()[::10]:
            assert tokens(tokenizer, single_blanks(line)) == llama._pieces.encode(line)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_question_is_embedded_as_any_text(llama: WordLlama, weighted: bool) -> None:
    """The short way to a vector and the one for many texts end at the same place."""
    texts = [re.sub(" +", " ", text).strip(" ").encode("utf-8", "replace").decode() for text in TEXTS]
    weights = llama.fit(texts) if weighted else None
    for text, expected in zip(texts, llama.embed(texts, weights), strict=True):
        assert llama.question(text, weights) == pytest.approx(expected.tolist(), abs=1e-4)


@given(st.lists(st.text(st.sampled_from("abcdetho  in-_.'\"A1\t\n\néß東京가힣ไท𝔘\u200b\uf900▁🙂"), max_size=40)))
def test_words_have_the_tokens_that_they_have_in_the_text(
    llama: WordLlama, tokenizer: Tokenizer, texts: list[str]
) -> None:
    """Blanks, line ends and scripts in any order: a text's tokens are those of its words, new or remembered."""
    assert [tokens(tokenizer, text) for text in texts] == told(llama._spelling, texts)


def test_texts_are_taken_apart_some_at_a_time(
    llama: WordLlama, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text's tokens do not depend on how many are taken apart at once, nor on what is remembered."""
    texts = [text.encode("utf-8", "replace").decode() for text in TEXTS] * 2
    expected = [tokens(tokenizer, text) for text in texts]
    fresh = Spelling(llama._folder.joinpath(*wordllama._TOKENIZER))
    for name in ("GROUP_CHARS", "TOGETHER", "REMEMBERED_CHARS"):
        monkeypatch.setattr(spelling, name, 2)
        assert expected == told(fresh, texts)
    assert {} == fresh._known


def test_a_word_is_taken_to_the_tokenizer_once(llama: WordLlama) -> None:
    """What was said before is remembered: the tokenizer is asked for nothing but new words."""
    fresh = Spelling(llama._folder.joinpath(*wordllama._TOKENIZER))
    asked: list[str] = []
    learn = fresh._learn
    fresh._learn = lambda words: (asked.extend(words), learn(words))[1]  # type: ignore[method-assign,func-returns-value]
    for text in ("where is it", "is it here", "it is here where it is"):
        list(fresh.tokens([text]))
    assert sorted(["▁where", "▁is", "▁it", "▁here"]) == sorted(asked)
