"""What one item of a Codex thread says: messages, reasoning, calls and results of any generation.

Pure functions from an item's payload to parts, and which words no human wrote.  Nothing here knows
the thread around an item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import build
from chatlog.formats.jsonstream import BROKEN_JSON, decoded
from chatlog.models import ROLES, Part, joined_text

Payload = Mapping[str, Any]

#: How text begins that Codex writes in the user's name, and why it is hidden.
_INJECTED = {
    "# AGENTS.md instructions": "instructions",
    "<INSTRUCTIONS>": "instructions",
    "<user_instructions>": "instructions",
    "<permissions instructions>": "instructions",
    "<environment_context>": "environment_context",
    "<turn_aborted>": "turn_aborted",
    "<user_action>": "user_action",
    "<user_shell_command>": "user_shell_command",
    "<subagent_notification>": "subagent_notification",
    "<collaboration_mode>": "collaboration_mode",
    "<skill>": "skill",
    "Another language model started to solve this problem": "compact_summary",
}
#: Text that is one element from its beginning to its end is Codex's too, whatever it is called.
_WRAPPED = re.compile(r"\s*<([a-z][a-z0-9]*_[a-z0-9_]+)(?: [^<>]*)?>.*</\1>\s*", re.DOTALL)
#: The kind of a piece that a human typed.
_TYPED = "user.text"
_IDE = "# Context from my IDE setup:"
_REQUEST = re.compile(r"^## My request for Codex:[ \t]*\n?", re.MULTILINE)
_IMAGE_TAG = re.compile(r"\s*</?image\b[^<>]*>\s*")
#: How the head of a tool's output says that it failed: by a shell's exit code, or as a script of calls.
_FAILED = re.compile(
    r"(?:Exit code: |(?:Command: (?:.*\n){1,40}?)?(?:Chunk ID: .*\n)?(?:Wall time: .*\n)?Process exited with code )"
    r"(?!0\n)-?\d+\n|Script failed\nWall time "
)
#: What Codex takes out of an answer before it shows it: the memories that it cites, and in plan mode the plan.
_CITED = re.compile(r"<oai-mem-citation>(.*?)(?:</oai-mem-citation>|\Z)", re.DOTALL)
_PLAN = re.compile(
    r"^[ \t]*<proposed_plan>[ \t]*\n.*?(?:^[ \t]*</proposed_plan>[ \t]*(?:\n|\Z)|\Z)", re.DOTALL | re.MULTILINE
)
_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
#: Where a picture or a sound has its address, and what it is.
_MEDIA = {
    "input_image": ("image_url", "image"),
    "image_url": ("image_url", "image"),
    "input_audio": ("audio_url", "audio"),
}
#: Names that parts use themselves.
_OWN = frozenset(("type", "id", "name", "arguments", "content", "response", "is_error"))
_CALL_TOLD = frozenset(
    ("type", "call_id", "name", "arguments", "input", "action", "function", "created_at", "execution")
)
_RESULT_TOLD = frozenset(("type", "call_id", "output", "result", "created_at"))
_MESSAGE_TOLD = frozenset(("type", "role", "content", "message", "created_at", "timestamp", "author", "record_type"))


@dataclass(frozen=True, slots=True)
class View:
    """A message as it is kept: who speaks, what a person reads, everything, and why it is hidden."""

    role: str
    text: str
    parts: list[Part]
    reason: str | None = None
    author: str | None = None
    model: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def texts(self) -> Iterator[str]:
        """Yield the texts that an event telling the same message may have."""
        pieces = [part["content"].strip() for part in self.parts if part["type"] == "text"]
        yield from pieces
        if len(pieces) != 1:
            yield "".join(pieces)
            yield "\n".join(pieces)
        if self.role == "user" and self.text not in pieces:
            yield self.text
        if self.role == "assistant" and (beside := _PLAN.sub("", self.text).strip()) not in ("", *pieces):
            yield beside


def message_view(payload: Payload) -> View:
    """Return the view of a message.  Raises one of MALFORMED for an item that is none."""
    role = payload.get("role", "user" if payload.get("type") == "agent_message" else None)
    if role not in ROLES:
        raise ValueError("a message whose role is not known")
    content = payload["content"] if "content" in payload else payload.get("message")
    parts = content_parts(content)
    text, reason = joined_text(parts), None
    if role == "user":
        text, reason = shown(parts, _kinds(payload, len(parts)))
    elif role != "assistant":
        reason = "instructions"
    if payload.get("type") == "agent_message":
        reason = "agent_message"
    author, model = payload.get("author"), payload.get("model")
    facts = build.rest(payload, _MESSAGE_TOLD)
    if role == "assistant" and (cited := _CITED.findall(text)):
        parts = [_without_citation(part) for part in parts]
        text, facts["memory_citation"] = joined_text(parts), "\n".join(cited).strip()
    facts.pop("model", None)
    return View(role, text, parts, reason, build.word(author), build.word(model), facts)


def _without_citation(part: Part) -> Part:
    return {**part, "content": _CITED.sub("", part["content"])} if part["type"] == "text" else part


def _kinds(payload: Payload, count: int) -> list[Any]:
    """Return of what kind each piece of a message is, which 0.155 says; None where nothing does."""
    kinds = build.within(payload, "internal_chat_message_metadata_passthrough", "content_item_kinds")
    return kinds if isinstance(kinds, list) and len(kinds) == count else [None] * count


def shown(parts: list[Part], kinds: Iterable[Any]) -> tuple[str, str | None]:
    """Return what a human wrote in a message, or what was injected instead and why it is hidden."""
    words = [(part["content"], kind) for part, kind in zip(parts, kinds, strict=True) if part["type"] == "text"]
    pieces = [_seen(word, kind) for word, kind in words if word and not _IMAGE_TAG.fullmatch(word)]
    typed = [text for text, reason in pieces if reason is None]
    if typed or not pieces:
        return "\n\n".join(typed), None
    return "\n\n".join(text for text, _ in pieces), pieces[0][1]


def _seen(text: str, kind: Any) -> tuple[str, str | None]:
    """Return what is to be read of one piece of text, and why it is hidden where no human wrote it."""
    read, reason = _looked_at(text)
    if kind == _TYPED:
        return (read if reason is None else text), None
    told = isinstance(kind, str) and kind != "unknown" and not kind.startswith("user.")
    return read, reason or (kind if told else None)


def _looked_at(text: str) -> tuple[str, str | None]:
    start = text.lstrip()
    if start.startswith(_IDE):
        asked = _REQUEST.split(text, maxsplit=1)
        return (asked[1].strip() or text, None) if len(asked) > 1 else (text, "ide_context")
    if start.startswith(("<", "#", "A")):
        for mark, reason in _INJECTED.items():
            if start.startswith(mark):
                return text, reason
        if start.startswith("<") and (wrapped := _WRAPPED.fullmatch(start)):
            return text, wrapped[1]
    return text, None


def content_parts(content: Any) -> list[Part]:
    """Return the parts of a message's or result's content.  Raises TypeError for what is none."""
    if content is None:
        return []
    if isinstance(content, str):
        return [build.text(content)] if content else []
    if isinstance(content, dict):
        return [_piece(content)]
    if not isinstance(content, list):
        raise TypeError("a content that is neither text nor a list")
    return [_piece(piece) for piece in content]


def _piece(piece: Any) -> Part:
    if isinstance(piece, str):
        return build.text(piece)
    kind = piece.get("type")
    if kind in _TEXTS and isinstance(piece.get("text"), str):
        return build.text(piece["text"], **_rest(piece, "text"))
    if kind == "refusal" and isinstance(piece.get("refusal", piece.get("text")), str):
        return build.text(piece.get("refusal", piece.get("text")), refusal=True)
    key, modality = _MEDIA.get(kind, ("", ""))
    if key and (address := media_address(piece.get(key))):
        return build.addressed(address, modality=modality, **_rest(piece, key))
    if kind == "encrypted_content":
        return build.raw(kind, {"type": kind})
    return build.raw(kind, piece)


def media_address(value: Any) -> str | None:
    """Return the address of a picture or sound, which may stand in an object."""
    return build.word(value.get("url") if isinstance(value, dict) else value)


def _rest(values: Payload, *told: str) -> dict[str, Any]:
    return build.renamed(build.rest(values, (*told, "type")), _OWN)


def call_name(payload: Payload) -> str:
    """Return the name of the tool that an item calls; built-in tools go by the item's type."""
    own = payload.get("name") or build.within(payload, "function", "name")
    return build.word(own) or str(payload.get("type", "tool")).removesuffix("_call")


def call_part(payload: Payload, call_id: str) -> Part:
    """Return the tool call of an item, under the id that its result will name."""
    arguments = next((payload[key] for key in ("arguments", "input", "action") if payload.get(key) is not None), None)
    rest = build.rest(payload, (*_CALL_TOLD, "result"))
    named = {f"item_{key}" if key in _OWN else key: fact for key, fact in rest.items()}
    return build.tool_call(call_id, call_name(payload), build.parsed(arguments), **named)


def drawn(payload: Payload) -> list[Part]:
    """Return the image that an image generation made."""
    result = build.word(payload.get("result"))
    return [build.blob("image/png", result, modality="image")] if result else []


def searched(payload: Payload) -> str | None:
    """Return what a web search looks for, by which an event and an item are known to be one."""
    action = build.mapping(payload.get("action"))
    found = next((action[key] for key in ("query", "url", "pattern") if action.get(key)), payload.get("query"))
    return build.word(found)


def result_part(payload: Payload, call_id: str | None) -> Part:
    """Return the result of a tool call, out of whichever envelope this version puts around it."""
    output = payload["output"] if "output" in payload else payload.get("result")
    response, failed, facts = output, False, _rest(payload, *_RESULT_TOLD)
    if isinstance(output, str):
        response, failed, more = _unwrapped(output)
        facts |= more
    elif isinstance(output, dict):
        failed = output.get("success") is False or output.get("exitCode", 0) not in (0, None)
        if "content" in output and output.keys() <= {"content", "success"}:
            response = _plain(output["content"])
        elif output.get("type") in _TEXTS:
            response = _plain([output])
    elif isinstance(output, list):
        response = _plain(output)
    elif output is None and "tools" in facts:
        response = facts.pop("tools")
    return build.tool_result(call_id, response, is_error=failed or _says_it_failed(response), **facts)


def _says_it_failed(response: Any) -> bool:
    if isinstance(response, list) and response and isinstance(response[0], dict):
        response = response[0].get("content")
    return isinstance(response, str) and _FAILED.match(response) is not None


def _unwrapped(output: str) -> tuple[Any, bool, dict[str, Any]]:
    """Return a shell's output from the JSON text that it may stand in, with its exit code beside it."""
    if output.startswith('{"output"'):
        try:
            held = decoded(output)
        except BROKEN_JSON:
            return output, False, {}
        if isinstance(held, dict) and held.keys() <= {"output", "metadata"}:
            facts = build.mapping(held.get("metadata"))
            return held["output"], facts.get("exit_code") not in (0, None), {"metadata": facts} if facts else {}
    return output, False, {}


def _plain(content: Any) -> Any:
    """Return content as text where that is all it is, else as parts."""
    parts = content_parts(content) if isinstance(content, (str, list)) else content
    if isinstance(parts, list) and len(parts) == 1 and parts[0].keys() == {"type", "content"}:
        return parts[0]["content"]
    return parts


def event_parts(payload: Payload) -> list[Part]:
    """Return call and result of an event that tells of a tool which no item calls."""
    kind, call_id = str(payload["type"]), payload.get("call_id")
    convert = _TOOL_EVENTS.get(kind)
    if convert is None:
        return [build.raw(kind, payload)]
    name, arguments, response, failed = convert(payload)
    call = build.tool_call(call_id, name, arguments)
    return [call] if response is None else [call, build.tool_result(call_id, response, is_error=failed)]


def _command(payload: Payload) -> tuple[str, Any, Any, bool]:
    arguments = build.picked(payload, ("command", "cwd"))
    streams = "\n".join(text for text in (payload.get("stdout"), payload.get("stderr")) if text)
    return (
        "exec_command",
        arguments,
        payload.get("aggregated_output") or streams,
        payload.get("exit_code") not in (0, None) or payload.get("status") in ("failed", "declined"),
    )


def _patch(payload: Payload) -> tuple[str, Any, Any, bool]:
    streams = "\n".join(text for text in (payload.get("stdout"), payload.get("stderr")) if text)
    return "apply_patch", {"changes": payload.get("changes")}, streams, payload.get("success") is False


def _mcp(payload: Payload) -> tuple[str, Any, Any, bool]:
    asked, result = payload["invocation"], payload.get("result")
    failed = isinstance(result, dict) and ("Err" in result or bool((result.get("Ok") or {}).get("is_error")))
    if isinstance(result, dict) and len(result) == 1:
        result = next(iter(result.values()))
    return f"{asked.get('server')}.{asked.get('tool')}", asked.get("arguments"), result, failed


def _search(payload: Payload) -> tuple[str, Any, Any, bool]:
    asked = build.picked(payload, ("query", "action"))
    return "web_search", asked, payload.get("results") or None, False


def _viewed(payload: Payload) -> tuple[str, Any, Any, bool]:
    return "view_image", {"path": payload.get("path")}, None, False


_TOOL_EVENTS = {
    "exec_command_end": _command,
    "patch_apply_end": _patch,
    "mcp_tool_call_end": _mcp,
    "web_search_end": _search,
    "view_image_tool_call": _viewed,
}
