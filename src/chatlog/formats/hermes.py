"""Hermes Agent's sessions: ``state.db``, and the files that older versions kept in ``sessions`` beside it.

What a compaction summed up stays in its place, its copies are told once; what was taken back is a branch.
A file whose session the database holds too is counted and not read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids, openai_content
from chatlog.formats.build import Row
from chatlog.formats.calls import Calls
from chatlog.formats.jsonstream import BROKEN_JSON, Line, document, lines
from chatlog.formats.records import rescued
from chatlog.formats.source import Source, file_source
from chatlog.formats.sqlite_source import Database, Groups, UnreadableError, is_database, loaded, records, schema
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record
from chatlog.timespec import instant

_HOMES = ("~/.hermes", "$HERMES_HOME", "$LOCALAPPDATA/hermes")
_PROFILES = ("", "profiles/*/")
_FILES = ("state.db", "sessions/session_*.json", "sessions/*.jsonl")
LOCATIONS = tuple(f"{home}/{profile}{file}" for home in _HOMES for profile in _PROFILES for file in _FILES)

_NOT_A_MESSAGE = "not a message as Hermes keeps it"
#: What stands before a message's content that is not mere text.
_JSON = "\x00json:"
_META = "session_meta"
#: What a session's file begins with; its messages come behind the instructions and tools.
_FILE = frozenset({"session_id", "session_start", "last_updated"})
_SYSTEM = "system"
_SUMMARIES = ("[CONTEXT COMPACTION", "[CONTEXT SUMMARY]:")
_SUMMARY_END = "--- END OF CONTEXT SUMMARY"
_MERGED = "[END OF PRIOR CONTEXT"
#: How a user's message begins that Hermes wrote itself.
_INJECTED = (
    "[System note:",
    "[ASYNC DELEGATION",
    "[Your active task list was preserved across context compression]",
    "Review the conversation above and update the skill library",
    "Review the conversation above and consider saving to memory",
)
_HIDDEN_KINDS = frozenset(
    {"hidden", "async_delegation_complete", "model_switch", "internal_notification", "auto_continue"}
)
#: What a row is known by, in whichever generation it stands: with its ids and times, but not its place.
_IDENTITY = ("role", "content", "timestamp", "tool_call_id", "tool_calls", "tool_name")
_SAID = frozenset({"id", "session_id", "role", "content", "tool_call_id", "tool_calls", "tool_name", "name"})
_TOLD = _SAID | {"reasoning", "reasoning_content", "timestamp", "token_count", "active", "compacted"} | {
    "_compressed_summary", "display_identity", "display_order", "hidden_reason", "author", "model"
}  # fmt: skip
_JSON_COLUMNS = frozenset({"reasoning_details", "codex_reasoning_items", "codex_message_items", "display_metadata"})
_SESSION_TOLD = frozenset(
    {"id", "session_id", "title", "model", "system_prompt", "system_prompt_hash", "parent_session_id", "started_at"}
    | {"session_start", "last_activity_at", "last_updated", "cwd", "archived", "pinned", "messages", "tools", "role"}
    | {"message_count", "tool_call_count", "git_metadata_generation", "expiry_finalized", "last_read_at", "timestamp"}
)


def sniff(head: Head) -> bool:
    """Say whether this is a database of Hermes, or a file that it kept a session in."""
    if head.is_json:
        first = next(iter(head.objects), {})
        return head.keys >= _FILE or first.get("role") == _META
    found = schema(head)
    sessions, messages = found.get("sessions", ""), found.get("messages", "")
    return all(column in sessions for column in ("parent_session_id", "end_reason", "started_at")) and all(
        column in messages for column in ("session_id", "tool_call_id", "timestamp")
    )


def read(source: Source) -> Iterator[Record]:
    """Yield each session with its messages in order."""
    if is_database(source):
        yield from records(source, _database)
    elif Head.of(source).keys >= _FILE:
        yield from _file(source)
    else:
        yield from _transcript(source)


def _database(database: Database) -> Iterator[Record]:
    groups = Groups(database, "messages", "session_id")
    prompts = Groups(database, "system_prompts", "hash")
    usage = Groups(database, "session_model_usage", "session_id")
    counts: Counter[str] = Counter()
    known = set[Any]()
    for row in database.rows("SELECT * FROM sessions ORDER BY started_at, id"):
        known.add(row["id"])
        if row["id"] not in groups.places:
            counts["sessions without messages"] += 1
            continue
        hashed = row.get("system_prompt_hash")
        told = next(iter(prompts.get(hashed)), {}) if hashed else {}
        facts = {**row, "system_prompt": row.get("system_prompt") or told.get("prompt")}
        spent = [build.compact(one) for one in usage.get(row["id"])]
        yield from _Session(str(row["id"]), facts, counts, spent).told(groups, row["id"])
    for name in sorted(groups.places.keys() - known, key=str):
        yield from _Session(str(name), {}, counts).told(groups, name)
    yield from build.left_out(counts)


@dataclass(slots=True)
class _Session:
    """One session on its way out."""

    name: str
    facts: Row
    counts: Counter[str]
    spent: list[dict[str, Any]] = field(default_factory=list)
    last: str | None = None
    taken_back: str | None = None
    calls: Calls = field(default_factory=Calls)

    def told(self, groups: Groups, name: Any) -> Iterator[Record]:
        """Yield the session as the database holds it: each message once, what was taken back as a branch."""
        live, shown = Counter[str](), set[str]()
        for row in groups.rows(name):
            key = _identity(row)
            live[key] += row.get("active", 1) != 0
            if row.get("active", 1) != 0 or row.get("compacted") == 1:
                shown.add(key)
        yield self._conversation()
        yield from self._prompt()
        used = Counter[str]()
        for number, row in enumerate(groups.rows(name), 1):
            key = _identity(row)
            if used[key] >= max(live[key], 1):
                self.counts["copies of messages behind a compaction"] += 1
                continue
            made = self._made(row, f"session {self.name}, message {number}")
            if isinstance(made, MessageDraft):
                made = self._placed(made._replace(source_id=ids.numbered(key, used)), is_shown=key in shown)
            if made is not None:
                yield made
        yield self._conversation()._replace(head=self.last)

    def listed(self, entries: Iterable[Line | Problem]) -> Iterator[Record]:
        """Yield the session of a file, whose messages have no ids."""
        yield self._conversation()
        yield from self._prompt()
        above: str | None = None
        for entry in entries:
            made = self._made(entry.value, entry.place) if isinstance(entry, Line) else entry
            if isinstance(made, MessageDraft):
                above = ids.derived_id(above, made)  # not of the prompt's: that changes
                made = self._placed(made._replace(source_id=above), is_shown=True)
            if made is not None:
                yield made
        yield self._conversation()._replace(head=self.last)

    def _conversation(self) -> ConversationDraft:
        facts = self.facts
        rest = build.without(facts, _SESSION_TOLD)
        config = build.parsed(rest.get("model_config"))
        rest |= {"model_config": config} if isinstance(config, dict) else {}
        folder = build.mapping(config).get("cwd")
        return ConversationDraft(
            source_id=self.name or "session",
            title=build.word(facts.get("title")),
            created_at=instant(facts.get("started_at") or facts.get("session_start") or facts.get("timestamp")),
            updated_at=instant(facts.get("last_activity_at") or facts.get("ended_at") or facts.get("last_updated")),
            project=build.word(facts.get("cwd")) or build.word(folder),
            model=build.word(facts.get("model")),
            parent=build.word(facts.get("parent_session_id")),
            archived=facts.get("archived") == 1,
            pinned=facts.get("pinned") == 1,
            metadata=build.compact({**rest, "model_usage": self.spent}),
        )

    def _prompt(self) -> Iterator[Record]:
        """Yield the instructions; they may change while a session goes on and are its one message of that id."""
        prompt = build.word(self.facts.get("system_prompt"))
        if prompt:
            self.last = _SYSTEM
            begun = instant(self.facts.get("started_at") or self.facts.get("session_start"))
            yield build.message("system", prompt, reason="instructions", source_id=_SYSTEM, created_at=begun)

    def _made(self, row: Any, place: str) -> MessageDraft | Problem | None:
        try:
            if row["role"] == _META:
                self.counts["session_meta records (the tools that there were)"] += 1
                return None
            return _message(row, self.calls)
        except MALFORMED:
            return Problem(place, _NOT_A_MESSAGE)

    def _placed(self, made: MessageDraft, *, is_shown: bool) -> MessageDraft:
        """Return a message below the one it follows; those that were taken back leave no trace in what goes on."""
        parent = self.last if is_shown else self.taken_back or self.last
        self.taken_back = None if is_shown else made.source_id
        if is_shown:
            self.last = made.source_id
        return made._replace(parent=parent)


def _identity(row: Row) -> str:
    return ids.hashed(repr([row.get(key) for key in _IDENTITY]))


def _message(row: Row, calls: Calls) -> MessageDraft:
    content = row.get("content")
    if isinstance(content, str) and content.startswith(_JSON):
        content = loaded(content.removeprefix(_JSON))
    asked = row.get("tool_calls")
    value = {
        "role": row["role"],
        "content": "" if content is None else content,
        "tool_calls": loaded(asked) if isinstance(asked, str) else asked,
        "tool_call_id": row.get("tool_call_id"),
        "name": row.get("tool_name") or row.get("name"),
        "reasoning": build.word(row.get("reasoning")),
        "reasoning_content": build.word(row.get("reasoning_content")),
    }
    made = openai_content.message(build.given(value), calls)
    facts = build.without(row, _TOLD)
    facts |= {key: build.parsed(facts[key]) for key in _JSON_COLUMNS & facts.keys()}
    count = row.get("token_count")
    if type(count) is int and count > 0:
        facts["usage"] = {"tokens": count}
    facts["hidden_reason"] = _reason(row, made)
    parts = tuple(part for part in made.parts or () if part != {"type": "text", "content": ""})
    return made._replace(
        parts=build.kept(parts, made.text),
        author=None,
        created_at=instant(row.get("timestamp")),
        hidden=facts["hidden_reason"] is not None,
        metadata=build.compact(facts),
    )


def _reason(row: Row, made: MessageDraft) -> str | None:
    """Return why a message is no one's words: a summary, instructions, or what Hermes said in the user's name."""
    text = made.text.lstrip()
    if row.get("_compressed_summary") == 1 or text.startswith(_SUMMARIES):
        _, ended, after = text.partition(_SUMMARY_END)
        own = after.partition("\n")[2].strip() if ended else ""
        return None if own or _MERGED in text else "compaction"
    if made.role == "system":
        return "instructions"
    if row.get("display_kind") in _HIDDEN_KINDS:
        return str(row["display_kind"])
    return "injected" if made.role == "user" and text.startswith(_INJECTED) else None


def _file(source: Source) -> Iterator[Record]:
    """Yield the session of ``sessions/session_….json``; of a broken one the messages that are whole."""
    named = source.stem.removeprefix("session_")
    try:
        told = document(source)
    except BROKEN_JSON:
        yield from _unless_held(source, named, {}, rescued(source, "messages"))
        return
    said = build.mapping(told).get("messages")
    if not isinstance(said, list):
        yield Problem("", "not a session as Hermes keeps it")
        return
    if not said:
        yield LeftOut("sessions without messages", 1)
        return
    entries = (Line(f"message {number}", value, number) for number, value in enumerate(said, 1))
    yield from _unless_held(source, build.word(told.get("session_id")) or named, told, entries)


def _transcript(source: Source) -> Iterator[Record]:
    """Yield the session of ``sessions/….jsonl``, a message a line after one about the session."""
    entries = lines(source)
    first = next(entries, None)
    is_meta = isinstance(first, Line) and isinstance(first.value, dict) and first.value.get("role") == _META
    facts = first.value if is_meta and isinstance(first, Line) else {}
    yield from _unless_held(source, source.stem, facts, [first] if first and not is_meta else [], entries)


def _unless_held(source: Source, name: str, facts: Row, *entries: Iterable[Line | Problem]) -> Iterator[Record]:
    if name in _held(source):
        yield LeftOut("sessions that state.db holds", 1)
        return
    counts: Counter[str] = Counter()
    tools = facts.get("tools")
    if isinstance(tools, list) and tools:
        counts["definitions of tools"] += len(tools)
    yield from _Session(name, facts, counts).listed(entry for some in entries for entry in some)
    yield from build.left_out(counts)


def _held(source: Source) -> frozenset[str]:
    """Return the names of the sessions whose messages the database beside a file has.

    The file is not read again whenever the database changes, which it does with every message: it is not asked for
    as what stands beside another.
    """
    if source.path is None:
        beside = source.sibling("../state.db")
        return _names(beside) if beside else frozenset()
    path = source.path.absolute().parent.parent / "state.db"
    if not path.is_file():
        return frozenset()
    state = path.stat()
    return _held_in(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4)
def _held_in(path: Path, _size: int, _modified: int) -> frozenset[str]:
    return _names(file_source(path))


def _names(source: Source) -> frozenset[str]:
    def found(database: Database) -> Iterator[Record]:
        for row in database.rows("SELECT DISTINCT session_id FROM messages"):
            yield ConversationDraft(source_id=str(row["session_id"]))

    try:
        return frozenset(one.source_id or "" for one in records(source, found) if isinstance(one, ConversationDraft))
    except (UnreadableError, OSError):
        return frozenset()
