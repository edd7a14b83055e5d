"""The window of recent turns: where it starts, and how long each message in it may be.

The start moves in steps, along a grid laid over the conversation's tokens, so that a growing conversation keeps
sending the same beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from chatlog.material import Material
from chatlog.models import Message, Part
from chatlog.quoting import shortened, unsent
from chatlog.store.window import Counted
from chatlog.tokens import Counter
from chatlog.wireforms import message_tokens

#: The tokens that a message costs in addition to its words, in the most expensive wire form.
AROUND = 8
#: The window's start moves in steps of this share of the window.
_STEP = 0.5
#: It is filled to this share at least, wherever the grid would have it start: less than a step leaves of it.
_FULL = 0.4
#: What is longer than its share of the window is shortened: old tool results, those of the last exchange, other texts.
_OLD_RESULT, _NEW_RESULT, _LONG_TEXT = 1 / 16, 1 / 3, 1 / 3
#: What parallel calls share, and their results, so that none is left out for its size.
_PARALLEL = 0.6
#: What is sent as bytes or by its address, and how many times as much as a text it may take.
_MEDIA, _MEDIA_CAPS = ("blob", "uri"), 2
#: The share of the window for the request that its first turn is still working on, and the fewest tokens for it.
_REQUEST, _SHORTEST_REQUEST = 1 / 8, 48
#: How many exchanges before a pause stay verbatim.
_BEFORE_PAUSE = 3
#: A conversation of no more than this share of the budget fits whole, and a pause leaves nothing of it out.
SHORT = 0.3


@dataclass(kw_only=True, eq=False)
class Window:
    """The verbatim turns: all of them if they fit into `room`, else as many of the last as fit into `most` tokens."""

    material: Material
    budget: int
    room: int
    most: int
    count: Counter
    form: str
    step: float = _STEP

    @cached_property
    def grid(self) -> int:
        """The tokens between two marks of the grid."""
        return max(int(self.most * self.step), 1)

    @property
    def turns(self) -> list[Counted]:
        """The turns it is a part of."""
        return self.material.earlier

    @cached_property
    def fits(self) -> bool:
        """Whether all turns fit, and there is no pause before which older ones are better left out."""
        return not self.floor and self.material.is_whole and self._whole <= self.room

    @cached_property
    def _whole(self) -> int:
        """The tokens of all turns as they are."""
        return sum(self._size(turn) + AROUND for turn in self.turns if not turn.message.hidden)

    @property
    def spent(self) -> int:
        """The tokens of the verbatim turns."""
        return self._turns_cost + (self._request_cost(self.start) if self.request else 0)

    @cached_property
    def _turns_cost(self) -> int:
        return self._whole if self.fits else sum(map(self.cost, range(self.start, len(self.turns))))

    @cached_property
    def request(self) -> Message | None:
        """The user's message, shortened, that the first verbatim turn still works on.

        None if that turn is a user's own, or too long to have anything beside it.
        """
        at = self.start
        if at == len(self.turns) or (not self.fits and self._turns_cost + self._request_cost(at) > self.most):
            return None
        return self._request(at)

    def _request(self, at: int) -> Message | None:
        found = None if self._is_users(at) else self._asked_before[at]
        cap = max(int(self.most * _REQUEST), _SHORTEST_REQUEST)
        return self._fitted(found, cap, cap) if found else None

    def _request_cost(self, at: int) -> int:
        request = self._request(at)
        return self._parts_cost(request) + AROUND if request else 0

    @cached_property
    def _asked_before(self) -> list[Message | None]:
        """For each turn, the last visible message of a user before it."""
        found = [self.material.asked]
        for turn in self.turns:
            is_asked = turn.message.role == "user" and not turn.message.hidden
            found.append(turn.message if is_asked else found[-1])
        return found

    def messages(self) -> list[Message]:
        """Return the verbatim turns, long ones shortened unless everything fits."""
        if self.fits:
            return [turn.message for turn in self.turns]
        return [self._short(at) for at in range(self.start, len(self.turns))]

    def _short(self, at: int) -> Message:
        """Return a turn as long as it may be."""
        return self._fitted(self.turns[at].message, *self.caps(at))

    def _fitted(self, message: Message, result_cap: int, text_cap: int) -> Message:
        """Return a message shortened; each is asked for many times, and takes milliseconds."""
        asked = (message.seq, result_cap, text_cap)
        if asked not in self._shortened:
            self._shortened[asked] = fitted(message, result_cap, text_cap, self.count)
        return self._shortened[asked]

    @cached_property
    def _shortened(self) -> dict[tuple[int, int, int], Message]:
        return {}

    @cached_property
    def start(self) -> int:
        """The index of the turn that the window starts at."""
        if self.fits:
            return 0
        spent = 0
        places: list[tuple[int, int]] = []
        for at in range(len(self.turns) - 1, self.floor - 1, -1):
            spent += self.cost(at)
            if spent > self.most:
                break
            whole = spent + self._request_cost(at)
            if self._may_start(at) and (whole <= self.most or not places):
                places.insert(0, (at, whole))
        else:
            if self.floor:  # all of it fits: a step of the grid would leave out what was said minutes ago
                return self.floor
        return self._on_the_grid(places) if places else len(self.turns)

    def _may_start(self, at: int) -> bool:
        message = self.turns[at].message
        return not message.hidden and message.role in ("user", "assistant")

    def _on_the_grid(self, places: Sequence[tuple[int, int]]) -> int:
        """Return the first place behind a mark of the grid, so that added turns do not move the start.

        A user's is better, but not where the window would be left nearly empty; the same holds of the marks.
        """
        full = [at for at, spent in places if spent >= self.most * _FULL]
        if not full:
            return places[0][0]
        users = [at for at in full if self._is_users(at)]
        return next((at for at in users or full if self._is_behind_a_mark(at)), full[-1])

    def _is_behind_a_mark(self, at: int) -> bool:
        """Whether the grid has a mark between a place and the one of its kind before it."""
        kind = self._is_users if self._is_users(at) else self._may_start
        before = next((earlier for earlier in range(at - 1, -1, -1) if kind(earlier)), None)
        return before is None or self.position(before) // self.grid < self.position(at) // self.grid

    def _is_users(self, at: int) -> bool:
        return self._may_start(at) and self.turns[at].message.role == "user"

    def position(self, at: int) -> int:
        """Return where a turn is: how many tokens come before it, with what surrounds messages, gone ones too."""
        return self.material.total - self._behind[at] + AROUND * self.turns[at].message.seq

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
        if pause is None or self.material.total <= budget:
            return 0
        before = [at for at, turn in enumerate(self.turns) if turn.message.seq < pause.after]
        users = [at for at in before if self.turns[at].message.role == "user" and not self.turns[at].message.hidden]
        return users[-_BEFORE_PAUSE] if len(users) >= _BEFORE_PAUSE else 0

    @cached_property
    def _last_exchange(self) -> int:
        """The index of the turn that the last exchange starts at, the one before that which tools are at work in.

        While they are, nothing is shortened that was whole when the user asked: the provider's prompt cache has it.
        """
        users = [at for at, turn in enumerate(self.turns) if turn.message.role == "user" and not turn.message.hidden]
        last = users[-2:] if self.material.is_at_work else users[-1:]
        return last[0] if last else 0

    def caps(self, at: int) -> tuple[int, int]:
        """Return how many tokens a tool result or call of a turn may have, and how many any other text of it."""
        share = _NEW_RESULT if at >= self._last_exchange else _OLD_RESULT
        share = min(share, _PARALLEL / self._together[at])
        return (
            max(int(self.most * share), min(self.most // 3, 48)),
            max(int(self.most * _LONG_TEXT), min(self.most // 2, 96)),
        )

    @cached_property
    def _together(self) -> list[int]:
        """For each turn, how many calls it makes, or how many results it and those right beside it are."""
        found: list[int] = []
        for is_tool, run in groupby(self.turns, key=lambda turn: turn.message.role == "tool"):
            sizes = [_calls_or_results(turn.message) for turn in run]
            found += [sum(sizes)] * len(sizes) if is_tool else sizes
        return [max(size, 1) for size in found]

    def cost(self, at: int) -> int:
        """Return the tokens of a turn once it is shortened, with what its form adds."""
        turn = self.turns[at]
        if turn.message.hidden:
            return 0
        size = self._size(turn)
        if size <= min(self.caps(at)):
            return size + AROUND
        short = self._short(at)
        if short.parts is None:
            return self.count(short.text) + AROUND
        return self._parts_cost(short) - (turn.tokens - size)

    def _size(self, turn: Counted) -> int:
        """Return the tokens of a turn without the thoughts that its form leaves out."""
        return turn.tokens - message_tokens(unsent(turn.message, self.form), self.count)

    def _parts_cost(self, message: Message) -> int:
        return message_tokens(message.all_parts(), self.count) + AROUND


def fitted(message: Message, result_cap: int, text_cap: int, count: Counter) -> Message:
    """Return a message shortened, with only the names of the pictures and files that are too large for where it is."""
    parts, most = message.parts or (), _MEDIA_CAPS * text_cap
    if any(_is_large(part, most, count) for part in parts):
        parts = tuple(_named(part) if _is_large(part, most, count) else part for part in parts)
        message = message._replace(parts=parts)
    return shortened(message, result_cap, text_cap, count)


def _is_large(part: Part, most: int, count: Counter) -> bool:
    return part.get("type") in _MEDIA and message_tokens([part], count) > most


def _named(part: Part) -> Part:
    address = str(part.get("uri") or "data:")
    name = part.get("name") or (part.get("mime_type") or "data" if address.startswith("data:") else address)
    return {"type": "file", "name": f"{name}, not sent again"}


def _calls_or_results(message: Message) -> int:
    """Return how many tool calls or results a message holds, whichever are more."""
    kinds = [part.get("type") for part in message.parts or ()]
    return max(kinds.count("tool_call"), kinds.count("tool_call_response"))
