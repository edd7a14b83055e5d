"""`chatlog config`, and where a setting's value comes from: default < file < environment < flag."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.conftest import Run

from .helpers import refused


def setting(run: Run, *arguments: str) -> tuple[str, str]:
    found = run("config", "get", *arguments, "--json").json["setting"]
    return found["value"], found["origin"]


def test_a_setting_comes_from_the_nearest_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default holds until the file says otherwise, the environment wins over it, and a flag over all."""
    assert ("local", "default") == setting(run, "user")
    run("config", "set", "user", "filed")
    assert ("filed", "file") == setting(run, "user")
    monkeypatch.setenv("CHATLOG_USER", "from-env")
    assert ("from-env", "environment") == setting(run, "user")
    assert ("typed", "flag") == setting(run, "user", "--user", "typed")


def test_settings_are_used(run: Run) -> None:
    """A user and a form that were set hold for the next commands, and a flag still wins."""
    run("config", "set", "user", "ana")
    run("config", "set", "format", "json")
    made = run("new", "--title", "Hers").json["conversation"]
    assert "ana" == made["user"]
    assert f"{made['id']}\n" == run("list", "--format", "ids").out


def test_a_form_of_the_settings_is_let_be_where_a_verb_does_not_have_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CHATLOG_FORMAT=csv makes lists tables; a verb that has no rows prints what it always prints."""
    monkeypatch.setenv("CHATLOG_FORMAT", "csv")
    made = run("new", "--title", "A")
    assert (0, 26) == (made.code, len(made.out.strip()))
    assert "id,updated,source,msgs,tokens,tags,title" == run("list").lines[0]


def test_all_settings_are_listed_with_their_origin(run: Run) -> None:
    """Name, value, where from, and what it does."""
    rows = [line.split("\t") for line in run("config", "list", "--user", "zoe").lines]
    assert {4} == {len(row) for row in rows}
    values = {name: (value, origin) for name, value, origin, _ in rows}
    assert {"db", "user", "format", "budget", "summarizer", "color", "pager", "synchronous"} <= {*values}
    assert ("zoe", "flag") == values["user"]
    assert ("chatlog.db", "environment") == values["db"]
    assert ("FULL", "default") == values["synchronous"]


def test_a_file_in_the_home_folder(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell expands the ~ of --config=~/c.toml, nor one in a variable."""
    (tmp_path / "c.toml").write_text("user = 'ana'\n", "utf-8")
    assert "ana\n" == run("--config=~/c.toml", "config", "get", "user").out
    monkeypatch.setenv("CHATLOG_CONFIG", "~/c.toml")
    assert "ana\n" == run("config", "get", "user").out


def test_the_file_is_where_path_says(run: Run, tmp_path: Path) -> None:
    """`config path` names the file that `config set` writes; --config and CHATLOG_CONFIG name another."""
    where = run("config", "path").out.strip()
    assert run("config", "path", "--json").json["path"] == {"path": where, "exists": False}
    run("config", "set", "user", "ana")
    assert 'user = "ana"\n' == Path(where).read_text()
    run("config", "set", "user", "bob", "--config", "other.toml")
    assert 'user = "bob"\n' == (tmp_path / "other.toml").read_text()
    assert ("bob", "file") == setting(run, "user", "--config", "other.toml")


def test_wrong_settings_do_not_hide_what_went_wrong(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error is told as it is, with its own code, where the settings cannot say how."""
    monkeypatch.setenv("CHATLOG_FORMAT", "yaml")
    ran = run("list")
    assert (3, True) == (ran.code, ran.err.startswith("error: there is no history yet"))


def test_no_room_for_a_config_file_can_be_tried_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is told from a place that cannot be written to."""

    def full(path: object, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("chatlog.config.replace_text", full)
    ran = run("config", "set", "user", "ana", "--config", "c.toml", "--json")
    assert (7, "storage_full", True) == (ran.code, ran.error["kind"], ran.error["retryable"])


def test_a_named_file_is_one_of_the_environment_too(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CHATLOG_CONFIG is used where --config is not typed."""
    (tmp_path / "mine.toml").write_text("user = 'eve'\n")
    monkeypatch.setenv("CHATLOG_CONFIG", "mine.toml")
    assert ("eve", "file") == setting(run, "user")


def test_comments_in_the_file_survive(run: Run, tmp_path: Path) -> None:
    """Setting one value leaves what people wrote around it."""
    (tmp_path / "c.toml").write_text("# mine\nuser = 'ana'  # me\ncolor = 'never'\n")
    run("config", "set", "color", "always", "--config", "c.toml")
    assert "# mine\nuser = 'ana'  # me\ncolor = \"always\"\n" == (tmp_path / "c.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("config", "set", "colour", "always"), 2, "usage"),
        (("config", "set", "summarizer", "http://me:secret@localhost/v1#m"), 2, "usage"),
        (("config", "set", "color", "sometimes"), 2, "usage"),
        (("config", "get", "colour"), 2, "usage"),
        (("list", "--config", "missing.toml"), 3, "not_found"),
    ],
)
def test_a_wrong_setting_is_refused(arguments: tuple[str, ...], code: int, kind: str, run: Run, tmp_path: Path) -> None:
    """Nothing is written, and the choices are named."""
    refused(run(*arguments, "--json"), code, kind)
    assert [] == [*tmp_path.iterdir()]


def test_a_value_is_text(run: Run, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are not written; what is not ASCII is."""
    refused(run("config", "set", "pager", "\udcff", "--json"), 2, "usage")
    assert [] == [*tmp_path.iterdir()]
    assert ["überless"] == [run("config", "set", "pager", "überless"), *run("config", "get", "pager").lines][1:]


def test_a_file_that_is_not_toml_is_named(run: Run, tmp_path: Path) -> None:
    """The place of the mistake is said, not what is written there."""
    (tmp_path / "bad.toml").write_text("user = SECRETWORD\n")
    ran = run("list", "--config", "bad.toml")
    assert (2, "") == (ran.code, ran.out)
    assert "bad.toml is not a valid config file" in ran.err
    assert "SECRETWORD" not in ran.err


def test_a_file_that_nests_without_end_is_named(run: Run, tmp_path: Path) -> None:
    """It is refused as one that is not TOML is."""
    (tmp_path / "deep.toml").write_text(f"user = {'[' * 100_000}")
    ran = run("list", "--config", "deep.toml")
    assert (2, True) == (ran.code, "deep.toml is not a valid config file" in ran.err)


def test_a_value_the_file_may_not_hold_can_be_mended(run: Run, tmp_path: Path) -> None:
    """A bad value in the file is refused by the verbs, and `config set` still replaces it."""
    (tmp_path / "c.toml").write_text("format = 'papyrus'\n")
    ran = run("config", "list", "--config", "c.toml")
    assert 2 == ran.code
    assert "'papyrus' is not a value of format (from the file)" in ran.err
    assert 0 == run("config", "set", "format", "text", "--config", "c.toml").code
    assert 0 == run("config", "list", "--config", "c.toml").code


@pytest.mark.parametrize("text", ["user = SECRETWORD", "format = 'papyrus'"])
def test_the_place_of_a_broken_file_is_told(text: str, run: Run, tmp_path: Path) -> None:
    """An editor is opened on it to mend it."""
    (tmp_path / "bad.toml").write_text(f"{text}\n")
    ran = run("config", "path", "--config", "bad.toml")
    assert (0, "bad.toml\n", "") == (ran.code, ran.out, ran.err)


def test_a_name_that_means_nothing_is_named(run: Run, tmp_path: Path) -> None:
    """A table or setting that is misspelt in the file would be without effect, and nobody would know."""
    (tmp_path / "c.toml").write_text("user = 'ana'\n[polices.old]\nolder_than = '1y'\n[redact.patterns]\n")
    ran = run("config", "list", "--config", "c.toml")
    assert 0 == ran.code
    assert "warning: 'polices' in the config file means nothing\ndid you mean: policies?" in ran.err.replace("  ", "")
    assert "redact" not in ran.err


@pytest.mark.parametrize(
    ("name", "value"),
    [("ttl", "bogus"), ("trash", "soon"), ("budget", "abc"), ("budget", "0"), ("embedder", "nope"), ("user", "a\x01b")],
)
def test_what_the_verbs_would_refuse_cannot_be_set(run: Run, name: str, value: str) -> None:
    """Who sets a value hears that it means nothing, not whoever runs the verb that needs it."""
    assert 2 == run("config", "set", name, value).code
    assert value not in run("config", "get", name).lines


@pytest.mark.parametrize(
    ("variable", "arguments", "message"),
    [
        ("CHATLOG_TTL", ("new",), "ttl: 'noon' is not a span of time (from the environment)"),
        ("CHATLOG_TRASH", ("prune", "--policies"), "trash: 'noon' is not a span of time (from the environment)"),
        ("CHATLOG_TRASH", ("trash",), "trash: 'noon' is not a span of time (from the environment)"),
        ("CHATLOG_TTL", ("config", "set", "ttl", "noon"), "ttl: 'noon' is not a span of time"),
    ],
)
def test_a_setting_that_is_no_span_is_named(
    variable: str, arguments: tuple[str, ...], message: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever set it long ago would not know what noon is meant; a verb that does not need it is not stopped."""
    run("add", "--new", "--role", "user", "hello")
    monkeypatch.setenv(variable, "noon")
    ran = run(*arguments)
    assert (2, "", f"error: {message}\n  write 90d, 2w, 3mo, 1y, 12h, 30m\n") == (ran.code, ran.out, ran.err)
    assert 0 == run("list").code


@pytest.mark.parametrize(
    ("name", "value"),
    [("ttl", "30d"), ("ttl", ""), ("trash", "0d"), ("budget", ""), ("budget", "8000"), ("embedder", "none"),
     ("embedder", "http://127.0.0.1:1/v1#m"), ("embedder", "command:cat")],
)  # fmt: skip
def test_what_they_take_can_be_set(run: Run, name: str, value: str) -> None:
    """Every form of a value that a verb understands is taken."""
    assert 0 == run("config", "set", name, value).code
    assert [value] == run("config", "get", name).lines
