"""The frame of a page: its head with the security policy, its title and facts, its end.

Style and script are files beside this one and stand in each page by their hash: no other may run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files

from chatlog.formats.webpage.text import plain
from chatlog.models import Conversation
from chatlog.timespec import minute

#: What a page may do: show itself.  Pictures are those it holds; nothing is loaded, sent or framed.
POLICY = (
    "default-src 'none'; style-src '{style}'; script-src '{script}'; img-src data:; base-uri 'none'; form-action 'none'"
)
GENERATOR = "chatlog"


@cache
def asset(name: str) -> str:
    """Return a file of style or script."""
    return files("chatlog.formats.webpage").joinpath(name).read_text("utf-8").strip()


@cache
def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def opening(title: str, kind: str, home: str | None = None) -> str:
    """Return a page up to its first conversation; `kind` names its script."""
    style, script = asset("page.css"), asset(f"{kind}.js")
    policy = POLICY.format(style=_digest(style), script=_digest(script))
    back = f'<nav><a href="{escape(home)}">← All conversations</a></nav>\n' if home else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        f'<meta name="generator" content="{GENERATOR}">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{plain(title)}</title>\n<style>{style}</style>\n</head>\n"
        f'<body class="{kind}">\n{back}<main>\n'
    )


def closing(kind: str) -> str:
    """Return the end of a page."""
    return f"</main>\n<script>{asset(f'{kind}.js')}</script>\n</body>\n</html>\n"


def title_of(conversation: Conversation) -> str:
    """Return a conversation's title in a line."""
    return " ".join((conversation.title or "").split()) or "Untitled conversation"


def heading(conversation: Conversation) -> str:
    """Return a conversation's title and what is known of it."""
    facts = "".join(f"<li>{fact}</li>" for fact in facts_of(conversation))
    return (
        f'<section class="conversation">\n<header class="title"><h1 dir="auto">{plain(title_of(conversation))}</h1>\n'
        f'<ul class="facts">{facts}</ul></header>\n'
    )


def facts_of(conversation: Conversation) -> Iterator[str]:
    """Yield the facts of a conversation as HTML: origin, model, time, size, tags."""
    for name in (conversation.source, conversation.model, conversation.project):
        if name:
            yield plain(name)
    first, last = minute(conversation.created_at), minute(conversation.updated_at)
    yield escape(first if first == last else f"{first} – {last[11:] if first[:10] == last[:10] else last}") + " UTC"
    yield f"{conversation.messages:,} message{'' if conversation.messages == 1 else 's'}"
    for tag in conversation.tags:
        yield f'<span class="tag">#{plain(tag)}</span>'


def ending() -> str:
    """Return the end of a conversation."""
    return "</section>\n"


def version(label: str, messages: int) -> str:
    """Return the beginning of a folded thread."""
    count = f"{messages:,} message{'' if messages == 1 else 's'}"
    return f'<details class="version"><summary><b>{plain(label)}</b> <span>{count}</span></summary>\n'
