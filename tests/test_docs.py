"""The generated files are current, complete, and say what works."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatlog import ConversationDraft, MessageDraft
from chatlog.cli import COMMANDS
from chatlog.config import SETTINGS
from chatlog.store import Store
from chatlog.store.sqlite.connection import connect

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "docs" / "generate.py"
NAMES = [
    "docs/cli.md",
    "docs/formats.md",
    "docs/schema.md",
    "docs/man/chatlog.1",
    "completions/chatlog.bash",
    "completions/_chatlog",
    "completions/chatlog.fish",
]


@pytest.fixture(scope="module")
def generate() -> SimpleNamespace:
    """The script as a module; what it puts on the path is taken away again."""
    path = [*sys.path]
    try:
        return SimpleNamespace(**runpy.run_path(str(SCRIPT)))
    finally:
        sys.path[:] = path


@pytest.mark.parametrize("name", NAMES)
def test_a_generated_file_is_current(name: str, generate: SimpleNamespace) -> None:
    """What is in the repository is what the code says now; if not, run: python docs/generate.py."""
    assert NAMES == [*generate.outputs()]
    assert generate.outputs()[name] == (ROOT / name).read_text("utf-8")


def test_what_is_stale_is_named_and_mended(generate: SimpleNamespace, tmp_path: Path) -> None:
    """Missing and changed files are found, and only they are written."""
    assert NAMES == generate.stale(tmp_path)
    generate.write(tmp_path)
    assert [] == generate.stale(tmp_path)
    (tmp_path / "docs/cli.md").write_text("old")
    assert ["docs/cli.md"] == generate.stale(tmp_path)


def test_the_map_of_the_code_has_every_module() -> None:
    """Who is new finds each module there, and none that is gone."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    map_of_code = text.partition("## Where things are")[2].partition("\n## ")[0]
    rows = [line for line in map_of_code.splitlines() if line.startswith("|")]
    named = {*re.findall(r"`(\w+)/?`", "\n".join(rows))}
    there = {path.stem for path in (ROOT / "src" / "chatlog").iterdir() if not path.name.startswith(("_", "py.typed"))}
    assert there == named


@pytest.mark.parametrize("columns", ["40", "250"])
def test_the_width_of_the_terminal_changes_nothing(columns: str, tmp_path: Path) -> None:
    """The same bytes on every machine, whatever its window, colours and settings."""
    environment = {
        **os.environ,
        "COLUMNS": columns,
        "FORCE_COLOR": "1",
        "CHATLOG_FORMAT": "json",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_every_verb_has_its_section() -> None:
    """docs/cli.md has the help of each verb under its own heading, and the links lead there."""
    page = (ROOT / "docs/cli.md").read_text("utf-8")
    headings = {heading.replace(" ", "-") for heading in re.findall(r"^## (.*)$", page, re.MULTILINE)}
    assert set() == {f"chatlog-{verb}" for verb in COMMANDS} - headings
    assert set() == {*re.findall(r"\]\(#([^)]*)\)", page)} - headings
    for verb in COMMANDS:
        assert f"```text\nUsage: chatlog {verb} " in page


def test_every_table_and_column_of_a_real_file_is_described(store: Store, tmp_path: Path) -> None:
    """docs/schema.md leaves out nothing that a person finds who opens the file."""
    page = (ROOT / "docs/schema.md").read_text("utf-8")
    connection = connect(tmp_path / "chatlog.db")
    objects = connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    tables = [name for kind, name in objects if kind == "table" and not name.startswith("words")]
    for table in tables:
        section = page.partition(f"### {table}\n")[2].partition("\n#")[0]
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        indexes = [row[1] for row in connection.execute(f"PRAGMA index_list({table})") if row[3] == "c"]
        assert columns == re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert {*indexes} == {
            *re.findall(r"^- `(?:UNIQUE )?(\w+) \(.*`", section.partition("Indexes:")[2], re.MULTILINE)
        }
    assert len(tables) == page.count("\n### ")
    connection.close()


def test_every_index_says_which_query_it_serves(generate: SimpleNamespace) -> None:
    """An index without a reason is one that nobody dares to remove."""
    indexes = [index for table in generate.tables().values() for index in table.indexes]
    assert len(indexes) > 10
    assert [] == [declared for declared, reason in indexes if not reason]


def test_the_queries_of_the_guide_work(store: Store, tmp_path: Path) -> None:
    """Each query of docs/schema.md runs on a real file and finds what it says."""
    call = {"type": "tool_call", "id": "1", "name": "lookup", "arguments": {}}
    drafts = [
        MessageDraft(role="user", text="Where to eat in Lisbon?", created_at="2026-10-01T10:00:00.000Z"),
        MessageDraft(role="assistant", parts=(call,), created_at="2026-11-01T10:00:00.000Z"),
    ]
    trip = store.new(ConversationDraft(title="Trip", model="m"), drafts)
    page = (ROOT / "docs/schema.md").read_text("utf-8").partition("## Tables")[0]
    recent, path, months, tools, words = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    connection = connect(tmp_path / "chatlog.db")
    assert [(trip.id, "Trip", None, "m", 2, trip.updated_at)] == connection.execute(recent).fetchall()
    shown = connection.execute(path.replace("7pvd", trip.id[:4])).fetchall()
    assert [(1, "user", "Where to eat in Lisbon?"), (2, "assistant", "")] == [(row[0], row[1], row[3]) for row in shown]
    assert [("2026-10", "chatlog", 1), ("2026-11", "chatlog", 1)] == connection.execute(months).fetchall()
    assert [("lookup", 1)] == connection.execute(tools).fetchall()
    assert [("Trip", 1, "Where to eat in Lisbon?")] == connection.execute(words).fetchall()
    connection.close()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_accepts_its_script() -> None:
    """The script has no syntax error."""
    done = subprocess.run(["bash", "-n", str(ROOT / "completions/chatlog.bash")], capture_output=True, check=False)
    assert (0, b"") == (done.returncode, done.stderr)


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff here")
def test_the_manual_page_is_good_roff() -> None:
    """groff has no warning, and every verb and setting is in what it prints."""  # noqa: D403
    page = str(ROOT / "docs/man/chatlog.1")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", page], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    bare = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    assert [] == [verb for verb in COMMANDS if f"chatlog {verb}" not in bare]
    assert [] == [one.variables[0] for one in SETTINGS if one.variables[0] not in bare]
