"""`chatlog delete`."""

from __future__ import annotations

import typer

from chatlog import retention
from chatlog.cli import plans
from chatlog.cli.options import Conversations, Yes, verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError
from chatlog.export import select
from chatlog.models import Filters
from chatlog.output import FORMATS


@verb(
    "chatlog delete 7pvd3bgm",
    "chatlog delete --tag scratch --dry-run",
    "chatlog list --until 2024-12-31 -n 0 --format ids | chatlog delete - --yes",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    conversations: Conversations = None,
    dry_run: plans.DryRun = False,
    yes: Yes = False,
) -> None:
    """Move conversations to the trash, from where chatlog restore brings them back.

    The trash keeps them for 30 days (the setting trash); an import of the same history leaves them there.
    """
    session = Session.of(ctx)
    filters = session.filters()
    if not conversations and filters == Filters():
        raise UsageError("say which conversations", "ids, - for ids on stdin, or filters")
    if filters.deleted:
        raise UsageError("those are in the trash already", "chatlog erase --deleted removes them for good")
    store = session.store()
    named = conversations or []
    found = plans.whole(session, store, named) if named else list(select(store, filters))
    plan = retention.asked(store, found)
    if plan.items and not dry_run:
        planned = plan.record(dry_run=True)
        plans.confirm(session, f"move {plans.described(planned)} to the trash", planned, yes=yes)
        plan = plan.left_out(retention.apply(store, plan, "delete").skipped)
    record = plan.record(dry_run=dry_run)
    undo = "" if dry_run else f"; {plans.restoring(plan)}"
    plans.report(session, record, f"{plans.described(record)} {'would go' if dry_run else 'moved'} to the trash{undo}")
    if named:
        plans.partly(session, record)
