"""The error tree: one class per way to fail, with its exit code on the class.

An error is a sentence and a hint.  `cli.main` catches `ChatlogError` once; nothing here
prints, and no message carries anybody's words.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import ClassVar, Self


def choices_hint(word: str, choices: Iterable[str]) -> str:
    """Return the hint for a word that is none of the choices: what was perhaps meant, and what there is."""
    from difflib import get_close_matches

    every = [*choices]
    close = get_close_matches(word.lower(), every, n=1)
    return f"{f'did you mean {close[0]}? ' if close else ''}one of: {', '.join(every)}"


class ChatlogError(Exception):
    """Base of every expected failure: what happened, what to do, which exit code."""

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def record(self) -> dict[str, object]:
        """Return the machine form: kind, message, hint, retryable."""
        return {"kind": self.kind, "message": self.message, "hint": self.hint, "retryable": self.retryable}


class UsageError(ChatlogError):
    """The call itself is wrong: a value, a combination, a missing word."""

    kind = "usage"
    exit_code = 2


class RefusedError(UsageError):
    """A destructive or overwriting call that was not confirmed."""

    kind = "refused"


class AmbiguousIdError(UsageError):
    """A prefix that several conversations share; `candidates` holds their ids."""

    kind = "ambiguous_id"

    def __init__(self, prefix: str, candidates: list[str]) -> None:
        super().__init__(
            f"'{prefix}' could be any of {len(candidates)} conversations: {', '.join(candidates)}",
            "type more of the id",
        )
        self.prefix, self.candidates = prefix, candidates

    def __reduce__(self) -> tuple[type[Self], tuple[str, list[str]]]:  # another process may raise it
        return type(self), (self.prefix, self.candidates)


class NotFoundError(ChatlogError):
    """A conversation, message or file that is not there."""

    kind = "not_found"
    exit_code = 3


class NoDatabaseError(NotFoundError):
    """The database file does not exist or cannot be opened."""

    kind = "no_database"


class CheckFailedError(ChatlogError):
    """A verification found something wrong."""

    kind = "check_failed"


class ConflictError(ChatlogError):
    """A compare-and-swap lost: the conversation has moved on since it was read."""

    kind = "conflict"
    retryable = True


class TakenError(ConflictError):
    """A key or name that stands for something else already: another try changes nothing."""

    retryable = False


class NoVectorsError(ChatlogError):
    """There is no searching by meaning here: no extension for the platform, no embedder, or it does not answer."""

    kind = "no_vectors"


class PartlyDoneError(ChatlogError):
    """Some inputs failed; the rest is done."""

    kind = "partly_done"
    exit_code = 4


class DamagedFileError(ChatlogError):
    """The database file is corrupt."""

    kind = "damaged"
    exit_code = 5


class SchemaMismatchError(ChatlogError):
    """A file of a newer chatlog, or of another application."""

    kind = "schema"
    exit_code = 6


class WrongKeyError(SchemaMismatchError):
    """An encrypted file opened without its key, or with another."""

    kind = "wrong_key"


class BusyError(ChatlogError):
    """Another process held the write lock for longer than we wait."""

    kind = "busy"
    exit_code = 7
    retryable = True


class StorageFullError(BusyError):
    """The disk is full, or the system refused the write; nothing half-written remains."""

    kind = "storage_full"


#: What a system says that can take no more.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def not_written(error: OSError, what: object, hint: str = "") -> ChatlogError:
    """Return why a file or folder could not be written: no room is left, or it is not one to write to."""
    said = f"cannot write {what}: {error.strerror}"
    return StorageFullError(said, "free some space") if error.errno in NO_ROOM else NotFoundError(said, hint)


class ReadOnlyError(BusyError):
    """The file or its folder cannot be written."""

    kind = "read_only"
    retryable = False


class ClosedError(UsageError):
    """A store used after it was closed."""

    kind = "closed"


class CommandError(ChatlogError):
    """A command or an endpoint that was to answer failed, or answered nothing; what was stored stays as it was."""

    kind = "command"
    exit_code = 4


class BudgetError(ChatlogError):
    """A token budget that cannot hold what must be in it."""

    kind = "budget"
    exit_code = 8
