"""Tests of the settings: default < file < environment < flag, and a file whose comments survive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chatlog.config import BY_NAME, SETTINGS, Settings, default_database, read, settled, write
from chatlog.errors import NotFoundError, UsageError


def settings(
    path: Path | None = None,
    flags: Mapping[str, str | None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    return Settings(flags or {}, environment or {}, path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('# mine\nuser = "file"  # me\nformat = "json"\n')
    return path


# which value wins


def test_a_setting_has_a_default(tmp_path: Path) -> None:
    """Where nobody says anything the table's default holds, and is called that."""
    (tmp_path / "empty.toml").touch()
    value = settings(tmp_path / "empty.toml").value("user")
    assert ("local", "default") == (value.value, value.origin)


def test_the_file_beats_the_default(file: Path) -> None:
    """A value in the config file is used."""
    assert ("file", "file") == (settings(file).get("user"), settings(file).value("user").origin)


def test_the_environment_beats_the_file(file: Path) -> None:
    """A variable is used before the file, also an empty one."""
    found = settings(file, environment={"CHATLOG_USER": "variable", "CHATLOG_FORMAT": ""})
    assert ("variable", "environment") == (found.get("user"), found.value("user").origin)
    assert "" == found.get("format")


def test_a_flag_beats_everything(file: Path) -> None:
    """What was typed wins."""
    found = settings(file, {"user": "flag"}, {"CHATLOG_USER": "variable"})
    assert ("flag", "flag") == (found.get("user"), found.value("user").origin)


def test_a_flag_wins_only_when_typed(file: Path) -> None:
    """A flag that was not typed is None and hides nothing."""
    assert "file" == settings(file, {"user": None}).get("user")


def test_our_own_variable_beats_a_common_one() -> None:
    """CHATLOG_PAGER is asked before PAGER."""
    both = settings(environment={"PAGER": "more", "CHATLOG_PAGER": "less"})
    assert ("less", "more") == (both.get("pager"), settings(environment={"PAGER": "more"}).get("pager"))


def test_an_unknown_setting_is_refused() -> None:
    """The error names what there is."""
    with pytest.raises(UsageError, match="there is no setting 'colour'") as caught:
        settings().get("colour")
    assert all(name in caught.value.hint for name in BY_NAME)


@pytest.mark.parametrize(
    ("flags", "environment", "origin"),
    [({"color": "blue"}, {}, ""), ({}, {"CHATLOG_COLOR": "blue"}, " (from the environment)")],
)
def test_a_value_that_cannot_be_is_refused(flags: dict[str, str], environment: dict[str, str], origin: str) -> None:
    """The error says which value, of which setting, from where unless it was just typed, and what it may be."""
    with pytest.raises(UsageError) as caught:
        settings(flags=flags, environment=environment).get("color")
    assert f"'blue' is not a value of color{origin}" == caught.value.message
    assert "one of: auto, always, never" == caught.value.hint


@pytest.mark.parametrize("name", ["user", "trash", "embedder"])
def test_what_must_be_something_is_not_empty(name: str) -> None:
    """A script's variable that was not set is no user, and no time in the trash."""
    with pytest.raises(UsageError, match=f"^{name} is empty \\(from the environment\\)$") as caught:
        settings(environment={f"CHATLOG_{name.upper()}": " "}).get(name)
    assert f"the default is {BY_NAME[name].default}" == caught.value.hint


def test_every_setting_is_documented_and_its_default_allowed() -> None:
    """The table has a sentence and a variable for each, and a default among its choices."""
    assert [] == [each.name for each in SETTINGS if not each.sentence or not each.variables]
    assert [] == [each.name for each in SETTINGS if each.choices and each.default not in each.choices]


# the database


def test_the_database_is_in_the_data_folder_unless_named() -> None:
    """The default is known as such, so that its folder can be made; a named one is taken as it is."""
    assert (str(default_database()), True) == settings().database()
    assert ("x.db", False) == settings(environment={"CHATLOG_DB": "x.db"}).database()


# the file


def test_the_environment_may_name_the_file(file: Path) -> None:
    """CHATLOG_CONFIG says which file is read."""
    assert "file" == settings(environment={"CHATLOG_CONFIG": str(file)}).get("user")


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """A file that was asked for by name is not silently missing; the default one may be."""
    with pytest.raises(NotFoundError, match="there is no config file"):
        settings(tmp_path / "none.toml").get("user")
    assert {} == read(tmp_path / "none.toml")


def test_the_file_is_read_only_when_needed(file: Path) -> None:
    """A flag that decides needs no file."""
    found = settings(file.with_name("none.toml"), {"user": "flag"})
    assert "flag" == found.get("user")


@pytest.mark.parametrize("content", [b"= x", b"user = ", b"\xff\xfe", b'user = "a"\nuser = "b"'])
def test_a_file_that_is_not_toml_is_refused_by_name(file: Path, content: bytes) -> None:
    """A broken file is a usage error that names it."""
    file.write_bytes(content)
    with pytest.raises(UsageError, match=f"{file} is not a valid config file"):
        settings(file).get("user")


def test_a_value_that_is_no_string_is_taken_as_text(file: Path) -> None:
    """`user = 7` is the user "7"."""
    file.write_text("user = 7\n")
    assert "7" == settings(file).get("user")


def test_writing_keeps_the_other_lines_and_comments(file: Path) -> None:
    """One value changes; comments, order and other values stay."""
    write(file, "user", "ana")
    assert '# mine\nuser = "ana"  # me\nformat = "json"\n' == file.read_text()


def test_writing_makes_the_file_and_its_folder(tmp_path: Path) -> None:
    """The first `config set` of a user has nothing to build on."""
    path = tmp_path / "deep" / "er" / "config.toml"
    write(path, "color", "never")
    assert "never" == settings(path).get("color")
    assert [path] == list(path.parent.iterdir())


@pytest.mark.parametrize(("name", "value"), [("colour", "never"), ("color", "blue"), ("synchronous", "OFF")])
def test_what_cannot_be_is_not_written(file: Path, name: str, value: str) -> None:
    """An unknown setting or value leaves the file as it was."""
    before = file.read_bytes()
    with pytest.raises(UsageError):
        write(file, name, value)
    assert before == file.read_bytes()


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("db", "x.db", "/folder/x.db"),
        ("key_file", "../keys/k", "/keys/k"),
        ("db", "/x.db", "/x.db"),
        ("db", "~/x.db", "~/x.db"),
        ("db", "sqlite:x.db", "sqlite:x.db"),
        ("db", "sqlite:///x.db", "sqlite:///x.db"),
        ("db", "https://x.db", "https://x.db"),
        ("db", "", ""),
        ("pager", "less", "less"),
    ],
)
def test_a_path_holds_from_any_folder(name: str, value: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What starts in this folder is told from the root; a home, a URL and what is no path stay as they are."""
    monkeypatch.setattr("os.getcwd", lambda: "/folder")
    assert kept == settled(name, value)


@pytest.mark.parametrize("redact", [{"patterns": []}, [], "x"], ids=str)
def test_patterns_are_a_table(redact: Any) -> None:
    """What stands in their place is refused, not passed over: who wrote it thinks that it is redacted."""
    mine = settings(Path("c.toml"))
    mine._file = {"redact": redact}
    with pytest.raises(UsageError, match=r"^\[redact.patterns\] of c.toml is not a table$"):
        mine.patterns()


@pytest.mark.parametrize("content", [b"= x", b"\xff\xfe"])
def test_writing_to_a_file_that_is_not_toml_is_refused(file: Path, content: bytes) -> None:
    """A broken file is a usage error, and stays as it is for its owner to mend."""
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is not a valid config file"):
        write(file, "user", "ana")
    assert content == file.read_bytes()
