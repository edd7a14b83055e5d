"""Where bytes come from: a file, a member of a zip, or standard input.

A `Source` opens as a binary stream and knows its siblings.  What is in an archive is `archive`'s matter.
"""

from __future__ import annotations

import errno
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, BinaryIO

from chatlog.errors import NotFoundError, UsageError
from chatlog.formats import packed
from chatlog.paths import exists

#: How much of a source a format may look at to recognise it.
HEAD_BYTES = 65_536
#: How much where that much was not enough: a first record may be a long paste, a picture or a system prompt.
WIDE_HEAD_BYTES = 4 * 1024 * 1024
#: So much is kept of a stream that cannot be read twice: its wide head, and what a buffer reads beyond that.
_KEPT_BYTES = 2 * WIDE_HEAD_BYTES
#: So much is read of a file at once: lines are long.
READ_BYTES = 1 << 18
#: What stands between a name's parts, on any system and within an archive.
_BETWEEN = re.compile(r"[/\\!]")
#: What reading may raise: the system, the archive, a password on it.
UNREADABLE = (OSError, RuntimeError, zipfile.BadZipFile, *packed.DAMAGE)


class Folder:
    """A place that holds named sources: a directory or a zip file."""

    def member(self, name: str) -> Source | None:
        """Return the source of that relative name, None where there is none."""
        raise NotImplementedError

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder of that relative name, sorted; none where there is none."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Source:
    """One readable input.  `name` is what reports call it."""

    name: str
    opener: Callable[[], IO[bytes]]
    size: int | None = None
    modified: float | None = None
    path: Path | None = None
    folder: Folder | None = field(default=None, repr=False)
    head_bytes: int = HEAD_BYTES

    def open(self) -> IO[bytes]:
        """Open it as a binary stream from its beginning."""
        return self.opener()

    def head(self, size: int | None = None) -> bytes:
        """Return its first bytes: `size` of them, or as many as it takes to see what it is."""
        with self.open() as stream:
            return stream.read(self.head_bytes if size is None else size)

    def sibling(self, name: str) -> Source | None:
        """Return the source called `name` beside this one, None where there is none."""
        return self.folder.member(name) if self.folder else None

    @property
    def parts(self) -> list[str]:
        """The names of the folders and archives that it is in, as far as its name tells them, and its own."""
        return _BETWEEN.split(self.name)

    @property
    def stem(self) -> str:
        """The last part of the name without its extension, and without that of what it is packed with."""
        name = Path(self.name.replace("\\", "/"))
        return Path(name.stem).stem if name.suffix in packed.ENDINGS else name.stem


#: Is told the path of every file and folder that is looked at beside a source, there or not.
Looked = Callable[[Path], None]


class Directory(Folder):
    """The files beside a file on disk."""

    def __init__(self, path: Path, looked: Looked | None = None) -> None:
        self.path = path
        self.looked = looked or (lambda _: None)

    def member(self, name: str) -> Source | None:
        """Return the file `name` below this directory."""
        path = self.path / name
        self.looked(path)
        return file_source(path, looked=self.looked) if path.is_file() else None

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder seen from this directory."""
        path = self.path / folder
        self.looked(path)
        if not path.is_dir():
            return []
        with os.scandir(path) as entries:
            return sorted(f"{folder}/{entry.name}" for entry in entries if entry.is_file())


def file_source(path: Path, looked: Looked | None = None) -> Source:
    """Return the source of a file on disk; `looked` is told what its reader looks at beside it."""
    stat = path.stat()
    return Source(
        name=str(path).encode("utf-8", "backslashreplace").decode("utf-8"),
        opener=lambda: path.open("rb", READ_BYTES),
        size=stat.st_size,
        modified=stat.st_mtime,
        path=path,
        folder=Directory(path.parent, looked),
    )


def stream_source(stream: BinaryIO, name: str = "-") -> Source:
    """Return a source of a stream that can be read once, such as standard input.

    What has been looked at to recognise the format is kept and read again.
    """
    spool = _Replay(stream)
    return Source(name=name, opener=spool.open)


class _Replay:
    """Opens a one-way stream more than once, as long as only its head was read before."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.head = bytearray()

    def open(self) -> IO[bytes]:
        return io.BufferedReader(_HeadThenRest(self))

    def read(self, size: int) -> bytes:
        """Return what comes next in the stream, and keep it while it may be asked for again."""
        chunk = self.stream.read(size)
        if len(self.head) < _KEPT_BYTES:
            self.head += chunk
        return chunk


class _HeadThenRest(io.RawIOBase):
    """What was read of the stream before, then what is left of it."""

    def __init__(self, replay: _Replay) -> None:
        self.replay = replay
        self.at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = bytes(self.replay.head[self.at : self.at + len(buffer)]) or self.replay.read(len(buffer))
        self.at += len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def files(
    path: Path, is_ours: Callable[[Path], bool] = lambda _: False, missed: Callable[[OSError], None] = lambda _: None
) -> Iterator[Path]:
    """Yield the file of that name, or the files below the folder.

    Files that `is_ours` claims are never opened; `missed` is told of each folder that may not be looked into.  Raises
    NotFoundError where there is nothing of that name, UsageError for one of our own files.
    """
    if is_ours(path):
        raise UsageError(f"{path} is the database itself", "chatlog export writes what can be imported")
    if path.is_dir():
        for folder, folders, names in os.walk(path, onerror=missed):
            folders.sort()
            if not os.access(folder, os.X_OK):  # its names can be read, and nothing behind them
                folders.clear()
                names.clear()
                missed(PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder))
            for name in sorted(names):
                file = Path(folder) / name
                if not name.startswith("._") and file.is_file() and not is_ours(file):
                    yield file
    elif path.is_file():
        yield path
    elif exists(path):
        raise UsageError(f"{path} is neither a file nor a folder")
    else:
        raise NotFoundError(f"there is no file or folder {path}", "check the spelling")


#: Is told the source and how many bytes of it were read.
Progress = Callable[[Source, int], None]


def watched(source: Source, progress: Progress) -> Source:
    """Return the source with every read told to `progress`, once for what is read twice."""
    told = [0]
    return replace(source, opener=lambda: io.BufferedReader(_Watched(source, progress, told), 1 << 20))


class _Watched(io.RawIOBase):
    """A stream that tells how much of it was read; `told` is how much of its source has been already."""

    def __init__(self, source: Source, progress: Progress, told: list[int]) -> None:
        self.source = source
        self.stream = source.open()
        self.progress = progress
        self.told = told
        self.at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self.stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self.at += len(chunk)
        if self.at > self.told[0]:
            self.progress(self.source, self.at - self.told[0])
            self.told[0] = self.at
        return len(chunk)

    def close(self) -> None:
        self.stream.close()
        super().close()
