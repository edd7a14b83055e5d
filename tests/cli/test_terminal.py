"""What a person sees: tables, colours, the pager; and that no stored text reaches the screen as it is."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len

from chatlog.cli.help import TOPICS
from chatlog.config import BY_NAME
from chatlog.output import Output
from tests.conftest import Run

from .helpers import LISBON, on_terminal

#: Control characters that must never reach a screen from stored text: C0 but newline and tab, DEL, C1, bidi.
RAW = re.compile("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COLOURS = re.compile("\x1b\\[[0-9;]*m")
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://x\x1b\\ \x9b31m\x7f\u202eevil\r[red][/nope][link=http://x]y"

WATCHED = [
    ("list",),
    ("list", "--format", "text"),
    ("list", "--format", "csv"),
    ("list", "--json"),
    ("list", "--format", "jsonl"),
    ("tags",),
    ("show", "@last"),
    ("show", "@last", "--full", "--hidden"),
    ("show", "@last", "--json"),
    ("show", "@last", "--format", "markdown"),
    ("search", "needle", "-C", "1"),
    ("search", "needle", "--format", "text"),
    ("search", "needle", "--format", "csv"),
    ("search", "needle", "--json"),
    ("export",),
    ("export", "--to", "markdown"),
    ("export", "--to", "openai"),
    ("state", "@last", "get"),
    ("set", "@last", "--pin", "--json"),
]


@pytest.fixture
def hostile(run: Run) -> Run:
    """A conversation whose every word would drive a terminal."""
    run("new", "--title", f"needle {HOSTILE}", "--model", HOSTILE.replace("\r", ""))
    run("add", "@last", "--role", "user", "--author", f"A{HOSTILE}", f"needle {HOSTILE}\n\n```py\n{HOSTILE}\n```")
    call = {"type": "tool_call", "id": "1", "name": f"f{HOSTILE}", "arguments": {"a": HOSTILE}}
    other = {"type": HOSTILE, "name": HOSTILE}
    answer = {"type": "tool_call_response", "id": "1", "response": HOSTILE}
    for role, parts in (("assistant", [call, other]), ("tool", [answer])):
        run("add", "@last", "--json", "-", stdin=json.dumps({"role": role, "parts": parts}))
    run("state", "@last", "set", "-", stdin=json.dumps({HOSTILE: HOSTILE}))
    return run


@pytest.mark.parametrize("arguments", WATCHED, ids=" ".join)
def test_stored_text_cannot_drive_a_terminal(
    arguments: tuple[str, ...], hostile: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal, only our own colours are escape sequences; everything else is spelt out."""
    on_terminal(monkeypatch)
    ran = hostile(*arguments, "--no-pager")
    assert 0 == ran.code, ran.err
    shown = COLOURS.sub("", ran.out + ran.err)
    assert [] == RAW.findall(shown.replace("\r\n", "\n"))
    assert "\x1b" not in shown


@pytest.mark.parametrize("arguments", [case for case in WATCHED if case[0] != "export"], ids=" ".join)
def test_text_and_json_in_a_pipe_hold_no_raw_controls_either(arguments: tuple[str, ...], hostile: Run) -> None:
    """A pipe may end on a screen; files (csv, markdown, export) keep the true text."""
    ran = hostile(*arguments)
    if not {"csv", "markdown"} & {*arguments}:
        assert "\x1b" not in ran.out
        assert [] == RAW.findall(ran.out)


def test_errors_repeat_no_control_characters(run: Run) -> None:
    """What was typed wrong is named harmlessly."""
    for arguments in ((HOSTILE,), ("show", HOSTILE), ("list", f"--{HOSTILE}"), ("list", "--since", HOSTILE)):
        ran = run("--db", "none.db", *arguments)
        assert [] == RAW.findall(ran.err.replace("\x1b", "\x00"))


def test_markup_is_text(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets that a table library would take for styles are shown as they are."""
    trip("set", LISBON, "--title", "[bold]x[/nope] :smile:")
    on_terminal(monkeypatch)
    assert "[bold]x[/nope] :smile:" in COLOURS.sub("", trip("list").out)


# colours


COLOURED = [
    (True, {}, (), True),
    (True, {"NO_COLOR": "1"}, (), False),
    (True, {"NO_COLOR": ""}, (), True),
    (True, {"TERM": "dumb"}, (), False),
    (True, {}, ("--no-color",), False),
    (True, {"CHATLOG_COLOR": "never"}, (), False),
    (False, {}, (), False),
    (False, {"FORCE_COLOR": "1"}, (), True),
    (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
    (False, {"CHATLOG_COLOR": "always"}, (), True),
]


@pytest.mark.parametrize("case", COLOURED, ids=str)
@pytest.mark.parametrize("verb", [("show", "@last"), ("list", "--format", "table")], ids=["show", "list"])
def test_colour_is_for_those_who_want_it(
    verb: tuple[str, ...],
    case: tuple[bool, dict[str, str], tuple[str, ...], bool],
    trip: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal has colours unless NO_COLOR, TERM=dumb or --no-color; a pipe has none unless FORCE_COLOR."""
    terminal, environment, options, coloured = case
    if terminal:
        on_terminal(monkeypatch)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert coloured is ("\x1b[" in trip(*verb, *options, "--no-pager").out)


# tables


def test_a_table_fits_the_terminal(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headings of what is there, short ids and ages; long titles are cut, and no line is wider than the screen."""
    trip("set", LISBON, "--title", "A long title " * 20)
    on_terminal(monkeypatch, columns=60)
    lines = [COLOURS.sub("", line).rstrip() for line in trip("list").lines]
    assert ["id", "updated", "msgs", "tags", "title"] == lines[0].split()
    assert 3 == len(lines)
    assert all(len(line) <= 60 for line in lines)
    assert lines[1].endswith("…")
    assert [LISBON[:8], "now"] == lines[1].split()[:2]


def test_a_narrow_terminal_gets_fewer_columns_not_cut_ids(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an id, or the first digit of a number, says something that is not so."""
    trip("set", LISBON, "--title", "長い題名" * 20)
    on_terminal(monkeypatch, columns=40)
    lines = [COLOURS.sub("", line).rstrip() for line in trip("list").lines]
    assert ["id", "updated", "msgs", "title"] == lines[0].split()
    assert [LISBON[:8], "now", "2"] == lines[1].split()[:3]
    assert all(cell_len(line) <= 40 for line in lines)


def test_who_said_it_stays_within_the_screen(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long name, or that of a model, goes on in the next line."""
    trip("add", LISBON, "Grilled.", "--role", "user", "--author", "Ana " * 5, "--model", "claude-sonnet-4-5-20250929")
    on_terminal(monkeypatch, columns=40)
    lines = [COLOURS.sub("", line) for line in trip("show", LISBON).lines]
    assert all(cell_len(line) <= 40 for line in lines)


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_the_heading_of_a_result_stays_within_the_screen(
    columns: int, trip: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its script: a title is cut, and has a line of its own where little room is left."""
    trip("set", LISBON, "--title", "長い題名" * 20)
    on_terminal(monkeypatch, columns=columns)
    lines = [COLOURS.sub("", line) for line in trip("search", "sardines").lines]
    assert f"{LISBON[:8]}:2" == lines[0].split()[0]
    assert all(cell_len(line) <= columns for line in lines)
    assert "長い題名" in lines[0] + lines[1]


def test_a_width_of_nothing_is_none(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some shells in editors and some containers export COLUMNS=0: the table is as wide as without it."""
    monkeypatch.delenv("COLUMNS", raising=False)
    usual = trip("list", "--format", "table").out
    monkeypatch.setenv("COLUMNS", "0")
    assert ("Trip to Lisbon" in usual, usual) == (True, trip("list", "--format", "table").out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--tag", "nowhere"), "no conversation matches"),
        (("list", "--user", "ana"), "no conversations"),
        (("trash",), "the trash is empty"),
        (("tags", "--user", "ana"), "no tags"),
        (("audit",), "nothing yet"),
        (("memory", "list"), "no memories"),
        (("policy", "list"), "no policies"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_an_empty_list_is_said_to_be_one(
    arguments: tuple[str, ...], said: str, trip: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a person, who would take silence for a fault; a pipe gets nothing, which is what there is."""
    assert (0, "", "") == ((piped := trip(*arguments)).code, piped.out, piped.err)
    on_terminal(monkeypatch)
    ran = trip(*arguments)
    assert (0, "", True) == (ran.code, ran.out, said in ran.err)
    assert "" == trip(*arguments, "--quiet").err


def test_a_pipe_gets_everything(trip: Run) -> None:
    """In a pipe the id is whole and nothing is cut, however narrow the terminal was."""
    title = "A long title " * 20
    trip("set", LISBON, "--title", title.strip())
    first = trip("list").lines[0].split("\t")
    assert (LISBON, title.strip()) == (first[0], first[-1])


# a real terminal and a real pager


def on_pty(*arguments: str, columns: int = 80, env: dict[str, str] | None = None) -> str:
    """Return what `chatlog` writes to a terminal of its own."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import subprocess
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {"TERM": "xterm", **{k: v for k, v in os.environ.items() if k != "TERM"}, **(env or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "chatlog", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:
        pass  # Linux says so where the other end is closed
    os.close(ours)
    assert 0 == process.wait(60)
    return said.decode().replace("\r\n", "\n")


@pytest.fixture
def real(trip: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same for processes: they import the code that is tested."""
    import chatlog

    monkeypatch.setenv("PYTHONPATH", str(Path(chatlog.__file__).parents[1]))
    return trip


def test_a_real_terminal_gets_a_table_and_its_width(real: Run) -> None:
    """Through a pseudo-terminal, `list` is a coloured table as wide as the window."""
    said = on_pty("list", columns=70)
    plain = [COLOURS.sub("", line).rstrip() for line in said.splitlines()]
    assert "\x1b[" in said
    assert plain[0].startswith("id        updated")
    assert all(len(line) <= 70 for line in plain)


def test_why_a_context_is_what_it_is_fits_the_window(real: Run) -> None:
    """What stands in the last column of --explain goes on below it, no word is broken."""
    said = on_pty("context", LISBON, "--query", "where to eat", "--explain", "--format", "text", columns=50)
    table = [COLOURS.sub("", line) for line in said.partition("section ")[2].splitlines()]
    (at,) = [number for number, line in enumerate(table) if line.startswith("all of it")]
    assert f"{' ' * 35}{LISBON[:8]}" in table[at : at + 3]
    assert all(len(line) <= 50 for line in table[: at + 3])


@pytest.fixture
def tall(real: Run) -> Run:
    """The same, with a conversation that is taller than a screen."""
    real("set", LISBON, "--title", "Tall")
    real("add", LISBON, "--role", "assistant", "-", stdin="A line.\n\n" * 40)
    return real


def test_long_text_goes_through_the_pager(tall: Run) -> None:
    """On a terminal `show` is paged by CHATLOG_PAGER; --no-pager, and an empty setting, print it."""
    pager = {"CHATLOG_PAGER": "sed s/^/paged:/"}
    assert "paged:" in on_pty("show", LISBON, env=pager)
    assert "paged:" not in on_pty("show", LISBON, "--no-pager", env=pager)
    assert "paged:" not in on_pty("show", LISBON, env={"CHATLOG_PAGER": "", "PAGER": "sed s/^/paged:/"})
    assert "paged:" in on_pty("show", LISBON, env={"PAGER": "sed s/^/paged:/"})
    for pager in ({"CHATLOG_PAGER": "no-such-pager"}, {"PAGER": "less 'x"}):
        assert "Try the sardines" in on_pty("show", LISBON, env=pager)


def test_what_fits_the_screen_needs_no_pager(tall: Run) -> None:
    """A list of two rows, and a short conversation, are printed at once; help is long."""
    pager = {"CHATLOG_PAGER": "sed s/^/paged:/"}
    for arguments in (("list",), ("show", "databb"), ("search", "backlog")):
        assert "paged:" not in on_pty(*arguments, env=pager)
    assert "paged:" in on_pty("help", "search", env=pager)


def test_a_reader_who_leaves_early_is_no_error(tall: Run) -> None:
    """A pager that reads a line and goes ends the verb with exit code 0."""
    assert "Tall" in on_pty("show", LISBON, env={"CHATLOG_PAGER": "head -1"})


def test_plain_is_for_screen_readers(tall: Run) -> None:
    """No table, colour, drawing or pager: each value after its name, what says most first."""
    plain = {"CHATLOG_PLAIN": "1", "CHATLOG_PAGER": "sed s/^/paged:/"}
    said = on_pty("list", env=plain).splitlines()
    assert re.fullmatch(r"title Tall, id lisbnnnn, updated .*, msgs 3, tags travel", said[0])
    for arguments in (("show", LISBON), ("stats",), ("search", "sardines"), ("doctor",)):
        ran = on_pty(*arguments, env=plain)
        assert not re.search("[\x1b▁-█░▒▓]|paged:", ran), arguments


def test_json_on_a_terminal_is_laid_out(real: Run) -> None:
    """People get an indented object where scripts get a line."""
    said = on_pty("list", "--json", "--no-pager")
    assert said.startswith('{\n  "schema_version": 1,\n')


def test_every_line_is_broken_between_words(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No topic of help, no neighbour of a result and no wide text is left for the terminal to break within a word."""
    said = "量子通量是量子力学中涉及到量子系统中粒子或能量的流动的概念。" * 3
    trip("add", LISBON, "--role", "user", said)
    trip("add", LISBON, "--role", "user", "sturgeon")
    on_terminal(monkeypatch, columns=60)
    for arguments in (
        *(("help", topic) for topic in TOPICS), ("search", "sturgeon", "-C", "1"), ("show", LISBON), ("stats",),
    ):  # fmt: skip
        ran = trip(*arguments, "--no-pager")
        wide = [line for line in COLOURS.sub("", ran.out).splitlines() if cell_len(line) > 60 and " " in line.strip()]
        assert [] == wide, arguments


def test_a_narrow_table_cuts_no_name_of_a_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be typed again stands whole; the sentence about it is cut."""
    on_terminal(monkeypatch, columns=80)
    names = [line.split()[0] for line in COLOURS.sub("", run("config", "list").out).splitlines()[1:]]
    assert [*BY_NAME] == names


def test_a_check_is_printed_once_its_bar_is_gone(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar on stderr and a line on stdout never share a row of the screen."""
    seen: list[str] = []

    @contextmanager
    def progress(*_: object) -> Iterator[None]:
        seen.append("bar")
        yield None
        seen.append("gone")

    monkeypatch.setattr(Output, "progress", progress)
    monkeypatch.setattr(Output, "prose", lambda _, lines: seen.append("line"))
    assert 0 == trip("doctor").code
    assert ["bar", "gone", "line"] == seen[:3]
    assert all(before == "gone" for before, said in pairwise(seen) if said == "line")
