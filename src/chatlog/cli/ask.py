"""`chatlog ask`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import typer

from chatlog.asking import answers
from chatlog.cli.endings import told_to_end
from chatlog.cli.options import Conversation, budget_of, one_of, verb
from chatlog.cli.session import Session
from chatlog.context import Context, Request, assemble
from chatlog.errors import CommandError, UsageError
from chatlog.models import Conversation as Talk
from chatlog.models import Message, MessageDraft
from chatlog.output import IDENTIFIED, to_json
from chatlog.records import message_record
from chatlog.store import Store
from chatlog.terminal import is_detached
from chatlog.wireforms import FORMS


@verb(
    "chatlog ask @last \"Where were we?\" --with 'llm -m gpt-5-mini' --as text",
    "git diff | chatlog ask 7pvd3bgm - --with ./reply.sh",
    "chatlog ask @last 'And now?' --with './chat.py' --budget 8000 --model gpt-5",
    forms=IDENTIFIED,
)
def command(
    ctx: typer.Context,
    conversation: Conversation,
    question: Annotated[str, typer.Argument(metavar="TEXT|-", help="The new message.")],
    line: Annotated[
        str, typer.Option("--with", metavar="COMMAND", help="The command that answers: context in, answer out.")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--as", metavar="FORM", help=f"The form it reads: {', '.join(FORMS)}.", autocompletion=one_of(*FORMS)
        ),
    ] = "openai",
    budget: Annotated[int | None, typer.Option(metavar="N", min=1, help="The most tokens of the context.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that answers (the conversation's).")] = None,
    reserve: Annotated[int | None, typer.Option(metavar="N", min=0, help="Tokens left for the answer.")] = None,
) -> None:
    """Add a message, give the context to a command, print its answer as it comes, and keep it.

    An answer that breaks off is kept as far as it came, and marked; a question that already waits is not added again.
    """
    session = Session.of(ctx)
    store = session.store()
    found = session.ending(store, conversation)
    text = session.text(question, "the question")
    if not text.strip():
        raise UsageError("the question is blank", "write it, or - to read it from stdin")
    if not line.strip():
        raise UsageError("--with is blank: say which command answers", "--with 'llm -m gpt-5-mini' --as text")
    request = Request(
        budget=budget_of(session, budget),
        model=model,
        reserve=reserve,
        form=form,
        embedder=session.embedder(),
    )
    assemble(store, found, replace(request, query=text))  # that it fits is known before it is added
    asked = _waiting(store, found, text) or store.add(found.id, [MessageDraft(role="user", text=text)])[0]
    context = assemble(store, store.get(found.id), request)
    session.output.advice(context.warnings)
    answer = _Answer(session, store, asked, model or found.model)
    with told_to_end():  # what was said so far is kept
        answer.take(answers(line, _spelled(context), apart=is_detached()))


def _waiting(store: Store, found: Talk, text: str) -> Message | None:
    """Return the question where it is there and nothing came after it: asked again, it is the same one."""
    last = store.windows.asked(found.id, 1 << 62)
    return last if last is not None and (last.seq, last.text) == (found.head, text) else None


def _spelled(context: Context) -> bytes:
    wire = context.wire
    return (wire if isinstance(wire, str) else to_json(wire)).encode() + b"\n"


class _Answer:
    """An answer on its way: printed as it comes, kept at its end, however it ends."""

    def __init__(self, session: Session, store: Store, asked: Message, model: str | None) -> None:
        self.session = session
        self.store = store
        self.asked = asked
        self.model = model
        self.pieces: list[str] = []

    def take(self, pieces: Iterator[str]) -> None:
        """Print and keep an answer.  Raises CommandError where the command failed or said nothing."""
        streams = self.session.output.format in ("text", "table")
        facts: dict[str, Any] = {"interrupted": True}
        try:
            for piece in pieces:
                self.pieces.append(piece)
                if streams:
                    self._print(piece)
            facts = {}
        except CommandError as error:
            facts["reason"] = error.message
            if streams and self.pieces:
                self._end_line()
            raise
        finally:
            stored = self._keep(facts)
        if stored is None:
            raise CommandError("the command answered nothing", "the question is kept; ask again")
        if streams:
            self._end_line()
        else:
            self.session.output.thing("message", message_record(stored), [], stored.ref)

    def _print(self, text: str) -> None:
        self.session.output.stream().write(text)
        self.session.output.flush()

    def _end_line(self) -> None:
        self._print("" if self.pieces[-1].endswith("\n") else "\n")

    def _keep(self, facts: dict[str, Any]) -> Message | None:
        """Store what was said so far, if it is anything."""
        text = "".join(self.pieces).strip("\r\n")
        if not text.strip():
            return None
        name, seq = self.asked.conversation, self.asked.seq
        # behind what was said meanwhile, for beside that it would hide it; unless the question stands there no more
        parent = None if self.store.windows.active(name, [seq]) else seq
        draft = MessageDraft(role="assistant", text=text, model=self.model, parent=parent, metadata=facts)
        return self.store.add(name, [draft])[0]
