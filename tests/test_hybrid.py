"""Search by both: what a question is refused for."""

from __future__ import annotations

import pytest

from chatlog import hybrid, query
from chatlog.hunt import Hunt
from chatlog.models import Filters, MessageDraft, Term
from chatlog.ranking import Scores, Weighed
from chatlog.results import SearchOptions
from chatlog.scope import Scope
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.words import Spot

ROLES = ("user", "assistant")
SPOT = Spot(1, 1, 1, None, "2026-11-20T00:00:00.000Z", 20, allowed=True)
NOWHERE = ("Joanna", "6d61daaa7eb206ce", "550e8400-e29b-41d4-a716-446655440000", "21815677981")
FISH = Weighed(Term("fish"), 4.0, frozenset({1}), frozenset(), frozenset(), 1.0)


def hunt_of(store: Store, asked: query.Query, size: int) -> Hunt:
    hunt = Hunt(Scope(store, asked.filters, SearchOptions()), asked)
    hunt.scope.size = size
    return hunt


def is_noise(
    store: Store,
    alike: float,
    words: float = 0.0,
    share: float = 0.0,
    *,
    size: int = 1_000,
    asked: str = "which fish is it?",
) -> bool:
    """Whether a question is refused whose one candidate scores so, in a history of so many messages."""
    hunt = hunt_of(store, query.parse(asked, store.clock()), size)
    terms = [FISH, *(Weighed(term, 4.0, frozenset()) for term in hunt.query.terms if term.text in NOWHERE)]
    field = hybrid._Field([SPOT], terms, Scores([words], [share], [share]), [alike], [0.35])
    return hybrid._is_noise(hunt, field, [0])


@pytest.mark.parametrize(("alike", "noise"), [(hybrid.ALIKE_ENOUGH + 0.01, False), (hybrid.ALIKE_ENOUGH - 0.01, True)])
def test_what_means_the_same_answers_a_question_without_its_words(store: Store, alike: float, noise: bool) -> None:
    """A question that shares no word with its answer is refused, unless their meanings are near enough."""
    assert noise == is_noise(store, alike)


def test_words_and_meaning_add_up(store: Store) -> None:
    """Half the question's words are not enough alone, nor is a likeness; together they are."""
    assert is_noise(store, 0.1, words=2.0, share=0.2)
    assert is_noise(store, 0.4)
    assert not is_noise(store, 0.4, words=2.0, share=0.2)


def test_a_likeness_alone_answers_no_question_with_a_name_that_is_nowhere(store: Store) -> None:
    """Who asks for somebody that nobody here speaks of asks another history."""
    assert not is_noise(store, hybrid.ALIKE_ENOUGH, asked="which fish is it that she likes?")
    assert is_noise(store, hybrid.ALIKE_ENOUGH, asked="which fish is it that Joanna likes?")


@pytest.mark.parametrize("number", NOWHERE[1:])
def test_the_numbers_of_a_pasted_message_do_not_refuse_it(store: Store, number: str) -> None:
    """Another time the same message has the number of another commit, session or run."""
    assert is_noise(store, 0.4, words=2.0, share=0.2, asked="which fish is it for Joanna")
    assert not is_noise(store, 0.4, words=2.0, share=0.2, asked=f"which fish is it for {number}")


def test_a_question_of_what_i_or_you_said_is_likely_meant_for_this_history(store: Store) -> None:
    """`I` and `you` are the names of those who have no other."""
    assert is_noise(store, 0.45, words=1.0, share=0.3, asked="which fish is it?")
    assert not is_noise(store, 0.45, words=1.0, share=0.3, asked="which fish did I name?")


@pytest.mark.parametrize(("asked", "first"), [("which fish did I like?", 0), ("which fish did you like?", 1)])
def test_what_somebody_said_is_found_by_who_said_it(store: Store, asked: str, first: int) -> None:
    """What I said is the user's, what you said the assistant's."""
    said = ["The fish I like is herring.", "The fish I like is salmon."]
    store.new(messages=[MessageDraft(role=role, text=text) for role, text in zip(ROLES, said, strict=True)])
    store.new(messages=[MessageDraft(role=role, text=text) for role, text in zip(ROLES[::-1], said, strict=True)])

    assert ROLES[first] == search_messages(store, asked).items[0].message.role


def test_a_word_of_a_question_that_is_nowhere_is_looked_for_by_its_beginning(store: Store) -> None:
    """As another form of it, and it is named as missing; a look-up finds what was typed, or nothing."""
    store.new(messages=[MessageDraft(role="user", text=text) for text in ("Wir renovieren das Haus.", "Im Mai dann.")])

    found = search_messages(store, "was ist mit der Renovierung?")

    assert ("Wir renovieren das Haus.", ("Renovierung?",)) == (found.items[0].message.text, found.dropped)
    assert "none" == search_messages(store, "Renovierung").tier


def test_a_name_is_not_looked_for_by_its_beginning(store: Store) -> None:
    """Carol is not Caroline, who is nowhere."""
    store.new(messages=[MessageDraft(role="user", text="Carol sang.")])
    assert "Caroline" in search_messages(store, "what was it that Caroline sang?").dropped
    assert "Carol sang." == search_messages(store, "what did carols sing?").items[0].message.text


def test_a_question_in_another_language_is_not_measured_by_those_in_english(store: Store) -> None:
    """It is answered where a word of it is somewhere."""
    assert is_noise(store, 0.2, words=1.0, asked="which fish is it?")
    assert not is_noise(store, 0.2, words=1.0, asked="welcher fish ist das?")
    assert is_noise(store, 0.2, asked="welcher fish ist das?")


def test_chance_brings_more_where_there_is_more(store: Store) -> None:
    """What answers a question in a small history is what chance brings in a large one."""
    assert not is_noise(store, 0.5, words=1.2, share=0.1, size=100)
    assert is_noise(store, 0.5, words=1.2, share=0.1, size=100_000)


def test_a_reply_is_ahead_and_a_question_behind(store: Store) -> None:
    """Who asks does not know; who replies may."""
    talks = ("The walrus likes some fish.", "Fine."), ("Which fish does the walrus like?", "Herring.")
    for talk in reversed(talks):
        store.new(messages=[MessageDraft(role="user", text=text) for text in talk])

    found = [item.message.text for item in search_messages(store, "what fish is it that a walrus likes?").items]

    assert found.index("The walrus likes some fish.") < found.index("Which fish does the walrus like?")
    assert found.index("Herring.") < found.index("Fine.")


def test_of_two_as_good_the_one_with_what_is_asked_for_is_first(store: Store) -> None:
    """When is answered by a time."""
    texts = ("The walrus came to the harbour in June.", "The walrus came to the harbour in haste.")
    for text in texts:
        store.new(messages=[MessageDraft(role="user", text=text)])

    orders = [
        [item.message.text for item in search_messages(store, question).items]
        for question in ("when did the walrus come to the harbour?", "how did the walrus come to the harbour?")
    ]

    assert [*texts] == orders[0]
    assert [*reversed(texts)] == orders[1]


def test_a_name_is_found_where_the_question_says_whose_something_is(store: Store) -> None:
    """`Ann's` asks for Ann, and her own word is ahead of another's."""
    store.new(
        messages=[
            MessageDraft(role="user", author=author, text=f"the walrus {number} is my favourite of them")
            for number, author in enumerate(("Bob", "Ann", "Bob"))
        ]
    )
    assert "Ann" == search_messages(store, "which walrus was Ann's favourite?").items[0].message.author


@pytest.mark.parametrize(
    ("question", "alone"), [("what was the discussion of walrus food?", False), ("what of the walrus food?", True)]
)
def test_of_a_discussion_the_stretch_of_talk_about_it_comes_first(store: Store, question: str, alone: bool) -> None:
    """A line that holds all of the words is nothing beside a talk about them, where that is what is asked for."""
    about = [f"{word} number {number} of the list" for number in range(12) for word in ("The walrus", "Some food")]
    lines = ["I bought walrus food.", *["Well."] * 60, *about]
    talk = store.new(messages=[MessageDraft(role="user", text=text) for text in lines])

    found = search_messages(store, question, Filters(ids=(talk.id,)))

    assert alone == (found.items[0].message.text == lines[0])


def test_less_is_enough_in_a_chosen_conversation(store: Store) -> None:
    """Who names the conversation knows that it is there."""
    asked = query.parse("which fish is it?", store.clock(), Filters(ids=("x",)))
    field = hybrid._Field([SPOT], [FISH], Scores([0.8], [0.0]), [0.25], [0.35])
    assert is_noise(store, 0.25, words=0.8)
    assert not hybrid._is_noise(hunt_of(store, asked, size=1_000), field, [0])
