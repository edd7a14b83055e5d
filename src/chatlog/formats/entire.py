"""Entire's own transcripts: ``transcript.jsonl``, any agent's session in one form, as its checkpoints hold it.

The lines name no session and, but for answers, no message; thoughts and models are not in them.  Beside the
agent's own ``full.jsonl``, which tells all that and more, they are a copy and not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from chatlog.formats import Head, build, ids
from chatlog.formats.build import Row
from chatlog.formats.claude_code_content import parts_of, shown
from chatlog.formats.jsonstream import Line, lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record, joined_text
from chatlog.timespec import instant

_ROLES = ("user", "assistant")
_NEEDED = frozenset(("v", "type", "content"))
_KEYS = _NEEDED | {"agent", "cli_version", "ts", "id", "input_tokens", "output_tokens"}
_WHOLE = "full.jsonl"
_CLAUDE_CODE = "claude-code"
#: How the text of a skill begins, which Claude Code adds in a human's name.
_SKILL = "Base directory for this skill:"
_TOKENS = ("input_tokens", "output_tokens")


def sniff(head: Head) -> bool:
    """Say whether this is a transcript of Entire's: nothing else has a version on every line beside its content."""
    first = next(iter(head.objects), None)
    if head.is_array or not head.keys <= _KEYS:
        return False
    if first is None:  # the first line is longer than what can be seen
        return {"v", "agent", "cli_version"} <= head.keys
    return head.keys >= _NEEDED and first.get("v") == 1 and first.get("type") in _ROLES


def read(source: Source) -> Iterator[Record]:
    """Yield the conversation and its messages in order, named by its beginning."""
    if source.sibling(_WHOLE) is not None:
        yield LeftOut(f"copy of the session in {_WHOLE}", 1)
        return
    transcript = _Transcript(source)
    yield from ids.announced(transcript.messages(), transcript.named)
    yield from build.left_out(dict(sorted(transcript.counts.items())))


class _Transcript:
    """The facts of a transcript, which stand on every line, and the ids that were used."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.facts: dict[str, Any] = {}
        self.begun: str | None = None
        self.used = set[str]()
        self.counts: Counter[str] = Counter()
        self.chain = ids.Chain()

    def named(self, opening: str) -> ConversationDraft:
        """Return the conversation, known by when and how it began."""
        name = f"{self.begun}-{opening[2:14]}" if self.begun else opening
        return ConversationDraft(source_id=name, created_at=self.begun, metadata=self.facts)

    def messages(self) -> Iterator[Record]:
        """Yield each message; a problem for a line that is none."""
        yield from read_each(
            _joined(lines(self.source)), self._records, "not a line of the shape that Entire writes", names_error=False
        )

    def _records(self, line: Line) -> Iterator[Record]:
        if line.value["type"] not in _ROLES:
            self.counts["lines that are no message"] += 1
            return
        made = self._message(line.value)
        if made.role == "user" and not made.text and made.parts is None:
            self.counts["prompts of which Entire kept no words"] += 1
        else:
            yield self.chain.link(made)

    def _message(self, row: Row) -> MessageDraft:
        parts = [part for block in _blocks(row.get("content")) for part in _parts(block)]
        text, reason = joined_text(parts), None
        moment = instant(row.get("ts"))
        if row["type"] == "user" and row.get("agent") == _CLAUDE_CODE:
            text, reason = (text, "meta") if text.startswith(_SKILL) else shown(text)
        if not self.used and self.begun is None:
            self.begun = moment
            self.facts = build.picked(row, ("agent", "cli_version"))
        return build.message(
            row["type"],
            parts,
            text,
            created_at=moment,
            source_id=self._id(row),
            metadata=build.compact(
                {"usage": build.picked(row, _TOKENS), "hidden_reason": reason, "promptId": _prompt_id(row)}
            ),
        )

    def _id(self, row: Row) -> str | None:
        """Return an answer's own id, None where it has none or another answer has it too."""
        name = build.word(row.get("id"))
        if name is None or name in self.used:
            return None
        self.used.add(name)
        return name


def _joined(entries: Iterable[Line | Problem]) -> Iterator[Line | Problem]:
    """Yield the lines with those of one answer as one: each call's has a line where results came between them."""
    held: Line | None = None
    for entry in entries:
        if held is not None:
            if isinstance(entry, Line) and _is_more(held.value, entry.value):
                held = replace(held, value=_together(held.value, entry.value))
                continue
            yield held
        held = entry if isinstance(entry, Line) else None
        if held is None:
            yield entry
    if held is not None:
        yield held


def _is_more(row: Any, after: Any) -> bool:
    both = isinstance(row, dict) and isinstance(after, dict) and isinstance(row.get("id"), str)
    return both and all(row.get(key) == after.get(key) for key in ("type", "id")) and row["id"] != ""


def _together(row: Row, after: Row) -> Row:
    """Return one line of two; each counts all that the answer had cost by then, so that the last counts."""
    content = _blocks(row.get("content")) + _blocks(after.get("content"))
    return {**row, "content": content, **build.picked(after, _TOKENS)}


def _blocks(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content] if isinstance(content, str) else []


def _prompt_id(row: Row) -> str | None:
    """Return the id of a prompt, which Entire keeps in its text; what was told with it has the same."""
    if row["type"] != "user":
        return None
    named = (block["id"] for block in _blocks(row.get("content")) if isinstance(block, dict) and "id" in block)
    return build.word(next(named, None))


def _parts(block: Any) -> list[Part]:
    """Return the parts of a block; a tool's answer, which stands in its call, follows that."""
    if not isinstance(block, dict) or block.get("type") != "tool_use":
        if isinstance(block, dict) and "type" not in block and isinstance(block.get("text"), str):
            return [build.text(block["text"])]  # a prompt's; its id is the message's
        return parts_of([block])
    result = block.get("result")
    made = parts_of([{key: fact for key, fact in block.items() if key != "result" or not isinstance(result, dict)}])
    if isinstance(result, dict):
        rest = build.without(result, ("output", "status"))
        failed = result.get("status") == "error"
        made.append(build.tool_result(block.get("id"), result.get("output"), is_error=failed, **rest))
    return made
