"""The pieces that readers build drafts from: parts in the OpenTelemetry GenAI shape, messages of them, and their facts.

No format's knowledge lives here.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypedDict, Unpack
from urllib.parse import unquote, urlsplit

from chatlog.formats.jsonstream import BROKEN_JSON, decoded
from chatlog.models import LeftOut, MessageDraft, Part, joined_text

#: A record of a source as it came: an object of JSON, or a row of a table.
Row = Mapping[str, Any]
#: What says nothing where a source has it.
EMPTY: tuple[object, ...] = (None, "", [], {})
_DRIVE = re.compile(r"/[A-Za-z]:")
_REMINDER = r"<(system-reminder)(?=>)"
#: What is longer or has blanks may be somebody's words rather than a name.
_KIND = r"[\w-]{1,40}"


def text(content: str, **extra: Any) -> Part:
    """Return a text part."""
    return {"type": "text", "content": content, **extra}


def reasoning(content: str, **extra: Any) -> Part:
    """Return a reasoning part (thinking, thoughts)."""
    return {"type": "reasoning", "content": content, **extra}


def reasoning_parts(payload: Mapping[str, Any]) -> list[Part]:
    """Return what can be read of an item of reasoning: its summary, and its own words where they were kept."""
    found = []
    for key in ("summary", "content"):
        held = payload.get(key)
        for piece in [held] if isinstance(held, str) else held or ():
            words = piece if isinstance(piece, str) else piece.get("text")
            if isinstance(words, str) and words:
                found.append(reasoning(words))
    return found


def tool_call(call_id: str | None, name: str | None, arguments: Any, /, **extra: Any) -> Part:
    """Return a tool call; `arguments` are as the model gave them, parsed where they were JSON text."""
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments, **extra}


def tool_result(call_id: str | None, response: Any, /, *, is_error: bool = False, **extra: Any) -> Part:
    """Return the answer to the tool call `call_id`."""
    part: Part = {"type": "tool_call_response", "id": call_id, "response": response, **extra}
    return {**part, "is_error": True} if is_error else part


def answer(parts: Sequence[Part]) -> Any:
    """Return what a tool gave back: its text where that is all, its parts where there is more."""
    return joined_text(parts) if all(part["type"] == "text" for part in parts) else parts


def are_results(parts: Sequence[Part]) -> bool:
    """Whether parts are what tools gave back and nothing else, in whoever's name they stand."""
    return bool(parts) and all(part["type"] == "tool_call_response" for part in parts)


def blob(mime_type: str | None, content: str, **extra: Any) -> Part:
    """Return inline bytes, `content` in base64."""
    return {"type": "blob", "mime_type": mime_type, "content": content, **extra}


def file(file_id: str | None, name: str | None = None, mime_type: str | None = None, **extra: Any) -> Part:
    """Return a reference to a file that the source names but does not hold."""
    part: Part = {"type": "file", "file_id": file_id, "name": name, "mime_type": mime_type, **extra}
    return {key: value for key, value in part.items() if value is not None}


def uri(address: str, mime_type: str | None = None, **extra: Any) -> Part:
    """Return a reference by address."""
    part: Part = {"type": "uri", "uri": address, "mime_type": mime_type, **extra}
    return {key: value for key, value in part.items() if value is not None}


def addressed(address: str, **extra: Any) -> Part:
    """Return the bytes that an address itself holds, as a data URL in base64 does, else a reference by it."""
    head, comma, content = address.partition(";base64,")
    if comma and head.startswith("data:"):
        return blob(head.removeprefix("data:") or None, content, **extra)
    return uri(address, **extra)


_OURS = frozenset({"text", "reasoning", "tool_call", "tool_call_response", "blob", "file", "uri"})


def local_path(address: str) -> str:
    """Return the path that a ``file:`` address names, on Windows and on a server too; any other text as it is."""
    if not address.startswith("file:"):
        return address
    _, server, path, *_ = urlsplit(address)
    named = unquote(f"//{server}{path}" if server else path)
    return named[1:] if _DRIVE.match(named) else named


def raw(kind: Any, values: Mapping[str, Any]) -> Part:
    """Return what a source holds as it came, under its own type; one named like ours gets another name."""
    name = word(kind) or "unknown"
    own = {"source_type": values["type"]} if values.get("type", name) != name else {}
    return {**values, **own, "type": f"source_{name}" if name in _OURS else name}


def only_text(parts: Iterable[Part], shown: str) -> bool:
    """Whether `shown` is all that the parts say, so that they need not be kept beside it."""
    found = list(parts)
    return not found or found == [{"type": "text", "content": shown}]


def kept(parts: Sequence[Part], shown: str) -> tuple[Part, ...] | None:
    """Return the parts to keep beside `shown`, None where that is all they say."""
    return None if only_text(parts, shown) else tuple(parts)


def said(parts: Sequence[Part]) -> tuple[str, tuple[Part, ...] | None]:
    """Return what a person reads of some parts, and the parts to keep beside it."""
    shown = joined_text(parts)
    return shown, kept(parts, shown)


class Facts(TypedDict, total=False):
    """What a message has besides its role and what it says."""

    author: str | None
    model: str | None
    created_at: str | None
    source_id: str | None
    parent: str | None
    conversation: str | None
    metadata: dict[str, Any]


def message(
    role: str,
    said: Sequence[Part] | str,
    shown: str | None = None,
    *,
    reason: str | None = None,
    **facts: Unpack[Facts],
) -> MessageDraft:
    """Return a message of some parts or a text; `shown` is what a person reads where that is not theirs.

    It is hidden for a `reason`, given here or as ``hidden_reason`` in its metadata.
    """
    parts = [text(said)] if isinstance(said, str) else said
    words = joined_text(parts) if shown is None else shown
    told = facts.setdefault("metadata", {})
    if reason is not None:
        facts["metadata"] = told = {**told, "hidden_reason": reason}
    is_hidden = told.get("hidden_reason") is not None
    return MessageDraft(role=role, text=words, parts=kept(parts, words), hidden=is_hidden, **facts)


def instructions(words: str | None) -> list[MessageDraft]:
    """Return the message that the instructions of an assistant are, none where it has none."""
    return [MessageDraft(role="system", text=words, source_id="instructions")] if words else []


def without_reminders(text: str) -> str:
    """Return a text without what an agent's program tells its model in the middle of it."""
    if "<system-reminder>" not in text:
        return text
    from chatlog import tagged

    return tagged.without(text, re.compile(_REMINDER)).strip()


def parsed(arguments: Any) -> Any:
    """Return the value of JSON text that holds an object or array; anything else as it is."""
    if not isinstance(arguments, str) or arguments[:1] not in ("{", "["):
        return arguments
    try:
        return decoded(arguments)
    except BROKEN_JSON:
        return arguments


def rest(values: Mapping[str, Any], told: Container[str] = (), empty: tuple[object, ...] = EMPTY) -> dict[str, Any]:
    """Return the entries that say something, without those whose keys are `told` elsewhere."""
    return {key: fact for key, fact in values.items() if key not in told and fact not in empty}


def without(values: Mapping[str, Any], told: Container[str]) -> dict[str, Any]:
    """Return the entries but those whose keys are `told` elsewhere."""
    return {key: fact for key, fact in values.items() if key not in told}


def given(values: Mapping[str, Any], told: Container[str] = ()) -> dict[str, Any]:
    """Return the entries that are not None, without those whose keys are `told` elsewhere."""
    return {key: fact for key, fact in values.items() if key not in told and fact is not None}


def others(block: Mapping[str, Any], *told: str) -> dict[str, Any]:
    """Return what else a block of content says, beside its type and what is `told` elsewhere."""
    return {key: fact for key, fact in block.items() if key != "type" and key not in told and fact is not None}


def renamed(facts: Mapping[str, Any], own: Container[str]) -> dict[str, Any]:
    """Return facts of a source, those whose names are a part's `own` under other names."""
    return {f"source_{key}" if key in own else key: fact for key, fact in facts.items()}


def compact(values: Mapping[str, Any], told: Container[str] = ()) -> dict[str, Any]:
    """Return the `rest` where false, and so zero, says nothing either."""
    return {key: fact for key, fact in values.items() if fact and key not in told}


def picked(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return the entries under some keys that say something, which false, and so zero, does not."""
    return {key: fact for key in keys if (fact := values.get(key))}


def word(value: object) -> str | None:
    """Return a text that says something, None for anything else."""
    return value if isinstance(value, str) and value else None


def string(value: object) -> str:
    """Return a value that must be text.  Raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError("a text that is none")
    return value


def mapping(value: object) -> dict[str, Any]:
    """Return a value that is an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def within(value: object, *keys: str) -> Any:
    """Return what lies under some keys, each in the object under the one before; None where one is not there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def listed(value: object) -> list[Any]:
    """Return a value that is a list, an empty one for anything else."""
    return value if isinstance(value, list) else []


def mappings(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list, none of anything else."""
    return [item for item in listed(value) if isinstance(item, dict)]


def kind_name(kind: object, names: str | re.Pattern[str] = _KIND) -> str:
    """Return the name that a source gives a kind of entry, for a count of those; "unknown" where it is no name."""
    return kind if isinstance(kind, str) and re.fullmatch(names, kind) else "unknown"


def left_out(counts: Mapping[str, int]) -> Iterator[LeftOut]:
    """Yield how much was left out of each kind, in the order in which it was met."""
    return (LeftOut(what, count) for what, count in counts.items() if count)


def first_moment(drafts: Iterable[MessageDraft]) -> str | None:
    """Return the time of the first message that has one."""
    return next((draft.created_at for draft in drafts if draft.created_at), None)


def last_model(drafts: Sequence[MessageDraft]) -> str | None:
    """Return the model of the last message that names one."""
    return next((draft.model for draft in reversed(drafts) if draft.model), None)
