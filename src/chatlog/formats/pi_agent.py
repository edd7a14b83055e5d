"""pi's sessions: JSONL below ``~/.pi/agent/sessions/``, linear in its first version, a tree since.

Keeps every branch; entries that are no message (a model change, a label) are passed through to the
message before them.  Summaries stand in the chain, hidden, as pi gives them to the model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chatlog.formats import Head, build
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Record, joined_text
from chatlog.timespec import instant

#: Where the files are found, on every platform; OpenClaw writes the same below its own folder.
LOCATIONS = (
    "~/.pi/agent/sessions/**/*.jsonl",
    "$PI_CODING_AGENT_DIR/sessions/**/*.jsonl",
    "~/.openclaw/agents/*/sessions/*.jsonl",
    "$OPENCLAW_STATE_DIR/agents/*/sessions/*.jsonl",
)

_HEADER_SIGNS = frozenset({"cwd", "version", "provider", "modelId", "parentSession", "branchedFrom"})
#: How many lines are looked at for one that is pi's.
_LOOKED_AT = 20
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[\w-]{1,40}")
_MESSAGE_TOLD = frozenset({"role", "content", "timestamp", "model", "toolCallId", "isError", "display"})
_ENTRY_TOLD = frozenset({"type", "id", "parentId", "timestamp", "content", "display", "summary", "message"})
_EMPTY: tuple[object, ...] = (None, "", [], {}, False)

Row = Mapping[str, Any]


def sniff(head: Head) -> bool:
    """Say whether this is a session of pi."""
    if not head.is_json or head.is_array:
        return False
    first = head.objects[0] if head.objects and {"type", "id"} <= head.keys else {}
    if first.get("type") == "session" and not _HEADER_SIGNS.isdisjoint(first):
        return True
    return any(map(_is_entry, head.objects[:_LOOKED_AT]))  # the header may be broken


def _is_entry(value: Row) -> bool:
    """Whether a line can be nothing but an entry of pi."""
    held = value.get("message")
    if value.get("type") != "message" or not isinstance(held, dict):
        return value.get("type") in ("model_change", "thinking_level_change") and "parentId" in value
    return held.get("role") in ("toolResult", "bashExecution") or {"role", "api", "stopReason"} <= held.keys()


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation, its messages, and the conversation again with its leaf and title."""
    session = _Session(source.stem)
    yield from read_each(lines(source), lambda line: session.take(line.value), "not an entry of pi")
    yield from session.close()


@dataclass(slots=True)
class _Session:
    """What is remembered of a file as it streams by: ids, the model, and what completes the conversation."""

    stem: str
    draft: ConversationDraft | None = None
    above: dict[str, str | None] = field(default_factory=dict)
    last: str | None = None
    chain: build.Chain = field(default_factory=build.Chain)
    title: str | None = None
    model: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, entry: Row) -> Iterator[Record]:
        """Yield the message an entry is, the conversation before the first."""
        kind = entry["type"]
        if kind == "session":
            yield from self._begin(entry)
            return
        if self.draft is None:
            yield from self._begin({})
        convert = _MESSAGES.get(kind)
        made = convert(entry) if convert else None
        if made is None:
            self._note(kind, entry)
            return
        linked = self._linked(made, entry)
        self.model = linked.model or self.model
        yield linked

    def _begin(self, header: Row) -> Iterator[Record]:
        if self.draft is not None:
            self.counts["repeated session headers"] += 1
            return
        found = _UUID.findall(self.stem)
        origin = header.get("parentSession") or header.get("branchedFrom")
        parent = _UUID.findall(origin) if isinstance(origin, str) else []
        self.model = build.word(header.get("modelId"))
        self.draft = ConversationDraft(
            source_id=build.word(header.get("id")) or (found[-1] if found else self.stem),
            created_at=instant(header.get("timestamp")),
            project=build.word(header.get("cwd")),
            parent=parent[-1] if parent else None,
            metadata={
                key: fact for key, fact in header.items() if key not in ("type", "id", "timestamp", "cwd", "modelId")
            },
        )
        yield self.draft

    def _linked(self, made: MessageDraft, entry: Row) -> MessageDraft:
        """Return a message in its place: by its own id and parent, in the first version behind the one before."""
        key = entry.get("id")
        if not isinstance(key, str) or not key:
            linked = self.chain.link(made)
            self.last = linked.source_id
            return linked
        linked = self.chain.note(replace(made, source_id=key, parent=self._parent(entry)))
        self.above[key] = self.last = key
        return linked

    def _parent(self, entry: Row) -> str | None:
        """Return the message an entry follows: the one before it where what it names is not here.

        OpenClaw names the call a result answers, and the session itself for the first entry.
        """
        parent = entry.get("parentId", "")
        if parent is None or (self.draft is not None and parent == self.draft.source_id):
            return None
        return self.above.get(parent, self.last)

    def _note(self, kind: Any, entry: Row) -> None:
        """Remember what an entry that is no message says, and pass its place on to what follows it."""
        key = entry.get("id")
        if isinstance(key, str):
            self.above[key] = self._parent(entry)
            self.last = self.above[key] or self.last
        if kind == "session_info":
            self.title = build.word(entry.get("name")) or self.title
        elif kind == "label" and isinstance(entry.get("targetId"), str):
            self.labels[entry["targetId"]] = entry.get("label") or ""
        elif kind == "leaf":
            self.last = self.above.get(entry.get("targetId") or entry.get("leafId") or "", self.last)
        elif kind == "model_change":
            self.model = build.word(entry.get("modelId")) or self.model
            self.counts["model_change entries"] += 1
        else:
            self.counts[f"{kind if isinstance(kind, str) and _NAME.fullmatch(kind) else 'unknown'} entries"] += 1

    def close(self) -> Iterator[Record]:
        """Yield the conversation with its leaf, title, model and labels, and how much was left out."""
        if self.draft is not None:
            labels = {"labels": {key: label for key, label in self.labels.items() if label}} if self.labels else {}
            facts = {**self.draft.metadata, **labels}
            yield replace(self.draft, title=self.title, model=self.model, head=self.last, metadata=facts)
        for what, count in self.counts.items():
            yield LeftOut(what, count)


def _message(entry: Row) -> MessageDraft:
    value = entry["message"]
    convert = _ROLES.get(value["role"])
    if convert is None:
        raise ValueError("a message whose role is not known")
    return convert(value, instant(value.get("timestamp")) or instant(entry.get("timestamp")))


def _facts(value: Row) -> dict[str, Any]:
    return {key: fact for key, fact in value.items() if key not in _MESSAGE_TOLD and fact not in _EMPTY}


def _spoken(role: str, value: Row, moment: str | None) -> MessageDraft:
    parts = tuple(_parts(value.get("content")))
    text = joined_text(parts)
    return MessageDraft(
        role=role,
        text=text,
        parts=None if build.only_text(parts, text) else parts,
        model=build.word(value.get("model")),
        created_at=moment,
        metadata=_facts(value),
    )


def _user(value: Row, moment: str | None) -> MessageDraft:
    return _spoken("user", value, moment)


def _assistant(value: Row, moment: str | None) -> MessageDraft:
    return _spoken("assistant", value, moment)


def _tool_result(value: Row, moment: str | None) -> MessageDraft:
    facts = _facts(value)
    told = {new: facts.pop(key) for key, new in (("toolName", "name"), ("details", "details")) if key in facts}
    content, pictures = value.get("content"), list[Part]()
    if isinstance(content, list):
        pictures = [_part(block) for block in content if _is_picture(block)]
        content = [block for block in content if not _is_picture(block)]
    result = build.tool_result(value.get("toolCallId"), _response(content), is_error=bool(value.get("isError")))
    return MessageDraft(role="tool", parts=({**told, **result}, *pictures), created_at=moment, metadata=facts)


def _is_picture(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "image" and isinstance(block.get("data"), str)


def _response(content: Any) -> Any:
    """Return what a tool gave back: its text where that is all, else the blocks as they came."""
    blocks = content if isinstance(content, list) else []
    if blocks and all(isinstance(block, dict) and block.get("type") == "text" for block in blocks):
        return "\n".join(block["text"] for block in blocks)
    return content


def _shell(value: Row, moment: str | None) -> MessageDraft:
    """Return a command that the user ran, in the words pi tells the model."""
    output = value.get("output") or "(no output)"
    part = {**value, "type": "bash_execution"}
    return MessageDraft(
        role="user", text=f"Ran `{value['command']}`\n```\n{output}\n```", parts=(part,), created_at=moment
    )


def _injected(value: Row, moment: str | None) -> MessageDraft:
    """Return what an extension said in the user's place, hidden unless it was shown."""
    made = _spoken("user", value, moment)
    if value.get("display"):
        return made
    reason = value.get("customType") or "custom"
    return replace(made, hidden=True, metadata={**made.metadata, "hidden_reason": reason})


def _summary(value: Row, moment: str | None, reason: str | None = None) -> MessageDraft:
    summary = value["summary"]
    if not isinstance(summary, str):
        raise TypeError("a summary that is no text")
    facts = {key: fact for key, fact in value.items() if key not in (*_ENTRY_TOLD, "role") and fact not in _EMPTY}
    facts["hidden_reason"] = reason or value.get("role") or "summary"
    return MessageDraft(role="user", text=summary, created_at=moment, hidden=True, metadata=facts)


def _summary_entry(entry: Row) -> MessageDraft:
    return _summary(entry, instant(entry.get("timestamp")), entry["type"])


def _custom_entry(entry: Row) -> MessageDraft:
    return _injected(
        {key: entry[key] for key in entry if key not in ("type", "id", "parentId")}, instant(entry.get("timestamp"))
    )


_ROLES: dict[Any, Callable[[Row, str | None], MessageDraft]] = {
    "user": _user,
    "assistant": _assistant,
    "toolResult": _tool_result,
    "bashExecution": _shell,
    "custom": _injected,
    "hookMessage": _injected,
    "branchSummary": _summary,
    "compactionSummary": _summary,
}
_MESSAGES: dict[Any, Callable[[Row], MessageDraft]] = {
    "message": _message,
    "compaction": _summary_entry,
    "branch_summary": _summary_entry,
    "custom_message": _custom_entry,
}


def _parts(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield build.text(content)
    elif content is not None:
        yield from map(_part, content)


def _part(block: Row) -> Part:
    match block:
        case {"type": "text", "text": str(words)}:
            return {**_rest(block, "text", "content"), **build.text(words)}
        case {"type": "thinking", "thinking": str(thought)}:
            known = build.reasoning(thought)
            return {**_rest(block, "thinking", "content", "thinkingSignature"), **_signature(block), **known}
        case {"type": "toolCall"}:
            call = build.tool_call(block.get("id"), block.get("name"), block.get("arguments"))
            return {**_rest(block, "partialJson"), **call}
        case {"type": "image", "data": str(data)}:
            return build.blob(block.get("mimeType"), data, modality="image")
    return build.raw(block.get("type"), block)


def _rest(block: Row, *told: str) -> dict[str, Any]:
    return {key: fact for key, fact in block.items() if key not in told and fact is not None}


def _signature(block: Row) -> dict[str, Any]:
    return {"signature": block["thinkingSignature"]} if block.get("thinkingSignature") else {}
