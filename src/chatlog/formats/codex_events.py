"""The events of a Codex rollout: what the interface was told while the model worked.

Most tell again what items tell; which do not, only a thread can say.  A handler returns whether the
event said something, and leaves the counting of the rest to the rollout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatlog.formats import build
from chatlog.formats.codex_items import Payload, event_parts, message_view, searched
from chatlog.formats.codex_thread import ASSISTANT, CALL, REASONING, SEARCH, USER, Held
from chatlog.formats.codex_turn_items import as_events

if TYPE_CHECKING:
    from chatlog.formats.codex_rollout import Rollout


#: Kinds of user messages that no user wrote; items tell them too.
_CONTEXT = ("user_instructions", "environment_context")
#: The tool by which the model sets itself a goal.
_GOAL_TOOL = "create_goal"


def _user_message(rollout: Rollout, payload: Payload, time: Any) -> bool:
    text = payload["message"]
    if payload.get("kind") in _CONTEXT:
        return False
    view = message_view({"role": "user", "content": text})
    images = [address for address in payload.get("images") or () if isinstance(address, str)]
    parts = view.parts + [build.addressed(address, modality="image") for address in images]
    parts += [build.addressed(address, modality="audio") for address in payload.get("audio") or ()]
    held = Held("user", f"user\0{text}", time, parts, text=view.text)
    held.facts = build.compact(payload, ("type", "message", "images", "audio", "kind", "client_id"))
    rollout.thread.told_by_event(USER, text, held)
    return True


def _agent_message(rollout: Rollout, payload: Payload, time: Any) -> bool:
    told = build.picked(payload, ("phase", "memory_citation"))
    _say(rollout, payload["message"], time, told)
    return True


def _say(rollout: Rollout, text: str, time: Any, facts: dict[str, Any] | None = None) -> None:
    held = Held("assistant", f"assistant\0{text}", time, [build.text(text)])
    held.facts = facts or {}
    rollout.thread.told_by_event(ASSISTANT, text, held)


def _agent_reasoning(rollout: Rollout, payload: Payload, time: Any) -> bool:
    text = payload["text"]
    held = Held("assistant", f"reasoning\0{[text]}", time, [build.reasoning(text)])
    rollout.thread.told_by_event(REASONING, text, held)
    return True


def _token_count(rollout: Rollout, payload: Payload, _: Any) -> bool:
    info = payload.get("info")
    if not isinstance(info, dict):
        return False
    if rollout.thread.spent(info.get("total_token_usage"), info.get("last_token_usage")):
        rollout.meta.window = info.get("model_context_window") or rollout.meta.window
    else:
        rollout.counts["event: token_count (repeated)"] += 1
    return True


def _turn_aborted(rollout: Rollout, payload: Payload, _: Any) -> bool:
    return rollout.thread.mark("turn_aborted", payload.get("reason") or True)


def _rolled_back(rollout: Rollout, payload: Payload, _: Any) -> bool:
    rollout.thread.roll_back(int(payload["num_turns"]))
    return True


def _thread_name(rollout: Rollout, payload: Payload, _: Any) -> bool:
    rollout.meta.title = build.word(payload.get("thread_name")) or rollout.meta.title
    return True


def _goal(rollout: Rollout, payload: Payload, time: Any) -> bool:
    """Take a goal once, which a person sets without a prompt; later events tell how far it is."""
    words = build.word(build.within(payload, "goal", "objective"))
    if words is None or words in rollout.goals:
        return False
    rollout.goals.add(words)
    if any(part.get("name") == _GOAL_TOOL for held in rollout.thread.buffer for part in held.parts):
        return False  # the model set it: its call says so
    held = Held("user", f"goal\0{words}", time, [build.text(words)], aside=True)
    held.facts = {"kind": "goal"}
    rollout.thread.told_by_event(USER, words, held)
    return True


def _item_completed(rollout: Rollout, payload: Payload, time: Any) -> bool:
    """Take a plan, which no other item tells, and any item that older versions told by an event of its own."""
    item = payload["item"]
    if item.get("type") == "Plan":
        return _unless_said(rollout, item.get("text"), time)
    told = [EVENTS[event["type"]](rollout, event, time) for event in as_events(item)]
    return any(told)


def _task_complete(rollout: Rollout, payload: Payload, time: Any) -> bool:
    """Take a turn's last words where nothing else told them, and what it failed of."""
    said, error = _unless_said(rollout, payload.get("last_agent_message"), time), payload.get("error")
    return (isinstance(error, dict) and _note(rollout, {**error, "type": "error"}, time)) or said


def _unless_said(rollout: Rollout, text: Any, time: Any) -> bool:
    if not isinstance(text, str) or not text.strip() or any(text.strip() in said for said in rollout.thread.said):
        return False
    _say(rollout, text, time)
    return True


def _tool(rollout: Rollout, payload: Payload, time: Any) -> bool:
    """Take a tool's end where no item tells the call, and what a search found, which no item tells."""
    kind, call_id, called = payload["type"], payload.get("call_id"), rollout.thread.called
    query = searched(payload) if kind == "web_search_end" else None
    told = next((called[name] for name in (call_id, query) if name in called), None)
    if told is not None and kind == "web_search_end" and payload.get("results"):
        rollout.thread.found(told, payload["results"], time)
    elif told is not None:
        rollout.counts[f"event: {kind} (an item tells the same)"] += 1
    else:
        held = Held("assistant", f"event\0{call_id}", time, event_parts(payload))
        rollout.thread.told_by_event(SEARCH if query else CALL, query or str(call_id), held)
    return True


def _note(rollout: Rollout, payload: Payload, time: Any) -> bool:
    """Take what Codex told its user, hidden."""
    kind, review = payload["type"], payload.get("review_output")
    told = build.mapping(review).get("overall_explanation")
    text = build.word(payload.get("message")) or build.word(told) or ""
    parts = [build.text(text)] if text else []
    if payload.keys() - {"type", "message"}:
        parts.append(build.raw(kind, payload))
    if parts:
        rollout.thread.note(Held("assistant", f"{kind}\0{text}", time, parts, reason=kind))
    return bool(parts)


EVENTS: dict[str, Callable[[Rollout, Payload, Any], bool]] = {
    "user_message": _user_message,
    "agent_message": _agent_message,
    "agent_reasoning": _agent_reasoning,
    "agent_reasoning_raw_content": _agent_reasoning,
    "token_count": _token_count,
    "turn_aborted": _turn_aborted,
    "thread_rolled_back": _rolled_back,
    "thread_name_updated": _thread_name,
    "thread_goal_updated": _goal,
    "item_completed": _item_completed,
    "task_complete": _task_complete,
    "turn_complete": _task_complete,
    "exec_command_end": _tool,
    "patch_apply_end": _tool,
    "mcp_tool_call_end": _tool,
    "web_search_end": _tool,
    "image_generation_end": _tool,
    "view_image_tool_call": _tool,
    "error": _note,
    "warning": _note,
    "entered_review_mode": _note,
    "exited_review_mode": _note,
}
