"""What the files beside a Cline, Roo Code or Kilo Code task's history tell of it.

These are the requests that were answered (``ui_messages.json``), the models that Cline used
(``task_metadata.json``), and the entry that Roo Code has of the task in its list (``history_item.json``).
Cline's list of all tasks is not read: it changes with each of them, and the history tells the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chatlog.formats import build
from chatlog.formats.beside import beside
from chatlog.formats.cline_shown import request_usage
from chatlog.formats.source import Source
from chatlog.timespec import instant

_SHOWN = ("ui_messages.json", "claude_messages.json")
#: So many messages before an answer stands the last one when it was asked for: the user's comes between.
_BEFORE = 2

Row = Mapping[str, Any]


class Entry(NamedTuple):
    """A task in the list of tasks: its folder, and the task it was made for."""

    folder: str | None = None
    parent: str | None = None


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
