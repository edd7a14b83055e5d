"""What one ChatGPT message says, as parts: every content type, pointers to files, calls and results.

Content of a type that is not known is kept as it came, its strings read by one general rule.
Nothing here knows the tree that the messages stand in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from chatlog.formats import build
from chatlog.formats.chatgpt_citations import clean
from chatlog.models import Part

#: Content that the app itself does not show.
UNSHOWN = frozenset({
    "user_editable_context", "model_editable_context", "tether_browsing_display", "sonic_webpage", "reasoning_recap",
    "computer_output",
})  # fmt: skip
#: Content types that are the model talking to itself, whoever they are addressed to.
_MUSED = frozenset({"thoughts", "reasoning_recap"})
#: Where content of any type holds words, in reading order.
_WORDED = (
    "parts", "text", "result", "content", "output_str", "user_profile", "user_instructions", "model_set_context",
)  # fmt: skip
#: Names that parts use themselves.
_OWN_KEYS = frozenset({"type", "id", "file_id", "name", "mime_type", "content", "arguments"})


#: What the assets of an export are, by the ends of their names.
_MIME_TYPES = {
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "wav": "audio/wav",
    "webp": "image/webp",
}


class Row(NamedTuple):
    """A message as the export has it.

    `kind` is the content type, None in the sparse files of other exporters; `call` the id of the nearest call
    above it; `names` the file names of the export's assets by id.
    """

    id: str
    role: str
    name: str | None
    recipient: str
    kind: str | None
    content: Mapping[str, Any]
    metadata: Mapping[str, Any]
    call: str | None
    names: Mapping[str, str]

    @property
    def is_call(self) -> bool:
        """Whether the assistant says this to a tool."""
        return self.recipient != "all" and self.role == "assistant" and self.kind not in _MUSED


class Said(NamedTuple):
    """What a message says: the words a person reads, and the parts, None where the words are all of it."""

    text: str
    parts: tuple[Part, ...] | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see: no words, no file, only an empty result."""
        return not self.text and not any(
            part["type"] != "tool_call_response" or part["response"] for part in self.parts or ()
        )


def said(row: Row) -> Said:
    """Return what a message says."""
    parts, words = list(_KINDS.get(row.kind, _unknown)(row)), ""
    if row.role == "tool":
        parts = _as_result(row, parts)
    elif row.is_call:
        parts = _as_call(row, parts)
    else:
        words = _words(row, parts)
    if attachments := row.metadata.get("attachments"):
        _attach(parts, attachments, row.names)
    text = clean(words, row.metadata, answer=row.role == "assistant")
    return Said(text, build.kept(parts, text))


def _words(row: Row, parts: list[Part]) -> str:
    words = "\n".join([part["content"] for part in parts if part["type"] == "text"])
    if not words and row.kind not in _MUSED:
        words = "\n\n".join(dict.fromkeys(_strings(row.content))) or _instructions(row.metadata)
    return words


def _strings(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what content of any type says, by the general rule."""
    for key in _WORDED:
        value = content.get(key)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, str) and item.strip():
                yield item


def _instructions(metadata: Mapping[str, Any]) -> str:
    """Return the custom instructions that an empty message carries in its metadata."""
    held = metadata.get("user_context_message_data")
    given = (held.get("about_user_message"), held.get("about_model_message")) if isinstance(held, dict) else ()
    return "\n\n".join(text for text in given if isinstance(text, str) and text)


# Each content type as parts.


def _spoken(row: Row) -> Iterator[Part]:
    """Yield text and, between it, what was shown: strings that follow each other are one text."""
    held, lines = row.content.get("parts"), list[str]()
    for item in held if isinstance(held, list) else [held]:
        if isinstance(item, str):
            if item.strip():
                lines.append(item)
            continue
        if lines:
            yield build.text("\n".join(lines))
            lines = []
        yield from _object(item if isinstance(item, dict) else {"value": item}, row.names)
    if lines:
        yield build.text("\n".join(lines))


def _sparse(row: Row) -> Iterator[Part]:
    return _spoken(row) if "parts" in row.content else _unknown(row)


def _object(item: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Part]:
    """Yield the parts of an object among a message's strings."""
    kind = item.get("content_type")
    if item.get("asset_pointer"):
        yield _asset(item, names)
    elif kind == "audio_transcription" or (kind is None and isinstance(item.get("text"), str)):
        yield build.text(item.get("text") or "", **_rest(item, "text", "content_type"))
    elif any(key.endswith(("asset_pointer", "asset_pointers")) for key in item):
        yield from _assets(item, names)
    elif item.get("value", item) is not None:
        yield build.raw(kind, item)


def _assets(item: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Part]:
    """Yield the files of a recording: its sound, its frames, its container; then what else it says."""
    rest = {"type": item.get("content_type") or "unknown"}
    for key, value in item.items():
        if not key.endswith(("asset_pointer", "asset_pointers")):
            rest |= build.compact({key: value})
            continue
        for pointer in value if isinstance(value, list) else (value,):
            if pointer:
                held = pointer if isinstance(pointer, dict) else {"asset_pointer": pointer}
                yield _asset({"content_type": key, **held}, names)
    if len(rest) > 2:
        yield rest


def _asset(pointer: Mapping[str, Any], names: Mapping[str, str]) -> Part:
    address = str(pointer["asset_pointer"])
    name = names.get(asset_id(address))
    return build.file(address, name, _mime_type(name), **_rest(pointer, "asset_pointer"))


def _mime_type(name: str | None) -> str | None:
    return _MIME_TYPES.get(name.rpartition(".")[2].lower()) if name else None


def asset_id(address: str) -> str:
    """Return the file's id in ``file-service://file-XXXX`` or ``sediment://file_<hex>#…``."""
    return address.rpartition("://")[2].partition("#")[0].partition("?")[0].removesuffix(".dat")


def _thoughts(row: Row) -> Iterator[Part]:
    told = row.content.get("thoughts") or ()
    for thought in [{"content": told}] if isinstance(told, str) else told:
        chunks = thought.get("chunks") or []
        content = thought.get("content") or "".join(chunk for chunk in chunks if isinstance(chunk, str))
        held = {"content", *(["chunks"] if all(str(chunk) in content for chunk in chunks) else [])}
        yield build.reasoning(content, **_rest(thought, *held))
    rest = _rest(row.content, "thoughts", "content_type")
    if rest:
        yield {"type": "thoughts", **rest}


def _code(row: Row) -> Iterator[Part]:
    extra = _rest(row.content, "content_type", "text")
    if extra.get("language") == "unknown":
        del extra["language"]
    yield build.text(row.content.get("text") or "", **extra)


def _screen(row: Row) -> Iterator[Part]:
    yield from _unknown(row)
    shot = row.content.get("screenshot")
    if isinstance(shot, dict) and shot.get("asset_pointer"):
        yield _asset(shot, row.names)


def _unknown(row: Row) -> Iterator[Part]:
    held = build.without(row.content, ("content_type",))
    if held:
        yield build.raw(row.kind, held)


_KINDS: dict[str | None, Callable[[Row], Iterator[Part]]] = {
    None: _sparse,
    "text": _spoken,
    "multimodal_text": _spoken,
    "code": _code,
    "thoughts": _thoughts,
    "computer_output": _screen,
}


def _rest(values: Mapping[str, Any], *taken: str) -> dict[str, Any]:
    """Return what else an object says, under names that a part of ours does not use itself."""
    return build.renamed(build.compact(values, taken), _OWN_KEYS)


# Calls and results: the export gives them no ids, so a call is known by its message's.


def _as_call(row: Row, parts: list[Part]) -> list[Part]:
    texts = [part for part in parts if part["type"] == "text"]
    extra = {key: value for part in texts for key, value in part.items() if key not in ("type", "content")}
    text = "\n".join(part["content"] for part in texts)
    arguments = text if row.recipient == "python" else build.parsed(text)
    if not texts:
        arguments, parts = _response(row, parts)
    call = build.tool_call(row.id, row.recipient, arguments, **extra)
    return [call, *(part for part in parts if part["type"] != "text")]


def _as_result(row: Row, parts: list[Part]) -> list[Part]:
    response, rest = _response(row, parts)
    extra = {"name": row.name} if row.name else {}
    return [build.tool_result(row.call, response, is_error=_failed(row), **extra), *rest]


def _response(row: Row, parts: list[Part]) -> tuple[Any, list[Part]]:
    """Return what a tool was given or gave: its text where that is all, else the content; and the files."""
    rest = [part for part in parts if part["type"] not in ("text", row.kind)]
    texts = [part["content"] for part in parts if part["type"] == "text"]
    if texts or row.kind in (None, "text", "multimodal_text"):
        return "\n".join(texts), rest
    held = build.compact(row.content, ("content_type",))
    return (next(iter(held.values())) if len(held) == 1 and set(held) <= set(_WORDED) else held), rest


def _failed(row: Row) -> bool:
    run = row.metadata.get("aggregate_result")
    if row.kind == "system_error":
        return True
    return isinstance(run, dict) and (
        bool(run.get("in_kernel_exception")) or str(run.get("status") or "").startswith("fail")
    )


# Attachments: what was uploaded; an image stands among the parts as well, under the same id.


def _attach(parts: list[Part], attachments: list[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    pointed = {asset_id(part["file_id"]): part for part in parts if part["type"] == "file" and "file_id" in part}
    for attachment in attachments:
        known = pointed.get(attachment.get("id") or "")
        file = _attachment(attachment, names)
        if known is None:
            parts.append(file)
        else:
            told: Part = {key: value for key, value in file.items() if key in ("name", "mime_type")}
            known.update({**file, **known, **told})


def _attachment(attachment: Mapping[str, Any], names: Mapping[str, str]) -> Part:
    file_id = attachment.get("id")
    return build.file(
        file_id,
        attachment.get("name") or names.get(file_id or ""),
        attachment.get("mimeType") or attachment.get("mime_type"),
        **_rest(attachment, "id", "name", "mimeType", "mime_type"),
    )
