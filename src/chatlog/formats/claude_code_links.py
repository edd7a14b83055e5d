"""Who follows whom in a Claude Code conversation: parents across entries that are no messages.

Owns the source ids behind the uuids of all entries and the order of parallel tools' results;
holds nothing but ids and never a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from chatlog.formats.beside import lines_beside
from chatlog.formats.source import Source

Entry = Mapping[str, Any]

#: The file of a sub-agent that went on from its session's own history, as for a question aside or a summary:
#: its id has a label, and its file begins with a copy of that history.
_BRANCHED = re.compile(r"(?:^|[/\\!])([\w-]+)[/\\]subagents[/\\]agent-a[a-z_]+-[0-9a-f]+\.jsonl$")


def copied(source: Source) -> frozenset[str]:
    """Return the uuids of the entries that a sub-agent's file may repeat of its session's, where that is there."""
    found = _BRANCHED.search(source.name)
    entries = (line.value for line in (lines_beside(source, f"../../{found[1]}.jsonl") if found else ()))
    return frozenset(str(entry["uuid"]) for entry in entries if isinstance(entry, dict) and "uuid" in entry)


class Links:
    """Who follows whom: source ids by the uuid of every entry, and the order of tool results."""

    def __init__(self) -> None:
        self.ids: dict[str, str | None] = {}
        self.calls: dict[str, str] = {}
        self.last: str | None = None
        #: What the first message follows where the file is a slice: it may be here from another slice.
        self.outside: str | None = None
        self._linked = False
        self._first_result: dict[str, str] = {}
        self._results: set[str] = set()
        self._after: dict[str, str] = {}

    def base(self, entry: Entry, *, prompt: bool = False, answered: Iterable[str] = ()) -> str | None:
        """Return the id of the message an entry follows, None for a root.

        A parent that is not in this file gives way to the message before.  In a file that links
        its entries, a prompt without a parent is a rewind to the very start, and a tool's result
        without one follows its call.  Where no entry has a parent, each follows the one before.
        """
        for key in ("parentUuid", "logicalParentUuid"):
            uuid = entry.get(key)
            if uuid:
                self._linked = True
                if uuid in self.ids:
                    return self.ids[uuid]
                if self.last is None:
                    self.outside = str(uuid)
        says_root = "parentUuid" in entry and not entry["parentUuid"] and not entry.get("logicalParentUuid")
        if prompt and says_root and self._linked:
            return None
        calls = (self.calls[call] for call in answered if call in self.calls)
        return next(calls, self.last) if self._linked else self.last

    def pass_over(self, entry: Entry) -> None:
        """Remember an entry that is no message, so that what follows it finds its parent."""
        uuid = entry.get("uuid")
        if isinstance(uuid, str) and uuid not in self.ids:
            self.ids[uuid] = self.base(entry)

    def add_result(self, base: str | None, new: str) -> str | None:
        """Line up a tool's result behind those of the same response; return its parent."""
        self._results.add(new)
        before = base if base in self._results else self._first_result.get(base or "")
        if before is None:
            if base is not None:
                self._first_result[base] = new
            return base
        parent = self.end(before)
        if parent is not None:
            self._after[parent] = new
        return parent

    def after_results(self, base: str | None) -> str | None:
        """Return the last of the tool results that answer a message, or the message itself."""
        return self.end(self._first_result.get(base or "", base))

    def end(self, message_id: str | None) -> str | None:
        """Return the last of the tool results that a result was lined up with."""
        if message_id is None:
            return None
        passed = []
        while (following := self._after.get(message_id)) is not None:
            passed.append(message_id)
            message_id = following
        for before in passed:
            self._after[before] = message_id  # keeps long chains cheap to walk
        return message_id
