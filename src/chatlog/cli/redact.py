"""`chatlog redact`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli import plans
from chatlog.cli.options import Conversations, Yes, verb
from chatlog.cli.session import Session
from chatlog.errors import CheckFailedError, UsageError
from chatlog.export import select
from chatlog.models import Conversation, Filters
from chatlog.output import FORMATS, ID, Column, Output, counted, text_of
from chatlog.redacting import Plan, apply, finish, plan, unfinished
from chatlog.redaction import in_words
from chatlog.store import Store

COLUMNS = (ID, plans.UPDATED, plans.MESSAGES, Column("found", lambda item: text_of(item["reason"])), plans.TITLE)


def _names() -> list[str]:
    from chatlog.redaction.detectors import groups

    found = groups()
    return [*found, *(kind for kinds in found.values() for kind in kinds)]


@verb(
    "chatlog redact @last --dry-run",
    "chatlog redact --source claude_code --detector secrets --yes",
    "chatlog redact --everything --pattern 'EMP-[0-9]{6}' --dry-run",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    conversations: Conversations = None,
    detector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="D", help="Only this kind or group: secrets, contact, money, network, identity, email, card …",
            autocompletion=_names,
        ),
    ] = None,
    pattern: Annotated[
        list[str] | None, typer.Option(metavar="RE", help="A pattern of your own; alone, only that. Repeatable.")
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All conversations, and memories.")] = False,
    dry_run: plans.DryRun = False,
    yes: Yes = False,
) -> None:  # fmt: skip
    """Replace secrets and personal data with [REDACTED:kind], for good: there is no undo.

    Messages, titles, tags, state, metadata and summaries, the index and the file's own bytes. Forks share their words
    with what they were forked from; a later import does not bring them back. What was found is counted by kind
    and never shown; a table of patterns cannot find everything, names least of all.
    """
    session = Session.of(ctx)
    redactor = session.redactor(detector, pattern)
    store = session.store()
    chosen = _chosen(session, store, conversations, everything=everything)
    with session.output.progress("looking for what to redact"):
        found = plan(store, chosen, redactor, memories=everything)
    complete = None
    if not (dry_run or found.is_empty):
        session.confirm(f"redact {_counts(found)} for good", yes=yes)
        with session.output.progress("redacting"):
            complete = apply(store, found)
    elif not dry_run and unfinished(store):
        complete = finish(store)
    report(session.output, found, dry_run=dry_run, complete=complete)
    plans.partly(session, found.record(dry_run=dry_run))
    if complete is False:
        session.exit_code = CheckFailedError.exit_code


def _chosen(session: Session, store: Store, refs: list[str] | None, *, everything: bool) -> list[Conversation]:
    """Return the conversations to redact.  Raises UsageError where none were named."""
    filters = session.filters()
    if everything:
        plans.check_everything(session, refs or [])
        return store.redactions.conversations()
    if not refs and filters == Filters():
        raise UsageError("say which conversations", "ids, - for ids on stdin, filters, or --everything")
    if refs:
        return plans.whole(session, store, refs, "name all of it: {conversation}")
    return list(select(store, filters))


def _counts(found: Plan) -> str:
    return (
        f"{counted(sum(found.kinds.values()), 'find')} in {counted(found.messages, 'message')} "
        f"of {counted(len(found.items), 'conversation')}"
    )


def report(output: Output, found: Plan, *, dry_run: bool, complete: bool | None) -> None:
    """Say what was found or replaced, by kind, and nothing of what it was."""
    record = found.record(dry_run=dry_run, complete=complete)
    plans.show_items(output, record, COLUMNS)
    if found.is_empty and complete:
        output.hint("what was replaced before is in the file no more")
    if found.is_empty and not record["skipped"]:
        output.hint("nothing was found; that is no proof that nothing is there")
    elif found.is_empty:
        output.hint("nothing was replaced")
    else:
        said = in_words(found.kinds)
        output.hint(f"{_counts(found)} {'would be' if dry_run else 'were'} replaced: {said}; there may be more")
    for left in record["skipped"]:
        output.warning(f"{left['id']} is {left['reason']}: left as it is")
    if complete is False:
        output.warning("old bytes may still be in the file: somebody is reading it, or the disk is full; run it again")
