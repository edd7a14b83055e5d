"""Takeout's activity as a web page, which is what it gives unless asked for JSON: ``MyActivity.html``.

Finds the cells of the page and returns each as the JSON form has it: what was done, when, with which files, in which
chat, and the answer's HTML.
Times are written in the language and zone of the account; a zone that is not known is taken as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from html import unescape
from itertools import islice
from typing import Any

from chatlog.formats import Head
from chatlog.formats.html_text import html_text
from chatlog.formats.jsonstream import Line
from chatlog.formats.source import Source
from chatlog.models import Problem

#: The cells come behind a style sheet longer than what a sniffer is shown.
_STYLED_BYTES = 1 << 19
_CHUNK = 1 << 20
_CELL = b'<div class="outer-cell'
_BODY = re.compile(r'<div class="content-cell [^"]*body-1">(.*?)(?=<div class="content-cell|\Z)', re.DOTALL)
_HEADER = re.compile(r'mdl-typography--title">[^<]{0,30}\b(?:Gemini|Bard)\b[^<]{0,20}<')
#: An attached file, by the name of its copy beside the page; the line before the first says how many there are.
_FILE = re.compile(r'(?:\s|&nbsp;)*-(?:\s|&nbsp;)*<a href="([^":]+)">([^<]*)</a>\s*')
_CHAT = re.compile(r'<a href="(https://gemini\.google\.com/[^"]+)">(.*?)</a>', re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d\d):(\d\d)(?!\d)")
_LONGEST_TIME = 60
_AFTERNOON = re.compile(r"\bp\.?\s?m\b|오후|下午|午後", re.IGNORECASE)
_MORNING = re.compile(r"\ba\.?\s?m\b|오전|上午|午前", re.IGNORECASE)
_OFFSET = re.compile(r"(?:GMT|UTC)\s?([+\u2212-])(\d{1,2})(?::?(\d\d))?")
#: How the months begin in English, German, French, Spanish, Italian, Portuguese and Dutch.
_MONTHS = {
    prefix: number
    for number, prefixes in enumerate(
        (
            "jan ene gen", "feb fév fev", "mar mär mrt", "apr avr abr", "may mai mag mei", "jun juin giu",
            "jul juil lug", "aug aoû ago", "sep set", "oct okt ott out", "nov", "dec déc dez dic",
        ),
        1,
    )
    for prefix in prefixes.split()
}  # fmt: skip
_HOURS = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "BRT": -3,
    "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5,
    "WIB": 7, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip


def is_page(head: Head) -> bool:
    """Say whether a source is a page of the Gemini apps' activity."""
    if head.is_binary or not head.text.startswith("<") or "mdl-" not in head.text:
        return False
    if _HEADER.search(head.text):
        return True
    source = head.source
    if source is None or (source.path is None and source.folder is None):
        return False  # a stream is not read further before it is known
    return _HEADER.search(source.head(_STYLED_BYTES).decode("utf-8", "replace")) is not None


def activities(source: Source) -> Iterator[Line | Problem]:
    """Yield each activity of a page as an item of the JSON form."""
    for number, cell in enumerate(islice(_cells(source), 1, None), 1):
        found = _activity(cell.decode("utf-8", "replace"))
        if found is None:
            yield Problem(f"cell {number}", "not an activity with a time of a form known")
        else:
            yield Line(f"cell {number}", found, number)


def _cells(source: Source) -> Iterator[bytes]:
    """Yield what stands before the first cell, then each cell."""
    held = b""
    with source.open() as stream:
        while chunk := stream.read(_CHUNK):
            *whole, held = (held + chunk).split(_CELL)
            yield from whole
    yield held


def _activity(cell: str) -> dict[str, Any] | None:
    body = _BODY.search(cell)
    if body is None:
        return None
    pieces = _BREAK.split(body[1])
    for number, piece in enumerate(pieces):
        moment = _moment(piece)
        if number and moment is not None:
            answer = "<br>".join(pieces[number + 1 :]).strip()
            html = {"safeHtmlItem": [{"html": answer}]} if html_text(answer) else {}
            links = dict.fromkeys(found[1] for found in _CHAT.finditer(pieces[0] + cell[body.end() :]))
            chats = {"details": [{"url": link} for link in links]} if links else {}
            return {**_asked(pieces[:number]), "time": moment.isoformat(), **html, **chats}
    return None


def _asked(lines: list[str]) -> dict[str, Any]:
    """Return what was asked, and the files that were attached to it, of the lines before the time."""
    found = [_FILE.fullmatch(line) for line in lines]
    first = next((number for number, file in enumerate(found) if number and file), len(lines) + 1)
    files = [(unescape(file[1]), unescape(file[2])) for file in found[first:] if file]
    told = {"title": html_text(_CHAT.sub(r"\2", "<br>".join(lines[: max(first - 1, 1)])))}
    if not files:
        return told
    counted = [{"name": html_text(line)} for line in lines[max(first - 1, 1) : first]]
    return {
        **told,
        "subtitles": [*counted, *({"name": f"-  {name}", "url": copy} for copy, name in files)],
        "attachedFiles": [copy for copy, _ in files],
    }


def _moment(text: str) -> datetime | None:
    """Return the time that a line of a page states in the account's language, None where it is not a time."""
    words = html_text(text).replace("\u202f", " ").strip()
    clock = _CLOCK.search(words)
    if clock is None or len(words) > _LONGEST_TIME:
        return None
    date = _date(words[: clock.start()])
    hour = int(clock[1])
    if _AFTERNOON.search(words) and hour < 12:
        hour += 12
    elif _MORNING.search(words) and hour == 12:
        hour = 0
    try:
        return datetime(*date, hour, int(clock[2]), int(clock[3]), tzinfo=_zone(words)) if date else None
    except ValueError:
        return None


def _date(words: str) -> tuple[int, int, int] | None:
    """Return year, month and day, in whichever order and with whichever name of the month."""
    numbers = [int(number) for number in re.findall(r"\d+", words)]
    named = [_MONTHS[word[:3]] for word in re.findall(r"[^\W\d_]{3,}", words.lower()) if word[:3] in _MONTHS]
    years = [number for number in numbers if number > 999]
    if len(years) != 1:
        return None
    others = [number for number in numbers if number != years[0]]
    if named and len(others) == 1:
        return years[0], named[0], others[0]
    if len(others) != 2:
        return None
    month, day = others if numbers[0] == years[0] else (others[1], others[0])
    return years[0], month, day


def _zone(words: str) -> timezone:
    if offset := _OFFSET.search(words):
        sign = 1 if offset[1] == "+" else -1
        return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0)))
    known = next((_HOURS[word] for word in re.findall(r"[A-Z]{3,4}", words) if word in _HOURS), None)
    return UTC if known is None else timezone(timedelta(hours=known))
