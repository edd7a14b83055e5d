"""Conversations as notes: Markdown under YAML front matter, as Obsidian and static sites read it.

A file of one conversation is a note; of several, which front matter cannot describe, plain Markdown.
The messages are `markdown`'s matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any

from chatlog.formats import markdown
from chatlog.models import Conversation

if TYPE_CHECKING:
    from chatlog.formats import Transcript

#: What YAML allows in no text, or takes for a line end.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
#: What Obsidian takes for a tag; in any other a dash stands for the character.
_NOT_IN_TAGS = re.compile(r"[^\w/-]")


def write(transcripts: Iterable[Transcript], out: IO[str]) -> None:
    """Write a note, or where there are several conversations one after the other."""
    remaining = iter(transcripts)
    first = list(islice(remaining, 2))
    if len(first) != 1:
        markdown.write(chain(first, remaining), out)
        return
    conversation, messages = first[0]
    out.write(front_matter(conversation))
    markdown.write_messages(conversation, messages, out)


def front_matter(conversation: Conversation) -> str:
    """Return a note's beginning: its facts as YAML, every text quoted, and its title."""
    c, title = conversation, markdown.title_of(conversation)
    facts = {
        "title": _yaml(title),
        "aliases": _yaml([title]),
        "date": c.created_at[:10],
        "created": c.created_at[:19] + "Z",
        "updated": c.updated_at[:19] + "Z",
        "tags": _yaml([_NOT_IN_TAGS.sub("-", tag) for tag in c.tags]),
        "source": _yaml(c.source),
        "model": _yaml(c.model),
        "project": _yaml(c.project),
        "messages": str(c.messages),
        "chatlog": _yaml(c.id),
    }
    lines = [f"{name}: {value}" for name, value in facts.items() if value not in ("null", "[]")]
    return "\n".join(["---", *lines, "---", "", markdown.title_line(c), ""])


def _yaml(value: Any) -> str:
    """Return a value as YAML reads it back: JSON, with what YAML wants escaped in a quoted text spelt out."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
