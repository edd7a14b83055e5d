"""What ``gemini --output-format stream-json`` prints: a run told as it went, words in pieces, calls and results apart.

A run is a conversation of its own, beside the session that Gemini CLI keeps of it; a file may hold several.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chatlog.formats import Head, build, ids
from chatlog.formats.build import Row
from chatlog.formats.jsonstream import lines
from chatlog.formats.records import read_each
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Record
from chatlog.timespec import instant

#: Keys that only lines of this stream have, by their type.
_SIGNS = {"init": {"session_id", "model", "timestamp"}, "tool_use": {"tool_name", "tool_id", "parameters"}}


def is_stream(head: Head) -> bool:
    """Say whether a source that begins like this was printed by a run."""
    rows = () if head.is_array else head.rows
    return any(isinstance(kind := row.get("type"), str) and _SIGNS.get(kind, {""}) <= row.keys() for row in rows)


def read(source: Source) -> Iterator[Record]:
    """Yield each run's conversation, its messages, and the conversation again with what the run used."""
    run = _Run(source.stem)
    yield from read_each(lines(source), lambda line: run.take(line.value), "not a line that Gemini CLI prints")
    yield from run.close()


@dataclass(slots=True)
class _Run:
    """What is remembered of a run as it streams by, and of those before it where messages go on from."""

    stem: str
    draft: ConversationDraft | None = None
    chain: ids.Chain = field(default_factory=ids.Chain)
    words: list[str] = field(default_factory=list)
    calls: list[Part] = field(default_factory=list)
    begun: str | None = None

    def take(self, row: Row) -> Iterator[Record]:
        """Yield the messages that a line completes, the conversation before the first."""
        kind, moment = row["type"], instant(row.get("timestamp"))
        name = f"{build.word(row.get('session_id')) or self.stem}-stream"
        if self.draft is None or (kind == "init" and name != self.draft.source_id):
            yield from self.close()
            self.draft = ConversationDraft(source_id=name, created_at=moment, model=build.word(row.get("model")))
            yield self.draft
        match row:
            case {"type": "message", "role": "assistant", "content": str(words)}:
                if self.calls:
                    yield from self._finished()
                self.begun = self.begun or moment
                self.words.append(words)
            case {"type": "tool_use"}:
                self.begun = self.begun or moment
                self.calls.append(build.tool_call(row["tool_id"], row["tool_name"], row.get("parameters")))
            case {"type": "message", "role": "user", "content": str(words)}:
                yield from self._finished()
                yield self._linked(MessageDraft(role="user", text=words, created_at=moment))
            case {"type": "tool_result"}:
                yield from self._finished()
                yield self._linked(MessageDraft(role="tool", parts=(_result(row),), created_at=moment))
            case {"type": "error", "message": str(words)}:
                yield from self._finished()
                facts = build.picked(row, ("severity",))
                made = build.message("assistant", words, reason="error", created_at=moment, metadata=facts)
                yield self._linked(made)
            case {"type": "result"}:
                yield from self._finished()
                usage = build.compact({"usage": row.get("stats"), "error": row.get("error")})
                self.draft = self.draft._replace(metadata=usage)
            case _ if kind != "init":
                raise ValueError("a line of no known kind")

    def _linked(self, made: MessageDraft) -> MessageDraft:
        """Return a message behind the last one of its run."""
        return self.chain.link(made._replace(conversation=self.draft.source_id if self.draft else None))

    def _finished(self) -> Iterator[Record]:
        """Yield the answer that is on its way, as far as it came."""
        parts = [build.text(words)] if (words := "".join(self.words)) else []
        parts += self.calls
        if parts:
            made = build.message(
                "assistant",
                parts,
                model=self.draft.model if self.draft else None,
                created_at=self.begun,
            )
            yield self._linked(made)
        self.words, self.calls, self.begun = [], [], None

    def close(self) -> Iterator[Record]:
        """Yield the last answer, and the conversation with what the run used."""
        yield from self._finished()
        if self.draft is not None:
            yield self.draft


def _result(row: Row) -> Part:
    failed = row.get("status") == "error"
    told, error = row.get("output"), row.get("error")
    if told is None and isinstance(error, dict):
        told = error.get("message", error)
    return build.tool_result(row["tool_id"], told, is_error=failed)
