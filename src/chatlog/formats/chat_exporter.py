"""What browsers' exporters write of one chat: the extension ChatGPT Exporter and its sisters, and the userscript.

The extensions (for ChatGPT, Claude, Gemini and others) write ``Prompt`` and ``Response``, as JSON or Markdown; the
script writes ``You`` and ``ChatGPT``, as Markdown.  Times are in the language of the browser and of no known zone:
they are taken as UTC, and whether the day or the month comes first is told by all of them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import text_of
from chatlog.formats.records import recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import hour_of, instant, iso

_HEADING = re.compile(r"^(?:## (Prompt|Response)|#### (You|ChatGPT|Plugin(?: \([^)\n]*\))?)):[ \t]*$", re.MULTILINE)
#: What may stand before the first heading, and nothing else: facts about a page, its title, facts about its chat.
_BEFORE = re.compile(r"\s*(?:---\n(?:[^\n]*\n){1,20}?---\s*)?(?:# [^\n]*\n)?\s*(?:\*\*\w[^\n]*\n\s*)*")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_FACT = re.compile(r"^\*\*(Created|Updated|Exported|Link):\*\* (?:\[[^\]\n]*\]\()?([^)\n]+?)\)?[ \t]*$", re.MULTILINE)
_SOURCE = re.compile(r"^source: (\S+)$", re.MULTILINE)
_FOOTER = re.compile(r"\n---\s*Powered by \[([^\]\n]*)\]\([^)\n]*\)\s*\Z")
_OWN_ID = re.compile(r"/([0-9A-Za-z-]{8,})/?\Z")
_SAID = re.compile(r'\{[^{}]*"role"\s*:\s*"(?:Prompt|Response)"\s*,\s*"say"\s*:')
_KEYS = frozenset({"metadata", "messages", "title"})
_ROLES = {"Prompt": "user", "You": "user", "Response": "assistant", "ChatGPT": "assistant"}
_CLOCK = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4}),?\s+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s?([AaPp])\.?[Mm]\.?)?")
_TIME_TAG = re.compile(r'<time datetime="([^"]+)"[^>]*>[^<]*</time>')
#: How the extensions show thoughts: in a fence of their own for Claude, quoted for Gemini.
_THOUGHTS = re.compile(r"\A````plaintext\nThought process: (.*?)\n````\s*", re.DOTALL)
_QUOTED = re.compile(r"\A> Thinking:[^\n]*\n((?:>[^\n]*(?:\n|\Z))*)\s*")
#: A time stands within so much of a heading.
_LINE = 200
_MONTHS = 12
_DAYS = 31


def sniff(head: Head) -> bool:
    """Say whether this is a chat as one of these exporters writes it."""
    if head.is_json:
        return "messages" in head.keys <= _KEYS and _SAID.search(head.text) is not None
    if head.is_binary:
        return False
    text = head.text.replace("\r\n", "\n")
    first = _HEADING.search(text)
    return first is not None and _BEFORE.fullmatch(text, 0, first.start()) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield the chat's conversation and its messages in order."""
    if Head.of(source).is_json:
        yield from _read_document(source)
        return
    text = text_of(source).lstrip("\ufeff").replace("\r\n", "\n")
    if marks := _headings(text):
        yield from _records(_of_page(text, marks))
    else:
        yield Problem("", "not a chat of the shape that the exporter writes")


def _read_document(source: Source) -> Iterator[Record]:
    value, problems = recovered(source, "messages")
    yield from problems
    turns = list[_Turn]()
    try:
        for number, message in enumerate(value["messages"], 1):
            try:
                turns.append(_turn(message))
            except MALFORMED:
                yield Problem(f"message {number}", "not a message of the shape that the exporter writes")
        chat = _of_document(value, turns)
    except MALFORMED:
        yield Problem("", "not a chat of the shape that the exporter writes")
        return
    yield from _records(chat)


class _Turn(NamedTuple):
    """What one side said, and when, as it is written."""

    who: str
    words: str
    moment: str | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Chat:
    """A chat as it is written, in either form."""

    turns: list[_Turn]
    title: str | None
    created: str | None = None
    updated: str | None = None
    link: str | None = None
    maker: str | None = None


def _of_document(value: Row, turns: list[_Turn]) -> _Chat:
    about = value.get("metadata") or {}
    dates = about.get("dates") or {}
    return _Chat(
        turns=turns,
        title=build.word(about.get("title")) or build.word(value.get("title")),
        created=build.word(dates.get("created")) or build.word(dates.get("exported")),
        updated=build.word(dates.get("updated")),
        link=build.word(about.get("link")),
        maker=build.word(about.get("powered_by")),
    )


def _turn(message: Row) -> _Turn:
    words = message["say"]
    if message["role"] not in _ROLES or not isinstance(words, str):
        raise TypeError("not what one of the two said")
    facts = build.compact(message, ("role", "say", "time"))
    return _Turn(message["role"], words, build.word(message.get("time")), facts)


def _of_page(text: str, marks: list[re.Match[str]]) -> _Chat:
    footer = _FOOTER.search(text)
    ends = [*(mark.start() for mark in marks[1:]), footer.start() if footer else len(text)]
    top = text[: marks[0].start()]
    facts, title, page = dict(_FACT.findall(top)), _TITLE.search(top), _SOURCE.search(top)
    turns = [_spoken(mark[1] or mark[2], text[mark.end() : end]) for mark, end in zip(marks, ends, strict=True)]
    return _Chat(
        turns=turns,
        title=title[1].strip() if title else None,
        created=facts.get("Created") or facts.get("Exported"),
        updated=facts.get("Updated"),
        link=facts.get("Link") or (page[1] if page else None),
        maker=footer[1] if footer else None,
    )


def _headings(text: str) -> list[re.Match[str]]:
    """Return the headings of what was said: of one kind, and the extension's with a time where the first has one."""
    marks = list(_HEADING.finditer(text))
    kind = 1 if marks and marks[0][1] else 2
    marks = [mark for mark in marks if mark[kind]]
    timed = [mark for mark in marks if _spoken("", text[mark.end() : mark.end() + _LINE]).moment is not None]
    return timed if kind == 1 and timed[:1] == marks[:1] else marks


def _spoken(who: str, section: str) -> _Turn:
    """Return what stands below a heading, the time that its first line may be apart."""
    first, _, rest = section.lstrip("\n").partition("\n")
    tag = _TIME_TAG.fullmatch(first.strip())
    if tag is not None or _CLOCK.fullmatch(first.strip()):
        return _Turn(who, rest.strip(), tag[1] if tag else first.strip(), {})
    return _Turn(who, section.strip(), None, {})


def _records(chat: _Chat) -> Iterator[Record]:
    created = _moment(chat.created, days_first=False)
    days_first = _are_days_first((turn.moment for turn in chat.turns if turn.moment), created)
    drafts = [_draft(turn, days_first) for turn in chat.turns]
    own = _OWN_ID.search(chat.link or "")
    yield ConversationDraft(
        source_id=own[1] if own else ids.opening_id(drafts),
        title=chat.title,
        created_at=created,
        updated_at=_moment(chat.updated, days_first=False),
        metadata=build.compact({"link": chat.link, "powered_by": chat.maker}),
    )
    yield from map(ids.Chain().link, drafts)


def _draft(turn: _Turn, days_first: bool) -> MessageDraft:
    parts = _parts(turn.words) if _ROLES.get(turn.who) == "assistant" else [build.text(turn.words)]
    made = build.message(
        _ROLES.get(turn.who, "tool"),
        parts,
        created_at=_moment(turn.moment, days_first=days_first),
        metadata=turn.facts,
    )
    return made if turn.who in _ROLES else made._replace(author=turn.who)


def _parts(words: str) -> list[Part]:
    """Return an answer's thoughts, which stand before it, and its words."""
    if fenced := _THOUGHTS.match(words):
        return [build.reasoning(fenced[1]), build.text(words[fenced.end() :])]
    if quoted := _QUOTED.match(words):
        thought = re.sub(r"^(?:> ?)+", "", quoted[1], flags=re.MULTILINE).strip()
        return [build.reasoning(thought), build.text(words[quoted.end() :])]
    return [build.text(words)]


def _are_days_first(moments: Iterable[str], created: str | None) -> bool:
    """Whether days stand before months: as no other way reads all times, or as comes near to when the chat began."""
    found = [clock for clock in map(_CLOCK.fullmatch, moments) if clock and int(clock[1]) <= _DAYS]
    if not found or any(int(clock[3]) > _MONTHS for clock in found):
        return False
    if found[0][2] == "." or any(int(clock[1]) > _MONTHS for clock in found):
        return True
    first = found[0][0]
    return created is not None and _distance(first, created, True) < _distance(first, created, False)


def _distance(written: str, created: str, days_first: bool) -> float:
    moment = _moment(written, days_first=days_first)
    if moment is None:
        return float("inf")
    return abs((datetime.fromisoformat(moment) - datetime.fromisoformat(created)).total_seconds())


def _moment(written: str | None, *, days_first: bool) -> str | None:
    """Return a time as it is written, in a browser's way or in ISO-8601; None where it is none."""
    clock = _CLOCK.fullmatch(written.strip()) if written else None
    if clock is None:
        return instant(written)
    one, two, three = int(clock[1]), int(clock[3]), int(clock[4])
    if one > _DAYS:
        year, month, day = one, two, three
    else:
        year, (day, month) = three, (one, two) if days_first else (two, one)
    hour = hour_of(clock[5], clock[8])
    try:
        return iso(datetime(year, month, day, hour, int(clock[6]), int(clock[7] or 0), tzinfo=UTC))
    except ValueError:
        return None
