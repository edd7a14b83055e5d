"""Tests of CSV: a row for each message, cells that no spreadsheet takes for a formula, and RFC 4180."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.formats import build, csv_rows
from chatlog.models import MessageDraft

from .making import stored, talk


def rows_of(*drafts: MessageDraft, **facts: object) -> list[dict[str, str]]:
    out = io.StringIO(newline="")
    csv_rows.write([(talk(**facts), stored(*drafts))], out)
    return [*csv.DictReader(io.StringIO(out.getvalue(), newline=""), strict=True)]


def test_a_message_is_a_row() -> None:
    """Each message has its conversation's facts beside its own; parts are JSON."""
    call = build.tool_call("1", "find", {"a": "ü"})
    drafts = [MessageDraft(role="user", text='Hi, "you"\nthere'), MessageDraft(role="assistant", parts=(call,))]
    first, second = rows_of(*drafts, title="T", tags=("a", "b"))
    assert ("c7q2", "T", "a b", "1", "user") == tuple(
        first[name] for name in ("conversation", "title", "tags", "seq", "role")
    )
    assert ('Hi, "you"\nthere', "false") == (first["text"], first["hidden"])
    assert ("1", [call]) == (second["parent"], json.loads(second["parts"]))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(start: str) -> None:
    """RELIABILITY 39: whatever begins like a formula gets an apostrophe, in every column, and loses nothing."""
    text = start + 'cmd|"/c calc"!A1'
    (row,) = rows_of(
        MessageDraft(role="user", text=text, author=text, model=text),
        title=text,
        source=text,
        project=text,
        tags=(text,),
    )
    for name in ("title", "source", "project", "tags", "author", "model", "text"):
        assert "'" + text == row[name]


@given(st.lists(st.text(alphabet='a,"\r\n;\t=é', max_size=8), min_size=1, max_size=4))
def test_any_text_comes_back(texts: list[str]) -> None:
    """Quotes, commas and line ends of every kind are read by any program as they were."""
    rows = rows_of(*(MessageDraft(role="user", text=text) for text in texts))
    assert [csv_rows.harmless(text) for text in texts] == [row["text"] for row in rows]


def test_lines_end_as_the_standard_says() -> None:
    """CRLF, the names of the columns first."""
    out = io.StringIO(newline="")
    csv_rows.write([(talk(), stored(MessageDraft(role="user", text="x")))], out)
    lines = out.getvalue().split("\r\n")
    assert (3, "") == (len(lines), lines[-1])
    assert lines[0].startswith("ref,conversation,title,")
