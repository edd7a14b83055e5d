"""Words of a message as they stand in a note: in its place below a heading, taking nothing of what follows with them.

Only what would break the note is changed: headings sink below the message's own, a fence that was left open is
closed, and a beginning of raw HTML that nothing ends is escaped, for with it all that follows would be hidden.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: Longer words are left as they are: some take Markdown the square of their length.
MAX_CHARS = 200_000
#: Messages have headings of the second level.
_BELOW, _DEEPEST = 2, 6
#: Where there is nothing of this, there is nothing to do.
_BREAKS = re.compile(r"^[ \t>\d.)*+=-]*(?:#{1,6}(?!\S)|```|~~~|<[!?a-z]|[=-][ \t\r]*$)", re.MULTILINE | re.IGNORECASE)
_MARK = re.compile(r"(?<!\S)(#{1,6})(?!\S)")
#: Raw HTML that goes on until its own end, be there blank lines or not, and what ends each kind.
_ENDLESS = re.compile(r"<(?:(!--)|(\?)|(!\[CDATA\[)|(![A-Za-z])|(script|pre|style|textarea)(?=[\s>]|$))", re.IGNORECASE)
_ENDS = ("-->", "?>", "]]>", ">", "</")


def settled(text: str) -> str:
    """Return words that can stand below a message's heading, and before the next one."""
    if len(text) > MAX_CHARS or _BREAKS.search(text) is None:
        return text
    lines = text.split("\n")
    tokens = _blocks().parse(text)
    if tokens and (opened := _endless_html(tokens[-1])) is not None:
        kept, rest = lines[:opened], lines[opened:]
        lines = [*kept, *(_ENDLESS.sub(lambda found: "\\" + found[0], line) for line in rest)]
        tokens = _blocks().parse("\n".join(lines))
    closing = _closing_fence(tokens, lines)
    for at, token in reversed([*enumerate(tokens)]):
        if token.type == "heading_open":
            _sink(lines, token, tokens[at + 1].content)
    return "\n".join(lines) + closing


@cache
def _blocks() -> MarkdownIt:
    """Return what parses blocks alone: what stands within a line breaks nothing."""
    from markdown_it import MarkdownIt

    return MarkdownIt("js-default", {"html": True}).disable(["inline", "text_join"])


def _endless_html(token: Token) -> int | None:
    """Return the line where raw HTML begins that nothing ends; None where the words end with something else."""
    found = _ENDLESS.match(token.content.lstrip()) if token.type == "html_block" and token.level == 0 else None
    if found is None or token.map is None or _ENDS[(found.lastindex or 1) - 1] in token.content[found.end() :]:
        return None
    return token.map[0]


def _closing_fence(tokens: list[Token], lines: list[str]) -> str:
    """Return what closes a fence that the words leave open: one within a list or a quotation ends with that."""
    if not tokens or tokens[-1].type != "fence" or tokens[-1].level or tokens[-1].map is None:
        return ""
    mark = tokens[-1].markup
    closed = re.compile(rf" {{0,3}}{mark}{mark[0]}*[ \t\r]*")
    if any(map(closed.fullmatch, lines[tokens[-1].map[0] + 1 :])):
        return ""
    return ("" if lines[-1] == "" else "\n") + mark


def _sink(lines: list[str], token: Token, content: str) -> None:
    """Write a heading so far down that it is none of the note's own."""
    if token.map is None:
        return
    first, end = token.map
    level = min(int(token.tag[1:]) + _BELOW, _DEEPEST)
    if token.markup.startswith("#"):
        lines[first] = _MARK.sub("#" * level, lines[first], count=1)
    elif token.level == 0:  # underlined
        lines[first:end] = ["#" * level + " " + " ".join(content.split("\n"))]
