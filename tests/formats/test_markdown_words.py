"""Tests of words in a note: what would break it is mended, and nothing else is changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatlog.formats.markdown_words import settled


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("# a\n## b\n#### c\n###### d", "### a\n#### b\n###### c\n###### d"),
        ("> # a\n\n- # b\n\n1. # c", "> ### a\n\n- ### b\n\n1. ### c"),
        ("a\nb\n===\n\nc\n---", "### a b\n\n#### c"),
        ("```sh\n# a", "```sh\n# a\n```"),
        ("~~~~\n```\n", "~~~~\n```\n~~~~"),
        ("a\n```", "a\n```\n```"),
        ("<?php\necho 1;\n\n# a\n```", "\\<?php\necho 1;\n\n### a\n```\n```"),
        ("a\n\n<!-- b\n\nc", "a\n\n\\<!-- b\n\nc"),
        ("<script>\n\nx", "\\<script>\n\nx"),
    ],
)
def test_what_would_break_a_note_is_mended(text: str, written: str) -> None:
    """Headings sink below the message's, an open fence is closed, HTML without an end is escaped."""
    assert written == settled(text)


@pytest.mark.parametrize(
    "text",
    [
        "#tag, C# and #1", "    # code", "```\n# a\n```", "- ```\n  # a", "> ```\n> # a", "---\n\na",
        "<!-- a -->\n<?b?>", "<pre>\n\n</pre>", "a <!-- b", "<details>\n\na", "| a |\n|---|", "# a" + "a" * 200_000,
    ],
)  # fmt: skip
def test_all_else_is_left_as_it_is(text: str) -> None:
    """Neither code nor what breaks nothing is touched, nor words too long to be parsed."""
    assert text == settled(text)


_PIECES = st.sampled_from(
    ["# a", "## b", "###", "a", "a", "===", "---", "```", "````", "~~~", "```py", "<!-- x", "-->", "<?x", "<pre>",
     "</pre>", "<![CDATA[", "]]>", "<!X", "<div>", "> ", "- ", "1. ", "  ", "    ", "\t", "\n", "\n", "|a|", "\\", "*"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=30).map("".join))
def test_the_next_message_is_never_taken_along(text: str) -> None:
    """Whatever is said, the heading that follows is one, and nothing said is at its level or above."""
    tokens = MarkdownIt("js-default", {"html": True}).parse(f"{settled(text)}\n\n## next\n")
    headings = [
        (token.tag, tokens[at + 1].content)
        for at, token in enumerate(tokens)
        if token.type == "heading_open" and not token.level
    ]
    assert ("h2", "next") == headings.pop()
    assert all(tag >= "h3" for tag, _ in headings)
