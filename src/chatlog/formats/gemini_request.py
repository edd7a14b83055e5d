"""Steps of a conversation as the Gemini API takes them: ``{"systemInstruction", "contents"}``.

Writes only; Google's exports are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatlog.formats.turns import PDF, Step, arguments_object, held_bytes, tool_name
from chatlog.models import Part
from chatlog.shown import mention, response_text

#: The files, beside sounds, films and texts, whose bytes a request may hold.
_FILES = frozenset(("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", PDF))
#: What Google documents for a call that no Gemini signed (ai.google.dev/gemini-api/docs/thought-signatures).
_UNSIGNED = "skip_thought_signature_validator"


def from_steps(steps: Iterable[Step]) -> dict[str, Any]:
    """Return steps as a request; the instruction only where there is one."""
    system: list[dict[str, Any]] = []
    contents: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for step in steps:
        for part in step.parts:
            if part.get("type") == "tool_call":
                names[str(part.get("id"))] = _name(part)
        spelled = [made for part in step.parts if (made := _part(part, step.role, names)) is not None]
        if step.role in ("system", "developer"):
            system += [made for made in spelled if "text" in made]
        elif spelled:
            _append(contents, "model" if step.role == "assistant" else "user", spelled)
    _sign(contents)
    wire = {"contents": contents}
    return {"systemInstruction": {"parts": system}, **wire} if system else wire


def _name(call: Part) -> str:
    """Return a function's name, which begins with a letter or ``_`` here."""
    name = tool_name(call.get("name"))
    return name if name[0].isalpha() or name[0] == "_" else f"_{name}"[:64]


def _file(part: Part) -> dict[str, Any] | None:
    mime, data = held_bytes(part) or ("", "")
    is_read = mime in _FILES or mime.startswith(("audio/", "video/", "text/"))
    return {"inlineData": {"mimeType": mime, "data": data}} if is_read else None


def _append(contents: list[dict[str, Any]], role: str, parts: list[dict[str, Any]]) -> None:
    if contents and contents[-1]["role"] == role:
        contents[-1]["parts"] += parts
    else:
        contents.append({"role": role, "parts": parts})


def _sign(contents: Iterable[dict[str, Any]]) -> None:
    """Mark the first call of each content as not signed where another model made it: unmarked, Gemini 3 refuses it.

    It checks the last turn alone; but what is marked there stays so, or the turn would change once it is an older one.
    """
    for content in contents:
        for call in [part for part in content["parts"] if "functionCall" in part][:1]:
            call.setdefault("thoughtSignature", _UNSIGNED)


def _part(part: Part, role: str, names: dict[str, str]) -> dict[str, Any] | None:
    signature = {"thoughtSignature": part["signature"]} if part.get("signature") else {}
    match part:
        case {"type": "text", "content": str(content)}:
            return {"text": content} if content.strip() else None
        case {"type": "tool_call"}:
            call = {"id": part["id"], "name": _name(part), "args": arguments_object(part)}
            return {"functionCall": call, **signature}
        case {"type": "tool_call_response"}:
            key = "error" if part.get("is_error") else "output"
            response = {key: response_text(part.get("response"))}
            name = names.get(str(part.get("id")), "tool")
            return {"functionResponse": {"id": part["id"], "name": name, "response": response}}
    words = mention(part)
    return (_file(part) if role == "user" else None) or ({"text": words} if words else None)
