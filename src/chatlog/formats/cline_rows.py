"""The rows of a Cline, Roo Code or Kilo Code history as Anthropic has messages, however a version wrote them.

Roo Code kept them for a while as the AI SDK has them, and keeps what OpenAI's models thought in rows of
their own.  What a message says is `cline_content`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chatlog.formats import ai_sdk, build


def numbered(rows: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """Yield each message with its number among the rows, thoughts with the answer that they are for."""
    thoughts, last = list[dict[str, Any]](), 0
    for last, row in enumerate(rows, 1):
        if is_thought(row):
            thoughts += _thoughts(row)
        elif isinstance(row, dict) and row.get("role") == "assistant" and thoughts:
            made = _message(row)
            yield last, {**made, "content": [*thoughts, *_blocks(made.get("content"))]}
            thoughts = []
        else:
            yield last, _message(row) if isinstance(row, dict) else row
    if thoughts:
        yield last, {"role": "assistant", "content": thoughts}


def is_thought(row: Any) -> bool:
    """Whether a row is what a model thought, and no message."""
    return isinstance(row, dict) and row.get("type") == "reasoning" and not row.get("content")


def _thoughts(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = [row.get("text"), *(piece.get("text") for piece in build.mappings(row.get("summary")))]
    return [{"type": "reasoning", "text": text} for text in told if isinstance(text, str) and text]


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    content, role = row.get("content"), row.get("role")
    if not isinstance(content, list):
        return dict(row)
    return {**row, "role": "user" if role == "tool" else role, "content": [_block(block) for block in content]}


def _block(block: Any) -> Any:
    """Return a block in Anthropic's words, but for a thought, which Roo Code has as one of its own."""
    return block if build.mapping(block).get("type") == "reasoning" else ai_sdk.block(block)


def _blocks(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] * bool(content) if isinstance(content, str) else build.listed(content)
