"""The guides are true: every example in them is run."""

import doctest
import json
import re
from pathlib import Path

import pytest

from chatlog.cli import COMMANDS

ROOT = Path(__file__).parents[1]
HISTORY = (
    {"type": "message", "conversation": "notes", "role": "user", "text": "What is WAL?"},
    {"type": "message", "conversation": "notes", "role": "assistant", "text": "A write-ahead log."},
)


def test_the_python_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example of docs/python.md prints what the page says."""
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in HISTORY), "utf-8")
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(ROOT / "docs/python.md"), module_relative=False)
    assert (0, True) == (failed, tried > 20)


def test_the_readme_names_verbs_that_exist() -> None:
    """Each `chatlog …` line of the README begins with a verb of the table."""
    lines = re.findall(r"^\$ (.*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    calls = [call for line in lines for call in re.findall(r"chatlog (\w+)", line)]
    assert len(lines) > 8
    assert [] == [verb for verb in calls if verb not in COMMANDS]
