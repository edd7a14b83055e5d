"""What a store can do, whatever engine keeps it; nothing above this package sees SQL.

A store is bound to one user: every read and write is that user's by construction.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, runtime_checkable

from chatlog.errors import NoDatabaseError, UsageError
from chatlog.models import (
    Check,
    Conversation,
    ConversationDraft,
    Extra,
    Filters,
    Hit,
    Ingested,
    Message,
    MessageDraft,
    Page,
)
from chatlog.paths import expanded

if TYPE_CHECKING:
    from chatlog.keys import Key
    from chatlog.store.files import Backup
    from chatlog.store.forgetting import Forgetting
    from chatlog.store.measures import Measures
    from chatlog.store.memories import Memories
    from chatlog.store.redactions import Redactions
    from chatlog.store.sources import Sources
    from chatlog.store.summaries import Summaries
    from chatlog.store.vectors import Vectors
    from chatlog.store.window import Windows
    from chatlog.store.words import Words

Clock = Callable[[], datetime]
SORTS = ("updated", "created", "messages", "tokens", "title")


class Batch(NamedTuple):
    """Records of one source that are brought in together.

    What an import remembers between its batches is the same for each: `moved`, where its own history and an export of
    it went apart, and `came`, the ids of the conversations that it brought.
    """

    source: str
    records: Sequence[ConversationDraft | MessageDraft]
    moved: dict[Any, str] | None = None
    came: set[str] | None = None


@runtime_checkable
class Store(Protocol):
    """One user's conversations.

    Methods raise NotFoundError for what is not there (or is another user's), ConflictError for a
    stale `if_revision`, BusyError when another process keeps the write lock, NoDatabaseError where
    the file was removed or replaced meanwhile, ClosedError after `close`.  Every write is one durable
    transaction.  Safe to use from several threads.
    """

    user: str
    clock: Clock

    def close(self) -> None:
        """Let go of the file, where this store has opened it: one of `for_user` leaves it open for the others."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def for_user(self, user: str) -> Store:
        """Return the store of another user of the same file, however many there are: they share its connections.

        They are closed with it.  Raises UsageError for what can be nobody's name.
        """

    # conversations

    def new(self, draft: ConversationDraft = ..., messages: Sequence[MessageDraft] = ()) -> Conversation:
        """Create a conversation, with its first messages, and return it.

        Where the first message has a `key` that a conversation already holds, that conversation is returned.
        Raises ConflictError where the key was used for something else.
        """

    def get(self, ref: str, *, among: Filters = ...) -> Conversation:
        """Return the conversation of an id, a unique prefix of four characters or more, ``@last`` or ``@N``.

        `among` says where to look: by default among those neither in the trash nor expired.
        """

    def conversations(
        self,
        filters: Filters = ...,
        *,
        sort: str = "updated:desc",
        limit: int | None = None,
        cursor: str | None = None,
        readable: bool = False,
    ) -> Page:
        """Return a page of the conversations that the filters let through.  Raises UsageError for a limit below 0.

        With `readable` what cannot be read, where the file is damaged, is left out and named, instead of an error.
        """

    def change(self, conversation: str, changes: Mapping[str, Any], *, if_revision: int | None = None) -> Conversation:
        """Set title, pinned, archived, model, project, expires_at, hold or state, and return the result."""

    def fork(self, conversation: str, seq: int | None = None, *, title: str | None = None) -> Conversation:
        """Create a child that starts with everything up to `seq` (the head by default)."""

    def delete(self, conversations: Sequence[str]) -> int:
        """Move conversations to the trash; return how many were moved: those that are there and not in it yet."""

    def restore(self, conversations: Sequence[str]) -> int:
        """Take conversations out of the trash; return how many came back: those that were in it."""

    # messages

    def add(
        self,
        conversation: str,
        messages: Sequence[MessageDraft],
        *,
        if_revision: int | None = None,
    ) -> list[Message]:
        """Append messages in one transaction and return them as stored.

        Each follows the one before; the first follows its `parent` (a seq), the head by default.  A `key` on the
        first that the conversation already holds returns what was stored then and writes nothing.
        """

    def message(self, conversation: str, seq: int) -> Message:
        """Return one message."""

    def messages(
        self, conversation: str, *, last: int | None = None, branch: int | None = None, all_branches: bool = False
    ) -> Iterator[Message]:
        """Yield the messages of the active path, of the path to `branch`, or of the whole tree, in order.

        With `last` only so many, the latest.  What is wrong is raised with the first one that is asked for: UsageError
        for a number below 0, NotFoundError.
        """

    def around(self, conversation: str, seq: int, *, before: int, after: int) -> list[Message]:
        """Return a message with its neighbours on its own path."""

    # tags and words

    def tag(self, conversations: Sequence[str], *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> int:
        """Add and remove tags; return how many conversations changed."""

    def tags(self) -> list[tuple[str, int]]:
        """Return every tag with its number of conversations."""

    def scan(self, filters: Filters = ..., *, hidden: bool = False, latest: bool = False) -> Iterator[Hit]:
        """Yield every message the filters let through, newest conversation first, with `latest` from its end."""

    @property
    def forgetting(self) -> Forgetting:
        """What forgets: the trash, removal for good, policies, holds, the audit trail, and the space given back."""

    @property
    def words(self) -> Words:
        """What ranking asks of the word index."""

    @property
    def vectors(self) -> Vectors:
        """The index of meanings."""

    # import and export

    def ingest(
        self,
        source: str,
        records: Sequence[ConversationDraft | MessageDraft],
        *,
        undelete: bool = False,
        dry_run: bool = False,
        moved: dict[Any, str] | None = None,
    ) -> Ingested:
        """Bring in a batch: what is new is appended, what changed updated, what is here left alone.

        It is on the disk for sure once `settle` has been called: an import can be run again.

        With `dry_run` the same is done and taken back.  `moved` is what an import remembers between its
        batches of where its own history and an export of it went apart: give the same dictionary to each.
        """

    def ingest_all(self, batches: Sequence[Batch], *, undelete: bool = False, dry_run: bool = False) -> list[Ingested]:
        """Bring in batches of several sources, all or none; return what each did."""

    def settle(self) -> None:
        """Make sure that what was ingested is on the disk."""

    def ingest_extra(self, extra: Extra) -> bool:
        """Bring in a summary, memory or tombstone; whether it was new."""

    def extras(self, conversation: str | None = None) -> Iterator[Extra]:
        """Yield the summaries of a conversation, or the user's memories and tombstones.

        Raises DamagedFileError where a memory cannot be read, once all that can be is given out.
        """

    def title_by_message(self, source: str, message_id: str, title: str) -> bool:
        """Give the conversation of a source's message a title where it has none of its own."""

    @property
    def sources(self) -> Sources:
        """The files that history came from."""

    # context

    @property
    def windows(self) -> Windows:
        """What contexts are assembled from."""

    @property
    def summaries(self) -> Summaries:
        """What ranges of turns came down to."""

    @property
    def redactions(self) -> Redactions:
        """What redacts: what is said, once each, and other words in its place."""

    @property
    def memories(self) -> Memories:
        """JSON values under keys."""

    @property
    def measures(self) -> Measures:
        """Sizes and sums."""

    # upkeep

    def record(self, action: str, **counts: Any) -> None:
        """Write a line of audit."""

    def owns(self, path: Path) -> bool:
        """Whether a path is one of the store's own files, which nothing else may open meanwhile."""

    def info(self) -> dict[str, Any]:
        """Return facts about the file: path, size, schema, engine, counts."""

    def checks(self, *, deep: bool = False) -> Iterator[Check]:
        """Verify the file's health, one check at a time."""

    def rebuild(self) -> None:
        """Recreate everything that is derived from the messages."""

    def backup(self, target: Path, *, instead_of: Sequence[Path] = ()) -> int:
        """Write a consistent copy to a new file and return its size in bytes.

        It is remembered, and those it is made `instead_of` are forgotten.
        """

    def backups(self) -> list[Backup]:
        """Return the copies of the file that chatlog made and knows of, the latest first."""


def utc_now() -> datetime:
    """Return the system's time; the clock of a store unless it is told another."""
    return datetime.now(UTC)


def open_store(
    url: str | Path,
    user: str = "local",
    *,
    clock: Clock = utc_now,
    create: bool = False,
    synchronous: str = "FULL",
    key: Key | None = None,
) -> Store:
    """Open the store at a path or `sqlite:` URL for one user, encrypted with `key` where one is given.

    Raises NoDatabaseError where there is none and `create` is false, SchemaMismatchError for a
    newer or foreign file, WrongKeyError, DamagedFileError, UsageError for an unknown kind of URL.
    """
    from chatlog.store.sqlite.engine import SqliteStore

    return SqliteStore(
        path_of(str(url)), checked_user(user), clock=clock, create=create, synchronous=synchronous, key=key
    )


#: The bytes of a name and of a path, with room for what is put beside a database.
MAX_NAME, MAX_PATH = 220, 4_000


def path_of(url: str) -> Path:
    """Return the path of a database's path or URL.

    Raises UsageError for a URL of an engine there is not and for what can be no file's name, NoDatabaseError for
    what can only be a folder.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme != "sqlite":
        raise UsageError(f"chatlog has no engine for {scheme}:// yet", "give a path or sqlite:///path")
    path = expanded(rest if separator else url.removeprefix("sqlite:"))
    if not path.name:
        raise NoDatabaseError(f"cannot open {path}: it is a folder")
    if path.name == ":memory:":
        raise UsageError("a database in memory would be gone at once", "give a path or sqlite:///path")
    if len(os.fsencode(path.name)) > MAX_NAME or len(os.fsencode(path)) > MAX_PATH:
        raise UsageError("the name of the database is too long", "check --db")
    return path


def checked_user(user: str) -> str:
    """Return a user's name.  Raises UsageError for an empty or over-long one, or one with control characters."""
    if not isinstance(user, str) or not user.strip() or len(user) > 200 or not user.isprintable():
        raise UsageError("the user's name must be 1 to 200 printable characters", "set --user or CHATLOG_USER")
    return user
