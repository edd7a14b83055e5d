"""Several questions in one text: which of them are looked for by themselves, and in whose order they are answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatlog import context, questions
from chatlog.context import Request, assemble
from chatlog.models import Filters
from chatlog.query import QUESTION_CHARS, parse
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.sqlite.meanings import SqliteVectors
from chatlog.store.sqlite.words import SqliteWords

from .conftest import Watch
from .store.making import say

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MOVED, SARDINES = "Where did Ann move in spring?", "Which fish did Bob grill?"


def among(text: str) -> list[str]:
    return [" ".join(term.text for term in one) for one in questions.among(parse(text, NOW).terms)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{MOVED} {SARDINES}", [MOVED, SARDINES]),
        (f"I was away. {MOVED} We sat outside! And also: {SARDINES} Thanks.", [MOVED, f"And also: {SARDINES}"]),
        ("上司是做什么工作的呢？另外，论坛的地点是什么？", ["上司是做什么工作的呢？", "另外，论坛的地点是什么？"]),
        ("أين تسكن آنا الآن؟ متى سافر بوب؟", ["أين تسكن آنا الآن؟", "متى سافر بوب؟"]),
        ("Où habite Anne ? Quand a-t-elle vu Paul ?", ["Où habite Anne?", "Quand a-t-elle vu Paul?"]),
        (f"I was thinking of the harbour restaurant. {MOVED} It is for the book I write.", [MOVED]),
        (f"{MOVED} I need it for the book that I write", [MOVED]),
        (f'Who said "no way?" in Rome? {SARDINES}', ["Who said no way? in Rome?", SARDINES]),
        (f'Who said "是吗？另外" in Rome? {SARDINES}', ["Who said 是吗？另外 in Rome?", SARDINES]),
        ("is https://a.example/watch?v=abc alive? " + SARDINES, ["is https://a.example/watch?v=abc alive?", SARDINES]),
    ],
)
def test_each_question_is_told_apart(text: str, expected: list[str]) -> None:
    """Sentences that ask, in any script; what stands around them is of the whole text only."""
    assert expected == among(text)


@pytest.mark.parametrize(
    "text",
    [
        MOVED,
        f"I was away. {MOVED}",
        f"Hello! How are you? {MOVED}",
        f"{MOVED} And when was it?",
        f"{MOVED} Who told them that?",
        f"{MOVED} Did she carry the basket?",
        f"{MOVED} Do you remember that?",
        f"Hey, I forgot! {MOVED} Thanks a lot.",
        "where did ann move and which fish did bob grill",
        "Why? Really? What?!",
        "",
    ],
)
def test_what_is_one_question_stays_one(text: str) -> None:
    """What says too little by itself, or leans on the question before it, is no question of its own."""
    assert not among(text)


def test_what_leans_on_a_question_is_of_it() -> None:
    """It goes with the one before."""
    assert [f"{MOVED} And when was it?", SARDINES] == among(f"{MOVED} And when was it? {SARDINES}")


def test_of_many_questions_the_last_are_looked_for() -> None:
    """A page of questions costs no more than a few."""
    asked = [f"Which colour had house number{number}?" for number in range(questions.MOST + 3)]
    assert asked[-questions.MOST :] == among(" ".join(asked))


def test_a_whole_text_is_no_list_of_questions() -> None:
    """Of what is longer than any question the words are looked for."""
    assert not among(f"{MOVED} {SARDINES} " * (QUESTION_CHARS // 40))


BAND = "Which zebra of the brass band has the quartz xylophone, the marimba and the kettle drum?"
ANSWERS = (
    "Ann wants the sea, so it became Lisbon in March: she will move",
    "sardines, as he says Bob always liked that fish",
)


@pytest.fixture
def history(store: Store) -> str:
    """A conversation in which one of three questions has far more words than the others."""
    band = [f"zebra {number} of the brass band: quartz xylophone, marimba, kettle drum" for number in range(10)]
    idle = [f"number {number} is about nothing much, then {number + 1}" for number in range(60)]
    talk = [*idle[:20], ANSWERS[0], *idle[20:30], *band, *idle[30:40], ANSWERS[1], *idle[40:]]
    return store.new(messages=[say(text, role=("user", "assistant")[at % 2]) for at, text in enumerate(talk)]).id


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_every_question_is_answered(store: Store, history: str, mode: str) -> None:
    """The one with the most and rarest words does not take all the results."""
    text = f"{BAND} {SARDINES} {MOVED}"

    found = search_messages(store, text, options=SearchOptions(mode=mode, limit=6))

    assert {*ANSWERS} <= {item.message.text for item in found.items}
    assert len({item.message.ref for item in found.items}) == len(found.items) == 6
    assert found.total is None
    every = search_messages(store, text, options=SearchOptions(mode=mode, limit=500))
    assert every.total == len(every.items) > 6


def test_what_one_question_finds_counts_where_the_whole_finds_nothing(store: Store, history: str) -> None:
    """A question that nothing answers costs the other none of its answers."""
    nowhere = "Which quokka won the trombone championship of the veterinary students in Wagga Wagga?"

    found = search_messages(store, f"{nowhere} {MOVED}")

    assert found.tier != "none"
    assert ANSWERS[0] in {item.message.text for item in found.items[:2]}


def test_what_all_questions_share_is_looked_up_once(store: Store, history: str, watch: Watch) -> None:
    """Which messages the filters let through, where a word is, and what is to be embedded are the same for each."""
    passes, waiting = watch(SqliteWords, "allowed"), watch(SqliteVectors, "pending")
    looked = watch(SqliteWords, "posting")
    text = f"{BAND} Who hurried to the zebra of the brassband? {MOVED}"

    for filters in (Filters(), Filters(ids=(history,))):
        search_messages(store, "brass", filters)
        waiting.clear()
        looked.clear()
        search_messages(store, text, filters)

        plain = [call for call in looked if "beside" not in call.named]
        assert plain
        assert all(call not in plain[:at] for at, call in enumerate(plain))
        assert 1 == len(waiting)
    assert 2 == len(passes)


def test_words_alone_are_all_asked_for(store: Store, history: str) -> None:
    """By words every one of them must be there, or is named: a text is one query."""
    assert search_messages(store, f"{BAND} {SARDINES}", options=SearchOptions(mode="lexical")).dropped


def test_a_context_holds_the_answers_to_every_question(store: Store, history: str) -> None:
    """The new message is read as the questions it asks."""
    built = assemble(store, store.get(history), Request(query=f"{BAND} {SARDINES} {MOVED}", budget=420))

    assert all(answer[:30] in str(built.wire) for answer in ANSWERS)


@pytest.mark.parametrize("text", ['"a phrase', "-not", "role:user", "a*", "?!", "x;y", "…"])
def test_a_message_is_never_taken_for_query_syntax(text: str) -> None:
    """Of what a message says only words and ends of sentences are asked."""
    query = parse(context.plain_words(text), NOW)
    assert not query.without
    assert not any(term.phrase or term.prefix for term in query.terms)
    assert query.filters == parse("", NOW).filters
