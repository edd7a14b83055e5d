"""The one JSON text of a value, and the hash that tells whether two messages say the same.

Equal values have equal text on every platform: the standard library's encoder defines it, and orjson, many times
faster, is used for values that it writes alike.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from json.encoder import encode_basestring
from typing import Any

from chatlog.errors import UsageError
from chatlog.models import Part

#: One encoder, for `json.dumps` makes one a call.
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode
#: Texts longer than this are hashed in pieces.
_PIECE = 1 << 20
#: What is nested more deeply is left to the standard library's encoder.
_DEPTH = 100


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and no blanks: equal values, equal text.  Raises UsageError for what is no JSON."""
    try:
        return _encode(value)
    except (TypeError, ValueError):
        raise UsageError("a value is not one that JSON can hold") from None


def kept_json(value: object) -> str:
    """Return JSON in the letters that it has, so that a word is found in it; what is no UTF-8 stays as escapes."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written.encode("utf-8", "backslashreplace").decode("utf-8")


def parsed(text: str) -> Any:
    """Return the value of JSON.  Raises ValueError for what is none, as NaN and Infinity are."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def content_hash(role: str, parts: Sequence[Part] | None, text: str = "") -> bytes:
    """Return the sha256 of a message's canonical role and parts; without parts, of its text as the only one."""
    from hashlib import sha256  # it brings OpenSSL, which reading needs not

    if parts is not None:
        canonical = _canonical_bytes({"role": role, "parts": list(parts)})
    elif len(text) <= _PIECE:  # most messages: the same JSON, put together without an encoder
        written = f'{{"parts":[{{"content":{encode_basestring(text)},"type":"text"}}],"role":"{role}"}}'
        canonical = written.encode("utf-8", "surrogatepass")
    else:
        return _hash_of_long(role, text)
    return sha256(canonical).digest()


def _canonical_bytes(value: object) -> bytes:
    """Return canonical JSON in UTF-8."""
    if _is_written_alike(value, _DEPTH):
        import orjson

        with suppress(TypeError):  # half a surrogate pair, a whole number of more than 64 bits
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return canonical_json(value).encode("utf-8", "surrogatepass")


def _is_written_alike(value: Any, depth: int) -> bool:
    """Whether orjson writes a value as the standard encoder does, or refuses it: not so floats and what is no JSON."""
    kind = type(value)
    if kind is dict:
        if any(type(key) is not str for key in value):
            return False
        value = value.values()
    elif kind is not list and kind is not tuple:
        return kind is str or kind is int or kind is bool or value is None
    return depth > 0 and all(_is_written_alike(item, depth - 1) for item in value)


def _hash_of_long(role: str, text: str) -> bytes:
    """Return the same hash of a text too long to be copied whole."""
    from hashlib import sha256

    digest = sha256(b'{"parts":[{"content":"')
    for start in range(0, len(text), _PIECE):
        piece = encode_basestring(text[start : start + _PIECE])
        digest.update(piece[1:-1].encode("utf-8", "surrogatepass"))
    digest.update(f'","type":"text"}}],"role":"{role}"}}'.encode())
    return digest.digest()
