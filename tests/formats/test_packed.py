"""Tests of files packed with gzip and zstd: read as a stream, bounded, and named where nothing here reads them."""

from __future__ import annotations

import gzip
import importlib
import io
from pathlib import Path

import pytest

from chatlog.formats import archive, packed
from chatlog.store import Store
from chatlog.transfer import ImportOptions, ImportReport, import_history

from ..store.making import jsonl

HISTORY = jsonl(
    {"timestamp": "2026-01-01T00:00:00.000Z", "type": "session_meta", "payload": {"cwd": "/x", "cli_version": "1"}},
    {"timestamp": "2026-01-01T00:00:01.000Z", "type": "event_msg", "payload": {"type": "user_message",
     "message": "hi"}},
    {"timestamp": "2026-01-01T00:00:01.000Z", "type": "response_item", "payload": {"type": "message", "role": "user",
     "content": [{"type": "input_text", "text": "hi"}]}},
).encode()  # fmt: skip
NAME = "rollout-2026-01-01T00-00-00-11111111-2222-3333-4444-555555555555.jsonl"


def zstd(data: bytes) -> bytes:
    """Return data packed with zstd; skips where nothing can."""
    return bytes(pytest.importorskip("zstandard").ZstdCompressor().compress(data))


def take(store: Store, path: Path, data: bytes) -> ImportReport:
    path.write_bytes(data)
    return import_history(store, [path])


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_packed_rollout_is_the_rollout(store: Store, tmp_path: Path, ending: str) -> None:
    """It has the id its file is called by, whatever it is packed with."""
    data = {"": bytes, ".gz": gzip.compress, ".zst": zstd}[ending](HISTORY)
    report = take(store, tmp_path / f"{NAME}{ending}", data)
    assert [("codex", 1, [])] == [(file.format, file.counts["new"], file.errors) for file in report.files]
    assert "11111111-2222-3333-4444-555555555555" == store.conversations().items[0].source_id


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_rollout_that_was_packed_since_is_the_same(store: Store, tmp_path: Path, ending: str) -> None:
    """Nothing comes in twice, and the packed file is left unread from then on."""
    take(store, tmp_path / NAME, HISTORY)
    data = gzip.compress(HISTORY) if ending == ".gz" else zstd(HISTORY)
    assert 0 == take(store, tmp_path / f"{NAME}{ending}", data).total["new"]
    assert [] == import_history(store, [tmp_path], ImportOptions(only_changed=True)).files


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_what_unpacks_without_end_is_stopped(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """A small file that holds far more than it should is a problem, and what came before is kept."""
    monkeypatch.setattr(archive, "BOMB_BYTES", 1_000_000)
    monkeypatch.setattr(archive, "MAX_RATIO", 10)
    bomb = HISTORY + b" " * 5_000_000
    report = take(store, tmp_path / f"{NAME}{ending}", gzip.compress(bomb) if ending == ".gz" else zstd(bomb))
    assert ["the packed file unpacks to far more than it should"] == [one.reason for one in report.files[0].errors]


@pytest.mark.parametrize(("ending", "cut"), [(".gz", 30), (".zst", 30)])
def test_a_damaged_one_is_named(store: Store, tmp_path: Path, ending: str, cut: int) -> None:
    """Bytes that are no packed data any more are said to be damaged."""
    data = gzip.compress(HISTORY) if ending == ".gz" else zstd(HISTORY)
    report = take(store, tmp_path / f"{NAME}{ending}", data[:cut] + bytes(len(data) - cut))
    assert [True] == ["damaged" in problem.reason for problem in report.files[0].errors[-1:]]


def test_without_a_reader_of_zstd_it_says_what_is_missing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollout is named with what to install; another file that happens to be zstd is not history."""
    data = zstd(HISTORY)
    real = importlib.import_module

    def missing(name: str) -> object:
        if "zstd" in name or name == "zstandard":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(packed, "import_module", missing)
    packed._zstd.cache_clear()
    (tmp_path / "package.tar.zst").write_bytes(data)
    report = take(store, tmp_path / f"{NAME}.zst", data)
    every = import_history(store, [tmp_path])
    packed._zstd.cache_clear()
    assert ["it is compressed with zstd, which needs: pip install 'chatlog[zstd]'"] == [
        problem.reason for problem in report.files[0].errors
    ]
    assert (1, 1) == (len(every.files), every.ignored)


def test_a_packed_stream_may_be_as_large_as_a_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much may come out of a stream goes by how much went in, which its end tells."""
    monkeypatch.setattr(archive, "BOMB_BYTES", 100)
    report = import_history(store, [io.BytesIO(gzip.compress(HISTORY))])
    assert [("codex", 1, [])] == [(file.format, file.counts["new"], file.errors) for file in report.files]
