"""A question to a server that speaks OpenAI's protocol: JSON there and JSON back over HTTP.

One request, no retries.  Neither the key nor the words go where nobody named: no redirect is followed.
"""

from __future__ import annotations

import json
import time
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from chatlog.errors import UsageError

_PIECE = 1 << 16
_REASON_CHARS = 200


class Unanswered(Exception):  # noqa: N818  whoever asked says what it means
    """Why there is no answer, in a few words that never hold the key, and what to look at."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())[:_REASON_CHARS]
        self.hint = hint


def located(name: str) -> tuple[str, str]:
    """Return the address and the model of a server that is named ``URL#MODEL``.

    Raises UsageError for an address with a password or a query in it: nothing would send them, and they may be secret,
    while the address is kept with what came from there, and said where nothing comes.
    """
    address, _, model = name.partition("#")
    if "@" in address or "?" in address:
        raise UsageError("a model's server has an address without @ and ?", "a key goes into OPENAI_API_KEY")
    return address, model or "default"


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Leave a redirect the answer that it is."""


def ask(url: str, question: object, key: str | None, *, seconds: float, most: int) -> Any:
    """Return what a server answers within so many seconds and bytes.  Raises Unanswered."""
    headers = {"Content-Type": "application/json"}
    if key := (key or "").strip():  # as a file of settings may end its lines
        if not (key.isascii() and key.isprintable()):  # the library would name it
            raise Unanswered("the key has characters that no key has", "check the key")
        headers["Authorization"] = f"Bearer {key}"
    try:
        request = Request(url, json.dumps(question).encode(), headers)  # noqa: S310  http(s) by its name
        with build_opener(_NoRedirect).open(request, timeout=seconds) as answer:
            said = _read(answer, time.monotonic() + seconds, most)
    except HTTPError as error:
        error.close()
        elsewhere = 300 <= error.code < 400
        hint = "name the address that it leads to" if elsewhere else "check the address, the model and the key"
        raise Unanswered(f"{error.code} {error.reason}", hint) from None
    except (OSError, HTTPException, ValueError) as error:  # the last where the address is none
        reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        raise Unanswered(reason, "is the server running?") from None
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        raise Unanswered("something else than JSON", "the address ends with /v1") from None


def _read(answer: HTTPResponse, until: float, most: int) -> bytes:
    """Return a whole answer.  Raises OSError for one that has no end."""
    said = bytearray()
    while piece := answer.read1(_PIECE):
        said += piece
        if len(said) > most:
            raise OSError("the answer is far too long")
        if time.monotonic() > until:
            raise TimeoutError("timed out")
    return bytes(said)
