"""opencode's sessions: the tree of JSON files below ``storage``, ``opencode.db`` of both versions, and exports.

Found in ~/.local/share/opencode on every system.  In the tree a session's own file is the source; its
messages and their parts are read through the folder, so that a folder yields each session once.  What a
message of opencode 2 says is `opencode_v2`'s matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids, opencode_v2
from chatlog.formats.beside import beside
from chatlog.formats.jsonstream import BROKEN_JSON, document, items, leading, sound
from chatlog.formats.outputs import completed, of_opencode
from chatlog.formats.source import UNREADABLE, Folder, Source
from chatlog.formats.sqlite_source import Database, Groups, is_database, loaded, records, schema
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record, joined_text
from chatlog.timespec import instant

LOCATIONS = (
    "~/.local/share/opencode/opencode*.db",  # a channel's own is called by it: opencode-dev.db
    "~/.local/share/opencode/storage/session/*/*.json",
    "~/.local/share/opencode/project/*/storage/session/info/*.json",
    "$XDG_DATA_HOME/opencode/opencode*.db",
    "$XDG_DATA_HOME/opencode/storage/session/*/*.json",
    "~/.local/share/kilo/kilo*.db",  # Kilo Code is built on it since May of 2026
    "$XDG_DATA_HOME/kilo/kilo*.db",
)

#: A message with its parts, or why there is none.
_Told = tuple[str, Mapping[str, Any], Iterable[Mapping[str, Any]]] | Problem

_OWN_ID = re.compile(r'"id"\s*:\s*"ses_')
_EXPORT = re.compile(r'\{\s*"info"\s*:\s*(?=\{)')
#: An id that may be part of a path.
_SAFE = re.compile(r"\w[\w-]*")
_NOT_A_MESSAGE = "not a message as opencode keeps it"
_SESSION_FACTS = frozenset(
    {"id", "title", "directory", "parentID", "time", "parent_id", "time_created", "time_updated", "data"}
)
_MESSAGE_FACTS = frozenset({"id", "sessionID", "role", "time", "tokens", "modelID", "model", "summary", "parts"})
_PART_FACTS = frozenset({"id", "sessionID", "messageID", "type"})


def sniff(head: Head) -> bool:
    """Say whether this is a session's own file, an exported session, or the database."""
    if not head.is_json:
        found = schema(head)
        if found.keys() >= {"session_v2", "session_message"}:
            return "session_id" in found["session_message"]
        return found.keys() >= {"session", "message", "part"} and "session_id" in found["part"]
    if head.keys >= {"id", "title", "time"} and "sessionID" not in head.keys:
        return "projectID" in head.keys or ("version" in head.keys and _OWN_ID.search(head.text) is not None)
    return _EXPORT.match(head.text) is not None and re.search(r'"projectID"|"sessionID"', head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield each session with its messages in order."""
    yield from completed(_read(source), source, of_opencode)


def _read(source: Source) -> Iterator[Record]:
    if is_database(source):
        yield from records(source, _database)
        return
    info = _exported(Head.of(source))
    try:
        if info is not None:
            yield from _session(info, _messages_of_export(source))
            return
        value = document(source)
        if isinstance(value, dict) and "messages" in value:
            entries = enumerate(value["messages"], 1)
            yield from _session(value["info"], (_of_export(entry, f"message {n}") for n, entry in entries))
        else:
            tree = _Tree(source, str(value["id"]))
            yield from _session({**value, "todo": tree.todo()}, tree.messages())
    except (*BROKEN_JSON, *MALFORMED):
        yield Problem("", "not a session as opencode keeps it")


def _exported(head: Head) -> dict[str, Any] | None:
    """Return the session of an export where the beginning of the file shows it whole."""
    text = sound(head.text)
    match = _EXPORT.match(text)
    if match is None:
        return None
    try:
        info, end = leading(text, match.end())
    except BROKEN_JSON:
        return None
    return info if re.match(r'\s*,\s*"messages"\s*:\s*\[', text[end:]) else None


def _messages_of_export(source: Source) -> Iterator[_Told]:
    for entry in items(source, "messages"):
        yield entry if isinstance(entry, Problem) else _of_export(entry.value, entry.place)


def _of_export(entry: Any, place: str) -> _Told:
    try:
        return place, entry["info"], entry.get("parts") or ()
    except MALFORMED:
        return Problem(place, _NOT_A_MESSAGE)


class _Tree:
    """A session's messages and parts in the folders beside that of its own file."""

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.folder = source.folder
        self.name = name if _SAFE.fullmatch(name) else ""
        self.problems: list[Problem] = []

    def todo(self) -> Any:
        """Return the session's list of things to do."""
        return beside(self.source, f"../../todo/{self.name}.json") if self.name else None

    def messages(self) -> Iterator[_Told]:
        """Yield each message with its parts, by the time they were made."""
        if self.folder is None or not self.name:
            yield Problem("", "its messages are in files of their own, which are not beside it")
            return
        found: list[tuple[float, str, Mapping[str, Any]]] = []
        for place, value in self._values(self.folder, f"../../message/{self.name}", f"../message/{self.name}"):
            try:
                found.append((float((value.get("time") or {}).get("created") or 0), place, value))
            except MALFORMED:
                yield Problem(place, _NOT_A_MESSAGE)
        for _, place, value in sorted(found, key=lambda entry: entry[:2]):
            yield place, value, value.get("parts") or [*self._parts(self.folder, str(value.get("id")))]
            yield from self.problems
            self.problems.clear()

    def _parts(self, folder: Folder, message: str) -> Iterator[Mapping[str, Any]]:
        if not _SAFE.fullmatch(message):
            return
        nested = f"part/{self.name}/{message}"
        found = False
        for place, value in self._values(folder, f"../../part/{message}", f"../../{nested}", f"../{nested}"):
            found = True
            if isinstance(value, dict) and "type" in value:
                yield value
            else:
                self.problems.append(Problem(place, "not a part of a message as opencode keeps it"))
        if not found:
            yield from self._flat.get(message, ())

    @cached_property
    def _flat(self) -> dict[str, list[Mapping[str, Any]]]:
        """The parts that lie side by side in one folder, by message."""
        found: dict[str, list[Mapping[str, Any]]] = {}
        for _, value in self._values(self.folder, "../../part", "../part") if self.folder else ():
            if isinstance(value, dict) and "type" in value:
                found.setdefault(str(value.get("messageID")), []).append(value)
        return found

    def _values(self, folder: Folder, *places: str) -> Iterator[tuple[str, Any]]:
        """Yield what the files of the first of some folders hold, in the order of their names."""
        for name in next(filter(None, map(folder.names, places)), ()):
            held = folder.member(name) if name.endswith(".json") else None
            try:
                value = document(held) if held else {}
            except (*BROKEN_JSON, *UNREADABLE):
                value = None
            if held:
                yield name.replace("../", ""), value


def _database(database: Database) -> Iterator[Record]:
    tables = _Tables(database)
    todos = Groups(database, "todo", "session_id")
    has_projects = {"id", "worktree"} <= database.columns("project")
    places = {row["id"]: row["worktree"] for row in database.rows("SELECT * FROM project")} if has_projects else {}
    for row in tables.sessions():
        try:
            info = _info(row)
            info["directory"] = info.get("directory") or places.get(info.get("project_id"))
            if todos.places.get(row["id"]):
                keep = ("content", "status", "priority")
                info["todo"] = [{key: todo.get(key) for key in keep} for todo in todos.get(row["id"], "position")]
            yield from _session(info, tables.messages_of(row["id"]))
        except MALFORMED:
            yield Problem(f"session {row['id']}", "not a session as opencode keeps it")
    yield from build.left_out(dict(sorted(tables.silent.items())))


class _Tables:
    """The tables of a database: opencode 1's, and opencode 2's, which take over what is in those."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.old, self.parts = Groups(database, "message", "session_id"), Groups(database, "part", "message_id")
        self.new = Groups(database, "session_message", "session_id")
        self.silent: Counter[str] = Counter()

    def sessions(self) -> Iterator[dict[str, Any]]:
        """Yield each session's row, opencode 2's where both have one."""
        known: set[Any] = set()
        for table in ("session_v2", "session"):
            for row in (
                self.database.rows(f"SELECT * FROM {table} ORDER BY id") if table in self.database.tables else ()
            ):
                if row["id"] not in known:
                    known.add(row["id"])
                    yield row

    def messages_of(self, session: Any) -> Iterator[_Told]:
        """Yield a session's messages: as opencode 2 has them in order, those from before as opencode 1 told them."""
        rows = self.new.get(session, "seq")
        if not any(row["type"] in ("user", "assistant") for row in rows):
            yield from self._old(session)
            return
        old = {entry[1]["id"]: entry for entry in self._old(session) if not isinstance(entry, Problem)}
        for row in rows:
            if row["id"] in old:
                yield old[row["id"]]
            elif row["type"] in opencode_v2.SILENT:
                self.silent[row["type"]] += 1
            else:
                yield _of_row(row)

    def _old(self, session: Any) -> Iterator[_Told]:
        rows = sorted(
            self.old.rows(session), key=lambda row: (row.get("time_created") or row.get("created_at") or 0, row["id"])
        )
        for row in rows:
            place = f"message {row['id']}"
            try:
                found = sorted(self.parts.rows(row["id"]), key=lambda part: str(part["id"]))
                held = [{"id": part["id"], **loaded(part["data"])} for part in found]
                yield place, {"id": row["id"], **loaded(row["data"])}, held
            except MALFORMED:
                yield Problem(place, _NOT_A_MESSAGE)


def _of_row(row: Mapping[str, Any]) -> _Told:
    place = f"message {row['id']}"
    try:
        value, parts = opencode_v2.told(row["type"], loaded(row["data"]))
    except MALFORMED:
        return Problem(place, _NOT_A_MESSAGE)
    return place, {"time": {"created": row.get("time_created")}, **value, "id": row["id"]}, parts


def _info(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the database in the words of the files."""
    told = {**(loaded(row.get("data")) or {}), **build.given(row)}
    for key in ("revert", "permission", "summary_diffs", "model"):
        told[key] = build.parsed(told.get(key))
    told["parentID"] = row.get("parent_id") or row.get("fork_session_id") or told.get("parentID")
    created, updated = (row.get(f"time_{name}") or row.get(f"{name}_at") for name in ("created", "updated"))
    told["time"] = {"created": created, "updated": updated, "archived": row.get("time_archived")}
    return told


# One session and its messages.


def _session(info: Mapping[str, Any], told: Iterable[_Told]) -> Iterator[Record]:
    """Yield a session, its messages one after the other, and the session with its active end."""
    draft = _conversation(info)
    yield draft
    revert = info.get("revert") if isinstance(info.get("revert"), dict) else None
    undone = revert.get("messageID") if revert and not revert.get("partID") else None
    last, head, model = None, None, draft.model
    used = Counter[str]()
    for entry in told:
        if isinstance(entry, Problem):
            yield entry
            continue
        place, value, parts = entry
        try:
            made = _message(value, parts, last)
            made = made._replace(source_id=ids.numbered(str(made.source_id), used))
        except MALFORMED:
            yield Problem(place, _NOT_A_MESSAGE)
            continue
        yield made
        head = last if made.source_id == undone else head
        last, model = made.source_id, made.model or model
    if last is not None:
        yield draft._replace(head=head or last, model=model)


def _conversation(info: Mapping[str, Any]) -> ConversationDraft:
    times = info.get("time") or {}
    if info["id"] in build.EMPTY:
        raise ValueError("a session without an id")
    return ConversationDraft(
        source_id=str(info["id"]),
        title=build.word(info.get("title")),
        created_at=instant(times.get("created")),
        updated_at=instant(times.get("updated")),
        project=build.word(info.get("directory")),
        parent=build.word(info.get("parentID")),
        archived=bool(times.get("archived")),
        metadata=build.compact(info, _SESSION_FACTS),
    )


def _message(value: Mapping[str, Any], parts: Iterable[Mapping[str, Any]], last: str | None) -> MessageDraft:
    role = {"user": "user", "assistant": "assistant", "system": "system"}[value["role"]]
    made = [made for part in parts for made in _parts(part)]
    summary = dict(value["summary"]) if isinstance(value.get("summary"), dict) else {}
    if diffs := summary.pop("diffs", None):
        made.append({"type": "diffs", "diffs": diffs})
    injected = [part for part in made if part["type"] == "text" and part.get("synthetic")]
    shown = joined_text(part for part in made if not part.get("synthetic"))
    hidden = bool(injected) and not shown and all(part in injected or part["type"] in _MARKS for part in made)
    facts = build.without(value, _MESSAGE_FACTS)
    reason = value.get("hidden_reason", "synthetic")
    times = value.get("time") or {}
    facts |= {"completed": instant(times.get("completed"))}
    facts |= {"summary": build.compact(summary) or value.get("summary") or None, "usage": value.get("tokens")}
    shown = joined_text(injected) if hidden else shown
    return build.message(
        role,
        made,
        shown,
        model=_model(value, facts),
        created_at=instant(times.get("created")),
        source_id=str(value["id"]),
        parent=last,
        metadata=build.compact({**facts, "hidden_reason": reason if hidden else None}),
    )


def _model(value: Mapping[str, Any], facts: dict[str, Any]) -> str | None:
    """Return the model that answered; who provides it, and which one a question was for, are facts."""
    held = build.mapping(value.get("model"))
    name = value.get("modelID") or held.get("modelID") or value.get("model")
    facts.setdefault("providerID", held.get("providerID"))
    if value["role"] == "assistant":
        return name if isinstance(name, str) else None
    facts["model"] = name
    return None


#: Parts that say where a step began or ended, and what was changed: nothing that anybody said.
_MARKS = frozenset({"step-start", "step-finish", "snapshot", "patch", "compaction", "diffs"})


def _parts(part: Mapping[str, Any]) -> Iterator[Part]:
    rest = build.given(part, _PART_FACTS)
    if part["type"] == "tool":
        rest.setdefault("callID", part.get("id"))
    convert = _PARTS.get(part["type"])
    if convert is None or not isinstance(part.get("text", ""), str):
        yield build.raw(part["type"], rest)
    else:
        yield from convert(rest)


def _text(rest: dict[str, Any]) -> Iterator[Part]:
    rest.pop("time", None)
    yield build.text(rest.pop("text"), **rest)


def _reasoning(rest: dict[str, Any]) -> Iterator[Part]:
    yield build.reasoning(rest.pop("text"), **rest)


def _tool(rest: dict[str, Any]) -> Iterator[Part]:
    """Yield a call, its result where it has one, and the files the result brought."""
    state = dict(rest.pop("state"))
    name, call_id = rest.pop("tool"), rest.pop("callID", None)
    yield build.tool_call(call_id, name, state.pop("input", None), **rest)
    status, attachments = state.pop("status", None), state.pop("attachments", None) or ()
    failed = status == "error"
    if failed or status == "completed" or "output" in state:
        response = state.pop("error" if failed else "output", None)
        yield build.tool_result(call_id, response, is_error=failed, **build.compact(state))
    elif state:
        yield build.raw("tool_state", {"status": status, **state})
    for held in attachments:
        yield from _parts(held)


def _file(rest: dict[str, Any]) -> Iterator[Part]:
    name, mime, address = rest.pop("filename", None), rest.pop("mime", None), str(rest.pop("url", ""))
    named = {**rest, **({"name": name} if name else {})}
    if address:
        yield {**build.addressed(address, **named), **({"mime_type": mime} if mime else {})}
    else:
        yield build.file(None, name, mime, **rest)


_PARTS: dict[str, Callable[[dict[str, Any]], Iterator[Part]]] = {
    "text": _text,
    "reasoning": _reasoning,
    "tool": _tool,
    "file": _file,
}
