"""What a sound file is: one function for each thing that must hold, with what mends it where it does not.

Looks and never changes anything; rebuilding.py makes again what is derived.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlcipher3 import dbapi2 as driver

from chatlog.canonical import content_hash
from chatlog.errors import NoVectorsError
from chatlog.models import Check
from chatlog.store.sqlite import trees, vectors
from chatlog.store.sqlite.bodies import unpack
from chatlog.store.sqlite.connection import Connection, transaction
from chatlog.store.sqlite.database_file import all_of
from chatlog.store.sqlite.failures import CORRUPT, ERROR, IOERR, NOTADB, READONLY, UNREADABLE, is_unreadable
from chatlog.store.sqlite.fulltext import extra_columns
from chatlog.store.sqlite.shape import differences
from chatlog.store.sqlite.upkeep import is_encrypted

REBUILD = "chatlog doctor --rebuild"
#: What only a copy has.  FILE is a backup; who knows which there are may name one.
RESTORE = "chatlog db restore FILE"
SAVE = f"{RESTORE}; without a backup: chatlog export -o saved.jsonl, and import that into a new file"

#: What no rebuilding brings back: SQL that counts nothing in a healthy file, with what it means if it does.
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
)
#: Of a row of token_totals, as t.
WRONG_TOTAL = """(t.messages, t.tokens) <>
    (SELECT count(*), coalesce(sum(n.tokens), 0) FROM messages AS m
     LEFT JOIN token_counts AS n ON n.body = m.body AND n.encoding = t.encoding
     WHERE m.conversation = t.conversation AND m.seq <= t.seq AND m.active AND NOT m.hidden)"""
#: What follows from the messages.
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
            LEFT JOIN ({trees.PATHS} SELECT conversation, seq FROM path) AS path
              ON path.conversation = m.conversation AND path.seq = m.seq
            WHERE m.active <> (path.seq IS NOT NULL)""",
    ),
    (
        "token totals",
        f"SELECT count(*) FROM token_totals AS t WHERE {WRONG_TOTAL}",
    ),
)
VALUES = (
    (
        "states or metadata of conversations",
        "SELECT count(*) FROM conversations WHERE NOT json_valid(state) OR NOT json_valid(metadata)",
    ),
    ("memories", "SELECT count(*) FROM memories WHERE NOT json_valid(value) OR NOT json_valid(tags)"),
    ("policies", "SELECT count(*) FROM policies WHERE NOT json_valid(rule)"),
)


def checks(connection: Connection, path: Path, *, deep: bool) -> Iterator[Check]:
    """Verify the file: pages, schema, references, what is derived, who may read it; with `deep` every message."""
    every: list[tuple[str, Callable[[Connection], Check]]] = [("integrity", _pages)]
    if is_encrypted(connection):
        every.append(("seals", _seals))
    every += [
        ("schema", _schema),
        ("engine", _engine),
        ("foreign keys", _references),
        ("word index", _word_index),
        ("vectors", _vectors),
        ("orphans", partial(_counted, "orphans", ORPHANS, SAVE)),
        ("trees", _trees),
        ("counters", partial(_counted, "counters", COUNTERS, REBUILD)),
        ("values", _values),
        ("permissions", lambda _: _permissions(path)),
    ]
    every += [("search terms", _terms), ("hashes", _hashes)] if deep else []
    for name, check in every:
        yield _readable(name, check, connection)


def _readable(name: str, check: Callable[[Connection], Check], connection: Connection) -> Check:
    """Return what a check says, also where it cannot read what it is about."""
    try:
        return check(connection)
    except (driver.DatabaseError, TypeError, *UNREADABLE) as error:  # TypeError: a number where a text was
        is_odd = isinstance(error, TypeError) or is_unreadable(error)
        code = CORRUPT if is_odd else getattr(error, "sqlite_errorcode", ERROR) & 0xFF
        if code == ERROR:
            return Check(name, ok=False, detail="cannot be looked at: the schema is not whole", mend=REBUILD)
        if code not in (CORRUPT, IOERR, NOTADB):
            raise
        return Check(name, ok=False, detail="cannot be read: the file is damaged", mend=SAVE)


def _pages(connection: Connection) -> Check:
    rows = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
    if rows == ["ok"]:
        return Check("integrity", ok=True, detail="ok")
    mend = REBUILD if all(_is_of_an_index(row) for row in rows) else SAVE
    return Check("integrity", ok=False, detail=f"{len(rows)} problems: {rows[0]}", mend=mend)


def _is_of_an_index(problem: str) -> bool:
    """Whether a line of SQLite's report, which has no codes, is about what can be made again; else it is lost."""
    return bool(re.search(r"missing from index|wrong # of entries in index|non-unique entry in index|FTS5", problem))


def _seals(connection: Connection) -> Check:
    broken = len(connection.execute("PRAGMA cipher_integrity_check").fetchall())
    return Check("seals", not broken, f"{broken} pages were changed" if broken else "ok", SAVE if broken else "")


def _schema(connection: Connection) -> Check:
    wrong = differences(connection)
    number = connection.execute("PRAGMA user_version").fetchone()[0]
    mend = SAVE if any(one.kind == "table" and not one.is_derived for one in wrong) else REBUILD
    said = "; ".join(f"{one.kind} {one.name} {one.what}" for one in wrong)
    return Check("schema", not wrong, said or f"version {number}", mend if wrong else "")


def _engine(connection: Connection) -> Check:
    """Say what the file is read with; only a file that has vectors needs the extension."""
    said = f"sqlcipher3 {_version('sqlcipher3')}, SQLite {driver.sqlite_version}"
    try:
        vectors.load_extension(connection)
    except NoVectorsError as error:
        needed = bool(vectors.tables(connection))
        mend = "pip install --force-reinstall sqlite-vec" if needed else ""
        return Check("engine", ok=not needed, detail=f"{said}; {error.message}", mend=mend)
    return Check("engine", ok=True, detail=f"{said}, sqlite-vec {_version('sqlite-vec')}")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"


def _references(connection: Connection) -> Check:
    tables: dict[str, int] = {}
    for table, *_ in connection.execute("PRAGMA foreign_key_check"):
        tables[table] = tables.get(table, 0) + 1
    said = ", ".join(f"{count} {table}" for table, count in sorted(tables.items()))
    mend = SAVE if "messages" in tables else REBUILD
    return Check("foreign keys", not tables, f"{sum(tables.values())} broken: {said}" if tables else "ok",
                 mend if tables else "")  # fmt: skip


def _word_index(connection: Connection) -> Check:
    """Compare the index with its table, which FTS5 only does where it might write."""
    secure = connection.execute("SELECT v FROM words_config WHERE k = 'secure-delete'").fetchone()
    if secure != (1,):
        return Check("word index", ok=False, detail="keeps words that are deleted", mend=REBUILD)
    try:
        with transaction(connection, commit=False):
            connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    except driver.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF == READONLY:
            return Check("word index", ok=True, detail="not compared with the messages: the file is read-only")
        if error.sqlite_errorcode & 0xFF != CORRUPT:
            raise
        return Check("word index", ok=False, detail="does not agree with the messages", mend=REBUILD)
    return Check("word index", ok=True, detail="ok")


def _vectors(connection: Connection) -> Check:
    found = [(count, what) for what, count in vectors.disagreements(connection) if count]
    total = connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    return Check("vectors", not found, "; ".join(f"{count} {what}" for count, what in found) or f"{total} vectors",
                 REBUILD if found else "")  # fmt: skip


def _trees(connection: Connection) -> Check:
    lost = trees.stray(connection)
    said = f"{len(lost)} messages whose parent is missing, or that go round in a circle"
    return Check("trees", not lost, said if lost else "ok",
                 f"{RESTORE}; or {REBUILD}, which joins them to the message before" if lost else "")  # fmt: skip


def _counted(name: str, queries: tuple[tuple[str, str], ...], mend: str, connection: Connection) -> Check:
    found = [(what, connection.execute(sql).fetchone()[0]) for what, sql in queries]
    wrong = [f"{count} {what}" for what, count in found if count]
    return Check(name, not wrong, "; ".join(wrong) or "ok", mend if wrong else "")


def _values(connection: Connection) -> Check:
    """Find JSON that is none, and text of conversations that cannot be read at all."""
    for _ in connection.execute("SELECT title, model, project, source_id, hold FROM conversations"):
        pass
    return _counted("values", VALUES, SAVE, connection)


def _permissions(path: Path) -> Check:
    """Find what others may read, or put another file in the place of."""
    open_files = [file for file in all_of(path) if file.exists() and file.stat().st_mode & 0o077]
    if open_files:
        names = " ".join(str(file) for file in open_files)
        mode = open_files[0].stat().st_mode & 0o777
        return Check("permissions", ok=False, detail=f"{mode:04o}: others may read it", mend=f"chmod 600 {names}")
    folder = path.absolute().parent
    mode = folder.stat().st_mode
    if mode & 0o022 and not mode & 0o1000:
        said = f"the folder {folder} is {mode & 0o777:04o}: others may replace the file"
        return Check("permissions", ok=False, detail=said, mend=f"chmod go-w {folder}")
    return Check("permissions", ok=True, detail=f"{path.stat().st_mode & 0o777:04o}")


def _terms(connection: Connection) -> Check:
    total = wrong = 0
    for text, tool, *stored in connection.execute("SELECT text, tool, extra, tool_extra FROM bodies"):
        total += 1
        wrong += tuple(stored) != extra_columns(text, tool)
    return Check("search terms", not wrong, f"{wrong} of {total} are not those of the text" if wrong else f"{total}",
                 REBUILD if wrong else "")  # fmt: skip


def _hashes(connection: Connection) -> Check:
    total = wrong = 0
    for role, text, tool, parts, digest in connection.execute(
        "SELECT m.role, b.text, b.tool, b.parts, b.sha256 FROM messages AS m JOIN bodies AS b ON b.id = m.body"
    ):
        total += 1
        wrong += not _matches(role, text, tool, parts, digest)
    return Check("hashes", not wrong, f"{wrong} of {total} messages do not match" if wrong else f"{total} messages",
                 RESTORE if wrong else "")  # fmt: skip


def _matches(role: str, text: str, tool: str | None, parts: str | None, digest: bytes) -> bool:
    try:
        return content_hash(role, unpack(parts, text, tool)) == digest
    except (KeyError, TypeError, ValueError):  # parts that are no JSON, or refer to what is not there
        return False
