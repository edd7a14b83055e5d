"""new, set, fork, state, tag and tags: what they change, and what they leave alone."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest

from chatlog.cli.session import Session
from chatlog.models import Conversation
from chatlog.store.sqlite.engine import SqliteStore
from tests.conftest import NOW, Run

from .helpers import DATABASE, LISBON, everything, on_terminal, refused


def conversation(run: Run, ref: str = LISBON) -> dict[str, object]:
    return dict(run("show", ref, "--json").json["conversation"])


# new


def test_new_prints_the_id_of_what_it_made(run: Run) -> None:
    """Title, tags, model, lifetime and a system prompt are kept, and only the id is printed."""
    ran = run(
        "new", "--title", "Trip", "--tag", "a", "--tag", "b", "--model", "m", "--ttl", "30d", "--system", "Brief."
    )
    found = run("show", ran.out.strip(), "--json").json
    assert ("Trip", ["a", "b"], "m") == tuple(found["conversation"][key] for key in ("title", "tags", "model"))
    assert "2026-12-20T21:44:01.000Z" == found["conversation"]["expires_at"]
    assert [("system", "Brief.")] == [(message["role"], message["text"]) for message in found["messages"]]
    assert (1, "") == (len(ran.lines), ran.err)


def test_a_system_prompt_comes_from_stdin(run: Run) -> None:
    """`--system -` reads it."""
    run("new", "--system", "-", stdin="Answer briefly.\n")
    assert "Answer briefly." == run("show", "@last", "--json").json["messages"][0]["text"]


def test_a_wrong_lifetime_makes_nothing(run: Run) -> None:
    """What cannot be understood is refused before there is a conversation or a file."""
    assert 2 == run("new", "--ttl", "soon").code
    assert 3 == run("list").code


# set


def test_set_changes_what_was_named_and_nothing_else(trip: Run) -> None:
    """Each option changes its field; the rest is as before, and the revision is one more for the call."""
    before = conversation(trip)
    changed = trip("set", LISBON, "--title", "Lisboa", "--pin", "--archive", "--model", "m2", "--json").json
    expected = {**before, "title": "Lisboa", "pinned": True, "archived": True, "model": "m2"}
    moved = {"revision": before["revision"] + 1, "updated_at": changed["conversation"]["updated_at"]}  # type: ignore[operator]
    assert {**expected, **moved} == changed["conversation"]
    back = trip("set", LISBON, "--unpin", "--unarchive", "--json").json["conversation"]
    assert (False, False) == (back["pinned"], back["archived"])


def test_a_lifetime_is_set_and_taken_away(trip: Run) -> None:
    """--ttl counts from now, and --ttl never keeps the conversation for good."""
    found = trip("set", LISBON, "--ttl", "30d", "--json").json["conversation"]
    assert NOW.replace(year=2026, month=12, day=20).strftime("%Y-%m-%dT%H:%M") == found["expires_at"][:16]
    assert trip("set", LISBON, "--ttl", "never", "--json").json["conversation"]["expires_at"] is None


def test_what_has_expired_is_not_shown(trip: Run) -> None:
    """From its moment on, a conversation with a lifetime is gone from list, show and search."""
    trip("set", LISBON, "--ttl", "3s")
    for _ in range(3):
        trip("tags")
    assert f"{DATABASE}\n" == trip("list", "--format", "ids").out
    assert 3 == trip("show", LISBON).code
    assert 1 == trip("search", "sardines").code


def test_setting_what_is_so_already_writes_nothing(trip: Run) -> None:
    """The same value again leaves revision and time as they are."""
    trip("set", LISBON, "--pin")
    before = everything(trip)
    assert 0 == trip("set", LISBON, "--pin").code
    assert before == everything(trip)


# fork


def test_a_fork_starts_with_everything_up_to_a_message(trip: Run) -> None:
    """The child names its parent, holds the prefix, and grows by itself."""
    child = trip("fork", f"{LISBON}:1", "--title", "Another way").out.strip()
    trip("add", child, "--role", "user", "And in Porto?")
    found = trip("show", child, "--json").json
    assert (LISBON, 1, "Another way") == tuple(found["conversation"][key] for key in ("parent", "forked_at", "title"))
    assert ["Where shall we eat in Lisbon?", "And in Porto?"] == [message["text"] for message in found["messages"]]
    assert 2 == conversation(trip)["messages"]


# state


def test_state_is_set_merged_read_and_unset(trip: Run) -> None:
    """With set the object is replaced, with merge keys are added and null removes one, with unset a key or all goes."""
    assert "{}\n" == trip("state", LISBON, "get").out
    assert '{"a":1,"b":[2]}\n' == trip("state", LISBON, "set", '{"a": 1, "b": [2]}').out
    assert '{"b":[2],"c":3}\n' == trip("state", LISBON, "merge", '{"a": null, "c": 3}').out
    assert "[2]\n" == trip("state", LISBON, "get", "b").out
    assert '{"c":3}\n' == trip("state", LISBON, "unset", "b").out
    assert "{}\n" == trip("state", LISBON, "unset").out


@pytest.mark.parametrize(("action", "value"), [("merge", '{"a": 1, "c": null}'), ("unset", "c")])
def test_state_is_changed_as_it_is_by_then(trip: Run, monkeypatch: pytest.MonkeyPatch, action: str, value: str) -> None:
    """What others wrote since it was read stays; with --if-revision that is a conflict."""
    change = SqliteStore.change
    others = iter([{"b": 1, "c": 1}, {"b": 2, "c": 2}])

    def late(store: SqliteStore, name: str, changes: dict[str, object], **options: int | None) -> Conversation:
        if (state := next(others, None)) is not None:
            change(store, name, {"state": state})
        return change(store, name, changes, **options)

    monkeypatch.setattr(SqliteStore, "change", late)
    state = json.loads(trip("state", LISBON, action, value).out)
    assert {"b": 2} | ({"a": 1} if action == "merge" else {}) == state
    revision = conversation(trip)["revision"]
    others = iter([{"b": 3}])
    refused(trip("state", LISBON, action, value, "--if-revision", str(revision), "--json"), 1, "conflict")


def test_state_comes_from_stdin(trip: Run) -> None:
    """`-` and a pipe are read."""
    assert '{"s":1}\n' == trip("state", LISBON, "set", "-", stdin='{"s": 1}').out
    assert '{"s":2}\n' == trip("state", LISBON, "merge", stdin='{"s": 2}\n').out


def test_state_is_swapped_only_where_nobody_wrote_since(trip: Run) -> None:
    """Of two writers who read the same revision one wins, and the other is told to read again."""
    revision = str(trip("state", LISBON, "get", "--json").json["revision"])
    first = trip("state", LISBON, "set", '{"by": "first"}', "--if-revision", revision, "--json")
    second = trip("state", LISBON, "set", '{"by": "second"}', "--if-revision", revision, "--json")
    assert {"schema_version": 1, "state": {"by": "first"}, "revision": int(revision) + 1} == first.json
    refused(second, 1, "conflict")
    assert '{"by":"first"}\n' == trip("state", LISBON, "get").out


def test_a_key_that_is_not_there_is_not_found(trip: Run) -> None:
    """A script can tell a missing key (3) from a wrong call (2)."""
    refused(trip("state", LISBON, "get", "nope", "--json"), 3, "not_found")
    assert "  it has: none\n" in trip("state", LISBON, "get", "nope").err


@pytest.mark.parametrize("value", ["[1]", "3", "SECRETWORD", '{"a": NaN}', "[" * 2000])
def test_state_must_be_an_object(value: str, trip: Run) -> None:
    """Anything else is refused without repeating it, and nothing is written."""
    ran = trip("state", LISBON, "set", value, "--json")
    refused(ran, 2, "usage")
    assert "SECRETWORD" not in ran.err
    assert "{}\n" == trip("state", LISBON, "get").out


# tag, tags


def test_tags_are_added_and_removed(trip: Run) -> None:
    """`+a -b` in one call; the answer counts what changed."""
    assert "1 of 1 conversations changed\n" == trip("tag", LISBON, "+food", "+sea", "-travel").out
    assert ["food", "sea"] == conversation(trip)["tags"]
    assert "0 of 1 conversations changed\n" == trip("tag", LISBON, "+food", "-travel").out


def test_tags_of_the_conversations_on_stdin(trip: Run) -> None:
    """`tag - +a -b` reads ids, one a line, and takes each conversation once."""
    ran = trip("tag", "-", "+all", "-work", "--json", stdin=f"{LISBON}\n{DATABASE}\n{LISBON}:2\n")
    assert {"conversations": 2, "changed": 2, "added": ["all"], "removed": ["work"]} == ran.json["tag"]
    assert (["all", "travel"], ["all"]) == (conversation(trip)["tags"], conversation(trip, DATABASE)["tags"])


def test_tags_of_all_that_the_filters_let_through(trip: Run) -> None:
    """Without ids, filters choose; a tag begins with a letter also where it looks like an option."""
    assert "1 of 1 conversations changed\n" == trip("tag", "-work", "+data", "--title", "database").out
    assert (["travel"], ["data"]) == (conversation(trip)["tags"], conversation(trip, DATABASE)["tags"])


def test_tags_are_listed_with_their_numbers(trip: Run) -> None:
    """Each tag with how many conversations carry it."""
    trip("tag", LISBON, "+work")
    assert "travel\t1\nwork\t2\n" == trip("tags").out
    assert [{"tag": "travel", "conversations": 1}, {"tag": "work", "conversations": 2}] == [
        json.loads(line) for line in trip("tags", "--format", "jsonl").lines
    ]


@pytest.mark.parametrize("tag", ["+", "+two words", "+a,b", "+a\tb"])
def test_a_tag_is_one_word(tag: str, trip: Run) -> None:
    """What a list of tags could not show is refused, and nothing is tagged."""
    refused(trip("tag", LISBON, tag, "--json"), 2, "usage")
    assert ["travel"] == conversation(trip)["tags"]


def test_what_is_not_counted_is_said_where_tokens_are_sorted_by(trip: Run) -> None:
    """An order by numbers that are not there is no order; once they are counted nothing is said."""
    assert "2 of 2 are not counted yet" in trip("list", "--sort", "tokens").err
    trip("fork", LISBON)  # its words are another's, and counted with them
    trip("stats")
    ran = trip("list", "--sort", "tokens", "--json")
    tokens = [item["tokens"] for item in ran.json["items"]]
    assert ("", sorted(tokens, reverse=True)) == (ran.err, tokens)
    assert "" == trip("list").err


def test_archived_conversations_are_left_out_of_the_list_alone(trip: Run) -> None:
    """The list shows them where they are asked for; other verbs take them like any."""
    trip("set", LISBON, "--archive")
    assert [DATABASE] == trip("list", "--format", "ids").lines
    assert [LISBON] == trip("list", "--archived", "--format", "ids").lines
    assert [f"{LISBON}:2"] == trip("search", "sardines", "--mode", "lexical", "--format", "ids").lines
    assert [LISBON] == trip("delete", "--tag", "travel", "--dry-run", "--format", "ids").lines


def test_a_person_is_told_of_the_rest_of_a_list(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, where there is a rest."""
    on_terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    assert ["1 of 2; -n 0 shows all\n", ""] == [trip("list", *number).err for number in (["-n", "1"], ["-n", "2"])]


def test_what_is_restored(trip: Run) -> None:
    """All of the trash, or what is named, once; JSON counts it, ids are one a line, none are no line."""
    trip("delete", LISBON, DATABASE, "--yes")
    assert ["2 conversations restored"] == trip("restore", "--deleted").lines
    trip("delete", LISBON, "--yes")
    ran = trip("restore", "-", "--json", stdin=f"{LISBON}\n{LISBON[:8]}\n")
    assert (1, [LISBON]) == (ran.json["conversations"], [item["id"] for item in ran.json["items"]])
    trip("delete", LISBON, "--yes")
    assert ["1 conversation restored"] == trip("restore", LISBON).lines
    assert "" == trip("restore", "--tag", "nowhere", "--format", "ids").out


def test_how_to_undo_names_no_more_than_three(trip: Run) -> None:
    """A line stays a line."""
    ids = [trip("new", "--tag", "x").lines[0] for _ in range(4)]
    assert trip("delete", *ids[:3], "--yes").out.endswith(
        f"undo: chatlog restore {' '.join(one[:8] for one in ids[:3])}\n"
    )
    trip("restore", "--deleted")
    assert trip("delete", *ids, "--yes").out.endswith("undo: chatlog restore, see chatlog trash\n")


def test_a_message_stands_alone_or_with_its_neighbours(run: Run) -> None:
    """By its ref it is alone, --around takes three on either side, -C says how many."""
    name = run("new", "--id-only").out.strip()
    run("add", name, "--json", "-", stdin=json.dumps([{"role": "user", "text": str(seq)} for seq in range(1, 10)]))

    def shown(*arguments: str) -> list[int]:
        return [message["seq"] for message in run("show", *arguments, "--json").json["messages"]]

    assert [5] == shown(f"{name}:5") == shown(name, "--around", "5", "-C", "0")
    assert [2, 3, 4, 5, 6, 7, 8] == shown(name, "--around", "5")
    assert [4, 5, 6] == shown(f"{name}:5", "-C", "1") == shown(name, "--around", "5", "-C", "1")
    assert [8, 9] == shown(name, "-n", "2")


def test_hidden_messages_are_counted_for_people(trip: Run) -> None:
    """Who reads a conversation knows that there is more, and how to see it."""
    hidden = {"role": "user", "text": "an injected preamble", "hidden": True}
    for count, said in (
        (1, "1 hidden message is not shown; --hidden shows it\n"),
        (2, "2 hidden messages are not shown; --hidden shows them\n"),
    ):
        trip("add", LISBON, "--json", "-", stdin=json.dumps(hidden))
        ran = trip("show", LISBON)
        assert (said, False) == (ran.err, "preamble" in ran.out)
        ran = trip("show", LISBON, "--hidden")
        assert ("", count) == (ran.err, ran.out.count("preamble"))


def test_people_see_their_own_time(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Tokyo it was nine hours later; JSON holds UTC."""
    monkeypatch.setattr(Session, "now", lambda session: NOW.astimezone(timezone(timedelta(hours=9))))
    assert "user  #1 · 2026-11-20 22:44" in trip("show", LISBON).out
    assert "2026-11-20T13:44:00.000Z" == trip("show", LISBON, "--json").json["messages"][0]["created_at"]


def test_several_conversations_are_one_document(trip: Run) -> None:
    """Ids on stdin give an envelope; one id gives what it gives by itself."""
    ran = trip("show", "-", "--json", stdin=f"{LISBON}\n{DATABASE}:1\n")
    assert (2, 1) == (ran.json["total"], ran.json["schema_version"])
    alone = [trip("show", ref, "--json").json for ref in (LISBON, f"{DATABASE}:1")]
    assert [{key: one[key] for key in ("conversation", "messages")} for one in alone] == ran.json["items"]
    assert alone[0] == trip("show", "-", "--json", stdin=LISBON).json
