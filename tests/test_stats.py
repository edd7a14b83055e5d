"""The measures of a history, and their forms."""

from __future__ import annotations

import re
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from chatlog import stats
from chatlog.cli.session import Session
from chatlog.compaction import Compaction, Options, Plan
from chatlog.dashboard import plain, prometheus, short, sparkline
from chatlog.errors import UsageError
from chatlog.levels import window_for
from chatlog.models import ConversationDraft, Filters, MessageDraft
from chatlog.store import Store, open_store
from chatlog.store.forgetting import Cause
from chatlog.store.sqlite.measures import SqliteMeasures
from chatlog.summarizers import summarizer
from chatlog.terminal import cells
from chatlog.tokens import CL100K, count_tokens

from .conftest import Clock, Run


def say(role: str, text: str, **facts: object) -> MessageDraft:
    return MessageDraft(role=role, text=text, **facts)  # type: ignore[arg-type]


def measure(*stores: Store, by: str = "day", **filters: object) -> stats.Stats:
    return stats.measure(stores, Filters(**filters), by, lambda: 0.0)  # type: ignore[arg-type]


def talk(store: Store, turns: int, words: int = 1) -> str:
    drafts = [say(role, "word " * words) for _ in range(turns) for role in ("user", "assistant")]
    return store.new(ConversationDraft(title=f"{turns} turns"), drafts).id


def test_sums_are_those_of_the_conversations_in_the_filter(store: Store) -> None:
    """Messages, bytes and tokens are summed over what is let through; one without messages counts as one."""
    conversation = store.new(ConversationDraft(tags=("work",)), [say("user", "hello there"), say("assistant", "hi")])
    store.new()
    found = measure(store)
    assert (2, 2, 13) == (found.conversations, found.messages, found.bytes)
    assert count_tokens("hello there", CL100K) + count_tokens("hi", CL100K) == found.tokens
    assert 1 == measure(store, tags=("work",)).conversations
    assert found.tokens == store.get(conversation.id).tokens


def test_hidden_messages_and_other_branches_cost_no_tokens(store: Store) -> None:
    """Tokens are what a context would take from: the active path without what is hidden."""
    conversation = store.new(messages=[say("user", "one"), say("assistant", "two two two")])
    store.add(conversation.id, [say("assistant", "two", parent=1), say("user", "never seen", hidden=True)])
    found = measure(store)
    assert 4 == found.messages
    assert count_tokens("one", CL100K) + count_tokens("two", CL100K) == found.tokens


def test_what_is_removed_meanwhile_is_passed_over(store: Store) -> None:
    """Counting takes a while, and cron prunes: what is gone by its turn is neither counted nor read."""
    names = [store.new(messages=[say("user", f"word {number}")]).id for number in range(4)]

    def remove(number: int) -> None:
        store.forgetting.remove(names[number : number + 1], Cause("prune"), stop=bool)

    assert 1 == stats.measure([store], Filters(), "day", progress=lambda done, _: remove(done)).conversations
    found = stats.measure([store], Filters(), "day", lambda: remove(0) or 0.0)
    assert (1, None) == (found.conversations, found.latency_ms["max"])


def test_counts_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted once is not counted again."""
    talk(store, 3)
    first = measure(store)
    monkeypatch.setattr("chatlog.wireforms.message_tokens", lambda *_: pytest.fail("counted again"))
    assert first == measure(store)


def test_each_pass_over_all_there_is_is_made_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What several measures are made of is summed once: of a million messages it takes seconds."""
    talk(store, 3)
    passes: list[object] = []
    ask = SqliteMeasures._ask
    monkeypatch.setattr(SqliteMeasures, "_ask", lambda self, *asked: passes.append(asked[-1]) or ask(self, *asked))
    measure(store)
    assert sorted({*passes}) == sorted(passes)


def test_percentiles_are_values_that_occur() -> None:
    """Nearest rank: the median of ten is the sixth, the 99th percentile of few is the largest."""
    assert {"p50": 6, "p90": 10, "p99": 10, "max": 10} == stats.percentiles(list(range(10, 0, -1)))
    assert {"p50": None, "p90": None, "p99": None, "max": None} == stats.percentiles([])


def test_a_turn_is_what_a_user_says_and_what_follows(store: Store) -> None:
    """Three turns of one word and its answer cost the same each."""
    talk(store, 3)
    each = 2 * count_tokens("word ", CL100K)
    assert {"p50": each, "p90": each, "p99": each, "max": each} == measure(store).tokens_per_turn


def test_turns_that_suddenly_cost_more_are_named(store: Store) -> None:
    """A conversation whose last turns cost several times the earlier ones is pointed out, a steady one is not."""
    talk(store, 12, words=800)
    growing = talk(store, 9)
    store.add(growing, [say(role, "word " * 2_000) for _ in range(3) for role in ("user", "assistant")])
    (found,) = measure(store).grown
    assert growing == found.conversation
    assert 4_000 <= found.after
    assert 4 >= found.before


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("role", [("assistant", 1, 2), ("user", 1, 2)]),
        ("model", [("gpt-5", 1, 4)]),
        ("source", [("chatlog", 1, 4)]),
        ("tag", [("home", 1, 4), ("work", 1, 4)]),
        ("user", [("local", 1, 4)]),
        ("day", [("2026-11-19", 1, 1), ("2026-11-20", 1, 3)]),
    ],
)
def test_sums_by(store: Store, by: str, expected: list[tuple[str, int, int]]) -> None:
    """Sums are told apart by day in its order, by others the most messages first."""
    draft = ConversationDraft(model="gpt-5", tags=("work", "home"))
    first = say("user", "a", created_at="2026-11-19T10:00:00Z")
    store.new(draft, [first, say("assistant", "b"), say("user", "c"), say("assistant", "d")])
    assert expected == [group[:3] for group in measure(store, by=by).by]


def test_a_conversation_without_messages_counts_by_what_it_is_of(store: Store) -> None:
    """Its user, its source and its tags have it; no day and no role does."""
    store.new(ConversationDraft(tags=("work",)))
    names = {"user": "local", "source": "chatlog", "tag": "work"}
    assert names == {by: group.name for by in names for group in measure(store, by=by).by}
    assert [("local", 1, 0, 0, 0)] == [*measure(store, by="user").by]
    assert [(), ()] == [measure(store, by=by).by for by in ("day", "role")]


def test_an_unknown_dimension_is_refused(store: Store) -> None:
    """The error names what there is."""
    with pytest.raises(UsageError, match="'colour' is not what sums"):
        measure(store, by="colour")


def test_only_the_users_own_is_measured_unless_all_are_asked_for(tmp_path: Path, clock: Clock) -> None:
    """Another user's conversations count nowhere; together they sum up."""
    path = tmp_path / "a.db"
    with open_store(path, "ann", clock=clock, create=True) as ann, open_store(path, "bob", clock=clock) as bob:
        talk(ann, 1)
        talk(bob, 2)
        assert (2, 4) == (measure(ann).messages, measure(bob).messages)
        both = measure(ann, bob, by="user")
    assert 6 == both.messages
    assert [("bob", 4), ("ann", 2)] == [(group.name, group.messages) for group in both.by]


def test_compaction_due_is_what_compacting_would_do(store: Store, clock: Clock) -> None:
    """As many conversations, tokens and seconds as the plans of `compact --due` say; nothing once it is done."""
    for turns, words in ((40, 60), (30, 90), (3, 5_000), (6, 1)):
        talk(store, turns, words)
    clock.now += timedelta(seconds=90)
    work = Compaction(store, summarizer(), "test")

    def plans() -> list[Plan]:
        options = Options(window=window_for(None, None), due=True)
        return [plan for found in store.conversations().items if (plan := work.plan(found, options)).turns]

    lagging = plans()
    expected = (2, 90, sum(plan.lag_tokens for plan in lagging))
    assert expected == measure(store).compaction
    for plan in lagging:
        work.apply(plan, Options(window=window_for(None, None), due=True))
    assert (0, 0, 0) == measure(store).compaction
    budget = stats.measure([store], Filters(), "day", lambda: 0.0, budget=500)
    assert budget.compaction.due > 0


def test_a_summary_of_a_branch_left_behind_leaves_turns_waiting(store: Store) -> None:
    """They count as due again, as many as the plan says."""
    name = talk(store, 80, 60)
    options = Options(window=window_for(None, None), due=True)
    work = Compaction(store, summarizer(), "test")
    work.apply(work.plan(store.get(name), options), options)
    store.add(name, [MessageDraft(role="user", text="Or else?", parent=120)])
    plan = work.plan(store.get(name), options)
    assert (1, plan.lag_tokens) == measure(store).compaction[::2]
    assert plan.turns


def test_latency_is_measured_with_the_stopwatch(store: Store) -> None:
    """Each conversation's end is read between two looks at the stopwatch."""
    talk(store, 1)
    talk(store, 2)
    looks = iter(range(100))
    found = stats.measure([store], Filters(), "day", lambda: next(looks))
    assert 1000.0 == found.latency_ms["p50"]
    assert 4 == next(looks)


# forms


def test_the_machine_form_has_the_promised_keys(run: Run) -> None:
    """The keys of CLI.md section 3, and whole numbers that add up."""
    run("add", "--new", "hello", "--role", "user")
    record = run("stats", "--json").json
    promised = {
        "schema_version", "conversations", "messages", "tokens", "bytes", "session_tokens", "session_messages",
        "tokens_per_turn", "compaction", "by",
    }  # fmt: skip
    assert set() == promised - set(record)
    assert (1, 1, 1, 5) == (record["conversations"], record["messages"], record["tokens"], record["bytes"])


def test_an_empty_store_has_measures(store: Store) -> None:
    """Nothing is no error: sums of 0, percentiles of nothing."""
    found = measure(store)
    assert (0, 0, None) == (found.conversations, found.tokens, found.session_tokens["p99"])
    assert "conversations\t0" in list(plain(found))


def test_prometheus_reads_every_line(store: Store) -> None:
    """Each sample has a type before it, a harmless label and a number."""
    talk(store, 2)
    lines = list(prometheus(measure(store), 'a"b\\c\nd'))
    samples = [line for line in lines if not line.startswith("#")]
    form = r'chatlog_\w+\{user="a\\"b\\\\c\\nd"(,stat="\w+")?\} [0-9.e+-]+'
    assert [] == [line for line in samples if not re.fullmatch(form, line)]
    assert {line.split("{")[0] for line in samples} <= {line.split()[2] for line in lines if "TYPE" in line}
    assert 'chatlog_messages{user="a\\"b\\\\c\\nd"} 4' in samples


def test_a_text_file_for_prometheus_is_replaced_whole(run: Run, tmp_path: Path) -> None:
    """The file is another one afterwards, and nothing is left beside it."""
    run("add", "--new", "hello", "--role", "user")
    target = tmp_path / "out" / "chatlog.prom"
    target.parent.mkdir()
    target.write_text("old")
    old = target.stat().st_ino
    assert 0 == run("stats", "--format", "prometheus", "-o", str(target)).code
    assert 'chatlog_messages{user="local"} 1\n' in target.read_text()
    assert old != target.stat().st_ino
    assert [target] == list(target.parent.iterdir())
    assert 3 == run("stats", "--format", "prometheus", "-o", str(tmp_path / "no" / "x")).code
    assert 2 == run("stats", "-o", str(target)).code


def test_the_database_is_not_replaced_by_its_figures(run: Run, tmp_path: Path) -> None:
    """A text file is replaced without a question, the history never."""
    run("new", "--title", "x")
    database = next(tmp_path.rglob("chatlog.db"))
    assert 2 == run("stats", "--format", "prometheus", "-o", str(database)).code
    assert 1 == len(run("list").lines)


def test_a_page_for_people(run: Run) -> None:
    """The table form shows totals, percentiles, a calendar and sums."""
    run("add", "--new", "hello", "--role", "user", "--model", "gpt-5")
    page = run("stats", "--format", "table", "--by", "model").out
    assert page.startswith("1 conversations   1 messages   1 tokens   5 B text   ")
    assert "tokens of a turn" in page
    assert re.search(r"^gpt-5 +█+ +1 messages", page, re.MULTILINE)
    assert re.search(r"^30 d +▁+█ 1 messages$", page, re.MULTILINE)


@pytest.mark.parametrize("width", [40, 50, 80, 120])
def test_no_line_of_a_page_is_wider_than_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Of sums by a long name the bar is shortened first, then what is counted, the name last."""
    for model, times in (("claude-sonnet-4-5-20250929", 12), ("学习机器学习的模型", 1)):
        for number in range(times):
            run("add", "--new", f"{number}" * 2_000, "--role", "user", "--model", model)
    monkeypatch.setenv("COLUMNS", str(width))
    page = run("stats", "--format", "table", "--by", "model").out.splitlines()
    assert [] == [line for line in page if cells(line) > width]
    (row,) = [line for line in page if line.startswith("claude-")]
    assert row.startswith("claude-sonnet-4-5-20250929 ") == (width >= 80)
    assert (" tokens" in row) == (width >= 80)


@pytest.mark.parametrize("hours", [-10, 14])
def test_the_calendar_ends_today_wherever_that_is(run: Run, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """What was said this minute is in the last of the days, which are UTC's, on either side of the date line."""
    now = Session.now
    monkeypatch.setattr(Session, "now", lambda session: now(session).astimezone(timezone(timedelta(hours=hours))))
    run("add", "--new", "hello", "--role", "user")
    page = run("stats", "--format", "table").out
    assert re.search(r"^30 d +▁+█ 1 messages$", page, re.MULTILINE)


def test_small_helpers() -> None:
    """Numbers a person reads, and blocks by height."""
    assert ["999", "9,999", "12.3 k", "1.5 M", "2.0 G"] == [short(n) for n in (999, 9_999, 12_345, 1_500_000, 2e9)]
    assert ["10.0 k", "1.0 M", "1.0 G"] == [short(n) for n in (10_000, 1_000_000, 1e9)]
    assert "▁▂█" == sparkline([0, 1, 7])
    assert "▁▁" == sparkline([0, 0])
