"""Tests of what a person is shown of a message."""

from __future__ import annotations

import pytest

from chatlog.formats import build
from chatlog.models import MessageDraft, Part
from chatlog.shown import mention, response_text, shown_parts, uncoloured

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


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "uri", "uri": "https://a.org/b"}, "[link: https://a.org/b]"),
        ({"type": "uri", "uri": "https://a.org/b", "modality": "image"}, "[image: https://a.org/b]"),
        ({"type": "blob", "mime_type": "image/png", "name": "a.png"}, "[image: a.png]"),
        ({"type": "blob", "mime_type": "image/png", "modality": "video"}, "[video: image/png]"),
        ({"type": "blob"}, "[file: data]"),
        ({"type": "file", "file_id": "f-1"}, "[file: f-1]"),
        ({"type": "file", "file_id": "f-1", "name": "a.md", "content": "# A"}, "[file: a.md]\n# A"),
        ({"type": "file", "content": ""}, "[file: unnamed]"),
        ({"type": "file", "name": "a.md", "content": ["# A"]}, "[file: a.md]"),
        ({"type": "uri"}, None),
        (build.text("a"), None),
    ],
)
def test_a_mention_of_what_a_form_cannot_hold(part: Part, words: str | None) -> None:
    """What it is, its name or where it is, and what a file says where that is known."""
    assert words == mention(part)


def test_a_terminal_s_colours_and_titles_are_no_output() -> None:
    """What else is there stays."""
    assert "ok\tdone\n" == uncoloured("\x1b[1;32mok\x1b[0m\t\x1b]0;title\x07done\n")
    assert "a[0m" == uncoloured("a[0m")


@pytest.mark.parametrize(("response", "words"), [(None, ""), ("é", "é"), ({"é": 1}, '{"é": 1}'), (0, "0")])
def test_a_response_that_is_data_is_json(response: object, words: str) -> None:
    """In its own letters; no answer is no words."""
    assert words == response_text(response)
