"""The items of a turn, as the events that told the same in older versions of Codex.

Since the summer of 2026 a rollout tells in ``item_completed`` what had an event of its own before.  Pure
functions from one item to such events; what an event means is `codex_events`' matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chatlog.formats.codex_items import Payload


def as_events(item: Payload) -> Iterator[Payload]:
    """Yield the events that told an item before it was told as one; none for an item that only items tell."""
    convert = _ITEMS.get(str(item.get("type")))
    if convert is not None:
        yield from convert(item)


def _user_message(item: Payload) -> Iterator[Payload]:
    pieces = [piece for piece in item["content"] if isinstance(piece, dict)]
    yield {
        "type": "user_message",
        "message": _joined(pieces),
        "images": [piece.get("image_url") for piece in pieces],
        "local_images": [piece.get("path") for piece in pieces if piece.get("type") == "local_image"],
    }


def _agent_message(item: Payload) -> Iterator[Payload]:
    told = {key: item.get(key) for key in ("phase", "memory_citation")}
    yield {"type": "agent_message", "message": _joined(item["content"]), **told}


def _joined(pieces: list[Any]) -> str:
    return "".join(piece["text"] for piece in pieces if isinstance(piece.get("text"), str))


def _reasoning(item: Payload) -> Iterator[Payload]:
    for text in (*(item.get("summary_text") or ()), *(item.get("raw_content") or ())):
        if text:
            yield {"type": "agent_reasoning", "text": text}


def _command(item: Payload) -> Iterator[Payload]:
    yield {**item, "type": "exec_command_end", "call_id": item.get("id")}


def _patch(item: Payload) -> Iterator[Payload]:
    done = item.get("status") in (None, "completed")
    yield {**item, "type": "patch_apply_end", "call_id": item.get("id"), "success": done}


def _mcp(item: Payload) -> Iterator[Payload]:
    error = item.get("error")
    result = {"Err": error.get("message", error)} if isinstance(error, dict) else {"Ok": item.get("result")}
    yield {
        "type": "mcp_tool_call_end",
        "call_id": item.get("id"),
        "invocation": {key: item.get(key) for key in ("server", "tool", "arguments")},
        "result": result,
    }


def _search(item: Payload) -> Iterator[Payload]:
    yield {**item, "type": "web_search_end", "call_id": item.get("id")}


def _viewed(item: Payload) -> Iterator[Payload]:
    yield {"type": "view_image_tool_call", "call_id": item.get("id"), "path": item.get("path")}


def _drawn(item: Payload) -> Iterator[Payload]:
    yield {**item, "type": "image_generation_end", "call_id": item.get("id")}


def _review(item: Payload) -> Iterator[Payload]:
    begun = item["type"] == "EnteredReviewMode"
    told = {key: fact for key, fact in item.items() if key != "id"}
    yield {**told, "type": "entered_review_mode" if begun else "exited_review_mode"}


_ITEMS: dict[str, Callable[[Payload], Iterator[Payload]]] = {
    "UserMessage": _user_message,
    "AgentMessage": _agent_message,
    "Reasoning": _reasoning,
    "CommandExecution": _command,
    "FileChange": _patch,
    "McpToolCall": _mcp,
    "WebSearch": _search,
    "ImageView": _viewed,
    "ImageGeneration": _drawn,
    "EnteredReviewMode": _review,
    "ExitedReviewMode": _review,
}
