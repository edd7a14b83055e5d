"""What the files beside a Cline, Roo Code or Kilo Code task's history tell of it.

These are the requests that were answered (``ui_messages.json``), the models that Cline used
(``task_metadata.json``), and the entry that Roo Code has of the task in its list (``history_item.json``).
Cline's list of all tasks is not read: it changes with each of them, and the history tells the same.
A session of the newer Cline has its manifest beside it (``ID.json``), and its larger pictures (``blobs/``).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from chatlog.formats import build
from chatlog.formats.beside import beside, bytes_beside
from chatlog.formats.build import Row
from chatlog.formats.cline_shown import request_usage
from chatlog.formats.source import Source
from chatlog.timespec import instant

_SHOWN = ("ui_messages.json", "claude_messages.json")
#: So many messages before an answer stands the last one when it was asked for: the user's comes between.
_BEFORE = 2
_BLOB = re.compile(r"[0-9a-f]{64}")
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


class Entry(NamedTuple):
    """What is told of a task or session apart from it: its folder, and the one that it was made for or forked from."""

    folder: str | None = None
    parent: str | None = None
    title: str | None = None
    began: str | None = None
    model: str | None = None


def requests(source: Source, answers: list[int]) -> Sequence[Row]:
    """Return the entry about the request of each answer, these by their places in the history.

    Where there are as many as answers they stand in order.  A request that was repeated or broken off has one, too:
    then those count that tell the history's last message before theirs, as newer versions do.
    """
    held = next((rows for name in _SHOWN if (rows := build.mappings(beside(source, name)))), [])
    made = [entry for entry in held if request_usage(entry)]
    if len(made) == len(answers):
        return made
    placed = {at: entry for entry in made if isinstance(at := entry.get("conversationHistoryIndex"), int)}
    return [placed.get(at - _BEFORE, {}) for at in answers]


def models(source: Source) -> list[tuple[str, str]]:
    """Return the models that were used, each with the time it was first used at."""
    rows = build.mappings(build.within(beside(source, "task_metadata.json"), "model_usage"))
    found = [(instant(row.get("ts")), build.word(row.get("model_id"))) for row in rows]
    return sorted((moment, model) for moment, model in found if moment and model)


def model_at(used: list[tuple[str, str]], moment: str | None) -> str | None:
    """Return the model that was in use at a time; without a time, the only one there was."""
    if moment is None:
        return used[0][1] if len({model for _, model in used}) == 1 else None
    return next((model for first, model in reversed(used) if first <= moment), None)


def entry(source: Source) -> Entry:
    """Return the entry of a task in the list of tasks."""
    told = build.mapping(beside(source, "history_item.json"))
    return Entry(build.word(told.get("workspace")), build.word(told.get("parentTaskId")))


def manifest(source: Source, name: str) -> Entry:
    """Return what the manifest of a session of that name tells."""
    told = build.mapping(beside(source, f"{name}.json"))
    return Entry(
        build.word(told.get("cwd")) or build.word(told.get("workspace_root")),
        build.word(build.within(told, "metadata", "fork", "forkedFromSessionId")),
        build.word(build.within(told, "metadata", "title")),
        instant(told.get("started_at")),
        build.word(told.get("model")),
    )


def pictured(source: Source, row: Any) -> Any:
    """Return a message of a session with the pictures that it has beside it; one in a result follows that."""
    content = row.get("content") if isinstance(row, dict) else None
    if not isinstance(content, list):
        return row
    return {**row, "content": [shown for block in content for shown in _pictured(source, block)]}


def _pictured(source: Source, block: Any) -> Iterator[Any]:
    if not isinstance(block, dict) or block.get("type") != "tool_result":
        yield _picture(source, block) or block
        return
    yield block
    for picture in (_picture(source, held) for held in _within(block.get("content"))):
        if picture:
            yield {**picture, "tool_use_id": block.get("tool_use_id")}


def _within(value: Any) -> Iterator[Any]:
    """Yield a value and all that it holds."""
    yield value
    for held in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _within(held)


def _picture(source: Source, block: Any) -> Row | None:
    """Return a reference to a picture as the picture; None for anything else, and where it is not there."""
    if not isinstance(block, dict) or block.get("type") != "image_ref":
        return None
    name, kind = str(block.get("blobId")), str(block.get("mediaType"))
    if kind not in _ENDINGS or not _BLOB.fullmatch(name):
        return None
    held = bytes_beside(source, f"blobs/{name}.{_ENDINGS[kind]}")
    return {**block, "type": "image", "data": base64.b64encode(held).decode("ascii")} if held else None
