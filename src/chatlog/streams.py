"""The standard streams of a process that are closed, full, or whose reader went away.

Writes to stderr alone, and says nothing by itself.
"""

from __future__ import annotations

import os
import sys
from typing import IO


def open_closed() -> None:
    """Put the null device where a standard stream is closed: no file of ours may get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  it stays open


def forget(stream: IO[str]) -> None:
    """Let what a stream could not take be flushed into nothing when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tell(text: str) -> None:
    """Write to stderr.  Where the disk below it is full, that is not the verb's failure: what it did still counts."""
    try:
        sys.stderr.write(text)
    except BrokenPipeError:
        raise
    except OSError:
        forget(sys.stderr)
