"""Tests of conversations: made, found by id and prefix, listed and paged, changed, forked, trashed and restored."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.errors import AmbiguousIdError, ConflictError, NotFoundError, UsageError
from chatlog.models import ConversationDraft, Filters
from chatlog.store import SORTS, Store

from ..conftest import Clock
from .making import ID, assert_sound, fresh, of, only, opened, raw, say, shown, talk, unwritten

T0 = "2026-11-20T21:44:00.000Z"


def make(store: Store, *titles: str, **facts: Any) -> list[str]:
    return [store.new(ConversationDraft(title=title, **facts)).id for title in titles]


def titles(store: Store, filters: Filters = Filters(), **how: Any) -> list[str | None]:  # noqa: B008  frozen
    return [conversation.title for conversation in store.conversations(filters, **how).items]


# made


def test_a_new_conversation_is_empty(store: Store) -> None:
    """It has an id, its user, a revision, the clock's time, and nothing else."""
    found = store.new()
    assert (None, None, None, None, 0, None) == (
        found.title, found.source, found.parent, found.deleted_at, found.messages, found.head,
    )  # fmt: skip
    assert ("local", T0, T0, 1, {}, (), False) == (
        found.user, found.created_at, found.updated_at, found.revision, found.state, found.tags, found.pinned,
    )  # fmt: skip


def test_a_draft_says_what_is_known(store: Store) -> None:
    """Title, model, project, marks, expiry, state and metadata are kept."""
    draft = ConversationDraft(
        title="Trip", model="gpt-5", project="/work", pinned=True, expires_at="2999-01-01T00:00:00.000Z",
        state={"b": 1, "a": [2]}, metadata={"z": None},
    )  # fmt: skip
    found = store.get(store.new(draft).id)
    assert ("Trip", "gpt-5", "/work", True, "2999-01-01T00:00:00.000Z", {"a": [2], "b": 1}, {"z": None}) == (
        found.title, found.model, found.project, found.pinned, found.expires_at, found.state, found.metadata,
    )  # fmt: skip


def test_the_first_human_words_are_the_title(store: Store) -> None:
    """Where none is given, the first shown message of a user names the conversation; a later one does not."""
    found = store.new(messages=[say("You are helpful", "system"), say("hidden", hidden=True), say("Plan a trip")])
    assert "Plan a trip" == found.title
    store.add(found.id, [say("Another thing")])
    assert "Plan a trip" == store.get(found.id).title


def test_a_key_makes_new_safe_to_retry(store: Store) -> None:
    """A first message whose key is here already gives the conversation it is in, and writes nothing."""
    first = store.new(messages=[say("hello", key="k1")])
    with unwritten(store):
        again = store.new(messages=[say("hello", key="k1")])
    assert first.id == again.id
    assert first.id != store.new(messages=[say("hello", key="k2")]).id


def test_a_key_of_other_words_is_refused(store: Store) -> None:
    """A key that stands for another first message hides no words in a conversation where they are not."""
    store.new(messages=[say("hello", key="k1")])
    with unwritten(store), pytest.raises(ConflictError):
        store.new(messages=[say("good-bye", key="k1")])


def test_a_key_of_an_expired_conversation_is_free(store: Store, clock: Clock) -> None:
    """What has expired does not catch a new conversation, which nobody could go on with."""
    first = store.new(ConversationDraft(expires_at="2026-11-20T22:00:00Z"), [say("hello", key="k1")])
    clock.now += timedelta(hours=1)
    assert first.id != store.new(messages=[say("hello", key="k1")]).id


@pytest.mark.parametrize("value", [b"bytes", 5, ["list"]])
@pytest.mark.parametrize("name", ["title", "model", "project", "hold"])
def test_what_is_no_text_is_refused(store: Store, name: str, value: Any) -> None:
    """A field that is no text is refused: a search that met it would fail, and an erasure could prove nothing."""
    with unwritten(store), pytest.raises(UsageError):
        store.new(ConversationDraft(**{name: value}))
    found = store.new()
    with unwritten(store), pytest.raises(UsageError):
        store.change(found.id, {name: value})


@pytest.mark.parametrize("change", [{"pinned": "yes"}, {"archived": None}, {"state": "{}"}, {"metadata": [1]}])
def test_a_change_to_another_kind_is_refused(store: Store, change: dict[str, Any]) -> None:
    """Marks are true or false, state and metadata are objects."""
    found = store.new()
    kind = "neither true nor false" if change.keys() & {"pinned", "archived"} else "not an object"
    with unwritten(store), pytest.raises(UsageError, match=kind):
        store.change(found.id, change)


def test_metadata_is_json(store: Store) -> None:
    """Metadata that JSON cannot hold is refused, as that of messages is."""
    with unwritten(store), pytest.raises(UsageError):
        store.new(ConversationDraft(metadata={"a": float("nan")}))


def test_one_text_is_not_several(store: Store) -> None:
    """A single id or tag where several are asked for is refused, not taken for its letters."""
    name = store.new().id
    for action in (
        lambda: store.new(ConversationDraft(tags="work")),  # type: ignore[arg-type]
        lambda: store.tag([name], add="work"),
        lambda: store.tag(name, add=["work"]),
        lambda: store.delete(name),
        lambda: store.restore(name),
        lambda: store.conversations(Filters(tags="work")),  # type: ignore[arg-type]
    ):
        with unwritten(store), pytest.raises(UsageError):
            action()


def test_a_key_of_a_trashed_conversation_is_free(store: Store) -> None:
    """What lies in the trash does not catch a new conversation."""
    first = store.new(messages=[say("hello", key="k1")])
    store.delete([first.id])
    assert first.id != store.new(messages=[say("hello", key="k1")]).id


@pytest.mark.parametrize("draft", [ConversationDraft(id=ID), ConversationDraft(source="x", source_id="1")])
def test_what_is_here_already_is_a_conflict(store: Store, draft: ConversationDraft) -> None:
    """A second conversation of the same id, or of the same id of a source, is no crash and not written."""
    store.new(draft)
    with pytest.raises((ConflictError, UsageError)):
        store.new(draft)
    assert 1 == store.conversations().total


# found


def test_an_id_a_prefix_and_a_place_find_it(store: Store, clock: Clock) -> None:
    """The whole id, four characters of it in any case, and its place among the latest all find it."""
    old, new = store.new(ConversationDraft(id="b" * 26)).id, None
    clock.tick()
    new = store.new(ConversationDraft(id="c" * 26)).id
    assert [old] * 4 == [store.get(ref).id for ref in (old, "bbbb", "BBBBB", "@2")]
    assert [new] * 3 == [store.get(ref).id for ref in ("cccc", "@last", "@1")]


def test_the_latest_is_the_one_changed_last(store: Store, clock: Clock) -> None:
    """`@last` follows messages and changes; an archived one is out of the way."""
    one, other = make(store, "a", "b")
    clock.tick()
    store.add(one, [say("hello")])
    assert one == store.get("@last").id
    clock.tick()
    store.change(other, {"pinned": True})
    assert other == store.get("@last").id
    store.change(other, {"archived": True})
    assert one == store.get("@last").id


@pytest.mark.parametrize("ref", ["", "abc", "zzzz", "b" * 25 + "c", "%%%%", "b_b%", "ñandú", "@3", "bbbb'--", "b" * 27])
def test_what_is_not_there_is_not_found(store: Store, ref: str) -> None:
    """An unknown, too short or odd reference finds nothing, and the error names it."""
    store.new(ConversationDraft(id="b" * 26))
    with pytest.raises(NotFoundError) as caught:
        store.get(ref)
    assert ref.lstrip("@") in caught.value.message


def test_of_nothing_there_is_no_last_one(store: Store) -> None:
    """The error says whether there are any at all."""
    with pytest.raises(NotFoundError, match="there is no conversation yet"):
        store.get("@last")
    store.new()
    with pytest.raises(NotFoundError, match="there are fewer than 2 conversations"):
        store.get("@2")


def test_an_id_that_is_none_is_named_in_part(store: Store) -> None:
    """It comes from anybody's file, and may be as long as that."""
    with pytest.raises(UsageError) as caught:
        store.new(ConversationDraft(id="X" * 1_000))
    assert f"'{'X' * 40}' is not a conversation's id" == caught.value.message


@pytest.mark.parametrize("ref", ["@", "@0", "@-1", "@x", "@²", "@1.5", "@" + 20 * "9", "@" + 5_000 * "9"])
def test_a_place_that_is_no_number_is_refused(store: Store, ref: str) -> None:
    """Places count from one."""
    with pytest.raises((UsageError, NotFoundError)):
        store.get(ref)


def test_a_shared_prefix_lists_whom_it_could_be(store: Store) -> None:
    """An ambiguous prefix is refused with the ids; a longer one, or a whole id that is a prefix, is found."""
    ids = [store.new(ConversationDraft(id=name)).id for name in ("abcdef", "abcdeg", "abcde")]
    with pytest.raises(AmbiguousIdError) as caught:
        store.get("ABCD")
    assert sorted(ids) == caught.value.candidates
    assert ["abcde", "abcdeg"] == [store.get(ref).id for ref in ("abcde", "abcdeg")]


def test_a_conversation_of_another_user_is_not_there(store: Store) -> None:
    """Neither its id, nor a prefix, nor a place finds another's conversation, and no error tells of it."""
    mine = store.new(ConversationDraft(title="secret")).id
    with opened(_path(store), "bob") as other:
        for ref in (mine, mine[:4], "@last"):
            with pytest.raises(NotFoundError) as caught:
                other.get(ref)
            assert "secret" not in caught.value.message
        assert ((), 0) == (other.conversations().items, other.conversations().total)


def test_two_users_may_have_the_same_id(store: Store) -> None:
    """Ids are unique for a user; each sees and changes their own."""
    store.new(ConversationDraft(id="b" * 26, title="mine"))
    with opened(_path(store), "bob") as other:
        other.new(ConversationDraft(id="b" * 26, title="theirs"))
        other.change("b" * 26, {"title": "changed"})
    assert "mine" == store.get("bbbb").title


def _path(store: Store) -> Any:
    return store.info()["path"]


def test_an_expired_conversation_is_gone(store: Store, clock: Clock) -> None:
    """From the moment it expires it is not listed, not found and not written to."""
    found = store.new(ConversationDraft(title="soon", expires_at="2026-11-20T21:44:01.000Z"))
    assert ["soon"] == titles(store)
    clock.now += timedelta(seconds=1)
    assert [] == titles(store)
    for use in (lambda: store.get(found.id), lambda: store.add(found.id, [say("late")])):
        with pytest.raises(NotFoundError):
            use()


# listed


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("updated", "bac"),
        ("updated:asc", "cab"),
        ("created", "cba"),
        ("created:asc", "abc"),
        ("messages", "bac"),
        ("messages:asc", "cab"),
        ("title", "abc"),
        ("title:desc", "cba"),
        ("tokens", "cba"),
    ],
)
def test_a_list_has_an_order(store: Store, clock: Clock, sort: str, expected: str) -> None:
    """Each order goes its usual way, or the way that is asked for; the newest first among equals that descend."""
    ids = make(store, "a", "B", "c")
    for number in (0, 1, 1):
        clock.tick()
        store.add(ids[number], [say("hello")])
    with raw(store) as connection:
        for day, name in enumerate(ids, 1):
            connection.execute("UPDATE conversations SET created_at = ? WHERE id = ?", (f"2026-01-0{day}", name))
        connection.execute("UPDATE conversations SET updated_at = '2026-01-01' WHERE id = ?", (ids[2],))
    assert list(expected) == [str(title).lower() for title in titles(store, sort=sort)]


@pytest.mark.parametrize("sort", ["", "name", "title:up", "title:", "title; DROP TABLE conversations"])
def test_an_unknown_order_is_refused(store: Store, sort: str) -> None:
    """The hint lists the orders; `title:` means the usual way."""
    if sort == "title:":
        assert [] == titles(store, sort=sort)
        return
    with pytest.raises(UsageError, match="is not an order") as caught:
        titles(store, sort=sort)
    assert all(name in caught.value.hint for name in SORTS)


def test_a_page_has_no_fewer_than_no_conversations(store: Store) -> None:
    """A limit below 0 is refused, rather than taken for an empty page of a full list; 0 is that page."""
    make(store, "a")
    with pytest.raises(UsageError, match="cannot have -1"):
        titles(store, limit=-1)
    assert [] == titles(store, limit=0)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.sampled_from(["a", "B", "b", "", None, "ä", "Z"]), max_size=9),
    st.sampled_from([f"{name}{way}" for name in SORTS for way in ("", ":asc", ":desc")]),
    st.integers(1, 4),
)
def test_pages_make_the_list(names: list[str | None], sort: str, limit: int) -> None:
    """Page after page gives every conversation once, in the order of the whole list, equal places included."""
    with fresh() as store:
        for number, name in enumerate(names):
            store.new(ConversationDraft(title=name), [say("x")] * (number % 3))
        whole = store.conversations(sort=sort)
        found, cursor = [], None
        while True:
            page = store.conversations(sort=sort, limit=limit, cursor=cursor)
            assert len(names) == page.total
            assert len(page.items) <= limit
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        assert list(whole.items) == found


def test_a_cursor_holds_while_others_write(store: Store) -> None:
    """What is added behind the cursor's place appears, what came before does not come twice."""
    make(store, "a", "c", "e")
    page = store.conversations(sort="title", limit=2)
    make(store, "b", "d")
    rest = store.conversations(sort="title", cursor=page.next_cursor)
    assert (["a", "c"], ["d", "e"]) == ([each.title for each in page.items], [each.title for each in rest.items])


@pytest.mark.parametrize(
    "place",
    [
        "", "x", "é", "AAAA", "[]", '["a", 3]', '["updated DESC"]', '["updated DESC", "a", "b"]',
        '["updated DESC", {"a": 1}, 3]', '["updated DESC", [1], 3]', '["updated DESC", "a", 1' + "0" * 30 + "]",
    ],
)  # fmt: skip
def test_a_cursor_that_is_none_is_refused(store: Store, place: str) -> None:
    """A cursor of another list, or made by hand, is a usage error."""
    cursor = base64.urlsafe_b64encode(place.encode()).decode() if place.startswith("[") else place
    make(store, "a", "b")
    with pytest.raises(UsageError, match="is not a cursor"):
        store.conversations(cursor=cursor)


@pytest.mark.parametrize("sort", ["title", "title:desc", "created", "updated:asc"])
def test_a_cursor_of_another_order_is_refused(store: Store, sort: str) -> None:
    """A time is no place among titles: the page would begin anywhere."""
    make(store, "a", "b")
    cursor = store.conversations(limit=1).next_cursor
    with pytest.raises(UsageError, match="is not a cursor"):
        store.conversations(sort=sort, cursor=cursor)
    assert 1 == len(store.conversations(sort="updated", cursor=cursor).items)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"title": ("tr",)}, ["trip"]),
        ({"title": ("TR", "ip")}, ["trip"]),
        ({"title": ("%",)}, ["100%_done"]),
        ({"title": ("_",)}, ["100%_done"]),
        ({"model": "GPT"}, ["trip"]),
        ({"model": "sonnet"}, ["100%_done"]),
        ({"project": "/work"}, ["trip"]),
        ({"source": "chatlog"}, ["100%_done", "trip"]),
        ({"source": "chatgpt"}, ["imported"]),
        ({"role": "assistant"}, ["imported", "trip"]),
        ({"author": "ANA"}, ["100%_done"]),
        ({"pinned": True}, ["trip"]),
        ({"pinned": False}, ["100%_done", "imported"]),
        ({"archived": True}, ["100%_done"]),
        ({"min_messages": 2}, ["imported", "trip"]),
        ({"max_messages": 1}, ["100%_done"]),
        ({"since": "2026-11-20T21:44:00.000Z"}, ["100%_done", "trip"]),
        ({"until": "2026-11-20T21:43:59.999Z"}, ["imported"]),
        ({"tags": ("work",)}, ["trip"]),
        ({"no_tags": ("work",)}, ["100%_done", "imported"]),
        ({"ids": ()}, []),
        ({"deleted": True}, ["gone"]),
        ({"role": "user", "pinned": True, "tags": ("work",), "title": ("nothing",)}, []),
        ({"excluded": (Filters(role="assistant"),)}, ["100%_done"]),
        ({"excluded": (Filters(title=("tr",)), Filters(source="chatgpt"))}, ["100%_done"]),
        ({"excluded": (Filters(model="gpt", project="/none"),)}, ["100%_done", "imported"]),
        ({"role": "user", "excluded": (Filters(author="ana"),)}, ["imported", "trip"]),
    ],
)
def test_filters_narrow(store: Store, filters: dict[str, Any], expected: list[str]) -> None:
    """Each filter lets through what it says, wildcards taken literally; together all must hold."""
    store.new(
        ConversationDraft(title="trip", model="gpt-5", project="/home/work", pinned=True, tags=("work",)),
        [say("a"), say("b", "assistant")],
    )
    store.new(ConversationDraft(title="100%_done", archived=True), [say("a", author="Ana", model="claude-sonnet")])
    store.ingest("chatgpt", of("c", talk("a", "b"), title="imported", updated_at="2026-01-31T10:00:00.000Z"))
    store.delete(make(store, "gone"))
    assert expected == sorted(str(title) for title in titles(store, Filters(**filters)))


# changed


def test_a_change_is_a_revision_at_the_clocks_time(store: Store, clock: Clock) -> None:
    """What changed is returned and kept, with the next revision and the time."""
    (name,) = make(store, "a")
    clock.tick()
    changed = store.change(name, {"title": "b", "pinned": True, "state": {"x": [1]}, "hold": "a trial"})
    assert ("b", True, {"x": [1]}, "a trial", 2) == (
        changed.title, changed.pinned, changed.state, changed.hold, changed.revision,
    )  # fmt: skip
    assert "2026-11-20T21:44:01.000Z" == changed.updated_at
    assert changed == store.get(name)


def test_an_equal_value_writes_nothing(store: Store) -> None:
    """Setting what is set already is no change: no revision and no write."""
    (name,) = make(store, "a", state={"b": 1, "a": 2})
    with unwritten(store):
        assert 1 == store.change(name, {"title": "a", "state": {"a": 2, "b": 1}, "pinned": False}).revision
        assert 1 == store.change(name, {}).revision


def test_time_never_goes_back(store: Store, clock: Clock) -> None:
    """A clock set back does not make a conversation older than it was."""
    (name,) = make(store, "a")
    clock.now -= timedelta(days=1)
    assert T0 == store.change(name, {"title": "b"}).updated_at
    store.add(name, [say("late")])
    assert T0 == store.get(name).updated_at


def test_a_stale_revision_is_a_conflict(store: Store) -> None:
    """Compare-and-swap: the first of two who read the same revision wins, the other changes nothing."""
    (name,) = make(store, "a")
    store.change(name, {"state": {"by": "one"}}, if_revision=1)
    with pytest.raises(ConflictError, match="is at revision 2, not 1"):
        store.change(name, {"state": {"by": "two"}}, if_revision=1)
    assert {"by": "one"} == store.get(name).state


@pytest.mark.parametrize("key", ["id", "user", "revision", "messages", "head_seq", "deleted_at", "title = 1 --"])
def test_what_follows_from_elsewhere_cannot_be_set(store: Store, key: str) -> None:
    """Only the documented columns change by hand; the hint lists them."""
    (name,) = make(store, "a")
    with pytest.raises(UsageError, match="cannot be set") as caught:
        store.change(name, {key: 1})
    assert "archived, expires_at, hold, metadata, model, pinned, project, state, title" in caught.value.hint


@pytest.mark.parametrize("time", ["2999-01-31", "tomorrow", "2999-01-31T10:00:00+01:00"])
def test_an_expiry_is_kept_in_the_one_form_or_refused(store: Store, time: str) -> None:
    """Another form of time becomes ours, or is a usage error: it is compared as text."""
    (name,) = make(store, "a")
    try:
        changed = store.change(name, {"expires_at": time})
    except UsageError:
        return
    assert str(changed.expires_at).endswith("Z")


def test_a_state_that_is_no_object_is_refused(store: Store) -> None:
    """State is a JSON object; anything else is the caller's error, not the driver's."""
    (name,) = make(store, "a")
    with pytest.raises(UsageError):
        store.change(name, {"state": [1]})


def test_a_change_of_what_is_not_there_is_not_found(store: Store) -> None:
    """Neither an unknown id, nor a prefix, nor a trashed conversation can be changed."""
    (name,) = make(store, "a")
    store.delete([name])
    for ref in ("nobody", name[:6], name):
        with pytest.raises(NotFoundError):
            store.change(ref, {"title": "b"})


# forked


def test_a_fork_starts_with_everything_up_to_a_message(store: Store) -> None:
    """The child has the parent's path to that message, numbered from one, and goes its own way."""
    parent = store.new(ConversationDraft(title="Trip", model="gpt-5", project="/work", tags=("work",)),
                       [say("one"), say("two", "assistant"), say("three")])  # fmt: skip
    child = store.fork(parent.id, 2)
    assert (parent.id, 2, 2, 2, "Trip", "gpt-5", "/work", ("work",)) == (
        child.parent, child.forked_at, child.messages, child.head, child.title, child.model, child.project, child.tags,
    )  # fmt: skip
    store.add(child.id, [say("another")])
    assert ["one", "two", "another"] == shown(store, child.id)
    assert ["one", "two", "three"] == shown(store, parent.id)
    assert_sound(store)


def test_a_fork_shares_its_parents_bodies(store: Store) -> None:
    """No word is stored twice."""
    parent = store.new(messages=[say("one"), say("two")])
    store.fork(parent.id)
    with raw(store) as connection:
        assert (2, 4) == connection.execute(
            "SELECT (SELECT count(*) FROM bodies), (SELECT count(*) FROM messages)"
        ).fetchone()


def test_a_fork_of_another_branch_takes_its_path(store: Store) -> None:
    """A message off the active path is forked with its own ancestors."""
    parent = store.new(messages=[say("one"), say("two"), say("three")])
    store.add(parent.id, [say("else", parent=1)])
    assert ["one", "two", "three"] == shown(store, store.fork(parent.id, 3).id)
    assert ["one", "else"] == shown(store, store.fork(parent.id).id)


def test_a_fork_may_have_a_title(store: Store) -> None:
    """A given title is the child's own."""
    parent = store.new(ConversationDraft(title="Trip"), [say("one")])
    assert "Return" == store.fork(parent.id, title="Return").title


def test_a_fork_of_nothing_is_empty(store: Store) -> None:
    """An empty conversation can be forked; a message that is not there cannot."""
    parent = store.new()
    child = store.fork(parent.id)
    assert (0, None, None) == (child.messages, child.head, child.forked_at)
    with pytest.raises(NotFoundError, match="has no message 1"):
        store.fork(parent.id, 1)


def test_a_fork_does_not_take_keys_along(store: Store) -> None:
    """An idempotency key stays with the conversation it was given to."""
    parent = store.new(messages=[say("one", key="k")])
    child = store.fork(parent.id)
    assert None is store.message(child.id, 1).key
    assert parent.id == store.new(messages=[say("one", key="k")]).id


# trashed


def test_the_trash_hides_and_gives_back(store: Store) -> None:
    """A trashed conversation is out of sight and comes back as it was."""
    one, other = make(store, "a", "b")
    assert 1 == store.delete([one])
    assert (["b"], ["a"]) == (titles(store), titles(store, Filters(deleted=True)))
    with pytest.raises(NotFoundError):
        store.get(one)
    assert 1 == store.restore([one])
    assert (["a", "b"], None) == (sorted(map(str, titles(store))), store.get(one).deleted_at)
    assert other == store.get(other).id


def test_trashing_twice_counts_once(store: Store) -> None:
    """What is in the trash, on hold or not there is not moved, and the count says so."""
    one, held = make(store, "a", "b")
    store.change(held, {"hold": "a trial"})
    assert 1 == store.delete([one, one, held, "nobody"])
    assert (0, 0) == (store.delete([one]), store.restore([held]))
    assert ["b"] == titles(store)


def test_another_users_conversation_cannot_be_trashed(store: Store) -> None:
    """Neither deleting nor restoring reaches over."""
    (mine,) = make(store, "a")
    with opened(_path(store), "bob") as other:
        assert 0 == other.delete([mine])
        store.delete([mine])
        assert 0 == other.restore([mine])
    assert [] == titles(store)


def test_moving_to_the_trash_is_on_record(store: Store) -> None:
    """The audit has who and how many, and none of the words."""
    store.delete(make(store, "secret"))
    with raw(store) as connection:
        rows = connection.execute("SELECT user, at, action, conversations, detail FROM audit").fetchall()
    assert [("local", T0, "delete", 1, "{}")] == rows


# titles by a message


def test_a_summary_titles_the_conversation_of_its_message(store: Store) -> None:
    """A title hint is taken where the text gave the title, and not where the source or the owner did."""
    store.ingest("claude_code", of("c", talk("first words")))
    assert store.title_by_message("claude_code", "m1", "A summary")
    assert not store.title_by_message("claude_code", "m1", "Another")
    assert not store.title_by_message("chatgpt", "m1", "Of another source")
    assert "A summary" == store.get(only(store)).title


def test_an_owners_title_is_not_replaced_by_a_summary(store: Store) -> None:
    """Who set a title keeps it."""
    store.ingest("claude_code", of("c", talk("first words")))
    store.change(only(store), {"title": "Mine"})
    assert not store.title_by_message("claude_code", "m1", "A summary")
    assert "Mine" == store.get(only(store)).title


def test_a_backslash_in_a_filter_is_one(store: Store) -> None:
    """As in the name of a file on Windows."""
    name = store.new(ConversationDraft(title=r"in C:\temp")).id
    store.new(ConversationDraft(title="in C:temp"))
    assert [name] == [found.id for found in store.conversations(Filters(title=(r"C:\t",))).items]


@pytest.mark.parametrize("text", ["Über", "über", "ÜBER", "u\u0308ber", "москва", "МОСКВА", "ΑΘΉΝΑ", "straße", "uns"])
def test_filters_know_the_case_of_every_script(store: Store, text: str) -> None:
    """Of titles, projects and authors, also where accents are written by themselves."""
    title, other = "Über uns: Москва, Αθήνα, Straße", "Anderes"
    name = store.new(ConversationDraft(title=title, project=f"/{title}"), [say("x", author=title)]).id
    store.new(ConversationDraft(title=other, project=f"/{other}"), [say("x", author=other)])
    for filters in (Filters(title=(text,)), Filters(project=text), Filters(excluded=(Filters(title=("anderes é",)),))):
        assert name in [found.id for found in store.conversations(filters).items]
    assert 1 == store.conversations(Filters(title=(text,))).total
    assert 1 == store.conversations(Filters(author=title.upper().replace("STRASSE", "STRAßE"))).total
    assert [name] == [hit.message.conversation for hit in store.scan(Filters(author=title.lower()))]
