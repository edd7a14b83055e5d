"""Which tool call a result answers, in histories where one or both of them may have no id.

No format's knowledge lives here.
"""

from __future__ import annotations

from collections import deque
from typing import Any

#: Calls that wait for a result longer than this many others are taken as never answered.
_OPEN_CALLS = 256


class Calls:
    """The open tool calls of one conversation, so that those without ids find their results."""

    def __init__(self) -> None:
        self._invented = 0
        self._open: deque[tuple[str, str | None]] = deque(maxlen=_OPEN_CALLS)

    @property
    def open(self) -> int:
        """How many calls wait for a result."""
        return len(self._open)

    def forget(self) -> None:
        """Take the open calls as never answered."""
        self._open.clear()

    def called(self, call_id: object, name: str | None) -> str:
        """Return the call's id, an invented one where it has none."""
        call_id = _as_name(call_id)
        if not isinstance(call_id, str) or not call_id:
            self._invented += 1
            call_id = f"call-{self._invented}"
        self._open.append((call_id, name))
        return call_id

    def answered(self, call_id: str | None, name: str | None) -> str | None:
        """Return the id of the call a result answers: the one it names, else the first of its tool."""
        call_id = _as_name(call_id)
        found = next((call for call in self._open if call[0] == call_id), None)
        if not call_id:
            named = (call for call in self._open if name is None or call[1] == name)
            found = next(named, self._open[0] if self._open else None)
        if found is None:
            return call_id
        self._open.remove(found)
        return found[0]


def _as_name(call_id: Any) -> Any:
    """Return an id as text: some data sets number the calls."""
    return str(call_id) if type(call_id) is int else call_id
