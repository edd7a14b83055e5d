"""LibreChat's exported conversations: JSON with its messages nested in each other, or flat and linked.

Walks the tree, every branch and parents first, and puts a message's text, thoughts, tool calls and
files into parts.  LibreChat keeps its history in MongoDB: exports lie where people saved them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chatlog.formats import Head, build, ids, trees
from chatlog.formats.jsonstream import Line, items
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_LISTS = ("messages", "messagesTree")
_SIGNS = frozenset({"recursive", "branches", "exportAt", "endpoint"})
_USER = "user"
#: The kind, and the words, of what a user typed into an answer that was still being made.
_STEER = "steer"
_CONVERSATION_TOLD = frozenset({*_LISTS, "conversationId", "title", "createdAt", "updatedAt", "_id", "__v"})
_MESSAGE_TOLD = frozenset({
    "__v", "_id", "attachments", "children", "content", "conversationId", "createdAt", "files", "isCreatedByUser",
    "messageId", "model", "parentMessageId", "sender", "text", "user",
})  # fmt: skip

Node = Mapping[str, Any]


def sniff(head: Head) -> bool:
    """Say whether this is a conversation that LibreChat exported, or a list of them."""
    keys = head.keys
    return "conversationId" in keys and not keys.isdisjoint(_LISTS) and not keys.isdisjoint(_SIGNS)


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation with every message of its tree, and again with its active leaf."""
    yield from read_each(items(source), _conversation, "not a LibreChat conversation")


def _conversation(entry: Line) -> Iterator[Record]:
    value = entry.value
    nodes, links, problems = _tree(value, entry.place)
    nodes, links = _apart(nodes, links)

    def message(key: str, _: str | None, above: str | None) -> MessageDraft:
        return _message(nodes[key][0], key, above, value)

    tree = trees.grown(links, message, lambda key: nodes[key][1], "not a LibreChat message")
    tree.problems[:0] = problems
    yield from tree.records(_draft(value, tree.messages))


def _tree(value: Node, place: str) -> tuple[dict[str, tuple[Node, str]], dict[str, str | None], list[Problem]]:
    """Return the messages by id with their places, the id each answers, and what is none."""
    nodes: dict[str, tuple[Node, str]] = {}
    links: dict[str, str | None] = {}
    problems: list[Problem] = []
    rows = next((value[key] for key in _LISTS if value.get(key)), None) or []
    stack: list[tuple[Any, str | None, str]] = []
    stack += [(row, None, f"{place}, message {number}") for number, row in enumerate(rows, 1)][::-1]
    while stack:
        node, parent, where = stack.pop()
        if not isinstance(node, dict):
            problems.append(Problem(where, "not a LibreChat message"))
            continue
        key = str(node.get("messageId") or f"{parent or 'message'}-{len(nodes) + 1}")
        if key not in nodes:
            nodes[key], links[key] = (node, where), parent or str(node.get("parentMessageId") or "") or None
        below = enumerate(build.listed(node.get("children")), 1)
        stack += [(child, key, f"{where}, reply {number}") for number, child in below][::-1]
    if not any(links.values()) or (value.get("branches") is False and nodes.keys().isdisjoint(links.values())):
        links = dict(zip(links, [None, *links], strict=False))
    return nodes, links, problems


def _apart(
    nodes: Mapping[str, tuple[Node, str]], links: Mapping[str, str | None]
) -> tuple[dict[str, tuple[Node, str]], dict[str, str | None]]:
    """Return the messages with what a user typed into a growing answer as a message of its own, amid the answer."""
    found, parents = dict[str, tuple[Node, str]](), dict[str, str | None]()
    last = dict[str | None, str]()
    for key, (node, where) in nodes.items():
        for number, piece in enumerate(_pieces(node)):
            name = f"{key}/{number}" if number else key
            found[name], parents[name] = (piece, where), last.get(key) if number else links[key]
            last[key] = name
    return found, {name: last.get(above, above) if name in links else above for name, above in parents.items()}


def _pieces(node: Node) -> Iterator[Node]:
    """Yield an answer up to where its user steered it, what was typed there, and how the answer goes on."""
    content = build.listed(node.get("content"))
    speaker = {key: node[key] for key in ("isCreatedByUser", "sender", "model", "createdAt") if key in node}
    turns = [at for at, block in enumerate(content) if isinstance(block, dict) and isinstance(block.get(_STEER), str)]
    if not turns or node.get("isCreatedByUser"):
        yield node
        return
    yield {**node, "text": "", "content": content[: turns[0]]}
    for at, end in zip(turns, [*turns[1:], len(content)], strict=True):
        block = content[at]
        yield {**build.others(block, _STEER), "text": block[_STEER], "isCreatedByUser": True}
        if content[at + 1 : end]:
            yield {**speaker, "content": content[at + 1 : end]}


def _draft(value: Node, messages: list[MessageDraft]) -> ConversationDraft:
    name = value.get("conversationId")
    if not name and not messages:
        raise ValueError("neither an id nor a message")
    options = value.get("options")
    facts = build.rest(value, _CONVERSATION_TOLD, (None, "", {}))
    if isinstance(options, dict):
        facts["options"] = build.compact(options)
    return ConversationDraft(
        source_id=str(name) if name else ids.derived_conversation_id(messages),
        title=build.word(value.get("title")),
        created_at=instant(value.get("createdAt")),
        updated_at=instant(value.get("updatedAt")),
        model=build.word(build.within(options, "model")) or build.last_model(messages),
        metadata=facts,
    )


def _message(node: Node, key: str, parent: str | None, conversation: Node) -> MessageDraft:
    sender = node.get("sender")
    by_user = node["isCreatedByUser"] if "isCreatedByUser" in node else str(sender).lower() == _USER
    parts = (*_said(node), *_files(node))
    return build.message(
        "user" if by_user else "assistant",
        parts,
        author=None if by_user else build.word(sender),
        model=build.word(node.get("model")),
        created_at=instant(node.get("createdAt")),
        source_id=key,
        parent=parent,
        metadata=_facts(node, conversation),
    )


def _facts(node: Node, conversation: Node) -> dict[str, Any]:
    facts = build.compact(node, _MESSAGE_TOLD)
    if facts.get("endpoint") == conversation.get("endpoint"):
        facts.pop("endpoint", None)
    if facts.get("updatedAt") == node.get("createdAt"):
        facts.pop("updatedAt", None)
    return facts


def _said(node: Node) -> Iterator[Part]:
    """Yield what a message says: its blocks, and its text where that is not in them."""
    content = node.get("content")
    found = [part for block in content for part in _block(block)] if isinstance(content, list) else []
    yield from found
    if not any(part["type"] == "text" for part in found):
        words = _words(node.get("text")) or (content if isinstance(content, str) else "")
        if words:
            yield build.text(words)


def _block(block: Any) -> Iterator[Part]:
    if isinstance(block, str):
        yield build.text(block)
    elif block is not None:
        convert = _BLOCKS.get(block.get("type"))
        yield from convert(block) if convert else (build.raw(block.get("type"), block),)


def _words(value: Any) -> str:
    """Return a text that stands as such or as an object's value."""
    words = value.get("value") if isinstance(value, dict) else value
    return "" if words is None else build.string(words)


def _text(block: Node) -> Iterator[Part]:
    yield {**build.others(block, "text", "content"), **build.text(_words(block.get("text")))}


def _thought(block: Node) -> Iterator[Part]:
    yield {**build.others(block, "think", "content"), **build.reasoning(_words(block.get("think")))}


def _error(block: Node) -> Iterator[Part]:
    yield {
        **build.others(block, "text", "content", "error"),
        **build.text(_words(block.get("error")) or _words(block.get("text"))),
        "is_error": True,
    }


def _tool_call(block: Node) -> Iterator[Part]:
    """Yield a tool's call and, where it came, its result: LibreChat keeps both in one block."""
    call = block["tool_call"]
    kind = call.get("type")
    if isinstance(kind, str) and isinstance(call.get(kind), dict) and kind != "function":
        yield from _built_in(call, kind)
        return
    inner = call["function"] if isinstance(call.get("function"), dict) else call
    name, call_id = inner.get("name"), call.get("id") or None
    arguments = next((inner[key] for key in ("args", "arguments", "input") if key in inner), None)
    told = ("id", "name", "args", "arguments", "input", "output", "function", "type", "content")
    yield {**build.given(call, told), **build.tool_call(call_id, name, build.parsed(arguments))}
    output = inner.get("output", call.get("output"))
    if output is not None:
        yield build.tool_result(call_id, output)


def _built_in(call: Node, kind: str) -> Iterator[Part]:
    """Yield the use of a tool of the Assistants API, called by its kind."""
    used, call_id = call[kind], call.get("id") or None
    yield {**build.others(call, "id", kind), **build.tool_call(call_id, kind, build.given(used, ("outputs",)))}
    if used.get("outputs"):
        yield build.tool_result(call_id, used["outputs"])


def _media(block: Node) -> Iterator[Part]:
    """Yield a film by its address, a sound as the bytes that it stands in."""
    match block.get(block["type"]):
        case {"url": str(address)}:
            yield build.addressed(address, modality="video")
        case {"data": str(data), "format": str(encoding)}:
            yield build.blob(f"audio/{encoding}", data, modality="audio")
        case _:
            yield build.raw(block["type"], block)


def _image(block: Node) -> Iterator[Part]:
    held = block.get("image_url") or block.get("image_file")
    address = held.get("url") if isinstance(held, dict) else held
    if isinstance(address, str):
        yield build.addressed(address, modality="image")
    elif isinstance(held, dict):
        yield {**_file(held), "modality": "image"}
    else:
        yield build.raw(block.get("type"), block)


_BLOCKS: dict[Any, Callable[[Node], Iterator[Part]]] = {
    "text": _text,
    "think": _thought,
    "thinking": _thought,
    "error": _error,
    "tool_call": _tool_call,
    "image_url": _image,
    "image_file": _image,
    "video_url": _media,
    "input_audio": _media,
}


def _files(node: Node) -> Iterator[Part]:
    for file in (*(node.get("files") or ()), *(node.get("attachments") or ())):
        yield _file(file) if isinstance(file, dict) else build.file(str(file))


def _file(file: Node) -> Part:
    told = ("_id", "__v", "file_id", "filename", "type", "user", "content", "name")
    known = build.file(file.get("file_id"), file.get("filename") or file.get("name"), file.get("type"))
    return {**build.given(file, told), **known}
