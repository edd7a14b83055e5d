"""Grok on X: ``grok-chat-item.js`` in the archive that X gives of an account, a list of messages of all chats.

A message names its chat and nothing else.  An answer has the time of its question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import IO, Any

from chatlog.formats import Head, build, ids
from chatlog.formats.grok import shown
from chatlog.formats.jsonstream import Line, items
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Record
from chatlog.timespec import instant

#: X's archive is for a page that shows it: each file gives its list to a variable.
_VARIABLE = re.compile(rb"\s*window\.YTD\.grok_chat_item\.part\d+\s*=\s*")
_TOLD = frozenset({"accountId", "chatId", "createdAt", "sender", "message", "attachments", "grokMode"})


def sniff(head: Head) -> bool:
    """Say whether this is the list of messages to and from Grok."""
    return _VARIABLE.match(head.data) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield each chat with its messages, the oldest first."""
    chats: dict[str, list[MessageDraft]] = {}

    def take(line: Line) -> Iterable[Record]:
        item = line.value["grokChatItem"]
        chat, message = str(item["chatId"] or "unnamed"), _message(item)
        chats.setdefault(chat, []).append(message)
        return ()

    yield from read_each(items(_list(source)), take, "not a message of Grok's", names_error=False)
    for chat, messages in chats.items():
        yield from _conversation(chat, messages)


def _list(source: Source) -> Source:
    """Return the source from where its list begins."""
    found = _VARIABLE.match(source.head())

    def opened() -> IO[bytes]:
        stream = source.open()
        stream.read(found.end() if found else 0)
        return stream

    return replace(source, opener=opened)


def _message(item: dict[str, Any]) -> MessageDraft:
    sender, said = item["sender"], build.string(item.get("message") or "")
    name = sender.get("originalName") or sender["name"] if isinstance(sender, dict) else sender
    text = shown(said)
    parts = [*([build.text(said)] if said else []), *map(_attachment, item.get("attachments") or ())]
    mode = item.get("grokMode")
    return MessageDraft(
        role="user" if name.lower() == "user" else "assistant",
        text=text,
        parts=build.kept(parts, text),
        created_at=instant(item.get("createdAt")),
        metadata=build.compact(
            {
                **build.without(item, _TOLD),
                "grokMode": mode.get("name") if isinstance(mode, dict) else mode,
            }
        ),
    )


def _attachment(held: dict[str, Any]) -> Part:
    facts = build.compact({"url": held.get("url")})
    return build.file(held.get("mediaId"), held.get("fileName"), held.get("mimeType"), **facts)


def _conversation(chat: str, messages: list[MessageDraft]) -> Iterator[Record]:
    ordered = sorted(messages, key=lambda draft: (draft.created_at or "", draft.role != "user"))
    yield ConversationDraft(
        source_id=chat, created_at=ordered[0].created_at, updated_at=ordered[-1].created_at, metadata={"on": "x"}
    )
    yield from ids.dated(ordered)
