"""What ``codex exec --json`` prints: a thread's items as they begin, change and complete.

A stream has no prompts and no times; it is a conversation of its own, beside the rollout of the
same thread.  An item is one message, the last state of it counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.formats import MALFORMED, build
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_ITEM_EVENTS = ("item.started", "item.updated", "item.completed")
_EVENTS = frozenset(("thread.started", "turn.started", "turn.completed", "turn.failed", *_ITEM_EVENTS))
_SAID = ("agent_message", "assistant_message", "plan")
_TOLD = frozenset(("id", "type", "item_type", "text", "command", "aggregated_output", "server", "tool", "arguments"))
_RESULTS = ("result", "error")
_NOT_AN_EVENT = "not an event of the shape that Codex prints"


def is_event(value: Mapping[str, Any]) -> bool:
    """Say whether an object is an event of such a stream."""
    kind = value.get("type")
    if kind == "thread.started":
        return isinstance(value.get("thread_id"), str)
    if kind in _ITEM_EVENTS:
        item = value.get("item")
        return isinstance(item, dict) and "id" in item
    return kind in ("turn.started", "turn.completed") and value.keys() <= {"type", "usage"}


def read(source: Source) -> Iterator[Record]:
    """Yield the conversation of each thread with its messages."""
    stream = _Stream(source)
    yield from read_each(lines(source), stream.feed, _NOT_AN_EVENT, names_error=False)
    yield from stream.close()


class _Stream:
    """What one pass remembers: the thread, the items still open, and the answer whose usage is to come."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name: str | None = None
        self.runs: Counter[str] = Counter()
        self.open: dict[str, tuple[Mapping[str, Any], str]] = {}
        self.held: list[MessageDraft] = []
        self.last: str | None = None
        self.errors = 0
        self.counts: Counter[str] = Counter()

    def feed(self, line: Line) -> Iterator[Record]:
        """Take one event in; yield what is complete by it."""
        event = line.value
        kind = event["type"]
        if kind == "thread.started":
            yield from self._finish()
            yield from self._thread(event["thread_id"])
        elif kind in _ITEM_EVENTS:
            yield from self._item(kind, event["item"], line.place)
        elif kind == "turn.completed":
            self._spend(event.get("usage"))
            yield from self._let_go()
        elif kind in ("turn.failed", "error"):
            yield from self._error(event.get("error") or event)
        else:
            self.counts[kind if kind in _EVENTS else "events of no known type"] += 1

    def _thread(self, thread_id: str) -> Iterator[ConversationDraft]:
        self.name = f"exec-{thread_id}"
        self.runs[self.name] += 1
        if self.runs[self.name] == 1:
            self.last = None
            made = instant(self.source.modified)
            yield ConversationDraft(source_id=self.name, created_at=made, metadata={"thread_id": thread_id})

    def _announced(self) -> Iterator[ConversationDraft]:
        if self.name is None:
            yield from self._thread(self.source.stem)

    def _item(self, kind: str, item: Mapping[str, Any], place: str) -> Iterator[Record]:
        yield from self._announced()
        name = str(item["id"])
        if kind != "item.completed":
            self.open[name] = (item, place)
            return
        self.open.pop(name, None)
        self._accept(item)
        if len(self.held) > 1:
            yield self.held.pop(0)

    def _accept(self, item: Mapping[str, Any]) -> None:
        self._link(_message(item), str(item["id"]))

    def _link(self, made: MessageDraft, name: str) -> None:
        run = self.runs[self.name or ""]
        source_id = name if run == 1 else f"{name}#{run}"
        self.held.append(made._replace(source_id=source_id, parent=self.last, conversation=self.name))
        self.last = source_id

    def _spend(self, usage: Any) -> None:
        if usage and self.held:
            self.held[-1] = self.held[-1]._replace(metadata={**self.held[-1].metadata, "usage": usage})
        elif usage:
            self.counts["usage of a turn without items"] += 1

    def _error(self, error: Mapping[str, Any]) -> Iterator[Record]:
        yield from self._announced()
        self.errors += 1
        made = build.message("assistant", str(error["message"]), reason="error")
        self._link(made, f"error-{self.errors}")
        yield from self._let_go()

    def _let_go(self) -> Iterator[MessageDraft]:
        yield from self.held
        self.held = []

    def _finish(self) -> Iterator[Record]:
        """Yield what is held, and the items that never completed."""
        for item, place in self.open.values():
            try:
                self._accept(item)
            except MALFORMED:
                yield Problem(place, _NOT_AN_EVENT)
        self.open = {}
        yield from self._let_go()

    def close(self) -> Iterator[Record]:
        """Yield the rest."""
        yield from self._finish()
        yield from build.left_out(dict(sorted(self.counts.items())))


def _message(item: Mapping[str, Any]) -> MessageDraft:
    kind = item.get("type") or item.get("item_type")
    if kind in _SAID:
        parts: list[Part] = [build.text(build.string(item["text"]))]
    elif kind == "reasoning":
        parts = [build.reasoning(build.string(item["text"]))]
    elif kind == "error":
        return build.message("assistant", build.string(item["message"]), reason="error")
    else:
        parts = _tool(str(kind), item)
    return build.message("assistant", parts)


def _tool(kind: str, item: Mapping[str, Any]) -> list[Part]:
    """Return an item that is a tool's use as call and result."""
    name, extra = kind, dict[str, Any]()
    rest = build.rest(item, (*_TOLD, *_RESULTS))
    response, failed = item.get("result"), item.get("status") in ("failed", "declined")
    if kind == "command_execution":
        arguments: Any = {"command": item.get("command")}
        response, failed = item.get("aggregated_output"), failed or item.get("exit_code") not in (0, None)
        extra = {key: rest.pop(key) for key in ("exit_code", "status") if key in rest}
    else:
        extra = {key: rest.pop(key) for key in ("status",) if key in rest}
        if kind == "mcp_tool_call":
            name, arguments = f"{item.get('server')}.{item.get('tool')}", item.get("arguments")
        else:
            arguments, rest = rest, {}
    if isinstance(error := item.get("error"), dict):
        response, failed = error.get("message", error), True
    call = build.tool_call(str(item["id"]), name, arguments, **rest)
    if response is None and not failed:
        return [{**call, **extra}]
    return [call, build.tool_result(str(item["id"]), response, is_error=failed, **extra)]
