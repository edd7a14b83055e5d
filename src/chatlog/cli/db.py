"""`chatlog db`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from chatlog import backups
from chatlog.cli import keys
from chatlog.cli.options import Yes, verb
from chatlog.cli.session import Session
from chatlog.config import settled
from chatlog.errors import UsageError
from chatlog.keys import Key
from chatlog.output import THING, counted, size_text
from chatlog.paths import exists, expanded
from chatlog.redacting import finish, unfinished
from chatlog.store import files, path_of
from chatlog.timespec import iso


@verb("chatlog db path", 'sqlite3 -readonly "$(chatlog db path)"', forms=THING)
def path(ctx: typer.Context) -> None:
    """Print where the database is, or would be."""
    session = Session.of(ctx)
    where = path_of(session.settings.database()[0])
    session.output.thing("path", {"path": str(where), "exists": exists(where)}, [str(where)])


@verb("chatlog db info", forms=THING)
def info(ctx: typer.Context) -> None:
    """Print facts about the file: size, schema, engine, how much is in it."""
    session = Session.of(ctx)
    facts = session.store().info()
    session.output.thing("db", facts, [f"{name.replace('_', ' ')}: {value}" for name, value in facts.items()])


@verb(
    "chatlog db backup",
    "chatlog db backup ~/backups/chatlog.db",
    "chatlog db backup to-browse.db --portable && datasette to-browse.db",
    "chatlog db backup ~/backups/ --keep 14            # what cron runs; see docs/backup.md",
    forms=THING,
)
def backup(
    ctx: typer.Context,
    target: Annotated[
        str | None, typer.Argument(metavar="[FILE|DIR/]", help="A new file, or a folder for a dated one.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Keep the latest N dated ones there; remove the older.")
    ] = None,
    portable: Annotated[
        bool, typer.Option("--portable", help="Without vectors: any tool opens it, as Datasette does.")
    ] = False,
) -> None:
    """Write a consistent copy to a new private file, while others go on writing.

    Of an encrypted database the copy has the same key. Only files of exactly the names that this verb gives are
    ever removed.
    """
    session = Session.of(ctx)
    original = path_of(session.settings.database()[0])
    copy = backups.target(original, target, session.now())
    if keep is not None and not backups.is_folder(target):
        raise UsageError("--keep counts dated backups", "name a folder, or nothing, instead of a file")
    store = session.store()
    backups.make_folder(target)
    with session.output.progress("copying"):
        size, removed = backups.make(store, copy, original.stem, keep)
    if portable:
        size = _made_portable(session, copy)
    facts = {"path": str(copy), "bytes": size, "removed": [str(path) for path in removed]}
    session.output.thing("backup", facts, [str(copy)])


@verb("chatlog db restore ~/backups/chatlog-20261120T214400Z.db", forms=THING)
def restore(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE", help="The backup.")],
    yes: Yes = False,
) -> None:
    """Put a backup in the place of the database, once it is verified; what was there is kept beside it.

    Nobody else may have the database open. An encrypted backup needs the key that it was made with.
    """
    session = Session.of(ctx)
    found = session.file(source)
    url = session.database(make_folder=True)
    path, now = path_of(url), session.now()
    if exists(path):
        session.confirm(f"put {source} in the place of {path}", yes=yes, can_show=False)
    aside = backups.dated(path.parent, f"{path.stem}-before-restore", now)
    key = session.key(url)
    with session.output.progress("verifying the backup"):
        done = files.restore(url, found, key, aside=aside, now=iso(now))
    kept = str(done.kept) if done.kept else None
    facts = {**_facts(done), "from": source, "kept": kept}
    undo = f"; what was there: {kept}" if kept else ""
    session.output.thing("restore", facts, [f"{_held(done)}{undo}"])


def _made_portable(session: Session, copy: Path) -> int:
    """Take the vectors out of a copy; return its size.  An encrypted one stays as it is, and is refused."""
    if session.store().info()["encrypted"]:
        raise UsageError(f"{copy} is a whole copy, but an encrypted one: no other tool opens it", "chatlog db decrypt")
    files.make_portable(copy)
    return copy.stat().st_size


def _convert(session: Session, url: str, old: Key | None, new: Key | None) -> files.Replaced:
    with session.output.progress("writing the file anew"):
        return files.convert(url, old, new)


def _facts(done: files.Replaced) -> dict[str, Any]:
    return {
        "path": str(done.path),
        "bytes": done.bytes,
        "conversations": done.conversations,
        "messages": done.messages,
    }


@verb(
    "chatlog db encrypt --key-file ~/.config/chatlog/key",
    "chatlog db encrypt --passphrase",
    "chatlog config set keyring yes && chatlog db encrypt",
    forms=THING,
)
def encrypt(
    ctx: typer.Context,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for one, unseen.")] = False,
) -> None:
    """Encrypt the database with the key that the settings point to; a key file or keyring entry is made where needed.

    The plain file is overwritten. Whoever loses the key loses the history: keep a copy of it elsewhere. Backups that
    were made before stay as they are.
    """
    session = Session.of(ctx)
    url = session.settings.database()[0]
    files.check_plain(url)
    key = _asked("The new passphrase") if passphrase else session.key(url, make=True)
    if key is None:
        key = _asked("The new passphrase") if session.may_ask else _no_key()
    _done(session, "encrypt", _convert(session, url, None, key), "encrypted")
    _say_where(session)
    session.used_key = key
    _name_plain_copies(session)


@verb("chatlog db decrypt", forms=THING)
def decrypt(ctx: typer.Context, yes: Yes = False) -> None:
    """Write the database without encryption again: whoever can read the file can read the history."""
    session = Session.of(ctx)
    url = session.settings.database()[0]
    key = _current(session, url)
    session.confirm(f"decrypt {path_of(url)}", yes=yes, can_show=False)
    _done(session, "decrypt", _convert(session, url, key, None), "decrypted")
    session.output.hint("the settings key_file, key_command and keyring must not point to a key any more")


@verb("chatlog db rekey --new-key-file ~/.config/chatlog/key-2", "chatlog db rekey --passphrase", forms=THING)
def rekey(
    ctx: typer.Context,
    new_key_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="The new key; the file is made where there is none.")
    ] = None,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a new one, unseen.")] = False,
) -> None:
    """Give the encrypted database another key. Backups that were made before keep the old one."""
    session = Session.of(ctx)
    if (new_key_file is not None) == passphrase:
        raise UsageError("say what the new key is", "--new-key-file FILE or --passphrase")
    url = session.settings.database()[0]
    old = _current(session, url)
    new = _asked("The new passphrase") if passphrase else keys.of_file(expanded(new_key_file or ""), make=True)
    if new.is_same(old):
        raise UsageError("the new key is the one that the database has", "name a file that is not there: it is made")
    _done(session, "rekey", _convert(session, url, old, new), "given a new key")
    if new_key_file:
        session.output.hint(f"from now on: chatlog config set key_file {quote(settled('key_file', new_key_file))}")


def _current(session: Session, url: str) -> Key:
    """Return the key the database has now."""
    key = session.key(url)
    if key is None:
        key = keys.asked(f"Passphrase of {url}") if session.may_ask else _no_key()
    return key


def _asked(question: str) -> Key:
    return keys.asked(question, twice=True)


def _no_key() -> Key:
    raise UsageError("say where the key is", "--key-file FILE, --key-command COMMAND, or the setting keyring")


def _held(done: files.Replaced) -> str:
    """Return how much is in a file."""
    return f"{counted(done.conversations, 'conversation')}, {counted(done.messages, 'message')}"


def _done(session: Session, noun: str, done: files.Replaced, what: str) -> None:
    session.output.thing(noun, _facts(done), [f"{done.path} is {what}: {_held(done)}"])


def _say_where(session: Session) -> None:
    for name in keys.SOURCES[:2]:
        if name in session.flags:
            value = quote(settled(name, session.flags[name]))
            session.output.hint(f"from now on: chatlog config set {name} {value}")


def _name_plain_copies(session: Session) -> None:
    """Name the copies that were made before, which encrypting does not reach."""
    if plain := [str(copy) for copy in session.store().forgetting.copies() if files.is_plain(copy)]:
        session.output.warning(f"copies of the file are not encrypted: {', '.join(plain)}")


@verb("chatlog db migrate", forms=THING)
def migrate(ctx: typer.Context) -> None:
    """Bring the file to this version's schema; a copy of it as it was is kept beside it."""
    session = Session.of(ctx)
    store = session.store()
    saved = getattr(store, "migrated_from", None)
    facts = {"schema": store.info()["schema"], "backup": str(saved) if saved else None}
    line = (
        f"schema {facts['schema']}: upgraded, the old file is {saved}"
        if saved
        else f"schema {facts['schema']}: up to date"
    )
    session.output.thing("migration", facts, [line])


@verb("chatlog db vacuum", forms=THING)
def vacuum(ctx: typer.Context) -> None:
    """Rewrite the file without its gaps; meanwhile others can read, but not write.

    It needs as much free disk and memory as the file has in use, and looks first.
    """
    session = Session.of(ctx)
    forgetting = session.store().forgetting
    with session.output.progress("writing the file anew"):
        before, after = forgetting.vacuum()
        folded = finish(session.store()) if unfinished(session.store()) else forgetting.fold()
    facts = {"before": before, "after": after, "freed": before - after, "log_emptied": folded}
    session.output.thing("vacuum", facts, [f"{size_text(before)} before, {size_text(after)} now"])


COMMANDS = {
    "path": path, "info": info, "backup": backup, "restore": restore, "migrate": migrate, "encrypt": encrypt,
    "decrypt": decrypt, "rekey": rekey, "vacuum": vacuum,
}  # fmt: skip
