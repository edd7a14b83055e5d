"""Tests of notes: front matter that YAML reads as it was meant, whatever a title holds, and where there is none."""

from __future__ import annotations

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from chatlog.formats import markdown_notes
from chatlog.models import Conversation, MessageDraft

from .making import stored, talk

NOTE = """\
---
title: "Re: \\"a\\" #b"
aliases: ["Re: \\"a\\" #b"]
date: 2026-01-31
created: 2026-01-31T10:00:00Z
updated: 2026-01-31T10:00:00Z
tags: ["work/x", "a-b"]
source: "chatgpt"
model: "gpt-5"
messages: 2
chatlog: "c7q2"
---

# Re: "a" \\#b

## User · 2026-01-31 10:00

Hi.
"""


def note(*talks: Conversation) -> str:
    out = io.StringIO()
    markdown_notes.write([(each, stored(MessageDraft(role="user", text="Hi."))) for each in talks], out)
    return out.getvalue()


def test_a_conversation_is_a_note() -> None:
    """Title, dates, tags as Obsidian takes them, source and model; what is not known is left out."""
    assert NOTE == note(
        talk(title='Re: "a"\n#b', tags=("work/x", "a.b"), source="chatgpt", model="gpt-5", project=None)
    )


def test_several_conversations_have_no_front_matter() -> None:
    """Front matter is of a file: where two are in one, they are plain Markdown."""
    assert note(talk(title="One"), talk(title="Two")).startswith("# One\n\n`c7q2`")
    assert "" == note()


@given(st.text(min_size=1))
def test_any_title_is_one_quoted_line(title: str) -> None:
    """A title can neither end the front matter nor begin another key, and is read as it is."""
    lines = markdown_notes.front_matter(talk(title=title)).split("---\n")[1]
    assert 7 == lines.count("\n")
    written = lines.split("\n")[0].removeprefix("title: ")
    assert written.startswith('"')
    assert not any(mark in written for mark in "\r\x85\u2028\u2029\x00\x7f\ufeff")
    expected = " ".join(title.split()) or "Untitled conversation"
    assert expected == " ".join(json.loads(written).split())
