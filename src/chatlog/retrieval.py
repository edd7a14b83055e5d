"""Earlier turns quoted by rank into a number of tokens, and told in the order they were said."""

from __future__ import annotations

from chatlog.models import Message
from chatlog.quoting import labelled, passage, said, speaker
from chatlog.tokens import Counter

_KIND = "earlier turns found for this message"
#: No quote takes more than this share of the room, nor less than this many tokens if it is longer.
_LONGEST, _SHORTEST = 0.25, 120
#: After this many in a row that did not fit, the room counts as full.
_MOST_REFUSED = 12


class Quotes:
    """Quotes messages, best first, while there is room."""

    def __init__(self, count: Counter, most: int, words: frozenset[str]) -> None:
        self.count = count
        self.spare = most - count(labelled(_KIND, "")) - 4
        self.longest = max(int(most * _LONGEST), _SHORTEST)
        self.words = words
        self.lines: dict[int, tuple[Message, str]] = {}
        self.days: set[str] = set()
        self.refused: list[Message] = []

    @property
    def messages(self) -> list[Message]:
        """The quoted messages, in the order they were said."""
        return [message for _, (message, _) in sorted(self.lines.items())]

    def take(self, message: Message) -> None:
        """Quote a message if there is room for it."""
        if message.seq in self.lines or len(self.refused) > _MOST_REFUSED or not (words := said(message).strip()):
            return
        line = f"{speaker(message)}: {passage(words, self.words, self.longest, self.count)}"
        day = message.created_at[:10]
        price = self.count(line + "\n") + (0 if day in self.days else self.count(day) + 4)
        if price > self.spare:
            self.refused.append(message)
            return
        self.spare -= price
        self.days.add(day)
        self.lines[message.seq] = (message, line)

    def text(self) -> str:
        """Return the quotes under their label, each day's below its date; nothing where there are none."""
        told: list[str] = []
        day = ""
        for message, line in (self.lines[seq] for seq in sorted(self.lines)):
            if message.created_at[:10] != day:
                day = message.created_at[:10]
                told.append(f"[{day}]")
            told.append(line)
        return labelled(_KIND, "\n".join(told)) if told else ""
