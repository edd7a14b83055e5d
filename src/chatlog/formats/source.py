"""Where bytes come from: a file, a member of a zip, or standard input.

A `Source` opens as a binary stream and knows its siblings; archives are read in place,
member by member, and nothing is ever extracted.
"""

from __future__ import annotations

import errno
import io
import os
import posixpath
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
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
#: Archives within archives are opened this deep (exports are often re-zipped once).
MAX_NESTING = 2
#: A zip member that unpacks to more than so many times its packed size, and to more than `BOMB_BYTES`, is refused.
MAX_RATIO = 200
BOMB_BYTES = 200 * 1024 * 1024
#: A member may be unpacked more than once: to recognise it, to read it, as what stands beside another.
_READINGS = 3

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


class Archive(Folder):
    """The members of an open zip file; `prefix` is the folder inside it."""

    def __init__(self, zip_file: zipfile.ZipFile, label: str, prefix: str, budget: _Budget) -> None:
        self.zip_file = zip_file
        self.label = label
        self.prefix = prefix
        self.budget = budget

    def member(self, name: str) -> Source | None:
        """Return the member `name` beside the one asked from."""
        try:
            member = self.zip_file.getinfo(posixpath.normpath(self.prefix + name))
        except KeyError:
            return None
        return _member_source(self.zip_file, member, self.label, self.budget)

    def names(self, folder: str) -> list[str]:
        """Return the names of the members in a folder seen from the one asked from."""
        path = posixpath.normpath(self.prefix + folder)
        members = _members_by_folder(self.zip_file).get("" if path == "." else path, ())
        return [f"{folder}/{name}" for name in members]


@lru_cache(maxsize=2)
def _members_by_folder(zip_file: zipfile.ZipFile) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(zip_file.namelist()):
        folder, _, last = name.rpartition("/")
        if last:
            found.setdefault(folder, []).append(last)
    return found


def file_source(path: Path, name: str | None = None, looked: Looked | None = None) -> Source:
    """Return the source of a file on disk; `looked` is told what its reader looks at beside it."""
    stat = path.stat()
    return Source(
        name=name or str(path).encode("utf-8", "backslashreplace").decode("utf-8"),
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


def sources(file: Path, looked: Looked | None = None) -> Iterator[Source]:
    """Yield a file as a source, or the members of the zip archive that it is."""
    yield from _expand(file_source(file, looked=looked), 0)


def walk_stream(stream: BinaryIO, name: str = "-") -> Iterator[Source]:
    """Yield a stream as a source, or the members of the zip archive that it is."""
    source = stream_source(stream, name)
    if not (_is_zip(source) or packed.is_packed(_beginning(source), name)):
        yield source
        return
    with tempfile.TemporaryFile() as copy, source.open() as archive:
        shutil.copyfileobj(archive, copy)
        yield from _expand(Source(name=name, opener=lambda: _reopened(copy), size=copy.tell()), 0)


def _reopened(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return os.fdopen(os.dup(file.fileno()), "rb")


def _expand(source: Source, depth: int, budget: _Budget | None = None) -> Iterator[Source]:
    """Yield the source itself, or the members of the zip that it is; one budget holds for all that is within it."""
    if depth > MAX_NESTING or not _is_zip(source):
        yield unpacked(source, budget)
        return
    with _seekable(source.open()) as stream:
        budget = budget or _Budget(stream.seek(0, io.SEEK_END))
        try:
            zip_file = zipfile.ZipFile(stream)
        except (*UNREADABLE, OverflowError, ValueError):  # its tables may tell names and places that are none
            yield source
            return
        with zip_file:
            for info in sorted(zip_file.infolist(), key=lambda info: info.filename):
                if not info.is_dir() and not _is_clutter(info.filename):
                    yield from _expand(_member_source(zip_file, info, source.name, budget), depth + 1, budget)


def unpacked(source: Source, budget: _Budget | None = None) -> Source:
    """Return what is in a source that is one packed file, any other as it is."""
    head, size = _beginning(source), source.size or 0
    if not packed.is_packed(head, source.name):
        return source
    budget = budget or _Budget(size)
    opener = lambda: io.BufferedReader(_Bounded(packed.opened(source.open(), head), size, budget))  # noqa: E731
    return replace(source, opener=opener, size=None, path=None)


def _is_zip(source: Source) -> bool:
    return _beginning(source) == b"PK\x03\x04"


def _beginning(source: Source) -> bytes:
    try:
        return source.head(4)
    except UNREADABLE:  # whoever reads it will say why
        return b""


def _seekable(stream: IO[bytes]) -> IO[bytes]:
    """Return the stream, or a copy in memory where it only goes forward (a zip within a zip)."""
    if stream.seekable():
        return stream
    with stream:
        return io.BytesIO(stream.read())


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


def _is_clutter(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1].startswith("._")


class _Budget:
    """How much may be unpacked of an archive in all: its members may lie one within the other, or be many bombs."""

    def __init__(self, size: int) -> None:
        self.left = _READINGS * max(BOMB_BYTES, size * MAX_RATIO)

    def take(self, count: int) -> None:
        """Note that so many bytes were unpacked.  Raises OSError where it is too much."""
        self.left -= count
        if self.left < 0:
            raise OSError("the archive unpacks to far more than it should")


def _member_source(zip_file: zipfile.ZipFile, info: zipfile.ZipInfo, label: str, budget: _Budget) -> Source:
    prefix = info.filename[: info.filename.rfind("/") + 1]
    return Source(
        name=f"{label}!{info.filename}",
        opener=lambda: io.BufferedReader(_Bounded(_opened(zip_file, info), info.compress_size, budget)),
        size=info.file_size,
        folder=Archive(zip_file, label, prefix, budget),
    )


def _opened(zip_file: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return zip_file.open(info)
    except (OverflowError, ValueError) as error:
        raise zipfile.BadZipFile("the member is not where the archive says") from error


class _Bounded(io.RawIOBase):
    """A packed file or zip member that stops once it unpacks to far more than its packed size."""

    def __init__(self, stream: IO[bytes], packed_size: int, budget: _Budget) -> None:
        self.stream = stream
        self.budget = budget
        self.limit = max(BOMB_BYTES, packed_size * MAX_RATIO)
        self.seen = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self.stream.read(len(buffer))
        self.seen += len(chunk)
        self.budget.take(len(chunk))
        if self.seen > self.limit:
            raise OSError("the packed file unpacks to far more than it should")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self.stream.close()
        super().close()
