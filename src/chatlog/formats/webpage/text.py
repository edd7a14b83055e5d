"""Stored text as HTML that does nothing: Markdown without raw HTML, links of three schemes, no control characters.

Owns every rule of what may stand in a page; nothing of a message reaches one but through here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chatlog.formats.webpage import formula
from chatlog.formats.webpage.highlight import highlighted
from chatlog.shown import uncoloured

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

#: Longer text, or with more brackets, is shown as it is: Markdown takes the square of some texts' length.
MAX_MARKDOWN_CHARS = 200_000
MAX_BRACKETS = 4_000
MAX_LINK_CHARS = 2_000

_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"'`\\]+", re.IGNORECASE)
#: C0 but newline and tab, DEL, C1, bidirectional overrides, lone surrogates: what a terminal or reader would obey.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
#: Marks that scripts and flags need, written as references: a browser takes them, a terminal never sees them.
_MARKS = re.compile("[\u061c\u200e\u200f\u2028\u2029\U000e0000-\U000e007f]")
#: What makes Markdown more than paragraphs, or may.
_MARKED = re.compile(r"[*_`#\[\]<>|~&\\!=\x00]|://|[^\S \n]| $|^ |^[-+]|^\d{1,9}[.)]", re.MULTILINE)
_LINE_ENDS = re.compile(r"\r\n?")
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")
#: A line end within a cell of a table, where Markdown has none; elsewhere it is somebody's word.
_BREAK = re.compile(r"&lt;br[ ]?/?&gt;", re.IGNORECASE)
_BARE_LINK = re.compile(r"https?://[^\s<>\"'`\\\x00-\x1f]{1,2000}")
_SIDES = ("left", "center", "right")
_TRAILING = ".,;:!?)]}*_"
#: The label of a link is looked for in so many tokens before a word.
_LINK_TOKENS = 60


def harmless(page: str) -> str:
    """Return HTML in which no character does anything but stand there, in a browser or on a terminal."""
    if page.isascii() and page.isprintable():
        return page
    return _MARKS.sub(lambda mark: f"&#{ord(mark[0])};", _OBEYED.sub(lambda found: _spelt(ord(found[0])), page))


def _spelt(code: int) -> str:
    """Return a control character's picture, or its number where it has none."""
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\u{code:04x}"


def plain(text: str) -> str:
    """Return text as HTML, as it is."""
    return escape(_LINE_ENDS.sub("\n", text))


def output(text: str) -> str:
    """Return a program's output as HTML, without the colours it gave a terminal."""
    return plain(uncoloured(text))


def is_link(address: str) -> bool:
    """Whether a page may link there: the web and mail, nothing that acts."""
    return len(address) <= MAX_LINK_CHARS and _LINK.fullmatch(address) is not None


def link(address: str, label: str) -> str:
    """Return a link, or the label where the address is none that a page may link to."""
    if not is_link(address):
        return plain(label)
    return f"{_anchor(address, is_bare=label == address)}{plain(label)}</a>"


def _anchor(address: str, *, is_bare: bool) -> str:
    """Return the beginning of a link; a bare one says its address already, and is not given it again in print."""
    bare = ' class="bare"' if is_bare else ""
    return f'<a{bare} href="{escape(address)}" rel="noopener noreferrer nofollow">'


def code(text: str, language: str = "") -> str:
    """Return a block of code, highlighted where its language is known."""
    named = match[0] if (match := _LANGUAGE.match(language)) else ""
    label = f' data-lang="{escape(named)}"' if named else ""
    return f'<pre class="code"{label}><code>{highlighted(_LINE_ENDS.sub(chr(10), text), named)}</code></pre>'


def markdown(text: str, *, breaks: bool = False) -> str:
    """Return Markdown as HTML; with `breaks` a line end is one."""
    text = _LINE_ENDS.sub("\n", text)
    if len(text) > MAX_MARKDOWN_CHARS or text.count("[") > MAX_BRACKETS:
        return f'<div class="plain">{plain(text)}</div>'
    if _MARKED.search(text) is None:
        return _paragraphs(text, "<br>\n" if breaks else "\n")
    return rendered(text, breaks=breaks)


def rendered(text: str, *, breaks: bool) -> str:
    """Return Markdown as HTML, by the library."""
    made: str = _renderer(breaks=breaks).render(text)
    return made


def _paragraphs(text: str, line_end: str) -> str:
    """Return text in which nothing is Markdown, at a fiftieth of the library's price."""
    found = [paragraph.strip("\n") for paragraph in text.split("\n\n")]
    return "".join(f"<p>{escape(each).replace(chr(10), line_end)}</p>\n" for each in found if each)


@cache
def _renderer(*, breaks: bool) -> MarkdownIt:
    from markdown_it import MarkdownIt

    class Renderer(MarkdownIt):
        def validateLink(self, url: str) -> bool:  # noqa: N802  the library's name
            return is_link(url)

    made = Renderer("js-default", {"html": False, "linkify": False, "typographer": False, "breaks": breaks})
    rules: dict[str, Any] = {
        "fence": _fence,
        "code_block": _fence,
        "image": _image,
        "link_open": _link_open,
        "heading_open": _heading,
        "heading_close": _heading,
        "table_open": lambda *_: '<div class="scroll" dir="auto"><table>\n',
        "table_close": lambda *_: "</table></div>\n",
        "th_open": _cell,
        "td_open": _cell,
        "text": _text,
        "bullet_list_open": _block,
        "ordered_list_open": _block,
        "blockquote_open": _block,
    }
    for name, rule in rules.items():
        made.add_render_rule(name, lambda _, *given, rule=rule: rule(*given))
    formula.add_to(made)
    made.core.ruler.push("cells", _mark_cells)
    return made


def _mark_cells(state: Any) -> None:
    """Mark the words of a table's cells."""
    for before, token in pairwise(state.tokens):
        if before.type in ("td_open", "th_open"):
            for child in token.children or ():
                child.meta["cell"] = True


def _fence(tokens: Sequence[Any], index: int, *_: object) -> str:
    token = tokens[index]
    return code(token.content, token.info.strip()) + "\n"


def _image(tokens: Sequence[Any], index: int, *_: object) -> str:
    """Return a link to an image: a page loads nothing from elsewhere."""
    token = tokens[index]
    address = str(token.attrGet("src") or "")
    return link(address, f"[image: {token.content or address}]")


def _link_open(tokens: Sequence[Any], index: int, *_: object) -> str:
    token = tokens[index]
    return _anchor(str(token.attrGet("href") or ""), is_bare=token.info == "auto")


def _heading(tokens: Sequence[Any], index: int, *_: object) -> str:
    """Return a heading below those of the page."""
    token = tokens[index]
    level = min(int(token.tag[1:]) + 2, 6)
    return f"<h{level}>" if token.nesting == 1 else f"</h{level}>\n"


def _block(tokens: Sequence[Any], index: int, *_: object) -> str:
    """Return a list or a quotation, its marks on the side where its own words begin."""
    token = tokens[index]
    start = token.attrGet("start")
    return f'<{token.tag} dir="auto"' + (f' start="{int(start)}"' if start is not None else "") + ">\n"


def _cell(tokens: Sequence[Any], index: int, *_: object) -> str:
    """Return a cell; its alignment is a class, for the policy of the page lets no style in."""
    side = str(tokens[index].attrGet("style") or "").removeprefix("text-align:")
    return f'<{tokens[index].tag} class="{side}">' if side in _SIDES else f"<{tokens[index].tag}>"


def _text(tokens: Sequence[Any], index: int, *_: object) -> str:
    """Return words, bare addresses among them as links."""
    content = tokens[index].content
    spelled = _broken if tokens[index].meta.get("cell") else escape
    if "://" not in content or _is_in_link(tokens, index):
        return spelled(content)
    written, end = list[str](), 0
    for match in _BARE_LINK.finditer(content):
        address = match[0].rstrip(_TRAILING)
        written += [spelled(content[end : match.start()]), link(address, address)]
        end = match.start() + len(address)
    return "".join([*written, spelled(content[end:])])


def _broken(words: str) -> str:
    return _BREAK.sub("<br>", escape(words))


def _is_in_link(tokens: Sequence[Any], index: int) -> bool:
    near = reversed(tokens[max(index - _LINK_TOKENS, 0) : index])
    return next((token.type == "link_open" for token in near if token.type.startswith("link_")), False)
