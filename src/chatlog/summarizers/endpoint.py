"""A chat endpoint that speaks OpenAI's protocol as summariser: ``http://localhost:11434/v1#llama3.2``.

One request a summary, no streaming; the key is told by the front end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatlog.endpoint import Unanswered, ask
from chatlog.errors import CommandError
from chatlog.summarizers import Task

_SECONDS = 300.0
_MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Endpoint:
    """Asks a model for each task."""

    address: str
    model: str
    api_key: str | None = None

    def __call__(self, task: Task) -> str:
        """Return what the model says.  Raises CommandError where it cannot be reached or says nothing."""
        messages = [{"role": "system", "content": task.instruction}, {"role": "user", "content": task.transcript()}]
        question = {"model": self.model, "messages": messages, "max_tokens": task.most * 2}
        url = f"{self.address.rstrip('/')}/chat/completions"
        try:
            said = _content(ask(url, question, self.api_key, seconds=_SECONDS, most=_MOST_BYTES))
        except Unanswered as error:
            raise CommandError(f"{self.address} gave no summary: {error.reason}", error.hint) from None
        if not said:
            raise CommandError(f"{self.address} said nothing", "check the model after #")
        return said


def _content(answer: Any) -> str:
    """Return the text of a chat completion, nothing where it has none."""
    match answer:
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text.strip()
    return ""
