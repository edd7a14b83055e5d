"""Keys of encrypted files: what a key is, how it is written down, and never shown.

A raw key is 32 random bytes, with the file's 16 bytes of salt behind them; anything else is a passphrase.
"""

from __future__ import annotations

import os
import re

from chatlog.errors import UsageError

#: A passphrase shorter than this is no protection.
MIN_PASSPHRASE = 8
#: As SQLCipher 4 derives a key from a passphrase.
ROUNDS, KEY_BYTES, SALT_BYTES = 256_000, 32, 16
_RAW = r"(?:x')?([0-9a-fA-F]{64}|[0-9a-fA-F]{96})'?"


class Key:
    """A key or a passphrase; what it is shows in no representation, traceback or message."""

    __slots__ = ("_derived", "_passphrase", "_raw")

    def __init__(self, raw: bytes | None = None, passphrase: str | None = None) -> None:
        self._raw = raw
        self._passphrase = passphrase
        self._derived: dict[bytes, Key] = {}

    def __repr__(self) -> str:
        return "Key(…)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not to be written down")

    @property
    def raw(self) -> bytes | None:
        """The raw key's bytes, with the salt where it is known; None for a passphrase."""
        return self._raw

    @property
    def literal(self) -> str:
        """The key as SQLCipher takes it: ``x'…'`` or the passphrase."""
        return f"x'{self._raw.hex()}'" if self._raw is not None else self._passphrase or ""

    def is_same(self, other: Key) -> bool:
        """Whether it opens what the other one opens, as far as can be told without a file."""
        return self.literal == other.literal

    def with_salt(self, salt: bytes) -> Key:
        """Return the raw key for a file of this salt: a passphrase is derived once, not for each connection."""
        if self._raw is not None:
            return self if len(self._raw) > KEY_BYTES else Key(self._raw + salt)
        if salt not in self._derived:
            import hashlib

            secret = (self._passphrase or "").encode()
            self._derived[salt] = Key(hashlib.pbkdf2_hmac("sha512", secret, salt, ROUNDS, KEY_BYTES) + salt)
        return self._derived[salt]


def new_key() -> Key:
    """Return a random key."""
    return Key(os.urandom(KEY_BYTES + SALT_BYTES))


def parse(text: str) -> Key:
    """Return the key of a text: 64 or 96 hexadecimal digits are raw, anything else is a passphrase.

    Raises UsageError for a passphrase that protects nothing.
    """
    text = text.strip("\r\n")
    if match := re.fullmatch(_RAW, text.strip()):
        return Key(bytes.fromhex(match[1]))
    if len(text) < MIN_PASSPHRASE or "\x00" in text:
        raise UsageError(f"a passphrase needs {MIN_PASSPHRASE} characters at least", "or take a raw key: 64 hex digits")
    return Key(passphrase=text)


def written(key: Key) -> str:
    """Return a raw key as it is kept in a file or a keyring."""
    assert key.raw is not None  # noqa: S101  only made keys are kept
    return key.raw.hex()
