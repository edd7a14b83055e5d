"""Tests of the window of recent turns: what it may start at, what opens it, and what is shortened in it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from chatlog.material import Material, Pause
from chatlog.models import Message
from chatlog.quoting import unsent
from chatlog.recent import AROUND, Window, fitted
from chatlog.tokens import CL100K, counter
from chatlog.wireforms import message_tokens

from .context_rules import conversation, counted, message

COUNT = counter(CL100K)
#: A turn of ten tokens, eighteen with what is around it.
TEN = "one two three four five six seven eight nine ten"


def window(messages: list[Message], most: int, room: int | None = None, **facts: Any) -> Window:
    tail = counted(messages, COUNT)
    material = Material(
        **{
            "conversation": "c" * 26,
            "tail": tail,
            "is_whole": True,
            "total": sum(turn.tokens for turn in tail),
            **facts,
        }
    )
    return Window(
        material=material, budget=10 * most, room=most if room is None else room, most=most, count=COUNT, form="openai"
    )


def said(*roles: str, words: str = TEN, **facts: Any) -> list[Message]:
    return [message(seq, role, words, **facts) for seq, role in enumerate(roles, 1)]


def call(seq: int, *names: str, size: int = 4) -> Message:
    parts = [{"type": "tool_call", "id": name, "name": "read", "arguments": {"path": "a " * size}} for name in names]
    return message(seq, "assistant", "", parts)


def result(seq: int, name: str, size: int = 10) -> Message:
    return message(seq, "tool", "", [{"type": "tool_call_response", "id": name, "response": "word " * size}])


def seqs(found: Window) -> list[int]:
    return [made.seq for made in found.messages()]


def test_what_fits_is_whole_however_long_a_turn_of_it_is() -> None:
    """Nothing is shortened, and what surrounds turns counts; a token less of room, and it no longer fits."""
    messages = [*said("user", "assistant"), message(3, "user", "word " * 200), *said("assistant")]
    messages[-1] = messages[-1]._replace(seq=4)
    price = 30 + COUNT("word " * 200) + 4 * AROUND
    whole = window(messages, 300, room=price)
    assert (True, messages, 0) == (whole.fits, whole.messages(), whole.start)
    assert price == whole.spent
    tight = window(messages, 300, room=price - 1)
    assert (False, True) == (tight.fits, "tokens cut" in tight.messages()[2].text)


def test_what_is_hidden_takes_no_room() -> None:
    """Neither its words nor what would be around them."""
    messages = [*said("user", "assistant"), *[made._replace(seq=made.seq + 2, hidden=True) for made in said("user")]]
    assert window(messages, 2 * (10 + AROUND)).fits


def test_a_tail_that_is_not_all_of_it_never_fits() -> None:
    """However much room there is: older turns are left out, and that is to be said."""
    assert not window(said("user", "assistant"), 8_000, is_whole=False).fits


def test_a_window_starts_at_a_user_s_or_an_assistant_s_visible_turn() -> None:
    """Not at a result, whose call would be missing, nor at what is hidden."""
    messages = [*said("user"), call(2, "a"), result(3, "a"), message(4, "user", TEN, hidden=True)]
    messages += [message(5, "assistant", TEN), message(6, "assistant", TEN)]
    starts = [seqs(window(messages, most))[0] for most in range(20, 160)]
    assert {1, 2, 5, 6} >= {*starts} >= {1, 5, 6}
    assert sorted(starts, reverse=True) == starts


def test_a_user_s_turn_is_the_better_start_unless_little_would_be_left() -> None:
    """Two fifths of the window at the least."""
    messages = said("user", *["assistant"] * 3, "user", "assistant", "assistant")
    assert [5, 6, 7] == seqs(window(messages, 6 * (10 + AROUND)))
    assert [4, 5, 6, 7] == seqs(window(said("user", *["assistant"] * 4, "user", "assistant"), 6 * (10 + AROUND)))


def test_the_request_that_the_first_turn_works_on_is_the_last_visible_one_before_it() -> None:
    """The one before the tail where there is none in it; none for a turn of the user's own."""
    asked = message(99, "user", "Build the mill.")
    messages = [*said("user", "user"), *[made._replace(seq=made.seq + 2) for made in said(*["assistant"] * 9)]]
    messages[1] = messages[1]._replace(text="Secret", hidden=True)

    def request(found: Window) -> str | None:
        return found.request and found.request.text

    assert TEN == request(window(messages, 100, room=0))
    assert "Build the mill." == request(window(messages[2:], 100, room=0, asked=asked))
    assert None is request(window(messages[2:], 100, room=0))
    assert None is request(window(said("user", "assistant"), 60, room=0, asked=asked))
    assert None is request(window(said("assistant"), 10 + AROUND, room=0, asked=asked))
    both = 10 + COUNT(asked.text) + 3 * AROUND
    assert (None, asked.text) == tuple(
        request(window(said("assistant"), most, 0, asked=asked)) for most in (both - 1, both)
    )
    assert asked.text == request(window(said("assistant"), 10 + AROUND, asked=asked))


def test_a_long_request_is_shortened_to_an_eighth_of_the_window() -> None:
    """It is told what it cost, too."""
    messages = [
        message(1, "user", "word " * 900),
        *[made._replace(seq=made.seq + 1) for made in said(*["assistant"] * 60)],
    ]
    found = window(messages, 800, room=0)
    assert found.request
    assert 100 <= COUNT(found.request.text) <= 100 + 40
    assert COUNT(found.request.text) + 2 * AROUND == found.spent - len(seqs(found)) * (10 + AROUND)


def test_a_request_has_room_for_a_few_words_in_a_small_window() -> None:
    """Whatever an eighth of it is."""
    words = "word " * 45
    messages = [message(1, "user", words), *[made._replace(seq=made.seq + 1) for made in said(*["assistant"] * 20)]]
    found = window(messages, 200, room=0)
    assert found.request
    assert words == found.request.text


def test_after_a_pause_three_exchanges_before_it_stay() -> None:
    """From the third user's turn before it on; everything where there are fewer."""
    messages = said("assistant", *["user", "assistant"] * 4)
    floors = [window(messages, 2, pause=Pause(after, "Then.")).floor for after in (1, 5, 6, 7, 8, 9, 10)]
    assert [0, 0, 0, 1, 1, 3, 3] == floors


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([result(1, "a"), message(2, "user", TEN), result(3, "b")], 60), ([*said("user"), result(2, "a")], 321),
        ([*said("user"), *(result(seq, "a") for seq in range(2, 8))], 96), ([*said("user"), call(2, *"abcdef")], 96),
        ([*(result(seq, "a") for seq in range(1, 16)), message(16, "user", TEN), *said("assistant")], 48),
        (said("assistant"), 321), ([*said("user"), call(2, "a", "b"), call(3, "c")], 289),
    ],
)  # fmt: skip
def test_how_long_a_result_or_call_may_be(messages: list[Message], words: int) -> None:
    """Old ones a sixteenth of the window, new ones a third, parallel ones together three fifths; texts a third."""
    found = window(messages, 965, room=0)
    at = next(at for at, made in enumerate(messages) if made.role != "user")
    assert (words, 321) == found.caps(at)


def test_what_was_new_when_the_user_asked_is_new_while_tools_are_at_work() -> None:
    """The exchange before that too, until the user speaks again; what is hidden begins none."""
    messages = [*said("user"), result(2, "a"), message(3, "user", TEN), result(4, "b"), message(5, "user", TEN)]
    messages += [message(6, "user", TEN, hidden=True)]
    assert [(60, 321), (321, 321)] == [window(messages, 965, room=0).caps(at) for at in (1, 3)]
    messages += [call(7, "c"), result(8, "c")]
    assert [(60, 321), (321, 321), (321, 321)] == [window(messages, 965, room=0).caps(at) for at in (1, 3, 7)]
    messages += [message(9, "user", TEN)]
    assert [(60, 321), (60, 321), (321, 321)] == [window(messages, 965, room=0).caps(at) for at in (1, 3, 7)]


def test_in_a_tiny_window_a_turn_has_the_half_and_a_result_a_third() -> None:
    """Less would say nothing."""
    assert (20, 30) == window(said("user", "assistant"), 60).caps(0)


def test_hidden_turns_displace_none() -> None:
    """They are not sent, and cost nothing."""
    messages = [message(seq, "assistant", TEN, hidden=seq % 4 > 0) for seq in range(2, 42)]
    found = window([*said("user"), *messages], 11 * (10 + AROUND), room=0)
    assert 1 == seqs(found)[0]
    assert 11 * (10 + AROUND) == found.spent


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("form", ["openai", "anthropic"])
def test_what_is_spent_is_what_the_turns_come_to(form: str, seed: int) -> None:
    """As they are sent, without the thoughts that the form leaves out, with the request and what is around each."""
    messages = [made for made in conversation(random.Random(seed)) if made.role not in ("system", "developer")]
    found = replace(window(messages, 400, room=0), form=form)
    told = [made for made in found.messages() if not made.hidden]
    price = sum(AROUND + message_tokens([part for part in made.all_parts() if part not in unsent(made, form)], COUNT)
                for made in told)  # fmt: skip
    request = found.request
    assert found.spent == price + (message_tokens(request.all_parts(), COUNT) + 2 * AROUND if request else 0)


def test_in_a_long_run_of_tools_the_start_goes_on_by_steps() -> None:
    """Never back, and far less often than a turn is added."""
    run = [*said("user")]
    starts = []
    for seq in range(2, 400, 2):
        run += [call(seq, f"c{seq}"), result(seq + 1, f"c{seq}")]
        starts.append(seqs(window(run, 1_000, room=0))[0])
    assert sorted(starts) == starts
    assert len({*starts}) < len(starts) / 8


def test_after_a_pause_three_exchanges_of_before_stay() -> None:
    """All that was said since stays with them, if it fits; a short conversation stays whole."""
    messages = said(*["user", "assistant"] * 10)
    pause = Pause(15, "It paused.")
    assert [*range(9, 21)] == seqs(window(messages, 400, pause=pause, total=9_999))
    assert [*range(1, 21)] == seqs(window(messages, 400, pause=pause))
    assert [*range(1, 21)] == seqs(window(messages, 400, pause=Pause(5, "It paused."), total=9_999))
    hidden = [made._replace(hidden=made.seq in (9, 11)) for made in messages]
    assert 5 == seqs(window(hidden, 400, pause=pause, total=9_999))[0]


def test_a_picture_that_is_too_large_for_where_it_is_is_only_named() -> None:
    """A link by its address, bytes by their name or kind; what is small enough stays."""
    link = {"type": "uri", "uri": "https://a.org/b.png", "mime_type": "image/png"}
    named = {"type": "blob", "mime_type": "image/png", "content": "aGk=", "name": "b.png"}
    bare = {"type": "blob", "mime_type": "image/png", "content": "aGk="}
    pasted = {"type": "uri", "uri": "data:image/png;base64,aGk=", "modality": "image"}
    found = message(1, "user", "see", [{"type": "text", "content": "see"}, link, named, bare, pasted])
    names = ["https://a.org/b.png", "b.png", "image/png", "data"]
    assert [{"type": "file", "name": f"{name}, not sent again"} for name in names] == [
        *fitted(found, 9, 799, COUNT).parts
    ][1:]
    assert found is fitted(found, 9, 800, COUNT)
    long = message(1, "user", "word " * 900, [{"type": "text", "content": "word " * 900}, bare])
    assert "tokens cut" in fitted(long, 9, 100, COUNT).text
