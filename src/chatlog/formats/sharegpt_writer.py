"""Conversations as a ShareGPT data set: an array of ``{"id", "conversations": [{"from", "value"}, …]}``.

Tool use is spelled as LLaMA-Factory and its relatives read it: ``function_call`` and ``observation`` turns.
It only writes; `sharegpt` reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any

from chatlog.formats.turns import arguments_object, steps
from chatlog.models import Conversation, Message, Part
from chatlog.shown import mention, response_text

if TYPE_CHECKING:
    from chatlog.formats import Transcript

_ANSWERS = ("gpt", "function_call")


def write(transcripts: Iterable[Transcript], out: IO[str]) -> None:
    """Write each conversation as an element of an array, a line each; none without an answer."""
    written = 0
    out.write("[")
    for talk, messages in transcripts:
        opened = False
        for turn in turns(messages):
            if not opened:
                out.write(("," if written else "") + "\n" + _opening(talk))
            out.write((", " if opened else "") + json.dumps(turn, ensure_ascii=False))
            opened = True
        if opened:
            out.write("]}")
            written += 1
    out.write("\n]\n")


def _opening(talk: Conversation) -> str:
    """Return a record up to its first turn; every record has the same keys, as tables of data sets want it."""
    facts = {"id": talk.id, "title": talk.title, "model": talk.model, "created_at": talk.created_at}
    return json.dumps(facts, ensure_ascii=False)[:-1] + ', "conversations": ['


def turns(messages: Iterable[Message]) -> Iterator[dict[str, Any]]:
    """Yield the turns of a conversation up to the last answer: no reasoning, nothing hidden.

    Who asks and who answers take turns, for LLaMA-Factory skips a conversation where they do not, and FastChat ends.
    """
    waiting = []
    for turn in _joined(_told(messages)):
        waiting.append(turn)
        if turn["from"] in _ANSWERS:
            yield from waiting
            waiting.clear()


def _told(messages: Iterable[Message]) -> Iterator[tuple[str, Any]]:
    """Yield who says what, turn by turn; a system prompt stands at the beginning alone."""
    is_opening = True
    for step in steps(messages):
        is_opening = is_opening and step.role in ("system", "developer")
        if step.role == "tool":
            yield "observation", response_text(step.parts[0].get("response"))
            continue
        if words := "\n\n".join(words for part in step.parts if (words := _words(part))):
            yield "gpt" if step.role == "assistant" else "system" if is_opening else "human", words
        if calls := [_call(part) for part in step.parts if part.get("type") == "tool_call"]:
            yield "function_call", calls


def _joined(told: Iterable[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield turns, those of one speaker that follow each other as one, and words with the calls after them."""
    words: list[str] = []
    for speaker, group in groupby(told, itemgetter(0)):
        values = [value for _, value in group]
        if speaker == "gpt":
            words = values
            continue
        if speaker == "function_call":
            values, words = [_called("\n\n".join(words), [*chain(*values)])], []
        if words:
            yield _turn("gpt", words)
        yield _turn(speaker, values)
        words = []
    if words:
        yield _turn("gpt", words)


def _turn(speaker: str, values: list[str]) -> dict[str, Any]:
    if speaker == "observation" and len(values) > 1:
        return {"from": speaker, "value": json.dumps(values, ensure_ascii=False)}
    return {"from": speaker, "value": "\n\n".join(values)}


def _called(words: str, calls: list[dict[str, Any]]) -> str:
    """Return calls as JSON, what was said before them as the content of the first."""
    if words:
        calls[0]["content"] = words
    return json.dumps(calls if len(calls) > 1 else calls[0], ensure_ascii=False)


def _words(part: Part) -> str | None:
    content = part.get("content")
    if part.get("type") == "text":
        return content if isinstance(content, str) else None
    return mention(part)


def _call(part: Part) -> dict[str, Any]:
    return {"name": str(part.get("name") or "tool"), "arguments": arguments_object(part)}
