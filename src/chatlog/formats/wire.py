"""Messages as scripts pipe them in: chatlog's own form, OpenAI's or Anthropic's, or an API's answer.

Recognises the form message by message and says plainly what is wrong with any other.  Errors
name the place, never the words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatlog.errors import UsageError
from chatlog.formats import MALFORMED, build, datasets, openai_content
from chatlog.formats.calls import Calls
from chatlog.models import IMPORTANCES, ROLES, MessageDraft, joined_text
from chatlog.timespec import instant

_FORMS = 'write {"role": …, "text": …}, or a message in OpenAI\'s or Anthropic\'s form, or an array of them'
#: Keys of a stored message that say where it was; they mean nothing where it goes.
_OF_RECORDS = frozenset({"ref", "conversation", "seq", "tokens", "sha256"})


def drafts(value: Any) -> list[MessageDraft]:
    """Return the drafts of one message, an array of them, or an API's request or answer.

    Raises UsageError where something is none of these, naming which message it is.
    """
    messages, calls = _messages(value), Calls()
    several = isinstance(value, list) or len(messages) > 1
    return [
        _draft(item, f"message {number}" if several else "the message", calls)
        for number, item in enumerate(messages, 1)
    ]


def _messages(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        raise UsageError("the input is neither a message nor an array of messages", _FORMS)
    if isinstance(value.get("messages"), list):
        system = value.get("system")
        return [*([{"role": "system", "content": system}] if system else []), *value["messages"]]
    if "choices" in value:
        return [_completion(value)]
    if "role" not in value and value.get("error") is not None:
        raise UsageError("the input is an API's error, not a message", "nothing was added; ask the API again")
    return [value]


def _completion(value: dict[str, Any]) -> dict[str, Any]:
    """Return the message of a chat completion: that of its first choice."""
    try:
        return next(iter(datasets.completion_messages(value)))
    except (StopIteration, *MALFORMED):
        raise UsageError("the chat completion holds no message", "it should have choices[0].message") from None


def _draft(value: Any, place: str, calls: Calls) -> MessageDraft:
    if not isinstance(value, dict):
        raise UsageError(f"{place} is not a JSON object", _FORMS)
    if value.get("role") not in (*ROLES, "function"):
        raise UsageError(f"{place} has no role that chatlog knows", f"one of: {', '.join(ROLES)}")
    own = {key: value[key] for key in _OWN if value.get(key) is not None}
    for key, fact in own.items():
        if not _OWN[key](fact):
            raise UsageError(f"the '{key}' of {place} is not {_WANTED[key]}", _FORMS)
    if "created_at" in own:
        own["created_at"] = instant(own["created_at"])
    if "ref" in value:
        own.pop("parent", None)
    said = {key: fact for key, fact in value.items() if key not in _OWN and key not in _OF_RECORDS}
    return _placed(_said(said, place, calls), own)


def _said(value: dict[str, Any], place: str, calls: Calls) -> MessageDraft:
    """Return what a message says, in whichever of the forms."""
    if "text" in value or "parts" in value:
        return _own_form(value, place)
    if all(value.get(key) is None for key in datasets.SAYS):
        raise UsageError(f"{place} has neither text nor content", _FORMS)
    if not isinstance(value.get("content"), (str, list, type(None))):
        raise UsageError(f"{place} has a content that is neither text nor a list of parts", _FORMS)
    try:
        made = openai_content.message(value, calls)
    except MALFORMED:
        raise UsageError(f"{place} is in no form that chatlog knows", _FORMS) from None
    if made.source_id is None:
        return made
    return made._replace(source_id=None, metadata={**made.metadata, "id": made.source_id})


def _own_form(value: dict[str, Any], place: str) -> MessageDraft:
    text, parts = value.get("text"), value.get("parts")
    if not isinstance(text, (str, type(None))):
        raise UsageError(f"{place} has a text that is not a string", _FORMS)
    if not _is_parts(parts):
        raise UsageError(f"{place} has parts that are not a list of objects with a type", _FORMS)
    if text is None and parts is None:
        raise UsageError(f"{place} has neither text nor content", _FORMS)
    shown = joined_text(parts or ()) if text is None else text
    kept = None if parts is None else build.kept(parts, shown)
    facts = build.without(value, ("role", "text", "parts"))
    role = "tool" if value["role"] == "function" else value["role"]
    return MessageDraft(role=role, text=shown, parts=kept, metadata=facts)


def _is_parts(parts: Any) -> bool:
    return parts is None or (isinstance(parts, list) and all(_is_part(part) for part in parts))


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        return False
    return part["type"] != "text" or isinstance(part.get("content"), str)


def _placed(made: MessageDraft, own: dict[str, Any]) -> MessageDraft:
    """Return the message with what the caller says of it."""
    metadata = {**made.metadata, **own.pop("metadata", {})}
    return made._replace(metadata=metadata, **own)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


#: chatlog's own keys beside the content: what each must be, and how an error says so.
_OWN: dict[str, Callable[[Any], bool]] = {
    "author": _is_text,
    "created_at": lambda value: instant(value) is not None,
    "source_id": _is_text,
    "parent": lambda value: isinstance(value, (str, int)) and not isinstance(value, bool),
    "model": _is_text,
    "metadata": lambda value: isinstance(value, dict),
    "hidden": lambda value: isinstance(value, bool),
    "importance": lambda value: value in IMPORTANCES,
    "key": _is_text,
}
_WANTED = {
    "author": "a string",
    "created_at": "a time",
    "source_id": "a string",
    "parent": "a message's number or source id",
    "model": "a string",
    "metadata": "an object",
    "hidden": "true or false",
    "importance": "one of keep, summarize, discard",
    "key": "a string",
}
