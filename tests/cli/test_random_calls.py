"""Random command lines: every verb with options and words that may make no sense, from fixed seeds.

Whatever is asked, the answer is one of the contract's exit codes and never a bug's sentence, and JSON is JSON.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chatlog.cli import app
from tests.conftest import Run

#: What stands for a reference, number, time, name, format, query, path or value.
WORDS = (
    "", "x", "-1", "0", "1", "5", "9" * 21, "1.5", "nan", "@last", "@1", "@last:1", "@last:1-2", "nope:1", "sardines",
    "2w", "yesterday", "2026-01-01", "99w", "keep", "user", "json", "html", "openai", "k=v", "a/b", "-", "--", "é",
    "\N{GRINNING FACE}", "caf\udce9", "a" * 300, "h.jsonl", "nowhere/x", "*", "%", "'", '"', "[", "(", "gpt-5", "work",
    "{}", "[1]", "null", "true", "id,title", "title:asc",
)  # fmt: skip
STDIN: tuple[str | bytes | None, ...] = (
    "", None, "hello", '{"role": "user", "content": "x"}', "@last\n", "[]", b"\xed\xa0\x80", b"\xff\x00",
)  # fmt: skip
#: What waits, starts other programs, or shows what it is by taking its time.
LEFT_OUT = {"--watch", "--with", "--summarizer", "--embedder", "--key-command", "--edit"}
VERBS_LEFT_OUT = {("ask",), ("demo",)}
CALLS = 500
#: What asks for a passphrase says so where it is no terminal.
ECHOES = pytest.mark.filterwarnings("ignore::getpass.GetPassWarning")


@cache
def verbs() -> dict[tuple[str, ...], Any]:
    """Return the commands by their words."""
    root = app().make_context("chatlog", [], resilient_parsing=True)
    return {name: verb for name, verb in _below(root, root.command, ()) if name not in VERBS_LEFT_OUT}


def _below(context: Any, command: Any, name: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "list_commands"):
        yield name, command
        return
    for verb in command.list_commands(context):
        yield from _below(context, command.get_command(context, verb), (*name, verb))


def call(chance: random.Random) -> list[str]:
    """Return a command line."""
    name = chance.choice([*verbs()])
    params = verbs()[name].params
    options = [param for param in params if param.param_type_name == "option" and LEFT_OUT.isdisjoint(param.opts)]
    words = [*name]
    for option in chance.sample(options, min(len(options), chance.randrange(7))):
        words += _option(chance, option)
    for param in params:
        if param.param_type_name == "argument" and (param.required or chance.random() < 0.7):
            words += chance.choices(WORDS, k=1 if param.nargs != -1 else chance.randrange(3))
    return words


def _option(chance: random.Random, option: Any) -> list[str]:
    spelt = chance.choice([*option.opts, *option.secondary_opts])
    if option.is_flag or option.count:
        return [spelt]
    choices = getattr(option.type, "choices", None)
    return [spelt, str(chance.choice([*choices])) if choices and chance.random() < 0.8 else chance.choice(WORDS)]


def check(trip: Run, written: Path, seeds: range) -> None:
    Path("h.jsonl").write_text('{"role": "user", "content": "hello"}\n{"role": "assistant", "content": "hi"}\n')
    for seed in seeds:
        chance = random.Random(seed)
        if seed % 25 == 0:  # by then it may be deleted, encrypted, or somewhere else
            _anew(written)
        words = call(chance)
        ran = trip(*words, stdin=chance.choice(STDIN))
        assert ran.code in range(9), (seed, words, ran)
        assert "has a bug" not in ran.err, (seed, words, ran.err)
        if ran.code == 0 and "--json" in words and "--format" not in words and ran.out.strip():
            json.loads(ran.out)


def _anew(written: Path) -> None:
    for path in Path.cwd().iterdir():
        if path.name != "h.jsonl":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copy(written, "chatlog.db")


@ECHOES
def test_a_call_that_makes_no_sense_is_answered(trip: Run, written: Path) -> None:
    check(trip, written, range(CALLS))


@ECHOES
@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_many_calls_that_make_no_sense_are_answered(trip: Run, written: Path, part: int) -> None:
    check(trip, written, range(1_000 * (part + 1), 1_000 * (part + 2)))
