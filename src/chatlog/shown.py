"""What a person is shown of a message, wherever it is shown: a terminal, a page, a note."""

from __future__ import annotations

from collections.abc import Iterator

from chatlog.models import Message, Part, joined_text, text_parts


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
