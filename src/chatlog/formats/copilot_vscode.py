"""VS Code's Copilot chats: a document of requests, or a log of changes to one that is replayed here.

A request is a prompt and its response, two messages.  Requests that a log drops again stay as a
branch.  What a response says is `copilot_response`'s matter.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from chatlog.formats import MALFORMED, build, ids
from chatlog.formats.beside import beside
from chatlog.formats.copilot_response import SILENT, address_of, response_parts
from chatlog.formats.jsonstream import lines
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record
from chatlog.timespec import instant

#: Keys that, beside ``requests``, only these documents have.
SIGNS = frozenset(
    ("responderUsername", "requesterUsername", "creationDate", "initialLocation", "lastMessageDate", "customTitle")
)
_TOLD = frozenset(("requests", "sessionId", "creationDate", "lastMessageDate", "customTitle", "inputState"))
_REQUEST_TOLD = frozenset(
    ("requestId", "message", "variableData", "timestamp", "response", "responseId", "modelId", "responseTimestamp")
)
#: What a request's keys say of the response rather than of the prompt.
_RESPONSE_FACTS = (
    "agent", "result", "followups", "isCanceled", "vote", "voteDownReason", "modelState", "contentReferences",
    "codeCitations", "timeSpentWaiting", "editedFileEvents", "responseMarkdownInfo", "usedContext", "usage",
    "elapsedMs", "copilotCredits",
)  # fmt: skip
#: What newer versions tell of the response in keys of their own.
_USAGE = ("promptTokens", "completionTokens")
_NOT_SHOWN = "hidden_from_transcript"
_SET, _PUSH, _DELETE = 1, 2, 3

#: Names that the part of some bytes uses itself.
_BLOB = ("type", "name", "content", "mime_type")

Request = Mapping[str, Any]


def read_chat(source: Source, chat: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the chat of a document."""
    yield from _records(source, chat, _Requests(chat.get("requests")))


def read_log(source: Source) -> Iterator[Record]:
    """Yield the chat that a log of changes leads to."""
    chat: dict[str, Any] = {}
    requests = _Requests(None)
    for line in lines(source):
        if isinstance(line, Problem):
            yield line
            continue
        try:
            chat = _changed(chat, line.value)
            requests.follow(chat.get("requests"))
        except MALFORMED:
            yield Problem(line.place, "not a change of the shape that VS Code writes")
    yield from _records(source, chat, requests)


def _changed(chat: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chat after one change.  Raises one of MALFORMED for a change that does not fit it."""
    kind = change["kind"]
    if kind == 0:
        return dict(change["v"])
    *way, last = change["k"]
    place: Any = chat
    for step in way:
        place = place[step]
    if kind == _SET:
        if isinstance(place, list) and last == len(place):
            place.append(change.get("v"))
        else:
            place[last] = change.get("v")
    elif kind == _PUSH:
        _push(place, last, change)
    elif kind == _DELETE:
        place.pop(last, None) if isinstance(place, dict) else place.pop(last)
    else:
        raise ValueError("a change of no known kind")
    return chat


def _push(place: Any, last: Any, change: Mapping[str, Any]) -> None:
    """Cut a list off where the change says so, and lengthen it."""
    if isinstance(place, dict):
        place.setdefault(last, [])
    held = place[last]
    if change.get("i") is not None:
        del held[change["i"] :]
    held.extend(change.get("v") or ())


class _Requests:
    """The requests that ever were in a chat, each behind the one it followed, and those that are."""

    def __init__(self, requests: Any) -> None:
        self.seen: dict[str, Any] = {}
        self.parents: dict[str, str | None] = {}
        self.now: list[str] = []
        self.follow(requests)

    def follow(self, requests: Any) -> None:
        """Take the list as it is now in."""
        last, now = None, list[str]()
        for number, request in enumerate(build.listed(requests), 1):
            name = build.word(build.within(request, "requestId")) or f"request-{number}"
            self.parents.setdefault(name, last)
            self.seen[name] = request
            if not _is_withdrawn(request):
                now.append(name)
            last = name
        self.now = now


def _is_withdrawn(request: Any) -> bool:
    """Whether a user went back to before a request, so that the next one takes its place."""
    removed = build.mapping(request).get("shouldBeRemovedOnSend", build.mapping(request).get("isHidden"))
    return removed is True or (isinstance(removed, dict) and not removed.get("afterUndoStop"))


def _records(source: Source, chat: Mapping[str, Any], requests: _Requests) -> Iterator[Record]:
    drafts, problems = list[MessageDraft](), list[Problem]()
    ends: dict[str | None, str | None] = {None: None}
    used = Counter(requests.seen)
    for name, request in requests.seen.items():
        parent = ends[requests.parents[name]]
        try:
            made = _messages(name, request, parent, used)
        except MALFORMED:
            problems.append(Problem(f"request {len(ends)}", "not a request of the shape that VS Code writes"))
            made = []
        drafts += made
        ends[name] = made[-1].source_id if made else parent
    head = ends[requests.now[-1]] if requests.now else None
    yield _conversation(source, chat, drafts, head)
    yield from drafts
    yield from problems
    if silent := sum(map(_silent, requests.seen.values())):
        yield LeftOut("response items that only steer the display", silent)
    if isinstance(waiting := chat.get("pendingRequests"), list) and waiting:
        yield LeftOut("pendingRequests (not sent yet)", len(waiting))
    if isinstance(typed := chat.get("inputState"), dict) and typed.get("inputText"):
        yield LeftOut("inputState (typed and not sent)", 1)


def _silent(request: Any) -> int:
    kinds = [item.get("kind") for item in build.mappings(build.within(request, "response"))]
    return sum(isinstance(kind, str) and kind in SILENT for kind in kinds)


def _conversation(
    source: Source, chat: Mapping[str, Any], drafts: list[MessageDraft], head: str | None
) -> ConversationDraft:
    first = str(drafts[0].source_id) if drafts else source.stem
    told = {*_TOLD, "pendingRequests"}
    return ConversationDraft(
        source_id=build.word(chat.get("sessionId")) or f"chat-{first}",
        title=build.word(chat.get("customTitle")),
        created_at=instant(chat.get("creationDate")),
        updated_at=instant(chat.get("lastMessageDate")),
        model=build.last_model(drafts),
        project=_project(source),
        head=head,
        metadata=build.rest(chat, told),
    )


def _project(source: Source) -> str | None:
    """Return the folder that the workspace above the chats is of."""
    told = beside(source, "../workspace.json") if "chatSessions" in source.name else None
    place = (told.get("folder") or told.get("workspace")) if isinstance(told, dict) else None
    if not isinstance(place, str):
        return None
    return build.local_path(place) if place.startswith("file:") else unquote(place)


def _messages(name: str, request: Request, parent: str | None, used: Counter[str]) -> list[MessageDraft]:
    """Return a request's prompt and, where there is one, its response."""
    moment = instant(request.get("timestamp"))
    rest = build.rest(request, {*_REQUEST_TOLD, *_RESPONSE_FACTS, *_USAGE})
    text = _prompt(request["message"])
    files = list(_variables(request.get("variableData")))
    asked = build.message(
        "user",
        (build.text(text), *files),
        text,
        reason=_why_hidden(request),
        created_at=moment,
        source_id=name,
        parent=parent,
        metadata=rest,
    )
    reply = build.word(request.get("responseId")) or f"{name}-response"
    said = _response(name, request, moment)
    if said is not None:
        said = said._replace(source_id=ids.numbered(reply, used))
    return [asked] if said is None else [asked, said]


def _why_hidden(request: Request) -> str | None:
    """Return why a user did not see a prompt: VS Code made it, as when a command in its terminal has ended."""
    if request.get("isSystemInitiated") is True:
        return "system_initiated"
    is_hidden = request.get("hiddenFromTranscript") or request.get("requestHiddenFromTranscript")
    return _NOT_SHOWN if is_hidden else None


def _prompt(message: Any) -> str:
    text = message if isinstance(message, str) else message.get("text")
    if text is None:
        text = "".join(part["text"] for part in message["parts"])
    return build.string(text)


def _variables(data: Any) -> Iterator[Part]:
    """Yield the files, images and other things that were attached to a prompt."""
    for variable in build.within(data, "variables") or ():
        address, content = address_of(variable.get("value")), _bytes(variable.get("value"))
        if content is not None:
            rest = build.without(variable, ("value", "mimeType", *_BLOB))
            yield {**rest, **build.blob(variable.get("mimeType") or "image/png", content, name=variable.get("name"))}
        elif address is None:
            yield build.raw(variable.get("kind") or "variable", variable)
        else:
            yield build.file(address, variable.get("name"), kind=variable.get("kind"), range=_range(variable))


def _bytes(value: Any) -> str | None:
    """Return the bytes of an attached picture in base64: VS Code wrote them as that, and before as numbered ones."""
    if not isinstance(value, dict) or not value:
        return None
    if isinstance(value.get("$base64"), str):
        return str(value["$base64"])
    try:
        return b64encode(bytes(value[str(at)] for at in range(len(value)))).decode()
    except MALFORMED:
        return None


def _range(variable: Mapping[str, Any]) -> Any:
    return build.within(variable, "value", "range")


def _response(name: str, request: Request, asked: str | None) -> MessageDraft | None:
    facts = build.rest({key: request.get(key) for key in _RESPONSE_FACTS})
    parts = response_parts(request.get("response") or (), facts)
    usage, ended = _usage(request), build.within(request, "modelState", "completedAt")
    if not parts and not {"result", "isCanceled"} & facts.keys():
        return None
    if isinstance(agent := facts.get("agent"), dict):
        facts["agent"] = agent.get("id") or agent.get("name")
    facts.pop("usage", None)
    if usage:
        facts["usage"] = usage
    if request.get("hiddenFromTranscript"):
        facts["hidden_reason"] = _NOT_SHOWN
    return build.message(
        "assistant",
        parts,
        model=_model(request),
        created_at=instant(ended) or instant(request.get("responseTimestamp")) or asked,
        parent=name,
        metadata=facts,
    )


def _model(request: Request) -> str | None:
    """Return the model that answered: the one that was chosen, or that was chosen in its place."""
    name = build.word(request.get("modelId"))
    chosen = name.removeprefix("copilot/") if name else None
    return (build.word(_metadata(request).get("resolvedModel")) or chosen) if chosen == "auto" else chosen


def _metadata(request: Request) -> Mapping[str, Any]:
    return build.mapping(build.within(request, "result", "metadata"))


def _usage(request: Request) -> Any:
    """Return the tokens that a response took, wherever this version keeps them."""
    told = request.get("usage") or build.within(request, "result", "usage") or _metadata(request).get("usage")
    return told or build.rest({key: request.get(key) for key in _USAGE})
