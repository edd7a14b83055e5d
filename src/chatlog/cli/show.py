"""`chatlog show`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from shutil import get_terminal_size
from typing import Annotated, Any

import typer

from chatlog.cli.options import MOST, MessageRef, verb
from chatlog.cli.session import STDIN, Session
from chatlog.errors import UsageError
from chatlog.models import Conversation, Message, parse_ref
from chatlog.output import IDENTIFIED, counted, to_json
from chatlog.records import conversation_record, message_record
from chatlog.render import Look, heading
from chatlog.render import message as message_lines
from chatlog.store import Store

#: What chooses among all messages of a conversation.
_OF_ALL = ("-n", "--branch", "--all-branches")


@verb(
    "chatlog show @last",
    "chatlog show 7pvd3bgm:12 -C 3",
    "chatlog show 7pvd3bgm --format markdown > trip.md",
    "chatlog search backoff --format ids | chatlog show -",
    forms=(*IDENTIFIED, "markdown"),
)
def command(
    ctx: typer.Context,
    conversation: MessageRef,
    number: Annotated[int | None, typer.Option("-n", metavar="LAST", min=1, help="Only the last messages.")] = None,
    around: Annotated[int | None, typer.Option(metavar="SEQ", help="Only this message and its neighbours.")] = None,
    context: Annotated[int | None, typer.Option("-C", metavar="N", min=0, help="How many neighbours (3).")] = None,
    branch: Annotated[int | None, typer.Option(metavar="SEQ", help="The branch that ends at this message.")] = None,
    all_branches: Annotated[bool, typer.Option("--all-branches", help="Every message of the tree.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Tool calls, results and reasoning unfolded.")] = False,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Hidden messages too: injected context and the like.")
    ] = False,
    importance: Annotated[
        bool, typer.Option("--importance", help="What each message is worth once it is old, and why.")
    ] = False,
) -> None:
    """Show a conversation: its active path, or the branch and messages asked for.

    JSON always holds every message of the path, hidden ones marked; several ids on stdin make one document of items.
    """
    session = Session.of(ctx)
    options = {"--around": around, "-n": number, "--branch": branch, "--all-branches": all_branches or None}
    refs = _refs(session, conversation)
    _check(refs, options, context)
    store = session.store()
    chosen = []
    for ref in refs:  # all of them are looked up before anything is printed
        found, seq = session.message_ref(store, ref)
        if branch is not None:
            store.message(found.id, branch)
        wanted = _choose(store, found, around if around is not None else seq, context, whole=around is not None)
        chosen.append((found, wanted))
    number = None if number is None else min(number, MOST)
    view = _View(session, hidden=hidden, full=full, importance=importance)
    talks = (
        (
            found,
            store.messages(found.id, last=number, branch=branch, all_branches=all_branches)
            if wanted is None
            else wanted,
        )
        for found, wanted in chosen
    )
    with session.output.paged():
        view.show_all(talks, len(chosen))


def _refs(session: Session, conversation: str) -> list[str]:
    refs = session.read_text("ids").split() if conversation == STDIN else [conversation]
    if not refs:
        raise UsageError("there is no id on stdin", "one a line, as --format ids prints them")
    return refs


def _check(refs: Sequence[str], options: Mapping[str, int | None], context: int | None) -> None:
    """Raise UsageError for what chooses other messages than the rest, and for neighbours of no message.

    A message, by its ref or by --around, is the first of what may be chosen, and goes with nothing else.
    """
    for ref in refs:
        choices = {ref: parse_ref(ref)[1], **options}
        given = [name for name, value in choices.items() if value is not None]
        one = next((name for name in given if name not in _OF_ALL), None)
        if one is not None and len(given) > 1:
            raise UsageError(f"{one} and {given[1]} choose different messages", "leave out one or the other")
        if {"--branch", "--all-branches"} <= {*given}:
            raise UsageError("--branch is one branch, --all-branches all of them", "leave out one or the other")
        if one is None and context is not None:
            raise UsageError("-C is for the neighbours of a message", "name it: CONV:SEQ, or --around SEQ")


def _choose(
    store: Store, conversation: Conversation, seq: int | None, context: int | None, *, whole: bool
) -> list[Message] | None:
    """Return a message with its neighbours, None where no single one was asked for."""
    if seq is None:
        return None
    count = context if context is not None else 3 if whole else 0
    return store.around(conversation.id, seq, before=count, after=count)


class _View:
    """Writes conversations in the form that was asked for."""

    def __init__(self, session: Session, *, hidden: bool, full: bool, importance: bool) -> None:
        self.importance = importance
        self.output = session.output
        self.hidden = hidden
        self.look = Look(
            self.output.paint,
            color=self.output.color,
            zone=session.now().tzinfo,
            width=get_terminal_size().columns if self.output.is_terminal else None,
            folded=not full and self.output.is_terminal,
        )

    def show_all(self, talks: Iterable[tuple[Conversation, Iterable[Message]]], count: int) -> None:
        """Write conversations: as one JSON document, where there are several."""
        if self.output.format == "json" and count > 1:
            items = [self._talk(conversation, messages) for conversation, messages in talks]
            self.output.json({"items": items, "total": count, "next_cursor": None, "warnings": []})
            return
        for conversation, messages in talks:
            self.show(conversation, messages)

    def _talk(self, conversation: Conversation, messages: Iterable[Message]) -> dict[str, Any]:
        return {
            "conversation": conversation_record(conversation),
            "messages": [self._record(message) for message in messages],
        }

    def show(self, conversation: Conversation, messages: Iterable[Message]) -> None:
        """Write one conversation."""
        match self.output.format:
            case "json":
                self.output.json(self._talk(conversation, messages))
            case "jsonl":
                self.output.lines(to_json(self._record(message)) for message in messages)
            case "ids":
                self.output.lines(message.ref for message in messages)
            case "markdown":
                self._markdown(conversation, messages)
            case _:
                self.output.lines(self._lines(conversation, messages))

    def _record(self, message: Message) -> dict[str, Any]:
        """Return a message's machine form, with what it is worth where that was asked for."""
        record = message_record(message)
        if not self.importance:
            return record
        worth, reason = self._worth(message)
        return {**record, "importance": worth, "importance_reason": reason}

    def _worth(self, message: Message) -> tuple[str, str]:
        from chatlog.importance import importance_of

        return importance_of(message)

    def _lines(self, conversation: Conversation, messages: Iterable[Message]) -> Iterator[str]:
        yield from heading(conversation, self.look)
        left_out = 0
        for message in messages:
            if message.hidden and not self.hidden:
                left_out += 1
                continue
            yield from message_lines(message, self.look)
            if self.importance:
                worth, reason = self._worth(message)
                yield self.output.paint(f"[{worth}: {reason}]", "dim")
        yield ""
        if left_out:
            said = "is not shown; --hidden shows it" if left_out == 1 else "are not shown; --hidden shows them"
            self.output.hint(f"{counted(left_out, 'hidden message')} {said}")

    def _markdown(self, conversation: Conversation, messages: Iterable[Message]) -> None:
        from chatlog.formats import markdown

        markdown.write([(conversation, messages)], self.output.stream())
