"""The messages of opencode 2, a row each in one table, in the words of opencode 1: a message and its parts.

Pure functions from one row's type and data.  Nothing here knows the database or the session around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chatlog.formats import build

Data = Mapping[str, Any]
#: A message as opencode 1 has it, without its id, and its parts.
Told = tuple[dict[str, Any], list[dict[str, Any]]]

#: Rows that say what the session was switched to, or that it waits: nothing that anybody said.
SILENT = frozenset({"agent-switched", "model-switched", "location-switched", "idle"})
#: What is said in parts here.
_SAID = frozenset({"id", "type", "text", "files", "agents", "skills", "content", "sessionID", "summary", "recent"})


def told(kind: str, data: Data) -> Told:
    """Return what a row tells.  Raises one of MALFORMED for one of no known type."""
    return _TYPES[kind](data)


def _facts(data: Data, role: str, **more: Any) -> dict[str, Any]:
    return {**build.without(data, _SAID), "role": role, **more}


def _user(data: Data) -> Told:
    parts: list[dict[str, Any]] = [{"type": "text", "text": data["text"]}] if data["text"] else []
    parts += [_file(file) for file in data.get("files") or ()]
    for kind in ("agent", "skill"):
        for held in data.get(f"{kind}s") or ():
            parts.append({"type": kind, **(held if isinstance(held, dict) else {"name": held})})
    return _facts(data, "user"), parts


def _file(file: Data) -> dict[str, Any]:
    rest = build.without(file, ("uri", "name", "type"))
    return {**rest, "type": "file", "url": file.get("uri"), "filename": file.get("name")}


def _assistant(data: Data) -> Told:
    model = build.mapping(data.get("model"))
    facts = _facts(data, "assistant", modelID=model.get("id"), providerID=model.get("providerID"))
    facts["variant"] = model.get("variant")
    return facts, [_content(item) for item in data["content"]]


def _content(item: Data) -> dict[str, Any]:
    """Return one piece of an answer; its times are those of how it was streamed."""
    if item["type"] != "tool":
        return build.without(item, ("time",))
    rest = build.without(item, ("id", "name", "state", "time"))
    state = dict(item["state"])
    error, content = state.get("error"), state.pop("content", None)
    state["attachments"] = [_file(held) for held in state.get("attachments") or ()]
    if isinstance(error, dict):
        state["error"] = error.get("message") or error
    if content and state.get("status") == "error":
        state["partial_output"] = _output(content)
    elif content:
        state["output"] = _output(content)
        state["attachments"] += [_file(held) for held in content if held.get("type") == "file"]
    return {**rest, "tool": item["name"], "callID": item.get("id"), "state": state}


def _output(content: list[Data]) -> str:
    return "\n".join(held["text"] for held in content if held.get("type") == "text")


def _injected(role: str, reason: str) -> Callable[[Data], Told]:
    """Return how text is told that the program wrote, hidden for that reason."""

    def tell(data: Data) -> Told:
        return _facts(data, role, hidden_reason=reason), [{"type": "text", "text": data["text"], "synthetic": True}]

    return tell


def _compaction(data: Data) -> Told:
    """Tell the summary that replaced a long history; what it keeps of the last messages is here already."""
    facts = _facts(data, "user", hidden_reason="compact_summary")
    return facts, [{"type": "text", "text": data.get("summary") or "", "synthetic": True}]


def _shell(data: Data) -> Told:
    """Tell a command that a person ran beside the model, as a tool's use."""
    output, call_id = data.get("output"), data.get("shellID") or data.get("callID")
    used = ("command", "output", "shellID", "callID", "status", "exit")
    facts = build.without(_facts(data, "assistant"), used)
    state = {"status": "completed", "input": {"command": data["command"]}, "exit": data.get("exit")}
    state["output"] = output.get("output") if isinstance(output, dict) else output
    return facts, [{"type": "tool", "tool": "shell", "callID": call_id, "state": state}]


_TYPES: dict[str, Callable[[Data], Told]] = {
    "user": _user,
    "assistant": _assistant,
    "system": _injected("system", "system"),
    "synthetic": _injected("user", "synthetic"),
    "skill": _injected("user", "skill"),
    "compaction": _compaction,
    "shell": _shell,
}
