"""DeepSeek's data export: ``conversations.json``, trees of messages whose words stand in fragments.

The envelope is ChatGPT's, the messages are not: a request, thoughts, searches and a response each
are a fragment.  The export is a download: it lies where people saved it.  What the website asks its
server for, and extensions of browsers save, is one conversation of the same messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.formats import Head, build, ids, trees
from chatlog.formats.jsonstream import items
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Record
from chatlog.timespec import instant

_ENVELOPE = "conversations"
_FRAGMENTS = re.compile(r'"fragments"\s*:\s*\[')
_ROLES = {"REQUEST": "user", "USER": "user", "SYSTEM": "system"}
_THOUGHTS = ("THINK", "REASONING")
#: What is said; of these a refusal is ready-made, in place of an answer that was withdrawn.
_WORDS = (*_ROLES, "RESPONSE", "TEMPLATE_RESPONSE", "TEXT")
_CONVERSATION_TOLD = frozenset({"id", "title", "mapping", "inserted_at", "updated_at", "pinned", "current_message_id"})
_MESSAGE_TOLD = frozenset(
    {"fragments", "files", "model", "inserted_at", "content", "role", "thinking_content", "message_id", "parent_id"}
)
#: What a fragment tells besides its words; the numbers say nothing but their order.
_FRAGMENT_TOLD = frozenset({"type", "content", "id", "stage_id"})
#: What the website's server answers with: a conversation and the list of its messages.
_ANSWER = frozenset({"chat_session", "chat_messages"})


def sniff(head: Head) -> bool:
    """Say whether this is a conversation of DeepSeek's export, or a list of them."""
    keys = head.keys
    if _ENVELOPE in keys:
        return '"inserted_at"' in head.text and _FRAGMENTS.search(head.text) is not None
    if keys >= _ANSWER or ("data" in keys and all(f'"{key}"' in head.text for key in ("biz_data", *_ANSWER))):
        return True
    return "mapping" in keys and ("inserted_at" in keys or _FRAGMENTS.search(head.text) is not None)


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation with every message of its tree, and again with its newest leaf."""
    yield from read_each(
        items(source, _ENVELOPE),
        lambda item: _conversation(_as_export(item.value), item.place),
        "not a conversation of DeepSeek",
    )


def _as_export(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a conversation in the export's envelope where it is as the website's server answers with it."""
    data = entry.get("data")
    held = data.get("biz_data") if isinstance(data, dict) else entry
    if not isinstance(held, dict) or not held.keys() >= _ANSWER or "mapping" in held:
        return entry
    nodes: dict[str, Any] = {}
    for number, row in enumerate(held["chat_messages"], 1):
        told = build.mapping(row)
        nodes[str(told.get("message_id") or f"row-{number}")] = {"parent": told.get("parent_id"), "message": row}
    return {**held["chat_session"], "mapping": nodes}


def _conversation(entry: Mapping[str, Any], place: str) -> Iterator[Record]:
    nodes = entry.get("mapping") or {}

    def message(key: str, _: str | None, above: str | None) -> MessageDraft | None:
        said = nodes[key].get("message")
        return None if said is None else _message(said, key, above)

    tree = trees.grown(_parents(nodes), message, lambda key: f"{place}, node {key}", "not a message of DeepSeek")
    yield from tree.records(_draft(entry, tree.messages), str(entry.get("current_message_id")))


def _parents(nodes: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the parent of each node, as it says itself or as it is listed; siblings in the order of the list."""
    listed: dict[str, str] = {}
    for key, node in nodes.items():
        for child in (node.get("children") or ()) if isinstance(node, dict) else ():
            listed.setdefault(str(child), key)
    ordered = dict.fromkeys((*(key for key in nodes if key not in listed), *(key for key in listed if key in nodes)))
    return {key: _own_parent(nodes[key]) or listed.get(key) for key in ordered}


def _own_parent(node: Any) -> str | None:
    parent = build.mapping(node).get("parent")
    return None if parent is None else str(parent)


def _draft(entry: Mapping[str, Any], messages: list[MessageDraft]) -> ConversationDraft:
    name = entry.get("id")
    if not name and not messages:
        raise ValueError("neither an id nor a message")
    return ConversationDraft(
        source_id=str(name) if name else ids.derived_conversation_id(messages),
        title=build.word(entry.get("title")),
        created_at=instant(entry.get("inserted_at")),
        updated_at=instant(entry.get("updated_at")),
        model=build.last_model(messages),
        pinned=entry.get("pinned") is True,
        metadata=build.rest(entry, _CONVERSATION_TOLD),
    )


def _message(said: Mapping[str, Any], key: str, parent: str | None) -> MessageDraft:
    fragments = _fragments(said)
    role = next((_ROLES[kind] for kind, _ in fragments if kind in _ROLES), "assistant")
    parts = (*(_part(kind, held) for kind, held in fragments), *map(_file, said.get("files") or ()))
    return build.message(
        role,
        parts,
        model=build.word(said.get("model")) if role == "assistant" else None,
        created_at=instant(said.get("inserted_at")),
        source_id=key,
        parent=parent,
        metadata=build.rest(said, _MESSAGE_TOLD),
    )


def _fragments(said: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the fragments with their kinds; an older message has its words and thoughts beside each other."""
    if isinstance(said.get("fragments"), list):
        return [(str(held.get("type") or "").upper(), held) for held in said["fragments"]]
    role = str(said.get("role") or "").upper()
    found: list[tuple[str, Mapping[str, Any]]] = []
    if said.get("thinking_content"):
        found.append(("THINK", {"content": said["thinking_content"]}))
    if said.get("content") is not None:
        found.append((role if role in _ROLES else "RESPONSE", {"content": said["content"]}))
    return found


def _part(kind: str, held: Mapping[str, Any]) -> Part:
    content = held.get("content")
    if kind == "FILE":
        return _file(held)
    if not isinstance(content, str) or kind not in (*_THOUGHTS, *_WORDS):
        return build.raw(kind.lower() or "fragment", build.without(held, ("type",)))
    rest = build.rest(held, _FRAGMENT_TOLD)
    return {**rest, **(build.reasoning(content) if kind in _THOUGHTS else build.text(content))}


def _file(held: Any) -> Part:
    if not isinstance(held, dict):
        return build.file(str(held))
    known = build.file(held.get("id") or held.get("file_id"), held.get("file_name") or held.get("name"))
    told = ("id", "file_id", "file_name", "name", "type")
    return {**build.rest(held, told), **known}
