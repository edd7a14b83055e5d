"""What an entry of pi's sessions, or of oh-my-pi's, says: messages by their role, summaries, what was injected.

Entries are linked to each other by `pi_agent`; files are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from chatlog.formats import build
from chatlog.formats.build import Row
from chatlog.models import MessageDraft, Part
from chatlog.timespec import instant

_MESSAGE_TOLD = frozenset({"role", "content", "timestamp", "model", "toolCallId", "isError", "display"})
_ENTRY_TOLD = frozenset({"type", "id", "parentId", "timestamp", "content", "display", "summary", "message"})
#: How oh-my-pi names a picture that it keeps in a file of its own.
_KEPT_APART = "blob:"


def message(entry: Row) -> MessageDraft | None:
    """Return the message that an entry is, None for one that is none.  Raises one of MALFORMED."""
    convert = _MESSAGES.get(entry["type"])
    return convert(entry) if convert else None


def _message(entry: Row) -> MessageDraft:
    value = entry["message"]
    convert = _ROLES.get(value["role"])
    if convert is None:
        raise ValueError("a message whose role is not known")
    return convert(value, instant(value.get("timestamp")) or instant(entry.get("timestamp")))


def _facts(value: Row) -> dict[str, Any]:
    return build.compact(value, _MESSAGE_TOLD)


def _spoken(role: str, value: Row, moment: str | None) -> MessageDraft:
    parts = tuple(_parts(value.get("content")))
    return build.message(
        role,
        parts,
        model=build.word(value.get("model")),
        created_at=moment,
        metadata=_facts(value),
    )


def _tool_result(value: Row, moment: str | None) -> MessageDraft:
    facts = _facts(value)
    told = {new: facts.pop(key) for key, new in (("toolName", "name"), ("details", "details")) if key in facts}
    content, pictures = value.get("content"), list[Part]()
    if isinstance(content, list):
        pictures = [_part(block) for block in content if _is_picture(block)]
        content = [block for block in content if not _is_picture(block)]
    result = build.tool_result(value.get("toolCallId"), _response(content), is_error=bool(value.get("isError")))
    return MessageDraft(role="tool", parts=({**told, **result}, *pictures), created_at=moment, metadata=facts)


def _is_picture(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "image" and isinstance(block.get("data"), str)


def _response(content: Any) -> Any:
    """Return what a tool gave back: its text where that is all, else the blocks as they came."""
    blocks = build.listed(content)
    if blocks and all(isinstance(block, dict) and block.get("type") == "text" for block in blocks):
        return "\n".join(block["text"] for block in blocks)
    return content


def _shell(value: Row, moment: str | None) -> MessageDraft:
    """Return a command that the user ran, in the words pi tells the model."""
    return _ran(value, f"Ran `{value['command']}`", "bash_execution", moment)


def _python(value: Row, moment: str | None) -> MessageDraft:
    """Return the Python that the user ran."""
    return _ran(value, f"Ran Python:\n```python\n{value['code']}\n```", "python_execution", moment)


def _ran(value: Row, words: str, kind: str, moment: str | None) -> MessageDraft:
    output = value.get("output") or "(no output)"
    part = {**value, "type": kind}
    return MessageDraft(role="user", text=f"{words}\n```\n{output}\n```", parts=(part,), created_at=moment)


def _developer(value: Row, moment: str | None) -> MessageDraft:
    """Return what the program reminds the model of."""
    return _hidden(_spoken("developer", value, moment), "instructions")


def _mentioned(value: Row, moment: str | None) -> MessageDraft:
    """Return the files that a prompt mentions, with what they held."""
    files = tuple(_mentioned_file(held) for held in value["files"])
    return _hidden(MessageDraft(role="user", parts=files, created_at=moment), "fileMention")


def _mentioned_file(held: Row) -> Part:
    name, picture = held["path"].replace("\\", "/").rpartition("/")[2], held.get("image")
    if isinstance(picture, dict):
        return {**_part({"type": "image", **picture}), "name": name}
    return build.file(held["path"], name, content=held.get("content"))


def _hidden(made: MessageDraft, reason: str) -> MessageDraft:
    return made._replace(hidden=True, metadata={**made.metadata, "hidden_reason": reason})


def _injected(value: Row, moment: str | None) -> MessageDraft:
    """Return what an extension said in the user's place, hidden unless it was shown; then it is the author."""
    made, name = _spoken("user", value, moment), value.get("customType") or "custom"
    return made._replace(author=str(name)) if value.get("display") else _hidden(made, name)


def _summary(value: Row, moment: str | None, reason: str | None = None) -> MessageDraft:
    summary = build.string(value["summary"])
    facts = build.compact(value, (*_ENTRY_TOLD, "role"))
    why = reason or value.get("role") or "summary"
    return build.message("user", summary, reason=why, created_at=moment, metadata=facts)


def _summary_entry(entry: Row) -> MessageDraft:
    return _summary(entry, instant(entry.get("timestamp")), entry["type"])


def _custom_entry(entry: Row) -> MessageDraft:
    return _injected(build.without(entry, ("type", "id", "parentId")), instant(entry.get("timestamp")))


def _begun(entry: Row) -> MessageDraft:
    """Return the instructions that oh-my-pi gave an agent of its own."""
    told = entry["systemPrompt"]
    text = told if isinstance(told, str) else "\n\n".join(told)
    facts = build.without(entry, (*_ENTRY_TOLD, "systemPrompt"))
    made = MessageDraft(role="system", text=text, created_at=instant(entry.get("timestamp")), metadata=facts)
    return _hidden(made, "instructions")


_ROLES: dict[Any, Callable[[Row, str | None], MessageDraft]] = {
    "user": partial(_spoken, "user"),
    "developer": _developer,
    "assistant": partial(_spoken, "assistant"),
    "toolResult": _tool_result,
    "bashExecution": _shell,
    "pythonExecution": _python,
    "fileMention": _mentioned,
    "custom": _injected,
    "hookMessage": _injected,
    "branchSummary": _summary,
    "compactionSummary": _summary,
}
_MESSAGES: dict[Any, Callable[[Row], MessageDraft]] = {
    "message": _message,
    "message_end": _message,
    "session_init": _begun,
    "compaction": _summary_entry,
    "branch_summary": _summary_entry,
    "custom_message": _custom_entry,
}


def _parts(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield build.text(content)
    elif content is not None:
        yield from map(_part, content)


def _part(block: Row) -> Part:
    match block:
        case {"type": "text", "text": str(words)}:
            return {**_rest(block, "text", "content"), **build.text(words)}
        case {"type": "thinking", "thinking": str(thought)}:
            known = build.reasoning(thought)
            return {**_rest(block, "thinking", "content", "thinkingSignature"), **_signature(block), **known}
        case {"type": "toolCall"}:
            call = build.tool_call(block.get("id"), block.get("name"), block.get("arguments"))
            return {**_rest(block, "partialJson"), **call}
        case {"type": "image", "data": str(data)} if data.startswith(_KEPT_APART):
            return build.file(data, mime_type=build.word(block.get("mimeType")), modality="image")
        case {"type": "image", "data": str(data)}:
            return build.blob(block.get("mimeType"), data, modality="image")
    return build.raw(block.get("type"), block)


def _rest(block: Row, *told: str) -> dict[str, Any]:
    return build.given(block, told)


def _signature(block: Row) -> dict[str, Any]:
    return {"signature": block["thinkingSignature"]} if block.get("thinkingSignature") else {}
