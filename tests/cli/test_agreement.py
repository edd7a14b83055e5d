"""Two forms of one answer agree: csv, text, the table and JSON say the same, cell for cell."""

from __future__ import annotations

import csv
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chatlog.output import one_line
from tests.conftest import NOW, Run

from .helpers import on_terminal
from .test_golden import golden_history  # noqa: F401  a fixture

COLOURS = re.compile("\x1b\\[[0-9;]*m")
LISTS = [("list",), ("search", "backoff"), ("tags",), ("config", "list")]

#: Where a column's cell comes from in a record of JSON; those not named have the column's own name.
FIELDS = {"updated": "updated_at", "created": "created_at", "msgs": "messages"}


@pytest.fixture
def rich_history(run: Run, golden_history: Path, tmp_path: Path) -> Run:  # noqa: F811
    shutil.copy(golden_history, tmp_path / "chatlog.db")
    return run


def cells_of_csv(run: Run, *arguments: str) -> tuple[list[str], list[list[str]]]:
    names, *rows = csv.reader(io.StringIO(run(*arguments, "--format", "csv").out, newline=""))
    return names, rows


def unguarded(cell: str) -> str:
    """Return a CSV cell without the quote that keeps a spreadsheet from taking it for a formula."""
    return cell[1:] if re.match(r"'+[=+\-@\t\r\n\x00＝＋－＠]", cell) else cell


def expected_cell(column: str, item: dict[str, Any]) -> str:
    """Return what a cell must hold, from the record of JSON."""
    value = item[FIELDS.get(column, column)]
    if column == "title":
        return value or "untitled"
    return ",".join(value) if isinstance(value, list) else "" if value is None else str(value)


@pytest.mark.parametrize("verb", LISTS, ids=" ".join)
def test_csv_holds_what_json_holds(verb: tuple[str, ...], rich_history: Run) -> None:
    """Row for row and cell for cell; nothing is cut, and what is not there is an empty cell."""
    items = rich_history(*verb, "--json").json["items"]
    names, rows = cells_of_csv(rich_history, *verb)
    expected = [[expected_cell(name, item) for name in names] for item in items]
    actual = [[unguarded(cell) for cell in row] for row in rows]
    asked = ("json", "csv")  # `config list` says how it was asked
    assert [[cell for cell in row if cell not in asked] for row in expected] == [
        [cell for cell in row if cell not in asked] for row in actual
    ]


@pytest.mark.parametrize("verb", LISTS, ids=" ".join)
def test_text_holds_what_csv_holds(verb: tuple[str, ...], rich_history: Run) -> None:
    """The same cells between tabs, each on one line with its control characters spelt out."""
    _, rows = cells_of_csv(rich_history, *verb)
    text = [line.split("\t") for line in rich_history(*verb, "--format", "text").lines]
    asked = ("text", "csv")
    assert [[one_line(unguarded(cell)) for cell in row if cell not in asked] for row in rows] == [
        [cell for cell in row if cell not in asked] for row in text
    ]


def test_a_wide_table_holds_the_cells_of_text(rich_history: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids and times are short, a pin is a star, an empty column is left out; every other cell is the same."""
    rows = [line.split("\t") for line in rich_history("list", "--format", "text").lines]
    pinned = [item["pinned"] for item in rich_history("list", "--json").json["items"]]
    on_terminal(monkeypatch, columns=400)
    header, *lines = [COLOURS.sub("", line) for line in rich_history("list", "--format", "table").lines]
    names = header.split()
    starts = [header.index(name) for name in names]
    assert ["id", "updated", "msgs", "tags", "title"] == names
    for row, is_pinned, line in zip(rows, pinned, lines, strict=True):
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        star = "* " if is_pinned else ""
        assert [row[0][:8], row[3], row[5] or "-", star + row[6]] == [cells[0], *cells[2:]]


def test_ids_are_the_first_cells(rich_history: Run) -> None:
    """`--format ids` is the first column of the other forms."""
    for verb in LISTS:
        first = [line.split("\t")[0] for line in rich_history(*verb, "--format", "text").lines]
        assert first == rich_history(*verb, "--format", "ids").lines


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
@example(title="-")
@example(title="\n")
@example(title="=1+1")
@example(title="'@")
@example(title='a"b,c\n"d')
@example(title="a\rb\x00c\u2028d")
def test_any_title_survives_every_form(title: str, run: Run) -> None:
    """JSON and CSV give the title back as it is, text gives it on one line, whatever is in it."""
    run("new", "--title", "x")
    run("set", "@last", "--title", title)
    assert title == run("list", "-n", "1", "--json").json["items"][0]["title"]
    (row,) = cells_of_csv(run, "list", "-n", "1")[1]
    assert title == unguarded(row[-1])
    (line,) = run("list", "-n", "1").out.removesuffix("\n").split("\n")
    assert one_line(title) == line.split("\t")[-1]
    assert NOW.year == int(row[1][:4])
