"""Search by both: in what order answers come."""

from __future__ import annotations

import pytest

from chatlog.models import Filters, MessageDraft
from chatlog.search import search_messages
from chatlog.store import Store

ROLES = ("user", "assistant")


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
