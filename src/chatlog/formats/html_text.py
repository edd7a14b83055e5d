"""HTML to the text a person reads, with the standard library only.

Keeps the structure that plain text can show: paragraphs, lists, code, tables, where links lead.
Scripts and styles are no text; nothing is fetched.  `html.parser` would take ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

#: A comment or declaration, or a tag with its name and attributes; all bounded, so that hostile text stays cheap.
_TOKEN = re.compile(
    r"<!--.{0,2000}?-->|<!\[CDATA\[|\]\]>|<[!?][^>]{0,4000}>"
    r"""|<(/?)([a-zA-Z][\w:-]{0,40})((?:[^<>"']++|"[^"]{0,100000}+"|'[^']{0,100000}+'){0,200}+)>""",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_PARAGRAPHS = "address article blockquote dd div dl dt figure footer header main p section table h1 h2 h3 h4 h5 h6"
_SILENT = "script style head template noscript"
_SPACE = re.compile(r"[ \t\r\n\f]+")
_MANY_LINES = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t]+\n")
_MAX_START_CHARS = 9


def html_text(markup: str) -> str:
    """Return the text of HTML; markup that is broken gives what can be read of it."""
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    page, at = _Page(), 0
    for match in _TOKEN.finditer(markup):
        if match.start() > at:
            page.text(markup[at : match.start()])
        at = match.end()
        closing, name, attributes = match.groups()
        if name and (handle := (_ENDS if closing else _STARTS).get(name.lower())) is not None:
            handle(page, attributes)
    page.text(markup[at:])
    return page.result()


class _Page:
    """Collects text while the markup streams by."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.breaks = 0
        self.at_marker = False
        self.silent = 0
        self.code = 0
        self.lists: list[int | None] = []
        self.links: list[tuple[str, int]] = []
        self.cells = 0

    def result(self) -> str:
        """Return what was collected, with no more than one blank line in a row."""
        joined = _TRAILING.sub("\n", "".join(self.pieces).replace("\xa0", " "))
        return _MANY_LINES.sub("\n\n", joined).strip()

    def text(self, data: str) -> None:
        """Take what stands between tags."""
        if self.silent:
            return
        text = unescape(data) if "&" in data else data
        if not self.code:
            text = _SPACE.sub(" ", text)
            if self.breaks or self.at_marker or not self.pieces or self.pieces[-1].endswith((" ", "\n")):
                text = text.lstrip(" ")
        if text:
            self.write(text)

    def write(self, text: str) -> None:
        """Add text behind the line breaks that are due."""
        if self.breaks and self.pieces:
            self.pieces.append("\n" * self.breaks)
        self.breaks, self.at_marker = 0, False
        self.pieces.append(text)

    def end_line(self, lines: int) -> None:
        """End the line; with two, leave a blank one, though not inside a list nor behind its marker."""
        if not self.at_marker:
            self.breaks = max(self.breaks, 1 if self.lists else lines)


def _paragraph(page: _Page, _: str) -> None:
    page.end_line(2)


def _line(page: _Page, _: str) -> None:
    page.breaks += 1


def _rule(page: _Page, _: str) -> None:
    page.end_line(2)
    page.write("---")
    page.end_line(2)


def _silence(page: _Page, _: str) -> None:
    page.silent += 1


def _end_silence(page: _Page, _: str) -> None:
    page.silent = max(page.silent - 1, 0)


def _attribute(attributes: str, name: str) -> str:
    for match in _ATTRIBUTE.finditer(attributes):
        if match[1].lower() == name:
            return unescape(match[2] or match[3] or match[4] or "")
    return ""


def _numbers(page: _Page, attributes: str) -> None:
    page.end_line(2)
    start = _attribute(attributes, "start")
    page.lists.append(int(start) if start.isdecimal() and len(start) < _MAX_START_CHARS else 1)


def _bullets(page: _Page, _: str) -> None:
    page.end_line(2)
    page.lists.append(None)


def _end_list(page: _Page, _: str) -> None:
    if page.lists:
        page.lists.pop()
    page.at_marker = False
    page.end_line(2)


def _item(page: _Page, _: str) -> None:
    page.at_marker = False
    page.end_line(1)
    number = page.lists[-1] if page.lists else None
    if number is not None:
        page.lists[-1] = number + 1
    page.write(f"{'  ' * (len(page.lists) - 1)}{'-' if number is None else f'{number}.'} ")
    page.at_marker = True


def _code(page: _Page, _: str) -> None:
    page.end_line(2)
    page.write("```\n")
    page.code += 1


def _end_code(page: _Page, _: str) -> None:
    if page.code:
        page.code -= 1
        page.write("```" if page.pieces[-1].endswith("\n") else "\n```")
        page.end_line(2)


def _row(page: _Page, _: str) -> None:
    page.end_line(1)
    page.cells = 0


def _cell(page: _Page, _: str) -> None:
    if page.cells:
        page.write(" | ")
    page.cells += 1


def _link(page: _Page, attributes: str) -> None:
    page.links.append((_attribute(attributes, "href"), len(page.pieces)))


def _end_link(page: _Page, _: str) -> None:
    """Say where a link leads, unless its words do."""
    address, start = page.links.pop() if page.links else ("", 0)
    if address.startswith(("http://", "https://")) and address not in "".join(page.pieces[start:]):
        page.write(f" ({address})")


def _image(page: _Page, attributes: str) -> None:
    if alt := _attribute(attributes, "alt"):
        page.write(f"[{alt}]")


_Handler = Callable[[_Page, str], None]
_STARTS: dict[str, _Handler] = {
    **dict.fromkeys(_PARAGRAPHS.split(), _paragraph),
    **dict.fromkeys(_SILENT.split(), _silence),
    "br": _line,
    "hr": _rule,
    "ol": _numbers,
    "ul": _bullets,
    "li": _item,
    "pre": _code,
    "tr": _row,
    "td": _cell,
    "th": _cell,
    "a": _link,
    "img": _image,
}
_ENDS: dict[str, _Handler] = {
    **dict.fromkeys(_PARAGRAPHS.split(), _paragraph),
    **dict.fromkeys(_SILENT.split(), _end_silence),
    "ol": _end_list,
    "ul": _end_list,
    "pre": _end_code,
    "a": _end_link,
}
