"""The whole of what tools gave Claude Code, where a transcript has how it begins.

An answer that is too long for the model is put into a file below the session's folder; the model is told where, and how
it begins.  The entry may hold the whole of it, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chatlog.formats.claude_code_content import View
from chatlog.formats.outputs import output_at
from chatlog.formats.source import Source
from chatlog.models import FULL_OUTPUT, Part, joined_text

_CUT = "<persisted-output>"
_SAVED = re.compile(r"([\w-]+)[/\\]tool-results[/\\]([\w-]+(?:\.[\w-]+)*)\s*$", re.MULTILINE)


def whole(view: View, entry: Mapping[str, Any], source: Source) -> View:
    """Return the view of an entry, with all of each answer that is there in part."""
    parts = view.parts or ()
    if not any(map(_is_cut, parts)):
        return view
    told = "" if sum(map(_is_result, parts)) > 1 else _told(entry.get("toolUseResult"))
    return replace(view, parts=tuple(_whole(part, told, source) if _is_cut(part) else part for part in parts))


def _is_result(part: Part) -> bool:
    return bool(part["type"] == "tool_call_response")


def _is_cut(part: Part) -> bool:
    return _is_result(part) and str(part.get("response")).startswith(_CUT)


def _whole(part: Part, told: str, source: Source) -> Part:
    output = _saved(part["response"], source) or told
    return {**part, FULL_OUTPUT: output} if len(output) > len(_preview(part["response"])) else part


def _preview(response: str) -> str:
    return response.partition("\n\n")[2]


def _saved(response: str, source: Source) -> str:
    """Return what is in the file that a cut answer names: below the session's folder, where a sub-agent is, too."""
    place = _SAVED.search(response)
    if place is None:
        return ""
    folders = (place[1], "..", "../../..")
    return output_at(source, (f"{folder}/tool-results/{place[2]}" for folder in folders))


def _told(result: Any) -> str:
    """Return what the structured twin of an answer says of it."""
    match result:
        case str():
            return result
        case {"stdout": str(output)}:
            return "\n".join(filter(None, (output, str(result.get("stderr") or ""))))
        case {"content": str(output)} | {"result": str(output)}:
            return output
        case [*blocks]:
            return joined_text({**block, "content": block.get("text")} for block in blocks if isinstance(block, dict))
    return ""
