"""The rows of mini-swe-agent's trajectories: chat messages, with what the program noted of each under ``extra``.

Tells `swe_agent` whether a file is one and what its messages are; files are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from chatlog.formats import MALFORMED, Head, build, ids, openai_content
from chatlog.formats.build import Row
from chatlog.formats.calls import Calls
from chatlog.formats.records import misshapen
from chatlog.models import MessageDraft, Problem
from chatlog.timespec import instant

_RUN = re.compile(r'"(?:mini_version|model_stats|exit_status)"\s*:|"trajectory_format"\s*:\s*"mini-swe-agent')
#: How the output of a command begins that was sent to the model as words of the user.
_OUTPUT = ("<returncode>", "<exception>", "<output>")
#: What is noted of a message that it tells itself, or that has a place of its own.
_EXTRA_TOLD = frozenset({"actions", "raw_output", "response", "submission", "timestamp"})
_EXIT = "exit"


def sniff(head: Head) -> bool:
    """Say whether this is a trajectory of mini-swe-agent: messages with the facts of a run."""
    if "info" not in head.keys:
        return False
    first = head.first_in("messages")
    if first is None:
        return '"mini_version"' in head.text  # the messages lie beyond what can be seen
    return "role" in first and _RUN.search(head.text) is not None


def is_run(run: Row) -> bool:
    """Whether a run is one of mini-swe-agent's."""
    return isinstance(run.get("messages"), list) and "history" not in run and "trajectory" not in run


def messages(rows: Iterable[Any]) -> Iterator[MessageDraft | Problem]:
    """Yield the messages of a run in a chain; a problem for a row that is none."""
    chain, calls, answered = ids.Chain(), Calls(), False
    for number, row in enumerate(rows, 1):
        try:
            yield chain.link(_message(row, calls, answers=answered))
            answered = row["role"] == "assistant"
        except MALFORMED as error:
            yield misshapen(f"message {number}", error)


def _message(row: Row, calls: Calls, *, answers: bool) -> MessageDraft:
    """Return the draft of a row; the output of a command is a tool's, whoever it was sent as."""
    extra = row.get("extra")
    noted: Row = build.mapping(extra)
    value = build.without(row, ("extra",))
    is_exit = row["role"] == _EXIT
    if is_exit:
        value["role"] = "system"
    elif answers and row["role"] == "user" and str(row.get("content")).startswith(_OUTPUT):
        value["role"] = "tool"
    made = openai_content.message(value, calls)
    told: Row = build.mapping(noted.get("response"))
    usage = told.get("usage")
    facts = build.without(noted, _EXTRA_TOLD)
    return made._replace(
        model=made.model or build.word(told.get("model")),
        created_at=made.created_at or instant(noted.get("timestamp")),
        hidden=is_exit,
        metadata={
            **made.metadata,
            **build.compact({**facts, "usage": usage, "hidden_reason": _EXIT if is_exit else None}),
        },
    )


def model(run: Row) -> str | None:
    """Return the model that a run's configuration names."""
    return build.word(build.within(run, "info", "config", "model", "model_name"))
