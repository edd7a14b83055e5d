"""Tests of the embedder behind HTTP, against a server that speaks OpenAI's protocol."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chatlog import meaning
from chatlog.embedders import embedder
from chatlog.errors import NoVectorsError, UsageError
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.summarizers import summarizer
from tests.conftest import Run
from tests.store.making import say

Answer = Callable[[list[str]], tuple[int, bytes]]
SUBJECTS = ("fish", "sardines", "database", "write")


def vector(text: str) -> list[float]:
    """Return what a text is about: its subjects, the first two the same one."""
    about = [float(subject in text.lower()) for subject in SUBJECTS]
    return [about[0] + about[1], about[2] + about[3], 0.01] * 8


def answer(texts: list[str]) -> tuple[int, bytes]:
    data = [{"object": "embedding", "index": index, "embedding": vector(text)} for index, text in enumerate(texts)]
    return 200, json.dumps({"object": "list", "model": "m", "data": data[::-1]}).encode()


@contextmanager
def server(answer: Answer, asked: list[dict[str, Any]]) -> Iterator[str]:
    """Serve /v1/embeddings on a free port of this computer; keep what was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, "key": self.headers["Authorization"], **body})
            status, content = answer(body["input"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as url:
        yield url


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Let a handler answer on a free port of this computer."""
    with HTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{served.server_port}/v1"
        finally:
            served.shutdown()
            thread.join()


def test_a_search_asks_the_server(store: Store) -> None:
    """Messages and the question go to the model that was named, with the key, and come back in any order."""
    asked: list[dict[str, Any]] = []
    store.new(messages=[say("sardines by the harbour"), say("the database is locked")])
    with server(answer, asked) as url:
        provider = embedder(f"{url}#nomic", {"OPENAI_API_KEY": "k"})
        found = search_messages(store, "sardines", options=SearchOptions(embedder=provider))
    assert [("sardines by the harbour", "both")] == [(item.message.text, item.matched) for item in found.items[:1]]
    assert ("hybrid", ()) == (found.mode, found.warnings)
    assert {("/v1/embeddings", "Bearer k", "nomic")} == {(one["path"], one["key"], one["model"]) for one in asked}


def test_texts_are_sent_in_batches(store: Store) -> None:
    """No request holds more texts than a server takes."""
    asked: list[dict[str, Any]] = []
    store.new(messages=[say(f"message {number} about fish") for number in range(150)])
    with server(answer, asked) as url:
        assert 150 == meaning.bring_up_to_date(store, embedder(f"{url}/embeddings#m"))
    assert (150 + 1, 64) == (sum(len(one["input"]) for one in asked), max(len(one["input"]) for one in asked))
    assert {None} == {one["key"] for one in asked}


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (401, b'{"error": {"message": "bad key"}}'),
        (500, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"data": []}'),
        (200, b'{"data": [{"index": 0}]}'),
        (200, b'{"data": [{"index": 0, "embedding": []}]}'),
        (200, b'{"data": [{"index": 0, "embedding": "AAAA"}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [null, {}]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [true]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [1]}, {"index": "a", "embedding": [1]}]}'),
        (200, b'{"data": 5}'),
        (200, b'{"data": [{"index": 0, "embedding": [1' + b"0" * 400 + b"]}]}"),
        (302, b""),
        (200, b"\xff\xfe"),
        (200, b"[" * 100_000),
    ],
)
def test_an_answer_that_is_none_is_a_sentence(status: int, content: bytes) -> None:
    """Whatever a server says, there are vectors or there is a NoVectorsError."""
    with server(lambda texts: (status, content), []) as url, pytest.raises(NoVectorsError) as caught:
        embedder(f"{url}#m").embed(["text"], None)
    assert caught.value.message.startswith(f"{url}/embeddings gave no vectors: ")


def test_an_address_with_a_password_or_key_is_refused() -> None:
    """It would be kept in the index and be said in every error; a model's name may have an @."""
    for address in ("http://me:sardines@127.0.0.1:1/v1", "http://127.0.0.1:1/v1?key=sardines"):
        for ask in (embedder, summarizer):
            with pytest.raises(UsageError) as caught:
                ask(f"{address}#m")
            assert "sardines" not in caught.value.message
    assert "http://127.0.0.1:1/v1/embeddings#@cf/m" == embedder("http://127.0.0.1:1/v1#@cf/m").fingerprint


def test_more_dimensions_than_an_index_has_are_no_damage(store: Store) -> None:
    """They are named as what they are, and what was there stays."""
    store.new(messages=[say("sardines by the harbour")])
    rows = {"data": [{"index": 0, "embedding": [1.0] * 8_193}]}
    with server(lambda texts: (200, json.dumps(rows).encode()), []) as url, pytest.raises(NoVectorsError) as caught:
        meaning.bring_up_to_date(store, embedder(f"{url}#m"))
    assert "8,193" in caught.value.message
    assert store.vectors.state() is None


def test_a_key_is_told_to_nobody_but_the_server() -> None:
    """Ends of lines around it are no part of it, one that cannot be sent is not named, and no redirect gets it."""
    asked: list[dict[str, Any]] = []
    with server(answer, asked) as url:
        embedder(f"{url}#m", {"OPENAI_API_KEY": "secret\r\n"}).embed(["text"], None)
        for key in ("se\ncret", "sécret"):
            with pytest.raises(NoVectorsError, match="gave no vectors: the key has characters that no key has"):
                embedder(f"{url}#m", {"OPENAI_API_KEY": key}).embed(["text"], None)
    assert ["Bearer secret"] == [one["key"] for one in asked]
    taken: list[str | None] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(302)
            self.send_header("Location", "/taken")
            self.end_headers()

        def do_GET(self) -> None:
            taken.append(self.headers["Authorization"])

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Elsewhere) as url, pytest.raises(NoVectorsError, match="302"):
        embedder(f"{url}#m", {"OPENAI_API_KEY": "secret"}).embed(["text"], None)
    assert [] == taken


@pytest.mark.parametrize(("seconds", "most"), [(0.05, 1 << 30), (60.0, 1_000)])
def test_an_answer_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch, seconds: float, most: int) -> None:
    """Neither a server that drips nor one that floods keeps anybody waiting."""
    monkeypatch.setattr("chatlog.embedders.endpoint._SECONDS", seconds)
    monkeypatch.setattr("chatlog.embedders.endpoint._MOST_BYTES", most)

    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b" ")

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Endless) as url, pytest.raises(NoVectorsError, match=r"timed out|far too long"):
        embedder(f"{url}#m").embed(["text"], None)


def test_other_dimensions_than_before_are_no_vectors(store: Store) -> None:
    """A server that changed its model under the same name spoils no index; words are searched."""
    name = store.new(messages=[say("sardines by the harbour")]).id
    sizes = [8]

    def changing(texts: list[str]) -> tuple[int, bytes]:
        rows = [{"index": index, "embedding": [1.0] * sizes[0]} for index in range(len(texts))]
        return 200, json.dumps({"data": rows}).encode()

    with server(changing, []) as url:
        options = SearchOptions(embedder=f"{url}#m")
        assert "hybrid" == search_messages(store, "sardines", options=options).mode
        store.add(name, [say("more sardines")])
        sizes[0] = 16
        found = search_messages(store, "sardines", options=options)
    assert ("lexical", 1) == (found.mode, len(found.warnings))
    assert 2 == len(found.items)


def test_a_server_that_is_gone_leaves_the_words(run: Run) -> None:
    """`search` answers by words with one warning; `embed` says what is wrong; `import` and `add` do not care."""
    with server(answer, []) as url:
        pass
    options = ("--embedder", f"{url}#m")
    run("config", "set", "embedder", f"{url}#m")
    line = '{"type": "message", "conversation": "a", "role": "user", "text": "sardines by the harbour"}\n'
    assert (0, "") == ((ran := run("import", "-", stdin=line)).code, ran.err)
    ran = run("search", "sardines", "--json")
    assert ("lexical", 1) == (ran.json["mode"], len(ran.json["items"]))
    assert (0, 1) == (ran.code, ran.err.count("warning: "))
    failed = run("embed", *options, "--json")
    assert (1, "", "no_vectors") == (failed.code, failed.out, failed.error["kind"])


def test_a_batch_of_searches_honours_the_setting(run: Run) -> None:
    """`search --batch -` embeds its questions as the setting says."""
    asked: list[dict[str, Any]] = []
    run("add", "--new", "--role", "user", "sardines by the harbour")
    with server(answer, asked) as url:
        run("config", "set", "embedder", f"{url}#m")
        ran = run("search", "--batch", "-", stdin='{"id": 1, "query": "sardines"}\n')
    assert ("hybrid", "both") == (ran.json["mode"], ran.json["items"][0]["matched"])
    assert ["sardines"] == asked[-1]["input"]
