"""Assembled arrays before judges that others wrote: validators, chat templates, the types of the official SDKs.

Each is skipped where its package is not installed.
"""

from __future__ import annotations

import json
import random
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chatlog.assembly import choose
from chatlog.chosen import Chosen
from chatlog.tokens import CL100K, counter
from chatlog.wireforms import FORMS

from .cli.test_context import started
from .conftest import Run
from .context_rules import check
from .test_assembly import made

COUNT = counter(CL100K)
CASES = 60


def arrays(name: str, cases: int = CASES) -> Iterator[Any]:
    """Yield assembled requests of untidy conversations in budgets of all sizes."""
    rng = random.Random(11)
    for seed in range(cases):
        chosen = choose(made(seed), int(10 ** rng.uniform(1.6, 4)), FORMS[name], COUNT)
        if isinstance(chosen, Chosen):
            yield chosen.wire


def package(name: str) -> Any:
    """Return an optional package; what it warns of while it is imported is its own matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def adapter(kind: Any) -> Any:
    return package("pydantic").TypeAdapter(kind)


def eager(value: Any) -> Any:
    """Return a validated value with its lazy iterators run through: there the SDKs' types look at the items."""
    if isinstance(value, dict):
        return {key: eager(item) for key, item in value.items()}
    return (
        value if isinstance(value, str | bytes) or not hasattr(value, "__iter__") else [eager(item) for item in value]
    )


def test_mistral_s_server_takes_every_openai_array() -> None:
    """Its validator in serving mode: order, calls answered at once, a user or a tool last, no empty answer."""
    validator = package("mistral_common.protocol.instruct.validator")
    request = package("mistral_common.protocol.instruct.request").ChatCompletionRequest
    judge = validator.MistralRequestValidatorV13(validator.ValidationMode.serving)
    refused = request.from_openai(model="m", messages=[{"role": "assistant", "content": "x"}])
    with pytest.raises(Exception, match="must start"):
        judge.validate_request(refused)
    for wire in arrays("openai"):
        judge.validate_request(request.from_openai(model="m", messages=_without_media(wire)))


def _without_media(wire: Any) -> Any:
    """Return messages with links to pictures as words: from_openai would fetch them."""
    return [
        {**entry, "content": "\n".join(block.get("text") or "[picture]" for block in entry["content"])}
        if isinstance(entry.get("content"), list)
        else entry
        for entry in wire
    ]


#: Chat templates that refuse what does not alternate, as those of Llama 2, Mistral 7B and Gemma do.
TEMPLATE = """
{%- if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% else %}{% set turns = messages %}{% endif %}
{%- for message in turns %}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif %}
{%- if not message['content'].strip() %}{{ raise_exception('empty') }}{% endif %}
{{- '[' + message['role'] + '] ' + message['content'] }}
{%- endfor %}
"""


def test_templates_that_want_alternation_render_every_array_without_tools() -> None:
    """User and assistant by turns behind at most one system prompt; raises where they do not."""
    jinja2 = package("jinja2")

    def refuse(reason: str) -> None:
        raise ValueError(reason)

    template = jinja2.Environment().from_string(TEMPLATE)
    with pytest.raises(ValueError, match="alternate"):
        template.render(messages=[{"role": "user", "content": "x"}] * 2, raise_exception=refuse)
    rendered = 0
    for wire in arrays("openai", 3 * CASES):
        if not any(entry["role"] == "tool" for entry in wire):
            assert template.render(messages=_without_media(wire), raise_exception=refuse)
            rendered += 1
    assert rendered > CASES // 2


@cache
def openai_types() -> tuple[Any, Any]:
    package("openai")
    from openai.types.chat import ChatCompletionMessageParam
    from openai.types.responses import ResponseInputParam

    return adapter(list[ChatCompletionMessageParam]), adapter(ResponseInputParam)


@pytest.mark.parametrize(("name", "at"), [("openai", 0), ("responses", 1)])
def test_openai_s_types_take_every_array(name: str, at: int) -> None:
    """The SDK's own TypedDicts, to the last item."""
    judge = openai_types()[at]
    with pytest.raises(ValueError, match="valid"):
        judge.validate_python([{"role": "tool", "content": "no id"}])
    for wire in arrays(name):
        eager(judge.validate_python(wire))


def test_anthropic_s_types_take_every_array() -> None:
    """The SDK's own TypedDicts, to the last block."""
    judge = adapter(list[package("anthropic.types").MessageParam])
    with pytest.raises(ValueError, match="valid"):
        eager(judge.validate_python([{"role": "user", "content": [{"type": "text"}]}]))
    for wire in arrays("anthropic"):
        assert {*wire} <= {"system", "messages"}
        eager(judge.validate_python(wire["messages"]))


def test_gemini_s_types_take_every_array() -> None:
    """The SDK's own models, which forbid what they do not know."""
    types = package("google.genai").types
    with pytest.raises(ValueError, match="extra"):
        types.Content.model_validate({"role": "user", "parts": [{"words": "x"}]})
    for wire in arrays("gemini"):
        for content in [*wire["contents"], *([wire["systemInstruction"]] if "systemInstruction" in wire else [])]:
            types.Content.model_validate(content)


# a server


class ChatServer(BaseHTTPRequestHandler):
    """Speaks OpenAI's protocol: refuses what a rule is broken in, else answers with how many messages came."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        code, answer = 200, {}
        try:
            assert self.path in ("/v1/chat/completions", "/v1/responses"), self.path
            check(
                "responses" if self.path.endswith("responses") else "openai", asked.get("messages", asked.get("input"))
            )
        except AssertionError as error:
            code, answer = 400, {"error": {"message": str(error), "type": "invalid_request_error"}}
        else:
            answer = self._completion(asked)
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _completion(self, asked: Any) -> dict[str, Any]:
        if self.path.endswith("responses"):
            said = {"type": "output_text", "text": f"{len(asked['input'])} items", "annotations": []}
            message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [said]}
            return {"id": "r", "object": "response", "created_at": 0, "model": "m", "output": [message]}
        message = {"role": "assistant", "content": f"{len(asked['messages'])} messages"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}

    def log_message(self, *args: object) -> None:
        pass


def test_what_context_prints_goes_through_the_official_client_to_a_server(run: Run) -> None:
    """As it is, in both of OpenAI's protocols; the server reads the array off the wire and checks the rules."""
    openai = package("openai")
    name = started(run, 30)
    calls = [{"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"at": "map"}'}}]
    turns = [{"role": "user", "content": "Look."}, {"role": "assistant", "content": None, "tool_calls": calls},
             {"role": "tool", "tool_call_id": "1", "content": "a hill " * 300}]  # fmt: skip
    run("add", name, "--json", "-", stdin=json.dumps(turns))
    with HTTPServer(("127.0.0.1", 0), ChatServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/v1"
        with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client:
            for budget in ("60", "400", "8000"):
                asked = run("context", name, "--query", "Hotel 3?", "--budget", budget).json
                answer = client.chat.completions.create(model="m", messages=asked)
                assert f"{len(asked)} messages" == answer.choices[0].message.content
                asked = run("context", name, "--budget", "400", "--format", "responses").json
                assert f"{len(asked)} items" == client.responses.create(model="m", input=asked).output_text
            with pytest.raises(openai.BadRequestError, match="answered"):
                client.chat.completions.create(model="m", messages=[*asked_without_result(turns)])
        server.shutdown()


def asked_without_result(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*turns[:2], {"role": "user", "content": "And?"}]
