"""ChatGPT's data export: ``conversations.json``, its numbered pieces, and single conversations.

Recognises them and walks the tree of each conversation, every branch and parents first.  What a
message says is `chatgpt_content`'s matter; the export's files about the account are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from chatlog.canonical import canonical_json
from chatlog.formats import MALFORMED, Head, build, ids, trees
from chatlog.formats.beside import beside
from chatlog.formats.chatgpt_citations import clean
from chatlog.formats.chatgpt_content import UNSHOWN, Row, Said, asset_id, said
from chatlog.formats.chatgpt_research import report
from chatlog.formats.jsonstream import Line, first_keys, items
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ROLES, ConversationDraft, MessageDraft, Problem, Record
from chatlog.timespec import instant

_ENVELOPE = "conversations"
#: Where an export has its assets, and how they are called: ``file-XXXX-photo.png``, ``file_XXXX-sanitized.jpg``.
_ASSET_FOLDERS = (".", "dalle-generations")
_ASSET = re.compile(r"(?P<file>(?P<id>file[-_][A-Za-z0-9]+)(?:-sanitized\.\w+|-(?P<name>.+)|\.(?!dat$)\w+))")
_MAPPING = re.compile(r'"mapping"\s*:\s*\{')
_AUTHOR = re.compile(r'"author"\s*:\s*[{"]')
_IN_ENVELOPE = re.compile(r'"conversations"\s*:\s*\[')
#: Keys of a conversation that no other format with a `mapping` has.
_TELLING = frozenset({"create_time", "current_node", "conversation_id", "moderation_results", "plugin_ids"})
#: Keys around a single conversation that other programs captured.
_CAPTURES = frozenset({"conversation", "data", "payload", "raw", "body", "response"})
#: DeepSeek's export has the same envelope around other messages.
_DEEPSEEK = "inserted_at"

_FACTS = frozenset(
    {
        "mapping",
        "linear_conversation",  # in captures: the active path once more
        "title",
        "create_time",
        "update_time",
        "id",
        "conversation_id",
        "current_node",
        "default_model_slug",
        "is_archived",
    }
)
#: Metadata that is kept elsewhere (as parts, as the model) or says nothing.
_DROPPED = frozenset({"attachments", "model_slug", "pad", "timestamp_"})
#: What a message says that is told in its own way, where it says more than usual.
_MESSAGE_TOLD = frozenset({"author", "content", "create_time", "id", "metadata", "recipient", "status", "weight"})
_DONE = "finished_successfully"


def sniff(head: Head) -> bool:
    """Say whether this is a ChatGPT conversation or a list of them."""
    keys = head.keys
    if not head.is_json or _DEEPSEEK in keys:
        return False
    if _ENVELOPE in keys and (start := _IN_ENVELOPE.search(head.text)):
        keys = frozenset(first_keys(head.text[start.end() :]))
    if _DEEPSEEK in keys or _has_other_messages(head.text):
        return False
    if "mapping" in keys:
        return bool(keys & _TELLING) or _AUTHOR.search(head.text) is not None
    if head.is_array or keys & _CAPTURES:
        return _MAPPING.search(head.text) is not None and _AUTHOR.search(head.text) is not None
    return False


def _has_other_messages(text: str) -> bool:
    return '"fragments"' in text and _AUTHOR.search(text) is None


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation with every message of its tree."""
    names, counts = _asset_names(source), Counter[str]()

    def take(item: Line) -> Iterator[Record]:
        entry = _conversation_in(item.value)
        counts["conversations without messages (no mapping)"] += not isinstance(entry.get("mapping"), dict)
        yield from _conversation(entry, item.place, names)

    yield from read_each(items(source, _ENVELOPE), take, "not a ChatGPT conversation", names_error=False)
    yield from build.left_out(counts)


def _asset_names(source: Source) -> dict[str, str]:
    """Return the original file names of the export's assets by their ids, else the names it gives them itself."""
    names = _member_names(source)
    known = beside(source, "conversation_asset_file_names.json")
    held = known.items() if isinstance(known, dict) else ()
    return names | {asset_id(asset): name for asset, name in held if isinstance(name, str) and name}


def _member_names(source: Source) -> dict[str, str]:
    """Return what the names of an archive's members, which begin with an asset's id, say behind it."""
    if source.folder is None or source.path is not None:  # a folder looked at would have the file read again and again
        return {}
    members = [name for folder in _ASSET_FOLDERS for name in source.folder.names(folder)]
    found = (_ASSET.fullmatch(name.rpartition("/")[2]) for name in members)
    return {asset["id"]: asset["name"] or asset["file"] for asset in found if asset}


def _conversation_in(value: Any) -> Mapping[str, Any]:
    """Return the conversation, taken out of the envelope that other programs put around it."""
    found: Mapping[str, Any] = value
    if "mapping" not in value:
        found = next((held for held in value.values() if isinstance(held, dict) and "mapping" in held), value)
    return found


def _conversation(entry: Mapping[str, Any], place: str, names: Mapping[str, str]) -> Iterator[Record]:
    mapping = entry.get("mapping")
    if not (mapping or entry.get("conversation_id") or entry.get("id") or entry.get("title")):
        if entry and not any(name in entry for name in _FACTS):
            raise ValueError("no key of a conversation")
        return
    tree = _Tree(build.mapping(mapping), names, place)
    tree.read()
    draft = _draft(entry, tree.messages)
    yield draft
    yield from tree.messages
    yield from tree.problems
    if tree.messages:
        yield draft._replace(head=tree.head(entry.get("current_node")))


def _draft(entry: Mapping[str, Any], messages: list[MessageDraft]) -> ConversationDraft:
    title = entry.get("title")
    own_id = entry.get("conversation_id") or entry.get("id")
    facts = build.compact(entry, _FACTS)
    if entry.get("id") not in (None, own_id):
        facts["id"] = entry["id"]
    return ConversationDraft(
        source_id=str(own_id) if own_id else _derived_id(entry, messages),
        title=title.strip() or None if isinstance(title, str) else None,
        created_at=instant(entry.get("create_time")),
        updated_at=instant(entry.get("update_time")),
        model=build.word(entry.get("default_model_slug")) or build.last_model(messages),
        project=_project(entry),
        pinned=bool(entry.get("pinned_time") or entry.get("is_starred")),
        archived=bool(entry.get("is_archived")),
        metadata=facts,
    )


def _derived_id(entry: Mapping[str, Any], messages: list[MessageDraft]) -> str:
    """Return an id from what a later export of the same conversation says again: its beginning."""
    first = [(message.source_id, message.text) for message in messages[:2]]
    begun = canonical_json([entry.get("create_time"), first or entry.get("title")])
    return ids.hashed(begun)


def _project(entry: Mapping[str, Any]) -> str | None:
    held = (entry.get("gizmo_id"), entry.get("conversation_template_id"))
    return next((name for name in held if isinstance(name, str) and name.startswith("g-p-")), None)


class _Above(NamedTuple):
    """What stands above a node: the nearest message and the nearest call still in this turn."""

    message: str | None
    call: str | None


class _Tree:
    """The messages of one conversation, read from its mapping."""

    def __init__(self, mapping: dict[str, Any], names: Mapping[str, str], place: str) -> None:
        self.mapping = mapping
        self.names = names
        self.place = place
        self.messages: list[MessageDraft] = []
        self.problems: list[Problem] = []
        self.above: dict[str | None, _Above] = {None: _Above(None, None)}
        self.reports: set[str] = set()

    def read(self) -> None:
        """Read every node; the children of one that holds no message follow the nearest that does."""
        for number, (key, parent) in enumerate(trees.preorder(_parents(self.mapping)), 1):
            above = self.above[parent]
            self.above[key] = above
            try:
                draft = _message(key, self.mapping[key], above, self.names)
            except MALFORMED:
                self.problems.append(Problem(f"{self.place}, message {number}", "not a ChatGPT message"))
                continue
            if draft is not None:
                self.messages.append(draft)
                self.above[key] = _Above(key, _open_call(draft, above))
                self._tell_report(key, draft)

    def _tell_report(self, key: str, draft: MessageDraft) -> None:
        """Let a report, which a tool's message holds in the state of its widget, follow that as the answer it is."""
        message = build.mapping(self.mapping[key]["message"])
        held = build.mapping(message.get("content")), build.mapping(message.get("metadata"))
        found = report(*held) if draft.role == "tool" else None
        if found is None or found.text in self.reports:
            return
        self.reports.add(found.text)
        told = build.message(
            "assistant",
            found.text,
            clean(found.text, found.metadata),
            model=draft.model,
            created_at=instant(found.written) or draft.created_at,
            source_id=f"{key}-report",
            parent=key,
            metadata=build.compact(found.metadata, _DROPPED),
        )
        self.messages.append(told)
        self.above[key] = _Above(told.source_id, None)

    def head(self, current: Any) -> str | None:
        """Return the active leaf: the current node, the newest leaf, or the last one."""
        if isinstance(current, str) and current in self.above and self.above[current].message:
            return self.above[current].message
        return trees.newest_leaf(self.messages)


def _open_call(draft: MessageDraft, above: _Above) -> str | None:
    if draft.role == "user":
        return None
    calls = draft.role == "assistant" and any(part["type"] == "tool_call" for part in draft.parts or ())
    return draft.source_id if calls else above.call


def _parents(mapping: Mapping[str, Any]) -> dict[str, str | None]:
    """Return each node's parent, siblings in the order they were made.

    A node's own link counts; where it leads nowhere, the list of children that names it does.
    """
    own = {key: _own_parent(key, node, mapping) for key, node in mapping.items()}
    parents: dict[str, str | None] = {}
    for key, node in mapping.items():
        for child in _children(node):
            if child in own and own[child] in (key, None) and child != key:
                parents.setdefault(child, key)
    unlisted = [key for key in mapping if key not in parents]
    for key in sorted(unlisted, key=lambda key: _time(mapping[key])):
        parents[key] = own[key]
    return parents


def _own_parent(key: str, node: Any, mapping: Mapping[str, Any]) -> str | None:
    parent = build.within(node, "parent")
    return parent if isinstance(parent, str) and parent in mapping and parent != key else None


def _children(node: Any) -> list[str]:
    children = build.mapping(node).get("children")
    return [child for child in children if isinstance(child, str)] if isinstance(children, list) else []


def _time(node: Any) -> float:
    time = build.within(node, "message", "create_time")
    return time if isinstance(time, (int, float)) else 0.0


def _message(key: str, node: Mapping[str, Any], above: _Above, names: Mapping[str, str]) -> MessageDraft | None:
    message = node.get("message")
    if not message:
        return None
    row = _row(key, message, above.call, names)
    content = said(row)
    facts = _facts(row, message)
    if reason := _hidden_reason(row, content):
        facts["hidden_reason"] = reason
    return MessageDraft(
        role=row.role,
        text=content.text,
        parts=content.parts,
        author=row.name,
        model=build.word(row.metadata.get("model_slug") or row.metadata.get("resolved_model_slug")),
        created_at=instant(message.get("create_time")),
        source_id=key,
        parent=above.message,
        hidden=reason is not None,
        metadata=facts,
    )


def _row(key: str, message: Mapping[str, Any], call: str | None, names: Mapping[str, str]) -> Row:
    author, content = message["author"], message.get("content")
    role, recipient = str(author["role"]), message.get("recipient") or "all"
    if not isinstance(content, dict):
        content = {"parts": content if isinstance(content, list) else [content]}
    kind = content.get("content_type")
    return Row(
        key,
        role if role in ROLES else "assistant",
        build.word(author.get("name")),
        recipient,
        kind if isinstance(kind, str) else None,
        content,
        message.get("metadata") or {},
        call,
        names,
    )


def _facts(row: Row, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the message says about itself that has no place of its own, where it is unusual."""
    facts = build.compact(row.metadata, _DROPPED)
    author, status = message["author"], message.get("status")
    if status and status != _DONE:
        facts["message_status" if "status" in facts else "status"] = status
    facts |= build.given(message, _MESSAGE_TOLD)
    if message.get("weight") not in (None, 1):
        facts["weight"] = message["weight"]
    if row.recipient != "all":
        facts["recipient"] = row.recipient
    if message.get("id") not in (None, row.id):
        facts["message_id"] = message["id"]
    if author["role"] != row.role:
        facts["role"] = author["role"]
    if author.get("metadata"):
        facts["author_metadata"] = author["metadata"]
    return facts


def _hidden_reason(row: Row, content: Said) -> str | None:
    """Return why ChatGPT does not show a message; its tool calls, which it does not show either, are ours to fold."""
    if row.metadata.get("is_visually_hidden_from_conversation"):
        return "is_visually_hidden_from_conversation"
    if row.role == "system":
        return "system"
    if row.kind in UNSHOWN:
        return row.kind
    return "empty" if content.is_empty else None
