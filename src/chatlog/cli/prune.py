"""`chatlog prune`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer

from chatlog import erasure, retention
from chatlog.cli import actions, plans
from chatlog.cli.options import Yes, verb
from chatlog.cli.session import Session
from chatlog.errors import RefusedError, UsageError
from chatlog.models import Filters
from chatlog.output import FORMATS, size_text
from chatlog.rules import Rule
from chatlog.store import Store


class Part(NamedTuple):
    """One user's store, what is to go from it, and how."""

    store: Store
    plan: retention.Plan
    ways: retention.Ways


@verb(
    "chatlog prune --older-than 1y --dry-run",
    "chatlog prune --keep-last 500 --source claude_code --yes",
    "chatlog prune --max-size 2GB",
    "chatlog prune --policies --yes            # what cron runs; see docs/cron.md",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    older_than: plans.OlderThan = None,
    by: plans.By = "activity",
    keep_last: plans.KeepLast = None,
    max_size: plans.MaxSize = None,
    except_tag: plans.ExceptTag = None,
    unless_active: plans.UnlessActive = None,
    unless_due: plans.UnlessDue = False,
    use_policies: Annotated[bool, typer.Option("--policies", help="Apply the policies.")] = False,
    expired: Annotated[bool, typer.Option("--expired", help="Only what is past its time already.")] = False,
    everything: plans.Everything = False,
    all_users: Annotated[bool, typer.Option("--all-users", help="Everybody's conversations in the file.")] = False,
    max_seconds: Annotated[float | None, typer.Option(metavar="S", min=0, help="Stop after this; go on later.")] = None,
    dry_run: plans.DryRun = False,
    yes: Yes = False,
) -> None:
    """Move conversations to the trash that every condition and filter takes, and remove what is past its time.

    Past their time are those whose TTL is over, and those in the trash for longer than the setting trash.
    Pinned ones, and those on legal hold, stay.  A second prune at the same time does nothing.
    """
    session = Session.of(ctx)
    given = {
        "older_than": older_than, "by": by, "keep_last": keep_last, "max_size": max_size,
        "except_tags": except_tag or (), "unless_active": unless_active, "unless_due": unless_due,
        "everything": everything or None,
    }  # fmt: skip
    asks = session.filters() != Filters() or bool(older_than or keep_last is not None or max_size or everything)
    if not (asks or use_policies or expired):
        raise UsageError("say what to prune", "--older-than, --keep-last, --max-size, filters, --policies, --expired")
    own = [plans.rule_of(session, "asked", given)] if asks else []
    store = session.store()
    stores = session.everybody(store, all_users=all_users)
    with store.forgetting.alone() as alone:
        parts = [_plan(session, each, own, use_policies=use_policies) for each in stores]
        is_done = alone and not dry_run
        warnings, freed = _do(session, parts, yes=yes, seconds=max_seconds) if is_done else (_doubts(parts), 0)
    if not (alone or dry_run):
        parts, warnings = [], ["another prune is at work: nothing to do"]
    record, line = _record(parts, warnings, dry_run=dry_run), _line(parts, dry_run=dry_run, freed=freed)
    names_left = dry_run or session.output.is_terminal  # cron mails every line, every night
    plans.report(session, record, line, names_left=names_left)


def _plan(session: Session, store: Store, own: Sequence[Rule], *, use_policies: bool) -> Part:
    rules = [*own, *(plans.policies(session, store) if use_policies else ())]
    ways = actions.ways(session, store)
    return Part(store, retention.plan(store, rules, session.now(), session.settings.get("trash"), ways), ways)


def _doubts(parts: Iterable[Part]) -> list[str]:
    return [f"this would take everything {part.store.user} has" for part in parts if part.plan.takes_everything]


def _do(session: Session, parts: list[Part], *, yes: bool, seconds: float | None) -> tuple[list[str], int]:
    """Apply the plans, after asking; return what is to be said about it, and the bytes given back."""
    if doubts := _doubts(parts):
        raise RefusedError(doubts[0], "if so, say --everything")
    record = _record(parts, [], dry_run=True)
    if record["items"]:
        plans.confirm(session, f"prune {_ways_of(parts, dry_run=True)}", record, yes=yes)
    stop, warnings, freed = plans.deadline(seconds), list[str](), 0
    for number, (store, plan, ways) in enumerate(parts):
        with session.output.progress("pruning"):
            _finish_redaction(store)
            outcome = retention.apply(store, plan, "prune", stop, ways)
            if erasure.unfinished(store) and not stop() and not (ended := erasure.resume(store)).complete:
                warnings.append(f"an erasure is not complete: {ended.why}")
        parts[number] = Part(store, plan.left_out(outcome.skipped), ways)
        freed += outcome.freed
        if not outcome.finished:
            warnings.append("not all of it is done: the next prune goes on")
    return [*dict.fromkeys(warnings)], freed


def _finish_redaction(store: Store) -> None:
    """Bring a redaction that was interrupted to its end; where that cannot be, doctor says so."""
    from chatlog import redacting

    if redacting.unfinished(store):
        redacting.finish(store)


def _record(parts: Iterable[Part], warnings: Sequence[str], *, dry_run: bool) -> dict[str, Any]:
    """Return the machine form of all plans together."""
    records = [part.plan.record(dry_run=dry_run) for part in parts]
    record: dict[str, Any] = retention.Plan().record(dry_run=dry_run)
    for key in ("conversations", "messages", "bytes", "items", "skipped"):
        for each in records:
            record[key] = record[key] + each[key]
    return {**record, "warnings": [*warnings]}


def _line(parts: Sequence[Part], *, dry_run: bool, freed: int) -> str:
    """Return what a prune does in a line: how much went where, and how to undo what can be."""
    done = _ways_of(parts, dry_run=dry_run)
    given_back = f"{size_text(freed)} given back" if freed else ""
    trashed = tuple(item for part in parts for item in part.plan.items if item.action == "trash")
    undo = plans.restoring(retention.Plan(trashed if len(parts) == 1 else ())) if trashed and not dry_run else ""
    said = "; ".join(part for part in (done, given_back, undo) if part) or "nothing"
    return f"{'would prune' if dry_run else 'pruned'}: {said}"


def _ways_of(parts: Iterable[Part], *, dry_run: bool) -> str:
    """Return how much goes where."""
    ways = {
        "trash": "to the trash", "remove": "removed for good", "erase": "erased", "archive": "archived",
        "redact": "redacted", "compact": "compacted",
    }  # fmt: skip
    items = [item for part in parts for item in part.plan.items]
    chosen: Mapping[str, retention.Plan] = {
        what: retention.Plan(tuple(item for item in items if item.action == what)) for what in ways
    }
    return "; ".join(
        f"{plans.described(plan.record(dry_run=dry_run))} {ways[what]}" for what, plan in chosen.items() if plan.items
    )
