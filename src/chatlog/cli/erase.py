"""`chatlog erase`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from chatlog import erasure
from chatlog.cli import plans
from chatlog.cli.options import Yes, complete_conversation, verb
from chatlog.cli.session import Session
from chatlog.errors import BusyError, CheckFailedError, NotFoundError, UsageError
from chatlog.models import Filters, parse_ref
from chatlog.output import FORMATS, counted
from chatlog.store import Store

Refs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CONV|CONV:SEQ]...", help="Which; - reads them from stdin.", autocompletion=complete_conversation
    ),
]


@verb(
    "chatlog erase 7pvd3bgm",
    "chatlog erase 7pvd3bgm:12 --yes           # one message",
    "chatlog erase --deleted --yes             # what is in the trash",
    "chatlog --user ana erase --everything",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    refs: Refs = None,
    everything: Annotated[bool, typer.Option("--everything", help="All that the user has.")] = False,
    forks: Annotated[
        bool | None, typer.Option("--forks/--no-forks", help="Also in other conversations that share the messages.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Rewrite the file too, and check again.")] = False,
    dry_run: plans.DryRun = False,
    yes: Yes = False,
) -> None:
    """Remove conversations and messages for good: there is no way back.

    Nothing of them is left in the file, its log, its indexes and summaries, which is proven by a scan of the
    file's bytes.  Copies of the file are named, not changed.  What is on legal hold stays.
    """
    session = Session.of(ctx)
    named = bool(refs or everything or session.filter_flags)
    if not (named or verify):
        raise UsageError("say what to erase", "ids, CONV:SEQ, filters, or --everything")
    store = session.store()
    plan = _plan(session, store, refs or [], everything=everything) if named else erasure.plan(store, [], [])
    record = plan.record(dry_run=dry_run)
    if not dry_run:
        forks = _asked_about_forks(session, plan, forks)
        if not plan.is_empty:
            plans.confirm(session, f"erase {_described(record)} for good", record, yes=yes)
        with session.output.progress("erasing"):
            done = _erase(store, plan, forks=forks, verify=verify)
        record |= done._asdict()
        _exit_code(session, done)
    plans.report(session, record, _line(plan, record))
    _say_what_is_left(session, plan, record)


def _plan(session: Session, store: Store, refs: Sequence[str], *, everything: bool) -> erasure.ErasePlan:
    """Return the plan for what was named; what an earlier call erased already is only to be proven."""
    if everything:
        plans.check_everything(session, refs)
    if not refs:
        filters = Filters(any_state=True) if everything else session.filters()
        return erasure.plan(store, list(store.forgetting.every(filters)), [], everything=everything)
    names = session.names(refs)
    begun = erasure.unfinished(store)
    found, single = [], []
    for name, seq in map(parse_ref, names):
        message = f"{_full(begun, name)}:{seq}"
        if message in begun and not erasure.is_there(store, message):
            continue
        try:
            conversation = store.forgetting.find(name)
        except NotFoundError:
            if not _full(begun, name):
                raise
            continue
        if seq is None:
            found.append(conversation)
        else:
            single.append((conversation.id, seq))
    return erasure.plan(store, list({one.id: one for one in found}.values()), single)


def _full(begun: Sequence[str], name: str) -> str:
    """Return the full id of a conversation whose erasure is not proven yet, nothing for any other."""
    return next((one.partition(":")[0] for one in begun if one.startswith(name.lower())), "")


def _asked_about_forks(session: Session, plan: erasure.ErasePlan, forks: bool | None) -> bool | None:
    """Return whether to erase in other conversations too, which a person is asked."""
    if forks is None and plan.sharing and session.may_ask:
        names = ", ".join(f"{name[:8]} ({count})" for name, count in plan.sharers.items())
        return session.ask(f"Other conversations share these messages: {names}. Erase the messages there too?")
    erasure.check_sharing(plan, forks)
    return forks


def _erase(store: Store, plan: erasure.ErasePlan, *, forks: bool | None, verify: bool) -> erasure.Erased:
    """Erase, and bring to its proven end what an earlier call began: this one may name some of it, already gone."""
    begun = bool(erasure.unfinished(store))
    if plan.is_empty and plan.skipped:
        return erasure.Erased(complete=False, why="it is on legal hold")
    done = erasure.Erased(complete=True) if plan.is_empty else erasure.run(store, plan, forks=forks)
    if plan.is_empty and begun:
        with erasure.alone(store):
            return erasure.resume(store)
    if (verify or begun) and done.complete:
        with erasure.alone(store):
            return erasure.finish(store, None)._replace(phrases=done.phrases, elsewhere=done.elsewhere)
    return done


def _exit_code(session: Session, done: erasure.Erased) -> None:
    if not done.complete:
        session.exit_code = BusyError.exit_code if done.retryable else CheckFailedError.exit_code


def _described(record: dict[str, Any]) -> str:
    """Return how much is erased: conversations, messages, bytes, and memories where there are any."""
    count = len(record["memories"])
    return plans.described(record) + (f" and {counted(count, 'memory', 'memories')}" if count else "")


def _line(plan: erasure.ErasePlan, record: dict[str, Any]) -> str:
    if record["dry_run"]:
        return f"would erase {_described(record)}"
    if record["complete"] and plan.is_empty:
        return "there is nothing to erase, and nothing of what was erased before is in the file"
    erased = f"erased {_described(record)}"
    if not record["complete"]:
        return f"{erased}, not complete: {record['why']}"
    proof = f"{record['phrases']} pieces of it looked for in the file's bytes, none left"
    return f"{erased}, complete: {proof if record['phrases'] else 'nothing of it is in the file'}"


def _say_what_is_left(session: Session, plan: erasure.ErasePlan, record: dict[str, Any]) -> None:
    """Name what an erasure does not reach."""
    if not record["dry_run"] and not record["complete"] and session.output.format not in ("table", "text"):
        session.output.warning(f"not complete: {record['why']}")
    if plan.copies and record["items"]:
        session.output.warning(f"copies of the file still hold it: {', '.join(map(str, plan.copies))}")
    if record["skipped"]:
        plans.partly(session, record)
