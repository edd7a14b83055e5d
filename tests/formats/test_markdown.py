"""Tests of conversations as Markdown: the exact bytes, and nothing of a message changed."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from chatlog.formats import build, markdown
from chatlog.models import Message, MessageDraft

from .making import stored, talk

FULL = """\
# Four days in Lisbon

`c7q2` · chatgpt · gpt-5 · trips · 2026-01-31 10:00 – 2026-02-01 09:12 UTC · 4 messages · #travel #2026

## User (Ann) · 2026-01-31 10:00

Where to?

### Not a heading of ours

## Assistant · 2026-01-31 10:01

> First the map,
>
> then the tram.

Let me look.

Tool call: `find`

```json
{
  "city": "Lisboa",
  "note": "Olá"
}
```

## Tool · 2026-01-31 10:00

<details>
<summary>Result of find</summary>

````
a
```
b
````

</details>

## Assistant (gpt-5-mini) · 2026-01-31 10:00

Take the tram.
"""


def text_of(*drafts: MessageDraft) -> str:
    """Return what is written of messages, without the title and the facts."""
    out = io.StringIO()
    markdown.write([(talk(), stored(*drafts))], out)
    return out.getvalue().split("\n\n", 2)[2]


def test_a_conversation_is_written_exactly_so() -> None:
    """Title, facts, headings, words, reasoning, call and result have exactly these bytes."""
    conversation = talk(
        title="Four days in\nLisbon",
        source="chatgpt",
        model="gpt-5",
        project="trips",
        updated_at="2026-02-01T09:12:59.000Z",
        tags=("travel", "2026"),
        messages=4,
    )
    reasoning = build.reasoning("First the map,\n\nthen the tram.")
    call = build.tool_call("t1", "find", {"city": "Lisboa", "note": "Olá"})
    drafts = (
        MessageDraft(role="user", text="Where to?\n\n# Not a heading of ours", author="Ann"),
        MessageDraft(
            role="assistant",
            text="Let me look.",
            parts=(reasoning, build.text("Let me look."), call),
            created_at="2026-01-31T10:01:30.500Z",
            model="gpt-5",
        ),
        MessageDraft(role="tool", parts=(build.tool_result("t1", "a\n```\nb"),)),
        MessageDraft(role="system", text="secret", hidden=True),
        MessageDraft(role="assistant", text="Take the tram.", model="gpt-5-mini"),
    )
    out = io.StringIO()

    markdown.write([(conversation, stored(*drafts))], out)

    assert FULL == out.getvalue()


def test_conversations_are_set_apart_and_messages_are_never_held() -> None:
    """Each conversation begins after a blank line, and each message is written before the next is asked for."""
    out = io.StringIO()

    def watched() -> Iterator[Message]:
        for message in stored(MessageDraft(role="user", text="One."), MessageDraft(role="user", text="Two.")):
            lengths.append(len(out.getvalue()))
            yield message

    lengths: list[int] = []
    markdown.write([(talk(title=None), watched()), (talk(title="Second", messages=1), stored())], out)

    assert lengths[0] < lengths[1] < len(out.getvalue())
    assert out.getvalue().startswith("# Untitled conversation\n")
    assert out.getvalue().endswith("\n\nTwo.\n\n# Second\n\n`c7q2` · 2026-01-31 10:00 UTC · 1 message\n")


@pytest.mark.parametrize(
    "text",
    ["```\n# code\n```", "  indented\n\n\n\nfar", "<details>&amp;*", "#tag [[w]] %%", "- a\n\n---\n\n| a |\n|---|"],
)
def test_words_are_written_as_they_are(text: str) -> None:
    """Nothing in a message's text is escaped or changed that does not break the note."""
    assert f"## User · 2026-01-31 10:00\n\n{text}\n" == text_of(MessageDraft(role="user", text=text))


def test_the_clean_text_stands_in_place_of_the_sources() -> None:
    """Where the parts hold another form of the text, the readable one is written, once."""
    parts = (build.text("It rains.【1†source】"), build.file("f1", "map.pdf"), build.text("more"))

    assert "## Assistant · 2026-01-31 10:00\n\nIt rains.\n\n\\[file: map.pdf\\]\n" == text_of(
        MessageDraft(role="assistant", text="It rains.", parts=parts)
    )


def test_results_of_every_kind_are_folded() -> None:
    """Errors say so, data is JSON, blocks are their words without colours, and the summary is safe in HTML."""
    folded = text_of(
        MessageDraft(role="assistant", parts=(build.tool_call("a", "<b>", "ls -l"),)),
        MessageDraft(role="tool", parts=(build.tool_result("a", {"n": 1}, is_error=True),)),
        MessageDraft(
            role="tool",
            parts=(build.tool_result("z", [{"type": "text", "text": "x"}, {"type": "image", "source": {}}]),),
        ),
        MessageDraft(role="tool", parts=(build.tool_result(None, "\x1b[1;31my\x1b[0m\n", name="python"),)),
    )

    assert "Tool call: `<b>`\n\n```json\nls -l\n```\n" in folded
    assert '<summary>Error from &lt;b&gt;</summary>\n\n```json\n{\n  "n": 1\n}\n```\n\n</details>\n' in folded
    assert "<summary>Result of tool</summary>\n\n```\nx\n[image]\n```\n\n</details>\n" in folded
    assert "<summary>Result of python</summary>\n\n```\ny\n```\n\n</details>\n" in folded


def test_references_are_links_or_names() -> None:
    """Addresses are links, images shown as such, bytes and unknown parts named, attached text folded away."""
    parts = (
        build.uri("https://example.org/a (1).png", "image/png", name="a [1]"),
        build.uri("https://example.org/b"),
        build.uri("javascript:x\ny"),
        build.blob("image/png", "QUJD"),
        {"type": "odd`one", "x": 1},
        build.file(None, "notes.txt", content="1 < 2"),
    )

    assert (
        "## User · 2026-01-31 10:00\n\n"
        "\\[link: https://example.org/a (1).png\\]\n\n"
        "[link](<https://example.org/b>)\n\n"
        "\\[link: javascript:x\ny\\]\n\n"
        "\\[image: image/png\\]\n\n"
        "`` [odd`one] ``\n\n"
        "<details>\n<summary>File notes.txt</summary>\n\n```\n1 < 2\n```\n\n</details>\n"
    ) == text_of(MessageDraft(role="user", parts=parts))
    assert "![a \\[1\\]](<https://example.org/a.png>)" in text_of(
        MessageDraft(role="user", parts=(build.uri("https://example.org/a.png", "image/png", name="a [1]"),))
    )


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("Fix <Component> in __init__.py", "Fix \\<Component> in \\__init_\\_.py"),
        ("[a](b) [[c]] [WIP] `d` *e* #f", "\\[a](b) \\[[c]] [WIP] \\`d\\` \\*e\\* \\#f"),
        ("2 * 3 < 7, snake_case, C# & C:\\\\x", "2 * 3 < 7, snake_case, C# & C:\\\\\\x"),
    ],
)
def test_a_title_is_its_letters(title: str, written: str) -> None:
    """A heading shows a title as it is, be there HTML, emphasis or a link in it."""
    assert f"# {written}" == markdown.title_line(talk(title=title))
