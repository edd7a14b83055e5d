"""DeepSeek Harness' sessions below ``~/.dsh/sessions/``: a log of events for each, most often packed with zstd.

An answer is told in pieces while it comes and whole when it is done; only the whole is read.  What was summed up
stays in its place before its summary, which the model was given in a person's name and which is hidden.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import Head, build, ids
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Record, joined_text
from chatlog.timespec import instant

#: Where the files are found, on every platform.
LOCATIONS = ("~/.dsh/sessions/*/*/session*.jsonl*", "$DSH_HOME/sessions/*/*/session*.jsonl*")

_EVENTS = re.compile(r"[a-z-]+/[a-z-]+")
#: The newest generation of a session's file that is looked for; an older one stays beside it as it was.
_GENERATIONS = 9
_GENERATION = re.compile(r"session(?:\.v(\d+))?\.jsonl(?:\.zstd?)?$")
_PACKINGS = (".jsonl.zstd", ".jsonl")
_HEADER_TOLD = frozenset({"type", "id", "createdAt", "cwd", "parentSession"})
_TYPED = ("user", "human", None)
_SUMMARIES = ("compact", "compact-checkpoint", "compaction")
#: Events that only frame what is told, and pieces of what a whole message tells again.
_FRAMES = frozenset({"turn/start", "step/start", "step/end", "request/context", "session/end-seed"})
_PIECES = frozenset({"assistant/chunk", "text-chunks", "reasoning-chunks", "tool-call-chunks"})
_ENDED_WELL = ("completed", "blocked", None)


def sniff(head: Head) -> bool:
    """Say whether this is a session of DeepSeek Harness."""
    if not head.is_object:
        return False
    if any(row.get("type") == "session" and "createdAt" in row for row in head.objects[:1]):
        return True
    return any(_is_event(row) for row in head.rows)  # the header may be broken


def _is_event(row: Row) -> bool:
    kind = row.get("type")
    return isinstance(kind, str) and {"seq", "time", "data"} <= row.keys() and bool(_EVENTS.fullmatch(kind))


def read(source: Source) -> Iterator[Record]:
    """Yield the session's conversation, its messages, and the conversation again with title and model."""
    if (newer := _newer(source)) is not None:
        yield LeftOut(f"older copy of the session in {newer}", 1)
        return
    session = _Session(source.stem)
    yield from read_each(lines(source), lambda line: session.take(line.value), "not an event of DeepSeek Harness")
    yield from session.close()


def _newer(source: Source) -> str | None:
    """Return the file beside this one that a later version has written the same session to."""
    named = _GENERATION.search(source.name)
    for generation in range(_GENERATIONS, int(named[1] or 0) if named else _GENERATIONS, -1):
        for packing in _PACKINGS:
            if source.sibling(name := f"session.v{generation}{packing}") is not None:
                return name
    return None


@dataclass(slots=True)
class _Session:
    """What is remembered of a session as its log streams by."""

    stem: str
    draft: ConversationDraft | None = None
    chain: ids.Chain = field(default_factory=ids.Chain)
    title: str | None = None
    model: str | None = None
    instructions: str | None = None
    called: set[str] = field(default_factory=set)
    used: set[str | None] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, row: Row) -> Iterator[Record]:
        """Yield the message an event is, the conversation before the first."""
        kind = row["type"]
        if kind == "session" or self.draft is None:
            yield from self._begin(row if kind == "session" else {})
        handle = _HANDLERS.get(kind)
        if handle is not None:
            yield from map(self._linked, handle(self, row["data"], row))
        elif kind in _PIECES:
            self.counts["pieces of answers (told again whole)"] += 1
        elif kind != "session" and kind not in _FRAMES:
            self.counts[f"{build.kind_name(kind, _EVENTS)} events"] += 1

    def _begin(self, header: Row) -> Iterator[Record]:
        if self.draft is not None:
            self.counts["repeated session headers"] += 1
            return
        self.draft = ConversationDraft(
            source_id=build.word(header.get("id")) or self.stem,
            created_at=instant(header.get("createdAt")),
            project=build.word(header.get("cwd")),
            parent=build.word(header.get("parentSession")),
            metadata=build.compact(header, _HEADER_TOLD),
        )
        yield self.draft

    def _linked(self, made: MessageDraft) -> MessageDraft:
        """Return a message behind the one before, without its id where another had that."""
        linked = self.chain.link(made._replace(source_id=None) if made.source_id in self.used else made)
        self.used.add(linked.source_id)
        return linked

    def user(self, data: Row, row: Row) -> Iterator[MessageDraft]:
        """Yield what was typed, or what was told the model in a person's name."""
        held = data.get("message", data)
        source = held.get("source") or {}
        reason = None if source.get("kind") in _TYPED else _reason(source)
        if isinstance(row.get("surfaceOp"), dict):
            reason = "compaction"
        yield _message("user", held, row, {"source": source if reason else None, "hidden_reason": reason})

    def system(self, data: Row, row: Row) -> Iterator[MessageDraft]:
        """Yield the instructions where they changed."""
        yield from self._instructed(joined_text(_parts(data.get("message", data).get("content"))), row)

    def request(self, data: Row, row: Row) -> Iterator[MessageDraft]:
        """Take the model that is asked next; yield its instructions where they changed."""
        header = data["header"]
        self.model = build.word((header.get("config") or {}).get("model")) or self.model
        yield from self._instructed(build.word(header.get("system")), row)

    def _instructed(self, words: str | None, row: Row) -> Iterator[MessageDraft]:
        if words and words != self.instructions:
            self.instructions = words
            yield _message("system", {"content": words}, row, {"hidden_reason": "instructions"})

    def assistant(self, data: Row, row: Row) -> Iterator[MessageDraft]:
        """Yield an answer, which names the model that gave it."""
        held = data.get("message", data)
        source = held.get("source") or data.get("provenance") or {}
        if _is_copy(row):
            self.counts["shortened copies for the model"] += 1
            return
        made = _message("assistant", held, row, {"usage": data.get("usage"), "provider": source.get("provider")})
        self.called |= {part["id"] for part in made.parts or () if part["type"] == "tool_call" and part["id"]}
        self.model = build.word(source.get("model")) or self.model
        if made.parts or made.text:
            yield made._replace(model=self.model)
        else:
            self.counts["answers that say nothing"] += 1

    def call(self, data: Row, row: Row) -> Iterator[MessageDraft]:
        """Yield a call that no answer told of."""
        if data["callId"] in self.called:
            self.counts["tool/call events (told by the answer)"] += 1
            return
        self.called.add(data["callId"])
        block = {"type": "tool-call", "id": data["callId"], "name": data.get("name"), "arguments": data["arguments"]}
        yield _message("assistant", {"content": [block]}, row, {})._replace(model=self.model)

    def result(self, data: Row, row: Row) -> Iterator[MessageDraft]:
        """Yield what a tool gave back."""
        if _is_copy(row):
            self.counts["shortened copies for the model"] += 1
            return
        held = data.get("message", data)
        blocks = held.get("content") or [{}]
        block = blocks[0] if blocks[0].get("type") == "tool-result" else held
        call_id = block.get("toolCallId") or (held.get("source") or data).get("callId")
        extra = build.compact({"error": data.get("error"), "details": data.get("meta")})
        failed = block.get("isError") is True or "error" in extra
        part = build.tool_result(call_id, build.answer(_parts(block.get("content"))), is_error=failed, **extra)
        yield MessageDraft(
            role="tool", parts=(part,), created_at=instant(row.get("time")), source_id=build.word(held.get("id"))
        )

    def ended(self, data: Row, row: Row) -> Iterator[MessageDraft]:
        """Yield why a turn ended, where it was cut off."""
        reason = data.get("reason") or {}
        if reason.get("kind") in _ENDED_WELL:
            return
        failure = reason.get("error") or {}
        words = build.word(failure.get("message")) or f"The turn ended: {reason['kind']}"
        yield _message("assistant", {"content": words}, row, {"reason": dict(reason), "hidden_reason": "turn_end"})

    def titled(self, data: Row, _: Row) -> Iterator[MessageDraft]:
        """Take the title, which a better one may follow."""
        self.title = build.word(data.get("title")) or self.title
        yield from ()

    def close(self) -> Iterator[Record]:
        """Yield the conversation with its title and model, and how much was left out."""
        if self.draft is not None:
            yield self.draft._replace(title=self.title, model=self.model)
        yield from build.left_out(self.counts)


_HANDLERS: dict[Any, Callable[[_Session, Row, Row], Iterator[MessageDraft]]] = {
    "user/message": _Session.user,
    "steering/message": _Session.user,
    "system/message": _Session.system,
    "developer/message": _Session.system,
    "request/header": _Session.request,
    "assistant/message": _Session.assistant,
    "tool/call": _Session.call,
    "tool/result": _Session.result,
    "turn/end": _Session.ended,
    "session/title": _Session.titled,
}


def _reason(source: Row) -> str:
    """Return why words in a person's name are hidden: what wrote them."""
    kind = source.get("plugin") if source["kind"] == "plugin" else source["kind"]
    return "compaction" if kind in _SUMMARIES else str(kind).replace("-", "_")


def _is_copy(row: Row) -> bool:
    """Whether an event takes the place of others in what the model is sent, rather than telling something new."""
    return isinstance(row.get("surfaceOp"), dict)


def _message(role: str, held: Row, row: Row, facts: dict[str, Any]) -> MessageDraft:
    parts = _parts(held.get("content"))
    return build.message(
        role,
        parts,
        created_at=instant(row.get("time")),
        source_id=build.word(held.get("id")),
        metadata=build.compact(facts),
    )


def _parts(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [build.text(content)] if content else []
    return [_part(block) for block in content or ()]


def _part(block: Row) -> Part:
    match block:
        case {"type": "text", "text": str(words)}:
            return build.text(words)
        case {"type": "reasoning", "text": str(thought)}:
            return build.reasoning(thought)
        case {"type": "tool-call"}:
            return build.tool_call(block.get("id"), block.get("name"), build.parsed(block.get("arguments")))
        case {"type": "image" | "file" as kind, "attachment": {"id": str(name)} as held}:
            facts = {"modality": kind if kind == "image" else None, "alt": block.get("alt")}
            return build.file(name, held.get("name"), held.get("mediaType"), **facts)
    return build.raw(block.get("type"), block)
