"""Tests of what one ChatGPT message says: every kind of content, against where it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatlog.formats import build, chatgpt
from chatlog.formats.source import file_source
from chatlog.models import MessageDraft

from .chatgpt_making import FIXTURE, conversation, node, read
from .making import fact, head, links, messages, part, text


@pytest.fixture(scope="module")
def kept() -> dict[str | None, MessageDraft]:
    return {message.source_id: message for message in messages(chatgpt.read(file_source(FIXTURE)))}


def call(of: str) -> Callable[[MessageDraft], Any]:
    return lambda message: (message.parts or ({},))[0].get(of)


def file(file_id: str, **facts: Any) -> dict[str, Any]:
    return {"type": "file", "file_id": file_id, **facts}


CLEANED = "Pans are made by Pan Works in Solingen ([Pans](https://example.com/pans)). Ask again."
RESOLVED = "Buy steel ([Steel](https://example.com/steel)) (pans.pdf). See and [sheet](sandbox:/mnt/data/x.csv)"
PICTURE = {"content_type": "image_asset_pointer", "width": 640, "height": 480, "size_bytes": 1234}
PROMPT = {"dalle": {"prompt": "a shiny pan", "gen_id": "g-1", "seed": 7}}
MATRIX: list[tuple[str, str, Callable[[MessageDraft], Any], Any]] = [
    ("text: strings joined by a line", "question", text, "Look at\nand listen:\na creaking pan"),
    ("text: nothing but an empty string", "system", text, ""),
    ("text alone needs no parts", "instructions-old", lambda message: message.parts, None),
    ("author.role", "question", lambda message: message.role, "user"),
    (
        "author.role that is not ours",
        "new-kind",
        lambda message: (message.role, message.metadata["role"]),
        ("assistant", "critic"),
    ),
    ("author.name of a person", "question", lambda message: message.author, "Ada"),
    ("author.name of a tool", "ran", lambda message: message.author, "python"),
    ("author.metadata.real_author", "answer-2", fact("author_metadata"), {"real_author": "tool:web"}),
    ("create_time", "question", lambda message: message.created_at, "2025-06-15T15:08:20.250Z"),
    ("create_time null", "system", lambda message: message.created_at, None),
    ("update_time", "answer-2", fact("update_time"), 1750000601.0),
    ("weight 0 is flagged", "answer-1", fact("weight"), 0.0),
    ("weight 0 does not hide", "answer-1", lambda message: message.hidden, False),
    ("status unfinished", "answer-1", fact("status"), "finished_partial_completion"),
    ("end_turn", "answer-1", fact("end_turn"), False),
    ("channel", "answer-2", fact("channel"), "final"),
    ("recipient", "search", fact("recipient"), "browser"),
    ("message id that is not the node's", "new-kind", fact("message_id"), "another-id"),
    ("metadata.model_slug", "answer-1", lambda message: message.model, "gpt-4"),
    ("metadata.model_slug of a tool", "ran", lambda message: message.model, "o3"),
    ("metadata.requested_model_slug", "answer-2", fact("requested_model_slug"), "auto"),
    ("metadata.finish_details", "answer-1", fact("finish_details"), {"type": "max_tokens"}),
    ("metadata.message_type", "answer-1", fact("message_type"), "variant"),
    ("metadata.request_id", "answer-2", fact("request_id"), "r-1"),
    ("metadata.search_result_groups", "answer-2", fact("search_result_groups"), [{"domain": "example.com"}]),
    ("metadata.finished_duration_sec", "recap", fact("finished_duration_sec"), 12),
    ("metadata.canvas", "canvased", fact("canvas"), {"textdoc_id": "doc-1"}),
    ("metadata.dictation", "question", fact("dictation"), True),
    ("metadata.command, status of browsing", "display", fact("status"), "finished"),
    ("metadata.pad is junk", "answer-2", fact("pad"), None),
    (
        "image pointer",
        "question",
        part(1),
        file("file-service://file-IMG1", name="IMG_0001.jpg", mime_type="image/jpeg", size=1234, **PICTURE),
    ),
    ("audio transcription", "question", part(3), {"type": "text", "content": "a creaking pan", "direction": "in"}),
    (
        "audio pointer, name beside the export",
        "question",
        part(4),
        file(
            "sediment://file-SOUND1#offset",
            name="voice.wav",
            mime_type="audio/wav",
            content_type="audio_asset_pointer",
            format="wav",
            size_bytes=99,
            metadata={"start": 0.0, "end": 2.5},
        ),
    ),
    ("live video: frames", "question", part(5), file("sediment://file_frame", content_type="frames_asset_pointers")),
    (
        "live video: container",
        "question",
        part(6),
        file("sediment://file_video", content_type="video_container_asset_pointer"),
    ),
    (
        "live video: sound",
        "question",
        part(7),
        file("sediment://file_audio", content_type="audio_asset_pointer", format="wav"),
    ),
    (
        "live video: the rest",
        "question",
        part(8),
        {
            "type": "real_time_user_audio_video_asset_pointer",
            "content_type": "real_time_user_audio_video_asset_pointer",
            "expiry_datetime": "2026-01-01",
        },
    ),
    (
        "part of an unknown kind",
        "question",
        part(9),
        {"type": "brand_new_part", "content_type": "brand_new_part", "shape": "round"},
    ),
    (
        "attachment that is no part",
        "question",
        part(10),
        file(
            "file-DOC1",
            name="recipe.pdf",
            mime_type="application/pdf",
            size=77,
            fileTokenSize=12,
            library_file_id="lib-1",
        ),
    ),
    ("code for a tool: its name", "run", call("name"), "python"),
    ("code for a tool: its text", "run", call("arguments"), "[1/0]"),
    ("code for a tool: its language", "run", call("language"), "python"),
    (
        "code of no known language",
        "search",
        part(0),
        {"type": "tool_call", "id": "search", "name": "browser", "arguments": 'search("pans")'},
    ),
    ("JSON arguments", "draw", call("arguments"), {"prompt": "a pan", "n": 1}),
    (
        "a call in plain text (canvas)",
        "canvas",
        call("arguments"),
        {"name": "Recipe", "type": "document", "content": "Fry gently."},
    ),
    (
        "execution_output",
        "ran",
        part(0),
        {
            "type": "tool_call_response",
            "id": "run",
            "response": "ZeroDivisionError",
            "name": "python",
            "is_error": True,
        },
    ),
    ("picture of a tool: its text", "drawn", call("response"), "Here it is"),
    (
        "picture of a tool: pointer and prompt",
        "drawn",
        part(1),
        file(
            "sediment://file_aa11",
            name="screen.png",
            mime_type="image/png",
            content_type="image_asset_pointer",
            width=1024,
            height=1024,
            metadata=PROMPT,
        ),
    ),
    ("tether_browsing_display", "display", call("response"), "# 【0†Pans†example.com】"),
    (
        "tether_quote",
        "quote",
        call("response"),
        {"url": "https://example.com/pans", "domain": "example.com", "text": "Pans are round.", "title": "Pans"},
    ),
    ("several results of one call", "page", call("id"), "search"),
    ("sonic_webpage", "page", lambda message: (message.parts or ())[0]["response"]["text"], "A very long page."),
    (
        "system_error",
        "page-error",
        lambda message: (call("is_error")(message), call("response")(message)),
        (True, {"name": "BrowseTimeout", "text": "took too long"}),
    ),
    (
        "computer_output: state",
        "screen",
        lambda message: (message.parts or ())[0]["response"]["state"]["title"],
        "Shop",
    ),
    (
        "computer_output: screenshot",
        "screen",
        part(1),
        file(
            "sediment://file_aa11",
            name="screen.png",
            mime_type="image/png",
            content_type="image_asset_pointer",
            width=10,
            height=10,
        ),
    ),
    ("user_editable_context: words", "instructions", text, "I cook.\n\nBe brief."),
    ("user_editable_context: as it came", "instructions", call("user_profile"), "I cook."),
    ("custom instructions of older exports", "instructions-old", text, "Old profile.\n\nOld wish."),
    ("model_editable_context", "memory", text, "1. Likes pans."),
    (
        "thoughts",
        "thoughts",
        part(0),
        {"type": "reasoning", "content": "Iron or steel?", "summary": "Weighing metals", "finished": True},
    ),
    ("thoughts in chunks only", "thoughts", part(1), {"type": "reasoning", "content": "Steel.", "summary": "Deciding"}),
    ("thoughts are not the answer", "thoughts", text, ""),
    ("thoughts: source_analysis_msg_id", "thoughts", part(2), {"type": "thoughts", "source_analysis_msg_id": "s-1"}),
    ("reasoning_recap", "recap", part(0), {"type": "reasoning_recap", "content": "Thought for 12s"}),
    ("content of an unknown kind: words", "new-kind", text, "42 pans"),
    (
        "content of an unknown kind: as it came",
        "new-kind",
        part(0),
        {"type": "citable_code_output", "output_str": "42 pans", "run_id": "x-1"},
    ),
    ("citations of the old form", "answer-1", text, RESOLVED),
    ("citations of the new form", "answer-2", text, CLEANED),
    ("the text as it came", "answer-1", lambda message: "【3:1†source】" in (message.parts or ())[0]["content"], True),
    ("the citations themselves", "answer-1", lambda message: len(message.metadata["citations"]), 2),
]


@pytest.mark.parametrize(("feature", "message", "where", "expected"), MATRIX, ids=[row[0] for row in MATRIX])
def test_fidelity(
    feature: str,
    message: str,
    where: Callable[[MessageDraft], Any],
    expected: Any,
    kept: dict[str | None, MessageDraft],
) -> None:
    """Every feature of the export arrives in a place of its own."""
    assert expected == where(kept[message])


def test_what_is_hidden(kept: dict[str | None, MessageDraft]) -> None:
    """Hidden is what the app does not show, but for tool calls, and each says why."""
    expected = {
        "system": "is_visually_hidden_from_conversation",
        "instructions": "user_editable_context",
        "instructions-old": "system",
        "memory": "system",
        "recap": "reasoning_recap",
        "screen": "computer_output",
        "display": "tether_browsing_display",
        "page": "sonic_webpage",
    }
    assert expected == {key: draft.metadata["hidden_reason"] for key, draft in kept.items() if draft.hidden}


def test_an_empty_message_is_hidden() -> None:
    """A message that holds neither words nor files is there, and hidden."""
    records = read(conversation(node("a", None, "Hi"), node("b", "a", "", role="assistant")))
    assert [(m.hidden, m.metadata.get("hidden_reason")) for m in messages(records)] == [(False, None), (True, "empty")]


def test_sparse_messages_of_other_exporters() -> None:
    """Content without a type, as plain text or a bare list, is read all the same."""
    contents: list[Any] = [{"parts": ["one"]}, "two", ["three"], {"text": "four"}, None]
    nodes = [node(f"n{i}", None, "", content=content) for i, content in enumerate(contents)]
    assert [message.text for message in messages(read(conversation(*nodes)))] == ["one", "two", "three", "four", ""]


def test_thoughts_that_are_words() -> None:
    """Thoughts may stand as one text instead of a list."""
    content = {"content_type": "thoughts", "thoughts": "Iron or steel?"}
    message = messages(read(conversation(node("n", None, "", role="assistant", content=content))))[0]
    assert (build.reasoning("Iron or steel?"),) == message.parts


def test_odd_objects_among_the_strings() -> None:
    """Objects without a type and nulls among a message's strings lose nothing."""
    content = {"content_type": "multimodal_text", "parts": ["a", None, {"text": "b"}, {"asset_pointer": "x://f1"}, 7]}
    message = messages(read(conversation(node("n", None, "", content=content))))[0]
    expected = ({"type": "text", "content": "a"}, {"type": "text", "content": "b"}, file("x://f1"))
    assert (*expected, {"type": "unknown", "value": 7}) == message.parts
    assert message.text == "a\nb"


REPORT = "# Mills\n\nThere are 42. \ue200cite\ue202turn0search1\ue201"
CITED = {
    "matched_text": "\ue200cite\ue202turn0search1\ue201",
    "type": "grouped_webpages",
    "items": [{"title": "Mills", "url": "https://example.com/mills"}],
    "alt": "([Mills](https://example.com/mills))",
}


def research(key: str, parent: str, told: str, state: dict[str, Any] | str | None = None, **facts: Any) -> Any:
    metadata = {**facts, **({"chatgpt_sdk": {"widget_state": state}} if state else {})}
    return node(key, parent, told, (), role="tool", metadata=metadata)


def test_a_report_is_the_answer_that_it_is() -> None:
    """What deep research found is in the state of a widget: it follows as an answer, once, its citations resolved."""
    message = {"content": {"parts": [REPORT]}, "metadata": {"content_references": [CITED]}, "update_time": 1.7e9}
    state = json.dumps({"status": "completed", "report_message": message})
    asked = node("q", None, "Count the mills", ("t",))
    hidden = research(
        "w", "t", f"The latest state of the widget is: {state}", is_visually_hidden_from_conversation=True
    )
    thanks = node("u", "w", "Thanks", ())
    for tool in (research("t", "q", "Begun", state), research("t", "q", "Begun", json.loads(state))):
        records = read(conversation(asked, tool, hidden, thanks, current_node="u"))
        assert links(records) == [("q", None), ("t", "q"), ("t-report", "t"), ("w", "t-report"), ("u", "w")]
        told = messages(records)[2]
        assert (told.role, told.text, told.created_at, told.hidden) == (
            "assistant",
            "# Mills\n\nThere are 42. ([Mills](https://example.com/mills))",
            "2023-11-14T22:13:20.000Z",
            False,
        )
    records = read(conversation(asked, research("t", "q", "Begun"), hidden, current_node="w"))
    assert links(records) == [("q", None), ("t", "q"), ("w", "t"), ("w-report", "w")]
    assert head(records) == "w-report"


@pytest.mark.parametrize(
    "state", ["", "no JSON", "[]", '{"report_message": 7}', '{"report_message": {"content": {"parts": [7]}}}']
)
def test_a_widget_without_a_report_tells_none(state: str) -> None:
    """The states of other widgets, and of a research that goes on, are no answers."""
    assert links(read(conversation(research("t", "", "Begun", state or "{}")))) == [("t", None)]
    assert links(read(conversation(research("t", "", f"The latest state of the widget is: {state}")))) == [("t", None)]
