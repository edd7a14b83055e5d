"""Conversations that are called what is asked: among the results, whatever their messages say."""

from __future__ import annotations

from typing import Any, cast

import pytest

from chatlog.models import ConversationDraft, Filters
from chatlog.outgoing import RedactedStore
from chatlog.ranking import REACH
from chatlog.redaction import Redactor
from chatlog.results import Results, SearchOptions
from chatlog.search import search_conversations, search_messages
from chatlog.store import Store

from .store.making import say

TALKS = {
    "Zanzibar honeymoon planning": ("Where should we go diving?", "Mnemba is lovely in February."),
    "Budget": ("The honeymoon costs a lot, mostly flights.", "Book the flights in May."),
    "Sourdough starter": ("My bread stays flat.", "Feed it twice a day."),
    "Notes on bread, and on what a sourdough starter is": ("A jar in the fridge.",),
    None: ("Restarters restart what has stopped.",),
}


@pytest.fixture
def history(store: Store) -> Store:
    for title, texts in TALKS.items():
        store.new(ConversationDraft(title=title), [say(text) for text in texts])
    return store


def ask(store: Store, text: str, filters: Filters = Filters(), **options: Any) -> Results:  # noqa: B008  frozen
    return search_messages(store, text, filters, SearchOptions(embedder="none", **options))


def titles(found: Results) -> list[str | None]:
    return [item.title for item in found.items]


@pytest.mark.parametrize(
    "query", ["zanzibar", "Zanzibar honeymoon", "the honeymoons of ZANZIBAR?", '"honeymoon planning"']
)
def test_a_conversation_is_found_by_what_it_is_called(query: str, history: Store) -> None:
    """Its first message stands for it where none has the words; what has some of them comes after it."""
    found = ask(history, query)
    assert "Zanzibar honeymoon planning" == titles(found)[0]
    assert "Where should we go diving?" == found.items[0].message.text


def test_what_only_a_title_has_is_all_there(history: Store) -> None:
    """Nothing had to be left out."""
    found = ask(history, "zanzibar planning")
    assert ("exact", (), 1) == (found.tier, found.dropped, found.total)


def test_a_word_that_no_message_has_may_be_in_a_title(history: Store) -> None:
    """The other words are looked for in messages, and both come in turn."""
    found = ask(history, "Zanzibar flights")
    assert ["Zanzibar honeymoon planning", "Budget", "Budget"] == titles(found)
    assert (("Zanzibar",), "relaxed") == (found.dropped, found.tier)


def test_the_message_that_answers_stands_for_its_conversation(history: Store) -> None:
    """Each message is there once."""
    found = ask(history, "budget flights")
    assert ["Budget", "Budget"] == titles(found)
    assert ask(history, "flights").items[0].message.ref == found.items[0].message.ref


def test_the_shortest_title_comes_first_and_few_come_by_title(history: Store) -> None:
    """Three of ten results at most, one of fewer."""
    assert ["Sourdough starter", "Notes on bread, and on what a sourdough starter is"] == titles(
        ask(history, "sourdough starters")
    )
    assert ["Sourdough starter"] == titles(ask(history, "sourdough starters", limit=6))


def test_scores_fall_from_one_result_to_the_next(history: Store) -> None:
    """What is there for its title scores as much as what it stands before."""
    scores = [item.score for item in ask(history, "Zanzibar flights").items]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == scores[1] > 0


def test_many_words_that_one_message_has_are_its_own(history: Store) -> None:
    """No title is looked for then; fewer may be remembered of a title as well."""
    history.new(ConversationDraft(title="Flights book May honeymoon"), [say("Not yet.")])
    history.new(ConversationDraft(title="Plans"), [say("For the honeymoon we book the flights in May.")])
    assert "Flights book May honeymoon" not in titles(ask(history, "honeymoon book flights May"))
    assert "Flights book May honeymoon" in titles(ask(history, "honeymoon book flights"))


@pytest.fixture
def trips(store: Store) -> Store:
    """Three talks of which two say the same, and Kyoto is the name of one and a word in another."""
    for title, text in (("Kyoto trip", "Pack the adapter."), ("Lisbon trip", "Pack the adapter."), ("Food", "Kyoto!")):
        store.new(ConversationDraft(title=title), [say(text)])
    return store


def test_words_of_a_title_and_of_a_message_are_found_together(trips: Store) -> None:
    """What a conversation is called counts for each of its messages, unless places to search in were chosen."""
    found = search_messages(trips, "kyoto adapters")
    assert ("Kyoto trip", "Pack the adapter.") == (found.items[0].title, found.items[0].message.text)
    in_text = search_messages(trips, "kyoto adapters", options=SearchOptions(within=("text",)))
    assert "Kyoto trip" not in titles(in_text)[:2]


def test_what_a_conversation_began_with_counts_for_bare_words(store: Store) -> None:
    """However far on it is that they were said."""
    for beginning in ("Refactor the login.", "Refactor the report.", "Refactor the parser."):
        store.new(messages=[say(beginning), *map(say, ["Go on."] * 2 * REACH), say("The fixture is slow.")])

    def first(text: str) -> str | None:
        found = search_messages(store, text).items
        return next(item.title for item in found if item.message.text == "The fixture is slow.")

    assert ["Refactor the login.", "Refactor the report."] == [first("login fixture"), first("report fixture")]


def test_a_word_of_a_title_is_not_named_as_missing(trips: Store) -> None:
    """Lisbon is in no message, but there."""
    assert () == search_messages(trips, "lisbon adapter").dropped
    assert ("Oslo",) == search_messages(trips, "Oslo adapter").dropped


def test_a_word_of_a_title_is_not_taken_for_misspelt(trips: Store) -> None:
    """Whatever messages have that is like it."""
    trips.new(ConversationDraft(title="Caching"), [say("Keep it for an hour.")])
    trips.new(ConversationDraft(title="Fish"), [say("Catching one takes an hour.")])
    found = search_messages(trips, "caching")
    assert ("Caching", ()) == (found.items[0].title, found.warnings)
    assert "no message has cotching: looked for catching" in search_messages(trips, "cotching").warnings


def test_titles_count_as_words_not_as_pieces_of_them(history: Store) -> None:
    """A start is no starter."""
    assert [] == titles(ask(history, "start planning"))


def test_a_title_made_of_the_first_words_says_nothing_more(history: Store) -> None:
    """It is what the message says."""
    assert [0.0] != [item.score for item in ask(history, "restarters").items]


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "lexical"},
        {"within": ("text",)},
        {"filters": Filters(tags=("work",))},
        {"filters": Filters(role="tool")},
    ],
)
def test_titles_count_only_where_nothing_else_was_asked_for(options: dict[str, Any], history: Store) -> None:
    """By words alone, in chosen places, and behind filters that the conversation does not pass."""
    assert [] == titles(ask(history, "zanzibar", **options))


def test_in_chosen_conversations_titles_say_nothing(history: Store) -> None:
    """They were chosen by whoever asks."""
    chosen = next(one for one in history.conversations().items if one.title == "Zanzibar honeymoon planning")
    assert [] == titles(ask(history, "zanzibar", Filters(ids=(chosen.id,))))
    assert [] == titles(ask(history, "zanzibar -mnemba"))


def test_conversations_are_found_by_title_too(history: Store) -> None:
    """Each once."""
    found = search_conversations(history, "honeymoon", options=SearchOptions(embedder="none"))
    assert ["Zanzibar honeymoon planning", "Budget"] == titles(found)


def test_a_secret_in_a_title_is_not_found_out(store: Store) -> None:
    """Where what goes out is redacted, it is not matched either."""
    store.new(ConversationDraft(title="Call jane@example.com"), [say("Tomorrow.")])
    assert 1 == len(ask(store, "jane@example.com").items)
    assert [] == titles(search_messages(cast("Store", RedactedStore(store, Redactor())), "jane@example.com"))


@pytest.mark.parametrize("text", ["zanzibar " + "honeymoon" * 20_000, " ".join(f"word{n}" for n in range(2_000))])
def test_a_page_of_text_is_no_title(text: str, history: Store) -> None:
    """No title is looked for that says so much."""
    assert "Zanzibar honeymoon planning" not in titles(ask(history, text))


def test_titles_of_others_are_nobodys_matter(history: Store) -> None:
    """Nor are those in the trash."""
    assert [] == titles(ask(history.for_user("eve"), "zanzibar"))
    history.delete([one.id for one in history.conversations().items])
    assert [] == titles(ask(history, "zanzibar"))
