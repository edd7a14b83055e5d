"""Encryption: how a connection is given its key, and what a file that cannot be read is.

All that SQLCipher says of a wrong key, no key, a plain file and a damaged one is the same; the first bytes of
the file, and the seal that each page carries, tell them apart.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

from chatlog.errors import ChatlogError, DamagedFileError, SchemaMismatchError, UsageError, WrongKeyError
from chatlog.keys import KEY_BYTES, SALT_BYTES, Key
from chatlog.store.sqlite.database_file import Registry

MAGIC = b"SQLite format 3\x00"
PAGE = 4_096
#: What each encrypted page ends with, in bytes.
SEAL = 64
#: The first bytes of a b-tree's pages.
_TREES = (2, 5, 10, 13)


def unlock(connection: Any, key: Key | None) -> None:
    """Give a connection its key, first of all, and the driver its silence.

    Raises UsageError for a driver that cannot encrypt: a plain SQLite takes a key without a word.
    """
    connection.execute("PRAGMA cipher_log_level = NONE").fetchall()
    if key is None:
        return
    if not connection.execute("PRAGMA cipher_version").fetchall():
        raise UsageError("this SQLite cannot encrypt: nothing was opened or written", "pip install sqlcipher3")
    literal = key.literal.replace('"', '""')
    connection.execute(f'PRAGMA key = "{literal}"').fetchall()


def explain(path: Path, key: Key | None) -> ChatlogError:
    """Return what is wrong with a file that is no database to the driver."""
    data = Registry.head(path, PAGE * 16)
    damaged = DamagedFileError(f"{path} has a damaged header", "chatlog db restore FILE puts a backup in its place")
    if not data or (data.startswith(MAGIC) and key is None):  # what this process has open it had read before
        return damaged
    if data.startswith(MAGIC):
        return SchemaMismatchError(
            f"{path} is not encrypted, but a key was given", "leave the key out, or: chatlog db encrypt"
        )
    if _is_text(data[:100]):
        return SchemaMismatchError(f"{path} is a text file, not a database", "check --db")
    if _was_plain(data) or (key is not None and _fits(data, key)):
        return damaged
    if key is None:
        return WrongKeyError(
            f"{path} is encrypted, or not a database", "give its key: key_file, key_command or keyring"
        )
    return WrongKeyError(f"the key does not open {path}", "is it the key of another file? chatlog help encryption")


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # its last character may be cut off
    except UnicodeDecodeError:
        return False
    return text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()


def _was_plain(data: bytes) -> bool:
    """Whether the pages behind the first are those of a plain database: they begin as trees do, and hold zeros."""
    pages = [data[start : start + PAGE] for start in range(PAGE, len(data), PAGE)]
    trees = [page for page in pages if page[0] in _TREES]
    return 2 * len(trees) >= len(pages) and any(bytes(16) in page for page in pages)


def _fits(data: bytes, key: Key) -> bool:
    """Whether a key seals one of the pages behind the first."""
    raw = key.with_salt(data[:SALT_BYTES]).raw or b""
    secret, salt = raw[:KEY_BYTES], raw[KEY_BYTES:]
    numbers = range(2, len(data) // PAGE + 1)
    return any(_is_sealed(data[(n - 1) * PAGE : n * PAGE], n, secret, salt) for n in numbers)


def _is_sealed(page: bytes, number: int, secret: bytes, salt: bytes) -> bool:
    """Whether a page carries the seal that SQLCipher 4 gives it with a key."""
    import hashlib
    import hmac

    sealing = hashlib.pbkdf2_hmac("sha512", secret, bytes(byte ^ 0x3A for byte in salt), 2, KEY_BYTES)
    said = page[:-SEAL] + number.to_bytes(4, "little")
    return hmac.compare_digest(hmac.digest(sealing, said, "sha512"), page[-SEAL:])


def settled(path: Path, key: Key | None) -> Key | None:
    """Return the key as it is used: a passphrase is derived once, with the salt that begins the file."""
    if key is None or key.raw is not None:
        return key
    salt = Registry.head(path, SALT_BYTES)
    return key if len(salt) < SALT_BYTES or salt == MAGIC else key.with_salt(salt)
