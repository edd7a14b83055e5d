"""Tests of where bytes come from: files, folders, archives within archives, and streams that can be read once."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.errors import NotFoundError, UsageError
from chatlog.formats import source as sources
from chatlog.formats.source import HEAD_BYTES, MAX_NESTING, UNREADABLE, Source, file_source, stream_source

from ..acceptance.helpers import capable_prefix
from .making import walk


def zipped(*members: tuple[str, bytes]) -> bytes:
    """Return a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


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


# archives


def test_a_zip_is_read_member_by_member(tmp_path: Path) -> None:
    """Members come sorted, named after archive and member; folders and clutter are left out."""
    members = [("b.json", b"B"), ("sub/", b""), ("sub/a.json", b"A"), ("__MACOSX/x", b""), ("sub/._a.json", b"")]
    folder(tmp_path, **{"x.zip": zipped(*members)})
    assert {"x.zip!b.json": b"B", "x.zip!sub/a.json": b"A"} == contents(tmp_path)


def test_a_zip_is_known_by_its_content(tmp_path: Path) -> None:
    """A download without an extension is an archive all the same; a file called .zip need not be one."""
    folder(tmp_path, download=zipped(("a", b"A")), **{"fake.zip": b"text"})
    assert {"download!a": b"A", "fake.zip": b"text"} == contents(tmp_path)


def test_an_archive_within_an_archive_is_opened(tmp_path: Path) -> None:
    """Exports that were zipped once more are read through; deeper ones than we go stay closed."""
    data = zipped(("a", b"A"))
    for _ in range(MAX_NESTING):
        data = zipped(("in.zip", data))
    folder(tmp_path, **{"x.zip": data, "y.zip": zipped(("in.zip", data))})
    found = contents(tmp_path)
    assert b"A" == found["x.zip" + "!in.zip" * MAX_NESTING + "!a"]
    assert ["y.zip" + "!in.zip" * (MAX_NESTING + 1)] == [name for name in found if name.startswith("y")]


def test_a_member_knows_its_siblings(tmp_path: Path) -> None:
    """A member finds the one of another name in its own folder of the archive."""
    folder(tmp_path, **{"x.zip": zipped(("sub/a", b"A"), ("sub/b", b"B"), ("c", b"C"))})
    for source in walk(tmp_path):
        if source.name.endswith("!sub/a"):
            beside = source.sibling("b")
            assert beside is not None
            assert (b"B", None) == (beside.head(), source.sibling("c"))


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", r"C:\evil", "a/../../evil", "CON"])
def test_nothing_is_ever_extracted(tmp_path: Path, name: str) -> None:
    """Whatever a member is called, it is read in place and no file appears."""
    folder(tmp_path, **{"in/x.zip": zipped((name, b"E"))})
    assert [b"E"] == list(contents(tmp_path / "in").values())
    assert ["in", "x.zip"] == sorted(path.name for path in tmp_path.rglob("*"))


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that unpacks to far more than its packed size is given up, whatever size it claims."""
    monkeypatch.setattr(sources, "BOMB_BYTES", 10_000)
    monkeypatch.setattr(sources, "MAX_RATIO", 10)
    packed = zipped(("bomb", bytes(10**7)))
    folder(tmp_path, **{"x.zip": packed})
    unpacked = 0
    with pytest.raises(OSError, match="far more than it should"):  # noqa: PT012  the reading is the point
        for source in walk(tmp_path):
            with source.open() as stream:
                while chunk := stream.read(4096):
                    unpacked += len(chunk)
    assert unpacked <= 10 * len(packed) + io.DEFAULT_BUFFER_SIZE


def test_an_honest_archive_of_much_text_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that packs well, within the ratio, is read to its end."""
    monkeypatch.setattr(sources, "BOMB_BYTES", 10)
    text = os.urandom(3000).hex().encode() * 20
    folder(tmp_path, **{"x.zip": zipped(("text", text))})
    assert {"x.zip!text": text} == contents(tmp_path)


def test_a_broken_archive_is_yielded_as_it_is(tmp_path: Path) -> None:
    """What begins like a zip and is none comes out as a file, for the report to name."""
    folder(tmp_path, **{"x.zip": zipped(("a", b"A"))[:-30]})
    assert ["x.zip"] == names(walk(tmp_path), tmp_path)


def test_an_unreadable_archive_does_not_hide_what_follows(tmp_path: Path) -> None:
    """Behind an archive whose members cannot be opened, the other files of the folder still come."""
    data = bytearray(zipped(("a.zip", b"PK")))
    for signature, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + flag] |= 1  # encrypted
    folder(tmp_path, **{"1.zip": bytes(data), "2.json": b"{}"})
    assert "2.json" in names(walk(tmp_path), tmp_path)


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


@pytest.mark.parametrize(
    ("packing", "damaged"), [(zipfile.ZIP_LZMA, slice(50, 58)), (zipfile.ZIP_STORED, slice(30, 31))]
)
def test_a_damaged_member_costs_no_other(tmp_path: Path, packing: int, damaged: slice) -> None:
    """A member whose bytes, or whose name in its own head, are damaged is a problem; the next one is read."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", packing) as archive:
        archive.writestr("ä", os.urandom(1_000))
        archive.writestr("öther", b"said")
    data = bytearray(packed.getvalue())
    data[damaged] = b"\xff" * len(data[damaged])
    (tmp_path / "export.zip").write_bytes(data)
    found = {}
    for source in walk(tmp_path / "export.zip"):
        try:
            found[source.name[-1]] = read(source)
        except UNREADABLE:
            found[source.name[-1]] = b""
    assert {"ä": b"", "r": b"said"} == found


@pytest.mark.parametrize("depth", [0, 1])
def test_a_member_that_lies_nowhere_is_a_problem(tmp_path: Path, depth: int) -> None:
    """Wherever an archive says that a member begins, reading it raises what every reader of archives catches."""
    data = zipped(("said", b"words"))
    at = data.index(b"PK\x05\x06") + 16
    data = data[:at] + (int.from_bytes(data[at : at + 4], "little") + 1_000).to_bytes(4, "little") + data[at + 4 :]
    (tmp_path / "export.zip").write_bytes(zipped(("inner.zip", data)) if depth else data)
    for source in walk(tmp_path / "export.zip"):
        with pytest.raises(UNREADABLE):
            read(source)
