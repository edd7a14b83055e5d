"""The lines of a Codex rollout, which of them are messages, and the counts of those that are none.

Hands items and what events tell to the thread; keeps nothing of a line itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from chatlog.formats import build
from chatlog.formats.codex_events import EVENTS
from chatlog.formats.codex_items import (
    Payload,
    call_name,
    call_part,
    content_parts,
    drawn,
    message_view,
    result_part,
    searched,
)
from chatlog.formats.codex_meta import Meta
from chatlog.formats.codex_thread import CALL, INSTRUCTIONS, SEARCH, Held, Thread
from chatlog.formats.source import Source
from chatlog.models import Record

#: The keys of the first line, in the generation that had no payloads.
FIRST_KEYS = {"id", "timestamp", "instructions", "git"}
_NAME = re.compile(r"[\w.-]{1,60}")


class Rollout:
    """One pass over a rollout."""

    def __init__(self, source: Source) -> None:
        self.meta = Meta(source)
        self.thread = Thread()
        self.counts: Counter[str] = Counter()
        self.context: Any = None
        self.goals: set[str] = set()
        self._announced = False
        self._name_thread()

    def feed(self, value: Payload) -> None:
        """Take one line in; what is complete by it is in the thread.  Raises one of MALFORMED for a broken one."""
        payload = value.get("payload")
        if not isinstance(payload, dict):
            self._bare(value)
            return
        kind, time = value.get("type"), value.get("timestamp")
        if kind == "response_item":
            self.item(payload, time)
        elif kind == "event_msg":
            self._event(payload, time)
        elif (handle := _LINES.get(str(kind))) is not None:
            handle(self, payload, time)
        else:
            self.leave_out(kind)

    def _bare(self, value: Payload) -> None:
        """Take a line without payload: the first of its generation, a state, or an item as it is."""
        if value.keys() <= FIRST_KEYS and "id" in value:
            self.first(value, None)
        elif "record_type" in value and "type" not in value:
            self.leave_out(value["record_type"], "record_type: ")
        else:
            self.item(value, value.get("timestamp") or value.get("created_at"))

    def _event(self, payload: Payload, time: Any) -> None:
        kind = str(payload.get("type"))
        handle = EVENTS.get(kind)
        if handle is None or not handle(self, payload, time):
            self.leave_out(kind, "event: ")

    def taken(self) -> Iterator[Record]:
        """Yield the finished messages, the conversation before the first of them."""
        ready, self.thread.ready = self.thread.ready, []
        if ready and not self._announced:
            self._announced = True
            yield self.meta.conversation(self.thread)._replace(head=None)
        yield from ready

    def close(self) -> Iterator[Record]:
        """Yield what is held, the completed conversation, and the counts."""
        self.thread.flush()
        yield from self.taken()
        if self._announced or self.meta.is_known:
            yield self.meta.conversation(self.thread)
        yield from build.left_out(dict(sorted(self.counts.items())))

    def leave_out(self, kind: Any, family: str = "") -> None:
        """Count what is no message under the name the source gives it, if that is a name."""
        name = kind if isinstance(kind, str) and _NAME.fullmatch(kind) else "no known type"
        self.counts[family + name] += 1

    # lines

    def first(self, facts: Payload, _: Any) -> None:
        """Take the session's facts; further ones are another's, whose history was copied, or the same again."""
        is_first = self.meta.first(facts)
        self._name_thread()
        if not is_first:
            self.counts["session_meta (repeated or inherited)"] += 1
            return
        self.thread.model = self.thread.model or build.word(facts.get("model"))
        if facts.get("dynamic_tools"):
            self.leave_out("dynamic_tools")
        base, own = facts.get("base_instructions"), facts.get("instructions")
        if isinstance(base, dict) and isinstance(base.get("text"), str) and base["text"]:
            self.thread.note(_instructions(base["text"], facts))
        if isinstance(own, str) and own.strip():
            self.thread.repeatable(INSTRUCTIONS, own.strip(), _instructions(own, facts))

    def _name_thread(self) -> None:
        self.thread.conversation, self.thread.seed = self.meta.names()

    def turn_context(self, payload: Payload, _: Any) -> None:
        """Take model and folder for what follows."""
        if payload == self.context:
            return
        self.context = payload
        cwd = build.word(payload.get("cwd"))
        self.thread.model = build.word(payload.get("model")) or self.thread.model
        self.thread.place = {"cwd": cwd} if cwd and not self.meta.is_at(cwd) else {}
        self.meta.turn(payload)

    def compacted(self, payload: Payload, time: Any) -> None:
        """Take the summary that replaced a long history, hidden; the history it repeats is here already."""
        repeated, text = payload.get("replacement_history"), payload.get("message")
        if isinstance(repeated, list) and repeated:
            self.counts["replacement_history (repeats earlier items)"] += len(repeated)
        if isinstance(text, str) and text:
            parts = [build.text(text)]
            self.thread.note(Held("user", f"compacted\0{text}", time, parts, reason="compact_summary"))
        else:
            self.leave_out("compacted")

    def between_agents(self, payload: Payload, time: Any) -> None:
        """Take what one agent wrote to another, hidden."""
        told, author = payload.get("content", payload.get("message")), payload.get("author")
        held = Held("user", f"agents\0{told}", time, content_parts(told), reason="agent_message")
        held.author = build.word(author)
        held.facts = build.picked(payload, ("recipient", "other_recipients"))
        self.thread.note(held)

    def spoken(self, payload: Payload, time: Any) -> None:
        """Take what was said aloud, by a person or in answer; the rest of a talk's items only mark its course."""
        if payload.get("type") != "transcript_segment":
            self.leave_out(payload.get("type"), "realtime_item: ")
            return
        role, text = payload["role"], payload["text"]
        if role not in ("user", "assistant"):
            raise ValueError("a voice that is nobody's")
        held = Held(role, f"voice\0{payload.get('id')}\0{text}", time, [build.text(text)], aside=True)
        held.facts = {"realtime_session_id": payload.get("realtime_session_id")}
        self.thread.note(held)

    def spent(self, payload: Payload, _: Any) -> None:
        """Take the usage of one response, which an event behind it tells again with the same total."""
        self.thread.usage.comes_first = False
        if not self.thread.spent(payload.get("thread_token_usage"), payload.get("usage")):
            self.leave_out("token_usage_record")

    # items

    def item(self, payload: Payload, time: Any) -> None:
        """Take what was said, thought, called or answered."""
        kind = payload.get("type", "message" if "role" in payload else None)
        if kind in ("message", "agent_message"):
            view = message_view(payload)
            if view.reason == "environment_context":
                self.meta.found_at(view.text)
            self.thread.message(view, time)
        elif kind == "reasoning":
            self._reasoning(payload, time)
        elif not isinstance(kind, str):
            raise TypeError("an item of no type")
        elif kind.endswith("_call"):
            self._call(payload, time)
        elif kind.endswith(("_output", "_result")):
            call_id = self.thread.calls.answered(payload.get("call_id"), payload.get("name"))
            self.thread.result(result_part(payload, call_id), time)
        elif kind in _SILENT:
            self.counts[_SILENT[kind]] += 1
        else:
            self.thread.call([build.raw(kind, payload)], (), time)

    def _reasoning(self, payload: Payload, time: Any) -> None:
        if payload.get("encrypted_content"):
            self.counts["encrypted reasoning (not readable)"] += 1
        if parts := build.reasoning_parts(payload):
            self.thread.reasoning(parts, time)

    def _call(self, payload: Payload, time: Any) -> None:
        own = payload.get("call_id") or payload.get("id")
        call_id = self.thread.calls.called(own, call_name(payload))
        twins = [(CALL, key) for key in dict.fromkeys((call_id, payload.get("id"))) if isinstance(key, str)]
        if payload["type"] == "web_search_call" and (query := searched(payload)):
            twins.append((SEARCH, query))
        self.thread.call([call_part(payload, call_id), *drawn(payload)], twins, time)


def _instructions(text: str, facts: Payload) -> Held:
    parts = [build.text(text)]
    return Held("system", f"instructions\0{text}", facts.get("timestamp"), parts, reason="instructions", shared=True)


_SILENT = {
    "ghost_snapshot": "ghost_snapshot",
    "compaction": "encrypted compaction (not readable)",
    "context_compaction": "encrypted compaction (not readable)",
    "compaction_summary": "encrypted compaction (not readable)",
    "compaction_trigger": "compaction_trigger",
    "additional_tools": "additional_tools",
    "configuration_update": "configuration_update",
    "other": "items of no known type",
}
_LINES: dict[str, Callable[[Rollout, Payload, Any], None]] = {
    "session_meta": Rollout.first,
    "turn_context": Rollout.turn_context,
    "compacted": Rollout.compacted,
    "token_usage_record": Rollout.spent,
    "inter_agent_communication": Rollout.between_agents,
    "realtime_item": Rollout.spoken,
}
