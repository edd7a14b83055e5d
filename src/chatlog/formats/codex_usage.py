"""What the responses of a Codex thread spent: from running totals to the usage of each.  Pure."""

from __future__ import annotations

from typing import Any


class Usage:
    """The running total of a thread's tokens, and the usage that no response has been given yet."""

    def __init__(self) -> None:
        self.total: dict[str, Any] = {}
        self.next: dict[str, Any] | None = None
        #: Whether this version tells the usage before the items of a response; not known yet in a new turn.
        self.comes_first: bool | None = None

    def news(self, total: Any, last: Any) -> dict[str, Any] | None:
        """Return what was spent since the last report, None where nothing was."""
        if not isinstance(total, dict):
            return dict(last) if isinstance(last, dict) and last else None
        if total == self.total:
            return None
        before, self.total = self.total, total
        if isinstance(last, dict) and last:
            return dict(last)
        counts = {key: count for key, count in total.items() if isinstance(count, int)}
        spent = {key: count - _count(before.get(key)) for key, count in counts.items()}
        return counts if any(count < 0 for count in spent.values()) else spent


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def added(before: dict[str, Any] | None, usage: dict[str, Any]) -> dict[str, Any]:
    """Return two usages as one."""
    if not before:
        return usage
    both = {**before, **usage}
    return {
        key: _count(before.get(key)) + _count(usage.get(key)) if isinstance(value, int) else value
        for key, value in both.items()
    }
