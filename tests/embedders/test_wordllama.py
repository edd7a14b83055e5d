"""Tests of the embedder that needs nothing: a question's vector is what the tokenizer and numpy make of it."""

from __future__ import annotations

from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import Any

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
CHINESE = "東京。我们가힣\uf900"
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
    """Return what the tokenizer itself says of a text with single blanks, the Chinese without a blank before it."""
    encoded: list[int] = tokenizer.encode(" ".join(text.split()), add_special_tokens=False).ids
    return encoded[1:] if text[:1] and text[0] in CHINESE else encoded


class Looks(dict[str, int]):
    """A vocabulary that counts how often it is asked."""

    count = 0

    def get(self, *asked: Any) -> Any:
        self.count += 1
        return super().get(*asked)


def told(spelling: Spelling, texts: list[str]) -> list[list[int]]:
    """Return the tokens that the memory of words gives."""
    return [memoryview(found).cast("H").tolist() for found in spelling.tokens(texts)]


SPACED = st.text(st.sampled_from("abcdetho  in-_.'\"A1\t\n\r\néßไท𝔘\u200b\u00a0🙂"), max_size=40)
SIGNS = st.text(st.sampled_from(CHINESE), max_size=12)


@given(st.lists(SPACED | SIGNS))
def test_words_have_the_tokens_that_they_have_in_the_text(
    llama: WordLlama, tokenizer: Tokenizer, texts: list[str]
) -> None:
    """Blanks, line ends and scripts in any order: a text's tokens are those of its words, new, remembered or asked."""
    expected = [tokens(tokenizer, text) for text in texts]
    assert expected == told(llama._spelling, texts)
    assert expected == [llama._pieces.encode(text) for text in texts]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the labelled sets are not here")
def test_real_questions_have_the_tokenizers_tokens(llama: WordLlama, tokenizer: Tokenizer) -> None:
    """Real questions come apart as the tokenizer says."""
    for path in sorted(SHARED.glob("[!m]*/queries.jsonl")):
        for line in path.read_text("utf-8").splitlines()[::10]:
            assert tokens(tokenizer, line) == llama._pieces.encode(line)


def test_a_long_word_is_soon_taken_apart(llama: WordLlama, tokenizer: Tokenizer) -> None:
    """What was pasted without a blank has the tokenizer's tokens too, after a look at each joint instead of at all."""
    pasted = "x" * 3_000 + sha256(b"a").hexdigest() * 100
    looks = Looks(llama._pieces._ids)
    pieces = copy(llama._pieces)
    pieces._ids = looks
    assert tokens(tokenizer, pasted) == pieces.encode(pasted)
    assert looks.count < 6 * len(pasted)


def test_each_sign_is_a_word(llama: WordLlama) -> None:
    """Chinese beside Latin letters means what it means elsewhere, and so do the letters."""
    apart = ["用", "Python", "写", "的"]
    expected = [number for text in apart for number in llama._pieces.encode(text)]
    assert [expected] * 2 == told(llama._spelling, ["用Python写的", "用 Python\u3000写的\n"])


@pytest.mark.parametrize("weighted", [False, True])
def test_a_question_is_embedded_as_any_text(llama: WordLlama, weighted: bool) -> None:
    """The short way to a vector and the one for many texts end at the same place."""
    texts = [text.encode("utf-8", "replace").decode() for text in TEXTS]
    weights = llama.fit(texts) if weighted else None
    for text, expected in zip(texts, llama.embed(texts, weights), strict=True):
        assert llama.question(text, weights) == pytest.approx(expected.tolist(), abs=1e-4)


def test_texts_are_taken_apart_some_at_a_time(llama: WordLlama, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text's tokens do not depend on how many are taken apart at once, nor on what is remembered."""
    texts = [text.encode("utf-8", "replace").decode() for text in TEXTS] * 2
    expected = [llama._pieces.encode(text) for text in texts]
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
    fresh._learn = lambda known, new: (asked.extend(new), learn(known, new))[1]  # type: ignore[method-assign,func-returns-value]
    for text in ("where is it", "is it here", "it is here where it is"):
        list(fresh.tokens([text]))
    assert ["here", "is", "it", "where"] == sorted(asked)


def test_threads_share_what_is_remembered(llama: WordLlama, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread may empty the memory while another is half through its texts."""
    fresh = Spelling(llama._folder.joinpath(*wordllama._TOKENIZER))
    monkeypatch.setattr(spelling, "REMEMBERED_CHARS", 2)
    first = fresh.tokens(["where is it", "it is here"])
    begun = next(first)
    list(fresh.tokens(["something else"]))
    assert [begun, *first] == list(fresh.tokens(["where is it", "it is here"]))
