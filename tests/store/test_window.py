"""Tests of what contexts read of a store: totals of tokens, kept and forgotten with the messages they are of."""

from __future__ import annotations

import pytest

from chatlog.models import ConversationDraft, Message, MessageDraft
from chatlog.store import Store
from chatlog.store.sqlite import window

from .making import of, only, talk

ENCODING = "words"


def words(message: Message) -> int:
    return len(message.text.split())


def counted(store: Store, name: str) -> int:
    return store.windows.opening(name, ENCODING, words).tokens


def said(*texts: str, **header: object) -> list[ConversationDraft | MessageDraft]:
    return of("c", talk(*texts), **header)


def test_words_that_change_while_they_are_counted_change_no_count_of_a_fork(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork keeps the words that an import replaces elsewhere, and what they count."""
    monkeypatch.setattr(window, "_BATCH", 1)
    store.ingest("chatgpt", said("one", "two three"))
    name = only(store)
    fork = store.fork(name)
    updates = [said("one", "four five six seven", updated_at="2030-01-01T00:00:00Z")]

    def while_others_import(message: Message) -> int:
        if updates:
            store.ingest("chatgpt", updates.pop())
        return words(message)

    store.windows.opening(name, ENCODING, while_others_import)
    assert (5, 3) == (counted(store, name), counted(store, fork.id))


@pytest.mark.parametrize("now", [("one", "two", "three"), ("one", "two three four")], ids=["longer", "changed"])
def test_an_import_makes_a_number_of_tokens_unknown(store: Store, now: tuple[str, ...]) -> None:
    """What was counted of a conversation is not shown of it once it says something else."""
    store.ingest("chatgpt", said("one", "two"))
    name = only(store)
    before = counted(store, name), store.get(name).tokens
    store.ingest("chatgpt", said(*now))
    after = store.get(name).tokens
    assert ((2, 2), None, len(" ".join(now).split())) == (before, after, counted(store, name))


def test_an_import_of_the_same_leaves_the_number_of_tokens(store: Store) -> None:
    """Nothing is counted again where nothing changed."""
    store.ingest("chatgpt", said("one", "two"))
    name = only(store)
    counted(store, name)
    store.ingest("chatgpt", said("one", "two", model="gpt-5"))
    assert (2, "gpt-5") == (store.get(name).tokens, store.get(name).model)


def test_an_answer_makes_a_number_of_tokens_unknown(store: Store) -> None:
    """It is counted when it is asked for again."""
    store.ingest("chatgpt", said("one", "two"))
    name = only(store)
    counted(store, name)
    store.add(name, [MessageDraft(role="assistant", text="three four")])
    assert (None, 4) == (store.get(name).tokens, counted(store, name))
