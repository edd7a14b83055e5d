"""The sources in a file or stream: the members of a zip, what is in a packed file, or the file itself.

Archives are read in place, member by member, and nothing is ever extracted; how much may come out of one is bounded.
"""

from __future__ import annotations

import io
import os
import posixpath
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO

from chatlog.formats import packed
from chatlog.formats.source import UNREADABLE, Folder, Looked, Source, file_source, stream_source

#: Archives within archives are opened this deep (exports are often re-zipped once).
MAX_NESTING = 2
#: A zip member that unpacks to more than so many times its packed size, and to more than `BOMB_BYTES`, is refused.
MAX_RATIO = 200
BOMB_BYTES = 200 * 1024 * 1024
#: A member may be unpacked more than once: to recognise it, to read it, as what stands beside another.
_READINGS = 3


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
