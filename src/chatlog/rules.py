"""Rules of retention: which conversations should go, and how; as they are typed, stored and checked.

Nothing here looks at conversations: retention.py decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from chatlog import timespec
from chatlog.errors import RefusedError, UsageError, choices_hint
from chatlog.models import ROLES, Filters, checked_tag
from chatlog.narrowing import dated

#: What a rule may do, the weakest first: where two rules take the same conversation, the stronger one does.
ACTIONS = ("compact", "archive", "redact", "trash", "erase")
#: After these it is still there, so that all of them are done.
KEEPING = frozenset(ACTIONS[:3])
AGES = ("activity", "created")
_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
#: Filters a rule may have; dates are kept as they were typed, and mean what they mean on the day.
FILTERS = tuple(name for name in Filters._fields if name not in ("deleted", "any_state", "ids", "before", "excluded"))


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
    unless_due: bool = False
    detectors: tuple[str, ...] = ()
    everything: bool = False

    def filters(self, now: datetime) -> Filters:
        """Return its filters at a time."""
        return Filters(**dated(self.where, now))

    def record(self) -> dict[str, Any]:
        """Return its machine form: its filters and conditions side by side, without what is as by default."""
        usual, own = Rule(), [name for name in CONDITIONS if name != "action"]
        found = {name: getattr(self, name) for name in own if getattr(self, name) != getattr(usual, name)}
        both = {"action": self.action, **self.where, **found}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in both.items()}


#: What a rule has beside its name and its filters.
CONDITIONS = tuple(each.name for each in fields(Rule) if each.name not in ("name", "where"))


#: What there may be several of; one is one without a list, too.
_LISTS = {
    *("except_tags", "detectors"),
    *(name for name, usual in Filters()._asdict().items() if usual == ()),
}


#: What is yes or no, and what is a number; all else is text, also where a config file has a date or a plain number.
_FLAGS = {"everything", "unless_due", "pinned", "archived"}
_NUMBERS = {"keep_last", "min_messages", "max_messages"}
_AS_TEXT = {"since", "until", "max_size"}


def rule_from(name: str, record: Mapping[str, Any]) -> Rule:
    """Return the rule of a record.  Raises UsageError for one that makes no sense."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else (value,) if name in _LISTS and value is not None else value
        for name, value in ((key.replace("-", "_"), value) for key, value in record.items())
    }
    unknown = set(given) - {*CONDITIONS, *FILTERS}
    if unknown:
        raise UsageError(
            f"policy '{name}' has no '{min(unknown)}'", choices_hint(min(unknown), (*CONDITIONS, *FILTERS))
        )
    try:
        given = {key: _typed(key, value) for key, value in given.items()}
        where = {key: value for key, value in given.items() if key in FILTERS}
        return checked(Rule(name=name, where=where, **{key: given[key] for key in CONDITIONS if key in given}))
    except UsageError as error:
        raise type(error)(f"policy '{name}': {error.message}", error.hint) from None


def _typed(name: str, value: Any) -> Any:
    """Return a value of a rule.  Raises UsageError for one of another kind, such as "no" where there is yes or no."""
    if value is None:
        return None
    if name in _AS_TEXT:
        return str(value)
    if name in _FLAGS:
        kind, is_fit = "true or false", isinstance(value, bool)
    elif name in _NUMBERS:
        kind, is_fit = "a whole number", isinstance(value, int) and not isinstance(value, bool) and value >= 0
    elif name == "role":
        kind, is_fit = f"one of: {', '.join(ROLES)}", value in ROLES
    else:
        kind, is_fit = "text", all(isinstance(one, str) for one in (value if isinstance(value, tuple) else (value,)))
    if not is_fit:
        raise UsageError(f"{name} cannot be {value!r}", kind)
    return value


def checked(rule: Rule) -> Rule:
    """Return the rule.  Raises UsageError for a wrong value, RefusedError where it has no condition at all."""
    for value, choices, what in ((rule.action, ACTIONS, "an action"), (rule.by, AGES, "an age")):
        if value not in choices:
            raise UsageError(f"'{value}' is not {what} of a rule", choices_hint(str(value), choices))
    if rule.detectors and rule.action != "redact":
        raise UsageError("detectors belong to the action redact", "--action redact")
    for span in (rule.older_than, rule.unless_active):
        if span is not None:
            timespec.duration(str(span))
    for tag in (*rule.except_tags, *rule.where.get("tags", ()), *rule.where.get("no_tags", ())):
        checked_tag(tag)
    if rule.max_size is not None:
        size(str(rule.max_size))
    if rule.keep_last is not None and (not isinstance(rule.keep_last, int) or rule.keep_last < 0):
        raise UsageError(f"'{rule.keep_last}' is not a number of conversations to keep")
    if not (rule.where or rule.everything or rule.action == "compact" or _conditions(rule)):
        raise RefusedError("a rule without a condition would take everything", "if so, say --everything")
    return rule


def _conditions(rule: Rule) -> bool:
    return rule.older_than is not None or rule.keep_last is not None or rule.max_size is not None


def size(text: str) -> int:
    """Return the bytes of ``2GB``, ``500MB``, ``1.5GiB`` or ``4096``.  Raises UsageError for anything else."""
    match = re.fullmatch(r"(?i)(\d{1,15}(?:\.\d{1,6})?)\s*((?:[kmgt]i?)?)b?", text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not a size", "write 2GB, 500MB, 1.5GiB")
    return int(float(match[1]) * _SIZES[match[2].lower()])
