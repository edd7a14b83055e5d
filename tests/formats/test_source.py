"""Tests of where bytes come from: files, folders, archives within archives, and streams that can be read once."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.errors import NotFoundError, UsageError
from chatlog.formats.source import HEAD_BYTES, Source, file_source, stream_source

from ..acceptance.helpers import capable_prefix
from .making import walk


def folder(path: Path, **files: bytes) -> Path:
    """Write files into a folder, `__` in a name standing for a slash, and return it."""
    for name, data in files.items():
        target = path / name.replace("__", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return path


def names(found: Iterable[Source], base: Path) -> list[str]:
    return [source.name.removeprefix(f"{base}/") for source in found]


def read(source: Source) -> bytes:
    with source.open() as stream:
        return stream.read()


def contents(path: Path) -> dict[str, bytes]:
    """Return what a walk yields, each read while the walk stands at it."""
    return {source.name.removeprefix(f"{path}/"): read(source) for source in walk(path)}


class Drip(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a slow pipe does."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data = io.BytesIO(data)
        self.size = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self.data.read(min(self.size, len(buffer)))
        buffer[: len(chunk)] = chunk
        return len(chunk)


# files and folders


def test_a_file_is_a_source(tmp_path: Path) -> None:
    """It knows its path, size, time and stem, and opens from its beginning each time."""
    folder(tmp_path, a=b"hello")
    source = file_source(tmp_path / "a")
    assert (str(tmp_path / "a"), 5, tmp_path / "a", "a") == (source.name, source.size, source.path, source.stem)
    assert (b"he", b"hello", b"hello") == (source.head(2), source.head(), read(source))


def test_the_stem_is_the_name_without_folder_and_extension() -> None:
    """Also of a member in an archive, and where a backslash parts the folders."""
    stems = [Source(name, io.BytesIO).stem for name in ("a/b.json", "x.zip!sub/c.jsonl", r"x.zip!sub\d.json", "-")]
    assert ["b", "c", "d", "-"] == stems


def test_a_folder_is_walked_in_order(tmp_path: Path) -> None:
    """Files come sorted, those of a folder before its sub-folders; clutter of a Mac is left out."""
    folder(tmp_path, b=b"", a=b"", z__y=b"", z__x=b"", **{"._a": b"", "z__._x": b""})
    assert ["a", "b", "z/x", "z/y"] == names(walk(tmp_path), tmp_path)


def test_a_link_to_nothing_is_passed_over(tmp_path: Path) -> None:
    """A dangling link in a folder is no file."""
    folder(tmp_path, a=b"")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert ["a"] == names(walk(tmp_path), tmp_path)


def test_a_folder_that_may_not_be_entered_costs_no_other(tmp_path: Path) -> None:
    """One that may not be read, and one whose names may be seen and no more, are named."""
    data = folder(tmp_path / "data", a=b"", hidden__b=b"", seen__b=b"", seen__z__b=b"", open__c=b"")
    (data / "hidden").chmod(0o000)
    (data / "seen").chmod(0o644)
    code = """if True:
        import sys; from pathlib import Path; from chatlog.formats.source import files
        print(*(p.name for p in files(Path(sys.argv[1]), missed=lambda error: print(error.strerror, error.filename))))
    """
    command = [*capable_prefix(), sys.executable, "-c", code, str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in ("hidden", "seen"):
        (data / name).chmod(0o755)
    denied = [f"Permission denied {data / name}" for name in ("hidden", "seen")]
    assert [*denied, "a c"] == done.stdout.splitlines()


def test_a_path_of_nothing_is_not_found(tmp_path: Path) -> None:
    """A mistyped path is named, and is no file afterwards."""
    with pytest.raises(NotFoundError, match=f"there is no file or folder {tmp_path}/nope"):
        list(walk(tmp_path / "nope"))
    assert [] == list(tmp_path.iterdir())


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path) -> None:
    """A pipe in the file system is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is neither a file nor a folder"):
        list(walk(tmp_path / "pipe"))


def test_a_file_knows_its_siblings(tmp_path: Path) -> None:
    """A source finds the file of another name beside it, and below."""
    folder(tmp_path, a=b"", b=b"B", sub__c=b"C")
    source = file_source(tmp_path / "a")
    beside, below = source.sibling("b"), source.sibling("sub/c")
    assert beside is not None
    assert below is not None
    assert (b"B", b"C", None) == (beside.head(), below.head(), source.sibling("none"))


# streams


@given(st.binary(max_size=300), st.integers(1, 400), st.integers(1, 400))
def test_a_stream_is_looked_at_and_then_read_whole(data: bytes, head: int, size: int) -> None:
    """What a sniffer has seen of standard input comes again when it is read."""
    source = stream_source(io.BytesIO(data))
    assert data[:head] == source.head(head)
    with source.open() as stream:
        assert data == b"".join(iter(lambda: stream.read(size), b""))


def test_a_long_stream_is_read_whole() -> None:
    """A head of several sniffers, and what is longer than it, are not mixed up."""
    data = os.urandom(HEAD_BYTES * 3)
    source = stream_source(io.BytesIO(data))
    assert (data[:1], data[:HEAD_BYTES]) == (source.head(1), source.head())
    assert data == read(source)


def test_a_stream_is_called_after_its_dash() -> None:
    """In reports standard input is `-`, of unknown size, without siblings."""
    source = stream_source(io.BytesIO(b""))
    assert ("-", None, None, b"") == (source.name, source.size, source.sibling("a"), source.head())


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_slow_stream_is_read_whole(size: int) -> None:
    """A stream that gives less than it is asked for, as a raw pipe does, loses nothing."""
    data = b"0123456789" * 300
    source = stream_source(Drip(data, size))  # type: ignore[arg-type]
    assert data == source.head()
    assert data == read(source)
