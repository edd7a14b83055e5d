"""Where a key may come from, and what is said where it does not come."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from chatlog.cli.session import Session

from ..conftest import Run
from .helpers import LISBON, refused


class KeyringError(Exception):
    """What the package raises where the system's keyring cannot be used."""


class Ring(ModuleType):
    """A keyring in memory, in the package's place."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False
        self.errors = ModuleType("keyring.errors")
        self.errors.KeyringError = KeyringError  # type: ignore[attr-defined]

    def get_password(self, service: str, account: str) -> str | None:
        if self.is_locked:
            raise KeyringError
        return self.kept.get((service, account))

    def set_password(self, service: str, account: str, password: str) -> None:
        self.kept[service, account] = password


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    found = Ring()
    monkeypatch.setitem(sys.modules, "keyring", found)
    monkeypatch.setitem(sys.modules, "keyring.errors", found.errors)
    return found


def test_the_keyring_keeps_the_key(trip: Run, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encrypting makes one for the database, and every verb finds it from then on."""
    monkeypatch.setenv("CHATLOG_KEYRING", "yes")
    assert 0 == trip("db", "encrypt").code
    assert [("chatlog", str(Path("chatlog.db").resolve()))] == list(ring.kept)
    assert LISBON in trip("list").out
    ring.is_locked = True
    assert (2, True) == ((ran := trip("list")).code, "the system's keyring cannot be used" in ran.err)
    ring.is_locked, ring.kept = False, {}
    assert (3, True) == ((ran := trip("list")).code, "the keyring has no key" in ran.err)
    assert (True, False) == ("a lost key cannot be recovered" in ran.err, "db encrypt" in ran.err)


def test_a_database_of_its_own_key_begins_with_it(run: Run, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and file are made by the first who writes, as docs/security.md does it; who reads makes neither."""
    options = ("--db", "ana.db", "--key-file", "ana.key")
    refused(run(*options, "list", "--json"), 3, "not_found")
    assert 0 == run(*options, "new", "--title", "Ana's").code
    assert "Ana's" in run(*options, "list").out
    assert (0o600, False) == (Path("ana.key").stat().st_mode & 0o777, b"SQLite" in Path("ana.db").read_bytes()[:16])
    Path("ana.key").unlink()
    refused(ran := run(*options, "new", "--json"), 3, "not_found")
    assert "is it elsewhere? a lost key cannot be recovered" == ran.error["hint"]
    assert not Path("ana.key").exists()
    monkeypatch.setenv("CHATLOG_KEYRING", "yes")
    assert 0 == run("new", "--title", "Ben's").code
    assert (1, True) == (len(ring.kept), "Ben's" in run("list").out)


def test_a_key_that_the_keyring_has_is_kept(trip: Run, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backups of an earlier time are encrypted with it: encrypting once more makes no other."""
    monkeypatch.setenv("CHATLOG_KEYRING", "yes")
    trip("db", "encrypt")
    kept = {**ring.kept}
    assert 0 == trip("db", "decrypt", "--yes").code
    assert 0 == trip("db", "encrypt").code
    assert kept == ring.kept
    monkeypatch.setenv("CHATLOG_KEYRING", "no")
    refused(trip("list", "--json"), 6, "wrong_key")


def test_a_keyring_without_its_package_is_named(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what installs it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setenv("CHATLOG_KEYRING", "yes")
    assert "pip install 'chatlog[keyring]'" in trip("list").err


def test_key_files_that_are_none(trip: Run) -> None:
    """Each with its own sentence."""
    Path("folder").mkdir(mode=0o700)
    for name, content in (("empty", b""), ("blank", b"\n\n"), ("noise", b"\xff\xfe\x00"), ("short", b"abc")):
        Path(name).write_bytes(content)
        Path(name).chmod(0o600)
    told = {name: trip("list", "--key-file", name).err.partition("\n")[0] for name in (
        "nowhere", "folder", "empty", "blank", "noise", "short",
    )}  # fmt: skip
    assert {
        "nowhere": "error: there is no key file nowhere",
        "folder": "error: the key file folder is not a file",
        "empty": "error: the key file empty is empty",
        "blank": "error: the key file blank is empty",
        "noise": "error: the key file noise holds no text",
        "short": "error: a passphrase needs 8 characters at least",
    } == told


def test_a_key_file_that_cannot_be_used_says_why(trip: Run) -> None:
    """One that others may read, whoever they are, one that is below a file, and one that is missing."""
    Path("key").write_text("correct horse battery")
    for mode in (0o604, 0o640, 0o602):
        Path("key").chmod(mode)
        assert "error: others may read the key file key\n  chmod 600 key\n" == trip("list", "--key-file", "key").err
    assert "error: cannot read the key file key/below: Not a directory\n" == trip("list", "--key-file", "key/below").err
    made = "error: there is no key file nowhere\n  chatlog db encrypt makes one\n"
    assert made == trip("list", "--key-file", "nowhere").err
    assert made == trip("list", "--key-file", "nowhere", "--db", "none.db").err
    Path("key").chmod(0o600)
    trip("db", "encrypt", "--key-file", "key")
    lost = "error: there is no key file nowhere\n  is it elsewhere? a lost key cannot be recovered\n"
    assert lost == trip("list", "--key-file", "nowhere").err


def test_a_key_file_that_cannot_be_made(trip: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is encrypted with a key that nobody has: where a disk is missing, no folder is made in its place."""
    disk = tmp_path_factory.mktemp("media") / "stick"
    ran = trip("db", "encrypt", "--key-file", str(disk / "key"))
    assert (3, True) == (ran.code, f"cannot write {disk / 'key'}" in ran.err)
    assert (0, False) == (trip("list").code, disk.exists())


def test_the_folder_of_a_key_file_is_made(trip: Run) -> None:
    """In one's home, as docs/security.md has it on a computer where nothing was configured yet."""
    assert 0 == trip("db", "encrypt", "--key-file", "~/.config/chatlog/key").code
    folder = Path.home() / ".config" / "chatlog"
    assert (0o700, 0o600) == tuple(path.stat().st_mode & 0o777 for path in (folder, folder / "key"))
    assert [folder / "key"] == [*folder.iterdir()]


def test_a_key_file_is_whole_or_not_there(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends the program while it is written leaves none that the next one would have to refuse."""

    def ended(_descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", ended)
        assert 130 == trip("db", "encrypt", "--key-file", "key").code
    assert not Path("key").exists()
    assert 0 == trip("db", "encrypt", "--key-file", "key").code


def test_a_command_that_prints_nothing(trip: Run) -> None:
    """It gave no key, whatever its exit code says."""
    assert "error: the key_command is empty" in trip("list", "--key-command", "true").err


def test_the_first_line_that_a_command_prints_is_the_key(trip: Run) -> None:
    """Password managers print notes below it; a command that fails, or is none, gave no key, whatever it printed."""
    Path("key").write_text("correct horse battery\n")
    Path("key").chmod(0o600)
    Path("note").write_text("correct horse battery\nurl: example.org\n")
    trip("db", "encrypt", "--key-file", "key")
    assert LISBON in trip("list", "--key-command", "cat note").out
    hint = "  chatlog config get key_command\n"
    for command, said in (
        ("sh -c 'cat note; exit 3'", "the key_command failed (exit code 3)"),
        ("no-such-command-at-all", "the key_command cannot be run"),
        ("'", "the key_command cannot be run"),
    ):
        assert f"error: {said}\n{hint}" == trip("list", "--key-command", command).err


def test_a_new_passphrase_is_asked_for_twice_a_known_one_once(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the hand in a new one would lock everybody out; in a known one it opens nothing."""
    asked: list[str] = []

    def typed(question: str, **_: object) -> str:
        asked.append(question)
        return "correct horse battery"

    monkeypatch.setattr("getpass.getpass", typed)
    assert 0 == trip("db", "encrypt", "--passphrase", stdin=None).code
    monkeypatch.setattr(Session, "may_ask", True)
    assert LISBON in trip("list", stdin=None).out
    assert ["The new passphrase: ", "Once more: ", "Passphrase of chatlog.db: "] == asked


def test_passphrases_that_differ_change_nothing(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is typed only once might be a slip of the hand that locks everybody out."""
    said = iter(["correct horse", "correct house"])
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: next(said))
    ran = trip("db", "encrypt", "--passphrase", stdin=None)
    assert (2, True) == (ran.code, "the two are not the same" in ran.err)
    assert 0 == trip("list").code


@pytest.mark.parametrize("failure", [EOFError(), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text")])
def test_no_passphrase_is_none(trip: Run, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """The end of the input is no empty passphrase, and bytes that are no text are none."""

    def end(*_: object, **__: object) -> str:
        raise failure

    monkeypatch.setattr("getpass.getpass", end)
    ran = trip("db", "encrypt", "--passphrase", stdin=None)
    assert (2, True) == (ran.code, "no passphrase was typed" in ran.err)


def test_the_same_key_again_is_no_new_one(trip: Run, tmp_path: Path) -> None:
    """Who changes a key that others have seen must not be told that it is changed when it is not."""
    trip("db", "encrypt", "--key-file", "key")
    before = (tmp_path / "chatlog.db").read_bytes()
    ran = trip("db", "rekey", "--key-file", "key", "--new-key-file", "key", "--json")
    refused(ran, 2, "usage")
    assert before == (tmp_path / "chatlog.db").read_bytes()


def test_a_relative_key_file_is_told_and_kept_from_the_root_on(
    trip: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What encrypt and rekey advise works from any folder; a home folder and a URL stay as they are typed."""
    advice = f"chatlog config set key_file {tmp_path / 'key'}"
    assert advice in trip("db", "encrypt", "--key-file", "key").err
    assert f"{advice}-2" in trip("db", "rekey", "--key-file", "key", "--new-key-file", "key-2").err
    settings = ("--config", str(tmp_path / "c.toml"))
    trip("config", "set", "key_file", "key-2", *settings)
    trip("config", "set", "db", "chatlog.db", *settings)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.delenv("CHATLOG_DB", raising=False)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert LISBON in trip("list", *settings).out
    for value in ("~/chats.db", "sqlite:///chats.db", ""):
        trip("config", "set", "db", value, *settings)
        assert f"{value}\n" == trip("config", "get", "db", *settings).out


def test_copies_in_plain_are_named(trip: Run, tmp_path: Path) -> None:
    """Encrypting does not reach the backups that were made before; one that is encrypted is none of them."""
    trip("db", "backup", "before.db")
    encrypted = trip("db", "encrypt", "--key-file", "key")
    assert (0, True) == (
        encrypted.code,
        f"copies of the file are not encrypted: {tmp_path / 'before.db'}" in encrypted.err,
    )
    trip("db", "backup", "after.db", "--key-file", "key")
    (tmp_path / "before.db").unlink()
    trip("db", "decrypt", "--key-file", "key", "--yes")
    again = trip("db", "encrypt", "--key-file", "key")
    assert (0, False) == (again.code, "copies of the file" in again.err)
