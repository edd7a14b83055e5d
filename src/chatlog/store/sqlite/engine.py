"""The SQLite store: one user's view of one file.

Each method borrows a connection, calls the module of its noun, and gives the connection back;
what spans several rows of work is read in pages, so that no iterator holds a lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chatlog.errors import BusyError, UsageError
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
    checked_message,
    several,
)
from chatlog.store import Batch, Clock, Store, checked_user
from chatlog.store.sqlite import audit, cipher, listing, migrations
from chatlog.store.sqlite import conversations as conversation_rows
from chatlog.store.sqlite import messages as message_rows
from chatlog.store.sqlite import summaries as summary_rows
from chatlog.store.sqlite import tags as tag_rows
from chatlog.store.sqlite.connection import Connection, Pool, check_driver, connect_anyway, peeked
from chatlog.store.sqlite.conversations import Standing
from chatlog.store.sqlite.database_file import all_of, prepare_file
from chatlog.store.sqlite.failures import unreadable
from chatlog.store.sqlite.nouns import Nouns

if TYPE_CHECKING:
    from chatlog.keys import Key
    from chatlog.store.files import Backup

_ANY = Filters()
_UNTITLED = ConversationDraft()


class SqliteStore(Nouns, Store):
    """A `Store` on an SQLite file; the protocol says what its methods promise, to whoever asks for their help too."""

    def __init__(
        self, path: Path, user: str, *, clock: Clock, create: bool, synchronous: str, key: Key | None = None
    ) -> None:
        self.path = path
        self.user = user
        self.clock = clock
        check_driver(synchronous, key)
        prepare_file(path, create=create)
        key = cipher.settled(path, key)
        self.is_opener = True
        self._pool = Pool(path, lambda: connect_anyway(path, synchronous, key))
        with peeked(path, key) as connection:
            if connection is not None:
                migrations.version_of(connection, path)
        with ExitStack() as undone:
            undone.callback(self.close)
            with self._pool.read() as connection:
                self.migrated_from = migrations.migrate(connection, path)
            undone.pop_all()

    def close(self) -> None:
        if self.is_opener:
            self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def for_user(self, user: str) -> SqliteStore:
        other = copy(self)
        other.user = checked_user(user)
        other.is_opener = False
        other.__dict__.pop("vectors", None)  # what it keeps is this one's
        return other

    @contextmanager
    def _reading(self, conversation: str) -> Iterator[tuple[Connection, int]]:
        """Lend a connection with the internal key of a conversation of the user's."""
        with self._pool.snapshot() as connection:
            yield connection, self._readable(connection, conversation)

    @contextmanager
    def _changing(self, conversation: str) -> Iterator[tuple[Connection, Standing, str]]:
        """Lend a connection in a write transaction, with where the conversation stands and the time."""
        now = self._now()
        with self._pool.write() as connection:
            yield connection, conversation_rows.standing(connection, self.user, conversation, now), now

    # conversations

    def new(self, draft: ConversationDraft = _UNTITLED, messages: Sequence[MessageDraft] = ()) -> Conversation:
        drafts = [checked_message(message) for message in messages]
        now = self._now()
        with self._pool.write() as connection:
            key = message_rows.keyed_conversation(connection, self.user, drafts, now)
            if key is None:
                key = conversation_rows.insert(
                    connection, self.user, draft._replace(created_at=draft.created_at or now), now
                )
                tag_rows.add(connection, self.user, [key], draft.tags)
                if drafts:
                    message_rows.append(connection, self.user, Standing(key, 0, None, draft.title, 1), drafts, now)
            return conversation_rows.by_key(connection, key)

    def get(self, ref: str, *, among: Filters = _ANY) -> Conversation:
        with self._pool.snapshot() as connection:
            key = conversation_rows.resolve(connection, self.user, ref, self._now(), among)
            return conversation_rows.by_key(connection, key)

    def conversations(
        self,
        filters: Filters = _ANY,
        *,
        sort: str = "updated:desc",
        limit: int | None = None,
        cursor: str | None = None,
        readable: bool = False,
    ) -> Page:
        with self._pool.snapshot() as connection:
            asked = listing.Asked(sort, limit, cursor, readable)
            return listing.page(connection, self.user, filters, self._now(), asked)

    def change(self, conversation: str, changes: Mapping[str, Any], *, if_revision: int | None = None) -> Conversation:
        with self._changing(conversation) as (connection, before, now):
            before.check(if_revision)
            conversation_rows.change(connection, before.key, changes, now)
            if "hold" in changes:
                audit.record_hold(connection, self.user, now, conversation, changes["hold"])
            return conversation_rows.by_key(connection, before.key)

    def fork(self, conversation: str, seq: int | None = None, *, title: str | None = None) -> Conversation:
        with self._changing(conversation) as (connection, (key, *_), now):
            parent = conversation_rows.by_key(connection, key)
            at = seq if seq is not None else parent.head
            if at is not None:
                message_rows.one(connection, key, conversation, at)
            draft = ConversationDraft(
                title=title or parent.title,
                parent=parent.id,
                forked_at=at,
                model=parent.model,
                project=parent.project,
                tags=parent.tags,
            )
            child = conversation_rows.insert(connection, self.user, draft, now)
            tag_rows.add(connection, self.user, [child], draft.tags)
            path = message_rows.path_to(connection, key, at) if at else []
            message_rows.copy_path(connection, key, path, child)
            summary_rows.copy(connection, key, path, child)
            return conversation_rows.by_key(connection, child)

    def delete(self, conversations: Sequence[str]) -> int:
        with self._pool.write() as connection:
            now = self._now()
            count = conversation_rows.trash(connection, self.user, several(conversations, "ids"), now)
            if count:
                audit.record(connection, self.user, now, "delete", {"conversations": count})
            return count

    def restore(self, conversations: Sequence[str]) -> int:
        with self._pool.write() as connection:
            count = conversation_rows.untrash(connection, self.user, several(conversations, "ids"))
            if count:
                audit.record(connection, self.user, self._now(), "restore", {"conversations": count})
            return count

    # messages

    def add(
        self, conversation: str, messages: Sequence[MessageDraft], *, if_revision: int | None = None
    ) -> list[Message]:
        drafts = [checked_message(draft) for draft in messages]
        with self._changing(conversation) as (connection, before, now):
            seqs = message_rows.stored_before(connection, before.key, drafts)
            if seqs is not None:
                return message_rows.at(connection, before.key, conversation, seqs)
            before.check(if_revision)
            placed = message_rows.append(connection, self.user, before, drafts, now) if drafts else []
            if any(draft.parts is not None or draft.metadata for draft in drafts):  # JSON may change what it keeps
                return message_rows.at(connection, before.key, conversation, [place.seq for place in placed])
            return [message_rows.as_stored(conversation, *one) for one in zip(drafts, placed, strict=True)]

    def message(self, conversation: str, seq: int) -> Message:
        with self._reading(conversation) as (connection, key):
            return message_rows.one(connection, key, conversation, seq)

    def messages(
        self, conversation: str, *, last: int | None = None, branch: int | None = None, all_branches: bool = False
    ) -> Iterator[Message]:
        if last is not None and last < 0:
            raise UsageError(f"there are no last {last} messages", "last is a number from 0 on")
        if branch is not None:
            yield from self._path(conversation, branch, last)
            return
        if last is not None:
            with self._reading(conversation) as (connection, key):
                found = message_rows.last(connection, key, conversation, last, active=not all_branches)
            yield from found
            return
        seq = 0
        while True:
            with self._reading(conversation) as (connection, key):
                found = message_rows.after(connection, key, conversation, seq, active=not all_branches)
            yield from found
            if len(found) < message_rows.PAGE:
                return
            seq = found[-1].seq

    def _path(self, conversation: str, leaf: int, last: int | None) -> Iterator[Message]:
        with self._reading(conversation) as (connection, key):
            message_rows.one(connection, key, conversation, leaf)
            seqs = message_rows.path_to(connection, key, leaf)
        seqs = seqs if last is None else seqs[max(len(seqs) - last, 0) :]
        for start in range(0, len(seqs), message_rows.PAGE):
            with self._reading(conversation) as (connection, key):
                found = message_rows.at(connection, key, conversation, seqs[start : start + message_rows.PAGE])
            yield from found

    def around(self, conversation: str, seq: int, *, before: int, after: int) -> list[Message]:
        with self._reading(conversation) as (connection, key):
            path = message_rows.path_through(connection, key, conversation, seq, before, after)
            return message_rows.at(connection, key, conversation, path)

    # tags and words

    def tag(self, conversations: Sequence[str], *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> int:
        with self._pool.write() as connection:
            keys = [conversation_rows.any_key_of(connection, self.user, name) for name in several(conversations, "ids")]
            changed = tag_rows.add(connection, self.user, keys, add) | tag_rows.remove(
                connection, self.user, keys, remove
            )
            conversation_rows.touch(connection, changed)
            return len(changed)

    def tags(self) -> list[tuple[str, int]]:
        with self._pool.read() as connection:
            return tag_rows.counts(connection, self.user, self._now())

    def scan(self, filters: Filters = _ANY, *, hidden: bool = False, latest: bool = False) -> Iterator[Hit]:
        with self._pool.read() as connection:
            keys = conversation_rows.keys(connection, self.user, filters, self._now())
        for key in keys:
            seq: int | None = None
            while True:
                with self._pool.snapshot() as connection:
                    title, found = message_rows.scan(connection, key, seq, filters, hidden=hidden, latest=latest)
                yield from (Hit(message, title, 0.0) for message in found)
                if len(found) < message_rows.PAGE:
                    break
                seq = found[-1].seq

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
        return self.ingest_all([Batch(source, records, moved)], undelete=undelete, dry_run=dry_run)[0]

    def ingest_all(self, batches: Sequence[Batch], *, undelete: bool = False, dry_run: bool = False) -> list[Ingested]:
        from chatlog.store.sqlite.ingest import Ingest

        with self._pool.write(commit=not dry_run, durable=False) as connection:
            return [
                Ingest(connection, self.user, batch, self._now(), undelete=undelete).run(batch.records)
                for batch in batches
            ]

    def settle(self) -> None:
        self._pool.settle()

    def ingest_extra(self, extra: Extra) -> bool:
        from chatlog.store.sqlite import extras

        with self._pool.write() as connection:
            return extras.bring_in(connection, self.user, extra, self._now())

    def extras(self, conversation: str | None = None) -> Iterator[Extra]:
        from chatlog.store.sqlite import extras

        is_whole = True
        with self._pool.read() as connection:
            if conversation is not None:
                found = extras.summaries_of(connection, self.user, conversation)
            else:
                found, is_whole = extras.memories(connection, self.user, self._now())
                found += extras.tombstones(connection, self.user)
        yield from found
        if not is_whole:
            raise unreadable(self.path)

    def title_by_message(self, source: str, message_id: str, title: str) -> bool:
        with self._pool.write(durable=False) as connection:
            return conversation_rows.title_by_message(connection, self.user, source, message_id, title)

    # upkeep

    def record(self, action: str, **counts: Any) -> None:
        with self._pool.write() as connection:
            audit.record(connection, self.user, self._now(), action, counts)

    def owns(self, path: Path) -> bool:
        ours = _own_files(self._pool.file)
        # by name first: a hundred thousand files may be asked for in a row
        return (path.name in ours or path.is_symlink()) and path.resolve() in ours.values()

    def info(self) -> dict[str, Any]:
        from chatlog.store.sqlite import upkeep

        with self._pool.read() as connection:
            return upkeep.info(connection, self.user, self.path)

    def checks(self, *, deep: bool = False) -> Iterator[Check]:
        from chatlog.store.sqlite import health

        with self._pool.read() as connection:
            yield from health.checks(connection, self.path, deep=deep)

    def rebuild(self) -> None:
        from chatlog.store.sqlite import rebuilding

        with self._pool.write() as connection:
            rebuilding.rebuild(connection)

    def backup(self, target: Path, *, instead_of: Sequence[Path] = ()) -> int:
        from chatlog.store.sqlite import backups, upkeep

        with self._pool.read() as connection:
            size = upkeep.backup(connection, target)
        with suppress(BusyError), self._pool.write() as connection:  # a file that cannot be written can be copied
            backups.remember(connection, target, self._now(), instead_of)
        return size

    def backups(self) -> list[Backup]:
        from chatlog.store.sqlite import backups

        with self._pool.read() as connection:
            return backups.known(connection)


@lru_cache(maxsize=8)
def _own_files(real: Path) -> dict[str, Path]:
    """Return what belongs to a database file, by name; of an absolute path, for it is remembered."""
    return {file.name: file for file in all_of(real)}
