"""Telemetry of the command line: where spans and metrics go, by the variables that OpenTelemetry itself defines.

Whoever runs a command waits for no collector: each is asked once, all at the same time, and only for a moment.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from threading import Thread
from time import monotonic
from typing import Any

from chatlog import telemetry
from chatlog.cli.session import Session
from chatlog.errors import UsageError

#: How long the end of a run waits for whoever collects, in seconds, unless OTEL_EXPORTER_OTLP_TIMEOUT says.
TIMEOUT = 0.5


class NotSentError(Exception):
    """A collector did not take what was sent; no kind of error that OpenTelemetry would wait after and try again."""


def observe(session: Session, *, content: bool) -> None:
    """Record this run, and send what was recorded at its end.  Raises UsageError where a package is missing."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)  # its lines hold addresses and keys
    failures: list[str] = []
    try:
        tracer, meter = _providers(failures)
    except ImportError:
        raise UsageError("telemetry needs OpenTelemetry", "pip install 'chatlog[otel]'") from None
    except ValueError:
        raise UsageError("a variable of OpenTelemetry has a value that it cannot have", "env | grep OTEL_") from None
    telemetry.start(content=content, tracer_provider=tracer, meter_provider=meter)

    def end() -> None:
        telemetry.stop()
        _together(_patience(), tracer.shutdown, meter.shutdown, failures=failures)
        session.output.advice([f"telemetry was not sent: {reason}" for reason in failures[:1]])

    session.resources.callback(end)


def _providers(failures: list[str]) -> tuple[Any, Any]:
    """Return what records spans and what records metrics; why they cannot be sent is added to `failures`."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    spans, measures = _exporter("traces", failures), _exporter("metrics", failures)
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": telemetry.NAME}
    resource = Resource.create(named)
    tracer = TracerProvider(resource=resource, shutdown_on_exit=False)
    if spans is not None:
        tracer.add_span_processor(BatchSpanProcessor(spans))
    readers = [] if measures is None else [PeriodicExportingMetricReader(measures)]
    return tracer, MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)


def _exporter(signal: str, failures: list[str]) -> Any:
    """Return what sends spans or metrics: otlp (HTTP), console (stderr), or none."""
    name = os.environ.get(f"OTEL_{signal.upper()}_EXPORTER") or "otlp"
    if name not in ("otlp", "console", "none"):
        raise UsageError(f"OTEL_{signal.upper()}_EXPORTER is not one that chatlog has", "one of: otlp, console, none")
    if name == "none":
        return None
    if name == "console":
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return (ConsoleSpanExporter if signal == "traces" else ConsoleMetricExporter)(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter if signal == "traces" else OTLPMetricExporter
    return exporter(timeout=_patience(), session=_once(failures))


def _patience() -> float:
    return float(os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") or TIMEOUT)


def _once(failures: list[str]) -> Any:
    """Return an HTTP session that tells why a request failed, without its address, which may hold a key."""
    import requests

    class Once(requests.Session):
        def request(self, *asked: Any, **options: Any) -> Any:
            try:
                answer = super().request(*asked, **options)
            except (requests.RequestException, ValueError):
                failures.append("the collector cannot be reached")
                raise NotSentError from None
            if not answer.ok:
                failures.append(f"the collector answered {answer.status_code}")
                raise NotSentError
            return answer

    return Once()


def _together(seconds: float, *ends: Callable[[], object], failures: list[str]) -> None:
    """Call all at the same time and wait no longer than that; some, like the look-up of a name, cannot be ended."""
    threads = [Thread(target=end, daemon=True) for end in ends]
    until = monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(until - monotonic(), 0))
        if thread.is_alive():
            failures.append("the collector took too long")
