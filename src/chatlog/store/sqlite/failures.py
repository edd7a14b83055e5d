"""What the driver's errors mean for the user: the one place that knows SQLite's result codes.

An error is known by its code, by its words only where it has none of its own; a bug of ours is let through.
"""

from __future__ import annotations

import re
import zlib
from json import JSONDecodeError
from pathlib import Path

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import (
    BusyError,
    ChatlogError,
    ClosedError,
    DamagedFileError,
    NoDatabaseError,
    ReadOnlyError,
    StorageFullError,
    TakenError,
    UsageError,
)
from chatlog.keys import Key
from chatlog.store.sqlite import cipher
from chatlog.store.sqlite.database_file import is_read_only, why_not_opened

#: SQLite's primary result codes that mean something to a user.
ERROR, BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, CONSTRAINT, NOTADB = 1, 5, 6, 8, 10, 11, 13, 14, 19, 26
#: Others put the log in order; a value that no row can hold.
PROTOCOL, TOOBIG = 15, 18
#: Extended codes of CONSTRAINT: CHECK, FOREIGNKEY and NOTNULL; the others say that something is there already.
NOT_ALLOWED = (275, 787, 1299)
#: What it raises to read a value whose bytes are no longer those that were written; SQLite itself notices nothing.
UNREADABLE = (UnicodeDecodeError, JSONDecodeError, zlib.error)


def translate(error: Exception, path: Path, key: Key | None = None) -> ChatlogError | None:
    """Return what a driver's error means for the user; None where it is a bug of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary == ERROR:
        primary = _SAID.get(str(error), ERROR)
    if primary == NOTADB:
        return cipher.explain(path, key)
    if primary == CANTOPEN and is_read_only(path):  # what it would not open is the log beside it
        primary = READONLY
    elif primary == CANTOPEN:
        return NoDatabaseError(f"cannot open {path}: {why_not_opened(path)}")
    if code in NOT_ALLOWED or isinstance(error, driver.InterfaceError):
        return UsageError("a value is not one that may be kept")
    if primary in _MEANINGS:
        kind, sentence, hint = _MEANINGS[primary]
        return kind(sentence.format(path=path), hint)
    return _by_its_words(error, path)


def unreadable(path: Path) -> DamagedFileError:
    """Return what it means that a value cannot be read; what raised it would show the value, and is left out."""
    _, sentence, hint = _MEANINGS[CORRUPT]
    return DamagedFileError(sentence.format(path=path), hint)


def is_unreadable(error: BaseException) -> bool:
    """Whether a value could not be read: the driver has no code for text that is not UTF-8."""
    return isinstance(error, UNREADABLE) or (
        isinstance(error, driver.OperationalError) and not hasattr(error, "sqlite_errorcode")
    )


def is_damage(error: BaseException) -> bool:
    """Whether a value, or a page of the file, is no longer what was written."""
    return is_unreadable(error) or getattr(error, "sqlite_errorcode", 0) & 0xFF == CORRUPT


def _by_its_words(error: Exception, path: Path) -> ChatlogError | None:
    """Return what an error means that has no code of its own."""
    if isinstance(error, driver.OperationalError) and re.search(_NOT_WHOLE, str(error)):
        return DamagedFileError(f"{path} is not whole: {error}", "run: chatlog doctor")
    if isinstance(error, driver.OperationalError) and str(error).startswith(_TOO_MUCH):
        return UsageError("the filters are too long, or too many", "choose by less")
    if isinstance(error, driver.ProgrammingError) and "closed" in str(error):
        return ClosedError("the store is closed", "open it again")
    return None


#: How it and FTS5 say that the schema is not the one that was written; how sqlite-vec says what of its own is not.
_NOT_WHOLE = (
    r"no such (table|column|function)|table \w+ has no column|unrecognized (column )?option"
    r"|error in tokenizer|parse error in|vtable constructor failed"
    r"|sqlite-vec error|vec0 \w+ error|\bblob\b|vector data|chunks? (iter|validity|rowids)"
    r"|(Unknown type for|Error reading) \w+|zero-length|JSON (array )?parsing|shadow table|Vector \w+ mistmatch"
)
#: How SQLite begins to say that a condition is beyond its limits.
_TOO_MUCH = ("LIKE or GLOB pattern too complex", "Expression tree is too large", "too many SQL variables")
#: How sqlcipher_export, which has one code for all, says that a page could not be read or written.
_SAID = {"database or disk is full": FULL, "disk I/O error": IOERR, "database disk image is malformed": CORRUPT}
_BUSY_MEANING = (BusyError, "{path} is busy: another process is writing", "try again in a moment")
_FULL_MEANING = (StorageFullError, "{path} could not be written: the disk is full or refuses", "free some space")
_MEANINGS: dict[int, tuple[type[ChatlogError], str, str]] = {
    BUSY: _BUSY_MEANING,
    LOCKED: _BUSY_MEANING,
    PROTOCOL: _BUSY_MEANING,
    TOOBIG: (UsageError, "a value is larger than any that can be kept", "split it"),
    IOERR: _FULL_MEANING,
    FULL: _FULL_MEANING,
    CONSTRAINT: (TakenError, "something of that id is here already", "import brings in another version of it"),
    READONLY: (ReadOnlyError, "{path} or its folder is read-only", "copy it to a place that can be written"),
    CORRUPT: (DamagedFileError, "{path} is damaged", "run: chatlog doctor; restore a backup if it cannot be mended"),
}
