"""Tests of where local tools keep their sessions: every location has a form that can be found, and is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatlog import formats
from chatlog.discovery import Found, discover, locations

#: Formats that are exports of a web service or a data set: nothing on a computer writes them by itself.
EXPORTS = {
    "chat_exporter", "chatbotui", "chatgpt", "chatlog", "cherry_studio", "claude_ai", "deepseek", "entire",
    "gemini_takeout", "google_aistudio", "grok", "grok_x", "langchain", "librechat", "lobechat", "ms_copilot",
    "nextchat", "oasst", "openai_messages", "sharegpt",
}  # fmt: skip


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"{}")
    return path


def concrete(pattern: str, home: Path, environment: dict[str, str]) -> Path:
    """Return a path that a pattern should match."""
    for name, value in environment.items():
        pattern = pattern.replace(f"${name}", value)
    return Path(pattern.replace("~", str(home)).replace("**", "2026/11").replace("*", "x"))


def test_every_local_tool_says_where_its_sessions_are() -> None:
    """Each reader but those of exports has locations, each below the home or a variable."""
    assert EXPORTS == {name for name in formats.READERS if not locations(name)}
    for name in set(formats.READERS) - EXPORTS:
        assert all(pattern.startswith(("~/", "$")) for pattern in locations(name)), name


@pytest.mark.parametrize("name", sorted(set(formats.READERS) - EXPORTS))
def test_every_location_is_found(name: str, tmp_path: Path) -> None:
    """A file that stands where a pattern says is found, by that tool, in the folder before the first wildcard."""
    environment = {
        variable: str(tmp_path / variable)
        for pattern in locations(name)
        for variable in ([pattern[1:].partition("/")[0]] if pattern.startswith("$") else [])
    }
    for pattern in locations(name):
        path = touch(concrete(pattern, tmp_path, environment))
        found = discover(tmp_path, environment, [name])
        assert str(path) in {file for one in found for file in one.files}, pattern
        assert {name} == {one.format for one in found}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("copilot", "COPILOT_HOME/session-state/s1/events.jsonl"),
        ("gemini_cli", "GEMINI_CLI_HOME/.gemini/tmp/abc/chats/session-1.json"),
        ("goose", "GOOSE_PATH_ROOT/data/sessions/sessions.db"),
        ("goose", "XDG_DATA_HOME/goose/sessions/20250301_101500.jsonl"),
    ],
)
def test_a_tool_that_a_variable_moved_is_found(name: str, path: str, tmp_path: Path) -> None:
    """Where the tool itself looks when the variable is set."""
    file = touch(tmp_path / path)
    variable = path.partition("/")[0]
    (found,) = discover(tmp_path / "home", {variable: str(tmp_path / variable)}, [name])
    assert (str(file),) == found.files


def test_each_file_is_found_once(tmp_path: Path) -> None:
    """A folder that a variable names too, or a link to it, does not count twice; files in order of their names."""
    projects = tmp_path / ".claude" / "projects"
    files = (touch(projects / "-a" / "1.jsonl"), touch(projects / "-a" / "1" / "subagents" / "agent-2.jsonl"))
    touch(projects / "-a" / "notes.txt")
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "claude").symlink_to(tmp_path / ".claude")
    found = discover(tmp_path, {"CLAUDE_CONFIG_DIR": str(tmp_path / ".claude"), "CODEX_HOME": ""})
    assert [Found("claude_code", str(projects), tuple(map(str, files)))] == found


def test_what_is_not_there_or_may_not_be_read_is_nothing(tmp_path: Path) -> None:
    """No home, an unset variable, a file where a folder should be: nothing is found and nothing fails."""
    touch(tmp_path / ".claude")
    touch(tmp_path / ".copilot" / "session-state")
    assert [] == discover(tmp_path, {})
    assert [] == discover(tmp_path / "nowhere", {"CODEX_HOME": ""})


def test_wildcards_in_the_name_of_the_home_are_only_its_name(tmp_path: Path) -> None:
    """A home called [x]* is that folder, and a link that leads back to it is not walked for ever."""
    home = tmp_path / "[x]*"
    file = touch(home / ".codex" / "sessions" / "2026" / "rollout-1.jsonl")
    (home / ".codex" / "sessions" / "again").symlink_to(home)
    assert [(str(file),)] == [one.files for one in discover(home, {})]
