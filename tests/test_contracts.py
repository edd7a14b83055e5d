"""Contracts of the code that are checked by reading it: who prints, who exits, how long things get.

Which module may import which is import-linter's to check.
"""

from __future__ import annotations

import ast
import statistics
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import chatlog

SOURCES = Path(chatlog.__file__).parent
MODULES = sorted(SOURCES.rglob("*.py"))
#: A second SQLite library in the process drops the first one's locks (RELIABILITY.md, fact 5).
OTHER_DRIVERS = {"sqlite3", "pysqlite3", "apsw"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(path: Path) -> str:
    return str(path.relative_to(SOURCES))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(path: Path) -> set[str]:
    """Return the top-level names of what a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and spelt(node.func) in ("import_module", "importlib.import_module"):
            found |= {str(a.value).partition(".")[0] for a in node.args[:1] if isinstance(a, ast.Constant)}
    return found


def spelt(node: ast.AST) -> str:
    """Return a dotted name as it is written, nothing for any other expression."""
    if isinstance(node, ast.Attribute):
        return f"{spelt(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@cache
def uses(path: Path) -> set[str]:
    """Return every dotted name in a module."""
    return {spelt(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute | ast.Name)}


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def body_length(function: Function) -> int:
    """Return the lines of a function below its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def below(path: Path, *folders: str) -> bool:
    return name(path).startswith(tuple(f"{folder}/" for folder in folders))


@pytest.mark.parametrize("path", [path for path in MODULES if below(path, "formats")], ids=name)
def test_foreign_json_is_decoded_in_one_place(path: Path) -> None:
    """Half of a surrogate pair anywhere in it, in JSON within JSON too, would cost the message."""
    decoders = {"json.loads", "json.load", "json.JSONDecoder", "ast.literal_eval", "orjson.loads"} & uses(path)
    allowed = {"jsonstream.py": {"json.JSONDecoder"}, "tags.py": {"ast.literal_eval"}}
    assert decoders <= allowed.get(path.name, set())


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_there_is_one_sqlite_library(path: Path) -> None:
    """No module imports another SQLite library than sqlcipher3: two in one process drop each other's locks."""
    assert set() == imports(path) & OTHER_DRIVERS


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_output_writes_to_stdout(path: Path) -> None:
    """Only output.py prints; the front door may flush and silence the stream, not write to it."""
    found = uses(path)
    allowed = {"output.py": {"sys.stdout"}, "cli/__init__.py": {"sys.stdout", "sys.stdout.flush", "sys.stdout.fileno"}}
    stdout = {use for use in found if use.startswith(("sys.stdout", "sys.__stdout__"))}
    assert set() == stdout - allowed.get(name(path), set())
    assert set() == found & {"print", "typer.echo", "click.echo", "typer.secho", "click.secho", "input", "pprint"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_the_front_door_exits(path: Path) -> None:
    """Only cli/__init__.py and __main__.py end the process; everything else raises."""
    if name(path) not in ("cli/__init__.py", "__main__.py"):
        assert set() == uses(path) & {"sys.exit", "os._exit", "exit", "quit", "SystemExit"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_front_ends_read_environment_and_terminal(path: Path) -> None:
    """Below the command line everything is told: no environment, no terminal, no standard input."""
    if not below(path, "cli") and name(path) not in ("config.py", "output.py", "__main__.py"):
        assert set() == uses(path) & {"os.environ", "os.getenv", "sys.stdin", "sys.argv", "get_terminal_size"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_and_modules_are_short(path: Path) -> None:
    """No function over 50 lines, no module over 400."""
    assert len(path.read_text("utf-8").splitlines()) <= 400
    assert [] == [(function.name, length(function)) for function in functions(path) if length(function) > 50]


def test_most_functions_are_very_short() -> None:
    """The median function is under 10 lines."""
    assert statistics.median(length(function) for path in MODULES for function in functions(path)) < 10


@pytest.mark.parametrize("path", [path for path in MODULES if below(path, "cli")], ids=name)
def test_the_body_of_a_command_is_short(path: Path) -> None:
    """A command resolves arguments, calls one verb and hands the result on: 25 lines."""
    commands = [function for function in functions(path) if any("verb" in spelt(d) for d in decorators(function))]
    assert [] == [(function.name, body_length(function)) for function in commands if body_length(function) > 25]


def decorators(function: Function) -> Iterator[ast.AST]:
    return (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)


@pytest.mark.parametrize("path", [path for path in MODULES if not below(path, "cli")], ids=name)
def test_functions_take_few_arguments(path: Path) -> None:
    """At most six parameters outside cli/, beside self, but where the linter was told why."""
    lines = path.read_text("utf-8").splitlines()
    many = [
        function.name
        for function in functions(path)
        if parameters(function) > 6 and "PLR0913" not in lines[function.lineno - 1]
    ]
    assert [] == many


def parameters(function: Function) -> int:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([argument for argument in every if argument.arg not in ("self", "cls")])


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_says_what_it_owns(path: Path) -> None:
    """The first thing in a file is a sentence about it."""
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize(
    ("machine", "left_out"),
    [
        ("x86_64", set()),
        ("AMD64", set()),
        ("aarch64", set()),
        ("arm64", set()),
        ("ARM64", {"sqlite-vec", "tiktoken"}),
        ("riscv64", {"sqlite-vec"}),
    ],
)
def test_a_machine_without_a_wheel_of_what_can_be_missing_does_without_it(machine: str, left_out: set[str]) -> None:
    """One dependency that cannot be installed leaves nothing installed at all."""
    settings = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
    needed = [Requirement(line) for line in settings["project"]["dependencies"]]
    there = {"platform_machine": machine}
    assert {one.name for one in needed if one.marker and not one.marker.evaluate(there)} == left_out


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in (Path(__file__).parents[1] / "benchmarks").glob("[!_]*.py"))
)
def test_every_benchmark_finds_what_it_imports(name: str) -> None:
    """Nobody runs all of them with each change."""
    assert import_module(f"benchmarks.{name}").__doc__


def test_the_contracts_read_the_code_they_are_about() -> None:
    """The walk found the package, and its checks find what they look for."""
    assert len(MODULES) > 50
    assert "sqlcipher3" in imports(SOURCES / "store" / "sqlite" / "connection.py")
    assert "sys.exit" in uses(SOURCES / "cli" / "__init__.py")
    assert "sys.stdout" in uses(SOURCES / "output.py")
