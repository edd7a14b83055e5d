"""Tests of compaction: when it is due, what it covers, that messages stay, and that nobody loses anything."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import chatlog
from chatlog import redacting
from chatlog.compaction import Compaction, Options
from chatlog.context import Request, assemble
from chatlog.errors import CommandError, ConflictError
from chatlog.models import Conversation, ConversationDraft, Message, MessageDraft
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.store.sqlite.window import SqliteWindows
from chatlog.store.summaries import SummaryDraft
from chatlog.summarizers import Task, summarizer
from chatlog.summarizers.command import Command

from .context_rules import message

SOURCES = Path(chatlog.__file__).parents[1]


def grown(store: Store, exchanges: int = 40) -> Conversation:
    found = store.new(ConversationDraft(title="Trip"))
    grow(store, found.id, exchanges)
    return store.get(found.id)


def grow(store: Store, name: str, exchanges: int) -> None:
    drafts = []
    for number in range(exchanges):
        drafts.append(MessageDraft(role="user", text=f"I prefer hotel {number}. What does it cost a night in May?"))
        drafts.append(
            MessageDraft(role="assistant", text=f"Hotel {number} costs {100 + number} euros and has a garden.")
        )
    store.add(name, drafts)


def compaction(store: Store, how: object = None) -> Compaction:
    return Compaction(store, how or summarizer(), "test")  # type: ignore[arg-type]


def run(store: Store, found: Conversation, how: object = None, **options: object) -> list[tuple[str, int, int]]:
    asked = Options(**{"window": 1_000, "keep": 8, **options})  # type: ignore[arg-type]
    work = compaction(store, how)
    return [(made.kind, made.from_seq, made.to_seq) for made in work.apply(work.plan(found, asked), asked)]


def test_levels_say_what_is_made(store: Store) -> None:
    """Below 60 % nothing, then a rolling summary, from 80 % on key facts too."""
    found = grown(store)
    total = compaction(store).plan(found, Options(window=10_000)).total
    made = {share: run(store, found, due=True, window=int(total / share)) for share in (0.5, 0.65)}
    assert [] == made[0.5]
    assert ["rolling"] == [kind for kind, _, _ in made[0.65]]
    other = grown(store)
    assert ["facts", "rolling"] == [kind for kind, _, _ in run(store, other, due=True, window=int(total / 0.85))]


def test_what_is_not_due_is_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a conversation is says that it waits for nothing; what is gone meanwhile waits for nothing either."""
    found = grown(store)
    monkeypatch.setattr(SqliteWindows, "tail", lambda *_, **__: pytest.fail("its messages were read"))
    assert "not due" == compaction(store).plan(found, Options(window=100_000, due=True)).reason
    store.delete([found.id])
    store.forgetting.remove([found.id], Cause("prune"), stop=bool)
    assert "gone meanwhile" == compaction(store).plan(found, Options(window=10, due=True)).reason


def test_the_first_key_facts_are_of_the_whole_conversation(store: Store) -> None:
    """A conversation that grew from one level to the next has no facts of its oldest turns; its summary has."""
    found = grown(store, 20)

    def how(task: Task) -> str:
        return f"{task.previous} {task.messages[0].seq}-{task.messages[-1].seq}".strip()

    total = compaction(store).plan(found, Options(window=10_000)).total
    assert [("rolling", 1, 24)] == run(store, found, how, due=True, window=int(total / 0.65))
    grow(store, found.id, 20)
    assert [("facts", 1, 64), ("rolling", 1, 64)] == run(store, store.get(found.id), how, window=int(total * 2 / 0.85))
    assert "1-24 25-64" == store.summaries.latest(found.id)["facts"].text


def test_facts_that_fell_behind_catch_up_by_the_summary(store: Store) -> None:
    """A larger window made no facts of some turns: the next are made of the rolling summary too, and skip none."""
    found = grown(store, 20)
    before: list[str] = []

    def how(task: Task) -> str:
        if task.kind == "facts":
            before.append(task.previous)
        return f"{task.kind} of {task.messages[0].seq}-{task.messages[-1].seq}"

    kinds = [run(store, found, how, window=100)]
    grow(store, found.id, 20)
    kinds.append(run(store, store.get(found.id), how, window=100_000))
    grow(store, found.id, 20)
    kinds.append(run(store, store.get(found.id), how, window=100))
    assert [
        [("facts", 1, 24), ("rolling", 1, 24)], [("rolling", 1, 64)], [("facts", 1, 104), ("rolling", 1, 104)]
    ] == kinds  # fmt: skip
    assert ["", "facts of 1-24\nrolling of 25-64"] == before
    assert "facts of 65-104" == store.summaries.latest(found.id)["facts"].text


def test_the_built_in_says_a_line_of_both_once() -> None:
    """A fact stands in the summary, too, that facts are caught up by."""
    line = "- User: I prefer the blue hotel."
    said = summarizer()(Task(messages=[message(9, "user", "ok")], previous=f"{line}\n{line}", kind="facts"))
    assert line == said


def test_the_built_in_s_facts_extend_a_summary_by_its_facts_alone() -> None:
    """What the rules do not keep stays in the summary that it comes from."""
    before = "- User: I prefer the blue hotel.\n- Assistant: The garden was lovely last year."
    said = summarizer()(Task(messages=[message(9, "user", "Let's go with the train.")], previous=before, kind="facts"))
    assert "- User: I prefer the blue hotel.\n- User: Let's go with the train." == said


def test_the_last_exchanges_stay_and_messages_are_untouched(store: Store) -> None:
    """At least the last eight exchanges are outside, and every message is what it was."""
    found = grown(store)
    before = list(store.messages(found.id))
    ((_, first, last), *_) = run(store, found)
    assert (1, 64) == (first, last)
    assert [made._replace(tokens=None) for made in before] == [
        made._replace(tokens=None) for made in store.messages(found.id)
    ]
    assert found.revision == store.get(found.id).revision


def test_a_summary_extends_the_one_before_and_no_turn_is_taken_twice(store: Store) -> None:
    """The later one supersedes, the earlier one is still there, and each turn was given to a summariser once."""
    found = grown(store)
    given: list[int] = []

    def how(task: Task) -> str:
        given.extend(made.seq for made in task.messages if task.kind == "rolling")
        return f"{task.previous} +{len(task.messages)}"

    run(store, found, how)
    grow(store, found.id, 30)
    run(store, found, how)
    assert [*range(1, len(given) + 1)] == given
    rolling = [made for made in store.summaries.all(found.id) if made.kind == "rolling"]
    assert [(1, True), (1, False)] == [(made.from_seq, made.superseded) for made in rolling]
    assert rolling[1].text.startswith(rolling[0].text)
    assert [] == run(store, found, how)


def test_a_summary_of_a_branch_left_behind_is_not_told(store: Store) -> None:
    """An edit above its end brings back the one before it, the next extends that, and each branch keeps its own."""
    found = grown(store)
    assert [("rolling", 1, 16)] == run(store, found, keep=32, window=10_000)
    assert [("rolling", 1, 64)] == run(store, found, window=10_000)

    def told() -> list[str]:
        sections = assemble(store, store.get(found.id), Request(query="hotel 3?", budget=900)).sections
        return [ref.rpartition(":")[2] for ref in sections["summary"].refs]

    assert ["1-64"] == told()
    store.add(found.id, [MessageDraft(role="user", text="No, let's go to Porto instead.", parent=40)])
    assert ["1-16"] == told()
    assert [("rolling", 1, 26)] == run(store, found, window=10_000)
    assert ["1-26"] == told()
    store.add(found.id, [MessageDraft(role="user", text="So Lisbon after all.", parent=80)])
    assert ["1-64"] == told()


def test_what_is_due_again_waits_for_another_window_full(store: Store) -> None:
    """After a summary one more exchange is not a reason for the next."""
    found = grown(store)
    assert run(store, found, due=True, window=1_200)
    grow(store, found.id, 1)
    plan = compaction(store).plan(found, Options(window=1_200, keep=8, due=True))
    assert (True, "notify") == (bool(plan.reason), plan.level)


def test_a_long_backlog_is_caught_up_in_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunk by chunk, each summary going on where the one before ended."""
    monkeypatch.setattr("chatlog.compaction.CHUNK_TOKENS", 300)
    ends = [last for kind, _, last in run(store, grown(store, 60), window=100_000) if kind == "rolling"]
    assert len(ends) > 4
    assert sorted({*ends}) == ends


def test_a_backlog_of_many_pages_is_read_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back to where the last summary ends, in order, system prompts and hidden turns left out."""
    monkeypatch.setattr("chatlog.compaction._PAGE", 7)
    found = store.new(ConversationDraft(), [MessageDraft(role="system", text="Be terse.")])
    store.add(found.id, [MessageDraft(role="user", text="Psst.", hidden=True)])
    grow(store, found.id, 40)
    given: list[list[int]] = []

    def how(task: Task) -> str:
        given.append([made.seq for made in task.messages])
        return "They met."

    for _ in range(2):
        run(store, found, how, window=10_000)
        grow(store, found.id, 14)
    assert [[*range(3, 67)], [*range(67, 95)]] == given


@pytest.mark.parametrize(("tokens", "ends"), [(10_000, [6]), (45, [2, 4, 6]), (70, [4, 6]), (5, [1, 2, 3, 4, 5, 6])])
def test_a_chunk_is_of_whole_exchanges_where_one_fits(
    tokens: int, ends: list[int], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends before a user's message; only an exchange longer than a chunk is parted."""
    found = grown(store, 3)
    monkeypatch.setattr("chatlog.compaction.CHUNK_TOKENS", tokens)
    assert ends == [last for _, _, last in run(store, found, keep=0, window=10_000)]


@pytest.mark.parametrize(
    ("exchanges", "options", "turns"),
    [
        (8, {}, 0), (9, {}, 2), (9, {"due": True, "window": 200}, 0), (10, {"due": True, "window": 200}, 4),
        (9, {"keep": 0}, 18), (9, {"keep": 9}, 0), (9, {"keep": 20}, 0), (9, {"keep": 1}, 16),
    ],
)  # fmt: skip
def test_how_many_turns_a_summary_is_worth(
    exchanges: int, options: dict[str, object], turns: int, store: Store
) -> None:
    """Two when asked for, four when due; as many exchanges as are to be kept stay."""
    plan = compaction(store).plan(grown(store, exchanges), Options(**{"window": 400, **options}))  # type: ignore[arg-type]
    assert (turns, turns == 0) == (len(plan.turns), bool(plan.reason))


@pytest.mark.parametrize(("keep", "turns"), [(8, 3), (None, 3), (7, 5), (0, 18)])
def test_what_an_assistant_says_before_the_first_exchange_is_outside_the_last_ones(
    keep: int | None, turns: int, store: Store
) -> None:
    """Eight exchanges stay; a message of the user's in two parts opens one of them, and the last waits."""
    said = [MessageDraft(role="assistant", text=f"Step {number}.") for number in range(3)]
    found = store.new(ConversationDraft(), said)
    grow(store, found.id, 7)
    store.add(found.id, [MessageDraft(role="user", text="Wait."), MessageDraft(role="user", text="And now?")])
    assert turns == len(compaction(store).plan(found, Options(window=400, keep=keep)).turns)


def test_a_conversation_without_a_user_is_summarised_only_if_nothing_is_to_be_kept(store: Store) -> None:
    """There is no exchange that could be kept."""
    said = [MessageDraft(role="assistant", text=f"Step {number} of the plan is done.") for number in range(6)]
    found = store.new(ConversationDraft(), said)
    kept = [len(compaction(store).plan(found, Options(window=100, keep=keep)).turns) for keep in (None, 2, 0)]
    assert [0, 0, 6] == kept


def test_what_another_run_summarised_meanwhile_is_not_summarised_again(store: Store) -> None:
    """A plan that was overtaken makes nothing, and one that was overtaken halfway goes on from there."""
    found = grown(store)
    work, given = compaction(store, lambda task: given.append(task.messages[-1].seq) or "They met."), list[int]()
    late, asked = work.plan(found, Options(window=10_000, keep=8)), Options(window=10_000, keep=20)
    assert [40] == [made.to_seq for made in work.apply(work.plan(found, asked), asked)]
    assert [(1, 64)] == [(made.from_seq, made.to_seq) for made in work.apply(late, asked)]
    assert [] == work.apply(late, asked)
    assert [40, 64] == given


def test_a_run_that_is_overtaken_each_time_gives_up(store: Store) -> None:
    """After four times, as the error says; it has stored nothing."""
    found = grown(store)
    tries: list[int] = []

    def how(task: Task) -> str:
        tries.append(len(tries))
        last = task.messages[0]
        after = store.summaries.latest(found.id).get("rolling")
        draft = SummaryDraft("rolling", 1, last.seq, "theirs", 1, "other", after and after.id, [last])
        store.summaries.add(found.id, [draft])
        return "ours"

    with pytest.raises(ConflictError, match="another process"):
        run(store, found, how, window=10_000)
    assert ([0, 1, 2, 3], {"theirs"}) == (tries, {made.text for made in store.summaries.all(found.id)})


def test_that_nothing_was_said_is_no_summary_to_extend(store: Store) -> None:
    """The next one is made of its turns alone."""
    found = store.new(ConversationDraft())
    given: list[str] = []
    for answer in ("", "They met."):
        grow(store, found.id, 2)
        run(store, found, lambda task, answer=answer: given.append(task.previous) or answer, keep=0, window=10_000)
    assert ["", ""] == given
    assert (1, 8, "They met.") == store.summaries.latest(found.id)["rolling"][2:5]


def test_where_a_summariser_finds_nothing_the_summary_before_stays(store: Store) -> None:
    """Its turns are covered all the same; a first one says that there was nothing."""
    found = store.new(ConversationDraft())
    told = []
    for answer in ("", "", "They met.", "  "):
        grow(store, found.id, 2)
        run(store, found, lambda _, answer=answer: answer, keep=0, window=10_000)
        told.append(store.summaries.latest(found.id)["rolling"])
    nothing = "(nothing worth keeping was said)"
    assert [(4, nothing), (8, nothing), (12, "They met."), (16, "They met.")] == [
        (made.to_seq, made.text) for made in told
    ]


@pytest.mark.parametrize("line", ["exit 3", "true", "printf '  \\n'", "no-such-command-at-all"])
def test_a_summariser_that_fails_or_says_nothing_changes_nothing(line: str, store: Store) -> None:
    """A clear error, no summary, and contexts go on."""
    found = grown(store)
    with pytest.raises(CommandError):
        run(store, found, summarizer(line))
    assert [] == store.summaries.all(found.id)
    assert assemble(store, found, Request(query="hotel 3?", budget=500)).tokens <= 500


@pytest.mark.parametrize("words", ["extraordinary handwriting ", "非常にきれいな字"])
def test_a_summary_that_is_too_long_is_cut_between_words_and_says_so(words: str, store: Store) -> None:
    """A summariser is asked for a length, and need not keep to it."""
    found = grown(store)
    run(store, found, lambda _: words * 2_000)
    for kept in store.summaries.latest(found.id).values():
        assert 500 < kept.tokens <= 600
        assert kept.text.removesuffix(" …").endswith(tuple(words.split()) if " " in words else tuple(words))
        assert kept.text.endswith(" …")


def test_a_command_reads_the_transcript_and_knows_what_is_wanted() -> None:
    """Turns on stdin, the instruction in its environment, quoted so that no shell reads it."""
    task = Task(messages=[message(1, "user", "I prefer $HOME `tea`")], previous="They met.")
    assert task.transcript().strip() == summarizer("cat")(task)
    assert task.instruction == summarizer('printf %s "$CHATLOG_PROMPT"')(task)


@pytest.mark.skipif(os.name != "posix", reason="needs groups of processes")
def test_a_summariser_that_takes_too_long_leaves_no_process_behind(tmp_path: Path) -> None:
    """A pipeline's first process ends with its shell, so nobody holds the other end of the pipe it was given."""
    os.mkfifo(fifo := tmp_path / "fifo")
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    hangs = Command(f"(echo begun; exec sleep 60) > '{fifo}' | cat", apart=True, seconds=1)
    with pytest.raises(CommandError, match="said nothing for 1 seconds"):
        hangs(Task(messages=[message(1, "user", "hello")]))
    said = [os.read(end, 100) for _ in range(2) if select.select([end], [], [], 30)[0]]
    os.close(end)
    assert [b"begun\n", b""] == said


class Endpoint(BaseHTTPRequestHandler):
    """An OpenAI-compatible server that answers with what it was asked, or with an error."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ok = b"transcript-less" not in body and self.headers["Authorization"] == "Bearer key"
        answer = b'{"choices": [{"message": {"role": "assistant", "content": " A summary. "}}]}' if ok else b"{}"
        self.send_response(200 if ok else 401)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        pass


def test_an_endpoint_is_asked_with_openai_s_protocol() -> None:
    """The answer's text is the summary; a refusal is a clear error."""
    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/v1#small"
        task = Task(messages=[message(1, "user", "hello")])
        assert "A summary." == summarizer(address, "key")(task)
        with pytest.raises(CommandError, match="401"):
            summarizer(address)(task)
        server.shutdown()
    with pytest.raises(CommandError, match="gave no summary"):
        summarizer(address, "key")(task)


class Nonsense(BaseHTTPRequestHandler):
    """A server whose answers are none, one kind by each name of a model."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answers = {
            "page": b"HTTP/1.0 200 OK\r\n\r\n<html>",
            "deep": b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000,
            "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
            "line": b"\x00 nonsense\r\n\r\n",
        }
        self.wfile.write(answers[json.loads(body)["model"]])

    def log_message(self, *args: object) -> None:
        pass


def test_an_endpoint_that_talks_nonsense_is_a_clear_error() -> None:
    """Whatever comes instead of an answer, and whatever was written instead of an address."""
    task = Task(messages=[message(1, "user", "hello")])
    with HTTPServer(("127.0.0.1", 0), Nonsense) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for kind in ("page", "deep", "chunks", "line"):
            with pytest.raises(CommandError, match=r"gave no summary: ."):
                summarizer(f"http://127.0.0.1:{server.server_port}/v1#{kind}")(task)
        server.shutdown()
    for address in ("http://[::1/v1", "http://ex ample/v1", "http://127.0.0.1:abc/v1", "http://"):
        with pytest.raises(CommandError, match="gave no summary"):
            summarizer(address)(task)


def test_the_built_in_is_the_same_each_time_and_short() -> None:
    """Deterministic, within its tokens, in the order things were said, without acknowledgements."""
    said = [message(1, "user", "I prefer the blue hotel."), message(2, "assistant", "Noted, the blue hotel it is."),
            message(3, "user", "ok"), message(4, "user", "Let's go with the night train on 2026-05-03.")]  # fmt: skip
    text = summarizer()(Task(messages=said * 20, most=60))
    assert text == summarizer()(Task(messages=said * 20, most=60))
    assert "night train" in text
    assert "User: ok" not in text
    facts = summarizer()(Task(messages=said, kind="facts", previous="- User: I'm allergic to nuts."))
    assert ["allergic", "blue", "night train"] == [
        word for word in ("allergic", "blue", "night train") if word in facts
    ]


def test_what_came_of_it_is_told_before_what_was_about_to_be_done() -> None:
    """An agent announces each of its steps, in an earlier summary too."""
    said = [message(1, "assistant", "Now let me read theme.ts to find the cause of the wrong colours:"),
            message(2, "assistant", "The cause of the wrong colours in theme.ts is the palette index.")]  # fmt: skip
    earlier = "- Assistant: Let me look at the theme.ts palette of the wrong colours first:"
    text = summarizer()(Task(messages=said, previous=earlier, most=24))
    assert text == "- Assistant: The cause of the wrong colours in theme.ts is the palette index."


def test_what_was_asked_for_is_told_beside_what_was_explained() -> None:
    """Explanations of many sentences leave room for each short request that they answer."""
    asked = ["Scan the repository for modal logic.", "Where is the signal evaluated?", "Which schemas are incomplete?"]
    said: list[Message] = []
    for question in asked:
        one, other = question.split()[-2:]
        told = (
            "The {one} component {at} of {other} handles {one} display, opens {other} "
            "and renders {one} content from {other} data."
        )
        told = " ".join(told.format(one=one, other=other, at=at) for at in range(4))
        said.append(message(len(said) + 1, "user", question))
        said.append(message(len(said) + 1, "assistant", told))
    lines = summarizer()(Task(messages=said, most=150)).splitlines()
    assert [f"- User: {question}" for question in asked] == [line for line in lines if "User" in line]


def test_a_long_sentence_of_a_summary_is_cut_between_words() -> None:
    """And says that it goes on."""
    said = [message(1, "user", "It is about " + "extraordinarily complicated handwriting " * 30)]
    text = summarizer()(Task(messages=said))
    assert text.endswith((" extraordinarily …", " complicated …", " handwriting …"))


def test_a_context_runs_on_the_summary(store: Store) -> None:
    """What is covered comes as a summary under its label, the rest verbatim, and covered turns can still be found."""
    found = grown(store)
    run(store, found)
    made = assemble(store, found, Request(query="What does hotel 5 cost?", budget=1_500))
    assert "summary of turns 1-64" in made.wire[0]["content"]
    assert (f"{found.id}:1-64",) == made.sections["summary"].refs[-1:]
    assert made.sections["retrieved"].refs


def test_writers_meanwhile_lose_nothing_and_a_second_compactor_is_first(store: Store) -> None:
    """An append during the summary does not matter; another summary does, and is not overwritten."""
    found = grown(store)

    def how(task: Task) -> str:
        grow(store, found.id, 1)
        return "said"

    assert run(store, found, how)
    draft = SummaryDraft("rolling", 1, 2, "late", 1, "test", None, [*store.messages(found.id)][:2])
    with pytest.raises(ConflictError):
        store.summaries.add(found.id, [draft])
    assert 84 <= store.get(found.id).messages


@pytest.mark.parametrize("how", ["words", "author", "branch"])
def test_turns_that_changed_meanwhile_are_not_summarised(store: Store, how: str) -> None:
    """What was read is compared with what is there."""
    found = grown(store, 2)
    first, *turns = store.messages(found.id)
    read = {
        "words": [first._replace(text="x"), *turns],
        "author": [first._replace(author="ana"), *turns],
        "branch": [first, *turns],
    }
    if how == "branch":
        store.add(found.id, [MessageDraft(role="user", text="Otherwise?", parent=2)])
    draft = SummaryDraft("rolling", 1, 4, "x", 1, "test", None, read[how])
    with pytest.raises(ConflictError):
        store.summaries.add(found.id, [draft])
    assert [] == store.summaries.all(found.id)


def test_what_is_redacted_during_a_long_compaction_is_in_no_summary(store: Store) -> None:
    """Turns of a later step were read before: what they said then is not summarised."""
    found = store.new()
    said = ["word " * 900 for _ in range(60)]
    said[30] = f"My password: hunter2secret9. {said[30]}"
    store.add(found.id, [MessageDraft(role=("user", "assistant")[at % 2], text=text) for at, text in enumerate(said)])
    told: list[Task] = []

    def how(task: Task) -> str:
        if not told:
            assert redacting.apply(store, redacting.plan(store, [found], Redactor()))
        told.append(task)
        return " ".join(message.text[:40] for message in task.messages)

    assert run(store, store.get(found.id), how)
    assert len(told) > 2
    assert not [made for made in store.summaries.all(found.id) if "hunter2" in made.text]
    assert "hunter2" not in "".join(message.text for message in store.messages(found.id))


KILLED = """
import os, signal, sys, chatlog
from chatlog.compaction import Compaction, Options
from chatlog.summarizers import summarizer
with chatlog.open(sys.argv[1]) as store:
    found = store.conversations().items[0]
    inner, calls = summarizer(), []
    def how(task):
        calls.append(1)
        if len(calls) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(task)
    import chatlog.compaction
    chatlog.compaction.CHUNK_TOKENS = 400
    work = Compaction(store, how, "test")
    options = Options(window=1000, keep=8)
    work.apply(work.plan(found, options), options)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("when", [1, 2, 3])
def test_kill_leaves_no_half_summary(when: int, store: Store, tmp_path: Path) -> None:
    """Key facts and summary of a step are both there or neither; running again goes on in order."""
    found = grown(store)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "chatlog.db"), str(when)],
        env={**os.environ, "PYTHONPATH": str(SOURCES)}, timeout=60, check=False,
    )  # fmt: skip
    assert -signal.SIGKILL == done.returncode
    kinds = [made.kind for made in store.summaries.all(found.id)]
    assert kinds.count("facts") == kinds.count("rolling") == (when - 1) // 2
    run(store, found)
    latest = store.summaries.latest(found.id)
    assert {64} == {made.to_seq for made in latest.values()}
    assert [] == [check.name for check in store.checks() if not check.ok]


WRITER = """
import sys, chatlog
from chatlog.models import MessageDraft
with chatlog.open(sys.argv[1], synchronous="NORMAL") as store:
    name = store.conversations().items[0].id
    for number in range(40):
        asked = MessageDraft(role="user", text=f"{sys.argv[2]} {number}: the blue hotel, at 120 euros a night.")
        store.add(name, [asked, MessageDraft(role="assistant", text="Noted, the hotel.")])
"""
#: Summarises into the spans that it was given, one after the other, until the writers have written all.
COMPACTOR = """
import sys, time, chatlog
from chatlog.compaction import Compaction, Options
from chatlog.errors import ConflictError
def how(task):
    return f"{task.previous} {task.messages[0].seq}-{task.messages[-1].seq}"
with chatlog.open(sys.argv[1], synchronous="NORMAL") as store:
    name = store.conversations().items[0].id
    work, options = Compaction(store, how, "test"), Options(window=400, keep=8)
    done = False
    while not done:
        done = store.get(name).messages == 160
        try:
            work.apply(work.plan(store.get(name), options), options)
        except ConflictError:
            continue
"""


def test_two_writers_and_two_compactors_lose_nothing_and_take_no_turn_twice(store: Store, tmp_path: Path) -> None:
    """Four processes at once: every message is there, and the spans of the summaries follow each other to the end."""
    found = store.new(ConversationDraft(title="Trip"))
    path = str(tmp_path / "chatlog.db")
    scripts = [(WRITER, "one"), (WRITER, "two"), (COMPACTOR, "three"), (COMPACTOR, "four")]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    running = [
        subprocess.Popen([sys.executable, "-c", script, path, name], env=environment, stderr=subprocess.PIPE)
        for script, name in scripts
    ]
    assert [(0, b"")] * 4 == [(process.wait(120), process.communicate()[1]) for process in running]
    said = sorted(made.text.partition(":")[0] for made in store.messages(found.id) if made.role == "user")
    assert sorted(f"{name} {number}" for name in ("one", "two") for number in range(40)) == said
    latest = store.summaries.latest(found.id)
    for kind, made in latest.items():
        spans = [tuple(map(int, span.split("-"))) for span in made.text.split()]
        assert (1, made.to_seq) == (spans[0][0], spans[-1][1]), kind
        assert [last + 1 for _, last in spans[:-1]] == [first for first, _ in spans[1:]], kind
    assert {144} == {made.to_seq for made in latest.values()}
    assert [] == [check.name for check in store.checks() if not check.ok]
