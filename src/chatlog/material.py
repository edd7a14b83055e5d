"""What a context may be chosen from: a conversation's end, what stands above it, and how to look further.

A value that the store's side makes and the choosing side reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from chatlog.models import Message
from chatlog.store.summaries import Summary
from chatlog.store.window import Counted, Remembered


class Pause(NamedTuple):
    """A gap in a conversation: which message was first after it, and what is said of what was before."""

    after: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Material:
    """What may be chosen from.

    `tail` are the newest messages in order, back to where the summary ends or further than the budget reaches;
    `is_whole` says that nothing is left between.  `asked` is the user's last message before the tail: what a run of
    tools at its beginning still works on.  Prompts above `first_asked`, the conversation's first user's message, are
    at its head.  `memories` and `hits` are asked only where there is room, best first; `hits` for what was said before
    the message of a number.
    """

    conversation: str
    tail: Sequence[Counted]
    is_whole: bool
    total: int
    system: Sequence[Message] = ()
    first_asked: int | None = None
    kept: Sequence[Message] = ()
    summaries: Sequence[Summary] = ()
    asked: Message | None = None
    pause: Pause | None = None
    query: str | None = None
    memories: Callable[[str], Sequence[Remembered]] = field(default=lambda _: ())
    hits: Callable[[str, int | None], Sequence[Message]] = field(default=lambda *_: ())

    @cached_property
    def turns(self) -> list[Counted]:
        """The tail without system prompts."""
        return [turn for turn in self.tail if turn.message.role not in ("system", "developer")]

    @cached_property
    def pending(self) -> list[Message]:
        """The message that waits for an answer: the user's at the end, unless there is another question.

        What the user said right before it is a recent turn: a history of one speaker is no single question.
        """
        said = self._last_words
        asked = (self.query or "").strip()
        if not asked:
            return said[-1:]
        return next((said[at:] for at, message in enumerate(said) if message.text.strip() == asked), [])

    @cached_property
    def earlier(self) -> list[Counted]:
        """The turns before those that wait for an answer."""
        pending = {message.seq for message in self.pending}
        return [turn for turn in self.turns if turn.message.seq not in pending]

    @cached_property
    def _last_words(self) -> list[Message]:
        """The user's messages at the end."""
        found: list[Message] = []
        for turn in reversed(self.turns):
            if turn.message.hidden:
                continue
            if turn.message.role != "user":
                break
            found.insert(0, turn.message)
        return found

    @property
    def is_at_work(self) -> bool:
        """Whether the last message is no question: tools put something out, and the model goes on."""
        return not (self.pending or self.is_asked)

    @cached_property
    def new_query(self) -> str | None:
        """The question, unless it is what waits for an answer already."""
        return self.query if self.is_asked and not self.pending else None

    @property
    def is_asked(self) -> bool:
        """Whether there is a question of its own, and not only what was said last."""
        return bool((self.query or "").strip())

    @cached_property
    def remembered(self) -> Sequence[Remembered]:
        """The memories that the question finds, best first."""
        return self.memories(self.question)

    @cached_property
    def question(self) -> str:
        """What earlier turns are looked for by: the query, or the user's last words."""
        asked = (self.query or "").strip()
        visible = (turn.message for turn in reversed(self.turns) if not turn.message.hidden)
        said = next((message for message in visible if message.role == "user"), self.asked)
        return asked or (said.text if said else "")
