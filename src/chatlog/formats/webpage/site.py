"""The index of a folder of pages: every conversation by month, the newest first, and a search over their words.

Works as a list without its script; what the search knows are the words of each conversation, each once.
"""

from __future__ import annotations

import json
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import IO, NamedTuple
from urllib.parse import quote

from chatlog.formats.webpage import page
from chatlog.formats.webpage.text import harmless, plain
from chatlog.models import FOLDED, Conversation, Message
from chatlog.timespec import MONTHS

INDEX = "index.html"
#: So many different words of a conversation are searched, and no longer ones but in pieces.
MAX_WORDS, MAX_WORD_CHARS = 50_000, 40
_EXCERPT_CHARS = 160
_WORD = re.compile(r"\w+")
_FOLDED = str.maketrans(FOLDED)


class _Row(NamedTuple):
    """What the index says of a conversation."""

    conversation: Conversation
    href: str
    excerpt: str
    number: int


class Site:
    """Gathers the index while pages are written; the words wait in a file, so that memory stays flat."""

    def __init__(self) -> None:
        self.rows: list[_Row] = []
        self.words = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115  closed by close()

    def close(self) -> None:
        """Let go of the file of words."""
        self.words.close()

    def add(self, conversation: Conversation, messages: Iterable[Message], name: str) -> None:
        """Take up a conversation and the name of its page."""
        words, excerpt, title = dict[str, None](), "", page.title_of(conversation).rstrip("…")
        for message in messages:
            if message.hidden or message.role not in ("user", "assistant"):
                continue
            excerpt = excerpt or _excerpt(message.text, title)
            if len(words) < MAX_WORDS:
                words.update(dict.fromkeys(_words(message.text)))
        self.words.write(" ".join(list(words)[:MAX_WORDS]) + "\n")
        self.rows.append(_Row(conversation, quote(name), excerpt, len(self.rows)))

    def write(self, out: IO[str]) -> None:
        """Write the index."""
        out.write(page.opening("Conversations", "index"))
        out.write(harmless(self._heading()))
        self.rows.sort(key=lambda row: row.conversation.updated_at, reverse=True)
        for month, rows in groupby(self.rows, lambda row: row.conversation.updated_at[:7]):
            out.write(f'<section class="month"><h2>{_month(month)}</h2>\n<ul class="rows">\n')
            for row in rows:
                out.write(harmless(_row(row)))
            out.write("</ul></section>\n")
        out.write('<script type="application/json" id="words">[')
        self.words.seek(0)
        for number, line in enumerate(self.words):
            out.write((",\n" if number else "\n") + json.dumps(line.rstrip("\n"), ensure_ascii=False))
        out.write(f'\n]</script>\n<script type="application/json" id="folded">{json.dumps(FOLDED)}</script>\n')
        out.write(page.closing("index"))

    def _heading(self) -> str:
        sources = sorted({row.conversation.source for row in self.rows if row.conversation.source})
        options = "".join(f"<option>{plain(source)}</option>" for source in sources)
        choice = (
            f'<select id="source" aria-label="Source"><option value="">All sources</option>{options}</select>'
            if len(sources) > 1
            else ""
        )
        total = sum(row.conversation.messages for row in self.rows)
        return (
            f'<header class="title"><h1>Conversations</h1>\n<ul class="facts"><li>{len(self.rows):,} conversations</li>'
            f"<li>{total:,} messages</li></ul></header>\n"
            '<form id="search" role="search" hidden>'
            '<input id="query" type="search" placeholder="Search all conversations"'
            f' aria-label="Search all conversations" autocomplete="off">{choice}<output id="count"></output></form>\n'
        )


def _row(row: _Row) -> str:
    facts = "".join(f"<li>{fact}</li>" for fact in page.facts_of(row.conversation))
    excerpt = f'<p dir="auto">{plain(row.excerpt)}</p>' if row.excerpt else ""
    return (
        f'<li class="row" data-n="{row.number}" data-source="{plain(row.conversation.source or "")}">'
        f'<a href="{plain(row.href)}" dir="auto">{plain(page.title_of(row.conversation))}</a>{excerpt}'
        f'<ul class="facts">{facts}</ul></li>\n'
    )


def _month(month: str) -> str:
    year, _, number = month.partition("-")
    is_month = number.isdecimal() and 1 <= int(number) <= 12
    return f"{MONTHS[int(number) - 1].title()} {plain(year)}" if is_month else plain(month)


def _excerpt(text: str, title: str) -> str:
    """Return the beginning of a message, nothing where that is what the title says already."""
    line = " ".join(text[:1000].split())
    if line.startswith(title):
        return ""
    return line if len(line) <= _EXCERPT_CHARS else line[: _EXCERPT_CHARS - 1].rstrip() + "…"


def _words(text: str) -> Iterator[str]:
    """Yield words the way the search looks for them: without accents, in lower case, strasse for Straße."""
    if not text.isascii():
        parted = unicodedata.normalize("NFKD", text).translate(_FOLDED)
        text = "".join(char for char in parted if char < "\u0300" or not unicodedata.category(char).startswith("M"))
    for match in _WORD.finditer(text.lower()):
        yield from _slices(match[0])


def _slices(word: str) -> Iterator[str]:
    """Yield a word; of what has no blanks, as Chinese and Thai, pieces that overlap, so that each part is in one."""
    yield word[:MAX_WORD_CHARS]
    if not word.isascii():
        for start in range(MAX_WORD_CHARS // 2, len(word) - MAX_WORD_CHARS // 2, MAX_WORD_CHARS // 2):
            yield word[start : start + MAX_WORD_CHARS]
