"""The reports of ChatGPT's deep research, which since 2026 is an app: its reports are in the state of a widget.

The message that began the research has that state in its metadata; a hidden one, for the model's next turn,
has it as its text.  Nothing here knows the tree that the messages stand in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from chatlog.formats import build

_STATE = "The latest state of the widget is:"


class Report(NamedTuple):
    """What research found: the text, what it cites, and when it was written."""

    text: str
    metadata: Mapping[str, Any]
    written: Any


def report(content: Mapping[str, Any], metadata: Mapping[str, Any]) -> Report | None:
    """Return the report that a message of a tool holds, None where it holds none."""
    shown = build.within(metadata, "chatgpt_sdk", "widget_state")
    first = next((part for part in build.listed(content.get("parts")) if isinstance(part, str)), "").lstrip()
    told = first.removeprefix(_STATE) if first.startswith(_STATE) else None
    for state in (shown, told):
        message = build.mapping(_parsed(state).get("report_message"))
        words = build.listed(build.within(message, "content", "parts"))
        text = "\n".join(word for word in words if isinstance(word, str)).strip()
        if text:
            written = message.get("update_time") or message.get("create_time")
            return Report(text, build.mapping(message.get("metadata")), written)
    return None


def _parsed(state: Any) -> dict[str, Any]:
    return build.mapping(build.parsed(state.strip()) if isinstance(state, str) else state)
