"""Tests of which files are read again: by size, time, hash, what stands beside them, and how they were read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from chatlog import formats, freshness, intake
from chatlog.errors import StorageFullError
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.transfer import ImportOptions, ImportReport, import_history

from .conftest import NOW
from .store.making import exported, jsonl, unwritten

#: Long before the store's clock: such a file is no suspect of being written again in the same moment.
OLD = int(NOW.timestamp()) - 1000
#: What may be asked for with an import, beyond that the history is there.
WISHES: dict[str, dict[str, Any]] = {
    "tag": {"tags": ("work",)},
    "format": {"format": "chatlog"},
    "redaction": {"redactor": Redactor()},
}
CHATGPT = """[{"id": "c", "title": "Talk", "current_node": "a", "mapping": {"a": {"id": "a", "parent": null,
    "children": [], "message": {"id": "a", "author": {"role": "user"}, "create_time": 1795000000,
    "content": {"content_type": "text", "parts": ["hello"]}}}}}]"""


def line(text: str, conversation: str = "c") -> dict[str, Any]:
    return {"type": "message", "conversation": conversation, "role": "user", "text": text}


def write(path: Path, *texts: str, at: int = OLD) -> Path:
    """Write a history of a conversation called after the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(jsonl(*(line(text, path.stem) for text in texts)), "utf-8")
    os.utime(path, (at, at))
    return path


def sync(store: Store, *paths: Path, **options: Any) -> ImportReport:
    return import_history(store, paths, ImportOptions(only_changed=True, **options))


def read(report: ImportReport) -> list[tuple[str, int]]:
    """Return the files that were read, with their new messages."""
    return [(Path(file.path).name, file.counts["new"]) for file in report.files]


def test_an_unchanged_file_is_not_read_again(store: Store, tmp_path: Path) -> None:
    """Neither opened nor reported, and nothing is written."""
    path = write(tmp_path / "a.jsonl", "hello")
    assert [("a.jsonl", 1)] == read(sync(store, tmp_path / "a.jsonl"))
    path.chmod(0)
    with unwritten(store):
        again = sync(store, path)
    assert ([], [str(path)]) == (read(again), again.unchanged)


def test_what_was_appended_comes_in(store: Store, tmp_path: Path) -> None:
    """A file that grew gives the same as if all of it were imported at once."""
    path = tmp_path / "a.jsonl"
    whole = jsonl(*(line(f"message {number}") for number in range(9)))
    for end in (len(whole) // 3, len(whole) // 2, len(whole)):
        path.write_text(whole[:end])
        os.utime(path, (OLD, OLD))
        sync(store, path)
    assert [f"message {number}" for number in range(9)] == sorted(hit.message.text for hit in store.scan())
    assert [] == read(sync(store, path))


def test_a_file_of_another_time_is_told_by_its_hash(store: Store, tmp_path: Path) -> None:
    """Touched, it is left alone and its time remembered; with other words of the same length it is read."""
    path = write(tmp_path / "a.jsonl", "hello")
    sync(store, path)
    os.utime(path, (OLD + 1, OLD + 1))
    assert [] == read(sync(store, path))
    with unwritten(store):
        sync(store, path)
    write(path, "HELLO", at=OLD + 2)
    assert [("a.jsonl", 1)] == read(sync(store, path))


def test_a_file_written_just_now_is_not_trusted(store: Store, tmp_path: Path) -> None:
    """One that changes again within the same tick of its file system's clock is still read."""
    now = int(NOW.timestamp())
    path = write(tmp_path / "a.jsonl", "hello", at=now)
    sync(store, path)
    write(path, "HELLO", at=now)
    assert [("a.jsonl", 1)] == read(sync(store, path))


def test_a_large_file_is_not_hashed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its time changed it is read again, which finds nothing new."""
    monkeypatch.setattr(freshness, "HASHED_BYTES", 10)
    path = write(tmp_path / "a.jsonl", "hello")
    sync(store, path)
    assert [] == read(sync(store, path))
    os.utime(path, (OLD + 1, OLD + 1))
    assert [("a.jsonl", 0)] == read(sync(store, path))


def test_what_a_reader_looks_at_beside_a_file_counts_too(store: Store, tmp_path: Path) -> None:
    """An export of ChatGPT is read again when the list of its assets comes, changes or goes."""
    path, beside = tmp_path / "conversations.json", tmp_path / "conversation_asset_file_names.json"
    path.write_text(CHATGPT)
    os.utime(path, (OLD, OLD))
    counts = [len(sync(store, path).files) for _ in range(2)]
    for text in ("{}", '{"file-1.dat": "a.png"}'):
        beside.write_text(text)
        os.utime(beside, (OLD, OLD))
        counts += [len(sync(store, path).files) for _ in range(2)]
    beside.unlink()
    counts += [len(sync(store, path).files) for _ in range(2)]
    assert [1, 0] * 4 == counts


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="names are Unicode there")
def test_names_that_are_no_utf8_are_remembered(store: Store, tmp_path: Path) -> None:
    """A folder of old, its name in Latin-1, holds histories like any other, with what stands beside them."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    path = folder / "conversations.json"
    path.write_text(CHATGPT)
    (folder / "conversation_asset_file_names.json").write_text("{}")
    for file in folder.iterdir():
        os.utime(file, (OLD, OLD))
    assert [("conversations.json", 1)] == read(sync(store, path))
    assert [] == read(sync(store, path))


def test_a_word_in_any_script_is_found_in_what_is_known(store: Store) -> None:
    """So that an erasure and a redaction reach it: in what was looked at beside a file, too."""
    seen = freshness.SeenFile(
        path="/a", state=freshness.FileState(1, 1), read_ns=1, reader="1", beside={"/机密\udce9.json": None}
    )
    store.sources.remember([seen])
    assert {"/机密\udce9.json": None} == store.sources.all()["/a"].beside
    assert 1 == store.sources.forget(lambda known: "机密" in known)


def test_a_plain_import_remembers_for_a_later_one(store: Store, tmp_path: Path) -> None:
    """It reports all as unchanged and writes nothing the second time."""
    path = write(tmp_path / "a.jsonl", "hello")
    import_history(store, [tmp_path])
    with unwritten(store):
        again = import_history(store, [path])
    assert [1] == [file.counts["unchanged"] for file in again.files]
    assert [] == read(sync(store, path))


def test_a_dry_run_and_an_insisted_format_are_not_remembered(store: Store, tmp_path: Path) -> None:
    """What was not written, or perhaps misread, is still to be read."""
    path = write(tmp_path / "a.jsonl", "hello")
    sync(store, path, dry_run=True)
    import_history(store, [path], ImportOptions(format="openai_messages"))
    assert [("a.jsonl", 1)] == read(sync(store, path))


@pytest.mark.parametrize("wish", WISHES)
def test_a_wish_is_a_reason_to_read_again(store: Store, tmp_path: Path, wish: str) -> None:
    """Files that were read without it are read once more for it, then by neither kind of run; a format each time."""
    path = write(tmp_path / "a.jsonl", "hello")
    sync(store, path)
    assert [("a.jsonl", 0)] == read(sync(store, path, **WISHES[wish]))
    assert ([("work", 1)] if wish == "tag" else []) == store.tags()
    again = [("a.jsonl", 0)] if wish == "format" else []
    assert ([], again) == (read(sync(store, path)), read(sync(store, path, **WISHES[wish])))


def test_what_was_deleted_stays_deleted_but_for_undelete(store: Store, tmp_path: Path) -> None:
    """A file that grew brings nothing back; `undelete` reads what did not change, too."""
    path = write(tmp_path / "a.jsonl", "hello")
    sync(store, path)
    store.delete([store.conversations().items[0].id])
    write(path, "hello", "more", at=OLD + 1)
    assert [("a.jsonl", 0)] == read(sync(store, path))
    assert 0 == len(store.conversations().items)
    assert [("a.jsonl", 1)] == read(sync(store, path, undelete=True))


def test_an_interrupted_import_goes_on_where_it_was(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file it was in is read again, those before it are not, and the whole is what one import gives."""
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.jsonl", "one", "two")
    whole, ingest = store.ingest_all, []
    monkeypatch.setattr(intake, "BATCH_RECORDS", 2)

    def interrupted(*arguments: Any, **options: Any) -> Any:
        ingest.append(1)
        if len(ingest) == 2:
            raise KeyboardInterrupt
        return whole(*arguments, **options)

    monkeypatch.setattr(store, "ingest_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sync(store, tmp_path)
    monkeypatch.undo()
    assert [("b.jsonl", 2), ("c.jsonl", 2)] == read(sync(store, tmp_path))
    assert 6 == len(exported(store).splitlines()) - 1 - 3


def test_a_file_that_cannot_be_read_is_tried_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or a file that fails in the middle, leaves nothing that says it was read."""
    path = write(tmp_path / "a.jsonl", "hello")

    def full(*arguments: Any, **options: Any) -> Any:
        raise StorageFullError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "ingest_all", full)
        with pytest.raises(StorageFullError):
            sync(store, path)
    assert {} == store.sources.all()
    assert [("a.jsonl", 1)] == read(sync(store, path))


def test_what_is_no_history_is_looked_at_once(store: Store, tmp_path: Path) -> None:
    """A folder that others write to may hold anything: that is no error, and not looked at again."""
    for name, text in (("notes.txt", "hello"), ("empty.jsonl", "")):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (OLD, OLD))
    first, second = sync(store, tmp_path), sync(store, tmp_path)
    assert ([], 2, 0) == (first.files, first.ignored, len(first.unchanged))
    assert ([], 0, 2) == (second.files, second.ignored, len(second.unchanged))


def test_another_version_reads_all_again(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may know a format, or a part of one, that the one before did not."""
    path = write(tmp_path / "a.jsonl", "hello")
    sync(store, path)
    monkeypatch.setattr(freshness, "_version", lambda: "next")
    assert [("a.jsonl", 0)] == read(sync(store, path))
    assert [] == read(sync(store, path))


# a plain import, again


def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be read from now on."""

    def read(*_: Any, **__: Any) -> Any:
        raise AssertionError("a file was read")

    monkeypatch.setattr("chatlog.formats.recognised", read)


def test_a_second_import_tells_the_same_without_reading(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, what was left out, problems and other files are as the first import said; archives too."""
    write(tmp_path / "a.jsonl", "one", "two")
    (tmp_path / "notes.txt").write_text("hello")
    with ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("x/b.jsonl", jsonl(line("three", "b")))
    (tmp_path / "c.jsonl").write_bytes(jsonl(line("four", "c")).encode() + b"{broken\n")
    for path in tmp_path.iterdir():
        os.utime(path, (OLD, OLD))
    first = import_history(store, [tmp_path])
    unread(monkeypatch)
    with unwritten(store):
        again = import_history(store, [tmp_path])
    expected = [{**file.record(), "new": 0, "unchanged": file.counts["messages"]} for file in first.files]
    assert expected == [file.record() for file in again.files]
    assert (4, 1, 1) == (again.total["unchanged"], again.total["errors"], again.ignored)


@pytest.mark.parametrize("change", ["longer", "same size", "deleted", "restored", "undelete", "version", *WISHES])
def test_a_second_import_reads_what_may_give_more(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """A file that changed, a store from which something was taken, and other wishes than before."""
    path = write(tmp_path / "a.jsonl", "hello")
    import_history(store, [path])
    name, options = store.conversations().items[0].id, WISHES.get(change, {})
    match change:
        case "longer":
            write(path, "hello", "more", at=OLD)
        case "same size":
            write(path, "HELLO", at=OLD + 1)
        case "deleted":
            store.delete([name])
        case "restored":
            store.delete([name])
            store.restore([name])
        case "version":
            monkeypatch.setattr("chatlog.freshness._version", lambda: "another")
        case "undelete":
            options = {"undelete": True}
    read: list[str] = []
    found = formats.recognised
    monkeypatch.setattr(
        "chatlog.formats.recognised", lambda source, name: read.append(source.name) or found(source, name)
    )
    import_history(store, [path], ImportOptions(**options))
    assert [str(path)] == read


def test_a_tag_that_was_taken_away_is_given_again(store: Store, tmp_path: Path) -> None:
    """Who imports the same with a tag once more wants it to be there."""
    path = write(tmp_path / "a.jsonl", "hello")
    for _ in range(2):
        import_history(store, [path], ImportOptions(tags=("work",)))
        assert [("work", 1)] == store.tags()
        store.tag([one.id for one in store.conversations().items], remove=["work"])


def test_a_file_that_names_another_is_read_again(store: Store, tmp_path: Path) -> None:
    """A title for a session that came later is given by the import after it."""
    summary = {"type": "summary", "summary": "Named elsewhere", "leafUuid": "u-1"}
    (tmp_path / "a.jsonl").write_text(jsonl(summary))
    entry = {"type": "user", "uuid": "u-1", "parentUuid": None, "sessionId": "s", "message": {"content": "hello"}}
    (tmp_path / "b.jsonl").write_text(jsonl(entry))
    for path in tmp_path.iterdir():
        os.utime(path, (OLD, OLD))
    for name in ("a", "b", "a"):
        import_history(store, [tmp_path / f"{name}.jsonl"])
    assert "Named elsewhere" == store.conversations().items[0].title
