"""Bodies: what was said, written once and packed so that no word is stored twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chatlog.canonical import content_hash
from chatlog.errors import UsageError
from chatlog.models import NO_WORDS, MessageDraft, Part, text_parts
from chatlog.store.sqlite import derived
from chatlog.store.sqlite.connection import MAX_TEXT_CHARS, Connection, Row
from chatlog.store.sqlite.fulltext import extra_columns

#: Strings shorter than this stay in the JSON: a reference would be as long.
_WORTH_A_REFERENCE = 32
#: SQL for the bytes of what is said in a body `b`, and of all that is kept of it; `octet_length` of a column reads the
#: row's header, not its pages.
SAID_OCTETS = "octet_length(b.text) + coalesce(octet_length(b.tool), 0) + coalesce(octet_length(b.parts), 0)"
OCTETS = f"({SAID_OCTETS} + coalesce(octet_length(b.metadata), 0))"

#: Made once, for `json.dumps` makes one a call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_strictly = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _dumps(value: object, encode: Callable[[object], str]) -> str:
    """Return the JSON that `encode` writes, by orjson where that writes the same.

    It refuses what it cannot write, except for NaN, which it writes as null: then `encode` has the word.
    """
    import orjson

    only_json = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
    try:
        written = orjson.dumps(value, option=only_json)
    except TypeError:
        return encode(value)
    return encode(value) if b"null" in written else written.decode()


class _Packer:
    """Turns parts into JSON values whose long strings are references into `text` or `tool`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.strings: list[str] = []
        self.size = 0

    def part(self, part: Part) -> Part:
        kind = part.get("type")
        return self._mapping(part, _PLACES.get(kind if isinstance(kind, str) else "", _Packer.in_tool))

    def _mapping(self, value: Mapping[str, Any], place: Place) -> dict[str, Any]:
        if not all(isinstance(key, str) for key in value):
            raise UsageError("a name in a message's part is no text", "JSON has no other names")
        return {
            "$" + key if key.startswith("$") else key: self._value(item, _Packer.as_it_is if key in NO_WORDS else place)
            for key, item in value.items()
        }

    def _value(self, value: Any, place: Place) -> Any:
        if isinstance(value, str):
            return place(self, value)
        if isinstance(value, Mapping):
            return self._mapping(value, place)
        if isinstance(value, (list, tuple)):
            return [self._value(item, place) for item in value]
        return value

    def as_it_is(self, string: str) -> Any:
        return string

    def in_text(self, string: str) -> Any:
        at = self.text.find(string) if len(string) >= _WORTH_A_REFERENCE else -1
        return string if at < 0 else {"$text": [at, at + len(string)]}

    def in_tool(self, string: str) -> Any:
        if not string:
            return string
        at = self.size
        self.strings.append(string)
        self.size += len(string) + 1
        return string if len(string) < _WORTH_A_REFERENCE else {"$tool": [at, at + len(string)]}


Place = Callable[[_Packer, str], Any]
#: Where the strings of a part go, by its type; those of any other go to the tool text.
_PLACES: dict[str, Place] = {"text": _Packer.in_text, "blob": _Packer.as_it_is}


def pack(parts: Sequence[Part] | None, text: str) -> tuple[str | None, str | None]:
    """Return the JSON of parts and the text of everything in them that is not `text`.

    A string stands in one of `text`, tool text and JSON; the JSON refers to it by its place.
    """
    if parts is None or (len(parts) == 1 and parts[0] == {"type": "text", "content": text}):
        return None, None
    packer = _Packer(text)
    packed = [packer.part(part) for part in parts]
    return _dumps(packed, _encode), "\n".join(packer.strings) or None


def unpack(packed: str | None, text: str, tool: str | None) -> tuple[Part, ...]:
    """Return the parts that `pack` packed."""
    if packed is None:
        return text_parts(text)
    if '"$' not in packed:
        return tuple(json.loads(packed))
    places = {"$text": text, "$tool": tool or ""}

    def resolve(value: dict[str, Any]) -> Any:
        if len(value) == 1:
            ((key, place),) = value.items()
            if key in places:
                return places[key][place[0] : place[1]]
        return {key[1:] if key.startswith("$$") else key: item for key, item in value.items()}

    return tuple(json.loads(packed, object_hook=resolve))


def hash_of(draft: MessageDraft) -> bytes:
    """Return the sha256 a draft's body will have."""
    return content_hash(draft.role, draft.parts, draft.text)


_INSERT = """INSERT INTO bodies (id, user, author, text, tool, parts, extra, tool_extra, metadata, sha256)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def insert(connection: Connection, user: str, draft: MessageDraft, digest: bytes) -> int:
    """Store a body and return its id.  The caller indexes it, in the same transaction."""
    return connection.execute(_INSERT, (None, *row_of(user, draft, digest))).lastrowid


def insert_many(connection: Connection, rows: Sequence[Row]) -> None:
    """Store the rows of many bodies, each with its id first, from `next_id` on."""
    connection.executemany(_INSERT, rows)


def next_id(connection: Connection) -> int:
    """Return the id that the next body will have; it stays so until the caller's write transaction ends."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'bodies'").fetchone()
    return row[0] + 1 if row else 1


def row_of(user: str, draft: MessageDraft, digest: bytes) -> Row:
    """Return the columns of a draft's body but for its id."""
    packed, tool = pack(draft.parts, draft.text)
    if len(draft.text) + len(packed or "") + len(tool or "") > MAX_TEXT_CHARS:
        raise UsageError("a message of more than 250 million characters cannot be stored", "split it")
    extra = extra_columns(draft.text, tool)
    return (user, draft.author, draft.text, tool, packed, *extra, dump(draft.metadata), digest)


def dump(values: Mapping[str, Any]) -> str | None:
    """Return the JSON of metadata, None where there is none."""
    if not values:
        return None
    try:
        return _dumps(dict(values), _encode_strictly)
    except (TypeError, ValueError):
        raise UsageError("the metadata is not what JSON can hold") from None


def release(connection: Connection, ids: Iterable[int]) -> None:
    """Delete those bodies that no message stands on any more, with all that is derived from them."""
    standing = "SELECT 1 FROM messages WHERE body = ? LIMIT 1"
    gone = [body for body in ids if connection.execute(standing, (body,)).fetchone() is None]
    derived.forget(connection, gone)
    connection.executemany("DELETE FROM bodies WHERE id = ?", [(body,) for body in gone])
