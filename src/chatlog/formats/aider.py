"""aider's chat history: the sessions of ``.aider.chat.history.md``, one file in each project's folder.

Makes messages of what was typed, what aider said of itself (kept, hidden) and what the model answered.
Which line is whose is `aider_blocks`' matter; the histories of inputs and of raw requests are not read.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatlog import tagged
from chatlog.formats import Head, build, ids
from chatlog.formats.aider_blocks import HEADER, Block, Blocks
from chatlog.formats.jsonstream import encoding_of
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Part, Record
from chatlog.timespec import instant
from chatlog.titles import title_from

#: aider writes beside the code: the folders that people keep projects in are looked through.
LOCATIONS: tuple[str, ...] = (
    "~/.aider.chat.history.md",
    "~/*/.aider.chat.history.md",
    "~/*/*/.aider.chat.history.md",
    "$AIDER_CHAT_HISTORY_FILE",
)

_NAME = ".aider.chat.history.md"
_WRITTEN = re.compile(r"^(?:> |#### ).*  \r?$", re.MULTILINE)
_BEGUN = re.compile(HEADER.pattern.removesuffix("$") + r"\r?\n\s*(?:> |#### |# aider chat started|\Z)", re.MULTILINE)
_MODEL = re.compile(r"^(?:Main model|Models?): (.+?)(?: with | using |, |$)", re.MULTILINE)
_TOKENS = re.compile(r"^Tokens: .*received.*$", re.MULTILINE)
_COUNT = re.compile(r"(?<![\d.,])([\d.,]{1,20})([kM]?) (sent|received|cache write|cache hit)")
_COST = re.compile(r"\$([\d.]{1,20}) (message|request|session)")
_SIZES = {"": 1, "k": 1000, "M": 1_000_000}
#: What a model thought, before its answer: aider's own tag for it, or the one that some models use themselves.
_THOUGHT = re.compile(r"<(thinking-content-[0-9a-f]{32}|think)(?=>)")
_COMMAND = re.compile(r"[/!]\S*")
#: Commands whose rest is a prompt.
_ASKING = ("/ask", "/code", "/architect", "/help", "/context")
_HIDDEN = "aider_output"
#: What aider writes for an input of nothing.
_BLANK = "<blank>"


def sniff(head: Head) -> bool:
    """Say whether a source that begins like this is a chat history of aider."""
    if head.is_binary or head.is_json:
        return False
    if _BEGUN.search(head.text):
        return True
    return head.name.endswith(_NAME) and _WRITTEN.search(head.text) is not None


def read(source: Source) -> Iterator[Record]:
    """Yield each session's conversation, its messages, and the conversation again with what they told."""
    path = source.path
    project = str(path.absolute().parent) if path is not None and path.name == _NAME else None
    encoding = encoding_of(source.head(4))
    with source.open() as stream, io.TextIOWrapper(stream, encoding, errors="replace", newline="\n") as text:
        session: _Session | None = None
        seen: Counter[str] = Counter()
        for block in Blocks(text):
            if block.kind == "session" or session is None:
                yield from session.close() if session else ()
                session = _Session(block, project, seen)
            yield from session.take(block)
        yield from session.close() if session else ()


@dataclass(slots=True)
class _Session:
    """A session while it is read: from `first`, the block it began with.

    It is known by its name only with the first prompt: its messages are held until then, and an
    answer until the tokens that aider counts behind it are known.
    """

    first: Block
    project: str | None
    seen: Counter[str]
    begun: ids.Opening = field(default_factory=ids.Opening)
    draft: ConversationDraft | None = None
    count: int = 0
    model: str | None = None
    title: str | None = None
    answer: MessageDraft | None = None
    known: dict[str, Any] = field(default_factory=dict)

    def take(self, block: Block) -> Iterator[Record]:
        """Yield what is complete by the next block."""
        if block.kind == "session":
            return
        if block.kind == "tool":
            self._learn(block.text)
        yield from self._release()
        message = self._message(block)
        if block.kind == "assistant":
            self.answer = message
        else:
            yield from self._placed(message)

    def _release(self) -> Iterator[Record]:
        if self.answer is not None:
            answer, self.answer = self.answer, None
            yield from self._placed(answer)

    def _placed(self, message: MessageDraft) -> Iterator[Record]:
        if self.draft is not None:
            yield message
            return
        self.begun.hold(message)
        if self.begun.is_over:
            yield from self._opened()

    def _opened(self) -> Iterator[Record]:
        self.draft = self._named()
        yield self.draft
        yield from self.begun.held

    def _named(self) -> ConversationDraft:
        """Return the conversation, named after when it began and what was said through the first prompt."""
        stamp = self.first.text if self.first.kind == "session" else ""
        mark = ids.digest(self.first.mark)
        if any(map(ids.is_prompt, self.begun.held)):
            mark = ids.opening_id(self.begun.held)[2:]
        name = f"{stamp.replace(' ', 'T')}-{mark[:12]}" if stamp else f"h-{mark[:32]}"
        return ConversationDraft(
            source_id=ids.numbered(name, self.seen),
            created_at=instant(stamp) if stamp else None,
            project=self.project,
            metadata={"started": stamp, "time_zone": "unknown"} if stamp else {},
        )

    def _learn(self, output: str) -> None:
        """Take the model and the tokens from what aider says."""
        if models := _MODEL.findall(output):
            self.model = models[-1].strip()
        if self.answer is not None and (counted := _TOKENS.search(output)):
            self.answer = self.answer._replace(metadata={"usage": _usage(counted[0])})

    def _message(self, block: Block) -> MessageDraft:
        self.count += 1
        facts: dict[str, Any] = {}
        if block.kind == "tool":
            facts = {"hidden_reason": _HIDDEN}
        elif block.kind == "user":
            facts = self._command(block.text)
        text, parts = _answered(block.text) if block.kind == "assistant" else (block.text, None)
        return MessageDraft(
            role=block.kind,
            text=text,
            parts=parts,
            author="aider" if block.kind == "tool" else None,
            model=self.model if block.kind == "assistant" else None,
            source_id=str(self.count),
            parent=str(self.count - 1) if self.count > 1 else None,
            hidden=block.kind == "tool",
            metadata=facts,
        )

    def _command(self, text: str) -> dict[str, Any]:
        """Return which command an input is; the first that asks something gives the session its title."""
        match = _COMMAND.match(text)
        command = match[0] if match else None
        if self.title is None and text != _BLANK and (command is None or command in _ASKING):
            self.title = title_from(text[len(command or "") :])
        return {"command": command} if command else {}

    def close(self) -> Iterator[Record]:
        """Yield the last answer, and the conversation with its title and model."""
        yield from self._release()
        if self.draft is None:
            yield from self._opened()
        if self.draft is not None and (self.title or self.model):
            yield self.draft._replace(title=self.title, model=self.model)


def _answered(text: str) -> tuple[str, tuple[Part, ...] | None]:
    """Return an answer's words, and its parts where it begins with what the model thought."""
    if not _THOUGHT.match(text):
        return text, None
    pieces = tagged.split(text, _THOUGHT, cut_off=True)
    return build.said(
        [
            build.text(piece.strip("\n")) if isinstance(piece, str) else build.reasoning(piece.inner.strip())
            for piece in pieces
            if not isinstance(piece, str) or piece.strip()
        ]
    )


def _usage(line: str) -> dict[str, Any]:
    """Return the tokens and dollars of a line such as ``Tokens: 3.2k sent, 21 received. Cost: $0.01 message``."""
    usage: dict[str, Any] = {}
    for number, size, what in _COUNT.findall(line):
        usage[what.replace(" ", "_")] = round(_number(number) * _SIZES[size])
    for number, what in _COST.findall(line):
        usage[f"{what}_cost"] = _number(number)
    return usage


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "").rstrip("."))
    except ValueError:
        return 0.0
