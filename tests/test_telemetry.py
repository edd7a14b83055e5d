"""Telemetry: spans and metrics of verbs in real exporters, no words in them, and nothing while it is off."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from typing import Any

import pytest

from chatlog import ConversationDraft, MessageDraft, retention, stats, telemetry
from chatlog.compaction import Compaction, Options
from chatlog.context import Request, assemble
from chatlog.errors import UsageError
from chatlog.models import Filters
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.summarizers import summarizer
from chatlog.transfer import import_history

from .conftest import Run

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SECRET = "sardines"


class Recorded:
    """Where spans and metrics go in these tests."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer = TracerProvider(shutdown_on_exit=False)
        self.tracer.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meter = MeterProvider(metric_readers=[self.reader], shutdown_on_exit=False)

    def spans(self) -> dict[str, Any]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def metrics(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        found = [metric for of in data.resource_metrics for scope in of.scope_metrics for metric in scope.metrics]
        return {metric.name: list(metric.data.data_points) for metric in found}

    def start(self, *, content: bool = False) -> None:
        telemetry.start(content=content, tracer_provider=self.tracer, meter_provider=self.meter)


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    yield Recorded()
    telemetry.stop()


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with a conversation long enough to be summarised."""
    drafts = [
        MessageDraft(role="assistant" if number % 2 else "user", text=f"{SECRET} {number} " * 20)
        for number in range(60)
    ]
    store.new(ConversationDraft(title=SECRET), drafts)
    return store


LEXICAL = SearchOptions(mode="lexical", limit=7, embedder="none")


def everything(store: Store) -> None:
    """Do what has spans, each once."""
    (conversation,) = store.conversations().items
    search_messages(store, SECRET, Filters(), LEXICAL)
    assemble(store, conversation, Request(query=SECRET, budget=2_000, embedder="none"))
    work = Compaction(store, summarizer("extractive", None), "extractive")
    options = Options(window=1_000, keep=2)
    work.apply(work.plan(conversation, options), options)
    import_history(store, [BytesIO(b'{"messages": [{"role": "user", "content": "sardines"}]}')])
    retention.apply(store, retention.plan(store, [], datetime.now(UTC), "30d"), "prune", lambda: False)
    stats.measure([store], Filters(), "day", lambda: 0.0)


def test_every_verb_has_its_span(filled: Store, recorded: Recorded) -> None:
    """Names and attributes of the GenAI conventions where they have them; the retrieval of a context is inside it."""
    recorded.start()
    everything(filled)
    spans = recorded.spans()
    own = {f"chatlog.{name}" for name in ("assemble", "compact", "import", "prune", "stats")}
    assert {"retrieval chatlog", *own} == {*spans}
    conversation = next(found for found in filled.conversations().items if found.messages > 1)
    retrieval = recorded.exporter.get_finished_spans()[0].attributes
    assert ("retrieval", "chatlog", 7) == tuple(
        retrieval[f"gen_ai.{name}"] for name in ("operation.name", "data_source.id", "request.top_k")
    )
    made = spans["chatlog.assemble"].attributes
    assert conversation.id == made["gen_ai.conversation.id"]
    assert 0 < made["gen_ai.usage.input_tokens"] <= made["chatlog.budget"] == 2_000
    assert spans["chatlog.compact"].attributes["chatlog.summaries"] > 0
    assert 1 == spans["chatlog.import"].attributes["chatlog.new"]
    inner = [span for span in recorded.exporter.get_finished_spans() if span.parent]
    assert spans["chatlog.assemble"].context.span_id in {span.parent.span_id for span in inner}


def test_no_span_holds_what_was_said(filled: Store, recorded: Recorded) -> None:
    """Neither queries nor texts nor titles are in any attribute or metric."""
    recorded.start()
    everything(filled)
    said = "".join(span.to_json() for span in recorded.exporter.get_finished_spans())
    assert SECRET not in said + str(recorded.metrics())


def test_queries_are_in_it_where_asked_for(filled: Store, recorded: Recorded) -> None:
    """With content, retrieval has the query and the refs with their scores, never the texts."""
    recorded.start(content=True)
    found = search_messages(filled, SECRET, Filters(), LEXICAL)
    attributes = recorded.spans()["retrieval chatlog"].attributes
    assert SECRET == attributes["gen_ai.retrieval.query.text"]
    refs = [document["id"] for document in json.loads(attributes["gen_ai.retrieval.documents"])]
    assert [item.message.ref for item in found.items] == refs


def test_an_error_is_named_without_its_words(filled: Store, recorded: Recorded) -> None:
    """The span is an error of a kind; the error goes on as it was."""
    recorded.start()
    with pytest.raises(UsageError):
        search_messages(filled, SECRET, Filters(), SearchOptions(mode=SECRET * 2, within=("nowhere",)))
    (span,) = recorded.exporter.get_finished_spans()
    assert ("ERROR", "usage", ()) == (span.status.status_code.name, span.attributes["error.type"], span.events)


def test_metrics_have_durations_and_percentiles(filled: Store, recorded: Recorded) -> None:
    """A histogram of each operation, and a gauge of each percentile that stats measures."""
    recorded.start()
    everything(filled)
    metrics = recorded.metrics()
    assert 2 == sum(point.count for point in metrics["gen_ai.client.operation.duration"])
    operations = {point.attributes["chatlog.operation"] for point in metrics["chatlog.operation.duration"]}
    assert {"assemble", "compact", "import", "prune", "stats"} == operations
    for name in telemetry.GAUGES:
        assert {"p50", "p90", "p99", "max"} == {
            point.attributes["chatlog.stat"] for point in metrics[f"chatlog.{name}"]
        }


def test_off_is_off(filled: Store, recorded: Recorded) -> None:
    """Before it is started and after it is stopped there are no spans."""
    search_messages(filled, SECRET, Filters(), LEXICAL)
    recorded.start()
    telemetry.stop()
    search_messages(filled, SECRET, Filters(), LEXICAL)
    assert {} == recorded.spans()


# the command line


def test_the_command_line_sends_to_a_collector(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans and metrics reach an OTLP endpoint before the process ends, and stdout is as ever."""
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    run("add", "--new", "--role", "user", SECRET)
    before = run("search", SECRET, "--mode", "lexical", "--json").out
    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "20")
    monkeypatch.setenv("CHATLOG_TELEMETRY", "yes")
    ran = run("search", SECRET, "--mode", "lexical", "--json")
    server.shutdown()
    server.server_close()
    assert (0, before, "") == (ran.code, ran.out, ran.err)
    assert {"/v1/traces", "/v1/metrics"} == {path for path, _ in got}
    assert any(b"retrieval chatlog" in body for _, body in got)
    assert not any(SECRET.encode() in body for _, body in got)


@pytest.mark.parametrize("answer", [None, b"HTTP/1.0 503 Busy\r\n\r\n"])
def test_a_collector_that_takes_nothing_is_asked_once(
    run: Run, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    """Nobody waits for it to come back, one sentence says what is lost, and no key that its address holds is said."""
    asked: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path.partition("?")[0])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(answer or b"")

        def log_message(self, *arguments: Any) -> None:
            pass

    run("add", "--new", "--role", "user", "hello")
    monkeypatch.setenv("CHATLOG_TELEMETRY", "yes")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "20")
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for signal in ("traces", "metrics"):
            address = f"http://me:{SECRET}@127.0.0.1:{server.server_port}/{signal}?key={SECRET}"
            monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", address)
        ran = run("search", "hello", "--mode", "lexical")
        server.shutdown()
    assert (0, ["/metrics", "/traces"]) == (ran.code, sorted(asked))
    said = "cannot be reached" if answer is None else "answered 503"
    assert f"warning: telemetry was not sent: the collector {said}\n" == ran.err


def test_a_collector_that_never_answers_is_waited_for_a_moment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both signals are sent at the same time, and what takes too long is given up."""
    run("add", "--new", "--role", "user", "hello")
    monkeypatch.setenv("CHATLOG_TELEMETRY", "yes")
    monkeypatch.setattr("chatlog.cli.observing.TIMEOUT", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:{1}".format(*server.getsockname()))
        ran = run("search", "hello", "--mode", "lexical")
    assert (0, True) == (ran.code, ran.err.startswith("warning: telemetry was not sent: the collector "))


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_EXPORTER_OTLP_TIMEOUT", SECRET), ("OTEL_METRIC_EXPORT_INTERVAL", "-1")]
)
def test_a_variable_with_no_such_value_is_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """What OpenTelemetry raises for it is no bug of chatlog's."""
    monkeypatch.setenv("CHATLOG_TELEMETRY", "yes")
    monkeypatch.setenv(name, value)
    ran = run("list")
    assert (2, "", False) == (ran.code, ran.out, SECRET in ran.err)
    assert "a variable of OpenTelemetry has a value that it cannot have" in ran.err


def test_an_exporter_that_is_none_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_TRACES_EXPORTER may be otlp, console or none."""
    monkeypatch.setenv("CHATLOG_TELEMETRY", "yes")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "jaeger")
    ran = run("list")
    assert (2, "") == (ran.code, ran.out)
    assert "one of: otlp, console, none" in ran.err


def test_the_console_is_stderr(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans for people go where narration goes."""
    monkeypatch.setenv("CHATLOG_TELEMETRY", "yes")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    run("new")
    ran = run("import", "-", "--json", stdin='{"messages": [{"role": "user", "content": "x"}]}')
    assert '"name": "chatlog.import"' in ran.err
    assert 1 == ran.json["total"]["new"]


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Print spans to stderr, and no metrics."""
    monkeypatch.setenv("CHATLOG_TELEMETRY", "yes")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    return monkeypatch


def test_queries_are_sent_where_the_setting_says_so(run: Run, console: pytest.MonkeyPatch) -> None:
    """With `content`, and not with `yes`; a later run that is not to be recorded is not."""
    run("add", "--new", "--role", "user", SECRET)
    asked = ("search", SECRET, "--mode", "lexical")
    assert (True, False) == ('"retrieval chatlog"' in (ran := run(*asked)).err, SECRET in ran.err)
    console.setenv("CHATLOG_TELEMETRY", "content")
    assert f'"gen_ai.retrieval.query.text": "{SECRET}"' in run(*asked).err
    console.setenv("CHATLOG_TELEMETRY", "no")
    assert "" == run(*asked).err


def test_a_run_is_called_chatlog_unless_it_has_a_name(run: Run, console: pytest.MonkeyPatch) -> None:
    """The one that OpenTelemetry's own variable gives it."""
    run("add", "--new", "--role", "user", "hello")
    console.delenv("OTEL_SERVICE_NAME", raising=False)
    assert '"service.name": "chatlog"' in run("search", "hello", "--mode", "lexical").err
    console.setenv("OTEL_SERVICE_NAME", "shop")
    assert '"service.name": "shop"' in run("search", "hello", "--mode", "lexical").err


def test_nothing_is_sent_where_there_is_nobody_to_send_it_to(run: Run, console: pytest.MonkeyPatch) -> None:
    """Exporters that are none take nothing and say nothing, and what OpenTelemetry itself says is heard nowhere."""
    console.setenv("OTEL_TRACES_EXPORTER", "none")
    run("add", "--new", "--role", "user", "hello")
    assert (0, "") == ((ran := run("search", "hello", "--mode", "lexical")).code, ran.err)
    assert not logging.getLogger("opentelemetry.sdk").isEnabledFor(logging.CRITICAL)


def test_opentelemetry_that_is_not_installed_is_named(run: Run, console: pytest.MonkeyPatch) -> None:
    """With what installs it; nothing is done unobserved."""
    console.setitem(sys.modules, "opentelemetry.sdk.metrics", None)
    ran = run("new")
    said = "error: telemetry needs OpenTelemetry\n  pip install 'chatlog[otel]'\n"
    assert (2, "", said) == (ran.code, ran.out, ran.err)


def test_metrics_may_be_printed_without_spans(run: Run, console: pytest.MonkeyPatch) -> None:
    """Each signal has an exporter of its own."""
    console.setenv("OTEL_TRACES_EXPORTER", "none")
    console.setenv("OTEL_METRICS_EXPORTER", "console")
    run("add", "--new", "--role", "user", "hello")
    said = run("search", "hello", "--mode", "lexical").err
    assert (True, False) == ('"name": "gen_ai.client.operation.duration"' in said, '"retrieval chatlog"' in said)


def test_an_end_that_never_comes_is_given_up(run: Run, console: pytest.MonkeyPatch) -> None:
    """Whoever runs the command waits for a moment, and nothing that still waits holds up the end of the process."""
    never, running = threading.Event(), {*threading.enumerate()}
    console.setenv("OTEL_TRACES_EXPORTER", "none")
    console.setattr("chatlog.cli.observing.TIMEOUT", 0.01)
    console.setattr(TracerProvider, "shutdown", lambda _: never.wait())
    ran = run("add", "--new", "--role", "user", "hello")
    left = [thread.daemon for thread in {*threading.enumerate()} - running]
    never.set()
    assert (0, "warning: telemetry was not sent: the collector took too long\n") == (ran.code, ran.err)
    assert [True] == left
