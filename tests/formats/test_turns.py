"""Tests of what every wire form shares: what an API cannot take is said in words, or left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chatlog.formats import anthropic_messages, gemini_request, openai_messages, responses_request
from chatlog.formats.turns import Step, arguments_object, arguments_text, steps
from chatlog.models import MessageDraft, joined_text

from .making import stored

_DATA = "iVBORw0KGgo="
_WRITERS: dict[str, Callable[[list[Step]], Any]] = {
    "openai": lambda found: [*openai_messages.from_steps(found)],
    "responses": lambda found: [*responses_request.from_steps(found)],
    "anthropic": anthropic_messages.from_steps,
    "gemini": gemini_request.from_steps,
}


def _written(form: str, *parts: dict[str, Any], role: str = "user", model: str | None = None) -> str:
    said = stored(MessageDraft(role=role, text=joined_text(parts), parts=parts, model=model))
    return json.dumps(_WRITERS[form]([*steps(said)]))


def _blob(mime: str, content: str = _DATA) -> dict[str, Any]:
    return {"type": "blob", "mime_type": mime, "content": content, "modality": "image"}


@pytest.mark.parametrize("form", [*_WRITERS])
@pytest.mark.parametrize(
    "part",
    [
        _blob("image/svg+xml"),
        _blob("image/tiff"),
        _blob("application/zip"),
        _blob("image/png", ""),
        {"type": "uri", "uri": "sediment://file_1", "modality": "image"},
        {"type": "uri", "uri": "file:///home/me/x.png", "mime_type": "image/png", "modality": "image"},
    ],
)
def test_a_picture_that_no_api_takes_is_named(form: str, part: dict[str, Any]) -> None:
    """A request with it would be refused as a whole: its kind or address stands in."""
    written = _written(form, part)
    assert (False, True) == (_DATA in written, "[image: " in written)
    assert set() == {"image_url", "input_image", "inlineData", "source"} & {*written.split('"')}


@pytest.mark.parametrize("form", [*_WRITERS])
def test_a_picture_that_every_api_takes_is_sent(form: str) -> None:
    """A PNG's bytes stand in each form."""
    assert _DATA in _written(form, _blob("image/png"))


@pytest.mark.parametrize(("mime", "is_sent"), [("image/gif", False), ("image/heic", True), ("audio/ogg", True)])
def test_gemini_takes_other_files_than_the_others(mime: str, is_sent: bool) -> None:
    """No GIF, but what telephones make."""
    assert is_sent == (_DATA in _written("gemini", _blob(mime)))


def test_gemini_s_functions_begin_with_a_letter() -> None:
    """A call and its result have the same name, in letters that the API takes."""
    call = {"type": "tool_call", "id": "c1", "name": "9lives", "arguments": {}}
    result = {"type": "tool_call_response", "id": "c1", "response": "ok"}
    assert 2 == _written("gemini", call, result, role="assistant").count('"name": "_9lives"')


@pytest.mark.parametrize(
    ("model", "is_sent"),
    [("claude-sonnet-4-5", True), (None, True), ("gemini-2.5-pro", False), ("gpt-5", False), ("openai/o3", False)],
)
def test_a_thought_that_another_provider_signed_is_not_sent_to_anthropic(model: str | None, is_sent: bool) -> None:
    """It refuses a signature that is not its own."""
    thought = {"type": "reasoning", "content": "hm", "signature": "c2ln"}
    written = _written("anthropic", thought, {"type": "text", "content": "So."}, role="assistant", model=model)
    assert (is_sent, True) == ("c2ln" in written, "So." in written)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"a": 1}, {"a": 1}), ('{"a": 1}', {"a": 1}), (None, {}), ("", {}), ('{"a": ', {"input": '{"a": '}),
        ("await run()", {"input": "await run()"}), ([1], {"input": [1]}),
    ],
)  # fmt: skip
def test_arguments_are_an_object_in_every_form(given: Any, sent: dict[str, Any]) -> None:
    """Servers refuse a history with other arguments, a script or JSON that was cut off, with each request again."""
    call = {"type": "tool_call", "id": "c1", "name": "f", "arguments": given}
    assert sent == arguments_object(call)
    assert sent == json.loads(arguments_text(call))
