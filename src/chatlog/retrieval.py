"""Earlier turns quoted by what they are worth into a number of tokens, and told in the order they were said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chatlog.importance import emptiness
from chatlog.models import Message, other_strings
from chatlog.quoting import labelled, passage, said, speaker, word_set
from chatlog.tokens import Counter, estimate

_KIND = "earlier turns found for this message"
#: No quote takes more than this share of the room, nor less than this many tokens if it is longer.
_LONGEST, _SHORTEST = 0.25, 120
#: After this many in a row that did not fit, the room counts as full.
_MOST_REFUSED = 12

#: A turn is worth its score by its length to this power, in tokens as they are estimated: of two that answer alike the
#: shorter one leaves room for more.  Below so many being shorter is no merit.
_PRICE, _LEAST = 0.2, 45
#: What is said beside a call ("now let me run the tests") is worth less than what is said for itself, and so are calls
#: and what tools put out: what came of them is said afterwards, in fewer words.
_BESIDE_A_CALL, _PAYLOAD = 0.5, 0.6
_SCANNED = 20_000


class Scored(NamedTuple):
    """A turn that was found, and how well it answers."""

    message: Message
    score: float


def by_worth(found: Iterable[Scored], words: frozenset[str] = frozenset()) -> list[Message]:
    """Return what was found for some words, best first, without what says nothing or is said to be of no use."""
    told = [one for one in found if not _is_idle(one.message, words)]
    worth = {one.message.seq: _worth(one) for one in told}
    return [one.message for one in sorted(told, key=lambda one: -worth[one.message.seq])]


def _worth(one: Scored) -> float:
    share = _PAYLOAD if emptiness(one.message) == "tool payload" else 1.0
    if share == 1.0 and any(part.get("type") == "tool_call" for part in one.message.parts or ()):
        share = _BESIDE_A_CALL
    return share * one.score / float(max(estimate(said(one.message)), _LEAST) ** _PRICE)


def _is_idle(message: Message, words: frozenset[str]) -> bool:
    """Whether a turn is not worth quoting: of tools, what was found for its neighbours' words and has none itself."""
    if message.importance is not None:
        return message.importance == "discard"
    empty = emptiness(message)
    if empty == "tool payload":
        own = message.text.strip() or "\n".join(other_strings(message.parts or ()))
        return bool(words) and words.isdisjoint(word_set(own[:_SCANNED]))
    return empty is not None


class Quotes:
    """Quotes messages, best first, while there is room."""

    def __init__(self, count: Counter, most: int, words: frozenset[str]) -> None:
        self.count = count
        self.spare = most - count(labelled(_KIND, "")) - 4
        self.longest = max(int(most * _LONGEST), _SHORTEST)
        self.words = words
        self.lines: dict[int, tuple[Message, str]] = {}
        self.days: set[str] = set()
        self.told: set[str] = set()
        self.refused: list[Message] = []

    @property
    def messages(self) -> list[Message]:
        """The quoted messages, in the order they were said."""
        return [message for _, (message, _) in sorted(self.lines.items())]

    def take(self, message: Message) -> None:
        """Quote a message if there is room for it."""
        if message.seq in self.lines or len(self.refused) > _MOST_REFUSED or not (words := said(message).strip()):
            return
        whole = f"{speaker(message)}: {words}"
        if whole in self.told:  # "go on", said thirty times
            return
        line = f"{speaker(message)}: {passage(words, self.words, self.longest, self.count)}"
        day = message.created_at[:10]
        price = self.count(line + "\n") + (0 if day in self.days else self.count(day) + 4)
        if price > self.spare:
            self.refused.append(message)
            return
        self.spare -= price
        self.days.add(day)
        self.told.add(whole)
        self.lines[message.seq] = (message, line)

    def text(self) -> str:
        """Return the quotes under their label, each day's below its date; nothing where there are none.

        An empty line says that turns between two quotes are left out; it costs no token more than a line's end.
        """
        told: list[str] = []
        before: Message | None = None
        for message, line in (self.lines[seq] for seq in sorted(self.lines)):
            if before is not None and message.parent != before.seq:
                told.append("")
            if before is None or message.created_at[:10] != before.created_at[:10]:
                told.append(f"[{message.created_at[:10]}]")
            told.append(line)
            before = message
        return labelled(_KIND, "\n".join(told)) if told else ""
