"""SillyTavern's chats, TavernAI's before it: a line about the chat, then a line for each message.

The answers that a message was swiped through are siblings, the one shown is on the active path.  A message that the
person took from the model's sight (the eye) is still theirs and stays visible; SillyTavern's own and notes are hidden.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import items, lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Record
from chatlog.timespec import MONTHS, hour_of, instant

#: Where it was cloned to as its guide says, and where it keeps its data when it was installed for all folders.
_HOMES = (
    "~/SillyTavern",
    "$XDG_DATA_HOME/SillyTavern",
    "~/.local/share/SillyTavern",
    "~/Library/Application Support/SillyTavern",
    "$LOCALAPPDATA/SillyTavern/Data",
)
LOCATIONS = tuple(f"{home}/data/*/{chats}/*.jsonl" for home in _HOMES for chats in ("chats/*", "group chats"))

#: What newer versions write where the names of the person and the character stood.
_UNUSED = "unused"
_SYSTEM_NAMES = frozenset({"SillyTavern System", "System", "Chloe"})
_COMMENT, _NARRATOR = "comment", "narrator"
#: What stands for a model where a person's command wrote the message.
_BY_HAND = "manual"
#: The time that a chat is named by where the person gave it no name, and what import puts behind it.
_DATE_OF_STEM = re.compile(r"(?:(?<!\s)\s+)?-?\s*(?:\d{4}-\d{1,2}-\d{1,2}\s*@.*|\d{12,}(?: imported)?)$")
_BACKUP = re.compile(r"chat_.*_\d{8}-\d{6}")
_HUMANIZED = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})\s*@\s*(\d{1,2})h\s*(\d{1,2})m(?:\s*(\d{1,2})s)?(?:\s*(\d{1,3})ms)?"
)
_MERIDIEM = re.compile(
    r"([a-z]{3})[a-z]*\s+(\d{1,2}),\s*(\d{4}),?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(am|pm)?", re.IGNORECASE
)
_MONTHS = tuple(name[:3] for name in MONTHS)
_REASONING = {"reasoning_signature": "signature", "reasoning_duration": "duration_ms", "reasoning_type": "origin"}
_EXTRA_TOLD = frozenset(
    {"reasoning", "model", "token_count", "media", "image", "image_swipes", "video", "audio", "file", "files"}
    | {"tool_invocations", "hidden_reason", *_REASONING}
)
_ROW_TOLD = frozenset(
    {"name", "is_user", "is_name", "is_system", "mes", "send_date", "extra", "swipes", "swipe_id", "swipe_info"}
    | {"hidden_reason"}
)
_SWIPE_FACTS = ("send_date", "gen_started", "gen_finished", "extra")
_CALL_TOLD = frozenset({"type", "id", "name", "parameters", "result"})


def sniff(head: Head) -> bool:
    """Say whether this is a chat of SillyTavern or TavernAI."""
    return head.is_json and any(_is_header(row) or _is_message(row) for row in head.rows)


def _is_header(row: Row) -> bool:
    names = {"user_name", "character_name", "chat_metadata"} & row.keys()
    return len(names) > 1 and "mes" not in row


def _is_message(row: Row) -> bool:
    return "mes" in row and ("is_user" in row or "swipes" in row)


def read(source: Source) -> Iterator[Record]:
    """Yield the chat, its messages with what they were swiped through, and the chat again with its names and leaf."""
    chat = _Chat("" if source.name == "-" else source.stem)
    yield from ids.announced(_messages(source, chat), chat.conversation)
    yield from chat.close()


def _messages(source: Source, chat: _Chat) -> Iterator[Record]:
    entries = items(source) if Head.of(source).is_array else lines(source)
    return read_each(entries, lambda line: chat.take(line.value), "not a message of SillyTavern")


@dataclass(slots=True)
class _Chat:
    """What is remembered of a chat as it streams by."""

    stem: str
    header: dict[str, Any] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    draft: ConversationDraft | None = None
    begun: str | None = None
    last: str | None = None
    model: str | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def conversation(self, opening: str) -> ConversationDraft:
        """Return the chat, known by its character and the name of its file, as SillyTavern knows it."""
        told = self.header.get("chat_metadata")
        facts = dict(told) if isinstance(told, dict) else {}
        character, above = self._character, build.word(facts.get("main_chat"))
        stem = self.stem or opening
        if _BACKUP.fullmatch(stem):
            stem = build.word(facts.get("integrity")) or stem  # what all backups of a chat have in common
        user = self._named("user_name")
        self.draft = ConversationDraft(
            source_id=_key(character, stem),
            created_at=_moment(self.header.get("create_date")) or self.begun,
            parent=_key(character, above) if above and above != stem else None,
            metadata=build.compact({**facts, "user_name": user}),
        )
        return self.draft

    @property
    def _character(self) -> str | None:
        return self._named("character_name") or next(iter(self.names), None)

    def _named(self, key: str) -> str | None:
        name = build.word(self.header.get(key))
        return None if name == _UNUSED else name

    def _title(self) -> str | None:
        """Return the character's name, all of a group's, with the name that the person gave the chat."""
        who = ", ".join(self.names) or self._character or ""
        rest = "" if _BACKUP.fullmatch(self.stem) else _DATE_OF_STEM.sub("", self.stem).strip()
        if not rest or who.startswith(rest):
            return who or None
        return rest if not who or rest.startswith(self._character or who) else f"{who}: {rest}"

    def take(self, row: Row) -> Iterator[Record]:
        """Yield the message that a line holds, before or after it what it was swiped through."""
        if "mes" not in row:
            if _is_header(row):
                self.header |= row
            else:
                self.counts["lines that are no message"] += 1
            return
        moment = _moment(row.get("send_date"))
        self.begun = self.begun or moment
        extra = _extra(row)
        calls = extra.get("tool_invocations")
        if calls and isinstance(calls, list):
            yield from self._tools(row, calls, moment)
            return
        made = _message(row, _words(row["mes"]))
        if made.role == "assistant" and not made.hidden and made.author and extra.get("type") != _NARRATOR:
            self.names[made.author] = None
        self.model = made.model or self.model
        yield from self._versions(row, made)

    def _tools(self, row: Row, calls: list[Any], moment: str | None) -> Iterator[Record]:
        """Yield the calls of tools that SillyTavern keeps in a line of its own, and their results."""
        parts = [_call(call) for call in calls]
        results = [build.tool_result(build.word(call.get("id")), build.parsed(call.get("result"))) for call in calls]
        for role, held in (("assistant", parts), ("tool", results)):
            made = MessageDraft(role=role, parts=tuple(held), created_at=moment, parent=self.last)
            self.last = ids.derived_id(self.last, made)
            yield made._replace(source_id=self.last, metadata=_facts(row) if role == "assistant" else {})

    def _versions(self, row: Row, shown: MessageDraft) -> Iterator[Record]:
        """Yield all that a message was swiped through in its order, and go on after the one that is shown."""
        parent, used = self.last, Counter[str]()
        for made in self._swipes(row, shown):
            key = ids.numbered(ids.content_id(parent, made.role, None, made.text), used)
            if made is shown:
                self.last = key
            yield made._replace(parent=parent, source_id=key)

    def _swipes(self, row: Row, shown: MessageDraft) -> Iterator[MessageDraft]:
        swipes, told = row.get("swipes"), row.get("swipe_info")
        held = build.listed(swipes)
        infos = build.listed(told)
        words = [_words_or_none(swipe) for swipe in held]
        at = row.get("swipe_id")
        if not (type(at) is int and 0 <= at < len(words) and words[at] == shown.text):
            at = words.index(shown.text) if shown.text in words else None
        for index, text in enumerate(words):
            if index == at:
                yield shown
            elif text:
                info = infos[index] if index < len(infos) and isinstance(infos[index], dict) else {}
                facts = {key: info[key] for key in _SWIPE_FACTS if key in info}
                same = {key: row[key] for key in ("name", "is_user") if key in row}
                made = _message({**same, **facts}, text)
                yield made._replace(role=shown.role, hidden=shown.hidden, metadata=_hidden_as(shown, made.metadata))
            else:
                self.counts["swipes without words"] += 1
        if at is None:
            yield shown

    def close(self) -> Iterator[Record]:
        """Yield the chat with its leaf, model and names, and how much was left out."""
        if self.draft is None:
            self.counts["chats without messages"] += 1
        else:
            yield self.draft._replace(title=self._title(), head=self.last, model=self.model)
        yield from build.left_out(self.counts)


def _key(character: str | None, stem: str) -> str:
    return f"{character}/{stem}" if character else stem


def _hidden_as(shown: MessageDraft, facts: Mapping[str, Any]) -> dict[str, Any]:
    reason = build.compact({"hidden_reason": shown.metadata.get("hidden_reason")})
    return {**build.without(facts, ("hidden_reason",)), **reason}


def _words(value: Any) -> str:
    """Return the words of a message or a swipe, which Chub's exports hold one deeper."""
    return build.string(value["message"] if isinstance(value, dict) else value)


def _words_or_none(value: Any) -> str | None:
    try:
        return _words(value)
    except MALFORMED:
        return None


def _extra(row: Row) -> Row:
    return build.mapping(row.get("extra"))


def _message(row: Row, text: str) -> MessageDraft:
    extra = _extra(row)
    kind = build.word(extra.get("type"))
    name = build.word(row.get("name"))
    facts = _facts(row)
    if row.get("is_system") is True:
        own = kind or extra.get("isSmallSys") is True or name in _SYSTEM_NAMES
        facts |= {"hidden_reason": kind or "system"} if own and row.get("is_user") is not True else {"is_system": True}
    parts = tuple(_parts(text, extra))
    return build.message(
        "user" if row.get("is_user") is True or kind == _COMMENT else "assistant",
        parts,
        text,
        author=name,
        model=None if extra.get("api") == _BY_HAND else build.word(extra.get("model")),
        created_at=_moment(row.get("send_date")),
        metadata=facts,
    )


def _facts(row: Row) -> dict[str, Any]:
    extra = _extra(row)
    facts = build.without(row, _ROW_TOLD) | build.without(extra, _EXTRA_TOLD)
    count = extra.get("token_count")
    if type(count) is int and count > 0:
        facts["usage"] = {"tokens": count}
    return build.compact(facts)


def _parts(text: str, extra: Row) -> Iterator[Part]:
    thought = build.word(extra.get("reasoning"))
    if thought:
        facts = {name: extra[key] for key, name in _REASONING.items() if key in extra}
        yield build.reasoning(thought, **build.compact(facts))
    if text:
        yield build.text(text)
    seen = set[str]()
    for address, facts in _media(extra):
        if address not in seen:
            seen.add(address)
            yield build.addressed(address, **build.compact(facts))
    for held in (extra.get("file"), *build.listed(extra.get("files"))):
        if isinstance(held, dict):
            rest = build.compact(held, ("type", "url", "name"))
            yield {**rest, **build.file(build.word(held.get("url")), build.word(held.get("name")))}


def _media(extra: Row) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the address of each picture, film and sound, in all the ways that they have been kept."""
    for held in build.listed(extra.get("media")):
        if isinstance(held, dict) and build.word(held.get("url")):
            rest = build.without(held, ("type", "url", "uri", "content"))
            yield held["url"], {**rest, "modality": build.word(held.get("type")) or "image"}
    for kind in ("image", "video", "audio"):
        swiped = build.listed(extra.get("image_swipes")) if kind == "image" else []
        for address in (extra.get(kind), *swiped):
            if build.word(address):
                yield address, {"modality": kind}


def _call(call: Row) -> Part:
    extra = build.compact(call, _CALL_TOLD)
    arguments = build.parsed(call.get("parameters"))
    return {**extra, **build.tool_call(build.word(call.get("id")), build.word(call.get("name")), arguments)}


def _moment(value: Any) -> str | None:
    """Return a time in any of the forms that the program has written; one without a zone is taken for UTC."""
    if not isinstance(value, str):
        return instant(value)
    try:
        if match := _HUMANIZED.match(value):
            year, month, day, hour, minute, second, fraction = (int(number or 0) for number in match.groups())
            return instant(datetime(year, month, day, hour, minute, second, fraction * 1000).isoformat())  # noqa: DTZ001
        if match := _MERIDIEM.match(value):
            return instant(_of_twelve_hours(match).isoformat())
    except ValueError:
        return None
    return instant(value)


def _of_twelve_hours(match: re.Match[str]) -> datetime:
    month, day, year, hour, minute, second, half = match.groups()
    return datetime(  # noqa: DTZ001
        int(year), _MONTHS.index(month.lower()) + 1, int(day), hour_of(hour, half), int(minute), int(second or 0)
    )
