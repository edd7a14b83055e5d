"""Tests of the search language: words, phrases, minus words and fields, and that nothing ever fails."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.models import Filters, Term, is_symbol
from chatlog.query import (
    MAX_TERMS,
    QUESTION_CHARS,
    Query,
    bare,
    content_terms,
    folded,
    having,
    is_unspaced,
    is_weak,
    most_telling,
    parse,
    singular,
    split_runs,
    whole,
    without_endings,
)
from chatlog.stopwords import STOP_WORDS

from .store.making import NOW


def asked(text: str, filters: Filters = Filters(), now: datetime = NOW) -> Query:  # noqa: B008  frozen
    return parse(text, now, filters)


def words(text: str) -> list[str]:
    return [term.text for term in content_terms(asked(text).terms)]


# words


def test_blanks_part_words() -> None:
    """Words come out one by one, in order, as they were typed."""
    assert (Term("Retry"), Term("back-off"), Term("it's")) == asked("Retry  back-off\tit's").terms


def test_quotes_make_a_phrase() -> None:
    """What stands in quotes stays together, beside other words."""
    assert (Term("exact phrase", phrase=True), Term("word")) == asked('"exact phrase" word').terms


def test_a_quote_left_open_is_no_reason_to_fail() -> None:
    """Without its other half a quote only parts words."""
    assert (Term("an"), Term("open"), Term("quote")) == asked('an "open quote').terms


def test_a_star_finds_longer_words() -> None:
    """A star at the end makes a prefix; inside a phrase it is a character."""
    assert (Term("back", prefix=True), Term("a*", phrase=True)) == asked('back* "a*"').terms


def test_a_minus_excludes_a_word_or_a_phrase() -> None:
    """`-word` and `-"a phrase"` go to what must not be there; a minus inside a word is part of it."""
    found = asked('plan -draft -"old one" re-use')
    assert (Term("plan"), Term("re-use")) == found.terms
    assert (Term("draft"), Term("old one", phrase=True)) == found.without


@pytest.mark.parametrize("flag", ["--no-verify", "-f", "-1", "-20", "--level=debug", "-count=1", "-o/--output"])
def test_the_flag_of_a_command_is_a_word(flag: str) -> None:
    """Two minuses, or one before a letter, a number or a setting, exclude nothing: they are typed to commands."""
    found = asked(f"git commit {flag}")
    assert ((Term("git"), Term("commit"), Term(flag)), ()) == (found.terms, found.without)


@pytest.mark.parametrize("word", ["draft", "C++", "c#", "3.11", "v2", "re-use"])
def test_a_minus_before_any_other_word_excludes(word: str) -> None:
    """Unless the words are taken as they were typed."""
    assert (Term(word),) == asked(f"plan -{word}").without
    assert (Term("plan"), Term(word)) == asked(f"plan -{word}").as_typed().terms


def test_what_may_be_flags_of_a_command_are_bare_unwanted_words() -> None:
    """Neither a phrase nor a beginning; taken as they were typed they are wanted, and a phrase stays unwanted."""
    found = asked('rm -rf -"old one" -begin* build "this one"')
    assert (Term("rf"),) == found.flags
    typed = found.as_typed()
    words_typed = (Term("rm"), Term("rf"), Term("begin", prefix=True), Term("build"))
    assert (*words_typed, Term("this one", phrase=True)) == typed.terms
    assert (Term("old one", phrase=True),) == typed.without


@pytest.mark.parametrize("text", ["", " ", "-", '""', '"', "*", "?!", "- -", "::", "()", "-*", "\x00", "\u200b"])
def test_marks_alone_ask_nothing(text: str) -> None:
    """What holds no letter and no digit is no word."""
    assert Query(terms=()) == asked(text)


# fields


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("role:user", {"role": "user"}),
        ("tag:work tag:home", {"tags": ("work", "home")}),
        ("-tag:draft", {"no_tags": ("draft",)}),
        ("model:gpt-5", {"model": "gpt-5"}),
        ("source:chatgpt", {"source": "chatgpt"}),
        ("project:chatlog", {"project": "chatlog"}),
        ("author:ana", {"author": "ana"}),
        ("from:ana", {"author": "ana"}),
        ('title:"two words"', {"title": ("two words",)}),
        ("TITLE:a title:b", {"title": ("a", "b")}),
        ("since:7d", {"since": "2026-11-13T21:44:00.000Z"}),
        ("after:2026-01-31", {"since": "2026-01-31T00:00:00.000Z"}),
        ("until:2026-01-31", {"until": "2026-01-31T23:59:59.999Z"}),
        ("before:yesterday", {"until": "2026-11-19T23:59:59.999Z"}),
        ("is:pinned", {"pinned": True}),
        ("is:unpinned", {"pinned": False}),
        ("is:archived", {"archived": True}),
    ],
)
def test_a_field_narrows(text: str, expected: dict[str, Any]) -> None:
    """Every field of the help becomes its filter and leaves no word."""
    assert Query(terms=(), filters=Filters(**expected)) == asked(text)


@pytest.mark.parametrize(
    "text",
    [
        "role:nobody", "is:blue", "since:whenever", "http://example.org/a", "C:\\x", "std::move", "todo:",
        "-role:nobody", "-since:7d", "in:memory", "12:30", "a:b:c",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_field_is_a_word(text: str) -> None:
    """A field of no meaning, or with a value it cannot have, is searched for as it was typed."""
    found = asked(text)
    assert Filters() == found.filters
    assert text.lstrip("-") == (*found.terms, *found.without)[0].text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-role:tool", {"role": "tool"}),
        ("-source:codex", {"source": "codex"}),
        ("-from:ana", {"author": "ana"}),
        ('-title:"two words"', {"title": ("two words",)}),
        ("-Role:tool", {"role": "tool"}),
        ("-From:ana", {"author": "ana"}),
    ],
)
def test_a_field_with_a_minus_excludes(text: str, expected: dict[str, Any]) -> None:
    """What is of it is not looked for, and it leaves no word."""
    assert Query(terms=(Term("word"),), filters=Filters(excluded=(Filters(**expected),))) == asked(f"word {text}")


@pytest.mark.parametrize("text", ["since:9999-12-31T23:59:59-10:00", "since:0001-01-01T00:00:00+10:00"])
def test_a_date_beyond_the_calendar_is_a_word(text: str) -> None:
    """A date that overflows in UTC fails no search."""
    assert (Term(text),) == asked(text).terms


def test_fields_add_to_the_filters_given() -> None:
    """What is typed narrows what the options said, and wins where only one can hold."""
    given_filters = Filters(tags=("work",), role="user", model="gpt")
    expected = Filters(tags=("work", "home"), role="tool", model="gpt")
    assert expected == asked("tag:home role:tool", given_filters).filters


def test_in_says_where_to_look() -> None:
    """`in:title` and `in:tool` are places, not words; repeated, both."""
    found = asked("in:title word in:tool")
    assert (("title", "tool"), (Term("word"),)) == (found.within, found.terms)


def test_a_place_cannot_be_excluded() -> None:
    """`-in:title` says nothing about where to look."""
    assert ((), (Term("in:title"),)) == ((found := asked("word -in:title")).within, found.without)


# content


def test_a_question_is_reduced_to_what_it_is_about() -> None:
    """Stop words and their punctuation fall away, repetitions too."""
    assert ["decide", "database?"] == words("What did we decide about the database? Decide")


def test_stop_words_alone_are_searched_for() -> None:
    """Where nothing else is there, the words are taken as they come."""
    assert ["to", "be", "or", "not", "to", "be"] == words("to be or not to be")


def test_a_phrase_keeps_its_stop_words() -> None:
    """In quotes every word counts."""
    assert ["to be or not"] == words('"to be or not"')
    assert ["the", "plan"] == words('"the" plan')


def test_a_typographic_apostrophe_is_an_apostrophe() -> None:
    """`don’t` is the stop word `don't`."""
    assert "don't" in STOP_WORDS
    assert ["panic"] == words("don’t panic")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Caroline's parents", ["Caroline", "parents"]),
        ("Caroline’s? CAROLINE'S", ["Caroline", "CAROLINE"]),
        ("Ross 's son ca n't , they 're", ["Ross", "son", "ca", "they"]),
        ("\"Sorcerer's Stone\" dogs' o'clock", ["Sorcerer's Stone", "dogs'", "o'clock"]),
        ("'s", ["'s"]),
        ("l'appartement dell’acqua qu'avait D'Artagnan", ["appartement", "acqua", "avait", "Artagnan"]),
    ],
)
def test_words_are_looked_for_without_what_grammar_adds(text: str, left: list[str]) -> None:
    """Whose something is is asked by a name with an ending, which nobody else's message has."""
    assert left == [term.text for term in without_endings(asked(text).terms)]


def test_what_grammar_adds_stays_in_phrases_and_beginnings() -> None:
    """Those were asked for as they are."""
    kept = (Term("l'eau"), Term("d'or", phrase=True), Term("l'app", prefix=True), Term("dog's", phrase=True))
    assert (Term("eau"), *kept[1:]) == without_endings(kept)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("où est-il ?", ["où", "est-il?"]),
        ("Lisbon ?", ["Lisbon?"]),
        ("? Lisbon", ["Lisbon"]),
        ('"to Lisbon" ?', ["to Lisbon"]),
        ("Lisb* ?", ["Lisb"]),
        ("Lisbon ? Porto", ["Lisbon?", "Porto"]),
    ],
)
def test_the_mark_behind_a_blank_belongs_to_the_word_before_it(text: str, found: list[str]) -> None:
    """French puts a blank there, and without the mark it would be no question; a phrase or a beginning takes none."""
    assert found == [term.text for term in asked(text).terms]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("東京都", ["東京", "京都", "東", "京", "都"]),
        ("東京 大阪", ["東京", "東", "京", "大阪", "大", "阪"]),
        ("docker東京go", ["東京", "東", "京", "docker", "go"]),
        ("你的人", ["你的", "的人", "人"]),
        ("的", ["的"]),
        ('"東京都" plain', ["東京都", "plain"]),
        ("東京・大阪", ["東京", "大阪", "東", "京", "大", "阪"]),
    ],
)
def test_runs_without_blanks_are_looked_for_by_pairs_and_signs(text: str, pieces: list[str]) -> None:
    """The signs that only hold a sentence together count within pairs; what else touches a run is a word by itself."""
    assert pieces == [term.text for term in split_runs(asked(text).terms)]


def test_of_a_page_the_longest_words_are_looked_for() -> None:
    """In the order of the page; the rest is named."""
    page = [Term(f"{'x' * (number % 7)}{number}") for number in range(60)]
    kept, left = most_telling((*page,))
    assert (40, 20) == (len(kept), len(left)) == (MAX_TERMS, len(page) - MAX_TERMS)
    assert min(len(term.text) for term in kept) >= max(len(term.text) for term in left)
    assert ([*kept], left) == ([one for one in page if one in kept], [one for one in page if one not in kept])
    assert ((*page[:40],), []) == most_telling((*page[:40],))


def test_what_a_word_is_in_a_question() -> None:
    """A name by its capital; a word about the question, or a sign, weighs little; and a question may be for a talk."""
    assert [True, False, False, False] == [
        asked("Which hotel did Anna and BOB like").has_capital(Term(word)) for word in ("Anna", "Which", "BOB", "hotel")
    ]
    weak = ["discuss", "hotel", "的", "東京", "東京的"]
    assert [True, False, True, False, False] == [is_weak(Term(word)) for word in weak]
    assert [True, True, False, False] == [is_unspaced(Term(word)) for word in ("東", "東京", "東京都", "to")]
    talk = ["What did they discuss about the hotel", "what was discussed", "Which hotel", '"discussion" hotel']
    assert [True, False, False, False] == [asked(text).asks_for_talk for text in talk]
    assert [True, False] == [asked(text).is_question for text in ("Which hotel?", "hotel price")]


def test_a_capital_makes_a_name_in_english_alone() -> None:
    """In German any noun has one; what begins a question has one anyway, and what has none is no name."""
    name, noun = Term("Anna"), Term("Hotel")
    assert [True, False, False] == [
        asked(text).is_proper(term)
        for text, term in (("did Anna like it", name), ("Anna liked what", name), ("did anna", Term("anna")))
    ]
    german = asked("welches Hotel hat die Anna denn gemocht")
    assert [True, True] == [german.has_capital(term) for term in (name, noun)]
    assert [False, False] == [german.is_proper(term) for term in (name, noun)]


def test_the_question_of_a_long_text_is_its_beginning() -> None:
    """Nothing means what a whole log does."""
    assert f"{'word ' * QUESTION_CHARS}"[:QUESTION_CHARS] == asked("word " * QUESTION_CHARS).text
    assert 8_000 == QUESTION_CHARS


@pytest.mark.parametrize(
    ("term", "ending", "found"),
    [
        (Term("cat"), "", ["cat", "a cat!"]),
        (Term("cat"), "s?", ["cat", "a cat!", "cats"]),
        (Term("cat", prefix=True), "", ["cat", "a cat!", "cats", "category"]),
        (Term("c.t"), "", []),
        (Term("京都"), "", ["東京都"]),
    ],
)
def test_a_term_is_a_whole_word_where_there_are_blanks(term: Term, ending: str, found: list[str]) -> None:
    """Alone, with an ending, or as the beginning of one; what has no blanks between words is anywhere."""
    texts = ["cat", "a cat!", "cats", "category", "concat", "東京都"]
    assert found == [text for text in texts if re.search(whole(term, ending), text)]


def test_one_of_many_is_looked_for_by_the_same_word() -> None:
    """A plural loses its ending, but not what only looks like one, is short, or is quoted."""
    words_of = ["starters", "boss", "gas", "cats", "starter"]
    assert ["starter", "boss", "gas", "cat", "starter"] == [singular(Term(word)).text for word in words_of]
    assert Term("starters", phrase=True) == singular(Term("starters", phrase=True))


def test_titles_that_have_a_word_have_it_in_either_number() -> None:
    """In small letters or capitals, as a word by itself; marks alone are in none."""
    titles = {1: "Sourdough Starter", 2: "five starters", 3: "a restarter", 4: "Bread", 5: "who?"}
    for word in ("starter", "Starters?", "STARTER"):
        assert frozenset({1, 2}) == having(titles, Term(word))
    assert frozenset() == having(titles, Term("?!")) == having(titles, Term("rye"))


def test_words_are_compared_without_what_is_around_them() -> None:
    """Marks and capitals; in the index accents too, and ß is ss."""
    assert ["who's", "c++", "ça", ""] == [bare(text) for text in ("«Who’s?»", "(C++)", "¿Ça!", "…")]
    assert ["ca va", "strasse", "ecole"] == [folded(text) for text in ("Ça va", "Straße", "École")]


@given(st.text())
def test_any_text_is_a_query(text: str) -> None:
    """Parsing never raises, and every term holds something that can be found."""
    found = parse(text, NOW)
    terms = [*found.terms, *found.without]
    assert all(any(char.isalnum() or char == "_" or is_symbol(char) for char in term.text) for term in terms)
    assert set(content_terms(found.terms)) <= set(found.terms)


FRAGMENTS = st.sampled_from(
    [
        "-",
        '"',
        ":",
        "*",
        " ",
        "role",
        "since",
        "tag",
        "in",
        "title",
        "is",
        "user",
        "7d",
        "9999-12-31",
        "a",
        "入門",
        "\\",
    ]
)


@given(st.lists(FRAGMENTS, max_size=12).map("".join))
def test_any_mixture_of_the_marks_is_a_query(text: str) -> None:
    """The marks of the language in any order are understood or taken as words."""
    assert isinstance(parse(text, NOW), Query)


@given(st.lists(st.from_regex(r"[a-z]{3,8}", fullmatch=True), max_size=8))
def test_plain_words_come_out_as_they_went_in(given_words: list[str]) -> None:
    """A query of plain words is these words."""
    assert given_words == [term.text for term in asked(" ".join(given_words)).terms]


@pytest.mark.parametrize(
    ("text", "expected"), [("🎉 🎊", ["🎉", "🎊"]), ("done 🎉", ["done"]), ("-🎉 ?", []), ("©", [])]
)
def test_signs_are_asked_for_where_there_is_nothing_else(text: str, expected: list[str]) -> None:
    """An emoji beside words is how somebody speaks; by itself it is what they look for."""
    assert expected == [term.text for term in parse(text, NOW).terms]
