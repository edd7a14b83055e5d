"""Tests of counting: tiktoken's own counts, hostile text, models, prices, and nothing that needs a network."""

from __future__ import annotations

import base64
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chatlog
from chatlog import tokens
from chatlog.tokens import CL100K, HASHES, O200K, Counter, count_tokens, counter, cut, learned_factor, tokenizer_for

SOURCES = Path(chatlog.__file__).parents[1]


@settings(max_examples=150)
@given(st.lists(st.text(max_size=60), max_size=30), st.sampled_from([*HASHES]))
def test_a_count_by_lines_is_the_count_of_the_whole(lines: list[str], encoding: str) -> None:
    """However a text is cut for counting, the number is tiktoken's own."""
    text = "\n".join(lines) * 3
    loaded = tokens.vocabulary(encoding)
    assert loaded is not None
    assert len(loaded.encode_ordinary(text)) == Counter(encoding)(text)


@pytest.mark.parametrize("encoding", [*HASHES])
def test_base64_is_counted_in_pieces_that_change_nothing(encoding: str) -> None:
    """A text without a blank or a line end is cut where a digit is followed by a letter."""
    text = base64.b64encode(random.Random(5).randbytes(150_000)).decode()
    loaded = tokens.vocabulary(encoding)
    assert loaded is not None
    assert len(loaded.encode_ordinary(text)) == count_tokens(text, encoding)


@pytest.mark.parametrize("encoding", [*HASHES])
def test_a_long_text_is_counted_in_pieces_that_change_nothing(encoding: str) -> None:
    """150,000 characters of prose and code, cut between words."""
    text = "def backoff(tries: int) -> float:\n    return 2 ** tries  # 指数 backoff, isn't it?\n\n" * 2_000
    loaded = tokens.vocabulary(encoding)
    assert loaded is not None
    assert len(loaded.encode_ordinary(text)) == count_tokens(text, encoding)


@pytest.mark.parametrize("encoding", [*HASHES])
@pytest.mark.parametrize("unit", ["a", " ", "\u200d", "<|endoftext|>", "\ud800", "\x00"])
def test_hostile_text_gives_a_count(unit: str, encoding: str) -> None:
    """A million repeats are a number, not a panic."""
    assert count_tokens(unit * (1_000_000 // len(unit)), encoding) > 0


@pytest.mark.slow
@pytest.mark.parametrize("encoding", [*HASHES])
@pytest.mark.parametrize("unit", ["a", " ", "\u200d"])
def test_ten_million_repeats_give_a_count(unit: str, encoding: str) -> None:
    """RELIABILITY 35, the long form."""
    assert count_tokens(unit * 10_000_000, encoding) > 0


def test_special_tokens_are_plain_text() -> None:
    """What looks like a special token is counted as the characters it is."""
    assert count_tokens("<|endoftext|>") > 1


@pytest.mark.parametrize(
    ("model", "encoding", "is_exact"),
    [("gpt-5-mini", O200K, True), ("openai/gpt-4o", O200K, True), ("o3", O200K, True), ("gpt-4", CL100K, True),
     ("gpt-3.5-turbo", CL100K, True), ("claude-sonnet-4", CL100K, False), ("gemini-2.5-pro", CL100K, False),
     ("something-else", CL100K, False), (None, CL100K, True)],
)  # fmt: skip
def test_each_model_has_its_way_of_counting(model: str | None, encoding: str, is_exact: bool) -> None:
    """A public vocabulary is used as it is; another model's counts are raised, and say that they are estimates."""
    found = tokenizer_for(model)
    assert (encoding, is_exact) == (found.encoding, found.factor == 1.0)
    assert bool(found.note) is not (is_exact and model is not None)


def test_a_budget_of_the_model_s_tokens_is_kept_after_the_factor() -> None:
    """What is affordable, billed, is never more than the budget."""
    for model in ("claude-x", "gemini-x", "gpt-5"):
        found = tokenizer_for(model)
        assert all(found.billed(found.affordable(budget)) <= budget for budget in range(1, 2_000))


def test_the_factor_is_learned_from_enough_of_the_api_s_own_figures() -> None:
    """Five answers and more teach it, fewer or short ones do not."""
    assert 1.26 == learned_factor([(100, 120)] * 5)
    assert None is learned_factor([(100, 120)] * 4 + [(10, 90)] * 20)
    assert 3.0 == learned_factor([(100, 5_000)] * 9)
    assert 1.0 == learned_factor([(100, 25)] * 9)
    assert None is learned_factor([(100, 24)] * 9)  # of before the answer was complete
    assert "learned" in tokenizer_for("claude-x", 1.26).note


def test_a_cut_keeps_head_and_tail_within_the_number() -> None:
    """Together no more than asked for, and what is between is counted."""
    text = " ".join(f"word{number}" for number in range(2_000))
    first, last, left_out = cut(text, 100, counter(CL100K))
    assert (True, True) == (text.startswith(first), text.endswith(last))
    assert counter(CL100K)(first) + counter(CL100K)(last) <= 100
    assert left_out == counter(CL100K)(text) - counter(CL100K)(first) - counter(CL100K)(last)
    assert ("short", "", 0) == cut("short", 5, counter(CL100K))


def test_without_a_vocabulary_a_count_is_an_estimate_on_the_high_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many rather than too few."""
    text = "The retry hammers the server, so we added jitter to the backoff. 指数退避。"
    known = count_tokens(text)
    monkeypatch.setattr(tokens, "vocabulary", lambda encoding: None)
    assert known <= count_tokens(text) == tokens.estimate(text)


def test_a_changed_vocabulary_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with another hash than tiktoken's own is no vocabulary."""
    monkeypatch.setitem(HASHES, CL100K, "0" * 64)
    assert None is tokens._vocabulary_file(CL100K)


def test_counting_opens_no_socket(tmp_path: Path) -> None:
    """With every socket refused and an empty home, both vocabularies count."""
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('a socket')\n"
        "socket.socket = socket.create_connection = refuse\n"
        "from chatlog.tokens import count_tokens\n"
        "print(count_tokens('hello world'), count_tokens('hello world', 'o200k_base'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ("2 2\n", "") == (done.stdout, done.stderr)


def test_a_long_text_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One assembly asks for the count of a huge text many times, however huge; how many are remembered is bounded."""
    asked: list[int] = []
    monkeypatch.setattr(tokens, "count_tokens", lambda text, encoding: asked.append(len(text)) or 1)
    count, text = Counter(), "yes no\n" * 3_000_000
    assert count(text) == count(text)
    assert [len(text)] == asked
    monkeypatch.setattr(tokens, "_REMEMBERED_LONG", 1)
    assert count(text + "x") == count(text + "x") == count(text)
    assert 3 == len(asked)
