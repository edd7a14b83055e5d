"""OpenTelemetry spans and metrics of what verbs do, where it was started; otherwise nothing, not even an import.

A verb is marked with `traced` and knows no more of it; what a span says of each is in one table here, by the names of
the GenAI semantic conventions where they have one.  What people said and asked is in no span unless asked for.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from functools import partial, wraps
from time import perf_counter
from typing import Any, NamedTuple, ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

NAME = "chatlog"
RETRIEVAL = {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": NAME, "gen_ai.provider.name": NAME}
_recorder: Recorder | None = None


class Kind(NamedTuple):
    """What is said of a kind of verb: a span's name, and its attributes from what was asked and what came of it."""

    span: str
    asked: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    answered: Callable[[Any], Mapping[str, Any]]
    #: The same of words that people said; only where that was asked for.
    content: Callable[[Mapping[str, Any], Any], Mapping[str, Any]] = lambda asked, answer: {}  # noqa: ARG005


def _only(ids: tuple[str, ...] | None) -> str | None:
    return ids[0] if ids and len(ids) == 1 else None


def _documents(items: Any) -> str:
    return json.dumps([{"id": item.message.ref, "score": round(item.score, 6)} for item in items])


KINDS = {
    "search": Kind(
        f"retrieval {NAME}",
        lambda asked: {
            **RETRIEVAL, "gen_ai.request.top_k": asked["options"].limit, "chatlog.mode": asked["options"].mode,
            "gen_ai.conversation.id": _only(asked["filters"].ids),
        },
        lambda found: {"chatlog.results": len(found.items), "chatlog.tier": found.tier},
        lambda asked, found: {
            "gen_ai.retrieval.query.text": asked["text"], "gen_ai.retrieval.documents": _documents(found.items),
        },
    ),
    "assemble": Kind(
        f"{NAME}.assemble",
        lambda asked: {
            "gen_ai.conversation.id": asked["conversation"].id,
            "gen_ai.request.model": asked["request"].model or asked["conversation"].model,
            "chatlog.form": asked["request"].form,
        },
        lambda made: {
            "gen_ai.usage.input_tokens": made.tokens, "chatlog.budget": made.budget, "chatlog.level": made.level,
            "chatlog.omitted": len(made.omitted),
        },
    ),
    "compact": Kind(
        f"{NAME}.compact",
        lambda asked: {
            "gen_ai.conversation.id": asked["plan"].conversation.id, "chatlog.lag_tokens": asked["plan"].lag_tokens,
        },
        lambda stored: {"chatlog.summaries": len(stored), "gen_ai.usage.output_tokens": _sum(stored, "tokens")},
    ),
    "import": Kind(f"{NAME}.import", lambda _: {}, lambda report: _prefixed(report.total)),
    "prune": Kind(
        f"{NAME}.prune",
        lambda asked: {"chatlog.action": asked["action"], "chatlog.conversations": len(asked["decided"].items)},
        lambda done: {"chatlog.finished": done.finished, "chatlog.freed_bytes": done.freed},
    ),
    "stats": Kind(
        f"{NAME}.stats",
        lambda asked: {"chatlog.by": asked["by"]},
        lambda found: {"chatlog.conversations": found.conversations, "chatlog.messages": found.messages},
    ),
}  # fmt: skip
#: What `stats` measures as percentiles, each a gauge with a sample for each of them.
GAUGES = {
    "session_tokens": "{token}", "session_messages": "{message}", "tokens_per_turn": "{token}", "window_share": "1",
    "latency_ms": "ms",
}  # fmt: skip


def _sum(items: Any, name: str) -> int:
    return sum(getattr(item, name) or 0 for item in items)


def _prefixed(counts: Mapping[str, int]) -> dict[str, int]:
    return {f"{NAME}.{name}": count for name, count in counts.items()}


def traced(kind: str) -> Callable[[Callable[Asked, Answer]], Callable[Asked, Answer]]:
    """Mark a verb as one whose calls are spans of a kind while telemetry is on."""

    def mark(verb: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
        @wraps(verb)
        def run(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
            if _recorder is None:
                return verb(*args, **kwargs)
            bound = inspect.signature(verb).bind(*args, **kwargs)
            bound.apply_defaults()
            return _recorder.run(kind, bound.arguments, lambda: verb(*args, **kwargs))

        return run

    return mark


def start(*, content: bool = False, tracer_provider: Any = None, meter_provider: Any = None) -> None:
    """Record from now on, with the providers given or those of the process; with `content` queries and refs too.

    Raises ImportError where opentelemetry-api is not installed.
    """
    global _recorder  # noqa: PLW0603  one switch for the process
    _recorder = Recorder(content=content, tracer_provider=tracer_provider, meter_provider=meter_provider)


def stop() -> None:
    """Record nothing from now on."""
    global _recorder  # noqa: PLW0603
    _recorder = None


class Recorder:
    """Turns calls of verbs into spans and measures."""

    def __init__(self, *, content: bool, tracer_provider: Any, meter_provider: Any) -> None:
        from opentelemetry import metrics, trace

        self.content = content
        self._tracer = trace.get_tracer(NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(NAME, meter_provider=meter_provider)
        self._durations = {
            name: meter.create_histogram(name, unit="s", description="How long a verb took.")
            for name in ("gen_ai.client.operation.duration", f"{NAME}.operation.duration")
        }
        self._gauges = {name: meter.create_gauge(f"{NAME}.{name}", unit=unit) for name, unit in GAUGES.items()}

    def run(self, name: str, asked: Mapping[str, Any], verb: Callable[[], Answer]) -> Answer:
        """Do what a verb does inside a span."""
        kind = KINDS[name]
        facts = _known(kind.asked(asked))
        with (
            self._tracer.start_as_current_span(
                kind.span, attributes=facts, record_exception=False, set_status_on_exception=False
            ) as span,
            _Watch(span, partial(self._measure, name, facts)),
        ):
            answer = verb()
            span.set_attributes(_known(kind.answered(answer)))
            if self.content:
                span.set_attributes(_known(kind.content(asked, answer)))
            self._gauge(name, answer)
            return answer

    def _measure(self, name: str, facts: Mapping[str, Any], failure: str, seconds: float) -> None:
        is_retrieval = facts.get("gen_ai.operation.name") == "retrieval"
        labels = {label: facts[label] for label in RETRIEVAL} if is_retrieval else {f"{NAME}.operation": name}
        labels |= {"error.type": failure} if failure else {}
        prefix = "gen_ai.client" if is_retrieval else NAME
        self._durations[f"{prefix}.operation.duration"].record(seconds, labels)

    def _gauge(self, name: str, answer: Any) -> None:
        if name != "stats":
            return
        for measure, gauge in self._gauges.items():
            for rank, value in getattr(answer, measure).items():
                if value is not None:
                    gauge.set(value, {f"{NAME}.stat": rank})


class _Watch:
    """Takes the time of a verb, and tells its span how it failed where it did: the kind of error, never its words."""

    def __init__(self, span: Any, measure: Callable[[str, float], None]) -> None:
        self.span = span
        self.measure = measure

    def __enter__(self) -> None:
        self.started = perf_counter()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from opentelemetry.trace import StatusCode

        failure = "" if error is None else getattr(error, "kind", type(error).__name__)
        if failure:
            self.span.set_status(StatusCode.ERROR)
            self.span.set_attribute("error.type", failure)
        self.measure(failure, perf_counter() - self.started)


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
