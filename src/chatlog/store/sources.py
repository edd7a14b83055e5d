"""What a store remembers of the files that history came from, so that an unchanged one is not read again.

The noun and its protocol; whether a file has changed is `freshness`'s to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class FileState(NamedTuple):
    """How a file looked from outside."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """A file that was read to its end.

    `beside` are the other files its reader looked at, by absolute path, None where there was none; `marks` what
    was done with all that it held (``tag:work``), `reader` the version of chatlog that read it, `read_ns` when.
    `report` is what the import of it reported, None where that may not be given again; it holds while nothing was
    deleted, restored or redacted since, as `stamp` shows.
    """

    path: str
    state: FileState
    read_ns: int
    reader: str
    format: str | None = None
    sha256: bytes | None = None
    beside: Mapping[str, FileState | None] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    stamp: int = 0
    report: str | None = field(default=None, compare=False)


class Sources(Protocol):
    """The files that one user's history came from."""

    def all(self) -> dict[str, SeenFile]:
        """Return every file that was read, by its path, without the report of its import."""

    def report(self, path: str) -> str | None:
        """Return what the import of a file reported, None where that may not be given again."""

    def stamp(self) -> int:
        """Return a number that changes whenever something is deleted, restored or redacted."""

    def remember(self, files: Sequence[SeenFile]) -> None:
        """Keep what is known of files, in place of what was known before."""

    def forget(self, tells: Callable[[str], object]) -> int:
        """Forget the files of which what is known tells something, as `tells` says of it; return how many there were.

        They are read again by the next import.
        """
