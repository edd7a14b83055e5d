"""Tests of archives: their members, archives within archives, and those that would unpack to too much."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from chatlog.formats import archive as archives
from chatlog.formats.archive import MAX_NESTING
from chatlog.formats.source import UNREADABLE

from .making import walk
from .test_source import contents, folder, names, read


def zipped(*members: tuple[str, bytes]) -> bytes:
    """Return a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


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
    monkeypatch.setattr(archives, "BOMB_BYTES", 10_000)
    monkeypatch.setattr(archives, "MAX_RATIO", 10)
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
    monkeypatch.setattr(archives, "BOMB_BYTES", 10)
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
