"""Every error is a class with a kind, an exit code of the documented ones, a sentence and a hint."""

from __future__ import annotations

import pickle

import pytest

from chatlog import errors
from chatlog.errors import AmbiguousIdError, ChatlogError

#: Kind and exit code of every class, as scripts may rely on them.
EXPECTED = {
    "ChatlogError": ("error", 1),
    "UsageError": ("usage", 2),
    "RefusedError": ("refused", 2),
    "AmbiguousIdError": ("ambiguous_id", 2),
    "ClosedError": ("closed", 2),
    "NotFoundError": ("not_found", 3),
    "NoDatabaseError": ("no_database", 3),
    "CheckFailedError": ("check_failed", 1),
    "ConflictError": ("conflict", 1),
    "TakenError": ("conflict", 1),
    "NoVectorsError": ("no_vectors", 1),
    "PartlyDoneError": ("partly_done", 4),
    "DamagedFileError": ("damaged", 5),
    "SchemaMismatchError": ("schema", 6),
    "WrongKeyError": ("wrong_key", 6),
    "BusyError": ("busy", 7),
    "StorageFullError": ("storage_full", 7),
    "ReadOnlyError": ("read_only", 7),
    "BudgetError": ("budget", 8),
    "CommandError": ("command", 4),
}
RETRYABLE = {"ConflictError", "BusyError", "StorageFullError"}


def all_errors() -> list[type[ChatlogError]]:
    """Return every error class, found by walking the tree down from its root."""
    found: list[type[ChatlogError]] = [ChatlogError]
    for kind in found:
        found.extend(sub for sub in kind.__subclasses__() if sub not in found)
    return [kind for kind in found if kind.__module__ == errors.__name__]


def made(kind: type[ChatlogError]) -> ChatlogError:
    if kind is AmbiguousIdError:
        return AmbiguousIdError("abcd", ["abcde", "abcdf"])
    return kind("the disk is on fire", "call somebody")


def test_every_class_has_its_kind_and_exit_code() -> None:
    """The tree holds the documented classes, each with its own kind and a documented exit code."""
    assert EXPECTED == {kind.__name__: (kind.kind, kind.exit_code) for kind in all_errors()}


def test_no_two_classes_share_a_kind() -> None:
    """A script can tell every error by its kind, and a conflict by whether another try can mend it."""
    kinds = [(kind.kind, kind.retryable) for kind in all_errors()]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("kind", all_errors())
def test_an_error_is_a_sentence_with_a_hint(kind: type[ChatlogError]) -> None:
    """Message and hint are attributes, `str` is the message, and the record holds all four keys."""
    error = made(kind)
    assert error.message == str(error)
    assert "" != error.message
    assert {
        "kind": kind.kind,
        "message": error.message,
        "hint": error.hint,
        "retryable": kind.__name__ in RETRYABLE,
    } == error.record()


@pytest.mark.parametrize("kind", all_errors())
def test_an_error_may_come_from_another_process(kind: type[ChatlogError]) -> None:
    """What a pool's worker raises is the same where it arrives: one that cannot be unpickled ends the whole pool."""
    error = made(kind)
    assert (kind, vars(error), str(error)) == (type(came := pickle.loads(pickle.dumps(error))), vars(came), str(came))


@pytest.mark.parametrize("kind", all_errors())
def test_every_class_says_when_it_is_raised(kind: type[ChatlogError]) -> None:
    """Each class is documented by itself, not by the class it comes from."""
    assert (kind.__dict__["__doc__"] or "").strip().endswith(".")


def test_a_hint_can_be_missing() -> None:
    """An error without a hint has an empty one."""
    assert "" == ChatlogError("no").hint


def test_an_ambiguous_prefix_lists_its_candidates() -> None:
    """The sentence names every conversation the prefix could be, and so does the attribute."""
    error = AmbiguousIdError("abcd", ["abcde", "abcdf"])
    assert ["abcde", "abcdf"] == error.candidates
    assert "'abcd' could be any of 2 conversations: abcde, abcdf" == error.message
