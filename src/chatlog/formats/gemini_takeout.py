"""The Gemini web app's history as Google Takeout gives it: ``My Activity/Gemini Apps/MyActivity.json`` or ``.html``.

An item is one prompt with its answer, the newest first.  Items that name their chat are joined by it,
the others with those no more than half an hour apart, for nothing else says what belongs together.
There is no standard place: the file is where its owner unpacked it.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.gemini_takeout_html import activities, is_page
from chatlog.formats.html_text import html_text
from chatlog.formats.jsonstream import Line, items
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant, parse_iso

#: Items without a chat of their own further apart than this are two conversations.
GAP = timedelta(minutes=30)
_PRODUCT = re.compile(
    r'"(?:Gemini(?: Apps)?|Bard)"|"header"\s*:\s*"[^"]{0,30}\b(?:Gemini|Bard)\b[^"]{0,20}"'
    r"|(?:gemini|bard)\.google\.com"
)
_CHAT = re.compile(r"https?://gemini\.google\.com/(?:u/\d+/)?(?:app|gem/[\w-]+)/([0-9a-f]{8,})")
#: What Google writes before a prompt in the languages known; others are found by what titles share.
_VERBS = (
    "Prompted ",
    "Asked: ",
    "Asked ",
    "Said ",
    "Branched ",
    "Answered ",
    "Hai inserito ",
    "Solicitou ",
    "Gav instruktionen ",
    "Eingegebener Prompt: ",
    "送信したメッセージ: ",
)
#: A deed that begins as a prompt does.
_SURVEY = "Answered survey question"
#: The name of what Gemini writes beside a chat; it is the same in all languages.
_CANVAS = re.compile(r"\bCanvas\b")
_FEW = 3
_TOLD = frozenset(
    ("header", "title", "time", "products", "activityControls", "safeHtmlItem", "attachedFiles", "imageFile")
)


def sniff(head: Head) -> bool:
    """Say whether this is the Gemini apps' activity, and not another Google product's."""
    if not head.is_array or not {"header", "title", "time"} <= head.keys:
        return is_page(head)
    return _PRODUCT.search(head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield a conversation for each chat or half hour, with its prompts and answers."""
    head = Head.of(source)
    found = items(source) if head.is_json else list(activities(source))
    verb = _verb(_answered(items(_again(head))) if head.is_json else _answered(found))
    group: list[_Item] = []
    chats: dict[str, list[_Item]] = {}
    for line in found:
        if isinstance(line, Problem):
            yield line
            continue
        try:
            made = [_item(value, verb) for value in _by_chat(line.value)]
        except MALFORMED:
            yield Problem(line.place, "not an item of the shape that Takeout gives")
            continue
        for item in made:
            if item.chat is not None:
                chats.setdefault(item.chat, []).append(item)
                continue
            if group and abs(group[-1].moment - item.moment) > GAP:
                yield from _conversation(group, None)
                group = []
            group.append(item)
    yield from _conversation(group, None)
    for chat, of_chat in chats.items():
        yield from _conversation(of_chat, chat)


@dataclass(frozen=True, slots=True)
class _Item:
    """A prompt and its answer."""

    moment: datetime
    chat: str | None
    title: str
    drafts: tuple[MessageDraft, ...]


def _verb(answered: Iterable[dict[str, Any]]) -> str:
    """Return the words that stand before every prompt in this file's language, "" where that is not to be told."""
    titles = [item["title"] for item in answered if isinstance(item.get("title"), str)]
    known = next((verb for verb in _VERBS if any(title.startswith(verb) for title in titles)), None)
    if known is not None or len(titles) < _FEW:
        return known or ""
    found = re.match(r"[^:\n]{1,40}:\s+|\S+\s+", _common_start(titles))
    return found[0] if found else ""


def _common_start(titles: list[str]) -> str:
    first, last = min(titles), max(titles)
    return next((first[:at] for at, char in enumerate(first) if last[at : at + 1] != char), first)


def _again(head: Head) -> Source:
    """Return what has been seen of a source, for a look before it is read."""
    return Source(head.name, lambda: io.BytesIO(head.data))


def _answered(lines: Iterable[Line | Problem]) -> Iterator[dict[str, Any]]:
    """Yield the items with an answer up to the first that is none."""
    for line in lines:
        if isinstance(line, Problem):
            return
        if isinstance(line.value, dict) and line.value.get("safeHtmlItem"):
            yield line.value


def _by_chat(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an item as it is; one that several chats were asked at once for each of them, with the answer it gave."""
    details, answers = value.get("details") or (), value.get("safeHtmlItem") or ()
    if len(details) == len(answers) == len({_chat({"details": [detail]}) for detail in details} - {None}) > 1:
        for detail, answer in zip(details, answers, strict=True):
            yield {**value, "details": [detail], "safeHtmlItem": [answer]}
    else:
        yield value


def _item(value: Mapping[str, Any], verb: str) -> _Item:
    moment, title = parse_iso(value["time"]), value["title"]
    prompt = _prompt(title, verb)
    answer, links = _answer(value.get("safeHtmlItem") or ())
    is_deed = bool(verb) and prompt == title and not answer
    if is_deed and _CANVAS.search(title):
        prompt, answer = _canvas(title, value)
    name = f"{value['time']}-{ids.digest(title)[:8]}"
    asked = build.message(
        "user",
        (build.text(prompt), *_attached(value)),
        prompt,
        reason="activity" if is_deed else None,
        created_at=instant(value["time"]),
        source_id=name,
        metadata=build.rest(value, {*_TOLD, *(["subtitles"] if is_deed and answer else [])}),
    )
    said = build.message(
        "assistant",
        (build.text(answer), *links),
        answer,
        created_at=asked.created_at,
        source_id=f"{name}-answer",
        parent=name,
    )
    return _Item(moment, _chat(value), prompt, (asked, said) if answer or links else (asked,))


def _prompt(title: str, verb: str) -> str:
    for start in (verb, *_VERBS):
        if start and f"{title} ".startswith(start) and not title.startswith(_SURVEY):
            return title[len(start) :]
    return title


def _canvas(title: str, value: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was done, and what Gemini wrote into the canvas: it stands under the title, on a page below it."""
    deed, _, below = title.partition("\n")
    held = [line["name"] for line in _listed(value.get("subtitles")) if isinstance(line, dict) and line.get("name")]
    return deed, below or "\n".join(held)


def _chat(value: Mapping[str, Any]) -> str | None:
    """Return the id of the chat that an item names, the first where its chat had several."""
    places = [value.get("titleUrl"), *(detail.get("url") for detail in value.get("details") or ())]
    found = (match[1] for place in places if isinstance(place, str) and (match := _CHAT.match(place)))
    return next(found, None)


def _answer(answers: Iterable[Mapping[str, Any]]) -> tuple[str, list[Part]]:
    """Return an answer's text, and the images that it shows by address."""
    markup = [answer["html"] for answer in answers if answer.get("html")]
    images = [address for html in markup for address in re.findall(r'<img\b[^>]*?\ssrc="(https?://[^"]+)"', html)]
    return "\n\n".join(html_text(html) for html in markup).strip(), [build.uri(a, modality="image") for a in images]


def _listed(value: Any) -> list[Any]:
    """Return a list as it is, one thing as a list of it."""
    return value if isinstance(value, list) else [value] if value else []


def _attached(value: Mapping[str, Any]) -> Iterator[Part]:
    """Yield the files that came with a prompt, by the names they had; the image is mostly listed among them too."""
    files = _listed(value.get("attachedFiles"))
    names = {
        line.get("url"): line["name"].removeprefix("-").strip()
        for line in _listed(value.get("subtitles"))
        if isinstance(line, dict) and isinstance(line.get("name"), str)
    }
    for file in (*files, *(image for image in _listed(value.get("imageFile")) if image not in files)):
        if isinstance(file, str):
            yield build.file(file, names.get(file) or file)
        else:
            yield build.raw("attached_file", file)


def _conversation(group: list[_Item], chat: str | None) -> Iterator[Record]:
    """Yield the conversation of some items, the oldest first, known by its chat or by its oldest item."""
    if not group:
        return
    ordered = sorted(group, key=lambda item: item.moment)
    first = ordered[0].drafts[0]
    yield ConversationDraft(
        source_id=chat or f"t-{first.source_id}",
        created_at=first.created_at,
        updated_at=ordered[-1].drafts[-1].created_at,
        metadata={} if chat else {"grouped_by": "time"},
    )
    last: str | None = None
    used: Counter[str] = Counter()
    for draft in (draft for item in ordered for draft in item.drafts):
        last, before = ids.numbered(str(draft.source_id), used), last
        yield draft._replace(source_id=last, parent=before)
