"""Running a command that answers: its input on stdin, its output piece by piece as it comes.

Knows no store and no terminal; a process that is left behind is ended.
"""

from __future__ import annotations

import codecs
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress

from chatlog.errors import CommandError

_PIECE = 65_536
#: A command that was told to end has so many seconds for it.
_PATIENCE = 3.0


def answers(line: str, said: bytes, *, apart: bool = False) -> Iterator[str]:
    """Yield what a command line answers, as it comes.  Raises CommandError where it ends with another code than 0.

    With `apart` all of its processes are a group of their own, and end together; that group has no use of a terminal.
    """
    group = 0 if apart else None
    try:
        process = subprocess.Popen(  # noqa: S602  the command is what the user typed, pipes and all
            line, shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=group
        )
    except OSError as error:
        raise CommandError(f"the command cannot be run: {error.strerror}", line) from None
    feeder = threading.Thread(target=_feed, args=(process, said), daemon=True)
    feeder.start()
    try:
        yield from _pieces(process)
        code = process.wait()
    finally:
        end(process, apart=apart)
        feeder.join(_PATIENCE)
    if code:
        how = f"ended with code {code}" if code > 0 else f"was ended by signal {-code}"
        raise CommandError(f"the command {how}", line)


def _feed(process: subprocess.Popen[bytes], said: bytes) -> None:
    assert process.stdin is not None  # noqa: S101  it is a pipe
    with suppress(OSError), process.stdin:  # a command need not read all it is given
        process.stdin.write(said)


def _pieces(process: subprocess.Popen[bytes]) -> Iterator[str]:
    assert process.stdout is not None  # noqa: S101  it is a pipe
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with process.stdout as stdout:
        while piece := os.read(stdout.fileno(), _PIECE):
            if text := decoder.decode(piece):
                yield text
        if text := decoder.decode(b"", final=True):
            yield text


def end(process: subprocess.Popen[bytes], *, apart: bool) -> None:
    """Make sure that a command has ended, with `apart` all of its processes."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM) if apart else process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL) if apart else process.kill()
            process.wait()
