"""The file as a file: facts about it, its health, copies of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as driver

from chatlog.errors import NotFoundError, RefusedError, StorageFullError
from chatlog.models import Check, content_hash
from chatlog.store.sqlite.bodies import unpack
from chatlog.store.sqlite.connection import CORRUPT, FULL, IOERR, READONLY, Connection, begin_immediate
from chatlog.store.sqlite.fulltext import IDENTIFIER_CHARS, extra_terms

#: The path of every conversation, from its head to the root.
PATHS = """WITH RECURSIVE path (conversation, seq) AS (
    SELECT key, head_seq FROM conversations WHERE head_seq IS NOT NULL
    UNION SELECT m.conversation, m.parent_seq FROM path JOIN messages AS m
      ON m.conversation = path.conversation AND m.seq = path.seq WHERE m.parent_seq IS NOT NULL)"""
#: SQL that finds nothing in a healthy file, with what it means if it does.
ORPHANS = (
    ("messages without a body", "SELECT count(*) FROM messages WHERE body NOT IN (SELECT id FROM bodies)"),
    ("bodies without a message", "SELECT count(*) FROM bodies WHERE id NOT IN (SELECT body FROM messages)"),
    (
        "messages without a conversation",
        "SELECT count(*) FROM messages WHERE conversation NOT IN (SELECT key FROM conversations)",
    ),
    (
        "bodies of another user than their conversation's",
        """SELECT count(*) FROM messages AS m JOIN bodies AS b ON b.id = m.body
           JOIN conversations AS c ON c.key = m.conversation WHERE b.user <> c.user""",
    ),
    (
        "messages whose parent is missing",
        """SELECT count(*) FROM messages AS m WHERE parent_seq IS NOT NULL AND NOT EXISTS
           (SELECT 1 FROM messages AS p WHERE p.conversation = m.conversation AND p.seq = m.parent_seq)""",
    ),
)
COUNTERS = (
    (
        "message counts",
        """SELECT count(*) FROM conversations AS c WHERE message_count <>
           (SELECT count(*) FROM messages AS m WHERE m.conversation = c.key)""",
    ),
    (
        "last seqs",
        """SELECT count(*) FROM conversations AS c WHERE last_seq <
           (SELECT coalesce(max(seq), 0) FROM messages AS m WHERE m.conversation = c.key)""",
    ),
    (
        "heads",
        """SELECT count(*) FROM conversations AS c WHERE coalesce(head_seq, 0) <>
           (SELECT coalesce(max(seq), 0) FROM messages AS m WHERE m.conversation = c.key AND active)""",
    ),
    (
        "active paths",
        f"""SELECT count(DISTINCT m.conversation) FROM messages AS m
            LEFT JOIN ({PATHS} SELECT conversation, seq FROM path) AS path
              ON path.conversation = m.conversation AND path.seq = m.seq
            WHERE m.active <> (path.seq IS NOT NULL)""",
    ),
)


def backup(connection: Connection, target: Path) -> int:
    """Write a consistent copy of the open file to a new private file; return its size in bytes.

    Raises RefusedError where the target exists (a symlink included) and NotFoundError where its
    folder does not.
    """
    if os.path.lexists(target):
        raise RefusedError(f"{target} exists already", "choose another name")
    partial = target.with_name(f".{target.name}.partial")  # the name says a whole copy, also after a kill
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o600))
    except OSError as error:
        raise NotFoundError(f"cannot write {target}: {error.strerror}") from None
    try:
        connection.execute("VACUUM INTO ?", (str(partial),))
        partial.rename(target)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, driver.Error) and error.sqlite_errorcode & 0xFF in (FULL, IOERR):
            raise StorageFullError(
                f"{target} could not be written: the disk is full or refuses", "free some space"
            ) from error
        raise
    return target.stat().st_size


def info(connection: Connection, user: str, path: Path) -> dict[str, Any]:
    """Return facts about the file, and how much of it is the user's."""
    pages, size, free = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _PAGES)
    conversations, messages = connection.execute(
        "SELECT count(*), coalesce(sum(message_count), 0) FROM conversations WHERE user = ? AND deleted_at IS NULL",
        (user,),
    ).fetchone()
    wal = path.with_name(path.name + "-wal")
    return {
        "path": str(path),
        "bytes": pages * size,
        "free_bytes": free * size,
        "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        "mode": f"{path.stat().st_mode & 0o777:04o}",
        "schema": connection.execute("PRAGMA user_version").fetchone()[0],
        "sqlite": driver.sqlite_version,
        "encrypted": is_encrypted(connection),
        "journal_mode": connection.execute("PRAGMA journal_mode").fetchone()[0],
        "conversations": conversations,
        "messages": messages,
    }


def is_encrypted(connection: Connection) -> bool:
    """Whether what the connection reads and writes is encrypted."""
    return bool(connection.execute("PRAGMA cipher_status").fetchone() == ("1",))


_PAGES = ("page_count", "page_size", "freelist_count")


def checks(connection: Connection, path: Path, *, deep: bool) -> Iterator[Check]:
    """Verify the file: pages, foreign keys, word index against its table, orphans, counters, permissions."""
    if is_encrypted(connection):
        broken = connection.execute("PRAGMA cipher_integrity_check").fetchall()
        yield Check("seals", not broken, f"{len(broken)} pages were changed" if broken else "ok")
    yield _pages(connection)
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    yield Check("foreign keys", not broken, f"{len(broken)} broken" if broken else "ok")
    yield _word_index(connection)
    yield _counted("orphans", connection, ORPHANS)
    yield _counted("counters", connection, COUNTERS)
    mode = path.stat().st_mode & 0o777
    yield Check(
        "permissions", mode & 0o077 == 0, f"{mode:04o}" if mode & 0o077 == 0 else f"{mode:04o}: chmod 600 {path}"
    )
    if deep:
        yield _hashes(connection)


def _pages(connection: Connection) -> Check:
    try:
        rows = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
    except driver.DatabaseError as error:
        rows = [str(error)]
    return Check("integrity", rows == ["ok"], "ok" if rows == ["ok"] else f"{len(rows)} problems: {rows[0]}")


def _word_index(connection: Connection) -> Check:
    """Compare the index with its table, which FTS5 only does where it might write."""
    try:
        begin_immediate(connection)
        connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    except driver.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF == READONLY:
            return Check("word index", ok=True, detail="not compared with the messages: the file is read-only")
        if error.sqlite_errorcode & 0xFF != CORRUPT:
            raise
        return Check("word index", ok=False, detail="does not agree with the messages: chatlog doctor --rebuild")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return Check("word index", ok=True, detail="ok")


def _counted(name: str, connection: Connection, queries: tuple[tuple[str, str], ...]) -> Check:
    try:
        found = [(what, connection.execute(sql).fetchone()[0]) for what, sql in queries]
    except driver.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != CORRUPT:
            raise
        return Check(name, ok=False, detail="cannot be read: the file is damaged")
    wrong = [f"{count} {what}" for what, count in found if count]
    return Check(name, not wrong, "; ".join(wrong) or "ok")


def _hashes(connection: Connection) -> Check:
    total = wrong = 0
    for role, text, tool, parts, digest in connection.execute(
        "SELECT m.role, b.text, b.tool, b.parts, b.sha256 FROM messages AS m JOIN bodies AS b ON b.id = m.body"
    ):
        total += 1
        wrong += not _matches(role, text, tool, parts, digest)
    return Check("hashes", not wrong, f"{wrong} of {total} messages do not match" if wrong else f"{total} messages")


def _matches(role: str, text: str, tool: str | None, parts: str | None, digest: bytes) -> bool:
    try:
        return content_hash(role, unpack(parts, text, tool)) == digest
    except (KeyError, TypeError, ValueError):  # parts that are no JSON, or refer to what is not there
        return False


def rebuild(connection: Connection) -> None:
    """Recreate the search terms, the word index, the counters and the active paths, in the caller's transaction."""
    for body in [row[0] for row in connection.execute("SELECT id FROM bodies")]:
        *stored, text, tool = connection.execute(
            "SELECT extra, tool_extra, text, tool FROM bodies WHERE id = ?", (body,)
        ).fetchone()
        terms = [extra_terms(text), extra_terms(tool, IDENTIFIER_CHARS) if tool else None]
        if stored != terms:
            connection.execute("UPDATE bodies SET extra = ?, tool_extra = ? WHERE id = ?", (*terms, body))
    connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
    for sql in _DERIVED:
        connection.execute(sql)


_OF_CONVERSATION = "FROM messages AS m WHERE m.conversation = conversations.key"
#: What follows from the messages: counters, the head where there is no such message, the path to the head.
_DERIVED = (
    f"""UPDATE conversations SET message_count = (SELECT count(*) {_OF_CONVERSATION}),
          last_seq = max(last_seq, (SELECT coalesce(max(seq), 0) {_OF_CONVERSATION}))""",
    f"""UPDATE conversations SET head_seq = (SELECT max(seq) {_OF_CONVERSATION})
        WHERE NOT EXISTS (SELECT 1 {_OF_CONVERSATION} AND m.seq = head_seq)""",
    f"{PATHS} UPDATE messages SET active = (conversation, seq) IN (SELECT conversation, seq FROM path)",
)
