"""ShareGPT data sets: records of ``{"conversations": [{"from", "value"}, …]}``, in an array or a line each.

Also those that spell a turn otherwise, or have a prompt and its answer in one object or the turns as columns; and
the preference sets of that form, whose rejected answer becomes a branch beside the chosen one.
A record's turns get ids from what was said so far; chunks of a split conversation stay apart.
There is no standard place on disk: data sets lie where people download them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from chatlog.canonical import canonical_json
from chatlog.formats import MALFORMED, Head, build, dataset_media, ids, openai_content, tags
from chatlog.formats.calls import Calls
from chatlog.formats.envelope import take_text, time_of
from chatlog.formats.jsonstream import Line, first_keys
from chatlog.formats.records import misshapen, read_each, records
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Part, Problem, Record, joined_text

_TALKS = ("conversations", "conversation")
_LISTS = (*_TALKS, "messages", "items")
_PREFERRED = ("chosen", "rejected")
_SYSTEM = ("system", "system_prompt")
_START = re.compile(rf'"({"|".join((*_LISTS, _PREFERRED[0]))})"\s*:\s*\[?\s*(?=\{{)')
_SPEAKER = re.compile(r'"(?:from|role)"\s*:\s*\[?\s*"([^"]*)"')
#: Turns that are text, as a table without lists in its cells has them.
_IN_TEXT = re.compile(r'"conversations?"\s*:\s*"\[\s*\{\s*(?:\\"|\')(?:from|value|role|content)(?:\\"|\')')
#: What a person said and what the model answered, where one object holds both.
_EXCHANGES = (("human", "assistant"), ("user", "assistant"), ("input", "output"))
#: An id shorter than this numbers a file's records; it is no name that a second file could not have too.
_OWN_ID_CHARS = 7
_CALL, _RESULT = "tool_call", "tool_call_response"
_ROLES = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "claude": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "system": "system",
    "developer": "developer",
    "function_call": _CALL,
    "tool_call": _CALL,
    "tool_calls": _CALL,
    "observation": _RESULT,
    "tool": _RESULT,
    "tool_response": _RESULT,
    "function_response": _RESULT,
    "function": _RESULT,
}
_PLAIN = {name: role for name, role in _ROLES.items() if role not in (_CALL, _RESULT)}
_PLAIN_KEYS = 2
#: Where a scrape left no value but another form of the words.
_OTHER_WORDS = ("text", "markdown", "content")


def sniff(head: Head) -> bool:
    """Say whether a source that begins like this holds turns of ``from`` and ``value``, or what is like them."""
    if not head.is_json or head.keys.isdisjoint((*_LISTS, *_PREFERRED)):
        return False
    starts = islice(_START.finditer(head.text), 3)
    return any(_begins_turn(start[1], head.text[start.end() :]) for start in starts) or bool(_IN_TEXT.search(head.text))


def _begins_turn(key: str, text: str) -> bool:
    """Whether JSON text under `key` begins with a turn of this form, and not with one of role and content."""
    keys = set(first_keys(text))
    if keys >= {"from", "value"}:
        return True
    if key in _TALKS and any(keys >= set(pair) for pair in _EXCHANGES):
        return True
    speaker = _SPEAKER.search(text) if keys & {"value", "text"} or keys >= {"from", "content"} else None
    return speaker is not None and speaker[1].strip().lower() in _ROLES


def read(source: Source) -> Iterator[Record]:
    """Yield each record's conversation and its turns."""
    reading = _Reading()
    yield from read_each(records(source), reading.take, "not a ShareGPT conversation")
    if reading.empty:
        yield LeftOut("conversations without messages", reading.empty)


class _Reading:
    """What one pass over a source remembers: the conversation ids it gave, and how many held nothing."""

    def __init__(self) -> None:
        self.empty = 0
        self.seen: Counter[str] = Counter()

    def take(self, entry: Line) -> list[Record]:
        """Return the records of one value of the source.  Raises one of MALFORMED."""
        facts, place = dict(entry.value), entry.place
        own, sequences = _own_id(facts), _sequences(facts)
        is_chained = own is not None or len(sequences) > 1
        threads = [_Thread(place, turns, is_chained=is_chained) for turns in sequences]
        drafts = threads[0].drafts if len(threads) == 1 else _once(threads)
        if drafts and (media := dataset_media.take(facts)):
            drafts = dataset_media.attached(drafts, media)
        found: list[Record] = []
        if drafts:
            found.append(_conversation_draft(facts, ids.numbered(own or _name(sequences), self.seen, "-"), threads))
        elif not sequences[0]:
            self.empty += 1
        found += drafts
        found += dict.fromkeys(problem for thread in threads for problem in thread.problems)
        return found


def _own_id(facts: dict[str, Any]) -> str | None:
    for key in ("id", "conversation_id"):
        own = facts.get(key)
        if isinstance(own, str) and len(own) >= _OWN_ID_CHARS and not own.isdigit():
            return str(facts.pop(key))
    return None


def _name(sequences: list[list[Any]]) -> str:
    """Return an id made of all turns."""
    try:
        said = [text for turns in sequences for turn in turns for text in (turn["from"], turn["value"])]
        return ids.hashed(*said)
    except (KeyError, TypeError):
        return ids.hashed(canonical_json(sequences))


def _once(threads: list[_Thread]) -> list[MessageDraft]:
    """Return the messages of all threads, those they have in common once."""
    return list({draft.source_id: draft for thread in threads for draft in thread.drafts}.values())


def _conversation_draft(facts: dict[str, Any], name: str, threads: list[_Thread]) -> ConversationDraft:
    return ConversationDraft(
        source_id=name,
        title=take_text(facts, "title") or None,
        model=take_text(facts, "model") or None,
        created_at=time_of(facts),
        head=threads[0].last if len(threads) > 1 else None,
        metadata=build.given(facts),
    )


def _sequences(facts: dict[str, Any]) -> list[list[Any]]:
    """Take out and return the turns of a record, once for each of its alternative ends, the preferred first."""
    key = next((key for key in _LISTS if key in facts), None)
    turns = [turn for held in _rows(facts.pop(key)) for turn in _as_turns(held)] if key else []
    for key in _SYSTEM:
        if isinstance(facts.get(key), str):
            prompt = {"from": "system", "value": facts.pop(key)}
            turns = [prompt, *turns] if prompt["value"] and prompt not in turns[:1] else turns
    ends = [_end(facts.pop(key)) for key in _PREFERRED if _end(facts.get(key))]
    return [turns + end for end in ends] or [turns]


def _rows(held: Any) -> list[Any]:
    """Return the elements of a list, which tables write as text or as columns: an object of lists."""
    held = tags.literal(build.parsed(held))
    if isinstance(held, dict):
        return [dict(zip(held, row, strict=True)) for row in zip(*held.values(), strict=True)]
    if isinstance(held, str):
        raise TypeError("turns that are no list")
    return list(held or ())


def _as_turns(value: Any) -> Iterable[Any]:
    """Return what an element of a record's list says, as turns of from and value."""
    if not isinstance(value, dict) or ("from" in value and "value" in value):
        return (value,)
    pair = next((pair for pair in _EXCHANGES if value.keys() >= set(pair)), None)
    if pair is not None:
        return _exchange(value, *pair)
    speaker = "from" if "from" in value else "role"
    words = next((key for key in ("value", *_OTHER_WORDS) if key in value), "value")
    told = {"from": value[speaker]} if speaker in value else {}
    return ({**told, "value": value.get(words), **build.without(value, (speaker, words))},)


def _exchange(value: Mapping[str, Any], asked: str, answered: str) -> Iterator[Any]:
    before = {"system": value.get("system"), "human": value[asked]}
    yield from ({"from": speaker, "value": words} for speaker, words in before.items() if words)
    yield {"from": "gpt", "value": value[answered], **build.without(value, ("system", asked, answered))}


def _end(value: Any) -> list[Any]:
    held = [turn for each in (value if isinstance(value, list) else [value]) for turn in _as_turns(each)]
    return held if all(isinstance(turn, dict) and "from" in turn for turn in held) else []


class _Thread:
    """The turns of one record, each linked to the one before: by number, or by what was said so far."""

    def __init__(self, place: str, turns: list[Any], *, is_chained: bool) -> None:
        self.drafts: list[MessageDraft] = []
        self.problems: list[Problem] = []
        self.last: str | None = None
        calls, went_on = Calls(), False
        for number, turn in enumerate(turns, 1):
            try:
                name = _chained(self.last, turn) if is_chained else str(number)
                if went_on and _ROLES.get(turn["from"].strip().lower()) == _CALL:
                    calls.forget()  # what follows answers these calls, not those left open before
                    went_on = False
                made = _message(turn, calls, name, self.last)
                went_on = went_on or made.role in ("tool", "user")
                self.drafts.append(made)
                self.last = name
            except MALFORMED as error:
                self.problems.append(misshapen(f"{place}, message {number}", error, "not of the shape of a turn"))


def _chained(before: str | None, turn: Mapping[str, Any]) -> str:
    value = turn.get("value")
    return ids.hashed(before or "", turn["from"], value if isinstance(value, str) else canonical_json(value))


def _message(turn: Mapping[str, Any], calls: Calls, name: str, parent: str | None) -> MessageDraft:
    speaker, value = turn["from"], turn.get("value")
    role = _PLAIN.get(speaker)
    if role is not None and isinstance(value, str) and len(turn) == _PLAIN_KEYS and not _is_tagged(role, value):
        return MessageDraft(role=role, text=value, source_id=name, parent=parent)
    kind = _ROLES.get(speaker.strip().lower())
    if kind == "user" and isinstance(value, str) and tags.are_responses(value):
        kind = _RESULT
    said = _said(kind, turn, calls)
    facts = build.given(turn, ("from", "value", said.told))
    return MessageDraft(
        role="tool" if kind == _RESULT else "assistant" if kind == _CALL else kind or "user",
        text=said.text,
        parts=said.parts,
        author=None if kind else build.word(speaker),
        created_at=time_of(facts),
        source_id=name,
        parent=parent,
        metadata=facts,
    )


def _is_tagged(role: str, words: str) -> bool:
    return tags.is_tagged(words) if role == "assistant" else role == "user" and tags.are_responses(words)


class _Said(NamedTuple):
    """What a turn says, and the key besides its value that told it."""

    text: str
    parts: tuple[Part, ...] | None = None
    told: str = "value"


def _said(kind: str | None, turn: Mapping[str, Any], calls: Calls) -> _Said:
    """Return what a turn says that is a call, a result, or no plain text."""
    value = turn.get("value")
    if kind == _CALL:
        return _called(tuple(tags.calls_in(value, calls)))
    if kind == _RESULT:
        return _Said("", tuple(_results(turn, calls)), told="tool_call_id")
    if kind == "assistant" and turn.get("tool_calls"):
        spoken = {"role": kind, "content": value or None, "tool_calls": build.parsed(turn["tool_calls"])}
        made = openai_content.message(spoken, calls)
        return _Said(made.text, made.parts, told="tool_calls")
    if isinstance(value, str):
        parts = tuple(tags.said(value, calls)) if kind == "assistant" and tags.is_tagged(value) else ()
        return _Said(joined_text(parts), parts) if parts else _Said(value)
    if value is None:
        other = next((key for key in _OTHER_WORDS if isinstance(turn.get(key), str)), "value")
        return _Said(turn.get(other) or "", told=other)
    made = openai_content.message({"role": "user", "content": value})
    return _Said(made.text, made.parts)


def _called(parts: tuple[Part, ...]) -> _Said:
    """Return calls, and before them the words that chatlog writes as the content of the first."""
    words = build.word(parts[0].get("content")) if parts else None
    if words is None:
        return _Said("", parts)
    return _Said(words, (build.text(words), build.without(parts[0], ("content",)), *parts[1:]))


def _results(turn: Mapping[str, Any], calls: Calls) -> Iterator[Part]:
    """Yield the result of a turn: one for each of the open calls where it is a list of as many."""
    value, own = turn.get("value"), build.word(turn.get("tool_call_id"))
    if isinstance(value, str) and tags.are_responses(value):
        yield from tags.responses(value, calls)
        return
    found = tags.literal(build.parsed(value.strip())) if isinstance(value, str) else value
    each = found if isinstance(found, list) and 1 < len(found) == calls.open and own is None else [value]
    for response in each:
        yield build.tool_result(calls.answered(own, None), response)
