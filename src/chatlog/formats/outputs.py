"""The whole of what tools gave, where a session has a part of it: in files that an agent keeps for some time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chatlog.formats.beside import text_beside
from chatlog.formats.source import Source
from chatlog.models import FULL_OUTPUT, MessageDraft, Part, Record

#: Beside a database of opencode, and beside the tree that a session's own file is in.
_OPENCODE = ("tool-output", "../../../tool-output")
_SAVED_BY_OPENCODE = re.compile(r"[/\\]tool-output[/\\](\w[\w-]*)\s*$", re.MULTILINE)
#: Beside the folder of a session of Gemini CLI, or of a sub-agent's.
_GEMINI = ("..", "../..")
_SAVED_BY_GEMINI = re.compile(
    r"[Ff]ull output (?:see|available at): .*[/\\]tool-outputs[/\\](session-[\w-]+)[/\\]([\w-]+(?:\.[\w-]+)*)\s*$",
    re.MULTILINE,
)
_CUT_BY_GEMINI = ("Output too large.", "<tool_output_masked>")
_MOST_BYTES = 16 << 20
#: Says of the answer of a tool where the whole of it may be, beside the source; nothing of one that is whole.
Places = Callable[[Part], Iterable[str]]


def completed(records: Iterator[Record], source: Source, places: Places) -> Iterator[Record]:
    """Yield records, messages with all of each answer that is there in part."""
    for record in records:
        if isinstance(record, MessageDraft) and any(
            part["type"] == "tool_call_response" for part in record.parts or ()
        ):
            yield record._replace(parts=tuple(_whole(part, source, places) for part in record.parts or ()))
        else:
            yield record


def _whole(part: Part, source: Source, places: Places) -> Part:
    if part["type"] != "tool_call_response":
        return part
    output = output_at(source, places(part))
    return {**part, FULL_OUTPUT: output} if output else part


def output_at(source: Source, places: Iterable[str]) -> str:
    """Return what is at the first of some places beside a source where there is something."""
    return next(filter(None, (text_beside(source, place, _MOST_BYTES) for place in places)), "")


def of_opencode(part: Part) -> Iterator[str]:
    """Yield where opencode keeps an output that it cut off, for a week."""
    facts: Any = part.get("metadata")
    if isinstance(facts, dict) and facts.get("truncated"):
        saved = _SAVED_BY_OPENCODE.search(str(facts.get("outputPath"))) or _SAVED_BY_OPENCODE.search(
            str(part["response"])
        )
        yield from (f"{folder}/{saved[1]}" for folder in _OPENCODE if saved)


def of_gemini(part: Part) -> Iterator[str]:
    """Yield where Gemini CLI keeps an output of which it shows the model both ends."""
    response = part["response"]
    told = response.get("output") if isinstance(response, dict) else response
    if isinstance(told, str) and told.startswith(_CUT_BY_GEMINI):
        saved = _SAVED_BY_GEMINI.search(told)
        yield from (f"{folder}/tool-outputs/{saved[1]}/{saved[2]}" for folder in _GEMINI if saved)
