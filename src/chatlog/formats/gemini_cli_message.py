"""What one entry of a Gemini CLI session says: content, thoughts, tool calls with their results.

Pure functions from an entry to a draft, and which words no human wrote.  The order of entries and
the session around them are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from chatlog import tagged
from chatlog.formats import build
from chatlog.formats.gemini_parts import is_error, parts_of, rest, said
from chatlog.models import MessageDraft, Part, joined_text
from chatlog.timespec import instant

#: How text begins that Gemini CLI writes in the user's name, and why it is hidden.
_INJECTED = {
    "System: Please continue.": "next_speaker",
    "<session_context>": "session_context",
    "This is the Gemini CLI.": "session_context",
    "This is Gemini CLI.": "session_context",
    "<hook_context>": "hook_context",
    "<state_snapshot>": "compact_summary",
    "[Function Response:": "function_response",
}
_EMBEDDED = re.compile(r"<(hook_context|session_context)(?=>)")
#: How the project's context begins that a sub-agent is given in a part of its own before its task.
_CONTEXT = re.compile(
    r"\s*(?:<loaded_context>|(?:# Initial Context\s+)?--- (?:Global|Extension|Project|Context from: .*) ---)"
)
#: Where the files begin that a prompt names with an @.
_FILES = "--- Content from referenced files ---"
_TOLD = frozenset(
    ("id", "timestamp", "type", "content", "displayContent", "thoughts", "tokens", "model", "toolCalls", "sessionId")
)
_CALL_TOLD = ("id", "name", "args", "result", "resultDisplay", "renderOutputAsMarkdown")


def message(
    name: str, entry: Mapping[str, Any], parent: str | None, hidden: str | None, answered: Set[str]
) -> MessageDraft:
    """Return the draft of an entry under its name; `answered` are the calls whose results stand beside them.

    `hidden` is a reason known from outside the entry.  Raises one of MALFORMED for a broken one.
    """
    kind = entry["type"]
    if "content" not in entry and isinstance(entry.get("parts"), list):  # as the model's interface spells it
        entry = {**build.without(entry, ("parts",)), "content": entry["parts"]}
    if kind == "user":
        role, text, parts, reason = _user(entry, answered)
    elif kind in ("gemini", "model"):
        role, parts = "assistant", [*_thoughts(entry), *_content(entry), *_tools(entry)]
        text, reason = joined_text(parts), None
    else:
        role, parts = "assistant", parts_of(entry.get("content"))
        text, reason = joined_text(parts), str(kind)
    return build.message(
        role,
        parts,
        text,
        model=entry["model"] if isinstance(entry.get("model"), str) and entry["model"] else None,
        created_at=instant(entry.get("timestamp")),
        source_id=name,
        parent=parent,
        metadata=_facts(entry, reason or hidden),
    )


def _facts(entry: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    facts = build.given(entry, _TOLD)
    if reason is not None and entry.get("displayContent"):
        facts["displayContent"] = entry["displayContent"]
    if entry.get("tokens"):
        facts["usage"] = entry["tokens"]
    if reason is not None:
        facts["hidden_reason"] = reason
    return facts


def _user(entry: Mapping[str, Any], answered: Set[str]) -> tuple[str, str, list[Part], str | None]:
    """Return role, words, parts and the reason to hide of what the model was given in the user's name."""
    parts = parts_of(entry.get("content"))
    if build.are_results(parts):
        repeats = all(part["id"] in answered for part in parts)
        return "tool", "", parts, "function_response" if repeats else None
    text, reason = shown(parts)
    typed = joined_text(parts_of(entry.get("displayContent")))
    return "user", text if reason or not typed else typed, parts, reason


def shown(parts: list[Part]) -> tuple[str, str | None]:
    """Return what a human wrote in some parts, or what was injected instead and why it is hidden."""
    words = [part["content"] for part in parts if part["type"] == "text"]
    begins = next((at for at, text in enumerate(words) if text.strip().startswith(_FILES)), len(words))
    typed = words[:begins] or words
    typed = [text for text in typed if not _CONTEXT.match(text)] or typed
    raw = joined_text({"type": "text", "content": text} for text in typed)
    text = tagged.without(raw, _EMBEDDED).strip() if "_context>" in raw else raw
    start = text.lstrip() or raw.lstrip()
    return text or raw, next((reason for mark, reason in _INJECTED.items() if start.startswith(mark)), None)


def _thoughts(entry: Mapping[str, Any]) -> Iterator[Part]:
    for thought in entry.get("thoughts") or ():
        subject, description = thought.get("subject"), thought.get("description") or ""
        if not isinstance(description, str):
            yield build.raw("thought", thought)
            continue
        text = f"**{subject}**\n\n{description}".strip() if subject else description
        yield build.reasoning(text, **rest(thought, "subject", "description"))


def _content(entry: Mapping[str, Any]) -> Iterator[Part]:
    """Yield the content's parts but for those that the lists of thoughts and tool calls repeat."""
    told = [thought.get("description") or "" for thought in entry.get("thoughts") or ()]
    calls = build.mappings(entry.get("toolCalls"))
    called = {call.get("id") for call in calls}
    asked = [(call.get("name"), call.get("args")) for call in calls]  # the model's own call may have no id
    for part in parts_of(entry.get("content")):
        if part["type"] == "reasoning" and any(text and text in part["content"] for text in told):
            continue
        told_apart = part["type"] == "tool_call" and (
            part["id"] in called or (part["name"], part["arguments"]) in asked
        )
        if not told_apart:
            yield part


def _tools(entry: Mapping[str, Any]) -> Iterator[Part]:
    for call in entry.get("toolCalls") or ():
        made = build.tool_call(call.get("id"), call.get("name"), call.get("args"), **rest(call, *_CALL_TOLD))
        if _is_news(display := call.get("resultDisplay"), call.get("result")):
            made["resultDisplay"] = display
        yield made
        if call.get("result") is not None:
            yield _result(call)


def _is_news(display: Any, result: Any) -> bool:
    """Whether what the terminal showed of a result says more than the result does."""
    if not display:
        return False
    if not isinstance(display, str) or result is None:
        return True
    words = display.split()
    return not any(_stands_in(words, text) for text in _texts(result))


def _stands_in(words: list[str], text: str) -> bool:
    return " ".join(words) in " ".join(text.split())


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a result."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for held in value.values() if isinstance(value, dict) else value:
            yield from _texts(held)


def _result(call: Mapping[str, Any]) -> Part:
    """Return a call's result: what the function answered, with whatever else came along as parts."""
    result = call["result"]
    parts = parts_of(result) if isinstance(result, (str, list)) else []
    answers = [part for part in parts if part["type"] == "tool_call_response"]
    failed = call.get("status") in ("error", "cancelled") or any(part.get("is_error") for part in answers)
    if len(parts) == 1:
        response = parts[0].get("response") if answers else parts[0].get("content", parts)
    else:
        response = parts or said(result)
    return build.tool_result(call.get("id"), response, is_error=failed or is_error(result))


def call_ids(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of an entry's tool calls that hold their results."""
    for call in build.listed(entry.get("toolCalls")):
        if isinstance(call, dict) and call.get("result") is not None and isinstance(call.get("id"), str):
            yield call["id"]
