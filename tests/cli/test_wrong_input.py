"""What wrong input of every kind meets: one sentence, the right exit code, and nothing half done."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from ..conftest import Run
from .helpers import LISBON, everything, process, refused

HUGE = "9" * 30


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("list", "--min-messages", HUGE), 2),
        (("list", "-n", "abc"), 2),
        (("list", "--since", "99999999y"), 2),
        (("list", "--since", "2026-02-01", "--until", "2026-01-01"), 2),
        (("search", "lisbon", "--batch", "-"), 2),
        (("context", LISBON, "--batch", "-"), 2),
        (("prune", "--max-seconds", "abc", "--expired"), 2),
        (("context", LISBON, "--budget", "100", "--reserve", "200"), 8),
        (("show", f"{LISBON}:{HUGE}"), 2),
        (("show", f"@{HUGE}"), 2),
        (("show", LISBON, "--around", HUGE), 3),
        (("show", LISBON, "--around", "1", "-n", "1"), 2),
        (("show", LISBON, "--around", "1", "--all-branches"), 2),
        (("show", f"{LISBON}:1", "-n", "1"), 2),
        (("show", f"{LISBON}:1", "--around", "2"), 2),
        (("show", f"{LISBON}:1", "--branch", "2"), 2),
        (("show", LISBON, "-C", "1"), 2),
        (("show", LISBON, "--branch", "1", "--all-branches"), 2),
        (("hold", LISBON, "--release", "--reason", "case 7"), 2),
        (("add", LISBON, "x", "--role", "user", "--parent", HUGE), 2),
        (("add", LISBON, "x", "--role", "user", "--if-revision", HUGE), 1),
        (("--db", ".", "list"), 3),
        (("--db", "sqlite:///", "new"), 3),
        (("--db", ":memory:", "new"), 2),
        (("--db", "x" * 300, "new"), 2),
        (("--db", "x" * 300, "doctor"), 2),
        (("--db", "~nobody-of-that-name/x.db", "new"), 3),
        (("import", "nowhere.zip", "nowhere.json"), 3),
        (("config", "set", "color", "blue"), 2),
        (("config", "set", "user", "ana", "--config", "chatlog.db/config.toml"), 3),
        (("stats", "--format", "prometheus", "-o", "nowhere/x.prom"), 3),
        (("erase", "--everything", "--tag", "x", "--yes"), 2),
        (("erase", LISBON, "--everything", "--yes"), 2),
        (("delete", LISBON, "--tag", "x", "--yes"), 2),
        (("redact", LISBON, "--tag", "x", "--yes"), 2),
        (("redact", f"{LISBON}:1", "--yes"), 2),
        (("restore", LISBON, "--tag", "x"), 2),
        (("export", LISBON, "--tag", "x"), 2),
        (("compact", LISBON, "--tag", "x"), 2),
        (("tag", LISBON, "--tag", "x", "+y"), 2),
        (("delete", "--title", "", "--yes"), 2),
        (("erase", "--no-tag", "", "--yes"), 2),
        (("prune", "--project", "", "--yes"), 2),
        (("memory", "set", "editor"), 2),
        (("search", "lisbon", "--in", "body"), 2),
        (("search", "lisbon", "--output", "threads"), 2),
        (("set", f"{LISBON}:1", "--importance", "keep", "--if-revision", "3"), 2),
        (("embed", "--status", "--rebuild"), 2),
        (("import", ""), 2),
        (("import", "", "--watch"), 2),
        (("export", "-o", ""), 2),
        (("db", "backup", ""), 2),
        (("list", "--tag", "+work"), 2),
        (("delete", "--no-tag", "keep,pin", "--yes"), 2),
        (("prune", "--older-than", "0d", "--everything", "--except-tag", "keep,pin", "--yes"), 2),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, tuple) else str(value),
)
def test_a_value_that_cannot_be_is_one_sentence_and_changes_nothing(
    arguments: tuple[str, ...], code: int, trip: Run
) -> None:
    """No such call is a bug, and stdout stays empty."""
    before = everything(trip)
    ran = trip(*arguments)
    assert (code, "") == (ran.code, ran.out)
    assert ran.err.startswith("error: ")
    assert "bug" not in ran.err
    assert before == everything(trip)


@pytest.mark.parametrize("verb", ["delete", "redact"])
def test_the_ref_of_a_message_on_stdin_takes_no_conversation(verb: str, trip: Run) -> None:
    """As on the command line: what finds messages is no list of conversations to lose."""
    before = everything(trip)
    ran = trip(verb, "-", "--yes", stdin=f"{LISBON}:1\n")
    assert (2, "") == (ran.code, ran.out)
    assert f"'{LISBON}:1' is a message" in ran.err
    assert before == everything(trip)


@pytest.mark.parametrize(
    "arguments", [("show", f"{LISBON}:99"), ("show", LISBON, "--around", "99"), ("erase", f"{LISBON}:99")]
)
def test_a_message_that_is_not_there_is_named_with_what_lists_them(arguments: tuple[str, ...], trip: Run) -> None:
    """What the hint says can be typed."""
    assert (
        f"error: conversation {LISBON} has no message 99\n  chatlog show {LISBON} --all-branches lists its messages\n"
        == trip(*arguments).err
    )


def test_a_wrong_form_is_told_the_forms_of_its_verb(trip: Run) -> None:
    """What the hint names works when it is typed."""
    assert "one of: table, text, json, jsonl, ids, csv\n" in trip("list", "--format", "yaml").err
    assert "did you mean prometheus? one of: table, text, json, jsonl, prometheus\n" in (
        trip("stats", "--format", "promethus").err
    )


def test_a_number_is_called_what_people_call_it(trip: Run) -> None:
    """Nobody has to know what an int range is."""
    hint = {name: f"  chatlog {name} --help\n" for name in ("show", "search", "list", "prune")}
    assert f"error: --around takes a whole number\n{hint['show']}" == trip("show", LISBON, "--around", "abc").err
    assert f"error: -n takes a whole number, 1 or more\n{hint['search']}" == trip("search", "-n", "0").err
    for value in ("abc", "-1"):
        said = f"error: --min-messages takes a whole number, 0 or more\n{hint['list']}"
        assert said == trip("list", "--min-messages", value).err
        assert f"error: --max-seconds takes a number, 0 or more\n{hint['prune']}" == (
            trip("prune", "--max-seconds", value).err
        )


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["show"], "chatlog show needs CONV[:SEQ]", "such as: chatlog show @last · chatlog show --help"),
        (
            ["list", "a", "b"],
            "too many words: a b",
            "chatlog list [OPTIONS] · what has blanks needs quotes · chatlog list --help",
        ),
        (
            ["db", "path", "a"],
            "too many words: a",
            "chatlog db path [OPTIONS] · what has blanks needs quotes · chatlog db path --help",
        ),
        (
            ["new", "a " * 99],
            f"too many words: {'a ' * 29}a…",
            "chatlog new [OPTIONS] · what has blanks needs quotes · chatlog new --help",
        ),
        (["list", "-qn"], "-n needs a value", "-n N · chatlog list --help"),
        (["--user"], "--user needs a value", "--user NAME · chatlog --help"),
        (["db", "--user"], "--user needs a value", "--user NAME · chatlog db --help"),
        (["list", "--json=yes"], "--json takes no value", "write --json alone"),
        (["--no-pager=1", "list"], "--no-pager takes no value", "write --no-pager alone"),
        (["--user", "ana"], "say which verb", "chatlog --help lists them"),
        (["db", "-q"], "say which verb", "chatlog db --help lists them"),
        (["--nope"], "there is no option --nope", "did you mean: --no-pager? · chatlog --help"),
        (
            ["search", "--no-verify"],
            "there is no option --no-verify",
            "to search for it: chatlog search -- --no-verify · chatlog search --help",
        ),
    ],
)
def test_a_call_that_is_none_is_told_in_words_of_chatlog(
    arguments: list[str], message: str, hint: str, run: Run
) -> None:
    """With what can be typed, and the same as JSON where that is asked for."""
    ran = run(*arguments)
    assert (2, "", f"error: {message}\n  {hint}\n") == (ran.code, ran.out, ran.err)
    asked = run("--json", *arguments)
    assert (2, "") == (asked.code, asked.out)
    assert {"kind": "usage", "message": message, "hint": hint, "retryable": False} == asked.error


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            ("--min-messages", "5", "--max-messages", "2"),
            "--min-messages is more than --max-messages, and nothing has both",
        ),
        (("--since", "yesterday", "--until", "2d"), "--since is later than --until, and nothing is both"),
    ],
)
@pytest.mark.parametrize(
    "verb",
    [
        "list", "search lisbon", f"similar {LISBON}", "stats", "export --to jsonl", "tag +a", "delete", "prune",
        "policy add p", "redact", "compact", "erase", "restore", "trash",
    ],
)  # fmt: skip
def test_filters_that_contradict_each_other_are_refused(
    verb: str, filters: tuple[str, ...], message: str, trip: Run
) -> None:
    """By all verbs in the same words: that nothing was found would say that there is nothing."""
    ran = trip(*verb.split(), *filters)
    assert (2, "", f"error: {message}\n  swap the two\n") == (ran.code, ran.out, ran.err)


@pytest.mark.parametrize(
    "filters",
    [
        ("--min-messages", "2", "--max-messages", "2"),
        ("--max-messages", "0"),
        ("--since", "2026-01-31T10:00Z", "--until", "2026-01-31T10:00Z"),
        ("--until", "today"),
        ("--since", "2w"),
        ("--min-messages", "1"),
    ],
)
def test_filters_of_one_value_or_one_end_contradict_nothing(filters: tuple[str, ...], trip: Run) -> None:
    """What is as long, or as late, as both say passes, and so does what no other end bounds."""
    assert 0 == trip("list", *filters).code


def test_a_policy_may_be_for_later(trip: Run) -> None:
    """What nothing passes today, but will once it is old enough, is kept as it was typed."""
    assert 0 == trip("policy", "add", "p", "--since", "2026-11-20", "--until", "30d").code
    refused(trip("policy", "add", "q", "--since", "3d", "--until", "4d", "--json"), 2, "usage")


def test_more_messages_than_there_can_be_are_all_of_them(trip: Run) -> None:
    """A number of messages has no upper end, nor one of results."""
    trip("add", "--new", "--role", "user", "Where shall we eat in Lisbon tonight?")
    assert 0 == trip("similar", LISBON, "-n", HUGE).code
    for verb in (("show", LISBON), ("list",), ("trash",)):
        assert trip(*verb, "--json").json == trip(*verb, "-n", HUGE, "--json").json


@pytest.mark.parametrize(
    "arguments",
    [("new", "--ttl", "99999y"), ("set", LISBON, "--ttl", "99999y"), ("memory", "set", "a", "b", "--ttl", "99999y")],
    ids=lambda arguments: arguments[0],
)
def test_a_lifetime_beyond_the_calendar_ends_with_it(arguments: tuple[str, ...], trip: Run) -> None:
    """It is as good as for ever."""
    ran = trip(*arguments, "--json")
    assert (0, True) == (ran.code, '"expires_at":"9999-12-31T23:59:59.999Z"' in ran.out)


def test_an_age_before_the_calendar_takes_nothing(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retention of thousands of years is for ever, for rules and for the trash."""
    trip("delete", LISBON, "--yes")
    monkeypatch.setenv("CHATLOG_TRASH", "99999y")
    for rule in (("--older-than", "5000y"), ("--expired",)):
        found = trip("prune", *rule, "--dry-run", "--json")
        assert (0, 0) == (found.code, found.json["conversations"])
    assert "9999-12-31T23:59:59.999Z" == trip("trash", "--json").json["items"][0]["leaves_at"]


def test_files_that_are_not_there_are_not_found(trip: Run) -> None:
    """Where there is nothing at all to import the call is wrong; one of several is a part that failed."""
    refused(trip("import", "nowhere.zip", "--json"), 3, "not_found")
    Path("one.jsonl").write_text('{"type":"message","conversation":"c","role":"user","text":"hello"}\n')
    assert 4 == trip("import", "nowhere.zip", "one.jsonl").code


def test_id_only_is_the_id_in_any_form(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that asks for an id gets one, whatever form its user has set."""
    monkeypatch.setenv("CHATLOG_FORMAT", "json")
    (line,) = trip("new", "--id-only").lines
    assert (26, 1) == (len(line), len(line.split()))


def test_a_search_of_memories_says_that_it_found_nothing(trip: Run) -> None:
    """As a search of messages does."""
    ran = trip("memory", "search", "anything")
    assert (1, "", "nothing found\n") == (ran.code, ran.out, ran.err)


def test_stdin_that_is_not_utf8_is_named(trip: Run) -> None:
    """With the place of the first byte that is not."""
    ran = trip("show", "-", stdin=b"ab\xff")
    assert (2, True) == (ran.code, "stdin, where ids should come, is not UTF-8 (byte 2)" in ran.err)


def test_an_argument_that_is_not_utf8_is_named(trip: Run) -> None:
    """Bytes of another encoding come as halves of surrogate pairs; a user knows them as not UTF-8."""
    ran = trip("new", "--title", "caf\udce9")
    assert (2, True) == (ran.code, "not UTF-8" in ran.err)


def test_an_empty_word_is_no_conversation(trip: Run) -> None:
    """As a variable that is not set gives it, in quotes."""
    refused(trip("tag", "", "+work", "--json"), 2, "usage")


def test_a_name_that_no_file_can_have_is_not_found(trip: Run) -> None:
    """Too long a name is the caller's, not a bug of ours."""
    refused(trip("db", "backup", "a" * 300, "--json"), 3, "not_found")


# files that are no files


@pytest.mark.skipif(os.name != "posix", reason="there are no pipes with names")
@pytest.mark.parametrize(
    "arguments", [("export", "--force"), ("stats", "--format", "prometheus")], ids=lambda arguments: arguments[0]
)
def test_a_pipe_is_written_into_not_replaced(arguments: tuple[str, ...], trip: Run) -> None:
    """So that -o /dev/null leaves the device where it is, and -o >(gzip) works."""
    os.mkfifo("pipe")
    heard: list[str] = []
    listener = threading.Thread(target=lambda: heard.append(Path("pipe").read_text()), daemon=True)
    listener.start()
    assert 0 == trip(*arguments, "-o", "pipe").code
    listener.join(10)
    assert heard[0]
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_a_config_file_stays_the_link_and_as_private_as_it_was(trip: Run) -> None:
    """Dotfiles are links into a repository, and a config file may name what is nobody's business."""
    real = Path("dotfiles.toml")
    real.write_text("# mine\n")
    real.chmod(0o600)
    Path("config.toml").symlink_to(real)
    assert 0 == trip("config", "set", "color", "never", "--config", "config.toml").code
    assert Path("config.toml").is_symlink()
    assert ('# mine\ncolor = "never"\n', 0o600) == (real.read_text(), stat.S_IMODE(real.stat().st_mode))


def test_the_version_is_printed_from_a_source_tree_too() -> None:
    """Also where chatlog is not installed."""
    ran = process("--version")
    assert (0, b"") == (ran.returncode, ran.stderr)
    assert ran.stdout.startswith(b"chatlog ")
