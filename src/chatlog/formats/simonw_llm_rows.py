"""What one logged response of simonw/llm says: the prompt, the answer, and the tools between them.

Takes a row of any generation of its log, or of ``llm logs --json``, with what other tables add to it.
Nothing here reads a file or a database.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from chatlog.formats import build
from chatlog.formats.sqlite_source import loaded
from chatlog.models import MessageDraft, Part, joined_text
from chatlog.timespec import instant

#: A text in a provider's answer that is longer, and part of the response, is the response again.
_REPEATED_CHARS = 40


@dataclass(slots=True)
class Talk:
    """A conversation as it grows, row by row: its last message, its system prompt, its unanswered calls."""

    source_id: str
    parent: str | None = None
    system: str = ""
    calls: list[Part] = field(default_factory=list)
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: int = 0

    def exchange(self, row: Mapping[str, Any]) -> Iterator[MessageDraft]:
        """Yield the messages of a row: a new system prompt, tool results, the prompt, and the response."""
        name = str(row["id"])
        self.parent = f"{row['above']}:response" if row.get("above") else self.parent
        told: dict[str, Any] = {"created_at": instant(row.get("datetime_utc") or row.get("timestamp"))}
        results = [result for result in row.get("tool_results") or () if not result.get("server_executed")]
        system = _system(row)
        if system and system != self.system:
            yield self._say(f"{name}:system", (build.text(system),), role="system", **told)
        self.system = system or self.system
        if results:
            yield self._say(f"{name}:tools", tuple(self._results(results, name)), role="tool", **told)
        prompt = tuple(_prompt(row))
        if prompt or not (results or system):
            text = "\n".join(part["content"] for part in prompt if part["type"] == "text")
            yield self._say(f"{name}:prompt", prompt, role="user", text=text, **told)
        answer = tuple(self._response(row, name))
        told |= {"model": build.word(row.get("model")), "metadata": facts(row)}
        yield self._say(f"{name}:response", answer, role="assistant", **told)
        self.left_out += bool(row.get("prompt_json"))
        self.tools |= {str(tool.get("name")): definition(tool) for tool in row.get("tools") or ()}

    def _say(self, source_id: str, parts: tuple[Part, ...], **fields: Any) -> MessageDraft:
        fields.setdefault("text", joined_text(parts))
        fields["parts"] = build.kept(parts, fields["text"])
        parent, self.parent = self.parent, source_id
        return MessageDraft(source_id=source_id, parent=parent, conversation=self.source_id, **fields)

    def _results(self, results: Iterable[Mapping[str, Any]], name: str) -> Iterator[Part]:
        for number, result in enumerate(results):
            yield from tool_result(result, self._answered(result, f"{name}-{number}"))
        self.calls = []

    def _answered(self, result: Mapping[str, Any], otherwise: str) -> str:
        """Return the id of the call that a result answers: the one it names, else the first of its tool."""
        named = result.get("tool_call_id")
        keys = ("id", named) if named else ("name", result.get("name"))
        call = next((call for call in self.calls if call[keys[0]] == keys[1]), None)
        if call is None:
            return str(named or otherwise)
        self.calls = [other for other in self.calls if other is not call]
        return str(call["id"])

    def _response(self, row: Mapping[str, Any], name: str) -> Iterator[Part]:
        if thought := _reasoning(row):
            yield build.reasoning(thought)
        if row.get("response"):
            yield build.text(str(row["response"]))
        self.calls = []
        for number, call in enumerate(row.get("tool_calls") or ()):
            call_id = call.get("tool_call_id") or f"{name}-{number}"
            self.calls.append(build.tool_call(call_id, call.get("name"), build.parsed(call.get("arguments"))))
        yield from self.calls
        for result in row.get("tool_results") or ():
            if result.get("server_executed"):
                yield from tool_result(result, result.get("tool_call_id"))


def _reasoning(row: Mapping[str, Any]) -> str:
    """Return what was thought, which before there was a column for it stood only in the answer of Anthropic's API."""
    blocks = build.mappings(build.within(_json(row.get("response_json")), "content"))
    thoughts = [block["thinking"] for block in blocks if isinstance(block.get("thinking"), str)]
    return str(row.get("reasoning") or "\n\n".join(thoughts))


def _system(row: Mapping[str, Any]) -> str:
    pieces = [_content(fragment) for fragment in row.get("system_fragments") or ()]
    whole, joined = str(row.get("system") or "").strip(), "\n\n".join(piece.strip() for piece in pieces if piece)
    return whole if whole.startswith(joined) else "\n\n".join(piece for piece in (joined, whole) if piece)


def _content(fragment: Any) -> str:
    held = build.mapping(fragment).get("content")
    return held.decode("utf-8", "replace") if isinstance(held, bytes) else str(held or "")


def _prompt(row: Mapping[str, Any]) -> Iterator[Part]:
    """Yield the fragments a prompt begins with, its own words, and what is attached to it.

    The prompts that newer versions show have the fragments in them, those in the tables have not.
    """
    rest = str(row.get("prompt") or "")
    for fragment in row.get("prompt_fragments") or ():
        content = _content(fragment)
        if not content or (rest.startswith(content.removesuffix("...")) and not rest.startswith(content)):
            # Only its name is told, or the beginning of what the prompt holds in full.
            yield build.file(str(fragment.get("hash") if isinstance(fragment, dict) else fragment), kind="fragment")
            continue
        rest = rest.removeprefix(content).removeprefix("\n")
        yield build.text(content, **build.compact({"fragment": fragment.get("hash"), "source": _source(fragment)}))
    if rest:
        yield build.text(rest)
    for held in row.get("attachments") or ():
        yield attachment(held)


def _source(fragment: Mapping[str, Any]) -> Any:
    return fragment.get("source") or fragment.get("aliases")


def attachment(held: Mapping[str, Any]) -> Part:
    """Return an attachment: its bytes, its address, or where its file lies."""
    name, kind, content = held.get("id"), held.get("type"), held.get("content")
    if isinstance(content, bytes) and content:
        return build.blob(kind, base64.b64encode(content).decode("ascii"), file_id=name)
    if held.get("url"):
        return build.uri(str(held["url"]), kind, file_id=name)
    path = held.get("path")
    length = {"content_length": held["content_length"]} if held.get("content_length") else {}
    where = {"path": str(path)} if path else {}
    return build.file(name, PurePath(str(path)).name if path else None, kind, **where, **length)


def tool_result(result: Mapping[str, Any], call_id: Any) -> Iterator[Part]:
    """Yield the result of a tool, and what it brought as attachments."""
    told = build.picked(result, ("name", "exception", "instance", "server_executed"))
    yield build.tool_result(call_id, result.get("output"), is_error=bool(result.get("exception")), **told)
    for held in build.parsed(result.get("attachments")) or ():
        yield attachment(held)


def definition(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a tool was described to the model."""
    told = {**tool, "input_schema": build.parsed(tool.get("input_schema"))}
    return build.picked(told, ("name", "description", "plugin", "instance", "input_schema"))


def facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what else is known of an answer: usage, options, duration, schema, the provider's envelope."""
    answer = _json(row.get("response_json"))
    usage = {key: row.get(key) for key in ("input_tokens", "output_tokens")}
    usage["token_details"] = _json(row.get("token_details"))
    if usage["input_tokens"] is None and isinstance(answer, dict) and isinstance(answer.get("usage"), dict):
        usage = answer["usage"]
    return build.compact(
        {
            "usage": build.compact(usage),
            "options": _json(row.get("options_json")),
            "duration_ms": row.get("duration_ms"),
            "resolved_model": row.get("resolved_model"),
            "schema": _json(row.get("schema_json")),
            "tools": [tool.get("name") for tool in row.get("tools") or ()],
            "response_json": _condensed(answer, f"{row['response']}\0{_reasoning(row)}" if row.get("response") else ""),
            "debug": _json(row.get("debug")),
        }
    )


def _condensed(value: Any, told: str) -> Any:
    """Return a provider's answer without the texts in it that are told already."""
    if isinstance(value, str):
        return None if len(value) > _REPEATED_CHARS and value.strip() in told else value
    if isinstance(value, dict):
        return build.given({key: _condensed(held, told) for key, held in value.items()})
    return [_condensed(held, told) for held in value] if isinstance(value, list) else value


def _json(value: Any) -> Any:
    """Return the value of JSON text, text that is none as it is, and anything else as it came."""
    if not isinstance(value, str):
        return value
    try:
        return loaded(value)
    except (ValueError, RecursionError):
        return value
