"""Which turns are summarised, when, and keeping what came of it; the messages themselves are never touched.

A plan is made first and says what would happen; applying it is one compare-and-swap, so that a crash leaves
nothing half done and two processes never summarise the same turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from chatlog.errors import ConflictError, NotFoundError
from chatlog.levels import LEAST_TURNS, Level, kept_exchanges, level_of
from chatlog.models import Conversation, Message
from chatlog.quoting import beginning
from chatlog.store import Store
from chatlog.store.summaries import NOTHING, Summary, SummaryDraft
from chatlog.store.window import Counted
from chatlog.summarizers import Summarizer, Task
from chatlog.telemetry import traced
from chatlog.tokens import Tokenizer, counter, tokenizer_for
from chatlog.wireforms import message_counter

#: A summariser is given so many tokens of turns at a time; a longer backlog is caught up in order.
CHUNK_TOKENS = 12_000
#: The most tokens of a summary, where a summariser did not keep to what it was asked for.
LONGEST = 600
_PAGE = 256
#: How often a plan is made anew where the conversation changed meanwhile.
_TRIES = 4


@dataclass(frozen=True, kw_only=True)
class Options:
    """When and how: the window in tokens, only what is due, how many exchanges stay verbatim."""

    window: int
    due: bool = False
    keep: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What compacting a conversation would do; `reason` says why nothing, where there is nothing to do.

    `turns` are not summarised yet, from `since` to `to_seq`; lag is how much and how long they have waited.
    """

    conversation: Conversation
    level: Level
    total: int
    turns: tuple[Counted, ...] = ()
    since: int = 0
    to_seq: int = 0
    lag_tokens: int = 0
    lag_seconds: int = 0
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Return the machine form."""
        return {
            "id": self.conversation.id,
            "title": self.conversation.title,
            "level": self.level,
            "tokens": self.total,
            "from_seq": self.since or None,
            "to_seq": self.to_seq or None,
            "messages": len(self.turns),
            "lag_tokens": self.lag_tokens,
            "lag_seconds": self.lag_seconds,
            "reason": self.reason or None,
        }


class Compaction:
    """Plans and keeps summaries of one store's conversations."""

    def __init__(self, store: Store, summarize: Summarizer, method: str) -> None:
        self.store = store
        self.summarize = summarize
        self.method = method

    def plan(self, conversation: Conversation, options: Options) -> Plan:
        """Return what compacting would do now; nothing to a conversation that is gone since it was chosen."""
        try:
            return self._plan(conversation, options)
        except NotFoundError:
            return Plan(conversation=conversation, level="normal", total=0, reason="gone meanwhile")

    def _plan(self, conversation: Conversation, options: Options) -> Plan:
        tokenizer = tokenizer_for(conversation.model)
        count = counter(tokenizer.encoding)
        opening = self.store.windows.opening(conversation.id, tokenizer.encoding, message_counter(count))
        total = tokenizer.billed(opening.tokens)
        level = level_of(total, options.window)
        if options.due and level == "normal":  # most of a history: known by its length, without reading it
            return Plan(conversation=conversation, level=level, total=total, reason="not due")
        covered = max((found.to_seq for found in self.store.summaries.latest(conversation.id).values()), default=0)
        fresh = self._since(conversation.id, tokenizer, covered)
        turns = fresh[: _boundary(fresh, options, conversation.model)]
        reason = _reason(turns, tokenizer.billed(_tokens(fresh)), options)
        if reason:
            return Plan(conversation=conversation, level=level, total=total, reason=reason)
        return Plan(
            conversation=conversation, level=level, total=total, turns=tuple(turns),
            since=turns[0].message.seq, to_seq=turns[-1].message.seq,
            lag_tokens=tokenizer.billed(_tokens(turns)), lag_seconds=_lag(turns[0].message, self.store.clock()),
        )  # fmt: skip

    def _since(self, name: str, tokenizer: Tokenizer, covered: int) -> list[Counted]:
        """Return the visible messages behind the last summary, in order."""
        count = message_counter(counter(tokenizer.encoding))
        found: list[Counted] = []
        before: int | None = None
        while True:
            page = self.store.windows.tail(name, tokenizer.encoding, count, before=before, limit=_PAGE)
            fresh = [turn for turn in page if turn.message.seq > covered]
            found = fresh + found
            if len(page) < _PAGE or len(fresh) < len(page):
                return [turn for turn in found if _is_said(turn.message)]
            before = page[0].message.seq

    @traced("compact")
    def apply(self, plan: Plan, options: Options) -> list[Summary]:
        """Summarise what the plan says, the oldest first, and return the summaries as stored.

        Raises CommandError where the summariser fails; what was stored before that stays.
        """
        stored: list[Summary] = []
        tries = 0
        while plan.turns:
            chunk = _chunk(plan.turns)
            try:
                stored += self._step(plan, chunk)
            except ConflictError:
                tries += 1
                if tries == _TRIES:
                    raise
                plan = self.plan(self.store.get(plan.conversation.id), options)
                continue
            plan = replace(plan, turns=plan.turns[len(chunk) :])
        return stored

    def _step(self, plan: Plan, chunk: Sequence[Counted]) -> list[Summary]:
        """Summarise one chunk; all that is made of it is kept at once."""
        name = plan.conversation.id
        latest = self.store.summaries.latest(name)
        wanted = ["facts", "rolling"] if plan.level in ("facts", "notify") else ["rolling"]
        drafts = [self._draft(kind, latest, [turn.message for turn in chunk]) for kind in wanted]
        return self.store.summaries.add(name, [draft for draft in drafts if draft is not None])

    def _draft(self, kind: str, latest: Mapping[str, Summary], turns: Sequence[Message]) -> SummaryDraft | None:
        """Return what is made of a chunk and what is known: for facts that are behind, the rolling summary as well."""
        own, rolling = latest.get(kind), latest.get("rolling")
        known = [own] if own else []
        if rolling and (own is None or rolling.to_seq > own.to_seq):
            known.append(rolling)
        fresh = [turn for turn in turns if not known or turn.seq > known[-1].to_seq]
        if not fresh:
            return None
        previous = "\n".join(one.text for one in known if one.text != NOTHING)
        task = Task(messages=fresh, previous=previous, kind=kind)
        text = self.summarize(task).strip() or previous or NOTHING
        count = counter(tokenizer_for(None).encoding)
        text = beginning(text, LONGEST, count)
        first = known[0].from_seq if known else turns[0].seq
        return SummaryDraft(kind, first, turns[-1].seq, text, count(text), self.method, own.id if own else None, turns)


def _is_said(message: Message) -> bool:
    """Whether it is a turn, and no system prompt: those are sent as they are."""
    return not message.hidden and message.role not in ("system", "developer")


def _boundary(turns: Sequence[Counted], options: Options, model: str | None) -> int:
    """Return where the turns that stay verbatim begin: at a user's message, the last 8 to 15 exchanges.

    A user's message at the end waits for its answer, and stays, however many exchanges are to be kept.
    """
    if options.keep == 0:
        return len(turns) - bool(turns and turns[-1].message.role == "user")
    starts = [at for at in range(len(turns)) if _opens(turns, at)]
    costs = [_tokens(turns[start:end]) for start, end in pairwise([*starts, len(turns)])]
    kept = min(options.keep or kept_exchanges(costs, model, options.window), len(starts))
    return starts[-kept] if kept else 0


def _opens(turns: Sequence[Counted], at: int) -> bool:
    return turns[at].message.role == "user" and (at == 0 or turns[at - 1].message.role != "user")


def _tokens(turns: Sequence[Counted]) -> int:
    return sum(turn.tokens for turn in turns)


def _reason(turns: Sequence[Counted], waiting: int, options: Options) -> str:
    """Return why there is nothing to do, nothing where there is something."""
    if len(turns) < (LEAST_TURNS if options.due else 2):
        return "nothing beyond the recent turns"
    if options.due and level_of(waiting, options.window) == "normal":
        return "not due again"
    return ""


def _lag(oldest: Message, now: datetime) -> int:
    """Return for how many seconds the oldest turn has waited for its summary."""
    return max(int((now - datetime.fromisoformat(oldest.created_at)).total_seconds()), 0)


def _chunk(turns: Sequence[Counted]) -> Sequence[Counted]:
    """Return the first turns, as many as a summariser is given at a time, whole exchanges where possible."""
    spent = 0
    for at, turn in enumerate(turns):
        spent += turn.tokens
        if spent > CHUNK_TOKENS and at:
            ends = [end for end in range(1, at + 1) if turns[end].message.role == "user"]
            return turns[: ends[-1] if ends else at]
    return turns
