"""A text as detectors see it: itself, its lower case on demand, where a word stands in it; and their patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

#: Where something begins and ends.
Found = Iterator[tuple[int, int]]
_LOWER = {code: code + 32 for code in range(65, 91)}
#: What may stand right before a word though it ends in letters: escapes of JSON, of C and of URLs, the colours of a
#: terminal, Markdown's emphasis; and what of a word goes on behind it.
_LEADS = re.compile(
    r"(?:\\(?:[nrtbfv]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})|%[0-9A-Fa-f]{2}|\[[0-9;]{0,9}m|(?:^|[^\w\\])_{1,3})\Z"
)
_MORE = re.compile(r"_{0,3}[^\W_]")


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
        """Whether a word may begin here; an escape before it, a colour or a mark of emphasis is no part of it."""
        before = self.raw[at - 1 : at]
        return not (before.isalnum() or before == "_") or _LEADS.search(self.raw, max(at - 14, 0), at) is not None

    def ends(self, at: int) -> bool:
        """Whether a word ends here."""
        return _MORE.match(self.raw, at) is None


def _places(text: str, hint: str) -> Iterator[int]:
    at = text.find(hint)
    while at >= 0:
        yield at
        at = text.find(hint, at + 1)


#: What stands between the groups of a number.
_GROUPING = " ().-/+\u00a0\u202f\u2011"


def _runs(text: str) -> list[str]:
    return re.findall(rf"\d[\d{re.escape(_GROUPING)}]{{3,}}", text)


class Rule(NamedTuple):
    """A detector: the kind it reports, the group it belongs to, how it finds."""

    kind: str
    group: str
    find: Callable[[Text], Found]
    hint: str = ""  # without which there is nothing to find
