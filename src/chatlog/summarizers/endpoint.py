"""A chat endpoint that speaks OpenAI's protocol as summariser: ``http://localhost:11434/v1#llama3.2``.

One request a summary, no streaming, no retries; the key is told by the front end.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from chatlog.errors import CommandError
from chatlog.summarizers import Task

_SECONDS = 300.0
_MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Endpoint:
    """Asks a model for each task; the model's name stands after ``#``."""

    address: str
    api_key: str | None = None

    def __call__(self, task: Task) -> str:
        """Return what the model says.  Raises CommandError where it cannot be reached or says nothing."""
        base, _, model = self.address.partition("#")
        messages = [{"role": "system", "content": task.instruction}, {"role": "user", "content": task.transcript()}]
        body = json.dumps({"model": model or "default", "messages": messages, "max_tokens": task.most * 2}).encode()
        headers = {"Content-Type": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        try:
            request = urllib.request.Request(f"{base.rstrip('/')}/chat/completions", body, headers)  # noqa: S310  http(s) by its name
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                body = answer.read(_MOST_BYTES)
        except urllib.error.HTTPError as error:
            raise CommandError(
                f"{base} answered with {error.code} {error.reason}", "check the model and the key"
            ) from None
        except (OSError, HTTPException, ValueError) as error:  # the last where the address is none
            reason = " ".join(str(getattr(error, "reason", error)).split())[:200] or type(error).__name__
            raise CommandError(f"{base} cannot be asked: {reason}", "is the server running?") from None
        try:
            said = _content(json.loads(body))
        except (ValueError, RecursionError):
            raise CommandError(f"{base} answered with something else than JSON", "the address ends with /v1") from None
        if not said:
            raise CommandError(f"{base} said nothing", "check the model after #")
        return said


def _content(answer: Any) -> str:
    """Return the text of a chat completion, nothing where it has none."""
    match answer:
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text.strip()
    return ""
