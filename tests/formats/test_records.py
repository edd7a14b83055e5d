"""Tests of reading each record of a JSON source, whatever is wrong with some of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.records import read_each, records, recovered
from chatlog.models import LeftOut, Problem, Record

from .making import source_of

TURNS = {"title": "Tea", "turns": [{"says": "which?"}, {"says": "green"}]}


def test_a_whole_document_is_returned_without_problems() -> None:
    """What else stands in a document is there as well."""
    assert (TURNS, []) == recovered(source_of(json.dumps(TURNS)), "turns")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"turns": [{"says": "which?"}, {"says": "gre', ["item 2"]),
        ('{"turns": [{"says": "which?"}], "title": ', ["after the turns"]),
    ],
)
def test_of_a_damaged_document_its_list_is_read(text: str, places: list[str]) -> None:
    """A document that ends too early gives the items that are whole, and says where it is damaged."""
    document, problems = recovered(source_of(text), "turns")
    assert {"turns": [{"says": "which?"}]} == document
    assert places == [problem.place for problem in problems]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"id": "%s",\n "n": 1}' % ("x" * 200), [{"id": "x" * 200, "n": 1}]),
        ('{"id": "x",\n "n": 1}', [{"id": "x", "n": 1}]),
        ('{"ids": [\n  1]}', [{"ids": [1]}]),
        ('{"id": "%s",\n{"n": 1}\n' % ("x" * 200), [{"n": 1}]),
        ('{"id": "x",\n{"n": 1}\n', [{"n": 1}]),
    ],
)
def test_a_document_is_told_from_lines_that_begin_with_a_broken_one(text: str, values: list[Any]) -> None:
    """What follows a comma at the end of the first line tells, however long that line is."""
    assert values == [found.value for found in records(source_of(text)) if isinstance(found, Line)]


def test_a_malformed_record_is_a_problem_and_the_rest_is_read() -> None:
    """What is no line is passed on, what cannot be read is named by its place, and reading goes on."""

    def read(line: Line) -> Iterator[Record]:
        yield LeftOut(line.value["kind"], 1)

    entries = [*lines(source_of('{"kind": "a"}\n[]\n{"kind": "b"}\n')), LeftOut("c", 1)]
    expected = [LeftOut("a", 1), Problem("line 2", "not a note (TypeError)"), LeftOut("b", 1), LeftOut("c", 1)]
    assert expected == [*read_each(entries, read, "not a note")]
