"""Tests of import and export: every kind of input and what its report says, file names, and files made whole or not."""

from __future__ import annotations

import io
import json
import os
import random
import re
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog import formats, intake
from chatlog.errors import NotFoundError, RefusedError, UsageError
from chatlog.export import Exporter, ExportReport, file_name, new_file, select
from chatlog.formats.source import Source
from chatlog.intake import FileReport
from chatlog.models import ConversationDraft, Filters
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.store.sqlite.redactions import SqliteRedactions
from chatlog.transfer import ImportOptions, ImportReport, import_history

from .formats.making import talk as conversation
from .store.making import (
    ID,
    assert_sound,
    exported,
    fresh,
    imported,
    jsonl,
    of,
    only,
    raw,
    say,
    shown,
    talk,
    unwritten,
)

FILE_KEYS = {
    "path", "format", "conversations", "messages", "new", "updated", "unchanged", "skipped", "errors", "left_out",
}  # fmt: skip
TOTAL_KEYS = {"conversations", "messages", "new", "updated", "unchanged", "skipped", "files", "errors"}


def line(conversation: str = "c", text: str = "hello", **facts: Any) -> dict[str, Any]:
    return {"type": "message", "conversation": conversation, "role": "user", "text": text, **facts}


def good(conversation: str = "c", *texts: str) -> bytes:
    return jsonl(*(line(conversation, text) for text in texts or ("hello",))).encode()


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def encrypted(archive: bytes) -> bytes:
    """Return an archive whose members say that they are encrypted."""
    data = bytearray(archive)
    for signature, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flag] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


def garbled(archive: bytes, member: str) -> bytes:
    """Return an archive of which one member's packed bytes are garbled."""
    data = bytearray(archive)
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        info = found.getinfo(member)
    start = info.header_offset + 30 + len(member)
    for at in range(start, start + info.compress_size):
        data[at] ^= 0x5A
    return bytes(data)


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def take(store: Store, *inputs: Any, **options: Any) -> ImportReport:
    return import_history(store, inputs, ImportOptions(**options))


def said(report: ImportReport, base: Path | None = None) -> list[tuple[str, str | None, int, list[str]]]:
    """Return path, format, new messages and reasons of each file of a report."""
    return [
        (
            file.path.removeprefix(f"{base}/"),
            file.format,
            file.counts["new"],
            [f"{problem.place}: {problem.reason}" if problem.place else problem.reason for problem in file.errors],
        )
        for file in report.files
    ]


def words(store: Store) -> list[str]:
    return sorted(hit.message.text for hit in store.scan())


# the report


def test_the_report_has_the_promised_keys(store: Store) -> None:
    """The shapes of CLI.md section 3, and what was knowingly left out beside them."""
    report = imported(store, good("c", "a", "b") + b"{broken\n" + good("d", "x"))
    (file,) = (each.record() for each in report.files)
    assert FILE_KEYS == set(file)
    assert TOTAL_KEYS == set(report.total)
    counts = {"conversations": 2, "messages": 3, "new": 3, "updated": 0, "unchanged": 0, "skipped": 0}
    problem = {"place": "line 3", "reason": "not valid JSON at column 2"}
    assert {"path": "-", "format": "chatlog", **counts, "left_out": {}, "errors": [problem]} == file
    assert {**counts, "files": 1, "errors": 1} == report.total
    assert file == json.loads(json.dumps(file))


def test_the_report_counts_each_outcome(store: Store) -> None:
    """New, updated, unchanged and skipped add up to what was read."""
    lines = [line("c", str(number), source_id=f"m{number}") for number in range(3)]
    imported(store, jsonl(*lines, line("gone", "x")))
    store.delete([each.id for each in store.conversations().items if each.source_id == "gone"])
    lines[0]["text"] = "changed"
    report = imported(store, jsonl(*lines, line("c", "more", source_id="m4"), line("gone", "x")))
    assert {"new": 1, "updated": 1, "unchanged": 2, "skipped": 1} == {
        name: report.total[name] for name in ("new", "updated", "unchanged", "skipped")
    }
    assert 5 == report.total["messages"]


def test_the_sums_are_over_all_files(store: Store) -> None:
    """Several inputs are several entries and one total."""
    report = take(store, io.BytesIO(good("c", "a")), io.BytesIO(good("d", "b", "c")), io.BytesIO(b""))
    assert (3, 2, 3, 1) == tuple(report.total[name] for name in ("files", "conversations", "new", "errors"))


def test_nothing_is_reported_of_nothing() -> None:
    """An empty report is all zeros."""
    assert dict.fromkeys(TOTAL_KEYS, 0) == ImportReport().total
    assert None is FileReport("x").record()["format"]


# inputs


def test_files_folders_and_archives_are_read(store: Store, tmp_path: Path) -> None:
    """Every kind of input brings its history in; other files of folders and archives are counted and passed over."""
    inner = zipped({"deep.jsonl": good("d"), "notes.txt": b"no history"})
    folder(tmp_path, {
        "one.jsonl": good("a"),
        "two/sub.jsonl": good("b"),
        "two/readme.md": b"# no history",
        "three.zip": zipped({"x/three.jsonl": good("c"), "inner.zip": inner, "image.png": b"\x89PNG"}),
    })  # fmt: skip
    report = take(store, tmp_path / "one.jsonl", str(tmp_path / "two"), tmp_path / "three.zip")
    assert [
        ("one.jsonl", "chatlog", 1, []),
        ("two/sub.jsonl", "chatlog", 1, []),
        ("three.zip!inner.zip!deep.jsonl", "chatlog", 1, []),
        ("three.zip!x/three.jsonl", "chatlog", 1, []),
    ] == said(report, tmp_path)
    assert 3 == report.ignored


def test_what_came_in_redacted_is_looked_for_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That reads every conversation there is, so of many files only the first one pays for it."""
    asked: list[bool] = []
    answer = SqliteRedactions.any_came_redacted
    monkeypatch.setattr(SqliteRedactions, "any_came_redacted", lambda self: asked.append(True) or answer(self))
    for number in range(5):
        (tmp_path / f"{number}.jsonl").write_bytes(good(f"c{number}"))
    assert 5 == import_history(store, [tmp_path]).total["new"]
    assert [True] == asked


def test_standard_input_is_read(store: Store) -> None:
    """A stream that can be read once is recognised and read."""
    assert [("-", "chatlog", 2, [])] == said(imported(store, good("c", "a", "b")))


def test_an_archive_on_standard_input_is_read(store: Store) -> None:
    """`cat export.zip | chatlog import -` is the same as naming the file."""
    imported(store, zipped({"a.jsonl": good("c", "a"), "b.jsonl": good("d", "b")}))
    assert ["a", "b"] == words(store)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello", "not a history format chatlog knows"),
        (b'{"a": 1}', "not a history format chatlog knows"),
        (b"\xef\xbb\xbf \r\n", "the file is empty"),
        (b"{}\n", "it holds nothing"),
        (b"[]", "it holds an empty list"),
    ],
)
def test_an_input_of_no_history_is_named(store: Store, tmp_path: Path, content: bytes, reason: str) -> None:
    """An empty file and one of an unknown form say so, named by path or by `-`."""
    folder(tmp_path, {"x": content})
    report = take(store, tmp_path / "x", io.BytesIO(content))
    assert [("x", None, 0, [reason]), ("-", None, 0, [reason])] == said(report, tmp_path)


def test_a_file_of_nothing_but_a_beginning_is_named(store: Store, tmp_path: Path) -> None:
    """A live session's last line may be unfinished; where it is all there is, the file is cut off."""
    cut = b'{"messages": [{"role": "user", "content": "x"}'
    folder(tmp_path, {"cut.json": cut, "live.jsonl": b'{"role": "user", "content": "x"}\n{"role": "us'})
    report = take(store, tmp_path / "cut.json", tmp_path / "live.jsonl")
    assert [
        ("cut.json", "openai_messages", 0, ["line 1: the file ends in the middle of it"]),
        ("live.jsonl", "openai_messages", 1, []),
    ] == said(report, tmp_path)


def test_a_folder_and_an_archive_without_history_are_named(store: Store, tmp_path: Path) -> None:
    """An empty one is empty; one of other files holds no history."""
    (tmp_path / "empty").mkdir()
    folder(tmp_path, {"other/readme.md": b"hi", "zip.zip": zipped({"readme.md": b"hi"})})
    report = take(store, *(tmp_path / name for name in ("empty", "other", "zip.zip")))
    nothing = "no history of a format chatlog knows is in it"
    assert [
        ("empty", None, 0, ["it is empty"]),
        ("other", None, 0, [nothing]),
        ("zip.zip", None, 0, [nothing]),
    ] == said(report, tmp_path)


def test_a_path_of_nothing_is_named(store: Store, tmp_path: Path) -> None:
    """A mistyped path is an error in the report; the next input comes in."""
    folder(tmp_path, {"good.jsonl": good()})
    report = take(store, tmp_path / "nope", tmp_path / "good.jsonl")
    reason = f"there is no file or folder {tmp_path}/nope"
    assert [("nope", None, 0, [reason]), ("good.jsonl", "chatlog", 1, [])] == said(report, tmp_path)


def test_a_pipe_is_named_and_passed_over(store: Store, tmp_path: Path) -> None:
    """What is neither file nor folder stops nothing."""
    os.mkfifo(tmp_path / "pipe")
    folder(tmp_path, {"good.jsonl": good()})
    report = take(store, tmp_path / "pipe", tmp_path / "good.jsonl")
    assert (1, ["hello"]) == (report.total["errors"], words(store))


def test_the_database_itself_is_never_opened_as_a_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that holds the open database is imported around it: opening its files would drop SQLite's locks."""
    folder(tmp_path, {"good.jsonl": good()})
    opened: list[str] = []
    opening = Path.open

    def watched(path: Path, *arguments: Any, **how: Any) -> Any:
        opened.append(path.name)
        return opening(path, *arguments, **how)

    monkeypatch.setattr(Path, "open", watched)
    take(store, tmp_path, Path(store.info()["path"]))
    assert ["hello"] == words(store)
    assert {"good.jsonl"} == set(opened) - {"METADATA"}  # of the installed package


# what is broken


def test_a_folder_that_may_not_be_read_is_named(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file would be: it is not empty, and what lies beside it comes in."""
    locked = tmp_path / "a" / "locked"
    locked.mkdir(parents=True)
    (tmp_path / "a" / "b.jsonl").write_bytes(good())
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(locked) and may(path, mode))
    for folder, new in ((tmp_path / "a", 1), (locked, 0)):
        report = import_history(store, [folder])
        assert [(str(locked), "Permission denied")] == [
            (file.path, problem.reason) for file in report.files for problem in file.errors
        ]
        assert new == report.total["new"]


def test_a_broken_line_stops_nothing(store: Store) -> None:
    """The lines around it come in; the report says where and why, never what."""
    report = imported(store, good("c", "a") + b'{"secret": oops}\n' + good("c", "b"))
    assert [("-", "chatlog", 2, ["line 2: not valid JSON at column 12"])] == said(report)
    assert "secret" not in json.dumps(report.files[0].record())


@pytest.mark.parametrize("broken", ["encrypted", "garbled", "cut", "rubbish"])
@pytest.mark.parametrize("place", ["folder", "archive"])
def test_a_broken_file_stops_nothing(store: Store, tmp_path: Path, broken: str, place: str) -> None:
    """An archive that cannot be read, in a folder or in an archive, is named; what stands beside it comes in."""
    archive = zipped({"a.jsonl": good("a", *(str(number) for number in range(50)))})
    data = {
        "encrypted": encrypted(archive),
        "garbled": garbled(archive, "a.jsonl"),
        "cut": archive[: len(archive) // 2],
        "rubbish": b"PK\x03\x04" + random.Random(7).randbytes(500),
    }[broken]
    files = {"1.jsonl": good("b", "before"), "2.zip": data, "3.jsonl": good("c", "after")}
    target = folder(tmp_path / "in", files) if place == "folder" else tmp_path / "x.zip"
    if place == "archive":
        target.write_bytes(zipped(files))
    report = take(store, target)
    assert {"before", "after"} <= set(words(store))
    if broken in ("encrypted", "garbled"):
        assert 1 == report.total["errors"]
    assert_sound(store)


@pytest.mark.parametrize("broken", ["encrypted", "garbled"])
def test_a_broken_member_stops_nothing(store: Store, tmp_path: Path, broken: str) -> None:
    """One member that cannot be unpacked is named; the others come in."""
    archive = zipped({"a.jsonl": good("a", *"0123456789"), "b.jsonl": good("b", "after")})
    data = garbled(archive, "a.jsonl") if broken == "garbled" else encrypted(archive)
    folder(tmp_path, {"x.zip": data, "y.jsonl": good("c", "beside")})
    report = take(store, tmp_path)
    reasons = {reason for file in said(report) for reason in file[3]}
    assert {"the archive is encrypted" if broken == "encrypted" else "the archive is damaged"} == reasons
    assert (["after", "beside"] if broken == "garbled" else ["beside"]) == words(store)


@pytest.mark.parametrize("data", ["encrypted", "cut"])
def test_a_broken_archive_says_so(store: Store, tmp_path: Path, data: str) -> None:
    """A named archive that cannot be opened is called what it is, not an unknown format."""
    archive = zipped({"a.jsonl": good()})
    folder(tmp_path, {"x.zip": encrypted(archive) if data == "encrypted" else archive[:-30]})
    (file,) = said(take(store, tmp_path / "x.zip"), tmp_path)
    assert ["the archive is encrypted" if data == "encrypted" else "the archive is damaged"] == file[3]


def test_an_archive_damaged_in_the_middle_gives_what_can_be_read(store: Store, tmp_path: Path) -> None:
    """The messages before the damage are kept, also those of the batch that was not full yet."""
    texts = [f"{number} {random.Random(number).randbytes(200).hex()}" for number in range(700)]
    data = bytearray(zipped({"a.jsonl": good("a", *texts)}))
    middle = len(data) * 9 // 10
    data[middle : middle + 40] = bytes(byte ^ 0x5A for byte in data[middle : middle + 40])
    folder(tmp_path, {"x.zip": bytes(data)})
    report = take(store, tmp_path / "x.zip")
    assert "the archive is damaged" in report.files[0].errors[-1].reason
    assert report.total["new"] > intake.BATCH_RECORDS
    assert_sound(store)


class Failing(io.RawIOBase):
    """A stream that fails in the middle."""

    def __init__(self, data: bytes, error: Exception) -> None:
        self.data = io.BytesIO(data)
        self.error = error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self.data.read(min(len(buffer), 100))
        if not chunk:
            raise self.error
        buffer[: len(chunk)] = chunk
        return len(chunk)


def test_a_stream_that_fails_is_named(store: Store) -> None:
    """What the system says is the reason; the next input comes in."""
    stream = Failing(good("c", *"abcdefgh"), OSError(5, "Input/output error"))
    report = take(store, stream, io.BytesIO(good("d", "after")))
    assert ["Input/output error"] == said(report)[0][3]
    assert "after" in words(store)


@pytest.mark.parametrize("name", formats.READERS)
@pytest.mark.parametrize("data", [b"{}", b"[]", b"hello", b"[1, 2]", b'{"a":', b"\x00\xff", b"null\n5\n", good()])
def test_a_wrong_format_is_no_crash(store: Store, name: str, data: bytes) -> None:
    """Insisting on a format that a file is not of gives problems, never an exception."""
    take(store, io.BytesIO(data), format=name)
    assert_sound(store)


# options


def test_a_format_can_be_insisted_on(store: Store) -> None:
    """`--from` reads what would be recognised as something else, or as nothing."""
    data = json.dumps({"role": "user", "content": "hello"}).encode()
    assert "openai_messages" == take(store, io.BytesIO(data), format="openai_messages").files[0].format
    assert [("-", "openai_messages", 0, ["line 1: holds no messages of a known shape"])] == said(
        take(store, io.BytesIO(good()), format="openai_messages")
    )


def test_insisting_takes_every_file_of_a_folder(store: Store, tmp_path: Path) -> None:
    """With a format given nothing is passed over as unknown."""
    inputs = folder(tmp_path / "in", {"a.jsonl": good(), "b.txt": b"hello\n"})
    assert ["a.jsonl", "b.txt"] == [file[0] for file in said(take(store, inputs, format="chatlog"), inputs)]


def test_an_unknown_format_is_refused(store: Store) -> None:
    """A name that no reader has is the caller's error."""
    with pytest.raises(UsageError, match="'nope' is not a format chatlog reads"):
        take(store, io.BytesIO(good()), format="nope")


def test_tags_are_given_to_what_comes_in(store: Store) -> None:
    """New conversations and those met again are tagged; a second time nothing is written."""
    imported(store, good("c", "a"))
    imported(store, good("c", "a") + good("d", "b"), tags=("work", "2026"))
    assert [("2026", 2), ("work", 2)] == store.tags()
    with unwritten(store):
        imported(store, good("c", "a") + good("d", "b"), tags=("work", "2026"))


@pytest.mark.parametrize(
    "header", [{"expires_at": "2026-01-01T00:00:00.000Z"}, {"deleted_at": "2026-01-01T00:00:00.000Z"}]
)
def test_tagging_what_is_out_of_sight_stops_nothing(store: Store, header: dict[str, str]) -> None:
    """An export that holds an expired or trashed conversation is imported with tags like any other."""
    lines = [{"type": "conversation", "id": ID, **header}, line(ID, "x", seq=1), line("c", "after")]
    report = imported(store, jsonl(*lines), tags=("work",))
    assert (0, ["after"], [("work", 1)]) == (report.total["errors"], words(store), store.tags())


def test_a_tag_that_is_none_is_refused_before_anything_is_written(store: Store) -> None:
    """A wrong tag is the caller's error, and nothing came in."""
    with pytest.raises(UsageError, match="is not a tag"):
        imported(store, good(), tags=("two words",))
    assert 0 == store.conversations().total


def test_a_dry_run_writes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as the real run does, over several batches, with tags, titles and extras, and writes no byte."""
    monkeypatch.setattr(intake, "BATCH_RECORDS", 2)
    imported(store, good("c", "a"))
    data = jsonl({"type": "conversation", "id": "p", "parent": "q"}, line("p", "x"), line("c", "a"), line("c", "b"),
                 line("c", "c"), {"type": "memory", "key": "k", "value": 1})  # fmt: skip
    with unwritten(store):
        dry = imported(store, data, dry_run=True, tags=("work",), undelete=True)
    real = imported(store, data, tags=("work",))
    assert real.files[0].record() == dry.files[0].record()
    assert 3 == dry.total["new"]


def test_what_a_long_conversation_is_marked_with_at_its_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header may stand behind more messages than one batch holds; what the owner took away later stays away."""
    monkeypatch.setattr(intake, "BATCH_RECORDS", 2)
    facts = {"tags": ["work"], "pinned": True, "archived": True, "state": {"a": 1}}
    data = jsonl(*(line("c", word) for word in "abcde"), {"type": "conversation", "id": "c", **facts})
    imported(store, data)
    found = store.get(only(store))
    assert (("work",), True, True, {"a": 1}) == (found.tags, found.pinned, found.archived, found.state)
    store.tag([found.id], remove=["work"])
    store.change(found.id, {"pinned": False, "archived": False, "state": {}})
    imported(store, data + jsonl(line("c", "f")))
    found = store.get(only(store))
    assert ((), False, False, {}, 6) == (found.tags, found.pinned, found.archived, found.state, found.messages)


def test_undelete_is_passed_on(store: Store) -> None:
    """What is in the trash comes back only when asked for."""
    imported(store, good("c", "a"))
    store.delete([only(store)])
    assert 1 == imported(store, good("c", "a")).total["skipped"]
    assert 1 == imported(store, good("c", "a"), undelete=True).total["unchanged"]
    assert ["a"] == words(store)


def test_progress_is_told_every_byte(store: Store, tmp_path: Path) -> None:
    """Whoever watches hears of each source, and of as many bytes as it has."""
    folder(tmp_path, {"a.jsonl": good("a", *"abc"), "b.zip": zipped({"b.jsonl": good("b", *"de")})})
    heard: dict[str, int] = {}

    def progress(source: Source, count: int) -> None:
        heard[source.name] = heard.get(source.name, 0) + count

    import_history(store, [tmp_path], progress=progress)
    expected = {f"{tmp_path}/a.jsonl": len(good("a", *"abc")), f"{tmp_path}/b.zip!b.jsonl": len(good("b", *"de"))}
    assert expected == heard


# batches


def test_a_batch_is_a_transaction(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that is killed has whole batches in; running it again completes it, once."""
    monkeypatch.setattr(intake, "BATCH_RECORDS", 10)
    data = jsonl(*(line("c", str(number)) for number in range(30)))
    with monkeypatch.context() as patch:
        patch.setattr(store, "ingest_all", _killed_at_the_third(store))
        with pytest.raises(KeyboardInterrupt):
            imported(store, data)
    assert 20 == store.get(only(store)).messages
    assert_sound(store)
    report = imported(store, data)
    assert (10, 20) == (report.total["new"], report.total["unchanged"])
    assert [str(number) for number in range(30)] == shown(store)


def _killed_at_the_third(store: Store) -> Callable[..., Any]:
    ingest, calls = store.ingest_all, iter((False, False, True))

    def killed(*arguments: Any, **how: Any) -> Any:
        if next(calls):
            raise KeyboardInterrupt
        return ingest(*arguments, **how)

    return killed


def test_a_batch_is_written_when_it_is_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters count too, so that memory stays flat."""
    monkeypatch.setattr(intake, "BATCH_CHARS", 100)
    sizes: list[int] = []
    ingest = store.ingest_all

    def watched(batches: Any, **how: Any) -> Any:
        sizes.append(sum(len(batch.records) for batch in batches))
        return ingest(batches, **how)

    monkeypatch.setattr(store, "ingest_all", watched)
    imported(store, good("c", *(f"{number} {'x' * 60}" for number in range(6))))
    assert max(sizes) <= 3
    assert 6 == store.get(only(store)).messages


# export


def test_an_export_begins_with_the_oldest(store: Store) -> None:
    """Conversations come in the order they were created in, page after page."""
    for day in (3, 1, 2):
        store.ingest("x", of(str(day), talk("a"), created_at=f"2026-01-0{day}T00:00:00.000Z"))
    assert ["1", "2", "3"] == [each.source_id for each in select(store, Filters())]


def test_more_than_a_page_is_exported_once_each(store: Store) -> None:
    """An export of hundreds of conversations has each of them."""
    records = [record for number in range(450) for record in of(str(number), talk("a"))]
    store.ingest("x", records)
    found = [each.source_id for each in select(store, Filters())]
    assert (450, 450) == (len(found), len(set(found)))


def test_a_filtered_export_has_no_extras(store: Store) -> None:
    """Memories and tombstones are of everything, and come only with everything."""
    imported(store, jsonl({"type": "chatlog", "version": 1}, {"type": "memory", "key": "k", "value": 1}))
    assert "memory" in exported(store)
    assert "memory" not in exported(store, everything=False)


def test_the_trash_can_be_exported(store: Store) -> None:
    """What lies in the trash is written when it is asked for, and comes back into the trash."""
    name = store.new(ConversationDraft(title="gone"), [say("hello")]).id
    store.delete([name])
    text = exported(store, Filters(deleted=True), everything=False)
    assert ["chatlog", "conversation", "message"] == [json.loads(each)["type"] for each in text.splitlines()]
    with fresh() as copy:
        imported(copy, text)
        assert (0, 1) == (copy.conversations().total, copy.conversations(Filters(deleted=True)).total)


@pytest.mark.parametrize("to", formats.WRITERS)
def test_every_writer_counts_what_it_writes(store: Store, to: str) -> None:
    """The report has conversations and messages; some forms have every branch, the others the active one."""
    whole = to in ("jsonl", "json", "csv", "html")
    name = store.new(ConversationDraft(title="T"), [say("a"), say("left", "assistant")]).id
    store.add(name, [say("c", "assistant", parent=1)])
    exporter, out = Exporter(store, to), io.StringIO()
    exporter.write(select(store, Filters()), out)
    assert (1, 3 if whole else 2) == (exporter.report.conversations, exporter.report.messages)
    assert ("left" in _texts(out.getvalue())) == whole


def _texts(text: str) -> set[str]:
    return set(re.sub(r'[",<>/]', " ", text).split())


@pytest.mark.parametrize("to", ["jsonl", "markdown", "html"])
def test_what_is_removed_during_an_export_is_not_in_it(store: Store, to: str) -> None:
    """A prune may be at work meanwhile: what it took is left out, and the rest is written."""
    names = [store.new(messages=[say(f"secret {number}")]).id for number in range(3)]

    def remove(_: ExportReport) -> None:
        store.forgetting.remove(names[1:2], Cause("prune"), stop=bool)

    exporter, out = Exporter(store, to, remove), io.StringIO()
    exporter.write(exporter.every(Filters()), out)
    assert (2, 2) == (exporter.report.conversations, exporter.report.messages)
    assert ["secret 0", "secret 2"] == sorted({*re.findall(r"secret \d", out.getvalue())})


def test_an_unknown_writer_is_refused(store: Store) -> None:
    """A name that no writer has is the caller's error."""
    with pytest.raises(UsageError, match="'nope' is not a format chatlog writes"):
        Exporter(store, "nope")


# files


def written(store: Store, path: Path, *, force: bool = False) -> Path:
    Exporter(store, "jsonl").write_file(select(store, Filters()), path, force=force, everything=True)
    return path


def test_a_file_is_private_and_whole(store: Store, tmp_path: Path) -> None:
    """Only its owner can read it, it holds the export, and nothing else is left beside it."""
    store.new(messages=[say("hello")])
    target = tmp_path / "out"
    target.mkdir()
    path = written(store, target / "all.jsonl")
    assert (0o600, exported(store)) == (stat.S_IMODE(path.stat().st_mode), path.read_text())
    assert [path] == list(target.iterdir())


def test_nothing_is_overwritten_silently(store: Store, tmp_path: Path) -> None:
    """A file, a link and a dangling link stay as they are; with force a file is replaced and a link is not followed."""
    path, other = tmp_path / "out.jsonl", tmp_path / "other"
    path.write_text("mine")
    other.write_text("other")
    (tmp_path / "link").symlink_to(other)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("out.jsonl", "link", "dangling"):
        with pytest.raises(RefusedError, match="exists already"):
            written(store, tmp_path / name)
    written(store, tmp_path / "link", force=True)
    written(store, path, force=True)
    assert ("other", False) == (other.read_text(), (tmp_path / "nowhere").exists())
    assert path.read_text().startswith('{"type":"chatlog"')


def test_a_file_appears_only_once_it_is_whole(tmp_path: Path) -> None:
    """While it is written its name is not there; where writing fails nothing is."""
    path = tmp_path / "out.txt"
    with new_file(path, force=False) as out:
        out.write("half")
        assert not path.exists()
    assert "half" == path.read_text()
    with pytest.raises(ZeroDivisionError), new_file(path, force=True) as out:
        out.write(f"other {1 / 0}")
    assert ("half", [path]) == (path.read_text(), list(tmp_path.iterdir()))


def test_a_file_made_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """Somebody else's file of the same name, made while ours was written, stays."""
    path = tmp_path / "out.txt"
    with pytest.raises(RefusedError), new_file(path, force=False):
        path.write_text("theirs")
    assert ("theirs", [path]) == (path.read_text(), list(tmp_path.iterdir()))


@pytest.mark.parametrize("name", ["no/folder/out.txt", "x" * 300])
def test_a_file_that_cannot_be_written_says_why(tmp_path: Path, name: str) -> None:
    """A missing folder and a name that is too long are named."""
    with pytest.raises(NotFoundError, match="cannot write"), new_file(tmp_path / name, force=False):
        pass
    assert [] == list(tmp_path.iterdir())


def test_a_line_feed_is_a_line_feed(tmp_path: Path) -> None:
    """Text is written as UTF-8 with its line ends untouched, on any system."""
    with new_file(tmp_path / "out.txt", force=False) as out:
        out.write("é\nb\r\n")
    assert b"\xc3\xa9\nb\r\n" == (tmp_path / "out.txt").read_bytes()


# file names


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Plan a trip", "Plan a trip-c7q2"),
        ("What's up, doc (2)?", "What's up, doc (2)-c7q2"),
        ("../../x", "x-c7q2"),
        ("/etc/passwd", "etc passwd-c7q2"),
        (r"C:\x", "C x-c7q2"),
        ("CON", "CON-c7q2"),
        ("..", "untitled-c7q2"),
        ("a\x00b", "a b-c7q2"),
        ("\u202etxt.exe", "txt.exe-c7q2"),
        ("a\nb\tc\u2028d", "a b c d-c7q2"),
        ("-rf *", "rf-c7q2"),
        ("-.hidden", "hidden-c7q2"),
        ("aux.txt", "aux txt-c7q2"),
        ("Com1.log.txt", "Com1 log.txt-c7q2"),
        ("conduct.md", "conduct.md-c7q2"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया-c7q2"),
        ("น้ำแข็ง", "น้ำแข็ง-c7q2"),
        ("1\ufe0f\u20e3 \ufe0fheart", "1 heart-c7q2"),
        ("~", "untitled-c7q2"),
        ("", "untitled-c7q2"),
        (None, "untitled-c7q2"),
        ("日本語 ไทย", "日本語 ไทย-c7q2"),
        ("cafe\u0301", "café-c7q2"),
        ("x" * 300, "x" * 60 + "-c7q2"),
        ("🙂", "untitled-c7q2"),
    ],
)
def test_a_title_becomes_a_safe_name(title: str | None, expected: str) -> None:
    """What a file system, a shell or an eye could stumble over is left out; the id makes it one of its own."""
    assert expected == file_name(conversation(title=title))


@given(st.text() | st.text(alphabet="./\\:*?\x00\u202e~- "))
def test_any_title_stays_in_its_folder(title: str) -> None:
    """No title makes a name with a separator, of dots, hidden, or longer than a file system takes."""
    name = file_name(conversation(title=title, id=ID)) + ".jsonl"
    assert name == Path(name).name
    assert not set('/\\:*?"<>|\x00\n\r') & set(name)
    assert not name.startswith(".")
    assert len(name.encode()) <= 255
    assert name.isprintable()


@pytest.mark.parametrize(
    "title", ["../../x", "CON", "x" * 300, "a\x00b", "\u202eabc", "𝐀" * 300, "é" * 300, "入" * 300]
)
def test_any_title_can_be_written(store: Store, tmp_path: Path, title: str) -> None:
    """A folder has one file for it, inside, of the export's form."""
    store.new(ConversationDraft(title=title), [say("hello")])
    target = tmp_path / "out"
    exporter = Exporter(store, "jsonl")
    exporter.write_folder(select(store, Filters()), target, force=False)
    (path,) = target.iterdir()
    assert ([str(path)], 0o700) == (exporter.report.paths, stat.S_IMODE(target.stat().st_mode))
    assert "hello" in path.read_text()
    assert {"out", "chatlog.db"} >= {each.name for each in tmp_path.iterdir() if "-" not in each.name}


def test_equal_titles_are_two_files(store: Store, tmp_path: Path) -> None:
    """The id in the name keeps conversations apart."""
    for _ in range(3):
        store.new(ConversationDraft(title="Same"), [say("hello")])
    Exporter(store, "markdown").write_folder(select(store, Filters()), tmp_path / "out", force=False)
    assert 3 == len(list((tmp_path / "out").glob("Same-*.md")))


@pytest.mark.parametrize("target", ["file", "no/such/folder"])
def test_a_folder_that_cannot_be_made_says_why(store: Store, tmp_path: Path, target: str) -> None:
    """A file in its place, or no folder to make it in, is named."""
    (tmp_path / "file").write_text("mine")
    store.new(messages=[say("hello")])
    with pytest.raises((NotFoundError, RefusedError)):
        Exporter(store, "jsonl").write_folder(select(store, Filters()), tmp_path / target, force=False)
    assert "mine" == (tmp_path / "file").read_text()


def test_a_folder_is_not_overwritten_silently(store: Store, tmp_path: Path) -> None:
    """A second export into the same folder is refused, unless forced."""
    store.new(ConversationDraft(title="Same"), [say("hello")])
    exporter = Exporter(store, "jsonl")
    for force in (False, True):
        exporter.write_folder(select(store, Filters()), tmp_path / "out", force=force)
    with pytest.raises(RefusedError, match="exists already"):
        exporter.write_folder(select(store, Filters()), tmp_path / "out", force=False)


@pytest.mark.parametrize("to", ["markdown", "html"])
def test_a_conversation_has_one_file_in_a_folder(store: Store, tmp_path: Path, to: str) -> None:
    """Under a new title its file is renamed, where overwriting was asked for; another's is left alone, and told."""
    found, out = store.new(ConversationDraft(title="Before"), [say("hello")]), tmp_path / "out"
    Exporter(store, to).write_folder(select(store, Filters()), out, force=False)
    end = next(path.suffix for path in out.iterdir())
    for name in (f"Gone-abcdefgh{end}", f"mine{end}", "Before.txt"):
        (out / name).write_text("x")
    store.change(found.id, {"title": "After"})
    (out / "index.html").unlink(missing_ok=True)
    with pytest.raises(RefusedError, match=f"Before-{found.id[:8]}{end} exists already"):
        Exporter(store, to).write_folder(select(store, Filters()), out, force=False)
    forced = Exporter(store, to)
    forced.write_folder(select(store, Filters()), out, force=True)
    kept = {f"After-{found.id[:8]}{end}", f"Gone-abcdefgh{end}", f"mine{end}", "Before.txt"}
    assert kept == {path.name for path in out.iterdir()} - {"index.html"}
    assert [f"Gone-abcdefgh{end}"] * (to == "html") == forced.report.earlier


def test_an_import_needs_no_more_memory_for_more_messages(store: Store) -> None:
    """However long the input, no batch holds more than its bound."""
    sizes = []
    ingest = store.ingest_all
    store.ingest_all = lambda batches, **how: sizes.append(len(batches[0].records)) or ingest(batches, **how)  # type: ignore[method-assign, func-returns-value]
    imported(store, good("c", *(str(number) for number in range(1200))))
    assert max(sizes) <= intake.BATCH_RECORDS
    with raw(store) as connection:
        assert (1200,) == connection.execute("SELECT count(*) FROM messages").fetchone()


def test_the_database_is_never_exported_onto_itself(store: Store) -> None:
    """Whatever is said, the history is not replaced by a file of it."""
    store.new(messages=[say("hello")])
    path = Path(store.info()["path"])
    for name in (path, path.with_name(path.name + "-wal")):
        with pytest.raises(RefusedError, match="database itself"):
            Exporter(store, "jsonl").write_file([], name, force=True, everything=True)
