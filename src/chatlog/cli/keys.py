"""Where the key of an encrypted database comes from: a private file, a command, the system's keyring, a person.

Never the command line or the environment, where others can read it.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

from chatlog.config import Settings
from chatlog.errors import NotFoundError, RefusedError, UsageError, not_written
from chatlog.keys import Key, new_key, parse, written
from chatlog.paths import expanded, is_file

#: The settings that say where the key is, the first of them that is set counts.
SOURCES = ("key_file", "key_command", "keyring")
SERVICE = "chatlog"
MAX_KEY_FILE = 4_096


def configured(settings: Settings, database: Path, *, make: bool) -> Key | None:
    """Return the key that the settings point to, None where they point to none; with `make` a missing one is made.

    Raises UsageError and NotFoundError for a key that cannot be had, RefusedError for a file that others may read.
    """
    if path := settings.get("key_file"):
        return of_file(expanded(path), database, make=make)
    if command := settings.get("key_command"):
        return of_command(command)
    if settings.get("keyring") == "yes":
        return of_keyring(database, make=make)
    return None


def of_file(path: Path, database: Path | None = None, *, make: bool = False) -> Key:
    """Return the key of a private file, for a database."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        if make:
            return _make_file(path)
        raise NotFoundError(f"there is no key file {path}", _without(database, "is it elsewhere?")) from None
    except OSError as error:
        raise NotFoundError(f"cannot read the key file {path}: {error.strerror}") from None
    info = os.fstat(handle)
    if not stat.S_ISREG(info.st_mode):
        os.close(handle)
        raise UsageError(f"the key file {path} is not a file")
    with open(handle, "rb") as file:  # noqa: PTH123  a descriptor, so that what is checked is what is read
        if os.name == "posix" and info.st_mode & 0o077:
            raise RefusedError(f"others may read the key file {path}", f"chmod 600 {path}")
        text = file.read(MAX_KEY_FILE)
    return _parsed(text, f"the key file {path}")


def _make_file(path: Path) -> Key:
    """Make a key and its file, which has its name once it is whole: nothing is encrypted with one that was cut off."""
    from chatlog.export import new_file

    key = new_key()
    try:
        if path.absolute().is_relative_to(Path.home()):  # elsewhere it may be a disk that is not there just now
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(error, path) from None
    with new_file(path, force=False) as file:
        file.write(written(key) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def of_command(command: str) -> Key:
    """Return the key that a command prints; it may ask on the terminal."""
    import shlex
    import subprocess

    try:
        words = shlex.split(command)
        done = subprocess.run(words, stdout=subprocess.PIPE, check=False, timeout=300)  # noqa: S603  it is theirs
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise UsageError("the key_command cannot be run", "chatlog config get key_command") from None
    if done.returncode:
        raise UsageError(f"the key_command failed (exit code {done.returncode})", "chatlog config get key_command")
    return _parsed(done.stdout.splitlines()[0] if done.stdout.strip() else b"", "the key_command")


def of_keyring(database: Path, *, make: bool) -> Key:
    """Return the key that the system's keyring has for a database."""
    ring: Any = _keyring()
    account = str(database.resolve())
    try:
        found = ring.get_password(SERVICE, account)
        if found is None and make:
            key = new_key()
            ring.set_password(SERVICE, account, written(key))
            return key
    except ring.errors.KeyringError:
        raise UsageError("the system's keyring cannot be used", "use a key file: chatlog help encryption") from None
    if found is None:
        moved = "moved from OLD? set key_command: keyring get chatlog OLD;"
        raise NotFoundError(f"the keyring has no key for {account}", _without(database, moved))
    return _parsed(found.encode(), "the keyring")


def _without(database: Path | None, found: str) -> str:
    """Return what to do about a key that is missing: a database that is encrypted opens with no other."""
    from chatlog.store import files

    is_locked = database is not None and is_file(database) and not files.is_plain(database)
    return f"{found} a lost key cannot be recovered" if is_locked else "chatlog db encrypt makes one"


def _keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise UsageError("the setting keyring needs the package keyring", "pip install 'chatlog[keyring]'") from None
    return keyring


def _parsed(text: bytes, what: str) -> Key:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{what} holds no text", "a key is 64 hexadecimal digits, or a passphrase") from None
    if not decoded.strip():
        raise UsageError(f"{what} is empty")
    return parse(decoded)


def asked(question: str, *, twice: bool = False) -> Key:
    """Return the passphrase that a person types, unseen."""
    import getpass

    try:
        first = getpass.getpass(f"{question}: ", stream=sys.stderr)
        if twice and getpass.getpass("Once more: ", stream=sys.stderr) != first:
            raise UsageError("the two are not the same", "nothing was changed")
    except (EOFError, UnicodeDecodeError):
        raise UsageError("no passphrase was typed") from None
    return parse(first)
