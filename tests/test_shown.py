"""Tests of what a person is shown of a message."""

from __future__ import annotations

import pytest

from chatlog.formats import build
from chatlog.models import MessageDraft, Part
from chatlog.shown import shown_parts

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
