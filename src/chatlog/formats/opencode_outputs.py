"""The whole of what tools gave opencode, where a session has a part of it: in files that it keeps for a week."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chatlog.formats.beside import text_beside
from chatlog.formats.source import Source
from chatlog.models import FULL_OUTPUT, MessageDraft, Part, Record

_SAVED = re.compile(r"[/\\]tool-output[/\\](\w[\w-]*)\s*$", re.MULTILINE)
#: Where the files are: beside a database, and beside the tree that a session's own file is in.
_FOLDERS = ("tool-output", "../../../tool-output")
_MOST_BYTES = 16 << 20


def completed(records: Iterator[Record], source: Source) -> Iterator[Record]:
    """Yield records, messages with all of each answer that is there in part."""
    for record in records:
        parts = record.parts or () if isinstance(record, MessageDraft) else ()
        if isinstance(record, MessageDraft) and any(map(_is_cut, parts)):
            yield record._replace(parts=tuple(_whole(part, source) for part in parts))
        else:
            yield record


def _is_cut(part: Part) -> bool:
    facts: Any = part.get("metadata")
    return part["type"] == "tool_call_response" and isinstance(facts, dict) and bool(facts.get("truncated"))


def _whole(part: Part, source: Source) -> Part:
    if not _is_cut(part):
        return part
    response = str(part.get("response"))
    place = _SAVED.search(str(part["metadata"].get("outputPath"))) or _SAVED.search(response)
    if place is None:
        return part
    texts = (text_beside(source, f"{folder}/{place[1]}", _MOST_BYTES) for folder in _FOLDERS)
    output = next(filter(None, texts), "")
    return {**part, FULL_OUTPUT: output} if output else part
