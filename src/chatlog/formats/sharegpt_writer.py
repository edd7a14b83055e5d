"""Conversations as a ShareGPT data set: an array of ``{"id", "conversations": [{"from", "value"}, …]}``.

Tool use is spelled as LLaMA-Factory and its relatives read it: ``function_call`` and ``observation`` turns.
It only writes; `sharegpt` reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any

from chatlog.formats.turns import Step, steps
from chatlog.models import Conversation, Message, Part
from chatlog.shown import mention, response_text

if TYPE_CHECKING:
    from chatlog.formats import Transcript

_SPEAKERS = {"system": "system", "developer": "system", "user": "human", "assistant": "gpt"}


def write(transcripts: Iterable[Transcript], out: IO[str]) -> None:
    """Write each conversation as an element of an array, a line each; none without messages."""
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
    """Yield the turns of a conversation: no reasoning, nothing hidden, results after their calls."""
    for step in steps(messages):
        if step.role == "tool":
            yield {"from": "observation", "value": response_text(step.parts[0].get("response"))}
        else:
            yield from _said(step)


def _said(step: Step) -> Iterator[dict[str, Any]]:
    words = "\n\n".join(words for part in step.parts if (words := _words(part)))
    if words:
        yield {"from": _SPEAKERS[step.role], "value": words}
    calls = [_call(part) for part in step.parts if part.get("type") == "tool_call"]
    if calls:
        yield {"from": "function_call", "value": json.dumps(calls if len(calls) > 1 else calls[0], ensure_ascii=False)}


def _words(part: Part) -> str | None:
    content = part.get("content")
    if part.get("type") == "text":
        return content if isinstance(content, str) else None
    return mention(part)


def _call(part: Part) -> dict[str, Any]:
    arguments = part.get("arguments")
    return {"name": str(part.get("name") or "tool"), "arguments": {} if arguments is None else arguments}
