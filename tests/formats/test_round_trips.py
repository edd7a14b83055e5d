"""Export, import, export is the identity for every form that can be read back, as far as the form goes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatlog.formats import WRITERS, build, detect, reader, writer
from chatlog.models import ConversationDraft, Message, MessageDraft, Part, joined_text

from .making import source_of, stored, talk

#: What reads each form back.
READ_BY = {
    "jsonl": "chatlog",
    "json": "chatlog",
    "openai": "openai_messages",
    "openai-finetune": "openai_messages",
    "anthropic": "openai_messages",
    "sharegpt": "sharegpt",
}
#: The forms of another's making: what they cannot hold is gone after the first export, and then nothing more.
FOREIGN = ("openai", "openai-finetune", "anthropic", "sharegpt")

words = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=20)
spoken = words.filter(str.strip)
values = st.recursive(
    words | st.integers(-9, 9) | st.booleans(), lambda inner: st.lists(inner, max_size=2), max_leaves=3
)
attached = st.lists(
    st.sampled_from(
        [
            build.blob("image/png", "aGk="), build.blob("audio/wav", "aGk="), build.blob("application/pdf", "aGk="),
            build.file("f1", "a.txt", content="x"), build.file("f2"), build.uri("https://a.example/b.png", "image/png"),
            build.uri("file:///a"), {"type": "odd", "x": 1},
        ]
    ),
    min_size=1, max_size=3,
).map(tuple)  # fmt: skip
responses = spoken | values | st.dictionaries(words, values, max_size=2) | attached.map(list) | st.none()
arguments = st.dictionaries(words, values, max_size=2) | st.none()


@st.composite
def histories(draw: st.DrawFn) -> list[MessageDraft]:
    """Return a conversation: a system prompt perhaps, turns, calls answered or not, reasoning, every attachment."""
    drafts = [MessageDraft(role="system", text=draw(spoken))] if draw(st.booleans()) else []
    for number in range(draw(st.integers(1, 4))):
        drafts += [
            MessageDraft(role="user", text=draw(spoken), author=draw(st.none() | st.just("ana")))
            for _ in range(draw(st.integers(1, 2)))
        ]
        kind = draw(st.sampled_from(["text", "call", "calls", "reasoning", "picture", "discard"]))
        drafts += called(draw, number, {"call": 1, "calls": 2}.get(kind, 0))
        parts: list[Part] = [build.text(draw(spoken))]
        if kind == "reasoning":
            parts.insert(0, build.reasoning(draw(spoken), signature="s"))
        if kind == "picture":
            drafts.append(MessageDraft(role="user", parts=draw(attached)))
            parts += draw(attached)
        metadata = {"weight": 0} if kind == "discard" else {}
        drafts.append(
            MessageDraft(role="assistant", text=parts[-1].get("content", "x"), parts=tuple(parts), metadata=metadata)
        )
    return drafts


def called(draw: st.DrawFn, number: int, count: int) -> list[MessageDraft]:
    if not count:
        return []
    calls = [
        build.tool_call(f"c{number}-{n}", draw(st.sampled_from(["find", "read"])), draw(arguments))
        for n in range(count)
    ]
    said = [build.text(draw(spoken))] * draw(st.booleans())
    asked = MessageDraft(role="assistant", text=joined_text(said), parts=(*said, *calls))
    results = [
        build.tool_result(call["id"], draw(responses), is_error=draw(st.booleans()))
        for call in calls[: draw(st.integers(0, count))]
    ]
    return [asked, *(MessageDraft(role="tool", parts=(result,)) for result in results)]


def written(to: str, talks: list[tuple[Any, list[Message]]]) -> str:
    out = io.StringIO()
    writer(to).write(talks, out)
    return out.getvalue()


def read_back(text: str) -> list[tuple[Any, list[Message]]]:
    """Return the conversations of an export, read by whatever recognises it."""
    name = detect(source_of(text))
    assert name is not None
    found: list[tuple[ConversationDraft, list[MessageDraft]]] = []
    for record in reader(name).read(source_of(text)):
        if isinstance(record, ConversationDraft):
            found.append((record, []))
        else:
            assert isinstance(record, MessageDraft), record
            found[-1][1].append(record)
    return [
        (talk(id=d.source_id, title=d.title, model=d.model, created_at=d.created_at or "x"), list(stored(*said)))
        for d, said in found
    ]


def told(to: str, text: str) -> Any:
    """Return an export but for what names a conversation elsewhere."""
    return [{**record, "created_at": None} for record in json.loads(text)] if to == "sharegpt" else text


@pytest.mark.parametrize("to", FOREIGN)
@settings(max_examples=30, deadline=None)
@given(talks=st.lists(histories(), min_size=1, max_size=2))
def test_what_a_foreign_form_holds_it_keeps(to: str, talks: list[list[MessageDraft]]) -> None:
    """Written, recognised by its content, read and written again: the same."""
    first = written(to, [(talk(id=f"conversation-{n}"), list(stored(*drafts))) for n, drafts in enumerate(talks)])
    if "role" not in first and "from" not in first:
        return  # nothing to learn from
    assert READ_BY[to] == detect(source_of(first))
    assert told(to, first) == told(to, written(to, read_back(first)))


@settings(max_examples=30, deadline=None)
@given(talks=st.lists(histories(), max_size=3))
def test_the_document_holds_what_the_lines_hold(talks: list[list[MessageDraft]]) -> None:
    """JSON and JSONL are read to the same records, and the document is recognised as chatlog's."""
    made = [(talk(id="abcdefgh" * 3 + "a" + "bcd"[n]), list(stored(*drafts))) for n, drafts in enumerate(talks)]
    lines, document = written("jsonl", made), written("json", made)
    assert "chatlog" == detect(source_of(document))
    chatlog = reader("chatlog")
    assert [*chatlog.read(source_of(lines))] == [*chatlog.read(source_of(document))]
    held = json.loads(document)
    assert ["type", "version", "schema_version", "items", "total", "next_cursor", "warnings"] == [*held]
    assert [json.loads(line) for line in lines.split("\n")[1:-1]] == held["items"]


def test_every_form_is_read_back_or_only_to_be_looked_at() -> None:
    """A new writer has its place here, or is one of those for people and tables."""
    assert {*WRITERS} == {*READ_BY, "markdown", "html", "csv"}
