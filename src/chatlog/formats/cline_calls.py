"""The tool calls that a model wrote as XML among its words, as Cline and its descendants had all models do at first.

Only the extensions' own tools are known, and only with their arguments: words may name one.  Which
result answers a call is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from chatlog import tagged
from chatlog.formats import build
from chatlog.formats.calls import Calls
from chatlog.models import Part

_TOOLS = (
    "access_mcp_resource", "act_mode_respond", "apply_diff", "apply_patch", "ask_followup_question",
    "attempt_completion", "browser_action", "codebase_search", "condense", "delete_file", "edit_file",
    "execute_command", "fetch_instructions", "focus_chain", "generate_explanation", "generate_image",
    "insert_content", "list_code_definition_names", "list_files", "load_mcp_documentation", "new_rule", "new_task",
    "plan_mode_respond", "plan_mode_response", "read_file", "replace_in_file", "report_bug", "run_slash_command",
    "search_and_replace", "search_files", "switch_mode", "update_todo_list", "use_mcp_tool", "use_skill",
    "use_subagents", "web_fetch", "web_search", "write_to_file",
)  # fmt: skip
_THINKING = "thinking"
_CALL = re.compile(rf"(?<!`)<((?:{'|'.join(_TOOLS)})(?=>\s*(?:<\w+>|</))|{_THINKING}(?=>))")
_ARGUMENT = re.compile(r"<(\w+)>")
#: Arguments that may hold tags like their own: they go on until the last.
_LONG = ("content", "diff")
#: What a person reads of a call: the answer or question that it hands over.
_TELLING = {
    "act_mode_respond": "response",
    "ask_followup_question": "question",
    "attempt_completion": "result",
    "plan_mode_respond": "response",
    "plan_mode_response": "response",
}


def parts(words: str, calls: Calls) -> Iterator[Part]:
    """Yield the words of an answer as text, thoughts and calls in their order."""
    for piece in tagged.split(words, _CALL):
        if isinstance(piece, str):
            said = piece if piece == words else piece.strip()
            yield from [build.text(said)] * bool(said)
        elif piece.name == _THINKING:
            yield build.reasoning(piece.inner.strip())
        else:
            yield build.tool_call(calls.called(None, piece.name), piece.name, dict(_arguments(piece.inner.strip())))


def _arguments(inner: str) -> Iterator[tuple[str, Any]]:
    start = 0
    while match := _ARGUMENT.search(inner, start):
        name, closing = match[1], f"</{match[1]}>"
        end = inner.rfind(closing) if name in _LONG else inner.find(closing, match.end())
        if end < match.end():
            end = len(inner)
        value = inner[match.end() : end]
        yield name, value.strip("\n") if name in _LONG else build.parsed(value.strip())
        start = end + len(closing)


def told(said: Iterable[Part]) -> str:
    """Return what a person reads of an answer: its words, and those that its calls hand over."""
    return "\n\n".join(words for part in said if (words := _words(part)))


def _words(part: Part) -> str | None:
    if part["type"] == "text":
        return build.word(part.get("content"))
    arguments = part.get("arguments") if part["type"] == "tool_call" else None
    key = _TELLING.get(str(part.get("name")))
    return build.word(arguments.get(key)) if key and isinstance(arguments, dict) else None
