"""A text as detectors see it: itself, its lower case on demand, where a word stands in it; and their patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

#: Where something begins and ends.
Found = Iterator[tuple[int, int]]
_LOWER = {code: code + 32 for code in range(65, 91)}


@lru_cache(1_024)
def pattern(source: str) -> re.Pattern[str]:
    """Return a pattern, compiled once: at its first use, for there are hundreds."""
    return re.compile(source)


class Text:
    """A text that is searched many times over."""

    def __init__(self, raw: str) -> None:
        self.raw = raw

    @cached_property
    def low(self) -> str:
        """The text in lower case, each character at its own place."""
        low = self.raw.lower()
        return low if len(low) == len(self.raw) else self.raw.translate(_LOWER)  # İ becomes two

    @cached_property
    def most_digits(self) -> int:
        """The most digits that stand together, with no more between them than what groups a number."""
        return max((len(run) - sum(map(run.count, _GROUPING)) for run in _runs(self.raw)), default=0)

    def places(self, hint: str) -> Iterator[int]:
        """Yield where a hint stands."""
        return _places(self.raw, hint)

    def low_places(self, hint: str) -> Iterator[int]:
        """Yield where a hint stands, whatever its case."""
        return _places(self.low, hint)

    def begins(self, at: int) -> bool:
        """Whether a word may begin here; a line end that JSON escaped is no part of one."""
        before = self.raw[at - 1 : at]
        return not (before.isalnum() or before == "_") or (at > 1 and self.raw[at - 2] == "\\" and before in "nrt")

    def ends(self, at: int) -> bool:
        """Whether a word ends here."""
        after = self.raw[at : at + 1]
        return not (after.isalnum() or after == "_")


def _places(text: str, hint: str) -> Iterator[int]:
    at = text.find(hint)
    while at >= 0:
        yield at
        at = text.find(hint, at + 1)


#: What stands between the groups of a number.
_GROUPING = " ().-/+"


def _runs(text: str) -> list[str]:
    return re.findall(r"\d[\d ().\-/+]{3,}", text)


class Rule(NamedTuple):
    """A detector: the kind it reports, the group it belongs to, how it finds."""

    kind: str
    group: str
    find: Callable[[Text], Found]
    hint: str = ""  # without which there is nothing to find
