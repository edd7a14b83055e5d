"""Import, a batch at a time: what is new is appended, what changed replaced, what is here left alone.

A conversation is known by (user, source, source id), a message by its source id within it, or by
its seq where it comes from chatlog's own export.  Tombstones and the trash keep what was deleted away.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from chatlog.models import ConversationDraft, Ingested, MessageDraft
from chatlog.store import Batch
from chatlog.store.sqlite import bodies, conversations, existing, headers, messages, slices, superseded, tags
from chatlog.store.sqlite.connection import Connection, Row
from chatlog.store.sqlite.identity import (
    Identity,
    completed,
    diverged,
    grouped,
    identity,
    is_beginning,
    is_same,
    last_versions,
    nameless,
    origin,
    parents_first,
)
from chatlog.store.sqlite.rows import Rows
from chatlog.store.sqlite.target import Target
from chatlog.titles import title_from

#: The source of what comes in chatlog's own JSONL.
OWN = "chatlog"

#: What an import remembers between its batches: the source id under which the message of a conversation's
#: seq in the export is kept as a branch, because ours has another there.
Moved = dict[tuple[str, Identity | None], str]


class Ingest:
    """One batch, inside the caller's transaction."""

    def __init__(self, connection: Connection, user: str, batch: Batch, now: str, *, undelete: bool) -> None:
        self.moved: Moved = {} if batch.moved is None else batch.moved
        self.came = set[str]() if batch.came is None else batch.came
        self.connection = connection
        self.user = user
        self.source = batch.source
        self.now = now
        self.undelete = undelete
        self.rows = Rows(connection)
        self.placed: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.orphans: list[str] = []
        self.ids: list[str] = []
        self.was_redacted = superseded.any_redacted(connection)

    def run(self, records: Sequence[ConversationDraft | MessageDraft]) -> Ingested:
        """Bring the records in and return what they did."""
        settled: list[tuple[Target, ConversationDraft, list[MessageDraft]]] = []
        for header, drafts in grouped(records):
            draft = self._linked(header)
            target = self._target(draft, drafts)
            if target is None:
                self.counts["skipped"] += len(drafts)
                continue
            self._load(target, draft, drafts)
            for message in parents_first(last_versions(drafts)):
                self._take(target, self._relocated(target, message))
            settled.append((target, draft, drafts))
        self.rows.write()
        self.rows.index()
        for target, draft, drafts in settled:
            slices.join(self.connection, target, drafts)
            self._settle(target, draft)
        return Ingested(**self.counts, orphans=tuple(self.orphans), ids=tuple(self.ids))

    # conversations

    def _linked(self, draft: ConversationDraft) -> ConversationDraft:
        """Return the draft with its source, and with its parent's id in this file in place of the source's."""
        if draft.id is not None:
            return draft
        draft = draft._replace(source=self.source)
        if draft.parent is None:
            return draft
        row = self.connection.execute(
            "SELECT id FROM conversations WHERE user = ? AND source = ? AND source_id = ?",
            (self.user, self.source, draft.parent),
        ).fetchone()
        if row is None:
            self.orphans.append(draft.source_id or "")
        return draft._replace(parent=row[0] if row else None)

    def _target(self, draft: ConversationDraft, drafts: Sequence[MessageDraft]) -> Target | None:
        """Return the conversation to fill, created where it is new; None where it was deleted here."""
        own = draft.id or (draft.source_id if self.source == OWN else None)
        row = self._find("id = ?", [own]) if own else None
        if row is None and draft.source_id is not None:
            row = self._find("source IS ? AND source_id = ?", [draft.source, draft.source_id])
        if row is None:
            return None if self._is_buried(draft) else self._create(draft, drafts)
        *facts, is_held, deleted_at, is_doomed = row
        if is_doomed or (deleted_at is not None and draft.deleted_at is None):
            if not self.undelete:
                return None
            self._is_buried(draft)
            conversations.revive(self.connection, facts[0])
        key, name, title, title_by, last_seq, head, updated_at, revision = facts
        title_by = "owner" if is_held else title_by  # no import takes it away
        found = Target(key, name, False, title, title_by, last_seq, head, updated_at, revision, stored_head=head)
        found.is_held, found.stored_seq, found.is_coming = bool(is_held), last_seq, name in self.came
        return found

    def _find(self, condition: str, values: list[str | None]) -> Row | None:
        found: Row | None = self.connection.execute(
            f"""SELECT key, id, title, title_by, last_seq, head_seq, updated_at, revision, hold IS NOT NULL, deleted_at,
                  expires_at IS ?
                FROM conversations WHERE user = ? AND {condition}""",
            [conversations.DOOMED, self.user, *values],
        ).fetchone()
        return found

    def _is_buried(self, draft: ConversationDraft) -> bool:
        """Whether a conversation was deleted for good; where it is wanted back, that is forgotten."""
        condition = "user = ? AND source = ? AND source_id = ?"
        values = (self.user, draft.source or OWN, draft.source_id or draft.id)
        if self.undelete:
            self.connection.execute(f"DELETE FROM tombstones WHERE {condition}", values)
            return False
        found = self.connection.execute(f"SELECT 1 FROM tombstones WHERE {condition} AND message_id = ''", values)
        return found.fetchone() is not None

    def _create(self, draft: ConversationDraft, drafts: Sequence[MessageDraft]) -> Target:
        times = [message.created_at for message in drafts if message.created_at]
        if draft.created_at is None and times:
            draft = draft._replace(created_at=min(times), updated_at=draft.updated_at or max(times))
        key = conversations.insert(self.connection, self.user, draft, self.now)
        tags.add(self.connection, self.user, [key], filter(None, map(tags.made_of, draft.tags)))
        stored = conversations.by_key(self.connection, key)
        self.came.add(stored.id)
        title_by = "source" if draft.title else "text"
        target = Target(key, stored.id, True, draft.title, title_by, 0, None, stored.updated_at, stored.revision)
        target.last_time, target.is_coming = min(stored.created_at, stored.updated_at), True
        return target

    # messages

    def _load(self, target: Target, draft: ConversationDraft, drafts: Sequence[MessageDraft]) -> None:
        """Look up which of the batch's messages, and of those they refer to, are here."""
        target.newest_in_batch = max((message.created_at or "" for message in drafts), default="")
        target.is_newer = (draft.updated_at or "") > target.updated_at
        if draft.forked_at is not None and draft.parent is not None:
            target.inherited = existing.prefix_of(self.connection, self.user, draft.parent, draft.forked_at)
        if not self.undelete:
            target.buried = existing.buried_in(self.connection, self.user, draft.source or OWN, draft)
        if not target.is_new:
            self._load_known(target, draft, drafts)
        unknown = [one for one in drafts if one.source_id not in target.known]
        target.repeated = existing.repeated(self.connection, unknown, self.placed)

    def _load_known(self, target: Target, draft: ConversationDraft, drafts: Sequence[MessageDraft]) -> None:
        wanted: set[Identity | None] = {draft.head}
        for message in drafts:
            wanted |= {message.source_id, message.parent}
            if message.seq is not None or self.moved:
                before = self.moved.get((target.id, message.parent))
                wanted |= {message.seq, before, diverged(target.id, message)}
        origins = {name: found for name in wanted if (found := origin(target.id, name))}
        wanted |= {seq for seq, _ in origins.values()}
        for name, parent, is_hidden, metadata, *place in existing.placed(self.connection, target.key, wanted):
            target.known[name] = (place[0], place[1], place[2])
            target.parents[name], target.metadata[name] = parent, metadata
            if is_hidden:
                target.hidden.add(name)
        for name, (seq, digest) in origins.items():  # ours, which a copy of this conversation kept as a branch
            if seq in target.known and target.known[seq][1].hex().startswith(digest):
                target.known.setdefault(name or "", target.known[seq])

    def _relocated(self, target: Target, draft: MessageDraft) -> MessageDraft:
        """Return a message with the ids that it has on a branch, where its parent was kept as one by `_diverge`."""
        before = self.moved.get((target.id, draft.parent)) if draft.source_id is None else None
        if before is None:
            return draft
        name = self.moved[target.id, draft.seq] = diverged(target.id, draft) or ""
        return draft._replace(source_id=name, parent=before)

    def _take(self, target: Target, draft: MessageDraft) -> None:
        """Leave, replace, skip or append one message."""
        digest = bodies.hash_of(draft)
        name = identity(draft)
        known = None if name is None else target.known.get(name)
        if known is None and (draft.source_id or nameless(draft.seq or 0)) in target.buried:
            self.counts["skipped"] += 1
        elif known is None and draft.source_id is None and 0 < (draft.seq or 0) <= target.last_seq:
            self._diverge(target, draft, digest)
        elif known is None:
            self._append(target, draft, digest)
        elif known[1] == digest and name in target.hidden and not draft.hidden:  # sent at last
            self._replace(target, draft, digest, known)
        elif known[1] == digest and (told := self._completed(target, name, draft)):
            self._replace(target, told, digest, known)
        elif known[1] == digest or self._stays(target, known[0], draft, digest):
            self.counts["unchanged"] += 1
            target.known |= {draft.seq: known} if draft.seq is not None else {}
        elif draft.source_id is None:
            self._diverge(target, draft, digest)
        elif kept := self._kept(target, known[0], draft):
            self.counts[kept] += 1
        else:
            self._replace(target, draft, digest, known)

    def _append(self, target: Target, draft: MessageDraft, digest: bytes) -> None:
        redacted = superseded.redacted_body(self.connection, self.user, digest) if self.was_redacted else None
        body = redacted or self._existing_copy(target, draft, digest) or self._insert(draft, digest)
        given = draft.seq or 0  # as an export of ours numbers it
        # what has no time was said when what came before it was, in whichever batch that came
        created_at = (
            draft.created_at or target.last_time or existing.time_of(self.connection, target.key, target.last_seq)
        )
        target.last_seq = seq = max(target.last_seq + 1, given)
        parent = self._follow(target, draft, seq)
        in_line = parent == target.head
        self.rows.places.append(messages.place_of((target.key, seq, body, parent, in_line), draft, created_at))
        if in_line:
            target.head = seq
        if redacted is not None:
            self.rows.write()
            superseded.note(self.connection, target.key, seq, digest, redacted=True)
        elif target.title is None and draft.role == "user" and not draft.hidden and draft.seq is None:
            target.title = title_from(draft.text)
        place = (seq, digest, body)
        if draft.source_id is not None:
            target.known[draft.source_id] = place
            self.placed.add(draft.source_id)
        if draft.seq is not None:
            target.known[draft.seq] = place
        target.placed += 1
        target.last_time, target.newest = created_at, max(target.newest, created_at)
        target.oldest = min(target.oldest, created_at)
        self.counts["new"] += 1

    def _follow(self, target: Target, draft: MessageDraft, seq: int) -> int | None:
        """Return the seq of what the message that is given `seq` follows.

        Where its parent is not here, as in a slice of a session, that is the head; nothing, until it is looked for in
        `slices`, where something here was said later.
        """
        if draft.parent is None or draft.parent in target.known:
            return None if draft.parent is None else target.known[draft.parent][0]
        if isinstance(draft.parent, str):
            target.awaited[seq] = draft.parent
        if target.latest is None:
            target.latest = "" if target.is_new else existing.newest_time(self.connection, target.key)
        is_last = not draft.created_at or draft.created_at >= max(target.latest, target.newest)
        return target.head if is_last else None

    def _diverge(self, target: Target, draft: MessageDraft, digest: bytes) -> None:
        """Keep a message as a branch, where an export of this history has another than we have at the same seq."""
        name = self.moved[target.id, draft.seq] = diverged(target.id, draft) or ""
        branch = draft._replace(source_id=name)
        known = target.known.get(name)
        if known is None:
            self._append(target, branch, digest)
        else:
            self.counts["unchanged"] += 1
            target.known[draft.seq or 0] = known

    def _replace(self, target: Target, draft: MessageDraft, digest: bytes, known: tuple[int, bytes, int]) -> None:
        seq, before, old = known
        body = self._insert(draft, digest)
        self.rows.write()
        if before != digest:
            superseded.note(self.connection, target.key, seq, before)
        self.connection.execute(
            """UPDATE messages SET body = ?, role = ?, model = coalesce(?, model), hidden = ?
               WHERE conversation = ? AND seq = ?""",
            (body, draft.role, draft.model, draft.hidden, target.key, seq),
        )
        bodies.release(self.connection, [old])
        target.known[draft.source_id or ""] = (seq, digest, body)
        target.replaced += 1
        self.counts["updated"] += 1

    def _completed(self, target: Target, name: Identity | None, draft: MessageDraft) -> MessageDraft | None:
        """Return a message that says the same and of which more is told now, as its usage; None where it is not."""
        if not draft.metadata or draft.source_id is None or name not in target.metadata or target.is_held:
            return None
        if (stored := target.metadata[name]) == bodies.dump(draft.metadata):
            return None
        before = json.loads(stored or "{}")
        merged = completed(before, draft.metadata, is_newer=target.is_newer)
        if merged == before or superseded.is_redacted(self.connection, target.key, target.known[name][0]):
            return None
        return draft._replace(metadata=merged)

    def _stays(self, target: Target, seq: int, draft: MessageDraft, digest: bytes) -> bool:
        return superseded.keeps(self.connection, target.key, seq, digest, named=draft.source_id is not None)

    def _kept(self, target: Target, seq: int, draft: MessageDraft) -> str | None:
        """Return as what it counts that a message stays although it came otherwise; None where it does not stay.

        It stays where only its beginning came, as a snapshot taken while it was written has it (with as many parts, in
        a source that says it is newer, it is an edit), or what it had in a file that is gone, and on legal hold where
        any of it would go.
        """
        self.rows.write()
        role, stored = existing.said_at(self.connection, target.key, seq)
        parts = draft.all_parts()
        is_edit = target.is_newer and len(parts) == len(stored) and not is_same(parts, stored)
        if role == draft.role and not is_edit and is_beginning(parts, stored):
            return "unchanged"
        return None if not target.is_held or (role == draft.role and is_beginning(stored, parts)) else "skipped"

    def _insert(self, draft: MessageDraft, digest: bytes) -> int:
        return self.rows.add(bodies.row_of(self.user, draft, digest))

    def _existing_copy(self, target: Target, draft: MessageDraft, digest: bytes) -> int | None:
        """Return the body of the same message where the parent of a fork, or a session resumed here, has said it."""
        is_repeated = draft.source_id in target.repeated
        if not (is_repeated or target.inherited):
            return None
        said = (digest, draft.text, draft.author, bodies.dump(draft.metadata))
        if said in target.inherited or not is_repeated:
            return target.inherited.get(said)
        self.rows.write()
        return existing.copy_of(self.connection, self.user, self.source, draft.source_id, said)

    # the end of a batch

    def _settle(self, target: Target, draft: ConversationDraft) -> None:
        """Bring the conversation's own row up to date; nothing is written where nothing changed."""
        self.ids.append(target.id)
        is_moved = any(conversation == target.id for conversation, _ in self.moved)
        wanted = headers.wanted_head(self.connection, target, draft, is_moved=is_moved)
        if wanted is not None and wanted != target.head:
            messages.switch_head(self.connection, target.key, wanted)
            target.head = wanted
        changes = headers.changes(self.connection, target, draft)
        if not target.is_new and target.is_coming:  # its header stood behind its first messages
            tags.add(self.connection, self.user, [target.key], filter(None, map(tags.made_of, draft.tags)))
            changes |= headers.marks(self.connection, target, draft)
        is_other = bool(target.placed or target.replaced or target.head != target.stored_head)
        if not (is_other or changes):
            return
        revision = target.revision + 1
        if draft.revision is not None and draft.revision >= target.revision:
            revision = draft.revision
        elif target.is_new:
            revision = target.revision
        values = {"last_seq": target.last_seq, "head_seq": target.head, "revision": revision, **changes}
        values |= {"token_count": None} if is_other else {}
        self.connection.execute(
            f"""UPDATE conversations SET {", ".join(f"{name} = ?" for name in values)},
                  message_count = message_count + ? WHERE key = ?""",
            [*values.values(), target.placed, target.key],
        )
