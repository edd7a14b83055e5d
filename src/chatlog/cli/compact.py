"""`chatlog compact`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import typer

from chatlog.cli.options import Conversations, budget_of, verb
from chatlog.cli.session import Session
from chatlog.compaction import Compaction, Options, Plan
from chatlog.errors import ChatlogError, PartlyDoneError, UsageError
from chatlog.export import select
from chatlog.levels import window_for
from chatlog.models import Conversation, Filters
from chatlog.output import FORMATS, ID, Column, Listing, counted


@verb(
    "chatlog compact --due",
    "chatlog compact @last --dry-run",
    "chatlog compact 7pvd3bgm --summarizer 'ollama run llama3.2 \"$CHATLOG_PROMPT\"'",
    "chatlog compact --tag work --summarizer http://localhost:11434/v1#llama3.2",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    conversations: Conversations = None,
    due: Annotated[bool, typer.Option("--due", help="Only those that fill 60 % of their window.")] = False,
    how: Annotated[
        str | None,
        typer.Option("--summarizer", metavar="NAME|COMMAND", help="extractive, a command, or http://…/v1#model."),
    ] = None,
    budget: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The window in tokens (as in context).")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Exchanges that stay verbatim (8 to 15).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be summarised.")] = False,
) -> None:
    """Summarise the oldest turns of conversations; the messages stay as they are.

    The command gets the transcript on stdin and what is wanted in $CHATLOG_PROMPT, and prints the summary.
    """
    session = Session.of(ctx)
    filters = session.filters()
    if not conversations and not due and filters == Filters():
        raise UsageError("say which conversations", "ids, filters, or --due for all that are due")
    store = session.store()
    chosen = session.named(store, conversations) if conversations else select(store, filters)
    work = session.compaction(store, how)
    _report(session, _compacted(session, work, chosen, _Asked(budget_of(session, budget), due, keep, dry_run)))


class _Asked(NamedTuple):
    """What was asked of all conversations alike."""

    budget: int | None
    due: bool
    keep: int | None
    dry_run: bool

    def options(self, conversation: Conversation) -> Options:
        return Options(window=window_for(conversation.model, self.budget), due=self.due, keep=self.keep)


def _compacted(
    session: Session, work: Compaction, chosen: Iterable[Conversation], asked: _Asked
) -> Iterator[dict[str, Any]]:
    """Yield what was done with each conversation; those that are not due are left out."""
    failed = 0
    first: ChatlogError | None = None
    for conversation in chosen:
        options = asked.options(conversation)
        plan = work.plan(conversation, options)
        if plan.reason and asked.due:
            continue
        try:
            yield _done(work, plan, options, dry_run=asked.dry_run)
        except ChatlogError as error:
            failed, first = failed + 1, first or error
            yield {**plan.record(), "dry_run": asked.dry_run, "summaries": [], "reason": error.message}
            session.output.warning(f"{conversation.id}: {error.message}")
    if first is not None:
        some = f"{counted(failed, 'conversation')} {'was' if failed == 1 else 'were'}"
        raise PartlyDoneError(f"{some} not summarised: {first.message}", first.hint)


def _done(work: Compaction, plan: Plan, options: Options, *, dry_run: bool) -> dict[str, Any]:
    stored = [] if dry_run or plan.reason else work.apply(plan, options)
    summaries = [
        {"id": made.id, "kind": made.kind, "from_seq": made.from_seq, "to_seq": made.to_seq, "tokens": made.tokens}
        for made in stored
    ]
    return {**plan.record(), "dry_run": dry_run, "summaries": summaries}


def _report(session: Session, items: Iterator[dict[str, Any]]) -> None:
    """Print what was done, and end with the error where something failed."""
    done: list[dict[str, Any]] = []
    failure: ChatlogError | None = None
    try:
        with session.output.progress("summarising"):
            done.extend(items)
    except PartlyDoneError as error:
        failure = error
    session.output.listing(Listing(items=done, columns=_COLUMNS, identify="id", total=len(done)))
    if failure is not None:
        raise failure


def _span(record: Mapping[str, Any]) -> str:
    return f"{record['from_seq']}–{record['to_seq']}" if record["from_seq"] else "–"


def _note(record: Mapping[str, Any]) -> str:
    return str(record["reason"] or ("would be summarised" if record["dry_run"] else ""))


_COLUMNS = (
    ID,
    Column("level"),
    Column("turns", _span),
    Column("messages", right=True),
    Column("summaries", lambda record: str(len(record["summaries"])), right=True),
    Column("note", _note, wide=True),
)
