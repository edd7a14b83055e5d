"""Tests of finding memories: by their key, their words and their meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from chatlog.embedders import Embedder
from chatlog.errors import NoVectorsError
from chatlog.recall import ALIKE, KEY, MEANING, recall
from chatlog.store import Store
from chatlog.store.memories import MemoryDraft


class Told(Embedder):
    """Says of each text how alike it is to the question, the first one."""

    fingerprint, batch = "told", 100

    def __init__(self, alike: Mapping[str, float]) -> None:
        self.alike = alike
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], weights: bytes | None) -> Any:
        self.asked = [*texts]
        rows = [next((near for word, near in self.alike.items() if word in text), 0.0) for text in texts[1:]]
        return np.array([[1.0, 0.0], *([near, (1 - near**2) ** 0.5] for near in rows)], dtype=np.float32)


class Away(Told):
    """Does not answer."""

    def embed(self, texts: Sequence[str], weights: bytes | None) -> Any:
        raise NoVectorsError("nobody answers", "start it")


def remember(store: Store, **values: Any) -> None:
    for key, value in values.items():
        store.memories.set(MemoryDraft(key, value))


def found(store: Store, text: str, **asked: Any) -> list[tuple[str, str]]:
    return [(one.memory.key, one.matched) for one in recall(store, text, **asked).items]


def test_a_word_in_the_key_weighs_more_and_a_rare_word_most(store: Store) -> None:
    """Half as much again for the key; of equals, the key's letters decide."""
    remember(store, editor="helix", tool="the editor is helix", shell="fish, helix", diet="vegetarian")
    assert ["editor", "tool", "shell"] == [key for key, _ in found(store, "editor helix")]
    (only,) = recall(store, "diet").items
    assert (1.0, "words") == (round(only.score, 6), only.matched)
    (word,) = recall(store, "vegetarian").items
    assert round(1 / (1 + KEY), 6) == round(word.score, 6)
    assert "shell" == found(store, "helix fish -tool")[0][0]
    remember(store, cup="blue helix", mug="blue", jug="blue", pot="green")
    assert ["cup", "pot", "jug", "mug"] == [key for key, _ in found(store, "blue green helix -fish -editor")]
    remember(store, b="twin", a="twin")
    assert ["a", "b"] == [key for key, _ in found(store, "twin")]
    assert ["a"] == [key for key, _ in found(store, "twin", limit=1)]


def test_words_are_met_in_other_forms_and_as_parts_of_longer_ones(store: Store) -> None:
    """A phrase as it is, a short word not in the middle of another, other alphabets anywhere."""
    remember(store, pets="two dogs", colour="the workshop's door is blue", city="我住在北京市", note="Oslo, at nine")
    assert [("pets", "words")] == found(store, "dog") == found(store, "a Dog?")
    assert [("colour", "words")] == found(store, "shop")
    assert [] == found(store, "oor hop")
    assert [("city", "words")] == found(store, "北京")
    assert [("note", "words")] == found(store, '"oslo, at"')
    assert [] == found(store, '"oslo at"')


def test_the_tier_and_the_words_that_no_memory_has(store: Store) -> None:
    """All words in one memory, some of them, or none of them."""
    remember(store, editor="helix", shell="fish")
    tiers = {
        text: recall(store, text) for text in ("helix editor", "helix fish", "helix rabbit", "rabbit", "tag:x", "")
    }
    assert ["exact", "relaxed", "relaxed", "none", "none", "none"] == [one.tier for one in tiers.values()]
    assert [(), (), ("rabbit",), ("rabbit",), (), ()] == [one.dropped for one in tiers.values()]
    assert {"lexical"} == {one.mode for one in tiers.values()}


def test_tags_namespaces_and_words_that_are_not_wanted_narrow(store: Store) -> None:
    """Given beside the question or in it."""
    store.memories.set(MemoryDraft("a", "helix", namespace="work", tags=("x",)))
    store.memories.set(MemoryDraft("b", "helix and fish", tags=("x", "y")))
    assert ["b"] == [key for key, _ in found(store, "helix", tags=("y",))]
    assert ["b"] == [key for key, _ in found(store, "helix tag:y")]
    assert ["a"] == [key for key, _ in found(store, "helix -tag:y")]
    assert ["a"] == [key for key, _ in found(store, "helix -fish")]
    assert ["a"] == [key for key, _ in found(store, "helix", namespace="work")]


def test_meaning_adds_to_words_and_finds_without_them(store: Store) -> None:
    """What is hardly alike is no answer; the embedder is asked once for all."""
    remember(store, editor="helix", pet="a camel", colour="blue")
    told = Told({"camel": ALIKE + 0.01, "helix": 0.5, "blue": ALIKE - 0.01})
    assert [("editor", "both"), ("pet", "meaning")] == found(store, "helix", provider=told)
    assert ["helix", "colour blue", "editor helix", "pet a camel"] == [told.asked[0], *sorted(told.asked[1:])]
    both = recall(store, "helix", provider=told)
    assert round(1 / (1 + KEY) + MEANING * 0.5, 4) == round(both.items[0].score, 4)
    assert ("hybrid", "exact", ()) == (both.mode, both.tier, both.warnings)
    assert "semantic" == recall(store, "dromedary", provider=told).tier
    assert [("editor", "words"), ("pet", "meaning")] == found(
        store, "helix", provider=Told({"helix": -1, "camel": 0.4})
    )
    assert 1 / (1 + KEY) == pytest.approx(recall(store, "helix", provider=Told({"helix": -1.0})).items[0].score)


def test_an_embedder_that_does_not_answer_leaves_the_words(store: Store) -> None:
    """With a warning that says why; where there is nothing to compare it is not asked."""
    assert ((), "hybrid") == (
        recall(store, "helix", provider=Away({})).warnings,
        recall(store, "x", provider=Away({})).mode,
    )
    remember(store, editor="helix")
    made = recall(store, "helix", provider=Away({}))
    assert (("searched by words only: nobody answers",), "lexical") == (made.warnings, made.mode)
    assert ["editor"] == [one.memory.key for one in made.items]


def test_the_machine_form_has_a_message_s_keys_and_its_own(store: Store) -> None:
    """A snippet of the strings, keys and numbers of the value; what is true or nothing says nothing."""
    remember(store, diet={"vegetarian": True, "since": [2019, None, "May"]})
    record = recall(store, "may").items[0].record()
    expected = {"title": "diet", "snippet": "vegetarian since 2019 May", "matched": "words", "ref": None, "before": []}
    assert expected == {key: record[key] for key in expected}
