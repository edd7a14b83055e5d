"""What the interface of Cline, Roo Code and Kilo Code showed of a task: the entries of ``ui_messages.json``.

Makes messages of what was typed, answered, called and given back; entries about requests tell an
answer's usage.  Files are not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from chatlog.formats import build, ids
from chatlog.formats.build import Row
from chatlog.formats.cline_content import model_of
from chatlog.models import MessageDraft, Part
from chatlog.timespec import instant

_TYPED = frozenset({"task", "user_feedback", "user_feedback_diff"})
_ANSWERED = frozenset({"text", "completion_result", "plan_mode_respond", "followup", "act_mode_respond", "new_task"})
_CALLED = frozenset({"tool", "command", "browser_action", "browser_action_launch", "use_mcp_server", "use_subagents"})
_GIVEN_BACK = frozenset({
    "command_output", "browser_action_result", "mcp_server_response", "codebase_search_result", "subtask_result",
    "subagent",
})  # fmt: skip
#: What stands at the end of a result that changed files.
_CHANGED = "HAS_CHANGES"
#: Where the words of an answer that is JSON are.
_WORDS = ("question", "response", "text")
_TOLD = frozenset({"ts", "type", "say", "ask", "text", "images", "modelInfo", "partial", "conversationHistoryIndex"})


def request_usage(entry: Row) -> dict[str, Any] | None:
    """Return the tokens and cost that an entry about a request tells; None where none was answered."""
    told = build.parsed(entry.get("text"))
    if entry.get("say") != "api_req_started" or not isinstance(told, dict) or "tokensOut" not in told:
        return None
    return build.given(told, ("request",))


class Shown:
    """The entries of a task as they pass: whether the task was told yet, the last request, what is left out."""

    def __init__(self) -> None:
        self.begun = False
        self.usage: dict[str, Any] | None = None
        self.used: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.last_call: str | None = None

    def message(self, entry: Row) -> MessageDraft | None:
        """Return the message that an entry is, None for one that is none.  Raises one of MALFORMED."""
        kind = str(entry.get("say") or entry.get("ask"))
        text, images = build.string(entry.get("text") or ""), entry.get("images") or ()
        if kind == "api_req_started":
            self.usage = request_usage(entry) or self.usage
        role = self._role(kind, text)
        if role is None or not (text.strip() or images):
            self.left_out[f"{kind if kind.replace('_', '').isalpha() else 'unknown'} entries"] += 1
            return None
        self.begun = True
        return self._draft(entry, kind, role)

    def _role(self, kind: str, text: str) -> str | None:
        if kind in _TYPED or (kind == "text" and not self.begun):
            return "user"
        if kind in _ANSWERED or kind in _CALLED or kind == "reasoning":
            return "assistant"
        return "tool" if kind in _GIVEN_BACK or ("error" in kind and text) else None

    def _draft(self, entry: Row, kind: str, role: str) -> MessageDraft:
        key = str(entry["ts"])
        if not key or isinstance(entry["ts"], (dict, list, bool)):
            raise ValueError("an entry without a time")
        key = ids.numbered(key, self.used, "-")
        said, parts = self._said(kind, role, entry, key)
        facts = build.compact(entry, _TOLD)
        if role == "assistant" and self.usage:
            facts["usage"], self.usage = self.usage, None
        if kind not in ("text", "task", "reasoning"):
            facts["kind"] = kind
        if "error" in kind:
            facts["hidden_reason"] = kind
        parts += tuple(_images(entry))
        return build.message(
            role,
            parts,
            said,
            model=model_of(entry) if role == "assistant" else None,
            created_at=instant(entry["ts"]),
            source_id=key,
            metadata=facts,
        )

    def _said(self, kind: str, role: str, entry: Row, key: str) -> tuple[str, tuple[Part, ...]]:
        """Return the words and the parts of an entry; a result answers the call before it."""
        text = entry.get("text") or ""
        if kind == "reasoning":
            return "", (build.reasoning(text),)
        if kind in _CALLED:
            self.last_call = key
            return "", (_call(kind, text, key),)
        if kind in _GIVEN_BACK:
            return "", (build.tool_result(self.last_call, build.parsed(text)),)
        told = build.parsed(text) if role == "assistant" else text
        words = next((told[name] for name in _WORDS if told.get(name)), None) if isinstance(told, dict) else None
        if isinstance(words, str) and isinstance(told, dict):
            return words, (build.text(words), build.raw(kind, told))
        said = text.removesuffix(_CHANGED).rstrip() if kind == "completion_result" else text
        return said, (build.text(said),)


def _call(kind: str, text: str, key: str) -> Part:
    told = build.parsed(text)
    if kind == "command":
        return build.tool_call(key, "execute_command", {"command": text})
    if not isinstance(told, dict):
        return build.tool_call(key, kind, text)
    name = told.get("tool") or told.get("toolName") or kind
    return build.tool_call(key, str(name), {name: told[name] for name in told if name != "tool"})


def _images(entry: Row) -> Iterator[Part]:
    for address in entry.get("images") or ():
        yield build.addressed(str(address), modality="image")
