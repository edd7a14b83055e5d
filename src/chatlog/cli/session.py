"""What every command is given: settings, output, clock, input and the store, each made on first use.

Front ends alone read configuration, environment, clock and terminal; this is where they do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from chatlog import timespec
from chatlog.cli.zone import SystemZone
from chatlog.config import Settings
from chatlog.errors import NotFoundError, RefusedError, UsageError, WrongKeyError, choices_hint
from chatlog.models import Conversation, Filters, parse_ref
from chatlog.narrowing import dated, possible
from chatlog.output import Output, OutputSettings
from chatlog.paths import exists, expanded
from chatlog.store import Store, open_store, path_of

if TYPE_CHECKING:
    from chatlog.compaction import Compaction
    from chatlog.embedders import Embedder
    from chatlog.keys import Key
    from chatlog.redaction import Redactor

STDIN = "-"


class Session:
    """One run of the command line."""

    def __init__(self) -> None:
        self.flags: dict[str, Any] = {}
        self.filter_flags: dict[str, Any] = {}
        self.forms: tuple[str, ...] | None = None
        self.exit_code = 0
        self.used_key: Key | None = None
        self.is_observed = False
        self.resources = ExitStack()

    @staticmethod
    def of(context: typer.Context) -> Session:
        """Return the session of a command's context."""
        session = context.find_root().obj
        assert isinstance(session, Session)  # noqa: S101  cli.run put it there
        return session

    @cached_property
    def settings(self) -> Settings:
        """The settings, flags first."""
        config = self.flags.get("config")
        flags = {"format": "json", **self.flags} if self.flags.get("json") else self.flags
        return Settings(flags, os.environ, expanded(config) if config else None)

    def agree(self, forms: tuple[str, ...] | None) -> None:
        """Say which forms the verb has: another one is refused where it was typed, and let be where it was set."""
        self.forms = forms
        typed = self.flags.get("format")
        if forms is not None and typed is not None and typed not in forms:
            raise UsageError(f"this cannot be printed as {typed}", choices_hint(typed, forms))

    @cached_property
    def output(self) -> Output:
        """Where results go."""
        environment = os.environ
        form = self.settings.get("format")
        pager = "" if environment.get("CHATLOG_PAGER") == "" else self.settings.get("pager")
        return Output(
            OutputSettings(
                format=form if self.forms is None or form in self.forms else "",
                color=self.settings.get("color"),
                pager=pager,
                use_pager=not self.flags.get("no_pager"),
                quiet=bool(self.flags.get("quiet")),
                no_color=bool(self.flags.get("no_color") or environment.get("NO_COLOR")),
                force_color=bool(environment.get("FORCE_COLOR")),
                dumb=environment.get("TERM") == "dumb",
                plain=self.settings.get("plain") in ("yes", "1"),
            )
        )

    def now(self) -> datetime:
        """Return the local time."""
        return datetime.now(SystemZone())

    @property
    def may_ask(self) -> bool:
        """Whether a person is there to answer a question."""
        return not self.flags.get("no_input") and sys.stdin.isatty() and sys.stderr.isatty()

    def confirm(self, action: str, *, yes: bool, can_show: bool = True) -> None:
        """Make sure that something is meant.  Raises RefusedError where it is not, or nobody is there to say so.

        `can_show` says that the verb has --dry-run.
        """
        if yes:
            return
        if not self.may_ask:
            raise RefusedError(f"this would {action}", "add --yes if so" + "; --dry-run shows which" * can_show)
        if not self.ask(f"{action[:1].upper()}{action[1:]}?"):
            raise RefusedError("nothing was done: not confirmed")

    def ask(self, question: str) -> bool:
        """Return whether a person says yes."""
        self.output.question(question)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def redactor(self, kinds: Sequence[str] | None = None, patterns: Sequence[str] | None = None) -> Redactor:
        """Return what finds some kinds, all by default, with the patterns given and those of the config file.

        Patterns that are given alone are all that is looked for.
        """
        from chatlog.redaction import GROUPS, Redactor

        alone = bool(patterns) and not kinds
        named: dict[str, Any] = {} if alone else dict(self.settings.patterns())
        named |= {
            "pattern" if number == 1 else f"pattern-{number}": text for number, text in enumerate(patterns or (), 1)
        }
        return Redactor(kinds or (() if alone else GROUPS), named, self._phone_region())

    def _phone_region(self) -> str | None:
        region = self.settings.get("phone_region").upper()
        if not region:
            return None
        from importlib.util import find_spec

        if find_spec("phonenumbers") is None:
            raise UsageError("phone_region needs the package phonenumbers", "pip install 'chatlog[phone]'")
        from phonenumbers import SUPPORTED_REGIONS

        if region not in SUPPORTED_REGIONS:
            raise UsageError("phone_region is not a region", "two letters, as in DE or US")
        return region

    def embedder(self) -> str | Embedder:
        """Return the embedder that is set: made here only where it needs a key from the environment."""
        name = self.settings.get("embedder")
        if not name.startswith("http"):
            return name
        from chatlog.embedders import embedder

        return embedder(name, os.environ)

    def compaction(self, store: Store, how: str | None = None) -> Compaction:
        """Return what summarises with the summariser given, or set: its name is kept, the secrets in it are not."""
        from chatlog.compaction import Compaction
        from chatlog.redaction import Redactor
        from chatlog.summarizers import BUILT_IN, summarizer
        from chatlog.terminal import is_detached

        name = how or self.settings.get("summarizer") or BUILT_IN
        made = summarizer(name, os.environ.get("OPENAI_API_KEY"), apart=is_detached())
        return Compaction(store, made, Redactor(["secrets"]).text(name))

    def span(self, name: str) -> timedelta | None:
        """Return a setting that is a span of time, None where it is empty."""
        value = self.settings.get(name)
        return timespec.duration(value) if value else None

    def lifetime(self, ttl: str | None) -> str | None:
        """Return when a conversation ends that starts now: after `ttl`, or else the setting of that name."""
        span = timespec.duration(ttl) if ttl and ttl != "never" else None if ttl else self.span("ttl")
        return None if span is None else timespec.after(span, self.now())

    def observe(self) -> None:
        """Record from now on what the verb does, where that is set; verbs without a store have no spans."""
        mode = self.settings.get("telemetry")
        if mode != "no" and not self.is_observed:
            from chatlog.cli.observing import observe

            self.is_observed = True
            observe(self, content=mode == "content")

    # the store

    def store(self, *, create: bool = False) -> Store:
        """Return the store, opened for the run and for the settings' user; with `create` a missing one is made."""
        url = self.database(make_folder=create)
        self.observe()  # before the store: telemetry ends after it
        options = {"create": create, "synchronous": self.settings.get("synchronous")}
        opened = self._opened(url, self.settings.get("user"), options)
        if backup := getattr(opened, "migrated_from", None):
            self.output.hint(f"the database was upgraded; a copy of it as it was is {backup}")
        self._warn_of_readers(path_of(url))
        return self.resources.enter_context(opened)

    def database(self, *, make_folder: bool) -> str:
        """Return where the database is; with `make_folder` the folder of the default one is made for it."""
        url, is_default = self.settings.database()
        if make_folder and is_default:
            Path(url).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return url

    @staticmethod
    def everybody(store: Store, *, all_users: bool) -> list[Store]:
        """Return the stores of all users of the file, or of the one alone."""
        users = store.forgetting.users() if all_users else [store.user]
        return [store if user == store.user else store.for_user(user) for user in users]

    def outward(self, *, redact: bool) -> Store:
        """Return the store, with `redact` as it may be handed out: without secrets and personal data."""
        store = self.store()
        if not redact:
            return store
        from chatlog.outgoing import view

        return view(store, self.redactor())

    def _opened(self, url: str, user: str, options: dict[str, Any]) -> Store:
        """Return the store, opened with the key that the settings point to, or that a person types.

        A database that is made now has its key made where there is none.
        """
        key = self.used_key or self.key(url, make=options["create"] and not exists(path_of(url)))
        try:
            opened = open_store(url, user, key=key, **options)
        except WrongKeyError:
            if key is not None or not self.may_ask:
                raise
            from chatlog.cli import keys

            key = keys.asked(f"Passphrase of {url}")
            opened = open_store(url, user, key=key, **options)
        self.used_key = key  # opened once more: nobody is asked twice, no passphrase derived twice
        return opened

    def key(self, url: str, *, make: bool = False) -> Key | None:
        """Return the key that the settings point to, None where they point to none."""
        if not any(self.settings.get(name) not in ("", "no") for name in ("key_file", "key_command", "keyring")):
            return None
        from chatlog.cli import keys

        return keys.configured(self.settings, path_of(url), make=make)

    def _warn_of_readers(self, path: Path) -> None:
        """Say so where others on this computer may read the database."""
        mode = path.stat().st_mode & 0o777 if exists(path) and os.name == "posix" else 0o600
        if mode & 0o077:
            self.output.warning(f"others may read {path} ({mode:04o}): chmod 600 {path}")

    def conversation(self, store: Store, ref: str) -> Conversation:
        """Return the conversation of an id, prefix, ``@last``, ``@N``, or of a message's reference."""
        return store.get(parse_ref(ref)[0])

    def ending(self, store: Store, ref: str) -> Conversation:
        """Return the conversation of a ref, to go on from its end.  Raises UsageError for an earlier message."""
        found, seq = self.message_ref(store, ref)
        if seq is not None and seq != found.head:
            store.message(found.id, seq)
            raise UsageError(
                f"'{ref}' is not the last message of its conversation",
                f"leave out :{seq} to go on from its end; chatlog fork {ref} goes on from the message",
            )
        return found

    def message_ref(self, store: Store, ref: str) -> tuple[Conversation, int | None]:
        """Return the conversation and seq of ``CONV`` or ``CONV:SEQ``."""
        name, seq = parse_ref(ref)
        return store.get(name), seq

    def conversations(self, store: Store, refs: Sequence[str]) -> list[Conversation]:
        """Return the conversations of some refs; ``-`` stands for those on stdin, one a line."""
        return list(
            {found.id: found for found in (self.conversation(store, name) for name in self._spelt(refs))}.values()
        )

    def named(self, store: Store, refs: Sequence[str]) -> list[Conversation]:
        """Return the conversations that refs name.  Raises UsageError like `names`."""
        return self.conversations(store, self.names(refs))

    def names(self, refs: Sequence[str]) -> list[str]:
        """Return refs, those on stdin where one is ``-``.  Raises UsageError where filters should choose as well."""
        if refs and self.filter_flags:
            raise UsageError("name conversations, or choose them by filters, not both", "leave out one or the other")
        return self._spelt(refs)

    def _spelt(self, refs: Sequence[str]) -> list[str]:
        return [name for ref in refs for name in (self.read_text("ids").split() if ref == STDIN else [ref])]

    def filters(self, **changes: Any) -> Filters:
        """Return what the filter options say.  Raises UsageError for a date that is none, and for a span of none."""
        flags = dated(self.filter_flags, self.now())
        for name in ("tags", "no_tags", "title"):
            if name in flags:
                flags[name] = tuple(flags[name])
        return possible(Filters(**{**flags, **changes}))

    # input

    def read_bytes(self, what: str) -> BinaryIO:
        """Return stdin as a binary stream.  Raises UsageError where it is a terminal."""
        if sys.stdin.isatty():
            raise UsageError(f"{what} should come on stdin, but that is a terminal", "pipe it in, or write it out")
        return sys.stdin.buffer

    def read_text(self, what: str) -> str:
        """Return all of stdin as text.  Raises UsageError where it is a terminal or not UTF-8."""
        try:
            return self.read_bytes(what).read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(
                f"stdin, where {what} should come, is not UTF-8 (byte {error.start})",
                "convert it first: iconv -t utf-8",
            ) from None

    def text(self, value: str | None, what: str) -> str:
        """Return a text argument; ``-``, or none in a pipe, is read from stdin without its last line end."""
        if value is None or value == STDIN:
            return self.read_text(what).removesuffix("\n").removesuffix("\r")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(f"{what} is not UTF-8", "pass it on stdin in UTF-8") from None
        return value

    @staticmethod
    def file(path: str) -> Path:
        """Return a path that must exist.  Raises NotFoundError."""
        found = expanded(path)
        if not exists(found):
            raise NotFoundError(f"there is no file or folder {path}", "check the spelling")
        return found
