"""Misspelt words of a question: what they are taken for, and when they are left as they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog import spelling
from chatlog.context import Request, assemble
from chatlog.outgoing import RedactedStore
from chatlog.redaction import Redactor
from chatlog.results import Results, SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.sqlite.words import SqliteWords

from .conftest import Watch
from .store.making import opened, say

TEXTS = (
    "Caroline had sardines at the harbour", "we repaired the bicycle on Sunday", "the house has a green roof",
    "a horse stood behind the house", "Wir waren in München im Theater", "Мы ели пироги на вокзале",
    "Łukasz ate smørrebrød",
)  # fmt: skip


@pytest.fixture
def history(store: Store) -> Store:
    store.new(messages=[say(text) for text in TEXTS])
    return store


def ask(store: Store, text: str, **options: Any) -> Results:
    return search_messages(store, text, options=SearchOptions(**options))


@given(st.text("abcdefghij", min_size=5, max_size=12), st.data())
def test_a_word_is_among_the_slips_of_its_slips(word: str, data: st.DataObject) -> None:
    """Two letters changed places, or one came in, fell out or became another: all can be undone."""
    at = data.draw(st.integers(1, len(word) - 2))
    letter = data.draw(st.sampled_from("abcxyz"))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for typed in (
        swapped,
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
    ):
        assert word in {*spelling.slips(typed), typed}


@pytest.mark.parametrize(
    ("asked", "typed", "meant", "first"),
    [
        ("sardnies", "sardnies", "sardines", 0),
        ("Where did Carolne eat?", "carolne", "caroline", 0),
        ("who repared the byke on Sunday?", "repared", "repaired", 1),
        ("Where is Carolines' harbor?", "harbor", "harbour", 0),
        ("Waren wir in Muncehn?", "muncehn", "munchen", 4),
        ("где мы ели пирогии?", "пирогии", "пироги", 5),
        ("what did Lukazs eat?", "lukazs", "lukasz", 6),
        ("who ate smorebrod?", "smorebrod", "smorrebrod", 6),
    ],
)
def test_a_misspelt_word_is_taken_for_what_was_written(
    history: Store, asked: str, typed: str, meant: str, first: int
) -> None:
    """And it is said: the word as it was typed is named as missing."""
    found = ask(history, asked)

    assert TEXTS[first] == found.items[0].message.text
    assert (True, "relaxed") == (typed in found.dropped, found.tier)
    assert f"no message has {typed}: looked for {meant}" in found.warnings


def test_the_piece_shown_is_where_the_word_is(history: Store) -> None:
    """As it is written there."""
    (item,) = ask(history, "sardnies", limit=1).items
    marked = [item.snippet.text[start:end] for start, end in item.snippet.marks]
    assert ["sardines"] == marked


@pytest.mark.parametrize(
    "asked",
    [
        "horse roof",  # somebody wrote it, though it is a slip from house
        "what about carolive?",  # it has Carol's stem, which nobody wrote
        "tell me of Sunda",  # a short name may be another one
        "hose",
        '"sardnies"',
        "sardnie*",
        "sardnies2",
        "-sardnies harbour",
        "東京東京東京都",
        "x" * 60_000,
    ],
)
def test_what_may_be_right_is_left_as_it_is(store: Store, asked: str) -> None:
    """What is somewhere, short, quoted or no word is not taken for anything else."""
    store.new(messages=[say(text) for text in (*TEXTS[1:], "Carol", "sardines at the harbour")])
    assert not [warning for warning in ask(store, asked).warnings if "looked for" in warning]


def test_by_words_alone_nothing_is_taken_for_another(history: Store) -> None:
    """Who asks for words wants these."""
    assert "none" == ask(history, "sardnies", mode="lexical").tier


def test_of_several_the_one_that_most_messages_have_is_meant(store: Store) -> None:
    """A word that is said often is meant more often."""
    store.new(messages=[say("the whole house"), say("a mouse"), say("another mouse"), say("the mouse again")])
    assert ("no message has fouse: looked for mouse",) != ask(store, "fouse").warnings  # its first letter is right
    store.new(messages=[say("lemon cake"), say("lemma of Gauss"), say("a lemma"), say("this lemma")])
    assert ("no message has lemmo: looked for lemma",) == ask(store, "lemmo").warnings


def test_nothing_of_another_user_is_meant(store: Store) -> None:
    """A word that only others say is as unknown as any."""
    store.new(messages=[say("we ate at the harbour")])
    with opened(store.info()["path"], "eve") as eve:
        eve.new(messages=[say("Caroline had sardines")])
        assert ask(eve, "sardnies").warnings

    found = ask(store, "sardnies")

    assert ("none", ()) == (found.tier, found.warnings)


def test_what_is_redacted_on_its_way_out_is_not_meant(history: Store) -> None:
    """The word index of what is handed on tells no word that is not shown."""
    redacted: Any = RedactedStore(history, Redactor(patterns=["sardines"]))
    assert not search_messages(redacted, "sardnies").warnings
    assert search_messages(redacted, "harbor").warnings


def test_capitals_and_marks_stay(history: Store) -> None:
    """A name is still written like one: what is said of names holds for it."""
    assert "sardines, (Caroline)?" == ask(history, "sardines, (Carolnie)?").asked


def test_only_so_many_words_are_looked_for(history: Store, watch: Watch) -> None:
    """The longest word first, and no others once one is unknown: of a text none may be known."""
    asked = watch(SqliteWords, "known")
    ask(history, "sardines " + " ".join(["qwertz", *(f"qwertz{letter}uiop" for letter in "abcdefgh")] * 2))
    assert 1 == len(asked)
    ask(history, "sardines at the harbour")
    assert 1 == len(asked)
    ask(history, "Caroline: sardnies on the harbor bycicle roof")
    assert 1 + spelling.MOST == len(asked) == len({max(call.arguments[0], key=len) for call in asked})
    ask(history, "sardnies on the harbor bycicle roof")
    assert 1 + spelling.MOST == len(asked), "where no word is known it is about something else"


def test_a_context_is_assembled_for_what_was_meant(store: Store) -> None:
    """The new message is typed in haste."""
    talk = [f"about nothing much, number {number}" for number in range(80)]
    talk[20] = "sardines, that is what Caroline likes"
    made = store.new(messages=[say(text, role=("user", "assistant")[at % 2]) for at, text in enumerate(talk)])
    built = assemble(store, made, Request(query="where are the sardnies?", budget=300))
    assert talk[20] in str(built.wire)
