"""When a question is refused: what chance brings is no answer."""

from __future__ import annotations

import pytest

from chatlog import noise, query
from chatlog.candidates import Candidates
from chatlog.hunt import Hunt
from chatlog.models import Filters, Term
from chatlog.noise import ALIKE_ENOUGH
from chatlog.ranking import Scores, Weighed
from chatlog.results import SearchOptions
from chatlog.scope import Scope
from chatlog.store import Store
from chatlog.store.words import Spot

SPOT = Spot(1, 1, 1, None, "2026-11-20T00:00:00.000Z", 20, allowed=True)
NOWHERE = ("Joanna", "6d61daaa7eb206ce", "550e8400-e29b-41d4-a716-446655440000", "21815677981")
FISH = Weighed(Term("fish"), 4.0, frozenset({1}), frozenset(), frozenset(), 1.0)


def is_noise(
    store: Store,
    alike: float,
    words: float = 0.0,
    share: float = 0.0,
    *,
    size: int = 1_000,
    asked: str = "which fish is it?",
    filters: Filters = Filters(),  # noqa: B008  frozen
) -> bool:
    """Whether a question is refused whose one candidate scores so, in a history of so many messages."""
    hunt = Hunt(Scope(store, filters, SearchOptions()), query.parse(asked, store.clock(), filters))
    hunt.scope.size = size
    terms = [FISH, *(Weighed(term, 4.0, frozenset()) for term in hunt.query.terms if term.text in NOWHERE)]
    found = Candidates([SPOT], terms, Scores([words], [share], [share]), [alike], [0.35])
    return noise.is_noise(hunt, found, [0])


@pytest.mark.parametrize(("alike", "refused"), [(ALIKE_ENOUGH + 0.01, False), (ALIKE_ENOUGH - 0.01, True)])
def test_what_means_the_same_answers_a_question_without_its_words(store: Store, alike: float, refused: bool) -> None:
    """A question that shares no word with its answer is refused, unless their meanings are near enough."""
    assert refused == is_noise(store, alike)


def test_words_and_meaning_add_up(store: Store) -> None:
    """Half the question's words are not enough alone, nor is a likeness; together they are."""
    assert is_noise(store, 0.1, words=2.0, share=0.2)
    assert is_noise(store, 0.4)
    assert not is_noise(store, 0.4, words=2.0, share=0.2)


def test_a_likeness_alone_answers_no_question_with_a_name_that_is_nowhere(store: Store) -> None:
    """Who asks for somebody that nobody here speaks of asks another history."""
    assert not is_noise(store, ALIKE_ENOUGH, asked="which fish is it that she likes?")
    assert is_noise(store, ALIKE_ENOUGH, asked="which fish is it that Joanna likes?")


@pytest.mark.parametrize("number", NOWHERE[1:])
def test_the_numbers_of_a_pasted_message_do_not_refuse_it(store: Store, number: str) -> None:
    """Another time the same message has the number of another commit, session or run."""
    assert is_noise(store, 0.4, words=2.0, share=0.2, asked="which fish is it for Joanna")
    assert not is_noise(store, 0.4, words=2.0, share=0.2, asked=f"which fish is it for {number}")


def test_a_question_of_what_i_or_you_said_is_likely_meant_for_this_history(store: Store) -> None:
    """`I` and `you` are the names of those who have no other."""
    assert is_noise(store, 0.45, words=1.0, share=0.3, asked="which fish is it?")
    assert not is_noise(store, 0.45, words=1.0, share=0.3, asked="which fish did I name?")


def test_a_question_in_another_language_is_not_measured_by_those_in_english(store: Store) -> None:
    """It is answered where a word of it is somewhere."""
    assert is_noise(store, 0.2, words=1.0, asked="which fish is it?")
    assert not is_noise(store, 0.2, words=1.0, asked="welcher fish ist das?")
    assert is_noise(store, 0.2, asked="welcher fish ist das?")


def test_chance_brings_more_where_there_is_more(store: Store) -> None:
    """What answers a question in a small history is what chance brings in a large one."""
    assert not is_noise(store, 0.5, words=1.2, share=0.1, size=100)
    assert is_noise(store, 0.5, words=1.2, share=0.1, size=100_000)


def test_less_is_enough_in_a_chosen_conversation(store: Store) -> None:
    """Who names the conversation knows that it is there."""
    assert is_noise(store, 0.25, words=0.8)
    assert not is_noise(store, 0.25, words=0.8, filters=Filters(ids=("x",)))
