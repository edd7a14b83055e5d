"""The machine form of the nouns: the keys that JSON and chatlog's JSONL show (CLI.md section 3)."""

from __future__ import annotations

from typing import Any

from chatlog.models import Conversation, Message


def conversation_record(conversation: Conversation) -> dict[str, Any]:
    """Return the conversation's keys as the command line and JSONL show them: its fields, in their order."""
    c = conversation
    return {**c._asdict(), "tags": list(c.tags), "state": dict(c.state), "metadata": dict(c.metadata)}


def message_record(message: Message) -> dict[str, Any]:
    """Return the message's keys as the command line and JSONL show them."""
    m = message
    return {
        "ref": m.ref,
        "conversation": m.conversation,
        "seq": m.seq,
        "source_id": m.source_id,
        "parent": m.parent,
        "role": m.role,
        "author": m.author,
        "text": m.text,
        "parts": None if m.parts is None else list(m.parts),
        "model": m.model,
        "created_at": m.created_at,
        "tokens": m.tokens,
        "sha256": m.sha256,
        "key": m.key,
        "importance": m.importance,
        "hidden": m.hidden,
        "metadata": dict(m.metadata),
    }
