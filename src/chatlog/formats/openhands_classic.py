"""What an event of OpenHands' first version says, of the years 2024 and 2025: an action or an observation.

Pure functions from an event to what is told by it.  Conversations and files are not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from chatlog.formats import build
from chatlog.formats.openhands_events import Event, Told, answered
from chatlog.models import Part

#: Actions and observations that say nothing: the agent's state, and what was looked up for the model.
_STEERING = ("change_agent_state", "agent_state_changed", "null", "recall", "condensation_request")
#: What an action says beside what its tool is given.
_ARGUMENTS_TOLD = frozenset(("thought", "confirmation_state", "security_risk", "hidden", "blocking", "is_static"))
#: A page as the browser shows it: large, and the picture of it is kept.
_PAGE = ("screenshot", "set_of_marks", "dom_object", "axtree_object", "extra_element_properties", "_diff_cache")
#: Exit codes of a command that ran, or still does.
_FINE = (None, 0, -1)


def told(event: Event, counts: Counter[str]) -> Told | None:
    """Return what an event says, None where that is nothing that was said; then it is counted."""
    action, observation = event.get("action"), event.get("observation")
    kind = str(action if action is not None else observation)
    if kind in _STEERING or (action is None and observation is None):
        counts[f"{'actions' if action is not None else 'observations'}: {build.kind_name(kind)}"] += 1
        return None
    return _action(kind, event, counts) if action is not None else _observation(kind, event, counts)


def _action(kind: str, event: Event, counts: Counter[str]) -> Told | None:
    given = build.mapping(event.get("args"))
    source = event.get("source")
    if kind == "system":
        counts["tools described to the model"] += len(given.get("tools") or ())
        facts = build.picked(given, ("openhands_version", "agent_class"))
        return Told("system", [*_said(given["content"], {})], reason="instructions", facts=facts)
    if kind == "message":
        words = given.get("content") or event.get("message") or ""
        reason = None if source in ("user", "agent") else str(source or "unknown")
        return _answer(event, Told("user" if source != "agent" else "assistant", [*_said(words, given)], reason=reason))
    if kind == "condensation":
        return _summary(given, counts)
    name, arguments, call_id = _call(kind, event, given)
    thought = build.word(given.get("thought")) or ""
    parts = [*([build.text(thought)] if thought else []), build.tool_call(call_id, name, arguments)]
    return _answer(event, Told("assistant", parts, text=answered(thought, name, _finished(given, arguments))))


def _said(words: Any, given: Event) -> Iterator[Part]:
    if build.string(words):
        yield build.text(words)
    yield from (build.addressed(str(address), modality="image") for address in given.get("image_urls") or ())
    yield from (build.file(str(address)) for address in given.get("file_urls") or ())


def _finished(given: Event, arguments: Any) -> Any:
    """Return what the last call is given; before it was a tool's, its words stood in the action alone."""
    last = given.get("final_thought")
    is_told = isinstance(arguments, dict) and arguments.get("message")
    return arguments if is_told or not last else {"message": last}


def _call(kind: str, event: Event, given: Event) -> tuple[str, Any, str]:
    """Return the tool's name, what it is given, and the call's id, as the model said or as OpenHands kept it."""
    meta = _metadata(event)
    for call in _choice(meta).get("tool_calls") or ():
        if call.get("id") == meta.get("tool_call_id"):
            function = call["function"]
            return function["name"], build.parsed(function.get("arguments")), call["id"]
    arguments = build.compact(given, _ARGUMENTS_TOLD)
    return build.word(meta.get("function_name")) or kind, arguments, str(meta.get("tool_call_id") or event["id"])


def _answer(event: Event, made: Told) -> Told:
    """Return what was said with the answer of the model that it is part of."""
    response = _response(_metadata(event))
    made.answer, made.model = build.word(response.get("id")), build.word(response.get("model"))
    usage = response.get("usage")
    if isinstance(usage, dict):
        made.facts["usage"] = build.compact(usage)
    if made.role == "assistant" and event.get("source") == "user":
        made.facts["by"] = "user"
    return made


def _metadata(event: Event) -> Mapping[str, Any]:
    return build.mapping(event.get("tool_call_metadata"))


def _response(meta: Event) -> Mapping[str, Any]:
    return build.mapping(meta.get("model_response"))


def _choice(meta: Event) -> Mapping[str, Any]:
    choices = _response(meta).get("choices") or [{}]
    return build.mapping(choices[0].get("message"))


def _summary(given: Event, counts: Counter[str]) -> Told | None:
    words = build.word(given.get("summary"))
    if words is None:
        counts["actions: condensation"] += 1
        return None
    return Told("user", [build.text(words)], reason="compact_summary")


def _observation(kind: str, event: Event, counts: Counter[str]) -> Told:
    held = build.mapping(event.get("extras"))
    said, cause = event.get("content") or "", event.get("cause")
    facts = build.compact(held, _PAGE)
    if any(held.get(key) for key in _PAGE[1:-1]):
        counts["pages as the browser saw them"] += 1
    failed = kind in ("error", "user_rejected") or held.get("error") is True or _exit_code(held) not in _FINE
    if cause is None and "tool_call_metadata" not in event:
        words = [*_said(said or event.get("message") or "", {})]
        return Told("assistant", words, reason=build.kind_name(kind), facts=facts)
    made = build.tool_result(str(_metadata(event).get("tool_call_id") or cause), said, is_error=failed, name=kind)
    picture = build.word(held.get("screenshot"))
    pictures = [build.addressed(picture, modality="image")] if picture else []
    return Told("tool", [made, *pictures], text="", facts=facts)


def _exit_code(held: Event) -> Any:
    facts = held.get("metadata")
    return facts.get("exit_code") if isinstance(facts, dict) else held.get("exit_code")
