"""Tests of the embedder that is a program."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from chatlog.embedders import embedder
from chatlog.errors import NoVectorsError, UsageError
from tests.cli.helpers import process
from tests.conftest import Run

#: Says of each text how many letters it has; `{}` is what happens before.
PROGRAM = """
import json, os, sys
{}
for line in sys.stdin:
    text = json.loads(line)
    print(json.dumps([float(text.count(letter)) for letter in "abcdefgh"]))
"""


def program(folder: Path, before: str = "") -> str:
    path = folder / "embed.py"
    path.write_text(PROGRAM.format(before), "utf-8")
    return f"command:{shlex.join([sys.executable, str(path)])}"


def test_a_program_embeds(tmp_path: Path) -> None:
    """Texts go in a line each, whatever is in them; vectors come back of length 1."""
    rows = embedder(program(tmp_path)).embed(["aa\nb", "cafe\u2028 é", "zzz"], None)
    assert (3, 8) == rows.shape
    assert [1.0, 1.0, 0.0] == [round(float(row @ row), 5) for row in rows]


@pytest.mark.parametrize(
    "code",
    ["sys.exit(3)", "print('no vector')", "print('[1]')", "print('[]')", "print('{}')", "print('[null]')",
     "sys.stdout.buffer.write(b'\\xff\\n')", "print('[' * 100000)"],
)  # fmt: skip
def test_a_program_that_fails_is_a_sentence(code: str, tmp_path: Path) -> None:
    """What is no vector for each text is a NoVectorsError."""
    with pytest.raises(NoVectorsError, match="the embedder "):
        embedder(program(tmp_path, code.replace("{}", "{{}}"))).embed(["text"], None)


def test_a_program_that_is_not_there_is_a_sentence() -> None:
    """As is a command that cannot be read, or none."""
    with pytest.raises(NoVectorsError):
        embedder("command:/nowhere/embed").embed(["text"], None)
    for line in ("command:", "command:'open", "telepathy"):
        with pytest.raises(UsageError):
            embedder(line)


def test_a_rebuild_that_was_killed_goes_on(run: Run, tmp_path: Path) -> None:
    """After kill -9 the batches that were written are there, and the next run embeds only the rest."""
    history = "".join(
        f'{{"type": "message", "conversation": "a", "role": "user", "text": "abc {n}"}}\n' for n in range(300)
    )
    run("import", "-", "--db", "chatlog.db", stdin=history)
    kill = """
with open("calls", "a") as calls:
    calls.write(".")
    if calls.tell() == 3:  # one of the dimensions, one batch, and no more
        os.kill(os.getppid(), 9)
"""
    name = program(tmp_path, kill)
    killed = process("embed", "--rebuild", "--embedder", name)
    assert -9 == killed.returncode
    assert (256, 44) == (300 - (state := run("embed", "--status", "--json").json)["waiting"], state["waiting"])
    assert {"embedded": 44, "waiting": 0}.items() <= run("embed", "--embedder", name, "--json").json.items()
    run("config", "set", "embedder", name)
    found = run("search", "abc 17", "--json").json
    assert ("hybrid", []) == (found["mode"], found["warnings"])
