"""`chatlog policy`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from chatlog import retention
from chatlog.cli import actions, plans
from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.errors import ChatlogError, NotFoundError, UsageError
from chatlog.output import FORMATS, IDENTIFIED, Column, Listing, text_of
from chatlog.rules import Rule
from chatlog.store import Store


def _complete_name(ctx: typer.Context) -> list[str]:
    session = Session.of(ctx)
    try:
        return [name for name, _, _ in plans.stored(session, session.store())]
    except ChatlogError:
        return []


Name = Annotated[str, typer.Argument(metavar="NAME", help="A policy's name.", autocompletion=_complete_name)]


@verb(
    "chatlog policy add old --older-than 1y --except-tag keep",
    "chatlog policy add agents --source claude_code --keep-last 500",
    "chatlog policy add size --max-size 2GB",
    "chatlog policy add secret --tag secret --older-than 30d --action erase",
    "chatlog policy add keys --older-than 7d --action redact --detector secrets",
    "chatlog policy add long --action compact",
    filters=True,
    forms=IDENTIFIED,
)
def add(
    ctx: typer.Context,
    name: Name,
    older_than: plans.OlderThan = None,
    by: plans.By = "activity",
    keep_last: plans.KeepLast = None,
    max_size: plans.MaxSize = None,
    action: plans.Action = "trash",
    except_tag: plans.ExceptTag = None,
    unless_active: plans.UnlessActive = None,
    unless_due: plans.UnlessDue = False,
    detector: plans.Detector = None,
    everything: plans.Everything = False,
) -> None:
    """Add a retention rule, which prune --policies applies from then on.

    It takes the conversations that every one of its conditions and filters takes, but never pinned ones.
    """
    session = Session.of(ctx)
    given = {
        "older_than": older_than, "by": by, "keep_last": keep_last, "max_size": max_size, "action": action,
        "except_tags": except_tag or (), "unless_active": unless_active, "unless_due": unless_due,
        "detectors": detector or (), "everything": everything,
    }  # fmt: skip
    if not name.strip() or not name.isprintable() or len(name) > 100:
        raise UsageError("a policy needs a name of 1 to 100 printable characters")
    rule = plans.rule_of(session, name, given)
    session.redactor(rule.detectors)  # which says what it does not know
    session.store(create=True).forgetting.add_policy(name, rule.record())
    session.output.thing("policy", {"name": name, **rule.record()}, [f"{name}: {_described(rule.record())}"], name)


def _described(rule: Mapping[str, Any]) -> str:
    """Return a rule in a line."""
    facts = [f"{key.replace('_', ' ')} {text_of(value)}" for key, value in rule.items() if key != "action"]
    return f"{rule.get('action', 'trash')}: {', '.join(facts) or 'all that is due'}"


@verb("chatlog policy list", forms=FORMATS)
def list_(ctx: typer.Context) -> None:
    """List the policies, those of the config file first."""
    session = Session.of(ctx)
    stored = plans.stored(session, session.store())
    items = [{"name": name, "origin": origin, "rule": dict(rule)} for name, rule, origin in stored]
    columns = (
        Column("name", style="yellow"),
        Column("origin", style="dim"),
        Column("rule", lambda item: _described(item["rule"]), wide=True),
    )
    none = "no policies; chatlog policy add makes one"
    session.output.listing(Listing(items, columns, "name", total=len(items), none=none))


@verb("chatlog policy remove old", forms=IDENTIFIED)
def remove(ctx: typer.Context, name: Name) -> None:
    """Remove a policy that was added by command; one of the config file is removed there."""
    session = Session.of(ctx)
    session.store().forgetting.remove_policy(name)
    session.output.thing("policy", {"name": name, "removed": True}, [f"{name} removed"], name)


@verb("chatlog policy show", "chatlog policy show old --json", forms=FORMATS)
def show(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One; else all.", autocompletion=_complete_name)
    ] = None,
) -> None:
    """Explain which policy would take which conversation now, and which it leaves alone, and why."""
    session = Session.of(ctx)
    store = session.store()
    rules = [rule for rule in plans.policies(session, store) if name in (None, rule.name)]
    if name is not None and not rules:
        raise NotFoundError(f"there is no policy '{name}'", "chatlog policy list shows what there is")
    items = [item for rule in rules for item in _explained(session, store, rule)]
    columns = (Column("policy", lambda item: str(item["rule"]), style="cyan"), *plans.COLUMNS)
    session.output.listing(Listing(items, columns, "id", total=len(items)))


def _explained(session: Session, store: Store, rule: Rule) -> Iterator[Mapping[str, Any]]:
    """Yield what a rule takes, then what it leaves alone."""
    taken, left = retention.consider(store, rule, session.now(), actions.ways(session, store))
    yield from (item.record() for item in retention.weighed(store, taken))
    for one in left:
        found = store.get(one.id)
        yield retention.Taken(found, "keep", rule.name, one.reason).record()


COMMANDS = {"add": add, "list": list_, "remove": remove, "show": show}
