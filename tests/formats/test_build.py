"""Tests of the pieces that readers build drafts from."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chatlog.formats import build
from chatlog.models import LeftOut, MessageDraft


@pytest.mark.parametrize("kind", ["file-history_2", "a" * 40])
def test_a_kind_goes_by_its_name(kind: str) -> None:
    """A short word is the name of a kind of entry."""
    assert kind == build.kind_name(kind)


@pytest.mark.parametrize("kind", ["", "a" * 41, "my secret", "step.begin", None, 3, ["note"]])
def test_what_is_no_name_is_unknown(kind: Any) -> None:
    """What may be somebody's words, or is no text, is not told."""
    assert "unknown" == build.kind_name(kind)


def test_a_source_may_have_names_of_another_form() -> None:
    """The form of a source's own names is told by a pattern."""
    assert "step.begin" == build.kind_name("step.begin", re.compile(r"[\w.]+"))


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("file:///home/ann/tea%20shop", "/home/ann/tea shop"),
        ("file:///c%3A/Users/ann/tea%20shop", "c:/Users/ann/tea shop"),
        ("file://server/teas/black", "//server/teas/black"),
        ("/home/ann/tea%20shop", "/home/ann/tea%20shop"),
        ("vscode-remote://ssh/home/ann", "vscode-remote://ssh/home/ann"),
    ],
)
def test_a_file_address_gives_its_path(address: str, path: str) -> None:
    """The address of a file is decoded to its path; any other text stays as it is."""
    assert path == build.local_path(address)


def test_reasoning_is_its_summary_and_its_own_words() -> None:
    """Both are kept, as texts or as blocks of text; what has no words is left."""
    payload = {"summary": ["In short"], "content": [{"text": "At length"}, {"text": ""}, {"encrypted": "x"}]}
    assert [build.reasoning("In short"), build.reasoning("At length")] == build.reasoning_parts(payload)


def test_parts_are_kept_where_they_say_more_than_is_shown() -> None:
    """Text alone is not kept twice."""
    words, thought = build.text("x"), build.reasoning("why")
    assert [build.kept([words], "x"), build.kept([], "x"), build.kept([thought, words], "x")] == [
        None,
        None,
        (thought, words),
    ]


def test_what_was_left_out_and_when_it_began() -> None:
    """Counts come in the order they were met, without those of nothing; the first time is the first there is."""
    assert [LeftOut("b", 2), LeftOut("a", 1)] == list(build.left_out({"b": 2, "none": 0, "a": 1}))
    moment = "2026-01-31T10:00:00.000Z"
    drafts = [MessageDraft(role="user", text="x"), MessageDraft(role="user", text="y", created_at=moment)]
    assert [build.first_moment(drafts), build.first_moment([])] == [moment, None]


def test_reminders_are_no_words() -> None:
    """What a program tells its model in the middle of a text is left out; a text without any stays as it is."""
    assert build.without_reminders("a <system-reminder>be nice</system-reminder> b\n") == "a  b"
    assert build.without_reminders(" a ") == " a "
