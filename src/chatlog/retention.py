"""Retention: rules say what should go, a plan says what would go and why, applying it does just that.

Deciding is pure, over conversations and a time that is given.  What is pinned is left alone by every rule,
and what is on legal hold by everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, NamedTuple

from chatlog import timespec
from chatlog.errors import RefusedError, UsageError
from chatlog.models import Conversation, Filters
from chatlog.store import Store
from chatlog.store.forgetting import Cause, Stop
from chatlog.telemetry import traced

#: What a rule may do, the weakest first: where two rules take the same conversation, the stronger one does.
ACTIONS = ("archive", "trash", "erase")
#: What housekeeping does to what is past its time already.
REMOVE = "remove"
AGES = ("activity", "created")
EXPIRED, TRASH = "expired", "trash"
_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
#: Filters a rule may have; dates are kept as they were typed, and mean what they mean on the day.
FILTERS = tuple(name for name in Filters.__dataclass_fields__ if name not in ("deleted", "any_state", "ids"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which conversations should go: those that its filters let through and that every condition takes."""

    name: str = "asked"
    where: Mapping[str, Any] = field(default_factory=dict)
    older_than: str | None = None
    by: str = "activity"
    keep_last: int | None = None
    max_size: str | None = None
    action: str = "trash"
    except_tags: tuple[str, ...] = ()
    unless_active: str | None = None
    everything: bool = False

    def filters(self, now: datetime) -> Filters:
        """Return its filters at a time."""
        found: dict[str, Any] = dict(self.where)
        for name, bound in (("since", timespec.since), ("until", timespec.until)):
            if name in found:
                found[name] = bound(found[name], now)
        return Filters(**found)

    def record(self) -> dict[str, Any]:
        """Return its machine form: its filters and conditions side by side, without what is as by default."""
        usual, own = Rule(), [name for name in CONDITIONS if name != "action"]
        found = {name: getattr(self, name) for name in own if getattr(self, name) != getattr(usual, name)}
        both = {"action": self.action, **self.where, **found}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in both.items()}


#: What a rule has beside its name and its filters.
CONDITIONS = tuple(each.name for each in fields(Rule) if each.name not in ("name", "where"))


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
        items = tuple(item for item in self.items if item.conversation.id not in names)
        return replace(self, items=items, skipped=(*self.skipped, *others))

    def record(self, *, dry_run: bool) -> dict[str, Any]:
        """Return its machine form."""
        return {
            "dry_run": dry_run,
            "conversations": len(self.items),
            "messages": sum(item.conversation.messages for item in self.items),
            "bytes": sum(item.bytes for item in self.items),
            "items": [item.record() for item in self.items],
            "skipped": [left._asdict() for left in self.skipped],
        }


class Outcome(NamedTuple):
    """What applying a plan did beside it."""

    skipped: tuple[Left, ...]
    finished: bool
    freed: int


# rules


def rule_from(name: str, record: Mapping[str, Any]) -> Rule:
    """Return the rule of a record.  Raises UsageError for one that makes no sense."""
    given: dict[str, Any] = {
        key.replace("-", "_"): tuple(value) if isinstance(value, list) else value for key, value in record.items()
    }
    unknown = set(given) - {*CONDITIONS, *FILTERS}
    if unknown:
        raise UsageError(f"policy '{name}' has no '{min(unknown)}'", f"one of: {', '.join((*CONDITIONS, *FILTERS))}")
    where = {key: value for key, value in given.items() if key in FILTERS}
    return checked(Rule(name=name, where=where, **{key: given[key] for key in CONDITIONS if key in given}))


def checked(rule: Rule) -> Rule:
    """Return the rule.  Raises UsageError for a wrong value, RefusedError where it has no condition at all."""
    for value, choices, what in ((rule.action, ACTIONS, "an action"), (rule.by, AGES, "an age")):
        if value not in choices:
            raise UsageError(f"'{value}' is not {what} of a rule", f"one of: {', '.join(choices)}")
    for span in (rule.older_than, rule.unless_active):
        if span is not None:
            timespec.duration(str(span))
    if rule.max_size is not None:
        size(str(rule.max_size))
    if rule.keep_last is not None and (not isinstance(rule.keep_last, int) or rule.keep_last < 0):
        raise UsageError(f"'{rule.keep_last}' is not a number of conversations to keep")
    if not (rule.where or rule.everything or _conditions(rule)):
        raise RefusedError(f"rule '{rule.name}' has no condition: it would take everything", "if so, say --everything")
    return rule


def _conditions(rule: Rule) -> bool:
    return rule.older_than is not None or rule.keep_last is not None or rule.max_size is not None


def size(text: str) -> int:
    """Return the bytes of ``2GB``, ``500MB``, ``1.5GiB`` or ``4096``.  Raises UsageError for anything else."""
    match = re.fullmatch(r"(?i)(\d{1,15}(?:\.\d{1,6})?)\s*((?:[kmgt]i?)?)b?", text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not a size", "write 2GB, 500MB, 1.5GiB")
    return int(float(match[1]) * _SIZES[match[2].lower()])


# deciding: pure


class Weights(NamedTuple):
    """What conversations weigh: the bytes of their words, and how many bytes of the file one of them takes."""

    of: Mapping[str, int]
    factor: float = 1.0


def decide(
    rule: Rule, candidates: Sequence[Conversation], now: datetime, weights: Weights | None = None
) -> tuple[list[Taken], list[Left]]:
    """Return which candidates a rule takes, and which it would take were they not exempt; the oldest first."""
    newest = sorted(candidates, key=lambda one: (_age(rule, one), one.id), reverse=True)
    reasons: dict[str, list[str]] = {one.id: [] for one in newest}
    if rule.older_than is not None:
        bound = timespec.iso(now - timespec.duration(rule.older_than))
        old = {one.id for one in newest if _age(rule, one) <= bound}
        word = "last active" if rule.by == "activity" else "created"
        reasons = {
            one.id: [*reasons[one.id], f"{word} {_age(rule, one)[:10]}, over {rule.older_than} ago"]
            for one in newest
            if one.id in old
        }
    if rule.keep_last is not None:
        kept = {one.id for one in newest[: rule.keep_last]}
        reasons = {key: [*why, f"not of the last {rule.keep_last}"] for key, why in reasons.items() if key not in kept}
    chosen = [one for one in reversed(newest) if one.id in reasons]
    if rule.action == "archive":
        chosen = [one for one in chosen if not one.archived]
    exempt = {one.id: why for one in chosen if (why := exemption(rule, one, now))}
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
        bound = timespec.iso(now - timespec.duration(rule.unless_active))
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
    """Return one entry a conversation: that of the strongest action, of the first rule among equals."""
    best: dict[str, Taken] = {}
    for item in found:
        before = best.get(item.conversation.id)
        if before is None or ACTIONS.index(item.action) > ACTIONS.index(before.action):
            best[item.conversation.id] = item
    return tuple(best.values())


# planning: reads the store


def plan(store: Store, rules: Sequence[Rule], now: datetime, trash: str) -> Plan:
    """Return what some rules take, with what is past its time: expired, or in the trash for longer than `trash`."""
    taken: list[Taken] = []
    skipped: list[Left] = []
    for rule in rules:
        found, left = consider(store, rule, now)
        taken += found
        skipped += left
    items = combined(taken)
    lost = [item for item in items if item.action != "archive"]
    allowed = any(rule.everything for rule in rules)
    takes_everything = len(lost) > 1 and not allowed and len(lost) == store.conversations(limit=1).total
    past, held = _past(store, now, trash)
    ids = {item.conversation.id for item in items}
    weighed = _weighed(store, [*items, *past])
    return Plan(
        weighed, tuple(dict.fromkeys(left for left in [*skipped, *held] if left.id not in ids)), takes_everything
    )


def consider(store: Store, rule: Rule, now: datetime) -> tuple[list[Taken], list[Left]]:
    """Return what one rule takes, and what it leaves alone because that is exempt."""
    candidates = list(store.forgetting.every(rule.filters(now)))
    return decide(rule, candidates, now, _weights(store, candidates) if rule.max_size else None)


def _weights(store: Store, candidates: Sequence[Conversation]) -> Weights:
    factor = store.forgetting.size()[1] / max(store.forgetting.weight(), 1)
    return Weights(store.forgetting.sizes([one.id for one in candidates]), factor)


def _past(store: Store, now: datetime, trash: str) -> tuple[list[Taken], list[Left]]:
    """Return what is past its time: it goes for good, but for what is pinned or held."""
    taken, left = [], []
    for one in store.forgetting.due(timespec.iso(now - timespec.duration(trash))):
        if why := exemption(Rule(), one, now):
            left.append(Left(one.id, why))
        elif one.expires_at is not None and one.expires_at <= timespec.iso(now):
            taken.append(Taken(one, REMOVE, EXPIRED, f"expired {one.expires_at[:10]}"))
        else:
            taken.append(Taken(one, REMOVE, TRASH, f"in the trash since {(one.deleted_at or '')[:10]}"))
    return taken, left


def asked(store: Store, found: Sequence[Conversation], action: str = "trash") -> Plan:
    """Return the plan for conversations that were named, or that filters chose."""
    items = [Taken(one, action, "asked", "asked for") for one in found if one.hold is None]
    held = [Left(one.id, "on legal hold") for one in found if one.hold is not None]
    return Plan(_weighed(store, items), tuple(held))


def _weighed(store: Store, items: Sequence[Taken]) -> tuple[Taken, ...]:
    sizes = store.forgetting.sizes([item.conversation.id for item in items])
    return tuple(item._replace(bytes=sizes.get(item.conversation.id, 0)) for item in items)


# applying: writes


#: Removes conversations provably; whether it could.
Eraser = Callable[[Sequence[Taken]], bool]


@traced("prune")
def apply(store: Store, decided: Plan, action: str, stop: Stop, erase: Eraser = bool) -> Outcome:
    """Do what a plan says; `erase` removes provably, `stop` is asked between two short transactions.

    What has changed since the plan was made is left alone, and named.
    """
    before = store.forgetting.size()[0]
    left: list[Left] = []
    finished = True
    for (rule, what), items in _grouped(decided.items).items():
        if stop():
            return Outcome(tuple(left), finished=False, freed=0)
        cause = Cause(action, {"rule": rule, "action": what})
        if what == "erase":
            finished &= erase(items)
        elif what == REMOVE:
            finished &= store.forgetting.remove([item.conversation.id for item in items], cause, stop=stop).finished
        else:
            marks = [(item.conversation.id, item.conversation.revision) for item in items]
            done = {*(store.forgetting.archive if what == "archive" else store.forgetting.trash)(marks, cause)}
            left += [Left(name, "changed meanwhile") for name, _ in marks if name not in done]
    if action == "prune":
        finished = store.forgetting.remove([], Cause(action, {"rule": "unfinished"}), stop=stop).finished and finished
        finished = store.forgetting.tidy(stop) and finished
        store.forgetting.fold()
    return Outcome(tuple(left), finished, max(before - store.forgetting.size()[0], 0))


def _grouped(items: Sequence[Taken]) -> dict[tuple[str, str], list[Taken]]:
    groups: dict[tuple[str, str], list[Taken]] = {}
    for item in items:
        groups.setdefault((item.rule, item.action), []).append(item)
    return groups
