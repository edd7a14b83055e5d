"""Tests of what a person is shown of a message."""

from __future__ import annotations

import pytest

from chatlog.formats import build
from chatlog.models import MessageDraft, Part
from chatlog.shown import response_text, shown_parts

from .formats.making import stored

ASKED, DETAILS = build.text("<task>a</task>"), build.text("<details>")
CALL, RESULT = build.tool_call("c", "ls", {}), build.tool_result("c", "a.py")


@pytest.mark.parametrize(
    ("role", "text", "parts", "shown"),
    [
        ("user", "a", None, [build.text("a")]),
        ("user", "a", (build.text("a"), CALL), [build.text("a"), CALL]),
        ("user", "a", (ASKED, DETAILS), [build.text("a")]),
        ("assistant", "Done.", (CALL,), [CALL, build.text("Done.")]),
        ("tool", "", (RESULT, DETAILS), [RESULT]),
        ("tool", "ls", (RESULT, DETAILS), [RESULT, DETAILS]),
        ("user", "", (ASKED,), []),
    ],
)
def test_shown_parts(role: str, text: str, parts: tuple[Part, ...] | None, shown: list[Part]) -> None:
    """A message's clean text stands in place of other words; a result stands alone where there is no text."""
    (message,) = stored(MessageDraft(role=role, text=text, parts=parts))
    assert shown == list(shown_parts(message))


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ([build.text("a"), build.text("b")], "a\nb"),
        ([{"type": "text", "text": "a"}, "b"], "a\nb"),
        ([build.blob("image/png", "aGk="), build.blob(None, "aGk=")], "[image: image/png]\n[file: data]"),
        ([{"type": "image", "source": {"data": "aGk="}}], "[image]"),
        ([{"type": "web_search_result", "title": "T", "url": "U", "encrypted_content": "x"}], "T\nU"),
        ([{"title": "T", "url": "U", "text": "W"}], "T\nU\nW"),
        ([{"n": 1}], '{"n": 1}'),
    ],
)
def test_response_text(response: list[object], words: str) -> None:
    """What tools give in parts, ours or a provider's, is its words; files are named, and data is JSON."""
    assert words == response_text(response)
