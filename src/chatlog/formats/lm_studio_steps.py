"""One version of a turn of LM Studio to messages: what was typed, or an answer with its steps.

A step is a block of words, thoughts, calls or results; those of one role after the other are one message.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chatlog.formats import build
from chatlog.formats.build import Row
from chatlog.models import ROLES, MessageDraft, Part
from chatlog.timespec import instant

#: The setting that holds the instructions.
PROMPT = "llm.prediction.systemPrompt"
_NAME = re.compile(r"\w{1,40}")
#: A step's identifier begins with when it was made, in milliseconds.
_MOMENT = re.compile(r"(\d{13})-")
_FAILED = frozenset({"toolCallDenied", "toolCallFailed", "toolCallGenerationFailed"})
_CONFIGS = ("loadModelConfig", "predictionConfig")
_REQUEST_TOLD = frozenset(
    {"type", "id", "callId", "toolCallRequestId", "toolCallRequest", "name", "parameters", "arguments"}
)
_RESULT_TOLD = frozenset({"type", "callId", "toolCallRequestId", "toolCallId", "content"})
_FILE_TOLD = frozenset({"type", "fileIdentifier", "identifier", "name", "fileType"})
_MIME = ("text/", "application/", "image/", "audio/", "video/")


class Made(NamedTuple):
    """A message without its links, and what its first step is called."""

    draft: MessageDraft
    step: str | None


@dataclass(slots=True)
class _Calls:
    """The calls of an answer by LM Studio's numbers: what the model called them, and what became of them."""

    names: dict[str, str] = field(default_factory=dict)
    states: dict[str, Row] = field(default_factory=dict)


@dataclass(slots=True)
class _Turn:
    """A message on its way: the parts of the steps of one role."""

    role: str
    step: str | None
    parts: list[Part] = field(default_factory=list)
    infos: list[Row] = field(default_factory=list)


def fields(config: Any) -> list[dict[str, Any]]:
    """Return the settings that LM Studio keeps as a list, each with its key."""
    listed = build.listed(build.mapping(config).get("fields"))
    return [one for one in listed if isinstance(one, dict) and isinstance(one.get("key"), str)]


def prompt_in(config: Any) -> str | None:
    """Return the instructions that some settings hold."""
    return next((build.word(one.get("value")) for one in fields(config) if one["key"] == PROMPT), None)


def messages(version: Row, counts: Counter[str], named: Callable[[Part], Part]) -> Iterator[Made]:
    """Yield the messages that a version is; `named` completes files.  Raises one of MALFORMED where it is not one."""
    role = version["role"]
    if role not in ROLES:
        raise ValueError("a message whose role is not known")
    if isinstance(version.get("steps"), list):
        for turn in _turns(version["steps"], role, counts):
            yield _answer(turn, role, version)
        return
    calls = _Calls()
    content = version["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    _note(blocks, calls)
    parts = [named(part) for part in _parts(blocks, {}, calls)]
    if not parts:
        counts["messages that say nothing"] += 1
        return
    text, kept = build.said(parts)
    yield Made(
        MessageDraft(
            role=role,
            text=text,
            parts=kept,
            created_at=_sent_at(version),
            metadata=_sent(version, text),
        ),
        None,
    )


def _sent_at(version: Row) -> str | None:
    return instant(build.within(version, "preprocessed", "timestamp"))


def _sent(version: Row, text: str) -> dict[str, Any]:
    """Return what the model was sent in place of what was typed, where files were put into it."""
    content = build.within(version, "preprocessed", "content")
    blocks = build.mappings(content)
    words = "\n\n".join(block["text"] for block in blocks if isinstance(block.get("text"), str) and block["text"])
    return {"preprocessed": content} if words and words != text else {}


def _turns(steps: Iterable[Any], role: str, counts: Counter[str]) -> list[_Turn]:
    """Return the messages that the steps of an answer are; results are a tool's."""
    rows = [step for step in steps if isinstance(step, dict)]
    calls = _Calls()
    for row in rows:
        _note(row.get("content") or (), calls)
    for row in rows:
        _note_state(row, calls)
    turns: list[_Turn] = []
    for row in rows:
        spoken = build.word(row.get("roleOverride"))
        for part in _step(row, calls, counts):
            whose = "tool" if part["type"] == "tool_call_response" else spoken if spoken in ROLES else role
            if not turns or turns[-1].role != whose:
                turns.append(_Turn(whose, build.word(row.get("stepIdentifier"))))
            turns[-1].parts.append(part)
        if isinstance(row.get("genInfo"), dict):
            told = next((turn for turn in reversed(turns) if turn.role == role), None)
            if told is None:
                told = _Turn(role, build.word(row.get("stepIdentifier")))
                turns.append(told)
            told.infos.append(row["genInfo"])
            if any(map(row["genInfo"].get, _CONFIGS)):
                counts["settings that answers were generated with"] += 1
    return turns


def _note(blocks: Iterable[Any], calls: _Calls) -> None:
    """Note what the model called the calls among some blocks."""
    for block in blocks:
        if isinstance(block, dict) and block.get("type") == "toolCallRequest":
            number = str(block.get("callId"))
            calls.names[number] = build.word(_request(block).get("toolCallRequestId")) or number


def _note_state(step: Row, calls: _Calls) -> None:
    status = build.within(step, "statusState", "status")
    if step.get("type") == "toolStatus" and isinstance(status, dict):
        calls.states[str(step.get("callId"))] = status


def _step(step: Row, calls: _Calls, counts: Counter[str]) -> list[Part]:
    """Return the parts that a step is; one that says nothing of the conversation is counted."""
    kind = step.get("type", "contentBlock")
    if kind == "contentBlock":
        return _parts(step["content"], step, calls)
    if kind == "citationBlock":
        return [build.raw(kind, step)]
    if kind == "toolStatus":
        is_told = str(step.get("callId")) in calls.names or str(step.get("callId")) not in calls.states
        return [] if is_told else [build.raw(kind, step)]
    if not isinstance(step.get("genInfo"), dict):
        counts[f"{build.kind_name(kind, _NAME)} steps"] += 1
    return []


def _parts(blocks: Iterable[Any], step: Row, calls: _Calls) -> list[Part]:
    """Return the parts of a block of words; words that were generated piece by piece are one part."""
    parts: list[Part] = []
    for block in blocks:
        if block.get("type") == "text":
            _append(parts, block, block.get("style") or step.get("style"), goes_on=bool(step))
        else:
            parts.append(_part(block, calls))
    return parts


def _append(parts: list[Part], block: Row, style: Any, *, goes_on: bool) -> None:
    words = build.string(block["text"])
    is_thought = isinstance(style, dict) and style.get("type") == "thinking"
    kind = "reasoning" if is_thought else "text"
    if goes_on and parts and parts[-1]["type"] == kind:
        parts[-1] = {**parts[-1], "content": parts[-1]["content"] + words}
    elif is_thought and words.strip():
        parts.append(build.reasoning(words, **build.compact({"title": style.get("title")})))
    elif words and not is_thought:
        parts.append(build.text(words))


def _part(block: Row, calls: _Calls) -> Part:
    kind = block.get("type")
    if kind == "file":
        return _file(block)
    if kind == "toolCallRequest":
        return _call(_request(block), calls)
    if kind == "toolCallResult":
        number = str(block.get("callId"))
        name = build.word(block.get("toolCallRequestId")) or build.word(block.get("toolCallId"))
        extra = build.compact(block, _RESULT_TOLD)
        is_error = calls.states.get(number, {}).get("type") in _FAILED
        response = _response(block.get("content"))
        return {**extra, **build.tool_result(name or calls.names.get(number, number), response, is_error=is_error)}
    return build.raw(kind, block)


def _request(block: Row) -> Row:
    """Return a call as it is told, which earlier versions did as their programming interface does."""
    nested = block.get("toolCallRequest")
    if not isinstance(nested, dict):
        return block
    return {**nested, "callId": block.get("callId", nested.get("id")), "toolCallRequestId": nested.get("id")}


def _call(request: Row, calls: _Calls) -> Part:
    number = str(request.get("callId"))
    extra = build.without(request, _REQUEST_TOLD)
    arguments = request.get("parameters", request.get("arguments"))
    name = build.word(request.get("name"))
    told = build.compact({**extra, "status": calls.states.get(number)})
    return {**told, **build.tool_call(calls.names.get(number, number), name, build.parsed(arguments))}


def _response(content: Any) -> Any:
    """Return what a tool said: the words alone where it is a list of texts, as tools of MCP give."""
    told = build.parsed(content)
    blocks = build.listed(told)
    words = [str(block["text"]) for block in blocks if isinstance(block, dict) and block.keys() == {"type", "text"}]
    return "\n\n".join(words) if words and len(words) == len(blocks) else told


def _file(block: Row) -> Part:
    kind = build.word(block.get("fileType"))
    is_mime = kind is not None and kind.startswith(_MIME)
    extra = build.without(block, _FILE_TOLD)
    return build.file(
        build.word(block.get("fileIdentifier")) or build.word(block.get("identifier")),
        build.word(block.get("name")),
        kind if is_mime else None,
        **build.compact({**extra, "modality": None if is_mime else kind}),
    )


def _answer(turn: _Turn, role: str, version: Row) -> Made:
    facts = _generated(turn.infos)
    info = turn.infos[-1] if turn.infos else {}
    model = build.word(info.get("identifier")) or build.word(info.get("indexedModelIdentifier"))
    said_by = build.word(build.within(version, "senderInfo", "senderName"))
    if turn.role not in (role, "tool"):
        facts["hidden_reason"] = "injected"
    moment = _MOMENT.match(turn.step or "")
    return Made(
        build.message(
            turn.role,
            turn.parts,
            model=(model or said_by) if turn.role == "assistant" else None,
            created_at=instant(moment[1]) if moment else None,
            metadata=facts,
        ),
        turn.step,
    )


def _generated(infos: list[Row]) -> dict[str, Any]:
    """Return what was told of how an answer was generated, the model's settings aside; `usage` is the last's."""
    if not infos:
        return {}
    stats = [info["stats"] for info in infos if isinstance(info.get("stats"), dict)]
    last = build.without(infos[-1], (*_CONFIGS, "stats", "identifier"))
    if last.get("indexedModelIdentifier") == infos[-1].get("identifier"):
        last.pop("indexedModelIdentifier", None)
    earlier = [one for at, one in enumerate(stats[:-1]) if one not in stats[at + 1 :]]
    return build.compact({**last, "usage": stats[-1] if stats else None, "earlier_usage": earlier})
