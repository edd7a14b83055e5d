"""Tests of tags: added, removed, counted, refused where they are no word."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatlog.errors import NotFoundError, UsageError
from chatlog.models import ConversationDraft, Filters
from chatlog.store import Store
from chatlog.store.sqlite import tags
from chatlog.timespec import iso
from tests.conftest import Clock

from .making import unwritten


def titled(store: Store, *titles: str) -> list[str]:
    return [store.new(ConversationDraft(title=title)).id for title in titles]


def test_tags_are_added_and_removed(store: Store) -> None:
    """One call may do both; the conversation shows its tags sorted."""
    (name,) = titled(store, "a")
    assert 1 == store.tag([name], add=["work", "later"])
    assert ("later", "work") == store.get(name).tags
    assert 1 == store.tag([name], add=["done"], remove=["later"])
    assert ("done", "work") == store.get(name).tags


def test_only_what_changes_counts(store: Store) -> None:
    """Tagging again, or removing what is not there, changes no conversation and writes nothing."""
    one, other = titled(store, "a", "b")
    assert 2 == store.tag([one, other], add=["work"])
    with unwritten(store):
        assert 0 == store.tag([one, other], add=["work"], remove=["none"])


def test_a_change_of_tags_is_a_revision(store: Store) -> None:
    """Only the conversations whose tags changed get a new revision."""
    one, other = titled(store, "a", "b")
    store.tag([one], add=["work"])
    store.tag([one, other], add=["work"])
    assert (2, 2) == (store.get(one).revision, store.get(other).revision)
    store.tag([one], remove=["work"])
    assert 3 == store.get(one).revision


def test_tags_are_counted(store: Store) -> None:
    """Each tag comes with its number of living conversations, sorted by name."""
    one, other = titled(store, "a", "b")
    store.tag([one, other], add=["work"])
    store.tag([one], add=["ana"])
    assert [("ana", 1), ("work", 2)] == store.tags()
    store.delete([one])
    assert [("work", 1)] == store.tags()


def test_a_tag_is_taken_from_the_one_that_is_named(store: Store) -> None:
    """Others keep it."""
    one, other = titled(store, "a", "b")
    store.tag([one, other], add=["work"])
    store.tag([one], remove=["work"])
    assert ((), ("work",)) == (store.get(one).tags, store.get(other).tags)


def test_an_expired_one_is_not_counted(store: Store, clock: Clock) -> None:
    """From the moment on in which its time is over."""
    store.new(ConversationDraft(tags=("work",), expires_at=iso(clock.now + timedelta(hours=1))))
    assert [("work", 1)] == store.tags()
    clock.now += timedelta(hours=1)
    assert [] == store.tags()


def test_several_tags_narrow(store: Store) -> None:
    """A filter of two tags lets through what carries both, and leaves out what carries an unwanted one."""
    one, other = titled(store, "a", "b")
    store.tag([one, other], add=["work"])
    store.tag([one], add=["ana"])
    found = store.conversations(Filters(tags=("work", "ana"))).items
    without = store.conversations(Filters(tags=("work",), no_tags=("ana",))).items
    assert ([one], [other]) == ([each.id for each in found], [each.id for each in without])


@pytest.mark.parametrize("tag", ["a", "Ünï", "入門", "a/b", "a:b", "a-b", "#1", "x" * 100])
def test_a_word_is_a_tag(store: Store, tag: str) -> None:
    """One word of any script is a tag, kept as it was typed."""
    (name,) = titled(store, "a")
    store.tag([name], add=[tag])
    assert (tag,) == store.get(name).tags


@pytest.mark.parametrize("tag", ["c++", "todo-", "🎉", "a.b", "«so»", "x" * 99 + "-"])
def test_a_tag_comes_back_as_it_was(store: Store, tag: str) -> None:
    """What comes in with a conversation is kept as it is where it is a tag."""
    store.ingest("x", [ConversationDraft(source_id="s", tags=(tag, "+two, words "))])
    assert {tag, "two-words"} == {name for name, _ in store.tags()}


@pytest.mark.parametrize(("label", "tag"), [("x y" * 50, "x-y" * 33 + "x"), (" +a, b!- ", "a-b!"), ("+-", "")])
def test_a_label_becomes_a_tag(label: str, tag: str) -> None:
    """One word of at most a hundred characters, or none where nothing is left."""
    assert tag == tags.made_of(label)


@pytest.mark.parametrize("tag", ["", " ", "two words", "a,b", "a\tb", "a\nb", "+a", "-a", "\x1b", "\u200b", "x" * 101])
def test_anything_else_is_no_tag(store: Store, tag: str) -> None:
    """Blanks, commas, leading signs and what cannot be seen are refused, and nothing is written."""
    (name,) = titled(store, "a")
    for change in ({"add": ["good", tag]}, {"remove": [tag]}):
        with pytest.raises(UsageError, match="is not a tag"):
            store.tag([name], **change)
    assert [] == store.tags()


def test_a_new_conversation_may_have_tags(store: Store) -> None:
    """Tags of a draft are set at once, and checked alike."""
    conversation = store.new(ConversationDraft(tags=("work", "ana", "work")))
    assert ("ana", "work") == conversation.tags
    with pytest.raises(UsageError, match="is not a tag"):
        store.new(ConversationDraft(tags=("two words",)))
    assert 1 == store.conversations().total


def test_one_that_is_not_there_stops_all(store: Store) -> None:
    """Tagging is one transaction: with an unknown conversation among them none is tagged."""
    (name,) = titled(store, "a")
    with pytest.raises(NotFoundError):
        store.tag([name, "nobody"], add=["work"])
    assert () == store.get(name).tags
