"""The window of recent turns: where it starts, and how long each message in it may be.

The start moves in steps, along a grid laid over the conversation's tokens, so that a growing conversation keeps
sending the same beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import ceil

from chatlog.material import Material
from chatlog.models import Message
from chatlog.quoting import shortened
from chatlog.store.window import Counted
from chatlog.tokens import Counter
from chatlog.wireforms import message_tokens

#: The tokens that a message costs in addition to its words, in the most expensive wire form.
AROUND = 8
#: The window's start moves in steps of this share of the window.
_STEP = 0.5
#: What is longer than its share of the window is shortened: old tool results, those of the last exchange, other texts.
_OLD_RESULT, _NEW_RESULT, _LONG_TEXT = 1 / 16, 1 / 3, 1 / 3
#: The share of the window for the request that its first turn is still working on, and the fewest tokens for it.
_REQUEST, _SHORTEST_REQUEST = 1 / 8, 48
#: How many exchanges before a pause stay verbatim.
_BEFORE_PAUSE = 3
#: A conversation of no more than this share of the budget fits whole, and a pause leaves nothing of it out.
SHORT = 0.3


class Window:
    """The verbatim turns: all of them if they fit into `room`, else as many of the last as fit into `most` tokens."""

    def __init__(
        self, material: Material, budget: int, room: int, most: int, count: Counter, *, step: float = _STEP
    ) -> None:
        self.grid = max(int(most * step), 1)
        self.material = material
        self.budget = budget
        self.room = room
        self.most = most
        self.count = count

    @cached_property
    def turns(self) -> list[Counted]:
        """The turns before those that wait for an answer."""
        pending = {message.seq for message in self.material.pending}
        return [turn for turn in self.material.turns if turn.message.seq not in pending]

    @cached_property
    def fits(self) -> bool:
        """Whether all turns fit, and there is no pause before which older ones are better left out."""
        if self.floor:
            return False
        price = sum(turn.tokens + AROUND for turn in self.turns if not turn.message.hidden)
        return self.material.is_whole and price <= self.room

    @property
    def spent(self) -> int:
        """The tokens of the verbatim turns."""
        request = self._parts_cost(self.request) if self.request else 0
        return request + sum(self.cost(at) for at in range(self.start, len(self.turns)))

    @cached_property
    def request(self) -> Message | None:
        """The user's message, shortened, that the first verbatim turn still works on; None if that is a user's own."""
        at = self.start
        if at >= len(self.turns) or self.turns[at].message.role == "user":
            return None
        earlier = (turn.message for turn in reversed(self.turns[:at]) if not turn.message.hidden)
        found = next((message for message in earlier if message.role == "user"), self.material.asked)
        cap = max(int(self.most * _REQUEST), _SHORTEST_REQUEST)
        return shortened(found, cap, cap, self.count) if found else None

    def messages(self) -> list[Message]:
        """Return the verbatim turns, long ones shortened unless everything fits."""
        found = [turn.message for turn in self.turns[self.start :]]
        if self.fits:
            return found
        return [shortened(made, *self.caps(at), self.count) for at, made in enumerate(found, self.start)]

    @property
    def left_out(self) -> int:
        """The tokens of the turns before the window."""
        return self.position(self.start) if self.start < len(self.turns) else self.material.total

    @property
    def start_seq(self) -> int:
        """The seq of the first verbatim turn."""
        return self.turns[self.start].message.seq if self.start < len(self.turns) else 1 << 62

    @cached_property
    def start(self) -> int:
        """The index of the turn that the window starts at."""
        if self.fits:
            return 0
        turns, spent, oldest = self.turns, 0, len(self.turns)
        places: list[int] = []
        for at in range(len(turns) - 1, self.floor - 1, -1):
            spent += self.cost(at)
            if spent > self.most:
                break
            if self._may_start(at):
                oldest = at
                places.insert(0, at)
        else:
            if self.floor:  # all of it fits: a step of the grid would leave out what was said minutes ago
                return self.floor
        return self._on_the_grid(places, oldest)

    def _may_start(self, at: int) -> bool:
        message = self.turns[at].message
        return not message.hidden and message.role in ("user", "assistant")

    def _on_the_grid(self, places: Sequence[int], oldest: int) -> int:
        """Return the first place at or after the next mark of the grid, so that added turns do not move the start."""
        users = [at for at in places if self.turns[at].message.role == "user"]
        places = users or places
        if not places:
            return oldest
        mark = ceil(self.position(places[0]) / self.grid) * self.grid
        return next((at for at in places if self.position(at) >= mark), places[0])

    def position(self, at: int) -> int:
        """Return how many tokens of the conversation come before a turn."""
        return self.material.total - self._behind[at]

    @cached_property
    def _behind(self) -> list[int]:
        """For each turn, the tokens from its beginning to the end of the conversation."""
        earlier = {turn.message.seq for turn in self.turns}
        found: list[int] = []
        spent = 0
        for turn in reversed(self.material.tail):
            spent += turn.tokens
            if turn.message.seq in earlier:
                found.append(spent)
        return found[::-1]

    @cached_property
    def floor(self) -> int:
        """The index of the oldest turn that may be verbatim: after a pause, it is a few exchanges before the pause."""
        pause, budget = self.material.pause, self.budget * SHORT
        if pause is None or (self.material.is_whole and self.material.total <= budget):
            return 0
        before = [at for at, turn in enumerate(self.turns) if turn.message.seq < pause.after]
        users = [at for at in before if self.turns[at].message.role == "user" and not self.turns[at].message.hidden]
        return users[-_BEFORE_PAUSE] if len(users) >= _BEFORE_PAUSE else 0

    @cached_property
    def _last_exchange(self) -> int:
        """The index of the turn that the last exchange starts at."""
        users = [at for at, turn in enumerate(self.turns) if turn.message.role == "user"]
        return users[-1] if users else 0

    def caps(self, at: int) -> tuple[int, int]:
        """Return how many tokens a tool result of a turn may have, and how many any other text of it."""
        share = _NEW_RESULT if at >= self._last_exchange else _OLD_RESULT
        return max(int(self.most * share), 48), max(int(self.most * _LONG_TEXT), 96)

    def cost(self, at: int) -> int:
        """Return the tokens of a turn once it is shortened, with what its form adds."""
        turn = self.turns[at]
        if turn.message.hidden:
            return 0
        result_cap, text_cap = self.caps(at)
        if turn.tokens <= min(result_cap, text_cap):
            return turn.tokens + AROUND
        short = shortened(turn.message, result_cap, text_cap, self.count)
        return self.count(short.text) + AROUND if short.parts is None else self._parts_cost(short)

    def _parts_cost(self, message: Message) -> int:
        return message_tokens(message.all_parts(), self.count) + AROUND
