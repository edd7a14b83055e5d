"""Fits a conversation into a token budget for one wire form: the store's side of `assembly`.

It reads what may be chosen, an amount bounded by the budget and not by the conversation's length, and reports what
was chosen, what it costs, and how full the window is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from chatlog.assembly import choose
from chatlog.chosen import Left, Section
from chatlog.embedders import DEFAULT, Embedder
from chatlog.errors import BudgetError, UsageError, choices_hint
from chatlog.importance import key_sentences
from chatlog.levels import level_of, window_for
from chatlog.material import Material, Pause
from chatlog.models import Conversation, Filters, Message
from chatlog.query import SENTENCE_END, bare
from chatlog.quoting import word_set
from chatlog.recent import AROUND, SHORT
from chatlog.results import SearchOptions
from chatlog.retrieval import Scored, by_worth
from chatlog.search import search_messages
from chatlog.stopwords import stop_words_of
from chatlog.store import Store
from chatlog.store.summaries import NOTHING, Summary
from chatlog.store.window import Counted, Remembered
from chatlog.telemetry import traced
from chatlog.timespec import iso
from chatlog.tokens import Counter, Tokenizer, counter, learned_factor, tokenizer_for
from chatlog.wireforms import FORMS, message_counter

#: One part in this many of a model's window is left for the answer, unless --reserve says otherwise.
_ANSWER_SHARE = 8
#: What to tell the user, by how full the conversation makes the budget.
_MEANINGS = {
    "summarize": "chatlog compact summarises the oldest turns",
    "facts": "older turns are better kept as key facts: chatlog compact",
    "notify": "it runs on summaries and retrieved turns",
}
#: The newest messages are read in pages of this size, and up to this many in all.
_PAGE, _MOST_READ = 128, 4_000
#: So many messages before a pause are looked through for what was settled.
_BEFORE_PAUSE = 24
#: The tokens that most forms add to a turn, and those that a summary's label costs.
_TURN, _LABEL = 4, 20
#: Of a long message, this many characters at each end are taken as the question.
_QUESTION_CHARS = 1_500


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for.

    `budget` and `reserve` are in the model's tokens, `gap` is the shortest pause that is worth a reminder, `embedder`
    is what the search for earlier turns compares meanings by.
    """

    query: str | None = None
    budget: int | None = None
    model: str | None = None
    reserve: int | None = None
    form: str = "openai"
    gap: timedelta = timedelta(days=3)
    embedder: str | Embedder = DEFAULT


@dataclass(frozen=True, kw_only=True)
class Context:
    """An assembled context: `wire` in the form asked for, what it costs, and where each part comes from."""

    conversation: str
    form: str
    wire: Any
    tokens: int
    budget: int
    reserve: int
    level: str
    total: int
    tokenizer: Tokenizer
    sections: Mapping[str, Section] = field(default_factory=dict)
    omitted: tuple[Left, ...] = ()
    warnings: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return the machine form (CLI.md section 3)."""
        beside = {key: value for key, value in self.wire.items() if key not in _TURNS} if _is_object(self.wire) else {}
        return {
            "conversation": self.conversation,
            "form": self.form,
            "messages": FORMS[self.form].turns(self.wire),
            **beside,
            "tokens": self.tokens,
            "budget": self.budget,
            "reserve": self.reserve,
            "level": self.level,
            "conversation_tokens": self.total,
            "encoding": self.tokenizer.encoding,
            "factor": self.tokenizer.factor,
            "sections": {
                name: {"tokens": self.tokenizer.billed(section.tokens), "refs": list(section.refs)}
                for name, section in self.sections.items()
            },
            "omitted": [_left(left) for left in self.omitted],
            "warnings": list(self.warnings),
        }


_TURNS = ("messages", "contents")


def _is_object(wire: Any) -> bool:
    return isinstance(wire, Mapping)


def _left(left: Left) -> dict[str, Any]:
    told: dict[str, Any] = {"ref": left.ref, "reason": left.reason, "tokens": left.tokens}
    return {**told, "last": left.last} if left.last else told


def plain_words(text: str) -> str:
    """Return only the words of a text and where its sentences end, so that nothing in it is taken for query syntax."""
    if len(text) > 2 * _QUESTION_CHARS:
        text = f"{text[:_QUESTION_CHARS]} {text[-_QUESTION_CHARS:]}"
    return " ".join(re.findall(rf"\w[\w'’]*(?:[-./_]\w+)*(?:\s*{SENTENCE_END.pattern})?", text))


@traced("assemble")
def assemble(store: Store, conversation: Conversation, request: Request) -> Context:
    """Return the context of a conversation.

    Raises BudgetError if not even the system prompt and the new message fit, UsageError if there is nothing to send
    or no such form.
    """
    if request.form not in FORMS:
        raise UsageError(f"'{request.form}' is not a form of a context", choices_hint(request.form, FORMS))
    reading = _Reading(store, conversation, request)
    usable = reading.tokenizer.affordable(max(reading.budget - reading.reserve, 0))
    material = reading.material(usable)
    if not (material.turns or material.summaries or material.system or (request.query or "").strip()):
        raise UsageError("the conversation is empty and there is no query", "add a message, or give --query")
    chosen = choose(material, usable, FORMS[request.form], reading.count)
    if isinstance(chosen, int):
        needed = reading.tokenizer.billed(chosen) + reading.reserve
        raise BudgetError(
            f"a budget of {reading.budget:,} tokens cannot hold the system prompt and the new message",
            f"they need {needed:,}" + (f", {reading.reserve:,} of them for the answer" if reading.reserve else ""),
        )
    tokens = reading.tokenizer.billed(chosen.tokens)
    level, warnings = reading.level()
    return Context(
        conversation=conversation.id,
        form=request.form,
        wire=chosen.wire,
        tokens=tokens,
        budget=reading.budget,
        reserve=reading.reserve,
        level=level,
        total=reading.total,
        tokenizer=reading.tokenizer,
        sections=chosen.sections,
        omitted=chosen.omitted,
        warnings=warnings,
    )


class _Reading:
    """What one assembly reads from the store."""

    def __init__(self, store: Store, conversation: Conversation, request: Request) -> None:
        self.store = store
        self.conversation = conversation
        self.request = request
        self.windows = store.windows
        model = request.model or conversation.model
        self.tokenizer = tokenizer_for(model)
        self.count: Counter = counter(self.tokenizer.encoding)
        self.tokens_of = message_counter(self.count)
        if self.tokenizer.factor != 1.0:
            self.tokenizer = tokenizer_for(model, self._learned())
        self.reserve = self._reserve()
        self.budget = self._budget()
        self.opening = self.windows.opening(conversation.id, self.tokenizer.encoding, self.tokens_of)
        self.total = self.tokenizer.billed(self.opening.tokens)

    def _learned(self) -> float | None:
        """Return the factor learned from the usage that the API reported for the last answers."""
        found = self.windows.tail(self.conversation.id, self.tokenizer.encoding, self.tokens_of, limit=64)
        return learned_factor(
            (turn.tokens, used) for turn in found if (used := _reported(turn.message)) and not turn.message.hidden
        )

    def _reserve(self) -> int:
        if self.request.reserve is not None:
            return self.request.reserve
        window = self.tokenizer.window if self.request.budget is None else 0
        return min(window // _ANSWER_SHARE, 4_096)

    def _budget(self) -> int:
        return window_for(self.request.model or self.conversation.model, self.request.budget)

    def level(self) -> tuple[str, tuple[str, ...]]:
        """Return how full the budget would be with the whole conversation, and the warnings that this calls for."""
        tokens = self.total + self.tokenizer.billed(self.count(self.request.query or ""))
        level = level_of(tokens, self.budget)
        if level == "normal":
            return level, ()
        return level, (f"the conversation is {_times(tokens, self.budget)} the budget: {_MEANINGS[level]}",)

    def material(self, usable: int) -> Material:
        """Return what may be chosen from."""
        name = self.conversation.id
        summaries = self._summaries(usable)
        covered = max((found.to_seq for found in summaries.values()), default=0)
        last = self.opening.last
        if last is not None and last <= covered and self._waits(last):
            covered = last - 1  # a question that waits stays verbatim, even if a summary covers it
        tail, is_whole = self._tail(usable, covered)
        return Material(
            conversation=name,
            tail=tail,
            is_whole=is_whole,
            total=self.opening.tokens,
            system=self.opening.system,
            first_asked=self.opening.asked,
            kept=self.opening.kept,
            summaries=_told(summaries),
            asked=self.windows.asked(name, tail[0].message.seq) if tail else None,
            pause=self._pause(tail),
            query=self.request.query,
            memories=lambda question: relevant(self.windows.memories(), question),
            hits=cache(partial(self._hits, usable)),
        )

    def _pause(self, tail: Sequence[Counted]) -> Pause | None:
        """Return the last pause among the newest messages, told of those before it wherever the tail begins."""
        found = pause_in(tail, self.store.clock(), self.request.gap)
        if found is None:
            return None
        last, after = found
        before = self.windows.tail(
            self.conversation.id, self.tokenizer.encoding, self.tokens_of, before=last.seq + 1, limit=_BEFORE_PAUSE
        )
        seen = [turn.message for turn in before if not turn.message.hidden]
        return Pause(after, _reminder(seen, self.conversation.title, last))

    def _summaries(self, usable: int) -> Mapping[str, Summary]:
        """Return the summaries by kind; none if all of it fits and the covered turns cost no more than they do."""
        found = self.store.summaries.latest(self.conversation.id)
        asked = self.count(self.request.query or "")
        all_of_it = self.opening.tokens + AROUND * self.opening.messages + asked
        if not found or all_of_it > usable * SHORT:
            return found
        covered = max(one.to_seq for one in found.values())
        old = self.windows.tail(
            self.conversation.id, self.tokenizer.encoding, self.tokens_of, before=covered + 1, limit=_PAGE
        )
        price = sum(turn.tokens + _TURN for turn in old if not turn.message.hidden)
        is_short = len(old) < _PAGE and price <= sum(self.count(one.text) + _LABEL for one in found.values())
        return {} if is_short else found

    def _waits(self, last: int) -> bool:
        """Whether the last message is a user's, and so waits for an answer."""
        asked = self.windows.asked(self.conversation.id, last + 1)
        return asked is not None and asked.seq == last

    def _tail(self, usable: int, covered: int) -> tuple[list[Counted], bool]:
        """Return the newest messages not summarised, as many as could fit once shortened, and whether these are all.

        They start at a call rather than at its result.
        """
        found: list[Counted] = []
        cap, spent, before, page = max(usable // 20, 64), 0, None, min(_PAGE, max(usable // 32, 16))
        while len(found) < _MOST_READ and (spent <= usable * 1.1 or found[0].message.role == "tool"):
            # one by one to the call of a result: calls and results alternate, so pages might never begin at one
            limit = page if spent <= usable * 1.1 else 1
            read = self.windows.tail(
                self.conversation.id, self.tokenizer.encoding, self.tokens_of, before=before, limit=limit
            )
            fresh = [turn for turn in read if turn.message.seq > covered]
            found = fresh + found
            spent += sum(min(turn.tokens, cap) for turn in fresh)
            if len(read) < limit or len(fresh) < len(read):
                return found, True
            before = read[0].message.seq
        return found, False

    def _hits(self, usable: int, question: str, before: int | None) -> Sequence[Message]:
        """Return the turns that search finds for a question, those on the active path, by what they are worth."""
        name, words = self.conversation.id, plain_words(question)
        mean = self.opening.tokens / max(self.opening.messages, 1)  # many more than fit are of no use
        limit = min(max(int(1.1 * usable / max(mean, 1)), 30), 120)
        options = SearchOptions(mode="hybrid", limit=limit, embedder=self.request.embedder)
        items = search_messages(self.store, words, Filters(ids=(name,), before=before), options).items
        active = self.windows.active(name, [item.message.seq for item in items])
        found = [Scored(item.message, item.score) for item in items if item.message.seq in active]
        return by_worth(found, _telling(words))


def _told(summaries: Mapping[str, Summary]) -> list[Summary]:
    """Return the summaries to tell: no list of facts where there are none."""
    found = [summaries[kind] for kind in ("facts", "rolling") if kind in summaries]
    return [one for one in found if one.text != NOTHING] or found[-1:]


def _times(tokens: int, budget: int) -> str:
    share = tokens / max(budget, 1)
    return f"{share:.0%} of" if share < 2 else f"{share:,.{int(share < 10)}f} times"


def _reported(message: Message) -> int | None:
    """Return the tokens that the API reported for a plain-text answer."""
    usage = message.metadata.get("usage")
    if message.role != "assistant" or message.parts is not None or not isinstance(usage, Mapping):
        return None
    used = usage.get("output_tokens", usage.get("completion_tokens"))
    return used if isinstance(used, int) and not isinstance(used, bool) else None


def pause_in(tail: Sequence[Counted], now: datetime, gap: timedelta) -> tuple[Message, int] | None:
    """Return the last message before the last pause of at least `gap`, and the number of the next one."""
    later, following = iso(now), 1 << 62
    for turn in reversed(tail):
        if turn.message.hidden:
            continue
        before = turn.message.created_at
        if later[:10] != before[:10] and _moment(later) - _moment(before) >= gap:
            return turn.message, following
        later, following = before, turn.message.seq
    return None


def _moment(stored: str) -> datetime:
    return datetime.fromisoformat(stored)


def _reminder(before: Sequence[Message], title: str | None, last: Message) -> str:
    """Return when the conversation paused, what it was about, and what was settled."""
    lines = [f"The conversation paused on {last.created_at[:10]}." + (f" It was about: {title}" if title else "")]
    settled = key_sentences(reversed(before), 3)
    if settled:
        lines.append("Settled then: " + " / ".join(sentence[:200] for _, sentence in reversed(settled)))
    return "\n".join(lines)


def relevant(memories: Iterable[Remembered], question: str) -> list[Remembered]:
    """Return the memories that share words with a question, those that share most first; "the" is shared by all."""
    asked = _telling(plain_words(question)) or word_set(question)
    scored = [(len(asked & word_set(_words_of(memory))), memory) for memory in memories]
    return [memory for score, memory in sorted(scored, key=lambda pair: -pair[0]) if score]


def _telling(words: str) -> frozenset[str]:
    """Return the words that say what a question is about, none where it has only stop words."""
    asked = {bare(word) for word in words.split()}
    return word_set(" ".join(asked - stop_words_of(asked)))


def _words_of(memory: Remembered) -> str:
    return f"{memory.namespace} {memory.key} {memory.value} {' '.join(memory.tags)}".replace("_", " ")
