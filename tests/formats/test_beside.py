"""Tests of what lies beside a source."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from chatlog.formats.archive import sources
from chatlog.formats.beside import beside, lines_beside, text_beside
from chatlog.formats.source import file_source

from .making import source_of


def test_a_document_beside_a_source_is_found_or_none(tmp_path: Path) -> None:
    """One that is missing or broken is none, and neither stops the reading of what it stands beside."""
    names = {"chat.json": "{}", "good.json": '{"a": 1}', "broken.json": '{"a": '}
    for name, text in names.items():
        (tmp_path / name).write_text(text)
    source = file_source(tmp_path / "chat.json")
    found = [beside(source, name) for name in ("good.json", "broken.json", "missing.json")]
    assert [{"a": 1}, None, None] == found
    assert beside(source_of("{}"), "good.json") is None


def test_what_is_damaged_beside_a_source_costs_it_nothing(tmp_path: Path) -> None:
    """A member of an archive that cannot be unpacked says nothing, and the one that asked for it is read on."""
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("chat.json", "{}")
        members.writestr("names.json", json.dumps({"a name": "worth packing, as it is long"}))
    data = bytearray(archive.read_bytes())
    data[data.index(b"names.json") + 20] ^= 0xFF
    archive.write_bytes(data)
    chat, _ = sources(archive)
    found = [beside(chat, "names.json"), text_beside(chat, "names.json", 100), list(lines_beside(chat, "names.json"))]
    assert [None, "", []] == found
