"""Grok's data export: ``prod-grok-backend.json``, conversations with their responses linked to a tree.

Reads the conversations, every branch of them.  Projects, tasks and posts beside them are no
conversations and are counted.  The export is a download: it lies where people saved it.
A conversation as Grok's website gets it is read as well; there the keys are in camel case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatlog import tagged
from chatlog.formats import Head, build, ids, trees
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import items
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_ENVELOPE = "conversations"
_BESIDE = {"projects": "projects", "tasks": "tasks", "media_posts": "pictures and films that were posted"}
#: A conversation may have no responses; the next has.
_RESPONSES = re.compile(r'"responses"\s*:\s*\[')
_PAIR = frozenset({"conversation", "responses"})
_USERS = ("human", "user")
_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")
#: References to what the interface draws into an answer: sources and pictures.
_RENDERED = re.compile(r"<(grok:render)\b")
_IMAGES = ("generated_image_urls", "image_attachments", "image_edit_uri", "image_edit_uris")
_KEPT_AS_PARTS = (
    "web_search_results",
    "cited_web_search_results",
    "xposts",
    "cited_xposts",
    "card_attachments_json",
)
_CONVERSATION_TOLD = frozenset({
    "conversation_id", "id", "title", "create_time", "modify_time", "leaf_response_id", "starred", "user_id",
    "x_user_id",
})  # fmt: skip
_RESPONSE_TOLD = frozenset({
    "_id", "agent_thinking_traces", "conversation_id", "create_time", "file_attachments", "file_attachments_metadata",
    "message", "model", "parent_response_id", "response_id", "sender", "steps", "thinking_trace", "xai_user_id",
    *_IMAGES, *_KEPT_AS_PARTS,
})  # fmt: skip


def sniff(head: Head) -> bool:
    """Say whether this is Grok's export, or a conversation of it."""
    if head.keys >= _PAIR:
        return True
    keys = (head.first_in(_ENVELOPE) if _ENVELOPE in head.keys else None) or frozenset[str]()
    return keys >= _PAIR or ("conversation" in keys and _RESPONSES.search(head.text) is not None)


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation with every message of its tree, and again with its active leaf."""
    beside: dict[str, Any] = {}
    yield from read_each(
        items(source, _ENVELOPE, beside),
        lambda item: _conversation(item.value, item.place),
        "not a conversation of Grok",
    )
    yield from build.left_out({_BESIDE[key]: len(beside[key]) for key in _BESIDE if isinstance(beside.get(key), list)})


def _spelt(values: Row) -> dict[str, Any]:
    """Return an object with its keys as the export spells them: ``createTime`` is ``create_time``."""
    return {_CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", key): value for key, value in values.items()}


def _conversation(entry: Row, place: str) -> Iterator[Record]:
    facts, held = _spelt(entry["conversation"]), entry.get("responses") or ()
    rows, problems = _rows(held.get("responses") or () if isinstance(held, dict) else held, place)

    def message(key: str, parent: str | None, above: str | None) -> MessageDraft:
        return _message(rows[key][0], key, above, rows[parent][0] if parent else {})

    tree = trees.grown(_parents(rows), message, lambda key: rows[key][1], "not a response of Grok")
    tree.problems[:0] = problems
    yield from tree.records(_draft(facts, tree.messages), _plain_id(facts.get("leaf_response_id")))


def _rows(found: Any, place: str) -> tuple[dict[str, tuple[Row, str]], list[Problem]]:
    """Return the responses by id with their places, and what is none."""
    rows: dict[str, tuple[Row, str]] = {}
    problems: list[Problem] = []
    for number, held in enumerate(found, 1):
        where = f"{place}, message {number}"
        row = held.get("response", held) if isinstance(held, dict) else None
        if not isinstance(row, dict):
            problems.append(Problem(where, "not a response of Grok"))
            continue
        row, link = _spelt(row), held.get("share_link")
        key = _plain_id(row.get("response_id") or row.get("_id")) or f"response-{number}"
        rows.setdefault(key, ({**row, "share_link": link} if link else row, where))
    return rows, problems


def _parents(rows: Mapping[str, tuple[Row, str]]) -> dict[str, str | None]:
    """Return the response that each one follows; in exports that name none, that is the one before it."""
    parents = {key: _plain_id(row.get("parent_response_id")) for key, (row, _) in rows.items()}
    return parents if any(parents.values()) else dict(zip(rows, [None, *rows], strict=False))


def _plain_id(value: Any) -> str | None:
    """Return an id that stands as text or as MongoDB writes it."""
    return str(value["$oid"]) if isinstance(value, dict) and "$oid" in value else str(value) if value else None


def _moment(value: Any) -> str | None:
    """Return a time that stands as text or as MongoDB writes it, ``{"$date": {"$numberLong": …}}``."""
    while isinstance(value, dict):
        value = value.get("$date", value.get("$numberLong"))
    return instant(value)


def _draft(facts: Row, messages: list[MessageDraft]) -> ConversationDraft:
    name = _plain_id(facts.get("conversation_id") or facts.get("id"))
    if not name and not messages:
        raise ValueError("neither an id nor a message")
    return ConversationDraft(
        source_id=name or ids.derived_conversation_id(messages),
        title=build.word(facts.get("title")),
        created_at=_moment(facts.get("create_time")),
        updated_at=_moment(facts.get("modify_time")),
        model=build.last_model(messages),
        pinned=bool(facts.get("starred")),
        metadata=build.compact(facts, _CONVERSATION_TOLD),
    )


def _message(row: Row, key: str, parent: str | None, prompt: Row) -> MessageDraft:
    said = build.string(row.get("message") or "")
    by_user = row["sender"].lower() in _USERS
    parts = tuple(_parts(row, said))
    text = shown(said)
    return build.message(
        "user" if by_user else "assistant",
        parts,
        text,
        model=None if by_user else _model(row) or _model(prompt),
        created_at=_moment(row.get("create_time")),
        source_id=key,
        parent=parent,
        metadata=_facts(row),
    )


def shown(said: str) -> str:
    """Return what is seen of an answer as words: without the places of its citations and cards."""
    return tagged.without(said, _RENDERED).rstrip() if "<grok:render" in said else said


def _facts(row: Row) -> dict[str, Any]:
    """Return what else a response says; the model that was asked is told already."""
    facts = build.without(row, _RESPONSE_TOLD)
    if isinstance(told := facts.get("metadata"), dict):
        facts["metadata"] = build.compact(told, ("requestModelDetails",))
    return build.compact(facts)


def _model(row: Row) -> str | None:
    """Return the model of a response; for a prompt, the one that was asked."""
    asked = build.within(row, "metadata", "requestModelDetails", "modelId")
    return build.word(row.get("model")) or build.word(asked)


def _parts(row: Row, said: str) -> Iterator[Part]:
    if thought := row.get("thinking_trace"):
        yield (
            build.reasoning(thought)
            if isinstance(thought, str)
            else {"type": "thinking_trace", "thinking_trace": thought}
        )
    for trace in row.get("agent_thinking_traces") or ():
        if trace.get("thinking_trace") != thought:
            yield build.reasoning(trace["thinking_trace"], **build.compact({"agent": trace.get("agent_id")}))
    yield from _steps(row.get("steps") or ())
    for key in _KEPT_AS_PARTS:
        if row.get(key):
            yield {"type": key, key: row[key]}
    if said:
        yield build.text(said)
    for key in _IMAGES:
        held = row.get(key)
        for address in held if isinstance(held, list) else [held] if held else ():
            yield _attachment(address, modality="image")
    described = row.get("file_attachments_metadata") or ()
    named = [held.get("fileMetadataId") for held in described if isinstance(held, dict)]
    for held in (*described, *(held for held in row.get("file_attachments") or () if held not in named)):
        yield _attachment(held)


def _steps(steps: Sequence[Row]) -> Iterator[Part]:
    """Yield what was called in the steps of an answer, each call before its results, and what else the steps tell."""
    told = [_spelt(step) for step in steps]
    calls = [call for step in told for call in step.pop("tool_usage_cards", None) or ()]
    results = [result for step in told for result in step.pop("tool_usage_results", None) or ()]
    if rest := [kept for step in told if (kept := build.compact(step))]:
        yield {"type": "steps", "steps": rest}
    made = [build.tool_call(*_use(_spelt(call), "tool")) for call in calls]
    answers = [build.tool_result(*_use(_spelt(result), "result")[::2]) for result in results]
    for call in made:
        yield call
        yield from (answer for answer in answers if answer["id"] == call["id"])
    called = {call["id"] for call in made}
    yield from (answer for answer in answers if answer["id"] not in called)


def _use(held: dict[str, Any], key: str) -> tuple[str | None, str | None, Any]:
    """Return the id of a tool's call or result, what it is named, and what was asked or found.

    Both stand in an object by their name, a call's arguments in one more.
    """
    call_id = build.word(held.pop("tool_usage_card_id", None))
    inner = held.get(key, held)
    if not isinstance(inner, dict) or len(inner) != 1:
        return call_id, None, inner
    ((name, value),) = inner.items()
    return call_id, name, value["args"] if isinstance(value, dict) and value.keys() == {"args"} else value


def _attachment(held: Any, **facts: Any) -> Part:
    """Return a reference to a file: by address, by id, or as Grok describes it."""
    if isinstance(held, dict):
        told = _spelt(held)
        own = _plain_id(told.get("file_id") or told.get("file_metadata_id") or told.get("id"))
        kind = told.get("mime_type") or told.get("file_mime_type")
        known = build.file(own, told.get("file_name") or told.get("name"), kind, **facts)
        return {**build.without(held, ("type", "content", "id")), **known}
    address = str(held)
    return build.uri(address, **facts) if "/" in address else build.file(address, **facts)
