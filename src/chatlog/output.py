"""The only writer to stdout, and the voice on stderr.

stdout is data in the asked form; progress, hints and errors go to stderr.  Stored text never reaches
a person's screen with control characters in it; JSON escapes them, files keep them.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from shutil import get_terminal_size
from types import MappingProxyType
from typing import IO, Any, NamedTuple, cast

from chatlog.errors import ChatlogError, UsageError, choices_hint
from chatlog.models import short_ref
from chatlog.streams import tell

SCHEMA_VERSION = 1
#: On a terminal a wide column gives way to the others down to this, and they are no wider than that.
MIN_WIDE, MAX_NARROW = 12, 40
FORMATS = ("table", "text", "json", "jsonl", "ids", "csv")
#: The forms of a context, as the APIs take them.
WIRE_FORMS = ("openai", "anthropic", "gemini", "responses")
#: The forms of one thing, and of one that has an id.
THING = ("table", "text", "json", "jsonl")
IDENTIFIED = (*THING, "ids")

#: C0 but newline and tab, DEL, C1, bidirectional controls, line separators, tag characters, lone surrogates.
_CONTROL = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_STYLES = {
    "bold": "1", "dim": "2", "italic": "3", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35",
    "cyan": "36", "match": "1;33",
}  # fmt: skip


def visible(text: str) -> str:
    """Return text with its control characters spelt out: harmless on any terminal."""
    return text if text.isprintable() else re.sub(_CONTROL, lambda match: _spelt(ord(match.group())), text)


def one_line(text: str) -> str:
    """Return text as one harmless line."""
    return visible(" ".join(text.split()) if "\n" in text or "\t" in text else text)


def _spelt(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON that is readable, exact, and free of raw control characters."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=None if indent else (",", ":"))
    return text if text.isprintable() else re.sub(_CONTROL, lambda match: _json_escape(match.group()), text)


def _json_escape(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) != 0x7F else "\\u007f"


class Column(NamedTuple):
    """A column of a list: its heading, and what a record shows there: what it has under that name, or a `cell`.

    `short` is the form a terminal's table shows, where it differs.
    """

    name: str
    cell: Callable[[Mapping[str, Any]], str] | None = None
    short: Callable[[Mapping[str, Any]], str] | None = None
    style: str = ""
    right: bool = False
    wide: bool = False

    def text(self, record: Mapping[str, Any]) -> str:
        """Return what a record shows."""
        return self.cell(record) if self.cell else text_of(record[self.name])


#: What a record is named by.
ID = Column("id", short=lambda record: short_ref(str(record["id"])), style="yellow")


class Listing(NamedTuple):
    """A list of records on its way out.

    `identify` is the key of what ``ids`` prints, `extra` are keys of the JSON envelope beside `items`, and `none` is
    said to a person where there are no records.
    """

    items: Iterable[Mapping[str, Any]]
    columns: Sequence[Column]
    identify: str | None = None
    total: int | None = None
    next_cursor: str | None = None
    warnings: Sequence[str] = ()
    extra: Mapping[str, Any] = MappingProxyType({})
    none: str = ""


class Output:
    """Writes what a command found, in the form that was asked for."""

    def __init__(self, settings: OutputSettings) -> None:
        self.settings = settings
        self.out: IO[str] = sys.stdout
        self.is_terminal = self.out.isatty()
        self.format = settings.format or ("table" if self.is_terminal else "text")
        self.color = _wants_color(settings, self.out)
        self.error_color = _wants_color(settings, sys.stderr)

    # forms

    def listing(self, listing: Listing) -> None:
        """Write a list.  Raises UsageError for a form it cannot have."""
        match self.format:
            case "json":
                items, warnings = [dict(item) for item in listing.items], list(listing.warnings)
                beside = {"total": listing.total, "next_cursor": listing.next_cursor, "warnings": warnings}
                self.json({"items": items, **beside, **listing.extra})
            case "jsonl":
                self.lines(to_json(dict(item)) for item in listing.items)
            case "ids" if listing.identify is not None:
                self.lines(str(item[listing.identify]) for item in listing.items)
            case "csv":
                self._csv(listing)
            case "table":
                with self.paged():
                    self._table(listing)
            case "text":
                self.lines(
                    "\t".join(one_line(column.text(item)) for column in listing.columns) for item in listing.items
                )
            case _:
                raise UsageError(f"this cannot be printed as {self.format}", choices_hint(self.format, FORMATS))

    def thing(self, noun: str, record: Mapping[str, Any], lines: Iterable[str], identity: str | None = None) -> None:
        """Write one thing: under its noun in JSON, as `lines` of text otherwise."""
        match self.format:
            case "json":
                self.json({noun: record})
            case "jsonl":
                self.lines([to_json(record)])
            case "ids" if identity is not None:
                self.lines([identity])
            case "table" | "text":
                self.lines(visible(line) for line in lines)
            case _:
                raise UsageError(f"this cannot be printed as {self.format}", "one of: text, json, jsonl")

    def json(self, value: Mapping[str, Any]) -> None:
        """Write one JSON object with the schema's version first."""
        indent = 2 if self.is_terminal else None
        self.lines([to_json({"schema_version": SCHEMA_VERSION, **value}, indent=indent)])

    def lines(self, lines: Iterable[str]) -> None:
        """Write lines as they are."""
        for line in lines:
            self.out.write(line + "\n")

    def prose(self, lines: Iterable[str]) -> None:
        """Write lines for a person: on a terminal broken between words, below the column that they ended in."""
        self.lines(_fitted(lines) if self.is_terminal else lines)

    def flush(self) -> None:
        """Let a reader see what was written so far, while more is awaited."""
        self.out.flush()

    def stream(self) -> IO[str]:
        """Return where a file's bytes go: as they are into a pipe, made harmless on a terminal."""
        return cast("IO[str]", _Visible(self.out)) if self.is_terminal else self.out

    def _csv(self, listing: Listing) -> None:
        import csv

        from chatlog.formats.csv_rows import harmless

        plain = csv.writer(self.stream(), lineterminator="\n")
        quoted = csv.writer(self.stream(), lineterminator="\n", quoting=csv.QUOTE_ALL)
        plain.writerow([column.name for column in listing.columns])
        for item in listing.items:
            row = [harmless(column.text(item)) for column in listing.columns]
            # csv quotes no "\r" that is not its own line end, and a spreadsheet takes it for a new row
            (quoted if any("\r" in cell for cell in row) else plain).writerow(row)

    def _table(self, listing: Listing) -> None:
        from rich.cells import cell_len
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        names = [column.name for column in listing.columns]
        rows = [[one_line((column.short or column.text)(item)) for column in listing.columns] for item in listing.items]
        if not rows:
            if listing.none:
                self.hint(listing.none)
            return
        if self.settings.plain:
            self.lines(_spoken(names, row) for row in rows)
            return
        console = Console(
            file=self.out, color_system="standard" if self.color else None, force_terminal=self.color,
            highlight=False, emoji=False, markup=False,
        )  # fmt: skip
        console.width = console.width or get_terminal_size().columns  # COLUMNS=0 says nothing, and leaves no room
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        shown = [index for index in range(len(listing.columns)) if any(row[index] not in ("", "-") for row in rows)]
        columns = [listing.columns[index] for index in shown]
        widest = [max(cell_len(row[index]) for row in [names, *rows]) for index in shown]
        room = console.width - sum(_narrow(column, width) for column, width in zip(columns, widest, strict=True))
        for index in range(len(columns) - 1, 0, -1):  # what tells which one it is, and what it is about, go last
            if room < MIN_WIDE and not columns[index].wide and any(column.wide for column in columns):
                room += _narrow(columns[index], widest[index])
                del columns[index], widest[index], shown[index]
        for column, width in zip(columns, widest, strict=True):
            table.add_column(
                column.name,
                style=column.style,
                justify="right" if column.right else "left",
                no_wrap=True,
                overflow="ellipsis",
                width=max(min(width, room), MIN_WIDE) if column.wide else min(width, MAX_NARROW),
            )
        for row in rows:
            table.add_row(*(Text(row[index]) for index in shown))
        console.print(table)

    # text for people

    def paint(self, text: str, style: str) -> str:
        """Return text in a style where colour is on; the text must be harmless already."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color and text else text

    @contextmanager
    def paged(self) -> Iterator[None]:
        """Send what is written meanwhile through the pager, where a person watches and it is taller than the screen."""
        import shlex
        import shutil

        wanted, command = self.is_terminal and self.settings.use_pager and not self.settings.plain, list[str]()
        with suppress(ValueError):  # a quote without its end
            command = shlex.split(self.settings.pager) if wanted else []
        if not command or command[0] == "cat" or shutil.which(command[0]) is None:
            yield
            return
        from chatlog.terminal import Pager, Screen

        terminal = self.out
        # as git does: a plain `less` shows colours, and ends by itself where the text got shorter
        pager = Pager(terminal, command, {"LESS": "FRX", **os.environ}, Screen(*shutil.get_terminal_size()))
        self.out = cast("IO[str]", pager)
        try:
            yield
        except BrokenPipeError:
            pass  # they have seen enough
        finally:
            self.out = terminal
            pager.close()

    # stderr

    def hint(self, text: str) -> None:
        """Say something helpful on stderr, unless asked to be quiet."""
        if not self.settings.quiet:
            self._say(visible(text), "dim")

    def remarks(self, lines: Iterable[str]) -> None:
        """Say lines on stderr as `prose` writes them on stdout, unless asked to be quiet."""
        for line in _fitted(lines) if sys.stderr.isatty() else lines:
            self.hint(line)

    def question(self, text: str) -> None:
        """Ask something on stderr; the answer is read on the same line."""
        tell(visible(text) + " [y/N] ")
        sys.stderr.flush()

    def warning(self, text: str) -> None:
        """Say on stderr that something is not as it should be."""
        self._say("warning: " + visible(text), "yellow")

    def advice(self, warnings: Iterable[str]) -> None:
        """Warn of what is as it should be, but worth knowing, unless asked to be quiet."""
        for text in () if self.settings.quiet else warnings:
            self.warning(text)

    def error(self, error: ChatlogError) -> None:
        """Say on stderr what went wrong: a sentence and a hint, or JSON where JSON was asked for."""
        if self.format in ("json", "jsonl"):
            tell(to_json({"error": error.record()}) + "\n")
            return
        self._say(f"error: {visible(error.message)}", "red")
        if error.hint:
            self._say(f"  {visible(error.hint)}", "dim")

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int], None] | None]:
        """Show a bar of how many of how many are done while a person is watching; None where nobody is.

        It appears once it takes a while, also where nobody tells how far it is.
        """
        if not self.shows_progress:
            yield None
            return
        from chatlog.terminal import Bar

        with Bar(what) as advance:
            yield advance

    @property
    def shows_progress(self) -> bool:
        """Whether somebody watches who wants to see things move."""
        settings = self.settings
        return not (settings.quiet or settings.dumb or settings.plain) and sys.stderr.isatty()

    def _say(self, text: str, style: str) -> None:
        painted = f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.error_color else text
        tell(painted + "\n")


def _fitted(lines: Iterable[str]) -> Iterator[str]:
    from chatlog.terminal import broken, hanging

    width = get_terminal_size().columns
    return (row for line in lines for row in broken(line, width, hanging(line)))


def _narrow(column: Column, width: int) -> int:
    """Return how much of a terminal's line a column takes before the wide ones share the rest."""
    return 0 if column.wide else min(width, MAX_NARROW) + 2


def _spoken(names: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row as it is read aloud: each cell after its name, the last one, which says most, first."""
    said = [f"{name} {cell}" for name, cell in zip(names, cells, strict=True) if cell not in ("", "-")]
    return ", ".join([*said[-1:], *said[:-1]])


class _Visible:
    """A terminal that is written files to: their control characters are spelt out."""

    def __init__(self, out: IO[str]) -> None:
        self.out = out

    def write(self, text: str) -> int:
        return self.out.write(visible(text))


class OutputSettings(NamedTuple):
    """What the output needs to know of the settings and the environment."""

    format: str = ""
    color: str = "auto"
    pager: str = ""
    use_pager: bool = True
    quiet: bool = False
    no_color: bool = False
    force_color: bool = False
    dumb: bool = False
    plain: bool = False


def _wants_color(settings: OutputSettings, stream: IO[str]) -> bool:
    if settings.no_color or settings.plain or settings.color == "never":
        return False
    if settings.force_color or settings.color == "always":
        return True
    return stream.isatty() and not settings.dumb


def text_of(value: object) -> str:
    """Return a value as a person writes it: nothing for None, yes and no, commas between the items of a list."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return str(value)


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return so many of something, in the singular where it is one."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def size_text(octets: int) -> str:
    """Return a number of bytes as a person reads it."""
    size = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
