"""The log of simonw's ``llm``: every generation of its ``logs.db`` in one, and ``llm logs --json``.

Found as ``io.datasette.llm/logs.db`` where the system keeps an application's data: ~/.config on Linux,
~/Library/Application Support on macOS, %APPDATA% on Windows, or in $LLM_USER_PATH.  Threads of 2026 are
`simonw_llm_threads`' matter, what one row says `simonw_llm_rows`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids
from chatlog.formats.jsonstream import Line, items
from chatlog.formats.records import read_each
from chatlog.formats.simonw_llm_rows import Talk
from chatlog.formats.simonw_llm_threads import Threads
from chatlog.formats.source import Source
from chatlog.formats.sqlite_source import Database, Groups, is_database, quoted, records, schema
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record
from chatlog.timespec import instant

LOCATIONS = (
    "$LLM_USER_PATH/logs.db",
    "$XDG_CONFIG_HOME/io.datasette.llm/logs.db",
    "~/.config/io.datasette.llm/logs.db",
    "~/Library/Application Support/io.datasette.llm/logs.db",
    "$APPDATA/io.datasette.llm/logs.db",
)

_Complete = Callable[[dict[str, Any]], dict[str, Any]]
_NOT_A_ROW = "not a response as llm logs it"
#: What a row of ``llm logs --json`` has, and no other JSON.
_ROW = frozenset({"id", "model", "prompt", "response", "options_json", "conversation_id", "datetime_utc"})


def sniff(head: Head) -> bool:
    """Say whether this is a log of llm, or rows of one as JSON."""
    if head.is_json:
        return head.keys >= _ROW
    found = schema(head)
    if found.keys() >= {"responses", "conversations"}:
        return "conversation_id" in found["responses"]
    if found.keys() >= {"threads", "turns", "parts"}:
        return "tip_message_hash" in found["threads"]
    single = found.get("logs", "") + found.get("log", "")
    is_log = all(column in single for column in ("prompt", "response", "model"))
    return is_log and ("chat_id" in single or ("provider" in single and "system" in single))  # the first knew no chats


def read(source: Source) -> Iterator[Record]:
    """Yield every conversation, once, whichever tables it is in."""
    if is_database(source):
        yield from records(source, lambda database: iter(_Log(database)), frozenset({"content"}))
    else:
        yield from _rows_of_json(source)


def _rows_of_json(source: Source) -> Iterator[Record]:
    talks: dict[str, Talk] = {}

    def take(item: Line) -> Iterator[Record]:
        row = item.value
        name = str(row.get("conversation_id") or row["id"])
        if name not in talks:
            talks[name] = Talk(name)
            yield _conversation(row, name)
        yield from talks[name].exchange(row)

    yield from read_each(items(source), take, _NOT_A_ROW, names_error=False)
    yield from _left_out(sum(talk.left_out for talk in talks.values()))


def _conversation(row: Mapping[str, Any], name: str) -> ConversationDraft:
    return ConversationDraft(
        source_id=name,
        title=build.word(row.get("conversation_name")),
        model=build.word(row.get("conversation_model")) or build.word(row.get("model")),
        created_at=instant(row.get("datetime_utc")),
    )


def _left_out(count: int) -> Iterator[Record]:
    if count:
        yield LeftOut("requests as they were sent (prompt_json, which repeats the conversation)", count)


class _Log:
    """One log database, as an iterator over its records."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.left_out = 0
        self.extras = {
            key: Groups(database, *places) for key, places in _EXTRAS.items() if places[0] in database.tables
        }
        self.instances = Groups(database, "tool_instances", "id")
        self.threads = Threads(database)

    def __iter__(self) -> Iterator[Record]:
        for table in ("log", "logs"):
            if table in self.database.tables:
                yield from self._chats(table)
        if "responses" in self.database.tables:
            yield from self._conversations()
        yield from self.threads.rest()
        yield from _left_out(self.left_out)

    def _chats(self, table: str) -> Iterator[Record]:
        """Yield the conversations of 2023: the rows of one chat, or of one tree of replies."""
        links = sorted(self.database.columns(table) & {"chat_id", "reply_to_id"})
        roots: dict[int, int] = {}
        members: dict[int, list[int]] = {}
        columns = "".join(f", {quoted(link)}" for link in links)
        for row in self.database.rows(f"SELECT rowid AS place{columns} FROM {quoted(table)} ORDER BY rowid"):
            above = _place(row.get("reply_to_id") or row.get("chat_id") or row["place"])
            roots[row["place"]] = roots.get(above, above)
            members.setdefault(roots[row["place"]], []).append(row["place"])
        for places in members.values():
            first = next(self.database.rows(f"SELECT * FROM {quoted(table)} WHERE rowid = ?", places[0]))
            name = _chat_name(first, places[0])
            yield from self._conversation({"id": name}, self._chat_rows(table, places, name), dict)

    def _chat_rows(self, table: str, places: list[int], name: str) -> Iterator[dict[str, Any]]:
        known: dict[int | None, str] = {}
        for place in places:
            row = next(self.database.rows(f"SELECT * FROM {quoted(table)} WHERE rowid = ?", place))
            above, known[place] = known.get(_place(row.get("reply_to_id"))), f"{name}:{place}"
            yield {**row, "id": known[place], "above": above}

    def _conversations(self) -> Iterator[Record]:
        """Yield the conversations that have responses, each with what newer tables add to it."""
        conversations = Groups(self.database, "conversations", "id")
        has_schemas = "schemas" in self.database.tables and "schema_id" in self.database.columns("responses")
        responses = Groups(self.database, "responses", "conversation_id", _WITH_SCHEMA if has_schemas else "")
        for name in sorted(responses.places, key=lambda name: responses.places[name][0]):
            rows = sorted(responses.get(name), key=lambda row: str(row["id"]))
            if name in (None, ""):
                for row in rows:
                    yield from self._conversation({"id": row["id"]}, [row], self._whole)
            else:
                held = next(iter(conversations.get(name)), {"id": name})
                rows = [row for row in rows if not self.threads.has_turn(row["id"])]
                yield from self._conversation(held, rows, self._whole)

    def _conversation(
        self, held: Mapping[str, Any], rows: Iterable[dict[str, Any]], complete: _Complete
    ) -> Iterator[Record]:
        """Yield one conversation: its rows' messages, then those of the thread that carries it on."""
        talk = Talk(str(held["id"]))
        drafts, problems = list[MessageDraft](), list[Problem]()
        told = [self.threads.facts(talk.source_id)]
        for row in rows:
            try:
                drafts.extend(talk.exchange(complete(row)))
                told = [*told[:2], row]
            except MALFORMED:
                problems.append(Problem(f"response {row['id']}", _NOT_A_ROW))
        self.left_out += talk.left_out
        draft = ConversationDraft(
            source_id=talk.source_id,
            title=build.word(held.get("name")) or build.word(told[0].get("name")),
            model=build.word(held.get("model")) or build.word(told[-1].get("model")),
            created_at=_moment(told[min(1, len(told) - 1)]),
            updated_at=_moment(told[-1]),
            metadata={"tools": list(talk.tools.values())} if talk.tools else {},
        )
        yield draft
        yield from drafts
        yield from problems
        if told[0]:
            yield from self.threads.continuation(draft, drafts)

    def _whole(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a response with what other tables hold for it."""
        found = {key: extra.get(row["id"], "order") for key, extra in self.extras.items()}
        for result in found.get("tool_results", ()):
            result["instance"] = [build.compact(held) for held in self.instances.get(result.get("instance_id"))]
            if "result_attachments" in self.extras:
                result["attachments"] = self.extras["result_attachments"].get(result["id"], "order")
        return {**row, **found}


def _place(link: Any) -> Any:
    """Return the row a link names; the oldest tables keep its number as text."""
    return int(link) if isinstance(link, str) and link.isdecimal() else link


def _chat_name(row: Mapping[str, Any], place: int) -> str:
    """Return an id for a chat of 2023, whose number other logs have too."""
    digest = ids.digest(f"{_moment(row)}\0{row.get('prompt')}")
    return f"log-{place}-{digest[:16]}"


def _moment(row: Mapping[str, Any]) -> str | None:
    return instant(row.get("datetime_utc") or row.get("timestamp"))


_WITH_SCHEMA = """SELECT held.*, schemas.content AS schema_json FROM responses AS held
    LEFT JOIN schemas ON schemas.id = held.schema_id"""


def _joined(table: str, other: str, key: str, columns: str = "other.*") -> str:
    return f"SELECT held.*, {columns} FROM {table} AS held LEFT JOIN {other} AS other ON other.id = held.{key}"


#: What other tables add to a response: table, column, and the query for its rows.
_EXTRAS = {
    "attachments": ("prompt_attachments", "response_id", _joined("prompt_attachments", "attachments", "attachment_id")),
    "prompt_fragments": ("prompt_fragments", "response_id", _joined("prompt_fragments", "fragments", "fragment_id")),
    "system_fragments": ("system_fragments", "response_id", _joined("system_fragments", "fragments", "fragment_id")),
    "tools": ("tool_responses", "response_id", _joined("tool_responses", "tools", "tool_id")),
    "tool_calls": ("tool_calls", "response_id", ""),
    "tool_results": ("tool_results", "response_id", ""),
    "result_attachments": (
        "tool_results_attachments",
        "tool_result_id",
        _joined("tool_results_attachments", "attachments", "attachment_id"),
    ),
}
