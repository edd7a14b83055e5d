"""Retention: rules say what should go, a plan says what would go and why, applying it does just that.

Deciding is pure, over conversations and a time that is given.  What is pinned is left alone by every rule,
and what is on legal hold by everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from chatlog import timespec
from chatlog.errors import UsageError
from chatlog.models import Conversation
from chatlog.rules import ACTIONS, KEEPING, Rule, size
from chatlog.store import Store
from chatlog.store.forgetting import Cause, Stop
from chatlog.telemetry import traced

EXPIRED, TRASH = "expired", "trash"
#: Why something is left alone that was planned.
CHANGED = "changed meanwhile"
#: What housekeeping does to what is past its time already.
REMOVE = "remove"
#: The order of what is done: marks that depend on nothing having changed come first.
_ORDER = ("archive", "trash", "redact", "compact", REMOVE, "erase")
#: What happens only to what is as it was when the plan was made.
_AT_A_REVISION = ("archive", "trash", REMOVE, "erase")


class Taken(NamedTuple):
    """A conversation that a rule takes, and what happens to it."""

    conversation: Conversation
    action: str
    rule: str
    reason: str
    bytes: int = 0

    def record(self) -> dict[str, Any]:
        """Return its machine form."""
        c = self.conversation
        facts = {
            "id": c.id,
            "user": c.user,
            "title": c.title,
            "updated_at": c.updated_at,
            "messages": c.messages,
            "bytes": self.bytes,
        }
        return {**facts, "action": self.action, "rule": self.rule, "reason": self.reason}


class Left(NamedTuple):
    """A conversation that would have been taken, and why it is not."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen: the very value that a dry run prints and that is applied."""

    items: tuple[Taken, ...] = ()
    skipped: tuple[Left, ...] = ()
    takes_everything: bool = False

    def left_out(self, others: Sequence[Left]) -> Plan:
        """Return the plan without what was left alone when it was applied."""
        names = {left.id for left in others}
        items = tuple(
            item for item in self.items if item.conversation.id not in names or item.action not in _AT_A_REVISION
        )
        return replace(self, items=items, skipped=(*self.skipped, *others))

    def record(self, *, dry_run: bool) -> dict[str, Any]:
        """Return its machine form; a conversation with which more than one thing is done counts once."""
        each = {item.conversation.id: item for item in self.items}.values()
        return {
            "dry_run": dry_run,
            "conversations": len(each),
            "messages": sum(item.conversation.messages for item in each),
            "bytes": sum(item.bytes for item in each),
            "items": [item.record() for item in self.items],
            "skipped": [left._asdict() for left in self.skipped],
        }


class Outcome(NamedTuple):
    """What applying a plan did beside it."""

    skipped: tuple[Left, ...]
    finished: bool
    freed: int


class Done(NamedTuple):
    """What a way did: whether all of it, and which conversations it left alone because they had changed."""

    finished: bool
    left: tuple[str, ...] = ()


class Way(Protocol):
    """How an action is done that takes more than the store."""

    def worth(self, rule: Rule, found: Sequence[Taken]) -> list[Taken]:  # noqa: ARG002  a way may ask it
        """Return those with which there is something to do, their reason completed: all, unless it depends."""
        return list(found)

    def do(self, items: Sequence[Taken]) -> Done:
        """Do it."""


class Ways(NamedTuple):
    """The ways there are, by action; and whether turns of a conversation wait for a summary."""

    by_action: Mapping[str, Way] = {}
    is_due: Callable[[Conversation], bool] = lambda _: False


NO_WAYS = Ways()


# deciding: pure


class Weights(NamedTuple):
    """What conversations weigh: the bytes of their words, and how many bytes of the file one of them takes."""

    of: Mapping[str, int]
    factor: float = 1.0


def decide(
    rule: Rule,
    candidates: Sequence[Conversation],
    now: datetime,
    weights: Weights | None = None,
    is_due: Callable[[Conversation], bool] = NO_WAYS.is_due,
) -> tuple[list[Taken], list[Left]]:
    """Return which candidates a rule takes, and which it would take were they not exempt; the oldest first."""
    newest = sorted(candidates, key=lambda one: (_age(rule, one), one.id), reverse=True)
    reasons = _reasons(rule, newest, now)
    chosen = [one for one in reversed(newest) if one.id in reasons]
    if rule.action == "archive":
        chosen = [one for one in chosen if not one.archived]
    exempt = {one.id: why for one in chosen if (why := exemption(rule, one, now))}
    if rule.unless_due:
        exempt |= {one.id: "its compaction is due" for one in chosen if one.id not in exempt and is_due(one)}
    if rule.max_size is not None:
        chosen = _until_it_fits(rule, newest, chosen, exempt, weights or Weights({}))
        reasons = {key: [*why, f"the oldest, to fit {rule.max_size}"] for key, why in reasons.items()}
    usual = "everything" if rule.everything else "matches"
    taken = [
        Taken(one, rule.action, rule.name, "; ".join(reasons[one.id]) or usual)
        for one in chosen
        if one.id not in exempt
    ]
    return taken, [Left(one.id, exempt[one.id]) for one in chosen if one.id in exempt]


def _reasons(rule: Rule, newest: Sequence[Conversation], now: datetime) -> dict[str, list[str]]:
    """Return the conversations that are old enough for a rule and not of those it keeps, by id, and why they are."""
    found: dict[str, list[str]] = {}
    bound = None if rule.older_than is None else timespec.before(rule.older_than, now)
    word = "last active" if rule.by == "activity" else "created"
    for one in newest[rule.keep_last or 0 :]:
        age = _age(rule, one)
        if bound is None or age <= bound:
            old = [f"{word} {age[:10]}, over {rule.older_than} ago"] if bound is not None else []
            found[one.id] = old + ([f"not of the last {rule.keep_last}"] if rule.keep_last is not None else [])
    return found


def _age(rule: Rule, conversation: Conversation) -> str:
    return conversation.updated_at if rule.by == "activity" else conversation.created_at


def exemption(rule: Rule, conversation: Conversation, now: datetime) -> str:
    """Return why a rule must leave a conversation alone; nothing where it may take it."""
    if conversation.hold is not None:
        return "on legal hold"
    if conversation.pinned:
        return "pinned"
    for tag in rule.except_tags:
        if tag in conversation.tags:
            return f"tagged {tag}"
    if rule.unless_active is not None:
        bound = timespec.before(rule.unless_active, now)
        if conversation.updated_at >= bound:
            return f"active in the last {rule.unless_active}"
    return ""


def _until_it_fits(
    rule: Rule,
    candidates: Sequence[Conversation],
    chosen: Sequence[Conversation],
    exempt: Mapping[str, str],
    weights: Weights,
) -> list[Conversation]:
    """Return the oldest of the chosen ones, as many as it takes to bring all candidates below the size."""
    total = sum(weights.of.get(one.id, 0) for one in candidates) * weights.factor
    limit, found = size(rule.max_size or ""), []
    for one in chosen:
        if total <= limit:
            break
        found.append(one)
        if one.id not in exempt:
            total -= weights.of.get(one.id, 0) * weights.factor
    return found


def combined(found: Iterable[Taken]) -> tuple[Taken, ...]:
    """Return one entry a conversation: that of the strongest action, of the first rule among equals.

    What stays may have more than one thing done to it: it is archived, redacted and compacted.
    """
    best: dict[str, dict[str, Taken]] = {}
    for item in found:
        before = best.setdefault(item.conversation.id, {})
        strongest = max((ACTIONS.index(action) for action in before), default=-1)
        if item.action not in KEEPING and ACTIONS.index(item.action) > strongest:
            before.clear()
        if not before or (item.action in KEEPING and KEEPING.issuperset(before)):
            before.setdefault(item.action, item)
    return tuple(item for items in best.values() for item in items.values())


# planning: reads the store


def plan(store: Store, rules: Sequence[Rule], now: datetime, trash: str, ways: Ways = NO_WAYS) -> Plan:
    """Return what some rules take, with what is past its time: expired, or in the trash for longer than `trash`."""
    taken: list[Taken] = []
    skipped: list[Left] = []
    for rule in rules:
        found, left = consider(store, rule, now, ways)
        taken += found
        skipped += left
    items = combined(taken)
    lost = [item for item in items if item.action not in KEEPING]
    allowed = any(rule.everything for rule in rules)
    takes_everything = len(lost) > 1 and not allowed and len(lost) == store.conversations(limit=1).total
    past, held = _past(store, now, trash)
    ids = {item.conversation.id for item in items}
    return Plan(
        weighed(store, [*items, *past]),
        tuple(dict.fromkeys(left for left in [*skipped, *held] if left.id not in ids)),
        takes_everything,
    )


def consider(store: Store, rule: Rule, now: datetime, ways: Ways = NO_WAYS) -> tuple[list[Taken], list[Left]]:
    """Return what one rule takes, and what it leaves alone because that is exempt."""
    candidates = list(store.forgetting.every(rule.filters(now)))
    weights = _weights(store, candidates) if rule.max_size else None
    taken, left = decide(rule, candidates, now, weights, ways.is_due)
    if rule.action in ("redact", "compact"):
        taken = _way(ways, rule.action).worth(rule, taken)
    return taken, left


def _way(ways: Ways, action: str) -> Way:
    if action not in ways.by_action:
        raise UsageError(f"there is no way here to {action}", "chatlog prune has all of them")
    return ways.by_action[action]


def _weights(store: Store, candidates: Sequence[Conversation]) -> Weights:
    factor = store.forgetting.size()[1] / max(store.forgetting.weight(), 1)
    return Weights(store.forgetting.sizes([one.id for one in candidates]), factor)


def _past(store: Store, now: datetime, trash: str) -> tuple[list[Taken], list[Left]]:
    """Return what is past its time: it goes for good, but for what is pinned or held."""
    taken, left = [], []
    for one in store.forgetting.due(timespec.before(trash, now)):
        if why := exemption(Rule(), one, now):
            left.append(Left(one.id, why))
        elif one.expires_at is not None and one.expires_at <= timespec.iso(now):
            taken.append(Taken(one, REMOVE, EXPIRED, f"expired {one.expires_at[:10]}"))
        else:
            taken.append(Taken(one, REMOVE, TRASH, f"in the trash since {(one.deleted_at or '')[:10]}"))
    return taken, left


def asked(store: Store, found: Sequence[Conversation]) -> Plan:
    """Return the plan for conversations to go to the trash that were named, or that filters chose."""
    items = [Taken(one, "trash", "asked", "asked for") for one in found if one.hold is None]
    held = [Left(one.id, "on legal hold") for one in found if one.hold is not None]
    return Plan(weighed(store, items), tuple(held))


def weighed(store: Store, items: Sequence[Taken]) -> tuple[Taken, ...]:
    """Return what is taken with its bytes."""
    sizes = store.forgetting.sizes([item.conversation.id for item in items])
    return tuple(item._replace(bytes=sizes.get(item.conversation.id, 0)) for item in items)


# applying: writes


@traced("prune")
def apply(store: Store, decided: Plan, action: str, stop: Stop = bool, ways: Ways = NO_WAYS) -> Outcome:
    """Do what a plan says; `stop`, which says whether to go on another time, is asked between two short transactions.

    What has changed since the plan was made is left alone, and named.
    """
    before = store.forgetting.size()[0]
    left: list[Left] = []
    finished = True
    for (rule, what), items in _grouped(decided.items).items():
        if stop():
            return Outcome(tuple(left), finished=False, freed=0)
        cause = Cause(action, {"rule": rule, "action": what})
        revisions = {item.conversation.id: item.conversation.revision for item in items}
        if what == REMOVE:
            removed = store.forgetting.remove([*revisions], cause, stop=stop, revisions=revisions)
            finished &= removed.finished
            left += [Left(name, CHANGED) for name in removed.left]
        elif what in ("trash", "archive"):
            mark = store.forgetting.archive if what == "archive" else store.forgetting.trash
            marked = {*mark([*revisions.items()], cause)}
            left += [Left(name, CHANGED) for name in revisions if name not in marked]
        else:
            done = _way(ways, what).do(items)
            finished &= done.finished
            left += [Left(name, CHANGED) for name in done.left]
    if action == "prune":
        finished = store.forgetting.remove([], Cause(action, {"rule": "unfinished"}), stop=stop).finished and finished
        finished = store.forgetting.tidy(stop) and finished
        store.forgetting.fold()
    return Outcome(tuple(left), finished, max(before - store.forgetting.size()[0], 0))


def _grouped(items: Sequence[Taken]) -> dict[tuple[str, str], list[Taken]]:
    groups: dict[tuple[str, str], list[Taken]] = {}
    for item in sorted(items, key=lambda item: _ORDER.index(item.action)):
        groups.setdefault((item.rule, item.action), []).append(item)
    return groups
