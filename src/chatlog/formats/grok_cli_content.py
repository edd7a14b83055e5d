"""What a record of Grok's command line says: typed words, injected context, pictures, calls of the server's tools.

Pure functions from values to parts, and the ids of a chain whose messages come piece by piece; neither of the two
files is known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from chatlog.formats import build, ids
from chatlog.formats.build import Row
from chatlog.models import MessageDraft, Part, joined_text

#: The envelope around what was typed, with context and a note of Grok's before it.
_QUERY = re.compile(
    r"\s*(?:(?><(?!user_query>)([a-z][\w-]*)(?: [^<>]*)?>.*?</\1>\s*))*+(?:The user [^\n<]{1,200}\n)?"
    r"<user_query>(.*)</user_query>",
    re.DOTALL,
)
#: Context that Grok puts before what was typed, or into a message of its own.
_CONTEXT = re.compile(
    r"\s*<(user_info|git_status|system-reminder|system_reminder|project_layout|image_files|skill_information"
    r"|environment_context)>.*?</\1>\s*",
    re.DOTALL,
)
_WORKSPACE = re.compile(r"^Workspace Path: *(\S.*)$", re.MULTILINE)
#: Injected by Grok, but the words are the user's, said while it worked.
_INTERJECTION = "interjection"
_SERVER_TOLD = frozenset({"type", "tool_type", "id", "name", "action", "input", "code", "output", "outputs"})
_STILL_RUNNING = ("in_progress", "searching", "interpreting")


class Thread:
    """Gives messages their ids and parents; one that comes piece by piece is called by its first piece.

    So it stays the same message while the file goes on.
    """

    def __init__(self) -> None:
        self.last: str | None = None

    def link(self, draft: MessageDraft, first: Part | None = None) -> MessageDraft:
        """Return the draft behind the last one."""
        key = ids.derived_id(self.last, draft) if first is None else ids.content_id(self.last, draft.role, (first,), "")
        linked = draft._replace(source_id=key, parent=self.last)
        self.last = key
        return linked


def shown(parts: Iterable[Part], reason: object = None) -> tuple[str, str | None]:
    """Return what is to be read of a user's message, and why it is hidden where nobody typed it."""
    held = list(parts)
    if reason and reason != _INTERJECTION:
        return joined_text(held), build.word(reason) or "synthetic"
    pieces = [typed(part["content"]) for part in held if part["type"] == "text"]
    words = [text for text, injected in pieces if injected is None]
    if words or len(pieces) < len(held) or not pieces:
        return "\n\n".join(text for text in words if text), None
    return joined_text(held), pieces[0][1]


def typed(text: str) -> tuple[str, str | None]:
    """Return the words that were typed, or the text as it is and the name of the context that is all of it."""
    query = _QUERY.match(text)
    if query:
        return query[2].strip("\n"), None
    at, name = 0, None
    while found := _CONTEXT.match(text, at):
        at, name = found.end(), name or found[1].replace("-", "_")
    return (text[at:], None) if at < len(text) else (text, name)


def workspace_of(text: str) -> str | None:
    """Return the folder that the context at a session's beginning tells."""
    found = _WORKSPACE.search(text) if text.lstrip().startswith("<user_info>") else None
    return found[1].strip() if found else None


def content_parts(content: Any) -> Iterator[Part]:
    """Yield the parts of a message's content: text, or blocks of Grok's or of the Agent Client Protocol."""
    if isinstance(content, (str, dict)):
        yield _block(content)
    else:
        yield from map(_block, content or ())


def _block(block: Any) -> Part:
    match block:
        case str():
            return build.text(block)
        case {"type": "text", "text": str(words)} | {"text": str(words)}:
            return build.text(words)
        case {"type": "image", "url": str(address)}:
            return build.addressed(address, modality="image")
        case {"type": "image" | "audio", "data": str(data)}:
            return build.blob(build.word(block.get("mimeType")), data, modality=block["type"])
        case {"type": "resource_link", "uri": str(address)}:
            return {**build.rest(block, ("mimeType",)), **build.uri(address, build.word(block.get("mimeType")))}
    return _resource(build.mapping(block.get("resource"))) or build.raw(block.get("type"), block)


def _resource(held: Row) -> Part | None:
    """Return the file that a block holds."""
    address, kind = build.word(held.get("uri")), build.word(held.get("mimeType"))
    if isinstance(held.get("blob"), str):
        return build.blob(kind, held["blob"], **build.compact({"uri": address}))
    return build.file(address, None, kind, content=held["text"]) if isinstance(held.get("text"), str) else None


def server_call(kind: Row) -> list[Part]:
    """Return a call that the server made by itself, and what came of it."""
    name, action = build.word(kind.get("name")) or build.word(kind.get("tool_type")), kind.get("action")
    if isinstance(action, dict):
        asked: Any = build.without(action, ("sources",))
        answer = action.get("sources")
    else:
        asked = {"code": kind["code"]} if "code" in kind else build.parsed(kind.get("input"))
        answer = kind.get("outputs") or kind.get("output")
    key, status = build.word(kind.get("id")), build.word(kind.get("status"))
    call = {**build.rest(kind, _SERVER_TOLD), **build.tool_call(key, name, asked, source_type="backend_tool_call")}
    if answer in build.EMPTY:
        if status is None or status in _STILL_RUNNING:
            return [call]
        answer = {"status": status}
    return [call, build.tool_result(key, answer, is_error=status in ("failed", "incomplete"))]
