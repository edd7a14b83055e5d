"""The pager and the bar by themselves: what is tall, what is broken where, what appears when."""

from __future__ import annotations

import io
import os
import threading

import pytest

from chatlog.terminal import Bar, Pager, Screen, broken, hanging, rows_of


@pytest.mark.parametrize(
    ("line", "columns", "rows"),
    [
        ("", 10, 1), ("x" * 10, 10, 1), ("x" * 11, 10, 2), ("\x1b[31m" + "x" * 10 + "\x1b[0m", 10, 1),
        ("東京都東京都", 10, 2), ("x", 0, 1),
    ],
)  # fmt: skip
def test_a_line_takes_so_many_rows(line: str, columns: int, rows: int) -> None:
    """By its width on the screen: styles have none, wide characters two."""
    assert rows == rows_of(line, columns)


def pager(out: io.StringIO, command: list[str], rows: int) -> Pager:
    return Pager(out, command, os.environ, Screen(80, rows))


def test_what_fits_is_shown_at_the_end() -> None:
    """No process is started for it, not even one that does not exist."""
    out = io.StringIO()
    pages = pager(out, ["no-such-pager"], 4)
    pages.write("a\nb\n")
    pages.flush()
    assert "" == out.getvalue()
    pages.close()
    assert "a\nb\n" == out.getvalue()


def test_what_is_taller_goes_to_the_pager(capfd: pytest.CaptureFixture[str]) -> None:
    """All of it, also what was held before it was known to be tall."""
    out = io.StringIO()
    pages = pager(out, ["sed", "s/^/> /"], 2)
    for line in ("a\n", "b\n", "c\n"):
        pages.write(line)
    pages.flush()
    pages.close()
    assert ("", "> a\n> b\n> c\n") == (out.getvalue(), capfd.readouterr().out)


def test_lines_are_broken_between_words() -> None:
    """As far in as they began; styles take no room, and a word that is too long stays whole."""
    assert ["  one", "  two", "  three"] == [*broken("  one two three", 7)]
    assert ["  \x1b[1mone\x1b[0m two"] == [*broken("  \x1b[1mone\x1b[0m two", 9)]
    assert ["x" * 20] == [*broken("x" * 20, 7)]
    assert ["as it comes"] == [*broken("as it comes", None)]


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("東京都に、行く。", ["東京都", "に、行", "く。"]),
        ("at (東京都) now", ["at (東", "京都)", "now"]),
        ("한국어 제목 긴", ["한국어", "제목 긴"]),
        ("\x1b[1m東京都\x1b[0m東京", ["\x1b[1m東京都\x1b[0m", "東京"]),
        ("e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301", ["e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301"]),
        ("a  b    c  d", ["a  b", "c  d"]),
    ],
)
def test_lines_are_broken_by_their_cells(line: str, rows: list[str]) -> None:
    """Scripts without blanks between characters, but before no closing mark; accents take no room."""
    assert rows == [*broken(line, 7)]


def test_what_follows_stands_below_the_second_column() -> None:
    """Where a line has one; a list of many columns goes on where the line began."""
    line = "  7d 2w    that many days ago"
    assert [line[:-4], f"{'':11}ago"] == [*broken(line, 26, hanging(line))]
    assert (0, 2, 2) == (hanging("none"), hanging("  none"), hanging(f"  one  {'x' * 50}  two"))


def test_a_second_column_keeps_room_for_words() -> None:
    """On a narrow terminal what follows begins further left than its column."""
    line = f"{'a':37}to each its own"
    assert [f"{'a':37}to", f"{'':26}each its own"] == [*broken(line, 40, hanging(line))]
    assert ["a  b", "c"] == [*broken("a  b c", 5, 3)]


def test_a_bar_waits_before_it_appears(capsys: pytest.CaptureFixture[str]) -> None:
    """What is quick shows nothing and loads nothing."""
    with Bar("quick", patience=60) as advance:
        advance(1, 2)
    assert ("", "") == capsys.readouterr()


def test_a_bar_appears_once_it_takes_long() -> None:
    """Then it says how far it is, and goes away at the end."""
    appeared = threading.Event()
    bar = Bar("slow", patience=0)
    show = bar._appear
    bar._timer.function = lambda: (show(), appeared.set())  # type: ignore[func-returns-value]
    with bar as advance:
        assert appeared.wait(30)
        advance(1, 2)
        assert (1, 2) == (bar._bar.tasks[0].completed, bar._bar.tasks[0].total)
    assert not bar._bar.live.is_started
