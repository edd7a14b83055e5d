"""db backup and restore: private copies, only as many as wanted, and verified before they take the database's place."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as driver

import chatlog
from chatlog.cli.session import Session
from chatlog.store.forgetting import Cause
from chatlog.store.sqlite import connection, migrations, schema
from tests.acceptance.helpers import execute
from tests.conftest import Run

from .helpers import LISBON, everything, refused


def test_only_so_many_dated_backups_are_kept(trip: Run, tmp_path: Path) -> None:
    """The oldest of exactly our names go; others' files, links and folders of such names stay."""
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "chatlog-20200101T000000Z.db.bak").write_text("mine")
    (folder / "notes.db").write_text("mine")
    (folder / "chatlog-20190101T000000Z.db").mkdir()
    (folder / "chatlog-20180101T000000Z.db").symlink_to(folder / "notes.db")
    before = {path.name for path in folder.iterdir()}
    made = [trip("db", "backup", "backups/", "--keep", "2", "--json").json["backup"] for _ in range(4)]
    assert [0, 0, 1, 1] == [len(backup["removed"]) for backup in made]
    assert {Path(backup["path"]).name for backup in made[2:]} == {path.name for path in folder.iterdir()} - before
    refused(trip("db", "backup", "copy.db", "--keep", "2", "--json"), 2, "usage")


def test_copies_of_one_second_have_names_of_their_own(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a second backup nor a restore that is tried again is refused for a name that nobody gave."""
    now = datetime(2026, 11, 20, 21, 44, 59, tzinfo=UTC)
    monkeypatch.setattr(Session, "now", lambda _session: now)
    made = [trip("db", "backup").out.strip() for _ in range(2)]
    assert ["chatlog-20261120T214459Z.db", "chatlog-20261120T214500Z.db"] == [Path(path).name for path in made]
    kept = [trip("db", "restore", made[0], "--yes", "--json").json["restore"]["kept"] for _ in range(2)]
    assert ["chatlog-before-restore-20261120T214459Z.db", "chatlog-before-restore-20261120T214500Z.db"] == kept


def test_the_store_knows_its_backups(trip: Run, tmp_path: Path) -> None:
    """Those that are there, those that are away, and none that a rotation removed."""
    first = trip("db", "backup", "one.db").out.strip()
    trip("db", "backup", "--keep", "1")
    trip("db", "backup", "--keep", "1")
    (tmp_path / first).unlink()
    with chatlog.open(tmp_path / "chatlog.db") as store:
        known = store.backups()
    assert [("chatlog-20261120T214403Z.db", True), ("one.db", False)] == [(b.path.name, b.exists) for b in known]


def test_a_backup_that_was_removed_is_made_again(trip: Run, tmp_path: Path) -> None:
    """It is known once, as it is now."""
    first = trip("db", "backup", "copy.db", "--json").json["backup"]["bytes"]
    (tmp_path / "copy.db").unlink()
    trip("add", LISBON, "--role", "user", "many words " * 2_000)
    second = trip("db", "backup", "copy.db", "--json").json["backup"]["bytes"]
    with chatlog.open(tmp_path / "chatlog.db") as store:
        assert first < second
        assert [(second, True)] == [(backup.bytes, backup.exists) for backup in store.backups()]


@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "folder that is not there"])
def test_a_backup_overwrites_nothing(trip: Run, tmp_path: Path, kind: str) -> None:
    """Neither a file nor what a link leads to, also where that is nothing."""
    target, victim = tmp_path / "copy.db", tmp_path / "victim"
    if kind == "file":
        target.write_text("mine")
    elif kind == "link":
        victim.write_text("mine")
        target.symlink_to(victim)
    elif kind == "dangling link":
        target.symlink_to(victim)
    else:
        target = tmp_path / "away" / "copy.db"
    assert trip("db", "backup", str(target)).code in (2, 3)
    assert [] == [path for path in (target, victim) if path.exists() and path.read_text() != "mine"]


def test_a_backup_takes_the_place_of_the_database(trip: Run, tmp_path: Path) -> None:
    """Everything is as it was then, and what was there is kept, known, and itself a whole database."""
    before = everything(trip)
    trip("db", "backup", "copy.db")
    trip("add", LISBON, "--role", "user", "one more")
    after = everything(trip)
    refused(trip("db", "restore", "copy.db", "--json"), 2, "refused")
    assert after == everything(trip)
    found = trip("db", "restore", "copy.db", "--yes", "--json").json["restore"]
    assert (2, 3, before) == (found["conversations"], found["messages"], everything(trip))
    assert after == trip("--db", found["kept"], "export").out
    assert (0, 0o600) == (trip("doctor").code, (tmp_path / "chatlog.db").stat().st_mode & 0o777)
    with chatlog.open(tmp_path / "chatlog.db") as store:
        assert tmp_path / found["kept"] in [backup.path for backup in store.backups()]


@pytest.mark.parametrize("is_there", [True, False])
def test_copies_are_known_after_a_restore(trip: Run, tmp_path: Path, is_there: bool) -> None:
    """Those that the file before it knew of, and the one that was restored: an erasure names them."""
    for name in ("early", "late"):
        trip("db", "backup", f"{name}/")
    early, late = (next((tmp_path / name).iterdir()) for name in ("early", "late"))
    if not is_there:
        (tmp_path / "chatlog.db").unlink()
    found = trip("db", "restore", str(early), "--yes", "--json").json["restore"]
    copies = {str(early), *([str(late), str(tmp_path / found["kept"])] if is_there else [])}
    assert copies == {*trip("erase", LISBON, "--dry-run", "--json").json["copies"]}
    with chatlog.open(tmp_path / "chatlog.db") as store:
        known = {str(backup.path): backup.bytes for backup in store.backups()}
    assert {copy: Path(copy).stat().st_size for copy in copies} == known


@pytest.mark.parametrize("is_there", [True, False])
def test_a_copy_is_on_the_disk_before_it_has_its_name(
    trip: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """What a power cut leaves is whole: a backup, and what is restored from any copy."""
    synced, sync = list[int](), os.fsync

    def recorded(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", recorded)
    trip("db", "backup", "copy.db")
    folder, path = tmp_path.stat().st_ino, tmp_path / "chatlog.db"
    assert [(tmp_path / "copy.db").stat().st_ino, folder] == synced
    shutil.copy(path, "plain.db")
    if not is_there:
        path.unlink()
    trip("db", "restore", "plain.db", "--yes")
    assert [path.stat().st_ino, folder] == synced[-2:]


def test_a_backup_in_the_home_folder(trip: Run) -> None:
    """It is found by the name that it was made by, also where no shell expands that."""
    assert 0 == trip("db", "backup", "~/copy.db").code
    assert 0 == trip("db", "restore", "~/copy.db", "--yes").code


def test_a_lost_database_comes_back_without_a_question(trip: Run, tmp_path: Path) -> None:
    """Nothing is in its place."""
    before = everything(trip)
    trip("db", "backup", "copy.db")
    (tmp_path / "chatlog.db").unlink()
    found = trip("db", "restore", "copy.db", "--json").json["restore"]
    assert (None, before) == (found["kept"], everything(trip))


def test_a_backup_is_restored_on_a_new_computer(trip: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where chatlog has not run yet, and not even the folder of its database is there."""
    before = everything(trip)
    trip("db", "backup", "copy.db")
    monkeypatch.delenv("CHATLOG_DB")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "new" / "share"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "new" / "share"))
    assert 3 == trip("db", "restore", "no-copy.db").code
    assert not (tmp_path / "new").exists()
    assert (0, before) == (trip("db", "restore", "copy.db").code, everything(trip))


def test_a_damaged_database_is_put_aside_with_its_log(trip: Run, tmp_path: Path) -> None:
    """Nothing of it is lost, and its log does not get into the restored one."""
    before = everything(trip)
    trip("db", "backup", "copy.db")
    path = tmp_path / "chatlog.db"
    damaged = bytes(100) + path.read_bytes()[100:]
    path.write_bytes(damaged)
    assert 5 == trip("list").code
    (tmp_path / "chatlog.db-wal").write_bytes(b"a log")
    found = trip("db", "restore", "copy.db", "--yes", "--json").json["restore"]
    assert (before, damaged) == (everything(trip), Path(found["kept"]).read_bytes())
    assert not (tmp_path / "chatlog.db-wal").exists()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.write_text("notes\n" * 900), 6),
        (lambda path: path.write_bytes(b""), 3),
        (lambda path: path.write_bytes(path.read_bytes()[:9_000]), 5),
        (lambda path: execute(path, "DELETE FROM bodies WHERE id = 1"), 1),
        (lambda path: execute(path, "PRAGMA user_version = 99"), 6),
        (lambda path: execute(path, "PRAGMA application_id = 7"), 6),
    ],
)
def test_what_is_no_sound_backup_changes_nothing(trip: Run, tmp_path: Path, spoil: object, code: int) -> None:
    """A text, an empty file, a piece, one with holes, one of a newer chatlog, a stranger's."""
    trip("db", "backup", "copy.db")
    spoil(tmp_path / "copy.db")  # type: ignore[operator]
    before = (tmp_path / "chatlog.db").read_bytes(), everything(trip)
    ran = trip("db", "restore", "copy.db", "--yes", "--json")
    assert (code, "") == (ran.code, ran.out)
    assert before[1] == everything(trip)
    assert {"chatlog.db", "copy.db"} == {path.name for path in tmp_path.iterdir() if ".db" in path.name}


@pytest.mark.parametrize("options", [(), ("--key-file", "key")])
def test_a_copy_with_its_log_is_restored_whole(trip: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    """What somebody copied by hand while the database was in use; it is left as it was."""
    with chatlog.open(tmp_path / "chatlog.db") as store:
        store.add(LISBON, [chatlog.MessageDraft(role="user", text="in the log alone")])
        for suffix in ("", "-wal"):
            shutil.copy(f"chatlog.db{suffix}", f"copy.db{suffix}")
    before = everything(trip)
    held = {path: path.read_bytes() for path in tmp_path.glob("copy.db*")}
    if options:
        trip("db", "encrypt", *options)
    assert (0, 2) == (trip("db", "restore", "copy.db", "--yes", *options).code, len(held))
    assert (before, True) == (trip("export", *options).out, "in the log alone" in before)
    assert held == {path: path.read_bytes() for path in tmp_path.glob("copy.db*")}


@pytest.mark.parametrize("options", [(), ("--key-file", "key")])
def test_what_is_no_backup_is_called_by_its_name(trip: Run, options: tuple[str, ...]) -> None:
    """Not by that of the copy which is looked at; also where it would have got the key of the database."""
    if options:
        trip("db", "encrypt", *options)
    Path("notes.txt").write_text("notes\n" * 900)
    Path("noise.db").write_bytes(bytes(range(256)) * 64)
    with closing(driver.connect("theirs.db")) as connection:
        connection.executescript("CREATE TABLE a (b); DROP TABLE a")
    for name, said in (
        ("notes.txt", "notes.txt"),
        ("noise.db", "noise.db"),
        ("theirs.db", "not a database of chatlog"),
    ):
        ran = trip("db", "restore", name, "--yes", *options)
        assert (6, True, False) == (ran.code, said in ran.err, ".part" in ran.err)


@pytest.mark.parametrize("verb", [("restore", "copy.db", "--yes"), ("encrypt",)])
def test_another_applications_file_is_neither_replaced_nor_encrypted(
    trip: Run, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    """It is named, and not a byte of it changes."""
    trip("db", "backup", "copy.db")
    with closing(driver.connect("theirs.db")) as connection:
        connection.executescript("CREATE TABLE a (b)")
    before = (tmp_path / "theirs.db").read_bytes()
    ran = trip("--db", "theirs.db", "db", *verb, *(("--key-file", "key") if verb == ("encrypt",) else ()))
    assert (6, True) == (ran.code, "theirs.db belongs to another application" in ran.err)
    assert before == (tmp_path / "theirs.db").read_bytes()
    assert ["theirs.db"] == [path.name for path in tmp_path.glob("theirs*")]


def test_an_encrypted_database_gives_free_pages_back(trip: Run, tmp_path: Path) -> None:
    """As it did before: a removal makes it smaller."""
    trip("add", LISBON, "--role", "user", "many words " * 20_000)
    trip("db", "encrypt", "--key-file", "key")
    with chatlog.open(tmp_path / "chatlog.db", key=Path("key").read_text()) as store:
        before, _ = store.forgetting.size()
        store.forgetting.remove([LISBON], Cause("prune"), stop=bool)
        assert store.forgetting.tidy(bool)
        assert before - 200_000 > store.forgetting.size()[0]


def test_a_backup_of_an_earlier_chatlog_is_brought_to_the_newest_schema(
    trip: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its way, as a database is that is encrypted before anything else was done with it; the backup stays."""
    before = everything(trip)
    trip("db", "backup", "copy.db")
    step = migrations.Migration(schema.VERSION + 1, "a later schema", "CREATE TABLE later (a);\n")
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))
    held = (tmp_path / "copy.db").read_bytes()
    assert 0 == trip("db", "encrypt", "--key-file", "key").code
    assert 0 == trip("db", "restore", "copy.db", "--yes", "--key-file", "key").code
    assert (0, before, held) == (
        trip("doctor", "--key-file", "key").code,
        trip("export", "--key-file", "key").out,
        (tmp_path / "copy.db").read_bytes(),
    )
    assert not [*tmp_path.glob("*.v*.backup")]


def test_the_database_is_no_backup_of_itself(trip: Run) -> None:
    """Also by another name."""
    refused(trip("db", "restore", "chatlog.db", "--yes", "--json"), 2, "usage")
    os.link("chatlog.db", "same.db")
    refused(trip("db", "restore", "same.db", "--yes", "--json"), 2, "usage")
    refused(trip("db", "restore", "none.db", "--yes", "--json"), 3, "not_found")


def test_an_encrypted_database_restores_both_kinds(trip: Run) -> None:
    """A plain backup gets the key on its way; one of another key is refused."""
    trip("db", "backup", "plain.db")
    assert 0 == trip("db", "encrypt", "--key-file", "key").code
    trip("db", "backup", "sealed.db", "--key-file", "key")
    for name in ("plain.db", "sealed.db"):
        assert 0 == trip("db", "restore", name, "--yes", "--key-file", "key").code
        assert 2 == trip("list", "--json", "--key-file", "key").json["total"]
        assert 6 == trip("list").code
    trip("db", "rekey", "--new-key-file", "other", "--key-file", "key")
    refused(trip("db", "restore", "sealed.db", "--yes", "--json", "--key-file", "other"), 6, "wrong_key")
    assert 0 == trip("list", "--key-file", "other").code


def test_encrypting_needs_a_key_and_a_plain_file(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script is told what is missing; a person is asked, twice; a second time is refused."""
    refused(trip("db", "encrypt", "--json"), 2, "usage")
    said = iter(["a passphrase of words", "another one of words", *["a passphrase of words"] * 3])
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: next(said))
    monkeypatch.setattr("chatlog.cli.session.Session.may_ask", True)
    refused(trip("db", "encrypt", "--json"), 2, "usage")
    assert 0 == trip("db", "encrypt").code
    assert 2 == trip("list", "--json").json["total"]
    refused(trip("db", "encrypt", "--json", "--key-file", "key"), 2, "usage")
    assert not Path("key").exists()


def test_a_portable_copy_opens_anywhere(trip: Run, tmp_path: Path) -> None:
    """No table of it needs an extension, its queries work, and nothing of it is chatlog's own secret."""
    trip("embed")
    assert 0 == trip("db", "backup", "to-browse.db", "--portable").code
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); tables = c.execute("
    code += "\"SELECT name FROM sqlite_master WHERE type = 'table'\").fetchall();"
    code += "print(all(c.execute(f'SELECT count(*) FROM [{name}]').fetchone() for (name,) in tables),"
    code += "c.execute(\"SELECT count(*) FROM words WHERE words MATCH 'sardines'\").fetchone()[0],"
    code += "*(c.execute(f'PRAGMA {name}').fetchone()[0] for name in ('journal_mode', 'freelist_count')))"
    done = subprocess.run([sys.executable, "-c", code, "to-browse.db"], capture_output=True, text=True, check=False)
    assert ("True 1 delete 0\n", "") == (done.stdout, done.stderr)
    assert {"to-browse.db"} == {path.name for path in tmp_path.glob("to-browse*")}
    assert 0 == trip("--db", "to-browse.db", "doctor").code


def test_a_portable_copy_without_the_extension_is_a_whole_one(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the platform has none it is said that the copy is not what was asked for."""
    trip("embed")
    with monkeypatch.context() as patch:
        patch.setattr("chatlog.store.sqlite.vectors.find_spec", lambda _name: None)
        refused(trip("db", "backup", "to-browse.db", "--portable", "--json"), 1, "no_vectors")
    assert 0 == trip("--db", "to-browse.db", "doctor").code


def test_a_portable_copy_that_others_read_is_read_at_once(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for until it can be given a log again."""
    trip("db", "backup", "to-browse.db", "--portable")
    pauses = list[float]()
    monkeypatch.setattr(connection.time, "sleep", pauses.append)
    with closing(driver.connect("to-browse.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM bodies").fetchone()
        assert 0 == trip("--db", "to-browse.db", "list").code
    assert [] == pauses
    trip("--db", "to-browse.db", "list")
    assert "wal" == trip("--db", "to-browse.db", "db", "info", "--json").json["db"]["journal_mode"]


def test_a_folder_that_is_not_there_is_made(trip: Run, tmp_path: Path) -> None:
    """It is private; one below a folder that is missing is named."""
    assert 0 == trip("db", "backup", "kept/", "--keep", "2").code
    assert (0o700, 1) == (stat.S_IMODE((tmp_path / "kept").stat().st_mode), len([*(tmp_path / "kept").iterdir()]))
    assert 3 == trip("db", "backup", "no/where/").code


def test_a_refusal_names_only_options_that_are_there(trip: Run) -> None:
    """A restore has no dry run; what has one says so."""
    trip("db", "backup", "copy.db")
    assert "add --yes if so" == trip("db", "restore", "copy.db", "--json").error["hint"]
    assert "--dry-run" in trip("delete", "--tag", "work", "--json").error["hint"]
