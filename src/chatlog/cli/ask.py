"""`chatlog ask`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import typer

from chatlog.asking import answers
from chatlog.cli.options import Conversation, number_of, one_of, verb
from chatlog.cli.session import Session
from chatlog.context import Context, Request, assemble
from chatlog.errors import CommandError
from chatlog.models import Message, MessageDraft
from chatlog.output import IDENTIFIED, to_json
from chatlog.records import message_record
from chatlog.store import Store
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
    line: Annotated[str, typer.Option("--with", metavar="COMMAND", help="What answers: context in, answer out.")],
    form: Annotated[
        str,
        typer.Option("--as", metavar="FORM", help=f"What it reads: {', '.join(FORMS)}.", autocompletion=one_of(*FORMS)),
    ] = "openai",
    budget: Annotated[int | None, typer.Option(metavar="N", min=1, help="The most tokens of the context.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that answers (the conversation's).")] = None,
    reserve: Annotated[int | None, typer.Option(metavar="N", min=0, help="Tokens left for the answer.")] = None,
) -> None:
    """Add a message, give the context to a command, print its answer as it comes, and keep it.

    An answer that breaks off is kept as far as it came, and marked.
    """
    session = Session.of(ctx)
    store = session.store()
    found = session.conversation(store, conversation)
    text = session.text(question, "the question")
    request = Request(
        budget=number_of(session, "budget", budget),
        model=model,
        reserve=reserve,
        form=form,
        embedder=session.embedder(),
    )
    assemble(store, found, replace(request, query=text))  # that it fits is known before it is added
    asked = store.add(found.id, [MessageDraft(role="user", text=text)])[0]
    context = assemble(store, store.get(found.id), request)
    session.output.advice(context.warnings)
    answer = _Answer(session, store, asked, model or found.model)
    answer.take(answers(line, _spelled(context)))


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
            raise
        finally:
            stored = self._keep(facts)
        if stored is None:
            raise CommandError("the command answered nothing", "the question is kept; ask again")
        if streams:
            self._print("" if self.pieces[-1].endswith("\n") else "\n")
        else:
            self.session.output.thing("message", message_record(stored), [], stored.ref)

    def _print(self, text: str) -> None:
        self.session.output.stream().write(text)
        self.session.output.flush()

    def _keep(self, facts: dict[str, Any]) -> Message | None:
        """Store what was said so far, if it is anything."""
        text = "".join(self.pieces).strip("\r\n")
        if not text.strip():
            return None
        draft = MessageDraft(role="assistant", text=text, model=self.model, parent=self.asked.seq, metadata=facts)
        return self.store.add(self.asked.conversation, [draft])[0]
