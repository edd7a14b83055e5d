"""What scripts may rely on in every verb: forms, envelope, errors, exit codes, where options stand, stdin."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import chatlog
from chatlog import ConversationDraft, errors
from chatlog.store.memories import MemoryDraft
from tests.conftest import NOW, Run

from .helpers import CONVERSATION, DATABASE, ENVELOPE, ERROR, LISBON, MESSAGE, RESULT, everything, fixed_ids, refused

THIRD = f"third{'d' * 21}"
LISTS = ("text", "json", "jsonl", "ids", "csv")
THINGS = ("text", "json", "jsonl")
IDENTIFIED = ("text", "json", "jsonl", "ids")
FORMS = ("table", "text", "json", "jsonl", "ids", "csv", "markdown", "prometheus")

#: Each verb, and the forms it can be printed in beside the table; `import` and `add` read stdin.
VERBS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("list",): LISTS,
    ("tags",): LISTS,
    ("search", "lisbon"): LISTS,
    ("config", "list"): LISTS,
    ("show", LISBON): (*IDENTIFIED, "markdown"),
    ("new", "--title", "Third"): IDENTIFIED,
    ("add", LISBON, "--role", "user", "And the bill?"): IDENTIFIED,
    ("set", LISBON, "--pin"): IDENTIFIED,
    ("fork", LISBON): IDENTIFIED,
    ("tag", LISBON, "+food"): THINGS,
    ("state", LISBON, "set", '{"step": 1}'): THINGS,
    ("state", LISBON, "get"): THINGS,
    ("import", "-"): THINGS,
    ("doctor",): THINGS,
    ("db", "path"): THINGS,
    ("db", "info"): THINGS,
    ("db", "migrate"): THINGS,
    ("db", "backup"): THINGS,
    ("config", "get", "user"): THINGS,
    ("config", "set", "user", "local"): THINGS,
    ("config", "path"): THINGS,
    ("embed", "--status"): THINGS,
    ("compact", LISBON): LISTS,
    ("redact", LISBON, "--pattern", "sardines", "--yes"): LISTS,
    ("delete", LISBON, "--yes"): LISTS,
    ("restore", THIRD): IDENTIFIED,
    ("trash",): LISTS,
    ("prune", "--everything", "--yes"): LISTS,
    ("policy", "add", "young", "--older-than", "1d"): IDENTIFIED,
    ("policy", "list"): LISTS,
    ("policy", "show"): LISTS,
    ("policy", "remove", "old"): IDENTIFIED,
    ("hold", LISBON, "--reason", "case 1"): IDENTIFIED,
    ("erase", LISBON, "--yes"): LISTS,
    ("audit",): LISTS,
    ("memory", "set", "diet", "none"): IDENTIFIED,
    ("memory", "get", "editor"): IDENTIFIED,
    ("memory", "list"): LISTS,
    ("memory", "search", "vim"): LISTS,
    ("memory", "delete", "editor", "--yes"): THINGS,
    ("db", "vacuum"): THINGS,
    ("stats",): (*THINGS, "prometheus"),
}
MESSAGES = '{"type": "message", "conversation": "c", "role": "user", "text": "hello"}\n'


@pytest.fixture(scope="session")
def full(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with something of every kind: beside the two conversations one in the trash, a memory, a policy."""
    path = shutil.copy(written, tmp_path_factory.mktemp("full") / "chatlog.db")
    with pytest.MonkeyPatch.context() as patch, chatlog.open(path, clock=lambda: NOW) as store:
        fixed_ids(patch, THIRD)
        store.delete([store.new(ConversationDraft(title="Porto")).id])
        store.memories.set(MemoryDraft(key="editor", value="vim"))
        store.forgetting.add_policy("old", {"older_than": "0d", "tags": ["travel"]})
    return path


@pytest.fixture
def stocked(run: Run, full: Path, tmp_path: Path) -> Run:
    """The command line, with something of every kind in its database."""
    shutil.copy(full, tmp_path / "chatlog.db")
    return run


def by_form(chosen: bool) -> list[tuple[tuple[str, ...], str]]:
    return [(verb, form) for verb, has in VERBS.items() for form in FORMS[1:] if (form in has) == chosen]


def name(case: object) -> str:
    if isinstance(case, tuple):
        return "-".join(word for word in case if word.isalpha())
    return "keys" if isinstance(case, set) else str(case)


@pytest.mark.parametrize(("verb", "form"), by_form(chosen=True), ids=name)
def test_every_verb_prints_every_form_it_has(verb: tuple[str, ...], form: str, stocked: Run) -> None:
    """Each form has its shape: an object with the version first, an object a line, one id a line, or text."""
    ran = stocked(*verb, "--format", form, stdin=MESSAGES)
    assert 0 == ran.code, ran.err
    assert ran.out.endswith("\n")
    if form == "json":
        assert 1 == len(ran.lines)
        assert ("schema_version", 1) == next(iter(ran.json.items()))
    elif form == "jsonl":
        assert all(isinstance(json.loads(line), dict) for line in ran.lines)
        assert not any("schema_version" in json.loads(line) for line in ran.lines)
    elif form == "ids":
        assert all(len(line.split()) == 1 for line in ran.lines)


@pytest.mark.parametrize(("verb", "form"), by_form(chosen=False), ids=name)
def test_a_form_that_a_verb_does_not_have_is_refused_before_anything_is_written(
    verb: tuple[str, ...], form: str, stocked: Run
) -> None:
    """Exit code 2 means that nothing happened, so that a script may correct itself and try again."""
    before = everything(stocked)
    ran = stocked(*verb, "--format", form, stdin=MESSAGES)
    assert (2, "") == (ran.code, ran.out)
    assert "error: " in ran.err
    assert before == everything(stocked)


@pytest.mark.parametrize("verb", [("list",), ("tags",), ("search", "lisbon"), ("config", "list")], ids=name)
def test_a_list_has_an_envelope(verb: tuple[str, ...], trip: Run) -> None:
    """A list in JSON is an envelope: items, total, next_cursor and warnings beside the version."""
    found = trip(*verb, "--json").json
    assert set() == ENVELOPE - set(found)
    assert isinstance(found["items"], list)
    assert [] == found["warnings"]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb[0] in ("list", "tags", "search", "config")], ids=name)
def test_jsonl_holds_the_items_of_json(verb: tuple[str, ...], trip: Run) -> None:
    """One line of jsonl is one item of json, in the same order; one thing is that which stands under its noun."""
    whole = trip(*verb, "--json").json
    items = whole["items"] if "items" in whole else [whole["setting"] if "setting" in whole else whole["path"]]
    lines = [json.loads(line) for line in trip(*verb, "--format", "jsonl").lines]
    for item in (*items, *lines):  # `config list` says in which form it was asked for
        if item.get("name") == "format":
            del item["value"]
    assert items == lines


@pytest.mark.parametrize(
    ("arguments", "noun", "keys"),
    [
        (("new", "--title", "A"), "conversation", CONVERSATION),
        (("set", LISBON, "--pin"), "conversation", CONVERSATION),
        (("fork", LISBON), "conversation", CONVERSATION),
        (("add", LISBON, "--role", "user", "x"), "message", MESSAGE),
        (("tag", LISBON, "+a"), "tag", {"conversations", "changed", "added", "removed"}),
        (("state", LISBON, "get"), "state", set()),
        (("db", "path"), "path", {"path", "exists"}),
        (("db", "info"), "db", {"path", "bytes", "schema", "sqlite", "conversations", "messages"}),
        (("db", "backup"), "backup", {"path", "bytes"}),
        (("db", "migrate"), "migration", {"schema", "backup"}),
        (("config", "get", "user"), "setting", {"name", "value", "origin"}),
        (("config", "path"), "path", {"path", "exists"}),
    ],
    ids=name,
)
def test_one_thing_stands_under_its_own_noun(arguments: tuple[str, ...], noun: str, keys: set[str], trip: Run) -> None:
    """A verb that returns one thing puts it under its noun, with the keys that CLI.md names."""
    found = trip(*arguments, "--json").json
    assert set() == keys - set(found[noun])


def test_the_keys_of_lists(trip: Run) -> None:
    """The items of list, search and show have the keys that CLI.md names."""
    shown, found = trip("show", LISBON, "--json").json, trip("search", "sardines", "-C", "1", "--json").json
    assert [set()] * 2 == [CONVERSATION - set(item) for item in trip("list", "--json").json["items"]]
    assert set() == CONVERSATION - set(shown["conversation"])
    assert [set()] * 2 == [MESSAGE - set(item) for item in shown["messages"]]
    assert [set()] == [RESULT - set(item) for item in found["items"]]
    assert set() == MESSAGE - set(found["items"][0]["before"][0])
    assert ("hybrid", "exact", []) == (found["mode"], found["tier"], found["dropped_terms"])


def test_the_keys_of_doctor_and_import(trip: Run) -> None:
    """What doctor found is ok and checks; what import did is files with their counts and errors, and the total."""
    health, report = trip("doctor", "--json").json, trip("import", "-", "--json", stdin=MESSAGES).json
    assert health["ok"] is True
    assert {frozenset(("name", "ok", "detail", "mend"))} == {frozenset(check) for check in health["checks"]}
    counts = {"conversations", "messages", "new", "updated", "unchanged", "skipped"}
    assert set() == {"path", "format", "errors", *counts} - set(report["files"][0])
    assert set() == {"files", "errors", *counts} - set(report["total"])
    assert (1, 1, 1) == tuple(report["total"][key] for key in ("conversations", "messages", "new"))


# where options stand


@pytest.mark.parametrize(
    "arguments", [("--json", "list"), ("list", "--json"), ("--format", "json", "list"), ("list", "--format=json")]
)
def test_global_options_stand_before_or_after_the_verb(arguments: tuple[str, ...], trip: Run) -> None:
    """--json and --format json mean the same, wherever they stand."""
    assert [LISBON, DATABASE] == [item["id"] for item in trip(*arguments).json["items"]]


def test_user_and_db_may_stand_after_the_verb(trip: Run) -> None:
    """--user and --db choose whose history and which file, before and after the verb."""
    trip("--user", "zoe", "new", "--title", "Hers")
    trip("new", "--title", "Elsewhere", "--db", "other.db")
    assert ["Hers"] == [item["title"] for item in trip("list", "--user", "zoe", "--json").json["items"]]
    assert ["Elsewhere"] == [item["title"] for item in trip("--db", "other.db", "list", "--json").json["items"]]
    assert 2 == len(trip("list", "--json").json["items"])


def test_a_group_takes_global_options_too(trip: Run) -> None:
    """`chatlog db info` takes --json before the group, between the two words, and at the end."""
    forms = [("--json", "db", "info"), ("db", "--json", "info"), ("db", "info", "--json")]
    assert [2, 2, 2] == [trip(*arguments).json["db"]["conversations"] for arguments in forms]


# errors and exit codes

FAILURES = [
    (("show", "nope"), 3, "not_found"),
    (("show", f"{LISBON}:99"), 3, "not_found"),
    (("show", LISBON, "--around", "99"), 3, "not_found"),
    (("show", LISBON, "--branch", "99"), 3, "not_found"),
    (("show", "@9"), 3, "not_found"),
    (("show", "@x"), 2, "usage"),
    (("show", ""), 2, "usage"),
    (("show",), 2, "usage"),
    (("list", "--bogus"), 2, "usage"),
    (("list", "--since", "someday"), 2, "usage"),
    (("list", "--sort", "colour"), 2, "usage"),
    (("list", "--cursor", "x"), 2, "usage"),
    (("list", "--role", "nobody"), 2, "usage"),
    (("list", "-n", "many"), 2, "usage"),
    (("list", "--db", "nowhere/x.db"), 3, "no_database"),
    (("list", "--db", "postgres://x"), 2, "usage"),
    (("list", "--user", ""), 2, "usage"),
    (("list", "--config", "missing.toml"), 3, "not_found"),
    (("lst",), 2, "usage"),
    (("db", "nfo"), 2, "usage"),
    (("search", "--mode", "telepathy", "x"), 2, "usage"),
    (("search", "--mode", "regex", "("), 2, "usage"),
    (("search", "--in", "dreams", "x"), 2, "usage"),
    (("add", LISBON, "--role", "user", "a", "b"), 2, "usage"),
    (("add", LISBON, "--role", "nobody", "a"), 2, "usage"),
    (("add", LISBON, "--role", "user", "a", "--if-revision", "1"), 1, "conflict"),
    (("add", LISBON, "--role", "user", "a", "--parent", "99"), 3, "not_found"),
    (("set", LISBON), 2, "usage"),
    (("set", LISBON, "--ttl", "soon"), 2, "usage"),
    (("set", LISBON, "--pin", "--if-revision", "1"), 1, "conflict"),
    (("tag", LISBON), 2, "usage"),
    (("tag", "+a"), 2, "usage"),
    (("state", LISBON, "juggle"), 2, "usage"),
    (("state", LISBON, "set", "[1]"), 2, "usage"),
    (("state", LISBON, "set", "{}", "--if-revision", "1"), 1, "conflict"),
    (("fork", f"{LISBON}:99"), 3, "not_found"),
    (("export", "--to", "papyrus"), 2, "usage"),
    (("export", "nope"), 3, "not_found"),
    (("import",), 2, "usage"),
    (("import", "-", "--from", "papyrus"), 2, "usage"),
    (("config", "get", "colour"), 2, "usage"),
    (("config", "set", "synchronous", "MAYBE"), 2, "usage"),
    (("completion", "tcsh"), 2, "usage"),
    (("help", "everything"), 2, "usage"),
]


@pytest.mark.parametrize(("arguments", "code", "kind"), FAILURES, ids=str)
def test_with_json_an_error_is_json_on_stderr_and_stdout_is_empty(
    arguments: tuple[str, ...], code: int, kind: str, trip: Run
) -> None:
    """A failing call has its exit code and one line of JSON on stderr, and prints no data."""
    refused(trip(*arguments, "--json"), code, kind)


@pytest.mark.parametrize(("arguments", "code", "kind"), FAILURES, ids=str)
def test_without_json_an_error_is_a_sentence_on_stderr(
    arguments: tuple[str, ...], code: int, kind: str, trip: Run
) -> None:
    """The same call says the same for people: a line that begins with error, at most one with a hint, no data."""
    ran = trip(*arguments)
    assert (code, "") == (ran.code, ran.out)
    first, *hint = ran.err.splitlines()
    assert first.startswith("error: ")
    assert len(hint) <= 1
    assert all(line.startswith("  ") for line in hint)


@pytest.mark.parametrize("form", [("--format", "json"), ("--format=json",), ("--format", "jsonl"), ("--json",)])
def test_an_error_is_json_also_where_the_options_could_not_be_read(form: tuple[str, ...], run: Run) -> None:
    """A wrong option after a right one still answers in the form asked for."""
    refused(run("list", *form, "--bogus"), 2, "usage")
    refused(run("list", "--bogus", *form), 2, "usage")


def test_format_json_from_the_environment_makes_errors_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """CHATLOG_FORMAT=json holds for errors as well."""
    monkeypatch.setenv("CHATLOG_FORMAT", "json")
    refused(run("list"), 3, "no_database")


def every_error(kind: type[errors.ChatlogError] = errors.ChatlogError) -> list[type[errors.ChatlogError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in every_error(child))]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_store_has_its_exit_code(
    kind: type[errors.ChatlogError], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong below ends in the exit code of its class and the JSON of its kind."""
    error = kind("abcd", ["abcd1", "abcd2"]) if kind is errors.AmbiguousIdError else kind("it failed", "do this")

    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("chatlog.cli.session.open_store", fail)
    ran = run("list", "--json")
    assert (kind.exit_code, "", {"error": error.record()}) == (ran.code, ran.out, json.loads(ran.err))


def test_the_exit_codes_are_those_of_the_contract() -> None:
    """Each class of failure has the code that `chatlog help exit-codes` prints."""
    codes = {kind.__name__: kind.exit_code for kind in every_error()}
    assert {1, 2, 3, 4, 5, 6, 7, 8} == set(codes.values())
    expected = {"ConflictError": 1, "UsageError": 2, "NotFoundError": 3, "NoDatabaseError": 3, "PartlyDoneError": 4}
    expected |= {"DamagedFileError": 5, "SchemaMismatchError": 6, "WrongKeyError": 6, "BusyError": 7, "BudgetError": 8}
    assert expected == {name: codes[name] for name in expected}


def test_an_interrupted_run_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no success and no traceback."""

    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chatlog.cli.session.open_store", interrupt)
    ran = run("list")
    assert (130, "", "") == (ran.code, ran.out, ran.err)


def test_a_bug_names_its_place_and_nobodys_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is one line with a type and a place; what it carried is not printed."""

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("SECRETWORD")

    monkeypatch.setattr("chatlog.cli.session.open_store", fail)
    ran = run("list")
    assert (1, "") == (ran.code, ran.out)
    assert "RuntimeError at test_contract.py:" in ran.err
    assert "SECRETWORD" not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        *(("list",), ("tags",), ("search", "x"), ("show", "@last"), ("export",), ("doctor",), ("fork", "@last")),
        *(("add", "@last", "--role", "user", "hello"), ("set", "@last", "--pin"), ("tag", "@last", "+a")),
        *(("state", "@last", "get"), ("db", "info"), ("db", "backup"), ("db", "migrate")),
    ],
    ids=name,
)
def test_a_missing_database_is_not_made_by_reading_it(arguments: tuple[str, ...], run: Run, tmp_path: object) -> None:
    """A mistyped --db ends with 3 and leaves no file behind."""
    refused(run("--db", "mistyped.db", *arguments, "--json"), 3, "no_database")
    assert [] == [path.name for path in tmp_path.iterdir()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("lst",), "list"),
        (("serach", "x"), "search"),
        (("frobnicate",), "chatlog --help"),
        (("db", "nfo"), "info"),
        (("list", "--sorted", "x"), "--sort"),
        (("list", "--frobnicate"), "chatlog list --help"),
        (("db", "info", "--frobnicate"), "chatlog db info --help"),
    ],
)
def test_an_unknown_verb_or_option_says_what_was_perhaps_meant(arguments: tuple[str, ...], hint: str, run: Run) -> None:
    """Exit code 2, and the nearest name or where to look."""
    ran = run(*arguments)
    assert 2 == ran.code
    assert hint in ran.err


def test_no_verb_shows_the_help_on_stderr(run: Run) -> None:
    """`chatlog` alone is a usage error that shows the verbs, without calling them an error."""
    ran = run()
    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith("Usage: chatlog")
    assert "search" in ran.err


@pytest.mark.parametrize("spelling", ["--help", "-h"])
def test_help_is_data(spelling: str, run: Run) -> None:
    """Asked for, help is on stdout and the code is 0, for chatlog, for a verb and for one of a group."""
    for verb in ((), ("list",), ("tag",), ("db",), ("db", "info")):
        ran = run(*verb, spelling)
        assert (0, "") == (ran.code, ran.err)
        assert f"Usage: {' '.join(('chatlog', *verb))} " in ran.out


def test_the_command_line_can_be_run_again_in_one_process(trip: Run) -> None:
    """A verb that shares its name with a builtin leaves it to those that come after."""
    for arguments in (("list",), ("set", LISBON, "--pin"), ("help", "list"), ("list",), ("db", "info"), ("--help",)):
        assert (0, "") == (trip(*arguments).code, trip(*arguments).err)


# references and stdin


@pytest.mark.parametrize("ref", [LISBON, "lisbn", "LISB", "@last", "@1", f"{LISBON}:1", "@last:1"])
def test_a_conversation_has_many_names(ref: str, trip: Run) -> None:
    """An id, a prefix of four characters, @last, @1, and a message's reference all name it."""
    assert LISBON == trip("show", ref, "--json").json["conversation"]["id"]


def test_older_ones_have_numbers(trip: Run) -> None:
    """@2 is the most recent but one."""
    assert DATABASE == trip("show", "@2", "--json").json["conversation"]["id"]


def test_an_ambiguous_prefix_lists_the_candidates(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two conversations begin alike, both ids are named and neither is taken."""
    first, second = f"twin{'a' * 22}", f"twin{'b' * 22}"
    monkeypatch.setattr("chatlog.store.sqlite.conversations.new_id", iter([first, second]).__next__)
    run("new")
    run("new")
    ran = run("show", "twin", "--json")
    refused(ran, 2, "ambiguous_id")
    assert all(candidate in ran.error["message"] for candidate in (first, second))
    assert second == run("show", "twinb", "--json").json["conversation"]["id"]


def test_ids_of_a_list_feed_the_next_command(trip: Run) -> None:
    """`--format ids` of list and search is what `show -`, `tag -` and `export -` read."""
    ids = trip("list", "--format", "ids").out
    assert f"{LISBON}\n{DATABASE}\n" == ids
    shown = trip("show", "-", "--json", stdin=ids).json["items"]
    assert [LISBON, DATABASE] == [item["conversation"]["id"] for item in shown]
    refs = trip("search", "sardines", "--format", "ids").out
    assert f"{LISBON}:2\n" == refs
    assert [2] == [message["seq"] for message in trip("show", "-", "--json", stdin=refs).json["messages"]]
    assert 2 == len(trip("export", "-", "--to", "openai", stdin=ids).lines)
    assert 2 == trip("tag", "-", "+seen", "--json", stdin=ids).json["tag"]["changed"]


def test_an_unknown_id_on_stdin_stops_before_anything_is_printed(trip: Run) -> None:
    """A reader never gets half of what it asked for together with an error."""
    refused(trip("show", "-", "--json", stdin=f"{LISBON}\nnope\n"), 3, "not_found")
    refused(trip("export", "-", "--json", stdin=f"{LISBON}\nnope\n"), 3, "not_found")
    refused(trip("show", "-", "--json", stdin="\n"), 2, "usage")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("add", LISBON, "--role", "user"), "the text"),
        (("add", LISBON, "-", "--role", "user"), "the text"),
        (("add", LISBON, "--json"), "the messages"),
        (("new", "--system", "-"), "the system prompt"),
        (("show", "-"), "ids"),
        (("tag", "-", "+a"), "ids"),
        (("export", "-"), "ids"),
        (("import", "-"), "the history"),
        (("search", "-"), "the query"),
        (("search", "--conv", "-", "x"), "ids"),
        (("search", "--batch", "-"), "requests"),
        (("state", LISBON, "set", "-"), "the state"),
    ],
)
def test_a_terminal_is_not_waited_for(arguments: tuple[str, ...], what: str, trip: Run) -> None:
    """Where stdin is needed and is a terminal, that is said at once, with what was expected."""
    ran = trip(*arguments, stdin=None)
    message = json.loads(ran.err)["error"]["message"] if "--json" in arguments else ran.err
    assert (2, "") == (ran.code, ran.out)
    assert f"{what} should come on stdin, but that is a terminal" in message


def test_stdin_that_is_not_utf_8_is_refused_by_place(trip: Run) -> None:
    """Bytes that are no text are not guessed at; the error says where they begin."""
    ran = trip("add", LISBON, "--role", "user", stdin=b"abc\xff")
    assert (2, "") == (ran.code, ran.out)
    assert "not UTF-8 (byte 3)" in ran.err


def test_quiet_leaves_out_hints_but_not_errors(trip: Run) -> None:
    """-q silences narration; a failure is still said."""
    assert "" == trip("search", "nothingofthekind", "-q").err
    assert "error: " in trip("show", "nope", "-q").err


@pytest.mark.parametrize("topic", ["exit-codes", "dates", "filters", "query", "json"])
def test_topics_are_explained(topic: str, run: Run) -> None:
    """Each topic that help names has a page."""
    ran = run("help", topic)
    assert 0 == ran.code
    assert len(ran.lines) > 5
    assert topic in run("help").out


def test_the_version_is_printed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """--version prints the name and the version, and nothing else happens."""
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.2.3")
    ran = run("--version")
    assert (0, "chatlog 1.2.3\n", "") == (ran.code, ran.out, ran.err)


def test_error_keys_are_complete() -> None:
    """The machine form of an error has the four keys of the contract."""
    assert ERROR == set(errors.UsageError("a", "b").record())
