"""Standard streams that are closed, full, or whose reader went away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import Run
from .helpers import LISBON, SOURCES

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a shell's redirections")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which $chatlog is the command."""
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "chatlog": f"{sys.executable} -m chatlog"},
        timeout=60,
        check=False,
    )


def test_a_reader_that_goes_away_is_no_error(trip: Run) -> None:
    """As with any filter: nothing is said, and the code is that of SIGPIPE."""
    assert 0 == trip("add", LISBON, "sardines\n" * 40_000, "--role", "user").code
    ran = shell(f'$chatlog show {LISBON} | head -1; exit "${{PIPESTATUS[0]}}"')
    assert (141, "Trip to Lisbon\n", "") == (ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("verb", ["list --json", "show @last"])
def test_output_that_finds_no_room_is_an_error(verb: str, trip: Run) -> None:
    """A result that is not on the disk was not given: the code says so, and no traceback does."""
    ran = shell(f"$chatlog {verb} > /dev/full")
    assert 7 == ran.returncode
    assert "could not be written: No space left on device" in ran.stderr
    assert "Exception" not in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize(
    ("verb", "code", "said"),
    [("show nowhere", 3, ""), ("nowhere", 2, ""), ("list --nowhere --json", 2, ""), ("", 2, ""),
     ("search --mode lexical sardines nowhere --format ids", 0, f"{LISBON}:2\n")],
)  # fmt: skip
def test_a_remark_that_finds_no_room_changes_nothing(verb: str, code: int, said: str, trip: Run) -> None:
    """A full disk below a job's log costs what would have been logged, not the result, nor its exit code."""
    ran = shell(f"$chatlog {verb} 2> /dev/full")
    assert (code, said) == (ran.returncode, ran.stdout)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"$chatlog show {LISBON} >&-", 0),
        (f"$chatlog add {LISBON} hello --role user <&-", 0),
        ("$chatlog show - <&-", 2),
        ("$chatlog show nowhere 2>&-", 3),
        ("$chatlog list <&- >&- 2>&-", 0),
    ],
)
def test_a_closed_stream_is_an_empty_one(line: str, code: int, trip: Run) -> None:
    """Nothing to read, nowhere to write; no file gets its number, and the verb does what it does."""
    ran = shell(line)
    assert code == ran.returncode
    assert "bug" not in ran.stderr
