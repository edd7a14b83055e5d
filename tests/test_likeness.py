"""Tests of what is like a conversation or a message, by meaning and by words."""

from __future__ import annotations

import pytest

from chatlog.embedders.wordllama import WordLlama
from chatlog.errors import NotFoundError, NoVectorsError
from chatlog.likeness import similar
from chatlog.models import Conversation, Filters
from chatlog.results import SearchOptions
from chatlog.store import Store

from .store.making import say

TALKS = {
    "lisbon": ("Where shall we eat in Lisbon? I would like grilled fish.", "Try the sardines at the market."),
    "porto": ("Which restaurant in Porto serves good seafood?", "The octopus near the river is famous."),
    "sqlite": ("My SQLite database is locked when two processes write.", "Use WAL and a busy timeout."),
    "postgres": ("How do I tune database transactions for concurrent writes?", "Retry when two processes conflict."),
}


@pytest.fixture
def talks(store: Store) -> dict[str, Conversation]:
    return {
        name: store.new(messages=[say(question), say(answer, "assistant")])
        for name, (question, answer) in TALKS.items()
    }


def names(talks: dict[str, Conversation], found: list[str]) -> list[str]:
    by_id = {talk.id: name for name, talk in talks.items()}
    return [by_id[conversation] for conversation in found]


@pytest.mark.parametrize(("asked", "expected"), [("lisbon", "porto"), ("sqlite", "postgres")])
@pytest.mark.parametrize(("embedder", "mode"), [("wordllama", "semantic"), ("none", "lexical")])
def test_the_conversation_most_like_one_comes_first(
    asked: str, expected: str, embedder: str, mode: str, store: Store, talks: dict[str, Conversation]
) -> None:
    """Each other conversation stands there once at most, the nearest subject first, and never itself."""
    if (asked, embedder) == ("lisbon", "none"):
        pytest.skip("the two share no word")
    found = similar(store, talks[asked], options=SearchOptions(embedder=embedder))
    given = names(talks, [item.message.conversation for item in found.items])
    assert (expected, mode) == (given[0], found.mode)
    assert (len({*given}), False) == (len(given), asked in given)


def test_what_is_like_a_conversation_is_told_by_the_vectors_that_are_kept(
    store: Store, talks: dict[str, Conversation]
) -> None:
    """An embedder that does not answer is not asked for what is embedded already."""

    class Silent(WordLlama):
        def question(self, text: str, weights: bytes | None) -> list[float]:
            raise NoVectorsError("the embedder does not answer")

    similar(store, talks["lisbon"])
    found = similar(store, talks["lisbon"], options=SearchOptions(embedder=Silent()))
    assert ("semantic", ()) == (found.mode, found.warnings)


def test_messages_like_a_message_may_be_of_any_conversation(store: Store, talks: dict[str, Conversation]) -> None:
    """From one message, messages are found: itself never."""
    found = similar(store, talks["sqlite"], 1, options=SearchOptions(limit=2))
    refs = [(item.message.conversation, item.message.seq) for item in found.items]
    assert (talks["postgres"].id, 1) in refs
    assert (talks["sqlite"].id, 1) not in refs
    assert [None] * len(refs) == [item.matches for item in found.items]


def test_a_fork_s_message_of_the_same_number_is_no_part_of_a_message(store: Store) -> None:
    """A fork of a branch numbers its messages anew: another one of the parent's may stand there at the number asked."""
    talk = store.new(messages=[say("Where to?"), say("Lisbon.", "assistant"), say(TALKS["sqlite"][0])])
    store.add(talk.id, [say("Porto.", "assistant", parent=1), say(TALKS["postgres"][0])])
    store.fork(talk.id, 5)
    (first, *_) = similar(store, talk, 3).items
    assert (TALKS["postgres"][0], "semantic") == (first.message.text, similar(store, talk, 3).mode)


def test_filters_narrow_what_is_compared(store: Store, talks: dict[str, Conversation]) -> None:
    """What the filters leave out is not found, however alike."""
    store.tag([talks["porto"].id], add=["work"])
    found = similar(store, talks["lisbon"], filters=Filters(no_tags=("work",)))
    assert talks["porto"].id not in [item.message.conversation for item in found.items]


def test_nothing_is_like_the_only_conversation(store: Store) -> None:
    """Neither is anything like an empty one."""
    only, empty = store.new(messages=[say("we ate sardines")]), store.new()
    assert ["none", "none"] == [similar(store, one).tier for one in (only, empty)]


def test_a_message_that_is_not_there_is_named(store: Store) -> None:
    """As by every other verb."""
    with pytest.raises(NotFoundError):
        similar(store, store.new(messages=[say("we ate sardines")]), 7)
