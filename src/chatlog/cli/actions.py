"""How rules erase, redact and compact: what the verbs of those names do, for conversations that a rule chose."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from chatlog import erasure
from chatlog.cli.options import budget_of
from chatlog.cli.session import Session
from chatlog.errors import ChatlogError
from chatlog.models import Conversation, Filters
from chatlog.retention import Done, Taken, Way, Ways
from chatlog.rules import Rule
from chatlog.store import Store
from chatlog.store.forgetting import Cause

if TYPE_CHECKING:
    from chatlog.compaction import Compaction, Options


def ways(session: Session, store: Store) -> Ways:
    """Return the ways to do what takes more than the store."""
    compacting = _Compacting(session, store)
    ways: dict[str, Way] = {"erase": _Erasing(store), "redact": _Redacting(session, store), "compact": compacting}
    return Ways(ways, compacting.is_due)


def _there(store: Store, items: Sequence[Taken]) -> list[Conversation]:
    """Return what is still there of what was planned, as it is now."""
    return list(store.forgetting.every(Filters(ids=tuple(item.conversation.id for item in items))))


class _Erasing(Way):
    """Erases what is as it was when the plan was made; what other conversations share stays there."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def do(self, items: Sequence[Taken]) -> Done:
        planned = {item.conversation.id: item.conversation.revision for item in items}
        same = [one for one in _there(self.store, items) if one.revision == planned[one.id]]
        decided = erasure.plan(self.store, same, [])
        done = erasure.do(self.store, decided, Cause("erase", {"rule": items[0].rule}), forks=False)
        return Done(done.complete, tuple(planned.keys() - {one.id for one in same}))


class _Redacting:
    """Redacts those in which a rule's detectors find something, with the forks that share their words."""

    def __init__(self, session: Session, store: Store) -> None:
        self.session = session
        self.store = store
        self.detectors: dict[str, tuple[str, ...]] = {}

    def worth(self, rule: Rule, found: Sequence[Taken]) -> list[Taken]:
        from chatlog import redacting

        self.detectors[rule.name] = rule.detectors
        why = {item.conversation.id: item.reason for item in found}
        redactor = self.session.redactor(rule.detectors)
        planned = redacting.plan(self.store, [item.conversation for item in found], redactor)
        return [
            Taken(one.conversation, rule.action, rule.name, f"{why.get(name, 'shares words')}; {one.reason}")
            for name, one in planned.items.items()
        ]

    def do(self, items: Sequence[Taken]) -> Done:
        from chatlog import redacting

        redactor = self.session.redactor(self.detectors[items[0].rule])
        planned = redacting.plan(self.store, _there(self.store, items), redactor)
        return Done(redacting.apply(self.store, planned))


class _Compacting:
    """Summarises the oldest turns of those that are due, with the summariser of the settings."""

    def __init__(self, session: Session, store: Store) -> None:
        self.session = session
        self.store = store

    @cached_property
    def work(self) -> Compaction:
        return self.session.compaction(self.store)

    def options(self, conversation: Conversation) -> Options:
        from chatlog.compaction import Options
        from chatlog.levels import window_for

        return Options(window=window_for(conversation.model, budget_of(self.session)), due=True)

    def is_due(self, conversation: Conversation) -> bool:
        return not self.work.plan(conversation, self.options(conversation)).reason

    def worth(self, rule: Rule, found: Sequence[Taken]) -> list[Taken]:  # noqa: ARG002  every way is asked alike
        return [
            item._replace(reason=f"{item.reason}; {len(planned.turns)} messages wait for a summary")
            for item in found
            if not (planned := self.work.plan(item.conversation, self.options(item.conversation))).reason
        ]

    def do(self, items: Sequence[Taken]) -> Done:
        done = failed = 0
        for conversation in _there(self.store, items):
            options = self.options(conversation)
            try:
                done += bool(self.work.apply(self.work.plan(conversation, options), options))
            except ChatlogError as error:
                failed += 1
                self.session.output.warning(f"{conversation.id}: {error.message}")
        if done:
            self.store.record("compact", conversations=done, rule=items[0].rule)
        return Done(not failed)
