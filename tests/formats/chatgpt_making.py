"""Makers of ChatGPT exports for the tests of their reader."""

from __future__ import annotations

import json
from typing import Any

from chatlog.formats import chatgpt
from chatlog.formats.source import Source
from chatlog.models import Record

from .making import DATA, head_of, source_of

FIXTURE = DATA / "chatgpt" / "every_feature.json"


def source(value: Any) -> Source:
    return source_of(json.dumps(value), "conversations.json")


def read(*entries: Any) -> list[Record]:
    return list(chatgpt.read(source(list(entries))))


def node(key: str, parent: str | None, text: str | None = None, children: tuple[str, ...] = (), **facts: Any) -> Any:
    """Return a node of a mapping, without a message where there is no text."""
    message = {
        "id": key,
        "author": {"role": facts.pop("role", "user")},
        "content": {"content_type": "text", "parts": [text]},
        **facts,
    }
    held = None if text is None else message
    return key, {"id": key, "parent": parent, "children": list(children), "message": held}


def conversation(*nodes: Any, **facts: Any) -> dict[str, Any]:
    return {"id": "c", "title": "T", "create_time": 1.7e9, "mapping": dict(nodes), **facts}


def sniffs(value: Any) -> bool:
    return chatgpt.sniff(head_of(source(value)))
