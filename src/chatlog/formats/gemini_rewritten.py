"""What Gemini CLI writes down once more: its history under new names, and messages that it cut to save room.

A list of messages that replaces those in force, as after a compression or when bulky results of tools
are taken out, tells again what the log told before.  Pure functions on entries; the replay is `gemini_cli`'s.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from chatlog.formats import build

Entry = Mapping[str, Any]
#: Whose message, what it says, and the names of the tools that it calls or answers.
_Key = tuple[str, str, tuple[str, ...]]


def copies(listed: Sequence[Entry], before: Mapping[str, Entry]) -> dict[str, str]:
    """Return the names of listed messages that say again, in the same order, what those before them said: of which."""
    names = [str(entry.get("id")) for entry in listed]
    earlier = list(before)
    if earlier[-len(names) :] == names:  # they were just written, each by itself
        earlier = earlier[: -len(names)]
        began = next((key for name in earlier if (key := _key(before[name]))), None)
        if not names or began is None or _key(listed[0]) != began:
            return {}
    places = defaultdict[_Key, list[int]](list)
    for place, name in enumerate(earlier):
        if key := _key(before[name]):
            places[key].append(place)
    known, found, end = set(earlier), dict[str, str](), len(earlier)
    for name, entry in reversed([*zip(names, listed, strict=True)]):
        key = _key(entry) if name not in known else None
        at = bisect_left(places[key], end) if key else 0
        if key and at:
            end = places[key][at - 1]
            found[name] = earlier[end]
    return found


def _key(entry: Entry) -> _Key | None:
    """Return what an entry is known again by; None for one that says nothing, or nothing to the model."""
    kind, content = entry.get("type"), entry.get("content")
    if kind not in ("user", "gemini"):
        return None
    parts = [{"text": content}] if isinstance(content, str) else build.mappings(content)
    words = "".join(str(part["text"]) for part in parts if part.get("text") and not part.get("thought")).strip()
    held = [part.get("functionCall") or part.get("functionResponse") for part in parts]
    tools = [str(tool.get("name")) for tool in (build.mappings(entry.get("toolCalls")) or build.mappings(held))]
    return (kind, words, tuple(tools)) if words or tools else None


def whole(old: Entry, new: Entry) -> dict[str, Any]:
    """Return an entry as a list has it, but with the words and the results of tools as they first were."""
    made = {**old, **new}
    if old.get("content"):
        made["content"] = old["content"]
    results = {call.get("id"): call.get("result") for call in build.mappings(old.get("toolCalls"))}
    if isinstance(made.get("toolCalls"), list):
        made["toolCalls"] = [
            {**call, "result": results[call["id"]]} if isinstance(call, dict) and results.get(call.get("id")) else call
            for call in made["toolCalls"]
        ]
    return made
