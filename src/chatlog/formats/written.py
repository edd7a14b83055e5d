"""Dialogues that data sets write without message objects: an instruction and its answer, or one text of turns.

Alpaca's, Dolly's and Glaive's records, and the ``Human:``/``Assistant:`` transcripts of preference sets, as role and
content.  No text makes a system message.  What stands around them in a record is `datasets`' matter.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

_INSTRUCTION = "instruction"
_GIVEN = ("input", "context")
_ANSWER = ("output", "response")
_TURN = re.compile(r"(?:(?:\A|\n)[ \t]*(?:### ?)?|### ?)(Human|User|Assistant): ?")
_OPENING = r"(?:### ?)?(?:Human|User): ?"
_TRANSCRIPT = re.compile(rf"\s*{_OPENING}")
_TRANSCRIPT_IN_JSON = re.compile(rf'"(?:text|chosen)"\s*:\s*"(?:\\[nrt]|\s)*{_OPENING}')
_ROLES = {"Human": "user", "User": "user", "Assistant": "assistant"}
#: The turns of Glaive's function calls, which are one text beside another of instructions.
_CHAT = re.compile(r"\s*(?:USER|ASSISTANT): ")
_CHAT_IN_JSON = re.compile(r'"chat"\s*:\s*"(?:\\[nrt]|\s)*(?:USER|ASSISTANT): ')
_CHAT_TURN = re.compile(r"(?:\A|\n)[ \t]*(USER|ASSISTANT|FUNCTION RESPONSE): ?")
_CHAT_ROLES = {"USER": "user", "ASSISTANT": "assistant", "FUNCTION RESPONSE": "tool"}
_END = "<|endoftext|>"
_CALLED = re.compile(r"<functioncall>\s*(?=\{)")
#: A call's arguments are JSON in single quotes, which makes no JSON of the call.
_QUOTED = re.compile(r"""\{\s*"name"\s*:\s*"([^"]+)"\s*,\s*"arguments"\s*:\s*'(.*)'\s*\}""", re.DOTALL)

Said = dict[str, Any]


def is_instruction(keys: frozenset[str]) -> bool:
    """Whether records with these keys are an instruction and what answers it."""
    return _INSTRUCTION in keys and not keys.isdisjoint((*_ANSWER, "chosen"))


def begins_transcript(text: str) -> bool:
    """Whether JSON text holds a record whose words begin as a transcript does."""
    return _TRANSCRIPT_IN_JSON.search(text) is not None


def begins_chat(text: str) -> bool:
    """Whether JSON text holds a record whose turns are one text, as Glaive's are."""
    return _CHAT_IN_JSON.search(text) is not None


def chat(facts: dict[str, Any]) -> list[Said] | None:
    """Take out and return the turns of one of Glaive's records, calls and what they gave back included."""
    text = facts.get("chat")
    if not isinstance(text, str) or _CHAT.match(text) is None:
        return None
    del facts["chat"]
    if isinstance(facts.get("system"), str):
        facts["system"] = facts["system"].removeprefix("SYSTEM: ").strip()
    marks = list(_CHAT_TURN.finditer(text))
    bounds = pairwise([*(mark.start() for mark in marks), len(text)])
    turns = [(mark[1], text[mark.end() : end]) for mark, (_, end) in zip(marks, bounds, strict=True)]
    return [_chatted(_CHAT_ROLES[who], words.strip().removesuffix(_END).strip()) for who, words in turns]


def _chatted(role: str, words: str) -> Said:
    called = _CALLED.search(words) if role == "assistant" else None
    if called is None or not (told := words[called.end() : words.rfind("}") + 1]):
        return _said(role, words)
    quoted = _QUOTED.fullmatch(told)
    call = {"name": quoted[1], "arguments": quoted[2]} if quoted else {"name": None, "arguments": told}
    return {"role": role, "content": words[: called.start()].strip() or None, "tool_calls": [{"function": call}]}


def instruction(facts: dict[str, Any]) -> list[Said] | None:
    """Take out and return what an instruction record says: earlier turns, the instruction with its input, the answer.

    One whose answers are a chosen and a rejected one keeps those.
    """
    if not is_instruction(frozenset(facts)) or not isinstance(facts[_INSTRUCTION], str):
        return None
    messages = _earlier(facts.pop("history", None))
    asked = [facts.pop(_INSTRUCTION), *(facts.pop(key) for key in _GIVEN if isinstance(facts.get(key), str))]
    messages.append(_said("user", "\n\n".join(words for words in asked if words)))
    answers = [facts.pop(key) for key in _ANSWER if isinstance(facts.get(key), str)]
    return [*messages, *(_said("assistant", words) for words in answers[:1])]


def _earlier(history: Any) -> list[Said]:
    pairs = [pair for pair in history if isinstance(pair, list)] if isinstance(history, list) else []
    return [_said(role, words) for pair in pairs for role, words in zip(("user", "assistant"), pair, strict=False)]


def transcript(text: Any) -> list[Said] | None:
    """Return the turns of a text that begins with a speaker's mark, None for any other value."""
    if not isinstance(text, str) or _TRANSCRIPT.match(text) is None:
        return None
    marks = list(_TURN.finditer(text))
    bounds = pairwise([*(mark.start() for mark in marks), len(text)])
    return [
        _said(_ROLES[mark[1]], text[mark.end() : end].strip(" \t\r\n"))
        for mark, (_, end) in zip(marks, bounds, strict=True)
    ]


def _said(role: str, words: Any) -> Said:
    return {"role": role, "content": words}
