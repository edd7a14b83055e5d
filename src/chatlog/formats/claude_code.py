"""Claude Code sessions: the JSONL files below ``~/.claude/projects`` and the web's ``{"loglines": […]}``.

Sorts the entries of a file into conversations (the session, its sub-agents), and counts what is
no message.  How a conversation is put together is `claude_code_lane`'s, what an entry says
`claude_code_content`'s; nothing here is kept of a file but ids.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from typing import Any

from chatlog.formats import MALFORMED, Head, build
from chatlog.formats.beside import beside
from chatlog.formats.claude_code_content import View, as_entry, attachment_view, entry_view, result_facts, system_view
from chatlog.formats.claude_code_lane import Drafts, Lane
from chatlog.formats.claude_code_links import Entry, copied
from chatlog.formats.claude_code_outputs import whole
from chatlog.formats.jsonstream import Line, is_json, items, lines
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, Problem, Record, TitleHint

_HOMES = ("~/.claude", "$CLAUDE_CONFIG_DIR", "~/.config/claude")
LOCATIONS = tuple(f"{at}/{files}" for at in _HOMES for files in ("projects/**/*.jsonl", "transcripts/*.jsonl"))
_MESSAGES = ("user", "assistant")
#: Keys that, together with a type, only entries of these files have.
_SIGNS = {
    "user": {"message"},
    "assistant": {"message"},
    "system": {"parentUuid", "sessionId"},
    "progress": {"parentUuid", "sessionId"},
    "attachment": {"attachment", "sessionId"},
    "summary": {"summary", "leafUuid"},
    "file-history-snapshot": {"messageId", "snapshot"},
    "file-history-delta": {"messageId", "sessionId"},
    "queue-operation": {"operation", "sessionId"},
    "custom-title": {"customTitle", "sessionId"},
    "ai-title": {"aiTitle", "sessionId"},
    "agent-name": {"agentName", "sessionId"},
    "last-prompt": {"lastPrompt", "sessionId"},
    "tag": {"tag", "sessionId"},
    "mode": {"mode", "sessionId"},
    "permission-mode": {"permissionMode", "sessionId"},
    "pr-link": {"prUrl", "sessionId"},
    "tool_use": {"tool_name", "tool_input"},
}
_IDS = {"uuid", "sessionId", "session_id"}
_TYPE = re.compile(r'"type"\s*:\s*"([a-z_-]+)"')
_AGENT_FILE = re.compile(
    r"(?:^|[/\\!])(?:(?P<session>[^/\\!]+)[/\\]subagents[/\\](?:.*[/\\])?)?agent-(?P<agent>[\w-]+)\.jsonl$"
)
_NAME = re.compile(r"[\w-]{1,40}")
_SPAWNING = ("Task", "Agent")
#: What an entry of each type tells of its session.
_FACTS = {
    "custom-title": "customTitle",
    "ai-title": "aiTitle",
    "summary": "summary",
    "agent-name": "agentName",
    "tag": "tag",
    "pr-link": "prUrl",
}


def sniff(head: Head) -> bool:
    """Say whether a source holds Claude Code entries, one a line, in an array or as the web's loglines."""
    if not head.is_json:
        return False
    return "loglines" in head.keys or any(map(_is_entry, head.objects[:50])) or _begins_like_entry(head)


def _is_entry(value: dict[str, Any]) -> bool:
    kind = str(value.get("type"))
    if not _has_signs(kind, value.keys()):
        return False
    return kind not in _MESSAGES or (isinstance(value["message"], dict) and "content" in value["message"])


def _has_signs(kind: str, keys: Set[str]) -> bool:
    return kind in _SIGNS and _SIGNS[kind] <= keys and (kind not in _MESSAGES or not _IDS.isdisjoint(keys))


def _begins_like_entry(head: Head) -> bool:
    """Whether a first entry too long for the head, or an array's first element, has the keys of one."""
    if head.objects and not head.is_array:
        return False
    if {"parentUuid", "isSidechain"} <= head.keys:
        return True
    return "type" in head.keys and any(_has_signs(kind, head.keys) for kind in _TYPE.findall(head.text))


def read(source: Source) -> Iterator[Record]:
    """Yield each conversation of a session file with its messages, then titles and counts."""
    session = _Session(source)
    for line in _entries(source):
        if isinstance(line, Problem):
            yield line
        else:
            yield from session.feed(line)
    yield from session.close()


def _entries(source: Source) -> Iterator[Line | Problem]:
    head = Head.of(source)
    if head.is_array and not _first_line_is_whole(head.text):
        return items(source)
    return items(source, "loglines") if "loglines" in head.keys else lines(source)


def _first_line_is_whole(text: str) -> bool:
    """Whether JSON text goes on behind a first line that is complete, as JSONL does and an array does not."""
    first, _, rest = text.partition("\n")
    return is_json(first) and rest.strip() != ""


class _Session:
    """The conversations of one file as they stream by, and the counts of everything else."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lanes: dict[tuple[str, str], Lane] = {}
        self.sidechains: dict[Any, Lane] = {}
        self.counts: Counter[str] = Counter()
        self.facts: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.summaries: list[tuple[str, str]] = []
        self.spawned: dict[str, str | None] = {}
        self.prompts: dict[str, str] = {}
        self.own_files: dict[str, bool] = {}
        self.agent_file = _AGENT_FILE.search(source.name)
        self.copied = copied(source)
        self.current = "" if source.name == "-" else source.stem

    def feed(self, line: Line) -> Iterable[Record]:
        """Take one entry in; return what is complete by it."""
        if not isinstance(line.value, dict):
            return (Problem(line.place, "not an object"),)
        entry = as_entry(line.value)
        handle = _HANDLERS.get(str(entry.get("type")), _Session.other)
        try:
            return handle(self, entry)
        except MALFORMED:
            return (Problem(line.place, "not an entry of the shape that Claude Code writes"),)

    def lane(self, entry: Entry) -> Lane:
        """Return the lane of an entry's conversation."""
        session = self.session_id(entry)
        if agent := self._agent(entry):
            return self._agent_lane(session, str(agent))
        if entry.get("isSidechain"):
            return self._sidechain(session, entry)
        lane = self.lanes.get((session, ""))
        return self._new(session, "", Lane(source_id=session)) if lane is None else lane

    def session_id(self, entry: Entry) -> str:
        """Return the session an entry belongs to, the one before where it names none."""
        session = entry.get("sessionId") or entry.get("session_id")
        if isinstance(session, str):
            self.current = session
        self.current = self.current or str(entry.get("uuid"))
        return self.current

    def _agent(self, entry: Entry) -> Any:
        """Return the id of the sub-agent an entry is of; in its own file not every entry says so."""
        if self.agent_file:
            return entry.get("agentId") or (self.agent_file["session"] and self.agent_file["agent"])
        return entry.get("agentId") if entry.get("isSidechain") else entry.get("parent_tool_use_id")

    def _new(self, session: str, name: str, lane: Lane) -> Lane:
        self.lanes[session, name] = lane
        return lane

    def _agent_lane(self, session: str, agent: str) -> Lane:
        lane = self.lanes.get((session, agent))
        if lane is not None:
            return lane
        name, above = f"agent-{agent}", session
        if session == name:
            above = self.agent_file["session"] if self.agent_file and self.agent_file["session"] else ""
        lane = Lane(
            source_id=f"{above}/{name}" if above else name,
            parent=above or None,
            above=self.lanes.get((above, "")),
            metadata={"agentId": agent},
        )
        return self._new(session, agent, lane)

    def _sidechain(self, session: str, entry: Entry) -> Lane:
        """Return the lane of a sub-agent that has no id of its own: it goes by its first entry's."""
        uuid, parent = entry.get("uuid"), entry.get("parentUuid")
        lane = self.sidechains.get(parent or uuid) or self.sidechains.get(uuid)
        if lane is None:
            name = f"sidechain-{uuid or len(self.lanes)}"
            above = self.lanes.get((session, ""))
            lane = self._new(session, name, Lane(source_id=f"{session}/{name}", parent=session, above=above))
        self.sidechains[uuid] = lane
        return lane

    def user(self, entry: Entry) -> Drafts:
        """Take a prompt, tool results, or something Claude Code wrote in the user's name."""
        content = entry["message"]["content"]
        lane = self.lane(entry)
        if self._is_repeat(lane, entry, content):
            return ()
        view = whole(entry_view(entry), entry, self.source)
        self._enter(lane, entry)
        self._note_result(entry, view)
        if view.text in self.prompts and lane.parent and lane.head is None:
            lane.metadata.setdefault("parentToolUseID", self.prompts[view.text])
        lane.add(entry, view)
        return lane.let_go()

    def assistant(self, entry: Entry) -> Drafts:
        """Take a model response, or one more entry of it."""
        content = entry["message"].get("content")
        lane = self.lane(entry)
        if self._is_repeat(lane, entry, content):
            return ()
        for block in build.listed(content):
            self._note_spawning(block)
        self._enter(lane, entry)
        return lane.add_response(entry)

    def _is_repeat(self, lane: Lane, entry: Entry, content: object) -> bool:
        if entry.get("uuid") in self.copied:
            self.counts["entries copied from the session above"] += 1
            return True
        repeated = lane.is_repeat(entry, content)
        self.counts["entries repeated under the same uuid"] += repeated
        return repeated

    def _enter(self, lane: Lane, entry: Entry) -> None:
        """Let a session that begins behind another's message follow that one."""
        uuid = entry.get("parentUuid") if lane.head is None and lane.parent is None else None
        if uuid and uuid not in lane.links.ids:
            above = next((other for other in self.lanes.values() if uuid in other.links.ids), None)
            if above is not None:
                lane.parent, lane.above = above.source_id, above

    def _note_result(self, entry: Entry, view: View) -> None:
        found = result_facts(entry)
        if found:
            calls = [part["id"] for part in view.parts or () if part["type"] == "tool_call_response"]
            self.spawned[str(found["agentId"])] = calls[0] if calls else None
        elif "toolUseResult" in entry:
            self.counts["toolUseResult (twin of the tool result)"] += 1

    def _note_spawning(self, block: Any) -> None:
        if isinstance(block, dict) and block.get("type") == "tool_use" and block.get("name") in _SPAWNING:
            prompt = build.within(block, "input", "prompt")
            if isinstance(prompt, str) and isinstance(block.get("id"), str):
                self.prompts[prompt] = block["id"]

    def system(self, entry: Entry) -> Drafts:
        """Take a note of Claude Code's own: words a person would miss become a hidden message."""
        view = system_view(entry)
        if view is None:
            return self._leave_out(f"system: {build.kind_name(entry.get('subtype'))}", entry)
        return self._take(entry, view, entry["content"])

    def attachment(self, entry: Entry) -> Drafts:
        """Take what came with a prompt: queued words and files are messages, injected context is not."""
        attachment = entry["attachment"]
        view = attachment_view(attachment)
        if view is None:
            return self._leave_out(f"attachment: {build.kind_name(attachment.get('type'))}", entry)
        return self._take({"origin": attachment.get("origin"), **entry}, view, view.text)

    def _take(self, entry: Entry, view: View, content: object) -> Drafts:
        lane = self.lane(entry)
        if self._is_repeat(lane, entry, content):
            return ()
        self._enter(lane, entry)
        lane.add(entry, view)
        return lane.let_go()

    def progress(self, entry: Entry) -> Drafts:
        """Take a progress report; a sub-agent's holds its messages, which may have a file of their own."""
        data = entry["data"]
        message, agent = data.get("message"), data.get("agentId")
        self.lane(entry).links.pass_over(entry)
        if not agent or not isinstance(message, dict) or message.get("type") not in _MESSAGES:
            self.counts[f"progress: {build.kind_name(data.get('type'))}"] += 1
        elif self._has_own_file(self.session_id(entry), str(agent)):
            self.counts["progress: agent_progress (in the sub-agent's own file)"] += 1
        else:
            place = {key: entry.get(key) for key in ("sessionId", "cwd", "version", "gitBranch")}
            inner = {**place, **message, "agentId": agent, "isSidechain": True}
            self.lane(inner).metadata.setdefault("parentToolUseID", entry.get("parentToolUseID"))
            return self.user(inner) if message["type"] == "user" else self.assistant(inner)
        return ()

    def _has_own_file(self, session: str, agent: str) -> bool:
        if agent not in self.own_files:
            names = [f"agent-{agent}.jsonl"]
            names += [f"{folder}/subagents/agent-{agent}.jsonl" for folder in (session, self.source.stem)]
            safe = all(_NAME.fullmatch(name) for name in (session, agent))
            self.own_files[agent] = safe and any(self.source.sibling(name) for name in names)
        return self.own_files[agent]

    def queue_operation(self, entry: Entry) -> Drafts:
        """Take a step of the queue of words typed while the model was busy."""
        lane = self.lane(entry)
        operation = entry.get("operation")
        if operation == "enqueue" and entry.get("content"):
            lane.queue_up(entry)
        else:
            self.counts["queue-operation"] += 1
            if operation == "remove":
                lane.hand_over(entry)
        return ()

    def summary(self, entry: Entry) -> Drafts:
        """Take a title for the session that holds the leaf, most often in another file; without one for this."""
        if "leafUuid" not in entry:
            return self.fact(entry)
        if title := build.word(entry["summary"]):
            self.summaries.append((str(entry["leafUuid"]), title))
        return ()

    def fact(self, entry: Entry) -> Drafts:
        """Take a title, name or tag of the session, of which the last counts, or one of its pull requests."""
        kind = str(entry["type"])
        facts, told = self.facts[self.session_id(entry)], build.word(entry[_FACTS[kind]])
        if kind == "pr-link":
            facts.setdefault(kind, {})[told] = None
        else:
            facts[kind] = told
        return ()

    def other(self, entry: Entry) -> Drafts:
        """Pass over an entry that is no message."""
        kind = build.kind_name(entry.get("type"))
        return self._leave_out("entries of no known type" if kind == "unknown" else kind, entry)

    def _leave_out(self, what: str, entry: Entry) -> Drafts:
        self.counts[what] += 1
        if entry.get("uuid"):
            self.lane(entry).pass_over(entry)
        return ()

    def close(self) -> Iterator[Record]:
        """Yield the rest: what is held back, the completed conversations, titles and counts."""
        for (session, name), lane in self.lanes.items():
            yield from lane.close()
            self.counts["queue-operation"] += lane.repeated_words
            if lane.opened:
                yield self._completed(session, name, lane)
        yield from self._hints()
        other = (facts for session, facts in self.facts.items() if (session, "") not in self.lanes)
        self.counts["titles, names and tags of sessions without messages"] = sum(map(len, other))
        yield from build.left_out(dict(sorted(self.counts.items())))

    def _completed(self, session: str, name: str, lane: Lane) -> ConversationDraft:
        draft = lane.conversation()
        if name:
            return self._completed_agent(name, draft)
        facts = self.facts[session]
        known = {"agentName": facts.get("agent-name"), "prUrls": list(filter(None, facts.get("pr-link", ())))}
        return draft._replace(
            title=facts.get("custom-title") or facts.get("ai-title") or facts.get("summary"),
            tags=tuple(filter(None, [facts.get("tag")])),
            metadata={**draft.metadata, **build.compact(known)},
        )

    def _completed_agent(self, agent: str, draft: ConversationDraft) -> ConversationDraft:
        metadata = {**draft.metadata, **(about := self._about(agent))}
        metadata["parentToolUseID"] = self.spawned.get(agent) or metadata.get("parentToolUseID")
        return draft._replace(title=build.word(about.get("description")), metadata=build.compact(metadata))

    def _about(self, agent: str) -> dict[str, Any]:
        """Return what the file beside a sub-agent's own says of it."""
        is_named = self.agent_file is not None and _NAME.fullmatch(agent) is not None
        return build.mapping(beside(self.source, f"agent-{agent}.meta.json") if is_named else None)

    def _hints(self) -> Iterator[TitleHint]:
        for leaf, title in self.summaries:
            lane = next((lane for lane in self.lanes.values() if leaf in lane.links.ids), None)
            self.counts["summary (of a session in another file)"] += lane is None
            facts = self.facts[lane.source_id] if lane else {}
            if facts.get("custom-title") or facts.get("ai-title"):
                self.counts["summary (the session has a title)"] += 1
            else:
                yield TitleHint((lane.links.ids[leaf] if lane else None) or leaf, title)


_HANDLERS: dict[str, Callable[[_Session, Entry], Drafts]] = {
    "user": _Session.user,
    "assistant": _Session.assistant,
    "system": _Session.system,
    "attachment": _Session.attachment,
    "progress": _Session.progress,
    "queue-operation": _Session.queue_operation,
    "summary": _Session.summary,
    **dict.fromkeys(("custom-title", "ai-title", "agent-name", "tag", "pr-link"), _Session.fact),
}
