"""Message histories of LangChain: tables of SQLChatMessageHistory and its kind, files, LangGraph's threads.

There is no standard place: each application keeps its own.  What one message says is told in OpenAI's
form and read by `openai_content`; which ones a thread of LangGraph holds is `langgraph_states`' matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids, langgraph_states, openai_content
from chatlog.formats.calls import Calls
from chatlog.formats.jsonstream import Line, items
from chatlog.formats.source import Source
from chatlog.formats.sqlite_source import Database, Groups, holds, is_database, loaded, quoted, records, schema
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record
from chatlog.timespec import instant

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
    "user": "user",
    "assistant": "assistant",
    "developer": "developer",
}
_SESSIONS = ("session_id", "conversation_id", "thread_id", "chat_id", "sessionid", "session")
_MESSAGES = ("message", "messages", "message_json", "data", "content")
#: Applications name the columns themselves: one that says which session, and any other with the message.
_SESSION_LIKE = re.compile(r"session|conversation|thread|chat", re.IGNORECASE)
_COLUMN = re.compile(r"""(?:^|,)\s*["`\[]?(\w+)""")
#: How many rows of a table are looked at for a message.
_LOOKED_AT = 20
_TIMES = ("created_at", "timestamp", "created", "time")
#: A session's name shorter than this, such as ``1`` or ``foo``, is one that other files have too.
_OWN_NAME_CHARS = 8
_KIND = r'"type"\s*:\s*"(?:human|ai|system|tool|function|chat|remove|\w+MessageChunk)"'
_FILE = re.compile(
    rf'[\[{{]\s*(?:"messages"\s*:\s*\[\s*)?(?:{{\s*)?'
    rf'(?:{_KIND}\s*,\s*"data"\s*:\s*{{|"data"\s*:\s*{{|"lc"\s*:\s*1\s*,\s*"type"\s*:\s*"constructor")'
)
_FLAT = re.compile(rf'\{{\s*"messages"\s*:\s*\[\s*\{{[^{{}}]*(?:\{{\}}[^{{}}]*)*{_KIND}')
_SPOKEN = re.compile(r'"type"\s*:\s*"(?:human|ai)"')
_VALUES = re.compile(rf'"values"\s*:\s*\{{\s*"messages"\s*:\s*\[\s*\{{[^{{}}]*(?:\{{[^{{}}]*\}}[^{{}}]*)*{_KIND}')
_NOT_A_MESSAGE = "not a message as LangChain keeps it"


def sniff(head: Head) -> bool:
    """Say whether this is a history of LangChain: a file of messages, or a database with a table of them."""
    if not head.is_json:
        found = schema(head)
        return any(map(_is_like_ours, found.values())) or any(_is_told_in(head, *table) for table in found.items())
    if head.keys >= {"lc", "kwargs"} or "messages" in head.keys:
        return (_FILE.match(head.text) or _FLAT.match(head.text)) is not None
    if "values" in head.keys:
        return _VALUES.search(head.text) is not None
    if head.is_array and head.keys >= {"type", "content"} and "role" not in head.keys:
        return _SPOKEN.search(head.text) is not None
    return head.keys == {"type", "data"} and re.search(_KIND, head.text) is not None


def _is_like_ours(statement: str) -> bool:
    """Whether a table has a session and a message on each row, or a state of LangGraph, and little else."""
    names = frozenset(re.findall(r"\w+", statement.partition("(")[2]))
    if langgraph_states.is_table(names):
        return True
    return "session_id" in names and "message" in names and not names & {"role", "content", "content_json"}


def _is_told_in(head: Head, table: str, statement: str) -> bool:
    """Whether a table with a session of any name has rows that are messages as LangChain keeps them."""
    columns = _COLUMN.findall(statement.partition("(")[2])
    if not any(map(_SESSION_LIKE.search, columns)):
        return False
    signs = [f'"type":{blank}"{kind}"' for kind in ("human", "ai", "system") for blank in (" ", "")]
    told = [
        f"""(instr({name}, ?{number}) AND (instr({name}, '"data"') OR instr({name}, '"lc"')))"""
        for name in map(quoted, columns)
        for number, _ in enumerate(signs, 1)
    ]
    some = f"SELECT * FROM {quoted(table)} LIMIT {_LOOKED_AT}"
    return holds(head, f"SELECT 1 FROM ({some}) WHERE {' OR '.join(told)} LIMIT 1", *signs)


def read(source: Source) -> Iterator[Record]:
    """Yield each session with its messages in the order in which they were added."""
    if is_database(source):
        yield from records(source, _database, langgraph_states.BINARY)
    elif "values" in Head.of(source).keys:
        yield from _thread(langgraph_states.answered(source), source.stem)
    else:
        entries = (entry if isinstance(entry, Problem) else _Entry(entry) for entry in items(source, "messages"))
        yield from _session(source.stem, entries, is_named=False)


class _Entry:
    """One message of a session on its way: where it stood, how it is told, and what its row says beside it."""

    def __init__(self, line: Line, beside: Mapping[str, Any] | None = None) -> None:
        self.place = line.place
        self.value = line.value
        self.facts = dict(beside or {})
        self.moment = next((self.facts.pop(key) for key in _TIMES if self.facts.get(key)), None)


def _thread(thread: langgraph_states.Thread | Problem | LeftOut, otherwise: str) -> Iterator[Record]:
    """Yield the messages of a thread of LangGraph's, called by that where it has no name."""
    if not isinstance(thread, langgraph_states.Thread):
        yield thread
        return
    numbered = enumerate(thread.messages, 1)
    entries = [_Entry(Line(f"{thread.place}message {number}", value, number)) for number, value in numbered]
    yield from _session(thread.name or otherwise, entries, is_named=thread.name is not None)


def _database(database: Database) -> Iterator[Record]:
    for table in sorted(database.tables):
        columns = database.columns(table)
        if langgraph_states.is_table(columns):
            for thread in langgraph_states.threads(database, table):
                yield from _thread(thread, table)
            continue
        like = sorted(filter(_SESSION_LIKE.search, columns))
        session = next((name for name in (*_SESSIONS, *like) if name in columns), None)
        named = [name for name in _MESSAGES if name in columns]
        others = [*named, *sorted(columns.difference(_MESSAGES))]
        message = next((name for name in others if _holds_messages(database, table, name, name in named)), None)
        if session and message:
            yield from _table(database, table, session, message)


def _holds_messages(database: Database, table: str, column: str, is_named_so: bool) -> bool:
    """Whether a column's first rows have a message; by its name alone, where none of them can be read."""
    query = f"SELECT {quoted(column)} AS held FROM {quoted(table)} WHERE held IS NOT NULL LIMIT {_LOOKED_AT}"
    is_readable = False
    for row in database.rows(query):
        try:
            if any(map(_is_message, _each(loaded(row["held"])))):
                return True
            is_readable = True
        except MALFORMED:
            continue
    return is_named_so and not is_readable


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "type" in value and ("data" in value or "kwargs" in value)


def _each(value: Any) -> list[Any]:
    """Return the messages of one row: it is one, or has all of a session."""
    return value if isinstance(value, list) else [value]


def _table(database: Database, table: str, session: str, message: str) -> Iterator[Record]:
    groups = Groups(database, table, session)
    for name in sorted(groups.places, key=lambda name: groups.places[name][0]):
        rows = _rows(groups, name, message, (table, session))
        yield from _session(str(name or table), rows, is_named=bool(name))


def _rows(groups: Groups, name: Any, column: str, of: tuple[str, str]) -> Iterator[_Entry | Problem]:
    table, session = of
    for row, place in zip(groups.rows(name), groups.places[name], strict=False):
        where = f"{table} row {place}"
        try:
            beside = build.rest(row, (session, column, "id"))
            for value in _each(loaded(row[column])):
                yield _Entry(Line(where, value, place), beside)
        except MALFORMED:
            yield Problem(where, _NOT_A_MESSAGE)


@dataclass(slots=True)
class _Session:
    """What reading one session remembers."""

    calls: Calls = field(default_factory=Calls)
    used: set[str | None] = field(default_factory=set)
    last: str | None = None
    begun: str | None = None
    removed: int = 0

    def message(self, entry: _Entry) -> MessageDraft | None:
        """Return the message of an entry, linked to the one before; None for an order to remove one."""
        told = _told(entry.value)
        if told is None:
            self.removed += 1
            return None
        made = openai_content.message(told, self.calls)
        parent, self.last = self.last, made.source_id
        if self.last is None or self.last in self.used:
            self.last = ids.derived_id(parent, made)
        self.used.add(self.last)
        return made._replace(
            created_at=instant(entry.moment) or made.created_at,
            source_id=self.last,
            parent=parent,
            metadata={**entry.facts, **build.rest(made.metadata, ("is_error",), ())},  # the part tells it
        )


def _session(name: str, entries: Iterable[_Entry | Problem], *, is_named: bool) -> Iterator[Record]:
    """Yield a session; one without a name of its own is also named after how it begins."""
    session = _Session()
    is_own = is_named and len(name) >= _OWN_NAME_CHARS and not name.isdigit()

    def conversation(opening: str) -> ConversationDraft:
        return ConversationDraft(source_id=name if is_own else f"{name}-{opening[2:18]}", created_at=session.begun)

    return ids.announced(_messages(session, entries), conversation)


def _messages(session: _Session, entries: Iterable[_Entry | Problem]) -> Iterator[Record]:
    for entry in entries:
        if isinstance(entry, Problem):
            yield entry
            continue
        try:
            made = session.message(entry)
        except MALFORMED:
            yield Problem(entry.place, _NOT_A_MESSAGE)
            continue
        if made is not None:
            session.begun = session.begun or made.created_at
            yield made
    if session.removed:
        yield LeftOut("orders to remove a message", session.removed)


# One message, told in OpenAI's form.


def _told(value: Any) -> dict[str, Any] | None:
    """Return a message in OpenAI's form; None where it only says that another is to be removed."""
    data = value.get("data") or value.get("kwargs") or value
    kind = _kind(value)
    if kind == "remove":
        return None
    told: dict[str, Any] = {"role": _role(kind, data)}
    extra = dict(data.get("additional_kwargs") or ())
    calls = [*(data.get("tool_calls") or extra.get("tool_calls") or ()), *(data.get("invalid_tool_calls") or ())]
    content = _content(data["content"], {call.get("id") for call in calls})
    told["content"] = content or (None if calls or extra else "")
    if calls:
        told["tool_calls"] = calls
    for key in ("tool_call_id", "name", "id", "artifact"):
        if data.get(key) is not None:
            told[key] = data[key]
    if data.get("status") == "error":
        told["is_error"] = True
    if kind == "chat" and told["role"] == "user" and data.get("role") != "user":
        told.setdefault("name", data.get("role"))
    if kind == "ai":
        told |= _facts(data)
    if extra:
        told |= _extra(extra, calls)
    return told


def _extra(extra: dict[str, Any], calls: list[Any]) -> dict[str, Any]:
    """Return what a message says in the words of its provider."""
    told = {"reasoning_content": extra.pop("reasoning_content", None)}
    function = extra.pop("function_call", None)
    told["function_call"] = None if calls else function
    for key in ("tool_calls", "__openai_role__"):
        extra.pop(key, None)
    return build.compact({**told, "additional_kwargs": build.compact(extra)})


def _kind(value: Mapping[str, Any]) -> str:
    """Return human, ai and so on, also of ``AIMessageChunk`` and of a constructor's name."""
    name = str(value["id"][-1] if value.get("lc") else value["type"])
    return name.removesuffix("Chunk").removesuffix("Message").lower()


def _role(kind: str, data: Mapping[str, Any]) -> str:
    if kind == "chat":
        return _ROLES.get(str(data.get("role")).lower(), "user")
    if kind == "system" and (data.get("additional_kwargs") or {}).get("__openai_role__") == "developer":
        return "developer"
    return _ROLES[kind]


def _facts(data: Mapping[str, Any]) -> dict[str, Any]:
    answer = dict(data.get("response_metadata") or {})
    model = next((answer.pop(key) for key in ("model_name", "model") if isinstance(answer.get(key), str)), None)
    usage = data.get("usage_metadata") or answer.pop("token_usage", None) or answer.pop("usage", None)
    return build.compact({"model": model, "usage": usage, "response_metadata": answer})


def _content(content: Any, called: set[Any]) -> Any:
    """Return the content, without the calls that the message tells once more beside it."""
    if not isinstance(content, list):
        return "" if content is None else content
    return [_block(block) for block in content if not _is_told(block, called)]


_CALLS = ("tool_use", "tool_call", "function_call", "server_tool_call", "input_json_delta", "tool_call_chunk")


def _is_told(block: Any, called: set[Any]) -> bool:
    if not isinstance(block, dict) or block.get("type") not in _CALLS:
        return False
    return block["type"] == "input_json_delta" or (block.get("call_id") or block.get("id")) in called


def _block(block: Any) -> Any:
    """Return a block of LangChain's own kinds as one that OpenAI or Anthropic has."""
    kind = build.mapping(block).get("type")
    if kind == "reasoning_content" and isinstance(held := block.get(kind), dict):  # as Amazon Bedrock has it
        return {**build.without(held, ("text",)), "type": "thinking", "thinking": held.get("text") or ""}
    if kind == "reasoning":
        summary = block.get("summary") or ()
        thought = block.get("reasoning") or "\n\n".join(str(piece.get("text") or "") for piece in summary)
        rest = build.without(block, ("reasoning", "summary", "index", "type"))
        return {**rest, "type": "thinking", "thinking": thought}
    if kind in ("image", "audio", "video", "file", "media") and "source" not in block and "file" not in block:
        return _medium(block)
    return block


def _medium(block: Mapping[str, Any]) -> Mapping[str, Any]:
    data = block.get("base64") or block.get("data")
    mime = str(block.get("mime_type") or "")
    address = f"data:{mime};base64,{data}" if data else block.get("url")
    if not isinstance(address, str):
        return block
    if block["type"] == "image" or mime.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": address}}
    return {"type": "file", "file": {"file_data": address, "filename": block.get("filename")}}
