"""Conversations as web pages: each complete in itself, quiet in what it loads and runs.

`write` makes one page of conversations, `Site` a folder of pages with an index that can be searched.
It only writes; what a page may hold is `text`'s matter, the frame and its security policy `page`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, TYPE_CHECKING

from chatlog.formats.webpage import page
from chatlog.formats.webpage.branches import Tree, tree
from chatlog.formats.webpage.message import Speaker
from chatlog.formats.webpage.text import harmless
from chatlog.models import Conversation, Message

if TYPE_CHECKING:
    from chatlog.formats import Transcript


def write(transcripts: Iterable[Transcript], out: IO[str], home: str | None = None) -> None:
    """Write a page of conversations; `home` is the page it leads back to."""
    remaining = iter(transcripts)
    first = list(_taken(remaining, 2))
    title = page.title_of(first[0][0]) if len(first) == 1 else "Conversations"
    out.write(harmless(page.opening(title, "talk", home)))
    for number, (conversation, messages) in enumerate(chain(first, remaining)):
        for piece in _conversation(conversation, messages, f"c{number + 1}-" if number else ""):
            out.write(harmless(piece))
    out.write(page.closing("talk"))


def _taken(transcripts: Iterator[Transcript], count: int) -> Iterator[Transcript]:
    for transcript in transcripts:
        yield transcript
        count -= 1
        if count == 0:
            return


def _conversation(conversation: Conversation, messages: Iterable[Message], prefix: str) -> Iterator[str]:
    """Yield a conversation piece by piece: its path, and the versions that were left where they part from it."""
    if iter(messages) is messages:  # it can be gone through once only
        messages = list(messages)
    found = tree({message.seq: message.parent for message in messages}, conversation.head)
    speaker = Speaker(conversation, prefix)
    versions = _Versions(speaker, found, messages)
    yield page.heading(conversation)
    before: int | None = None
    for message in messages:
        if message.seq not in found.path:
            continue
        yield from versions.after(before)
        if not message.hidden:
            yield speaker.article(message)
        before = message.seq
    yield from versions.after(before)
    yield page.ending()


class _Versions:
    """The threads beside a conversation's path; nothing is held where there are none."""

    def __init__(self, speaker: Speaker, found: Tree, messages: Iterable[Message]) -> None:
        self.tree = found
        self.speaker = speaker
        self.held: dict[int, Message] = {}
        if found.others:
            self.held = {message.seq: message for message in messages if message.seq not in found.path}

    def after(self, seq: int | None) -> Iterator[str]:
        """Yield the versions that went on from a message, or began beside the first one."""
        starts = [start for start in self.tree.others.get(seq, ()) if start in self.held]
        for number, start in enumerate(starts, 1):
            yield from self._thread(start, f"Another version{f' ({number})' if len(starts) > 1 else ''}")

    def _thread(self, start: int, label: str) -> Iterator[str]:
        thread = list(self.tree.thread(start))
        shown = sum(not self.held[seq].hidden for seq, _ in thread)
        if not shown:
            return
        yield page.version(label, shown)
        for seq, answers in thread:
            message = self.held.pop(seq)
            if not message.hidden:
                yield self.speaker.article(message, answers)
        yield "</details>\n"
