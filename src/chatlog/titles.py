"""The titles of conversations that have none of their own: what a human said first, in a line.

Which words those are, and when a title is made, is for those who keep conversations.
"""

from __future__ import annotations

import re

TITLE_CHARS = 80
#: A title is looked for in so much of a message.
TITLE_SCAN = 4_000
#: What a program notes in a human's name, which names no conversation.
INTERRUPTED = "[Request interrupted by user"
_OPENING = r"\s*<([a-z][\w-]{0,60})(?=[\s>])[^>]{0,1000}>"


def title_from(text: str) -> str | None:
    """Return a one-line title from a human's first words, without an injected preamble; None for none."""
    if text.startswith(INTERRUPTED) and text.rstrip().endswith("]"):
        return None
    start, opening = 0, re.compile(_OPENING) if text.lstrip().startswith("<") else None
    while opening is not None and (match := opening.match(text, start)):
        closing = f"</{match[1]}>"
        end = text.find(closing, match.end())
        if end < 0:
            break
        start = end + len(closing)
    line = _heading(text[start : start + TITLE_SCAN])
    if len(line) > TITLE_CHARS:
        line = line[: TITLE_CHARS - 1].rstrip() + "…"
    return line or None


def _heading(words: str) -> str:
    """Return the first line that says something, with the next one where it only leads up to that."""
    lines = [line.strip() for line in words.splitlines() if line.strip(" #*`>-=") and not line.startswith("```")]
    if len(lines) > 1 and lines[0].endswith((":", "：")) and len(lines[0]) < TITLE_CHARS // 2:
        return f"{lines[0]} {lines[1].lstrip('#*`>-= ')}"
    return lines[0] if lines else ""
