"""Google AI Studio: chunks joined into messages, every kind of part, titles and ids, the real file, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import google_aistudio
from chatlog.formats.source import Source, file_source
from chatlog.models import MessageDraft

from .making import DATA, head_of, sample, source_of
from .reading import Read, read, survives_damage

HERE = DATA / "google_aistudio"
REAL = "google_aistudio/yetanotherchris__openwebui-importer__examples_aistudio_example.json"


@pytest.fixture(scope="module")
def everything() -> Read:
    """The chat that holds one of everything."""
    return read(google_aistudio, HERE / "The old mill")


def source(*chunks: Any, name: str = "Mills", **facts: Any) -> Source:
    return source_of(json.dumps({"chunkedPrompt": {"chunks": list(chunks)}, **facts}), name)


def chunk(role: str, text: str | None = None, **facts: Any) -> dict[str, Any]:
    return {"role": role, **({"text": text} if text is not None else {}), **facts}


def told(*chunks: Any, **facts: Any) -> Read:
    return read(google_aistudio, source(*chunks, **facts))


def message(found: Read, text: str) -> MessageDraft:
    return next(draft for draft in found.only if draft.text == text)


def part(found: Read, text: str, kind: str, number: int = 0) -> dict[str, Any]:
    return [made for made in message(found, text).parts or () if made["type"] == kind][number]


ASKED, ANSWERED = "What do these show?", "A mill, twice."
ROWS: list[tuple[str, Any, Any]] = [
    ("title", lambda f: f.conversation.title, "The old mill"),
    ("model", lambda f: f.conversation.model, "gemini-3-pro-preview"),
    ("settings", lambda f: f.conversation.metadata["runSettings"]["temperature"], 1.0),
    ("citations", lambda f: f.conversation.metadata["citations"][0]["uri"], "https://example.org/c"),
    ("begun", lambda f: f.conversation.created_at, "2026-05-01T10:00:00.000Z"),
    ("instruction", lambda f: (f.only[0].role, f.only[0].text), ("system", "You are a miller.")),
    ("document on Drive", lambda f: part(f, ASKED, "file")["file_id"], "doc-1"),
    ("image on Drive", lambda f: part(f, ASKED, "file", 1)["kind"], "driveImage"),
    ("file in the chat", lambda f: part(f, ASKED, "blob")["content"], "QQ=="),
    ("video", lambda f: part(f, ASKED, "uri")["uri"], "https://www.youtube.com/watch?v=vid1"),
    ("tokens of a prompt and its files", lambda f: message(f, ASKED).metadata["usage"], {"tokenCount": 305}),
    ("where it was branched from", lambda f: message(f, ASKED).metadata["branchParent"]["displayName"], "Mills"),
    ("time", lambda f: message(f, ASKED).created_at, "2026-05-01T10:00:00.000Z"),
    ("model of an answer", lambda f: message(f, ANSWERED).model, "gemini-3-pro-preview"),
    ("thought", lambda f: part(f, ANSWERED, "reasoning")["content"], "Looking closely"),
    ("its signature", lambda f: part(f, ANSWERED, "reasoning")["signature"], "c2ln"),
    ("program", lambda f: part(f, ANSWERED, "tool_call")["arguments"]["code"], "print(2)"),
    ("what it gave", lambda f: part(f, ANSWERED, "tool_call_response")["response"], "2\n"),
    ("grounding", lambda f: part(f, ANSWERED, "grounding")["webSearchQueries"], ["mill"]),
    (
        "tokens of an answer and its thoughts",
        lambda f: message(f, ANSWERED).metadata["usage"],
        {"tokenCount": 4, "thoughtsTokenCount": 40},
    ),
    ("reason it ended", lambda f: message(f, ANSWERED).metadata["finishReason"], "STOP"),
    ("edited", lambda f: message(f, ANSWERED).metadata["isEdited"], True),
    ("image that was made", lambda f: f.only[4].parts[0]["content"], "AAAA"),
    ("error", lambda f: f.only[7].metadata["errorMessage"], "An internal error has occurred."),
    ("sound on Drive", lambda f: f.only[8].parts[0]["file_id"], "aud-1"),
    ("what was not sent", lambda f: f.hidden, [("user", "unsent", "not sent yet")]),
]


@pytest.mark.parametrize(("feature", "kept", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_fidelity(everything: Read, feature: str, kept: Any, expected: Any) -> None:
    """Each feature of the source is where the table says."""
    assert expected == kept(everything)


def test_chunks_of_one_speaker_are_one_message(everything: Read) -> None:
    """Thoughts, programs and answer in a row are one message, and so are files with the words after them."""
    assert [
        ("system", "You are a miller."),
        ("user", ASKED),
        ("assistant", ANSWERED),
        ("user", "Draw one"),
        ("assistant", ""),
        ("user", "Again"),
        ("user", "And again"),
        ("assistant", ""),
        ("user", ""),
    ] == everything.said
    assert ["file", "file", "blob", "uri", "text"] == [made["type"] for made in message(everything, ASKED).parts or ()]


def test_a_call_is_paired_with_its_result(everything: Read) -> None:
    """A program and what it gave have one id."""
    call, result = part(everything, ANSWERED, "tool_call"), part(everything, ANSWERED, "tool_call_response")
    assert call["id"] == result["id"]


def test_what_was_not_sent_is_not_the_head(everything: Read) -> None:
    """The active leaf is the last message, and not the words still being typed."""
    assert everything.only[-2].source_id == everything.conversation.head


def test_text_and_parts_are_told_once() -> None:
    """The parts repeat the text, in whole or cut short; only what else they hold is added."""
    image = {"inlineData": {"mimeType": "image/png", "data": "A"}}
    found = told(chunk("model", "A mill.", parts=[{"text": "A mi"}, image]))
    assert ("A mill.", ["text", "blob"]) == (found.only[0].text, [made["type"] for made in found.only[0].parts or ()])
    both = told(chunk("model", "hmYes", parts=[{"text": "hm", "thought": True}, {"text": "Yes"}]))
    assert ("Yes", ["reasoning", "text"]) == (both.only[0].text, [made["type"] for made in both.only[0].parts or ()])


def test_words_that_stand_only_in_parts() -> None:
    """A chunk whose text is empty says what its parts say."""
    found = told(chunk("user", "", parts=[{"text": "Hello"}]), chunk("model", "", isThought=True))
    assert [("user", "Hello")] == found.said


def test_what_several_chunks_of_a_message_list_is_all_kept() -> None:
    """Branches that begin at a thought do not give way to those that begin at the answer."""
    first, second = {"promptId": "prompts/a"}, {"promptId": "prompts/b"}
    thought = chunk("model", "hm", isThought=True, branchChildren=[first])
    found = told(chunk("user", "Hello"), thought, chunk("model", "Hi", branchChildren=[second]))
    assert [first, second] == found.only[1].metadata["branchChildren"]


def test_what_else_a_file_says_is_kept() -> None:
    """Settings, citations and what newer versions write beside them are the chat's metadata."""
    found = told(chunk("user", "Hello"), runSettings={"topK": 64}, metadata={"description": "About mills"})
    assert {"runSettings": {"topK": 64}, "metadata": {"description": "About mills"}} == found.conversation.metadata


def test_a_video_without_an_id_is_kept_as_it_came() -> None:
    """What names no video makes no address of one."""
    found = told(chunk("user", "Look", youtubeVideo={"startOffset": "5s"}))
    expected = {"type": "youtubeVideo", "startOffset": "5s"}
    assert expected == part(found, "Look", "youtubeVideo")


def test_a_plain_chat() -> None:
    """A chat with parts only and a bare instruction; an empty pending input is nothing."""
    found = read(google_aistudio, HERE / "plain.json")
    assert [("system", "Be kind."), ("user", "Hello"), ("assistant", "Hi")] == found.said
    assert "plain" == found.conversation.title
    assert [] == found.hidden


def test_a_chat_that_grew_keeps_its_ids() -> None:
    """The same chat downloaded again, with more in it, is the same conversation; one edited in it is a branch."""
    first, second = chunk("user", "Hello"), chunk("model", "Hi")
    old, new = told(first, second), told(first, second, chunk("user", "Bye"))
    edited = told(first, chunk("model", "Good day"))
    assert old.conversation.source_id == new.conversation.source_id == edited.conversation.source_id
    assert [d.source_id for d in old.only] == [d.source_id for d in new.only[:2]]
    assert old.only[0].source_id == edited.only[0].source_id
    assert old.only[1].source_id != edited.only[1].source_id


@pytest.mark.parametrize(
    ("name", "title"),
    [("/drive/Google AI Studio/Mill v2.0", "Mill v2.0"), ("out.zip!Drive/My mill", "My mill"), ("a/mill.json", "mill")],
)
def test_the_title_is_the_name_of_the_file(name: str, title: str) -> None:
    """Files have no extension, so that a dot is part of the title."""
    assert title == told(chunk("user", "Hello"), name=name).conversation.title


def test_times_come_from_the_file_where_there_are_none() -> None:
    """A chat without times was saved when its file was."""
    held = source(chunk("user", "Hello"))
    found = read(google_aistudio, Source(held.name, held.opener, held.size, modified=1_780_000_000.0))
    assert "2026-05-28T20:26:40.000Z" == found.conversation.created_at


@pytest.mark.parametrize("kind", ["textPrompt", "dataPrompt", "imagenPrompt"])
def test_prompts_that_are_no_chat_are_counted(kind: str) -> None:
    """A text to be completed or a picture to be made is no chat, and said to be left out."""
    text = json.dumps({"runSettings": {"model": "models/x"}, kind: {"value": "x"}})
    found = read(google_aistudio, source_of(text))
    assert google_aistudio.sniff(head_of(source_of(text)))
    assert {kind: 1} == found.left_out
    assert [] == found.only


# What is recognised, the real file, and damage


@pytest.mark.parametrize("name", ["The old mill", "plain.json"])
def test_chats_are_recognised(name: str) -> None:
    """A chat is known by its content, whatever its file is called."""
    assert google_aistudio.sniff(head_of(file_source(HERE / name)))


@pytest.mark.parametrize(
    "text",
    ["", "# chunkedPrompt", '{"runSettings": {}}', '{"chunks": []}', '[{"chunkedPrompt": {}}]', '{"model": "x"}'],
)
def test_other_files_are_not_recognised(text: str) -> None:
    """Prose and configurations are not taken for a chat."""
    assert not google_aistudio.sniff(head_of(source_of(text)))


def test_the_real_file() -> None:
    """The manifest counts three chunks; a thought and its answer are one message."""
    path = sample(REAL)
    chunks = json.loads(path.read_text(encoding="utf-8"))["chunkedPrompt"]["chunks"]
    found = read(google_aistudio, path)

    assert 3 == len(chunks)
    assert [("user", chunks[0]["text"]), ("assistant", chunks[2]["text"])] == found.said
    assert chunks[1]["text"] == (found.only[1].parts or ())[0]["content"]
    assert {"tokenCount": 403, "thoughtsTokenCount": 1475} == found.only[1].metadata["usage"]
    assert google_aistudio.sniff(head_of(file_source(path)))
    assert list(google_aistudio.read(file_source(path))) == list(google_aistudio.read(file_source(path)))


@pytest.mark.parametrize("name", ["The old mill", "plain.json"])
def test_damage_is_survived(name: str) -> None:
    """Files that are cut off or hold wrong types give what is whole, and problems for the rest."""
    assert any(reading.problems for reading in survives_damage(google_aistudio, HERE / name, 120))


def test_a_broken_chunk_is_named() -> None:
    """A chunk that is not of the shape is a problem at its place, and reading goes on."""
    found = told(chunk("user", "Hello"), 7, chunk("model", parts=7), chunk("model", "Hi"))
    assert ["chunk 2", "chunk 3"] == [problem.place for problem in found.problems]
    assert [("user", "Hello"), ("assistant", "Hi")] == found.said


def test_text_never_becomes_a_system_message() -> None:
    """Only the instruction of the prompt itself is the system's."""
    found = told(chunk("system", "Obey"), chunk("model", "<system>Obey</system>"))
    assert ["user", "assistant"] == [draft.role for draft in found.only]
