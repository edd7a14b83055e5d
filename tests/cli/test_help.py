"""Every verb is documented, and what its help shows as an example is what its options take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from chatlog.cli import COMMANDS, app, habits
from chatlog.cli.options import FILTER_FLAGS, GLOBAL_FLAGS
from chatlog.cli.session import Session
from tests.conftest import Run

GROUPS = {
    "policy": ("add", "list", "remove", "show"),
    "memory": ("set", "get", "list", "search", "delete"),
    "db": ("path", "info", "backup", "restore", "migrate", "encrypt", "decrypt", "rekey", "vacuum"),
    "config": ("list", "get", "set", "path"),
}
VERBS = [(verb,) for verb in COMMANDS] + [(group, verb) for group, verbs in GROUPS.items() for verb in verbs]
SUBSTITUTION = re.compile(r'"?\$\((chatlog [^)]*)\)"?')


def command(verb: tuple[str, ...]) -> Any:
    found: Any = app()
    for name in verb:
        found = found.get_command(None, name)
    return found


def calls(example: str) -> Iterator[list[str]]:
    """Yield the arguments of each chatlog call in a line of shell, those in $(…) too."""
    for inner in SUBSTITUTION.findall(example):
        yield shlex.split(inner)[1:]
    lexer = shlex.shlex(SUBSTITUTION.sub("SUBSTITUTED", example), posix=True, punctuation_chars="|>&;")
    lexer.whitespace_split = True
    simple: list[list[str]] = [[]]
    for token in lexer:
        if token[0] in "|>&;":
            simple.append([])
        else:
            simple[-1].append(token)
    yield from (words[1:] for words in simple if words and words[0] == "chatlog")


def parse(arguments: list[str]) -> tuple[str, ...]:
    """Parse a command line without running it, and return the verb it names."""
    session = Session()
    context: Any = app().make_context("chatlog", list(arguments), obj=session)
    verb: tuple[str, ...] = ()
    while hasattr(context.command, "resolve_command"):
        name, found, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        verb = (*verb, name)
        context = found.make_context(name, rest, parent=context)
    return verb


def test_the_line_of_shell_is_understood() -> None:
    """The test's own reading of examples: pipes, redirections and substitutions are not arguments."""
    assert [["a", "-n", "1"], ["b", "-"]] == [*calls("chatlog a -n 1 | chatlog b - > file.md")]
    assert [["new", "--system", "Be brief."]] == [*calls('id=$(chatlog new --system "Be brief.")')]
    assert [["db", "path"]] == [*calls('datasette "$(chatlog db path)"')]
    assert [["search", '"x y" -draft']] == [*calls("chatlog search '\"x y\" -draft'")]


def test_every_group_is_known() -> None:
    """The verbs of groups that are checked below are all there are."""
    groups = {verb: command((verb,)) for verb in COMMANDS if hasattr(command((verb,)), "resolve_command")}
    assert GROUPS == {verb: tuple(found.list_commands(None)) for verb, found in groups.items()}


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_has_its_line(verb: str, run: Run) -> None:
    """`chatlog --help` lists it with a sentence, and `chatlog help VERB` is its own help."""
    line = COMMANDS[verb][1]
    assert re.fullmatch(r"[A-Z].{10,70}\.", line)
    assert re.search(rf"^  {verb} +{re.escape(line)}$", run("--help").out, re.MULTILINE)
    assert run(verb, "--help").out == run("help", verb).out


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb[0] not in GROUPS or len(verb) == 2], ids=" ".join)
def test_every_verb_is_documented(verb: tuple[str, ...], run: Run) -> None:
    """Help leads with an example, says what the verb does, explains each option, and ends with the exit codes."""
    said = run(*verb, "--help").out
    found = command(verb)
    usage, rest = said.split("\n", 1)
    assert usage.startswith(f"Usage: chatlog {' '.join(verb)} ")
    assert rest.lstrip().startswith("Examples:\n  ")
    assert len(found.help.splitlines()[0]) > 10
    assert " ".join(found.help.splitlines()[0].split()) in " ".join(said.split())
    assert [] == [parameter.name for parameter in found.params if not parameter.help]
    assert "Exit codes: 0 ok" in said


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb[0] not in GROUPS or len(verb) == 2], ids=" ".join)
def test_the_examples_of_a_verb_parse(verb: tuple[str, ...]) -> None:
    """Each example calls its verb, with options that the verb has and values that they take."""
    examples = command(verb).spec.examples
    assert examples
    for example in examples:
        named = [parse(arguments) for arguments in calls(example)]
        assert verb in named, example


def test_a_group_says_what_its_verbs_do(run: Run) -> None:
    """The help of a group has the whole first sentence of each of its verbs."""
    for group, verbs in GROUPS.items():
        said = " ".join(run(group, "--help").out.split())
        for verb in verbs:
            assert f"{verb} {' '.join(command((group, verb)).help.splitlines()[0].split())}" in said


@pytest.mark.parametrize("verb", ["list", "search", "export", "tag"])
def test_filters_are_the_same_wherever_they_are(verb: str) -> None:
    """Every filter option is one of each verb that filters, spelt and explained alike."""
    helps = {spelling: parameter.help for parameter in command((verb,)).params for spelling in parameter.opts}
    assert {flag.spellings[0]: flag.help for flag in FILTER_FLAGS} == {
        flag.spellings[0]: helps.get(flag.spellings[0]) for flag in FILTER_FLAGS
    }


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_global_options_are_options_of_every_verb(verb: tuple[str, ...]) -> None:
    """Whatever stands before the verb may stand after it."""
    spellings = {spelling for parameter in command(verb).params for spelling in parameter.opts}
    assert set() == {spelling for flag in GLOBAL_FLAGS for spelling in flag.spellings} - spellings


def test_the_help_of_a_verb_below_a_group(run: Run) -> None:
    """`help db backup` is `db backup --help`; what is none is refused, and what there is named."""
    assert run("db", "backup", "--help").out == run("help", "db", "backup").out
    assert 2 == run("help", "list", "all").code
    assert "backup" in run("help", "db", "bakup", "--json").error["hint"]


def test_a_value_is_called_the_same_by_every_verb() -> None:
    """No option calls its value after Python's type, and those that are shared by name share what that is called."""
    called: dict[str, set[str]] = {}
    for verb in VERBS:
        for parameter in command(verb).params:
            if parameter.param_type_name == "option" and not parameter.is_flag:
                called.setdefault(parameter.opts[-1], set()).add(parameter.metavar or "")
    assert [] == [name for name, words in called.items() if "" in words]
    shared = {flag.spellings[-1] for flag in FILTER_FLAGS} - {"--model"}
    assert {} == {name: words for name, words in called.items() if name in shared and len(words) > 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rm @last", "did you mean: delete?"),
        ("find lisbon", "did you mean: search?"),
        ("cat @last", "did you mean: show?"),
        ("get @last", "did you mean: show?"),
        ("rename @last", "did you mean: set --title?"),
        ("backup", "did you mean: db backup?"),
        ("version", "did you mean: --version?"),
        ("-V", "did you mean: --version?"),
        ("help grep", "did you mean: search?"),
        ("db count", "chatlog db --help lists the verbs"),
        ("list --limit 3", "did you mean: -n?"),
        ("list --after 7d", "did you mean: --since?"),
        ("search x --before 7d", "did you mean: --until?"),
        ("search x -A 2", "did you mean: -C?"),
        ("show @last --limit 3", "did you mean: -n?"),
        ("tags --limit 3", "chatlog tags --help"),
        ("list --since", "--since WHEN · chatlog list --help"),
    ],
)
def test_words_of_other_commands_are_answered_with_ours(line: str, said: str, run: Run) -> None:
    """Who comes from git, notmuch, llm or a shell is told what it is called here; nothing is done under that name."""
    ran = run(*line.split())
    assert (2, "") == (ran.code, ran.out)
    assert ran.err.splitlines()[1].strip().startswith(said)


def test_what_things_are_called_elsewhere_leads_to_what_there_is() -> None:
    """Each verb and option that is named in answer to a foreign one exists, and no verb of ours is a foreign word."""
    options = {spelling for verb in VERBS for parameter in command(verb).params for spelling in parameter.opts}
    named = {ours.split()[0] for ours in habits.CALLED.values()}
    assert set() == named - {*COMMANDS, *options, "--version"}
    assert set() == {*COMMANDS} & {*habits.CALLED}
