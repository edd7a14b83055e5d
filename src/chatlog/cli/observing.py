"""Telemetry of the command line: where spans and metrics go, by the variables that OpenTelemetry itself defines."""

from __future__ import annotations

import os
import sys
from typing import Any

from chatlog import telemetry
from chatlog.cli.session import Session
from chatlog.errors import UsageError

#: How long the end of a run waits for whoever collects, in seconds, unless OTEL_EXPORTER_OTLP_TIMEOUT says.
TIMEOUT = 2


def observe(session: Session, *, content: bool) -> None:
    """Record this run, and send what was recorded at its end.  Raises UsageError where a package is missing."""
    try:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        spans, measures = _exporter("traces"), _exporter("metrics")
    except ImportError:
        raise UsageError("telemetry needs OpenTelemetry", "pip install 'chatlog[otel]'") from None
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": telemetry.NAME}
    resource = Resource.create(named)
    tracer = TracerProvider(resource=resource, shutdown_on_exit=False)
    if spans is not None:
        tracer.add_span_processor(BatchSpanProcessor(spans))
    readers = [] if measures is None else [PeriodicExportingMetricReader(measures)]
    meter = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
    telemetry.start(content=content, tracer_provider=tracer, meter_provider=meter)
    for end in (telemetry.stop, tracer.shutdown, meter.shutdown):
        session.resources.callback(end)


def _exporter(signal: str) -> Any:
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

    timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else TIMEOUT
    return (OTLPSpanExporter if signal == "traces" else OTLPMetricExporter)(timeout=timeout)
