"""One search: what of a large history it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from chatlog import likeness, query, scope
from chatlog.embedders.wordllama import WordLlama
from chatlog.models import ConversationDraft, Filters, MessageDraft
from chatlog.recall import recall
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.memories import MemoryDraft
from chatlog.store.sqlite.words import SqliteWords
from chatlog.store.words import EVERY

from .conftest import Watch

if TYPE_CHECKING:
    from chatlog.embedders import Matrix


@pytest.fixture
def talks(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two conversations with the same words, the second one later; more than two messages are many."""
    monkeypatch.setattr(scope, "COMMON", 2)
    monkeypatch.setattr(scope, "WHOLE", 2)
    ids = []
    for place in ("harbour", "market"):
        ids.append(store.new(ConversationDraft(title=place)).id)
        for day in range(6):
            store.add(ids[-1], [MessageDraft(role="user", text=f"day {day}: the walrus came to the {place}")])
    return ids


def test_a_common_word_is_found_in_an_early_conversation(store: Store, talks: list[str]) -> None:
    """What others say later does not hide a conversation's own messages."""
    found = search_messages(store, "walrus", Filters(ids=(talks[0],)))
    assert 2 <= len(found.items)
    assert {talks[0]} == {item.message.conversation for item in found.items}


def test_a_common_word_is_found_where_a_filter_picks_few(store: Store, talks: list[str]) -> None:
    """Of messages that lie far apart, as a tag's do, as many are found by a common word as of those in a row."""
    others = [store.new(messages=[MessageDraft(role="user", text=f"walrus number {day}")]).id for day in range(9)]
    found = search_messages(store, "which walrus", Filters(ids=(others[0], others[4], others[8])))
    assert [others[8], others[4]] == [item.message.conversation for item in found.items if item.by_words]


def test_where_messages_stand_is_looked_up_once(store: Store, talks: list[str], watch: Watch) -> None:
    """Which of those with all words may be seen is asked before they are ranked: in a large file that takes longest."""
    looked = watch(SqliteWords, "spots")
    found = search_messages(store, "walrus harbour", options=SearchOptions(mode="lexical"))
    assert found.items
    assert 1 == len(looked)


def test_only_the_span_of_what_may_be_found_is_looked_at(store: Store, talks: list[str], watch: Watch) -> None:
    """Postings are read from a conversation's first message to its last; without filters from all there is."""
    looked = watch(SqliteWords, "posting")
    search_messages(store, "what of the walrus", Filters(ids=(talks[1],)))
    bodies = store.words.allowed(Filters(ids=(talks[1],)))
    spans = [call.named["span"] for call in looked]
    assert spans
    assert all(min(bodies) <= first and last <= max(bodies) for first, last in spans)
    looked.clear()
    search_messages(store, "what of the walrus", Filters())
    assert EVERY == looked[0].named["span"]


def test_a_message_that_is_gone_before_it_is_shown_is_left_out(
    store: Store, talks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may erase what has just been ranked: what comes after it is shown."""
    hits = SqliteWords.hits
    asked = (store, "harbour", Filters(ids=(talks[0],)), SearchOptions(limit=2))
    first, second = search_messages(*asked).items
    gone = first.message.seq
    monkeypatch.setattr(
        SqliteWords, "hits", lambda self, places: {at: hit for at, hit in hits(self, places).items() if at[1] != gone}
    )
    left = search_messages(*asked).items
    assert 2 == len(left)
    assert second.message.ref == left[0].message.ref


MODES = ("hybrid", "lexical", "semantic")


@pytest.fixture
def buried(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """One message, and so many later ones with its words in the trash, or hidden, that none else is looked at."""
    monkeypatch.setattr(scope, "COMMON", 4)
    monkeypatch.setattr(scope, "WHOLE", 2)
    monkeypatch.setattr("chatlog.candidates.MEANING_SEEDS", 4)
    for name in ("noise.ALIKE_BY_CHANCE", "noise.FLOOR", "noise.BY_CHANCE", "noise.ALIKE", "hybrid.ALIKE",
                 "hybrid.ALIKE_LOOK_UP"):  # fmt: skip  # what all say means little
        monkeypatch.setattr(f"chatlog.{name}", 0.0)
    kept = store.new(messages=[MessageDraft(role="user", text="the walrus contract number is 4711")])
    others = [MessageDraft(role="user", text=f"walrus contract number {day}", hidden=day % 2 == 0) for day in range(60)]
    gone = store.new(messages=[other for other in others if not other.hidden])
    store.new(messages=[other for other in others if other.hidden])
    store.delete([gone.id])
    for word in ("otter", "seal", "orca"):
        store.new(messages=[MessageDraft(role="user", text=f"the {word} came by")])
    return f"{kept.id}:1"


@pytest.mark.parametrize("query", ["walrus", "walrus contract", "what is the walrus number", "walrus -orca"])
@pytest.mark.parametrize("mode", MODES)
def test_what_nobody_may_see_hides_nothing(store: Store, buried: str, mode: str, query: str) -> None:
    """A message is found though very many newer ones hold its words and are in the trash, or hidden."""
    found = search_messages(store, query, options=SearchOptions(mode=mode, limit=3))
    assert buried in [item.message.ref for item in found.items]


@pytest.mark.parametrize("mode", MODES)
def test_what_may_be_seen_is_not_told_where_enough_of_it_is_found(
    store: Store, talks: list[str], mode: str, watch: Watch
) -> None:
    """A common word most of whose messages may be seen costs one posting and no look at all there is."""
    passes, looked = watch(SqliteWords, "allowed"), watch(SqliteWords, "posting")
    search_messages(store, "walrus", options=SearchOptions(mode=mode, limit=1))
    assert (0, 1) == (len(passes), len(looked))


@pytest.mark.parametrize("mode", MODES)
def test_a_word_that_is_nowhere_is_asked_for_once(store: Store, talks: list[str], mode: str, watch: Watch) -> None:
    """And by one look into the index, so that one that only others say takes hardly longer."""
    looked = watch(SqliteWords, "posting")
    found = search_messages(store, "quicksilver", options=SearchOptions(mode=mode))
    assert ("none", ("quicksilver",)) == (found.tier, found.dropped)
    assert 1 == len(looked)


def test_candidates_are_ranked_once_where_nothing_tells_what_they_mean(
    store: Store, talks: list[str], watch: Watch
) -> None:
    """By their words alone: they are not gathered for their meaning first."""
    looked = watch(SqliteWords, "surroundings")
    found = search_messages(store, "what of the walrus", options=SearchOptions(embedder="none"))
    assert ("lexical", 1) == (found.mode, len(looked))


QUESTIONS = "What did the walrus contract say? Which number does the walrus contract have?"


def test_what_may_be_seen_is_told_once_for_several_questions(store: Store, buried: str, watch: Watch) -> None:
    """Where nearly all that they find is hidden: the pass over all there is holds for each of them."""
    looked = watch(SqliteWords, "allowed")
    assert buried in [item.message.ref for item in search_messages(store, QUESTIONS).items]
    assert 1 == len(looked)


def test_a_command_is_looked_for_by_what_was_asked_to_tell_it_from_a_query(store: Store, watch: Watch) -> None:
    """Whether a minus belongs to a flag is asked of messages; what that told of its words is not asked again."""
    store.new(messages=[MessageDraft(role="user", text="run rm -rf build first")])
    looked = watch(SqliteWords, "posting")
    assert "exact" == search_messages(store, "rm -rf build", options=SearchOptions(mode="lexical")).tier
    assert looked
    assert all(call not in looked[:at] for at, call in enumerate(looked))


def test_a_filter_looks_further_back_for_a_common_word(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it lets through is found behind any number of messages with the word that it does not let through."""
    monkeypatch.setattr(scope, "COMMON", 4)
    monkeypatch.setattr(scope, "WHOLE", 2)
    monkeypatch.setattr(scope, "MOST_LOOKED_AT", 4)
    wanted = [store.new(messages=[MessageDraft(role="user", text="walrus")]).id]
    store.new(messages=[MessageDraft(role="user", text=f"walrus {day}") for day in range(90)])
    wanted += [store.new(messages=[MessageDraft(role="user", text=word)]).id for word in ("otter", "seal", "orca")]
    store.tag(wanted, add=["zoo"])
    found = search_messages(store, "walrus", Filters(tags=("zoo",)))
    assert wanted[:1] == [item.message.conversation for item in found.items if item.by_words]


def test_empty_conversations_do_not_blind_a_filter(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the latest conversations are empty the history is no smaller for it."""
    monkeypatch.setattr("chatlog.store.sqlite.words.COUNTED", 2)
    monkeypatch.setattr(scope, "COMMON", 4)
    monkeypatch.setattr(scope, "WHOLE", 2)
    store.new(messages=[MessageDraft(role="user", text=f"banana {day}") for day in range(9)])
    for _ in range(3):
        store.new()
    found = search_messages(store, "banana", Filters(since="2000-01-01T00:00:00.000Z"))
    assert 4 == len([item for item in found.items if item.by_words])


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_what_lies_far_back_is_gone_on_to(store: Store, talks: list[str], mode: str) -> None:
    """Where nothing of the latest messages with the words may be found, earlier ones are looked at."""
    for day in range(30):
        store.add(talks[1], [MessageDraft(role="assistant", text=f"day {day}: the walrus slept")])
    found = search_messages(store, "walrus", Filters(role="user"), SearchOptions(mode=mode, limit=2))
    assert ["user"] * 2 == [item.message.role for item in found.items]
    assert "exact" == found.tier


@pytest.mark.parametrize("whole", [0, 100])
def test_words_in_a_conversation_are_looked_for_there(
    store: Store, talks: list[str], monkeypatch: pytest.MonkeyPatch, watch: Watch, whole: int
) -> None:
    """By words alone, too: only between its first message and its last, however little it is."""
    monkeypatch.setattr(scope, "WHOLE", whole)
    looked = watch(SqliteWords, "posting")
    found = search_messages(store, "the walrus", Filters(ids=(talks[0],)), SearchOptions(mode="lexical"))
    bodies = store.words.allowed(Filters(ids=(talks[0],)))
    assert found.items
    first, last = looked[0].named["span"]  # later ones tell how rare the words are
    assert (True, True) == (min(bodies) <= first, last <= max(bodies))


@pytest.mark.parametrize("asked", [" ".join(f"w{number}" for number in range(3_000)), "x" * 60_000])
@pytest.mark.parametrize("mode", ["hybrid", "lexical", "semantic"])
def test_a_whole_text_is_no_question_but_is_answered(asked: str, mode: str, store: Store, talks: list[str]) -> None:
    """What is piped in, a log say, is looked for by its words, in titles too; its beginning says what it means."""
    asked_of: list[int] = []

    class Listening(WordLlama):
        def question(self, text: str, weights: bytes | None) -> list[float]:
            asked_of.append(len(text))
            return super().question(text, weights)

    options = SearchOptions(mode=mode, embedder=Listening())
    assert "none" == search_messages(store, asked, options=options).tier
    assert "none" == search_messages(store, asked, options=options._replace(within=("title",))).tier
    found = search_messages(store, f"{asked} harbour", options=options._replace(mode="lexical"))
    assert "relaxed" == found.tier
    assert max(asked_of, default=0) <= query.QUESTION_CHARS


def test_a_huge_message_stands_for_its_beginning(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """To say what is like it, not all of a message of megabytes is read."""
    monkeypatch.setattr(likeness, "MESSAGE_CHARS", 20)
    huge = store.new(messages=[MessageDraft(role="user", text="walrus and harbour, then a tortoise")])
    for animal in ("walrus", "tortoise"):
        store.new(ConversationDraft(title=animal), [MessageDraft(role="user", text=f"the {animal} came")])
    found = likeness.similar(store, huge, options=SearchOptions(embedder="none"))
    assert ["walrus"] == [item.title for item in found.items]


def test_memories_too_are_asked_by_the_beginning_of_a_long_text(store: Store) -> None:
    """What is piped into a search of memories is embedded no further than into one of messages."""
    asked_of: list[int] = []

    class Listening(WordLlama):
        def embed(self, texts: Sequence[str], weights: bytes | None) -> Matrix:
            asked_of.append(len(texts[0]))
            return super().embed(texts, weights)

    store.memories.set(MemoryDraft("editor", "helix"))
    assert ["editor"] == [one.memory.key for one in recall(store, "helix " * 9_000, provider=Listening()).items]
    assert [query.QUESTION_CHARS] == asked_of
