"""Tests of `chatlog similar`, and of verbs that are chained by ids."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Run

from .helpers import DATABASE, ENVELOPE, LISBON, RESULT, refused


@pytest.fixture
def talks(trip: Run) -> Run:
    trip("add", "--new", "--role", "user", "Where do they serve grilled sardines in Lisbon?")
    return trip


def answer(run: Run, *arguments: str) -> Any:
    return run(*arguments, "--json").json


def test_similar_answers_like_a_search(talks: Run) -> None:
    """Its JSON has the envelope and the keys of a search; the ids are of conversations."""
    found = answer(talks, "similar", LISBON)
    assert (set(), set()) == (ENVELOPE - set(found), RESULT - set(found["items"][0]))
    assert [item["conversation"] for item in found["items"]] == talks("similar", LISBON, "--format", "ids").lines
    assert LISBON not in [item["conversation"] for item in found["items"]]


def test_a_message_is_like_messages(talks: Run) -> None:
    """From CONV:SEQ the ids are of messages."""
    (ref, *_) = talks("similar", f"{LISBON}:1", "--format", "ids").lines
    assert "Where do they serve grilled sardines in Lisbon?" in talks("show", ref).out


def test_nothing_similar_is_no_match(trip: Run) -> None:
    """Exit code 1 and a hint, as where a search finds nothing."""
    ran = trip("similar", LISBON)
    assert (1, "", "nothing found\n") == (ran.code, ran.out, ran.err)
    refused(trip("similar", "nope", "--json"), 3, "not_found")


def test_a_search_gives_conversations(talks: Run) -> None:
    """Each conversation stands there once, by its best message, and says how many of its messages match."""
    found = answer(talks, "search", "lisbon sardines", "--output", "conversations")
    names = [item["conversation"] for item in found["items"]]
    assert (len({*names}), True) == (len(names), LISBON in names)
    assert 2 == next(item["matches"] for item in found["items"] if item["conversation"] == LISBON)
    assert set() == RESULT - set(found["items"][0])
    assert names == talks("search", "lisbon sardines", "--output", "conversations", "--format", "ids").lines
    assert 1 == len(answer(talks, "search", "lisbon", "--output", "conversations", "-n", "1")["items"])
    refused(talks("search", "lisbon", "--output", "tables", "--json"), 2, "usage")


def test_a_batch_gives_conversations_too(talks: Run) -> None:
    """`output` is a key of a request."""
    request = '{"id": 1, "query": "lisbon sardines", "output": "conversations", "explain": true}\n'
    (item, *_) = talks("search", "--batch", "-", stdin=request).json["items"]
    assert {"matches", "explain"} <= set(item)


def test_searches_chain(talks: Run) -> None:
    """The ids of one search, of messages or of conversations, are where the next one looks."""
    for what in ("messages", "conversations"):
        ids = talks("search", "eat", "--output", what, "--format", "ids").out
        assert [LISBON] * len(ids.splitlines()) == [line.split(":")[0] for line in ids.splitlines()]
        ran = talks("search", "sardines", "--conv", "-", "--mode", "lexical", "--format", "ids", stdin=ids)
        assert [f"{LISBON}:2"] == ran.lines


def test_a_chain_that_has_found_nothing_finds_nothing(talks: Run) -> None:
    """No ids on stdin is no conversation, not all of them."""
    ran = talks("search", "sardines", "--conv", "-", stdin="")
    assert (1, "") == (ran.code, ran.out)


def test_two_cannot_read_stdin(talks: Run) -> None:
    """A query and ids that both come on stdin are refused rather than mixed up."""
    refused(talks("search", "-", "--conv", "-", "--json", stdin=DATABASE), 2, "usage")


def test_what_is_found_can_be_shown(talks: Run) -> None:
    """`show -` takes the ids of messages and of conversations."""
    for what in ("messages", "conversations"):
        ids = talks("search", "backlog", "--output", what, "--format", "ids").out
        ran = talks("show", "-", stdin=ids)
        assert (0, True) == (ran.code, "Is SQLite enough for the backlog?" in ran.out)
