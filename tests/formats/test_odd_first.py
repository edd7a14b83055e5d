"""One odd record at the beginning of a file: the format is recognised all the same, and the rest read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import detect, reader

from .making import json_lines, messages, source_of

SPOKEN = {"messages": [{"role": "user", "content": "hi"}]}
GROK = {
    "conversation": {"id": "c2"},
    "responses": [
        {"response": {"_id": "r", "message": "hi", "sender": "human", "create_time": "2025-01-01T00:00:00Z"}}
    ],
}
GEMINI = {"id": "1", "timestamp": "2025-01-01T00:00:00Z", "type": "user", "content": "hi"}
PI = {"type": "message", "id": "a", "message": {"role": "toolResult", "toolCallId": "t", "content": "hi"}}
CASES: list[tuple[str, Any]] = [
    ("grok", {"conversations": [{"conversation": {"id": "c1"}}, GROK]}),
    ("chatbotui", {"version": 4, "history": [{"name": "a", **SPOKEN}], "folders": [], "prompts": []}),
    ("gemini_cli", {"sessionId": "s", "startTime": "2025-01-01T00:00:00Z", "messages": [GEMINI]}),
    ("openai_messages", json_lines({"note": 1}, SPOKEN)),
    ("openai_messages", json_lines({"note": 1}, *SPOKEN["messages"])),
    ("openai_messages", [{"note": 1}, SPOKEN]),
    ("pi_agent", '{"type": "session", "version"\n' + json_lines(PI)),
]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_an_odd_first_record(name: str, value: Any) -> None:
    """A file is not thrown away for one record."""
    made = source_of(value if isinstance(value, str) else json.dumps(value), "a.json")
    assert name == detect(made)
    assert 1 == len(messages(reader(name).read(made)))


@pytest.mark.parametrize("records", [({"note": 1}, {"content": "hi"}), ({"note": 1}, {"history": [], **SPOKEN})])
def test_what_is_no_history_even_so(records: tuple[Any, ...]) -> None:
    """Records that hold no messages, or another program's, are not taken for plain ones."""
    assert detect(source_of(json_lines(*records), "a.jsonl")) is None
