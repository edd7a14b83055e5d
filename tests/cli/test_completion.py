"""Completion in a real shell: what Tab offers, and that nobody's words are ever run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatlog.cli import COMMANDS
from chatlog.cli.completion import script
from tests.conftest import Run

from .helpers import DATABASE, LISBON, SOURCES

BASH = """
source "$SCRIPT"
[[ "$(complete -p chatlog)" =~ -F\\ ([^\\ ]+) ]] || exit 9
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
"${BASH_REMATCH[1]}" chatlog
[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\\n' "${COMPREPLY[@]}"
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


@pytest.fixture
def shell(trip: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A folder with a history, and `chatlog` on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "chatlog").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chatlog "$@"\n')
    (programs / "chatlog").chmod(0o755)
    for name in ("bash", "fish"):
        (tmp_path / f"chatlog.{name}").write_text(script(name))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(SOURCES))
    monkeypatch.setenv("SCRIPT", str(tmp_path / "chatlog.bash"))
    return trip


def tab(*words: str) -> list[str]:
    """Return what bash offers for the last of some words, without what it says about each."""
    return [line.split("  ")[0] for line in listed(*words)]


def listed(*words: str) -> list[str]:
    """Return the lines that bash lists for the last of some words; nothing may be said on the terminal meanwhile."""
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", "chatlog", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "" == done.stderr
    return done.stdout.splitlines()


def test_verbs_are_offered(shell: Run) -> None:
    """All of them, in the order of the help, and those that begin like the word."""
    assert [*COMMANDS] == tab("")
    assert ["list"] == tab("li")
    assert ["search", "set"] == tab("--json", "se")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("list", "--so"), ["--sort", "--source"]),
        (("list", "--form"), ["--format"]),
        (("--form",), ["--format"]),
        (("db", ""), ["path", "info", "backup", "restore", "migrate", "encrypt", "decrypt", "rekey", "vacuum"]),
        (("db", "b"), ["backup"]),
        (("config", "set", "--conf"), ["--config"]),
        (("list", "--format", "j"), ["json", "jsonl"]),
        (("--format", "c"), ["csv"]),
        (("list", "--format", "m"), []),
        (("stats", "--format", "p"), ["prometheus"]),
        (("list", "--format", "=", "j"), ["json", "jsonl"]),  # bash makes three words of --format=j
        (("list", "--role", "u"), ["user"]),
        (("add", "@last", "--role", "a"), ["assistant"]),
        (("list", "--sort", "t"), ["tokens", "title"]),
        (("list", "--source", "claude"), ["claude_ai", "claude_code"]),
        (("search", "--mode", ""), ["hybrid", "lexical", "semantic", "regex"]),
        (("search", "--in", "t"), ["text", "tool", "title"]),
        (("export", "--to", "m"), ["markdown"]),
        (("import", "--from", "chat"), ["chatlog", "chatbotui", "chatbox", "chatgpt", "chat_exporter"]),
        (("config", "get", "sy"), ["synchronous"]),
        (("config", "set", "synchronous", ""), ["FULL", "NORMAL"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("state", "@last", "un"), ["unset"]),
        (("help", "ex"), ["export", "exit-codes"]),
        (("help", "db", "re"), ["restore", "rekey"]),
        (("help", "list", ""), []),
    ],
    ids=str,
)
def test_options_and_their_values_are_offered(words: tuple[str, ...], offered: list[str], shell: Run) -> None:
    """What may stand there, and nothing else."""
    assert offered == tab(*words)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("show", ""), [LISBON[:8], DATABASE[:8]]),
        (("show", "data"), [DATABASE[:8]]),
        (("show", DATABASE[:12]), [DATABASE[:12]]),
        (("show", "@"), ["@last", "@2"]),
        (("show", "@", "la"), ["@last"]),  # as bash splits it
        (("tag", "@", "last", "+w"), ["+work"]),
        (("state", "@", "last", "un"), ["unset"]),
        (("set", "lis"), [LISBON[:8]]),
        (("export", "lis"), [LISBON[:8]]),
        (("search", "--conv", "da"), [DATABASE[:8]]),
        (("--user", "zoe", "show", ""), []),
        (("list", "--tag", "t"), ["travel"]),
        (("list", "--no-tag", ""), ["travel", "work"]),
        (("new", "--tag", "w"), ["work"]),
        (("tag", "lis"), [LISBON[:8]]),
        (("tag", "@last", "+"), ["+travel", "+work"]),
        (("tag", "@last", "+w"), ["+work"]),
        (("tag", "@last", "-tr"), ["-travel"]),
        (("prune", "--except-tag", "w"), ["work"]),
        (("restore", ""), []),
    ],
    ids=str,
)
def test_ids_and_tags_are_offered(words: tuple[str, ...], offered: list[str], shell: Run) -> None:
    """They come from the user's own database."""
    assert offered == tab(*words)


def test_titles_stand_beside_what_is_listed(shell: Run) -> None:
    """Where there is more than one; the only one is put in without."""
    shell("set", LISBON, "--title", "Trip to Lisbon")
    shell("set", DATABASE, "--title", "x" * 200)
    assert [f"{DATABASE[:8]}  {'x' * 69}", f"{LISBON[:8]}  Trip to Lisbon"] == listed("show", "")
    assert [LISBON[:8]] == listed("show", "lis")
    assert "list        List conversations, the latest first." in listed("")


def test_any_id_is_offered_once_it_is_begun(shell: Run) -> None:
    """However many conversations are newer than it."""
    lines = [{"type": "message", "conversation": f"c{at}", "role": "user", "text": "x"} for at in range(80)]
    shell("import", "-", stdin="".join(json.dumps(line) + "\n" for line in lines))
    assert LISBON[:8] not in tab("show", "")
    assert [LISBON[:8]] == tab("show", "lisb")


def test_what_is_in_the_trash_is_offered_to_restore(shell: Run) -> None:
    """And nothing else is."""
    shell("delete", LISBON, "--yes")
    assert [LISBON[:8]] == tab("restore", "")


def test_policies_are_offered(shell: Run) -> None:
    """By their names."""
    shell("policy", "add", "old", "--older-than", "1y")
    assert ["old"] == tab("policy", "show", "")
    assert ["old"] == tab("policy", "remove", "o")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("list", "--tag", "w", ":"), ["1", "2"]),
        (("list", "--tag", "w", ":", "1"), ["1"]),
        (("list", "--tag", "w:"), ["w:1", "w:2"]),
        (("tag", "@last", "+w", ":", ""), ["1", "2"]),
    ],
    ids=str,
)
def test_a_tag_with_a_colon_is_completed(words: tuple[str, ...], offered: list[str], shell: Run) -> None:
    """The shell makes three words of w:1, and replaces the last."""
    shell("tag", LISBON, "+w:1", "+w:2")
    assert offered == tab(*words)


def test_zsh_is_told_where_a_title_has_a_backslash(shell: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take one away."""
    shell("set", LISBON, "--title", "a\\b: c")
    monkeypatch.setenv("_CHATLOG_COMPLETE", "zsh")
    assert f"{LISBON[:8]}:a\\\\b: c\n" == shell("show", "lis").out


def test_zsh_is_told_where_a_tag_has_a_colon(shell: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take what follows for what the tag is about."""
    shell("tag", LISBON, "+w:1")
    monkeypatch.setenv("_CHATLOG_COMPLETE", "zsh")
    assert "+w\\:1\n+work\n" == shell("tag", "@last", "+w").out


@pytest.mark.parametrize("words", [("nonsense", ""), ("--db", "missing.db", "show", ""), ("--version", "")], ids=str)
def test_where_nothing_is_known_nothing_is_said(words: tuple[str, ...], shell: Run, tmp_path: Path) -> None:
    """No error is printed into the line that is being typed, and no file is made."""
    assert [] == [offer for offer in tab(*words) if offer not in COMMANDS]
    assert not (tmp_path / "missing.db").exists()


HOSTILE = (
    "x\\$(touch pwned) `touch pwned` '$(touch pwned)' \"$(touch pwned)\" ;touch pwned; %F{red} [/nope] \x1b[31m\n*"
)


def test_titles_and_tags_are_never_run_or_expanded(shell: Run, tmp_path: Path) -> None:
    """A title is anybody's words: it is neither evaluated nor taken for a pattern or a style."""
    shell("set", LISBON, "--title", HOSTILE)
    shell("tag", LISBON, "+*", "+$(touch${IFS}pwned)")
    assert [LISBON[:8], DATABASE[:8]] == tab("show", "")
    assert [r"+\$\(touch\$\{IFS\}pwned\)", r"+\*", "+travel", "+work"] == tab("tag", "@last", "+")
    assert not (tmp_path / "pwned").exists()


def test_what_bash_would_run_is_quoted(shell: Run) -> None:
    """A tag is anybody's word: it is inserted as it has to be typed, and goes on from there."""
    shell("tag", "@last", "+$(touch${IFS}x)", "+w;rm", "+wär")
    assert [r"\$\(touch\$\{IFS\}x\)", "travel", r"w\;rm", "work", "wär"] == sorted(tab("list", "--tag", ""))
    assert [r"w\;rm"] == tab("list", "--tag", r"w\;")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_no_script_evaluates_what_it_is_told(name: str) -> None:
    """The answers are data: no `eval`, and no `_arguments` specification, which zsh evaluates."""
    assert set() == {"eval", "_arguments"} & {*script(name).replace("(", " ").split()}


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_fish_shows_titles(shell: Run) -> None:
    """Each id comes with its title, made harmless."""
    shell("set", LISBON, "--title", HOSTILE)
    done = subprocess.run(
        ["fish", "--no-config", "-c", "source chatlog.fish; complete -C 'chatlog show '"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    ids = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert [LISBON[:8], DATABASE[:8]] == ids
    assert "Which database?" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_zsh_keeps_the_order(shell: Run, tmp_path: Path) -> None:
    """The latest conversation comes first, and is what is inserted, whatever the titles are."""
    for name in (DATABASE, LISBON):
        shell("set", name, "--title", "The same")
    (tmp_path / "chatlog.zsh").write_text(script("zsh"))
    assert [LISBON[:8], DATABASE[:8]] == listed_by_zsh("show ")


def listed_by_zsh(typed: str) -> list[str]:
    """Return what zsh lists, each with what it is about, for what is typed behind `chatlog`."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    ready = "autoload -U compinit; compinit -u -D; source chatlog.zsh; bindkey '^T' list-choices; PS1='rea''dy '"
    try:
        said_until(ours, f"{ready}\n", b"ready ")
        said = said_until(ours, f"chatlog {typed}\x14\x15print -n e; print nd\n", b"end")
    finally:
        os.close(ours)
        process.kill()
        process.wait()
    return re.findall(r"([a-z]+) +-- ", said.decode())


def said_until(terminal: int, typed: str, end: bytes) -> bytes:
    """Type on a terminal and return what it shows until the end that is meant."""
    os.write(terminal, typed.encode())
    said = b""
    while end not in said:
        said += os.read(terminal, 65536)
    return said


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_verb_prints_the_script(name: str, run: Run) -> None:
    """`chatlog completion SHELL` is what is in completions/."""
    assert script(name) == run("completion", name).out
