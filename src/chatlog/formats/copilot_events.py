"""Copilot CLI's ``events.jsonl``: an event a line, each naming the one before.

Sorts events into the session's conversation and those of its sub-agents and turns them into messages;
a result is a message of its own, behind the one that called.  Nothing is kept of a file but ids.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import MALFORMED, build, ids
from chatlog.formats.copilot_event_parts import OPAQUE, Assets, Data, Made, facts_of, request_part, result_parts, writer
from chatlog.formats.jsonstream import lines
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

_FAMILIES = ("session", "user", "assistant", "tool", "system", "subagent", "hook", "skill", "pending_messages")
_TYPE = re.compile(rf"(?:{'|'.join(_FAMILIES)})\.[a-z_.]{{1,40}}|abort")
#: Messages kept back behind an answer whose usage may follow.
_WAITING = 50
_TOLD_TWICE = "tool.execution_start (the call is in its message)"
_START_TOLD = frozenset(("sessionId", "startTime", "selectedModel", "context", "version", "producer"))


def is_event(value: Mapping[str, Any]) -> bool:
    """Say whether an object is an event of Copilot's command line."""
    kind = value.get("type")
    is_named = isinstance(kind, str) and _TYPE.fullmatch(kind) is not None
    return is_named and isinstance(value.get("data"), dict) and not value.keys().isdisjoint(("parentId", "timestamp"))


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation with its messages, then the counts of what is none."""
    session = _Session(source)
    for line in lines(source):
        if isinstance(line, Problem):
            yield line
            continue
        try:
            session.feed(line.value)
        except MALFORMED:
            yield Problem(line.place, "not an event of the shape that Copilot writes")
        if session.ready and (session.answer is None or len(session.ready) > _WAITING):
            yield from session.taken()
    yield from session.close()


@dataclass(slots=True)
class _Lane:
    """A conversation: the session's, or that of the sub-agent which a tool call started."""

    draft: ConversationDraft
    key: str | None
    last: str | None = None
    opened: bool = False
    used: Counter[str] = field(default_factory=Counter)


class _Session:
    """What one pass over a file remembers: where each event leads, and the answer that still waits for its usage."""

    def __init__(self, source: Source) -> None:
        self.main = _Lane(ConversationDraft(source_id=_name(source)), None)
        self.lanes: dict[str | None, _Lane] = {None: self.main}
        self.places: dict[str, tuple[str | None, str | None]] = {}
        self.agents: dict[str, str] = {}
        self.calls: set[str] = set()
        self.early: dict[str, tuple[Made, Data, _Lane]] = {}
        self.model: str | None = None
        self.thoughts: list[str] = []
        self.usage: dict[str, Any] = {}
        self.recorded: dict[str, dict[str, Any]] = {}
        self.answer: Made | None = None
        self.ready: list[ConversationDraft | MessageDraft] = []
        self.counts: Counter[str] = Counter()
        self.assets = Assets()

    def feed(self, event: Data) -> None:
        """Take one event in; what is complete by it is in `ready`.  Raises one of MALFORMED for a broken one."""
        kind, data = event["type"], event["data"]
        if kind == "subagent.started" and (agent := build.word(event.get("agentId"))):
            self.agents[agent] = build.word(data.get("toolCallId")) or agent
        lane = self._lane_of(event, data)
        made = _HANDLERS.get(kind, _Session.other)(self, event, data, lane)
        if made is None:
            if isinstance(event.get("id"), str):
                self.places[event["id"]] = (lane.key, self._base(event, lane))
            return
        self._place_early(made)
        self._place(made, event, lane)
        self.answer = made if kind == "assistant.message" else None

    def taken(self) -> Iterator[Record]:
        """Yield what is complete."""
        ready, self.ready = self.ready, []
        yield from ready

    def _lane_of(self, event: Data, data: Data) -> _Lane:
        """Return the conversation that an event is of; newer versions name the agent, older ones the call it is for."""
        agent = build.word(event.get("agentId"))
        name = build.word(data.get("parentToolCallId")) or (self.agents.get(agent, agent) if agent else None)
        return self._lane(name) if name else self.main

    def _lane(self, name: str) -> _Lane:
        if name not in self.lanes:
            above = str(self.main.draft.source_id)
            facts = {"parentToolCallId": name}
            draft = ConversationDraft(source_id=f"{above}/{name}", parent=above, metadata=facts)
            self.lanes[name] = _Lane(draft, name)
        return self.lanes[name]

    def _base(self, event: Data, lane: _Lane) -> str | None:
        """Return the message an event follows: the one its parent leads to, if that is of the same conversation."""
        place = self.places.get(str(event.get("parentId")))
        return place[1] if place is not None and place[0] == lane.key else lane.last

    def _place_early(self, following: Made | None) -> None:
        """Place the calls that began before a message told of them, without those which the following one tells of."""
        parts = (following.parts if following else None) or ()
        told = {part["id"] for part in parts if part["type"] == "tool_call"}
        for name, held in self.early.items():
            if name in told:
                self.counts[_TOLD_TWICE] += 1
            else:
                self._place(*held)
        self.early.clear()

    def _place(self, made: Made, event: Data, lane: _Lane) -> None:
        parent, own = self._base(event, lane), event.get("id")
        name = build.word(own) or ids.derived_id(parent, MessageDraft(role=made.role, text=made.text))
        lane.last = ids.numbered(name, lane.used)
        if isinstance(own, str):
            self.places[own] = (lane.key, lane.last)
        if not lane.opened:
            lane.opened = True
            self.ready.append(lane.draft)
        moment = instant(event.get("timestamp"))
        self.ready.append(made.draft(lane.last, parent, lane.draft.source_id, moment))

    def close(self) -> Iterator[Record]:
        """Yield the rest: calls and thoughts that no answer followed, the completed conversations, the counts."""
        self._place_early(None)
        if self.thoughts:
            self._place(_spoken([build.reasoning(text) for text in self.thoughts], self.model), {}, self.main)
        yield from self.taken()
        if self.main.opened or self.main.draft.created_at:
            yield self.main.draft._replace(head=self.main.last, model=self.main.draft.model or self.model)
        for lane in self.lanes.values():
            if lane.opened and lane is not self.main:
                yield lane.draft._replace(head=lane.last)
        if self.usage:
            self.counts["assistant.usage without an answer"] += 1
        if self.recorded:
            self.counts["session.usage_record without an answer"] += len(self.recorded)
        yield from build.left_out(dict(sorted(self.counts.items())))

    # events of the session

    def start(self, event: Data, data: Data, lane: _Lane) -> None:
        """Take what is known of the session."""
        context = build.mapping(data.get("context"))
        facts = build.compact(data, _START_TOLD)
        facts |= build.compact(context, ("cwd",))
        self.model = build.word(data.get("selectedModel")) or self.model
        lane.draft = lane.draft._replace(
            source_id=lane.draft.source_id if lane.opened else str(data.get("sessionId") or lane.draft.source_id),
            created_at=instant(data.get("startTime")) or instant(event.get("timestamp")),
            project=build.word(context.get("cwd")),
            model=self.model,
            metadata={**lane.draft.metadata, **facts},
        )

    def place(self, event: Data, data: Data, lane: _Lane) -> None:
        """Take the folder of a session that did not begin with one."""
        context = build.mapping(data.get("context", data))
        lane.draft = lane.draft._replace(project=lane.draft.project or build.word(context.get("cwd")))
        self.other(event, data, lane)

    def model_change(self, _: Data, data: Data, lane: _Lane) -> None:
        """Take the model for what follows."""
        self.model = data["newModel"] or self.model
        lane.draft = lane.draft._replace(model=self.model)

    def title(self, _: Data, data: Data, lane: _Lane) -> None:
        """Take the session's title."""
        lane.draft = lane.draft._replace(title=str(data["title"]) or None)

    def rewind(self, _: Data, data: Data, lane: _Lane) -> None:
        """Go back to an earlier event: what follows is a branch."""
        place = self.places.get(str(data.get("upToEventId")))
        if place is not None and place[0] == lane.key:
            lane.last = place[1]
            self.places.clear()

    def shutdown(self, _: Data, data: Data, lane: _Lane) -> None:
        """Take what the session cost."""
        costs = build.picked(data, ("modelMetrics", "tokenDetails"))
        lane.draft = lane.draft._replace(metadata={**lane.draft.metadata, **costs})

    def agent(self, event: Data, data: Data, _: _Lane) -> None:
        """Take the name of the sub-agent that a tool call starts."""
        lane = self._lane(str(data.get("toolCallId") or event["agentId"]))
        title = data.get("agentDisplayName") or data.get("agentName")
        facts = build.picked(data, ("agentName", "agentDescription"))
        lane.draft = lane.draft._replace(title=str(title) or None, metadata={**lane.draft.metadata, **facts})

    def other(self, event: Data, _: Data, __: _Lane) -> None:
        """Count an event that is no message."""
        kind = str(event["type"])
        self.counts[kind if _TYPE.fullmatch(kind) else "events of no known type"] += 1

    # messages

    def user(self, _: Data, data: Data, lane: _Lane) -> Made:
        """Take a prompt; one that a skill or the system wrote is hidden, not what an agent asks of its sub-agent."""
        text = build.string(data["content"])
        files = [self.assets.attachment(item) for item in data.get("attachments") or ()]
        facts = facts_of("user.message", data)
        origin = data.get("source")
        if not text and not files and isinstance(facts.get("transformedContent"), str):
            # nothing was typed and yet the model was told something: the autopilot urges it on
            text, origin = facts["transformedContent"], origin or data.get("agentMode") or "system"
        if facts.get("transformedContent") == text:
            del facts["transformedContent"]
        origin, author = writer(text, origin, facts.get("transformedContent"))
        is_task = lane is not self.main and str(origin).startswith("agent-")
        if origin not in (None, "", "user") and not is_task:
            facts["hidden_reason"] = str(origin)
        parts = (build.text(text), *files) if files else None
        return Made("user", text, parts, author=author, facts=facts)

    def assistant(self, _: Data, data: Data, lane: _Lane) -> Made:
        """Take an answer: what was thought, what is said, what is called."""
        thoughts = [text for text in self.thoughts if text != data.get("reasoningText")]
        parts = [build.reasoning(text) for text in thoughts]
        if data.get("reasoningText"):
            parts.append(build.reasoning(build.string(data["reasoningText"])))
        if data.get("content"):
            parts.append(build.text(build.string(data["content"])))
        parts += self._requested(data)
        self.thoughts = []
        for key in OPAQUE:
            self.counts[f"{key} (not readable)"] += bool(data.get(key))
        default = None if lane.draft.parent else self.model
        made = _spoken(parts, build.word(data.get("model")) or default)
        usage = {"outputTokens": data["outputTokens"]} if data.get("outputTokens") else {}
        usage |= {**self.recorded.pop(str(data.get("apiCallId")), {}), **self.usage}
        self.usage = {}
        made.facts = {**facts_of("assistant.message", data), **({"usage": usage} if usage else {})}
        return made

    def _requested(self, data: Data) -> list[Part]:
        """Return the calls that an answer asks for, without those that stand before it with their results."""
        parts = [request_part(request) for request in data.get("toolRequests") or ()]
        parts = [part for part in parts if part["id"] not in self.calls or part["id"] in self.early]
        self.calls |= {part["id"] for part in parts if isinstance(part["id"], str)}
        return parts

    def reasoning(self, _: Data, data: Data, __: _Lane) -> None:
        """Keep a thought for the answer that follows it."""
        self.thoughts.append(build.string(data["content"]))

    def spent(self, _: Data, data: Data, __: _Lane) -> None:
        """Add the usage to the answer before, else to the one that follows."""
        usage = build.compact(data, ("parentToolCallId",))
        if self.answer is None:
            self.usage = usage
        else:  # the answer is still in `ready`
            self.answer.facts["usage"] = {**self.answer.facts.get("usage", {}), **usage}

    def spent_by_call(self, _: Data, data: Data, __: _Lane) -> None:
        """Keep the usage for the answer that the same call of the model gave: it is written behind its usage."""
        self.recorded[str(data["usage"].get("apiCallId"))] = build.compact(data["usage"], ("apiCallId",))

    def called(self, event: Data, data: Data, lane: _Lane) -> None:
        """Keep a call that no answer asked for yet: it is a user's own, or its answer is written behind it."""
        name = data["toolCallId"]
        if name in self.calls:
            self.counts[_TOLD_TWICE] += 1
            return
        self.calls.add(name)
        call = build.tool_call(name, data.get("toolName"), build.parsed(data.get("arguments")))
        self.early[name] = (_spoken([call], self.model), event, lane)

    def result(self, _: Data, data: Data, __: _Lane) -> Made:
        """Take a tool's result."""
        if data.get("toolTelemetry"):
            self.counts["toolTelemetry"] += 1
        return Made("tool", parts=result_parts(data, self.assets), facts=facts_of("tool.execution_complete", data))

    def note(self, event: Data, data: Data, _: _Lane) -> Made:
        """Take what the command line told its user, hidden."""
        text = build.string(next((data[key] for key in _WORDS if data.get(key)), ""))
        facts = build.compact(data, (*_WORDS, "stack", "parentToolCallId", "model"))
        reason = _REASONS.get(str(event["type"]), str(event["type"]))
        role = "user" if reason in _IN_THE_USERS_NAME else "assistant"
        return Made(role, text, model=build.word(data.get("model")), facts={**facts, "hidden_reason": reason})

    def words(self, event: Data, data: Data, lane: _Lane) -> Made | None:
        """Take the words that an event may have, hidden: a summary, a phase of an answer, a prompt for later."""
        if any(data.get(key) for key in _WORDS):
            return self.note(event, data, lane)
        self.other(event, data, lane)
        return None

    def asset(self, _: Data, data: Data, __: _Lane) -> None:
        """Keep the bytes that the events to come name."""
        self.assets.keep(data)

    def system(self, _: Data, data: Data, __: _Lane) -> Made:
        """Take the instructions the model was given, hidden."""
        role = data.get("role")
        facts = build.compact(data, ("content", "role"))
        facts["hidden_reason"] = "instructions"
        return Made(role if role in ("system", "developer") else "system", build.string(data["content"]), facts=facts)


def _name(source: Source) -> str:
    """Return the session's id as its file tells: the folder of an ``events.jsonl``, else the file's own name."""
    folders = source.parts[:-1]
    return folders[-1] if source.stem == "events" and folders else source.stem


def _spoken(parts: list[Part], model: str | None) -> Made:
    text, kept = build.said(parts)
    return Made("assistant", text, kept, model)


#: Where an event has words, and whose names they are hidden in.
_WORDS = ("message", "content", "summaryContent", "prompt", "initialMessage", "summary")
_IN_THE_USERS_NAME = ("compact_summary", "skill", "system_notification", "schedule", "context_cleared", "mode_notice")
_REASONS = {
    "assistant.fusion_phase_completed": "fusion_phase",
    "session.context_cleared": "context_cleared",
    "session.handoff": "handoff",
    "session.mode_notice_delivered": "mode_notice",
    "session.schedule_created": "schedule",
    "session.compaction_complete": "compact_summary",
    "skill.invoked": "skill",
    "system.notification": "system_notification",
    "session.error": "error",
    "session.warning": "warning",
    "session.info": "info",
}
_Handler = Callable[[_Session, Data, Data, _Lane], Made | None]
_HANDLERS: dict[str, _Handler] = {
    "session.start": _Session.start,
    "session.model_change": _Session.model_change,
    "session.title_changed": _Session.title,
    "session.snapshot_rewind": _Session.rewind,
    "session.shutdown": _Session.shutdown,
    "session.binary_asset": _Session.asset,
    "session.compaction_complete": _Session.words,
    "session.context_changed": _Session.place,
    "session.context_cleared": _Session.words,
    "session.handoff": _Session.words,
    "session.mode_notice_delivered": _Session.words,
    "session.resume": _Session.place,
    "session.schedule_created": _Session.words,
    "session.error": _Session.note,
    "session.warning": _Session.note,
    "session.info": _Session.note,
    "skill.invoked": _Session.note,
    "subagent.started": _Session.agent,
    "system.message": _Session.system,
    "system.notification": _Session.note,
    "user.message": _Session.user,
    "assistant.fusion_phase_completed": _Session.words,
    "assistant.message": _Session.assistant,
    "assistant.reasoning": _Session.reasoning,
    "assistant.usage": _Session.spent,
    "session.usage_record": _Session.spent_by_call,
    "tool.user_requested": _Session.called,
    "tool.execution_start": _Session.called,
    "tool.execution_complete": _Session.result,
}
