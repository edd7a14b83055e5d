"""Searches, RELIABILITY.md 30: whatever is searched for, nothing is raised."""

from __future__ import annotations

import re
from contextlib import suppress
from random import Random

import pytest

from chatlog.errors import UsageError
from chatlog.models import ConversationDraft, MessageDraft
from chatlog.search import SearchOptions, search_messages
from chatlog.store import Store
from tests.conftest import Run

WORDS = r"""
    ' " * ^ - + : ; , . ( ) [ ] { } < > | & ~ \ / ? ! @ # $ % = ` _ "" -- /* AND OR NOT NEAR( NEAR/3 role: role:user
    tag: tag:x since: since:7d since:9999999999y since:2026-13-45 until: until:0000 in:title in:tool is:pinned is:
    -tag:x title:" model:% author:_ project:\ text: tool : owner : u0 rowid c++ it's foo.bar user@host C:\x -foo
    weather Lisbon wea* camelCase snake_case 東京 都 ภาษา 한국 مرحبا é ß İ u6c6f63616c0 0x1F 1e999 NULL SELECT
"""
CHARACTERS = ("e\u0301", "\U0001f469\u200d\U0001f467", "\u200d", "\ufeff", "\u202e", "\u2028", *"\x1b\x00\x7f\n\t\r")
PIECES = (*WORDS.split(), *CHARACTERS)


def fuzzed(chance: Random) -> str:
    """Return a string of pieces that mean something to somebody, and of any characters."""
    pieces = [
        chance.choice(PIECES) if chance.random() < 0.8 else chr(chance.choice((chance.randrange(0xD800), 0x1F600)))
        for _ in range(chance.randrange(1, 9))
    ]
    return "".join(piece + chance.choice(("", " ")) for piece in pieces)


@pytest.fixture
def weather(store: Store) -> Store:
    """Return a store in which words of the fuzz are found."""
    for number in range(5):
        texts = [f"weather in Lisbon {number} 東京都 c++ it's camelCase", "foo.bar user@host AND OR NOT é 한국어"]
        drafts = [MessageDraft(role="user", text=text, author="ana") for text in texts]
        store.new(ConversationDraft(title=f"Lisbon {number}", tags=("x",)), drafts)
    return store


@pytest.mark.parametrize("searches", [2_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_fuzzed_searches(weather: Store, searches: int) -> None:
    """No string that is searched for raises anything, and many of them find something."""
    chance = Random(30)
    found = 0
    for _ in range(searches):
        text = fuzzed(chance)
        try:
            found += bool(search_messages(weather, text, options=SearchOptions(limit=3, context=1)).items)
        except Exception as error:  # noqa: BLE001  any is one too many, and the string is what to know
            pytest.fail(f"{type(error).__name__} for {text!r}")
    assert searches // 20 < found < searches


def test_fuzzed_searches_everywhere(weather: Store) -> None:
    """The same holds for searches in titles and in tool text, and for filters."""
    chance = Random(31)
    for number in range(300):
        text = fuzzed(chance)
        place = ("title", "tool", "text")[number % 3]
        try:
            search_messages(weather, text, options=SearchOptions(within=(place,), hidden=True))
        except Exception as error:  # noqa: BLE001
            pytest.fail(f"{type(error).__name__} for {text!r} in {place}")


def test_fuzzed_patterns(weather: Store) -> None:
    """A pattern is asked for by a flag; one that is none is refused with one line."""
    chance = Random(32)
    complaints = []
    for _ in range(300):
        try:
            search_messages(weather, fuzzed(chance), options=SearchOptions(mode="regex", limit=2))
        except UsageError as error:
            complaints.append(error.message)
    assert 20 < len(complaints) < 300
    assert [] == [said for said in complaints if not re.fullmatch("the pattern is not a regular expression: .+", said)]


@pytest.mark.parametrize("text", ["\udcff", "a\udcff", '"\udcff b"', "tag:\udcff", "title:\udc80", "-\udcff sea"])
def test_half_characters(weather: Store, text: str) -> None:
    """A search for bytes that are no UTF-8, as the system hands them over, finds nothing or is refused as that."""
    with suppress(UsageError):
        assert () == search_messages(weather, text).items


def test_searches_on_the_command_line(run: Run) -> None:
    """The command answers every string with 0 or 1, or with 2 where it looks like an option."""
    run("add", "--new", "--role", "user", "the weather in Lisbon, c++ and 東京都")
    chance = Random(33)
    codes = set()
    for _ in range(60):
        text = fuzzed(chance).replace("\x00", " ")
        ran = run("search", "--", text)
        assert ran.code in (0, 1), (text, ran.err)
        assert "error" not in ran.err
        codes.add(ran.code)
    assert {0, 1} == codes
