"""Formulas in Markdown: kept as they were written, for a page runs nothing that could set them.

Without this Markdown would take their backslashes for escapes, and their stars and underscores for emphasis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_ENDS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
#: A dollar is more often a price: between two there must be what only a formula has, and no blank at either end.
_DOLLARS = re.compile(r"\$(?![\s$])(?=[^$\n]*[\\^_{}])(?:[^$\n\\]|\\.){1,500}(?<!\s)\$(?!\d)")
#: A bracket is also escaped to be none of a link: what stands in a formula's has one of these.
_SIGNS = frozenset("\\^_{}=+*/<>")
#: Formulas are no longer than this; what is stays words.
_MOST_CHARS, _MOST_LINES = 2_000, 100


def add_to(renderer: MarkdownIt) -> None:
    """Teach a renderer formulas, within a line and in lines of their own."""
    renderer.inline.ruler.before("escape", "formula", _inline)
    renderer.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph", "blockquote", "list"]})
    renderer.add_render_rule("formula", lambda _, *given: _span(*given))
    renderer.add_render_rule("formula_block", lambda _, *given: f"<p>{_span(*given)}</p>\n")


def _span(tokens: Sequence[Any], index: int, *_: object) -> str:
    return f'<span class="formula">{escape(tokens[index].content)}</span>'


def _inline(state: Any, silent: bool) -> bool:
    """Take a formula where the text stands at the beginning of one."""
    if state.src[state.pos] not in "\\$":
        return False
    end = _end(state.src, state.pos)
    if end < 0:
        return False
    if not silent:
        state.push("formula", "", 0).content = state.src[state.pos : end]
    state.pos = end
    return True


def _end(text: str, at: int) -> int:
    """Return where the formula that begins there ends, -1 where none does."""
    opening = text[at : at + 2]
    if closing := _ENDS.get(opening):
        end = text.find(closing, at + 2, at + _MOST_CHARS)
        return end + 2 if end > at + 2 and _is_formula(opening, text[at + 2 : end]) else -1
    found = _DOLLARS.match(text, at)
    return found.end() if found else -1


def _is_formula(opening: str, content: str) -> bool:
    return opening != "\\[" or not _SIGNS.isdisjoint(content)


def _block(state: Any, first: int, last: int, silent: bool) -> bool:
    """Take the lines from one that begins a formula to one that ends it."""
    if state.is_code_block(first):
        return False
    closing = _ENDS.get(_line(state, first)[:2])
    if closing not in ("\\]", "$$"):
        return False
    for at in range(first, min(last, first + _MOST_LINES)):
        said = _line(state, at)
        if said.endswith(closing) and (at > first or len(said) > len(closing) * 2):
            break
        if at > first and state.sCount[at] < state.blkIndent:
            return False
    else:
        return False
    content = state.getLines(first, at + 1, state.blkIndent, keepLastLF=False)
    if not _is_formula(content.lstrip()[:2], content.strip()[2:-2]):
        return False
    if not silent:
        token = state.push("formula_block", "", 0)
        token.content, token.map = content, [first, at + 1]
        state.line = at + 1
    return True


def _line(state: Any, at: int) -> str:
    return str(state.src[state.bMarks[at] + state.tShift[at] : state.eMarks[at]]).rstrip()
