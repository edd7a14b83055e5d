"""The logs of text-generation-webui (oobabooga): a file for each chat, a pair of words and answer for each turn.

Beside the pairs as the model had them stand those that were shown, and since 2025 what is known of each:
its time, its model, its other versions, what was attached to it and which tools were called before it.
Chats are in the folder of their character, those without one in ``instruct``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids, tags
from chatlog.formats.build import Row
from chatlog.formats.calls import Calls
from chatlog.formats.openai_content import message as openai_message
from chatlog.formats.records import recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

#: Where it was cloned to as its guide says; it kept its logs in another folder before May 2025.
LOCATIONS = tuple(
    f"~/text-generation-webui/{folder}/{chats}/*.json"
    for folder in ("user_data/logs", "logs")
    for chats in ("chat/*", "instruct")
)
#: The pairs and what was shown of them, as they are called now and as they were until 2023.
_PAIRS = (("internal", "visible"), ("data", "data_visible"))
_BEGINS = re.compile(r'"(?:internal|data)"\s*:\s*\[\s*(?:\]|\[)')
#: What stands for a prompt where the character began.
_GREETING = "<|BEGIN-VISIBLE-CHAT|>"
#: What a chat is called that nobody gave a name.
_UNNAMED = re.compile(r"(\d{4})(\d{2})(\d{2})-(\d{2})-(\d{2})-(\d{2})(?:_\d+)?")
_TIME = "%b %d, %Y %H:%M"
_TOLD = frozenset(
    {"timestamp", "model_name", "attachments", "versions", "current_version_index", "tool_sequence"}
    | {"content", "visible_content"}
)


def sniff(head: Head) -> bool:
    """Say whether this is a log of text-generation-webui."""
    known = any({*pair} <= head.keys for pair in _PAIRS)
    return known and not head.is_array and _BEGINS.search(head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield the chat and its messages with all their versions."""
    log, problems = recovered(source, "internal")
    if not isinstance(log, dict):
        log, problems = {}, [Problem("document", "not a chat of text-generation-webui")]
    chat = _Chat(log)
    chat.read()
    if chat.drafts:
        yield chat.conversation(source)
        yield from chat.drafts.values()
    yield from (*problems, *chat.problems)


@dataclass(slots=True)
class _Chat:
    """The messages of a log, each behind the one that was shown before it."""

    log: Row
    drafts: dict[str, MessageDraft] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    calls: Calls = field(default_factory=Calls)
    head: str | None = None

    def read(self) -> None:
        """Make the messages of every turn."""
        internal, visible = next(
            ((self.log.get(one), self.log.get(two)) for one, two in _PAIRS if one in self.log), ((), ())
        )
        shown = build.listed(visible)
        for number, pair in enumerate(build.listed(internal)):
            try:
                words, answer = pair
                seen = shown[number] if number < len(shown) else ("", "")
                self._say("user", number, "" if words == _GREETING else words, seen[0])
                self._say("assistant", number, answer, seen[1])
            except MALFORMED:
                self.problems.append(Problem(f"turn {number + 1}", "not a pair of words and answer"))

    def _say(self, role: str, number: int, words: Any, seen: Any) -> None:
        """Take what was said on a turn, and what was said there before it was changed or answered anew."""
        facts = build.mapping(build.within(self.log, "metadata", f"{role}_{number}"))
        versions, current = facts.get("versions") or (), facts.get("current_version_index")
        parent = self.head
        for at, version in enumerate(versions):
            if at != current and isinstance(version, dict) and version.get("content") not in ("", words):
                former = {**facts, "tool_sequence": None, **version}
                self._turn(role, former, former["content"], former.get("visible_content"), parent)
        self.head = parent
        if words or seen or facts.get("attachments") or facts.get("tool_sequence"):
            self._turn(role, facts, words, seen, parent)

    def _turn(self, role: str, facts: Row, words: Any, seen: Any, parent: str | None) -> None:
        """Add the tools that were called, and what was said; the last of it is what the next turn follows."""
        self.head = parent
        moment, model = _moment(facts.get("timestamp")), build.word(facts.get("model_name"))
        for step in facts.get("tool_sequence") or ():
            made = openai_message({"role": "assistant", **step}, self.calls)
            self._add(made._replace(created_at=moment, model=model if made.role == "assistant" else None))
        words = build.string(words)
        raw = html.unescape(seen) if isinstance(seen, str) else ""
        said = words or ("" if facts.get("tool_sequence") else raw)
        parts = [*(tags.answer(said, self.calls) if role == "assistant" else _typed(said)), *_attached(facts)]
        if not parts:
            return
        rest = build.compact(facts, _TOLD)
        draft = build.message(
            role,
            parts,
            model=model if role == "assistant" else None,
            created_at=moment,
            metadata={**rest, "visible": raw} if raw not in ("", said) and not facts.get("tool_sequence") else rest,
        )
        self._add(draft)

    def _add(self, draft: MessageDraft) -> None:
        name = ids.derived_id(self.head, draft)
        self.drafts.setdefault(name, draft._replace(source_id=name, parent=self.head))
        self.head = name

    def conversation(self, source: Source) -> ConversationDraft:
        """Return the chat: known by its file, which is called after when it began or as its user called it."""
        folders = source.parts[:-1]
        character = folders[-1] if folders[-2:-1] == ["chat"] else None
        stem = "" if source.name == "-" else source.stem
        unnamed = _UNNAMED.fullmatch(stem)
        begun = instant("{}-{}-{}T{}:{}:{}".format(*unnamed.groups())) if unnamed else None
        drafts = [*self.drafts.values()]
        name = stem or ids.opening_id(drafts)
        return ConversationDraft(
            source_id=f"{character}/{name}" if character and not unnamed else name,
            title=None if unnamed else stem or None,
            created_at=build.first_moment(drafts) or begun,
            model=build.last_model(drafts),
            head=self.head,
            metadata=build.compact({"character": character}),
        )


def _moment(value: Any) -> str | None:
    """Return a time as the logs tell it, ``Apr 20, 2025 12:34``."""
    with suppress(ValueError):
        return instant(datetime.strptime(value, _TIME).isoformat()) if isinstance(value, str) else None  # noqa: DTZ007
    return instant(value)


def _typed(words: str) -> Iterator[Part]:
    if words:
        yield build.text(words)


def _attached(facts: Row) -> Iterator[Part]:
    """Yield the files that were attached: pictures as bytes, of others what could be read of them."""
    for held in facts.get("attachments") or ():
        name, data = build.word(held.get("name")), held.get("image_data")
        if isinstance(data, str):
            yield build.addressed(data, modality="image", **build.compact({"name": name}))
        else:
            yield build.file(
                None,
                name,
                build.word(held.get("type")),
                **build.compact({"content": held.get("content"), "url": held.get("url")}),
            )
