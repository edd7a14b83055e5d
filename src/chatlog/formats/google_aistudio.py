"""Google AI Studio's prompts, as Drive's folder "Google AI Studio" holds them: files without extension.

A file is one chat, called by its name; chunks of one speaker in a row, such as thoughts, programs and
an answer, are one message.  Google's parts are `gemini_parts`' matter.  Nothing keeps these files in
a standard place: they come by Takeout or a synchronised Drive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.gemini_parts import Facts, code, code_result, inline_data, paired, parts_of, rest
from chatlog.formats.jsonstream import BROKEN_JSON, document
from chatlog.formats.records import misshapen
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_ROLES = {"user": "user", "model": "assistant"}
_DRIVE = ("driveDocument", "driveImage", "driveAudio", "driveVideo")
#: Names of a chunk's keys that become parts or facts of the message in their own way.
_TOLD = {"role", "text", "parts", "tokenCount", "isThought", "createTime", "errorMessage", *_DRIVE} | {
    "executableCode",
    "codeExecutionResult",
    "grounding",
    "youtubeVideo",
}
_INLINE = re.compile(r"inline(?:File|Image|Data|Audio|Video)")
#: What a file holds that is no chat, by its key: a text to be completed, an example table, a picture to be made.
_OTHER_PROMPT = re.compile(r"(?!chunked)[a-z]+Prompt")
#: What a file says that is told by the chat and its messages.
_FILE_TOLD = frozenset({
    "applets", "chunkedPrompt", "createTime", "displayName", "id", "pendingInputs", "promptId", "systemInstruction",
    "title", "updateTime",
})  # fmt: skip


def sniff(head: Head) -> bool:
    """Say whether this is an AI Studio prompt."""
    if not head.is_object:
        return False
    keys = head.keys
    return "chunkedPrompt" in keys or (
        "runSettings" in keys and ("systemInstruction" in keys or any(map(_OTHER_PROMPT.fullmatch, keys)))
    )


def read(source: Source) -> Iterator[Record]:
    """Yield the chat with its messages."""
    try:
        prompt = document(source)
    except BROKEN_JSON as error:
        yield misshapen("document", error, "not valid JSON")
        return
    if not isinstance(prompt, dict):
        yield Problem("document", "not an AI Studio prompt")
        return
    chat = _Chat(prompt)
    chat.read()
    yield _conversation(source, prompt, chat)
    yield from chat.drafts
    yield from chat.problems
    others = filter(_OTHER_PROMPT.fullmatch, prompt)
    yield from (LeftOut(kind, 1) for kind in ("applets", *others) if prompt.get(kind))


class _Chat:
    """The messages of one prompt, made from its chunks."""

    def __init__(self, prompt: Mapping[str, Any]) -> None:
        self.prompt = prompt
        self.chain = ids.Chain()
        self.drafts: list[MessageDraft] = []
        self.problems: list[Problem] = []
        self.head: str | None = None
        model = build.word(build.within(prompt, "runSettings", "model"))
        self.model = model.removeprefix("models/") if model else None

    def read(self) -> None:
        """Make the messages: instruction, turns, and what was typed but not sent."""
        self._instruction()
        held = build.mapping(self.prompt.get("chunkedPrompt"))
        for turn in _turns(self._chunks(held.get("chunks"), "chunk")):
            self._turn(turn)
        unsent = held.get("pendingInputs") or self.prompt.get("pendingInputs")
        for number, (place, chunk) in enumerate(self._chunks(unsent, "pending input"), 1):
            self._pending(chunk, place, number)

    def _chunks(self, chunks: Any, what: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, chunk in enumerate(build.listed(chunks), 1):
            if isinstance(chunk, dict):
                yield f"{what} {number}", chunk
            else:
                self.problems.append(Problem(f"{what} {number}", "not an object"))

    def _instruction(self) -> None:
        told = self.prompt.get("systemInstruction")
        try:
            parts = [build.text(told)] if isinstance(told, str) else _instruction_parts(told or {})
        except MALFORMED:
            self.problems.append(Problem("systemInstruction", "not of the shape that AI Studio writes"))
            return
        if parts:
            self._accept(build.message("system", parts))

    def _accept(self, draft: MessageDraft) -> None:
        self.drafts.append(self.chain.link(draft))
        self.head = self.drafts[-1].source_id

    def _turn(self, turn: list[tuple[str, dict[str, Any]]]) -> None:
        parts, facts = list[Part](), dict[str, Any]()
        for place, chunk in turn:
            try:
                made, told = _parts(chunk), _facts(chunk)
            except MALFORMED:
                self.problems.append(Problem(place, "not a chunk of the shape that AI Studio writes"))
                continue
            parts += made
            _add(facts, told)
        if parts or facts:
            self._accept(_draft(_ROLES[_speaker(turn[0][1])], paired(parts), facts, self.model))

    def _pending(self, chunk: Mapping[str, Any], place: str, number: int) -> None:
        try:
            made = _draft("user", _parts(chunk), {"hidden_reason": "unsent"}, None)
        except MALFORMED:
            self.problems.append(Problem(place, "not a chunk of the shape that AI Studio writes"))
            return
        if made.text or made.parts:
            last = self.drafts[-1].source_id if self.drafts else None
            self.drafts.append(made._replace(source_id=f"pending-{number}", parent=last))


def _instruction_parts(told: Mapping[str, Any]) -> list[Part]:
    if told.get("parts"):
        return parts_of(told["parts"])
    return parts_of(told.get("text"))


def _speaker(chunk: Mapping[str, Any]) -> str:
    role = chunk.get("role")
    return role if isinstance(role, str) and role in _ROLES else "user"


def _turns(chunks: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Yield the chunks of each message: all of the model's in a row; of the user's, files with the words after them."""
    turn: list[tuple[str, dict[str, Any]]] = []
    for placed in chunks:
        if turn and _ends(turn, placed[1]):
            yield turn
            turn = []
        turn.append(placed)
    if turn:
        yield turn


def _ends(turn: list[tuple[str, dict[str, Any]]], chunk: Mapping[str, Any]) -> bool:
    """Whether a chunk begins a new message."""
    if _speaker(turn[-1][1]) != _speaker(chunk):
        return True
    return _speaker(chunk) == "user" and any(_has_words(before) for _, before in turn)


def _has_words(chunk: Mapping[str, Any]) -> bool:
    held = build.mappings(chunk.get("parts"))
    return bool(chunk.get("text")) or any(part.get("text") for part in held)


def _parts(chunk: Mapping[str, Any]) -> list[Part]:
    """Return everything a chunk shows."""
    found = _words(chunk)
    for key, convert in _SPECIAL.items():
        if isinstance(chunk.get(key), dict):
            found.append(convert(chunk[key], {}))
    for key, value in chunk.items():
        if key in _DRIVE and isinstance(value, dict):
            told = rest(value, "id", "name", "mimeType")
            found.append(build.file(value.get("id"), value.get("name"), value.get("mimeType"), kind=key, **told))
        elif _INLINE.fullmatch(key) and isinstance(value, dict):
            found.append(inline_data(value, {}))
    if isinstance(chunk.get("grounding"), dict):
        found.append(build.raw("grounding", chunk["grounding"]))
    return found


def _words(chunk: Mapping[str, Any]) -> list[Part]:
    """Return a chunk's text as text or thought, and of its parts those that hold something else."""
    text, held = build.word(chunk.get("text")), parts_of(chunk.get("parts"))
    if text is None:
        return held
    told = ("text", "reasoning")
    spoken = [part for part in held if part["type"] in told]
    others = [part for part in held if part["type"] not in told]
    if spoken and "".join(part["content"] for part in spoken) == text and len({p["type"] for p in spoken}) > 1:
        return held
    signature = next((part["signature"] for part in spoken if part.get("signature")), None)
    signed = {"signature": signature} if signature else {}
    return [build.reasoning(text, **signed) if chunk.get("isThought") else build.text(text, **signed), *others]


def _youtube(video: Mapping[str, Any], _: Facts) -> Part:
    if not build.word(video.get("id")):
        return build.raw("youtubeVideo", video)
    return build.uri(f"https://www.youtube.com/watch?v={video['id']}", **rest(video, "id"))


_SPECIAL: dict[str, Callable[[Mapping[str, Any], Facts], Part]] = {
    "executableCode": code,
    "codeExecutionResult": code_result,
    "youtubeVideo": _youtube,
}


def _facts(chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a chunk says beside its content."""
    facts = build.rest(chunk, {*_TOLD, *filter(_INLINE.fullmatch, chunk)})
    count = chunk.get("tokenCount")
    if isinstance(count, int):
        facts["usage"] = {"thoughtsTokenCount" if chunk.get("isThought") else "tokenCount": count}
    for key in ("createTime", "errorMessage"):
        if chunk.get(key):
            facts[key] = chunk[key]
    return facts


def _add(facts: dict[str, Any], told: Mapping[str, Any]) -> None:
    """Add a further chunk's facts to a message's: counts and lists add up, the first time, the last reason stand."""
    usage = facts.get("usage", {})
    for key, count in told.get("usage", {}).items():
        usage[key] = usage.get(key, 0) + count
    first = facts.get("createTime")
    lists = {key: build.listed(facts.get(key)) + held for key, held in told.items() if isinstance(held, list)}
    facts.update({**told, **lists})
    if usage:
        facts["usage"] = usage
    if first:
        facts["createTime"] = first


def _draft(role: str, parts: list[Part], facts: dict[str, Any], model: str | None) -> MessageDraft:
    return build.message(
        role,
        parts,
        model=model if role == "assistant" else None,
        created_at=instant(facts.pop("createTime", None)),
        metadata=facts,
    )


def _conversation(source: Source, prompt: Mapping[str, Any], chat: _Chat) -> ConversationDraft:
    """Return the chat: called by its file's name, known by that and how it begins."""
    own, title = prompt.get("id") or prompt.get("promptId"), _title(source, prompt)
    begun = ids.opening_id(chat.drafts)[2:14] or "empty"
    times = [draft.created_at for draft in chat.drafts if draft.created_at]
    saved = instant(source.modified)
    return ConversationDraft(
        source_id=str(own) if own else f"{title or 'prompt'}-{begun}",
        title=title,
        created_at=instant(prompt.get("createTime")) or (min(times) if times else saved),
        updated_at=instant(prompt.get("updateTime")) or (max(times) if times else saved),
        model=chat.model,
        head=chat.head,
        metadata=build.compact(prompt, {*_FILE_TOLD, *filter(_OTHER_PROMPT.fullmatch, prompt)}),
    )


def _title(source: Source, prompt: Mapping[str, Any]) -> str | None:
    """Return the chat's own title, else its file's name, which has no extension but may have a dot."""
    if own := build.word(prompt.get("title") or prompt.get("displayName")):
        return own
    name = source.parts[-1]
    return (name[:-5] if name.endswith((".json", ".JSON")) else name).strip("-") or None
