"""`--batch -`: one JSON request a line on stdin, one JSON answer a line, in order, errors included."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from chatlog.cli.session import STDIN, Session
from chatlog.errors import ChatlogError, UsageError, choices_hint
from chatlog.output import to_json


def serve(
    session: Session, batch: str, answer: Callable[[dict[str, Any]], dict[str, Any]], *, beside: object = None
) -> None:
    """Answer every request on stdin as soon as it comes.

    Raises UsageError where a batch comes from elsewhere, or where something is asked `beside` it.
    """
    if batch != STDIN:
        raise UsageError("a batch comes on stdin", "--batch -")
    if beside:
        raise UsageError("a batch has what it asks on stdin", "leave out --batch, or what is asked beside it")
    for line in session.read_bytes("requests"):
        if not line.strip():
            continue
        identity: Any = None
        try:
            request = _request(line)
            identity = request.get("id")
            answered = answer(request)
        except ChatlogError as error:
            answered = {"error": error.record()}
        session.output.lines([to_json({"id": identity, **answered})])
        session.output.flush()


def check_keys(request: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise UsageError for a key that is none: a filter that was misspelt would let everything through."""
    for name in request:
        if name not in known:
            raise UsageError(f"'{name}' is not a key of a request", choices_hint(name, sorted(known)))


def _request(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise UsageError("the request is not JSON", "one JSON object a line") from None
    if not isinstance(value, dict):
        raise UsageError("the request is not a JSON object", "one JSON object a line")
    return {name: given for name, given in value.items() if given is not None}  # null: as if it were not there
