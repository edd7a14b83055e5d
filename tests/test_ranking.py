"""Ranking: what words count nearby, and what of a question is held to be answered."""

from __future__ import annotations

import math
import random

import pytest

from chatlog.models import Term
from chatlog.ranking import (
    AFTER,
    AUTHOR,
    BEFORE,
    LENGTH,
    REACH,
    SATURATION,
    SHARED,
    SMALL,
    STRETCH,
    TELLING,
    TITLE,
    TOOL,
    DateWords,
    Weighed,
    best_seeds,
    by_conversation,
    by_stretch,
    rarity,
    word_scores,
)
from chatlog.store.words import Spot, Surroundings


def row_of(spots: list[Spot]) -> Surroundings:
    """Return spots as all that there is, conversations out of reach of each other."""
    places = [spot.conversation * 1_000 + spot.seq for spot in spots]
    row = [0] * (max(places, default=0) + REACH + 1)
    for place, spot in zip(places, spots, strict=True):
        row[place] = spot.body
    return Surroundings(row, places)


def test_a_word_farther_off_ranks_but_is_no_share_of_the_question() -> None:
    """A word counts for all within reach, the nearer the more; only those close by are said to hold it."""
    spots = [Spot(1, seq, seq, None, "2026-11-20T00:00:00.000Z", 20, allowed=True) for seq in range(1, 12)]

    scores = word_scores(spots, row_of(spots), [Weighed(Term("zebra"), 2.0, frozenset({1}))])

    assert sorted(scores.words, reverse=True) == scores.words
    assert REACH + 1 == sum(score > 0 for score in scores.words)
    assert SHARED + 1 == sum(share > 0 for share in scores.shares)


def test_scores_are_those_of_the_formula() -> None:
    """BM25F, spelt out: a word in a message, its tool text, those around it, its author's name, a title; the length."""
    chance = random.Random(7)
    spots = [
        Spot(talk, seq, 100 * talk + seq, None, "2026-11-20T00:00:00.000Z", chance.randrange(1, 400), allowed=True)
        for talk, seq in sorted({(chance.randrange(1, 3), chance.randrange(40)) for _ in range(60)})
    ]
    bodies = [spot.body for spot in spots]
    held = [[frozenset(chance.sample(bodies, count)) for count in (6, 4, 2)] for _ in range(4)]
    terms = [
        Weighed(Term("zebra"), chance.uniform(0.5, 5), *places, titled, nearby=chance.choice([0.1, 1.0]))
        for places, titled in zip(held, [frozenset(talks) for talks in ((1,), (1, 2), (), ())], strict=True)
    ]
    mean = sum(spot.size for spot in spots) / len(spots)
    around = {-distance: share for distance, share in enumerate(BEFORE, 1)} | dict(enumerate(AFTER, 1))

    def score(spot: Spot, term: Weighed) -> float:
        counts = {body: (body in term.shown) + TOOL * (body in term.tool) for body in bodies}
        near = sum(share * counts.get(spot.body + step, 0.0) for step, share in around.items())
        frequency = counts[spot.body] / (1 - LENGTH + LENGTH * spot.size / mean) + near * term.nearby
        frequency += AUTHOR * (spot.body in term.authored) + TITLE * (spot.conversation in term.titled)
        return term.weight * frequency / (SATURATION + frequency)

    scores = word_scores(spots, row_of(spots), terms, [2.0] * len(spots))

    assert pytest.approx([1.0 + sum(score(spot, term) for term in terms) for spot in spots]) == scores.words


def test_a_rarer_word_weighs_more() -> None:
    """As BM25 has it; in a small history one message more or less says little."""
    assert pytest.approx(math.log(1 + 997.5 / 3.5)) == rarity(3, 1_001 - 1)
    assert rarity(3, SMALL) == rarity(3, 10) > rarity(4, 10) > 0
    assert 0 < rarity(500, 400) < rarity(1, 500)


def test_what_follows_a_word_is_ahead_of_what_comes_before_it() -> None:
    """Things are introduced, then told: of two messages as far from a word the later one ranks higher."""
    spots = [Spot(1, seq, seq, None, "2026-11-20T00:00:00.000Z", 20, allowed=True) for seq in range(1, 8)]

    words = word_scores(spots, row_of(spots), [Weighed(Term("zebra"), 2.0, frozenset({4}))]).words

    assert words[3] == max(words)
    assert all(words[3 + distance] > words[3 - distance] for distance in (1, 2, 3))


def test_who_is_named_speaks_of_the_rest_of_the_question() -> None:
    """It counts only where that stands, and is said by whom the question names."""
    spots = [
        Spot(1, seq, seq, "Ann" if seq % 2 else "Bob", "2026-11-20T00:00:00.000Z", 20, allowed=True)
        for seq in range(1, 12)
    ]
    ann = Weighed(Term("Ann"), 1.0, frozenset(), authored=frozenset(range(1, 12, 2)))
    terms = [ann, Weighed(Term("zebra"), 3.0, frozenset({4})), Weighed(Term("gnu"), 1.0, frozenset({10}))]

    named = word_scores(spots, row_of(spots), terms).named

    assert [0, 0, 0.75, 0, 0.75, 0, 0, 0, 0.25, 0, 0.25] == named


def test_those_whose_words_are_asked_for_speak_of_the_question() -> None:
    """Like the one it names, where the rest of it stands right there."""
    spots = [Spot(1, seq, seq, None, "2026-11-20T00:00:00.000Z", 20, allowed=True) for seq in range(1, 8)]

    zebra = Weighed(Term("zebra"), 2.0, frozenset({2}))
    named = word_scores(spots, row_of(spots), [zebra], theirs=frozenset({1, 3, 7})).named

    assert [1, 0, 1, 0, 0, 0, 0] == named


def test_a_conversation_with_more_of_it_counts_more() -> None:
    """The best of each are added up, no more of a long one than of others."""
    spots = [
        Spot(conversation, seq, 100 * conversation + seq, None, "2026-11-20T00:00:00.000Z", 20, allowed=True)
        for conversation, length in ((1, 2), (2, TELLING), (3, 20))
        for seq in range(length)
    ]
    shares = by_conversation(spots, [1.0] * len(spots))
    assert [2 / TELLING] * 2 + [1.0] * (TELLING + 20) == shares


def test_a_stretch_is_all_that_is_near_in_the_same_conversation() -> None:
    """What one pass adds up is what a look at each pair does."""
    chance = random.Random(5)
    places = sorted({(chance.randrange(3), chance.randrange(6 * STRETCH)) for _ in range(300)})
    spots = [Spot(talk, seq, 1, None, "2026-11-20T00:00:00.000Z", 20, allowed=True) for talk, seq in places]
    scores = [float(chance.randrange(8)) for _ in spots]
    sums = [
        sum(
            score
            for (other, at), score in zip(places, scores, strict=True)
            if talk == other and abs(at - seq) <= STRETCH
        )
        for talk, seq in places
    ]

    assert [one / max(sums) for one in sums] == by_stretch(spots, scores)


@pytest.mark.parametrize("wanted", [1, 3, 8, 100])
def test_the_best_seeds_are_those_of_a_full_count(wanted: int) -> None:
    """Leaving off early changes nothing of who is best."""
    chance = random.Random(wanted)
    for _ in range(200):
        terms = [
            Weighed(Term(f"t{number}"), chance.choice([0.5, 1.0, 2.5, 6.0]), frozenset(chance.sample(range(60), size)))
            for number, size in enumerate(chance.choices(range(1, 50), k=5))
        ]
        sums = {body: sum(term.weight for term in terms if body in term.bodies) for body in range(60)}
        full = sorted((body for body in sums if sums[body]), key=lambda body: (-sums[body], -body))
        assert full[:wanted] == best_seeds(terms, wanted, frozenset)


@pytest.mark.parametrize(
    ("question", "dates"),
    [
        ("what may I eat", (None, None, None, None)),
        ("May I ask who sat in the sun?", (None, None, None, None)),
        ("which sun cream did you recommend for the long march", (None, None, None, None)),
        ("what did we do in may 2023", (2023, 5, None, None)),
        ("the party on the 5th of may", (None, 5, 5, None)),
        ("march 5", (None, 3, 5, None)),
        ("What of the March meeting?", (None, 3, None, None)),
        ("who came on sat", (None, None, None, 5)),
        ("what did we decide last Tuesday", (None, None, None, 1)),
    ],
)
def test_a_word_that_is_a_month_or_a_day_only_at_times_is_one_within_a_date(
    question: str, dates: tuple[int | None, ...]
) -> None:
    """By its capital within a sentence, or by what stands beside it."""
    assert dates == DateWords.of(question)


def test_a_date_counts_by_its_parts() -> None:
    """The rarer a part, the more: a day of the month tells more than the month, that more than the year."""
    at = ["2023-05-07", "2023-05-08", "2023-06-07", "2024-05-07", "2024-06-07"]
    spots = [Spot(1, seq, seq, None, f"{day}T12:00:00.000Z", 20, allowed=True) for seq, day in enumerate(at)]
    year, month, day, weekday = map(math.log, (3, 12, 30, 7))

    assert [] == DateWords.of("what did we eat").weights(spots)
    expected = [year + month + day, year + month, year, month + day, 0.0]
    assert pytest.approx(expected) == DateWords.of("on the 7th of May 2023").weights(spots)
    assert pytest.approx([weekday, 0, 0, 0, 0]) == DateWords.of("on Sunday").weights(spots)
