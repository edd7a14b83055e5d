"""Whose line is whose in aider's chat history: the state machine that undoes how aider writes it.

aider writes an input as ``#### …``, its own words as ``> …``, each such line with two blanks at its
end, and an answer as it came between empty lines.  So an answer's own headings, quotes and fenced
code are told from aider's marks by what stands around and behind them; no text is lost to either.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice, takewhile
from typing import NamedTuple

#: The line that begins a session.
HEADER = re.compile(r"^# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[ \t]*$", re.MULTILINE)
#: What aider says right behind an answer, even where that left a fence open.
_AFTER_ANSWER = re.compile(
    r"> (?:Tokens: |Cost: |\^C|Applied edit|Commit [0-9a-f]{7}|Did not apply|Allow |Add file to|Create new file"
    r"|Run shell |Running |Skipp|You can use /undo|Only \d|The LLM did not|litellm\.|Retrying in|Malformed response"
    r"|FinishReason|Model .* has hit|Warning: |Error: )"
)
_TOKENS = "> Tokens: "
#: So many lines are looked at to see whether blanks at line ends were kept.
_LOOK_AHEAD = 60
#: So many of the first lines tell a history that begins amid a session from others.
_HEADLESS_MARK_LINES = 5
_END = "  "
_FENCES = ("`", "~")
_FENCE_CHARS = 3


class Block(NamedTuple):
    """A run of lines of one voice, or the start of a session; `mark` tells a session from others."""

    kind: str
    text: str
    mark: str = ""


class _Lines:
    """Lines without their ends, LF or CR LF, some of them looked at before their turn."""

    def __init__(self, source: Iterable[str]) -> None:
        self.source = (line.removesuffix("\n").removesuffix("\r") for line in source)
        self.ahead: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        while True:
            while self.ahead:
                yield self.ahead.popleft()
            for line in self.source:
                yield line
                if self.ahead:
                    break
            else:
                if not self.ahead:
                    return

    def peek(self) -> Iterator[str]:
        """Yield the next lines without taking them."""
        at = 0
        while True:
            if at == len(self.ahead):
                line = next(self.source, None)
                if line is None:
                    return
                self.ahead.append(line)
            yield self.ahead[at]
            at += 1


class Blocks:
    """The blocks of the lines of a history, in order."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = _Lines(lines)
        self.kind = ""
        self.block: list[str] = []
        self.gap = 0  # empty lines since the last that says something
        self.fence = ""
        self.unended = False  # whether what aider says goes on over lines without its mark
        self.answer_at = 0  # where in such an output an answer would begin
        self.is_marked = self._keeps_blanks()
        self.is_tight = self._is_tight()

    def __iter__(self) -> Iterator[Block]:
        mark = self._mark(_HEADLESS_MARK_LINES)
        for line in self.lines:
            if not line:
                self.gap += 1
                continue
            if self.kind == "assistant" and (not self.gap or line[0] not in "#>"):
                self._add_to_answer(line)
                continue
            kind = self._kind_of(line)
            if kind != self.kind or (kind == "user" and self.gap):
                for block in self._taken():
                    yield block._replace(mark=mark)
                    mark = ""
                self.kind = kind
            elif self.answer_at and line.startswith(_TOKENS):
                yield from self._taken()
            if kind == "session":
                mark, self.gap = "", 0
                yield self._session(line)
            else:
                self._add(line)
                self.gap = 0
        for block in self._taken():
            yield block._replace(mark=mark)

    def _session(self, line: str) -> Block:
        self.kind = ""
        self.is_marked = self._keeps_blanks()
        self.is_tight = self._is_tight()
        match = HEADER.match(line)
        return Block("session", match[1] if match else "", self._mark(1))

    def _mark(self, count: int) -> str:
        """Return the next lines that say something, at most `count`, of this session only."""
        found: list[str] = []
        for line in self.lines.peek():
            if len(found) == count or HEADER.match(line):
                break
            if line.strip():
                found.append(line)
        return "\n".join(found)

    def _keeps_blanks(self) -> bool:
        """Whether the blanks that aider puts at its line ends are still there; editors strip them."""
        for line in islice(self.lines.peek(), _LOOK_AHEAD):
            if HEADER.match(line):
                break
            if line.startswith((">", "####")) and line.endswith(_END):
                return True
        return False

    def _is_tight(self) -> bool:
        """Whether neither a second empty line nor a count of tokens parts answers from inputs: one line must do."""
        empty = 0
        for line in self.lines.peek():
            if HEADER.match(line):
                break
            if line.startswith(_TOKENS) or (empty > 1 and self._is_input(line)):
                return False
            empty = 0 if line else empty + 1
        return True

    def _kind_of(self, line: str) -> str:
        if line[0] == "#" and HEADER.match(line) and self._may_begin_session():
            return "session"
        if self.kind == "assistant":
            return self._kind_after_answer(line)
        if self._is_output(line):
            return "tool"
        if self._is_input(line) and (self.gap or not self.unended):
            return "user"
        return "tool" if self.unended or (self.kind == "tool" and not self.gap) else "assistant"

    def _may_begin_session(self) -> bool:
        if self.kind == "assistant":
            return self.gap > (1 if self.fence else 0)
        return self.gap > 0 or not self.kind

    def _is_output(self, line: str) -> bool:
        """Whether aider says this; behind an input it leaves no line empty, as an answer's quote does."""
        if not line.startswith("> ") and line != ">":
            return False
        return not self.is_marked or line.endswith(_END) or not self.gap or not self.kind

    def _is_input(self, line: str) -> bool:
        if not line.startswith("#### ") and line != "####":
            return False
        return not self.is_marked or line.endswith(_END)

    def _kind_after_answer(self, line: str) -> str:
        """Return whose a line is that may go on with an answer: aider leaves one line empty behind it, an input two."""
        if self._is_input(line) and self._may_be_next_input():
            return "user"
        if line[0] == ">" and (_AFTER_ANSWER.match(line) or self._is_run_of_output(line)):
            return "tool"
        return "assistant"

    def _may_be_next_input(self) -> bool:
        """Whether enough stands before a line for it to be no heading of the answer's own."""
        if self.fence:
            return self.is_marked and self.gap > 1
        return self.gap > (0 if self.is_tight else 1)

    def _is_run_of_output(self, line: str) -> bool:
        """Whether all lines from here to the next without a ``>`` are aider's; a quote's last one has no blanks."""
        if self.fence or not self.is_marked:
            return False
        run = chain((line,), takewhile(lambda ahead: ahead.startswith(">"), self.lines.peek()))
        return all(said.startswith("> ") and said.endswith(_END) for said in run)

    def _add_to_answer(self, line: str) -> None:
        if self.gap:
            if self.block:
                self.block += [""] * self.gap
            self.gap = 0
        self.block.append(line)
        if "```" in line or "~~~" in line:
            self._pass_fence(line.lstrip())

    def _add(self, line: str) -> None:
        if self.kind == "assistant":
            self._add_to_answer(line)
            return
        if self.gap and self.block:
            self.answer_at = self.answer_at or (len(self.block) if self.unended else 0)
            self.block += [""] * self.gap
        if self.kind == "user":
            self.block.append(line[5:].removesuffix(_END))
            return
        self.block.append(line.removeprefix(">").removeprefix(" ").rstrip() if self._is_output(line) else line.rstrip())
        if self.is_marked:
            self.unended = not line.endswith(_END)
            self.answer_at = self.answer_at if self.unended else 0

    def _pass_fence(self, line: str) -> None:
        """Open or close a fence as Markdown does: with as many marks at least, and nothing behind them."""
        mark = line[0]
        count = len(line) - len(line.lstrip(mark))
        rest = line[count:].strip()
        if mark not in _FENCES or count < _FENCE_CHARS:
            return
        if not self.fence:
            self.fence = mark * count if mark not in rest else ""
        elif line.startswith(self.fence) and not rest:
            self.fence = ""

    def _taken(self) -> Iterator[Block]:
        """Yield what was gathered: a block, or two where an output that never ended runs into an answer."""
        lines, at = self.block, self.answer_at or len(self.block)
        kind, self.block = self.kind, []
        self.fence, self.unended, self.answer_at = "", False, 0
        for voice, held in ((kind, lines[:at]), ("assistant", lines[at:])):
            text = "\n".join(held) if voice == "user" else "\n".join(held).strip("\n")
            if text.strip() or (held and voice == "user"):
                yield Block(voice, text)
