"""Tests of the index of meanings: it is filled when it is needed, goes on where it stopped, and forgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import chatlog
from chatlog import meaning
from chatlog.embedders import embedder
from chatlog.embedders.wordllama import WordLlama
from chatlog.errors import NoVectorsError
from chatlog.models import ConversationDraft, Filters
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.store.sqlite import meanings
from chatlog.store.sqlite import vectors as vector_rows

from .store.making import say

if TYPE_CHECKING:
    from chatlog.embedders import Matrix


def vectors(store: Store) -> int:
    state = store.vectors.state()
    return len(store.vectors.codes(range(1, 100))) if state else 0


def test_a_search_embeds_what_is_new(store: Store) -> None:
    """Adding a message writes no vector; the next search by meaning does, and a search by words does not."""
    name = store.new(messages=[say("we ate sardines by the harbour")]).id
    search_messages(store, "sardines", options=SearchOptions(mode="lexical"))
    assert 0 == vectors(store)
    assert "hybrid" == search_messages(store, "where was the fish eaten?").mode
    store.add(name, [say("the ferry was late")])
    assert (1, 1) == (vectors(store), store.vectors.waiting(10))
    search_messages(store, "ferry")
    assert (2, 0) == (vectors(store), store.vectors.waiting(10))


def test_a_deleted_body_leaves_no_vector(store: Store) -> None:
    """What forgets a body forgets its vectors, in both tables."""
    name = store.new(messages=[say("we ate sardines by the harbour"), say("the ferry was late")]).id
    search_messages(store, "fish")
    store.forgetting.take_out([(name, 1)], Cause("erase"))
    assert 1 == vectors(store)
    question = meaning.index_for(store, "wordllama").question("sardines", ())
    assert question
    assert [2] == question.nearest(store, 5)


def missing(connection: object) -> None:
    raise NoVectorsError("sqlite-vec is not installed for this platform", "search works by words")


def test_a_shouted_question_means_the_same(store: Store) -> None:
    """Capitals are other tokens; of a word or two they are an abbreviation, and stay."""
    store.new(messages=[say("we sail at dawn to fish for sardines by the harbour")])
    search_messages(store, "sardines")
    index = meaning.index_for(store, "wordllama")
    whispered, shouted, asked, short = (
        (index.question(text, ()) or pytest.fail("no index")).row
        for text in ("where do we sail", "WHERE DO WE SAIL", "sql", "SQL")
    )
    assert whispered == shouted
    assert asked != short


def test_an_index_from_elsewhere_without_the_extension_leaves_the_words(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was embedded where sqlite-vec is, is searched by words where it is not, and says so."""
    store.new(messages=[say("we ate sardines by the harbour")])
    search_messages(store, "sardines")

    monkeypatch.setattr(meanings, "load_extension", missing)
    found = search_messages(store, "where were sardines eaten?")
    assert ("lexical", 1, 1) == (found.mode, len(found.items), len(found.warnings))


def test_an_index_that_was_dropped_without_the_extension_can_be_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bits stayed in the file, under the very ids that the same messages have again."""
    store.new(messages=[say("we ate sardines by the harbour"), say("the ferry was late")])
    search_messages(store, "sardines")

    with monkeypatch.context() as patch, store._pool.write() as connection:  # type: ignore[attr-defined]
        patch.setattr(vector_rows, "load_extension", missing)
        vector_rows.drop(connection)
    assert "hybrid" == search_messages(store, "where were sardines eaten?").mode
    assert [] == [check.detail for check in store.checks() if not check.ok]


def test_an_interrupted_index_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is kept, so that a run after an interruption embeds only the rest."""
    store.new(messages=[say(f"message number {number}") for number in range(10)])
    provider = embedder("wordllama")
    monkeypatch.setattr(type(provider), "batch", 4)

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        meaning.bring_up_to_date(store, provider, progress=interrupt)
    assert (4, 6) == (vectors(store), store.vectors.waiting(100))
    assert 6 == meaning.bring_up_to_date(store, provider)
    assert (10, 0) == (vectors(store), meaning.bring_up_to_date(store, provider))


class Interleaved(WordLlama):
    """The embedder of one process; while it embeds for the n-th time, another process does something."""

    batch = 4

    def __init__(self, during: int, other: Callable[[], object]) -> None:
        super().__init__()
        self.during = during
        self.other = other

    def embed(self, texts: Sequence[str], weights: bytes | None) -> Matrix:
        self.during -= 1
        if self.during == 0:
            self.other()
        return super().embed(texts, weights)


@pytest.mark.parametrize("during", [1, 2, 3])
@pytest.mark.parametrize("rebuild", [False, True])
@pytest.mark.parametrize("most", [None, 4])
def test_two_processes_that_embed_leave_nothing_out(store: Store, during: int, rebuild: bool, most: int | None) -> None:
    """Whenever another process goes on with the index or begins it anew, every message is in it in the end."""
    store.new(messages=[say(f"message number {number}") for number in range(10)])
    plain = Interleaved(0, bool)

    def other() -> None:
        if rebuild:
            meaning.begin(store, plain)
        meaning.bring_up_to_date(store, plain, most)

    meaning.bring_up_to_date(store, Interleaved(during, other))
    state = store.vectors.state()
    assert state is not None
    assert (10, 10, 0) == (vectors(store), state.vectors, store.vectors.waiting(10))


def test_an_index_that_another_embedder_took_is_left_to_it(store: Store) -> None:
    """Vectors of two embedders never stand in one index: who comes late is told so."""
    store.new(messages=[say(f"message number {number}") for number in range(10)])

    class Another(Interleaved):
        fingerprint = "another"

    provider = Interleaved(3, lambda: meaning.bring_up_to_date(store, Another(0, bool)))
    with pytest.raises(NoVectorsError, match="another embedder"):
        meaning.bring_up_to_date(store, provider)
    state = store.vectors.state()
    assert state is not None
    assert ("another", 10, 10) == (state.fingerprint, state.vectors, vectors(store))


def test_two_users_meanings_never_meet(tmp_path: Path) -> None:
    """The nearest of a user are that user's, however near another's are."""
    path = tmp_path / "all.db"
    with chatlog.open(path, "ana") as ana, chatlog.open(path, "ben") as ben:
        for number in range(30):
            ben.new(messages=[say(f"we ate sardines by the harbour {number}")])
        ana.new(messages=[say("a fish dinner near the sea")])
        search_messages(ben, "sardines")
        found = search_messages(ana, "what did we eat at the sea?")
        assert ["a fish dinner near the sea"] == [item.message.text for item in found.items]


def test_filters_hold_before_the_nearest_are_cut(store: Store) -> None:
    """A conversation far from the question still gives its nearest messages."""
    for number in range(80):
        store.new(messages=[say(f"we ate sardines by the harbour {number}")])
    name = store.new(ConversationDraft(), [say(f"a word on databases {number}") for number in range(5)]).id
    found = search_messages(store, "sardines by the harbour?", Filters(ids=(name,)), SearchOptions(mode="semantic"))
    assert {name} == {item.message.conversation for item in found.items} or "none" == found.tier


def test_a_reply_is_found_by_its_question(store: Store) -> None:
    """Words said around a message count for it."""
    store.new(messages=[say("Where shall we have dinner in Lisbon?"), say("Try Campo de Ourique.", "assistant")])
    store.new(messages=[say("nothing of that kind")])
    found = search_messages(store, "which place for dinner in Lisbon was recommended?")
    assert "Try Campo de Ourique." in [item.message.text for item in found.items]


def test_what_is_very_near_is_not_lost_among_others() -> None:
    """A message means what stands around it, too; the most alike of them counts beside the blend of all."""
    row = [0.0, 0.0, 0.2, 0.2, 0.8, 0.2, 0.2, 0.0, 0.0]
    known = bytes([0, 0, 1, 1, 1, 1, 1, 0, 0])

    alike = [meaning._blended(row[at : at + 5], known[at : at + 5]) for at in range(5)]

    assert alike[2] == max(alike)
    assert alike[1] == pytest.approx(alike[3])
    assert alike[1] > alike[0] > 0.3
    assert alike[2] > meaning._blended([0.32] * 5, b"\1" * 5) + 0.2
    assert -1.0 == meaning._blended(row[:5], bytes(5))


def test_an_unrelated_question_is_answered_with_nothing(store: Store) -> None:
    """No result is better than a wrong one."""
    store.new(messages=[say("we ate sardines by the harbour")])
    assert "none" == search_messages(store, "How does the compiler allocate registers for loops?").tier


def test_a_literal_path_comes_first(store: Store) -> None:
    """What stands as it was typed is ahead of what is near it."""
    store.new(messages=[say("the app and its source in python"), say("see src/app.py for it"), say("src of app, py")])
    assert "see src/app.py for it" == search_messages(store, "src/app.py").items[0].message.text
