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
_JPEG, _GIF, _WEBP, _PDF, _OTHER = "/9j/4AAQ", "R0lGODlh", "UklGRgAAAABXRUJQ", "JVBERi0xLjQ=", "PHN2Zz48L3N2Zz4="
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
        _blob("image/svg+xml", _OTHER),
        _blob("image/tiff", _OTHER),
        _blob("application/zip", _OTHER),
        _blob("image/png", ""),
        _blob("image/png", "<masked>"),
        _blob("image/png", "näh="),
        _blob("image/png", _DATA[:-1]),
        _blob("image/png", _OTHER),
        _blob("application/pdf", _OTHER),
        {"type": "blob", "mime_type": "audio/wav", "content": "<masked>", "modality": "image"},
        {"type": "uri", "uri": "data:image/svg+xml,%3Csvg/%3E", "mime_type": "image/svg+xml", "modality": "image"},
        {"type": "uri", "uri": "sediment://file_1", "modality": "image"},
        {"type": "uri", "uri": "file:///home/me/x.png", "mime_type": "image/png", "modality": "image"},
    ],
)
def test_a_picture_that_no_api_takes_is_named(form: str, part: dict[str, Any]) -> None:
    """A request with it would be refused as a whole: its kind or address stands in."""
    written = _written(form, part)
    assert "[image: " in written
    assert set() == {"image_url", "input_image", "input_audio", "inlineData", "source"} & {*written.split('"')}


@pytest.mark.parametrize("form", ["openai", "responses", "anthropic"])
@pytest.mark.parametrize(
    ("content", "mime"), [(_DATA, "image/png"), (_JPEG, "image/jpeg"), (_GIF, "image/gif"), (_WEBP, "image/webp")]
)
@pytest.mark.parametrize("said", ["image/png", "image/jpg", "", "application/octet-stream"])
def test_a_picture_is_sent_as_what_it_is(form: str, content: str, mime: str, said: str) -> None:
    """A JPEG that was saved as x.png is refused as a PNG: its first bytes tell."""
    written = _written(form, _blob(said, content))
    address = {"anthropic": f'"media_type": "{mime}", "data": "{content}"'}.get(form, f"data:{mime};base64,{content}")
    assert address in written


@pytest.mark.parametrize("form", [*_WRITERS])
def test_an_address_that_holds_the_bytes_is_these(form: str) -> None:
    """A data URL: not every API takes it as an address."""
    held = {"type": "uri", "uri": f"data:image/png;base64,{_DATA}"}
    assert _written(form, _blob("image/png")) == _written(form, held)


@pytest.mark.parametrize(
    ("mime", "content", "is_sent"),
    [
        ("image/gif", _GIF, False), ("image/heic", _OTHER, True), ("audio/ogg", _OTHER, True),
        ("audio/ogg", "<masked>", False), ("image/tiff", _OTHER, False), ("application/pdf", _PDF, True),
    ],
)  # fmt: skip
def test_gemini_takes_other_files_than_the_others(mime: str, content: str, is_sent: bool) -> None:
    """No GIF, but what telephones make."""
    held = f'{{"inlineData": {{"mimeType": "{mime}", "data": "{content}"}}}}'
    assert is_sent == (held in _written("gemini", _blob(mime, content)))


def test_a_document_is_sent_to_anthropic() -> None:
    """A PDF, by its bytes or by its address."""
    source = {"type": "base64", "media_type": "application/pdf", "data": _PDF}
    assert json.dumps({"type": "document", "source": source}) in _written("anthropic", _blob("application/pdf", _PDF))
    link = {"type": "uri", "uri": "https://example.org/a", "mime_type": "application/pdf"}
    source = {"type": "url", "url": "https://example.org/a"}
    assert json.dumps({"type": "document", "source": source}) in _written("anthropic", link)


def test_a_call_that_no_gemini_signed_is_marked_as_such() -> None:
    """Gemini 3 refuses a call without a signature; of parallel ones it signs the first alone, and a real one stays."""
    calls = [{"type": "tool_call", "id": name, "name": "f", "arguments": {}} for name in "abc"]
    calls[2]["signature"] = "c2ln"
    results = [{"type": "tool_call_response", "id": name, "response": "ok"} for name in "abc"]
    said = [Step("user", None, ({"type": "text", "content": "Go."},)), Step("assistant", None, (*calls[:2],)),
            *(Step("tool", None, (result,)) for result in results[:2]), Step("assistant", None, (calls[2],)),
            Step("tool", None, (results[2],))]  # fmt: skip
    parts = [part for content in gemini_request.from_steps(said)["contents"] for part in content["parts"]]
    signed = [part.get("thoughtSignature") for part in parts if "functionCall" in part]
    assert ["skip_thought_signature_validator", None, "c2ln"] == signed
    assert {"text", "functionResponse"} == {key for part in parts if "functionCall" not in part for key in part}


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
