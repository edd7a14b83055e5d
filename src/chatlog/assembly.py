"""Chooses which parts of a conversation fit a token budget: the pure core of context assembly.

It is given everything it may choose from and says why it took or left each part; it knows no store and no clock.
Whatever changes from call to call (memories, retrieved turns) goes with the newest message, so that everything before
it stays byte for byte the same; the window of verbatim turns moves in steps for the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any

from chatlog.chosen import WHY, Chosen, Left, Section
from chatlog.formats.turns import Step, steps
from chatlog.material import Material
from chatlog.models import Message, as_text, text_parts
from chatlog.quoting import BETWEEN, CONTINUE, beginning, labelled, polished, said, signed, speaker, unstored, word_set
from chatlog.recent import AROUND, Window, fitted
from chatlog.retrieval import Quotes
from chatlog.store.summaries import Summary
from chatlog.store.window import Counted
from chatlog.tokens import Counter
from chatlog.wireforms import NAMELESS, Form

#: Shares of what the system prompts leave of the budget, for summaries, pinned turns, the reminder after a pause, and
#: memories.
_SUMMARY, _KEPT, _PAUSE, _MEMORY = 0.25, 0.15, 0.05, 0.05
#: The reminder after a pause gets at least this many tokens.
_LEAST_PAUSE = 32
#: The share of the verbatim turns where a separate question is asked, by budget: in a small budget, retrieved turns
#: come first.
_ASKED = ((1_000, 0.06), (2_000, 0.12), (4_000, 0.25), (8_000, 0.5), (16_000, 0.7))
#: Without a separate question, retrieved turns get this many tokens, or the first share of the budget where that is
#: more, but never more than the second: they change from call to call, so that no provider can cache them.
_QUOTED, _QUOTED_SHARE, _QUOTED_MOST = 600, 0.08, 0.35
#: The share then kept free for the new message, so that its length does not move the window.
_NEW_MESSAGE = 0.06
#: With a separate question, room that retrieval leaves unused goes to older turns if it is at least this share.
_SPARE = 0.08


def choose(material: Material, budget: int, form: Form, count: Counter) -> Chosen | int:
    """Return a context of at most `budget` tokens; where that is impossible, the smallest budget that would do."""
    bare = Assembly(material, budget, form, count)
    if bare.minimum > budget:
        return bare.minimum
    allowed = budget
    while allowed >= bare.minimum:
        chosen = Assembly(material, allowed, form, count).chosen()
        if chosen.tokens <= budget:
            return chosen
        allowed -= max(chosen.tokens - budget, allowed // 20, 8)
    return bare.least()


def _quoted_share(budget: int) -> float:
    """Return the share of a budget that retrieved turns get where no separate question is asked."""
    return min(max(_QUOTED / budget, _QUOTED_SHARE), _QUOTED_MOST)


def _recent_share(budget: int, *, asked: bool) -> float:
    """Return the share of a budget that the verbatim turns get."""
    if not asked:
        return 1 - _quoted_share(budget) - _MEMORY - _NEW_MESSAGE
    low = _ASKED[0]
    for high in _ASKED:
        if budget <= high[0]:
            span = high[0] - low[0]
            return low[1] + (high[1] - low[1]) * ((budget - low[0]) / span if span else 0)
        low = high
    return low[1]


class Assembly:
    """One attempt to fill a budget: estimates guide the choice, but what counts is the price of the wire form."""

    def __init__(self, material: Material, budget: int, form: Form, count: Counter) -> None:
        self.material = material
        self.budget = budget
        self.form = form
        self.count = count
        self.omitted: dict[str, list[Left]] = {}
        self.refs: dict[str, tuple[str, ...]] = {}
        self.texts: dict[str, int] = {}

    # what must be there

    @cached_property
    def system(self) -> list[Step]:
        """The system prompts as one step: those before the first turn, and later ones while there is room."""
        taken, refused = self._prompts(self.budget // 10)
        return self._system_step(taken, refused)

    def _system_step(self, prompts: Sequence[Message], refused: Sequence[Message]) -> list[Step]:
        self.omitted["system"] = [
            Left(found.ref, "a later system prompt, no room", self.count(found.text)) for found in refused
        ]
        text = "\n\n".join(dict.fromkeys(found.text for found in prompts))
        self._note("system", text, [found.ref for found in prompts])
        return [Step("system", None, text_parts(text))] if text else []

    def _prompts(self, spare: int) -> tuple[list[Message], list[Message]]:
        """Return the system prompts to send, later ones only up to `spare` tokens, and those to leave out."""
        said = [found for found in self.material.system if found.text.strip()]
        first = self.material.first_asked  # not the tail's first: the smaller the budget, the later the tail begins
        taken = [found for found in said if first is None or found.seq < first] or said[:1]
        refused: list[Message] = []
        for later in said[len(taken) :]:
            price = self.count(later.text) + 2
            (taken if price <= spare else refused).append(later)
            spare -= price if price <= spare else 0
        return taken, refused

    @cached_property
    def free(self) -> int:
        """What the system prompts leave of the budget."""
        return max(self.budget - (self._price(self.system) if self.system else 0), 1)

    @cached_property
    def newest(self) -> list[Step]:
        """The new message as a step: the messages that wait for an answer, and the question."""
        found = list(steps(self.material.pending))
        if self.material.new_query is not None:
            found.append(Step("user", None, text_parts(self.material.new_query)))
        return polished(found, self.form.name) if found else []

    @cached_property
    def minimum(self) -> int:
        """The tokens of what cannot be left out."""
        return self._price(self._least())

    def _least(self) -> list[Step]:
        system = self._system_step(*self._prompts(0))
        return polished([*system, *(self.newest or steps(self._shortest()[0]))], self.form.name)

    def _shortest(self) -> tuple[list[Message], list[Counted]]:
        """Return the last answer as short as it can be, and as it is; nothing where a question makes up for it."""
        last = [] if self.newest else self._last_group()
        return [fitted(turn.message, 16, 64, self.count) for turn in last], last

    def _last_group(self) -> list[Counted]:
        """Return the last answer with its tool calls and their results; where there are only results, the last one."""
        turns = self.material.turns
        answers = [at for at, turn in enumerate(turns) if turn.message.role != "tool"]
        shown = [at for at in answers if not turns[at].message.hidden]
        return turns[(shown or answers or [-1])[-1] :]

    def least(self) -> Chosen:
        """Return a context of only what cannot be left out."""
        wire = self.form.build(self._least())
        self._note_query()
        self._note_recent(*self._shortest())
        self.omitted["summary"] = [self._left_of(found) for found in self.material.summaries]
        return self._result(wire)

    # the whole context

    def chosen(self) -> Chosen:
        """Return the context that fits according to the estimates."""
        head, block = self._head(), self._with_the_question()
        if self.material.is_asked and self._widen(block):
            head, block = self._head(), self._with_the_question()
        window, asked = self._recent(), self.material.new_query
        if asked is None and all(turn.hidden for turn in window):
            asked = CONTINUE  # quotes alone ask for nothing
        told = [*([head] if head else []), *window, *([unstored(asked)] if asked is not None else [])]
        found = [*self.system, *self._spoken(told)]
        if block:
            # without a user's step it goes before the turns: after them, it would come between calls and their results
            first = len(self.system) + (head is not None)
            at = max((at for at in range(first, len(found)) if found[at].role == "user"), default=first)
            found.insert(at, Step("user", None, text_parts(block)))
        return self._result(self.form.build(polished(found, self.form.name)))

    def _spoken(self, told: Sequence[Message]) -> Iterator[Step]:
        """Yield turns as steps, those of users by name where several speak and the form has no other place for it."""
        users = {said.author for said in told if said.role == "user" and said.conversation and not said.hidden}
        is_shared = len(users) > 1 and self.form.name in NAMELESS
        return (signed(step) if is_shared and step.role == "user" else step for step in steps(told))

    def _result(self, wire: Any) -> Chosen:
        tokens = self.form.price(wire, self.count)
        told = sum(self.texts.values())
        self.texts["recent"] = max(tokens - told, 0)
        sections = {name: Section(self.texts.get(name, 0), self.refs.get(name, ())) for name in WHY}
        return Chosen(wire, tokens, sections, tuple(chain.from_iterable(self.omitted.values())))

    def _price(self, found: Sequence[Step]) -> int:
        return self.form.price(self.form.build(found), self.count)

    def _note(self, name: str, text: str, refs: Sequence[str]) -> None:
        self.texts[name] = self.count(text)
        self.refs[name] = tuple(refs)

    # the head: what stays the same while the conversation grows

    def _head(self) -> Message | None:
        """Return the pinned turns, the summaries and the reminder after a pause as one user message."""
        kept, self.omitted["summary"] = self._kept(), []
        told = {found: text for found in self.material.summaries if (text := self._summary(found))}
        older = "\n".join(filter(None, [*told.values(), self._pause()]))
        name = self.material.conversation
        self._note("summary", older, [f"{name}:{found.from_seq}-{found.to_seq}" for found in told])
        text = "\n".join(filter(None, [kept, older]))
        return unstored(text) if text else None

    def _kept(self) -> str:
        spare = int(self.free * _KEPT)
        lines: list[str] = []
        refs: list[str] = []
        starts = self._there[0].seq if self._there else 1 << 62
        self.omitted["kept"] = []
        for message in reversed(self.material.kept):
            if message.seq >= starts or message == self.window.request or message.role in ("system", "developer"):
                continue
            line = f"{speaker(message)}: {said(message)}"
            price = self.count(line) + 1
            if price > spare:
                self.omitted["kept"].append(Left(message.ref, "pinned, no room", price))
                continue
            spare -= price
            lines.insert(0, line)
            refs.insert(0, message.ref)
        text = labelled("pinned turns", "\n".join(lines)) if lines else ""
        self._note("kept", text, refs)
        return text

    def _summary(self, summary: Summary) -> str:
        most = int(self.free * _SUMMARY) // max(len(self.material.summaries), 1)
        text = beginning(summary.text, most, self.count)
        if text != summary.text.strip():
            self.omitted["summary"].append(self._left_of(summary, text))
        kind = "key facts" if summary.kind == "facts" else "summary"
        return labelled(f"{kind} of turns {summary.from_seq}-{summary.to_seq}", text) if text else ""

    def _left_of(self, summary: Summary, text: str = "") -> Left:
        """Return what of a summary is left out where only the beginning of it is sent."""
        name = self.material.conversation
        tokens = max(self.count(summary.text) - self.count(text), 0)
        reason = "the end of the summary" if text else "the summary, no room"
        return Left(f"{name}:{summary.from_seq}", reason, tokens, f"{name}:{summary.to_seq}")

    def _pause(self) -> str:
        if self.material.pause is None or self.window.fits:
            return ""
        text = beginning(self.material.pause.text, max(int(self.free * _PAUSE), _LEAST_PAUSE), self.count)
        return labelled("resuming", text)

    # the window

    @cached_property
    def room(self) -> int:
        """The tokens that turns may take if none of them is left out."""
        fixed = self._price([*self.system, *self.newest, Step("user", None, text_parts(CONTINUE))])
        return self.budget - fixed - sum(int(self.free * share) for share in self._head_shares())

    def _head_shares(self) -> list[float]:
        shares = [_SUMMARY] if self.material.summaries else []
        return shares + ([_KEPT] if self.material.kept else [])

    @cached_property
    def _memory_room(self) -> int:
        return int(self.free * _MEMORY)

    @property
    def _quoted_room(self) -> int:
        return int(self.budget * _quoted_share(self.budget))

    @cached_property
    def recent_room(self) -> int:
        """The tokens that verbatim turns may take; they stay the same from call to call."""
        wanted = int(self.budget * _recent_share(self.budget, asked=self.material.is_asked))
        if wanted <= self.room:
            return wanted
        notch = max(self.budget // 8, 1)  # a longer message shrinks the window by whole notches, not a little each time
        return max(self.room // notch * notch or self.room, 0)

    @cached_property
    def window(self) -> Window:
        """The window of recent turns."""
        room = self.room - self._memory_room
        if self.material.summaries:  # the turns that they cover can be retrieved too
            room -= int(self.budget * _QUOTED_MOST) if self.material.is_asked else self._quoted_room
        return Window(
            material=self.material, budget=self.budget, room=room, most=self.recent_room, count=self.count,
            form=self.form.name,
        )  # fmt: skip

    def _widen(self, block: str) -> bool:
        """Give older turns the room that retrieval left unused, and return whether it is worth it."""
        spent = self._price([*self.system, *self.newest]) + self.window.spent + self.count(block)
        spent += sum(self.texts.get(name, 0) for name in ("kept", "summary")) + 2 * AROUND
        spare = self.budget - spent
        if self.window.fits or spare < self.budget * _SPARE:
            return False
        self.window = replace(self.window, most=self.window.spent + spare, step=0.02)
        return True

    def _sent(self) -> list[Counted]:
        """Return the turns that are sent themselves: the window's, or the last answer where there is nothing else."""
        return self.window.turns[self.window.start :] or ([] if self.newest else self._last_group())

    @property
    def _there(self) -> list[Message]:
        """The messages that are sent themselves."""
        return [*(turn.message for turn in self._sent()), *self.material.pending]

    def _recent(self) -> list[Message]:
        """Return the verbatim turns and the messages that wait for an answer."""
        window, sent = self.window, self._sent()
        verbatim = window.messages() or [fitted(turn.message, 64, 128, self.count) for turn in sent]
        self._note_query()
        self._note_recent(verbatim, sent)
        opening: list[Message] = []
        if window.request:
            is_next = verbatim[0].parent == window.request.seq  # too long to be one of the turns
            opening = [window.request] if is_next else [window.request, unstored(BETWEEN)]
            self.refs["recent"] = (window.request.ref, *self.refs["recent"])
        return [*opening, *verbatim, *self.material.pending]

    def _note_query(self) -> None:
        pending = self.material.pending
        query = "\n".join([message.text for message in pending] + [self.material.new_query or ""])
        self._note("query", query.strip(), [message.ref for message in pending])

    def _note_recent(self, told: Sequence[Message], sent: Sequence[Counted]) -> None:
        """Say which turns are sent themselves, which of these not whole, and which are older."""
        self.refs["recent"] = tuple(message.ref for message in told if not message.hidden)
        self.omitted["shortened"] = [
            Left(made.ref, "shortened: head and tail are there", turn.tokens)
            for made, turn in zip(told, sent, strict=True)
            if made is not turn.message
        ]
        self.omitted["recent"] = self._older(len(self.material.earlier) - len(sent))

    def _older(self, at: int) -> list[Left]:
        """Return the turns before one as what is left out."""
        material = self.material
        older = material.earlier[:at]
        if not older and (material.is_whole or not material.tail):
            return []
        first = older[0].message.seq if material.is_whole else 1
        last = (older or [material.tail[0]])[-1].message.seq - (not older)
        tokens = sum(turn.tokens for turn in older)
        if not material.is_whole:
            tokens = material.total - sum(turn.tokens for turn in material.tail if turn.message.seq > last)
        name = material.conversation
        return [Left(f"{name}:{first}", "older than the window of recent turns", tokens, f"{name}:{last}")]

    # what goes with the question

    def _with_the_question(self) -> str:
        """Return the block of memories and retrieved turns that goes before the newest message."""
        question = self.material.question
        if not question.strip():
            return ""
        blocks = [self._memories()]
        if not self.window.fits or self.material.summaries:
            blocks.append(self._retrieved(question))
        return "\n".join(filter(None, blocks))

    def _memories(self) -> str:
        spare = self._memory_room
        lines: list[str] = []
        refs: list[str] = []
        for memory in self.material.remembered:
            line = f"{memory.key}: {as_text(memory.value)}"
            price = self.count(line) + 1
            if price <= spare - 20:
                spare -= price
                lines.append(line)
                refs.append(f"{memory.namespace}/{memory.key}" if memory.namespace else memory.key)
        text = labelled("memories of the user", "\n".join(lines)) if lines else ""
        self._note("memory", text, refs)
        return text

    def _retrieved(self, question: str) -> str:
        window = self.window
        taken = {message.seq for message in self._there}
        # what is said after that while tools are at work would change how well earlier turns answer, and so the quotes
        before = min(taken, default=None) if not self.material.is_asked else None
        taken |= {window.request.seq} if window.request else set()
        taken |= {int(ref.rpartition(":")[2]) for name in ("system", "kept") for ref in self.refs.get(name, ())}
        room = self.budget - self._price([*self.system, *self.newest]) - window.spent
        room -= sum(self.texts.get(name, 0) for name in ("kept", "summary", "memory")) + 2 * AROUND
        most = room if self.material.is_asked else min(room, self._quoted_room)
        quotes = Quotes(self.count, most, word_set(question))
        for message in self.material.hits(question, before):
            if message.seq not in taken:
                quotes.take(message)
        text = quotes.text()
        self._note("retrieved", text, [message.ref for message in quotes.messages])
        self.omitted["retrieved"] = [
            Left(message.ref, "found, no room", self.count(said(message))) for message in quotes.refused[:10]
        ]
        return text
