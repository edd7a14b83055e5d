"""What a person is shown of a message, wherever it is shown: a terminal, a page, a note."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from chatlog.models import Message, Part, joined_text, text_parts

_COLOURS = re.compile(r"\x1b\[[\d;:?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)")


def shown_parts(message: Message) -> Iterator[Part]:
    """Yield what a person is shown of a message: its parts, its clean text in place of other words.

    Results of tools stand alone where the message has no text beside them.
    """
    parts = message.all_parts()
    is_result = message.role == "tool" and any(part.get("type") == "tool_call_response" for part in parts)
    if joined_text(parts) == message.text or (is_result and message.text):
        yield from parts
        return
    words = list(text_parts(message.text)) if message.text else []
    for part in parts:
        if part.get("type") != "text":
            yield part
        elif words:
            yield words.pop()
    yield from words


def response_text(response: Any) -> str:
    """Return a tool's answer as text: its words, JSON where it is data, a mark for what is neither."""
    if isinstance(response, str):
        return response
    if isinstance(response, list):
        return "\n".join(_item_text(item) for item in response)
    return "" if response is None else json.dumps(response, ensure_ascii=False)


def uncoloured(output: str) -> str:
    """Return a program's output without the colours and titles that it gave a terminal."""
    return _COLOURS.sub("", output) if "\x1b" in output else output


def _item_text(item: Any) -> str:
    if not isinstance(item, dict):
        return response_text(item)
    words = item.get("content" if item.get("type") == "text" and "content" in item else "text")
    if isinstance(words, str) or item.get("type") == "web_search_result":  # this has its words encrypted
        return "\n".join(said for said in (item.get("title"), item.get("url"), words) if isinstance(said, str))
    if item.keys() & {"source", "image_url", "data"}:
        return f"[{item.get('type') or 'file'}]"
    return mention(item) or json.dumps(item, ensure_ascii=False)


def mention(part: Part) -> str | None:
    """Return the words for a file, image or link that a form cannot hold; None for other parts."""
    kind = part.get("modality") or ("image" if str(part.get("mime_type")).startswith("image/") else "file")
    match part:
        case {"type": "uri", "uri": str(address)}:
            return f"[{part.get('modality') or 'link'}: {address}]"
        case {"type": "blob"}:
            return f"[{kind}: {part.get('name') or part.get('mime_type') or 'data'}]"
        case {"type": "file"}:
            label = f"[{kind}: {part.get('name') or part.get('file_id') or 'unnamed'}]"
            content = part.get("content")
            return f"{label}\n{content}" if isinstance(content, str) and content else label
    return None
