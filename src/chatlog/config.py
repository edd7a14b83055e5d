"""Settings: one table that the config file, the environment, the flags and the docs all read.

default < file < environment < flag, and a flag wins only when it was typed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chatlog.errors import NotFoundError, UsageError, choices_hint, not_written
from chatlog.paths import exists, expanded, replace_text
from chatlog.timespec import duration


class Setting(NamedTuple):
    """A setting: its name, the variables that set it, its default, what it does, what it may be."""

    name: str
    variables: tuple[str, ...]
    default: str
    sentence: str
    choices: tuple[str, ...] = ()
    may_be_empty: bool = True


SETTINGS = (
    Setting("db", ("CHATLOG_DB",), "", "the database file; empty: in the platform's data folder"),
    Setting("user", ("CHATLOG_USER",), "local", "whose conversations these are", may_be_empty=False),
    Setting(
        "format", ("CHATLOG_FORMAT",), "", "how to print; empty: a table on a terminal, text in a pipe",
        ("", "table", "text", "json", "jsonl", "ids", "csv", "markdown", "openai", "anthropic", "gemini", "responses",
         "prometheus"),
    ),
    Setting("budget", ("CHATLOG_BUDGET",), "", "the tokens of a context; empty: by the model's window"),
    Setting(
        "summarizer", ("CHATLOG_SUMMARIZER",), "extractive", "what compact uses: extractive, a command, a URL"
    ),
    Setting("color", ("CHATLOG_COLOR",), "auto", "whether to colour a terminal", ("auto", "always", "never")),
    Setting("pager", ("CHATLOG_PAGER", "PAGER"), "less -FRX", "what shows long text on a terminal; empty: nothing"),
    Setting(
        "plain", ("CHATLOG_PLAIN",), "no",
        "yes: for screen readers: no tables, colours, bars, pager or drawings; every value after its name",
        ("no", "yes", "0", "1"),
    ),
    Setting(
        "trash", ("CHATLOG_TRASH",), "30d", "how long the trash keeps what is in it; 0d: until the next prune",
        may_be_empty=False,
    ),
    Setting("ttl", ("CHATLOG_TTL",), "", "how long a new conversation lives; empty: for ever"),
    Setting(
        "embedder", ("CHATLOG_EMBEDDER",), "wordllama",
        "what turns texts into meanings: wordllama, none, an endpoint as URL#MODEL, or command:PROGRAM",
        may_be_empty=False,
    ),
    Setting(
        "synchronous", ("CHATLOG_SYNCHRONOUS",), "FULL",
        "FULL: a message is on the disk when add returns; NORMAL: quicker, a power cut may lose the last ones",
        ("FULL", "NORMAL"),
    ),
    Setting(
        "telemetry", ("CHATLOG_TELEMETRY",), "no",
        "OpenTelemetry spans and metrics: no, yes, or content: with queries (pip install 'chatlog[otel]')",
        ("no", "yes", "content"),
    ),
    Setting("key_file", ("CHATLOG_KEY_FILE",), "", "a private file (0600) with the key of an encrypted database"),
    Setting("key_command", ("CHATLOG_KEY_COMMAND",), "", "a command that prints the key, as in: pass show chatlog"),
    Setting(
        "keyring", ("CHATLOG_KEYRING",), "no",
        "whether the key is in the system's keyring (pip install 'chatlog[keyring]')",
        ("no", "yes"),
    ),
    Setting("phone_region", ("CHATLOG_PHONE_REGION",), "", "redact telephone numbers of this region too, as in DE"),
)  # fmt: skip
#: The settings that name a file.
PATHS = ("db", "key_file")
#: The settings that are spans of time.
SPANS = ("trash", "ttl")
BY_NAME = {setting.name: setting for setting in SETTINGS}


class Value(NamedTuple):
    """A setting's value and where it comes from: default, file, environment or flag."""

    setting: Setting
    value: str
    origin: str


def _from(found: Value) -> str:
    """Return where to look for a value that somebody did not just type."""
    return "" if found.origin == "flag" else f" (from the {found.origin})"


def _check_span(found: Value) -> None:
    try:
        duration(found.value)
    except UsageError as error:
        raise UsageError(f"{found.setting.name}: {error.message}{_from(found)}", error.hint) from None


def default_path() -> Path:
    """Return where the config file is unless told otherwise."""
    from platformdirs import user_config_path

    return user_config_path("chatlog", appauthor=False) / "config.toml"


#: What the config file holds beside settings, each read where it is used.
TABLES = {"policies", "redact"}


def default_database() -> Path:
    """Return where the database is unless told otherwise."""
    from platformdirs import user_data_path

    return user_data_path("chatlog", appauthor=False) / "chatlog.db"


class Settings:
    """The settings of one run."""

    def __init__(self, flags: Mapping[str, str | None], environment: Mapping[str, str], path: Path | None) -> None:
        self.flags = flags
        self.environment = environment
        self.is_named = path is not None
        self._path = path
        self._file: dict[str, Any] | None = None

    @property
    def path(self) -> Path:
        """Where the config file is, or would be."""
        if self._path is None:
            named = self.environment.get("CHATLOG_CONFIG")
            self._path, self.is_named = (expanded(named), True) if named else (default_path(), False)
        return self._path

    def get(self, name: str) -> str:
        """Return a setting's value.  Raises UsageError for an unknown setting or a value it cannot have."""
        return self.value(name).value

    def value(self, name: str) -> Value:
        """Return a setting's value and its origin."""
        setting = BY_NAME.get(name)
        if setting is None:
            raise UsageError(f"there is no setting '{name}'", choices_hint(name, BY_NAME))
        found = self._found(setting)
        if not found.value.strip() and not setting.may_be_empty:
            raise UsageError(f"{name} is empty{_from(found)}", f"the default is {setting.default}")
        if setting.choices and found.value not in setting.choices:
            choices = ", ".join(choice for choice in setting.choices if choice)
            raise UsageError(f"'{found.value}' is not a value of {name}{_from(found)}", f"one of: {choices}")
        if name in SPANS and found.value:
            _check_span(found)
        return found

    def _found(self, setting: Setting) -> Value:
        flag = self.flags.get(setting.name)
        if flag is not None:
            return Value(setting, flag, "flag")
        for variable in setting.variables:
            if variable in self.environment:
                return Value(setting, self.environment[variable], "environment")
        if setting.name in self.file:
            return Value(setting, str(self.file[setting.name]), "file")
        return Value(setting, setting.default, "default")

    @property
    def file(self) -> dict[str, Any]:
        """What the config file holds; nothing where there is none.  Raises UsageError for one that is not TOML."""
        if self._file is None:
            self._file = read(self.path, required=self.is_named)
        return self._file

    def pass_over_file(self) -> None:
        """Take the settings as if the config file held none."""
        self._file = {}

    def unknown(self) -> list[str]:
        """Return the names in the config file that mean nothing."""
        return sorted(self.file.keys() - BY_NAME.keys() - TABLES)

    def patterns(self) -> dict[str, Any]:
        """Return the config file's own patterns for redaction, by name: its table ``[redact.patterns]``."""
        section = self.file.get("redact", {})
        patterns = section.get("patterns", {}) if isinstance(section, dict) else None
        if not isinstance(patterns, dict):
            raise UsageError(f"[redact.patterns] of {self.path} is not a table", "name = 'regular expression'")
        return patterns

    def database(self) -> tuple[str, bool]:
        """Return the database's path or URL, and whether it is the default one, whose folder we make."""
        named = self.get("db")
        return (named, False) if named else (str(default_database()), True)


def read(path: Path, *, required: bool = False) -> dict[str, Any]:
    """Return the values of a config file.

    Raises UsageError for one that is not TOML, NotFoundError for a `required` one that is not there.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if required:
            raise NotFoundError(f"there is no config file {path}", "chatlog config set makes one") from None
        return {}
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from None
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a valid config file: {error}", "it is TOML: name = 'value'") from None


def settled(name: str, value: str) -> str:
    """Return a value as it holds from any folder: a path that starts in this one is told from the root."""
    is_path = name in PATHS and value and not value.startswith(("~", "sqlite:")) and "://" not in value
    return os.path.abspath(value) if is_path else value  # noqa: PTH100  as Path does, and `..` gone too


def write(path: Path, name: str, value: str) -> None:
    """Set one value in the config file, its other lines and comments untouched.

    Raises UsageError for an unknown setting or a value it cannot have.
    """
    Settings({name: value}, {}, path).value(name)
    if not value.isascii() and value != value.encode("utf-8", "replace").decode("utf-8"):
        raise UsageError(f"the value of {name} is not UTF-8")
    import tomlkit

    read(path)  # refuses a file that is not TOML
    document = tomlkit.parse(path.read_text("utf-8")) if exists(path) else tomlkit.document()
    document[name] = value
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, tomlkit.dumps(document))
    except OSError as error:
        raise not_written(error, path) from None
