"""The envelopes that chat messages come in: data sets, preference pairs, request logs, batches.

Says which messages a record holds, in which alternatives, and what else it states.  The
messages themselves are left as they came; a record of no known shape is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chatlog.formats import Head, build, responses_items, written
from chatlog.formats.jsonstream import first_keys

_LISTS = ("messages", "conversations", "conversation", "items", "traj")
_PROMPTS = ("prompt", "input")
_REQUESTS = ("body", "request", "params")
_RESPONSES = ("response", "result", "output")
_TEXT_PAIR = ("prompt", "response")
#: Those of them that may be nothing but words.
_SPOKEN = ("response", "output")
_PAIR = ("conversation_a", "conversation_b")
_CHOSEN = ("chosen", "preferred_output", "completion", "rejected", "non_preferred_output", *_PAIR)
_SYSTEM = ("system", "system_prompt")
_NAMED = re.compile(r'\{\s*"[^"]*"\s*:\s*(?:\[\s*\]\s*,\s*"[^"]*"\s*:\s*)*\[\s*(?=\{)')
#: The keys of an answer from OpenAI's or Anthropic's API, and of one in a batch.
_ANSWERED = (
    {"custom_id", "response"},
    {"custom_id", "result"},
    {"choices", "model"},
    {"object", "output", "model"},
)
#: A request of the Responses API in a batch.
_RESPONSES_REQUEST = re.compile(r'"url"\s*:\s*"/v1/responses"')
#: Keys of a message that carry what it says.
SAYS = frozenset({"content", "tool_calls", "function_call", "refusal", "reasoning_content"})
#: Keys of records that hold role and content somewhere but are another format's.
_FOREIGN = frozenset({"mapping", "chat_messages", "history", "chat", "loglines", "message_tree_id", "parentUuid"})


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The message lists of one record, the main one first, and the record's other keys."""

    sequences: list[list[Any]]
    facts: dict[str, Any]


def is_message(value: Any) -> bool:
    """Whether a value is one message rather than a record of several."""
    return isinstance(value, dict) and "role" in value and not value.keys().isdisjoint(SAYS)


def is_record(value: Mapping[str, Any]) -> bool:
    """Whether a value is a message, or has a list that begins with one, and is no other format's.

    One that has a type is an entry of a program's log.
    """
    if "type" in value or not _FOREIGN.isdisjoint(value):
        return False
    lists = [value[key] for key in _LISTS if isinstance(value.get(key), list)]
    return is_message(value) or any(held and is_message(held[0]) for held in lists)


def dialogue(value: Any) -> Dialogue | None:
    """Return the messages of a record, or of a bare list of messages; None for any other value."""
    if isinstance(value, list):
        return Dialogue([value], {}) if value and is_message(value[0]) else None
    if not isinstance(value, dict):
        return None
    facts = dict(value)
    prompt = _prompt(facts)
    start = _system(facts) + (prompt or [])
    answers = list(_answers(facts, is_open=prompt is not None and not _is_answered(start)))
    if prompt is None and not answers:
        return None
    return Dialogue([_joined(start, answer) for answer in answers] or [start], facts)


def named(value: Any) -> list[Dialogue]:
    """Return the dialogues of an object that holds each under its name, as a program keeps several; none of another."""
    held = list(value.items()) if isinstance(value, dict) else []
    if not any(map(_is_dialogue, value.values() if held else ())) or not all(isinstance(one, list) for _, one in held):
        return []
    told = [(name, messages) for name, messages in held if _is_dialogue(messages)]
    return [Dialogue([messages], {"title": name} if name != "history" else {}) for name, messages in told]


def _is_dialogue(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and is_message(value[0])


def _is_answered(messages: list[Any]) -> bool:
    return bool(messages) and build.within(messages[-1], "role") == "assistant"


def _prompt(facts: dict[str, Any]) -> list[Any] | None:
    """Take out and return the messages a record begins with."""
    for key in _LISTS:
        if isinstance(facts.get(key), list):
            return list(facts.pop(key))
    for key in (*_REQUESTS, *_PROMPTS):
        if isinstance(facts.get(key), dict) and isinstance(facts[key].get("messages"), list):
            inner = dict(facts.pop(key))
            messages = list(inner.pop("messages"))
            _merge(facts, inner)
            return messages
    for key in _REQUESTS:
        if isinstance(facts.get(key), dict) and isinstance(facts[key].get("input"), (str, list)):
            inner = dict(facts.pop(key))
            messages = _instructions(inner) + responses_items.messages(inner.pop("input"))
            _merge(facts, inner)
            return messages
    told = written.instruction(facts) or written.chat(facts) or _transcript(facts) or _written_prompt(facts)
    return told or _listed_prompt(facts)


def _instructions(inner: dict[str, Any]) -> list[Any]:
    told = inner.pop("instructions", None)
    return [{"role": "system", "content": told}] if told else []


def _transcript(facts: dict[str, Any]) -> list[Any] | None:
    turns = written.transcript(facts.get("text"))
    if turns is not None:
        del facts["text"]
    return turns


def _listed_prompt(facts: dict[str, Any]) -> list[Any] | None:
    """Take out and return messages under a prompt's key, or the items of a request of the Responses API."""
    for key in _PROMPTS:
        if _is_dialogue(facts.get(key)):
            return _instructions(facts) + responses_items.messages(facts.pop(key))
    return None


def _written_prompt(facts: dict[str, Any]) -> list[Any] | None:
    if facts.keys().isdisjoint((*_CHOSEN, "response")):
        return None
    for key in _PROMPTS:
        if isinstance(facts.get(key), (str, list)):
            return _as_messages(facts.pop(key), "user")
    return None


def _as_messages(value: Any, role: str) -> list[Any]:
    if isinstance(value, str):
        return written.transcript(value) or [{"role": role, "content": value}]
    return list(value) if isinstance(value, list) else [value]


def _merge(facts: dict[str, Any], inner: Mapping[str, Any]) -> None:
    """Add what an inner object states where the record does not say otherwise."""
    for key, value in inner.items():
        facts.setdefault(key, value)


def _system(facts: dict[str, Any]) -> list[Any]:
    for key in _SYSTEM:
        if isinstance(facts.get(key), (str, list)) and facts[key]:
            return [{"role": "system", "content": facts.pop(key)}]
    return []


def _answers(facts: dict[str, Any], *, is_open: bool) -> Iterator[list[Any]]:
    """Take out and yield the alternatives a record ends in, the preferred one first.

    Words alone are one where the messages before them are without an answer, and so `is_open`.
    """
    for key in _CHOSEN:
        if facts.get(key):
            yield _as_messages(facts.pop(key), "assistant")
    for key in _RESPONSES:
        if isinstance(facts.get(key), dict):
            yield from _response(facts, key)
        elif is_open and key in _SPOKEN and build.word(facts.get(key)):
            yield _as_messages(facts.pop(key), "assistant")
    if facts.get("object") == "response" and isinstance(facts.get("output"), list):
        completion = {name: facts.pop(name) for name in _OF_RESPONSE if name in facts}
        yield from _put_out(completion)
    if isinstance(facts.get("choices"), list):
        completion = {name: facts.pop(name) for name in _OF_ANSWER if name in facts}
        yield from _choices(completion)


def _response(facts: dict[str, Any], key: str) -> list[list[Any]]:
    """Take out and return the alternative answers of a response; none where it holds none."""
    body = facts[key].get("body", facts[key])
    if not isinstance(body, dict):
        return []
    for held, told, answers in (("choices", _OF_ANSWER, _choices), ("output", _OF_RESPONSE, _put_out)):
        if isinstance(body.get(held), list):
            for around in (facts.pop(key), body):
                _merge(facts, build.without(around, ("body", *told)))
            return answers(body)
    spoken = body.get("message", body)
    if is_message(spoken):
        del facts[key]
        return [[spoken]]
    return []


_OF_ANSWER = ("choices", "id", "model", "created", "usage", "object")
_OF_RESPONSE = ("output", "id", "model", "created_at", "usage", "object")


def _put_out(body: Mapping[str, Any]) -> list[list[Any]]:
    """Return what a response of the Responses API put out, the last message with its model, time and usage."""
    told = responses_items.messages(body["output"])
    facts = {key: body[key] for key in ("model", "created_at", "usage") if key in body}
    return [[*told[:-1], *({**facts, **last} for last in told[-1:])]]


def _choices(body: Mapping[str, Any]) -> list[list[Any]]:
    """Return the choices of a chat completion."""
    return [[answer] for answer in completion_messages(body)]


def completion_messages(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the message of each choice of a chat completion, with its model, time, usage and reason."""
    facts = {key: body[key] for key in ("model", "created") if key in body}
    first = {key: body[key] for key in ("id", "usage") if key in body}
    for number, choice in enumerate(body["choices"]):
        rest = build.without(choice, ("message", "text", "index"))
        spoken = choice.get("message") or {"role": "assistant", "content": choice.get("text")}
        yield {**facts, **({} if number else first), **rest, **spoken}


def _joined(prompt: list[Any], answer: list[Any]) -> list[Any]:
    """Return a prompt and its answer as one list; some answers repeat the prompt."""
    repeats = len(answer) > 1 and prompt and (_same(prompt[0], answer[0]) or any(_same(prompt[-1], a) for a in answer))
    return answer if repeats else prompt + answer


def _same(one: Any, other: Any) -> bool:
    both = isinstance(one, dict) and isinstance(other, dict)
    return both and one.get("content") == other.get("content") and one.get("role") == other.get("role")


def looks_like(head: Head) -> bool:
    """Say whether a source that begins like this holds chat messages in one of these envelopes."""
    keys = head.keys
    is_history = keys == {"history"} and _holds_messages(head.text, "history")
    if is_history or written.is_instruction(keys) or written.begins_chat(head.text):
        return True
    if not keys or keys & _FOREIGN:
        return False
    if ("role" in keys and keys & SAYS) or any(
        key in keys and _holds_messages(head.text, key) for key in (*_LISTS, *_PAIR, *_REQUESTS, *_PROMPTS)
    ):
        return True
    is_answered = keys >= {"chosen", "rejected"} or keys & {"preferred_output", "completion"}
    is_pair = keys.issuperset(_TEXT_PAIR) and all(re.search(rf'"{key}"\s*:\s*"', head.text) for key in _TEXT_PAIR)
    if (keys & {"prompt", "input"} and is_answered) or is_pair:
        return True
    if any(keys >= signs for signs in _ANSWERED) or ("custom_id" in keys and _RESPONSES_REQUEST.search(head.text)):
        return True
    return written.begins_transcript(head.text) or _begins_named(head.text) or _is_cut_before_messages(head)


def _holds_messages(text: str, key: str) -> bool:
    """Whether the first object in the list under `key`, or under its ``messages``, is a message."""
    inner = "" if key in (*_LISTS, *_PAIR, "history") else r'\{[^\[\]]*?"messages"\s*:\s*|'
    match = re.search(rf'"{key}"\s*:\s*(?:{inner})\[\s*(?=\{{)', text)
    if match is None:
        return False
    keys = set(first_keys(text[match.end() :]))
    return bool(keys & SAYS) and ("role" in keys or keys == {"content"})


def _begins_named(text: str) -> bool:
    """Whether an object begins with a list of messages under a name, which is no key of any form."""
    match = _NAMED.match(text)
    return match is not None and {"role", "content"} <= set(first_keys(text[match.end() :]))


def _is_cut_before_messages(head: Head) -> bool:
    """Whether long definitions come first and the messages lie beyond what can be seen."""
    cut = "\n" not in head.text and len(head.keys) <= 3
    return cut and bool(head.keys & {"tools", "functions"} or head.keys >= {"task_id", "reward", "info"})
