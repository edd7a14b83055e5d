"""SWE-agent's trajectories: the ``.traj`` file of a run, with the history its model saw.

Reads the history, a demonstration in it hidden, with the run's times and states beside each answer; where there
is no history, what the first step was asked with, and the steps.  Of several attempts at a task, those that were
not chosen are branches.  Trajectories lie below each run's output folder.
The messages of mini-swe-agent's ``.traj.json`` are `swe_mini`'s matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from chatlog.formats import MALFORMED, Head, anthropic_messages, build, ids, openai_content, swe_mini
from chatlog.formats.build import Row
from chatlog.formats.calls import Calls
from chatlog.formats.records import misshapen, recovered
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft, Problem, Record

#: Where mini-swe-agent keeps its settings and its last run.
_MINI_HOMES = ("~/.config/mini-swe-agent", "~/Library/Application Support/mini-swe-agent", "$MSWEA_GLOBAL_CONFIG_DIR")
LOCATIONS: tuple[str, ...] = (
    "~/SWE-agent/trajectories/**/*.traj",
    "~/swe-agent/trajectories/**/*.traj",
    *(f"{home}/last_mini_run.traj.json" for home in _MINI_HOMES),
)

#: Facts of a step that its history does not tell.
_STEP_FACTS = ("execution_time", "state", "extra_info")
_CONVERSATION_FACTS = ("environment", "info", "replay_config", "trajectory_format", "instance_id")
_ROW_TOLD = frozenset({"is_demo", "tool_call_ids", "message_type", "agent", "thinking_blocks"})
_MAIN = ("main", "primary")
#: So many first messages at least, the first answer among them, tell one run from another of the same name.
_TELLING = 3


def sniff(head: Head) -> bool:
    """Say whether this is a trajectory of SWE-agent or mini-swe-agent."""
    if not head.is_object:
        return False
    if head.keys.isdisjoint(("trajectory", "history", "attempts")):
        return swe_mini.sniff(head)
    if (step := head.first_in("trajectory")) is not None:
        return {"action", "observation"} <= step
    is_row = {"role", "content", "agent"} <= (head.first_in("history") or set())
    return is_row or ("trajectory" in head.keys and "info" in head.keys)


def read(source: Source) -> Iterator[Record]:
    """Yield the run's conversation and its messages."""
    run, problems = recovered(source, "trajectory")
    yield from problems
    if not isinstance(run, dict):
        yield Problem("", "not a trajectory of SWE-agent")
        return
    try:
        yield from _run(run, source.stem)
    except MALFORMED as error:
        yield misshapen("", error, "not a trajectory of SWE-agent")


def _run(run: Row, stem: str) -> Iterator[Record]:
    if swe_mini.is_run(run):
        told = list(swe_mini.messages(run["messages"]))
        spoken = [record for record in told if isinstance(record, MessageDraft)]
        yield from _conversation(run, stem.removesuffix(".traj"), spoken, swe_mini.model(run))
        yield from told
        return
    read = [_read(attempt) for attempt in (run, *_others(run))]
    chosen = read[0][0]
    yield from _conversation(run, stem, chosen, _model(build.parsed(run.get("replay_config"))))
    yield from {message.source_id: message for messages, _, _ in read for message in messages}.values()
    for _, problems, _ in read:
        yield from problems
    yield from build.left_out(sum((counts for _, _, counts in read), Counter()))


def _others(run: Row) -> Iterator[Row]:
    """Yield the attempts at a task that were not chosen, which begin as the chosen one does and part from it."""
    attempts = [attempt for attempt in run.get("attempts") or () if isinstance(attempt, dict)]
    yield from (attempt for attempt in attempts if attempt.get("history") != run.get("history"))


def _read(run: Row) -> tuple[list[MessageDraft], list[Problem], Counter[str]]:
    """Return the messages of one attempt, what is none, and what of its steps is left out."""
    steps = [step for step in run.get("trajectory") or () if isinstance(step, dict)]
    rows = run.get("history") or [*(_seen(steps[0]) if steps else ()), *_rows_of(steps)]
    messages, problems = _messages(rows, steps)
    counts = Counter({
        "times and states of steps that no answer is known to belong to": len(steps) * (_answers(rows) != len(steps)),
        "copies of the history, as steps were asked with it": sum(bool(_seen(step)) for step in steps),
    })  # fmt: skip
    return messages, problems, counts


def _seen(step: Row) -> list[Any]:
    """Return the history as a step's model saw it, where the step tells."""
    return build.listed(step.get("query") or step.get("messages"))


def _conversation(run: Row, stem: str, messages: list[MessageDraft], model: str | None) -> Iterator[Record]:
    """Yield a run's conversation, known by its file's name and how it began."""
    telling = max(_TELLING, len(ids.opening(messages)) + 1)
    name = None if stem == "-" else stem
    facts = {key: build.parsed(run.get(key)) for key in _CONVERSATION_FACTS}
    if run.get("attempts"):
        facts["attempts"] = [attempt.get("info") for attempt in run["attempts"] if isinstance(attempt, dict)]
    if messages or name:
        yield ConversationDraft(
            source_id=f"{stem}-{ids.derived_conversation_id(messages[:telling])[2:18]}",
            title=name,
            model=model,
            head=messages[-1].source_id if messages and "attempts" in facts else None,
            metadata=build.compact(facts),
        )


def _model(config: Any) -> str | None:
    """Return the model that a run's configuration names."""
    name = build.within(config, "agent", "model", "name")
    return name if isinstance(name, str) else None


def _rows_of(steps: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Yield the history that steps tell, where there is no other."""
    for step in steps:
        said = {"content": step.get("response") or step.get("thought") or "", "action": step.get("action")}
        yield {"role": "assistant", **said, "thought": step.get("thought")}
        yield {"role": "tool", "content": step.get("observation")}


def _is_answer(row: Any) -> bool:
    return isinstance(row, dict) and row.get("role") == "assistant" and "action" in row and not row.get("is_demo")


def _answers(rows: Iterable[Any]) -> int:
    return sum(map(_is_answer, rows))


def _messages(rows: Sequence[Any], steps: Sequence[Row]) -> tuple[list[MessageDraft], list[Problem]]:
    messages: list[MessageDraft] = []
    problems: list[Problem] = []
    chain, calls, acted = ids.Chain(), Calls(), False
    beside = iter(steps if _answers(rows) == len(steps) else ())
    for number, row in enumerate(rows, 1):
        step = next(beside, None) if _is_answer(row) else None
        try:
            messages.append(chain.link(_message(row, calls, step or {}, answers_action=acted)))
            acted = row.get("role") == "assistant" and bool(row.get("action"))
        except MALFORMED as error:
            problems.append(misshapen(f"message {number}", error))
    return messages, problems


def _message(row: Row, calls: Calls, step: Row, *, answers_action: bool) -> MessageDraft:
    """Return the draft of a row of the history; what answers an action is a tool's, whoever it was sent as."""
    value = build.without(row, _ROW_TOLD)
    if row.get("tool_call_ids"):
        value["tool_call_id"] = row["tool_call_ids"][0]
    if answers_action and row["role"] == "user":
        value["role"] = "tool"
    made = openai_content.message(value, calls)
    thoughts = tuple(anthropic_messages.part(block) for block in row.get("thinking_blocks") or ())
    agent, is_demo = row.get("agent"), bool(row.get("is_demo"))
    return made._replace(
        parts=(*thoughts, *made.all_parts()) if thoughts else made.parts,
        author=build.word(agent) if made.role == "assistant" and agent not in _MAIN else made.author,
        hidden=is_demo,
        metadata=_facts(made, step, is_demo=is_demo),
    )


def _facts(made: MessageDraft, step: Row, *, is_demo: bool) -> dict[str, Any]:
    told = build.rest({key: step.get(key) for key in _STEP_FACTS})
    facts = {**made.metadata, **{key: build.parsed(fact) for key, fact in told.items()}}
    if str(facts.get("thought", "")).strip() in made.text:
        facts.pop("thought", None)
    return {**facts, "hidden_reason": "demonstration"} if is_demo else facts
