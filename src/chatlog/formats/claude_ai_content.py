"""What one Claude.ai message says, as parts: text, thinking, tool calls with their results, files.

Reads the content blocks before the lossy flat text.  A block of a kind that is not known is kept
as it came.  Nothing here knows the conversation around the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from chatlog import tagged
from chatlog.formats import build
from chatlog.models import Part

#: What the flat text holds in place of every block that is not text.
_PLACEHOLDER = re.compile(
    r"(?:(?<!\s)\s+)?(?:```[^\S\n]*\n)?"  # no blank is tried that another one is before
    r"This block is not supported on your current device yet\.?(?:[^\S\n]*\n[^\S\n]*```)?\s*"
)
_NOT_SUPPORTED = "This block is not supported"
#: Thinking inside the text, in conversations of 2024.
_THINKING = re.compile(r"<(antThinking)(?=>)")
_TIMES = ("start_timestamp", "stop_timestamp")
#: Names that parts use themselves.
_OWN_KEYS = frozenset({"type", "id", "name", "content", "arguments", "response", "file_id", "mime_type"})


class Said(NamedTuple):
    """What a message says: the words a person reads, its parts, and when its blocks began and ended.

    `parts` is None where the words are all of it; `budgets` counts the blocks that say nothing.
    """

    text: str
    parts: tuple[Part, ...] | None
    times: dict[str, Any]
    budgets: int


def said(row: Mapping[str, Any], message_id: str) -> Said:
    """Return what a message says; ids that are missing are made from `message_id`."""
    row = {**row, **_from_design(row)} if isinstance(row.get("content"), dict) else row
    blocks = _blocks(row.get("content"))
    reader = _Blocks(message_id, [], [], [], set())
    for number, block in enumerate(blocks):
        reader.add(number, block)
    flat = row.get("text")
    words, parts = _words(flat if isinstance(flat, str) else "", reader)
    if row.get("attachments") or row.get("files") or row.get("files_v2"):
        parts.extend(_files(row))
    return Said(words, build.kept(parts, words), _times(blocks), reader.budgets)


def _blocks(content: Any) -> list[Mapping[str, Any]]:
    """Return the content blocks; content that is plain text is one, and so is a text among them."""
    held = content if isinstance(content, list) else [content] if content else []
    return [_block(block) for block in held]


def _block(block: Any) -> Mapping[str, Any]:
    if isinstance(block, dict):
        return block
    return {"type": "text", "text": block} if isinstance(block, str) else {"type": "unknown", "value": block}


def _summaries(block: Mapping[str, Any]) -> str:
    """Return what is shown of a thought that is itself withheld."""
    told = (build.word(summary.get("summary")) for summary in build.mappings(block.get("summaries")))
    return "\n\n".join(filter(None, told))


def _words(flat: str, reader: _Blocks) -> tuple[str, list[Part]]:
    """Return what is read, and the parts: from the blocks where they hold text, else the flat text."""
    parts = reader.parts
    if not reader.has_text and flat.strip():
        shown = _without_placeholders(flat)
        flat = shown if parts else flat
        parts = [*_split(flat), *parts] if flat else parts
    texts = [part["content"] for part in parts if part["type"] == "text"]
    return _without_placeholders("\n\n".join(text for text in (*texts, *reader.notes) if text)), parts


def _without_placeholders(flat: str) -> str:
    return _PLACEHOLDER.sub("\n\n", flat).strip() if _NOT_SUPPORTED in flat else flat


def _split(text: str, **extra: Any) -> Iterator[Part]:
    """Yield the text, and the thinking that stands inside it as reasoning of its own."""
    if "<antThinking>" not in text:
        yield build.text(text, **extra)
        return
    for piece in tagged.split(text, _THINKING):
        if isinstance(piece, str):
            yield from [build.text(piece.strip(), **extra)] * bool(piece.strip())
        elif piece.inner.strip():
            yield build.reasoning(piece.inner, tag=piece.name)


@dataclass(slots=True)
class _Blocks:
    """Turns a message's content blocks into parts, pairing each result with its call."""

    message_id: str
    parts: list[Part]
    notes: list[str]
    open: list[Part]
    invented: set[str]
    has_text: bool = False
    budgets: int = 0

    def add(self, number: int, block: Mapping[str, Any]) -> None:
        """Add the parts of a block."""
        match block.get("type"):
            case "text" if isinstance(block.get("text") or "", str):
                self._text(block)
            case "thinking" if isinstance(block.get("thinking") or "", str):
                thought = block.get("thinking") or _summaries(block)
                self.parts.append(build.reasoning(thought, **_rest(block, "thinking")))
            case "tool_use":
                self._use(number, block)
            case "tool_result":
                self._result(number, block)
            case "image" if (picture := _picture(block)) is not None:
                self.parts.append(picture)
            case "token_budget":
                self.budgets += 1
            case kind:
                self.parts.append(build.raw(kind, block))
                self.notes.extend(block[key] for key in ("title", "text") if isinstance(block.get(key), str))

    def _text(self, block: Mapping[str, Any]) -> None:
        text = block.get("text") or ""
        extra = _rest(block, "text", "flags", *_TIMES)
        if text.strip() or extra:
            self.has_text = self.has_text or bool(text.strip())
            self.parts.extend(_split(text, **extra))

    def _use(self, number: int, block: Mapping[str, Any]) -> None:
        own = block.get("id")
        call = build.tool_call(
            own or self._invent(number),
            block.get("name"),
            build.parsed(block.get("input")),
            **_rest(block, "id", "name", "input"),
        )
        self.parts.append(call)
        self.open.append(call)

    def _result(self, number: int, block: Mapping[str, Any]) -> None:
        name = block.get("name")
        call = self._take_call(block.get("tool_use_id"), name)
        if call and block.get("tool_use_id"):
            call["id"] = block["tool_use_id"]
        self.parts.append(
            build.tool_result(
                call["id"] if call else block.get("tool_use_id") or self._invent(number),
                block.get("content"),
                is_error=bool(block.get("is_error")),
                **({"name": name} if name else {}),
                **_rest(block, "tool_use_id", "name", "content", "is_error"),
            )
        )

    def _invent(self, number: int) -> str:
        name = f"{self.message_id}-{number}"
        self.invented.add(name)
        return name

    def _take_call(self, call_id: Any, name: Any) -> Part | None:
        """Return the open call that a result answers: by id, else the first of its name, else the first."""
        named = [call for call in self.open if call_id and call["id"] == call_id]
        free = [call for call in self.open if not call_id or call["id"] in self.invented]
        alike = [call for call in free if call["name"] == name]
        call = next(iter(named or alike or free), None)
        if call is not None:
            self.open.remove(call)
        return call


def _rest(values: Mapping[str, Any], *taken: str) -> dict[str, Any]:
    """Return what else an object says, under names that a part of ours does not use itself."""
    return build.renamed(build.compact(values, ("type", *taken)), _OWN_KEYS)


def _picture(block: Mapping[str, Any]) -> Part | None:
    """Return the bytes of a picture where the block has them."""
    match block.get("source"):
        case {"type": "base64", "data": str(data), **facts}:
            return build.blob(build.word(facts.get("media_type")), data, modality="image", **_rest(block, "source"))
    return None


def _times(blocks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return when the first block began and the last one ended, where the source says so."""
    times: dict[str, Any] = {}
    for block in blocks:
        if block.get("start_timestamp"):
            times.setdefault("start_timestamp", block["start_timestamp"])
        if block.get("stop_timestamp"):
            times["stop_timestamp"] = block["stop_timestamp"]
    return times


# Files: an attachment's text is only here; of images and other files the export has the name.


def _files(row: Mapping[str, Any]) -> Iterator[Part]:
    for attachment in row.get("attachments") or ():
        yield _attachment(attachment)
    files = row.get("files") or ()
    known = {value for file in files for value in _names(file)}
    yield from map(_file, files)
    yield from (_file(file) for file in row.get("files_v2") or () if known.isdisjoint(_names(file)))


def _names(file: Mapping[str, Any]) -> set[str]:
    return {name for name in (file.get("file_uuid"), file.get("uuid"), file.get("file_name")) if name}


def _attachment(attachment: Mapping[str, Any]) -> Part:
    kind = attachment.get("file_type") or ""
    extra = _rest(attachment, "id", "file_name", "extracted_content", "file_type")
    if kind and "/" not in kind:
        extra["file_type"] = kind
    content = attachment.get("extracted_content")
    return build.file(
        attachment.get("id"),
        attachment.get("file_name") or None,
        kind if "/" in kind else None,
        **extra,
        **({"content": content} if content else {}),
    )


def _file(file: Mapping[str, Any]) -> Part:
    return build.file(
        file.get("file_uuid") or file.get("uuid"),
        file.get("file_name") or None,
        **_rest(file, "file_uuid", "uuid", "file_name"),
    )


# Chats of the design tool: the same message in other words.


def _from_design(row: Mapping[str, Any]) -> dict[str, Any]:
    content = row["content"]
    attachments = [*(row.get("attachments") or ()), *(content.get("attachments") or ())]
    return {
        "text": content.get("content") or "",
        "content": [block for held in content.get("contentBlocks") or () for block in _design_blocks(held)],
        "attachments": [_design_attachment(attachment) for attachment in attachments],
    }


def _design_blocks(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    call = block.get("toolCall")
    if block.get("type") == "thinking":
        yield {"type": "thinking", "thinking": block.get("text") or block.get("thinking")}
    elif not isinstance(call, dict):
        yield dict(block)
    else:
        yield {"type": "tool_use", **build.without(call, ("output", "type"))}
        if call.get("output") is not None:
            yield {"type": "tool_result", "tool_use_id": call.get("id"), "content": call["output"]}


def _design_attachment(attachment: Mapping[str, Any]) -> dict[str, Any]:
    rest = build.without(attachment, ("name", "content", "type"))
    return {
        **rest,
        "file_name": attachment.get("name"),
        "file_type": attachment.get("type"),
        "extracted_content": attachment.get("content"),
    }
