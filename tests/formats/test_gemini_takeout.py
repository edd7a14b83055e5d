"""The Gemini app's Takeout: items into conversations, HTML into text, languages, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatlog.formats import build, gemini_takeout
from chatlog.formats.html_text import html_text
from chatlog.formats.source import file_source
from chatlog.models import MessageDraft

from .making import DATA, head_of, source_of
from .reading import Read, read, survives_damage

HERE = DATA / "gemini_takeout"
FIXTURE = HERE / "MyActivity.json"
CHAT = "aaaaaaaaaaaaaaaa"


@pytest.fixture(scope="module")
def everything() -> Read:
    """The export that holds one of everything."""
    return read(gemini_takeout, FIXTURE)


def row(title: str, minute: int, html: str | None = None, **facts: Any) -> dict[str, Any]:
    answer = {} if html is None else {"safeHtmlItem": [{"html": html}]}
    time = f"2026-06-01T{10 + minute // 60:02d}:{minute % 60:02d}:00.000Z"
    return {"header": "Gemini Apps", "title": title, "time": time, "products": ["Gemini Apps"], **answer, **facts}


def told(*rows: Any) -> Read:
    return read(gemini_takeout, source_of(json.dumps(list(rows)), "MyActivity.json"))


def message(found: Read, text: str) -> MessageDraft:
    return next(draft for draft in found.all() if draft.text == text)


def spoken(found: Read) -> list[list[str]]:
    """Return the words of each conversation."""
    return [[draft.text for draft in messages.values()] for messages in found.messages.values()]


FIRST = "See the mill (https://example.org/mill) [a mill]"
ROWS: list[tuple[str, Any, Any]] = [
    ("prompt without the verb", lambda f: message(f, "Begun here").role, "user"),
    ("answer", lambda f: message(f, "Early answer").role, "assistant"),
    ("time", lambda f: message(f, "First with files").created_at, "2026-06-01T10:00:00.123Z"),
    ("several pieces of an answer", lambda f: message(f, "Second").source_id.startswith("2026-06-01T10:20"), True),
    ("attached file", lambda f: message(f, "First with files").parts[1]["file_id"], "mill.pdf"),
    ("images", lambda f: message(f, "First with files").parts[-1]["name"], "wheel.png"),
    ("sources", lambda f: message(f, "Second").metadata["subtitles"][0]["url"], "https://example.org"),
    ("where a link leads", lambda f: message(f, FIRST).role, "assistant"),
    ("image by address", lambda f: message(f, FIRST).parts[1]["uri"], "https://example.org/mill.png"),
    ("what was done rather than said", lambda f: f.hidden, [("user", "activity", "Created Gem Miller")]),
    ("how they are joined", lambda f: f.conversations[CHAT].metadata, {}),
]


@pytest.mark.parametrize(("feature", "kept", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_fidelity(everything: Read, feature: str, kept: Any, expected: Any) -> None:
    """Each feature of the source is where the table says."""
    assert expected == kept(everything)


def test_items_are_joined_by_chat_or_by_time(everything: Read) -> None:
    """Items of one chat are one conversation, others with those half an hour around, the oldest first."""
    assert [
        ["Third, much later", "Third answer"],
        [
            "First with files",
            FIRST,
            "Second",
            "Second answer:\n\n- one\n- two\n\n```\nmake && run\n```",
            "Created Gem Miller",
        ],
        ["No answer came"],
        ["Begun here", "Early answer", "And in a chat of its own?", "Later answer"],
    ] == spoken(everything)
    assert CHAT in everything.conversations


def test_messages_follow_each_other(everything: Read) -> None:
    """Prompts and answers of a conversation are a chain."""
    messages = list(everything.messages[CHAT].values())
    assert [None, *(draft.source_id for draft in messages[:-1])] == [draft.parent for draft in messages]


def test_a_later_export_has_the_same_ids() -> None:
    """What an export adds at its top leaves the conversations before as they were."""
    old = told(row("Prompted B", 5, "b"), row("Prompted A", 0, "a"))
    new = told(
        row("Prompted D", 300, "d"), row("Prompted C", 20, "c"), row("Prompted B", 5, "b"), row("Prompted A", 0, "a")
    )
    (conversation,) = old.conversations
    assert conversation in new.conversations
    assert old.messages[conversation] == dict(list(new.messages[conversation].items())[:4])
    assert [["D", "d"], ["A", "a", "B", "b", "C", "c"]] == spoken(new)


def test_the_order_of_the_file_does_not_matter() -> None:
    """An export with the oldest first is read the same."""
    rows = [row("Prompted A", 0, "a"), row("Prompted B", 5, "b")]
    assert told(*rows).messages == told(*reversed(rows)).messages


def test_the_same_item_twice() -> None:
    """Two items of the same title and moment are both kept."""
    found = told(row("Prompted A", 0, "a"), row("Prompted A", 0, "a"))
    assert [["A", "a", "A", "a"]] == spoken(found)


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (["Запит: Млин", "Запит: Вода", "Запит: Колесо"], ["Млин", "Вода", "Колесо"]),
        (["Hai inserito Mulino"], ["Mulino"]),
        (["送信したメッセージ: 水車"], ["水車"]),
        (["Eingegebener Prompt: Wie: so?"], ["Wie: so?"]),
        (["Prompted Prompted"], ["Prompted"]),
        (["Prompted ", "Prompted"], ["", ""]),
        (["Gevraagd: a", "Gevraagd: b"], ["Gevraagd: a", "Gevraagd: b"]),
        (["One thing", "Another thing", "A third"], ["One thing", "Another thing", "A third"]),
    ],
)
def test_the_verb_is_found_in_any_language(titles: list[str], expected: list[str]) -> None:
    """What Google writes before every prompt is taken off: a known verb, or what at least three titles share."""
    found = told(*(row(title, number, "x") for number, title in enumerate(titles)))
    assert expected == [draft.text for draft in found.all() if draft.role == "user"]


def test_a_survey_is_no_prompt() -> None:
    """An answer to a question of Gemini's own survey is a deed, though an answer to its question in a chat is said."""
    found = told(row("Prompted One", 1, "<p>1</p>"), row("Answered survey question", 2), row("Answered Two", 3))
    assert [("user", "activity", "Answered survey question")] == found.hidden
    assert [["One", "1", "Answered survey question", "Two"]] == spoken(found)


def test_an_image_is_attached_once() -> None:
    """It is listed as a file and as the image, under the name of its copy; the subtitles tell the name it had."""
    subtitles = [{"name": "Attached 1 file."}, {"name": "-  mill.png", "url": "mill-1e98.png"}]
    facts: dict[str, Any] = {"attachedFiles": ["mill-1e98.png"], "imageFile": "mill-1e98.png", "subtitles": subtitles}
    found = told(row("Prompted See", 0, "A mill", **facts))
    assert (build.text("See"), build.file("mill-1e98.png", "mill.png")) == message(found, "See").parts


def test_a_chat_that_has_several_names() -> None:
    """An item stays in its chat where Gemini lists a further name of that."""
    names = [CHAT, "bbbbbbbbbbbbbbbb"]
    details = [{"url": f"https://gemini.google.com/app/{name}"} for name in names]
    rows = (row("Prompted B", 1, "two", details=details), row("Prompted A", 0, "one", details=details[:1]))
    assert [["A", "one", "B", "two"]] == spoken(told(*rows))


def test_what_gemini_writes_into_a_canvas_is_its_own() -> None:
    """A document that Gemini made stands in its name behind what was done, which is no prompt."""
    made = row("Created Gemini Canvas titled Chairs", 1, subtitles=[{"name": "# Chairs"}, {"name": "One."}])
    found = told(made, row("Prompted A", 0, "one"))
    assert [("user", "A"), ("assistant", "one"), ("assistant", "# Chairs\nOne.")] == found.said
    assert [("user", "activity", "Created Gemini Canvas titled Chairs")] == found.hidden
    assert {"hidden_reason": "activity"} == message(found, "Created Gemini Canvas titled Chairs").metadata


def test_several_chats_asked_at_once() -> None:
    """One item may hold what several chats answered: each is asked and has its own answer."""
    names = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"]
    details = [{"url": f"https://gemini.google.com/app/{name}"} for name in names]
    answers: dict[str, Any] = {"safeHtmlItem": [{"html": "one"}, {"html": "two"}]}
    assert [["A", "one"], ["A", "two"]] == spoken(told(row("Prompted A", 0, details=details, **answers)))
    apart = told(row("Prompted A", 0, details=details[:1], **answers))
    assert [["A", "one\n\ntwo"]] == spoken(apart)


# HTML


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("<p>One</p><p>Two<br>lines</p>", "One\n\nTwo\nlines"),
        ("a &lt;b&gt; &amp; &#40;c&#41;&nbsp;d", "a <b> & (c) d"),
        ("<ul><li>one<ul><li>in it</li></ul></li><li><p>two</p></li></ul>", "- one\n  - in it\n- two"),
        ('<ol start="3"><li>c</li><li>d</li></ol>', "3. c\n4. d"),
        ("<pre><code>if a &lt; b:\n    c\n</code></pre>", "```\nif a < b:\n    c\n```"),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
        ('<a href="https://x.y">https://x.y</a> <a href="#top">up</a>', "https://x.y up"),
        ("<script>if (a<b) c()</script><style>p{}</style>left", "left"),
        ("a<!-- hidden -->b<hr>c", "ab\n\n---\n\nc"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p>unclosed <b>bold", "unclosed bold"),
        ("</ul></pre></a></td>stray", "stray"),
        ("<i>  many\n\n   blanks </i>", "many blanks"),
        ("two\nplain lines", "two\nplain lines"),
        ('<img alt="a mill" src="x">', "[a mill]"),
        ("", ""),
    ],
)
def test_html_becomes_text(markup: str, text: str) -> None:
    """Markup becomes what a person reads of it."""
    assert text == html_text(markup)


@pytest.mark.parametrize("piece", ['<a "', "<", "<!--", "<p ", "&", "<li>", "</", "<a href='"])
def test_hostile_html_is_cheap(piece: str) -> None:
    """Repeated openings without an end are text, and no reason to search the rest again and again."""
    assert isinstance(html_text(piece * 3000), str)


# What is recognised, and damage


@pytest.mark.parametrize("name", ["MyActivity.json", "ukrainian.json"])
def test_exports_are_recognised(name: str) -> None:
    """Gemini's activity is known by its content, in any language."""
    assert gemini_takeout.sniff(head_of(file_source(HERE / name)))


@pytest.mark.parametrize("product", ["Gemini アプリ", "Gemini-appar", "Apps do Gemini", "Applications Gemini"])
def test_the_product_is_known_in_other_languages(product: str) -> None:
    """What Google calls the app is in the account's language, with its name in it."""
    facts = {"header": product, "title": "x", "time": "2026-06-01T10:00:00Z", "products": [product]}
    assert gemini_takeout.sniff(head_of(source_of(json.dumps([facts], ensure_ascii=False))))


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"header": "Gemini Apps", "title": "Prompted x", "time": "2026"}',
        '[{"header": "YouTube", "title": "Watched Gemini", "time": "2026", "products": ["YouTube"]}]',
        '[{"title": "x"}]',
        "Gemini Apps",
    ],
)
def test_other_files_are_not_recognised(text: str) -> None:
    """Other products' activity and other lists are not taken for Gemini's."""
    assert not gemini_takeout.sniff(head_of(source_of(text)))


@pytest.mark.parametrize("name", ["MyActivity.json", "ukrainian.json"])
def test_damage_is_survived(name: str) -> None:
    """Files that are cut off or hold wrong types give what is whole, and problems for the rest."""
    assert any(reading.problems for reading in survives_damage(gemini_takeout, HERE / name, 120))


def test_a_broken_item_is_named() -> None:
    """An item that is not of the shape is a problem at its place, and reading goes on."""
    found = told(row("Prompted A", 0, "a"), {"header": "Gemini Apps", "title": 3, "time": "x"}, 7, row("Prompted B", 1))
    assert ["item 2", "item 3"] == [problem.place for problem in found.problems]
    assert [["A", "a", "B"]] == spoken(found)
