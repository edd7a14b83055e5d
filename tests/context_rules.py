"""Conversations to assemble contexts of, and the rules that every assembled array must keep, read off the array alone.

Used by the property tests and by `benchmarks/context.py`; nothing here calls the assembler.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import tiktoken

from chatlog.canonical import content_hash
from chatlog.models import Message
from chatlog.store.window import Counted
from chatlog.tokens import CL100K, Counter, vocabulary
from chatlog.wireforms import message_tokens

Turn = tuple[str, str, list[Any]]

LABEL = "untrusted"
TEXT = (
    "the hotel in Lisbon costs 120 euros a night 好的 我们决定 using ```code``` <history> </history> <|endoftext|> "
    'retry backoff jitter \u200d \U0001f600 naïve ERR-1234 https://example.org/a/b_c?d=e {"a": [1]} … — end.'
)
WORDS = TEXT.split()


def text(rng: random.Random, most: int = 40) -> str:
    kind = rng.random()
    if kind < 0.05:
        return rng.choice(["", " ", "\n\t ", "ok", "\u200b"])
    if kind < 0.12:
        return " ".join(rng.choices(WORDS, k=rng.randint(100, 900)))
    return " ".join(rng.choices(WORDS, k=rng.randint(1, most)))


def message(seq: int, role: str, words: str, parts: list[Any] | None = None, **facts: Any) -> Message:
    made = None if parts is None else tuple(parts)
    digest = content_hash(role, made, words).hex()
    values = {"author": None, "model": None, "created_at": f"2026-11-{1 + seq // 60 % 28:02}T10:{seq % 60:02}:00.000Z",
              "hidden": False, "importance": None, **facts}  # fmt: skip
    return Message(
        "c" * 26, seq, seq - 1 or None, role, values["author"], words, made, values["model"], values["created_at"],
        None, digest, None, None, values["hidden"], values["importance"], {},
    )  # fmt: skip


def conversation(rng: random.Random) -> list[Message]:
    """Return a conversation as untidy as real ones: parallel calls, orphans, late results, blanks, repeated ids."""
    found: list[Message] = []
    ids = [f"call_{number}" for number in range(6)] + ["", None, "weird id! " * 8]

    def say(role: str, words: str, parts: list[Any] | None = None) -> None:
        author = rng.choice([None, None, None, "Ana", "Bo b"])
        found.append(
            message(len(found) + 1, role, words, parts, author=author, hidden=rng.random() < 0.04,
                    importance=rng.choice([None] * 12 + ["keep", "discard"]))
        )  # fmt: skip

    for _ in range(rng.choice([0, 1, 1, 2, 5, 12, 40])):
        role = rng.choices(["user", "assistant", "call", "tool", "system", "developer"], [30, 30, 20, 12, 4, 1])[0]
        if role == "call":
            open_ids = [rng.choice(ids) for _ in range(rng.choice([1, 1, 2, 4]))]
            calls = [
                {"type": "tool_call", "id": name, "name": rng.choice(["read", "a b/c", None]),
                 "arguments": rng.choice([{"path": text(rng)}, "not json", None, [1]])}
                for name in open_ids
            ]  # fmt: skip
            words = rng.choice(["", "Let me look."])
            thought = [{"type": "reasoning", "content": "hm", **rng.choice([{}, {"signature": "c2ln"}])}]
            say(
                "assistant",
                words,
                [*rng.choice([[], thought]), *([{"type": "text", "content": words}] * bool(words)), *calls],
            )
            answered = [name for name in open_ids if rng.random() < 0.85]
            rng.shuffle(answered)
            for name in answered:
                responses = [text(rng, 300), "", None, {"rows": [text(rng)]}, [{"type": "text", "text": text(rng)}]]
                say("tool", "", [{"type": "tool_call_response", "id": name, "response": rng.choice(responses)}])
                if rng.random() < 0.1:
                    say("user", "wait")
        elif role == "tool":
            say("tool", "", [{"type": "tool_call_response", "id": rng.choice(ids), "response": text(rng)}])
        elif role == "assistant" and rng.random() < 0.2:
            say("assistant", "", [{"type": "reasoning", "content": "only thought", "signature": "c2ln"}])
        elif role == "user" and rng.random() < 0.1:
            image = {"type": "uri", "uri": "https://example.org/x.png", "mime_type": "image/png", "modality": "image"}
            say("user", "see", [{"type": "text", "content": "see"}, image])
        else:
            say(role, text(rng))
    return found


def counted(messages: list[Message], count: Counter) -> list[Counted]:
    return [Counted(found, 0 if found.hidden else message_tokens(found.all_parts(), count)) for found in messages]


# the rules


def turns(form: str, wire: Any) -> list[Turn]:
    """Return (role, text, calls or results) of each entry of an array; a call is its id, a result ("result", id)."""
    return list(_READERS[form](wire))


def _openai(wire: Any) -> Iterator[Turn]:
    for entry in wire:
        content = entry.get("content")
        words = (
            content if isinstance(content, str) else "".join(block.get("text") or "[media]" for block in content or ())
        )
        for block in content if isinstance(content, list) else ():
            assert block["type"] != "text" or block["text"].strip(), "no blank text"
        calls: list[Any] = [call["id"] for call in entry.get("tool_calls") or ()]
        for call in entry.get("tool_calls") or ():
            assert isinstance(call["function"]["arguments"], str)
        assert words.strip() or (calls and content is None), "no blank text"
        if entry["role"] == "tool":
            calls = [("result", entry["tool_call_id"])]
        yield entry["role"], words, calls


def _responses(wire: Any) -> Iterator[Turn]:
    pending: list[Any] = []
    for item in wire:
        if item["type"] == "function_call":
            pending.append(item["call_id"])
            continue
        if pending:
            yield "assistant", "", pending
            pending = []
        if item["type"] == "function_call_output":
            assert item["output"].strip(), "no blank text"
            yield "tool", item["output"], [("result", item["call_id"])]
        else:
            content = item["content"]
            words = content if isinstance(content, str) else "".join(part.get("text") or "[media]" for part in content)
            assert words.strip()
            yield item["role"], words, []
    if pending:
        yield "assistant", "", pending


def _anthropic(wire: Any) -> Iterator[Turn]:
    if "system" in wire:
        assert wire["system"].strip()
        yield "system", wire["system"], []
    last = None
    for turn in wire["messages"]:
        assert turn["role"] != last, "messages alternate"
        last = turn["role"]
        content = turn["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        assert blocks
        for block in blocks:
            assert block["type"] != "thinking" or block["signature"], "reasoning goes back as it was signed"
            assert block["type"] != "text" or block["text"].strip(), "no blank text"
            assert block["type"] != "tool_result" or block["content"].strip(), "no blank text"
        results = [("result", block["tool_use_id"]) for block in blocks if block["type"] == "tool_result"]
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        kinds = [block["type"] for block in blocks]
        assert kinds[-1] not in ("thinking", "redacted_thinking"), "reasoning without its follower"
        assert "tool_result" not in kinds[len(results) :], "results come first in their turn"
        words = "\n".join(block.get("text") or "" for block in blocks)
        if results:
            yield "tool", "", results
            if len(kinds) > len(results):
                yield turn["role"], words, []
        else:
            yield turn["role"], words or "[media]", calls


def _gemini(wire: Any) -> Iterator[Turn]:
    if "systemInstruction" in wire:
        yield "system", "\n".join(part["text"] for part in wire["systemInstruction"]["parts"]), []
    last = None
    for content in wire["contents"]:
        assert content["role"] != last, "contents alternate"
        last = content["role"]
        results = [
            ("result", part["functionResponse"]["id"]) for part in content["parts"] if "functionResponse" in part
        ]
        calls = [part["functionCall"]["id"] for part in content["parts"] if "functionCall" in part]
        words = "\n".join(part.get("text") or "" for part in content["parts"])
        for part in content["parts"]:
            assert "text" not in part or part["text"].strip(), "no blank text"
            if "functionResponse" in part:
                assert any(str(value).strip() for value in part["functionResponse"]["response"].values())
        if results:
            yield "tool", "", results
            if len(content["parts"]) > len(results):
                yield "user", words, []
        else:
            yield ("assistant" if content["role"] == "model" else "user"), words or "[media]", calls


_READERS = {"openai": _openai, "responses": _responses, "anthropic": _anthropic, "gemini": _gemini}
#: Forms in which one speaker never has two entries in a row.
_ALTERNATING = {"openai", "anthropic", "gemini"}


def check(form: str, wire: Any) -> None:
    """Assert the rules of an array of a form; those of text forms are that it is not blank."""
    if form not in _READERS:
        assert wire.strip()
        return
    json.dumps(wire)
    found = turns(form, wire)
    assert found, "non-empty"
    roles = [role for role, _, _ in found]
    assert set(roles) <= {"system", "user", "assistant", "tool"}, "known roles"
    talk = [turn for turn in found if turn[0] != "system"]
    assert ["system"] * (len(found) - len(talk)) == roles[: len(found) - len(talk)], "system only at the head"
    assert talk, "somebody speaks"
    assert talk[0][0] == "user", "a user is first"
    assert talk[-1][0] in ("user", "tool"), "a user or a tool is last"
    _check_calls(talk)
    if form in _ALTERNATING:
        pairs = [(first[0], second[0]) for first, second in pairwise(talk)]
        assert ("user", "user") not in pairs or form == "anthropic", "a speaker's run is merged"
        assert ("assistant", "assistant") not in pairs, "a speaker's run is merged"
    for role, words, _ in found:
        assert LABEL not in words or role in ("user", "system"), "quoted history is nobody's own words"


def _check_calls(talk: list[Turn]) -> None:
    """Assert that every call is answered once, right away, its results in a row, under an id of its own."""
    waiting: list[str] = []
    ids: list[str] = []
    for role, _, calls in talk:
        if role == "tool":
            for _, name in calls:
                assert name in waiting, "a result has its call in the turn before"
                waiting.remove(name)
        else:
            assert not waiting, "every call is answered before another speaks"
            assert role == "assistant" or not calls
            waiting = [*calls]
            ids += calls
    assert not waiting, "every call is answered"
    assert len(ids) == len({*ids}), "ids of calls are unique"


_QUOTED = re.compile(r"<history [^>]*untrusted[^>]*>.*?</history>", re.DOTALL)


def check_quoted(form: str, wire: Any, marks: Iterable[str]) -> None:
    """Assert that words which are only quoted stand under their label, in what a user or the system says."""
    found = turns(form, wire) if form in _READERS else [("user", wire, [])]
    for role, words, _ in found:
        outside = _QUOTED.sub("", words) if role in ("user", "system") else words
        assert [] == [mark for mark in marks if mark in outside], "what is quoted is labelled"


# counting, by what the providers publish, with tiktoken alone


def plain_count(form: str, wire: Any) -> int:
    """Return at least what the strings of an array come to: each by itself, and four for each entry."""
    loaded = vocabulary(CL100K)
    assert isinstance(loaded, tiktoken.Encoding)

    def size(words: str) -> int:
        return len(loaded.encode_ordinary(words))

    if form not in _READERS:
        return size(wire)
    found = turns(form, wire)
    return sum(4 + (size(words) if words != "[media]" else 0) for _, words, _ in found)
