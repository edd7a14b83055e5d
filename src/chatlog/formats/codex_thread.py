"""A Codex thread while it streams by: what is said, in order, each text once.

Items and the events that tell the same are brought together here, responses put together from their
items, usage given to the response it was spent on, and turns that were rolled back left on a branch.
It holds the messages of one turn at most, and otherwise only ids; no line of a file is known here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chatlog.formats import build, ids
from chatlog.formats.calls import Calls
from chatlog.formats.codex_items import View
from chatlog.formats.codex_usage import Usage, added
from chatlog.models import MessageDraft, Part, joined_text
from chatlog.timespec import instant

#: Messages held back in a turn before the earlier ones are let go.
HELD = 1000
_KEPT = 50
#: How many of a turn's last answers are compared with its plan and its last words.
_LAST_SAID = 20
#: Kinds of events and items that may tell the same.
USER, ASSISTANT, REASONING, CALL, SEARCH, INSTRUCTIONS = (
    "user",
    "assistant",
    "reasoning",
    "call",
    "search",
    "instructions",
)
RESULT = "tool_call_response"

Twin = tuple[str, str]


@dataclass(slots=True, eq=False)
class Held:
    """A message in the making; `key` is what its id is made of, `twin` what an item could repeat.

    What is said `aside` is no turn that a rollback counts, and no answer that tokens were spent on.
    """

    role: str
    key: str
    time: Any
    parts: list[Part] = field(default_factory=list)
    text: str | None = None
    author: str | None = None
    model: str | None = None
    reason: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    twin: Twin | None = None
    shared: bool = False
    aside: bool = False

    def draft(self, source_id: str, parent: str | None, conversation: str, moment: str | None) -> MessageDraft:
        """Return the finished message."""
        return build.message(
            self.role,
            self.parts,
            self.text,
            reason=self.reason,
            author=self.author,
            model=self.model,
            created_at=moment,
            source_id=source_id,
            parent=parent,
            conversation=conversation,
            metadata=self.facts,
        )


class Thread:
    """The messages of one thread: finished ones are in `ready`, to be taken from there.

    `seed` tells threads apart whose messages say the same.
    """

    def __init__(self) -> None:
        self.seed = ""
        self.conversation = ""
        self.model: str | None = None
        self.place: dict[str, Any] = {}
        self.last: str | None = None
        self.turns: list[str | None] = []
        self.used: Counter[str] = Counter()
        self.ready: list[MessageDraft] = []
        self.buffer: list[Held] = []
        self.moment: tuple[Any, str | None] = (None, None)
        self.group: Held | None = None
        self.calls = Calls()
        self.called: dict[str, str] = {}
        self.usage = Usage()
        # of the turn that is being read
        self.pending: dict[Twin, list[Held]] = {}
        self.prompts: dict[str, Held] = {}
        self.told: Counter[int] = Counter()
        self.said: deque[str] = deque(maxlen=_LAST_SAID)

    # what comes in

    def message(self, view: View, time: Any) -> None:
        """Take a message item."""
        held = self._held(view, time)
        if view.role == "user":
            self._prompt(view, held)
        elif view.role == "assistant":
            for text in view.texts():
                self._tell((ASSISTANT, text))
                self.said.append(text)
            self._join(held)
        else:
            self.group = None
            self._hold(held)
        self.let_go()

    def _prompt(self, view: View, held: Held) -> None:
        """Take a user's item, which an event before it or behind it may tell a human typed."""
        self.group = None
        events = [event for text in view.texts() if (event := self._drop((USER, text))) is not None]
        if not events and view.reason is None and not self._waits_for(USER):
            self.begin_turn()
        self._repeats_instructions(view)
        for event in events[:1]:
            _mark_typed(held, event)
        if not events:
            self.prompts |= dict.fromkeys(view.texts(), held)
        self._hold(held)

    def _held(self, view: View, time: Any) -> Held:
        words = joined_text(view.parts) or str([part.get("content") for part in view.parts])
        return Held(
            role=view.role,
            key=f"{view.role}\0{words}",
            time=time,
            parts=view.parts,
            text=None if view.role == "assistant" else view.text,
            author=view.author,
            model=(view.model or self.model) if view.role == "assistant" else view.model,
            reason=view.reason,
            facts={**view.facts, **self.place},
        )

    def _repeats_instructions(self, view: View) -> None:
        """Forget the session's instructions where a message repeats them."""
        for kind, words in [twin for twin in self.pending if twin[0] == INSTRUCTIONS]:
            if view.reason and any(words in part["content"] for part in view.parts if part["type"] == "text"):
                self._drop((kind, words))

    def told_by_event(self, kind: str, words: str, held: Held) -> None:
        """Take what an event tells, unless an item told it already; until one does it stands for itself."""
        twin = (kind, words.strip())
        if kind == USER:
            item = self.prompts.pop(twin[1], None)
            if item is not None:
                _mark_typed(item, held)
                return
            self.group = None
            self.begin_turn()
        elif self.told[hash(twin)]:
            self.told[hash(twin)] -= 1
            return
        else:
            held.model = self.model
        if kind == ASSISTANT:
            self.said.append(twin[1])
        held.facts.update(self.place)
        self.repeatable(*twin, held)
        self.let_go()

    def reasoning(self, parts: list[Part], time: Any) -> None:
        """Take what can be read of a reasoning item: it begins a response, or goes on with its thoughts."""
        words = [part["content"] for part in parts]
        key = f"reasoning\0{words[:1]}"  # as the event has it that told the first of them while it was thought
        held = Held("assistant", key, time, parts, model=self.model, facts=dict(self.place))
        for word in words:
            self._tell((REASONING, word.strip()))
        group = self.group
        if group is not None and all(part["type"] == "reasoning" for part in group.parts):
            group.parts += parts
        else:
            self._open(held)
        self.let_go()

    def call(self, parts: list[Part], keys: Iterable[Twin], time: Any) -> None:
        """Take a call: it belongs to the response before, as long as nothing came between."""
        held = Held("assistant", f"call\0{parts[0].get('id')}", time, [], model=self.model, facts=dict(self.place))
        parts = [*parts]
        for twin in keys:
            event = self._drop(twin)
            if event is not None and twin[0] == SEARCH:
                parts += [{**part, "id": parts[0]["id"]} for part in event.parts if part["type"] == RESULT]
            self.called[twin[1]] = str(parts[0].get("id"))
        if self.group is None:
            self._open(held)
        if self.group is not None:
            self.group.parts += parts
        self.let_go()

    def found(self, call_id: str, results: Any, time: Any) -> None:
        """Take what a search found, which only the event behind its item tells."""
        part = build.tool_result(call_id, results)
        if self.group is not None:
            self.group.parts.append(part)
        else:
            self.result(part, time)

    def result(self, part: Part, time: Any) -> None:
        """Take a result, a message of its own."""
        self.group = None
        self._hold(Held("tool", f"output\0{part['id']}", time, [part], text="", facts=dict(self.place)))
        self.let_go()

    def note(self, held: Held) -> None:
        """Take a message that nothing repeats."""
        self.group = None
        self._hold(held)
        self.let_go()

    def repeatable(self, kind: str, words: str, held: Held) -> None:
        """Take a message that an item may repeat."""
        held.twin = (kind, words)
        self.pending.setdefault(held.twin, []).append(held)
        self._hold(held)

    def mark(self, key: str, value: Any) -> bool:
        """Note a fact at the last message of the turn; False where there is none."""
        if self.buffer:
            self.buffer[-1].facts[key] = value
        return bool(self.buffer)

    def spent(self, total: Any, last: Any) -> bool:
        """Give the usage of a response to it; False where it was told before."""
        usage = self.usage.news(total, last)
        if usage is None:
            return False
        answers = [held for held in self.buffer if held.role == "assistant" and held.twin is None and not held.aside]
        if self.usage.comes_first is None:
            self.usage.comes_first = not answers or self._waits_for(ASSISTANT) or self._waits_for(REASONING)
        if self.usage.comes_first or not answers:
            self.usage.next = added(self.usage.next, usage)
        else:
            answers[-1].facts["usage"] = added(answers[-1].facts.get("usage"), usage)
        return True

    # twins

    def _tell(self, twin: Twin) -> None:
        """Drop the event that an item repeats; without one, remember what the item tells."""
        if self._drop(twin) is None:
            self.told[hash(twin)] += 1

    def _drop(self, twin: Twin) -> Held | None:
        """Forget the first event that is waiting for an item which tells this, and return it."""
        events = self.pending.get(twin)
        if not events:
            return None
        self.buffer.remove(events[0])
        return self._settled(events[0])

    def _settled(self, event: Held) -> Held:
        """Stop an event's waiting."""
        if event.twin is not None:
            self.pending[event.twin].remove(event)
            if not self.pending[event.twin]:
                del self.pending[event.twin]
            event.twin = None
        return event

    def _waits_for(self, kind: str) -> bool:
        return any(twin[0] == kind for twin in self.pending)

    # the turn

    def _open(self, held: Held) -> None:
        """Begin a response."""
        if self.usage.next is not None:
            held.facts["usage"], self.usage.next = self.usage.next, None
        self.group = held
        self._hold(held)

    def _join(self, held: Held) -> None:
        """Add a message to the response whose thoughts came before, else begin a response with it."""
        group = self.group
        if group is None or any(part["type"] != "reasoning" for part in group.parts):
            self._open(held)
            return
        group.parts += held.parts
        group.facts.update(held.facts)

    def _hold(self, held: Held) -> None:
        self.buffer.append(held)

    def begin_turn(self) -> None:
        """Finish what is held of the turn before, whose events nothing can repeat any more."""
        self.flush()
        self.told.clear()
        self.prompts.clear()
        self.said.clear()
        self.usage.comes_first = None

    def let_go(self) -> None:
        """Finish the earlier messages of a turn that has become long."""
        if len(self.buffer) > HELD:
            self._emit(len(self.buffer) - _KEPT)

    def flush(self) -> None:
        """Finish everything that is held."""
        if self.usage.next is not None:
            answers = [held for held in self.buffer if held.role == "assistant"]
            if answers:
                answers[-1].facts["usage"] = added(answers[-1].facts.get("usage"), self.usage.next)
                self.usage.next = None
        self.group = None
        self._emit(len(self.buffer))

    def _emit(self, count: int) -> None:
        ready, self.buffer = self.buffer[:count], self.buffer[count:]
        together = _thoughts_together(ready)
        for held in ready:
            self._settled(held)
        for held in together:
            if held is self.group:
                self.group = None
            parent, self.last = self.last, self._name(held)
            if held.role == "user" and held.reason is None and not held.aside:
                self.turns.append(parent)
            self.ready.append(held.draft(self.last, parent, self.conversation, self._moment(held.time)))

    def _moment(self, time: Any) -> str | None:
        """Return a time in chatlog's form; messages of one response have the same."""
        if time is None or time != self.moment[0]:
            self.moment = (time, instant(time))
        return self.moment[1]

    def _name(self, held: Held) -> str:
        """Return a message's id: of its words, and of how many said the same before it."""
        seed = "" if held.shared else self.seed
        name = ids.digest(f"{seed}\0{held.key}")[:32]
        return ids.numbered(name, self.used)

    def roll_back(self, count: int) -> None:
        """Finish what is held, and go back to before the last turns."""
        self.begin_turn()
        for _ in range(min(count, len(self.turns))):
            self.last = self.turns.pop()


def _thoughts_together(ready: Iterable[Held]) -> list[Held]:
    """Return messages, thoughts in a row that only events tell so far as one: the item to come has them all."""
    found: list[Held] = []
    for held in ready:
        if found and _is_thought(held) and _is_thought(found[-1]):
            found[-1].parts += held.parts
        else:
            found.append(held)
    return found


def _is_thought(held: Held) -> bool:
    return held.twin is not None and held.twin[0] == REASONING


def _mark_typed(item: Held, event: Held) -> None:
    """Show a message that an event tells a human typed, and keep what only the event names."""
    item.reason = None
    item.facts.update(event.facts)
