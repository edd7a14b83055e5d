"""Tests of contexts as they are assembled from a store: budgets, pauses, summaries, and how far back is read."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from chatlog.context import Context, Request, assemble, plain_words
from chatlog.errors import UsageError
from chatlog.models import ConversationDraft, MessageDraft
from chatlog.store import Store
from chatlog.store.summaries import NOTHING, SummaryDraft
from chatlog.timespec import iso
from chatlog.tokens import count_tokens

from .conftest import NOW, Clock


def talk(store: Store, *said: tuple[str, str] | MessageDraft, **facts: Any) -> str:
    drafts = [one if isinstance(one, MessageDraft) else MessageDraft(role=one[0], text=one[1]) for one in said]
    return store.new(ConversationDraft(**facts), drafts).id


def exchanges(count: int, first: int = 0, **facts: Any) -> list[MessageDraft]:
    found = []
    for number in range(first, first + count):
        found.append(MessageDraft(role="user", text=f"What does hotel {number} cost a night?", **facts))
        found.append(MessageDraft(role="assistant", text=f"Hotel {number} is {100 + number} euros a night.", **facts))
    return found


def context(store: Store, name: str, query: str | None = None, **asked: Any) -> Context:
    return assemble(store, store.get(name), Request(query=query, embedder="none", **asked))


def refs(made: Context, section: str) -> list[int]:
    return [int(ref.rpartition(":")[2]) for ref in made.sections[section].refs]


# budgets and counts


@pytest.mark.parametrize(
    ("model", "asked", "budget", "reserve"),
    [
        (None, {}, 8_000, 0), ("gpt-4", {}, 8_192, 1_024), ("gpt-5", {}, 32_000, 4_096),
        ("gpt-5", {"budget": 500}, 500, 0), ("gpt-5", {"reserve": 7}, 32_000, 7),
        ("gpt-4", {"model": "gpt-5"}, 32_000, 4_096),
    ],
)  # fmt: skip
def test_the_budget_and_what_is_left_of_it_for_the_answer(
    model: str | None, asked: dict[str, Any], budget: int, reserve: int, store: Store
) -> None:
    """What was asked for, else the model's; an eighth is reserved of a window, nothing of a budget that is said."""
    made = context(store, talk(store, ("user", "hello"), model=model), **asked)
    assert (budget, reserve) == (made.budget, made.reserve)


def test_the_factor_is_learned_from_what_was_reported_for_plain_answers(store: Store) -> None:
    """Hidden answers and those with tools teach nothing; a model whose vocabulary is known needs no lesson."""
    text = "euros a night " * 20
    seen = {"metadata": {"usage": {"output_tokens": 72}}}

    def factor(*answers: MessageDraft, **asked: Any) -> float:
        return context(store, talk(store, ("user", "?"), *answers, model="claude-opus-4"), **asked).tokenizer.factor

    answer = MessageDraft(role="assistant", text=text, metadata={"usage": {"completion_tokens": 72}})
    assert 1.219 == factor(*[answer] * 4, answer._replace(**seen))
    assert 1.0 == factor(*[answer] * 5, model="gpt-4")
    assert 1.4 == factor(*[answer] * 4, answer._replace(hidden=True))
    assert 1.4 == factor(*[answer] * 4, answer._replace(metadata={"usage": {"output_tokens": True}}))
    assert 1.4 == factor(*[answer] * 4, answer._replace(role="user"))
    called = ({"type": "text", "content": text}, {"type": "tool_call", "id": "1", "name": "ls", "arguments": {}})
    assert 1.4 == factor(*[answer] * 4, answer._replace(parts=called))


@pytest.mark.parametrize(
    ("budget", "level", "said"),
    [
        (1_000, "normal", None), (300, "summarize", "is 66% of the budget: chatlog compact"),
        (240, "facts", "is 83% of the budget: older turns are better kept as key facts"),
        (201, "notify", "is 99% of the budget: it runs on summaries"), (60, "notify", "is 3.3 times the budget"),
        (18, "notify", "is 11 times the budget"),
    ],
)  # fmt: skip
def test_a_level_says_how_full_the_budget_would_be(budget: int, level: str, said: str | None, store: Store) -> None:
    """With the whole conversation and the question."""
    name = talk(store, ("user", "word " * 187), ("assistant", "ok"))
    made = context(store, name, "one two three four five six seven eight nine ten", budget=budget)
    assert (level, bool(said)) == (made.level, bool(made.warnings))
    assert all(said in warning for warning in made.warnings)


def test_what_has_nothing_to_send_and_what_is_no_form_is_refused(store: Store) -> None:
    """Nobody has said anything and nothing is asked; instructions alone are something."""
    empty = talk(store)
    with pytest.raises(UsageError, match="empty and there is no query"):
        context(store, empty, " ")
    with pytest.raises(UsageError, match="'opnai' is not a form"):
        context(store, empty, "Hello?", form="opnai")
    assert ["Hello?"] == [entry["content"] for entry in context(store, empty, "Hello?").wire]
    assert ["Be terse.", "(continue)"] == [
        entry["content"] for entry in context(store, talk(store, ("system", "Be terse."))).wire
    ]


@pytest.mark.parametrize(
    ("form", "beside"), [("openai", {}), ("anthropic", {"system"}), ("gemini", {"systemInstruction"})]
)
def test_the_machine_form_has_the_turns_and_what_stands_beside_them(form: str, beside: set[str], store: Store) -> None:
    """Whatever the form calls them; a range that is left out names its last message, too."""
    name = talk(store, ("system", "Be terse."), *exchanges(60))
    made = context(store, name, "hotel 3?", budget=300, form=form)
    record = made.record()
    assert made.wire == record["messages"] if form == "openai" else record["messages"] in made.wire.values()
    assert {*beside} == {"system", "systemInstruction", "contents"} & {*record}
    assert [left.last for left in made.omitted] == [left.get("last") for left in record["omitted"]]
    assert {None} < {left.last for left in made.omitted}
    assert None not in [left["last"] for left in record["omitted"] if "last" in left]


def test_a_question_is_looked_for_by_its_words_alone() -> None:
    """Nothing in it is the search's own language, sentences stay apart, and of a long one both ends count."""
    assert "tag x minus phrase a-b/c_d" == plain_words('tag:x -minus "phrase" (a-b/c_d) *')
    long = plain_words(" ".join(f"w{number}" for number in range(1_000))).split()
    assert (["w0", "w999"], True) == ([long[0], long[-1]], 500 < len(long) < 700)
    assert 400 == len(plain_words("w " * 400).split())


# how far back


def test_turns_are_read_until_the_budget_is_full_from_a_call_on(store: Store, watch: Any) -> None:
    """Not from a result, whose call would be missing; not further than can be of use."""
    said: list[MessageDraft] = exchanges(30)
    for number in range(40):
        call = {"type": "tool_call", "id": f"c{number}", "name": "read", "arguments": {"path": f"{number}.md"}}
        result = {"type": "tool_call_response", "id": f"c{number}", "response": f"page {number} " * 30}
        said.append(MessageDraft(role="assistant", parts=(call,)))
        said.append(MessageDraft(role="tool", parts=(result,)))
    name = talk(store, *said, ("assistant", "So far, so good."))
    tails = watch(type(store.windows), "tail")
    made = context(store, name, budget=600)
    assert [18, 1] == [call.named["limit"] for call in tails]
    assert "What does hotel 29 cost a night?" in made.wire[0]["content"]  # what the tools work on, before all that
    assert "Tool result" not in str(made.wire)


def test_pages_are_put_together_in_order(store: Store, watch: Any) -> None:
    """Each is read before the one that is there, and none twice."""
    name = talk(store, *exchanges(400))
    tails = watch(type(store.windows), "tail")
    made = context(store, name, budget=4_000)
    assert len(tails) > 2
    sent = refs(made, "recent")
    assert [*range(sent[0], 801)] == sent
    assert len(sent) > 100


def test_there_is_a_most_that_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the budget; that there is more is said, and nothing else is taken for all of it."""
    monkeypatch.setattr("chatlog.context._MOST_READ", 40)
    monkeypatch.setattr("chatlog.context._PAGE", 16)
    name = talk(store, *exchanges(60))
    made = context(store, name, budget=100_000)
    assert [*range(73, 121)] == refs(made, "recent")
    assert [(f"{name}:1", f"{name}:72")] == [(left.ref, left.last) for left in made.omitted if "older" in left.reason]


def test_a_run_of_tools_opens_with_its_request_however_far_back_that_was(store: Store) -> None:
    """Though the user said something else since: that is further down."""
    steps = [MessageDraft(role="assistant", text=f"Step {number} of the work is done.") for number in range(60)]
    name = talk(store, ("user", "Build the mill."), *steps, ("user", "Faster!"), steps[0])
    made = context(store, name, budget=200)
    assert (1, "Build the mill.") == (refs(made, "recent")[0], made.wire[0]["content"].splitlines()[0])
    assert 62 in refs(made, "recent")


def test_what_search_finds_is_on_the_active_path_and_not_hidden(store: Store) -> None:
    """A branch left behind and a hidden turn are not quoted."""
    name = talk(store, *exchanges(40))
    store.add(name, [MessageDraft(role="user", text="The mill stands in Graz.", parent=9)])
    store.add(name, [MessageDraft(role="user", text="The mill stands in Linz.", parent=80)])
    store.add(name, [MessageDraft(role="user", text="The mill stands in Wien.", hidden=True)])
    store.add(name, exchanges(30, 40))
    quoted = str(context(store, name, "Where does the mill stand?", budget=300).wire)
    assert [False, True, False] == [place in quoted for place in ("Graz", "Linz", "Wien")]


# pauses


def resumed(store: Store, name: str, **asked: Any) -> str:
    wire = context(store, name, form="text", budget=900, **asked).wire
    return next((part for part in str(wire).split("<history ") if part.startswith('kind="resuming"')), "")


def paused(store: Store, days: float, more: int = 0) -> str:
    """Return a conversation whose last exchange was some days after the others."""
    before, after = iso(NOW - timedelta(days=days)), iso(NOW)
    settled = MessageDraft(role="user", text="Let's go with hotel 7. It has a garden.", created_at=before)
    return talk(store, *exchanges(60, created_at=before), settled, *exchanges(more, created_at=before)[1:],
                *exchanges(2, 60, created_at=after), title="Trip")  # fmt: skip


def test_after_a_pause_it_is_said_when_it_was_about_what_and_what_was_settled(store: Store, clock: Clock) -> None:
    """In place of most of what was said before; three exchanges of that stay."""
    told = resumed(store, paused(store, 9))
    assert "The conversation paused on 2026-11-11. It was about: Trip" in told
    assert "Settled then: Let's go with hotel 7.\n</history>" in told
    made = context(store, paused(store, 9), budget=900)
    assert [*range(117, 126)] == refs(made, "recent")
    clock.now += timedelta(days=30)
    assert "paused on 2026-11-20" in resumed(store, paused(store, 9))


@pytest.mark.parametrize(("days", "gap", "told"), [(2.9, 3, False), (3, 3, True), (2.9, 2, True), (9, 10, False)])
def test_a_pause_is_as_long_as_the_gap(days: float, gap: int, told: bool, store: Store) -> None:
    """Three days where nothing else is said."""
    assert told == bool(resumed(store, paused(store, days), gap=timedelta(days=gap)))


def test_what_is_hidden_ends_no_pause(store: Store, clock: Clock) -> None:
    """Nobody sees that somebody spoke meanwhile."""
    name = talk(store, *exchanges(60, created_at=iso(NOW - timedelta(days=9))))
    store.add(name, [MessageDraft(role="user", text="psst", hidden=True)])
    assert "paused on 2026-11-11" in resumed(store, name)


def test_the_reminder_of_a_pause_stays_while_the_conversation_grows(store: Store) -> None:
    """It is made of what was said before the pause, not of what of it is still read."""
    name = paused(store, 9, more=8)
    told = []
    for _ in range(40):
        told.append(resumed(store, name).partition("</history>")[0])
        store.add(name, exchanges(1, 100))
    assert told[0].endswith("Settled then: Let's go with hotel 7.\n")
    assert {told[0]} == {*told}


# an agent at work


def worked(number: int, says: str, tokens: int = 30) -> list[MessageDraft]:
    call = {"type": "tool_call", "id": f"c{number}", "name": "read", "arguments": {"path": f"{number}.txt"}}
    result = {"type": "tool_call_response", "id": f"c{number}", "response": f"{says} {'pad ' * tokens}"}
    return [MessageDraft(role="assistant", parts=(call,)), MessageDraft(role="tool", parts=(result,))]


@pytest.mark.parametrize("embedder", ["none", "wordllama"])
def test_what_was_sent_stays_while_tools_are_at_work(store: Store, embedder: str) -> None:
    """Byte for byte, so that the provider's prompt cache has it: the quotes too, whatever the results say."""
    name = talk(store, *exchanges(60), *worked(0, "A long list.", 400))
    store.add(name, [MessageDraft(role="user", text="Which hotel costs 107 euros a night, and is it hotel 7?")])
    sent = [assemble(store, store.get(name), Request(budget=2_000, embedder=embedder))]
    for number in range(1, 6):
        store.add(name, worked(number, "Hotel 7 costs 107 euros a night."))
        sent.append(assemble(store, store.get(name), Request(budget=2_000, embedder=embedder)))
    assert refs(sent[0], "retrieved")
    assert refs(sent[0], "recent")[0] > 1
    for before, after in pairwise(sent):
        assert before.wire == after.wire[: len(before.wire)]


# summaries


def summarised(store: Store, name: str, last: int, text: str = "They compared hotels.") -> None:
    turns = [made for made in store.messages(name) if made.seq <= last]
    store.summaries.add(name, [SummaryDraft("rolling", 1, last, text, 5, "test", None, turns)])


def test_a_fork_goes_on_with_the_summaries_of_what_it_starts_with(store: Store) -> None:
    """Under its own numbers, of each kind the one that reaches furthest; none of turns that it does not have."""
    name = talk(store, *exchanges(1), ("user", "Hm."))
    store.add(name, [exchanges(1)[0]._replace(parent=2), *exchanges(40)[1:]])
    turns = [*store.messages(name)]
    for kind, text in (("facts", NOTHING), ("rolling", "They compared hotels.")):
        store.summaries.add(name, [SummaryDraft(kind, 1, 20, text, 5, "test", None, turns[:19])])
    last = store.summaries.latest(name)["rolling"]
    store.summaries.add(name, [SummaryDraft("rolling", 1, 60, "And booked one.", 4, "test", last.id, turns[19:59])])

    def told(at: int) -> dict[str, tuple[int, int, str]]:
        found = store.summaries.latest(store.fork(name, at).id)
        return {kind: (one.from_seq, one.to_seq, one.text) for kind, one in found.items()}

    assert {"facts": (1, 19, NOTHING), "rolling": (1, 59, "And booked one.")} == told(61)
    assert {"facts": (1, 19, NOTHING), "rolling": (1, 19, "They compared hotels.")} == told(59)
    assert {} == told(19) == told(3)
    here, there = (context(store, one, budget=900) for one in (name, store.fork(name).id))
    assert here.sections["summary"].tokens == there.sections["summary"].tokens > 0


def test_a_summary_that_is_longer_than_what_it_covers_is_not_sent(store: Store) -> None:
    """Where all of it fits anyway; in a smaller budget, or where more is covered, the summary comes."""
    name = talk(store, *exchanges(12))
    summarised(store, name, 4, "They compared hotels. " * 15)
    assert [] == refs(context(store, name, "Which?", budget=4_000), "summary")
    assert context(store, name, "Which?", budget=700).sections["summary"].refs
    other = talk(store, *exchanges(12))
    summarised(store, other, 16, "They compared hotels. " * 15)
    assert (f"{other}:1-16",) == context(store, other, "Which?", budget=4_000).sections["summary"].refs


def test_facts_that_are_none_are_not_told(store: Store) -> None:
    """The summary has all of the room; one of turns that say nothing is told, for they are covered."""
    name = talk(store, *exchanges(40))
    turns = [*store.messages(name)][:60]
    for kind, text in (("facts", NOTHING), ("rolling", "They compared hotels. " * 30)):
        store.summaries.add(name, [SummaryDraft(kind, 1, 60, text, 5, "test", None, turns)])
    made = context(store, name, "Which?", budget=800)
    assert (f"{name}:1-60",) == made.sections["summary"].refs
    assert (False, True) == (NOTHING in str(made.wire), made.sections["summary"].tokens > 140)
    other = talk(store, *exchanges(40))
    summarised(store, other, 60, NOTHING)
    assert NOTHING in str(context(store, other, "Which?", budget=800).wire)


def test_more_than_was_read_is_left_out_from_the_first_turn_on(store: Store) -> None:
    """With the tokens of all of it; what of that a summary covers is said beside the summary."""
    name = talk(store, *exchanges(400))
    summarised(store, name, 80)
    made = context(store, name, "Which?", budget=300)
    (older,) = [left for left in made.omitted if "older" in left.reason]
    turns = [turn for turn in store.messages(name) if turn.seq < refs(made, "recent")[0]]
    assert (turns[0].ref, turns[-1].ref) == (older.ref, older.last)
    assert sum(count_tokens(turn.text) for turn in turns) == older.tokens


def test_what_is_left_out_beside_a_summary_is_what_it_does_not_cover(store: Store) -> None:
    """The turns between its end and the window of recent ones, and their tokens."""
    name = talk(store, *exchanges(60))
    summarised(store, name, 80)
    made = context(store, name, "Which?", budget=300)
    (older,) = [left for left in made.omitted if "older" in left.reason]
    turns = [turn for turn in store.messages(name) if 80 < turn.seq < refs(made, "recent")[0]]
    assert (turns[0].ref, turns[-1].ref) == (older.ref, older.last)
    assert sum(count_tokens(turn.text) for turn in turns) == older.tokens


def test_a_question_that_waits_is_sent_though_a_summary_covers_it(store: Store) -> None:
    """Even one that came after it was made can be the last of what it covers."""
    name = talk(store, *exchanges(40), ("user", "And which is the cheapest?"))
    summarised(store, name, 81)
    made = context(store, name, budget=500)
    assert ([81], True) == (refs(made, "query"), made.wire[-1]["content"].endswith("And which is the cheapest?"))
    assert [] == refs(context(store, name, "Hm?", budget=500), "query")


def test_a_conversation_that_is_all_summarised_is_its_summary(store: Store) -> None:
    """Nothing waits, and nothing is asked: it can be gone on with."""
    name = talk(store, *exchanges(30))
    summarised(store, name, 60)
    (only,) = context(store, name, budget=900).wire
    assert (True, True) == ("They compared hotels." in only["content"], only["content"].endswith("(continue)"))


def test_where_no_user_speaks_a_summary_of_all_is_told(store: Store) -> None:
    """There is no question that could wait."""
    name = talk(store, *[MessageDraft(role="assistant", text=f"Step {number} of the work.") for number in range(60)])
    summarised(store, name, 60)
    assert "They compared hotels." in context(store, name, budget=300).wire[0]["content"]
