"""LM Studio's chats: one JSON document each below ``~/.lmstudio/conversations/``, in folders as the user made them.

Each turn has versions, which are branches; the selected one is what follows hangs on.  An answer is told in steps,
which `lm_studio_steps` puts together to messages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.beside import beside
from chatlog.formats.build import Row
from chatlog.formats.lm_studio_steps import PROMPT, Made, fields, messages, prompt_in
from chatlog.formats.records import misshapen, recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

#: Where the files are found, on every platform: newer and older ones.
LOCATIONS = (
    "~/.lmstudio/conversations/**/*.conversation.json",
    "~/.cache/lm-studio/conversations/**/*.conversation.json",
)

_VERSIONED = re.compile(r'"(?:currentlySelected"\s*:\s*\d|type"\s*:\s*"(?:singleStep|multiStep)")')
_OF_CHAT = frozenset({
    "assistantLastMessagedAt", "clientInput", "clientInputFiles", "perChatPredictionConfig", "tokenCount",
    "usePerChatPredictionConfig", "userLastMessagedAt",
})  # fmt: skip
_PLACE = re.compile(r"(?:.*[/\\!])?conversations[/\\](?:(?P<folder>.+)[/\\])?[^/\\]+", re.DOTALL)
_STAMP = re.compile(r"\d{10,}")
_PLAIN_NAME = re.compile(r"[^./\\][^/\\]*")
_UNTITLED = frozenset({"New Chat", "Unnamed Chat", "Untitled", "Untitled Chat"})
_CHAT_TOLD = frozenset({
    "name", "pinned", "createdAt", "userLastMessagedAt", "assistantLastMessagedAt", "messages", "lastUsedModel",
    "perChatPredictionConfig", "usePerChatPredictionConfig", "systemPrompt",
})  # fmt: skip


def sniff(head: Head) -> bool:
    """Say whether this is a chat of LM Studio."""
    if not head.is_object or "messages" not in head.keys:
        return False
    if len(head.keys & _OF_CHAT) > 1:
        return True
    return "versions" in (head.first_in("messages") or ()) and _VERSIONED.search(head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield the chat's conversation, its messages, and what was left out of it."""
    chat, problems = recovered(source, "messages")
    if not isinstance(chat, dict) or not isinstance(chat.get("messages"), list):
        yield Problem("", "not a chat of LM Studio")
        return
    found = _Chat(source)
    found.read(chat)
    if found.messages:
        yield _conversation(chat, source, found)
        yield from found.messages
    elif not problems and not found.problems:
        yield LeftOut("chats without messages", 1)
    yield from problems
    yield from found.problems
    yield from build.left_out(found.counts)


@dataclass(slots=True)
class _Chat:
    """The messages of a chat, each turn linked to the selected version of the one before."""

    source: Source
    messages: list[MessageDraft] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    last: str | None = None
    prompt: str | None = None
    used: Counter[str] = field(default_factory=Counter)

    def read(self, chat: Row) -> None:
        """Read every turn, after the instructions that the model was given."""
        prompt = _prompt_of(chat)
        if prompt and chat["messages"]:
            self.prompt = "prompt"
            self.messages.append(MessageDraft(role="system", text=prompt, source_id=self.prompt))
        for number, turn in enumerate(chat["messages"], 1):
            try:
                self._take(turn, f"message {number}")
            except MALFORMED as error:
                self._failed(f"message {number}", error)
        if self.last is None:
            self.messages.clear()

    def _take(self, turn: Row, place: str) -> None:
        versions = turn.get("versions", [turn])
        chosen = turn.get("currentlySelected")
        ends: dict[int, str] = {}
        for at, version in enumerate(versions):
            try:
                made = list(messages(version, self.counts, self._named))
            except MALFORMED as error:
                self._failed(f"{place}, version {at + 1}" if len(versions) > 1 else place, error)
                continue
            end = self._linked(made)
            if end is not None:
                ends[at] = end
        if ends:
            self.last = ends.get(chosen if isinstance(chosen, int) else 0) or next(reversed(ends.values()))

    def _linked(self, made: list[Made]) -> str | None:
        """Keep the messages of a version, one after the other; return the id of its last.

        An id comes of the message before, the instructions aside, and of the step's own or what was said: so an
        answer that grows stays itself, and what follows an edited message is another branch.
        """
        above = self.last
        for draft, step in made:
            key = ids.content_id(above, draft.role, None, step) if step else ids.derived_id(above, draft)
            name = ids.numbered(key, self.used)
            self.messages.append(draft._replace(source_id=name, parent=above or self.prompt))
            above = name
        return above if made else None

    def _failed(self, place: str, error: Exception) -> None:
        self.problems.append(misshapen(place, error))

    def _named(self, part: Part) -> Part:
        """Return a file with the name that it had where it was taken from, which stands beside the chats."""
        identifier = part.get("file_id")
        place = _PLACE.fullmatch(self.source.name)
        if place is None or part.get("name") or not identifier or not _PLAIN_NAME.fullmatch(identifier):
            return part
        up = "../" * (1 + len(re.findall(r"[/\\]", place["folder"] or "")) + bool(place["folder"]))
        told = beside(self.source, f"{up}user-files/{identifier}.metadata.json")
        name = build.word(build.within(told, "originalName"))
        return {**part, "name": name} if name else part


def _conversation(chat: Row, source: Source, found: _Chat) -> ConversationDraft:
    stamp = _STAMP.match(source.stem)
    created, name = instant(chat.get("createdAt")), build.word(chat.get("name"))
    place = _PLACE.fullmatch(source.name)
    folder = place["folder"].replace("\\", "/") if place is not None and place["folder"] else None
    moments = [instant(chat.get(key)) for key in ("userLastMessagedAt", "assistantLastMessagedAt")]
    return ConversationDraft(
        source_id=stamp.group() if stamp else _own_name(chat, found),
        title=None if name in _UNTITLED else name,
        created_at=created or (instant(stamp.group()) if stamp else None),
        updated_at=max(filter(None, moments), default=None),
        model=_last_model(chat) or build.last_model(found.messages),
        project=folder,
        head=found.last,
        pinned=chat.get("pinned") is True,
        metadata=_facts(chat),
    )


def _own_name(chat: Row, found: _Chat) -> str:
    """Return the id of a chat whose file has another name than LM Studio gives: its creation's time, or its opening."""
    created = chat.get("createdAt")
    if isinstance(created, int) and created > 0:
        return str(int(created))
    return ids.opening_id(message for message in found.messages if message.role != "system")


def _last_model(chat: Row) -> str | None:
    used = build.mapping(chat.get("lastUsedModel"))
    return build.word(used.get("identifier")) or build.word(used.get("indexedModelIdentifier"))


def _facts(chat: Row) -> dict[str, Any]:
    """Return what else a chat tells: its settings, notes, plugins, and what was typed but not sent."""
    facts = build.without(chat, _CHAT_TOLD)
    facts["perChatPredictionConfig"] = {
        one["key"]: one.get("value") for one in fields(chat.get("perChatPredictionConfig")) if one["key"] != PROMPT
    }
    general = chat.get("systemPrompt")
    return build.compact({**facts, "systemPrompt": general if general != _prompt_of(chat) else None})


def _prompt_of(chat: Row) -> str | None:
    """Return the instructions of a chat: its own, those that earlier versions kept, or what its answers tell."""
    own = (
        prompt_in(chat.get("perChatPredictionConfig")) if chat.get("usePerChatPredictionConfig") is not False else None
    )
    return own or build.word(chat.get("systemPrompt")) or next(filter(None, map(_prompt_told, chat["messages"])), None)


def _prompt_told(turn: Any) -> str | None:
    """Return the instructions that the answers of a turn tell they were generated with, as a preset's are."""
    try:
        steps = [step for version in turn["versions"] for step in version.get("steps") or ()]
        return next(
            filter(None, (prompt_in(step["genInfo"]["predictionConfig"]) for step in steps if "genInfo" in step)), None
        )
    except MALFORMED:
        return None
