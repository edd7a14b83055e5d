"""What one message of a Cline, Roo Code or Kilo Code task says.

The extensions wrap what a person typed, put the state of the editor behind it, and hand a tool's
result over as words of the user: this takes them apart again.  Files are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from chatlog import tagged
from chatlog.formats import anthropic_messages, build, cline_calls
from chatlog.formats.build import Row
from chatlog.formats.calls import Calls
from chatlog.models import MessageDraft, Part, joined_text
from chatlog.timespec import instant

_DETAILS = re.compile(r"(?:(?<!\s)\s+)?<environment_details>.*?(?:</environment_details>|\Z)\s*", re.DOTALL)
#: What a person typed, in the tags it was sent in.
_TYPED = re.compile(r"<(task|feedback|user_message|answer|user_feedback|user_input)(?=[ >])")
#: The words before a tool's result.
_RESULT = re.compile(r"\s*\[([\w-]+)(?: [^\n]*)?\] Result:")
#: How a block begins that the extension wrote, in lower case: versions differ in that.
_INJECTED = (
    "<environment_details>",
    "# task_progress",
    "files attached by the user:",
    "[task resumption]",
    "(the user did not provide a new message.",
    "# todo list (optional",
    "# todo list creation required",
    "# todo list recommended",
    "# todo list update required",
    "[error] you did not use a tool",
    "<system_notice>",
    "<hook_context",
    "<file_content",
    "<cline_internal_prompt",
    "the user approved switching to act mode. continue",
    "system-delivered teammate async run updates:",
)
#: What Cline puts among the words that were typed, and a command that it wrote out.
_NOTICES = re.compile(r"<(mode_notice|environment_notice|editor_state)(?=[ >])")
_COMMAND = re.compile(r"<(user_command)(?= slash=\"([^\"]+)\")")
_TEAM = "spawn a team of agents for the following task:"
#: The kinds of a session's messages that are nobody's.
_NOTES = frozenset(
    {
        "recovery_notice", "loop_detection_notice", "mistake_stop_notice", "completion_reminder",
        "overflow_truncation", "compaction_summary",
    }
)  # fmt: skip
_FOLDER = re.compile(r"# Current (?:Working|Workspace) Directory \(([^()\n]+(?:\([^()\n]*\)[^()\n]*)*)\)")
_MODEL = re.compile(r"<model>([^<]+)</model>")
_TOLD = frozenset({"role", "content", "id", "ts", "modelInfo", "metrics", "type"})
#: Types of ours that a block of another shape may have too.
_OTHERS = ("reasoning", "file", "blob", "uri", "tool_call", "tool_call_response")


class Environment(NamedTuple):
    """What the editor told of itself: the folder and the model."""

    folder: str | None = None
    model: str | None = None


def environment(row: Row) -> Environment:
    """Return what the editor's details in a message tell."""
    content = row.get("content")
    blocks = content if isinstance(content, list) else [{"text": content}]
    details = [
        match[0] for block in blocks if isinstance(block, dict) for match in _DETAILS.finditer(str(block.get("text")))
    ]
    folder, model = (pattern.search("\n".join(details)) for pattern in (_FOLDER, _MODEL))
    return Environment(folder[1] if folder else None, model[1] if model else None)


def message(row: Row, calls: Calls) -> MessageDraft:
    """Return the draft of one message, after `calls` that wait for a result.

    Raises one of MALFORMED where it is not one.
    """
    if row["role"] not in ("user", "assistant"):
        raise ValueError("a message whose role is not known")
    content = row["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    if row["role"] == "assistant":
        calls.forget()
        parts = tuple(part for block in blocks for part in _said(block, calls))
        return _draft(row, "assistant", cline_calls.told(parts), parts)
    return _user(row, blocks, calls)


def _said(block: dict[str, Any], calls: Calls) -> Iterator[Part]:
    """Yield the parts of a block of an answer, and note its calls."""
    if block.get("type") == "text" and isinstance(block.get("text"), str) and "</" in block["text"]:
        yield from cline_calls.parts(block["text"], calls)
        return
    part = _part(block)
    if part["type"] == "tool_call":
        calls.called(part.get("id"), part.get("name"))
    yield part


def _part(block: dict[str, Any]) -> Part:
    match block:
        case {"type": "file", "content": str(content)}:
            return build.file(None, block.get("path"), content=content)
        case {"type": "reasoning", "text": str(thought)}:
            return {**build.others(block, "text", "content"), **build.reasoning(thought)}
        case {"type": "image", "data": str(data)}:
            rest = build.others(block, "data", "mediaType")
            return build.blob(block.get("mediaType"), data, modality="image", **rest)
    return build.raw(block["type"], block) if block.get("type") in _OTHERS else anthropic_messages.part(block)


def _user(row: Row, blocks: list[Any], calls: Calls) -> MessageDraft:
    """Return a user's message: what was typed is its text; one of nothing but results is the tool's."""
    parts = tuple(_with_results(blocks, calls))
    typed = [words for part in parts if (words := _typed(part))]
    results = any(part["type"] == "tool_call_response" for part in parts)
    if typed or any(part["type"] not in ("text", "tool_call_response") and "tool_use_id" not in part for part in parts):
        return _draft(row, "user", "\n\n".join(typed), parts)
    if results:
        return _draft(row, "tool", "", parts)
    return _draft(row, "user", joined_text(parts), parts, hidden="environment_details")


def _with_results(blocks: list[Any], calls: Calls) -> Iterator[Part]:
    """Yield the parts of a user's blocks, words that are a tool's result as that."""
    gathered: list[str] = []
    for block in blocks:
        words = block.get("text") if block.get("type") == "text" else None
        begins = isinstance(words, str) and _RESULT.match(words) is not None
        if gathered and (begins or not isinstance(words, str) or _is_injected(words) or _is_typed(words)):
            yield _result(gathered, calls)
            gathered = []
        if isinstance(words, str) and (begins or gathered):
            gathered.append(words)
        else:
            part = _part(block)
            if part["type"] == "tool_call_response":
                calls.answered(part.get("id"), None)
            yield part
    if gathered:
        yield _result(gathered, calls)


def _result(gathered: list[str], calls: Calls) -> Part:
    """Return the result that words are, of the call of that name that waits for one."""
    named = _RESULT.match(gathered[0])
    name = named[1] if named else None
    answered = calls.answered(None, name)
    return {**({"name": name} if name else {}), **build.tool_result(answered, "\n".join(gathered))}


def _is_injected(words: str) -> bool:
    return words.lstrip()[:50].lower().startswith(_INJECTED)


def _is_typed(words: str) -> bool:
    piece = tagged.first(words, _TYPED) if words.startswith("<") else None
    return piece is not None and piece.start == 0


def _typed(part: Part) -> str:
    """Return what a person typed of a part: its words without what was put around and behind them."""
    words = part.get("content") if part["type"] == "text" else part.get("response")
    if isinstance(words, list):
        words = joined_text({**item, "content": item.get("text")} for item in words if isinstance(item, dict))
    if not isinstance(words, str):
        return ""
    pieces = list(tagged.pieces(words, _TYPED))
    if pieces or part["type"] != "text":
        return "\n\n".join(filter(None, (_bare(piece.inner) for piece in pieces)))
    return _bare(words)


def _bare(words: str) -> str:
    """Return words without what Cline put among and behind them, its commands as they are typed."""
    kept = tagged.without(words, _NOTICES) if _NOTICES.search(words) else words
    if _is_injected(kept):
        return ""
    return "".join(map(_commanded, tagged.split(_DETAILS.sub("", kept), _COMMAND))).strip()


def _commanded(piece: str | tagged.Piece) -> str:
    if isinstance(piece, str):
        return piece
    return f"/{piece.tag[2]} {piece.inner.strip().removeprefix(_TEAM).strip()}"


def _draft(row: Row, role: str, text: str, parts: tuple[Part, ...], hidden: str | None = None) -> MessageDraft:
    facts = build.compact(row, _TOLD)
    if row.get("metrics"):
        facts["usage"] = row["metrics"]
    if isinstance(info := row.get("modelInfo"), dict):
        facts["modelInfo"] = info
    hidden = _reason(row) or hidden
    if hidden:
        facts["hidden_reason"] = hidden
    return build.message(
        role,
        parts,
        text,
        model=model_of(row),
        created_at=instant(row.get("ts")),
        source_id=row["id"] if isinstance(row.get("id"), str) else None,
        metadata=facts,
    )


def _reason(row: Row) -> str | None:
    """Return why a message is nobody's: it stands for what was left out of a context, or Cline told the model so."""
    facts = build.mapping(row.get("metadata"))
    kind, role = facts.get("kind"), facts.get("displayRole")
    if row.get("isSummary") or row.get("compactionSummary") or kind == "compaction_summary":
        return "summary"
    if kind in _NOTES or (role in ("system", "status") and kind != "compaction"):
        return str(kind or role)
    return None


def model_of(row: Row) -> str | None:
    """Return the model that a message says it is from."""
    info = build.mapping(row.get("modelInfo"))
    return build.word(info.get("modelId") or info.get("id"))
