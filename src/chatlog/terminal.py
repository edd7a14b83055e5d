"""What a person at a terminal gets: a pager for what is taller than the screen, a bar for what takes long.

Nothing of it is loaded before it is needed; it writes where it is told and reads no environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: So long nothing is said of something that may take long, in seconds.
PATIENCE = 0.7
_STYLE = r"\x1b\[[0-9;]*m"
#: Han, kana and fullwidth forms: a line may end after each, but for what opens what follows or closes what is before.
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_OPENING = "「『（《〈【〔［｛"
_CLOSING = r"、。，．：；！？」』）》〉】〕］｝…—～ーゝ々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.;:!?)\]}"
#: What stays together on a line: blanks, a wide character with its marks, a word, a style.  Compiled at its first use:
#: that takes a tenth of a short command's time.
_PIECE = f"(?s: +|(?:[{_OPENING}]*[{_WIDE}]|(?:{_STYLE}|[^ {_WIDE}\x1b])+)(?:{_STYLE}|[{_CLOSING}])*|.)"
_COLUMNS = r"(?<=\S) {2,}(?=\S)"
#: A second column that begins further in than this is none to line up with.
_MOST_HANG = 42
#: So much of a narrow terminal's line is left to a second column.
_LEAST_ROOM = 14


def is_detached() -> bool:
    """Whether there is no terminal, for a command to ask on, or to end all of it by Ctrl-C: under cron, an editor."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except (OSError, AttributeError):
        return hasattr(os, "killpg")
    return False


class Screen(NamedTuple):
    """How much fits on it."""

    columns: int
    rows: int


class Pager:
    """A stream that goes to the screen while it fits on it, and through a pager from the line on that does not."""

    def __init__(self, out: IO[str], command: Sequence[str], environment: Mapping[str, str], screen: Screen) -> None:
        self._out = out
        self._command = command
        self._environment = environment
        self._screen = screen
        self._held: list[str] = []
        self._rows = 0
        self._process: subprocess.Popen[str] | None = None

    def write(self, text: str) -> int:
        """Write text.  Raises BrokenPipeError once the reader has seen enough."""
        if self._process is not None:
            return self._to_pager(text)
        self._held.append(text)
        self._rows += sum(rows_of(line, self._screen.columns) for line in text.split("\n")[:-1])
        if self._rows >= self._screen.rows:
            self._start()
        return len(text)

    def flush(self) -> None:
        """Let the reader see what was written: what is held is shown at the end, or when the screen is full."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.flush()

    def close(self) -> None:
        """Show what fits, or wait until the reader is done; Ctrl-C is the pager's meanwhile."""
        if self._process is None:
            self._out.write("".join(self._held))
            self._held.clear()
            return
        with suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        while True:
            try:
                self._process.wait()
                return
            except KeyboardInterrupt:
                continue

    def _start(self) -> None:
        self._out.flush()
        self._process = subprocess.Popen(  # noqa: S603  the reader's own command
            self._command, stdin=subprocess.PIPE, text=True, encoding="utf-8", env=dict(self._environment)
        )
        self._to_pager("".join(self._held))
        self._held.clear()

    def _to_pager(self, text: str) -> int:
        assert self._process is not None  # noqa: S101  it was started
        assert self._process.stdin is not None  # noqa: S101  it is a pipe
        return self._process.stdin.write(text)


def bare(text: str) -> str:
    """Return text without its styles."""
    return re.sub(_STYLE, "", text) if "\x1b" in text else text


def cells(text: str) -> int:
    """Return how many cells of the screen a painted text takes."""
    said = bare(text)
    if said.isascii():
        return len(said)
    from rich.cells import cell_len

    return cell_len(said)


def rows_of(line: str, columns: int) -> int:
    """Return how many rows of the screen a line takes."""
    return max(1, -(-cells(line) // max(columns, 1)))


def broken(line: str, width: int | None, hang: int | None = None) -> Iterator[str]:
    """Yield a painted line broken between words, and between the characters of scripts that have no blanks.

    What follows begins `hang` cells in, as far as that leaves room, or as far as the line began; a word that is too
    long stays whole.
    """
    if width is None or cells(line) <= width:
        yield line
        return
    said = line.lstrip(" ")
    row = " " * (len(line) - len(said))
    indent = row if hang is None else " " * min(hang, max(width - _LEAST_ROOM, 0))
    used, gap, is_open = len(row), "", False
    for piece in re.findall(_PIECE, said):
        if piece.isspace():
            gap += piece
            continue
        room = cells(piece)
        if is_open and room and used + len(gap) + room > width:
            yield row
            row, used, gap, is_open = indent, len(indent), "", False
        row += (gap if is_open else "") + piece
        used += (len(gap) if is_open else 0) + room
        gap, is_open = "", is_open or room > 0
    yield row


def hanging(line: str) -> int:
    """Return how far in a line's second column begins, the line itself where it has none."""
    blanks = [*re.finditer(_COLUMNS, line)]
    begins = blanks[-1].end() if blanks else 0
    return begins if 0 < begins <= _MOST_HANG else len(line) - len(line.lstrip(" "))


def cut(text: str, room: int) -> str:
    """Return a text that takes no more than so many cells of a terminal's line."""
    if len(text) * 2 <= room:
        return text
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= room else set_cell_size(text, max(room, 2) - 1).rstrip() + "…"


class Bar:
    """A bar on stderr that appears once something has taken a while; how far it is may be told at any time."""

    def __init__(self, what: str, patience: float = PATIENCE) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._far: tuple[int, int | None] = (0, None)
        self._bar: Any = None
        self._task: Any = None
        self._is_over = False
        self._timer = threading.Timer(patience, self._appear)
        self._timer.daemon = True

    def __enter__(self) -> Callable[[int, int], None]:
        self._timer.start()
        return self.advance

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._bar is not None:
                self._bar.stop()

    def advance(self, done: int, total: int) -> None:
        """Tell how many of how many are done."""
        self._far = (done, total)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)

    def _appear(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        with self._lock:
            if self._is_over:
                return
            console = Console(stderr=True, markup=False, emoji=False, highlight=False)
            bar = Progress(console=console, transient=True)
            done, total = self._far
            self._task = bar.add_task(self._what, completed=done, total=total)
            bar.start()
            self._bar = bar
