"""One search: what of a large history it looks at."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog import hunt
from chatlog.models import ConversationDraft, Filters, MessageDraft
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.sqlite.words import SqliteWords
from chatlog.store.words import EVERY


@pytest.fixture
def talks(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two conversations with the same words, the second one later; more than two messages are many."""
    monkeypatch.setattr(hunt, "COMMON", 2)
    monkeypatch.setattr(hunt, "WHOLE", 2)
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


def test_only_the_span_of_what_may_be_found_is_looked_at(
    store: Store, talks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postings are read from a conversation's first message to its last; without filters from all there is."""
    looked: list[tuple[int, int]] = []
    posting = SqliteWords.posting

    def watched(self: SqliteWords, *args: Any, **kwargs: Any) -> Any:
        looked.append(kwargs["span"])
        return posting(self, *args, **kwargs)

    monkeypatch.setattr(SqliteWords, "posting", watched)
    search_messages(store, "what of the walrus", Filters(ids=(talks[1],)))
    bodies = store.words.allowed(Filters(ids=(talks[1],)))
    assert looked
    assert all(min(bodies) <= first and last <= max(bodies) for first, last in looked)
    looked.clear()
    search_messages(store, "what of the walrus", Filters())
    assert EVERY == looked[0]


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
