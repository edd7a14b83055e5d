"""The one JSON text of a value, and the hash of a message."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from chatlog.canonical import canonical_json, content_hash
from chatlog.models import text_parts

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=8,
)


def test_the_hash_depends_on_role_and_parts_alone() -> None:
    """Equal content has an equal hash, whatever the order of keys; another role or word has another."""
    parts = [{"type": "text", "content": "a"}]
    assert content_hash("user", parts) == content_hash("user", [{"content": "a", "type": "text"}])
    different = {content_hash("user", parts), content_hash("tool", parts), content_hash("user", text_parts("b"))}
    assert 3 == len(different)


def test_the_hash_is_the_documented_one() -> None:
    """It is the sha256 of `{"parts": …, "role": …}` with sorted keys and no blanks, so that others can verify it."""
    canonical = '{"parts":[{"content":"é","type":"text"}],"role":"user"}'
    assert hashlib.sha256(canonical.encode()).digest() == content_hash("user", text_parts("é"))


def test_half_a_surrogate_pair_can_be_hashed() -> None:
    """A lone surrogate, which UTF-8 cannot hold, is no reason to fail."""
    assert 32 == len(content_hash("user", text_parts("\ud800")))


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_canonical_json_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    """Equal values have equal text, and the text means the value."""
    reversed_value = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(reversed_value)
    assert value == json.loads(canonical_json(value))


def test_a_long_text_is_hashed_in_pieces_as_it_would_be_whole() -> None:
    """The hash of a text is that of its JSON, however long it is and wherever a piece ends."""
    text = ('\\ " \n \ud800 é 🙂 \x00' * 100_001)[: (1 << 20) + 7]
    assert content_hash("user", text_parts(text)) == content_hash("user", None, text)


@given(st.dictionaries(st.text(), VALUES))
def test_a_hash_does_not_depend_on_the_encoder(value: dict[str, object]) -> None:
    """Whatever writes it, what is hashed is the standard library's sorted JSON: floats, great numbers, any sign."""
    told = json.dumps({"parts": [value], "role": "user"}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest() == content_hash("user", [value])


def test_what_is_nested_deeply_is_hashed() -> None:
    """A part of hundreds of levels, more than orjson takes, has the hash that its JSON says."""
    text = '{"a":' * 400 + "1" + "}" * 400
    told = f'{{"parts":[{text}],"role":"user"}}'
    assert hashlib.sha256(told.encode()).digest() == content_hash("user", [json.loads(text)])
