"""Kimi Code's sessions below ``~/.kimi-code/sessions/``: a journal for each agent.

An answer is told in steps, part by part, with its calls and their results; `_Step` puts it together again.
What was undone stays as a branch; a compaction's summary stands in the chain, hidden, as the model was given it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import Head, build, ids
from chatlog.formats.beside import beside
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Record, joined_text
from chatlog.timespec import instant

#: Where the files are found, on every platform.
LOCATIONS = (
    "~/.kimi-code/sessions/*/*/agents/*/wire.jsonl",
    "$KIMI_CODE_HOME/sessions/*/*/agents/*/wire.jsonl",
)

_PLACE = re.compile(r"(?:^|[/\\!])(?P<session>[^/\\!]+)[/\\]agents[/\\](?P<agent>[^/\\]+)[/\\][^/\\]+$")
_MAIN = "main"
_KINDS = re.compile(r"(?:context|turn|config|llm|usage|tools|permission|profile|token_counting)\.[a-z_.]+")
_EVENT = re.compile(r"[\w.-]{1,40}")
#: What is told again: prompts by the messages that they become, usage by the end of each step.
_TWINS = {"turn.prompt": "messages", "turn.steer": "messages", "usage.record": "steps"}
_STEP_TOLD = frozenset({"type", "uuid", "turnId", "step"})
_CALL_TOLD = frozenset({"type", "uuid", "turnId", "step", "stepUuid", "toolCallId", "name", "args"})
_MESSAGE_TOLD = frozenset({"role", "content", "toolCalls", "origin", "toolCallId", "isError", "id"})
_STATE_TOLD = frozenset({"title", "customTitle", "isCustomTitle", "workDir", "createdAt", "updatedAt", "agents"})
_COMMANDS = ("skill_activation", "plugin_command")
_ROLES = ("user", "assistant", "tool", "system")


def sniff(head: Head) -> bool:
    """Say whether this is a journal of Kimi Code."""
    if not head.is_object:
        return False
    rows = head.rows
    if rows and rows[0].get("type") == "metadata" and "protocol_version" in rows[0]:
        return True
    return any(isinstance(row.get("type"), str) and _KINDS.fullmatch(row["type"]) and "time" in row for row in rows)


def read(source: Source) -> Iterator[Record]:
    """Yield the agent's conversation, its messages, and the conversation again with what its journal told."""
    place = _PLACE.search(source.name)
    if place is None:
        yield from _read(source, _Journal(None))
    else:
        yield from _read(source, _Journal(_conversation(source, place["session"], place["agent"])))


def _read(source: Source, journal: _Journal) -> Iterator[Record]:
    if journal.draft is None:
        yield from ids.announced(_messages(source, journal), journal.named)
    else:
        yield journal.draft
        yield from _messages(source, journal)
    yield from journal.close()


def _messages(source: Source, journal: _Journal) -> Iterator[Record]:
    yield from read_each(lines(source), lambda line: journal.take(line.value), "not a record of Kimi Code")
    yield from journal.finished()


def _conversation(source: Source, session: str, agent: str) -> ConversationDraft:
    """Return what the ``state.json`` of the session says of it, or of one of its agents."""
    state = _state(source)
    if agent != _MAIN:
        return _subagent(state, session, agent)
    title = state.get("customTitle") if state.get("isCustomTitle") else state.get("title")
    facts = {key: fact for key, fact in state.items() if key not in _STATE_TOLD and isinstance(fact, (bool, str))}
    return ConversationDraft(
        source_id=session,
        title=build.word(title),
        created_at=instant(state.get("createdAt")),
        updated_at=instant(state.get("updatedAt")),
        project=build.word(state.get("workDir")),
        metadata=build.compact(facts),
    )


def _subagent(state: Row, session: str, agent: str) -> ConversationDraft:
    facts = build.mapping(build.within(state, "agents", agent))
    above = build.word(facts.get("parentAgentId")) or _MAIN
    return ConversationDraft(
        source_id=f"{session}:{agent}",
        project=build.word(state.get("workDir")),
        parent=session if above == _MAIN else f"{session}:{above}",
        metadata=build.compact(facts),
    )


def _state(source: Source) -> Row:
    return build.mapping(beside(source, "../../state.json"))


@dataclass(slots=True)
class _Step:
    """An answer on its way: what was told of it so far, and the results of its calls."""

    uuid: str | None
    moment: str | None
    parts: list[Part] = field(default_factory=list)
    results: list[MessageDraft] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Journal:
    """What is remembered of a journal as it streams by."""

    draft: ConversationDraft | None
    last: str | None = None
    before_prompts: list[str | None] = field(default_factory=list)
    step: _Step | None = None
    prompt: str | None = None
    model: str | None = None
    project: str | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def named(self, name: str) -> ConversationDraft:
        """Take the name that the opening gives a journal which lies in no session's folder."""
        self.draft = ConversationDraft(source_id=name)
        return self.draft

    def take(self, row: Row) -> Iterator[Record]:
        """Yield the messages that a record completes."""
        kind = row["type"]
        handle = _HANDLERS.get(kind)
        if handle is not None:
            yield from handle(self, row)
        elif kind in _TWINS:
            self.counts[f"{kind} records (told again by {_TWINS[kind]})"] += 1
        elif kind != "metadata":
            family = kind.partition(".")[0] if isinstance(kind, str) else ""
            self.counts[f"{build.kind_name(family)} records"] += 1

    def config(self, row: Row) -> Iterator[Record]:
        """Take the model and the folder; yield the instructions where they changed."""
        model = build.word(row.get("modelAlias")) or build.word(row.get("model"))
        self.model = model.rpartition("/")[2] if model else self.model
        disclosed = row.get("environmentDisclosure")
        if isinstance(disclosed, dict):
            self.project = build.word(disclosed.get("cwd")) or self.project
        prompt = build.word(row.get("systemPrompt"))
        if prompt and prompt != self.prompt:
            self.prompt = prompt
            moment = instant(row.get("time"))
            yield self._linked(build.message("system", prompt, reason="instructions", created_at=moment))

    def message(self, row: Row) -> Iterator[Record]:
        """Yield a message that was appended whole."""
        yield from self.finished()
        made = _message(row["message"], instant(row.get("time")))
        if made.role == "user" and _is_asked(build.mapping(row["message"].get("origin"))):
            self.before_prompts.append(self.last)
        yield self._linked(made)

    def event(self, row: Row) -> Iterator[Record]:
        """Yield the step before, where another begins or this one ends."""
        event, moment = row["event"], instant(row.get("time"))
        match event["type"]:
            case "step.begin":
                yield from self.finished()
                self.step = _Step(build.word(event.get("uuid")), moment)
            case "content.part":
                self._open(event, moment).parts.append(_part(event["part"]))
            case "tool.call":
                self._open(event, moment).parts.append(_call(event))
            case "tool.result":
                step = self._open(event, moment)
                step.results.append(_result(event, step.uuid, moment))
            case "step.end":
                step = self._open(event, moment)
                step.facts |= build.compact(event, _STEP_TOLD)
                yield from self.finished()
            case kind:
                self.counts[f"{build.kind_name(kind, _EVENT)} events"] += 1

    def _open(self, event: Row, moment: str | None) -> _Step:
        """Return the step that is on its way; one whose beginning is lost begins here."""
        if self.step is None:
            self.step = _Step(build.word(event.get("stepUuid")), moment)
        return self.step

    def finished(self) -> Iterator[Record]:
        """Yield the step that is on its way, as far as it came, and the results of its calls."""
        step, self.step = self.step, None
        if step is None:
            return
        if step.parts:
            yield self._linked(
                build.message(
                    "assistant",
                    step.parts,
                    model=self.model,
                    created_at=step.moment,
                    source_id=step.uuid,
                    metadata=step.facts,
                )
            )
        elif not step.results:
            self.counts["steps that say nothing"] += 1
        yield from map(self._linked, step.results)

    def summary(self, row: Row) -> Iterator[Record]:
        """Yield the summary that took the place of what came before."""
        yield from self.finished()
        told = row.get("summary", row.get("contextSummary"))
        text = told if isinstance(told, str) else joined_text(map(_part, told["content"]))
        facts = build.compact(row, ("type", "time", "summary", "contextSummary"))
        self.before_prompts.clear()
        moment = instant(row.get("time"))
        yield self._linked(build.message("user", text, reason="compaction", created_at=moment, metadata=facts))

    def clear(self, _: Row) -> Iterator[Record]:
        """Forget the prompts: no undo goes back beyond a context that was cleared."""
        yield from self.finished()
        self.before_prompts.clear()
        self.counts["context records"] += 1

    def undo(self, row: Row) -> Iterator[Record]:
        """Go back to before the last prompts: what followed them stays as a branch."""
        yield from self.finished()
        count = row["count"]
        if 0 < count <= len(self.before_prompts):
            self.last = self.before_prompts[-count]
            del self.before_prompts[-count:]

    def _linked(self, made: MessageDraft) -> MessageDraft:
        linked = made._replace(parent=self.last, source_id=made.source_id or ids.derived_id(self.last, made))
        self.last = linked.source_id
        return linked

    def close(self) -> Iterator[Record]:
        """Yield the conversation with its leaf, its model and its folder, and how much was left out."""
        if self.draft is not None:
            project = self.draft.project or self.project
            yield self.draft._replace(head=self.last, model=self.model, project=project)
        yield from build.left_out(self.counts)


_HANDLERS: dict[Any, Callable[[_Journal, Row], Iterator[Record]]] = {
    "config.update": _Journal.config,
    "profile.bind": _Journal.config,
    "context.append_message": _Journal.message,
    "context.append_loop_event": _Journal.event,
    "context.apply_compaction": _Journal.summary,
    "context.clear": _Journal.clear,
    "context.undo": _Journal.undo,
}


def _is_asked(origin: Row) -> bool:
    """Whether a user's message began a turn, which an undo counts: typed, or what a slash command stands for."""
    kind = origin.get("kind")
    return kind in (None, "user") or (kind in _COMMANDS and origin.get("trigger") == "user-slash")


def _message(value: Row, moment: str | None) -> MessageDraft:
    role = value["role"]
    if role not in _ROLES:
        raise ValueError("a message whose role is not known")
    content = value.get("content") or ()
    parts = [build.text(content)] if isinstance(content, str) else [_part(part) for part in content]
    facts = build.compact(value, _MESSAGE_TOLD)
    origin = build.mapping(value.get("origin"))
    kind = origin.get("kind")
    if role == "system" or (role == "user" and kind not in (None, "user")):
        told = build.compact({"origin": build.compact(origin, ("kind",))})  # a command's arguments were typed
        facts |= {**told, "hidden_reason": build.word(kind) or "instructions"}
    text = joined_text(parts)
    if role == "tool":
        response = build.answer(parts)
        is_error = value.get("isError") is True
        parts, text = [build.tool_result(build.word(value.get("toolCallId")), response, is_error=is_error)], ""
    parts += [_whole_call(call) for call in value.get("toolCalls") or ()]
    return build.message(
        role,
        parts,
        text,
        created_at=moment,
        source_id=build.word(value.get("id")),
        metadata=facts,
    )


def _whole_call(call: Row) -> Part:
    """Return a call of a message that was appended whole, in both forms that the journal has had."""
    nested = call.get("function")
    told = nested if isinstance(nested, dict) else call
    return build.tool_call(call.get("id"), told.get("name"), build.parsed(told.get("arguments")))


def _call(event: Row) -> Part:
    extra = build.compact(event, _CALL_TOLD)
    return {**extra, **build.tool_call(event["toolCallId"], event.get("name"), build.parsed(event.get("args")))}


def _result(event: Row, step: str | None, moment: str | None) -> MessageDraft:
    name, result = event["toolCallId"], event.get("result")
    extra: dict[str, Any] = {}
    response, is_error = result, False
    if isinstance(result, dict) and "output" in result:
        response, is_error = result["output"], result.get("isError") is True
        extra = build.compact(result, ("output", "isError"))
    part = {**extra, **build.tool_result(name, response, is_error=is_error)}
    return MessageDraft(role="tool", parts=(part,), created_at=moment, source_id=f"{step}:{name}" if step else None)


def _part(part: Row) -> Part:
    match part:
        case {"type": "text", "text": str(words)}:
            return build.text(words)
        case {"type": "think", "think": str(thought)}:
            return build.reasoning(thought, **build.compact({"signature": part.get("encrypted")}))
        case {"type": "image_url" | "audio_url" | "video_url" as kind}:
            held = part.get("imageUrl") or part.get(kind) or part.get(kind.replace("_url", "Url"))
            address = held.get("url") if isinstance(held, dict) else held
            if isinstance(address, str):
                return build.addressed(address, modality=kind.partition("_")[0])
    return build.raw(part.get("type"), part)
