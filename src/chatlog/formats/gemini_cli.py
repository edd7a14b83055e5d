"""Gemini CLI's sessions, below ``~/.gemini/tmp/<project>/`` on every system: chats, prompt logs, checkpoints.

``chats/session-*.json`` is a document, ``.jsonl`` a log that is replayed here: a later version of a
message takes the place of the first, ``$set`` patches, ``$rewindTo`` goes back and what it drops stays
as a branch.  What one entry says is `gemini_cli_message`'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatlog.formats import MALFORMED, Head, build, gemini_rewritten, gemini_stream, ids
from chatlog.formats.beside import beside, text_beside
from chatlog.formats.calls import Calls
from chatlog.formats.gemini_cli_message import call_ids, message, shown
from chatlog.formats.gemini_parts import parts_of, unpaired
from chatlog.formats.jsonstream import BROKEN_JSON, Line, document, is_json, items, lines
from chatlog.formats.outputs import completed, of_gemini
from chatlog.formats.records import read_each, rescued
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record, joined_text
from chatlog.timespec import instant

#: Where the files are found.
LOCATIONS = tuple(
    f"{home}/.gemini/tmp/*/{files}"
    for home in ("~", "$GEMINI_CLI_HOME")
    for files in ("chats/**/*.json", "chats/**/*.jsonl", "logs.json", "checkpoint*.json")
)
_ROLES = {"user": "user", "model": "assistant", "function": "tool"}
_FACT = re.compile(r'"(sessionId|projectHash|startTime|lastUpdated)"\s*:\s*"([^"\\]*)"')
_CONVERSATION_TOLD = frozenset(("sessionId", "startTime", "lastUpdated", "summary", "messages"))
_SUBAGENT = re.compile(r"(?:^|[/\\!])chats[/\\](?P<parent>[^/\\!]+)[/\\][^/\\!]+\.jsonl?$")
_LOG_KEYS = {"sessionId", "messageId", "message"}
_SNAPSHOT = "<state_snapshot>"
#: So many messages may a list begin with of which one is the summary.
_BEFORE_SNAPSHOT = 3


def sniff(head: Head) -> bool:
    """Say whether this is a session, a log of prompts or a checkpoint of Gemini CLI."""
    if not head.is_json:
        return False
    if head.is_array:
        return head.keys >= _LOG_KEYS or _is_contents(head)
    if "history" in head.keys:
        return head.keys <= {"history", "authType"} and _begins_with_content(head.text)
    if "messageCount" not in head.keys and ({"sessionId", "projectHash"} <= head.keys or _holds_entries(head)):
        return True
    return any(map(_is_entry, head.rows)) or gemini_stream.is_stream(head)


def _holds_entries(head: Head) -> bool:
    """Whether a document without the hash of its project has messages as a session has them."""
    if not {"sessionId", "messages"} <= head.keys:
        return False
    return {"id", "timestamp", "type", "content"} <= (head.first_in("messages") or set())


def _is_entry(value: Mapping[str, Any]) -> bool:
    if value.keys() in ({"$set"}, {"$rewindTo"}):
        patch = value.get("$set", value)
        return isinstance(patch, dict) and not patch.keys().isdisjoint(("lastUpdated", "messages", "$rewindTo"))
    return value.get("type") == "gemini" and "content" in value and isinstance(value.get("id"), str)


def _is_contents(head: Head) -> bool:
    return head.keys == {"role", "parts"} and _begins_with_content(head.text)


def _begins_with_content(text: str) -> bool:
    return re.search(r'"role"\s*:\s*"(?:user|model)"', text[:4000]) is not None and '"parts"' in text


def read(source: Source) -> Iterator[Record]:
    """Yield the conversation of a session or checkpoint, or those of a log of prompts."""
    yield from completed(_read(source), source, of_gemini)


def _read(source: Source) -> Iterator[Record]:
    head = Head.of(source)
    if head.keys >= _LOG_KEYS:
        yield from _read_log(source)
    elif gemini_stream.is_stream(head):
        yield from gemini_stream.read(source)
    elif "parts" in head.keys or "history" in head.keys:
        yield from _read_checkpoint(source)
    else:
        yield from _read_session(source, head)


def _read_session(source: Source, head: Head) -> Iterator[Record]:
    session = _Session(source)
    for entry in _entries(source, head):
        if isinstance(entry, Problem):
            yield entry
        else:
            try:
                session.feed(entry)
            except MALFORMED:
                yield Problem(entry.place, "not an entry of the shape that Gemini CLI writes")
    yield from session.records()


def _entries(source: Source, head: Head) -> Iterator[Line | Problem]:
    """Yield a log's lines, or the one document; of a damaged document what can be read of its messages."""
    if is_json(head.text.partition("\n")[0]) or "messages" not in head.keys:
        yield from lines(source)
        return
    try:
        yield Line("document", document(source), 1)
    except BROKEN_JSON:
        yield Line("document", _facts_in(head.text), 1)
        yield from rescued(source, "messages")


def _facts_in(text: str) -> dict[str, Any]:
    """Return the session's facts that stand before the messages of a document which cannot be read whole."""
    return dict(_FACT.findall(text.partition('"messages"')[0]))


class _Session:
    """The messages of one session while its log is replayed: all that ever were, and those in force."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.facts: dict[str, Any] = {}
        self.entries: dict[str, Mapping[str, Any]] = {}
        self.parents: dict[str, str | None] = {}
        self.active: dict[str, None] = {}
        self.same: dict[str, str] = {}
        self.hidden: dict[str, str] = {}
        self.places: dict[str, str] = {}

    def feed(self, line: Line) -> None:
        """Take one record of the log in.  Raises one of MALFORMED for one of no known shape."""
        value = line.value
        if isinstance(value.get("$rewindTo"), str):
            self._rewind(value["$rewindTo"])
        elif isinstance(value.get("$set"), dict):
            self._patch(value["$set"], line.place)
        elif "type" in value and ("id" in value or "content" in value):
            self._put(value, line.place)
        elif "sessionId" in value or "messages" in value:
            self._patch(value, line.place)
        elif value:
            raise ValueError("an entry of no known shape")

    def _put(self, entry: Mapping[str, Any], place: str, follows: str | None = None) -> str:
        """Put a message into its old place, else behind the last one; return its name."""
        parent = follows or next(reversed(self.active), None)
        name = entry.get("id")
        if not isinstance(name, str) or not name:
            told = MessageDraft(role=str(entry.get("type")), text=str(entry.get("content")))
            name = ids.derived_id(parent, told)
        if name in self.same:
            name = self.same[name]
            entry = gemini_rewritten.whole(self.entries[name], entry)
        if name not in self.entries:
            self.parents[name] = parent
        self.entries[name] = entry
        self.places.setdefault(name, place)
        self.active[name] = None
        return name

    def _rewind(self, name: str) -> None:
        kept, name = list(self.active), self.same.get(name, name)
        self.active = dict.fromkeys(kept[: kept.index(name)] if name in self.active else ())

    def _patch(self, facts: Mapping[str, Any], place: str) -> None:
        self.facts.update(build.given(facts, ("messages",)))
        if isinstance(facts.get("messages"), list):
            self._rebuild(facts["messages"], place)

    def _rebuild(self, messages: list[Any], place: str) -> None:
        """Make a list the messages in force; the summary that replaced a long history follows that, hidden.

        What the list tells again, under new names or shorter, stays as it was.
        """
        listed = [build.mapping(entry) for entry in messages]
        self._forget(gemini_rewritten.copies(listed, {name: self.entries[name] for name in self.active}))
        before, self.active = self.active, {}
        follows = next(reversed(before), None) if _has_snapshot(listed, self.entries) else None
        added = dict[str, None]()
        for number, entry in enumerate(listed, 1):
            known = self.same.get(str(entry.get("id")), entry.get("id"))
            if known in self.entries:
                self.entries[known] = gemini_rewritten.whole(self.entries[known], entry)
                self.active[known] = None
            elif follows:
                name = self._put(entry, f"{place}, message {number}", next(reversed(added), follows))
                self.hidden[name] = "compact_summary"
                added[name] = None
                del self.active[name]
            else:
                self._put(entry, f"{place}, message {number}")
        self.active |= added

    def _forget(self, copies: Mapping[str, str]) -> None:
        """Take messages that say again what others say for those."""
        self.same |= copies
        for name in copies.keys() & self.entries.keys():
            del self.entries[name], self.active[name]
        if copies:
            self.parents = {name: copies.get(str(parent), parent) for name, parent in self.parents.items()}

    def records(self) -> Iterator[Record]:
        """Yield the conversation and its messages, parents first, branches in the order they came to be."""
        if not self.facts and not self.entries:
            return
        head = next(reversed(self.active), None)
        drafts, problems = self._drafts()
        known = {draft.source_id for draft in drafts}
        model = build.last_model(drafts)
        yield self._conversation(model)._replace(head=head if head in known else None)
        yield from drafts
        yield from problems

    def _drafts(self) -> tuple[list[MessageDraft], list[Problem]]:
        answered = {call for entry in self.entries.values() for call in call_ids(entry)}
        above: dict[str | None, str | None] = {None: None}
        drafts, problems = list[MessageDraft](), list[Problem]()
        for name, entry in self.entries.items():
            parent = above[self.parents[name]]
            try:
                drafts.append(message(name, entry, parent, self.hidden.get(name), answered))
                above[name] = name
            except MALFORMED:
                above[name] = parent
                problems.append(Problem(self.places[name], "not a message of the shape that Gemini CLI writes"))
        return drafts, problems

    def _conversation(self, model: str | None) -> ConversationDraft:
        facts = self.facts
        above = _SUBAGENT.search(self.source.name)
        title = facts.get("summary")
        return ConversationDraft(
            source_id=str(facts.get("sessionId") or self.source.stem),
            title=build.word(title),
            created_at=instant(facts.get("startTime")),
            updated_at=instant(facts.get("lastUpdated")),
            model=model,
            project=self._project(1 if above is None else 2),
            parent=above["parent"] if above else None,
            metadata=build.without(facts, _CONVERSATION_TOLD),
        )

    def _project(self, depth: int) -> str | None:
        """Return the project's folder, which a file above the chats holds, else the first that the session names."""
        if root := text_beside(self.source, "../" * depth + ".project_root", 4096).strip():
            return root
        directories = self.facts.get("directories")
        first = directories[0] if isinstance(directories, list) and directories else None
        return self._listed(depth) or (first if isinstance(first, str) else None)

    def _listed(self, depth: int) -> str | None:
        """Return the folder that the list of all projects has for the name of this one's."""
        folders = self.source.parts
        told = beside(self.source, "../" * (depth + 2) + "projects.json") if len(folders) > depth + 2 else None
        projects = build.mapping(build.within(told, "projects"))
        return next((path for path, name in projects.items() if name == folders[-depth - 2]), None)


def _has_snapshot(messages: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> bool:
    """Whether a list of messages begins with a summary made in place of the history, perhaps behind the context."""
    try:
        new = [entry for entry in messages[:_BEFORE_SNAPSHOT] if entry.get("id") not in known]
        return any(shown(parts_of(entry.get("content")))[0].lstrip().startswith(_SNAPSHOT) for entry in new)
    except MALFORMED:
        return False


def _read_log(source: Source) -> Iterator[Record]:
    """Yield the prompts of a project, by session; those of sessions that have a chat file are there."""
    chain = ids.Chain()
    elsewhere: dict[str, bool] = {}
    repeated = 0
    for line in items(source):
        if isinstance(line, Problem):
            yield line
            continue
        try:
            session = str(line.value["sessionId"])
            made = _prompt(line.value, f"logs-{session}")
        except MALFORMED:
            yield Problem(line.place, "not a prompt of the shape that Gemini CLI logs")
            continue
        if session not in elsewhere:
            elsewhere[session] = _has_chat(source, session)
            if not elsewhere[session]:
                yield ConversationDraft(source_id=made.conversation, metadata={"sessionId": session})
        repeated += elsewhere[session]
        if not elsewhere[session]:
            yield chain.link(made)
    if repeated:
        yield LeftOut("prompts of sessions that have a chat file", repeated)


def _has_chat(source: Source, session: str) -> bool:
    if source.path is None or not re.fullmatch(r"[\w-]{8,80}", session):
        return False
    return any(source.path.parent.glob(f"chats/session-*-{session[:8]}.json*"))


def _prompt(entry: Mapping[str, Any], conversation: str) -> MessageDraft:
    text, kind = build.string(entry["message"]), entry.get("type", "user")
    return MessageDraft(
        role="user" if kind == "user" else "assistant",
        text=text,
        created_at=instant(entry.get("timestamp")),
        source_id=f"{entry['messageId']}-{entry.get('timestamp')}",
        conversation=conversation,
        metadata={} if kind == "user" else {"type": kind},
    )


def _read_checkpoint(source: Source) -> Iterator[Record]:
    """Yield the conversation of a checkpoint, which is raw contents without ids or times."""
    name = source.stem
    return ids.announced(_contents(source), lambda opening: ConversationDraft(source_id=f"{name}-{opening[2:14]}"))


def _contents(source: Source) -> Iterator[Record]:
    chain, calls = ids.Chain(), Calls()
    return read_each(
        items(source, "history"),
        lambda line: [chain.link(_content(line.value, calls))],
        "not a content of the Gemini API's shape",
        names_error=False,
    )


def _content(entry: Mapping[str, Any], calls: Calls) -> MessageDraft:
    parts = unpaired(entry["parts"])
    for part in parts:
        if part["type"] == "tool_call":
            part["id"] = calls.called(part["id"], part["name"])
        elif part["type"] == "tool_call_response":
            part["id"] = calls.answered(part["id"], part.get("name"))
    role = _ROLES[entry.get("role", "user")]
    if role == "user" and build.are_results(parts):
        role = "tool"
    text, reason = shown(parts) if role == "user" else (joined_text(parts), None)
    return build.message(role, parts, text, reason=reason)
