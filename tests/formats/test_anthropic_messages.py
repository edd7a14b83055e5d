"""Tests of Anthropic's message form: its blocks read, and requests written as its API wants them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from chatlog.formats import anthropic_messages, build, openai_messages
from chatlog.formats.envelope import UnreadableError
from chatlog.models import MessageDraft

from .making import head_of, said, source_of, stored, talk


def written(*drafts: MessageDraft) -> dict[str, Any]:
    return anthropic_messages.to_wire(stored(*drafts))


def user(text: str) -> MessageDraft:
    return MessageDraft(role="user", text=text)


def assistant(text: str, *parts: dict[str, Any]) -> MessageDraft:
    return MessageDraft(role="assistant", text=text, parts=parts or None)


# Reading


def test_a_text_is_a_message_without_parts() -> None:
    """A content that is a string, or one text block, is only text."""
    for content in ("Hello", [{"type": "text", "text": "Hello"}]):
        assert user("Hello") == anthropic_messages.message({"role": "user", "content": content})


def test_every_block_becomes_a_part() -> None:
    """Known blocks become parts of the common shape, with what else they say; unknown ones stay as they came."""
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "Ag=="},
        {"type": "text", "text": "See", "citations": [{"cited_text": "x"}]},
        {"type": "tool_use", "id": "t1", "name": "ls", "input": {"path": "."}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "Report"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "abc"}},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
    ]

    made = anthropic_messages.message({"role": "assistant", "content": content, "model": "claude-x", "id": "msg_1"})

    assert (
        build.reasoning("hm", signature="sig"),
        content[1],
        build.text("See", citations=[{"cited_text": "x"}]),
        build.tool_call("t1", "ls", {"path": "."}),
        build.blob("image/png", "QUJD", modality="image"),
        build.uri("https://example.org/a.png", modality="image"),
        build.file("file_1", modality="document", title="Report"),
        content[7],
        content[8],
    ) == made.parts
    assert ("See", "claude-x", "msg_1") == (made.text, made.model, made.source_id)


def test_a_thought_in_pieces() -> None:
    """A thought that is a list of texts, as Mistral's models tell it, is their words."""
    thought = [{"type": "text", "text": "A "}, {"type": "text", "text": "wren"}]
    made = anthropic_messages.message({"role": "assistant", "content": [{"type": "thinking", "thinking": thought}]})
    assert (build.reasoning("A wren"),) == made.parts


def test_a_batch_of_answers() -> None:
    """The results of a batch are an answer each."""
    spoken = {"type": "message", "role": "assistant", "model": "opus", "content": [{"type": "text", "text": "Hi!"}]}
    source = source_of(json.dumps({"custom_id": "1", "result": {"type": "succeeded", "message": spoken}}) + "\n")
    assert openai_messages.sniff(head_of(source))
    assert [("assistant", "Hi!")] == said(openai_messages.read(source))


def test_a_user_message_of_results_is_the_tools() -> None:
    """Only results: role tool; results and words: the user's, with both kept."""
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "gone", "is_error": True}

    alone = anthropic_messages.message({"role": "user", "content": [result]})
    mixed = anthropic_messages.message({"role": "user", "content": [result, {"type": "text", "text": "Why?"}]})

    assert ("tool", "", (build.tool_result("t1", "gone", is_error=True),)) == (alone.role, alone.text, alone.parts)
    assert ("user", "Why?", 2) == (mixed.role, mixed.text, len(mixed.parts or ()))


@pytest.mark.parametrize("content", [7, None, [{"type": "text", "text": 1}], [{"type": "thinking", "thinking": None}]])
def test_a_content_of_another_shape_is_refused(content: Any) -> None:
    """What is neither text nor blocks raises the error that names no words."""
    with pytest.raises(UnreadableError):
        anthropic_messages.message({"role": "user", "content": content})


# Writing


def test_the_system_prompt_stands_apart() -> None:
    """System and developer messages, wherever they stand, are the system; there is none without them."""
    wire = written(
        MessageDraft(role="system", text="Be kind."), user("Hi"), MessageDraft(role="developer", text="Be brief.")
    )

    assert {"system": "Be kind.\n\nBe brief.", "messages": [{"role": "user", "content": "Hi"}]} == wire
    assert {"messages": [{"role": "user", "content": "Hi"}]} == written(user("Hi"))


def test_messages_of_one_speaker_are_merged() -> None:
    """Consecutive messages of the same role are one turn with a block each."""
    wire = written(user("One."), user("Two."), assistant("Three."))

    assert [
        {"role": "user", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]},
        {"role": "assistant", "content": "Three."},
    ] == wire["messages"]


def test_the_user_speaks_first() -> None:
    """A conversation that the assistant opens gets a note as its first user turn."""
    assert [
        {"role": "user", "content": "(The conversation begins with the assistant.)"},
        {"role": "assistant", "content": "Welcome!"},
    ] == written(assistant("Welcome!"))["messages"]


def test_results_are_user_turns_right_after_their_calls() -> None:
    """Parallel calls are one assistant turn and their results, with what the user adds, the next."""
    wire = written(
        user("Compare."),
        assistant("", build.tool_call("a", "web.run", {"q": 1}), build.tool_call("b", "ls", None)),
        user("Quick!"),
        MessageDraft(role="tool", parts=(build.tool_result("a", [{"type": "text", "text": "one"}]),)),
        MessageDraft(role="tool", parts=(build.tool_result("b", {"n": 2}, is_error=True),)),
        assistant("Done."),
    )

    assert [
        {"role": "user", "content": "Compare."},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "web_run", "input": {"q": 1}},
                {"type": "tool_use", "id": "b", "name": "ls", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "one"},
                {"type": "tool_result", "tool_use_id": "b", "content": '{"n": 2}', "is_error": True},
                {"type": "text", "text": "Quick!"},
            ],
        },
        {"role": "assistant", "content": "Done."},
    ] == wire["messages"]


def test_an_unanswered_call_gets_an_error_as_its_result() -> None:
    """A call without a result in the middle is answered by a note that says so."""
    wire = written(user("Go."), assistant("", build.tool_call("a", "ls", {})), user("And?"), assistant("Sorry."))

    assert {
        "type": "tool_result",
        "tool_use_id": "a",
        "content": "(no result was recorded)",
        "is_error": True,
    } == wire["messages"][2]["content"][0]


def test_thinking_is_kept_only_where_it_is_signed() -> None:
    """Signed and redacted thinking go back to the API, unsigned reasoning does not."""
    wire = written(
        user("Why?"),
        assistant("Because.", build.reasoning("signed", signature="sig"), build.text("Because.")),
        user("Sure?"),
        assistant(
            "Yes.", build.reasoning("unsigned"), {"type": "redacted_thinking", "data": "Ag=="}, build.text("Yes.")
        ),
    )

    assert [{"type": "thinking", "thinking": "signed", "signature": "sig"}, {"type": "text", "text": "Because."}] == (
        wire["messages"][1]["content"]
    )
    assert [{"type": "redacted_thinking", "data": "Ag=="}, {"type": "text", "text": "Yes."}] == (
        wire["messages"][3]["content"]
    )


def test_images_are_the_users_alone() -> None:
    """A user's image goes as an image; an assistant's, and a kind the API does not take, is named in words."""
    shown = (
        build.blob("image/png", "iVBORw0KGgo=", modality="image"),
        build.uri("https://example.org/a", modality="image"),
    )
    wire = written(
        MessageDraft(role="user", parts=shown),
        MessageDraft(role="assistant", parts=(*shown, {"type": "odd"})),
        MessageDraft(role="user", parts=(build.blob("image/tiff", "SUkqAA==", name="scan.tiff"),)),
    )

    assert [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}},
    ] == wire["messages"][0]["content"]
    assert [
        {"type": "text", "text": "[image: image/png]"},
        {"type": "text", "text": "[image: https://example.org/a]"},
    ] == wire["messages"][1]["content"]
    assert "[image: scan.tiff]" == wire["messages"][2]["content"]


def test_hidden_and_empty_messages_are_left_out() -> None:
    """Neither hidden nor wordless messages are written."""
    hidden = MessageDraft(role="user", text="context", hidden=True)

    assert [{"role": "user", "content": "Hi"}] == written(hidden, user("Hi"), assistant(""), user("  "))["messages"]


def test_a_line_per_conversation_reads_back() -> None:
    """What is written is one line per conversation with messages, and the reader understands it."""
    out = io.StringIO()
    told = stored(MessageDraft(role="system", text="Be kind."), user("Olá"), assistant("Oi!"))
    anthropic_messages.write([(talk(), told), (talk(), stored())], out)

    assert ["system", "messages"] == list(json.loads(out.getvalue()))
    assert out.getvalue().endswith('"Oi!"}]}\n')
    assert [("system", "Be kind."), ("user", "Olá"), ("assistant", "Oi!")] == said(
        openai_messages.read(source_of(out.getvalue()))
    )
