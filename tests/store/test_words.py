"""The word index as ranking asks it: postings, and what stands around a message."""

from __future__ import annotations

from pathlib import Path

import chatlog
from chatlog.models import ConversationDraft, Term
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.store.words import Posting

from .making import say

TEXT = ("text",)


def test_a_posting_says_how_many_there_are(store: Store) -> None:
    """Where there are too many the latest are given, and how many there are is taken from how far back they reach."""
    store.new(messages=[say(f"{'zebra' if number % 2 else 'ox'} {number}") for number in range(1, 41)])
    assert Posting(frozenset(range(1, 40, 2)), 20) == store.words.posting([Term("zebra")], TEXT, 30)
    found = store.words.posting([Term("zebra")], TEXT, 5)
    assert (frozenset({31, 33, 35, 37, 39}), 20, 31, False) == (found.bodies, found.total, found.since, found.complete)
    assert frozenset({7, 9}) == store.words.posting([Term("zebra")], TEXT, 30, span=(6, 10)).bodies


def test_the_size_is_exact_where_nobody_else_has_any(tmp_path: Path) -> None:
    """What was deleted does not count, nor what two conversations share; of one user among others it is about right."""
    with chatlog.open(tmp_path / "all.db", "ana") as ana, chatlog.open(tmp_path / "all.db", "ben") as ben:
        assert 0 == ana.words.size()
        name = ana.new(messages=[say(f"number {number}") for number in range(300)]).id
        ana.fork(name, 200)
        ana.forgetting.remove([ana.new(messages=[say("gone")]).id], Cause("erase"), stop=bool)
        assert 300 == ana.words.size()
        ben.new(messages=[say("a zebra")])
        assert (500, 1) == (ana.words.size(), ben.words.size())


def test_others_change_nothing(tmp_path: Path) -> None:
    """A posting is the same whether others have the word or are there at all."""
    with chatlog.open(tmp_path / "all.db", "ana") as ana, chatlog.open(tmp_path / "all.db", "ben") as ben:
        ana.new(messages=[say("a zebra"), say("an ox")])
        alone = ana.words.posting([Term("zebra")], TEXT, 10)
        ben.new(messages=[say("a zebra")])
        assert alone == ana.words.posting([Term("zebra")], TEXT, 10)
        assert frozenset({3}) == ben.words.posting([Term("zebra")], TEXT, 10).bodies


def test_neighbours_stand_in_order_each_once(store: Store) -> None:
    """What is around messages near each other is told once, and nothing of other conversations."""
    store.new(messages=[say(f"one {number}") for number in range(10)])
    store.new(messages=[say(f"two {number}") for number in range(3)])
    spots = store.words.spots([4, 5, 13], 0)
    assert [(1, 4, 4), (1, 5, 5), (2, 3, 13)] == [spot[:3] for spot in spots]
    around = store.words.surroundings(spots, 2)
    assert [*range(2, 8), 11, 12, 13, 0, 0] == around.row
    assert [2, 3, 8] == around.spots


def test_what_is_out_of_reach_stays_so_in_a_row(store: Store) -> None:
    """Whatever stands where, of a row only what is within reach in the conversation is near a spot."""
    names = [store.new(messages=[say(f"{name} {number}") for number in range(12)]).id for name in ("one", "two")]
    store.fork(names[0], 7)
    for bodies in ([1, 12, 13, 24], [5, 6, 9], [7, 20], [3]):
        spots = store.words.spots(bodies, 0)
        around = store.words.surroundings(spots, 3)
        near = [[body for body in around.row[here - 3 : here + 4] if body] for here in around.spots]
        assert [spot.body for spot in spots] == [around.row[here] for here in around.spots]
        assert [
            [
                one.body
                for one in store.words.spots([spot.body], 3)
                if one.conversation == spot.conversation and abs(one.seq - spot.seq) <= 3
            ]
            for spot in spots
        ] == near


def test_titles_are_the_users_own_and_those_that_somebody_gave_are_told_apart(tmp_path: Path) -> None:
    """One made of the first words says what a message says."""
    with chatlog.open(tmp_path / "all.db", "ana") as ana, chatlog.open(tmp_path / "all.db", "ben") as ben:
        ana.new(messages=[say("a zebra")])
        ana.new(ConversationDraft(title="The ox"), [say("a cow")])
        ana.new()
        ben.new(ConversationDraft(title="Ben's"), [say("mine")])
        everything = range(1, 9)
        assert ["The ox"] == [*ana.words.titles(everything, given=True).values()]
        assert {"The ox", "a zebra"} == {*ana.words.titles(everything, given=False).values()}
        assert ["Ben's"] == [*ben.words.titles(everything, given=False).values()]
