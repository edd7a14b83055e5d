"""Tests of pages: what they show, that nothing in them acts or loads, and the index that searches them."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.formats import build, webpage
from chatlog.formats.webpage import text as spell
from chatlog.formats.webpage.branches import tree
from chatlog.formats.webpage.highlight import _LANGUAGES, highlighted
from chatlog.formats.webpage.page import asset
from chatlog.formats.webpage.site import Site, _words
from chatlog.models import Message, MessageDraft, Part

from .making import stored, talk

HOSTILE = [
    "<script>document.title='owned'</script>",
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<svg onload=\"document.title='owned'\"><a xlink:href='javascript:1'>x</a></svg>",
    "<iframe src='https://evil.example/'></iframe>",
    "<style>@import 'https://evil.example/x.css'; body{background:url(//evil.example)}</style></style>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<form action=https://evil.example><button autofocus onfocus=\"document.title='owned'\">",
    "[click](javascript:document.title='owned')",
    "[click](JaVaScRiPt&colon;alert`1`) [b](data:text/html,<script>1</script>) [c](vbscript:x) [d](file:///etc/passwd)",
    "![x](https://evil.example/pixel.png) ![y](data:image/svg+xml;base64,PHN2Zz4=) ![z](//evil.example/p.png)",
    "<javascript:alert(1)> <https://ok.example/\"onmouseover='x'>",
    '[a](https://ok.example/"onmouseover="document.title=1 "title\\" onclick=\\"x")',
    "```\"><script>document.title='owned'</script>\n</code></pre><script>1</script>\n```",
    "<!-- --><![CDATA[<script>1</script>]]><?php x ?><!DOCTYPE html>",
    "\x00<scr\x00ipt>\x1b]0;title\x07\x1b[31m\x9b31m\x7f\u202egnp.exe\u2066\u2028 {{constructor.constructor('1')()}}",
    "`` `<b onmouseover=1>` `` | <b> | \n|-|-|\n| <i onclick=1> | [x](javascript:1) |",
    "&lt;script&gt;1&lt;/script&gt; &#60;script&#62;",
]
#: Elements of our own making; Markdown adds its inline and block ones.
FRAME = {
    "html", "head", "meta", "title", "style", "script", "body", "nav", "main", "section", "header", "article",
    "details", "summary", "div", "span", "time", "dl", "dt", "dd", "form", "input", "output", "select", "option",
}  # fmt: skip
WORDS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "a", "b", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "br", "hr",
    "blockquote", "table", "thead", "tbody", "tr", "th", "td", "img",
}  # fmt: skip
ATTRIBUTES = {
    "class", "id", "href", "rel", "dir", "datetime", "open", "data-lang", "data-n", "data-source", "lang", "charset",
    "http-equiv", "content", "name", "src", "alt", "start", "style", "type", "role", "hidden", "placeholder", "value",
    "aria-label", "autocomplete",
}  # fmt: skip


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(*drafts: MessageDraft, **facts: object) -> str:
    out = io.StringIO()
    webpage.write([(talk(**facts), stored(*drafts))], out)
    return out.getvalue()


def body_of(*drafts: MessageDraft, **facts: object) -> str:
    return page_of(*drafts, **facts).partition("<main>")[2].rpartition("</main>")[0]


def everywhere(text: str) -> list[MessageDraft]:
    """Return messages that hold a text in every place a source could put it."""
    mime_like: Part = {"type": "blob", "mime_type": text, "content": text, "name": text}
    image: Part = {"type": "blob", "mime_type": "image/png", "content": text, "name": text}
    parts: list[Part] = [
        build.text(text),
        build.reasoning(text),
        build.tool_call(text, text, {text: text, "command": text, "nested": {text: [text]}}),
        build.tool_call("2", text, text),
        mime_like,
        image,
        build.uri(text, name=text),
        build.file(text, text, content=text),
        {"type": text, "anything": text},
    ]
    return [
        MessageDraft(role="user", text=text, author=text, model=text),
        MessageDraft(role="assistant", text=text, parts=tuple(parts), model=text),
        MessageDraft(role="tool", parts=(build.tool_result(text, text), build.tool_result("2", {text: text}))),
        MessageDraft(role="system", text=text),
    ]


def assert_inert(page: str) -> Seen:
    """Assert that a page has no elements but known ones, no handlers, no addresses but harmless ones, one policy."""
    seen = Seen(page)
    assert set() == {tag for tag, _ in seen.tags} - FRAME - WORDS
    for tag, attributes in seen.tags:
        assert set() == attributes.keys() - ATTRIBUTES, tag
        address = attributes.get("href") or ""
        assert re.match(r"(https?://|mailto:|#)", address) or tag != "a" or ":" not in address.partition("/")[0]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert re.fullmatch(r"text-align:(left|right|center)", attributes.get("style") or "text-align:left")
    scripts = [script for script in seen.all("script") if script.get("type") != "application/json"]
    assert [{}] == scripts
    (policy,) = (meta["content"] or "" for meta in seen.all("meta") if meta.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (own,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert 1 == page.count("<style")
    assert "://" not in "".join(re.findall(r"<(?:script|style)>.*?</", page, re.DOTALL))
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028]", page) is None
    return seen


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_stored_acts(text: str) -> None:
    """RELIABILITY 37: in every place of a page, no active element, no remote load, no control character."""
    page = page_of(*everywhere(text), title=text, source=text, model=text, project=text, tags=(text,))
    seen = assert_inert(page)
    shown = "".join(seen.texts)
    assert text.replace("\x00", "\u2400").split("\x1b")[0].split("\n")[0] in shown


@given(
    st.lists(
        st.sampled_from([*HOSTILE, "[", "](", "`", "<", ">", '"', "'", "\n", "|", "*", "a", "&", "\r"]), max_size=12
    )
)
def test_no_mixture_acts(pieces: list[str]) -> None:
    """Put together in any way they still do nothing."""
    assert_inert(page_of(*everywhere("".join(pieces))[:2]))


def test_an_index_acts_no_more_than_a_page() -> None:
    """The index holds titles, first words and words to search, all of them anybody's."""
    with closing(Site()) as site:
        for number, text in enumerate(HOSTILE):
            facts = {"title": text, "source": text, "tags": (text,), "messages": 2}
            site.add(talk(**facts), list(stored(*everywhere(text)[:2])), f"{text} {number}.html")
        out = io.StringIO()
        site.write(out)
    seen = assert_inert(out.getvalue())
    rows = [a for a in seen.all("li") if a.get("class") == "row"]
    assert len(HOSTILE) == len(rows)


def in_browser(page: Path, place: str = "") -> str:
    """Return a page as Chromium has it once its script has run."""
    command = [
        "chromium",
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={page.parent / 'profile'}",
    ]
    done = subprocess.run(
        [*command, "--dump-dom", page.as_uri() + place], capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout


def needs_browser(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that looks at a page in Chromium, where there is one."""
    missing = pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no browser here")
    return pytest.mark.slow(missing(test))


@needs_browser
def test_a_browser_runs_nothing_of_it(tmp_path: Path) -> None:
    """In Chromium the title stays the page's own, and our own script has run."""
    drafts = [draft for text in HOSTILE for draft in everywhere(text)]
    (tmp_path / "page.html").write_text(page_of(*drafts, title="Harmless"), "utf-8")
    shown = in_browser(tmp_path / "page.html")
    assert "<title>Harmless</title>" in shown
    assert ">Unfold all</button>" in shown
    assert "<summary>Contents</summary>" in shown


# what is shown


def test_markdown_is_shown_as_it_is_meant() -> None:
    """Headings below the page's own, code with its language, tables, links that lead out safely, images as links."""
    text = "# Top\n\n**bold** https://a.example/x. [b](https://b.example)\n\n```python\nreturn 1\n```\n\n|a|\n|-|\n|1|\n\n![i](https://c.example/i.png)"
    body = body_of(MessageDraft(role="assistant", text=text))
    assert "<h3>Top</h3>" in body
    assert (
        '<a class="bare" href="https://a.example/x" rel="noopener noreferrer nofollow">https://a.example/x</a>.' in body
    )
    assert '<a href="https://b.example" rel="noopener noreferrer nofollow">b</a>' in body
    assert '<pre class="code" data-lang="python"><code><span class="k">return</span> <span class="n">1</span>' in body
    assert '<div class="scroll" dir="auto"><table>' in body
    assert ">[image: i]</a>" in body
    assert "<img" not in body


def test_a_line_end_of_a_person_is_one() -> None:
    """People press return to begin a line, assistants write Markdown."""
    assert "one<br>\ntwo" in body_of(MessageDraft(role="user", text="one\ntwo"))
    assert "<br" not in body_of(MessageDraft(role="assistant", text="one\ntwo"))


def test_tool_use_is_folded_and_paired() -> None:
    """A call shows its arguments each as it is, a result the name of its call; a short one stands open, colours go."""
    call = build.tool_call("t", "Bash", {"command": "ls\nls", "timeout": 5})
    long = build.tool_result("t", "\n".join(f"\x1b[32mline {n}\x1b[0m" for n in range(20)))
    short = build.tool_result("x", "done", is_error=True)
    body = body_of(
        MessageDraft(role="assistant", parts=(call,)), MessageDraft(role="tool", parts=(long,)),
        MessageDraft(role="tool", parts=(short,)),
    )  # fmt: skip
    assert '<details class="use call"><summary><b>Bash</b> <span>ls ls</span></summary>' in body
    assert '<dt>command</dt><dd><pre class="code" data-lang="bash"><code>ls\nls</code></pre></dd>' in body
    assert '<details class="use result"><summary><b>Result</b> <span>Bash · 20 lines</span></summary>' in body
    assert "<pre><code>line 0\nline 1\n" in body
    assert '<details class="use result error" open><summary><b>Error</b> <span>tool</span></summary>' in body


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a\nb\nc", "a\nd\nc", " a\n-b\n+d\n c"),
        ("", "a", "+a"),
        ("a", "", "-a"),
        ("a", "a", " a"),
        ("a\n", "a", " a\n-"),
        ("a\n" * 600, "b\n" * 600, "\n".join(["-a"] * 600 + ["-"] + ["+b"] * 600 + ["+"])),
    ],
)
def test_an_edit_is_a_diff(old: str, new: str, shown: str) -> None:
    """Whoever reads it sees what was changed; nothing of both texts is lost, and long ones are not compared."""
    call = build.tool_call("1", "Edit", {"file": "a.py", "old_string": old, "new_string": new, "all": False})
    body = body_of(MessageDraft(role="assistant", parts=(call,)))
    found = re.search(r'<dt>old_string → new_string</dt><dd><pre[^>]*"diff"><code>(.*?)</code>', body, re.DOTALL)
    assert found is not None
    assert shown == re.sub(r"<[^>]*>", "", found[1])
    assert ["file", "all", "old_string → new_string"] == re.findall(r"<dt>(.*?)</dt>", body)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"command": ["bash", "-lc", "ls"], "timeout": 9}, "bash -lc ls"),
        ({"explain": None, "plan": [{"step": "Look", "status": "done"}, {"step": "Mend"}]}, "Look Mend"),
        ({"empty": " ", "path": "a.py"}, "a.py"),
        ({"limit": 3}, None),
    ],
)
def test_a_call_says_what_it_is_about(given: dict[str, object], shown: str | None) -> None:
    """The first words among its arguments stand beside its name while it is folded."""
    body = body_of(MessageDraft(role="assistant", parts=(build.tool_call("1", "run", given),)))
    assert f"<b>run</b>{f' <span>{shown}</span>' if shown else ''}</summary>" in body


def test_the_first_words_of_reasoning_are_no_markdown() -> None:
    """Codex and Gemini begin each thought with a headline in bold."""
    body = body_of(MessageDraft(role="assistant", parts=(build.reasoning("**Planning** the rest"),)))
    assert "<span>Planning the rest</span>" in body
    assert "<strong>Planning</strong>" in body


def test_pictures_that_are_there_are_shown() -> None:
    """A picture's bytes are in the page; what is no picture is named."""
    body = body_of(
        MessageDraft(role="user", parts=(build.blob("image/png", "aGk="), build.blob("image/svg+xml", "aGk=")))
    )
    assert '<img src="data:image/png;base64,aGk=" alt="image">' in body
    assert "[image: image/svg+xml]" in body


def test_pictures_that_tools_gave_are_shown() -> None:
    """Screenshots and pictures that were read stand below the words of their result, however they are kept."""
    sent = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    response = [build.text("Taken."), build.blob("image/jpeg", "aGk="), sent, {"type": "image", "source": {}}]
    body = body_of(MessageDraft(role="tool", parts=(build.tool_result("t", response),)))
    assert "<pre><code>Taken.\n[image]</code></pre><p><img " in body
    assert 'src="data:image/jpeg;base64,aGk="' in body
    assert 'src="data:image/png;base64,aGk="' in body
    assert "<pre>" not in body_of(MessageDraft(role="tool", parts=(build.tool_result("t", [sent]),)))


def test_hidden_messages_are_left_out() -> None:
    """What a source hides from a reader is not in the page."""
    assert "secret" not in page_of(MessageDraft(role="system", text="secret", hidden=True))


def branched() -> Iterator[Message]:
    """Yield 1 → 2 → 3, and beside 2 → 4 → 5, with 6 beside 5, and a second root 7."""
    parents = {1: None, 2: 1, 3: 2, 4: 1, 5: 4, 6: 4, 7: None}
    said = stored(*(MessageDraft(role="user", text=f"said {seq}") for seq in parents))
    return (message._replace(parent=parents[message.seq]) for message in said)


def test_versions_stand_where_they_part() -> None:
    """Beside the active path each other version is folded where it began; none is lost, none comes twice."""
    out = io.StringIO()
    webpage.write([(talk(head=3, messages=7), branched())], out)
    body = out.getvalue()
    assert ["7", "1", "4", "6", "5", "2", "3"] == re.findall(r"<p>said (\d)</p>", body)
    assert 2 == body.count('<details class="version">')
    assert '<a class="back" href="#m4">answers #4</a>' in body
    assert "<span>3 messages</span>" in body


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(0, 45))
def test_every_message_has_one_place(links: list[int], head: int) -> None:
    """Whatever the tree and its head, path and threads together are all messages, once each."""
    parents = {seq: (link if 0 < link < seq else None) for seq, link in enumerate(links, 1)}
    found = tree(parents, head)
    starts = [start for seq in [None, *found.path] for start in found.others.get(seq, ())]
    placed = [*found.path, *(seq for start in starts for seq, _ in found.thread(start))]
    assert sorted(parents) == sorted(placed)


def test_a_deep_tree_is_no_deep_page() -> None:
    """Ten thousand versions of versions are not nested in each other: a browser bounds the depth of a page."""
    count = 10_000
    parents: dict[int, int | None] = {1: None} | {seq: max(1, seq - 1 - seq % 2) for seq in range(2, count)}
    found = tree(parents, None)
    said = stored(*(MessageDraft(role="user", text="x") for _ in range(count - 1)))
    out = io.StringIO()
    webpage.write([(talk(), [message._replace(parent=parents[message.seq]) for message in said])], out)
    depth = deepest = 0
    for tag in re.findall(r"<(/?)details", out.getvalue()):
        depth += -1 if tag else 1
        deepest = max(deepest, depth)
    assert (0, True) == (depth, deepest <= 2)
    assert count - 1 == len(found.path) + sum(len(others) for others in found.others.values())


def test_several_conversations_are_one_page() -> None:
    """Each has its own heading, and its places names of their own."""
    out = io.StringIO()
    said = MessageDraft(role="user", text="hi")
    webpage.write([(talk(title=title), stored(said)) for title in ("One", "Two", "Three")], out)
    assert ["One", "Two", "Three"] == re.findall(r"<h1[^>]*>(.*?)</h1>", out.getvalue())
    assert ["m1", "c2-m1", "c3-m1"] == re.findall(r'<article[^>]* id="(.*?)"', out.getvalue())
    assert_inert(out.getvalue())


def test_a_message_is_written_before_the_next_is_asked_for() -> None:
    """Memory stays flat: a conversation without branches is never held."""

    class Watched:
        def __iter__(self) -> Iterator[Message]:
            for message in stored(*(MessageDraft(role="user", text=str(n)) for n in range(3))):
                lengths.append(len(out.getvalue()))
                yield message

    out, lengths = io.StringIO(), list[int]()
    webpage.write([(talk(), Watched())], out)
    assert lengths[-3] < lengths[-2] < lengths[-1]


# text


def test_a_cell_has_lines() -> None:
    """Markdown has no other line end within a table; anywhere else the tag is a word."""
    shown = spell.markdown("What is <br>?\n\n| a | b |\n|---|---|\n| x<br>y<BR/>z | `<br>` <b> |")
    assert "<td>x<br>y<br>z</td>" in shown
    assert "<td><code>&lt;br&gt;</code> &lt;b&gt;</td>" in shown
    assert "<p>What is &lt;br&gt;?</p>" in shown


@pytest.mark.parametrize(
    ("code", "language", "marked"),
    [
        (
            "fn f<'a>(x: &'a str) { '\\n' }",
            "rust",
            '<span class="d">&#x27;a</span>&gt;(x: &amp;<span class="d">&#x27;a</span>',
        ),
        ("c == '\\'' // d", "rust", '<span class="s">&#x27;\\&#x27;&#x27;</span> <span class="c">// d</span>'),
        ("for i=1,#t do -- c", "lua", '#t <span class="k">do</span> <span class="c">-- c</span>'),
        ("[a.b]\nx = 1", "toml", '<span class="h">[a.b]</span>\n<span class="d">x</span>'),
        ('["a", 1]', "json", '[<span class="s">&quot;a&quot;</span>, <span class="n">1</span>]'),
    ],
)
def test_languages_have_their_own_marks(code: str, language: str, marked: str) -> None:
    """A lifetime begins no string, a length no comment; a section of a settings file is a heading."""
    assert marked in highlighted(code, language)


@pytest.mark.parametrize("family", _LANGUAGES, ids=lambda family: family.names.split()[0])
@given(code=st.text(alphabet="ab1_ \n\"'`\\/*#<>!-=:.@$({[&é", max_size=60))
def test_highlighting_changes_no_character(family: object, code: str) -> None:
    """What is marked is the code as it was, escaped."""
    marked = highlighted(code, family.names.split()[0])  # type: ignore[attr-defined]
    assert code == html.unescape(re.sub(r'<span class="\w+">|</span>', "", marked))


@pytest.mark.parametrize("text", ["[" * 300_000, "![" * 100_000, "# x\n" * 60_000], ids=["[", "![", "long"])
def test_a_text_that_markdown_chokes_on_is_shown_plain(text: str) -> None:
    """Markdown takes the square of some texts' length; they are shown as they are."""
    assert f'<div class="plain">{text}</div>' == spell.markdown(text)


@given(st.text(alphabet="ab1 .:)-+\n\"'é\u00a0\u2003/", max_size=40), st.booleans())
def test_plain_text_is_what_markdown_makes_of_it(text: str, breaks: bool) -> None:
    """The short way for text without marks gives the same bytes as the long one."""
    assert spell.rendered(text, breaks=breaks) == spell.markdown(text, breaks=breaks)


def test_marks_that_scripts_need_stay() -> None:
    """Right-to-left marks, flags and joiners reach the reader; none of them a terminal."""
    text = "שלום\u200f \U0001f3f4\U000e0067\U000e007f 👩\u200d🚀"
    made = spell.harmless(text)
    assert text == html.unescape(made)
    assert "\u200f" not in made


# the index


def test_the_index_lists_the_newest_first_and_knows_the_words() -> None:
    """Months, titles, first words that the title does not say, and each word once, without accents."""
    talks = {
        "a": talk(title="Café", updated_at="2026-01-02T00:00:00.000Z"),
        "b": talk(title="Old", updated_at="2025-12-31T00:00:00.000Z", source="chatgpt"),
    }
    with closing(Site()) as site:
        for name, conversation in talks.items():
            drafts = [MessageDraft(role="user", text="Café naïve NAÏVE"), MessageDraft(role="tool", text="toolword")]
            site.add(conversation, list(stored(*drafts)), f"{name} b.html")
        out = io.StringIO()
        site.write(out)
    page = out.getvalue()
    assert ["January 2026", "December 2025"] == re.findall(r"<h2>(.*?)</h2>", page)
    assert ['href="a%20b.html"', 'href="b%20b.html"'] == re.findall(r'href=".*?html"', page)
    assert 1 == page.count("<p dir")
    words = re.search(r'id="words">(.*?)</script>', page, re.DOTALL)
    assert ["cafe naive", "cafe naive"] == json.loads(words[1] if words else "")


def test_the_index_knows_letters_that_are_written_one_for_another() -> None:
    """As the program's own search has them: ß is ss, ł is l."""
    assert ["strasse", "lodz", "kobenhavn", "aeble", "oeuvre"] == list(_words("Straße Łódź KØBENHAVN Æble œuvre"))


def test_the_index_knows_all_words_of_a_long_conversation() -> None:
    """Many more than a novel has different ones."""
    with closing(Site()) as site:
        text = " ".join(f"word{number}" for number in range(40_000))
        site.add(talk(), list(stored(MessageDraft(role="user", text=text))), "a.html")
        out = io.StringIO()
        site.write(out)
    assert "word39999" in out.getvalue()


def test_what_has_no_blanks_is_searched_to_its_end() -> None:
    """Twenty characters from anywhere in a sentence of Chinese or Thai are in a piece of it."""
    sentence = "".join(chr(0x4E00 + number) for number in range(130))
    pieces = list(_words(sentence))
    assert all(any(sentence[at : at + 20] in piece for piece in pieces) for at in range(111))
    assert all(len(piece) <= 40 for piece in pieces)
    assert [["x" * 40], ["字" * 40]] == [list(_words("x" * 99)), list(_words("字" * 40))]


@needs_browser
def test_a_browser_searches_from_the_address(tmp_path: Path) -> None:
    """What was looked for stands in the address, be it well spelt or not; a hit leads to the words in its page."""
    with closing(Site()) as site:
        for name in ("one", "two"):
            text = f"word{name} 100% Straße{name}"
            site.add(talk(title=name), list(stored(MessageDraft(role="user", text=text))), f"{name}.html")
        with (tmp_path / "index.html").open("w") as out:
            site.write(out)
    seen = Seen(in_browser(tmp_path / "index.html", "#q=wordtwo"))
    assert [True, False] == ["hidden" in row for row in seen.all("li") if row.get("class") == "row"]
    assert any((a["href"] or "").endswith("/two.html#:~:text=wordtwo") for a in seen.all("a"))
    seen = Seen(in_browser(tmp_path / "index.html", "#q=100%"))
    assert [False, False] == ["hidden" in row for row in seen.all("li") if row.get("class") == "row"]
    assert any((a["href"] or "").endswith("/two.html#:~:text=100") for a in seen.all("a"))
    for spelt in ("STRASSETWO", "stra%C3%9Fetwo"):
        seen = Seen(in_browser(tmp_path / "index.html", f"#q={spelt}"))
        assert [True, False] == ["hidden" in row for row in seen.all("li") if row.get("class") == "row"]


# style


def palette(medium: str, scheme: str) -> dict[str, str]:
    """Return the colours by their names, as a browser takes them that shows or prints with a scheme preferred."""
    holds = {medium, f"(prefers-color-scheme: {scheme})", f"{medium} and (prefers-color-scheme: {scheme})"}
    blocks = re.findall(r"(?:@media ([^{]+) \{\s*)?:root \{(.*?)\}", asset("page.css"), re.DOTALL)
    chosen = "".join(block for condition, block in blocks if not condition or condition in holds)
    return dict(re.findall(r"--([\w-]+): (#[\da-f]+);", chosen))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by the formula of WCAG 2.2."""

    def light(colour: str) -> float:
        wide = re.sub(r"^#(.)(.)(.)$", r"#\1\1\2\2\3\3", colour)
        red, green, blue = (int(wide[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("medium", ["screen", "print"])
def test_every_text_can_be_read(medium: str, scheme: str) -> None:
    """Each colour of text has WCAG's 4.5 against every ground that it stands on; paper is white whatever the screen."""
    found = palette(medium, scheme)
    pairs = [(text, ground) for text in ("ink", "dim", "link") for ground in ("page", "tint", "mine")]
    pairs += [(text, "code") for text in ("ink", "dim", "k", "s", "c", "n", "f", "d", "ins", "del")]
    pairs += [("warn", "warn-tint"), ("dim", "warn-tint")]
    assert {} == {pair: ratio for pair in pairs if (ratio := contrast(*(found[name] for name in pair))) < 4.5}
    assert medium == "screen" or found["page"] == "#fff"


def test_words_of_either_direction_begin_on_their_side() -> None:
    """Lists, quotations and tables go by their own words, not by a message's first; code is never mirrored by them."""
    made = spell.markdown("Python\n\n- אחת\n\n3. שתיים\n\n> ציטוט\n\n|א|\n|-|\n|1|")
    for opening in (
        '<ul dir="auto">',
        '<ol dir="auto" start="3">',
        '<blockquote dir="auto">',
        '<div class="scroll" dir="auto">',
    ):
        assert opening in made
    assert "dir=" not in body_of(MessageDraft(role="user", text="שלום")).partition("<article")[2]
    assert re.search(r"^code, .*direction: ltr; unicode-bidi: isolate", asset("page.css"), re.MULTILINE)


# formulas, tables, names


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (r"so $a_1 * b_2 * c$ is", r"$a_1 * b_2 * c$"),
        (r"so \(x_1*y*z\) is", r"\(x_1*y*z\)"),
        (r"so \[x = *y*\] is", r"\[x = *y*\]"),
        ("$$E = mc^2 *a* <b>$$", "$$E = mc^2 *a* &lt;b&gt;$$"),
        ("\\[\na\n- b\\\\\n= *c*\n\\]", "\\[\na\n- b\\\\\n= *c*\n\\]"),
        ("so\n$$\n# x\n$$\nis", "$$\n# x\n$$"),
    ],
)
def test_a_formula_is_kept_as_it_was_written(words: str, kept: str) -> None:
    """Its backslashes are no escapes, its stars no emphasis, its lines no lists; and it is text."""
    assert f'<span class="formula">{kept}</span>' in spell.markdown(words)


@pytest.mark.parametrize(
    "words", ["from $5 to $6 or $7*2*", r"\[WIP\]", "$$", r"\(", "`$a_1 b$`", "$$\nnever closed", r"a \$x_1$ b"]
)
def test_what_is_no_formula_is_none(words: str) -> None:
    """Prices, escaped brackets, code, and what has no end."""
    assert "formula" not in spell.markdown(words)


def test_a_table_is_aligned_by_classes() -> None:
    """The policy of the page lets in no style but its own sheet, so that one in a cell would do nothing."""
    made = spell.markdown("|a|b|c|d|\n|:-|:-:|-:|-|\n|1|2|3|4|")
    assert ["left", "center", "right"] * 2 == re.findall(r'<t[hd] class="(\w+)">', made)
    assert "style" not in made
