"""Which files have changed since they were read: by size, then time, then hash, and what was looked at beside them.

Decides and remembers, reads no history.  Nothing is remembered of a file before all that it holds is in the store.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from chatlog.store import Store
from chatlog.store.sources import FileState, SeenFile

#: A file that was written so shortly before it was read may be written again without its time showing it.
RACY_NS = 2_000_000_000
#: Larger files are read again where their time changed but not their size: that is rare, and hashing all is not free.
HASHED_BYTES = 64_000_000
#: So many files are remembered in one transaction.
GROUP = 100


@dataclass(slots=True)
class Reading:
    """A file that is about to be read: how it looked before, and what is looked at beside it meanwhile."""

    path: Path
    state: FileState | None
    at_ns: int
    beside: dict[str, FileState | None] = field(default_factory=dict)

    def looked(self, path: Path) -> None:
        """Note another file or folder as it is before it is looked at."""
        name = str(path)
        if name not in self.beside:
            self.beside[name] = state_of(name)


class Files:
    """What is known of the files that history comes from, and what is learnt of them meanwhile.

    `marks` are what is to be done with all that is read: a file that was read without one of them is read again.
    """

    def __init__(self, store: Store, marks: frozenset[str] = frozenset()) -> None:
        self._store = store
        self._marks = marks
        self._reader = _version()
        self._known: dict[str, SeenFile] | None = None
        self._learnt: list[SeenFile] = []
        self._stamp: int | None = None
        self._doubted: set[str] = set()

    @property
    def _seen(self) -> dict[str, SeenFile]:
        if self._known is None:
            self._known = self._store.sources.all()
        return self._known

    def is_unchanged(self, path: str) -> bool:
        """Whether a file is as it was when it was read, and so is what its reader looked at beside it."""
        seen = self._seen.get(path) or self._seen.get(key_of(path))
        if seen is None:
            return False
        if self._holds(path, seen):
            return True
        self._doubted.add(seen.path)
        return False

    def report_of(self, path: str) -> str | None:
        """Return the report of a file's import, where another would find the file and the store as that left them."""
        seen = self._seen.get(key_of(path))
        if seen is None or "redact" in seen.marks or seen.stamp != self.stamp or not self._holds(path, seen):
            return None
        return self._store.sources.report(seen.path)

    @property
    def stamp(self) -> int:
        """What was deleted, restored or redacted up to the beginning of the run."""
        if self._stamp is None:
            self._stamp = self._store.sources.stamp()
        return self._stamp

    def _holds(self, path: str, seen: SeenFile) -> bool:
        state = state_of(path)
        if seen.reader != self._reader or not self._marks <= seen.marks or state is None:
            return False
        if any(state_of(name) != then or _is_racy(then, seen) for name, then in seen.beside.items()):
            return False
        if state == seen.state and not _is_racy(state, seen):
            return True
        return state.size == seen.state.size and self._is_same(path, state, seen)

    def _is_same(self, path: str, state: FileState, seen: SeenFile) -> bool:
        """Whether a file of another time says the same; then the time is remembered."""
        reading = Reading(Path(path), state, self._now_ns())
        if seen.sha256 is None or _hash_of(reading) != seen.sha256:
            return False
        report = self._store.sources.report(seen.path)
        self._learn(replace(seen, state=state, read_ns=reading.at_ns, report=report))
        return True

    def begin(self, path: Path) -> Reading:
        """Note how a file looks before it is read."""
        return Reading(path, state_of(path), self._now_ns())

    def done(self, reading: Reading, source_format: str | None, report: str | None = None) -> None:
        """Remember a file all of which is in the store; one that grew meanwhile will be read again."""
        if reading.state is None:
            return
        before = self._seen.get(key_of(reading.path))
        tags = {mark for mark in before.marks if mark.startswith("tag:")} if before else set()
        found = SeenFile(
            path=key_of(reading.path),
            state=reading.state,
            read_ns=reading.at_ns,
            reader=self._reader,
            format=source_format,
            sha256=_hash_of(reading),
            beside=reading.beside,
            marks=self._marks | tags,
            stamp=self.stamp,
            report=report,
        )
        if before is None or before.path in self._doubted or replace(found, read_ns=before.read_ns) != before:
            self._learn(found)

    def passed(self, reading: Reading) -> None:
        """Note a file that another run is to read again, this one not before it changes."""
        if reading.state is not None:
            name = key_of(reading.path)
            self._seen[name] = SeenFile(
                path=name, state=reading.state, read_ns=reading.at_ns + RACY_NS, reader=self._reader,
                beside=reading.beside, marks=self._marks,
            )  # fmt: skip

    def _learn(self, file: SeenFile) -> None:
        self._seen[file.path] = file
        self._learnt.append(file)
        if len(self._learnt) >= GROUP:
            self.flush()

    def flush(self) -> None:
        """Write what was learnt."""
        learnt, self._learnt = self._learnt, []
        self._store.sources.remember(learnt)

    def _now_ns(self) -> int:
        return int(self._store.clock().timestamp() * 1e9)


def _is_racy(state: FileState | None, seen: SeenFile) -> bool:
    return state is not None and state.mtime_ns > seen.read_ns - RACY_NS


def key_of(path: Path | str) -> str:
    """Return the name a file is remembered by: its absolute path, which any store can keep."""
    return os.path.abspath(path).encode("utf-8", "backslashreplace").decode("utf-8")  # noqa: PTH100  links stay links


def state_of(path: Path | str) -> FileState | None:
    """Return how a file looks now, None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  for ten thousand files in a row
    except (OSError, ValueError):
        return None
    return FileState(found.st_size, found.st_mtime_ns)


def _hash_of(reading: Reading) -> bytes | None:
    """Return the sha256 of a file; None where it is too large, has changed since it was looked at, or is unreadable."""
    if reading.state is None or reading.state.size > HASHED_BYTES:
        return None
    try:
        digest = hashlib.sha256(reading.path.read_bytes()).digest()
    except OSError:
        return None
    return digest if state_of(reading.path) == reading.state else None


def _version() -> str:
    try:
        return version("chatlog")
    except PackageNotFoundError:
        return ""
