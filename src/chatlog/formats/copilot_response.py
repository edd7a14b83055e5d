"""What a response in a VS Code chat says: markdown, thoughts, tool invocations, edits, references.

Pure functions from the response's items to parts.  Requests and chats are not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from chatlog.formats import build
from chatlog.models import Part

#: Items that only steer the display.
SILENT = frozenset(("undoStop", "prepareToolInvocation", "mcpServersStarting"))
_MARKDOWN = ("markdownContent", "markdownVuln", "markdown")
_TOOLS = ("toolInvocationSerialized", "toolInvocation")
#: Where most tools are from, which is not said again with each call; others are from servers and extensions.
_BUILT_IN = "internal"
#: What Copilot adds to the ids of the model's calls in its own notes of them.
_SUFFIX = "__vscode"
_CALL_TOLD = frozenset(
    ("kind", "toolId", "toolCallId", "toolSpecificData", "resultDetails", "presentation", "isComplete", "source")
)


def response_parts(items: Sequence[Any], facts: dict[str, Any]) -> list[Part]:
    """Return the parts of a response; of `facts`, what the model called moves from the result into the calls."""
    rounds = _by_invocation(_rounds(facts.get("result")), items)
    used: set[str] = set()
    parts: list[Part] = []
    run: list[str] = []
    references: list[Part] = []
    for item in items:
        words = _words(item)
        if words is not None:
            run.append(words)
            references += _reference(item)
            continue
        kind = item.get("kind")
        if kind in SILENT:
            continue
        if kind == "codeblockUri":
            references.append(build.raw(kind, item))
            continue
        parts += _spoken(run, references)
        run, references = [], []
        parts += _invocation(item, rounds, used) if kind in _TOOLS else [_part(item)]
    parts += _spoken(run, references)
    if rounds and used >= rounds.keys():
        _forget_rounds(facts)
    return parts


def _spoken(run: list[str], references: list[Part]) -> list[Part]:
    text = "".join(run)
    return [*([build.text(text)] if text.strip() else []), *references]


def _words(item: Any) -> str | None:
    """Return the markdown that an item adds to the running text, None for one that stands for itself."""
    if isinstance(item, str):
        return item
    kind = item.get("kind")
    if kind is None or kind in _MARKDOWN:
        return markdown(item.get("content", item.get("value")))
    if kind == "inlineReference":
        return f"`{_reference_name(item)}`"
    return None


def markdown(value: Any) -> str:
    """Return the text of markdown, which VS Code keeps bare or in an object.  Raises TypeError for anything else."""
    if isinstance(value, Mapping):
        value = value.get("value")
    return "" if value is None else build.string(value)


def address_of(value: Any) -> str | None:
    """Return the path or address of what a reference names: an address, an object of its pieces, or a place in it."""
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("uri"), Mapping):
        return address_of(value["uri"])
    if isinstance(value.get("location"), Mapping):
        return address_of(value["location"])
    for key in ("fsPath", "external"):
        if isinstance(value.get(key), str):
            return str(value[key])
    path, scheme = value.get("path"), value.get("scheme")
    if not isinstance(path, str):
        return None
    return path if scheme in (None, "file") else f"{scheme}://{value.get('authority') or ''}{quote(path)}"


def _reference_name(item: Mapping[str, Any]) -> str:
    value = item.get("inlineReference")
    own = item.get("name") or build.mapping(value).get("name")
    return str(own or (address_of(value) or "?").rsplit("/", 1)[-1])


def _reference(item: Any) -> Iterator[Part]:
    if isinstance(item, dict) and item.get("kind") == "inlineReference":
        value = item.get("inlineReference")
        where = {"range": value["range"]} if isinstance(value, dict) and value.get("range") else {}
        yield build.file(address_of(value), _reference_name(item), kind="inlineReference", **where)


def _part(item: Mapping[str, Any]) -> Part:
    """Return a thought as reasoning, and any other item as it came."""
    if item["kind"] != "thinking":
        return build.raw(item["kind"], item)
    value = item.get("value")
    text = "\n\n".join(value) if isinstance(value, list) else value or ""
    told = build.without(item, ("kind", "value", "id", "metadata"))
    return build.reasoning(text, **told) if isinstance(text, str) else build.raw("thinking", item)


def _invocation(item: Mapping[str, Any], rounds: Mapping[str, Part], used: set[str]) -> list[Part]:
    """Return a tool's call and result, in the model's own terms where the rounds have them."""
    call_id = item.get("toolCallId")
    data = build.mapping(item.get("toolSpecificData"))
    details = item.get("resultDetails")
    shown = {key: _message(fact) for key, fact in build.compact(item, _CALL_TOLD).items()}
    known = rounds.get(call_id) if isinstance(call_id, str) else None
    if known is not None:
        used.add(str(call_id))
        call = build.tool_call(call_id, known["name"], known["arguments"], toolId=item.get("toolId"), **shown)
        answer = known.get("response")
    else:
        call = build.tool_call(call_id, item.get("toolId"), _arguments(data, details), **shown)
        answer = None
    if data:
        call["toolSpecificData"] = data
    if build.mapping(item.get("source")).get("type", _BUILT_IN) != _BUILT_IN:
        call["source"] = item["source"]
    failed = isinstance(details, dict) and bool(details.get("isError"))
    response = answer if answer is not None else _output(data, details)
    return [call] if response is None else [call, build.tool_result(call_id, response, is_error=failed)]


def _message(fact: Any) -> Any:
    return fact["value"] if isinstance(fact, dict) and isinstance(fact.get("value"), str) else fact


def _arguments(data: Mapping[str, Any], details: Any) -> Any:
    if "rawInput" in data:
        return data["rawInput"]
    command = data.get("commandLine")
    if isinstance(command, dict):
        command = command.get("original") or command.get("userEdited")
    if command or data.get("command"):
        return {"command": command or data["command"]}
    if data.get("prompt"):
        return {"prompt": data["prompt"]}
    return build.parsed(details["input"]) if isinstance(details, dict) and details.get("input") else None


def _output(data: Mapping[str, Any], details: Any) -> Any:
    """Return what a tool gave back, as far as the chat shows it."""
    if isinstance(details, dict) and details.get("output"):
        output = details["output"]
        return _joined(output) or output
    if isinstance(details, list) and details:
        return [address_of(item) or item for item in details]
    terminal = data.get("terminalCommandOutput")
    if isinstance(terminal, dict) and terminal.get("text"):
        return terminal["text"]
    return data.get("result") or data.get("output") or None


def _rounds(result: Any) -> dict[str, Part]:
    """Return the calls the model made by their ids, with name, arguments and response."""
    metadata = build.mapping(result).get("metadata")
    if not isinstance(metadata, dict):
        return {}
    results = build.mapping(metadata.get("toolCallResults"))
    found: dict[str, Part] = {}
    for held in metadata.get("toolCallRounds") or ():
        for call in held.get("toolCalls") or ():
            if isinstance(call.get("id"), str):
                made = {"name": call.get("name"), "arguments": build.parsed(call.get("arguments"))}
                told = {"response": _content(results[call["id"]])} if call["id"] in results else {}
                name = call["id"].partition(_SUFFIX)[0]
                found[call["id"] if name in found else name] = {**made, **told}
    return found


def _by_invocation(rounds: dict[str, Part], items: Sequence[Any]) -> dict[str, Part]:
    """Return the model's calls by the ids that the tools' invocations have.

    Before 2026 those were ids of VS Code's own, so that only the order tells which is which.
    """
    tools = [item for item in items if isinstance(item, dict) and item.get("kind") in _TOOLS]
    ids = [str(item.get("toolCallId")) for item in tools if not item.get("subAgentInvocationId")]
    if len(ids) != len(rounds) or not rounds.keys().isdisjoint(ids):
        return rounds
    return dict(zip(ids, rounds.values(), strict=True))


def _content(result: Any) -> Any:
    """Return the text of a tool's result, the result itself where it is not only text."""
    content = result.get("content") if isinstance(result, dict) else result
    return _joined(content) or content


def _joined(items: Any) -> str | None:
    """Return the text of a list of values that are all text, None for anything else."""
    if not isinstance(items, list):
        return None
    values = [item.get("value") if isinstance(item, dict) else item for item in items]
    texts = [value for value in values if isinstance(value, str)]
    return "\n\n".join(texts) if len(texts) == len(values) else None


def _forget_rounds(facts: dict[str, Any]) -> None:
    """Drop from the rounds the calls and results, which the parts tell now."""
    result = facts["result"]
    rounds = [build.without(held, ("toolCalls",)) for held in result["metadata"]["toolCallRounds"]]
    rest = build.without(result["metadata"], ("toolCallResults",))
    facts["result"] = {**result, "metadata": {**rest, "toolCallRounds": rounds}}
