"""What a run imports, seen in a process of its own: laziness is proven by `sys.modules`, never by a stopwatch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import chatlog
from chatlog.cli import COMMANDS

SOURCES = Path(chatlog.__file__).parents[1]
#: What costs 10 to 150 ms, and no everyday verb needs in a pipe.
HEAVY = {
    "markdown_it", "sqlite_utils", "sqlite_vec", "numpy", "rich", "tiktoken", "tokenizers", "wordllama", "pydantic",
    "pygments", "httpx", "tomlkit", "opentelemetry",
}  # fmt: skip
#: `plans` and `actions` hold what the destructive verbs share, `found` those that find, `indexing` those that
#: embed, `endings` those that have something to tidy up; `refusals` says what is wrong with a call.
EVERY_VERB = {"chatlog.cli", "chatlog.cli.keys", "chatlog.cli.options", "chatlog.cli.session", "chatlog.cli.plans"}
EVERY_VERB |= {
    "chatlog.cli.actions",
    "chatlog.cli.batch",
    "chatlog.cli.endings",
    "chatlog.cli.found",
    "chatlog.cli.habits",
    "chatlog.cli.indexing",
    "chatlog.cli.refusals",
    "chatlog.cli.zone",
}

PROBE = """
import atexit, json, sys
atexit.register(lambda: open(sys.argv[1], "w").write(json.dumps(sorted(sys.modules))))
"""
RUN = PROBE + "from chatlog.cli import run; from chatlog.cli.session import Session\n"
RUN += "sys.exit(run(sys.argv[2:], Session()))"


def imported(folder: Path, code: str, *arguments: str, exit_code: int = 0) -> set[str]:
    """Return the modules that a process has imported by its end, which must be with `exit_code`."""
    report = folder / "modules.json"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "HOME": str(folder)}
    command = [sys.executable, "-c", code, str(report), *arguments]
    database = {"CHATLOG_DB": str(folder / "chatlog.db")}
    done = subprocess.run(
        command, env={**environment, **database}, input="", text=True, capture_output=True, timeout=60, check=False
    )
    assert exit_code == done.returncode, done.stderr
    return {*json.loads(report.read_text())}


def verbs(modules: set[str]) -> set[str]:
    """Return the command modules among them."""
    return {name for name in modules if name.startswith("chatlog.cli")} - EVERY_VERB


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that holds a message."""
    path = tmp_path_factory.mktemp("lazy")
    with chatlog.open(path / "chatlog.db") as store:
        store.new(messages=[chatlog.MessageDraft(role="user", text="```python\nhello\n```")])
    return path


@pytest.mark.parametrize(("arguments", "exit_code"), [(("--help",), 0), (("--nonsense",), 2), ((), 2)])
def test_help_imports_no_verb(arguments: tuple[str, ...], exit_code: int, folder: Path) -> None:
    """The list of verbs comes from a table; no command module, no store and no driver is loaded for it."""
    modules = imported(folder, RUN, *arguments, exit_code=exit_code)
    assert set() == verbs(modules)
    assert {"chatlog.cli"} <= modules
    assert set() == modules & {"sqlcipher3", "chatlog.store.sqlite.engine", "chatlog.transfer", *HEAVY}


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_verb_s_help_imports_that_verb_alone(verb: str, folder: Path) -> None:
    """Exactly one command module for one verb, and nothing that opens a database."""
    modules = imported(folder, RUN, verb, "--help")
    assert {f"chatlog.cli.{COMMANDS[verb][0]}"} == verbs(modules)
    assert "chatlog.store.sqlite.engine" not in modules


EVERYDAY = {
    "add": ("add", "@last", "--role", "user", "hello again"),
    "add from json": ("add", "@last", "--json", '{"role": "user", "content": "hello"}'),
    "list": ("list",),
    "list --json": ("list", "--json"),
    "list --format csv": ("list", "--format", "csv"),
    "show": ("show", "@last"),
    "show --json": ("show", "@last", "--json"),
    "search": ("search", "hello", "--mode", "lexical"),
    "search --json": ("search", "hello", "-C", "1", "--mode", "lexical", "--json"),
    "new": ("new", "--title", "x"),
    "tags": ("tags",),
    "state": ("state", "@last", "get"),
    "export": ("export",),
}


@pytest.mark.parametrize("case", EVERYDAY)
def test_everyday_verbs_import_nothing_heavy_in_a_pipe(case: str, folder: Path) -> None:
    """One command module, and none of what is slow to load."""
    arguments = EVERYDAY[case]
    modules = imported(folder, RUN, *arguments)
    assert {f"chatlog.cli.{arguments[0]}"} == verbs(modules)
    assert "chatlog.store.sqlite.engine" in modules
    assert set() == modules & HEAVY


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="from 3.14 on the library's own traceback makes some")
@pytest.mark.parametrize("case", ["add", "list", "show", "tags", "state"])
def test_short_verbs_make_no_dataclass(case: str, folder: Path) -> None:
    """Each takes a millisecond to make, and a named tuple a quarter of it."""
    assert "dataclasses" not in imported(folder, RUN, *EVERYDAY[case])


def test_a_process_looks_for_no_cycles_at_its_end(folder: Path) -> None:
    """Nor often before: a verb makes none.  A program that imports chatlog keeps its own settings."""
    code = "import atexit, gc; usual = gc.get_threshold(); from chatlog.__main__ import OBJECTS, main\n"
    code += "atexit.register(lambda: print('told', gc.get_threshold()[0] == OBJECTS, gc.get_freeze_count() > 9_999))\n"
    code += "import chatlog.cli; print('told', gc.get_threshold() == usual); main()"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "CHATLOG_DB": str(folder / "chatlog.db")}
    done = subprocess.run(
        [sys.executable, "-c", code, "tags"], env=environment, text=True, capture_output=True, timeout=60, check=True
    )
    assert ["told True", "told True True"] == [line for line in done.stdout.splitlines() if line.startswith("told")]


@pytest.mark.parametrize("case", ["list", "show", "search", "tags"])
def test_reading_loads_no_openssl(case: str, folder: Path) -> None:
    """Hashes are made of what is written; loading what makes them costs a fortieth of such a verb."""
    assert "_hashlib" not in imported(folder, RUN, *EVERYDAY[case])


def test_a_search_by_meaning_imports_nothing_heavy_where_all_is_indexed(folder: Path) -> None:
    """What embeds new messages is loaded for new messages; a question alone needs neither numpy nor a tokenizer."""
    assert {"numpy", "tokenizers"} <= imported(folder, RUN, "search", "hello", "--mode", "hybrid")
    assert set() == imported(folder, RUN, "search", "hello", "--mode", "hybrid", "--json") & HEAVY


def test_search_imports_no_format_and_list_no_search(folder: Path) -> None:
    """A verb loads its own half of the code."""
    assert not any(name.startswith("chatlog.formats.") for name in imported(folder, RUN, "search", "hello"))
    assert set() == imported(folder, RUN, "list") & {"chatlog.search", "chatlog.query", "chatlog.transfer"}


def test_importing_chatlog_imports_almost_nothing(folder: Path) -> None:
    """`import chatlog` is the package alone; what it offers is loaded when it is first used."""
    before = imported(folder, PROBE + "import importlib, typing, __future__")
    after = imported(folder, PROBE + "import importlib, typing, __future__, chatlog")
    assert {"chatlog"} == after - before


def test_opening_a_store_needs_no_terminal(folder: Path) -> None:
    """The Python API loads neither the command line nor anything that draws."""
    code = PROBE + "import os, chatlog; chatlog.open(os.environ['CHATLOG_DB']).conversations()"
    modules = imported(folder, code)
    assert "chatlog.store.sqlite.engine" in modules
    assert not any(name.partition(".")[0] in {"typer", "click", *HEAVY} for name in modules)
    assert not any(name.startswith(("chatlog.cli", "chatlog.output", "chatlog.config")) for name in modules)
