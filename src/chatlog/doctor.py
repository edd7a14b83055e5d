"""Whether all is well: the store's own checks, and those of what it needs around it.

Takes a store and its surroundings, as a front end sees them; every check names its mend.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from chatlog import erasure, redacting
from chatlog.errors import ChatlogError
from chatlog.models import Check, Filters, Message, Term
from chatlog.store import Store
from chatlog.timespec import iso

if TYPE_CHECKING:
    from chatlog.embedders import Embedder

#: A write-ahead log larger than this is one that some process keeps from being folded into the file.
MAX_LOG_BYTES = 64_000_000
#: Below this much space, or less than the file's own size, neither a backup nor a VACUUM can be made.
MIN_FREE_BYTES = 100_000_000
STALE = timedelta(days=30)
#: A file that is being written changes more often than this.
AT_WORK = timedelta(hours=1)
#: What a mend calls a backup where none is known.
UNNAMED = "FILE"


class Surroundings(NamedTuple):
    """What a front end knows: the time, the space left on the disk, and the embedder that is set, None for none."""

    now: datetime
    free_bytes: int
    embedder: Callable[[], Embedder] | None


def examine(store: Store, around: Surroundings, *, deep: bool = False) -> Iterator[Check]:
    """Yield every check as soon as it is done; mends that need a backup name the latest there is."""
    latest = _latest_backup(store)
    for check in store.checks(deep=deep):
        yield check._replace(mend=check.mend.replace(UNNAMED, latest))
    of_the_rest: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("queries", lambda: _queries(store)),
        ("embedder", lambda: _embedder(store, around)),
        ("write-ahead log", lambda: _log(store.info()["wal_bytes"])),
        ("disk", lambda: _space(store.info()["bytes"], around.free_bytes)),
        ("backups", lambda: _backups(store, around.now)),
        ("erasures", lambda: _erasures(store)),
        ("leftovers", lambda: _leftovers(store, around.now)),
    )
    for name, look in of_the_rest:
        try:
            yield look()
        except (ChatlogError, ValueError) as error:  # ValueError: a value that is no JSON
            said = error.message if isinstance(error, ChatlogError) else "a value that cannot be read"
            yield Check(name, ok=False, detail=said, mend="mend first what is named above")


def _latest_backup(store: Store) -> str:
    with suppress(ChatlogError):
        return next((str(backup.path) for backup in store.backups() if backup.exists), UNNAMED)
    return UNNAMED


def _queries(store: Store) -> Check:
    """Do what a person does: list, read the end of the latest conversation, find it by one of its words."""
    page = store.conversations(limit=20)
    messages = [message for found in page.items[:1] for message in store.messages(found.id, last=20)]
    word = next((word for message in messages if (word := _word(message))), None)
    if word is not None and not store.words.posting((Term(word),), ("text",), 1).total:
        said = "the latest conversation is not found by its own words"
        return Check("queries", ok=False, detail=said, mend="chatlog doctor --rebuild")
    return Check("queries", ok=True, detail="list, show, search")


def _word(message: Message) -> str | None:
    """Return a word that must find a message."""
    found = None if message.hidden else re.search(r"\b[A-Za-z]{3,20}\b", message.text)
    return found.group() if found else None


def _embedder(store: Store, around: Surroundings) -> Check:
    state = store.vectors.state()
    if around.embedder is None:
        return Check("embedder", ok=True, detail="none is set: searches go by words")
    if state is None:
        return Check("embedder", ok=True, detail="there is no index of meanings yet: chatlog embed")
    try:
        embedder = around.embedder()
        if embedder.fingerprint != state.fingerprint:
            said = f"the index is of {state.fingerprint}, set is {embedder.fingerprint}"
            mend = "chatlog embed --rebuild, or chatlog config set embedder as it was"
            return Check("embedder", ok=False, detail=said, mend=mend)
        embedder.embed(["word"], state.weights)
    except ChatlogError as error:
        return Check("embedder", ok=False, detail=error.message, mend=error.hint or "chatlog config set embedder NAME")
    return Check("embedder", ok=True, detail=state.fingerprint)


def _log(size: int) -> Check:
    if size <= MAX_LOG_BYTES:
        return Check("write-ahead log", ok=True, detail=_size(size))
    said = f"{_size(size)}: some process keeps it from being folded into the file"
    return Check("write-ahead log", ok=False, detail=said, mend="end that process, then: chatlog doctor --rebuild")


def _space(size: int, free: int) -> Check:
    needed = max(size, MIN_FREE_BYTES)
    said = f"{_size(free)} free"
    if free >= needed:
        return Check("disk", ok=True, detail=said)
    return Check("disk", ok=False, detail=f"{said}: too little for a backup", mend=f"free {_size(needed - free)} more")


def _backups(store: Store, now: datetime) -> Check:
    """Find the latest backup old or gone, while there is something newer than it to lose."""
    known = store.backups()
    if not known:
        return Check("backups", ok=True, detail="none that chatlog made: chatlog db backup")
    latest = next((backup for backup in known if backup.exists), None)
    if latest is None:
        said = f"the latest, {known[0].path}, is gone"
        return Check("backups", ok=False, detail=said, mend="chatlog db backup")
    page = store.conversations(Filters(since=latest.made_at), limit=1)
    if latest.made_at < iso(now - STALE) and page.items:
        said = f"the latest is of {latest.made_at[:10]}, {page.total} conversations have changed since"
        return Check("backups", ok=False, detail=said, mend="chatlog db backup; docs/backup.md has it done daily")
    return Check("backups", ok=True, detail=f"the latest is of {latest.made_at[:10]}")


def _erasures(store: Store) -> Check:
    waiting = erasure.unfinished(store)
    if not waiting and redacting.unfinished(store):
        said = "what a redaction replaced may still be in the file"
        return Check("erasures", ok=False, detail=said, mend="chatlog db vacuum")
    if not waiting:
        return Check("erasures", ok=True, detail="none is unfinished")
    said = f"{len(waiting)} are not proven complete"
    return Check("erasures", ok=False, detail=said, mend=f"chatlog erase --yes {' '.join(waiting[:3])}")


def _leftovers(store: Store, now: datetime) -> Check:
    """Find what holds the history, or a part of it, and was to have another name, or none, by now."""
    before = (now - AT_WORK).timestamp()
    parts = (copy for copy in store.forgetting.copies() if copy.name.startswith(".chatlog-"))
    found = [part for part in parts if _changed(part) < before]
    if not found:
        return Check("leftovers", ok=True, detail="none")
    said = f"{len(found)} of a backup, export, encryption or restore that was killed"
    return Check("leftovers", ok=False, detail=said, mend=f"rm {' '.join(quote(str(copy)) for copy in found)}")


def _changed(path: Path) -> float:
    """Return when a file was last written to; one that has its name by now is no leftover."""
    try:
        return path.stat().st_mtime
    except OSError:
        return inf


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
