"""Files as people name them, and how one takes another's place: whole, or not at all.

It knows nothing of databases; those are the store's.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from chatlog.errors import UsageError

_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def expanded(text: str) -> Path:
    """Return a path with the home folder for a leading ``~``; one of nobody's is a name like any other.

    Raises UsageError for an empty one, which Path takes for the folder one is in: a script's variable was not set.
    """
    if not text:
        raise UsageError("the name of a file or folder is empty", "write . for the folder you are in")
    return Path(os.path.expanduser(text))  # noqa: PTH111  Path's own raises where there is no such user


def exists(path: Path) -> bool:
    """Whether there is something of a name.

    Raises OSError where the system does not say, as in a folder that may not be entered: that is no "no", for which
    Path's own questions take it from Python 3.14 on.
    """
    try:
        path.stat()
    except OSError as error:
        if error.errno not in _NOTHING_THERE:
            raise
        return False
    except ValueError:  # a name that no file can have
        return False
    return True


def is_file(path: Path) -> bool:
    """Whether there is a file of a name.  Raises OSError as `exists` does."""
    return exists(path) and path.is_file()


def may_exist(path: Path) -> bool:
    """Whether there is something of a name, or the system does not say."""
    try:
        return exists(path)
    except OSError:
        return True


def is_sink(path: Path) -> bool:
    """Whether it is a device, a pipe or a socket: written to as it is, for it must not be replaced by a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def replace_text(path: Path, text: str) -> None:
    """Write a file in another's place in one step, with the other's mode; of a link, what it leads to.

    Raises OSError where it cannot be written, and leaves what was there.
    """
    if is_sink(path):
        path.write_text(text, "utf-8")
        return
    path = path.resolve()
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, "utf-8")
        if exists(path):
            partial.chmod(stat.S_IMODE(path.stat().st_mode))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
