"""Retention: which conversations rules take, that a dry run is the deed, and that nothing protected ever goes."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

import chatlog
from chatlog import ConversationDraft, Filters, MessageDraft, retention
from chatlog.errors import NotFoundError, RefusedError, UsageError
from chatlog.models import Conversation, new_id
from chatlog.retention import Weights, decide
from chatlog.rules import AGES, Rule, rule_from, size
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.timespec import iso
from tests.conftest import NOW, Clock

TRASH = "30d"


def conversation(**facts: Any) -> Conversation:
    usual: dict[str, Any] = dict.fromkeys(Conversation._fields)
    usual |= {"id": new_id(), "user": "local", "created_at": iso(NOW), "updated_at": iso(NOW), "pinned": False}
    usual |= {"archived": False, "tags": (), "messages": 1, "revision": 1, "state": {}, "metadata": {}}
    return Conversation(**{**usual, **facts})


def aged(days: float, **facts: Any) -> Conversation:
    then = iso(NOW - timedelta(days=days))
    return conversation(**{"created_at": then, "updated_at": then, **facts})


def taken(rule: Rule, *candidates: Conversation, weights: Weights | None = None) -> list[str]:
    return [item.conversation.id for item in decide(rule, candidates, NOW, weights)[0]]


def test_by_age() -> None:
    """What was not active for longer than the rule says goes, the oldest first; created counts where asked for."""
    new, old, older = aged(1), aged(91), aged(400, updated_at=iso(NOW - timedelta(days=92)))
    assert [older.id, old.id] == taken(Rule(older_than="90d"), new, old, older)
    assert [older.id] == taken(Rule(older_than="1y", by="created"), new, old, older)
    assert [] == taken(Rule(older_than="1y"), new, old, older)


def test_by_number() -> None:
    """All but the latest go; every condition has to take a conversation."""
    three = [aged(days) for days in (1, 100, 200)]
    assert [three[2].id, three[1].id] == taken(Rule(keep_last=1), *three)
    assert [three[2].id] == taken(Rule(keep_last=1, older_than="150d"), *three)
    assert [] == taken(Rule(keep_last=3), *three)


def test_by_size() -> None:
    """The oldest go until the rest fits; what is exempt weighs, and stays."""
    four = [aged(days, pinned=days == 4) for days in (4, 3, 2, 1)]
    weights = Weights({one.id: 100 for one in four}, factor=2.0)
    assert [four[1].id, four[2].id] == taken(Rule(max_size="400"), *four, weights=weights)
    assert [] == taken(Rule(max_size="800"), *four, weights=weights)
    assert [one.id for one in four[1:]] == taken(Rule(max_size="0"), *four, weights=weights)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"pinned": True}, "pinned"),
        ({"hold": "case"}, "on legal hold"),
        ({"tags": ("keep",)}, "tagged keep"),
        ({"updated_at": iso(NOW - timedelta(days=2))}, "active in the last 7d"),
    ],
)
def test_exemptions(facts: dict[str, Any], why: str) -> None:
    """What a rule must leave alone is named with the reason."""
    rule = Rule(older_than="90d", by="created", except_tags=("keep",), unless_active="7d")
    one = aged(100, **facts)
    assert ([], [retention.Left(one.id, why)]) == decide(rule, [one], NOW)
    assert [] == decide(rule, [aged(1, **facts)], NOW)[1]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Rule(older_than="90d"), f"last active {iso(NOW - timedelta(days=100))[:10]}, over 90d ago"),
        (Rule(older_than="90d", by="created"), f"created {iso(NOW - timedelta(days=100))[:10]}, over 90d ago"),
        (Rule(keep_last=0), "not of the last 0"),
        (
            Rule(older_than="90d", keep_last=0),
            f"last active {iso(NOW - timedelta(days=100))[:10]}, over 90d ago; not of the last 0",
        ),
        (Rule(max_size="0"), "the oldest, to fit 0"),
        (Rule(everything=True), "everything"),
        (Rule(), "matches"),
    ],
)
def test_each_is_taken_for_a_reason(rule: Rule, reason: str) -> None:
    """A dry run shows it."""
    one = aged(100)
    assert [reason] == [item.reason for item in decide(rule, [one], NOW, Weights({one.id: 1}))[0]]


def test_what_is_archived_is_not_archived_again() -> None:
    """A policy that runs each night would say so each night."""
    old, archived = aged(100), aged(100, archived=True)
    assert [old.id] == taken(Rule(older_than="90d", action="archive"), old, archived)
    assert {old.id, archived.id} == {*taken(Rule(older_than="90d"), old, archived)}


def test_the_stronger_action_wins() -> None:
    """Where two rules take a conversation it goes the way that leaves least."""
    one = aged(100)
    items = [
        decide(Rule(name=action, action=action, older_than="1d"), [one], NOW)[0][0] for action in ("trash", "erase")
    ]
    assert ["erase"] == [item.action for item in retention.combined(items)]
    assert ["erase"] == [item.action for item in retention.combined(reversed(items))]


@pytest.mark.parametrize("order", [1, -1])
def test_what_stays_takes_every_action(order: int) -> None:
    """What is archived, redacted and compacted has all of it done once; what goes, only that."""
    one, gone = aged(100), aged(100)
    items = [retention.Taken(one, action, action, "") for action in ("archive", "redact", "compact", "redact")]
    items += [retention.Taken(gone, action, action, "") for action in ("archive", "trash", "redact")]
    found = retention.combined(items[::order])
    assert {"archive", "redact", "compact"} == {item.action for item in found if item.conversation is one}
    assert ["trash"] == [item.action for item in found if item.conversation is gone]
    assert 4 == len(found)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({}, RefusedError),
        ({"action": "erase"}, RefusedError),
        ({"older_than": "soon"}, UsageError),
        ({"max_size": "much"}, UsageError),
        ({"keep_last": -1}, UsageError),
        ({"keep_last": "3"}, UsageError),
        ({"older_than": "1d", "action": "burn"}, UsageError),
        ({"older_than": "1d", "colour": "red"}, UsageError),
        ({"older_than": "1d", "detectors": ["email"]}, UsageError),
        ({"everything": "no"}, UsageError),
        ({"older_than": "1d", "unless_due": "no"}, UsageError),
        ({"older_than": "1d", "pinned": "no"}, UsageError),
        ({"keep_last": True}, UsageError),
        ({"min_messages": "many"}, UsageError),
        ({"title": 5}, UsageError),
        ({"model": 5}, UsageError),
        ({"older_than": "1d", "except_tags": [5]}, UsageError),
        ({"older_than": 5}, UsageError),
        ({"role": "nobody"}, UsageError),
    ],
)
def test_rules_that_make_no_sense(record: dict[str, Any], error: type[Exception]) -> None:
    """A wrong value is refused when the rule is made, by its name; a rule without any condition needs its own word."""
    with pytest.raises(error, match="policy 'r'"):
        rule_from("r", record)


def test_one_is_written_without_a_list() -> None:
    """In the config file a single tag or detector may stand by itself."""
    record = {"tags": "old", "except-tags": "keep", "action": "redact", "detectors": "email"}
    rule = rule_from("r", record)
    assert (("old",), ("keep",), ("email",)) == (rule.where["tags"], rule.except_tags, rule.detectors)


def test_a_rule_of_a_config_file_may_hold_dates_and_numbers() -> None:
    """What TOML reads as a date or a number is what the same text would be."""
    written = "max_size = 4096\nsince = 2026-01-31\nuntil = 2026-02-01T10:00:00Z\npinned = false"
    rule = rule_from("r", tomllib.loads(written))
    found = rule.filters(NOW)
    assert ("4096", False) == (rule.max_size, found.pinned)
    assert ("2026-01-31T00:00:00.000Z", "2026-02-01T10:00:00.000Z") == (found.since, found.until)


def test_a_rule_goes_through_its_record() -> None:
    """What is stored of a rule is the rule."""
    record = {"older-than": "1y", "tags": ["a"], "title": ["x"], "except_tags": ["b"], "action": "archive"}
    rule = rule_from("r", record)
    assert rule == rule_from("r", rule.record())
    assert Filters(tags=("a",), title=("x",)) == rule.filters(NOW)
    assert Rule(name="all", everything=True) == rule_from("all", {"everything": True})


@pytest.mark.parametrize(
    ("text", "octets"),
    [("2GB", 2 * 10**9), ("1.5 MiB", 1_572_864), ("4096", 4096), ("10k", 10_000), ("0", 0)],
)
def test_sizes(text: str, octets: int) -> None:
    """Sizes are written as people write them."""
    assert octets == size(text)


# on a store


def random_rule(chance: Random) -> Rule:
    wild: dict[str, Any] = {
        "older_than": f"{chance.randrange(0, 500)}d",
        "keep_last": chance.randrange(0, 30),
        "max_size": f"{chance.randrange(0, 200)}k",
        "unless_active": f"{chance.randrange(1, 100)}d",
        "except_tags": (chance.choice("abc"),),
    }
    conditions = {name: value for name, value in wild.items() if chance.random() < 0.4}
    where = {"tags": (chance.choice("abc"),)} if chance.random() < 0.4 else {}
    by, action = chance.choice(AGES), chance.choice(("trash", "trash", "archive"))
    return Rule(name="random", where=where, by=by, action=action, everything=True, **conditions)


@pytest.fixture
def history(store: Store) -> Store:
    """Forty conversations of all ages, some of them pinned, held and tagged."""
    chance = Random(5)
    for number in range(40):
        then = iso(NOW - timedelta(days=chance.randrange(1, 600)))
        message = MessageDraft(role="user", text=f"word {number} " * chance.randrange(1, 300), source_id=f"m{number}")
        draft = ConversationDraft(
            source_id=f"s{number}", created_at=then, updated_at=then, tags=tuple(chance.sample("abc", 1)),
            pinned=number % 7 == 0, hold="case" if number % 11 == 0 else None,
        )  # fmt: skip
        store.ingest("chatgpt", [draft, message])
    return store


def test_a_size_is_one_of_the_file(store: Store) -> None:
    """Where half of what the file takes is to stay, half of the conversations go, index and all counted in."""
    for number in range(20):
        store.new(messages=[MessageDraft(role="user", text=f"{number} " + "word " * 4_000)])
    half = store.forgetting.size()[1] // 2
    plan = retention.plan(store, [Rule(max_size=str(half))], NOW, TRASH)
    assert len(plan.items) in (10, 11)


def alive(store: Store) -> set[str]:
    return {one.id for one in store.conversations(Filters(archived=False)).items}


def test_pruning_takes_what_the_dry_run_says(history: Store) -> None:
    """With a hundred random policies exactly what the plan lists is gone, and it can all be restored."""
    chance = Random(19)
    gone = 0
    for _ in range(100):
        before = alive(history)
        plan = retention.plan(history, [random_rule(chance)], NOW, TRASH)
        planned = {item.conversation.id for item in plan.items}
        outcome = retention.apply(history, plan, "policy test", lambda: False)
        assert (before - planned, (), True) == (alive(history), outcome.skipped, outcome.finished)
        assert () == retention.plan(history, [], NOW, TRASH).items
        history.restore([*planned])
        for name in planned:
            history.change(name, {"archived": False})
        gone += len(planned)
    assert gone > 300


def test_nothing_protected_is_ever_taken(history: Store) -> None:
    """A thousand random rules take none of what is pinned or on hold."""
    chance = Random(21)
    candidates = list(history.forgetting.every(Filters()))
    weights = Weights(history.forgetting.sizes([one.id for one in candidates]))
    found = [
        item.conversation for _ in range(1_000) for item in decide(random_rule(chance), candidates, NOW, weights)[0]
    ]
    assert len(found) > 5_000
    assert [] == [one.id for one in found if one.pinned or one.hold]


def test_taking_everything_is_noticed(history: Store) -> None:
    """A plan that would leave nothing says so, unless a rule was given the word for it."""
    for one in history.conversations(Filters()).items:
        history.change(one.id, {"pinned": False, "hold": None})
    assert retention.plan(history, [Rule(older_than="0d")], NOW, TRASH).takes_everything
    assert not retention.plan(history, [Rule(older_than="0d", everything=True)], NOW, TRASH).takes_everything
    assert not retention.plan(history, [Rule(older_than="0d", keep_last=1)], NOW, TRASH).takes_everything


def test_everything_is_two_conversations_or_more(store: Store) -> None:
    """Of a single one it goes without saying; to archive all of them loses nothing."""
    store.new(ConversationDraft(title="one"))
    assert not retention.plan(store, [Rule(older_than="0d")], NOW, TRASH).takes_everything
    store.new(ConversationDraft(title="two"))
    assert retention.plan(store, [Rule(older_than="0d")], NOW, TRASH).takes_everything
    assert not retention.plan(store, [Rule(older_than="0d", action="archive")], NOW, TRASH).takes_everything


def test_a_clock_that_is_set_back_takes_nothing(history: Store, clock: Clock) -> None:
    """Ten years too early, nothing is old, expired or long in the trash."""
    history.delete([next(iter(alive(history)))])
    history.new(ConversationDraft(expires_at="2026-11-20T21:45:00Z"))
    clock.now = datetime(2016, 1, 1, tzinfo=UTC)
    rules = [Rule(older_than="1d"), Rule(older_than="1d", by="created")]
    assert () == retention.plan(history, rules, clock.now, "0d").items


def test_what_is_past_its_time_goes(store: Store, clock: Clock) -> None:
    """The expired and what lay in the trash for its time are removed for good, held and pinned ones are not."""
    ended = store.new(ConversationDraft(title="ended", expires_at=iso(NOW + timedelta(hours=1))))
    held = store.new(ConversationDraft(title="held", expires_at=iso(NOW + timedelta(hours=1)), hold="case"))
    trashed, later = store.new(ConversationDraft(title="trashed")), store.new(ConversationDraft(title="later"))
    store.delete([trashed.id])
    clock.now += timedelta(days=20)
    store.delete([later.id])
    clock.now += timedelta(days=11)
    plan = retention.plan(store, [], clock.now, TRASH)
    assert {
        (ended.id, "expired", f"expired {iso(NOW)[:10]}"), (trashed.id, "trash", f"in the trash since {iso(NOW)[:10]}")
    } == {(item.conversation.id, item.rule, item.reason) for item in plan.items}  # fmt: skip
    assert (retention.Left(held.id, "on legal hold"),) == plan.skipped
    assert retention.apply(store, plan, "prune", lambda: False).finished
    assert [later.id] == [one.id for one in store.conversations(Filters(deleted=True)).items]
    assert {held.id, later.id} == {one.id for one in store.forgetting.every(Filters(any_state=True))}


def test_a_hold_beats_any_lifetime(store: Store) -> None:
    """What is on hold stays when others are removed, also where it ended in 1970, and can be released."""
    begun = "1970-01-01T00:00:00Z"
    born, changed, other = store.new(ConversationDraft(expires_at=begun, hold="case")), store.new(), store.new()
    store.change(changed.id, {"hold": "case", "expires_at": begun})
    assert 1 == store.forgetting.remove([other.id], Cause("prune"), stop=bool).conversations
    assert {born.id, changed.id} == {one.id for one in store.forgetting.every(Filters(any_state=True))}
    assert None is store.forgetting.hold(born.id, None).hold


def test_every_hold_is_in_the_audit_trail(store: Store) -> None:
    """Whichever way a hold is put on or ended; a reason that is no text is refused."""
    name = store.new().id
    store.change(name, {"hold": "case"})
    store.change(name, {"title": "x"})
    store.change(name, {"hold": None})
    store.forgetting.hold(name, "case")
    with pytest.raises(UsageError):
        store.forgetting.hold(name, 5)  # type: ignore[arg-type]
    assert ["hold", "release", "hold"] == [line.action for line in store.forgetting.audit(9)]
    assert {name} == {line.detail["id"] for line in store.forgetting.audit(9)}


def test_what_is_being_removed_can_neither_be_held_nor_tagged(store: Store) -> None:
    """It is on its way out already: nobody is told that it stays."""
    name = store.new(messages=[MessageDraft(role="user", text="gone")]).id
    store.forgetting.remove([name], Cause("prune"), stop=lambda: True)
    for call in (lambda: store.forgetting.hold(name, "case"), lambda: store.tag([name], add=["kept"])):
        with pytest.raises(NotFoundError):
            call()


def test_what_changed_since_the_plan_stays(store: Store) -> None:
    """A conversation that somebody went on with after the plan was made is left alone, and named."""
    one, other = (store.new(ConversationDraft(created_at="2020-01-01T00:00:00Z")) for _ in range(2))
    plan = retention.plan(store, [Rule(older_than="1d", everything=True)], NOW, TRASH)
    store.add(one.id, [MessageDraft(role="user", text="wait")])
    outcome = retention.apply(store, plan, "prune", lambda: False)
    assert (retention.Left(one.id, "changed meanwhile"),) == outcome.skipped
    assert [other.id] == [each.conversation.id for each in plan.left_out(outcome.skipped).items]
    assert {one.id} == alive(store)


def test_what_came_back_since_the_plan_stays(store: Store) -> None:
    """A conversation that somebody takes out of the trash while a prune is at work is not removed."""
    one, other = (store.new(ConversationDraft(title=title)) for title in ("back", "gone"))
    store.delete([one.id, other.id])
    plan = retention.plan(store, [], NOW + timedelta(days=31), TRASH)
    assert {one.id, other.id} == {item.conversation.id for item in plan.items}
    store.restore([one.id])
    outcome = retention.apply(store, plan, "prune", lambda: False)
    assert (retention.Left(one.id, "changed meanwhile"),) == outcome.skipped
    assert {one.id} == {each.id for each in store.forgetting.every(Filters(any_state=True))}


def test_a_prune_that_is_stopped_between_two_rules_leaves_the_second(store: Store) -> None:
    """What is done is done, and the outcome says that it is not all."""
    for title in ("one", "two"):
        store.new(ConversationDraft(title=title, tags=(title,)))
    rules = [Rule(name=tag, where={"tags": (tag,)}, everything=True) for tag in ("one", "two")]
    asked = iter([False, True])
    outcome = retention.apply(store, retention.plan(store, rules, NOW, TRASH), "prune", lambda: next(asked))
    assert (False, ["two"]) == (outcome.finished, [one.title for one in store.conversations().items])


def test_a_stopped_prune_is_gone_on_with(tmp_path: Path, clock: Clock) -> None:
    """What was begun is invisible at once, and the next prune brings it to its end."""
    with chatlog.open(tmp_path / "c.db", clock=clock) as store:
        texts = [MessageDraft(role="user", text=f"line {number}") for number in range(400)]
        one = store.new(ConversationDraft(expires_at=iso(NOW + timedelta(seconds=1))), texts)
        clock.now += timedelta(days=1)
        plan = retention.plan(store, [], clock.now, TRASH)
        steps = iter([False, False, True, True, True, True])
        outcome = retention.apply(store, plan, "prune", lambda: next(steps))
        assert (False, 0) == (outcome.finished, store.restore([one.id]))
        assert () == retention.plan(store, [], clock.now, TRASH).items
        assert retention.apply(store, retention.Plan(), "prune", lambda: False).finished
        assert [] == [check for check in store.checks(deep=True) if not check.ok]
        assert (0, []) == (store.info()["messages"], store.forgetting.chores())
