"""What an event of OpenHands' second version says: a message, a call, a result or a summary.

Pure functions from an event to what is told by it.  Conversations and files are not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import build
from chatlog.models import Part, joined_text

Event = Mapping[str, Any]

_USAGE_TOLD = ("model", "response_id", "context_window")
_OBSERVATION_TOLD = ("content", "is_error", "kind", "tool_name", "command", "metadata")


@dataclass(slots=True)
class Told:
    """What an event says.  `answer` names the answer it is part of, `text` is what is shown where that is less."""

    role: str
    parts: list[Part]
    text: str | None = None
    reason: str | None = None
    answer: str | None = None
    author: str | None = None
    model: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, more: Told) -> None:
        """Add a further call of the same answer; what was thought before it is told once."""
        shown = joined_text(self.parts) if self.text is None else self.text
        if more.text and more.text not in shown:
            self.text = "\n\n".join(filter(None, (shown, more.text)))
        self.parts += [part for part in more.parts if part not in self.parts]

    def use(self, usage: Event) -> None:
        """Take what an answer cost, and the model that gave it."""
        if usage:
            self.model = build.word(usage.get("model")) or self.model
            self.facts["usage"] = build.compact(usage, _USAGE_TOLD)


def told(event: Event, counts: Counter[str]) -> Told | None:
    """Return what an event says, None where that is nothing that was said; then it is counted."""
    handle = _KINDS.get(str(event["kind"]))
    found = handle(event, counts) if handle else None
    if found is None:
        counts[f"{build.kind_name(event['kind'])} events"] += 1
    return found


def folder(event: Event) -> str | None:
    """Return the folder that a result says it was made in."""
    held = event.get("observation")
    held = held if isinstance(held, dict) else event.get("extras")
    return build.word(build.within(held, "metadata", "working_dir"))


def model_of(state: Event) -> str | None:
    """Return the model of a conversation's agent."""
    return build.word(build.within(state, "agent", "llm", "model")) or build.word(state.get("llm_model"))


def usages(state: Event) -> dict[str, Event]:
    """Return what each answer cost, by the answer's id."""
    metrics = build.mapping(build.within(state, "stats", "usage_to_metrics"))
    rows = [row for one in metrics.values() for row in build.mappings(build.within(one, "token_usages"))]
    return {str(row["response_id"]): row for row in rows if row.get("response_id")}


def _message(event: Event, _: Counter[str]) -> Told:
    held = event["llm_message"]
    role, source = held["role"], event.get("source")
    said = [*content(held.get("content"))]
    more = [{**part, "extended": True} for part in content(event.get("extended_content"))]
    facts = build.picked(event, ("activated_skills", "critic_result"))
    return Told(
        role=role if role in ("user", "assistant", "tool") else "assistant" if source == "agent" else "user",
        parts=[*thoughts(held), *said, *more],
        text=joined_text(said),
        reason=str(source or "unknown") if role == "user" and source not in ("user", None) else None,
        answer=build.word(event.get("llm_response_id")),
        author=build.word(event.get("sender")),
        facts=facts,
    )


def content(blocks: Any) -> Iterator[Part]:
    """Yield text and images."""
    for block in [blocks] if isinstance(blocks, str) else blocks or ():
        if isinstance(block, str) or block.get("type") == "text":
            words = block if isinstance(block, str) else build.string(block["text"])
            if words.strip():
                yield build.text(words)
        elif block.get("type") == "image":
            yield from (build.addressed(str(address), modality="image") for address in block.get("image_urls") or ())
        else:
            yield build.raw(block.get("type"), block)


def thoughts(held: Event) -> Iterator[Part]:
    """Yield what was thought before something was said or called, told once."""
    blocks = held.get("thinking_blocks") or ()
    spoken = held.get("reasoning_content")
    if isinstance(spoken, str) and spoken.strip() and not any(block.get("thinking") for block in blocks):
        yield build.reasoning(spoken)
    for block in blocks:
        if build.word(block.get("thinking")):
            signed = {"signature": block["signature"]} if block.get("signature") else {}
            yield build.reasoning(block["thinking"], **signed)
        elif block.get("data"):
            yield build.reasoning("", redacted=True, data=block["data"])
    item = held.get("responses_reasoning_item")
    yield from build.reasoning_parts(item) if isinstance(item, dict) else ()


def _action(event: Event, _: Counter[str]) -> Told:
    call = event["tool_call"]
    name, arguments = call.get("name") or event.get("tool_name"), build.parsed(call.get("arguments"))
    risk = event.get("security_risk")
    facts = {"summary": event.get("summary"), "security_risk": risk if risk != "UNKNOWN" else None}
    made = build.tool_call(event.get("tool_call_id") or call.get("id"), name, arguments, **build.compact(facts))
    said = [*content(event.get("thought"))]
    return Told(
        role="assistant",
        parts=[*thoughts(event), *said, made],
        text=answered(joined_text(said), name, arguments),
        answer=build.word(event.get("llm_response_id")),
    )


def answered(said: str, name: Any, arguments: Any) -> str:
    """Return what an answer says; the call that ends the work hands over the last words."""
    last = arguments.get("message") if name == "finish" and isinstance(arguments, dict) else None
    return "\n\n".join(filter(None, (said, last if isinstance(last, str) else None)))


def _result(event: Event, _: Counter[str]) -> Told:
    held = event["observation"]
    said = [*content(held.get("content"))]
    plain = all(part["type"] == "text" for part in said)
    response = "\n".join(part["content"] for part in said) if plain else said
    facts = build.compact(held, _OBSERVATION_TOLD)
    more = [{**part, "extended": True} for part in content(event.get("extended_content"))]
    made = build.tool_result(event.get("tool_call_id"), response, is_error=held.get("is_error") is True)
    return Told("tool", [{**made, "name": event.get("tool_name")}, *more], text="", facts=facts)


def _refused(event: Event, _: Counter[str]) -> Told:
    why = event.get("error") or event.get("rejection_reason") or ""
    made = build.tool_result(event.get("tool_call_id"), why, is_error=True)
    facts = build.compact({"rejection_source": event.get("rejection_source")})
    return Told("tool", [{**made, "name": event.get("tool_name")}], text="", facts=facts)


def _instructions(event: Event, counts: Counter[str]) -> Told:
    counts["tools described to the model"] += len(event.get("tools") or ())
    held = [event["system_prompt"], event.get("dynamic_context")]
    return Told("system", [*content([block for block in held if block])], reason="instructions")


def _summary(event: Event, counts: Counter[str]) -> Told | None:
    words = build.word(event.get("summary"))
    counts["events that a summary replaced for the model"] += len(event.get("forgotten_event_ids") or ())
    return Told("user", [build.text(words)], reason="compact_summary") if words else None


def _error(event: Event, _: Counter[str]) -> Told:
    words = build.word(event.get("detail")) or str(event.get("code"))
    return Told("assistant", [build.text(words)], reason="error", facts=build.compact({"code": event.get("code")}))


def _foreign_call(event: Event, _: Counter[str]) -> Told | None:
    """Return what another agent that OpenHands drives has called, once it is done; each step before is told again."""
    if event.get("status") not in ("completed", "failed"):
        return None
    name, failed = event["tool_call_id"], event.get("is_error") is True or event["status"] == "failed"
    call = build.tool_call(
        name, event["title"], event.get("raw_input"), **build.compact({"kind": event.get("tool_kind")})
    )
    output = event.get("raw_output") or event.get("content")
    return Told("assistant", [call, build.tool_result(name, output, is_error=failed)])


_KINDS: dict[str, Callable[[Event, Counter[str]], Told | None]] = {
    "SystemPromptEvent": _instructions,
    "MessageEvent": _message,
    "ActionEvent": _action,
    "ObservationEvent": _result,
    "AgentErrorEvent": _refused,
    "UserRejectObservation": _refused,
    "Condensation": _summary,
    "CondensationSummaryEvent": _summary,
    "ConversationErrorEvent": _error,
    "ACPToolCallEvent": _foreign_call,
}
